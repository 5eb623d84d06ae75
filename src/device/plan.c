/*
 * Making plans from the catalogue. Devices that share an address share a link and so a plan; what
 * the wire itself needs (driver, baud rate, parity, ...) must then be the same for all of them.
 *
 * A plan has a signature over everything of the catalogue that matters to it. When a new catalogue
 * gives the same signature, the running link is not touched; when only some devices of a shared
 * line differ, the others' plans move over with all they have learned. The signature is a 64-bit
 * hash; a collision between two versions of one device would cost a missed change once in 2^64.
 *
 * Devices do not all poll at the same instant: each has a phase within its period, spread by a hash
 * of its id. Otherwise five hundred machines at 1 Hz would all be asked in the same millisecond and
 * the last one would be served late every second.
 */
#include "device/plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "device/link.h"
#include "device/registry.h"

enum { SIGNATURE_BYTES_MAX = 64 << 20 };

/* A device's part of the index. */
struct plan_tags {
    const struct tag **tags;
    uint32_t count;
};

static int compare_tags(const void *left, const void *right) {
    const struct tag *a = *(const struct tag *const *)left;
    const struct tag *b = *(const struct tag *const *)right;
    int order = str_cmp(a->device, b->device);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

void plan_index_init(struct plan_index *index, const struct catalogue *catalogue) {
    index->tags = MEM_ARRAY(const struct tag *, (size_t)catalogue->tag_count + 1);
    index->count = 0;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        if (tag->active && tag->device.size > 0 && tag->source.size > 0) {
            index->tags[index->count++] = tag;
        }
    }
    if (index->count > 0) {
        qsort(index->tags, index->count, sizeof *index->tags, compare_tags);
    }
}

void plan_index_fini(struct plan_index *index) {
    mem_free(index->tags);
    *index = (struct plan_index){0};
}

static struct plan_tags find_tags(const struct plan_index *index, struct str device) {
    uint32_t low = 0;
    for (uint32_t high = index->count; low < high;) { // The first that is not before the device.
        uint32_t middle = low + (high - low) / 2;
        if (str_cmp(index->tags[middle]->device, device) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    struct plan_tags found = {.tags = index->tags + low};
    while (low + found.count < index->count && str_eq(found.tags[found.count]->device, device)) {
        found.count++;
    }
    return found;
}

static void sign_str(struct buf *out, struct str text) {
    buf_put(out, &text.size, sizeof text.size);
    buf_put_str(out, text);
}

static uint64_t sign(const struct device *device, const struct plan_tags *tags) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, SIGNATURE_BYTES_MAX);
    buf_put(&bytes, &device->number, sizeof device->number);
    sign_str(&bytes, device->id);
    sign_str(&bytes, device->driver);
    sign_str(&bytes, device->address);
    sign_str(&bytes, device->options);
    buf_put(&bytes, &device->period_ns, sizeof device->period_ns);
    for (uint32_t i = 0; i < tags->count; i++) {
        const struct tag *tag = tags->tags[i];
        buf_put(&bytes, &tag->number, sizeof tag->number);
        buf_put(&bytes, &tag->type, sizeof tag->type);
        sign_str(&bytes, tag->source);
    }
    return hash64(bytes.data, bytes.size);
}

static void parse_tags(struct device_plan *plan, const struct plan_tags *tags) {
    for (uint32_t i = 0; i < tags->count; i++) {
        const struct tag *tag = tags->tags[i];
        struct point point = {0};
        struct err err = ERR_INIT;
        if (plan->driver->parse_address(tag->source, &plan->settings, &point, &err) == 0) {
            point.tag = tag->number;
            point.source = arena_copy(&plan->arena, tag->source);
            plan->points[plan->point_count++] = point;
            continue;
        }
        (void)err_context(&err, MSG_DEVICE_TAG_SOURCE, ARGS(A_STR(tag->name), A_STR(tag->source)));
        if (plan->broken_count == 0) {
            plan->broken_error = err;
        }
        plan->broken[plan->broken_count++] =
            (struct plan_broken){.tag = tag->number, .type = tag->type};
    }
}

static void make_units(struct device_plan *plan) {
    plan->units = ARENA_ARRAY(&plan->arena, struct plan_unit, (size_t)plan->point_count + 1);
    for (uint32_t i = 0; i < plan->point_count; i++) {
        uint32_t number = plan->points[i].unit;
        if (plan->unit_count == 0 || plan->units[plan->unit_count - 1].number != number) {
            plan->units[plan->unit_count++] = (struct plan_unit){.number = number, .first = i};
        }
        plan->units[plan->unit_count - 1].count++;
    }
}

struct device_plan *device_plan_of(
    const struct plan_index *index, const struct device *device, struct err *err) {
    const struct driver *driver = NULL;
    struct driver_settings settings;
    if (registry_resolve(device, &driver, &settings, err) < 0) {
        (void)err_context(err, MSG_DEVICE_AT, ARGS(A_STR(device->id), A_STR(device->address)));
        return NULL;
    }
    struct device_plan *plan = MEM_NEW(struct device_plan);
    arena_init(&plan->arena, 0);
    plan->number = device->number;
    plan->id = arena_copy(&plan->arena, device->id);
    plan->address = arena_copy(&plan->arena, device->address);
    plan->period_ns = device->period_ns;
    plan->phase_ns =
        (int64_t)(hash64(device->id.data, device->id.size) % (uint64_t)device->period_ns);
    plan->driver = driver;
    plan->settings = settings;
    for (size_t i = 0; i < DRIVER_OPTIONS_MAX; i++) {
        plan->settings.texts[i] = arena_copy(&plan->arena, settings.texts[i]);
    }
    struct plan_tags tags = find_tags(index, device->id);
    plan->signature = sign(device, &tags);
    size_t count = (size_t)tags.count + 1;
    plan->points = ARENA_ARRAY(&plan->arena, struct point, count);
    plan->last_status = ARENA_ARRAY(&plan->arena, uint32_t, count);
    plan->seen = ARENA_ARRAY(&plan->arena, uint64_t, count);
    plan->broken = ARENA_ARRAY(&plan->arena, struct plan_broken, count);
    memset(plan->last_status, 0xFF, count * sizeof *plan->last_status); // POINT_NEVER.
    parse_tags(plan, &tags);
    group_sort(plan->points, plan->point_count);
    make_units(plan);
    group_set_init(&plan->groups, driver, &plan->settings, plan->points, plan->point_count);
    return plan;
}

struct device_plan *device_plan_new(
    const struct catalogue *catalogue, const struct device *device, struct err *err) {
    struct plan_index index;
    plan_index_init(&index, catalogue);
    struct device_plan *plan = device_plan_of(&index, device, err);
    plan_index_fini(&index);
    return plan;
}

void device_plan_free(struct device_plan *plan) {
    if (plan != NULL) {
        group_set_fini(&plan->groups);
        arena_fini(&plan->arena);
        mem_free(plan);
    }
}

struct health_change device_plan_change(const struct device_plan *plan, enum link_state state) {
    return (struct health_change){.state = state,
        .points = plan->point_count + plan->broken_count,
        .points_bad = plan->bad_count + plan->broken_count,
        .groups = plan->groups.group_count};
}

bool plan_is_alone(const struct driver *driver) {
    return driver->receive != NULL || driver->check_address != NULL;
}

struct link *plan_link_new(const struct driver *driver, struct str address,
    const int64_t *link_options, const struct clock *clock, int stop_fd) {
    return driver->check_address != NULL ? link_own_new(clock, stop_fd)
                                         : link_new(address, link_options, clock, stop_fd);
}

/* What the greeting says of the device in hand: a slot of an S7, a node of FINS. */
static void session_of(const struct device_plan *device, int64_t ret_session[DRIVER_OPTIONS_MAX]) {
    const struct driver_option *options = device->driver->options;
    memset(ret_session, 0, DRIVER_OPTIONS_MAX * sizeof *ret_session);
    for (size_t i = 0; i < DRIVER_OPTIONS_MAX && options[i].name != NULL; i++) {
        ret_session[i] = options[i].of_session ? device->settings.values[i] : 0;
    }
}

bool link_plan_fits(const struct link_plan *plan, const struct device_plan *device) {
    int64_t session[DRIVER_OPTIONS_MAX];
    if (plan->alone != 0 || plan_is_alone(device->driver) ||
        !str_eq(str_of(plan->address), device->address)) {
        return false;
    }
    session_of(device, session);
    return plan->driver != device->driver || memcmp(session, plan->session, sizeof session) == 0;
}

struct link_plan *link_plan_new(const struct device_plan *first) {
    struct link_plan *plan = MEM_NEW(struct link_plan);
    plan->alone = plan_is_alone(first->driver) ? first->number : 0;
    plan->address = mem_copy_z(first->address);
    plan->driver = first->driver;
    session_of(first, plan->session);
    memcpy(plan->link_options, first->settings.link, sizeof plan->link_options);
    return plan;
}

int link_plan_add(struct link_plan *plan, struct device_plan *device, struct err *err) {
    if (device->driver != plan->driver) {
        return err_set(
            err, ERR_CONFLICT, MSG_DEVICE_DRIVER_CLASH, ARGS(A_CSTR(plan->driver->name)));
    }
    for (int i = LINK_BAUD; i < LINK_OPTION_COUNT && device->settings.serial; i++) {
        if (device->settings.link[i] != plan->link_options[i]) {
            return err_set(err, ERR_CONFLICT, MSG_DEVICE_LINE_CLASH, ARGS(A_STR(device->id)));
        }
    }
    plan->devices =
        mem_resize(plan->devices, ((size_t)plan->device_count + 1) * sizeof(struct device_plan *));
    plan->devices[plan->device_count++] = device;
    uint64_t pair[2] = {plan->signature, device->signature};
    plan->signature = hash64(pair, sizeof pair);
    return 0;
}

void link_plan_free(struct link_plan *plan) {
    if (plan != NULL) {
        for (uint32_t i = 0; i < plan->device_count; i++) {
            device_plan_free(plan->devices[i]);
        }
        mem_free(plan->devices);
        mem_free(plan->address);
        mem_free(plan);
    }
}
