-- Where each device's table, file or stream was left, in the words of its driver. Written after what
-- was taken is durable, so a kill in between takes it again and never leaves it out.
CREATE TABLE bookmarks (
    device TEXT NOT NULL REFERENCES devices (id),
    key    TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 512),
    value  TEXT NOT NULL CHECK (length(value) BETWEEN 1 AND 4096),
    PRIMARY KEY (device, key)
) STRICT, WITHOUT ROWID;
