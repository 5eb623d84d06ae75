/*
 * Reading a plant's assets, devices and tags into a catalogue.
 *
 * Numbers are given without gaps and never reused, so the array of tags is indexed by number. A row
 * that breaks this, or whose name or type could not have been written by us, means a damaged file:
 * it is told as such instead of reaching the catalogue's own checks, which would stop the program.
 *
 * 10,000 tags load in about 10 ms; it happens at the start and when somebody changed them.
 */
#include "core/limits.h"
#include "ledger/db.h"

static int prepare_count(
    struct ledger_tx *tx, const char *sql, uint32_t max, uint32_t *ret_count, struct err *err) {
    int64_t count = 0;
    int result = db_number(tx->db, sql, &count, err);
    if (result < 0) {
        return result;
    }
    if (count < 0 || count > max) {
        return err_set(
            err, ERR_CORRUPT, MSG_LEDGER_DAMAGED, ARGS(A_CSTR(db_path(tx->db)), A_CSTR(sql)));
    }
    *ret_count = (uint32_t)count;
    return 0;
}

static int damaged_row(int64_t number, struct str name, struct err *err) {
    return err_set(err, ERR_CORRUPT, MSG_LEDGER_CATALOGUE, ARGS(A_INT(number), A_STR(name)));
}

static struct str copy_column(struct catalogue *catalogue, struct ledger_stmt *stmt, int column) {
    return arena_copy(&catalogue->arena, ledger_column_str(stmt, column));
}

static int read_tag(
    struct ledger_stmt *stmt, struct catalogue *catalogue, uint32_t index, struct err *err) {
    struct tag *tag = &catalogue->tags[index];
    struct str name = ledger_column_str(stmt, 1);
    bool whole = ledger_column_i64(stmt, 0) == (int64_t)index + 1 &&
                 tag_name_check(name, NULL) == 0 &&
                 value_type_of_name(ledger_column_str(stmt, 2), &tag->type) &&
                 tag_kind_of_name(ledger_column_str(stmt, 3), &tag->kind);
    if (!whole) {
        return damaged_row((int64_t)index + 1, name, err);
    }
    tag->number = index + 1;
    tag->name = copy_column(catalogue, stmt, 1);
    tag->display = copy_column(catalogue, stmt, 4);
    tag->unit = copy_column(catalogue, stmt, 5);
    tag->device = copy_column(catalogue, stmt, 6);
    tag->source = copy_column(catalogue, stmt, 7);
    tag->scale = ledger_column_f64(stmt, 8);
    tag->offset = ledger_column_f64(stmt, 9);
    tag->min = ledger_column_f64(stmt, 10);
    tag->max = ledger_column_f64(stmt, 11);
    tag->dead_band = ledger_column_f64(stmt, 12);
    tag->max_silence_ns = ledger_column_i64(stmt, 13);
    tag->late_limit_ns = ledger_column_i64(stmt, 14);
    tag->retention_days = (uint32_t)ledger_column_i64(stmt, 15);
    tag->keep_raw = ledger_column_i64(stmt, 16) != 0;
    tag->active = ledger_column_i64(stmt, 17) != 0;
    tag->refine = copy_column(catalogue, stmt, 18);
    tag->rollup_days = (uint32_t)ledger_column_i64(stmt, 19);
    return 0;
}

static int load_tags(struct ledger_tx *tx, struct catalogue *catalogue, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result =
        prepare_count(tx, "SELECT count(*) FROM tags", LIMIT_TAGS, &catalogue->tag_count, err);
    if (result == 0) {
        result = ledger_prepare(tx,
            "SELECT number, name, type, kind, display, unit, device, source, scale, \"offset\","
            " min, max, dead_band, max_silence_ns, late_limit_ns, retention_days, keep_raw, active,"
            " refine, rollup_days FROM tags ORDER BY number",
            &stmt, err);
    }
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, catalogue->tag_count);
    for (uint32_t i = 0; result >= 0 && i < catalogue->tag_count; i++) {
        result = ledger_step(stmt, err);
        if (result >= 0) {
            result = result == 1 ? read_tag(stmt, catalogue, i, err)
                                 : damaged_row((int64_t)i + 1, STR_NONE, err);
        }
    }
    return result < 0 ? result : 0;
}

static int read_device(
    struct ledger_stmt *stmt, struct catalogue *catalogue, uint32_t index, struct err *err) {
    struct device *device = &catalogue->devices[index];
    struct str id = ledger_column_str(stmt, 1);
    if (ledger_column_i64(stmt, 0) != (int64_t)index + 1 || !str_is_id(id)) {
        return damaged_row((int64_t)index + 1, id, err);
    }
    device->number = index + 1;
    device->id = copy_column(catalogue, stmt, 1);
    device->display = copy_column(catalogue, stmt, 2);
    device->driver = copy_column(catalogue, stmt, 3);
    device->address = copy_column(catalogue, stmt, 4);
    device->options = copy_column(catalogue, stmt, 5);
    device->period_ns = ledger_column_i64(stmt, 6);
    device->enabled = ledger_column_i64(stmt, 7) != 0;
    return 0;
}

static int load_devices(struct ledger_tx *tx, struct catalogue *catalogue, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = prepare_count(
        tx, "SELECT count(*) FROM devices", LIMIT_DEVICES, &catalogue->device_count, err);
    if (result == 0) {
        result = ledger_prepare(tx,
            "SELECT number, id, display, driver, address, options, period_ns, enabled"
            " FROM devices ORDER BY number",
            &stmt, err);
    }
    catalogue->devices = ARENA_ARRAY(&catalogue->arena, struct device, catalogue->device_count);
    for (uint32_t i = 0; result >= 0 && i < catalogue->device_count; i++) {
        result = ledger_step(stmt, err);
        if (result >= 0) {
            result = result == 1 ? read_device(stmt, catalogue, i, err)
                                 : damaged_row((int64_t)i + 1, STR_NONE, err);
        }
    }
    return result < 0 ? result : 0;
}

static int read_asset(
    struct ledger_stmt *stmt, struct catalogue *catalogue, uint32_t index, struct err *err) {
    struct asset *asset = &catalogue->assets[index];
    struct str id = ledger_column_str(stmt, 1);
    int64_t parent = ledger_column_i64(stmt, 2);
    bool whole = ledger_column_i64(stmt, 0) == (int64_t)index + 1 && str_is_id(id) && parent >= 0 &&
                 parent <= catalogue->asset_count && parent != (int64_t)index + 1 &&
                 asset_level_of_name(ledger_column_str(stmt, 3), &asset->level);
    if (!whole) {
        return damaged_row((int64_t)index + 1, id, err);
    }
    asset->number = index + 1;
    asset->id = copy_column(catalogue, stmt, 1);
    asset->parent = (uint32_t)parent;
    asset->display = copy_column(catalogue, stmt, 4);
    asset->kind = copy_column(catalogue, stmt, 5);
    asset->x = ledger_column_f64(stmt, 6);
    asset->y = ledger_column_f64(stmt, 7);
    return 0;
}

static int load_assets(struct ledger_tx *tx, struct catalogue *catalogue, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = prepare_count(
        tx, "SELECT count(*) FROM assets", LEDGER_ASSETS_MAX, &catalogue->asset_count, err);
    if (result == 0) {
        result = ledger_prepare(tx,
            "SELECT number, id, parent, level, display, kind, x, y FROM assets ORDER BY number",
            &stmt, err);
    }
    catalogue->assets = ARENA_ARRAY(&catalogue->arena, struct asset, catalogue->asset_count);
    for (uint32_t i = 0; result >= 0 && i < catalogue->asset_count; i++) {
        result = ledger_step(stmt, err);
        if (result >= 0) {
            result = result == 1 ? read_asset(stmt, catalogue, i, err)
                                 : damaged_row((int64_t)i + 1, STR_NONE, err);
        }
    }
    return result < 0 ? result : 0;
}

int catalogue_load(struct ledger_tx *tx, struct catalogue **ret_catalogue, struct err *err) {
    struct catalogue *catalogue = catalogue_new();
    int result = load_assets(tx, catalogue, err);
    result = result < 0 ? result : load_devices(tx, catalogue, err);
    result = result < 0 ? result : load_tags(tx, catalogue, err);
    if (result < 0) {
        catalogue_unref(catalogue);
        return result;
    }
    catalogue_finish(catalogue);
    *ret_catalogue = catalogue;
    return 0;
}
