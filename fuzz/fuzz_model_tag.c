/*
 * Names from outside against the model: whatever bytes come, a name that is accepted consists of
 * one to four identifiers, can be found in a catalogue, and no other name finds it.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"
#include "core/limits.h"
#include "model/tag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(struct str name) {
    CHECK(name.size >= 1 && name.size <= LIMIT_TAG_NAME_BYTES);
    struct str rest = name;
    int parts = 0;
    while (rest.data != NULL) {
        CHECK(str_is_id(str_cut(&rest, '.')));
        parts++;
    }
    CHECK(parts >= 1 && parts <= 4);
}

static void check_catalogue(struct str name) {
    struct catalogue *catalogue = catalogue_new();
    struct tag tags[2] = {
        {.number = 1, .type = TYPE_F64, .name = name},
        {.number = 2, .type = TYPE_TEXT, .name = STR("a.b")},
    };
    catalogue->tags = tags;
    catalogue->tag_count = str_eq(name, tags[1].name) ? 1 : 2;
    catalogue_finish(catalogue);
    const struct tag *found = catalogue_find(catalogue, name);
    CHECK(found != NULL && found->number == 1);
    CHECK(catalogue_find(catalogue, str_slice(name, 0, name.size - 1)) != found);
    catalogue_unref(catalogue);
}

static void check_names(struct str name) {
    enum quality quality;
    enum value_type type;
    enum tag_kind kind;
    enum asset_level level;
    CHECK(!quality_of_name(name, &quality) || str_eq(name, str_of(quality_name(quality))));
    CHECK(!value_type_of_name(name, &type) || str_eq(name, str_of(value_type_name(type))));
    CHECK(!tag_kind_of_name(name, &kind) || str_eq(name, str_of(tag_kind_name(kind))));
    CHECK(!asset_level_of_name(name, &level) || str_eq(name, str_of(asset_level_name(level))));
}

static void check_status(const uint8_t *data, size_t size) {
    uint32_t status = 0;
    for (size_t i = 0; i < size && i < sizeof status; i++) {
        status = status << 8 | data[i];
    }
    CHECK(status_words(status, LANG_KO)[0] != '\0');
    CHECK(status_words(status, LANG_EN)[0] != '\0');
    CHECK(status_quality(status) <= QUALITY_BAD);
    const char *symbol = status_name(status);
    CHECK(symbol == NULL || symbol[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str name = {(const char *)data, size};
    struct err err = ERR_INIT;
    int result = tag_name_check(name, &err);
    CHECK(result == 0 || (result == -ERR_INVALID && err.code == ERR_INVALID));
    if (result == 0) {
        check_accepted(name);
        check_catalogue(name);
    }
    check_names(name);
    check_status(data, size);
    return 0;
}
