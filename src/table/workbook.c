/*
 * libxlsxwriter in its constant-memory mode: each row is written to a temporary file when the next
 * one begins, so memory does not grow with the sheet. The library writes to a path only; it is
 * given that of a file without a name in the spool folder (/proc/self/fd/N), and its temporary
 * files lose their names at once, so a kill leaves nothing behind.
 *
 * Numbers are written by the library with 16 significant digits, which some doubles need 17 of;
 * sheet_holds tells them apart. Texts are escaped here (ST_Xstring, ECMA-376 part 1, 22.9.2.19)
 * where a text itself looks like an escape; the library does the control characters.
 */
#include "table/workbook.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <xlsxwriter.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "table/spool.h"

enum {
    ROWS_MAX = LXW_ROW_MAX,    // 1,048,576: what a sheet of Excel holds; refused beyond.
    COLUMNS_MAX = LXW_COL_MAX, // 16,384.
    TEXT_MAX_CHARACTERS = 32767,
    TEXT_MAX_BYTES = 4 * TEXT_MAX_CHARACTERS,
    COPY_BYTES = 256 << 10,
};

struct sheet {
    lxw_workbook *book;
    lxw_worksheet *sheet;
    uint32_t row;
    struct buf text;
    int fd; // -1: none.
    char folder[LIMIT_PATH_BYTES];
};

static int failed(struct sheet *workbook, struct err *err) {
    return err_set_errno(err, errno != 0 ? errno : EIO, str_of(workbook->folder));
}

/* Where the library may put its temporary files. */
static void choose_folder(struct sheet *workbook, const char *spool_folder) {
    const char *folder = spool_folder != NULL ? spool_folder : secure_getenv("TMPDIR");
    folder = folder != NULL && folder[0] == '/' ? folder : "/var/tmp";
    (void)str_copy_z(str_of(folder), workbook->folder, sizeof workbook->folder);
}

int sheet_new(
    const char *sheet, const char *spool_folder, struct sheet **ret_workbook, struct err *err) {
    struct sheet *workbook = MEM_NEW(struct sheet);
    workbook->fd = -1;
    choose_folder(workbook, spool_folder);
    buf_init(&workbook->text, 2 * TEXT_MAX_BYTES + 16);
    int status = spool_descriptor(spool_folder, &workbook->fd, err);
    if (status < 0) {
        sheet_free(workbook);
        return status;
    }
    char path[40];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", workbook->fd);
    lxw_workbook_options options = {
        .constant_memory = LXW_TRUE, .tmpdir = workbook->folder, .use_zip64 = LXW_TRUE};
    workbook->book = workbook_new_opt(path, &options);
    workbook->sheet = workbook->book != NULL ? workbook_add_worksheet(workbook->book, sheet) : NULL;
    if (workbook->sheet == NULL) {
        status = failed(workbook, err);
        sheet_free(workbook);
        return status;
    }
    *ret_workbook = workbook;
    return 0;
}

void sheet_free(struct sheet *workbook) {
    if (workbook == NULL) {
        return;
    }
    if (workbook->book != NULL) {
        (void)workbook_close(workbook->book); // Frees it; the file goes below.
    }
    if (workbook->fd >= 0) {
        file_close(workbook->fd);
    }
    buf_fini(&workbook->text);
    mem_free(workbook);
}

static int check_place(const struct sheet *workbook, uint32_t column, struct err *err) {
    if (workbook->row >= ROWS_MAX || column >= COLUMNS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_TABLE_SHEET_FULL, ARGS(A_INT(ROWS_MAX)));
    }
    return 0;
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* "_xHHHH_": the text would be taken for an escape. */
static bool looks_escaped(struct str text) {
    return text.size >= 7 && text.data[0] == '_' && text.data[1] == 'x' && is_hex(text.data[2]) &&
           is_hex(text.data[3]) && is_hex(text.data[4]) && is_hex(text.data[5]) &&
           text.data[6] == '_';
}

int sheet_text(struct sheet *workbook, uint32_t column, struct str text, struct err *err) {
    int status = check_place(workbook, column, err);
    if (status < 0) {
        return status;
    }
    buf_clear(&workbook->text);
    if (text.size <= TEXT_MAX_BYTES) {
        for (size_t i = 0; i < text.size; i++) {
            if (text.data[i] == '_' && looks_escaped(str_slice(text, i, text.size))) {
                buf_put_str(&workbook->text, STR("_x005F"));
            }
            buf_put_char(&workbook->text, text.data[i]);
        }
    }
    lxw_error result = text.size <= TEXT_MAX_BYTES && !workbook->text.overflow
                           ? worksheet_write_string(workbook->sheet, workbook->row,
                                 (lxw_col_t)column, buf_z(&workbook->text), NULL)
                           : LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED;
    if (result == LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED) {
        return err_set(err, ERR_LIMIT, MSG_TABLE_CELL_LONG, ARGS(A_INT(TEXT_MAX_CHARACTERS)));
    }
    return result == LXW_NO_ERROR ? 0 : failed(workbook, err);
}

int sheet_number(struct sheet *workbook, uint32_t column, double value, struct err *err) {
    int status = check_place(workbook, column, err);
    if (status < 0) {
        return status;
    }
    lxw_error result =
        worksheet_write_number(workbook->sheet, workbook->row, (lxw_col_t)column, value, NULL);
    return result == LXW_NO_ERROR ? 0 : failed(workbook, err);
}

int sheet_end_row(struct sheet *workbook, struct err *err) {
    int status = check_place(workbook, 0, err);
    workbook->row += status >= 0;
    return status;
}

bool sheet_holds(double value) {
    if (!isfinite(value) || (value == 0 && signbit(value) != 0)) {
        return false;
    }
    char text[40];
    (void)snprintf(text, sizeof text, "%.16G", value); // As the library does; the locale is "C".
    double again = 0;
    return str_to_f64(str_of(text), &again) && again == value;
}

static int hand_on(int fd, int (*write)(void *, const void *, size_t, struct err *), void *context,
    struct err *err) {
    AUTO_FREE uint8_t *piece = mem_alloc(COPY_BYTES);
    for (;;) {
        ssize_t size = read(fd, piece, COPY_BYTES);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return err_set_errno(err, errno, STR("xlsx"));
        }
        int status = size > 0 ? write(context, piece, (size_t)size, err) : 0;
        if (size == 0 || status < 0) {
            return status;
        }
    }
}

int sheet_finish(struct sheet *workbook,
    int (*write)(void *context, const void *data, size_t size, struct err *err), void *context,
    struct err *err) {
    errno = 0;
    lxw_error result = workbook_close(workbook->book);
    workbook->book = NULL;
    if (result != LXW_NO_ERROR) {
        return failed(workbook, err);
    }
    if (lseek(workbook->fd, 0, SEEK_SET) < 0) {
        return failed(workbook, err);
    }
    return hand_on(workbook->fd, write, context, err);
}
