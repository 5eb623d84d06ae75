/*
 * An archive brought back: one segment with its table of tags, into any plant.
 *
 * Everything is looked at first: the file is read whole, its numbers become names by tags.csv,
 * names become tags of this plant (made where absent), and no value may lie where the plant's
 * retention would let it go again. Only then rows are written, with all their versions, past
 * refining: they are finished values.
 *
 * Repeating is harmless. File and plant are walked side by side, moment by moment: versions that
 * stand already, in order, are passed over and what is missing behind them is added, so an import
 * that was cut short goes on where it stopped. Where the plant has another version at that moment,
 * somebody has written since, and what stands is left alone.
 */
#include "plant/import_archive.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "plant/retention.h"
#include "table/table.h"

enum { ROWS_BETWEEN_LOOKS = 1 << 16 };

struct archived_tag {
    uint32_t from; // Number in the file,
    uint32_t to;   // and in this plant; 0: to be made.
    struct str name;
    struct str unit;
    enum value_type type;
    bool is_named;
};

struct job {
    struct plant *plant;
    const struct archive_options *options;
    struct archive_report report;
    struct hist_file *file;
    struct arena arena;
    struct archived_tag *tags; // In order of `from`, as in the file.
    uint32_t tag_count;
    struct batch *batch;
    uint64_t read;
};

/* ---- What the file is ---- */

static struct archived_tag *tag_find(const struct job *job, uint64_t number) {
    uint32_t low = 0;
    uint32_t high = job->tag_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (job->tags[middle].from < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < job->tag_count && job->tags[low].from == number ? &job->tags[low] : NULL;
}

static int take_name(
    struct job *job, const struct str *fields, size_t count, uint64_t line, struct err *err) {
    uint64_t number = 0;
    enum value_type type = TYPE_F64;
    bool good = count >= 3 && str_to_u64(fields[0], &number) &&
                tag_name_check(fields[1], NULL) == 0 && value_type_of_name(fields[2], &type);
    if (!good) {
        return err_set(err, ERR_INVALID, MSG_READBACK_TABLE_ROW, ARGS(A_INT(line)));
    }
    struct archived_tag *tag = tag_find(job, number);
    if (tag != NULL) {
        tag->name = arena_copy(&job->arena, fields[1]);
        tag->unit = count > 3 ? arena_copy(&job->arena, fields[3]) : STR_NONE;
        tag->type = type;
        tag->is_named = true;
    }
    return 0;
}

/* tags.csv beside the file. */
static int read_names(struct job *job, struct err *err) {
    struct str folder = str_of(job->options->path);
    while (folder.size > 0 && folder.data[folder.size - 1] != '/') {
        folder.size--;
    }
    char path[LIMIT_PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%.*stags.csv", (int)folder.size, folder.data);
    AUTO_CLOSE int fd = -1;
    int status = file_open(files_system(), path, FILE_READ, &fd, err);
    if (status < 0) {
        return err_context(err, MSG_READBACK_TABLE, ARGS(A_CSTR(path)));
    }
    struct table_options options = {
        .fd = fd, .encoding = TABLE_UTF8, .separator = ',', .sheet = STR_NONE};
    struct table *table = NULL;
    const struct str *fields = NULL;
    size_t count = 0;
    status = table_open(&options, &table, err);
    while (status >= 0 && (status = table_next(table, &fields, &count, err)) > 0) {
        uint64_t line = table_line(table);
        status = status == TABLE_ROW_BAD ? -(int)err->code
                 : line > 1              ? take_name(job, fields, count, line, err)
                                         : 0;
    }
    table_close(table);
    return status < 0 ? err_context(err, MSG_READBACK_TABLE, ARGS(A_CSTR(path))) : 0;
}

/* Ends the work when Maru ends or whoever asked has gone. */
static int go_on(struct job *job, uint32_t rows, struct err *err) {
    uint64_t before = job->read;
    job->read += rows;
    if (before / ROWS_BETWEEN_LOOKS == job->read / ROWS_BETWEEN_LOOKS) {
        return 0;
    }
    const struct archive_options *options = job->options;
    struct pollfd waits[2] = {
        {.fd = options->stop_fd > 0 ? options->stop_fd : -1, .events = POLLIN},
        {.fd = options->peer_fd > 0 ? options->peer_fd : -1, .events = POLLRDHUP}};
    bool stops = poll(waits, 2, 0) > 0 && (waits[0].revents != 0 || waits[1].revents != 0);
    return stops ? err_set(err, ERR_CANCELLED, MSG_IMPORT_STOPPED, NO_ARGS) : 0;
}

/* Reads all of a tag; its first time. */
static int read_tag(
    struct job *job, const struct archived_tag *tag, int64_t *ret_first_ns, struct err *err) {
    struct hist_scan_options options = {
        .tag = tag->from, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    *ret_first_ns = INT64_MAX;
    int status = hist_file_scan(job->file, &options, &scan, err);
    while (status >= 0 && (status = hist_scan_next(scan, &rows, err)) > 0) {
        if (rows.type != tag->type) {
            status = err_set(err, ERR_TYPE, MSG_READBACK_TYPE,
                ARGS(A_STR(tag->name), A_CSTR(value_type_name(rows.type)),
                    A_CSTR(value_type_name(tag->type))));
            break;
        }
        *ret_first_ns = rows.time_ns[0] < *ret_first_ns ? rows.time_ns[0] : *ret_first_ns;
        job->report.rows += rows.count;
        status = go_on(job, rows.count, err);
    }
    hist_scan_close(scan);
    return status < 0 ? status : 0;
}

/* ---- Whether it may come back ---- */

static int check_kept(struct job *job, const struct archived_tag *tag, const struct tag *own,
    const struct retention *rule, int64_t first_ns, struct err *err) {
    char time[TIME_TEXT_MAX];
    const struct zone *zone = plant_zone(job->plant);
    struct hist_horizon horizon = {.raw_ns = INT64_MIN};
    if (own != NULL) {
        hist_horizon(plant_historian(job->plant), own->number, &horizon);
    }
    if (first_ns < horizon.raw_ns) {
        (void)time_format(horizon.raw_ns, zone, time);
        return err_set(
            err, ERR_CONFLICT, MSG_READBACK_EXPIRED, ARGS(A_STR(tag->name), A_CSTR(time)));
    }
    uint32_t days = own != NULL && own->retention_days != 0 ? own->retention_days : rule->raw_days;
    int64_t now_ns = clock_wall_ns(plant_clock(job->plant));
    if (days > 0 && first_ns < retention_horizon_ns(now_ns, days, zone)) {
        int64_t age_days = (now_ns - first_ns) / (86400 * NS_PER_S) + 2;
        return err_set(err, ERR_CONFLICT, MSG_READBACK_WOULD_GO,
            ARGS(A_STR(tag->name), A_INT(days), A_INT(age_days)));
    }
    return 0;
}

static int check_tag(struct job *job, const struct catalogue *catalogue, struct archived_tag *tag,
    const struct retention *rule, struct err *err) {
    if (!tag->is_named) {
        return err_set(err, ERR_NOT_FOUND, MSG_READBACK_NO_NAME, ARGS(A_INT(tag->from)));
    }
    const struct tag *own = catalogue_find(catalogue, tag->name);
    if (own != NULL && own->type != tag->type) {
        return err_set(err, ERR_TYPE, MSG_READBACK_TYPE,
            ARGS(A_STR(tag->name), A_CSTR(value_type_name(tag->type)),
                A_CSTR(value_type_name(own->type))));
    }
    int64_t first_ns = 0;
    int status = read_tag(job, tag, &first_ns, err);
    tag->to = own != NULL ? own->number : 0;
    job->report.created += own == NULL;
    return status < 0 ? status : check_kept(job, tag, own, rule, first_ns, err);
}

static int check_all(struct job *job, struct err *err) {
    struct retention rule;
    int status = retention_get(job->plant, &rule, err);
    struct catalogue *catalogue = plant_catalogue(job->plant);
    for (uint32_t i = 0; i < job->tag_count && status >= 0; i++) {
        status = check_tag(job, catalogue, &job->tags[i], &rule, err);
    }
    catalogue_unref(catalogue);
    uint32_t damaged = hist_file_damaged(job->file);
    if (status >= 0 && (damaged > 0 || job->report.rows != hist_file_rows(job->file))) {
        return err_set(err, ERR_CORRUPT, MSG_READBACK_DAMAGED, ARGS(A_CSTR(job->options->path)));
    }
    return status;
}

/* ---- Tags and audit, before the first value ---- */

static int sign(struct job *job, struct ledger_tx *tx, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, LIMIT_PATH_BYTES * 8);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_str(&json, "file", str_of(job->options->path));
    json_put_i64(&json, "rows", (int64_t)job->report.rows);
    json_put_i64(&json, "new_tags", job->report.created);
    json_object_end(&json);
    return audit_append(tx, job->options->actor, STR("import.archive"), plant_id(job->plant),
        buf_str(&payload), err);
}

static int make_tags(struct ledger_tx *tx, void *context, struct err *err) {
    struct job *job = context;
    int status = sign(job, tx, err);
    for (uint32_t i = 0; i < job->tag_count && status >= 0; i++) {
        struct archived_tag *tag = &job->tags[i];
        if (tag->to != 0) {
            continue;
        }
        struct tag made = {.name = tag->name,
            .type = tag->type,
            .display = STR_NONE,
            .unit = tag->unit,
            .device = STR_NONE,
            .source = STR_NONE,
            .refine = STR_NONE,
            .scale = 1,
            .min = (double)NAN,
            .max = (double)NAN,
            .dead_band = (double)NAN,
            .active = true};
        bool changed = false;
        status = plant_tag_put(tx, &made, &tag->to, &changed, err);
    }
    return status < 0 ? status : 0;
}

/* ---- Rows ---- */

struct side { // File or plant, row by row.
    struct hist_scan *scan;
    struct hist_rows rows;
    uint32_t at;
    bool has_row;
};

static int side_next(struct side *side, struct err *err) {
    if (side->has_row && ++side->at < side->rows.count) {
        return 0;
    }
    side->at = 0;
    int status = hist_scan_next(side->scan, &side->rows, err);
    side->has_row = status > 0 && side->rows.count > 0;
    return status < 0 ? status : 0;
}

static int64_t side_time(const struct side *side) {
    return side->rows.time_ns[side->at];
}

static bool sides_equal(const struct side *a, const struct side *b) {
    const struct hist_rows *x = &a->rows;
    const struct hist_rows *y = &b->rows;
    uint32_t status_x = x->status != NULL ? x->status[a->at] : 0;
    uint32_t status_y = y->status != NULL ? y->status[b->at] : 0;
    uint8_t flags_x = x->flags != NULL ? x->flags[a->at] : 0;
    uint8_t flags_y = y->flags != NULL ? y->flags[b->at] : 0;
    if (x->type != y->type || status_x != status_y || flags_x != flags_y) {
        return false;
    }
    if (x->type == TYPE_TEXT) {
        return str_eq(x->text[a->at], y->text[b->at]);
    }
    return x->type == TYPE_F64 ? memcmp(&x->f64[a->at], &y->f64[b->at], sizeof(double)) == 0
                               : x->i64[a->at] == y->i64[b->at];
}

static int flush(struct job *job, struct err *err) {
    if (job->batch->count == 0) {
        return 0;
    }
    int status = hist_append(plant_historian(job->plant), &job->batch, 1, err);
    if (status >= 0) {
        job->report.stored += job->batch->count;
        batch_clear(job->batch);
    }
    return status;
}

static int put_row(struct job *job, uint32_t tag, const struct side *side, struct err *err) {
    const struct hist_rows *rows = &side->rows;
    struct batch *batch = job->batch;
    uint32_t text_size = rows->type == TYPE_TEXT ? (uint32_t)rows->text[side->at].size : 0;
    if (batch->count == batch->capacity || text_size > batch->text_capacity - batch->text_size) {
        int status = flush(job, err);
        if (status < 0) {
            return status;
        }
    }
    struct sample *row = batch_add(batch);
    row->tag = tag;
    row->time_ns = side_time(side);
    row->type = (uint8_t)rows->type;
    row->status = rows->status != NULL ? rows->status[side->at] : 0;
    row->flags = rows->flags != NULL ? rows->flags[side->at] : 0;
    if (rows->type == TYPE_TEXT) {
        row->value.text.offset = batch->text_size;
        row->value.text.size = text_size;
        if (text_size > 0) {
            memcpy(batch->text + batch->text_size, rows->text[side->at].data, text_size);
        }
        batch->text_size += text_size;
    } else if (rows->type == TYPE_F64) {
        row->value.f64 = rows->f64[side->at];
    } else {
        row->value.i64 = rows->i64[side->at];
    }
    return go_on(job, 1, err);
}

/* Walks both sides; versions of one moment follow each other in both. */
static int merge_tag(
    struct job *job, uint32_t tag, struct side *file, struct side *own, struct err *err) {
    int64_t left_ns = INT64_MIN; // The moment whose rows are left as they stand.
    int status = side_next(file, err);
    status = status < 0 ? status : side_next(own, err);
    while (status >= 0 && file->has_row) {
        int64_t time_ns = side_time(file);
        while (status >= 0 && own->has_row && side_time(own) < time_ns) {
            status = side_next(own, err);
        }
        if (status < 0) {
            break;
        }
        bool stands = own->has_row && side_time(own) == time_ns;
        if (left_ns == time_ns || (stands && !sides_equal(file, own))) {
            left_ns = time_ns;
            job->report.left++;
        } else if (stands) {
            job->report.omitted++;
            status = side_next(own, err);
        } else {
            status = put_row(job, tag, file, err);
        }
        status = status < 0 ? status : side_next(file, err);
    }
    return status;
}

static int bring_tag(struct job *job, const struct archived_tag *tag, struct err *err) {
    struct hist_scan_options from = {
        .tag = tag->from, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan_options to = from;
    to.tag = tag->to;
    struct side file = {.has_row = false};
    struct side own = {.has_row = false};
    int status = hist_file_scan(job->file, &from, &file.scan, err);
    status = status < 0 ? status : hist_scan_open(plant_historian(job->plant), &to, &own.scan, err);
    status = status < 0 ? status : merge_tag(job, tag->to, &file, &own, err);
    hist_scan_close(file.scan);
    hist_scan_close(own.scan);
    return status < 0 ? status : flush(job, err);
}

static int bring_all(struct job *job, struct err *err) {
    int status = ledger_write(plant_ledger(job->plant), make_tags, job, err);
    status = status < 0 ? status : plant_refresh(job->plant, err);
    for (uint32_t i = 0; i < job->tag_count && status >= 0; i++) {
        status = bring_tag(job, &job->tags[i], err);
    }
    return status;
}

/* ---- The whole ---- */

int import_archive(struct plant *plant, const struct archive_options *options,
    struct archive_report *ret_report, struct err *err) {
    struct job job = {.plant = plant, .options = options};
    *ret_report = job.report;
    int status = hist_file_open(NULL, options->path, &job.file, err);
    if (status < 0) {
        return status;
    }
    arena_init(&job.arena, 0);
    job.batch = batch_new(LIMIT_BATCH_ROWS, LIMIT_BATCH_TEXT_BYTES);
    job.tag_count = hist_file_tag_count(job.file);
    job.report.tags = job.tag_count;
    job.tags = ARENA_ARRAY(&job.arena, struct archived_tag, job.tag_count + 1);
    for (uint32_t i = 0; i < job.tag_count; i++) {
        job.tags[i].from = hist_file_tag(job.file, i);
    }
    status = read_names(&job, err);
    status = status < 0 ? status : check_all(&job, err);
    if (status >= 0 && !options->dry_run) {
        status = bring_all(&job, err);
    }
    batch_free(job.batch);
    hist_file_close(job.file);
    arena_fini(&job.arena);
    *ret_report = job.report;
    return status < 0 ? status : 0;
}
