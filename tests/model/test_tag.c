/*
 * The tag catalogue: names, index, references.
 */
#include "model/tag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/thread.h"

#define ID64 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static void a_tag_name_is_one_to_four_identifiers(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum msg_id msg; // MSG_NONE: valid.
    } CASES[] = {
        {"a", MSG_NONE}, {"a.b.c.d", MSG_NONE}, {"line-1.press_2.Temp", MSG_NONE},
        {ID64 "." ID64 "." ID64 "." ID64, MSG_NONE}, // 259 bytes, the longest.
        {"", MSG_MODEL_TAG_NAME_EMPTY}, {"a.b.c.d.e", MSG_MODEL_TAG_NAME_PARTS},
        {"a.b.c.d.", MSG_MODEL_TAG_NAME_PARTS}, {".", MSG_MODEL_TAG_NAME_PART},
        {".a", MSG_MODEL_TAG_NAME_PART}, {"a.", MSG_MODEL_TAG_NAME_PART},
        {"a..b", MSG_MODEL_TAG_NAME_PART}, {"a b", MSG_MODEL_TAG_NAME_PART},
        {"온도", MSG_MODEL_TAG_NAME_PART}, {"a/b", MSG_MODEL_TAG_NAME_PART},
        {"x" ID64, MSG_MODEL_TAG_NAME_PART}, // 65 characters.
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct err err = ERR_INIT;
        int result = tag_name_check(str_of(CASES[i].name), &err);
        assert_int_equal(result, CASES[i].msg == MSG_NONE ? 0 : -ERR_INVALID);
        if (result < 0) {
            assert_int_equal(err.notes[0].msg, CASES[i].msg);
        }
    }
}

static void a_name_with_a_nul_inside_is_refused(void **state) {
    (void)state;
    assert_int_equal(tag_name_check((struct str){"a\0b", 3}, NULL), -ERR_INVALID);
}

static struct catalogue *catalogue_of(uint32_t count) {
    struct catalogue *catalogue = catalogue_new();
    catalogue->tag_count = count;
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, count);
    for (uint32_t i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "line%u.t%u", i % 3, i);
        catalogue->tags[i] = (struct tag){
            .number = i + 1,
            .type = TYPE_F64,
            .name = arena_copy(&catalogue->arena, str_of(name)),
        };
    }
    catalogue_finish(catalogue);
    return catalogue;
}

static void tags_are_found_by_name_and_number(void **state) {
    (void)state;
    static const uint32_t COUNTS[] = {0, 1, 4, 5, 10000};
    for (size_t c = 0; c < sizeof COUNTS / sizeof COUNTS[0]; c++) {
        struct catalogue *catalogue = catalogue_of(COUNTS[c]);
        for (uint32_t i = 0; i < COUNTS[c]; i++) {
            const struct tag *tag = catalogue_find(catalogue, catalogue->tags[i].name);
            assert_ptr_equal(tag, &catalogue->tags[i]);
            assert_ptr_equal(catalogue_tag(catalogue, i + 1), tag);
        }
        assert_null(catalogue_find(catalogue, STR("line0.t1")));
        assert_null(catalogue_find(catalogue, STR("")));
        assert_null(catalogue_find(catalogue, STR(ID64 "." ID64 "." ID64 "." ID64 "x")));
        assert_null(catalogue_tag(catalogue, 0));
        assert_null(catalogue_tag(catalogue, COUNTS[c] + 1));
        assert_null(catalogue_tag(catalogue, UINT32_MAX));
        assert_null(catalogue_device(catalogue, STR("p1")));
        catalogue_unref(catalogue);
    }
}

static void hold_and_let_go(void *context) {
    struct catalogue *catalogue = context;
    for (int i = 0; i < 10000; i++) {
        struct catalogue *mine = catalogue_ref(catalogue);
        if (catalogue_find(mine, STR("line0.t0")) == NULL) {
            return; // The references at the end show it.
        }
        catalogue_unref(mine);
    }
    catalogue_unref(catalogue);
}

static void the_last_reference_frees(void **state) {
    (void)state;
    struct catalogue *catalogue = catalogue_of(10);
    struct thread threads[4] = {0};
    for (int i = 0; i < 4; i++) {
        thread_start(&threads[i], "holder", hold_and_let_go, catalogue_ref(catalogue));
    }
    for (int i = 0; i < 4; i++) {
        thread_join(&threads[i]);
    }
    assert_int_equal(catalogue->references, 1);
    catalogue_unref(catalogue);
    catalogue_unref(NULL);
}

static void kinds_and_levels_have_names_both_ways(void **state) {
    (void)state;
    for (int i = KIND_MEASUREMENT; i <= KIND_SETPOINT; i++) {
        enum tag_kind kind = KIND_MEASUREMENT;
        assert_true(tag_kind_of_name(str_of(tag_kind_name((enum tag_kind)i)), &kind));
        assert_int_equal(kind, i);
    }
    for (int i = ASSET_SITE; i <= ASSET_EQUIPMENT; i++) {
        enum asset_level level = ASSET_SITE;
        assert_true(asset_level_of_name(str_of(asset_level_name((enum asset_level)i)), &level));
        assert_int_equal(level, i);
    }
    enum tag_kind kind = KIND_STATE;
    enum asset_level level = ASSET_LINE;
    assert_false(tag_kind_of_name(STR("Counter"), &kind));
    assert_false(asset_level_of_name(STR(""), &level));
    assert_int_equal(kind, KIND_STATE);
    assert_int_equal(level, ASSET_LINE);
    assert_string_equal(tag_kind_name((enum tag_kind)99), "measurement");
    assert_string_equal(asset_level_name((enum asset_level)99), "equipment");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_name_is_one_to_four_identifiers),
        cmocka_unit_test(a_name_with_a_nul_inside_is_refused),
        cmocka_unit_test(tags_are_found_by_name_and_number),
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(kinds_and_levels_have_names_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
