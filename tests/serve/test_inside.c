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

#include "serve/inside.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(every_route_is_tried_from_inside),
        BOTH(an_answer_too_long_is_refused_in_words),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
