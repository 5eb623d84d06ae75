/*
 * A sheet of a workbook, row by row. The ZIP file is read by position through libzip, the sheet's
 * XML in pieces of 8 KiB through the SAX parser; the cells of finished rows wait in a small queue
 * until they are asked for, so memory depends on the widest row and not on the sheet. A cell notes
 * where its text is (the queue's own bytes, or the mapped shared texts) and nothing is copied
 * twice.
 *
 * Bounds: a part that unpacks to 200 times its packed size (beyond the first 64 MiB) is a bomb,
 * sheets of real numbers stay below thirty; columns and bytes of a row are those of a CSV row
 * (core/csv.h), and a row beyond them is refused alone.
 */
#include "table/xlsx.h"

#include <string.h>
#include <unistd.h>

#include <zip.h>

#include "core/csv.h"
#include "table/pack.h"
#include "table/xlsx_parts.h"

enum {
    PIECE_BYTES = 8 << 10,
    RATIO_MAX = 200,
    QUEUE_TEXT_MAX = 8 << 20,
    QUEUE_CELLS_MAX = 65536,
    QUEUE_ROWS_MAX = 4096,
    ENTRIES_MAX = 65536, // Of the ZIP file; refused beyond.
};

struct cell {
    uint32_t column;
    bool shared;
    uint64_t at;   // Into the queue's text; or the index of a shared text.
    uint32_t size; // Of the queue's text.
};

struct row {
    uint64_t line;
    uint32_t first_cell;
    uint32_t cell_count;
    enum msg_id fault; // MSG_NONE: good.
};

struct xlsx {
    zip_t *zip;
    zip_file_t *file; // Of the sheet.
    struct xml *xml;
    struct xlsx_parts parts;
    const struct xlsx_sheet *sheet;
    uint64_t size; // Of the sheet, unpacked.
    uint64_t packed;
    uint64_t done;
    bool ended;
    uint8_t piece[PIECE_BYTES];
    /* The queue. */
    struct buf text;
    struct cell *cells;
    uint32_t cell_count;
    struct row *rows;
    uint32_t row_count;
    uint32_t row_next;
    /* The open row and cell. */
    struct row row;
    uint64_t line;   // Of the row before.
    size_t row_text; // Where the open row's bytes begin.
    uint32_t column;
    uint32_t style;
    char type; // First letter of t, 'i' for inlineStr, 'z' for str; 'n' when absent.
    bool in_value;
    uint32_t in_reading;
    bool in_data;
    struct buf value;
    uint64_t lent_line;
    size_t width; // Of the first row.
    struct str fields[CSV_FIELDS_MAX];
};

bool xlsx_is_zip(struct str head) {
    return str_starts(head, STR("PK\x03\x04"));
}

bool xlsx_is_compound(struct str head) {
    return str_starts(head, STR("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"));
}

/* ---- Parts ---- */

static int damaged(struct err *err) {
    return err_set(err, ERR_CORRUPT, MSG_TABLE_XLSX_DAMAGED, NO_ARGS);
}

/* ERR_NOT_FOUND when there is no such part. */
static int open_part(struct xlsx *xlsx, struct str path, zip_file_t **ret_file, uint64_t *ret_size,
    uint64_t *ret_packed, struct err *err) {
    char name[4096];
    if (path.size >= sizeof name) {
        return damaged(err);
    }
    (void)str_copy_z(path, name, sizeof name);
    zip_int64_t index = zip_name_locate(xlsx->zip, name, ZIP_FL_NOCASE);
    zip_stat_t info;
    if (index < 0 || zip_stat_index(xlsx->zip, (zip_uint64_t)index, 0, &info) < 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_TABLE_XLSX_NONE, NO_ARGS);
    }
    *ret_file = zip_fopen_index(xlsx->zip, (zip_uint64_t)index, 0);
    *ret_size = info.size;
    *ret_packed = info.comp_size;
    return *ret_file != NULL ? 0 : damaged(err);
}

/* Reads a piece. The sizes in the ZIP file are claims: what really comes out is counted. */
static int read_piece(zip_file_t *file, uint8_t *to, uint64_t packed, uint64_t *done,
    size_t *ret_size, struct err *err) {
    zip_int64_t size = zip_fread(file, to, PIECE_BYTES);
    if (size < 0) {
        return damaged(err);
    }
    *done += (uint64_t)size;
    *ret_size = (size_t)size;
    return pack_check_ratio(packed, *done, RATIO_MAX, err);
}

static int parse_part(
    struct xlsx *xlsx, struct str path, struct xml_events events, struct err *err) {
    zip_file_t *file = NULL;
    uint64_t size = 0;
    uint64_t packed = 0;
    uint64_t done = 0;
    int status = open_part(xlsx, path, &file, &size, &packed, err);
    if (status < 0) {
        return status;
    }
    struct xml *xml = xml_new(&events);
    size_t got = 1;
    while (status >= 0 && got > 0) {
        status = read_piece(file, xlsx->piece, packed, &done, &got, err);
        if (status >= 0) {
            status = xml_feed(xml, xlsx->piece, got, got == 0, err);
        }
    }
    xml_free(xml);
    (void)zip_fclose(file); // Only read.
    return status < 0 ? err_context(err, MSG_TABLE_XLSX_PART, ARGS(A_STR(path))) : 0;
}

/* Parts that a workbook may do without. */
static int parse_optional(
    struct xlsx *xlsx, struct str path, struct xml_events events, struct err *err) {
    int status = path.size > 0 ? parse_part(xlsx, path, events, err) : 0;
    if (status == -ERR_NOT_FOUND) {
        err_clear(err);
        return 0;
    }
    return status;
}

/* ---- Events of a sheet ---- */

static void row_begin(struct xlsx *xlsx, const struct xml_attribute *attributes, size_t count) {
    uint64_t line = 0;
    struct str number = xml_find(attributes, count, STR("r"));
    if (number.data == NULL || !str_to_u64(number, &line) || line > UINT32_MAX) {
        line = xlsx->line + 1;
    }
    xlsx->line = line;
    xlsx->row = (struct row){.line = line, .first_cell = xlsx->cell_count};
    xlsx->row_text = xlsx->text.size;
    xlsx->column = UINT32_MAX; // The next one is 0.
}

static void cell_begin(struct xlsx *xlsx, const struct xml_attribute *attributes, size_t count) {
    xlsx->column++;
    struct str reference = xml_find(attributes, count, STR("r"));
    struct str type = xml_find(attributes, count, STR("t"));
    struct str style = xml_find(attributes, count, STR("s"));
    uint64_t number = 0;
    if (reference.data != NULL) {
        (void)cell_column(reference, &xlsx->column); // Else it stands behind the one before.
    }
    xlsx->style = style.data != NULL && str_to_u64(style, &number) && number < XLSX_STYLES_MAX
                      ? (uint32_t)number
                      : 0;
    xlsx->type = type.data == NULL || type.size == 0 ? 'n'
                 : str_eq(type, STR("str"))          ? 'z'
                                                     : type.data[0];
    buf_clear(&xlsx->value);
}

static void row_fault(struct xlsx *xlsx, enum msg_id fault) {
    if (xlsx->row.fault == MSG_NONE) {
        xlsx->row.fault = fault;
    }
}

/* The text of a cell that is not shared, into the queue. */
static void put_cell_text(struct xlsx *xlsx, struct cell *cell) {
    struct str value = buf_str(&xlsx->value);
    size_t before = xlsx->text.size;
    if (xlsx->type == 'n') {
        struct cell_format format = xlsx->style < xlsx->parts.style_count
                                        ? xlsx->parts.styles[xlsx->style]
                                        : (struct cell_format){0};
        cell_put_number(&xlsx->text, value, format, xlsx->parts.from_1904);
    } else if (xlsx->type == 'b') {
        buf_put_str(&xlsx->text, str_eq(value, STR("1")) ? STR("true") : STR("false"));
    } else {
        cell_put_text(&xlsx->text, value);
    }
    cell->at = before;
    cell->size = (uint32_t)(xlsx->text.size - before);
    if (xlsx->text.overflow || xlsx->text.size - xlsx->row_text > CSV_ROW_MAX_BYTES) {
        row_fault(xlsx, MSG_TABLE_ROW_BYTES);
    }
}

static void cell_end(struct xlsx *xlsx) {
    if (xlsx->value.size == 0 || xlsx->row.fault != MSG_NONE) {
        return;
    }
    if (xlsx->column >= CSV_FIELDS_MAX || xlsx->row.cell_count >= CSV_FIELDS_MAX ||
        xlsx->cell_count == QUEUE_CELLS_MAX) {
        row_fault(xlsx, MSG_TABLE_ROW_FIELDS);
        return;
    }
    struct cell *cell = &xlsx->cells[xlsx->cell_count];
    *cell = (struct cell){.column = xlsx->column, .shared = xlsx->type == 's'};
    struct str text;
    if (!cell->shared) {
        put_cell_text(xlsx, cell);
    } else if (!str_to_u64(str_trim(buf_str(&xlsx->value)), &cell->at) ||
               !xlsx_shared_text(&xlsx->parts, cell->at, &text)) {
        row_fault(xlsx, MSG_TABLE_ROW_SHARED);
    }
    xlsx->cell_count++;
    xlsx->row.cell_count++;
}

static int row_end(struct xlsx *xlsx, struct err *err) {
    if (xlsx->row.cell_count == 0 && xlsx->row.fault == MSG_NONE) {
        return 0;
    }
    if (xlsx->row_count == QUEUE_ROWS_MAX) {
        return damaged(err); // A piece holds no more, whatever is in it.
    }
    xlsx->rows[xlsx->row_count++] = xlsx->row;
    xlsx->row = (struct row){.first_cell = xlsx->cell_count};
    return 0;
}

static int sheet_begin(void *context, struct str name, const struct xml_attribute *attributes,
    size_t count, struct err *err) {
    (void)err;
    struct xlsx *xlsx = context;
    if (str_eq(name, STR("sheetData"))) {
        xlsx->in_data = true;
    } else if (!xlsx->in_data) {
        return 0;
    } else if (str_eq(name, STR("c"))) {
        cell_begin(xlsx, attributes, count);
    } else if (str_eq(name, STR("v")) || str_eq(name, STR("t"))) {
        xlsx->in_value = xlsx->in_reading == 0;
    } else if (str_eq(name, STR("row"))) {
        row_begin(xlsx, attributes, count);
    } else if (str_eq(name, STR("rPh"))) {
        xlsx->in_reading++;
    }
    return 0;
}

static int sheet_end(void *context, struct str name, struct err *err) {
    struct xlsx *xlsx = context;
    if (!xlsx->in_data) {
        return 0;
    }
    if (str_eq(name, STR("v")) || str_eq(name, STR("t"))) {
        xlsx->in_value = false;
    } else if (str_eq(name, STR("c"))) {
        cell_end(xlsx);
    } else if (str_eq(name, STR("row"))) {
        return row_end(xlsx, err);
    } else if (str_eq(name, STR("rPh"))) {
        xlsx->in_reading--;
    } else if (str_eq(name, STR("sheetData"))) {
        xlsx->in_data = false;
    }
    return 0;
}

static int sheet_text(void *context, struct str text, struct err *err) {
    (void)err;
    struct xlsx *xlsx = context;
    if (xlsx->in_value) {
        buf_put_str(&xlsx->value, text);
        if (xlsx->value.overflow) {
            row_fault(xlsx, MSG_TABLE_ROW_BYTES);
        }
    }
    return 0;
}

/* ---- Opening ---- */

static int open_zip(struct xlsx *xlsx, int fd, struct err *err) {
    int own = dup(fd);
    int code = 0;
    xlsx->zip = own >= 0 ? zip_fdopen(own, 0, &code) : NULL;
    if (xlsx->zip == NULL) {
        if (own >= 0) {
            (void)close(own); // libzip takes it only when it succeeds.
        }
        return damaged(err);
    }
    return zip_get_num_entries(xlsx->zip, 0) <= ENTRIES_MAX ? 0 : damaged(err);
}

static int choose_sheet(struct xlsx *xlsx, struct str wanted, struct err *err) {
    const struct xlsx_parts *parts = &xlsx->parts;
    uint64_t number = 0;
    bool by_number = str_to_u64(wanted, &number);
    for (uint32_t i = 0; i < parts->sheet_count && xlsx->sheet == NULL; i++) {
        const struct xlsx_sheet *sheet = &parts->sheets[i];
        bool usable = sheet->path.size > 0;
        if (usable && (wanted.size == 0 ? !sheet->hidden : str_eq(sheet->name, wanted))) {
            xlsx->sheet = sheet;
        }
    }
    if (xlsx->sheet == NULL && by_number && number >= 1 && number <= parts->sheet_count &&
        parts->sheets[number - 1].path.size > 0) {
        xlsx->sheet = &parts->sheets[number - 1];
    }
    if (xlsx->sheet != NULL) {
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND, MSG_TABLE_XLSX_SHEET,
        ARGS(A_STR(wanted), A_STR(parts->sheet_count > 0 ? parts->sheets[0].name : STR_NONE)));
}

static int open_parts(struct xlsx *xlsx, struct str sheet, struct err *err) {
    struct xlsx_parts *parts = &xlsx->parts;
    int status = parse_part(xlsx, STR("xl/workbook.xml"), xlsx_workbook_events(parts), err);
    if (status >= 0) {
        status =
            parse_part(xlsx, STR("xl/_rels/workbook.xml.rels"), xlsx_relation_events(parts), err);
    }
    if (status >= 0) {
        status = choose_sheet(xlsx, sheet, err);
    }
    if (status >= 0) {
        status = parse_optional(xlsx, parts->styles_path, xlsx_style_events(parts), err);
    }
    if (status >= 0) {
        status = parse_optional(xlsx, parts->shared_path, xlsx_shared_events(parts), err);
    }
    return status < 0 ? status : xlsx_shared_end(parts, err);
}

int xlsx_open(
    int fd, struct str sheet, const char *spool_folder, struct xlsx **ret_xlsx, struct err *err) {
    struct xlsx *xlsx = MEM_NEW(struct xlsx);
    buf_init(&xlsx->text, QUEUE_TEXT_MAX);
    buf_init(&xlsx->value, XLSX_TEXT_MAX_BYTES);
    xlsx->cells = MEM_ARRAY(struct cell, QUEUE_CELLS_MAX);
    xlsx->rows = MEM_ARRAY(struct row, QUEUE_ROWS_MAX);
    int status = xlsx_parts_init(&xlsx->parts, spool_folder, err);
    if (status >= 0) {
        status = open_zip(xlsx, fd, err);
    }
    if (status >= 0) {
        status = open_parts(xlsx, sheet, err);
    }
    if (status >= 0) {
        status = open_part(xlsx, xlsx->sheet->path, &xlsx->file, &xlsx->size, &xlsx->packed, err);
    }
    if (status < 0) {
        xlsx_close(xlsx);
        return status;
    }
    struct xml_events events = {xlsx, sheet_begin, sheet_end, sheet_text};
    xlsx->xml = xml_new(&events);
    *ret_xlsx = xlsx;
    return 0;
}

void xlsx_close(struct xlsx *xlsx) {
    if (xlsx == NULL) {
        return;
    }
    if (xlsx->file != NULL) {
        (void)zip_fclose(xlsx->file);
    }
    if (xlsx->zip != NULL) {
        zip_discard(xlsx->zip);
    }
    xml_free(xlsx->xml);
    xlsx_parts_fini(&xlsx->parts);
    buf_fini(&xlsx->text);
    buf_fini(&xlsx->value);
    mem_free(xlsx->cells);
    mem_free(xlsx->rows);
    mem_free(xlsx);
}

/* ---- Rows ---- */

/* All finished rows were lent: only the open row's cells and bytes stay, at the front. */
static void queue_restart(struct xlsx *xlsx) {
    if (xlsx->row_count == 0) {
        return;
    }
    bool open = xlsx->row.cell_count > 0;
    uint32_t first = open ? xlsx->row.first_cell : xlsx->cell_count;
    size_t text = open ? xlsx->row_text : xlsx->text.size;
    for (uint32_t i = first; i < xlsx->cell_count; i++) {
        xlsx->cells[i - first] = xlsx->cells[i];
        if (!xlsx->cells[i].shared) {
            xlsx->cells[i - first].at -= text;
        }
    }
    xlsx->cell_count -= first;
    xlsx->row.first_cell = 0;
    buf_drop_front(&xlsx->text, text);
    xlsx->row_text = 0;
    xlsx->row_count = xlsx->row_next = 0;
}

static int lend(struct xlsx *xlsx, const struct row *row, const struct str **ret_fields,
    size_t *ret_count, struct err *err) {
    xlsx->lent_line = row->line;
    if (row->fault != MSG_NONE) {
        (void)err_set(err, ERR_INVALID, row->fault, ARGS(A_INT(row->line)));
        return TABLE_ROW_BAD;
    }
    size_t count = 0;
    size_t bytes = 0;
    for (uint32_t i = 0; i < row->cell_count; i++) {
        const struct cell *cell = &xlsx->cells[row->first_cell + i];
        while (count <= cell->column) {
            xlsx->fields[count++] = STR_NONE;
        }
        struct str *field = &xlsx->fields[cell->column];
        if (cell->shared) {
            (void)xlsx_shared_text(&xlsx->parts, cell->at, field); // Was there when it was noted.
        } else {
            *field = str_slice(buf_str(&xlsx->text), cell->at, cell->at + cell->size);
        }
        bytes += field->size;
    }
    while (count < xlsx->width) { // A sheet does not keep empty cells at the end of a row.
        xlsx->fields[count++] = STR_NONE;
    }
    xlsx->width = xlsx->width > 0 ? xlsx->width : count;
    if (bytes > CSV_ROW_MAX_BYTES) {
        (void)err_set(err, ERR_LIMIT, MSG_TABLE_ROW_BYTES, ARGS(A_INT(row->line)));
        return TABLE_ROW_BAD;
    }
    *ret_fields = xlsx->fields;
    *ret_count = count;
    return TABLE_ROW;
}

int xlsx_next(
    struct xlsx *xlsx, const struct str **ret_fields, size_t *ret_count, struct err *err) {
    while (xlsx->row_next == xlsx->row_count) {
        queue_restart(xlsx);
        if (xlsx->ended) {
            return TABLE_END;
        }
        size_t got = 0;
        int status = read_piece(xlsx->file, xlsx->piece, xlsx->packed, &xlsx->done, &got, err);
        if (status >= 0) {
            status = xml_feed(xlsx->xml, xlsx->piece, got, got == 0, err);
        }
        if (status < 0) {
            return err_context(err, MSG_TABLE_XLSX_PART, ARGS(A_STR(xlsx->sheet->path)));
        }
        xlsx->ended = got == 0;
    }
    return lend(xlsx, &xlsx->rows[xlsx->row_next++], ret_fields, ret_count, err);
}

uint64_t xlsx_line(const struct xlsx *xlsx) {
    return xlsx->lent_line;
}

struct str xlsx_sheet(const struct xlsx *xlsx) {
    return xlsx->sheet->name;
}

uint32_t xlsx_sheet_count(const struct xlsx *xlsx) {
    return xlsx->parts.sheet_count;
}

void xlsx_progress(const struct xlsx *xlsx, uint64_t *ret_done, uint64_t *ret_total) {
    *ret_done = xlsx->done;
    *ret_total = xlsx->size;
}
