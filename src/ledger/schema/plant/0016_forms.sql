-- Moulds at work, care and repair of equipment, and papers of the shop floor as rows.

-- Where a mould is mounted; the open row is the present one.
CREATE TABLE mould_mounts (
    number   INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    mould    INTEGER NOT NULL REFERENCES moulds (number),
    machine  INTEGER NOT NULL REFERENCES machines (number),
    begin_ns INTEGER NOT NULL,
    end_ns   INTEGER CHECK (end_ns >= begin_ns),
    event    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX mould_mounts_one_at_a_time ON mould_mounts (mould) WHERE end_ns IS NULL;
CREATE UNIQUE INDEX mould_mounts_one_on_a_machine ON mould_mounts (machine) WHERE end_ns IS NULL;
-- Open cavities from a moment to the next row's.
CREATE TABLE mould_cavities (
    number   INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    mould    INTEGER NOT NULL REFERENCES moulds (number),
    time_ns  INTEGER NOT NULL,
    cavities INTEGER NOT NULL CHECK (cavities >= 0),
    why      TEXT    NOT NULL,
    event    INTEGER NOT NULL
) STRICT;
CREATE INDEX mould_cavities_by_mould ON mould_cavities (mould, time_ns);
-- Corrections of counted shots; what was counted stays.
CREATE TABLE mould_shots (
    number  INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    mould   INTEGER NOT NULL REFERENCES moulds (number),
    time_ns INTEGER NOT NULL,
    shots   INTEGER NOT NULL,                           -- Added; below 0 takes away.
    why     TEXT    NOT NULL,
    event   INTEGER NOT NULL
) STRICT;
CREATE INDEX mould_shots_by_mould ON mould_shots (mould, time_ns);
-- Not to be used, because somebody says so.
CREATE TABLE mould_blocks (
    mould   INTEGER PRIMARY KEY NOT NULL REFERENCES moulds (number),
    why     TEXT    NOT NULL,
    time_ns INTEGER NOT NULL,
    event   INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_by_mould ON runs (mould, begin_ns) WHERE mould IS NOT NULL;
-- Strokes of each run: what `made` sums to, kept beside it, since a mould's life is years of minutes.
CREATE TABLE run_counts (
    run    INTEGER PRIMARY KEY NOT NULL,
    counts INTEGER NOT NULL
) STRICT;
INSERT INTO run_counts (run, counts) SELECT run, sum(counts) FROM made WHERE run <> 0 GROUP BY run;
CREATE TRIGGER made_comes AFTER INSERT ON made WHEN NEW.run <> 0
BEGIN
    INSERT INTO run_counts (run, counts) VALUES (NEW.run, NEW.counts)
        ON CONFLICT (run) DO UPDATE SET counts = counts + excluded.counts;
END;
CREATE TRIGGER made_goes AFTER DELETE ON made WHEN OLD.run <> 0
BEGIN
    UPDATE run_counts SET counts = counts - OLD.counts WHERE run = OLD.run;
END;
CREATE TRIGGER made_changes AFTER UPDATE OF run, counts ON made
BEGIN
    UPDATE run_counts SET counts = counts - OLD.counts WHERE run = OLD.run;
    INSERT INTO run_counts (run, counts) SELECT NEW.run, NEW.counts WHERE NEW.run <> 0
        ON CONFLICT (run) DO UPDATE SET counts = counts + excluded.counts;
END;

-- ---- Papers of the shop floor. Fields and their rules stand in production/nouns.def. ----

CREATE TABLE forms (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    every      TEXT    NOT NULL,                        -- shift, day, order, lot, asked
    per        TEXT    NOT NULL,                        -- machine, plant
    workcentre INTEGER REFERENCES workcentres (number),
    machine    INTEGER REFERENCES machines (number),
    active     INTEGER NOT NULL,
    note       TEXT    NOT NULL
) STRICT;
CREATE TABLE form_fields (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    form       INTEGER NOT NULL REFERENCES forms (number),
    field      TEXT    NOT NULL,                        -- Its name for ever; `name` may change.
    line       INTEGER NOT NULL,                        -- Its place on the paper.
    name       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    unit       TEXT    NOT NULL,
    lower      REAL,
    upper      REAL,
    choices    TEXT    NOT NULL,                        -- By |.
    tag        INTEGER REFERENCES tags (number),
    needed     INTEGER NOT NULL,
    note       TEXT    NOT NULL,
    UNIQUE (form, field)
) STRICT;
-- What a form was when entries were filled in: made with the first entry after a change.
CREATE TABLE form_versions (
    number  INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    form    INTEGER NOT NULL REFERENCES forms (number),
    version INTEGER NOT NULL,
    made_ns INTEGER NOT NULL,
    body    TEXT    NOT NULL,                           -- JSON: name and fields.
    UNIQUE (form, version)
) STRICT;
CREATE TABLE form_entries (
    number      INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    form        INTEGER NOT NULL REFERENCES forms (number),
    version     INTEGER NOT NULL REFERENCES form_versions (number),
    time_ns     INTEGER NOT NULL,
    entered_ns  INTEGER NOT NULL,
    day         TEXT    NOT NULL,                       -- The production day it is for.
    shift       TEXT    NOT NULL,                       -- Code; '': of the day.
    machine     INTEGER REFERENCES machines (number),
    work_order  INTEGER REFERENCES work_orders (number),
    lot         INTEGER REFERENCES lots (number),
    worker      INTEGER REFERENCES workers (number),
    actor       TEXT    NOT NULL,
    outside     INTEGER NOT NULL,                       -- How many values are outside their limits or not in order.
    replaces    INTEGER UNIQUE REFERENCES form_entries (number),
    replaced_by INTEGER REFERENCES form_entries (number),
    why         TEXT    NOT NULL,                       -- Of a correction.
    event       INTEGER NOT NULL
) STRICT;
CREATE INDEX form_entries_by_form ON form_entries (form, number);
CREATE INDEX form_entries_by_day ON form_entries (day, form);
CREATE INDEX form_entries_by_order ON form_entries (work_order, form) WHERE work_order IS NOT NULL;
CREATE INDEX form_entries_by_lot ON form_entries (lot, form) WHERE lot IS NOT NULL;
CREATE TABLE form_values (
    entry   INTEGER NOT NULL REFERENCES form_entries (number),
    field   TEXT    NOT NULL,
    value   TEXT    NOT NULL,                           -- As a person reads it.
    real    REAL,                                       -- Of numbers.
    outside INTEGER NOT NULL,
    PRIMARY KEY (entry, field)
) STRICT, WITHOUT ROWID;
-- One row a value, for those who ask in SQL.
CREATE VIEW form_rows AS
    SELECT e.number AS entry, f.code AS form, v.version AS version, e.time_ns AS time_ns, e.day AS day, e.shift AS shift,
           a.id AS machine, w.code AS work_order, l.code AS lot, k.code AS worker, e.actor AS actor,
           e.replaced_by IS NOT NULL AS replaced, x.field AS field, x.value AS value, x.real AS real, x.outside AS outside
    FROM form_entries e
    JOIN forms f ON f.number = e.form
    JOIN form_versions v ON v.number = e.version
    JOIN form_values x ON x.entry = e.number
    LEFT JOIN machines m ON m.number = e.machine
    LEFT JOIN assets a ON a.number = m.asset
    LEFT JOIN work_orders w ON w.number = e.work_order
    LEFT JOIN lots l ON l.number = e.lot
    LEFT JOIN workers k ON k.number = e.worker;

-- ---- Care and repair ----

CREATE TABLE care_plans (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    machine    INTEGER REFERENCES machines (number),
    mould      INTEGER REFERENCES moulds (number),
    every      INTEGER NOT NULL,
    basis      TEXT    NOT NULL,                        -- days, weeks, months, hours, shots
    tolerance  INTEGER,                                 -- In the same; of weeks and months in days.
    start      TEXT    NOT NULL,                        -- Counted from, until it was done once.
    worker     INTEGER REFERENCES workers (number),
    form       INTEGER REFERENCES forms (number),       -- Its check-list.
    minutes    INTEGER,
    active     INTEGER NOT NULL,
    note       TEXT    NOT NULL
) STRICT;
CREATE TABLE machine_papers (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    machine    INTEGER NOT NULL REFERENCES machines (number),
    name       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,                        -- manual, drawing, certificate, contract, other
    address    TEXT    NOT NULL,                        -- Where it is: a link, a folder, a shelf.
    until      TEXT    NOT NULL,                        -- Of a certificate or contract.
    note       TEXT    NOT NULL,
    UNIQUE (machine, name)
) STRICT;
-- Plan NULL: the care that a mould itself asks for (shots_care).
CREATE TABLE care_done (
    number  INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    plan    INTEGER REFERENCES care_plans (number),
    machine INTEGER REFERENCES machines (number),
    mould   INTEGER REFERENCES moulds (number),
    time_ns INTEGER NOT NULL,
    worker  INTEGER REFERENCES workers (number),
    minutes INTEGER,
    entry   INTEGER REFERENCES form_entries (number),
    parts   TEXT    NOT NULL,
    note    TEXT    NOT NULL,
    event   INTEGER NOT NULL
) STRICT;
CREATE INDEX care_done_by_plan ON care_done (plan, time_ns);
CREATE INDEX care_done_by_mould ON care_done (mould, time_ns);
CREATE TABLE repairs (
    number    INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    machine   INTEGER REFERENCES machines (number),
    mould     INTEGER REFERENCES moulds (number),
    state     TEXT    NOT NULL CHECK (state IN ('asked', 'begun', 'done', 'dropped')),
    text      TEXT    NOT NULL,                         -- What is wrong.
    stands    INTEGER NOT NULL,                         -- 1: it cannot work until it is done.
    stop      INTEGER REFERENCES stops (number),
    asked_ns  INTEGER NOT NULL,
    asker     INTEGER REFERENCES workers (number),
    begun_ns  INTEGER,
    done_ns   INTEGER,
    worker    INTEGER REFERENCES workers (number),      -- Who repairs.
    cause     TEXT    NOT NULL,
    what      TEXT    NOT NULL,                         -- What was done.
    minutes   INTEGER,
    cost_u    INTEGER,
    parts     TEXT    NOT NULL,
    actor     TEXT    NOT NULL,
    event     INTEGER NOT NULL
) STRICT;
CREATE INDEX repairs_by_machine ON repairs (machine, asked_ns);
CREATE INDEX repairs_by_mould ON repairs (mould, asked_ns);
