/*
 * What is typed about old values: maru query says what has expired, maru retention what a rule
 * means and takes, and an archive is verified and imported; in words on one side, in JSON on the
 * other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "plant/retention.h"
#include "support_app.h"

#define HOUR_NS (3600 * NS_PER_S)
#define T0      (1700000000 / 3600 * 3600 * NS_PER_S)

struct place {
    char dir[64];
    char home[96];
    char archive[96];
    char segment[300];
    struct home *open;
};

static void place_open(struct place *place, const char *home, struct home **ret_home) {
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", place->dir, home);
    assert_int_equal(home_create(path, STR("main"), STR("공장"), STR("UTC"), NULL), 0);
    struct home_options options = {.dir = path, .exclusive = true};
    assert_int_equal(home_open(&options, ret_home, NULL), 0);
}

static int find_segment(void *context, const char *name, struct err *err) {
    (void)err;
    struct place *place = context;
    if (hist_file_is(name)) {
        (void)snprintf(place->segment, sizeof place->segment, "%.90s/%.64s", place->archive, name);
    }
    return 0;
}

/* Four hours of a value every ten seconds; two went into an archive, of one the roll-ups stayed. */
static void place_init(struct place *place) {
    *place = (struct place){.dir = "/tmp/maru-app-XXXXXX"};
    assert_non_null(mkdtemp(place->dir));
    place_open(place, "home", &place->open);
    (void)snprintf(place->archive, sizeof place->archive, "%.60s/archive", place->dir);
    struct plant *plant = home_plant_at(place->open, 0);
    struct str name = STR("line.temp");
    uint32_t number = 0;
    assert_int_equal(plant_resolve_tags(plant, &name, NULL, 1, &number, NULL, NULL), 0);
    AUTO_BATCH struct batch *batch = batch_new(1440, 0);
    for (int64_t i = 0; i < 1440; i++) {
        struct sample *row = batch_add(batch);
        row->tag = number;
        row->type = TYPE_F64;
        row->time_ns = T0 + i * 10 * NS_PER_S;
        row->value.f64 = (double)i;
    }
    assert_int_equal(plant_submit(plant, &batch, 1, NULL), 0);
    struct hist_ageing tag = {
        .tag = number, .raw_before_ns = T0 + 2 * HOUR_NS, .rollup_before_ns = T0 + HOUR_NS};
    struct hist_age_options options = {.tags = &tag, .count = 1, .archive_dir = place->archive};
    struct hist_age_report report;
    assert_int_equal(hist_age(plant_historian(plant), &options, &report, NULL), 0);
    assert_int_equal(dir_each(place->archive, find_segment, place, NULL), 0);
    char table[200];
    int fd = -1;
    static const char TAGS[] = "number,tag,type,unit\n1,line.temp,f64,\"\"\n";
    (void)snprintf(table, sizeof table, "%s/tags.csv", place->archive);
    assert_int_equal(file_open(files_system(), table, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, table, 0, TAGS, sizeof TAGS - 1, NULL), 0);
    file_close(fd);
}

static void place_fini(struct place *place) {
    home_close(place->open);
    assert_int_equal(dir_remove_all(place->dir, NULL), 0);
}

static void a_question_over_expired_time_is_told_so(void **state) {
    (void)state;
    struct place place;
    struct said said;
    place_init(&place);
    TYPE(place.open, "query", &said, "line.temp", "--from", "2023-11-14T22:00:00Z");
    says(&said, EXIT_DONE, "line.temp: raw values begin at 2023-11-15T00:00:00Z");
    assert_non_null(strstr(said.words, "are left from 2023-11-14T23:00:00Z on"));
    assert_non_null(strstr(said.out, "line.temp,2023-11-15T00:00:00Z,720,good\n"));
    TYPE(place.open, "query", &said, "line.temp"); // All of it: roll-ups show there was more.
    says(&said, EXIT_DONE, "raw values begin");
    TYPE(place.open, "query", &said, "line.temp", "--from", "2023-11-15T00:00:00Z");
    assert_string_equal(said.words, "");
    TYPE(place.open, "query", &said, "line.temp", "--at", "2023-11-14T23:30:00Z");
    says(&said, EXIT_DONE, "raw values begin");
    TYPE(
        place.open, "query", &said, "line.temp", "--every", "1m", "--from", "2023-11-14T23:00:00Z");
    says(&said, EXIT_DONE, "6 buckets were left out");
    TYPE(place.open, "query", &said, "line.temp", "--json", "--from", "2023-11-14T22:00:00Z",
        "--to", "2023-11-15T00:10:00Z");
    json_error_t error;
    json_t *root = json_loads(said.out, 0, &error);
    assert_non_null(root);
    json_t *item = json_array_get(json_object_get(root, "expired"), 0);
    assert_string_equal(
        json_string_value(json_object_get(item, "raw_from")), "2023-11-15T00:00:00Z");
    assert_string_equal(
        json_string_value(json_object_get(item, "rollup_from")), "2023-11-14T23:00:00Z");
    json_decref(root);
    place_fini(&place);
}

static void a_rule_is_said_with_what_it_means(void **state) {
    (void)state;
    struct place place;
    struct said said;
    place_init(&place);
    TYPE(place.open, "retention", &said, "--raw-days", "30", "--rollup-days", "60");
    says(&said, EXIT_DONE, "values are kept 30 days");
    assert_non_null(strstr(said.words, "720 values of 1 tags go")); // 2023 is older than that.
    assert_non_null(strstr(said.words, "today: values "));
    TYPE(place.open, "retention", &said, "--json");
    json_error_t error;
    json_t *root = json_loads(said.out, 0, &error);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "raw_days")), 30);
    assert_int_equal(json_integer_value(json_object_get(root, "gone_rows")), 720);
    assert_true(json_integer_value(json_object_get(root, "rollup_bytes")) > 0);
    json_decref(root);
    TYPE(place.open, "retention", &said, "--raw-days", "36526");
    says(&said, EXIT_USAGE, "days must be a whole number");
    place_fini(&place);
}

static void an_archive_is_verified_and_comes_back(void **state) {
    (void)state;
    struct place place;
    struct said said;
    struct home *other = NULL;
    place_init(&place);
    place_open(&place, "other", &other);
    TYPE(NULL, "verify", &said, place.segment);
    says(&said, EXIT_DONE, "all is well: 1 blocks, 720 rows");
    TYPE(place.open, "import", &said, place.segment);
    says(&said, EXIT_FAILED, "have expired in this plant");
    TYPE(other, "import", &said, place.segment, "--dry-run");
    says(&said, EXIT_DONE, "720 rows of 1 tags are good");
    TYPE(other, "import", &said, place.segment);
    says(&said, EXIT_DONE, "720 rows, 720 stored");
    TYPE(other, "import", &said, place.segment, "--json");
    assert_non_null(strstr(said.out, "\"stored\":0,\"omitted\":720,\"left\":0"));
    TYPE(other, "query", &said, "line.temp", "--agg", "count,sum");
    assert_non_null(strstr(said.out, ",720,258840\n"));
    int fd = -1;
    assert_int_equal(file_open(files_system(), place.segment, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, place.segment, 200, "x!x!", 4, NULL), 0);
    file_close(fd);
    TYPE(NULL, "verify", &said, place.segment);
    says(&said, EXIT_FAILED, "damage found");
    home_close(other);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_over_expired_time_is_told_so),
        cmocka_unit_test(a_rule_is_said_with_what_it_means),
        cmocka_unit_test(an_archive_is_verified_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
