/*
 * The book of what left the plant. A table beside the audit chain, because it is asked by recipient
 * and read by people, and an entry of the chain for each row, because a table alone could be
 * edited by whoever holds the file. The chain's entry names the number and the recipient; its
 * payload carries the rest, so both can be compared.
 */
#include "ledger/disclosure.h"

#include "core/json.h"
#include "core/limits.h"
#include "ledger/db.h"
#include "ledger/input.h"

static int check_entry(const struct deident_log_entry *entry, struct err *err) {
    const struct {
        const char *name;
        struct str text;
        size_t max;
        bool may_be_empty;
    } TEXTS[] = {{"recipient", entry->recipient, 256, false},
        {"channel", entry->channel, 64, false}, {"purpose", entry->purpose, 1024, true},
        {"actor", entry->actor, 256, false}, {"method", entry->method, 4096, false},
        {"tags", entry->tags, DISCLOSURE_TAGS_BYTES_MAX, false}};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        if (TEXTS[i].text.size == 0 && !TEXTS[i].may_be_empty) {
            return err_set(
                err, ERR_INVALID, MSG_LEDGER_DISCLOSURE_EMPTY, ARGS(A_CSTR(TEXTS[i].name)));
        }
        int result = input_text(TEXTS[i].name, TEXTS[i].text, TEXTS[i].max, err);
        if (result < 0) {
            return result;
        }
    }
    if (entry->from_ns > entry->to_ns || entry->rows > INT64_MAX) {
        return err_set(err, ERR_RANGE, MSG_LEDGER_DISCLOSURE_RANGE, NO_ARGS);
    }
    return 0;
}

static int note_in_chain(
    struct ledger_tx *tx, const struct deident_log_entry *entry, int64_t number, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, 65536);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_i64(&json, "number", number);
    json_put_str(&json, "channel", entry->channel);
    json_put_str(&json, "purpose", entry->purpose);
    json_put_str(&json, "method", entry->method);
    json_put_str(&json, "tags", str_slice(entry->tags, 0, 8192)); // The table has them all.
    json_put_i64(&json, "rows", (int64_t)entry->rows);
    json_object_end(&json);
    return audit_append(
        tx, entry->actor, STR("data.disclose"), entry->recipient, buf_str(&payload), err);
}

int deident_log_append(struct ledger_tx *tx, const struct deident_log_entry *entry,
    int64_t *ret_number, struct err *err) {
    int64_t last = 0;
    struct ledger_stmt *stmt = NULL;
    int result = check_entry(entry, err);
    result =
        result < 0 ? result : db_number(tx->db, "SELECT max(number) FROM disclosures", &last, err);
    if (result >= 0) {
        result = ledger_prepare(tx,
            "INSERT INTO disclosures (number, time_ns, recipient, channel, purpose, actor, method,"
            " tags, from_ns, to_ns, rows) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, last + 1);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    ledger_bind_str(stmt, 3, entry->recipient);
    ledger_bind_str(stmt, 4, entry->channel);
    ledger_bind_str(stmt, 5, entry->purpose);
    ledger_bind_str(stmt, 6, entry->actor);
    ledger_bind_str(stmt, 7, entry->method);
    ledger_bind_str(stmt, 8, entry->tags);
    ledger_bind_i64(stmt, 9, entry->from_ns);
    ledger_bind_i64(stmt, 10, entry->to_ns);
    ledger_bind_i64(stmt, 11, (int64_t)entry->rows);
    result = ledger_step(stmt, err);
    if (result >= 0) {
        result = note_in_chain(tx, entry, last + 1, err);
    }
    if (result >= 0 && ret_number != NULL) {
        *ret_number = last + 1;
    }
    return result < 0 ? result : 0;
}

int deident_log_append_once(struct ledger_tx *tx, const struct deident_log_entry *entry,
    int64_t since_ns, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT 1 FROM disclosures WHERE recipient = ?1 AND channel = ?2 AND method = ?3"
        " AND tags = ?4 AND time_ns >= ?5 LIMIT 1",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, entry->recipient);
    ledger_bind_str(stmt, 2, entry->channel);
    ledger_bind_str(stmt, 3, entry->method);
    ledger_bind_str(stmt, 4, entry->tags);
    ledger_bind_i64(stmt, 5, since_ns);
    result = ledger_step(stmt, err);
    if (result != 0) {
        return result < 0 ? result : 0;
    }
    result = deident_log_append(tx, entry, NULL, err);
    return result < 0 ? result : 1;
}

int deident_log_list(struct ledger_tx *tx, struct str recipient, int64_t before,
    struct deident_log_entry *ret_entries, uint32_t max, struct arena *arena, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT number, time_ns, recipient, channel, purpose, actor, method, tags, from_ns, to_ns,"
        " rows FROM disclosures WHERE number < ?1 AND (?2 = '' OR recipient = ?2)"
        " ORDER BY number DESC LIMIT ?3",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, before);
    ledger_bind_str(stmt, 2, recipient);
    ledger_bind_i64(stmt, 3, max);
    int count = 0;
    while ((result = ledger_step(stmt, err)) > 0) {
        ret_entries[count++] = (struct deident_log_entry){.number = ledger_column_i64(stmt, 0),
            .time_ns = ledger_column_i64(stmt, 1),
            .recipient = arena_copy(arena, ledger_column_str(stmt, 2)),
            .channel = arena_copy(arena, ledger_column_str(stmt, 3)),
            .purpose = arena_copy(arena, ledger_column_str(stmt, 4)),
            .actor = arena_copy(arena, ledger_column_str(stmt, 5)),
            .method = arena_copy(arena, ledger_column_str(stmt, 6)),
            .tags = arena_copy(arena, ledger_column_str(stmt, 7)),
            .from_ns = ledger_column_i64(stmt, 8),
            .to_ns = ledger_column_i64(stmt, 9),
            .rows = (uint64_t)ledger_column_i64(stmt, 10)};
    }
    return result < 0 ? result : count;
}
