-- What Maru did by itself to keep the home, and how it went: nightly backups, test restores, clock
-- steps. Kept for the newest 400; the words are told in both languages at the time.

CREATE TABLE upkeep_runs (
    id       INTEGER PRIMARY KEY,
    kind     TEXT    NOT NULL CHECK (kind IN ('backup', 'test', 'clock')),
    ended_ns INTEGER NOT NULL,
    good     INTEGER NOT NULL CHECK (good IN (0, 1)),
    subject  TEXT    NOT NULL CHECK (length(subject) <= 4096),                   -- The file; or the step in ms.
    bytes    INTEGER NOT NULL DEFAULT 0,
    digest   TEXT    NOT NULL DEFAULT '' CHECK (length(digest) <= 64),           -- Logical digest of a backup.
    words_en TEXT    NOT NULL DEFAULT '' CHECK (length(words_en) <= 4096),       -- Why it failed.
    words_ko TEXT    NOT NULL DEFAULT '' CHECK (length(words_ko) <= 4096)
) STRICT;
CREATE INDEX upkeep_runs_by_kind ON upkeep_runs (kind, ended_ns);
