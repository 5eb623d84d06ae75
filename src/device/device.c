/*
 * The set of running links, and how it follows the catalogue.
 *
 * Applying a catalogue makes the plans that it asks for and compares their signatures with what
 * runs: equal ones are left alone, changed ones on the same line are handed to the running thread
 * (which keeps its session and the unchanged devices' memory), the rest is stopped or started.
 * Links are asked to stop all together before the first one is waited for, so a stop takes as long
 * as the slowest and not as all of them.
 *
 * Health objects live as long as the set and are found by device number. A device whose line is
 * wrong has no thread; its health says why.
 */
#include "device/device.h"

#include "core/mem.h"
#include "device/plan.h"
#include "device/worker.h"

enum { NUMBERS_MAX = 1 << 20 };

struct device_set {
    struct device_set_options options;
    struct random random;
    struct mutex lock;       // Guards `healths` (the list, not what it points to).
    struct health **healths; // By device number - 1; NULL: never ran.
    uint32_t health_count;
    struct worker **workers; // Only touched by new, apply and free, which one thread calls.
    uint32_t worker_count;
};

static struct health *find_health(struct device_set *set, uint32_t device) {
    mutex_lock(&set->lock);
    struct health *health =
        device > 0 && device <= set->health_count ? set->healths[device - 1] : NULL;
    mutex_unlock(&set->lock);
    return health;
}

static struct health *ensure_health(struct device_set *set, uint32_t device) {
    struct health *health = find_health(set, device);
    if (health != NULL) {
        return health;
    }
    health = health_new(device);
    mutex_lock(&set->lock);
    if (device > set->health_count) {
        set->healths = mem_resize(set->healths, device * sizeof(struct health *));
        for (uint32_t i = set->health_count; i < device; i++) {
            set->healths[i] = NULL;
        }
        set->health_count = device;
    }
    set->healths[device - 1] = health;
    mutex_unlock(&set->lock);
    return health;
}

/* The plans that the catalogue asks for. */
struct plan_list {
    struct link_plan **plans;
    uint32_t count;
};

static void refuse_device(struct device_set *set, struct health *health, const struct err *err) {
    struct health_change change = {.state = LINK_DOWN, .error = err};
    health_add(health, &change, set->options.clock);
}

static void plan_device(struct device_set *set, struct plan_list *list,
    const struct plan_index *index, const struct device *device) {
    struct health *health = ensure_health(set, device->number);
    struct err err = ERR_INIT;
    struct device_plan *plan = device_plan_of(index, device, &err);
    if (plan == NULL) {
        health_start(health, device->period_ns, set->options.clock);
        refuse_device(set, health, &err);
        return;
    }
    if (plan->point_count + plan->broken_count == 0) {
        health_stop(health); // Nothing to collect.
        device_plan_free(plan);
        return;
    }
    plan->health = health;
    health_start(health, device->period_ns, set->options.clock);
    struct link_plan *link = NULL;
    for (uint32_t i = 0; i < list->count && link == NULL; i++) {
        link = link_plan_fits(list->plans[i], plan) ? list->plans[i] : NULL;
    }
    if (link == NULL) {
        link = link_plan_new(plan);
        list->plans =
            mem_resize(list->plans, ((size_t)list->count + 1) * sizeof(struct link_plan *));
        list->plans[list->count++] = link;
    }
    if (link_plan_add(link, plan, &err) < 0) {
        (void)err_context(&err, MSG_DEVICE_AT, ARGS(A_STR(device->id), A_STR(device->address)));
        refuse_device(set, health, &err);
        device_plan_free(plan);
    }
}

static struct plan_list make_plans(struct device_set *set, const struct catalogue *catalogue) {
    struct plan_list list = {0};
    struct plan_index index;
    plan_index_init(&index, catalogue);
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        const struct device *device = &catalogue->devices[i];
        if (device->number == 0 || device->number > NUMBERS_MAX) {
            continue;
        }
        if (device->enabled) {
            plan_device(set, &list, &index, device);
        } else {
            struct health *health = find_health(set, device->number);
            if (health != NULL) {
                health_stop(health);
            }
        }
    }
    plan_index_fini(&index);
    return list;
}

/* Health of devices that the catalogue no longer names. */
static void stop_missing(struct device_set *set, const struct catalogue *catalogue) {
    for (uint32_t number = 1; number <= set->health_count; number++) {
        bool named = false;
        for (uint32_t i = 0; i < catalogue->device_count && !named; i++) {
            named = catalogue->devices[i].number == number;
        }
        struct health *health = find_health(set, number);
        if (!named && health != NULL) {
            health_stop(health);
        }
    }
}

/* Finds the plan that a worker can go on with, takes it out of the list. */
static struct link_plan *take_match(struct plan_list *list, const struct worker *worker) {
    for (uint32_t i = 0; i < list->count; i++) {
        struct link_plan *plan = list->plans[i];
        if (plan != NULL && worker_can_adopt(worker, plan)) {
            list->plans[i] = NULL;
            return plan;
        }
    }
    return NULL;
}

/* Lets running workers go on with their plans; stops those that have none. */
static void match_workers(struct device_set *set, struct plan_list *list) {
    uint32_t kept = 0;
    uint32_t stopped = 0;
    struct worker **ending = MEM_ARRAY(struct worker *, (size_t)set->worker_count + 1);
    for (uint32_t i = 0; i < set->worker_count; i++) {
        struct worker *worker = set->workers[i];
        struct link_plan *plan = take_match(list, worker);
        if (plan == NULL) {
            worker_stop(worker);
            ending[stopped++] = worker;
            continue;
        }
        if (plan->signature == worker_signature(worker)) {
            link_plan_free(plan);
        } else {
            worker_adopt(worker, plan);
        }
        set->workers[kept++] = worker;
    }
    for (uint32_t i = 0; i < stopped; i++) {
        worker_free(ending[i]);
    }
    mem_free(ending);
    set->worker_count = kept;
}

void device_set_apply(struct device_set *set, struct catalogue *catalogue) {
    struct plan_list list = make_plans(set, catalogue);
    stop_missing(set, catalogue);
    match_workers(set, &list);
    set->workers = mem_resize(
        set->workers, ((size_t)set->worker_count + list.count + 1) * sizeof(struct worker *));
    for (uint32_t i = 0; i < list.count; i++) {
        if (list.plans[i] != NULL) {
            set->workers[set->worker_count++] =
                worker_new(list.plans[i], &set->options, random_u64(&set->random));
        }
    }
    mem_free(list.plans);
}

struct device_set *device_set_new(const struct device_set_options *options) {
    struct device_set *set = MEM_NEW(struct device_set);
    set->options = *options;
    if (set->options.clock == NULL) {
        set->options.clock = clock_system();
    }
    if (options->random_seed != 0) {
        random_seed(&set->random, options->random_seed);
    } else {
        random_seed_system(&set->random);
    }
    mutex_init(&set->lock);
    return set;
}

void device_set_free(struct device_set *set) {
    if (set == NULL) {
        return;
    }
    for (uint32_t i = 0; i < set->worker_count; i++) {
        worker_stop(set->workers[i]);
    }
    for (uint32_t i = 0; i < set->worker_count; i++) {
        worker_free(set->workers[i]);
    }
    for (uint32_t i = 0; i < set->health_count; i++) {
        if (set->healths[i] != NULL) {
            health_free(set->healths[i]);
        }
    }
    mem_free(set->healths);
    mem_free(set->workers);
    mutex_fini(&set->lock);
    mem_free(set);
}

bool device_set_health(struct device_set *set, uint32_t device, struct device_health *ret_health) {
    struct health *health = find_health(set, device);
    return health != NULL && health_copy(health, set->options.clock, ret_health);
}
