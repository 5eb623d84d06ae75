-- What people wrote beside the curves: at a time or over a span, of one tag or of the plant. Numbers
-- are never given twice; what is removed stays in the audit chain.
CREATE TABLE annotations (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    begin_ns   INTEGER NOT NULL,
    end_ns     INTEGER NOT NULL CHECK (end_ns >= begin_ns), -- The same for a moment.
    tag        INTEGER REFERENCES tags (number),            -- NULL: of the plant.
    text       TEXT    NOT NULL CHECK (length(text) BETWEEN 1 AND 1000),
    actor      TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 256),
    author     TEXT    NOT NULL,                            -- As people called the actor then.
    entered_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX annotations_by_end ON annotations (end_ns);
