/*
 * All that a request brings beside samples: query strings, paths, cookies, languages, hosts, JSON
 * bodies. The first byte chooses the parser.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "core/json_in.h"
#include "serve/query.h"
#include "serve/route.h"

static void try_query(struct str text) {
    static struct query query;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 1 << 20);
    if (query_parse(text, &arena, &query, NULL) >= 0) {
        CHECK(query.count <= QUERY_PARAMS_MAX);
        for (uint32_t i = 0; i < query.count; i++) {
            size_t bad = 0;
            struct str value = STR_NONE;
            CHECK(str_is_utf8(query.params[i].value, &bad));
            CHECK(query_find(&query, query.params[i].name, &value));
        }
    }
}

static void try_path(struct str text) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int method = HTTP_GET; method <= HTTP_METHOD_OTHER; method++) {
        struct route_match match = route_find((enum http_method)method, text);
        CHECK(match.arg_count <= ROUTE_ARGS_MAX);
        for (uint32_t i = 0; match.route && i < match.arg_count; i++) {
            struct str out = STR_NONE;
            (void)query_decode(match.args[i], false, &arena, &out, NULL);
        }
    }
    char allowed[64];
    route_allowed(text, allowed);
}

static void try_json(struct str text) {
    static const char *const NAMES[] = {"a", "login", "scale", NULL};
    struct json_in *object = NULL;
    if (json_in_parse(text, &object, NULL) < 0) {
        return;
    }
    struct str value = STR_NONE;
    double number = 0;
    int64_t integer = 0;
    bool flag = false;
    (void)json_in_only(object, NAMES, NULL);
    (void)json_in_need_str(object, "login", 64, &value, NULL);
    CHECK(value.size <= 64);
    (void)json_in_f64(object, "scale", &number, NULL);
    (void)json_in_i64(object, "a", &integer, NULL);
    (void)json_in_bool(object, "a", &flag, NULL);
    json_in_free(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct str text = {(const char *)data + 1, size - 1};
    switch (data[0] % 6) {
    case 0: try_query(text); break;
    case 1: try_path(text); break;
    case 2: (void)cookie_find(text, STR("maru_session")); break;
    case 3: (void)accept_language(text); break;
    case 4: (void)host_is_ours(text, "maru.plant.example"); break;
    default: try_json(text); break;
    }
    return 0;
}
