#ifndef DEVICE_DRIVERS_MQTT_CLIENT_H
#define DEVICE_DRIVERS_MQTT_CLIENT_H
/*
 * One MQTT session (3.1.1, or 5.0 where asked for) over libmosquitto, which is included by
 * mqtt_client.c alone. The library gets no thread: everything happens inside these calls, on the
 * link's thread.
 *
 * What is to be sent (confirmations of QoS 1 messages above all) is only queued by the library and
 * leaves in mqtt_client_flush and mqtt_client_deliver, so the caller decides when a message counts
 * as taken.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "device/driver.h"

struct mqtt_client;

struct mqtt_message {
    struct str topic; // Borrowed for the call, as the payload.
    struct str payload;
    bool is_retained; // Kept by the broker from before the subscription.
    int qos;
};

struct mqtt_client_options {
    struct str client_id;
    struct str user; // Empty: none.
    struct str password;
    struct str ca_file; // Empty: the system's authorities.
    struct str cert_file;
    struct str key_file;
    struct str will_topic; // Empty: no will. QoS 1, retained.
    struct str will_payload;
    int keepalive_s;
    bool tls;
    bool clean;
    /* MQTT 5.0 first, where a confirmation says what became of the message; 3.1.1 where the broker
     * knows nothing newer. */
    bool version5;
    void *context;
    /* NULL, or looked at every 200 ms of each wait: true ends it with ERR_CANCELLED. */
    bool (*is_off)(void *context);
    /* NULL where nothing is subscribed. */
    void (*message)(void *context, const struct mqtt_message *message);
    /* The broker's answer to a subscription: the granted QoS of each filter, 128: refused. */
    void (*granted)(void *context, int number, const int *qos, int count);
};

/* Connects to io_address and waits for the broker's answer, within the request's deadline. Nothing
 * behind that answer is read yet. The options are borrowed for the call, context and functions for
 * the client's life. */
int mqtt_client_open(struct driver_io *io, const struct mqtt_client_options *options,
    struct mqtt_client **ret_client, struct err *err);
/* Frees. `farewell`: says goodbye first, so that the will is not sent; only when nothing is queued
 * that must not leave. */
void mqtt_client_close(struct mqtt_client *client, struct driver_io *io, bool farewell);
int mqtt_client_fd(const struct mqtt_client *client);
/* Queue. `filters`: at most MQTT_SUBSCRIBE_MAX. */
enum { MQTT_SUBSCRIBE_MAX = 64 };
int mqtt_client_subscribe(struct mqtt_client *client, char *const *filters, int count, int qos,
    int *ret_number, struct err *err);
int mqtt_client_unsubscribe(struct mqtt_client *client, const char *filter, struct err *err);
int mqtt_client_publish(struct mqtt_client *client, const char *topic, struct str payload, int qos,
    bool retain, struct err *err);
/* Sends a message with QoS 1, not kept by the broker, and waits until the broker has confirmed it
 * (PUBACK), within the request's deadline. The reason code of the confirmation, below 128: 0 taken,
 * MQTT_NO_SUBSCRIBER taken and thrown away; from a broker of 3.1.1 always 0. ERR_FORBIDDEN,
 * ERR_REFUSED: the broker's no; ERR_LIMIT: too large for it. After any failure the session is of no
 * more use. */
enum { MQTT_NO_SUBSCRIBER = 16 }; // MQTT 5.0 clause 3.4.2.1.
int mqtt_client_deliver(struct mqtt_client *client, struct driver_io *io, const char *topic,
    struct str payload, struct err *err);
/* Reads what has come, at most `max` packets, and calls `message` for each. *ret_dry: nothing is
 * left for now. */
int mqtt_client_read(struct mqtt_client *client, uint32_t max, bool *ret_dry, struct err *err);
/* Looks after the keep-alive; queues a ping when it is time. */
int mqtt_client_care(struct mqtt_client *client, struct err *err);
/* Sends what is queued, within the request's deadline. */
int mqtt_client_flush(struct mqtt_client *client, struct driver_io *io, struct err *err);

#endif
