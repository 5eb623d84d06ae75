/*
 * A log file as it lies: head, frames, batches, and what stands behind the end: zeros, or the bytes
 * of a file that was written over. Where bytes are neither a frame nor zeros, the next frame of
 * this file is looked for; without one it is a torn tail, or damage to the end.
 */
#include "core/hash.h"
#include "core/limits.h"
#include "historian/dump_out.h"
#include "historian/wal_code.h"

enum { SEARCH_BYTES = 64 << 10 };

struct log_walk {
    struct dump *dump;
    uint64_t at;
    uint32_t file; // Low half of its number: frames name it.
};

static void dump_batch(struct dump *dump, const struct batch *batch, size_t bytes) {
    bool text = false;
    for (uint32_t i = 0; i < batch->count; i++) {
        text = text || batch->rows[i].type == TYPE_TEXT;
    }
    dump_begin(dump, "batch");
    dump_int(dump, "bytes", (int64_t)bytes);
    dump_int(dump, "rows", batch->count);
    dump_int(dump, "text_bytes", batch->text_size);
    dump_int(dump, "source", batch->source);
    dump_int(dump, "asked", batch->request_ns);
    dump_int(dump, "answered", batch->reply_ns);
    if (batch->count > 0) {
        dump_int(dump, "first_tag", batch->rows[0].tag);
        dump_int(dump, "last_tag", batch->rows[batch->count - 1].tag);
        dump_int(dump, "first_time", batch->rows[0].time_ns);
        dump_int(dump, "last_time", batch->rows[batch->count - 1].time_ns);
    }
    dump_bool(dump, "texts", text);
    dump_end(dump);
}

static void dump_payload(
    struct log_walk *walk, const struct wal_frame_head *head, const uint8_t *payload) {
    struct dump *dump = walk->dump;
    uint64_t place = walk->at + WAL_FRAME_HEAD_BYTES;
    if (crc32c(0, payload, head->payload_size) != head->payload_crc) {
        dump_damage(dump, place, "payload-checksum");
        return;
    }
    struct reader from = reader_of(payload, head->payload_size);
    for (uint32_t i = 0; i < head->batch_count && dump->status >= 0; i++) {
        size_t before = reader_left(&from);
        if (wal_batch_read(&from, &dump->batch, NULL) < 0) {
            dump_damage(dump, place + head->payload_size - before, "batch");
            return;
        }
        dump_batch(dump, dump->batch, before - reader_left(&from));
    }
    if (reader_left(&from) != 0) {
        dump_damage(dump, place + head->payload_size - reader_left(&from), "bytes-left-in-frame");
    }
}

/* Counts frames of this file and of others from a place on; *ret_next: the first of this file. */
static void find_frames(struct log_walk *walk, uint64_t from, uint64_t *ret_next,
    uint64_t *ret_ours, uint64_t *ret_other) {
    uint64_t at = from;
    *ret_ours = 0;
    *ret_other = 0;
    while (at + WAL_FRAME_HEAD_BYTES <= walk->dump->size) {
        uint64_t left = walk->dump->size - at;
        size_t size = left < SEARCH_BYTES ? (size_t)left : SEARCH_BYTES;
        const uint8_t *window = dump_get(walk->dump, at, size);
        for (size_t i = 0; window != NULL && i + WAL_FRAME_HEAD_BYTES <= size; i++) {
            struct wal_frame_head head;
            if (window[i] != 'M' || wal_frame_head_read(window + i, &head) != WAL_HEAD_OK) {
                continue;
            }
            bool ours = head.file == walk->file;
            if (ours && *ret_ours == 0) {
                *ret_next = at + i;
            }
            *ret_ours += ours;
            *ret_other += !ours;
        }
        at += size - (WAL_FRAME_HEAD_BYTES - 1);
    }
}

static void dump_log_end(struct log_walk *walk) {
    uint64_t next = 0;
    uint64_t ours = 0;
    uint64_t other = 0;
    find_frames(walk, walk->at, &next, &ours, &other);
    dump_begin(walk->dump, "end");
    dump_int(walk->dump, "at", (int64_t)walk->at);
    dump_int(walk->dump, "bytes_behind", (int64_t)(walk->dump->size - walk->at));
    dump_int(walk->dump, "old_frames_behind", (int64_t)other);
    dump_end(walk->dump);
    if (ours > 0) {
        dump_damage(walk->dump, next, "frames-of-this-file-behind-its-end");
    }
}

/* Behind bytes that are no frame: the next one, or the end of the file. */
static void dump_log_gap(struct log_walk *walk) {
    uint64_t start = walk->at;
    uint64_t next = walk->dump->size;
    uint64_t ours = 0;
    uint64_t other = 0;
    find_frames(walk, start + 1, &next, &ours, &other);
    dump_damage(walk->dump, start, ours > 0 ? "no-frame" : "torn-tail-or-no-frame");
    walk->at = next;
}

/* One frame, or what stands in its place; false at the end. */
static bool dump_frame(struct log_walk *walk) {
    struct dump *dump = walk->dump;
    uint64_t left = dump->size - walk->at;
    uint8_t bytes[WAL_FRAME_HEAD_BYTES] = {0};
    size_t size = left < sizeof bytes ? (size_t)left : sizeof bytes;
    const uint8_t *from = dump_get(dump, walk->at, size);
    if (from != NULL) {
        memcpy(bytes, from, size);
    }
    struct wal_frame_head head = {0};
    enum wal_head_state state = wal_frame_head_read(bytes, &head);
    if (state == WAL_HEAD_END || left == 0) {
        dump_log_end(walk);
        return false;
    }
    if (state != WAL_HEAD_OK || head.file != walk->file ||
        left < (uint64_t)WAL_FRAME_HEAD_BYTES + head.payload_size) {
        dump_log_gap(walk);
        return walk->at < dump->size;
    }
    dump_begin(dump, "frame");
    dump_int(dump, "at", (int64_t)walk->at);
    dump_int(dump, "size", (int64_t)WAL_FRAME_HEAD_BYTES + head.payload_size);
    dump_int(dump, "first_seq", (int64_t)head.first_seq);
    dump_int(dump, "batches", head.batch_count);
    dump_hex(dump, "crc", head.payload_crc);
    const uint8_t *payload = dump_get(dump, walk->at + WAL_FRAME_HEAD_BYTES, head.payload_size);
    if (payload != NULL) {
        dump_payload(walk, &head, payload);
    } else {
        dump_damage(dump, walk->at, "unreadable");
    }
    dump_end(dump);
    walk->at += WAL_FRAME_HEAD_BYTES + head.payload_size;
    return true;
}

void dump_log(struct dump *dump, uint64_t number) {
    const uint8_t *bytes = dump_get(dump, 0, WAL_FILE_HEAD_BYTES);
    struct wal_file_head head = {0};
    enum wal_head_state state = bytes != NULL ? wal_file_head_read(bytes, &head) : WAL_HEAD_BAD;
    if (state != WAL_HEAD_OK) {
        dump_damage(dump, 0, state == WAL_HEAD_VERSION ? "later-version" : "head");
    } else {
        dump_begin(dump, "head");
        dump_int(dump, "number", (int64_t)head.number);
        dump_int(dump, "first_seq", (int64_t)head.first_seq);
        dump_bool(dump, "counts", number == 0 || head.number == number);
        dump_end(dump);
    }
    if (state == WAL_HEAD_VERSION || dump->size <= WAL_FILE_HEAD_BYTES) {
        return;
    }
    /* A head that names another file: let go, to be written over. Its frames are shown by it. */
    uint64_t named = state == WAL_HEAD_OK ? head.number : number;
    struct log_walk walk = {.dump = dump, .at = WAL_FILE_HEAD_BYTES, .file = (uint32_t)named};
    while (dump->status >= 0 && dump_frame(&walk)) {
    }
}
