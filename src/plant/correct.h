#ifndef PLANT_CORRECT_H
#define PLANT_CORRECT_H
/*
 * Corrections: a person says that a stored value was wrong. The original stays; the corrected value
 * is stored beside it as a version that outranks any source (SAMPLE_CORRECTION), and the ledger
 * keeps who, when and why, with an entry in the audit chain. Any thread that may block.
 */
#include "plant/plant.h"

enum {
    CORRECTIONS_MAX = 10000, // Of one call; refused beyond.
    CORRECTION_REASON_MAX = 1000,
};

struct correction {
    struct str tag;
    int64_t time_ns;  // Exactly that of the value.
    struct str value; // As text; with `bad` it is not looked at and the old value stays.
    bool bad;
    struct str reason;
};

/* A correction that was looked up; texts live in the arena given. */
struct correction_found {
    uint32_t tag;
    bool same; // Stands already: nothing to do.
    bool bad;
    struct sample row; // To be stored; a text value is `value`.
    struct str value;
    struct str old_value;
    uint32_t old_status;
    struct str reason;
};

/* Checks one: ERR_NOT_FOUND (no such tag, no value at that time), ERR_TYPE, ERR_INVALID. */
int correction_find(struct plant *plant, const struct correction *correction, struct arena *arena,
    struct correction_found *ret_found, struct err *err);
/* Stores those that are not the same already; when it returns 0 they are durable and shown. */
int correction_apply(struct plant *plant, const struct correction_found *found, uint32_t count,
    struct str actor, uint32_t *ret_stored, struct err *err);

struct correction_entry {
    int64_t number;
    uint32_t tag;
    int64_t time_ns;
    int64_t entered_ns;
    struct str actor;
    struct str reason;
    struct str old_value;
    uint32_t old_status;
    struct str value;
    bool bad;
    bool applied;
};
struct correction_query {
    int64_t before;   // Entries of lower numbers; INT64_MAX: from the newest.
    uint32_t tag;     // 0: of all tags.
    bool latest_only; // Of each value the last correction alone.
};
/* Newest first. Count; texts live in the arena. */
int correction_list(struct plant *plant, const struct correction_query *query,
    struct correction_entry *ret_entries, uint32_t max, struct arena *arena, struct err *err);

#endif
