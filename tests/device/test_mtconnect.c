/* An agent that is made here: streams, resuming by sequence, restarts, an overrun buffer. */
#include "support_device.h"

#include <stdio.h>

#include "core/time.h"

#include "support_web.h"

enum { ITEMS = 4000 };

/* Observation n: sequence n, value n * 0.5, one a millisecond from EPOCH_MS on. */
struct agent {
    struct web web;
    char address[64];
    uint64_t instance;
    uint64_t first;
    uint64_t next;
    uint32_t currents;
    bool unavailable;
};
#define EPOCH_MS 1700000000000LL

static void put_head(struct buf *body, const struct agent *agent, uint64_t next) {
    buf_printf(body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
        "<MTConnectStreams xmlns=\"urn:mtconnect.org:MTConnectStreams:1.7\"><Header "
        "instanceId=\"%llu\" version=\"1.7.0\" sender=\"test\" bufferSize=\"131072\" "
        "firstSequence=\"%llu\" lastSequence=\"%llu\" nextSequence=\"%llu\"/><Streams>"
        "<DeviceStream name=\"cnc\" uuid=\"1\"><ComponentStream component=\"Linear\">",
        (unsigned long long)agent->instance, (unsigned long long)agent->first,
        (unsigned long long)agent->next - 1, (unsigned long long)next);
}

static void put_time(struct buf *body, uint64_t sequence) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format((EPOCH_MS + (int64_t)sequence) * NS_PER_MS, NULL, text);
    buf_put(body, text, size);
}

static void put_position(struct buf *body, const struct agent *agent, uint64_t sequence) {
    buf_printf(body, "<Position dataItemId=\"x1\" name=\"Xact\" sequence=\"%llu\" timestamp=\"",
        (unsigned long long)sequence);
    put_time(body, sequence);
    buf_printf(body, "\">");
    if (agent->unavailable) {
        buf_printf(body, "UNAVAILABLE");
    } else {
        buf_printf(body, "%llu.%d", (unsigned long long)sequence / 2, sequence % 2 == 1 ? 5 : 0);
    }
    buf_printf(body, "</Position>");
}

static void put_tail(struct buf *body) {
    buf_printf(body, "</ComponentStream></DeviceStream></Streams></MTConnectStreams>");
}

static int answer(void *context, const char *target, const char *head, struct buf *body) {
    struct agent *agent = context;
    (void)head;
    if (strcmp(target, "/probe") == 0) {
        buf_printf(body,
            "<MTConnectDevices><Header instanceId=\"1\"/><Devices><Device name=\"cnc\"><DataItems>"
            "<DataItem category=\"SAMPLE\" id=\"x1\" name=\"Xact\" type=\"POSITION\" "
            "units=\"MILLIMETER\"/><DataItem category=\"EVENT\" id=\"e1\" name=\"exec\" "
            "type=\"EXECUTION\"/></DataItems></Device></Devices></MTConnectDevices>");
        return 200;
    }
    if (strcmp(target, "/current") == 0) {
        agent->currents++;
        put_head(body, agent, agent->next);
        put_position(body, agent, agent->next - 1);
        buf_printf(body, "<Execution dataItemId=\"e1\" name=\"exec\" sequence=\"1\" "
                         "timestamp=\"2023-11-14T22:13:20Z\">ACTIVE</Execution><Condition><Fault "
                         "dataItemId=\"c1\" "
                         "sequence=\"2\" timestamp=\"2023-11-14T22:13:20Z\" type=\"SYSTEM\" "
                         "nativeCode=\"E12\">door "
                         "open</Fault></Condition>");
        put_tail(body);
        return 200;
    }
    uint64_t from = 0;
    uint64_t count = 0;
    struct str rest = str_of(target);
    (void)str_cut(&rest, '=');
    assert_true(str_to_u64(str_cut(&rest, '&'), &from));
    (void)str_cut(&rest, '=');
    assert_true(str_to_u64(rest, &count));
    if (from < agent->first || from > agent->next) {
        buf_printf(body,
            "<MTConnectError><Header instanceId=\"%llu\"/><Errors><Error "
            "errorCode=\"OUT_OF_RANGE\">gone</Error></Errors></MTConnectError>",
            (unsigned long long)agent->instance);
        return 404;
    }
    uint64_t end = from + count < agent->next ? from + count : agent->next;
    put_head(body, agent, end);
    for (uint64_t i = from; i < end; i++) {
        put_position(body, agent, i);
    }
    put_tail(body);
    return 200;
}

static void agent_start(struct agent *agent) {
    *agent = (struct agent){.instance = 7, .first = 1, .next = 2};
    web_start(&agent->web, answer, agent);
    (void)snprintf(agent->address, sizeof agent->address, "http://127.0.0.1:%u/", agent->web.port);
}

static const struct tag_line TAGS[] = {{"x", "d", "x1"}, {"exec", "d", "exec text"},
    {"fault", "d", "c1 text"}, {"x2", "d", "Xact"}, {0}};
static struct rig rig;

static void rig_start(const struct agent *agent) {
    struct device_line device = {"d", "mtconnect", agent->address, "count=100", 1000};
    rig_init(&rig, &device, TAGS, NULL);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&rig, &err));
}

static void poll_once(void) {
    struct err err = ERR_INIT;
    if (rig_poll(&rig, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
}

/* All good rows of tag 1: each sequence number once, in order. */
static void assert_sequences(uint64_t from, uint64_t end) {
    uint64_t expected = from;
    for (uint32_t i = 0; i < rig.box.count; i++) {
        const struct sample *row = &rig.box.rows[i].row;
        if (row->tag == 1 && row->status == 0) {
            assert_true(row->value.f64 == (double)expected / 2);
            assert_int_equal(row->time_ns, (EPOCH_MS + (int64_t)expected) * NS_PER_MS);
            assert_int_equal(row->flags, SAMPLE_SOURCE_TIME);
            expected++;
        }
    }
    assert_int_equal(expected, end);
}

static void every_observation_comes_once(void **state) {
    (void)state;
    struct agent agent;
    agent_start(&agent);
    rig_start(&agent);
    poll_once();
    assert_string_equal(box_last(&rig.box, 2).text, "ACTIVE");
    assert_string_equal(box_last(&rig.box, 3).text, "FAULT E12 door open");
    assert_int_equal(box_count(&rig.box, 4), 1); // By its name as by its id.
    for (uint64_t next = 2; next < ITEMS; next += next / 3 + 1) {
        agent.next = next;
        poll_once();
    }
    agent.next = ITEMS;
    poll_once();
    assert_sequences(1, ITEMS);
    assert_int_equal(agent.currents, 1);
    /* The session is lost and begins anew: the bookmark goes on where it was left. */
    struct err err = ERR_INIT;
    poller_disconnect(&rig.poller);
    agent.next = ITEMS + 500;
    assert_int_equal(0, rig_connect(&rig, &err));
    poll_once();
    assert_sequences(1, ITEMS + 500);
    assert_int_equal(agent.currents, 1);
    rig_fini(&rig);
    web_stop(&agent.web);
}

static void a_refusing_store_moves_no_bookmark(void **state) {
    (void)state;
    struct agent agent;
    agent_start(&agent);
    rig_start(&agent);
    poll_once();
    agent.next = 300;
    rig.box.dry = true;
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_SPACE, rig_poll(&rig, &err));
    poller_disconnect(&rig.poller);
    rig.box.dry = false;
    assert_int_equal(0, rig_connect(&rig, &err));
    poll_once();
    assert_sequences(1, 300);
    rig_fini(&rig);
    web_stop(&agent.web);
}

/* Good rows of a tag with that value. */
static uint32_t count_of(uint32_t tag, double value) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig.box.count; i++) {
        const struct sample *row = &rig.box.rows[i].row;
        count += row->tag == tag && row->status == 0 && row->value.f64 == value;
    }
    return count;
}

static void all_that_the_agent_still_holds_comes_after_a_new_run_and_an_overrun(void **state) {
    (void)state;
    struct agent agent;
    agent_start(&agent);
    rig_start(&agent);
    poll_once();
    agent.next = 50;
    poll_once();
    agent.instance = 8; // Restarted: its numbers began anew, and it is further than we were.
    agent.first = 10;
    agent.next = 60;
    poll_once();
    assert_int_equal(count_of(1, 10 / 2.0), 2); // Of the old run and of the new one.
    assert_true(count_of(1, 59 / 2.0) > 0);     // What comes twice with its time, the store knows.
    agent.instance = 9; // Restarted, and not as far: our place does not exist.
    agent.first = 1;
    agent.next = 5;
    poll_once();
    assert_int_equal(count_of(1, 1 / 2.0), 2);
    agent.first = 200000;
    agent.next = 200500;
    uint32_t execs = box_count(&rig.box, 2);
    int64_t before_ns = clock_wall_ns(clock_system());
    poll_once();
    uint32_t marks = 0;
    for (uint32_t i = 0; i < rig.box.count; i++) {
        const struct sample *row = &rig.box.rows[i].row;
        if (row->tag == 1 && row->status == (uint32_t)STATUS_BAD_NO_DATA) {
            marks++; // Behind the last value, not at the time of the discovery.
            assert_int_equal(row->time_ns, (EPOCH_MS + 59) * NS_PER_MS + 1);
        }
    }
    assert_int_equal(marks, 1);
    for (uint64_t i = 200000; i < 200500; i++) {
        assert_true(count_of(1, (double)i / 2) >= 1);
    }
    /* What did not change behind the gap holds from now on. */
    assert_int_equal(box_count(&rig.box, 2), execs + 2);
    assert_int_equal(box_last(&rig.box, 2).row.status, (uint32_t)STATUS_GOOD);
    assert_true(box_last(&rig.box, 2).row.time_ns >= before_ns);
    struct device_health health;
    assert_true(health_copy(rig.health, rig.clock, &health));
    assert_non_null(strstr(words_of(&health.last_error), "no longer holds"));
    agent.unavailable = true;
    agent.next++;
    poll_once();
    assert_int_equal(box_last(&rig.box, 1).row.status, (uint32_t)STATUS_BAD_NO_DATA);
    rig_fini(&rig);
    web_stop(&agent.web);
}

static void found(void *context, const struct browse_item *item) {
    buf_printf(context, "%.*s|%.*s|%.*s;", STR_ARG(item->source), STR_ARG(item->display),
        STR_ARG(item->unit));
}

static void data_items_can_be_browsed(void **state) {
    (void)state;
    struct agent agent;
    agent_start(&agent);
    agent.address[strlen(agent.address) - 1] = 0;
    struct device device = {.number = 1,
        .id = STR("d"),
        .driver = STR("mtconnect"),
        .address = str_of(agent.address),
        .options = STR_NONE,
        .period_ns = NS_PER_S};
    AUTO_BUF struct buf list;
    buf_init(&list, 512);
    struct err err = ERR_INIT;
    assert_int_equal(0, device_browse(&device, STR_NONE, found, &list, &err));
    assert_string_equal(buf_z(&list), "x1|Xact POSITION|MILLIMETER;e1 text|exec EXECUTION|;");
    web_stop(&agent.web);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_observation_comes_once),
        cmocka_unit_test(a_refusing_store_moves_no_bookmark),
        cmocka_unit_test(all_that_the_agent_still_holds_comes_after_a_new_run_and_an_overrun),
        cmocka_unit_test(data_items_can_be_browsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
