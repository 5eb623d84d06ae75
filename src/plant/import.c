/*
 * What all imports share: the rows of a file through the room `table`, twice where everything is
 * checked before anything is stored; progress and giving up; rejected rows; and the look at a file
 * before it is imported. The kinds stand in import_samples.c, import_catalogue.c,
 * import_corrections.c and import_master.c.
 *
 * Two passes need a file that can be read twice. A pipe is put aside in a file without a name
 * first, which also means that a sender who is slow or goes away holds nothing up half-way.
 */
#include "plant/import.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "core/mem.h"

enum { PROGRESS_ROWS = 1024 };
static const uint64_t SPOOL_MAX_BYTES = 64ULL << 30; // Of a pipe; refused beyond.

static const char *const KIND_NAMES[IMPORT_NOUNS] = {[IMPORT_SAMPLES] = "samples",
    [IMPORT_DEVICES] = "devices",
    [IMPORT_TAGS] = "tags",
    [IMPORT_EQUIPMENT] = "equipment",
    [IMPORT_CORRECTIONS] = "corrections"};

struct import_rows {
    const struct import_options *options;
    struct import_report *report;
    struct table *table;
    int fd;     // The file that is read.
    int own_fd; // Put aside; -1: none.
    off_t start;
    bool two_passes;
    bool second;
    uint64_t rows;
};

bool import_kind_of_name(struct str name, enum import_kind *ret_kind) {
    enum noun_id noun = 0;
    for (int i = 0; i < IMPORT_NOUNS; i++) {
        if (str_eq(name, str_of(KIND_NAMES[i]))) {
            *ret_kind = (enum import_kind)i;
            return true;
        }
    }
    if (noun_of_name(name, &noun)) {
        *ret_kind = (enum import_kind)((int)IMPORT_NOUNS + (int)noun);
        return true;
    }
    return false;
}

bool import_noun_of_kind(enum import_kind kind, enum noun_id *ret_noun) {
    bool is_noun = kind >= IMPORT_NOUNS && kind < IMPORT_KIND_COUNT;
    if (is_noun) {
        *ret_noun = (enum noun_id)((int)kind - (int)IMPORT_NOUNS);
    }
    return is_noun;
}

const char *import_kind_name(enum import_kind kind) {
    enum noun_id noun = 0;
    return import_noun_of_kind(kind, &noun) ? noun_name(noun) : KIND_NAMES[kind];
}

struct str import_actor(const struct import_options *options) {
    return options->actor.size > 0 ? options->actor : STR("installer");
}

static int stopped(struct err *err) {
    return err_set(err, ERR_CANCELLED, MSG_IMPORT_STOPPED, NO_ARGS);
}

/* Waits for bytes of a file that may be a pipe from somebody; fails when it is time to give up. */
static int may_read(void *context, struct err *err) {
    const struct import_options *options = context;
    struct pollfd waits[3] = {{.fd = options->fd, .events = POLLIN},
        {.fd = options->stop_fd > 0 ? options->stop_fd : -1, .events = POLLIN},
        {.fd = options->peer_fd > 0 ? options->peer_fd : -1, .events = POLLRDHUP}};
    while (poll(waits, 3, -1) < 0) {
        if (errno != EINTR) {
            return stopped(err);
        }
    }
    return waits[1].revents == 0 && waits[2].revents == 0 ? 0 : stopped(err);
}

static struct table_options table_options_of(const struct import_options *options, int fd) {
    union {
        const struct import_options *options;
        void *context;
    } borrowed = {.options = options}; // may_read only looks.
    return (struct table_options){.fd = fd,
        .context = borrowed.context,
        .wait = may_read,
        .encoding = options->encoding,
        .separator = options->separator,
        .sheet = options->sheet.data != NULL ? options->sheet : STR_NONE,
        .spool_folder = options->spool_folder};
}

static int open_table(struct import_rows *rows, struct err *err) {
    struct table_options options = table_options_of(rows->options, rows->fd);
    return table_open(&options, &rows->table, err);
}

int import_rows_open(const struct import_options *options, struct import_report *report,
    struct import_rows **ret_rows, struct err *err) {
    struct import_rows *rows = MEM_NEW(struct import_rows);
    rows->options = options;
    rows->report = report;
    rows->fd = options->fd;
    rows->own_fd = -1;
    rows->start = lseek(options->fd, 0, SEEK_CUR);
    rows->two_passes = options->kind == IMPORT_SAMPLES && !options->dry_run && !options->partial;
    int status = 0;
    if (rows->start < 0) {
        struct table_options source = table_options_of(options, options->fd);
        status = table_spool(&source, SPOOL_MAX_BYTES, &rows->own_fd, err);
        rows->fd = rows->own_fd;
        rows->start = 0;
    }
    if (status >= 0) {
        status = open_table(rows, err);
    }
    if (status < 0) {
        import_rows_close(rows);
        return status;
    }
    *ret_rows = rows;
    return 0;
}

void import_rows_close(struct import_rows *rows) {
    if (rows != NULL) {
        if (rows->table != NULL) { // Only now all is known that reading has found out.
            table_facts(rows->table, &rows->report->facts);
            rows->report->facts.sheet = STR_NONE; // It lives as long as the table.
        }
        table_close(rows->table);
        if (rows->own_fd >= 0) {
            file_close(rows->own_fd);
        }
        mem_free(rows);
    }
}

int import_rows_again(struct import_rows *rows, struct err *err) {
    table_close(rows->table);
    rows->table = NULL;
    rows->second = true;
    rows->rows = 0;
    if (lseek(rows->fd, rows->start, SEEK_SET) < 0) {
        return err_set_errno(err, errno, STR("import"));
    }
    return open_table(rows, err);
}

/* Tells how far it is, and asks whether to go on. */
static int tell(struct import_rows *rows, struct err *err) {
    const struct import_options *options = rows->options;
    if (options->progress == NULL) {
        return 0;
    }
    struct import_progress progress = {.rows = rows->rows};
    table_progress(rows->table, &progress.done_bytes, &progress.total_bytes);
    if (rows->two_passes) {
        progress.done_bytes =
            progress.done_bytes / 2 + (rows->second ? progress.total_bytes / 2 : 0);
    }
    return options->progress(options->context, &progress) ? 0 : stopped(err);
}

int import_rows_next(
    struct import_rows *rows, const struct str **ret_fields, size_t *ret_count, struct err *err) {
    int status = 0;
    if (rows->rows % PROGRESS_ROWS == 0) {
        status = tell(rows, err);
        if (status >= 0 && rows->rows > 0) {
            status = may_read(table_options_of(rows->options, rows->fd).context, err);
        }
    }
    if (status < 0) {
        return status;
    }
    if (rows->options->rows_max > 0 && rows->rows > rows->options->rows_max) {
        return TABLE_END;
    }
    rows->rows++;
    status = table_next(rows->table, ret_fields, ret_count, err);
    if (status == TABLE_END) {
        int told = tell(rows, err);
        return told < 0 ? told : TABLE_END;
    }
    return status;
}

uint64_t import_rows_line(const struct import_rows *rows) {
    return table_line(rows->table);
}

void import_reject(const struct import_options *options, struct import_report *report,
    uint64_t line, const struct err *why) {
    report->rejected++;
    if (options->rejected != NULL) {
        options->rejected(options->context, line, why);
    }
}

int import_run(struct plant *plant, const struct import_options *options,
    struct import_report *ret_report, struct err *err) {
    *ret_report = (struct import_report){.facts.sheet = STR_NONE};
    if (options->kind >= IMPORT_NOUNS) {
        return import_master(plant, options, ret_report, err);
    }
    switch (options->kind) {
    case IMPORT_SAMPLES: return import_samples(plant, options, ret_report, err);
    case IMPORT_CORRECTIONS: return import_corrections(plant, options, ret_report, err);
    case IMPORT_DEVICES:
    case IMPORT_TAGS:
    case IMPORT_EQUIPMENT: return import_catalogue(plant, options, ret_report, err);
    case IMPORT_NOUNS:
    case IMPORT_KIND_COUNT: break;
    }
    return err_set(err, ERR_USAGE, MSG_IMPORT_EMPTY, NO_ARGS);
}

/* ---- A look ---- */

static bool has_column(const struct import_preview *preview, struct str name) {
    for (uint32_t i = 0; preview->row_count > 0 && i < preview->rows[0].field_count; i++) {
        if (str_eq_nocase(str_trim(preview->rows[0].fields[i]), name)) {
            return true;
        }
    }
    return false;
}

/* Whether the header is one of this noun's: each column a field, and all fields that need one. */
static bool is_header_of(const struct import_preview *preview, enum noun_id noun) {
    bool has[NOUN_FIELDS_MAX] = {false};
    const struct field *field = NULL;
    for (uint32_t i = 0; preview->row_count > 0 && i < preview->rows[0].field_count; i++) {
        int at = noun_field_of_name(noun, str_trim(preview->rows[0].fields[i]));
        if (at < 0) {
            return false;
        }
        has[at] = true;
    }
    for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
        bool needed = field->need == FIELD_KEY || field->need == FIELD_NEEDED;
        if (needed && field->preset[0] == '\0' && !has[i]) {
            return false;
        }
    }
    return true;
}

/* Master data, when one noun alone has such a header. */
static bool guess_noun(const struct import_preview *preview, enum import_kind *ret_kind) {
    int fits = 0;
    for (enum noun_id noun = 0; noun < NOUN_COUNT; noun++) {
        if (is_header_of(preview, noun)) {
            *ret_kind = (enum import_kind)((int)IMPORT_NOUNS + (int)noun);
            fits++;
        }
    }
    return fits == 1;
}

/* By the names of the header; what no kind has is left to the person. */
static void guess_kind(struct import_preview *preview) {
    bool tag = has_column(preview, STR("tag"));
    bool time = has_column(preview, STR("ts_ms")) || has_column(preview, STR("time")) ||
                has_column(preview, STR("timestamp")) || has_column(preview, STR("datetime")) ||
                has_column(preview, STR("시각")) || has_column(preview, STR("시간")) ||
                has_column(preview, STR("일시"));
    preview->has_header = preview->kind_known = true;
    if (tag && time && has_column(preview, STR("reason"))) {
        preview->kind = IMPORT_CORRECTIONS;
    } else if (time) {
        preview->kind = IMPORT_SAMPLES;
    } else if (has_column(preview, STR("driver"))) {
        preview->kind = IMPORT_DEVICES;
    } else if (tag) {
        preview->kind = IMPORT_TAGS;
    } else if (has_column(preview, STR("level")) && has_column(preview, STR("id"))) {
        preview->kind = IMPORT_EQUIPMENT;
    } else if (guess_noun(preview, &preview->kind)) {
        return;
    } else {
        int64_t ms = 0;
        preview->has_header = false;
        preview->kind = IMPORT_SAMPLES;
        preview->kind_known = preview->row_count > 0 && preview->rows[0].field_count == 3 &&
                              str_to_i64(preview->rows[0].fields[1], &ms);
    }
}

static void keep_row(struct import_preview *preview, struct arena *arena, uint64_t line,
    const struct str *fields, size_t count) {
    uint32_t kept = count < PREVIEW_COLUMNS ? (uint32_t)count : PREVIEW_COLUMNS;
    preview->rows[preview->row_count].line = line;
    preview->rows[preview->row_count].field_count = kept;
    preview->rows[preview->row_count].fields = ARENA_ARRAY(arena, struct str, kept + 1);
    for (uint32_t i = 0; i < kept; i++) {
        preview->rows[preview->row_count].fields[i] = arena_copy(arena, fields[i]);
    }
}

int import_look(const struct import_options *options, struct arena *arena,
    struct import_preview *ret_preview, struct err *err) {
    struct table_options source = table_options_of(options, options->fd);
    struct table *table = NULL;
    int status = table_open(&source, &table, err);
    struct import_preview preview = {.row_count = 0};
    while (status >= 0 && preview.row_count <= PREVIEW_ROWS) {
        const struct str *fields = NULL;
        size_t count = 0;
        struct err fault = ERR_INIT;
        status = table_next(table, &fields, &count, &fault);
        if (status == TABLE_END) {
            break;
        }
        if (status < 0) {
            *err = fault;
            break;
        }
        keep_row(&preview, arena, table_line(table), fields, status == TABLE_ROW ? count : 0);
        if (status == TABLE_ROW_BAD) {
            preview.rows[preview.row_count].fault = ARENA_NEW(arena, struct err);
            *preview.rows[preview.row_count].fault = fault;
        }
        preview.row_count++;
    }
    if (status >= 0) {
        table_facts(table, &preview.facts);
        preview.facts.sheet = arena_copy(arena, preview.facts.sheet);
        guess_kind(&preview);
        *ret_preview = preview;
    }
    table_close(table);
    return status < 0 ? status : 0;
}
