-- One plant: its equipment, where its data comes from, and what was counted. Numbers are given
-- once, without gaps, and never reused: samples in the historian know their tag by number only.

-- ISA-95 equipment tree.
CREATE TABLE assets (
    number  INTEGER PRIMARY KEY NOT NULL CHECK (number >= 1),
    id      TEXT    NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64 AND id NOT GLOB '*[^A-Za-z0-9_-]*'),
    parent  INTEGER REFERENCES assets (number) CHECK (parent <> number),         -- NULL: top.
    level   TEXT    NOT NULL CHECK (level IN ('site', 'area', 'line', 'equipment')),
    display TEXT    NOT NULL CHECK (length(display) <= 256),
    kind    TEXT    NOT NULL CHECK (length(kind) <= 64),                         -- Picture class.
    x       REAL,                                                                -- NULL: placed by order.
    y       REAL
) STRICT;
CREATE INDEX assets_by_parent ON assets (parent);

CREATE TABLE devices (
    number    INTEGER PRIMARY KEY NOT NULL CHECK (number >= 1),
    id        TEXT    NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64 AND id NOT GLOB '*[^A-Za-z0-9_-]*'),
    display   TEXT    NOT NULL CHECK (length(display) <= 256),
    driver    TEXT    NOT NULL CHECK (length(driver) BETWEEN 1 AND 64),
    address   TEXT    NOT NULL CHECK (length(address) <= 1024),
    options   TEXT    NOT NULL CHECK (length(options) <= 1024),
    period_ns INTEGER NOT NULL CHECK (period_ns > 0),
    enabled   INTEGER NOT NULL CHECK (enabled IN (0, 1))
) STRICT;

CREATE TABLE tags (
    number         INTEGER PRIMARY KEY NOT NULL CHECK (number >= 1),
    name           TEXT    NOT NULL UNIQUE
                           CHECK (length(name) BETWEEN 1 AND 259 AND name NOT GLOB '*[^A-Za-z0-9_.-]*'),
    type           TEXT    NOT NULL CHECK (type IN ('f64', 'i64', 'bool', 'text')),
    kind           TEXT    NOT NULL CHECK (kind IN ('measurement', 'counter', 'state', 'setpoint')),
    display        TEXT    NOT NULL CHECK (length(display) <= 256),
    unit           TEXT    NOT NULL CHECK (length(unit) <= 32),
    device         TEXT    REFERENCES devices (id),                              -- NULL: import, line protocol.
    source         TEXT    NOT NULL CHECK (length(source) <= 256),               -- In the driver's words.
    scale          REAL    NOT NULL CHECK (scale <> 0),                          -- value = raw * scale + offset.
    "offset"       REAL    NOT NULL,
    min            REAL,                                                         -- Valid range; NULL: none.
    max            REAL CHECK (max >= min),
    dead_band      REAL CHECK (dead_band >= 0),                                  -- NULL: every sample is kept.
    max_silence_ns INTEGER NOT NULL CHECK (max_silence_ns >= 0),
    late_limit_ns  INTEGER NOT NULL CHECK (late_limit_ns >= 0),
    retention_days INTEGER NOT NULL CHECK (retention_days BETWEEN 0 AND 36525),  -- 0: the plant's rule.
    keep_raw       INTEGER NOT NULL CHECK (keep_raw IN (0, 1)),
    active         INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT;
CREATE INDEX tags_by_device ON tags (device);

CREATE TRIGGER tags_never_vanish BEFORE DELETE ON tags
BEGIN
    SELECT RAISE(ABORT, 'tags become inactive, they are never removed');
END;
CREATE TRIGGER tags_keep_number_and_type BEFORE UPDATE OF number, name, type ON tags
WHEN NEW.number <> OLD.number OR NEW.name <> OLD.name OR NEW.type <> OLD.type
BEGIN
    SELECT RAISE(ABORT, 'number, name and type of a tag never change');
END;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
    value TEXT NOT NULL CHECK (length(value) <= 4096)
) STRICT, WITHOUT ROWID;

-- How far each consumer of the historian's sequence has come; written in the transaction that holds
-- its effects, so that a kill anywhere counts each batch exactly once.
CREATE TABLE cursors (
    consumer TEXT    PRIMARY KEY NOT NULL CHECK (length(consumer) BETWEEN 1 AND 64),
    seq      INTEGER NOT NULL CHECK (seq >= 0)
) STRICT, WITHOUT ROWID;

-- Totals of counter tags: their increments since first seen, resets survived.
CREATE TABLE counts (
    tag          INTEGER PRIMARY KEY NOT NULL REFERENCES tags (number),
    total        INTEGER NOT NULL CHECK (total >= 0),
    last_value   REAL,                                                           -- NULL: none yet.
    last_time_ns INTEGER NOT NULL,
    resets       INTEGER NOT NULL CHECK (resets >= 0)
) STRICT;
