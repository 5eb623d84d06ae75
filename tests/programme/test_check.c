/* The validator: what ships has no contradictions; each kind of mistake is found where it stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buf.h"
#include "programme/check.h"
#include "programme/shelf.h"

struct seen {
    struct buf where; // "types[0].cap;steps[1].by;"
    int faults;
};

static int see(void *context, const struct finding *finding, struct err *err) {
    struct seen *seen = context;
    (void)err;
    AUTO_BUF struct buf words;
    buf_init(&words, 65536);
    msg_render(finding->msg, finding->args, LANG_KO, &words);
    assert_true(words.size > 0);
    if (finding->is_fault) {
        buf_put_str(&seen->where, finding->where);
        buf_put_char(&seen->where, ';');
        seen->faults++;
    }
    return 0;
}

static int clean(void *context, const struct programme *programme, struct err *err) {
    int *count = context;
    struct seen seen = {0};
    buf_init(&seen.where, 65536);
    assert_int_equal(0, programme_check(programme, see, &seen, err));
    assert_string_equal("", buf_z(&seen.where));
    buf_fini(&seen.where);
    (*count)++;
    return 0;
}

/* R-093 R-094 R-098 R-105 R-190 R-275. */
static void what_ships_is_without_contradictions(void **state) {
    (void)state;
    int count = 0;
    struct err err = ERR_INIT;
    assert_int_equal(0, shelf_each(clean, &count, &err));
    assert_int_equal(25, count); // 23 programmes and the two announcements that hold some of them.
}

#define HEAD                                                                                       \
    "{\"format\":1,\"id\":\"x\",\"kind\":\"programme\",\"ko\":\"가\",\"en\":\"x\",\"year\":2024," \
    "\"state\":\"open\","
#define TYPE                                                                                       \
    "{\"id\":\"a\",\"ko\":\"가\",\"src\":\"1\",\"base\":\"total_cost\",\"rate\":\"0.5\",\"cap\":" \
    "10}"
#define TYPES "\"types\":[" TYPE "]"

static const struct {
    const char *json;
    const char *where;
} MISTAKES[] = {
    {HEAD TYPES "}", ""},
    {HEAD "\"types\":[]}", "types;"},
    {HEAD TYPES ",\"tpyes\":[]}", "tpyes;"},
    {HEAD "\"types\":[" TYPE "," TYPE "]}", "types[1].id;"},
    {HEAD "\"types\":[{\"id\":\"a\",\"ko\":\"가\",\"src\":\"1\",\"base\":\"total\",\"rate\":"
          "\"0.5\",\"cap\":10}]}",
        "types[0].base;"},
    {HEAD "\"types\":[{\"id\":\"a\",\"ko\":\"가\",\"src\":\"1\",\"base\":\"total_cost\",\"rate\":"
          "\"1.5\",\"cap\":0}]}",
        "types[0].cap;types[0].rate;"},
    {HEAD "\"types\":[{\"id\":\"a\",\"ko\":\"가\",\"src\":\"1\",\"cap\":10,\"fixed\":{"
          "\"total\":10,"
          "\"grant\":11,\"company\":0}}]}",
        "types[0].fixed;types[0].fixed.grant;"},
    {HEAD "\"types\":[{\"id\":\"a\",\"ko\":\"가\",\"src\":\"1\",\"base\":\"total_cost\","
          "\"cap\":10,"
          "\"shares\":{\"government\":\"0.3\",\"host\":\"0.3\",\"sme\":\"0.3\"}}]}",
        "types[0].shares;"},
    {HEAD TYPES ",\"steps\":[{\"no\":1,\"id\":\"s\",\"kind\":\"apply\",\"ko\":\"가\",\"by\":[],"
                "\"src\":\"1\"}]}",
        "steps[0].by;"},
    {HEAD TYPES ",\"steps\":[{\"no\":1,\"id\":\"s\",\"kind\":\"dance\",\"ko\":\"가\",\"by\":"
                "[\"centre\"],\"deadline\":\"d\",\"documents\":\"payment\",\"src\":\"1\"}]}",
        "steps[0].kind;steps[0].documents;steps[0].deadline;"},
    {HEAD TYPES ",\"steps\":[{\"no\":1,\"id\":\"s\",\"kind\":\"pay\",\"ko\":\"가\",\"by\":"
                "[\"centre\"],\"src\":\"1\"}]}",
        "steps[0].kind;"},
    {HEAD TYPES ",\"deadlines\":[{\"id\":\"d\",\"from\":\"noon\",\"days\":1,\"weeks\":1,\"ko\":"
                "\"가\",\"src\":\"1\"}]}",
        "deadlines[0];deadlines[0].from;"},
    {HEAD TYPES
        ",\"sheet\":{\"areas\":[{\"id\":\"a\",\"ko\":\"가\",\"points\":40,\"items\":[{\"id\":"
        "\"i\",\"ko\":\"나\",\"points\":30}]}],\"total\":30,\"src\":\"1\"}}",
        "sheet.areas[0].points;"},
    {HEAD TYPES
        ",\"sheet\":{\"areas\":[{\"id\":\"a\",\"ko\":\"가\",\"items\":[{\"id\":\"i\",\"ko\":"
        "\"나\",\"points\":10,\"grades\":[11,5]}]}],\"grades\":[\"상\",\"중\",\"하\"],"
        "\"src\":\"1\"},\"pass\":{\"mark\":60,\"src\":\"1\"}}",
        "sheet.areas[0].items.grades;sheet.areas[0].items.grades;pass.mark;"},
    {HEAD TYPES ",\"selection\":{\"keys\":[\"luck\"],\"types\":[\"b\"],\"tie_option\":\"D-1\","
                "\"src\":\"1\"}}",
        "selection.keys;selection.types;selection.tie_option;"},
    {HEAD TYPES
        ",\"rules\":[{\"id\":\"r\",\"kind\":\"maybe\",\"ko\":\"가\",\"test\":{\"fact\":\"a\"},"
        "\"src\":\"1\"}]}",
        "rules[0].kind;rules[0];"},
    {HEAD TYPES ",\"window\":{\"opens\":\"2024-02-01\",\"closes\":\"2024-01-01\",\"src\":\"1\"}}",
        "window.closes;"},
    {HEAD TYPES ",\"clawback\":{\"amount\":\"full\",\"causes\":[{\"id\":\"factory_moved\",\"ko\":"
                "\"가\",\"party\":\"nobody\"}],\"src\":\"1\"}}",
        "clawback.causes[0].party;region.names;"},
};

static void each_mistake_is_found_where_it_stands(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof MISTAKES / sizeof MISTAKES[0]; i++) {
        struct err err = ERR_INIT;
        struct programme *programme = NULL;
        struct seen seen = {0};
        buf_init(&seen.where, 65536);
        assert_int_equal(0, programme_parse(str_of(MISTAKES[i].json), &programme, &err));
        assert_true(programme_check(programme, see, &seen, &err) >= 0);
        assert_string_equal(MISTAKES[i].where, buf_z(&seen.where));
        buf_fini(&seen.where);
        programme_free(programme);
    }
}

static void what_is_no_programme_is_refused(void **state) {
    (void)state;
    static const char *const WRONG[] = {"", "[]", "{", "{\"format\":2}", "{\"format\":1}",
        "{\"format\":1,\"id\":\"a b\",\"kind\":\"programme\",\"ko\":\"x\"}",
        "{\"format\":1,\"id\":\"a\",\"kind\":\"programme\"}", "{\"format\":1,\"format\":1}"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct err err = ERR_INIT;
        struct programme *programme = NULL;
        assert_true(programme_parse(str_of(WRONG[i]), &programme, &err) < 0);
        assert_null(programme);
    }
}

/* R-268 R-269 R-270 R-271 R-273. */
static void the_national_figures_add_up(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct programme *programme = NULL;
    AUTO_BUF struct buf text;
    AUTO_JSON_IN struct json_in *root = NULL;
    struct json json;
    buf_init(&text, 1 << 20);
    json_init(&json, &text);
    assert_int_equal(0, shelf_find(STR("mss-2023"), &programme, &err));
    assert_int_equal(0, programme_put_portfolio(&json, programme, &err));
    programme_free(programme);
    assert_int_equal(0, json_in_parse(buf_str(&text), &root, &err));
    static const int64_t FIELDS[] = {
        83600000000, 31700000000, 10000000000, 8000000000, 830000000, 12030000000};
    int64_t sum = 0;
    assert_true(json_in_whole(json_in_get(root, "sum"), &sum));
    assert_int_equal(INT64_C(146160000000), sum); // 1,461.6억.
    assert_true(json_in_true(json_in_get(root, "within_rounding")));
    const struct json_in *fields = json_in_get(root, "fields");
    assert_int_equal(6, json_in_count(fields));
    for (size_t i = 0; i < 6; i++) {
        int64_t won = 0;
        assert_true(json_in_whole(json_in_get(json_in_at(fields, i), "sum"), &won));
        assert_int_equal(FIELDS[i], won);
    }
    assert_true(json_in_true(json_in_get(json_in_get(root, "target_sums"), "agree")));
    const struct json_in *members = json_in_get(root, "members");
    const struct json_in *winwin =
        json_in_get(list_find(members, STR("mss-2023-winwin")), "projects_at_cap");
    int64_t count = 0;
    assert_true(json_in_whole(json_in_get(winwin, "advanced1"), &count));
    assert_int_equal(130, count); // (216 - 60)억 over 1.2억.
    assert_true(json_in_whole(json_in_get(winwin, "basic"), &count));
    assert_int_equal(200, count);
    assert_true(json_in_whole(json_in_get(json_in_get(root, "builds"), "now"), &count));
    assert_int_equal(310, count);
    double fewer = 0;
    assert_true(json_in_number(json_in_get(json_in_get(root, "builds"), "fewer_percent"), &fewer));
    assert_true(fewer > 82.99 && fewer < 83.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ships_is_without_contradictions),
        cmocka_unit_test(each_mistake_is_found_where_it_stands),
        cmocka_unit_test(what_is_no_programme_is_refused),
        cmocka_unit_test(the_national_figures_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
