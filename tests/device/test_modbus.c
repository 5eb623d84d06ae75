/* The driver modbus against recorded bytes. */
#include "support_device.h"

static void the_driver_is_in_the_registry(void **state) {
    (void)state;
    assert_non_null(driver_find(STR("modbus")));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_driver_is_in_the_registry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
