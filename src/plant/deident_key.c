/*
 * The key of a plant, in a file whose head is "maru-plant-key-1 " (key_file.h).
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
#include "plant/key_file.h"

#define KEY_HEAD    STR("maru-plant-key-1 ")
#define KEY_SETTING STR("deident.fingerprint")

enum { PRINT_TEXT = 2 * KEYED_HASH_BYTES };
_Static_assert((int)KEYED_KEY_BYTES == (int)DEIDENT_KEY_BYTES, "one key, two rooms");
_Static_assert((int)KEYED_HASH_BYTES == (int)DEIDENT_HASH_BYTES, "one hash, two rooms");

static int key_path(const struct deident_place *place, struct buf *path, struct err *err) {
    buf_init(path, LIMIT_PATH_BYTES);
    buf_printf(path, "%s/%.*s.key", place->keys_dir, STR_ARG(place->plant_id));
    return path->overflow
               ? err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(place->keys_dir)))
               : 0;
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
    key_hex(hash, sizeof hash, to);
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
        status = key_file_write(use->place->files, use->place->keys_dir, use->path, KEY_HEAD, err);
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
    status = key_file_read(use->path, KEY_HEAD, use->key, err);
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
    int status = key_path(place, &path, err);
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
