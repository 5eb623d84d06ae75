#ifndef SERVE_API_WRITE_H
#define SERVE_API_WRITE_H
/*
 * Memory that a worker keeps for POST /write from request to request: the parser with what it
 * learned and a few batches.
 */
struct write_scratch;
void write_scratch_free(struct write_scratch *scratch); // NULL is allowed.

#endif
