#ifndef HISTORIAN_SEGMENT_WRITE_H
#define HISTORIAN_SEGMENT_WRITE_H
/*
 * Writing one segment: tags in ascending order, rows of each in order of time and then arrival. One
 * owner. A writer that was not finished leaves no file behind.
 *
 * A piece is a writer without a file: another thread adds some tags to it, and the writer of the
 * segment takes them over as they are. The bytes of a segment do not depend on how it was divided.
 */
#include "core/file.h"
#include "historian/rows.h"
#include "historian/segment.h"

struct segment_writer;

struct segment_plan {
    struct files *files;
    const char *dir;
    uint64_t id;
    uint64_t seq_low;
    uint64_t seq_high;
    bool draft; // Blocks that a merge will write again are encoded fast rather than small.
};

int segment_writer_open(
    const struct segment_plan *plan, struct segment_writer **ret_writer, struct err *err);
/* Rows of `tag`; a tag's rows may come in several calls. */
int segment_writer_add(
    struct segment_writer *writer, uint32_t tag, const struct run *run, struct err *err);
/* A block that stands as it is: `record` are its bytes, `run` its rows. False (and nothing done)
 * when rows are waiting that belong into one block with it. */
bool segment_writer_can_copy(const struct segment_writer *writer, uint32_t tag);
int segment_writer_copy(struct segment_writer *writer, uint32_t tag, const uint8_t *record,
    size_t size, const struct block_entry *entry, const struct run *run, struct err *err);
/* A piece; `bytes_max`: what it may take at most. Adding to it cannot fail. */
struct segment_writer *segment_piece_new(const struct segment_plan *plan, uint64_t bytes_max);
/* Takes over the tags of `piece`, all above the writer's own, and empties it. */
int segment_writer_join(
    struct segment_writer *writer, struct segment_writer *piece, struct err *err);
uint64_t segment_writer_rows(const struct segment_writer *writer);
/* Completes and syncs the file. 0: it stands (the folder is not synced yet). */
int segment_writer_finish(struct segment_writer *writer, struct err *err);
/* Frees; removes the file unless it was finished. NULL is allowed. */
void segment_writer_free(struct segment_writer *writer);

#endif
