#ifndef DEVICE_SETTINGS_H
#define DEVICE_SETTINGS_H
/*
 * The options of a device line ("unit=1 timeout_ms=500") against what the driver and the framework
 * know. Pure; any thread.
 */
#include "core/err.h"
#include "device/driver.h"

/* Options of every device, in the order of enum link_option; ends with a NULL name. */
const struct driver_option *settings_link_options(void);
/* Fills defaults, then what the line says. Texts are borrowed from `options`. ERR_INVALID with
 * words. */
int settings_parse(const struct driver *driver, struct str options, bool serial,
    struct driver_settings *ret_settings, struct err *err);

#endif
