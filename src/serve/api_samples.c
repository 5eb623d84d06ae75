/*
 * Samples, raw or in buckets, as JSON or CSV.
 *
 * The answer is made while it is sent: raw rows from a scan of one tag at a time, buckets from
 * slices of a few thousand bucket widths, so a year of one-second data as CSV needs one piece of
 * memory and stops costing anything when the reader goes away. A slice ends on a bucket boundary,
 * therefore the buckets do not show where it was cut.
 *
 * JSON is for programs and pages: at most `limit` rows and a cursor "tag index:time:skip", where
 * skip counts the rows of that very time already given (there can be several with versions=1; 0
 * where the page ended with the last row of a tag). Of buckets `time` is the start of the last one.
 * CSV is for people and tools: everything that was asked for, in one file.
 *
 * What roll-ups cannot answer (historian.h, "Measures"), and the filling of empty buckets, comes
 * from a measure of one tag, which reads on from where it stands. A page that goes on in the middle
 * of a fill begins at the last bucket with a value, so that it fills as one answer would.
 */
#include "serve/call.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/limits.h"
#include "core/time.h"
#include "historian/aggregate.h"
#include "serve/samples.h"
#include "serve/server.h"
#include "serve/sight.h"
#include "serve/view.h"

enum {
    SAMPLES_DEFAULT = 1000,
    SAMPLES_MAX = 100000,
    SLICE_BUCKETS = 4096,        // Bucket widths asked of the historian at a time.
    ROWS_AT_ONCE = 512,          // Rows written before looking at the size of the piece,
    BUCKETS_AT_ONCE = 256,       // and buckets;
    ROWS_READ_AT_ONCE = 1 << 18, // rows that measures read for one piece, but for one bucket.
};

struct samples_tag {
    uint32_t number;
    double counter_max;
    struct str name;
    enum value_type type;
    int64_t from_ns; // Nothing older is given.
};

struct samples_source {
    struct plant *plant;
    struct historian *historian;
    struct call_tags seen;
    struct samples_tag tags[QUERY_PARAMS_MAX];
    struct seen_tag given[QUERY_PARAMS_MAX]; // As the asker saw them when they asked.
    uint32_t tag_count;
    uint32_t tag_index;
    int64_t from_ns;
    int64_t to_ns;
    bool csv;
    bool versions;
    bool limited;
    uint64_t left;
    enum lang lang;
    struct zone *own_zone;         // Asked for by tz; owned.
    const struct zone *shown_zone; // Of times in the answer; NULL: UTC.
    /* Raw. */
    struct hist_scan *scan;
    struct hist_rows rows;
    uint32_t row;
    int64_t resume_ns; // Rows before are done; rows at it: `skip` of them.
    uint32_t skip;
    int64_t given_ns; // Time of the last row given, and how many of that time.
    uint32_t given_count;
    /* Buckets. */
    int64_t every_ns; // 0: raw.
    const struct zone *bucket_zone;
    struct aggregates aggregates;
    enum hist_interpolation interpolation;
    enum hist_fill fill;
    struct hist_measure *measure;  // Of the present tag; NULL: not begun, or not needed.
    struct hist_measured measured; // The next bucket of it,
    bool has_measured;             // if there is one already.
    int64_t slice_ns;              // Where the next slice begins.
    bool tag_begun;
    int64_t tag_to_ns;
    struct buf *out;
    struct json json;
    bool begun;
    bool cut; // The limit was reached with more to come.
};

/* ---- Values ---- */

static void csv_text(struct buf *out, struct str text) {
    bool plain = true;
    for (size_t i = 0; i < text.size && plain; i++) {
        char c = text.data[i];
        plain = c != '"' && c != ',' && c != '\n' && c != '\r';
    }
    if (plain) {
        buf_put_str(out, text);
        return;
    }
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') {
            buf_put_char(out, '"');
        }
        buf_put_char(out, text.data[i]);
    }
    buf_put_char(out, '"');
}

static void put_time_text(struct buf *out, const struct samples_source *source, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, source->shown_zone, text);
    buf_put(out, text, size);
}

static void put_json_time(struct samples_source *source, const char *key, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, source->shown_zone, text);
    json_put_str(&source->json, key, (struct str){text, size});
}

static bool row_has_value(const struct hist_rows *rows, uint32_t i) {
    uint32_t status = rows->status ? rows->status[i] : 0;
    return view_has_value(status, rows->type == TYPE_F64 ? rows->f64[i] : 0);
}

static void put_csv_value(struct buf *out, const struct hist_rows *rows, uint32_t i) {
    if (!row_has_value(rows, i)) {
        return; // An empty field.
    }
    switch (rows->type) {
    case TYPE_F64: buf_put_f64(out, rows->f64[i]); break;
    case TYPE_I64: buf_put_i64(out, rows->i64[i]); break;
    case TYPE_BOOL: buf_put_str(out, rows->i64[i] ? STR("true") : STR("false")); break;
    case TYPE_TEXT: csv_text(out, rows->text[i]); break;
    }
}

static void put_json_value(struct json *json, const struct hist_rows *rows, uint32_t i) {
    if (!row_has_value(rows, i)) {
        json_null(json);
        return;
    }
    switch (rows->type) {
    case TYPE_F64: json_f64(json, rows->f64[i]); break;
    case TYPE_I64: json_i64(json, rows->i64[i]); break;
    case TYPE_BOOL: json_bool(json, rows->i64[i] != 0); break;
    case TYPE_TEXT: json_str(json, rows->text[i]); break;
    }
}

/* ---- Raw rows ---- */

static void put_row(struct samples_source *source, uint32_t i) {
    const struct hist_rows *rows = &source->rows;
    struct str tag = source->tags[source->tag_index].name;
    uint32_t status = rows->status ? rows->status[i] : 0;
    uint8_t flags = rows->flags ? rows->flags[i] : 0;
    struct str quality = str_of(quality_name(status_quality(status)));
    if (source->csv) {
        struct buf *out = source->out;
        buf_put_str(out, tag);
        buf_put_char(out, ',');
        put_time_text(out, source, rows->time_ns[i]);
        buf_put_char(out, ',');
        put_csv_value(out, rows, i);
        buf_put_char(out, ',');
        buf_put_str(out, quality);
        buf_put_char(out, '\n');
        return;
    }
    struct json *json = &source->json;
    json_object_begin(json);
    json_put_str(json, "tag", tag);
    put_json_time(source, "time", rows->time_ns[i]);
    json_key(json, "value");
    put_json_value(json, rows, i);
    json_put_str(json, "quality", quality);
    json_put_i64(json, "status", status);
    json_put_bool(json, "late", (flags & SAMPLE_LATE) != 0);
    json_put_bool(json, "correction", (flags & SAMPLE_CORRECTION) != 0);
    json_object_end(json);
}

/* Where the range of a tag begins. */
static int64_t from_of(const struct samples_source *source, uint32_t index) {
    int64_t given_ns = index < source->tag_count ? source->tags[index].from_ns : INT64_MIN;
    return source->from_ns > given_ns ? source->from_ns : given_ns;
}

/* 1: the present run has a row at source->row; 0: no more rows of any tag. */
static int raw_row(struct samples_source *source, struct err *err) {
    while (source->tag_index < source->tag_count) {
        if (!source->scan) {
            int64_t from_ns = from_of(source, source->tag_index);
            bool resumed = source->resume_ns > from_ns;
            struct hist_scan_options options = {.tag = source->tags[source->tag_index].number,
                .from_ns = resumed ? source->resume_ns : from_ns,
                .to_ns = source->to_ns,
                .versions = source->versions};
            int rc = hist_scan_open(source->historian, &options, &source->scan, err);
            if (rc < 0) {
                return rc;
            }
            source->rows.count = 0;
            source->row = 0;
        }
        if (source->row < source->rows.count) {
            return 1;
        }
        int rc = hist_scan_next(source->scan, &source->rows, err);
        if (rc < 0) {
            return rc;
        }
        source->row = 0;
        if (rc == 0) {
            hist_scan_close(source->scan);
            source->scan = NULL;
            source->rows.count = 0;
            source->tag_index++;
            source->resume_ns = source->from_ns;
            source->skip = 0;
            source->given_ns = source->from_ns;
            source->given_count = 0;
        }
    }
    return 0;
}

/* Whether this row was given by the page before. */
static bool row_is_skipped(struct samples_source *source, int64_t time_ns) {
    if (source->skip > 0 && time_ns == source->resume_ns) {
        source->skip--;
        source->given_ns = time_ns;
        source->given_count++;
        return true;
    }
    return false;
}

/* Writes some rows: HTTP_MORE, or HTTP_END. */
static int raw_fill(struct samples_source *source, struct err *err) {
    for (int n = 0; n < ROWS_AT_ONCE; n++) {
        int rc = raw_row(source, err);
        if (rc <= 0) {
            return rc < 0 ? rc : HTTP_END;
        }
        uint32_t i = source->row;
        int64_t time_ns = source->rows.time_ns[i];
        if (!row_is_skipped(source, time_ns)) {
            if (source->limited && source->left == 0) {
                source->cut = true;
                return HTTP_END;
            }
            put_row(source, i);
            source->left--;
            source->given_count = source->given_count > 0 && source->given_ns == time_ns
                                      ? source->given_count + 1
                                      : 1;
            source->given_ns = time_ns;
        }
        source->row++;
    }
    return HTTP_MORE;
}

/* ---- Buckets ---- */

static void put_aggregate(struct samples_source *source, const struct hist_measured *measured,
    const struct aggregate *aggregate) {
    enum value_type type = source->tags[source->tag_index].type;
    bool is_count = aggregate_is_count(aggregate);
    double value = aggregate_value(aggregate, measured, type);
    if (source->csv) {
        buf_put_char(source->out, ',');
        if (is_count) {
            buf_put_i64(source->out, (int64_t)value);
        } else if (!isnan(value)) {
            buf_put_f64(source->out, value); // Else an empty field.
        }
        return;
    }
    json_key(&source->json, aggregate->name);
    if (is_count) {
        json_i64(&source->json, (int64_t)value);
    } else if (isnan(value)) {
        json_null(&source->json);
    } else {
        json_f64(&source->json, value);
    }
}

static void put_bucket(struct samples_source *source, const struct hist_measured *measured) {
    struct str tag = source->tags[source->tag_index].name;
    struct json *json = &source->json;
    int64_t start_ns = measured->bucket.start_ns;
    if (source->csv) {
        buf_put_str(source->out, tag);
        buf_put_char(source->out, ',');
        put_time_text(source->out, source, start_ns);
    } else {
        json_object_begin(json);
        json_put_str(json, "tag", tag);
        put_json_time(source, "time", start_ns);
    }
    for (uint32_t i = 0; i < source->aggregates.count; i++) {
        put_aggregate(source, measured, &source->aggregates.items[i]);
    }
    if (source->csv) {
        buf_put_char(source->out, '\n');
        return;
    }
    if (source->fill != HIST_FILL_NONE) {
        json_put_bool(json, "filled", measured->filled);
    }
    if (measured->bucket.partial) {
        json_put_bool(json, "partial", true);
    }
    json_object_end(json);
}

/* Gives a bucket out, unless the page before did or this one is full. */
static void take_measured(struct samples_source *source, const struct hist_measured *measured) {
    const struct hist_bucket *bucket = &measured->bucket;
    bool tells = source->fill != HIST_FILL_NONE || aggregates_tell(&source->aggregates, bucket);
    if (source->cut || !tells) {
        return;
    }
    if (bucket->partial && source->csv) {
        return; // There is no place to say so.
    }
    if (source->resume_ns != INT64_MIN && bucket->start_ns <= source->resume_ns) {
        return; // Given by the page before.
    }
    if (source->limited && source->left == 0) {
        source->cut = true;
        return;
    }
    put_bucket(source, measured);
    source->left--;
    source->given_ns = bucket->start_ns;
}

static int each_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag; // Asked one tag at a time.
    (void)err;
    struct hist_measured measured = aggregate_bucket(bucket);
    take_measured(context, &measured);
    return 0;
}

static void next_tag(struct samples_source *source) {
    source->tag_index++;
    source->tag_begun = false;
    source->resume_ns = INT64_MIN;
    source->given_ns = INT64_MIN;
}

/* Narrows the range of the present tag to where it has rows. */
static int tag_begin(struct samples_source *source, struct err *err) {
    uint32_t number = source->tags[source->tag_index].number;
    struct samples_range range = {from_of(source, source->tag_index), source->to_ns};
    int rc = source->every_ns > 0 ? samples_narrow_buckets(source->historian, number, &range, err)
                                  : samples_narrow(source->historian, number, &range, err);
    if (rc < 0) {
        return rc;
    }
    if (source->resume_ns != INT64_MIN && source->resume_ns > range.from_ns) {
        range.from_ns = source->resume_ns;
    }
    source->tag_begun = true;
    source->slice_ns = range.from_ns;
    source->tag_to_ns = range.to_ns;
    return 0;
}

/* The end of a slice from `start`: a bucket boundary some thousand widths on. */
static int64_t slice_end(const struct samples_source *source, int64_t start_ns) {
    int64_t span = 0;
    int64_t end = 0;
    if (__builtin_mul_overflow(source->every_ns, (int64_t)SLICE_BUCKETS, &span) ||
        __builtin_add_overflow(start_ns, span, &end) || end >= source->tag_to_ns) {
        return source->tag_to_ns;
    }
    end = time_bucket_start(end, source->every_ns, source->bucket_zone, NULL);
    return end > start_ns ? end : source->tag_to_ns;
}

static int buckets_fill(struct samples_source *source, struct err *err) {
    if (source->cut || source->tag_index >= source->tag_count) {
        return HTTP_END;
    }
    if (!source->tag_begun) {
        int rc = tag_begin(source, err);
        if (rc < 0) {
            return rc;
        }
    }
    if (source->slice_ns >= source->tag_to_ns) {
        next_tag(source);
        return HTTP_MORE;
    }
    int64_t end = slice_end(source, source->slice_ns);
    struct hist_bucket_query query = {.tags = &source->tags[source->tag_index].number,
        .tag_count = 1,
        .from_ns = source->slice_ns,
        .to_ns = end,
        .every_ns = source->every_ns,
        .zone = source->bucket_zone};
    int rc = hist_buckets(source->historian, &query, each_bucket, source, err);
    source->slice_ns = end;
    return rc < 0 ? rc : source->cut ? HTTP_END : HTTP_MORE;
}

/* ---- Measures ---- */

static bool is_measured(const struct samples_source *source) {
    return source->every_ns > 0 && (source->aggregates.what != 0 || source->fill != HIST_FILL_NONE);
}

static int take_moment(
    void *context, uint32_t tag, const struct hist_moment *moment, struct err *err) {
    (void)tag;
    (void)err;
    int64_t *value_ns = context;
    *value_ns = moment->has_value ? moment->value_ns : INT64_MIN;
    return 0;
}

/* Where the measure of the present tag begins. A page that goes on begins with the bucket that was
 * given last; with filling, with the last one that has a value. */
static int measure_begin(
    const struct samples_source *source, int64_t *ret_from_ns, struct err *err) {
    int64_t begin_ns = source->resume_ns;
    int64_t end_ns = 0;
    int64_t from_ns = from_of(source, source->tag_index);
    if (begin_ns != INT64_MIN && source->fill != HIST_FILL_NONE) {
        (void)time_bucket_start(begin_ns, source->every_ns, source->bucket_zone, &end_ns);
        int64_t moment_ns = end_ns - 1;
        int64_t value_ns = INT64_MIN;
        struct hist_moment_query query = {.tags = &source->tags[source->tag_index].number,
            .tag_count = 1,
            .times_ns = &moment_ns,
            .time_count = 1};
        int rc = hist_moments(source->historian, &query, take_moment, &value_ns, err);
        if (rc < 0) {
            return rc;
        }
        if (value_ns >= from_ns && value_ns < begin_ns) {
            begin_ns = time_bucket_start(value_ns, source->every_ns, source->bucket_zone, NULL);
        }
    }
    *ret_from_ns = begin_ns > from_ns ? begin_ns : from_ns;
    return 0;
}

static int measure_open(struct samples_source *source, struct err *err) {
    const struct samples_tag *tag = &source->tags[source->tag_index];
    struct hist_measure_query query = {.tags = &tag->number,
        .tag_count = 1,
        .counter_max = &tag->counter_max,
        .zone = source->bucket_zone,
        .to_ns = source->to_ns,
        .every_ns = source->every_ns,
        .what = source->aggregates.what,
        .interpolation = source->interpolation,
        .fill = source->fill,
        .percentile_count = source->aggregates.percentile_count,
        .bounded = tag->from_ns > INT64_MIN,
        .oldest_ns = tag->from_ns};
    memcpy(query.percentiles, source->aggregates.percentiles, sizeof query.percentiles);
    int rc = measure_begin(source, &query.from_ns, err);
    return rc < 0 ? rc : hist_measure_open(source->historian, &query, &source->measure, err);
}

/* Makes `measured` the next bucket of the present tag, if there is one. */
static int measure_load(struct samples_source *source, struct err *err) {
    uint32_t tag = 0;
    int rc = 0;
    if (source->has_measured || source->tag_index >= source->tag_count) {
        return 0;
    }
    if (!source->measure) {
        rc = measure_open(source, err);
    }
    rc = rc < 0 ? rc : hist_measure_next(source->measure, &tag, &source->measured, err);
    source->has_measured = rc > 0;
    return rc < 0 ? rc : 0;
}

static int measures_fill(struct samples_source *source, struct err *err) {
    uint64_t rows = 0;
    for (int n = 0; n < BUCKETS_AT_ONCE && rows < ROWS_READ_AT_ONCE; n++) {
        if (source->tag_index >= source->tag_count) {
            return HTTP_END;
        }
        int rc = measure_load(source, err);
        if (rc < 0) {
            return rc;
        }
        if (source->has_measured) {
            rows += source->measured.bucket.count + source->measured.bucket.bad_count;
            take_measured(source, &source->measured);
            source->has_measured = false;
        } else {
            hist_measure_close(source->measure);
            source->measure = NULL;
            next_tag(source);
        }
        if (source->cut) {
            return HTTP_END;
        }
    }
    return HTTP_MORE;
}

/* What cannot be answered is refused before the answer begins. A first bucket may be a long one. */
static int measures_begin(struct call *call, struct samples_source *source, struct err *err) {
    int rc = call_long_begin(call, err);
    if (rc >= 0) {
        rc = measure_load(source, err);
        call_long_end(call);
    }
    return rc;
}

/* ---- The answer around them ---- */

static void answer_begin(struct samples_source *source) {
    if (!source->csv) {
        json_init(&source->json, source->out);
        json_object_begin(&source->json);
        json_key(&source->json, "items");
        json_array_begin(&source->json);
        return;
    }
    if (source->every_ns == 0) {
        buf_put_str(source->out, STR("tag,time,value,quality\n"));
        return;
    }
    buf_put_str(source->out, STR("tag,time"));
    for (uint32_t i = 0; i < source->aggregates.count; i++) {
        buf_put_char(source->out, ',');
        buf_put_str(source->out, str_of(source->aggregates.items[i].name));
    }
    buf_put_char(source->out, '\n');
}

/* Every page tells it, so none is mistaken for the whole. Not to a reader by a grant: how long the
 * plant keeps what is its own. */
static void put_expired(struct samples_source *source) {
    struct samples_expired expired = {
        .json = &source->json, .zone = source->shown_zone, .lang = source->lang};
    for (uint32_t i = 0; i < source->tag_count && !source->seen.sight; i++) {
        struct hist_horizon horizon;
        if (retention_gap(source->plant, source->tags[i].number, from_of(source, i), source->to_ns,
                &horizon)) {
            samples_expired_put(&expired, source->tags[i].name, &horizon);
        }
    }
    samples_expired_end(&expired);
}

static void answer_end(struct samples_source *source) {
    if (source->csv) {
        return;
    }
    json_array_end(&source->json);
    put_expired(source);
    if (source->cut) {
        char text[64];
        int size = snprintf(text, sizeof text, "%u:%lld:%u", source->tag_index,
            (long long)source->given_ns, source->given_count);
        json_put_str(&source->json, "next", (struct str){text, (size_t)size});
    } else {
        json_put_null(&source->json, "next");
    }
    json_object_end(&source->json);
}

static int samples_fill(void *state, struct buf *out, struct err *err) {
    struct samples_source *source = state;
    int still = call_tags_still(&source->seen, source->given, source->tag_count, err);
    if (still < 0) {
        return still; // What was granted has ended, and so does the answer, visibly cut.
    }
    source->out = out;
    if (!source->begun) {
        source->begun = true;
        answer_begin(source);
    }
    int rc = is_measured(source)    ? measures_fill(source, err)
             : source->every_ns > 0 ? buckets_fill(source, err)
                                    : raw_fill(source, err);
    if (rc == HTTP_END) {
        answer_end(source);
    }
    return rc;
}

static void samples_free(void *state) {
    struct samples_source *source = state; // Lives in the request's arena.
    hist_scan_close(source->scan);
    hist_measure_close(source->measure);
    call_tags_close(&source->seen);
    zone_free(source->own_zone);
}

/* ---- Parameters ---- */

static int read_tags(const struct call *call, struct samples_source *source, struct err *err) {
    for (uint32_t i = 0; i < call->query.count; i++) {
        const struct query_param *param = &call->query.params[i];
        if (!str_eq(param->name, STR("tag"))) {
            continue;
        }
        struct seen_tag seen;
        int rc = call_tags_find(&source->seen, param->value, &seen, err);
        rc = rc < 0 ? rc : seen_tag_need_values(&seen, err);
        if (rc < 0) {
            return rc;
        }
        source->given[source->tag_count] = seen;
        source->tags[source->tag_count++] = (struct samples_tag){.number = seen.tag->number,
            .counter_max = refine_counter_max(seen.tag),
            .name = seen.name,
            .type = seen.tag->type,
            .from_ns = seen.from_ns};
    }
    return 0;
}

static int read_measures(
    const struct call *call, struct samples_source *source, bool has_list, struct err *err) {
    struct str list = STR("avg");
    struct str word = STR_NONE;
    bool has_fill = call_param(call, "fill", &word);
    int rc = has_fill ? fill_of_name(word, &source->fill, err) : 0;
    bool has_interpolation = call_param(call, "interpolate", &word);
    if (rc >= 0 && has_interpolation) {
        rc = interpolation_of_name(word, &source->interpolation, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (source->every_ns == 0) {
        bool senseless = has_list || has_fill || has_interpolation;
        return senseless ? err_set(err, ERR_INVALID, MSG_SERVE_AGG_EVERY, NO_ARGS) : 0;
    }
    if (has_list) {
        (void)call_param(call, "agg", &list);
    }
    return aggregates_parse(list, &source->aggregates, err);
}

/* "index:time:skip" */
static int read_cursor(struct samples_source *source, struct str cursor, struct err *err) {
    struct str rest = cursor;
    uint64_t index = 0;
    uint64_t skip = 0;
    int64_t time_ns = 0;
    bool ok = str_to_u64(str_cut(&rest, ':'), &index) && rest.data &&
              str_to_i64(str_cut(&rest, ':'), &time_ns) && rest.data && str_to_u64(rest, &skip) &&
              index < source->tag_count && skip <= UINT32_MAX;
    if (!ok) {
        return err_set(err, ERR_INVALID, MSG_SERVE_CURSOR, ARGS(A_STR(cursor)));
    }
    source->tag_index = (uint32_t)index;
    source->resume_ns = time_ns;
    source->skip = (uint32_t)skip;
    return 0;
}

static int read_zone(const struct call *call, struct samples_source *source, struct err *err) {
    struct str name;
    source->bucket_zone = plant_zone(call->plant);
    if (!call_param(call, "tz", &name)) {
        return 0;
    }
    int rc = zone_load(name, &source->own_zone, err);
    if (rc >= 0) {
        source->bucket_zone = source->own_zone;
        source->shown_zone = source->own_zone;
    }
    return rc;
}

static int read_form(const struct call *call, struct samples_source *source, struct err *err) {
    struct str format = STR_NONE;
    struct str list = STR_NONE;
    uint64_t limit = 0;
    (void)call_param(call, "format", &format); // Absent: JSON.
    source->csv = str_eq(format, STR("csv"));
    source->versions = call_param_flag(call, "versions");
    int rc = call_param_count(call, "limit", SAMPLES_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    source->limited = rc == 1 || !source->csv;
    source->left = rc == 1 ? limit : SAMPLES_DEFAULT;
    rc = call_param_duration(call, "every", &source->every_ns, err);
    if (rc < 0) {
        return rc;
    }
    bool has_list = call_param(call, "agg", &list);
    if (source->versions && source->every_ns > 0) {
        return err_set(err, ERR_INVALID, MSG_SERVE_AGG_EVERY, NO_ARGS);
    }
    return read_measures(call, source, has_list, err);
}

static int read_params(const struct call *call, struct samples_source *source, struct err *err) {
    struct str cursor;
    const struct zone *zone = plant_zone(call->plant);
    source->from_ns = INT64_MIN;
    source->to_ns = INT64_MAX;
    int rc = read_tags(call, source, err);
    if (rc >= 0) {
        rc = call_param_time(call, "from", zone, &source->from_ns, err);
    }
    if (rc >= 0) {
        rc = call_param_time(call, "to", zone, &source->to_ns, err);
    }
    if (source->seen.sight && source->to_ns > call->now_ns) {
        source->to_ns = call->now_ns; // What comes while it is sent is of another answer.
    }
    if (rc >= 0) {
        rc = read_zone(call, source, err);
    }
    if (rc >= 0) {
        rc = read_form(call, source, err);
    }
    source->resume_ns = source->every_ns > 0 ? INT64_MIN : source->from_ns;
    if (rc >= 0 && call_param(call, "cursor", &cursor)) {
        rc = read_cursor(source, cursor, err);
    }
    return rc;
}

/* A table has no place for words. */
static void head_expired(struct call *call, const struct samples_source *source) {
    uint32_t numbers[QUERY_PARAMS_MAX];
    for (uint32_t i = 0; i < source->tag_count; i++) {
        numbers[i] = source->tags[i].number;
    }
    struct samples_range asked = {source->from_ns, source->to_ns};
    samples_expired_head(call, numbers, source->tag_count, asked, source->shown_zone);
}

int api_samples(struct call *call, struct err *err) {
    struct samples_source *source = ARENA_NEW(&call->http->arena, struct samples_source);
    source->plant = call->plant;
    source->lang = call->lang;
    source->historian = plant_historian(call->plant);
    int rc = call_tags_open(call, &source->seen, err);
    rc = rc < 0 ? rc : read_params(call, source, err);
    if (rc >= 0 && is_measured(source)) {
        rc = measures_begin(call, source, err);
    }
    if (rc < 0) {
        samples_free(source);
        return rc;
    }
    if (source->csv && !source->seen.sight) {
        head_expired(call, source);
    }
    call_source(call,
        source->csv ? "text/csv; charset=utf-8; header=present" : "application/json; charset=utf-8",
        (struct http_source){source, samples_fill, samples_free});
    return 0;
}
