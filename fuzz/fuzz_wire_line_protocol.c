/*
 * Line protocol from outside: no input may read past its end, and what was learned must not change
 * the meaning: a body parsed twice by one parser gives the same rows, and the same as a parser that
 * sees it for the first time. The first byte chooses how the body is cut into two.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "wire/line_protocol.h"

enum { ROWS = 4096 };

struct world {
    struct batch *batch;
    bool given;
};

static bool find(void *context, struct str name, uint32_t *ret_tag, enum value_type *ret_type) {
    (void)context;
    if (name.size % 2 == 0) {
        return false; // Names of even length are new tags.
    }
    *ret_tag = (uint32_t)name.size;
    *ret_type = (enum value_type)(1 + name.size % 4);
    return true;
}

static struct batch *next(void *context) {
    struct world *world = context;
    if (world->given) {
        return NULL;
    }
    world->given = true;
    batch_clear(world->batch);
    return world->batch;
}

static int64_t parse(struct line_parser *parser, struct batch *batch, struct str text) {
    struct world world = {.batch = batch};
    struct line_options options = {.unit_ns = 1000,
        .now_ns = 5,
        .owner = parser,
        .context = &world,
        .find = find,
        .next = next};
    batch_clear(batch);
    int64_t bad = line_parse(parser, &options, text, NULL);
    for (uint32_t i = 0; bad == 0 && i < line_pending_count(parser); i++) {
        struct line_series series = line_pending(parser, i);
        CHECK(series.name.size > 0 && series.type >= TYPE_F64 && series.type <= TYPE_TEXT);
        line_pending_set(parser, i, 1000 + i);
    }
    return bad;
}

static void same_rows(const struct batch *a, const struct batch *b) {
    CHECK(a->count == b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        const struct sample *x = &a->rows[i];
        const struct sample *y = &b->rows[i];
        CHECK(x->time_ns == y->time_ns && x->type == y->type && x->flags == y->flags);
        CHECK(memcmp(&x->value, &y->value, sizeof x->value) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct line_parser *learned = line_parser_new();
    struct line_parser *fresh = line_parser_new();
    struct batch *first = batch_new(ROWS, 65536);
    struct batch *second = batch_new(ROWS, 65536);
    struct str text = {(const char *)data + 1, size - 1};
    size_t cut = text.size * data[0] / 255;
    while (cut > 0 && text.data[cut - 1] != '\n') {
        cut--; // Half a line would teach a type that the whole line does not have.
    }
    (void)parse(learned, first, str_slice(text, 0, cut));
    (void)parse(learned, first, str_slice(text, cut, text.size));
    int64_t again = parse(learned, first, text);
    int64_t once = parse(fresh, second, text);
    CHECK(again == once);
    if (once == 0) {
        same_rows(first, second);
    }
    const struct line_error *errors = NULL;
    uint32_t count = line_errors(fresh, &errors);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(errors[i].line >= 1 && errors[i].column >= 1 && errors[i].err.code != ERR_OK);
    }
    batch_free(first);
    batch_free(second);
    line_parser_free(learned);
    line_parser_free(fresh);
    return 0;
}
