/* Master data: nouns and tables agree, rows keep one spelling, faults are told with noun and field,
 * and what holds over several rows is found. */
#include "production/master.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/ledger/support_ledger.h"

struct put {
    enum noun_id noun;
    const char *fields; // name=value, one a line.
    int64_t number;     // Of the row to change; the row that came of it.
    bool changed;
    bool save; // With all that holds over several rows.
};

static struct place place;
static struct err fault;

static int open_place(void **state) {
    (void)state;
    place_init(&place, LEDGER_PLANT);
    return 0;
}

static int close_place(void **state) {
    (void)state;
    place_fini(&place);
    return 0;
}

static void row_of(enum noun_id noun, const char *fields, struct master_row *row) {
    struct str rest = str_of(fields);
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        struct str name = str_cut(&line, '=');
        int at = noun_field_of_name(noun, name);
        if (at < 0) {
            fail_msg("%s has no field %.*s", noun_name(noun), STR_ARG(name));
        }
        row->fields[at] = line;
    }
}

static int run_put(struct ledger_tx *tx, void *context, struct err *err) {
    struct put *put = context;
    struct master_row row = {.number = put->number};
    row_of(put->noun, put->fields, &row);
    return put->save
               ? master_save(tx, put->noun, &row, STR("kim"), &put->number, &put->changed, err)
               : master_put(tx, put->noun, &row, STR("kim"), &put->number, &put->changed, err);
}

static int try_put(struct put *put) {
    fault = ERR_INIT;
    return ledger_write(place.ledger, run_put, put, &fault);
}

static void say_fault(enum lang lang, struct buf *words) {
    buf_init(words, 4096);
    err_render(&fault, lang, words);
}

/* The number of the row. */
static int64_t put_row(enum noun_id noun, const char *fields) {
    struct put put = {.noun = noun, .fields = fields, .save = true};
    if (try_put(&put) < 0) {
        AUTO_BUF struct buf words;
        say_fault(LANG_EN, &words);
        fail_msg("%s: %s", fields, buf_z(&words));
    }
    return put.number;
}

static int save_row(enum noun_id noun, const char *fields) {
    struct put put = {.noun = noun, .fields = fields, .save = true};
    return try_put(&put);
}

static bool fault_says(const char *text) {
    AUTO_BUF struct buf words;
    say_fault(LANG_EN, &words);
    bool says = strstr(buf_z(&words), text) != NULL;
    if (!says) {
        print_error("%s\n", buf_z(&words));
    }
    return says;
}

struct get {
    enum noun_id noun;
    int64_t number;
    const char *field;
    char text[1200];
};

static int run_get(struct ledger_tx *tx, void *context, struct err *err) {
    struct get *get = context;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct master_row row;
    int status = master_get(tx, get->noun, get->number, &arena, &row, err);
    if (status >= 0) {
        int at = noun_field_of_name(get->noun, str_of(get->field));
        (void)str_copy_z(row.fields[at], get->text, sizeof get->text);
    }
    return status;
}

static const char *field_text(enum noun_id noun, int64_t number, const char *field) {
    static struct get get;
    get = (struct get){.noun = noun, .number = number, .field = field};
    place_read(&place, run_get, &get);
    return get.text;
}

/* ---- Nouns ---- */

static int compare_columns(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const ENDINGS[] = {[FIELD_KIND_QUANTITY] = "_u",
        [FIELD_KIND_MONEY] = "_u",
        [FIELD_KIND_SECONDS] = "_ns",
        [FIELD_KIND_GTIN] = NULL};
    for (enum noun_id noun = 0; noun < NOUN_COUNT; noun++) {
        struct ledger_stmt *stmt = NULL;
        assert_int_equal(ledger_prepare(tx,
                             "SELECT name, \"notnull\", type FROM pragma_table_info(?1)"
                             " ORDER BY cid LIMIT 100 OFFSET 2",
                             &stmt, err),
            0);
        ledger_bind_str(stmt, 1, str_of(noun_name(noun)));
        uint32_t i = 0;
        for (; ledger_step(stmt, err) > 0; i++) {
            const struct field *field = noun_field(noun, i);
            char column[64];
            (void)str_copy_z(ledger_column_str(stmt, 0), column, sizeof column);
            if (field == NULL) {
                fail_msg("%s.%s is no field", noun_name(noun), column);
            }
            char wanted[64] = "";
            const char *ending = ENDINGS[field->kind] != NULL ? ENDINGS[field->kind] : "";
            (void)snprintf(wanted, sizeof wanted, "%s%s", field->name, ending);
            assert_string_equal(column, wanted);
            bool is_text = str_eq(ledger_column_str(stmt, 2), STR("TEXT"));
            bool must = field->need == FIELD_KEY || field->need == FIELD_NEEDED || is_text;
            if (must != (ledger_column_i64(stmt, 1) == 1)) {
                fail_msg("%s.%s: NULL", noun_name(noun), column);
            }
        }
        assert_int_equal(i, noun_field_count(noun));
        assert_true(i <= NOUN_FIELDS_MAX);
    }
    return 0;
}

static void fields_are_the_columns_of_their_tables(void **state) {
    (void)state;
    place_read(&place, compare_columns, NULL);
}

static void words_name_one_field_each(void **state) {
    (void)state;
    for (enum noun_id noun = 0; noun < NOUN_COUNT; noun++) {
        enum noun_id found = NOUN_COUNT;
        assert_true(noun_of_name(str_of(noun_name(noun)), &found) && found == noun);
        for (uint32_t i = 0; i < noun_field_count(noun); i++) {
            const struct field *field = noun_field(noun, i);
            for (int lang = 0; lang < 2; lang++) {
                AUTO_BUF struct buf words;
                buf_init(&words, 256);
                msg_render(field->words, NO_ARGS, (enum lang)lang, &words);
                if (noun_field_of_name(noun, buf_str(&words)) != (int)i) {
                    fail_msg("%s: \"%s\" names two fields", noun_name(noun), buf_z(&words));
                }
            }
            struct str rest = field->kind == FIELD_KIND_CHOICE ? str_of(field->more) : STR_NONE;
            while (rest.size > 0) {
                struct str choice = str_cut(&rest, '|');
                if (choice_words(choice) == MSG_NONE) {
                    fail_msg("the choice %.*s has no words", STR_ARG(choice));
                }
            }
            assert_true(field->kind != FIELD_KIND_REF || noun_of_name(str_of(field->more), &found));
        }
    }
}

/* ---- Rows ---- */

/* */
static void a_row_is_stored_once_and_changed_by_its_key(void **state) {
    (void)state;
    struct put put = {.noun = NOUN_ITEMS,
        .fields = "code=A-1\nname=사출 케이스\ncost=1,250.50\nlots=예\nkind=반제품"};
    assert_int_equal(try_put(&put), 0);
    assert_true(put.changed);
    int64_t number = put.number;
    assert_string_equal(field_text(NOUN_ITEMS, number, "cost"), "1250.5");
    assert_string_equal(field_text(NOUN_ITEMS, number, "kind"), "semi");
    assert_string_equal(field_text(NOUN_ITEMS, number, "unit"), "EA");
    assert_string_equal(field_text(NOUN_ITEMS, number, "active"), "1");
    assert_string_equal(field_text(NOUN_ITEMS, number, "safety"), "");
    put.number = 0;
    assert_int_equal(try_put(&put), 0);
    assert_false(put.changed);
    assert_true(put.number == number);
    put.number = 0;
    put.fields = "code=A-1\nname=다른 이름";
    assert_int_equal(try_put(&put), 0);
    assert_true(put.changed && put.number == number);
    assert_string_equal(field_text(NOUN_ITEMS, number, "cost"), "");
    put.fields = "code=A-2\nname=다른 이름"; // The row, with another key.
    assert_int_equal(try_put(&put), 0);
    assert_true(put.number == number);
    assert_string_equal(field_text(NOUN_ITEMS, number, "code"), "A-2");
    struct put other = {.noun = NOUN_ITEMS, .fields = "code=A-3\nname=x"};
    assert_int_equal(try_put(&other), 0);
    other.fields = "code=A-2\nname=x";
    assert_int_equal(try_put(&other), -ERR_EXISTS);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM items"), 2);
    assert_int_equal(
        place_number(&place, "SELECT count(*) FROM audit WHERE action = 'items.put'"), 4);
}

static void spellings_become_one(void **state) {
    (void)state;
    (void)put_row(NOUN_CALENDARS, "code=C\nname=기본");
    static const struct {
        enum noun_id noun;
        const char *field;
        const char *fields; // With the field at its end.
        const char *kept;
    } CASES[] = {{NOUN_ITEMS, "code", "name=x\ncode= 00123 ", "00123"},
        {NOUN_ITEMS, "code", "name=x\ncode=8801234567893", "8801234567893"},
        {NOUN_ITEMS, "code", "name=x\ncode=\xe1\x84\x89\xe1\x85\xa1-1", "사-1"},
        {NOUN_ITEMS, "name", "code=n1\nname=\xe3\x80\x80케이스\xc2\xa0", "케이스"},
        {NOUN_ITEMS, "gtin", "code=g1\nname=x\ngtin=8801234567893", "8801234567893"},
        {NOUN_ITEMS, "gtin", "code=g2\nname=x\ngtin=0 36000-29145 2", "036000291452"},
        {NOUN_ITEMS, "gtin", "code=g3\nname=x\ngtin=96385074", "96385074"},
        {NOUN_ITEMS, "lots", "code=f1\nname=x\nlots=아니오", "0"},
        {NOUN_ITEMS, "safety", "code=q1\nname=x\nsafety=１,０００.５０", "1000.5"},
        {NOUN_ITEMS, "lead_days", "code=q2\nname=x\nlead_days=14.0", "14"},
        {NOUN_PARTNERS, "business_number", "code=p1\nname=x\nbusiness_number=2208162517",
            "220-81-62517"},
        {NOUN_PARTNERS, "kind", "code=p2\nname=x\nkind=외주처", "outsourcer"},
        {NOUN_PARTNERS, "kind", "code=p3\nname=x\nkind=Customer", "customer"},
        {NOUN_MOULDS, "bought", "code=m1\nname=x\nbought=2025. 3. 7.", "2025-03-07"},
        {NOUN_MOULDS, "bought", "code=m2\nname=x\nbought=20250307", "2025-03-07"},
        {NOUN_MOULDS, "bought", "code=m3\nname=x\nbought=2024/02/29 00:00:00", "2024-02-29"},
        {NOUN_MOULDS, "cycle", "code=m4\nname=x\ncycle=0.000000001", "0.000000001"},
        {NOUN_SHIFTS, "weekdays",
            "calendar=C\ncode=s1\nname=x\nbegin_clock=8:00\nend_clock=17:00\n"
            "weekdays=금월화",
            "125"},
        {NOUN_SHIFTS, "breaks",
            "calendar=C\ncode=s2\nname=x\nbegin_clock=20:00\nend_clock=05:00\n"
            "breaks=23:30~00:30, 3:00-3:10",
            "23:30-00:30 03:00-03:10"},
        {NOUN_SHIFTS, "begin_clock",
            "calendar=C\ncode=s3\nname=x\nend_clock=19:00\n"
            "begin_clock=17:30:00",
            "17:30"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t number = put_row(CASES[i].noun, CASES[i].fields);
        assert_string_equal(field_text(CASES[i].noun, number, CASES[i].field), CASES[i].kept);
        struct put again = {.noun = CASES[i].noun, .fields = CASES[i].fields};
        assert_int_equal(try_put(&again), 0);
        assert_false(again.changed);
    }
}

/* The words of a noun or field in a language stand in the sentence. */
static void assert_named(enum msg_id id, enum lang lang) {
    AUTO_BUF struct buf words;
    AUTO_BUF struct buf name;
    say_fault(lang, &words);
    buf_init(&name, 256);
    msg_render(id, NO_ARGS, lang, &name);
    if (strstr(buf_z(&words), buf_z(&name)) == NULL) {
        fail_msg("\"%s\" does not name %s", buf_z(&words), buf_z(&name));
    }
}

static const struct bad {
    enum noun_id noun;
    const char *field;
    const char *fields;
} BAD[] = {{NOUN_ITEMS, "code", "name=x"}, {NOUN_ITEMS, "name", "code=x"},
    {NOUN_ITEMS, "code", "name=x\ncode=a\x01"}, {NOUN_ITEMS, "code", "name=x\ncode=\xff"},
    {NOUN_ITEMS, "code",
        "name=x\ncode=0123456789012345678901234567890123456789012345678901234567890123456789"},
    {NOUN_ITEMS, "kind", "code=x\nname=x\nkind=thing"},
    {NOUN_ITEMS, "lots", "code=x\nname=x\nlots=perhaps"},
    {NOUN_ITEMS, "gtin", "code=x\nname=x\ngtin=8801234567894"},
    {NOUN_ITEMS, "gtin", "code=x\nname=x\ngtin=880123456789"},
    {NOUN_ITEMS, "safety", "code=x\nname=x\nsafety=-1"},
    {NOUN_ITEMS, "safety", "code=x\nname=x\nsafety=0.0000001"},
    {NOUN_ITEMS, "cost", "code=x\nname=x\ncost=9000000000001"},
    {NOUN_ITEMS, "lot_size", "code=x\nname=x\nlot_size=0"},
    {NOUN_ITEMS, "lead_days", "code=x\nname=x\nlead_days=1.5"},
    {NOUN_ITEMS, "shelf_days", "code=x\nname=x\nshelf_days=0"},
    {NOUN_ITEMS, "place", "code=x\nname=x\nplace=nowhere"},
    {NOUN_PARTNERS, "business_number", "code=x\nname=x\nbusiness_number=220-81-62518"},
    {NOUN_PARTNERS, "business_number", "code=x\nname=x\nbusiness_number=22081625"},
    {NOUN_MOULDS, "bought", "code=x\nname=x\nbought=2025-02-29"},
    {NOUN_MOULDS, "bought", "code=x\nname=x\nbought=25-01-31"},
    {NOUN_MOULDS, "cavities", "code=x\nname=x\ncavities=0"},
    {NOUN_MOULDS, "cavities_open", "code=x\nname=x\ncavities=4\ncavities_open=5"},
    {NOUN_MOULDS, "cycle", "code=x\nname=x\ncycle=31536001"},
    {NOUN_CALENDARS, "day_start", "code=x\nname=x\nday_start=8"},
    {NOUN_CALENDARS, "day_start", "code=x\nname=x\nday_start=24:01"},
    {NOUN_SHIFTS, "weekdays",
        "calendar=C\ncode=x\nname=x\nbegin_clock=08:00\nend_clock=17:00\nweekdays=1128"},
    {NOUN_SHIFTS, "breaks",
        "calendar=C\ncode=x\nname=x\nbegin_clock=08:00\nend_clock=17:00\nbreaks=noon"},
    {NOUN_SHIFTS, "breaks",
        "calendar=C\ncode=x\nname=x\nbegin_clock=08:00\nend_clock=17:00\nbreaks=16:50-17:10"},
    {NOUN_SHIFTS, "breaks",
        "calendar=C\ncode=x\nname=x\nbegin_clock=08:00\nend_clock=17:00\nbreaks=12:00-13:00 "
        "12:30-13:30"},
    {NOUN_DAYS, "weekday", "calendar=C\nday=2026-01-01\nkind=open"},
    {NOUN_DAYS, "weekday", "calendar=C\nday=2026-01-01\nkind=closed\nweekday=1"},
    {NOUN_BOMS, "component", "item=A\nline=1\ncomponent=Z\nquantity=1"},
    {NOUN_BOMS, "quantity", "item=A\nline=1\ncomponent=A\nquantity=0"},
    {NOUN_BOMS, "valid_to",
        "item=A\nline=1\ncomponent=A\nquantity=1\nvalid_from=2026-01-02\nvalid_to=2026-01-02"},
    {NOUN_INSPECTIONS, "lower", "item=A\nkind=final\nline=1\nname=x\nlower=2\nupper=1"},
    {NOUN_INSPECTIONS, "nominal", "item=A\nkind=final\nline=1\nname=x\nnominal=nan"},
    {NOUN_WORKERS, "workcentre", "code=x\nname=x\nworkcentre=none"},
    {NOUN_MACHINES, "asset", "asset=none"}};

/* R-027 R-028 */
static void each_fault_names_noun_and_field_in_both_languages(void **state) {
    (void)state;
    (void)put_row(NOUN_CALENDARS, "code=C\nname=x");
    (void)put_row(NOUN_ITEMS, "code=A\nname=x");
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct put put = {.noun = BAD[i].noun, .fields = BAD[i].fields};
        if (try_put(&put) >= 0) {
            fail_msg("taken: %s", BAD[i].fields);
        }
        const struct field *field = master_fault_field(BAD[i].noun, &fault);
        if (field == NULL || strcmp(field->name, BAD[i].field) != 0) {
            assert_true(fault_says(BAD[i].field));
            fail_msg(
                "%s: the fault is said of %s", BAD[i].fields, field != NULL ? field->name : "none");
        }
        for (int lang = 0; lang < 2; lang++) {
            assert_named(field->words, (enum lang)lang);
            assert_named(noun_words(BAD[i].noun), (enum lang)lang);
        }
    }
    assert_int_equal(place_number(&place, "SELECT count(*) FROM items"), 1);
}

static int remove_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct get *get = context;
    return master_remove(tx, get->noun, get->number, STR("kim"), err);
}

static int try_remove(enum noun_id noun, int64_t number) {
    struct get get = {.noun = noun, .number = number};
    fault = ERR_INIT;
    return ledger_write(place.ledger, remove_row, &get, &fault);
}

static void what_is_used_stays(void **state) {
    (void)state;
    int64_t a = put_row(NOUN_ITEMS, "code=A\nname=x");
    int64_t b = put_row(NOUN_ITEMS, "code=B\nname=x");
    int64_t line = put_row(NOUN_BOMS, "item=A\nline=1\ncomponent=B\nquantity=2");
    assert_int_equal(try_remove(NOUN_ITEMS, b), -ERR_CONFLICT);
    assert_true(fault_says("bills of material: \"B\""));
    assert_int_equal(try_remove(NOUN_BOMS, line), 0);
    assert_int_equal(try_remove(NOUN_ITEMS, b), 0);
    assert_int_equal(try_remove(NOUN_ITEMS, b), -ERR_NOT_FOUND);
    place_sql(&place, "INSERT INTO lots (code, item, state, partner_lot, expires, hold, note,"
                      " created_ns, actor) SELECT 'L1', number, 'open', '', '', '', '', 0, 'kim'"
                      " FROM items WHERE code = 'A'");
    assert_int_equal(try_remove(NOUN_ITEMS, a), -ERR_CONFLICT);
    assert_true(fault_says("orders, lots or stock: \"A\""));
    assert_int_equal(
        place_number(&place, "SELECT count(*) FROM audit WHERE action LIKE '%.remove'"), 2);
}

static void a_scanned_code_means_one_row(void **state) {
    (void)state;
    (void)put_row(NOUN_WORKERS, "code=W1\nname=김\nbadge=900001");
    assert_int_equal(save_row(NOUN_WORKERS, "code=W2\nname=이\nbadge=900001"), -ERR_EXISTS);
    (void)put_row(NOUN_WORKERS, "code=W2\nname=이");
    (void)put_row(NOUN_WORKERS, "code=W3\nname=박");
    (void)put_row(NOUN_ITEMS, "code=A\nname=x\ngtin=8801234567893");
    assert_int_equal(save_row(NOUN_ITEMS, "code=B\nname=x\ngtin=8801234567893"), -ERR_EXISTS);
}

/* ---- Several rows ---- */

static void a_circle_is_shown(void **state) {
    (void)state;
    (void)put_row(NOUN_ITEMS, "code=A\nname=x");
    (void)put_row(NOUN_ITEMS, "code=B\nname=x");
    (void)put_row(NOUN_ITEMS, "code=C\nname=x");
    (void)put_row(NOUN_BOMS, "item=A\nline=1\ncomponent=B\nquantity=1");
    (void)put_row(NOUN_BOMS, "item=B\nline=1\ncomponent=C\nquantity=1");
    assert_int_equal(save_row(NOUN_BOMS, "item=C\nline=1\ncomponent=A\nquantity=1"), -ERR_CONFLICT);
    assert_true(fault_says("A > B > C > A"));
    assert_int_equal(save_row(NOUN_BOMS, "item=C\nline=1\ncomponent=C\nquantity=1"), -ERR_CONFLICT);
    assert_true(fault_says("C > C"));
    assert_int_equal(place_number(&place, "SELECT count(*) FROM boms"), 2);
    (void)put_row(NOUN_REASONS, "code=R1\nname=x\nkind=stop");
    (void)put_row(NOUN_REASONS, "code=R2\nname=x\nkind=stop\nparent=R1");
    assert_int_equal(
        save_row(NOUN_REASONS, "code=R1\nname=x\nkind=stop\nparent=R2"), -ERR_CONFLICT);
    assert_int_equal(
        save_row(NOUN_REASONS, "code=R3\nname=x\nkind=defect\nparent=R1"), -ERR_CONFLICT);
}

enum { GRAPH_ITEMS = 7 };

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* Whether a line from `to` back to `from` is there already, by the closure of all lines. */
static bool leads(bool lines[GRAPH_ITEMS][GRAPH_ITEMS], uint32_t from, uint32_t to) {
    bool closure[GRAPH_ITEMS][GRAPH_ITEMS];
    memcpy(closure, lines, sizeof closure);
    for (uint32_t k = 0; k < GRAPH_ITEMS; k++) {
        for (uint32_t i = 0; i < GRAPH_ITEMS; i++) {
            for (uint32_t j = 0; j < GRAPH_ITEMS; j++) {
                closure[i][j] = closure[i][j] || (closure[i][k] && closure[k][j]);
            }
        }
    }
    return from == to || closure[from][to];
}

static void random_bills_are_refused_exactly_when_they_go_round(void **state) {
    (void)state;
    char fields[96];
    uint32_t random = 7;
    uint32_t refused = 0;
    for (uint32_t i = 0; i < GRAPH_ITEMS; i++) {
        (void)snprintf(fields, sizeof fields, "code=I%u\nname=x", i);
        (void)put_row(NOUN_ITEMS, fields);
    }
    for (uint32_t round = 0; round < 12; round++) {
        bool lines[GRAPH_ITEMS][GRAPH_ITEMS] = {{false}};
        place_sql(&place, "DELETE FROM boms");
        for (uint32_t n = 0; n < 18; n++) {
            uint32_t from = next_random(&random) % GRAPH_ITEMS;
            uint32_t to = next_random(&random) % GRAPH_ITEMS;
            bool goes_round = leads(lines, to, from);
            (void)snprintf(fields, sizeof fields, "item=I%u\nline=%u\ncomponent=I%u\nquantity=1",
                from, n + 1, to);
            int status = save_row(NOUN_BOMS, fields);
            assert_int_equal(status, goes_round ? -ERR_CONFLICT : 0);
            lines[from][to] = lines[from][to] || !goes_round;
            refused += goes_round;
        }
    }
    assert_true(refused > 20);
}

static void versions_hold_one_after_the_other(void **state) {
    (void)state;
    (void)put_row(NOUN_ITEMS, "code=A\nname=x");
    (void)put_row(NOUN_ITEMS, "code=B\nname=x");
    int64_t first = put_row(NOUN_BOMS, "item=A\nline=1\ncomponent=B\nquantity=1");
    int64_t second = put_row(NOUN_BOMS, "item=A\nline=2\ncomponent=B\nquantity=2");
    assert_int_equal(
        save_row(NOUN_BOMS, "item=A\nversion=2\nline=1\ncomponent=B\nquantity=1"), -ERR_CONFLICT);
    assert_true(fault_says("versions 1 and 2 of A"));
    (void)put_row(NOUN_BOMS, "item=A\nline=1\ncomponent=B\nquantity=1\nvalid_to=2026-07-01");
    assert_string_equal(field_text(NOUN_BOMS, second, "valid_to"), "2026-07-01"); // With its line.
    assert_string_equal(field_text(NOUN_BOMS, first, "valid_to"), "2026-07-01");
    assert_int_equal(save_row(NOUN_BOMS, "item=A\nversion=2\nline=1\ncomponent=B\nquantity=1\n"
                                         "valid_from=2026-06-30"),
        -ERR_CONFLICT);
    (void)put_row(NOUN_BOMS, "item=A\nversion=2\nline=1\ncomponent=B\nquantity=1\n"
                             "valid_from=2026-07-01");
}

static void shifts_do_not_overlap(void **state) {
    (void)state;
    (void)put_row(NOUN_CALENDARS, "code=C\nname=x\nday_start=08:00");
    (void)put_row(NOUN_SHIFTS, "calendar=C\ncode=D\nname=주간\nweekdays=1234567\n"
                               "begin_clock=08:00\nend_clock=20:00\nbreaks=12:00-13:00");
    (void)put_row(NOUN_SHIFTS, "calendar=C\ncode=N\nname=야간\nweekdays=1234567\n"
                               "begin_clock=20:00\nend_clock=08:00\nbreaks=00:00-01:00");
    assert_int_equal(save_row(NOUN_SHIFTS, "calendar=C\ncode=X\nname=x\nweekdays=1\n"
                                           "begin_clock=07:00\nend_clock=07:30"),
        -ERR_CONFLICT);
    assert_true(fault_says("N and X of the calendar C")); // Sunday's night is Monday's morning.
    assert_int_equal(save_row(NOUN_SHIFTS, "calendar=C\ncode=D\nname=주간\nweekdays=1234567\n"
                                           "begin_clock=08:00\nend_clock=20:01"),
        -ERR_CONFLICT);
    (void)put_row(NOUN_CALENDARS, "code=E\nname=x"); // Another calendar's do not meet.
    (void)put_row(NOUN_SHIFTS, "calendar=E\ncode=D\nname=x\nbegin_clock=08:00\nend_clock=17:00");
}

/* ---- Finding ---- */

struct find {
    const char *search;
    bool only_active;
    uint32_t count;
    char first[65];
};

static int run_find(struct ledger_tx *tx, void *context, struct err *err) {
    struct find *find = context;
    struct master_row rows[8];
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct master_query query = {.search = str_of(find->search), .only_active = find->only_active};
    int count = 0;
    find->count = 0;
    while ((count = master_list(tx, NOUN_ITEMS, &query, &arena, rows, 2, err)) > 0) {
        if (find->count == 0) {
            (void)str_copy_z(rows[0].fields[0], find->first, sizeof find->first);
        }
        find->count += (uint32_t)count;
        query.after = rows[count - 1].number;
    }
    return count;
}

static void initial_consonants_find(void **state) {
    (void)state;
    (void)put_row(NOUN_ITEMS, "code=A-1\nname=사출 케이스");
    (void)put_row(NOUN_ITEMS, "code=A-2\nname=프레스 커버\nactive=0");
    (void)put_row(NOUN_ITEMS, "code=A-3\nname=사출 커버\nspec=ABS");
    static const struct find CASES[] = {{"ㅅㅊ", false, 2, "A-1"}, {"ㅋㅂ", false, 2, "A-2"},
        {"ㅋㅂ", true, 1, "A-3"}, {"abs", false, 1, "A-3"}, {"a-", false, 3, "A-1"},
        {"", false, 3, "A-1"}, {"ㅎㅎ", false, 0, ""}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct find find = CASES[i];
        find.first[0] = '\0';
        place_read(&place, run_find, &find);
        assert_int_equal(find.count, CASES[i].count);
        assert_string_equal(find.first, CASES[i].first);
    }
}

static void prices_are_told_apart_by_partner_and_day(void **state) {
    (void)state;
    (void)put_row(NOUN_ITEMS, "code=A\nname=x");
    (void)put_row(NOUN_PARTNERS, "code=P\nname=x");
    int64_t all = put_row(NOUN_PRICES, "item=A\nkind=판매\nprice=100");
    int64_t one = put_row(NOUN_PRICES, "item=A\nkind=sell\npartner=P\nprice=90");
    int64_t later = put_row(NOUN_PRICES, "item=A\nkind=sell\nvalid_from=2027-01-01\nprice=110");
    assert_true(all != one && one != later && all != later);
    assert_true(put_row(NOUN_PRICES, "item=A\nkind=sell\nprice=101") == all);
    assert_string_equal(field_text(NOUN_PRICES, all, "price"), "101");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(fields_are_the_columns_of_their_tables),
        TEST(words_name_one_field_each), TEST(a_row_is_stored_once_and_changed_by_its_key),
        TEST(spellings_become_one), TEST(each_fault_names_noun_and_field_in_both_languages),
        TEST(what_is_used_stays), TEST(a_scanned_code_means_one_row), TEST(a_circle_is_shown),
        TEST(random_bills_are_refused_exactly_when_they_go_round),
        TEST(versions_hold_one_after_the_other), TEST(shifts_do_not_overlap),
        TEST(initial_consonants_find), TEST(prices_are_told_apart_by_partner_and_day)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
