/*
 * Corrections go through both halves of the plant. The ledger comes first: its row says who, when
 * and why, what stood there and what is to stand there; then the sample is stored, then the row is
 * marked. A kill in between leaves a row that is not applied and the old value, which is true; the
 * same correction again completes it. The other order could leave a changed value that nobody
 * signed for.
 */
#include "plant/correct.h"

#include "core/check.h"
#include "core/limits.h"
#include "core/time.h"
#include "plant/import.h"

/* The winning value at exactly that time. */
struct found_value {
    bool found;
    struct sample row;
    struct str text; // In the arena, for text values.
};

static void take_row(
    const struct hist_rows *rows, uint32_t i, struct arena *arena, struct found_value *value) {
    value->found = true;
    value->row = (struct sample){.time_ns = rows->time_ns[i],
        .tag = rows->tag,
        .type = (uint8_t)rows->type,
        .status = rows->status != NULL ? rows->status[i] : 0,
        .flags = rows->flags != NULL ? rows->flags[i] : 0};
    switch (rows->type) {
    case TYPE_F64: value->row.value.f64 = rows->f64[i]; break;
    case TYPE_I64:
    case TYPE_BOOL: value->row.value.i64 = rows->i64[i]; break;
    case TYPE_TEXT: value->text = arena_copy(arena, rows->text[i]); break;
    }
}

static int find_value(struct plant *plant, uint32_t tag, int64_t time_ns, struct arena *arena,
    struct found_value *ret_value, struct err *err) {
    struct hist_scan_options options = {.tag = tag, .from_ns = time_ns, .to_ns = time_ns + 1};
    struct hist_scan *scan = NULL;
    int status = hist_scan_open(plant_historian(plant), &options, &scan, err);
    struct hist_rows rows;
    while (status >= 0 && (status = hist_scan_next(scan, &rows, err)) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            if (rows.time_ns[i] == time_ns) {
                take_row(&rows, i, arena, ret_value);
            }
        }
    }
    hist_scan_close(scan);
    return status;
}

static struct str value_text(const struct found_value *value, struct arena *arena) {
    char text[32];
    if (!status_has_value(value->row.status)) {
        return STR_NONE;
    }
    switch ((enum value_type)value->row.type) {
    case TYPE_F64:
        return arena_copy(arena, (struct str){text, f64_to_text(value->row.value.f64, text)});
    case TYPE_I64:
        return arena_copy(arena, (struct str){text, i64_to_text(value->row.value.i64, text)});
    case TYPE_BOOL: return value->row.value.i64 != 0 ? STR("true") : STR("false");
    case TYPE_TEXT: break;
    }
    return value->text;
}

static int check_reason(struct str reason, struct err *err) {
    size_t bad = 0;
    if (str_trim(reason).size == 0 || reason.size > CORRECTION_REASON_MAX ||
        !str_is_utf8(reason, &bad)) {
        return err_set(err, ERR_INVALID, MSG_CORRECT_REASON, ARGS(A_INT(CORRECTION_REASON_MAX)));
    }
    return 0;
}

static int find_tag(struct plant *plant, struct str name, uint32_t *ret_tag,
    enum value_type *ret_type, struct err *err) {
    struct catalogue *catalogue = plant_catalogue(plant);
    const struct tag *tag = catalogue_find(catalogue, name);
    if (tag != NULL) {
        *ret_tag = tag->number;
        *ret_type = tag->type;
    }
    catalogue_unref(catalogue);
    return tag != NULL ? 0 : err_set(err, ERR_NOT_FOUND, MSG_CORRECT_NO_TAG, ARGS(A_STR(name)));
}

int correction_find(struct plant *plant, const struct correction *correction, struct arena *arena,
    struct correction_found *ret_found, struct err *err) {
    uint32_t tag = 0;
    enum value_type type = TYPE_F64;
    struct found_value old = {.text = STR_NONE};
    int status = check_reason(correction->reason, err);
    if (status >= 0) {
        status = find_tag(plant, correction->tag, &tag, &type, err);
    }
    if (status >= 0) {
        status = find_value(plant, tag, correction->time_ns, arena, &old, err);
    }
    if (status >= 0 && !old.found) {
        char time[TIME_TEXT_MAX];
        struct str text = {time, time_format(correction->time_ns, plant_zone(plant), time)};
        return err_set(
            err, ERR_NOT_FOUND, MSG_CORRECT_NO_SAMPLE, ARGS(A_STR(correction->tag), A_STR(text)));
    }
    struct found_value now = old;
    if (status >= 0 && correction->bad) {
        now.row.status =
            (uint32_t)(status_has_value(old.row.status) ? STATUS_BAD : STATUS_BAD_NO_DATA);
    } else if (status >= 0) {
        now.row.status = 0;
        now.text = arena_copy(arena, correction->value);
        status = import_value(correction->tag, type, correction->value, &now.row, err);
    }
    if (status < 0) {
        return status;
    }
    struct str old_text = value_text(&old, arena);
    struct str text = value_text(&now, arena);
    now.row.flags = SAMPLE_CORRECTION | SAMPLE_SOURCE_TIME;
    *ret_found = (struct correction_found){.tag = tag,
        .same = (old.row.flags & SAMPLE_CORRECTION) != 0 && old.row.status == now.row.status &&
                str_eq(old_text, text),
        .bad = correction->bad,
        .row = now.row,
        .value = text,
        .old_value = old_text,
        .old_status = old.row.status,
        .reason = arena_copy(arena, correction->reason)};
    return 0;
}

/* ---- Storing ---- */

struct applying {
    struct plant *plant;
    const struct correction_found *found;
    uint32_t count;
    struct str actor;
    uint32_t stored;
    int64_t first_number;
};

static int insert_row(struct ledger_tx *tx, const struct applying *applying,
    const struct correction_found *found, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "INSERT INTO corrections (tag, time_ns, entered_ns, actor, reason, old_value, old_status,"
        " value, bad, applied) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, found->tag);
    ledger_bind_i64(stmt, 2, found->row.time_ns);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    ledger_bind_str(stmt, 4, applying->actor);
    ledger_bind_str(stmt, 5, found->reason);
    ledger_bind_str(stmt, 6, found->old_value);
    ledger_bind_i64(stmt, 7, found->old_status);
    ledger_bind_str(stmt, 8, found->value);
    ledger_bind_i64(stmt, 9, found->bad);
    return ledger_step(stmt, err);
}

static int sign(struct ledger_tx *tx, void *context, struct err *err) {
    struct applying *applying = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, "SELECT coalesce(max(number), 0) FROM corrections", &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status < 0) {
        return status;
    }
    applying->first_number = ledger_column_i64(stmt, 0) + 1;
    applying->stored = 0;
    for (uint32_t i = 0; i < applying->count; i++) {
        if (!applying->found[i].same) {
            status = insert_row(tx, applying, &applying->found[i], err);
            if (status < 0) {
                return status;
            }
            applying->stored++;
        }
    }
    if (applying->stored == 0) {
        return 0;
    }
    AUTO_BUF struct buf payload;
    buf_init(&payload, 256);
    buf_printf(&payload, "{\"corrections\":%u,\"first\":%lld}", applying->stored,
        (long long)applying->first_number);
    return audit_append(tx, applying->actor, STR("correct.samples"), plant_id(applying->plant),
        buf_str(&payload), err);
}

static int mark(struct ledger_tx *tx, void *context, struct err *err) {
    const struct applying *applying = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(
        tx, "UPDATE corrections SET applied = 1 WHERE number >= ?1 AND number < ?2", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, applying->first_number);
    ledger_bind_i64(stmt, 2, applying->first_number + applying->stored);
    return ledger_step(stmt, err);
}

/* Adds the row, submitting the batch when it is full. */
static int add_row(struct plant *plant, struct batch *batch, const struct correction_found *found,
    struct err *err) {
    for (int round = 0; round < 2; round++) {
        struct sample *place = NULL;
        if (found->row.type == TYPE_TEXT) {
            if (batch_add_text(batch, found->tag, found->row.time_ns, found->value)) {
                place = &batch->rows[batch->count - 1];
                place->status = found->row.status;
                place->flags = found->row.flags;
            }
        } else if ((place = batch_add(batch)) != NULL) {
            *place = found->row;
        }
        if (place != NULL) {
            place->tag = found->tag;
            return 0;
        }
        int status = plant_submit(plant, &batch, 1, err);
        if (status < 0) {
            return status;
        }
        batch_clear(batch);
    }
    NEVER(true); // One row fits an empty batch.
    return 0;
}

int correction_apply(struct plant *plant, const struct correction_found *found, uint32_t count,
    struct str actor, uint32_t *ret_stored, struct err *err) {
    struct applying applying = {.plant = plant, .found = found, .count = count, .actor = actor};
    int status = ledger_write(plant_ledger(plant), sign, &applying, err);
    if (status < 0 || applying.stored == 0) {
        *ret_stored = 0;
        return status;
    }
    AUTO_BATCH struct batch *batch = batch_new(CORRECTIONS_MAX, LIMIT_BATCH_TEXT_BYTES);
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        status = found[i].same ? 0 : add_row(plant, batch, &found[i], err);
    }
    if (status >= 0 && batch->count > 0) {
        status = plant_submit(plant, &batch, 1, err);
    }
    if (status >= 0) {
        status = ledger_write(plant_ledger(plant), mark, &applying, err);
    }
    if (status >= 0) {
        *ret_stored = applying.stored;
    }
    return status;
}

/* ---- Listing ---- */

struct listing {
    const struct correction_query *query;
    struct correction_entry *entries;
    uint32_t max;
    uint32_t count;
    struct arena *arena;
};

static int list(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT number, tag, time_ns, entered_ns, actor, reason, old_value, old_status, value, bad,"
        " applied FROM corrections c WHERE number < ?1 AND (?2 = 0 OR tag = ?2)"
        " AND (?4 = 0 OR number = (SELECT max(number) FROM corrections"
        " WHERE tag = c.tag AND time_ns = c.time_ns))"
        " ORDER BY number DESC LIMIT ?3",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, listing->query->before);
    ledger_bind_i64(stmt, 2, listing->query->tag);
    ledger_bind_i64(stmt, 4, listing->query->latest_only);
    ledger_bind_i64(stmt, 3, listing->max);
    while (listing->count < listing->max && (status = ledger_step(stmt, err)) > 0) {
        listing->entries[listing->count++] =
            (struct correction_entry){.number = ledger_column_i64(stmt, 0),
                .tag = (uint32_t)ledger_column_i64(stmt, 1),
                .time_ns = ledger_column_i64(stmt, 2),
                .entered_ns = ledger_column_i64(stmt, 3),
                .actor = arena_copy(listing->arena, ledger_column_str(stmt, 4)),
                .reason = arena_copy(listing->arena, ledger_column_str(stmt, 5)),
                .old_value = arena_copy(listing->arena, ledger_column_str(stmt, 6)),
                .old_status = (uint32_t)ledger_column_i64(stmt, 7),
                .value = arena_copy(listing->arena, ledger_column_str(stmt, 8)),
                .bad = ledger_column_i64(stmt, 9) != 0,
                .applied = ledger_column_i64(stmt, 10) != 0};
    }
    return status < 0 ? status : 0;
}

int correction_list(struct plant *plant, const struct correction_query *query,
    struct correction_entry *ret_entries, uint32_t max, struct arena *arena, struct err *err) {
    struct listing listing = {.query = query, .entries = ret_entries, .max = max, .arena = arena};
    int status = ledger_read(plant_ledger(plant), list, &listing, err);
    return status < 0 ? status : (int)listing.count;
}
