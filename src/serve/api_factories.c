/*
 * The plants a caller has to do with, each in one line: what is wrong, what is connected, how old
 * the newest value is. A supplier looks after ten factories this way; a television asks every few
 * seconds.
 *
 * Health looks at every tag and at the disk, so what was found stands for three seconds for
 * everybody who asks. Roles are looked up in one transaction. A reader by a grant is told the name
 * and the age of the newest granted value, and no more.
 */
#include "serve/factories.h"

#include <math.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/thread.h"
#include "ledger/grant.h"
#include "ledger/people.h"
#include "plant/journal.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/sight.h"
#include "serve/view.h"

struct factories {
    struct mutex mutex;
    struct {
        bool known;
        int64_t mono_ns;
        struct factory factory;
    } kept[HOME_PLANTS_MAX];
};

struct factories *factories_new(void) {
    struct factories *factories = MEM_NEW(struct factories);
    mutex_init(&factories->mutex);
    return factories;
}

void factories_free(struct factories *factories) {
    if (factories) {
        mutex_fini(&factories->mutex);
        mem_free(factories);
    }
}

/* ---- Looking ---- */

static void look_health(struct call *call, struct plant *plant, struct factory *factory) {
    AUTO_FREE struct finding *findings = MEM_ARRAY(struct finding, FINDINGS_MAX);
    struct upkeep_facts facts;
    uint32_t count =
        upkeep_health(call->server->options.upkeep, call->server->home, plant, findings, &facts);
    for (uint32_t i = 0; i < count; i++) {
        factory->errors += findings[i].severity == FINDING_ERROR;
        factory->warnings += findings[i].severity == FINDING_WARNING;
    }
    factory->has_worst = count > 0 && findings[0].severity > FINDING_INFO;
    if (factory->has_worst) {
        factory->worst = findings[0];
    }
    factory->disk_days = facts.days_left;
}

static void look_devices(
    struct plant *plant, const struct catalogue *catalogue, struct factory *factory) {
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        struct device_health health = {.state = LINK_OFF};
        const struct device *device = &catalogue->devices[i];
        (void)plant_device_health(plant, device->number, &health); // Not running: off.
        factory->devices += device->enabled;
        factory->connected += device->enabled && health.state == LINK_UP;
    }
}

static void look(struct call *call, struct plant *plant, struct factory *factory) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(plant);
    struct live_value value;
    *factory = (struct factory){.errors = 0};
    look_health(call, plant, factory);
    look_devices(plant, catalogue, factory);
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        if (live_read(plant_live(plant), catalogue->tags[i].number, &value) &&
            value.received_ns > factory->newest_ns) {
            factory->newest_ns = value.received_ns;
        }
    }
    struct journal_minute minutes[2]; // The last whole one, and the one under way.
    int64_t from_ns = 0;
    factory->has_rate = journal_age(plant_journal(plant)) > 1;
    journal_minutes(plant_journal(plant), 0, 2, minutes, &from_ns);
    factory->rows_per_minute = minutes[0].in;
}

void factories_get(struct call *call, uint32_t index, struct factory *ret_factory) {
    struct factories *factories = call->server->factories;
    int64_t now_ns = clock_mono_ns(call->server->clock);
    mutex_lock(&factories->mutex);
    bool fresh = factories->kept[index].known &&
                 now_ns - factories->kept[index].mono_ns < FACTORIES_KEPT_MS * NS_PER_MS;
    *ret_factory = factories->kept[index].factory;
    mutex_unlock(&factories->mutex);
    if (fresh) {
        return;
    }
    look(call, home_plant_at(call->server->home, index), ret_factory); // Without the lock.
    mutex_lock(&factories->mutex);
    factories->kept[index].known = true;
    factories->kept[index].mono_ns = now_ns;
    factories->kept[index].factory = *ret_factory;
    mutex_unlock(&factories->mutex);
}

/* ---- Who sees which ---- */

struct entrance {
    enum role role;
    int64_t until_ns; // 0: no end.
    struct organisation organisation;
};

struct entrances {
    struct call *call;
    uint32_t count;
    struct entrance items[HOME_PLANTS_MAX]; // By the plant's place.
};

static int take_access(
    void *context, const struct access *access, const struct user_facts *user, struct err *err) {
    (void)user;
    (void)err;
    struct entrances *entrances = context;
    struct call *call = entrances->call;
    bool stands = access->until_ns == 0 || access->until_ns > call->now_ns;
    for (uint32_t i = 0; i < entrances->count && stands; i++) {
        if (str_eq(plant_id(home_plant_at(call->server->home, i)), access->plant)) {
            entrances->items[i].role = access->role;
            entrances->items[i].until_ns = access->until_ns;
        }
    }
    return 0;
}

static int enter_by_session(struct ledger_tx *tx, struct entrances *entrances, struct err *err) {
    const struct principal *who = &entrances->call->principal;
    int rc = access_each(tx, STR_NONE, str_of(who->id), take_access, entrances, err);
    for (uint32_t i = 0; i < entrances->count && rc >= 0; i++) {
        struct entrance *one = &entrances->items[i];
        int64_t until_ns = 0;
        if (one->role == ROLE_NONE) {
            struct str plant = plant_id(home_plant_at(entrances->call->server->home, i));
            rc = grant_until(tx, plant, str_of(who->organisation), &until_ns, err);
            one->until_ns = until_ns;
            one->role = rc >= 0 && until_ns != 0 ? ROLE_GRANTEE : ROLE_NONE;
        }
    }
    return rc;
}

static int read_entrances(struct ledger_tx *tx, void *context, struct err *err) {
    struct entrances *entrances = context;
    struct call *call = entrances->call;
    int rc = call->principal.is_session ? enter_by_session(tx, entrances, err) : 0;
    for (uint32_t i = 0; i < entrances->count && rc >= 0; i++) {
        struct entrance *one = &entrances->items[i];
        struct str plant = plant_id(home_plant_at(call->server->home, i));
        if (!call->principal.is_session) {
            struct str own = str_of(call->principal.plant);
            one->role = own.size == 0 || str_eq(own, plant) ? call->principal.role : ROLE_NONE;
        }
        if (one->role != ROLE_NONE && one->role != ROLE_GRANTEE) {
            rc = organisation_of_plant(tx, plant, &call->http->arena, &one->organisation, err);
        }
    }
    return rc;
}

/* ---- The answer ---- */

static void put_newest(struct call *call, struct json *json, int64_t newest_ns) {
    view_put_time(json, "newest", newest_ns);
    if (newest_ns == 0) {
        json_put_null(json, "newest_age_ms");
    } else {
        int64_t age_ns = call->now_ns - newest_ns;
        json_put_i64(json, "newest_age_ms", age_ns > 0 ? age_ns / NS_PER_MS : 0);
    }
}

static void put_worst(struct call *call, struct json *json, const struct factory *factory) {
    if (!factory->has_worst) {
        json_put_null(json, "worst");
        return;
    }
    const char *detail = factory->worst.detail[call->lang];
    AUTO_BUF struct buf words = {0};
    buf_init(&words, 8192);
    err_render(&factory->worst.words, call->lang, &words);
    if (detail[0] != '\0') {
        buf_printf(&words, ": %s", detail);
    }
    json_put_str(json, "worst", buf_str(&words));
}

static void put_standing(struct call *call, struct json *json, const struct factory *factory) {
    json_put_str(json, "status",
        factory->errors > 0     ? STR("error")
        : factory->warnings > 0 ? STR("warning")
                                : STR("ok"));
    json_put_i64(json, "errors", factory->errors);
    json_put_i64(json, "warnings", factory->warnings);
    put_worst(call, json, factory);
    json_put_i64(json, "devices", factory->devices);
    json_put_i64(json, "connected", factory->connected);
    json_put_i64(json, "silent", factory->devices - factory->connected);
    put_newest(call, json, factory->newest_ns);
    if (factory->has_rate) {
        json_put_i64(json, "rows_per_minute", factory->rows_per_minute);
    } else {
        json_put_null(json, "rows_per_minute");
    }
    view_put_optional(
        json, "disk_days", isinf(factory->disk_days) ? (double)NAN : factory->disk_days);
}

/* When the newest granted value came; 0: none has, or what was granted cannot be found out. */
static int64_t newest_granted(struct call *call, struct plant *plant) {
    struct sight *sight = NULL;
    struct live_value value;
    struct err err = ERR_INIT;
    int64_t newest_ns = 0;
    if (sight_get(call->server->sights, plant, str_of(call->principal.organisation), call->now_ns,
            &sight, &err) < 0) {
        log_event(LOG_ERROR, "serve", "grant-not-shown", NULL, &err);
        return 0;
    }
    for (uint32_t i = 0; i < sight_count(sight); i++) {
        struct seen_tag seen = sight_at(sight, i);
        if (seen.step_ns == 0 && live_read(plant_live(plant), seen.tag->number, &value) &&
            value.received_ns > newest_ns) {
            newest_ns = value.received_ns;
        }
    }
    sight_unref(sight);
    return newest_ns;
}

static void put_granted(struct call *call, struct json *json, struct plant *plant) {
    static const char *const ABSENT[] = {"status", "errors", "warnings", "worst", "devices",
        "connected", "silent", "rows_per_minute", "disk_days"};
    for (size_t i = 0; i < sizeof ABSENT / sizeof ABSENT[0]; i++) {
        json_put_null(json, ABSENT[i]);
    }
    put_newest(call, json, newest_granted(call, plant));
}

static void put_factory(
    struct call *call, struct json *json, uint32_t index, const struct entrance *entrance) {
    struct plant *plant = home_plant_at(call->server->home, index);
    struct factory factory;
    json_object_begin(json);
    json_put_str(json, "id", plant_id(plant));
    json_put_str(json, "display", plant_display(plant));
    json_put_str(json, "role", str_of(role_name(entrance->role)));
    view_put_time(json, "until", entrance->until_ns);
    json_key(json, "organisation");
    if (entrance->role == ROLE_GRANTEE) {
        json_null(json);
        put_granted(call, json, plant);
    } else {
        json_object_begin(json);
        json_put_str(json, "id", entrance->organisation.id);
        json_put_str(json, "name", entrance->organisation.name);
        json_put_str(json, "kind", entrance->organisation.kind);
        json_object_end(json);
        factories_get(call, index, &factory);
        put_standing(call, json, &factory);
    }
    json_object_end(json);
}

int api_factories(struct call *call, struct err *err) {
    struct entrances *entrances = ARENA_NEW(&call->http->arena, struct entrances);
    entrances->call = call;
    entrances->count = home_plant_count(call->server->home);
    int rc = ledger_read(home_hub(call->server->home), read_entrances, entrances, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (uint32_t i = 0; i < entrances->count; i++) {
        if (entrances->items[i].role != ROLE_NONE) {
            put_factory(call, &json, i, &entrances->items[i]);
        }
    }
    view_items_end(&json);
    return 0;
}
