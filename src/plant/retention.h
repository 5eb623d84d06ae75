#ifndef PLANT_RETENTION_H
#define PLANT_RETENTION_H
/*
 * The plant's rule for old samples: how long values are kept where their tag does not say, how long
 * the roll-ups of older ones stay, and whether what goes is written to an archive first. Stands in
 * the plant's settings; a change is audited and counts from the next look at the horizons. Any
 * thread.
 */
#include "historian/historian.h"
#include "plant/plant.h"

enum { RETENTION_DAYS_MAX = 36525 }; // 100 years.

/* What the archive is made of. */
enum retention_archive {
    RETENTION_SEGMENTS, // All versions of the values, as files that this program reads.
    RETENTION_PARQUET,  // The values as queries show them, for other programs.
    RETENTION_BOTH,
};
/* "segments", "parquet", "both". */
bool retention_archive_of_name(struct str name, enum retention_archive *ret_archive);
const char *retention_archive_name(enum retention_archive archive);

struct retention {
    uint32_t raw_days;    // 0: for ever. A tag's own number wins.
    uint32_t rollup_days; // Counted from today, too; not above the days of the values: none stay.
    char archive_dir[LIMIT_PATH_BYTES]; // An absolute path; empty: no archive.
    enum retention_archive archive;
};

/* What is not set is 0 or empty. */
int retention_get(struct plant *plant, struct retention *ret_retention, struct err *err);
/* Checks (the archive's folder must be there) and stores. ERR_RANGE, ERR_NOT_FOUND with words. */
int retention_check(const struct retention *retention, struct err *err);
int retention_put(
    struct plant *plant, const struct retention *retention, struct str actor, struct err *err);

/* One ageing by that rule. `moved` holds one entry for each tag number below `capacity`: the
 * bounds told last, as one number. Count of tags whose bounds moved, or negative: then nothing
 * went. */
int retention_round(struct plant *plant, int64_t *moved, uint32_t capacity,
    const struct stop_flag *stop, struct err *err);

/* Whether some of [from, to) may have expired, and what of the tag answers: its begin lies before
 * the oldest raw values, and roll-ups of it stayed or the question names that begin (not
 * INT64_MIN). Ask behind the reading: bounds only move on. */
bool retention_gap(struct plant *plant, uint32_t tag, int64_t from_ns, int64_t to_ns,
    struct hist_horizon *ret_horizon);
/* The sentence about it; times in `zone` (NULL: UTC). */
void retention_gap_words(const struct hist_horizon *horizon, struct str tag,
    const struct zone *zone, struct err *ret_words);

enum { RETENTION_SIZE_TEXT = 24 };
void retention_size_text(uint64_t bytes, char to[RETENTION_SIZE_TEXT]); // "1.2 GB"

/* What a rule means, sentence by sentence, for whoever is about to set it. `each` may be called up
 * to RETENTION_SENTENCES times. */
enum { RETENTION_SENTENCES = 5 };
struct outlook;
void retention_explain(const struct retention *rule, const struct outlook *outlook,
    void (*each)(void *context, const struct err *sentence), void *context);

/* The moment before which samples may go: `days` whole days before the start of today in the
 * plant's zone, so that it moves once a day and a day goes as a whole. */
int64_t retention_horizon_ns(int64_t now_ns, uint32_t days, const struct zone *zone);

#endif
