/*
 * The four methods of de-identification.
 *
 * A plain hash of a name is no protection: a plant has two hundred workers and hashing two hundred
 * names takes a microsecond each. So pseudonyms are keyed (BLAKE2b with a key, RFC 7693 section
 * 2.9), the key never leaves the plant, and each recipient's key is another, so that two recipients
 * cannot put their tables together. The text form is base32 in lower case (RFC 4648 section 6
 * without padding): it survives people, file names and case-blind databases.
 *
 * Whole numbers become 48 bits: exact in JSON and in doubles, and two of 10,000 numbers meet with a
 * probability of 2 in ten million.
 *
 * Everything errs towards hiding: what a rule does not fit is dropped.
 */
#include "refine/deident.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"

enum { PSEUDONYM_LETTERS = 26, KEEP_MAX = 4096, K_MAX = 1000000 };

static int bad_rule(struct str text, struct err *err) {
    return err_set(err, ERR_INVALID, MSG_DEIDENT_RULE, ARGS(A_STR(text)));
}

/* A whole number from `min` to `max`. */
static bool read_count(struct str text, uint64_t min, uint64_t max, uint32_t *ret_count) {
    uint64_t value = 0;
    if (!str_to_u64(text, &value) || value < min || value > max) {
        return false;
    }
    *ret_count = (uint32_t)value;
    return true;
}

int deident_parse(struct str text, struct deident_rule *ret_rule, struct err *err) {
    struct deident_rule rule = {0};
    struct str rest = text;
    struct str name = str_cut(&rest, ':');
    bool has_first = rest.data != NULL;
    struct str first = str_cut(&rest, ':');
    bool has_second = rest.data != NULL;
    struct str second = str_cut(&rest, ':');
    if (rest.data != NULL) {
        return bad_rule(text, err);
    }
    bool fits = false;
    if (str_eq(name, STR("pseudonym")) || str_eq(name, STR("drop"))) {
        rule.method = name.data[0] == 'p' ? DEIDENT_PSEUDONYM : DEIDENT_DROP;
        fits = !has_first;
    } else if (str_eq(name, STR("mask"))) {
        rule.method = DEIDENT_MASK;
        fits = has_first && read_count(first, 0, KEEP_MAX, &rule.keep_first) &&
               (!has_second || read_count(second, 0, KEEP_MAX, &rule.keep_last));
    } else if (str_eq(name, STR("group"))) {
        rule.method = DEIDENT_GROUP;
        fits = has_first && str_to_f64(first, &rule.width) && isfinite(rule.width) &&
               rule.width > 0 && (!has_second || read_count(second, 1, K_MAX, &rule.k));
    }
    if (!fits) {
        return bad_rule(text, err);
    }
    *ret_rule = rule;
    return 0;
}

int deident_check(const struct deident_rule *rule, enum value_type type, struct err *err) {
    bool fits = true;
    switch (rule->method) {
    case DEIDENT_PSEUDONYM: fits = type == TYPE_TEXT || type == TYPE_I64; break;
    case DEIDENT_MASK: fits = type == TYPE_TEXT; break;
    case DEIDENT_GROUP:
        fits = type == TYPE_F64 || (type == TYPE_I64 && rint(rule->width) == rule->width &&
                                       rule->width <= 9007199254740992.0);
        break;
    case DEIDENT_NONE:
    case DEIDENT_DROP: break;
    }
    if (!fits) {
        char text[64];
        return err_set(err, ERR_INVALID, MSG_DEIDENT_TYPE,
            ARGS(A_STR(deident_text(rule, text)), A_CSTR(value_type_name(type))));
    }
    return 0;
}

struct str deident_text(const struct deident_rule *rule, char to[64]) {
    AUTO_BUF struct buf text;
    buf_init(&text, 63);
    switch (rule->method) {
    case DEIDENT_NONE: buf_put_str(&text, STR("none")); break;
    case DEIDENT_PSEUDONYM: buf_put_str(&text, STR("pseudonym")); break;
    case DEIDENT_DROP: buf_put_str(&text, STR("drop")); break;
    case DEIDENT_MASK:
        buf_printf(&text, "mask:%u", rule->keep_first);
        if (rule->keep_last > 0) {
            buf_printf(&text, ":%u", rule->keep_last);
        }
        break;
    case DEIDENT_GROUP:
        buf_put_str(&text, STR("group:"));
        buf_put_f64(&text, rule->width);
        if (rule->k > 0) {
            buf_printf(&text, ":%u", rule->k);
        }
        break;
    }
    return (struct str){to, str_copy_z(buf_str(&text), to, 64)};
}

/* ---- Applying ---- */

static enum deident_result drop(struct deident_value *value) {
    value->f64 = (double)NAN;
    value->i64 = 0;
    value->text = STR_NONE;
    return DEIDENT_DROPPED;
}

static void put_base32(const uint8_t hash[DEIDENT_HASH_BYTES], char *to) {
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t bits = 0;
    uint32_t bit_count = 0;
    size_t next = 0;
    for (size_t i = 0; i < PSEUDONYM_LETTERS; i++) {
        while (bit_count < 5) {
            bits = (bits << 8) | (next < DEIDENT_HASH_BYTES ? hash[next] : 0U);
            next++;
            bit_count += 8;
        }
        bit_count -= 5;
        to[i] = LETTERS[(bits >> bit_count) & 31U];
    }
}

static enum deident_result pseudonym(
    const struct deident_key *key, struct deident_value *value, char *to) {
    if (key == NULL || key->hash == NULL) {
        return drop(value);
    }
    uint8_t hash[DEIDENT_HASH_BYTES];
    if (value->type == TYPE_TEXT) {
        if (value->text.size == 0) {
            return DEIDENT_KEPT; // Nobody: nothing to hide.
        }
        key->hash(key->bytes, value->text, hash);
        to[0] = 'P';
        to[1] = '-';
        put_base32(hash, to + 2);
        value->text = (struct str){to, 2 + PSEUDONYM_LETTERS};
        return DEIDENT_CHANGED;
    }
    if (value->type != TYPE_I64) {
        return drop(value);
    }
    char digits[24];
    size_t size = i64_to_text(value->i64, digits);
    key->hash(key->bytes, (struct str){digits, size}, hash);
    uint64_t number = 0;
    for (int i = 0; i < 6; i++) {
        number = number << 8 | hash[i];
    }
    value->i64 = (int64_t)number;
    return DEIDENT_CHANGED;
}

static size_t count_characters(struct str text) {
    size_t count = 0;
    for (size_t at = 0; at < text.size; count++) {
        size_t step = str_utf8_length(text, at);
        at += step > 0 ? step : 1;
    }
    return count;
}

static enum deident_result mask(
    const struct deident_rule *rule, struct deident_value *value, char *to) {
    if (value->type != TYPE_TEXT) {
        return drop(value);
    }
    size_t count = count_characters(value->text);
    bool is_short = (size_t)rule->keep_first + rule->keep_last >= count;
    size_t first = is_short ? 0 : rule->keep_first;
    size_t last = is_short ? count : count - rule->keep_last;
    size_t size = 0;
    size_t index = 0;
    for (size_t at = 0; at < value->text.size; index++) {
        size_t step = str_utf8_length(value->text, at);
        step = step > 0 ? step : 1;
        if (index >= first && index < last) {
            to[size++] = '*';
        } else {
            memcpy(to + size, value->text.data + at, step);
            size += step;
        }
        at += step;
    }
    value->text = (struct str){to, size};
    return count > 0 ? DEIDENT_CHANGED : DEIDENT_KEPT;
}

static enum deident_result group(const struct deident_rule *rule, struct deident_value *value) {
    if (value->type == TYPE_F64 && isfinite(value->f64)) {
        value->f64 = floor(value->f64 / rule->width) * rule->width;
        return isfinite(value->f64) ? DEIDENT_CHANGED : drop(value);
    }
    if (value->type == TYPE_I64 && rule->width >= 1 && rule->width <= 9007199254740992.0) {
        int64_t width = (int64_t)rule->width;
        int64_t over = value->i64 % width;
        over = over < 0 ? over + width : over;
        if (value->i64 < INT64_MIN + over) {
            return drop(value);
        }
        value->i64 -= over;
        return DEIDENT_CHANGED;
    }
    return drop(value);
}

enum deident_result deident_apply(const struct deident_rule *rule, const struct deident_key *key,
    struct deident_value *value, char *to) {
    switch (rule->method) {
    case DEIDENT_NONE: return DEIDENT_KEPT;
    case DEIDENT_PSEUDONYM: return pseudonym(key, value, to);
    case DEIDENT_MASK: return mask(rule, value, to);
    case DEIDENT_GROUP: return group(rule, value);
    case DEIDENT_DROP: break;
    }
    return drop(value);
}

/* ---- Groups of at least k ---- */

struct member {
    double value;
    uint32_t index;
};

static int compare_members(const void *a, const void *b) {
    const struct member *x = a;
    const struct member *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

uint32_t deident_groups(
    const struct deident_rule *rule, const double *values, uint32_t count, bool *shown) {
    AUTO_FREE struct member *members = MEM_ARRAY(struct member, count > 0 ? count : 1);
    uint32_t member_count = 0;
    uint32_t cleared = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (shown[i] && isnan(values[i])) {
            shown[i] = false;
            cleared++;
        } else if (shown[i]) {
            members[member_count++] = (struct member){values[i], i};
        }
    }
    qsort(members, member_count, sizeof *members, compare_members);
    for (uint32_t begin = 0; begin < member_count;) {
        uint32_t end = begin;
        while (end < member_count && compare_members(&members[begin], &members[end]) == 0) {
            end++;
        }
        for (uint32_t i = begin; end - begin < rule->k && i < end; i++) {
            shown[members[i].index] = false;
            cleared++;
        }
        begin = end;
    }
    return cleared;
}
