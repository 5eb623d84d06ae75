/*
 * Health of a device. "Up" is shown only where a fresh value proves it: the state that the thread
 * writes says what it did, and the reader judges it by the age of the last good answer, so a thread
 * that hangs cannot look healthy. Two periods of age are allowed, as a single late poll is no
 * fault; the change then dates from the moment the two periods were over, not from the question.
 */
#include "device/health.h"

#include "core/mem.h"

#define PERCENTILES_EVERY_NS NS_PER_S // They cost a microsecond; a poll may cost little more.

struct health *health_new(uint32_t device) {
    struct health *health = MEM_NEW(struct health);
    mutex_init(&health->lock);
    health->values.device = device;
    return health;
}

void health_free(struct health *health) {
    mutex_fini(&health->lock);
    mem_free(health);
}

void health_start(struct health *health, int64_t period_ns, const struct clock *clock) {
    mutex_lock(&health->lock);
    health->period_ns = period_ns;
    if (!health->running) {
        health->running = true;
        health->values.state = LINK_CONNECTING;
        health->values.since_ns = clock_wall_ns(clock);
    }
    mutex_unlock(&health->lock);
}

void health_stop(struct health *health) {
    mutex_lock(&health->lock);
    health->running = false;
    health->values.open_sockets = 0;
    mutex_unlock(&health->lock);
}

void health_add(
    struct health *health, const struct health_change *change, const struct clock *clock) {
    int64_t now_ns = clock_wall_ns(clock);
    int64_t mono_ns = clock_mono_ns(clock);
    mutex_lock(&health->lock);
    struct device_health *values = &health->values;
    values->polls += change->polls;
    values->requests += change->requests;
    values->failures += change->failures;
    values->timeouts += change->timeouts;
    values->connects += change->connects;
    values->samples += change->samples;
    values->overruns += change->overruns;
    values->waits += change->waits;
    values->unclaimed += change->unclaimed;
    values->points = change->points;
    values->points_bad = change->points_bad;
    values->groups = change->groups;
    values->open_sockets = change->open_sockets;
    values->next_try_ns = change->next_try_ns;
    if (change->good) {
        values->last_good_ns = now_ns;
        health->good_mono_ns = mono_ns;
    }
    if (change->rtt != NULL && mono_ns - health->percentiles_ns >= PERCENTILES_EVERY_NS) {
        health->percentiles_ns = mono_ns;
        values->rtt_p50_us = rtt_percentile_us(change->rtt, 500);
        values->rtt_p99_us = rtt_percentile_us(change->rtt, 990);
    }
    if (change->error != NULL) {
        values->last_error = *change->error;
        values->last_error_ns = now_ns;
    }
    if (values->state != change->state) {
        values->state = change->state;
        values->since_ns = now_ns;
    }
    mutex_unlock(&health->lock);
}

bool health_copy(
    struct health *health, const struct clock *clock, struct device_health *ret_health) {
    mutex_lock(&health->lock);
    bool running = health->running;
    int64_t age_ns = clock_mono_ns(clock) - health->good_mono_ns;
    int64_t stale_after_ns = 2 * health->period_ns;
    if (running) {
        *ret_health = health->values;
    }
    mutex_unlock(&health->lock);
    if (running && ret_health->state == LINK_UP && age_ns > stale_after_ns) {
        ret_health->state = LINK_STALE;
        if (ret_health->last_good_ns > 0) {
            ret_health->since_ns = clock_wall_ns(clock) - (age_ns - stale_after_ns);
        }
    }
    return running;
}
