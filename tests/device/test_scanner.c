/* Readers that send lines: cut, glued, repeated, too long; what a scan gives each tag. */
#include "support_device.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct scene {
    struct rig rig;
    int listener;
    int reader;
    char address[32];
};

static const struct tag_line TAGS[] = {{"code", "d", "code"}, {"item", "d", "gs1:01"},
    {"lot", "d", "gs1:10"}, {"end", "d", "gs1:17 date"}, {"weight", "d", "gs1:310 number"},
    {"count", "d", "count"}, {"gtin", "d", "epc:gtin"}, {"serial", "d", "epc:serial"}, {0}};
enum { CODE = 1, ITEM, LOT, END, WEIGHT, COUNT, GTIN, SERIAL };

static void connect_scene(struct scene *scene) {
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&scene->rig, &err));
    scene->reader = accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(scene->reader >= 0);
}

static void scene_start(struct scene *scene, const char *options) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    scene->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(scene->listener, (struct sockaddr *)&at, sizeof at));
    socklen_t size = sizeof at;
    assert_int_equal(0, getsockname(scene->listener, (struct sockaddr *)&at, &size));
    assert_int_equal(0, listen(scene->listener, 4));
    (void)snprintf(
        scene->address, sizeof scene->address, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    struct device_line device = {"d", "scanner", scene->address, options, 1000};
    rig_init(&scene->rig, &device, TAGS, NULL);
    connect_scene(scene);
}

static void scene_end(struct scene *scene) {
    rig_fini(&scene->rig);
    (void)close(scene->reader);
    (void)close(scene->listener);
}

static void put(struct scene *scene, const char *bytes) {
    assert_int_equal(
        (ssize_t)strlen(bytes), send(scene->reader, bytes, strlen(bytes), MSG_NOSIGNAL));
}

/* Lets the driver take what came, until `scans` scans in all were stored. */
static void take(struct scene *scene, uint32_t scans) {
    int64_t until_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    struct err err = ERR_INIT;
    do {
        assert_int_equal(0, poller_receive(&scene->rig.poller, scene->rig.plan, &err));
    } while (box_count(&scene->rig.box, CODE) < scans && clock_mono_ns(clock_system()) < until_ns);
    assert_int_equal(box_count(&scene->rig.box, CODE), scans);
}

static void a_scan_gives_each_tag_its_part(void **state) {
    (void)state;
    struct scene scene;
    scene_start(&scene, "");
    struct box *box = &scene.rig.box;
    put(&scene, "]d2010880123456789310LOT-7\x1d"
                "172612313103001250\r\n");
    take(&scene, 1);
    assert_string_equal(box_last(box, ITEM).text, "08801234567893");
    assert_string_equal(box_last(box, LOT).text, "LOT-7");
    assert_string_equal(box_last(box, END).text, "2026-12-31");
    assert_true(box_last(box, WEIGHT).row.value.f64 == 1.25);
    assert_int_equal(box_last(box, COUNT).row.value.i64, 1);
    put(&scene, "작업지시-0012\n"); // No GS1 code: the others stay as they are.
    take(&scene, 2);
    assert_string_equal(box_last(box, CODE).text, "작업지시-0012");
    assert_int_equal(box_count(box, ITEM), 1);
    put(&scene, "\x02"
                "3074257BF7194E4000001A85\x03");
    take(&scene, 3);
    assert_string_equal(box_last(box, GTIN).text, "80614141123458");
    assert_int_equal(box_last(box, SERIAL).row.value.i64, 6789);
    assert_int_equal(box_last(box, COUNT).row.value.i64, 3);
    scene_end(&scene);
}

static void lines_may_be_cut_glued_and_repeated(void **state) {
    (void)state;
    struct scene scene;
    scene_start(&scene, "again_ms=60000 skip=NOREAD");
    put(&scene, "00123");
    take(&scene, 0);
    put(&scene, "45678905\r\n\r\nNOREAD\rA1\rA1\rB2\r");
    take(&scene, 3);
    assert_string_equal(scene.rig.box.rows[0].text, "0012345678905"); // Leading zeros stay.
    int64_t last_ns = 0; // What came in one piece has times of its own all the same.
    for (uint32_t i = 0; i < scene.rig.box.count; i++) {
        const struct sample *row = &scene.rig.box.rows[i].row;
        assert_true(row->tag != CODE || row->time_ns > last_ns);
        last_ns = row->tag == CODE ? row->time_ns : last_ns;
    }
    put(&scene, "B2\rA1\r");
    take(&scene, 4);
    scene_end(&scene);
}

static int babble(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    (void)link;
    (void)deadline_ns;
    (void)err;
    static size_t given;
    assert_true((given += capacity) < 64 << 20); // Nobody listens that long in one turn.
    memset(data, 'x', capacity);
    return (int)capacity;
}

static void a_machine_that_never_stops_sending_holds_nobody_up(void **state) {
    (void)state;
    struct memory_link *memory = memory_link_new(NULL, NULL);
    struct link_ops ops = *memory->link.ops;
    ops.receive = babble;
    memory->link.ops = &ops;
    struct device_line device = {"d", "scanner", "127.0.0.1:9", "", 1000};
    struct rig rig;
    rig_init(&rig, &device, TAGS, &memory->link);
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&rig, &err));
    assert_int_equal(0, poller_receive(&rig.poller, rig.plan, &err));
    assert_true(rig.poller.io.wake_ns <= clock_mono_ns(clock_system())); // It goes on at once.
    rig_fini(&rig);
}

static void a_line_without_an_end_is_counted_and_left_out(void **state) {
    (void)state;
    struct scene scene;
    scene_start(&scene, "");
    for (int i = 0; i < 1000; i++) {
        put(&scene, "0123456789");
    }
    put(&scene, "\rA1\r");
    take(&scene, 1);
    struct device_health health;
    assert_true(health_copy(scene.rig.health, scene.rig.clock, &health));
    assert_int_equal(health.unclaimed, 1);
    scene_end(&scene);
}

static void the_count_goes_on_and_half_a_line_is_forgotten(void **state) {
    (void)state;
    struct scene scene;
    scene_start(&scene, "");
    put(&scene, "A\rB\rhalf");
    take(&scene, 2);
    (void)close(scene.reader);
    struct err err = ERR_INIT;
    int64_t until_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    int result = 0;
    while (result == 0 && clock_mono_ns(clock_system()) < until_ns) {
        result = poller_receive(&scene.rig.poller, scene.rig.plan, &err);
    }
    assert_int_equal(result, -ERR_CLOSED);
    poller_disconnect(&scene.rig.poller);
    memset(scene.rig.poller.io.private, 0, 8); // Whatever is in the line buffer.
    connect_scene(&scene);
    put(&scene, "C\r");
    take(&scene, 3);
    assert_string_equal(box_last(&scene.rig.box, CODE).text, "C");
    assert_int_equal(box_last(&scene.rig.box, COUNT).row.value.i64, 3);
    scene_end(&scene);
}

static void sources_are_checked(void **state) {
    (void)state;
    struct device device = {.id = STR("d"),
        .driver = STR("scanner"),
        .address = STR("10.0.0.1:23"),
        .options = STR_NONE,
        .period_ns = NS_PER_S};
    static const char *const WRONG[] = {"", "kode", "gs1:", "gs1:1", "gs1:12345", "gs1:ab",
        "gs1:17 dat", "gs1:-1", "epc:", "gs1:+1"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct err err = ERR_INIT;
        struct point point = {0};
        assert_int_equal(
            -ERR_INVALID, device_check_source(&device, str_of(WRONG[i]), &point, &err));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_gives_each_tag_its_part),
        cmocka_unit_test(lines_may_be_cut_glued_and_repeated),
        cmocka_unit_test(a_machine_that_never_stops_sending_holds_nobody_up),
        cmocka_unit_test(a_line_without_an_end_is_counted_and_left_out),
        cmocka_unit_test(the_count_goes_on_and_half_a_line_is_forgotten),
        cmocka_unit_test(sources_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
