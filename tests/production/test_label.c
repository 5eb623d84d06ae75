/*
 * Labels: layouts, what stands on them, and that they exist before the work starts.
 */
#include "production/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "production/lookup.h"
#include "tests/production/support_shop.h"

static struct shop shop;

static int open_shop(void **state) {
    (void)state;
    shop_open(&shop);
    return 0;
}

static int close_shop(void **state) {
    (void)state;
    shop_close(&shop);
    return 0;
}

static void refused(const char *layout, const char *words) {
    struct label_layout parts;
    struct err err = ERR_INIT;
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    assert_true(label_layout_parse(str_of(layout), 80, 50, &parts, &err) < 0);
    err_render(&err, LANG_EN, &text);
    if (strstr(buf_z(&text), words) == NULL) {
        fail_msg("%s: %s", layout, buf_z(&text));
    }
}

static void a_layout_says_what_is_wrong_and_where(void **state) {
    (void)state;
    refused("", "no parts");
    refused("text 1 1 20 3 {lot}\npicture 1 1 2 3 x", "\"picture\" is no part");
    refused("text 1 1 20 3 {lot}\npicture 1 1 2 3 x", "line 2");
    refused("text 1 one 20 3 {lot}", "\"one\" is no number");
    refused("text 70 1 20 3 {lot}", "inside the label");
    refused("qr 1 1 0 {lot}", "inside the label");
    refused("text 1 1 20 3 {colour}", "\"colour\"");
    refused("text 1 1 20 3 {lot", "brace");
    refused("text 1 1 20 3 lot}", "brace");
    refused("text 1 1 20 3", "inside the label");
    struct label_layout parts;
    struct err err = ERR_INIT;
    assert_int_equal(label_layout_parse(STR("text 0 0 80 3 a"), 400, 50, &parts, &err), -ERR_RANGE);
}

/* Every layout that comes through has all its parts on the label. */
static void layouts_never_leave_the_label(void **state) {
    (void)state;
    static const char *const WORDS[] = {"text", "bold", "qr", "code128", "line", "box", "lines"};
    static const char *const NUMBERS[] = {
        "0", "1", "7.5", "20", "30", "49", "79.5", "-1", "nan", ""};
    static const char *const TEXTS[] = {"{lot}", "{=due} x", "", "{", "(01)"};
    struct random random;
    random_seed(&random, 20260101);
    uint32_t taken = 0;
    for (int round = 0; round < 20000; round++) {
        AUTO_BUF struct buf text;
        buf_init(&text, 4096);
        for (uint64_t i = random_below(&random, 3) + 1; i > 0; i--) {
            buf_printf(&text, "%s", WORDS[random_below(&random, 7)]);
            for (uint64_t k = random_below(&random, 3) + 3; k > 0; k--) {
                buf_printf(&text, " %s", NUMBERS[random_below(&random, 10)]);
            }
            buf_printf(&text, " %s\n", TEXTS[random_below(&random, 5)]);
        }
        struct label_layout parts;
        if (label_layout_parse(buf_str(&text), 80, 50, &parts, NULL) >= 0) {
            taken++;
            for (uint32_t i = 0; i < parts.count; i++) {
                assert_true(parts.parts[i].x >= 0 && parts.parts[i].y >= 0);
                assert_true(parts.parts[i].x + parts.parts[i].width <= 80.02);
                assert_true(parts.parts[i].y + parts.parts[i].height <= 50.02);
            }
        }
    }
    assert_true(taken > 200);
}

struct asked {
    struct label_about about;
    struct str design;
    struct arena *arena;
    struct label_facts facts;
    struct label_design found;
    struct lookup_wish wish;
    struct lookup meanings[LOOKUP_MAX];
    int count;
};

static int read_facts(struct ledger_tx *tx, void *context, struct err *err) {
    struct asked *asked = context;
    int rc = label_facts_read(tx, &asked->about, asked->arena, &asked->facts, err);
    return rc < 0 ? rc
                  : label_design_find(
                        tx, asked->about.kind, asked->design, asked->arena, &asked->found, err);
}

static const char *fact(const struct asked *asked, const char *name) {
    for (uint32_t i = 0; i < asked->facts.count; i++) {
        if (strcmp(asked->facts.all[i].name, name) == 0) {
            return asked->facts.all[i].value.data;
        }
    }
    return "?";
}

static void a_lot_says_what_it_is(void **state) {
    (void)state;
    place_sql(&shop.place, "UPDATE items SET gtin = '8801234567893' WHERE code = 'PELLET'");
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=25.5", "partner=ACME",
        "partner_lot=A77", "made=2023-11-01", NULL);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    struct asked asked = {.arena = &arena,
        .design = STR_NONE,
        .about = {.kind = LABEL_LOT, .code = STR("231114-001"), .quantity = STR_NONE}};
    assert_int_equal(ledger_read(shop.place.ledger, read_facts, &asked, &err), 0);
    assert_string_equal(fact(&asked, "name"), "Pellets");
    assert_string_equal(fact(&asked, "quantity"), "25.5");
    assert_string_equal(fact(&asked, "partner"), "Acme");
    assert_string_equal(fact(&asked, "made"), "2023-11-01");
    assert_string_equal(fact(&asked, "expires"), "2023-11-11");
    assert_string_equal(fact(&asked, "gs1"), "(01)08801234567893(17)231111(10)231114-001");
    assert_true(asked.found.built_in && str_eq(asked.found.code, STR("LOT")));
    asked.about.quantity = STR("5");
    asked.design = STR("LOT-GS1");
    assert_int_equal(ledger_read(shop.place.ledger, read_facts, &asked, &err), 0);
    assert_string_equal(fact(&asked, "quantity"), "5");
    asked.design = STR("PLACE");
    assert_int_equal(ledger_read(shop.place.ledger, read_facts, &asked, &err), -ERR_CONFLICT);
    asked.design = STR("NONE");
    assert_int_equal(ledger_read(shop.place.ledger, read_facts, &asked, &err), -ERR_NOT_FOUND);
    asked.about.code = STR("Z");
    assert_int_equal(ledger_read(shop.place.ledger, read_facts, &asked, &err), -ERR_NOT_FOUND);
}

/* A row with the code of a built-in label takes its place. */
static void rows_replace_built_in_labels(void **state) {
    (void)state;
    place_sql(&shop.place,
        "INSERT INTO labels (changed_ns, code, kind, name, width, height, layout, active, note)"
        " VALUES (0, 'PLACE', 'place', 'Ours', 40, 20, 'qr 1 1 18 {place}', 1, '')");
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    struct asked asked = {.arena = &arena,
        .design = STR_NONE,
        .about = {.kind = LABEL_PLACE, .code = STR("WH"), .quantity = STR_NONE}};
    assert_int_equal(ledger_read(shop.place.ledger, read_facts, &asked, &err), 0);
    assert_false(asked.found.built_in);
    assert_true(asked.found.width_mm < 41);
    assert_string_equal(fact(&asked, "place"), "WH");
}

static void parts_without_values_are_left_out(void **state) {
    (void)state;
    struct label_layout parts;
    struct label_facts facts = {.count = 2};
    facts.all[0].name = "lot";
    facts.all[0].value = STR("A1");
    facts.all[1].name = "gtin";
    facts.all[1].value = STR_NONE;
    static const struct {
        const char *layout;
        bool is_drawn;
        const char *text;
    } CASES[] = {{"text 0 0 9 3 {gtin}", false, NULL}, {"text 0 0 9 3 {lot} {gtin}", true, "A1 "},
        {"text 0 0 9 3 {=lot}", true, "lot"}, {"gs1-qr 0 0 9 (01){gtin}(10){lot}", false, NULL},
        {"gs1-qr 0 0 9 (10){lot}", true, "(10)A1"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_BUF struct buf text;
        buf_init(&text, 4096);
        assert_int_equal(label_layout_parse(str_of(CASES[i].layout), 80, 50, &parts, NULL), 0);
        assert_int_equal(label_fill(&parts.parts[0], &facts, LANG_EN, &text), CASES[i].is_drawn);
        if (CASES[i].is_drawn) {
            assert_string_equal(buf_z(&text), CASES[i].text);
        }
    }
}

static void add_printers(void) {
    place_sql(&shop.place,
        "INSERT INTO printers (number, changed_ns, code, name, address, dpi, release, copies,"
        " active, note) VALUES (1, 0, 'P1', 'P1', '127.0.0.1', 203, 'lot', 2, 1, ''),"
        " (2, 0, 'P2', 'P2', '127.0.0.1', 203, 'order', NULL, 1, ''),"
        " (3, 0, 'P3', 'P3', '127.0.0.1', 203, 'lot', NULL, 0, ''),"
        " (4, 0, 'P4', 'P4', '127.0.0.1', 203, 'none', NULL, 1, '')");
    place_sql(&shop.place,
        "INSERT INTO processes (number, changed_ns, code, name, kind, active, note) VALUES"
        " (1, 0, 'MOULD', 'Moulding', 'own', 1, '')");
    place_sql(&shop.place,
        "INSERT INTO routings (changed_ns, item, version, step, process, valid_from, valid_to,"
        " note) VALUES (0, 3, 1, 10, 1, '', '', '')");
}

static void labels_exist_before_the_work_starts(void **state) {
    (void)state;
    add_printers();
    SHOP_DONE(
        &shop, "order.make", "item=CASE", "quantity=100", "due=2023-11-20", "release=1", NULL);
    assert_int_equal(place_number(&shop.place, "SELECT count(*) FROM print_jobs"), 2);
    assert_int_equal(
        place_number(&shop.place, "SELECT count(*) FROM print_jobs j JOIN lots l ON l.code = j.code"
                                  " WHERE j.printer = 1 AND j.kind = 'lot' AND j.copies = 2"
                                  " AND j.state = 'waiting' AND l.state = 'planned'"),
        1);
    assert_int_equal(place_number(&shop.place,
                         "SELECT count(*) FROM print_jobs j JOIN work_orders w ON w.code = j.code"
                         " WHERE j.printer = 2 AND j.kind = 'order' AND j.copies = 1"),
        1);
    place_sql(&shop.place, "UPDATE printers SET workcentre = NULL, release = 'none'");
    SHOP_DONE(
        &shop, "order.make", "item=CASE", "quantity=100", "due=2023-11-20", "release=1", NULL);
    assert_int_equal(place_number(&shop.place, "SELECT count(*) FROM print_jobs"), 2);
}

static int read_meaning(struct ledger_tx *tx, void *context, struct err *err) {
    struct asked *asked = context;
    asked->count = lookup_code(tx, &asked->wish, asked->arena, asked->meanings, LOOKUP_MAX, err);
    return asked->count < 0 ? asked->count : 0;
}

static void means(const char *code, const char *gtin, const char *lot, const char *expected) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct asked asked = {
        .arena = &arena, .wish = {.code = str_of(code), .gtin = str_of(gtin), .lot = str_of(lot)}};
    struct err err = ERR_INIT;
    assert_int_equal(ledger_read(shop.place.ledger, read_meaning, &asked, &err), 0);
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    for (int i = 0; i < asked.count; i++) {
        buf_printf(&text, "%s%s:%s", i > 0 ? " " : "", asked.meanings[i].kind,
            asked.meanings[i].code.data);
    }
    assert_string_equal(buf_z(&text), expected);
}

static void scanned_codes_mean_what_is_here(void **state) {
    (void)state;
    add_printers();
    place_sql(&shop.place, "UPDATE items SET gtin = '8801234567893' WHERE code = 'PELLET'");
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=25", "partner=ACME",
        "partner_lot=A77", NULL);
    SHOP_DONE(&shop, "order.make", "item=CASE", "quantity=9", "due=2023-11-20", "release=1",
        "code=WO-1", NULL);
    means("231114-001", "", "", "lot:231114-001");
    means("WO-1", "", "", "lot:WO-1 order:WO-1");
    means("WO-1/10", "", "", "operation:WO-1/10");
    means("8801234567893", "8801234567893", "", "item:PELLET");
    means("(01)08801234567893(10)A77", "08801234567893", "A77", "lot:231114-001 item:PELLET");
    means("(01)08801234567893(10)A78", "08801234567893", "A78", "item:PELLET");
    means("press1", "", "", "machine:press1");
    means("900001", "", "", "worker:W1");
    means("WH", "", "", "place:WH");
    means("nobody", "", "", "");
    means("", "", "", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_layout_says_what_is_wrong_and_where),
        cmocka_unit_test(layouts_never_leave_the_label),
        cmocka_unit_test(parts_without_values_are_left_out),
        cmocka_unit_test_setup_teardown(a_lot_says_what_it_is, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(rows_replace_built_in_labels, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(labels_exist_before_the_work_starts, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(scanned_codes_mean_what_is_here, open_shop, close_shop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
