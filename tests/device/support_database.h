#ifndef TESTS_DEVICE_SUPPORT_DATABASE_H
#define TESTS_DEVICE_SUPPORT_DATABASE_H
/* A database server of the test's own: PostgreSQL or MariaDB of the system, on a free loopback
 * port, its files in a folder of its own, which the system's user of that server owns. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct database {
    bool is_postgresql;
    char folder[64];
    char program[128]; // The server.
    uint16_t port;
    pid_t pid; // 0: not running.
};

/* False: not installed. Makes the files, starts it; user maru (password 비밀 1) may read all. */
bool database_init(struct database *database, bool is_postgresql);
void database_start(struct database *database); // Again, on the same port.
void database_stop(struct database *database);
void database_kill(struct database *database);
void database_fini(struct database *database);
/* Runs statements as the owner, in the database `test`. False: refused. */
bool database_run(const struct database *database, const char *text);
/* The same in the background. */
pid_t database_run_later(const struct database *database, const char *text);

#endif
