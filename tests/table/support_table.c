/*
 * Files in memory for the tests of the room: a table must read the same whatever the pieces in
 * which its bytes come.
 */
#include "tests/table/support_table.h"

#include <string.h>

static int read_memory(
    void *context, void *to, size_t capacity, size_t *ret_size, struct err *err) {
    (void)err;
    struct memory_file *file = context;
    size_t size = file->bytes.size - file->at;
    size = size < capacity ? size : capacity;
    size = file->piece > 0 && file->piece < size ? file->piece : size;
    if (size > 0) {
        memcpy(to, file->bytes.data + file->at, size);
    }
    file->at += size;
    *ret_size = size;
    return 0;
}

struct table_options memory_options(struct memory_file *file) {
    return (struct table_options){.fd = -1,
        .context = file,
        .read = read_memory,
        .total_bytes = file->bytes.size,
        .sheet = STR_NONE};
}

int see_table(
    const struct table_options *options, struct buf *seen, struct table_facts *ret_facts) {
    struct table *table = NULL;
    struct err err = ERR_INIT;
    int status = table_open(options, &table, &err);
    while (status >= 0) {
        const struct str *fields = NULL;
        size_t count = 0;
        status = table_next(table, &fields, &count, &err);
        if (status == TABLE_ROW) {
            buf_printf(seen, "%lu:", table_line(table));
            for (size_t i = 0; i < count; i++) {
                buf_put_char(seen, '[');
                buf_put_str(seen, fields[i]);
                buf_put_char(seen, ']');
            }
            buf_put_char(seen, '\n');
        } else if (status == TABLE_ROW_BAD) {
            buf_printf(seen, "%lu!%s\n", table_line(table), err_code_name(err.code));
            err_clear(&err);
        } else if (status == TABLE_END) {
            break;
        }
    }
    if (status < 0) {
        buf_printf(seen, "!%s\n", err_code_name(err.code));
    }
    if (table != NULL && ret_facts != NULL) {
        table_facts(table, ret_facts);
    }
    table_close(table);
    return status;
}

int write_memory(void *context, const void *data, size_t size, struct err *err) {
    (void)err;
    struct buf *to = context;
    buf_put(to, data, size);
    return 0;
}
