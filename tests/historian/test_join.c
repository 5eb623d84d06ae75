/*
 * Joining against a naive answer that looks at all rows for each cell: grids and leading tags, both
 * ways of picking, ages, lots, texts whose run ends between two moments, refusals.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "historian/join.h"
#include "support_history.h"

enum { TAGS = 4, ROWS_MAX = 400, LOT_TAG = 4 };

struct world {
    struct row rows[TAGS + 1][ROWS_MAX]; // Winning rows by tag, in time order.
    uint32_t counts[TAGS + 1];
};

/* Random rows; tag 3 has whole numbers, tag 4 texts: lots. Times of a tag never repeat. */
static void world_fill(struct world *world, struct random *random, struct historian *historian) {
    memset(world, 0, sizeof *world);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        int64_t now = TEST_T0 + (int64_t)random_below(random, 50);
        uint32_t count = (uint32_t)random_below(random, ROWS_MAX);
        for (uint32_t i = 0; i < count; i++) {
            now += 1 + (int64_t)random_below(random, tag == LOT_TAG ? 300 : 30);
            struct row row = row_f64(tag, now, (double)random_below(random, 1000));
            if (tag == 3) {
                row.type = TYPE_I64;
                row.value.i64 = (int64_t)random_below(random, 5);
            }
            if (tag == LOT_TAG) {
                row.type = TYPE_TEXT;
                (void)snprintf(row.text, sizeof row.text, "L%u", (unsigned)random_below(random, 4));
                row.text[random_below(random, 5) == 0 ? 0 : 2] = '\0';
            }
            row.status = random_below(random, 12) == 0 ? (uint32_t)STATUS_BAD_TIMEOUT : 0;
            world->rows[tag][world->counts[tag]++] = row;
            history_append(historian, &row, 1);
            if (random_below(random, 150) == 0) {
                struct err err = ERR_INIT;
                expect_ok(hist_seal(historian, &err), &err);
            }
        }
    }
}

/* The row a cell must show, or NULL. */
static const struct row *naive(
    const struct world *world, uint32_t tag, int64_t t, enum join_pick pick, int64_t max_age) {
    const struct row *best = NULL;
    for (uint32_t i = 0; i < world->counts[tag]; i++) {
        const struct row *row = &world->rows[tag][i];
        int64_t far = row->time_ns > t ? row->time_ns - t : t - row->time_ns;
        if ((max_age > 0 && far > max_age) || (pick == JOIN_BEFORE && row->time_ns > t)) {
            continue;
        }
        int64_t best_far = best == NULL        ? INT64_MAX
                           : best->time_ns > t ? best->time_ns - t
                                               : t - best->time_ns;
        best = far < best_far ? row : best;
    }
    return best;
}

static void expect_cell(const struct join_cell *cell, const struct row *row) {
    if (row == NULL) {
        assert_int_equal(cell->type, 0);
        assert_false(cell->has_value);
        return;
    }
    assert_int_equal(cell->type, row->type);
    assert_int_equal(cell->time_ns, row->time_ns);
    assert_int_equal(cell->status, row->status);
    if (row->type == TYPE_F64) {
        assert_true(cell->f64 == row->value.f64);
    } else if (row->type == TYPE_I64) {
        assert_int_equal(cell->i64, row->value.i64);
    } else {
        assert_true(str_eq(cell->text, str_of(row->text)));
    }
}

static bool naive_has_lot(const struct world *world, int64_t t, struct str key) {
    const struct row *lot = naive(world, LOT_TAG, t, JOIN_BEFORE, 0);
    return key.size == 0 || (lot != NULL && lot->status == 0 && str_eq(str_of(lot->text), key));
}

static void expect_row(
    const struct world *world, const struct join_options *options, const struct join_row *row) {
    for (uint32_t i = 0; i < options->tag_count; i++) {
        expect_cell(&row->cells[i],
            naive(world, options->tags[i], row->time_ns, options->pick, options->max_age_ns));
    }
    if (options->lot != 0) {
        const struct row *lot = naive(world, LOT_TAG, row->time_ns, JOIN_BEFORE, 0);
        expect_cell(row->lot, lot);
        assert_int_equal(
            row->lot->has_value, lot != NULL && lot->status == 0 && lot->text[0] != '\0');
    }
}

/* The moments in order, by the definition. */
static bool naive_next(const struct world *world, const struct join_options *options, int64_t *t) {
    int64_t found = INT64_MAX;
    if (options->lead == 0) {
        int64_t step = options->every_ns;
        int64_t first = *t == INT64_MIN ? options->from_ns : *t + 1;
        found = (first + step - 1) / step * step;
    }
    for (uint32_t i = 0; options->lead != 0 && i < world->counts[options->lead]; i++) {
        int64_t time = world->rows[options->lead][i].time_ns;
        found = time >= options->from_ns && time > *t && time < found ? time : found;
    }
    *t = found;
    return found < options->to_ns;
}

static void compare(
    const struct world *world, struct historian *historian, const struct join_options *options) {
    struct join *join = NULL;
    struct join_row row;
    struct err err = ERR_INIT;
    expect_ok(join_open(historian, options, &join, &err), &err);
    int64_t t = INT64_MIN;
    while (naive_next(world, options, &t)) {
        if (options->lot != 0 && !naive_has_lot(world, t, options->lot_key)) {
            continue;
        }
        assert_int_equal(join_next(join, &row, &err), 1);
        assert_int_equal(row.time_ns, t);
        expect_row(world, options, &row);
    }
    assert_int_equal(join_next(join, &row, &err), 0);
    join_close(join);
}

/* */
static void joined_rows_are_those_of_the_definition(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        char dir[128];
        folder_new(dir);
        struct historian *historian = history_open(dir, NULL);
        struct random random;
        random_seed(&random, seed);
        static struct world world;
        world_fill(&world, &random, historian);
        static const uint32_t ALL[] = {2, 1, 3, 4};
        static const char *const KEYS[] = {"", "L0", "L3", "none"};
        for (int i = 0; i < 60; i++) {
            struct join_options options = {.tags = ALL,
                .tag_count = 1 + (uint32_t)random_below(&random, 4),
                .from_ns = TEST_T0 + (int64_t)random_below(&random, 4000),
                .pick = random_below(&random, 2) == 0 ? JOIN_BEFORE : JOIN_NEAREST,
                .max_age_ns =
                    random_below(&random, 2) == 0 ? 0 : (int64_t)random_below(&random, 90),
                .lot = random_below(&random, 2) == 0 ? 0 : LOT_TAG,
                .lot_key = str_of(KEYS[random_below(&random, 4)])};
            options.to_ns = options.from_ns + (int64_t)random_below(&random, 6000);
            if (random_below(&random, 2) == 0) {
                options.lead = 1 + (uint32_t)random_below(&random, TAGS);
            } else {
                options.every_ns = 1 + (int64_t)random_below(&random, 200);
            }
            compare(&world, historian, &options);
        }
        hist_close(historian);
        folder_remove(dir);
    }
}

static void the_value_in_force_at_the_begin_may_be_years_old(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    struct row old = row_f64(1, TEST_T0 - 5 * 366 * 86400 * NS_PER_S, 7);
    history_append(historian, &old, 1);
    const uint32_t tag = 1;
    struct join_options options = {
        .tags = &tag, .tag_count = 1, .from_ns = TEST_T0, .to_ns = TEST_T0 + 1, .every_ns = 1};
    struct err err = ERR_INIT;
    struct join *join = NULL;
    struct join_row row;
    expect_ok(join_open(historian, &options, &join, &err), &err);
    assert_int_equal(join_next(join, &row, &err), 1);
    assert_true(row.cells[0].has_value && row.cells[0].f64 == 7);
    join_close(join);
    hist_close(historian);
    folder_remove(dir);
}

static void what_cannot_be_joined_is_refused_in_words(void **state) {
    (void)state;
    char dir[128];
    folder_new(dir);
    struct historian *historian = history_open(dir, NULL);
    const uint32_t tag = 1;
    const struct join_options good = {
        .tags = &tag, .tag_count = 1, .from_ns = 0, .to_ns = 1000, .every_ns = 1};
    struct join_options cases[5] = {good, good, good, good, good};
    cases[0].tag_count = JOIN_TAGS_MAX + 1;
    cases[1].lead = 1; // And a grid.
    cases[2].every_ns = 0;
    cases[3].to_ns = INT64_MAX;
    cases[4].to_ns = JOIN_POINTS_MAX; // One too many: 0 and the end.
    cases[4].to_ns += 1;
    static const int CODES[] = {-ERR_LIMIT, -ERR_INVALID, -ERR_INVALID, -ERR_INVALID, -ERR_LIMIT};
    for (int i = 0; i < 5; i++) {
        struct err err = ERR_INIT;
        struct join *join = NULL;
        assert_int_equal(join_open(historian, &cases[i], &join, &err), CODES[i]);
        assert_true(err.note_count > 0);
        assert_null(join);
    }
    hist_close(historian);
    folder_remove(dir);
}

static void texts_that_a_spreadsheet_would_run_are_made_harmless(void **state) {
    (void)state;
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    struct join_cell cells[2] = {
        {.has_value = true, .type = TYPE_TEXT, .text = STR("=1+1,\"x\"")}, {.text = STR_NONE}};
    struct join_cell lot = {.has_value = true, .type = TYPE_TEXT, .text = STR("L1")};
    struct join_row row = {.time_ns = 0, .cells = cells, .lot = &lot};
    static const struct str NAMES[2] = {{"a", 1}, {"b.c", 3}};
    struct join_text csv = {.out = &out, .tag_count = 2, .with_lot = true};
    join_text_head(&csv, NAMES);
    join_text_row(&csv, &row);
    join_text_foot(&csv);
    assert_string_equal(
        buf_z(&out), "time,a,b.c,lot\n1970-01-01T00:00:00Z,\"'=1+1,\"\"x\"\"\",,L1\n");
    buf_clear(&out);
    struct join_text json = {.out = &out, .tag_count = 2, .with_lot = true, .as_json = true};
    join_text_head(&json, NAMES);
    join_text_row(&json, &row);
    join_text_row(&json, &row);
    join_text_foot(&json);
    assert_string_equal(buf_z(&out),
        "{\"columns\":[\"time\",\"a\",\"b.c\",\"lot\"],\"rows\":["
        "[\"1970-01-01T00:00:00Z\",\"=1+1,\\\"x\\\"\",null,\"L1\"],"
        "[\"1970-01-01T00:00:00Z\",\"=1+1,\\\"x\\\"\",null,\"L1\"]]}\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined_rows_are_those_of_the_definition),
        cmocka_unit_test(the_value_in_force_at_the_begin_may_be_years_old),
        cmocka_unit_test(what_cannot_be_joined_is_refused_in_words),
        cmocka_unit_test(texts_that_a_spreadsheet_would_run_are_made_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
