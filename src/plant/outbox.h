#ifndef PLANT_OUTBOX_H
#define PLANT_OUTBOX_H
/*
 * The outbox: what leaves the plant by itself, under recorded consents (ledger/consent.h). Each
 * consent follows the historian's sequence with a cursor of its own; its data goes to its recipient
 * by HTTP POST or to a topic of an MQTT broker, in order, at least once. Granting and withdrawing
 * may be called by any thread; one thread of its own sends.
 */
#include "ledger/consent.h"
#include "plant/plant.h"

/* Checks the terms (known tags, rules that suit them, URL) and stores them; sending begins with
 * what becomes durable from now on. ERR_INVALID, ERR_NOT_FOUND (a tag), ERR_EXISTS, ERR_LIMIT. */
int outbox_grant(struct plant *plant, const struct consent *consent, struct err *err);
/* Stored on return; nothing is sent after it, and what is on its way is broken off within a second.
 * ERR_NOT_FOUND, ERR_CONFLICT. */
int outbox_withdraw(struct plant *plant, struct str id, struct str actor, struct err *err);

struct outbox;
struct outbox_options {
    struct plant *plant;
    int64_t timeout_ms;   // Of a message; 0: 10 s.
    int64_t pause_ms;     // Between looks at the consents; 0: 500 ms.
    int64_t retry_max_ms; // The longest delay after failures; 0: 60 s.
};
struct outbox *outbox_start(const struct outbox_options *options);
void outbox_stop(struct outbox *outbox); // Joins. NULL is allowed.
/* Words of the last failure of a consent; code ERR_OK: the last message was taken. */
void outbox_error(struct outbox *outbox, int64_t consent, struct err *ret_error);

#endif
