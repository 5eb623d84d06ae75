#ifndef SERVE_DESK_RIGHTS_H
#define SERVE_DESK_RIGHTS_H
/*
 * Who somebody is at the programme desk. Deny by default: a person has the roles that were given to
 * them in a programme; an admin of the home, and an owner's token of the whole folder, do whatever
 * the agency does; an auditor's token reads. Inside ledger_read or ledger_write of the hub.
 */
#include "programme/cases.h"
#include "serve/call.h"

/* Roles in the programme (empty: in any). `ret_all`: the caller stands above programmes. */
int desk_actor(struct ledger_tx *tx, const struct call *call, struct str programme,
    struct case_actor *ret_actor, bool *ret_all, struct err *err);
/* ERR_FORBIDDEN unless the caller is an officer of the programme, or an admin. `reads`: an auditor
 * will do. */
int desk_need_officer(struct ledger_tx *tx, const struct call *call, struct str programme,
    bool reads, struct case_actor *ret_actor, struct err *err);

#endif
