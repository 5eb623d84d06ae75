/*
 * Templates in the hub: of an organisation, not of a plant; a name stands once and what is under it
 * does not change; keeping and removing stand in the audit chain.
 */
#include "ledger/templates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/people.h"
#include "support_ledger.h"

static int enter_plants(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const struct str PLANTS[] = {{"p1", 2}, {"p2", 2}, {"q1", 2}};
    return hub_plants_enter(tx, PLANTS, 3, err);
}

static int found_company(struct ledger_tx *tx, void *context, struct err *err) {
    const struct organisation company = {
        .kind = STR("manufacturer"), .name = STR("Other"), .number = STR_NONE};
    return organisation_new(tx, &company, context, err);
}

/* p1 and p2 of the first organisation, q1 of another. */
static void open_hub(struct place *place) {
    char company[40];
    place_init(place, LEDGER_HUB);
    place_write(place, enter_plants, NULL);
    place_write(place, found_company, company);
    place_sql(place, "UPDATE plants SET organisation_id = (SELECT id FROM organisations WHERE name "
                     "= 'Other') WHERE id = 'q1'");
}

struct try {
    struct stored_template template;
    int64_t number;
    int status;
    int count;
};

static struct try try_of(const char *plant, const char *name, const char *body) {
    return (struct try){.template = {.name = str_of(name),
                            .note = STR("n"),
                            .devices = 1,
                            .tags = 2,
                            .body = str_of(body),
                            .plant = str_of(plant),
                            .actor = STR("u1"),
                            .author = STR("Kim")}};
}

static int keep(struct ledger_tx *tx, void *context, struct err *err) {
    struct try *try = context;
    try->status = templates_keep(tx, &try->template, &try->number, err);
    return 0; // A refusal wrote nothing.
}

static int look(struct ledger_tx *tx, void *context, struct err *err) {
    struct try *try = context;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct stored_template rows[4];
    struct stored_template one;
    try->count = templates_list(tx, try->template.plant, &arena, rows, 4, err);
    try->status = templates_get(tx, try->template.plant, try->number, &arena, &one, NULL);
    if (try->status == 0) {
        assert_true(str_eq(one.body, try->template.body));
        assert_true(str_eq(one.note, STR("n")));
        assert_int_equal(one.tags, 2);
    }
    return 0;
}

static int take_away(struct ledger_tx *tx, void *context, struct err *err) {
    struct try *try = context;
    try->status = templates_remove(tx, try->template.plant, try->number, STR("u2"), err);
    return 0;
}

static void a_template_is_seen_in_all_plants_of_its_organisation_and_no_other(void **state) {
    (void)state;
    struct place place;
    open_hub(&place);
    struct try mine = try_of("p1", "Press", "{}");
    place_write(&place, keep, &mine);
    assert_int_equal(mine.status, 0);
    static const struct {
        const char *plant;
        int count;
        int status;
    } CASES[] = {{"p1", 1, 0}, {"p2", 1, 0}, {"q1", 0, -ERR_NOT_FOUND}, {"no", 0, -ERR_NOT_FOUND}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct try seen = try_of(CASES[i].plant, "Press", "{}");
        seen.number = mine.number;
        place_read(&place, look, &seen);
        assert_int_equal(seen.count, CASES[i].count);
        assert_int_equal(seen.status, CASES[i].status);
    }
    struct try theirs = try_of("q1", "Press", "{\"other\":1}");
    theirs.number = mine.number;
    place_write(&place, take_away, &theirs);
    assert_int_equal(theirs.status, -ERR_NOT_FOUND);
    place_write(&place, keep, &theirs); // Their own of the same name.
    assert_int_equal(theirs.status, 0);
    assert_int_not_equal(theirs.number, mine.number);
    place_fini(&place);
}

static void a_name_keeps_its_content(void **state) {
    (void)state;
    struct place place;
    open_hub(&place);
    struct try first = try_of("p1", "Press", "{}");
    struct try again = try_of("p2", "Press", "{}");
    struct try other = try_of("p1", "Press", "{\"x\":1}");
    struct try nameless = try_of("p1", " ", "{}");
    struct try nowhere = try_of("p9", "Press", "{}");
    place_write(&place, keep, &first);
    place_write(&place, keep, &again);
    assert_int_equal(again.status, 0);
    assert_int_equal(again.number, first.number);
    place_write(&place, keep, &other);
    assert_int_equal(other.status, -ERR_CONFLICT);
    place_write(&place, keep, &nameless);
    assert_int_equal(nameless.status, -ERR_INVALID);
    place_write(&place, keep, &nowhere);
    assert_int_equal(nowhere.status, -ERR_NOT_FOUND);
    assert_int_equal(
        place_number(&place, "SELECT count(*) FROM audit WHERE action LIKE 'template.%'"), 1);
    place_write(&place, take_away, &first);
    assert_int_equal(first.status, 0);
    assert_int_equal(
        place_number(&place, "SELECT count(*) FROM audit WHERE action = 'template.remove'"), 1);
    place_write(&place, keep, &other);
    assert_int_equal(other.status, 0);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_is_seen_in_all_plants_of_its_organisation_and_no_other),
        cmocka_unit_test(a_name_keeps_its_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
