#ifndef PLANT_PIPELINE_H
#define PLANT_PIPELINE_H
/*
 * The pipeline of one plant: batches in, refined, made durable, shown. Private to the room. One
 * thread owns refine and publishes to the live table; device links and submitters meet it in
 * bounded queues.
 */
#include "plant/journal.h"
#include "plant/plant.h"

struct pipeline;

struct pipeline_options {
    const struct clock *clock;
    struct historian *historian;
    struct live *live;
    struct refine *refine;
    struct ledger *ledger; // For bookmarks of devices; NULL: none.
};

struct pipeline *pipeline_new(const struct pipeline_options *options);
/* Refuses new batches, stores what is in the queue, joins. */
void pipeline_free(struct pipeline *pipeline);
struct sample_port pipeline_port(struct pipeline *pipeline);
/* Blocks until durable and shown, or refused. */
int pipeline_submit(
    struct pipeline *pipeline, struct batch *const *batches, uint32_t count, struct err *err);
/* The pipeline takes the catalogue over (one reference) before its next batch. */
void pipeline_use(struct pipeline *pipeline, struct catalogue *catalogue);
/* What went through; lives as long as the pipeline. */
struct journal *pipeline_journal(struct pipeline *pipeline);
void pipeline_status_get(struct pipeline *pipeline, struct pipeline_status *ret_status);

#endif
