/*
 * The write-ahead log: writing, and the list of its files.
 *
 * The leader of a commit hands over the frames of all who wait; they go out in one gathered write
 * and one fdatasync. So that small syncs do not change the file's metadata (its size and extents
 * would cost a second trip through the file system's journal), the space ahead of the write is
 * filled with zeros a megabyte at a time; a sync then only writes data. Frames above 256 KB carry
 * their own metadata cost anyway and fill nothing ahead.
 *
 * A file ends at 16 MB; the next one has the next number. After a failed write the file is cut back
 * to what was acknowledged. If even that fails, or a sync failed (after which the system's cache
 * cannot be trusted), the file is given up and the next append begins a new one, whose head says
 * with which number it begins: frames of older files at or above that number were never
 * acknowledged and do not count.
 *
 * Under load files fill within seconds, and then the file system's work for new space is most of a
 * sync. So the last two files that filled fast are kept when they are let go (spare-N.log) and
 * written over in place. Behind each group stand 32 zero bytes, the end for a reader; old frames
 * behind them name another file and never count. A file whose head names another file was taken
 * for reuse and not written yet: it holds nothing.
 */
#include "historian/wal.h"

#include <stdio.h>
#include <unistd.h>

#include "core/check.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/thread.h"
#include "historian/bits.h"

enum {
    WAL_FILE_BYTES = 16 << 20, // A new file begins beyond, unless the recovery plan says else.
    WAL_AHEAD_BYTES = 1 << 20, // Zeros written ahead of small frames.
    WAL_AHEAD_GROUP_MAX = 256 << 10,
    WAL_GROUP_MAX = 64, // Frames of one write.
    WAL_NAME_BYTES = 32,
    RENEW_BYTES = 256 << 10,
    SPARES_MAX = 2,
};
#define SPARE_FILLED_NS (60 * NS_PER_S) // A file that took longer to fill is not worth keeping.

struct wal_entry {
    uint64_t number;
    uint64_t first_seq; // 0: no batch.
    uint64_t last_seq;
    uint64_t end; // Durable bytes.
    uint64_t disk_bytes;
    uint32_t pins;
    bool filled_fast;
};

struct wal {
    struct files *files;
    const struct clock *clock;
    char dir[LIMIT_PATH_BYTES];
    /* The writer's: the open file. */
    int fd; // -1: the next write begins a file.
    char path[LIMIT_PATH_BYTES];
    uint64_t offset;
    uint64_t ahead_end; // Zeros are written up to here.
    uint64_t old_end;   // Old bytes are written over up to here; 0: a new file.
    int64_t begun_ns;   // Monotonic, when the file was begun.
    uint64_t next_number;
    uint8_t *zeros;
    uint64_t file_bytes; // A new file begins beyond.
    /* Under the lock. */
    struct mutex mutex;
    struct wal_entry *entries; // By number.
    uint32_t entry_count;
    uint32_t entry_capacity;
    uint32_t spares;      // spare-0.log to spare-(N-1).log wait to be written over.
    bool name_unsynced;   // A file was let go, and that is not durable yet.
    uint64_t open_number; // The file that is being written, the last entry then; 0: none.
    uint64_t seq;
    uint64_t sync_count;
    uint64_t sync_ns;
};

struct wal_reader {
    struct wal *wal;
    struct wal_file file; // fd < 0: none.
    uint64_t seq;         // Last number handed on.
};

static void wal_name(char to[static WAL_NAME_BYTES], uint64_t number) {
    (void)snprintf(to, WAL_NAME_BYTES, "wal-%016llx.log", (unsigned long long)number);
}

static void wal_path(const struct wal *wal, uint64_t number, char to[static LIMIT_PATH_BYTES]) {
    (void)snprintf(to, LIMIT_PATH_BYTES, "%.*s/wal-%016llx.log", LIMIT_PATH_BYTES - 64, wal->dir,
        (unsigned long long)number);
}

static void spare_path(const struct wal *wal, uint32_t index, char to[static LIMIT_PATH_BYTES]) {
    (void)snprintf(to, LIMIT_PATH_BYTES, "%.*s/spare-%u.log", LIMIT_PATH_BYTES - 64, wal->dir,
        (unsigned)index);
}

static void spares_drop(struct wal *wal) {
    for (uint32_t i = 0; i < SPARES_MAX; i++) {
        char path[LIMIT_PATH_BYTES];
        spare_path(wal, i, path);
        (void)file_remove(
            wal->files, path, NULL); // It holds nothing; the next opening tries again.
    }
    wal->spares = 0;
}

static struct wal_entry *wal_entry_add(struct wal *wal, uint64_t number) {
    if (wal->entry_count == wal->entry_capacity) {
        wal->entry_capacity = wal->entry_capacity > 0 ? wal->entry_capacity * 2 : 16;
        wal->entries = mem_resize(wal->entries, wal->entry_capacity * sizeof *wal->entries);
    }
    struct wal_entry *entry = &wal->entries[wal->entry_count++];
    *entry = (struct wal_entry){.number = number};
    return entry;
}

/* Gives up the open file: what it holds up to `end` stands, the next write begins another. */
static void wal_file_leave(struct wal *wal) {
    (void)file_truncate(wal->files, wal->fd, wal->path, wal->offset, NULL); // Zeros, or nothing.
    file_close(wal->fd);
    wal->fd = -1;
    mutex_lock(&wal->mutex);
    wal->open_number = 0;
    wal->entries[wal->entry_count - 1].filled_fast =
        wal->offset >= wal->file_bytes / 2 &&
        clock_mono_ns(wal->clock) - wal->begun_ns < SPARE_FILLED_NS;
    mutex_unlock(&wal->mutex);
}

/* ---- Recovery ---- */

struct recovering {
    struct wal *wal;
    struct wal_recovery *plan;
    struct wal_file file;
    struct batch *batch;
    uint64_t first_seq; // The file begins here by its head; 0: not known.
    uint64_t stop_seq;  // The next file begins here: higher numbers do not count. 0: no bound.
    bool last;          // The last file: its tail may be torn.
    uint64_t start;     // Where the file's last frame begins.
    uint64_t frames;
};

static void notice(
    struct wal_recovery *plan, enum err_code code, enum msg_id msg, const struct arg *args) {
    struct err what = ERR_INIT;
    (void)err_set(&what, code, msg, args);
    plan->notice(plan->context, &what);
}

/* Whether all of its batches can be read. Its checksum is good, so what cannot was written so; that
 * must not keep the others shut. */
static bool frame_is_sound(struct recovering *now, const struct wal_frame_head *head) {
    struct reader payload = reader_of(now->file.payload.data, now->file.payload.size);
    bool sound = true;
    for (uint32_t i = 0; i < head->batch_count && sound; i++) {
        sound = wal_batch_read(&payload, &now->batch, NULL) == 0;
    }
    return sound && reader_left(&payload) == 0;
}

static int frame_apply(
    struct recovering *now, const struct wal_frame_head *head, uint64_t start, struct err *err) {
    if (head->first_seq + head->batch_count - 1 <= now->plan->sealed_seq) {
        return 0; // In segments, all of it.
    }
    if (!frame_is_sound(now, head)) {
        notice(now->plan, ERR_CORRUPT, MSG_LOG_DAMAGED,
            ARGS(A_CSTR(now->file.path), A_INT(start), A_INT(head->first_seq),
                A_INT(head->first_seq + head->batch_count - 1)));
        return 0;
    }
    struct reader payload = reader_of(now->file.payload.data, now->file.payload.size);
    for (uint32_t i = 0; i < head->batch_count; i++) {
        int rc = wal_batch_read(&payload, &now->batch, err);
        if (rc == 0) {
            now->batch->seq = head->first_seq + i;
            rc = now->batch->seq > now->plan->sealed_seq
                     ? now->plan->each(now->plan->context, now->batch, err)
                     : 0;
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* Bytes from `offset` to the last one that is not zero. */
static int torn_size(const struct wal_file *file, uint64_t *ret_size, struct err *err) {
    AUTO_FREE uint8_t *bytes = mem_alloc(64 << 10);
    uint64_t size = 0;
    for (uint64_t at = file->offset; at < file->limit;) {
        uint64_t left = file->limit - at;
        size_t part = left < 64 << 10 ? (size_t)left : 64 << 10;
        int rc = file_read_at(file->fd, file->path, at, bytes, part, err);
        if (rc < 0) {
            return rc;
        }
        for (size_t i = 0; i < part; i++) {
            if (bytes[i] != 0) {
                size = at + i + 1 - file->offset;
            }
        }
        at += part;
    }
    *ret_size = size;
    return 0;
}

static int tail_cut(struct recovering *now, struct err *err) {
    uint64_t size = 0;
    int rc = torn_size(&now->file, &size, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_CLOSE int fd = -1;
    struct files *files = now->wal->files;
    rc = file_open(files, now->file.path, FILE_WRITE, &fd, err);
    rc = rc < 0 ? rc : file_truncate(files, fd, now->file.path, now->file.offset, err);
    rc = rc < 0 ? rc : file_sync(files, fd, now->file.path, err);
    if (rc < 0) {
        return rc;
    }
    now->file.limit = now->file.offset;
    now->plan->torn_bytes += size;
    notice(now->plan, ERR_PARTIAL, MSG_LOG_TAIL_CUT, ARGS(A_CSTR(now->file.path), A_INT(size)));
    return 0;
}

/* A damaged place: 1 when reading goes on behind it, 0 when the file ends here. */
static int damage_pass(struct recovering *now, uint64_t expected, struct err *err) {
    uint64_t place = now->file.offset;
    bool found = false;
    int rc = wal_file_skip(&now->file, &found, err);
    if (rc < 0) {
        return rc;
    }
    if (found) {
        uint64_t offset = now->file.offset;
        struct wal_frame_head head = {0};
        enum wal_step step = WAL_STEP_END;
        rc = wal_file_step(&now->file, false, &head, &step, err);
        now->file.offset = offset;
        if (rc < 0) {
            return rc;
        }
        if (head.first_seq > expected) {
            notice(now->plan, ERR_CORRUPT, MSG_LOG_DAMAGED,
                ARGS(A_CSTR(now->file.path), A_INT(place), A_INT(expected),
                    A_INT(head.first_seq - 1)));
        }
        return 1;
    }
    now->file.offset = place;
    if (now->last) {
        return tail_cut(now, err);
    }
    if (now->stop_seq > expected) {
        notice(now->plan, ERR_CORRUPT, MSG_LOG_DAMAGED,
            ARGS(A_CSTR(now->file.path), A_INT(place), A_INT(expected), A_INT(now->stop_seq - 1)));
    }
    return 0;
}

/* Zeros where the next file says that there were batches: damage too. */
static bool end_is_early(const struct recovering *now, uint64_t expected) {
    return now->stop_seq > expected && expected > 0;
}

/* The first frame of all continues what is sealed; else a file before it was lost. */
static void start_judge(
    const struct recovering *now, const struct wal_frame_head *head, uint64_t start) {
    uint64_t sealed_seq = now->plan->sealed_seq;
    if (now->wal->seq == 0 && start == WAL_FILE_HEAD_BYTES && head->first_seq > sealed_seq + 1) {
        notice(now->plan, ERR_CORRUPT, MSG_LOG_MISSING,
            ARGS(A_CSTR(now->file.path), A_INT(sealed_seq + 1), A_INT(head->first_seq - 1)));
    }
}

/* The number that comes next. Of the first file its head tells: what went before was let go. */
static uint64_t expected_seq(const struct recovering *now) {
    bool begun = now->wal->seq > 0 || now->first_seq == 0;
    return begun ? now->wal->seq + 1 : now->first_seq;
}

static int recover_frames(struct recovering *now, struct wal_entry *entry, struct err *err) {
    struct wal *wal = now->wal;
    for (;;) {
        uint64_t expected = expected_seq(now);
        if (now->stop_seq > 0 && expected >= now->stop_seq) {
            return 0; // What follows was never acknowledged: the next file took these numbers.
        }
        struct wal_frame_head head = {0};
        enum wal_step step = WAL_STEP_END;
        uint64_t start = now->file.offset;
        int rc = wal_file_step(&now->file, true, &head, &step, err);
        if (rc < 0) {
            return rc;
        }
        if (step == WAL_STEP_END && !end_is_early(now, expected)) {
            return 0;
        }
        if (step != WAL_STEP_FRAME) {
            rc = damage_pass(now, expected, err);
            if (rc <= 0) {
                return rc;
            }
            continue;
        }
        if (now->stop_seq > 0 && head.first_seq >= now->stop_seq) {
            return 0; // Never acknowledged: the next file took these numbers.
        }
        if (head.first_seq < expected && entry->first_seq > 0) {
            continue; // Left behind by a write that failed.
        }
        start_judge(now, &head, start);
        rc = frame_apply(now, &head, start, err);
        if (rc < 0) {
            return rc;
        }
        entry->first_seq = entry->first_seq > 0 ? entry->first_seq : head.first_seq;
        entry->last_seq = head.first_seq + head.batch_count - 1;
        entry->end = now->file.offset;
        now->start = start;
        now->frames++;
        wal->seq = entry->last_seq > wal->seq ? entry->last_seq : wal->seq;
    }
}

/* Writes the last frame again, byte for byte, and syncs it. Its sync may have failed before the
 * process went; then the system's memory has it, the disk may not, and a second sync of the same
 * pages does nothing. Those before it are certain: a file is given up when a sync fails. What
 * cannot be written now is no worse than before: nobody was told that it is stored. */
static int group_renew(struct recovering *now, uint64_t end, struct err *err) {
    if (now->frames == 0) {
        return 0;
    }
    uint64_t start = now->frames == 1 ? 0 : now->start; // The first one came with the head.
    AUTO_CLOSE int fd = -1;
    struct files *files = now->wal->files;
    if (file_open(files, now->file.path, FILE_WRITE, &fd, NULL) < 0) {
        return 0; // A home that may only be read.
    }
    AUTO_FREE uint8_t *bytes = mem_alloc(RENEW_BYTES);
    for (uint64_t at = start; at < end;) {
        size_t part = end - at < RENEW_BYTES ? (size_t)(end - at) : RENEW_BYTES;
        int rc = file_read_at(fd, now->file.path, at, bytes, part, err);
        if (rc < 0) {
            return rc;
        }
        if (file_write_at(files, fd, now->file.path, at, bytes, part, NULL) < 0) {
            return 0;
        }
        at += part;
    }
    return file_sync(files, fd, now->file.path, err);
}

/* Reads a file's head. A damaged one is reported; the frames name their file themselves. */
static int recover_head(struct wal_file *file, struct wal_file_head *ret_head,
    enum wal_head_state *ret_state, struct err *err) {
    uint8_t bytes[WAL_FILE_HEAD_BYTES] = {0};
    size_t size = file->limit < sizeof bytes ? (size_t)file->limit : sizeof bytes;
    int rc = size > 0 ? file_read_at(file->fd, file->path, 0, bytes, size, err) : 0;
    if (rc < 0) {
        return rc;
    }
    *ret_state = wal_file_head_read(bytes, ret_head);
    if (*ret_state == WAL_HEAD_VERSION) {
        return err_set(err, ERR_VERSION, MSG_LOG_VERSION, ARGS(A_CSTR(file->path)));
    }
    if (*ret_state == WAL_HEAD_OK && ret_head->number != file->number) {
        *ret_state = WAL_HEAD_END; // Taken for reuse, not written yet.
    }
    return 0;
}

/* With which number a file begins; 0 when that is not known. *ret_empty: nothing was ever written
 * to it, so the one after it tells. */
static int file_first_seq(
    struct wal *wal, uint64_t number, uint64_t *ret_first_seq, bool *ret_empty, struct err *err) {
    char name[WAL_NAME_BYTES];
    wal_name(name, number);
    struct wal_file file;
    int rc = wal_file_open(wal->files, wal->dir, name, &file, err);
    if (rc < 0) {
        return rc;
    }
    struct wal_file_head head = {0};
    enum wal_head_state state = WAL_HEAD_END;
    rc = recover_head(&file, &head, &state, err);
    *ret_empty = state == WAL_HEAD_END && (head.number != 0 || file.limit == 0);
    *ret_first_seq = state == WAL_HEAD_OK ? head.first_seq : 0;
    wal_file_close(&file);
    return rc;
}

/* With which number the files behind `index` begin; 0 when that is not known. */
static int next_first_seq(
    struct wal *wal, uint32_t index, uint64_t *ret_first_seq, struct err *err) {
    bool empty = true;
    int rc = 0;
    for (uint32_t i = index + 1; i < wal->entry_count && empty && rc == 0; i++) {
        rc = file_first_seq(wal, wal->entries[i].number, ret_first_seq, &empty, err);
    }
    return rc;
}

static int recover_file(struct recovering *now, uint32_t index, struct err *err) {
    struct wal *wal = now->wal;
    struct wal_entry *entry = &wal->entries[index];
    char name[WAL_NAME_BYTES];
    wal_name(name, entry->number);
    int rc = wal_file_open(wal->files, wal->dir, name, &now->file, err);
    if (rc < 0) {
        return rc;
    }
    entry->disk_bytes = now->file.limit;
    entry->end = WAL_FILE_HEAD_BYTES;
    struct wal_file_head head = {0};
    enum wal_head_state state = WAL_HEAD_END;
    rc = file_sync(wal->files, now->file.fd, now->file.path, err);
    rc = rc < 0 ? rc : recover_head(&now->file, &head, &state, err);
    now->last = index + 1 == wal->entry_count;
    now->first_seq = state == WAL_HEAD_OK ? head.first_seq : 0;
    now->stop_seq = 0;
    now->frames = 0;
    if (rc == 0 && !now->last) {
        rc = next_first_seq(wal, index, &now->stop_seq, err);
    }
    bool unwritten = state == WAL_HEAD_END && head.number != 0;
    if (rc == 0 && now->file.limit > WAL_FILE_HEAD_BYTES && !unwritten) {
        rc = recover_frames(now, entry, err);
        rc = rc == 0 && now->stop_seq == 0 ? group_renew(now, entry->end, err) : rc;
    }
    if (rc == 0 && state == WAL_HEAD_BAD && entry->first_seq > 0) {
        /* Without any frame it is a first write that was not finished. */
        notice(now->plan, ERR_CORRUPT, MSG_LOG_HEAD_DAMAGED, ARGS(A_CSTR(now->file.path)));
    }
    wal_file_close(&now->file);
    return rc;
}

static int list_file(void *context, const char *name, struct err *err) {
    (void)err; // Names that are not ours are left alone.
    struct wal *wal = context;
    uint64_t number = 0;
    if (wal_name_parse(name, &number)) {
        (void)wal_entry_add(wal, number);
        wal->next_number = number + 1;
    }
    return 0;
}

/* Files without a batch have nothing to keep; later batches go to new files. */
static void drop_empty_files(struct wal *wal) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < wal->entry_count; i++) {
        if (wal->entries[i].first_seq > 0) {
            wal->entries[kept++] = wal->entries[i];
            continue;
        }
        char path[LIMIT_PATH_BYTES];
        wal_path(wal, wal->entries[i].number, path);
        (void)file_remove(wal->files, path, NULL); // If it stays it is empty the next time too.
    }
    wal->entry_count = kept;
}

int wal_open(struct files *files, const struct clock *clock, const char *dir,
    struct wal_recovery *recovery, struct wal **ret_wal, struct err *err) {
    struct wal *wal = MEM_NEW(struct wal);
    wal->files = files;
    wal->clock = clock;
    wal->fd = -1;
    wal->next_number = 1;
    wal->file_bytes = recovery->file_bytes > 0 ? recovery->file_bytes : WAL_FILE_BYTES;
    wal->name_unsynced = true; // Who had the folder before may have let files go.
    wal->zeros = mem_zero(1, WAL_AHEAD_BYTES);
    mutex_init(&wal->mutex);
    (void)str_copy_z(str_of(dir), wal->dir, sizeof wal->dir);
    int rc = dir_each(dir, list_file, wal, err);
    struct recovering now = {.wal = wal, .plan = recovery, .file = {.fd = -1}};
    for (uint32_t i = 0; rc >= 0 && i < wal->entry_count; i++) {
        rc = recover_file(&now, i, err);
    }
    batch_free(now.batch);
    if (rc < 0) {
        wal_close(wal, 0);
        return rc;
    }
    wal->seq = wal->seq > recovery->sealed_seq ? wal->seq : recovery->sealed_seq;
    drop_empty_files(wal);
    spares_drop(wal);
    *ret_wal = wal;
    return 0;
}

void wal_close(struct wal *wal, uint64_t passed_seq) {
    if (wal == NULL) {
        return;
    }
    if (wal->fd >= 0) {
        /* Only zeros are cut; when it fails they stay, which recovery reads as the end. */
        wal_file_leave(wal);
    }
    if (passed_seq > 0) {
        wal_release(wal, passed_seq);
        spares_drop(wal);
    }
    mutex_fini(&wal->mutex);
    mem_free(wal->entries);
    mem_free(wal->zeros);
    mem_free(wal);
}

/* ---- Writing ---- */

/* Makes a spare file the next one; *ret_size: how much of it is written over. False: there is none,
 * or it cannot be had. */
static bool wal_spare_take(struct wal *wal, int *ret_fd, uint64_t *ret_size) {
    char spare[LIMIT_PATH_BYTES];
    wal_path(wal, wal->next_number, wal->path);
    mutex_lock(&wal->mutex);
    bool taken = wal->spares > 0;
    if (taken) {
        spare_path(wal, --wal->spares, spare);
        taken = file_rename(wal->files, spare, wal->path, NULL) == 0;
    }
    mutex_unlock(&wal->mutex);
    if (!taken) {
        return false;
    }
    wal->next_number++; // A number is used once, also when the next step fails.
    if (file_open(wal->files, wal->path, FILE_WRITE, ret_fd, NULL) == 0) {
        if (file_size(*ret_fd, wal->path, ret_size, NULL) == 0) {
            return true;
        }
        file_close(*ret_fd);
    }
    (void)file_remove(wal->files, wal->path, NULL); // It holds nothing; recovery drops it too.
    return false;
}

static int wal_file_begin(struct wal *wal, struct err *err) {
    int fd = -1;
    int rc = 0;
    wal->old_end = 0;
    if (!wal_spare_take(wal, &fd, &wal->old_end)) {
        wal_path(wal, wal->next_number, wal->path);
        rc = file_open(wal->files, wal->path, FILE_CREATE_NEW, &fd, err);
        if (rc < 0) {
            return rc;
        }
        wal->next_number++; // As above.
    }
    uint64_t number = wal->next_number - 1;
    wal->begun_ns = clock_mono_ns(wal->clock);
    rc = dir_sync(wal->files, wal->dir, err);
    if (rc < 0) {
        file_close(fd);
        (void)file_remove(wal->files, wal->path, NULL); // It is empty; recovery drops it too.
        return rc;
    }
    wal->fd = fd;
    wal->offset = 0;
    wal->ahead_end = 0;
    mutex_lock(&wal->mutex);
    (void)wal_entry_add(wal, number);
    wal->open_number = number;
    mutex_unlock(&wal->mutex);
    return 0;
}

/* Takes a write back that failed. */
static void wal_write_undo(struct wal *wal, bool synced_badly) {
    wal->ahead_end = wal->offset;
    wal->old_end = 0;
    int rc = file_truncate(wal->files, wal->fd, wal->path, wal->offset, NULL);
    if (rc == 0 && !synced_badly && wal->offset > 0) {
        return;
    }
    file_close(wal->fd);
    wal->fd = -1;
    mutex_lock(&wal->mutex);
    wal->open_number = 0;
    struct wal_entry *entry = &wal->entries[wal->entry_count - 1];
    /* Its head names numbers that others take. Where it cannot be removed it keeps its place, and
     * no file behind it is let go: that one says where the numbers of this one end. */
    if (entry->first_seq == 0 && file_remove(wal->files, wal->path, NULL) == 0) {
        wal->name_unsynced = true;
        wal->entry_count--;
    }
    mutex_unlock(&wal->mutex);
}

static int wal_sync(struct wal *wal, struct err *err) {
    int64_t start_ns = clock_mono_ns(wal->clock);
    int rc = file_sync(wal->files, wal->fd, wal->path, err);
    int64_t spent_ns = clock_mono_ns(wal->clock) - start_ns;
    mutex_lock(&wal->mutex);
    wal->sync_count++;
    wal->sync_ns += (uint64_t)spent_ns;
    mutex_unlock(&wal->mutex);
    return rc;
}

/* Zeros to write behind a group that ends at `end`: a terminator at least. */
static size_t wal_ahead_size(const struct wal *wal, uint64_t end, uint64_t group_size) {
    if (end + WAL_FRAME_HEAD_BYTES <= wal->ahead_end) {
        return 0;
    }
    bool end_only = group_size > WAL_AHEAD_GROUP_MAX || end < wal->old_end;
    return end_only ? WAL_FRAME_HEAD_BYTES : WAL_AHEAD_BYTES;
}

/* One frame for all, so that no cut can leave the later half of a group: it would look like damage
 * before it. Returns how many parts it has. */
static int group_frame(
    struct wal *wal, struct wal_frame *const *frames, uint32_t count, struct iovec *vector) {
    struct wal_frame_head head = {.first_seq = frames[0]->first_seq,
        .payload_crc = frames[0]->payload_crc,
        .file = (uint32_t)(wal->next_number - 1)};
    for (uint32_t i = 0; i < count; i++) {
        const struct buf *payload = &frames[i]->payload;
        if (i > 0) {
            head.payload_crc = crc32c(head.payload_crc, payload->data, payload->size);
        }
        head.payload_size += (uint32_t)payload->size;
        head.batch_count += frames[i]->batch_count;
        vector[i + 1] = (struct iovec){.iov_base = payload->data, .iov_len = payload->size};
    }
    wal_frame_head_write(frames[0]->head, &head);
    vector[0] = (struct iovec){.iov_base = frames[0]->head, .iov_len = sizeof frames[0]->head};
    return (int)count + 1;
}

static int wal_group_write(struct wal *wal, struct wal_frame *const *frames, uint32_t count,
    uint64_t size, struct err *err) {
    struct iovec vector[WAL_GROUP_MAX + 3];
    int used = 0;
    uint8_t file_head[WAL_FILE_HEAD_BYTES];
    uint64_t end = wal->offset + size;
    if (wal->offset == 0) {
        struct wal_file_head head = {
            .number = wal->next_number - 1, .first_seq = frames[0]->first_seq};
        wal_file_head_write(file_head, &head);
        vector[used++] = (struct iovec){.iov_base = file_head, .iov_len = sizeof file_head};
        end += sizeof file_head;
    }
    used += group_frame(wal, frames, count, vector + used);
    size_t ahead = wal_ahead_size(wal, end, size);
    if (ahead > 0) {
        vector[used++] = (struct iovec){.iov_base = wal->zeros, .iov_len = ahead};
    }
    int rc = file_writev_at(wal->files, wal->fd, wal->path, wal->offset, vector, used, err);
    if (rc < 0) {
        wal_write_undo(wal, false);
        return rc;
    }
    rc = wal_sync(wal, err);
    if (rc < 0) {
        wal_write_undo(wal, true);
        return rc;
    }
    wal->offset = end;
    wal->ahead_end = ahead > 0 ? end + ahead : wal->ahead_end;
    return 0;
}

static void wal_group_publish(struct wal *wal, uint64_t first_seq, uint64_t last_seq) {
    mutex_lock(&wal->mutex);
    struct wal_entry *entry = &wal->entries[wal->entry_count - 1];
    entry->first_seq = entry->first_seq > 0 ? entry->first_seq : first_seq;
    entry->last_seq = last_seq;
    entry->end = wal->offset;
    entry->disk_bytes = wal->ahead_end > wal->offset ? wal->ahead_end : wal->offset;
    entry->disk_bytes = wal->old_end > entry->disk_bytes ? wal->old_end : entry->disk_bytes;
    wal->seq = last_seq;
    mutex_unlock(&wal->mutex);
}

int wal_write(struct wal *wal, struct wal_frame *const *frames, uint32_t count, struct err *err) {
    CHECK(count > 0 && count <= WAL_GROUP_MAX);
    uint64_t size = WAL_FRAME_HEAD_BYTES;
    uint64_t seq = wal_seq(wal);
    uint64_t first_seq = seq + 1;
    for (uint32_t i = 0; i < count; i++) {
        frames[i]->first_seq = seq + 1;
        seq += frames[i]->batch_count;
        size += frames[i]->payload.size;
    }
    CHECK(count == 1 || size <= WAL_FRAME_BYTES_MAX);
    if (wal->fd >= 0 && wal->offset + size > wal->file_bytes) {
        wal_file_leave(wal);
    }
    int rc = wal->fd < 0 ? wal_file_begin(wal, err) : 0;
    rc = rc < 0 ? rc : wal_group_write(wal, frames, count, size, err);
    if (rc < 0) {
        return rc;
    }
    wal_group_publish(wal, first_seq, seq);
    return 0;
}

uint64_t wal_seq(struct wal *wal) {
    mutex_lock(&wal->mutex);
    uint64_t seq = wal->seq;
    mutex_unlock(&wal->mutex);
    return seq;
}

/* Keeps a file that is let go for later. Under the lock. */
static bool wal_spare_keep(struct wal *wal, const struct wal_entry *entry, const char *path) {
    if (!entry->filled_fast || wal->spares == SPARES_MAX) {
        return false;
    }
    char spare[LIMIT_PATH_BYTES];
    spare_path(wal, wal->spares, spare);
    bool kept = file_rename(wal->files, path, spare, NULL) == 0;
    wal->spares += kept;
    return kept;
}

void wal_release(struct wal *wal, uint64_t passed_seq) {
    mutex_lock(&wal->mutex);
    uint32_t gone = 0;
    while (gone < wal->entry_count) {
        const struct wal_entry *entry = &wal->entries[gone];
        if (entry->number == wal->open_number || entry->pins > 0 || entry->last_seq > passed_seq) {
            break;
        }
        char path[LIMIT_PATH_BYTES];
        wal_path(wal, entry->number, path);
        /* They go in order, also on a disk that orders nothing by itself: a gap in the log would
         * look like damage. */
        if (wal->name_unsynced && dir_sync(wal->files, wal->dir, NULL) < 0) {
            break; // Tried again the next time.
        }
        wal->name_unsynced = false;
        if (!wal_spare_keep(wal, entry, path) && file_remove(wal->files, path, NULL) < 0) {
            break;
        }
        wal->name_unsynced = true;
        gone++;
    }
    if (gone > 0) {
        wal->entry_count -= gone;
        memmove(wal->entries, wal->entries + gone, wal->entry_count * sizeof *wal->entries);
    }
    mutex_unlock(&wal->mutex);
}

void wal_counts(struct wal *wal, struct wal_counts *ret_counts) {
    mutex_lock(&wal->mutex);
    *ret_counts = (struct wal_counts){.sync_count = wal->sync_count, .sync_ns = wal->sync_ns};
    for (uint32_t i = 0; i < wal->entry_count; i++) {
        ret_counts->bytes += wal->entries[i].disk_bytes;
    }
    ret_counts->bytes += wal->spares * wal->file_bytes;
    mutex_unlock(&wal->mutex);
}

/* ---- Reading in order ---- */

uint64_t wal_kept_seq(struct wal *wal) {
    mutex_lock(&wal->mutex);
    uint64_t kept = wal->seq;
    for (uint32_t i = 0; i < wal->entry_count; i++) {
        if (wal->entries[i].first_seq > 0) {
            kept = wal->entries[i].first_seq - 1;
            break;
        }
    }
    mutex_unlock(&wal->mutex);
    return kept;
}

int wal_reader_open(
    struct wal *wal, uint64_t seq, struct wal_reader **ret_reader, struct err *err) {
    uint64_t kept_from = wal_kept_seq(wal) + 1;
    if (seq + 1 < kept_from) {
        return err_set(err, ERR_NOT_FOUND, MSG_LOG_GONE, ARGS(A_INT(seq + 1), A_INT(kept_from)));
    }
    struct wal_reader *reader = MEM_NEW(struct wal_reader);
    reader->wal = wal;
    reader->file.fd = -1;
    reader->seq = seq;
    *ret_reader = reader;
    return 0;
}

static void reader_leave(struct wal_reader *reader) {
    if (reader->file.fd < 0) {
        return;
    }
    struct wal *wal = reader->wal;
    mutex_lock(&wal->mutex);
    for (uint32_t i = 0; i < wal->entry_count; i++) {
        if (wal->entries[i].number == reader->file.number) {
            wal->entries[i].pins--;
        }
    }
    mutex_unlock(&wal->mutex);
    wal_file_close(&reader->file);
}

/* Finds the file that holds the next number: 1 found and *ret_entry filled, else 0. */
static int reader_find(struct wal_reader *reader, struct wal_entry *ret_entry) {
    struct wal *wal = reader->wal;
    int found = 0;
    mutex_lock(&wal->mutex);
    for (uint32_t i = 0; i < wal->entry_count && found == 0; i++) {
        struct wal_entry *entry = &wal->entries[i];
        if (entry->first_seq > 0 && entry->last_seq > reader->seq) {
            found = 1;
            entry->pins += entry->number != reader->file.number || reader->file.fd < 0;
            *ret_entry = *entry;
        }
    }
    mutex_unlock(&wal->mutex);
    return found;
}

/* Puts the reader on the file that `entry` names; it is pinned already. */
static int reader_enter(struct wal_reader *reader, const struct wal_entry *entry, struct err *err) {
    if (reader->file.fd < 0 || reader->file.number != entry->number) {
        reader_leave(reader);
        char name[WAL_NAME_BYTES];
        wal_name(name, entry->number);
        int rc = wal_file_open(reader->wal->files, reader->wal->dir, name, &reader->file, err);
        if (rc < 0) {
            mutex_lock(&reader->wal->mutex);
            for (uint32_t i = 0; i < reader->wal->entry_count; i++) {
                reader->wal->entries[i].pins -= reader->wal->entries[i].number == entry->number;
            }
            mutex_unlock(&reader->wal->mutex);
            return rc;
        }
    }
    reader->file.limit = entry->end;
    return 0;
}

int wal_reader_next(struct wal_reader *reader, struct wal_frame_head *ret_head,
    struct reader *ret_payload, struct err *err) {
    struct wal_entry entry;
    while (reader_find(reader, &entry) > 0) {
        int rc = reader_enter(reader, &entry, err);
        if (rc < 0) {
            return rc;
        }
        struct wal_frame_head head = {0};
        enum wal_step step = WAL_STEP_END;
        rc = wal_file_step(&reader->file, true, &head, &step, err);
        if (rc < 0) {
            return rc;
        }
        if (step == WAL_STEP_FRAME) {
            uint64_t last = head.first_seq + head.batch_count - 1;
            if (last <= reader->seq) {
                continue;
            }
            reader->seq = last;
            *ret_head = head;
            *ret_payload = reader_of(reader->file.payload.data, reader->file.payload.size);
            return 1;
        }
        bool found = false;
        rc = wal_file_skip(&reader->file, &found, err);
        if (rc < 0) {
            return rc;
        }
        if (!found) {
            reader->seq = entry.last_seq; // Damage at the end of a file: recovery named it.
        }
    }
    return 0;
}

void wal_reader_close(struct wal_reader *reader) {
    if (reader == NULL) {
        return;
    }
    reader_leave(reader);
    mem_free(reader);
}
