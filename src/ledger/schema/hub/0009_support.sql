-- Remote support. A case is what a supplier opened and told a factory a code of; a visit is what an
-- owner of a factory approved. Of the factory the desk keeps what stands in `support_cases` alone.

CREATE TABLE support_cases (
    id            TEXT    PRIMARY KEY NOT NULL CHECK (length(id) = 36),          -- UUIDv7.
    factory       TEXT    NOT NULL CHECK (length(factory) BETWEEN 1 AND 256),    -- As the supplier calls it.
    note          TEXT    NOT NULL CHECK (length(note) <= 1024),
    opened_by     TEXT    NOT NULL CHECK (length(opened_by) BETWEEN 1 AND 64),   -- User id: the one who may use it.
    created_ns    INTEGER NOT NULL,
    code          BLOB    UNIQUE CHECK (length(code) = 32),                      -- Hash; NULL: spent.
    code_until_ns INTEGER NOT NULL,
    key           BLOB    UNIQUE CHECK (length(key) = 32),                       -- Hash of what the factory shows.
    plant         TEXT    NOT NULL DEFAULT '' CHECK (length(plant) <= 64),
    plant_display TEXT    NOT NULL DEFAULT '' CHECK (length(plant_display) <= 256),
    role          TEXT    NOT NULL DEFAULT '' CHECK (role IN ('', 'viewer', 'installer')),
    connected_ns  INTEGER,                                                       -- When the owner approved.
    until_ns      INTEGER,
    ended_ns      INTEGER,
    ended_by      TEXT    NOT NULL DEFAULT '' CHECK (ended_by IN ('', 'factory', 'desk', 'time'))
) STRICT;
CREATE INDEX support_cases_by_time ON support_cases (created_ns);

CREATE TABLE support_visits (
    id           TEXT    PRIMARY KEY NOT NULL CHECK (length(id) = 24),           -- "support:" and 16 digits: the actor.
    plant_id     TEXT    NOT NULL REFERENCES plants (id),
    role         TEXT    NOT NULL CHECK (role IN ('viewer', 'installer')),
    desk         TEXT    NOT NULL CHECK (length(desk) BETWEEN 1 AND 512),        -- Its address.
    organisation TEXT    NOT NULL CHECK (length(organisation) <= 256),           -- As the desk says.
    name         TEXT    NOT NULL CHECK (length(name) <= 256),
    note         TEXT    NOT NULL CHECK (length(note) <= 1024),
    approved_by  TEXT    NOT NULL CHECK (length(approved_by) BETWEEN 1 AND 64),  -- User id.
    begun_ns     INTEGER NOT NULL,
    until_ns     INTEGER NOT NULL CHECK (until_ns > begun_ns),
    ended_ns     INTEGER,
    ended_by     TEXT    NOT NULL DEFAULT '' CHECK (ended_by IN ('', 'owner', 'desk', 'time', 'restart')),
    reads        INTEGER NOT NULL DEFAULT 0,
    changes      INTEGER NOT NULL DEFAULT 0,
    refused      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX support_visits_by_plant ON support_visits (plant_id, begun_ns);
