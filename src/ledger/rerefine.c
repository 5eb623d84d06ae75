/*
 * Records of re-refining. The parts are written before the versions they tell of, so that a run cut
 * short by a kill can be undone as well: what its parts name and the history does not hold was
 * never stored, and undoing leaves it alone.
 */
#include "ledger/rerefine.h"

#include "core/json.h"
#include "ledger/db.h"

#define COLUMNS                                                                                    \
    "id, time_ns, actor, tag, from_ns, to_ns, rule, rule_before, rows_read, changed, omitted,"     \
    " corrected, skipped, undoes, finished,"                                                       \
    " (SELECT max(u.id) FROM rerefinements u WHERE u.undoes = r.id)"

int rerefine_part_put(
    struct ledger_tx *tx, int64_t id, int64_t part, struct str rows, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(
        tx, "INSERT INTO rerefinement_rows (id, part, rows) VALUES (?1, ?2, ?3)", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, id);
    ledger_bind_i64(stmt, 2, part);
    ledger_bind_blob(stmt, 3, rows.data, rows.size);
    return ledger_step(stmt, err);
}

static int note_in_chain(struct ledger_tx *tx, const struct rerefine_record *record,
    struct str action, struct str tag_name, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, 65536);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_i64(&json, "id", record->id);
    json_put_time(&json, "from", record->from_ns);
    json_put_time(&json, "to", record->to_ns);
    json_put_i64(&json, "rows", (int64_t)record->rows_read);
    json_put_i64(&json, "changed", (int64_t)record->changed);
    if (record->undoes != 0) {
        json_put_i64(&json, "undoes", record->undoes);
    }
    json_object_end(&json);
    return audit_append(tx, record->actor, action, tag_name, buf_str(&payload), err);
}

int rerefine_begin(struct ledger_tx *tx, const struct rerefine_record *record, struct str tag_name,
    int64_t *ret_id, struct err *err) {
    int64_t last = 0;
    struct ledger_stmt *stmt = NULL;
    int result = db_number(tx->db, "SELECT max(id) FROM rerefinements", &last, err);
    result = result < 0 ? result
                        : ledger_prepare(tx,
                              "INSERT INTO rerefinements (id, time_ns, actor, tag, from_ns, to_ns,"
                              " rule, rule_before, rows_read, changed, omitted, corrected, skipped,"
                              " undoes, finished) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                              " (SELECT rule FROM rerefinements WHERE tag = ?4 ORDER BY id DESC"
                              " LIMIT 1), 0, 0, 0, 0, 0, ?8, 0)",
                              &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, last + 1);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    ledger_bind_str(stmt, 3, record->actor);
    ledger_bind_i64(stmt, 4, record->tag);
    ledger_bind_i64(stmt, 5, record->from_ns);
    ledger_bind_i64(stmt, 6, record->to_ns);
    ledger_bind_str(stmt, 7, record->rule);
    if (record->undoes != 0) {
        ledger_bind_i64(stmt, 8, record->undoes);
    }
    result = ledger_step(stmt, err);
    if (result >= 0 && tag_name.size > 0) {
        struct rerefine_record begun = *record;
        begun.id = last + 1;
        result = note_in_chain(tx, &begun, STR("tag.rerefine.begin"), tag_name, err);
    }
    if (result >= 0) {
        *ret_id = last + 1;
    }
    return result;
}

int rerefine_finish(struct ledger_tx *tx, const struct rerefine_record *record, struct str tag_name,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "UPDATE rerefinements SET rows_read = ?2, changed = ?3, omitted = ?4, corrected = ?5,"
        " skipped = ?6, finished = 1 WHERE id = ?1",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, record->id);
    ledger_bind_i64(stmt, 2, (int64_t)record->rows_read);
    ledger_bind_i64(stmt, 3, (int64_t)record->changed);
    ledger_bind_i64(stmt, 4, (int64_t)record->omitted);
    ledger_bind_i64(stmt, 5, (int64_t)record->corrected);
    ledger_bind_i64(stmt, 6, (int64_t)record->skipped);
    result = ledger_step(stmt, err);
    return result < 0 ? result : note_in_chain(tx, record, STR("tag.rerefine"), tag_name, err);
}

static void read_record(
    struct ledger_stmt *stmt, struct arena *arena, struct rerefine_record *record) {
    *record = (struct rerefine_record){.id = ledger_column_i64(stmt, 0),
        .time_ns = ledger_column_i64(stmt, 1),
        .actor = arena_copy(arena, ledger_column_str(stmt, 2)),
        .tag = (uint32_t)ledger_column_i64(stmt, 3),
        .from_ns = ledger_column_i64(stmt, 4),
        .to_ns = ledger_column_i64(stmt, 5),
        .rule = arena_copy(arena, ledger_column_str(stmt, 6)),
        .rule_before = arena_copy(arena, ledger_column_str(stmt, 7)),
        .rows_read = (uint64_t)ledger_column_i64(stmt, 8),
        .changed = (uint64_t)ledger_column_i64(stmt, 9),
        .omitted = (uint64_t)ledger_column_i64(stmt, 10),
        .corrected = (uint64_t)ledger_column_i64(stmt, 11),
        .skipped = (uint64_t)ledger_column_i64(stmt, 12),
        .undoes = ledger_column_i64(stmt, 13),
        .is_finished = ledger_column_i64(stmt, 14) != 0,
        .undone_by = ledger_column_i64(stmt, 15)};
}

int rerefine_list(struct ledger_tx *tx, uint32_t tag, int64_t before,
    struct rerefine_record *ret_records, uint32_t max, struct arena *arena, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT " COLUMNS " FROM rerefinements r WHERE id < ?1 AND (?2 = 0 OR tag = ?2)"
        " ORDER BY id DESC LIMIT ?3",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, before);
    ledger_bind_i64(stmt, 2, tag);
    ledger_bind_i64(stmt, 3, max);
    int count = 0;
    while ((result = ledger_step(stmt, err)) > 0) {
        read_record(stmt, arena, &ret_records[count++]);
    }
    return result < 0 ? result : count;
}

int rerefine_get(struct ledger_tx *tx, int64_t id, struct arena *arena,
    struct rerefine_record *ret_record, struct err *err) {
    struct rerefine_record record = {.id = 0};
    int count =
        id < 1 || id == INT64_MAX ? 0 : rerefine_list(tx, 0, id + 1, &record, 1, arena, err);
    if (count < 0) {
        return count;
    }
    if (record.id != id) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_REREFINE_UNKNOWN, ARGS(A_INT(id)));
    }
    *ret_record = record;
    return 0;
}

int rerefine_part_get(struct ledger_tx *tx, int64_t id, int64_t part, struct arena *arena,
    struct str *ret_rows, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(
        tx, "SELECT rows FROM rerefinement_rows WHERE id = ?1 AND part = ?2", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, id);
    ledger_bind_i64(stmt, 2, part);
    result = ledger_step(stmt, err);
    if (result > 0) {
        *ret_rows = arena_copy(arena, db_column_blob(stmt, 0));
    }
    return result;
}
