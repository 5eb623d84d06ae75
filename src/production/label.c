/*
 * What labels say, designs, and the queue of each printer. A label is filled when it is printed,
 * not when it is asked for: what waits for a printer that is off shows what is true when it comes
 * out.
 */
#include "production/label.h"

#include <string.h>

#include "core/time.h"
#include "production/amount.h"
#include "production/order.h"
#include "production/sql.h"
#include "production/words.h"

enum { STEPS_BYTES_MAX = 2048, GTIN_DIGITS = 14, GS1_LOT_MAX = 20 };

static const char *const KINDS[LABEL_KIND_COUNT] = {[LABEL_LOT] = "lot",
    [LABEL_ORDER] = "order",
    [LABEL_ITEM] = "item",
    [LABEL_PLACE] = "place",
    [LABEL_MACHINE] = "machine",
    [LABEL_WORKER] = "worker",
    [LABEL_MOULD] = "mould"};

const char *label_kind_name(enum label_kind kind) {
    return KINDS[kind];
}

bool label_kind_of_name(struct str name, enum label_kind *ret_kind) {
    for (int i = 0; i < LABEL_KIND_COUNT; i++) {
        if (str_eq(str_of(KINDS[i]), name)) {
            *ret_kind = (enum label_kind)i;
            return true;
        }
    }
    return false;
}

/* ---- Designs ---- */

static const struct built_in {
    const char *code;
    enum label_kind kind;
    enum msg_id words;
    double width;
    double height;
    const char *layout;
} BUILT_IN[] = {
#define DESIGN(code, kind, words, width, height, layout)                                           \
    {code, kind, SAY(words), width, height, layout},
#include "production/labels.def"
#undef DESIGN
};
enum { BUILT_IN_COUNT = sizeof BUILT_IN / sizeof BUILT_IN[0] };

static void read_design(
    struct ledger_stmt *stmt, struct arena *arena, struct label_design *ret_design) {
    *ret_design = (struct label_design){.code = arena_copy(arena, ledger_column_str(stmt, 0)),
        .name = arena_copy(arena, ledger_column_str(stmt, 2)),
        .width_mm = ledger_column_f64(stmt, 3),
        .height_mm = ledger_column_f64(stmt, 4),
        .layout = arena_copy(arena, ledger_column_str(stmt, 5))};
    (void)label_kind_of_name(ledger_column_str(stmt, 1), &ret_design->kind);
}

static void take_built_in(const struct built_in *from, enum lang lang, struct arena *arena,
    struct label_design *ret_design) {
    AUTO_BUF struct buf words;
    buf_init(&words, 512);
    msg_render(from->words, NO_ARGS, lang, &words);
    *ret_design = (struct label_design){.code = str_of(from->code),
        .kind = from->kind,
        .name = arena_copy(arena, buf_str(&words)),
        .width_mm = from->width,
        .height_mm = from->height,
        .layout = str_of(from->layout),
        .built_in = true};
}

int label_designs(struct ledger_tx *tx, enum lang lang, struct arena *arena,
    struct label_design *ret_designs, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    int rc = ledger_prepare(tx,
        "SELECT code, kind, name, width, height, layout FROM labels WHERE active ORDER BY number",
        &stmt, err);
    while (rc >= 0 && count < max && (rc = ledger_step(stmt, err)) > 0) {
        read_design(stmt, arena, &ret_designs[count++]);
    }
    uint32_t rows = count;
    for (int i = 0; rc >= 0 && i < BUILT_IN_COUNT && count < max; i++) {
        bool replaced = false;
        for (uint32_t k = 0; k < rows; k++) {
            replaced = replaced || str_eq(ret_designs[k].code, str_of(BUILT_IN[i].code));
        }
        if (!replaced) {
            take_built_in(&BUILT_IN[i], lang, arena, &ret_designs[count++]);
        }
    }
    return rc < 0 ? rc : (int)count;
}

int label_design_find(struct ledger_tx *tx, enum label_kind kind, struct str code,
    struct arena *arena, struct label_design *ret_design, struct err *err) {
    struct label_design *all = ARENA_ARRAY(arena, struct label_design, LABEL_DESIGNS_MAX);
    int count = label_designs(tx, LANG_EN, arena, all, LABEL_DESIGNS_MAX, err);
    for (int i = 0; i < count; i++) {
        if (code.size > 0 ? str_eq(all[i].code, code) : all[i].kind == kind) {
            *ret_design = all[i];
            return all[i].kind == kind
                       ? 0
                       : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LABEL_OTHER_KIND),
                             ARGS(A_STR(code), A_CSTR(KINDS[kind])));
        }
    }
    return count < 0
               ? count
               : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_LABEL_UNKNOWN), ARGS(A_STR(code)));
}

/* ---- Values ---- */

static void add(struct label_facts *facts, const char *name, struct str value) {
    for (uint32_t i = 0; i < facts->count; i++) {
        if (strcmp(facts->all[i].name, name) == 0) {
            facts->all[i].value = value;
            return;
        }
    }
    if (facts->count < LABEL_FACTS_MAX) {
        facts->all[facts->count].name = name;
        facts->all[facts->count++].value = value;
    }
}

/* Columns of a row by their names: a name that begins with '#' is a quantity in millionths, with
 * '@' a time. */
static void add_columns(struct ledger_stmt *stmt, const char *const *names,
    const struct label_about *about, struct arena *arena, struct label_facts *facts) {
    for (int i = 0; names[i] != NULL; i++) {
        char text[TIME_TEXT_MAX];
        if (ledger_column_is_null(stmt, i)) {
            add(facts, names[i] + (names[i][0] == '#' || names[i][0] == '@'), STR_NONE);
        } else if (names[i][0] == '#') {
            size_t size = amount_text(ledger_column_i64(stmt, i), text);
            add(facts, names[i] + 1, arena_copy(arena, (struct str){text, size}));
        } else if (names[i][0] == '@') {
            (void)time_format(ledger_column_i64(stmt, i), about->zone, text);
            add(facts, names[i] + 1, arena_copy(arena, str_slice(str_of(text), 0, 10)));
        } else {
            add(facts, names[i], arena_copy(arena, ledger_column_str(stmt, i)));
        }
    }
}

/* The row of a code; names end with NULL. */
static int read_row(struct ledger_tx *tx, const char *sql, const char *const *names,
    const struct label_about *about, struct arena *arena, struct label_facts *facts,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx, sql, Q(Q_S(about->code)), &stmt, err);
    if (rc > 0) {
        add_columns(stmt, names, about, arena, facts);
    }
    return rc < 0   ? rc
           : rc > 0 ? 0
                    : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_LABEL_NOTHING),
                          ARGS(A_CSTR(KINDS[about->kind]), A_STR(about->code)));
}

static struct str fact(const struct label_facts *facts, const char *name) {
    for (uint32_t i = 0; i < facts->count; i++) {
        if (strcmp(facts->all[i].name, name) == 0) {
            return facts->all[i].value;
        }
    }
    return STR_NONE;
}

/* Characters of GS1 General Specifications, table 7.11-1, that a lot number may have. */
static bool is_gs1_text(struct str text) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && (c == '\0' || strchr("!\"%&'*+,-./_:;=<>?", c) == NULL)) {
            return false;
        }
    }
    return text.size > 0;
}

/* GTIN of 14 digits, expiry and lot as element strings. */
static void add_gs1(struct label_facts *facts, struct arena *arena) {
    struct str gtin = fact(facts, "gtin");
    struct str lot = fact(facts, "lot");
    struct str expires = fact(facts, "expires");
    AUTO_BUF struct buf text;
    buf_init(&text, 256);
    if (gtin.size > 0 && gtin.size <= GTIN_DIGITS) {
        buf_put_str(&text, STR("(01)"));
        for (size_t i = gtin.size; i < GTIN_DIGITS; i++) {
            buf_put_char(&text, '0');
        }
        buf_put_str(&text, gtin);
        if (expires.size == 10) {
            buf_printf(
                &text, "(17)%.2s%.2s%.2s", expires.data + 2, expires.data + 5, expires.data + 8);
        }
        if (lot.size <= GS1_LOT_MAX && is_gs1_text(lot)) {
            buf_printf(&text, "(10)%.*s", (int)lot.size, lot.data);
        }
    }
    add(facts, "gs1", arena_copy(arena, buf_str(&text)));
}

static int read_steps(struct ledger_tx *tx, struct str order, struct arena *arena,
    struct str *ret_text, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    AUTO_BUF struct buf text;
    buf_init(&text, STEPS_BYTES_MAX);
    int rc = sql_begin(tx,
        "SELECT o.step, p.name, coalesce(nullif(a.display, ''), c.name, t.name, '') FROM "
        "operations o"
        " JOIN processes p ON p.number = o.process JOIN work_orders w ON w.number = o.work_order"
        " LEFT JOIN machines m ON m.number = o.machine LEFT JOIN assets a ON a.number = m.asset"
        " LEFT JOIN workcentres c ON c.number = o.workcentre"
        " LEFT JOIN partners t ON t.number = o.partner WHERE w.code = ?1 ORDER BY o.step LIMIT 12",
        Q(Q_S(order)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        struct str name = ledger_column_str(stmt, 1);
        struct str where = ledger_column_str(stmt, 2);
        buf_printf(&text, "%s%lld %.*s", text.size > 0 ? "\n" : "",
            (long long)ledger_column_i64(stmt, 0), (int)name.size, name.data);
        if (where.size > 0) {
            buf_printf(&text, " · %.*s", (int)where.size, where.data);
        }
    }
    *ret_text = arena_copy(arena, buf_str(&text));
    return rc < 0 ? rc : 0;
}

static int read_lot(struct ledger_tx *tx, const struct label_about *about, struct arena *arena,
    struct label_facts *facts, struct err *err) {
    static const char *const NAMES[] = {"lot", "item", "name", "spec", "unit", "gtin", "expires",
        "@made", "partner", "partner_lot", "note", "#quantity", "order", "customer", NULL};
    int rc = read_row(tx,
        "SELECT l.code, i.code, i.name, i.spec, i.unit, i.gtin, l.expires, l.made_ns,"
        " coalesce(p.name, ''), l.partner_lot, l.note,"
        " coalesce((SELECT nullif(sum(quantity_u), 0) FROM stock s WHERE s.lot = l.number AND s.lot"
        " <> 0), (SELECT w.quantity_u FROM work_orders w WHERE w.lot = l.number ORDER BY w.number"
        " LIMIT 1)), coalesce((SELECT w.code FROM work_orders w WHERE w.lot = l.number ORDER BY"
        " w.number LIMIT 1), ''), coalesce((SELECT c.name FROM work_orders w"
        " JOIN sales_lines n ON n.number = w.sales_line JOIN sales_orders s ON s.number = n.sales"
        " JOIN partners c ON c.number = s.partner WHERE w.lot = l.number LIMIT 1), '')"
        " FROM lots l JOIN items i ON i.number = l.item LEFT JOIN partners p ON p.number = "
        "l.partner"
        " WHERE l.code = ?1",
        NAMES, about, arena, facts, err);
    return rc;
}

static int read_order(struct ledger_tx *tx, const struct label_about *about, struct arena *arena,
    struct label_facts *facts, struct err *err) {
    static const char *const NAMES[] = {"order", "item", "name", "spec", "unit", "gtin",
        "#quantity", "due", "lot", "customer", "note", NULL};
    int rc = read_row(tx,
        "SELECT w.code, i.code, i.name, i.spec, i.unit, i.gtin, w.quantity_u, w.due,"
        " coalesce(l.code, ''), coalesce(c.name, ''), w.note FROM work_orders w"
        " JOIN items i ON i.number = w.item LEFT JOIN lots l ON l.number = w.lot"
        " LEFT JOIN sales_lines n ON n.number = w.sales_line"
        " LEFT JOIN sales_orders s ON s.number = n.sales"
        " LEFT JOIN partners c ON c.number = s.partner WHERE w.code = ?1",
        NAMES, about, arena, facts, err);
    struct str steps = STR_NONE;
    rc = rc < 0 ? rc : read_steps(tx, about->code, arena, &steps, err);
    add(facts, "steps", steps);
    return rc;
}

/* Kinds of which one row tells all. */
static const struct {
    const char *sql;
    const char *names[10];
} SIMPLE[LABEL_KIND_COUNT] = {
    [LABEL_ITEM] = {"SELECT code, name, spec, unit, gtin, note FROM items WHERE code = ?1",
        {"item", "name", "spec", "unit", "gtin", "note", NULL}},
    [LABEL_PLACE] = {"SELECT p.code, p.name, coalesce(t.name, ''), p.note FROM places p"
                     " LEFT JOIN partners t ON t.number = p.partner WHERE p.code = ?1",
        {"place", "name", "partner", "note", NULL}},
    [LABEL_MACHINE] =
        {"SELECT a.id, coalesce(nullif(a.display, ''), a.id), m.maker, m.model, m.serial,"
         " m.note FROM machines m JOIN assets a ON a.number = m.asset WHERE a.id = ?1",
            {"machine", "name", "maker", "model", "serial", "note", NULL}},
    [LABEL_WORKER] = {"SELECT code, name, team, coalesce(nullif(badge, ''), code), note FROM"
                      " workers WHERE code = ?1",
        {"worker", "name", "team", "badge", "note", NULL}},
    [LABEL_MOULD] = {"SELECT m.code, m.name, coalesce(i.code, ''), coalesce(p.name, ''), m.maker,"
                     " m.note FROM moulds m LEFT JOIN items i ON i.number = m.item"
                     " LEFT JOIN partners p ON p.number = m.owner WHERE m.code = ?1",
        {"mould", "name", "item", "customer", "maker", "note", NULL}},
};

int label_facts_read(struct ledger_tx *tx, const struct label_about *about, struct arena *arena,
    struct label_facts *ret_facts, struct err *err) {
    ret_facts->count = 0;
    char today[TIME_TEXT_MAX];
    (void)time_format(about->now_ns, about->zone, today);
    add(ret_facts, "date", arena_copy(arena, str_slice(str_of(today), 0, 10)));
    int rc = 0;
    if (about->kind == LABEL_LOT) {
        rc = read_lot(tx, about, arena, ret_facts, err);
    } else if (about->kind == LABEL_ORDER) {
        rc = read_order(tx, about, arena, ret_facts, err);
    } else {
        rc = read_row(
            tx, SIMPLE[about->kind].sql, SIMPLE[about->kind].names, about, arena, ret_facts, err);
    }
    if (about->quantity.size > 0) {
        add(ret_facts, "quantity", about->quantity);
    }
    add_gs1(ret_facts, arena);
    return rc < 0 ? rc : 0;
}

/* ---- Printing ---- */

int label_print(
    struct ledger_tx *tx, const struct label_job *job, int64_t *ret_number, struct err *err) {
    int64_t now_ns = ledger_now_ns(tx);
    return sql_number(tx,
        "INSERT INTO print_jobs (printer, kind, code, design, quantity, copies, lang, state, tries,"
        " next_ns, created_ns, actor, why_ko, why_en) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
        " 'waiting', 0, ?8, ?8, ?9, '', '') RETURNING number",
        Q(Q_I(job->printer), Q_S(job->kind), Q_S(job->code), Q_S(job->design), Q_S(job->quantity),
            Q_I(job->copies), Q_S(job->lang == LANG_EN ? STR("en") : STR("ko")), Q_I(now_ns),
            Q_S(job->actor)),
        0, ret_number, err);
}

int label_on_release(
    struct ledger_tx *tx, int64_t order, enum lang lang, struct str actor, struct err *err) {
    enum { PRINTERS_MAX = 16 };
    struct label_job jobs[PRINTERS_MAX];
    char codes[2][72] = {"", ""};
    struct ledger_stmt *stmt = NULL;
    int count = 0;
    int rc = sql_begin(tx,
        "SELECT p.number, p.release, coalesce(p.copies, 1), w.code, coalesce(l.code, '')"
        " FROM printers p JOIN work_orders w ON w.number = ?1"
        " LEFT JOIN lots l ON l.number = w.lot WHERE p.active AND p.release <> 'none'"
        " AND (p.workcentre IS NULL OR EXISTS (SELECT 1 FROM operations o LEFT JOIN machines m ON"
        " m.number = o.machine WHERE o.work_order = w.number"
        " AND coalesce(o.workcentre, m.workcentre) = p.workcentre)) ORDER BY p.number LIMIT 16",
        Q(Q_I(order)), &stmt, err);
    while (rc >= 0 && count < PRINTERS_MAX && (rc = ledger_step(stmt, err)) > 0) {
        bool of_lot = str_eq(ledger_column_str(stmt, 1), STR("lot"));
        (void)str_copy_z(ledger_column_str(stmt, 3), codes[0], sizeof codes[0]);
        (void)str_copy_z(ledger_column_str(stmt, 4), codes[1], sizeof codes[1]);
        if (of_lot && codes[1][0] == '\0') {
            continue; // What it makes is not kept by lot.
        }
        jobs[count++] = (struct label_job){.printer = ledger_column_i64(stmt, 0),
            .kind = str_of(KINDS[of_lot ? LABEL_LOT : LABEL_ORDER]),
            .code = str_of(codes[of_lot]),
            .design = STR_NONE,
            .quantity = STR_NONE,
            .copies = ledger_column_i64(stmt, 2),
            .lang = lang,
            .actor = actor};
    }
    for (int i = 0; i < count && rc >= 0; i++) {
        int64_t number = 0;
        rc = label_print(tx, &jobs[i], &number, err);
    }
    return rc < 0 ? rc : count;
}
