#ifndef APP_DEMO_BROKER_H
#define APP_DEMO_BROKER_H
/*
 * An MQTT broker of the demo's own: Debian's mosquitto as a child process on a free port of
 * 127.0.0.1, its configuration and its log in a folder of the demo's home. It dies with the demo,
 * however that ends. One owner, main thread only (the kernel ties the child to the thread that
 * started it).
 */
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/limits.h"

struct demo_broker {
    pid_t process; // 0: none.
    uint16_t port;
};

/* Where the program is: /usr/sbin/mosquitto or somewhere on PATH. -ERR_NOT_FOUND, without words,
 * when it is not installed. */
int demo_broker_find(char ret_program[LIMIT_PATH_BYTES]);
/* Starts it with its files in `folder`, which is made, and waits until it takes connections. */
int demo_broker_start(
    struct demo_broker *broker, const char *program, const char *folder, struct err *err);
/* Ends it and takes its exit. None started is fine. */
void demo_broker_stop(struct demo_broker *broker);

#endif
