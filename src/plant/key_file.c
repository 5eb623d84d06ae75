/*
 * A key file is one line of text, its head and 64 hexadecimal digits, so that a person can
 * recognise it, print it and put it back. It is written under another name, synced and renamed: a
 * kill leaves either no key or a whole one.
 */
#include "plant/key_file.h"

#include <string.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"

enum { HEAD_MAX = 32, KEY_FILE_MAX = HEAD_MAX + 2 * KEYED_KEY_BYTES + 1 };

void key_hex(const uint8_t *bytes, size_t count, char *to) {
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

int key_file_read(
    const char *path, struct str head, uint8_t ret_key[KEYED_KEY_BYTES], struct err *err) {
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    char text[KEY_FILE_MAX];
    size_t whole = head.size + 2 * (size_t)KEYED_KEY_BYTES + 1; // And a line end.
    int status = file_open(files_system(), path, FILE_READ, &fd, err);
    status = status < 0 ? status : file_size(fd, path, &size, err);
    bool is_key = status >= 0 && size == whole;
    status = is_key ? file_read_at(fd, path, 0, text, whole, err) : status;
    if (status < 0) {
        return status;
    }
    is_key = is_key && memcmp(text, head.data, head.size) == 0;
    for (size_t i = 0; is_key && i < KEYED_KEY_BYTES; i++) {
        uint8_t high = 0;
        uint8_t low = 0;
        is_key = read_digit(text[head.size + 2 * i], &high) &&
                 read_digit(text[head.size + 2 * i + 1], &low);
        ret_key[i] = (uint8_t)(high << 4 | low);
    }
    return is_key ? 0 : err_set(err, ERR_CORRUPT, MSG_PLANT_KEY_FORM, ARGS(A_CSTR(path)));
}

int key_file_write(
    struct files *files, const char *keys_dir, const char *path, struct str head, struct err *err) {
    AUTO_BUF struct buf fresh;
    buf_init(&fresh, LIMIT_PATH_BYTES);
    buf_printf(&fresh, "%s.new", path);
    if (fresh.overflow || head.size > HEAD_MAX) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(keys_dir)));
    }
    uint8_t key[KEYED_KEY_BYTES];
    char text[KEY_FILE_MAX];
    size_t whole = head.size + 2 * (size_t)KEYED_KEY_BYTES + 1;
    memcpy(text, head.data, head.size);
    keyed_new(key);
    key_hex(key, sizeof key, text + head.size);
    keyed_wipe(key);
    text[whole - 1] = '\n';
    AUTO_CLOSE int fd = -1;
    int status = dir_create(files, keys_dir, err);
    status = status < 0 ? status : file_remove(files, buf_z(&fresh), err);
    status = status < 0 ? status : file_open(files, buf_z(&fresh), FILE_CREATE_NEW, &fd, err);
    status = status < 0 ? status : file_write_at(files, fd, buf_z(&fresh), 0, text, whole, err);
    status = status < 0 ? status : file_sync(files, fd, buf_z(&fresh), err);
    status = status < 0 ? status : file_rename(files, buf_z(&fresh), path, err);
    return status < 0 ? status : dir_sync(files, keys_dir, err);
}
