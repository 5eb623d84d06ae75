/*
 * A plant's settings, the consumers' cursors and the counts of counter tags.
 *
 * A cursor is written in the same transaction as what its consumer did with the batches up to it,
 * so the two agree after a kill at any moment: either both stand or neither, and the consumer goes
 * on behind its cursor. That alone makes counting exact; there is no other bookkeeping.
 */
#include <math.h>

#include "core/check.h"
#include "ledger/db.h"
#include "ledger/input.h"

enum { SETTING_MAX = 4096, BOOKMARK_KEY_MAX = 512 };

int plant_setting_get(struct ledger_tx *tx, struct str key, struct arena *arena,
    struct str *ret_value, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "SELECT value FROM settings WHERE key = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, key);
    result = ledger_step(stmt, err);
    if (result == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_SETTING_MISSING, ARGS(A_STR(key)));
    }
    if (result == 1) {
        *ret_value = arena_copy(arena, ledger_column_str(stmt, 0));
    }
    return result < 0 ? result : 0;
}

int plant_setting_put(struct ledger_tx *tx, struct str key, struct str value, struct err *err) {
    struct str rest = key;
    do {
        if (!str_is_id(str_cut(&rest, '.'))) { // "zone", "collect.period"
            return err_set(err, ERR_INVALID, MSG_ID_INVALID, ARGS(A_STR(key)));
        }
    } while (rest.data != NULL);
    int result = input_text("value", value, SETTING_MAX, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO settings (key, value) VALUES (?1, ?2)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, key);
    ledger_bind_str(stmt, 2, value);
    return ledger_step(stmt, err);
}

int bookmark_get(
    struct ledger_tx *tx, struct str device, struct str key, struct buf *out, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(
        tx, "SELECT value FROM bookmarks WHERE device = ?1 AND key = ?2", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, device);
    ledger_bind_str(stmt, 2, key);
    result = ledger_step(stmt, err);
    if (result == 1) {
        buf_put_str(out, ledger_column_str(stmt, 0));
    }
    return result == 0 ? -(int)ERR_NOT_FOUND : result < 0 ? result : 0;
}

int bookmark_put(
    struct ledger_tx *tx, struct str device, struct str key, struct str value, struct err *err) {
    int result = input_text("key", key, BOOKMARK_KEY_MAX, err);
    if (result == 0) {
        result = input_text("value", value, SETTING_MAX, err);
    }
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            value.size == 0 ? "DELETE FROM bookmarks WHERE device = ?1 AND key = ?2"
                            : "INSERT INTO bookmarks (device, key, value) VALUES (?1, ?2, ?3)"
                              " ON CONFLICT (device, key) DO UPDATE SET value = excluded.value",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, device);
    ledger_bind_str(stmt, 2, key);
    if (value.size > 0) {
        ledger_bind_str(stmt, 3, value);
    }
    result = ledger_step(stmt, err);
    return result < 0 ? result : 0;
}

int cursor_get(struct ledger_tx *tx, struct str consumer, uint64_t *ret_seq, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "SELECT seq FROM cursors WHERE consumer = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, consumer);
    result = ledger_step(stmt, err);
    if (result < 0) {
        return result;
    }
    *ret_seq = result == 1 ? (uint64_t)ledger_column_i64(stmt, 0) : 0;
    return 0;
}

int cursor_put(struct ledger_tx *tx, struct str consumer, uint64_t seq, struct err *err) {
    CHECK(seq <= INT64_MAX); // A sequence counts batches from 1.
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "INSERT INTO cursors (consumer, seq) VALUES (?1, ?2)"
        " ON CONFLICT (consumer) DO UPDATE SET seq = excluded.seq",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, consumer);
    ledger_bind_i64(stmt, 2, (int64_t)seq);
    return ledger_step(stmt, err);
}

int count_get(struct ledger_tx *tx, uint32_t tag, struct count_row *ret_row, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT total, last_value, last_time_ns, resets FROM counts WHERE tag = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, tag);
    result = ledger_step(stmt, err);
    if (result < 0) {
        return result;
    }
    *ret_row = (struct count_row){.tag = tag, .last_value = (double)NAN};
    if (result == 1) {
        ret_row->total = ledger_column_i64(stmt, 0);
        ret_row->last_value = ledger_column_f64(stmt, 1);
        ret_row->last_time_ns = ledger_column_i64(stmt, 2);
        ret_row->resets = ledger_column_i64(stmt, 3);
    }
    return 0;
}

static int tag_exists(struct ledger_tx *tx, uint32_t tag, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "SELECT 1 FROM tags WHERE number = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, tag);
    result = ledger_step(stmt, err);
    if (result == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_COUNT_TAG, ARGS(A_INT(tag)));
    }
    return result < 0 ? result : 0;
}

int count_put(struct ledger_tx *tx, const struct count_row *row, struct err *err) {
    int result = tag_exists(tx, row->tag, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO counts (tag, total, last_value, last_time_ns, resets)"
            " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tag) DO UPDATE SET total = excluded.total,"
            " last_value = excluded.last_value, last_time_ns = excluded.last_time_ns,"
            " resets = excluded.resets",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, row->tag);
    ledger_bind_i64(stmt, 2, row->total);
    ledger_bind_f64(stmt, 3, row->last_value);
    ledger_bind_i64(stmt, 4, row->last_time_ns);
    ledger_bind_i64(stmt, 5, row->resets);
    return ledger_step(stmt, err);
}
