/*
 * Histories that hold every form of a column, every kind of block and the states of a log, as
 * machines and people bring them about. Two are written block by block, so that each form surely
 * occurs; the others by the historian's own doors.
 */
#include "support_golden.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/mem.h"
#include "historian/manifest.h"
#include "historian/segment_write.h"
#include "historian/wal_code.h"
#include "support_history.h"

enum { ROWS_MAX = 8400, TEXT_MAX = 64, LOG_TAIL_BYTES = 64 };

/* ---- Blocks ---- */

/* One tag's rows, to be filled by a shape. */
struct shape {
    struct random random;
    uint32_t count;
    uint8_t type;
    int64_t time_ns[ROWS_MAX];
    bits64 value[ROWS_MAX];
    struct str text[ROWS_MAX];
    uint8_t types[ROWS_MAX];
    uint32_t status[ROWS_MAX];
    uint8_t flags[ROWS_MAX];
    char bytes[ROWS_MAX][TEXT_MAX];
    bool has_text;
    bool has_types;
    bool has_status;
    bool has_flags;
};

static void shape_f64(struct shape *shape, uint32_t i, double value) {
    shape->value[i] = bits_of_f64(value);
}

static void shape_text(struct shape *shape, uint32_t i, const char *prefix, uint64_t number) {
    (void)snprintf(shape->bytes[i], TEXT_MAX, "%s%llu", prefix, (unsigned long long)number);
    shape->text[i] = str_of(shape->bytes[i]);
    shape->has_text = true;
}

static void shape_integers(struct shape *shape, uint32_t which) {
    struct random *random = &shape->random;
    shape->type = TYPE_I64;
    for (uint32_t i = 0; i < shape->count; i++) {
        uint64_t noise = random_u64(random);
        int64_t wave = (int64_t)((uint64_t)(i % 23) * 7919 % 1000 * 1000);
        switch (which) {
        case 2: shape->value[i] = 41 + 3 * (uint64_t)i; break;                 // Step.
        case 3: shape->value[i] = 3 + i / 37 * 5 % 4; break;                   // Runs.
        case 4: shape->value[i] = 1000000 + noise % 7; break;                  // Bits, offset.
        case 5: shape->value[i] = i % 50 == 7 ? noise >> 8 : noise % 5; break; // Patches.
        case 6: shape->value[i] = 5000 + noise % 13 * 1000; break;             // Unit.
        case 7: shape->value[i] = (noise >> 8) % 4 * 0x5A0000D0ULL + noise % 4; break; // Planes.
        case 8: shape->value[i] = (uint64_t)wave + noise % 3; break;                   // Lag 23.
        case 23:
            shape->value[i] = i % 40 == 9 ? 0 - (noise >> 20) : 4 + noise % 3;
            break; // Folded signs.
        case 25: shape->value[i] = i % 3 == 0 ? (uint64_t)INT64_MIN : noise | 1; break; // 64 bits.
        default:
            shape->type = TYPE_BOOL;
            shape->value[i] = noise >> 63;
            break;
        }
    }
}

static void shape_doubles(struct shape *shape, uint32_t which) {
    struct random *random = &shape->random;
    shape->type = TYPE_F64;
    for (uint32_t i = 0; i < shape->count; i++) {
        uint64_t noise = random_u64(random);
        double unit = (double)(noise >> 11) * 0x1p-53;
        switch (which) {
        case 1: shape_f64(shape, i, 21.4); break;
        case 9: shape_f64(shape, i, (double)((int64_t)(noise % 401) - 200) / 100); break;
        case 10:
            shape_f64(shape, i, (double)(noise % 90) / 10);
            shape->value[i] = i % 40 == 3   ? bits_of_f64((double)NAN) ^ (noise & 0xFFFF)
                              : i % 40 == 9 ? bits_of_f64(-0.0)
                                            : shape->value[i];
            break;
        case 11: shape_f64(shape, i, (double)(float)(unit * 3e-7 - 1e-7)); break;
        case 12: shape_f64(shape, i, unit * 2 - 1); break;
        case 13:
            shape_f64(shape, i,
                i % 40 == 5 ? unit : (double)(1 + noise % 999) / (noise % 2 == 0 ? 1e9 : 1e3));
            break;
        case 24: shape_f64(shape, i, noise % 2 == 0 ? (double)INFINITY : -(double)INFINITY); break;
        case 26: shape->value[i] = noise % 5; break; // The smallest numbers there are.
        default: shape_f64(shape, i, (double)(i / 5 % 40) / 8 - 2); break;
        }
    }
}

static void shape_texts(struct shape *shape, uint32_t which) {
    static const char *const words[] = {"", "정상", "stop", "line \"1\"\n\\", "ok"};
    shape->type = TYPE_TEXT;
    for (uint32_t i = 0; i < shape->count; i++) {
        if (which == 14) {
            (void)snprintf(shape->bytes[i], TEXT_MAX, "%s", words[random_below(&shape->random, 5)]);
            shape->text[i] = str_of(shape->bytes[i]);
        } else {
            shape_text(shape, i, "LOT-2025-01-", random_below(&shape->random, 40));
        }
    }
    shape->has_text = true;
}

/* Times that repeat, corrections among them. */
static void shape_versions(struct shape *shape) {
    for (uint32_t i = 0; i < shape->count; i++) {
        shape->time_ns[i] = TEST_T0 + (int64_t)(i / 3) * NS_PER_S;
        shape->flags[i] = i % 7 == 2 ? SAMPLE_CORRECTION : i % 7 == 3 ? SAMPLE_LATE : 0;
    }
    shape->has_flags = true;
}

static void shape_marks(struct shape *shape) {
    static const uint32_t codes[] = {0, 0, 0, 0x40940000U, 0x80050000U, 0x803C0000U};
    for (uint32_t i = 0; i < shape->count; i++) {
        shape->status[i] = codes[random_below(&shape->random, 6)];
        shape->flags[i] = random_below(&shape->random, 4) == 0 ? SAMPLE_SOURCE_TIME : 0;
    }
    shape->has_status = true;
    shape->has_flags = true;
}

static void shape_mixed(struct shape *shape) {
    for (uint32_t i = 0; i < shape->count; i++) {
        shape->types[i] = (uint8_t)(TYPE_F64 + random_below(&shape->random, 4));
        shape->text[i] = STR_NONE;
        switch (shape->types[i]) {
        case TYPE_F64: shape_f64(shape, i, (double)i / 4); break;
        case TYPE_I64: shape->value[i] = 0 - (uint64_t)i; break;
        case TYPE_BOOL: shape->value[i] = i % 2; break;
        default:
            shape->value[i] = 0;
            shape_text(shape, i, "step ", i);
            break;
        }
    }
    shape->has_types = true;
    shape->has_text = true;
}

/* More versions of one time than a block holds, between ordinary rows. */
static void shape_split(struct shape *shape) {
    for (uint32_t i = 0; i < shape->count; i++) {
        uint32_t second = i < 20 ? i : i < 8320 ? 20 : i - 8299;
        shape->time_ns[i] = TEST_T0 + (int64_t)second * NS_PER_S;
        shape->value[i] = bits_of_f64((double)(i / 500));
    }
}

static uint32_t shape_rows(uint32_t tag) {
    switch (tag) {
    case 1: return 40;
    case 2: return 40;
    case 3: return 300;
    case 7: return 300;
    case 8: return 620;
    case 20: return 8380;
    case 21: return 800;
    case 28: return 320;
    default: return 120;
    }
}

enum { SHAPE_LAST = 28 };

static void shape_fill(struct shape *shape, uint32_t tag) {
    memset(shape, 0, sizeof *shape);
    random_seed(&shape->random, 1000 + tag);
    shape->count = shape_rows(tag);
    for (uint32_t i = 0; i < shape->count; i++) {
        int64_t step_ns = tag == 21 ? NS_PER_S / 8 : NS_PER_S;
        int64_t jitter_ns = tag == 22 ? (int64_t)random_below(&shape->random, 900) * NS_PER_MS : 0;
        int64_t start_ns = tag == 27 ? -60 * NS_PER_S : TEST_T0; // Across the year 1970.
        int64_t gap_ns = tag == 28 && i >= 160 ? 1000 * NS_PER_S : 0;
        shape->time_ns[i] = start_ns + (int64_t)i * step_ns + jitter_ns + gap_ns;
    }
    if (tag == 14 || tag == 15) {
        shape_texts(shape, tag);
    } else if ((tag >= 2 && tag <= 8) || tag == 16 || tag == 23 || tag == 25) {
        shape_integers(shape, tag);
    } else {
        shape_doubles(shape, tag);
    }
    switch (tag) {
    case 17: shape_mixed(shape); break;
    case 18: shape_marks(shape); break;
    case 19: shape_versions(shape); break;
    case 20: shape_split(shape); break;
    default: break;
    }
}

static struct run shape_run(const struct shape *shape, uint32_t from, uint32_t to) {
    struct run run = {.time = shape->time_ns + from,
        .value = shape->value + from,
        .text = shape->has_text ? shape->text + from : NULL,
        .types = shape->has_types ? shape->types + from : NULL,
        .status = shape->has_status ? shape->status + from : NULL,
        .flags = shape->has_flags ? shape->flags + from : NULL,
        .count = to - from,
        .type = shape->type,
        .strict = true};
    for (uint32_t i = from + 1; i < to; i++) {
        run.strict = run.strict && shape->time_ns[i] > shape->time_ns[i - 1];
    }
    return run;
}

/* A history of one segment with a tag for each shape. */
static void make_forms(const char *dir, bool draft) {
    AUTO_FREE struct shape *shape = mem_alloc(sizeof *shape);
    struct err err = ERR_INIT;
    struct segment_plan plan = {
        .files = files_system(), .dir = dir, .id = 1, .seq_low = 1, .seq_high = 9, .draft = draft};
    struct segment_writer *writer = NULL;
    expect_ok(segment_writer_open(&plan, &writer, &err), &err);
    for (uint32_t tag = 1; tag <= SHAPE_LAST; tag++) {
        shape_fill(shape, tag);
        if (draft && (tag < 4 || tag > 13)) {
            continue; // There both write the same.
        }
        for (uint32_t at = 0; at < shape->count; at += BLOCK_ROWS) {
            uint32_t to = shape->count < at + BLOCK_ROWS ? shape->count : at + BLOCK_ROWS;
            struct run run = shape_run(shape, at, to);
            expect_ok(segment_writer_add(writer, tag, &run, &err), &err);
        }
    }
    expect_ok(segment_writer_finish(writer, &err), &err);
    segment_writer_free(writer);
    struct manifest manifest;
    manifest_init(&manifest);
    manifest.sealed_seq = 9;
    manifest.next_segment = 2;
    manifest.segments = MEM_ARRAY(uint64_t, 1);
    manifest.segments[0] = 1;
    manifest.segment_count = 1;
    expect_ok(manifest_write(files_system(), dir, &manifest, &err), &err);
    manifest_fini(&manifest);
}

/* ---- Copies of a history at work ---- */

struct copying {
    const char *from;
    const char *to;
};

/* A log file ends with zeros made ahead: some are enough. */
static size_t without_ahead(const char *name, const uint8_t *data, size_t size) {
    size_t end = size;
    while (end > 0 && data[end - 1] == 0) {
        end--;
    }
    bool log = str_starts(str_of(name), STR("wal-"));
    return log && size > end + LOG_TAIL_BYTES ? end + LOG_TAIL_BYTES : size;
}

static int copy_file(void *context, const char *name, struct err *err) {
    const struct copying *copying = context;
    char path[256];
    if (strcmp(name, "lock") == 0 || str_starts(str_of(name), STR("spare-"))) {
        return 0;
    }
    (void)snprintf(path, sizeof path, "%s/%s", copying->from, name);
    AUTO_CLOSE int from = -1;
    AUTO_CLOSE int to = -1;
    uint64_t size = 0;
    expect_ok(file_open(files_system(), path, FILE_READ, &from, err), err);
    expect_ok(file_size(from, path, &size, err), err);
    AUTO_FREE uint8_t *data = mem_alloc(size + 1);
    expect_ok(file_read_at(from, path, 0, data, size, err), err);
    (void)snprintf(path, sizeof path, "%s/%s", copying->to, name);
    expect_ok(file_open(files_system(), path, FILE_CREATE_NEW, &to, err), err);
    return file_write_at(files_system(), to, path, 0, data, without_ahead(name, data, size), err);
}

static void copy_history(const char *from, const char *to) {
    struct copying copying = {.from = from, .to = to};
    struct err err = ERR_INIT;
    expect_ok(dir_each(from, copy_file, &copying, &err), &err);
}

/* ---- A history that lived ---- */

static struct historian *open_small(const char *dir) {
    struct hist_options options = {.dir = dir, .no_thread = true, .log_file_bytes = 2048};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_open(&options, &historian, &err), &err);
    return historian;
}

static void append_random(struct historian *historian, struct random *random, int64_t *now_ns,
    uint32_t batches, uint32_t rows) {
    for (uint32_t i = 0; i < batches; i++) {
        AUTO_BATCH struct batch *batch = batch_new(rows, rows * 24);
        batch->source = 1 + i % 3;
        batch->request_ns = *now_ns;
        batch->reply_ns = *now_ns + 1500000;
        for (uint32_t j = 0; j < rows; j++) {
            struct row row = model_random_row(random, now_ns);
            batch_put(batch, &row);
        }
        struct err err = ERR_INIT;
        expect_ok(hist_append(historian, &batch, 1, &err), &err);
    }
}

/* Segments over each other, one merged from others, expired rows, consumers, rows in the log. */
static void make_lived(const char *dir) {
    char work[128];
    folder_new(work);
    struct historian *historian = open_small(work);
    struct random random;
    struct err err = ERR_INIT;
    random_seed(&random, 77);
    int64_t now_ns = TEST_T0;
    for (int round = 0; round < 4; round++) {
        append_random(historian, &random, &now_ns, 4, 30);
        expect_ok(hist_seal(historian, &err), &err);
        if (round == 2) {
            expect_ok(hist_merge(historian, &err), &err);
        }
    }
    expect_ok(hist_consumer_keep(historian, STR("counter"), hist_seq(historian), &err), &err);
    expect_ok(hist_expire(historian, 2, TEST_T0 + 60 * NS_PER_S, &err), &err);
    expect_ok(hist_expire(historian, 0, TEST_T0 + 10 * NS_PER_S, &err), &err);
    append_random(historian, &random, &now_ns, 3, 30);
    copy_history(work, dir);
    hist_close(historian);
    folder_remove(work);
}

/* ---- Logs ---- */

/* A line of machines read at one time; every fourth row refused by a rule, where asked. */
static void append_line(
    struct historian *historian, int64_t second, uint32_t tags, bool drops, bool texts) {
    AUTO_BATCH struct batch *batch = batch_new(tags, tags * 24);
    batch->source = 7;
    batch->request_ns = TEST_T0 + second * NS_PER_S;
    batch->reply_ns = batch->request_ns + 900000;
    for (uint32_t i = 0; i < tags; i++) {
        double value =
            i == 13 ? 1.0 / 3 : (double)(second * 10 + i) / 4; // One is no short decimal.
        struct row row = row_f64(1 + i, TEST_T0 + second * NS_PER_S, value);
        row.flags = drops && i % 4 == 1 ? SAMPLE_DROP : drops && i % 4 == 2 ? SAMPLE_LATE : 0;
        row.status = drops && i % 4 == 3 ? 0x80050000U : 0;
        if (texts && i % 3 == 0) {
            row.type = TYPE_TEXT;
            (void)snprintf(row.text, sizeof row.text, "품번-%lld", (long long)second);
        }
        batch_put(batch, &row);
    }
    struct err err = ERR_INIT;
    expect_ok(hist_append(historian, &batch, 1, &err), &err);
}

/* Several batches in one frame. */
static void append_together(struct historian *historian, int64_t second) {
    struct batch *batches[3];
    struct err err = ERR_INIT;
    for (uint32_t i = 0; i < 3; i++) {
        batches[i] = batch_new(4, 0);
        for (uint32_t j = 0; j < 4; j++) {
            struct row row = row_f64(30 + i, TEST_T0 + (second + j) * NS_PER_S, (double)j);
            row.type = i == 1 ? TYPE_I64 : TYPE_F64;
            row.value.i64 = i == 1 ? -(int64_t)j : row.value.i64;
            batch_put(batches[i], &row);
        }
    }
    expect_ok(hist_append(historian, batches, 3, &err), &err);
    for (uint32_t i = 0; i < 3; i++) {
        batch_free(batches[i]);
    }
}

/* A file that was filled fast is let go and written over: plain and general batches, drops, texts,
 * frames of several batches, and old frames behind the last one. */
static void make_logs(const char *dir) {
    char work[128];
    folder_new(work);
    struct historian *historian = open_small(work);
    struct err err = ERR_INIT;
    for (int64_t second = 0; second < 48; second++) {
        append_line(historian, second, 25, false, false);
    }
    expect_ok(hist_seal(historian, &err), &err);
    for (int64_t second = 48; second < 58; second++) {
        append_line(historian, second, 20, second % 3 == 1, second % 3 == 2);
        if (second % 5 == 0) {
            append_together(historian, second);
        }
    }
    copy_history(work, dir);
    hist_close(historian);
    folder_remove(work);
}

static int cut_log(void *context, const char *name, struct err *err) {
    const char *dir = context;
    char path[256];
    if (!str_starts(str_of(name), STR("wal-"))) {
        return 0;
    }
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int rc = file_open(files_system(), path, FILE_WRITE, &fd, err);
    rc = rc < 0 ? rc : file_size(fd, path, &size, err);
    return rc < 0 ? rc : file_truncate(files_system(), fd, path, size - LOG_TAIL_BYTES - 40, err);
}

/* The power went while the last frame was being written. */
static void make_torn(const char *dir) {
    char work[128];
    folder_new(work);
    struct historian *historian = history_open(work, NULL);
    for (int64_t second = 0; second < 4; second++) {
        append_line(historian, second, 12, second == 1, second == 2);
    }
    struct err err = ERR_INIT;
    char path[128];
    (void)str_copy_z(str_of(dir), path, sizeof path);
    copy_history(work, dir);
    expect_ok(dir_each(dir, cut_log, path, &err), &err);
    hist_close(historian);
    folder_remove(work);
}

void golden_make(const char *dir) {
    for (size_t i = 0; golden_names[i] != NULL; i++) {
        char path[256];
        struct err err = ERR_INIT;
        (void)snprintf(path, sizeof path, "%s/%s", dir, golden_names[i]);
        expect_ok(dir_create(files_system(), path, &err), &err);
        switch (i) {
        case 0: make_forms(path, false); break;
        case 1: make_forms(path, true); break;
        case 2: make_lived(path); break;
        case 3: make_logs(path); break;
        default: make_torn(path); break;
        }
    }
}
