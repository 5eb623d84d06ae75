/*
 * What was written by line protocol comes back raw, in buckets, as CSV, as series, page by page.
 */
#include "support_server.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

static struct rig rig;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    rig_write(&rig,
        "line1.press1 temp=20.5,strokes=1i,running=t,recipe=\"첫째, \\\"A\\\"\" 1000\n"
        "line1.press1 temp=21.5,strokes=2i,running=f,recipe=\"B\" 2000\n"
        "line1.press1 temp=22.5,strokes=4i,running=t,recipe=\"B\" 61000\n",
        204);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static json_t *parse(const struct answer *answer) {
    json_error_t error;
    json_t *root = json_loadb((const char *)answer->body.data, answer->body.size, 0, &error);
    if (!root) {
        fail_msg("no JSON: %s", error.text);
    }
    return root;
}

static void csv_gives_all_types_and_quotes_text(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_get(&rig,
        "/api/v1/plants/p1/samples?tag=line1.press1.recipe&tag=line1.press1.temp"
        "&tag=line1.press1.running&tag=line1.press1.strokes&format=csv&to=1970-01-01T00:00:02Z",
        200, &answer);
    assert_string_equal(buf_z(&answer.body),
        "tag,time,value,quality\n"
        "line1.press1.recipe,1970-01-01T00:00:01Z,\"첫째, \"\"A\"\"\",good\n"
        "line1.press1.temp,1970-01-01T00:00:01Z,20.5,good\n"
        "line1.press1.running,1970-01-01T00:00:01Z,true,good\n"
        "line1.press1.strokes,1970-01-01T00:00:01Z,1,good\n");
    assert_true(str_starts(answer_header(&answer, "Content-Type"), STR("text/csv")));
}

static void pages_by_cursor_neither_skip_nor_repeat(void **state) {
    (void)state;
    char target[256] =
        "/api/v1/plants/p1/samples?tag=line1.press1.temp&tag=line1.press1.strokes&limit=1";
    char seen[6][64];
    int count = 0;
    for (;;) {
        AUTO_ANSWER struct answer answer;
        rig_get(&rig, target, 200, &answer);
        json_t *root = parse(&answer);
        json_t *row = json_array_get(json_object_get(root, "items"), 0);
        if (row) {
            assert_true(count < 6);
            (void)snprintf(seen[count++], sizeof seen[0], "%s %s",
                json_string_value(json_object_get(row, "tag")),
                json_string_value(json_object_get(row, "time")));
        }
        json_t *next = json_object_get(root, "next");
        bool more = json_is_string(next);
        if (more) {
            (void)snprintf(target, sizeof target,
                "/api/v1/plants/p1/samples?tag=line1.press1.temp&tag=line1.press1.strokes&limit=1"
                "&cursor=%s",
                json_string_value(next));
        }
        json_decref(root);
        if (!more) {
            break;
        }
    }
    assert_int_equal(count, 6);
    assert_string_equal(seen[0], "line1.press1.temp 1970-01-01T00:00:01Z");
    assert_string_equal(seen[2], "line1.press1.temp 1970-01-01T00:01:01Z");
    assert_string_equal(seen[3], "line1.press1.strokes 1970-01-01T00:00:01Z");
    assert_string_equal(seen[5], "line1.press1.strokes 1970-01-01T00:01:01Z");
}

static void buckets_have_the_aggregates_in_the_order_asked(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_get(&rig,
        "/api/v1/plants/p1/"
        "samples?tag=line1.press1.temp&every=1m&agg=count,max,avg,first,last,sum,min"
        "&format=csv&tz=Asia/Seoul",
        200, &answer);
    assert_string_equal(buf_z(&answer.body),
        "tag,time,count,max,avg,first,last,sum,min\n"
        "line1.press1.temp,1970-01-01T09:00:00+09:00,2,21.5,21,20.5,21.5,42,20.5\n"
        "line1.press1.temp,1970-01-01T09:01:00+09:00,1,22.5,22.5,22.5,22.5,22.5,22.5\n");
}

static void measures_are_told_beside_the_covered_time(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_get(&rig,
        "/api/v1/plants/p1/samples?tag=line1.press1.temp&tag=line1.press1.strokes"
        "&from=1970-01-01T00:00:00Z&to=1970-01-01T00:02:00Z&every=1m&format=csv"
        "&agg=time_avg,increase,resets,p50,stddev",
        200, &answer);
    assert_string_equal(buf_z(&answer.body),
        "tag,time,time_avg,covered_s,increase,resets,p50,stddev\n"
        "line1.press1.temp,1970-01-01T00:00:00Z,21.483050847457626,59,1,0,21,0.7071067811865476\n"
        "line1.press1.temp,1970-01-01T00:01:00Z,22.483333333333334,60,1,0,22.5,\n"
        "line1.press1.strokes,1970-01-01T00:00:00Z,1.9830508474576272,59,1,0,1.5,"
        "0.7071067811865476\n"
        "line1.press1.strokes,1970-01-01T00:01:00Z,3.966666666666667,60,2,0,4,\n");
}

static void bad_rows_are_counted_beside_the_good_ones(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_get(&rig,
        "/api/v1/plants/p1/samples?tag=line1.press1.temp&every=1m&format=csv&agg=bad,count"
        "&from=1970-01-01T00:00:00Z&to=1970-01-01T00:01:00Z",
        200, &answer);
    assert_string_equal(
        buf_z(&answer.body), "tag,time,bad,count\nline1.press1.temp,1970-01-01T00:00:00Z,0,2\n");
}

/* One bucket a page; put together they are what one answer gives, also inside a fill. */
static void filled_pages_are_those_of_one_answer(void **state) {
    (void)state;
    static const char *const FILLS[] = {"null", "previous", "linear"};
    for (size_t f = 0; f < sizeof FILLS / sizeof FILLS[0]; f++) {
        char base[320];
        (void)snprintf(base, sizeof base,
            "/api/v1/plants/p1/samples?tag=line1.press1.temp&tag=line1.press1.recipe&every=7s"
            "&from=1969-12-31T23:59:50Z&to=1970-01-01T00:01:30Z&agg=avg,p50,time_avg,count&fill=%s",
            FILLS[f]);
        AUTO_ANSWER struct answer whole;
        rig_get(&rig, base, 200, &whole);
        json_t *all = parse(&whole);
        json_t *items = json_object_get(all, "items");
        assert_int_equal(json_array_size(items), 30);
        char target[512];
        (void)snprintf(target, sizeof target, "%s&limit=1", base);
        for (size_t i = 0; i < 30; i++) {
            AUTO_ANSWER struct answer page;
            rig_get(&rig, target, 200, &page);
            json_t *root = parse(&page);
            json_t *got = json_array_get(json_object_get(root, "items"), 0);
            if (!json_equal(got, json_array_get(items, i))) {
                fail_msg("%s, item %zu: %s", FILLS[f], i, buf_z(&page.body));
            }
            const char *next = json_string_value(json_object_get(root, "next"));
            assert_int_equal(next != NULL, i < 29);
            (void)snprintf(target, sizeof target, "%s&limit=1&cursor=%s", base, next ? next : "");
            json_decref(root);
        }
        json_decref(all);
    }
}

static void moments_tell_value_and_age(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_get(&rig,
        "/api/v1/plants/p1/moments?tag=line1.press1.temp&tag=line1.press1.recipe"
        "&time=1970-01-01T00:00:31.5Z&time=1970-01-01T00:00:00Z&interpolate=linear",
        200, &answer);
    assert_string_equal(buf_z(&answer.body),
        "{\"items\":[{\"tag\":\"line1.press1.temp\",\"time\":\"1970-01-01T00:00:31.500Z\","
        "\"value\":22,\"quality\":\"good\",\"status\":0,\"value_time\":"
        "\"1970-01-01T00:00:02Z\",\"age_ms\":29500,\"interpolated\":true,"
        "\"interrupted\":false},"
        "{\"tag\":\"line1.press1.temp\",\"time\":\"1970-01-01T00:00:00Z\",\"value\":null,"
        "\"quality\":null,\"status\":null,\"value_time\":null,\"age_ms\":null,"
        "\"interpolated\":false,\"interrupted\":false},"
        "{\"tag\":\"line1.press1.recipe\",\"time\":\"1970-01-01T00:00:31.500Z\","
        "\"value\":\"B\",\"quality\":\"good\",\"status\":0,\"value_time\":"
        "\"1970-01-01T00:00:02Z\",\"age_ms\":29500,\"interpolated\":false,"
        "\"interrupted\":false},"
        "{\"tag\":\"line1.press1.recipe\",\"time\":\"1970-01-01T00:00:00Z\",\"value\":null,"
        "\"quality\":null,\"status\":null,\"value_time\":null,\"age_ms\":null,"
        "\"interpolated\":false,\"interrupted\":false}]}");
}

static void buckets_go_on_behind_the_cursor(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, "/api/v1/plants/p1/samples?tag=line1.press1.temp&every=1m&agg=count&limit=1", 200,
        &answer);
    json_t *root = parse(&answer);
    const char *next = json_string_value(json_object_get(root, "next"));
    assert_non_null(next);
    char target[256];
    (void)snprintf(target, sizeof target,
        "/api/v1/plants/p1/samples?tag=line1.press1.temp&every=1m&agg=count&limit=1&cursor=%s",
        next);
    json_decref(root);
    AUTO_ANSWER struct answer second;
    rig_get(&rig, target, 200, &second);
    assert_string_equal(buf_z(&second.body), "{\"items\":[{\"tag\":\"line1.press1.temp\",\"time\":"
                                             "\"1970-01-01T00:01:00Z\",\"count\":1}],"
                                             "\"next\":null}");
}

static void series_is_raw_when_it_fits_and_null_in_gaps(void **state) {
    (void)state;
    AUTO_ANSWER struct answer answer;
    rig_get(&rig,
        "/api/v1/plants/p1/series?tag=line1.press1.temp&tag=line1.press1.recipe"
        "&from=1970-01-01T00:00:00Z&to=1970-01-01T01:00:00Z",
        200, &answer);
    json_t *root = parse(&answer);
    json_t *first = json_array_get(json_object_get(root, "series"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "every_ms")), 0);
    assert_int_equal(json_array_size(json_object_get(first, "t")), 3);
    json_t *recipe = json_array_get(json_object_get(root, "series"), 1);
    assert_int_equal(json_array_size(json_object_get(recipe, "v")), 2); // Changes only.
    json_decref(root);
}

static void series_of_many_rows_is_thinned_to_the_points_asked(void **state) {
    (void)state;
    struct buf lines;
    buf_init(&lines, 1 << 22);
    for (int i = 0; i < 20000; i++) {
        int gap = i >= 10000 ? 3600000 : 0; // An hour without values in the middle.
        buf_printf(&lines, "many value=%d.25 %d\n", i % 100, 1000000 + i * 1000 + gap);
    }
    rig_write(&rig, buf_z(&lines), 204);
    buf_fini(&lines);
    AUTO_ANSWER struct answer answer;
    rig_get(&rig,
        "/api/v1/plants/p1/"
        "series?tag=many&from=1970-01-01T00:00:00Z&to=1970-01-02T00:00:00Z&points=300",
        200, &answer);
    json_t *root = parse(&answer);
    json_t *series = json_array_get(json_object_get(root, "series"), 0);
    size_t count = json_array_size(json_object_get(series, "t"));
    assert_in_range(count, 100, 300);
    assert_true(json_integer_value(json_object_get(series, "every_ms")) > 0);
    size_t nulls = 0;
    for (size_t i = 0; i < count; i++) {
        nulls += json_is_null(json_array_get(json_object_get(series, "avg"), i));
    }
    assert_int_equal(nulls, 1);
    assert_int_equal(json_array_size(json_object_get(series, "min")), count);
    json_decref(root);
}

/* */
static void long_csv_is_streamed_whole(void **state) {
    (void)state;
    struct buf lines;
    buf_init(&lines, 1 << 24);
    for (int i = 0; i < 200000; i++) {
        buf_printf(&lines, "long value=%d %d\n", i, i * 10);
    }
    rig_write(&rig, buf_z(&lines), 204);
    buf_fini(&lines);
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, "/api/v1/plants/p1/samples?tag=long&format=csv", 200, &answer);
    size_t rows = 0;
    for (size_t i = 0; i < answer.body.size; i++) {
        rows += answer.body.data[i] == '\n';
    }
    assert_int_equal(rows, 200001);
    assert_true(
        str_ends(buf_str(&answer.body), STR("long,1970-01-01T00:33:19.990Z,199999,good\n")));
}

/* A row of a device: `seconds` after 1970, of a tag of the rig. */
static struct sample *device_row(struct batch *batch, const char *name, int64_t seconds) {
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    const struct tag *tag = catalogue_find(catalogue, str_of(name));
    assert_non_null(tag);
    struct sample *row = batch_add(batch);
    row->tag = tag->number;
    row->type = (uint8_t)tag->type;
    row->time_ns = seconds * NS_PER_S;
    catalogue_unref(catalogue);
    return row;
}

/* What a device that was lost leaves: rows without a value, and two with a bad one. */
static void lose_device(void) {
    AUTO_BATCH struct batch *batch = batch_new(16, 64);
    static const char *const TAGS[] = {
        "line1.press1.strokes", "line1.press1.running", "line1.press1.recipe"};
    for (size_t i = 0; i < sizeof TAGS / sizeof TAGS[0]; i++) {
        device_row(batch, TAGS[i], 100)->status = (uint32_t)STATUS_BAD_TIMEOUT;
    }
    struct sample *temp = device_row(batch, "line1.press1.temp", 98);
    temp->status = (uint32_t)STATUS_BAD_OUT_OF_RANGE;
    temp->value.f64 = 900.5;
    temp = device_row(batch, "line1.press1.temp", 99);
    temp->status = (uint32_t)STATUS_BAD_SENSOR_FAILURE;
    temp->value.f64 = (double)NAN;
    temp = device_row(batch, "line1.press1.temp", 100);
    temp->status = (uint32_t)STATUS_BAD_NO_DATA;
    temp->value.f64 = (double)NAN;
    struct err err = ERR_INIT;
    assert_int_equal(plant_submit(rig.plant, &batch, 1, &err), 0);
}

static void rows_without_a_value_are_null_and_not_zero(void **state) {
    (void)state;
    lose_device();
#define ALL                                                                                        \
    "tag=line1.press1.temp&tag=line1.press1.strokes&tag=line1.press1.running"                      \
    "&tag=line1.press1.recipe&from=1970-01-01T00:01:38Z&to=1970-01-01T00:02:00Z"
    AUTO_ANSWER struct answer csv;
    rig_get(&rig, "/api/v1/plants/p1/samples?format=csv&" ALL, 200, &csv);
    assert_string_equal(buf_z(&csv.body), "tag,time,value,quality\n"
                                          "line1.press1.temp,1970-01-01T00:01:38Z,900.5,bad\n"
                                          "line1.press1.temp,1970-01-01T00:01:39Z,,bad\n"
                                          "line1.press1.temp,1970-01-01T00:01:40Z,,bad\n"
                                          "line1.press1.strokes,1970-01-01T00:01:40Z,,bad\n"
                                          "line1.press1.running,1970-01-01T00:01:40Z,,bad\n"
                                          "line1.press1.recipe,1970-01-01T00:01:40Z,,bad\n");
    AUTO_ANSWER struct answer json;
    rig_get(&rig, "/api/v1/plants/p1/samples?" ALL, 200, &json);
    json_t *root = parse(&json);
    json_t *items = json_object_get(root, "items");
    assert_int_equal(json_array_size(items), 6);
    for (size_t i = 0; i < 6; i++) {
        json_t *value = json_object_get(json_array_get(items, i), "value");
        assert_int_equal(json_is_null(value), i != 0);
    }
    json_decref(root);
    AUTO_ANSWER struct answer series;
    rig_get(&rig, "/api/v1/plants/p1/series?" ALL, 200, &series);
    assert_non_null(strstr(buf_z(&series.body), "\"v\":[null,null,null]"));
    assert_null(strstr(buf_z(&series.body), "\"v\":[\"\"]")); // Of the recipe: null, no text.
#undef ALL
    AUTO_ANSWER struct answer tags;
    rig_get(&rig, "/api/v1/plants/p1/tags", 200, &tags);
    root = parse(&tags);
    items = json_object_get(root, "items");
    for (size_t i = 0; i < 4; i++) {
        json_t *tag = json_array_get(items, i);
        assert_true(json_is_null(json_object_get(tag, "value")));
        assert_string_equal(json_string_value(json_object_get(tag, "quality")), "bad");
    }
    json_decref(root);
}

static void texts_are_counted_and_have_no_other_aggregate(void **state) {
    (void)state;
    AUTO_ANSWER struct answer csv;
    rig_get(&rig,
        "/api/v1/plants/p1/samples?tag=line1.press1.recipe&every=1m"
        "&agg=avg,min,max,sum,count,first,last&format=csv&to=1970-01-01T00:01:00Z",
        200, &csv);
    assert_string_equal(buf_z(&csv.body), "tag,time,avg,min,max,sum,count,first,last\n"
                                          "line1.press1.recipe,1970-01-01T00:00:00Z,,,,,2,,\n");
    AUTO_ANSWER struct answer json;
    rig_get(&rig,
        "/api/v1/plants/p1/samples?tag=line1.press1.recipe&every=1m"
        "&agg=avg,count,last&to=1970-01-01T00:01:00Z",
        200, &json);
    assert_non_null(strstr(buf_z(&json.body), "\"avg\":null,\"count\":2,\"last\":null}"));
}

static void an_offset_whose_plus_became_a_blank_is_understood(void **state) {
    (void)state;
    static const char *const TIMES[] = {
        "from=1970-01-01T09:00:02+09:00&to=1970-01-01T09:00:03+09:00",
        "from=1970-01-01T09:00:02%2B09:00&to=1970-01-01T09:00:03%2B09:00",
        "from=1970-01-01T09:00:02%2009:00&to=1970-01-01T09:00:03.5+09:00",
        "from=1970-01-01T00:00:02Z&to=1970-01-01T00:00:02.9%2B00:00",
    };
    for (size_t i = 0; i < sizeof TIMES / sizeof TIMES[0]; i++) {
        char target[256];
        (void)snprintf(target, sizeof target,
            "/api/v1/plants/p1/samples?format=csv&tag=line1.press1.strokes&%s", TIMES[i]);
        AUTO_ANSWER struct answer answer;
        rig_get(&rig, target, 200, &answer);
        assert_string_equal(buf_z(&answer.body),
            "tag,time,value,quality\nline1.press1.strokes,1970-01-01T00:00:02Z,2,good\n");
    }
    AUTO_ANSWER struct answer tag; // Elsewhere a plus stays a blank.
    rig_ask(&rig, "GET", "/api/v1/plants/p1/samples?tag=a+09:00", rig.viewer, STR_NONE, &tag);
    assert_non_null(strstr(buf_z(&tag.body), "\\\"a 09:00\\\""));
}

static void bad_parameters_are_refused_in_words(void **state) {
    (void)state;
    static const struct {
        const char *query;
        const char *words;
    } CASES[] = {
        {"", "parameter \\\"tag\\\" is missing"},
        {"?tag=line1.press1.temp&colour=red", "\\\"colour\\\" is not known"},
        {"?tag=line1.press1.temp&limit=0", "from 1 to"},
        {"?tag=line1.press1.temp&limit=5&limit=6", "once only"},
        {"?tag=line1.press1.temp&limit=x", "number"},
        {"?tag=line1.press1.temp&from=yesterday", "time was expected"},
        {"?tag=line1.press1.temp&every=fast", "duration"},
        {"?tag=line1.press1.temp&agg=avg", "interpolate need every"},
        {"?tag=line1.press1.temp&every=1m&agg=median", "not one of"},
        {"?tag=line1.press1.temp&every=1m&versions=1", "versions"},
        {"?tag=line1.press1.temp&every=1m&agg=p101", "0 to 100"},
        {"?tag=line1.press1.temp&every=1m&fill=zero", "not one of"},
        {"?tag=line1.press1.temp&every=1m&fill=null", "begin and an end"},
        {"?tag=line1.press1.temp&fill=null", "need every"},
        {"?tag=line1.press1.temp&format=xml", "not one of"},
        {"?tag=line1.press1.temp&cursor=7", "cursor"},
        {"?tag=line1.press1.temp&cursor=9:0:1", "cursor"},
        {"?tag=line1.press1.temp&from=%zz", "hexadecimal"},
        {"?tag=line1.press1.temp&from=%00", "control"},
        {"?tag=line1.press1.temp&tz=Moon/Base", "time zone"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char target[256];
        (void)snprintf(target, sizeof target, "/api/v1/plants/p1/samples%s", CASES[i].query);
        AUTO_ANSWER struct answer answer;
        rig_ask(&rig, "GET", target, rig.viewer, STR_NONE, &answer);
        bool told = strstr(buf_z(&answer.body), CASES[i].words) != NULL;
        if ((answer.status != 400 && answer.status != 404) || !told) {
            fail_msg("%s: %d %s", target, answer.status, buf_z(&answer.body));
        }
    }
    AUTO_ANSWER struct answer answer;
    rig_get(&rig, "/api/v1/plants/p1/samples?tag=nobody", 404, &answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_gives_all_types_and_quotes_text),
        cmocka_unit_test(pages_by_cursor_neither_skip_nor_repeat),
        cmocka_unit_test(buckets_have_the_aggregates_in_the_order_asked),
        cmocka_unit_test(measures_are_told_beside_the_covered_time),
        cmocka_unit_test(bad_rows_are_counted_beside_the_good_ones),
        cmocka_unit_test(filled_pages_are_those_of_one_answer),
        cmocka_unit_test(moments_tell_value_and_age),
        cmocka_unit_test(buckets_go_on_behind_the_cursor),
        cmocka_unit_test(series_is_raw_when_it_fits_and_null_in_gaps),
        cmocka_unit_test(series_of_many_rows_is_thinned_to_the_points_asked),
        cmocka_unit_test(long_csv_is_streamed_whole),
        cmocka_unit_test(bad_parameters_are_refused_in_words),
        cmocka_unit_test(texts_are_counted_and_have_no_other_aggregate),
        cmocka_unit_test(an_offset_whose_plus_became_a_blank_is_understood),
        cmocka_unit_test(rows_without_a_value_are_null_and_not_zero),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
