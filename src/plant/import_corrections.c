/*
 * Corrections from a table with a header: tag, time (or ts_ms), value, reason, and quality where a
 * value is to be declared bad instead of replaced. All rows are looked up before any is stored; a
 * row at fault refuses the table, unless the good ones are to be taken alone.
 */
#include "core/hash.h"
#include "core/mem.h"
#include "core/time.h"
#include "plant/correct.h"
#include "plant/import.h"

enum { SLOTS = 1 << 15 };
_Static_assert((int)SLOTS > 2 * (int)CORRECTIONS_MAX, "the table must stay half empty");

enum {
    COLUMN_TAG,
    COLUMN_TIME,
    COLUMN_MS,
    COLUMN_VALUE,
    COLUMN_QUALITY,
    COLUMN_REASON,
    COLUMN_COUNT
};

struct job {
    struct plant *plant;
    const struct import_options *options;
    struct import_report *report;
    struct import_rows *rows;
    struct arena arena;
    int positions[COLUMN_COUNT];
    size_t field_count;
    struct correction_found *found;
    uint32_t found_count;
    uint32_t *slots; // Index + 1 into found, by tag and time.
};

static int read_header(struct job *job, const struct str *fields, size_t count, struct err *err) {
    static const char *const NAMES[COLUMN_COUNT] = {
        "tag", "time", "ts_ms", "value", "quality", "reason"};
    job->field_count = count;
    for (int c = 0; c < COLUMN_COUNT; c++) {
        job->positions[c] = -1;
        for (size_t i = 0; i < count; i++) {
            if (str_eq_nocase(str_trim(fields[i]), str_of(NAMES[c]))) {
                job->positions[c] = (int)i;
            }
        }
    }
    const int *at = job->positions;
    bool whole = at[COLUMN_TAG] >= 0 && at[COLUMN_VALUE] >= 0 && at[COLUMN_REASON] >= 0 &&
                 (at[COLUMN_TIME] >= 0) != (at[COLUMN_MS] >= 0);
    return whole ? 0 : err_set(err, ERR_INVALID, MSG_CORRECT_COLUMNS, NO_ARGS);
}

static int read_time(
    const struct job *job, const struct str *fields, int64_t *ret_time_ns, struct err *err) {
    int64_t ms = 0;
    if (job->positions[COLUMN_MS] < 0) {
        struct str text = str_trim(fields[job->positions[COLUMN_TIME]]);
        return time_parse(text, plant_zone(job->plant), ret_time_ns)
                   ? 0
                   : err_set(err, ERR_INVALID, MSG_TIME_EXPECTED, ARGS(A_STR(text)));
    }
    struct str text = str_trim(fields[job->positions[COLUMN_MS]]);
    if (!str_to_i64(text, &ms) || ms < 0 || ms > SAMPLE_TIME_MAX / NS_PER_MS) {
        return err_set(err, ERR_INVALID, MSG_IMPORT_MS_EXPECTED, ARGS(A_STR(text)));
    }
    *ret_time_ns = ms * NS_PER_MS;
    return 0;
}

/* A value that stands twice in the table would be corrected by whichever comes last. */
static int check_once(struct job *job, const struct correction_found *found, struct err *err) {
    int64_t key[2] = {found->tag, found->row.time_ns};
    uint64_t slot = hash64(key, sizeof key) & (SLOTS - 1);
    while (job->slots[slot] != 0) {
        const struct correction_found *other = &job->found[job->slots[slot] - 1];
        if (other->tag == found->tag && other->row.time_ns == found->row.time_ns) {
            return err_set(err, ERR_CONFLICT, MSG_CORRECT_TWICE, NO_ARGS);
        }
        slot = (slot + 1) & (SLOTS - 1);
    }
    job->slots[slot] = job->found_count + 1;
    return 0;
}

static int take_row(struct job *job, const struct str *fields, size_t count, struct err *err) {
    struct correction correction = {.bad = false};
    if (count != job->field_count) {
        return err_set(
            err, ERR_INVALID, MSG_IMPORT_COLUMNS, ARGS(A_INT(count), A_INT(job->field_count)));
    }
    int status = read_time(job, fields, &correction.time_ns, err);
    if (status < 0) {
        return status;
    }
    if (job->positions[COLUMN_QUALITY] >= 0) {
        struct str text = str_trim(fields[job->positions[COLUMN_QUALITY]]);
        enum quality quality = QUALITY_GOOD;
        if (text.size > 0 && (!quality_of_name(text, &quality) || quality == QUALITY_UNCERTAIN)) {
            return err_set(err, ERR_INVALID, MSG_IMPORT_QUALITY, ARGS(A_STR(text)));
        }
        correction.bad = quality == QUALITY_BAD;
    }
    correction.tag = str_trim(fields[job->positions[COLUMN_TAG]]);
    correction.value = fields[job->positions[COLUMN_VALUE]];
    correction.reason = str_trim(fields[job->positions[COLUMN_REASON]]);
    struct correction_found *found = &job->found[job->found_count];
    status = correction_find(job->plant, &correction, &job->arena, found, err);
    status = status < 0 ? status : check_once(job, found, err);
    if (status >= 0) {
        job->report->omitted += found->same;
        job->report->values++;
        job->found_count++;
    }
    return status;
}

static int read_rows(struct job *job, struct err *err) {
    const struct str *fields = NULL;
    size_t count = 0;
    bool first = true;
    int status;
    while ((status = import_rows_next(job->rows, &fields, &count, err)) > 0) {
        if (first) {
            first = false;
            status = status == TABLE_ROW_BAD
                         ? -(int)err->code
                         : read_header(job, fields, table_trimmed(fields, count, 1), err);
            if (status < 0) {
                return status;
            }
            continue;
        }
        count = table_trimmed(fields, count, job->field_count);
        job->report->rows++;
        if (job->found_count == CORRECTIONS_MAX) {
            return err_set(err, ERR_LIMIT, MSG_IMPORT_TOO_MANY_ROWS, ARGS(A_INT(CORRECTIONS_MAX)));
        }
        if (status == TABLE_ROW_BAD || take_row(job, fields, count, err) < 0) {
            import_reject(job->options, job->report, import_rows_line(job->rows), err);
            err_clear(err);
        }
    }
    return status >= 0 && first ? err_set(err, ERR_INVALID, MSG_IMPORT_EMPTY, NO_ARGS) : status;
}

int import_corrections(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err) {
    struct job job = {.plant = plant, .options = options, .report = report};
    arena_init(&job.arena, 0);
    job.found = MEM_ARRAY(struct correction_found, CORRECTIONS_MAX);
    job.slots = MEM_ARRAY(uint32_t, SLOTS);
    int status = import_rows_open(options, report, &job.rows, err);
    if (status >= 0) {
        status = read_rows(&job, err);
    }
    report->refused = report->rejected > 0 && !options->partial;
    if (status >= 0 && !report->refused && !options->dry_run) {
        uint32_t stored = 0;
        status = correction_apply(
            plant, job.found, job.found_count, import_actor(options), &stored, err);
        report->stored = status >= 0 ? stored : 0;
    }
    if (report->refused) {
        report->omitted = 0;
    }
    import_rows_close(job.rows);
    mem_free(job.found);
    mem_free(job.slots);
    arena_fini(&job.arena);
    return status < 0 ? status : 0;
}
