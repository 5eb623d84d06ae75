/* The simulated reader and tester: labels that are GS1 codes, files that are whole. */
#include "sim/sim_floor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/file.h"

static int count_files(void *context, const char *name, struct err *err) {
    (void)err;
    *(int *)context += strncmp(name, "test_", 5) == 0 && strstr(name, ".csv") != NULL;
    return 0;
}

static void labels_are_sent_and_files_are_dropped(void **state) {
    (void)state;
    char folder[] = "/tmp/maru-floor-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct sim_floor *floor = NULL;
    struct sim_floor_options options = {
        .folder = folder, .seed = 7, .scan_every_ms = 20, .file_every_ms = 20};
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_floor_start(&options, &floor, &err));
    struct sockaddr_in at = {.sin_family = AF_INET,
        .sin_port = htons(sim_floor_scanner_port(floor)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, connect(fd, (struct sockaddr *)&at, sizeof at));
    char lines[256] = "";
    for (size_t size = 0; size < 100;) {
        ssize_t got = recv(fd, lines + size, sizeof lines - 1 - size, 0);
        assert_true(got > 0);
        size += (size_t)got;
    }
    assert_int_equal(0, strncmp(lines, "]d2010880123456789317", 21));
    assert_non_null(strstr(lines, "\x1d"
                                  "21"));
    int files = 0;
    int64_t until_ns = clock_mono_ns(clock_system()) + 10 * NS_PER_S;
    while (files < 2 && clock_mono_ns(clock_system()) < until_ns) {
        files = 0;
        assert_int_equal(0, dir_each(folder, count_files, &files, &err));
    }
    assert_true(files >= 2);
    (void)close(fd);
    sim_floor_stop(floor);
    assert_int_equal(0, dir_remove_all(folder, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(labels_are_sent_and_files_are_dropped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
