/*
 * Annotations. One is written once and never changed: who reads it later must be able to trust that
 * it says what was written then. A wrong one is removed and another entered; both steps stand in
 * the audit chain, the removed text among them. A span is found by its end (the index), for most
 * questions are about the recent past.
 */
#include "ledger/annotations.h"

#include "core/json.h"
#include "ledger/db.h"
#include "ledger/input.h"

#define COLUMNS "number, begin_ns, end_ns, coalesce(tag, 0), text, actor, author, entered_ns"

static int check(struct ledger_tx *tx, const struct annotation *annotation, struct err *err) {
    if (str_trim(annotation->text).size == 0) {
        return err_set(err, ERR_INVALID, MSG_ANNOTATION_EMPTY, NO_ARGS);
    }
    if (annotation->end_ns < annotation->begin_ns) {
        return err_set(err, ERR_INVALID, MSG_ANNOTATION_RANGE, NO_ARGS);
    }
    int status = input_text("text", annotation->text, ANNOTATION_TEXT_MAX, err);
    int64_t rows = 0;
    status =
        status < 0 ? status : db_number(tx->db, "SELECT count(*) FROM annotations", &rows, err);
    return status >= 0 && rows >= ANNOTATION_ROWS_MAX
               ? err_set(err, ERR_LIMIT, MSG_ANNOTATION_FULL, ARGS(A_INT(ANNOTATION_ROWS_MAX)))
               : status;
}

static int note(struct ledger_tx *tx, const struct annotation *annotation, const char *action,
    struct str actor, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, 8192);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_time(&json, "begin", annotation->begin_ns);
    json_put_time(&json, "end", annotation->end_ns);
    json_put_i64(&json, "tag", annotation->tag);
    json_put_str(&json, "text", annotation->text);
    json_put_str(&json, "actor", annotation->actor);
    json_object_end(&json);
    AUTO_BUF struct buf subject;
    buf_init(&subject, 64);
    buf_printf(&subject, "annotation/%lld", (long long)annotation->number);
    return audit_append(tx, actor, str_of(action), buf_str(&subject), buf_str(&payload), err);
}

int annotation_enter(struct ledger_tx *tx, const struct annotation *annotation, int64_t *ret_number,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = check(tx, annotation, err);
    status = status < 0
                 ? status
                 : ledger_prepare(tx,
                       "INSERT INTO annotations (begin_ns, end_ns, tag, text, actor, author, "
                       "entered_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING number",
                       &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, annotation->begin_ns);
    ledger_bind_i64(stmt, 2, annotation->end_ns);
    if (annotation->tag != 0) {
        ledger_bind_i64(stmt, 3, annotation->tag);
    } else {
        ledger_bind_null(stmt, 3);
    }
    ledger_bind_str(stmt, 4, annotation->text);
    ledger_bind_str(stmt, 5, annotation->actor);
    ledger_bind_str(stmt, 6, annotation->author);
    ledger_bind_i64(stmt, 7, ledger_now_ns(tx));
    struct annotation stored = *annotation;
    status = ledger_step(stmt, err);
    if (status > 0) {
        stored.number = ledger_column_i64(stmt, 0);
        status = ledger_step(stmt, err);
    }
    status = status < 0 ? status : note(tx, &stored, "annotation.enter", annotation->actor, err);
    if (status >= 0) {
        *ret_number = stored.number;
    }
    return status < 0 ? status : 0;
}

static void take_row(struct ledger_stmt *stmt, struct arena *arena, struct annotation *row) {
    *row = (struct annotation){.number = ledger_column_i64(stmt, 0),
        .begin_ns = ledger_column_i64(stmt, 1),
        .end_ns = ledger_column_i64(stmt, 2),
        .tag = (uint32_t)ledger_column_i64(stmt, 3),
        .text = arena_copy(arena, ledger_column_str(stmt, 4)),
        .actor = arena_copy(arena, ledger_column_str(stmt, 5)),
        .author = arena_copy(arena, ledger_column_str(stmt, 6)),
        .entered_ns = ledger_column_i64(stmt, 7)};
}

int annotation_get(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct annotation *ret_annotation, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status =
        ledger_prepare(tx, "SELECT " COLUMNS " FROM annotations WHERE number = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_ANNOTATION_UNKNOWN, ARGS(A_INT(number)));
    }
    if (status > 0) {
        take_row(stmt, arena, ret_annotation);
    }
    return status < 0 ? status : 0;
}

int annotation_remove(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct annotation row;
    struct ledger_stmt *stmt = NULL;
    int status = annotation_get(tx, number, &arena, &row, err);
    status = status < 0
                 ? status
                 : ledger_prepare(tx, "DELETE FROM annotations WHERE number = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    return status < 0 ? status : note(tx, &row, "annotation.remove", actor, err);
}

int annotation_list(struct ledger_tx *tx, const struct annotation_query *query, struct arena *arena,
    struct annotation *ret_rows, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT " COLUMNS " FROM annotations WHERE end_ns >= ?1 AND begin_ns < ?2 AND "
        "(?3 = 0 OR tag IS NULL OR tag = ?3) AND number < ?4 ORDER BY number DESC LIMIT ?5",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, query->from_ns);
    ledger_bind_i64(stmt, 2, query->to_ns);
    ledger_bind_i64(stmt, 3, query->tag);
    ledger_bind_i64(stmt, 4, query->before);
    ledger_bind_i64(stmt, 5, max);
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        take_row(stmt, arena, &ret_rows[count++]);
    }
    return status < 0 ? status : count;
}
