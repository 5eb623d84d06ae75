-- Quality: inspections, non-conformities, corrective actions, what was typed and may be wrong.
-- Columns _u are whole millionths of the characteristic's or the item's unit, _ns nanoseconds since 1970 UTC.

-- How often an inspection in process is due; both empty: once for each operation.
ALTER TABLE inspection_plans ADD COLUMN every_pieces INTEGER;
ALTER TABLE inspection_plans ADD COLUMN every_minutes INTEGER;

-- One inspection. A corrected one stays; the newest that nothing corrects is the one that holds.
CREATE TABLE inspections (
    number    INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind      TEXT    NOT NULL CHECK (kind IN ('incoming', 'first', 'in_process', 'final')),
    item      INTEGER NOT NULL REFERENCES items (number),
    lot       INTEGER REFERENCES lots (number),
    operation INTEGER REFERENCES operations (number),
    machine   INTEGER REFERENCES machines (number),
    worker    INTEGER REFERENCES workers (number),
    time_ns   INTEGER NOT NULL,
    result    TEXT    NOT NULL CHECK (result IN ('pass', 'fail', 'conditional')),
    gauge     TEXT    NOT NULL,                         -- What was measured with.
    why       TEXT    NOT NULL,                         -- Of a conditional acceptance or a correction.
    note      TEXT    NOT NULL,
    corrects  INTEGER UNIQUE REFERENCES inspections (number),
    event     INTEGER NOT NULL,
    actor     TEXT    NOT NULL
) STRICT;
CREATE INDEX inspections_by_lot ON inspections (lot, kind, time_ns) WHERE lot IS NOT NULL;
CREATE INDEX inspections_by_operation ON inspections (operation, kind, time_ns) WHERE operation IS NOT NULL;
CREATE INDEX inspections_by_time ON inspections (time_ns);

-- Each value as a chart reads it: a characteristic's subgroups by time, with the limits that held then.
CREATE TABLE inspection_values (
    inspection INTEGER NOT NULL REFERENCES inspections (number),
    plan       INTEGER NOT NULL REFERENCES inspection_plans (number),
    sample     INTEGER NOT NULL,                        -- 1, 2, ... of the subgroup.
    time_ns    INTEGER NOT NULL,                        -- When it was measured.
    value_u    INTEGER,                                 -- NULL: judged, not measured.
    lower_u    INTEGER,
    upper_u    INTEGER,
    pass       INTEGER NOT NULL CHECK (pass IN (0, 1)),
    source     TEXT    NOT NULL CHECK (source IN ('typed', 'gauge', 'tag', 'judged')),
    PRIMARY KEY (inspection, plan, sample)
) STRICT, WITHOUT ROWID;
CREATE INDEX inspection_values_by_plan ON inspection_values (plan, time_ns, sample);

CREATE TABLE nonconformances (
    number      INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    item        INTEGER REFERENCES items (number),
    lot         INTEGER REFERENCES lots (number),
    operation   INTEGER REFERENCES operations (number),
    machine     INTEGER REFERENCES machines (number),
    inspection  INTEGER REFERENCES inspections (number), -- That failed.
    reason      INTEGER REFERENCES reasons (number),
    quantity_u  INTEGER,                                -- NULL: not known.
    description TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('open', 'decided', 'closed', 'withdrawn')),
    holds       INTEGER NOT NULL,                       -- 1: its lot is held for it.
    worker      INTEGER REFERENCES workers (number),
    time_ns     INTEGER NOT NULL,
    closed_ns   INTEGER,
    event       INTEGER NOT NULL,
    actor       TEXT    NOT NULL
) STRICT;
CREATE INDEX nonconformances_by_state ON nonconformances (state, number);
CREATE INDEX nonconformances_by_lot ON nonconformances (lot) WHERE lot IS NOT NULL;
-- What was decided on it: several, until nothing is left to decide.
CREATE TABLE nonconformance_decisions (
    number         INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    nonconformance INTEGER NOT NULL REFERENCES nonconformances (number),
    decision       TEXT    NOT NULL CHECK (decision IN ('use_as_is', 'rework', 'scrap', 'return', 'sort')),
    quantity_u     INTEGER,                             -- NULL: all there is.
    why            TEXT    NOT NULL,
    time_ns        INTEGER NOT NULL,
    event          INTEGER NOT NULL,
    actor          TEXT    NOT NULL                     -- Who approved it.
) STRICT;
CREATE INDEX nonconformance_decisions_by_one ON nonconformance_decisions (nonconformance);
CREATE TABLE corrective_actions (
    number         INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    nonconformance INTEGER NOT NULL REFERENCES nonconformances (number),
    cause          TEXT    NOT NULL,
    measure        TEXT    NOT NULL,
    worker         INTEGER NOT NULL REFERENCES workers (number), -- Who sees to it.
    due            TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('open', 'done', 'effective')),
    done_ns        INTEGER,
    done_note      TEXT    NOT NULL,
    checked_ns     INTEGER,
    check_note     TEXT    NOT NULL,
    event          INTEGER NOT NULL,
    actor          TEXT    NOT NULL
) STRICT;
CREATE INDEX corrective_actions_by_one ON corrective_actions (nonconformance);
CREATE INDEX corrective_actions_by_state ON corrective_actions (state, due);

-- Photos and certificates of a non-conformity. The bytes lie in the folder papers under their SHA-256.
CREATE TABLE attachments (
    number         INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    nonconformance INTEGER NOT NULL REFERENCES nonconformances (number),
    name           TEXT    NOT NULL,                    -- Of the file, as it came.
    size           INTEGER NOT NULL,                    -- Bytes.
    sha256         TEXT    NOT NULL CHECK (length(sha256) = 64),
    added_ns       INTEGER NOT NULL,
    actor          TEXT    NOT NULL
) STRICT;
CREATE INDEX attachments_by_one ON attachments (nonconformance);
CREATE INDEX attachments_by_bytes ON attachments (sha256);

-- What was told without anybody there to ask, and may be wrong: it waits until somebody decides.
CREATE TABLE doubtful_events (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    key        TEXT    NOT NULL UNIQUE,
    type       TEXT    NOT NULL,
    time_ns    INTEGER NOT NULL,
    entered_ns INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    terminal   TEXT    NOT NULL,
    body       TEXT    NOT NULL,                        -- As it came, with workers by their code.
    digest     INTEGER NOT NULL,                        -- Of what came, as in production_events.
    why_en     TEXT    NOT NULL,
    why_ko     TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('open', 'done', 'dropped')),
    decided_by TEXT    NOT NULL,
    decided_ns INTEGER,
    event      INTEGER                                  -- That it became.
) STRICT;
CREATE INDEX doubtful_events_by_state ON doubtful_events (state, number);
