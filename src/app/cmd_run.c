/*
 * maru run HOME: collects, refines, keeps and serves until it is told to stop.
 */
#include "app/serving.h"

int cmd_run(struct call *call, struct err *err) {
    struct serving_options options = {.call = call, .home_dir = call->home_dir};
    int status = config_read(call->home_dir, &options.config, err);
    const char *listen = call_value(call, "--listen");
    if (status >= 0 && listen != NULL) {
        status = call_usage(config_listen(str_of(listen), &options.config, err), err);
    }
    if (status >= 0) {
        status = serving_duration(call, &options.duration_ns, err);
    }
    return status < 0 ? status : serving_run(&options, err);
}
