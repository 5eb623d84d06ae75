#ifndef SERVE_SENT_FILE_H
#define SERVE_SENT_FILE_H
/*
 * A file that somebody put here, sent as it is: in pieces, always as an attachment, so that it is
 * never run as a page of ours. Worker threads.
 */
#include "serve/call.h"

/* A file, and how far it was sent. */
struct sent_file {
    int fd;
    uint64_t size;
    uint64_t sent;
};
/* Of an http_source; freeing closes it. */
int sent_file_piece(void *state, struct buf *out, struct err *err);
void sent_file_free(void *state);
/* The header that names it. */
void sent_file_name(struct call *call, struct str name);

/* The whole answer; takes the descriptor. */
void sent_file_answer(struct call *call, int fd, uint64_t size, struct str name);

#endif
