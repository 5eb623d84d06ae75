/*
 * maru bench NAME: figures of this machine and of Maru on it, side by side, for
 * docs/PERFORMANCE.md. Not tests: nothing passes or fails here.
 */
#include "app/bench.h"
#include "app/command.h"
#include "production/words.h"

static const struct {
    const char *name;
    int (*run)(const struct bench_options *options, struct buf *json_out, struct err *err);
} BENCHES[] = {{"historian", bench_historian}, {"growth", bench_growth}, {"collect", bench_collect},
    {"http", bench_http}, {"refine", bench_refine}, {"trace", bench_trace},
    {"programme", bench_programme}};

/* Without --json: one `key value` line for each member of the outer object, for reading. */
static void put_lines(struct buf *out, struct str json) {
    int depth = 0;
    for (size_t i = 0; i < json.size; i++) {
        char c = json.data[i];
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        if (c == '{' || c == '}' || c == '"') {
            continue;
        }
        buf_put_char(out, c == ',' && depth <= 2 ? '\n' : c == ':' ? '\t' : c);
    }
    buf_put_char(out, '\n');
}

/* A whole number from 1 on; absent: 0. */
static int read_count(
    const struct call *call, const char *name, int64_t most, int64_t *ret_count, struct err *err) {
    const char *text = call_value(call, name);
    if (text == NULL) {
        return 0;
    }
    int64_t count = 0;
    if (!str_to_i64(str_of(text), &count) || count < 1 || count > most) {
        return err_set(
            err, ERR_USAGE, SAY(PRODUCTION_BENCH_COUNT), ARGS(A_CSTR(name), A_INT(most)));
    }
    *ret_count = count;
    return 0;
}

int cmd_bench(struct call *call, struct err *err) {
    const char *data = call_value(call, "--data");
    struct bench_options options = {.dir = call_value(call, "--dir"),
        .data = data != NULL ? data : "gen",
        .quick = call_value(call, "--quick") != NULL};
    int counted = read_count(call, "--lots", 10000000, &options.lots, err);
    counted = counted < 0 ? counted : read_count(call, "--depth", 100, &options.depth, err);
    if (counted < 0) {
        return counted;
    }
    for (size_t i = 0; i < sizeof BENCHES / sizeof BENCHES[0]; i++) {
        if (!str_eq(str_of(BENCHES[i].name), str_of(call->positionals[0]))) {
            continue;
        }
        AUTO_BUF struct buf json;
        buf_init(&json, CALL_OUT_MAX / 2);
        int status = BENCHES[i].run(&options, &json, err);
        if (status < 0) {
            return status;
        }
        if (call->json) {
            buf_put_str(&call->out, buf_str(&json));
            buf_put_char(&call->out, '\n');
        } else {
            put_lines(&call->out, buf_str(&json));
        }
        return EXIT_DONE;
    }
    return err_set(err, ERR_USAGE, MSG_BENCH_UNKNOWN, ARGS(A_CSTR(call->positionals[0])));
}
