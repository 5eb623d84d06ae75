/*
 * The line protocol: names, values, times, errors with their places, and that what the parser
 * learned never changes what a line means.
 */
#include "wire/line_protocol.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/random.h"

enum { BATCHES = 4 };

struct world {
    struct line_parser *parser;
    struct batch *batches[BATCHES];
    uint32_t used;
    uint32_t batch_limit;
    uint32_t finds;
};

/* Known tags: old.f old.i old.b old.t with numbers 1..4; all others are new. */
static bool find(void *context, struct str name, uint32_t *ret_tag, enum value_type *ret_type) {
    static const char *const NAMES[] = {"old.f", "old.i", "old.b", "old.t"};
    struct world *world = context;
    world->finds++;
    for (uint32_t i = 0; i < 4; i++) {
        if (str_eq(name, str_of(NAMES[i]))) {
            *ret_tag = i + 1;
            *ret_type = (enum value_type)(i + 1);
            return true;
        }
    }
    return false;
}

static struct batch *next(void *context) {
    struct world *world = context;
    if (world->used == world->batch_limit) {
        return NULL;
    }
    struct batch *batch = world->batches[world->used++];
    batch_clear(batch);
    return batch;
}

static int open_world(void **state) {
    struct world *world = MEM_NEW(struct world);
    world->parser = line_parser_new();
    world->batch_limit = BATCHES;
    for (int i = 0; i < BATCHES; i++) {
        world->batches[i] = batch_new(8, 16384);
    }
    *state = world;
    return 0;
}

static int close_world(void **state) {
    struct world *world = *state;
    for (int i = 0; i < BATCHES; i++) {
        batch_free(world->batches[i]);
    }
    line_parser_free(world->parser);
    mem_free(world);
    return 0;
}

static int64_t parse_sized(struct world *world, const char *data, size_t size) {
    struct err err = ERR_INIT;
    struct line_options options = {.unit_ns = 1000000,
        .now_ns = 77,
        .owner = world,
        .context = world,
        .find = find,
        .next = next};
    world->used = 0;
    return line_parse(world->parser, &options, (struct str){data, size}, &err);
}

static int64_t parse(struct world *world, const char *text) {
    return parse_sized(world, text, strlen(text));
}

static const struct sample *row(const struct world *world, uint32_t index) {
    for (uint32_t i = 0; i < world->used; i++) {
        if (index < world->batches[i]->count) {
            return &world->batches[i]->rows[index];
        }
        index -= world->batches[i]->count;
    }
    fail_msg("no row");
    return NULL;
}

static struct str pending_name(const struct world *world, uint32_t index) {
    assert_true(index < line_pending_count(world->parser));
    return line_pending(world->parser, index).name;
}

static void names_are_measurement_tags_by_key_and_field(void **state) {
    struct world *world = *state;
    static const struct {
        const char *line;
        const char *name;
    } CASES[] = {
        {"m value=1", "m"},
        {"m f=1", "m.f"},
        {"m,b=two,a=one f=1", "m.one.two.f"},
        {"m,a=one,b=two value=1", "m.one.two"},
        {"line1.press1 temp=1", "line1.press1.temp"},
        {"a-b_c,K=X9 v=1 5", "a-b_c.X9.v"},
        {"m    f=1   5   ", "m.f"},
        {"m f=1\r\n", "m.f"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(parse(world, CASES[i].line), 0);
        assert_int_equal(line_pending_count(world->parser), 1);
        assert_true(str_eq(pending_name(world, 0), str_of(CASES[i].name)));
    }
}

static void values_of_all_types_are_exact(void **state) {
    struct world *world = *state;
    static const struct {
        const char *text;
        enum value_type type;
        double f64;
        int64_t i64;
    } CASES[] = {
        {"1", TYPE_F64, 1, 0},
        {"-1.5", TYPE_F64, -1.5, 0},
        {"+2.5", TYPE_F64, 2.5, 0},
        {".5", TYPE_F64, 0.5, 0},
        {"3.", TYPE_F64, 3, 0},
        {"0.1", TYPE_F64, 0.1, 0},
        {"1e3", TYPE_F64, 1000, 0},
        {"1E-3", TYPE_F64, 0.001, 0},
        {"123456789012345678901", TYPE_F64, 123456789012345678901.0, 0},
        {"9007199254740993", TYPE_F64, 9007199254740992.0, 0}, // Ties to even.
        {"1.7976931348623157e308", TYPE_F64, 1.7976931348623157e308, 0},
        {"5e-324", TYPE_F64, 5e-324, 0},
        {"0.000000000000000000000000123", TYPE_F64, 1.23e-25, 0},
        {"12i", TYPE_I64, 0, 12},
        {"-9223372036854775808i", TYPE_I64, 0, INT64_MIN},
        {"9223372036854775807i", TYPE_I64, 0, INT64_MAX},
        {"7u", TYPE_I64, 0, 7},
        {"t", TYPE_BOOL, 0, 1},
        {"FALSE", TYPE_BOOL, 0, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char line[128] = "m value=";
        (void)str_copy_z(str_of(CASES[i].text), line + 8, sizeof line - 8);
        assert_int_equal(parse(world, line), 0);
        const struct sample *got = row(world, 0);
        assert_int_equal(got->type, CASES[i].type);
        if (CASES[i].type == TYPE_F64) {
            assert_memory_equal(&got->value.f64, &CASES[i].f64, sizeof(double));
        } else {
            assert_int_equal(got->value.i64, CASES[i].i64);
        }
    }
}

static void text_is_unescaped_and_may_hold_line_breaks(void **state) {
    struct world *world = *state;
    assert_int_equal(parse(world, "m value=\"a \\\"b\\\" \\\\ \\n, =한\n둘\" 5\nn value=x\n"), 1);
    const struct line_error *errors = NULL;
    assert_int_equal(line_errors(world->parser, &errors), 1);
    assert_int_equal(errors[0].line, 3); // The break inside the text counts.
    assert_int_equal(parse(world, "m value=\"a \\\"b\\\" \\\\ \\n, =한\n둘\" 5"), 0);
    struct str text = batch_text(world->batches[0], row(world, 0));
    assert_true(str_eq(text, STR("a \"b\" \\ \\n, =한\n둘")));
    assert_int_equal(row(world, 0)->time_ns, 5000000);
}

static void times_scale_by_precision_and_default_to_now(void **state) {
    struct world *world = *state;
    assert_int_equal(parse(world, "m value=1 5\nm value=2\nm f=1,g=2 7"), 0);
    assert_int_equal(row(world, 0)->time_ns, 5000000);
    assert_int_equal(row(world, 0)->flags, SAMPLE_SOURCE_TIME);
    assert_int_equal(row(world, 1)->time_ns, 77);
    assert_int_equal(row(world, 1)->flags, 0);
    assert_int_equal(row(world, 2)->time_ns, 7000000);
    assert_int_equal(row(world, 3)->time_ns, 7000000);
}

static void times_from_1970_to_a_day_ahead_are_taken(void **state) {
    struct world *world = *state;
    assert_int_equal(parse(world, "m value=1 0\nm value=2 86400000\nm value=3 -0"), 0);
    assert_int_equal(row(world, 0)->time_ns, 0);
    assert_int_equal(row(world, 1)->time_ns, SAMPLE_AHEAD_MAX_NS);
}

static void bad_lines_are_all_named_with_place_and_words(void **state) {
    struct world *world = *state;
    static const struct {
        const char *text;
        uint64_t line;
        uint64_t column;
        enum msg_id msg;
    } CASES[] = {
        {",a=b v=1", 1, 1, MSG_LINE_MEASUREMENT},
        {"\n\nm", 3, 2, MSG_LINE_FIELD_EXPECTED},
        {"m ", 1, 3, MSG_LINE_FIELD_EXPECTED},
        {"m v", 1, 3, MSG_LINE_FIELD_EXPECTED},
        {"m v=", 1, 5, MSG_LINE_VALUE},
        {"m v=x", 1, 5, MSG_LINE_VALUE},
        {"m v=1x", 1, 5, MSG_LINE_VALUE},
        {"m v=--1", 1, 5, MSG_LINE_VALUE},
        {"m v=1e", 1, 5, MSG_LINE_VALUE},
        {"m v=.", 1, 5, MSG_LINE_VALUE},
        {"m v=nan", 1, 5, MSG_LINE_VALUE},
        {"m v=inf", 1, 5, MSG_LINE_VALUE},
        {"m v=-1u", 1, 5, MSG_LINE_VALUE},
        {"m v=9223372036854775808i", 1, 5, MSG_NUMBER_RANGE},
        {"m v=1e400", 1, 5, MSG_NUMBER_RANGE},
        {"m v=1,", 1, 7, MSG_LINE_FIELD_EXPECTED},
        {"m v=\"a", 1, 5, MSG_LINE_QUOTE},
        {"m v=\"a\"b", 1, 8, MSG_LINE_AFTER_VALUE},
        {"m v=\"\xff\"", 1, 5, MSG_TEXT_NOT_UTF8},
        {"m v=1 5x", 1, 7, MSG_LINE_TIME},
        {"m v=1 1.5", 1, 7, MSG_LINE_TIME},
        {"m v=1 99999999999999999999", 1, 7, MSG_LINE_TIME},
        {"m v=1 9223372036854775807", 1, 7, MSG_LINE_TIME_RANGE},
        {"m v=1 -1", 1, 7, MSG_LINE_TIME_PLANT},
        {"m v=1 1\nm v=1 86400001", 2, 7, MSG_LINE_TIME_PLANT}, // A day and 1 ms.
        {"m v=1 5 6", 1, 9, MSG_LINE_AFTER_TIME},
        {"m,a v=1", 1, 3, MSG_LINE_TAG_EXPECTED},
        {"m,=b v=1", 1, 3, MSG_LINE_TAG_EXPECTED},
        {"m,a= v=1", 1, 5, MSG_LINE_TAG_EMPTY},
        {"m,a=b,a=c v=1", 1, 7, MSG_LINE_TAG_TWICE},
        {"old f=\"text\"", 1, 7, MSG_LINE_TYPE},
        {"old i=1.5", 1, 7, MSG_LINE_TYPE},
        {"old b=2i", 1, 7, MSG_LINE_TYPE},
        {"old t=1", 1, 7, MSG_LINE_TYPE},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct line_error *errors = NULL;
        int64_t bad = parse(world, CASES[i].text);
        if (bad != 1 || line_errors(world->parser, &errors) != 1) {
            fail_msg("%s: %lld bad lines", CASES[i].text, (long long)bad);
        }
        if (errors[0].line != CASES[i].line || errors[0].column != CASES[i].column ||
            errors[0].err.notes[0].msg != CASES[i].msg) {
            fail_msg("%s: line %llu column %llu %s", CASES[i].text,
                (unsigned long long)errors[0].line, (unsigned long long)errors[0].column,
                msg_name((enum msg_id)errors[0].err.notes[0].msg));
        }
    }
}

static void names_that_are_no_identifiers_are_refused(void **state) {
    struct world *world = *state;
    static const char *const LINES[] = {"my\\ m value=1", "m\\,x value=1", "m,k=a\\=b value=1",
        "한글 value=1", "m.a.b.c.d value=1", "m,a=1,b=2,c=3 x=1", "m..x value=1",
        "m,k=a/b value=1"};
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        if (parse(world, LINES[i]) != 1) {
            fail_msg("%s was taken", LINES[i]);
        }
    }
}

static void one_bad_line_does_not_hide_the_others(void **state) {
    struct world *world = *state;
    const struct line_error *errors = NULL;
    assert_int_equal(parse(world, "a v=1\nb v=x\nc v=1\nd\n# e v=x\nf v=2 x\n"), 3);
    assert_int_equal(line_errors(world->parser, &errors), 3);
    assert_int_equal(errors[0].line, 2);
    assert_int_equal(errors[1].line, 4);
    assert_int_equal(errors[2].line, 6);
}

static void more_bad_lines_than_are_kept_are_still_counted(void **state) {
    struct world *world = *state;
    struct buf text;
    buf_init(&text, 1 << 16);
    for (int i = 0; i < LINE_ERRORS_MAX + 50; i++) {
        buf_put_str(&text, STR("m v=x\n"));
    }
    const struct line_error *errors = NULL;
    assert_int_equal(parse_sized(world, (const char *)text.data, text.size), LINE_ERRORS_MAX + 50);
    assert_int_equal(line_errors(world->parser, &errors), LINE_ERRORS_MAX);
    buf_fini(&text);
}

static void values_fit_the_type_of_an_existing_tag(void **state) {
    struct world *world = *state;
    assert_int_equal(parse(world, "old f=3i,i=4.0,b=1i\nold i=t,f=f"), 0);
    assert_true(row(world, 0)->type == TYPE_F64 && row(world, 0)->value.f64 == 3.0);
    assert_true(row(world, 1)->type == TYPE_I64 && row(world, 1)->value.i64 == 4);
    assert_true(row(world, 2)->type == TYPE_BOOL && row(world, 2)->value.i64 == 1);
    assert_true(row(world, 3)->type == TYPE_I64 && row(world, 3)->value.i64 == 1);
    assert_true(row(world, 4)->type == TYPE_F64 && row(world, 4)->value.f64 == 0.0);
}

static void a_learned_text_is_not_asked_for_again(void **state) {
    struct world *world = *state;
    assert_int_equal(parse(world, "old f=1,i=2\nold f=2,i=3\n"), 0);
    assert_int_equal(world->finds, 2);
    assert_int_equal(parse(world, "old f=1,i=2\nold i=2\nold f=2,i=3\n"), 0);
    assert_int_equal(world->finds, 3); // "i" as a first field is another text.
    assert_int_equal(row(world, 1)->tag, 2);
    assert_int_equal(row(world, 2)->tag, 2);
}

static void new_tags_are_pending_until_they_are_told(void **state) {
    struct world *world = *state;
    assert_int_equal(parse(world, "new a=1,b=2i\nnew a=3\n"), 0);
    assert_int_equal(line_pending_count(world->parser), 2);
    assert_int_equal(row(world, 0)->tag, LINE_PENDING | 0);
    assert_int_equal(row(world, 2)->tag, LINE_PENDING | 0);
    assert_int_equal(line_pending(world->parser, 1).type, TYPE_I64);
    line_pending_set(world->parser, 0, 10);
    line_pending_set(world->parser, 1, 11);
    assert_int_equal(parse(world, "new a=1,b=2i\n"), 0);
    assert_int_equal(line_pending_count(world->parser), 0);
    assert_int_equal(row(world, 0)->tag, 10);
    assert_int_equal(row(world, 1)->tag, 11);
}

static void pending_tags_that_were_never_told_are_forgotten(void **state) {
    struct world *world = *state;
    assert_int_equal(parse(world, "new a=1\nbad\n"), 1);
    assert_int_equal(parse(world, "new a=1\n"), 0);
    assert_int_equal(line_pending_count(world->parser), 1);
    assert_int_equal(row(world, 0)->tag, LINE_PENDING | 0);
}

static void a_body_of_too_many_rows_is_given_up(void **state) {
    struct world *world = *state;
    struct buf text;
    buf_init(&text, 1 << 16);
    for (int i = 0; i < 8 * BATCHES; i++) {
        buf_put_str(&text, STR("m v=1\n"));
    }
    assert_int_equal(parse_sized(world, (const char *)text.data, text.size), 0);
    assert_int_equal(line_row_count(world->parser), 8 * BATCHES);
    buf_put_str(&text, STR("m v=1\n"));
    assert_int_equal(parse_sized(world, (const char *)text.data, text.size), -ERR_LIMIT);
    buf_fini(&text);
}

static void many_series_in_any_order_keep_their_tags(void **state) {
    struct world *world = *state;
    struct batch *big = batch_new(4096, 16);
    struct batch *kept = world->batches[0];
    world->batches[0] = big;
    struct random random;
    random_seed(&random, 42);
    struct buf text;
    buf_init(&text, 1 << 20);
    uint32_t wanted[2000];
    for (int round = 0; round < 5; round++) {
        buf_clear(&text);
        for (uint32_t i = 0; i < 2000; i++) {
            wanted[i] = (uint32_t)random_below(&random, 700);
            buf_printf(
                &text, "m%u,k=v%u f%u=%u\n", wanted[i] % 7, wanted[i], wanted[i] % 3, wanted[i]);
        }
        assert_int_equal(parse_sized(world, (const char *)text.data, text.size), 0);
        for (uint32_t i = 0; i < line_pending_count(world->parser); i++) {
            struct str name = line_pending(world->parser, i).name;
            size_t begin = str_find(name, 'v') + 1;
            struct str number =
                str_slice(name, begin, begin + str_find(str_slice(name, begin, name.size), '.'));
            uint64_t value = 0;
            assert_true(str_to_u64(number, &value));
            for (uint32_t r = 0; r < big->count; r++) {
                if (big->rows[r].tag == (LINE_PENDING | i)) {
                    big->rows[r].tag = (uint32_t)value + 1;
                }
            }
            line_pending_set(world->parser, i, (uint32_t)value + 1);
        }
        for (uint32_t i = 0; i < 2000; i++) {
            assert_int_equal(big->rows[i].tag, wanted[i] + 1);
            assert_true(big->rows[i].value.f64 == (double)wanted[i]);
        }
    }
    buf_fini(&text);
    world->batches[0] = kept;
    batch_free(big);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(names_are_measurement_tags_by_key_and_field),
        TEST(values_of_all_types_are_exact),
        TEST(text_is_unescaped_and_may_hold_line_breaks),
        TEST(times_scale_by_precision_and_default_to_now),
        TEST(times_from_1970_to_a_day_ahead_are_taken),
        TEST(bad_lines_are_all_named_with_place_and_words),
        TEST(names_that_are_no_identifiers_are_refused),
        TEST(one_bad_line_does_not_hide_the_others),
        TEST(more_bad_lines_than_are_kept_are_still_counted),
        TEST(values_fit_the_type_of_an_existing_tag),
        TEST(a_learned_text_is_not_asked_for_again),
        TEST(new_tags_are_pending_until_they_are_told),
        TEST(pending_tags_that_were_never_told_are_forgotten),
        TEST(a_body_of_too_many_rows_is_given_up),
        TEST(many_series_in_any_order_keep_their_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
