#ifndef SERVE_JOBS_H
#define SERVE_JOBS_H
/*
 * Imports that came over HTTP: the file arrives in one or several parts, is put aside in a file
 * without a name in the home, and is worked through by a thread of the job's own, whose progress,
 * end and rejected rows are asked for by the job's number. Any thread may call.
 */
#include "plant/import.h"

enum {
    JOBS_MAX = 16,                 // Kept; the oldest that ended gives way to a new one.
    JOBS_PLANT_MAX = 8,            // Of them, of one plant.
    JOBS_RUNNING_MAX = 3,          // At once; refused beyond.
    JOB_REJECTED_BYTES = 16 << 20, // Of the list of rejected rows; more are only counted.
};

enum job_state { JOB_RECEIVING, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED };
const char *job_state_name(enum job_state state);

struct jobs;

/* `folder` must live as long: the home's. */
struct jobs *jobs_new(const char *folder, const struct clock *clock);
void jobs_free(struct jobs *jobs); // Gives up what runs and waits for it. NULL is allowed.

struct job_options {
    struct plant *plant;
    enum import_kind kind;
    enum table_encoding encoding;
    char separator;
    struct str sheet;
    struct str actor;
    enum lang lang; // Of the list of rejected rows.
    bool outsider;  // import.h
    bool dry_run;
    bool partial;
};

/* ERR_BUSY: all places are taken by jobs that have not ended. */
int jobs_begin(
    struct jobs *jobs, const struct job_options *options, uint64_t *ret_number, struct err *err);
/* A part of the file at `offset`, which must be where the last part ended (ERR_CONFLICT); of the
 * actor who began the job (ERR_FORBIDDEN). */
int jobs_append(struct jobs *jobs, const struct plant *plant, uint64_t number, struct str actor,
    uint64_t offset, struct str part, struct err *err);
/* All parts are there. ERR_BUSY: too many run already; ask again later. */
int jobs_run(struct jobs *jobs, const struct plant *plant, uint64_t number, struct err *err);
int jobs_cancel(struct jobs *jobs, const struct plant *plant, uint64_t number, struct err *err);

/* Gives up all jobs of an actor that have not ended. */
void jobs_cancel_of(struct jobs *jobs, struct str actor);

struct job_status {
    uint64_t number;
    enum job_state state;
    enum import_kind kind;
    bool dry_run;
    bool partial;
    int64_t begin_ns;
    int64_t end_ns; // 0: not ended.
    uint64_t received_bytes;
    struct import_progress progress;
    struct import_report report; // Once it ended.
    struct err err;              // JOB_FAILED.
};
/* ERR_NOT_FOUND. */
int jobs_status(struct jobs *jobs, const struct plant *plant, uint64_t number,
    struct job_status *ret_status, struct err *err);
/* Jobs of the plant, newest first. Count. */
uint32_t jobs_list(struct jobs *jobs, const struct plant *plant, struct job_status *ret_list);
/* Appends the list of rejected rows: line,reason as CSV. */
int jobs_rejected(struct jobs *jobs, const struct plant *plant, uint64_t number, struct buf *out,
    struct err *err);

#endif
