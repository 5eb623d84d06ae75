-- People and the wall between plants. A person's role is of one plant; without a row in `access` a
-- plant does not exist for them. An admin looks after people, not after anybody's data.

CREATE TABLE organisations (
    id         TEXT    PRIMARY KEY NOT NULL CHECK (length(id) = 36),             -- UUIDv7.
    kind       TEXT    NOT NULL CHECK (kind IN ('manufacturer', 'supplier', 'agency', 'assessor')),
    name       TEXT    NOT NULL CHECK (length(name) <= 256),                     -- Empty: this company.
    number     TEXT    NOT NULL DEFAULT '' CHECK (length(number) <= 32),         -- Of its business registration.
    created_ns INTEGER NOT NULL,
    disabled   INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1))             -- Its people may not sign in.
) STRICT;

-- The folders under plants/, entered when a home is opened.
CREATE TABLE plants (
    id              TEXT    PRIMARY KEY NOT NULL CHECK (length(id) BETWEEN 1 AND 64),
    organisation_id TEXT    NOT NULL REFERENCES organisations (id),
    created_ns      INTEGER NOT NULL
) STRICT;

-- Roles of a home in which they were not yet of one plant. They are given on its plants when these
-- are entered, and forgotten.
CREATE TABLE former_roles (
    user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role    TEXT NOT NULL
) STRICT;
INSERT INTO former_roles (user_id, role) SELECT id, role FROM users;

ALTER TABLE users ADD COLUMN organisation_id TEXT REFERENCES organisations (id); -- NULL: not yet entered.
ALTER TABLE users ADD COLUMN admin INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1));
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '' CHECK (length(email) <= 254);
ALTER TABLE users ADD COLUMN phone TEXT NOT NULL DEFAULT '' CHECK (length(phone) <= 64);
ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT '' CHECK (language IN ('', 'ko', 'en'));
ALTER TABLE users ADD COLUMN totp BLOB;                                          -- Sealed; NULL: no second factor.
ALTER TABLE users ADD COLUMN totp_wanted BLOB;                                   -- Sealed; not confirmed yet.
ALTER TABLE users ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;               -- The newest one used.
ALTER TABLE users ADD COLUMN erased_ns INTEGER;                                  -- The person was erased.
UPDATE users SET admin = 1 WHERE role = 'owner';
ALTER TABLE users DROP COLUMN role;

-- Instead of a code, each once. BLAKE2b-256, as of all random secrets.
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE access (
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    plant_id   TEXT    NOT NULL REFERENCES plants (id),
    role       TEXT    NOT NULL
                       CHECK (role IN ('viewer', 'operator', 'auditor', 'installer', 'manager', 'owner')),
    until_ns   INTEGER,                                                          -- NULL: no end.
    given_by   TEXT    NOT NULL CHECK (length(given_by) BETWEEN 1 AND 64),       -- User id, or "maru", "cli".
    created_ns INTEGER NOT NULL,
    PRIMARY KEY (user_id, plant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_by_plant ON access (plant_id);

CREATE TABLE sessions_named (
    hash       BLOB    PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    id         TEXT    NOT NULL UNIQUE CHECK (length(id) = 36),                  -- To name it in a list; no secret.
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER NOT NULL CHECK (expires_ns > created_ns),
    seen_ns    INTEGER NOT NULL,                                                 -- To the minute.
    address    TEXT    NOT NULL DEFAULT '' CHECK (length(address) <= 64),
    agent      TEXT    NOT NULL DEFAULT '' CHECK (length(agent) <= 120)
) STRICT, WITHOUT ROWID;
INSERT INTO sessions_named (hash, id, user_id, created_ns, expires_ns, seen_ns)
    SELECT hash, lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
           || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
           user_id, created_ns, expires_ns, created_ns FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_named RENAME TO sessions;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_ns);

ALTER TABLE tokens ADD COLUMN plant_id TEXT REFERENCES plants (id);              -- NULL: every plant of the folder.
ALTER TABLE tokens ADD COLUMN created_by TEXT NOT NULL DEFAULT '';               -- User id; empty: whoever holds the folder.
ALTER TABLE tokens ADD COLUMN seen_ns INTEGER;                                   -- To the minute; NULL: never.
ALTER TABLE tokens ADD COLUMN revoked_ns INTEGER;
-- Scope sql: what a server keeps to check the token as a password by SCRAM-SHA-256 (RFC 5802, RFC 7677):
-- SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY.
ALTER TABLE tokens ADD COLUMN verifier TEXT;

ALTER TABLE links ADD COLUMN user_id TEXT REFERENCES users (id) ON DELETE CASCADE; -- Whose password it sets anew.

CREATE TABLE invitations (
    id                TEXT    PRIMARY KEY NOT NULL CHECK (length(id) = 36),
    hash              BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    plant_id          TEXT    NOT NULL REFERENCES plants (id),
    role              TEXT    NOT NULL
                              CHECK (role IN ('viewer', 'operator', 'auditor', 'installer', 'manager', 'owner')),
    organisation_id   TEXT    REFERENCES organisations (id),                     -- NULL: a new one of the two below.
    organisation_name TEXT    NOT NULL DEFAULT '' CHECK (length(organisation_name) <= 256),
    organisation_kind TEXT    NOT NULL DEFAULT '',
    label             TEXT    NOT NULL CHECK (length(label) <= 256),
    email             TEXT    NOT NULL DEFAULT '' CHECK (length(email) <= 254),
    given_by          TEXT    NOT NULL CHECK (length(given_by) BETWEEN 1 AND 64),
    created_ns        INTEGER NOT NULL,
    expires_ns        INTEGER NOT NULL CHECK (expires_ns > created_ns),
    ended_ns          INTEGER,                                                   -- Taken up, or withdrawn.
    user_id           TEXT    REFERENCES users (id)                              -- Who took it up.
) STRICT;
CREATE INDEX invitations_by_plant ON invitations (plant_id);
