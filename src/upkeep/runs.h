#ifndef UPKEEP_RUNS_H
#define UPKEEP_RUNS_H
/*
 * What the upkeep did and how it went: rows of the hub's table upkeep_runs. Private to the room.
 */
#include "upkeep/upkeep.h"

enum { RUN_WORDS_MAX = 1024 };

struct upkeep_run {
    const char *kind; // "backup", "test", "clock"
    int64_t ended_ns;
    bool good;
    struct str subject;
    uint64_t bytes;
    struct str digest;
    const struct err *why; // Of a bad one; else NULL.
};
/* Writes the row, and tells the audit chain of backups and tests. */
int run_store(struct ledger *hub, const struct upkeep_run *run, struct err *err);

struct run_found {
    bool any;
    int64_t ended_ns;
    uint64_t bytes;
    int64_t number; // The subject as a number, where it is one.
    char subject[512];
    char words[2][RUN_WORDS_MAX]; // By language.
};
/* The newest run of a kind that went so. */
int run_newest(
    struct ledger *hub, const char *kind, bool good, struct run_found *ret_found, struct err *err);

#endif
