/*
 * The book of what left the plant: entries come back as they were written, newest first and by
 * recipient, stand in the audit chain, and cannot be changed or removed.
 */
#include "ledger/disclosure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support_ledger.h"

static struct deident_log_entry entry_of(const char *recipient, uint64_t rows) {
    return (struct deident_log_entry){.recipient = str_of(recipient),
        .channel = STR("export"),
        .purpose = STR("training a model"),
        .actor = STR("u1"),
        .method = STR("press.worker=pseudonym"),
        .tags = STR("press.worker press.temp"),
        .from_ns = 1000,
        .to_ns = 2000,
        .rows = rows};
}

static int append(struct ledger_tx *tx, void *context, struct err *err) {
    return deident_log_append(tx, context, NULL, err);
}

struct listed {
    struct str recipient;
    int64_t before;
    struct deident_log_entry entries[10];
    struct arena arena;
    int count;
};

static int list(struct ledger_tx *tx, void *context, struct err *err) {
    struct listed *listed = context;
    listed->count = deident_log_list(
        tx, listed->recipient, listed->before, listed->entries, 10, &listed->arena, err);
    return listed->count < 0 ? listed->count : 0;
}

/* */
static void entries_come_back_newest_first_and_by_recipient(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct deident_log_entry entries[3] = {
        entry_of("supplier", 10), entry_of("agency", 20), entry_of("supplier", 30)};
    for (int i = 0; i < 3; i++) {
        place_write(&place, append, &entries[i]);
    }
    struct listed listed = {.recipient = STR_NONE, .before = INT64_MAX};
    arena_init(&listed.arena, 0);
    place_read(&place, list, &listed);
    assert_int_equal(listed.count, 3);
    assert_int_equal(listed.entries[0].rows, 30);
    assert_int_equal(listed.entries[0].number, 3);
    assert_true(str_eq(listed.entries[1].recipient, STR("agency")));
    assert_true(str_eq(listed.entries[1].method, STR("press.worker=pseudonym")));
    assert_int_equal(listed.entries[2].time_ns, PLACE_START_S * NS_PER_S);
    listed.recipient = STR("supplier");
    listed.before = 3;
    place_read(&place, list, &listed);
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.entries[0].rows, 10);
    arena_fini(&listed.arena);
    assert_int_equal(
        place_number(&place, "SELECT count(*) FROM audit WHERE action = 'data.disclose'"), 3);
    place_fini(&place);
}

static void an_entry_must_be_whole(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct deident_log_entry bad[4] = {
        entry_of("", 1), entry_of("a", 1), entry_of("a", 1), entry_of("a\n", 1)};
    bad[1].method = STR_NONE;
    bad[2].to_ns = 999;
    static const int CODES[] = {-ERR_INVALID, -ERR_INVALID, -ERR_RANGE, -ERR_INVALID};
    for (int i = 0; i < 4; i++) {
        struct err err = ERR_INIT;
        assert_int_equal(ledger_write(place.ledger, append, &bad[i], &err), CODES[i]);
        assert_true(err.note_count > 0);
    }
    assert_int_equal(place_number(&place, "SELECT count(*) FROM disclosures"), 0);
    place_fini(&place);
}

static int rewrite(struct ledger_tx *tx, void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, context, &stmt, err);
    return status < 0 ? status : ledger_step(stmt, err);
}

static void the_book_is_never_rewritten(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct deident_log_entry entry = entry_of("supplier", 10);
    place_write(&place, append, &entry);
    static char changes[2][48] = {"UPDATE disclosures SET rows = 0", "DELETE FROM disclosures"};
    for (int i = 0; i < 2; i++) {
        struct err err = ERR_INIT;
        assert_true(ledger_write(place.ledger, rewrite, changes[i], &err) < 0);
    }
    assert_int_equal(place_number(&place, "SELECT sum(rows) FROM disclosures"), 10);
    place_fini(&place);
}

struct once {
    struct deident_log_entry entry;
    int64_t since_ns;
    int written;
};

static int append_once(struct ledger_tx *tx, void *context, struct err *err) {
    struct once *once = context;
    once->written = deident_log_append_once(tx, &once->entry, once->since_ns, err);
    return once->written < 0 ? once->written : 0;
}

static void what_is_read_again_stands_once_since_a_moment(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct once once = {.entry = entry_of("supplier", 0), .since_ns = 0};
    static const struct {
        const char *recipient;
        const char *method;
        const char *tags;
        int64_t since_ns;
        int written;
    } STEPS[] = {{"supplier", "grant=1", "a b", 0, 1}, {"supplier", "grant=1", "a b", 0, 0},
        {"agency", "grant=1", "a b", 0, 1}, {"supplier", "grant=2", "a b", 0, 1},
        {"supplier", "grant=1", "a b c", 0, 1}, {"supplier", "grant=1", "a b", 0, 0},
        {"supplier", "grant=1", "a b", INT64_MAX, 1}}; // All entries are of the day before.
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        once.entry.recipient = str_of(STEPS[i].recipient);
        once.entry.method = str_of(STEPS[i].method);
        once.entry.tags = str_of(STEPS[i].tags);
        once.since_ns = STEPS[i].since_ns;
        place_write(&place, append_once, &once);
        assert_int_equal(once.written, STEPS[i].written);
    }
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_back_newest_first_and_by_recipient),
        cmocka_unit_test(an_entry_must_be_whole),
        cmocka_unit_test(the_book_is_never_rewritten),
        cmocka_unit_test(what_is_read_again_stands_once_since_a_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
