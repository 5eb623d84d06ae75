/*
 * A line of refine rules from outside. Whatever bytes come: the line is read or refused in words;
 * what was read lies inside the line and inside its limits; and a line that passes the check of
 * some tag can be used by refine without another word.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"
#include "refine/refine.h"
#include "refine/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(struct str text, const struct rule_line *line) {
    for (int i = 0; i < RULE_COUNT; i++) {
        if (!rule_is_set(line, (enum rule)i)) {
            continue;
        }
        const struct refine_rule *rule = refine_rule((uint32_t)i);
        struct str value = line->texts[i];
        CHECK(value.data >= text.data && value.data + value.size <= text.data + text.size);
        CHECK(isnan(line->numbers[i]) ||
              (line->numbers[i] >= rule->min && line->numbers[i] <= rule->max));
    }
}

/* Uses the line of a tag of this type and kind, and sends rows through. */
static void use_line(struct str text, enum value_type type, enum tag_kind kind) {
    struct catalogue *catalogue = catalogue_new();
    catalogue->tag_count = 1;
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, 1);
    catalogue->tags[0] = (struct tag){.number = 1,
        .type = type,
        .kind = kind,
        .name = STR("a"),
        .unit = STR("kPa"),
        .scale = 1,
        .min = (double)NAN,
        .max = (double)NAN,
        .dead_band = (double)NAN,
        .refine = arena_copy(&catalogue->arena, text)};
    catalogue_finish(catalogue);
    struct err err = ERR_INIT;
    int status = refine_check(&catalogue->tags[0], &err);
    CHECK(status == 0 || (err.code != ERR_OK && err.note_count > 0));
    if (status == 0) {
        struct refine *refine = refine_new(1);
        refine_use(refine, catalogue);
        AUTO_BATCH struct batch *batch = batch_new(64, 4096);
        batch->source = 1;
        for (int i = 0; i < 8; i++) {
            *batch_add(batch) = (struct sample){.tag = 1,
                .type = TYPE_F64,
                .time_ns = i * 1000000000LL,
                .value.f64 = i % 3 * 1000.0};
        }
        refine_reserve(refine, batch);
        refine_run(refine, batch);
        batch_clear(batch);
        CHECK(!refine_tick(refine, 1000000000000LL, batch));
        batch_clear(batch);
        CHECK(!refine_flush(refine, batch));
        refine_free(refine);
    }
    catalogue_unref(catalogue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    struct rule_line line;
    struct err err = ERR_INIT;
    int status = rules_parse(text, &line, &err);
    CHECK(status == 0 || (err.code != ERR_OK && err.note_count > 0));
    if (status == 0) {
        check_line(text, &line);
        for (int i = 0; i < 16; i++) {
            use_line(text, (enum value_type)(1 + i % 4), (enum tag_kind)(i / 4));
        }
    }
    return 0;
}
