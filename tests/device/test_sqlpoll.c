/*
 * Rows of other systems' tables: each once through stops, restarts and refusals of the store; rows
 * that share a mark; marks that are NULL; Korean; words for what goes wrong. SQLite always, the
 * servers PostgreSQL and MariaDB of the system where they are installed.
 */
#include "support_device.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/random.h"
#include "device/drivers/sqlpoll.h"
#include "device/settings.h"
#include "support_database.h"

struct scene {
    struct rig rig;
    char dir[64];
    char address[128];
    sqlite3 *file;
};

static void sql(struct scene *scene, const char *text) {
    char *words = NULL;
    if (sqlite3_exec(scene->file, text, NULL, NULL, &words) != SQLITE_OK) {
        fail_msg("%s: %s", text, words);
    }
}

static void scene_open(struct scene *scene, const char *options, const struct tag_line *tags) {
    struct device_line device = {"d", "sqlpoll", scene->address, options, 1000};
    rig_init(&scene->rig, &device, tags, NULL);
    struct err err = ERR_INIT;
    if (rig_connect(&scene->rig, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
}

static void scene_start(
    struct scene *scene, const char *make, const char *options, const struct tag_line *tags) {
    memset(scene, 0, sizeof *scene);
    (void)snprintf(scene->dir, sizeof scene->dir, "/tmp/maru-sqlpoll-XXXXXX");
    assert_non_null(mkdtemp(scene->dir));
    (void)snprintf(scene->address, sizeof scene->address, "sqlite:%s/a b?.db", scene->dir);
    assert_int_equal(SQLITE_OK, sqlite3_open(scene->address + 7, &scene->file));
    sql(scene, make);
    scene_open(scene, options, tags);
}

static void scene_end(struct scene *scene) {
    rig_fini(&scene->rig);
    (void)sqlite3_close(scene->file);
    assert_int_equal(0, dir_remove_all(scene->dir, NULL));
}

static void reconnect(struct rig *rig) {
    struct err err = ERR_INIT;
    poller_disconnect(&rig->poller);
    if (rig_connect(rig, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
}

static void poll_once(struct rig *rig) {
    struct err err = ERR_INIT;
    if (rig_poll(rig, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
}

static const char *error_of(struct rig *rig) {
    struct device_health health;
    assert_true(health_copy(rig->health, rig->clock, &health));
    return words_of(&health.last_error);
}

static void rows_are_taken_once_in_order(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {
        {"temp", "d", "\"온도 값\""}, {"lot", "d", "lot text"}, {"n", "d", "#1 i64"}, {0}};
    struct scene scene;
    scene_start(&scene,
        "CREATE TABLE m(id INTEGER PRIMARY KEY, t TEXT, \"온도 값\" REAL, lot TEXT);"
        "INSERT INTO m VALUES(1,'2026-11-01 09:00:00',0.1,'가-1'),(2,'2026-11-01 "
        "09:00:01',NULL,'나'),"
        "(3,'2026-11-01 09:00:02',1234.5,NULL)",
        "table=m mark=id time=t batch=2", TAGS);
    poll_once(&scene.rig);
    assert_int_equal(box_count(&scene.rig.box, 3), 2); // A batch.
    poll_once(&scene.rig);
    poll_once(&scene.rig);
    assert_int_equal(box_count(&scene.rig.box, 1), 2); // NULL is no value.
    assert_int_equal(box_count(&scene.rig.box, 2), 2);
    assert_int_equal(box_count(&scene.rig.box, 3), 3);
    assert_true(scene.rig.box.rows[0].row.value.f64 == 0.1);
    assert_int_equal(scene.rig.box.rows[0].row.time_ns, 1793491200LL * NS_PER_S);
    assert_string_equal(box_last(&scene.rig.box, 2).text, "나");
    reconnect(&scene.rig);
    poll_once(&scene.rig);
    assert_int_equal(box_count(&scene.rig.box, 3), 3);
    sql(&scene, "INSERT INTO m VALUES(9007199254740993,'2026-11-01 10:00',5,'x')");
    poll_once(&scene.rig);
    sql(&scene, "INSERT INTO m VALUES(9007199254740994,'2026-11-01 10:00',6,'y')");
    poll_once(&scene.rig);
    poll_once(&scene.rig);
    assert_int_equal(box_count(&scene.rig.box, 3), 5); // Beyond what a double tells apart.
    scene_end(&scene);
}

/* Two values of one tag and one time are two versions of one value, of which one is shown. */
static void rows_without_a_time_do_not_share_one(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    static const char *const OPTIONS[] = {"table=m mark=id", "table=m mark=id time=t"};
    for (int i = 0; i < 2; i++) { // No column for it; cells that are no times.
        struct scene scene;
        scene_start(&scene,
            "CREATE TABLE m(id INTEGER, t TEXT, x REAL);"
            "INSERT INTO m VALUES(1,'?',1),(2,'?',2),(3,'?',3)",
            OPTIONS[i], TAGS);
        poll_once(&scene.rig);
        assert_int_equal(scene.rig.box.count, 3);
        const struct box_row *rows = scene.rig.box.rows;
        assert_true(rows[0].row.time_ns < rows[1].row.time_ns);
        assert_true(rows[1].row.time_ns < rows[2].row.time_ns);
        scene_end(&scene);
    }
}

static void what_the_store_refused_comes_again(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "CREATE TABLE m(id INTEGER, x REAL); INSERT INTO m VALUES(1,1),(2,2)",
        "table=m mark=id", TAGS);
    scene.rig.box.dry = true;
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_SPACE, rig_poll(&scene.rig, &err));
    scene.rig.box.dry = false;
    reconnect(&scene.rig);
    poll_once(&scene.rig);
    poll_once(&scene.rig);
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    scene_end(&scene);
}

/* A collation that holds a and A for equal, marks that are NULL, rows that are the same. */
static void rows_that_share_a_mark_are_neither_lost_nor_doubled(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x i64"}, {0}};
    struct scene scene;
    scene_start(&scene,
        "CREATE TABLE m(k TEXT COLLATE NOCASE, x INTEGER);"
        "INSERT INTO m VALUES(NULL,99),(NULL,98),(NULL,97),('a',1),('A',2),('a',3),('b',4),('B',5)",
        "table=m mark=k mark_type=text batch=2", TAGS);
    poll_once(&scene.rig);
    assert_int_equal(scene.rig.box.count, 3);           // All a, though the batch is two.
    sql(&scene, "INSERT INTO m VALUES('A',6),('a',1)"); // Behind us, one as the one that was taken.
    poll_once(&scene.rig);
    assert_int_equal(scene.rig.box.count, 7);
    for (int i = 0; i < 3; i++) {
        reconnect(&scene.rig);
        poll_once(&scene.rig);
    }
    assert_int_equal(scene.rig.box.count, 7);
    sql(&scene, "INSERT INTO m VALUES('b',7)");
    poll_once(&scene.rig);
    poll_once(&scene.rig);
    assert_int_equal(scene.rig.box.count, 8);
    assert_int_equal(box_last(&scene.rig.box, 1).row.value.i64, 7);
    scene_end(&scene);
}

static void many_rows_of_one_mark_stand_in_several_bookmarks(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x i64"}, {0}};
    struct scene scene;
    scene_start(&scene,
        "CREATE TABLE m(t TEXT, x INTEGER); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 "
        "FROM n WHERE i<1000) INSERT INTO m SELECT '2026-11-01 09:00:00', i FROM n",
        "table=m mark=t mark_type=timestamp time=t batch=10", TAGS);
    poll_once(&scene.rig);
    assert_int_equal(scene.rig.box.count, 1000);
    reconnect(&scene.rig);
    sql(&scene, "INSERT INTO m VALUES('2026-11-01 09:00:00',1001),('2026-11-01 09:00:01',1002)");
    poll_once(&scene.rig);
    reconnect(&scene.rig);
    poll_once(&scene.rig);
    assert_int_equal(scene.rig.box.count, 1002);
    sql(&scene,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000) INSERT "
        "INTO m SELECT '2026-11-02', i FROM n");
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_LIMIT, rig_poll(&scene.rig, &err));
    assert_non_null(strstr(words_of(&err), "more than 16384 rows"));
    scene_end(&scene);
}

static void a_query_has_since_as_a_parameter(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"y", "d", "y"}, {"s", "d", "s text"}, {0}};
    struct scene scene;
    scene_start(&scene, "CREATE TABLE m(id INTEGER, x REAL); INSERT INTO m VALUES(1,1),(2,2),(3,3)",
        "query=\"SELECT id, x*2 AS y, ':since' AS s FROM m WHERE id >= :since -- :since ;\" "
        "mark=id start=2",
        TAGS);
    poll_once(&scene.rig);
    poll_once(&scene.rig);
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    assert_true(box_last(&scene.rig.box, 1).row.value.f64 == 6);
    assert_string_equal(box_last(&scene.rig.box, 2).text, ":since");
    scene_end(&scene);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {"z", "d", "zz"}, {0}};
    struct scene scene;
    scene_start(&scene,
        "CREATE TABLE m(id INTEGER, t TEXT, x TEXT); INSERT INTO m VALUES(1,'gestern','abc'),"
        "(2,'2026-11-01','7')",
        "table=m mark=id time=t", TAGS);
    poll_once(&scene.rig);
    assert_int_equal(box_last(&scene.rig.box, 2).row.status, (uint32_t)STATUS_BAD_CONFIGURATION);
    assert_int_equal(box_last(&scene.rig.box, 1).row.status, (uint32_t)STATUS_GOOD);
    assert_non_null(strstr(error_of(&scene.rig), "2 cells could not be taken"));
    sql(&scene, "ALTER TABLE m RENAME TO gone");
    poll_once(&scene.rig); // The session is good.
    assert_non_null(strstr(error_of(&scene.rig), "the table is not there"));
    assert_int_equal(box_last(&scene.rig.box, 1).row.status, (uint32_t)STATUS_BAD_DEVICE_FAILURE);
    sql(&scene, "ALTER TABLE gone RENAME TO m; INSERT INTO m VALUES(3,'2026-11-02','8')");
    poll_once(&scene.rig);
    assert_true(box_last(&scene.rig.box, 1).row.value.f64 == 8);
    poller_disconnect(&scene.rig.poller);
    FILE *file = fopen(scene.address + 7, "w");
    assert_non_null(file);
    assert_true(fputs("no database, but long enough to look like one ............", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct err err = ERR_INIT;
    assert_true(rig_connect(&scene.rig, &err) < 0);
    assert_non_null(strstr(words_of(&err), "no SQLite database"));
    scene_end(&scene);
}

static void addresses_and_options_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *address;
        const char *options;
        bool good;
    } CASES[] = {{"postgresql://h:5432/db", "table=a.b mark=id", true},
        {"mariadb://[::1]:3306/db", "query=\"WITH a AS (SELECT 1 AS m) SELECT * FROM a;\" mark=m",
            true},
        {"sqlite:/a", "table=t mark=m", true}, {"sqlite:a", "table=t mark=m", false},
        {"postgresql://h", "table=t mark=m", false},
        {"postgresql://h:0/d", "table=t mark=m", false},
        {"postgresql://u:p@h/d", "table=t mark=m", false},
        {"oracle://h/d", "table=t mark=m", false}, {"sqlite:/a", "table=t", false},
        {"sqlite:/a", "mark=m", false}, {"sqlite:/a", "table=t query=\"SELECT 1\" mark=m", false},
        {"sqlite:/a", "table=a..b mark=m", false},
        {"sqlite:/a", "query=\"DELETE FROM t\" mark=m", false},
        {"sqlite:/a", "query=\"SELECT 1; DROP TABLE t\" mark=m", false},
        {"sqlite:/a", "query=\"SELECT ';' AS m\" mark=m", true},
        {"sqlite:/a", "table=t mark=m zone=Mars/Base", false}};
    const struct driver *driver = driver_find(STR("sqlpoll"));
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct driver_settings settings;
        struct err err = ERR_INIT;
        assert_int_equal(
            0, settings_parse(driver, str_of(CASES[i].options), false, &settings, &err));
        bool good = driver->check_address(str_of(CASES[i].address), &settings, &err) == 0;
        if (good != CASES[i].good) {
            fail_msg("%s %s: %s", CASES[i].address, CASES[i].options, words_of(&err));
        }
    }
}

/* ---- Servers ---- */

static void server_scene(struct scene *scene, const struct database *database, const char *options,
    const char *password) {
    static const struct tag_line TAGS[] = {{"id", "d", "id i64"}, {"name", "d", "name text"},
        {"x", "d", "x"}, {"ok", "d", "ok bool"}, {0}};
    static char text[512];
    memset(scene, 0, sizeof *scene);
    (void)snprintf(scene->address, sizeof scene->address, "%s://127.0.0.1:%u/test",
        database->is_postgresql ? "postgresql" : "mariadb", (unsigned)database->port);
    (void)snprintf(text, sizeof text, "user=maru password=\"%s\" %s %s", password,
        strstr(options, "timeout_ms") != NULL ? "" : "timeout_ms=10000", options);
    struct device_line device = {"d", "sqlpoll", scene->address, text, 1000};
    rig_init(&scene->rig, &device, TAGS, NULL);
}

static bool ended(pid_t pid) {
    return waitpid(pid, NULL, WNOHANG) == pid;
}

/* Each id once, none missing. */
static void check_ids(const struct box *box, int64_t last) {
    uint8_t *seen = mem_zero((size_t)last + 1, 1);
    for (uint32_t i = 0; i < box->count; i++) {
        if (box->rows[i].row.tag == 1 && box->rows[i].row.status == STATUS_GOOD) {
            int64_t id = box->rows[i].row.value.i64;
            assert_in_range(id, 1, last);
            if (seen[id]++ != 0) {
                fail_msg("row %lld came twice", (long long)id);
            }
        }
    }
    for (int64_t id = 1; id <= last; id++) {
        if (seen[id] == 0) {
            fail_msg("row %lld never came", (long long)id);
        }
    }
    mem_free(seen);
}

/* 10,000 rows are inserted while the poller is stopped and started; the mark is a time that many
 * rows share, and the store refuses now and then. */
static void storm(const struct database *database) {
    static const char PG[] =
        "DO $$ BEGIN FOR i IN 1..500 LOOP INSERT INTO m SELECT (i-1)*20+n, date_trunc('second', "
        "clock_timestamp()), '이름 '||n, n/10.0, n%2=0 FROM generate_series(1,20) n; COMMIT; "
        "PERFORM pg_sleep(0.008); END LOOP; END $$";
    static const char MY[] =
        "SET autocommit=1; CREATE OR REPLACE PROCEDURE fill() BEGIN FOR i IN 0..499 DO INSERT INTO "
        "m "
        "SELECT i*20+seq, date_format(now(), '%Y-%m-%d %H:%i:%s'), concat('이름 ',seq), seq/10.0, "
        "seq%2=0 FROM seq_1_to_20; DO sleep(0.008); END FOR; END; ";
    struct scene scene;
    server_scene(
        &scene, database, "table=m mark=at mark_type=timestamp time=at batch=37", "비밀 1");
    assert_true(database_run(
        database, database->is_postgresql
                      ? "CREATE TABLE m(id bigint, at timestamptz, name text, x float8, ok boolean)"
                      : "CREATE TABLE m(id bigint, at timestamp NULL, name varchar(500), x double, "
                        "ok boolean)"));
    struct err err = ERR_INIT;
    if (rig_connect(&scene.rig, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
    if (!database->is_postgresql) {
        char text[sizeof MY + 64];
        (void)snprintf(text, sizeof text, "DELIMITER //\n%s//\n", MY);
        assert_true(database_run(database, text));
    }
    pid_t writer = database_run_later(database, database->is_postgresql ? PG : "CALL fill()");
    struct random random;
    random_seed(&random, 7);
    bool over = false;
    uint32_t restarts = 0;
    for (uint32_t quiet = 0; quiet < 3;) {
        uint32_t before = scene.rig.box.count;
        scene.rig.box.dry = !over && random_below(&random, 8) == 0;
        if (rig_poll(&scene.rig, &err) < 0 || random_below(&random, 4) == 0) {
            scene.rig.box.dry = false;
            reconnect(&scene.rig);
            restarts++;
        }
        over = over || ended(writer);
        quiet = over && scene.rig.box.count == before ? quiet + 1 : 0;
    }
    check_ids(&scene.rig.box, 10000);
    print_message("%u sessions\n", restarts);
    assert_string_equal(box_last(&scene.rig.box, 2).text, "이름 20");
    assert_true(llabs(box_last(&scene.rig.box, 1).row.time_ns - clock_wall_ns(clock_system())) <
                60 * NS_PER_S);
    rig_fini(&scene.rig);
}

static void server_rights_and_words(const struct database *database) {
    struct scene scene;
    struct err err = ERR_INIT;
    server_scene(&scene, database, "table=m mark=id", "falsch");
    assert_int_equal(-ERR_FORBIDDEN, rig_connect(&scene.rig, &err));
    assert_non_null(strstr(words_of(&err), "refused user maru"));
    rig_fini(&scene.rig);
    server_scene(&scene, database, "table=absent mark=id", "비밀 1");
    assert_int_equal(0, rig_connect(&scene.rig, &err));
    poll_once(&scene.rig);
    assert_non_null(strstr(error_of(&scene.rig), "the table is not there"));
    poll_once(&scene.rig);
    rig_fini(&scene.rig);
    server_scene(&scene, database, "table=m mark=absent", "비밀 1");
    assert_int_equal(0, rig_connect(&scene.rig, &err));
    poll_once(&scene.rig);
    assert_non_null(strstr(error_of(&scene.rig), "a column is not there"));
    rig_fini(&scene.rig);
}

/* Every type of mark; NULL and long cells; rows that come behind. */
static void server_marks(const struct database *database) {
    static const char *const MARKS[] = {"mark=id", "mark=d mark_type=decimal",
        "mark=at mark_type=timestamp", "mark=k mark_type=text"};
    assert_true(database_run(database,
        "CREATE TABLE k(id bigint, d decimal(30,9), at timestamp NULL, k varchar(50), name text, x "
        "double precision, ok boolean); INSERT INTO k VALUES(9007199254740993, "
        "12345678901234567.1, "
        "'2026-01-01 00:00:01', 'ㄱ', repeat('한', 2000), 0.1, true), (9007199254740994, "
        "12345678901234567.2, '2026-01-01 00:00:02', 'ㄴ', NULL, NULL, NULL), (9007199254740995, "
        "12345678901234567.3, '2026-01-01 00:00:03', 'ㄷ', 'c', 1e300, false), (NULL, NULL, NULL, "
        "NULL, 'never', 5, true)"));
    for (size_t i = 0; i < sizeof MARKS / sizeof MARKS[0]; i++) {
        struct scene scene;
        struct err err = ERR_INIT;
        char options[128];
        (void)snprintf(options, sizeof options, "table=k batch=1 %s", MARKS[i]);
        server_scene(&scene, database, options, "비밀 1");
        assert_int_equal(0, rig_connect(&scene.rig, &err));
        for (int n = 0; n < 6; n++) {
            poll_once(&scene.rig);
            if (box_count(&scene.rig.box, 1) != (uint32_t)(n < 3 ? n + 1 : 3)) {
                fail_msg("%s: %u rows after %d: %s", MARKS[i], box_count(&scene.rig.box, 1), n + 1,
                    error_of(&scene.rig));
            }
        }
        assert_int_equal(box_last(&scene.rig.box, 1).row.value.i64, 9007199254740995);
        assert_true(box_last(&scene.rig.box, 3).row.value.f64 == 1e300);
        assert_int_equal(box_count(&scene.rig.box, 2), 2);
        assert_int_equal(box_last(&scene.rig.box, 4).row.value.i64, 0);
        rig_fini(&scene.rig);
    }
}

static void server_restart(struct database *database) {
    struct scene scene;
    struct err err = ERR_INIT;
    server_scene(&scene, database,
        "query=\"SELECT * FROM m WHERE id >= :since\" mark=id batch=6000", "비밀 1");
    assert_int_equal(0, rig_connect(&scene.rig, &err));
    poll_once(&scene.rig);
    database_kill(database);
    assert_true(rig_poll(&scene.rig, &err) < 0);
    poller_disconnect(&scene.rig.poller);
    assert_int_equal(-ERR_UNREACHABLE, rig_connect(&scene.rig, &err));
    assert_non_null(strstr(words_of(&err), "is the server running"));
    database_start(database);
    assert_int_equal(0, rig_connect(&scene.rig, &err));
    poll_once(&scene.rig);
    poll_once(&scene.rig);
    check_ids(&scene.rig.box, 10000);
    rig_fini(&scene.rig);
}

static void server_slow(const struct database *database) {
    struct scene scene;
    struct err err = ERR_INIT;
    server_scene(&scene, database,
        database->is_postgresql
            ? "timeout_ms=300 query=\"SELECT m.*, pg_sleep(9) FROM m\" mark=id"
            : "timeout_ms=300 query=\"SELECT m.*, sleep(9) AS s FROM m LIMIT 3\" mark=id",
        "비밀 1");
    assert_int_equal(0, rig_connect(&scene.rig, &err));
    int64_t begin_ns = clock_mono_ns(clock_system());
    (void)rig_poll(&scene.rig, &err);
    assert_true(clock_mono_ns(clock_system()) - begin_ns < 4 * NS_PER_S);
    assert_int_equal(scene.rig.box.good_counts[1], 0);
    rig_fini(&scene.rig);
}

static void found(void *context, const struct browse_item *item) {
    buf_printf(context, "%.*s=%.*s;", STR_ARG(item->source), STR_ARG(item->sample));
}

static void heard(void *context, const struct doctor_finding *finding) {
    struct str words = str_of(words_of(finding->words));
    buf_put_str(context, finding->step >= DOCTOR_PROTOCOL ? words : STR_NONE);
    buf_put_str(context, STR(";"));
}

/* Columns with a value, tables; and what the doctor says of right and index. */
static void look(const char *address, const char *options, const char *columns, bool indexed) {
    struct device device = {.number = 1,
        .id = STR("d"),
        .driver = STR("sqlpoll"),
        .address = str_of(address),
        .options = str_of(options),
        .period_ns = NS_PER_S};
    AUTO_BUF struct buf list;
    buf_init(&list, 65536);
    struct err err = ERR_INIT;
    if (device_browse(&device, STR_NONE, found, &list, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
    if (strstr(buf_z(&list), columns) == NULL) {
        fail_msg("%s", buf_z(&list));
    }
    buf_clear(&list);
    struct doctor_request request = {.device = &device, .context = &list, .finding = heard};
    (void)device_diagnose(&request); // A file has no session for it to read from.
    bool noted = strstr(buf_z(&list), "no index begins") != NULL;
    if (strstr(buf_z(&list), "its mark ordered") == NULL || noted == indexed) {
        fail_msg("%s", buf_z(&list));
    }
}

static void a_file_can_be_looked_at(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene,
        "CREATE TABLE m(id INTEGER PRIMARY KEY, x REAL, \"a b\" TEXT); INSERT INTO m "
        "VALUES(1,2.5,'가');"
        "CREATE TABLE n(k TEXT, t TEXT); CREATE INDEX i ON n(t)",
        "table=m mark=id", TAGS);
    look(scene.address, "table=m mark=id", "id=1;x=2.5;\"a b\" text=가;m=;n=;", true);
    look(scene.address, "table=m mark=x", "x=2.5;", false);
    look(scene.address, "table=n mark=T mark_type=text", "k text=;t text=;m=;n=;", true);
    scene_end(&scene);
}

static void server_look(const struct database *database) {
    char address[64];
    (void)snprintf(address, sizeof address, "%s://127.0.0.1:%u/test",
        database->is_postgresql ? "postgresql" : "mariadb", (unsigned)database->port);
    assert_true(database_run(database, "CREATE INDEX k_at ON k(at)"));
    look(address, "user=maru password=\"비밀 1\" table=k mark=at timeout_ms=10000",
        database->is_postgresql ? "public.k=;" : "test.k=;", true);
    look(
        address, "user=maru password=\"비밀 1\" table=k mark=d timeout_ms=10000", "id=9007", false);
}

static void server_all(bool is_postgresql, const char *name) {
    struct database database;
    if (!database_init(&database, is_postgresql)) {
        (void)fprintf(stderr, "SKIPPED: no %s server; install its package\n", name);
        skip();
    }
    storm(&database);
    server_rights_and_words(&database);
    server_marks(&database);
    server_look(&database);
    server_restart(&database);
    server_slow(&database);
    database_fini(&database);
}

static void a_postgresql_gives_each_row_once(void **state) {
    (void)state;
    server_all(true, "postgresql");
}

static void a_mariadb_gives_each_row_once(void **state) {
    (void)state;
    server_all(false, "mariadb-server");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_taken_once_in_order),
        cmocka_unit_test(rows_without_a_time_do_not_share_one),
        cmocka_unit_test(what_the_store_refused_comes_again),
        cmocka_unit_test(rows_that_share_a_mark_are_neither_lost_nor_doubled),
        cmocka_unit_test(many_rows_of_one_mark_stand_in_several_bookmarks),
        cmocka_unit_test(a_query_has_since_as_a_parameter),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(addresses_and_options_are_checked),
        cmocka_unit_test(a_file_can_be_looked_at),
        cmocka_unit_test(a_postgresql_gives_each_row_once),
        cmocka_unit_test(a_mariadb_gives_each_row_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
