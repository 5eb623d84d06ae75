#ifndef LEDGER_DISCLOSURE_H
#define LEDGER_DISCLOSURE_H
/*
 * The book of what left the plant: who got which data, when, for what, de-identified how. Whoever
 * sends data out (export, outbox, a copy for a supplier) writes one entry in the transaction that
 * sets the sending in motion, or right after it. Entries are never changed or removed; each also
 * stands in the audit chain ("data.disclose"). A plant's ledger only. Inside ledger_write and
 * ledger_read.
 */
#include "ledger/ledger.h"

enum { DISCLOSURE_TAGS_BYTES_MAX = 65536 };

struct deident_log_entry {
    int64_t number;       // Given by the append.
    int64_t time_ns;      // Given by the append.
    struct str recipient; // Who got it: an id or name that stays the same for this recipient.
    struct str channel;   // How: "export", "mqtt", "opcua", "grant".
    struct str purpose;   // What for; may be empty.
    struct str actor;     // Who sent it: principal id, or "maru" for what goes by itself.
    struct str
        method;      // "none", or each tag with its rule: "press.worker=pseudonym shift=group:10".
    struct str tags; // Names, separated by blanks.
    int64_t from_ns; // [from, to) of the data.
    int64_t to_ns;
    uint64_t rows; // 0 of a grant: not counted.
};

/* Writes an entry; *ret_number (may be NULL) is its number. ERR_INVALID, ERR_LIMIT with words. */
int deident_log_append(struct ledger_tx *tx, const struct deident_log_entry *entry,
    int64_t *ret_number, struct err *err);
/* Writes it unless an entry of the same recipient, channel, method and tags was written at or after
 * `since_ns`, so that what is read again and again stands once in a day. 1: written; 0: stood. */
int deident_log_append_once(
    struct ledger_tx *tx, const struct deident_log_entry *entry, int64_t since_ns, struct err *err);
/* Newest first, numbers below `before` (INT64_MAX: the newest), of one recipient (empty: all).
 * Strings live in the arena. Count. */
int deident_log_list(struct ledger_tx *tx, struct str recipient, int64_t before,
    struct deident_log_entry *ret_entries, uint32_t max, struct arena *arena, struct err *err);

#endif
