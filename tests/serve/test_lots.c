/*
 * Lots and stock over HTTP: told by events, found by search, traced, recalled as JSON, CSV and a
 * workbook.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ledger/ledger.h"
#include "support_server.h"

#define PLANT "/api/v1/plants/p1/"

static struct rig rig;
static int keys;

static int run_sql(struct ledger_tx *tx, void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, context, &stmt, err);
    return status < 0 ? status : ledger_step(stmt, err);
}

static void sql(const char *text) {
    AUTO_FREE char *copy = mem_copy_z(str_of(text));
    assert_int_equal(ledger_write(plant_ledger(rig.plant), run_sql, copy, NULL), 0);
}

static void tell(const char *body) {
    char key[16];
    (void)snprintf(key, sizeof key, "k%d", ++keys);
    const struct telling telling = {
        .key = key, .more = "Accept-Language: en\r\n", .body = body, .status = 200};
    AUTO_ANSWER struct answer answer;
    rig_tell(&rig, &telling, &answer);
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    sql("INSERT INTO places (number, changed_ns, code, name, kind, active, note) VALUES (1, 0, "
        "'WH', 'Warehouse', 'warehouse', 1, '')");
    sql("INSERT INTO partners (number, changed_ns, code, name, kind, business_number, contact, "
        "phone, mail, address, active, note) VALUES (1, 0, 'BETA', 'Beta', 'customer', '', '', "
        "'02-123', '', '', 1, '')");
    sql("INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin, lots, "
        "place, active, note) VALUES (1, 0, '0012', '폴리프로필렌', 'material', 'kg', '', '', '', "
        "1, 1, 1, '')");
    tell("{\"type\":\"stock.receive\",\"item\":\"0012\",\"quantity\":10,\"lot\":\"A\"}");
    tell("{\"type\":\"lot.split\",\"lot\":\"A\",\"quantity\":[3,2],\"code\":[\"A/1\",\"A2\"]}");
    tell("{\"type\":\"stock.ship\",\"lot\":\"A/1\",\"quantity\":2,\"partner\":\"BETA\","
         "\"document\":\"D1\"}");
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static bool gives(const char *target, const char *text) {
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, target, 200, &answer);
    bool found = strstr(buf_z(&answer.body), text) != NULL;
    if (!found) {
        print_message("%s\n", buf_z(&answer.body));
    }
    return found;
}

static size_t count_of(const char *target) {
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, target, 200, &answer);
    json_t *root = json_loads(buf_z(&answer.body), 0, NULL);
    size_t count = json_array_size(json_object_get(root, "items"));
    json_decref(root);
    return count;
}

static void lots_are_found_by_what_people_type(void **state) {
    (void)state;
    assert_int_equal(count_of(PLANT "lots"), 3);
    assert_int_equal(count_of(PLANT "lots?q=a%2F1"), 1);
    assert_int_equal(count_of(PLANT "lots?q=%E3%85%8D%E3%84%B9"), 3); // First consonants.
    assert_int_equal(count_of(PLANT "lots?item=0012&state=held"), 0);
    assert_int_equal(count_of(PLANT "lots?limit=2"), 2);
    assert_true(gives(PLANT "lots?limit=2", "\"next\":\"2\""));
    assert_int_equal(count_of(PLANT "lots?before=2"), 1);
}

static void stock_is_listed_in_pages(void **state) {
    (void)state;
    assert_int_equal(count_of(PLANT "stock?item=0012&place=WH"), 3);
    assert_true(gives(PLANT "stock?lot=A", "\"quantity\":5,"));
    assert_true(gives(PLANT "stock?limit=1", "\"next\":\"1.1.1\""));
    assert_int_equal(count_of(PLANT "stock?after=1.1.1"), 2);
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, PLANT "stock?after=x", 400, &answer);
    assert_int_equal(count_of(PLANT "stock/moves"), 6); // Receipt, two splits of two, shipment.
    assert_int_equal(count_of(PLANT "stock/moves?kind=split&lot=A"), 2);
    assert_int_equal(count_of(PLANT "stock/moves?document=D1&partner=BETA"), 1);
    assert_true(gives(PLANT "stock/moves?limit=1", "\"quantity\":-2,"));
    assert_true(gives(PLANT "stock/moves?limit=1", "\"next\":\"6\""));
    assert_int_equal(count_of(PLANT "stock/moves?to=2020-01-01"), 0);
}

/* The oldest is taken first; what is held, expired or in quarantine has no turn and is not usable.
 */
static void what_may_be_used_has_its_turn(void **state) {
    (void)state;
    assert_true(gives(PLANT "stock?lot=A", "\"turn\":1,\"waits\":false}"));
    assert_true(gives(PLANT "stock/items",
        "\"item\":\"0012\",\"name\":\"폴리프로필렌\",\"unit\":\"kg\",\"kind\":\"material\","
        "\"quantity\":8,\"usable\":8,\"held\":0,\"ordered\":0,\"making\":0,\"safety\":null,"
        "\"lots\":3,\"short\":false"));
    assert_int_equal(count_of(PLANT "stock/items?q=%E3%85%8D%E3%84%B9"), 1);
    assert_int_equal(count_of(PLANT "stock/items?q=none"), 0);
    assert_int_equal(count_of(PLANT "stock/items?short=1"), 0);
    sql("UPDATE lots SET state = 'held' WHERE code = 'A'");
    sql("UPDATE lots SET expires = '2020-01-01' WHERE code = 'A/1'");
    sql("UPDATE items SET safety_u = 3000000 WHERE code = '0012'");
    assert_true(gives(PLANT "stock?lot=A", "\"turn\":null,\"waits\":false}"));
    assert_true(gives(PLANT "stock?lot=A%2F1", "\"turn\":null,\"waits\":false}"));
    assert_true(gives(PLANT "stock?lot=A2", "\"turn\":1,\"waits\":false}"));
    assert_true(gives(PLANT "stock/items?short=1",
        "\"quantity\":8,\"usable\":2,\"held\":6,\"ordered\":0,\"making\":0,\"safety\":3,"));
    sql("UPDATE lots SET state = 'open', expires = ''");
    sql("UPDATE items SET safety_u = NULL");
    assert_int_equal(count_of(PLANT "stock/items?limit=1&after=1"), 0);
    // A plan for what comes in: the whole lot waits, and its parts with it.
    sql("INSERT INTO inspection_plans (number, changed_ns, item, kind, line, name, method, unit, "
        "samples, active, note) VALUES (1, 0, 1, 'incoming', 1, 'Moisture', 'typed', '%', 1, 1, "
        "'')");
    assert_true(gives(PLANT "stock?lot=A%2F1", "\"turn\":null,\"waits\":true}"));
    assert_true(gives(PLANT "stock/items", "\"quantity\":8,\"usable\":0,\"held\":8,"));
    sql("INSERT INTO settings (key, value) VALUES ('inspection_gate', 'warn')");
    assert_true(gives(PLANT "stock/items", "\"quantity\":8,\"usable\":8,\"held\":0,"));
    sql("DELETE FROM settings WHERE key = 'inspection_gate'");
    sql("DELETE FROM inspection_plans");
}

static void a_passport_tells_of_one_lot(void **state) {
    (void)state;
    assert_true(gives(PLANT "lots/A", "\"into\":[{\"lot\":\"A/1\""));
    assert_true(gives(PLANT "lots/A%2F1", "\"materials\":[{\"lot\":\"A\""));
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, PLANT "lots/Z", 404, &answer);
}

static void a_trace_goes_both_ways(void **state) {
    (void)state;
    assert_true(gives(PLANT "lots/A/trace", "\"back\":{\"lots\":[{\"lot\":\"A\""));
    assert_true(gives(PLANT "lots/A/trace?way=forward", "\"kind\":\"split\",\"quantity\":3"));
    assert_false(gives(PLANT "lots/A/trace?way=forward", "\"back\""));
}

static void a_recall_names_places_and_customers(void **state) {
    (void)state;
    assert_int_equal(count_of(PLANT "lots/A/recall"), 4);
    assert_true(gives(PLANT "lots/A/recall?format=csv", "0012,"));
    assert_true(gives(PLANT "lots/A/recall?format=csv", ",shipped,,BETA,Beta,02-123,D1,2,kg,"));
    AUTO_ANSWER struct answer book;
    rig_get(&rig, PLANT "lots/A/recall?format=xlsx", 200, &book);
    assert_memory_equal(book.body.data, "PK", 2);
}

/* Two runs with a pause between; the lot was split, and its part has the same curves. */
static void a_lot_knows_the_curves_of_its_runs(void **state) {
    (void)state;
    sql("INSERT INTO machines (number, changed_ns, asset, run_values, setup_values, maker, model, "
        "serial, bought, active, note) SELECT 1, 0, number, '1', '', '', '', '', '', 1, '' FROM "
        "assets WHERE id = 'press1'");
    sql("INSERT INTO processes (number, changed_ns, code, name, kind, active, note) VALUES (1, 0, "
        "'P', 'P', 'own', 1, '')");
    sql("INSERT INTO work_orders (number, code, item, quantity_u, due, priority, state, "
        "state_before, lot, note, created_ns, actor, proposed) SELECT 1, 'WO', 1, 1, '2026-01-01', "
        "5, 'running', '', number, '', 0, 'x', 0 FROM lots WHERE code = 'A'");
    sql("INSERT INTO operations (number, work_order, step, process, state) VALUES (1, 1, 10, 1, "
        "'done')");
    sql("INSERT INTO runs (operation, machine, phase, pieces, begin_ns, end_ns) VALUES (1, 1, "
        "'make', 1, 1735700000000000000, 1735700010000000000), (1, 1, 'make', 1, "
        "1735700020000000000, 1735700030000000000)");
    rig_write(&rig,
        "line1.press1.temp value=1 1735699999000\nline1.press1.temp value=10 1735700001000\n"
        "line1.press1.temp value=99 1735700015000\nline1.press1.temp value=30 1735700025000\n",
        204);
    assert_true(
        gives(PLANT "lots/A/curves", "\"count\":2,\"bad\":0,\"min\":10,\"avg\":20,\"max\":30"));
    assert_true(gives(PLANT "lots/A2/curves", "[1735700025000,30,30,30]"));
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, PLANT "lots/A/curves", 200, &answer);
    assert_null(strstr(buf_z(&answer.body), "99"));
    assert_true(gives(PLANT "lots/A2", "\"runs\":[{\"run\":1,\"order\":\"WO\""));
}

/* What lies ready, what work for it brings, and when that ends: without a time as long as a step
 * has none. */
static void a_sales_line_tells_what_it_can_count_on(void **state) {
    (void)state;
    sql("INSERT INTO sales_orders (number, code, partner, ordered, state, note, created_ns, actor) "
        "VALUES (1, 'S1', 1, '2026-01-01', 'open', '', 0, 'x'), (2, 'S2', 1, '2026-01-02', "
        "'cancelled', '', 0, 'x'), (3, 'S3', 1, '2026-01-03', 'open', '', 0, 'x')");
    sql("INSERT INTO sales_lines (number, sales, line, item, quantity_u, due, shipped_u) VALUES "
        "(1, 1, 1, 1, 20000000, '2026-02-01', 0), (2, 2, 1, 1, 1000000, '2026-02-01', 0), (3, 3, "
        "1, 1, 1000000, '2026-02-01', 0)");
    sql("INSERT INTO work_orders (number, code, item, quantity_u, due, priority, state, "
        "state_before, sales_line, note, created_ns, actor, proposed) VALUES (7, 'W7', 1, "
        "15000000, "
        "'2026-01-31', 5, 'released', '', 1, '', 0, 'x', 0)");
    sql("INSERT INTO operations (number, work_order, step, process, end_ns, state) VALUES (71, 7, "
        "10, 1, 1769990400000000000, 'waiting'), (72, 7, 20, 1, NULL, 'waiting')");
    sql("INSERT INTO stock_moves (time_ns, kind, item, place, quantity_u, work_order, document, "
        "event) VALUES (0, 'output', 1, 1, 4000000, 7, '', 1)");
    assert_true(gives(PLANT "sales?limit=3",
        "\"shipped\":0,\"usable\":8,\"making\":11,\"free\":0.000001,\"ends\":null}]}"));
    sql("UPDATE operations SET end_ns = 1769994000000000000 WHERE number = 72");
    assert_true(gives(
        PLANT "sales", "\"making\":11,\"free\":0.000001,\"ends\":\"2026-02-02T01:00:00Z\"}]}"));
    assert_int_equal(count_of(PLANT "sales?state=open"), 2);
    assert_true(gives(PLANT "sales?state=open&limit=1", "\"sales\":\"S3\""));
    assert_true(gives(PLANT "sales?state=open", "\"making\":11,"));
    assert_true(gives(PLANT "stock/items", "\"making\":11.000001,"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lots_are_found_by_what_people_type),
        cmocka_unit_test(stock_is_listed_in_pages),
        cmocka_unit_test(what_may_be_used_has_its_turn),
        cmocka_unit_test(a_passport_tells_of_one_lot),
        cmocka_unit_test(a_trace_goes_both_ways),
        cmocka_unit_test(a_recall_names_places_and_customers),
        cmocka_unit_test(a_lot_knows_the_curves_of_its_runs),
        cmocka_unit_test(a_sales_line_tells_what_it_can_count_on),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
