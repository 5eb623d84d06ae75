/*
 * Storing a tag with the tags that its refine rules write to, in one transaction: a rule whose tag
 * is not there would do nothing, and nobody would notice.
 *
 * A tag that stands already is left as it is (its name for people, its retention), if it can take
 * what the rule makes: it has the type, and neither a device nor an expression feeds it. Two
 * writers of one curve would make nonsense of it.
 */
#include "core/mem.h"
#include "plant/plant.h"
#include "refine/derived.h"

/* 1: there is such a tag, and the rule may write to it; 0: there is none. */
static int find_companion(
    struct ledger_tx *tx, const struct tag *tag, const struct tag *companion, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status =
        ledger_prepare(tx, "SELECT type, device, source FROM tags WHERE name = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, companion->name);
    status = ledger_step(stmt, err);
    if (status <= 0) {
        return status;
    }
    struct str type = ledger_column_str(stmt, 0);
    bool is_free = ledger_column_is_null(stmt, 1) &&
                   !str_starts(str_trim(ledger_column_str(stmt, 2)), STR("="));
    if (is_free && str_eq(type, str_of(value_type_name(companion->type)))) {
        return 1;
    }
    return err_set(err, ERR_CONFLICT, MSG_PLANT_COMPANION,
        ARGS(A_STR(tag->name), A_STR(companion->name), A_STR(type)));
}

static int put_companions(
    struct ledger_tx *tx, const struct tag *tag, struct arena *arena, struct err *err) {
    struct tag companions[REFINE_COMPANIONS_MAX];
    uint32_t count = refine_companions(tag, arena, companions);
    int status = 0;
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        status = find_companion(tx, tag, &companions[i], err);
        if (status == 0) {
            uint32_t number = 0;
            bool changed = false;
            status = tag_put(tx, &companions[i], &number, &changed, err);
        }
    }
    return status < 0 ? status : 0;
}

/* The source of a tag as the transaction sees it; empty for tags that are not derived. */
static int source_of(void *context, struct str name, struct str *ret_source, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(context,
        "SELECT CASE WHEN device IS NULL THEN source ELSE '' END FROM tags WHERE name = ?1", &stmt,
        err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, name);
    status = ledger_step(stmt, err);
    if (status > 0) {
        *ret_source = ledger_column_str(stmt, 0);
    }
    return status;
}

int plant_tag_put(struct ledger_tx *tx, const struct tag *tag, uint32_t *ret_number,
    bool *ret_changed, struct err *err) {
    int status = refine_check(tag, err);
    if (status >= 0 && derived_is(tag)) {
        const struct derived_lookup lookup = {.context = tx, .source_of = source_of};
        status = derived_check(tag, &lookup, err);
    }
    if (status >= 0) {
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 0);
        status = put_companions(tx, tag, &arena, err);
    }
    return status < 0 ? status : tag_put(tx, tag, ret_number, ret_changed, err);
}
