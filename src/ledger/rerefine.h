#ifndef LEDGER_REREFINE_H
#define LEDGER_REREFINE_H
/*
 * Records of re-refining: each run, what it changed, and what undid it. A plant's ledger; inside
 * ledger_write and ledger_read. plant/rerefine.h does the work.
 */
#include "ledger/ledger.h"

struct rerefine_record {
    int64_t id;      // Given by rerefine_begin.
    int64_t time_ns; // Likewise.
    struct str actor;
    uint32_t tag;
    int64_t from_ns;
    int64_t to_ns;
    struct str rule;        // What was applied, as JSON.
    struct str rule_before; // Of the tag's run before; empty: none.
    uint64_t rows_read;
    uint64_t changed;
    uint64_t omitted;
    uint64_t corrected;
    uint64_t skipped;
    int64_t undoes;    // 0: no undo.
    int64_t undone_by; // 0: not undone. Read only.
    bool is_finished;  // False: cut short by a stop; what it changed stands in its parts.
};

/* Begins a record: actor, tag, range, rule and undoes count; rule_before is looked up. With a name,
 * the chain says so too ("tag.rerefine.begin"): a run that a kill cuts short is signed for. */
int rerefine_begin(struct ledger_tx *tx, const struct rerefine_record *record, struct str tag_name,
    int64_t *ret_id, struct err *err);
/* Adds a part of what is changed: before the new versions are stored. */
int rerefine_part_put(
    struct ledger_tx *tx, int64_t id, int64_t part, struct str rows, struct err *err);
/* Writes the counts, marks it finished, and adds an audit entry ("tag.rerefine"). */
int rerefine_finish(struct ledger_tx *tx, const struct rerefine_record *record, struct str tag_name,
    struct err *err);
/* ERR_NOT_FOUND. Strings live in the arena. */
int rerefine_get(struct ledger_tx *tx, int64_t id, struct arena *arena,
    struct rerefine_record *ret_record, struct err *err);
/* Newest first, ids below `before`; of one tag (0: all). Count. */
int rerefine_list(struct ledger_tx *tx, uint32_t tag, int64_t before,
    struct rerefine_record *ret_records, uint32_t max, struct arena *arena, struct err *err);
/* 1 and the part, 0 behind the last. */
int rerefine_part_get(struct ledger_tx *tx, int64_t id, int64_t part, struct arena *arena,
    struct str *ret_rows, struct err *err);

#endif
