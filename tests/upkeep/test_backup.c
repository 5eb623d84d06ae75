/*
 * Backup and restore of a whole home in this process: what comes back says the same, erasures made
 * since are made again, and a place that is not empty stays as it is.
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "ledger/consent.h"
#include "ledger/grant.h"
#include "ledger/people.h"
#include "upkeep/upkeep.h"

/* A child is forked from a process with threads and makes its own, which that sanitizer cannot do.
 */
#ifdef __SANITIZE_THREAD__
#define NEEDS_FORK() skip()
#else
#define NEEDS_FORK() ((void)0)
#endif

struct place {
    char dir[64];
    char home[96];
    char back[96];
    struct home *open;
};

static void place_init(struct place *place) {
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/maru-backup-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->home, sizeof place->home, "%s/home", place->dir);
    (void)snprintf(place->back, sizeof place->back, "%s/back", place->dir);
    assert_int_equal(home_create(place->home, STR("main"), STR("공장"), STR("UTC"), NULL), 0);
    struct home_options options = {.dir = place->home, .exclusive = true};
    assert_int_equal(home_open(&options, &place->open, NULL), 0);
}

static void place_fini(struct place *place) {
    home_close(place->open);
    assert_int_equal(dir_remove_all(place->dir, NULL), 0);
}

static void store(struct place *place, uint32_t rows, int64_t from_ns) {
    struct plant *plant = home_plant_at(place->open, 0);
    struct str name = STR("line.press.temp");
    uint32_t number = 0;
    assert_int_equal(plant_resolve_tags(plant, &name, NULL, 1, &number, NULL, NULL), 0);
    AUTO_BATCH struct batch *batch = batch_new(rows, 0);
    for (uint32_t i = 0; i < rows; i++) {
        batch->rows[batch->count++] = (struct sample){.tag = number,
            .type = TYPE_F64,
            .time_ns = from_ns + (int64_t)i * NS_PER_S,
            .value.f64 = (double)i * 0.25};
    }
    struct batch *one = batch;
    assert_int_equal(plant_submit(plant, &one, 1, NULL), 0);
}

/* Waits until the stroke counter has written where it stands: that is part of what is said. */
static void counted(struct place *place) {
    struct plant *plant = home_plant_at(place->open, 0);
    int64_t end = clock_mono_ns(clock_system()) + 20 * NS_PER_S;
    struct consumer_status status = {.seq = 0};
    while (status.seq < hist_seq(plant_historian(plant))) {
        assert_true(clock_mono_ns(clock_system()) < end);
        (void)sched_yield();
        plant_consumer_status(plant, &status);
    }
}

static int file_of(const struct place *place, const char *name) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", place->dir, name);
    int fd = -1;
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    return fd;
}

static void make(struct place *place, int fd, struct backup_report *report) {
    struct err err = ERR_INIT;
    struct backup_options options = {.home = place->open, .fd = fd, .path = "test"};
    int status = backup_make(&options, report, &err);
    if (status < 0) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&err, LANG_EN, &words);
        fail_msg("%s", buf_z(&words));
    }
}

static void a_restored_home_says_the_same(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    store(&place, 5000, 1700000000 * NS_PER_S);
    struct backup_report report;
    int fd = file_of(&place, "one");
    counted(&place);
    make(&place, fd, &report);
    assert_int_equal(report.rows, 5000);
    char hot[DIGEST_TEXT_MAX];
    char cold[DIGEST_TEXT_MAX];
    struct watch none = {0};
    assert_int_equal(upkeep_digest(place.open, none, hot, NULL), 0);
    assert_string_equal(hot, report.logical);
    store(&place, 10, 1750000000 * NS_PER_S);
    assert_int_equal(upkeep_digest(place.open, none, hot, NULL), 0);
    assert_string_not_equal(hot, report.logical);
    struct restore_options options = {.fd = fd, .path = "test", .home_dir = place.back};
    struct restore_report restored;
    assert_int_equal(restore_run(&options, &restored, NULL), 0);
    assert_int_equal(upkeep_digest_cold(place.back, none, cold, NULL), 0);
    assert_string_equal(cold, report.logical);
    struct err err = ERR_INIT;
    assert_int_equal(restore_run(&options, &restored, &err), -ERR_EXISTS);
    struct home_options with = {.dir = place.back, .exclusive = true};
    struct home *again = NULL;
    assert_int_equal(home_open(&with, &again, NULL), 0);
    assert_int_equal(hist_seq(plant_historian(home_plant_at(again, 0))), 1);
    home_close(again);
    file_close(fd);
    place_fini(&place);
}

/* */
static void deliverables_come_back_with_the_home(void **state) {
    (void)state;
    static const char NAME[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct place place;
    place_init(&place);
    store(&place, 10, 1700000000 * NS_PER_S);
    counted(&place);
    struct str plant = plant_id(home_plant_at(place.open, 0));
    char folder[200];
    char path[300];
    (void)snprintf(
        folder, sizeof folder, "%s/plants/%.*s/papers", home_dir(place.open), STR_ARG(plant));
    (void)snprintf(path, sizeof path, "%s/%s", folder, NAME);
    assert_int_equal(dir_create(files_system(), folder, NULL), 0);
    int paper = -1;
    assert_int_equal(file_open(files_system(), path, FILE_CREATE_NEW, &paper, NULL), 0);
    assert_int_equal(file_write_at(files_system(), paper, path, 0, "manual", 6, NULL), 0);
    file_close(paper);
    struct backup_report report;
    int fd = file_of(&place, "one");
    make(&place, fd, &report);
    struct restore_options options = {.fd = fd, .path = "test", .home_dir = place.back};
    struct restore_report restored;
    assert_int_equal(restore_run(&options, &restored, NULL), 0);
    (void)snprintf(path, sizeof path, "%s/plants/%.*s/papers/%s", place.back, STR_ARG(plant), NAME);
    char bytes[6];
    assert_int_equal(file_open(files_system(), path, FILE_READ, &paper, NULL), 0);
    assert_int_equal(file_read_at(paper, path, 0, bytes, sizeof bytes, NULL), 0);
    assert_memory_equal(bytes, "manual", sizeof bytes);
    file_close(paper);
    file_close(fd);
    place_fini(&place);
}

static void optimizing_changes_nothing_that_is_said(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    for (int i = 0; i < 6; i++) {
        store(&place, 700, (1700000000LL + i * 350) * NS_PER_S); // Versions, too.
        assert_int_equal(hist_seal(plant_historian(home_plant_at(place.open, 0)), NULL), 0);
    }
    counted(&place);
    char before[DIGEST_TEXT_MAX];
    char after[DIGEST_TEXT_MAX];
    struct watch none = {0};
    struct optimize_report report;
    assert_int_equal(upkeep_digest(place.open, none, before, NULL), 0);
    assert_int_equal(optimize_run(place.open, none, &report, NULL), 0);
    assert_true(report.segments_before > report.segments_after);
    assert_int_equal(report.ledgers, 2);
    assert_int_equal(upkeep_digest(place.open, none, after, NULL), 0);
    assert_string_equal(before, after);
    place_fini(&place);
}

static int add_entries(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    int status = audit_append(tx, STR("a"), STR("b"), STR("user:kim"), STR("a name"), err);
    return status < 0 ? status
                      : audit_append(tx, STR("a"), STR("b"), STR("user:lee"), STR("x"), err);
}

static int erase_kim(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return audit_erase(tx, STR("user:kim"), err);
}

static int count_line(void *context, const struct erasure *erasure, struct err *err) {
    (void)erasure;
    (void)err;
    ++*(int *)context;
    return 0;
}

static int count_erased(struct ledger_tx *tx, void *context, struct err *err) {
    int status = audit_erasures(tx, count_line, context, err);
    return status < 0 ? status : audit_verify(tx, err);
}

static void what_was_erased_since_is_erased_again(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    assert_int_equal(ledger_write(home_hub(place.open), add_entries, NULL, NULL), 0);
    struct backup_report report;
    int fd = file_of(&place, "one");
    make(&place, fd, &report);
    assert_int_equal(ledger_write(home_hub(place.open), erase_kim, NULL, NULL), 0);
    char list[128];
    (void)snprintf(list, sizeof list, "%s/erasures.list", place.dir);
    assert_int_equal(erasures_write(place.open, list, NULL), 0);
    struct restore_options options = {
        .fd = fd, .path = "test", .home_dir = place.back, .erasures = list};
    struct restore_report restored;
    assert_int_equal(restore_run(&options, &restored, NULL), 0);
    assert_int_equal(restored.erased, 1);
    struct home_options with = {.dir = place.back, .exclusive = true};
    struct home *again = NULL;
    int erased = 0;
    assert_int_equal(home_open(&with, &again, NULL), 0);
    assert_int_equal(ledger_read(home_hub(again), count_erased, &erased, NULL), 0);
    assert_int_equal(erased, 1);
    home_close(again);
    /* A list that was cut is refused, and nothing is put in place. */
    assert_int_equal(dir_remove_all(place.back, NULL), 0);
    assert_int_equal(truncate(list, 40), 0);
    struct err err = ERR_INIT;
    assert_int_equal(restore_run(&options, &restored, &err), -ERR_CORRUPT);
    assert_false(file_exists(place.back));
    file_close(fd);
    place_fini(&place);
}

static int grant(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct consent consent = {.id = STR("c1"),
        .giver = STR("owner"),
        .recipient = STR("centre"),
        .purpose = STR("test"),
        .tags = STR("line.press.temp"),
        .method = STR("none"),
        .url = STR("http://127.0.0.1:1/"),
        .token = STR_NONE,
        .from_ns = 0,
        .until_ns = SAMPLE_TIME_MAX,
        .every_s = 10,
        .granted_by = STR("owner")};
    return consent_grant(tx, &consent, err);
}

static int first_withdrawn(struct ledger_tx *tx, void *context, struct err *err) {
    struct arena arena;
    arena_init(&arena, 0);
    AUTO_FREE struct consent *consents = MEM_ARRAY(struct consent, CONSENTS_MAX);
    int count = consent_list(tx, consents, &arena, err);
    *(bool *)context = count == 1 && consents[0].withdrawn_ns != 0;
    arena_fini(&arena);
    return count < 0 ? count : 0;
}

/* To a supplier, of all tags, for an hour. */
static int give(struct ledger_tx *tx, void *context, struct err *err) {
    char organisation[40];
    char id[40];
    (void)context;
    struct organisation supplier = {
        .kind = STR("supplier"), .name = STR("Helper"), .number = STR_NONE};
    int result = organisation_new(tx, &supplier, organisation, err);
    struct grant grant = {.plant = STR("main"),
        .organisation_id = str_of(organisation),
        .tags = STR("*"),
        .purpose = STR("test"),
        .until_ns = ledger_now_ns(tx) + 3600 * NS_PER_S,
        .given_by = STR("owner")};
    return result < 0 ? result : grant_new(tx, &grant, id, err);
}

static int note_revoked(void *context, const struct grant *grant, struct err *err) {
    (void)err;
    *(bool *)context = grant->revoked_ns != 0;
    return 0;
}

static int first_revoked(struct ledger_tx *tx, void *context, struct err *err) {
    return grant_each(tx, STR("main"), note_revoked, context, err);
}

/* One may have been revoked since the backup. */
static void what_was_granted_to_others_is_asked_anew(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    store(&place, 10, 1700000000 * NS_PER_S);
    assert_int_equal(ledger_write(home_hub(place.open), give, NULL, NULL), 0);
    struct backup_report report;
    int fd = file_of(&place, "one");
    make(&place, fd, &report);
    struct restore_options options = {.fd = fd, .path = "test", .home_dir = place.back};
    struct restore_report restored;
    assert_int_equal(restore_run(&options, &restored, NULL), 0);
    assert_int_equal(restored.revoked, 1);
    bool revoked = true;
    assert_int_equal(ledger_read(home_hub(place.open), first_revoked, &revoked, NULL), 0);
    assert_false(revoked);
    struct home_options back_options = {.dir = place.back, .exclusive = true};
    struct home *back = NULL;
    assert_int_equal(home_open(&back_options, &back, NULL), 0);
    assert_int_equal(ledger_read(home_hub(back), first_revoked, &revoked, NULL), 0);
    assert_true(revoked);
    home_close(back);
    file_close(fd);
    place_fini(&place);
}

static void what_comes_back_sends_nothing(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    store(&place, 10, 1700000000 * NS_PER_S);
    struct ledger *ledger = plant_ledger(home_plant_at(place.open, 0));
    assert_int_equal(ledger_write(ledger, grant, NULL, NULL), 0);
    struct backup_report report;
    int fd = file_of(&place, "one");
    counted(&place);
    make(&place, fd, &report);
    struct restore_options options = {.fd = fd, .path = "test", .home_dir = place.back};
    struct restore_report restored;
    assert_int_equal(restore_run(&options, &restored, NULL), 0);
    assert_int_equal(restored.withdrawn, 1);
    bool withdrawn = true;
    assert_int_equal(ledger_read(ledger, first_withdrawn, &withdrawn, NULL), 0);
    assert_false(withdrawn); // The home that was backed up goes on.
    struct home_options back_options = {.dir = place.back, .exclusive = true};
    struct home *back = NULL;
    assert_int_equal(home_open(&back_options, &back, NULL), 0);
    assert_int_equal(
        ledger_read(plant_ledger(home_plant_at(back, 0)), first_withdrawn, &withdrawn, NULL), 0);
    assert_true(withdrawn);
    home_close(back);
    file_close(fd);
    place_fini(&place);
}

static void a_plant_alone_comes_back_with_a_new_hub(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    store(&place, 100, 1700000000 * NS_PER_S);
    struct backup_report report;
    int fd = file_of(&place, "one");
    struct backup_options options = {
        .home = place.open, .plant = STR("main"), .fd = fd, .path = "test"};
    assert_int_equal(backup_make(&options, &report, NULL), 0);
    struct restore_options back = {.fd = fd, .path = "test", .home_dir = place.back};
    struct restore_report restored;
    assert_int_equal(restore_run(&back, &restored, NULL), 0);
    assert_false(restored.facts.has_hub);
    struct home_options with = {.dir = place.back, .exclusive = true};
    struct home *again = NULL;
    assert_int_equal(home_open(&with, &again, NULL), 0);
    home_close(again);
    options.plant = STR("none");
    assert_int_equal(backup_make(&options, &report, NULL), -ERR_NOT_FOUND);
    file_close(fd);
    place_fini(&place);
}

/* ---- Aged values ---- */

#define HOUR_NS (3600 * NS_PER_S)
#define AGED_T0 (1700000000 / 3600 * 3600 * NS_PER_S)
enum { AGED_HOURS = 12, AGED_BUCKETS = AGED_HOURS * 6 };

/* Hours of values, of which the first went in three rounds; two files of roll-ups are left. */
static void store_aged(struct place *place) {
    struct historian *historian = plant_historian(home_plant_at(place->open, 0));
    static const int64_t ROUNDS[] = {5, 6, 8};
    store(place, AGED_HOURS * 3600, AGED_T0);
    for (size_t i = 0; i < sizeof ROUNDS / sizeof ROUNDS[0]; i++) {
        struct hist_ageing tag = {.tag = 1,
            .raw_before_ns = AGED_T0 + ROUNDS[i] * HOUR_NS,
            .rollup_before_ns = AGED_T0 + HOUR_NS};
        struct hist_age_options options = {.tags = &tag, .count = 1};
        struct hist_age_report report;
        assert_int_equal(hist_age(historian, &options, &report, NULL), 0);
        assert_int_equal(report.tags, 1);
    }
    while (hist_merge(historian, NULL) > 0) {
    }
    struct hist_status status;
    hist_status(historian, &status);
    assert_true(status.rollup_bytes > 0);
    assert_int_equal(status.rows, (AGED_HOURS - 8) * 3600);
}

struct said {
    struct hist_bucket buckets[AGED_BUCKETS + 1];
    uint32_t count;
    struct hist_horizon horizon;
};

static int keep_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    struct said *said = context;
    assert_true(said->count < AGED_BUCKETS);
    said->buckets[said->count++] = *bucket;
    return 0;
}

static void say(struct home *home, struct said *ret_said) {
    struct historian *historian = plant_historian(home_plant_at(home, 0));
    uint32_t tag = 1;
    struct hist_bucket_query query = {.tags = &tag,
        .tag_count = 1,
        .from_ns = AGED_T0,
        .to_ns = AGED_T0 + AGED_HOURS * HOUR_NS,
        .every_ns = 600 * NS_PER_S};
    ret_said->count = 0;
    assert_int_equal(hist_buckets(historian, &query, keep_bucket, ret_said, NULL), 0);
    hist_horizon(historian, 1, &ret_said->horizon);
    assert_int_equal(ret_said->count, AGED_BUCKETS - 6); // All but the first hour.
}

/* To the bit. */
static void said_equal(const struct said *a, const struct said *b) {
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->horizon.raw_ns, b->horizon.raw_ns);
    assert_int_equal(a->horizon.rollup_ns, b->horizon.rollup_ns);
    for (uint32_t i = 0; i < a->count; i++) {
        const struct hist_bucket *x = &a->buckets[i];
        const struct hist_bucket *y = &b->buckets[i];
        const double doubles_x[] = {x->min, x->max, x->sum, x->sum_low, x->first, x->last};
        const double doubles_y[] = {y->min, y->max, y->sum, y->sum_low, y->first, y->last};
        assert_memory_equal(doubles_x, doubles_y, sizeof doubles_x);
        assert_true(x->start_ns == y->start_ns && x->end_ns == y->end_ns);
        assert_true(x->first_ns == y->first_ns && x->last_ns == y->last_ns);
        assert_true(x->count == y->count && x->bad_count == y->bad_count);
        assert_false(x->partial || y->partial);
    }
}

static void fail_damage(void *context, const struct err *what) {
    (void)context;
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(what, LANG_EN, &words);
    fail_msg("%s", buf_z(&words));
}

/* A home that is to be whole and to say the same. */
static void home_judge(const char *dir, const struct said *want) {
    char history[200];
    struct hist_verify_report report;
    (void)snprintf(history, sizeof history, "%s/plants/main/history", dir);
    assert_int_equal(hist_verify(NULL, history, fail_damage, NULL, &report, NULL), 0);
    assert_int_equal(report.damaged, 0);
    struct home_options options = {.dir = dir, .exclusive = true};
    struct home *home = NULL;
    assert_int_equal(home_open(&options, &home, NULL), 0);
    struct said said;
    say(home, &said);
    said_equal(&said, want);
    home_close(home);
}

static void roll_ups_come_back_to_the_bit(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    store_aged(&place);
    struct said before;
    say(place.open, &before);
    struct backup_report report;
    int fd = file_of(&place, "one");
    counted(&place);
    make(&place, fd, &report);
    struct backup_facts facts;
    assert_int_equal(backup_check(fd, "test", (struct watch){0}, &facts, NULL), 0);
    struct restore_options options = {.fd = fd, .path = "test", .home_dir = place.back};
    struct restore_report restored;
    assert_int_equal(restore_run(&options, &restored, NULL), 0);
    home_judge(place.back, &before);
    file_close(fd);
    place_fini(&place);
}

/* Lets a child work for a moment and kills it; whether it had finished. */
static bool run_and_kill(
    void (*work)(const struct place *place), const struct place *place, int64_t moment_ns) {
    (void)fflush(stdout);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        work(place);
        _exit(0);
    }
    int64_t end_ns = clock_mono_ns(clock_system()) + moment_ns;
    int status = 0;
    pid_t ended = 0;
    while (ended == 0 && clock_mono_ns(clock_system()) < end_ns) {
        ended = waitpid(pid, &status, WNOHANG);
        (void)sched_yield();
    }
    if (ended == 0) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    bool done = WIFEXITED(status);
    assert_true(!done || WEXITSTATUS(status) == 0);
    return done;
}

static void restore_work(const struct place *place) {
    int fd = file_of(place, "one");
    struct restore_options options = {.fd = fd, .path = "test", .home_dir = place->back};
    struct restore_report restored;
    if (restore_run(&options, &restored, NULL) < 0) {
        _exit(3);
    }
}

static void backup_work(const struct place *place) {
    struct home_options with = {.dir = place->home, .exclusive = true};
    struct home *home = NULL;
    struct backup_report report;
    int fd = file_of(place, "two");
    if (home_open(&with, &home, NULL) < 0) {
        _exit(4);
    }
    struct backup_options options = {.home = home, .fd = fd, .path = "test"};
    if (backup_make(&options, &report, NULL) < 0) {
        _exit(3);
    }
}

static void a_kill_while_roll_ups_are_restored_leaves_all_or_nothing(void **state) {
    (void)state;
    NEEDS_FORK();
    struct place place;
    place_init(&place);
    store_aged(&place);
    struct said before;
    say(place.open, &before);
    struct backup_report report;
    int fd = file_of(&place, "one");
    counted(&place);
    make(&place, fd, &report);
    uint32_t done = 0;
    for (uint32_t i = 0; i < 14; i++) {
        int64_t moment_ns = i < 12 ? (int64_t)(i * i) * NS_PER_MS : 120 * NS_PER_S;
        bool finished = run_and_kill(restore_work, &place, moment_ns);
        done += finished;
        assert_true(!finished || file_exists(place.back));
        if (file_exists(place.back)) {
            home_judge(place.back, &before);
            assert_int_equal(dir_remove_all(place.back, NULL), 0);
        }
    }
    assert_in_range(done, 2, 13); // The last two had all the time there is, the first none.
    file_close(fd);
    place_fini(&place);
}

static void a_kill_while_roll_ups_are_backed_up_harms_neither_home_nor_file(void **state) {
    (void)state;
    NEEDS_FORK();
    struct place place;
    place_init(&place);
    store_aged(&place);
    struct said before;
    say(place.open, &before);
    counted(&place);
    home_close(place.open);
    place.open = NULL;
    uint32_t done = 0;
    for (uint32_t i = 0; i < 14; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s/two", place.dir);
        assert_int_equal(file_remove(files_system(), path, NULL), 0);
        int64_t moment_ns = i < 12 ? (int64_t)(i * i) * NS_PER_MS : 120 * NS_PER_S;
        bool finished = run_and_kill(backup_work, &place, moment_ns);
        done += finished;
        home_judge(place.home, &before);
        int fd = file_of(&place, "two");
        struct restore_options options = {.fd = fd, .path = "test", .home_dir = place.back};
        struct restore_report restored;
        int status = restore_run(&options, &restored, NULL);
        assert_true(!finished || status == 0);
        if (status == 0) {
            home_judge(place.back, &before);
            assert_int_equal(dir_remove_all(place.back, NULL), 0);
        } else {
            assert_false(file_exists(place.back));
        }
        file_close(fd);
    }
    assert_in_range(done, 2, 13);
    place_fini(&place);
}

static void an_empty_folder_is_taken_and_a_full_one_refused(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    struct backup_report report;
    int fd = file_of(&place, "one");
    make(&place, fd, &report);
    struct restore_options options = {.fd = fd, .path = "test", .home_dir = place.back};
    struct restore_report restored;
    assert_int_equal(mkdir(place.back, 0700), 0);
    assert_int_equal(restore_run(&options, &restored, NULL), 0);
    char beside[128];
    (void)snprintf(beside, sizeof beside, "%s/beside", place.dir);
    assert_int_equal(restore_test(fd, "test", beside, (struct watch){0}, NULL), 0);
    assert_false(file_exists(beside));
    file_close(fd);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_restored_home_says_the_same),
        cmocka_unit_test(deliverables_come_back_with_the_home),
        cmocka_unit_test(optimizing_changes_nothing_that_is_said),
        cmocka_unit_test(what_was_erased_since_is_erased_again),
        cmocka_unit_test(roll_ups_come_back_to_the_bit),
        cmocka_unit_test(a_kill_while_roll_ups_are_restored_leaves_all_or_nothing),
        cmocka_unit_test(a_kill_while_roll_ups_are_backed_up_harms_neither_home_nor_file),
        cmocka_unit_test(what_comes_back_sends_nothing),
        cmocka_unit_test(what_was_granted_to_others_is_asked_anew),
        cmocka_unit_test(a_plant_alone_comes_back_with_a_new_hub),
        cmocka_unit_test(an_empty_folder_is_taken_and_a_full_one_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
