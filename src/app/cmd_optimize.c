/*
 * maru optimize HOME: what an administrator would do once in a while, for a home that runs.
 */
#include "app/command.h"
#include "core/json.h"
#include "upkeep/upkeep.h"

int cmd_optimize(struct call *call, struct err *err) {
    struct watch watch = {.go_on = call_go_on, .context = call};
    struct optimize_report report;
    int status = optimize_run(call->home, watch, &report, err);
    if (status < 0) {
        return status;
    }
    if (!call->json) {
        call_say(call, MSG_OPTIMIZE_DONE,
            ARGS(A_INT(report.bytes_before >> 20), A_INT(report.bytes_after >> 20),
                A_INT(report.segments_before), A_INT(report.segments_after)));
        return EXIT_DONE;
    }
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_i64(&json, "bytes_before", (int64_t)report.bytes_before);
    json_put_i64(&json, "bytes_after", (int64_t)report.bytes_after);
    json_put_i64(&json, "segments_before", (int64_t)report.segments_before);
    json_put_i64(&json, "segments_after", (int64_t)report.segments_after);
    json_put_i64(&json, "ledgers", report.ledgers);
    json_put_i64(&json, "ledgers_rewritten", report.rewritten);
    json_put_i64(&json, "indexes", (int64_t)report.indexes);
    json_put_f64(&json, "seconds", (double)report.spent_ns / (double)NS_PER_S);
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
    return EXIT_DONE;
}
