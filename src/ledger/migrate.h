#ifndef LEDGER_MIGRATE_H
#define LEDGER_MIGRATE_H
/*
 * Bringing a ledger file to the present schema, and checking it. Private to the room; called with
 * a connection that nobody else uses.
 */
#include "ledger/db.h"

/* Runs the missing migrations, each in a transaction of its own. ERR_VERSION: the file is newer;
 * ERR_INVALID: it is no ledger of this kind; ERR_CORRUPT. */
int migrate(struct db *db, enum ledger_kind kind, struct err *err);
/* The newest schema number of a kind. */
int64_t migrate_newest(enum ledger_kind kind);
/* SQLite's own check of pages and rows; `whole` compares indexes with their tables too. */
int check_structure(struct db *db, bool whole, struct err *err);
int check_foreign_keys(struct db *db, struct err *err);

#endif
