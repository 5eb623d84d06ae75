/*
 * Devices and tags from CSV. Columns are found by their header, in any order; without a header they
 * stand in the documented order. All good rows are put in one ledger transaction; rejected rows are
 * listed and leave the others alone. A tag's source is checked by its device's driver at once: a
 * typing mistake is told here, with its line, and not by a silent tag on the shop floor. A column
 * that the file does not have leaves what stands already as it is, so a list of names and limits
 * cannot unwire a tag.
 */
#include <math.h>

#include "core/mem.h"
#include "plant/import.h"

enum { COLUMNS_MAX = 16, RETENTION_DAYS_MAX = 36525 };

struct column {
    struct str name;
    bool required;
};

#define COLUMN(text, is_required)                                                                  \
    { .name = {.data = (text), .size = sizeof(text) - 1}, .required = (is_required) }

enum device_column {
    DEVICE_ID,
    DEVICE_DRIVER,
    DEVICE_ADDRESS,
    DEVICE_PERIOD,
    DEVICE_OPTIONS,
    DEVICE_DISPLAY,
    DEVICE_ENABLED,
    DEVICE_COLUMN_COUNT
};

static const struct column DEVICE_COLUMNS[DEVICE_COLUMN_COUNT] = {
    [DEVICE_ID] = COLUMN("device", true),
    [DEVICE_DRIVER] = COLUMN("driver", true),
    [DEVICE_ADDRESS] = COLUMN("address", true),
    [DEVICE_PERIOD] = COLUMN("period_ms", false),
    [DEVICE_OPTIONS] = COLUMN("options", false),
    [DEVICE_DISPLAY] = COLUMN("display", false),
    [DEVICE_ENABLED] = COLUMN("enabled", false),
};

enum tag_column {
    TAG_NAME,
    TAG_DEVICE,
    TAG_SOURCE,
    TAG_TYPE,
    TAG_UNIT,
    TAG_KIND,
    TAG_SCALE,
    TAG_OFFSET,
    TAG_MIN,
    TAG_MAX,
    TAG_DISPLAY,
    TAG_DEAD_BAND,
    TAG_RETENTION,
    TAG_ACTIVE,
    TAG_REFINE,
    TAG_KEEP_RAW,
    TAG_COLUMN_COUNT
};

static const struct column TAG_COLUMNS[TAG_COLUMN_COUNT] = {
    [TAG_NAME] = COLUMN("tag", true),
    [TAG_DEVICE] = COLUMN("device", false),
    [TAG_SOURCE] = COLUMN("source", false),
    [TAG_TYPE] = COLUMN("type", false),
    [TAG_UNIT] = COLUMN("unit", false),
    [TAG_KIND] = COLUMN("kind", false),
    [TAG_SCALE] = COLUMN("scale", false),
    [TAG_OFFSET] = COLUMN("offset", false),
    [TAG_MIN] = COLUMN("min", false),
    [TAG_MAX] = COLUMN("max", false),
    [TAG_DISPLAY] = COLUMN("display", false),
    [TAG_DEAD_BAND] = COLUMN("dead_band", false),
    [TAG_RETENTION] = COLUMN("retention_days", false),
    [TAG_ACTIVE] = COLUMN("active", false),
    [TAG_REFINE] = COLUMN("refine", false),
    [TAG_KEEP_RAW] = COLUMN("keep_raw", false),
};
_Static_assert((int)TAG_COLUMN_COUNT <= (int)COLUMNS_MAX, "columns fit");
_Static_assert((int)DEVICE_COLUMN_COUNT <= (int)COLUMNS_MAX, "columns fit");

struct row {
    uint64_t line;
    struct err *fault;              // Why it was rejected; told after the transaction.
    struct str fields[COLUMNS_MAX]; // By column of the kind; empty when absent.
    struct row *next;
};

struct job {
    struct plant *plant;
    const struct import_options *options;
    struct import_report *report;
    struct arena arena;
    const struct column *columns;
    int column_count;
    int positions[COLUMNS_MAX]; // Field of the file by column; -1: absent.
    size_t field_count;
    uint64_t rows_max; // A plant has no more.
    struct row *first;
    struct row **last;
    struct catalogue *catalogue;
};

/* ---- Reading the table ---- */

static int find_column(const struct job *job, struct str name) {
    for (int i = 0; i < job->column_count; i++) {
        if (str_eq_nocase(name, job->columns[i].name)) {
            return i;
        }
    }
    return -1;
}

static int read_header(struct job *job, const struct str *fields, size_t count, struct err *err) {
    for (int i = 0; i < job->column_count; i++) {
        job->positions[i] = -1;
    }
    job->field_count = count;
    for (size_t i = 0; i < count; i++) {
        int column = find_column(job, str_trim(fields[i]));
        if (column < 0) {
            return err_set(err, ERR_INVALID, MSG_IMPORT_COLUMN_UNKNOWN, ARGS(A_STR(fields[i])));
        }
        if (job->positions[column] >= 0) {
            return err_set(err, ERR_INVALID, MSG_IMPORT_COLUMN_TWICE, ARGS(A_STR(fields[i])));
        }
        job->positions[column] = (int)i;
    }
    for (int i = 0; i < job->column_count; i++) {
        if (job->columns[i].required && job->positions[i] < 0) {
            return err_set(
                err, ERR_INVALID, MSG_IMPORT_COLUMN_MISSING, ARGS(A_STR(job->columns[i].name)));
        }
    }
    return 0;
}

/* The documented order, for tables without a header. */
static void assume_order(struct job *job, size_t count) {
    job->field_count = count;
    for (int i = 0; i < job->column_count; i++) {
        job->positions[i] = (size_t)i < count ? i : -1;
    }
}

static struct row *add_row(struct job *job, uint64_t line) {
    struct row *row = ARENA_NEW(&job->arena, struct row);
    row->line = line;
    *job->last = row;
    job->last = &row->next;
    return row;
}

static void keep_row(struct job *job, const struct str *fields, uint64_t line) {
    struct row *row = add_row(job, line);
    for (int i = 0; i < job->column_count; i++) {
        if (job->positions[i] >= 0) {
            row->fields[i] = arena_copy(&job->arena, str_trim(fields[job->positions[i]]));
        }
    }
}

/* Whoever reads the rejections may be slow, and the ledger has one writer: they are kept here and
 * told when the transaction is over. */
static void reject(struct job *job, struct row *row, struct err *err) {
    row->fault = ARENA_NEW(&job->arena, struct err);
    *row->fault = *err;
    err_clear(err);
}

static void tell_rejected(struct job *job) {
    for (const struct row *row = job->first; row != NULL; row = row->next) {
        if (row->fault != NULL) {
            import_reject(job->options, job->report, row->line, row->fault);
        }
    }
}

static int read_rows(struct job *job, struct csv_file *file, struct err *err) {
    const struct str *fields = NULL;
    size_t count = 0;
    bool first = true;
    int status;
    while ((status = csv_file_next(file, &fields, &count, err)) > 0) {
        size_t full = count;
        count = csv_trimmed(fields, count, first ? 1 : job->field_count);
        if (csv_trimmed(fields, count, 1) == 1 && fields[0].size == 0) {
            continue;
        }
        if (first) {
            first = false;
            if (find_column(job, str_trim(fields[0])) >= 0) {
                status = read_header(job, fields, count, err);
                if (status < 0) {
                    return status;
                }
                continue;
            }
            count = full; // Data: its empty fields at the end are fields.
            assume_order(job, count);
        }
        job->report->rows++;
        if (job->report->rows > job->rows_max) {
            return err_set(err, ERR_LIMIT, MSG_IMPORT_TOO_MANY_ROWS, ARGS(A_INT(job->rows_max)));
        }
        if (count != job->field_count) {
            (void)err_set(
                err, ERR_INVALID, MSG_IMPORT_COLUMNS, ARGS(A_INT(count), A_INT(job->field_count)));
            reject(job, add_row(job, csv_file_line(file)), err);
        } else {
            keep_row(job, fields, csv_file_line(file));
        }
    }
    if (status >= 0 && first) {
        return err_set(err, ERR_INVALID, MSG_IMPORT_EMPTY, NO_ARGS);
    }
    return status;
}

/* ---- Rows into things ---- */

static int number_field(
    struct str text, struct str column, double fallback, double *ret_value, struct err *err) {
    *ret_value = fallback;
    if (text.size > 0 && (!str_to_f64(text, ret_value) || !isfinite(*ret_value))) {
        (void)err_set(err, ERR_INVALID, MSG_NUMBER_EXPECTED, ARGS(A_STR(text)));
        return err_context(err, MSG_IMPORT_IN_COLUMN, ARGS(A_STR(column)));
    }
    return 0;
}

/* Columns that the file does not have leave an existing device or tag as it is. */
static void take_text(const struct job *job, const struct row *row, int column, struct str *to) {
    if (job->positions[column] >= 0) {
        *to = row->fields[column];
    }
}

/* true, false, 1, 0; an empty field means `fallback`. */
static int take_switch(const struct job *job, const struct row *row, int column, bool fallback,
    bool *to, struct err *err) {
    if (job->positions[column] < 0) {
        return 0;
    }
    struct str text = row->fields[column];
    if (text.size == 0) {
        *to = fallback;
        return 0;
    }
    bool off = str_eq_nocase(text, STR("false")) || str_eq(text, STR("0"));
    bool on = str_eq_nocase(text, STR("true")) || str_eq(text, STR("1"));
    if (!on && !off) {
        return err_set(
            err, ERR_INVALID, MSG_IMPORT_SWITCH, ARGS(A_STR(text), A_STR(row->fields[0])));
    }
    *to = on;
    return 0;
}

static int device_period(const struct row *row, int64_t *ret_period_ns, struct err *err) {
    double period_ms = 0;
    int status = number_field(
        row->fields[DEVICE_PERIOD], DEVICE_COLUMNS[DEVICE_PERIOD].name, 1000, &period_ms, err);
    if (status >= 0 && (period_ms < 10 || period_ms > 86400000)) {
        return err_set(err, ERR_RANGE, MSG_IMPORT_PERIOD, ARGS(A_STR(row->fields[DEVICE_PERIOD])));
    }
    if (status >= 0) {
        *ret_period_ns = (int64_t)(period_ms * (double)NS_PER_MS);
    }
    return status;
}

static int device_of(
    const struct job *job, const struct row *row, struct device *device, struct err *err) {
    const struct device *known = catalogue_device(job->catalogue, row->fields[DEVICE_ID]);
    *device =
        known != NULL
            ? *known
            : (struct device){
                  .options = STR_NONE, .display = STR_NONE, .period_ns = NS_PER_S, .enabled = true};
    device->id = row->fields[DEVICE_ID];
    take_text(job, row, DEVICE_DRIVER, &device->driver);
    take_text(job, row, DEVICE_ADDRESS, &device->address);
    take_text(job, row, DEVICE_OPTIONS, &device->options);
    take_text(job, row, DEVICE_DISPLAY, &device->display);
    if (!str_is_id(device->id)) {
        return err_set(err, ERR_INVALID, MSG_ID_INVALID, ARGS(A_STR(device->id)));
    }
    int status =
        job->positions[DEVICE_PERIOD] >= 0 ? device_period(row, &device->period_ns, err) : 0;
    if (status >= 0) {
        status = take_switch(job, row, DEVICE_ENABLED, true, &device->enabled, err);
    }
    return status < 0 ? status : device_check(device, err);
}

static int check_source(const struct job *job, const struct tag *tag, struct err *err) {
    if (tag->device.size == 0) {
        return tag->source.size == 0
                   ? 0
                   : err_set(err, ERR_INVALID, MSG_IMPORT_SOURCE_NO_DEVICE, ARGS(A_STR(tag->name)));
    }
    const struct device *device = catalogue_device(job->catalogue, tag->device);
    if (device == NULL) {
        return err_set(err, ERR_NOT_FOUND, MSG_IMPORT_DEVICE_UNKNOWN, ARGS(A_STR(tag->device)));
    }
    return device_check_tag(device, tag, err);
}

static int tag_words(
    const struct job *job, const struct row *row, struct tag *tag, struct err *err) {
    struct str type = row->fields[TAG_TYPE];
    if (job->positions[TAG_TYPE] >= 0) {
        tag->type = TYPE_F64;
    }
    if (type.size > 0 && !value_type_of_name(type, &tag->type)) {
        return err_set(err, ERR_INVALID, MSG_IMPORT_TYPE_UNKNOWN, ARGS(A_STR(type)));
    }
    struct str kind = row->fields[TAG_KIND];
    if (job->positions[TAG_KIND] >= 0) {
        tag->kind = KIND_MEASUREMENT;
    }
    if (kind.size > 0 && !tag_kind_of_name(kind, &tag->kind)) {
        return err_set(err, ERR_INVALID, MSG_IMPORT_KIND_UNKNOWN, ARGS(A_STR(kind)));
    }
    take_text(job, row, TAG_DISPLAY, &tag->display);
    take_text(job, row, TAG_UNIT, &tag->unit);
    take_text(job, row, TAG_DEVICE, &tag->device);
    take_text(job, row, TAG_SOURCE, &tag->source);
    take_text(job, row, TAG_REFINE, &tag->refine);
    return tag_name_check(tag->name, err);
}

static int tag_retention(const struct row *row, struct tag *tag, struct err *err) {
    struct str text = row->fields[TAG_RETENTION];
    uint64_t days = 0;
    if (text.size > 0 && (!str_to_u64(text, &days) || days > RETENTION_DAYS_MAX)) {
        return err_set(
            err, ERR_RANGE, MSG_IMPORT_RETENTION, ARGS(A_STR(text), A_INT(RETENTION_DAYS_MAX)));
    }
    tag->retention_days = (uint32_t)days;
    return 0;
}

static int tag_numbers(
    const struct job *job, const struct row *row, struct tag *tag, struct err *err) {
    const struct {
        enum tag_column column;
        double fallback;
        double *to;
    } NUMBERS[] = {{TAG_SCALE, 1, &tag->scale}, {TAG_OFFSET, 0, &tag->offset},
        {TAG_MIN, (double)NAN, &tag->min}, {TAG_MAX, (double)NAN, &tag->max},
        {TAG_DEAD_BAND, (double)NAN, &tag->dead_band}};
    int status = 0;
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0] && status >= 0; i++) {
        if (job->positions[NUMBERS[i].column] >= 0) {
            status = number_field(row->fields[NUMBERS[i].column],
                TAG_COLUMNS[NUMBERS[i].column].name, NUMBERS[i].fallback, NUMBERS[i].to, err);
        }
    }
    if (status >= 0 && job->positions[TAG_RETENTION] >= 0) {
        status = tag_retention(row, tag, err);
    }
    if (status >= 0 && tag->min > tag->max) {
        status = err_set(err, ERR_INVALID, MSG_IMPORT_MIN_MAX, ARGS(A_STR(tag->name)));
    }
    return status;
}

static int tag_of(const struct job *job, const struct row *row, struct tag *tag, struct err *err) {
    const struct tag *known = catalogue_find(job->catalogue, row->fields[TAG_NAME]);
    *tag = known != NULL ? *known
                         : (struct tag){.display = STR_NONE,
                               .unit = STR_NONE,
                               .device = STR_NONE,
                               .source = STR_NONE,
                               .refine = STR_NONE,
                               .type = TYPE_F64,
                               .scale = 1,
                               .min = (double)NAN,
                               .max = (double)NAN,
                               .dead_band = (double)NAN,
                               .active = true};
    tag->name = row->fields[TAG_NAME];
    int status = tag_words(job, row, tag, err);
    if (status >= 0) {
        status = tag_numbers(job, row, tag, err);
    }
    if (status >= 0) {
        status = take_switch(job, row, TAG_ACTIVE, true, &tag->active, err);
    }
    if (status >= 0) {
        status = take_switch(job, row, TAG_KEEP_RAW, false, &tag->keep_raw, err);
    }
    if (status >= 0) {
        status = refine_check(tag, err);
    }
    return status < 0 ? status : check_source(job, tag, err);
}

/* ---- Storing ---- */

static int put_row(struct job *job, struct ledger_tx *tx, const struct row *row, bool *ret_changed,
    struct err *err) {
    uint32_t number = 0;
    if (job->options->kind == IMPORT_DEVICES) {
        struct device device;
        int status = device_of(job, row, &device, err);
        return status < 0 || tx == NULL ? status
                                        : device_put(tx, &device, &number, ret_changed, err);
    }
    struct tag tag;
    int status = tag_of(job, row, &tag, err);
    return status < 0 || tx == NULL ? status : plant_tag_put(tx, &tag, &number, ret_changed, err);
}

static bool is_row_fault(int status) {
    return status != -ERR_SPACE && status != -ERR_IO && status != -ERR_DATABASE &&
           status != -ERR_CORRUPT;
}

static int put_all(struct ledger_tx *tx, void *context, struct err *err) {
    struct job *job = context;
    for (struct row *row = job->first; row != NULL; row = row->next) {
        bool changed = false;
        if (row->fault != NULL) {
            continue;
        }
        int status = put_row(job, tx, row, &changed, err);
        if (status < 0 && !is_row_fault(status)) {
            return status;
        }
        if (status < 0) {
            reject(job, row, err);
            continue;
        }
        job->report->values++;
        job->report->stored += tx != NULL && changed;
        job->report->omitted += tx != NULL && !changed;
    }
    if (tx == NULL || job->report->stored == 0) {
        return 0;
    }
    AUTO_BUF struct buf payload;
    buf_init(&payload, 256);
    buf_printf(&payload, "{\"rows\":%llu,\"changed\":%llu}", (unsigned long long)job->report->rows,
        (unsigned long long)job->report->stored);
    return audit_append(tx, STR("installer"),
        job->options->kind == IMPORT_DEVICES ? STR("import.devices") : STR("import.tags"),
        plant_id(job->plant), buf_str(&payload), err);
}

int import_catalogue(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err) {
    bool devices = options->kind == IMPORT_DEVICES;
    struct job job = {.plant = plant,
        .options = options,
        .report = report,
        .columns = devices ? DEVICE_COLUMNS : TAG_COLUMNS,
        .column_count = devices ? (int)DEVICE_COLUMN_COUNT : (int)TAG_COLUMN_COUNT,
        .rows_max = devices ? LIMIT_DEVICES : LIMIT_TAGS};
    arena_init(&job.arena, 0);
    job.last = &job.first;
    job.catalogue = plant_catalogue(plant);
    struct csv_file *file = csv_file_new(options);
    int status = read_rows(&job, file, err);
    if (status >= 0) {
        status = options->dry_run ? put_all(NULL, &job, err)
                                  : ledger_write(plant_ledger(plant), put_all, &job, err);
    }
    if (status < 0) { // Rolled back: nothing of it stands.
        report->values = report->stored = report->omitted = 0;
    }
    tell_rejected(&job);
    if (status >= 0 && !options->dry_run && report->stored > 0) {
        status = plant_refresh(plant, err);
    }
    csv_file_free(file);
    catalogue_unref(job.catalogue);
    arena_fini(&job.arena);
    return status < 0 ? status : 0;
}
