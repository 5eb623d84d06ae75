/*
 * JSON and paths from outside: the first line is a path, the rest a text. No input may be read past
 * its end; a path that was accepted must find what the listing of leaves shows under its name, and
 * what a scan finds must lie inside the text.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "wire/json_path.h"

struct world {
    struct str text;
};

static void inside(struct str text, const struct json_value *value) {
    if (value->kind != JSON_ABSENT) {
        CHECK(value->text.data >= text.data);
        CHECK(value->text.data + value->text.size <= text.data + text.size);
    }
}

static void leaf(void *context, const struct json_leaf *leaf) {
    struct world *world = context;
    inside(world->text, &leaf->value);
    struct json_path path;
    if (json_path_parse(leaf->path, &path, NULL) < 0) {
        return; // Longer than paths may be, or a name with both quotes.
    }
    const struct json_path *paths[] = {&path};
    struct json_value value;
    CHECK(json_scan(world->text, paths, 1, &value, NULL) == 0);
    CHECK(value.kind != JSON_ABSENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {.data = (const char *)data, .size = size};
    struct str name = str_cut(&text, '\n');
    text = text.data != NULL ? text : STR_NONE;
    struct json_path path;
    struct json_path whole = {.step_count = 0};
    struct err err = ERR_INIT;
    const struct json_path *paths[] = {&whole, &path};
    uint32_t count = json_path_parse(name, &path, &err) == 0 ? 2 : 1;
    CHECK(count == 2 || err.code != ERR_OK);
    struct json_value values[2];
    struct world world = {.text = text};
    int result = json_scan(text, paths, count, values, &err);
    if (result < 0) {
        CHECK(err.code != ERR_OK);
        CHECK(json_leaves(text, 0, leaf, &world, NULL) == result);
        return 0;
    }
    CHECK(json_leaves(text, 16, leaf, &world, NULL) == 0);
    CHECK(values[0].kind != JSON_ABSENT);
    for (uint32_t i = 0; i < count; i++) {
        inside(text, &values[i]);
        AUTO_BUF struct buf plain;
        buf_init(&plain, 4096);
        json_value_put_text(&values[i], &plain);
    }
    return 0;
}
