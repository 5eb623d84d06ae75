/*
 * maru-launch STATE [--ready-wait 120] [--trial 600] [-- options of maru run]: see launch.h.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/time.h"
#include "launch/launch.h"

enum { READY_WAIT_S = 120, TRIAL_S = 600 };

static int usage(void) {
    (void)fprintf(stderr,
        "maru-launch STATE [--ready-wait DURATION] [--trial DURATION] [-- options of maru run]\n");
    return 2;
}

int main(int argc, char **argv) {
    (void)signal(SIGPIPE, SIG_IGN); // Broken pipes are write errors, told where they happen.
    (void)umask(0077);
    struct launch_options options = {.ready_wait_ns = READY_WAIT_S * NS_PER_S,
        .trial_ns = TRIAL_S * NS_PER_S,
        .run_arguments = argv + argc}; // argv ends with NULL.
    if (argc < 2 || argv[1][0] == '-') {
        return usage();
    }
    options.state = argv[1];
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            options.run_arguments = argv + i + 1;
            break;
        }
        int64_t *to = strcmp(argv[i], "--ready-wait") == 0 ? &options.ready_wait_ns
                      : strcmp(argv[i], "--trial") == 0    ? &options.trial_ns
                                                           : NULL;
        if (to == NULL || i + 1 == argc || duration_parse(str_of(argv[++i]), to, NULL) < 0) {
            return usage();
        }
    }
    struct err err = ERR_INIT;
    if (launch_run(&options, &err) < 0) {
        log_event(LOG_ERROR, "launch", "stopped", NULL, &err);
        return 1;
    }
    return 0;
}
