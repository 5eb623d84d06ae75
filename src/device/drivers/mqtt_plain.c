/*
 * Plain messages to points.
 *
 * Sources are grouped by their topic filter. A filter without wildcards is found by a hash of the
 * topic, those with wildcards are tried one by one; a message goes to every filter that matches.
 * The JSON paths of all points of a filter, their time paths among them, are looked for in one pass
 * over the payload (wire/json_path.h), which is checked as a whole: a payload that is cut gives no
 * value and marks its points bad.
 *
 * What a value says about itself: a number, true and false are taken as such, a text stays a text
 * unless the source says `number`; null is bad with "no data"; a name that is not in this message
 * says nothing. A time that is named and not there leaves the value with its arrival, uncertain. A
 * message that the broker kept (retained) and that tells no time is old by an unknown time: it is
 * the last usable value.
 */
#include <iconv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/time.h"
#include "device/drivers/mqtt.h"

enum { NONE = UINT32_MAX };

struct entry {
    const struct point *point;
    struct mqtt_source source;
    uint32_t filter;
    uint32_t value; // Index of its path in the filter's; NONE: the whole payload.
    uint32_t time;  // Of its time path; NONE.
};

struct filter {
    struct str text;
    bool is_wild;
    uint32_t first; // Of its entries.
    uint32_t count;
    uint32_t path_first; // Of its paths.
    uint32_t path_count;
};

struct mqtt_router {
    struct entry *entries; // Sorted by filter.
    uint32_t entry_count;
    struct filter *filters;
    uint32_t filter_count;
    uint32_t *wild; // Filters with wildcards.
    uint32_t wild_count;
    uint32_t *slots; // Hash of the others: filter + 1.
    uint32_t slot_mask;
    const struct json_path **paths;
    struct json_value *values; // Of the filter in hand.
    struct str *wanted;        // What to subscribe.
    uint32_t wanted_count;
    iconv_t convert; // (iconv_t)-1: UTF-8.
    struct buf converted;
    struct buf plain; // A string without its escapes.
};

static int compare_entries(const void *left, const void *right) {
    const struct entry *a = left;
    const struct entry *b = right;
    int order = str_cmp(a->source.filter, b->source.filter);
    return order != 0 ? order : (a->point > b->point) - (a->point < b->point);
}

static bool is_wild(struct str filter) {
    return str_find(filter, '+') < filter.size || str_find(filter, '#') < filter.size;
}

/* Parses the sources; those of Sparkplug are another's. */
static void take_entries(struct mqtt_router *router, const struct point_group *all,
    const struct driver_settings *settings) {
    router->entries = MEM_ARRAY(struct entry, (size_t)all->count + 1);
    for (uint32_t i = 0; i < all->count; i++) {
        struct entry *entry = &router->entries[router->entry_count];
        entry->point = &all->points[i];
        int result = mqtt_parse_source(all->points[i].source, settings, &entry->source, NULL);
        router->entry_count += result == 0 && !entry->source.is_sparkplug;
    }
    qsort(router->entries, router->entry_count, sizeof *router->entries, compare_entries);
}

/* Does the entry go to this filter? One pass over a message looks for so many paths at most; what
 * is beyond goes to another filter of the same text. */
static bool filter_takes(const struct filter *filter, const struct entry *entry) {
    return str_eq(entry->source.filter, filter->text) &&
           filter->path_count + 2 <= JSON_SCAN_PATHS_MAX;
}

/* Makes one filter of each run of equal texts, with the paths of its entries. */
static void take_filters(struct mqtt_router *router) {
    size_t count = (size_t)router->entry_count + 1;
    router->filters = MEM_ARRAY(struct filter, count);
    router->paths = mem_zero(count * 2, sizeof *router->paths);
    router->values = MEM_ARRAY(struct json_value, count * 2);
    uint32_t paths = 0;
    for (uint32_t i = 0; i < router->entry_count; i++) {
        struct entry *entry = &router->entries[i];
        bool same = router->filter_count > 0 &&
                    filter_takes(&router->filters[router->filter_count - 1], entry);
        if (!same) {
            router->filters[router->filter_count++] = (struct filter){.text = entry->source.filter,
                .is_wild = is_wild(entry->source.filter),
                .first = i,
                .path_first = paths};
        }
        struct filter *filter = &router->filters[router->filter_count - 1];
        entry->filter = router->filter_count - 1;
        entry->value = NONE;
        entry->time = NONE;
        filter->count++;
        if (entry->source.has_path) {
            entry->value = paths - filter->path_first;
            router->paths[paths++] = &entry->source.path;
        }
        if (entry->source.time.is_given) {
            entry->time = paths - filter->path_first;
            router->paths[paths++] = &entry->source.time.path;
        }
        filter->path_count = paths - filter->path_first;
    }
}

static void index_filters(struct mqtt_router *router) {
    uint32_t size = 16;
    while (size < router->filter_count * 2) {
        size *= 2;
    }
    router->slot_mask = size - 1;
    router->slots = mem_zero(size, sizeof *router->slots);
    router->wild = mem_zero((size_t)router->filter_count + 1, sizeof *router->wild);
    for (uint32_t i = 0; i < router->filter_count; i++) {
        const struct filter *filter = &router->filters[i];
        if (filter->is_wild) {
            router->wild[router->wild_count++] = i;
            continue;
        }
        uint32_t slot = (uint32_t)hash64(filter->text.data, filter->text.size) & router->slot_mask;
        while (router->slots[slot] != 0) {
            slot = (slot + 1) & router->slot_mask;
        }
        router->slots[slot] = i + 1;
    }
}

/* What is covered by another filter is not subscribed: the broker would send it twice. */
static void choose_wanted(struct mqtt_router *router) {
    router->wanted = MEM_ARRAY(struct str, (size_t)router->filter_count + 1);
    for (uint32_t i = 0; i < router->filter_count; i++) {
        bool covered = i > 0 && str_eq(router->filters[i].text, router->filters[i - 1].text);
        for (uint32_t k = 0; k < router->wild_count && !covered; k++) {
            covered =
                !str_eq(router->filters[router->wild[k]].text, router->filters[i].text) &&
                mqtt_filter_covers(router->filters[router->wild[k]].text, router->filters[i].text);
        }
        if (!covered) {
            router->wanted[router->wanted_count++] = router->filters[i].text;
        }
    }
}

struct mqtt_router *mqtt_router_new(
    const struct point_group *all, const struct driver_settings *settings) {
    struct mqtt_router *router = MEM_NEW(struct mqtt_router);
    router->convert =
        settings->values[MQTT_ENCODING] != 0 ? iconv_open("UTF-8", "CP949") : (iconv_t)-1;
    buf_init(&router->converted, MQTT_PAYLOAD_BYTES_MAX * 2);
    buf_init(&router->plain, LIMIT_TEXT_VALUE_BYTES + 1);
    take_entries(router, all, settings);
    take_filters(router);
    index_filters(router);
    choose_wanted(router);
    return router;
}

void mqtt_router_free(struct mqtt_router *router) {
    if (router == NULL) {
        return;
    }
    if (router->convert != (iconv_t)-1) {
        (void)iconv_close(router->convert); // Cannot fail for an open one.
    }
    buf_fini(&router->converted);
    buf_fini(&router->plain);
    mem_free(router->entries);
    mem_free(router->filters);
    mem_free(router->wild);
    mem_free(router->slots);
    mem_free(router->paths);
    mem_free(router->values);
    mem_free(router->wanted);
    mem_free(router);
}

uint32_t mqtt_router_filters(const struct mqtt_router *router, struct str **ret_filters) {
    *ret_filters = router->wanted;
    return router->wanted_count;
}

/* --- values --- */

/* The payload in UTF-8. False: it is not of the encoding that the device says. */
static bool convert(struct mqtt_router *router, struct str *payload) {
    if (router->convert == (iconv_t)-1) {
        return true;
    }
    buf_clear(&router->converted);
    char *to = (char *)buf_reserve(&router->converted, payload->size * 2 + 4);
    if (to == NULL) {
        return false;
    }
    size_t room = payload->size * 2 + 4;
    size_t left = payload->size;
    AUTO_FREE char *copy = mem_copy_z(*payload); // iconv wants bytes that it could write.
    char *from = copy;
    char *out = to;
    (void)iconv(router->convert, NULL, NULL, NULL, NULL); // Back to the beginning.
    if (iconv(router->convert, &from, &left, &out, &room) == (size_t)-1) {
        return false;
    }
    buf_commit(&router->converted, (size_t)(out - to));
    *payload = buf_str(&router->converted);
    return true;
}

static void give_number(struct point_sink *sink, const struct point *point, struct str text) {
    int64_t whole = 0;
    double number = 0;
    text = str_trim(text);
    if (str_to_i64(text, &whole)) {
        sink_i64(sink, point, whole);
    } else if (str_to_f64(text, &number) && isfinite(number)) {
        sink_f64(sink, point, number);
    } else {
        struct err err = ERR_INIT;
        (void)err_set(&err, ERR_TYPE, MSG_MQTT_NO_NUMBER, ARGS(A_STR(str_slice(text, 0, 40))));
        sink_bad(sink, point, STATUS_BAD_TYPE_MISMATCH, &err);
    }
}

/* A payload that stands for itself. */
static void give_bare(
    struct point_sink *sink, const struct point *point, enum mqtt_form form, struct str payload) {
    struct str text = str_trim(payload);
    int64_t whole = 0;
    double number = 0;
    if (form == MQTT_FORM_TEXT) {
        sink_text(sink, point, payload);
    } else if (form == MQTT_FORM_NUMBER) {
        give_number(sink, point, text);
    } else if (text.size == 0) {
        sink_bad(sink, point, STATUS_BAD_NO_DATA, NULL);
    } else if (str_to_i64(text, &whole)) {
        sink_i64(sink, point, whole);
    } else if (str_to_f64(text, &number)) {
        sink_f64(sink, point, number);
    } else if (str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("false"))) {
        sink_bool(sink, point, text.size == 4);
    } else {
        sink_text(sink, point, payload);
    }
}

static void give_string(struct mqtt_router *router, struct point_sink *sink,
    const struct entry *entry, const struct json_value *value) {
    buf_clear(&router->plain);
    json_value_put_text(value, &router->plain);
    struct str text = buf_str(&router->plain);
    if (router->plain.overflow) {
        sink_bad(sink, entry->point, STATUS_BAD_OUT_OF_RANGE, NULL);
    } else if (entry->source.form == MQTT_FORM_NUMBER) {
        give_number(sink, entry->point, text);
    } else {
        sink_text(sink, entry->point, text);
    }
}

/* What stands at the entry's path. */
static void give_value(struct mqtt_router *router, struct point_sink *sink,
    const struct entry *entry, const struct json_value *value) {
    const struct point *point = entry->point;
    if (value->kind == JSON_NULL) {
        sink_bad(sink, point, STATUS_BAD_NO_DATA, NULL);
    } else if (value->kind == JSON_STRING) {
        give_string(router, sink, entry, value);
    } else if (entry->source.form == MQTT_FORM_TEXT || value->kind == JSON_OBJECT ||
               value->kind == JSON_ARRAY) {
        sink_text(sink, point, value->text);
    } else if (value->kind == JSON_BOOL) {
        sink_bool(sink, point, value->boolean);
    } else if (value->is_whole) {
        sink_i64(sink, point, value->whole);
    } else if (isfinite(value->number)) {
        sink_f64(sink, point, value->number);
    } else {
        sink_bad(sink, point, STATUS_BAD_OUT_OF_RANGE, NULL);
    }
}

/* A double holds the seconds of today to a quarter of a microsecond: what is finer is noise. */
static int64_t time_of_fraction(double number, int64_t unit_ns) {
    static const int64_t FINEST_NS = 1000;
    double whole = floor(number);
    if (!(whole > 0) || whole >= 9e18 / (double)unit_ns) {
        return -1;
    }
    double fraction = (number - whole) * (double)unit_ns;
    int64_t step_ns = unit_ns > FINEST_NS * FINEST_NS ? FINEST_NS : 1;
    return (int64_t)whole * unit_ns + (int64_t)(fraction / (double)step_ns + 0.5) * step_ns;
}

/* The message's own time; -1: it should have one that can be read, and has not. */
static int64_t time_of(
    struct mqtt_router *router, const struct mqtt_time *time, const struct json_value *value) {
    int64_t time_ns = 0;
    if (value->kind == JSON_NUMBER && value->is_whole) {
        return __builtin_mul_overflow(value->whole, time->unit_ns, &time_ns) ? -1 : time_ns;
    }
    if (value->kind == JSON_NUMBER) {
        return time_of_fraction(value->number, time->unit_ns);
    }
    if (value->kind != JSON_STRING) {
        return -1;
    }
    buf_clear(&router->plain);
    json_value_put_text(value, &router->plain);
    struct str text = str_trim(buf_str(&router->plain));
    int64_t number = 0;
    if (str_to_i64(text, &number)) {
        return __builtin_mul_overflow(number, time->unit_ns, &time_ns) ? -1 : time_ns;
    }
    return time_parse(text, NULL, &time_ns) ? time_ns : -1;
}

/* --- messages --- */

/* Sets time and quality of the entry's value. */
static void begin_entry(struct mqtt_router *router, struct point_sink *sink,
    const struct entry *entry, const struct json_value *values, bool retained) {
    int64_t time_ns =
        entry->time == NONE ? 0 : time_of(router, &entry->source.time, &values[entry->time]);
    sink_time(sink, time_ns == 0 && entry->time != NONE ? -1 : time_ns);
    sink_quality(sink, retained && time_ns <= 0 ? STATUS_UNCERTAIN_LAST_USABLE : STATUS_GOOD);
}

/* True when an entry of the filter wanted something of the payload. */
static bool take_filter(struct mqtt_router *router, const struct filter *filter, struct str payload,
    bool retained, struct point_sink *sink) {
    struct err err = ERR_INIT;
    struct json_value *values = router->values;
    int scanned = filter->path_count == 0 ? 0
                                          : json_scan(payload, router->paths + filter->path_first,
                                                filter->path_count, values, &err);
    bool wanted = false;
    for (uint32_t i = filter->first; i < filter->first + filter->count; i++) {
        const struct entry *entry = &router->entries[i];
        bool needs_json = entry->value != NONE || entry->time != NONE;
        if (needs_json && scanned < 0) {
            sink_bad(sink, entry->point, STATUS_BAD_DATA_ENCODING, &err);
            wanted = true;
            continue;
        }
        if (entry->value != NONE && values[entry->value].kind == JSON_ABSENT) {
            continue;
        }
        begin_entry(router, sink, entry, values, retained);
        wanted = true;
        if (entry->value != NONE) {
            give_value(router, sink, entry, &values[entry->value]);
        } else {
            give_bare(sink, entry->point, entry->source.form, payload);
        }
    }
    return wanted;
}

static void payload_unreadable(
    struct mqtt_router *router, const struct filter *filter, struct point_sink *sink) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_FRAME, MSG_MQTT_ENCODING_WRONG, NO_ARGS);
    for (uint32_t i = filter->first; i < filter->first + filter->count; i++) {
        sink_bad(sink, router->entries[i].point, STATUS_BAD_DATA_ENCODING, &err);
    }
}

/* One filter that matches; `payload` NULL: it could not be read. */
static bool offer(struct mqtt_router *router, const struct filter *filter,
    const struct str *payload, bool retained, struct point_sink *sink) {
    if (payload == NULL) {
        payload_unreadable(router, filter, sink);
        return true;
    }
    return take_filter(router, filter, *payload, retained, sink);
}

bool mqtt_router_take(
    struct mqtt_router *router, const struct mqtt_message *message, struct point_sink *sink) {
    struct str payload = message->payload;
    if (payload.size > MQTT_PAYLOAD_BYTES_MAX) {
        return false;
    }
    const struct str *readable = convert(router, &payload) ? &payload : NULL;
    bool wanted = false;
    struct str topic = message->topic;
    uint32_t slot = (uint32_t)hash64(topic.data, topic.size) & router->slot_mask;
    for (; router->slots[slot] != 0; slot = (slot + 1) & router->slot_mask) {
        const struct filter *filter = &router->filters[router->slots[slot] - 1];
        if (str_eq(filter->text, topic)) {
            wanted |= offer(router, filter, readable, message->is_retained, sink);
        }
    }
    for (uint32_t i = 0; i < router->wild_count; i++) {
        const struct filter *filter = &router->filters[router->wild[i]];
        if (mqtt_filter_matches(filter->text, topic)) {
            wanted |= offer(router, filter, readable, message->is_retained, sink);
        }
    }
    sink_time(sink, 0);
    sink_quality(sink, STATUS_GOOD);
    return wanted;
}

void mqtt_router_refused(struct mqtt_router *router, struct str filter, struct point_sink *sink,
    const struct err *words) {
    for (uint32_t i = 0; i < router->entry_count; i++) {
        if (mqtt_filter_covers(filter, router->entries[i].source.filter)) {
            sink_bad(sink, router->entries[i].point, STATUS_BAD_CONFIGURATION, words);
        }
    }
}
