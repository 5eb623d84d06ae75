/*
 * The hand-over file as a ZIP (APPNOTE 6.3.3) by libzip: the report, the tables behind it, the
 * deliverables with their bytes checked, and a list with the SHA-256 of each. libzip wants to name
 * and rename files; it writes here through a source of ours into a file without a name, so that a
 * kill leaves nothing behind and nothing half-made is ever seen.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zip.h>

#include "ledger/seal.h"
#include "papers/pdf.h"
#include "papers/store.h"

enum {
    PART_BYTES_MAX = 256 << 20, // Of one made part, in memory.
    PIECE_BYTES = 64 << 10,
    NAME_BYTES = 320,
};

/* Where libzip writes: one file without a name. */
struct target {
    int fd;
    uint64_t at;
    uint64_t size;
    zip_error_t error;
};

static zip_int64_t seek_to(struct target *target, void *data, zip_uint64_t size) {
    zip_int64_t to =
        zip_source_seek_compute_offset(target->at, target->size, data, size, &target->error);
    if (to >= 0) {
        target->at = (uint64_t)to;
    }
    return to < 0 ? -1 : 0;
}

static zip_int64_t put_piece(struct target *target, const void *data, zip_uint64_t size) {
    if (file_write_at(files_system(), target->fd, "zip", target->at, data, (size_t)size, NULL) <
        0) {
        zip_error_set(&target->error, ZIP_ER_WRITE, 0);
        return -1;
    }
    target->at += size;
    target->size = target->at > target->size ? target->at : target->size;
    return (zip_int64_t)size;
}

static zip_int64_t tell_stat(const struct target *target, void *data) {
    zip_stat_t *stat = data;
    zip_stat_init(stat);
    stat->size = target->size;
    stat->valid = ZIP_STAT_SIZE;
    return sizeof *stat;
}

static zip_int64_t on_zip(void *context, void *data, zip_uint64_t size, zip_source_cmd_t command) {
    struct target *target = context;
    switch ((int)command) { // Later libraries have more commands than these.
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
            ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
            ZIP_SOURCE_SUPPORTS, ZIP_SOURCE_BEGIN_WRITE, ZIP_SOURCE_COMMIT_WRITE,
            ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE,
            ZIP_SOURCE_REMOVE, ZIP_SOURCE_WRITE, -1);
    case ZIP_SOURCE_STAT: return tell_stat(target, data);
    case ZIP_SOURCE_WRITE: return put_piece(target, data, size);
    case ZIP_SOURCE_SEEK:
    case ZIP_SOURCE_SEEK_WRITE: return seek_to(target, data, size);
    case ZIP_SOURCE_TELL:
    case ZIP_SOURCE_TELL_WRITE: return (zip_int64_t)target->at;
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&target->error, data, size);
    case ZIP_SOURCE_OPEN:
    case ZIP_SOURCE_BEGIN_WRITE: target->at = 0; return 0;
    case ZIP_SOURCE_READ:
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_COMMIT_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE:
    case ZIP_SOURCE_REMOVE:
    case ZIP_SOURCE_FREE: return 0;
    default: zip_error_set(&target->error, ZIP_ER_OPNOTSUPP, 0); return -1;
    }
}

struct bundle {
    const struct making *making;
    zip_t *zip;
    struct buf list; // MANIFEST.txt
};

static int zip_refused(struct bundle *bundle, struct err *err) {
    return err_set(err, ERR_IO, MSG_PAPERS_ZIP_FAILED,
        ARGS(A_CSTR(bundle->zip != NULL ? zip_strerror(bundle->zip) : "open")));
}

static void note(struct bundle *bundle, const char *sha256, const char *name) {
    buf_printf(&bundle->list, "%s  %s\r\n", sha256, name);
}

static int add(
    struct bundle *bundle, const char *name, zip_source_t *source, bool packed, struct err *err) {
    zip_int64_t index =
        source == NULL ? -1 : zip_file_add(bundle->zip, name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return zip_refused(bundle, err);
    }
    /* PDF and XLSX are packed already. */
    return zip_set_file_compression(
               bundle->zip, (zip_uint64_t)index, packed ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0) < 0
               ? zip_refused(bundle, err)
               : 0;
}

/* Bytes of our own; libzip frees them. */
static int add_bytes(struct bundle *bundle, const char *name, struct buf *bytes, struct err *err) {
    struct digest digest;
    uint8_t hash[DIGEST_BYTES];
    char text[DIGEST_TEXT_MAX];
    digest_init(&digest);
    digest_add(&digest, bytes->data, bytes->size);
    digest_end(&digest, hash);
    digest_text(hash, text);
    note(bundle, text, name);
    /* The arena outlives the ZIP. */
    struct str kept = arena_copy(bundle->making->arena, buf_str(bytes));
    return add(bundle, name, zip_source_buffer(bundle->zip, kept.data, kept.size, 0), true, err);
}

static int put_buf(void *context, const void *data, size_t size, struct err *err) {
    struct buf *to = context;
    buf_put(to, data, size);
    return to->overflow ? err_set(err, ERR_LIMIT, MSG_PAPERS_TOO_LONG,
                              ARGS(A_INT(to->size), A_INT(PART_BYTES_MAX)))
                        : 0;
}

static int add_pdf(
    struct bundle *bundle, const char *name, const struct paper *paper, struct err *err) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, PART_BYTES_MAX);
    const struct sink sink = {&bytes, put_buf};
    int status = pdf_write(paper, &sink, err);
    return status < 0 ? status : add_bytes(bundle, name, &bytes, err);
}

static int add_sheet(
    struct bundle *bundle, const char *name, const struct grid *sheet, struct err *err) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, PART_BYTES_MAX);
    const struct table_writer_options options = {.format = TABLE_XLSX,
        .spool_folder = bundle->making->order->spool_folder,
        .context = &bytes,
        .write = put_buf};
    int status = grid_write(sheet, &options, err);
    return status < 0 ? status : add_bytes(bundle, name, &bytes, err);
}

static struct str field(const struct register_row *row, const char *name) {
    return row->fields[register_field_index(REGISTER_DELIVERABLES, name)];
}

static int add_file(struct bundle *bundle, const struct register_row *row, struct err *err) {
    struct register_row again;
    int fd = -1;
    uint64_t size = 0;
    int status = box_open(
        bundle->making->plant, row->number, bundle->making->arena, &again, &fd, &size, err);
    if (status < 0) {
        return err_context(err, MSG_PAPERS_OF_FILE, ARGS(A_INT(row->number)));
    }
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "deliverables/%04lld-%.*s", (long long)row->number,
        STR_ARG(field(row, "name")));
    char sha256[DIGEST_TEXT_MAX];
    (void)str_copy_z(field(row, "sha256"), sha256, sizeof sha256);
    note(bundle, sha256, name);
    FILE *file = fdopen(fd, "rb");
    if (file == NULL) {
        file_close(fd);
        return zip_refused(bundle, err);
    }
    zip_source_t *source = zip_source_filep(bundle->zip, file, 0, (zip_int64_t)size);
    if (source == NULL) {
        (void)fclose(file);
    }
    return add(bundle, name, source, false, err);
}

static int add_registers(struct bundle *bundle, struct err *err) {
    static const char *const NAMES[REGISTER_COUNT] = {[REGISTER_HARDWARE] = "hardware.xlsx",
        [REGISTER_TRAINING] = "trainings.xlsx",
        [REGISTER_SECURITY] = "security.xlsx",
        [REGISTER_DELIVERABLES] = "deliverables.xlsx"};
    const struct making *making = bundle->making;
    int status = 0;
    for (int i = 0; i < REGISTER_COUNT && status >= 0; i++) {
        struct grid *sheet = NULL;
        status = register_sheet(
            making->plant, (enum register_id)i, making->order->lang, making->arena, &sheet, err);
        status = status < 0 ? status : add_sheet(bundle, NAMES[i], sheet, err);
    }
    struct register_row *rows = NULL;
    int count = status < 0
                    ? status
                    : register_all(making->plant, REGISTER_DELIVERABLES, making->arena, &rows, err);
    status = count < 0 ? count : 0;
    for (int i = 0; i < count && status >= 0; i++) {
        status = add_file(bundle, &rows[i], err);
    }
    return status;
}

static int add_parts(struct bundle *bundle, struct err *err) {
    const struct making *making = bundle->making;
    struct paper *report = ARENA_NEW(making->arena, struct paper);
    struct paper *definition = ARENA_NEW(making->arena, struct paper);
    struct grid *measured = NULL;
    struct grid *tags = NULL;
    int status = handover_paper(making, report, &measured, err);
    status = status < 0 ? status : add_pdf(bundle, "handover-draft.pdf", report, err);
    status = status < 0 ? status : add_sheet(bundle, "measured.xlsx", measured, err);
    status = status < 0 ? status : definition_paper(making, definition, err);
    status = status < 0 ? status : add_pdf(bundle, "collection-definition.pdf", definition, err);
    status = status < 0 ? status : definition_sheet(making, &tags, err);
    status = status < 0 ? status : add_sheet(bundle, "collection-definition.xlsx", tags, err);
    status = status < 0 ? status : add_registers(bundle, err);
    if (status < 0) {
        return status;
    }
    struct str list = arena_copy(making->arena, buf_str(&bundle->list));
    return add(bundle, "MANIFEST.txt", zip_source_buffer(bundle->zip, list.data, list.size, 0),
        false, err);
}

static int send(const struct making *making, const struct target *target, struct err *err) {
    AUTO_FREE uint8_t *piece = mem_alloc(PIECE_BYTES);
    int status = 0;
    for (uint64_t at = 0; at < target->size && status >= 0;) {
        uint64_t left = target->size - at;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        status = file_read_at(target->fd, "zip", at, piece, size, err);
        status =
            status < 0 ? status : making->order->write(making->order->context, piece, size, err);
        at += size;
    }
    return status;
}

static int write_zip(const struct making *making, struct target *target, struct err *err) {
    struct bundle bundle = {.making = making};
    zip_source_t *source = zip_source_function_create(on_zip, target, NULL);
    bundle.zip =
        source == NULL ? NULL : zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    if (bundle.zip == NULL) {
        zip_source_free(source);
        return zip_refused(&bundle, err);
    }
    buf_init(&bundle.list, PART_BYTES_MAX);
    buf_put_str(&bundle.list, words(making, MSG_PAPERS_MANIFEST, NO_ARGS));
    buf_printf(&bundle.list, "\r\n\r\n");
    int status = add_parts(&bundle, err);
    if (status >= 0 && zip_close(bundle.zip) != 0) {
        status = zip_refused(&bundle, err);
    } else if (status >= 0) {
        bundle.zip = NULL;
    }
    if (bundle.zip != NULL) {
        zip_discard(bundle.zip);
    }
    buf_fini(&bundle.list);
    return status;
}

int bundle_write(const struct making *making, struct err *err) {
    struct target target = {.fd = -1};
    zip_error_init(&target.error);
    int status = table_spool_new(making->order->spool_folder, &target.fd, err);
    status = status < 0 ? status : write_zip(making, &target, err);
    status = status < 0 ? status : send(making, &target, err);
    zip_error_fini(&target.error);
    if (target.fd >= 0) {
        file_close(target.fd);
    }
    return status;
}
