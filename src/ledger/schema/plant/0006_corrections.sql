-- Who corrected which value, when and why. The corrected sample stands in the historian beside the
-- original, which stays readable; this row is written before it, and marked when it is durable.
CREATE TABLE corrections (
    number     INTEGER PRIMARY KEY NOT NULL,
    tag        INTEGER NOT NULL REFERENCES tags (number),
    time_ns    INTEGER NOT NULL,
    entered_ns INTEGER NOT NULL,
    actor      TEXT    NOT NULL CHECK (length(actor) BETWEEN 1 AND 256),
    reason     TEXT    NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    old_value  TEXT    NOT NULL,                                                 -- As text; '' where none came.
    old_status INTEGER NOT NULL,                                                 -- OPC UA StatusCode.
    value      TEXT    NOT NULL,
    bad        INTEGER NOT NULL CHECK (bad IN (0, 1)),                           -- 1: the value was declared bad.
    applied    INTEGER NOT NULL CHECK (applied IN (0, 1))
) STRICT;
CREATE INDEX corrections_by_sample ON corrections (tag, time_ns);
