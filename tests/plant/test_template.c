/*
 * Equipment templates: what is taken of a plant, what of it never travels, and making it again
 * under other names: all or nothing, twice the same as once, and nothing of others changed.
 */
#include "plant/template.h"

#include <string.h>

#include "support_plant.h"

static const char ASSETS[] =
    "id,parent,level,display,kind,x,y\nhall,,area,Hall,,,\nline1,hall,line,Line one,,,\n"
    "press1,line1,equipment,Press 1,injection,100,200\npress2,line1,equipment,Press 2,,,\n";
static const char DEVICES[] =
    "device,driver,address,period_ms,options,display\n"
    "d1,mqtt,127.0.0.1:1883,500,user=maru password=geheim,Press 1 broker\n"
    "d2,modbus,10.0.0.2:502,1000,unit=2,Other\n";
static const char TAGS[] = "tag,device,source,type,unit,kind,scale,display,refine\n"
                           "line1.press1.temp,d1,a/b:c,f64,C,measurement,0.1,Press 1 temp,spike=3\n"
                           "line1.press1.shots,d1,a/b:n,i64,,counter,1,Press 1 shots,"
                           "increment=line1.press1.made\n"
                           "line1.press2.temp,d2,input:1,f64,C,measurement,1,Press 2 temp,\n";
static const char DERIVED[] =
    "tag,source,type\n"
    "line1.press1.f,\"= tag('line1.press1.temp') * 1.8 + 32\",f64\n"
    "line1.press1.ff,\"= tag('line1.press1.f') + 1\",f64\n"
    "line1.both,\"= tag('line1.press1.temp') + tag('line1.press2.temp')\",f64\n";

static void bring(struct rig *rig, enum import_kind kind, const char *text) {
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(rig, kind, text, &report, &err), 0);
    if (report.rejected > 0) {
        fail_msg("%s was rejected", text);
    }
}

static void fill(struct rig *rig) {
    rig_open(rig, NULL);
    bring(rig, IMPORT_EQUIPMENT, ASSETS);
    bring(rig, IMPORT_DEVICES, DEVICES);
    bring(rig, IMPORT_TAGS, TAGS);
    bring(rig, IMPORT_TAGS, DERIVED);
}

static void take(struct rig *rig, struct arena *arena, struct template *ret_template) {
    static const struct str FROM[] = {{"d1", 2}};
    struct err err = ERR_INIT;
    assert_int_equal(template_take(rig->plant, FROM, 1, NULL, arena, ret_template, &err), 0);
    ret_template->name = STR("press");
}

static const struct str *row_named(
    const struct template *template, enum template_part part, const char *name) {
    const struct template_rows *rows = &template->parts[part];
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct str *cells = &rows->cells[i * import_column_count(template_kind(part))];
        if (str_eq(cells[0], str_of(name))) {
            return cells;
        }
    }
    return NULL;
}

static void a_template_has_what_belongs_to_the_device_and_no_secret(void **state) {
    (void)state;
    struct rig rig;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    fill(&rig);
    struct template template;
    take(&rig, &arena, &template);
    assert_int_equal(template.parts[TEMPLATE_DEVICES].count, 1);
    assert_int_equal(template.parts[TEMPLATE_TAGS].count, 5);
    assert_non_null(row_named(&template, TEMPLATE_TAGS, "line1.press1.made")); // A companion.
    assert_non_null(row_named(&template, TEMPLATE_TAGS, "line1.press1.ff"));
    assert_null(row_named(&template, TEMPLATE_TAGS, "line1.both")); // Needs another device.
    assert_int_equal(template.parts[TEMPLATE_EQUIPMENT].count, 2);
    assert_non_null(row_named(&template, TEMPLATE_EQUIPMENT, "line1"));
    const struct str *press = row_named(&template, TEMPLATE_EQUIPMENT, "press1");
    assert_non_null(press);
    assert_int_equal(press[5].size, 0); // Two machines cannot stand in one place.
    AUTO_BUF struct buf file;
    buf_init(&file, TEMPLATE_BYTES_MAX);
    template_put(&template, &file);
    assert_null(strstr(buf_z(&file), "geheim"));
    assert_null(strstr(buf_z(&file), "***"));
    assert_non_null(strstr(buf_z(&file), "user=maru"));
    rig_close(&rig);
}

static void a_device_that_is_not_there_makes_no_template(void **state) {
    (void)state;
    static const struct str FROM[] = {{"d9", 2}};
    struct rig rig;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    fill(&rig);
    struct template template;
    struct err err = ERR_INIT;
    assert_int_equal(
        template_take(rig.plant, FROM, 1, NULL, &arena, &template, &err), -ERR_NOT_FOUND);
    assert_int_equal(
        template_take(rig.plant, FROM, 0, NULL, &arena, &template, &err), -ERR_INVALID);
    rig_close(&rig);
}

struct told {
    uint32_t states[3];
    char fault[200];
};

static void hear(void *context, enum template_part part, struct str name, enum template_state state,
    const struct err *why) {
    (void)part;
    struct told *told = context;
    assert_true(name.size > 0);
    told->states[state]++;
    if (state == TEMPLATE_FAULT) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(why, LANG_EN, &words);
        (void)str_copy_z(buf_str(&words), told->fault, sizeof told->fault);
    }
}

static int apply(struct rig *rig, const struct template *template, const char *to,
    const char *display, const char *device, bool dry_run, struct told *told) {
    const struct template_name names[] = {
        {.from = STR("line1.press1"), .to = str_of(to), .display = str_of(display)}};
    const struct template_device devices[] = {{.from = STR("d1"),
        .to = str_of(device),
        .address = STR("10.0.0.7:1883"),
        .options = STR("user=seven password=neu")}};
    const struct template_wish wish = {.names = names,
        .name_count = 1,
        .devices = devices,
        .device_count = 1,
        .dry_run = dry_run,
        .actor = STR("u1"),
        .context = told,
        .row = hear};
    *told = (struct told){.fault = ""};
    struct err err = ERR_INIT;
    return template_apply(rig->plant, template, &wish, &err);
}

static void what_is_made_has_its_own_names_and_once_is_enough(void **state) {
    (void)state;
    struct rig rig;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    fill(&rig);
    struct template template;
    take(&rig, &arena, &template);
    struct told told;
    assert_int_equal(apply(&rig, &template, "line2.press7", "Press 7", "d7", true, &told), 1);
    assert_int_equal(told.states[TEMPLATE_FAULT], 0);
    struct catalogue *before = plant_catalogue(rig.plant);
    assert_null(catalogue_find(before, STR("line2.press7.temp"))); // A look makes nothing.
    catalogue_unref(before);
    assert_int_equal(apply(&rig, &template, "line2.press7", "Press 7", "d7", false, &told), 1);
    assert_true(told.states[TEMPLATE_NEW] >= 7);
    struct catalogue *made = plant_catalogue(rig.plant);
    const struct tag *temp = catalogue_find(made, STR("line2.press7.temp"));
    assert_non_null(temp);
    assert_true(str_eq(temp->display, STR("Press 7 temp")));
    assert_true(str_eq(temp->device, STR("d7")));
    assert_true(str_eq(temp->source, STR("a/b:c")));
    assert_true(temp->scale == 0.1);
    const struct tag *shots = catalogue_find(made, STR("line2.press7.shots"));
    assert_true(str_eq(shots->refine, STR("increment=line2.press7.made")));
    const struct tag *derived = catalogue_find(made, STR("line2.press7.f"));
    assert_true(str_eq(derived->source, STR("= tag('line2.press7.temp') * 1.8 + 32")));
    const struct device *device = catalogue_device(made, STR("d7"));
    assert_true(str_eq(device->display, STR("Press 7 broker")));
    assert_true(str_eq(device->address, STR("10.0.0.7:1883")));
    assert_true(str_eq(device->options, STR("user=seven password=neu")));
    catalogue_unref(made);
    assert_int_equal(apply(&rig, &template, "line2.press7", "Press 7", "d7", false, &told), 1);
    assert_int_equal(told.states[TEMPLATE_NEW], 0);
    rig_close(&rig);
}

static void what_is_there_already_and_different_stops_all_of_it(void **state) {
    (void)state;
    struct rig rig;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    fill(&rig);
    struct template template;
    take(&rig, &arena, &template);
    bring(&rig, IMPORT_TAGS, "tag,unit\nline2.press7.temp,K\n");
    struct told told;
    assert_int_equal(apply(&rig, &template, "line2.press7", "", "d7", false, &told), 0);
    assert_int_equal(told.states[TEMPLATE_FAULT], 1);
    assert_non_null(strstr(told.fault, "line2.press7.temp"));
    struct catalogue *after = plant_catalogue(rig.plant);
    assert_null(catalogue_device(after, STR("d7")));
    assert_null(catalogue_find(after, STR("line2.press7.shots")));
    assert_true(str_eq(catalogue_find(after, STR("line2.press7.temp"))->unit, STR("K")));
    catalogue_unref(after);
    assert_int_equal(apply(&rig, &template, "line 2", "", "d7", false, &told), -ERR_INVALID);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_has_what_belongs_to_the_device_and_no_secret),
        cmocka_unit_test(a_device_that_is_not_there_makes_no_template),
        cmocka_unit_test(what_is_made_has_its_own_names_and_once_is_enough),
        cmocka_unit_test(what_is_there_already_and_different_stops_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
