/*
 * The check of a derived tag before it is stored: does the expression compile, are its inputs
 * there, and does none of them depend on the tag itself. Circles are found by walking from input to
 * input, each once, with a list instead of recursion.
 */
#include "core/mem.h"
#include "refine/derived.h"
#include "refine/script.h"

enum { WALK_MAX = 2000 }; // Tags looked at; deeper chains are refused.

static int check_script(struct str source, struct err *err) {
    struct script *script = script_new(clock_system());
    int number = 0;
    int status = script_compile(script, str_slice(source, 1, source.size), &number, err);
    script_free(script);
    return status;
}

struct walk {
    struct arena arena;
    struct str names[WALK_MAX];
    uint32_t count;
};

static int add_name(struct walk *walk, struct str name, struct err *err) {
    for (uint32_t i = 0; i < walk->count; i++) {
        if (str_eq(walk->names[i], name)) {
            return 0;
        }
    }
    if (walk->count == WALK_MAX) {
        return err_set(err, ERR_LIMIT, MSG_DERIVED_MANY, ARGS(A_INT(WALK_MAX)));
    }
    walk->names[walk->count++] = arena_copy(&walk->arena, name);
    return 0;
}

/* Adds the inputs of a source; refuses the tag itself among them. */
static int add_inputs(struct walk *walk, const struct tag *tag, struct str source,
    struct str through, struct err *err) {
    struct derived_need needs[DERIVED_NEEDS_MAX];
    int count = derived_needs(source, needs, err);
    int status = count < 0 ? count : 0;
    for (int i = 0; i < count && status >= 0; i++) {
        if (str_eq(needs[i].name, tag->name)) {
            return err_set(err, ERR_INVALID, MSG_DERIVED_CYCLE, ARGS(A_STR(through)));
        }
        status = add_name(walk, needs[i].name, err);
    }
    return status;
}

static int walk_inputs(struct walk *walk, const struct tag *tag,
    const struct derived_lookup *lookup, struct err *err) {
    int status = add_inputs(walk, tag, str_trim(tag->source), tag->name, err);
    uint32_t own = walk->count;
    for (uint32_t i = 0; i < walk->count && status >= 0; i++) {
        struct str source = STR_NONE;
        int found = lookup->source_of(lookup->context, walk->names[i], &source, err);
        if (found == 0 && i < own) {
            return err_set(err, ERR_NOT_FOUND, MSG_DERIVED_INPUT, ARGS(A_STR(walk->names[i])));
        }
        status = found < 0 ? found : 0;
        if (found > 0 && str_starts(str_trim(source), STR("="))) {
            status = add_inputs(walk, tag, str_trim(source), walk->names[i], err);
        }
    }
    return status;
}

int derived_check(const struct tag *tag, const struct derived_lookup *lookup, struct err *err) {
    int status = check_script(str_trim(tag->source), err);
    if (status >= 0) {
        AUTO_FREE struct walk *walk = MEM_NEW(struct walk);
        arena_init(&walk->arena, 0);
        status = walk_inputs(walk, tag, lookup, err);
        arena_fini(&walk->arena);
    }
    return status < 0 ? err_context(err, MSG_DERIVED_TAG, ARGS(A_STR(tag->name))) : 0;
}
