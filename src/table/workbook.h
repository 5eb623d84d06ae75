#ifndef TABLE_WORKBOOK_H
#define TABLE_WORKBOOK_H
/*
 * Writing a workbook of one sheet; the one place that knows libxlsxwriter. Rows go to a file in the
 * spool folder and are handed on when it is whole. One owner.
 */
#include "table/table.h"

struct sheet;

int sheet_new(
    const char *sheet, const char *spool_folder, struct sheet **ret_workbook, struct err *err);
void sheet_free(struct sheet *workbook); // Also one that is not finished.
/* Cells of the present row, from column 0. ERR_LIMIT beyond what a sheet holds. */
int sheet_text(struct sheet *workbook, uint32_t column, struct str text, struct err *err);
int sheet_number(struct sheet *workbook, uint32_t column, double value, struct err *err);
int sheet_end_row(struct sheet *workbook, struct err *err);
/* Whether the file will hold this number exactly. */
bool sheet_holds(double value);
/* Finishes the file and hands it to `write`. */
int sheet_finish(struct sheet *workbook,
    int (*write)(void *context, const void *data, size_t size, struct err *err), void *context,
    struct err *err);

#endif
