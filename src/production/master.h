#ifndef PRODUCTION_MASTER_H
#define PRODUCTION_MASTER_H
/*
 * Master data of production: items, bills of material, routings, machines, people, ... (nouns.def).
 * A row is its number and one text a field, in the words in which people write them: codes instead
 * of numbers, decimals, "08:00". Stored typed: quantities and won as whole millionths (columns _u),
 * lengths of time in nanoseconds (columns _ns), other rows by their number. Every change writes an
 * entry into the audit chain in the same transaction ("items.put", "items.remove"; subject
 * "items/12", payload the row as JSON). Rows that something refers to are not removed (ERR_CONFLICT
 * says by what) but made inactive. A plant's ledger only; inside ledger_write and ledger_read.
 */
#include "ledger/ledger.h"

enum noun_id {
#define NOUN(id, name, keys, words) NOUN_##id,
#define FIELD(noun, name, kind, need, preset, words, more)
#include "production/nouns.def"
#undef NOUN
#undef FIELD
    NOUN_COUNT
};

enum field_kind {
    FIELD_KIND_CODE, // 1 to 64 bytes of UTF-8 (NFC), no control characters, no blanks at its ends.
    FIELD_KIND_TEXT, // At most 256 bytes.
    FIELD_KIND_NOTE, // At most 1,024 bytes; may have lines.
    FIELD_KIND_CHOICE,   // One of `more`; its words in either language are taken, too.
    FIELD_KIND_FLAG,     // 1 0 true false yes no Y N 예 아니오
    FIELD_KIND_QUANTITY, // 0 to 9,000,000,000,000 with at most six decimals; column _u.
    FIELD_KIND_MONEY,    // Won; the same range; column _u.
    FIELD_KIND_SECONDS,  // 0 to 31,536,000 with at most nine decimals; column _ns.
    FIELD_KIND_COUNT,    // A whole number, 0 to 2^53.
    FIELD_KIND_NUMBER,   // Any finite number.
    FIELD_KIND_DATE,     // 2026-01-31
    FIELD_KIND_CLOCK,    // 08:00, up to 24:00.
    FIELD_KIND_BREAKS,   // 12:00-13:00 15:00-15:10, at most 16, in order, inside their shift.
    FIELD_KIND_WEEKDAYS, // Digits of 1 (Monday) to 7, each once, rising.
    FIELD_KIND_REF,      // The code of a row of the noun `more`; of machines, their asset's id.
    FIELD_KIND_ASSET,    // The id of an asset.
    FIELD_KIND_TAG,      // The name of a tag.
    FIELD_KIND_BUSINESS, // 10 digits with their check digit (National Tax Service); kept with
                         // hyphens.
    FIELD_KIND_GTIN,     // 8, 12, 13 or 14 digits with their check digit (GS1 General
                         // Specifications 7.9).
};

enum field_need {
    FIELD_KEY,
    FIELD_KEY_FREE, // Of the key, and may be empty.
    FIELD_NEEDED,
    FIELD_FREE
};

struct field {
    const char *name;
    enum field_kind kind;
    enum field_need need;
    const char *preset; // What an empty one becomes.
    enum msg_id words;
    const char *more;
};

enum { NOUN_FIELDS_MAX = 24, NOUN_ROWS_MAX = 200000 };

const char *noun_name(enum noun_id noun);
bool noun_of_name(struct str name, enum noun_id *ret_noun);
enum msg_id noun_words(enum noun_id noun);
/* The field at an index of the noun's order; NULL behind the last. */
const struct field *noun_field(enum noun_id noun, uint32_t index);
uint32_t noun_field_count(enum noun_id noun);
uint32_t noun_key_count(enum noun_id noun); // The first so many fields are its key.
/* The field with this name, or called so in either language; -1: none. */
int noun_field_of_name(enum noun_id noun, struct str name);
/* What a choice is called; MSG_NONE: it is none. */
enum msg_id choice_words(struct str choice);
/* Shown to those alone who may change master data: what a badge says, what somebody earns. */
bool field_is_personal(const struct field *field);

struct master_row {
    int64_t number;
    int64_t changed_ns;
    struct str fields[NOUN_FIELDS_MAX];
};

/* Checks and stores all fields of a row; the row with the same key is changed, number 0: found by
 * its key or new; another number: that row, its key may change. *ret_changed false: it stood so
 * already, and nothing was written. Errors name the field: ERR_INVALID, ERR_LIMIT, ERR_NOT_FOUND (a
 * code nobody knows), ERR_EXISTS. */
/* Of what stands alone: master_save asks for the rest. */
int master_put(struct ledger_tx *tx, enum noun_id noun, const struct master_row *row,
    struct str actor, int64_t *ret_number, bool *ret_changed, struct err *err);
/* As a form does it: master_put, the validity of the row's version on its other lines, and
 * master_check. */
int master_save(struct ledger_tx *tx, enum noun_id noun, const struct master_row *row,
    struct str actor, int64_t *ret_number, bool *ret_changed, struct err *err);
/* The number of the row with the same key, 0: there is none. Errors name the field of the key. */
int master_find_row(struct ledger_tx *tx, enum noun_id noun, const struct master_row *row,
    int64_t *ret_number, struct err *err);
/* The field that an error of the above names, or NULL. */
const struct field *master_fault_field(enum noun_id noun, const struct err *err);
int master_remove(
    struct ledger_tx *tx, enum noun_id noun, int64_t number, struct str actor, struct err *err);
/* Texts live in the arena. ERR_NOT_FOUND. */
int master_get(struct ledger_tx *tx, enum noun_id noun, int64_t number, struct arena *arena,
    struct master_row *ret_row, struct err *err);
/* Number of the row with this code (the first key; of machines the asset's id); ERR_NOT_FOUND with
 * words that name noun and code. */
int master_find(
    struct ledger_tx *tx, enum noun_id noun, struct str code, int64_t *ret_number, struct err *err);
struct master_query {
    int64_t after;     // Rows with numbers above.
    struct str search; // In any text field, also by initial consonants; empty: all.
    bool only_active;
};
/* In order of their numbers. Count. */
int master_list(struct ledger_tx *tx, enum noun_id noun, const struct master_query *query,
    struct arena *arena, struct master_row *ret_rows, uint32_t max, struct err *err);

/* What holds over several rows, asked once behind a change of many, in the same transaction: bills
 * of material without cycles (the sentence shows the way round), one validity per version and none
 * that overlap, shifts that do not overlap, parents without cycles. */
int master_check(struct ledger_tx *tx, enum noun_id noun, struct err *err);

#endif
