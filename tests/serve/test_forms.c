/*
 * Maintenance and papers of the shop floor over HTTP: told by events, read back as lists, tables
 * and sheets.
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

/* What fontconfig keeps for the process (288 bytes, whatever the number of papers) is its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig";
}

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

static void tell(const char *secret, const char *body) {
    char key[16];
    (void)snprintf(key, sizeof key, "k%d", ++keys);
    const struct telling telling = {.token = secret,
        .key = key,
        .more = "Accept-Language: ko\r\n",
        .body = body,
        .status = 200};
    AUTO_ANSWER struct answer answer;
    rig_tell(&rig, &telling, &answer);
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    sql("INSERT INTO assets (number, id, level, display, kind) VALUES (101, 'press7', 'equipment', "
        "'사출기 7', '')");
    sql("INSERT INTO machines (number, changed_ns, asset, run_values, setup_values, maker, model, "
        "serial, bought, active, note) VALUES (1, 0, 101, '1', '', '우진', 'TE-150', 'S1', "
        "'2019-03-02', 1, '')");
    sql("INSERT INTO moulds (number, changed_ns, code, name, cavities, shots_before, shots_life, "
        "shots_care, maker, bought, active, note) VALUES (1, 0, 'M1', '케이스', 4, 182400, 500000, "
        "20000, '', '', 1, '')");
    sql("INSERT INTO care_plans (number, changed_ns, code, name, machine, every, basis, start, "
        "active, note) VALUES (1, 0, 'OIL', '작동유 교환', 1, 6, 'months', '2020-01-31', 1, '')");
    tell(rig.owner, "{\"type\":\"form.take\",\"ready\":\"equipment\"}");
    tell(rig.operator_,
        "{\"type\":\"form.fill\",\"form\":\"CHECK\",\"machine\":\"press7\",\"field\":[\"oil\","
        "\"oil_heat\",\"cooling\",\"leak\",\"door\",\"emergency\",\"heater\",\"noise\"],"
        "\"value\":[\"1\",\"61\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"]}");
    tell(rig.operator_, "{\"type\":\"repair.ask\",\"machine\":\"press7\",\"text\":\"누유\","
                        "\"stands\":1}");
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

static void what_is_due_is_listed_with_what_it_is_about(void **state) {
    (void)state;
    assert_true(gives(PLANT "maintenance/due", "{\"items\":[{\"plan\":\"OIL\""));
    assert_true(gives(PLANT "maintenance/due", "\"due_day\":\"2020-07-31\""));
    assert_true(gives(PLANT "maintenance/due", "\"used\":2400,\"left\":17600,\"state\":\"ok\""));
}

static void moulds_machines_repairs_and_spares_are_read(void **state) {
    (void)state;
    assert_true(gives(PLANT "maintenance/moulds", "\"shots\":182400,\"life\":500000,\"life_left\":"
                                                  "317600"));
    assert_true(gives(PLANT "maintenance/machines", "\"count\":1,"));
    assert_true(gives(PLANT "maintenance/machines?machine=press7", "\"maker\":\"우진\""));
    assert_true(gives(PLANT "maintenance/repairs?open=1&machine=press7", "\"text\":\"누유\""));
    assert_true(gives(PLANT "maintenance/repairs?mould=M1", "\"items\":[]"));
    assert_true(gives(PLANT "maintenance/log?machine=press7", "\"items\":[]"));
    assert_true(gives(PLANT "maintenance/spares", "\"items\":[]"));
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, PLANT "maintenance/repairs?machine=nobody", 404, &answer);
}

static void sheets_and_entries_are_read(void **state) {
    (void)state;
    assert_true(gives(PLANT "form-due", "\"state\":\"filled\",\"entry\":1,\"outside\":1"));
    assert_true(gives(PLANT "form-due?day=2020-01-01", "\"state\":\"missing\""));
    assert_true(gives(PLANT "forms/CHECK/sheet?machine=press7", "\"name\":\"설비 일상점검\""));
    assert_true(gives(PLANT "forms/CHECK/sheet?machine=press7", "\"field\":\"oil_heat\",\"name\":"
                                                                "\"작동유 온도\""));
    assert_true(gives(PLANT "form-entries?form=CHECK&machine=press7", "\"value\":\"61\""));
    assert_true(gives(PLANT "form-entries/1", "\"body\":{\"name\":\"설비 일상점검\""));
    AUTO_ANSWER struct answer none;
    rig_get(&rig, PLANT "form-entries/77", 404, &none);
    AUTO_ANSWER struct answer day;
    rig_get(&rig, PLANT "form-due?day=x", 400, &day);
    AUTO_ANSWER struct answer form;
    rig_get(&rig, PLANT "forms/NONE/sheet", 404, &form);
    AUTO_ANSWER struct answer about;
    rig_get(&rig, PLANT "forms/CHECK/sheet", 400, &about);
}

static void entries_come_as_a_table(void **state) {
    (void)state;
    assert_true(gives(PLANT "forms/CHECK/entries", "작동유 온도"));
    assert_true(gives(PLANT "forms/CHECK/entries?format=csv", ",61,"));
    AUTO_ANSWER struct answer book;
    rig_get(&rig, PLANT "forms/CHECK/entries?format=xlsx", 200, &book);
    assert_memory_equal(book.body.data, "PK", 2);
}

static void an_entry_comes_as_paper(void **state) {
    (void)state;
    AUTO_ANSWER struct answer paper;
    rig_get(&rig, PLANT "form-entries/1/paper", 200, &paper);
    assert_memory_equal(paper.body.data, "%PDF", 4);
    AUTO_ANSWER struct answer none;
    rig_get(&rig, PLANT "form-entries/9/paper", 404, &none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_is_listed_with_what_it_is_about),
        cmocka_unit_test(moulds_machines_repairs_and_spares_are_read),
        cmocka_unit_test(sheets_and_entries_are_read),
        cmocka_unit_test(entries_come_as_a_table),
        cmocka_unit_test(an_entry_comes_as_paper),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
