/*
 * What a history holds, as text. A row is a line with its value: 16 hexadecimal digits of its bits,
 * or the bytes of a text, quoted. What goes before it holds from there on: `at TIME` where the time
 * is not the one before plus the step before; `type`, `flags`, `status` where they change. `xN`
 * behind it: so many rows like this one.
 */
#include "support_golden.h"

#include <inttypes.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "historian/decoder.h"
#include "historian/manifest.h"
#include "historian/segment.h"
#include "support_history.h"

enum { TAGS = 40, TAG_FAST = 21 }; // The fast one has cells of a minute.

const char *const golden_names[] = {"forms", "draft", "lived", "logs", "torn", NULL};

/* ---- Rows ---- */

struct row_list {
    struct buf *to;
    int64_t time_ns;
    int64_t step_ns;
    uint8_t type;
    uint8_t flags;
    uint32_t status;
    uint32_t times;     // How often the last line was meant.
    struct buf line;    // The last one.
    uint64_t row_count; // In all.
};

static void put_bits(struct buf *to, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    buf_printf(to, " %016" PRIx64, bits);
}

static void put_quoted(struct buf *to, struct str text) {
    buf_put_char(to, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = (uint8_t)text.data[i];
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7F) {
            buf_printf(to, "\\x%02x", byte);
        } else {
            buf_put_char(to, text.data[i]);
        }
    }
    buf_put_char(to, '"');
}

static void list_line_end(struct row_list *list) {
    if (list->times > 0) {
        buf_put_str(list->to, buf_str(&list->line));
    }
    if (list->times > 1) {
        buf_printf(list->to, " x%u", (unsigned)list->times);
    }
    if (list->times > 0) {
        buf_put_char(list->to, '\n');
    }
    buf_clear(&list->line);
    list->times = 0;
}

struct list_row {
    int64_t time_ns;
    uint8_t type;
    uint8_t flags;
    uint32_t status;
    uint64_t bits;
    struct str text;
};

static void list_row(struct row_list *list, const struct list_row *row) {
    AUTO_BUF struct buf line;
    buf_init(&line, 1 << 20);
    bool first = list->row_count == 0;
    int64_t step_ns = (int64_t)((uint64_t)row->time_ns - (uint64_t)list->time_ns);
    if (first || step_ns != list->step_ns) {
        buf_printf(&line, "at %" PRId64 " ", row->time_ns);
    }
    if (first || row->type != list->type) {
        buf_printf(&line, "type %u ", (unsigned)row->type);
    }
    if (first ? row->flags != 0 : row->flags != list->flags) {
        buf_printf(&line, "flags %u ", (unsigned)row->flags);
    }
    if (first ? row->status != 0 : row->status != list->status) {
        buf_printf(&line, "status %08x ", (unsigned)row->status);
    }
    list->step_ns = first ? 0 : step_ns;
    list->time_ns = row->time_ns;
    list->type = row->type;
    list->flags = row->flags;
    list->status = row->status;
    list->row_count++;
    if (row->type == TYPE_TEXT) {
        put_quoted(&line, row->text);
    } else {
        buf_printf(&line, "%016" PRIx64, row->bits);
    }
    if (list->times == 0 || !str_eq(buf_str(&line), buf_str(&list->line))) {
        list_line_end(list);
        buf_put_str(&list->line, buf_str(&line));
    }
    list->times++;
}

static void list_init(struct row_list *list, struct buf *to) {
    *list = (struct row_list){.to = to};
    buf_init(&list->line, 1 << 20);
}

static uint64_t list_fini(struct row_list *list) {
    list_line_end(list);
    buf_fini(&list->line);
    return list->row_count;
}

/* ---- A tag through the historian's own doors ---- */

static uint64_t list_scan(
    struct historian *historian, uint32_t tag, bool versions, struct buf *to) {
    struct hist_scan_options options = {
        .tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = versions};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    struct hist_rows rows;
    struct row_list list;
    list_init(&list, to);
    int rc = 0;
    while ((rc = hist_scan_next(scan, &rows, &err)) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            struct list_row row = {.time_ns = rows.time_ns[i],
                .type = (uint8_t)rows.type,
                .flags = rows.flags != NULL ? rows.flags[i] : 0,
                .status = rows.status != NULL ? rows.status[i] : 0,
                .text = rows.text != NULL ? rows.text[i] : STR_NONE};
            if (rows.f64 != NULL) {
                memcpy(&row.bits, &rows.f64[i], sizeof row.bits);
            } else if (rows.i64 != NULL) {
                row.bits = (uint64_t)rows.i64[i];
            }
            list_row(&list, &row);
        }
    }
    expect_ok(rc, &err);
    hist_scan_close(scan);
    return list_fini(&list);
}

static int list_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)err; // Nothing can fail.
    struct buf *to = context;
    buf_printf(to, "bucket %u %" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64, (unsigned)tag,
        bucket->start_ns, bucket->end_ns, bucket->count, bucket->bad_count);
    put_bits(to, bucket->min);
    put_bits(to, bucket->max);
    put_bits(to, bucket->sum);
    put_bits(to, bucket->sum_low);
    put_bits(to, bucket->first);
    put_bits(to, bucket->last);
    buf_printf(to, " %" PRId64 " %" PRId64 "\n", bucket->first_ns, bucket->last_ns);
    return 0;
}

static void list_buckets(struct historian *historian, uint32_t tag, struct buf *to) {
    static const int64_t widths_ns[] = {0, 3600 * NS_PER_S, 600 * NS_PER_S, 60 * NS_PER_S};
    size_t widths = tag == TAG_FAST ? 4 : tag <= 4 ? 3 : 1;
    for (size_t i = 0; i < widths; i++) {
        struct err err = ERR_INIT;
        struct hist_bucket_query query = {.tags = &tag,
            .tag_count = 1,
            .from_ns = TEST_T0 - 3600 * NS_PER_S,
            .to_ns = TEST_T0 + 3600 * NS_PER_S,
            .every_ns = widths_ns[i]};
        expect_ok(hist_buckets(historian, &query, list_bucket, to, &err), &err);
    }
}

static void list_tag(struct historian *historian, uint32_t tag, struct buf *to) {
    AUTO_BUF struct buf versions;
    AUTO_BUF struct buf winners;
    buf_init(&versions, 16 << 20);
    buf_init(&winners, 16 << 20);
    uint64_t count = list_scan(historian, tag, true, &versions);
    if (count == 0) {
        return;
    }
    buf_printf(to, "tag %u rows %" PRIu64 "\n", (unsigned)tag, count);
    buf_put_str(to, buf_str(&versions));
    count = list_scan(historian, tag, false, &winners);
    if (!str_eq(buf_str(&versions), buf_str(&winners))) {
        buf_printf(to, "tag %u winners %" PRIu64 "\n", (unsigned)tag, count);
        buf_put_str(to, buf_str(&winners));
    }
    list_buckets(historian, tag, to);
}

/* ---- What stands beside the rows ---- */

static void list_manifest(const char *dir, struct buf *to) {
    struct manifest manifest;
    struct err err = ERR_INIT;
    int rc = manifest_read(files_system(), dir, &manifest, &err);
    expect_ok(rc, &err);
    assert_int_equal(rc, 1);
    buf_printf(to, "manifest sealed %" PRIu64 " next %" PRIu64 " horizon %" PRId64 "\n",
        manifest.sealed_seq, manifest.next_segment, manifest.horizons->all_ns);
    for (uint32_t i = 0; i < manifest.consumer_count; i++) {
        buf_printf(
            to, "consumer %s %" PRIu64 "\n", manifest.consumers[i].name, manifest.consumers[i].seq);
    }
    for (uint32_t i = 0; i < manifest.horizons->count; i++) {
        buf_printf(to, "expired %u %" PRId64 "\n", (unsigned)manifest.horizons->tags[i].tag,
            manifest.horizons->tags[i].before_ns);
    }
    manifest_fini(&manifest);
}

static void list_summary(const struct summary *summary, struct buf *to) {
    buf_printf(to, " %" PRIu64 " %" PRIu64 " %" PRIu64, summary->count, summary->bad_count,
        summary->number_count);
    put_bits(to, summary->min);
    put_bits(to, summary->max);
    put_bits(to, summary->sum);
    put_bits(to, summary->sum_low);
    put_bits(to, summary->first);
    put_bits(to, summary->last);
    buf_printf(to, " %" PRId64 " %" PRId64 "\n", summary->first_ns, summary->last_ns);
}

static void list_page(struct segment *segment, uint32_t tag, struct buf *to) {
    struct tag_page *page = NULL;
    struct err err = ERR_INIT;
    expect_ok(segment_page(segment, tag, &page, &err), &err);
    for (uint32_t i = 0; i < page->block_count; i++) {
        const struct block_entry *block = &page->blocks[i];
        buf_printf(to, "block %u %u %" PRId64 " %" PRId64 "%s%s", (unsigned)tag,
            (unsigned)block->rows, block->min_ns, block->max_ns, block->strict ? " strict" : "",
            block->split ? " split" : "");
        list_summary(&block->summary, to);
    }
    for (int level = 0; level < ROLLUP_LEVELS; level++) {
        for (uint32_t i = 0; i < page->cell_count[level]; i++) {
            buf_printf(
                to, "cell %u %d %" PRId64, (unsigned)tag, level, page->cells[level][i].start_ns);
            list_summary(&page->cells[level][i].summary, to);
        }
    }
    tag_page_unref(page);
}

static void no_damage(void *context, const struct err *what) {
    (void)context;
    expect_ok(-ERR_CORRUPT, what);
}

struct segment_list {
    const char *dir;
    struct buf *to;
};

static int list_segment(void *context, const char *name, struct err *err) {
    const struct segment_list *list = context;
    uint64_t id = 0;
    if (!segment_name_parse(name, &id)) {
        return 0;
    }
    struct segment_place place = {
        .files = files_system(), .dir = list->dir, .sink = {.damaged = no_damage}};
    struct segment *segment = NULL;
    int rc = segment_open(&place, id, &segment, err);
    if (rc < 0) {
        return rc;
    }
    const struct segment_info *info = segment_info(segment);
    buf_printf(list->to, "segment %" PRIu64 " from %" PRIu64 " to %" PRIu64 " rows %" PRIu64 "\n",
        info->id, info->seq_low, info->seq_high, info->rows);
    for (uint32_t tag = 0; (rc = segment_tag_next(segment, tag, &tag, err)) > 0;) {
        list_page(segment, tag, list->to);
    }
    expect_ok(rc, err);
    segment_unref(segment);
    return 0;
}

/* The batches that the log still has. */
static void list_batches(struct historian *historian, struct buf *to) {
    struct hist_replay *replay = NULL;
    struct err err = ERR_INIT;
    uint64_t seq = 0;
    int rc = hist_replay_open(historian, seq, &replay, NULL);
    while (rc == -ERR_NOT_FOUND && seq < 100000) { // Where the log begins is not asked elsewhere.
        rc = hist_replay_open(historian, ++seq, &replay, NULL);
    }
    assert_int_equal(rc, 0);
    const struct batch *batch = NULL;
    while ((rc = hist_replay_next(replay, &batch, &err)) > 0) {
        buf_printf(to, "batch %" PRIu64 " source %u asked %" PRId64 " answered %" PRId64 "\n",
            batch->seq, (unsigned)batch->source, batch->request_ns, batch->reply_ns);
        struct row_list list;
        list_init(&list, to);
        for (uint32_t i = 0; i < batch->count; i++) {
            const struct sample *sample = &batch->rows[i];
            if (i == 0 || sample->tag != batch->rows[i - 1].tag) {
                list_line_end(&list);
                buf_printf(to, "of %u\n", (unsigned)sample->tag);
            }
            struct list_row row = {.time_ns = sample->time_ns,
                .type = sample->type,
                .flags = sample->flags,
                .status = sample->status,
                .bits = (uint64_t)sample->value.i64};
            row.text = sample->type == TYPE_TEXT ? batch_text(batch, sample) : STR_NONE;
            list_row(&list, &row);
        }
        (void)list_fini(&list);
    }
    expect_ok(rc, &err);
    hist_replay_close(replay);
}

void golden_list(const char *dir, struct buf *to) {
    struct err err = ERR_INIT;
    list_manifest(dir, to);
    struct segment_list segments = {.dir = dir, .to = to};
    expect_ok(dir_each(dir, list_segment, &segments, &err), &err);
    struct historian *historian = history_open(dir, NULL);
    struct hist_status status;
    hist_status(historian, &status);
    buf_printf(to, "seq %" PRIu64 " rows %" PRIu64 " torn %" PRIu64 " damaged %" PRIu64 "\n",
        status.seq, status.rows, status.torn_bytes_cut, status.damaged_blocks);
    list_batches(historian, to);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        list_tag(historian, tag, to);
    }
    hist_close(historian);
    assert_false(to->overflow);
}
