#ifndef PRODUCTION_MASTER_FIELD_H
#define PRODUCTION_MASTER_FIELD_H
/*
 * One field of master data: what people write into the form in which it is kept, and back. Private
 * to the room; inside a transaction of the ledger.
 */
#include "production/master.h"

struct field_value {
    struct str text; // As it is read back; empty: none. In the arena, or a constant.
    enum { VALUE_NULL, VALUE_TEXT, VALUE_I64, VALUE_F64 } kind;
    int64_t i64;
    double f64;
};

/* Errors are about the text; the caller adds which field. */
int field_take(struct ledger_tx *tx, const struct field *field, struct str text,
    struct arena *arena, struct field_value *ret_value, struct err *err);
void field_bind(struct ledger_stmt *stmt, int index, const struct field_value *value);
/* Of a statement that selects field_select's text. */
struct str field_read(
    struct ledger_stmt *stmt, int column, const struct field *field, struct arena *arena);

/* The column's name, with its ending. */
void field_column(const struct field *field, struct buf *sql);
/* What gives the field's text of the row `t`. */
void field_select(const struct field *field, struct buf *sql);
/* The number of the row with this code; 0: none. */
int field_number(struct ledger_tx *tx, enum field_kind kind, const char *noun, struct str code,
    int64_t *ret_number, struct err *err);

/* "08:00" as minutes; -1: none. */
int clock_minutes(struct str text);
enum { BREAKS_MAX = 16, DAY_MINUTES = 24 * 60 };

#endif
