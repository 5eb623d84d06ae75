#ifndef PRODUCTION_SHOW_H
#define PRODUCTION_SHOW_H
/*
 * Rows of a statement as JSON objects: a table of names and kinds beside the columns of the SELECT.
 * Private to the room.
 */
#include "core/json.h"
#include "production/sql.h"

struct shown {
    const char *name; // NULL behind the last.
    char as;          // s text, n number, q quantity, t time, b truth; where it is NULL: null.
};
/* Members of an open object, from the row that the statement stands on, beginning at a column. The
 * column behind the last. */
int show_columns(
    struct json *json, struct ledger_stmt *stmt, int first, const struct shown *columns);
/* An array of objects under a key. */
int show_rows(struct ledger_tx *tx, struct json *json, const char *key, const char *sql,
    const struct sql_value *values, int count, const struct shown *columns, struct err *err);

#endif
