-- Registers of a build: hardware, trainings, deliverables. Fields are kept as they were written and
-- checked before (ledger/registers.def); numbers are never given twice, so that a paper that names
-- one stays right. The deliverables' bytes stand in the plant's folder `papers`, by their SHA-256.
CREATE TABLE hardware (
    number       INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns   INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    name         TEXT    NOT NULL CHECK (length(name) > 0),
    maker        TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    serial       TEXT    NOT NULL,
    place        TEXT    NOT NULL,
    asset        TEXT    NOT NULL,
    supplier     TEXT    NOT NULL,
    bought       TEXT    NOT NULL,                      -- 2026-01-31, or ''.
    contract_end TEXT    NOT NULL,
    warranty_end TEXT    NOT NULL,
    note         TEXT    NOT NULL
) STRICT;
CREATE TABLE trainings (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    day        TEXT    NOT NULL CHECK (length(day) = 10),
    subject    TEXT    NOT NULL CHECK (length(subject) > 0),
    trainer    TEXT    NOT NULL,
    attendees  TEXT    NOT NULL,
    hours      TEXT    NOT NULL,                        -- A decimal number, or ''.
    file       TEXT    NOT NULL,                        -- The number of a deliverable, or ''.
    note       TEXT    NOT NULL
) STRICT;
CREATE TABLE deliverables (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    title      TEXT    NOT NULL CHECK (length(title) > 0),
    kind       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    name       TEXT    NOT NULL,                        -- Of the file, as it came.
    size       TEXT    NOT NULL,                        -- Bytes.
    sha256     TEXT    NOT NULL CHECK (length(sha256) = 64),
    actor      TEXT    NOT NULL,                        -- Who put it here.
    added      TEXT    NOT NULL                         -- RFC 3339, UTC.
) STRICT;
CREATE INDEX deliverables_by_bytes ON deliverables (sha256);
