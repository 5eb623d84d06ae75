-- A register beside those of 0008: what guards the factory's own computers (firewall, antivirus,
-- access control, intrusion detection, backup). They are products of others; what is kept is which,
-- what it protects, who runs it, until when, and by which evidence.
CREATE TABLE security_products (
    number       INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns   INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    name         TEXT    NOT NULL CHECK (length(name) > 0),
    maker        TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    protects     TEXT    NOT NULL,
    place        TEXT    NOT NULL,
    operator     TEXT    NOT NULL,
    file         TEXT    NOT NULL,                      -- The number of a deliverable, or ''.
    licence_end  TEXT    NOT NULL,                      -- 2026-01-31, or ''.
    contract_end TEXT    NOT NULL,
    checked      TEXT    NOT NULL,
    note         TEXT    NOT NULL
) STRICT;
