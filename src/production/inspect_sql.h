#ifndef PRODUCTION_INSPECT_SQL_H
#define PRODUCTION_INSPECT_SQL_H
/*
 * SQL: whether a lot waits for its inspection, for one lot (inspect_waits) and for lists of stock.
 * Private to the room. `lot` is an expression that is a lot's number.
 */

/* How the newest inspection of a lot that holds ended; one that failed and was accepted by a
 * decision on its non-conformity counts as accepted. */
#define RESULT_OF(lot)                                                                             \
    "(SELECT CASE WHEN i.result = 'fail' AND EXISTS (SELECT 1 FROM nonconformances n JOIN "        \
    "nonconformance_decisions d ON d.nonconformance = n.number WHERE n.inspection = i.number AND " \
    "d.decision IN ('use_as_is', 'sort')) THEN 'conditional' ELSE i.result END FROM inspections "  \
    "i WHERE i.lot = " lot " AND i.kind IN ('incoming', 'final') AND NOT EXISTS (SELECT 1 FROM "   \
    "inspections c WHERE c.corrects = i.number) ORDER BY i.time_ns DESC, i.number DESC LIMIT 1)"
#define PARTS_OF(lot)                                                                              \
    "(SELECT 1 FROM lot_links k WHERE k.child = " lot " AND k.kind IN ('split', 'merge'))"
/* What was made here is inspected at its end, what came in when it came. */
#define KIND_OF(lot)                                                                               \
    "CASE WHEN EXISTS (SELECT 1 FROM work_orders w WHERE w.lot = " lot                             \
    ") OR EXISTS (SELECT 1 FROM lot_links k WHERE k.child = " lot                                  \
    " AND k.kind NOT IN ('split', 'merge')) THEN 'final' ELSE 'incoming' END"

/* A row where the lot waits: the lot in question, the kind of its inspection, whether that failed.
 * A part of a lot has what the whole one has. */
#define INSPECT_WAITS(lot)                                                                         \
    "WITH RECURSIVE body (lot, result) AS (SELECT " lot ", " RESULT_OF(                            \
        lot) " UNION SELECT "                                                                      \
             "k.parent, " RESULT_OF(                                                               \
                 "k.parent") " FROM body b JOIN lot_links k ON k.child = b.lot AND "               \
                             "k.kind IN ('split', 'merge') WHERE b.result IS NULL) SELECT "        \
                             "l.code, " KIND_OF(                                                   \
                                 "b.lot") " AS kind, b.result IS NOT NULL FROM body b JOIN lots "  \
                                          "l ON l.number = b.lot WHERE b.result = "                \
                                          "'fail' OR (b.result IS NULL AND NOT EXISTS " PARTS_OF(  \
                                              "b.lot") " AND EXISTS (SELECT 1 FROM "               \
                                                       "inspection_plans p WHERE p.item = l.item " \
                                                       "AND p.active = 1 AND p.kind = " KIND_OF(   \
                                                           "b.lot") ")) LIMIT 1"

#endif
