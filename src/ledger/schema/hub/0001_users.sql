-- Who may sign in, and by what. Secrets stand here only as hashes (BLAKE2b-256 of 32 random bytes;
-- Argon2id for passwords), so that a stolen file opens no door.

CREATE TABLE users (
    id            TEXT    PRIMARY KEY NOT NULL CHECK (length(id) = 36),          -- UUIDv7.
    login         TEXT    NOT NULL UNIQUE                                        -- Folded to lower case.
                          CHECK (length(login) BETWEEN 1 AND 63 AND login NOT GLOB '*[^a-z0-9._@+-]*'),
    display       TEXT    NOT NULL CHECK (length(display) <= 256),               -- As people call them.
    role          TEXT    NOT NULL
                          CHECK (role IN ('viewer', 'operator', 'auditor', 'installer', 'manager', 'owner')),
    password_hash TEXT    NOT NULL CHECK (password_hash GLOB '$argon2id$*'),     -- RFC 9106, PHC form.
    created_ns    INTEGER NOT NULL,
    disabled      INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1))          -- May not sign in any more.
) STRICT;

CREATE TABLE sessions (
    hash       BLOB    PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER NOT NULL CHECK (expires_ns > created_ns)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_ns);

CREATE TABLE tokens (
    id         TEXT    PRIMARY KEY NOT NULL CHECK (length(id) = 36),             -- UUIDv7.
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    label      TEXT    NOT NULL CHECK (length(label) <= 256),
    role       TEXT    NOT NULL
                       CHECK (role IN ('viewer', 'operator', 'auditor', 'installer', 'manager', 'owner')),
    scopes     INTEGER NOT NULL CHECK (scopes BETWEEN 1 AND 7),                  -- Bits: read 1, write 2, sql 4.
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER CHECK (expires_ns > created_ns)                           -- NULL: no end.
) STRICT;

-- One-time links: to set the owner's password, or to sign in to a demo.
CREATE TABLE links (
    hash       BLOB    PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    purpose    TEXT    NOT NULL CHECK (length(purpose) BETWEEN 1 AND 64),
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER NOT NULL CHECK (expires_ns > created_ns),
    spent_ns   INTEGER                                                           -- NULL: not yet.
) STRICT, WITHOUT ROWID;
