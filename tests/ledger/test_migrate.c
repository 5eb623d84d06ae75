/*
 * Migrations: from nothing, from a half-migrated file, from a newer one.
 */
#include "ledger/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "ledger/people.h"
#include "tests/ledger/support_ledger.h"

static struct db *open_raw(struct place *place) {
    struct db *db = NULL;
    assert_int_equal(
        db_open(&(struct db_options){.path = place->path, .cache_kib = 64}, &db, NULL), 0);
    return db;
}

/* Makes the place's file anew as the first version of a plant's ledger left it, and runs `more`. */
static void make_first_version(struct place *place, const char *more) {
    ledger_close(place->ledger);
    place->ledger = NULL;
    static const char *const ENDS[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s%s", place->path, ENDS[i]);
        (void)remove(path);
    }
    FILE *file = fopen(TEST_SOURCE "/src/ledger/schema/plant/0001_plant.sql", "r");
    assert_non_null(file);
    static char script[32768];
    size_t size = fread(script, 1, sizeof script - 1, file);
    script[size] = 0;
    (void)fclose(file);
    struct db *db = open_raw(place);
    assert_int_equal(db_script(db, script, NULL), 0);
    assert_int_equal(
        db_script(db, "PRAGMA application_id=0x4d415270; PRAGMA user_version=1", NULL), 0);
    assert_int_equal(db_script(db, more, NULL), 0);
    db_close(db);
}

static void a_new_file_gets_the_newest_schema_and_its_mark(void **state) {
    (void)state;
    static const struct {
        enum ledger_kind kind;
        int64_t mark;
    } CASES[] = {{LEDGER_HUB, 0x4d415268}, {LEDGER_PLANT, 0x4d415270}};
    for (size_t i = 0; i < 2; i++) {
        struct place place;
        place_init(&place, CASES[i].kind);
        assert_true(migrate_newest(CASES[i].kind) >= 2);
        assert_int_equal(
            place_number(&place, "PRAGMA user_version"), migrate_newest(CASES[i].kind));
        assert_int_equal(place_number(&place, "PRAGMA application_id"), CASES[i].mark);
        place_fini(&place);
    }
}

static void a_newer_file_is_refused_and_stays_as_it_is(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    ledger_close(place.ledger);
    place.ledger = NULL;
    struct db *db = open_raw(&place);
    char sql[64];
    int64_t newer = migrate_newest(LEDGER_PLANT) + 1;
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version=%lld", (long long)newer);
    assert_int_equal(db_script(db, sql, NULL), 0);
    db_close(db);
    struct err err = ERR_INIT;
    assert_int_equal(
        ledger_open(place.path, LEDGER_PLANT, NULL, &place.ledger, &err), -ERR_VERSION);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_NEWER);
    db = open_raw(&place);
    int64_t version = 0;
    assert_int_equal(db_number(db, "PRAGMA user_version", &version, NULL), 0);
    assert_int_equal(version, newer);
    db_close(db);
    place_fini(&place);
}

static void an_older_file_is_brought_on(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    make_first_version(&place, "INSERT INTO settings VALUES ('zone', 'Asia/Seoul')");
    place_reopen(&place);
    assert_int_equal(place_number(&place, "PRAGMA user_version"), migrate_newest(LEDGER_PLANT));
    assert_int_equal(place_number(&place, "SELECT count(*) FROM audit"), 0);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM settings"), 1);
    place_fini(&place);
}

static void a_migration_that_fails_leaves_the_former_schema(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    /* The second migration makes `audit` first and then stumbles over this table. */
    make_first_version(&place, "CREATE TABLE audit_payload (x INTEGER) STRICT;");
    struct err err = ERR_INIT;
    assert_int_equal(
        ledger_open(place.path, LEDGER_PLANT, NULL, &place.ledger, &err), -ERR_DATABASE);
    assert_int_equal(err.notes[1].msg, MSG_LEDGER_MIGRATION);
    struct db *db = open_raw(&place);
    int64_t number = -1;
    assert_int_equal(db_number(db, "PRAGMA user_version", &number, NULL), 0);
    assert_int_equal(number, 1);
    assert_int_equal(
        db_number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'audit'", &number, NULL), 0);
    assert_int_equal(number, 0);
    db_close(db);
    place_fini(&place);
}

/* Makes the place's file anew as a hub of version 3 with an owner, an auditor and their sessions.
 */
static void make_former_hub(struct place *place) {
    static const char *const FILES[] = {"0001_users", "0002_audit", "0003_upkeep"};
    static char script[32768];
    ledger_close(place->ledger);
    place->ledger = NULL;
    static const char *const ENDS[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s%s", place->path, ENDS[i]);
        (void)remove(path);
    }
    struct db *db = open_raw(place);
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, TEST_SOURCE "/src/ledger/schema/hub/%s.sql", FILES[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        script[fread(script, 1, sizeof script - 1, file)] = '\0';
        (void)fclose(file);
        assert_int_equal(db_script(db, script, NULL), 0);
    }
    assert_int_equal(db_script(db,
                         "PRAGMA application_id=0x4d415268; PRAGMA user_version=3;"
                         "INSERT INTO users VALUES"
                         " ('00000000-0000-7000-8000-000000000001', 'boss', 'Boss', 'owner',"
                         " '$argon2id$x', 1, 0),"
                         " ('00000000-0000-7000-8000-000000000002', 'eye', 'Eye', 'auditor',"
                         " '$argon2id$x', 2, 0);"
                         "INSERT INTO sessions VALUES"
                         " (randomblob(32), '00000000-0000-7000-8000-000000000001', 1, 9),"
                         " (randomblob(32), '00000000-0000-7000-8000-000000000002', 1, 9);"
                         "INSERT INTO tokens VALUES ('00000000-0000-7000-8000-000000000003',"
                         " randomblob(32), 'gateway', 'operator', 2, 1, NULL);",
                         NULL),
        0);
    db_close(db);
}

static int enter_two(struct ledger_tx *tx, void *context, struct err *err) {
    struct str ids[] = {STR("p1"), STR("p2")};
    bool known = true;
    int result = hub_plants_known(tx, ids, 2, &known, err);
    assert_false(known);
    result = result < 0 ? result : hub_plants_enter(tx, ids, 2, err);
    result = result < 0 ? result : hub_plants_known(tx, ids, 2, context, err);
    return result;
}

static void roles_of_a_former_home_are_given_in_each_of_its_plants(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    make_former_hub(&place);
    place_reopen(&place);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM former_roles"), 2);
    bool known = false;
    place_write(&place, enter_two, &known);
    assert_true(known);
    static const struct {
        const char *sql;
        int64_t count;
    } CASES[] = {{"SELECT count(*) FROM former_roles", 0},
        {"SELECT count(*) FROM access a JOIN users u ON u.id = a.user_id"
         " WHERE u.login = 'boss' AND a.role = 'owner'",
            2},
        {"SELECT count(*) FROM access a JOIN users u ON u.id = a.user_id"
         " WHERE u.login = 'eye' AND a.role = 'auditor'",
            2},
        {"SELECT count(*) FROM access", 4},
        {"SELECT count(*) FROM users WHERE admin = 1 AND login = 'boss'", 1},
        {"SELECT count(*) FROM users WHERE admin = 0 AND login = 'eye'", 1},
        {"SELECT count(DISTINCT organisation_id) FROM users", 1},
        {"SELECT count(DISTINCT id) FROM sessions WHERE length(id) = 36", 2},
        {"SELECT count(*) FROM tokens WHERE plant_id IS NULL AND revoked_ns IS NULL", 1}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (place_number(&place, CASES[i].sql) != CASES[i].count) {
            fail_msg("%s", CASES[i].sql);
        }
    }
    struct err err = ERR_INIT;
    assert_int_equal(ledger_verify(place.ledger, &err), 0);
    place_fini(&place);
}

static void a_foreign_database_is_refused(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    ledger_close(place.ledger);
    place.ledger = NULL;
    struct db *db = open_raw(&place);
    assert_int_equal(db_script(db, "PRAGMA application_id=0; PRAGMA user_version=0", NULL), 0);
    db_close(db);
    struct err err = ERR_INIT;
    assert_int_equal(
        ledger_open(place.path, LEDGER_PLANT, NULL, &place.ledger, &err), -ERR_INVALID);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_NOT_OURS);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_gets_the_newest_schema_and_its_mark),
        cmocka_unit_test(a_newer_file_is_refused_and_stays_as_it_is),
        cmocka_unit_test(an_older_file_is_brought_on),
        cmocka_unit_test(a_migration_that_fails_leaves_the_former_schema),
        cmocka_unit_test(roles_of_a_former_home_are_given_in_each_of_its_plants),
        cmocka_unit_test(a_foreign_database_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
