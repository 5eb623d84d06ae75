/* Plans: signatures, shared lines, broken sources, phases. */
#include "support_device.h"

static struct device_plan *plan_of(const struct device_line *device, const struct tag_line *tags) {
    struct device_line devices[2] = {*device, {0}};
    struct catalogue *catalogue = make_catalogue(devices, tags);
    struct err err = ERR_INIT;
    struct device_plan *plan = device_plan_new(catalogue, &catalogue->devices[0], &err);
    assert_non_null(plan);
    catalogue_unref(catalogue); // A plan borrows nothing.
    return plan;
}

static const struct tag_line two_tags[] = {
    {"a", "d", "holding:1"}, {"b", "d", "holding:0 unit 2"}, {0}};

static void a_plan_changes_its_signature_with_all_that_matters(void **state) {
    (void)state;
    static const struct device_line devices[] = {
        {"d", "modbus", "127.0.0.1:502", "unit=1", 1000},
        {"d", "modbus", "127.0.0.1:503", "unit=1", 1000},
        {"d", "modbus", "127.0.0.1:502", "unit=2", 1000},
        {"d", "modbus", "127.0.0.1:502", "unit=1", 2000},
    };
    static const struct tag_line other_source[] = {
        {"a", "d", "holding:2"}, {"b", "d", "holding:0 unit 2"}, {0}};
    uint64_t signatures[5];
    for (size_t i = 0; i < 4; i++) {
        struct device_plan *plan = plan_of(&devices[i], two_tags);
        signatures[i] = plan->signature;
        device_plan_free(plan);
    }
    struct device_plan *plan = plan_of(&devices[0], other_source);
    signatures[4] = plan->signature;
    device_plan_free(plan);
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_true(signatures[i] != signatures[k]);
        }
    }
    plan = plan_of(&devices[0], two_tags);
    assert_true(plan->signature == signatures[0]); // And does not without.
    device_plan_free(plan);
}

static void points_are_sorted_by_unit_and_broken_sources_set_aside(void **state) {
    (void)state;
    static const struct device_line device = {"d", "modbus", "127.0.0.1:502", "unit=7", 1000};
    static const struct tag_line tags[] = {{"a", "d", "holding:9"}, {"b", "d", "holding:1 unit 2"},
        {"c", "d", "oops"}, {"e", "other", "holding:0"}, {"f", "d", ""}, {0}};
    struct device_plan *plan = plan_of(&device, tags);
    assert_int_equal(2, plan->point_count);
    assert_int_equal(2, plan->unit_count);
    assert_int_equal(2, plan->units[0].number);
    assert_int_equal(7, plan->units[1].number);
    assert_int_equal(1, plan->broken_count);
    assert_int_equal(3, plan->broken[0].tag);
    assert_non_null(strstr(words_of(&plan->broken_error), "oops"));
    assert_true(plan->phase_ns >= 0 && plan->phase_ns < plan->period_ns);
    device_plan_free(plan);
}

static void devices_that_cannot_share_a_line_are_refused(void **state) {
    (void)state;
    static const struct device_line devices[] = {
        {"d", "modbus", "/dev/ttyS0", "unit=1 baud=9600", 1000},
        {"d", "modbus", "/dev/ttyS0", "unit=2 baud=9600 timeout_ms=77", 500},
        {"d", "modbus", "/dev/ttyS0", "unit=3 baud=19200", 1000},
    };
    struct device_plan *first = plan_of(&devices[0], two_tags);
    struct link_plan *link = link_plan_new(first);
    struct err err = ERR_INIT;
    assert_int_equal(0, link_plan_add(link, first, &err));
    assert_int_equal(0, link_plan_add(link, plan_of(&devices[1], two_tags), &err));
    struct device_plan *third = plan_of(&devices[2], two_tags);
    assert_int_equal(-ERR_CONFLICT, link_plan_add(link, third, &err));
    device_plan_free(third);
    assert_int_equal(2, link->device_count);
    link_plan_free(link);
}

static void a_link_is_shared_where_its_session_is_the_same(void **state) {
    (void)state;
    static const struct {
        const char *driver, *source, *first, *second;
        bool fits;
    } cases[] = {
        {"s7", "M0.1", "slot=2", "slot=2 max_gap=0 encoding=utf8 timeout_ms=77", true},
        {"s7", "M0.1", "slot=2", "slot=1", false},
        {"s7", "M0.1", "rack=0", "rack=1", false},
        {"s7", "M0.1", "connection=pg", "connection=op", false},
        {"s7", "M0.1", "", "remote_tsap=515", false},
        {"s7", "M0.1", "", "local_tsap=515", false},
        {"s7", "M0.1", "pdu=240", "pdu=480", false},
        {"s7", "M0.1", "jobs=1", "jobs=2", false},
        {"fins", "D0", "plc_node=1", "plc_node=2 network=3 unit=4", true},
        {"fins", "D0", "node=10", "node=11", false},
        {"fins", "D0", "framing=udp", "framing=tcp", false},
        {"melsec", "D0", "network=1", "network=2 station=3 frame=4e", true},
        {"xgt", "D0", "slot=1", "slot=2 cpu=xgi", true},
        {"modbus", "holding:0", "unit=1", "unit=2", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tag_line tags[] = {{"a", "d", cases[i].source}, {0}};
        struct device_line line = {"d", cases[i].driver, "127.0.0.1:102", cases[i].first, 1000};
        struct device_plan *first = plan_of(&line, tags);
        struct link_plan *link = link_plan_new(first);
        line.options = cases[i].second;
        struct device_plan *second = plan_of(&line, tags);
        if (link_plan_fits(link, second) != cases[i].fits) {
            fail_msg("%s: %s | %s", cases[i].driver, cases[i].first, cases[i].second);
        }
        assert_true(link_plan_fits(link, first));
        device_plan_free(first);
        device_plan_free(second);
        link_plan_free(link);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_changes_its_signature_with_all_that_matters),
        cmocka_unit_test(points_are_sorted_by_unit_and_broken_sources_set_aside),
        cmocka_unit_test(devices_that_cannot_share_a_line_are_refused),
        cmocka_unit_test(a_link_is_shared_where_its_session_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
