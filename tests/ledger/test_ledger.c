/*
 * Opening, transactions, group commit, full disk, damage.
 */
#include "ledger/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/thread.h"
#include "ledger/db.h"
#include "tests/ledger/support_ledger.h"

static int put_setting(struct ledger_tx *tx, void *context, struct err *err) {
    const char *const *pair = context;
    return plant_setting_put(tx, str_of(pair[0]), str_of(pair[1]), err);
}

struct setting {
    const char *key;
    char value[64];
    int result;
};

static int get_setting(struct ledger_tx *tx, void *context, struct err *err) {
    struct setting *setting = context;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct str value = STR_NONE;
    setting->result = plant_setting_get(tx, str_of(setting->key), &arena, &value, err);
    (void)str_copy_z(value, setting->value, sizeof setting->value);
    return 0;
}

static void assert_setting(struct place *place, const char *key, const char *value) {
    struct setting setting = {.key = key};
    place_read(place, get_setting, &setting);
    assert_int_equal(setting.result, value != NULL ? 0 : -ERR_NOT_FOUND);
    assert_string_equal(setting.value, value != NULL ? value : "");
}

static void a_committed_change_is_there_after_reopening(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_write(&place, put_setting, (void *)(const char *[]){"zone", "Asia/Seoul"});
    assert_setting(&place, "zone", "Asia/Seoul");
    place_reopen(&place);
    assert_setting(&place, "zone", "Asia/Seoul");
    assert_setting(&place, "nothing", NULL);
    place_fini(&place);
}

static void the_files_are_for_their_owner_only(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    place_sql(&place, "DELETE FROM links");
    static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", place.path, SUFFIXES[i]);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    place_fini(&place);
}

static void the_connection_syncs_checks_keys_and_logs_ahead(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    assert_int_equal(place_number(&place, "SELECT 1 FROM pragma_journal_mode"
                                          " WHERE journal_mode = 'wal'"),
        1);
    assert_int_equal(place_number(&place, "PRAGMA synchronous"), 2);
    assert_int_equal(place_number(&place, "PRAGMA foreign_keys"), 1);
    assert_int_equal(place_number(&place, "PRAGMA trusted_schema"), 0);
    assert_int_equal(place_number(&place, "PRAGMA cell_size_check"), 1);
    assert_int_equal(place_number(&place, "PRAGMA query_only"), 1); // Of readers.
    place_fini(&place);
}

static void every_table_is_strict(void **state) {
    (void)state;
    for (int kind = LEDGER_HUB; kind <= LEDGER_PLANT; kind++) {
        struct place place;
        place_init(&place, (enum ledger_kind)kind);
        assert_int_equal(place_number(&place, "SELECT count(*) FROM pragma_table_list"
                                              " WHERE schema = 'main' AND type = 'table' AND "
                                              "strict = 0 AND name NOT LIKE 'sqlite_%'"),
            0);
        assert_true(place_number(&place, "SELECT count(*) FROM pragma_table_list"
                                         " WHERE schema = 'main' AND strict = 1") >= 6);
        place_fini(&place);
    }
}

static int put_then_fail(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    int result = plant_setting_put(tx, STR("half"), STR("done"), err);
    return result < 0 ? result : err_set(err, ERR_CONFLICT, MSG_LEDGER_RULE, ARGS(A_CSTR("x")));
}

static void a_failed_function_leaves_nothing(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct err err = ERR_INIT;
    assert_int_equal(ledger_write(place.ledger, put_then_fail, NULL, &err), -ERR_CONFLICT);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(ledger_write(place.ledger, put_then_fail, NULL, NULL), -ERR_CONFLICT);
    assert_setting(&place, "half", NULL);
    place_fini(&place);
}

static int write_in_read(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return plant_setting_put(tx, STR("a"), STR("b"), err);
}

static void a_reader_cannot_write(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct err err = ERR_INIT;
    assert_int_equal(ledger_read(place.ledger, write_in_read, NULL, &err), -ERR_IO);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_READ_ONLY);
    place_fini(&place);
}

static int bad_statement(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct ledger_stmt *stmt = NULL;
    return ledger_prepare(tx, "SELECT nonsense FROM nowhere", &stmt, err);
}

static int bad_bind(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "SELECT ?1", &stmt, err);
    if (result == 0) {
        ledger_bind_i64(stmt, 7, 1);
        result = ledger_step(stmt, err);
    }
    return result;
}

static int broken_rule(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct ledger_stmt *stmt = NULL;
    int result =
        ledger_prepare(tx, "INSERT INTO cursors (consumer, seq) VALUES ('x', -1)", &stmt, err);
    return result < 0 ? result : ledger_step(stmt, err);
}

static void refusals_have_words_of_ours(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    static const struct {
        ledger_fn fn;
        enum err_code code;
        enum msg_id msg;
    } CASES[] = {
        {bad_statement, ERR_DATABASE, MSG_LEDGER_STATEMENT},
        {bad_bind, ERR_DATABASE, MSG_LEDGER_STATEMENT},
        {broken_rule, ERR_CONFLICT, MSG_LEDGER_RULE},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct err err = ERR_INIT;
        assert_int_equal(ledger_write(place.ledger, CASES[i].fn, NULL, &err), -(int)CASES[i].code);
        assert_int_equal(err.notes[0].msg, CASES[i].msg);
    }
    place_fini(&place);
}

static int many_statements(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct ledger_stmt *first = NULL;
    int result = ledger_prepare(tx, "SELECT 4711 UNION ALL SELECT 4712", &first, err);
    assert_int_equal(result, 0);
    assert_int_equal(ledger_step(first, err), 1);
    for (int i = 0; i < 1000; i++) {
        char sql[64];
        (void)snprintf(sql, sizeof sql, "SELECT %d", i);
        struct ledger_stmt *stmt = NULL;
        assert_int_equal(ledger_prepare(tx, sql, &stmt, err), 0);
        assert_int_equal(ledger_step(stmt, err), 1);
        assert_int_equal(ledger_column_i64(stmt, 0), i);
    }
    assert_int_equal(ledger_column_i64(first, 0), 4711);
    assert_int_equal(ledger_step(first, err), 1);
    assert_int_equal(ledger_column_i64(first, 0), 4712);
    return 0;
}

static void statements_stay_valid_within_a_transaction(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    for (int i = 0; i < 3; i++) {
        place_read(&place, many_statements, NULL);
        place_write(&place, many_statements, NULL);
    }
    place_fini(&place);
}

/* ---- Many callers ---- */

enum { CALLERS = 16, CALLS_EACH = 40 };

struct caller {
    struct ledger *ledger;
    struct thread thread;
    int number;
    int failed;
    _Atomic int done;
};

static int add_one(struct ledger_tx *tx, void *context, struct err *err) {
    int *number = context;
    uint64_t seq = 0;
    int result = cursor_get(tx, STR("sum"), &seq, err);
    result = result < 0 ? result : cursor_put(tx, STR("sum"), seq + 1, err);
    if (result == 0 && *number % 4 == 3) {
        return err_set(err, ERR_CANCELLED, MSG_LEDGER_RULE, ARGS(A_CSTR("on purpose")));
    }
    return result;
}

static int read_twice(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    uint64_t before = 0;
    uint64_t after = 0;
    int result = cursor_get(tx, STR("sum"), &before, err);
    result = result < 0 ? result : cursor_get(tx, STR("sum"), &after, err);
    return result < 0 ? result : (before == after ? 0 : -ERR_INTERNAL);
}

static void call_often(void *context) {
    struct caller *caller = context;
    for (int i = 0; i < CALLS_EACH; i++) {
        int result = ledger_write(caller->ledger, add_one, &caller->number, NULL);
        int expected = caller->number % 4 == 3 ? -ERR_CANCELLED : 0;
        caller->failed += result != expected;
        caller->failed += ledger_read(caller->ledger, read_twice, NULL, NULL) != 0;
    }
    caller->done = 1;
}

static void callers_at_once_are_each_counted_and_failures_undone(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct caller callers[CALLERS] = {0};
    for (int i = 0; i < CALLERS; i++) {
        callers[i].ledger = place.ledger;
        callers[i].number = i;
        thread_start(&callers[i].thread, "caller", call_often, &callers[i]);
    }
    for (int i = 0; i < CALLERS; i++) {
        thread_join(&callers[i].thread);
        assert_int_equal(callers[i].failed, 0);
    }
    assert_int_equal(place_number(&place, "SELECT seq FROM cursors WHERE consumer = 'sum'"),
        CALLERS * 3 / 4 * CALLS_EACH);
    place_fini(&place);
}

/* ---- Full disk ---- */

static int fill_disk(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    int64_t pages = 0;
    int result = db_number(tx->db, "PRAGMA page_count", &pages, err);
    return result < 0 ? result : db_limit_pages(tx->db, pages + 2, err);
}

static int free_disk(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return db_limit_pages(tx->db, 0, err);
}

static int put_much(struct ledger_tx *tx, void *context, struct err *err) {
    int *first = context;
    for (int i = 0; i < 40; i++) {
        char key[32];
        char value[1001];
        (void)snprintf(key, sizeof key, "k%d", *first + i);
        memset(value, 'x', sizeof value - 1);
        value[sizeof value - 1] = '\0';
        int result = plant_setting_put(tx, str_of(key), str_of(value), err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* The ledger's share of a full disk: new writes are refused in clear words, reading goes on, and
 * writing goes on by itself once there is space. */
static void a_full_disk_refuses_writes_and_heals(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    int first = 0;
    place_write(&place, put_setting, (void *)(const char *[]){"zone", "Asia/Seoul"});
    place_write(&place, fill_disk, NULL);
    for (int i = 0; i < 3; i++) {
        struct err err = ERR_INIT;
        assert_int_equal(ledger_write(place.ledger, put_much, &first, &err), -ERR_SPACE);
        assert_int_equal(err.notes[0].msg, MSG_LEDGER_FULL);
        assert_setting(&place, "zone", "Asia/Seoul");
        assert_setting(&place, "k0", NULL);
    }
    place_write(&place, free_disk, NULL);
    place_write(&place, put_much, &first);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM settings"), 41);
    assert_int_equal(ledger_verify(place.ledger, NULL), 0);
    place_fini(&place);
}

struct filler {
    struct ledger *ledger;
    struct thread thread;
    int number;
    bool kept[CALLS_EACH];
    int unexpected;
};

struct filling {
    char key[32];
    size_t size;
};

static int put_sized(struct ledger_tx *tx, void *context, struct err *err) {
    const struct filling *filling = context;
    char value[4096];
    memset(value, 'x', sizeof value);
    return plant_setting_put(tx, str_of(filling->key), (struct str){value, filling->size}, err);
}

static void fill_on(void *context) {
    struct filler *filler = context;
    for (int i = 0; i < CALLS_EACH; i++) {
        struct filling filling = {.size = i % 3 == 0 ? 4000 : 20};
        (void)snprintf(filling.key, sizeof filling.key, "f%d-%d", filler->number, i);
        int result = ledger_write(filler->ledger, put_sized, &filling, NULL);
        filler->kept[i] = result == 0;
        filler->unexpected += result != 0 && result != -ERR_SPACE;
    }
}

static void callers_at_once_on_a_full_disk_are_told_the_truth(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_write(&place, fill_disk, NULL);
    static struct filler fillers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        fillers[i] = (struct filler){.ledger = place.ledger, .number = i};
        thread_start(&fillers[i].thread, "filler", fill_on, &fillers[i]);
    }
    int refused = 0;
    for (int i = 0; i < CALLERS; i++) {
        thread_join(&fillers[i].thread);
        assert_int_equal(fillers[i].unexpected, 0);
    }
    for (int i = 0; i < CALLERS * CALLS_EACH; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "f%d-%d", i / CALLS_EACH, i % CALLS_EACH);
        struct setting setting = {.key = key};
        place_read(&place, get_setting, &setting);
        bool kept = fillers[i / CALLS_EACH].kept[i % CALLS_EACH];
        assert_int_equal(setting.result, kept ? 0 : -ERR_NOT_FOUND);
        refused += !kept;
    }
    assert_true(refused > 0);
    assert_int_equal(ledger_verify(place.ledger, NULL), 0);
    place_fini(&place);
}

/* ---- Damage ---- */

static int open_again(struct place *place, enum ledger_kind kind, struct err *err) {
    ledger_close(place->ledger);
    place->ledger = NULL;
    return ledger_open(place->path, kind, &place->clock.clock, &place->ledger, err);
}

static void a_file_that_is_no_ledger_is_refused_untouched(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct err err = ERR_INIT;
    assert_int_equal(open_again(&place, LEDGER_HUB, &err), -ERR_INVALID);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_NOT_OURS);
    place_reopen(&place);
    ledger_close(place.ledger);
    place.ledger = NULL;
    char garbage[200];
    memset(garbage, 'g', sizeof garbage);
    place_scribble(&place, 0, garbage, sizeof garbage);
    assert_int_equal(open_again(&place, LEDGER_PLANT, &err), -ERR_CORRUPT);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_DAMAGED);
    place_fini(&place);
}

static void a_damaged_page_is_named(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    int first = 0;
    place_write(&place, put_much, &first);
    int64_t root =
        place_number(&place, "SELECT rootpage FROM sqlite_schema WHERE name = 'settings'");
    assert_int_equal(ledger_verify(place.ledger, NULL), 0);
    ledger_close(place.ledger); // Checkpoints: all is in the main file now.
    place.ledger = NULL;
    char zeros[512] = {0};
    place_scribble(&place, (root - 1) * 4096, zeros, sizeof zeros);
    struct err err = ERR_INIT;
    assert_int_equal(open_again(&place, LEDGER_PLANT, &err), -ERR_CORRUPT);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_DAMAGED);
    place_fini(&place);
}

static void a_dangling_row_is_found_by_verify(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_sql(&place, "INSERT INTO assets VALUES (1, 'a', NULL, 'site', '', '', NULL, NULL)");
    assert_int_equal(ledger_verify(place.ledger, NULL), 0);
    ledger_close(place.ledger);
    place.ledger = NULL;
    struct db *db = NULL;
    assert_int_equal(
        db_open(&(struct db_options){.path = place.path, .cache_kib = 64}, &db, NULL), 0);
    assert_int_equal(
        db_script(db, "PRAGMA foreign_keys=OFF; UPDATE assets SET parent = 99", NULL), 0);
    db_close(db);
    place_reopen(&place);
    struct err err = ERR_INIT;
    assert_int_equal(ledger_verify(place.ledger, &err), -ERR_CORRUPT);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_FOREIGN_KEY);
    place_fini(&place);
}

static void closing_nothing_is_fine(void **state) {
    (void)state;
    ledger_close(NULL);
    struct ledger *ledger = NULL;
    struct err err = ERR_INIT;
    assert_true(ledger_open("/nonexistent/folder/ledger.db", LEDGER_HUB, NULL, &ledger, &err) < 0);
    assert_null(ledger);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_committed_change_is_there_after_reopening),
        cmocka_unit_test(the_files_are_for_their_owner_only),
        cmocka_unit_test(the_connection_syncs_checks_keys_and_logs_ahead),
        cmocka_unit_test(every_table_is_strict),
        cmocka_unit_test(a_failed_function_leaves_nothing),
        cmocka_unit_test(a_reader_cannot_write),
        cmocka_unit_test(refusals_have_words_of_ours),
        cmocka_unit_test(statements_stay_valid_within_a_transaction),
        cmocka_unit_test(callers_at_once_are_each_counted_and_failures_undone),
        cmocka_unit_test(a_full_disk_refuses_writes_and_heals),
        cmocka_unit_test(callers_at_once_on_a_full_disk_are_told_the_truth),
        cmocka_unit_test(a_file_that_is_no_ledger_is_refused_untouched),
        cmocka_unit_test(a_damaged_page_is_named),
        cmocka_unit_test(a_dangling_row_is_found_by_verify),
        cmocka_unit_test(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
