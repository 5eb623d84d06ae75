/*
 * Errors with words, and the catalogue itself: both languages say the same with the same places.
 */
#include "core/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"

static const char *render(const struct err *err, enum lang lang) {
    static struct buf out;
    buf_fini(&out);
    buf_init(&out, 4096);
    err_render(err, lang, &out);
    return buf_z(&out);
}

/* One bit for each of {0}..{3}; -1 for any other brace. */
static int places_of(const char *words) {
    int places = 0;
    for (const char *at = strchr(words, '{'); at; at = strchr(at + 1, '{')) {
        if (at[1] < '0' || at[1] >= '0' + ERR_ARGS_MAX || at[2] != '}') {
            return -1;
        }
        places |= 1 << (at[1] - '0');
    }
    return places;
}

struct sentence {
    const char *name;
    const char *en;
    const char *ko;
};

static const struct sentence SENTENCES[] = {
#define MSG(id, en, ko) {#id, en, ko},
#include "core/words/all.def"
#undef MSG
};

static const struct sentence APART[] = {
#define MSG(id, en, ko) {#id, en, ko},
#include "core/words/apart.def"
#undef MSG
};

static const struct sentence CODE_WORDS[] = {
#define ERR(id, en, ko) {#id, en, ko},
#include "core/err.def"
#undef ERR
};

static void check_sentence(const struct sentence *s) {
    if (s->en[0] == '\0' || s->ko[0] == '\0') {
        fail_msg("%s: a language is missing", s->name);
    }
    if (places_of(s->en) < 0 || places_of(s->en) != places_of(s->ko)) {
        fail_msg("%s: the places {0}.. differ between the languages", s->name);
    }
    // Places are numbered without a gap, so that callers can count their arguments.
    if ((places_of(s->en) & (places_of(s->en) + 1)) != 0) {
        fail_msg("%s: a place is left out", s->name);
    }
    if (!str_is_utf8(str_of(s->ko), NULL) || !str_is_utf8(str_of(s->en), NULL)) {
        fail_msg("%s: not UTF-8", s->name);
    }
}

static void every_sentence_stands_in_both_languages_with_the_same_places(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof SENTENCES / sizeof SENTENCES[0]; i++) {
        check_sentence(&SENTENCES[i]);
        assert_string_equal(msg_name((enum msg_id)(i + 1)), SENTENCES[i].name);
    }
    for (size_t i = 0; i < sizeof APART / sizeof APART[0]; i++) {
        check_sentence(&APART[i]);
        assert_string_equal(msg_name((enum msg_id)(MSG_APART + i)), APART[i].name);
    }
    for (size_t i = 0; i < sizeof CODE_WORDS / sizeof CODE_WORDS[0]; i++) {
        check_sentence(&CODE_WORDS[i]);
        enum err_code code = (enum err_code)(i + 1);
        assert_string_equal(err_code_name(code), CODE_WORDS[i].name);
        assert_string_equal(err_code_words(code, LANG_EN), CODE_WORDS[i].en);
        assert_string_equal(err_code_words(code, LANG_KO), CODE_WORDS[i].ko);
    }
}

static void unknown_ids_have_harmless_names(void **state) {
    (void)state;
    assert_string_equal(err_code_name(ERR_CODE_COUNT), "UNKNOWN");
    assert_string_equal(msg_name(MSG_COUNT), "UNKNOWN");
    assert_string_equal(msg_name(MSG_LAST), "UNKNOWN");
    assert_string_equal(err_code_name(ERR_OK), "OK");
    assert_string_equal(
        err_code_words(ERR_CODE_COUNT, LANG_EN), err_code_words(ERR_INTERNAL, LANG_EN));
}

static void setting_returns_the_negative_code_and_renders_in_both_languages(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    int result = err_set(&err, ERR_INVALID, MSG_NUMBER_EXPECTED, ARGS(A_CSTR("abc")));
    assert_int_equal(result, -ERR_INVALID);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(render(&err, LANG_EN), "a number was expected, but there is \"abc\"");
    assert_string_equal(render(&err, LANG_KO), "숫자가 와야 하는데 \"abc\"이(가) 있습니다");
}

static void contexts_stand_before_the_fact_outermost_first(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_IO, MSG_FILE_MISSING, ARGS(A_CSTR("inner")));
    assert_int_equal(err_context(&err, MSG_FILE_PRESENT, ARGS(A_CSTR("middle"))), -ERR_IO);
    assert_int_equal(err_context(&err, MSG_ZONE_DAMAGED, ARGS(A_CSTR("outer"))), -ERR_IO);
    assert_string_equal(render(&err, LANG_EN),
        "the time zone file of \"outer\" is damaged: middle exists already: inner does not exist");
}

static void contexts_beyond_the_maximum_are_dropped(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_IO, MSG_FILE_MISSING, ARGS(A_CSTR("f")));
    for (int i = 0; i < 20; i++) {
        assert_int_equal(err_context(&err, MSG_TEXT_NOT_UTF8, ARGS(A_INT(i))), -ERR_IO);
    }
    assert_int_equal(err.note_count, ERR_NOTES_MAX);
    assert_string_equal(render(&err, LANG_EN),
        "the text is not UTF-8 (byte 3): the text is not UTF-8 (byte 2): "
        "the text is not UTF-8 (byte 1): the text is not UTF-8 (byte 0): f does not exist");
}

static void a_fact_without_words_is_told_by_its_code(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(err_set(&err, ERR_TIMEOUT, MSG_NONE, NO_ARGS), -ERR_TIMEOUT);
    assert_string_equal(render(&err, LANG_EN), "no answer in time");
    assert_string_equal(render(&err, LANG_KO), "제시간에 응답이 없습니다");
    err_clear(&err);
    assert_int_equal(err.code, ERR_OK);
    assert_string_equal(render(&err, LANG_EN), "all is well");
}

static void a_context_without_a_fact_is_an_internal_error(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(err_context(&err, MSG_FILE_MISSING, ARGS(A_CSTR("x"))), -ERR_INTERNAL);
    assert_string_equal(render(&err, LANG_EN), "x does not exist: the program made a mistake");
}

static void a_null_error_drops_the_words(void **state) {
    (void)state;
    assert_int_equal(err_set(NULL, ERR_BUSY, MSG_NONE, NO_ARGS), -ERR_BUSY);
    assert_int_equal(err_context(NULL, MSG_NONE, NO_ARGS), -ERR_INTERNAL);
    assert_int_equal(err_set_errno(NULL, ENOSPC, STR("x")), -ERR_SPACE);
    err_clear(NULL);
    assert_string_equal(render(NULL, LANG_EN), "the program made a mistake");
}

static void arguments_of_each_kind_are_rendered(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    msg_render(MSG_FILE_SHORT, ARGS(A_CSTR("wal"), A_INT(INT64_MIN), A_REAL(0.5)), LANG_EN, &out);
    assert_string_equal(
        buf_z(&out), "wal ends too early: -9223372036854775808 bytes were expected at byte 0.5");
    buf_clear(&out);
    msg_render(MSG_FILE_SHORT, ARGS(A_CSTR("wal")), LANG_EN, &out);
    assert_string_equal(buf_z(&out), "wal ends too early: ? bytes were expected at byte ?");
    buf_clear(&out);
    // An argument's own braces are text.
    msg_render(MSG_FILE_MISSING, ARGS(A_CSTR("{0}{1}")), LANG_EN, &out);
    assert_string_equal(buf_z(&out), "{0}{1} does not exist");
    buf_clear(&out);
    msg_render(MSG_FILE_MISSING, NO_ARGS, LANG_EN, &out);
    assert_string_equal(buf_z(&out), "? does not exist");
    buf_fini(&out);
}

static void arguments_survive_in_the_error(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    {
        char gone[] = "text";
        (void)err_set(&err, ERR_IO, MSG_FILE_SHORT, ARGS(A_CSTR(gone), A_REAL(-2.5), A_INT(7)));
        memset(gone, 'x', sizeof gone);
    }
    assert_string_equal(
        render(&err, LANG_EN), "text ends too early: -2.5 bytes were expected at byte 7");
}

static void long_texts_are_cut_between_characters(void **state) {
    (void)state;
    char text[ERR_TEXT_MAX * 2];
    for (size_t i = 0; i + 3 <= sizeof text; i += 3) {
        memcpy(text + i, "가", 3);
    }
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_IO, MSG_FILE_SHORT,
        ARGS(A_STR(((struct str){text, sizeof text - 2})), A_CSTR("second"), A_INT(3)));
    assert_true(err.text_size <= ERR_TEXT_MAX);
    struct str all = str_of(render(&err, LANG_EN));
    assert_true(str_is_utf8(all, NULL));
    assert_true(str_ends(all, STR("bytes were expected at byte 3")));
    for (int i = 0; i < 10; i++) {
        (void)err_context(&err, MSG_FILE_MISSING, ARGS(A_STR(((struct str){text, 600}))));
        assert_true(err.text_size <= ERR_TEXT_MAX);
    }
    assert_true(str_is_utf8(str_of(render(&err, LANG_KO)), NULL));
}

static void setting_again_replaces_everything(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_IO, MSG_FILE_MISSING, ARGS(A_CSTR("old")));
    (void)err_context(&err, MSG_FILE_MISSING, ARGS(A_CSTR("context")));
    (void)err_set(&err, ERR_BUSY, MSG_FILE_PRESENT, ARGS(A_CSTR("new")));
    assert_string_equal(render(&err, LANG_EN), "new exists already");
    assert_int_equal(err.code, ERR_BUSY);
}

static void system_errors_become_our_codes(void **state) {
    (void)state;
    static const struct {
        int errno_value;
        enum err_code code;
        const char *words;
    } CASES[] = {
        {ENOSPC, ERR_SPACE, "f: the disk is full; free some space and it goes on by itself"},
        {EDQUOT, ERR_SPACE, "f: the disk is full; free some space and it goes on by itself"},
        {ENOENT, ERR_NOT_FOUND, "f does not exist"},
        {EIO, ERR_IO, "f: the operating system says: Input/output error"},
        {EACCES, ERR_IO, "f: the operating system says: Permission denied"},
        {99999, ERR_IO, "f: the operating system says: Unknown error 99999"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct err err = ERR_INIT;
        assert_int_equal(err_set_errno(&err, CASES[i].errno_value, STR("f")), -(int)CASES[i].code);
        assert_string_equal(render(&err, LANG_EN), CASES[i].words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sentence_stands_in_both_languages_with_the_same_places),
        cmocka_unit_test(unknown_ids_have_harmless_names),
        cmocka_unit_test(setting_returns_the_negative_code_and_renders_in_both_languages),
        cmocka_unit_test(contexts_stand_before_the_fact_outermost_first),
        cmocka_unit_test(contexts_beyond_the_maximum_are_dropped),
        cmocka_unit_test(a_fact_without_words_is_told_by_its_code),
        cmocka_unit_test(a_context_without_a_fact_is_an_internal_error),
        cmocka_unit_test(a_null_error_drops_the_words),
        cmocka_unit_test(arguments_of_each_kind_are_rendered),
        cmocka_unit_test(arguments_survive_in_the_error),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(setting_again_replaces_everything),
        cmocka_unit_test(system_errors_become_our_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
