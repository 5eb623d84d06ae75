#ifndef SERVE_SAMPLES_H
#define SERVE_SAMPLES_H
/*
 * What raw samples and series share: narrowing a range to where rows are, and telling what of it
 * has expired. Pure but for reading the historian; any thread.
 */
#include "core/json.h"
#include "plant/retention.h"

struct samples_range {
    int64_t from_ns;
    int64_t to_ns;
};

/* Moves the ends of the range to the first row at or after its begin and behind the newest row;
 * an empty range has to_ns == from_ns. "All of it" then costs what there is, not 292 years. */
int samples_narrow(
    struct historian *historian, uint32_t tag, struct samples_range *range, struct err *err);
/* The same for buckets, which also answer where only roll-ups of expired rows are left. */
int samples_narrow_buckets(
    struct historian *historian, uint32_t tag, struct samples_range *range, struct err *err);

/* The member "expired" of an answer, with each tag whose range begins before its raw values. It is
 * written with the first such tag; `end` closes it. */
struct samples_expired {
    struct json *json;
    const struct zone *zone; // Of its times; NULL: UTC.
    enum lang lang;
    bool begun;
};
void samples_expired_put(
    struct samples_expired *expired, struct str name, const struct hist_horizon *horizon);
void samples_expired_end(struct samples_expired *expired);
/* Where the answer has no place for that: the header Maru-Raw-From, the newest bound of the tags.
 */
struct call;
void samples_expired_head(struct call *call, const uint32_t *tags, uint32_t count,
    struct samples_range asked, const struct zone *zone);

#endif
