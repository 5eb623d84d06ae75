/*
 * Tags: the list with newest values, one of them, and changing them.
 *
 * The list is made piece by piece from one catalogue snapshot and the live table: a tag costs about
 * 1 us, and only one piece is in memory. The cursor is the number of the last tag given, which
 * never changes, so pages neither skip nor repeat when tags are added between them.
 *
 * PUT takes what is sent and keeps the rest; the address and the driver's words are checked before
 * anything is stored. A tag's type is part of its history and cannot be changed.
 */
#include "serve/api_tags.h"

#include <math.h>
#include <string.h>

#include "core/hangul.h"
#include "core/json_in.h"
#include "core/limits.h"
#include "plant/import.h"
#include "plant/retention.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/sight.h"
#include "serve/view.h"

enum { TAGS_DEFAULT = 1000, TAGS_MAX = 100000, TAGS_AT_ONCE = 64 };

struct tags_source {
    struct plant *plant;
    struct call_tags tags;
    struct view_moment moment;
    int64_t fresh_ns; // 0: any.
    struct str device;
    struct str prefix;
    struct str text;
    bool by_kind;
    enum tag_kind kind;
    uint64_t left;
    uint32_t index;
    uint32_t last_shown;
    struct json json;
    bool begun;
};

static bool tag_is_wanted(const struct tags_source *source, const struct tag *tag) {
    return (source->device.size == 0 || str_eq(tag->device, source->device)) &&
           (source->prefix.size == 0 || str_starts(tag->name, source->prefix)) &&
           (source->text.size == 0 || hangul_contains(tag->name, source->text) ||
               hangul_contains(tag->display, source->text)) &&
           (!source->by_kind || tag->kind == source->kind);
}

/* Writes the tag unless its value is not fresh enough. */
static void put_tag(
    struct tags_source *source, const struct seen_tag *seen, const struct tag *shown) {
    struct live_value value;
    bool has =
        seen->step_ns == 0 && live_read(plant_live(source->plant), seen->tag->number, &value);
    if (source->fresh_ns > 0 &&
        (!has || source->moment.now_ns - value.received_ns > source->fresh_ns)) {
        return;
    }
    view_tag(&source->json, shown, has ? &value : NULL, &source->moment);
    source->left--;
    source->last_shown = seen->shown;
}

static int tags_fill(void *state, struct buf *out, struct err *err) {
    struct tags_source *source = state;
    int still = call_tags_still(&source->tags, NULL, 0, err);
    if (still < 0) {
        return still; // Another list counts now: this one ends, visibly cut.
    }
    uint32_t count = call_tags_count(&source->tags);
    if (!source->begun) {
        json_init(&source->json, out);
        json_object_begin(&source->json);
        json_key(&source->json, "items");
        json_array_begin(&source->json);
        source->begun = true;
    }
    for (int i = 0; i < TAGS_AT_ONCE && source->left > 0; i++) {
        if (source->index >= count) {
            break;
        }
        struct seen_tag seen = call_tags_at(&source->tags, source->index++);
        struct tag shown = seen_tag_shown(&seen);
        if (tag_is_wanted(source, &shown)) {
            put_tag(source, &seen, &shown);
        }
    }
    bool over = source->index >= count;
    if (!over && source->left > 0) {
        return HTTP_MORE;
    }
    json_array_end(&source->json);
    if (over) {
        json_put_null(&source->json, "next");
    } else {
        char cursor[24];
        (void)i64_to_text(source->last_shown, cursor);
        json_put_str(&source->json, "next", str_of(cursor));
    }
    json_object_end(&source->json);
    return HTTP_END;
}

static void tags_free(void *state) {
    struct tags_source *source = state; // Lives in the request's arena.
    call_tags_close(&source->tags);
}

/* Behind the tag that a page ended with. Index i of a catalogue holds number i + 1. */
static int read_cursor(struct tags_source *source, struct str cursor, struct err *err) {
    uint64_t number = 0;
    bool good = str_to_u64(cursor, &number);
    if (good && !source->tags.sight) {
        good = number <= LIMIT_TAGS;
        source->index = (uint32_t)number;
    } else if (good) {
        uint32_t count = call_tags_count(&source->tags);
        while (
            source->index < count && call_tags_at(&source->tags, source->index).shown != number) {
            source->index++;
        }
        good = source->index++ < count;
    }
    return good ? 0 : err_set(err, ERR_INVALID, MSG_SERVE_CURSOR, ARGS(A_STR(cursor)));
}

static int tags_read_params(const struct call *call, struct tags_source *source, struct err *err) {
    uint64_t limit = TAGS_DEFAULT;
    struct str cursor = STR_NONE;
    struct str kind = STR_NONE;
    int rc = call_param_duration(call, "fresh", &source->fresh_ns, err);
    if (rc >= 0) {
        rc = call_param_count(call, "limit", TAGS_MAX, &limit, err);
    }
    if (rc < 0) {
        return rc;
    }
    source->left = limit;
    (void)call_param(call, "device", &source->device); // Absent: empty, meaning any.
    (void)call_param(call, "prefix", &source->prefix);
    (void)call_param(call, "q", &source->text);
    if (call_param(call, "kind", &kind)) {
        source->by_kind = tag_kind_of_name(kind, &source->kind);
    }
    return call_param(call, "cursor", &cursor) ? read_cursor(source, cursor, err) : 0;
}

int api_tags(struct call *call, struct err *err) {
    struct tags_source *source = ARENA_NEW(&call->http->arena, struct tags_source);
    source->plant = call->plant;
    source->moment = (struct view_moment){call->now_ns, call->lang};
    int rc = call_tags_open(call, &source->tags, err);
    rc = rc < 0 ? rc : tags_read_params(call, source, err);
    if (rc < 0) {
        call_tags_close(&source->tags);
        return rc;
    }
    call_source(call, "application/json; charset=utf-8",
        (struct http_source){source, tags_fill, tags_free});
    return 0;
}

/* ---- One tag ---- */

static int answer_tag(struct call *call, int status, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    const struct tag *tag = catalogue_find(catalogue, call->args[1]);
    if (!tag) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_TAG_UNKNOWN, ARGS(A_STR(call->args[1])));
    }
    struct live_value value;
    bool has = live_read(plant_live(call->plant), tag->number, &value);
    struct json json;
    struct view_moment moment = {call->now_ns, call->lang};
    call_json(call, status, &json);
    view_tag(&json, tag, has ? &value : NULL, &moment);
    return 0;
}

int api_tag_get(struct call *call, struct err *err) {
    return answer_tag(call, 200, err);
}

static struct tag tag_new(struct str name) {
    return (struct tag){.name = name,
        .display = STR_NONE,
        .unit = STR_NONE,
        .device = STR_NONE,
        .source = STR_NONE,
        .refine = STR_NONE,
        .type = TYPE_F64,
        .scale = 1,
        .min = (double)NAN,
        .max = (double)NAN,
        .dead_band = (double)NAN,
        .active = true};
}

/* A number that may be taken away with null. */
static int read_optional(
    const struct json_in *body, const char *name, double *ret_value, struct err *err) {
    int rc = json_in_f64(body, name, ret_value, err);
    if (rc == 0 && json_in_has(body, name)) {
        *ret_value = (double)NAN;
    }
    return rc;
}

static int tag_read_words(const struct json_in *body, struct tag *tag, struct err *err) {
    struct str type = STR_NONE;
    struct str kind = STR_NONE;
    int rc = json_in_str(body, "type", LIMIT_ID_BYTES, &type, err);
    if (rc > 0 && !value_type_of_name(type, &tag->type)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_PARAM_CHOICE,
            ARGS(A_STR(type), A_CSTR("f64|i64|bool|text")));
    }
    if (rc >= 0) {
        rc = json_in_str(body, "kind", LIMIT_ID_BYTES, &kind, err);
    }
    if (rc > 0 && !tag_kind_of_name(kind, &tag->kind)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_PARAM_CHOICE,
            ARGS(A_STR(kind), A_CSTR("measurement|counter|state|setpoint")));
    }
    if (rc >= 0) {
        rc = json_in_str(body, "display", LIMIT_DISPLAY_BYTES, &tag->display, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "unit", LIMIT_UNIT_BYTES, &tag->unit, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "device", LIMIT_ID_BYTES, &tag->device, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "source", LIMIT_SOURCE_BYTES, &tag->source, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "refine", LIMIT_REFINE_BYTES, &tag->refine, err);
    }
    return rc < 0 ? rc : 0;
}

static int read_days(
    const struct json_in *body, const char *name, uint32_t *ret_days, struct err *err) {
    int64_t days = *ret_days;
    int rc = json_in_i64(body, name, &days, err);
    if (rc >= 0 && (days < 0 || days > RETENTION_DAYS_MAX)) {
        return err_set(err, ERR_RANGE, MSG_RETENTION_DAYS, ARGS(A_INT(RETENTION_DAYS_MAX)));
    }
    *ret_days = rc >= 0 ? (uint32_t)days : *ret_days;
    return rc;
}

static int tag_read_numbers(const struct json_in *body, struct tag *tag, struct err *err) {
    int rc = json_in_f64(body, "scale", &tag->scale, err);
    if (rc >= 0) {
        rc = json_in_f64(body, "offset", &tag->offset, err);
    }
    if (rc >= 0) {
        rc = read_optional(body, "min", &tag->min, err);
    }
    if (rc >= 0) {
        rc = read_optional(body, "max", &tag->max, err);
    }
    if (rc >= 0) {
        rc = read_optional(body, "dead_band", &tag->dead_band, err);
    }
    if (rc >= 0) {
        rc = json_in_bool(body, "active", &tag->active, err);
    }
    if (rc >= 0) {
        rc = json_in_bool(body, "keep_raw", &tag->keep_raw, err);
    }
    if (rc >= 0) {
        rc = read_days(body, "retention_days", &tag->retention_days, err);
    }
    if (rc >= 0) {
        rc = read_days(body, "rollup_days", &tag->rollup_days, err);
    }
    if (rc >= 0 && (tag->scale == 0 || tag->min > tag->max || tag->dead_band < 0)) {
        return err_set(err, ERR_RANGE, MSG_SERVE_TAG_NUMBERS, NO_ARGS);
    }
    return rc < 0 ? rc : 0;
}

int tag_read(const struct json_in *body, struct tag *tag, struct err *err) {
    int rc = tag_read_words(body, tag, err);
    return rc < 0 ? rc : tag_read_numbers(body, tag, err);
}

/* The rules must make sense; the device must exist and understand the source, unless the tag is fed
 * by others. */
static int tag_check(const struct catalogue *catalogue, const struct tag *tag, struct err *err) {
    int rc = refine_check(tag, err);
    if (rc < 0 || tag->device.size == 0) {
        return rc;
    }
    const struct device *device = catalogue_device(catalogue, tag->device);
    if (!device) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_DEVICE_UNKNOWN, ARGS(A_STR(tag->device)));
    }
    return device_check_tag(device, tag, err);
}

struct tag_change {
    const struct call *call;
    const struct tag *tag;
    uint32_t number;
    bool changed;
};

static int tag_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct tag_change *change = context;
    const struct call *call = change->call;
    int rc = plant_tag_put(tx, change->tag, &change->number, &change->changed, err);
    if (rc >= 0 && change->changed) {
        rc = audit_append(tx, str_of(call->principal.id), STR("tag.put"), change->tag->name,
            call->http->request.body, err);
    }
    return rc;
}

int api_tag_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"display", "type", "unit", "kind", "device", "source",
        "scale", "offset", "min", "max", "dead_band", "active", "refine", "keep_raw",
        "retention_days", "rollup_days", NULL};
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    AUTO_JSON_IN struct json_in *body = NULL;
    int rc = tag_name_check(call->args[1], err);
    if (rc >= 0) {
        rc = json_in_parse(call->http->request.body, &body, err);
    }
    if (rc >= 0) {
        rc = json_in_only(body, MEMBERS, err);
    }
    if (rc < 0) {
        return rc;
    }
    const struct tag *present = catalogue_find(catalogue, call->args[1]);
    struct tag tag = present ? *present : tag_new(call->args[1]);
    rc = tag_read(body, &tag, err);
    if (rc >= 0 && call->outsider) {
        rc = import_outsider_tag(present, &tag, err);
    }
    if (rc >= 0) {
        rc = tag_check(catalogue, &tag, err);
    }
    struct tag_change change = {.call = call, .tag = &tag};
    if (rc >= 0) {
        rc = ledger_write(plant_ledger(call->plant), tag_store, &change, err);
    }
    if (rc >= 0 && change.changed) {
        rc = plant_refresh(call->plant, err);
    }
    return rc < 0 ? rc : answer_tag(call, present ? 200 : 201, err);
}
