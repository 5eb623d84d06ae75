/*
 * Names of link states.
 */
#include "model/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void link_states_have_their_interface_names(void **state) {
    (void)state;
    static const char *const NAMES[] = {"off", "connecting", "up", "stale", "down"};
    for (int i = LINK_OFF; i <= LINK_DOWN; i++) {
        assert_string_equal(link_state_name((enum link_state)i), NAMES[i]);
    }
    assert_string_equal(link_state_name((enum link_state)99), "off");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_states_have_their_interface_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
