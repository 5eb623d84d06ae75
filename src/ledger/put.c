/*
 * Inserting and changing tags, devices and assets.
 *
 * All three work alike: check what a person can get wrong, in words; find the row by its name; then
 * insert it under the next number, or update it only where something differs, so that importing
 * the same file twice changes nothing and says so. Comparing is left to SQLite (IS NOT over the
 * row), which treats NULL, our NaN, as equal to itself.
 *
 * A tag's scale must suit its type: whole numbers for i64 and none for bool and text. Rounding
 * scaled values silently was rejected: a tag that needs a fraction is an f64 tag.
 */
#include <math.h>

#include "core/limits.h"
#include "ledger/db.h"
#include "ledger/input.h"

enum {
    ASSET_DEPTH_MAX = 64,  // Parents walked to find a circle.
    RETENTION_MAX = 36525, // Days: 100 years.
};

/* What stands under a name now. */
struct present {
    int64_t number;       // 0: nothing.
    enum value_type type; // Of tags.
};

static int next_number(struct ledger_tx *tx, const char *sql, int64_t max, enum msg_id full,
    int64_t *ret_number, struct err *err) {
    int64_t last = 0;
    int result = db_number(tx->db, sql, &last, err);
    if (result < 0) {
        return result;
    }
    if (last >= max) {
        return err_set(err, ERR_LIMIT, full, ARGS(A_INT(max)));
    }
    *ret_number = last + 1;
    return 0;
}

static int find_number(
    struct ledger_tx *tx, const char *sql, struct str name, int64_t *ret_number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, sql, &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, name);
    result = ledger_step(stmt, err);
    if (result < 0) {
        return result;
    }
    *ret_number = result == 1 ? ledger_column_i64(stmt, 0) : 0;
    return 0;
}

static int bad_number(const char *field, const struct tag *tag, double value, struct err *err) {
    return err_set(err, ERR_INVALID, MSG_LEDGER_TAG_NUMBER,
        ARGS(A_CSTR(field), A_STR(tag->name), A_REAL(value)));
}

static int check_scale(const struct tag *tag, struct err *err) {
    if (!isfinite(tag->scale) || fpclassify(tag->scale) == FP_ZERO) {
        return bad_number("scale", tag, tag->scale, err);
    }
    if (!isfinite(tag->offset)) {
        return bad_number("offset", tag, tag->offset, err);
    }
    bool is_whole = rint(tag->scale) == tag->scale && rint(tag->offset) == tag->offset;
    bool is_none = tag->scale == 1.0 && fpclassify(tag->offset) == FP_ZERO;
    bool suits = tag->type == TYPE_F64 || is_none || (tag->type == TYPE_I64 && is_whole);
    if (!suits) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_TAG_SCALE,
            ARGS(A_STR(tag->name), A_CSTR(value_type_name(tag->type)), A_REAL(tag->scale),
                A_REAL(tag->offset)));
    }
    return 0;
}

static int check_tag_numbers(const struct tag *tag, struct err *err) {
    if (tag->min > tag->max) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_TAG_RANGE,
            ARGS(A_STR(tag->name), A_REAL(tag->min), A_REAL(tag->max)));
    }
    if (tag->dead_band < 0 || isinf(tag->dead_band)) {
        return bad_number("dead_band", tag, tag->dead_band, err);
    }
    if (tag->max_silence_ns < 0) {
        return bad_number("max_silence", tag, (double)tag->max_silence_ns, err);
    }
    if (tag->late_limit_ns < 0) {
        return bad_number("late_limit", tag, (double)tag->late_limit_ns, err);
    }
    if (tag->retention_days > RETENTION_MAX) {
        return bad_number("retention_days", tag, (double)tag->retention_days, err);
    }
    if (tag->rollup_days > RETENTION_MAX) {
        return bad_number("rollup_days", tag, (double)tag->rollup_days, err);
    }
    return check_scale(tag, err);
}

static int check_tag(struct ledger_tx *tx, const struct tag *tag, struct err *err) {
    int result = tag_name_check(tag->name, err);
    result = result < 0 ? result : check_tag_numbers(tag, err);
    result = result < 0 ? result : input_text("display", tag->display, LIMIT_DISPLAY_BYTES, err);
    result = result < 0 ? result : input_text("unit", tag->unit, LIMIT_UNIT_BYTES, err);
    result = result < 0 ? result : input_text("source", tag->source, LIMIT_SOURCE_BYTES, err);
    result = result < 0 ? result : input_text("refine", tag->refine, LIMIT_REFINE_BYTES, err);
    if (result < 0 || tag->device.size == 0) {
        return result;
    }
    int64_t device = 0;
    result = find_number(tx, "SELECT number FROM devices WHERE id = ?1", tag->device, &device, err);
    if (result == 0 && device == 0) {
        return err_set(
            err, ERR_NOT_FOUND, MSG_LEDGER_TAG_DEVICE, ARGS(A_STR(tag->name), A_STR(tag->device)));
    }
    return result;
}

static int find_tag(
    struct ledger_tx *tx, struct str name, struct present *ret_present, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "SELECT number, type FROM tags WHERE name = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, name);
    result = ledger_step(stmt, err);
    if (result == 1) {
        ret_present->number = ledger_column_i64(stmt, 0);
        if (!value_type_of_name(ledger_column_str(stmt, 1), &ret_present->type)) {
            return err_set(err, ERR_CORRUPT, MSG_LEDGER_CATALOGUE,
                ARGS(A_INT(ret_present->number), A_STR(name)));
        }
    }
    return result < 0 ? result : 0;
}

static void bind_tag(struct ledger_stmt *stmt, int64_t number, const struct tag *tag) {
    ledger_bind_i64(stmt, 1, number);
    ledger_bind_str(stmt, 2, str_of(tag_kind_name(tag->kind)));
    ledger_bind_str(stmt, 3, tag->display);
    ledger_bind_str(stmt, 4, tag->unit);
    if (tag->device.size > 0) {
        ledger_bind_str(stmt, 5, tag->device);
    }
    ledger_bind_str(stmt, 6, tag->source);
    ledger_bind_f64(stmt, 7, tag->scale);
    ledger_bind_f64(stmt, 8, tag->offset);
    ledger_bind_f64(stmt, 9, tag->min);
    ledger_bind_f64(stmt, 10, tag->max);
    ledger_bind_f64(stmt, 11, tag->dead_band);
    ledger_bind_i64(stmt, 12, tag->max_silence_ns);
    ledger_bind_i64(stmt, 13, tag->late_limit_ns);
    ledger_bind_i64(stmt, 14, tag->retention_days);
    ledger_bind_i64(stmt, 15, tag->keep_raw);
    ledger_bind_i64(stmt, 16, tag->active);
    ledger_bind_str(stmt, 17, tag->refine.data != NULL ? tag->refine : STR_NONE);
    ledger_bind_i64(stmt, 18, tag->rollup_days);
}

static int insert_tag(
    struct ledger_tx *tx, const struct tag *tag, int64_t *ret_number, struct err *err) {
    int64_t number = 0;
    int result = next_number(
        tx, "SELECT max(number) FROM tags", LIMIT_TAGS, MSG_LEDGER_TAGS_FULL, &number, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO tags (number, kind, display, unit, device, source, scale, \"offset\","
            " min, max, dead_band, max_silence_ns, late_limit_ns, retention_days, keep_raw,"
            " active, refine, rollup_days, name, type)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
            " ?18, ?19, ?20)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    bind_tag(stmt, number, tag);
    ledger_bind_str(stmt, 19, tag->name);
    ledger_bind_str(stmt, 20, str_of(value_type_name(tag->type)));
    *ret_number = number;
    return ledger_step(stmt, err);
}

static int update_tag(
    struct ledger_tx *tx, const struct tag *tag, int64_t number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "UPDATE tags SET (kind, display, unit, device, source, scale, \"offset\", min, max,"
        " dead_band, max_silence_ns, late_limit_ns, retention_days, keep_raw, active, refine,"
        " rollup_days)"
        " = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
        " WHERE number = ?1 AND (kind, display, unit, device, source, scale, \"offset\", min, max,"
        " dead_band, max_silence_ns, late_limit_ns, retention_days, keep_raw, active, refine,"
        " rollup_days)"
        " IS NOT (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    bind_tag(stmt, number, tag);
    return ledger_step(stmt, err);
}

int tag_put(struct ledger_tx *tx, const struct tag *tag, uint32_t *ret_number, bool *ret_changed,
    struct err *err) {
    struct present present = {0};
    int result = check_tag(tx, tag, err);
    result = result < 0 ? result : find_tag(tx, tag->name, &present, err);
    if (result < 0) {
        return result;
    }
    if (present.number != 0 && present.type != tag->type) {
        return err_set(err, ERR_CONFLICT, MSG_LEDGER_TAG_TYPE,
            ARGS(A_STR(tag->name), A_CSTR(value_type_name(present.type)),
                A_CSTR(value_type_name(tag->type))));
    }
    int64_t number = present.number;
    result = number == 0 ? insert_tag(tx, tag, &number, err) : update_tag(tx, tag, number, err);
    if (result == 0) {
        *ret_number = (uint32_t)number;
        *ret_changed = db_changes(tx->db) > 0;
    }
    return result;
}

static int check_id(struct str id, struct err *err) {
    return str_is_id(id) ? 0 : err_set(err, ERR_INVALID, MSG_ID_INVALID, ARGS(A_STR(id)));
}

static int check_device(const struct device *device, struct err *err) {
    int result = check_id(device->id, err);
    result = result < 0 ? result : check_id(device->driver, err);
    result = result < 0 ? result : input_text("display", device->display, LIMIT_DISPLAY_BYTES, err);
    result =
        result < 0 ? result : input_text("address", device->address, LIMIT_DEVICE_TEXT_BYTES, err);
    result =
        result < 0 ? result : input_text("options", device->options, LIMIT_DEVICE_TEXT_BYTES, err);
    if (result == 0 && device->period_ns <= 0) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_DEVICE_PERIOD, ARGS(A_STR(device->id)));
    }
    return result;
}

int device_put(struct ledger_tx *tx, const struct device *device, uint32_t *ret_number,
    bool *ret_changed, struct err *err) {
    int64_t number = 0;
    int result = check_device(device, err);
    result = result < 0 ? result
                        : find_number(tx, "SELECT number FROM devices WHERE id = ?1", device->id,
                              &number, err);
    bool is_new = number == 0;
    if (result == 0 && is_new) {
        result = next_number(tx, "SELECT max(number) FROM devices", LIMIT_DEVICES,
            MSG_LEDGER_DEVICES_FULL, &number, err);
    }
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        const char *sql =
            is_new ? "INSERT INTO devices (number, id, display, driver, address, options,"
                     " period_ns, enabled) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                   : "UPDATE devices SET (display, driver, address, options, period_ns, enabled)"
                     " = (?3, ?4, ?5, ?6, ?7, ?8) WHERE number = ?1 AND id = ?2"
                     " AND (display, driver, address, options, period_ns, enabled)"
                     " IS NOT (?3, ?4, ?5, ?6, ?7, ?8)";
        result = ledger_prepare(tx, sql, &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, number);
    ledger_bind_str(stmt, 2, device->id);
    ledger_bind_str(stmt, 3, device->display);
    ledger_bind_str(stmt, 4, device->driver);
    ledger_bind_str(stmt, 5, device->address);
    ledger_bind_str(stmt, 6, device->options);
    ledger_bind_i64(stmt, 7, device->period_ns);
    ledger_bind_i64(stmt, 8, device->enabled);
    result = ledger_step(stmt, err);
    if (result == 0) {
        *ret_number = (uint32_t)number;
        *ret_changed = db_changes(tx->db) > 0;
    }
    return result;
}

/* Level and parent of an asset by number. */
static int read_place(struct ledger_tx *tx, int64_t number, enum asset_level *ret_level,
    int64_t *ret_parent, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result =
        ledger_prepare(tx, "SELECT level, parent FROM assets WHERE number = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, number);
    result = ledger_step(stmt, err);
    if (result < 0) {
        return result;
    }
    *ret_level = ASSET_SITE;
    *ret_parent = 0;
    if (result == 1 && asset_level_of_name(ledger_column_str(stmt, 0), ret_level)) {
        *ret_parent = ledger_column_i64(stmt, 1);
    }
    return 0;
}

/* Levels only go down from parent to child (equipment may stand in equipment), and no asset is its
 * own ancestor. `number` is 0 for a new asset. */
static int check_place(struct ledger_tx *tx, const struct asset *asset, int64_t number,
    struct str parent_id, int64_t parent, struct err *err) {
    enum asset_level level = ASSET_SITE;
    int64_t above = 0;
    int result = read_place(tx, parent, &level, &above, err);
    bool fits = level < asset->level || (level == ASSET_EQUIPMENT && asset->level == level);
    fits = fits && parent != number;
    for (int depth = 0; result == 0 && fits && above != 0; depth++) {
        fits = above != number && depth < ASSET_DEPTH_MAX;
        result = read_place(tx, above, &level, &above, err);
    }
    if (result == 0 && !fits) {
        return err_set(
            err, ERR_CONFLICT, MSG_LEDGER_ASSET_PLACE, ARGS(A_STR(asset->id), A_STR(parent_id)));
    }
    return result;
}

static int check_asset(struct ledger_tx *tx, const struct asset *asset, struct str parent_id,
    int64_t number, int64_t *ret_parent, struct err *err) {
    int result = input_text("display", asset->display, LIMIT_DISPLAY_BYTES, err);
    result = result < 0 ? result : input_text("kind", asset->kind, LIMIT_ID_BYTES, err);
    if (result < 0 || parent_id.size == 0) {
        return result;
    }
    result = find_number(tx, "SELECT number FROM assets WHERE id = ?1", parent_id, ret_parent, err);
    if (result == 0 && *ret_parent == 0) {
        return err_set(
            err, ERR_NOT_FOUND, MSG_LEDGER_ASSET_PARENT, ARGS(A_STR(asset->id), A_STR(parent_id)));
    }
    return result < 0 ? result : check_place(tx, asset, number, parent_id, *ret_parent, err);
}

static int write_asset(struct ledger_tx *tx, const struct asset *asset, int64_t parent,
    int64_t *number, struct err *err) {
    bool is_new = *number == 0;
    int result = is_new ? next_number(tx, "SELECT max(number) FROM assets", LEDGER_ASSETS_MAX,
                              MSG_LEDGER_ASSETS_FULL, number, err)
                        : 0;
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        const char *sql =
            is_new ? "INSERT INTO assets (number, id, parent, level, display, kind, x, y)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                   : "UPDATE assets SET (parent, level, display, kind, x, y)"
                     " = (?3, ?4, ?5, ?6, ?7, ?8) WHERE number = ?1 AND id = ?2"
                     " AND (parent, level, display, kind, x, y) IS NOT (?3, ?4, ?5, ?6, ?7, ?8)";
        result = ledger_prepare(tx, sql, &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, *number);
    ledger_bind_str(stmt, 2, asset->id);
    if (parent != 0) {
        ledger_bind_i64(stmt, 3, parent);
    }
    ledger_bind_str(stmt, 4, str_of(asset_level_name(asset->level)));
    ledger_bind_str(stmt, 5, asset->display);
    ledger_bind_str(stmt, 6, asset->kind);
    ledger_bind_f64(stmt, 7, asset->x);
    ledger_bind_f64(stmt, 8, asset->y);
    return ledger_step(stmt, err);
}

int asset_put(struct ledger_tx *tx, const struct asset *asset, struct str parent_id,
    uint32_t *ret_number, bool *ret_changed, struct err *err) {
    int64_t number = 0;
    int64_t parent = 0;
    int result = check_id(asset->id, err);
    result = result < 0 ? result
                        : find_number(tx, "SELECT number FROM assets WHERE id = ?1", asset->id,
                              &number, err);
    result = result < 0 ? result : check_asset(tx, asset, parent_id, number, &parent, err);
    result = result < 0 ? result : write_asset(tx, asset, parent, &number, err);
    if (result == 0) {
        *ret_number = (uint32_t)number;
        *ret_changed = db_changes(tx->db) > 0;
    }
    return result;
}
