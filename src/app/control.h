#ifndef APP_CONTROL_H
#define APP_CONTROL_H
/*
 * The local socket HOME/maru.sock of a serving process. A command on a served HOME is sent there
 * with its arguments and its descriptors (input file, output, errors), runs inside the server on a
 * thread of its own, and answers with its exit code. Files pass as descriptors, never as paths.
 * Only the same user or root may connect (SO_PEERCRED); the socket is 0600.
 */
#include "app/command.h"

struct control;

int control_start(struct home *home, struct control **ret_control, struct err *err);
void control_stop(struct control *control); // Waits for running calls. NULL is allowed.

/* Runs the call in the server of its home. *ret_exit is its exit code.
 * -ERR_NOT_FOUND: nobody serves this home. */
int control_call(struct call *call, int argc, char **argv, int *ret_exit, struct err *err);

#endif
