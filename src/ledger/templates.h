#ifndef LEDGER_TEMPLATES_H
#define LEDGER_TEMPLATES_H
/*
 * Equipment templates as files kept in the hub, by the organisation of a plant: whoever may set up
 * one of its plants sees them in all of those, and nobody else does. Keeping and removing write
 * into the hub's audit chain ("template.keep", "template.remove"; subject "template/12"). The hub
 * only; inside ledger_write and ledger_read. What is inside a file is not looked at here.
 */
#include "ledger/ledger.h"

enum { TEMPLATES_MAX = 1000 }; // Of one organisation; refused beyond.

struct stored_template {
    int64_t number;
    struct str name; // Once in an organisation.
    struct str note;
    uint32_t devices;
    uint32_t tags;
    struct str body;   // Of templates_get; else empty.
    struct str plant;  // The plant through which it came.
    struct str actor;  // Who kept it: a user's or token's id,
    struct str author; // and how people called them then.
    int64_t made_ns;
};

/* Keeps a new one for the organisation of `plant`. Exactly the same again: its number.
 * ERR_CONFLICT: another one has that name; ERR_LIMIT. */
int templates_keep(struct ledger_tx *tx, const struct stored_template *template,
    int64_t *ret_number, struct err *err);
/* Of the organisation of `plant`. Strings live in the arena. ERR_NOT_FOUND. */
int templates_get(struct ledger_tx *tx, struct str plant, int64_t number, struct arena *arena,
    struct stored_template *ret_template, struct err *err);
/* By name, without bodies. Count. */
int templates_list(struct ledger_tx *tx, struct str plant, struct arena *arena,
    struct stored_template *ret_rows, uint32_t max, struct err *err);
/* ERR_NOT_FOUND. */
int templates_remove(
    struct ledger_tx *tx, struct str plant, int64_t number, struct str actor, struct err *err);

#endif
