/*
 * The life cycle of one plant. Opening goes from the ground up: ledger (what tags are there),
 * historian (what they were), live table and refine seeded with each tag's newest sample, so that a
 * restart shows the last known values and goes on deciding late and duplicate where it stood; then
 * pipeline, stroke counter, filler, links. Closing goes the other way, so that every batch a link
 * gave away is durable and counted before the stores close.
 *
 * The catalogue is an immutable snapshot behind one mutex: readers take a counted reference,
 * plant_refresh loads a new one and hands it to pipeline and links.
 */
#include "plant/plant.h"

#include <math.h>
#include <stdatomic.h>

#include "core/check.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/thread.h"
#include "plant/care.h"
#include "plant/consumer.h"
#include "plant/deident_key.h"
#include "plant/home.h"
#include "plant/outbox.h"
#include "plant/pipeline.h"
#include "production/fill.h"

/* How the plant is called. A version that was replaced is kept until the plant closes, because
 * plant_display and plant_zone lend what is in it without a lock. */
struct naming {
    struct naming *previous;
    char *display;
    struct zone *zone;
    uint32_t count; // Of versions, this one included.
};

struct plant {
    const struct clock *clock;
    struct naming *_Atomic naming; // Replaced under refresh_mutex.
    char *id;
    char *keys_dir; // NULL: none.
    struct files *files;
    struct ledger *ledger;
    struct historian *historian;
    struct live *live;
    struct refine *refine;
    _Atomic bool is_rerefining;
    bool has_key; // Refine was given its key; under refresh_mutex.
    struct pipeline *pipeline;
    struct consumer *consumer;
    struct fill *fill;
    struct outbox *outbox;           // Only where links are collected from.
    _Atomic uint32_t outbox_changes; // Of the consents.
    struct care *care;
    struct device_set *devices;
    struct mutex catalogue_mutex; // Guards the pointer, not the snapshot.
    struct catalogue *catalogue;
    struct mutex refresh_mutex; // One load and publication of the catalogue at a time.
    struct mutex resolve_mutex; // One creation of tags at a time; taken before refresh_mutex.
    int64_t opened_mono_ns;
};

/* ---- Creating ---- */

struct setup {
    struct str id;
    struct str display;
    struct str zone;
};

static int setup_write(struct ledger_tx *tx, void *context, struct err *err) {
    const struct setup *setup = context;
    int status = plant_setting_put(tx, STR("id"), setup->id, err);
    if (status >= 0) {
        status = plant_setting_put(tx, STR("display"), setup->display, err);
    }
    if (status >= 0) {
        status = plant_setting_put(tx, STR("zone"), setup->zone, err);
    }
    return status < 0
               ? status
               : audit_append(tx, STR("maru"), STR("plant.create"), setup->id, setup->display, err);
}

static int join_path(struct buf *path, const char *dir, const char *name) {
    buf_init(path, LIMIT_PATH_BYTES);
    buf_printf(path, "%s/%s", dir, name);
    return path->overflow ? -ERR_LIMIT : 0;
}

/* A plant whose ledger is gone must not begin anew in silence: its history would have no names. */
static int check_present(const char *dir, struct err *err) {
    static const char *const PARTS[] = {"ledger.db", "history"};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        AUTO_BUF struct buf path;
        if (join_path(&path, dir, PARTS[i]) < 0) {
            return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(dir)));
        }
        if (!home_part_present(buf_z(&path))) {
            return err_set(err, ERR_CORRUPT, MSG_PLANT_PART_MISSING, ARGS(A_CSTR(buf_z(&path))));
        }
    }
    return 0;
}

static int open_ledger(
    const char *dir, const struct clock *clock, struct ledger **ret_ledger, struct err *err) {
    AUTO_BUF struct buf path;
    if (join_path(&path, dir, "ledger.db") < 0) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(dir)));
    }
    return ledger_open(buf_z(&path), LEDGER_PLANT, clock, ret_ledger, err);
}

int plant_create(
    const char *dir, struct str id, struct str display, struct str zone, struct err *err) {
    if (!str_is_id(id)) {
        return err_set(err, ERR_INVALID, MSG_ID_INVALID, ARGS(A_STR(id)));
    }
    struct zone *check = NULL;
    int status = zone_load(zone, &check, err);
    if (status < 0) {
        return status;
    }
    zone_free(check);
    status = dir_create(files_system(), dir, err);
    AUTO_BUF struct buf history;
    buf_init(&history, LIMIT_PATH_BYTES);
    buf_printf(&history, "%s/history", dir);
    if (status >= 0) {
        status = dir_create(files_system(), buf_z(&history), err);
    }
    struct ledger *ledger = NULL;
    if (status >= 0) {
        status = open_ledger(dir, clock_system(), &ledger, err);
    }
    if (status >= 0) {
        struct setup setup = {.id = id, .display = display.size > 0 ? display : id, .zone = zone};
        status = ledger_write(ledger, setup_write, &setup, err);
    }
    ledger_close(ledger);
    return status;
}

/* ---- Opening ---- */

struct facts {
    struct plant *plant;
    struct arena arena;
    struct str display;
    struct str zone;
};

static int read_facts(struct ledger_tx *tx, void *context, struct err *err) {
    struct facts *facts = context;
    int status = plant_setting_get(tx, STR("display"), &facts->arena, &facts->display, err);
    if (status >= 0) {
        status = plant_setting_get(tx, STR("zone"), &facts->arena, &facts->zone, err);
    }
    return status < 0 ? status : catalogue_load(tx, &facts->plant->catalogue, err);
}

static int load_facts(struct plant *plant, struct err *err) {
    struct facts facts = {.plant = plant};
    arena_init(&facts.arena, 0);
    int status = ledger_read(plant->ledger, read_facts, &facts, err);
    if (status >= 0) {
        struct naming *naming = MEM_NEW(struct naming);
        naming->display = mem_copy_z(facts.display);
        naming->count = 1;
        plant->naming = naming;
        status = zone_load(facts.zone, &naming->zone, err);
    }
    arena_fini(&facts.arena);
    return status;
}

/* One row as a batch, so that the live table is seeded through its only door. */
static void seed_tag(struct plant *plant, struct batch *batch, const struct hist_last *last) {
    batch_clear(batch);
    struct str text = str_of(last->text_z);
    if (last->row.type == TYPE_TEXT) {
        if (batch_add_text(batch, last->row.tag, last->row.time_ns, text)) {
            batch->rows[0].status = last->row.status;
            batch->rows[0].flags = last->row.flags;
        }
    } else {
        *batch_add(batch) = last->row;
    }
    live_publish(plant->live, batch, last->row.time_ns);
    refine_seed(plant->refine, &last->row, text);
}

static void seed(struct plant *plant) {
    AUTO_BATCH struct batch *batch = batch_new(1, LIMIT_TEXT_VALUE_BYTES);
    for (uint32_t i = 0; i < plant->catalogue->tag_count; i++) {
        struct hist_last last;
        if (hist_last(plant->historian, plant->catalogue->tags[i].number, &last)) {
            seed_tag(plant, batch, &last);
        }
    }
}

static int open_stores(struct plant *plant, const struct plant_options *options, struct err *err) {
    int status = check_present(options->dir, err);
    if (status >= 0) {
        status = open_ledger(options->dir, plant->clock, &plant->ledger, err);
    }
    if (status < 0 || (status = load_facts(plant, err)) < 0) {
        return status;
    }
    AUTO_BUF struct buf history;
    if (join_path(&history, options->dir, "history") < 0) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(options->dir)));
    }
    struct hist_options with = {
        .files = options->files, .clock = plant->clock, .dir = buf_z(&history)};
    return hist_open(&with, &plant->historian, err);
}

int plant_deident_key(
    struct plant *plant, struct str recipient, struct deident_key *ret_key, struct err *err) {
    if (plant->keys_dir == NULL) {
        return err_set(err, ERR_UNSUPPORTED, MSG_PLANT_KEY_NONE, NO_ARGS);
    }
    struct deident_place place = {.files = plant->files,
        .keys_dir = plant->keys_dir,
        .plant_id = plant_id(plant),
        .ledger = plant->ledger};
    return deident_key_load(&place, recipient, ret_key, err);
}

/* Gives refine its key before the first catalogue that needs it. Without it values are hidden all
 * the same: they are stored empty and marked, so opening goes on and says why. */
static void bring_key(struct plant *plant, const struct catalogue *catalogue) {
    if (plant->has_key || !refine_needs_key(catalogue)) {
        return;
    }
    struct deident_key key;
    struct err err = ERR_INIT;
    if (plant_deident_key(plant, DEIDENT_OWN, &key, &err) < 0) {
        log_event(LOG_ERROR, "plant", "pseudonym_key_missing",
            LOG_FIELDS({"next", A_CSTR("values that need a pseudonym are stored empty")}), &err);
        return;
    }
    refine_set_key(plant->refine, &key);
    plant->has_key = true;
}

static int start_threads(
    struct plant *plant, const struct plant_options *options, struct err *err) {
    plant->live = live_new(LIMIT_TAGS);
    plant->refine = refine_new(plant->catalogue->tag_count);
    bring_key(plant, plant->catalogue);
    refine_use(plant->refine, plant->catalogue);
    seed(plant);
    struct pipeline_options with = {.clock = plant->clock,
        .historian = plant->historian,
        .live = plant->live,
        .refine = plant->refine,
        .ledger = plant->ledger};
    struct consumer_options counting = {.clock = plant->clock,
        .historian = plant->historian,
        .ledger = plant->ledger,
        .plant = plant};
    int status = consumer_start(&counting, &plant->consumer, err);
    struct fill_options filling = {.clock = plant->clock,
        .historian = plant->historian,
        .ledger = plant->ledger,
        .zone = plant_zone(plant)};
    if (status >= 0) {
        status = fill_start(&filling, &plant->fill, err);
    }
    if (status < 0) {
        return status;
    }
    plant->pipeline = pipeline_new(&with);
    pipeline_use(plant->pipeline, plant->catalogue);
    plant->care = care_start(plant);
    if (options->collect) {
        struct device_set_options links = {
            .clock = plant->clock, .port = pipeline_port(plant->pipeline)};
        plant->devices = device_set_new(&links);
        device_set_apply(plant->devices, plant->catalogue);
        plant->outbox = outbox_start(&(struct outbox_options){.plant = plant});
    }
    return 0;
}

int plant_open(const struct plant_options *options, struct plant **ret_plant, struct err *err) {
    struct plant *plant = MEM_NEW(struct plant);
    plant->clock = options->clock != NULL ? options->clock : clock_system();
    plant->id = mem_copy_z(options->id);
    plant->files = options->files != NULL ? options->files : files_system();
    plant->keys_dir = options->keys_dir != NULL ? mem_copy_z(str_of(options->keys_dir)) : NULL;
    mutex_init(&plant->catalogue_mutex);
    mutex_init(&plant->refresh_mutex);
    mutex_init(&plant->resolve_mutex);
    plant->opened_mono_ns = clock_mono_ns(plant->clock);
    int status = open_stores(plant, options, err);
    if (status >= 0) {
        status = start_threads(plant, options, err);
    }
    if (status < 0) {
        plant_close(plant);
        return err_context(err, MSG_PLANT_OPEN, ARGS(A_STR(options->id)));
    }
    *ret_plant = plant;
    return 0;
}

void plant_close(struct plant *plant) {
    if (plant == NULL) {
        return;
    }
    outbox_stop(plant->outbox);
    device_set_free(plant->devices);
    pipeline_free(plant->pipeline);
    care_stop(plant->care);
    fill_stop(plant->fill);
    consumer_stop(plant->consumer);
    refine_free(plant->refine);
    live_free(plant->live);
    hist_close(plant->historian);
    ledger_close(plant->ledger);
    catalogue_unref(plant->catalogue);
    for (struct naming *naming = plant->naming; naming != NULL;) {
        struct naming *previous = naming->previous;
        zone_free(naming->zone);
        mem_free(naming->display);
        mem_free(naming);
        naming = previous;
    }
    mutex_fini(&plant->resolve_mutex);
    mutex_fini(&plant->refresh_mutex);
    mutex_fini(&plant->catalogue_mutex);
    mem_free(plant->keys_dir);
    mem_free(plant->id);
    mem_free(plant);
}

/* ---- Parts ---- */

struct str plant_id(const struct plant *plant) {
    return str_of(plant->id);
}

struct str plant_display(const struct plant *plant) {
    return str_of(atomic_load(&plant->naming)->display);
}

const struct zone *plant_zone(const struct plant *plant) {
    return atomic_load(&plant->naming)->zone;
}

struct naming_wish {
    struct str display;
    struct str zone;
    struct str actor;
    struct str plant;
};

static int store_naming(struct ledger_tx *tx, void *context, struct err *err) {
    const struct naming_wish *wish = context;
    int status = plant_setting_put(tx, STR("display"), wish->display, err);
    status = status < 0 ? status : plant_setting_put(tx, STR("zone"), wish->zone, err);
    return status < 0
               ? status
               : audit_append(tx, wish->actor, STR("plant.name"), wish->plant, wish->display, err);
}

/* Under refresh_mutex. */
static int name_plant(
    struct plant *plant, struct naming_wish *wish, struct naming *fresh, struct err *err) {
    struct naming *naming = atomic_load(&plant->naming);
    struct str zone = str_of(zone_name(naming->zone));
    wish->display = wish->display.size > 0 ? wish->display : str_of(naming->display);
    wish->zone = wish->zone.size > 0 ? wish->zone : zone;
    if (naming->count == PLANT_NAMINGS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_NAMINGS, ARGS(A_INT(PLANT_NAMINGS_MAX)));
    }
    if (!str_eq(wish->zone, zone) && hist_seq(plant->historian) > 0) {
        return err_set(err, ERR_CONFLICT, MSG_PLANT_ZONE_STANDS, ARGS(A_STR(zone)));
    }
    int status = zone_load(wish->zone, &fresh->zone, err);
    status = status < 0 ? status : ledger_write(plant->ledger, store_naming, wish, err);
    if (status >= 0) {
        fresh->display = mem_copy_z(wish->display);
        fresh->count = naming->count + 1;
        fresh->previous = naming;
        atomic_store(&plant->naming, fresh);
    }
    return status;
}

int plant_name(
    struct plant *plant, struct str display, struct str zone, struct str actor, struct err *err) {
    struct naming_wish wish = {display, zone, actor, plant_id(plant)};
    struct naming *fresh = MEM_NEW(struct naming);
    mutex_lock(&plant->refresh_mutex);
    int status = name_plant(plant, &wish, fresh, err);
    mutex_unlock(&plant->refresh_mutex);
    if (status < 0) {
        zone_free(fresh->zone);
        mem_free(fresh);
        return status;
    }
    return plant_refresh(plant, err);
}

struct ledger *plant_ledger(struct plant *plant) {
    return plant->ledger;
}

struct historian *plant_historian(struct plant *plant) {
    return plant->historian;
}

struct live *plant_live(struct plant *plant) {
    return plant->live;
}

const struct clock *plant_clock(const struct plant *plant) {
    return plant->clock;
}

struct files *plant_files(const struct plant *plant) {
    return plant->files;
}

const struct refine *plant_refine(const struct plant *plant) {
    return plant->refine;
}

struct catalogue *plant_catalogue(struct plant *plant) {
    mutex_lock(&plant->catalogue_mutex);
    struct catalogue *catalogue = catalogue_ref(plant->catalogue);
    mutex_unlock(&plant->catalogue_mutex);
    return catalogue;
}

/* ---- Changing the catalogue ---- */

bool plant_rerefine_enter(struct plant *plant) {
    return !atomic_exchange(&plant->is_rerefining, true);
}

void plant_rerefine_leave(struct plant *plant) {
    atomic_store(&plant->is_rerefining, false);
}

static int load_catalogue(struct ledger_tx *tx, void *context, struct err *err) {
    return catalogue_load(tx, context, err);
}

/* Loads and publishes. Under refresh_mutex: otherwise an older catalogue could be published over a
 * newer one, and the links would be told by two threads at once. */
static int refresh_locked(struct plant *plant, struct err *err) {
    struct catalogue *fresh = NULL;
    int status = ledger_read(plant->ledger, load_catalogue, &fresh, err);
    if (status < 0) {
        return status;
    }
    fresh->version =
        plant->catalogue->version + 1; // Only this function, under its lock, writes it.
    bring_key(plant, fresh);
    /* The pipeline first: whoever finds a new tag in what is published may submit to it at once. */
    pipeline_use(plant->pipeline, fresh);
    mutex_lock(&plant->catalogue_mutex);
    struct catalogue *old = plant->catalogue;
    plant->catalogue = fresh;
    mutex_unlock(&plant->catalogue_mutex);
    if (plant->devices != NULL) {
        device_set_apply(plant->devices, fresh);
    }
    catalogue_unref(old);
    return 0;
}

int plant_refresh(struct plant *plant, struct err *err) {
    mutex_lock(&plant->refresh_mutex);
    int status = refresh_locked(plant, err);
    mutex_unlock(&plant->refresh_mutex);
    return status;
}

struct creation {
    const struct str *names;
    const enum value_type *types;
    const uint32_t *wanted; // Indexes of absent names.
    uint32_t wanted_count;
};

static int tag_stands(struct ledger_tx *tx, struct str name, bool *ret_stands, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, "SELECT 1 FROM tags WHERE name = ?1", &stmt, err);
    if (status >= 0) {
        ledger_bind_str(stmt, 1, name);
        status = ledger_step(stmt, err);
    }
    if (status >= 0) {
        *ret_stands = status > 0;
    }
    return status < 0 ? status : 0;
}

static int create_tags(struct ledger_tx *tx, void *context, struct err *err) {
    const struct creation *creation = context;
    for (uint32_t i = 0; i < creation->wanted_count; i++) {
        uint32_t index = creation->wanted[i];
        bool stands = false;
        int status = tag_stands(tx, creation->names[index], &stands, err);
        if (status < 0) {
            return status;
        }
        if (stands) {
            continue; // An import made it in between: its facts must not be overwritten.
        }
        struct tag tag = {.name = creation->names[index],
            .type = creation->types != NULL ? creation->types[index] : TYPE_F64,
            .display = STR_NONE,
            .unit = STR_NONE,
            .device = STR_NONE,
            .source = STR_NONE,
            .scale = 1,
            .min = (double)NAN,
            .max = (double)NAN,
            .dead_band = (double)NAN,
            .active = true};
        uint32_t number = 0;
        bool changed = false;
        status = tag_put(tx, &tag, &number, &changed, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* Looks all names up; the absent ones (each once) are listed. Returns how many. */
static uint32_t look_up(struct plant *plant, const struct str *names, uint32_t count,
    uint32_t *ret_numbers, uint32_t *ret_wanted) {
    struct catalogue *catalogue = plant_catalogue(plant);
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct tag *tag = catalogue_find(catalogue, names[i]);
        ret_numbers[i] = tag != NULL ? tag->number : 0;
        if (tag == NULL) {
            ret_wanted[wanted++] = i;
        }
    }
    catalogue_unref(catalogue);
    return wanted;
}

static int resolve_locked(struct plant *plant, struct creation *creation, uint32_t count,
    uint32_t *ret_numbers, uint32_t *ret_created, struct err *err) {
    AUTO_FREE uint32_t *wanted = MEM_ARRAY(uint32_t, count > 0 ? count : 1);
    creation->wanted = wanted;
    creation->wanted_count = look_up(plant, creation->names, count, ret_numbers, wanted);
    *ret_created = 0;
    if (creation->wanted_count == 0) {
        return 0;
    }
    struct catalogue *before = plant_catalogue(plant);
    uint32_t count_before = before->tag_count;
    catalogue_unref(before);
    int status = ledger_write(plant->ledger, create_tags, creation, err);
    if (status < 0 || (status = plant_refresh(plant, err)) < 0) {
        return status;
    }
    uint32_t still = look_up(plant, creation->names, count, ret_numbers, wanted);
    CHECK(still == 0); // Just created, and tags never vanish.
    struct catalogue *after = plant_catalogue(plant);
    *ret_created = after->tag_count - count_before;
    catalogue_unref(after);
    return 0;
}

int plant_resolve_tags(struct plant *plant, const struct str *names, const enum value_type *types,
    uint32_t count, uint32_t *ret_numbers, uint32_t *ret_created, struct err *err) {
    for (uint32_t i = 0; i < count; i++) {
        int status = tag_name_check(names[i], err);
        if (status < 0) {
            return status;
        }
    }
    struct creation creation = {.names = names, .types = types};
    uint32_t created = 0;
    mutex_lock(&plant->resolve_mutex);
    int status = resolve_locked(plant, &creation, count, ret_numbers, &created, err);
    mutex_unlock(&plant->resolve_mutex);
    if (status >= 0 && ret_created != NULL) {
        *ret_created = created;
    }
    return status;
}

/* ---- Data and health ---- */

int plant_submit(
    struct plant *plant, struct batch *const *batches, uint32_t count, struct err *err) {
    return pipeline_submit(plant->pipeline, batches, count, err);
}

bool plant_device_health(struct plant *plant, uint32_t device, struct device_health *ret_health) {
    return plant->devices != NULL && device_set_health(plant->devices, device, ret_health);
}

void plant_pipeline_status(struct plant *plant, struct pipeline_status *ret_status) {
    pipeline_status_get(plant->pipeline, ret_status);
}

struct journal *plant_journal(struct plant *plant) {
    return pipeline_journal(plant->pipeline);
}

void plant_consumer_status(struct plant *plant, struct consumer_status *ret_status) {
    consumer_status_get(plant->consumer, ret_status);
}

struct fill *plant_fill(struct plant *plant) {
    return plant->fill;
}

void plant_retention_error(struct plant *plant, struct err *ret_error) {
    care_error(plant->care, ret_error);
}

bool plant_outlook(struct plant *plant, struct outlook *ret_outlook) {
    return plant->care != NULL && care_outlook(plant->care, ret_outlook);
}

int64_t plant_run_ns(const struct plant *plant) {
    return clock_mono_ns(plant->clock) - plant->opened_mono_ns;
}

bool plant_ready(struct plant *plant) {
    struct hist_status store;
    hist_status(plant->historian, &store);
    if (store.disk_full) {
        return false;
    }
    if (plant->devices == NULL) {
        return true;
    }
    struct catalogue *catalogue = plant_catalogue(plant);
    bool ready = true;
    for (uint32_t i = 0; i < catalogue->device_count && ready; i++) {
        struct device_health health;
        if (catalogue->devices[i].enabled &&
            device_set_health(plant->devices, catalogue->devices[i].number, &health)) {
            ready = health.last_good_ns != 0 || health.last_error_ns != 0;
        }
    }
    catalogue_unref(catalogue);
    return ready;
}

const _Atomic uint32_t *plant_outbox_changes(const struct plant *plant) {
    return &plant->outbox_changes;
}

void plant_outbox_changed(struct plant *plant) {
    plant->outbox_changes++;
}

void plant_outbox_error(struct plant *plant, int64_t consent, struct err *ret_error) {
    *ret_error = ERR_INIT;
    if (plant->outbox != NULL) {
        outbox_error(plant->outbox, consent, ret_error);
    }
}
