/*
 * maru query HOME TAG... --at T,T: the last good value of each tag at each of the times, with the
 * time it came and its age; --interpolate linear: on the straight line to the next one.
 */
#include "app/query_moments.h"

#include "core/json.h"
#include "core/mem.h"
#include "core/time.h"

struct moments {
    const struct moment_question *q;
    struct json json;
};

void query_csv_text(struct buf *out, struct str text) {
    bool quote = false;
    for (size_t i = 0; i < text.size && !quote; i++) {
        char c = text.data[i];
        quote = c == ',' || c == '"' || c == '\n' || c == '\r';
    }
    if (!quote) {
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

/* ---- One answer ---- */

static void put_json_time(struct moments *moments, const char *key, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, moments->q->zone, text);
    json_put_str(&moments->json, key, (struct str){text, size});
}

static void put_json_value(struct json *json, const struct hist_moment *moment) {
    json_key(json, "value");
    switch (moment->type) {
    case TYPE_F64: json_f64(json, moment->f64); break;
    case TYPE_I64: json_i64(json, moment->i64); break;
    case TYPE_BOOL: json_bool(json, moment->i64 != 0); break;
    case TYPE_TEXT: json_str(json, moment->text); break;
    }
}

static void put_json(struct moments *moments, struct str name, const struct hist_moment *moment) {
    struct json *json = &moments->json;
    json_object_begin(json);
    json_put_str(json, "tag", name);
    put_json_time(moments, "time", moment->time_ns);
    if (moment->has_value) {
        put_json_value(json, moment);
        json_put_str(json, "quality", str_of(quality_name(status_quality(moment->status))));
        put_json_time(moments, "value_time", moment->value_ns);
        json_put_i64(json, "age_ms", (moment->time_ns - moment->value_ns) / NS_PER_MS);
    } else {
        json_put_null(json, "value");
        json_put_null(json, "quality");
        json_put_null(json, "value_time");
        json_put_null(json, "age_ms");
    }
    json_put_bool(json, "interpolated", moment->interpolated);
    json_put_bool(json, "interrupted", moment->interrupted);
    json_object_end(json);
}

static void put_csv_time(struct moments *moments, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, moments->q->zone, text);
    buf_put(&moments->q->call->out, text, size);
    buf_put_char(&moments->q->call->out, ',');
}

static void put_csv_value(struct buf *out, const struct hist_moment *moment) {
    switch (moment->type) {
    case TYPE_F64: buf_put_f64(out, moment->f64); break;
    case TYPE_I64: buf_put_i64(out, moment->i64); break;
    case TYPE_BOOL: buf_put_str(out, moment->i64 != 0 ? STR("true") : STR("false")); break;
    case TYPE_TEXT: query_csv_text(out, moment->text); break;
    }
}

static void put_csv(struct moments *moments, struct str name, const struct hist_moment *moment) {
    struct buf *out = &moments->q->call->out;
    buf_put_str(out, name);
    buf_put_char(out, ',');
    put_csv_time(moments, moment->time_ns);
    if (!moment->has_value) {
        buf_put_str(out, STR(",,,,false,false\n"));
        return;
    }
    put_csv_value(out, moment);
    buf_put_char(out, ',');
    buf_put_str(out, str_of(quality_name(status_quality(moment->status))));
    buf_put_char(out, ',');
    put_csv_time(moments, moment->value_ns);
    buf_put_f64(out, (double)(moment->time_ns - moment->value_ns) / (double)NS_PER_S);
    buf_put_str(out, moment->interpolated ? STR(",true") : STR(",false"));
    buf_put_str(out, moment->interrupted ? STR(",true\n") : STR(",false\n"));
}

static int put_moment(
    void *context, uint32_t tag, const struct hist_moment *moment, struct err *err) {
    struct moments *moments = context;
    struct str name = catalogue_tag(moments->q->catalogue, tag)->name;
    if (moments->q->as_json) {
        put_json(moments, name, moment);
    } else {
        put_csv(moments, name, moment);
    }
    return call_flush(moments->q->call, false, err);
}

/* ---- The question ---- */

static int read_times(
    const struct moment_question *q, int64_t *times_ns, uint32_t *ret_count, struct err *err) {
    const struct zone *zone = q->zone != NULL ? q->zone : plant_zone(q->plant);
    int64_t now_ns = clock_wall_ns(plant_clock(q->plant));
    struct str rest = q->list;
    uint32_t count = 0;
    do {
        struct str word = str_trim(str_cut(&rest, ','));
        if (count == HIST_MOMENTS_MAX) {
            return err_set(err, ERR_USAGE, MSG_QUERY_AT_MANY, ARGS(A_INT(HIST_MOMENTS_MAX)));
        }
        int status = time_parse_query(word, zone, now_ns, &times_ns[count], err);
        if (status < 0) {
            return status;
        }
        count++;
    } while (rest.size > 0);
    *ret_count = count;
    return 0;
}

int query_moments(const struct moment_question *question, int64_t *ret_first_ns, struct err *err) {
    AUTO_FREE int64_t *times_ns = MEM_ARRAY(int64_t, HIST_MOMENTS_MAX);
    struct moments moments = {.q = question};
    struct hist_moment_query query = {.tags = question->tags,
        .tag_count = question->tag_count,
        .times_ns = times_ns,
        .interpolation = question->interpolation};
    struct buf *out = &question->call->out;
    int status = call_usage(read_times(question, times_ns, &query.time_count, err), err);
    if (status < 0) {
        return status;
    }
    int64_t first_ns = times_ns[0];
    for (uint32_t i = 1; i < query.time_count; i++) {
        first_ns = times_ns[i] < first_ns ? times_ns[i] : first_ns;
    }
    *ret_first_ns = first_ns;
    if (question->as_json) {
        json_init(&moments.json, out);
        json_object_begin(&moments.json);
        json_key(&moments.json, "items");
        json_array_begin(&moments.json);
    } else {
        buf_put_str(out, STR("tag,time,value,quality,value_time,age_s,interpolated,interrupted\n"));
    }
    status = hist_moments(plant_historian(question->plant), &query, put_moment, &moments, err);
    if (status >= 0 && question->as_json) {
        json_array_end(&moments.json);
        json_object_end(&moments.json);
        buf_put_char(out, '\n');
    }
    return status;
}
