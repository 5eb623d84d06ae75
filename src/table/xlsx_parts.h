#ifndef TABLE_XLSX_PARTS_H
#define TABLE_XLSX_PARTS_H
/*
 * The parts of a workbook that stand before its rows: which sheets there are, what the styles say
 * about numbers, the texts that cells share. Filled by events of the parts' XML. One owner.
 */
#include "core/mem.h"
#include "table/spool.h"
#include "table/xlsx_cell.h"
#include "table/xml.h"

enum {
    XLSX_SHEETS_MAX = 1024,        // Refused beyond.
    XLSX_STYLES_MAX = 65536,       // Excel's own limit is 65490 (cellXfs); refused beyond.
    XLSX_FORMATS_MAX = 8192,       // Number formats of its own; refused beyond.
    XLSX_TEXT_MAX_BYTES = 1 << 20, // One text; Excel's own limit is 32767 characters.
};

struct xlsx_sheet {
    struct str name;
    struct str relation; // "rId1".
    struct str path;     // Inside the file; empty until the relations are read.
    bool hidden;
};

struct xlsx_parts {
    struct arena arena;
    struct xlsx_sheet *sheets; // XLSX_SHEETS_MAX.
    uint32_t sheet_count;
    bool from_1904;
    struct str shared_path;
    struct str styles_path;
    struct cell_format *styles; // By index of cellXfs.
    uint32_t style_count;
    struct {
        uint32_t id;
        struct cell_format format;
    } * formats;
    uint32_t format_count;
    bool in_cell_styles;
    struct spool texts;   // Shared texts one after the other.
    struct spool offsets; // uint64_t each: where a text begins; one more at the end.
    uint64_t text_count;
    struct buf text; // The open one.
    struct buf decoded;
    bool in_text;
    uint32_t in_reading; // Depth of phonetic runs, which are no part of the text.
};

int xlsx_parts_init(struct xlsx_parts *parts, const char *spool_folder, struct err *err);
void xlsx_parts_fini(struct xlsx_parts *parts);
/* The events for each part. */
struct xml_events xlsx_workbook_events(struct xlsx_parts *parts);
struct xml_events xlsx_relation_events(struct xlsx_parts *parts);
struct xml_events xlsx_style_events(struct xlsx_parts *parts);
struct xml_events xlsx_shared_events(struct xlsx_parts *parts);
/* After the last text. */
int xlsx_shared_end(struct xlsx_parts *parts, struct err *err);
/* False when there is no such text. */
bool xlsx_shared_text(const struct xlsx_parts *parts, uint64_t index, struct str *ret_text);

#endif
