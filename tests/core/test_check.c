/*
 * Failed checks end the process with words; passed ones cost nothing and evaluate once.
 */
#include "core/check.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void a_passed_check_evaluates_its_condition_once(void **state) {
    (void)state;
    int count = 0;
    CHECK(++count == 1);
    NEVER(count != 1);
    assert_int_equal(count, 1);
}

static void a_failed_check_names_the_place_and_aborts(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL); // The test framework catches it otherwise.
        CHECK(child != 0);
        _exit(0);
    }
    (void)close(ends[1]);
    char text[8192] = "";
    size_t used = 0;
    ssize_t got = 1;
    while (got > 0 && used < sizeof text - 1) {
        got = read(ends[0], text + used, sizeof text - 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_memory_equal(text, "check failed: child != 0 at ", 28);
    assert_non_null(strstr(text, "test_check.c:"));
    // One line of place, then at least this function's callers.
    const char *trace = strchr(text, '\n');
    assert_non_null(trace);
    assert_non_null(strchr(trace + 1, '\n'));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passed_check_evaluates_its_condition_once),
        cmocka_unit_test(a_failed_check_names_the_place_and_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
