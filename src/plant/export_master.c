/*
 * Master data as a table: one column a field, headed by its name or as the pages call it. Codes go
 * out as text, so that a spreadsheet keeps their zeros; numbers as numbers where a double has their
 * very text. All rows are read in one snapshot. What is personal goes out only where the caller may
 * see it; its columns are then missing, and an import of such a table leaves them as they are.
 */
#include "plant/export.h"
#include "production/master.h"

enum { PAGE_ROWS = 500 };

struct job {
    const struct export_options *options;
    enum noun_id noun;
    struct table_writer *writer;
    uint64_t rows;
};

static bool is_shown(const struct job *job, const struct field *field) {
    return job->options->personal || !field_is_personal(field);
}

static int header(struct job *job, struct err *err) {
    const struct field *field = NULL;
    for (uint32_t i = 0; (field = noun_field(job->noun, i)) != NULL; i++) {
        AUTO_BUF struct buf words;
        buf_init(&words, 256);
        msg_render(field->words, NO_ARGS, job->options->lang, &words);
        if (is_shown(job, field)) {
            table_put_text(
                job->writer, job->options->words ? buf_str(&words) : str_of(field->name));
        }
    }
    return table_end_row(job->writer, err);
}

static bool is_number(enum field_kind kind) {
    return kind == FIELD_KIND_FLAG || kind == FIELD_KIND_QUANTITY || kind == FIELD_KIND_MONEY ||
           kind == FIELD_KIND_SECONDS || kind == FIELD_KIND_COUNT || kind == FIELD_KIND_NUMBER;
}

static void put_field(struct job *job, const struct field *field, struct str text) {
    double value = 0;
    char again[32];
    if (text.size == 0) {
        table_put_empty(job->writer);
    } else if (is_number(field->kind) && str_to_f64(text, &value) &&
               str_eq((struct str){again, f64_to_text(value, again)}, text)) {
        table_put_f64(job->writer, value);
    } else {
        table_put_text(job->writer, text);
    }
}

static int put_page(struct job *job, const struct master_row *rows, int count, struct err *err) {
    int status = 0;
    for (int r = 0; r < count && status >= 0; r++) {
        const struct field *field = NULL;
        for (uint32_t i = 0; (field = noun_field(job->noun, i)) != NULL; i++) {
            if (is_shown(job, field)) {
                put_field(job, field, rows[r].fields[i]);
            }
        }
        status = table_end_row(job->writer, err);
        job->rows++;
    }
    return status;
}

static int put_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct job *job = context;
    const struct export_options *options = job->options;
    AUTO_FREE struct master_row *rows = MEM_ARRAY(struct master_row, PAGE_ROWS);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct master_query query = {.search = STR_NONE};
    int status = 0;
    for (int count = PAGE_ROWS; status >= 0 && count == PAGE_ROWS;) {
        arena_reset(&arena);
        count = status = master_list(tx, job->noun, &query, &arena, rows, PAGE_ROWS, err);
        status = status < 0 ? status : put_page(job, rows, count, err);
        query.after = count > 0 ? rows[count - 1].number : 0;
        if (status >= 0 && options->progress != NULL &&
            !options->progress(options->context, job->rows)) {
            status = err_set(err, ERR_CANCELLED, MSG_EXPORT_STOPPED, NO_ARGS);
        }
    }
    return status;
}

int export_master(struct plant *plant, const struct export_options *options, enum noun_id noun,
    struct table_writer *writer, uint64_t *ret_rows, struct err *err) {
    struct job job = {.options = options, .noun = noun, .writer = writer};
    int status = header(&job, err);
    if (status >= 0 && !options->template) {
        status = ledger_read(plant_ledger(plant), put_rows, &job, err);
    }
    *ret_rows = job.rows;
    return status;
}
