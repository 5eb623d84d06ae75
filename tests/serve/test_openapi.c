/*
 * The description is true: it is whole in itself, and every answer of every GET route has exactly
 * the members that its schema names, with their types.
 */
#include "support_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "serve/examples.h"
#include "serve/route.h"

static struct rig rig;
static json_t *document;

static char cookie[RIG_COOKIE_MAX];

/* What only a person may ask. */
static bool is_personal(const char *target) {
    static const char *const PARTS[] = {"/api/v1/me", "/organisations", "/users", "/access",
        "/invitations", "/tokens", "/grants", "/support/cases"};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if (strstr(target, PARTS[i])) {
            return true;
        }
    }
    return false;
}

static json_t *load(const char *target, const char *accept) {
    char headers[256];
    bool personal = is_personal(target);
    (void)snprintf(headers, sizeof headers, "%s%s\r\nAccept-Language: %s\r\n",
        personal ? "Cookie: " : "Authorization: Bearer ", personal ? cookie : rig.owner, accept);
    struct question question = {.port = rig.port, .target = target, .headers = headers};
    AUTO_ANSWER struct answer answer;
    client_ask(&question, &answer);
    json_error_t error;
    json_t *root = json_loadb((const char *)answer.body.data, answer.body.size, 0, &error);
    if (!root || (answer.status != 200 && answer.status != 503)) {
        fail_msg("%s: %d %s", target, answer.status, buf_z(&answer.body));
    }
    return root;
}

/* So that every list of people holds something. */
static void enter(const char *target, const char *body) {
    char headers[256];
    (void)snprintf(headers, sizeof headers,
        "Cookie: %s\r\nX-Requested-With: maru\r\nContent-Type: application/json\r\n", cookie);
    struct question question = {.port = rig.port,
        .method = "POST",
        .target = target,
        .headers = headers,
        .body = str_of(body)};
    AUTO_ANSWER struct answer answer;
    client_ask(&question, &answer);
    assert_int_equal(answer.status, 201);
}

/* A call with one application, so that the desk has something to describe. */
static void open_case(void) {
    AUTO_ANSWER struct answer call;
    rig_ask(&rig, "POST", "/api/v1/programmes/bupyeong-2023/announce", rig.owner,
        STR("{\"budget_won\":70000000}"), &call);
    assert_int_equal(call.status, 200);
    AUTO_ANSWER struct answer one;
    rig_ask(&rig, "POST", "/api/v1/cases", rig.owner,
        STR("{\"programme\":\"bupyeong-2023\",\"type\":\"basic\",\"name\":\"한빛정밀\","
            "\"at\":\"2023-05-10T10:00\",\"reason\":\"by post\","
            "\"documents\":[{\"id\":\"application\"},{\"id\":\"privacy\"}],"
            "\"cost\":{\"cash_contribution\":40000000,\"pm_labour\":5000000}}"),
        &one);
    if (one.status != 201) {
        fail_msg("%d %s", one.status, buf_z(&one.body));
    }
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    rig_person(&rig, "boss", ROLE_OWNER, cookie);
    enter("/api/v1/plants/p1/invitations",
        "{\"role\":\"viewer\",\"organisation\":{\"name\":\"A\",\"kind\":\"agency\"}}");
    enter("/api/v1/plants/p1/tokens", "{\"label\":\"ERP\",\"role\":\"viewer\"}");
    enter("/api/v1/support/cases", "{\"factory\":\"Hanbit\"}");
    rig_write(&rig,
        "line1.press1 temp=20.5,strokes=1i,running=t,recipe=\"A\" 1000\n"
        "line1.press1 temp=21.5,strokes=5i,running=f,recipe=\"B\" 2000\n",
        204);
    AUTO_ANSWER struct answer put;
    rig_ask(&rig, "PUT", "/api/v1/plants/p1/tags/line1.press1.temp", rig.installer,
        STR("{\"display\":\"온도\",\"unit\":\"°C\",\"min\":0,\"max\":300}"), &put);
    assert_int_equal(put.status, 200);
    AUTO_ANSWER struct answer refused;
    rig_ask(&rig, "PUT", "/api/v1/plants/p1/tags/x", rig.viewer, STR("{}"), &refused);
    open_case();
    document = load("/api/v1/openapi.json", "en");
    AUTO_ANSWER struct answer job; // The first: number 1.
    rig_ask(
        &rig, "POST", "/api/v1/plants/p1/import?as=samples", rig.owner, STR("x,1000,1\n"), &job);
    assert_int_equal(job.status, 200);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    json_decref(document);
    rig_close(&rig);
    return 0;
}

static json_t *schema_named(const char *reference) {
    const char prefix[] = "#/components/schemas/";
    assert_true(strncmp(reference, prefix, sizeof prefix - 1) == 0);
    json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    json_t *schema = json_object_get(schemas, reference + sizeof prefix - 1);
    if (!schema) {
        fail_msg("%s is not there", reference);
    }
    return schema;
}

static bool type_is(const char *name, const json_t *value) {
    return (strcmp(name, "string") == 0 && json_is_string(value)) ||
           (strcmp(name, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(name, "number") == 0 && json_is_number(value)) ||
           (strcmp(name, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(name, "null") == 0 && json_is_null(value)) ||
           (strcmp(name, "array") == 0 && json_is_array(value)) ||
           (strcmp(name, "object") == 0 && json_is_object(value));
}

static bool type_matches(const json_t *type, const json_t *value) {
    if (json_is_string(type)) {
        return type_is(json_string_value(type), value);
    }
    for (size_t i = 0; i < json_array_size(type); i++) {
        if (type_is(json_string_value(json_array_get(type, i)), value)) {
            return true;
        }
    }
    return false;
}

enum { DEPTH_MAX = 16, WHERE_BYTES = 256 };

static bool matches(const json_t *schema, json_t *value, char *where, int depth);

static bool object_matches(const json_t *schema, json_t *value, char *where, int depth) {
    json_t *properties = json_object_get(schema, "properties");
    json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (!json_object_get(value, name)) {
            (void)snprintf(where, WHERE_BYTES, "%s is missing", name);
            return false;
        }
    }
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach(value, name, member) {
        json_t *member_schema = json_object_get(properties, name);
        if (!member_schema || !matches(member_schema, member, where, depth + 1)) {
            if (where[0] == '\0') {
                (void)snprintf(where, WHERE_BYTES, "%s %s", name,
                    member_schema ? "has another type" : "is not described");
            }
            return false;
        }
    }
    return true;
}

static bool matches(const json_t *schema, json_t *value, char *where, int depth) {
    assert_true(depth < DEPTH_MAX);
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference) {
        return matches(schema_named(reference), value, where, depth + 1);
    }
    json_t *one_of = json_object_get(schema, "oneOf");
    if (one_of) {
        for (size_t i = 0; i < json_array_size(one_of); i++) {
            if (matches(json_array_get(one_of, i), value, where, depth + 1)) {
                where[0] = '\0';
                return true;
            }
        }
        return false;
    }
    json_t *choices = json_object_get(schema, "enum");
    for (size_t i = 0; choices && i <= json_array_size(choices); i++) {
        if (json_equal(json_array_get(choices, i), value)) {
            return true;
        }
        if (i == json_array_size(choices)) {
            return false;
        }
    }
    if (!type_matches(json_object_get(schema, "type"), value)) {
        return false;
    }
    if (json_is_object(value) && json_object_get(schema, "properties")) {
        return object_matches(schema, value, where, depth);
    }
    json_t *items = json_object_get(schema, "items");
    for (size_t i = 0; items && i < json_array_size(value); i++) {
        if (!matches(items, json_array_get(value, i), where, depth + 1)) {
            return false;
        }
    }
    return true;
}

static json_t *answer_schema(const json_t *operation) {
    json_t *content =
        json_object_get(json_object_get(json_object_get(operation, "responses"), "200"), "content");
    return json_object_get(json_object_get(content, "application/json"), "schema");
}

static void make_target(const char *path, const char *more, char *to, size_t size) {
    struct buf text;
    buf_init(&text, size - 1);
    struct str rest = str_of(path);
    while (rest.size > 0) {
        struct str segment = str_cut(&rest, '/');
        if (segment.size == 0) {
            continue;
        }
        buf_put_char(&text, '/');
        buf_put_str(&text, str_eq(segment, STR("{plant}"))       ? STR("p1")
                           : str_eq(segment, STR("{name}"))      ? STR("line1.press1.temp")
                           : str_eq(segment, STR("{id}"))        ? STR("dev1")
                           : str_eq(segment, STR("{noun}"))      ? STR("places")
                           : str_eq(segment, STR("{order}"))     ? STR("A")
                           : str_eq(segment, STR("{form}"))      ? STR("CHECK")
                           : str_eq(segment, STR("{code}"))      ? STR("R")
                           : str_eq(segment, STR("{case}"))      ? STR("BUPYEONG-2023-0001")
                           : str_eq(segment, STR("{programme}")) ? STR("bupyeong-2023")
                           : str_eq(segment, STR("{job}")) || str_eq(segment, STR("{number}"))
                               ? STR("1")
                               : segment);
    }
    buf_put_str(&text, str_of(more));
    (void)str_copy_z(buf_str(&text), to, size);
    buf_fini(&text);
}

static void check_answer(const char *path, const char *query, const json_t *schema) {
    char target[256];
    char where[WHERE_BYTES] = "";
    make_target(path, query, target, sizeof target);
    json_t *answer = load(target, "en");
    if (!matches(schema, answer, where, 0)) {
        char *text = json_dumps(answer, JSON_COMPACT);
        fail_msg("%s is not as described: %s\n%.2000s", target, where, text);
    }
    json_decref(answer);
}

/* R-008 */
static void every_answer_is_as_described(void **state) {
    (void)state;
    const char *path = NULL;
    json_t *methods = NULL;
    int checked = 0;
    AUTO_ANSWER struct answer made; // Indicator 1, with months and a derivation.
    rig_ask(&rig, "POST", "/api/v1/plants/p1/indicators", rig.owner,
        STR("{\"effect\":\"quality\",\"name\":\"x\",\"formula\":\"avg('line1.press1.temp')\"}"),
        &made);
    assert_int_equal(made.status, 201);
    AUTO_ANSWER struct answer place; // Row 1 of master data.
    rig_ask(&rig, "POST", "/api/v1/plants/p1/master/places", rig.owner,
        STR("{\"fields\":{\"code\":\"WH\",\"name\":\"x\"}}"), &place);
    assert_int_equal(place.status, 201);
    json_object_foreach(json_object_get(document, "paths"), path, methods) {
        json_t *schema = answer_schema(json_object_get(methods, "get"));
        if (!schema || strstr(path, "{order}") || strstr(path, "{code}") ||
            strstr(path, "/production/") || strstr(path, "/inspections/{number}") ||
            strstr(path, "/nonconformances/{number}") || strstr(path, "/maintenance/") ||
            strstr(path, "/form")) { // Of production: below.
            continue;
        }
        bool is_join = strstr(path, "/join");
        bool is_moments = strstr(path, "/moments");
        bool wants_tag = is_join || strstr(path, "/samples") || strstr(path, "/series") ||
                         strstr(path, "/summary");
        check_answer(path,
            is_join      ? "?tag=line1.press1.recipe&lead=line1.press1.temp"
            : is_moments ? "?tag=line1.press1.temp&tag=line1.press1.recipe&time=now&time=1970-01-"
                           "01T00:00:00Z"
            : wants_tag ? "?tag=line1.press1.temp&tag=line1.press1.recipe&from=1970-01-01T00:00:00Z"
            : strstr(path, "/codes") ? "?code=(01)08801234567893(17)270131(10)A1(37)20"
                                     : "",
            schema);
        if (strstr(path, "/samples")) {
            check_answer(path,
                "?tag=line1.press1.temp&every=1s&agg=avg,min,max,count,sum,first,last", schema);
            check_answer(path,
                "?tag=line1.press1.temp&tag=line1.press1.recipe&every=1s&fill=null"
                "&from=1970-01-01T00:00:00Z&to=1970-01-01T00:00:10Z"
                "&agg=avg,min,max,count,sum,first,last,bad,stddev,time_avg,increase,resets",
                schema);
        }
        checked++;
    }
    assert_true(checked >= 15);
}

/* ---- Orders ---- */

/* One that runs, and one that was sold. */
static int enter_shop(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const ROWS[] = {
        "INSERT INTO partners (number, changed_ns, code, name, kind, business_number, contact, "
        "phone, mail, address, active, note) VALUES (101, 0, 'BETA', '', 'both', '', '', '', '', "
        "'', "
        "1, '')",
        "INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin, lots, "
        "active, note) VALUES (101, 0, 'CASE', 'Case', 'product', 'EA', '', '', '', 1, 1, ''), "
        "(102, 0, 'RESIN', 'Resin', 'material', 'kg', '', '', '', 1, 1, '')",
        "INSERT INTO processes (number, changed_ns, code, name, kind, active, note) VALUES (101, "
        "0, "
        "'MOULD', 'Moulding', 'own', 1, '')",
        "INSERT INTO routings (number, changed_ns, item, version, step, process, cycle_ns, "
        "valid_from, valid_to, note) VALUES (101, 0, 101, 1, 10, 101, 3000000000, '', '', '')",
        "INSERT INTO boms (number, changed_ns, item, version, line, component, quantity_u, base_u, "
        "supply, valid_from, valid_to, note) VALUES (101, 0, 101, 1, 1, 102, 250000, 1000000, "
        "'own', '', "
        "'', '')",
        "INSERT INTO printers (changed_ns, code, name, address, dpi, release, active, note) "
        "VALUES (0, 'P1', 'P1', '127.0.0.1:1', 203, 'lot', 1, '')"};
    int rc = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0] && rc >= 0; i++) {
        struct ledger_stmt *stmt = NULL;
        rc = ledger_prepare(tx, ROWS[i], &stmt, err);
        rc = rc < 0 ? rc : ledger_step(stmt, err);
    }
    return rc;
}

static void tell(const char *key, const char *body) {
    bool later = strcmp(key, "later") == 0; // From a terminal that was offline.
    const struct telling telling = {.token = rig.owner,
        .key = key,
        .more = later ? "Maru-Later: 1\r\n" : NULL,
        .body = body,
        .status = 200};
    AUTO_ANSWER struct answer answer;
    rig_tell(&rig, &telling, &answer);
}

static void open_shop(void) {
    assert_int_equal(ledger_write(plant_ledger(rig.plant), enter_shop, NULL, NULL), 0);
    tell("1", "{\"type\":\"order.make\",\"item\":\"CASE\",\"quantity\":100,\"due\":\"2026-12-01\","
              "\"code\":\"A\",\"release\":true}");
    tell("2", "{\"type\":\"operation.begin\",\"operation\":\"A/10\"}");
    tell("3", "{\"type\":\"sales.enter\",\"code\":\"S1\",\"partner\":\"BETA\",\"item\":[\"CASE\"],"
              "\"quantity\":[10.5],\"due\":[\"2026-12-01\"]}");
    tell("4", "{\"type\":\"plan.run\"}");
}

/* A note R of what was shipped, and work at a partner. */
static int enter_delivery(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const ROWS[] = {
        "INSERT INTO deliveries (number, code, kind, partner, day, state, printed, note, why, "
        "created_ns, actor, event) VALUES (1, 'R', 'customer', 101, '2026-11-22', 'made', 0, '', "
        "'', 1, 'x', 1)",
        "INSERT INTO delivery_lines (delivery, line, move, price_u) SELECT 1, 1, number, 5000000 "
        "FROM stock_moves WHERE kind = 'ship'",
        "INSERT INTO outsourcings (number, code, operation, partner, quantity_u, good_u, bad_u, "
        "due, state, note, sent_ns, created_ns, actor) SELECT 1, 'OS-1', min(number), 101, 1, 0, "
        "0, '', 'open', '', 1, 1, 'x' FROM operations"};
    int rc = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0] && rc >= 0; i++) {
        struct ledger_stmt *stmt = NULL;
        rc = ledger_prepare(tx, ROWS[i], &stmt, err);
        rc = rc < 0 ? rc : ledger_step(stmt, err);
    }
    return rc;
}

static void orders_are_as_described(void **state) {
    (void)state;
    static const char *const PATHS[] = {"orders", "orders/{order}", "sales", "purchases", "costs",
        "lots", "lots/{code}", "lots/{code}/trace", "lots/{code}/recall", "lots/{code}/curves",
        "stock", "stock/moves", "events", "labels", "print-jobs", "deliveries", "deliveries/{code}",
        "outsourcings"};
    open_shop();
    tell("9", "{\"type\":\"order.make\",\"item\":\"CASE\",\"quantity\":5,\"due\":\"2026-12-01\","
              "\"release\":true}");
    tell("5", "{\"type\":\"stock.receive\",\"item\":\"RESIN\",\"quantity\":25,\"place\":\"WH\","
              "\"lot\":\"R\"}");
    tell("6", "{\"type\":\"stock.issue\",\"lot\":\"R\",\"quantity\":1,\"operation\":\"A/10\"}");
    tell("7", "{\"type\":\"stock.ship\",\"lot\":\"R\",\"quantity\":1,\"partner\":\"BETA\"}");
    tell("8", "{\"type\":\"lot.hold\",\"lot\":\"R\",\"why\":\"x\"}");
    assert_int_equal(ledger_write(plant_ledger(rig.plant), enter_delivery, NULL, NULL), 0);
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        char path[96];
        (void)snprintf(path, sizeof path, "/api/v1/plants/{plant}/%s", PATHS[i]);
        json_t *methods = json_object_get(json_object_get(document, "paths"), path);
        check_answer(path, "", answer_schema(json_object_get(methods, "get")));
    }
}

/* ---- Quality ---- */

static int enter_plan(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const ROWS[] = {
        "INSERT INTO inspection_plans (number, changed_ns, item, kind, line, name, method, unit, "
        "lower, upper, samples, active, note) VALUES (101, 0, 102, 'incoming', 1, 'Moisture', "
        "'typed', '%', NULL, 0.1, 2, 1, '')",
        "INSERT INTO workers (number, changed_ns, code, name, team, badge, active, note) VALUES "
        "(101, 0, 'W1', 'Kim', '', '', 1, '')"};
    int rc = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0] && rc >= 0; i++) {
        struct ledger_stmt *stmt = NULL;
        rc = ledger_prepare(tx, ROWS[i], &stmt, err);
        rc = rc < 0 ? rc : ledger_step(stmt, err);
    }
    return rc;
}

/* R-018 */
static void quality_is_as_described(void **state) {
    (void)state;
    static const char *const PATHS[] = {"inspections/due", "inspections", "inspections/{number}",
        "nonconformances", "nonconformances/{number}", "corrective-actions", "doubtful-events",
        "lots/{code}"};
    assert_int_equal(ledger_write(plant_ledger(rig.plant), enter_plan, NULL, NULL), 0);
    tell("q1", "{\"type\":\"inspection.record\",\"kind\":\"incoming\",\"lot\":\"R\",\"line\":[1],"
               "\"value\":[\"0.05 0.12\"],\"worker\":\"W1\"}");
    tell("q2", "{\"type\":\"action.open\",\"nonconformance\":1,\"measure\":\"Dry it\","
               "\"worker\":\"W1\",\"due\":\"2026-12-01\"}");
    AUTO_ANSWER struct answer file;
    rig_ask(&rig, "POST", "/api/v1/plants/p1/nonconformances/1/files?name=defect.jpg", rig.owner,
        STR("x"), &file);
    assert_int_equal(file.status, 201);
    tell("q3", "{\"type\":\"stock.receive\",\"item\":\"RESIN\",\"quantity\":25,\"place\":\"WH\","
               "\"lot\":\"R2\"}");
    tell("later", "{\"type\":\"stock.count\",\"lot\":\"R2\",\"place\":\"WH\",\"quantity\":250}");
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        char path[96];
        (void)snprintf(path, sizeof path, "/api/v1/plants/{plant}/%s", PATHS[i]);
        json_t *methods = json_object_get(json_object_get(document, "paths"), path);
        check_answer(path, "", answer_schema(json_object_get(methods, "get")));
    }
}

/* ---- What machines make ---- */

/* One at work on the order, that stands still. */
static int enter_machine(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const ROWS[] = {"INSERT INTO assets (number, id, level, display, kind) "
                                       "SELECT coalesce(max(number), 0) + 1, "
                                       "'m1', 'equipment', 'M', '' FROM assets",
        "INSERT INTO machines (number, changed_ns, asset, run_values, setup_values, maker, model, "
        "serial, bought, active, note) SELECT 1, 0, number, '1', '', '', '', '', '', 1, '' FROM "
        "assets WHERE id = 'm1'",
        "INSERT INTO runs (operation, machine, phase, pieces, begin_ns) SELECT min(number), 1, "
        "'make', 1, 1000000000 FROM operations",
        "INSERT INTO reasons (number, changed_ns, code, kind, name, loss, active, note) VALUES (1, "
        "0, 'R', 'stop', 'R', 'other', 1, '')",
        "INSERT INTO stops (number, machine, begin_ns, reason, note) VALUES (1, 1, 2000000000, 1, "
        "'')"};
    int rc = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0] && rc >= 0; i++) {
        struct ledger_stmt *stmt = NULL;
        rc = ledger_prepare(tx, ROWS[i], &stmt, err);
        rc = rc < 0 ? rc : ledger_step(stmt, err);
    }
    return rc;
}

static void what_machines_make_is_as_described(void **state) {
    (void)state;
    static const char *const PATHS[] = {
        "machines", "kpi", "losses", "stops", "stops/{number}/reasons"};
    assert_int_equal(ledger_write(plant_ledger(rig.plant), enter_machine, NULL, NULL), 0);
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        char path[96];
        (void)snprintf(path, sizeof path, "/api/v1/plants/{plant}/production/%s", PATHS[i]);
        json_t *methods = json_object_get(json_object_get(document, "paths"), path);
        check_answer(path, "", answer_schema(json_object_get(methods, "get")));
    }
}

/* ---- Maintenance and papers ---- */

static int enter_care(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const ROWS[] = {
        "INSERT INTO moulds (number, changed_ns, code, name, item, cavities, shots_before, "
        "shots_life, shots_care, maker, bought, active, note) VALUES (1, 0, 'M1', 'Case mould', "
        "101, 4, 182400, 500000, 20000, '', '', 1, '')",
        "INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin, lots, "
        "safety_u, active, note) VALUES (103, 0, 'SEAL', 'Seal', 'spare', 'EA', '', '', '', 0, "
        "2000000, 1, '')",
        "INSERT INTO care_plans (number, changed_ns, code, name, machine, every, basis, tolerance, "
        "start, minutes, active, note) VALUES (1, 0, 'OIL', 'Change the oil', 1, 6, 'months', 14, "
        "'2026-03-02', 45, 1, '')"};
    int rc = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0] && rc >= 0; i++) {
        struct ledger_stmt *stmt = NULL;
        rc = ledger_prepare(tx, ROWS[i], &stmt, err);
        rc = rc < 0 ? rc : ledger_step(stmt, err);
    }
    return rc;
}

static void maintenance_and_papers_are_as_described(void **state) {
    (void)state;
    static const struct {
        const char *path;
        const char *query;
    } PATHS[] = {{"maintenance/due", ""}, {"maintenance/moulds", ""}, {"maintenance/machines", ""},
        {"maintenance/repairs", ""}, {"maintenance/log", ""}, {"maintenance/spares", ""},
        {"form-due", ""}, {"forms/{form}/sheet", "?machine=m1"}, {"form-entries", ""},
        {"form-entries/{number}", ""}};
    assert_int_equal(ledger_write(plant_ledger(rig.plant), enter_care, NULL, NULL), 0);
    tell("20", "{\"type\":\"form.take\",\"ready\":\"equipment\"}");
    tell("21", "{\"type\":\"form.fill\",\"form\":\"CHECK\",\"machine\":\"m1\",\"field\":[\"oil\","
               "\"oil_heat\",\"cooling\",\"leak\",\"door\",\"emergency\",\"heater\",\"noise\"],"
               "\"value\":[1,61.5,1,1,1,1,1,1]}");
    tell("22", "{\"type\":\"repair.ask\",\"machine\":\"m1\",\"text\":\"Oil leaks\",\"stands\":1}");
    tell("23", "{\"type\":\"repair.done\",\"repair\":1,\"cause\":\"Worn seal\",\"what\":\"New "
               "seal\",\"minutes\":40,\"cost\":120000}");
    tell("24", "{\"type\":\"mould.cavities\",\"mould\":\"M1\",\"cavities\":3,\"why\":\"Gate 2\"}");
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        char path[96];
        (void)snprintf(path, sizeof path, "/api/v1/plants/{plant}/%s", PATHS[i].path);
        json_t *methods = json_object_get(json_object_get(document, "paths"), path);
        check_answer(path, PATHS[i].query, answer_schema(json_object_get(methods, "get")));
    }
}

/* ---- Examples ---- */

/* The same members with the same types; of a list every entry like the first of the other. */
static bool same_shape(json_t *shown, json_t *real, char *where, int depth) {
    assert_true(depth < DEPTH_MAX);
    if (json_is_null(shown) || json_is_null(real)) {
        return true;
    }
    bool numbers = json_is_number(shown) && json_is_number(real);
    bool flags = json_is_boolean(shown) && json_is_boolean(real);
    if (!numbers && !flags && json_typeof(shown) != json_typeof(real)) {
        return false;
    }
    for (size_t i = 0; json_array_size(real) > 0 && i < json_array_size(shown); i++) {
        size_t at = json_array_size(real) == json_array_size(shown) ? i : 0; // Cells of a row.
        if (!same_shape(json_array_get(shown, i), json_array_get(real, at), where, depth + 1)) {
            return false;
        }
    }
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach(real, name, member) {
        json_t *other = json_object_get(shown, name);
        if (!other || !same_shape(other, member, where, depth + 1)) {
            (void)snprintf(where, WHERE_BYTES, "%s", name);
            return false;
        }
    }
    return !json_is_object(real) || json_object_size(real) == json_object_size(shown);
}

static void ask_example(const struct example *example, struct answer *ret_answer) {
    const struct route *route = NULL;
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        route = strcmp(route_at(i)->id, example->route) == 0 ? route_at(i) : route;
    }
    if (!route) {
        fail_msg("%s is no route", example->route);
    }
    bool personal = is_personal(example->target) || strstr(example->target, "/session");
    const char *body = example_body(example->route);
    char headers[256];
    (void)snprintf(headers, sizeof headers,
        "%s%s\r\nAccept-Language: en\r\nX-Requested-With: maru\r\nContent-Type: %s\r\n",
        personal ? "Cookie: " : "Authorization: Bearer ", personal ? cookie : rig.owner,
        route->body == BODY_LINES ? "text/plain" : "application/json");
    struct question question = {.port = rig.port,
        .method = http_method_name(route->method),
        .target = example->target,
        .headers = headers,
        .body = body ? str_of(body) : STR_NONE};
    client_ask(&question, ret_answer);
}

/* The schema of the answer with this status. */
static json_t *example_schema(const char *route, uint32_t status, json_t **ret_example) {
    const char *path = NULL;
    json_t *methods = NULL;
    char code[8];
    (void)snprintf(code, sizeof code, "%u", status);
    json_object_foreach(json_object_get(document, "paths"), path, methods) {
        const char *method = NULL;
        json_t *operation = NULL;
        json_object_foreach(methods, method, operation) {
            if (strcmp(json_string_value(json_object_get(operation, "operationId")), route) == 0) {
                json_t *answer = json_object_get(json_object_get(operation, "responses"), code);
                json_t *content =
                    json_object_get(json_object_get(answer, "content"), "application/json");
                *ret_example = json_object_get(content, "example");
                return json_object_get(content, "schema");
            }
        }
    }
    return NULL;
}

/* Those that need what quality_is_as_described tells. */
static bool is_of_quality(const struct example *example) {
    static const char *const PARTS[] = {
        "/inspections", "/nonconformances", "/corrective-actions", "/doubtful-events"};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if (strstr(example->target, PARTS[i])) {
            return true;
        }
    }
    return false;
}

/* A sheet of the whole plant, filled in once. */
static void enter_form(void) {
    AUTO_ANSWER struct answer form;
    rig_ask(&rig, "POST", "/api/v1/plants/p1/master/forms", rig.owner,
        STR("{\"fields\":{\"code\":\"OVEN\",\"name\":\"Oven check\",\"every\":\"day\",\"per\":"
            "\"plant\"}}"),
        &form);
    assert_int_equal(form.status, 201);
    AUTO_ANSWER struct answer field;
    rig_ask(&rig, "POST", "/api/v1/plants/p1/master/form_fields", rig.owner,
        STR("{\"fields\":{\"form\":\"OVEN\",\"field\":\"heat\",\"name\":\"temperature\","
            "\"kind\":"
            "\"number\",\"unit\":\"°C\",\"lower\":\"170\",\"upper\":\"190\"}}"),
        &field);
    assert_int_equal(field.status, 201);
    tell("19", "{\"type\":\"form.fill\",\"form\":\"OVEN\",\"field\":[\"heat\"],\"value\":[182.4]}");
}

/* MARU_EXAMPLES=FILE writes what was really answered: id, status, answer. */
static void check_examples(bool of_quality) {
    const char *to = getenv("MARU_EXAMPLES");
    FILE *file = to ? fopen(to, of_quality ? "a" : "w") : NULL;
    uint32_t count = 0;
    if (!of_quality) {
        enter_form();
    }
    for (; example_at(count); count++) {
        const struct example *example = example_at(count);
        if (is_of_quality(example) != of_quality) {
            continue;
        }
        AUTO_ANSWER struct answer answer;
        ask_example(example, &answer);
        if (file) {
            (void)fprintf(file, "%s\t%d\t%s\n", example->route, answer.status, buf_z(&answer.body));
            continue;
        }
        if (answer.status != (int)example->status) {
            fail_msg("%s: %d %s", example->route, answer.status, buf_z(&answer.body));
        }
        json_t *shown = NULL;
        json_t *schema = example_schema(example->route, example->status, &shown);
        json_t *real = json_loadb((const char *)answer.body.data, answer.body.size, 0, NULL);
        char where[WHERE_BYTES] = "";
        if (real && (!shown || !matches(schema, shown, where, 0) ||
                        !matches(schema, real, where, 0) || !same_shape(shown, real, where, 0))) {
            fail_msg("the example of %s is not as answered: %s\n%.2000s", example->route, where,
                buf_z(&answer.body));
        }
        json_decref(real);
    }
    if (file) {
        (void)fclose(file);
    }
    assert_true(count >= 25);
}

static void every_example_is_true(void **state) {
    (void)state;
    check_examples(false);
}

static void examples_of_quality_are_true(void **state) {
    (void)state;
    check_examples(true);
}

static void refusals_are_as_described(void **state) {
    (void)state;
    static const char *const TARGETS[] = {
        "/api/v1/nothing", "/api/v1/plants/zz/tags", "/api/v1/plants/p1/tags?x=1"};
    json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    for (size_t i = 0; i < sizeof TARGETS / sizeof TARGETS[0]; i++) {
        AUTO_ANSWER struct answer answer;
        rig_ask(&rig, "GET", TARGETS[i], rig.viewer, STR_NONE, &answer);
        json_t *root = json_loadb((const char *)answer.body.data, answer.body.size, 0, NULL);
        char where[WHERE_BYTES] = "";
        assert_true(matches(json_object_get(schemas, "Problem"), root, where, 0));
        assert_int_equal(json_integer_value(json_object_get(root, "status")), answer.status);
        json_decref(root);
    }
    AUTO_ANSWER struct answer lines;
    rig_ask(&rig, "POST", "/write", rig.operator_, STR("a value=x\nb value=1\nc v=\"\n"), &lines);
    assert_int_equal(lines.status, 400);
    json_t *root = json_loadb((const char *)lines.body.data, lines.body.size, 0, NULL);
    char where[WHERE_BYTES] = "";
    assert_true(matches(json_object_get(schemas, "Problem"), root, where, 0));
    json_t *errors = json_object_get(root, "errors");
    assert_int_equal(json_array_size(errors), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(errors, 1), "line")), 3);
    json_decref(root);
}

/* Walks the whole document: every reference leads somewhere, ids stand once. */
static void the_document_is_whole_in_itself(void **state) {
    (void)state;
    assert_string_equal(json_string_value(json_object_get(document, "openapi")), "3.1.0");
    char *text = json_dumps(document, JSON_COMPACT);
    int references = 0;
    for (const char *at = text; (at = strstr(at, "\"$ref\":\"")) != NULL; at++) {
        struct str rest = str_of(at + 8);
        char reference[128];
        (void)str_copy_z(str_cut(&rest, '"'), reference, sizeof reference);
        assert_non_null(schema_named(reference));
        references++;
    }
    assert_true(references > 50);
    free(text);
    const char *path = NULL;
    json_t *methods = NULL;
    json_t *seen = json_object();
    json_object_foreach(json_object_get(document, "paths"), path, methods) {
        assert_int_equal(path[0], '/');
        const char *method = NULL;
        json_t *operation = NULL;
        json_object_foreach(methods, method, operation) {
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            assert_null(json_object_get(seen, id));
            (void)json_object_set_new(seen, id, json_true());
            assert_true(json_is_array(json_object_get(operation, "security")));
            size_t in_path = 0;
            for (const char *at = path; (at = strchr(at, '{')) != NULL; at++) {
                in_path++;
            }
            json_t *params = json_object_get(operation, "parameters");
            size_t declared = 0;
            for (size_t i = 0; i < json_array_size(params); i++) {
                const char *in =
                    json_string_value(json_object_get(json_array_get(params, i), "in"));
                declared += strcmp(in, "path") == 0;
            }
            assert_int_equal(in_path, declared);
        }
    }
    json_decref(seen);
}

static void summaries_follow_the_reader(void **state) {
    (void)state;
    json_t *korean = load("/api/v1/openapi.json", "ko");
    json_t *paths = json_object_get(korean, "paths");
    json_t *plants = json_object_get(json_object_get(paths, "/api/v1/plants"), "get");
    assert_string_equal(json_string_value(json_object_get(plants, "summary")), "공장 목록");
    json_decref(korean);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_as_described),
        cmocka_unit_test(every_example_is_true),
        cmocka_unit_test(orders_are_as_described),
        cmocka_unit_test(quality_is_as_described),
        cmocka_unit_test(examples_of_quality_are_true),
        cmocka_unit_test(what_machines_make_is_as_described),
        cmocka_unit_test(maintenance_and_papers_are_as_described),
        cmocka_unit_test(refusals_are_as_described),
        cmocka_unit_test(the_document_is_whole_in_itself),
        cmocka_unit_test(summaries_follow_the_reader),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
