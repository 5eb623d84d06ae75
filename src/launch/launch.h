#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H
/*
 * The launcher: starts the present version of Maru on its home, starts it again when it ends, and
 * tries a new version so that a bad one returns by itself. A small program of its own (maru-launch)
 * that knows nothing of samples, so that it need not change with them. One thread.
 *
 * Its folder:
 *     home/            the Maru home
 *     versions/N/maru  programs, by number
 *     current          link to versions/N
 *     next             the number to try next; written by `maru upgrade`
 *     trial            while a version is on trial: from, to, attempts, whether it is going back
 *     before/          the home as it was before the trial
 *     failed/N-TIME/   the home as a failed version left it
 *     outcome          how the last trial ended
 *     lock             held by the launcher; its process number
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/limits.h"

enum { LAUNCH_VERSIONS_MAX = 1000000, LAUNCH_TEXT_MAX = 4096, LAUNCH_PATH_ROOM = 128 };

struct trial {
    uint64_t from; // 0: there was none before.
    uint64_t to;
    uint32_t attempts; // Starts that ended badly.
    bool returning;
};

enum outcome_kind { OUTCOME_NONE = 0, OUTCOME_STAYED, OUTCOME_RETURNED };
struct outcome {
    enum outcome_kind kind;
    uint64_t from;
    uint64_t to;
    int64_t time_ns;
    char failed[LIMIT_PATH_BYTES]; // Returned: where the failed version's home stands.
};

/* "STATE/NAME"; false when it is too long. */
bool launch_path(const char *state, const char *name, char ret_path[LIMIT_PATH_BYTES]);
/* Small files of the folder, replaced whole and synced. A file that is absent reads as 0 rows. */
int launch_write(const char *state, const char *name, struct str text, struct err *err);
/* 1: read (NUL-terminated); 0: absent. */
int launch_read(
    const char *state, const char *name, char ret_text[LAUNCH_TEXT_MAX], struct err *err);
int launch_remove(const char *state, const char *name, struct err *err);     // Absent is fine.
int trial_read(const char *state, struct trial *ret_trial, struct err *err); // 1, 0.
int trial_write(const char *state, const struct trial *trial, struct err *err);
int outcome_read(const char *state, struct outcome *ret_outcome, struct err *err); // 1, 0.
int outcome_write(const char *state, const struct outcome *outcome, struct err *err);
/* The number `current` points at; 0: none. */
uint64_t current_read(const char *state);
int current_set(const char *state, uint64_t version, struct err *err);
/* The largest number in versions/; 0: none. */
uint64_t version_newest(const char *state);
/* The process number of the running launcher; 0: none runs. */
int64_t launcher_running(const char *state);

/* Copies the home, which nobody has open, into before/: immutable segments as links, the rest as
 * bytes. Whole or not at all. backups/ stays out. */
int before_make(const char *state, struct err *err);
void before_remove(const char *state);
/* Puts before/ in the place of home/, which moves to failed/. May be called again after a kill in
 * the middle. */
int before_return(
    const char *state, uint64_t version, char ret_failed[LIMIT_PATH_BYTES], struct err *err);

struct launch_options {
    const char *state;
    char *const *run_arguments; // After `run HOME`; ends with NULL.
    int64_t ready_wait_ns;      // Until the line `ready`.
    int64_t trial_ns;           // A new version stays when it has run that long.
};
enum { LAUNCH_ATTEMPTS = 3 };
/* Runs until SIGTERM or SIGINT. */
int launch_run(const struct launch_options *options, struct err *err);

/* Tells the service manager (sd_notify(3)); nothing where there is none. */
void notify_send(const char *text);
/* How often it wants to hear from us; 0: never. */
int64_t notify_watchdog_ns(void);

#endif
