/*
 * Items are taken level by level: the level of an item is the longest way down to it from an item
 * that goes into nothing, found by relaxing along the lines as often as there are levels. Needs
 * that a plan brings forth are put into the list of their item, whose level is lower, so each item
 * is netted once with all its needs known. Needs of one item stand in a linked list and are sorted
 * by day, then by the order in which they came, so equal input gives equal plans.
 *
 * Cost: lines x levels for the levels, needs log needs for sorting; 10,000 items with 100,000 lines
 * take a few hundredths of a second.
 */
#include "production/mrp.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "production/words.h"

__extension__ typedef __int128 wide;

enum { LEVELS_MAX = 64 };

struct want {
    struct want *next;
    int64_t quantity_u;
    int64_t sales_line;
    int32_t day;
    int32_t parent;
    uint32_t order;
    bool free;
};

struct work {
    const struct mrp_input *in;
    struct arena *arena;
    uint32_t *level;      // Of each item.
    uint32_t *first_line; // Lines of item i: line_of[first_line[i]] ... line_of[first_line[i + 1]].
    uint32_t *line_of;
    struct want **wants; // By item, newest first.
    uint32_t *want_count;
    int64_t *coming;              // By item: all that is on its way.
    struct mrp_receipt *receipts; // By item, then day.
    uint32_t *first_receipt;      // Of item i: first_receipt[i] ... first_receipt[i + 1].
    struct mrp_late *lates;
    uint32_t late_count;
    uint32_t order;
    struct mrp_plan *plans;
    uint32_t count;
    uint32_t capacity;
};

int64_t mrp_component_need(int64_t quantity_u, const struct mrp_line *line) {
    wide whole = (wide)quantity_u * line->quantity_u;
    wide part = line->base_u;
    wide need = (whole + part - 1) / part;
    need += (need * line->scrap_ppm + 999999) / 1000000;
    return need > INT64_MAX ? INT64_MAX : (int64_t)need;
}

/* The level of each item. ERR_CONFLICT when the lines go round. */
static int levels_find(struct work *w, struct err *err) {
    const struct mrp_input *in = w->in;
    for (uint32_t round = 0; round < LEVELS_MAX; round++) {
        bool moved = false;
        for (uint32_t i = 0; i < in->line_count; i++) {
            uint32_t below = w->level[in->lines[i].item] + 1;
            if (w->level[in->lines[i].component] < below) {
                w->level[in->lines[i].component] = below;
                moved = true;
            }
        }
        if (!moved) {
            return 0;
        }
    }
    return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_MRP_ROUND), NO_ARGS);
}

static void lines_sort(struct work *w) {
    const struct mrp_input *in = w->in;
    w->first_line = ARENA_ARRAY(w->arena, uint32_t, in->item_count + 2);
    w->line_of = ARENA_ARRAY(w->arena, uint32_t, in->line_count + 1);
    uint32_t *first = w->first_line;
    for (uint32_t i = 0; i < in->line_count; i++) {
        first[in->lines[i].item + 2]++;
    }
    for (uint32_t i = 2; i < in->item_count + 2; i++) {
        first[i] += first[i - 1];
    }
    for (uint32_t i = 0; i < in->line_count; i++) {
        w->line_of[first[in->lines[i].item + 1]++] = i;
    }
}

static void want_add(struct work *w, uint32_t item, const struct want *want) {
    struct want *kept = ARENA_NEW(w->arena, struct want);
    *kept = *want;
    kept->next = w->wants[item];
    kept->order = w->order++;
    w->wants[item] = kept;
    w->want_count[item]++;
}

static int want_compare(const void *left, const void *right) {
    const struct want *a = *(const struct want *const *)left;
    const struct want *b = *(const struct want *const *)right;
    if (a->day != b->day) {
        return a->day < b->day ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static int plan_add(struct work *w, const struct mrp_plan *plan, struct err *err) {
    if (w->count == MRP_PLANS_MAX) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_MRP_PLANS), ARGS(A_INT(MRP_PLANS_MAX)));
    }
    if (w->count == w->capacity) {
        uint32_t capacity = w->capacity == 0 ? 64 : w->capacity * 2;
        struct mrp_plan *more = ARENA_ARRAY(w->arena, struct mrp_plan, capacity);
        if (w->count > 0) {
            memcpy(more, w->plans, w->count * sizeof *more);
        }
        w->plans = more;
        w->capacity = capacity;
    }
    w->plans[w->count++] = *plan;
    return 0;
}

/* A plan for what is missing, and what it needs in turn. *ret_more: what it makes beyond. */
static int plan_make(struct work *w, uint32_t item, const struct want *want, int64_t missing_u,
    int64_t *ret_more, struct err *err) {
    const struct mrp_item *thing = &w->in->items[item];
    wide quantity = missing_u;
    if (thing->lot_size_u > 0) {
        quantity = (quantity + thing->lot_size_u - 1) / thing->lot_size_u * thing->lot_size_u;
    }
    if (quantity > INT64_MAX) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_MRP_LARGE), ARGS(A_INT(thing->number)));
    }
    struct mrp_plan plan = {.item = item,
        .quantity_u = (int64_t)quantity,
        .start = want->day - thing->lead_days,
        .day = want->day,
        .parent = want->parent,
        .sales_line = want->sales_line,
        .made = thing->made,
        .free = want->free};
    *ret_more = plan.quantity_u - missing_u;
    int rc = plan_add(w, &plan, err);
    if (rc < 0 || !thing->made) {
        return rc;
    }
    for (uint32_t i = w->first_line[item]; i < w->first_line[item + 1]; i++) {
        const struct mrp_line *line = &w->in->lines[w->line_of[i]];
        int64_t need_u = mrp_component_need(plan.quantity_u, line);
        if (need_u == INT64_MAX) {
            return err_set(err, ERR_LIMIT, SAY(PRODUCTION_MRP_LARGE),
                ARGS(A_INT(w->in->items[line->component].number)));
        }
        want_add(w, line->component,
            &(struct want){.quantity_u = need_u,
                .sales_line = plan.sales_line,
                .day = plan.start,
                .parent = (int32_t)w->count - 1,
                .free = line->free});
    }
    return 0;
}

static int receipt_compare(const void *a, const void *b) {
    const struct mrp_receipt *left = a;
    const struct mrp_receipt *right = b;
    return left->item != right->item ? (left->item > right->item ? 1 : -1)
                                     : (left->day > right->day) - (left->day < right->day);
}

static void receipts_sort(struct work *w) {
    const struct mrp_input *in = w->in;
    w->coming = ARENA_ARRAY(w->arena, int64_t, in->item_count + 1);
    w->receipts = ARENA_ARRAY(w->arena, struct mrp_receipt, in->receipt_count + 1);
    w->first_receipt = ARENA_ARRAY(w->arena, uint32_t, in->item_count + 2);
    w->lates = ARENA_ARRAY(w->arena, struct mrp_late, in->item_count + 1);
    for (uint32_t i = 0; i < in->receipt_count; i++) {
        w->receipts[i] = in->receipts[i];
        w->coming[in->receipts[i].item] += in->receipts[i].quantity_u;
        w->first_receipt[in->receipts[i].item + 1]++;
    }
    for (uint32_t i = 0; i < in->item_count; i++) {
        w->first_receipt[i + 1] += w->first_receipt[i];
    }
    qsort(w->receipts, in->receipt_count, sizeof *w->receipts, receipt_compare);
}

/* Wants, plans and receipts of one item up to a day. */
struct flow {
    uint32_t receipt; // The next one.
    wide there;       // Stock, what came by then, and what plans made for wants so far.
    bool told;
};

/* Whether by this want's day less is there than was wanted. `made_u`: what is planned for it. */
static void late_look(
    struct work *w, uint32_t item, const struct want *want, int64_t made_u, struct flow *flow) {
    while (
        flow->receipt < w->first_receipt[item + 1] && w->receipts[flow->receipt].day <= want->day) {
        flow->there += w->receipts[flow->receipt++].quantity_u;
    }
    flow->there += (wide)made_u - want->quantity_u;
    if (flow->there < 0 && !flow->told) {
        flow->told = true;
        w->lates[w->late_count++] =
            (struct mrp_late){.item = item, .short_u = (int64_t)-flow->there, .day = want->day};
    }
}

/* Nets all needs of one item. */
static int item_net(struct work *w, uint32_t item, struct err *err) {
    const struct mrp_item *thing = &w->in->items[item];
    wide there = (wide)thing->on_hand_u + w->coming[item] - thing->safety_u;
    if (there < 0) { // The safety stock itself is short: wanted today.
        want_add(w, item,
            &(struct want){.quantity_u = (int64_t)-there, .day = w->in->today, .parent = -1});
        there = 0;
    }
    uint32_t count = w->want_count[item];
    struct want **sorted = ARENA_ARRAY(w->arena, struct want *, count + 1);
    uint32_t at = 0;
    for (struct want *want = w->wants[item]; want != NULL; want = want->next) {
        sorted[at++] = want;
    }
    qsort(sorted, count, sizeof *sorted, want_compare);
    struct flow flow = {.receipt = w->first_receipt[item], .there = thing->on_hand_u};
    for (uint32_t i = 0; i < count; i++) {
        wide missing = (wide)sorted[i]->quantity_u - there;
        if (missing <= 0) {
            there = -missing;
            late_look(w, item, sorted[i], 0, &flow);
            continue;
        }
        int64_t more = 0;
        int rc = plan_make(w, item, sorted[i], (int64_t)missing, &more, err);
        if (rc < 0) {
            return rc;
        }
        there = more;
        late_look(w, item, sorted[i], (int64_t)missing + more, &flow);
    }
    return 0;
}

static int nets_all(struct work *w, struct err *err) {
    const struct mrp_input *in = w->in;
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < in->item_count; i++) {
        deepest = w->level[i] > deepest ? w->level[i] : deepest;
    }
    for (uint32_t level = 0; level <= deepest; level++) {
        for (uint32_t i = 0; i < in->item_count; i++) {
            int rc = w->level[i] == level ? item_net(w, i, err) : 0;
            if (rc < 0) {
                return rc;
            }
        }
    }
    return 0;
}

int mrp_run(const struct mrp_input *input, struct arena *arena, struct mrp_result *ret_result,
    struct err *err) {
    struct work w = {.in = input, .arena = arena};
    w.level = ARENA_ARRAY(arena, uint32_t, input->item_count + 1);
    w.wants = ARENA_ARRAY(arena, struct want *, input->item_count + 1);
    w.want_count = ARENA_ARRAY(arena, uint32_t, input->item_count + 1);
    receipts_sort(&w);
    int rc = levels_find(&w, err);
    if (rc < 0) {
        return rc;
    }
    lines_sort(&w);
    for (uint32_t i = 0; i < input->need_count; i++) {
        const struct mrp_need *need = &input->needs[i];
        CHECK(need->item < input->item_count);
        want_add(&w, need->item,
            &(struct want){.quantity_u = need->quantity_u,
                .sales_line = need->sales_line,
                .day = need->day,
                .parent = -1});
    }
    rc = nets_all(&w, err);
    *ret_result = (struct mrp_result){
        .plans = w.plans, .count = w.count, .lates = w.lates, .late_count = w.late_count};
    return rc;
}
