/*
 * Sources of derived tags from outside. Whatever bytes come: needs lie inside the source; a source
 * that passes the check runs over rows without disturbing anything: each result is a row of its tag
 * with a time that was given, and a second engine gives the same rows. Time and memory are bounded
 * by the sandbox.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "core/limits.h"
#include "refine/derived.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int source_of(void *context, struct str name, struct str *ret_source, struct err *err) {
    (void)context;
    (void)err;
    *ret_source = STR_NONE;
    return str_eq(name, STR("a")) || str_eq(name, STR("b"));
}

static void fill(struct batch *batch) {
    for (int i = 0; i < 6; i++) {
        *batch_add(batch) = (struct sample){.tag = 1 + (uint32_t)i % 2,
            .type = TYPE_F64,
            .time_ns = i / 2 * 1000000000LL,
            .value.f64 = i * 1.5};
    }
}

static void run_twice(const struct catalogue *catalogue) {
    struct batch *batches[2];
    for (int i = 0; i < 2; i++) {
        struct derived *derived = derived_new(catalogue, clock_system());
        batches[i] = batch_new(16, 64);
        fill(batches[i]);
        uint32_t added = derived_run(derived, batches[i]);
        CHECK(added == batches[i]->made && batches[i]->count == 6 + added);
        derived_free(derived);
    }
    CHECK(batches[0]->count == batches[1]->count);
    for (uint32_t i = 6; i < batches[0]->count; i++) {
        const struct sample *row = &batches[0]->rows[i];
        CHECK(row->tag == 3 && row->time_ns % 1000000000LL == 0);
        CHECK(row->type != TYPE_TEXT ||
              row->value.text.offset + row->value.text.size <= batches[0]->text_size);
    }
    batch_free(batches[0]);
    batch_free(batches[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct catalogue *catalogue = catalogue_new();
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, 3);
    catalogue->tag_count = 3;
    static const char *const NAMES[] = {"a", "b", "c"};
    for (uint32_t i = 0; i < 3; i++) {
        catalogue->tags[i] = (struct tag){.number = i + 1,
            .type = i < 2 ? TYPE_F64 : (enum value_type)(1 + data[0] % 4),
            .name = str_of(NAMES[i]),
            .source = STR_NONE,
            .device = STR_NONE,
            .min = (double)NAN,
            .max = (double)NAN,
            .active = true};
    }
    struct str source = {(const char *)data, size < LIMIT_SOURCE_BYTES ? size : LIMIT_SOURCE_BYTES};
    catalogue->tags[2].source = arena_copy(&catalogue->arena, source);
    catalogue_finish(catalogue);
    const struct tag *tag = &catalogue->tags[2];
    struct derived_need needs[DERIVED_NEEDS_MAX];
    int count = derived_is(tag) ? derived_needs(tag->source, needs, NULL) : 0;
    for (int i = 0; i < count; i++) {
        CHECK(needs[i].name.data >= tag->source.data &&
              needs[i].name.data + needs[i].name.size <= tag->source.data + tag->source.size);
        CHECK(needs[i].rows >= 2 && needs[i].rows <= DERIVED_ROWS_MAX && needs[i].span_ns >= 0);
    }
    const struct derived_lookup lookup = {.context = NULL, .source_of = source_of};
    struct err err = ERR_INIT;
    if (derived_is(tag) && derived_check(tag, &lookup, &err) == 0) {
        run_twice(catalogue);
    }
    catalogue_unref(catalogue);
    return 0;
}
