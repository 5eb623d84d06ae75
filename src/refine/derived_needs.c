/*
 * Which tags an expression asks for, found by reading it, not by running it: a run takes one branch
 * only. Therefore the name of a tag stands in the expression as it is, tag("a.b"), and so does the
 * size of a window; a name that is put together at run time is refused there.
 *
 * The reader knows just enough of Lua's tokens (reference manual, section 3.1) not to be fooled by
 * comments and texts: it looks for one of our functions, an opening bracket and a quoted name.
 */
#include <math.h>

#include "core/clock.h"
#include "refine/derived.h"

struct reader {
    struct str text;
    size_t at;
};

enum token { TOKEN_END, TOKEN_WORD, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_OTHER };

static char look(const struct reader *reader, size_t ahead) {
    size_t at = reader->at + ahead;
    return at < reader->text.size ? reader->text.data[at] : '\0';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The level of a long bracket that begins at `ahead`, or -1. */
static int long_bracket(const struct reader *reader, size_t ahead) {
    if (look(reader, ahead) != '[') {
        return -1;
    }
    size_t equals = 0;
    while (look(reader, ahead + 1 + equals) == '=') {
        equals++;
    }
    return look(reader, ahead + 1 + equals) == '[' ? (int)equals : -1;
}

/* Moves behind the long bracket of this level that begins at `ahead`. */
static void skip_long(struct reader *reader, size_t ahead, int level) {
    reader->at += ahead + 2 + (size_t)level;
    for (; reader->at < reader->text.size; reader->at++) {
        size_t equals = 0;
        while (look(reader, 0) == ']' && look(reader, 1 + equals) == '=') {
            equals++;
        }
        bool ends = look(reader, 0) == ']' && look(reader, 1 + equals) == ']';
        if (ends && equals == (size_t)level) {
            reader->at += 2 + equals;
            return;
        }
    }
}

static void skip_blanks(struct reader *reader) {
    while (reader->at < reader->text.size) {
        char c = look(reader, 0);
        if (c == '-' && look(reader, 1) == '-') {
            int level = long_bracket(reader, 2);
            if (level >= 0) {
                skip_long(reader, 2, level);
                continue;
            }
            while (reader->at < reader->text.size && look(reader, 0) != '\n') {
                reader->at++;
            }
        } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
            reader->at++;
        } else {
            return;
        }
    }
}

/* A quoted text without escapes; one with them is no name and comes out empty. */
static enum token quoted(struct reader *reader, struct str *ret_text) {
    char quote = look(reader, 0);
    size_t begin = ++reader->at;
    bool has_escape = false;
    while (reader->at < reader->text.size && look(reader, 0) != quote) {
        bool is_escape = look(reader, 0) == '\\';
        has_escape = has_escape || is_escape;
        reader->at += is_escape ? 2 : 1;
    }
    size_t end = reader->at < reader->text.size ? reader->at : reader->text.size;
    reader->at = end + 1;
    *ret_text = has_escape ? STR_NONE : str_slice(reader->text, begin, end);
    return TOKEN_TEXT;
}

static enum token next(struct reader *reader, struct str *ret_text) {
    skip_blanks(reader);
    if (reader->at >= reader->text.size) {
        return TOKEN_END;
    }
    char c = look(reader, 0);
    size_t begin = reader->at;
    if (c == '"' || c == '\'') {
        return quoted(reader, ret_text);
    }
    int level = long_bracket(reader, 0);
    if (level >= 0) {
        skip_long(reader, 0, level);
        *ret_text = STR_NONE;
        return TOKEN_OTHER;
    }
    bool is_number = is_digit(c) || (c == '.' && is_digit(look(reader, 1)));
    reader->at++;
    while (is_letter(c) || is_number) {
        char more = look(reader, 0);
        if (!is_letter(more) && !is_digit(more) && !(is_number && more == '.')) {
            break;
        }
        reader->at++;
    }
    *ret_text = str_slice(reader->text, begin, reader->at);
    return is_number ? TOKEN_NUMBER : is_letter(c) ? TOKEN_WORD : TOKEN_OTHER;
}

static bool is_char(enum token token, struct str text, char c) {
    return token == TOKEN_OTHER && text.size == 1 && text.data[0] == c;
}

enum wants { WANTS_NOTHING, WANTS_NAME, WANTS_WINDOW };

static enum wants wants_of(struct str word) {
    static const char *const NAMES[] = {"tag", "previous", "delta", "good", "age"};
    static const char *const WINDOWS[] = {"sum", "avg", "min", "max"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (str_eq(word, str_of(NAMES[i]))) {
            return WANTS_NAME;
        }
    }
    for (size_t i = 0; i < sizeof WINDOWS / sizeof WINDOWS[0]; i++) {
        if (str_eq(word, str_of(WINDOWS[i]))) {
            return WANTS_WINDOW;
        }
    }
    return WANTS_NOTHING;
}

/* `, SIZE [, "rows"]` behind a window's name. */
static int read_window(struct reader *reader, struct derived_need *need, struct err *err) {
    struct str text = STR_NONE;
    double size = 0;
    bool fits = is_char(next(reader, &text), text, ',') && next(reader, &text) == TOKEN_NUMBER &&
                str_to_f64(text, &size);
    struct reader ahead = *reader;
    bool by_rows = is_char(next(&ahead, &text), text, ',');
    if (fits && by_rows) {
        fits = next(&ahead, &text) == TOKEN_TEXT && str_eq(text, STR("rows")) && size >= 1 &&
               size <= DERIVED_ROWS_MAX && rint(size) == size;
        need->rows = fits && size > (double)need->rows ? (uint32_t)size : need->rows;
    } else if (fits) {
        fits = size > 0 && size <= DERIVED_SPAN_MAX_S;
        need->span_ns = fits ? (int64_t)(size * (double)NS_PER_S) : 0;
    }
    return fits ? 0
                : err_set(err, ERR_INVALID, MSG_DERIVED_WINDOW,
                      ARGS(A_STR(need->name), A_INT(DERIVED_SPAN_MAX_S), A_INT(DERIVED_ROWS_MAX)));
}

static int add_need(
    struct derived_need *needs, int *count, const struct derived_need *need, struct err *err) {
    for (int i = 0; i < *count; i++) {
        if (str_eq(needs[i].name, need->name)) {
            needs[i].rows = need->rows > needs[i].rows ? need->rows : needs[i].rows;
            needs[i].span_ns = need->span_ns > needs[i].span_ns ? need->span_ns : needs[i].span_ns;
            return 0;
        }
    }
    if (*count == DERIVED_NEEDS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_DERIVED_MANY, ARGS(A_INT(DERIVED_NEEDS_MAX)));
    }
    needs[(*count)++] = *need;
    return 0;
}

bool derived_is(const struct tag *tag) {
    return tag->device.size == 0 && str_starts(str_trim(tag->source), STR("="));
}

int derived_needs(
    struct str source, struct derived_need ret_needs[DERIVED_NEEDS_MAX], struct err *err) {
    struct reader reader = {.text = str_trim(source), .at = 1}; // Behind the '='.
    struct str text = STR_NONE;
    enum wants wants = WANTS_NOTHING;
    bool is_member = false;
    int count = 0;
    int status = 0;
    for (enum token token = next(&reader, &text); token != TOKEN_END && status >= 0;
         token = next(&reader, &text)) {
        if (token == TOKEN_WORD) {
            wants = is_member ? WANTS_NOTHING : wants_of(text); // math.max is none of ours.
            is_member = false;
            continue;
        }
        is_member = is_char(token, text, '.') || is_char(token, text, ':');
        struct reader ahead = reader;
        if (wants == WANTS_NOTHING || !is_char(token, text, '(') ||
            next(&ahead, &text) != TOKEN_TEXT) {
            wants = WANTS_NOTHING;
            continue;
        }
        reader = ahead;
        struct derived_need need = {.name = text, .rows = 2};
        status = tag_name_check(text, err);
        if (status >= 0 && wants == WANTS_WINDOW) {
            status = read_window(&reader, &need, err);
        }
        status = status < 0 ? status : add_need(ret_needs, &count, &need, err);
        wants = WANTS_NOTHING;
    }
    if (status >= 0 && count == 0) {
        return err_set(err, ERR_INVALID, MSG_DERIVED_NONE, NO_ARGS);
    }
    return status < 0 ? status : count;
}
