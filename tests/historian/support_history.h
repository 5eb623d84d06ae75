#ifndef TESTS_HISTORIAN_SUPPORT_HISTORY_H
#define TESTS_HISTORIAN_SUPPORT_HISTORY_H
/*
 * Helpers of the historian's tests: folders that vanish, rows in one line, and a naive model that
 * keeps every version in a list and answers by looking at all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "historian/historian.h"

/* A new empty folder; `to` needs 128 bytes. */
void folder_new(char *to);
void folder_remove(const char *dir);

/* Opens without a thread and little memory; fails the test when it cannot. */
struct historian *history_open(const char *dir, struct files *files);
void expect_ok(int rc, const struct err *err);

struct row {
    uint32_t tag;
    int64_t time_ns;
    uint8_t type;
    uint8_t flags;
    uint32_t status;
    union {
        double f64;
        int64_t i64;
    } value;
    char text[24]; // TYPE_TEXT.
};

struct row row_f64(uint32_t tag, int64_t time_ns, double value);
void batch_put(struct batch *batch, const struct row *row);
/* Appends one row per call of hist_append's batch; fails the test on error. */
void history_append(struct historian *historian, const struct row *rows, uint32_t count);

/* Every version ever given, in order. */
struct model {
    struct row *rows;
    uint32_t count;
    uint32_t capacity;
    int64_t horizon_ns[8]; // By tag.
};
void model_init(struct model *model);
void model_fini(struct model *model);
void model_add(struct model *model, const struct row *row);
/* A random row of tag 1..4, mostly in time order, sometimes late, a correction, bad or a text. */
struct row model_random_row(struct random *random, int64_t *now_ns);

/* Rows of a tag in a range, in order of time and then of arrival; `rows` is to be freed. */
struct picked {
    const struct row **rows;
    uint32_t count;
};
void model_pick(const struct model *model, uint32_t tag, int64_t from_ns, int64_t to_ns,
    bool versions, struct picked *picked);

/* Compares scans (winners and versions), newest rows and buckets of all tags with the model. */
void model_compare(const struct model *model, struct historian *historian);
void model_compare_scan(const struct model *model, struct historian *historian, uint32_t tag,
    int64_t from_ns, int64_t to_ns, bool versions);
void model_compare_buckets(const struct model *model, struct historian *historian, uint32_t tag,
    int64_t from_ns, int64_t to_ns, int64_t every_ns);

#define TEST_T0 1735689600000000000LL

#endif
