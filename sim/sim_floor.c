/*
 * The reader is a TCP server, as most are: who is connected gets each scan as a line, who is not
 * has missed it. The labels count on: item, lot of the hour, serial number, an expiry a year ahead.
 *
 * The tester writes each file under another name and renames it, the way careful programs do; each
 * holds five tests in CP949, as Korean testers write them.
 */
#include "sim/sim_floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/random.h"
#include "core/thread.h"
#include "core/time.h"

enum {
    SCAN_MS = 4000,
    FILE_MS = 10000,
    CLIENTS_MAX = 8,
    TESTS_A_FILE = 5,
    LABEL_BYTES = 128,
    FILE_BYTES = 4096,
    FILES_KEPT = 50, // Older ones of our own are taken away.
};

struct sim_floor {
    struct sim_floor_options options;
    char *folder;
    struct stop_flag stop;
    struct thread reader;
    struct thread tester;
    struct random reader_random;
    struct random tester_random;
    struct zone *zone;
    int listener;
    uint16_t port;
    int clients[CLIENTS_MAX];
    uint32_t client_count;
    uint32_t serial;
    uint32_t file_number;
};

/* ---- The reader ---- */

static void take_client(struct sim_floor *floor) {
    int fd = accept4(floor->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0 && floor->client_count < CLIENTS_MAX) {
        floor->clients[floor->client_count++] = fd;
    } else if (fd >= 0) {
        (void)close(fd);
    }
}

/* Who hung up or does not read is let go. */
static void send_all(struct sim_floor *floor, const char *line, size_t size) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < floor->client_count; i++) {
        if (send(floor->clients[i], line, size, MSG_NOSIGNAL) == (ssize_t)size) {
            floor->clients[kept++] = floor->clients[i];
        } else {
            (void)close(floor->clients[i]);
        }
    }
    floor->client_count = kept;
}

static void make_label(struct sim_floor *floor, char *label) {
    char now[TIME_TEXT_MAX];
    int64_t now_ns = clock_wall_ns(clock_system());
    (void)time_format(now_ns, floor->zone, now); // 2026-11-21T09:00:00+09:00
    char next[TIME_TEXT_MAX];
    (void)time_format(now_ns + 365LL * 86400 * NS_PER_S, floor->zone, next);
    (void)snprintf(label, LABEL_BYTES,
        "]d20108801234567893"
        "17%.2s%.2s%.2s"
        "10L%.2s%.2s%.2s\x1d"
        "21%06u\r\n",
        next + 2, next + 5, next + 8, now + 5, now + 8, now + 11, ++floor->serial % 1000000);
}

static void run_reader(void *context) {
    struct sim_floor *floor = context;
    int64_t every_ns = floor->options.scan_every_ms * NS_PER_MS;
    int64_t due_ns = clock_mono_ns(clock_system()) + every_ns / 4;
    while (!stop_flag_is_raised(&floor->stop)) {
        int64_t left_ms = (due_ns - clock_mono_ns(clock_system())) / NS_PER_MS;
        struct pollfd fds[2] = {{.fd = floor->listener, .events = POLLIN},
            {.fd = floor->stop.event_fd, .events = POLLIN}};
        if (poll(fds, 2, left_ms > 0 ? (int)left_ms : 0) > 0 && fds[0].revents != 0) {
            take_client(floor);
        }
        if (clock_mono_ns(clock_system()) >= due_ns) {
            char label[LABEL_BYTES];
            make_label(floor, label);
            send_all(floor, label, strlen(label));
            due_ns +=
                every_ns / 2 + (int64_t)random_below(&floor->reader_random, (uint64_t)every_ns);
        }
    }
    for (uint32_t i = 0; i < floor->client_count; i++) {
        (void)close(floor->clients[i]);
    }
}

/* ---- The tester ---- */

/* "시각,시료,하중,신장,판정" and the two verdicts in CP949. */
#define HEADER_CP949                                                                               \
    "\xbd\xc3\xb0\xa2,\xbd\xc3\xb7\xe1,\xc7\xcf\xc1\xdf,\xbd\xc5\xc0\xe5,\xc6\xc7\xc1\xa4\r\n"
#define GOOD_CP949 "\xbe\xe7\xc7\xb0"
#define BAD_CP949  "\xba\xd2\xb7\xae"

static void put_test(struct sim_floor *floor, struct buf *out, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    (void)time_format(time_ns, floor->zone, text);
    double load = 480;
    for (int i = 0; i < 12; i++) {
        load += (double)random_below(&floor->tester_random, 1000) / 1000 * 6 - 3;
    }
    double stretch = load / 40 + (double)random_below(&floor->tester_random, 100) / 200;
    text[10] = ' ';
    buf_printf(out, "%.19s,T%05u,%.1f,%.2f,%s\r\n", text, ++floor->file_number % 100000, load,
        stretch, load >= 470 ? GOOD_CP949 : BAD_CP949);
}

static void write_file(struct sim_floor *floor) {
    int64_t now_ns = clock_wall_ns(clock_system());
    AUTO_BUF struct buf text;
    buf_init(&text, FILE_BYTES);
    buf_put_str(&text, STR(HEADER_CP949));
    for (int i = 0; i < TESTS_A_FILE; i++) {
        int64_t back_ns =
            (TESTS_A_FILE - 1 - i) * floor->options.file_every_ms * NS_PER_MS / TESTS_A_FILE;
        put_test(floor, &text, now_ns - back_ns);
    }
    char part[LIMIT_PATH_BYTES];
    char name[LIMIT_PATH_BYTES];
    uint32_t number = floor->file_number / TESTS_A_FILE;
    (void)snprintf(part, sizeof part, "%s/test.part", floor->folder);
    (void)snprintf(name, sizeof name, "%s/test_%08u.csv", floor->folder, number);
    FILE *file = fopen(part, "we");
    if (file == NULL) {
        return; // The folder went with the demo's home.
    }
    bool good = fwrite(text.data, 1, text.size, file) == text.size;
    good = fclose(file) == 0 && good;
    if (good && rename(part, name) == 0 && number > FILES_KEPT) {
        (void)snprintf(name, sizeof name, "%s/test_%08u.csv", floor->folder, number - FILES_KEPT);
        (void)remove(name); // Absent after a restart: fine.
    }
}

static void run_tester(void *context) {
    struct sim_floor *floor = context;
    int64_t every_ns = floor->options.file_every_ms * NS_PER_MS;
    int64_t due_ns = clock_mono_ns(clock_system());
    do {
        write_file(floor);
        due_ns += every_ns;
    } while (!stop_flag_wait(&floor->stop, due_ns));
}

/* ---- Both ---- */

static int listen_free(struct sim_floor *floor, struct err *err) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    floor->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (floor->listener < 0 || bind(floor->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(floor->listener, CLIENTS_MAX) != 0 ||
        getsockname(floor->listener, (struct sockaddr *)&at, &size) != 0) {
        return err_set_errno(err, errno, STR("127.0.0.1"));
    }
    floor->port = ntohs(at.sin_port);
    return 0;
}

int sim_floor_start(
    const struct sim_floor_options *options, struct sim_floor **ret_floor, struct err *err) {
    struct sim_floor *floor = MEM_NEW(struct sim_floor);
    floor->options = *options;
    floor->options.scan_every_ms = options->scan_every_ms > 0 ? options->scan_every_ms : SCAN_MS;
    floor->options.file_every_ms = options->file_every_ms > 0 ? options->file_every_ms : FILE_MS;
    floor->folder = mem_copy_z(str_of(options->folder));
    random_seed(&floor->reader_random, options->seed + 1);
    random_seed(&floor->tester_random, options->seed + 2);
    stop_flag_init(&floor->stop);
    floor->listener = -1;
    int result = zone_load(STR("Asia/Seoul"), &floor->zone, err);
    if (result == 0) {
        result = listen_free(floor, err);
    }
    if (result < 0) {
        sim_floor_stop(floor);
        return result;
    }
    /* Numbers go on from the second of the day, so that a restart gives other files. */
    floor->file_number = (uint32_t)(clock_wall_ns(clock_system()) / NS_PER_S % 86400) * 1000;
    floor->serial = floor->file_number;
    thread_start(&floor->reader, "sim-scanner", run_reader, floor);
    thread_start(&floor->tester, "sim-tester", run_tester, floor);
    *ret_floor = floor;
    return 0;
}

void sim_floor_stop(struct sim_floor *floor) {
    if (floor == NULL) {
        return;
    }
    stop_flag_raise(&floor->stop);
    thread_join(&floor->reader);
    thread_join(&floor->tester);
    if (floor->listener >= 0) {
        (void)close(floor->listener);
    }
    stop_flag_fini(&floor->stop);
    zone_free(floor->zone);
    mem_free(floor->folder);
    mem_free(floor);
}

uint16_t sim_floor_scanner_port(const struct sim_floor *floor) {
    return floor->port;
}
