/*
 * Equipment templates in the hub. A name stands once in an organisation, and what is kept under it
 * does not change: whoever tried a template in one plant gets the same in the next. Another content
 * needs another name, or the old one removed; both steps stand in the audit chain.
 */
#include "ledger/templates.h"

#include "core/json.h"
#include "ledger/db.h"
#include "ledger/input.h"

enum { NAME_BYTES = 200, NOTE_BYTES = 2000, BODY_BYTES = 4 << 20 };

#define ROWS "t.number, t.name, t.note, t.devices, t.tags, t.plant_id, t.actor, t.author, t.made_ns"
#define OF_PLANT                                                                                   \
    "FROM templates t JOIN plants p ON p.organisation_id = t.organisation_id WHERE p.id = ?1"

static int note(struct ledger_tx *tx, const struct stored_template *template, const char *action,
    struct str actor, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, 32768);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_str(&json, "name", template->name);
    json_put_str(&json, "plant", template->plant);
    json_put_i64(&json, "devices", template->devices);
    json_put_i64(&json, "tags", template->tags);
    json_object_end(&json);
    AUTO_BUF struct buf subject;
    buf_init(&subject, 64);
    buf_printf(&subject, "template/%lld", (long long)template->number);
    return audit_append(tx, actor, str_of(action), buf_str(&subject), buf_str(&payload), err);
}

static int check(const struct stored_template *template, struct err *err) {
    if (str_trim(template->name).size == 0) {
        return err_set(err, ERR_INVALID, MSG_TEMPLATE_NAME, NO_ARGS);
    }
    if (template->body.size > BODY_BYTES) {
        return err_set(err, ERR_LIMIT, MSG_TEMPLATE_LARGE, ARGS(A_INT(BODY_BYTES >> 20)));
    }
    int status = input_text("name", template->name, NAME_BYTES, err);
    return status < 0 ? status : input_text("note", template->note, NOTE_BYTES, err);
}

/* 1: there is one of this name with this content; 0: none. */
static int find_same(struct ledger_tx *tx, const struct stored_template *template,
    int64_t *ret_number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status =
        ledger_prepare(tx, "SELECT t.number, t.body = ?3 " OF_PLANT " AND t.name = ?2", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, template->plant);
    ledger_bind_str(stmt, 2, template->name);
    ledger_bind_str(stmt, 3, template->body);
    status = ledger_step(stmt, err);
    if (status <= 0) {
        return status;
    }
    if (ledger_column_i64(stmt, 1) == 0) {
        return err_set(err, ERR_CONFLICT, MSG_TEMPLATE_TAKEN, ARGS(A_STR(template->name)));
    }
    *ret_number = ledger_column_i64(stmt, 0);
    return 1;
}

static int check_room(struct ledger_tx *tx, struct str plant, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, "SELECT count(*) " OF_PLANT, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, plant);
    status = ledger_step(stmt, err);
    bool is_full = status > 0 && ledger_column_i64(stmt, 0) >= TEMPLATES_MAX;
    return is_full ? err_set(err, ERR_LIMIT, MSG_TEMPLATE_FULL, ARGS(A_INT(TEMPLATES_MAX)))
                   : status;
}

static int insert(struct ledger_tx *tx, const struct stored_template *template, int64_t *ret_number,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "INSERT INTO templates (organisation_id, name, note, devices, tags, body, plant_id, actor, "
        "author, made_ns) SELECT organisation_id, ?2, ?3, ?4, ?5, ?6, id, ?7, ?8, ?9 FROM plants "
        "WHERE id = ?1 RETURNING number",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, template->plant);
    ledger_bind_str(stmt, 2, template->name);
    ledger_bind_str(stmt, 3, template->note);
    ledger_bind_i64(stmt, 4, template->devices);
    ledger_bind_i64(stmt, 5, template->tags);
    ledger_bind_str(stmt, 6, template->body);
    ledger_bind_str(stmt, 7, template->actor);
    ledger_bind_str(stmt, 8, template->author);
    ledger_bind_i64(stmt, 9, ledger_now_ns(tx));
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_TEMPLATE_UNKNOWN, ARGS(A_STR(template->plant)));
    }
    if (status > 0) {
        *ret_number = ledger_column_i64(stmt, 0);
        status = ledger_step(stmt, err);
    }
    return status;
}

int templates_keep(struct ledger_tx *tx, const struct stored_template *template,
    int64_t *ret_number, struct err *err) {
    int status = check(template, err);
    status = status < 0 ? status : find_same(tx, template, ret_number, err);
    if (status != 0) {
        return status < 0 ? status : 0;
    }
    struct stored_template kept = *template;
    status = check_room(tx, template->plant, err);
    status = status < 0 ? status : insert(tx, template, &kept.number, err);
    status = status < 0 ? status : note(tx, &kept, "template.keep", template->actor, err);
    if (status >= 0) {
        *ret_number = kept.number;
    }
    return status < 0 ? status : 0;
}

static void take_row(struct ledger_stmt *stmt, struct arena *arena, struct stored_template *row) {
    *row = (struct stored_template){.number = ledger_column_i64(stmt, 0),
        .name = arena_copy(arena, ledger_column_str(stmt, 1)),
        .note = arena_copy(arena, ledger_column_str(stmt, 2)),
        .devices = (uint32_t)ledger_column_i64(stmt, 3),
        .tags = (uint32_t)ledger_column_i64(stmt, 4),
        .body = STR_NONE,
        .plant = arena_copy(arena, ledger_column_str(stmt, 5)),
        .actor = arena_copy(arena, ledger_column_str(stmt, 6)),
        .author = arena_copy(arena, ledger_column_str(stmt, 7)),
        .made_ns = ledger_column_i64(stmt, 8)};
}

int templates_get(struct ledger_tx *tx, struct str plant, int64_t number, struct arena *arena,
    struct stored_template *ret_template, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status =
        ledger_prepare(tx, "SELECT " ROWS ", t.body " OF_PLANT " AND t.number = ?2", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_i64(stmt, 2, number);
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_TEMPLATE_UNKNOWN, ARGS(A_INT(number)));
    }
    if (status > 0) {
        take_row(stmt, arena, ret_template);
        ret_template->body = arena_copy(arena, ledger_column_str(stmt, 9));
    }
    return status < 0 ? status : 0;
}

int templates_list(struct ledger_tx *tx, struct str plant, struct arena *arena,
    struct stored_template *ret_rows, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(
        tx, "SELECT " ROWS " " OF_PLANT " ORDER BY t.name, t.number LIMIT ?2", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_i64(stmt, 2, max);
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        take_row(stmt, arena, &ret_rows[count++]);
    }
    return status < 0 ? status : count;
}

int templates_remove(
    struct ledger_tx *tx, struct str plant, int64_t number, struct str actor, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct stored_template row;
    struct ledger_stmt *stmt = NULL;
    int status = templates_get(tx, plant, number, &arena, &row, err);
    status = status < 0 ? status
                        : ledger_prepare(tx, "DELETE FROM templates WHERE number = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    row.plant = plant;
    return status < 0 ? status : note(tx, &row, "template.remove", actor, err);
}
