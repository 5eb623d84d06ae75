/*
 * Sheets in memory. A paper is read whole by a person, so it is small; memory is the simplest place
 * for it. Cells are texts: what a person sees is decided once, for PDF and workbook alike. Only a
 * number goes into a workbook as a number again, so that it can be summed there.
 */
#include "papers/grid.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/check.h"
#include "core/clock.h"

enum { ROWS_FIRST = 32, TEXT_MAX = 1024 };

struct grid *grid_new(struct arena *arena) {
    struct grid *sheet = ARENA_NEW(arena, struct grid);
    sheet->arena = arena;
    return sheet;
}

void grid_column(struct grid *sheet, struct str head, double weight, bool is_number) {
    CHECK(sheet->column_count < GRID_COLUMNS_MAX);
    sheet->columns[sheet->column_count++] =
        (struct grid_column){.head = head, .weight = weight, .is_number = is_number};
}

struct str *grid_row(struct grid *sheet) {
    uint32_t width = sheet->column_count;
    if (sheet->row_count == GRID_ROWS_MAX) {
        return NULL;
    }
    if (sheet->row_count == sheet->row_capacity) {
        uint32_t capacity = sheet->row_capacity == 0 ? ROWS_FIRST : sheet->row_capacity * 2;
        struct str *cells = ARENA_ARRAY(sheet->arena, struct str, (size_t)capacity * width);
        if (sheet->row_count > 0) {
            memcpy(cells, sheet->cells, (size_t)sheet->row_count * width * sizeof *cells);
        }
        sheet->cells = cells;
        sheet->row_capacity = capacity;
    }
    struct str *row = sheet->cells + (size_t)sheet->row_count++ * width;
    for (uint32_t i = 0; i < width; i++) {
        row[i] = STR_NONE;
    }
    return row;
}

/* "1,234.5" as a number, or false. */
static bool number_of(struct str text, double *ret_value) {
    char plain[64];
    size_t size = 0;
    for (size_t i = 0; i < text.size && size < sizeof plain; i++) {
        if (text.data[i] != ',') {
            plain[size++] = text.data[i];
        }
    }
    return size > 0 && str_to_f64((struct str){plain, size}, ret_value);
}

int grid_write(
    const struct grid *sheet, const struct table_writer_options *options, struct err *err) {
    struct table_writer *writer = NULL;
    int status = table_writer_open(options, &writer, err);
    if (status < 0) {
        return status;
    }
    for (uint32_t c = 0; c < sheet->column_count; c++) {
        table_put_text(writer, sheet->columns[c].head);
    }
    status = table_end_row(writer, err);
    for (uint32_t r = 0; r < sheet->row_count && status >= 0; r++) {
        for (uint32_t c = 0; c < sheet->column_count; c++) {
            struct str cell = sheet->cells[(size_t)r * sheet->column_count + c];
            double number = 0;
            if (sheet->columns[c].is_number && number_of(cell, &number)) {
                table_put_f64(writer, number);
            } else {
                table_put_text(writer, cell);
            }
        }
        status = table_end_row(writer, err);
    }
    status = status < 0 ? status : table_writer_finish(writer, err);
    table_writer_close(writer);
    return status;
}

/* ---- Texts ---- */

struct str text_f(struct arena *arena, const char *format, ...) {
    char text[TEXT_MAX];
    va_list list;
    va_start(list, format);
    int size = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    size = size < 0 ? 0 : size < TEXT_MAX ? size : TEXT_MAX - 1;
    return arena_copy(arena, (struct str){text, (size_t)size});
}

struct str text_count(struct arena *arena, int64_t value) {
    char digits[24];
    char text[40];
    size_t size = i64_to_text(value, digits);
    size_t written = 0;
    size_t first = digits[0] == '-' ? 1 : 0;
    for (size_t i = 0; i < size; i++) {
        if (i > first && (size - i) % 3 == 0) {
            text[written++] = ',';
        }
        text[written++] = digits[i];
    }
    return arena_copy(arena, (struct str){text, written});
}

struct str text_number(struct arena *arena, double value, int digits) {
    return isnan(value) ? STR_NONE : text_f(arena, "%.*f", digits, value);
}

struct str text_words(struct arena *arena, enum lang lang, enum msg_id id, const struct arg *args) {
    AUTO_BUF struct buf text;
    buf_init(&text, 8192);
    msg_render(id, args, lang, &text);
    return arena_copy(arena, buf_str(&text));
}

struct str text_duration(struct arena *arena, int64_t duration_ns) {
    static const struct {
        int64_t ns;
        const char *unit;
    } UNITS[] = {{86400 * NS_PER_S, "d"}, {3600 * NS_PER_S, "h"}, {60 * NS_PER_S, "m"},
        {NS_PER_S, "s"}, {NS_PER_MS, "ms"}};
    AUTO_BUF struct buf text;
    buf_init(&text, 64);
    int parts = 0;
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0] && parts < 2; i++) {
        int64_t count = duration_ns / UNITS[i].ns;
        duration_ns %= UNITS[i].ns;
        if (count > 0) {
            buf_printf(&text, "%s%lld%s", parts > 0 ? " " : "", (long long)count, UNITS[i].unit);
        }
        parts += count > 0 || parts > 0;
    }
    return text.size > 0 ? arena_copy(arena, buf_str(&text)) : STR("0s");
}

struct str text_moment(struct arena *arena, int64_t time_ns, const struct zone *zone) {
    enum { SHOWN = 16 }; // Up to the minutes.
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, zone, text);
    if (size < SHOWN) {
        return STR_NONE;
    }
    text[10] = ' ';
    return arena_copy(arena, (struct str){text, SHOWN});
}
