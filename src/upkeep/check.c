/*
 * Reading a backup file whole: what it holds, and that every digest fits. A first pass of a
 * restore, the last step of a backup, and `maru verify FILE`.
 */
#include "upkeep/check.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "upkeep/about.h"
#include "upkeep/archive.h"

struct checking {
    struct backup_facts facts;
    struct about about;
    bool has_about;
    struct buf text; // Of `about`.
};

static int check_part(
    struct checking *c, struct archive_reader *reader, struct str name, struct err *err) {
    bool is_about = str_eq(name, STR("about"));
    if (!part_path_good(name)) {
        return err_set(err, ERR_CORRUPT, MSG_BACKUP_NAME, ARGS(A_STR(name)));
    }
    c->facts.parts++;
    c->facts.has_hub = c->facts.has_hub || str_eq(name, STR("hub.db"));
    c->facts.has_keys = c->facts.has_keys || str_eq(name, STR("keys.sealed"));
    struct str piece;
    int status = 0;
    while ((status = archive_read(reader, &piece, err)) > 0) {
        c->facts.plain_bytes += piece.size;
        if (is_about) {
            buf_put_str(&c->text, piece);
        }
    }
    if (status >= 0 && is_about) {
        c->has_about = true;
        status = c->text.overflow ? err_set(err, ERR_CORRUPT, MSG_BACKUP_ABOUT, NO_ARGS)
                                  : about_parse(buf_str(&c->text), &c->about, err);
    }
    return status;
}

static int check_parts(struct checking *c, struct archive_reader *reader, struct err *err) {
    int status = 0;
    struct str name;
    while ((status = archive_next(reader, &name, err)) > 0) {
        char copy[ARCHIVE_NAME_BYTES + 1]; // The reader's own is gone with the next call.
        (void)str_copy_z(name, copy, sizeof copy);
        status = check_part(c, reader, str_of(copy), err);
        if (status < 0) {
            return status;
        }
    }
    if (status >= 0 && !c->has_about) {
        return err_set(err, ERR_CORRUPT, MSG_BACKUP_ABOUT, NO_ARGS);
    }
    return status;
}

int check_file(int fd, const char *path, struct watch watch, struct backup_facts *ret_facts,
    struct about *ret_about, struct err *err) {
    AUTO_FREE struct checking *c = MEM_NEW(struct checking);
    buf_init(&c->text, ABOUT_BYTES_MAX);
    struct archive_reader *reader = NULL;
    int status = archive_open(fd, path, watch, &reader, err);
    status = status < 0 ? status : check_parts(c, reader, err);
    status = status < 0 ? status : file_size(fd, path, &c->facts.bytes, err);
    if (status >= 0) {
        c->facts.created_ns = archive_created_ns(reader);
        c->facts.plants = c->about.plant_count;
        digest_text(archive_digest(reader), c->facts.digest);
        (void)snprintf(c->facts.logical, sizeof c->facts.logical, "%s", c->about.logical);
        (void)snprintf(c->facts.version, sizeof c->facts.version, "%s", c->about.version);
        for (uint32_t i = 0; i < c->about.plant_count; i++) {
            c->facts.rows += c->about.plants[i].rows;
        }
        *ret_facts = c->facts;
        *ret_about = c->about;
    }
    archive_reader_free(reader);
    buf_fini(&c->text);
    return status;
}

int backup_check(
    int fd, const char *path, struct watch watch, struct backup_facts *ret_facts, struct err *err) {
    AUTO_FREE struct about *about = MEM_NEW(struct about);
    return check_file(fd, path, watch, ret_facts, about, err);
}
