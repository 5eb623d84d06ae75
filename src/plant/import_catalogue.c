/*
 * Devices, tags and equipment from a table. Columns are found by their header, in any order;
 * without a header they stand in the documented order. All rows are put in one ledger transaction,
 * which is rolled back when a row is at fault, unless the good ones are to be taken alone
 * (`partial`), and when it was only a trial. So a trial finds what the ledger would refuse, too. A
 * tag's source is checked by its device's driver at once: a typing mistake is told here, with its
 * line, and not by a silent tag on the shop floor. A column that the file does not have leaves what
 * stands already as it is, so a list of names and limits cannot unwire a tag. The audit has an
 * entry for each thing that changed, and one for the table. A column `mark` says of each row what
 * it was when the table went out (plant/mark.h): what somebody else has changed since is told and
 * not overwritten.
 */
#include <math.h>

#include "core/check.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/mem.h"
#include "plant/import.h"
#include "plant/mark.h"
#include "refine/derived.h"

enum { NOTE_BYTES = 60000 }; // Of a row's entry in the audit; a row is far below.
enum {
    COLUMNS_MAX = IMPORT_COLUMNS_MAX,
    RETENTION_DAYS_MAX = 36525,
    SECONDS_MAX = 31622400,
    PLACE_MAX = 1000
};

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
    DEVICE_MARK,
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
    [DEVICE_MARK] = COLUMN("mark", false),
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
    TAG_MAX_SILENCE,
    TAG_LATE_LIMIT,
    TAG_ROLLUP,
    TAG_MARK,
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
    [TAG_MAX_SILENCE] = COLUMN("max_silence_s", false),
    [TAG_LATE_LIMIT] = COLUMN("late_limit_s", false),
    [TAG_ROLLUP] = COLUMN("rollup_days", false),
    [TAG_MARK] = COLUMN("mark", false),
};

enum asset_column {
    ASSET_ID,
    ASSET_PARENT,
    ASSET_LEVEL,
    ASSET_DISPLAY,
    ASSET_KIND,
    ASSET_X,
    ASSET_Y,
    ASSET_COLUMN_COUNT
};

static const struct column ASSET_COLUMNS[ASSET_COLUMN_COUNT] = {
    [ASSET_ID] = COLUMN("id", true),
    [ASSET_PARENT] = COLUMN("parent", false),
    [ASSET_LEVEL] = COLUMN("level", true),
    [ASSET_DISPLAY] = COLUMN("display", false),
    [ASSET_KIND] = COLUMN("kind", false),
    [ASSET_X] = COLUMN("x", false),
    [ASSET_Y] = COLUMN("y", false),
};

/* What differs by kind, once. */
static const struct shape {
    const struct column *columns;
    int column_count;
    int mark_column; // -1: rows of this kind have no marks.
    uint64_t rows_max;
    struct str action; // In the audit.
    struct str row_action;
} SHAPES[IMPORT_NOUNS] = {
    [IMPORT_DEVICES] = {DEVICE_COLUMNS, DEVICE_COLUMN_COUNT, DEVICE_MARK, LIMIT_DEVICES,
        {"import.devices", 14}, {"device.put", 10}},
    [IMPORT_TAGS] = {TAG_COLUMNS, TAG_COLUMN_COUNT, TAG_MARK, LIMIT_TAGS, {"import.tags", 11},
        {"tag.put", 7}},
    [IMPORT_EQUIPMENT] = {ASSET_COLUMNS, ASSET_COLUMN_COUNT, -1, LEDGER_ASSETS_MAX,
        {"import.equipment", 16}, {"asset.put", 9}},
};
_Static_assert((int)IMPORT_DEVICE_ID == (int)DEVICE_ID, "one order");
_Static_assert((int)IMPORT_DEVICE_ADDRESS == (int)DEVICE_ADDRESS, "one order");
_Static_assert((int)IMPORT_DEVICE_OPTIONS == (int)DEVICE_OPTIONS, "one order");
_Static_assert((int)IMPORT_DEVICE_DISPLAY == (int)DEVICE_DISPLAY, "one order");
_Static_assert((int)IMPORT_TAG_NAME == (int)TAG_NAME, "one order");
_Static_assert((int)IMPORT_TAG_DEVICE == (int)TAG_DEVICE, "one order");
_Static_assert((int)IMPORT_TAG_SOURCE == (int)TAG_SOURCE, "one order");
_Static_assert((int)IMPORT_TAG_DISPLAY == (int)TAG_DISPLAY, "one order");
_Static_assert((int)IMPORT_TAG_REFINE == (int)TAG_REFINE, "one order");
_Static_assert((int)IMPORT_ASSET_ID == (int)ASSET_ID, "one order");
_Static_assert((int)IMPORT_ASSET_PARENT == (int)ASSET_PARENT, "one order");
_Static_assert((int)IMPORT_ASSET_DISPLAY == (int)ASSET_DISPLAY, "one order");
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
    int mark_column;
    int positions[COLUMNS_MAX]; // Field of the file by column; -1: absent.
    size_t field_count;
    uint64_t rows_max; // A plant has no more.
    struct row *first;
    struct row **last;
    struct catalogue *catalogue;
    struct str *marked; // Slots for the names of marked rows; a name stands once among them.
    size_t marked_slots;
    uint64_t faults;
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
        // A mark is told by its header only.
        job->positions[i] = (size_t)i < count && i != job->mark_column ? i : -1;
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

static int read_rows(struct job *job, struct import_rows *rows, struct err *err) {
    const struct str *fields = NULL;
    size_t count = 0;
    bool first = true;
    int status;
    while ((status = import_rows_next(rows, &fields, &count, err)) > 0) {
        if (status == TABLE_ROW_BAD) {
            job->report->rows++;
            reject(job, add_row(job, import_rows_line(rows)), err);
            continue;
        }
        size_t full = count;
        count = table_trimmed(fields, count, first ? 1 : job->field_count);
        if (table_trimmed(fields, count, 1) == 1 && fields[0].size == 0) {
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
            reject(job, add_row(job, import_rows_line(rows)), err);
        } else {
            keep_row(job, fields, import_rows_line(rows));
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

/* The row's fault stands in this column. */
static int in_column(const struct column *column, struct err *err) {
    return err_context(err, MSG_IMPORT_IN_COLUMN, ARGS(A_STR(column->name)));
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
        (void)err_set(
            err, ERR_INVALID, MSG_IMPORT_SWITCH, ARGS(A_STR(text), A_STR(row->fields[0])));
        return in_column(&job->columns[column], err);
    }
    *to = on;
    return 0;
}

static int device_period(const struct row *row, int64_t *ret_period_ns, struct err *err) {
    double period_ms = 0;
    int status = number_field(
        row->fields[DEVICE_PERIOD], DEVICE_COLUMNS[DEVICE_PERIOD].name, 1000, &period_ms, err);
    if (status >= 0 && (period_ms < 10 || period_ms > 86400000)) {
        (void)err_set(err, ERR_RANGE, MSG_IMPORT_PERIOD, ARGS(A_STR(row->fields[DEVICE_PERIOD])));
        return in_column(&DEVICE_COLUMNS[DEVICE_PERIOD], err);
    }
    if (status >= 0) {
        *ret_period_ns = llround(period_ms * (double)NS_PER_MS);
    }
    return status;
}

/* A secret that the table shows as "***" keeps its value. */
static int keep_secrets(
    struct job *job, const struct device *known, struct device *device, struct err *err) {
    if (device_options_lack(known, device)) {
        (void)err_set(err, ERR_INVALID, MSG_DEVICE_SECRET_SHOWN, ARGS(A_STR(device->id)));
        return in_column(&DEVICE_COLUMNS[DEVICE_OPTIONS], err);
    }
    AUTO_BUF struct buf options;
    buf_init(&options, 4 * LIMIT_DEVICE_TEXT_BYTES);
    device_options_keep(known, device, &options);
    device->options = arena_copy(&job->arena, buf_str(&options));
    return 0;
}

static int device_of(
    struct job *job, const struct row *row, struct device *device, struct err *err) {
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
        (void)err_set(err, ERR_INVALID, MSG_ID_INVALID, ARGS(A_STR(device->id)));
        return in_column(&DEVICE_COLUMNS[DEVICE_ID], err);
    }
    int status = keep_secrets(job, known, device, err);
    if (status >= 0 && job->positions[DEVICE_PERIOD] >= 0) {
        status = device_period(row, &device->period_ns, err);
    }
    if (status >= 0) {
        status = take_switch(job, row, DEVICE_ENABLED, true, &device->enabled, err);
    }
    if (status >= 0 && job->options->outsider) {
        status = import_outsider_device(known, device, err);
    }
    return status < 0 ? status : device_check(device, err);
}

static int check_source(const struct job *job, const struct tag *tag, struct err *err) {
    if (tag->device.size == 0) {
        return tag->source.size == 0 || derived_is(tag)
                   ? 0
                   : err_set(err, ERR_INVALID, MSG_IMPORT_SOURCE_NO_DEVICE, ARGS(A_STR(tag->name)));
    }
    const struct device *device = catalogue_device(job->catalogue, tag->device);
    if (device == NULL) {
        (void)err_set(err, ERR_NOT_FOUND, MSG_IMPORT_DEVICE_UNKNOWN, ARGS(A_STR(tag->device)));
        return in_column(&TAG_COLUMNS[TAG_DEVICE], err);
    }
    int status = device_check_tag(device, tag, err);
    return status < 0 ? in_column(&TAG_COLUMNS[TAG_SOURCE], err) : status;
}

static int tag_words(
    const struct job *job, const struct row *row, struct tag *tag, struct err *err) {
    struct str type = row->fields[TAG_TYPE];
    if (job->positions[TAG_TYPE] >= 0) {
        tag->type = TYPE_F64;
    }
    if (type.size > 0 && !value_type_of_name(type, &tag->type)) {
        (void)err_set(err, ERR_INVALID, MSG_IMPORT_TYPE_UNKNOWN, ARGS(A_STR(type)));
        return in_column(&TAG_COLUMNS[TAG_TYPE], err);
    }
    struct str kind = row->fields[TAG_KIND];
    if (job->positions[TAG_KIND] >= 0) {
        tag->kind = KIND_MEASUREMENT;
    }
    if (kind.size > 0 && !tag_kind_of_name(kind, &tag->kind)) {
        (void)err_set(err, ERR_INVALID, MSG_IMPORT_KIND_UNKNOWN, ARGS(A_STR(kind)));
        return in_column(&TAG_COLUMNS[TAG_KIND], err);
    }
    take_text(job, row, TAG_DISPLAY, &tag->display);
    take_text(job, row, TAG_UNIT, &tag->unit);
    take_text(job, row, TAG_DEVICE, &tag->device);
    take_text(job, row, TAG_SOURCE, &tag->source);
    take_text(job, row, TAG_REFINE, &tag->refine);
    return tag_name_check(tag->name, err) < 0 ? in_column(&TAG_COLUMNS[TAG_NAME], err) : 0;
}

/* Whole days; empty is 0. A column that is not there changes nothing. */
static int days_field(const struct job *job, const struct row *row, enum tag_column column,
    uint32_t *ret_days, struct err *err) {
    if (job->positions[column] < 0) {
        return 0;
    }
    struct str text = row->fields[column];
    uint64_t days = 0;
    if (text.size > 0 && (!str_to_u64(text, &days) || days > RETENTION_DAYS_MAX)) {
        (void)err_set(
            err, ERR_RANGE, MSG_IMPORT_RETENTION, ARGS(A_STR(text), A_INT(RETENTION_DAYS_MAX)));
        return in_column(&TAG_COLUMNS[column], err);
    }
    *ret_days = (uint32_t)days;
    return 0;
}

/* Seconds, 0 to a year; empty is 0. */
static int seconds_field(const struct job *job, const struct row *row, enum tag_column column,
    int64_t *ret_duration_ns, struct err *err) {
    if (job->positions[column] < 0) {
        return 0;
    }
    struct str text = row->fields[column];
    double seconds = 0;
    int status = number_field(text, TAG_COLUMNS[column].name, 0, &seconds, err);
    if (status >= 0 && (seconds < 0 || seconds > SECONDS_MAX)) {
        (void)err_set(err, ERR_RANGE, MSG_IMPORT_SECONDS, ARGS(A_STR(text), A_INT(SECONDS_MAX)));
        return in_column(&TAG_COLUMNS[column], err);
    }
    if (status >= 0) {
        *ret_duration_ns = llround(seconds * (double)NS_PER_S);
    }
    return status;
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
    if (status >= 0) {
        status = seconds_field(job, row, TAG_MAX_SILENCE, &tag->max_silence_ns, err);
    }
    if (status >= 0) {
        status = seconds_field(job, row, TAG_LATE_LIMIT, &tag->late_limit_ns, err);
    }
    if (status >= 0) {
        status = days_field(job, row, TAG_RETENTION, &tag->retention_days, err);
    }
    if (status >= 0) {
        status = days_field(job, row, TAG_ROLLUP, &tag->rollup_days, err);
    }
    if (status >= 0 && tag->min > tag->max) {
        (void)err_set(err, ERR_INVALID, MSG_IMPORT_MIN_MAX, ARGS(A_STR(tag->name)));
        status = in_column(&TAG_COLUMNS[TAG_MIN], err);
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
    if (status >= 0 && job->options->outsider) {
        status = import_outsider_tag(known, tag, err);
    }
    if (status >= 0) {
        status = refine_check(tag, err);
        if (status < 0) {
            return in_column(&TAG_COLUMNS[TAG_REFINE], err);
        }
    }
    return status < 0 ? status : check_source(job, tag, err);
}

static int asset_numbers(
    const struct job *job, const struct row *row, struct asset *asset, struct err *err) {
    int status = 0;
    if (job->positions[ASSET_X] >= 0) {
        status = number_field(
            row->fields[ASSET_X], ASSET_COLUMNS[ASSET_X].name, (double)NAN, &asset->x, err);
    }
    if (status >= 0 && job->positions[ASSET_Y] >= 0) {
        status = number_field(
            row->fields[ASSET_Y], ASSET_COLUMNS[ASSET_Y].name, (double)NAN, &asset->y, err);
    }
    bool outside = asset->x < 0 || asset->x > PLACE_MAX || asset->y < 0 || asset->y > PLACE_MAX;
    if (status >= 0 && outside) {
        return err_set(err, ERR_RANGE, MSG_IMPORT_PLACE, ARGS(A_STR(asset->id), A_INT(PLACE_MAX)));
    }
    return status;
}

/* Parents stand above their children in the table, or in the plant already. */
static int asset_of(const struct job *job, const struct row *row, struct asset *asset,
    struct str *ret_parent, struct err *err) {
    *asset =
        (struct asset){.display = STR_NONE, .kind = STR_NONE, .x = (double)NAN, .y = (double)NAN};
    *ret_parent = STR_NONE;
    const struct catalogue *catalogue = job->catalogue;
    for (uint32_t i = 0; i < catalogue->asset_count; i++) {
        const struct asset *known = &catalogue->assets[i];
        if (str_eq(known->id, row->fields[ASSET_ID])) {
            *asset = *known;
            *ret_parent = known->parent > 0 ? catalogue->assets[known->parent - 1].id : STR_NONE;
        }
    }
    asset->id = row->fields[ASSET_ID];
    take_text(job, row, ASSET_DISPLAY, &asset->display);
    take_text(job, row, ASSET_KIND, &asset->kind);
    take_text(job, row, ASSET_PARENT, ret_parent);
    if (!str_is_id(asset->id)) {
        return err_set(err, ERR_INVALID, MSG_ID_INVALID, ARGS(A_STR(asset->id)));
    }
    if (!asset_level_of_name(row->fields[ASSET_LEVEL], &asset->level)) {
        (void)err_set(
            err, ERR_INVALID, MSG_IMPORT_LEVEL_UNKNOWN, ARGS(A_STR(row->fields[ASSET_LEVEL])));
        return in_column(&ASSET_COLUMNS[ASSET_LEVEL], err);
    }
    return asset_numbers(job, row, asset, err);
}

/* ---- Storing ---- */

/* Who changed what: an entry for each thing that changed, as the table says it. */
static int note_row(
    const struct job *job, struct ledger_tx *tx, const struct row *row, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, NOTE_BYTES);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    for (int i = 1; i < job->column_count; i++) {
        if (job->positions[i] < 0 || i == job->mark_column) {
            continue;
        }
        AUTO_BUF struct buf shown;
        buf_init(&shown, 4 * LIMIT_DEVICE_TEXT_BYTES);
        bool has_secrets = job->options->kind == IMPORT_DEVICES && i == (int)DEVICE_OPTIONS;
        if (has_secrets) {
            device_options_show(row->fields[DEVICE_DRIVER], row->fields[i], &shown);
        }
        json_put_str(
            &json, job->columns[i].name.data, has_secrets ? buf_str(&shown) : row->fields[i]);
    }
    json_object_end(&json);
    return audit_append(tx, import_actor(job->options), SHAPES[job->options->kind].row_action,
        row->fields[0], buf_str(&payload), err);
}

/* Of two rows about one thing the second would undo the first, and nobody would see it. */
static int check_once(struct job *job, struct str name, struct err *err) {
    if (job->marked == NULL) {
        for (job->marked_slots = 2; job->marked_slots < 2 * (job->report->rows + 1);) {
            job->marked_slots *= 2;
        }
        job->marked = ARENA_ARRAY(&job->arena, struct str, job->marked_slots);
    }
    size_t at = (size_t)hash64(name.data, name.size) & (job->marked_slots - 1);
    for (; job->marked[at].size > 0; at = (at + 1) & (job->marked_slots - 1)) {
        if (str_eq(job->marked[at], name)) {
            (void)err_set(err, ERR_CONFLICT, MSG_IMPORT_NAME_TWICE, ARGS(A_STR(name)));
            return in_column(&job->columns[0], err);
        }
    }
    job->marked[at] = name;
    return 0;
}

/* A row with a mark changes what the mark was taken of, and nothing else. */
static int check_mark(struct job *job, const struct row *row, struct err *err) {
    struct str mark = job->mark_column >= 0 ? row->fields[job->mark_column] : STR_NONE;
    struct str name = row->fields[0];
    if (mark.size == 0 || name.size == 0) {
        return 0;
    }
    char present[MARK_TEXT_MAX] = "new";
    const struct tag *tag = catalogue_find(job->catalogue, name);
    const struct device *device = catalogue_device(job->catalogue, name);
    if (job->options->kind == IMPORT_TAGS && tag != NULL) {
        mark_of_tag(tag, present);
    } else if (job->options->kind == IMPORT_DEVICES && device != NULL) {
        mark_of_device(device, present);
    }
    if (!str_eq(mark, str_of(present))) {
        bool is_new = str_eq(mark, MARK_NEW);
        bool is_gone = str_eq(str_of(present), MARK_NEW);
        (void)err_set(err, ERR_CONFLICT,
            is_new    ? MSG_IMPORT_MARK_TAKEN
            : is_gone ? MSG_IMPORT_MARK_GONE
                      : MSG_IMPORT_MARK_CHANGED,
            ARGS(A_STR(name)));
        return in_column(&job->columns[job->mark_column], err);
    }
    return check_once(job, name, err);
}

static int put_row(struct job *job, struct ledger_tx *tx, const struct row *row, bool *ret_changed,
    struct err *err) {
    uint32_t number = 0;
    int status = check_mark(job, row, err);
    if (status < 0) {
        return status;
    }
    if (job->options->kind == IMPORT_DEVICES) {
        struct device device;
        status = device_of(job, row, &device, err);
        return status < 0 ? status : device_put(tx, &device, &number, ret_changed, err);
    }
    if (job->options->kind == IMPORT_EQUIPMENT) {
        struct asset asset;
        struct str parent;
        status = asset_of(job, row, &asset, &parent, err);
        return status < 0 ? status : asset_put(tx, &asset, parent, &number, ret_changed, err);
    }
    struct tag tag;
    status = tag_of(job, row, &tag, err);
    return status < 0 ? status : plant_tag_put(tx, &tag, &number, ret_changed, err);
}

static bool is_known(const struct job *job, struct str name) {
    const struct catalogue *catalogue = job->catalogue;
    if (job->options->kind == IMPORT_TAGS) {
        return catalogue_find(catalogue, name) != NULL;
    }
    if (job->options->kind == IMPORT_DEVICES) {
        return catalogue_device(catalogue, name) != NULL;
    }
    for (uint32_t i = 0; i < catalogue->asset_count; i++) {
        if (str_eq(catalogue->assets[i].id, name)) {
            return true;
        }
    }
    return false;
}

static bool is_row_fault(int status) {
    return status != -ERR_SPACE && status != -ERR_IO && status != -ERR_DATABASE &&
           status != -ERR_CORRUPT;
}

/* Puts the good rows; the others keep their fault. */
static int put_rows(struct job *job, struct ledger_tx *tx, struct err *err) {
    for (struct row *row = job->first; row != NULL; row = row->next) {
        bool changed = false;
        if (row->fault != NULL) {
            job->faults++;
            continue;
        }
        int status = put_row(job, tx, row, &changed, err);
        if (status >= 0 && changed && job->options->only_new && is_known(job, row->fields[0])) {
            status = err_set(err, ERR_CONFLICT, MSG_IMPORT_DIFFERS, ARGS(A_STR(row->fields[0])));
        }
        if (status >= 0 && changed && !job->options->dry_run) {
            status = note_row(job, tx, row, err);
        }
        if (status < 0 && !is_row_fault(status)) {
            return status;
        }
        if (status < 0) {
            reject(job, row, err);
            job->faults++;
            continue;
        }
        job->report->values++;
        job->report->stored += changed;
        job->report->omitted += !changed;
        if (job->options->taken != NULL) {
            job->options->taken(job->options->context, row->line, changed);
        }
    }
    return 0;
}

/* Several tables as one. */
struct steps {
    struct job *jobs;
    uint32_t count;
    bool rolled_back; // On purpose.
};

static int note_table(const struct job *job, struct ledger_tx *tx, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, 256);
    buf_printf(&payload, "{\"rows\":%llu,\"changed\":%llu}", (unsigned long long)job->report->rows,
        (unsigned long long)job->report->stored);
    return audit_append(tx, import_actor(job->options), SHAPES[job->options->kind].action,
        plant_id(job->plant), buf_str(&payload), err);
}

static int put_all(struct ledger_tx *tx, void *context, struct err *err) {
    struct steps *steps = context;
    bool refused = false;
    bool dry_run = false;
    int status = 0;
    for (uint32_t i = 0; i < steps->count && status >= 0; i++) {
        /* What stands now, with the tables before this one, and not what stood when the file began
         * to come: what the file does not say is taken from there, and somebody may have changed it
         * meanwhile. */
        struct job *job = &steps->jobs[i];
        status = catalogue_load(tx, &job->catalogue, err);
        status = status < 0 ? status : put_rows(job, tx, err);
        refused = refused || (job->faults > 0 && !job->options->partial);
        dry_run = dry_run || job->options->dry_run;
    }
    if (status >= 0 && (refused || dry_run)) {
        steps->rolled_back = true;
        return -ERR_CANCELLED; // What was put goes.
    }
    for (uint32_t i = 0; i < steps->count && status >= 0; i++) {
        if (steps->jobs[i].report->stored > 0) {
            status = note_table(&steps->jobs[i], tx, err);
        }
    }
    return status;
}

/* Rows into the ledger; 0 also when all was rolled back on purpose. */
static int store(struct steps *steps, struct err *err) {
    struct plant *plant = steps->jobs[0].plant;
    int status = ledger_write(plant_ledger(plant), put_all, steps, err);
    bool refused = false;
    for (uint32_t i = 0; i < steps->count; i++) {
        const struct job *job = &steps->jobs[i];
        refused = refused || (job->faults > 0 && !job->options->partial);
    }
    for (uint32_t i = 0; i < steps->count; i++) {
        struct import_report *report = steps->jobs[i].report;
        if (steps->rolled_back) {
            report->refused = refused;
            report->stored = report->omitted = 0;
        } else if (status < 0) {
            report->values = report->stored = report->omitted = 0;
        }
    }
    if (steps->rolled_back) {
        err_clear(err);
        return 0;
    }
    return status;
}

static int open_job(struct job *job, struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err) {
    const struct shape *shape = &SHAPES[options->kind];
    *job = (struct job){.plant = plant,
        .options = options,
        .report = report,
        .columns = shape->columns,
        .column_count = shape->column_count,
        .mark_column = shape->mark_column,
        .rows_max = shape->rows_max};
    arena_init(&job->arena, 0);
    job->last = &job->first;
    struct import_rows *rows = NULL;
    int status = import_rows_open(options, report, &rows, err);
    status = status < 0 ? status : read_rows(job, rows, err);
    import_rows_close(rows);
    return status;
}

static void close_job(struct job *job) {
    catalogue_unref(job->catalogue);
    arena_fini(&job->arena);
}

int import_catalogue(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err) {
    struct job job;
    struct steps steps = {.jobs = &job, .count = 1};
    int status = open_job(&job, plant, options, report, err);
    status = status < 0 ? status : store(&steps, err);
    tell_rejected(&job);
    if (status >= 0 && report->stored > 0) {
        status = plant_refresh(plant, err);
    }
    close_job(&job);
    return status < 0 ? status : 0;
}

int import_steps(struct plant *plant, const struct import_options *steps, uint32_t count,
    struct import_report *ret_reports, struct err *err) {
    struct job jobs[IMPORT_STEPS_MAX];
    struct steps all = {.jobs = jobs};
    int status = 0;
    uint64_t stored = 0;
    CHECK(count <= IMPORT_STEPS_MAX);
    while (all.count < count && status >= 0) {
        ret_reports[all.count] = (struct import_report){.rows = 0};
        status = open_job(&jobs[all.count], plant, &steps[all.count], &ret_reports[all.count], err);
        all.count++;
    }
    status = status < 0 || count == 0 ? status : store(&all, err);
    for (uint32_t i = 0; i < all.count; i++) {
        tell_rejected(&jobs[i]);
        stored += ret_reports[i].stored;
        close_job(&jobs[i]);
    }
    if (status >= 0 && stored > 0) {
        status = plant_refresh(plant, err);
    }
    return status < 0 ? status : 0;
}

/* ---- Columns ---- */

uint32_t import_column_count(enum import_kind kind) {
    const struct shape *shape = &SHAPES[kind];
    return (uint32_t)(shape->mark_column >= 0 ? shape->mark_column : shape->column_count);
}

struct str import_column_name(enum import_kind kind, uint32_t column) {
    return SHAPES[kind].columns[column].name;
}
