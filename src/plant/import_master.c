/*
 * Master data from a table. The header names the columns, by the fields' names or as the pages call
 * them in either language, in any order; a column that the file does not have leaves what stands,
 * and becomes the preset in a new row. All in one transaction as in import_catalogue.c: rows first,
 * then what holds over several of them. A row may name another row of the same table that comes
 * later (a reason its parent): what was not known is tried again as long as the table gets further.
 */
#include "core/hash.h"
#include "plant/import.h"
#include "production/words.h"

enum { PASSES_MAX = 64, NAME_MAX_BYTES = 128 };

struct row {
    uint64_t line;
    struct err *fault;  // Why it was rejected; told after the transaction.
    struct str *fields; // By column of the file.
    bool done;
    struct row *next;
};

struct job {
    struct plant *plant;
    const struct import_options *options;
    struct import_report *report;
    enum noun_id noun;
    struct arena arena;
    int columns[NOUN_FIELDS_MAX];         // Of a field; -1: the file does not have it.
    struct str headings[NOUN_FIELDS_MAX]; // As the file calls it.
    size_t column_count;
    struct row *first;
    struct row **last;
    int64_t *numbers; // Slots of the rows put, by number: a thing stands once in the table.
    size_t slots;
    uint64_t faults;
    bool rolled_back; // On purpose.
};

/* ---- Reading the table ---- */

static int read_header(struct job *job, const struct str *fields, size_t count, struct err *err) {
    for (uint32_t i = 0; i < NOUN_FIELDS_MAX; i++) {
        job->columns[i] = -1;
    }
    job->column_count = count;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        any = any || noun_field_of_name(job->noun, str_trim(fields[i])) >= 0;
    }
    for (size_t i = 0; i < count && any; i++) {
        int field = noun_field_of_name(job->noun, str_trim(fields[i]));
        if (field < 0) {
            return err_set(err, ERR_INVALID, MSG_IMPORT_COLUMN_UNKNOWN, ARGS(A_STR(fields[i])));
        }
        if (job->columns[field] >= 0) {
            return err_set(err, ERR_INVALID, MSG_IMPORT_COLUMN_TWICE, ARGS(A_STR(fields[i])));
        }
        job->columns[field] = (int)i;
        job->headings[field] = arena_copy(&job->arena, str_trim(fields[i]));
    }
    for (uint32_t i = 0; i < noun_field_count(job->noun); i++) {
        const struct field *field = noun_field(job->noun, i);
        bool needed = field->need == FIELD_KEY && field->preset[0] == '\0';
        if (needed && job->columns[i] < 0) {
            AUTO_BUF struct buf words;
            buf_init(&words, NAME_MAX_BYTES);
            buf_printf(&words, "%s, ", field->name);
            msg_render(field->words, NO_ARGS, LANG_KO, &words);
            return err_set(err, ERR_INVALID,
                any ? MSG_IMPORT_COLUMN_MISSING : SAY(PRODUCTION_IMPORT_HEADER),
                ARGS(A_STR(buf_str(&words))));
        }
    }
    return 0;
}

static struct row *add_row(struct job *job, uint64_t line) {
    struct row *row = ARENA_NEW(&job->arena, struct row);
    row->line = line;
    *job->last = row;
    job->last = &row->next;
    return row;
}

static void reject(struct job *job, struct row *row, struct err *err) {
    row->fault = ARENA_NEW(&job->arena, struct err);
    *row->fault = *err;
    err_clear(err);
}

static int read_row(
    struct job *job, const struct str *fields, size_t count, uint64_t line, struct err *err) {
    struct row *row = add_row(job, line);
    if (++job->report->rows > NOUN_ROWS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_IMPORT_TOO_MANY_ROWS, ARGS(A_INT(NOUN_ROWS_MAX)));
    }
    if (count != job->column_count) {
        (void)err_set(
            err, ERR_INVALID, MSG_IMPORT_COLUMNS, ARGS(A_INT(count), A_INT(job->column_count)));
        reject(job, row, err);
        return 0;
    }
    row->fields = ARENA_ARRAY(&job->arena, struct str, count);
    for (size_t i = 0; i < count; i++) {
        row->fields[i] = arena_copy(&job->arena, fields[i]);
    }
    return 0;
}

static int read_rows(struct job *job, struct import_rows *rows, struct err *err) {
    const struct str *fields = NULL;
    size_t count = 0;
    bool first = true;
    int status;
    while ((status = import_rows_next(rows, &fields, &count, err)) > 0) {
        uint64_t line = import_rows_line(rows);
        if (status == TABLE_ROW_BAD) {
            job->report->rows++;
            reject(job, add_row(job, line), err);
            continue;
        }
        size_t kept = table_trimmed(fields, count, first ? 1 : job->column_count);
        if (table_trimmed(fields, kept, 1) == 1 && fields[0].size == 0) {
            continue; // Empty.
        }
        status =
            first ? read_header(job, fields, kept, err) : read_row(job, fields, kept, line, err);
        first = false;
        if (status < 0) {
            return status;
        }
    }
    return status >= 0 && first ? err_set(err, ERR_INVALID, MSG_IMPORT_EMPTY, NO_ARGS) : status;
}

/* ---- Storing ---- */

/* Of two rows about one thing the second would undo the first, and nobody would see it. */
static bool stands_twice(struct job *job, int64_t number) {
    if (job->numbers == NULL) {
        for (job->slots = 2; job->slots < 2 * (job->report->rows + 1);) {
            job->slots *= 2;
        }
        job->numbers = ARENA_ARRAY(&job->arena, int64_t, job->slots);
    }
    size_t at = (size_t)hash64(&number, sizeof number) & (job->slots - 1);
    for (; job->numbers[at] != 0; at = (at + 1) & (job->slots - 1)) {
        if (job->numbers[at] == number) {
            return true;
        }
    }
    return false;
}

static void mark_number(struct job *job, int64_t number) {
    size_t at = (size_t)hash64(&number, sizeof number) & (job->slots - 1);
    while (job->numbers[at] != 0) {
        at = (at + 1) & (job->slots - 1);
    }
    job->numbers[at] = number;
}

/* What a fault says of its field, said of the file's column instead. */
static int in_column(const struct job *job, struct err *err) {
    const struct field *field = master_fault_field(job->noun, err);
    for (uint32_t i = 0; i < noun_field_count(job->noun) && field != NULL; i++) {
        if (noun_field(job->noun, i) == field) {
            bool is_there = job->columns[i] >= 0;
            err->note_count = 1; // The fact alone.
            return err_context(err, MSG_IMPORT_IN_COLUMN,
                ARGS(A_STR(is_there ? job->headings[i] : str_of(field->name))));
        }
    }
    return -(int)err->code;
}

static void overlay(const struct job *job, const struct row *row, struct master_row *to) {
    for (uint32_t i = 0; i < noun_field_count(job->noun); i++) {
        if (job->columns[i] >= 0) {
            to->fields[i] = row->fields[job->columns[i]];
        }
    }
}

static int put_row(struct job *job, struct ledger_tx *tx, const struct row *row,
    struct arena *arena, bool *ret_changed, struct err *err) {
    struct master_row wanted = {.number = 0};
    int64_t known = 0;
    overlay(job, row, &wanted);
    int status = master_find_row(tx, job->noun, &wanted, &known, err);
    if (status >= 0 && known != 0 && stands_twice(job, known)) {
        return err_set(err, ERR_CONFLICT, MSG_IMPORT_NAME_TWICE, ARGS(A_STR(wanted.fields[0])));
    }
    if (status >= 0 && known != 0) {
        status = master_get(tx, job->noun, known, arena, &wanted, err);
        overlay(job, row, &wanted);
    }
    status = status < 0 ? status
                        : master_put(tx, job->noun, &wanted, import_actor(job->options), &known,
                              ret_changed, err);
    if (status < 0) {
        return in_column(job, err);
    }
    if (status >= 0 && *ret_changed && wanted.number != 0 && job->options->only_new) {
        return err_set(err, ERR_CONFLICT, MSG_IMPORT_DIFFERS, ARGS(A_STR(wanted.fields[0])));
    }
    (void)stands_twice(job, known); // Makes the slots.
    mark_number(job, known);
    return 0;
}

static bool is_row_fault(int status) {
    return status != -ERR_SPACE && status != -ERR_IO && status != -ERR_DATABASE &&
           status != -ERR_CORRUPT;
}

/* One pass; *ret_again: how many rows name something that is not there yet. */
static int pass(struct job *job, struct ledger_tx *tx, bool last, uint64_t *ret_done,
    uint64_t *ret_again, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    *ret_done = *ret_again = 0;
    for (struct row *row = job->first; row != NULL; row = row->next) {
        bool changed = false;
        if (row->fault != NULL || row->done) {
            continue;
        }
        arena_reset(&arena);
        int status = put_row(job, tx, row, &arena, &changed, err);
        if (status < 0 && !is_row_fault(status)) {
            return status;
        }
        if (status == -ERR_NOT_FOUND && !last) {
            (*ret_again)++;
            err_clear(err);
            continue;
        }
        if (status < 0) {
            reject(job, row, err);
            continue;
        }
        row->done = true;
        (*ret_done)++;
        job->report->values++;
        job->report->stored += changed;
        job->report->omitted += !changed;
        if (job->options->taken != NULL) {
            job->options->taken(job->options->context, row->line, changed);
        }
    }
    return 0;
}

/* Whether rows of the noun name others of it. */
static bool names_itself(enum noun_id noun) {
    const struct field *field = NULL;
    for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
        if (field->kind == FIELD_KIND_REF && str_eq(str_of(field->more), str_of(noun_name(noun)))) {
            return true;
        }
    }
    return false;
}

static int put_rows(struct job *job, struct ledger_tx *tx, struct err *err) {
    uint64_t done = 0;
    uint64_t again = 0;
    bool last = !names_itself(job->noun);
    int status = pass(job, tx, last, &done, &again, err);
    for (int i = 0; i < PASSES_MAX && status >= 0 && again > 0 && done > 0; i++) {
        status = pass(job, tx, false, &done, &again, err);
    }
    if (status >= 0 && again > 0) {
        status = pass(job, tx, true, &done, &again, err);
    }
    for (const struct row *row = job->first; row != NULL; row = row->next) {
        job->faults += row->fault != NULL;
    }
    return status;
}

static int note_table(const struct job *job, struct ledger_tx *tx, struct err *err) {
    AUTO_BUF struct buf action;
    AUTO_BUF struct buf payload;
    buf_init(&action, 64);
    buf_init(&payload, 256);
    buf_printf(&action, "import.%s", noun_name(job->noun));
    buf_printf(&payload, "{\"rows\":%llu,\"changed\":%llu}", (unsigned long long)job->report->rows,
        (unsigned long long)job->report->stored);
    return audit_append(tx, import_actor(job->options), buf_str(&action), plant_id(job->plant),
        buf_str(&payload), err);
}

static int put_all(struct ledger_tx *tx, void *context, struct err *err) {
    struct job *job = context;
    int status = put_rows(job, tx, err);
    bool refused = job->faults > 0 && !job->options->partial;
    if (status >= 0 && !refused && job->report->stored > 0) {
        status = master_check(tx, job->noun, err);
    }
    if (status >= 0 && (refused || job->options->dry_run)) {
        job->rolled_back = true;
        return -ERR_CANCELLED; // What was put goes.
    }
    return status >= 0 && job->report->stored > 0 ? note_table(job, tx, err) : status;
}

static int store(struct job *job, struct err *err) {
    struct import_report *report = job->report;
    int status = ledger_write(plant_ledger(job->plant), put_all, job, err);
    if (job->rolled_back) {
        report->refused = job->faults > 0 && !job->options->partial;
        report->stored = report->omitted = 0;
        err_clear(err);
        return 0;
    }
    if (status < 0) {
        report->values = report->stored = report->omitted = 0;
    }
    return status;
}

int import_master(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err) {
    struct job job = {.plant = plant, .options = options, .report = report};
    if (!import_noun_of_kind(options->kind, &job.noun)) {
        return err_set(err, ERR_USAGE, MSG_IMPORT_EMPTY, NO_ARGS);
    }
    arena_init(&job.arena, 0);
    job.last = &job.first;
    struct import_rows *rows = NULL;
    int status = import_rows_open(options, report, &rows, err);
    status = status < 0 ? status : read_rows(&job, rows, err);
    import_rows_close(rows);
    status = status < 0 ? status : store(&job, err);
    for (const struct row *row = job.first; row != NULL; row = row->next) {
        if (row->fault != NULL) {
            import_reject(options, report, row->line, row->fault);
        }
    }
    arena_fini(&job.arena);
    return status < 0 ? status : 0;
}
