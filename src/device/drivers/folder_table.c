/*
 * CSV files and workbooks of a folder. The first row names the columns (header=0: they are #1, #2,
 * ...); a column that the file does not have leaves its tags as they are and is told. Of a growing
 * file the header is read again from its beginning and the new lines are put behind it, so that the
 * one reader sees a whole table.
 */
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "device/drivers/folder.h"
#include "table/table.h"

enum { COLUMNS_MAX = 4096, TIME_COLUMNS_MAX = 2, HEADER_BYTES_MAX = 65536, TIME_BYTES = 128 };

/* Where the columns stand: index + 1, 0: the file has none such. */
struct layout {
    uint32_t *columns; // Of each point.
    uint32_t time_columns[TIME_COLUMNS_MAX];
    uint32_t time_count; // Columns that make the time; 0: rows have none.
};

/* The bytes of a growing file: its first lines, then what is new. */
struct growing {
    struct folder_file *file;
    char *header;
    size_t header_size;
    size_t header_given;
    uint64_t at;
};

static int read_growing(
    void *context, void *to, size_t capacity, size_t *ret_size, struct err *err) {
    struct growing *growing = context;
    size_t size = growing->header_size - growing->header_given;
    if (size > 0) {
        size = size < capacity ? size : capacity;
        memcpy(to, growing->header + growing->header_given, size);
        growing->header_given += size;
        *ret_size = size;
        return 0;
    }
    uint64_t left = growing->file->end - growing->at;
    size = left < capacity ? (size_t)left : capacity;
    ssize_t got = size > 0 ? pread(growing->file->fd, to, size, (off_t)growing->at) : 0;
    if (got < 0) {
        return err_set(err, ERR_IO, MSG_FOLDER_READ, ARGS(A_STR(growing->file->name)));
    }
    growing->at += (uint64_t)got;
    *ret_size = (size_t)got;
    return 0;
}

/* The lines up to and with the header, of a file that is continued. */
static void read_header(struct growing *growing) {
    const struct folder_file *file = growing->file;
    int64_t lines =
        file->settings->values[FOLDER_SKIP_LINES] + file->settings->values[FOLDER_HEADER];
    if (file->from == 0) {
        return;
    }
    growing->header = mem_zero(HEADER_BYTES_MAX, 1);
    ssize_t got = pread(file->fd, growing->header, HEADER_BYTES_MAX, 0);
    size_t limit = got > 0 ? (size_t)got : 0;
    for (size_t i = 0; i < limit && lines > 0; i++) {
        lines -= growing->header[i] == '\n';
        growing->header_size = i + 1;
    }
}

static uint32_t find_column(const struct str *names, size_t count, struct str wanted) {
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(str_trim(names[i]), wanted)) {
            return (uint32_t)i + 1;
        }
    }
    return 0;
}

static uint32_t column_of(const struct cell_source *source, const struct str *names, size_t count) {
    return source->number > 0 ? source->number : find_column(names, count, source->column);
}

static void lay_out_time(
    struct layout *layout, const struct folder_file *file, const struct str *names, size_t count) {
    struct str rest = file->settings->texts[FOLDER_TIME];
    while (rest.size > 0 && layout->time_count < TIME_COLUMNS_MAX) {
        struct cell_source source = {.column = str_trim(str_cut(&rest, '+'))};
        uint64_t number = 0;
        if (source.column.size > 1 && source.column.data[0] == '#' &&
            str_to_u64(str_slice(source.column, 1, source.column.size), &number)) {
            source.number = (uint32_t)number;
        }
        layout->time_columns[layout->time_count++] = column_of(&source, names, count);
    }
}

static void lay_out(
    struct layout *layout, struct folder_file *file, const struct str *names, size_t count) {
    layout->columns = MEM_ARRAY(uint32_t, (size_t)file->all->count + 1);
    for (uint32_t i = 0; i < file->all->count; i++) {
        const struct point *point = &file->all->points[i];
        struct cell_source source;
        (void)cell_source_parse(point->source, &source, NULL); // It was good before.
        layout->columns[i] = column_of(&source, names, count);
        if (layout->columns[i] == 0) {
            struct err words = ERR_INIT;
            (void)err_set(&words, ERR_NOT_FOUND, MSG_FOLDER_NO_COLUMN,
                ARGS(A_STR(file->name), A_STR(source.column)));
            sink_bad(file->sink, point, STATUS_BAD_NO_DATA, &words);
        }
    }
    lay_out_time(layout, file, names, count);
}

/* The row's time; false: it cannot be read, and the row is left out. */
static bool row_time(struct folder_file *file, const struct layout *layout,
    const struct str *fields, size_t count, uint64_t line, int64_t *ret_time_ns) {
    AUTO_BUF struct buf text;
    buf_init(&text, TIME_BYTES);
    for (uint32_t i = 0; i < layout->time_count; i++) {
        uint32_t column = layout->time_columns[i];
        buf_put_str(&text, i > 0 ? STR(" ") : STR_NONE);
        buf_put_str(&text, column > 0 && column <= count ? str_trim(fields[column - 1]) : STR_NONE);
    }
    if (folder_time(file, buf_str(&text), ret_time_ns)) {
        return true;
    }
    folder_note(file, line, file->settings->texts[FOLDER_TIME], buf_str(&text));
    return false;
}

static void take_row(struct folder_file *file, const struct layout *layout,
    const struct str *fields, size_t count, uint64_t line) {
    int64_t time_ns = 0;
    if (!row_time(file, layout, fields, count, line, &time_ns)) {
        return;
    }
    folder_row(file, time_ns);
    for (uint32_t i = 0; i < file->all->count; i++) {
        uint32_t column = layout->columns[i];
        if (column == 0 || column > count) {
            continue;
        }
        const struct point *point = &file->all->points[i];
        if (!cell_give(
                file->sink, point, (enum value_type)point->detail[0], fields[column - 1], NULL)) {
            folder_note(file, line, point->source, fields[column - 1]);
        }
    }
    file->rows++;
}

static int take_rows(struct folder_file *file, struct table *table, struct err *err) {
    struct layout layout = {0};
    const struct str *fields = NULL;
    size_t count = 0;
    int64_t skip = file->settings->values[FOLDER_SKIP_LINES];
    bool has_header = file->settings->values[FOLDER_HEADER] != 0;
    bool laid_out = false;
    int got = 0;
    while ((got = table_next(table, &fields, &count, err)) > 0) {
        if (skip > 0) {
            skip--;
            continue;
        }
        if (got == TABLE_ROW_BAD) {
            file->bad_rows++;
            if (file->first_bad.code == ERR_OK) {
                file->first_bad = *err;
            }
            err_clear(err);
            continue;
        }
        if (!laid_out) {
            laid_out = true;
            lay_out(&layout, file, fields, has_header ? count : 0);
            if (has_header) {
                continue;
            }
        }
        take_row(file, &layout, fields, count, table_line(table));
    }
    mem_free(layout.columns);
    return got;
}

int folder_take_table(struct folder_file *file, struct err *err) {
    static const char SEPARATORS[] = {0, ',', ';', '\t'};
    struct growing growing = {.file = file, .at = file->from};
    struct table_options options = {.fd = file->fd,
        .encoding = (enum table_encoding)file->settings->values[FOLDER_ENCODING],
        .separator = SEPARATORS[file->settings->values[FOLDER_SEPARATOR]],
        .sheet = file->settings->texts[FOLDER_SHEET]};
    if (file->settings->values[FOLDER_GROWS] != 0) {
        read_header(&growing);
        options.context = &growing;
        options.read = read_growing;
        options.total_bytes = growing.header_size + file->end - file->from;
    }
    struct table *table = NULL;
    int result = table_open(&options, &table, err);
    if (result == 0) {
        result = take_rows(file, table, err);
        table_close(table);
    }
    mem_free(growing.header);
    return result;
}
