#ifndef DEVICE_FILES_H
#define DEVICE_FILES_H
/*
 * Files of this computer that a device line names: a folder, a database, a capture, certificates.
 * A home of Maru is none of them: its passwords, keys and papers are read by no device.
 */
#include "core/err.h"
#include "device/driver.h"

/* Whether the path lies in a home (a folder with hub.db and plants), or is one: ERR_FORBIDDEN with
 * words. What is not there is looked for by whoever opens it. Follows links; may wait for a disk.
 */
int files_check(struct str path, struct err *err);
/* All files that the address and the options name. ERR_FORBIDDEN as above. */
int files_check_all(const struct driver *driver, struct str address,
    const struct driver_settings *settings, struct err *err);

#endif
