/*
 * A table file from its bytes to its rows: source, unpacking, decoding, CSV. Each layer pulls from
 * the one below, so memory is a few buffers whatever the file's size. A workbook takes the other
 * way: its rows come from XML in a ZIP file, which must be read by position, so the file is put
 * aside in one without a name first: then it may come through a pipe, and may change while it is
 * read.
 *
 * The separator is the one that stands most often in the first line outside quotes, because Excel
 * writes semicolons in some countries and tabs when asked.
 */
#include "table/table.h"

#include <string.h>
#include <unistd.h>

#include "core/check.h"
#include "core/csv.h"
#include "core/mem.h"
#include "table/encoding.h"
#include "table/pack.h"
#include "table/spool.h"
#include "table/xlsx.h"

enum { RAW_BYTES = 256 << 10 };
_Static_assert((int)RAW_BYTES >= 2 * (int)DECODER_LOOK_BYTES, "enough to decide on an encoding");
static const uint64_t WORKBOOK_MAX_BYTES = 2ULL << 30; // Packed; refused beyond.

struct table {
    struct table_options options;
    struct source *source;
    enum table_packing packing;
    struct unpack *unpack;
    struct decoder *decoder;
    struct csv *csv; // NULL: a workbook, or nothing read yet.
    char separator;
    uint8_t *raw; // Bytes not yet decoded, from raw_at to raw_size.
    size_t raw_at;
    size_t raw_size;
    bool raw_ended;
    bool ended;       // The last text was given to the CSV reader.
    struct buf first; // The first text, until the separator is known.
    struct xlsx *xlsx;
    int xlsx_fd;
};

/* ---- Names ---- */

static const char *const FORMAT_NAMES[] = {
    [TABLE_CSV] = "csv", [TABLE_XLSX] = "xlsx", [TABLE_PARQUET] = "parquet"};
enum { FORMAT_COUNT = sizeof FORMAT_NAMES / sizeof FORMAT_NAMES[0] };

bool table_format_of_name(struct str name, enum table_format *ret_format) {
    for (int i = 0; i < FORMAT_COUNT; i++) {
        if (str_eq_nocase(name, str_of(FORMAT_NAMES[i]))) {
            *ret_format = (enum table_format)i;
            return true;
        }
    }
    return false;
}

const char *table_format_name(enum table_format format) {
    return FORMAT_NAMES[format];
}

static const char *const PACKING_NAMES[] = {
    [TABLE_PLAIN] = "none", [TABLE_GZIP] = "gz", [TABLE_XZ] = "xz", [TABLE_ZSTD] = "zst"};

bool table_packing_of_name(struct str name, enum table_packing *ret_packing) {
    for (size_t i = 0; i < sizeof PACKING_NAMES / sizeof PACKING_NAMES[0]; i++) {
        if (str_eq_nocase(name, str_of(PACKING_NAMES[i]))) {
            *ret_packing = (enum table_packing)i;
            return true;
        }
    }
    return false;
}

const char *table_packing_name(enum table_packing packing) {
    return PACKING_NAMES[packing];
}

size_t table_trimmed(const struct str *fields, size_t count, size_t least) {
    while (count > least && fields[count - 1].size == 0) {
        count--;
    }
    return count;
}

/* ---- Text ---- */

/* Moves what is left to the front and reads until the buffer is full (when the encoding is still
 * open, for then much must be seen at once) or something came. */
static int raw_fill(struct table *table, struct err *err) {
    size_t left = table->raw_size - table->raw_at;
    memmove(table->raw, table->raw + table->raw_at, left);
    table->raw_at = 0;
    table->raw_size = left;
    bool open = decoder_encoding(table->decoder) == TABLE_ENCODING_AUTO;
    bool more = !table->raw_ended && left < RAW_BYTES;
    while (more) {
        size_t size = 0;
        int status = unpack_read(
            table->unpack, table->raw + table->raw_size, RAW_BYTES - table->raw_size, &size, err);
        if (status < 0) {
            return status;
        }
        table->raw_ended = size == 0;
        table->raw_size += size;
        more = open && !table->raw_ended && table->raw_size < RAW_BYTES;
    }
    return 0;
}

/* The next piece of text in UTF-8; *ret_last: nothing follows. */
static int next_text(struct table *table, struct str *ret_text, bool *ret_last, struct err *err) {
    for (;;) {
        bool low = table->raw_size - table->raw_at < DECODER_LOOK_BYTES;
        int status = low && !table->raw_ended ? raw_fill(table, err) : 0;
        size_t used = 0;
        struct str text = STR_NONE;
        if (status >= 0) {
            struct str raw = {
                (const char *)table->raw + table->raw_at, table->raw_size - table->raw_at};
            status = decoder_step(table->decoder, raw, table->raw_ended, &used, &text, err);
        }
        if (status < 0) {
            return status;
        }
        table->raw_at += used;
        bool done = table->raw_ended && table->raw_at == table->raw_size && text.size == 0;
        if (text.size > 0 || done) {
            *ret_text = text;
            *ret_last = done;
            return 0;
        }
    }
}

static char recognise_separator(struct str text) {
    static const char SEPARATORS[] = {',', ';', '\t'};
    size_t counts[sizeof SEPARATORS] = {0};
    bool quoted = false;
    for (size_t i = 0; i < text.size && (quoted || text.data[i] != '\n'); i++) {
        quoted ^= text.data[i] == '"';
        for (size_t k = 0; k < sizeof SEPARATORS; k++) {
            counts[k] += !quoted && text.data[i] == SEPARATORS[k];
        }
    }
    size_t best = counts[1] > counts[0] ? 1 : 0;
    best = counts[2] > counts[best] ? 2 : best;
    return SEPARATORS[best];
}

/* Gives the CSV reader its next text. The first time text is collected to the end of a line, so
 * that the separator can be seen. */
static int feed(struct table *table, struct err *err) {
    struct str text = STR_NONE;
    bool last = false;
    int status = next_text(table, &text, &last, err);
    if (status < 0) {
        return status;
    }
    if (table->csv == NULL) {
        while (!last && str_find(text, '\n') == text.size && table->first.size < RAW_BYTES) {
            buf_put_str(&table->first, text);
            status = next_text(table, &text, &last, err);
            if (status < 0) {
                return status;
            }
        }
        buf_put_str(&table->first, text);
        text = buf_str(&table->first);
        table->separator =
            table->options.separator != 0 ? table->options.separator : recognise_separator(text);
        table->csv = csv_new(table->separator);
    }
    csv_feed(table->csv, text.data, text.size, last);
    table->ended = last;
    return 0;
}

/* Whether a field has the mark of a broken sequence. */
static bool has_replacement(const struct str *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (memmem(fields[i].data, fields[i].size, "\xEF\xBF\xBD", 3) != NULL) {
            return true;
        }
    }
    return false;
}

static int next_csv(
    struct table *table, const struct str **ret_fields, size_t *ret_count, struct err *err) {
    for (;;) {
        int status = table->csv != NULL ? csv_next(table->csv, ret_fields, ret_count, err) : 0;
        if (status < 0) {
            return TABLE_ROW_BAD;
        }
        if (status > 0 && decoder_replaced(table->decoder) > 0 &&
            has_replacement(*ret_fields, *ret_count)) {
            (void)err_set(err, ERR_INVALID, MSG_TABLE_BYTES,
                ARGS(A_INT(csv_line(table->csv)),
                    A_CSTR(table_encoding_name(decoder_encoding(table->decoder)))));
            return TABLE_ROW_BAD;
        }
        if (status > 0 || table->ended) {
            return status;
        }
        status = feed(table, err);
        if (status < 0) {
            return status;
        }
    }
}

/* ---- Opening ---- */

static int open_text(struct table *table, struct err *err) {
    table->unpack = unpack_new(table->packing, table->source);
    table->decoder = decoder_new(table->options.encoding);
    table->raw = mem_alloc(RAW_BYTES);
    buf_init(&table->first, 2 * RAW_BYTES);
    return feed(table, err); // So that a wrong file is told now, and facts are known.
}

/* All that the source has, in a file without a name, its position at the start. */
static int put_aside(
    struct source *source, const char *folder, uint64_t max_bytes, int *ret_fd, struct err *err) {
    struct spool spool;
    int status = spool_open(&spool, folder, max_bytes, err);
    uint8_t *piece = mem_alloc(RAW_BYTES);
    size_t size = 1;
    while (status >= 0 && size > 0) {
        status = source_read(source, piece, RAW_BYTES, &size, err);
        if (status >= 0) {
            status = spool_put(&spool, (struct str){(const char *)piece, size}, err);
        }
    }
    if (status >= 0) {
        status = spool_take(&spool, ret_fd, err);
    }
    mem_free(piece);
    spool_close(&spool);
    return status;
}

static int open_workbook(struct table *table, struct err *err) {
    const struct table_options *options = &table->options;
    int status =
        put_aside(table->source, options->spool_folder, WORKBOOK_MAX_BYTES, &table->xlsx_fd, err);
    return status < 0 ? status
                      : xlsx_open(table->xlsx_fd, options->sheet, options->spool_folder,
                            &table->xlsx, err);
}

int table_open(const struct table_options *options, struct table **ret_table, struct err *err) {
    struct table *table = MEM_NEW(struct table);
    table->options = *options;
    table->xlsx_fd = -1;
    table->source = source_new(options);
    struct str head = STR_NONE;
    int status = source_peek(table->source, &head, err);
    if (status >= 0) {
        table->packing = pack_recognise(head);
        if (xlsx_is_compound(head)) {
            status = err_set(err, ERR_UNSUPPORTED, MSG_TABLE_XLSX_OLD, NO_ARGS);
        } else if (str_starts(head, STR("PAR1\x15"))) { // And the begin of a page or of the foot.
            status = err_set(err, ERR_UNSUPPORTED, MSG_TABLE_PARQUET_READ, NO_ARGS);
        } else {
            status = xlsx_is_zip(head) ? open_workbook(table, err) : open_text(table, err);
        }
    }
    if (status < 0) {
        table_close(table);
        return status;
    }
    *ret_table = table;
    return 0;
}

void table_close(struct table *table) {
    if (table == NULL) {
        return;
    }
    csv_free(table->csv);
    xlsx_close(table->xlsx);
    decoder_free(table->decoder);
    unpack_free(table->unpack);
    source_free(table->source);
    mem_free(table->raw);
    if (table->unpack != NULL) {
        buf_fini(&table->first);
    }
    if (table->xlsx_fd >= 0) {
        file_close(table->xlsx_fd);
    }
    mem_free(table);
}

int table_spool(
    const struct table_options *options, uint64_t max_bytes, int *ret_fd, struct err *err) {
    struct source *source = source_new(options);
    int status = put_aside(source, options->spool_folder, max_bytes, ret_fd, err);
    source_free(source);
    return status;
}

int table_spool_new(const char *folder, int *ret_fd, struct err *err) {
    return spool_descriptor(folder, ret_fd, err);
}

int table_spool_room(int fd, uint64_t more, struct err *err) {
    return spool_room(fd, more, err);
}

/* ---- Rows and facts ---- */

int table_next(
    struct table *table, const struct str **ret_fields, size_t *ret_count, struct err *err) {
    return table->xlsx != NULL ? xlsx_next(table->xlsx, ret_fields, ret_count, err)
                               : next_csv(table, ret_fields, ret_count, err);
}

uint64_t table_line(const struct table *table) {
    return table->xlsx != NULL ? xlsx_line(table->xlsx) : csv_line(table->csv);
}

void table_facts(const struct table *table, struct table_facts *ret_facts) {
    if (table->xlsx != NULL) {
        *ret_facts = (struct table_facts){.format = TABLE_XLSX,
            .encoding = TABLE_UTF8,
            .confidence_percent = 100,
            .sheet = xlsx_sheet(table->xlsx),
            .sheet_count = xlsx_sheet_count(table->xlsx)};
        return;
    }
    *ret_facts = (struct table_facts){.format = TABLE_CSV,
        .packing = table->packing,
        .encoding = decoder_encoding(table->decoder),
        .confidence_percent = decoder_confidence_percent(table->decoder),
        .separator = table->separator,
        .sheet = STR_NONE};
}

void table_progress(const struct table *table, uint64_t *ret_done, uint64_t *ret_total) {
    *ret_total = source_total(table->source);
    *ret_done = source_done(table->source);
    if (table->xlsx != NULL) {
        uint64_t done = 0;
        uint64_t total = 0;
        xlsx_progress(table->xlsx, &done, &total);
        *ret_total = *ret_total > 0 ? *ret_total : *ret_done;
        double share = total > 0 && done < total ? (double)done / (double)total : 1;
        *ret_done = (uint64_t)(share * (double)*ret_total);
    }
}
