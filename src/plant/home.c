/*
 * The home folder. Its lock is flock(2) on HOME/lock: it goes with the process, also after kill -9,
 * and cannot be left behind stale as a file with a process number can.
 */
#include "plant/home.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "ledger/people.h"
#include "plant/key_file.h"

struct home {
    char *dir;
    int lock_fd;
    struct ledger *hub;
    struct plant *plants[HOME_PLANTS_MAX];
    uint32_t plant_count;
};

bool home_part_present(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && (S_ISDIR(info.st_mode) || info.st_size > 0);
}

static const char CONF_TEXT[] =
    "# Start-up facts of this Maru home. Everything else is set on the pages.\n"
    "# 이 Maru 홈의 시작 설정입니다. 나머지는 화면에서 설정합니다.\n"
    "listen = \"127.0.0.1:8080\"\n"
    "# tls = \"auto\"   # HTTPS as soon as others can reach this Maru; \"on\", \"off\".\n"
    "# tls_certificate = \"/path/to/certificate.pem\"   # Instead of its own.\n"
    "# tls_key = \"/path/to/key.pem\"\n"
    "# host_name = \"plant-pc\"   # The name by which other computers open the pages.\n"
    "# backup_dir = \"/mnt/disk2/maru\"   # Nightly backups; a second disk.\n"
    "# backup_time = \"02:30\"\n"
    "# syslog = \"tls://siem.plant.lan:6514\"   # Audit entries to a receiver (RFC 5425).\n"
    "# syslog_ca = \"/etc/maru/siem-ca.pem\"\n"
    "# connections = 256\n"
    "# body_bytes = 67108864\n"
    "# requests_per_s = 200\n";

static int path_join(struct buf *path, const char *dir, const char *name, struct err *err) {
    buf_init(path, LIMIT_PATH_BYTES);
    buf_printf(path, "%s/%s", dir, name);
    if (path->overflow) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(dir)));
    }
    return 0;
}

static int write_conf(const char *dir, struct err *err) {
    AUTO_BUF struct buf path;
    int status = path_join(&path, dir, "maru.conf", err);
    if (status < 0) {
        return status;
    }
    AUTO_CLOSE int fd = -1;
    status = file_open(files_system(), buf_z(&path), FILE_CREATE_NEW, &fd, err);
    if (status == -ERR_EXISTS) {
        err_clear(err);
        return 0;
    }
    if (status >= 0) {
        status = file_write_at(
            files_system(), fd, buf_z(&path), 0, CONF_TEXT, sizeof CONF_TEXT - 1, err);
    }
    return status < 0 ? status : file_sync(files_system(), fd, buf_z(&path), err);
}

static int create_folders(const char *dir, struct err *err) {
    int status = dir_create(files_system(), dir, err);
    struct stat info;
    /* It may have been there before, open to others. */
    if (status >= 0 && stat(dir, &info) == 0 && (info.st_mode & 077) != 0 &&
        chmod(dir, 0700) != 0) {
        return err_set_errno(err, errno, str_of(dir));
    }
    static const char *const NAMES[] = {"plants", "keys", "backups"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && status >= 0; i++) {
        AUTO_BUF struct buf path;
        status = path_join(&path, dir, NAMES[i], err);
        if (status >= 0) {
            status = dir_create(files_system(), buf_z(&path), err);
        }
    }
    return status;
}

static int open_hub(
    const char *dir, const struct clock *clock, struct ledger **ret_hub, struct err *err) {
    AUTO_BUF struct buf path;
    int status = path_join(&path, dir, "hub.db", err);
    return status < 0 ? status : ledger_open(buf_z(&path), LEDGER_HUB, clock, ret_hub, err);
}

int home_create(
    const char *dir, struct str plant_id, struct str display, struct str zone, struct err *err) {
    AUTO_BUF struct buf hub_path;
    int status = path_join(&hub_path, dir, "hub.db", err);
    if (status < 0) {
        return status;
    }
    if (file_exists(buf_z(&hub_path))) {
        return err_set(err, ERR_EXISTS, MSG_HOME_EXISTS, ARGS(A_CSTR(dir)));
    }
    if (!str_is_id(plant_id)) {
        return err_set(err, ERR_INVALID, MSG_ID_INVALID, ARGS(A_STR(plant_id)));
    }
    status = create_folders(dir, err);
    AUTO_BUF struct buf plant_path;
    buf_init(&plant_path, LIMIT_PATH_BYTES);
    if (status >= 0) {
        buf_printf(&plant_path, "%s/plants/%.*s", dir, STR_ARG(plant_id));
        status = plant_create(buf_z(&plant_path), plant_id, display, zone, err);
    }
    if (status >= 0) {
        status = write_conf(dir, err);
    }
    /* The hub comes last: a home whose creation was cut short is not taken for one. */
    struct ledger *hub = NULL;
    if (status >= 0) {
        status = open_hub(dir, clock_system(), &hub, err);
    }
    ledger_close(hub);
    return status;
}

static int take_lock(struct home *home, struct err *err) {
    AUTO_BUF struct buf path;
    int status = path_join(&path, home->dir, "lock", err);
    if (status >= 0) {
        status = file_open(files_system(), buf_z(&path), FILE_WRITE, &home->lock_fd, err);
    }
    if (status >= 0 && flock(home->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return err_set(err, ERR_LOCKED, MSG_HOME_LOCKED, ARGS(A_CSTR(home->dir)));
    }
    return status;
}

struct plant_opening {
    struct home *home;
    const struct home_options *options;
};

static int open_plant(void *context, const char *name, struct err *err) {
    struct plant_opening *opening = context;
    struct home *home = opening->home;
    if (!str_is_id(str_of(name))) {
        return 0; // Something a person put there; not ours.
    }
    if (home->plant_count == HOME_PLANTS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_HOME_TOO_MANY_PLANTS, ARGS(A_INT(HOME_PLANTS_MAX)));
    }
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/plants/%s", home->dir, name);
    AUTO_BUF struct buf keys;
    int joined = path_join(&keys, home->dir, "keys", err);
    if (joined < 0) {
        return joined;
    }
    struct plant_options with = {.dir = buf_z(&path),
        .keys_dir = buf_z(&keys),
        .id = str_of(name),
        .clock = opening->options->clock,
        .files = opening->options->files,
        .collect = opening->options->collect};
    int status = plant_open(&with, &home->plants[home->plant_count], err);
    if (status >= 0) {
        home->plant_count++;
    }
    return status;
}

/* ---- The hub learns of the plants ---- */

struct entering {
    struct str ids[HOME_PLANTS_MAX];
    uint32_t count;
    bool known;
};

static int look_entered(struct ledger_tx *tx, void *context, struct err *err) {
    struct entering *entering = context;
    return hub_plants_known(tx, entering->ids, entering->count, &entering->known, err);
}

static int enter_plants(struct ledger_tx *tx, void *context, struct err *err) {
    struct entering *entering = context;
    return hub_plants_enter(tx, entering->ids, entering->count, err);
}

/* Nothing is written when all are known already: opening a home costs no sync. */
static int tell_hub(struct home *home, struct err *err) {
    struct entering entering = {.count = home->plant_count};
    for (uint32_t i = 0; i < home->plant_count; i++) {
        entering.ids[i] = plant_id(home->plants[i]);
    }
    int status = ledger_read(home->hub, look_entered, &entering, err);
    if (status < 0 || entering.known) {
        return status;
    }
    return ledger_write(home->hub, enter_plants, &entering, err);
}

static int open_all(struct home *home, const struct home_options *options, struct err *err) {
    AUTO_BUF struct buf hub_path;
    int status = path_join(&hub_path, home->dir, "hub.db", err);
    if (status < 0) {
        return status;
    }
    if (access(home->dir, R_OK | W_OK | X_OK) != 0 && errno == EACCES) {
        return err_set(err, ERR_FORBIDDEN, MSG_HOME_FORBIDDEN, ARGS(A_CSTR(home->dir)));
    }
    if (!file_exists(buf_z(&hub_path))) {
        return err_set(err, ERR_NOT_FOUND, MSG_HOME_MISSING, ARGS(A_CSTR(home->dir)));
    }
    if (!home_part_present(buf_z(&hub_path))) {
        return err_set(err, ERR_CORRUPT, MSG_PLANT_PART_MISSING, ARGS(A_CSTR(buf_z(&hub_path))));
    }
    if (options->exclusive && (status = take_lock(home, err)) < 0) {
        return status;
    }
    const struct clock *clock = options->clock != NULL ? options->clock : clock_system();
    status = open_hub(home->dir, clock, &home->hub, err);
    if (status < 0) {
        return status;
    }
    AUTO_BUF struct buf plants;
    status = path_join(&plants, home->dir, "plants", err);
    struct plant_opening opening = {.home = home, .options = options};
    status = status < 0 ? status : dir_each(buf_z(&plants), open_plant, &opening, err);
    return status < 0 ? status : tell_hub(home, err);
}

int home_open(const struct home_options *options, struct home **ret_home, struct err *err) {
    struct home *home = MEM_NEW(struct home);
    home->dir = mem_copy_z(str_of(options->dir));
    home->lock_fd = -1;
    int status = open_all(home, options, err);
    if (status < 0) {
        home_close(home);
        return status;
    }
    *ret_home = home;
    return 0;
}

void home_close(struct home *home) {
    if (home == NULL) {
        return;
    }
    for (uint32_t i = 0; i < home->plant_count; i++) {
        plant_close(home->plants[i]);
    }
    ledger_close(home->hub);
    file_close(home->lock_fd); // Releases the lock; -1 when it was never taken.
    mem_free(home->dir);
    mem_free(home);
}

const char *home_dir(const struct home *home) {
    return home->dir;
}

struct ledger *home_hub(struct home *home) {
    return home->hub;
}

uint32_t home_plant_count(const struct home *home) {
    return home->plant_count;
}

struct plant *home_plant_at(struct home *home, uint32_t index) {
    return index < home->plant_count ? home->plants[index] : NULL;
}

int home_plant(struct home *home, struct str id, struct plant **ret_plant, struct err *err) {
    if (id.size == 0) {
        if (home->plant_count != 1) {
            return err_set(err, ERR_USAGE, MSG_HOME_WHICH_PLANT, ARGS(A_INT(home->plant_count)));
        }
        *ret_plant = home->plants[0];
        return 0;
    }
    for (uint32_t i = 0; i < home->plant_count; i++) {
        if (str_eq(plant_id(home->plants[i]), id)) {
            *ret_plant = home->plants[i];
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, MSG_HOME_NO_PLANT, ARGS(A_STR(id)));
}

_Static_assert((int)HOME_KEY_BYTES == (int)KEYED_KEY_BYTES, "one key");

static int home_key(struct home *home, const char *name, struct str head, bool create,
    uint8_t ret_key[HOME_KEY_BYTES], struct err *err) {
    AUTO_BUF struct buf keys;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    int status = path_join(&keys, home->dir, "keys", err);
    buf_printf(&path, "%s/keys/%s", home->dir, name);
    if (status < 0 || path.overflow) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(home->dir)));
    }
    if (create && !file_exists(buf_z(&path))) {
        status = key_file_write(files_system(), buf_z(&keys), buf_z(&path), head, err);
    }
    return status < 0 ? status : key_file_read(buf_z(&path), head, ret_key, err);
}

int home_second_key(
    struct home *home, bool create, uint8_t ret_key[HOME_KEY_BYTES], struct err *err) {
    return home_key(home, "second.factor.key", STR("maru-second-factor-1 "), create, ret_key, err);
}

int home_notice_key(
    struct home *home, bool create, uint8_t ret_key[HOME_KEY_BYTES], struct err *err) {
    return home_key(home, "mail.password.key", STR("maru-mail-password-1 "), create, ret_key, err);
}
