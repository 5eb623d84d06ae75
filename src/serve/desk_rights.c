/*
 * Roles at the programme desk. They stand beside those of plants and open no plant; roles of plants
 * open no case. What an evaluator or a company may see of a case is decided where cases are read.
 */
#include "serve/desk_rights.h"

#include "programme/words.h"

int desk_actor(struct ledger_tx *tx, const struct call *call, struct str programme,
    struct case_actor *ret_actor, bool *ret_all, struct err *err) {
    const struct principal *who = &call->principal;
    uint32_t roles = 0;
    int rc = 0;
    bool all = who->is_session ? who->admin : who->role == ROLE_OWNER;
    if (who->is_session) {
        rc = case_roles(tx, str_of(who->id), programme, &roles, err);
    } else if (who->role == ROLE_AUDITOR) {
        roles = CASE_AUDITOR;
    }
    if (all) {
        roles |= CASE_OFFICER | CASE_AUDITOR;
    }
    *ret_actor = (struct case_actor){.user = str_of(who->id),
        .organisation = str_of(who->organisation),
        .roles = roles,
        .lang = call->lang};
    *ret_all = all || (!who->is_session && who->role == ROLE_AUDITOR);
    return rc;
}

int desk_need_officer(struct ledger_tx *tx, const struct call *call, struct str programme,
    bool reads, struct case_actor *ret_actor, struct err *err) {
    bool all = false;
    int rc = desk_actor(tx, call, programme, ret_actor, &all, err);
    uint32_t needed = CASE_OFFICER | (reads ? (uint32_t)CASE_AUDITOR : 0);
    if (rc >= 0 && (ret_actor->roles & needed) == 0) {
        return err_set(err, ERR_FORBIDDEN, SAY_DESK(DESK_AUTHORITY), NO_ARGS);
    }
    return rc;
}
