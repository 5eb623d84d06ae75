/*
 * kill -9 under full load, a clock that jumps, two processes, and a folder that is copied while it
 * is written.
 *
 * A child appends from three threads, seals and merges in its own, and tells each acknowledged
 * number and each position of its consumer through a pipe; it is killed at a random moment. What
 * was told must be there once, what was not is there whole or not at all, and the consumer gets
 * what follows its position. One folder goes through all kills. More of them: MARU_CRASH_KILLS.
 */
#include "support_cut.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    LANES = 3,
    LANE_TAGS = 12, // Of each append: one row of each; the last is a text.
    LOAD_MEMORY_BYTES = 256 << 10,
    LOAD_LOG_BYTES = 200 << 10,
};

/* What the child tells: a lane's number, or (lane LANES) the position of its consumer. */
struct told {
    uint64_t lane;
    uint64_t number;
};

struct load {
    struct historian *historian;
    int report_fd;
    uint64_t lane;
    uint64_t first;
};

static struct row load_row(uint64_t lane, uint64_t number, uint32_t index) {
    uint32_t tag = (uint32_t)lane * LANE_TAGS + index + 1;
    struct row row =
        row_f64(tag, TEST_T0 + (int64_t)number * NS_PER_S, (double)number + index / 64.0);
    if (index + 1 == LANE_TAGS) {
        row.type = TYPE_TEXT;
        (void)snprintf(row.text, sizeof row.text, "%llu회", (unsigned long long)number);
    }
    return row;
}

static void tell(int report_fd, uint64_t lane, uint64_t number) {
    struct told told = {.lane = lane, .number = number};
    if (write(report_fd, &told, sizeof told) != sizeof told) {
        _exit(4);
    }
}

static void load_lane(void *context) {
    const struct load *load = context;
    struct batch *batch = batch_new(LANE_TAGS, 64);
    for (uint64_t n = load->first;; n++) {
        batch_clear(batch);
        for (uint32_t i = 0; i < LANE_TAGS; i++) {
            struct row row = load_row(load->lane, n, i);
            batch_put(batch, &row);
        }
        if (hist_append(load->historian, &batch, 1, NULL) < 0) {
            _exit(5);
        }
        tell(load->report_fd, load->lane, n);
        if (load->lane == 0 && n % 40 == 0) {
            /* The position is stored by the consumer first. */
            tell(load->report_fd, LANES, batch->seq);
            if (hist_consumer_keep(load->historian, STR("orders"), batch->seq, NULL) < 0) {
                _exit(6);
            }
        }
    }
}

static void child_run(const char *dir, int report_fd, const uint64_t *next) {
    struct hist_options options = {
        .dir = dir, .memory_bytes = LOAD_MEMORY_BYTES, .log_file_bytes = LOAD_LOG_BYTES};
    struct historian *historian = NULL;
    if (hist_open(&options, &historian, NULL) < 0) {
        _exit(3);
    }
    struct load loads[LANES];
    struct thread threads[LANES];
    for (uint32_t i = 0; i < LANES; i++) {
        loads[i] = (struct load){
            .historian = historian, .report_fd = report_fd, .lane = i, .first = next[i]};
        threads[i] = (struct thread){0};
        thread_start(&threads[i], "load", load_lane, &loads[i]);
    }
    for (uint32_t i = 0; i < LANES; i++) {
        thread_join(&threads[i]);
    }
}

/* Reads what the child tells until `moment_ms` have passed, kills it, and reads the rest. */
static void run_and_kill(
    const char *dir, const uint64_t *next, int64_t moment_ns, uint64_t *last, uint64_t *position) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(stdout);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        child_run(dir, ends[1], next);
        _exit(0);
    }
    (void)close(ends[1]);
    const struct clock *clock = clock_system();
    int64_t deadline_ns = clock_mono_ns(clock) + moment_ns;
    struct told told;
    bool alive = true;
    for (;;) {
        int64_t left_ns = deadline_ns - clock_mono_ns(clock);
        if (alive && left_ns <= 0) {
            assert_int_equal(kill(pid, SIGKILL), 0);
            alive = false;
        }
        struct pollfd waiting = {.fd = ends[0], .events = POLLIN};
        int ready = poll(&waiting, 1, alive ? (int)(left_ns / NS_PER_MS) + 1 : -1);
        if (ready <= 0) {
            continue;
        }
        ssize_t got = read(ends[0], &told, sizeof told);
        if (got == 0) {
            break;
        }
        assert_int_equal(got, sizeof told);
        assert_true(told.lane <= LANES);
        if (told.lane == LANES) {
            *position = told.number;
        } else {
            last[told.lane] = told.number;
        }
    }
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Rows of one tag from `from` on stand one behind the other; returns the number behind the last. */
static uint64_t tag_follow(
    struct historian *historian, uint64_t lane, uint32_t index, uint64_t from) {
    struct row first = load_row(lane, from, index);
    struct hist_scan_options options = {
        .tag = first.tag, .from_ns = first.time_ns, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    struct hist_rows rows;
    uint64_t next = from;
    int rc = 0;
    while ((rc = hist_scan_next(scan, &rows, &err)) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            struct row want = load_row(lane, next, index);
            if (rows.time_ns[i] != want.time_ns) {
                fail_msg("tag %u: after number %llu comes time %lld", want.tag,
                    (unsigned long long)next, (long long)rows.time_ns[i]);
            }
            assert_int_equal(rows.type, want.type);
            assert_true(want.type == TYPE_TEXT ? str_eq(rows.text[i], str_of(want.text))
                                               : rows.f64[i] == want.value.f64);
            next++;
        }
    }
    expect_ok(rc, &err);
    hist_scan_close(scan);
    return next;
}

static void no_damage(void *context, const struct err *what) {
    (void)context;
    if (what->code != ERR_PARTIAL) {
        expect_ok(-1, what);
    }
}

/* Each batch behind the consumer's position comes once, in order. */
static void position_judge(struct historian *historian, uint64_t position) {
    struct hist_replay *replay = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_replay_open(historian, position, &replay, &err), &err);
    const struct batch *batch = NULL;
    uint64_t expected = position + 1;
    int rc = 0;
    while ((rc = hist_replay_next(replay, &batch, &err)) > 0) {
        assert_int_equal(batch->seq, expected++);
        assert_int_equal(batch->count, LANE_TAGS);
    }
    expect_ok(rc, &err);
    assert_int_equal(expected, hist_seq(historian) + 1);
    hist_replay_close(replay);
}

/* Compares with what was told; moves `next` behind what is there. */
static void kill_judge(
    const char *dir, uint64_t from_first, uint64_t *next, const uint64_t *last, uint64_t position) {
    struct hist_options options = {.dir = dir,
        .memory_bytes = LOAD_MEMORY_BYTES,
        .log_file_bytes = LOAD_LOG_BYTES,
        .no_thread = true};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    hist_notices(historian, no_damage, NULL);
    for (uint64_t lane = 0; lane < LANES; lane++) {
        uint64_t from = from_first > 0 ? from_first : next[lane];
        uint64_t there = tag_follow(historian, lane, 0, from);
        for (uint32_t i = 1; i < LANE_TAGS; i++) {
            assert_int_equal(tag_follow(historian, lane, i, from), there);
        }
        if (there <= last[lane] || there > last[lane] + 2) {
            fail_msg("lane %u: acknowledged up to %llu, there up to %llu", (unsigned)lane,
                (unsigned long long)last[lane], (unsigned long long)there - 1);
        }
        next[lane] = there;
    }
    position_judge(historian, position);
    hist_close(historian);
}

static void what_was_acknowledged_under_load_survives_kill_9_once(void **state) {
    (void)state;
    struct place place;
    place_new(&place);
    uint32_t kills = runs_wanted("MARU_CRASH_KILLS", 20);
    uint64_t next[LANES] = {1, 1, 1};
    uint64_t last[LANES] = {0};
    uint64_t position = 0;
    struct random random;
    random_seed_system(&random); // A kill is never the same twice.
    struct historian *historian = life_open(place.live, LOAD_MEMORY_BYTES, false);
    assert_int_equal(hist_consumer_keep(historian, STR("orders"), 0, NULL), 0);
    hist_close(historian);
    for (uint32_t i = 0; i < kills; i++) {
        trying("kill %u of %u", i + 1, kills);
        int64_t moment_ns = (int64_t)random_below(&random, i % 4 == 0 ? 5 : 90) * NS_PER_MS;
        run_and_kill(place.live, next, moment_ns, last, &position);
        kill_judge(place.live, 0, next, last, position);
        for (uint32_t lane = 0; lane < LANES; lane++) {
            last[lane] = next[lane] - 1; // What was there at an opening stays.
        }
    }
    kill_judge(place.live, 1, next, last, position); // All of it, from the first.
    verify_clean(place.live);
    trying_done();
    tell_counts("kills %u acknowledged %llu lost 0 twice 0", kills,
        (unsigned long long)(last[0] + last[1] + last[2]));
    assert_true(last[0] + last[1] + last[2] > kills);
    place_free(&place);
}

/* ---- Clock ---- */

static void a_clock_that_jumps_changes_nothing_that_is_stored(void **state) {
    (void)state;
    struct place place;
    place_new(&place);
    struct clock_fake fake;
    clock_fake_init(&fake, TEST_T0);
    struct life life;
    life_init(&life, NULL, 51);
    struct hist_options options = {.clock = &fake.clock,
        .dir = place.live,
        .memory_bytes = 1 << 20,
        .log_file_bytes = 1500,
        .no_thread = true};
    static const int64_t years[] = {10, -40, 170, 0, -5};
    for (uint32_t n = 0; n < 5; n++) {
        struct historian *historian = NULL;
        struct err err = ERR_INIT;
        expect_ok(hist_open(&options, &historian, &err), &err);
        for (uint32_t i = 0; i < 20; i++) {
            int64_t jump_ns = years[(n + i) % 5] * 365 * 86400 * NS_PER_S;
            atomic_store(&fake.wall_ns, TEST_T0 + jump_ns);
            life_appends(&life, historian, 1);
            atomic_fetch_add(&fake.mono_ns, i % 2 == 0 ? 0 : 100 * NS_PER_S);
            assert_true(i % 6 != 5 || hist_seal(historian, NULL) >= 0);
        }
        life_compare(&life, historian, place.live, life_position(&life), true);
        assert_true(hist_merge(historian, NULL) >= 0);
        life_compare(&life, historian, place.live, life_position(&life), true);
        hist_close(historian);
    }
    verify_clean(place.live);
    life_fini(&life);
    place_free(&place);
}

/* ---- Two processes ---- */

static void a_second_process_is_refused_in_words_until_the_first_is_gone(void **state) {
    (void)state;
    struct place place;
    place_new(&place);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(stdout);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct historian *historian = life_open(place.live, 1 << 20, true);
        struct row row = row_f64(1, TEST_T0, 1);
        history_append(historian, &row, 1);
        tell(ends[1], 0, 1);
        for (;;) {
            (void)pause();
        }
    }
    struct told told;
    assert_int_equal(read(ends[0], &told, sizeof told), sizeof told);
    struct hist_options options = {.dir = place.live, .no_thread = true};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(hist_open(&options, &historian, &err), -ERR_LOCKED);
    for (int lang = 0; lang < 2; lang++) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&err, lang == 0 ? LANG_EN : LANG_KO, &words);
        assert_non_null(strstr(buf_z(&words), place.live));
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    historian = life_open(place.live, 1 << 20, false);
    assert_int_equal(hist_seq(historian), 1);
    hist_close(historian);
    (void)close(ends[0]);
    (void)close(ends[1]);
    place_free(&place);
}

/* ---- A copy while it is written ---- */

struct copier {
    const struct place *place;
    uint32_t vanished;
};

static int copy_file(void *context, const char *name, struct err *err) {
    (void)err;
    struct copier *copier = context;
    char from_path[256];
    char to_path[256];
    (void)snprintf(from_path, sizeof from_path, "%s/%s", copier->place->live, name);
    (void)snprintf(to_path, sizeof to_path, "%s/%s", copier->place->cut, name);
    int from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        copier->vanished++;
        return 0;
    }
    int to = open(to_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(to >= 0);
    char bytes[777]; // Small and odd: writes go on between any two reads.
    ssize_t got = 0;
    while ((got = read(from, bytes, sizeof bytes)) > 0) {
        assert_int_equal(write(to, bytes, (size_t)got), got);
    }
    assert_int_equal(got, 0);
    assert_int_equal(close(from), 0);
    assert_int_equal(close(to), 0);
    return 0;
}

static uint64_t manifest_sum(const char *dir) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/manifest", dir);
    char bytes[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, bytes, sizeof bytes) : 0;
    (void)close(fd);
    uint64_t sum = 1;
    for (ssize_t i = 0; i < size; i++) {
        sum = sum * 1099511628211ULL + (uint8_t)bytes[i];
    }
    return sum;
}

struct copied_writer {
    struct life *life;
    struct historian *historian;
    uint32_t lane;
    _Atomic bool stop;
    bool failed;
};

static void write_until_stopped(void *context) {
    struct copied_writer *writer = context;
    uint32_t count = 0;
    while (!atomic_load(&writer->stop) && count++ < 1500) {
        writer->failed |= life_append(writer->life, writer->historian, writer->lane, 8) < 0;
    }
}

/* Which deeds were acknowledged by now. */
static uint8_t *ended_now(struct life *life) {
    mutex_lock(&life->mutex);
    uint8_t *ended = mem_zero(life->count + 1, 1);
    for (uint32_t i = 0; i < life->count; i++) {
        ended[i] = life->deeds[i].end != LIFE_NEVER ? 1 : 2;
    }
    mutex_unlock(&life->mutex);
    return ended; // Ends with a zero.
}

static void count_damage(void *context, const struct err *what) {
    (void)what;
    ++*(uint32_t *)context;
}

/* Copies as a careful copier does: until the manifest was the same before and after, and what was
 * copied is whole. Returns what had been acknowledged when that copy began. */
static uint8_t *copy_whole(const struct place *place, struct life *life, uint32_t *tries) {
    for (uint32_t n = 0; n < 1000; n++) {
        ++*tries;
        (void)dir_remove_all(place->cut, NULL);
        assert_int_equal(dir_create(files_system(), place->cut, NULL), 0);
        uint8_t *ended = ended_now(life);
        uint64_t sum = manifest_sum(place->live);
        struct copier copier = {.place = place};
        assert_int_equal(dir_each(place->live, copy_file, &copier, NULL), 0);
        if (manifest_sum(place->live) == sum && manifest_sum(place->cut) == sum) {
            struct hist_verify_report report = {.damaged = 0};
            uint32_t damaged = 0;
            struct err err = ERR_INIT;
            expect_ok(hist_verify(NULL, place->cut, count_damage, &damaged, &report, &err), &err);
            if (damaged == 0) {
                return ended;
            }
        }
        mem_free(ended);
    }
    fail_msg("no whole copy in 1000 tries");
    return NULL;
}

/* Everything that was acknowledged before the copy began is in it. */
static void copy_judge(const struct place *place, struct life *life, const uint8_t *ended) {
    struct life then;
    mutex_lock(&life->mutex);
    life_branch(life, LIFE_NEVER - 1, &then);
    mutex_unlock(&life->mutex);
    bool before = true;
    for (uint32_t i = 0; i < then.count; i++) {
        before = before && ended[i] != 0;
        if (!before || ended[i] != 1) {
            then.deeds[i].end = LIFE_NEVER;
            then.deeds[i].seq = 0;
        }
    }
    life_check(&then, place->cut, 0, true);
    life_fini(&then);
}

static void a_folder_copied_while_it_is_written_has_all_from_before(void **state) {
    (void)state;
    struct place place;
    place_new(&place);
    struct life life;
    life_init(&life, NULL, 61);
    struct historian *historian = life_open(place.live, 64 << 10, true);
    struct copied_writer writers[LANES];
    struct thread threads[LANES];
    for (uint32_t i = 0; i < LANES; i++) {
        writers[i] = (struct copied_writer){.life = &life, .historian = historian, .lane = i + 1};
        threads[i] = (struct thread){0};
        thread_start(&threads[i], "writer", write_until_stopped, &writers[i]);
    }
    uint32_t copies = runs_wanted("MARU_CRASH_COPIES", 4);
    uint32_t tries = 0;
    for (uint32_t n = 0; n < copies; n++) {
        uint8_t *ended = copy_whole(&place, &life, &tries);
        trying("copy %u", n);
        copy_judge(&place, &life, ended);
        mem_free(ended);
        trying_done();
    }
    for (uint32_t i = 0; i < LANES; i++) {
        atomic_store(&writers[i].stop, true);
        thread_join(&threads[i]);
        assert_false(writers[i].failed);
    }
    hist_close(historian);
    tell_counts("copies %u tries %u", copies, tries);
    life_fini(&life);
    place_free(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            what_was_acknowledged_under_load_survives_kill_9_once, trying_print),
        cmocka_unit_test_teardown(a_clock_that_jumps_changes_nothing_that_is_stored, trying_print),
        cmocka_unit_test(a_second_process_is_refused_in_words_until_the_first_is_gone),
        cmocka_unit_test_teardown(
            a_folder_copied_while_it_is_written_has_all_from_before, trying_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
