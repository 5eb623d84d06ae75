#ifndef UPKEEP_STATE_H
#define UPKEEP_STATE_H
/*
 * The upkeep of a running home, inside. Constant after the start but for atomics and what its own
 * thread alone uses.
 */
#include <stdatomic.h>

#include "core/thread.h"
#include "upkeep/mail.h"
#include "upkeep/nightly.h"

struct upkeep {
    struct home *home;
    struct upkeep_settings settings;
    const struct zone *zone;
    char dir[LIMIT_PATH_BYTES];
    struct thread thread;
    struct stop_flag stop;
    struct syslog *syslog; // NULL: none is asked for.
    struct mailer *mailer;
    _Atomic bool wanted;  // A backup now, whatever the time.
    _Atomic bool working; // One is being made.
    _Atomic uint32_t clock_steps;
    int64_t wall_ns; // The thread's: at the last look.
    int64_t mono_ns;
};
const char *upkeep_backup_dir(const struct upkeep *upkeep);

#endif
