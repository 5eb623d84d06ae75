#ifndef HISTORIAN_AGED_WRITE_H
#define HISTORIAN_AGED_WRITE_H
/*
 * Writing one aged file: tags in ascending order, of each first the chunks that older files had,
 * then the rows that expire now, in order of time. One owner. A writer that was not finished leaves
 * no file behind.
 */
#include "historian/aged.h"

struct aged_writer;

struct aged_plan {
    struct files *files;
    const char *dir;
    uint64_t id;
    uint64_t round_low;
    uint64_t round_high;
};

int aged_writer_open(
    const struct aged_plan *plan, struct aged_writer **ret_writer, struct err *err);
/* Begins a tag (above the one before) whose time [from, to) the file will have. */
int aged_writer_begin(
    struct aged_writer *writer, uint32_t tag, int64_t from_ns, int64_t to_ns, struct err *err);
/* True: aged_writer_copy takes a chunk of so many cells as it stands. */
bool aged_writer_can_copy(const struct aged_writer *writer, const struct aged_chunk *chunk);
int aged_writer_copy(struct aged_writer *writer, const struct aged_chunk *chunk,
    const uint8_t *record, struct err *err);
/* Cells of one level, later than those before. */
int aged_writer_cells(struct aged_writer *writer, int level, const struct cell *cells,
    uint32_t count, struct err *err);
/* Winning rows in order of time. */
int aged_writer_rows(struct aged_writer *writer, const struct run *run, struct err *err);
uint64_t aged_writer_count(const struct aged_writer *writer); // Of cells.
/* Completes and syncs the file. 0: it stands (the folder is not synced yet). */
int aged_writer_finish(struct aged_writer *writer, struct err *err);
/* Frees; removes the file unless it was finished. NULL is allowed. */
void aged_writer_free(struct aged_writer *writer);

#endif
