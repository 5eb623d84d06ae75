/* Ranking: the printed order, ties in both readings, places, one award a corporation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/random.h"
#include "support_ask.h"

enum { MANY = 1000, SMALL = 24, ROUNDS = 60 };

#define HEAD "{\"format\":1,\"id\":\"p\",\"kind\":\"programme\",\"ko\":\"시험\","
static const char TWO[] = HEAD
    "\"discrepancies\":[{\"id\":\"D-01\",\"where\":\"w\",\"ko\":\"동순위\",\"en\":\"ties\","
    "\"literal\":[\"동일순위\",\"동점자\"],\"option\":{\"name\":\"tie\",\"values\":[\"all_keys_"
    "equal\","
    "\"same_score\"],\"default\":\"all_keys_equal\"}}],"
    "\"types\":[{\"id\":\"basic\",\"ko\":\"기초\",\"slots\":3},{\"id\":\"advanced1\",\"ko\":"
    "\"고도화1\",\"slots\":2}],"
    "\"selection\":{\"keys\":[\"type\",\"score\",\"received\"],\"types\":[\"advanced1\",\"basic\"],"
    "\"ties\":[\"women_owned\"],\"tie_option\":\"D-01\",\"src\":\"000 L110\"}}";
static const char ONE[] =
    HEAD "\"types\":[{\"id\":\"main\",\"ko\":\"가\",\"slots\":3}],\"pass\":{\"mark\":70,\"src\":"
         "\"L403\"},"
         "\"selection\":{\"keys\":[\"score\"],\"ties\":[\"history\",\"fit\"],\"quota\":3,"
         "\"document_evaluation_at\":6,\"early_selection_at\":2}}";

static struct json_in *ranked(const char *programme, const char *input) {
    return ask_one(ask_rank, programme, NULL, input);
}

#define A(id, type, score, day)                                                                    \
    "{\"id\":\"" id "\",\"type\":\"" type "\",\"score\":" score ",\"received\":\"2023-" day "\"}"

static void types_come_first_then_score_then_receipt(void **state) {
    (void)state;
    struct json_in *answer = ranked(TWO,
        "{\"applications\":[" A("A", "basic", "88", "05-10") "," A("B", "advanced1", "71",
            "06-02") "," A("C", "기초", "79", "05-08") "," A("D", "advanced1", "84",
            "05-30") "," A("E", "basic", "79", "05-06") "," A("F", "basic", "70", "05-04") "]}");
    assert_true(is_json(json_in_get(answer, "order"), "[\"D\",\"B\",\"A\",\"E\",\"C\",\"F\"]"));
    assert_true(is_json(json_in_get(answer, "selected"),
        "{\"advanced1\":[\"D\",\"B\"],\"basic\":[\"A\",\"E\",\"C\"]}"));
    assert_true(is_json(json_in_get(answer, "waiting"), "[\"F\"]"));
    assert_true(is_json(json_in_get(answer, "ties"), "[]"));
    assert_true(is_json(json_in_get(answer, "document_evaluation"), "null"));
    json_in_free(answer);
}

#define TIED                                                                                       \
    "\"applications\":[" A("G", "basic", "85",                                                     \
        "05-11") ","                                                                               \
                 "{\"id\":\"H\",\"type\":\"basic\",\"score\":85,\"received\":\"2023-05-16\","      \
                 "\"women_owned\":true}," A("I", "basic", "90", "05-18") "]}"

static void both_readings_of_a_tie_are_offered_and_named(void **state) {
    (void)state;
    struct json_in *answer = ranked(TWO, "{" TIED);
    assert_true(is_json(json_in_get(answer, "order"), "[\"I\",\"G\",\"H\"]"));
    assert_true(mentions(answer, "notes", "동일순위"));
    assert_true(mentions(answer, "notes", "동점자"));
    assert_true(mentions(answer, "notes", "same_score"));
    json_in_free(answer);
    answer = ranked(TWO, "{\"options\":{\"tie\":\"same_score\"}," TIED);
    assert_true(is_json(json_in_get(answer, "order"), "[\"I\",\"H\",\"G\"]"));
    assert_true(
        is_json(json_in_get(answer, "ties"), "[{\"ids\":[\"H\",\"G\"],\"by\":\"women_owned\"}]"));
    json_in_free(answer);
}

static void equal_in_every_key_the_tie_decides_under_both(void **state) {
    (void)state;
    static const char *const OPTIONS[] = {"{", "{\"options\":{\"tie\":\"same_score\"},"};
    for (size_t i = 0; i < 2; i++) {
        struct buf input;
        buf_init(&input, 4096);
        buf_put_str(&input, str_of(OPTIONS[i]));
        buf_put_str(&input,
            STR("\"applications\":[" A("P", "basic", "80",
                "05-09T10:00") ","
                               "{\"id\":\"Q\",\"type\":\"basic\",\"score\":80,\"received\":\"2023-"
                               "05-09T10:00:00\",\"women_owned\":true}," A("R", "basic", "82",
                                   "05-20") "," A("S", "basic", "80", "05-09T10:00") "]}"));
        struct json_in *answer = ranked(TWO, buf_z(&input));
        assert_true(is_json(json_in_get(answer, "order"), "[\"R\",\"Q\",\"P\",\"S\"]"));
        assert_true(
            is_json(json_in_get(answer, "ties"), "[{\"ids\":[\"Q\",\"P\"],\"by\":\"women_owned\"},{"
                                                 "\"ids\":[\"P\",\"S\"],\"by\":\"id\"}]"));
        assert_true(mentions(answer, "notes", "equal in everything"));
        json_in_free(answer);
        buf_fini(&input);
    }
}

static void history_then_fit_break_ties_and_the_mark_holds(void **state) {
    (void)state;
    struct json_in *answer = ranked(ONE,
        "{\"applications\":[{\"id\":\"a\",\"score\":86},{\"id\":\"b\",\"score\":79,\"fit\":27},"
        "{\"id\":\"c\",\"score\":79,\"history\":true,\"fit\":22},{\"id\":\"d\",\"score\":79,"
        "\"fit\":25},"
        "{\"id\":\"e\",\"score\":70},{\"id\":\"f\",\"score\":69.99},{\"id\":\"g\",\"score\":99,"
        "\"verdict\":\"부적합\"},"
        "{\"id\":\"h\"}]}");
    assert_true(is_json(json_in_get(answer, "selected"), "{\"main\":[\"a\",\"c\",\"b\"]}"));
    assert_true(is_json(json_in_get(answer, "waiting"), "[\"d\",\"e\"]"));
    assert_true(
        is_json(json_in_get(answer, "order"), "[\"a\",\"c\",\"b\",\"d\",\"e\",\"g\",\"f\",\"h\"]"));
    assert_int_equal(3, json_in_count(json_in_get(answer, "refused")));
    assert_true(is_json(json_in_get(answer, "document_evaluation"), "true"));
    json_in_free(answer);
}

static void the_number_of_applicants_sets_things_off(void **state) {
    (void)state;
    static const char *const DOCUMENTS[] = {
        "false", "false", "false", "false", "false", "true", "true"};
    static const char *const EARLY[] = {"false", "true", "true", "true", "true", "true", "true"};
    for (int count = 1; count <= 7; count++) {
        struct buf input;
        buf_init(&input, 4096);
        buf_put_str(&input, STR("{\"applications\":["));
        for (int i = 0; i < count; i++) {
            buf_printf(&input, "%s{\"id\":\"x%d\",\"score\":80}", i > 0 ? "," : "", i);
        }
        buf_put_str(&input, STR("]}"));
        struct json_in *answer = ranked(ONE, buf_z(&input));
        assert_true(is_json(json_in_get(answer, "document_evaluation"), DOCUMENTS[count - 1]));
        assert_true(is_json(json_in_get(answer, "early_selection"), EARLY[count - 1]));
        assert_true(is_json(json_in_get(answer, "additional_call"), count == 2 ? "true" : "false"));
        json_in_free(answer);
        buf_fini(&input);
    }
}

static void one_corporation_wins_once(void **state) {
    (void)state;
    struct json_in *answer =
        ranked(TWO, "{\"applications\":[{\"id\":\"a\",\"type\":\"advanced1\",\"score\":90,"
                    "\"corporation\":\"X\"},"
                    "{\"id\":\"b\",\"type\":\"basic\",\"score\":99,\"corporation\":\"X\"},"
                    "{\"id\":\"c\",\"type\":\"advanced1\",\"score\":80,\"corporation\":\"X \"},"
                    "{\"id\":\"d\",\"type\":\"advanced1\",\"score\":70},"
                    "{\"id\":\"e\",\"type\":\"advanced1\",\"score\":60,\"corporation\":\"Y\"},"
                    "{\"id\":\"f\",\"type\":\"basic\",\"score\":50,\"corporation\":\"Y\"}]}");
    assert_true(is_json(json_in_get(answer, "selected"),
        "{\"advanced1\":[\"a\",\"d\"],\"basic\":[\"f\"]}")); // e won nothing, so f is not blocked.
    assert_true(is_json(json_in_get(answer, "skipped"),
        "[{\"id\":\"c\",\"won_with\":\"a\"},{\"id\":\"e\",\"won_with\":\"f\"},"
        "{\"id\":\"b\",\"won_with\":\"a\"}]"));
    // Nor does e wait: its corporation has its one award.
    assert_true(is_json(json_in_get(answer, "waiting"), "[]"));
    json_in_free(answer);
}

static void the_operator_widens_places(void **state) {
    (void)state;
#define THREE                                                                                      \
    "\"applications\":[" A("a", "advanced1", "90", "05-01") "," A(                                 \
        "b", "advanced1", "80", "05-01") "," A("c", "advanced1", "70", "05-01") "]}"
    struct json_in *answer = ranked(TWO, "{" THREE);
    assert_true(is_json(json_in_get(answer, "waiting"), "[\"c\"]")); // Basic's places stay free.
    json_in_free(answer);
    answer = ranked(TWO, "{\"slots\":{\"advanced1\":3}," THREE);
    assert_true(is_json(json_in_get(answer, "waiting"), "[]"));
    assert_true(mentions(answer, "notes", "3 by the operator instead of 2"));
    json_in_free(answer);
}

static void what_cannot_be_ranked_is_refused(void **state) {
    (void)state;
    struct programme *programme = programme_from(TWO);
    static const char *const WRONG[] = {"{}", "{\"applications\":[]}", "{\"applications\":[{}]}",
        "{\"applications\":[{\"id\":\"a\",\"type\":\"none\"}]}",
        "{\"applications\":[{\"id\":\"a\",\"type\":\"basic\",\"score\":\"x\"}]}",
        "{\"applications\":[{\"id\":\"a\",\"type\":\"basic\",\"received\":\"yesterday\"}]}",
        "{\"applications\":[{\"id\":\"a\",\"type\":\"basic\",\"women_owned\":\"maybe\"}]}",
        "{\"applications\":[{\"id\":\"a\",\"type\":\"basic\"},{\"id\":\"a\",\"type\":\"basic\"}]}",
        "{\"options\":{\"tie\":\"coin\"}," THREE, "{\"slots\":{\"none\":3}," THREE,
        "{\"slots\":{\"basic\":-1}," THREE};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        int code = 0;
        assert_null(ask_with(ask_rank, programme, NULL, WRONG[i], &code));
        assert_int_equal(ERR_INVALID, code);
    }
    programme_free(programme);
}

/* ---- Properties ---- */

struct candidate {
    char text[200];
};

static void draw(struct random *random, int number, struct candidate *one) {
    struct buf text;
    buf_init(&text, sizeof one->text);
    buf_printf(&text,
        "{\"id\":\"n%04d\",\"type\":\"%s\",\"score\":%d,\"received\":\"2023-05-%02dT10:0%d:00\","
        "\"women_owned\":%s,\"corporation\":\"c%d\"}",
        number, random_below(random, 2) ? "basic" : "advanced1", 60 + (int)random_below(random, 6),
        1 + (int)random_below(random, 3), (int)random_below(random, 2),
        random_below(random, 3) ? "false" : "true", (int)random_below(random, 12));
    (void)str_copy_z(buf_str(&text), one->text, sizeof one->text);
    buf_fini(&text);
}

static struct json_in *rank_of(const struct programme *programme, const struct candidate *list,
    size_t count, bool same_score) {
    struct buf input;
    buf_init(&input, 1 << 20);
    buf_put_str(&input, same_score ? STR("{\"options\":{\"tie\":\"same_score\"},\"applications\":[")
                                   : STR("{\"applications\":["));
    for (size_t i = 0; i < count; i++) {
        buf_put_str(&input, i > 0 ? STR(",") : STR_NONE);
        buf_put_str(&input, str_of(list[i].text));
    }
    buf_put_str(&input, STR("]}"));
    int code = 0;
    struct json_in *answer = ask_with(ask_rank, programme, NULL, buf_z(&input), &code);
    assert_non_null(answer);
    buf_fini(&input);
    return answer;
}

static void shuffle(struct random *random, struct candidate *list, size_t count) {
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = (size_t)random_below(random, i + 1);
        struct candidate kept = list[i];
        list[i] = list[j];
        list[j] = kept;
    }
}

static bool same_text(const struct json_in *a, const struct json_in *b) {
    struct buf text;
    buf_init(&text, 1 << 20);
    json_in_put(b, &text);
    bool same = is_json(a, buf_z(&text));
    buf_fini(&text);
    return same;
}

static void the_order_does_not_depend_on_the_input(void **state) {
    (void)state;
    struct programme *programme = programme_from(TWO);
    struct random random;
    random_seed(&random, 11);
    struct candidate list[SMALL];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SMALL; i++) {
            draw(&random, i, &list[i]);
        }
        struct json_in *first = rank_of(programme, list, SMALL, round % 2 == 1);
        shuffle(&random, list, SMALL);
        struct json_in *second = rank_of(programme, list, SMALL, round % 2 == 1);
        assert_true(same_text(first, second));
        assert_int_equal(SMALL, json_in_count(json_in_get(first, "order")));
        json_in_free(first);
        json_in_free(second);
    }
    programme_free(programme);
}

static bool won(const struct json_in *answer, struct str id) {
    size_t at = 0;
    struct str type = STR_NONE;
    const struct json_in *ids = NULL;
    while (json_in_next(json_in_get(answer, "selected"), &at, &type, &ids)) {
        for (size_t i = 0; i < json_in_count(ids); i++) {
            if (str_eq(json_in_text(json_in_at(ids, i)), id)) {
                return true;
            }
        }
    }
    return false;
}

static void a_worse_applicant_never_hurts_a_better_one(void **state) {
    (void)state;
    struct programme *programme = programme_from(TWO);
    struct random random;
    random_seed(&random, 23);
    struct candidate list[SMALL];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SMALL; i++) {
            draw(&random, i, &list[i]);
        }
        struct json_in *without = rank_of(programme, list, SMALL - 1, false);
        struct json_in *with = rank_of(programme, list, SMALL, false);
        const struct json_in *before = json_in_get(without, "order");
        const struct json_in *after = json_in_get(with, "order");
        for (size_t i = 0; i < json_in_count(after); i++) {
            struct str id = json_in_text(json_in_at(after, i));
            if (str_eq(id, STR("n0023"))) { // The one that was added: what follows is worse.
                break;
            }
            assert_true(str_eq(id, json_in_text(json_in_at(before, i))));
            assert_int_equal(won(without, id), won(with, id));
        }
        json_in_free(without);
        json_in_free(with);
    }
    programme_free(programme);
}

static void a_thousand_are_ranked(void **state) {
    (void)state;
    struct programme *programme = programme_from(TWO);
    struct random random;
    random_seed(&random, 5);
    static struct candidate list[MANY];
    for (int i = 0; i < MANY; i++) {
        draw(&random, i, &list[i]);
    }
    struct json_in *answer = rank_of(programme, list, MANY, false);
    assert_int_equal(MANY, json_in_count(json_in_get(answer, "order")));
    json_in_free(answer);
    programme_free(programme);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_come_first_then_score_then_receipt),
        cmocka_unit_test(both_readings_of_a_tie_are_offered_and_named),
        cmocka_unit_test(equal_in_every_key_the_tie_decides_under_both),
        cmocka_unit_test(history_then_fit_break_ties_and_the_mark_holds),
        cmocka_unit_test(the_number_of_applicants_sets_things_off),
        cmocka_unit_test(one_corporation_wins_once),
        cmocka_unit_test(the_operator_widens_places),
        cmocka_unit_test(what_cannot_be_ranked_is_refused),
        cmocka_unit_test(the_order_does_not_depend_on_the_input),
        cmocka_unit_test(a_worse_applicant_never_hurts_a_better_one),
        cmocka_unit_test(a_thousand_are_ranked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
