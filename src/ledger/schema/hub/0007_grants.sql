-- What the people of another organisation may read of a plant: some tags, for a time, for a purpose.
-- Whoever has an own row in `access` there is not meant.

CREATE TABLE grants (
    id              TEXT    PRIMARY KEY NOT NULL CHECK (length(id) = 36),            -- UUIDv7.
    plant_id        TEXT    NOT NULL REFERENCES plants (id),
    organisation_id TEXT    NOT NULL REFERENCES organisations (id),
    tags            TEXT    NOT NULL CHECK (length(tags) BETWEEN 1 AND 8448),        -- Names and patterns, blanks between.
    purpose         TEXT    NOT NULL CHECK (length(purpose) BETWEEN 1 AND 1024),
    hide_names      INTEGER NOT NULL CHECK (hide_names IN (0, 1)),                   -- 1: pseudonyms instead of names.
    step_s          INTEGER NOT NULL CHECK (step_s BETWEEN 0 AND 86400),             -- 0: every value; else averages.
    from_ns         INTEGER NOT NULL,                                                -- Of the values; nothing before.
    until_ns        INTEGER NOT NULL CHECK (until_ns > from_ns),                     -- The grant ends.
    given_by        TEXT    NOT NULL CHECK (length(given_by) BETWEEN 1 AND 64),      -- User id.
    created_ns      INTEGER NOT NULL,
    revoked_ns      INTEGER,
    revoked_by      TEXT    NOT NULL DEFAULT '' CHECK (length(revoked_by) <= 64)     -- User id, or "maru".
) STRICT;
CREATE INDEX grants_by_plant ON grants (plant_id, organisation_id);

-- 1: an account in the organisation and nothing else; its grants say what it may read. The role is not used then.
ALTER TABLE invitations ADD COLUMN grantee INTEGER NOT NULL DEFAULT 0 CHECK (grantee IN (0, 1));
