/* What the program takes of the computer: true of this very process, and moving with it. */
#include "core/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static void the_figures_are_those_of_this_process(void **state) {
    (void)state;
    struct process_facts facts;
    process_look(&facts);
    assert_in_range(facts.memory_bytes, 100 * 1024, 4ULL << 30);
    assert_int_equal(facts.threads, 1);
    assert_in_range(facts.open_files, 3, 1000);
    assert_true(facts.cpu_s >= 0 && facts.cpu_s < 3600);
}

static void an_open_file_counts(void **state) {
    (void)state;
    struct process_facts before;
    struct process_facts during;
    struct process_facts after;
    process_look(&before);
    int fd = dup(0);
    assert_true(fd >= 0);
    process_look(&during);
    assert_int_equal(close(fd), 0);
    process_look(&after);
    assert_int_equal(during.open_files, before.open_files + 1);
    assert_int_equal(after.open_files, before.open_files);
    assert_true(after.cpu_s >= before.cpu_s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_are_those_of_this_process),
        cmocka_unit_test(an_open_file_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
