/*
 * Which addresses are read together.
 *
 * Points are sorted; a request is a run of neighbours that is not longer than the driver allows and
 * has no gap wider than it allows. Among all ways to cut the sorted run into requests, the planner
 * takes the one with the fewest requests, and among those the one that moves the fewest cells: a
 * dynamic programme from the back, where the best of "from node i on" is the best first request
 * plus what is already known for the rest. A node has at most as many partners as cells fit into a
 * request, so planning 10,000 points takes about a millisecond. (The greedy cut, always as far as
 * possible, has the same number of requests but reads more cells for it.)
 *
 * Real devices have holes: registers that do not exist, where a request that touches one is refused
 * as a whole. Nobody writes holes into a tag list, so they are learned. A refused request is split
 * at its widest gap, since holes lie where no tag is; the halves are asked at once. A split at the
 * wrong gap costs a request for ever, so later each split is taken back on trial, one in a poll: if
 * the joined request is answered, the split is forgotten; if not, the hole is proven. A single node
 * that is refused is a wrong address: its points are marked and it is asked again after a minute,
 * then ever more rarely. Others are never read across it.
 *
 * Trials are bounded (TRIALS_PER_NODE), so a device that changes its mind cannot keep us busy.
 */
#include "device/group.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

enum { TRIALS_PER_NODE = 2, TRIALS_MIN = 16 };
#define RETRY_FIRST_NS (60 * NS_PER_S)
#define RETRY_MAX_NS   (600 * NS_PER_S)

static int compare(uint32_t a, uint32_t b) {
    return (a > b) - (a < b);
}

static int compare_points(const void *left, const void *right) {
    const struct point *a = left;
    const struct point *b = right;
    int order = compare(a->unit, b->unit);
    order = order != 0 ? order : compare(a->space, b->space);
    order = order != 0 ? order : compare(a->start, b->start);
    order = order != 0 ? order : compare(a->length, b->length);
    return order != 0 ? order : compare(a->tag, b->tag); // A total order: plans are repeatable.
}

void group_sort(struct point *points, uint32_t count) {
    if (count > 0) {
        qsort(points, count, sizeof *points, compare_points);
    }
}

static const struct point *node_point(const struct group_set *set, uint32_t node) {
    return &set->points[set->nodes[node].first];
}

static uint32_t node_end(const struct group_set *set, uint32_t node) {
    const struct point *point = node_point(set, node);
    return point->start + point->length;
}

/* True when no request may hold both this node and the next. */
static bool is_cut(const struct group_set *set, uint32_t node) {
    if (node + 1 >= set->node_count) {
        return true;
    }
    const struct point *a = node_point(set, node);
    const struct point *b = node_point(set, node + 1);
    uint8_t barrier = set->nodes[node].barrier;
    return a->unit != b->unit || a->space != b->space || barrier == BARRIER_SUSPECT ||
           barrier == BARRIER_PROVEN || set->nodes[node].refused || set->nodes[node + 1].refused;
}

static void make_nodes(struct group_set *set, uint32_t count) {
    set->nodes = MEM_ARRAY(struct group_node, count > 0 ? count : 1);
    for (uint32_t i = 0; i < count; i++) {
        const struct point *point = &set->points[i];
        const struct point *last = i > 0 ? &set->points[i - 1] : NULL;
        if (last != NULL && last->unit == point->unit && last->space == point->space &&
            last->start == point->start && last->length == point->length) {
            set->nodes[set->node_count - 1].count++;
        } else {
            set->nodes[set->node_count++] = (struct group_node){.first = i, .count = 1};
        }
    }
}

void group_set_init(struct group_set *set, const struct driver *driver,
    const struct driver_settings *settings, const struct point *points, uint32_t count) {
    *set = (struct group_set){.driver = driver, .settings = settings, .points = points};
    make_nodes(set, count);
    set->groups = MEM_ARRAY(struct point_group, (size_t)set->node_count + 1);
    set->group_nodes = MEM_ARRAY(uint32_t, (size_t)set->node_count + 1);
    set->costs = MEM_ARRAY(uint64_t, (size_t)set->node_count + 1);
    set->nexts = MEM_ARRAY(uint32_t, (size_t)set->node_count + 1);
    group_set_plan(set);
}

void group_set_fini(struct group_set *set) {
    mem_free(set->nodes);
    mem_free(set->groups);
    mem_free(set->group_nodes);
    mem_free(set->costs);
    mem_free(set->nexts);
    *set = (struct group_set){0};
}

/* Finds the best first request from `node` on, given the best of everything behind it. The cost
 * is requests in the upper and cells in the lower half of 64 bits. */
static void plan_node(struct group_set *set, uint32_t node) {
    const struct point *first = node_point(set, node);
    struct driver_span span = set->driver->span(set->settings, first->space);
    uint32_t end = node_end(set, node);
    uint64_t best = UINT64_MAX;
    for (uint32_t last = node;; last++) {
        uint64_t cost = (1ULL << 32) + (end - first->start) + set->costs[last + 1];
        if (cost <= best) { // On a tie the longer request: fewer later.
            best = cost;
            set->nexts[node] = last + 1;
        }
        if (is_cut(set, last)) {
            break;
        }
        const struct point *next = node_point(set, last + 1);
        if (next->start > end && next->start - end > span.max_gap) {
            break;
        }
        uint32_t next_end = node_end(set, last + 1);
        end = next_end > end ? next_end : end;
        if (end - first->start > span.max_length) {
            break;
        }
    }
    set->costs[node] = best;
}

static void add_group(struct group_set *set, uint32_t node, uint32_t next) {
    const struct point *first = node_point(set, node);
    uint32_t end = 0;
    uint32_t count = 0;
    for (uint32_t i = node; i < next; i++) {
        end = node_end(set, i) > end ? node_end(set, i) : end;
        count += set->nodes[i].count;
    }
    set->group_nodes[set->group_count] = node;
    set->groups[set->group_count++] = (struct point_group){.unit = first->unit,
        .space = first->space,
        .start = first->start,
        .length = end - first->start,
        .points = first,
        .count = count};
}

void group_set_plan(struct group_set *set) {
    set->costs[set->node_count] = 0;
    for (uint32_t node = set->node_count; node > 0; node--) {
        plan_node(set, node - 1);
    }
    set->group_count = 0;
    for (uint32_t node = 0; node < set->node_count; node = set->nexts[node]) {
        add_group(set, node, set->nexts[node]);
    }
    set->group_nodes[set->group_count] = set->node_count;
}

/* The node behind which a refused run is best cut: the widest gap, nearest to the middle. */
static uint32_t widest_gap(const struct group_set *set, uint32_t first, uint32_t next) {
    uint32_t middle = first + (next - first - 1) / 2;
    uint32_t best = first;
    uint32_t best_gap = 0;
    uint32_t best_distance = UINT32_MAX;
    uint32_t end = 0;
    for (uint32_t i = first; i + 1 < next; i++) {
        end = node_end(set, i) > end ? node_end(set, i) : end;
        uint32_t start = node_point(set, i + 1)->start;
        uint32_t gap = start > end ? start - end : 0;
        uint32_t distance = i > middle ? i - middle : middle - i;
        if (gap > best_gap || (gap == best_gap && distance < best_distance)) {
            best = i;
            best_gap = gap;
            best_distance = distance;
        }
    }
    return best;
}

bool group_set_refuse(struct group_set *set, uint32_t group, int64_t now_ns) {
    uint32_t first = set->group_nodes[group];
    uint32_t next = set->group_nodes[group + 1];
    if (next - first > 1) {
        for (uint32_t i = first; i + 1 < next; i++) {
            if (set->nodes[i].barrier == BARRIER_TRIAL) {
                set->nodes[i].barrier = BARRIER_PROVEN;
                return false;
            }
        }
        set->nodes[widest_gap(set, first, next)].barrier = BARRIER_SUSPECT;
        return false;
    }
    struct group_node *node = &set->nodes[first];
    int64_t delay_ns = RETRY_FIRST_NS;
    for (uint32_t i = 0; i < node->refusals && delay_ns < RETRY_MAX_NS; i++) {
        delay_ns *= 2;
    }
    node->refused = true;
    node->refusals++;
    node->retry_ns = now_ns + (delay_ns < RETRY_MAX_NS ? delay_ns : RETRY_MAX_NS);
    return true;
}

bool group_set_accept(struct group_set *set, uint32_t group) {
    bool changed = false;
    for (uint32_t i = set->group_nodes[group]; i < set->group_nodes[group + 1]; i++) {
        if (set->nodes[i].refused) {
            set->nodes[i].refused = false;
            set->nodes[i].refusals = 0;
            changed = true;
        }
        if (set->nodes[i].barrier == BARRIER_TRIAL && i + 1 < set->group_nodes[group + 1]) {
            set->nodes[i].barrier = BARRIER_NONE;
        }
    }
    return changed;
}

bool group_set_settle(struct group_set *set) {
    if (set->trials >= set->node_count * TRIALS_PER_NODE + TRIALS_MIN) {
        return false;
    }
    for (uint32_t i = 0; i + 1 < set->node_count; i++) {
        struct group_node *node = &set->nodes[i];
        if (node->barrier == BARRIER_TRIAL) {
            node->barrier = BARRIER_NONE; // The plan found a better cut; nothing is at stake.
        }
        if (node->barrier == BARRIER_SUSPECT) {
            /* Beside a refused node the run is cut anyway. */
            bool matters = !node->refused && !set->nodes[i + 1].refused;
            node->barrier = matters ? BARRIER_TRIAL : BARRIER_NONE;
            if (matters) {
                set->trials++;
                return true;
            }
        }
    }
    return false;
}

bool group_set_is_due(const struct group_set *set, uint32_t group, int64_t now_ns) {
    const struct group_node *node = &set->nodes[set->group_nodes[group]];
    return !node->refused || now_ns >= node->retry_ns;
}
