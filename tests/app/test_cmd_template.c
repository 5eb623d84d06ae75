/*
 * Equipment templates as they are typed: kept from an equipment, listed, shown, made again under
 * other names, refused as a whole, taken away; what is typed wrongly is said in words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/file.h"
#include "plant/import.h"
#include "support_app.h"

struct place {
    char dir[64];
    struct home *home;
    struct said said;
};

static void bring(struct place *place, const char *as, const char *text) {
    char path[96];
    int fd = -1;
    (void)snprintf(path, sizeof path, "%.60s/%s.csv", place->dir, as);
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_write_at(files_system(), fd, path, 0, text, strlen(text), NULL), 0);
    file_close(fd);
    TYPE(place->home, "import", &place->said, path, "--as", as);
    says(&place->said, EXIT_DONE, "0 rejected");
}

static void place_init(struct place *place) {
    *place = (struct place){.dir = "/tmp/maru-app-XXXXXX"};
    assert_non_null(mkdtemp(place->dir));
    char path[96];
    (void)snprintf(path, sizeof path, "%.60s/home", place->dir);
    assert_int_equal(home_create(path, STR("main"), STR("공장"), STR("UTC"), NULL), 0);
    struct home_options options = {.dir = path, .exclusive = true};
    assert_int_equal(home_open(&options, &place->home, NULL), 0);
    bring(place, "devices",
        "device,driver,address,period_ms,options,display\n"
        "d1,mqtt,127.0.0.1:1883,500,user=maru password=geheim,Press 1\n"
        "d2,modbus,127.0.0.1:1502,500,unit=2,Press 1 too\n"
        "d3,modbus,127.0.0.1:1503,500,unit=3,Other\n");
    bring(place, "tags",
        "tag,device,source,type\nline1.press1.temp,d1,a/b:c,f64\n"
        "line1.press1.force,d2,input:1,f64\nline1.press10.temp,d3,input:1,f64\n");
}

static void place_fini(struct place *place) {
    home_close(place->home);
    assert_int_equal(dir_remove_all(place->dir, NULL), 0);
}

static json_t *said_json(const struct said *said) {
    json_error_t error;
    json_t *root = json_loads(said->out, 0, &error);
    if (root == NULL) {
        fail_msg("no JSON: %s", said->out);
    }
    return root;
}

static int64_t member(json_t *root, const char *name) {
    assert_non_null(json_object_get(root, name));
    return json_integer_value(json_object_get(root, name));
}

static void an_equipment_is_kept_and_shown_without_secrets(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    TYPE(place.home, "template", &place.said, "--save", "Press", "line1.press1", "--note", "n");
    says(&place.said, EXIT_DONE, "");
    TYPE(place.home, "template", &place.said, "--json");
    json_t *root = said_json(&place.said);
    json_t *item = json_array_get(json_object_get(root, "items"), 0);
    assert_int_equal(member(item, "devices"), 2); // Not the one of press10.
    assert_int_equal(member(item, "tags"), 2);
    assert_string_equal(json_string_value(json_object_get(item, "name")), "Press");
    assert_string_equal(json_string_value(json_object_get(item, "note")), "n");
    json_decref(root);
    TYPE(place.home, "template", &place.said, "--show", "1");
    root = said_json(&place.said);
    assert_int_equal(member(root, "maru_template"), 1);
    json_decref(root);
    assert_null(strstr(place.said.out, "geheim"));
    TYPE(place.home, "template", &place.said, NULL);
    assert_non_null(strstr(place.said.out, "     1    2      2  Press  n\n"));
    TYPE(place.home, "template", &place.said, "--remove", "1");
    says(&place.said, EXIT_DONE, "what was made of it stays");
    TYPE(place.home, "template", &place.said, "--show", "1");
    says(&place.said, EXIT_FAILED, "there is no template 1");
    place_fini(&place);
}

static void it_is_made_again_under_other_names_or_not_at_all(void **state) {
    (void)state;
    struct place place;
    place_init(&place);
    TYPE(place.home, "template", &place.said, "--save", "Press", "d1");
    says(&place.said, EXIT_DONE, "");
#define WISH "name:line1.press1=line2.press7", "device:d1=d7", "address:d1=127.0.0.1:1884"
    TYPE(place.home, "template", &place.said, "--apply", "1", "--dry-run", WISH);
    says(&place.said, EXIT_DONE, "2 rows would be made, 0 are there already; nothing was written");
    TYPE(place.home, "template", &place.said, "--apply", "1", "--json", WISH);
    json_t *root = said_json(&place.said); // So the dry run wrote nothing.
    assert_int_equal(member(root, "made"), 2);
    assert_false(json_boolean_value(json_object_get(root, "refused")));
    json_decref(root);
    TYPE(place.home, "template", &place.said, "--apply", "1", WISH);
    says(&place.said, EXIT_DONE, "made 0 rows; 2 were there already");
    TYPE(place.home, "export", &place.said, "--as", "devices");
    assert_non_null(strstr(place.said.out, "d7,mqtt,127.0.0.1:1884"));
    TYPE(place.home, "export", &place.said, "--as", "tags");
    assert_non_null(strstr(place.said.out, "line2.press7.temp,d7,"));
    /* The tag would be read from the device's old id: refused, and the new name is not made. */
    TYPE(place.home, "template", &place.said, "--apply", "1", "name:line1=line9", "device:d1=d2");
    says(&place.said, EXIT_FAILED, "nothing was made");
    assert_non_null(strstr(place.said.out, "fault  devices    d2: "));
    TYPE(place.home, "export", &place.said, "--as", "tags");
    assert_null(strstr(place.said.out, "line9"));
    place_fini(&place);
}

static void what_is_typed_wrongly_is_told(void **state) {
    (void)state;
    static const struct {
        const char *arguments[6];
        int code;
        const char *words;
    } CASES[] = {{{"--save", "P", "--apply", "1"}, EXIT_USAGE, "use one of --save"},
        {{"stray"}, EXIT_USAGE, "use one of --save"},
        {{"--show", "1", "stray"}, EXIT_USAGE, "use one of --save"},
        {{"--save", "P", "d9"}, EXIT_FAILED, "\"d9\" is neither a device nor an equipment"},
        {{"--save", "P"}, EXIT_FAILED, "choose at least one device"},
        {{"--save", " ", "d1"}, EXIT_FAILED, "a template needs a name"},
        {{"--apply", "1", "name:a="}, EXIT_USAGE, "\"name:a=\" is no replacement"},
        {{"--apply", "1", "name:=b"}, EXIT_USAGE, "is no replacement"},
        {{"--apply", "1", "plant:a=b"}, EXIT_USAGE, "is no replacement"},
        {{"--apply", "1", "a=b"}, EXIT_USAGE, "is no replacement"},
        {{"--apply", "7"}, EXIT_FAILED, "there is no template 7"},
        {{"--remove", "x"}, EXIT_FAILED, "there is no template x"}};
    struct place place;
    place_init(&place);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        type(place.home, "template", CASES[i].arguments, &place.said);
        says(&place.said, CASES[i].code, CASES[i].words);
    }
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equipment_is_kept_and_shown_without_secrets),
        cmocka_unit_test(it_is_made_again_under_other_names_or_not_at_all),
        cmocka_unit_test(what_is_typed_wrongly_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
