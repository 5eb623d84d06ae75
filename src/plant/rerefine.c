/*
 * Refining again, chunk by chunk: read up to CHUNK_ROWS moments with all their versions, run a
 * refine of our own over what they came from, compare with what stands, write the ledger's part,
 * then the new versions. Memory is one chunk; a million rows take about as long as importing them.
 *
 * The refine is a fresh one with the present catalogue and rules: it shares no state with the
 * pipeline's, whose windows belong to the present.
 *
 * A part is, for each changed row: zigzag step of the time from the row before, then the version
 * before and the version after, each as type (8 bits), flags (8), status (32), and the value: 64
 * bits, or a varint size and the bytes of a text. All little-endian.
 */
#include "plant/rerefine.h"

#include <math.h>
#include <string.h>

#include "core/bytes.h"
#include "core/check.h"
#include "core/json.h"
#include "core/mem.h"
#include "refine/derived.h"

enum {
    CHUNK_ROWS = 4096,
    WARM_S = 3600,
    PART_MAX = 48 << 20, // Bytes: 4,096 rows with two longest texts and some.
    LIMIT_BITS = 0xFFFF, // Of a status: limit and info bits.
};

/* One version; its text lives in the chunk's arena. */
struct version {
    uint8_t type; // 0: none.
    uint8_t flags;
    uint32_t status;
    union {
        double f64;
        int64_t i64;
    } value;
    struct str text;
};

struct moment {
    int64_t time_ns;
    struct version source;  // The last that came from the source.
    struct version present; // The newest that is no correction.
    struct version raw;
    bool is_corrected;
};

struct chunk {
    struct arena arena;
    struct moment moments[CHUNK_ROWS];
    uint32_t count;
    struct version after[CHUNK_ROWS]; // What the moment becomes.
    bool is_changed[CHUNK_ROWS];
};

struct run {
    struct plant *plant;
    const struct rerefine_options *options;
    const struct tag *tag;
    uint32_t raw_tag; // 0: none.
    struct catalogue *catalogue;
    struct refine *refine;
    struct chunk *chunk;
    struct rerefine_record record;
    struct rerefine_report report;
    int64_t part;
    struct batch *batch; // For refine, and for the historian.
};

/* ---- Reading ---- */

static struct version version_of(const struct hist_rows *rows, uint32_t i, struct arena *arena) {
    struct version version = {.type = (uint8_t)rows->type,
        .flags = rows->flags != NULL ? rows->flags[i] : 0,
        .status = rows->status != NULL ? rows->status[i] : 0,
        .text = STR_NONE};
    if (rows->f64 != NULL) {
        version.value.f64 = rows->f64[i];
    } else if (rows->i64 != NULL) {
        version.value.i64 = rows->i64[i];
    } else {
        version.text = arena_copy(arena, rows->text[i]);
    }
    return version;
}

/* Takes a version into its moment; false when the chunk is full before it. */
static bool take_version(struct chunk *chunk, const struct hist_rows *rows, uint32_t i) {
    struct moment *moment = chunk->count > 0 ? &chunk->moments[chunk->count - 1] : NULL;
    if (moment == NULL || moment->time_ns != rows->time_ns[i]) {
        if (chunk->count == CHUNK_ROWS) {
            return false;
        }
        moment = &chunk->moments[chunk->count++];
        *moment = (struct moment){.time_ns = rows->time_ns[i]};
    }
    struct version version = version_of(rows, i, &chunk->arena);
    if ((version.flags & SAMPLE_CORRECTION) != 0) {
        moment->is_corrected = true;
        return true;
    }
    moment->present = version;
    if ((version.flags & SAMPLE_REFINED) == 0) {
        moment->source = version;
    }
    return true;
}

/* Fills the chunk from `from`; *ret_next is where the next one begins. */
static int read_chunk(
    struct run *run, int64_t from_ns, int64_t to_ns, int64_t *ret_next_ns, struct err *err) {
    struct hist_scan_options options = {
        .tag = run->tag->number, .from_ns = from_ns, .to_ns = to_ns, .versions = true};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    arena_reset(&run->chunk->arena);
    run->chunk->count = 0;
    *ret_next_ns = to_ns;
    int status = hist_scan_open(plant_historian(run->plant), &options, &scan, err);
    bool is_full = false;
    while (status >= 0 && !is_full && (status = hist_scan_next(scan, &rows, err)) > 0) {
        for (uint32_t i = 0; i < rows.count && !is_full; i++) {
            is_full = !take_version(run->chunk, &rows, i);
            *ret_next_ns = is_full ? rows.time_ns[i] : to_ns;
        }
    }
    hist_scan_close(scan);
    return status < 0 ? status : 0;
}

/* Puts the raw values beside the moments of the chunk. */
static int read_raw(struct run *run, struct err *err) {
    struct chunk *chunk = run->chunk;
    if (run->raw_tag == 0 || chunk->count == 0) {
        return 0;
    }
    struct hist_scan_options options = {.tag = run->raw_tag,
        .from_ns = chunk->moments[0].time_ns,
        .to_ns = chunk->moments[chunk->count - 1].time_ns + 1};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    uint32_t at = 0;
    int status = hist_scan_open(plant_historian(run->plant), &options, &scan, err);
    while (status >= 0 && (status = hist_scan_next(scan, &rows, err)) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            while (at < chunk->count && chunk->moments[at].time_ns < rows.time_ns[i]) {
                at++;
            }
            if (at < chunk->count && chunk->moments[at].time_ns == rows.time_ns[i]) {
                chunk->moments[at].raw = version_of(&rows, i, &chunk->arena);
            }
        }
    }
    hist_scan_close(scan);
    return status < 0 ? status : 0;
}

/* ---- Refining ---- */

/* Marks of our own checks, which are made anew. A source that gives the same codes itself loses
 * them here; where its raw values are kept it does not. */
static uint32_t without_marks(uint32_t status) {
    uint32_t code = status & ~(uint32_t)LIMIT_BITS;
    bool is_ours = code == (uint32_t)STATUS_UNCERTAIN ||
                   code == (uint32_t)STATUS_UNCERTAIN_ENGINEERING_UNITS_EXCEEDED ||
                   code == (uint32_t)STATUS_UNCERTAIN_SENSOR_NOT_ACCURATE;
    return is_ours ? 0 : status;
}

static void put_row(
    struct batch *batch, uint32_t tag, int64_t time_ns, const struct version *version) {
    batch_reserve(batch, 1, version->text.size);
    if (version->type == TYPE_TEXT) {
        (void)batch_add_text(batch, tag, time_ns, version->text); // There is room.
    } else {
        struct sample *row = batch_add(batch);
        row->tag = tag;
        row->time_ns = time_ns;
        row->type = version->type;
        row->value.i64 = version->value.i64;
    }
    batch->rows[batch->count - 1].status = version->status;
    batch->rows[batch->count - 1].flags = version->flags;
}

static struct version row_version(struct run *run, const struct sample *row) {
    struct version version = {
        .type = row->type, .flags = row->flags, .status = row->status, .text = STR_NONE};
    if (row->type == TYPE_TEXT) {
        version.text = arena_copy(&run->chunk->arena, batch_text(run->batch, row));
    } else {
        version.value.i64 = row->value.i64;
    }
    return version;
}

/* Runs the rows that wait in the batch, which are the moments from `first` on. */
static void refine_batch(struct run *run, uint32_t first, bool from_raw) {
    struct batch *batch = run->batch;
    uint32_t own = batch->count;
    if (own == 0) {
        return;
    }
    batch->source = from_raw ? 1 : 0; // Any device: its stages run.
    refine_reserve(run->refine, batch);
    refine_run(run->refine, batch);
    for (uint32_t i = 0; i < own; i++) {
        struct version *after = &run->chunk->after[first + i];
        *after = row_version(run, &batch->rows[i]);
        bool is_omitted = (after->flags & SAMPLE_DROP) != 0;
        run->report.omitted += is_omitted && !run->chunk->moments[first + i].is_corrected;
        after->flags = run->chunk->moments[first + i].present.flags | (uint8_t)SAMPLE_REFINED;
    }
    batch_clear(batch);
}

/* What each moment of the chunk becomes. */
static void refine_chunk(struct run *run) {
    struct chunk *chunk = run->chunk;
    bool from_raw = false;
    uint32_t first = 0;
    batch_clear(run->batch);
    for (uint32_t i = 0; i < chunk->count; i++) {
        const struct moment *moment = &chunk->moments[i];
        bool has_raw = moment->raw.type != 0;
        if (has_raw != from_raw) {
            refine_batch(run, first, from_raw);
            first = i;
            from_raw = has_raw;
        }
        struct version base = has_raw                    ? moment->raw
                              : moment->source.type != 0 ? moment->source
                                                         : moment->present;
        base.flags = 0;
        base.status = has_raw ? base.status : without_marks(base.status);
        if (base.type == 0) { // Corrections alone: nothing that could be refined.
            base.type = (uint8_t)run->tag->type;
            base.status = (uint32_t)STATUS_BAD_NO_DATA;
            base.text = STR_NONE;
        }
        put_row(run->batch, run->tag->number, moment->time_ns, &base);
    }
    refine_batch(run, first, from_raw);
}

static bool is_equal(const struct version *a, const struct version *b) {
    return a->type == b->type && a->status == b->status &&
           (a->type == TYPE_TEXT ? str_eq(a->text, b->text) : a->value.i64 == b->value.i64);
}

static void compare_chunk(struct run *run) {
    struct chunk *chunk = run->chunk;
    for (uint32_t i = 0; i < chunk->count; i++) {
        const struct moment *moment = &chunk->moments[i];
        run->report.rows_read++;
        run->report.from_raw += moment->raw.type != 0;
        run->report.corrected += moment->is_corrected;
        chunk->is_changed[i] = !moment->is_corrected && moment->present.type != 0 &&
                               !is_equal(&moment->present, &chunk->after[i]);
        run->report.changed += chunk->is_changed[i];
    }
}

/* ---- Parts ---- */

static void write_version(struct buf *part, const struct version *version) {
    write_u8(part, version->type);
    write_u8(part, version->flags);
    write_u32_le(part, version->status);
    if (version->type == TYPE_TEXT) {
        write_varint(part, version->text.size);
        buf_put_str(part, version->text);
    } else {
        write_u64_le(part, (uint64_t)version->value.i64);
    }
}

static struct version read_version(struct reader *reader) {
    struct version version = {.type = read_u8(reader), .text = STR_NONE};
    version.flags = read_u8(reader);
    version.status = read_u32_le(reader);
    if (version.type == TYPE_TEXT) {
        uint64_t size = read_varint(reader);
        const uint8_t *bytes =
            size <= LIMIT_TEXT_VALUE_BYTES ? read_bytes(reader, (size_t)size) : NULL;
        version.text = bytes != NULL ? (struct str){(const char *)bytes, (size_t)size} : STR_NONE;
        reader->failed = reader->failed || bytes == NULL;
    } else {
        version.value.i64 = (int64_t)read_u64_le(reader);
    }
    return version;
}

struct storing {
    struct run *run;
    struct str part;
};

static int store_part(struct ledger_tx *tx, void *context, struct err *err) {
    struct storing *storing = context;
    struct run *run = storing->run;
    int status = 0;
    if (run->record.id == 0) {
        status = rerefine_begin(tx, &run->record, run->tag->name, &run->record.id, err);
    }
    return status < 0 || storing->part.size == 0
               ? status
               : rerefine_part_put(tx, run->record.id, run->part, storing->part, err);
}

/* Writes what changed: the part first, then the versions. */
static int write_chunk(struct run *run, struct err *err) {
    const struct chunk *chunk = run->chunk;
    AUTO_BUF struct buf part;
    buf_init(&part, PART_MAX);
    batch_clear(run->batch);
    int64_t before_ns = 0;
    for (uint32_t i = 0; i < chunk->count; i++) {
        if (!chunk->is_changed[i]) {
            continue;
        }
        const struct moment *moment = &chunk->moments[i];
        write_zigzag(&part, (int64_t)((uint64_t)moment->time_ns - (uint64_t)before_ns));
        before_ns = moment->time_ns;
        write_version(&part, &moment->present);
        write_version(&part, &chunk->after[i]);
        put_row(run->batch, run->tag->number, moment->time_ns, &chunk->after[i]);
    }
    if (run->options->dry_run || run->batch->count == 0) {
        return 0;
    }
    CHECK(!part.overflow);
    struct storing storing = {.run = run, .part = buf_str(&part)};
    int status = ledger_write(plant_ledger(run->plant), store_part, &storing, err);
    run->part++;
    return status < 0 ? status : hist_append(plant_historian(run->plant), &run->batch, 1, err);
}

/* ---- A run ---- */

static bool is_stopped(const struct run *run) {
    return run->options->stop != NULL && run->options->stop(run->options->context);
}

static int64_t hour_before(int64_t time_ns) {
    const int64_t warm_ns = WARM_S * NS_PER_S;
    return time_ns < INT64_MIN + warm_ns ? INT64_MIN : time_ns - warm_ns;
}

/* Lets the hour before run through the stages. */
static int warm_up(struct run *run, struct err *err) {
    int64_t next_ns = hour_before(run->record.from_ns);
    int status = 0;
    while (next_ns < run->record.from_ns && status >= 0) {
        status = read_chunk(run, next_ns, run->record.from_ns, &next_ns, err);
        status = status < 0 ? status : read_raw(run, err);
        if (status >= 0) {
            refine_chunk(run);
        }
    }
    run->report = (struct rerefine_report){0};
    return status;
}

static int refine_range(struct run *run, struct err *err) {
    int64_t next_ns = run->record.from_ns;
    int status = warm_up(run, err);
    while (next_ns < run->record.to_ns && status >= 0 && !is_stopped(run)) {
        status = read_chunk(run, next_ns, run->record.to_ns, &next_ns, err);
        status = status < 0 ? status : read_raw(run, err);
        if (status >= 0) {
            refine_chunk(run);
            compare_chunk(run);
            status = write_chunk(run, err);
        }
    }
    return status;
}

static int finish_record(struct ledger_tx *tx, void *context, struct err *err) {
    struct run *run = context;
    int status = 0;
    if (run->record.id == 0) {
        status = rerefine_begin(tx, &run->record, STR_NONE, &run->record.id, err);
    }
    run->record.rows_read = run->report.rows_read;
    run->record.changed = run->report.changed;
    run->record.omitted = run->report.omitted;
    run->record.corrected = run->report.corrected;
    run->record.skipped = run->report.skipped;
    return status < 0 ? status : rerefine_finish(tx, &run->record, run->tag->name, err);
}

/* The tag's rule as JSON, for the record. */
static void put_rule(const struct tag *tag, struct buf *out) {
    struct json json;
    json_init(&json, out);
    json_object_begin(&json);
    json_put_str(&json, "refine", tag->refine);
    json_put_f64(&json, "scale", tag->scale);
    json_put_f64(&json, "offset", tag->offset);
    json_put_str(&json, "unit", tag->unit);
    if (!isnan(tag->min)) {
        json_put_f64(&json, "min", tag->min);
    }
    if (!isnan(tag->max)) {
        json_put_f64(&json, "max", tag->max);
    }
    json_object_end(&json);
}

static int check_tag(const struct tag *tag, struct err *err) {
    if (derived_is(tag)) {
        return err_set(err, ERR_UNSUPPORTED, MSG_REREFINE_DERIVED, ARGS(A_STR(tag->name)));
    }
    if (tag->type == TYPE_I64 && refine_has_pseudonyms(tag)) {
        return err_set(err, ERR_UNSUPPORTED, MSG_REREFINE_HIDDEN, ARGS(A_STR(tag->name)));
    }
    return 0;
}

/* Takes what a run needs; `finish_run` gives it back. */
static int begin_run(struct run *run, const struct tag *tag, struct err *err) {
    char name[LIMIT_TAG_NAME_BYTES + 8];
    run->tag = tag;
    if (tag == NULL) {
        return err_set(err, ERR_NOT_FOUND, MSG_DERIVED_INPUT, ARGS(A_STR(run->options->tag)));
    }
    size_t size = str_copy_z(tag->name, name, LIMIT_TAG_NAME_BYTES + 1);
    memcpy(name + size, "_raw", 4);
    const struct tag *raw = catalogue_find(run->catalogue, (struct str){name, size + 4});
    run->raw_tag = raw != NULL && raw->type == tag->type ? raw->number : 0;
    run->record.tag = tag->number;
    run->record.actor = run->options->actor;
    run->chunk = MEM_NEW(struct chunk);
    arena_init(&run->chunk->arena, 0);
    run->batch = batch_new(CHUNK_ROWS, 65536);
    return 0;
}

static void finish_run(struct run *run) {
    if (run->chunk != NULL) {
        arena_fini(&run->chunk->arena);
    }
    mem_free(run->chunk);
    batch_free(run->batch);
    refine_free(run->refine);
    catalogue_unref(run->catalogue);
}

static int close_record(struct run *run, struct err *err) {
    int status =
        run->options->dry_run ? 0 : ledger_write(plant_ledger(run->plant), finish_record, run, err);
    run->report.id = run->record.id;
    return status;
}

static int make_refine(struct run *run, struct err *err) {
    run->refine = refine_new(run->catalogue->tag_count);
    if (refine_needs_key(run->catalogue)) {
        struct deident_key key;
        int status = plant_deident_key(run->plant, STR("plant"), &key, err);
        if (status < 0) {
            return status;
        }
        refine_set_key(run->refine, &key);
    }
    refine_use(run->refine, run->catalogue);
    return 0;
}

int rerefine_run(struct plant *plant, const struct rerefine_options *options,
    struct rerefine_report *ret_report, struct err *err) {
    if (options->from_ns > options->to_ns) {
        return err_set(err, ERR_INVALID, MSG_REREFINE_RANGE, NO_ARGS);
    }
    if (!plant_rerefine_enter(plant)) {
        return err_set(err, ERR_BUSY, MSG_REREFINE_BUSY, NO_ARGS);
    }
    struct run run = {.plant = plant, .options = options, .catalogue = plant_catalogue(plant)};
    AUTO_BUF struct buf rule;
    buf_init(&rule, 32768);
    int status = begin_run(&run, catalogue_find(run.catalogue, options->tag), err);
    status = status < 0 ? status : check_tag(run.tag, err);
    status = status < 0 ? status : make_refine(&run, err);
    if (status >= 0) {
        put_rule(run.tag, &rule);
        run.record.rule = buf_str(&rule);
        run.record.from_ns = options->from_ns;
        run.record.to_ns = options->to_ns;
        status = refine_range(&run, err);
    }
    status = status < 0 ? status : close_record(&run, err);
    if (status >= 0) {
        *ret_report = run.report;
    }
    finish_run(&run);
    plant_rerefine_leave(plant);
    return status < 0 ? status : 0;
}

/* ---- Undoing ---- */

struct fetching {
    int64_t id;
    int64_t part;
    struct arena *arena;
    struct rerefine_record record;
    struct str rows;
    int found;
};

static int fetch_record(struct ledger_tx *tx, void *context, struct err *err) {
    struct fetching *fetching = context;
    return rerefine_get(tx, fetching->id, fetching->arena, &fetching->record, err);
}

static int fetch_part(struct ledger_tx *tx, void *context, struct err *err) {
    struct fetching *fetching = context;
    fetching->found =
        rerefine_part_get(tx, fetching->id, fetching->part, fetching->arena, &fetching->rows, err);
    return fetching->found < 0 ? fetching->found : 0;
}

/* One row of a part: goes back when the run's version still stands. */
static void undo_row(struct run *run, uint32_t *at, int64_t time_ns, const struct version *before,
    const struct version *after) {
    struct chunk *chunk = run->chunk;
    while (*at < chunk->count && chunk->moments[*at].time_ns < time_ns) {
        (*at)++;
    }
    run->report.rows_read++;
    if (*at == chunk->count || chunk->moments[*at].time_ns != time_ns) {
        run->report.skipped++; // Expired meanwhile.
        return;
    }
    const struct moment *moment = &chunk->moments[*at];
    if (!is_equal(&moment->present, after)) {
        run->report.skipped += !is_equal(&moment->present, before);
        return;
    }
    chunk->is_changed[*at] = true;
    chunk->after[*at] = *before;
    chunk->after[*at].flags = before->flags | (uint8_t)SAMPLE_REFINED;
    run->report.corrected += moment->is_corrected;
    run->report.changed++;
}

/* Times of the first and last row of a part; false: damaged. */
static bool part_range(struct str part, int64_t *ret_first_ns, int64_t *ret_last_ns) {
    struct reader reader = reader_of(part.data, part.size);
    int64_t time_ns = 0;
    for (uint32_t i = 0; reader_left(&reader) > 0 && !reader.failed; i++) {
        time_ns = (int64_t)((uint64_t)time_ns + (uint64_t)read_zigzag(&reader));
        *ret_first_ns = i == 0 ? time_ns : *ret_first_ns;
        *ret_last_ns = time_ns;
        (void)read_version(&reader);
        (void)read_version(&reader);
    }
    return !reader.failed && *ret_first_ns <= *ret_last_ns;
}

/* A part's moments may lie among many others: chunk after chunk of the history, with the part's
 * rows handed to the chunk they fall into. */
static int undo_part(struct run *run, struct str part, struct err *err) {
    int64_t next_ns = 0;
    int64_t last_ns = 0;
    if (!part_range(part, &next_ns, &last_ns) || last_ns == INT64_MAX) {
        return err_set(
            err, ERR_CORRUPT, MSG_REREFINE_PART, ARGS(A_INT(run->record.undoes), A_INT(run->part)));
    }
    struct reader reader = reader_of(part.data, part.size);
    int64_t time_ns = (int64_t)read_zigzag(&reader);
    bool has_row = true;
    int status = 0;
    while (has_row && status >= 0) {
        status = read_chunk(run, next_ns, last_ns + 1, &next_ns, err);
        if (status < 0) {
            break;
        }
        memset(run->chunk->is_changed, 0, sizeof run->chunk->is_changed);
        bool is_last = next_ns > last_ns;
        uint32_t at = 0;
        while (has_row && (is_last || time_ns < next_ns)) {
            struct version before = read_version(&reader);
            struct version after = read_version(&reader);
            undo_row(run, &at, time_ns, &before, &after);
            has_row = reader_left(&reader) > 0;
            time_ns =
                has_row ? (int64_t)((uint64_t)time_ns + (uint64_t)read_zigzag(&reader)) : time_ns;
        }
        status = write_chunk(run, err);
    }
    return status;
}

static int undo_parts(struct run *run, struct fetching *fetching, struct err *err) {
    int status = 0;
    for (fetching->part = 0; status >= 0 && !is_stopped(run); fetching->part++) {
        arena_reset(fetching->arena);
        status = ledger_read(plant_ledger(run->plant), fetch_part, fetching, err);
        if (status < 0 || fetching->found == 0) {
            return status;
        }
        status = undo_part(run, fetching->rows, err);
    }
    return status;
}

static int undo_locked(struct run *run, int64_t id, struct err *err) {
    AUTO_ARENA struct arena kept;
    AUTO_ARENA struct arena parts;
    arena_init(&kept, 0);
    arena_init(&parts, 0);
    struct fetching fetching = {.id = id, .arena = &kept};
    int status = ledger_read(plant_ledger(run->plant), fetch_record, &fetching, err);
    status = status < 0 ? status
                        : begin_run(run, catalogue_tag(run->catalogue, fetching.record.tag), err);
    if (status < 0) {
        return status;
    }
    run->record.from_ns = fetching.record.from_ns;
    run->record.to_ns = fetching.record.to_ns;
    run->record.rule =
        fetching.record.rule_before.size > 0 ? fetching.record.rule_before : STR("{}");
    run->record.undoes = id;
    fetching.arena = &parts;
    status = undo_parts(run, &fetching, err);
    return status < 0 ? status : close_record(run, err);
}

int rerefine_undo(struct plant *plant, int64_t id, const struct rerefine_options *options,
    struct rerefine_report *ret_report, struct err *err) {
    if (!plant_rerefine_enter(plant)) {
        return err_set(err, ERR_BUSY, MSG_REREFINE_BUSY, NO_ARGS);
    }
    struct run run = {.plant = plant, .options = options, .catalogue = plant_catalogue(plant)};
    int status = undo_locked(&run, id, err);
    if (status >= 0) {
        *ret_report = run.report;
    }
    finish_run(&run);
    plant_rerefine_leave(plant);
    return status < 0 ? status : 0;
}
