/*
 * Retention. A tag may say how many days its samples are kept (0: for ever). Once an hour the
 * horizons are looked at (retention.c). Nothing is deleted here: the historian stops showing what
 * lies before a horizon and drops it with its next merges. After it, once a night, the quality of
 * the day that ended is computed.
 */
#include "plant/care.h"

#include "core/log.h"
#include "core/mem.h"
#include "plant/indicator.h"
#include "plant/quality.h"
#include "plant/retention.h"

enum {
    FIRST_S = 60,
    EVERY_S = 3600,
    LEAP_S = 86400,            // Of the wall clock against the other, between two looks.
    AWAY_S = 7 * 86400,        // Since the newest sample, at the start.
    INDICATORS_A_ROUND = 2000, // Months that are computed; the rest an hour later.
    WAIT_S = 86400,            // Of running, until a new time is believed.
};

struct care {
    struct plant *plant;
    struct thread thread;
    struct stop_flag stop;
    int64_t *moved;
    struct care_clock clock;
    int64_t night_ns;   // The day on which quality was computed last.
    struct mutex mutex; // Guards what follows.
    struct err error;   // Of the last look at old samples.
    struct outlook outlook;
    bool has_outlook;
};

bool care_clock_holds(struct care_clock *clock, int64_t wall_ns, int64_t mono_ns) {
    bool is_first = clock->mono_ns == 0;
    bool is_known = !is_first || clock->wall_ns != 0;
    int64_t leap_ns = wall_ns - clock->wall_ns - (is_first ? 0 : mono_ns - clock->mono_ns);
    int64_t limit_ns = (is_first ? AWAY_S : LEAP_S) * NS_PER_S;
    if (is_known && leap_ns > limit_ns) {
        clock->wait_until_mono_ns = mono_ns + WAIT_S * NS_PER_S;
    } else if (!is_first && leap_ns < -limit_ns) {
        clock->wait_until_mono_ns = 0; // Set right again.
    }
    clock->wall_ns = wall_ns;
    clock->mono_ns = mono_ns;
    return mono_ns >= clock->wait_until_mono_ns;
}

/* The time of the newest stored sample, or 0. */
static int64_t newest_sample(struct plant *plant) {
    struct catalogue *catalogue = plant_catalogue(plant);
    int64_t newest_ns = 0;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        struct hist_last last;
        if (hist_last(plant_historian(plant), catalogue->tags[i].number, &last) &&
            last.row.time_ns > newest_ns) {
            newest_ns = last.row.time_ns;
        }
    }
    catalogue_unref(catalogue);
    return newest_ns;
}

static void let_go(struct care *care) {
    struct err err = ERR_INIT;
    int64_t wall_ns = clock_wall_ns(plant_clock(care->plant));
    if (!care_clock_holds(&care->clock, wall_ns, clock_mono_ns(clock_system()))) {
        log_event(LOG_WARN, "plant", "retention_waits",
            LOG_FIELDS({"why", A_CSTR("the clock leapt ahead, or the plant was off for long")},
                {"next", A_CSTR("old samples go after a day of running; check the clock")}),
            NULL);
        return;
    }
    int count = retention_round(care->plant, care->moved, LIMIT_TAGS + 1, &care->stop, &err);
    mutex_lock(&care->mutex);
    care->error = err; // Code ERR_OK where all went well.
    mutex_unlock(&care->mutex);
    if (count < 0) {
        log_event(LOG_WARN, "plant", "retention_failed",
            LOG_FIELDS({"next", A_CSTR("tried again in an hour")}), &err);
    } else if (count > 0) {
        log_event(LOG_INFO, "plant", "retention", LOG_FIELDS({"tags", A_INT(count)}), NULL);
    }
}

static void look_ahead(struct care *care) {
    struct outlook *outlook = MEM_NEW(struct outlook);
    struct retention rule;
    int status = retention_get(care->plant, &rule, NULL);
    status = status < 0 ? status : outlook_make(care->plant, &rule, &care->stop, outlook, NULL);
    if (status >= 0) { // Else the one before stays: an estimate is no promise.
        mutex_lock(&care->mutex);
        care->outlook = *outlook;
        care->has_outlook = true;
        mutex_unlock(&care->mutex);
    }
    mem_free(outlook);
}

static void care_run(void *context) {
    struct care *care = context;
    int64_t next = clock_mono_ns(clock_system()) + FIRST_S * NS_PER_S;
    while (!stop_flag_wait(&care->stop, next)) {
        struct err err = ERR_INIT;
        let_go(care);
        look_ahead(care);
        int count = quality_round(care->plant, &care->night_ns, &care->stop, &err);
        if (count < 0) {
            log_event(LOG_WARN, "plant", "quality_failed",
                LOG_FIELDS({"next", A_CSTR("tried again in an hour")}), &err);
        } else if (count > 0) {
            log_event(LOG_INFO, "plant", "quality", LOG_FIELDS({"tags", A_INT(count)}), NULL);
        }
        count = indicator_refresh(care->plant, 0, INDICATORS_A_ROUND, &care->stop, &err);
        if (count < 0) {
            log_event(LOG_WARN, "plant", "indicators_failed",
                LOG_FIELDS({"next", A_CSTR("tried again in an hour")}), &err);
        }
        next += EVERY_S * NS_PER_S;
    }
}

struct care *care_start(struct plant *plant) {
    struct care *care = MEM_NEW(struct care);
    care->plant = plant;
    care->moved = MEM_ARRAY(int64_t, LIMIT_TAGS + 1);
    care->clock.wall_ns = newest_sample(plant);
    care->error = (struct err)ERR_INIT;
    mutex_init(&care->mutex);
    stop_flag_init(&care->stop);
    thread_start(&care->thread, "care", care_run, care);
    return care;
}

void care_error(struct care *care, struct err *ret_error) {
    mutex_lock(&care->mutex);
    *ret_error = care->error;
    mutex_unlock(&care->mutex);
}

bool care_outlook(struct care *care, struct outlook *ret_outlook) {
    mutex_lock(&care->mutex);
    bool known = care->has_outlook;
    if (known) {
        *ret_outlook = care->outlook;
    }
    mutex_unlock(&care->mutex);
    return known;
}

void care_stop(struct care *care) {
    if (care == NULL) {
        return;
    }
    stop_flag_raise(&care->stop);
    thread_join(&care->thread);
    stop_flag_fini(&care->stop);
    mutex_fini(&care->mutex);
    mem_free(care->moved);
    mem_free(care);
}
