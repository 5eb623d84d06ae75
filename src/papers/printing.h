#ifndef PAPERS_PRINTING_H
#define PAPERS_PRINTING_H
/*
 * The queues of label printers (`print_jobs`), and the threads that send them in ZPL over TCP.
 *
 * A label is never lost: it waits until its printer answers, for a week. It is never sent twice
 * where that can be known: it is tried again only when its last byte was not handed over, because
 * until then a printer prints nothing of it. When the connection broke behind that byte, or Maru
 * ended while it was sent, nobody knows: it becomes `doubtful` and waits for a person. A printer
 * that answers ~HS behind the label has taken it: `printed`; one that does not: `sent`.
 */
#include "plant/plant.h"

struct printing; // Threads for all plants of a home: so many printers are served at once.
struct home;
struct printing *printing_start(struct home *home);
void printing_stop(struct printing *printing); // NULL is allowed.

/* What was being sent when the program ended becomes doubtful. */
int printing_begin(struct plant *plant, struct err *err);
/* Sends the next label that is due. 1: one was looked at; 0: nothing is due. ERR_CANCELLED: `stop`
 * was raised; what waits, waits. */
struct stop_flag;
int printing_step(struct plant *plant, struct stop_flag *stop, struct err *err);

/* Host and port of a printer's address; 9100 where it says none. False: it is none. Pure. */
enum { PRINTER_HOST_MAX = 256, PRINTER_PORT_MAX = 8 };
bool printer_address(struct str address, char host[PRINTER_HOST_MAX], char port[PRINTER_PORT_MAX]);

/* ---- As people look at it ---- */

struct print_query {
    struct str state; // Empty: all.
    int64_t before;   // Numbers below; INT64_MAX: from the newest.
    uint32_t limit;
};
struct json;
/* Elements of an array, newest first. *ret_next: goes into `before`; 0: there are no more. Inside
 * ledger_read. */
int print_put_list(struct ledger_tx *tx, const struct print_query *query, struct json *json,
    int64_t *ret_next, struct err *err);
/* Whether a job prints a badge, which not everybody may. */
int print_is_badge(struct ledger_tx *tx, int64_t number, bool *ret_badge, struct err *err);
/* A job that failed, is doubtful, was put away or printed goes into the queue once more. */
int print_again(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err);
/* Puts one away that is not being sent. ERR_CONFLICT. */
int print_cancel(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err);

#endif
