#ifndef REFINE_DEIDENT_H
#define REFINE_DEIDENT_H
/*
 * De-identification: making values that name a person fit to be stored or handed on. One rule, four
 * methods:
 *   pseudonym    a keyed pseudonym: the same value gives the same pseudonym under one key, and
 *                nobody without the key can tell or test which value it was. Texts become
 *                "P-" and 26 letters (130 bits); whole numbers a number of 48 bits.
 *   mask:F[:L]   a text with all but its first F and last L characters replaced by '*'. A text
 *                that would stay whole is masked whole.
 *   group:W[:K]  a number as the lower edge of its band of width W. With K, a group of fewer than
 *                K values of one table must not be shown (deident_groups); not for live data.
 *   drop         the value is left out.
 * Pure; any thread. Keys come from the plant (plant_deident_key), the hash from the ledger's
 * libsodium through `deident_hash`, so that this room needs no library.
 */
#include <stdint.h>

#include "core/err.h"
#include "model/sample.h"

enum deident_method { DEIDENT_NONE, DEIDENT_PSEUDONYM, DEIDENT_MASK, DEIDENT_GROUP, DEIDENT_DROP };

struct deident_rule {
    enum deident_method method;
    uint32_t keep_first; // Mask; characters.
    uint32_t keep_last;
    double width; // Group.
    uint32_t k;   // Group; 0: no least size.
};

enum { DEIDENT_KEY_BYTES = 32, DEIDENT_HASH_BYTES = 16, PSEUDONYM_TEXT_MAX = 32 };

/* Hash of a value under a key; 16 bytes. */
typedef void (*deident_hash)(
    const uint8_t key[DEIDENT_KEY_BYTES], struct str value, uint8_t ret_hash[DEIDENT_HASH_BYTES]);

struct deident_key {
    uint8_t bytes[DEIDENT_KEY_BYTES];
    deident_hash hash; // NULL: there is no key; pseudonyms are refused.
};

/* "pseudonym", "mask:2", "mask:0:4", "group:10", "group:10:5", "drop". ERR_INVALID with words. */
int deident_parse(struct str text, struct deident_rule *ret_rule, struct err *err);
/* Whether the rule suits values of the type: pseudonym: text, i64; mask: text; group: f64, i64 (W
 * whole then). ERR_INVALID with words. */
int deident_check(const struct deident_rule *rule, enum value_type type, struct err *err);
/* As it is written; `to` needs 64 bytes. */
struct str deident_text(const struct deident_rule *rule, char to[64]);

enum deident_result {
    DEIDENT_KEPT,    // No rule, or nothing to hide: *value is as it was.
    DEIDENT_CHANGED, // *value is the new value.
    DEIDENT_DROPPED, // There is no value to give; *value is 0, NaN or an empty text.
};

struct deident_value {
    enum value_type type;
    double f64;
    int64_t i64; // Also bool.
    struct str text;
};

/* Applies a rule. A new text stands in `to`, which needs LIMIT_TEXT_VALUE_BYTES. What a rule cannot
 * be applied to (wrong type, NaN, no key) is dropped, never passed through. */
enum deident_result deident_apply(const struct deident_rule *rule, const struct deident_key *key,
    struct deident_value *value, char *to);

/* k-anonymity of a column that was grouped: clears `shown` of rows whose value stands fewer than
 * rule->k times among the shown ones. NaN values are never shown. Returns how many it cleared. */
uint32_t deident_groups(
    const struct deident_rule *rule, const double *values, uint32_t count, bool *shown);

#endif
