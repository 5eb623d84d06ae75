/*
 * mqtt-plain PORT QOS COUNT: a plain subscriber of libmosquitto, which keeps nothing, for
 * bench/mqtt-peers.py. Prints `ready`, then how many messages of bench/# came and how many a
 * second, from the first to the last.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mosquitto.h>

#include "core/clock.h"
#include "core/text.h"

enum { IDLE_S = 3 };

struct tally {
    uint64_t count;
    int64_t first_ns;
    int64_t last_ns;
};

static void on_message(
    struct mosquitto *session, void *context, const struct mosquitto_message *message) {
    (void)session;
    (void)message;
    struct tally *tally = context;
    tally->last_ns = clock_mono_ns(clock_system());
    tally->first_ns = tally->count++ == 0 ? tally->last_ns : tally->first_ns;
}

static void on_subscribe(
    struct mosquitto *session, void *context, int number, int count, const int *qos) {
    (void)session;
    (void)context;
    (void)number;
    (void)count;
    (void)qos;
    printf("ready\n");
    (void)fflush(stdout); // A closed pipe is the reader's own wish.
}

int main(int argc, char **argv) {
    uint64_t port = 0;
    uint64_t qos = 0;
    uint64_t wanted = 0;
    if (argc != 4 || !str_to_u64(str_of(argv[1]), &port) || !str_to_u64(str_of(argv[2]), &qos) ||
        !str_to_u64(str_of(argv[3]), &wanted)) {
        (void)fprintf(stderr, "usage: mqtt-plain PORT QOS COUNT\n");
        return 2;
    }
    struct tally tally = {0};
    (void)mosquitto_lib_init(); // Connecting tells.
    struct mosquitto *session = mosquitto_new(NULL, true, &tally);
    mosquitto_message_callback_set(session, on_message);
    mosquitto_subscribe_callback_set(session, on_subscribe);
    (void)mosquitto_int_option(session, MOSQ_OPT_TCP_NODELAY, 1);
    int result = mosquitto_connect(session, "127.0.0.1", (int)port, 60);
    result = result == 0 ? mosquitto_subscribe(session, NULL, "bench/#", (int)qos) : result;
    int64_t idle_ns = clock_mono_ns(clock_system());
    uint64_t seen = 0;
    while (result == MOSQ_ERR_SUCCESS && tally.count < wanted &&
           clock_mono_ns(clock_system()) - idle_ns < 20 * NS_PER_S) {
        result = mosquitto_loop(session, 100, 1);
        if (tally.count > seen) {
            seen = tally.count;
            idle_ns = clock_mono_ns(clock_system());
        } else if (seen > 0 && clock_mono_ns(clock_system()) - idle_ns > IDLE_S * NS_PER_S) {
            break;
        }
    }
    double seconds = (double)(tally.last_ns - tally.first_ns) / 1e9;
    printf("%llu %.0f\n", (unsigned long long)tally.count,
        seconds > 0 ? (double)(tally.count - 1) / seconds : 0);
    mosquitto_destroy(session);
    return result == MOSQ_ERR_SUCCESS ? 0 : 1;
}
