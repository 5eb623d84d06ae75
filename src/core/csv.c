/*
 * CSV reader (RFC 4180) over chunks.
 *
 * One state machine runs over each byte once and may stop and go on anywhere, also inside a quoted
 * field or between CR and LF, so tiny chunks cost no more than large ones. It notes fields as
 * offsets from the row's start. A row that lies within one chunk is lent from the chunk itself; a
 * row that crosses chunks is collected in `carry`. Only quoted fields with doubled quotes are
 * copied (to `scratch`) to be undoubled.
 *
 * Between separators the machine skips plain bytes with a table of 256 flags, about one byte a
 * cycle: near 1 GB/s for plain numbers, far above what the rows cost their readers.
 *
 * Rules beyond the RFC: empty lines are skipped; a lone CR is data; a quote inside an unquoted
 * field and text after a closing quote are errors. After an error the rest of that line is
 * skipped and reading goes on, so one bad row costs one row.
 */
#include "core/csv.h"

#include <string.h>

#include "core/check.h"
#include "core/mem.h"

enum csv_state {
    STATE_FIELD_START,
    STATE_PLAIN,
    STATE_QUOTED,
    STATE_QUOTE,    // A quote inside a quoted field: its end, or the first of two.
    STATE_QUOTE_CR, // CR after a closing quote: only LF may follow.
    STATE_SKIP,     // After an error, up to the line's end.
};

enum { MARK_BYTES = 3 };
static const uint8_t MARK[MARK_BYTES] = {0xEF, 0xBB, 0xBF}; // U+FEFF in UTF-8.

/* A field by offsets from the row's start; without its quotes. */
struct csv_field {
    uint32_t start;
    uint32_t end;
    bool quoted;
    bool doubled; // Holds doubled quotes.
};

struct csv {
    const uint8_t *data; // The lent chunk.
    size_t size;
    size_t offset; // First byte of the chunk that is not yet consumed.
    bool last;
    bool row_lent; // The caller holds the row until the next call.
    enum csv_state state;
    uint8_t mark_seen; // Bytes of the mark matched; MARK_BYTES when decided.
    char separator;
    bool special[256]; // Bytes that end a run of plain ones.
    uint64_t line;     // Of the byte at `offset`.
    uint64_t row_line; // Of the row's first byte.
    size_t row_offset; // Row bytes before chunk offset `row_start` (those in `carry`).
    size_t row_start;  // Chunk offset of the row's part in this chunk.
    size_t count;
    struct csv_field field; // The open one.
    struct buf carry;
    struct buf scratch;
    struct csv_field fields[CSV_FIELDS_MAX];
    struct str out[CSV_FIELDS_MAX];
};

struct csv *csv_new(char separator) {
    CHECK(separator == ',' || separator == ';' || separator == '\t');
    struct csv *csv = MEM_NEW(struct csv);
    csv->separator = separator;
    csv->special[(uint8_t)separator] = true;
    csv->special['"'] = true;
    csv->special['\n'] = true;
    csv->line = 1;
    csv->row_line = 1;
    buf_init(&csv->carry, CSV_ROW_MAX_BYTES + MARK_BYTES);
    buf_init(&csv->scratch, CSV_ROW_MAX_BYTES);
    return csv;
}

void csv_free(struct csv *csv) {
    if (csv) {
        buf_fini(&csv->carry);
        buf_fini(&csv->scratch);
        mem_free(csv);
    }
}

uint64_t csv_line(const struct csv *csv) {
    return csv->row_line;
}

void csv_feed(struct csv *csv, const void *data, size_t size, bool last) {
    CHECK(csv->offset == csv->size); // The chunk before is used up.
    csv->data = size > 0 ? data : (const void *)"";
    csv->size = size;
    csv->offset = 0;
    csv->row_start = 0;
    csv->last = last;
}

/* Bytes of the row so far, up to the current offset. */
static size_t row_bytes(const struct csv *csv) {
    return csv->row_offset + (csv->offset - csv->row_start);
}

static void row_begin(struct csv *csv) {
    csv->state = STATE_FIELD_START;
    csv->row_start = csv->offset;
    csv->row_offset = 0;
    csv->count = 0;
    csv->field = (struct csv_field){0};
    buf_clear(&csv->carry);
}

static int row_fail(
    struct csv *csv, enum err_code code, enum msg_id msg, const struct arg *args, struct err *err) {
    bool at_line_end = csv->offset < csv->size && csv->data[csv->offset] == '\n';
    if (at_line_end) {
        csv->offset++;
        csv->line++;
    }
    row_begin(csv);
    csv->state = at_line_end ? STATE_FIELD_START : STATE_SKIP;
    return err_set(err, code, msg, args);
}

static int fail_quote(struct csv *csv, enum msg_id msg, struct err *err) {
    return row_fail(csv, ERR_INVALID, msg, ARGS(A_INT(csv->row_line), A_INT(csv->count + 1)), err);
}

/* Closes the open field at row offset `end`; the next one starts behind the separator. */
static int field_close(struct csv *csv, size_t end, size_t next, struct err *err) {
    if (csv->count == CSV_FIELDS_MAX) {
        return row_fail(csv, ERR_LIMIT, MSG_CSV_ROW_FIELDS,
            ARGS(A_INT(csv->row_line), A_INT(CSV_FIELDS_MAX)), err);
    }
    csv->field.end = (uint32_t)end;
    csv->fields[csv->count++] = csv->field;
    csv->field = (struct csv_field){.start = (uint32_t)next};
    csv->state = STATE_FIELD_START;
    return 0;
}

/* Undoubles quotes from `text` to the end of the scratch, which has room and does not move. */
static struct str undouble(struct csv *csv, struct str text) {
    size_t start = csv->scratch.size;
    while (text.size > 0) {
        size_t at = str_find(text, '"');
        size_t keep = at < text.size ? at + 1 : at;
        buf_put_str(&csv->scratch, str_slice(text, 0, keep));
        text = str_slice(text, keep + 1, text.size);
    }
    return str_slice(buf_str(&csv->scratch), start, csv->scratch.size);
}

/* The row is complete up to row offset `size` (without its LF): turns offsets into slices. */
static void row_lend(struct csv *csv, size_t size) {
    const char *row = (const char *)csv->data + csv->row_start;
    if (csv->row_offset > 0) {
        buf_put(&csv->carry, row, size - csv->row_offset);
        CHECK(!csv->carry.overflow);
        row = (const char *)csv->carry.data;
    }
    buf_clear(&csv->scratch);
    bool reserved = false;
    for (size_t i = 0; i < csv->count; i++) {
        const struct csv_field *field = &csv->fields[i];
        struct str text = {"", 0};
        if (field->end > field->start) {
            text = (struct str){row + field->start, field->end - field->start};
        }
        if (field->doubled) {
            reserved = reserved || buf_reserve(&csv->scratch, size) != NULL;
            CHECK(reserved);
            text = undouble(csv, text);
        }
        csv->out[i] = text;
    }
    // CR of the line end; a quoted field's bytes are its own.
    struct str *final = &csv->out[csv->count - 1];
    if (!csv->fields[csv->count - 1].quoted && final->size > 0 &&
        final->data[final->size - 1] == '\r') {
        final->size--;
    }
}

/* At the line's end (or the end of input): 1 with a row, 0 for an empty line. */
static int row_end(struct csv *csv, bool line_break, struct err *err) {
    size_t size = row_bytes(csv);
    if (size > CSV_ROW_MAX_BYTES) {
        return row_fail(csv, ERR_LIMIT, MSG_CSV_ROW_BYTES,
            ARGS(A_INT(csv->row_line), A_INT(CSV_ROW_MAX_BYTES)), err);
    }
    bool closed = csv->state == STATE_QUOTE || csv->state == STATE_QUOTE_CR;
    size_t end = csv->state == STATE_QUOTE_CR ? size - 2 : closed ? size - 1 : size;
    int result = field_close(csv, end, size, err);
    if (result < 0) {
        return result;
    }
    row_lend(csv, size);
    csv->offset += line_break;
    csv->line += line_break;
    bool empty = csv->count == 1 && !csv->fields[0].quoted && csv->out[0].size == 0;
    return empty ? 0 : 1;
}

/* One special byte (or any byte in the states around quotes), at the current offset. */
static int step_quote_states(struct csv *csv, uint8_t c, struct err *err) {
    bool separator = c == (uint8_t)csv->separator;
    switch (csv->state) {
    case STATE_QUOTE:
        if (c == '"') {
            csv->field.doubled = true;
            csv->state = STATE_QUOTED;
        } else if (separator) {
            int result = field_close(csv, row_bytes(csv) - 1, row_bytes(csv) + 1, err);
            if (result < 0) {
                return result;
            }
        } else if (c == '\r') {
            csv->state = STATE_QUOTE_CR;
        } else {
            return fail_quote(csv, MSG_CSV_QUOTE_AFTER, err);
        }
        break;
    case STATE_QUOTE_CR: return fail_quote(csv, MSG_CSV_QUOTE_AFTER, err);
    case STATE_FIELD_START:
    case STATE_PLAIN:
    case STATE_QUOTED:
    case STATE_SKIP: NEVER(true); break; // Handled where bytes are skipped.
    }
    csv->offset++;
    return 0;
}

/* Inside quotes: on to the next quote, counting line breaks. */
static void skip_quoted(struct csv *csv) {
    while (csv->offset < csv->size) {
        uint8_t c = csv->data[csv->offset++];
        csv->line += c == '\n';
        if (c == '"') {
            csv->state = STATE_QUOTE;
            return;
        }
    }
}

/* After an error: behind the line's end, or to the end of the chunk. */
static void skip_line(struct csv *csv) {
    size_t left = csv->size - csv->offset;
    const uint8_t *from = csv->data + csv->offset;
    const uint8_t *end = left > 0 ? memchr(from, '\n', left) : NULL;
    csv->offset = end ? (size_t)(end - csv->data) + 1 : csv->size;
    csv->line += end != NULL;
    row_begin(csv);
    csv->state = end ? STATE_FIELD_START : STATE_SKIP;
}

/* Unquoted: fields up to the row's line break. 1 at the line break, 0 at the chunk's end or when
 * a quote opened. */
static int scan_plain(struct csv *csv, struct err *err) {
    const uint8_t *data = csv->data;
    const size_t size = csv->size;
    while (csv->offset < size) {
        size_t at = csv->offset;
        while (at < size && !csv->special[data[at]]) {
            at++;
        }
        if (at > csv->offset) {
            csv->state = STATE_PLAIN;
            csv->offset = at;
        }
        if (at == size) {
            return 0;
        }
        if (data[at] == '\n') {
            return 1;
        }
        if (data[at] == '"') {
            if (csv->state == STATE_PLAIN) {
                return fail_quote(csv, MSG_CSV_QUOTE_INSIDE, err);
            }
            csv->offset++;
            csv->field = (struct csv_field){.start = (uint32_t)row_bytes(csv), .quoted = true};
            csv->state = STATE_QUOTED;
            return 0;
        }
        int result = field_close(csv, row_bytes(csv), row_bytes(csv) + 1, err);
        if (result < 0) {
            return result;
        }
        csv->offset++;
    }
    return 0;
}

/* On within the chunk: 1 at a line break that ends the row, 0 when the chunk is used up. */
static int scan(struct csv *csv, struct err *err) {
    while (csv->offset < csv->size) {
        int result = 0;
        uint8_t c = csv->data[csv->offset];
        if (csv->state == STATE_SKIP) {
            skip_line(csv);
            csv->row_line = csv->line;
        } else if (csv->state == STATE_QUOTED) {
            skip_quoted(csv);
        } else if (csv->state == STATE_FIELD_START || csv->state == STATE_PLAIN) {
            result = scan_plain(csv, err);
        } else if (c == '\n') {
            result = 1;
        } else {
            result = step_quote_states(csv, c, err);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* The chunk is used up in the middle of a row: keeps the row's bytes. */
static int row_carry(struct csv *csv, struct err *err) {
    size_t size = row_bytes(csv);
    if (size > CSV_ROW_MAX_BYTES) {
        return row_fail(csv, ERR_LIMIT, MSG_CSV_ROW_BYTES,
            ARGS(A_INT(csv->row_line), A_INT(CSV_ROW_MAX_BYTES)), err);
    }
    if (csv->offset > csv->row_start) {
        buf_put(&csv->carry, csv->data + csv->row_start, csv->offset - csv->row_start);
    }
    csv->row_offset = size;
    csv->row_start = csv->offset;
    return 0;
}

/* Skips the mark at the very start; a part of it that turned out to be data is given back. */
static void skip_mark(struct csv *csv) {
    while (csv->mark_seen < MARK_BYTES && csv->offset < csv->size) {
        if (csv->data[csv->offset] != MARK[csv->mark_seen]) {
            buf_put(&csv->carry, MARK, csv->mark_seen);
            csv->row_offset = csv->mark_seen;
            csv->state = csv->mark_seen > 0 ? STATE_PLAIN : STATE_FIELD_START;
            csv->row_start = csv->offset;
            csv->mark_seen = MARK_BYTES;
            return;
        }
        csv->mark_seen++;
        csv->offset++;
        csv->row_start = csv->offset;
    }
    if (csv->mark_seen > 0 && csv->mark_seen < MARK_BYTES && csv->last) {
        buf_put(&csv->carry, MARK, csv->mark_seen);
        csv->row_offset = csv->mark_seen;
        csv->state = STATE_PLAIN;
        csv->mark_seen = MARK_BYTES;
    }
}

/* Nothing is left and nothing follows: a last row without a line break still counts. */
static int end_of_input(struct csv *csv, struct err *err) {
    if (csv->state == STATE_SKIP || row_bytes(csv) == 0) {
        return 0;
    }
    if (csv->state == STATE_QUOTED) {
        return fail_quote(csv, MSG_CSV_QUOTE_OPEN, err);
    }
    return row_end(csv, false, err);
}

int csv_next(struct csv *csv, const struct str **ret_fields, size_t *ret_count, struct err *err) {
    if (csv->row_lent) {
        csv->row_lent = false;
        row_begin(csv);
    }
    skip_mark(csv);
    for (;;) {
        if (csv->state == STATE_FIELD_START && csv->count == 0 && row_bytes(csv) == 0) {
            csv->row_line = csv->line;
        }
        int result = scan(csv, err);
        bool line_break = result == 1;
        if (line_break) {
            result = row_end(csv, true, err);
        } else if (result == 0) {
            result = csv->last ? end_of_input(csv, err) : row_carry(csv, err);
        }
        if (result < 0) {
            return result;
        }
        if (result > 0) {
            csv->row_lent = true;
            *ret_fields = csv->out;
            *ret_count = csv->count;
            return 1;
        }
        if (!line_break) {
            return 0;
        }
        row_begin(csv); // That was an empty line.
    }
}
