#ifndef DEVICE_MQTT_POST_H
#define DEVICE_MQTT_POST_H
/*
 * Sending documents to a topic of an MQTT broker, for what the plant gives out. A session of its
 * own with a name of its own, forgotten by the broker when it ends; QoS 1, nothing kept by the
 * broker. MQTT 5.0, or 3.1.1 where the broker knows nothing newer. One thread at a time.
 *
 * An address is "mqtt://host[:port]/topic" (1883) or "mqtts://host[:port]/topic" (TLS, 8883; name
 * and certificate are checked). The topic is taken as it is written.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

struct mqtt_post;

struct mqtt_post_options { // Texts are borrowed for mqtt_post_open.
    struct str url;
    struct str login;   // "user:password", "user", or empty.
    struct str ca_file; // Empty: the authorities of the system.
    int64_t timeout_ms; // Of the opening, and of each message until it is confirmed.
    /* When the number is no longer `unchanged` a call ends with ERR_CANCELLED, within a second;
     * only the look-up of a name is not broken off, before which nothing has left. */
    const _Atomic uint32_t *changes;
    uint32_t unchanged;
};

enum { MQTT_POST_NO_SUBSCRIBER = 16 }; // MQTT 5.0 clause 3.4.2.1.

/* The broker took the session. ERR_TIMEOUT, ERR_CANCELLED, ERR_UNREACHABLE, ERR_REFUSED,
 * ERR_FORBIDDEN (user or password), ERR_CLOSED, ERR_INVALID (the address). */
int mqtt_post_open(
    const struct mqtt_post_options *options, struct mqtt_post **ret_post, struct err *err);
/* One message, until the broker has confirmed it: the reason code, 0 or MQTT_POST_NO_SUBSCRIBER
 * (the broker had nobody to give it to). A broker's no is ERR_FORBIDDEN or ERR_REFUSED, too large
 * for it ERR_LIMIT. After a failure only mqtt_post_close is called. */
int mqtt_post_send(struct mqtt_post *post, struct str payload, struct err *err);
void mqtt_post_close(struct mqtt_post *post); // NULL is allowed.

bool mqtt_post_is(struct str url); // By its beginning.
/* Address and login by their form, without asking anybody. ERR_INVALID. */
int mqtt_post_check(struct str url, struct str login, struct err *err);

enum { MQTT_POST_ADDRESS_BYTES = 272 };
struct mqtt_url {
    bool tls;
    char address[MQTT_POST_ADDRESS_BYTES]; // "host:port".
    struct str topic;                      // Inside the URL.
};
int mqtt_url_parse(struct str url, struct mqtt_url *ret_url, struct err *err); // ERR_INVALID.

#endif
