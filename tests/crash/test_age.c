/*
 * Ageing under power cuts and kill -9.
 *
 * A day of appends, seals, merges, reopenings and rounds of ageing with an archive is recorded, the
 * folder of the history and that of the archive alike, and cut after each operation. Every state
 * must open as the one before or the one behind the round that was under way: rows from the bound
 * on are there once, in all versions; the roll-ups answer what the rows answered, to the last bit,
 * also where they went; what went is in the archive; and the next round goes through. More samples:
 * MARU_CRASH_SAMPLES, MARU_CRASH_KILLS.
 */
#include "support_cut.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"

#define HOUR_NS (3600 * NS_PER_S)
enum { TAGS = 3, VERSIONS_MAX = 2, STEPS_MAX = 64, BACK_HOURS = 4, ROLLUP_HOURS = 12 };

/* ---- What was written: one tag of each type, each with its own period ---- */

static const int64_t PERIOD_S[TAGS] = {10, 60, 600};
static const enum value_type TYPES[TAGS] = {TYPE_F64, TYPE_I64, TYPE_TEXT};

static int64_t rows_an_hour(uint32_t tag) {
    return 3600 / PERIOD_S[tag - 1];
}

/* Row `index` of a tag; version 1 is a correction of some. */
static struct row row_at(uint32_t tag, int64_t index, uint32_t version) {
    struct row row = {.tag = tag,
        .type = (uint8_t)TYPES[tag - 1],
        .time_ns = TEST_T0 + index * PERIOD_S[tag - 1] * NS_PER_S,
        .flags = version > 0 ? SAMPLE_CORRECTION : 0};
    int64_t number = index * 7 % 1000 + version * 10000;
    if (row.type == TYPE_F64) {
        row.value.f64 = (double)number;
    } else if (row.type == TYPE_I64) {
        row.value.i64 = number;
    } else {
        (void)snprintf(row.text, sizeof row.text, "lot-%lld", (long long)number);
    }
    return row;
}

static uint32_t versions_of(int64_t index) {
    return index % 50 == 7 ? 2 : 1;
}

static int append_hour(struct historian *historian, int64_t hour) {
    AUTO_BATCH struct batch *batch = batch_new(1000, 1000);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        for (int64_t i = hour * rows_an_hour(tag); i < (hour + 1) * rows_an_hour(tag); i++) {
            for (uint32_t version = 0; version < versions_of(i); version++) {
                struct row row = row_at(tag, i, version);
                batch_put(batch, &row);
            }
        }
    }
    return hist_append(historian, &batch, 1, NULL);
}

static int age(
    struct historian *historian, const char *archive, int64_t raw_hour, int64_t rollup_hour) {
    struct hist_ageing tags[TAGS];
    for (uint32_t i = 0; i < TAGS; i++) {
        tags[i] = (struct hist_ageing){.tag = i + 1,
            .raw_before_ns = TEST_T0 + raw_hour * HOUR_NS + 13,
            .rollup_before_ns = TEST_T0 + rollup_hour * HOUR_NS};
    }
    struct hist_age_options options = {.tags = tags, .count = TAGS, .archive_dir = archive};
    struct hist_age_report report;
    return hist_age(historian, &options, &report, NULL);
}

/* ---- What may be there ---- */

struct bound {
    int64_t raw_hour;    // Hours before have no rows,
    int64_t rollup_hour; // and those before have no roll-ups.
};
struct state {
    int64_t hours_least; // Acknowledged,
    int64_t hours_most;  // and begun.
    struct bound bound_least;
    struct bound bound_most;
};

struct folders {
    char history[200];
    char archive[200];
};

static void folders_of(const char *dir, struct folders *to) {
    (void)snprintf(to->history, sizeof to->history, "%s/h", dir);
    (void)snprintf(to->archive, sizeof to->archive, "%s/a", dir);
}

static void row_is(const struct hist_rows *rows, uint32_t at, const struct row *want) {
    assert_int_equal(rows->time_ns[at], want->time_ns);
    assert_int_equal(rows->type, want->type);
    assert_int_equal(rows->flags != NULL ? rows->flags[at] & SAMPLE_CORRECTION : 0, want->flags);
    if (want->type == TYPE_F64) {
        assert_true(rows->f64[at] == want->value.f64);
    } else if (want->type == TYPE_I64) {
        assert_int_equal(rows->i64[at], want->value.i64);
    } else {
        assert_true(str_eq(rows->text[at], str_of(want->text)));
    }
}

/* Rows from an hour on, one behind the other in all versions; returns how many hours there are. */
static int64_t rows_judge(struct historian *historian, uint32_t tag, int64_t from_hour) {
    struct hist_scan_options options = {
        .tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    struct err err = ERR_INIT;
    int64_t index = from_hour * rows_an_hour(tag);
    uint32_t version = 0;
    int rc = 0;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    while ((rc = hist_scan_next(scan, &rows, &err)) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            struct row want = row_at(tag, index, version);
            row_is(&rows, i, &want);
            bool is_last = ++version == versions_of(index);
            index += is_last;
            version = is_last ? 0 : version;
        }
    }
    expect_ok(rc, &err);
    hist_scan_close(scan);
    assert_int_equal(version, 0);
    assert_int_equal(index % rows_an_hour(tag), 0);
    return index / rows_an_hour(tag);
}

struct asking {
    int64_t rows; // Of a bucket.
    int64_t next; // Index of the first row of the next one.
    uint32_t tag;
};

static int bucket_judge(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)err;
    struct asking *asking = context;
    assert_int_equal(tag, asking->tag);
    assert_false(bucket->partial);
    assert_int_equal(bucket->count, asking->rows);
    assert_int_equal(bucket->bad_count, 0);
    struct row first = row_at(tag, asking->next, versions_of(asking->next) - 1);
    int64_t end = asking->next + asking->rows;
    struct row last = row_at(tag, end - 1, versions_of(end - 1) - 1);
    assert_int_equal(bucket->first_ns, first.time_ns);
    assert_int_equal(bucket->last_ns, last.time_ns);
    double sum = 0;
    double min = 1e300;
    double max = -1e300;
    for (int64_t i = asking->next; i < end && first.type != TYPE_TEXT; i++) {
        struct row row = row_at(tag, i, versions_of(i) - 1);
        double value = row.type == TYPE_F64 ? row.value.f64 : (double)row.value.i64;
        sum += value; // Whole numbers: exact.
        min = value < min ? value : min;
        max = value > max ? value : max;
    }
    if (first.type != TYPE_TEXT) {
        assert_true(bucket->sum + bucket->sum_low == sum);
        assert_true(bucket->min == min && bucket->max == max);
    }
    asking->next = end;
    return 0;
}

static void buckets_judge(
    struct historian *historian, uint32_t tag, int64_t from_hour, int64_t to_hour) {
    static const int64_t EVERY_S[] = {600, 3600};
    for (size_t i = 0; i < sizeof EVERY_S / sizeof EVERY_S[0]; i++) {
        struct asking asking = {.rows = EVERY_S[i] / PERIOD_S[tag - 1],
            .next = from_hour * rows_an_hour(tag),
            .tag = tag};
        struct hist_bucket_query query = {.tags = &tag,
            .tag_count = 1,
            .from_ns = TEST_T0 - HOUR_NS,
            .to_ns = TEST_T0 + (to_hour + 2) * HOUR_NS,
            .every_ns = EVERY_S[i] * NS_PER_S};
        struct err err = ERR_INIT;
        expect_ok(hist_buckets(historian, &query, bucket_judge, &asking, &err), &err);
        assert_int_equal(asking.next, to_hour * rows_an_hour(tag));
    }
}

/* ---- The archive ---- */

struct archived {
    const char *dir;
    int64_t hours;
    uint8_t *seen[TAGS]; // Bit by version, by row.
};

static int archived_file(void *context, const char *name, struct err *err) {
    struct archived *archived = context;
    char path[400];
    struct hist_file *file = NULL;
    if (strncmp(name, "seg-", 4) != 0) {
        return 0;
    }
    (void)snprintf(path, sizeof path, "%s/%s", archived->dir, name);
    expect_ok(hist_file_open(NULL, path, &file, err), err);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        struct hist_scan_options options = {
            .tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
        struct hist_scan *scan = NULL;
        struct hist_rows rows;
        expect_ok(hist_file_scan(file, &options, &scan, err), err);
        while (hist_scan_next(scan, &rows, err) > 0) {
            for (uint32_t i = 0; i < rows.count; i++) {
                int64_t index = (rows.time_ns[i] - TEST_T0) / (PERIOD_S[tag - 1] * NS_PER_S);
                bool corrects = rows.flags != NULL && (rows.flags[i] & SAMPLE_CORRECTION) != 0;
                struct row want = row_at(tag, index, corrects);
                row_is(&rows, i, &want);
                if (index < archived->hours * rows_an_hour(tag)) {
                    archived->seen[tag - 1][index] |= corrects ? 2 : 1;
                }
            }
        }
        hist_scan_close(scan);
    }
    assert_int_equal(hist_file_damaged(file), 0);
    hist_file_close(file);
    return 0;
}

/* All versions of all rows of the hours that went. */
static void archive_judge(const char *dir, int64_t hours) {
    struct archived archived = {.dir = dir, .hours = hours};
    struct err err = ERR_INIT;
    for (uint32_t i = 0; i < TAGS; i++) {
        archived.seen[i] = mem_zero((size_t)(hours * rows_an_hour(i + 1)) + 1, 1);
    }
    expect_ok(dir_each(dir, archived_file, &archived, &err), &err);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        for (int64_t i = 0; i < hours * rows_an_hour(tag); i++) {
            assert_int_equal(archived.seen[tag - 1][i], versions_of(i) == 2 ? 3 : 1);
        }
        mem_free(archived.seen[tag - 1]);
    }
}

/* ---- Judging ---- */

static struct bound bound_read(struct historian *historian) {
    struct bound bound = {0, 0};
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        struct hist_horizon horizon;
        hist_horizon(historian, tag, &horizon);
        bool none = horizon.raw_ns == INT64_MIN;
        struct bound own = {none ? 0 : (horizon.raw_ns - TEST_T0) / HOUR_NS,
            none ? 0 : (horizon.rollup_ns - TEST_T0) / HOUR_NS};
        bound = tag == 1 ? own : bound;
        assert_int_equal(own.raw_hour, bound.raw_hour); // All tags or none.
        assert_int_equal(own.rollup_hour, bound.rollup_hour);
    }
    return bound;
}

static bool bounds_equal(struct bound a, struct bound b) {
    return a.raw_hour == b.raw_hour && a.rollup_hour == b.rollup_hour;
}

/* Returns how many hours there are. */
static int64_t judge_open(struct historian *historian, const struct folders *folders,
    const struct state *state, struct bound *ret_bound) {
    struct bound bound = bound_read(historian);
    if (!bounds_equal(bound, state->bound_least) && !bounds_equal(bound, state->bound_most)) {
        fail_msg(
            "rows from hour %d, roll-ups from %d", (int)bound.raw_hour, (int)bound.rollup_hour);
    }
    int64_t hours = rows_judge(historian, 1, bound.raw_hour);
    assert_true(hours >= state->hours_least && hours <= state->hours_most);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        assert_int_equal(rows_judge(historian, tag, bound.raw_hour), hours);
        buckets_judge(historian, tag, bound.rollup_hour, hours);
    }
    archive_judge(folders->archive, bound.raw_hour);
    *ret_bound = bound;
    return hours;
}

/* A state that a cut or a kill left, and the life after it. Returns how many hours there are. */
static int64_t judge(
    const char *dir, const struct state *state, bool go_on, struct bound *ret_bound) {
    struct folders folders;
    folders_of(dir, &folders);
    struct historian *historian = life_open(folders.history, 1 << 20, false);
    int64_t hours = judge_open(historian, &folders, state, ret_bound);
    hist_close(historian);
    verify_clean(folders.history);
    if (!go_on || hours < 2) {
        return hours;
    }
    struct state next = {.hours_least = hours, .hours_most = hours};
    next.bound_least.raw_hour =
        ret_bound->raw_hour + 1 < hours ? ret_bound->raw_hour + 1 : ret_bound->raw_hour;
    next.bound_least.rollup_hour = ret_bound->rollup_hour;
    next.bound_most = next.bound_least;
    historian = life_open(folders.history, 1 << 20, false);
    assert_true(age(historian, folders.archive, next.bound_least.raw_hour,
                    next.bound_least.rollup_hour) >= 0);
    while (hist_merge(historian, NULL) > 0) {
    }
    hist_close(historian);
    historian = life_open(folders.history, 1 << 20, false);
    struct bound bound;
    assert_int_equal(judge_open(historian, &folders, &next, &bound), hours);
    hist_close(historian);
    verify_clean(folders.history);
    return hours;
}

/* ---- The day ---- */

/* a append an hour, s seal, m merge, o close and open again, g a round of ageing. */
static const struct deed_row {
    char what;
    int8_t raw_hour;
    int8_t rollup_hour;
} DAY[] = {{'a', 0, 0}, {'a', 0, 0}, {'s', 0, 0}, {'a', 0, 0}, {'a', 0, 0}, {'g', 1, 0},
    {'a', 0, 0}, {'s', 0, 0}, {'m', 0, 0}, {'g', 3, 0}, {'m', 0, 0}, {'o', 0, 0}, {'a', 0, 0},
    {'a', 0, 0}, {'g', 4, 1}, {'o', 0, 0}, {'m', 0, 0}, {'a', 0, 0}, {'g', 6, 3}, {'m', 0, 0},
    {'g', 6, 5}, {'a', 0, 0}, {'g', 7, 7}, {'a', 0, 0}, {'g', 8, 7}, {'m', 0, 0}};
enum { DAY_STEPS = sizeof DAY / sizeof DAY[0] };

struct span {
    uint32_t begin;
    uint32_t end;
};

static void live_day(struct disk *disk, const char *dir, struct span *spans) {
    struct folders folders;
    folders_of(dir, &folders);
    struct historian *historian = life_open(folders.history, 1 << 20, false);
    int64_t hours = 0;
    for (size_t i = 0; i < DAY_STEPS; i++) {
        int rc = 0;
        spans[i].begin = disk_count(disk);
        switch (DAY[i].what) {
        case 'a': rc = append_hour(historian, hours++); break;
        case 's': rc = hist_seal(historian, NULL); break;
        case 'm': rc = hist_merge(historian, NULL); break;
        case 'o':
            hist_close(historian);
            historian = life_open(folders.history, 1 << 20, false);
            break;
        default: rc = age(historian, folders.archive, DAY[i].raw_hour, DAY[i].rollup_hour); break;
        }
        assert_true(rc >= 0);
        spans[i].end = disk_count(disk);
    }
    hist_close(historian);
}

static void state_at(const struct span *spans, uint32_t position, struct state *ret_state) {
    struct state state = {0};
    for (size_t i = 0; i < DAY_STEPS; i++) {
        bool begun = spans[i].begin < position;
        bool ended = spans[i].end <= position;
        struct bound bound = {DAY[i].raw_hour, DAY[i].rollup_hour};
        if (DAY[i].what == 'a') {
            state.hours_least += ended;
            state.hours_most += begun;
        } else if (DAY[i].what == 'g') {
            state.bound_least = ended ? bound : state.bound_least;
            state.bound_most = begun ? bound : state.bound_most;
        }
    }
    *ret_state = state;
}

static void try_cut(const struct disk *disk, const struct place *place, const struct span *spans,
    struct disk_cut cut) {
    struct state state;
    struct bound bound;
    state_at(spans, cut.position, &state);
    trying("a cut after operation %u (%s), way %d, cut %llu, seed %llu", cut.position,
        disk_step_name(disk, cut.position - 1), (int)cut.way, (unsigned long long)cut.cut,
        (unsigned long long)cut.seed);
    struct disk_image *image = disk_image(disk, &cut);
    disk_image_put(image, place->cut);
    disk_image_free(image);
    (void)judge(place->cut, &state, true, &bound);
    trying_done();
}

static void folders_make(const char *dir) {
    static const char *const NAMES[] = {"", "/h", "/a", "/a/writing"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s%s", dir, NAMES[i]);
        assert_int_equal(dir_create(files_system(), path, NULL), 0);
    }
}

static void a_cut_anywhere_in_days_that_age_loses_and_doubles_nothing(void **state) {
    (void)state;
    static const char *const FOLDERS[] = {"h", "a", "a/writing"};
    struct place place;
    place_new(&place);
    folders_make(place.live);
    struct disk *disk = disk_watch_folders(place.live, FOLDERS, 3);
    struct span spans[DAY_STEPS];
    live_day(disk, place.live, spans);
    disk_unwatch(disk);
    uint32_t states = 0;
    uint32_t randoms = runs_wanted("MARU_CRASH_SAMPLES", 2);
    for (uint32_t position = 1; position <= disk_count(disk); position++) {
        struct disk_cut cut = {.position = position, .way = DISK_NOTHING};
        try_cut(disk, &place, spans, cut);
        cut.way = DISK_ALL;
        try_cut(disk, &place, spans, cut);
        states += 2 + randoms;
        cut.way = DISK_RANDOM;
        for (cut.seed = 1; cut.seed <= randoms; cut.seed++) {
            try_cut(disk, &place, spans, cut);
        }
        uint64_t size = disk_last_write(disk, position);
        uint64_t step = size / 3 + 512;
        for (cut.cut = step / 2; cut.cut < size; cut.cut += step) {
            cut.way = DISK_TORN;
            try_cut(disk, &place, spans, cut);
            cut.way = DISK_LONE;
            try_cut(disk, &place, spans, cut);
            states += 2;
        }
    }
    tell_counts("prefixes %u states %u", disk_count(disk), states);
    assert_true(states > 4 * DAY_STEPS);
    disk_free(disk);
    place_free(&place);
}

/* ---- kill -9 ---- */

struct told {
    char what; // a: hours there are; g: a round begins, G: it is done; o: open.
    int64_t hour;
};

static void tell(int fd, char what, int64_t hour) {
    struct told told = {.what = what, .hour = hour};
    if (write(fd, &told, sizeof told) != sizeof told) {
        _exit(4);
    }
}

static struct bound bound_of(int64_t hours) {
    struct bound bound = {hours - BACK_HOURS, hours > ROLLUP_HOURS ? hours - ROLLUP_HOURS : 0};
    return bound;
}

static void child_run(const char *dir, int fd, int64_t hours) {
    struct folders folders;
    folders_of(dir, &folders);
    struct hist_options options = {
        .dir = folders.history, .memory_bytes = 256 << 10, .log_file_bytes = 200 << 10};
    struct historian *historian = NULL;
    if (hist_open(&options, &historian, NULL) < 0) {
        _exit(3);
    }
    for (;;) {
        if (append_hour(historian, hours++) < 0) {
            _exit(5);
        }
        tell(fd, 'a', hours);
        if (hours > BACK_HOURS && hours % 2 == 0) {
            tell(fd, 'g', hours);
            struct bound bound = bound_of(hours);
            if (age(historian, folders.archive, bound.raw_hour, bound.rollup_hour) < 0) {
                _exit(6);
            }
            tell(fd, 'G', hours);
        }
    }
}

/* Runs a child over the folder, kills it at a moment, and notes what it told. */
static void run_and_kill(const char *dir, int64_t moment_ns, struct state *state) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(stdout);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(ends[0]);
        child_run(dir, ends[1], state->hours_least);
        _exit(0);
    }
    (void)close(ends[1]);
    const struct clock *clock = clock_system();
    int64_t deadline_ns = clock_mono_ns(clock) + moment_ns;
    bool alive = true;
    for (;;) {
        int64_t left_ns = deadline_ns - clock_mono_ns(clock);
        if (alive && left_ns <= 0) {
            assert_int_equal(kill(pid, SIGKILL), 0);
            alive = false;
        }
        struct pollfd waiting = {.fd = ends[0], .events = POLLIN};
        if (poll(&waiting, 1, alive ? (int)(left_ns / NS_PER_MS) + 1 : -1) <= 0) {
            continue;
        }
        struct told told;
        ssize_t got = read(ends[0], &told, sizeof told);
        if (got == 0) {
            break;
        }
        assert_int_equal(got, sizeof told);
        if (told.what == 'a') {
            state->hours_least = told.hour;
        } else if (told.what == 'g') {
            state->bound_most = bound_of(told.hour);
        } else {
            state->bound_least = bound_of(told.hour);
        }
    }
    state->hours_most = state->hours_least + 1;
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void kill_9_while_rows_age_loses_and_doubles_nothing(void **state_) {
    (void)state_;
    struct place place;
    place_new(&place);
    folders_make(place.live);
    uint32_t kills = runs_wanted("MARU_CRASH_KILLS", 12);
    struct random random;
    random_seed_system(&random); // A kill is never the same twice.
    struct state state = {0};
    for (uint32_t i = 0; i < kills; i++) {
        trying("kill %u of %u", i + 1, kills);
        run_and_kill(place.live, (int64_t)(5 + random_below(&random, 60)) * NS_PER_MS, &state);
        struct bound bound;
        int64_t hours = judge(place.live, &state, false, &bound);
        state = (struct state){hours, hours, bound, bound};
    }
    trying_done();
    tell_counts("kills %u hours %lld aged %lld lost 0 twice 0", kills, (long long)state.hours_least,
        (long long)state.bound_least.raw_hour);
    assert_true(state.bound_least.raw_hour > 0);
    place_free(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            a_cut_anywhere_in_days_that_age_loses_and_doubles_nothing, trying_print),
        cmocka_unit_test_teardown(kill_9_while_rows_age_loses_and_doubles_nothing, trying_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
