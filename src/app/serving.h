#ifndef APP_SERVING_H
#define APP_SERVING_H
/*
 * What `run` and `demo` share: open a home with collection, serve it, print the ready and set-up
 * lines, wait for a signal or the end of --for, and close in order. Main thread only.
 */
#include "app/command.h"
#include "app/config.h"

struct serving_options {
    struct call *call;
    const char *home_dir;
    struct config config;
    bool demo;
    int64_t duration_ns; // 0: until a signal.
};

int serving_run(const struct serving_options *options, struct err *err);
/* --for into nanoseconds; 0 when it was not given. */
int serving_duration(struct call *call, int64_t *ret_duration_ns, struct err *err);

#endif
