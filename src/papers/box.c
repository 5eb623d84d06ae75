/*
 * The box of deliverables and attachments: bytes in HOME/plants/ID/papers, named by their SHA-256,
 * entries in the ledger. The name makes a file its own proof, and the same manual in two versions
 * of a title is kept once.
 *
 * Order, so that no entry ever stands without its bytes: the bytes go into a part file and are
 * synced, and the rename happens inside the transaction that enters them. Removing: the entry
 * first, then the bytes, and whether another entry has them is asked again in a transaction. Both
 * run on the ledger's one writer, so they cannot cross. A part file left by a kill is removed by a
 * later upload, after a day.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/random.h"
#include "ledger/seal.h"
#include "papers/papers.h"
#include "papers/store.h"

enum { PART_KEEP_S = 86400, CHECK_BYTES = 1 << 20 };

void box_folder(struct plant *plant, struct buf *path) {
    struct str ledger = str_of(ledger_path(plant_ledger(plant)));
    size_t cut = ledger.size;
    while (cut > 0 && ledger.data[cut - 1] != '/') {
        cut--;
    }
    buf_put_str(path, str_slice(ledger, 0, cut));
    buf_put_str(path, STR("papers"));
}

struct adding {
    box_enter enter; // What has these bytes, or NULL.
    void *context;
    const char *folder;
    const char *part;
    const char *final;
    char sha256[DIGEST_TEXT_MAX];
};

static int enter(struct ledger_tx *tx, void *context, struct err *err) {
    struct adding *adding = context;
    struct files *files = files_system();
    int status = adding->enter(tx, adding->context, adding->sha256, err);
    if (status < 0) {
        return status;
    }
    status = file_exists(adding->final) ? file_remove(files, adding->part, err)
                                        : file_rename(files, adding->part, adding->final, err);
    return status < 0 ? status : dir_sync(files, adding->folder, err);
}

static int drop_unused(struct ledger_tx *tx, void *context, struct err *err) {
    const struct adding *adding = context;
    bool used = true;
    int status = register_bytes_used(tx, str_of(adding->sha256), &used, err);
    return status >= 0 && !used ? file_remove(files_system(), adding->final, err) : status;
}

static int write_part(const char *path, struct str bytes, struct err *err) {
    AUTO_CLOSE int fd = -1;
    struct files *files = files_system();
    int status = file_open(files, path, FILE_CREATE_NEW, &fd, err);
    status = status < 0 ? status : file_write_at(files, fd, path, 0, bytes.data, bytes.size, err);
    return status < 0 ? status : file_sync(files, fd, path, err);
}

static int sweep_one(void *context, const char *name, struct err *err) {
    const char *folder = context;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/%s", folder, name);
    struct stat info;
    bool old = str_starts(str_of(name), STR("part-")) && stat(buf_z(&path), &info) == 0 &&
               clock_wall_ns(clock_system()) / NS_PER_S - info.st_mtime > PART_KEEP_S;
    return old ? file_remove(files_system(), buf_z(&path), err) : 0;
}

static int check_file(struct str name, struct str bytes, uint64_t bytes_max, struct err *err) {
    if (bytes.size == 0) {
        return err_set(err, ERR_INVALID, MSG_PAPERS_FILE_EMPTY, NO_ARGS);
    }
    if (bytes.size > bytes_max) {
        return err_set(
            err, ERR_LIMIT, MSG_PAPERS_FILE_LARGE, ARGS(A_INT(bytes.size), A_INT(bytes_max >> 20)));
    }
    bool is_path = str_find(name, '/') < name.size || str_find(name, '\\') < name.size ||
                   name.size == 0 || name.data[0] == '.';
    return is_path ? err_set(err, ERR_INVALID, MSG_PAPERS_FILE_NAME, ARGS(A_STR(name))) : 0;
}

int box_put(struct plant *plant, const struct box_bytes *bytes, box_enter entry, void *context,
    struct err *err) {
    AUTO_BUF struct buf folder;
    AUTO_BUF struct buf part;
    AUTO_BUF struct buf final;
    buf_init(&folder, LIMIT_PATH_BYTES);
    buf_init(&part, LIMIT_PATH_BYTES);
    buf_init(&final, LIMIT_PATH_BYTES);
    box_folder(plant, &folder);
    int status = check_file(bytes->name, bytes->bytes, bytes->bytes_max, err);
    status = status < 0 ? status : dir_create(files_system(), buf_z(&folder), err);
    status = status < 0
                 ? status
                 : dir_each(buf_z(&folder), sweep_one, (void *)(uintptr_t)buf_z(&folder), err);
    if (status < 0) {
        return status;
    }
    struct adding adding = {.enter = entry, .context = context, .folder = buf_z(&folder)};
    struct digest digest;
    uint8_t hash[DIGEST_BYTES];
    digest_init(&digest);
    digest_add(&digest, bytes->bytes.data, bytes->bytes.size);
    digest_end(&digest, hash);
    digest_text(hash, adding.sha256);
    struct random random;
    random_seed_system(&random);
    buf_printf(&part, "%s/part-%016llx", adding.folder, (unsigned long long)random_u64(&random));
    buf_printf(&final, "%s/%s", adding.folder, adding.sha256);
    adding.part = buf_z(&part);
    adding.final = buf_z(&final);
    status = write_part(adding.part, bytes->bytes, err);
    status = status < 0 ? status : ledger_write(plant_ledger(plant), enter, &adding, err);
    if (status < 0) {
        (void)file_remove(files_system(), adding.part, NULL);
        (void)ledger_write(plant_ledger(plant), drop_unused, &adding, NULL);
    }
    return status < 0 ? status : 0;
}

int box_drop(struct plant *plant, struct str sha256, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    box_folder(plant, &path);
    buf_printf(&path, "/%.*s", STR_ARG(sha256));
    struct adding gone = {.final = buf_z(&path)};
    (void)str_copy_z(sha256, gone.sha256, sizeof gone.sha256);
    return ledger_write(plant_ledger(plant), drop_unused, &gone, err);
}

/* ---- Deliverables ---- */

struct entering {
    const struct box_file *file;
    int64_t number;
};

static int enter_deliverable(
    struct ledger_tx *tx, void *context, const char *sha256, struct err *err) {
    struct entering *entering = context;
    const struct box_file *file = entering->file;
    char size[24];
    char added[TIME_TEXT_MAX];
    struct register_row row = {.number = 0};
    const struct {
        const char *name;
        struct str value;
    } FIELDS[] = {{"title", file->title}, {"kind", file->kind}, {"version", file->version},
        {"name", file->name}, {"size", {size, i64_to_text((int64_t)file->bytes.size, size)}},
        {"sha256", str_of(sha256)}, {"actor", file->author},
        {"added", {added, time_format(ledger_now_ns(tx), NULL, added)}}};
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        row.fields[register_field_index(REGISTER_DELIVERABLES, FIELDS[i].name)] = FIELDS[i].value;
    }
    return register_put(tx, REGISTER_DELIVERABLES, &row, file->actor, &entering->number, err);
}

int box_add(
    struct plant *plant, const struct box_file *file, int64_t *ret_number, struct err *err) {
    struct entering entering = {.file = file};
    const struct box_bytes bytes = {
        .name = file->name, .bytes = file->bytes, .bytes_max = BOX_FILE_BYTES};
    int status = box_put(plant, &bytes, enter_deliverable, &entering, err);
    *ret_number = entering.number;
    return status;
}

/* ---- Removing and opening ---- */

struct asked {
    int64_t number;
    struct str actor;
    struct arena *arena;
    struct register_row *row;
};

static int look_up(struct ledger_tx *tx, void *context, struct err *err) {
    struct asked *asked = context;
    return register_get(tx, REGISTER_DELIVERABLES, asked->number, asked->arena, asked->row, err);
}

static int leave(struct ledger_tx *tx, void *context, struct err *err) {
    struct asked *asked = context;
    int status = look_up(tx, asked, err);
    return status < 0
               ? status
               : register_remove(tx, REGISTER_DELIVERABLES, asked->number, asked->actor, err);
}

static struct str sha_of(const struct register_row *row) {
    return row->fields[register_field_index(REGISTER_DELIVERABLES, "sha256")];
}

int box_remove(struct plant *plant, int64_t number, struct str actor, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct register_row row;
    struct asked asked = {.number = number, .actor = actor, .arena = &arena, .row = &row};
    int status = ledger_write(plant_ledger(plant), leave, &asked, err);
    return status < 0 ? status : box_drop(plant, sha_of(&row), err);
}

static int check_bytes(
    int fd, const char *path, uint64_t size, struct str sha256, int64_t number, struct err *err) {
    AUTO_FREE uint8_t *bytes = mem_alloc(CHECK_BYTES);
    struct digest digest;
    uint8_t hash[DIGEST_BYTES];
    char text[DIGEST_TEXT_MAX];
    int status = 0;
    digest_init(&digest);
    for (uint64_t at = 0; at < size && status >= 0;) {
        size_t piece = size - at < CHECK_BYTES ? (size_t)(size - at) : CHECK_BYTES;
        status = file_read_at(fd, path, at, bytes, piece, err);
        if (status >= 0) {
            digest_add(&digest, bytes, piece);
        }
        at += piece;
    }
    digest_end(&digest, hash);
    digest_text(hash, text);
    return status >= 0 && !str_eq(str_of(text), sha256)
               ? err_set(err, ERR_CORRUPT, MSG_PAPERS_FILE_CHANGED, ARGS(A_INT(number)))
               : status;
}

int box_read(struct plant *plant, struct str sha256, int64_t number, int *ret_fd,
    uint64_t *ret_size, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    box_folder(plant, &path);
    buf_printf(&path, "/%.*s", STR_ARG(sha256));
    int fd = -1;
    uint64_t size = 0;
    int status = file_open(files_system(), buf_z(&path), FILE_READ, &fd, err);
    status = status < 0 ? status : file_size(fd, buf_z(&path), &size, err);
    status = status < 0 ? status : check_bytes(fd, buf_z(&path), size, sha256, number, err);
    if (status < 0) {
        if (fd >= 0) {
            file_close(fd);
        }
        return status;
    }
    *ret_fd = fd;
    *ret_size = size;
    return 0;
}

int box_open(struct plant *plant, int64_t number, struct arena *arena, struct register_row *ret_row,
    int *ret_fd, uint64_t *ret_size, struct err *err) {
    struct asked asked = {.number = number, .arena = arena, .row = ret_row};
    int status = ledger_read(plant_ledger(plant), look_up, &asked, err);
    return status < 0 ? status : box_read(plant, sha_of(ret_row), number, ret_fd, ret_size, err);
}
