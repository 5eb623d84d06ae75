#ifndef LEDGER_ANNOTATIONS_H
#define LEDGER_ANNOTATIONS_H
/*
 * Annotations: what a person wrote beside the curves, at a time or over a span, of one tag or of
 * the whole plant. Entering and removing write into the audit chain in the same transaction
 * ("annotation.enter", "annotation.remove"; subject "annotation/12") with the row as payload. A
 * plant's ledger only; inside ledger_write and ledger_read.
 */
#include "ledger/ledger.h"

enum {
    ANNOTATION_TEXT_MAX = 1000,   // Bytes.
    ANNOTATION_ROWS_MAX = 200000, // Refused beyond.
};

struct annotation {
    int64_t number;
    int64_t begin_ns;
    int64_t end_ns;    // The same as begin_ns for a moment.
    uint32_t tag;      // 0: of the plant.
    struct str text;   // Not empty, no control characters.
    struct str actor;  // Who entered it: a user's or token's id,
    struct str author; // and how people called them then.
    int64_t entered_ns;
};

struct annotation_query {
    int64_t from_ns; // Spans that touch [from, to).
    int64_t to_ns;
    uint32_t tag;   // Of this tag and of the plant; 0: of all.
    int64_t before; // Numbers below this.
};

/* Stores a new one (number and entered_ns are given). ERR_INVALID, ERR_LIMIT in words. */
int annotation_enter(struct ledger_tx *tx, const struct annotation *annotation, int64_t *ret_number,
    struct err *err);
/* ERR_NOT_FOUND: no such number. */
int annotation_remove(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err);
/* Strings live in the arena. ERR_NOT_FOUND. */
int annotation_get(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct annotation *ret_annotation, struct err *err);
/* Newest number first. Count. */
int annotation_list(struct ledger_tx *tx, const struct annotation_query *query, struct arena *arena,
    struct annotation *ret_rows, uint32_t max, struct err *err);

#endif
