/*
 * Log lines: one line an event, nothing from outside can forge a second one.
 */
#include "core/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"

static const int64_t TIME_NS = 1738281600500000000; // 2025-01-31T00:00:00.5Z

static const char *line_of(const struct log_field *fields, const struct err *err) {
    static struct buf line;
    buf_fini(&line);
    buf_init(&line, 65536);
    log_line(&line, TIME_NS, LOG_WARN, "device", "lost", fields, err);
    return buf_z(&line);
}

static void a_line_has_time_level_room_event_and_fields(void **state) {
    (void)state;
    assert_string_equal(line_of(NULL, NULL), "2025-01-31T00:00:00.500Z warn device lost");
    assert_string_equal(line_of(LOG_FIELDS({"device", A_CSTR("press-1")}, {"tries", A_INT(-3)},
                                    {"rate", A_REAL(0.5)}, {"empty", A_CSTR("")}),
                            NULL),
        "2025-01-31T00:00:00.500Z warn device lost device=press-1 tries=-3 rate=0.5 empty=\"\"");
}

static void outside_text_is_quoted_and_escaped(void **state) {
    (void)state;
    static const struct {
        struct str text;
        const char *want;
    } CASES[] = {
        {{"a b", 3}, "x=\"a b\""},
        {{"a=b", 3}, "x=\"a=b\""},
        {{"a\"b\\", 4}, "x=\"a\\\"b\\\\\""},
        {{"a\nb\r\x1B[2J", 8}, "x=\"a\\nb\\x0d\\x1b[2J\""},
        {{"\0", 1}, "x=\"\\x00\""},
        {{"프레스", 9}, "x=\"프레스\""},
        {{"\xFF\xEA\xB0", 3}, "x=\"\\xff\\xea\\xb0\""},
        {{"\xC2\x9B", 2}, "x=\"\\xc2\\x9b\""}, // A C1 control.
        {{"\xC2\xA0", 2}, "x=\"\xC2\xA0\""},
        {{"\x7F", 1}, "x=\"\\x7f\""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *line = line_of(LOG_FIELDS({"x", A_STR(CASES[i].text)}), NULL);
        assert_string_equal(strstr(line, "x="), CASES[i].want);
    }
}

static void an_error_becomes_code_and_english_sentence(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_null(strstr(line_of(NULL, &err), "error="));
    (void)err_set(&err, ERR_NOT_FOUND, MSG_ZONE_UNKNOWN, ARGS(A_CSTR("x\ny")));
    assert_string_equal(strstr(line_of(NULL, &err), "code="),
        "code=NOT_FOUND error=\"the time zone \\\"x\\ny\\\" is not known on this machine\"");
}

/* Catches what log_event writes to stderr. */
static size_t catch_event(
    enum log_level level, const struct log_field *fields, char *text, size_t capacity) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int before = dup(STDERR_FILENO);
    assert_true(before >= 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    log_event(level, "core", "test", fields, NULL);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    (void)close(before);
    (void)close(ends[1]);
    ssize_t got = read(ends[0], text, capacity - 1);
    (void)close(ends[0]);
    assert_true(got >= 0);
    text[got] = '\0';
    return (size_t)got;
}

static void the_level_decides_what_is_written(void **state) {
    (void)state;
    char text[1000];
    assert_int_equal(log_level(), LOG_INFO);
    assert_int_equal(catch_event(LOG_DEBUG, NULL, text, sizeof text), 0);
    assert_true(catch_event(LOG_INFO, NULL, text, sizeof text) > 0);
    assert_non_null(strstr(text, " info core test\n"));
    log_set_level(LOG_DEBUG);
    assert_true(catch_event(LOG_DEBUG, NULL, text, sizeof text) > 0);
    log_set_level(LOG_ERROR);
    assert_int_equal(catch_event(LOG_WARN, NULL, text, sizeof text), 0);
    log_set_level(LOG_INFO);
}

static void a_long_line_is_cut_and_says_so(void **state) {
    (void)state;
    enum { LONG = 20000, LINE_MAX_BYTES = 8192 };
    static char value[LONG];
    static char text[LONG * 2];
    for (size_t i = 0; i + 3 <= LONG; i += 3) {
        memcpy(value + i, "가", 3);
    }
    static const size_t SIZES[] = {8100, 8130, 8133, 8136, 8139, 8142, 8145, 8200, 19998};
    static const char *const KEYS[] = {"x", "xx", "xxx"}; // Shift where the characters lie.
    for (size_t i = 0; i < 3 * sizeof SIZES / sizeof SIZES[0]; i++) {
        struct str one = {value, 3000};
        struct str two = {value, 4500};
        struct str rest = {value, SIZES[i / 3] / 3 * 3 - 7500};
        const struct log_field fields[] = {
            {KEYS[i % 3], A_STR(one)}, {"b", A_STR(two)}, {"c", A_STR(rest)}, {0}};
        size_t size = catch_event(LOG_INFO, fields, text, sizeof text);
        assert_true(size <= LINE_MAX_BYTES);
        assert_int_equal(text[size - 1], '\n');
        bool cut = str_ends((struct str){text, size}, STR(" cut=1\n"));
        assert_true(cut || strstr(text, "가\"\n") != NULL);
        assert_true(str_is_utf8((struct str){text, size}, NULL));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_room_event_and_fields),
        cmocka_unit_test(outside_text_is_quoted_and_escaped),
        cmocka_unit_test(an_error_becomes_code_and_english_sentence),
        cmocka_unit_test(the_level_decides_what_is_written),
        cmocka_unit_test(a_long_line_is_cut_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
