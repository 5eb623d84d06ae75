#ifndef PLANT_DERIVE_H
#define PLANT_DERIVE_H
/*
 * Derived tags in the pipeline: an engine made from the catalogue (refine/derived.h) and fed from
 * the history, so that a restart goes on where it stood. Private to the room; pipeline thread only.
 */
#include "historian/historian.h"
#include "refine/derived.h"

struct derive;

struct derive *derive_new(struct historian *historian);
void derive_free(struct derive *derive); // NULL is allowed.
/* Uses this catalogue from the next batch on. What derived tags know is kept while they and their
 * inputs stay as they are; otherwise it is read from the history before the next batch. */
void derive_use(struct derive *derive, struct catalogue *catalogue);
/* Adds the rows of derived tags to a refined batch. */
void derive_run(struct derive *derive, struct batch *batch);
/* After rows were refused: what they told must be forgotten. */
void derive_forget(struct derive *derive);

#endif
