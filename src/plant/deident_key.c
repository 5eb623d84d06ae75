/*
 * The key file is one line of text, "maru-plant-key-1 " and 64 hexadecimal digits, so that a person
 * can recognise it, print it and put it back. It is written under another name, synced and renamed:
 * a kill leaves either no key or a whole one.
 *
 * The order at first use is file, then fingerprint. A kill in between leaves a key without a
 * fingerprint; nothing can have used it yet, so it is taken as it is.
 */
#include "plant/deident_key.h"

#include <string.h>

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "ledger/keyed.h"

#define KEY_HEAD    "maru-plant-key-1 "
#define KEY_SETTING STR("deident.fingerprint")

enum {
    HEAD_BYTES = sizeof KEY_HEAD - 1,
    KEY_FILE_BYTES = HEAD_BYTES + 2 * KEYED_KEY_BYTES + 1, // And a line end.
    PRINT_TEXT = 2 * KEYED_HASH_BYTES,
};
_Static_assert((int)KEYED_KEY_BYTES == (int)DEIDENT_KEY_BYTES, "one key, two rooms");
_Static_assert((int)KEYED_HASH_BYTES == (int)DEIDENT_HASH_BYTES, "one hash, two rooms");

static void put_hex(const uint8_t *bytes, size_t count, char *to) {
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        to[2 * i] = DIGITS[bytes[i] >> 4];
        to[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
}

static bool read_digit(char c, uint8_t *ret_digit) {
    bool is_number = c >= '0' && c <= '9';
    if (!is_number && !(c >= 'a' && c <= 'f')) {
        return false;
    }
    *ret_digit = (uint8_t)(is_number ? c - '0' : c - 'a' + 10);
    return true;
}

static int key_path(
    const struct deident_place *place, const char *ending, struct buf *path, struct err *err) {
    buf_init(path, LIMIT_PATH_BYTES);
    buf_printf(path, "%s/%.*s.key%s", place->keys_dir, STR_ARG(place->plant_id), ending);
    return path->overflow
               ? err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(place->keys_dir)))
               : 0;
}

static int read_key(const char *path, uint8_t key[KEYED_KEY_BYTES], struct err *err) {
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    char text[KEY_FILE_BYTES];
    int status = file_open(files_system(), path, FILE_READ, &fd, err);
    status = status < 0 ? status : file_size(fd, path, &size, err);
    bool is_key = status >= 0 && size == KEY_FILE_BYTES;
    status = is_key ? file_read_at(fd, path, 0, text, sizeof text, err) : status;
    if (status < 0) {
        return status;
    }
    is_key = is_key && memcmp(text, KEY_HEAD, HEAD_BYTES) == 0;
    for (size_t i = 0; is_key && i < KEYED_KEY_BYTES; i++) {
        uint8_t high = 0;
        uint8_t low = 0;
        is_key = read_digit(text[HEAD_BYTES + 2 * i], &high) &&
                 read_digit(text[HEAD_BYTES + 2 * i + 1], &low);
        key[i] = (uint8_t)(high << 4 | low);
    }
    return is_key ? 0 : err_set(err, ERR_CORRUPT, MSG_PLANT_KEY_FORM, ARGS(A_CSTR(path)));
}

static int write_key(const struct deident_place *place, const char *path, struct err *err) {
    AUTO_BUF struct buf fresh;
    int status = key_path(place, ".new", &fresh, err);
    uint8_t key[KEYED_KEY_BYTES];
    char text[KEY_FILE_BYTES];
    memcpy(text, KEY_HEAD, HEAD_BYTES);
    keyed_new(key);
    put_hex(key, sizeof key, text + HEAD_BYTES);
    keyed_wipe(key);
    text[KEY_FILE_BYTES - 1] = '\n';
    AUTO_CLOSE int fd = -1;
    status = status < 0 ? status : dir_create(place->files, place->keys_dir, err);
    status = status < 0 ? status : file_remove(place->files, buf_z(&fresh), err);
    status =
        status < 0 ? status : file_open(place->files, buf_z(&fresh), FILE_CREATE_NEW, &fd, err);
    status = status < 0 ? status
                        : file_write_at(place->files, fd, buf_z(&fresh), 0, text, sizeof text, err);
    status = status < 0 ? status : file_sync(place->files, fd, buf_z(&fresh), err);
    status = status < 0 ? status : file_rename(place->files, buf_z(&fresh), path, err);
    return status < 0 ? status : dir_sync(place->files, place->keys_dir, err);
}

/* ---- The fingerprint ---- */

struct first_use {
    const struct deident_place *place;
    const char *path;
    uint8_t key[KEYED_KEY_BYTES];
};

static void fingerprint(const uint8_t key[KEYED_KEY_BYTES], char to[PRINT_TEXT]) {
    uint8_t hash[KEYED_HASH_BYTES];
    keyed_hash(key, STR("maru-fingerprint-1"), hash);
    put_hex(hash, sizeof hash, to);
}

/* Compares with the fingerprint that stands, or sets it. On the ledger's writer: one at a time. */
static int settle(struct ledger_tx *tx, void *context, struct err *err) {
    struct first_use *use = context;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct str known = STR_NONE;
    struct err absent = ERR_INIT;
    int status = plant_setting_get(tx, KEY_SETTING, &arena, &known, &absent);
    if (status == -ERR_NOT_FOUND && !file_exists(use->path)) {
        status = write_key(use->place, use->path, err);
        if (status < 0) {
            return status;
        }
        status = -ERR_NOT_FOUND;
    } else if (status < 0 && status != -ERR_NOT_FOUND) {
        *err = absent;
        return status;
    }
    bool is_new = status == -ERR_NOT_FOUND;
    if (!file_exists(use->path)) {
        return err_set(err, ERR_NOT_FOUND, MSG_PLANT_KEY_GONE, ARGS(A_CSTR(use->path)));
    }
    status = read_key(use->path, use->key, err);
    if (status < 0) {
        return status;
    }
    char text[PRINT_TEXT];
    fingerprint(use->key, text);
    struct str print = {text, sizeof text};
    if (!is_new && !str_eq(known, print)) {
        return err_set(err, ERR_CORRUPT, MSG_PLANT_KEY_OTHER, ARGS(A_CSTR(use->path)));
    }
    if (!is_new) {
        return 0;
    }
    status = plant_setting_put(tx, KEY_SETTING, print, err);
    return status < 0 ? status
                      : audit_append(tx, STR("maru"), STR("key.create"), use->place->plant_id,
                            STR("pseudonym key"), err);
}

int deident_key_load(const struct deident_place *place, struct str recipient,
    struct deident_key *ret_key, struct err *err) {
    AUTO_BUF struct buf path;
    int status = key_path(place, "", &path, err);
    if (status < 0) {
        return status;
    }
    struct first_use use = {.place = place, .path = buf_z(&path)};
    status = ledger_write(place->ledger, settle, &use, err);
    if (status >= 0) {
        ret_key->hash = keyed_hash;
        keyed_derive(use.key, recipient, ret_key->bytes);
    }
    keyed_wipe(use.key);
    return status < 0 ? status : 0;
}
