#ifndef DEVICE_REGISTRY_H
#define DEVICE_REGISTRY_H
/* Finding the driver of a device line and reading its settings. Pure; any thread. */
#include "device/driver.h"
#include "model/tag.h"

/* Texts of the settings are borrowed from the device. ERR_NOT_FOUND (driver), ERR_INVALID (address,
 * period, options), with words. */
int registry_resolve(const struct device *device, const struct driver **ret_driver,
    struct driver_settings *ret_settings, struct err *err);

#endif
