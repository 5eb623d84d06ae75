#ifndef PRODUCTION_MRP_H
#define PRODUCTION_MRP_H
/*
 * Material requirements planning, pure: from what is wanted, what lies there, what is on its way
 * and of what things are made, what has to be made and bought, how much, and by when. Level by
 * level (an item is netted after all that are made of it), each need in order of its day, against
 * stock above the safety stock first, then what is on its way, then a new plan in multiples of the
 * item's lot size; what a plan makes beyond its need serves the next need. What is on its way
 * counts whenever it comes, because a planner asks for it earlier before making it twice; where it
 * comes too late, that is told. Quantities are whole millionths; the need of a component is rounded
 * up to one. Days are counted from 1970-01-01. Rules: APICS dictionary, "material requirements
 * planning", "lot-for-lot", "low-level code". Private to the room.
 */
#include "core/err.h"
#include "core/mem.h"

struct mrp_item {
    int64_t number;    // Of the item, for the reader of the plan.
    int64_t on_hand_u; // That may be used.
    int64_t safety_u;
    int64_t lot_size_u; // 0: as much as is needed.
    int32_t lead_days;
    bool made; // By a bill of material or a routing; else bought.
};
struct mrp_line { // Of a bill of material; items by their place in the list.
    uint32_t item;
    uint32_t component;
    int64_t quantity_u; // For base_u of the item.
    int64_t base_u;
    int64_t scrap_ppm; // Taken in addition.
    bool free;         // Lent by the customer: planned, but never bought.
};
struct mrp_need {
    uint32_t item;
    int64_t quantity_u;
    int32_t day;
    int64_t sales_line; // 0: none.
};
struct mrp_receipt { // An order or purchase that stands; counted whenever it comes.
    uint32_t item;
    int64_t quantity_u;
    int32_t day;
};
struct mrp_input {
    const struct mrp_item *items;
    uint32_t item_count;
    const struct mrp_line *lines;
    uint32_t line_count;
    const struct mrp_need *needs;
    uint32_t need_count;
    const struct mrp_receipt *receipts;
    uint32_t receipt_count;
    int32_t today;
};

struct mrp_plan {
    uint32_t item;
    int64_t quantity_u;
    int32_t start; // day - lead_days: before today it is late already.
    int32_t day;
    int32_t parent;     // The plan that needs it; -1: a need from outside.
    int64_t sales_line; // At whose end it stands; 0: none, or safety stock.
    bool made;
    bool free;
};
/* What is on its way covers a need and comes behind its day: "expedite". One of an item, for its
 * first such day. */
struct mrp_late {
    uint32_t item;
    int64_t short_u; // On that day.
    int32_t day;
};
struct mrp_result {
    struct mrp_plan *plans; // In the arena; a parent stands before what it needs.
    uint32_t count;
    struct mrp_late *lates; // In the arena; in the order of levels.
    uint32_t late_count;
};
enum { MRP_PLANS_MAX = 100000 };

/* quantity_u / base_u * per_u with the scrap allowance, rounded up to a millionth; INT64_MAX when
 * it does not fit. */
int64_t mrp_component_need(int64_t quantity_u, const struct mrp_line *line);
/* ERR_CONFLICT: bills of material go round (the caller words it); ERR_LIMIT: too many plans. */
int mrp_run(const struct mrp_input *input, struct arena *arena, struct mrp_result *ret_result,
    struct err *err);

#endif
