/*
 * Restoring a backup: a home that is whole, or nothing.
 *
 * First pass: the file is read whole and every digest checked, before anything is written. Second
 * pass: its parts are written into HOME.restoring, beside the place they are for and so on the same
 * file system. That home is then checked as if it had come from a stranger: every byte of each
 * history, each ledger's structure and audit chain, and the logical digest, which must be the one
 * that the running home had when the backup was made. Only then is it renamed to HOME.
 *
 * A kill at any moment leaves HOME as it was (absent or empty); HOME.restoring is removed by the
 * next restore, under a lock, so that two restores do not remove each other's work. What a restore
 * may write is decided by the names in about.c and by nothing in the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/mem.h"
#include "ledger/consent.h"
#include "ledger/grant.h"
#include "upkeep/archive.h"
#include "upkeep/check.h"
#include "upkeep/digest_home.h"
#include "upkeep/erasures.h"

enum { KEYS_BYTES_MAX = (16 << 20) + 4096, ROOM_SPARE_BYTES = 64 << 20 };

struct restore {
    const struct restore_options *with;
    char dir[LIMIT_PATH_BYTES]; // The home in the making.
    struct about about;
    struct backup_facts facts;
    struct buf sealed;
    uint64_t withdrawn;
    uint64_t revoked;
};

/* ---- The place ---- */

static int count_one(void *context, const char *name, struct err *err) {
    (void)name;
    (void)err;
    ++*(int *)context;
    return 0;
}

/* ERR_EXISTS unless there is nothing, or an empty folder. */
static int place_check(const char *home_dir, struct err *err) {
    struct stat info;
    int entries = 0;
    if (lstat(home_dir, &info) != 0) {
        return 0;
    }
    if (S_ISDIR(info.st_mode)) {
        int status = dir_each(home_dir, count_one, &entries, err);
        if (status < 0) {
            return status;
        }
    }
    return S_ISDIR(info.st_mode) && entries == 0
               ? 0
               : err_set(err, ERR_EXISTS, MSG_RESTORE_PRESENT, ARGS(A_CSTR(home_dir)));
}

static int room_check(const char *dir, uint64_t bytes, struct err *err) {
    uint64_t room = disk_free_bytes(dir);
    if (room == 0 || room >= bytes + ROOM_SPARE_BYTES) {
        return 0; // 0: unknown; the writes will tell.
    }
    return err_set(
        err, ERR_SPACE, MSG_BACKUP_NO_ROOM, ARGS(A_INT((bytes >> 20) + 1), A_INT(room >> 20)));
}

static int make_dir(struct restore *r, const char *name, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/%s", r->dir, name);
    return dir_create(files_system(), buf_z(&path), err);
}

/* Takes the place of work. What a killed restore left there is removed; the lock says that it was
 * killed. */
static int dir_take(struct restore *r, int *ret_lock, struct err *err) {
    int status = dir_create(files_system(), r->dir, err);
    if (status < 0) {
        return status;
    }
    *ret_lock = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret_lock < 0) {
        return err_set_errno(err, errno, str_of(r->dir));
    }
    if (flock(*ret_lock, LOCK_EX | LOCK_NB) != 0) {
        return err_set(err, ERR_LOCKED, MSG_RESTORE_BUSY, ARGS(A_CSTR(r->dir)));
    }
    int entries = 0;
    status = dir_each(r->dir, count_one, &entries, err);
    if (status >= 0 && entries > 0) {
        file_close(*ret_lock);
        *ret_lock = -1;
        status = dir_remove_all(r->dir, err);
        status = status < 0 ? status : dir_create(files_system(), r->dir, err);
        *ret_lock = status < 0 ? -1 : open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (status >= 0 && (*ret_lock < 0 || flock(*ret_lock, LOCK_EX | LOCK_NB) != 0)) {
            status = err_set(err, ERR_LOCKED, MSG_RESTORE_BUSY, ARGS(A_CSTR(r->dir)));
        }
    }
    static const char *const NAMES[] = {"plants", "keys", "backups"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && status >= 0; i++) {
        status = make_dir(r, NAMES[i], err);
    }
    return status;
}

/* ---- Parts ---- */

/* Makes the folders on the way to a part. */
static int make_way(struct restore *r, struct str name, struct err *err) {
    int status = 0;
    for (size_t i = 0; i < name.size && status >= 0; i++) {
        if (name.data[i] == '/') {
            char step[ARCHIVE_NAME_BYTES + 1];
            (void)str_copy_z(str_slice(name, 0, i), step, sizeof step);
            status = make_dir(r, step, err);
        }
    }
    return status;
}

static int write_part(
    struct restore *r, struct archive_reader *reader, struct str name, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/%.*s", r->dir, STR_ARG(name));
    AUTO_CLOSE int fd = -1;
    struct files *files = files_system();
    int status = make_way(r, name, err);
    status = status < 0 ? status : file_open(files, buf_z(&path), FILE_CREATE_NEW, &fd, err);
    uint64_t offset = 0;
    struct str piece;
    while (status >= 0 && (status = archive_read(reader, &piece, err)) > 0) {
        status = file_write_at(files, fd, buf_z(&path), offset, piece.data, piece.size, err);
        offset += piece.size;
    }
    return status < 0 ? status : file_sync(files, fd, buf_z(&path), err);
}

static int read_sealed(struct restore *r, struct archive_reader *reader, struct err *err) {
    int status = 0;
    struct str piece;
    while ((status = archive_read(reader, &piece, err)) > 0) {
        buf_put_str(&r->sealed, piece);
    }
    return status < 0           ? status
           : r->sealed.overflow ? err_set(err, ERR_CORRUPT, MSG_LEDGER_BOX_DAMAGED, NO_ARGS)
                                : 0;
}

static int write_parts(struct restore *r, struct err *err) {
    struct archive_reader *reader = NULL;
    struct str name;
    int status = archive_open(r->with->fd, r->with->path, r->with->watch, &reader, err);
    while (status >= 0 && (status = archive_next(reader, &name, err)) > 0) {
        char copy[ARCHIVE_NAME_BYTES + 1];
        (void)str_copy_z(name, copy, sizeof copy);
        if (!part_path_good(str_of(copy))) {
            status = err_set(err, ERR_CORRUPT, MSG_BACKUP_NAME, ARGS(A_CSTR(copy)));
        } else if (strcmp(copy, "keys.sealed") == 0) {
            status = read_sealed(r, reader, err);
        } else if (strcmp(copy, "about") != 0) {
            status = write_part(r, reader, str_of(copy), err);
        }
    }
    archive_reader_free(reader);
    return status;
}

/* ---- Keys ---- */

static int write_file(struct restore *r, const char *name, struct str bytes, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/keys/%s", r->dir, name);
    AUTO_CLOSE int fd = -1;
    struct files *files = files_system();
    int status = file_open(files, buf_z(&path), FILE_CREATE_NEW, &fd, err);
    status = status < 0 ? status
                        : file_write_at(files, fd, buf_z(&path), 0, bytes.data, bytes.size, err);
    return status < 0 ? status : file_sync(files, fd, buf_z(&path), err);
}

static int write_keys(struct restore *r, struct err *err) {
    AUTO_BUF struct buf plain;
    buf_init(&plain, KEYS_BYTES_MAX);
    int status = phrase_open(str_of(r->with->phrase), r->sealed.data, r->sealed.size, &plain, err);
    struct reader from = reader_of(plain.data, plain.size);
    while (status >= 0 && reader_left(&from) > 0) {
        uint16_t name_size = read_u16_le(&from);
        const uint8_t *name = read_bytes(&from, name_size);
        uint32_t size = read_u32_le(&from);
        const uint8_t *bytes = read_bytes(&from, size);
        struct str text = {(const char *)name, name_size};
        if (from.failed || !part_name_good(text)) {
            return err_set(err, ERR_CORRUPT, MSG_LEDGER_BOX_DAMAGED, NO_ARGS);
        }
        char copy[ARCHIVE_NAME_BYTES + 1];
        (void)str_copy_z(text, copy, sizeof copy);
        status = write_file(r, copy, (struct str){(const char *)bytes, size}, err);
    }
    return status;
}

static int place_keys(struct restore *r, struct restore_report *report, struct err *err) {
    if (r->sealed.size == 0) {
        return 0;
    }
    report->keys_restored = r->with->phrase != NULL;
    report->keys_sealed = r->with->phrase == NULL;
    return r->with->phrase != NULL ? write_keys(r, err)
                                   : write_file(r, "sealed", buf_str(&r->sealed), err);
}

/* ---- Checks ---- */

struct damage {
    struct err first;
    uint64_t count;
};

static void note_damage(void *context, const struct err *what) {
    struct damage *damage = context;
    if (damage->count++ == 0) {
        damage->first = *what;
    }
}

static int check_ledger(const char *path, enum ledger_kind kind, struct err *err) {
    struct ledger *ledger = NULL;
    int status = ledger_open(path, kind, clock_system(), &ledger, err);
    status = status < 0 ? status : ledger_verify(ledger, err);
    ledger_close(ledger);
    return status < 0 ? err_context(err, MSG_VERIFY_IN, ARGS(A_CSTR(path))) : 0;
}

static int check_plant(void *context, const char *name, struct err *err) {
    struct restore *r = context;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/plants/%s/ledger.db", r->dir, name);
    int status = check_ledger(buf_z(&path), LEDGER_PLANT, err);
    buf_clear(&path);
    buf_printf(&path, "%s/plants/%s/history", r->dir, name);
    struct damage damage = {.count = 0};
    struct hist_verify_report report;
    if (status >= 0) {
        status = hist_verify(files_system(), buf_z(&path), note_damage, &damage, &report, err);
    }
    if (status >= 0 && damage.count > 0) {
        if (err != NULL) {
            *err = damage.first;
        }
        return -(int)damage.first.code;
    }
    return status;
}

static int hub_check(struct restore *r, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/hub.db", r->dir);
    return check_ledger(buf_z(&path), LEDGER_HUB, err); // Made new where only a plant came back.
}

/* The digest first: a ledger that is opened by a newer Maru is migrated, and says more afterwards.
 */
static int check_home(struct restore *r, struct err *err) {
    char logical[DIGEST_TEXT_MAX];
    int status = measure_cold(r->dir, r->facts.has_hub, r->with->watch, logical, err);
    if (status >= 0 && strcmp(logical, r->facts.logical) != 0) {
        return err_set(
            err, ERR_CORRUPT, MSG_RESTORE_DIGEST, ARGS(A_CSTR(r->facts.logical), A_CSTR(logical)));
    }
    AUTO_BUF struct buf plants;
    buf_init(&plants, LIMIT_PATH_BYTES);
    buf_printf(&plants, "%s/plants", r->dir);
    status = status < 0 ? status : dir_each(buf_z(&plants), check_plant, r, err);
    return status < 0 ? status : hub_check(r, err);
}

/* ---- Consents ---- */

static int withdraw_standing(struct ledger_tx *tx, void *context, struct err *err) {
    uint64_t *count = context;
    struct arena arena;
    arena_init(&arena, 0);
    AUTO_FREE struct consent *consents = MEM_ARRAY(struct consent, CONSENTS_MAX);
    int found = consent_list(tx, consents, &arena, err);
    int status = found < 0 ? found : 0;
    for (int i = 0; i < found && status >= 0; i++) {
        if (consents[i].withdrawn_ns == 0 && consents[i].until_ns > ledger_now_ns(tx)) {
            status = consent_withdraw(tx, consents[i].id, STR("maru restore"), err);
            (*count)++;
        }
    }
    arena_fini(&arena);
    return status;
}

/* A consent may have been withdrawn since the backup was made, and the home it was made of may
 * still be sending: what comes back sends nothing until somebody grants it anew. */
static int silence_plant(void *context, const char *name, struct err *err) {
    struct restore *r = context;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/plants/%s/ledger.db", r->dir, name);
    struct ledger *ledger = NULL;
    int status = ledger_open(buf_z(&path), LEDGER_PLANT, clock_system(), &ledger, err);
    status = status < 0 ? status : ledger_write(ledger, withdraw_standing, &r->withdrawn, err);
    ledger_close(ledger);
    return status;
}

static int revoke_standing(struct ledger_tx *tx, void *context, struct err *err) {
    struct restore *r = context;
    int status = grant_revoke_all(tx, STR("maru"), &r->revoked, err);
    return status < 0 || r->revoked == 0 ? status
                                         : audit_append(tx, STR("maru restore"),
                                               STR("grant.revoke"), STR("all"), STR_NONE, err);
}

/* The same of grants to other organisations: one may have been revoked since. */
static int silence_hub(struct restore *r, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/hub.db", r->dir);
    struct ledger *hub = NULL;
    int status = ledger_open(buf_z(&path), LEDGER_HUB, clock_system(), &hub, err);
    status = status < 0 ? status : ledger_write(hub, revoke_standing, r, err);
    ledger_close(hub);
    return status;
}

static int silence(struct restore *r, struct err *err) {
    AUTO_BUF struct buf plants;
    buf_init(&plants, LIMIT_PATH_BYTES);
    buf_printf(&plants, "%s/plants", r->dir);
    int status = dir_each(buf_z(&plants), silence_plant, r, err);
    return status < 0 || !r->facts.has_hub ? status : silence_hub(r, err);
}

/* ---- Together ---- */

static int fill(struct restore *r, struct restore_report *report, struct err *err) {
    int status = check_file(r->with->fd, r->with->path, r->with->watch, &r->facts, &r->about, err);
    if (status < 0) {
        return status;
    }
    status = room_check(r->dir, r->facts.plain_bytes, err);
    status = status < 0 ? status : write_parts(r, err);
    if (status >= 0) {
        status = check_home(r, err);
        status = status < 0 ? err_context(err, MSG_RESTORE_CHECKING, NO_ARGS) : status;
    }
    status = status < 0 ? status : place_keys(r, report, err);
    if (status >= 0 && r->with->erasures != NULL) {
        status = erasures_replay(r->with->erasures, r->dir, &report->erased, err);
    }
    status = status < 0 ? status : silence(r, err);
    report->withdrawn = r->withdrawn;
    report->revoked = r->revoked;
    report->facts = r->facts;
    return status;
}

/* All folders' entries are made durable before the one rename that shows them. */
static int sync_below(void *context, const char *name, struct err *err) {
    const char *dir = context;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/%s", dir, name);
    struct stat info;
    if (lstat(buf_z(&path), &info) != 0 || !S_ISDIR(info.st_mode)) {
        return 0;
    }
    int status = dir_each(buf_z(&path), sync_below, path.data, err); // As deep as a home is.
    return status < 0 ? status : dir_sync(files_system(), buf_z(&path), err);
}

static int put_in_place(struct restore *r, struct err *err) {
    struct files *files = files_system();
    int status = dir_each(r->dir, sync_below, r->dir, err);
    status = status < 0 ? status : dir_sync(files, r->dir, err);
    /* rename(2) replaces an empty folder, and refuses one that somebody filled meanwhile. */
    status = status < 0 ? status : file_rename(files, r->dir, r->with->home_dir, err);
    if (status < 0) {
        return status;
    }
    AUTO_FREE char *parent = mem_copy_z(str_of(r->with->home_dir));
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        slash[slash == parent] = '\0';
    }
    return dir_sync(files, slash != NULL ? parent : ".", err);
}

static int run(struct restore *r, struct restore_report *report, bool place, struct err *err) {
    AUTO_CLOSE int lock = -1;
    int status = dir_take(r, &lock, err);
    if (status < 0) {
        return status;
    }
    buf_init(&r->sealed, KEYS_BYTES_MAX);
    status = fill(r, report, err);
    status = status < 0 || !place ? status : put_in_place(r, err);
    if (status < 0 || !place) {
        (void)dir_remove_all(r->dir, NULL); // Else the next restore removes it.
    }
    buf_fini(&r->sealed);
    return status;
}

/* "home/" and "home" are one place. */
static int name_place(struct restore *r, const char *home_dir, const char *more, struct err *err) {
    struct str dir = str_of(home_dir);
    while (dir.size > 1 && dir.data[dir.size - 1] == '/') {
        dir.size--;
    }
    int size = snprintf(r->dir, sizeof r->dir, "%.*s%s", STR_ARG(dir), more);
    return size > 0 && size < LIMIT_PATH_BYTES - 256
               ? 0
               : err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(home_dir)));
}

int restore_run(
    const struct restore_options *options, struct restore_report *ret_report, struct err *err) {
    AUTO_FREE struct restore *r = MEM_NEW(struct restore);
    r->with = options;
    struct restore_report report = {.erased = 0};
    int status = place_check(options->home_dir, err);
    status = status < 0 ? status : name_place(r, options->home_dir, ".restoring", err);
    status = status < 0 ? status : run(r, &report, true, err);
    if (status < 0) {
        return err_context(err, MSG_RESTORE_OF, ARGS(A_CSTR(options->path)));
    }
    *ret_report = report;
    return 0;
}

int restore_test(int fd, const char *path, const char *dir, struct watch watch, struct err *err) {
    AUTO_FREE struct restore *r = MEM_NEW(struct restore);
    struct restore_options options = {.fd = fd, .path = path, .home_dir = dir, .watch = watch};
    r->with = &options;
    struct restore_report report = {.erased = 0};
    int status = name_place(r, dir, "", err);
    status = status < 0 ? status : run(r, &report, false, err);
    return status < 0 ? err_context(err, MSG_RESTORE_OF, ARGS(A_CSTR(path))) : 0;
}
