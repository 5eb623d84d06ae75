/*
 * libmodbus as the other side, for tests and for bench/collect-peers.sh; never shipped.
 *
 *     modbus-peer server PORT            prints `ready PORT`, serves until killed
 *     modbus-peer client PORT SECONDS    reads 100 registers as fast as it can, prints requests/s
 *
 * The server's holding registers hold their own number times three; input registers their number
 * plus one; coils are on at even numbers, discrete inputs at multiples of three.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CELLS = 1000, REGISTERS = 100, CLIENTS = 16 };

static void fill(modbus_mapping_t *mapping) {
    for (int i = 0; i < CELLS; i++) {
        mapping->tab_registers[i] = (uint16_t)(i * 3);
        mapping->tab_input_registers[i] = (uint16_t)(i + 1);
        mapping->tab_bits[i] = i % 2 == 0;
        mapping->tab_input_bits[i] = i % 3 == 0;
    }
}

/* Answers one request of a client; false when it left. */
static int answer(modbus_t *modbus, int fd, modbus_mapping_t *mapping) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(modbus, fd);
    int size = modbus_receive(modbus, query);
    if (size > 0) {
        (void)modbus_reply(modbus, query, size, mapping); // A client that left shows next time.
    }
    return size >= 0;
}

static int serve(int port) {
    modbus_t *modbus = modbus_new_tcp("127.0.0.1", port);
    modbus_mapping_t *mapping = modbus_mapping_new(CELLS, CELLS, CELLS, CELLS);
    if (modbus == NULL || mapping == NULL) {
        return 1;
    }
    fill(mapping);
    int listener = modbus_tcp_listen(modbus, CLIENTS);
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    if (listener < 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("listen");
        return 1;
    }
    printf("ready %u\n", (unsigned)ntohs(address.sin_port));
    (void)fflush(stdout);
    fd_set all;
    FD_ZERO(&all);
    FD_SET(listener, &all);
    for (int max = listener;;) {
        fd_set ready = all;
        if (select(max + 1, &ready, NULL, NULL, NULL) < 0) {
            return errno == EINTR ? 0 : 1;
        }
        for (int fd = 0; fd <= max; fd++) {
            if (!FD_ISSET(fd, &ready)) {
                continue;
            }
            if (fd == listener) {
                int client = modbus_tcp_accept(modbus, &listener);
                if (client >= 0) {
                    FD_SET(client, &all);
                    max = client > max ? client : max;
                }
            } else if (!answer(modbus, fd, mapping)) {
                FD_CLR(fd, &all);
                (void)close(fd);
            }
        }
    }
}

static double now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); // Cannot fail for this clock.
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int ask(int port, double seconds) {
    modbus_t *modbus = modbus_new_tcp("127.0.0.1", port);
    uint16_t registers[REGISTERS];
    if (modbus == NULL || modbus_connect(modbus) != 0) {
        perror("connect");
        return 1;
    }
    double begun_s = now_s();
    long count = 0;
    while (now_s() - begun_s < seconds) {
        if (modbus_read_registers(modbus, 0, REGISTERS, registers) != REGISTERS) {
            perror("read");
            return 1;
        }
        count++;
    }
    printf("%.0f\n", (double)count / (now_s() - begun_s));
    modbus_close(modbus);
    modbus_free(modbus);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "server") == 0) {
        return serve((int)strtol(argv[2], NULL, 10));
    }
    if (argc == 4 && strcmp(argv[1], "client") == 0) {
        return ask((int)strtol(argv[2], NULL, 10), (double)strtol(argv[3], NULL, 10));
    }
    (void)fprintf(stderr, "usage: modbus-peer server PORT | client PORT SECONDS\n");
    return 2;
}
