/*
 * JSON pieces shared by answers. A tag with its value takes about 1 us and 400 bytes; a list of
 * 10,000 is made piece by piece, so its 4 MB are never in memory at once.
 */
#include "serve/view.h"

#include <math.h>

#include "core/clock.h"
#include "core/time.h"
#include "device/device.h"
#include "ledger/people.h"
#include "production/amount.h"

int64_t view_ms(int64_t time_ns) {
    return time_ns / NS_PER_MS - (time_ns % NS_PER_MS < 0 ? 1 : 0);
}

void view_put_text(struct json *json, const char *key, struct str text) {
    if (text.size == 0) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, text);
    }
}

void view_put_amount(struct json *json, const char *key, int64_t amount_u) {
    json_key(json, key);
    json_raw(json, str_of(AMOUNT(amount_u)));
}

struct str view_day(int64_t time_ns, const struct zone *zone, char to[VIEW_DAY_MAX]) {
    char text[TIME_TEXT_MAX];
    (void)time_format(time_ns, zone, text);
    (void)str_copy_z(str_slice(str_of(text), 0, VIEW_DAY_MAX - 1), to, VIEW_DAY_MAX);
    return str_of(to);
}

bool view_has_value(uint32_t status, double number) {
    bool bad = status_quality(status) == QUALITY_BAD;
    return status_has_value(status) && !(bad && isnan(number));
}

void view_live_value(struct json *json, const struct live_value *value) {
    if (!view_has_value(value->status, value->type == TYPE_F64 ? value->value.f64 : 0)) {
        json_null(json);
        return;
    }
    switch (value->type) {
    case TYPE_F64: json_f64(json, value->value.f64); break;
    case TYPE_I64: json_i64(json, value->value.i64); break;
    case TYPE_BOOL: json_bool(json, value->value.i64 != 0); break;
    case TYPE_TEXT: json_str(json, (struct str){value->value.text, value->text_size}); break;
    default: json_null(json); break;
    }
}

void view_put_optional(struct json *json, const char *key, double value) {
    if (isnan(value)) {
        json_put_null(json, key);
    } else {
        json_put_f64(json, key, value);
    }
}

void view_put_time(struct json *json, const char *key, int64_t time_ns) {
    if (time_ns == 0) {
        json_put_null(json, key);
    } else {
        json_put_time(json, key, time_ns);
    }
}

void view_put_error(struct json *json, const char *key, const struct err *err, enum lang lang) {
    if (err->code == ERR_OK) {
        json_put_null(json, key);
        return;
    }
    AUTO_BUF struct buf words = {0};
    buf_init(&words, 4096);
    err_render(err, lang, &words);
    json_put_str(json, key, buf_str(&words));
}

static void put_value(
    struct json *json, const struct live_value *value, const struct view_moment *moment) {
    if (!value) {
        static const char *const ABSENT[] = {
            "value", "quality", "status", "reason", "time", "received", "age_ms", "late"};
        for (size_t i = 0; i < sizeof ABSENT / sizeof ABSENT[0]; i++) {
            json_put_null(json, ABSENT[i]);
        }
        return;
    }
    json_key(json, "value");
    view_live_value(json, value);
    json_put_str(json, "quality", str_of(quality_name(status_quality(value->status))));
    json_put_i64(json, "status", value->status);
    if (value->status == 0) {
        json_put_null(json, "reason");
    } else {
        json_put_str(json, "reason", str_of(status_words(value->status, (int)moment->lang)));
    }
    json_put_time(json, "time", value->time_ns);
    json_put_time(json, "received", value->received_ns);
    int64_t age_ns = moment->now_ns - value->received_ns;
    json_put_i64(json, "age_ms", age_ns > 0 ? age_ns / NS_PER_MS : 0);
    json_put_bool(json, "late", (value->flags & SAMPLE_LATE) != 0);
}

void view_tag(struct json *json, const struct tag *tag, const struct live_value *value,
    const struct view_moment *moment) {
    json_object_begin(json);
    json_put_i64(json, "number", tag->number);
    json_put_str(json, "name", tag->name);
    json_put_str(json, "display", tag->display.size > 0 ? tag->display : tag->name);
    json_put_str(json, "type", str_of(value_type_name(tag->type)));
    json_put_str(json, "unit", tag->unit);
    json_put_str(json, "kind", str_of(tag_kind_name(tag->kind)));
    if (tag->device.size > 0) {
        json_put_str(json, "device", tag->device);
        json_put_str(json, "source", tag->source);
    } else {
        json_put_null(json, "device");
        if (tag->source.size > 0) {
            json_put_str(json, "source", tag->source); // Of a derived tag.
        } else {
            json_put_null(json, "source");
        }
    }
    json_put_f64(json, "scale", tag->scale);
    json_put_f64(json, "offset", tag->offset);
    view_put_optional(json, "min", tag->min);
    view_put_optional(json, "max", tag->max);
    view_put_optional(json, "dead_band", tag->dead_band);
    json_put_bool(json, "active", tag->active);
    json_put_str(json, "refine", tag->refine.data != NULL ? tag->refine : STR_NONE);
    json_put_bool(json, "keep_raw", tag->keep_raw);
    json_put_i64(json, "retention_days", tag->retention_days);
    json_put_i64(json, "rollup_days", tag->rollup_days);
    put_value(json, value, moment);
    json_object_end(json);
}

static void put_health(struct json *json, const struct device_health *h, enum lang lang) {
    json_object_begin(json);
    json_put_str(json, "state", str_of(link_state_name(h->state)));
    view_put_time(json, "since", h->since_ns);
    view_put_time(json, "last_good", h->last_good_ns);
    view_put_time(json, "last_error_time", h->last_error_ns);
    view_put_error(json, "last_error", &h->last_error, lang);
    if (h->last_error.code == ERR_OK) {
        json_put_null(json, "last_error_code");
    } else {
        json_put_str(json, "last_error_code", str_of(err_code_name(h->last_error.code)));
    }
    view_put_time(json, "next_try", h->next_try_ns);
    json_put_i64(json, "polls", (int64_t)h->polls);
    json_put_i64(json, "requests", (int64_t)h->requests);
    json_put_i64(json, "failures", (int64_t)h->failures);
    json_put_i64(json, "timeouts", (int64_t)h->timeouts);
    json_put_i64(json, "connects", (int64_t)h->connects);
    json_put_i64(json, "samples", (int64_t)h->samples);
    json_put_i64(json, "overruns", (int64_t)h->overruns);
    json_put_i64(json, "waits", (int64_t)h->waits);
    json_put_i64(json, "unclaimed", (int64_t)h->unclaimed);
    json_put_i64(json, "rtt_p50_us", h->rtt_p50_us);
    json_put_i64(json, "rtt_p99_us", h->rtt_p99_us);
    json_put_i64(json, "points", h->points);
    json_put_i64(json, "points_bad", h->points_bad);
    json_put_i64(json, "groups", h->groups);
    json_put_i64(json, "open_sockets", h->open_sockets);
    json_object_end(json);
}

void view_device(
    struct json *json, struct plant *plant, const struct device *device, enum lang lang) {
    struct device_health health = {.state = LINK_OFF};
    // Not running: disabled, or this home does not collect. The zeroed health says "off".
    (void)plant_device_health(plant, device->number, &health);
    json_object_begin(json);
    json_put_str(json, "id", device->id);
    json_put_str(json, "display", device->display.size > 0 ? device->display : device->id);
    json_put_str(json, "driver", device->driver);
    json_put_str(json, "address", device->address);
    AUTO_BUF struct buf options;
    buf_init(&options, 4 * LIMIT_DEVICE_TEXT_BYTES);
    device_options_show(device->driver, device->options, &options);
    json_put_str(json, "options", buf_str(&options));
    json_put_i64(json, "period_ms", device->period_ns / NS_PER_MS);
    json_put_bool(json, "enabled", device->enabled);
    json_key(json, "health");
    put_health(json, &health, lang);
    json_object_end(json);
}

void view_plant(struct json *json, const struct plant *plant, enum role role) {
    json_object_begin(json);
    json_put_str(json, "id", plant_id(plant));
    json_put_str(json, "display", plant_display(plant));
    json_put_str(json, "zone", str_of(zone_name(plant_zone(plant))));
    json_put_str(json, "role", str_of(role_name(role)));
    json_object_end(json);
}

void view_stage(
    struct json *json, enum refine_stage stage, const struct stage_counts *counts, enum lang lang) {
    json_object_begin(json);
    json_put_str(json, "id", str_of(refine_stage_name(stage)));
    json_put_str(json, "words", str_of(refine_stage_words(stage, lang)));
    json_put_i64(json, "in", (int64_t)counts->in);
    json_put_i64(json, "changed", (int64_t)counts->changed);
    json_put_i64(json, "marked", (int64_t)counts->marked);
    json_put_i64(json, "omitted", (int64_t)counts->omitted);
    json_put_i64(json, "made", (int64_t)counts->made);
    json_object_end(json);
}

void view_organisation(struct json *json, const struct user_facts *user) {
    if (user->organisation_id.size == 0) {
        json_null(json);
        return;
    }
    json_object_begin(json);
    json_put_str(json, "id", user->organisation_id);
    json_put_str(json, "name", user->organisation_name);
    json_put_str(json, "kind", user->organisation_kind);
    json_object_end(json);
}

void view_items_begin(struct json *json) {
    json_object_begin(json);
    json_key(json, "items");
    json_array_begin(json);
}

void view_items_end(struct json *json) {
    json_array_end(json);
    json_put_null(json, "next");
    json_object_end(json);
}

void view_items_page_end_at(struct json *json, struct str next) {
    json_array_end(json);
    view_put_text(json, "next", next);
    json_object_end(json);
}

void view_items_page_end(struct json *json, int64_t next) {
    char text[24] = "";
    if (next != 0) {
        (void)i64_to_text(next, text);
    }
    view_items_page_end_at(json, str_of(text));
}
