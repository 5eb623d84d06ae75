/*
 * Notes beside the curves: they come back as they were written, by range and tag; what cannot be
 * meant is refused; what was removed stands in the audit chain; a number is never given twice.
 */
#include "ledger/annotations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "support_ledger.h"

static struct annotation note_of(int64_t begin_ns, int64_t end_ns, const char *text) {
    return (struct annotation){.begin_ns = begin_ns,
        .end_ns = end_ns,
        .text = str_of(text),
        .actor = STR("u1"),
        .author = STR("Kim")};
}

struct entering {
    struct annotation note;
    int64_t number;
    int status;
};

static int enter(struct ledger_tx *tx, void *context, struct err *err) {
    struct entering *entering = context;
    entering->status = annotation_enter(tx, &entering->note, &entering->number, err);
    return entering->status;
}

static int64_t enter_one(struct place *place, struct annotation note) {
    struct entering entering = {.note = note};
    place_write(place, enter, &entering);
    return entering.number;
}

static int add_tag(struct ledger_tx *tx, void *context, struct err *err) {
    bool changed = false;
    struct tag tag = tag_of("press.temp");
    return tag_put(tx, &tag, context, &changed, err);
}

static int take_away(struct ledger_tx *tx, void *context, struct err *err) {
    return annotation_remove(tx, *(int64_t *)context, STR("u2"), err);
}

struct listed {
    struct annotation_query query;
    struct annotation rows[10];
    struct arena arena;
    int count;
};

static int list(struct ledger_tx *tx, void *context, struct err *err) {
    struct listed *listed = context;
    listed->count = annotation_list(tx, &listed->query, &listed->arena, listed->rows, 10, err);
    return listed->count < 0 ? listed->count : 0;
}

static int count_of(struct place *place, int64_t from_ns, int64_t to_ns, uint32_t tag) {
    struct listed listed = {
        .query = {.from_ns = from_ns, .to_ns = to_ns, .tag = tag, .before = INT64_MAX}};
    arena_init(&listed.arena, 0);
    place_read(place, list, &listed);
    arena_fini(&listed.arena);
    return listed.count;
}

static void notes_come_back_by_range_and_tag(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    uint32_t tag = 0;
    place_write(&place, add_tag, &tag);
    struct annotation note = note_of(100, 200, "mould changed");
    note.tag = tag;
    (void)enter_one(&place, note);
    (void)enter_one(&place, note_of(150, 150, "power cut"));
    place_reopen(&place);
    assert_int_equal(count_of(&place, 0, 1000, 0), 2);
    assert_int_equal(count_of(&place, 0, 1000, tag), 2);
    assert_int_equal(count_of(&place, 0, 1000, tag + 1), 1); // Of the plant.
    assert_int_equal(count_of(&place, 200, 1000, 0), 1);     // The last moment belongs to it,
    assert_int_equal(count_of(&place, 201, 1000, 0), 0);
    assert_int_equal(count_of(&place, 0, 100, 0), 0); // the end of the range does not.
    assert_int_equal(count_of(&place, 0, 101, 0), 1);
    struct listed listed = {.query = {.from_ns = 0, .to_ns = 1000, .before = INT64_MAX}};
    arena_init(&listed.arena, 0);
    place_read(&place, list, &listed);
    assert_true(str_eq(listed.rows[0].text, STR("power cut")));
    assert_int_equal(listed.rows[0].tag, 0);
    assert_true(str_eq(listed.rows[1].text, STR("mould changed")));
    assert_true(str_eq(listed.rows[1].author, STR("Kim")));
    assert_int_equal(listed.rows[1].tag, tag);
    assert_int_equal(listed.rows[1].entered_ns, PLACE_START_S * NS_PER_S);
    arena_fini(&listed.arena);
    place_fini(&place);
}

static void what_cannot_be_meant_is_refused_and_not_stored(void **state) {
    (void)state;
    static char longest[ANNOTATION_TEXT_MAX + 2];
    memset(longest, 'a', ANNOTATION_TEXT_MAX + 1);
    struct place place;
    place_init(&place, LEDGER_PLANT);
    const struct annotation bad[] = {note_of(1, 1, ""), note_of(1, 1, "  "), note_of(2, 1, "x"),
        note_of(1, 1, "two\nlines"), note_of(1, 1, "\xff"), note_of(1, 1, longest)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct entering entering = {.note = bad[i]};
        struct err err = {0};
        assert_true(ledger_write(place.ledger, enter, &entering, &err) < 0);
        assert_int_equal(entering.status, -ERR_INVALID);
    }
    longest[ANNOTATION_TEXT_MAX] = '\0';
    (void)enter_one(&place, note_of(1, 1, longest));
    assert_int_equal(place_number(&place, "SELECT count(*) FROM annotations"), 1);
    place_fini(&place);
}

static void a_removed_note_stays_in_the_chain_and_its_number_is_spent(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    int64_t first = enter_one(&place, note_of(5, 5, "wrong"));
    int64_t entries = place_number(&place, "SELECT count(*) FROM audit");
    place_write(&place, take_away, &first);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM annotations"), 0);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM audit"), entries + 1);
    struct err err = {0};
    assert_int_equal(ledger_write(place.ledger, take_away, &first, &err), -ERR_NOT_FOUND);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM audit"), entries + 1);
    assert_true(enter_one(&place, note_of(5, 5, "right")) > first);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_come_back_by_range_and_tag),
        cmocka_unit_test(what_cannot_be_meant_is_refused_and_not_stored),
        cmocka_unit_test(a_removed_note_stays_in_the_chain_and_its_number_is_spent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
