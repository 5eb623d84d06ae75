/*
 * Making a backup, while the home works.
 *
 * Order. The hub, then plant by plant: its ledger is copied aside (one read transaction), its
 * history is held still (snapshot.c), and both go into the file together with spool/ and the digest
 * of what they say, computed through the ordinary read path: had a block been damaged, the digest
 * of the restored home could not agree by accident. Appends and ledger changes go on throughout;
 * between plants and hub there is no common moment, as there is none in life (an outbox joins
 * them).
 *
 * `about` comes last, since it names what was learnt on the way: digests and audit heads. Then the
 * file is synced, dropped from the page cache and read back whole: what was acknowledged as a
 * backup was read from the disk, not from memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/mem.h"
#include "core/time.h"
#include "upkeep/about.h"
#include "upkeep/archive.h"
#include "upkeep/digest.h"
#include "upkeep/work.h"

enum { KEYS_BYTES_MAX = 16 << 20, SPOOL_DEPTH = 2 };

struct backup {
    const struct backup_options *with;
    struct archive_writer *archive;
    char work[LIMIT_PATH_BYTES];
    struct about about;
    struct digest logical;
    char phrase[PHRASE_TEXT_MAX];
    const char *prefix; // Of the parts of the present folder.
};

static int put_file(
    struct backup *b, const char *name, bool pack, const char *path, struct err *err) {
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int status = file_open(files_system(), path, FILE_READ, &fd, err);
    status = status < 0 ? status : file_size(fd, path, &size, err);
    return status < 0 ? status
                      : archive_part_file(b->archive, str_of(name), pack, fd, path, size, err);
}

static int put_bytes(
    struct backup *b, const char *name, bool pack, struct str bytes, struct err *err) {
    int status = archive_part_begin(b->archive, str_of(name), pack, err);
    status = status < 0 ? status : archive_part_put(b->archive, bytes.data, bytes.size, err);
    return status < 0 ? status : archive_part_end(b->archive, err);
}

/* ---- Hub and configuration ---- */

static int put_hub(struct backup *b, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/hub.db", b->work);
    int status = ledger_copy(home_hub(b->with->home), buf_z(&path), err);
    if (status >= 0) {
        status = ledger_file_digest(buf_z(&path), b->about.hub.ledger, &b->about.hub.head, err);
    }
    b->about.hub.present = status >= 0;
    return status < 0 ? status : put_file(b, "hub.db", true, buf_z(&path), err);
}

static int put_conf(struct backup *b, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/maru.conf", home_dir(b->with->home));
    return file_exists(buf_z(&path)) ? put_file(b, "maru.conf", true, buf_z(&path), err) : 0;
}

/* ---- Keys ---- */

struct key_ring {
    const char *dir;
    struct buf plain;
    uint32_t count;
};

static int add_key(void *context, const char *name, struct err *err) {
    struct key_ring *ring = context;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/%s", ring->dir, name);
    struct stat info;
    if (stat(buf_z(&path), &info) != 0 || !S_ISREG(info.st_mode) || !part_name_good(str_of(name))) {
        return 0; // Something a person put there; not ours.
    }
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int status = file_open(files_system(), buf_z(&path), FILE_READ, &fd, err);
    status = status < 0 ? status : file_size(fd, buf_z(&path), &size, err);
    if (status < 0) {
        return status;
    }
    if (size > KEYS_BYTES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_BACKUP_PART_LARGE, ARGS(A_CSTR(buf_z(&path))));
    }
    write_u16_le(&ring->plain, (uint16_t)strlen(name));
    buf_put_str(&ring->plain, str_of(name));
    write_u32_le(&ring->plain, (uint32_t)size);
    uint8_t *to = buf_reserve(&ring->plain, (size_t)size + 1);
    if (to == NULL) {
        return err_set(err, ERR_LIMIT, MSG_BACKUP_PART_LARGE, ARGS(A_CSTR(buf_z(&path))));
    }
    status = file_read_at(fd, buf_z(&path), 0, to, (size_t)size, err);
    buf_commit(&ring->plain, (size_t)size);
    ring->count++;
    return status;
}

static int put_keys(struct backup *b, struct err *err) {
    AUTO_BUF struct buf dir;
    buf_init(&dir, LIMIT_PATH_BYTES);
    buf_printf(&dir, "%s/keys", home_dir(b->with->home));
    struct key_ring ring = {.dir = buf_z(&dir)};
    buf_init(&ring.plain, KEYS_BYTES_MAX);
    AUTO_BUF struct buf sealed;
    buf_init(&sealed, KEYS_BYTES_MAX + PHRASE_BOX_OVERHEAD);
    int status = file_exists(ring.dir) ? dir_each(ring.dir, add_key, &ring, err) : 0;
    if (status >= 0) {
        phrase_new(b->phrase);
        status = phrase_seal(str_of(b->phrase), ring.plain.data, ring.plain.size, &sealed, err);
    }
    buf_fini(&ring.plain);
    b->about.has_keys = status >= 0;
    return status < 0 ? status : put_bytes(b, "keys.sealed", false, buf_str(&sealed), err);
}

/* ---- A plant ---- */

static int put_part(void *context, const struct hist_part *part, struct err *err) {
    struct backup *b = context;
    char name[ARCHIVE_NAME_BYTES + 1];
    (void)snprintf(name, sizeof name, "%shistory/%s", b->prefix, part->name);
    if (part->bytes != NULL) {
        struct str bytes = {(const char *)part->bytes, part->size};
        return put_bytes(b, name, true, bytes, err);
    }
    return archive_part_file(
        b->archive, str_of(name), false, part->fd, part->name, part->size, err);
}

/* What waits to be sent may be written to while it is copied: a file goes as far as it is. */
static int put_growing(struct backup *b, const char *name, const char *path, struct err *err) {
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return 0; // Sent meanwhile.
    }
    AUTO_FREE uint8_t *bytes = mem_alloc(1 << 16);
    int status = archive_part_begin(b->archive, str_of(name), true, err);
    ssize_t size = 1;
    for (off_t offset = 0; status >= 0 && size > 0; offset += size) {
        size = pread(fd, bytes, 1 << 16, offset);
        if (size < 0) {
            return err_set_errno(err, errno, str_of(path));
        }
        status = archive_part_put(b->archive, bytes, (size_t)size, err);
    }
    return status < 0 ? status : archive_part_end(b->archive, err);
}

struct spool_walk {
    struct backup *backup;
    const char *dir;
    const char *prefix;
    int depth;
};

static int put_spool(void *context, const char *name, struct err *err) {
    struct spool_walk *walk = context;
    AUTO_BUF struct buf path;
    AUTO_BUF struct buf part;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_init(&part, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/%s", walk->dir, name);
    buf_printf(&part, "%s%s", walk->prefix, name);
    struct stat info;
    if (!part_name_good(str_of(name)) || part.size >= ARCHIVE_NAME_BYTES ||
        lstat(buf_z(&path), &info) != 0) {
        return 0;
    }
    if (S_ISREG(info.st_mode)) {
        return put_growing(walk->backup, buf_z(&part), buf_z(&path), err);
    }
    if (!S_ISDIR(info.st_mode) || walk->depth >= SPOOL_DEPTH) {
        return 0;
    }
    buf_put_char(&part, '/');
    struct spool_walk below = {.backup = walk->backup,
        .dir = buf_z(&path),
        .prefix = buf_z(&part),
        .depth = walk->depth + 1}; // At most SPOOL_DEPTH deep.
    return dir_each(below.dir, put_spool, &below, err);
}

/* The bytes of deliverables; the ledger's copy says which. One put in after that copy comes along
 * without harm. */
static int put_papers(struct backup *b, struct plant *plant, const char *prefix, struct err *err) {
    AUTO_BUF struct buf folder;
    buf_init(&folder, LIMIT_PATH_BYTES);
    buf_printf(&folder, "%s/plants/%.*s/papers", home_dir(b->with->home), STR_ARG(plant_id(plant)));
    char name[LIMIT_ID_BYTES + 32];
    (void)snprintf(name, sizeof name, "%spapers/", prefix);
    struct spool_walk walk = {
        .backup = b, .dir = buf_z(&folder), .prefix = name, .depth = SPOOL_DEPTH};
    return file_exists(walk.dir) ? dir_each(walk.dir, put_spool, &walk, err) : 0;
}

static int put_plant_parts(struct backup *b, struct plant *plant, struct hist_snapshot *snapshot,
    const char *copy, struct plant_digest *digest, struct err *err) {
    char prefix[LIMIT_ID_BYTES + 16];
    char name[LIMIT_ID_BYTES + 32];
    (void)snprintf(prefix, sizeof prefix, "plants/%s/", digest->id);
    (void)snprintf(name, sizeof name, "%sledger.db", prefix);
    b->prefix = prefix;
    int status = put_file(b, name, true, copy, err);
    status = status < 0 ? status : hist_snapshot_parts(snapshot, put_part, b, err);
    if (status >= 0) {
        status = ledger_file_digest(copy, digest->ledger, &digest->head, err);
    }
    if (status >= 0) {
        status = digest_samples(snapshot, copy, b->with->watch, digest, err);
    }
    AUTO_BUF struct buf spool;
    buf_init(&spool, LIMIT_PATH_BYTES);
    buf_printf(&spool, "%s/plants/%.*s/spool", home_dir(b->with->home), STR_ARG(plant_id(plant)));
    (void)snprintf(name, sizeof name, "%sspool/", prefix);
    struct spool_walk walk = {.backup = b, .dir = buf_z(&spool), .prefix = name};
    if (status >= 0 && file_exists(walk.dir)) {
        status = dir_each(walk.dir, put_spool, &walk, err);
    }
    return status < 0 ? status : put_papers(b, plant, prefix, err);
}

static int put_plant(struct backup *b, struct plant *plant, struct err *err) {
    struct plant_digest *digest = &b->about.plants[b->about.plant_count];
    (void)str_copy_z(plant_id(plant), digest->id, sizeof digest->id);
    AUTO_BUF struct buf copy;
    buf_init(&copy, LIMIT_PATH_BYTES);
    buf_printf(&copy, "%s/%s.db", b->work, digest->id);
    struct hist_snapshot *snapshot = NULL;
    int status = state_take(plant, buf_z(&copy), &snapshot, err);
    if (status < 0) {
        return status;
    }
    status =
        work_room_check(b->with->fd, home_dir(b->with->home), hist_snapshot_bytes(snapshot), err);
    if (status >= 0) {
        status = put_plant_parts(b, plant, snapshot, buf_z(&copy), digest, err);
    }
    hist_snapshot_close(snapshot);
    (void)file_remove(files_system(), buf_z(&copy), NULL); // The work folder goes as a whole.
    b->about.plant_count += status >= 0;
    return status < 0 ? err_context(err, MSG_BACKUP_OF_PLANT, ARGS(A_STR(plant_id(plant)))) : 0;
}

/* ---- Together ---- */

static int put_all(struct backup *b, struct err *err) {
    struct home *home = b->with->home;
    bool all = b->with->plant.size == 0;
    int status = all ? put_conf(b, err) : 0;
    status = status < 0 || !all ? status : put_hub(b, err);
    status = status < 0 || !b->with->with_keys ? status : put_keys(b, err);
    for (uint32_t i = 0; i < home_plant_count(home) && status >= 0; i++) {
        struct plant *plant = home_plant_at(home, i);
        if (all || str_eq(plant_id(plant), b->with->plant)) {
            status = put_plant(b, plant, err);
        }
    }
    if (status < 0) {
        return status;
    }
    digest_sort(b->about.plants, b->about.plant_count);
    digest_whole(&b->about.hub, b->about.plants, b->about.plant_count, b->about.logical);
    AUTO_BUF struct buf text;
    buf_init(&text, ABOUT_BYTES_MAX);
    about_write(&b->about, &text);
    return put_bytes(b, "about", false, buf_str(&text), err);
}

static int read_back(const struct backup *b, const uint8_t said[DIGEST_BYTES], struct err *err) {
    const struct backup_options *with = b->with;
    /* A hint: what stays cached was written all the same. */
    (void)posix_fadvise(with->fd, 0, 0, POSIX_FADV_DONTNEED);
    struct backup_facts facts;
    int status = backup_check(with->fd, with->path, with->watch, &facts, err);
    char text[DIGEST_TEXT_MAX];
    digest_text(said, text);
    if (status >= 0 &&
        (strcmp(text, facts.digest) != 0 || strcmp(b->about.logical, facts.logical) != 0)) {
        status = err_set(err, ERR_CORRUPT, MSG_BACKUP_READ_BACK, ARGS(A_CSTR(with->path)));
    }
    return status < 0 ? err_context(err, MSG_BACKUP_CHECKING, NO_ARGS) : 0;
}

static int run(struct backup *b, struct backup_report *report, struct err *err) {
    const struct backup_options *with = b->with;
    struct archive_options options = {.fd = with->fd,
        .path = with->path,
        .created_ns = b->about.created_ns,
        .watch = with->watch};
    uint8_t digest[DIGEST_BYTES];
    int status = archive_begin(&options, &b->archive, err);
    status = status < 0 ? status : put_all(b, err);
    status = status < 0 ? status : archive_end(b->archive, digest, err);
    status = status < 0 ? status : read_back(b, digest, err);
    if (status < 0) {
        return status;
    }
    report->bytes = archive_bytes(b->archive);
    digest_text(digest, report->digest);
    (void)snprintf(report->logical, sizeof report->logical, "%s", b->about.logical);
    (void)snprintf(report->phrase, sizeof report->phrase, "%s", b->phrase);
    report->plants = b->about.plant_count;
    for (uint32_t i = 0; i < b->about.plant_count; i++) {
        report->rows += b->about.plants[i].rows;
    }
    return 0;
}

int backup_make(
    const struct backup_options *options, struct backup_report *ret_report, struct err *err) {
    AUTO_FREE struct backup *b = MEM_NEW(struct backup);
    b->with = options;
    b->about.created_ns = clock_wall_ns(clock_system());
    struct plant *plant = NULL;
    int status =
        options->plant.size > 0 ? home_plant(options->home, options->plant, &plant, err) : 0;
    status = status < 0 ? status : work_begin(home_dir(options->home), b->work, err);
    if (status < 0) {
        return status;
    }
    struct backup_report report = {.created_ns = b->about.created_ns};
    status = run(b, &report, err);
    archive_writer_free(b->archive);
    work_end(b->work);
    if (status < 0) {
        return err_context(err, MSG_BACKUP_MAKING, ARGS(A_CSTR(options->path)));
    }
    *ret_report = report;
    return 0;
}
