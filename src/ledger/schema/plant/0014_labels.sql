-- Labels: how they look, where they are printed, and what waits for a printer.
CREATE TABLE labels (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,                        -- lot, order, item, place, machine, worker, mould
    name       TEXT    NOT NULL,
    width      REAL    NOT NULL,                        -- Millimetres.
    height     REAL    NOT NULL,
    layout     TEXT    NOT NULL,                        -- See production/label.h.
    active     INTEGER NOT NULL,
    note       TEXT    NOT NULL
) STRICT;
CREATE TABLE printers (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    address    TEXT    NOT NULL,                        -- Host, or host:port; 9100 by default.
    dpi        INTEGER NOT NULL,
    width      REAL,                                    -- Of what it prints on; NULL: any.
    height     REAL,
    release    TEXT    NOT NULL,                        -- none, lot, order: what is printed when an order is released.
    workcentre INTEGER REFERENCES workcentres (number), -- Of whose orders; NULL: all.
    copies     INTEGER,
    active     INTEGER NOT NULL,
    note       TEXT    NOT NULL
) STRICT;
CREATE TABLE print_jobs (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    printer    INTEGER NOT NULL REFERENCES printers (number),
    kind       TEXT    NOT NULL,
    code       TEXT    NOT NULL,                        -- Of what the label is.
    design     TEXT    NOT NULL,                        -- Of `labels`, or a built-in one; '': the usual one.
    quantity   TEXT    NOT NULL,                        -- Instead of what is known; ''.
    copies     INTEGER NOT NULL CHECK (copies BETWEEN 1 AND 999),
    lang       TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'sending', 'printed', 'sent', 'doubtful', 'failed', 'cancelled')),
    tries      INTEGER NOT NULL,
    next_ns    INTEGER NOT NULL,                        -- Of a waiting one: not before.
    created_ns INTEGER NOT NULL,
    done_ns    INTEGER,
    actor      TEXT    NOT NULL,
    why_ko     TEXT    NOT NULL,                        -- What the printer said, or why it waits.
    why_en     TEXT    NOT NULL
) STRICT;
CREATE INDEX print_jobs_by_state ON print_jobs (state, printer, number);

-- Delivery notes: what went out together on paper.
CREATE TABLE deliveries (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL CHECK (kind IN ('customer', 'supply')),
    partner    INTEGER NOT NULL REFERENCES partners (number),
    day        TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('made', 'cancelled')),
    outsourcing INTEGER,                                -- Of `outsourcings`: what the material is for.
    printed    INTEGER NOT NULL,                        -- How often; from the second on it is a copy.
    note       TEXT    NOT NULL,
    why        TEXT    NOT NULL,                        -- Why it was cancelled.
    created_ns INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    event      INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_by_partner ON deliveries (partner, number);
CREATE TABLE delivery_lines (
    delivery INTEGER NOT NULL REFERENCES deliveries (number),
    line     INTEGER NOT NULL,
    move     INTEGER NOT NULL REFERENCES stock_moves (number), -- Whose quantity is below 0: out of the store.
    price_u  INTEGER,                                   -- Of a unit; NULL: none was agreed.
    PRIMARY KEY (delivery, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_lines_by_move ON delivery_lines (move);

CREATE INDEX stock_moves_shipped ON stock_moves (partner, number) WHERE kind = 'ship';

-- Operations that a partner carries out.
CREATE TABLE outsourcings (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    operation  INTEGER NOT NULL REFERENCES operations (number),
    partner    INTEGER NOT NULL REFERENCES partners (number),
    quantity_u INTEGER NOT NULL CHECK (quantity_u > 0),
    good_u     INTEGER NOT NULL CHECK (good_u >= 0),    -- Come back.
    bad_u      INTEGER NOT NULL CHECK (bad_u >= 0),
    due        TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('open', 'done', 'closed')),
    note       TEXT    NOT NULL,
    sent_ns    INTEGER NOT NULL,
    created_ns INTEGER NOT NULL,
    actor      TEXT    NOT NULL
) STRICT;
CREATE INDEX outsourcings_by_operation ON outsourcings (operation);
CREATE INDEX outsourcings_by_state ON outsourcings (state, number);
-- Material that went along, and what of it was used up.
CREATE TABLE outsourcing_materials (
    outsourcing INTEGER NOT NULL REFERENCES outsourcings (number),
    item        INTEGER NOT NULL REFERENCES items (number),
    lot         INTEGER NOT NULL,                       -- 0: not kept by lot.
    supply      TEXT    NOT NULL CHECK (supply IN ('free', 'charged')),
    price_u     INTEGER,                                -- Of a unit of charged material.
    sent_u      INTEGER NOT NULL CHECK (sent_u > 0),
    used_u      INTEGER NOT NULL CHECK (used_u >= 0),
    PRIMARY KEY (outsourcing, item, lot)
) STRICT, WITHOUT ROWID;
