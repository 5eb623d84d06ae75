#ifndef DEVICE_DRIVERS_MQTT_H
#define DEVICE_DRIVERS_MQTT_H
/*
 * Private to the driver `mqtt`: its options, parsed sources, routing of plain messages
 * (mqtt_plain.c) and the Sparkplug host (mqtt_sparkplug.c). All belongs to one session of one
 * device: made at the first receive, freed at close. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/mem.h"
#include "device/driver.h"
#include "device/drivers/mqtt_client.h"
#include "wire/json_path.h"

enum mqtt_option {
    MQTT_USER = 0,
    MQTT_PASSWORD,
    MQTT_CLIENT_ID,
    MQTT_TLS,
    MQTT_CA_FILE,
    MQTT_CERT_FILE,
    MQTT_KEY_FILE,
    MQTT_QOS,
    MQTT_SESSION, // enum mqtt_session_kind
    MQTT_KEEPALIVE_S,
    MQTT_MODE, // 0 plain, 1 Sparkplug.
    MQTT_HOST_ID,
    MQTT_ENCODING, // 0 UTF-8, 1 CP949.
    MQTT_TIME,
    MQTT_OPTION_COUNT
};
enum mqtt_session_kind { MQTT_SESSION_AUTO = 0, MQTT_SESSION_PERSISTENT, MQTT_SESSION_CLEAN };

enum {
    MQTT_TOPIC_BYTES_MAX = 65535,      // MQTT 3.1.1 clause 1.5.3.
    MQTT_PAYLOAD_BYTES_MAX = 16 << 20, // Larger messages are counted, not read.
};

enum mqtt_form { MQTT_FORM_AUTO = 0, MQTT_FORM_TEXT, MQTT_FORM_NUMBER };

/* Where a message tells its time: a path and the unit of a number there; a text is RFC 3339. */
struct mqtt_time {
    bool is_given;
    struct json_path path;
    int64_t unit_ns;
};

/* A parsed source. Texts borrow the source. */
struct mqtt_source {
    bool is_sparkplug;
    struct str filter; // Plain: the topic filter.
    bool has_path;
    struct json_path path;
    enum mqtt_form form;
    struct mqtt_time time;
    struct str group; // Sparkplug.
    struct str edge;
    struct str device; // Empty: of the edge node itself.
    struct str metric;
};

extern const struct driver_option mqtt_options[];
bool mqtt_is_sparkplug(const struct driver_settings *settings);
int mqtt_check_address(struct str address, const struct driver_settings *settings, struct err *err);
int mqtt_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err);
int mqtt_parse_source(struct str source, const struct driver_settings *settings,
    struct mqtt_source *ret_source, struct err *err);
/* "$.ts", "$.ts ms" with ms, s, us, ns or iso. */
int mqtt_parse_time(struct str text, struct mqtt_time *ret_time, struct err *err);
/* MQTT 3.1.1 clause 4.7.1: `#` alone at the end, `+` alone in its level. */
bool mqtt_filter_is_good(struct str filter);
bool mqtt_filter_matches(struct str filter, struct str topic);
/* Every topic of `inner` is also one of `outer`. */
bool mqtt_filter_covers(struct str outer, struct str inner);

/* --- plain messages --- */

struct mqtt_router;
struct mqtt_router *mqtt_router_new(
    const struct point_group *all, const struct driver_settings *settings);
void mqtt_router_free(struct mqtt_router *router); // NULL is allowed.
/* The distinct filters that must be subscribed: none is covered by another. */
uint32_t mqtt_router_filters(const struct mqtt_router *router, struct str **ret_filters);
/* Gives the values of one message; false: no point wanted anything of it. */
bool mqtt_router_take(
    struct mqtt_router *router, const struct mqtt_message *message, struct point_sink *sink);
/* The broker refused the filter: its points and those of filters that it covers are told. */
void mqtt_router_refused(struct mqtt_router *router, struct str filter, struct point_sink *sink,
    const struct err *words);

/* --- listing what is there (mqtt_browse.c) --- */

struct mqtt_browser;
struct mqtt_browser *mqtt_browser_new(
    struct mqtt_client *client, struct browse_list *list, bool sparkplug);
void mqtt_browser_free(struct mqtt_browser *browser);
void mqtt_browser_take(struct mqtt_browser *browser, const struct mqtt_message *message);

/* --- Sparkplug host --- */

struct sparkplug_host;
struct sparkplug_host *sparkplug_host_new(
    const struct point_group *all, const struct driver_settings *settings);
void sparkplug_host_free(struct sparkplug_host *host); // NULL is allowed.
/* The filter of edge node `index`, spBv1.0/GROUP/+/EDGE/#; false: no more. */
bool sparkplug_host_filter(const struct sparkplug_host *host, uint32_t index, struct buf *out);
/* One message of spBv1.0; false: nobody wanted anything of it. `mono_ns` is now. */
bool sparkplug_host_take(struct sparkplug_host *host, const struct mqtt_message *message,
    int64_t mono_ns, struct point_sink *sink);
/* The session is open: nodes that do not announce themselves soon are asked to. */
void sparkplug_host_begin(struct sparkplug_host *host, int64_t mono_ns);
/* The next edge node that is to be asked for a rebirth: topic and payload of the NCMD. False:
 * nobody; *ret_next_ns is when to ask again. */
bool sparkplug_host_rebirth(struct sparkplug_host *host, int64_t mono_ns, int64_t wall_ns,
    struct buf *topic, struct buf *payload, int64_t *ret_next_ns);
/* The broker refused the filter: the points of its edge node are told. */
void sparkplug_host_refused(struct sparkplug_host *host, struct str filter, struct point_sink *sink,
    const struct err *words);
/* The payload that asks a node for its births. */
void sparkplug_put_rebirth(struct buf *payload, int64_t wall_ns);
uint64_t sparkplug_host_take_unclaimed(struct sparkplug_host *host);
/* STATE of this host: topic and payload. */
void sparkplug_state(
    struct str host_id, bool online, int64_t wall_ns, struct buf *topic, struct buf *payload);

#endif
