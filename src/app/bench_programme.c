/*
 * `maru bench programme`: how long an officer waits. Ranking asks the order of 1,000 applications
 * of one call, read from JSON and answered in JSON as the command line does; the queue asks for the
 * first page of 2,000 cases, next due first, and for the same of one programme and step, each in a
 * read snapshot of its own. The cases are applied for one by one, as companies would.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/bench.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/random.h"
#include "programme/cases.h"
#include "programme/shelf.h"
#include "programme/verbs.h"

enum { APPLICATIONS = 1000, CASES = 2000, ASKED = 51, PATH_BYTES = 512, TEXT_BYTES = 4 << 20 };

#define PROGRAMME STR("bupyeong-2023")

static void put_application(struct buf *text, struct random *random, int number) {
    bool advanced = random_below(random, 3) == 0;
    buf_printf(text,
        "%s{\"id\":\"A%d\",\"type\":\"%s\",\"score\":%d,\"received\":\"2023-05-%02dT%02d:%02d\","
        "\"corporation\":\"C%d\",\"women_owned\":%s}",
        number > 0 ? "," : "", number, advanced ? "advanced1" : "basic",
        40 + (int)random_below(random, 60), 4 + (int)random_below(random, 27),
        (int)random_below(random, 24), (int)random_below(random, 60),
        (int)random_below(random, APPLICATIONS), random_below(random, 5) == 0 ? "true" : "false");
}

static int rank(const struct bench_options *options, double *ret_ms, struct err *err) {
    int count = options->quick ? APPLICATIONS / 10 : APPLICATIONS;
    double ms[ASKED];
    struct random random;
    struct programme *programme = NULL;
    AUTO_BUF struct buf text;
    random_seed(&random, 1);
    buf_init(&text, TEXT_BYTES);
    buf_put_str(&text, STR("{\"applications\":["));
    for (int i = 0; i < count; i++) {
        put_application(&text, &random, i);
    }
    buf_put_str(&text, STR("]}"));
    int status = shelf_find(PROGRAMME, &programme, err);
    for (int i = 0; i < ASKED && status >= 0; i++) {
        AUTO_BUF struct buf answer;
        AUTO_JSON_IN struct json_in *input = NULL;
        buf_init(&answer, TEXT_BYTES);
        double begin_s = bench_now_s();
        status = json_in_parse(buf_str(&text), &input, err);
        status = status < 0
                     ? status
                     : verb_ask(verb_find(STR("rank")), programme, STR_NONE, input, &answer, err);
        ms[i] = (bench_now_s() - begin_s) * 1000;
    }
    programme_free(programme);
    if (status >= 0) {
        *ret_ms = bench_median(ms, ASKED);
    }
    return status;
}

static const struct case_actor OFFICER = {
    .user = {"bench", 5}, .organisation = {"agency", 6}, .roles = CASE_OFFICER};

static int announce(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return programme_announce(tx, PROGRAMME, -1, OFFICER.user, err);
}

static int apply(struct ledger_tx *tx, void *context, struct err *err) {
    const int *number = context;
    AUTO_BUF struct buf text;
    AUTO_JSON_IN struct json_in *input = NULL;
    buf_init(&text, 4096);
    buf_printf(&text,
        "{\"programme\":\"bupyeong-2023\",\"type\":\"basic\",\"name\":\"회사 %d\",\"corporation\":"
        "\"C%d\",\"at\":\"2023-05-%02dT10:00\",\"reason\":\"접수\",\"documents\":[{\"id\":"
        "\"application\"},{\"id\":\"privacy\"}],\"facts\":{\"factory\":\"인천 부평구\"},\"cost\":"
        "{\"cash_contribution\":%d}}",
        *number, *number, 4 + *number % 27, 20000000 + *number * 1000);
    struct case_done done = {0};
    buf_init(&done.answer, TEXT_BYTES);
    int status = json_in_parse(buf_str(&text), &input, err);
    struct case_wish wish = {
        .actor = OFFICER, .action = STR("apply"), .input = input, .now_ns = ledger_now_ns(tx)};
    status = status < 0 ? status : cases_act(tx, &wish, &done, err);
    if (status >= 0 && done.refused) {
        status = err_set(err, ERR_INTERNAL, MSG_FILE_MISSING, ARGS(A_STR(buf_str(&done.answer))));
    }
    buf_fini(&done.answer);
    return status;
}

static int list(struct ledger_tx *tx, void *context, struct err *err) {
    struct case_query *query = context;
    AUTO_BUF struct buf text;
    AUTO_ARENA struct arena arena;
    struct json json;
    struct str next = STR_NONE;
    buf_init(&text, TEXT_BYTES);
    arena_init(&arena, 0);
    json_init(&json, &text);
    json_array_begin(&json);
    int status = cases_list(tx, query, &json, &arena, &next, err);
    json_array_end(&json);
    if (status >= 0 && next.size == 0) { // A page that is not full would measure nothing.
        status = err_set(err, ERR_INTERNAL, MSG_FILE_MISSING, ARGS(A_STR(buf_str(&text))));
    }
    return status;
}

static int ask(struct ledger *hub, struct case_query query, double *ret_ms, struct err *err) {
    double ms[ASKED];
    for (int i = 0; i < ASKED; i++) {
        double begin_s = bench_now_s();
        int status = ledger_read(hub, list, &query, err);
        ms[i] = (bench_now_s() - begin_s) * 1000;
        if (status < 0) {
            return status;
        }
    }
    *ret_ms = bench_median(ms, ASKED);
    return 0;
}

struct figures {
    double rank_ms;
    double queue_ms;
    double queue_step_ms;
    double apply_ms;
};

static int measure(const char *path, const struct bench_options *options, struct figures *figures,
    struct err *err) {
    int count = options->quick ? CASES / 10 : CASES;
    struct ledger *hub = NULL;
    int status = ledger_open(path, LEDGER_HUB, clock_system(), &hub, err);
    status = status < 0 ? status : ledger_write(hub, announce, NULL, err);
    double begin_s = bench_now_s();
    for (int i = 0; i < count && status >= 0; i++) {
        status = ledger_write(hub, apply, &i, err);
    }
    figures->apply_ms = (bench_now_s() - begin_s) * 1000 / count;
    struct case_query queue = {.actor = &OFFICER, .limit = CASE_LIST_USUAL, .all = true};
    struct case_query step = queue;
    step.programme = PROGRAMME;
    step.step = STR("screen");
    status = status < 0 ? status : ask(hub, queue, &figures->queue_ms, err);
    status = status < 0 ? status : ask(hub, step, &figures->queue_step_ms, err);
    ledger_close(hub);
    return status;
}

int bench_programme(const struct bench_options *options, struct buf *json_out, struct err *err) {
    struct figures figures = {0};
    const char *base = options->dir != NULL ? options->dir : getenv("TMPDIR");
    char folder[PATH_BYTES];
    char path[PATH_BYTES + 16];
    (void)snprintf(folder, sizeof folder, "%s/maru-bench-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return err_set(err, ERR_IO, MSG_FILE_MISSING, ARGS(A_CSTR(folder)));
    }
    (void)snprintf(path, sizeof path, "%s/hub.db", folder);
    int status = rank(options, &figures.rank_ms, err);
    status = status < 0 ? status : measure(path, options, &figures, err);
    (void)dir_remove_all(folder, NULL);
    if (status < 0) {
        return status;
    }
    struct json json;
    json_init(&json, json_out);
    json_object_begin(&json);
    json_put_i64(&json, "applications", options->quick ? APPLICATIONS / 10 : APPLICATIONS);
    json_put_i64(&json, "cases", options->quick ? CASES / 10 : CASES);
    bench_put(&json, "rank_ms", figures.rank_ms);
    bench_put(&json, "queue_ms", figures.queue_ms);
    bench_put(&json, "queue_step_ms", figures.queue_step_ms);
    bench_put(&json, "apply_ms", figures.apply_ms);
    json_object_end(&json);
    return 0;
}
