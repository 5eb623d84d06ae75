/*
 * Doing deeds to a history and judging what is left of them.
 *
 * What was under way at a cut is looked up by its mark; then the model of the historian's own tests
 * (every version in a list) is built from the deeds that are there, and must agree in every row,
 * version, status and order: half a batch, a doubled row or a foreign one cannot pass.
 */
#include "support_life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "historian/manifest.h"

enum {
    MARK_TAG = 5, // Lane 0; lanes 1 to 3 share the next two, by their own times.
    LANES = 4,
    TAGS = 7,
    LOG_FILE_BYTES = 1500, // Small, so that files are let go and written over.
};
#define MARK_T0 (TEST_T0 + 5000000 * NS_PER_S)

static char now_trying[512];
static bool is_trying;
static struct life trying_life; // A copy: the test's own is gone when it has failed.
static uint32_t trying_position;

void trying(const char *format, ...) {
    va_list list;
    va_start(list, format);
    (void)vsnprintf(now_trying, sizeof now_trying, format, list);
    va_end(list);
    is_trying = true;
    trying_life.disk = NULL;
}

void trying_cut(const struct life *life, const struct disk_cut *cut) {
    static const char *const ways[] = {"nothing", "all", "torn", "alone", "random"};
    trying("a cut after operation %u (%s), of what was not synced: %s, cut %llu, seed %llu",
        cut->position, disk_step_name(life->disk, cut->position - 1), ways[cut->way],
        (unsigned long long)cut->cut, (unsigned long long)cut->seed);
    trying_life = *life;
    trying_position = cut->position;
}

static void tell_life(const struct life *life, uint32_t position) {
    static const char *const kinds[] = {"append", "expire", "keep"};
    for (uint32_t i = 0; i < life->count && life->deeds[i].begin <= position; i++) {
        const struct deed *deed = &life->deeds[i];
        (void)fprintf(stderr,
            "deed %u: %s rows %u begun %u acknowledged %d absent %d number %llu\n", i,
            kinds[deed->kind], deed->row_count, deed->begin, (int)deed->end, (int)deed->absent,
            (unsigned long long)deed->seq);
    }
    disk_tell(life->disk, position > 80 ? position - 80 : 0, position);
}

int trying_print(void **state) {
    (void)state;
    if (is_trying) {
        (void)fprintf(stderr, "while trying: %s\n", now_trying);
    }
    if (is_trying && trying_life.disk != NULL) {
        tell_life(&trying_life, trying_position);
    }
    is_trying = false;
    return 0;
}

void trying_done(void) {
    is_trying = false;
}

uint32_t runs_wanted(const char *variable, uint32_t otherwise) {
    const char *text = getenv(variable);
    int64_t wanted = 0;
    return text != NULL && str_to_i64(str_of(text), &wanted) && wanted > 0 ? (uint32_t)wanted
                                                                           : otherwise;
}

void tell_counts(const char *format, ...) {
    va_list list;
    va_start(list, format);
    (void)printf("counts ");
    (void)vprintf(format, list);
    (void)printf("\n");
    (void)fflush(stdout);
    va_end(list);
}

/* ---- Deeds ---- */

void life_init(struct life *life, struct disk *disk, uint64_t seed) {
    *life = (struct life){.disk = disk, .now_ns = TEST_T0};
    mutex_init(&life->mutex);
    model_init(&life->rows);
    random_seed(&life->random, seed);
}

void life_fini(struct life *life) {
    mutex_fini(&life->mutex);
    model_fini(&life->rows);
    mem_free(life->deeds);
}

uint32_t life_position(struct life *life) {
    return life->disk != NULL ? disk_count(life->disk) : life->count;
}

/* Under the lock. */
static uint32_t deed_add(struct life *life, const struct deed *deed) {
    if (life->count == life->capacity) {
        life->capacity = life->capacity * 2 + 64;
        life->deeds = mem_resize(life->deeds, life->capacity * sizeof *life->deeds);
    }
    life->deeds[life->count] = *deed;
    life->deeds[life->count].end = LIFE_NEVER;
    life->deeds[life->count].absent = LIFE_NEVER;
    return life->count++;
}

static uint32_t mark_tag(uint32_t lane) {
    return MARK_TAG + lane % 3;
}

static struct row lane_row(struct life *life, uint32_t lane, uint32_t deed, uint32_t index) {
    struct row row = {.tag = lane, .type = TYPE_I64};
    row.time_ns = TEST_T0 + (int64_t)(deed * 1000 + index) * NS_PER_MS;
    row.value.i64 = (int64_t)random_below(&life->random, 50);
    return row;
}

/* Begins an append: its rows are in the model from here on. */
static uint32_t append_begin(struct life *life, uint32_t lane, uint32_t rows, struct batch **made) {
    mutex_lock(&life->mutex);
    struct deed deed = {.kind = LIFE_APPEND,
        .begin = life_position(life),
        .row = life->rows.count,
        .row_count = rows + 1,
        .lane = lane};
    deed.batch_count = rows >= 6 && life->count % 3 == 0 ? 3 : 1;
    uint32_t index = deed_add(life, &deed);
    for (uint32_t i = 0; i < rows; i++) {
        struct row row = lane > 0 ? lane_row(life, lane, index, i)
                                  : model_random_row(&life->random, &life->now_ns);
        model_add(&life->rows, &row);
    }
    struct row mark = row_f64(mark_tag(lane), MARK_T0 + (int64_t)index * NS_PER_S, index);
    model_add(&life->rows, &mark);
    for (uint32_t i = 0; i < deed.batch_count; i++) {
        uint32_t from = deed.row_count * i / deed.batch_count;
        uint32_t to = deed.row_count * (i + 1) / deed.batch_count;
        made[i] = batch_new(to - from, (to - from) * 24);
        for (uint32_t j = from; j < to; j++) {
            batch_put(made[i], &life->rows.rows[deed.row + j]);
        }
    }
    mutex_unlock(&life->mutex);
    return index;
}

static void deed_end(struct life *life, uint32_t index, int rc, uint64_t seq) {
    mutex_lock(&life->mutex);
    if (rc >= 0) {
        life->deeds[index].end = life_position(life);
        life->deeds[index].seq = seq;
    }
    mutex_unlock(&life->mutex);
}

int life_append(struct life *life, struct historian *historian, uint32_t lane, uint32_t rows) {
    struct batch *batches[3] = {NULL};
    uint32_t index = append_begin(life, lane, rows, batches);
    uint32_t count = batches[1] != NULL ? 3 : 1;
    int rc = hist_append(historian, batches, count, NULL);
    deed_end(life, index, rc, batches[count - 1]->seq);
    for (uint32_t i = 0; i < count; i++) {
        batch_free(batches[i]);
    }
    return rc;
}

int life_expire(struct life *life, struct historian *historian, uint32_t tag, int64_t before_ns) {
    struct deed deed = {
        .kind = LIFE_EXPIRE, .begin = life_position(life), .tag = tag, .before_ns = before_ns};
    uint32_t index = deed_add(life, &deed);
    int rc = hist_expire(historian, tag, before_ns, NULL);
    deed_end(life, index, rc, 0);
    return rc;
}

int life_keep(struct life *life, struct historian *historian, const char *name) {
    uint64_t seq = hist_seq(historian);
    struct deed deed = {.kind = LIFE_KEEP, .begin = life_position(life), .name = name, .seq = seq};
    uint32_t index = deed_add(life, &deed);
    int rc = hist_consumer_keep(historian, str_of(name), seq, NULL);
    deed_end(life, index, rc, seq);
    return rc;
}

void life_branch(const struct life *from, uint32_t position, struct life *to) {
    life_init(to, NULL, position + 17);
    to->now_ns = from->now_ns;
    for (uint32_t i = 0; i < from->count; i++) {
        struct deed deed = from->deeds[i];
        if (deed.begin > position) {
            break;
        }
        uint32_t row = to->rows.count;
        for (uint32_t j = 0; deed.kind == LIFE_APPEND && j < deed.row_count; j++) {
            model_add(&to->rows, &from->rows.rows[deed.row + j]);
        }
        uint32_t index = deed_add(to, &deed);
        to->deeds[index].row = row;
        to->deeds[index].begin = 0;
        to->deeds[index].end = deed.end <= position ? 0 : LIFE_NEVER;
        to->deeds[index].absent = deed.absent <= position ? 0 : LIFE_NEVER;
        if (deed.kind == LIFE_APPEND && deed.end > position) {
            to->deeds[index].seq = 0;
        }
    }
}

/* ---- What is there ---- */

static uint32_t scan_count(
    struct historian *historian, uint32_t tag, int64_t from_ns, int64_t to_ns) {
    struct hist_scan_options options = {
        .tag = tag, .from_ns = from_ns, .to_ns = to_ns, .versions = true};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    struct hist_rows rows;
    uint32_t count = 0;
    int rc = 0;
    while ((rc = hist_scan_next(scan, &rows, &err)) > 0) {
        count += rows.count;
    }
    expect_ok(rc, &err);
    hist_scan_close(scan);
    return count;
}

/* Counts each deed's mark; one that no deed made fails. */
static uint8_t *marks_read(const struct life *life, struct historian *historian) {
    uint8_t *there = mem_zero(life->count + 1, 1);
    for (uint32_t tag = MARK_TAG; tag <= TAGS; tag++) {
        struct hist_scan_options options = {
            .tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
        struct hist_scan *scan = NULL;
        struct err err = ERR_INIT;
        expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
        struct hist_rows rows;
        int rc = 0;
        while ((rc = hist_scan_next(scan, &rows, &err)) > 0) {
            for (uint32_t i = 0; i < rows.count; i++) {
                assert_int_equal(rows.type, TYPE_F64);
                uint32_t index = (uint32_t)rows.f64[i];
                assert_true(index < life->count && life->deeds[index].kind == LIFE_APPEND);
                assert_int_equal(rows.time_ns[i], MARK_T0 + (int64_t)index * NS_PER_S);
                there[index]++;
            }
        }
        expect_ok(rc, &err);
        hist_scan_close(scan);
    }
    return there;
}

static void marks_judge(const struct life *life, const uint8_t *there, uint32_t position) {
    for (uint32_t i = 0; i < life->count; i++) {
        const struct deed *deed = &life->deeds[i];
        if (deed->kind != LIFE_APPEND) {
            continue;
        }
        if (there[i] > 1) {
            fail_msg("append %u is there %u times", i, there[i]);
        }
        if (deed->end <= position && there[i] == 0) {
            fail_msg("append %u was acknowledged at %u and is lost", i, deed->end);
        }
        if (there[i] == 1 && (deed->begin > position || deed->absent <= position)) {
            fail_msg("append %u is there: it began at %u and was absent from %u", i, deed->begin,
                deed->absent);
        }
    }
}

static void horizon_raise(struct model *model, const struct deed *deed) {
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        bool meant = deed->tag == tag || (deed->tag == 0 && tag < MARK_TAG);
        if (meant && deed->before_ns > model->horizon_ns[tag]) {
            model->horizon_ns[tag] = deed->before_ns;
        }
    }
}

static bool rows_below(const struct life *life, struct historian *historian, uint32_t own) {
    const struct deed *deed = &life->deeds[own];
    for (uint32_t tag = 1; tag < MARK_TAG; tag++) {
        if ((deed->tag == 0 || deed->tag == tag) &&
            scan_count(historian, tag, INT64_MIN, deed->before_ns) > 0) {
            return true;
        }
    }
    return false;
}

/* The expiries that hold: acknowledged ones, and of open ones those that show. */
static void horizons_judge(
    const struct life *life, struct historian *historian, uint32_t position, struct model *model) {
    for (uint32_t i = 0; i < life->count; i++) {
        const struct deed *deed = &life->deeds[i];
        if (deed->kind != LIFE_EXPIRE || deed->begin > position || deed->absent <= position) {
            continue;
        }
        if (deed->end <= position || !rows_below(life, historian, i)) {
            horizon_raise(model, deed);
        }
    }
}

/* The appends that are there, in order of their numbers. */
static void model_of(const struct life *life, const uint8_t *there, struct model *model) {
    for (uint32_t i = 0; i < life->count; i++) {
        const struct deed *deed = &life->deeds[i];
        for (uint32_t j = 0; deed->kind == LIFE_APPEND && there[i] > 0 && j < deed->row_count;
             j++) {
            model_add(model, &life->rows.rows[deed->row + j]);
        }
    }
}

void life_settle(struct life *life, struct historian *historian) {
    uint32_t position = life_position(life);
    uint8_t *there = marks_read(life, historian);
    for (uint32_t i = 0; i < life->count; i++) {
        struct deed *deed = &life->deeds[i];
        if (deed->end != LIFE_NEVER || deed->absent != LIFE_NEVER || deed->kind == LIFE_KEEP) {
            continue;
        }
        bool is_there = deed->kind == LIFE_APPEND ? there[i] > 0 : !rows_below(life, historian, i);
        if (deed->kind == LIFE_EXPIRE && is_there) {
            /* Perhaps there was nothing to hide; from here on it holds for certain. */
            assert_true(hist_expire(historian, deed->tag, deed->before_ns, NULL) >= 0);
        }
        if (is_there) {
            deed->end = deed->kind == LIFE_EXPIRE ? life_position(life) : position;
        } else {
            deed->absent = position;
        }
    }
    mem_free(there);
}

/* ---- Consumers ---- */

static void batch_is(
    const struct life *life, const struct deed *deed, uint32_t from, const struct batch *batch) {
    assert_true(from + batch->count <= deed->row_count);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct row *want = &life->rows.rows[deed->row + from + i];
        const struct sample *got = &batch->rows[i];
        assert_int_equal(got->tag, want->tag);
        assert_int_equal(got->time_ns, want->time_ns);
        assert_int_equal(got->type, want->type);
        assert_int_equal(got->status, want->status);
        assert_int_equal(got->flags, want->flags);
        if (want->type == TYPE_TEXT) {
            assert_true(str_eq(batch_text(batch, got), str_of(want->text)));
        } else {
            assert_int_equal(got->value.i64, want->value.i64);
        }
    }
}

/* Collects batches until the mark says whose they were. */
struct follow {
    struct batch *batches[3];
    uint32_t count;
};

static void follow_end(const struct life *life, struct follow *follow, uint8_t *seen) {
    const struct batch *last = follow->batches[follow->count - 1];
    const struct sample *mark = &last->rows[last->count - 1];
    assert_true(mark->tag >= MARK_TAG && mark->type == TYPE_F64);
    uint32_t index = (uint32_t)mark->value.f64;
    assert_true(index < life->count && life->deeds[index].batch_count == follow->count);
    uint64_t seq = last->seq;
    uint32_t from = 0;
    for (uint32_t i = 0; i < follow->count; i++) {
        batch_is(life, &life->deeds[index], from, follow->batches[i]);
        from += follow->batches[i]->count;
        batch_free(follow->batches[i]);
    }
    assert_int_equal(from, life->deeds[index].row_count);
    assert_int_equal(seen[index], 0);
    seen[index] = 1;
    if (life->deeds[index].seq > 0) {
        assert_int_equal(seq, life->deeds[index].seq);
    }
    follow->count = 0;
}

static struct batch *batch_copy(const struct batch *from) {
    struct batch *to = batch_new(from->count, from->text_size + 1);
    memcpy(to->rows, from->rows, from->count * sizeof *to->rows);
    if (from->text_size > 0) {
        memcpy(to->text, from->text, from->text_size);
    }
    to->count = from->count;
    to->text_size = from->text_size;
    to->seq = from->seq;
    return to;
}

/* A consumer at `seq` gets each batch above it once, in order, with its rows. */
static void replay_judge(
    const struct life *life, struct historian *historian, uint64_t seq, const uint8_t *there) {
    AUTO_FREE uint8_t *seen = mem_zero(life->count + 1, 1);
    struct hist_replay *replay = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_replay_open(historian, seq, &replay, &err), &err);
    const struct batch *batch = NULL;
    struct follow follow = {.count = 0};
    uint64_t expected = seq + 1;
    int rc = 0;
    while ((rc = hist_replay_next(replay, &batch, &err)) > 0) {
        assert_int_equal(batch->seq, expected++);
        assert_true(batch->count > 0 && follow.count < 3);
        follow.batches[follow.count++] = batch_copy(batch);
        if (batch->rows[batch->count - 1].tag >= MARK_TAG) {
            follow_end(life, &follow, seen);
        }
    }
    expect_ok(rc, &err);
    hist_replay_close(replay);
    assert_int_equal(follow.count, 0);
    assert_int_equal(expected, hist_seq(historian) + 1);
    for (uint32_t i = 0; i < life->count; i++) {
        if (life->deeds[i].kind == LIFE_APPEND && there[i] > 0 && life->deeds[i].seq > seq) {
            assert_int_equal(seen[i], 1);
        }
    }
}

static void consumers_judge(const struct life *life, struct historian *historian, const char *dir,
    uint32_t position, const uint8_t *there) {
    struct manifest manifest;
    struct err err = ERR_INIT;
    int rc = manifest_read(files_system(), dir, &manifest, &err);
    expect_ok(rc, &err);
    static const char *const names[] = {"orders", "counts"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        bool known = false;
        uint64_t furthest = 0;
        for (uint32_t i = 0; i < life->count; i++) {
            const struct deed *deed = &life->deeds[i];
            if (deed->kind == LIFE_KEEP && strcmp(deed->name, names[n]) == 0 &&
                deed->begin <= position) {
                known = known || deed->end <= position;
                furthest = deed->seq > furthest ? deed->seq : furthest;
            }
        }
        bool found = false;
        for (uint32_t i = 0; rc > 0 && i < manifest.consumer_count; i++) {
            if (strcmp(manifest.consumers[i].name, names[n]) == 0) {
                found = true;
                assert_true(manifest.consumers[i].seq <= furthest);
                assert_true(manifest.consumers[i].seq <= hist_seq(historian));
            }
        }
        if (known) {
            assert_true(found);
            replay_judge(life, historian, furthest, there);
        }
    }
    if (rc > 0) {
        manifest_fini(&manifest);
    }
}

/* ---- The whole ---- */

/* A torn tail is what a cut leaves; anything else would be a false alarm. */
static void no_alarm(void *context, const struct err *what) {
    (void)context;
    if (what->code != ERR_PARTIAL || what->notes[0].msg != MSG_LOG_TAIL_CUT) {
        expect_ok(-1, what);
    }
}

void life_compare(struct life *life, struct historian *historian, const char *dir,
    uint32_t position, bool whole) {
    hist_notices(historian, no_alarm, NULL);
    uint64_t seq = 0;
    for (uint32_t i = 0; i < life->count; i++) {
        const struct deed *deed = &life->deeds[i];
        seq =
            deed->kind == LIFE_APPEND && deed->end <= position && deed->seq > seq ? deed->seq : seq;
    }
    assert_true(hist_seq(historian) >= seq);
    AUTO_FREE uint8_t *there = marks_read(life, historian);
    marks_judge(life, there, position);
    struct model model;
    model_init(&model);
    model_of(life, there, &model);
    horizons_judge(life, historian, position, &model);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        model_compare_scan(&model, historian, tag, INT64_MIN, INT64_MAX, true);
        model_compare_scan(&model, historian, tag, INT64_MIN, INT64_MAX, false);
    }
    if (whole) {
        model_compare(&model, historian);
    }
    consumers_judge(life, historian, dir, position, there);
    life->compared += model.count;
    model_fini(&model);
}

static void damaged(void *context, const struct err *what) {
    (void)context;
    expect_ok(-1, what);
}

void verify_clean(const char *dir) {
    struct hist_verify_report report;
    struct err err = ERR_INIT;
    expect_ok(hist_verify(NULL, dir, damaged, NULL, &report, &err), &err);
    assert_int_equal(report.damaged, 0);
}

struct historian *life_open(const char *dir, uint64_t memory_bytes, bool thread) {
    struct hist_options options = {.dir = dir,
        .memory_bytes = memory_bytes,
        .log_file_bytes = LOG_FILE_BYTES,
        .no_thread = !thread};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    return historian;
}

void life_check(struct life *life, const char *dir, uint32_t position, bool whole) {
    struct historian *historian = life_open(dir, 1 << 20, false);
    life_compare(life, historian, dir, position, whole);
    verify_clean(dir);
    struct life more;
    life_branch(life, position, &more);
    life_settle(&more, historian);
    struct err err = ERR_INIT;
    expect_ok(life_append(&more, historian, 0, 3), &err);
    if (position % 2 == 0) {
        expect_ok(hist_seal(historian, &err), &err);
    }
    expect_ok(life_append(&more, historian, 0, 3), &err);
    life_compare(&more, historian, dir, life_position(&more), false);
    hist_close(historian);
    historian = life_open(dir, 1 << 20, false);
    life_compare(&more, historian, dir, life_position(&more), whole);
    hist_close(historian);
    verify_clean(dir);
    life->compared += more.compared;
    life_fini(&more);
}
