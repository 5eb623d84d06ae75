#ifndef TESTS_DEVICE_SUPPORT_BROKER_H
#define TESTS_DEVICE_SUPPORT_BROKER_H
/* A mosquitto broker of the test's own: a process on a free loopback port, its files in a folder of
 * its own. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct broker {
    char folder[64];
    uint16_t port;
    pid_t pid; // 0: not running.
};

/* False: the program is not installed. */
bool broker_is_there(void);
/* Writes its configuration (`extra` lines behind the listener) and starts it. */
void broker_init(struct broker *broker, const char *extra);
void broker_start(struct broker *broker); // Again, on the same port.
void broker_stop(struct broker *broker);  // Lets it write down its sessions first.
void broker_fini(struct broker *broker);
/* Runs a program to its end in the broker's folder; fails the test when it does. */
void broker_run(const struct broker *broker, char *const *arguments);
/* Writes a file into the folder before the start. */
void broker_write(const struct broker *broker, const char *name, const char *text);

#endif
