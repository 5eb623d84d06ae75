/*
 * Rows out: CSV by hand (RFC 4180: a field is quoted when it holds the separator, a quote or a line
 * break, or begins or ends with a blank, which readers like to trim), encoded, packed and handed on
 * in pieces; or a workbook. A row is collected whole before it is encoded, so a character that the
 * encoding does not have costs no half row. The first failure stays: what follows is dropped, and
 * each row end and the finish tell it again.
 */
#include <math.h>

#include "core/buf.h"
#include "core/csv.h"
#include "core/mem.h"
#include "table/encoding.h"
#include "table/pack.h"
#include "table/table.h"
#include "table/workbook.h"

enum {
    OUT_BYTES = 128 << 10, // Handed on when so much is there.
    NUMBER_BYTES = 32,
};
/* Excel shows 15 digits of a number; longer whole numbers are written as texts. */
static const int64_t WHOLE_MAX = 999999999999999;

struct table_writer {
    struct table_writer_options options;
    struct sheet *workbook;
    struct encoder *encoder;
    struct pack *pack;
    char separator;
    uint32_t column;
    struct buf row;
    struct buf out;
    int status;
    struct err err;
};

int table_writer_open(
    const struct table_writer_options *options, struct table_writer **ret_writer, struct err *err) {
    if (options->format == TABLE_PARQUET) {
        return err_set(err, ERR_UNSUPPORTED, MSG_TABLE_PARQUET_TYPES, NO_ARGS);
    }
    struct table_writer *writer = MEM_NEW(struct table_writer);
    writer->options = *options;
    buf_init(&writer->row, CSV_ROW_MAX_BYTES);
    buf_init(&writer->out, OUT_BYTES + 2 * CSV_ROW_MAX_BYTES + NUMBER_BYTES);
    if (options->format == TABLE_XLSX) {
        int status = sheet_new(options->sheet != NULL ? options->sheet : "data",
            options->spool_folder, &writer->workbook, err);
        if (status < 0) {
            table_writer_close(writer);
            return status;
        }
    } else {
        bool usual = options->encoding == TABLE_ENCODING_AUTO;
        writer->separator = options->separator != 0 ? options->separator : ',';
        writer->encoder = encoder_new(usual ? TABLE_UTF8_MARK : options->encoding);
        writer->pack = pack_new(options->packing, options->write, options->context);
    }
    *ret_writer = writer;
    return 0;
}

void table_writer_close(struct table_writer *writer) {
    if (writer != NULL) {
        sheet_free(writer->workbook);
        encoder_free(writer->encoder);
        pack_free(writer->pack);
        buf_fini(&writer->row);
        buf_fini(&writer->out);
        mem_free(writer);
    }
}

static void keep_status(struct table_writer *writer, int status) {
    if (writer->status >= 0 && status < 0) {
        writer->status = status;
    }
}

static void put_separator(struct table_writer *writer) {
    if (writer->column > 0) {
        buf_put_char(&writer->row, writer->separator);
    }
    writer->column++;
}

static bool needs_quotes(const struct table_writer *writer, struct str text) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == writer->separator || c == '"' || c == '\n' || c == '\r') {
            return true;
        }
    }
    return text.size > 0 &&
           (text.data[0] == ' ' || text.data[0] == '\t' || text.data[text.size - 1] == ' ' ||
               text.data[text.size - 1] == '\t');
}

void table_put_text(struct table_writer *writer, struct str text) {
    if (writer->workbook != NULL) {
        if (writer->status >= 0 && text.size > 0) {
            keep_status(writer, sheet_text(writer->workbook, writer->column, text, &writer->err));
        }
        writer->column++;
        return;
    }
    put_separator(writer);
    if (!needs_quotes(writer, text)) {
        buf_put_str(&writer->row, text);
        return;
    }
    buf_put_char(&writer->row, '"');
    while (text.size > 0) {
        size_t at = str_find(text, '"');
        buf_put_str(&writer->row, str_slice(text, 0, at + 1));
        if (at < text.size) {
            buf_put_char(&writer->row, '"');
        }
        text = str_slice(text, at + 1, text.size);
    }
    buf_put_char(&writer->row, '"');
}

void table_put_f64(struct table_writer *writer, double value) {
    if (writer->workbook != NULL && sheet_holds(value)) {
        if (writer->status >= 0) {
            keep_status(
                writer, sheet_number(writer->workbook, writer->column, value, &writer->err));
        }
        writer->column++;
        return;
    }
    char text[NUMBER_BYTES];
    table_put_text(writer, (struct str){text, f64_to_text(value, text)});
}

void table_put_i64(struct table_writer *writer, int64_t value) {
    if (writer->workbook != NULL && value <= WHOLE_MAX && value >= -WHOLE_MAX) {
        table_put_f64(writer, (double)value);
        return;
    }
    char text[NUMBER_BYTES];
    table_put_text(writer, (struct str){text, i64_to_text(value, text)});
}

void table_put_empty(struct table_writer *writer) {
    table_put_text(writer, STR_NONE);
}

static int told(struct table_writer *writer, struct err *err) {
    if (writer->status < 0 && err != NULL) {
        *err = writer->err;
    }
    return writer->status;
}

static void hand_on(struct table_writer *writer) {
    if (writer->status >= 0 && writer->out.size > 0) {
        keep_status(
            writer, pack_put(writer->pack, writer->out.data, writer->out.size, &writer->err));
    }
    buf_clear(&writer->out);
}

int table_end_row(struct table_writer *writer, struct err *err) {
    writer->column = 0;
    if (writer->workbook != NULL) {
        if (writer->status >= 0) {
            keep_status(writer, sheet_end_row(writer->workbook, &writer->err));
        }
        return told(writer, err);
    }
    if (writer->row.size + 2 > CSV_ROW_MAX_BYTES) {
        writer->row.overflow = true;
    }
    buf_put_str(&writer->row, STR("\r\n"));
    if (writer->status >= 0 && writer->row.overflow) {
        writer->status =
            err_set(&writer->err, ERR_LIMIT, MSG_TABLE_CELL_LONG, ARGS(A_INT(CSV_ROW_MAX_BYTES)));
    }
    if (writer->status >= 0) {
        keep_status(writer,
            encoder_put(writer->encoder, buf_str(&writer->row), &writer->out, &writer->err));
    }
    buf_clear(&writer->row);
    if (writer->out.size >= OUT_BYTES) {
        hand_on(writer);
    }
    return told(writer, err);
}

int table_writer_finish(struct table_writer *writer, struct err *err) {
    if (writer->workbook != NULL) {
        return writer->status < 0 ? told(writer, err)
                                  : sheet_finish(writer->workbook, writer->options.write,
                                        writer->options.context, err);
    }
    hand_on(writer);
    if (writer->status >= 0) {
        keep_status(writer, pack_finish(writer->pack, &writer->err));
    }
    return told(writer, err);
}
