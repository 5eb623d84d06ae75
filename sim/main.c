/*
 * maru-sim MACHINE --port P [--seed S]: one simulated machine as a process of its own, so that a
 * test can kill it and bring it back. Prints `ready PORT` and serves until it is ended.
 *
 * The whole plant is simulated inside, because the machines act on each other; only the named one
 * is served.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "sim/sim.h"

static int usage(void) {
    (void)fprintf(
        stderr, "usage: maru-sim press1|press2|cnc1|pack1|meter1|fill1 --port P [--seed S]\n");
    return 2;
}

static bool parse_arguments(int argc, char **argv, struct sim_plant_options *options) {
    if (argc < 2 || !sim_machine_of_name(str_of(argv[1]), &options->only)) {
        return false;
    }
    options->only_one = true;
    bool has_port = false;
    for (int i = 2; i + 1 < argc; i += 2) {
        uint64_t number = 0;
        if (!str_to_u64(str_of(argv[i + 1]), &number)) {
            return false;
        }
        if (strcmp(argv[i], "--port") == 0 && number <= UINT16_MAX) {
            options->port[options->only] = (uint16_t)number;
            has_port = true;
        } else if (strcmp(argv[i], "--seed") == 0) {
            options->seed = number;
        } else {
            return false;
        }
    }
    return has_port && argc % 2 == 0;
}

int main(int argc, char **argv) {
    struct sim_plant_options options = {0};
    if (!parse_arguments(argc, argv, &options)) {
        return usage();
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL); // Cannot fail with a valid set.
    struct sim_plant *plant = NULL;
    struct err err = ERR_INIT;
    if (sim_plant_start(&options, &plant, &err) < 0) {
        struct buf words;
        buf_init(&words, 4096);
        err_render(&err, LANG_EN, &words);
        (void)fprintf(stderr, "maru-sim: %s\n", buf_z(&words));
        buf_fini(&words);
        return 1;
    }
    printf("ready %u\n", (unsigned)sim_plant_port(plant, options.only));
    (void)fflush(stdout); // A closed pipe is the reader's own wish.
    int signal_number = 0;
    (void)sigwait(&ends, &signal_number);
    sim_plant_stop(plant);
    return 0;
}
