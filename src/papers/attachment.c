/*
 * Attachments of non-conformities.
 *
 * They are many and belong to one thing each, so they stand in a table of their own and not among
 * the deliverables, which a hand-over bundles. The bytes are the box's: the same photo twice is
 * kept once, and a backup takes both the same way.
 */
#include "papers/attachment.h"

#include "core/json.h"
#include "papers/store.h"
#include "production/words.h"

static int number_of(struct ledger_tx *tx, const char *sql, int64_t first, int64_t second,
    int64_t *ret_number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, sql, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, first);
    if (second != 0) {
        ledger_bind_i64(stmt, 2, second);
    }
    status = ledger_step(stmt, err);
    *ret_number = status > 0 ? ledger_column_i64(stmt, 0) : 0;
    return status < 0 ? status : 0;
}

static int note(struct ledger_tx *tx, const char *action, int64_t nonconformance, struct str name,
    struct str actor, struct err *err) {
    AUTO_BUF struct buf body;
    struct json json;
    char subject[48] = "nonconformance/";
    (void)i64_to_text(nonconformance, subject + sizeof "nonconformance/" - 1);
    buf_init(&body, 4096);
    json_init(&json, &body);
    json_object_begin(&json);
    json_put_str(&json, "name", name);
    json_object_end(&json);
    return audit_append(tx, actor, str_of(action), str_of(subject), buf_str(&body), err);
}

/* ---- Adding ---- */

struct adding {
    const struct attachment *file;
    int64_t number;
};

static int check_room(struct ledger_tx *tx, const struct attachment *file, struct err *err) {
    int64_t there = 0;
    int64_t count = 0;
    int status = number_of(tx, "SELECT number FROM nonconformances WHERE number = ?1",
        file->nonconformance, 0, &there, err);
    if (status >= 0 && there == 0) {
        return err_set(
            err, ERR_NOT_FOUND, SAY(PRODUCTION_NC_UNKNOWN), ARGS(A_INT(file->nonconformance)));
    }
    status = status < 0
                 ? status
                 : number_of(tx, "SELECT count(*) FROM attachments WHERE nonconformance = ?1",
                       file->nonconformance, 0, &count, err);
    return status >= 0 && count >= ATTACHMENTS_MAX
               ? err_set(err, ERR_LIMIT, SAY(PRODUCTION_ATTACHMENTS), ARGS(A_INT(ATTACHMENTS_MAX)))
               : status;
}

static int enter(struct ledger_tx *tx, void *context, const char *sha256, struct err *err) {
    struct adding *adding = context;
    const struct attachment *file = adding->file;
    struct ledger_stmt *stmt = NULL;
    int status = check_room(tx, file, err);
    status = status < 0 ? status
                        : ledger_prepare(tx,
                              "INSERT INTO attachments (nonconformance, name, size, sha256, "
                              "added_ns, actor) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING number",
                              &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, file->nonconformance);
    ledger_bind_str(stmt, 2, file->name);
    ledger_bind_i64(stmt, 3, (int64_t)file->bytes.size);
    ledger_bind_str(stmt, 4, str_of(sha256));
    ledger_bind_i64(stmt, 5, ledger_now_ns(tx));
    ledger_bind_str(stmt, 6, file->actor);
    status = ledger_step(stmt, err);
    if (status > 0) {
        adding->number = ledger_column_i64(stmt, 0);
        status = ledger_step(stmt, err);
    }
    return status < 0
               ? status
               : note(tx, "attachment.add", file->nonconformance, file->name, file->actor, err);
}

int attachment_add(
    struct plant *plant, const struct attachment *file, int64_t *ret_number, struct err *err) {
    struct adding adding = {.file = file};
    const struct box_bytes bytes = {
        .name = file->name, .bytes = file->bytes, .bytes_max = ATTACHMENT_BYTES};
    int status = 0;
    if (file->name.size > 255) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_ATTACHMENT_NAME), ARGS(A_INT(255)));
    }
    status = box_put(plant, &bytes, enter, &adding, err);
    *ret_number = adding.number;
    return status;
}

/* ---- Removing and opening ---- */

struct asked {
    int64_t nonconformance;
    int64_t number;
    struct str actor;
    struct arena *arena;
    struct str name;
    struct str sha256;
};

static int look_up(struct ledger_tx *tx, void *context, struct err *err) {
    struct asked *asked = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT name, sha256 FROM attachments WHERE number = ?1 AND nonconformance = ?2", &stmt,
        err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, asked->number);
    ledger_bind_i64(stmt, 2, asked->nonconformance);
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(
            err, ERR_NOT_FOUND, SAY(PRODUCTION_ATTACHMENT_GONE), ARGS(A_INT(asked->number)));
    }
    if (status > 0) {
        asked->name = arena_copy(asked->arena, ledger_column_str(stmt, 0));
        asked->sha256 = arena_copy(asked->arena, ledger_column_str(stmt, 1));
    }
    return status < 0 ? status : 0;
}

static int leave(struct ledger_tx *tx, void *context, struct err *err) {
    struct asked *asked = context;
    int64_t gone = 0;
    int status = look_up(tx, asked, err);
    status = status < 0 ? status
                        : number_of(tx, "DELETE FROM attachments WHERE number = ?1", asked->number,
                              0, &gone, err);
    return status < 0 ? status
                      : note(tx, "attachment.remove", asked->nonconformance, asked->name,
                            asked->actor, err);
}

int attachment_remove(struct plant *plant, int64_t nonconformance, int64_t number, struct str actor,
    struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct asked asked = {
        .nonconformance = nonconformance, .number = number, .actor = actor, .arena = &arena};
    int status = ledger_write(plant_ledger(plant), leave, &asked, err);
    return status < 0 ? status : box_drop(plant, asked.sha256, err);
}

int attachment_open(struct plant *plant, int64_t nonconformance, int64_t number,
    struct arena *arena, struct str *ret_name, int *ret_fd, uint64_t *ret_size, struct err *err) {
    struct asked asked = {.nonconformance = nonconformance, .number = number, .arena = arena};
    int status = ledger_read(plant_ledger(plant), look_up, &asked, err);
    *ret_name = asked.name;
    return status < 0 ? status : box_read(plant, asked.sha256, number, ret_fd, ret_size, err);
}
