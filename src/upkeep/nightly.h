#ifndef UPKEEP_NIGHTLY_H
#define UPKEEP_NIGHTLY_H
/*
 * What a home does for itself: a backup each night, a test restore each week, a look at the clock.
 * One thread. Owned by app, whose serving process starts and stops it; health reads its state.
 */
#include "core/limits.h"
#include "upkeep/syslog.h"
#include "upkeep/upkeep.h"

struct tls_store;
struct upkeep;

struct upkeep_settings {
    bool nightly;
    char backup_dir[LIMIT_PATH_BYTES]; // Empty: HOME/backups.
    uint32_t minute_of_day;            // Local time of the first plant.
    uint32_t keep_daily;
    uint32_t keep_weekly;
    uint32_t keep_monthly;
    struct tls_store *tls; // Borrowed; NULL: plain HTTP.
    bool tls_off;          // Plain HTTP that others can reach.
    struct syslog_settings syslog;
    char mail_ca[LIMIT_PATH_BYTES]; // Authorities of the mail server; empty: the system's.
};
/* Starts the thread: the first look after a minute, missed nights are made up then. */
struct upkeep *upkeep_start(struct home *home, const struct upkeep_settings *settings);
void upkeep_stop(struct upkeep *upkeep); // Ends a backup that is being made. NULL is fine.

/* One night now, whatever the time: backup, list of erasures, rotation. Recorded in the hub. */
int upkeep_night(struct upkeep *upkeep, struct err *err);
/* The same by the upkeep's own thread, within a second or two; returns at once. */
void upkeep_want_night(struct upkeep *upkeep);
/* Restores the newest backup beside its place, checks and removes it. Recorded in the hub. */
int upkeep_test(struct upkeep *upkeep, struct err *err);

/* ---- Health ---- */

enum finding_severity { FINDING_INFO = 0, FINDING_WARNING, FINDING_ERROR };

struct finding {
    const char *id;                   // Stable: "disk.full", "device.down".
    char subject[LIMIT_ID_BYTES + 1]; // The id of the device it is about; else empty.
    enum finding_severity severity;
    struct err words;    // What is wrong, where.
    char detail[2][512]; // More, by language; may be empty.
    struct err action;   // What to do.
};
enum { FINDINGS_MAX = 64 }; // The worst come first; more are counted in the facts.

struct upkeep_facts {
    uint64_t disk_free_bytes;
    uint64_t disk_used_bytes;   // By this plant's history.
    uint64_t raw_bytes;         // Of these: values,
    uint64_t rollup_bytes;      // roll-ups of expired ones,
    uint64_t log_bytes;         // and the log.
    uint64_t archive_bytes;     // In the archive's folder, wherever that is.
    uint64_t raw_in_year_bytes; // By then, retention taken off; 0: not known.
    uint64_t rollup_in_year_bytes;
    uint64_t archive_in_year_bytes;
    double bytes_per_day;        // At the present rate; NaN: not known yet.
    double days_left;            // Until the disk is full; NaN: not known, infinity: never.
    uint64_t disk_in_year_bytes; // Used by then, retention taken off; 0: not known.
    int64_t backup_ns;           // Of the newest good backup; 0: none.
    uint64_t backup_bytes;
    int64_t test_ns;                   // Of the newest good test restore; 0: none.
    char backup_dir[LIMIT_PATH_BYTES]; // Where backups go; empty: nobody makes any.
    bool backup_nightly;
    bool backup_running;     // Or asked for just now.
    uint64_t version_number; // Of the launcher's versions, the one that runs; 0: no launcher.
    uint64_t version_newest;
    bool clock_synchronised;
    uint32_t clock_steps; // Since the start.
    uint32_t found;       // Findings, also those beyond FINDINGS_MAX.
};
/* What is wrong with a plant and its home, worst first; the count. `upkeep` may be NULL (commands,
 * tests): then nothing is said about backups and clock. */
uint32_t upkeep_health(struct upkeep *upkeep, struct home *home, struct plant *plant,
    struct finding *ret_findings, struct upkeep_facts *ret_facts);
const char *finding_severity_name(enum finding_severity severity);

#endif
