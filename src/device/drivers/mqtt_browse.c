/*
 * Listing what a broker has: topics and the paths of their JSON as messages come by, retained ones
 * at once; of Sparkplug the metrics of births. An edge node that sends data and no birth while we
 * listen is asked for one, once. What was told is remembered by its hash, so that a topic that
 * speaks every second is listed once.
 */
#include <string.h>

#include "core/hash.h"
#include "device/drivers/mqtt.h"
#include "wire/sparkplug.h"

enum {
    BROWSE_SLOTS = 32768,     // Half of them are used.
    BROWSE_LEAVES_MAX = 200,  // Of one payload.
    BROWSE_SAMPLE_BYTES = 64, // Of a value shown.
};

struct mqtt_browser {
    struct mqtt_client *client;
    struct browse_list *list;
    uint64_t *seen; // Hashes of the sources told; open addressing.
    uint32_t count;
    bool sparkplug;
    bool full;
};

/* True the first time. */
static bool is_new(struct mqtt_browser *browser, struct str text) {
    uint64_t hash = hash64(text.data, text.size) | 1;
    uint32_t slot = (uint32_t)(hash >> 32) & (BROWSE_SLOTS - 1);
    while (browser->seen[slot] != 0) {
        if (browser->seen[slot] == hash) {
            return false;
        }
        slot = (slot + 1) & (BROWSE_SLOTS - 1);
    }
    if (browser->count >= BROWSE_SLOTS / 2) {
        browser->full = true;
        return false;
    }
    browser->seen[slot] = hash;
    browser->count++;
    return true;
}

static void tell(struct mqtt_browser *browser, const struct browse_item *item) {
    if (is_new(browser, item->source) && !browse_add(browser->list, item)) {
        browser->full = true;
    }
}

static void put_word(struct buf *out, struct str word) {
    const char *quote = str_find(word, ' ') == word.size   ? ""
                        : str_find(word, '"') == word.size ? "\""
                                                           : "'";
    buf_printf(out, "%s%.*s%s", quote, STR_ARG(word), quote);
}

struct leaf_context {
    struct mqtt_browser *browser;
    struct str topic;
};

static void browse_leaf(void *context, const struct json_leaf *leaf) {
    static const enum value_type TYPES[] = {[JSON_NULL] = TYPE_F64,
        [JSON_BOOL] = TYPE_BOOL,
        [JSON_NUMBER] = TYPE_F64,
        [JSON_STRING] = TYPE_TEXT,
        [JSON_OBJECT] = TYPE_TEXT,
        [JSON_ARRAY] = TYPE_TEXT};
    const struct leaf_context *at = context;
    AUTO_BUF struct buf source;
    buf_init(&source, MQTT_TOPIC_BYTES_MAX);
    put_word(&source, at->topic);
    bool bare = str_eq(leaf->path, STR("$")) && leaf->value.kind != JSON_STRING;
    if (!bare) {
        buf_printf(&source, " %.*s", STR_ARG(leaf->path));
    }
    struct browse_item item = {.source = buf_str(&source),
        .display = leaf->path,
        .unit = STR_NONE,
        .sample = str_slice(leaf->value.text, 0, BROWSE_SAMPLE_BYTES),
        .type = TYPES[leaf->value.kind]};
    tell(at->browser, &item);
}

static void browse_plain(struct mqtt_browser *browser, const struct mqtt_message *message) {
    struct leaf_context context = {.browser = browser, .topic = message->topic};
    if (json_leaves(message->payload, BROWSE_LEAVES_MAX, browse_leaf, &context, NULL) == 0) {
        return;
    }
    AUTO_BUF struct buf source;
    buf_init(&source, MQTT_TOPIC_BYTES_MAX);
    put_word(&source, message->topic);
    bool text = str_is_utf8(message->payload, NULL);
    struct browse_item item = {.source = buf_str(&source),
        .display = message->topic,
        .unit = STR_NONE,
        .sample = text ? str_slice(message->payload, 0, BROWSE_SAMPLE_BYTES) : STR_NONE,
        .type = TYPE_TEXT};
    tell(browser, &item);
}

static enum value_type type_of(enum sparkplug_kind kind) {
    return kind == SPARKPLUG_IS_I64    ? TYPE_I64
           : kind == SPARKPLUG_IS_BOOL ? TYPE_BOOL
           : kind == SPARKPLUG_IS_TEXT ? TYPE_TEXT
                                       : TYPE_F64;
}

static void browse_births(struct mqtt_browser *browser, const struct sparkplug_topic *topic,
    const struct sparkplug_payload *payload) {
    AUTO_BUF struct buf source;
    AUTO_BUF struct buf ids;
    AUTO_BUF struct buf scratch;
    buf_init(&source, MQTT_TOPIC_BYTES_MAX);
    buf_init(&ids, MQTT_TOPIC_BYTES_MAX);
    buf_init(&scratch, BROWSE_SAMPLE_BYTES);
    buf_printf(&ids, "%.*s/%.*s", STR_ARG(topic->group), STR_ARG(topic->edge));
    if (topic->device.size > 0) {
        buf_printf(&ids, "/%.*s", STR_ARG(topic->device));
    }
    struct sparkplug_metric metric;
    size_t at = 0;
    while (sparkplug_next(payload, &at, &metric)) {
        if (!metric.has_name || !str_is_utf8(metric.name, NULL)) {
            continue;
        }
        struct sparkplug_value value;
        sparkplug_value_get(&metric, metric.datatype, &scratch, &value);
        buf_clear(&source);
        buf_put_str(&source, STR("sparkplug:"));
        put_word(&source, buf_str(&ids));
        buf_printf(&source, " %.*s", STR_ARG(metric.name));
        struct browse_item item = {.source = buf_str(&source),
            .display = metric.name,
            .unit = STR_NONE,
            .sample = str_of(sparkplug_type_name(metric.datatype)),
            .type = type_of(value.kind)};
        tell(browser, &item);
    }
}

/* Births are listed; a node that sends data without one is asked for it, once. */
static void browse_sparkplug(struct mqtt_browser *browser, const struct mqtt_message *message) {
    struct sparkplug_topic topic;
    struct sparkplug_payload payload;
    if (!sparkplug_topic_parse(message->topic, &topic) ||
        sparkplug_parse(message->payload, &payload, NULL) < 0) {
        return;
    }
    if (topic.verb == SPARKPLUG_NBIRTH || topic.verb == SPARKPLUG_DBIRTH) {
        browse_births(browser, &topic, &payload);
        return;
    }
    AUTO_BUF struct buf command;
    AUTO_BUF struct buf request;
    buf_init(&command, MQTT_TOPIC_BYTES_MAX);
    buf_init(&request, 256);
    buf_printf(&command, "spBv1.0/%.*s/NCMD/%.*s", STR_ARG(topic.group), STR_ARG(topic.edge));
    if (topic.verb != SPARKPLUG_NCMD && topic.verb != SPARKPLUG_DCMD &&
        is_new(browser, buf_str(&command))) {
        sparkplug_put_rebirth(&request, 0);
        (void)mqtt_client_publish(
            browser->client, buf_z(&command), buf_str(&request), 0, false, NULL);
    }
}

void mqtt_browser_take(struct mqtt_browser *browser, const struct mqtt_message *message) {
    if (browser->full || message->payload.size > MQTT_PAYLOAD_BYTES_MAX) {
        return;
    }
    if (browser->sparkplug) {
        browse_sparkplug(browser, message);
    } else if (str_is_utf8(message->topic, NULL) && message->payload.size > 0) {
        browse_plain(browser, message);
    }
}

struct mqtt_browser *mqtt_browser_new(
    struct mqtt_client *client, struct browse_list *list, bool sparkplug) {
    struct mqtt_browser *browser = MEM_NEW(struct mqtt_browser);
    *browser = (struct mqtt_browser){.client = client,
        .list = list,
        .seen = mem_zero(BROWSE_SLOTS, sizeof *browser->seen),
        .sparkplug = sparkplug};
    return browser;
}

void mqtt_browser_free(struct mqtt_browser *browser) {
    mem_free(browser->seen);
    mem_free(browser);
}
