-- The audit chain. Each entry's hash covers the one before it, so no entry can be changed, removed
-- or put between without every later hash failing. Payload and salt stand apart: erasing them (a
-- person's right) leaves the hash of the payload, and with it the chain, whole.

CREATE TABLE audit (
    sequence     INTEGER PRIMARY KEY NOT NULL CHECK (sequence >= 1),             -- 1, 2, ... without gaps.
    time_ns      INTEGER NOT NULL,
    actor        TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 256),       -- A pseudonym.
    action       TEXT    NOT NULL CHECK (length(action) BETWEEN 1 AND 64),       -- "token.create"
    subject      TEXT    NOT NULL CHECK (length(subject) <= 512),                -- What it was done to.
    payload_hash BLOB    NOT NULL CHECK (length(payload_hash) = 32),             -- SHA-256 (salt, payload).
    hash         BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_by_subject ON audit (subject);

CREATE TABLE audit_payload (
    sequence INTEGER PRIMARY KEY NOT NULL REFERENCES audit (sequence),
    salt     BLOB    NOT NULL CHECK (length(salt) = 16),
    payload  TEXT    NOT NULL
) STRICT;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never changed');
END;
CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never removed');
END;
CREATE TRIGGER audit_payload_is_never_changed BEFORE UPDATE ON audit_payload
BEGIN
    SELECT RAISE(ABORT, 'audit payloads are never changed');
END;
