/*
 * De-identification rules: what is written, what each method does to each type, that nothing slips
 * through, and that the sizes of groups hold.
 */
#include "refine/deident.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/random.h"

/* A hash for tests: not secret, but different for every key and value. */
static void toy_hash(
    const uint8_t key[DEIDENT_KEY_BYTES], struct str value, uint8_t ret_hash[DEIDENT_HASH_BYTES]) {
    uint64_t sum = 1469598103934665603ULL + key[0];
    for (size_t i = 0; i < value.size; i++) {
        sum = (sum ^ (uint8_t)value.data[i]) * 1099511628211ULL;
    }
    for (int i = 0; i < DEIDENT_HASH_BYTES; i++) {
        ret_hash[i] = (uint8_t)(sum >> (8 * (i % 8))) ^ (uint8_t)i;
    }
}

static const struct deident_key KEY = {.bytes = {1}, .hash = toy_hash};
static const struct deident_key OTHER = {.bytes = {2}, .hash = toy_hash};

static struct deident_rule rule_of(const char *text) {
    struct deident_rule rule = {0};
    struct err err = ERR_INIT;
    assert_int_equal(deident_parse(str_of(text), &rule, &err), 0);
    return rule;
}

static void rules_are_read_and_written_back(void **state) {
    (void)state;
    static const char *const GOOD[] = {
        "pseudonym", "drop", "mask:0", "mask:2", "mask:0:4", "group:10", "group:0.5:5"};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        struct deident_rule rule = rule_of(GOOD[i]);
        char text[64];
        assert_true(str_eq(deident_text(&rule, text), str_of(GOOD[i])));
    }
    static const char *const BAD[] = {"", "hash", "mask", "mask:", "mask:-1", "mask:1:2:3",
        "mask:5000", "group", "group:0", "group:-1", "group:nan", "group:10:0", "pseudonym:1",
        "drop:", "group:10:", "mask:1:"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct deident_rule rule = {0};
        struct err err = ERR_INIT;
        assert_int_equal(deident_parse(str_of(BAD[i]), &rule, &err), -ERR_INVALID);
        assert_int_equal(rule.method, DEIDENT_NONE);
    }
}

static void a_rule_must_suit_the_type(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        enum value_type type;
        int result;
    } CASES[] = {{"pseudonym", TYPE_TEXT, 0}, {"pseudonym", TYPE_I64, 0},
        {"pseudonym", TYPE_F64, -ERR_INVALID}, {"pseudonym", TYPE_BOOL, -ERR_INVALID},
        {"mask:1", TYPE_TEXT, 0}, {"mask:1", TYPE_I64, -ERR_INVALID}, {"group:10", TYPE_F64, 0},
        {"group:10", TYPE_I64, 0}, {"group:0.5", TYPE_I64, -ERR_INVALID},
        {"group:10", TYPE_TEXT, -ERR_INVALID}, {"drop", TYPE_BOOL, 0}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct deident_rule rule = rule_of(CASES[i].rule);
        assert_int_equal(deident_check(&rule, CASES[i].type, NULL), CASES[i].result);
    }
}

static struct str text_after(const char *rule_text, const char *value, char *to) {
    struct deident_rule rule = rule_of(rule_text);
    struct deident_value given = {.type = TYPE_TEXT, .text = str_of(value)};
    enum deident_result result = deident_apply(&rule, &KEY, &given, to);
    return result == DEIDENT_DROPPED ? STR("DROPPED") : given.text;
}

static void masks_count_characters_not_bytes(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        const char *value;
        const char *result;
    } CASES[] = {{"mask:1", "김철수", "김**"}, {"mask:1:1", "김철수", "김*수"},
        {"mask:0:4", "010-1234-5678", "*********5678"}, {"mask:3", "김철수", "***"},
        {"mask:2:2", "abcd", "****"}, {"mask:2:2", "abcde", "ab*de"}, {"mask:0", "", ""}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char to[LIMIT_TEXT_VALUE_BYTES];
        struct str result = text_after(CASES[i].rule, CASES[i].value, to);
        if (!str_eq(result, str_of(CASES[i].result))) {
            fail_msg("%s of %s: %.*s", CASES[i].rule, CASES[i].value, STR_ARG(result));
        }
    }
}

/* */
static void pseudonyms_join_under_one_key_and_not_under_two(void **state) {
    (void)state;
    struct deident_rule rule = rule_of("pseudonym");
    char first[LIMIT_TEXT_VALUE_BYTES];
    char second[LIMIT_TEXT_VALUE_BYTES];
    struct deident_value a = {.type = TYPE_TEXT, .text = STR("worker 17")};
    struct deident_value b = a;
    assert_int_equal(deident_apply(&rule, &KEY, &a, first), DEIDENT_CHANGED);
    assert_int_equal(deident_apply(&rule, &KEY, &b, second), DEIDENT_CHANGED);
    assert_true(str_eq(a.text, b.text));
    assert_true(a.text.size == 28 && str_starts(a.text, STR("P-")));
    struct deident_value c = {.type = TYPE_TEXT, .text = STR("worker 17")};
    assert_int_equal(deident_apply(&rule, &OTHER, &c, second), DEIDENT_CHANGED);
    assert_false(str_eq(a.text, c.text));
    struct deident_value number = {.type = TYPE_I64, .i64 = 4711};
    assert_int_equal(deident_apply(&rule, &KEY, &number, first), DEIDENT_CHANGED);
    assert_true(number.i64 != 4711 && number.i64 >= 0 && number.i64 < 1LL << 48);
}

static void without_a_key_nothing_passes(void **state) {
    (void)state;
    struct deident_rule rule = rule_of("pseudonym");
    const struct deident_key none = {.hash = NULL};
    const struct deident_key *const keys[] = {NULL, &none};
    for (int i = 0; i < 2; i++) {
        char to[LIMIT_TEXT_VALUE_BYTES];
        struct deident_value value = {.type = TYPE_TEXT, .text = STR("secret")};
        assert_int_equal(deident_apply(&rule, keys[i], &value, to), DEIDENT_DROPPED);
        assert_int_equal(value.text.size, 0);
    }
    struct deident_rule mask = rule_of("mask:1");
    struct deident_value number = {.type = TYPE_I64, .i64 = 9};
    assert_int_equal(deident_apply(&mask, &KEY, &number, NULL), DEIDENT_DROPPED);
    assert_int_equal(number.i64, 0);
}

static void groups_are_lower_edges_of_bands(void **state) {
    (void)state;
    struct deident_rule rule = rule_of("group:10");
    static const int64_t CASES[][2] = {
        {0, 0}, {9, 0}, {10, 10}, {-1, -10}, {-10, -10}, {INT64_MAX, 9223372036854775800LL}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct deident_value value = {.type = TYPE_I64, .i64 = CASES[i][0]};
        assert_int_equal(deident_apply(&rule, NULL, &value, NULL), DEIDENT_CHANGED);
        assert_true(value.i64 == CASES[i][1]);
    }
    struct deident_value lowest = {.type = TYPE_I64, .i64 = INT64_MIN};
    assert_int_equal(deident_apply(&rule, NULL, &lowest, NULL), DEIDENT_DROPPED); // No such edge.
    struct deident_value real = {.type = TYPE_F64, .f64 = 36.6};
    assert_int_equal(deident_apply(&rule, NULL, &real, NULL), DEIDENT_CHANGED);
    assert_true(real.f64 == 30.0);
    struct deident_value none = {.type = TYPE_F64, .f64 = (double)NAN};
    assert_int_equal(deident_apply(&rule, NULL, &none, NULL), DEIDENT_DROPPED);
}

static void every_shown_group_has_k_members(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 5);
    for (int round = 0; round < 200; round++) {
        enum { COUNT = 60 };
        double values[COUNT];
        bool shown[COUNT];
        struct deident_rule rule = rule_of("group:10:4");
        for (int i = 0; i < COUNT; i++) {
            values[i] = random_below(&random, 9) == 0 ? (double)NAN
                                                      : 10.0 * (double)random_below(&random, 20);
            shown[i] = random_below(&random, 6) != 0;
        }
        bool before[COUNT];
        memcpy(before, shown, sizeof before);
        uint32_t cleared = deident_groups(&rule, values, COUNT, shown);
        for (int i = 0; i < COUNT; i++) {
            uint32_t members = 0;
            for (int k = 0; k < COUNT; k++) {
                members += before[k] && !(values[k] < values[i]) && !(values[k] > values[i]) &&
                           !isnan(values[k]);
            }
            assert_int_equal(shown[i], before[i] && !isnan(values[i]) && members >= 4);
            cleared -= before[i] && !shown[i];
        }
        assert_int_equal(cleared, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_read_and_written_back),
        cmocka_unit_test(a_rule_must_suit_the_type),
        cmocka_unit_test(masks_count_characters_not_bytes),
        cmocka_unit_test(pseudonyms_join_under_one_key_and_not_under_two),
        cmocka_unit_test(without_a_key_nothing_passes),
        cmocka_unit_test(groups_are_lower_edges_of_bands),
        cmocka_unit_test(every_shown_group_has_k_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
