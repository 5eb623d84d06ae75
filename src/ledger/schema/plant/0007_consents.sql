-- Who consented that which tags leave the plant, to whom, what for, how de-identified, and until
-- when. The terms of a consent never change; withdrawing ends it. `sequence` is the historian's
-- number up to which its data was sent; it moves with the receipts.
CREATE TABLE consents (
    number       INTEGER PRIMARY KEY NOT NULL,
    id           TEXT    NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 40),
    giver        TEXT    NOT NULL CHECK (length(giver) BETWEEN 1 AND 256),       -- Who consents, in words.
    recipient    TEXT    NOT NULL CHECK (length(recipient) BETWEEN 1 AND 256),
    purpose      TEXT    NOT NULL CHECK (length(purpose) BETWEEN 1 AND 1024),
    tags         TEXT    NOT NULL CHECK (length(tags) BETWEEN 1 AND 65536),      -- Names, blanks between.
    method       TEXT    NOT NULL CHECK (length(method) BETWEEN 1 AND 4096),     -- "none", or tag=rule.
    url          TEXT    NOT NULL,
    token        TEXT    NOT NULL,                                               -- Shown to nobody; may be ''.
    from_ns      INTEGER NOT NULL,
    until_ns     INTEGER NOT NULL CHECK (until_ns > from_ns),
    every_s      INTEGER NOT NULL CHECK (every_s BETWEEN 1 AND 86400),
    granted_ns   INTEGER NOT NULL,
    granted_by   TEXT    NOT NULL,                                               -- Who entered it.
    withdrawn_ns INTEGER NOT NULL DEFAULT 0,                                     -- 0: it stands.
    withdrawn_by TEXT    NOT NULL DEFAULT '',
    sequence     INTEGER NOT NULL
) STRICT;
CREATE TABLE receipts (
    number   INTEGER PRIMARY KEY NOT NULL,
    consent  INTEGER NOT NULL REFERENCES consents (number),
    message  TEXT    NOT NULL,
    time_ns  INTEGER NOT NULL,
    rows     INTEGER NOT NULL CHECK (rows > 0),
    status   INTEGER NOT NULL,                                                   -- Of HTTP.
    answer   TEXT    NOT NULL                                                    -- Its first bytes.
) STRICT;
CREATE INDEX receipts_by_consent ON receipts (consent, number);
