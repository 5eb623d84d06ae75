#ifndef PLANT_KEY_FILE_H
#define PLANT_KEY_FILE_H
/*
 * Files of HOME/keys (0600): a head that says what the key is for, and 32 random bytes. Any thread;
 * two that make the same file at once are kept apart by the caller.
 */
#include "core/file.h"
#include "ledger/keyed.h"

/* Lower-case hexadecimal, without a NUL; `to` takes two letters a byte. */
void key_hex(const uint8_t *bytes, size_t count, char *to);
/* ERR_NOT_FOUND, ERR_CORRUPT: not such a file. */
int key_file_read(
    const char *path, struct str head, uint8_t ret_key[KEYED_KEY_BYTES], struct err *err);
/* Makes a new key. What stood there is replaced. */
int key_file_write(
    struct files *files, const char *keys_dir, const char *path, struct str head, struct err *err);

#endif
