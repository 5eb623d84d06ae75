/*
 * OpenAPI 3.1 from the route table, the parameter lists and schemas.def.
 *
 * schemas.def has a small notation of its own, "name:type" words, because 35 schemas in raw JSON
 * would be 1,500 lines that nobody compares with the code; here they are one line each beside the
 * shapes of docs/HTTP.md, and the tests walk every answer against them. Paths are absolute
 * (servers: "/"), public routes carry `security: []`, all others take a token or the session.
 */
#include "serve/api_openapi.h"

#include <string.h>

#include "core/json.h"
#include "serve/auth.h"
#include "serve/call.h"
#include "serve/examples.h"
#include "serve/server.h"

struct schema_row {
    const char *name;
    const char *members;
};

static const struct schema_row SCHEMAS[] = {
#define SCHEMA(name, members) {#name, members},
#include "serve/schemas.def"
#undef SCHEMA
};

/* Named types of members that are no object of ours. */
static const struct schema_row SCALARS[] = {
    {"string", "\"type\":\"string\""},
    {"integer", "\"type\":[\"integer\",\"string\"]"}, // Beyond 2^53 as text.
    {"number", "\"type\":\"number\""},
    {"real", "\"type\":[\"number\",\"string\"]"}, // NaN and infinities as text.
    {"boolean", "\"type\":\"boolean\""},
    {"any", "\"type\":\"object\""},
    {"value", "\"type\":[\"number\",\"string\",\"boolean\",\"null\"]"},
    {"cells",
        "\"type\":\"array\",\"items\":{\"type\":[\"number\",\"string\",\"boolean\",\"null\"]}"},
    {"time", "\"type\":\"string\",\"format\":\"date-time\""},
    {"type", "\"enum\":[\"f64\",\"i64\",\"bool\",\"text\"]"},
    {"kind", "\"enum\":[\"measurement\",\"counter\",\"state\",\"setpoint\"]"},
    {"quality", "\"enum\":[\"good\",\"uncertain\",\"bad\"]"},
    {"state", "\"enum\":[\"up\",\"stale\",\"down\",\"connecting\",\"off\"]"},
    {"level", "\"enum\":[\"site\",\"area\",\"line\",\"equipment\"]"},
    {"organisation_kind", "\"enum\":[\"manufacturer\",\"supplier\",\"agency\",\"assessor\"]"},
    {"role", "\"enum\":[\"viewer\",\"operator\",\"auditor\",\"installer\",\"manager\",\"owner\","
             "\"grantee\"]"},
};

static void put_reference(struct json *json, struct str schema) {
    char text[128] = "#/components/schemas/";
    (void)str_copy_z(schema, text + strlen(text), sizeof text - strlen(text));
    json_object_begin(json);
    json_put_str(json, "$ref", str_of(text));
    json_object_end(json);
}

static void put_type(struct json *json, struct str type) {
    for (size_t i = 0; i < sizeof SCALARS / sizeof SCALARS[0]; i++) {
        if (str_eq(type, str_of(SCALARS[i].name))) {
            char text[256] = "{";
            size_t size = 1 + str_copy_z(str_of(SCALARS[i].members), text + 1, sizeof text - 2);
            text[size] = '}';
            json_raw(json, (struct str){text, size + 1});
            return;
        }
    }
    put_reference(json, type);
}

/* "string", "Tag[]", "time?" */
static void put_member_type(struct json *json, struct str type) {
    if (str_ends(type, STR("?"))) {
        json_object_begin(json);
        json_key(json, "oneOf");
        json_array_begin(json);
        put_type(json, str_slice(type, 0, type.size - 1));
        json_raw(json, STR("{\"type\":\"null\"}"));
        json_array_end(json);
        json_object_end(json);
    } else if (str_ends(type, STR("[]"))) {
        json_object_begin(json);
        json_put_str(json, "type", STR("array"));
        json_key(json, "items");
        put_type(json, str_slice(type, 0, type.size - 2));
        json_object_end(json);
    } else {
        put_type(json, type);
    }
}

static void put_schema(struct json *json, const struct schema_row *schema) {
    json_key(json, schema->name);
    json_object_begin(json);
    json_put_str(json, "type", STR("object"));
    json_key(json, "properties");
    json_object_begin(json);
    struct str rest = str_of(schema->members);
    while (rest.size > 0) {
        struct str type = str_cut(&rest, ' ');
        struct str name = str_cut(&type, ':');
        char key[64];
        (void)str_copy_z(
            str_starts(name, STR("-")) ? str_slice(name, 1, name.size) : name, key, sizeof key);
        json_key(json, key);
        put_member_type(json, type);
    }
    json_object_end(json);
    json_key(json, "required");
    json_array_begin(json);
    rest = str_of(schema->members);
    while (rest.size > 0) {
        struct str type = str_cut(&rest, ' ');
        struct str name = str_cut(&type, ':');
        if (!str_starts(name, STR("-"))) {
            json_str(json, name);
        }
    }
    json_array_end(json);
    json_object_end(json);
}

/* ---- Parameters ---- */

static void put_param_schema(struct json *json, const struct param_spec *spec) {
    json_key(json, "schema");
    json_object_begin(json);
    if (spec->repeated) {
        json_put_str(json, "type", STR("array"));
        json_put_i64(json, "minItems", 1);
        json_key(json, "items");
        json_raw(json, STR("{\"type\":\"string\"}"));
    } else if (spec->kind == PARAM_COUNT) {
        json_put_str(json, "type", STR("integer"));
        json_put_i64(json, "minimum", 1);
    } else {
        json_put_str(json, "type", STR("string"));
    }
    if (spec->choices || spec->kind == PARAM_FLAG) {
        json_key(json, "enum");
        json_array_begin(json);
        struct str rest = str_of(spec->choices ? spec->choices : "0|1");
        while (rest.size > 0) {
            json_str(json, str_cut(&rest, '|'));
        }
        json_array_end(json);
    }
    json_object_end(json);
}

static void put_query_param(struct json *json, const struct param_spec *spec, enum lang lang) {
    json_object_begin(json);
    json_put_str(json, "name", str_of(spec->name));
    json_put_str(json, "in", STR("query"));
    json_put_bool(json, "required", spec->required);
    json_put_str(json, "description", str_of(spec->help[lang]));
    if (spec->repeated) {
        json_put_bool(json, "explode", true);
    }
    put_param_schema(json, spec);
    json_object_end(json);
}

static void put_params(struct json *json, const struct route *route, enum lang lang) {
    json_key(json, "parameters");
    json_array_begin(json);
    struct str rest = str_of(route->path);
    while (rest.size > 0) {
        struct str segment = str_cut(&rest, '/');
        if (segment.size > 0 && segment.data[0] == '{') {
            json_object_begin(json);
            json_put_str(json, "name", str_slice(segment, 1, segment.size - 1));
            json_put_str(json, "in", STR("path"));
            json_put_bool(json, "required", true);
            json_key(json, "schema");
            json_raw(json, STR("{\"type\":\"string\"}"));
            json_object_end(json);
        }
    }
    for (const struct param_spec *spec = route->params; spec->name; spec++) {
        put_query_param(json, spec, lang);
    }
    json_array_end(json);
}

/* ---- Operations ---- */

/* `example`: JSON; NULL: none. */
static void put_content(
    struct json *json, const char *mime, const char *schema, const char *example) {
    json_key(json, mime);
    json_object_begin(json);
    json_key(json, "schema");
    if (schema) {
        put_reference(json, str_of(schema));
    } else {
        json_raw(json, STR("{\"type\":\"string\"}"));
    }
    if (example) {
        json_key(json, "example");
        json_raw(json, str_of(example));
    }
    json_object_end(json);
}

static void put_body(struct json *json, const struct route *route) {
    if (route->body == BODY_NONE) {
        return;
    }
    json_key(json, "requestBody");
    json_object_begin(json);
    json_put_bool(json, "required", true);
    json_key(json, "content");
    json_object_begin(json);
    put_content(json,
        route->body == BODY_JSON                                ? "application/json"
        : route->body == BODY_FILE || route->body == BODY_FRAME ? "application/octet-stream"
                                                                : "text/plain",
        route->body_schema, route->body == BODY_JSON ? example_body(route->id) : NULL);
    json_object_end(json);
    json_object_end(json);
}

static void put_answer_content(struct json *json, const struct route *route, uint32_t status) {
    const struct example *row = example_of(route->id);
    const char *example = row && row->status == status ? row->answer : NULL;
    json_key(json, "content");
    json_object_begin(json);
    switch (route->answer) {
    case ANSWER_JSON: put_content(json, "application/json", route->answer_schema, example); break;
    case ANSWER_TEXT: put_content(json, "text/plain", NULL, NULL); break;
    case ANSWER_EVENTS: put_content(json, "text/event-stream", NULL, NULL); break;
    case ANSWER_SAMPLES:
        put_content(json, "application/json", route->answer_schema, example);
        put_content(json, "text/csv", NULL, NULL);
        break;
    case ANSWER_FILE:
        put_content(json, "text/csv", NULL, NULL);
        put_content(json, "application/octet-stream", NULL, NULL);
        break;
    case ANSWER_NONE: break;
    }
    json_object_end(json);
}

static void put_refusal(struct json *json, const char *status, enum err_code code, enum lang lang) {
    json_key(json, status);
    json_object_begin(json);
    json_put_str(json, "description", str_of(err_code_words(code, lang)));
    json_key(json, "content");
    json_object_begin(json);
    put_content(json, "application/problem+json", "Problem", NULL);
    json_object_end(json);
    json_object_end(json);
}

/* A route whose example was answered 201. */
static bool makes_something(const struct route *route) {
    const struct example *example = example_of(route->id);
    return example && example->status == 201;
}

/* How the example is asked: its address, and its body where that is no JSON. */
static void put_asked(struct json *json, const struct route *route) {
    const struct example *example = example_of(route->id);
    if (!example) {
        return;
    }
    json_key(json, "x-example");
    json_object_begin(json);
    json_put_str(json, "target", str_of(example->target));
    json_put_i64(json, "status", example->status);
    if (route->body == BODY_LINES) {
        json_put_str(json, "body", str_of(example_body(route->id)));
    }
    json_object_end(json);
}

static void put_responses(struct json *json, const struct route *route, enum lang lang) {
    json_key(json, "responses");
    json_object_begin(json);
    json_key(json, route->answer == ANSWER_NONE ? "204" : "200");
    json_object_begin(json);
    json_put_str(json, "description", str_of(route->summary[lang]));
    if (route->answer != ANSWER_NONE) {
        put_answer_content(json, route, 200);
    }
    json_object_end(json);
    if (route->method == HTTP_PUT || makes_something(route)) {
        json_key(json, "201");
        json_object_begin(json);
        json_put_str(json, "description", str_of(route->summary[lang]));
        put_answer_content(json, route, 201);
        json_object_end(json);
    }
    put_refusal(json, "400", ERR_INVALID, lang);
    if (route->right != RIGHT_PUBLIC) {
        put_refusal(json, "401", ERR_UNAUTHENTICATED, lang);
        put_refusal(json, "403", ERR_FORBIDDEN, lang);
    }
    if (strchr(route->path, '{')) {
        put_refusal(json, "404", ERR_NOT_FOUND, lang);
    }
    put_refusal(json, "429", ERR_LIMIT, lang);
    json_object_end(json);
}

static const char *method_key(enum http_method method) {
    switch (method) {
    case HTTP_POST: return "post";
    case HTTP_PUT: return "put";
    case HTTP_DELETE: return "delete";
    case HTTP_GET:
    case HTTP_HEAD:
    case HTTP_METHOD_OTHER: break;
    }
    return "get";
}

static void put_operation(struct json *json, const struct route *route, enum lang lang) {
    json_key(json, method_key(route->method));
    json_object_begin(json);
    json_put_str(json, "operationId", str_of(route->id));
    json_put_str(json, "summary", str_of(route->summary[lang]));
    json_put_str(json, "x-right", str_of(right_name(route->right)));
    json_key(json, "security");
    json_raw(
        json, route->right == RIGHT_PUBLIC ? STR("[]") : STR("[{\"token\":[]},{\"session\":[]}]"));
    put_asked(json, route);
    put_params(json, route, lang);
    put_body(json, route);
    put_responses(json, route, lang);
    json_object_end(json);
}

/* The rows of one path stand together in an object; a path is written at its first row. */
static void put_paths(struct json *json, enum lang lang) {
    json_key(json, "paths");
    json_object_begin(json);
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const char *path = route_at(i)->path;
        bool seen = false;
        for (uint32_t j = 0; j < i; j++) {
            seen = seen || strcmp(route_at(j)->path, path) == 0;
        }
        if (seen) {
            continue;
        }
        json_key(json, path);
        json_object_begin(json);
        for (uint32_t j = i; j < ROUTE_COUNT; j++) {
            if (strcmp(route_at(j)->path, path) == 0) {
                put_operation(json, route_at(j), lang);
            }
        }
        json_object_end(json);
    }
    json_object_end(json);
}

static void put_components(struct json *json) {
    json_key(json, "components");
    json_object_begin(json);
    json_key(json, "securitySchemes");
    json_raw(json, STR("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                       "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\","
                       "\"name\":\"" SESSION_COOKIE "\"}}"));
    json_key(json, "schemas");
    json_object_begin(json);
    for (size_t i = 0; i < sizeof SCHEMAS / sizeof SCHEMAS[0]; i++) {
        put_schema(json, &SCHEMAS[i]);
    }
    json_object_end(json);
    json_object_end(json);
}

void openapi_write(enum lang lang, struct buf *out) {
    struct json json;
    json_init(&json, out);
    json_object_begin(&json);
    json_put_str(&json, "openapi", STR("3.1.0"));
    json_key(&json, "info");
    json_object_begin(&json);
    json_put_str(&json, "title", STR("Maru"));
    json_put_str(&json, "version", str_of(MARU_VERSION));
    json_object_end(&json);
    json_key(&json, "servers");
    json_raw(&json, STR("[{\"url\":\"/\"}]"));
    put_paths(&json, lang);
    put_components(&json);
    json_object_end(&json);
}

int api_openapi(struct call *call, struct err *err) {
    (void)err;
    struct http_response *response = &call->http->response;
    response->status = 200;
    response->content_type = "application/json; charset=utf-8";
    response->fixed = call->server->openapi[call->lang];
    http_answer_header(call->http, "Vary", STR("Accept-Language"));
    return 0;
}
