/*
 * A simulated PLC for clients that are not ours.
 *
 *     plc-sim melsec|fins     serves TCP and UDP on a free port of 127.0.0.1 until its standard
 *                             input ends; prints "ready PORT"
 *
 * Word n of D holds n + 1000 at the start, M n (CIO n.00 on Omron) is on when n
 * can be divided by three.
 */
#include <stdio.h>
#include <string.h>

#include "sim/sim_plc.h"

static void fill(struct sim_plc_memory *memory, uint8_t words, uint8_t bits) {
    for (uint32_t i = 0; i < 8000; i++) {
        sim_plc_put(memory, words, i, (uint16_t)(i + 1000));
        sim_plc_put(memory, bits, i, i % 3 == 0);
    }
}

int main(int argc, char **argv) {
    bool is_melsec = argc == 2 && strcmp(argv[1], "melsec") == 0;
    bool is_fins = argc == 2 && strcmp(argv[1], "fins") == 0;
    if (!is_melsec && !is_fins) {
        (void)fprintf(stderr, "usage: plc-sim melsec|fins\n");
        return 2;
    }
    struct sim_plc_memory *memory = sim_plc_memory_new();
    struct sim_melsec melsec = {.memory = memory, .points = 8000};
    struct sim_fins fins = {.memory = memory, .points = 8000};
    fill(memory, is_melsec ? 0xA8 : 0x82, is_melsec ? 0x90 : 0xB0);
    struct sim_plc_protocol protocol =
        is_melsec ? sim_melsec_protocol(&melsec) : sim_fins_protocol(&fins);
    struct sim_plc_server *server = NULL;
    struct err err = ERR_INIT;
    if (sim_plc_server_start(&protocol, 0, &server, &err) < 0) {
        return 1;
    }
    printf("ready %u\n", sim_plc_server_port(server));
    (void)fflush(stdout);
    while (getchar() != EOF) {
    }
    sim_plc_server_stop(server);
    sim_plc_memory_free(memory);
    return 0;
}
