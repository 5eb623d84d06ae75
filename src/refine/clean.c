/*
 * Texts as machines and people send them, made equal to what is meant: "ab-1234 " of a scanner,
 * "ＡＢ－１２３４" of a keyboard in Korean mode, a name in decomposed Hangul from another system.
 *
 * Steps run one after the other between two buffers, each in one pass over the text. Upper and
 * lower case are those of ASCII: codes have no other letters, and the case of other scripts depends
 * on the language. Hangul is composed by arithmetic (The Unicode Standard, section 3.12), which
 * covers what other systems deliver of Korean in decomposed form; other scripts stay as they are.
 *
 * A pattern is matched at each place by comparing at most 64 characters, without choices to go back
 * to: 4,096 bytes cost at most 262,144 steps whatever the pattern, unlike regular expressions.
 */
#include "refine/clean.h"

#include <string.h>

#include "core/buf.h"
#include "core/limits.h"

enum {
    HANGUL_S = 0xAC00,
    HANGUL_L = 0x1100,
    HANGUL_V = 0x1161,
    HANGUL_T = 0x11A7, // One before the first.
    HANGUL_L_COUNT = 19,
    HANGUL_V_COUNT = 21,
    HANGUL_T_COUNT = 28,
    HANGUL_S_COUNT = 11172,
    WIDE_BLANK = 0x3000,
    WIDE_FIRST = 0xFF01, // Of '!'.
    WIDE_LAST = 0xFF5E,
};

/* ---- Reading a rule ---- */

static const char *const NAMES[] = {
    [CLEAN_TRIM] = "trim",
    [CLEAN_COLLAPSE] = "collapse",
    [CLEAN_UPPER] = "upper",
    [CLEAN_LOWER] = "lower",
    [CLEAN_DIGITS] = "digits",
    [CLEAN_PRINTABLE] = "printable",
    [CLEAN_HALF] = "half",
    [CLEAN_FULL] = "full",
    [CLEAN_HANGUL] = "hangul",
    [CLEAN_REPLACE] = "replace",
};

static bool read_step(struct str text, struct clean_step *step) {
    struct str rest = text;
    struct str name = str_cut(&rest, ':');
    bool has_arguments = rest.data != NULL;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (!str_eq(name, str_of(NAMES[i]))) {
            continue;
        }
        *step = (struct clean_step){.kind = (enum clean_kind)i, .old = STR_NONE};
        if (i != CLEAN_REPLACE) {
            return !has_arguments;
        }
        step->old = str_cut(&rest, ':');
        bool has_new = rest.data != NULL;
        step->fresh = str_cut(&rest, ':');
        return has_new && step->old.size > 0 && rest.data == NULL;
    }
    return false;
}

int clean_parse(struct str text, struct clean_rule *ret_rule, struct err *err) {
    struct clean_rule rule = {.count = 0};
    struct str rest = text;
    do {
        struct str word = str_cut(&rest, ',');
        if (rule.count == CLEAN_STEPS_MAX || !read_step(word, &rule.steps[rule.count])) {
            return err_set(
                err, ERR_INVALID, MSG_CLEAN_STEP, ARGS(A_STR(word), A_INT(CLEAN_STEPS_MAX)));
        }
        rule.count++;
    } while (rest.data != NULL);
    *ret_rule = rule;
    return 0;
}

/* ---- Characters ---- */

/* The character at `at` and its bytes; a malformed byte is itself. */
static uint32_t take_character(struct str text, size_t at, size_t *ret_size) {
    size_t size = str_utf8_length(text, at);
    const uint8_t *bytes = (const uint8_t *)text.data + at;
    *ret_size = size > 0 ? size : 1;
    switch (size) {
    case 2: return (bytes[0] & 0x1FU) << 6 | (bytes[1] & 0x3FU);
    case 3: return (bytes[0] & 0x0FU) << 12 | (bytes[1] & 0x3FU) << 6 | (bytes[2] & 0x3FU);
    case 4:
        return (bytes[0] & 0x07U) << 18 | (bytes[1] & 0x3FU) << 12 | (bytes[2] & 0x3FU) << 6 |
               (bytes[3] & 0x3FU);
    default: return bytes[0];
    }
}

/* For characters below U+10000; the ones this file makes. */
static void put_character(struct buf *out, uint32_t character) {
    if (character < 0x80) {
        buf_put_char(out, (char)character);
        return;
    }
    if (character >= 0x800) {
        buf_put_char(out, (char)(0xE0 | character >> 12));
        buf_put_char(out, (char)(0x80 | (character >> 6 & 0x3F)));
    } else {
        buf_put_char(out, (char)(0xC0 | character >> 6));
    }
    buf_put_char(out, (char)(0x80 | (character & 0x3F)));
}

static bool is_blank(uint32_t character) {
    return character == ' ' || (character >= '\t' && character <= '\r') || character == 0xA0 ||
           character == WIDE_BLANK;
}

/* ---- Steps ---- */

static struct str trim(struct str text) {
    size_t first = text.size;
    size_t last = 0;
    for (size_t at = 0; at < text.size;) {
        size_t size = 0;
        if (!is_blank(take_character(text, at, &size))) {
            first = first == text.size ? at : first;
            last = at + size;
        }
        at += size;
    }
    return first == text.size ? STR_NONE : str_slice(text, first, last);
}

static void replace(const struct clean_step *step, struct str text, struct buf *out) {
    for (size_t at = 0; at < text.size;) {
        bool fits = text.size - at >= step->old.size &&
                    memcmp(text.data + at, step->old.data, step->old.size) == 0;
        if (fits) {
            buf_put_str(out, step->fresh);
            at += step->old.size;
        } else {
            buf_put_char(out, text.data[at++]);
        }
    }
}

/* A syllable of the jamo or the open syllable `first` and the jamo `second`, or 0. */
static uint32_t compose(uint32_t first, uint32_t second) {
    if (first - HANGUL_L < HANGUL_L_COUNT && second - HANGUL_V < HANGUL_V_COUNT) {
        return HANGUL_S +
               ((first - HANGUL_L) * HANGUL_V_COUNT + second - HANGUL_V) * HANGUL_T_COUNT;
    }
    bool is_open = first - HANGUL_S < HANGUL_S_COUNT && (first - HANGUL_S) % HANGUL_T_COUNT == 0;
    bool is_final = second > HANGUL_T && second - HANGUL_T < HANGUL_T_COUNT;
    return is_open && is_final ? first + second - HANGUL_T : 0;
}

static void compose_hangul(struct str text, struct buf *out) {
    uint32_t held = 0;
    for (size_t at = 0; at < text.size;) {
        size_t size = 0;
        uint32_t character = take_character(text, at, &size);
        uint32_t joined = held != 0 ? compose(held, character) : 0;
        if (held != 0 && joined == 0) {
            put_character(out, held);
        }
        bool may_join =
            character - HANGUL_L < HANGUL_L_COUNT || character - HANGUL_S < HANGUL_S_COUNT;
        held = joined != 0 ? joined : size == 3 && may_join ? character : 0;
        if (held == 0) {
            buf_put(out, text.data + at, size);
        }
        at += size;
    }
    if (held != 0) {
        put_character(out, held);
    }
}

/* One character in, at most one out. `before` is the last that went out. */
static void put_mapped(
    enum clean_kind kind, uint32_t character, struct str bytes, bool *was_blank, struct buf *out) {
    bool blank = is_blank(character);
    bool is_letter_byte = bytes.size == 1;
    if (kind == CLEAN_COLLAPSE) {
        if (!blank) {
            buf_put_str(out, bytes);
        } else if (!*was_blank) {
            buf_put_char(out, ' ');
        }
    } else if (kind == CLEAN_DIGITS) {
        buf_put_str(out, character >= '0' && character <= '9' ? bytes : STR_NONE);
    } else if (kind == CLEAN_PRINTABLE) {
        bool control = character < 0x20 || (character >= 0x7F && character <= 0x9F);
        buf_put_str(out, control ? STR_NONE : bytes);
    } else if (kind == CLEAN_UPPER && is_letter_byte && character >= 'a' && character <= 'z') {
        put_character(out, character - 'a' + 'A');
    } else if (kind == CLEAN_LOWER && is_letter_byte && character >= 'A' && character <= 'Z') {
        put_character(out, character - 'A' + 'a');
    } else if (kind == CLEAN_HALF && character >= WIDE_FIRST && character <= WIDE_LAST) {
        put_character(out, character - WIDE_FIRST + '!');
    } else if (kind == CLEAN_FULL && character >= '!' && character <= '~') {
        put_character(out, character - '!' + WIDE_FIRST);
    } else if ((kind == CLEAN_HALF && character == WIDE_BLANK) ||
               (kind == CLEAN_FULL && character == ' ')) {
        put_character(out, kind == CLEAN_HALF ? ' ' : WIDE_BLANK);
    } else {
        buf_put_str(out, bytes);
    }
    *was_blank = blank;
}

static void run_step(const struct clean_step *step, struct str text, struct buf *out) {
    if (step->kind == CLEAN_TRIM) {
        buf_put_str(out, trim(text));
    } else if (step->kind == CLEAN_REPLACE) {
        replace(step, text, out);
    } else if (step->kind == CLEAN_HANGUL) {
        compose_hangul(text, out);
    } else {
        bool was_blank = false;
        for (size_t at = 0; at < text.size;) {
            size_t size = 0;
            uint32_t character = take_character(text, at, &size);
            put_mapped(step->kind, character, str_slice(text, at, at + size), &was_blank, out);
            at += size;
        }
    }
}

bool clean_apply(const struct clean_rule *rule, struct str text, char *to, struct str *ret_text) {
    char memory[2][LIMIT_TEXT_VALUE_BYTES];
    struct str present = text;
    for (uint32_t i = 0; i < rule->count; i++) {
        /* A buffer over memory that is there already: it cannot grow, so nothing is allocated. */
        struct buf out = {.data = (uint8_t *)memory[i % 2],
            .capacity = LIMIT_TEXT_VALUE_BYTES,
            .max = LIMIT_TEXT_VALUE_BYTES};
        run_step(&rule->steps[i], present, &out);
        if (out.overflow) {
            return false;
        }
        present = buf_str(&out);
    }
    if (present.size > 0) {
        memcpy(to, present.data, present.size);
    }
    *ret_text = str_eq(present, text) ? text : (struct str){to, present.size};
    return true;
}

/* ---- Patterns ---- */

int extract_check(struct str pattern, struct err *err) {
    bool is_escaped = false;
    for (size_t i = 0; i < pattern.size; i++) {
        is_escaped = !is_escaped && pattern.data[i] == '\\';
    }
    if (pattern.size == 0 || pattern.size > CLEAN_PATTERN_MAX || is_escaped) {
        return err_set(
            err, ERR_INVALID, MSG_CLEAN_PATTERN, ARGS(A_STR(pattern), A_INT(CLEAN_PATTERN_MAX)));
    }
    return 0;
}

/* Bytes of the text from `at` on that fit the pattern; 0: they do not. */
static size_t match_at(struct str pattern, struct str text, size_t at) {
    size_t begin = at;
    for (size_t i = 0; i < pattern.size; i++) {
        if (at >= text.size) {
            return 0;
        }
        char wanted = pattern.data[i];
        char c = text.data[at];
        bool fits = false;
        size_t step = 1;
        if (wanted == '#') {
            fits = c >= '0' && c <= '9';
        } else if (wanted == 'A') {
            fits = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        } else if (wanted == '?') {
            step = str_utf8_length(text, at);
            fits = step > 0;
        } else {
            i += wanted == '\\';
            fits = i < pattern.size && c == pattern.data[i];
        }
        if (!fits) {
            return 0;
        }
        at += step;
    }
    return at - begin;
}

bool extract_find(struct str pattern, struct str text, struct str *ret_found) {
    for (size_t at = 0; at < text.size;) {
        size_t size = match_at(pattern, text, at);
        if (size > 0) {
            *ret_found = str_slice(text, at, at + size);
            return true;
        }
        size_t step = str_utf8_length(text, at);
        at += step > 0 ? step : 1;
    }
    return false;
}
