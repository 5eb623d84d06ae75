#ifndef LEDGER_CONSENT_H
#define LEDGER_CONSENT_H
/*
 * Consents that data leaves the plant, and the receipts of what left under them. The terms of a
 * consent are never changed: other terms are another consent. Granting and withdrawing stand in the
 * audit chain. A plant's ledger only; inside ledger_write and ledger_read. Texts are borrowed in,
 * and live in the arena out.
 */
#include "ledger/ledger.h"

enum { CONSENTS_MAX = 256, CONSENT_ID_MAX = 40 }; // Of one plant, with the ended ones.

struct consent {
    int64_t number; // Given when it is granted.
    struct str id;  // Never used again.
    struct str giver;
    struct str recipient; // The same as in the book of disclosures.
    struct str purpose;
    struct str tags;   // Names, blanks between them.
    struct str method; // "none", or "press.worker=pseudonym shift=group:10".
    struct str url;    // "http(s)://host/path" or "mqtt(s)://host/topic".
    struct str token;  // Secret; may be empty. For a broker "user:password".
    int64_t from_ns;   // Of the data's own times: [from, until). At `until` sending ends, too.
    int64_t until_ns;
    int64_t every_s; // The shortest time between two messages.
    int64_t granted_ns;
    struct str granted_by;
    int64_t withdrawn_ns; // 0: it stands.
    struct str withdrawn_by;
    uint64_t sequence; // Of the historian: sent up to here.
};

/* ERR_EXISTS: the id is or was in use. ERR_INVALID, ERR_LIMIT. */
int consent_grant(struct ledger_tx *tx, const struct consent *consent, struct err *err);
/* ERR_NOT_FOUND; ERR_CONFLICT: it was withdrawn before. */
int consent_withdraw(struct ledger_tx *tx, struct str id, struct str actor, struct err *err);
/* Oldest first; the count. `ret_consents` has CONSENTS_MAX places. */
int consent_list(
    struct ledger_tx *tx, struct consent *ret_consents, struct arena *arena, struct err *err);
/* Passed without anything to send. */
int consent_passed(struct ledger_tx *tx, int64_t number, uint64_t sequence, struct err *err);

struct receipt {
    int64_t number;  // Given.
    int64_t time_ns; // Given.
    int64_t consent;
    struct str message;
    uint64_t rows;
    int64_t status;    // Of HTTP; from a broker MQTT's reason code, 0 or 16.
    struct str answer; // At most RECEIPT_ANSWER_MAX bytes.
};
enum { RECEIPT_ANSWER_MAX = 1024 };
/* Notes what was taken by the recipient, and moves the consent's sequence. */
int receipt_put(
    struct ledger_tx *tx, const struct receipt *receipt, uint64_t sequence, struct err *err);
/* Newest first, below `before`, of one consent (0: all). Count. */
int receipt_list(struct ledger_tx *tx, int64_t consent, int64_t before,
    struct receipt *ret_receipts, uint32_t max, struct arena *arena, struct err *err);

#endif
