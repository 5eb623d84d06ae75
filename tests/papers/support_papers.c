/*
 * The plant of these tests. Its day is long past, so that the clock of the machine does not matter.
 */
#include "support_papers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/time.h"

#define DAY_NS (1741014000LL * NS_PER_S) // 2025-03-04 in Seoul.

/* What fontconfig keeps for the process (288 bytes, whatever the number of papers) is its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig";
}

/* Pango reads the font lists in a thread of its own; these libraries wait for each other by means
 * (futexes of GLib) that a checker which does not see into them cannot know. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) {
    return "race:libfontconfig.so.1\nrace:libpangoft2-1.0.so.0\nrace:libglib-2.0.so.0\n"
           "race:libcairo.so.2";
}

static int fill(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    const struct asset asset = {.level = ASSET_EQUIPMENT,
        .id = STR("press1"),
        .display = STR("프레스 1호기"),
        .kind = STR("generic"),
        .x = (double)NAN,
        .y = (double)NAN};
    const struct device device = {.id = STR("plc1"),
        .display = STR("프레스 제어반"),
        .driver = STR("modbus"),
        .address = STR("127.0.0.1:15020"),
        .options = STR("unit=1"),
        .period_ns = 60 * NS_PER_S,
        .enabled = true};
    struct tag tag = {.type = TYPE_F64,
        .name = STR("press1.temp"),
        .display = STR("금형 온도"),
        .unit = STR("°C"),
        .device = STR("plc1"),
        .source = STR("hr:0"),
        .scale = 0.1,
        .min = 0,
        .max = 300,
        .dead_band = (double)NAN,
        .retention_days = 365,
        .refine = STR("spike=3"),
        .active = true};
    uint32_t number = 0;
    bool changed = false;
    int status = asset_put(tx, &asset, STR_NONE, &number, &changed, err);
    status = status < 0 ? status : device_put(tx, &device, &number, &changed, err);
    status = status < 0 ? status : tag_put(tx, &tag, &number, &changed, err);
    struct device reader = device; // Speaks when something happens.
    reader.id = STR("reader1");
    reader.display = STR("바코드");
    reader.driver = STR("mqtt");
    reader.address = STR("127.0.0.1:18830");
    reader.options = STR_NONE;
    status = status < 0 ? status : device_put(tx, &reader, &number, &changed, err);
    tag.name = STR("press1.pressure");
    tag.display = STR("사출 압력");
    tag.source = STR("hr:2");
    tag.unit = STR("bar");
    status = status < 0 ? status : tag_put(tx, &tag, &number, &changed, err);
    tag.name = STR("press1.code");
    tag.display = STR("로트 번호");
    tag.device = STR("reader1");
    tag.source = STR("plant/code");
    tag.unit = STR_NONE;
    return status < 0 ? status : tag_put(tx, &tag, &number, &changed, err);
}

void rig_open(struct rig *rig) {
    struct err err = ERR_INIT;
    (void)str_copy_z(STR("/tmp/maru_papers_XXXXXX"), rig->dir, sizeof rig->dir);
    assert_non_null(mkdtemp(rig->dir));
    char dir[300];
    (void)snprintf(dir, sizeof dir, "%s/p1", rig->dir);
    assert_int_equal(
        plant_create(dir, STR("p1"), STR("한빛정밀 1공장"), STR("Asia/Seoul"), &err), 0);
    struct plant_options options = {.dir = dir, .id = STR("p1")};
    assert_int_equal(plant_open(&options, &rig->plant, &err), 0);
    assert_int_equal(ledger_write(plant_ledger(rig->plant), fill, NULL, &err), 0);
    assert_int_equal(plant_refresh(rig->plant, &err), 0);
}

void rig_close(struct rig *rig) {
    plant_close(rig->plant);
    assert_int_equal(dir_remove_all(rig->dir, NULL), 0);
}

struct entering {
    enum register_id id;
    struct register_row row;
    int64_t number;
};

static int enter(struct ledger_tx *tx, void *context, struct err *err) {
    struct entering *entering = context;
    return register_put(tx, entering->id, &entering->row, STR("tester"), &entering->number, err);
}

int64_t rig_enter(struct rig *rig, enum register_id id, int64_t number, struct err *err, ...) {
    struct entering entering = {.id = id, .row = {.number = number}};
    for (uint32_t i = 0; i < REGISTER_FIELDS_MAX; i++) {
        entering.row.fields[i] = STR_NONE;
    }
    va_list list;
    va_start(list, err);
    for (const char *name = va_arg(list, const char *); name != NULL;
         name = va_arg(list, const char *)) {
        int index = register_field_index(id, name);
        assert_true(index >= 0);
        entering.row.fields[index] = str_of(va_arg(list, const char *));
    }
    va_end(list);
    int status = ledger_write(plant_ledger(rig->plant), enter, &entering, err);
    return status < 0 ? status : entering.number;
}

static int put_out(void *context, const void *data, size_t size, struct err *err) {
    (void)err;
    buf_put(context, data, size);
    return 0;
}

int rig_make(struct rig *rig, enum paper_kind kind, enum paper_format format, enum lang lang,
    struct buf *out, struct err *err) {
    struct paper_order order = {.kind = kind,
        .format = format,
        .lang = lang,
        .from_ns = DAY_NS,
        .to_ns = DAY_NS + 86400 * NS_PER_S,
        .actor = STR("김도입"),
        .context = out,
        .write = put_out};
    return paper_make(rig->plant, &order, err);
}

void rig_values(struct rig *rig, const char *tag, int from_minute, int to_minute) {
    struct catalogue *catalogue = plant_catalogue(rig->plant);
    uint32_t number = catalogue_find(catalogue, str_of(tag))->number;
    catalogue_unref(catalogue);
    AUTO_BATCH struct batch *batch = batch_new(1440, 0);
    for (int i = from_minute; i < to_minute; i++) {
        struct sample *row = batch_add(batch);
        row->tag = number;
        row->type = TYPE_F64;
        row->time_ns = DAY_NS + (int64_t)i * 60 * NS_PER_S;
        row->value.f64 = 20 + i % 7;
    }
    struct batch *const one = batch;
    struct err err = ERR_INIT;
    assert_int_equal(plant_submit(rig->plant, &one, 1, &err), 0);
}
