/*
 * What remote support may not change although it may change tags and devices: how long values are
 * kept is a decision of the factory's, and a device that reads files of this computer would show
 * them to whoever sets it up. One place, because both can be asked for by hand and by a table. What
 * stands already may be sent back unchanged.
 */
#include "plant/import.h"

int import_outsider_tag(const struct tag *known, const struct tag *wanted, struct err *err) {
    static const struct tag NEW = {.keep_raw = false};
    const struct tag *before = known != NULL ? known : &NEW;
    bool same = before->keep_raw == wanted->keep_raw &&
                before->retention_days == wanted->retention_days &&
                before->rollup_days == wanted->rollup_days;
    return same ? 0 : err_set(err, ERR_FORBIDDEN, MSG_IMPORT_OUTSIDER, NO_ARGS);
}

int import_outsider_device(
    const struct device *known, const struct device *wanted, struct err *err) {
    bool files = device_uses_files(wanted) || (known != NULL && device_uses_files(known));
    bool same = known != NULL && str_eq(known->driver, wanted->driver) &&
                str_eq(known->address, wanted->address) && str_eq(known->options, wanted->options);
    return !files || same ? 0 : err_set(err, ERR_FORBIDDEN, MSG_IMPORT_OUTSIDER, NO_ARGS);
}
