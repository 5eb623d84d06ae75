/*
 * The list of erasures: what was erased for a person's sake must stay erased when an older backup
 * comes back. A text file, one line an audit entry whose payload is gone:
 *
 *     maru-erasures 1
 *     hub - 17 HASH
 *     plant ID 35 HASH
 *     end 2 DIGEST
 *
 * The entry's hash names it in every copy of its chain, so a list of another home erases nothing.
 * The list itself says nothing about anybody. The last line has the count and the BLAKE2b-256 of
 * all bytes before it: a list that was cut off is refused, since it would leave things unerased.
 */
#include "upkeep/erasures.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "ledger/people.h"

enum { LIST_BYTES_MAX = 64 << 20 };

struct listing {
    struct buf text;
    struct str scope; // "hub -" or "plant ID".
    uint64_t count;
};

static int add_line(void *context, const struct erasure *erasure, struct err *err) {
    (void)err;
    struct listing *list = context;
    char hash[DIGEST_TEXT_MAX];
    digest_text(erasure->hash, hash);
    buf_printf(
        &list->text, "%.*s %lld %s\n", STR_ARG(list->scope), (long long)erasure->sequence, hash);
    list->count++;
    return 0;
}

static int list_one(struct ledger_tx *tx, void *context, struct err *err) {
    return audit_erasures(tx, add_line, context, err);
}

static int write_list(const char *path, struct listing *list, struct err *err) {
    AUTO_BUF struct buf side;
    buf_init(&side, LIMIT_PATH_BYTES);
    buf_printf(&side, "%s.new", path);
    AUTO_CLOSE int fd = -1;
    struct files *files = files_system();
    int status = file_open(files, buf_z(&side), FILE_WRITE, &fd, err);
    status = status < 0 ? status : file_truncate(files, fd, buf_z(&side), 0, err);
    status = status < 0
                 ? status
                 : file_write_at(files, fd, buf_z(&side), 0, list->text.data, list->text.size, err);
    status = status < 0 ? status : file_sync(files, fd, buf_z(&side), err);
    return status < 0 ? status : file_rename(files, buf_z(&side), path, err);
}

int erasures_write(struct home *home, const char *path, struct err *err) {
    struct listing list = {.scope = STR("hub -")};
    buf_init(&list.text, LIST_BYTES_MAX);
    buf_put_str(&list.text, STR("maru-erasures 1\n"));
    int status = ledger_read(home_hub(home), list_one, &list, err);
    for (uint32_t i = 0; i < home_plant_count(home) && status >= 0; i++) {
        struct plant *plant = home_plant_at(home, i);
        char scope[LIMIT_ID_BYTES + 16];
        (void)snprintf(scope, sizeof scope, "plant %.*s", STR_ARG(plant_id(plant)));
        list.scope = str_of(scope);
        status = ledger_read(plant_ledger(plant), list_one, &list, err);
    }
    struct digest digest;
    uint8_t bytes[DIGEST_BYTES];
    char hex[DIGEST_TEXT_MAX];
    digest_init(&digest);
    digest_add(&digest, list.text.data, list.text.size);
    digest_end(&digest, bytes);
    digest_text(bytes, hex);
    buf_printf(&list.text, "end %llu %s\n", (unsigned long long)list.count, hex);
    if (status >= 0) {
        status = list.text.overflow
                     ? err_set(err, ERR_LIMIT, MSG_BACKUP_PART_LARGE, ARGS(A_CSTR(path)))
                     : write_list(path, &list, err);
    }
    buf_fini(&list.text);
    return status;
}

/* ---- Reading ---- */

struct replay {
    struct str text; // The lines between the first and the last.
    struct str scope;
    struct str plant;
    uint64_t erased;
};

static bool parse_line(
    struct str line, struct str *ret_scope, struct str *ret_plant, struct erasure *ret_erasure) {
    *ret_scope = str_cut(&line, ' ');
    *ret_plant = str_cut(&line, ' ');
    bool good = str_to_i64(str_cut(&line, ' '), &ret_erasure->sequence);
    return good && digest_parse(line, ret_erasure->hash) &&
           (str_eq(*ret_scope, STR("hub")) || str_is_id(*ret_plant));
}

static int replay_tx(struct ledger_tx *tx, void *context, struct err *err) {
    struct replay *replay = context;
    replay->erased = 0; // Run again from the start if the ledger does.
    struct str rest = replay->text;
    while (rest.size > 0) {
        struct str scope;
        struct str plant;
        struct erasure erasure;
        if (!parse_line(str_cut(&rest, '\n'), &scope, &plant, &erasure)) {
            return err_set(err, ERR_CORRUPT, MSG_ERASURES_DAMAGED, NO_ARGS);
        }
        if (!str_eq(scope, replay->scope) || !str_eq(plant, replay->plant)) {
            continue;
        }
        int status = audit_erase_entry(tx, &erasure, err);
        if (status < 0) {
            return status;
        }
        replay->erased += (uint64_t)status;
    }
    return str_eq(replay->scope, STR("hub")) ? user_erase_again(tx, err) : 0;
}

static int replay_on(const char *path, enum ledger_kind kind, struct replay *replay,
    uint64_t *ret_erased, struct err *err) {
    struct ledger *ledger = NULL;
    if (!file_exists(path)) {
        return 0;
    }
    int status = ledger_open(path, kind, clock_system(), &ledger, err);
    status = status < 0 ? status : ledger_write(ledger, replay_tx, replay, err);
    ledger_close(ledger);
    *ret_erased += replay->erased;
    return status;
}

struct replay_walk {
    struct replay *replay;
    const char *home_dir;
    uint64_t *erased;
};

static int replay_plant(void *context, const char *name, struct err *err) {
    struct replay_walk *walk = context;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/plants/%s/ledger.db", walk->home_dir, name);
    walk->replay->scope = STR("plant");
    walk->replay->plant = str_of(name);
    return replay_on(buf_z(&path), LEDGER_PLANT, walk->replay, walk->erased, err);
}

/* Checks the frame of a list; *ret_lines are the lines between. */
static bool list_good(struct str text, struct str *ret_lines) {
    if (!str_starts(text, STR("maru-erasures 1\n")) || !str_ends(text, STR("\n"))) {
        return false;
    }
    size_t last = text.size - 1;
    while (last > 0 && text.data[last - 1] != '\n') {
        last--;
    }
    struct str end = str_slice(text, last, text.size - 1);
    uint8_t said[DIGEST_BYTES];
    uint8_t bytes[DIGEST_BYTES];
    uint64_t count = 0;
    bool good = str_eq(str_cut(&end, ' '), STR("end")) && str_to_u64(str_cut(&end, ' '), &count) &&
                digest_parse(end, said);
    struct digest digest;
    digest_init(&digest);
    digest_add(&digest, text.data, last);
    digest_end(&digest, bytes);
    *ret_lines = str_slice(text, sizeof "maru-erasures 1\n" - 1, last);
    return good && memcmp(said, bytes, sizeof said) == 0;
}

int erasures_replay(
    const char *list_path, const char *home_dir, uint64_t *ret_erased, struct err *err) {
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int status = file_open(files_system(), list_path, FILE_READ, &fd, err);
    status = status < 0 ? status : file_size(fd, list_path, &size, err);
    if (status >= 0 && size > LIST_BYTES_MAX) {
        status = err_set(err, ERR_LIMIT, MSG_BACKUP_PART_LARGE, ARGS(A_CSTR(list_path)));
    }
    if (status < 0) {
        return status;
    }
    AUTO_FREE char *bytes = mem_alloc(size + 1);
    status = file_read_at(fd, list_path, 0, bytes, size, err);
    struct replay replay = {.scope = STR("hub"), .plant = STR("-")};
    if (status >= 0 && !list_good((struct str){bytes, size}, &replay.text)) {
        return err_set(err, ERR_CORRUPT, MSG_ERASURES_DAMAGED, NO_ARGS);
    }
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/hub.db", home_dir);
    *ret_erased = 0;
    status = status < 0 ? status : replay_on(buf_z(&path), LEDGER_HUB, &replay, ret_erased, err);
    buf_clear(&path);
    buf_printf(&path, "%s/plants", home_dir);
    struct replay_walk walk = {.replay = &replay, .home_dir = home_dir, .erased = ret_erased};
    return status < 0 ? status : dir_each(buf_z(&path), replay_plant, &walk, err);
}
