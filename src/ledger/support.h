#ifndef LEDGER_SUPPORT_H
#define LEDGER_SUPPORT_H
/*
 * Remote support in the hub: cases of a desk (what a supplier opened) and visits of a factory (what
 * an owner approved). Codes and keys are secrets of 256 bits that are stored as hashes; a code
 * opens once. Texts of facts are borrowed for the call of `each`, of wishes for the call, and
 * copied into the arena where there is one. Inside ledger_write or ledger_read; any thread.
 */
#include "ledger/ledger.h"

enum {
    SUPPORT_NOTE_BYTES = 1024,
    SUPPORT_DESK_BYTES = 512,
    SUPPORT_LISTED_MAX = 100, // Newest cases or visits that a list tells.
    SUPPORT_OPEN_MAX = 100,   // Cases that can still be used; refused beyond.
    SUPPORT_VISIT_ID = 25,    // "support:" and 16 digits, NUL: the actor of audit entries.
};

/* ---- The desk's ---- */

struct support_case {
    struct str id;
    struct str factory;
    struct str note;
    struct str opened_by; // User id.
    struct str name;      // Who that is, and of which organisation.
    struct str organisation;
    struct str plant; // Empty before the owner approved.
    struct str plant_display;
    struct str role;
    struct str ended_by; // "", factory, desk, time
    int64_t created_ns;
    int64_t code_until_ns;
    bool code_spent;
    int64_t connected_ns; // 0: not yet.
    int64_t until_ns;     // 0: not yet.
    int64_t ended_ns;     // 0: open.
};
typedef int (*support_case_fn)(void *context, const struct support_case *found, struct err *err);

struct support_wish {
    struct str factory;
    struct str note;
    struct str opened_by;
    int64_t code_lifetime_ns;
};
/* ERR_LIMIT: too many are open. */
int support_case_new(struct ledger_tx *tx, const struct support_wish *wish, char ret_id[40],
    char ret_code[SECRET_TEXT_MAX], struct err *err);
/* Newest first; `opened_by` empty: all. */
int support_case_each(struct ledger_tx *tx, struct str opened_by, support_case_fn each,
    void *context, struct err *err);
/* ERR_NOT_FOUND. */
int support_case_get(struct ledger_tx *tx, struct str id, struct arena *arena,
    struct support_case *ret_case, struct err *err);
/* ERR_FORBIDDEN: unknown, spent, expired, ended, or whoever opened it may not sign in any more. */
int support_case_by_code(struct ledger_tx *tx, struct str code, struct arena *arena,
    struct support_case *ret_case, struct err *err);
struct support_grant {
    struct str plant;
    struct str plant_display;
    enum role role; // Viewer or installer.
    int64_t until_ns;
};
/* Spends the code and gives the key that the factory shows from now on. ERR_FORBIDDEN as above. */
int support_case_connect(struct ledger_tx *tx, struct str code, const struct support_grant *grant,
    char ret_key[SECRET_TEXT_MAX], struct err *err);
/* Of a case that is connected and not over. ERR_FORBIDDEN. */
int support_case_by_key(struct ledger_tx *tx, struct str key, struct arena *arena,
    struct support_case *ret_case, struct err *err);
/* 1: ended now; 0: it was over before. Code and key open nothing any more. */
int support_case_end(struct ledger_tx *tx, struct str id, const char *ended_by, struct err *err);

/* ---- The factory's ---- */

struct support_counts {
    int64_t reads;
    int64_t changes;
    int64_t refused;
};
struct support_visit {
    struct str id;
    struct str plant;
    enum role role;
    struct str desk;
    struct str organisation;
    struct str name;
    struct str note;
    struct str approved_by; // User id; in lists as people call them.
    int64_t begun_ns;
    int64_t until_ns;
    int64_t ended_ns;    // 0: it lasts.
    struct str ended_by; // "", owner, desk, time, restart
    struct support_counts counts;
};
typedef int (*support_visit_fn)(void *context, const struct support_visit *visit, struct err *err);

/* What a desk says of itself, before anything is done with it: bounded UTF-8 without control
 * characters. ERR_INVALID names the field. Pure. */
int support_texts_check(struct str organisation, struct str name, struct str note, struct err *err);

/* "support:" and 16 random digits. */
void support_visit_id(char ret_id[SUPPORT_VISIT_ID]);
int support_visit_new(struct ledger_tx *tx, const struct support_visit *visit, struct err *err);
/* 1: ended now; 0: it was over before. */
int support_visit_end(struct ledger_tx *tx, struct str id, const char *ended_by,
    const struct support_counts *counts, struct err *err);
/* Whether whoever approved may sign in and is still owner of the plant. */
int support_approver_stands(
    struct ledger_tx *tx, struct str user_id, struct str plant, bool *ret_stands, struct err *err);
/* Newest first. `plant` empty: those of any plant that are not over. */
int support_visit_each(
    struct ledger_tx *tx, struct str plant, support_visit_fn each, void *context, struct err *err);

#endif
