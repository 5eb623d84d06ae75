/*
 * Which events are looked at, and against what.
 *
 * A receipt is compared with receipts of the item, a count with the balance, pieces with what was
 * entered for the same item and process and with the order, a measured value with its limits and
 * its past; and each with what the same person entered within the last minute. What is doubtful is
 * a question to whoever typed it. A terminal that was offline has nobody to answer any more: its
 * event is kept, with its key, members and time, until somebody tells it again as sure (perhaps
 * mended) under the same key, or drops it.
 */
#include "production/doubt.h"

#include <string.h>

#include "core/time.h"
#include "production/amount.h"
#include "production/inspect.h"
#include "production/order.h"
#include "production/sql.h"
#include "production/stock.h"
#include "production/suspect.h"

#define TWICE_NS (60 * NS_PER_S)
enum { SENTENCES_MAX = 2, SENTENCE_BYTES = 4096 };
#define FEW_U (10LL * AMOUNT_UNIT) // Single bad pieces come one after the other.

void doubt_init(struct doubt *doubt) {
    doubt->count = 0;
    buf_init(&doubt->en, SENTENCE_BYTES);
    buf_init(&doubt->ko, SENTENCE_BYTES);
}

void doubt_fini(struct doubt *doubt) {
    buf_fini(&doubt->en);
    buf_fini(&doubt->ko);
}

bool doubt_concerns(uint32_t type) {
    for (uint32_t i = 0; event_field_at(type, i) != NULL; i++) {
        if (strcmp(event_field_at(type, i)->name, "sure") == 0) {
            return true;
        }
    }
    return false;
}

static void say(struct doubt *doubt, enum msg_id words, const struct arg *args) {
    if (doubt->count++ >= SENTENCES_MAX) {
        return;
    }
    if (doubt->en.size > 0) {
        buf_put_char(&doubt->en, ' ');
        buf_put_char(&doubt->ko, ' ');
    }
    msg_render(words, args, LANG_EN, &doubt->en);
    msg_render(words, args, LANG_KO, &doubt->ko);
}

static void say_suspect(
    struct doubt *doubt, struct str label, int64_t value_u, const struct suspect *suspect) {
    AUTO_BUF struct buf told; // "A-100: 5000"
    buf_init(&told, 1024);
    switch (suspect->kind) {
    case SUSPECT_UNIT:
        buf_printf(&told, "%s (%s %s)", AMOUNT(suspect->likely_u),
            suspect->likely_u > value_u ? "×" : "÷", suspect->factor);
        say(doubt, SAY(PRODUCTION_DOUBT_UNIT),
            ARGS(A_STR(label), A_CSTR(AMOUNT(value_u)), A_CSTR(AMOUNT(suspect->usual_u)),
                A_STR(buf_str(&told))));
        break;
    case SUSPECT_SWAPPED:
        say(doubt, SAY(PRODUCTION_DOUBT_SWAPPED),
            ARGS(A_STR(label), A_CSTR(AMOUNT(value_u)), A_CSTR(AMOUNT(suspect->usual_u)),
                A_CSTR(AMOUNT(suspect->likely_u))));
        break;
    case SUSPECT_OUTLIER:
        say(doubt, SAY(PRODUCTION_DOUBT_OUTLIER),
            ARGS(A_STR(label), A_CSTR(AMOUNT(value_u)), A_CSTR(AMOUNT(suspect->usual_u))));
        break;
    case SUSPECT_NONE: break;
    }
}

/* The first column of each row. */
static int read_past(struct event *event, const char *sql, const struct sql_value *values,
    int count, struct suspect_past *past, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(event->tx, sql, values, count, &stmt, err);
    past->count = 0;
    while (rc >= 0 && past->count < SUSPECT_PAST_MAX && (rc = ledger_step(stmt, err)) > 0) {
        past->all_u[past->count++] = ledger_column_i64(stmt, 0);
    }
    return rc;
}

/* ---- Each type ---- */

/* What is left of a shift or a bag is less than usual by its nature, and nobody has slipped: below
 * the usual only exchanged digits are asked for. */
static struct suspect only_above(struct suspect suspect, int64_t value_u) {
    bool below = value_u < suspect.usual_u && suspect.kind != SUSPECT_SWAPPED;
    suspect.kind = below || value_u < FEW_U ? SUSPECT_NONE : suspect.kind;
    return suspect;
}

static int look_receive(struct event *event, struct doubt *doubt, struct err *err) {
    struct suspect_past past;
    int64_t quantity_u = event_i64(event, "quantity", 0);
    int rc = read_past(event,
        "SELECT quantity_u FROM (SELECT quantity_u, kind FROM stock_moves WHERE item = ?1 ORDER BY "
        "number DESC LIMIT 2000) WHERE kind = 'receipt' LIMIT 50",
        Q(Q_I(event_i64(event, "item", 0))), &past, err);
    if (rc >= 0) {
        struct suspect suspect = suspect_amount(quantity_u, &past);
        if (suspect.kind == SUSPECT_OUTLIER) { // A factor names tonnes for kilograms, too.
            suspect = only_above(suspect, quantity_u);
        }
        say_suspect(doubt, event_text(event, "item"), quantity_u, &suspect);
    }
    return rc;
}

/* What lies there by the books: of the lot, or of the item at the place. */
static int look_count(struct event *event, struct doubt *doubt, struct err *err) {
    int64_t balance_u = 0;
    int64_t counted_u = event_i64(event, "quantity", 0);
    int64_t lot = event_i64(event, "lot", 0);
    int rc = sql_number(event->tx,
        "SELECT sum(quantity_u) FROM stock WHERE place = ?3 AND ((?1 <> 0 AND lot = ?1) OR (?1 = 0 "
        "AND item = ?2))",
        Q(Q_I(lot), Q_I(event_i64(event, "item", 0)), Q_I(event_i64(event, "place", 0))), 0,
        &balance_u, err);
    if (rc >= 0) {
        struct suspect suspect = suspect_expected(counted_u, balance_u);
        say_suspect(doubt, event_text(event, lot != 0 ? "lot" : "item"), counted_u, &suspect);
    }
    return rc;
}

static int look_made(struct event *event, struct doubt *doubt, struct err *err) {
    struct suspect_past past;
    struct operation operation;
    struct work_order order;
    struct made made = {0};
    int64_t good_u = event_i64(event, "good", 0);
    int rc = operation_get(event->tx, event_i64(event, "operation", 0), &operation, err);
    rc = rc < 0 ? rc : order_get(event->tx, operation.order, &order, err);
    rc = rc < 0 ? rc : operation_made(event->tx, operation.number, &made, err);
    rc = rc < 0 ? rc
                : read_past(event,
                      "SELECT h.good_u FROM (SELECT run, good_u FROM made_by_hand ORDER BY number "
                      "DESC LIMIT 2000) h JOIN runs r ON r.number = h.run JOIN operations o ON "
                      "o.number = r.operation JOIN work_orders w ON w.number = o.work_order WHERE "
                      "h.good_u > 0 AND w.item = ?1 AND o.process = ?2 LIMIT 50",
                      Q(Q_I(order.item), Q_I(operation.process)), &past, err);
    if (rc < 0 || good_u <= 0) {
        return rc;
    }
    struct suspect suspect = only_above(suspect_amount(good_u, &past), good_u);
    int64_t left_u = order.quantity_u - made.good_u;
    if (suspect.kind == SUSPECT_NONE && good_u / 3 > order.quantity_u) {
        suspect = suspect_expected(good_u, left_u > 0 ? left_u : order.quantity_u);
    }
    say_suspect(doubt, str_of(order.item_code), good_u, &suspect);
    return rc;
}

static int look_value(
    struct event *event, const struct inspect_value *value, struct doubt *doubt, struct err *err) {
    struct suspect_past past;
    const struct inspect_limits *limits = &value->line->limits;
    const struct suspect_band band = {
        limits->has_lower, limits->has_upper, limits->lower_u, limits->upper_u};
    int rc = read_past(event,
        "SELECT value_u FROM inspection_values WHERE plan = ?1 AND value_u IS NOT NULL ORDER BY "
        "time_ns DESC LIMIT 50",
        Q(Q_I(value->line->plan)), &past, err);
    if (rc >= 0) {
        struct suspect suspect = suspect_measure(value->value_u, &band, &past);
        say_suspect(doubt, value->line->name, value->value_u, &suspect);
    }
    return rc;
}

/* What cannot be read is refused by whoever carries the event out. */
static int look_inspection(struct event *event, struct doubt *doubt, struct err *err) {
    struct inspect_subject subject;
    struct inspect_values values = {.count = 0};
    int rc = inspect_subject_of(event, &subject, err);
    rc = rc < 0 ? rc : inspect_typed(event, &subject, &values, err);
    for (uint32_t i = 0; i < values.count && rc >= 0 && doubt->count < SENTENCES_MAX; i++) {
        const struct inspect_value *value = &values.all[i];
        bool typed = value->measured && value->line->method == INSPECT_TYPED;
        rc = typed ? look_value(event, value, doubt, err) : rc;
    }
    return rc;
}

/* ---- Twice ---- */

/* The same from the same person at the same terminal within a minute (all terminals may have one
 * account): a double tap, or a note that lay there twice. */
static int look_twice(struct event *event, struct str body, struct doubt *doubt, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx,
        "SELECT number, time_ns FROM (SELECT number, time_ns, type, actor, terminal, body FROM "
        "production_events ORDER BY number DESC LIMIT 500) WHERE type = ?1 AND actor = ?2 AND "
        "terminal = ?6 AND abs(time_ns - ?3) < ?4 AND json_remove(body, '$.time', '$.sure') = "
        "json_remove(?5, "
        "'$.time', '$.sure') LIMIT 1",
        Q(Q_S(str_of(event_type_at(event->type)->name)), Q_S(event->actor), Q_I(event->time_ns),
            Q_I(TWICE_NS), Q_S(body), Q_S(event->terminal)),
        &stmt, err);
    if (rc > 0) {
        char text[TIME_TEXT_MAX];
        (void)time_format(ledger_column_i64(stmt, 1), event->zone, text);
        say(doubt, SAY(PRODUCTION_DOUBT_TWICE),
            ARGS(A_STR(str_slice(str_of(text), 11, 19)), A_INT(ledger_column_i64(stmt, 0))));
    }
    return rc;
}

/* A lot's own number cannot come in twice, and its receipt says so itself; what was counted twice
 * is the same as once. */
static bool may_repeat(const struct event *event, struct str type) {
    if (str_eq(type, STR("stock.receive"))) {
        return event_has(event, "lot");
    }
    if (str_eq(type, STR("inspection.record"))) {
        return !event_has(event, "line"); // Nothing was typed.
    }
    if (!str_eq(type, STR("made.enter"))) {
        return str_eq(type, STR("stock.count"));
    }
    int64_t good_u = event_i64(event, "good", 0);
    int64_t bad_u = event_i64(event, "bad", 0);
    return good_u < FEW_U && bad_u < FEW_U;
}

int doubt_look(struct event *event, struct str body, struct doubt *doubt, struct err *err) {
    static const struct {
        const char *type;
        int (*look)(struct event *event, struct doubt *doubt, struct err *err);
    } LOOKS[] = {{"stock.receive", look_receive}, {"stock.count", look_count},
        {"made.enter", look_made}, {"inspection.record", look_inspection}};
    struct str type = str_of(event_type_at(event->type)->name);
    int rc = 0;
    for (size_t i = 0; i < sizeof LOOKS / sizeof LOOKS[0] && rc >= 0; i++) {
        rc = str_eq(type, str_of(LOOKS[i].type)) ? LOOKS[i].look(event, doubt, err) : rc;
    }
    return rc < 0 || may_repeat(event, type) ? rc : look_twice(event, body, doubt, err);
}

/* ---- Kept ---- */

int doubt_keep(struct event *event, struct str key, struct str body, uint64_t digest,
    const struct doubt *doubt, struct err *err) {
    int64_t number = 0;
    int rc = sql_number(event->tx,
        "INSERT INTO doubtful_events (key, type, time_ns, entered_ns, actor, terminal, body, "
        "why_en, why_ko, state, decided_by, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
        "'open', '', ?10) RETURNING number",
        Q(Q_S(key), Q_S(str_of(event_type_at(event->type)->name)), Q_I(event->time_ns),
            Q_I(event->entered_ns), Q_S(event->actor), Q_S(event->terminal), Q_S(body),
            Q_S(buf_str(&doubt->en)), Q_S(buf_str(&doubt->ko)), Q_I((int64_t)digest)),
        0, &number, err);
    json_put_i64(event->answer, "doubtful", number);
    event_warn(event, SAY(PRODUCTION_DOUBT_KEPT), NO_ARGS);
    char subject[48] = "doubtful/";
    (void)i64_to_text(number, subject + strlen(subject));
    return rc < 0 ? rc
                  : audit_append(
                        event->tx, event->actor, STR("event.doubtful"), str_of(subject), body, err);
}

int doubt_find(struct ledger_tx *tx, struct arena *arena, struct str key,
    struct doubt_kept *ret_kept, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT number, type, state, entered_ns, digest FROM doubtful_events WHERE key = ?1",
        Q(Q_S(key)), &stmt, err);
    if (rc > 0) {
        *ret_kept = (struct doubt_kept){.number = ledger_column_i64(stmt, 0),
            .type = arena_copy(arena, ledger_column_str(stmt, 1)),
            .state = arena_copy(arena, ledger_column_str(stmt, 2)),
            .entered_ns = ledger_column_i64(stmt, 3),
            .digest = (uint64_t)ledger_column_i64(stmt, 4)};
    }
    return rc;
}

int doubt_settle(struct event *event, int64_t number, struct err *err) {
    return sql_do(event->tx,
        "UPDATE doubtful_events SET state = 'done', decided_by = ?2, decided_ns = ?3, event = ?4 "
        "WHERE number = ?1",
        Q(Q_I(number), Q_S(event->actor), Q_I(event->entered_ns), Q_I(event->number)), err);
}

int event_doubt_drop(struct event *event, struct err *err) {
    int64_t number = event_i64(event, "doubtful", 0);
    int64_t found = 0;
    int rc = sql_number(event->tx,
        "UPDATE doubtful_events SET state = 'dropped', decided_by = ?2, decided_ns = ?3 WHERE "
        "number = ?1 AND state = 'open' RETURNING number",
        Q(Q_I(number), Q_S(event->actor), Q_I(event->entered_ns)), 0, &found, err);
    return rc >= 0 && found == 0
               ? err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_DOUBT_UNKNOWN), ARGS(A_INT(number)))
               : rc;
}
