#ifndef PROGRAMME_CASE_STORE_H
#define PROGRAMME_CASE_STORE_H
/*
 * A case as it lies in the hub: its row, and events appended to it. Inside ledger_write or
 * ledger_read; private to the room.
 */
#include "programme/case.h"
#include "programme/desk_store.h"

struct case_row {
    struct str id; // Texts in the arena that was given.
    struct str number;
    struct str programme;
    int64_t version;
    int64_t call;
    int64_t sequence;
    int64_t opened_ns;
    struct str due;
    struct str facts;        // JSON.
    struct json_in *state;   // The same, read; the caller's.
    struct programme *rules; // As of the case's version; the caller's. NULL unless asked for.
};
/* By id or number. ERR_NOT_FOUND. */
int case_row_get(struct ledger_tx *tx, struct str id, bool rules, struct arena *arena,
    struct case_row *ret_row, struct err *err);
void case_row_fini(struct case_row *row);
/* The roles that count for this case: companies only in their own, evaluators in theirs. */
uint32_t case_roles_in(const struct case_row *row, const struct case_actor *actor);
#define AUTO_CASE_ROW __attribute__((cleanup(case_row_fini)))

struct case_entry {
    const struct case_row *row; // The case as it was.
    struct str at;              // Local.
    struct str step;
    struct str action;
    struct str actor;
    struct str role;
    struct str reason;
    struct str key; // Empty: none.
    struct str payload;
    struct str answer;
    const struct case_outcome *outcome;
    bool opens;
    int64_t time_ns; // Of case_append.
};
/* Appends the event with its place in the audit chain and brings the row up to it. */
int case_append(
    struct ledger_tx *tx, const struct case_entry *told, int64_t *ret_sequence, struct err *err);
/* The digest of an event, hex: what stands in the audit chain. */
struct case_digest {
    struct str id;
    int64_t sequence;
    int64_t time_ns;
    struct str texts[9]; // at, step, action, actor, role, reason, payload, answer, effect.
};
void case_digest_text(const struct case_digest *event, char ret_text[65]);
/* The digest of a ranking, hex: what stands in the audit chain. */
void case_ranking_digest(struct str input, struct str answer, char ret_text[65]);
/* What the row's columns say, out of the facts. */
struct case_columns {
    struct str organisation;
    struct str name;
    struct str corporation;
    struct str type;
    struct str state;
    struct str step;
    struct str due; // "9999-12-31": none.
    int64_t agreed_won;
    int64_t paid_won;
    int64_t reserved_won; // What is agreed or awarded; of what ended before that, what was paid.
};
void case_columns_of(const struct json_in *state, struct case_columns *ret);
/* Awards a place, or puts on the waiting list: an event of the case. */
struct case_award {
    const struct case_row *row;
    struct str actor;
    int64_t second; // Local.
    int64_t rank;   // 0: as it was.
    bool selected;
    struct str reason;
    struct str answer; // JSON.
};
int case_award(struct ledger_tx *tx, const struct case_award *award, struct err *err);
/* 9 h before UTC's clock: Korea has had no other time since 1988. */
int64_t case_local_second(int64_t time_ns);

#endif
