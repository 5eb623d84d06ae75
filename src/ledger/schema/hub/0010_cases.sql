-- The programme desk (docs/PROGRAMME.md): programmes as they were at each time, their calls, the cases
-- and every step of them. What is told is appended; `cases` is what it adds up to and can be made again.

CREATE TABLE programme_version (
    programme TEXT    NOT NULL CHECK (length(programme) BETWEEN 1 AND 64),
    version   INTEGER NOT NULL CHECK (version >= 1),
    sha256    TEXT    NOT NULL CHECK (length(sha256) = 64),          -- Of the JSON.
    json      TEXT    NOT NULL CHECK (length(json) <= 1048576),
    from_ns   INTEGER NOT NULL,
    by        TEXT    NOT NULL CHECK (length(by) BETWEEN 1 AND 64),  -- User id; "maru": as it ships.
    PRIMARY KEY (programme, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE programme_call (
    programme    TEXT    NOT NULL CHECK (length(programme) BETWEEN 1 AND 64),
    number       INTEGER NOT NULL CHECK (number >= 1),               -- A call may come again.
    state        TEXT    NOT NULL CHECK (state IN ('announced', 'closed')),
    budget_won   INTEGER CHECK (budget_won >= 0),                    -- NULL: the operator gave none.
    announced_ns INTEGER NOT NULL,
    announced_by TEXT    NOT NULL,
    closed_ns    INTEGER,
    closed_by    TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (programme, number)
) STRICT, WITHOUT ROWID;

-- Who is what in a programme; '*': in all of them.
CREATE TABLE programme_role (
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    programme  TEXT    NOT NULL CHECK (length(programme) BETWEEN 1 AND 64),
    role       TEXT    NOT NULL CHECK (role IN ('officer', 'evaluator', 'applicant', 'supplier', 'auditor')),
    given_by   TEXT    NOT NULL CHECK (length(given_by) BETWEEN 1 AND 64),
    created_ns INTEGER NOT NULL,
    PRIMARY KEY (user_id, programme, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX programme_role_by_programme ON programme_role (programme);

CREATE TABLE cases (
    id           TEXT    PRIMARY KEY NOT NULL CHECK (length(id) = 36), -- UUIDv7.
    number       TEXT    NOT NULL UNIQUE,                              -- As people call it.
    programme    TEXT    NOT NULL,
    version      INTEGER NOT NULL,                                     -- Of the rules, for good.
    call         INTEGER NOT NULL,
    organisation TEXT    NOT NULL DEFAULT '',                          -- Of the applicant; an id of `organisations`.
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 256),
    corporation  TEXT    NOT NULL DEFAULT '',                          -- Its number.
    type         TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    step         TEXT    NOT NULL,
    due          TEXT    NOT NULL DEFAULT '9999-12-31',                -- Local day; no due day comes last.
    opened_ns    INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,                                     -- Of the newest event.
    agreed_won   INTEGER NOT NULL DEFAULT 0 CHECK (agreed_won >= 0),
    paid_won     INTEGER NOT NULL DEFAULT 0 CHECK (paid_won >= 0),
    reserved_won INTEGER NOT NULL DEFAULT 0 CHECK (reserved_won >= 0), -- What it takes of the call's budget.
    facts        TEXT    NOT NULL,                                     -- JSON: what the events add up to.
    FOREIGN KEY (programme, version) REFERENCES programme_version (programme, version),
    FOREIGN KEY (programme, call) REFERENCES programme_call (programme, number)
) STRICT;
CREATE INDEX cases_by_due ON cases (due, id);
CREATE INDEX cases_by_programme ON cases (programme, call, step, state);
CREATE INDEX cases_by_budget ON cases (programme, call, reserved_won);
CREATE INDEX cases_by_organisation ON cases (organisation, due, id);

-- Appended, never changed.
CREATE TABLE case_event (
    case_id  TEXT    NOT NULL REFERENCES cases (id),
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    time_ns  INTEGER NOT NULL,                                         -- Entered.
    at       TEXT    NOT NULL,                                         -- Happened, local.
    step     TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    actor    TEXT    NOT NULL,                                         -- User or token id.
    role     TEXT    NOT NULL,                                         -- In which the actor did it.
    reason   TEXT    NOT NULL DEFAULT '',
    payload  TEXT    NOT NULL,                                         -- JSON as it was told.
    answer   TEXT    NOT NULL,                                         -- JSON: what the rules said.
    effect   TEXT    NOT NULL,                                         -- JSON: what it changes in the facts.
    key      TEXT,                                                     -- Of the sender: told twice, done once.
    audit    INTEGER NOT NULL,                                         -- Its place in the audit chain.
    PRIMARY KEY (case_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX case_event_key ON case_event (actor, key) WHERE key IS NOT NULL;

CREATE TABLE case_document (
    case_id  TEXT    NOT NULL,
    sequence INTEGER NOT NULL,                                         -- Of the event that filed it.
    place    INTEGER NOT NULL,                                         -- In that event.
    id       TEXT    NOT NULL,                                         -- As the programme calls it.
    name     TEXT    NOT NULL DEFAULT '',
    issued   TEXT    NOT NULL DEFAULT '',
    sha256   TEXT    NOT NULL DEFAULT '',
    size     INTEGER NOT NULL DEFAULT 0 CHECK (size >= 0),
    PRIMARY KEY (case_id, sequence, place),
    FOREIGN KEY (case_id, sequence) REFERENCES case_event (case_id, sequence)
) STRICT, WITHOUT ROWID;

-- Who evaluates what; the sheets themselves are events.
CREATE TABLE case_evaluator (
    case_id   TEXT    NOT NULL REFERENCES cases (id),
    user_id   TEXT    NOT NULL,
    conflict  TEXT    NOT NULL DEFAULT 'unknown' CHECK (conflict IN ('unknown', 'no', 'yes')), -- As declared.
    submitted INTEGER NOT NULL DEFAULT 0 CHECK (submitted IN (0, 1)),
    PRIMARY KEY (case_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_evaluator_by_user ON case_evaluator (user_id);

-- Whose case it is besides: organisations of the consortium.
CREATE TABLE case_party (
    organisation TEXT NOT NULL,
    case_id      TEXT NOT NULL REFERENCES cases (id),
    PRIMARY KEY (organisation, case_id)
) STRICT, WITHOUT ROWID;

-- Rankings of a call: what was asked, and the answer.
CREATE TABLE programme_ranking (
    programme TEXT    NOT NULL,
    call      INTEGER NOT NULL,
    number    INTEGER NOT NULL CHECK (number >= 1),
    time_ns   INTEGER NOT NULL,
    by        TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    input     TEXT    NOT NULL,                                        -- JSON.
    answer    TEXT    NOT NULL,                                        -- JSON.
    audit     INTEGER NOT NULL DEFAULT 0,                              -- Its place in the audit chain.
    PRIMARY KEY (programme, call, number)
) STRICT, WITHOUT ROWID;
