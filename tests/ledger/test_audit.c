/*
 * The audit chain: appending, erasing, and every way to forge it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/db.h"
#include "tests/ledger/support_ledger.h"

static int append_three(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const SUBJECTS[] = {"user:kim", "device:p1", "user:kim"};
    for (int i = 0; i < 3; i++) {
        char payload[32];
        (void)snprintf(payload, sizeof payload, "personal detail %d", i);
        int result = audit_append(
            tx, STR("actor-7"), STR("user.change"), str_of(SUBJECTS[i]), str_of(payload), err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int verify(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return audit_verify(tx, err);
}

static int erase_kim(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return audit_erase(tx, STR("user:kim"), err);
}

static int list(struct ledger_tx *tx, void *context, struct err *err) {
    struct audit_entry *entries = context;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    assert_int_equal(audit_list(tx, INT64_MAX, entries, 10, &arena, err), 3);
    assert_int_equal(entries[0].sequence, 3);
    assert_int_equal(entries[2].sequence, 1);
    assert_int_equal(entries[0].time_ns, PLACE_START_S * NS_PER_S);
    assert_true(str_eq(entries[1].subject, STR("device:p1")));
    assert_true(str_eq(entries[1].payload, STR("personal detail 1")));
    assert_true(str_eq(entries[0].actor, STR("actor-7")));
    assert_true(str_eq(entries[0].action, STR("user.change")));
    assert_int_equal(audit_list(tx, 2, entries + 3, 10, &arena, err), 1);
    assert_int_equal(audit_list(tx, INT64_MAX, entries + 3, 2, &arena, err), 2);
    return 0;
}

static void entries_are_listed_newest_first(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    place_read(&place, verify, NULL);
    place_write(&place, append_three, NULL);
    struct audit_entry entries[16];
    place_read(&place, list, entries);
    place_read(&place, verify, NULL);
    place_fini(&place);
}

static bool file_contains(const char *path, const char *needle) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    static char data[8 << 20];
    size_t size = fread(data, 1, sizeof data, file);
    assert_int_equal(fclose(file), 0);
    return memmem(data, size, needle, strlen(needle)) != NULL;
}

static void an_erased_payload_is_gone_from_the_files_and_the_chain_is_whole(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    char log_path[128];
    (void)snprintf(log_path, sizeof log_path, "%s-wal", place.path);
    place_write(&place, append_three, NULL);
    assert_true(file_contains(place.path, "personal detail 0") ||
                file_contains(log_path, "personal detail 0"));
    place_write(&place, erase_kim, NULL);
    static const char *const GONE[] = {"personal detail 0", "personal detail 2"};
    for (size_t i = 0; i < 2; i++) {
        assert_false(file_contains(place.path, GONE[i]));
        assert_false(file_contains(log_path, GONE[i]));
    }
    assert_true(file_contains(place.path, "personal detail 1"));
    place_read(&place, verify, NULL);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM audit_payload"), 1);
    place_fini(&place);
}

static void changing_or_removing_an_entry_is_refused(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_write(&place, append_three, NULL);
    static const char *const TRIES[] = {
        "UPDATE audit SET actor = 'nobody' WHERE sequence = 1",
        "DELETE FROM audit WHERE sequence = 3",
        "UPDATE audit_payload SET payload = 'x'",
        "INSERT INTO audit SELECT 2, 0, actor, action, subject, payload_hash, hash FROM audit",
    };
    for (size_t i = 0; i < sizeof TRIES / sizeof TRIES[0]; i++) {
        struct db *db = NULL;
        assert_int_equal(
            db_open(&(struct db_options){.path = place.path, .cache_kib = 64}, &db, NULL), 0);
        assert_int_equal(db_script(db, TRIES[i], NULL), -ERR_CONFLICT);
        db_close(db);
    }
    place_fini(&place);
}

/* Whoever can write the file can drop the triggers; the hashes still tell. */
static void every_forgery_is_named(void **state) {
    (void)state;
    static const struct {
        const char *sql;
        enum msg_id msg;
        int64_t entry;
    } CASES[] = {
        {"UPDATE audit SET actor = 'nobody' WHERE sequence = 2", MSG_LEDGER_AUDIT_HASH, 2},
        {"UPDATE audit SET time_ns = time_ns + 1 WHERE sequence = 1", MSG_LEDGER_AUDIT_HASH, 1},
        {"UPDATE audit SET action = 'user.chang', subject = 'euser:kim' WHERE sequence = 1",
            MSG_LEDGER_AUDIT_HASH, 1},
        {"UPDATE audit SET subject = 'user:lee' WHERE sequence = 3", MSG_LEDGER_AUDIT_HASH, 3},
        {"UPDATE audit SET hash = zeroblob(32) WHERE sequence = 3", MSG_LEDGER_AUDIT_HASH, 3},
        {"UPDATE audit SET payload_hash = zeroblob(32) WHERE sequence = 2", MSG_LEDGER_AUDIT_HASH,
            2},
        {"DELETE FROM audit_payload WHERE sequence = 2; DELETE FROM audit WHERE sequence = 2",
            MSG_LEDGER_AUDIT_GAP, 2},
        {"DELETE FROM audit_payload WHERE sequence = 1; DELETE FROM audit WHERE sequence = 1",
            MSG_LEDGER_AUDIT_GAP, 1},
        {"DELETE FROM audit_payload WHERE sequence = 2; DELETE FROM audit WHERE sequence = 2;"
         "UPDATE audit_payload SET sequence = 99 WHERE sequence = 3;"
         "UPDATE audit SET sequence = 2 WHERE sequence = 3;"
         "UPDATE audit_payload SET sequence = 2 WHERE sequence = 99",
            MSG_LEDGER_AUDIT_HASH, 2},
        {"UPDATE audit_payload SET payload = 'other' WHERE sequence = 1", MSG_LEDGER_AUDIT_PAYLOAD,
            1},
        {"UPDATE audit_payload SET salt = zeroblob(16) WHERE sequence = 1",
            MSG_LEDGER_AUDIT_PAYLOAD, 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct place place;
        place_init(&place, LEDGER_PLANT);
        place_write(&place, append_three, NULL);
        struct db *db = NULL;
        assert_int_equal(
            db_open(&(struct db_options){.path = place.path, .cache_kib = 64}, &db, NULL), 0);
        assert_int_equal(
            db_script(db,
                "PRAGMA foreign_keys=OFF;"
                "DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_removed;"
                "DROP TRIGGER audit_payload_is_never_changed",
                NULL),
            0);
        assert_int_equal(db_script(db, CASES[i].sql, NULL), 0);
        db_close(db);
        struct err err = ERR_INIT;
        assert_int_equal(ledger_read(place.ledger, verify, NULL, &err), -ERR_CORRUPT);
        assert_int_equal(err.notes[0].msg, CASES[i].msg);
        assert_int_equal(err.notes[0].args[0].as.integer, CASES[i].entry);
        assert_int_equal(ledger_verify(place.ledger, &err), -ERR_CORRUPT);
        place_fini(&place);
    }
}

static int append_long(struct ledger_tx *tx, void *context, struct err *err) {
    static char payload[65537];
    memset(payload, 'x', sizeof payload);
    struct str text = {payload, *(const size_t *)context};
    return audit_append(tx, STR("a"), STR("b"), STR("c"), text, err);
}

static void a_payload_has_a_limit(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    size_t sizes[] = {65536, 65537, 0};
    place_write(&place, append_long, &sizes[0]);
    assert_int_equal(ledger_write(place.ledger, append_long, &sizes[1], NULL), -ERR_LIMIT);
    place_write(&place, append_long, &sizes[2]);
    place_read(&place, verify, NULL);
    assert_int_equal(place_number(&place, "SELECT max(sequence) FROM audit"), 2);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_listed_newest_first),
        cmocka_unit_test(an_erased_payload_is_gone_from_the_files_and_the_chain_is_whole),
        cmocka_unit_test(changing_or_removing_an_entry_is_refused),
        cmocka_unit_test(every_forgery_is_named),
        cmocka_unit_test(a_payload_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
