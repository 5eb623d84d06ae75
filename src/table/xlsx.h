#ifndef TABLE_XLSX_H
#define TABLE_XLSX_H
/*
 * Rows of one sheet of an XLSX workbook, streamed; the one place of this room that knows libzip.
 * One owner.
 */
#include "table/table.h"

struct xlsx;

/* Whether the bytes begin as a ZIP file does; whether they begin as the older compound file (.xls,
 * or a workbook with a password). */
bool xlsx_is_zip(struct str head);
bool xlsx_is_compound(struct str head);

/* `fd` is read by position and stays the caller's. */
int xlsx_open(
    int fd, struct str sheet, const char *spool_folder, struct xlsx **ret_xlsx, struct err *err);
void xlsx_close(struct xlsx *xlsx);
/* As table_next. */
int xlsx_next(struct xlsx *xlsx, const struct str **ret_fields, size_t *ret_count, struct err *err);
uint64_t xlsx_line(const struct xlsx *xlsx);
struct str xlsx_sheet(const struct xlsx *xlsx);
uint32_t xlsx_sheet_count(const struct xlsx *xlsx);
/* Unpacked bytes of the sheet worked through, and all of them. */
void xlsx_progress(const struct xlsx *xlsx, uint64_t *ret_done, uint64_t *ret_total);

#endif
