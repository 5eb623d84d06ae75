/* Layouts of strangers: refused with a line, or parts that lie on the label and fill themselves. */
#include <stdint.h>

#include "core/check.h"
#include "production/label.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    struct label_layout layout;
    struct err err = ERR_INIT;
    if (label_layout_parse(text, 80, 50, &layout, &err) < 0) {
        CHECK(err.code != ERR_OK);
        return 0;
    }
    CHECK(layout.count > 0 && layout.count <= LABEL_PARTS_MAX);
    struct label_facts facts = {.count = 0};
    facts.all[facts.count].name = "lot";
    facts.all[facts.count++].value = STR("A1");
    for (uint32_t i = 0; i < layout.count; i++) {
        const struct label_part *part = &layout.parts[i];
        CHECK(part->x >= 0 && part->y >= 0 && part->x + part->width <= 80.1 &&
              part->y + part->height <= 50.1);
        struct buf out;
        buf_init(&out, 1 << 16);
        (void)label_fill(part, &facts, LANG_KO, &out);
        buf_fini(&out);
    }
    return 0;
}
