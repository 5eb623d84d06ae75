#ifndef LAUNCH_CHILD_H
#define LAUNCH_CHILD_H
/*
 * The serving process under the launcher: started, listened to, asked whether it lives, ended.
 * Private to the room.
 */
#include <sys/types.h>

#include "launch/launch.h"

enum { CHILD_LINE_MAX = 512 };

struct child {
    pid_t process; // 0: none.
    int out_fd;    // Its stdout; -1: closed.
    bool ready;
    char line[CHILD_LINE_MAX];
    size_t line_size;
    char origin[CHILD_LINE_MAX]; // Of the line `ready`.
    int64_t started_ns;          // Monotonic.
};

/* Starts versions/N/maru with these arguments (the first is not the program); NULL ends them. */
int child_start(struct child *child, const char *state, uint64_t version, char *const *arguments,
    struct err *err);
/* Reads what the child says and passes it on to our stdout; notes `ready`. */
void child_listen(struct child *child);
/* Has it ended? Then *ret_status is what waitpid(2) gave. */
bool child_ended(struct child *child, int *ret_status);
/* Asks it to end and waits so long; then kills it. */
void child_stop(struct child *child, int64_t patience_ns);
void child_kill(struct child *child);
/* Does it answer GET /healthz? Also where it serves HTTPS, which answers that without TLS or, in a
 * version from before, closes the connection. Waits at most 3 s. */
bool child_answers(const struct child *child);

#endif
