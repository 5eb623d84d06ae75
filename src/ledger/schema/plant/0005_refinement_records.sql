-- What refinement leaves behind to be looked up: what left the plant, how good each day's data was,
-- and which stretches of history were refined again.

-- One row for each time data went to somebody outside; never changed, never removed.
CREATE TABLE disclosures (
    number    INTEGER PRIMARY KEY NOT NULL CHECK (number >= 1),
    time_ns   INTEGER NOT NULL,                                                  -- When it left.
    recipient TEXT    NOT NULL CHECK (length(recipient) BETWEEN 1 AND 256),
    channel   TEXT    NOT NULL CHECK (length(channel) BETWEEN 1 AND 64),         -- "export", "mqtt"
    purpose   TEXT    NOT NULL CHECK (length(purpose) <= 1024),
    actor     TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 256),          -- Who sent it.
    method    TEXT    NOT NULL CHECK (length(method) BETWEEN 1 AND 4096),        -- "none", "a.name=pseudonym"
    tags      TEXT    NOT NULL CHECK (length(tags) BETWEEN 1 AND 65536),         -- Names, by blanks.
    from_ns   INTEGER NOT NULL,                                                  -- [from, to) of the data.
    to_ns     INTEGER NOT NULL CHECK (to_ns >= from_ns),
    rows      INTEGER NOT NULL CHECK (rows >= 0)
) STRICT;
CREATE INDEX disclosures_by_recipient ON disclosures (recipient, number);

CREATE TRIGGER disclosures_are_never_changed BEFORE UPDATE ON disclosures
BEGIN
    SELECT RAISE(ABORT, 'what left the plant is never rewritten');
END;
CREATE TRIGGER disclosures_are_never_removed BEFORE DELETE ON disclosures
BEGIN
    SELECT RAISE(ABORT, 'what left the plant is never removed');
END;

-- Scores of 0 to 100; NULL: does not apply to this tag. docs/FORMATS.md tells what each means.
CREATE TABLE quality_days (
    day         TEXT    NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    tag         INTEGER NOT NULL REFERENCES tags (number),
    rows        INTEGER NOT NULL CHECK (rows >= 0),
    score       REAL    NOT NULL CHECK (score BETWEEN 0 AND 100),
    gaps        REAL CHECK (gaps BETWEEN 0 AND 100),
    stuck       REAL CHECK (stuck BETWEEN 0 AND 100),
    in_range    REAL CHECK (in_range BETWEEN 0 AND 100),
    duplicates  REAL CHECK (duplicates BETWEEN 0 AND 100),
    clock       REAL CHECK (clock BETWEEN 0 AND 100),
    gap_ns      INTEGER NOT NULL CHECK (gap_ns >= 0),                            -- Time without data.
    stuck_ns    INTEGER NOT NULL CHECK (stuck_ns >= 0),
    outside     INTEGER NOT NULL CHECK (outside >= 0),                           -- Rows.
    repeated    INTEGER NOT NULL CHECK (repeated >= 0),
    late        INTEGER NOT NULL CHECK (late >= 0),
    computed_ns INTEGER NOT NULL,
    PRIMARY KEY (day, tag)
) STRICT, WITHOUT ROWID;

-- Runs of `maru rerefine`: explicit, recorded, reversible.
CREATE TABLE rerefinements (
    id          INTEGER PRIMARY KEY NOT NULL CHECK (id >= 1),
    time_ns     INTEGER NOT NULL,
    actor       TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 256),
    tag         INTEGER NOT NULL REFERENCES tags (number),
    from_ns     INTEGER NOT NULL,
    to_ns       INTEGER NOT NULL CHECK (to_ns >= from_ns),
    rule        TEXT    NOT NULL CHECK (length(rule) <= 65536),                  -- The rule applied, as JSON.
    rule_before TEXT    CHECK (length(rule_before) <= 65536),                    -- Of the run before; NULL: none.
    rows_read   INTEGER NOT NULL CHECK (rows_read >= 0),
    changed     INTEGER NOT NULL CHECK (changed >= 0),                           -- Rows with a new version.
    omitted     INTEGER NOT NULL CHECK (omitted >= 0),                           -- Rows the rules would omit; kept.
    corrected   INTEGER NOT NULL CHECK (corrected >= 0),                         -- Rows under a correction; untouched.
    skipped     INTEGER NOT NULL CHECK (skipped >= 0),                           -- Undo: rows changed since; untouched.
    undoes      INTEGER REFERENCES rerefinements (id),                           -- NULL: not an undo.
    finished    INTEGER NOT NULL CHECK (finished IN (0, 1))                      -- 0: begun, cut short.
) STRICT;
CREATE INDEX rerefinements_by_tag ON rerefinements (tag, id);

-- What a run changed: version before and after of each row, in parts of at most 4,096 rows.
CREATE TABLE rerefinement_rows (
    id   INTEGER NOT NULL REFERENCES rerefinements (id),
    part INTEGER NOT NULL CHECK (part >= 0),
    rows BLOB    NOT NULL CHECK (length(rows) BETWEEN 1 AND 67108864),
    PRIMARY KEY (id, part)
) STRICT, WITHOUT ROWID;
