/*
 * Reading one file of the log: frame by frame, and over damaged places.
 *
 * A frame counts only if its head's checksum holds and the head names this file, so bytes that an
 * earlier life of the disk left behind are never taken for data. Zeros mean "never written": the
 * writer clears the space behind each group of frames. Anything else is damage; the reader then
 * looks at every following byte for the next head, since a head cannot be met by chance (a magic
 * number, a checksum and the file's number must agree: 1 in 2^96).
 */
#include <stdio.h>

#include "core/hash.h"
#include "core/mem.h"
#include "historian/bits.h"
#include "historian/wal.h"

enum { SKIP_WINDOW = 64 << 10 };

bool wal_name_parse(const char *name, uint64_t *ret_number) {
    struct str rest = str_of(name);
    if (rest.size != 24 || !str_starts(rest, STR("wal-")) || !str_ends(rest, STR(".log"))) {
        return false;
    }
    uint64_t number = 0;
    for (size_t i = 4; i < 20; i++) {
        char c = name[i];
        uint64_t digit = 0;
        if (c >= '0' && c <= '9') {
            digit = (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (uint64_t)(c - 'a') + 10;
        } else {
            return false;
        }
        number = number << 4 | digit;
    }
    *ret_number = number;
    return true;
}

int wal_file_open(struct files *files, const char *dir, const char *name, struct wal_file *ret_file,
    struct err *err) {
    *ret_file = (struct wal_file){.fd = -1, .offset = WAL_FILE_HEAD_BYTES};
    if (!wal_name_parse(name, &ret_file->number)) {
        return err_set(err, ERR_INVALID, MSG_LOG_HEAD_DAMAGED, ARGS(A_CSTR(name)));
    }
    (void)snprintf(ret_file->path, sizeof ret_file->path, "%s/%s", dir, name); // Checked on open.
    int rc = file_open(files, ret_file->path, FILE_READ, &ret_file->fd, err);
    if (rc < 0) {
        return rc;
    }
    rc = file_size(ret_file->fd, ret_file->path, &ret_file->limit, err);
    if (rc < 0) {
        file_close(ret_file->fd);
        ret_file->fd = -1;
        return rc;
    }
    buf_init(&ret_file->payload, WAL_FRAME_BYTES_MAX);
    return 0;
}

void wal_file_close(struct wal_file *file) {
    if (file->fd >= 0) {
        file_close(file->fd);
        buf_fini(&file->payload);
        file->fd = -1;
    }
}

static int file_payload_read(
    struct wal_file *file, const struct wal_frame_head *head, bool *ret_good, struct err *err) {
    buf_clear(&file->payload);
    uint8_t *to = buf_reserve(&file->payload, head->payload_size);
    if (to == NULL) {
        *ret_good = false; // Larger than any frame that was ever written.
        return 0;
    }
    int rc = file_read_at(
        file->fd, file->path, file->offset + WAL_FRAME_HEAD_BYTES, to, head->payload_size, err);
    if (rc < 0) {
        return rc;
    }
    buf_commit(&file->payload, head->payload_size);
    *ret_good = crc32c(0, to, head->payload_size) == head->payload_crc;
    return 0;
}

int wal_file_step(struct wal_file *file, bool want_payload, struct wal_frame_head *ret_head,
    enum wal_step *ret_step, struct err *err) {
    uint64_t left = file->limit > file->offset ? file->limit - file->offset : 0;
    uint8_t bytes[WAL_FRAME_HEAD_BYTES] = {0};
    if (left > 0) {
        size_t size = left < sizeof bytes ? (size_t)left : sizeof bytes;
        int rc = file_read_at(file->fd, file->path, file->offset, bytes, size, err);
        if (rc < 0) {
            return rc;
        }
    }
    struct wal_frame_head head = {0};
    enum wal_head_state state = wal_frame_head_read(bytes, &head);
    if (state == WAL_HEAD_END) {
        *ret_step = WAL_STEP_END;
        return 0;
    }
    bool good = state == WAL_HEAD_OK && head.file == (uint32_t)file->number &&
                head.payload_size <= left - WAL_FRAME_HEAD_BYTES && left > WAL_FRAME_HEAD_BYTES;
    if (good && want_payload) {
        int rc = file_payload_read(file, &head, &good, err);
        if (rc < 0) {
            return rc;
        }
    }
    if (!good) {
        *ret_step = WAL_STEP_DAMAGED;
        return 0;
    }
    file->offset += WAL_FRAME_HEAD_BYTES + head.payload_size;
    *ret_head = head;
    *ret_step = WAL_STEP_FRAME;
    return 0;
}

int wal_file_skip(struct wal_file *file, bool *ret_found, struct err *err) {
    AUTO_FREE uint8_t *window = mem_alloc(SKIP_WINDOW);
    uint64_t start = file->offset + 1;
    while (start + WAL_FRAME_HEAD_BYTES <= file->limit) {
        uint64_t left = file->limit - start;
        size_t size = left < SKIP_WINDOW ? (size_t)left : SKIP_WINDOW;
        int rc = file_read_at(file->fd, file->path, start, window, size, err);
        if (rc < 0) {
            return rc;
        }
        for (size_t i = 0; i + WAL_FRAME_HEAD_BYTES <= size; i++) {
            struct wal_frame_head head;
            if (window[i] == 'M' && wal_frame_head_read(window + i, &head) == WAL_HEAD_OK &&
                head.file == (uint32_t)file->number) {
                file->offset = start + i;
                *ret_found = true;
                return 0;
            }
        }
        start += size - (WAL_FRAME_HEAD_BYTES - 1);
    }
    *ret_found = false;
    return 0;
}
