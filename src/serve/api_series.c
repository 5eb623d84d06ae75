/*
 * Series for charts: of each tag at most `points` points, raw where that is few enough, else
 * average, minimum and maximum of buckets, so that a peak of one second is seen in a year.
 *
 * The width of buckets is taken from a ladder of round widths, the smallest with which the range
 * fits; the historian answers wide ones from roll-ups. Where two neighbours are further apart than
 * twice the usual distance (the median), a point without a value is put between them: a line must
 * not be drawn over a time in which nothing came. A tag with a dead-band is silent on purpose while
 * its value stands still; for it the distance is its longest silence; a reader by a grant, to whom
 * that is not told, gets the distance that 95 of 100 neighbours keep. If those make it too many,
 * the next wider step is taken; the loop ends because the ladder does.
 *
 * Text has no average: its changes are given, the newest `points` of them.
 */
#include "serve/call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/samples.h"
#include "serve/server.h"
#include "serve/sight.h"
#include "serve/view.h"

#define SILENCE_DEFAULT_NS (600 * NS_PER_S) // Of a tag with a dead-band: model/tag.h

enum { SERIES_TAGS_MAX = 8, POINTS_DEFAULT = 1200, POINTS_MIN = 10, POINTS_MAX = 10000 };

static const int64_t LADDER_MS[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000,
    15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000, 3600000, 7200000, 10800000,
    21600000, 43200000, 86400000, 7 * 86400000LL, 28 * 86400000LL, 364 * 86400000LL};
enum { LADDER_STEPS = sizeof LADDER_MS / sizeof LADDER_MS[0] };

/* The points of one tag. */
struct points {
    uint32_t count;
    uint32_t capacity;
    bool overflow;
    int64_t *time_ns;
    double *value; // Raw value or average; NaN: nothing.
    double *min;
    double *max;
    bool *bad;        // A bad row, or a bucket that has some.
    struct str *text; // Of text tags.
};

struct series {
    struct call *call;
    struct historian *historian;
    const struct tag *tag;
    struct str name;
    int64_t given_from_ns; // Nothing older is given.
    int64_t step_ns;       // 0: any; else averages of whole, ended steps only, and no extremes.
    bool limited;          // What is of the plant's inside is left out.
    struct samples_range asked;
    struct samples_range range; // Narrowed.
    int64_t every_ns;           // 0: raw.
    struct points points;
};

static void points_init(struct points *points, struct arena *arena, uint32_t capacity) {
    memset(points, 0, sizeof *points);
    points->capacity = capacity;
    points->time_ns = ARENA_ARRAY(arena, int64_t, capacity);
    points->value = ARENA_ARRAY(arena, double, capacity);
    points->min = ARENA_ARRAY(arena, double, capacity);
    points->max = ARENA_ARRAY(arena, double, capacity);
    points->bad = ARENA_ARRAY(arena, bool, capacity);
    points->text = ARENA_ARRAY(arena, struct str, capacity);
}

static bool points_add(struct points *points, int64_t time_ns, double value) {
    if (points->count == points->capacity) {
        points->overflow = true;
        return false;
    }
    points->time_ns[points->count] = time_ns;
    points->value[points->count] = value;
    points->bad[points->count] = false;
    points->count++;
    return true;
}

/* ---- Reading ---- */

static int count_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    uint64_t *count = context;
    *count += bucket->count + bucket->bad_count;
    return 0;
}

static int series_count(struct series *series, uint64_t *ret_count, struct err *err) {
    *ret_count = 0;
    if (series->range.to_ns <= series->range.from_ns) {
        return 0;
    }
    struct hist_bucket_query query = {.tags = &series->tag->number,
        .tag_count = 1,
        .from_ns = series->range.from_ns,
        .to_ns = series->range.to_ns};
    return hist_buckets(series->historian, &query, count_bucket, ret_count, err);
}

static bool raw_is_bad(const struct hist_rows *rows, uint32_t i) {
    return rows->status && status_quality(rows->status[i]) == QUALITY_BAD;
}

static double raw_number(const struct hist_rows *rows, uint32_t i) {
    if (raw_is_bad(rows, i) || rows->type == TYPE_TEXT) {
        return (double)NAN;
    }
    return rows->type == TYPE_F64 ? rows->f64[i] : (double)rows->i64[i];
}

/* Takes the rows of one run; false when there are too many. */
static bool take_rows(struct series *series, const struct hist_rows *rows) {
    struct points *points = &series->points;
    for (uint32_t i = 0; i < rows->count; i++) {
        if (!points_add(points, rows->time_ns[i], raw_number(rows, i))) {
            return false;
        }
        points->bad[points->count - 1] = raw_is_bad(rows, i);
    }
    return true;
}

/* A text that no value came with: a null in the series, unlike an empty text. */
static const struct str TEXT_ABSENT = {.data = NULL, .size = 0};

static bool texts_equal(struct str a, struct str b) {
    return (a.data == NULL) == (b.data == NULL) && str_eq(a, b);
}

static struct str row_text(const struct hist_rows *rows, uint32_t i) {
    if (rows->status && !status_has_value(rows->status[i])) {
        return TEXT_ABSENT;
    }
    return rows->text[i].size > 0 ? rows->text[i] : STR_NONE;
}

/* Text: changes only; when there are too many the older half goes. */
static void take_texts(struct series *series, const struct hist_rows *rows) {
    struct points *points = &series->points;
    for (uint32_t i = 0; i < rows->count; i++) {
        struct str text = row_text(rows, i);
        if (points->count > 0 && texts_equal(points->text[points->count - 1], text)) {
            continue;
        }
        if (points->count == points->capacity) {
            uint32_t half = points->capacity / 2;
            points->count -= half;
            memmove(points->time_ns, points->time_ns + half, points->count * sizeof(int64_t));
            memmove(points->value, points->value + half, points->count * sizeof(double));
            memmove(points->text, points->text + half, points->count * sizeof(struct str));
        }
        points->text[points->count] =
            text.data ? arena_copy(&series->call->http->arena, text) : TEXT_ABSENT;
        (void)points_add(points, rows->time_ns[i], (double)NAN); // There is room.
    }
}

static int read_raw(struct series *series, struct err *err) {
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    struct hist_scan_options options = {
        .tag = series->tag->number, .from_ns = series->range.from_ns, .to_ns = series->range.to_ns};
    int rc = hist_scan_open(series->historian, &options, &scan, err);
    if (rc < 0) {
        return rc;
    }
    while ((rc = hist_scan_next(scan, &rows, err)) == 1) {
        if (rows.type == TYPE_TEXT) {
            take_texts(series, &rows);
        } else if (!take_rows(series, &rows)) {
            break;
        }
    }
    hist_scan_close(scan);
    return rc < 0 ? rc : 0;
}

static int take_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    struct series *series = context;
    struct points *points = &series->points;
    bool any = bucket->count > 0;
    double nothing = (double)NAN;
    double average = any ? (bucket->sum + bucket->sum_low) / (double)bucket->count : nothing;
    if ((any || bucket->bad_count > 0) && points_add(points, bucket->start_ns, average)) {
        points->min[points->count - 1] = any ? bucket->min : nothing;
        points->max[points->count - 1] = any ? bucket->max : nothing;
        points->bad[points->count - 1] = bucket->bad_count > 0;
    }
    return 0;
}

static int read_buckets(struct series *series, struct err *err) {
    struct hist_bucket_query query = {.tags = &series->tag->number,
        .tag_count = 1,
        .from_ns = series->range.from_ns,
        .to_ns = series->range.to_ns,
        .every_ns = series->every_ns,
        .zone = plant_zone(series->call->plant)};
    return hist_buckets(series->historian, &query, take_bucket, series, err);
}

/* ---- Gaps ---- */

static int compare_i64(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The distance that so many of a hundred neighbours keep; 50: the median. */
static int64_t usual_distance(
    const struct points *points, struct arena *arena, uint32_t of_hundred) {
    if (points->count < 2) {
        return INT64_MAX;
    }
    uint32_t count = points->count - 1;
    int64_t *distances = ARENA_ARRAY(arena, int64_t, count);
    for (uint32_t i = 0; i < count; i++) {
        distances[i] = points->time_ns[i + 1] - points->time_ns[i];
    }
    qsort(distances, count, sizeof distances[0], compare_i64);
    return distances[(uint64_t)count * of_hundred / 100];
}

/* Copies the points with empty ones in the gaps; false when they do not fit. */
static bool gaps_insert(struct series *series, uint32_t max) {
    struct points *from = &series->points;
    struct arena *arena = &series->call->http->arena;
    const struct tag *tag = series->tag;
    bool quiet = !isnan(tag->dead_band);
    int64_t usual = usual_distance(from, arena, quiet && series->limited ? 95 : 50);
    if (quiet && !series->limited && usual != INT64_MAX) {
        // Unchanged values are left out on purpose for so long: that is no gap.
        int64_t silence = tag->max_silence_ns > 0 ? tag->max_silence_ns : SILENCE_DEFAULT_NS;
        usual = usual > silence ? usual : silence;
    }
    if (usual == INT64_MAX || tag->type == TYPE_TEXT) {
        return from->count <= max;
    }
    struct points to;
    points_init(&to, arena, max);
    for (uint32_t i = 0; i < from->count; i++) {
        bool gap = i > 0 && (from->time_ns[i] - from->time_ns[i - 1]) / 2 > usual;
        if (gap) {
            (void)points_add(
                &to, from->time_ns[i - 1] + usual, (double)NAN); // overflow is looked at below.
        }
        if (gap && !to.overflow) {
            to.min[to.count - 1] = (double)NAN;
            to.max[to.count - 1] = (double)NAN;
        }
        if (points_add(&to, from->time_ns[i], from->value[i])) {
            to.min[to.count - 1] = from->min[i];
            to.max[to.count - 1] = from->max[i];
            to.bad[to.count - 1] = from->bad[i];
        }
    }
    if (to.overflow) {
        return false;
    }
    *from = to;
    return true;
}

/* ---- One tag ---- */

static int64_t ladder_first(const struct series *series, uint32_t points) {
    int64_t span = series->range.to_ns - series->range.from_ns;
    for (size_t i = 0; i < LADDER_STEPS; i++) {
        // One more than fits exactly: the first and last bucket are cut ones.
        if (span / (LADDER_MS[i] * NS_PER_MS) + 2 <= (int64_t)points) {
            return (int64_t)i;
        }
    }
    return LADDER_STEPS - 1;
}

/* Moves the range to whole steps that have ended: a part of a step would tell of single values, and
 * so would one that is still growing. False: there are none. */
static bool whole_steps(struct series *series, int64_t every_ns) {
    const struct zone *zone = plant_zone(series->call->plant);
    struct samples_range *range = &series->range;
    int64_t now_ns = series->call->now_ns;
    int64_t next_ns = 0;
    if (range->from_ns >= range->to_ns) {
        return false;
    }
    range->from_ns = time_bucket_start(range->from_ns, every_ns, zone, &next_ns);
    if (range->from_ns < series->given_from_ns) { // The step in which the grant's time begins.
        range->from_ns = next_ns;
    }
    (void)time_bucket_start(range->to_ns - 1, every_ns, zone, &range->to_ns);
    if (range->to_ns > now_ns) {
        range->to_ns = time_bucket_start(now_ns, every_ns, zone, NULL);
    }
    return range->from_ns < range->to_ns;
}

/* Narrows the range to where something is. Where averages alone are given, steps as they lie are
 * looked at and nothing finer: whether an answer has something in it, and where it begins, tells of
 * a range of one's choice as much as a value would. */
static int series_narrow(struct series *series, struct err *err) {
    int64_t step_ns = series->step_ns;
    bool any = step_ns == 0 || whole_steps(series, step_ns);
    int rc =
        any ? samples_narrow_buckets(series->historian, series->tag->number, &series->range, err)
            : 0;
    if (rc >= 0 && step_ns > 0 && !(any && whole_steps(series, step_ns))) {
        series->range.to_ns = series->range.from_ns;
    }
    return rc;
}

/* Fills series->points with at most `max` points. */
static int series_read(struct series *series, uint32_t max, struct err *err) {
    struct arena *arena = &series->call->http->arena;
    uint64_t count = 0;
    struct hist_horizon horizon;
    hist_horizon(series->historian, series->tag->number, &horizon);
    int rc = series_narrow(series, err);
    bool expired = series->range.from_ns < horizon.raw_ns; // Roll-ups alone answer there.
    if (rc >= 0 && series->step_ns == 0) {
        rc = series_count(series, &count, err);
    }
    points_init(&series->points, arena, max);
    if (rc < 0 || series->range.to_ns <= series->range.from_ns) {
        return rc;
    }
    bool is_text = series->tag->type == TYPE_TEXT;
    if (series->step_ns == 0 && ((count <= max && !expired) || is_text)) {
        rc = read_raw(series, err);
        if (rc < 0 || (!series->points.overflow && gaps_insert(series, max)) || is_text) {
            return rc;
        }
    }
    struct samples_range narrowed = series->range;
    for (int64_t step = ladder_first(series, max); step < LADDER_STEPS; step++) {
        points_init(&series->points, arena, max);
        series->every_ns = LADDER_MS[step] * NS_PER_MS;
        if (series->step_ns > 0 && series->every_ns % series->step_ns != 0) {
            continue;
        }
        series->range = narrowed;
        if (series->step_ns > 0 && !whole_steps(series, series->every_ns)) {
            return 0;
        }
        rc = read_buckets(series, err);
        if (rc < 0 || (!series->points.overflow && gaps_insert(series, max))) {
            return rc;
        }
    }
    return 0; // Further than the ladder: what fits is given.
}

static void put_numbers(struct json *json, const char *key, const double *values, uint32_t count) {
    json_key(json, key);
    json_array_begin(json);
    for (uint32_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            json_f64(json, values[i]);
        } else {
            json_null(json); // A chart can place neither NaN nor an infinity.
        }
    }
    json_array_end(json);
}

/* The places of points at which bad rows stand; absent where there are none. */
static void put_bad(struct json *json, const struct points *points) {
    bool begun = false;
    for (uint32_t i = 0; i < points->count; i++) {
        if (points->bad[i] && !begun) {
            json_key(json, "bad");
            json_array_begin(json);
            begun = true;
        }
        if (points->bad[i]) {
            json_i64(json, i);
        }
    }
    if (begun) {
        json_array_end(json);
    }
}

/* Raw values begin later than the range: a chart of averages, or an empty one, says why. */
static void put_expired(struct json *json, const struct series *series) {
    struct hist_horizon horizon;
    if (series->limited || !retention_gap(series->call->plant, series->tag->number,
                               series->asked.from_ns, series->asked.to_ns, &horizon)) {
        return;
    }
    json_put_i64(json, "raw_from_ms", view_ms(horizon.raw_ns));
    if (horizon.rollup_ns < horizon.raw_ns) {
        json_put_i64(json, "rollup_from_ms", view_ms(horizon.rollup_ns));
    } else {
        json_put_null(json, "rollup_from_ms");
    }
}

static void put_series(struct json *json, const struct series *series) {
    const struct points *points = &series->points;
    json_object_begin(json);
    json_put_str(json, "tag", series->name);
    json_put_str(json, "unit", series->tag->unit);
    json_put_i64(json, "every_ms", series->every_ns / NS_PER_MS);
    json_key(json, "t");
    json_array_begin(json);
    for (uint32_t i = 0; i < points->count; i++) {
        json_i64(json, view_ms(points->time_ns[i]));
    }
    json_array_end(json);
    if (series->every_ns > 0) {
        put_numbers(json, "avg", points->value, points->count);
        bool alone = series->step_ns > 0; // Averages alone: an extreme is a single value.
        put_numbers(json, "min", alone ? points->value : points->min, points->count);
        put_numbers(json, "max", alone ? points->value : points->max, points->count);
    } else if (series->tag->type == TYPE_TEXT) {
        json_key(json, "v");
        json_array_begin(json);
        for (uint32_t i = 0; i < points->count; i++) {
            if (points->text[i].data) {
                json_str(json, points->text[i]);
            } else {
                json_null(json);
            }
        }
        json_array_end(json);
    } else {
        put_numbers(json, "v", points->value, points->count);
    }
    if (series->tag->type != TYPE_TEXT) {
        put_bad(json, points);
    }
    put_expired(json, series);
    json_object_end(json);
}

/* ---- The answer ---- */

static int read_range(
    struct call *call, struct samples_range *range, uint64_t *ret_points, struct err *err) {
    const struct zone *zone = plant_zone(call->plant);
    range->to_ns = call->now_ns;
    int rc = call_param_time(call, "to", zone, &range->to_ns, err);
    range->from_ns = range->to_ns - 3600 * NS_PER_S;
    if (rc >= 0) {
        rc = call_param_time(call, "from", zone, &range->from_ns, err);
    }
    if (rc >= 0) {
        rc = call_param_count(call, "points", POINTS_MAX, ret_points, err);
    }
    if (*ret_points < POINTS_MIN) {
        *ret_points = POINTS_MIN;
    }
    return rc < 0 ? rc : 0;
}

static int put_tags(struct call *call, struct json *json, const struct call_tags *tags,
    struct samples_range range, uint32_t points, struct err *err) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < call->query.count; i++) {
        struct str name = call->query.params[i].value;
        if (!str_eq(call->query.params[i].name, STR("tag"))) {
            continue;
        }
        struct seen_tag seen;
        int rc = call_tags_find(tags, name, &seen, err);
        if (rc < 0) {
            return rc;
        }
        if (count++ == SERIES_TAGS_MAX) {
            return err_set(err, ERR_LIMIT, MSG_SERVE_SERIES_TAGS, ARGS(A_INT(SERIES_TAGS_MAX)));
        }
        struct series series = {.call = call,
            .historian = plant_historian(call->plant),
            .tag = seen.tag,
            .name = seen.name,
            .given_from_ns = seen.from_ns,
            .step_ns = seen.step_ns,
            .limited = seen.limited,
            .asked = range,
            .range = range};
        series.asked.from_ns = range.from_ns > seen.from_ns ? range.from_ns : seen.from_ns;
        series.range.from_ns = series.asked.from_ns;
        if (seen.step_ns > 0 && seen.tag->type == TYPE_TEXT) {
            return seen_tag_need_values(&seen, err); // A text has no average.
        }
        rc = series_read(&series, points, err);
        if (rc < 0) {
            return rc;
        }
        put_series(json, &series);
    }
    return 0;
}

int api_series(struct call *call, struct err *err) {
    AUTO_CALL_TAGS struct call_tags tags = {0};
    struct samples_range range;
    uint64_t points = POINTS_DEFAULT;
    int rc = call_tags_open(call, &tags, err);
    rc = rc < 0 ? rc : read_range(call, &range, &points, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_i64(&json, "from_ms", view_ms(range.from_ns));
    json_put_i64(&json, "to_ms", view_ms(range.to_ns));
    json_key(&json, "series");
    json_array_begin(&json);
    rc = put_tags(call, &json, &tags, range, (uint32_t)points, err);
    if (rc < 0) {
        return rc;
    }
    json_array_end(&json);
    json_object_end(&json);
    return 0;
}
