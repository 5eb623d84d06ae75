/*
 * Devices with their health, and changing them. LIMIT_DEVICES keeps the list short enough to be
 * answered whole (1,000 devices, about 700 KB). PUT takes what is sent and keeps the rest; the
 * driver checks address and options before anything is stored.
 */
#include "serve/call.h"

#include <inttypes.h>

#include "core/json_in.h"
#include "core/limits.h"
#include "plant/import.h"
#include "serve/server.h"
#include "serve/view.h"

enum { PERIOD_MIN_MS = 10, PERIOD_MAX_MS = 86400000, PERIOD_DEFAULT_MS = 1000 };

int api_devices(struct call *call, struct err *err) {
    (void)err;
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        view_device(&json, call->plant, &catalogue->devices[i], call->lang);
    }
    view_items_end(&json);
    return 0;
}

static int answer_device(struct call *call, int status, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    const struct device *device = catalogue_device(catalogue, call->args[1]);
    if (!device) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_DEVICE_UNKNOWN, ARGS(A_STR(call->args[1])));
    }
    struct json json;
    call_json(call, status, &json);
    view_device(&json, call->plant, device, call->lang);
    return 0;
}

int api_device_get(struct call *call, struct err *err) {
    return answer_device(call, 200, err);
}

static int device_read(const struct json_in *body, struct device *device, struct err *err) {
    int64_t period_ms = device->period_ns / NS_PER_MS;
    int rc = json_in_str(body, "display", LIMIT_DISPLAY_BYTES, &device->display, err);
    if (rc >= 0) {
        rc = json_in_str(body, "driver", LIMIT_ID_BYTES, &device->driver, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "address", LIMIT_DEVICE_TEXT_BYTES, &device->address, err);
    }
    if (rc >= 0) {
        rc = json_in_str(body, "options", LIMIT_DEVICE_TEXT_BYTES, &device->options, err);
    }
    if (rc >= 0) {
        rc = json_in_i64(body, "period_ms", &period_ms, err);
    }
    if (rc >= 0) {
        rc = json_in_bool(body, "enabled", &device->enabled, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (period_ms < PERIOD_MIN_MS || period_ms > PERIOD_MAX_MS) {
        return err_set(err, ERR_RANGE, MSG_SERVE_PERIOD,
            ARGS(A_INT(period_ms), A_INT(PERIOD_MIN_MS), A_INT(PERIOD_MAX_MS)));
    }
    device->period_ns = period_ms * NS_PER_MS;
    return 0;
}

struct device_change {
    const struct call *call;
    const struct device *device;
    uint32_t number;
    bool changed;
};

static int device_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct device_change *change = context;
    const struct call *call = change->call;
    int rc = device_put(tx, change->device, &change->number, &change->changed, err);
    if (rc >= 0 && change->changed) {
        AUTO_BUF struct buf payload;
        buf_init(&payload, 8 * LIMIT_DEVICE_TEXT_BYTES);
        buf_printf(&payload, "%.*s %.*s %" PRId64 " ", STR_ARG(change->device->driver),
            STR_ARG(change->device->address), change->device->period_ns);
        buf_put_str(&payload, change->device->enabled ? STR("on ") : STR("off "));
        device_options_show(change->device->driver, change->device->options, &payload);
        rc = audit_append(tx, str_of(call->principal.id), STR("device.put"), change->device->id,
            buf_str(&payload), err);
    }
    return rc;
}

int api_device_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {
        "display", "driver", "address", "options", "period_ms", "enabled", NULL};
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    AUTO_JSON_IN struct json_in *body = NULL;
    if (!str_is_id(call->args[1])) {
        return err_set(err, ERR_INVALID, MSG_ID_INVALID, ARGS(A_STR(call->args[1])));
    }
    int rc = json_in_parse(call->http->request.body, &body, err);
    if (rc >= 0) {
        rc = json_in_only(body, MEMBERS, err);
    }
    if (rc < 0) {
        return rc;
    }
    const struct device *present = catalogue_device(catalogue, call->args[1]);
    struct device device = {.id = call->args[1],
        .display = STR_NONE,
        .driver = STR_NONE,
        .address = STR_NONE,
        .options = STR_NONE,
        .period_ns = PERIOD_DEFAULT_MS * NS_PER_MS,
        .enabled = true};
    if (present) {
        device = *present;
    }
    rc = device_read(body, &device, err);
    if (rc >= 0 && device_options_lack(present, &device)) {
        rc = err_set(err, ERR_INVALID, MSG_DEVICE_SECRET_SHOWN, ARGS(A_STR(device.id)));
    }
    AUTO_BUF struct buf options;
    buf_init(&options, 4 * LIMIT_DEVICE_TEXT_BYTES);
    device_options_keep(present, &device, &options);
    device.options = buf_str(&options);
    if (rc >= 0 && call->outsider) {
        rc = import_outsider_device(present, &device, err);
    }
    if (rc >= 0) {
        rc = device_check(&device, err);
    }
    struct device_change change = {.call = call, .device = &device};
    if (rc >= 0) {
        rc = ledger_write(plant_ledger(call->plant), device_store, &change, err);
    }
    if (rc >= 0 && change.changed) {
        rc = plant_refresh(call->plant, err);
    }
    return rc < 0 ? rc : answer_device(call, present ? 200 : 201, err);
}
