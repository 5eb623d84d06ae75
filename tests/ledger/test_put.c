/*
 * Inserting and changing tags, devices and assets, and reading them as a catalogue.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/db.h"
#include "tests/ledger/support_ledger.h"

struct put {
    struct tag tag;
    struct device device;
    struct asset asset;
    const char *parent;
    uint32_t number;
    bool changed;
};

static int put_tag(struct ledger_tx *tx, void *context, struct err *err) {
    struct put *put = context;
    return tag_put(tx, &put->tag, &put->number, &put->changed, err);
}

static int put_device(struct ledger_tx *tx, void *context, struct err *err) {
    struct put *put = context;
    return device_put(tx, &put->device, &put->number, &put->changed, err);
}

static int put_asset(struct ledger_tx *tx, void *context, struct err *err) {
    struct put *put = context;
    return asset_put(tx, &put->asset, str_of(put->parent), &put->number, &put->changed, err);
}

static int load(struct ledger_tx *tx, void *context, struct err *err) {
    return catalogue_load(tx, context, err);
}

static struct device device_of(const char *id) {
    return (struct device){
        .id = str_of(id),
        .display = STR("사출기"),
        .driver = STR("modbus"),
        .address = STR("127.0.0.1:1502"),
        .options = STR("unit=1"),
        .period_ns = NS_PER_S,
        .enabled = true,
    };
}

static struct asset asset_of(const char *id, enum asset_level level) {
    return (struct asset){.id = str_of(id), .level = level, .kind = STR("generic"), .x = 1, .y = 2};
}

static void a_tag_keeps_its_number_and_tells_whether_it_changed(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct put put = {.tag = tag_of("line1.press1.temp")};
    place_write(&place, put_tag, &put);
    assert_int_equal(put.number, 1);
    assert_true(put.changed);
    place_write(&place, put_tag, &put);
    assert_int_equal(put.number, 1);
    assert_false(put.changed);
    struct put second = {.tag = tag_of("line1.press2.temp")};
    place_write(&place, put_tag, &second);
    assert_int_equal(second.number, 2);
    put.tag.max = 250;
    place_write(&place, put_tag, &put);
    assert_int_equal(put.number, 1);
    assert_true(put.changed);
    place_write(&place, put_tag, &put);
    assert_false(put.changed);
    place_fini(&place);
}

/* Each field alone counts as a change, and as none when it comes again. */
static void every_field_of_a_tag_is_kept(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct put device = {.device = device_of("p1")};
    place_write(&place, put_device, &device);
    struct put put = {.tag = tag_of("t")};
    place_write(&place, put_tag, &put);
    for (int field = 0; field < 17; field++) {
        switch (field) {
        case 0: put.tag.kind = KIND_SETPOINT; break;
        case 1: put.tag.display = STR("온도"); break;
        case 2: put.tag.unit = STR("°C"); break;
        case 3: put.tag.device = STR("p1"); break;
        case 4: put.tag.source = STR("holding:0 f32 CDAB"); break;
        case 5: put.tag.scale = 0.1; break;
        case 6: put.tag.offset = -40.5; break;
        case 7: put.tag.min = -10; break;
        case 8: put.tag.max = 300; break;
        case 9: put.tag.dead_band = 0; break;
        case 10: put.tag.max_silence_ns = 5; break;
        case 11: put.tag.late_limit_ns = 6; break;
        case 12: put.tag.retention_days = 7; break;
        case 13: put.tag.keep_raw = true; break;
        case 14: put.tag.refine = STR("spike=3"); break;
        case 15: put.tag.rollup_days = 8; break;
        default: put.tag.active = false; break;
        }
        place_write(&place, put_tag, &put);
        assert_true(put.changed);
        place_write(&place, put_tag, &put);
        assert_false(put.changed);
    }
    struct catalogue *catalogue = NULL;
    place_read(&place, load, &catalogue);
    const struct tag *tag = catalogue_find(catalogue, STR("t"));
    assert_non_null(tag);
    assert_int_equal(tag->number, 1);
    assert_int_equal(tag->kind, KIND_SETPOINT);
    assert_string_equal(tag->display.data, "온도");
    assert_string_equal(tag->unit.data, "°C");
    assert_string_equal(tag->device.data, "p1");
    assert_string_equal(tag->source.data, "holding:0 f32 CDAB");
    assert_true(tag->scale == 0.1 && tag->offset == -40.5);
    assert_true(tag->min == -10 && tag->max == 300 && tag->dead_band == 0);
    assert_int_equal(tag->max_silence_ns, 5);
    assert_int_equal(tag->late_limit_ns, 6);
    assert_int_equal(tag->retention_days, 7);
    assert_int_equal(tag->rollup_days, 8);
    assert_true(tag->keep_raw);
    assert_string_equal(tag->refine.data, "spike=3");
    assert_false(tag->active);
    catalogue_unref(catalogue);
    place_fini(&place);
}

static void a_type_never_changes(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct put put = {.tag = tag_of("t")};
    place_write(&place, put_tag, &put);
    put.tag.type = TYPE_I64;
    struct err err = ERR_INIT;
    assert_int_equal(ledger_write(place.ledger, put_tag, &put, &err), -ERR_CONFLICT);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_TAG_TYPE);
    place_fini(&place);
}

/* tidy:long: a table of cases, written as one flat switch over the field at fault. */
static void unusable_tags_are_refused_in_words(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    for (int i = 0;; i++) {
        struct put put = {.tag = tag_of("t")};
        enum msg_id msg = MSG_NONE;
        enum err_code code = ERR_INVALID;
        switch (i) {
        case 0:
            put.tag.name = STR("");
            msg = MSG_MODEL_TAG_NAME_EMPTY;
            break;
        case 1:
            put.tag.name = STR("a..b");
            msg = MSG_MODEL_TAG_NAME_PART;
            break;
        case 2:
            put.tag.scale = 0;
            msg = MSG_LEDGER_TAG_NUMBER;
            break;
        case 3:
            put.tag.scale = (double)INFINITY;
            msg = MSG_LEDGER_TAG_NUMBER;
            break;
        case 4:
            put.tag.offset = (double)NAN;
            msg = MSG_LEDGER_TAG_NUMBER;
            break;
        case 5:
            put.tag.min = 2;
            put.tag.max = 1;
            msg = MSG_LEDGER_TAG_RANGE;
            break;
        case 6:
            put.tag.dead_band = -1;
            msg = MSG_LEDGER_TAG_NUMBER;
            break;
        case 7:
            put.tag.max_silence_ns = -1;
            msg = MSG_LEDGER_TAG_NUMBER;
            break;
        case 8:
            put.tag.late_limit_ns = -1;
            msg = MSG_LEDGER_TAG_NUMBER;
            break;
        case 9:
            put.tag.retention_days = 36526;
            msg = MSG_LEDGER_TAG_NUMBER;
            break;
        case 10:
            put.tag.unit = STR("a\tb");
            msg = MSG_LEDGER_TEXT_BAD;
            break;
        case 11:
            put.tag.unit = STR("123456789012345678901234567890123");
            msg = MSG_LEDGER_TEXT_LONG;
            break;
        case 12:
            put.tag.type = TYPE_I64;
            put.tag.scale = 0.5;
            msg = MSG_LEDGER_TAG_SCALE;
            break;
        case 13:
            put.tag.type = TYPE_I64;
            put.tag.offset = 0.5;
            msg = MSG_LEDGER_TAG_SCALE;
            break;
        case 14:
            put.tag.type = TYPE_BOOL;
            put.tag.scale = 2;
            msg = MSG_LEDGER_TAG_SCALE;
            break;
        case 15:
            put.tag.type = TYPE_TEXT;
            put.tag.offset = 1;
            msg = MSG_LEDGER_TAG_SCALE;
            break;
        case 16:
            put.tag.device = STR("nowhere");
            msg = MSG_LEDGER_TAG_DEVICE;
            code = ERR_NOT_FOUND;
            break;
        default: place_fini(&place); return;
        }
        struct err err = ERR_INIT;
        assert_int_equal(ledger_write(place.ledger, put_tag, &put, &err), -(int)code);
        assert_int_equal(err.notes[0].msg, msg);
        assert_int_equal(put.number, 0);
    }
}

static void whole_numbers_may_scale_a_whole_number_tag(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct put put = {.tag = tag_of("t")};
    put.tag.type = TYPE_I64;
    put.tag.scale = 10;
    put.tag.offset = -3;
    place_write(&place, put_tag, &put);
    place_fini(&place);
}

static void a_device_keeps_its_number_and_tells_whether_it_changed(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct put put = {.device = device_of("p1")};
    place_write(&place, put_device, &put);
    assert_int_equal(put.number, 1);
    assert_true(put.changed);
    place_write(&place, put_device, &put);
    assert_false(put.changed);
    for (int field = 0; field < 6; field++) {
        switch (field) {
        case 0: put.device.display = STR("x"); break;
        case 1: put.device.driver = STR("other"); break;
        case 2: put.device.address = STR("[::1]:502"); break;
        case 3: put.device.options = STR(""); break;
        case 4: put.device.period_ns = 5; break;
        default: put.device.enabled = false; break;
        }
        place_write(&place, put_device, &put);
        assert_true(put.changed);
        assert_int_equal(put.number, 1);
    }
    struct put second = {.device = device_of("p2")};
    place_write(&place, put_device, &second);
    assert_int_equal(second.number, 2);
    struct catalogue *catalogue = NULL;
    place_read(&place, load, &catalogue);
    const struct device *device = catalogue_device(catalogue, STR("p1"));
    assert_non_null(device);
    assert_string_equal(device->address.data, "[::1]:502");
    assert_int_equal(device->period_ns, 5);
    assert_false(device->enabled);
    assert_non_null(catalogue_device(catalogue, STR("p2")));
    catalogue_unref(catalogue);
    place_fini(&place);
}

static void unusable_devices_are_refused(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct put put = {.device = device_of("p 1")};
    assert_int_equal(ledger_write(place.ledger, put_device, &put, NULL), -ERR_INVALID);
    put.device = device_of("p1");
    put.device.driver = STR("");
    assert_int_equal(ledger_write(place.ledger, put_device, &put, NULL), -ERR_INVALID);
    put.device = device_of("p1");
    put.device.period_ns = 0;
    assert_int_equal(ledger_write(place.ledger, put_device, &put, NULL), -ERR_INVALID);
    put.device.period_ns = 1;
    put.device.address = STR("a\x01");
    assert_int_equal(ledger_write(place.ledger, put_device, &put, NULL), -ERR_INVALID);
    assert_int_equal(place_number(&place, "SELECT count(*) FROM devices"), 0);
    place_fini(&place);
}

static void assets_stand_below_their_parent(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct put site = {.asset = asset_of("site", ASSET_SITE), .parent = ""};
    struct put line = {.asset = asset_of("line1", ASSET_LINE), .parent = "site"};
    struct put press = {.asset = asset_of("press1", ASSET_EQUIPMENT), .parent = "line1"};
    struct put mould = {.asset = asset_of("mould1", ASSET_EQUIPMENT), .parent = "press1"};
    press.asset.x = (double)NAN;
    place_write(&place, put_asset, &site);
    place_write(&place, put_asset, &line);
    place_write(&place, put_asset, &press);
    place_write(&place, put_asset, &mould);
    place_write(&place, put_asset, &press);
    assert_false(press.changed);
    assert_int_equal(press.number, 3);
    struct catalogue *catalogue = NULL;
    place_read(&place, load, &catalogue);
    assert_int_equal(catalogue->asset_count, 4);
    assert_int_equal(catalogue->assets[0].parent, 0);
    assert_int_equal(catalogue->assets[2].parent, 2);
    assert_true(isnan(catalogue->assets[2].x));
    assert_true(catalogue->assets[2].y == 2);
    catalogue_unref(catalogue);
    place_fini(&place);
}

static void misplaced_assets_are_refused(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct put site = {.asset = asset_of("site", ASSET_SITE), .parent = ""};
    struct put a = {.asset = asset_of("a", ASSET_EQUIPMENT), .parent = "site"};
    struct put b = {.asset = asset_of("b", ASSET_EQUIPMENT), .parent = "a"};
    struct put c = {.asset = asset_of("c", ASSET_EQUIPMENT), .parent = "b"};
    place_write(&place, put_asset, &site);
    place_write(&place, put_asset, &a);
    place_write(&place, put_asset, &b);
    place_write(&place, put_asset, &c);
    static const struct {
        const char *id;
        enum asset_level level;
        const char *parent;
        int result;
    } CASES[] = {
        {"new", ASSET_LINE, "nowhere", -ERR_NOT_FOUND},
        {"new", ASSET_LINE, "a", -ERR_CONFLICT},    // A line below equipment.
        {"new", ASSET_SITE, "site", -ERR_CONFLICT}, // A site below a site.
        {"a", ASSET_EQUIPMENT, "a", -ERR_CONFLICT}, // Below itself.
        {"a", ASSET_EQUIPMENT, "c", -ERR_CONFLICT}, // A circle.
        {"no id", ASSET_SITE, "", -ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct put put = {
            .asset = asset_of(CASES[i].id, CASES[i].level), .parent = CASES[i].parent};
        assert_int_equal(ledger_write(place.ledger, put_asset, &put, NULL), CASES[i].result);
    }
    place_fini(&place);
}

enum { MANY = 10000 };

static int put_many(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    for (int i = 0; i < MANY; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "line%d.tag%d", i % 7, i);
        struct tag tag = tag_of(name);
        uint32_t number = 0;
        bool changed = false;
        int result = tag_put(tx, &tag, &number, &changed, err);
        if (result < 0) {
            return result;
        }
        assert_int_equal(number, i + 1);
    }
    return 0;
}

static void ten_thousand_tags_load_and_are_found(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_write(&place, put_many, NULL);
    struct catalogue *catalogue = NULL;
    place_read(&place, load, &catalogue);
    assert_int_equal(catalogue->tag_count, MANY);
    for (int i = 0; i < MANY; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "line%d.tag%d", i % 7, i);
        const struct tag *tag = catalogue_find(catalogue, str_of(name));
        assert_non_null(tag);
        assert_int_equal(tag->number, i + 1);
    }
    assert_true(isnan(catalogue->tags[0].dead_band));
    catalogue_unref(catalogue);
    place_fini(&place);
}

static void an_empty_plant_has_an_empty_catalogue(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct catalogue *catalogue = NULL;
    place_read(&place, load, &catalogue);
    assert_int_equal(catalogue->tag_count + catalogue->device_count + catalogue->asset_count, 0);
    assert_null(catalogue_find(catalogue, STR("t")));
    catalogue_unref(catalogue);
    place_fini(&place);
}

static void a_gap_in_the_numbers_is_told_as_damage(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    struct put put = {.tag = tag_of("a")};
    place_write(&place, put_tag, &put);
    put.tag = tag_of("b");
    place_write(&place, put_tag, &put);
    ledger_close(place.ledger);
    place.ledger = NULL;
    struct db *db = NULL;
    assert_int_equal(
        db_open(&(struct db_options){.path = place.path, .cache_kib = 64}, &db, NULL), 0);
    assert_int_equal(db_script(db, "DELETE FROM tags", NULL), -ERR_CONFLICT);
    assert_int_equal(db_script(db,
                         "DROP TRIGGER tags_never_vanish;"
                         "DELETE FROM tags WHERE number = 1",
                         NULL),
        0);
    db_close(db);
    place_reopen(&place);
    struct catalogue *catalogue = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(ledger_read(place.ledger, load, &catalogue, &err), -ERR_CORRUPT);
    assert_int_equal(err.notes[0].msg, MSG_LEDGER_CATALOGUE);
    assert_null(catalogue);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_keeps_its_number_and_tells_whether_it_changed),
        cmocka_unit_test(every_field_of_a_tag_is_kept),
        cmocka_unit_test(a_type_never_changes),
        cmocka_unit_test(unusable_tags_are_refused_in_words),
        cmocka_unit_test(whole_numbers_may_scale_a_whole_number_tag),
        cmocka_unit_test(a_device_keeps_its_number_and_tells_whether_it_changed),
        cmocka_unit_test(unusable_devices_are_refused),
        cmocka_unit_test(assets_stand_below_their_parent),
        cmocka_unit_test(misplaced_assets_are_refused),
        cmocka_unit_test(ten_thousand_tags_load_and_are_found),
        cmocka_unit_test(an_empty_plant_has_an_empty_catalogue),
        cmocka_unit_test(a_gap_in_the_numbers_is_told_as_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
