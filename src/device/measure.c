/*
 * How fast a device can be asked. The very poller of the link threads runs without pause, so the
 * figure holds all that a poll costs: framing, decoding, rows, health. A driver that only listens
 * (MQTT, scanners) has no such rate.
 */
#include "core/mem.h"
#include "device/device.h"
#include "device/link.h"
#include "device/plan.h"
#include "device/poll.h"

enum { BATCH_ROWS = 8192, BATCH_TEXT_BYTES = 65536 };

static struct batch *lend(void *context, int64_t deadline_ns) {
    (void)deadline_ns;
    return context;
}

static int forget(void *context, struct batch *batch) {
    (void)context;
    batch_clear(batch);
    return 0;
}

static int run(struct poller *poller, struct device_plan *plan, int64_t duration_ns,
    struct device_rate *ret_rate, struct err *err) {
    int result = poller_connect(poller, plan, err);
    int64_t begun_ns = clock_mono_ns(poller->clock);
    int64_t now_ns = begun_ns;
    while (result == 0 && now_ns - begun_ns < duration_ns) {
        result = poller_poll(poller, plan, err);
        now_ns = clock_mono_ns(poller->clock);
    }
    struct device_health health = {0};
    (void)health_copy(plan->health, poller->clock, &health); // It runs: always true.
    if (result == 0 && health.points_bad > 0) {
        *err = health.last_error;
        result = -(int)err->code;
    }
    if (result < 0) {
        return err_context(err, MSG_DEVICE_AT, ARGS(A_STR(plan->id), A_STR(plan->address)));
    }
    *ret_rate = (struct device_rate){.polls = plan->polls,
        .requests = health.requests,
        .samples = health.samples,
        .elapsed_ns = now_ns - begun_ns,
        .rtt_p50_us = health.rtt_p50_us,
        .rtt_p99_us = health.rtt_p99_us};
    return 0;
}

int device_measure(const struct catalogue *catalogue, const struct device *device,
    int64_t duration_ns, struct device_rate *ret_rate, struct err *err) {
    struct device_plan *plan = device_plan_new(catalogue, device, err);
    if (plan == NULL) {
        return -(int)ERR_INVALID;
    }
    if (plan->driver->read_groups == NULL) {
        int result =
            err_set(err, ERR_UNSUPPORTED, MSG_DEVICE_NOT_ASKED, ARGS(A_CSTR(plan->driver->name)));
        device_plan_free(plan);
        return result;
    }
    const struct clock *clock = clock_system();
    AUTO_BATCH struct batch *batch = batch_new(BATCH_ROWS, BATCH_TEXT_BYTES);
    plan->health = health_new(device->number);
    health_start(plan->health, plan->period_ns, clock);
    struct poller_options options = {.clock = clock,
        .port = {.context = batch, .take = lend, .give = forget},
        .seed = 1,
        .link = plan_link_new(plan->driver, plan->address, plan->settings.link, clock, -1)};
    struct poller poller;
    poller_init(&poller, plan->driver, &options);
    int result = run(&poller, plan, duration_ns, ret_rate, err);
    poller_fini(&poller);
    health_free(plan->health);
    device_plan_free(plan);
    return result;
}
