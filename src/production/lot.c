/*
 * Lots.
 *
 * A number is what stands on the label, so it is made before the work starts and never changes. The
 * pattern has a day, a machine or an item, and a counter that goes on from the highest that stands
 * under the same beginning: no counter of its own is kept that could run out of step.
 *
 * Who holds whom is kept as rows, one for each lot and cause: a lot can be held because of two of
 * its materials, and releasing one must not free it. The state on the lot follows these rows.
 */
#include "production/lot.h"

#include <string.h>

#include "core/time.h"
#include "production/sql.h"
#include "production/stock.h"
#include "production/trace.h"

enum { CODE_BYTES_MAX = 64, PATTERN_DEFAULT_DIGITS = 3, DIGITS_MAX = 9 };
#define DAY_NS (86400 * NS_PER_S)

/* ---- Reading ---- */

int lot_get(struct event *event, int64_t lot, struct lot_facts *ret_lot, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT number, code, item, state, coalesce(partner, 0), partner_lot, "
        "coalesce(made_ns, 0), expires, hold FROM lots WHERE number = ?1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot);
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_LOT_GONE), ARGS(A_INT(lot)));
    }
    if (status > 0) {
        *ret_lot = (struct lot_facts){.number = ledger_column_i64(stmt, 0),
            .code = arena_copy(event->arena, ledger_column_str(stmt, 1)),
            .item = ledger_column_i64(stmt, 2),
            .state = arena_copy(event->arena, ledger_column_str(stmt, 3)),
            .partner = ledger_column_i64(stmt, 4),
            .partner_lot = arena_copy(event->arena, ledger_column_str(stmt, 5)),
            .made_ns = ledger_column_i64(stmt, 6),
            .expires = arena_copy(event->arena, ledger_column_str(stmt, 7)),
            .hold = arena_copy(event->arena, ledger_column_str(stmt, 8))};
    }
    return status < 0 ? status : 0;
}

void event_day(const struct event *event, int64_t days_later, char to[DAY_TEXT_MAX]) {
    char text[TIME_TEXT_MAX];
    int64_t offset_ns =
        event->zone != NULL ? zone_offset_s(event->zone, event->time_ns) * NS_PER_S : 0;
    (void)time_format(event->time_ns + offset_ns + days_later * DAY_NS, NULL, text);
    (void)str_copy_z(str_slice(str_of(text), 0, 10), to, DAY_TEXT_MAX);
}

int lot_check_scrapped(const struct lot_facts *lot, struct err *err) {
    return str_eq(lot->state, STR("scrapped"))
               ? err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_SCRAPPED), ARGS(A_STR(lot->code)))
               : 0;
}

/* Good on the day that was told, and no longer now: allowed to those who were without a network for
 * a shift, not to somebody who tells an old day. */
static int check_expiry(struct event *event, const struct lot_facts *lot, struct err *err) {
    enum { TOLD_LATE_H = 24 };
    char told[DAY_TEXT_MAX];
    char now[DAY_TEXT_MAX];
    struct event entered = *event;
    entered.time_ns = event->entered_ns;
    event_day(event, 0, told);
    event_day(&entered, 0, now);
    if (lot->expires.size == 0 || str_cmp(lot->expires, str_of(now)) >= 0) {
        return 0;
    }
    bool late = event->entered_ns - event->time_ns > TOLD_LATE_H * 3600 * NS_PER_S;
    if (str_cmp(lot->expires, str_of(told)) < 0 || (late && !event->may_manage)) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_EXPIRED),
            ARGS(A_STR(lot->code), A_STR(lot->expires)));
    }
    event_warn(event, SAY(PRODUCTION_LOT_EXPIRED_SINCE),
        ARGS(A_STR(lot->code), A_STR(lot->expires), A_CSTR(told)));
    return 0;
}

int lot_check(struct event *event, const struct lot_facts *lot, struct err *err) {
    if (str_eq(lot->state, STR("held"))) {
        return err_set(
            err, ERR_CONFLICT, SAY(PRODUCTION_LOT_HELD), ARGS(A_STR(lot->code), A_STR(lot->hold)));
    }
    int status = lot_check_scrapped(lot, err);
    if (status >= 0 && str_eq(lot->state, STR("planned"))) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_PLANNED), ARGS(A_STR(lot->code)));
    }
    return status < 0 ? status : check_expiry(event, lot, err);
}

/* ---- Numbers ---- */

/* The pattern up to its counter, and how many digits that has. */
static int begin_code(struct event *event, const struct lot_wish *wish, struct buf *code,
    int *ret_digits, struct err *err) {
    struct str pattern = STR_NONE;
    char day[DAY_TEXT_MAX];
    event_day(event, 0, day);
    int status = plant_setting_get(event->tx, STR("lot_pattern"), event->arena, &pattern, NULL);
    struct str rest = status >= 0 && pattern.size > 0 ? pattern : STR("{date}-{counter}");
    *ret_digits = PATTERN_DEFAULT_DIGITS;
    status = 0;
    while (rest.size > 0 && status >= 0) {
        buf_put_str(code, str_cut(&rest, '{'));
        struct str word = str_cut(&rest, '}');
        struct str item = STR_NONE;
        if (str_eq(word, STR("date"))) {
            buf_printf(code, "%.2s%.2s%.2s", day + 2, day + 5, day + 8);
        } else if (str_eq(word, STR("machine"))) {
            buf_put_str(code, wish->machine.size > 0 ? wish->machine : STR("0"));
        } else if (str_eq(word, STR("item"))) {
            status = code_get(event, "items", wish->facts.item, &item, err);
            buf_put_str(code, item);
        } else if (str_starts(word, STR("counter")) && word.size == 9) {
            *ret_digits = word.data[8] - '0';
        }
    }
    return status;
}

/* The highest counter under a beginning, plus one; work orders give their numbers to their lots. */
static int next_counter(
    struct event *event, struct str begin, int64_t *ret_counter, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT coalesce(max(CAST(substr(code, length(?1) + 1) AS INTEGER)), 0) FROM (SELECT code "
        "FROM lots WHERE code >= ?1 AND code < ?1 || char(1114111) UNION ALL SELECT code FROM "
        "work_orders WHERE code >= ?1 AND code < ?1 || char(1114111)) WHERE length(code) <= "
        "length(?1) + 9",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, begin);
    status = ledger_step(stmt, err);
    if (status > 0) {
        *ret_counter = ledger_column_i64(stmt, 0) + 1;
    }
    return status < 0 ? status : 0;
}

static int number_code(
    struct event *event, const struct lot_wish *wish, struct str *ret_code, struct err *err) {
    AUTO_BUF struct buf code;
    int digits = 0;
    int64_t counter = 0;
    buf_init(&code, 1024);
    int status = begin_code(event, wish, &code, &digits, err);
    status = status < 0 ? status : next_counter(event, buf_str(&code), &counter, err);
    if (status < 0) {
        return status;
    }
    buf_printf(&code, "%0*lld", digits, (long long)counter);
    if (code.size > CODE_BYTES_MAX) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_LOT_CODE_LONG), ARGS(A_STR(buf_str(&code))));
    }
    *ret_code = arena_copy(event->arena, buf_str(&code));
    return 0;
}

static int insert_lot(
    struct event *event, const struct lot_wish *wish, struct lot_facts *lot, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "INSERT INTO lots (code, item, state, partner, partner_lot, made_ns, expires, hold, note, "
        "created_ns, actor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '', ?8, ?9, ?10) ON CONFLICT DO "
        "NOTHING RETURNING number",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, lot->code);
    ledger_bind_i64(stmt, 2, lot->item);
    ledger_bind_str(stmt, 3, lot->state);
    if (lot->partner != 0) {
        ledger_bind_i64(stmt, 4, lot->partner);
    } else {
        ledger_bind_null(stmt, 4);
    }
    ledger_bind_str(stmt, 5, lot->partner_lot);
    if (lot->made_ns != 0) {
        ledger_bind_i64(stmt, 6, lot->made_ns);
    } else {
        ledger_bind_null(stmt, 6);
    }
    ledger_bind_str(stmt, 7, lot->expires);
    ledger_bind_str(stmt, 8, wish->note.data != NULL ? wish->note : STR_NONE);
    ledger_bind_i64(stmt, 9, event->time_ns);
    ledger_bind_str(stmt, 10, event->actor);
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_EXISTS, SAY(PRODUCTION_LOT_TAKEN), ARGS(A_STR(lot->code)));
    }
    if (status > 0) {
        lot->number = ledger_column_i64(stmt, 0);
        status = ledger_step(stmt, err);
    }
    return status < 0 ? status : 0;
}

int lot_make(
    struct event *event, const struct lot_wish *wish, struct lot_facts *ret_lot, struct err *err) {
    struct lot_facts lot = wish->facts;
    lot.state = lot.made_ns == 0 ? STR("planned") : STR("open");
    lot.partner_lot = lot.partner_lot.data != NULL ? lot.partner_lot : STR_NONE;
    lot.expires = lot.expires.data != NULL ? lot.expires : STR_NONE;
    lot.hold = STR_NONE;
    int status = lot.code.size > 0 ? 0 : number_code(event, wish, &lot.code, err);
    status = status < 0 ? status : insert_lot(event, wish, &lot, err);
    if (status >= 0) {
        *ret_lot = lot;
    }
    return status;
}

int lot_open(struct event *event, int64_t lot, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "UPDATE lots SET made_ns = ?2, state = CASE state WHEN 'planned' THEN 'open' ELSE state "
        "END "
        "WHERE number = ?1 AND made_ns IS NULL",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot);
    ledger_bind_i64(stmt, 2, event->time_ns);
    return ledger_step(stmt, err);
}

/* ---- Holds ---- */

/* Why lots are held: the lot that is the cause, and whether a non-conformity or a hand says so. */
struct hold {
    int64_t cause;
    int64_t source;
    struct str why;
};

/* 1: the lot was not held for this before. */
static int hold_one(
    struct event *event, int64_t lot, const struct hold *hold, struct str words, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "INSERT INTO lot_holds (lot, cause, why, time_ns, event, source) VALUES (?1, ?2, ?3, ?4, "
        "?5, "
        "?6) ON "
        "CONFLICT DO NOTHING RETURNING lot",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot);
    ledger_bind_i64(stmt, 2, hold->cause);
    ledger_bind_str(stmt, 3, hold->why);
    ledger_bind_i64(stmt, 4, event->time_ns);
    ledger_bind_i64(stmt, 5, event->number);
    ledger_bind_i64(stmt, 6, hold->source);
    int fresh = ledger_step(stmt, err);
    status = fresh > 0 ? ledger_step(stmt, err) : fresh;
    status = status < 0 ? status
                        : ledger_prepare(event->tx,
                              "UPDATE lots SET state = 'held', hold = ?2 WHERE number = ?1 AND "
                              "state IN ('planned', 'open')",
                              &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot);
    ledger_bind_str(stmt, 2, words);
    status = ledger_step(stmt, err);
    return status < 0 ? status : fresh;
}

/* What people read at a lot that is held because of another one: "L-1: why". */
static struct str because(struct event *event, struct str code, struct str why) {
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    buf_put_str(&words, code);
    buf_put_str(&words, STR(": "));
    buf_put_str(&words, why);
    return arena_copy(event->arena, buf_str(&words));
}

/* The cause holds a lot and all that was made of it. */
static int hold_down(
    struct event *event, int64_t lot, const struct hold *hold, int64_t *ret_held, struct err *err) {
    struct trace trace;
    struct str code = STR_NONE;
    int status = trace_run(event->tx, lot, TRACE_FORWARD, event->arena, &trace, err);
    status = status < 0 ? status : code_get(event, "lots", hold->cause, &code, err);
    if (status < 0) {
        return status;
    }
    if (trace.cut) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_LOT_TOO_MANY), ARGS(A_INT(TRACE_LOTS_MAX)));
    }
    struct str words = because(event, code, hold->why);
    *ret_held = 0;
    for (uint32_t i = 0; i < trace.lot_count && status >= 0; i++) {
        int64_t held = trace.lots[i].lot;
        status = hold_one(event, held, hold, held == hold->cause ? hold->why : words, err);
        *ret_held += status > 0;
    }
    return status < 0 ? status : 0;
}

int lot_hold(struct event *event, const struct lot_facts *lot, int64_t source, struct str why,
    int64_t *ret_held, struct err *err) {
    const struct hold hold = {.cause = lot->number, .source = source, .why = why};
    return hold_down(event, lot->number, &hold, ret_held, err);
}

/* A lot without holds is free again; with some it shows one of them. 1: it was freed. */
static int settle(struct event *event, int64_t lot, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT h.cause = h.lot, c.code, h.why FROM lot_holds h JOIN lots c ON c.number = h.cause "
        "WHERE h.lot = ?1 ORDER BY h.cause <> h.lot, h.time_ns LIMIT 1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot);
    int held = ledger_step(stmt, err);
    struct str words = STR_NONE;
    if (held > 0) {
        struct str why = ledger_column_str(stmt, 2);
        words = ledger_column_i64(stmt, 0) != 0 ? arena_copy(event->arena, why)
                                                : because(event, ledger_column_str(stmt, 1), why);
    }
    status = held < 0 ? held
                      : ledger_prepare(event->tx,
                            "UPDATE lots SET hold = ?2, state = CASE WHEN ?3 THEN 'held' WHEN "
                            "made_ns IS NULL THEN 'planned' ELSE 'open' END WHERE number = ?1 AND "
                            "state = 'held'",
                            &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot);
    ledger_bind_str(stmt, 2, words);
    ledger_bind_i64(stmt, 3, held > 0);
    status = ledger_step(stmt, err);
    return status < 0 ? status : held == 0;
}

int lot_release(
    struct event *event, int64_t cause, int64_t source, int64_t *ret_freed, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_begin(event->tx,
        "SELECT DISTINCT lot FROM lot_holds WHERE cause = ?1 AND (?2 < 0 OR source = ?2) ORDER BY "
        "lot",
        Q(Q_I(cause), Q_I(source)), &stmt, err);
    if (status < 0) {
        return status;
    }
    uint32_t count = 0;
    uint32_t room = 64;
    int64_t *lots = ARENA_ARRAY(event->arena, int64_t, room);
    while ((status = ledger_step(stmt, err)) > 0) {
        if (count == room) {
            int64_t *wider = ARENA_ARRAY(event->arena, int64_t, 2 * (size_t)room);
            memcpy(wider, lots, count * sizeof *lots);
            lots = wider;
            room *= 2;
        }
        lots[count++] = ledger_column_i64(stmt, 0);
    }
    status = status < 0 ? status
                        : sql_do(event->tx,
                              "DELETE FROM lot_holds WHERE cause = ?1 AND (?2 < 0 OR source = ?2)",
                              Q(Q_I(cause), Q_I(source)), err);
    *ret_freed = 0;
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        status = settle(event, lots[i], err);
        *ret_freed += status > 0;
    }
    return status < 0 ? status : 0;
}

int lot_release_alone(struct event *event, int64_t lot, struct err *err) {
    int status = sql_do(event->tx, "DELETE FROM lot_holds WHERE lot = ?1", Q(Q_I(lot)), err);
    status = status < 0 ? status : settle(event, lot, err);
    return status < 0 ? status : 0;
}

/* ---- Edges ---- */

/* A lot that went into another one must not be made of it: only a child that has children itself
 * can close a circle. */
static int check_circle(struct event *event, const struct lot_edge *edge, struct err *err) {
    struct trace trace = {.cut = false};
    int status = trace_run(event->tx, edge->parent, TRACE_BACK, event->arena, &trace, err);
    for (uint32_t i = 0; i < trace.lot_count && status >= 0; i++) {
        if (trace.lots[i].lot == edge->child) {
            struct str parent = STR_NONE;
            struct str child = STR_NONE;
            status = code_get(event, "lots", edge->parent, &parent, err);
            status = status < 0 ? status : code_get(event, "lots", edge->child, &child, err);
            return status < 0 ? status
                              : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_LOT_CIRCLE),
                                    ARGS(A_STR(parent), A_STR(child)));
        }
    }
    return status;
}

/* What holds the parent holds the child, and what was made of it. */
static int pass_holds(struct event *event, const struct lot_edge *edge, struct err *err) {
    enum { CAUSES_MAX = 1000 };
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "SELECT cause, why, source FROM lot_holds WHERE lot = ?1 ORDER BY cause, source LIMIT 1000",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, edge->parent);
    struct hold *rows = NULL;
    uint32_t count = 0;
    while ((status = ledger_step(stmt, err)) > 0 && count < CAUSES_MAX) {
        rows = rows != NULL ? rows : ARENA_ARRAY(event->arena, struct hold, CAUSES_MAX);
        rows[count++] = (struct hold){.cause = ledger_column_i64(stmt, 0),
            .source = ledger_column_i64(stmt, 2),
            .why = arena_copy(event->arena, ledger_column_str(stmt, 1))};
    }
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        int64_t held = 0;
        status = hold_down(event, edge->child, &rows[i], &held, err);
    }
    return status < 0 ? status : 0;
}

int lot_link(struct event *event, const struct lot_edge *edge, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = edge->parent == edge->child ? 1 : 0;
    if (status == 0) {
        status = ledger_prepare(event->tx, "SELECT 1 FROM lot_links WHERE parent = ?1", &stmt, err);
        if (status >= 0) {
            ledger_bind_i64(stmt, 1, edge->child);
            status = ledger_step(stmt, err);
        }
    }
    status = status > 0 ? check_circle(event, edge, err) : status;
    status = status < 0 ? status
                        : ledger_prepare(event->tx,
                              "INSERT INTO lot_links (parent, child, kind, quantity_u, operation, "
                              "time_ns, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                              &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, edge->parent);
    ledger_bind_i64(stmt, 2, edge->child);
    ledger_bind_str(stmt, 3, str_of(edge->kind));
    ledger_bind_i64(stmt, 4, edge->quantity_u);
    if (edge->operation != 0) {
        ledger_bind_i64(stmt, 5, edge->operation);
    } else {
        ledger_bind_null(stmt, 5);
    }
    ledger_bind_i64(stmt, 6, event->time_ns);
    ledger_bind_i64(stmt, 7, event->number);
    status = ledger_step(stmt, err);
    return status < 0 ? status : pass_holds(event, edge, err);
}

int lot_unlink(struct event *event, const struct lot_edge *edge, struct err *err) {
    for (int64_t left_u = edge->quantity_u; left_u > 0;) {
        struct ledger_stmt *stmt = NULL;
        int status = sql_first(event->tx,
            "SELECT number, quantity_u FROM lot_links WHERE parent = ?1 AND child = ?2 AND kind = "
            "?3 AND coalesce(operation, 0) = ?4 ORDER BY number DESC LIMIT 1",
            Q(Q_I(edge->parent), Q_I(edge->child), Q_S(str_of(edge->kind)), Q_I(edge->operation)),
            &stmt, err);
        if (status <= 0) {
            return status;
        }
        int64_t number = ledger_column_i64(stmt, 0);
        int64_t quantity_u = ledger_column_i64(stmt, 1);
        status =
            quantity_u > left_u
                ? sql_do(event->tx,
                      "UPDATE lot_links SET quantity_u = quantity_u - ?2 WHERE number = ?1",
                      Q(Q_I(number), Q_I(left_u)), err)
                : sql_do(event->tx, "DELETE FROM lot_links WHERE number = ?1", Q(Q_I(number)), err);
        if (status < 0) {
            return status;
        }
        left_u -= quantity_u;
    }
    return 0;
}
