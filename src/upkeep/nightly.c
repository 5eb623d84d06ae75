/*
 * The thread that needs no administrator.
 *
 * A night is due when the last good backup is older than the last time the clock showed the set
 * minute; so nights that were missed (the computer was off) are made up a minute after the start,
 * and a failed one is tried again every half hour. What went well and what did not is a row in the
 * hub: health tells it, also after a restart.
 *
 * The clock. Every ten seconds wall and monotonic time are compared with the last look; apart by
 * more than two seconds is a step: somebody, or a daemon, set the clock. Samples are stamped with
 * wall time, so that must be known (docs/KNOWN_LIMITS.md).
 */
#include "upkeep/nightly.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "upkeep/rotate.h"
#include "upkeep/runs.h"
#include "upkeep/state.h"
#include "upkeep/work.h"

enum {
    LOOK_EVERY_S = 10,
    WANTED_EVERY_S = 1,
    FIRST_LOOK_S = 60,
    RETRY_S = 1800,
    TEST_EVERY_DAYS = 7,
    ERASURES_EVERY_S = 600,
    SAME_DISK_KEEP = 2,
};
static const int64_t STEP_NS = 2 * NS_PER_S;

static int night_go_on(void *context, struct err *err) {
    struct upkeep *u = context;
    return stop_flag_is_raised(&u->stop) ? err_set(err, ERR_CANCELLED, MSG_UPKEEP_STOPPING, NO_ARGS)
                                         : 0;
}

const char *upkeep_backup_dir(const struct upkeep *u) {
    return u->dir;
}

/* ---- A night ---- */

static int write_backup(
    struct upkeep *u, const char *path, struct backup_report *report, struct err *err) {
    AUTO_BUF struct buf part;
    buf_init(&part, LIMIT_PATH_BYTES + 8);
    buf_printf(&part, "%s.part", path);
    AUTO_CLOSE int fd = -1;
    struct files *files = files_system();
    int status = file_open(files, buf_z(&part), FILE_WRITE, &fd, err);
    status = status < 0 ? status : file_truncate(files, fd, buf_z(&part), 0, err);
    struct backup_options options = {
        .home = u->home, .fd = fd, .path = path, .watch = {.go_on = night_go_on, .context = u}};
    status = status < 0 ? status : backup_make(&options, report, err);
    if (status < 0) {
        (void)file_remove(files, buf_z(&part), NULL); // Else the next look removes it.
        return status;
    }
    status = file_rename(files, buf_z(&part), path, err);
    return status < 0 ? status : dir_sync(files, u->dir, err);
}

struct old_backups {
    const char *dir;
    uint32_t count;
    int64_t times_ns[ROTATE_FILES_MAX];
    char names[ROTATE_FILES_MAX][BACKUP_NAME_MAX];
};

/* Names come in order, so times do. A .part is of a night that was killed. */
static int list_one(void *context, const char *name, struct err *err) {
    (void)err;
    struct old_backups *old = context;
    struct str text = str_of(name);
    char path[LIMIT_PATH_BYTES];
    if (str_starts(text, STR("maru-")) && str_ends(text, STR(".backup.part"))) {
        (void)snprintf(path, sizeof path, "%s/%s", old->dir, name);
        (void)file_remove(files_system(), path, NULL);
    }
    if (old->count < ROTATE_FILES_MAX && backup_name_parse(name, &old->times_ns[old->count])) {
        (void)snprintf(old->names[old->count++], BACKUP_NAME_MAX, "%s", name);
    }
    return 0;
}

static void rotate(struct upkeep *u) {
    AUTO_FREE struct old_backups *old = MEM_NEW(struct old_backups);
    bool stays[ROTATE_FILES_MAX];
    old->dir = u->dir;
    struct err err = ERR_INIT;
    if (dir_each(u->dir, list_one, old, &err) < 0) {
        log_event(LOG_WARN, "upkeep", "rotation_failed", NULL, &err);
        return;
    }
    struct rotation rotation = {.daily = u->settings.keep_daily,
        .weekly = u->settings.keep_weekly,
        .monthly = u->settings.keep_monthly};
    if (u->settings.backup_dir[0] == '\0') {
        rotation = (struct rotation){.daily = SAME_DISK_KEEP}; // They take the plant's own room.
    }
    rotation_mark(old->times_ns, old->count, &rotation, u->zone, stays);
    for (uint32_t i = 0; i < old->count; i++) {
        char path[LIMIT_PATH_BYTES];
        int size = snprintf(path, sizeof path, "%s/%s", u->dir, old->names[i]);
        if (!stays[i] && size > 0 && size < LIMIT_PATH_BYTES &&
            file_remove(files_system(), path, &err) < 0) {
            log_event(
                LOG_WARN, "upkeep", "old_backup_stays", LOG_FIELDS({"file", A_CSTR(path)}), &err);
        }
    }
}

static void record(struct upkeep *u, struct upkeep_run *run) {
    struct err err = ERR_INIT;
    run->ended_ns = clock_wall_ns(clock_system());
    run->good = run->why == NULL;
    log_event(run->good ? LOG_INFO : LOG_ERROR, "upkeep", run->kind,
        LOG_FIELDS({"good", A_INT(run->good)}, {"subject", A_STR(run->subject)},
            {"bytes", A_INT(run->bytes)}),
        run->why);
    if (run_store(home_hub(u->home), run, &err) < 0) {
        log_event(LOG_WARN, "upkeep", "not_recorded", NULL, &err);
    }
}

static void write_erasures(struct upkeep *u) {
    struct err err = ERR_INIT;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES + 32);
    buf_printf(&path, "%s/erasures.list", u->dir);
    if (erasures_write(u->home, buf_z(&path), &err) < 0) {
        log_event(LOG_WARN, "upkeep", "erasures_not_written", NULL, &err);
    }
}

int upkeep_night(struct upkeep *u, struct err *err) {
    char name[BACKUP_NAME_MAX];
    char path[LIMIT_PATH_BYTES];
    struct err why = ERR_INIT;
    struct backup_report report = {.bytes = 0};
    atomic_store(&u->working, true);
    backup_name(clock_wall_ns(clock_system()), name);
    int size = snprintf(path, sizeof path, "%s/%s", u->dir, name);
    int status = size > 0 && size < LIMIT_PATH_BYTES - 8
                     ? dir_create(files_system(), u->dir, &why)
                     : err_set(&why, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(u->dir)));
    status = status < 0 ? status : write_backup(u, path, &report, &why);
    if (status >= 0) {
        rotate(u);
        write_erasures(u);
    }
    struct upkeep_run run = {.kind = "backup",
        .subject = str_of(path),
        .bytes = report.bytes,
        .digest = str_of(report.logical),
        .why = status < 0 ? &why : NULL};
    if (status != -ERR_CANCELLED) { // Maru ends: the night is made up after the start.
        record(u, &run);
    }
    if (status < 0 && err != NULL) {
        *err = why;
    }
    atomic_store(&u->working, false);
    return status < 0 ? status : 0;
}

void upkeep_want_night(struct upkeep *u) {
    atomic_store(&u->wanted, true);
}

static int find_newest(struct upkeep *u, char path[LIMIT_PATH_BYTES], struct err *err) {
    AUTO_FREE struct old_backups *old = MEM_NEW(struct old_backups);
    old->dir = u->dir;
    int status = dir_each(u->dir, list_one, old, err);
    if (status >= 0 && old->count == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_UPKEEP_NO_BACKUP, ARGS(A_CSTR(u->dir)));
    }
    if (status < 0) {
        return status;
    }
    int size = snprintf(path, LIMIT_PATH_BYTES, "%s/%s", u->dir, old->names[old->count - 1]);
    return size > 0 && size < LIMIT_PATH_BYTES
               ? 0
               : err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(u->dir)));
}

int upkeep_test(struct upkeep *u, struct err *err) {
    char path[LIMIT_PATH_BYTES] = {0};
    char work[LIMIT_PATH_BYTES];
    char dir[LIMIT_PATH_BYTES + 16];
    struct err why = ERR_INIT;
    AUTO_CLOSE int fd = -1;
    struct watch watch = {.go_on = night_go_on, .context = u};
    int status = find_newest(u, path, &why);
    status = status < 0 ? status : file_open(files_system(), path, FILE_READ, &fd, &why);
    status = status < 0 ? status : work_begin(home_dir(u->home), work, &why);
    if (status >= 0) {
        (void)snprintf(dir, sizeof dir, "%s/home", work);
        status = restore_test(fd, path, dir, watch, &why);
        work_end(work);
    }
    struct upkeep_run run = {
        .kind = "test", .subject = str_of(path), .why = status < 0 ? &why : NULL};
    if (status != -ERR_CANCELLED) {
        record(u, &run);
    }
    if (status < 0 && err != NULL) {
        *err = why;
    }
    return status < 0 ? status : 0;
}

/* ---- The clock ---- */

static void look_at_clock(struct upkeep *u) {
    int64_t wall = clock_wall_ns(clock_system());
    int64_t mono = clock_mono_ns(clock_system());
    int64_t step = u->wall_ns == 0 ? 0 : (wall - u->wall_ns) - (mono - u->mono_ns);
    u->wall_ns = wall;
    u->mono_ns = mono;
    if (step < STEP_NS && step > -STEP_NS) {
        return;
    }
    atomic_fetch_add(&u->clock_steps, 1);
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)(step / NS_PER_MS));
    struct upkeep_run run = {.kind = "clock", .subject = str_of(text)};
    record(u, &run);
}

/* ---- The thread ---- */

static void look(struct upkeep *u, int64_t *next_try_mono) {
    int64_t now = clock_wall_ns(clock_system());
    int64_t mono = clock_mono_ns(clock_system());
    struct run_found found = {.any = false};
    if (!u->settings.nightly || mono < *next_try_mono ||
        run_newest(home_hub(u->home), "backup", true, &found, NULL) < 0) {
        return;
    }
    int64_t due = nightly_moment(now, u->settings.minute_of_day, u->zone);
    /* A backup "of the future" was made before the clock was set back: it does not count. */
    bool done = found.any && found.ended_ns >= due && found.ended_ns <= now + NS_PER_S;
    if (!done && upkeep_night(u, NULL) < 0) {
        *next_try_mono = mono + RETRY_S * NS_PER_S;
        return;
    }
    struct run_found test = {.any = false};
    int64_t week_ago = now - (int64_t)TEST_EVERY_DAYS * 86400 * NS_PER_S;
    if (run_newest(home_hub(u->home), "test", true, &test, NULL) >= 0 &&
        (!test.any || test.ended_ns < week_ago) && upkeep_test(u, NULL) < 0) {
        *next_try_mono = mono + RETRY_S * NS_PER_S;
    }
}

/* To the next look, or until a backup is wanted, which is made here; true: stop. */
static bool wait_until(struct upkeep *u, int64_t next_mono) {
    for (;;) {
        int64_t now = clock_mono_ns(clock_system());
        int64_t slice = now + WANTED_EVERY_S * NS_PER_S;
        if (now >= next_mono) {
            return stop_flag_is_raised(&u->stop);
        }
        if (stop_flag_wait(&u->stop, slice < next_mono ? slice : next_mono)) {
            return true;
        }
        if (atomic_load(&u->wanted)) {
            (void)upkeep_night(u, NULL); // Recorded, good or not.
            atomic_store(&u->wanted, false);
        }
    }
}

static void upkeep_thread(void *context) {
    struct upkeep *u = context;
    int64_t begun = clock_mono_ns(clock_system());
    int64_t next_try = begun + FIRST_LOOK_S * NS_PER_S;
    int64_t erasures_at = next_try;
    int64_t next = begun;
    do {
        look_at_clock(u);
        look(u, &next_try);
        int64_t now = clock_mono_ns(clock_system());
        if (u->settings.nightly && now >= erasures_at && file_exists(u->dir)) {
            write_erasures(u);
            erasures_at = now + ERASURES_EVERY_S * NS_PER_S;
        }
        next = now + LOOK_EVERY_S * NS_PER_S;
    } while (!wait_until(u, next));
}

struct upkeep *upkeep_start(struct home *home, const struct upkeep_settings *settings) {
    struct upkeep *u = MEM_NEW(struct upkeep);
    u->home = home;
    u->settings = *settings;
    u->zone = home_plant_count(home) > 0 ? plant_zone(home_plant_at(home, 0)) : NULL;
    if (settings->backup_dir[0] != '\0') {
        (void)snprintf(u->dir, sizeof u->dir, "%s", settings->backup_dir);
    } else {
        (void)snprintf(
            u->dir, sizeof u->dir, "%.*s/backups", LIMIT_PATH_BYTES - 64, home_dir(home));
    }
    work_clean(home_dir(home)); // We hold the home's lock: nobody makes a backup.
    if (settings->syslog.way != SYSLOG_NONE) {
        u->syslog = syslog_start(home, &settings->syslog);
    }
    u->mailer = mailer_start(home, u, settings->mail_ca);
    stop_flag_init(&u->stop);
    thread_start(&u->thread, "upkeep", upkeep_thread, u);
    return u;
}

void upkeep_stop(struct upkeep *u) {
    if (u == NULL) {
        return;
    }
    stop_flag_raise(&u->stop);
    syslog_stop(u->syslog);
    mailer_stop(u->mailer);
    thread_join(&u->thread);
    stop_flag_fini(&u->stop);
    mem_free(u);
}
