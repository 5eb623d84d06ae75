/*
 * The outlook. Each tag has its rows of today and of the last day; tags with the same rule are one
 * group, whose rows grow by its rate until they reach rate times days. What leaves a group goes to
 * roll-ups (as large a tag and day as those that stand; before there are any at most 168 cells of
 * 24 bytes; never more than two cells a row) and to the archive. Of very many tags some are asked,
 * picked by a hash of their number, and stand for the others: each question may read a page of
 * every segment. Rows are winners of their versions, bytes a row the segments' mean: good to a
 * tenth where the last day was a usual one.
 */
#include "plant/outlook.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/thread.h"

enum { ASKED_TAGS = 4096 }; // About so many of the tags are asked, at most.
enum { YEAR_DAYS = 365, CELLS_A_DAY = 168, CELL_BYTES = 24, LEAST_S = 600 };
#define DAY_NS (86400 * NS_PER_S)

struct work {
    struct plant *plant;
    double weight; // How many tags one that is asked stands for.
    double gone_rows;
    double gone_tags;
    double rolled_days; // Of all tags together, that roll-ups stand for today.
    const struct retention *rule;
    int64_t now_ns;
    struct outlook *out;
};

/* ---- One tag ---- */

struct counted {
    uint64_t rows;
    int64_t first_ns;
};

static int count_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    struct counted *counted = context;
    counted->rows += bucket->count + bucket->bad_count;
    counted->first_ns = bucket->count > 0 ? bucket->first_ns : counted->first_ns;
    return 0;
}

static int count_rows(const struct work *work, uint32_t tag, int64_t from_ns, int64_t to_ns,
    struct counted *ret_counted, struct err *err) {
    struct hist_bucket_query query = {
        .tags = &tag, .tag_count = 1, .from_ns = from_ns, .to_ns = to_ns};
    *ret_counted = (struct counted){.first_ns = to_ns};
    return from_ns < to_ns
               ? hist_buckets(plant_historian(work->plant), &query, count_bucket, ret_counted, err)
               : 0;
}

static struct outlook_group *group_find(
    struct outlook *out, uint32_t raw_days, uint32_t rollup_days) {
    for (uint32_t i = 0; i < out->group_count; i++) {
        struct outlook_group *group = &out->groups[i];
        if (group->raw_days == raw_days && group->rollup_days == rollup_days) {
            return group;
        }
    }
    bool last = out->group_count == OUTLOOK_GROUPS_MAX - 1;
    if (out->group_count == OUTLOOK_GROUPS_MAX) {
        return &out->groups[OUTLOOK_GROUPS_MAX - 1];
    }
    struct outlook_group *made = &out->groups[out->group_count++];
    *made = (struct outlook_group){
        .raw_days = last ? 0 : raw_days, .rollup_days = last ? 0 : rollup_days};
    return made;
}

/* Rows a day: of the last one, or of the tag's whole life where that is shorter. */
static double rate_of(
    const struct work *work, const struct counted *all, const struct counted *day) {
    int64_t span_ns = DAY_NS;
    if (all->rows == day->rows && day->rows > 0) {
        span_ns = work->now_ns - day->first_ns;
        span_ns = span_ns < LEAST_S * NS_PER_S ? LEAST_S * NS_PER_S : span_ns;
        span_ns = span_ns < DAY_NS ? span_ns : DAY_NS;
    }
    return (double)day->rows * (double)DAY_NS / (double)span_ns;
}

static int take_tag(struct work *work, const struct tag *tag, struct err *err) {
    const struct retention *rule = work->rule;
    uint32_t days = tag->retention_days != 0 ? tag->retention_days : rule->raw_days;
    uint32_t rollup_days = tag->rollup_days != 0 ? tag->rollup_days : rule->rollup_days;
    struct hist_horizon horizon;
    struct counted all;
    struct counted day;
    struct counted gone = {0};
    hist_horizon(plant_historian(work->plant), tag->number, &horizon);
    if (horizon.rollup_ns < horizon.raw_ns) {
        work->rolled_days +=
            work->weight * ((double)horizon.raw_ns - (double)horizon.rollup_ns) / (double)DAY_NS;
    }
    int status = count_rows(work, tag->number, horizon.raw_ns, INT64_MAX, &all, err);
    if (status < 0 || all.rows == 0) {
        return status;
    }
    int64_t day_ns = work->now_ns - DAY_NS;
    day_ns = day_ns > horizon.raw_ns ? day_ns : horizon.raw_ns;
    status = count_rows(work, tag->number, day_ns, work->now_ns + 1, &day, err);
    if (status >= 0 && days > 0) {
        status = count_rows(work, tag->number, horizon.raw_ns,
            retention_horizon_ns(work->now_ns, days, plant_zone(work->plant)), &gone, err);
    }
    if (status < 0) {
        return status;
    }
    struct outlook_group *group = group_find(work->out, days, days == 0 ? 0 : rollup_days);
    group->tags += work->weight;
    group->rows += work->weight * (double)all.rows;
    group->rows_a_day += work->weight * rate_of(work, &all, &day);
    work->gone_rows += work->weight * (double)gone.rows;
    work->gone_tags += gone.rows > 0 ? work->weight : 0;
    return 0;
}

static bool is_asked(uint32_t number, uint32_t step) {
    return step == 1 || hash64(&number, sizeof number) % step == 0;
}

static int take_tags(struct work *work, const struct stop_flag *stop, struct err *err) {
    struct catalogue *catalogue = plant_catalogue(work->plant);
    uint32_t step = 1 + catalogue->tag_count / (ASKED_TAGS + 1);
    uint32_t asked = 0;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        asked += is_asked(catalogue->tags[i].number, step);
    }
    work->weight = asked > 0 ? (double)catalogue->tag_count / asked : 1;
    int status = 0;
    for (uint32_t i = 0; i < catalogue->tag_count && status >= 0; i++) {
        if (!is_asked(catalogue->tags[i].number, step)) {
            continue;
        }
        status = take_tag(work, &catalogue->tags[i], err);
        if (status >= 0 && stop != NULL && stop_flag_is_raised(stop)) {
            status = err_set(err, ERR_CANCELLED, MSG_RETENTION_STOPPED, NO_ARGS);
        }
    }
    catalogue_unref(catalogue);
    return status;
}

/* ---- Sizes ---- */

struct sizing {
    const char *dir;
    uint64_t bytes;
};

static int add_file(void *context, const char *name, struct err *err) {
    (void)err;
    struct sizing *sizing = context;
    char path[LIMIT_PATH_BYTES * 2];
    struct stat info;
    int size = snprintf(path, sizeof path, "%s/%s", sizing->dir, name);
    bool good = size > 0 && (size_t)size < sizeof path && stat(path, &info) == 0;
    sizing->bytes += good && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    return 0;
}

static int add_month(void *context, const char *name, struct err *err) {
    struct sizing *sizing = context;
    char path[LIMIT_PATH_BYTES * 2];
    struct stat info;
    int size = snprintf(path, sizeof path, "%s/%s", sizing->dir, name);
    if (size < 0 || (size_t)size >= sizeof path || stat(path, &info) != 0 ||
        !S_ISDIR(info.st_mode)) {
        return 0;
    }
    struct sizing month = {.dir = path};
    int status = dir_each(path, add_file, &month, err);
    sizing->bytes += month.bytes;
    return status;
}

/* A folder that cannot be read counts nothing here; its round says so. */
static uint64_t archive_size(const struct work *work) {
    struct str id = plant_id(work->plant);
    char dir[LIMIT_PATH_BYTES * 2];
    (void)snprintf(dir, sizeof dir, "%s/%.*s", work->rule->archive_dir, (int)id.size, id.data);
    struct sizing sizing = {.dir = dir};
    if (work->rule->archive_dir[0] == '\0' || !file_exists(dir)) {
        return 0;
    }
    (void)dir_each(dir, add_month, &sizing, NULL);
    return sizing.bytes;
}

/* Rows that a group has after some days, and how many left it meanwhile. */
static double rows_after(const struct outlook_group *group, double days, double *ret_gone) {
    double all = group->rows + group->rows_a_day * days;
    double most = group->raw_days > 0 ? group->rows_a_day * group->raw_days : all;
    double rows = all < most ? all : most;
    *ret_gone = all - rows;
    return rows;
}

static double cells_bytes(
    const struct outlook *outlook, const struct outlook_group *group, double gone) {
    if (group->rollup_days <= group->raw_days || group->rows_a_day <= 0) {
        return 0;
    }
    double days = gone / group->rows_a_day;
    double most = (double)group->rollup_days - group->raw_days;
    double bytes = outlook->rolled_day_bytes * group->tags;
    double two_a_row = 2 * group->rows_a_day * CELL_BYTES;
    return (days < most ? days : most) * (bytes < two_a_row ? bytes : two_a_row);
}

struct sum {
    double raw;
    double rollup;
    double gone_rows;
};

static struct sum sum_after(const struct outlook *outlook, double days) {
    struct sum sum = {0, 0, 0};
    for (uint32_t i = 0; i < outlook->group_count; i++) {
        double gone = 0;
        sum.raw += rows_after(&outlook->groups[i], days, &gone) * outlook->row_bytes;
        sum.rollup += cells_bytes(outlook, &outlook->groups[i], gone);
        sum.gone_rows += gone;
    }
    return sum;
}

/* Of each row that goes. A row of Parquet has its time by itself: where a segment took 0.6 bytes
 * for reals of two decimals each second, Parquet took 5.2. */
static double archive_row_bytes(const struct retention *rule, double row_bytes) {
    const double parquet_more = 4.6;
    if (rule->archive_dir[0] == '\0') {
        return 0;
    }
    return rule->archive == RETENTION_SEGMENTS  ? row_bytes
           : rule->archive == RETENTION_PARQUET ? row_bytes + parquet_more
                                                : 2 * row_bytes + parquet_more;
}

static void foresee(struct outlook *out, const struct retention *rule) {
    double rate = 0;
    for (uint32_t i = 0; i < out->group_count; i++) {
        rate += out->groups[i].rows_a_day;
    }
    out->gone_bytes = (uint64_t)((double)out->gone_rows * out->row_bytes);
    out->has_rate = rate > 0 && out->row_bytes > 0;
    if (!out->has_rate) {
        return;
    }
    struct sum sum = sum_after(out, YEAR_DAYS);
    out->bytes_per_day = (uint64_t)(rate * out->row_bytes);
    out->raw_year_bytes = (uint64_t)sum.raw;
    out->rollup_year_bytes = out->rollup_bytes + (uint64_t)sum.rollup;
    out->archive_year_bytes =
        out->archive_bytes + (uint64_t)(sum.gone_rows * archive_row_bytes(rule, out->row_bytes));
}

int outlook_make(struct plant *plant, const struct retention *rule, const struct stop_flag *stop,
    struct outlook *ret_outlook, struct err *err) {
    struct hist_status store;
    hist_status(plant_historian(plant), &store);
    struct outlook out = {.raw_bytes = store.segment_bytes,
        .rollup_bytes = store.rollup_bytes,
        .log_bytes = store.log_bytes,
        .row_bytes = store.rows > 0 ? (double)store.segment_bytes / (double)store.rows : 0};
    struct work work = {
        .plant = plant, .rule = rule, .now_ns = clock_wall_ns(plant_clock(plant)), .out = &out};
    out.archive_bytes = archive_size(&work);
    int status = take_tags(&work, stop, err);
    if (status < 0) {
        return status;
    }
    out.gone_rows = (uint64_t)work.gone_rows;
    out.gone_tags = (uint32_t)work.gone_tags;
    out.rolled_day_bytes = work.rolled_days >= 1 ? (double)store.rollup_bytes / work.rolled_days
                                                 : (double)CELLS_A_DAY * CELL_BYTES;
    foresee(&out, rule);
    *ret_outlook = out;
    return 0;
}

double outlook_days(const struct outlook *outlook, uint64_t free_bytes) {
    if (!outlook->has_rate) {
        return (double)NAN;
    }
    double limit = (double)outlook->raw_bytes + (double)free_bytes;
    struct sum sum = sum_after(outlook, RETENTION_DAYS_MAX);
    if (sum.raw + sum.rollup <= limit) {
        return (double)INFINITY;
    }
    double low = 0;
    double high = RETENTION_DAYS_MAX;
    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        sum = sum_after(outlook, middle);
        if (sum.raw + sum.rollup <= limit) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}
