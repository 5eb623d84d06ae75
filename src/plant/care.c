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

enum { FIRST_S = 60, EVERY_S = 3600 };

struct care {
    struct plant *plant;
    struct thread thread;
    struct stop_flag stop;
    int64_t *moved;
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

static void care_run(void *context) {
    struct care *care = context;
    int64_t next = clock_mono_ns(clock_system()) + FIRST_S * NS_PER_S;
    while (!stop_flag_wait(&care->stop, next)) {
        struct err err = ERR_INIT;
        int count = care_round(care->plant, care->moved, LIMIT_TAGS + 1, &care->stop, &err);
        if (count < 0) {
            log_event(LOG_WARN, "plant", "retention_failed",
                LOG_FIELDS({"next", A_CSTR("tried again in an hour")}), &err);
        } else if (count > 0) {
            log_event(LOG_INFO, "plant", "retention", LOG_FIELDS({"tags", A_INT(count)}), NULL);
        }
        err_clear(&err);
        count = quality_round(care->plant, &care->night_ns, &care->stop, &err);
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
