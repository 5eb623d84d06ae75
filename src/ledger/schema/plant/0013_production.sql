-- Production: what is made of what, how, where, by whom; orders, runs, lots, stock.
-- Columns ending in _u are whole millionths, so that sums are exact: of the item's unit, or of a won.
-- Columns ending in _ns are nanoseconds: moments since 1970 UTC, or lengths.

-- ---- Master data. Fields and their rules stand in production/nouns.def. ----

CREATE TABLE partners (
    number          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns      INTEGER NOT NULL,
    code            TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    business_number TEXT    NOT NULL,
    contact         TEXT    NOT NULL,
    phone           TEXT    NOT NULL,
    mail            TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    active          INTEGER NOT NULL,
    note            TEXT    NOT NULL
) STRICT;
CREATE TABLE places (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,                        -- warehouse, floor, outside, quarantine, scrap
    partner    INTEGER REFERENCES partners (number),    -- Whose premises; NULL: our own.
    active     INTEGER NOT NULL,
    note       TEXT    NOT NULL
) STRICT;
CREATE TABLE items (
    number      INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns  INTEGER NOT NULL,
    code        TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,                       -- product, semi, material, consumable, spare
    unit        TEXT    NOT NULL,
    spec        TEXT    NOT NULL,
    family      TEXT    NOT NULL,
    gtin        TEXT    NOT NULL,
    lots        INTEGER NOT NULL,                       -- 1: kept by lot.
    place       INTEGER REFERENCES places (number),     -- Where it is put and taken by default.
    safety_u    INTEGER,
    lot_size_u  INTEGER,                                -- Made or bought in multiples of it.
    lead_days   INTEGER,
    shelf_days  INTEGER,
    cost_u      INTEGER,                                -- Standard cost of a unit.
    active      INTEGER NOT NULL,
    note        TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX items_by_gtin ON items (gtin) WHERE gtin <> '';
CREATE TABLE processes (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,                        -- own, outsourced, inspection
    active     INTEGER NOT NULL,
    note       TEXT    NOT NULL
) STRICT;
CREATE TABLE calendars (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    day_start  TEXT    NOT NULL,                        -- 08:00: the production day begins.
    note       TEXT    NOT NULL
) STRICT;
CREATE TABLE shifts (
    number      INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns  INTEGER NOT NULL,
    calendar    INTEGER NOT NULL REFERENCES calendars (number),
    code        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    weekdays    TEXT    NOT NULL,                       -- 12345: Monday to Friday, of the production day.
    begin_clock TEXT    NOT NULL,
    end_clock   TEXT    NOT NULL,                       -- Not after the begin: on the next day.
    breaks      TEXT    NOT NULL,                       -- 12:00-13:00 15:00-15:10
    UNIQUE (calendar, code)
) STRICT;
CREATE TABLE days (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    calendar   INTEGER NOT NULL REFERENCES calendars (number),
    day        TEXT    NOT NULL,
    kind       TEXT    NOT NULL,                        -- closed; open: as a weekday of shifts
    weekday    INTEGER,                                 -- Of an open day: whose shifts hold; 1: Monday.
    name       TEXT    NOT NULL,
    UNIQUE (calendar, day)
) STRICT;
CREATE TABLE workcentres (
    number       INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns   INTEGER NOT NULL,
    code         TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    line         INTEGER REFERENCES assets (number),
    calendar     INTEGER REFERENCES calendars (number),
    place        INTEGER REFERENCES places (number),    -- Materials are taken from and output put here.
    machine_rate_u INTEGER,                             -- Won an hour.
    labour_rate_u  INTEGER,
    active       INTEGER NOT NULL,
    note         TEXT    NOT NULL
) STRICT;
CREATE TABLE machines (
    number           INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns       INTEGER NOT NULL,
    asset            INTEGER NOT NULL UNIQUE REFERENCES assets (number),
    workcentre       INTEGER REFERENCES workcentres (number),
    counter          INTEGER REFERENCES tags (number),
    counter_max      INTEGER,                           -- Rolls over behind it.
    pieces           INTEGER,                           -- Of one count, without a mould; NULL: 1.
    rejects          INTEGER REFERENCES tags (number),  -- Counts bad pieces.
    rejects_max      INTEGER,
    state            INTEGER REFERENCES tags (number),
    run_values       TEXT    NOT NULL,                  -- Of the state tag, by |.
    setup_values     TEXT    NOT NULL,
    stop_after_ns    INTEGER,                           -- NULL: 60 s. Shorter stops are minor.
    silent_after_ns  INTEGER,                           -- NULL: 30 s. Longer without a value: unknown.
    rate_u           INTEGER,                           -- Won an hour; NULL: of the work centre.
    maker            TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    serial           TEXT    NOT NULL,
    bought           TEXT    NOT NULL,
    active           INTEGER NOT NULL,
    note             TEXT    NOT NULL
) STRICT;
CREATE TABLE boms (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    item       INTEGER NOT NULL REFERENCES items (number),
    version    INTEGER NOT NULL,
    line       INTEGER NOT NULL,
    component  INTEGER NOT NULL REFERENCES items (number),
    quantity_u INTEGER NOT NULL,                        -- For `base_u` of the item.
    base_u     INTEGER NOT NULL,
    scrap_ppm  INTEGER,                                 -- Allowed for, above the quantity.
    step       INTEGER,                                 -- Of the routing that takes it; NULL: the first.
    supply     TEXT    NOT NULL,                        -- own, free, charged
    valid_from TEXT    NOT NULL,                        -- '': always.
    valid_to   TEXT    NOT NULL,                        -- Not included.
    note       TEXT    NOT NULL,
    UNIQUE (item, version, line)
) STRICT;
CREATE INDEX boms_by_component ON boms (component);
CREATE TABLE routings (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    item       INTEGER NOT NULL REFERENCES items (number),
    version    INTEGER NOT NULL,
    step       INTEGER NOT NULL,                        -- 10, 20, ...
    process    INTEGER NOT NULL REFERENCES processes (number),
    workcentre INTEGER REFERENCES workcentres (number),
    machine    INTEGER REFERENCES machines (number),
    partner    INTEGER REFERENCES partners (number),    -- Outsourced to.
    cycle_ns   INTEGER,                                 -- Ideal, for one piece.
    setup_ns   INTEGER,
    people     REAL,
    price_u    INTEGER,                                 -- Of outsourcing, for one piece.
    valid_from TEXT    NOT NULL,
    valid_to   TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    UNIQUE (item, version, step)
) STRICT;
CREATE TABLE workers (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    team       TEXT    NOT NULL,
    badge      TEXT    NOT NULL,                        -- What the scanner reads.
    workcentre INTEGER REFERENCES workcentres (number),
    rate_u     INTEGER,                                 -- Won an hour.
    active     INTEGER NOT NULL,
    note       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX workers_by_badge ON workers (badge) WHERE badge <> '';
CREATE TABLE prices (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    item       INTEGER NOT NULL REFERENCES items (number),
    kind       TEXT    NOT NULL,                        -- buy, sell
    partner    INTEGER REFERENCES partners (number),    -- NULL: of everybody else.
    valid_from TEXT    NOT NULL,                        -- '': always.
    price_u    INTEGER NOT NULL,
    note       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX prices_by_key ON prices (item, kind, coalesce(partner, 0), valid_from);
CREATE TABLE reasons (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,                        -- stop, defect
    name       TEXT    NOT NULL,
    parent     INTEGER REFERENCES reasons (number),
    loss       TEXT    NOT NULL,                        -- Of a stop: breakdown, setup, material, ...
    active     INTEGER NOT NULL,
    note       TEXT    NOT NULL
) STRICT;
CREATE TABLE moulds (
    number        INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns    INTEGER NOT NULL,
    code          TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    item          INTEGER REFERENCES items (number),
    cavities      INTEGER NOT NULL,
    cavities_open INTEGER,                              -- NULL: all.
    cycle_ns      INTEGER,                              -- Of one shot.
    shots_before  INTEGER,                              -- Made before it was counted here.
    shots_life    INTEGER,
    shots_care    INTEGER,                              -- Looked after each so many.
    place         INTEGER REFERENCES places (number),
    owner         INTEGER REFERENCES partners (number), -- NULL: our own.
    maker         TEXT    NOT NULL,
    bought        TEXT    NOT NULL,
    active        INTEGER NOT NULL,
    note          TEXT    NOT NULL
) STRICT;
CREATE TABLE inspection_plans (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    changed_ns INTEGER NOT NULL,
    item       INTEGER NOT NULL REFERENCES items (number),
    kind       TEXT    NOT NULL,                        -- incoming, first, in_process, final
    line       INTEGER NOT NULL,
    step       INTEGER,                                 -- Of the routing, in process.
    name       TEXT    NOT NULL,
    method     TEXT    NOT NULL,                        -- typed, gauge, tag, judged
    unit       TEXT    NOT NULL,
    nominal    REAL,
    lower      REAL,
    upper      REAL,
    samples    INTEGER NOT NULL,
    tag        INTEGER REFERENCES tags (number),        -- Of `tag` and `gauge`.
    active     INTEGER NOT NULL,
    note       TEXT    NOT NULL,
    UNIQUE (item, kind, line)
) STRICT;

-- ---- Orders ----

CREATE TABLE sales_orders (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    code       TEXT    NOT NULL UNIQUE,
    partner    INTEGER NOT NULL REFERENCES partners (number),
    ordered    TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('open', 'held', 'done', 'cancelled')),
    note       TEXT    NOT NULL,
    created_ns INTEGER NOT NULL,
    actor      TEXT    NOT NULL
) STRICT;
CREATE TABLE sales_lines (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    sales      INTEGER NOT NULL REFERENCES sales_orders (number),
    line       INTEGER NOT NULL,
    item       INTEGER NOT NULL REFERENCES items (number),
    quantity_u INTEGER NOT NULL CHECK (quantity_u > 0),
    due        TEXT    NOT NULL,
    price_u    INTEGER,
    shipped_u  INTEGER NOT NULL CHECK (shipped_u >= 0),
    UNIQUE (sales, line)
) STRICT;
CREATE TABLE lots (
    number      INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    code        TEXT    NOT NULL UNIQUE,
    item        INTEGER NOT NULL REFERENCES items (number),
    state       TEXT    NOT NULL CHECK (state IN ('planned', 'open', 'held', 'scrapped')),
    partner     INTEGER REFERENCES partners (number),   -- Whom it came from.
    partner_lot TEXT    NOT NULL,                       -- How they call it.
    made_ns     INTEGER,                                -- NULL: not yet.
    expires     TEXT    NOT NULL,
    hold        TEXT    NOT NULL,                       -- Why it is held.
    note        TEXT    NOT NULL,
    created_ns  INTEGER NOT NULL,
    actor       TEXT    NOT NULL
) STRICT;
CREATE INDEX lots_by_item ON lots (item, number);
CREATE TABLE work_orders (
    number          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    code            TEXT    NOT NULL UNIQUE,
    item            INTEGER NOT NULL REFERENCES items (number),
    quantity_u      INTEGER NOT NULL CHECK (quantity_u > 0),
    due             TEXT    NOT NULL,
    priority        INTEGER NOT NULL,                   -- 1 first .. 9; 5 usual.
    state           TEXT    NOT NULL CHECK (state IN ('planned', 'released', 'running', 'held', 'done', 'cancelled')),
    state_before    TEXT    NOT NULL,                   -- Of a held one.
    sales_line      INTEGER REFERENCES sales_lines (number),
    parent          INTEGER REFERENCES work_orders (number), -- That needs what this one makes.
    split_of        INTEGER REFERENCES work_orders (number),
    bom_version     INTEGER,
    routing_version INTEGER,
    lot             INTEGER REFERENCES lots (number),   -- That it makes; numbered before the work starts.
    proposed        INTEGER NOT NULL,                   -- 1: by a plan; the next plan takes it back.
    note            TEXT    NOT NULL,
    created_ns      INTEGER NOT NULL,
    actor           TEXT    NOT NULL
) STRICT;
CREATE INDEX work_orders_by_state ON work_orders (state, due);
CREATE INDEX work_orders_by_lot ON work_orders (lot);
CREATE INDEX work_orders_by_parent ON work_orders (parent) WHERE parent IS NOT NULL;
CREATE INDEX work_orders_by_split ON work_orders (split_of) WHERE split_of IS NOT NULL;
CREATE TABLE operations (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    work_order INTEGER NOT NULL REFERENCES work_orders (number),
    step       INTEGER NOT NULL,
    process    INTEGER NOT NULL REFERENCES processes (number),
    workcentre INTEGER REFERENCES workcentres (number),
    machine    INTEGER REFERENCES machines (number),    -- Planned.
    partner    INTEGER REFERENCES partners (number),
    cycle_ns   INTEGER,
    setup_ns   INTEGER,
    people     REAL,
    price_u    INTEGER,
    begin_ns   INTEGER,                                 -- Planned; NULL: not yet.
    end_ns     INTEGER,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'paused', 'done')),
    UNIQUE (work_order, step)
) STRICT;
CREATE INDEX operations_by_machine ON operations (machine, begin_ns);
CREATE INDEX operations_running ON operations (number) WHERE state = 'running';
CREATE TABLE purchase_proposals (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    item       INTEGER NOT NULL REFERENCES items (number),
    quantity_u INTEGER NOT NULL CHECK (quantity_u > 0),
    due        TEXT    NOT NULL,
    partner    INTEGER REFERENCES partners (number),
    work_order INTEGER REFERENCES work_orders (number), -- That needs it.
    state      TEXT    NOT NULL CHECK (state IN ('proposed', 'ordered', 'received', 'dropped')),
    created_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX purchase_proposals_by_order ON purchase_proposals (work_order) WHERE work_order IS NOT NULL;

-- ---- What really happened ----

-- An operation on a machine, or at a work centre without one, from begin to end.
CREATE TABLE runs (
    number    INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    operation INTEGER NOT NULL REFERENCES operations (number),
    machine   INTEGER REFERENCES machines (number),
    phase     TEXT    NOT NULL CHECK (phase IN ('setup', 'make')),
    mould     INTEGER REFERENCES moulds (number),
    pieces    INTEGER NOT NULL CHECK (pieces BETWEEN 1 AND 4096), -- Of one count.
    worker    INTEGER REFERENCES workers (number),
    begin_ns  INTEGER NOT NULL,
    end_ns    INTEGER CHECK (end_ns >= begin_ns)        -- NULL: it goes on.
) STRICT;
CREATE INDEX runs_by_machine ON runs (machine, begin_ns);
CREATE INDEX runs_by_operation ON runs (operation);
CREATE UNIQUE INDEX runs_one_at_a_time ON runs (machine) WHERE end_ns IS NULL AND machine IS NOT NULL;

-- What counters told, by the minute in which it was told. Run 0: nothing was running there.
CREATE TABLE made (
    machine   INTEGER NOT NULL REFERENCES machines (number),
    run       INTEGER NOT NULL,
    minute_ns INTEGER NOT NULL CHECK (minute_ns % 60000000000 = 0),
    counts    INTEGER NOT NULL,                         -- Strokes, shots.
    pieces    INTEGER NOT NULL,                         -- Good and bad.
    bad       INTEGER NOT NULL,
    PRIMARY KEY (run, machine, minute_ns)
) STRICT, WITHOUT ROWID;
CREATE INDEX made_by_minute ON made (machine, minute_ns);
-- Orders for which pieces came behind the end of their run; told_ns: when the newest came.
CREATE TABLE late_pieces (
    work_order INTEGER PRIMARY KEY NOT NULL REFERENCES work_orders (number) ON DELETE CASCADE,
    told_ns    INTEGER NOT NULL
) STRICT;
-- Material that the bill wanted and the work did not need.
CREATE TABLE material_saved (
    operation  INTEGER NOT NULL REFERENCES operations (number) ON DELETE CASCADE,
    item       INTEGER NOT NULL REFERENCES items (number),
    quantity_u INTEGER NOT NULL CHECK (quantity_u > 0),
    PRIMARY KEY (operation, item)
) STRICT, WITHOUT ROWID;
-- What people said besides: counts of work without a counter, and corrections of counted ones.
CREATE TABLE made_by_hand (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    run        INTEGER NOT NULL REFERENCES runs (number),
    time_ns    INTEGER NOT NULL,
    good_u     INTEGER NOT NULL,                        -- Added; below 0 takes away.
    bad_u      INTEGER NOT NULL,
    reason     INTEGER REFERENCES reasons (number),     -- Of bad ones.
    why        TEXT    NOT NULL,                        -- Of a correction.
    event      INTEGER NOT NULL
) STRICT;
CREATE INDEX made_by_hand_by_run ON made_by_hand (run);

-- A machine's time: the state from this moment to the next row's. See docs/PRODUCTION.md.
CREATE TABLE machine_states (
    machine  INTEGER NOT NULL REFERENCES machines (number),
    time_ns  INTEGER NOT NULL,
    state    INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), -- 0 unknown, 1 run, 2 stop, 3 set-up.
    reckoned INTEGER NOT NULL,                          -- 1: from counts, not seen.
    PRIMARY KEY (machine, time_ns)
) STRICT, WITHOUT ROWID;
-- How far each machine's time and counters are told.
CREATE TABLE machine_marks (
    machine       INTEGER PRIMARY KEY NOT NULL REFERENCES machines (number),
    seen_ns       INTEGER NOT NULL,
    told          TEXT    NOT NULL                      -- JSON: the filler's memory.
) STRICT;
CREATE TABLE stops (
    number   INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    machine  INTEGER NOT NULL REFERENCES machines (number),
    run      INTEGER REFERENCES runs (number),
    begin_ns INTEGER NOT NULL,
    end_ns   INTEGER CHECK (end_ns >= begin_ns),        -- NULL: it stands still.
    reason   INTEGER REFERENCES reasons (number),
    worker   INTEGER REFERENCES workers (number),
    filed_ns INTEGER,
    note     TEXT    NOT NULL,
    UNIQUE (machine, begin_ns)
) STRICT;

-- ---- Lots and stock ----

CREATE TABLE lot_links (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    parent     INTEGER NOT NULL REFERENCES lots (number),
    child      INTEGER NOT NULL REFERENCES lots (number),
    kind       TEXT    NOT NULL CHECK (kind IN ('consume', 'split', 'merge', 'mix', 'rework')),
    quantity_u INTEGER NOT NULL,                        -- Of the parent that went into the child.
    operation  INTEGER REFERENCES operations (number),
    time_ns    INTEGER NOT NULL,
    event      INTEGER NOT NULL,
    CHECK (parent <> child)
) STRICT;
CREATE INDEX lot_links_by_parent ON lot_links (parent, child);
CREATE INDEX lot_links_by_child ON lot_links (child, parent);

-- Why a lot is held: itself, or one that it was made of. It is free when no row is left.
CREATE TABLE lot_holds (
    lot     INTEGER NOT NULL REFERENCES lots (number),
    cause   INTEGER NOT NULL REFERENCES lots (number),
    source  INTEGER NOT NULL,                           -- A non-conformity; 0: somebody's hand.
    why     TEXT    NOT NULL,
    time_ns INTEGER NOT NULL,
    event   INTEGER NOT NULL,
    PRIMARY KEY (lot, cause, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX lot_holds_by_cause ON lot_holds (cause);

CREATE TABLE stock (
    item       INTEGER NOT NULL REFERENCES items (number),
    lot        INTEGER NOT NULL,                        -- 0: not kept by lot.
    place      INTEGER NOT NULL REFERENCES places (number),
    quantity_u INTEGER NOT NULL,
    first_ns   INTEGER NOT NULL,                        -- Since when there is some: first in, first out.
    PRIMARY KEY (item, lot, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_by_lot ON stock (lot) WHERE lot <> 0;
CREATE TABLE stock_moves (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    time_ns    INTEGER NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('receipt', 'issue', 'consume', 'output', 'transfer', 'count', 'ship',
                                                'scrap', 'return', 'supply', 'split', 'merge', 'mix', 'rework')),
    item       INTEGER NOT NULL REFERENCES items (number),
    lot        INTEGER REFERENCES lots (number),
    place      INTEGER NOT NULL REFERENCES places (number),
    quantity_u INTEGER NOT NULL,                        -- Above 0: in.
    price_u    INTEGER,                                 -- Of a unit, where one was agreed.
    work_order INTEGER REFERENCES work_orders (number),
    operation  INTEGER REFERENCES operations (number),
    sales_line INTEGER REFERENCES sales_lines (number),
    partner    INTEGER REFERENCES partners (number),
    document   TEXT    NOT NULL,                        -- Delivery note.
    event      INTEGER NOT NULL
) STRICT;
CREATE INDEX stock_moves_by_item ON stock_moves (item, number);
CREATE INDEX stock_moves_by_lot ON stock_moves (lot, number);
CREATE INDEX stock_moves_by_order ON stock_moves (work_order, number);
CREATE INDEX stock_moves_by_partner ON stock_moves (partner, number) WHERE partner IS NOT NULL;

-- What people and terminals told, each once: the key is the sender's.
CREATE TABLE production_events (
    number     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    key        TEXT    NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 128),
    type       TEXT    NOT NULL,
    time_ns    INTEGER NOT NULL,                        -- When it happened, as the sender says.
    entered_ns INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    terminal   TEXT    NOT NULL,
    body       TEXT    NOT NULL,                        -- As it came, with workers by their code.
    digest     INTEGER NOT NULL,                        -- Of what came: the same key tells the same.
    answer     TEXT    NOT NULL                         -- What it was answered; again when it comes again.
) STRICT;
CREATE INDEX production_events_by_type ON production_events (type, number);
