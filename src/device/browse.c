/*
 * Listing what a device has, in a session of its own beside the one that collects. The driver finds
 * the items; here they are counted and handed on.
 */
#include "core/mem.h"
#include "device/device.h"
#include "device/link.h"
#include "device/plan.h"
#include "device/poll.h"

enum { BROWSE_ITEMS_MAX = 10000 };

struct browse_list {
    void (*each)(void *context, const struct browse_item *item);
    void *context;
    uint32_t count;
};

bool browse_add(struct browse_list *list, const struct browse_item *item) {
    if (list->count >= BROWSE_ITEMS_MAX) {
        return false;
    }
    list->count++;
    list->each(list->context, item);
    return true;
}

static int browse(
    struct device_plan *plan, struct str under, struct browse_list *list, struct err *err) {
    const struct clock *clock = clock_system();
    struct poller_options options = {.clock = clock,
        .seed = 1,
        .link = plan_link_new(plan->driver, plan->address, plan->settings.link, clock, -1)};
    struct poller poller;
    poller_init(&poller, plan->driver, &options);
    int result = poller_connect(&poller, plan, err);
    if (result == 0) {
        io_begin(&poller.io);
        result = plan->driver->browse(&poller.io, under, list, err);
    }
    poller_fini(&poller);
    return result;
}

int device_browse(const struct device *device, struct str under,
    void (*each)(void *context, const struct browse_item *item), void *context, struct err *err) {
    struct catalogue *nothing = catalogue_new();
    catalogue_finish(nothing);
    struct device_plan *plan = device_plan_new(nothing, device, err);
    catalogue_unref(nothing);
    if (plan == NULL) {
        return err != NULL && err->code != ERR_OK ? -(int)err->code : -(int)ERR_INVALID;
    }
    struct browse_list list = {.each = each, .context = context};
    int result = plan->driver->browse == NULL
                     ? err_set(err, ERR_UNSUPPORTED, MSG_DEVICE_NO_BROWSE, NO_ARGS)
                     : browse(plan, under, &list, err);
    device_plan_free(plan);
    return result < 0
               ? err_context(err, MSG_DEVICE_AT, ARGS(A_STR(device->id), A_STR(device->address)))
               : 0;
}
