/*
 * What can be reached from inside, and how an answer that is too long ends.
 */
#include "support_remote.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plant/plant.h"
#include "serve/inside.h"
#include "wire/support.h"

/* What a supporter reaches, by heart: a route of tomorrow is refused until it stands here too. */
static bool is_reachable(const char *id) {
    static const char REACHABLE[] =
        " PLANTS TAGS TAG_GET TAG_PUT TAG_PREVIEW REFINE_RULES DEVICES DEVICE_GET DEVICE_PUT"
        " DRIVERS DEVICE_CHECK DOCTOR BROWSE ASSETS SAMPLES MOMENTS SERIES JOIN QUALITY QUALITY_RUN"
        " REREFINEMENTS REREFINE FLOW FLOW_HISTORY FLOW_TAGS FLOW_REFUSED PLANT_HEALTH RETENTION"
        " COUNTS IMPORT IMPORTS IMPORT_GET IMPORT_CANCEL IMPORT_REJECTED IMPORT_PREVIEW EXPORT"
        " CORRECTIONS SUMMARY ANNOTATIONS ANNOTATION_NEW INDICATORS INDICATOR_VALUES MEASURE ";
    char word[64];
    (void)snprintf(word, sizeof word, " %s ", id);
    return strstr(REACHABLE, word) != NULL;
}

static int refuse_change(void *context, const struct call *call, struct err *err) {
    (void)context;
    (void)call;
    return err_set(err, ERR_BUSY, MSG_SUPPORT_MANY, NO_ARGS);
}

static void route_target(const struct route *route, char *to, size_t size) {
    struct str rest = str_of(route->path);
    size_t used = 0;
    (void)str_cut(&rest, '/');
    while (rest.size > 0) {
        struct str part = str_cut(&rest, '/');
        bool named = part.size > 0 && part.data[0] == '{';
        struct str value = !named ? part : str_eq(part, STR("{plant}")) ? STR("p1") : STR("dev1");
        used += str_copy_z(STR("/"), to + used, size - used);
        used += str_copy_z(value, to + used, size - used);
    }
}

static void every_route_is_tried_from_inside(void **state) {
    (void)state;
    struct principal installer = {.id = "support:0123456789abcdef",
        .plant = "p1",
        .role = ROLE_INSTALLER,
        .scopes = SCOPE_READ | SCOPE_WRITE};
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        char target[256] = "";
        route_target(route, target, sizeof target);
        struct inside_answer answer = {.kind = INSIDE_REFUSED};
        buf_init(&answer.body, 1 << 20);
        inside_ask(here.factory.server,
            &(struct inside_request){.principal = &installer,
                .method = route->method,
                .target = str_of(target),
                .type = STR("application/json"),
                .language = STR("en"),
                .body = route->body == BODY_NONE ? STR_NONE : STR("{}"),
                .before_change = refuse_change},
            &answer);
        bool out_of_reach = answer.status == 403 && strstr(buf_z(&answer.body), "out of reach");
        if (out_of_reach == is_reachable(route->id) || answer.status >= 500 + 4) {
            fail_msg("%s %s: %d %s", route->id, target, answer.status, buf_z(&answer.body));
        }
        assert_true(!out_of_reach || answer.kind == INSIDE_REFUSED);
        buf_fini(&answer.body);
    }
}

static void an_answer_too_long_is_refused_in_words(void **state) {
    (void)state;
    struct principal viewer = {
        .id = "support:0123456789abcdef", .plant = "p1", .role = ROLE_VIEWER, .scopes = SCOPE_READ};
    struct inside_answer answer = {.kind = INSIDE_REFUSED};
    buf_init(&answer.body, 1024); // All tags are longer.
    inside_ask(here.factory.server,
        &(struct inside_request){
            .principal = &viewer, .method = HTTP_GET, .target = STR(TAGS), .language = STR("en")},
        &answer);
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(buf_z(&answer.body), "ask for less"));
    buf_fini(&answer.body);
}

static int allow_change(void *context, const struct call *call, struct err *err) {
    (void)context;
    (void)call;
    (void)err;
    return 0;
}

/* One request of a supporter's with an installer's rights. */
static void as_installer(
    enum http_method method, const char *target, const char *body, int status, const char *holds) {
    struct principal installer = {.id = "support:0123456789abcdef",
        .plant = "p1",
        .role = ROLE_INSTALLER,
        .scopes = SCOPE_READ | SCOPE_WRITE};
    struct inside_answer answer = {.kind = INSIDE_REFUSED};
    buf_init(&answer.body, 1 << 20);
    inside_ask(here.factory.server,
        &(struct inside_request){.principal = &installer,
            .method = method,
            .target = str_of(target),
            .type = STR("application/json"),
            .language = STR("en"),
            .body = str_of(body),
            .before_change = allow_change},
        &answer);
    if (answer.status != status || (holds && !strstr(buf_z(&answer.body), holds))) {
        fail_msg("%s: %d %s", target, answer.status, buf_z(&answer.body));
    }
    buf_fini(&answer.body);
}

#define FILES_REFUSED "of the factory, not by remote support"
#define FACTORY_ONLY  "for the people of the factory"

static void a_supporter_reaches_no_file_of_the_factory(void **state) {
    (void)state;
    char body[600];
    (void)snprintf(body, sizeof body,
        "{\"driver\":\"sqlpoll\",\"address\":\"sqlite:%s/hub.db\","
        "\"options\":\"table=users mark=id\"}",
        here.factory.dir);
    as_installer(HTTP_POST, "/api/v1/plants/p1/browse", body, 403, FILES_REFUSED);
    as_installer(HTTP_POST, "/api/v1/plants/p1/doctor", body, 403, FILES_REFUSED);
    static const char *const DRAFTS[] = {
        "{\"driver\":\"folder\",\"address\":\"/var/log\",\"options\":\"\"}",
        "{\"driver\":\"modbus\",\"address\":\"capture:/etc/passwd\",\"options\":\"\"}",
        "{\"driver\":\"modbus\",\"address\":\"/dev/../etc/passwd\",\"options\":\"\"}",
        "{\"driver\":\"http\",\"address\":\"https://h/\",\"options\":\"ca_file=/etc/ca\"}"};
    for (size_t i = 0; i < sizeof DRAFTS / sizeof DRAFTS[0]; i++) {
        as_installer(HTTP_POST, "/api/v1/plants/p1/doctor", DRAFTS[i], 403, FILES_REFUSED);
        as_installer(HTTP_PUT, "/api/v1/plants/p1/devices/mine", DRAFTS[i], 403, FACTORY_ONLY);
    }
    as_installer(HTTP_POST, "/api/v1/plants/p1/import/preview?as=devices",
        "device,driver,address\nmine,folder,/var/log\n", 200, FACTORY_ONLY);
}

static void nobody_makes_a_device_of_the_home(void **state) {
    (void)state;
    static const char *const ENDS[] = {"hub.db", "plants/../hub.db", "keys/x", "tester/../hub.db"};
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        char body[600];
        (void)snprintf(body, sizeof body,
            "{\"driver\":\"sqlpoll\",\"address\":\"sqlite:%s/%s\","
            "\"options\":\"table=users mark=id\"}",
            here.factory.dir, ENDS[i]);
        ask(&here.factory, "POST /api/v1/plants/p1/browse", here.owner, body, 403,
            "belongs to Maru itself");
    }
}

/* The limit is that of a supporter's answer, met while the file is made and not when it is sent:
 * this answer would have room for all of it. */
static void an_export_stops_where_an_answer_ends(void **state) {
    (void)state;
    enum { ROWS = 16000, BATCHES = 8 };
    struct str name = STR("line1.press1.temp");
    uint32_t number = 0;
    assert_int_equal(
        plant_resolve_tags(here.factory.plant, &name, NULL, 1, &number, NULL, NULL), 0);
    for (int64_t b = 0; b < BATCHES; b++) {
        AUTO_BATCH struct batch *batch = batch_new(ROWS, 0);
        for (int64_t i = 0; i < ROWS; i++) {
            struct sample *row = batch_add(batch);
            row->tag = number;
            row->type = TYPE_F64;
            row->time_ns = (1700000000 + b * ROWS + i) * NS_PER_S;
            row->value.f64 = (double)i;
        }
        assert_int_equal(plant_submit(here.factory.plant, &batch, 1, NULL), 0);
    }
    static const struct {
        const char *to;
        int status;
    } SPANS[] = {{"2023-11-14T23:00:00Z", 200}, {"2024-01-01T00:00:00Z", 400}};
    for (size_t i = 0; i < sizeof SPANS / sizeof SPANS[0]; i++) {
        char target[256];
        struct principal viewer = {.id = "support:0123456789abcdef",
            .plant = "p1",
            .role = ROLE_VIEWER,
            .scopes = SCOPE_READ};
        struct inside_answer answer = {.kind = INSIDE_REFUSED};
        buf_init(&answer.body, 4 * SUPPORT_ANSWER_BYTES);
        (void)snprintf(target, sizeof target,
            "/api/v1/plants/p1/export?as=samples&from=2023-11-14T22:00:00Z&to=%s", SPANS[i].to);
        inside_ask(here.factory.server,
            &(struct inside_request){.principal = &viewer,
                .method = HTTP_GET,
                .target = str_of(target),
                .language = STR("en")},
            &answer);
        if (answer.status != SPANS[i].status) {
            fail_msg("%d, %zu bytes: %.200s", answer.status, answer.body.size, buf_z(&answer.body));
        }
        if (answer.status != 200) {
            assert_non_null(strstr(buf_z(&answer.body), "ask for less"));
        }
        buf_fini(&answer.body);
    }
}

static void how_long_values_are_kept_is_the_factorys(void **state) {
    (void)state;
    as_installer(HTTP_PUT, TAG, "{\"retention_days\":1}", 403, FACTORY_ONLY);
    as_installer(HTTP_PUT, TAG, "{\"rollup_days\":1}", 403, FACTORY_ONLY);
    as_installer(HTTP_PUT, TAG, "{\"keep_raw\":true}", 403, FACTORY_ONLY);
    as_installer(HTTP_PUT, TAG, "{\"keep_raw\":false,\"retention_days\":0}", 200, NULL);
    as_installer(HTTP_POST, "/api/v1/plants/p1/import/preview?as=tags",
        "tag,retention_days\nline1.press1.temp,1\n", 200, FACTORY_ONLY);
    as_installer(HTTP_POST, "/api/v1/plants/p1/import?as=corrections",
        "tag,time,value\nline1.press1.temp,2026-01-01T00:00:00Z,1\n", 403, FACTORY_ONLY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(every_route_is_tried_from_inside),
        BOTH(an_answer_too_long_is_refused_in_words),
        BOTH(a_supporter_reaches_no_file_of_the_factory),
        BOTH(nobody_makes_a_device_of_the_home),
        BOTH(an_export_stops_where_an_answer_ends),
        BOTH(how_long_values_are_kept_is_the_factorys),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
