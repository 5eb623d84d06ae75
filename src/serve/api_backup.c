/*
 * A backup that is wanted now. It is the whole home's, so the right for it is that of the whole
 * home; the upkeep's own thread makes it as it makes the night's, and Health says when it is done.
 */
#include "ledger/ledger.h"
#include "plant/home.h"
#include "serve/call.h"
#include "serve/server.h"
#include "upkeep/nightly.h"

static int note(struct ledger_tx *tx, void *context, struct err *err) {
    const struct call *call = context;
    return audit_append(
        tx, str_of(call->principal.id), STR("backup.begin"), STR("home"), STR("{}"), err);
}

int api_backup(struct call *call, struct err *err) {
    struct upkeep *upkeep = call->server->options.upkeep;
    if (upkeep == NULL) {
        return err_set(err, ERR_CONFLICT, MSG_SERVE_NO_UPKEEP, NO_ARGS);
    }
    int rc = ledger_write(home_hub(call->server->home), note, call, err);
    if (rc < 0) {
        return rc;
    }
    upkeep_want_night(upkeep);
    call_empty(call, 204);
    return 0;
}
