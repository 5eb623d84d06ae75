-- Performance indicators. A definition is never overwritten: each change is a revision, and a month
-- says by which one it came about. A month that is closed by the program keeps its value.
CREATE TABLE indicators (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    revision   INTEGER NOT NULL,                        -- The newest.
    removed_ns INTEGER                                  -- NULL: in use.
) STRICT;
CREATE TABLE indicator_revisions (
    number          INTEGER NOT NULL REFERENCES indicators (number),
    revision        INTEGER NOT NULL,
    changed_ns      INTEGER NOT NULL,
    actor           TEXT    NOT NULL,
    effect          TEXT    NOT NULL,                   -- productivity, quality, cost, ...
    name            TEXT    NOT NULL CHECK (length(name) > 0),
    unit            TEXT    NOT NULL,
    better          TEXT    NOT NULL CHECK (better IN ('higher', 'lower')),
    weight          REAL    NOT NULL,
    baseline        REAL,                               -- NULL: not known.
    baseline_from   TEXT    NOT NULL,                   -- 2026-01-31, or ''.
    baseline_to     TEXT    NOT NULL,
    baseline_source TEXT    NOT NULL,
    target          REAL,
    target_date     TEXT    NOT NULL,
    formula         TEXT    NOT NULL,                   -- '': values are typed.
    since           TEXT    NOT NULL,                   -- First month that is computed, 2026-01.
    note            TEXT    NOT NULL,
    PRIMARY KEY (number, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE indicator_values (
    number     INTEGER NOT NULL REFERENCES indicators (number),
    month      TEXT    NOT NULL CHECK (length(month) = 7),
    revision   INTEGER NOT NULL,                        -- By which it came about.
    value      REAL,                                    -- NULL: there is none; derivation says why.
    closed     INTEGER NOT NULL,                        -- 1: computed after the end; stays.
    derivation TEXT    NOT NULL,                        -- JSON; '': typed.
    source     TEXT    NOT NULL,                        -- Of a typed value, in words.
    file       TEXT    NOT NULL,                        -- The number of a deliverable, or ''.
    actor      TEXT    NOT NULL,                        -- Who typed it; '': the program.
    entered_ns INTEGER NOT NULL,
    PRIMARY KEY (number, month)
) STRICT, WITHOUT ROWID;
