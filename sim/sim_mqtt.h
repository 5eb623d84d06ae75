#ifndef SIM_SIM_MQTT_H
#define SIM_SIM_MQTT_H
/*
 * A small MQTT 3.1.1 client of the simulator's own, for machines that publish and for tests: it
 * shares no code with the driver. Blocking, every wait with a deadline. One owner, one thread at a
 * time.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

struct sim_mqtt;

struct sim_mqtt_options {
    uint16_t port; // On 127.0.0.1.
    const char *client_id;
    const char *will_topic; // NULL: none. Not retained, as Sparkplug's NDEATH.
    struct str will_payload;
    int will_qos;      // 0 or 1.
    bool keep_session; // Clean session off.
};

struct sim_mqtt_message {
    struct str topic; // Until the next call.
    struct str payload;
    bool is_retained;
};

int sim_mqtt_open(
    const struct sim_mqtt_options *options, struct sim_mqtt **ret_mqtt, struct err *err);
/* `farewell`: DISCONNECT first, so that the will is not sent. NULL is allowed. */
void sim_mqtt_close(struct sim_mqtt *mqtt, bool farewell);
/* QoS 0 or 1; with 1 it returns when the broker has confirmed. */
int sim_mqtt_publish(struct sim_mqtt *mqtt, const char *topic, struct str payload, int qos,
    bool retain, struct err *err);
int sim_mqtt_subscribe(struct sim_mqtt *mqtt, const char *filter, int qos, struct err *err);
/* The next message: 1, 0 when none comes within the time, or negative. Messages of QoS 1 are
 * confirmed at once; sends a ping when it was silent for long. */
int sim_mqtt_next(struct sim_mqtt *mqtt, int64_t timeout_ms, struct sim_mqtt_message *ret_message,
    struct err *err);

#endif
