/*
 * The drivers of drivers.def, and the checks of device lines and sources that import and the forms
 * ask. A check needs no network: it says whether the words are right, not whether the machine is.
 */
#include "device/registry.h"

#include "core/buf.h"
#include "device/device.h"
#include "device/link.h"
#include "device/settings.h"

#define DRIVER(name) extern const struct driver driver_##name;
#include "device/drivers.def"
#undef DRIVER

static const struct driver *const drivers[] = {
#define DRIVER(name) &driver_##name,
#include "device/drivers.def"
#undef DRIVER
};
enum { DRIVER_COUNT = sizeof drivers / sizeof drivers[0] };

enum { PERIOD_MIN_MS = 10, PERIOD_MAX_MS = 86400000 };

const struct driver *driver_at(size_t index) {
    return index < DRIVER_COUNT ? drivers[index] : NULL;
}

const struct driver *driver_find(struct str name) {
    for (size_t i = 0; i < DRIVER_COUNT; i++) {
        if (str_eq(name, str_of(drivers[i]->name))) {
            return drivers[i];
        }
    }
    return NULL;
}

const struct driver_option *device_link_options(void) {
    return settings_link_options();
}

int registry_resolve(const struct device *device, const struct driver **ret_driver,
    struct driver_settings *ret_settings, struct err *err) {
    const struct driver *driver = driver_find(device->driver);
    if (driver == NULL) {
        AUTO_BUF struct buf names;
        buf_init(&names, 1024);
        for (size_t i = 0; i < DRIVER_COUNT; i++) {
            buf_put_str(&names, i > 0 ? STR(" ") : STR_NONE);
            buf_put_str(&names, str_of(drivers[i]->name));
        }
        return err_set(err, ERR_NOT_FOUND, MSG_DEVICE_DRIVER_UNKNOWN,
            ARGS(A_STR(device->driver), A_STR(buf_str(&names))));
    }
    int result = driver->check_address == NULL ? link_check(device->address, err) : 0;
    if (result < 0) {
        return result;
    }
    if (device->period_ns < PERIOD_MIN_MS * NS_PER_MS ||
        device->period_ns > PERIOD_MAX_MS * NS_PER_MS) {
        return err_set(err, ERR_INVALID, MSG_DEVICE_PERIOD, NO_ARGS);
    }
    bool serial = driver->check_address == NULL && link_is_serial(device->address);
    result = settings_parse(driver, device->options, serial, ret_settings, err);
    if (result == 0) {
        result = link_serial_check(ret_settings->link, err); // Wrong on any line, used or not.
    }
    if (result == 0 && driver->check_address != NULL) {
        result = driver->check_address(device->address, ret_settings, err);
    }
    if (result == 0) {
        *ret_driver = driver;
    }
    return result;
}

int device_check(const struct device *device, struct err *err) {
    const struct driver *driver = NULL;
    struct driver_settings settings;
    return registry_resolve(device, &driver, &settings, err);
}

int device_check_source(
    const struct device *device, struct str source, struct point *ret_point, struct err *err) {
    const struct driver *driver = NULL;
    struct driver_settings settings;
    int result = registry_resolve(device, &driver, &settings, err);
    return result < 0 ? result : driver->parse_address(source, &settings, ret_point, err);
}

/* What refine can make of values: a text becomes no number, and only whole numbers tell a state. */
static bool type_feeds(enum value_type source, enum value_type tag) {
    return source == tag || tag == TYPE_TEXT ||
           (source != TYPE_TEXT && !(source == TYPE_F64 && tag == TYPE_BOOL));
}

int device_check_tag(const struct device *device, const struct tag *tag, struct err *err) {
    struct point point;
    int result = device_check_source(device, tag->source, &point, err);
    if (result == 0 && !type_feeds(point.natural_type, tag->type)) {
        return err_set(err, ERR_INVALID, MSG_DEVICE_SOURCE_TYPE,
            ARGS(A_STR(tag->source), A_CSTR(value_type_name(point.natural_type)),
                A_CSTR(value_type_name(tag->type))));
    }
    return result;
}
