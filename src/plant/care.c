/*
 * Retention. A tag may say how many days its samples are kept (0: for ever). Once an hour the
 * horizons are looked at; they move at local midnight, so the historian writes its list of them
 * once a day. Nothing is deleted here: the historian stops showing what lies before a horizon and
 * drops it with its next merges. After it, once a night, the quality of the day that ended is
 * computed.
 */
#include "plant/care.h"

#include "core/log.h"
#include "core/mem.h"
#include "plant/quality.h"

enum {
    FIRST_S = 60,
    EVERY_S = 3600,
    LEAP_S = 86400,     // Of the wall clock against the other, between two looks.
    AWAY_S = 7 * 86400, // Since the newest sample, at the start.
    WAIT_S = 86400,     // Of running, until a new time is believed.
};

struct care {
    struct plant *plant;
    struct thread thread;
    struct stop_flag stop;
    int64_t *moved;
    struct care_clock clock;
    int64_t night_ns; // The day on which quality was computed last.
};

int64_t care_horizon_ns(int64_t now_ns, uint32_t days, const struct zone *zone) {
    const int64_t day_ns = 86400 * NS_PER_S;
    int64_t today = time_bucket_start(now_ns, day_ns, zone, NULL);
    /* Half a day back from a midnight is inside the day before, whatever the clocks did. */
    return time_bucket_start(today - (int64_t)days * day_ns + day_ns / 2, day_ns, zone, NULL);
}

int care_round(struct plant *plant, int64_t *moved, uint32_t capacity, const struct stop_flag *stop,
    struct err *err) {
    struct catalogue *catalogue = plant_catalogue(plant);
    int64_t now = clock_wall_ns(plant_clock(plant));
    AUTO_FREE struct hist_expiry *expiries =
        MEM_ARRAY(struct hist_expiry, catalogue->tag_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        if (stop != NULL && stop_flag_is_raised(stop)) {
            break; // The rest goes after the next start.
        }
        if (tag->retention_days == 0 || tag->number >= capacity) {
            continue;
        }
        int64_t horizon = care_horizon_ns(now, tag->retention_days, plant_zone(plant));
        if (horizon <= moved[tag->number]) {
            continue;
        }
        expiries[count++] = (struct hist_expiry){.tag = tag->number, .before_ns = horizon};
    }
    catalogue_unref(catalogue);
    int status = count > 0 ? hist_expire_many(plant_historian(plant), expiries, count, err) : 0;
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        moved[expiries[i].tag] = expiries[i].before_ns;
    }
    return status < 0 ? status : (int)count;
}

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
    int count = care_round(care->plant, care->moved, LIMIT_TAGS + 1, &care->stop, &err);
    if (count < 0) {
        log_event(LOG_WARN, "plant", "retention_failed",
            LOG_FIELDS({"next", A_CSTR("tried again in an hour")}), &err);
    } else if (count > 0) {
        log_event(LOG_INFO, "plant", "retention", LOG_FIELDS({"tags", A_INT(count)}), NULL);
    }
}

static void care_run(void *context) {
    struct care *care = context;
    int64_t next = clock_mono_ns(clock_system()) + FIRST_S * NS_PER_S;
    while (!stop_flag_wait(&care->stop, next)) {
        struct err err = ERR_INIT;
        let_go(care);
        int count = quality_round(care->plant, &care->night_ns, &care->stop, &err);
        if (count < 0) {
            log_event(LOG_WARN, "plant", "quality_failed",
                LOG_FIELDS({"next", A_CSTR("tried again in an hour")}), &err);
        } else if (count > 0) {
            log_event(LOG_INFO, "plant", "quality", LOG_FIELDS({"tags", A_INT(count)}), NULL);
        }
        next += EVERY_S * NS_PER_S;
    }
}

struct care *care_start(struct plant *plant) {
    struct care *care = MEM_NEW(struct care);
    care->plant = plant;
    care->moved = MEM_ARRAY(int64_t, LIMIT_TAGS + 1);
    care->clock.wall_ns = newest_sample(plant);
    stop_flag_init(&care->stop);
    thread_start(&care->thread, "care", care_run, care);
    return care;
}

void care_stop(struct care *care) {
    if (care == NULL) {
        return;
    }
    stop_flag_raise(&care->stop);
    thread_join(&care->thread);
    stop_flag_fini(&care->stop);
    mem_free(care->moved);
    mem_free(care);
}
