/*
 * The route table: matching and rights, without a server.
 */
#include "serve/route.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void paths_find_their_row(void **state) {
    (void)state;
    static const struct {
        enum http_method method;
        const char *path;
        const char *id; // NULL: no row.
        bool known;
    } CASES[] = {
        {HTTP_GET, "/healthz", "HEALTH", true},
        {HTTP_HEAD, "/healthz", "HEALTH", true},
        {HTTP_POST, "/healthz", NULL, true},
        {HTTP_GET, "/healthz/", NULL, false},
        {HTTP_GET, "healthz", NULL, false},
        {HTTP_GET, "", NULL, false},
        {HTTP_GET, "/", NULL, false},
        {HTTP_GET, "/api/v1/plants", "PLANTS", true},
        {HTTP_GET, "/api/v1/plants/", NULL, false},
        {HTTP_GET, "/api/v1/plants/p/tags", "TAGS", true},
        {HTTP_GET, "/api/v1/plants//tags", NULL, false},
        {HTTP_GET, "/api/v1/plants/p/tags/a.b", "TAG_GET", true},
        {HTTP_PUT, "/api/v1/plants/p/tags/a.b", "TAG_PUT", true},
        {HTTP_GET, "/api/v1/plants/p/tags/a/b", NULL, false},
        {HTTP_GET, "/API/v1/plants", NULL, false},
        {HTTP_METHOD_OTHER, "/write", NULL, true},
        {HTTP_POST, "/write", "WRITE", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct route_match match = route_find(CASES[i].method, str_of(CASES[i].path));
        const char *id = match.route ? match.route->id : NULL;
        bool same = id && CASES[i].id ? strcmp(id, CASES[i].id) == 0 : id == CASES[i].id;
        if (!same || match.path_known != CASES[i].known) {
            fail_msg("%s: %s", CASES[i].path, id ? id : "none");
        }
    }
}

static void arguments_are_taken_in_order(void **state) {
    (void)state;
    struct route_match match = route_find(HTTP_GET, STR("/api/v1/plants/p%201/tags/a.b"));
    assert_int_equal(match.arg_count, 2);
    assert_true(str_eq(match.args[0], STR("p%201"))); // As sent; decoded later.
    assert_true(str_eq(match.args[1], STR("a.b")));
}

static void the_allow_header_lists_what_there_is(void **state) {
    (void)state;
    char allowed[64];
    route_allowed(STR("/api/v1/session"), allowed);
    assert_string_equal(allowed, "GET, POST, DELETE");
    route_allowed(STR("/nothing"), allowed);
    assert_string_equal(allowed, "");
}

static void rows_are_complete(void **state) {
    (void)state;
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        assert_non_null(route->handler);
        assert_non_null(route->params);
        assert_true(strlen(route->summary[LANG_KO]) > 0 && strlen(route->summary[LANG_EN]) > 0);
        assert_true(route->method == HTTP_GET || route->method == HTTP_POST ||
                    route->method == HTTP_PUT || route->method == HTTP_DELETE);
        assert_true((route->body == BODY_JSON) == (route->body_schema != NULL));
        assert_true(route->body == BODY_NONE || route->method != HTTP_GET);
        for (const struct param_spec *spec = route->params; spec->name; spec++) {
            assert_true(spec->help[LANG_KO] && spec->help[LANG_EN]);
            assert_true((spec->kind == PARAM_CHOICE) == (spec->choices != NULL));
        }
    }
    assert_null(route_at(ROUTE_COUNT));
}

static void rights_are_sets_of_roles_and_a_scope(void **state) {
    (void)state;
    uint32_t all = SCOPE_READ | SCOPE_WRITE | SCOPE_SQL;
    assert_true(right_allows(RIGHT_PUBLIC, ROLE_NONE, 0));
    assert_false(right_allows(RIGHT_READ, ROLE_NONE, all));
    assert_true(right_allows(RIGHT_READ, ROLE_VIEWER, SCOPE_READ));
    assert_false(right_allows(RIGHT_READ, ROLE_OWNER, SCOPE_WRITE | SCOPE_SQL));
    assert_false(right_allows(RIGHT_WRITE, ROLE_VIEWER, all));
    assert_false(right_allows(RIGHT_WRITE, ROLE_AUDITOR, all));
    assert_true(right_allows(RIGHT_WRITE, ROLE_OPERATOR, SCOPE_WRITE));
    assert_true(right_allows(RIGHT_WRITE, ROLE_MANAGER, SCOPE_WRITE));
    assert_false(right_allows(RIGHT_WRITE, ROLE_OPERATOR, SCOPE_READ));
    assert_false(right_allows(RIGHT_CONFIGURE, ROLE_MANAGER, all));
    assert_true(right_allows(RIGHT_CONFIGURE, ROLE_INSTALLER, SCOPE_WRITE));
    assert_true(right_allows(RIGHT_AUDIT, ROLE_AUDITOR, SCOPE_READ));
    assert_false(right_allows(RIGHT_AUDIT, ROLE_INSTALLER, all));
    assert_true(right_allows(RIGHT_GRANT, ROLE_OWNER, SCOPE_WRITE));
    assert_false(right_allows(RIGHT_GRANT, ROLE_OWNER, SCOPE_READ));
    assert_false(right_allows(RIGHT_GRANT, ROLE_INSTALLER, all));
    assert_false(right_allows(RIGHT_GRANT, ROLE_MANAGER, all));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_row),
        cmocka_unit_test(arguments_are_taken_in_order),
        cmocka_unit_test(the_allow_header_lists_what_there_is),
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(rights_are_sets_of_roles_and_a_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
