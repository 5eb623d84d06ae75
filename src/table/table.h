#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H
/*
 * Rows of a table file, whatever the file is: CSV in UTF-8, CP949 or UTF-16, separated by commas,
 * semicolons or tabs, packed with gzip, xz or zstd, or an XLSX workbook. What it is, is recognised
 * from its bytes and told as facts; each recognition can be overridden. And the way back: rows
 * written as any of these. Memory is bounded whatever the file's size; what unpacks to much more
 * than a table would is refused. One owner a reader or writer; any thread that may block.
 *
 * Sources: RFC 4180 (CSV), RFC 1952 (gzip), RFC 8878 (zstd), the .xz format 1.0.4, ECMA-376 parts 1
 * and 2 (XLSX); CP949 is ICU's windows-949, the table of Korean Windows.
 */
#include "core/err.h"
#include "core/mem.h"

enum table_format {
    TABLE_CSV,
    TABLE_XLSX,
    TABLE_PARQUET, // Its columns have types: written through parquet.h alone, and not read.
};

enum table_encoding {
    TABLE_ENCODING_AUTO,
    TABLE_UTF8,      // Without a mark (reading: a mark is skipped).
    TABLE_UTF8_MARK, // With the mark EF BB BF, by which Excel recognises it.
    TABLE_CP949,
    TABLE_UTF16LE, // Written with the mark FF FE.
    TABLE_UTF16BE, // Written with the mark FE FF.
};

enum table_packing { TABLE_PLAIN, TABLE_GZIP, TABLE_XZ, TABLE_ZSTD };

/* "utf-8", "utf-8-bom", "cp949", "utf-16le", "utf-16be", "auto", and usual other spellings. */
bool table_encoding_of_name(struct str name, enum table_encoding *ret_encoding);
const char *table_encoding_name(enum table_encoding encoding);
/* A short text of a machine in CP949 (Korean Windows and controllers) as UTF-8 into `to`, which
 * twice the bytes always fit. False: it is no CP949, or there is no room. */
bool table_cp949_to_utf8(struct str bytes, char *to, size_t capacity, size_t *ret_size);
/* Text of at most 4 KiB in normalization form C, in the arena or as it is. False: it is no UTF-8,
 * or longer. */
bool table_nfc(struct str text, struct arena *arena, struct str *ret_text);
/* "csv", "xlsx", "parquet". */
bool table_format_of_name(struct str name, enum table_format *ret_format);
const char *table_format_name(enum table_format format);
/* "none", "gz", "xz", "zst". */
bool table_packing_of_name(struct str name, enum table_packing *ret_packing);
const char *table_packing_name(enum table_packing packing);

/* ---- Reading ---- */

/* Where the bytes come from: a descriptor, or a function. Zeroed members mean the usual. */
struct table_options {
    int fd; // Used when `read` is NULL: from its present position to the end; stays the caller's.
    void *context; // Of the functions below.
    /* At most `capacity` bytes; *ret_size 0: the end. Negative ends the table with that error. */
    int (*read)(void *context, void *to, size_t capacity, size_t *ret_size, struct err *err);
    /* Called before each read of `fd`; negative ends the table. May be NULL. */
    int (*wait)(void *context, struct err *err);
    uint64_t total_bytes;         // Of the file, for progress; 0: unknown, or the descriptor's.
    enum table_encoding encoding; // Of a CSV; AUTO: recognised.
    char separator;               // ',' ';' '\t'; 0: recognised.
    struct str sheet;             // Of a workbook; empty: the first that is not hidden.
    /* Folder for files without a name that hold what memory should not: a workbook that came
     * through a pipe, its shared texts. NULL: the system's folder for such. */
    const char *spool_folder;
};

/* What was recognised. Texts live as long as the table. */
struct table_facts {
    enum table_format format;
    enum table_packing packing;
    enum table_encoding encoding; // AUTO: only ASCII was seen so far.
    uint32_t confidence_percent;  // That the encoding is right; 100 when given or marked.
    char separator;               // 0 for a workbook.
    struct str sheet;             // The chosen one.
    uint32_t sheet_count;
};

struct table;

enum { TABLE_END = 0, TABLE_ROW = 1, TABLE_ROW_BAD = 2 };

/* Reads as much as recognition needs. ERR_INVALID: not a table of any known kind; ERR_LIMIT: a
 * bomb; ERR_NOT_FOUND: no such sheet; ERR_UNSUPPORTED: an old or protected workbook,
 * or Parquet. */
int table_open(const struct table_options *options, struct table **ret_table, struct err *err);
void table_close(struct table *table); // NULL is allowed.
/* TABLE_ROW: fields (UTF-8, valid until the next call; well-formed; a workbook's dates as
 * 2026-01-31, 09:00:00 or 2026-01-31T09:00:00, its numbers as the shortest exact text, its
 * rows at least as wide as the first).
 * TABLE_ROW_BAD: that row cannot be read, *err says why, and reading can go on. TABLE_END.
 * Negative: the rest cannot be read. Empty rows are skipped. */
int table_next(
    struct table *table, const struct str **ret_fields, size_t *ret_count, struct err *err);
/* Where the last row stands: its line in the text, or its row in the sheet; from 1. */
uint64_t table_line(const struct table *table);
void table_facts(const struct table *table, struct table_facts *ret_facts);
/* Bytes of the file worked through, and all of them (0: unknown). */
void table_progress(const struct table *table, uint64_t *ret_done, uint64_t *ret_total);
/* All of a source in a file without a name, its position at the start, so that a table can be read
 * twice; the caller closes it. ERR_LIMIT beyond max_bytes. */
int table_spool(
    const struct table_options *options, uint64_t max_bytes, int *ret_fd, struct err *err);

/* An empty file without a name in `folder` (NULL: the system's); the caller closes it. */
int table_spool_new(const char *folder, int *ret_fd, struct err *err);
/* Before more is written into such a file: ERR_SPACE where that would leave too little of the disk
 * for what machines send. */
int table_spool_room(int fd, uint64_t more, struct err *err);

/* The count without empty fields at the end, but at least `least`: spreadsheets leave such. */
size_t table_trimmed(const struct str *fields, size_t count, size_t least);

/* ---- Writing ---- */

struct table_writer_options {
    enum table_format format;
    enum table_encoding encoding; // AUTO: UTF-8 with the mark. Of a CSV.
    enum table_packing packing;   // Of a CSV; a workbook is packed already.
    char separator;               // 0: comma.
    const char *sheet;            // NULL: "data".
    const char *spool_folder;     // As above; a workbook is made there before it is handed on.
    void *context;
    int (*write)(void *context, const void *data, size_t size, struct err *err);
};

struct table_writer;

/* Cells are put one after the other; the first failure is kept and told by the next row end.
 * ERR_UNSUPPORTED: TABLE_PARQUET. */
int table_writer_open(
    const struct table_writer_options *options, struct table_writer **ret_writer, struct err *err);
void table_writer_close(
    struct table_writer *writer); // NULL is allowed; what is unfinished is lost.
void table_put_text(struct table_writer *writer, struct str text);
/* A workbook keeps a number as a number where its 16 digits hold it, and else as text, so that
 * reading gives the same value again. */
void table_put_f64(struct table_writer *writer, double value);
void table_put_i64(struct table_writer *writer, int64_t value);
void table_put_empty(struct table_writer *writer);
/* ERR_INVALID: a character that the encoding does not have; ERR_LIMIT: more rows than a sheet
 * holds; or what `write` said. */
int table_end_row(struct table_writer *writer, struct err *err);
/* Hands on all that is left. Without it the file is not whole. */
int table_writer_finish(struct table_writer *writer, struct err *err);

#endif
