#ifndef DEVICE_DRIVERS_MQTT_CLIENT_H
#define DEVICE_DRIVERS_MQTT_CLIENT_H
/*
 * One MQTT 3.1.1 session over libmosquitto, which is included by mqtt_client.c alone. The library
 * gets no thread: everything happens inside these calls, on the link's thread.
 *
 * What is to be sent (confirmations of QoS 1 messages above all) is only queued by the library and
 * leaves in mqtt_client_flush, so the caller decides when a message counts as taken.
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
    void *context;
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
/* Reads what has come, at most `max` packets, and calls `message` for each. *ret_dry: nothing is
 * left for now. */
int mqtt_client_read(struct mqtt_client *client, uint32_t max, bool *ret_dry, struct err *err);
/* Looks after the keep-alive; queues a ping when it is time. */
int mqtt_client_care(struct mqtt_client *client, struct err *err);
/* Sends what is queued, within the request's deadline. */
int mqtt_client_flush(struct mqtt_client *client, struct driver_io *io, struct err *err);

#endif
