#ifndef LEDGER_INDICATORS_H
#define LEDGER_INDICATORS_H
/*
 * Performance indicators of a plant: their definitions with every revision, and a value a month.
 * Definitions and typed values go into the audit chain in the same transaction ("indicator.put",
 * "indicator.remove", "indicator.value"), and so does the closing of a computed month
 * ("indicator.close", with its derivation); subject "indicator/12". A plant's ledger only; inside
 * ledger_write and ledger_read.
 */
#include "ledger/ledger.h"

enum {
    INDICATOR_ROWS_MAX = 500,  // In use at once; refused beyond.
    INDICATOR_MONTH_BYTES = 8, // "2026-11" and NUL.
    INDICATOR_NAME_MAX = 256,
    INDICATOR_UNIT_MAX = 32,
    INDICATOR_FORMULA_MAX = 1024,
    INDICATOR_SOURCE_MAX = 512,
    INDICATOR_NOTE_MAX = 1024,
};
#define INDICATOR_EFFECTS "productivity|quality|cost|delivery|sales|employment|safety"

struct indicator {
    int64_t number;
    int64_t revision; // From 1.
    int64_t changed_ns;
    struct str actor;
    struct str effect; // One of INDICATOR_EFFECTS.
    struct str name;
    struct str unit;
    bool lower_is_better;
    double weight;            // 0 to 1000, of the mean of all.
    double baseline;          // Before the build; NaN: not known.
    struct str baseline_from; // Dates, or empty.
    struct str baseline_to;
    struct str baseline_source;
    double target; // NaN: none.
    struct str target_date;
    struct str formula; // Empty: values are typed.
    struct str since;   // "2026-01": the first month that is computed.
    struct str note;
};

struct indicator_value {
    int64_t number;
    struct str month; // "2026-11"
    int64_t revision;
    double value; // NaN: none.
    bool closed;
    struct str derivation; // JSON; empty: typed.
    struct str source;
    struct str file;
    struct str actor;
    int64_t entered_ns;
};

/* Whether it is a month from 1970-01 to 9999-12. */
bool indicator_month_is(struct str month);
/* Stores a new one (number 0) or a new revision. ERR_INVALID, ERR_LIMIT, ERR_NOT_FOUND in words
 * that name the member; the formula's own check is plant/indicator.h. */
int indicator_put(struct ledger_tx *tx, const struct indicator *indicator, struct str actor,
    int64_t *ret_number, struct err *err);
/* Takes it out of use; definitions and values stay in the ledger. ERR_NOT_FOUND. */
int indicator_remove(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err);
/* The newest revision. Strings live in the arena. ERR_NOT_FOUND: none, or removed. */
int indicator_get(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct indicator *ret_indicator, struct err *err);
/* All in use, by number. Count. */
int indicator_list(struct ledger_tx *tx, struct arena *arena, struct indicator *ret_rows,
    uint32_t max, struct err *err);
/* Every revision of one, newest first. Count. */
int indicator_revisions(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct indicator *ret_rows, uint32_t max, struct err *err);

/* A value that somebody typed; NaN takes it away. ERR_CONFLICT: the indicator is computed, or the
 * program closed that month; ERR_NOT_FOUND: no such indicator or file. */
int indicator_value_type(
    struct ledger_tx *tx, const struct indicator_value *value, struct err *err);
/* A value that was computed. 1: stored; 0: the definition has changed meanwhile, or the month is
 * typed or closed. */
int indicator_value_store(
    struct ledger_tx *tx, const struct indicator_value *value, struct err *err);
/* The newest months first. Count. */
int indicator_values(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct indicator_value *ret_rows, uint32_t max, struct err *err);
/* 1 and the value of a month, or 0. Without its texts. */
int indicator_value_get(struct ledger_tx *tx, int64_t number, struct str month,
    struct indicator_value *ret_value, struct err *err);

#endif
