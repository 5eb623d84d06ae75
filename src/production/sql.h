#ifndef PRODUCTION_SQL_H
#define PRODUCTION_SQL_H
/*
 * Short forms for statements of this room: SQL, then its parameters as ?1, ?2, ... . Private to the
 * room; inside a transaction, as ledger_prepare.
 */
#include "ledger/ledger.h"

enum sql_kind { SQL_I64, SQL_TEXT, SQL_F64, SQL_NONE };
struct sql_value {
    enum sql_kind kind;
    int64_t i64;
    double f64; // NaN: NULL.
    struct str text;
};
#define Q_I(value) ((struct sql_value){.kind = SQL_I64, .i64 = (value)})
#define Q_S(value) ((struct sql_value){.kind = SQL_TEXT, .text = (value)})
#define Q_F(value) ((struct sql_value){.kind = SQL_F64, .f64 = (value)})
#define Q_NULL     ((struct sql_value){.kind = SQL_NONE})
/* A reference; 0 is NULL. */
#define Q_REF(value) sql_ref(value)
/* The parameters of a statement. */
#define Q(...)                                                                                     \
    (const struct sql_value[]){__VA_ARGS__},                                                       \
        (int)(sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value))

struct sql_value sql_ref(int64_t number);

/* Prepared and bound, not yet stepped. */
int sql_begin(struct ledger_tx *tx, const char *sql, const struct sql_value *values, int count,
    struct ledger_stmt **ret_stmt, struct err *err);
/* Steps once: 1 with a row in *ret_stmt, 0, negative. */
int sql_first(struct ledger_tx *tx, const char *sql, const struct sql_value *values, int count,
    struct ledger_stmt **ret_stmt, struct err *err);
/* Where no row is expected. */
int sql_do(struct ledger_tx *tx, const char *sql, const struct sql_value *values, int count,
    struct err *err);
/* The first column of the first row; `absent` where there is none or it is NULL. With RETURNING the
 * number of the row that was put in. */
int sql_number(struct ledger_tx *tx, const char *sql, const struct sql_value *values, int count,
    int64_t absent, int64_t *ret_number, struct err *err);

#endif
