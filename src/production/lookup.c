/*
 * The most particular meaning stands first: a lot before its item.
 */
#include "production/lookup.h"

#include "production/sql.h"

enum { GTIN_DIGITS = 14 };

static const char *const KINDS[] = {"lot", "order", "operation", "item", "machine", "worker",
    "place", "mould", "delivery", "outsourcing"};

/* A GTIN without the zeros that make it 14 digits long: the same number in fewer. */
static struct str bare_gtin(struct str gtin) {
    size_t zeros = 0;
    while (zeros < gtin.size && gtin.data[zeros] == '0') {
        zeros++;
    }
    return gtin.size <= GTIN_DIGITS ? str_slice(gtin, zeros, gtin.size) : STR_NONE;
}

int lookup_code(struct ledger_tx *tx, const struct lookup_wish *wish, struct arena *arena,
    struct lookup *ret_found, uint32_t max, struct err *err) {
    struct str gtin = bare_gtin(wish->gtin);
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT 0 AS kind, l.code, i.name FROM lots l JOIN items i ON i.number = l.item"
        " WHERE l.code = ?1 OR (?3 <> '' AND (l.code = ?3 OR (l.partner_lot = ?3 AND"
        " (?2 = '' OR ltrim(i.gtin, '0') = ?2))))"
        " UNION ALL SELECT 1, w.code, i.name FROM work_orders w JOIN items i ON i.number = w.item"
        " WHERE w.code = ?1"
        " UNION ALL SELECT 2, w.code || '/' || o.step, p.name FROM operations o"
        " JOIN work_orders w ON w.number = o.work_order JOIN processes p ON p.number = o.process"
        " WHERE w.code || '/' || o.step = ?1 AND instr(?1, '/') > 0"
        " UNION ALL SELECT 3, code, name FROM items WHERE code = ?1 OR (gtin <> '' AND (gtin = ?1"
        " OR (?2 <> '' AND ltrim(gtin, '0') = ?2)))"
        " UNION ALL SELECT 4, a.id, coalesce(nullif(a.display, ''), a.id) FROM machines m"
        " JOIN assets a ON a.number = m.asset WHERE a.id = ?1"
        " UNION ALL SELECT 5, code, name FROM workers WHERE code = ?1 OR (badge <> '' AND badge ="
        " ?1)"
        " UNION ALL SELECT 6, code, name FROM places WHERE code = ?1"
        " UNION ALL SELECT 7, code, name FROM moulds WHERE code = ?1"
        " UNION ALL SELECT 8, d.code, p.name FROM deliveries d JOIN partners p ON p.number ="
        " d.partner WHERE d.code = ?1"
        " UNION ALL SELECT 9, o.code, p.name FROM outsourcings o JOIN partners p ON p.number ="
        " o.partner WHERE o.code = ?1 ORDER BY kind",
        Q(Q_S(wish->code), Q_S(gtin), Q_S(wish->lot)), &stmt, err);
    uint32_t count = 0;
    while (rc >= 0 && count < max && (rc = ledger_step(stmt, err)) > 0) {
        ret_found[count++] = (struct lookup){.kind = KINDS[ledger_column_i64(stmt, 0)],
            .code = arena_copy(arena, ledger_column_str(stmt, 1)),
            .name = arena_copy(arena, ledger_column_str(stmt, 2))};
    }
    return rc < 0 ? rc : (int)count;
}
