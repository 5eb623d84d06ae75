-- Equipment templates: how machines of one kind are collected, kept by the organisation whose plants
-- they are for. The body is the file itself (docs/FORMATS.md); it holds no secrets.

CREATE TABLE templates (
    number          INTEGER PRIMARY KEY,
    organisation_id TEXT    NOT NULL REFERENCES organisations (id),
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    note            TEXT    NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
    devices         INTEGER NOT NULL CHECK (devices >= 0),
    tags            INTEGER NOT NULL CHECK (tags >= 0),
    body            TEXT    NOT NULL CHECK (length(body) <= 4194304),
    plant_id        TEXT    NOT NULL CHECK (length(plant_id) BETWEEN 1 AND 64),  -- Where it was kept from.
    actor           TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 64),
    author          TEXT    NOT NULL CHECK (length(author) <= 260),
    made_ns         INTEGER NOT NULL,
    UNIQUE (organisation_id, name)
) STRICT;
