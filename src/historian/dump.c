/*
 * Which file is what, and each in its turn. A file that is no history file ends the dump in words
 * when it was named by the caller, and is passed over in a folder. Kinds go by the first bytes; a
 * file of ours whose first bytes are damaged goes by its name.
 */
#include "historian/dump.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/limits.h"
#include "historian/aged.h"
#include "historian/block.h"
#include "historian/dump_out.h"
#include "historian/manifest.h"
#include "historian/segment.h"
#include "historian/wal.h"

enum file_kind { KIND_NONE, KIND_SEGMENT, KIND_LOG, KIND_MANIFEST, KIND_AGED };

static void dump_init(struct dump *dump, const struct dump_options *options, struct err *err) {
    *dump = (struct dump){.options = options, .err = err, .fd = -1};
    buf_init(&dump->text, 4 << 20);
    buf_init(&dump->bytes, RECORD_BYTES_MAX + 1);
    json_init(&dump->json, &dump->text);
    decoder_init(&dump->decoder);
    if (options->json) {
        json_array_begin(&dump->json);
    }
}

/* Ends the text; the result of the whole. */
static int dump_fini(struct dump *dump, int status, struct dump_report *ret_report) {
    if (dump->options->json) {
        json_array_end(&dump->json);
        buf_put_char(&dump->text, '\n');
    }
    if (dump->status >= 0 && dump->text.size > 0) {
        dump->status = dump->options->write(
            dump->options->context, dump->text.data, dump->text.size, dump->err);
    }
    decoder_fini(&dump->decoder);
    buf_fini(&dump->text);
    buf_fini(&dump->bytes);
    batch_free(dump->batch);
    status = status < 0 ? status : dump->status;
    if (status >= 0) {
        *ret_report = dump->report;
        return 0;
    }
    return status;
}

void dump_manifest(struct dump *dump) {
    const uint8_t *bytes = dump->size <= MANIFEST_BYTES_MAX ? dump_get(dump, 0, dump->size) : NULL;
    struct manifest manifest;
    int rc = bytes != NULL ? manifest_parse(bytes, dump->size, &manifest, NULL) : -ERR_CORRUPT;
    if (rc < 0) {
        dump_damage(dump, 0, rc == -ERR_VERSION ? "later-version" : "manifest");
        return;
    }
    dump_begin(dump, "stands");
    dump_int(dump, "sealed_seq", (int64_t)manifest.sealed_seq);
    dump_int(dump, "next_segment", (int64_t)manifest.next_segment);
    dump_int(dump, "horizon", manifest.horizons->all_ns);
    for (uint32_t i = 0; i < manifest.segment_count; i++) {
        char name[32];
        segment_name(manifest.segments[i], name);
        dump_begin(dump, "segment");
        dump_word(dump, "name", name);
        dump_end(dump);
    }
    for (uint32_t i = 0; i < manifest.aged_count; i++) {
        char name[32];
        aged_name(manifest.aged[i], name);
        dump_begin(dump, "roll-ups");
        dump_word(dump, "name", name);
        dump_end(dump);
    }
    for (uint32_t i = 0; i < manifest.consumer_count; i++) {
        dump_begin(dump, "consumer");
        dump_word(dump, "name", manifest.consumers[i].name);
        dump_int(dump, "seq", (int64_t)manifest.consumers[i].seq);
        dump_end(dump);
    }
    for (uint32_t i = 0; i < manifest.horizons->count; i++) {
        dump_begin(dump, "expired");
        dump_int(dump, "tag", manifest.horizons->tags[i].tag);
        dump_int(dump, "before", manifest.horizons->tags[i].before_ns);
        dump_end(dump);
    }
    for (uint32_t i = 0; i < manifest.aged_horizons->count; i++) {
        dump_begin(dump, "roll-ups-expired");
        dump_int(dump, "tag", manifest.aged_horizons->tags[i].tag);
        dump_int(dump, "before", manifest.aged_horizons->tags[i].before_ns);
        dump_end(dump);
    }
    dump_end(dump);
    manifest_fini(&manifest);
}

static enum file_kind kind_of(struct dump *dump, const char *name) {
    static const struct {
        char magic[9];
        enum file_kind kind;
    } kinds[] = {{"MARUSEG1", KIND_SEGMENT}, {"MARUWAL1", KIND_LOG}, {"MARUMAN1", KIND_MANIFEST},
        {"MARUAGE1", KIND_AGED}};
    const uint8_t *bytes = dump_get(dump, 0, 8);
    for (size_t i = 0; bytes != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (memcmp(bytes, kinds[i].magic, 8) == 0) {
            return kinds[i].kind;
        }
    }
    uint64_t number = 0;
    struct str text = str_of(name);
    return segment_name_parse(name, &number)                                  ? KIND_SEGMENT
           : aged_name_parse(name, &number)                                   ? KIND_AGED
           : str_starts(text, STR("wal-")) || str_starts(text, STR("spare-")) ? KIND_LOG
           : str_eq(text, STR("manifest"))                                    ? KIND_MANIFEST
                                                                              : KIND_NONE;
}

/* The present file. False: it is no file of a history. */
static bool dump_file(struct dump *dump, const char *name) {
    static const char *const names[] = {"", "segment", "log", "manifest", "roll-ups"};
    enum file_kind kind = kind_of(dump, name);
    if (kind == KIND_NONE) {
        return false;
    }
    uint64_t number = 0;
    (void)wal_name_parse(name, &number); // A spare file has none.
    dump->report.files++;
    dump_begin(dump, names[kind]);
    dump_word(dump, "name", name);
    dump_int(dump, "size", (int64_t)dump->size);
    switch (kind) {
    case KIND_AGED:
    case KIND_SEGMENT: dump_segment(dump); break;
    case KIND_LOG: dump_log(dump, number); break;
    case KIND_MANIFEST: dump_manifest(dump); break;
    case KIND_NONE: break;
    }
    dump_end(dump);
    return true;
}

static int dump_path(struct dump *dump, const char *path, bool *ret_known, struct err *err) {
    const char *slash = strrchr(path, '/');
    int rc = file_open(files_system(), path, FILE_READ, &dump->fd, err);
    if (rc < 0) {
        return rc;
    }
    dump->path = path;
    rc = file_size(dump->fd, path, &dump->size, err);
    if (rc == 0) {
        *ret_known = dump_file(dump, slash != NULL ? slash + 1 : path);
    }
    file_close(dump->fd);
    dump->fd = -1;
    return rc < 0 ? rc : dump->status;
}

struct folder_walk {
    struct dump *dump;
    const char *dir;
};

static int dump_entry(void *context, const char *name, struct err *err) {
    const struct folder_walk *walk = context;
    char path[LIMIT_PATH_BYTES];
    struct stat info;
    int size = snprintf(path, sizeof path, "%s/%s", walk->dir, name);
    if (size < 0 || (size_t)size >= sizeof path || stat(path, &info) != 0 ||
        !S_ISREG(info.st_mode)) {
        return 0; // Gone meanwhile, or nothing of a history.
    }
    bool known = false;
    int rc = dump_path(walk->dump, path, &known, err);
    return rc == -ERR_NOT_FOUND ? 0 : rc;
}

int hist_dump(const char *const *paths, uint32_t count, const struct dump_options *options,
    struct dump_report *ret_report, struct err *err) {
    struct dump dump;
    dump_init(&dump, options, err);
    int rc = 0;
    for (uint32_t i = 0; i < count && rc >= 0; i++) {
        struct stat info;
        bool known = true;
        if (stat(paths[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            struct folder_walk walk = {.dump = &dump, .dir = paths[i]};
            rc = dir_each(paths[i], dump_entry, &walk, err);
        } else {
            rc = dump_path(&dump, paths[i], &known, err);
        }
        if (rc >= 0 && !known) {
            rc = err_set(err, ERR_INVALID, MSG_DUMP_NO_HISTORY, ARGS(A_CSTR(paths[i])));
        }
    }
    return dump_fini(&dump, rc, ret_report);
}

int hist_dump_bytes(const uint8_t *data, size_t size, const struct dump_options *options,
    struct dump_report *ret_report, struct err *err) {
    struct dump dump;
    dump_init(&dump, options, err);
    dump.data = data;
    dump.size = size;
    int rc = dump_file(&dump, "")
                 ? 0
                 : err_set(err, ERR_INVALID, MSG_DUMP_NO_HISTORY, ARGS(A_CSTR("-")));
    return dump_fini(&dump, rc, ret_report);
}
