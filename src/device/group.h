#ifndef DEVICE_GROUP_H
#define DEVICE_GROUP_H
/*
 * Grouping the points of one device into the fewest requests, and learning where it must not be
 * done. Owned by the link's thread. The points are sorted by group_sort and stay where they are.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/driver.h"

/* Points that share (unit, space, start, length): read together whatever happens. */
struct group_node {
    uint32_t first; // Point.
    uint32_t count;
    uint8_t barrier;   // Between this node and the next: enum group_barrier.
    bool refused;      // The device refuses this very node; asked rarely.
    uint32_t refusals; // In a row.
    int64_t retry_ns;  // Monotonic: when a refused node is asked again.
};

enum group_barrier {
    BARRIER_NONE = 0, // May be read together.
    BARRIER_SUSPECT,  // A refused request was split here.
    BARRIER_TRIAL,    // A suspect that is being tried without; like NONE for planning.
    BARRIER_PROVEN,   // Reading across was refused on trial: there is a hole.
};

struct group_set {
    const struct driver *driver;
    const struct driver_settings *settings;
    const struct point *points;
    struct group_node *nodes;
    uint32_t node_count;
    struct point_group *groups; // As planned; at most node_count.
    uint32_t *group_nodes;      // First node of each group.
    uint32_t group_count;
    uint64_t *costs; // Scratch of the planner, node_count + 1.
    uint32_t *nexts; // Scratch.
    uint32_t trials; // How often a suspect was tried.
};

/* Sorts by unit, space, start, length. */
void group_sort(struct point *points, uint32_t count);
/* Borrows everything it is given. Plans at once. */
void group_set_init(struct group_set *set, const struct driver *driver,
    const struct driver_settings *settings, const struct point *points, uint32_t count);
void group_set_fini(struct group_set *set);
/* The device refused this group as a whole: splits it, or, when it is a single node, marks it.
 * True when the node is refused for good now (its points are bad), false when it was split. The
 * plan changes only with group_set_plan. */
bool group_set_refuse(struct group_set *set, uint32_t group, int64_t now_ns);
/* The group was answered: a refused node that is read after all joins its neighbours again.
 * True when the plan should be made anew. */
bool group_set_accept(struct group_set *set, uint32_t group);
/* After a poll without refusals: takes the next suspect barrier on trial. True when the plan
 * should be made anew. */
bool group_set_settle(struct group_set *set);
void group_set_plan(struct group_set *set);
/* False while the group is a refused node whose time has not come. */
bool group_set_is_due(const struct group_set *set, uint32_t group, int64_t now_ns);

#endif
