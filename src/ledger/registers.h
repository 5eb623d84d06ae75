#ifndef LEDGER_REGISTERS_H
#define LEDGER_REGISTERS_H
/*
 * The registers of a build: hardware, trainings, security products, deliverables (registers.def
 * names their fields). A row is its number and one text a field; dates are 2026-01-31, absent
 * fields empty. Every change writes an entry into the audit chain in the same transaction
 * ("hardware.put", "hardware.remove"; subject "hardware/12") with the row as its payload. A plant's
 * ledger only; inside ledger_write and ledger_read.
 */
#include "ledger/ledger.h"

enum register_id {
    REGISTER_HARDWARE,
    REGISTER_TRAINING,
    REGISTER_SECURITY, // What guards the factory's computers: products of others.
    REGISTER_DELIVERABLES,
    REGISTER_COUNT
};

enum register_kind {
    FIELD_TEXT,
    FIELD_DATE,   // 2026-01-31
    FIELD_CHOICE, // One of `choices`.
    FIELD_ASSET,  // The id of an asset of the plant.
    FIELD_HOURS,  // A decimal number of 0 to 10,000.
    FIELD_FILE,   // The number of a deliverable.
};

struct register_field {
    const char *name;
    enum register_kind kind;
    uint32_t bytes_max;
    bool needed;
    bool fixed;
    enum msg_id words;
    const char *choices; // "a|b|c", or NULL.
};

enum {
    REGISTER_FIELDS_MAX = 12,
    REGISTER_ROWS_MAX = 5000, // Of one register; refused beyond.
};

struct register_row {
    int64_t number;
    int64_t changed_ns;
    struct str fields[REGISTER_FIELDS_MAX];
};

const char *register_name(enum register_id id); // "hardware", "training", "security", ...
bool register_of_name(struct str name, enum register_id *ret_id);
const struct register_field *register_fields(enum register_id id, uint32_t *ret_count);
/* The place of a field, or -1. */
int register_field_index(enum register_id id, const char *name);

/* Stores all fields of a row; number 0: a new one. ERR_INVALID, ERR_LIMIT with words naming the
 * field; ERR_NOT_FOUND: no such number, or an asset or file that is not there. */
int register_put(struct ledger_tx *tx, enum register_id id, const struct register_row *row,
    struct str actor, int64_t *ret_number, struct err *err);
int register_remove(
    struct ledger_tx *tx, enum register_id id, int64_t number, struct str actor, struct err *err);
/* Strings live in the arena. ERR_NOT_FOUND. */
int register_get(struct ledger_tx *tx, enum register_id id, int64_t number, struct arena *arena,
    struct register_row *ret_row, struct err *err);
/* Rows with numbers above `after`, oldest first. Count. */
int register_list(struct ledger_tx *tx, enum register_id id, int64_t after, struct arena *arena,
    struct register_row *ret_rows, uint32_t max, struct err *err);
/* Whether a deliverable or an attachment still has these bytes. */
int register_bytes_used(struct ledger_tx *tx, struct str sha256, bool *ret_used, struct err *err);

#endif
