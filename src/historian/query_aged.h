#ifndef HISTORIAN_QUERY_AGED_H
#define HISTORIAN_QUERY_AGED_H
/*
 * Walking the cells that stayed of one tag's expired rows, in order of time: hours first, and into
 * the smaller cells of one where the caller needs them. Borrows the view, which must outlive it.
 * One owner.
 */
#include "historian/aged.h"

struct view;
struct decoder;

/* One cell. Its rows lie in [first_ns, last_ns]: closer than the cell's bounds where all its rows
 * are good, because then the first and the last are known. */
struct aged_piece {
    int64_t first_ns;
    int64_t last_ns;
    const struct summary *summary;
};

struct aged_lane { // One level.
    uint32_t file; // Into the view.
    uint32_t chunk;
    uint32_t at;        // Cell in the loaded chunk.
    struct cell *cells; // NULL: nothing is loaded.
    uint32_t cell_count;
    int64_t until_ns; // The walk goes back to larger cells here.
};

struct aged_walk {
    const struct view *view;
    uint32_t tag;
    int64_t from_ns; // Cells that begin before are passed over.
    struct decoder *decoder;
    struct aged_contents *contents; // By file.
    struct aged_lane lanes[ROLLUP_LEVELS];
    int level;
    int64_t at_ns; // What begins before is passed.
    struct cell present;
};

/* Cells that begin in [from, to). */
int aged_walk_open(struct aged_walk *walk, const struct view *view, uint32_t tag, int64_t from_ns,
    int64_t to_ns, struct err *err);
void aged_walk_close(struct aged_walk *walk);
/* The present cell: 1, 0 (the end), negative. The same one again until it is taken or split. */
int aged_walk_peek(struct aged_walk *walk, struct aged_piece *ret_piece, struct err *err);
void aged_walk_take(struct aged_walk *walk);
/* Goes into the smaller cells of the present one. 1; 0: they are not there, or not all of them. */
int aged_walk_split(struct aged_walk *walk, struct err *err);

#endif
