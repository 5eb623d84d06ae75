#ifndef PROGRAMME_DESK_STORE_H
#define PROGRAMME_DESK_STORE_H
/*
 * What cases need of programmes and calls in the hub. Inside ledger_write or ledger_read; private
 * to the room.
 */
#include "core/mem.h"
#include "programme/cases.h"

struct desk_call {
    int64_t number; // 0: there was none yet.
    bool announced;
    int64_t budget_won; // Negative: none was given.
    int64_t used_won;
    int64_t announced_ns;
    int64_t closed_ns;
};
/* A call of a programme; 0: the newest. */
int desk_call_get(
    struct ledger_tx *tx, struct str id, int64_t number, struct desk_call *ret, struct err *err);
int desk_call_used(
    struct ledger_tx *tx, struct str id, int64_t call, int64_t *ret_won, struct err *err);
/* The newest version, entered where it was not yet: in ledger_write. */
int desk_programme_used(
    struct ledger_tx *tx, struct str id, struct programme_now *ret, struct err *err);
/* ERR_NOT_FOUND: no such user. */
int desk_organisation_of(struct ledger_tx *tx, struct str user, struct arena *arena,
    struct str *ret_organisation, struct err *err);

#endif
