#ifndef TESTS_LEDGER_SUPPORT_LEDGER_H
#define TESTS_LEDGER_SUPPORT_LEDGER_H
/*
 * A folder of its own per test, a fake clock and ledgers in it.
 */
#include "core/clock.h"
#include "ledger/ledger.h"

struct place {
    char dir[64];
    char path[96]; // Of the ledger in it.
    struct clock_fake clock;
    struct ledger *ledger; // NULL while closed.
    enum ledger_kind kind;
};

enum { PLACE_START_S = 1700000000 };

void place_init(struct place *place, enum ledger_kind kind); // Opens the ledger.
void place_fini(struct place *place);
void place_reopen(struct place *place);
/* Runs a function that must succeed. */
void place_write(struct place *place, ledger_fn fn, void *context);
void place_read(struct place *place, ledger_fn fn, void *context);
/* Runs one statement of SQL that must succeed, past the ledger's own functions. */
void place_sql(struct place *place, const char *sql);
int64_t place_number(struct place *place, const char *sql);
/* Writes bytes into the closed ledger's file. */
void place_scribble(struct place *place, long offset, const void *bytes, size_t size);
/* A tag with defaults. */
struct tag tag_of(const char *name);

#endif
