/*
 * Samples from CSV, long (tag, time, value[, quality]) or wide (a time column and one column a
 * tag). The shape is recognised from the first row; without a header, three columns are
 * tag, ts_ms, value. Unless good rows are to be taken alone, the file is read twice: all of it is
 * checked, and only when no row is at fault it is stored. Rows are parsed into one large batch;
 * names seen for the first time are only noted, and when the batch is full all of them are resolved
 * (and created) in one ledger transaction, the batch is filled with their numbers and submitted. So
 * a file of a million rows with new tags costs a handful of ledger syncs, and memory does not grow
 * with the file.
 *
 * Times: ts_ms is whole milliseconds since 1970 UTC; time is RFC 3339, in the plant's zone where
 * it has no offset. Values are read as the tag's type; new tags are f64.
 */
#include <math.h>

#include "core/check.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/mem.h"
#include "plant/import.h"

enum {
    NAMES_MAX = LIMIT_TAGS,
    SLOTS = 1 << 18, // At least twice NAMES_MAX.
    NONE = -1,
};
_Static_assert(SLOTS >= 2 * NAMES_MAX, "the name table must stay half empty");

struct name_entry {
    struct str name;
    uint32_t number; // 0: not resolved yet.
    enum value_type type;
    bool used; // A good value came for it; only then its tag is made.
    bool told; // As created.
};

enum shape { SHAPE_LONG, SHAPE_WIDE };

struct job {
    struct plant *plant;
    const struct import_options *options;
    struct import_report *report;
    struct arena arena;
    struct name_entry *names;
    uint32_t name_count;
    uint32_t *slots;     // Index + 1 into names.
    uint32_t used_count; // Names that have come into use since the last flush.
    bool check_only;     // Nothing is stored in this pass.
    bool store_failed;   // Not the row but the store was at fault: the import ends.
    struct batch *batch; // rows[].tag holds the index into names until flushed.
    enum shape shape;
    bool time_is_ms;
    int64_t latest_ns;  // Later times cannot be true.
    size_t field_count; // Of the first row.
    int tag_column;
    int time_column;
    int value_column;
    int quality_column;
    uint32_t *wide_names; // Index into names by column.
    size_t wide_count;
};

/* ---- Names ---- */

static int add_name(struct job *job, struct str name, uint32_t *ret_index, struct err *err) {
    int status = tag_name_check(name, err);
    if (status < 0) {
        return status;
    }
    if (job->name_count == NAMES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_IMPORT_TOO_MANY_TAGS, ARGS(A_INT(NAMES_MAX)));
    }
    struct name_entry *entry = &job->names[job->name_count];
    entry->name = arena_copy(&job->arena, name);
    entry->type = TYPE_F64;
    struct catalogue *catalogue = plant_catalogue(job->plant);
    const struct tag *tag = catalogue_find(catalogue, name);
    if (tag != NULL) {
        entry->number = tag->number;
        entry->type = tag->type;
    }
    catalogue_unref(catalogue);
    *ret_index = job->name_count++;
    return 0;
}

static int find_name(struct job *job, struct str name, uint32_t *ret_index, struct err *err) {
    uint64_t slot = hash64(name.data, name.size) & (SLOTS - 1);
    while (job->slots[slot] != 0) {
        uint32_t index = job->slots[slot] - 1;
        if (str_eq(job->names[index].name, name)) {
            *ret_index = index;
            return 0;
        }
        slot = (slot + 1) & (SLOTS - 1);
    }
    int status = add_name(job, name, ret_index, err);
    if (status >= 0) {
        job->slots[slot] = *ret_index + 1;
    }
    return status;
}

static void tell_created(struct job *job, struct name_entry *entry) {
    if (!entry->told) {
        entry->told = true;
        job->report->created++;
        if (job->options->created != NULL) {
            job->options->created(job->options->context, entry->name);
        }
    }
}

/* Gives numbers to all names in use that have none, creating their tags. */
static int resolve_names(struct job *job, struct err *err) {
    if (job->used_count == 0) {
        return 0;
    }
    uint32_t count = 0;
    AUTO_FREE struct str *names = MEM_ARRAY(struct str, job->name_count + 1);
    AUTO_FREE uint32_t *indexes = MEM_ARRAY(uint32_t, job->name_count + 1);
    AUTO_FREE uint32_t *numbers = MEM_ARRAY(uint32_t, job->name_count + 1);
    for (uint32_t i = 0; i < job->name_count; i++) {
        if (job->names[i].used && job->names[i].number == 0) {
            indexes[count] = i;
            names[count++] = job->names[i].name;
            tell_created(job, &job->names[i]);
        }
    }
    job->used_count = 0;
    if (count == 0 || job->check_only) {
        return 0;
    }
    int status = plant_resolve_tags(job->plant, names, NULL, count, numbers, NULL, err);
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        job->names[indexes[i]].number = numbers[i];
    }
    return status;
}

static void mark_used(struct job *job, struct name_entry *entry) {
    if (!entry->used) {
        entry->used = true;
        job->used_count++;
    }
}

/* ---- Flushing ---- */

static int submit(struct job *job, struct err *err) {
    for (uint32_t i = 0; i < job->batch->count; i++) {
        job->batch->rows[i].tag = job->names[job->batch->rows[i].tag].number;
    }
    int status = plant_submit(job->plant, &job->batch, 1, err);
    uint32_t own = job->batch->count - job->batch->made;
    for (uint32_t i = 0; i < own && status >= 0; i++) {
        if ((job->batch->rows[i].flags & SAMPLE_DROP) != 0) {
            job->report->omitted++;
        } else {
            job->report->stored++;
        }
    }
    return status;
}

/* Stores what the batch holds. A failure here is the store's, whatever its code: the import ends.
 */
static int flush(struct job *job, struct err *err) {
    int status = resolve_names(job, err);
    if (status >= 0 && job->batch->count > 0 && !job->check_only) {
        status = submit(job, err);
    }
    batch_clear(job->batch);
    job->store_failed = status < 0;
    return status;
}

/* ---- Values ---- */

static int read_number(
    struct str name, enum value_type type, struct str text, struct sample *row, struct err *err) {
    bool good = false;
    int64_t whole = 0;
    switch (type) {
    case TYPE_F64: good = str_to_f64(text, &row->value.f64); break;
    case TYPE_I64: good = str_to_i64(text, &row->value.i64); break;
    case TYPE_BOOL:
        if (str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("false"))) {
            whole = str_eq_nocase(text, STR("true"));
            good = true;
        } else {
            good = str_to_i64(text, &whole) && (whole == 0 || whole == 1);
        }
        row->value.i64 = whole;
        break;
    case TYPE_TEXT: NEVER(true); break;
    }
    if (!good) {
        return err_set(err, ERR_TYPE, MSG_IMPORT_VALUE,
            ARGS(A_STR(text), A_CSTR(value_type_name(type)), A_STR(name)));
    }
    return 0;
}

static int check_text(struct str text, struct err *err) {
    size_t bad = 0;
    if (text.size > LIMIT_TEXT_VALUE_BYTES) {
        return err_set(err, ERR_LIMIT, MSG_IMPORT_TEXT_LONG,
            ARGS(A_INT(text.size), A_INT(LIMIT_TEXT_VALUE_BYTES)));
    }
    if (!str_is_utf8(text, &bad)) {
        return err_set(err, ERR_INVALID, MSG_TEXT_NOT_UTF8, ARGS(A_INT(bad + 1)));
    }
    return 0;
}

int import_value(
    struct str name, enum value_type type, struct str text, struct sample *row, struct err *err) {
    return type == TYPE_TEXT ? check_text(text, err) : read_number(name, type, text, row, err);
}

/* Whether the text is a value of the tag; *row receives a number. */
static int check_value(
    struct name_entry *entry, struct str text, struct sample *row, struct err *err) {
    return import_value(entry->name, entry->type, text, row, err);
}

static int add_text(
    struct job *job, uint32_t index, int64_t time_ns, struct str text, struct err *err) {
    if (!batch_add_text(job->batch, index, time_ns, text)) {
        int status = flush(job, err);
        if (status < 0) {
            return status;
        }
        CHECK(batch_add_text(job->batch, index, time_ns, text)); // Empty now, and within limits.
    }
    return 0;
}

static int add_value(struct job *job, uint32_t index, int64_t time_ns, struct str text,
    uint32_t status_code, struct err *err) {
    struct name_entry *entry = &job->names[index];
    struct sample row = {.tag = index,
        .time_ns = time_ns,
        .type = (uint8_t)entry->type,
        .status = status_code,
        .flags = SAMPLE_SOURCE_TIME};
    /* A bad row without a value, as our own export writes it: nothing was read then. */
    bool nothing = text.size == 0 && status_quality(status_code) == QUALITY_BAD;
    if (nothing) {
        status_code = row.status = (uint32_t)STATUS_BAD_NO_DATA;
        row.value.f64 = entry->type == TYPE_F64 ? (double)NAN : 0; // All bits 0 for whole numbers.
    }
    int status = nothing ? 0 : check_value(entry, text, &row, err);
    if (status < 0) {
        return status;
    }
    mark_used(job, entry);
    if (entry->type == TYPE_TEXT) {
        status = add_text(job, index, time_ns, text, err);
        if (status >= 0) {
            job->batch->rows[job->batch->count - 1].status = status_code;
            job->batch->rows[job->batch->count - 1].flags = SAMPLE_SOURCE_TIME;
        }
        return status;
    }
    struct sample *place = batch_add(job->batch);
    if (place == NULL) {
        status = flush(job, err);
        if (status < 0) {
            return status;
        }
        mark_used(job, entry);
        place = batch_add(job->batch);
        CHECK(place != NULL); // Empty now.
    }
    *place = row;
    return 0;
}

static int parse_time(
    const struct job *job, struct str text, int64_t *ret_time_ns, struct err *err) {
    if (!job->time_is_ms) {
        if (time_parse(text, plant_zone(job->plant), ret_time_ns)) {
            return 0;
        }
        return err_set(err, ERR_INVALID, MSG_TIME_EXPECTED, ARGS(A_STR(text)));
    }
    int64_t ms = 0;
    if (!str_to_i64(text, &ms)) {
        return err_set(err, ERR_INVALID, MSG_IMPORT_MS_EXPECTED, ARGS(A_STR(text)));
    }
    if (ms > INT64_MAX / NS_PER_MS || ms < INT64_MIN / NS_PER_MS) {
        return err_set(err, ERR_RANGE, MSG_IMPORT_TIME_RANGE, ARGS(A_STR(text)));
    }
    *ret_time_ns = ms * NS_PER_MS;
    return 0;
}

static int read_time(
    const struct job *job, struct str text, int64_t *ret_time_ns, struct err *err) {
    int64_t time_ns = 0;
    int status = parse_time(job, text, &time_ns, err);
    if (status >= 0 && (time_ns < SAMPLE_TIME_MIN || time_ns > job->latest_ns)) {
        return err_set(err, ERR_RANGE, MSG_IMPORT_TIME_RANGE, ARGS(A_STR(text)));
    }
    if (status >= 0) {
        *ret_time_ns = time_ns;
    }
    return status;
}

/* ---- Rows ---- */

static int read_quality(struct str text, uint32_t *ret_status, struct err *err) {
    enum quality quality = QUALITY_GOOD; // An empty field says nothing against it.
    if (text.size > 0 && !quality_of_name(text, &quality)) {
        return err_set(err, ERR_INVALID, MSG_IMPORT_QUALITY, ARGS(A_STR(text)));
    }
    *ret_status = quality == QUALITY_GOOD        ? 0u
                  : quality == QUALITY_UNCERTAIN ? (uint32_t)STATUS_UNCERTAIN
                                                 : (uint32_t)STATUS_BAD;
    return 0;
}

/* The row's fault stands in this column. */
static int in_column(int status, const char *column, struct err *err) {
    return status < 0 ? err_context(err, MSG_IMPORT_IN_COLUMN, ARGS(A_CSTR(column))) : status;
}

static int long_row(struct job *job, const struct str *fields, size_t count, struct err *err) {
    size_t wanted = job->quality_column != NONE ? 4 : 3;
    if (count != wanted) {
        return err_set(err, ERR_INVALID, MSG_IMPORT_COLUMNS, ARGS(A_INT(count), A_INT(wanted)));
    }
    int64_t time_ns = 0;
    uint32_t index = 0;
    uint32_t status_code = 0;
    int status = in_column(read_time(job, fields[job->time_column], &time_ns, err),
        job->time_is_ms ? "ts_ms" : "time", err);
    if (status >= 0) {
        status = in_column(find_name(job, fields[job->tag_column], &index, err), "tag", err);
    }
    if (status >= 0 && job->quality_column != NONE) {
        status =
            in_column(read_quality(fields[job->quality_column], &status_code, err), "quality", err);
    }
    if (status < 0) {
        return status;
    }
    job->report->values++;
    return add_value(job, index, time_ns, fields[job->value_column], status_code, err);
}

static int wide_row(struct job *job, const struct str *fields, size_t count, struct err *err) {
    if (count != job->wide_count) {
        return err_set(
            err, ERR_INVALID, MSG_IMPORT_COLUMNS, ARGS(A_INT(count), A_INT(job->wide_count)));
    }
    int64_t time_ns = 0;
    int status = in_column(read_time(job, fields[job->time_column], &time_ns, err),
        job->time_is_ms ? "ts_ms" : "time", err);
    /* Look before taking anything, so that a row is taken whole or not at all. */
    for (size_t i = 0; i < count && status >= 0; i++) {
        struct name_entry *entry = &job->names[job->wide_names[i]];
        struct sample probe;
        if ((int)i != job->time_column && fields[i].size > 0) {
            status = check_value(entry, fields[i], &probe, err);
        }
    }
    for (size_t i = 0; i < count && status >= 0; i++) {
        if ((int)i != job->time_column && fields[i].size > 0) {
            job->report->values++;
            status = add_value(job, job->wide_names[i], time_ns, fields[i], 0, err);
        }
    }
    return status;
}

static int take_row(
    struct job *job, const struct str *fields, size_t count, uint64_t line, struct err *err) {
    if (table_trimmed(fields, count, 1) == 1 && fields[0].size == 0) {
        return 0; // A blank line, or one of separators only.
    }
    job->report->rows++;
    uint64_t values_before = job->report->values;
    int status = job->shape == SHAPE_LONG ? long_row(job, fields, count, err)
                                          : wide_row(job, fields, count, err);
    if (status < 0 && !job->store_failed) {
        job->report->values = values_before;
        import_reject(job->options, job->report, line, err);
        err_clear(err);
        return 0;
    }
    return status;
}

/* ---- Shape ---- */

static int column_of(const struct str *fields, size_t count, struct str name) {
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(str_trim(fields[i]), name)) {
            return (int)i;
        }
    }
    return NONE;
}

/* The words that tables in the field use for the column of times. */
static int time_column_of(const struct str *fields, size_t count) {
    static const char *const NAMES[] = {"time", "timestamp", "datetime", "시각", "시간", "일시"};
    int column = NONE;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && column == NONE; i++) {
        column = column_of(fields, count, str_of(NAMES[i]));
    }
    return column;
}

static int wide_header(struct job *job, const struct str *fields, size_t count, struct err *err) {
    if (job->tag_column != NONE || job->value_column != NONE) { // A long table, but not quite.
        return err_set(err, ERR_INVALID, MSG_IMPORT_SHAPE, NO_ARGS);
    }
    job->shape = SHAPE_WIDE;
    job->wide_count = count;
    job->wide_names = ARENA_ARRAY(&job->arena, uint32_t, count);
    for (size_t i = 0; i < count; i++) {
        if ((int)i == job->time_column) {
            continue;
        }
        int status = find_name(job, str_trim(fields[i]), &job->wide_names[i], err);
        if (status < 0) {
            return err_context(err, MSG_IMPORT_HEADER_COLUMN, ARGS(A_INT(i + 1)));
        }
        for (size_t k = 0; k < i; k++) {
            if ((int)k != job->time_column && job->wide_names[k] == job->wide_names[i]) {
                return err_set(err, ERR_INVALID, MSG_IMPORT_COLUMN_TWICE, ARGS(A_STR(fields[i])));
            }
        }
    }
    return 0;
}

/* Recognises the table from its first row. 1: the row was a header; 0: it is data already. */
static int recognise(struct job *job, const struct str *fields, size_t count, struct err *err) {
    job->tag_column = column_of(fields, count, STR("tag"));
    job->value_column = column_of(fields, count, STR("value"));
    job->quality_column = column_of(fields, count, STR("quality"));
    int ms_column = column_of(fields, count, STR("ts_ms"));
    job->time_is_ms = ms_column != NONE;
    job->time_column = ms_column != NONE ? ms_column : time_column_of(fields, count);
    bool has_time = job->time_column != NONE;
    size_t long_columns = job->quality_column != NONE ? 4 : 3;
    if (has_time && job->tag_column != NONE && job->value_column != NONE && count == long_columns) {
        job->shape = SHAPE_LONG;
        return 1;
    }
    if (has_time && count >= 2) {
        int status = wide_header(job, fields, count, err);
        return status < 0 ? status : 1;
    }
    int64_t ms = 0;
    if (!has_time && count == 3 && str_to_i64(fields[1], &ms)) {
        job->shape = SHAPE_LONG;
        job->tag_column = 0;
        job->time_column = 1;
        job->value_column = 2;
        job->quality_column = NONE;
        job->time_is_ms = true;
        return 0;
    }
    return err_set(err, ERR_INVALID, MSG_IMPORT_SHAPE, NO_ARGS);
}

static int run(struct job *job, struct import_rows *rows, struct err *err) {
    const struct str *fields = NULL;
    size_t count = 0;
    bool first = true;
    int status;
    while ((status = import_rows_next(rows, &fields, &count, err)) > 0) {
        int64_t ms = 0;
        if (status == TABLE_ROW_BAD) {
            if (first) { // What the table is cannot be known.
                return -(int)err->code;
            }
            job->report->rows++;
            import_reject(job->options, job->report, import_rows_line(rows), err);
            err_clear(err);
            continue;
        }
        bool bare = first && count == 3 && str_to_i64(fields[1], &ms); // Data without a header.
        count = table_trimmed(fields, count, first && !bare ? 1 : first ? 3 : job->field_count);
        if (first) {
            job->field_count = count;
            first = false;
            int header = recognise(job, fields, count, err);
            if (header != 0) {
                if (header < 0) {
                    return header;
                }
                continue;
            }
        }
        status = take_row(job, fields, count, import_rows_line(rows), err);
        if (status < 0) {
            return err_context(err, MSG_IMPORT_LINE, ARGS(A_INT(import_rows_line(rows))));
        }
    }
    if (status < 0) {
        return status;
    }
    if (first) {
        return err_set(err, ERR_INVALID, MSG_IMPORT_EMPTY, NO_ARGS);
    }
    return flush(job, err);
}

struct signing {
    struct plant *plant;
    const struct import_options *options;
    const struct import_report *checked; // NULL: nothing was checked beforehand.
};

static int sign(struct ledger_tx *tx, void *context, struct err *err) {
    const struct signing *signing = context;
    AUTO_BUF struct buf payload;
    buf_init(&payload, 256);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_bool(&json, "partial", signing->options->partial);
    if (signing->checked != NULL) {
        json_put_i64(&json, "rows", (int64_t)signing->checked->rows);
        json_put_i64(&json, "values", (int64_t)signing->checked->values);
        json_put_i64(&json, "new_tags", (int64_t)signing->checked->created);
    }
    json_object_end(&json);
    return audit_append(tx, import_actor(signing->options), STR("import.samples"),
        plant_id(signing->plant), buf_str(&payload), err);
}

/* One reading of the file, with names and batch of its own. */
static int run_pass(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct import_rows *rows, bool check_only, struct err *err) {
    struct job job = {.plant = plant,
        .options = options,
        .report = report,
        .check_only = check_only,
        .tag_column = NONE,
        .time_column = NONE,
        .value_column = NONE,
        .quality_column = NONE};
    arena_init(&job.arena, 0);
    int64_t latest = clock_wall_ns(plant_clock(plant)) + SAMPLE_AHEAD_MAX_NS;
    job.latest_ns = latest < SAMPLE_TIME_MAX ? latest : SAMPLE_TIME_MAX;
    job.names = MEM_ARRAY(struct name_entry, NAMES_MAX);
    job.slots = MEM_ARRAY(uint32_t, SLOTS);
    job.batch = batch_new(LIMIT_BATCH_ROWS, LIMIT_BATCH_TEXT_BYTES);
    int status = run(&job, rows, err);
    batch_free(job.batch);
    mem_free(job.slots);
    mem_free(job.names);
    arena_fini(&job.arena);
    return status;
}

int import_samples(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err) {
    struct import_rows *rows = NULL;
    struct import_report checked = {.rows = 0};
    bool check_first = !options->dry_run && !options->partial;
    int status = import_rows_open(options, report, &rows, err);
    if (status >= 0 && check_first) {
        struct import_options quiet = *options;
        quiet.created = NULL; // Told when they are.
        status = run_pass(plant, &quiet, report, rows, true, err);
    }
    report->refused = check_first && report->rejected > 0;
    if (status >= 0 && check_first && !report->refused) {
        struct import_report second = {.facts = report->facts};
        checked = *report;
        status = import_rows_again(rows, err);
        *report = second;
    }
    if (status >= 0 && !report->refused && !options->dry_run) { // Before the first value changes.
        struct signing signing = {plant, options, check_first ? &checked : NULL};
        status = ledger_write(plant_ledger(plant), sign, &signing, err);
    }
    if (status >= 0 && !report->refused) {
        status = run_pass(plant, options, report, rows, options->dry_run, err);
    }
    import_rows_close(rows);
    if (options->dry_run && !options->partial) {
        report->refused = report->rejected > 0;
    } else if (report->refused) {
        report->created = 0;
    }
    return status < 0 ? status : 0;
}
