/*
 * Tables out. Long samples are one scan a tag, one after the other; wide ones are a merge by time
 * of one scan a column, which is why their number is bounded. Times are RFC 3339 in the plant's
 * zone to the nanosecond, numbers the shortest text that reads back the same. The catalogue's
 * columns are those of the import, in its order, and all of them. Passwords of devices are shown as
 * "***", which the import understands: who may read the plant need not be able to enter its
 * machines.
 */
#include "plant/export.h"

#include <math.h>

#include "core/time.h"
#include "plant/correct.h"
#include "plant/mark.h"
#include "plant/retention.h"
#include "plant/sample_file.h"

enum { PROGRESS_ROWS = 1024, CORRECTIONS_PAGE = 500 };

static const char *const KIND_NAMES[EXPORT_NOUNS] = {[EXPORT_SAMPLES] = "samples",
    [EXPORT_WIDE] = "wide",
    [EXPORT_TAGS] = "tags",
    [EXPORT_DEVICES] = "devices",
    [EXPORT_EQUIPMENT] = "equipment",
    [EXPORT_CORRECTIONS] = "corrections"};

struct job {
    struct plant *plant;
    const struct export_options *options;
    struct table_writer *writer; // NULL where `parquet` is written.
    struct sample_file *parquet;
    struct catalogue *catalogue;
    uint64_t rows;
};

bool export_kind_of_name(struct str name, enum export_kind *ret_kind) {
    enum noun_id noun = 0;
    for (int i = 0; i < EXPORT_NOUNS; i++) {
        if (str_eq(name, str_of(KIND_NAMES[i]))) {
            *ret_kind = (enum export_kind)i;
            return true;
        }
    }
    bool is_noun = noun_of_name(name, &noun);
    if (is_noun) {
        *ret_kind = (enum export_kind)((int)EXPORT_NOUNS + (int)noun);
    }
    return is_noun;
}

const char *export_kind_name(enum export_kind kind) {
    return kind < EXPORT_NOUNS ? KIND_NAMES[kind]
                               : noun_name((enum noun_id)((int)kind - (int)EXPORT_NOUNS));
}

static int header(struct job *job, const char *names, struct err *err) {
    struct str rest = str_of(names);
    while (rest.size > 0) {
        table_put_text(job->writer, str_cut(&rest, ','));
    }
    return table_end_row(job->writer, err);
}

static int tell(const struct job *job, struct err *err) {
    const struct export_options *options = job->options;
    return options->progress == NULL || options->progress(options->context, job->rows)
               ? 0
               : err_set(err, ERR_CANCELLED, MSG_EXPORT_STOPPED, NO_ARGS);
}

static int end_row(struct job *job, struct err *err) {
    int status = table_end_row(job->writer, err);
    return ++job->rows % PROGRESS_ROWS == 0 && status >= 0 ? tell(job, err) : status;
}

static void put_time(struct job *job, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, plant_zone(job->plant), text);
    table_put_text(job->writer, (struct str){text, size});
}

/* NaN stands for "none" in the catalogue. */
static void put_number(struct job *job, double value) {
    if (isnan(value)) {
        table_put_empty(job->writer);
    } else {
        table_put_f64(job->writer, value);
    }
}

static void put_switch(struct job *job, bool on) {
    table_put_text(job->writer, on ? STR("true") : STR("false"));
}

/* ---- Which tags ---- */

static bool is_asked(const struct export_options *options, const struct tag *tag) {
    struct str rest = options->tags;
    if (rest.size == 0) {
        return true;
    }
    while (rest.size > 0) {
        if (tag_name_fits(str_trim(str_cut(&rest, ',')), tag->name)) {
            return true;
        }
    }
    return false;
}

static int none_fits(const struct job *job, struct err *err) {
    return err_set(err, ERR_NOT_FOUND, MSG_EXPORT_NO_TAG, ARGS(A_STR(job->options->tags)));
}

/* ---- Samples ---- */

static void put_value(struct job *job, const struct hist_rows *rows, uint32_t i) {
    switch (rows->type) {
    case TYPE_F64: table_put_f64(job->writer, rows->f64[i]); break;
    case TYPE_I64: table_put_i64(job->writer, rows->i64[i]); break;
    case TYPE_BOOL: put_switch(job, rows->i64[i] != 0); break;
    case TYPE_TEXT: table_put_text(job->writer, rows->text[i]); break;
    }
}

static uint32_t status_at(const struct hist_rows *rows, uint32_t i) {
    return rows->status != NULL ? rows->status[i] : 0;
}

static int open_scan(
    struct job *job, const struct tag *tag, struct hist_scan **ret_scan, struct err *err) {
    struct hist_scan_options options = {
        .tag = tag->number, .from_ns = job->options->from_ns, .to_ns = job->options->to_ns};
    return hist_scan_open(plant_historian(job->plant), &options, ret_scan, err);
}

static int put_long(
    struct job *job, const struct tag *tag, const struct hist_rows *rows, struct err *err) {
    int status = 0;
    for (uint32_t i = 0; i < rows->count && status >= 0; i++) {
        uint32_t code = status_at(rows, i);
        table_put_text(job->writer, tag->name);
        put_time(job, rows->time_ns[i]);
        if (status_has_value(code)) {
            put_value(job, rows, i);
        } else {
            table_put_empty(job->writer);
        }
        table_put_text(job->writer, str_of(quality_name(status_quality(code))));
        status = end_row(job, err);
    }
    return status;
}

static int put_parquet(
    struct job *job, const struct tag *tag, const struct hist_rows *rows, struct err *err) {
    int status = sample_file_put(job->parquet, tag->name, rows, err);
    job->rows += rows->count;
    return status < 0 ? status : tell(job, err);
}

static int export_samples(struct job *job, struct err *err) {
    uint32_t asked = 0;
    int status = job->parquet != NULL ? 0 : header(job, "tag,time,value,quality", err);
    for (uint32_t i = 0; i < job->catalogue->tag_count && status >= 0; i++) {
        const struct tag *tag = &job->catalogue->tags[i];
        struct hist_scan *scan = NULL;
        if (!is_asked(job->options, tag)) {
            continue;
        }
        asked++;
        status = open_scan(job, tag, &scan, err);
        struct hist_rows rows;
        while (status >= 0 && (status = hist_scan_next(scan, &rows, err)) > 0) {
            status = job->parquet != NULL ? put_parquet(job, tag, &rows, err)
                                          : put_long(job, tag, &rows, err);
        }
        hist_scan_close(scan);
    }
    return status >= 0 && asked == 0 && job->options->tags.size > 0 ? none_fits(job, err) : status;
}

/* One column of a wide table. */
struct column {
    const struct tag *tag;
    struct hist_scan *scan;
    struct hist_rows rows;
    uint32_t at;
    bool ended;
};

/* On to the next row that has a value to show. */
static int column_settle(struct column *column, struct err *err) {
    while (!column->ended) {
        while (column->at < column->rows.count) {
            if (status_quality(status_at(&column->rows, column->at)) != QUALITY_BAD) {
                return 0;
            }
            column->at++;
        }
        int status = hist_scan_next(column->scan, &column->rows, err);
        if (status < 0) {
            return status;
        }
        column->at = 0;
        column->ended = status == 0;
    }
    return 0;
}

static int put_wide_row(
    struct job *job, struct column *columns, uint32_t count, int64_t time_ns, struct err *err) {
    int status = 0;
    put_time(job, time_ns);
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        struct column *column = &columns[i];
        if (column->ended || column->rows.time_ns[column->at] != time_ns) {
            table_put_empty(job->writer);
            continue;
        }
        put_value(job, &column->rows, column->at++);
        status = column_settle(column, err);
    }
    return status < 0 ? status : end_row(job, err);
}

static int merge_columns(struct job *job, struct column *columns, uint32_t count, struct err *err) {
    for (;;) {
        int64_t next_ns = 0;
        bool any = false;
        for (uint32_t i = 0; i < count; i++) {
            if (!columns[i].ended) {
                int64_t time_ns = columns[i].rows.time_ns[columns[i].at];
                next_ns = !any || time_ns < next_ns ? time_ns : next_ns;
                any = true;
            }
        }
        int status = any ? put_wide_row(job, columns, count, next_ns, err) : 0;
        if (!any || status < 0) {
            return status;
        }
    }
}

static int open_columns(
    struct job *job, struct column *columns, uint32_t *ret_count, struct err *err) {
    int status = 0;
    for (uint32_t i = 0; i < job->catalogue->tag_count && status >= 0; i++) {
        const struct tag *tag = &job->catalogue->tags[i];
        if (!is_asked(job->options, tag)) {
            continue;
        }
        if (*ret_count == EXPORT_WIDE_TAGS_MAX) {
            return err_set(err, ERR_LIMIT, MSG_EXPORT_WIDE_TAGS, ARGS(A_INT(EXPORT_WIDE_TAGS_MAX)));
        }
        struct column *column = &columns[(*ret_count)++];
        column->tag = tag;
        status = open_scan(job, tag, &column->scan, err);
        status = status < 0 ? status : column_settle(column, err);
    }
    return status;
}

static int export_wide(struct job *job, struct err *err) {
    AUTO_FREE struct column *columns = MEM_ARRAY(struct column, EXPORT_WIDE_TAGS_MAX);
    uint32_t count = 0;
    int status = open_columns(job, columns, &count, err);
    if (status >= 0 && count == 0) {
        status = none_fits(job, err);
    }
    if (status >= 0) {
        table_put_text(job->writer, STR("time"));
        for (uint32_t i = 0; i < count; i++) {
            table_put_text(job->writer, columns[i].tag->name);
        }
        status = table_end_row(job->writer, err);
    }
    if (status >= 0) {
        status = merge_columns(job, columns, count, err);
    }
    for (uint32_t i = 0; i < count; i++) {
        hist_scan_close(columns[i].scan);
    }
    return status;
}

/* ---- Catalogue ---- */

static void put_mark(struct job *job, const struct tag *tag, const struct device *device) {
    char text[MARK_TEXT_MAX];
    if (job->options->marks) {
        if (tag != NULL) {
            mark_of_tag(tag, text);
        } else {
            mark_of_device(device, text);
        }
        table_put_text(job->writer, str_of(text));
    }
}

static int export_tags(struct job *job, struct err *err) {
#define NAMES                                                                                      \
    "tag,device,source,type,unit,kind,scale,offset,min,max,display,dead_band,retention_days,"      \
    "active,refine,keep_raw,max_silence_s,late_limit_s,rollup_days"
    int status = header(job, job->options->marks ? NAMES ",mark" : NAMES, err);
#undef NAMES
    for (uint32_t i = 0; i < job->catalogue->tag_count && status >= 0; i++) {
        const struct tag *tag = &job->catalogue->tags[i];
        if (!is_asked(job->options, tag)) {
            continue;
        }
        table_put_text(job->writer, tag->name);
        table_put_text(job->writer, tag->device);
        table_put_text(job->writer, tag->source);
        table_put_text(job->writer, str_of(value_type_name(tag->type)));
        table_put_text(job->writer, tag->unit);
        table_put_text(job->writer, str_of(tag_kind_name(tag->kind)));
        table_put_f64(job->writer, tag->scale);
        table_put_f64(job->writer, tag->offset);
        put_number(job, tag->min);
        put_number(job, tag->max);
        table_put_text(job->writer, tag->display);
        put_number(job, tag->dead_band);
        table_put_i64(job->writer, tag->retention_days);
        put_switch(job, tag->active);
        table_put_text(job->writer, tag->refine);
        put_switch(job, tag->keep_raw);
        table_put_f64(job->writer, (double)tag->max_silence_ns / (double)NS_PER_S);
        table_put_f64(job->writer, (double)tag->late_limit_ns / (double)NS_PER_S);
        table_put_i64(job->writer, tag->rollup_days);
        put_mark(job, tag, NULL);
        status = end_row(job, err);
    }
    return status;
}

static int export_devices(struct job *job, struct err *err) {
#define NAMES "device,driver,address,period_ms,options,display,enabled"
    int status = header(job, job->options->marks ? NAMES ",mark" : NAMES, err);
#undef NAMES
    for (uint32_t i = 0; i < job->catalogue->device_count && status >= 0; i++) {
        const struct device *device = &job->catalogue->devices[i];
        table_put_text(job->writer, device->id);
        table_put_text(job->writer, device->driver);
        table_put_text(job->writer, device->address);
        table_put_f64(job->writer, (double)device->period_ns / (double)NS_PER_MS);
        AUTO_BUF struct buf options;
        buf_init(&options, 4 * LIMIT_DEVICE_TEXT_BYTES);
        device_options_show(device->driver, device->options, &options);
        table_put_text(job->writer, buf_str(&options));
        table_put_text(job->writer, device->display);
        put_switch(job, device->enabled);
        put_mark(job, NULL, device);
        status = end_row(job, err);
    }
    return status;
}

/* Parents come before their children, so that the table can be read from above: level by level of
 * the tree, as often as it is deep. */
static int export_equipment(struct job *job, struct err *err) {
    const struct catalogue *catalogue = job->catalogue;
    AUTO_FREE bool *done = MEM_ARRAY(bool, catalogue->asset_count + 1);
    int status = header(job, "id,parent,level,display,kind,x,y", err);
    bool more = true;
    while (more && status >= 0) {
        more = false;
        for (uint32_t i = 0; i < catalogue->asset_count && status >= 0; i++) {
            const struct asset *asset = &catalogue->assets[i];
            bool ready = asset->parent == 0 || done[asset->parent - 1];
            if (done[i] || !ready) {
                continue;
            }
            done[i] = more = true;
            table_put_text(job->writer, asset->id);
            table_put_text(job->writer,
                asset->parent == 0 ? STR_NONE : catalogue->assets[asset->parent - 1].id);
            table_put_text(job->writer, str_of(asset_level_name(asset->level)));
            table_put_text(job->writer, asset->display);
            table_put_text(job->writer, asset->kind);
            put_number(job, asset->x);
            put_number(job, asset->y);
            status = end_row(job, err);
        }
    }
    return status;
}

static int put_correction(struct job *job, const struct correction_entry *entry, struct err *err) {
    const struct tag *tag = catalogue_tag(job->catalogue, entry->tag);
    bool inside = entry->time_ns >= job->options->from_ns && entry->time_ns < job->options->to_ns;
    if (tag == NULL || !inside || !is_asked(job->options, tag)) {
        return 0;
    }
    table_put_text(job->writer, tag->name);
    put_time(job, entry->time_ns);
    table_put_text(job->writer, entry->value);
    table_put_text(job->writer, entry->bad ? STR("bad") : STR("good"));
    table_put_text(job->writer, entry->reason);
    table_put_text(job->writer, entry->old_value);
    table_put_text(job->writer, entry->actor);
    put_time(job, entry->entered_ns);
    return end_row(job, err);
}

static int export_corrections(struct job *job, struct err *err) {
    AUTO_FREE struct correction_entry *entries =
        MEM_ARRAY(struct correction_entry, CORRECTIONS_PAGE);
    struct correction_query query = {.before = INT64_MAX, .latest_only = true};
    int status = header(job, "tag,time,value,quality,reason,old_value,actor,entered", err);
    for (int count = CORRECTIONS_PAGE; status >= 0 && count == CORRECTIONS_PAGE;) {
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 0);
        count = status =
            correction_list(job->plant, &query, entries, CORRECTIONS_PAGE, &arena, err);
        for (int i = 0; i < count && status >= 0; i++) {
            query.before = entries[i].number;
            status = put_correction(job, &entries[i], err);
        }
    }
    return status;
}

static int run(struct job *job, struct err *err) {
    if (job->options->kind >= EXPORT_NOUNS) {
        enum noun_id noun = (enum noun_id)((int)job->options->kind - (int)EXPORT_NOUNS);
        return export_master(job->plant, job->options, noun, job->writer, &job->rows, err);
    }
    switch (job->options->kind) {
    case EXPORT_SAMPLES: return export_samples(job, err);
    case EXPORT_WIDE: return export_wide(job, err);
    case EXPORT_TAGS: return export_tags(job, err);
    case EXPORT_DEVICES: return export_devices(job, err);
    case EXPORT_EQUIPMENT: return export_equipment(job, err);
    case EXPORT_CORRECTIONS: return export_corrections(job, err);
    case EXPORT_NOUNS:
    case EXPORT_KIND_COUNT: break;
    }
    return 0;
}

static int open_file(struct job *job, struct err *err) {
    const struct export_options *options = job->options;
    if (options->file.format != TABLE_PARQUET) {
        return table_writer_open(&options->file, &job->writer, err);
    }
    if (options->kind != EXPORT_SAMPLES) {
        return err_set(err, ERR_UNSUPPORTED, MSG_EXPORT_PARQUET_KIND,
            ARGS(A_CSTR(export_kind_name(options->kind))));
    }
    struct sample_file_options file = {.plant = plant_id(job->plant),
        .zone = zone_name(plant_zone(job->plant)),
        .context = options->file.context,
        .write = options->file.write};
    return sample_file_open(&file, &job->parquet, err);
}

static int finish_file(struct job *job, struct err *err) {
    return job->parquet != NULL ? sample_file_finish(job->parquet, err)
                                : table_writer_finish(job->writer, err);
}

int export_run(struct plant *plant, const struct export_options *options, uint64_t *ret_rows,
    struct err *err) {
    struct job job = {.plant = plant, .options = options};
    int status = open_file(&job, err);
    if (status < 0) {
        return status;
    }
    job.catalogue = plant_catalogue(plant);
    status = run(&job, err);
    if (status >= 0) {
        status = finish_file(&job, err);
    }
    if (status >= 0) {
        *ret_rows = job.rows;
    }
    catalogue_unref(job.catalogue);
    table_writer_close(job.writer);
    sample_file_close(job.parquet);
    return status < 0 ? status : 0;
}

void export_expired(struct plant *plant, const struct export_options *options, void *context,
    void (*each)(void *context, const struct tag *tag, const struct hist_horizon *horizon)) {
    if (options->kind != EXPORT_SAMPLES && options->kind != EXPORT_WIDE) {
        return;
    }
    struct catalogue *catalogue = plant_catalogue(plant);
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        struct hist_horizon horizon;
        if (is_asked(options, tag) &&
            retention_gap(plant, tag->number, options->from_ns, options->to_ns, &horizon)) {
            each(context, tag, &horizon);
        }
    }
    catalogue_unref(catalogue);
}
