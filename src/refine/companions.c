/*
 * Companions: the tags that stages write to beside the one whose rule they follow (raw values,
 * increments, states, cycle times). Whoever stores a tag (import, PUT) makes those that are not
 * there in the same transaction; they are never renamed and never retyped. Rules of a companion
 * itself do nothing to what stages make: that is finished.
 *
 * A rule of a new stage that names a tag needs its row in TABLE.
 */
#include <math.h>

#include "core/check.h"
#include "refine/stage.h"

uint32_t companion_number(
    const struct catalogue *catalogue, struct str name, enum value_type type) {
    const struct tag *tag = name.size > 0 ? catalogue_find(catalogue, name) : NULL;
    return tag != NULL && tag->type == type ? tag->number : 0;
}

struct sample *stage_make(
    struct batch *batch, uint32_t tag, enum value_type type, int64_t time_ns) {
    struct sample *row = batch_add(batch);
    CHECK(row != NULL); // refine_reserve made room.
    row->tag = tag;
    row->type = (uint8_t)type;
    row->time_ns = time_ns;
    if (type == TYPE_F64) {
        row->value.f64 = 0;
    }
    return row;
}

/* What a rule's companion is. */
static const struct {
    enum rule rule;
    enum value_type type; // 0: the tag's own.
    enum tag_kind kind;
    bool has_unit; // The tag's own; else `unit`.
    const char *unit;
} TABLE[] = {
    {RULE_INCREMENT, (enum value_type)0, KIND_MEASUREMENT, true, NULL},
    {RULE_STATE_TAG, TYPE_TEXT, KIND_STATE, false, ""},
    {RULE_CYCLE_TAG, TYPE_F64, KIND_MEASUREMENT, false, "s"},
};
_Static_assert(sizeof TABLE / sizeof TABLE[0] + 1 <= REFINE_COMPANIONS_MAX, "and the raw one");

static struct tag companion(const struct tag *tag, struct str name) {
    return (struct tag){.name = name,
        .display = STR_NONE,
        .unit = STR_NONE,
        .device = STR_NONE,
        .source = STR_NONE,
        .refine = STR_NONE,
        .type = tag->type,
        .scale = 1,
        .min = (double)NAN,
        .max = (double)NAN,
        .dead_band = (double)NAN,
        .retention_days = tag->retention_days,
        .rollup_days = tag->rollup_days,
        .active = true};
}

uint32_t refine_companions(
    const struct tag *tag, struct arena *arena, struct tag ret_tags[REFINE_COMPANIONS_MAX]) {
    struct rule_line line;
    uint32_t count = 0;
    if (rules_parse(tag->refine, &line, NULL) < 0) {
        return 0;
    }
    if (tag->keep_raw) {
        char name[COMPANION_NAME_MAX];
        struct tag *raw = &ret_tags[count++];
        *raw = companion(tag, arena_copy(arena, companion_raw_name(tag, name)));
        raw->kind = tag->kind;
        raw->unit = rule_is_set(&line, RULE_UNIT_FROM) ? line.texts[RULE_UNIT_FROM] : STR_NONE;
    }
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        if (rule_is_set(&line, TABLE[i].rule)) {
            struct tag *made = &ret_tags[count++];
            *made = companion(tag, line.texts[TABLE[i].rule]);
            made->type = TABLE[i].type != 0 ? TABLE[i].type : tag->type;
            made->kind = TABLE[i].kind;
            made->unit = TABLE[i].has_unit ? tag->unit : str_of(TABLE[i].unit);
        }
    }
    return count;
}

int companions_check(const struct tag *tag, struct err *err) {
    struct arena arena;
    arena_init(&arena, 0);
    struct tag tags[REFINE_COMPANIONS_MAX];
    uint32_t count = refine_companions(tag, &arena, tags);
    int status = 0;
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        bool twice = str_eq(tags[i].name, tag->name);
        for (uint32_t j = 0; j < i; j++) {
            twice = twice || str_eq(tags[i].name, tags[j].name);
        }
        if (twice) {
            status =
                err_set(err, ERR_INVALID, MSG_REFINE_COMPANION_TWICE, ARGS(A_STR(tags[i].name)));
        }
    }
    arena_fini(&arena);
    return status;
}
