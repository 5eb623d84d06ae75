#ifndef PLANT_REREFINE_H
#define PLANT_REREFINE_H
/*
 * Refining again what is stored: explicit, recorded, reversible. Changing a rule never rewrites
 * history by itself; this does, for one tag and one range, by writing new versions over the
 * source's (the last durable one wins, earlier ones stay readable).
 *
 * What is refined: of each moment the raw value, where the companion NAME_raw has one (all stages
 * run, scale and unit too), else the last version that came from the source (a finished value:
 * scale, unit and names of codes do not run again; marks of our own checks are taken off first,
 * because they are made anew). Rows of the hour before the range run through the stages unseen, so
 * that checks that follow a curve are warm. Rows with a correction are never touched. No row is
 * taken away: one that the rules would omit stays, and is counted; tags that rules write to are not
 * written.
 *
 * The parts of a record stand in the ledger before the versions they tell of stand in the history,
 * so a kill at any moment leaves something that can be undone. Any thread; one run a plant at a
 * time.
 */
#include "core/thread.h"
#include "ledger/rerefine.h"
#include "plant/plant.h"

struct rerefine_options {
    struct str tag;
    int64_t from_ns; // [from, to)
    int64_t to_ns;
    bool dry_run; // Counts only; nothing is written, no record made.
    struct str actor;
    bool (*stop)(void *context); // NULL: never. True ends the run; what was done stays, recorded.
    void *context;
};

struct rerefine_report {
    int64_t id;         // Of the record; 0 with dry_run.
    uint64_t rows_read; // Moments.
    uint64_t from_raw;  // Of those, with a raw value.
    uint64_t changed;   // With a new version.
    uint64_t omitted;   // That the rules would omit; they stay.
    uint64_t corrected; // Left alone, because a person corrected them.
    uint64_t skipped;   // Undo: moments whose version is not the run's any more; left alone.
};

int rerefine_run(struct plant *plant, const struct rerefine_options *options,
    struct rerefine_report *ret_report, struct err *err);
/* Writes the versions before run `id` back as the newest, where the run's own still stand. Is a run
 * of its own, and can be undone. Of the options only dry_run, actor and stop are used. */
int rerefine_undo(struct plant *plant, int64_t id, const struct rerefine_options *options,
    struct rerefine_report *ret_report, struct err *err);

#endif
