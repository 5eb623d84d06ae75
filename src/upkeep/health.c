/*
 * What is wrong, and what to do about it: one list, worst first, in words for a foreman.
 *
 * Each check adds at most one finding for each thing it looks at, and only what somebody can do
 * something about. How long the disk lasts is what the plant has reckoned from its last day with
 * retention taken off (plant/outlook.h); before its first look, from the rows of this run and the
 * bytes a sealed row takes, which after ten minutes is a fair rate; before, nothing is said.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "core/mem.h"
#include "core/time.h"
#include "launch/launch.h"
#include "plant/outlook.h"
#include "production/fill.h"
#include "upkeep/runs.h"
#include "upkeep/state.h"
#include "upkeep/tls.h"

enum {
    RATE_AFTER_S = 600,
    DISK_DAYS_WARN = 30,
    DISK_DAYS_ERROR = 7,
    BACKUP_OLD_HOURS = 50, // Two nights and a little.
    TEST_OLD_DAYS = 15,
    CERTIFICATE_WARN_DAYS = 30,
    SYSLOG_WARN_S = 20, // Away that long; a restart of the receiver is no news.
    OWN_WARN_DAYS = 28,
    AUTHORITY_WARN_DAYS = 90,
    DAY_S = 86400,
};
static const uint64_t DISK_LOW_BYTES = 512 << 20;

struct findings {
    struct finding *items;
    uint32_t count;
    uint32_t found;
    struct upkeep_facts facts;
};

/* The next free place; the last one is used again when the list is full, but never lost from the
 * count. */
static struct finding *add(struct findings *f, const char *id, enum finding_severity severity) {
    f->found++;
    struct finding *finding = &f->items[f->count < FINDINGS_MAX ? f->count++ : FINDINGS_MAX - 1];
    *finding = (struct finding){.id = id, .severity = severity};
    return finding;
}

static void say(struct finding *finding, enum msg_id words, const struct arg *args,
    enum msg_id action, const struct arg *action_args) {
    (void)err_set(
        &finding->words, ERR_INTERNAL, words, args); // Carries words; its code is not used.
    (void)err_set(&finding->action, ERR_INTERNAL, action, action_args);
}

/* ---- Disk ---- */

/* What the plant has reckoned, retention taken off; false: nothing yet. */
static bool look_ahead(struct upkeep_facts *facts, struct plant *plant) {
    AUTO_FREE struct outlook *outlook = MEM_NEW(struct outlook);
    if (!plant_outlook(plant, outlook)) {
        return false;
    }
    facts->archive_bytes = outlook->archive_bytes;
    if (!outlook->has_rate) {
        return false;
    }
    facts->bytes_per_day = (double)outlook->bytes_per_day;
    facts->days_left = outlook_days(outlook, facts->disk_free_bytes);
    facts->raw_in_year_bytes = outlook->raw_year_bytes;
    facts->rollup_in_year_bytes = outlook->rollup_year_bytes;
    facts->archive_in_year_bytes = outlook->archive_year_bytes;
    facts->disk_in_year_bytes =
        outlook->raw_year_bytes + outlook->rollup_year_bytes + facts->log_bytes;
    return true;
}

static void measure_disk(
    struct findings *f, struct home *home, struct plant *plant, const struct hist_status *store) {
    struct upkeep_facts *facts = &f->facts;
    int64_t run_ns = plant_run_ns(plant);
    facts->disk_free_bytes = disk_free_bytes(home_dir(home));
    facts->disk_used_bytes = store->segment_bytes + store->rollup_bytes + store->log_bytes;
    facts->raw_bytes = store->segment_bytes;
    facts->rollup_bytes = store->rollup_bytes;
    facts->log_bytes = store->log_bytes;
    facts->bytes_per_day = (double)NAN;
    facts->days_left = (double)NAN;
    if (look_ahead(facts, plant)) {
        return;
    }
    if (run_ns < RATE_AFTER_S * NS_PER_S || store->rows == 0 || store->segment_bytes == 0) {
        return;
    }
    double row_bytes = (double)store->segment_bytes / (double)store->rows;
    facts->bytes_per_day =
        row_bytes * (double)store->appended_rows / (double)run_ns * (double)NS_PER_S * DAY_S;
    facts->days_left = facts->bytes_per_day > 0
                           ? (double)facts->disk_free_bytes / facts->bytes_per_day
                           : (double)INFINITY;
    facts->disk_in_year_bytes = facts->disk_used_bytes + (uint64_t)(365 * facts->bytes_per_day);
}

static void check_disk(struct findings *f, const struct hist_status *store, const char *dir) {
    const struct upkeep_facts *facts = &f->facts;
    const struct arg *where = ARGS(A_CSTR(dir), A_INT(facts->disk_free_bytes >> 20),
        A_INT(isnan(facts->days_left) ? 0 : facts->days_left));
    if (store->disk_full) {
        say(add(f, "disk.full", FINDING_ERROR), MSG_HEALTH_DISK_FULL, where, MSG_HEALTH_DO_ROOM,
            where);
    } else if (facts->disk_free_bytes > 0 && facts->disk_free_bytes < DISK_LOW_BYTES) {
        say(add(f, "disk.low", FINDING_ERROR), MSG_HEALTH_DISK_LOW, where, MSG_HEALTH_DO_ROOM,
            where);
    } else if (!isnan(facts->days_left) && facts->days_left < DISK_DAYS_WARN) {
        say(add(f, "disk.days",
                facts->days_left < DISK_DAYS_ERROR ? FINDING_ERROR : FINDING_WARNING),
            MSG_HEALTH_DISK_DAYS, where, MSG_HEALTH_DO_ROOM, where);
    }
}

/* ---- Store and counting ---- */

static void check_store(struct findings *f, struct plant *plant, const struct hist_status *store) {
    struct pipeline_status pipe;
    struct consumer_status consumer;
    plant_pipeline_status(plant, &pipe);
    plant_consumer_status(plant, &consumer);
    if (pipe.stalled && !store->disk_full) {
        struct finding *finding = add(f, "store.refuses", FINDING_ERROR);
        say(finding, MSG_HEALTH_STORE, NO_ARGS, MSG_HEALTH_DO_DISK, NO_ARGS);
        if (pipe.last_error.code != ERR_OK) {
            finding->words = pipe.last_error;
            (void)err_context(&finding->words, MSG_HEALTH_STORE, NO_ARGS);
        }
    }
    if (store->damaged_blocks > 0) {
        say(add(f, "store.damaged", FINDING_ERROR), MSG_HEALTH_DAMAGED,
            ARGS(A_INT(store->damaged_blocks)), MSG_HEALTH_DO_VERIFY, NO_ARGS);
    }
    struct err retention = ERR_INIT;
    plant_retention_error(plant, &retention);
    if (retention.code != ERR_OK && retention.code != ERR_CANCELLED) {
        struct finding *finding = add(f, "retention.failed", FINDING_WARNING);
        say(finding, MSG_HEALTH_RETENTION, NO_ARGS, MSG_HEALTH_DO_ARCHIVE, NO_ARGS);
        finding->words = retention;
        (void)err_context(&finding->words, MSG_HEALTH_RETENTION, NO_ARGS);
    }
    if (consumer.last_error.code != ERR_OK) {
        struct finding *finding = add(f, "counting.behind", FINDING_WARNING);
        say(finding, MSG_HEALTH_COUNTING, NO_ARGS, MSG_HEALTH_DO_LOG, NO_ARGS);
        finding->words = consumer.last_error;
        (void)err_context(&finding->words, MSG_HEALTH_COUNTING, NO_ARGS);
    }
    struct fill_status fill;
    fill_status_get(plant_fill(plant), &fill);
    if (fill.last_error.code != ERR_OK) {
        struct finding *finding = add(f, "production.behind", FINDING_WARNING);
        say(finding, MSG_HEALTH_COUNTING, NO_ARGS, MSG_HEALTH_DO_LOG, NO_ARGS);
        finding->words = fill.last_error;
        (void)err_context(&finding->words, MSG_HEALTH_COUNTING, NO_ARGS);
    }
}

/* ---- Machines ---- */

static void check_device(struct findings *f, const struct device *device, struct plant *plant) {
    struct device_health health;
    if (!device->enabled || !plant_device_health(plant, device->number, &health)) {
        return;
    }
    const struct arg *id = ARGS(A_STR(device->id), A_INT(health.points_bad), A_INT(health.points));
    bool down = health.state == LINK_DOWN || health.state == LINK_STALE ||
                (health.state == LINK_CONNECTING && health.last_error.code != ERR_OK);
    struct finding *finding = NULL;
    if (down) {
        finding = add(f, "device.down", FINDING_ERROR);
        say(finding, MSG_HEALTH_DEVICE, id, MSG_HEALTH_DO_DEVICE, id);
        if (health.last_error.code != ERR_OK) {
            finding->words = health.last_error;
            (void)err_context(&finding->words, MSG_HEALTH_DEVICE, id);
        }
    } else if (health.points_bad > 0) {
        finding = add(f, "device.points", FINDING_WARNING);
        say(finding, MSG_HEALTH_POINTS, id, MSG_HEALTH_DO_POINTS, id);
    }
    if (finding != NULL) {
        (void)str_copy_z(device->id, finding->subject, sizeof finding->subject);
    }
}

static void check_tags(struct findings *f, struct plant *plant, const struct catalogue *catalogue) {
    uint64_t bad = 0;
    struct str first = STR_NONE;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        struct live_value value;
        if (tag->active && live_read(plant_live(plant), tag->number, &value) &&
            status_quality(value.status) == QUALITY_BAD) {
            first = bad++ == 0 ? tag->name : first;
        }
    }
    if (bad > 0) {
        say(add(f, "tags.bad", FINDING_WARNING), MSG_HEALTH_TAGS, ARGS(A_INT(bad), A_STR(first)),
            MSG_HEALTH_DO_TAGS, NO_ARGS);
    }
}

/* ---- Clock ---- */

static void check_clock(struct findings *f, struct upkeep *u) {
    struct timex clock = {.modes = 0};
    int state = adjtimex(&clock);
    f->facts.clock_synchronised =
        state >= 0 && state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
    f->facts.clock_steps = atomic_load(&u->clock_steps);
    struct run_found step = {.any = false};
    if (run_newest(home_hub(u->home), "clock", true, &step, NULL) >= 0 && step.any &&
        clock_wall_ns(clock_system()) - step.ended_ns < (int64_t)DAY_S * NS_PER_S) {
        char when[TIME_TEXT_MAX];
        (void)time_format(step.ended_ns - step.ended_ns % NS_PER_S, u->zone, when);
        say(add(f, "clock.jumped", FINDING_WARNING), MSG_HEALTH_CLOCK_JUMPED,
            ARGS(A_REAL((double)step.number / 1000), A_CSTR(when)), MSG_HEALTH_DO_CLOCK, NO_ARGS);
    }
    if (!f->facts.clock_synchronised) {
        say(add(f, "clock.unsynchronised", FINDING_WARNING), MSG_HEALTH_CLOCK_FREE, NO_ARGS,
            MSG_HEALTH_DO_CLOCK, NO_ARGS);
    }
}

/* ---- Backups, certificate, version ---- */

static void tell_why(struct finding *finding, const struct run_found *run) {
    for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
        (void)str_copy_z(
            str_of(run->words[lang]), finding->detail[lang], sizeof finding->detail[lang]);
    }
}

static void check_backup(struct findings *f, struct upkeep *u) {
    struct run_found good = {.any = false};
    struct run_found bad = {.any = false};
    struct ledger *hub = home_hub(u->home);
    int64_t now = clock_wall_ns(clock_system());
    (void)run_newest(hub, "backup", true, &good, NULL); // What cannot be read was never made.
    (void)run_newest(hub, "backup", false, &bad, NULL);
    f->facts.backup_ns = good.any ? good.ended_ns : 0;
    f->facts.backup_bytes = good.bytes;
    (void)str_copy_z(str_of(u->dir), f->facts.backup_dir, sizeof f->facts.backup_dir);
    f->facts.backup_nightly = u->settings.nightly;
    f->facts.backup_running = atomic_load(&u->working) || atomic_load(&u->wanted);
    const struct arg *dir = ARGS(A_CSTR(u->dir));
    if (!u->settings.nightly) {
        return;
    }
    if (bad.any && bad.ended_ns > f->facts.backup_ns) {
        struct finding *finding = add(f, "backup.failed", FINDING_ERROR);
        say(finding, MSG_HEALTH_BACKUP_FAILED, NO_ARGS, MSG_HEALTH_DO_BACKUP, dir);
        tell_why(finding, &bad);
    } else if (good.any && now - good.ended_ns > (int64_t)BACKUP_OLD_HOURS * 3600 * NS_PER_S) {
        say(add(f, "backup.old", FINDING_WARNING), MSG_HEALTH_BACKUP_OLD,
            ARGS(A_INT((now - good.ended_ns) / ((int64_t)DAY_S * NS_PER_S))), MSG_HEALTH_DO_BACKUP,
            dir);
    }
    if (u->settings.backup_dir[0] == '\0') {
        say(add(f, "backup.same_disk", FINDING_INFO), MSG_HEALTH_BACKUP_SAME_DISK, dir,
            MSG_HEALTH_DO_SECOND_DISK, NO_ARGS);
    }
}

static void check_test(struct findings *f, struct upkeep *u) {
    struct run_found good = {.any = false};
    struct run_found bad = {.any = false};
    struct ledger *hub = home_hub(u->home);
    (void)run_newest(hub, "test", true, &good, NULL);
    (void)run_newest(hub, "test", false, &bad, NULL);
    f->facts.test_ns = good.any ? good.ended_ns : 0;
    if (u->settings.nightly && bad.any && bad.ended_ns > f->facts.test_ns) {
        struct finding *finding = add(f, "backup.test_failed", FINDING_ERROR);
        say(finding, MSG_HEALTH_TEST_FAILED, NO_ARGS, MSG_HEALTH_DO_BACKUP, ARGS(A_CSTR(u->dir)));
        tell_why(finding, &bad);
    }
}

static int64_t days_until(int64_t time_ns) {
    return (time_ns - clock_wall_ns(clock_system())) / ((int64_t)DAY_S * NS_PER_S);
}

static void check_certificate(struct findings *f, const struct upkeep *u) {
    struct tls_facts facts;
    if (u->settings.tls_off) {
        say(add(f, "certificate.off", FINDING_WARNING), MSG_HEALTH_TLS_OFF, NO_ARGS,
            MSG_HEALTH_DO_TLS, NO_ARGS);
    }
    if (u->settings.tls == NULL) {
        return;
    }
    tls_store_facts(u->settings.tls, &facts);
    if (facts.trouble.code != ERR_OK) {
        struct finding *finding = add(f, "certificate.unreadable", FINDING_WARNING);
        say(finding, MSG_HEALTH_CERTIFICATE_KEPT, NO_ARGS, MSG_HEALTH_DO_CERTIFICATE_FILES,
            NO_ARGS);
        finding->words = facts.trouble;
        (void)err_context(&finding->words, MSG_HEALTH_CERTIFICATE_KEPT, NO_ARGS);
    }
    int64_t days = days_until(facts.end_ns);
    // Its own is made anew in time; it only gets here when that fails.
    if (days < (facts.own ? OWN_WARN_DAYS : CERTIFICATE_WARN_DAYS)) {
        say(add(f, "certificate.ends", days < 1 ? FINDING_ERROR : FINDING_WARNING),
            MSG_HEALTH_CERTIFICATE, ARGS(A_INT(days > 0 ? days : 0)), MSG_HEALTH_DO_CERTIFICATE,
            NO_ARGS);
    }
    days = facts.own ? days_until(facts.authority_end_ns) : INT64_MAX;
    if (days < AUTHORITY_WARN_DAYS) {
        say(add(f, "certificate.authority", FINDING_WARNING), MSG_HEALTH_AUTHORITY,
            ARGS(A_INT(days > 0 ? days : 0)), MSG_HEALTH_DO_AUTHORITY, NO_ARGS);
    }
}

static void check_syslog(struct findings *f, const struct upkeep *u) {
    struct syslog_facts facts;
    if (u->syslog == NULL) {
        return;
    }
    syslog_facts(u->syslog, &facts);
    int64_t down_ns =
        facts.down_since_ns == 0 ? 0 : clock_wall_ns(clock_system()) - facts.down_since_ns;
    if (down_ns > (int64_t)SYSLOG_WARN_S * NS_PER_S) {
        const struct arg *what = ARGS(A_CSTR(facts.place), A_INT(facts.behind));
        struct finding *finding = add(f, "syslog.down", FINDING_WARNING);
        say(finding, MSG_HEALTH_SYSLOG, what, MSG_HEALTH_DO_SYSLOG, NO_ARGS);
        finding->words = facts.error;
        (void)err_context(&finding->words, MSG_HEALTH_SYSLOG, what);
    }
}

static void check_mail(struct findings *f, const struct upkeep *u) {
    struct mail_facts facts;
    mailer_facts(u->mailer, &facts);
    if (facts.failed_since_ns > 0) {
        const struct arg *what = ARGS(A_INT(facts.waiting));
        struct finding *finding = add(f, "mail.failing", FINDING_WARNING);
        say(finding, MSG_HEALTH_MAIL, what, MSG_HEALTH_DO_MAIL, NO_ARGS);
        finding->words = facts.error;
        (void)err_context(&finding->words, MSG_HEALTH_MAIL, what);
    }
}

/* The launcher's folder is the one the home lies in, when there is a launcher. */
static void check_version(struct findings *f, const struct upkeep *u) {
    char state[LIMIT_PATH_BYTES + 8];
    struct outcome outcome;
    (void)snprintf(state, sizeof state, "%s/..", home_dir(u->home));
    f->facts.version_number = current_read(state);
    f->facts.version_newest = f->facts.version_number > 0 ? version_newest(state) : 0;
    if (outcome_read(state, &outcome, NULL) > 0 && outcome.kind == OUTCOME_RETURNED) {
        say(add(f, "upgrade.returned", FINDING_WARNING), MSG_UPGRADE_RETURNED,
            ARGS(A_INT(outcome.to), A_INT(outcome.from), A_CSTR(outcome.failed)),
            MSG_HEALTH_DO_UPGRADE, NO_ARGS);
    }
}

/* ---- Together ---- */

static int by_severity(const void *a, const void *b) {
    const struct finding *x = a;
    const struct finding *y = b;
    int order = (int)y->severity - (int)x->severity;
    return order != 0 ? order : strcmp(x->id, y->id);
}

uint32_t upkeep_health(struct upkeep *u, struct home *home, struct plant *plant,
    struct finding *ret_findings, struct upkeep_facts *ret_facts) {
    struct findings f = {.items = ret_findings};
    struct hist_status store;
    hist_status(plant_historian(plant), &store);
    measure_disk(&f, home, plant, &store);
    check_disk(&f, &store, home_dir(home));
    check_store(&f, plant, &store);
    if (u != NULL) {
        check_clock(&f, u);
        check_backup(&f, u);
        check_test(&f, u);
        check_certificate(&f, u);
        check_syslog(&f, u);
        check_mail(&f, u);
        check_version(&f, u);
    }
    struct catalogue *catalogue = plant_catalogue(plant);
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        check_device(&f, &catalogue->devices[i], plant);
    }
    check_tags(&f, plant, catalogue);
    catalogue_unref(catalogue);
    qsort(f.items, f.count, sizeof *f.items, by_severity);
    f.facts.found = f.found;
    *ret_facts = f.facts;
    return f.count;
}

const char *finding_severity_name(enum finding_severity severity) {
    static const char *const NAMES[] = {"info", "warning", "error"};
    return NAMES[severity];
}
