/*
 * Pieces that came behind the end of their run: the last shot is worked in a moment after somebody
 * ended the operation, and a gateway that was cut off tells an hour later. Nobody books those, so
 * the filler does, with the event that a person would use.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "production/event.h"
#include "production/fill_store.h"
#include "production/sql.h"

enum { QUIET_S = 3, ORDERS_AT_ONCE = 16 };

struct late {
    int64_t order;
    int64_t told_ns;
    char code[72];
};
struct late_list {
    struct late all[ORDERS_AT_ONCE];
    uint32_t count;
    int64_t waiting; // Of all.
};

int fill_late_note(struct ledger_tx *tx, int64_t run, struct err *err) {
    return sql_do(tx,
        "INSERT INTO late_pieces (work_order, told_ns) SELECT o.work_order, ?2 FROM runs r JOIN "
        "operations o ON o.number = r.operation WHERE r.number = ?1 ON CONFLICT (work_order) DO "
        "UPDATE SET told_ns = excluded.told_ns",
        Q(Q_I(run), Q_I(ledger_now_ns(tx))), err);
}

static int read_late(struct ledger_tx *tx, void *context, struct err *err) {
    struct late_list *list = context;
    struct ledger_stmt *stmt = NULL;
    list->count = 0;
    int status = sql_begin(tx,
        "SELECT l.work_order, l.told_ns, w.code FROM late_pieces l JOIN work_orders w ON w.number "
        "= l.work_order WHERE l.told_ns <= ?1 ORDER BY l.told_ns LIMIT 16",
        Q(Q_I(ledger_now_ns(tx) - QUIET_S * NS_PER_S)), &stmt, err);
    while (status >= 0 && list->count < ORDERS_AT_ONCE && (status = ledger_step(stmt, err)) > 0) {
        struct late *late = &list->all[list->count++];
        late->order = ledger_column_i64(stmt, 0);
        late->told_ns = ledger_column_i64(stmt, 1);
        (void)str_copy_z(ledger_column_str(stmt, 2), late->code, sizeof late->code);
    }
    return status < 0 ? status
                      : sql_number(tx, "SELECT count(*) FROM late_pieces", NULL, 0, 0,
                            &list->waiting, err);
}

/* Unless more came meanwhile. */
static int forget(struct ledger_tx *tx, void *context, struct err *err) {
    const struct late *late = context;
    return sql_do(tx, "DELETE FROM late_pieces WHERE work_order = ?1 AND told_ns = ?2",
        Q(Q_I(late->order), Q_I(late->told_ns)), err);
}

/* The key is the mark's: after a kill between booking and forgetting nothing is done twice. */
static int book(
    struct ledger *ledger, const struct late *late, const struct zone *zone, struct err *err) {
    char key[64];
    (void)snprintf(
        key, sizeof key, "late-%lld-%lld", (long long)late->order, (long long)late->told_ns);
    struct event_member order = {.name = STR("order"), .value = str_of(late->code)};
    const struct event_call call = {.key = str_of(key),
        .type = STR("order.book"),
        .members = &order,
        .member_count = 1,
        .actor = STR("maru"),
        .terminal = STR_NONE,
        .may_manage = true,
        .lang = LANG_KO,
        .zone = zone};
    AUTO_BUF struct buf answer;
    buf_init(&answer, EVENT_ANSWER_BYTES);
    int status = event_run(ledger, &call, &answer, err);
    if (status >= 0 && strstr(buf_z(&answer), "\"warnings\":[]") == NULL) {
        log_event(LOG_WARN, "production", "late_pieces_booked_in_part",
            LOG_FIELDS({"order", A_CSTR(late->code)}, {"answer", A_STR(buf_str(&answer))}), NULL);
    }
    return status;
}

int fill_late_book(struct ledger *ledger, const struct zone *zone, struct err *err) {
    struct late_list list;
    int status = ledger_read(ledger, read_late, &list, err);
    for (uint32_t i = 0; i < list.count && status >= 0; i++) {
        struct err fault = ERR_INIT;
        status = book(ledger, &list.all[i], zone, &fault);
        bool hindered = status == -ERR_CONFLICT || status == -ERR_INVALID ||
                        status == -ERR_NOT_FOUND || status == -ERR_RANGE || status == -ERR_LIMIT;
        if (status < 0) {
            log_event(LOG_WARN, "production", "late_pieces_not_booked",
                LOG_FIELDS({"order", A_CSTR(list.all[i].code)}), &fault);
        }
        if (status < 0 && !hindered) {
            return status; // The ledger itself refuses: the next round tries again.
        }
        status = ledger_write(ledger, forget, &list.all[i], err);
    }
    return status < 0 ? status : (int)(list.waiting - list.count);
}
