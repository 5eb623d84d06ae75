#ifndef TABLE_XLSX_CELL_H
#define TABLE_XLSX_CELL_H
/*
 * What a number in a workbook means: its format decides whether it is a number, a date or a time,
 * and how a code with leading zeros looks. Pure functions; any thread. ECMA-376 part 1, 18.8.30
 * (numFmt), 18.17.4 (dates and times).
 */
#include "core/buf.h"

enum cell_kind { CELL_NUMBER, CELL_DATE, CELL_TIME, CELL_DATE_TIME, CELL_ELAPSED, CELL_ZEROS };

struct cell_format {
    uint8_t kind;   // enum cell_kind.
    uint8_t digits; // CELL_ZEROS: at least so many.
};

struct cell_format cell_format_of_id(uint32_t id); // One of the built-in ones.
struct cell_format cell_format_of_code(struct str code);

/* Appends the number `text` of a cell as it is to be read: shortest exact, never with an exponent
 * where it is whole; dates and times in ISO 8601. What is no number is appended as it is. */
void cell_put_number(struct buf *out, struct str text, struct cell_format format, bool from_1904);
/* Undoes _xHHHH_ (ST_Xstring, 22.9.2.19) while appending. */
void cell_put_text(struct buf *out, struct str text);
/* "AB12": *ret_column from 0. */
bool cell_column(struct str reference, uint32_t *ret_column);

#endif
