/*
 * The reason of a stop: one tap on the card. A reason given later takes the place of the first one;
 * both stand in the events, and the stop itself is what the machine told.
 */
#include "production/event_handler.h"
#include "production/sql.h"

int event_stop_file(struct event *event, struct err *err) {
    int64_t reason = event_i64(event, "reason", 0);
    int64_t is_stop = 0;
    int status = sql_number(event->tx, "SELECT kind = 'stop' FROM reasons WHERE number = ?1",
        Q(Q_I(reason)), 0, &is_stop, err);
    if (status >= 0 && is_stop == 0) {
        return err_set(
            err, ERR_INVALID, SAY(PRODUCTION_STOP_KIND), ARGS(A_STR(event_text(event, "reason"))));
    }
    if (status >= 0) {
        status = sql_do(event->tx,
            "UPDATE stops SET reason = ?2, worker = coalesce(?3, worker), filed_ns = ?4, "
            "note = CASE WHEN ?5 = '' THEN note ELSE ?5 END WHERE number = ?1",
            Q(Q_I(event_i64(event, "stop", 0)), Q_I(reason), Q_REF(event_i64(event, "worker", 0)),
                Q_I(event->time_ns), Q_S(event_text(event, "note"))),
            err);
    }
    if (status < 0) {
        return status;
    }
    json_put_i64(event->answer, "stop", event_i64(event, "stop", 0));
    return 0;
}
