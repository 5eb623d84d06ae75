/*
 * The logical digest of a home, open or not.
 *
 * Of an open one: ledgers are copied aside and histories held still, as for a backup. Of a cold
 * one: the ledgers' files are read where they lie and each history is opened alone, without the
 * plant around it: a plant that opens counts strokes and writes its cursor, which would change what
 * is being measured. (Opening a history seals what its log holds; that moves rows, and changes
 * none.)
 */
#include "upkeep/digest_home.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "upkeep/digest.h"
#include "upkeep/work.h"

struct measuring {
    const char *home_dir;
    struct watch watch;
    struct hub_digest hub;
    uint32_t plant_count;
    struct plant_digest plants[HOME_PLANTS_MAX];
};

static int measure_open_plant(
    struct measuring *m, struct plant *plant, const char *copy, struct err *err) {
    struct plant_digest *digest = &m->plants[m->plant_count];
    (void)str_copy_z(plant_id(plant), digest->id, sizeof digest->id);
    struct hist_snapshot *snapshot = NULL;
    int status = state_take(plant, copy, &snapshot, err);
    if (status < 0) {
        return status;
    }
    status = ledger_file_digest(copy, digest->ledger, &digest->head, err);
    status = status < 0 ? status : digest_samples(snapshot, copy, m->watch, digest, err);
    hist_snapshot_close(snapshot);
    m->plant_count++;
    return status;
}

static int measure_open(struct measuring *m, struct home *home, const char *work, struct err *err) {
    AUTO_BUF struct buf copy;
    buf_init(&copy, LIMIT_PATH_BYTES);
    buf_printf(&copy, "%s/hub.db", work);
    int status = ledger_copy(home_hub(home), buf_z(&copy), err);
    status =
        status < 0 ? status : ledger_file_digest(buf_z(&copy), m->hub.ledger, &m->hub.head, err);
    m->hub.present = true;
    for (uint32_t i = 0; i < home_plant_count(home) && status >= 0; i++) {
        struct plant *plant = home_plant_at(home, i);
        buf_clear(&copy);
        buf_printf(&copy, "%s/%.*s.db", work, STR_ARG(plant_id(plant)));
        status = measure_open_plant(m, plant, buf_z(&copy), err);
    }
    return status;
}

int upkeep_digest(
    struct home *home, struct watch watch, char ret_logical[DIGEST_TEXT_MAX], struct err *err) {
    char work[LIMIT_PATH_BYTES];
    int status = work_begin(home_dir(home), work, err);
    if (status < 0) {
        return status;
    }
    AUTO_FREE struct measuring *m = MEM_NEW(struct measuring);
    m->watch = watch;
    status = measure_open(m, home, work, err);
    work_end(work);
    if (status >= 0) {
        digest_sort(m->plants, m->plant_count);
        digest_whole(&m->hub, m->plants, m->plant_count, ret_logical);
    }
    return status;
}

static int measure_history(const char *dir, const char *ledger, struct watch watch,
    struct plant_digest *digest, struct err *err) {
    struct hist_options options = {.dir = dir, .no_thread = true};
    struct historian *historian = NULL;
    int status = hist_open(&options, &historian, err);
    if (status < 0) {
        return status;
    }
    struct hist_snapshot *snapshot = NULL;
    status = hist_snapshot_open(historian, &snapshot, err);
    status = status < 0 ? status : hist_snapshot_take(snapshot, err);
    status = status < 0 ? status : digest_samples(snapshot, ledger, watch, digest, err);
    hist_snapshot_close(snapshot);
    hist_close(historian);
    return status;
}

static int measure_cold_plant(void *context, const char *name, struct err *err) {
    struct measuring *m = context;
    if (!str_is_id(str_of(name)) || m->plant_count == HOME_PLANTS_MAX) {
        return 0;
    }
    struct plant_digest *digest = &m->plants[m->plant_count++];
    (void)str_copy_z(str_of(name), digest->id, sizeof digest->id);
    AUTO_BUF struct buf ledger;
    AUTO_BUF struct buf history;
    buf_init(&ledger, LIMIT_PATH_BYTES);
    buf_init(&history, LIMIT_PATH_BYTES);
    buf_printf(&ledger, "%s/plants/%s/ledger.db", m->home_dir, name);
    buf_printf(&history, "%s/plants/%s/history", m->home_dir, name);
    if (!home_part_present(buf_z(&ledger)) || !home_part_present(buf_z(&history))) {
        return err_set(err, ERR_CORRUPT, MSG_PLANT_PART_MISSING, ARGS(A_CSTR(buf_z(&ledger))));
    }
    int status = ledger_file_digest(buf_z(&ledger), digest->ledger, &digest->head, err);
    return status < 0 ? status
                      : measure_history(buf_z(&history), buf_z(&ledger), m->watch, digest, err);
}

int measure_cold(const char *home_dir, bool with_hub, struct watch watch,
    char ret_logical[DIGEST_TEXT_MAX], struct err *err) {
    AUTO_FREE struct measuring *m = MEM_NEW(struct measuring);
    m->home_dir = home_dir;
    m->watch = watch;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/hub.db", home_dir);
    int status = 0;
    if (with_hub) {
        m->hub.present = true;
        status = ledger_file_digest(buf_z(&path), m->hub.ledger, &m->hub.head, err);
    }
    buf_clear(&path);
    buf_printf(&path, "%s/plants", home_dir);
    status = status < 0 ? status : dir_each(buf_z(&path), measure_cold_plant, m, err);
    if (status >= 0) {
        digest_sort(m->plants, m->plant_count);
        digest_whole(&m->hub, m->plants, m->plant_count, ret_logical);
    }
    return status;
}

int upkeep_digest_cold(
    const char *home_dir, struct watch watch, char ret_logical[DIGEST_TEXT_MAX], struct err *err) {
    return measure_cold(home_dir, true, watch, ret_logical, err);
}
