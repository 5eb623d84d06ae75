#ifndef PLANT_DEIDENT_KEY_H
#define PLANT_DEIDENT_KEY_H
/*
 * The plant's pseudonym key, HOME/keys/PLANT.key (0600), and the keys of recipients made from it.
 * Made at first use. Its fingerprint stands in the plant's ledger: when the file is gone or another
 * one (a home restored without its keys), nothing gets a pseudonym until the right key is back,
 * because new pseudonyms would silently not match the old ones. Any thread; a first use by several
 * at once is settled by the ledger's one writer.
 */
#include "ledger/ledger.h"
#include "refine/deident.h"

/* The recipient under which collection rules work: what is stored in the plant itself. */
#define DEIDENT_OWN STR("plant")

struct deident_place {
    struct files *files;
    const char *keys_dir; // HOME/keys
    struct str plant_id;
    struct ledger *ledger;
};

/* ERR_NOT_FOUND: the key file is gone; ERR_CORRUPT: it is not the key of this plant. */
int deident_key_load(const struct deident_place *place, struct str recipient,
    struct deident_key *ret_key, struct err *err);

#endif
