/*
 * Reading a line of refine rules.
 *
 * The syntax is that of device options: name=value pairs between blanks, a value with blanks in
 * "..." or '...'. A quote of the other kind may stand inside; there is no escape, so what a person
 * reads is what is meant. Everything that is not understood is refused with the words that would be
 * right: a rule silently ignored is a check that somebody believes in and that does not happen.
 *
 * The table has under fifty rows and a line under ten rules, so names are found by looking through
 * it; a line takes about a microsecond and is read at import, at PUT and when a catalogue is
 * published, never per sample.
 */
#include "refine/rules.h"

#include <math.h>

#include "core/buf.h"
#include "core/limits.h"
#include "model/tag.h"
#include "refine/refine.h"

enum rule_kind { RULE_IS_NUMBER, RULE_IS_WHOLE, RULE_IS_TEXT, RULE_IS_TAG };

static const enum rule_kind KINDS[RULE_COUNT] = {
#define RULE(id, name, kind, min, max, en, ko) [RULE_##id] = RULE_IS_##kind,
#include "refine/rules.def"
#undef RULE
};

static const struct refine_rule RULES[RULE_COUNT] = {
#define RULE(id, name, kind, min, max, en, ko)                                                     \
    [RULE_##id] = {(name), #kind, (min), (max), {(ko), (en)}},
#include "refine/rules.def"
#undef RULE
};
_Static_assert(LANG_KO == 0 && LANG_EN == 1, "the words above are indexed by language");

const struct refine_rule *refine_rule(uint32_t index) {
    return index < RULE_COUNT ? &RULES[index] : NULL;
}

const char *rule_name(enum rule rule) {
    return RULES[rule].name;
}

static int find_rule(struct str name) {
    for (int i = 0; i < RULE_COUNT; i++) {
        if (str_eq(name, str_of(RULES[i].name))) {
            return i;
        }
    }
    return -1;
}

static int unknown(struct str name, struct err *err) {
    AUTO_BUF struct buf names;
    buf_init(&names, 1024);
    for (int i = 0; i < RULE_COUNT; i++) {
        buf_put_str(&names, i > 0 ? STR(" ") : STR_NONE);
        buf_put_str(&names, str_of(RULES[i].name));
    }
    return err_set(
        err, ERR_INVALID, MSG_REFINE_RULE_UNKNOWN, ARGS(A_STR(name), A_STR(buf_str(&names))));
}

/* Cuts one value off the front of *rest: quoted, or up to the next blank. */
static int cut_value(struct str *rest, struct str name, struct str *ret_value, struct err *err) {
    char quote = rest->size > 0 ? rest->data[0] : '\0';
    if (quote != '"' && quote != '\'') {
        size_t end = 0;
        while (end < rest->size && rest->data[end] != ' ' && rest->data[end] != '\t') {
            end++;
        }
        *ret_value = str_slice(*rest, 0, end);
        *rest = str_slice(*rest, end, rest->size);
        return 0;
    }
    struct str inner = str_slice(*rest, 1, rest->size);
    size_t end = str_find(inner, quote);
    bool ends_well =
        end + 1 == inner.size ||
        (end < inner.size && (inner.data[end + 1] == ' ' || inner.data[end + 1] == '\t'));
    if (end == inner.size || !ends_well) {
        return err_set(err, ERR_INVALID, MSG_REFINE_RULE_QUOTE, ARGS(A_STR(name)));
    }
    *ret_value = str_slice(inner, 0, end);
    *rest = str_slice(inner, end + 1, inner.size);
    return 0;
}

static int take_number(int rule, struct str value, double *ret_number, struct err *err) {
    double number = 0;
    bool good = str_to_f64(value, &number) && isfinite(number) && number >= RULES[rule].min &&
                number <= RULES[rule].max;
    bool whole = KINDS[rule] == RULE_IS_WHOLE;
    if (!good || (whole && rint(number) != number)) {
        return err_set(err, ERR_INVALID, whole ? MSG_REFINE_RULE_WHOLE : MSG_REFINE_RULE_NUMBER,
            ARGS(A_CSTR(RULES[rule].name), A_REAL(RULES[rule].min), A_REAL(RULES[rule].max),
                A_STR(value)));
    }
    *ret_number = number;
    return 0;
}

static int take_value(struct rule_line *line, int rule, struct str value, struct err *err) {
    line->texts[rule] = value;
    line->numbers[rule] = (double)NAN;
    if (KINDS[rule] == RULE_IS_NUMBER || KINDS[rule] == RULE_IS_WHOLE) {
        return take_number(rule, value, &line->numbers[rule], err);
    }
    if (KINDS[rule] == RULE_IS_TAG) {
        int status = tag_name_check(value, err);
        if (status < 0) {
            (void)err_context(err, MSG_REFINE_RULE, ARGS(A_CSTR(RULES[rule].name)));
        }
        return status;
    }
    if ((double)value.size < RULES[rule].min || (double)value.size > RULES[rule].max) {
        return err_set(err, ERR_INVALID, MSG_REFINE_RULE_TEXT,
            ARGS(A_CSTR(RULES[rule].name), A_REAL(RULES[rule].min), A_REAL(RULES[rule].max)));
    }
    return 0;
}

int rules_parse(struct str text, struct rule_line *ret_line, struct err *err) {
    struct rule_line line = {.seen = 0};
    if (text.size > LIMIT_REFINE_BYTES) {
        return err_set(err, ERR_LIMIT, MSG_REFINE_LINE_LONG, ARGS(A_INT(LIMIT_REFINE_BYTES)));
    }
    struct str rest = str_trim(text);
    while (rest.size > 0) {
        size_t equal = str_find(rest, '=');
        struct str name = str_slice(rest, 0, equal);
        if (equal == 0 || equal == rest.size || str_find(name, ' ') < name.size) {
            return err_set(err, ERR_INVALID, MSG_REFINE_RULE_FORM,
                ARGS(A_STR(str_slice(rest, 0, str_find(rest, ' ')))));
        }
        int rule = find_rule(name);
        if (rule < 0) {
            return unknown(name, err);
        }
        if (rule_is_set(&line, (enum rule)rule)) {
            return err_set(err, ERR_INVALID, MSG_REFINE_RULE_TWICE, ARGS(A_STR(name)));
        }
        rest = str_slice(rest, equal + 1, rest.size);
        struct str value = STR_NONE;
        int status = cut_value(&rest, name, &value, err);
        status = status < 0 ? status : take_value(&line, rule, value, err);
        if (status < 0) {
            return status;
        }
        line.seen |= 1ULL << rule;
        rest = str_trim(rest);
    }
    *ret_line = line;
    return 0;
}

bool rule_is_set(const struct rule_line *line, enum rule rule) {
    return (line->seen >> rule & 1) != 0;
}

double rule_number(const struct rule_line *line, enum rule rule, double fallback) {
    return rule_is_set(line, rule) ? line->numbers[rule] : fallback;
}

int rule_needs(const struct rule_line *line, enum rule rule, enum rule needed, struct err *err) {
    if (!rule_is_set(line, rule) || rule_is_set(line, needed)) {
        return 0;
    }
    return err_set(err, ERR_INVALID, MSG_REFINE_RULE_NEEDS,
        ARGS(A_CSTR(rule_name(rule)), A_CSTR(rule_name(needed))));
}

int rule_excludes(const struct rule_line *line, enum rule rule, enum rule other, struct err *err) {
    if (!rule_is_set(line, rule) || !rule_is_set(line, other)) {
        return 0;
    }
    return err_set(err, ERR_INVALID, MSG_REFINE_RULE_EXCLUDES,
        ARGS(A_CSTR(rule_name(rule)), A_CSTR(rule_name(other))));
}
