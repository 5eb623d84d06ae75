-- What this Maru tells others by itself: audit entries to a syslog receiver, mails about what is
-- wrong. The password of the mail server stands here sealed under HOME/keys/mail.password.key.

CREATE TABLE notice_cursors (
    consumer TEXT    PRIMARY KEY NOT NULL CHECK (length(consumer) BETWEEN 1 AND 128), -- "syslog:hub"
    sequence INTEGER NOT NULL CHECK (sequence >= 0)                              -- Of the chain; taken up to here.
) STRICT, WITHOUT ROWID;

CREATE TABLE mail_settings (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    enabled  INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    server   TEXT    NOT NULL CHECK (length(server) BETWEEN 8 AND 300),          -- "smtp://mail.example:587"
    login    TEXT    NOT NULL CHECK (length(login) <= 254),                      -- Empty: without signing in.
    password BLOB    CHECK (length(password) BETWEEN 1 AND 1024),                -- Sealed; NULL: none.
    sender   TEXT    NOT NULL CHECK (length(sender) BETWEEN 3 AND 254)
) STRICT;

CREATE TABLE mail_recipients (
    address  TEXT    PRIMARY KEY NOT NULL CHECK (length(address) BETWEEN 3 AND 254),
    language TEXT    NOT NULL CHECK (language IN ('ko', 'en'))
) STRICT, WITHOUT ROWID;

CREATE TABLE mail_queue (
    id         INTEGER PRIMARY KEY,
    created_ns INTEGER NOT NULL,
    address    TEXT    NOT NULL CHECK (length(address) BETWEEN 3 AND 254),
    subject    TEXT    NOT NULL CHECK (length(subject) <= 512),
    body       TEXT    NOT NULL CHECK (length(body) <= 65536),
    tries      INTEGER NOT NULL DEFAULT 0,
    due_ns     INTEGER NOT NULL                                                  -- Not before.
) STRICT;

-- What the last mail said to be wrong: a change against this is what the next one tells.
CREATE TABLE mail_findings (
    plant    TEXT    NOT NULL CHECK (length(plant) <= 64),
    finding  TEXT    NOT NULL CHECK (length(finding) <= 192),                    -- "device.down press1"
    severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 2),
    PRIMARY KEY (plant, finding)
) STRICT, WITHOUT ROWID;
