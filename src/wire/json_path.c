/*
 * One pass over a JSON text, with a stack of one small entry for each open object or array (no
 * recursion, JSON_SCAN_DEPTH_MAX deep) and one counter for each path: how many of its steps the
 * open containers match from the outside on. A key or an index that fits the next step raises the
 * counter, the end of that value lowers it again, and a value whose path is matched to the last
 * step is the answer. So a text is read once however many tags want something of it, and a message
 * costs no memory.
 *
 * The whole text is checked against the grammar of RFC 8259 even when all paths have their values:
 * a message that was cut or damaged gives none. Keys are compared after their escapes were undone,
 * because many senders write Hangul as \uXXXX. Of names that stand twice in one object the last
 * counts, as in ECMAScript. Bytes that are no UTF-8 are the reader's matter, who knows the
 * sender's encoding; here they are characters of a string like any other.
 */
#include "wire/json_path.h"

#include <math.h>
#include <string.h>

#include "core/check.h"

/* --- paths --- */

static int path_bad(struct str path, size_t at, struct err *err) {
    return err_set(
        err, ERR_INVALID, MSG_JSON_PATH, ARGS(A_STR(path), A_STR(str_slice(path, at, path.size))));
}

/* The step in brackets that begins at `*at`, behind the bracket. False: it is none. */
static bool bracket_step(struct str path, size_t *at, struct json_step *step) {
    char quote = *at < path.size ? path.data[*at] : '\0';
    if (quote == '\'' || quote == '"') {
        size_t from = *at + 1;
        size_t size = str_find(str_slice(path, from, path.size), quote);
        step->name = str_slice(path, from, from + size);
        *at = from + size + 1;
        if (*at >= path.size || path.data[*at] != ']') {
            return false;
        }
    } else {
        size_t size = str_find(str_slice(path, *at, path.size), ']');
        uint64_t index = 0;
        if (!str_to_u64(str_slice(path, *at, *at + size), &index) || index > UINT32_MAX) {
            return false;
        }
        step->index = (uint32_t)index;
        step->is_index = true;
        *at += size;
        if (*at >= path.size) {
            return false;
        }
    }
    *at += 1;
    return true;
}

static bool dot_step(struct str path, size_t *at, struct json_step *step) {
    size_t from = *at;
    while (*at < path.size && path.data[*at] != '.' && path.data[*at] != '[' &&
           path.data[*at] != ']') {
        *at += 1;
    }
    step->name = str_slice(path, from, *at);
    return *at > from;
}

int json_path_parse(struct str text, struct json_path *ret_path, struct err *err) {
    struct json_path path = {.step_count = 0};
    if (text.size == 0 || text.data[0] != '$') {
        return path_bad(text, 0, err);
    }
    size_t at = 1;
    while (at < text.size) {
        size_t begin = at;
        if (path.step_count == JSON_PATH_STEPS_MAX) {
            return err_set(
                err, ERR_LIMIT, MSG_JSON_PATH_LONG, ARGS(A_STR(text), A_INT(JSON_PATH_STEPS_MAX)));
        }
        struct json_step *step = &path.steps[path.step_count++];
        char kind = text.data[at++];
        bool good = kind == '.'   ? dot_step(text, &at, step)
                    : kind == '[' ? bracket_step(text, &at, step)
                                  : false;
        if (!good || step->name.size > JSON_PATH_NAME_BYTES) {
            return path_bad(text, begin, err);
        }
    }
    *ret_path = path;
    return 0;
}

/* --- the scan --- */

struct frame {
    uint32_t index; // Of the running element, in an array.
    bool is_array;
    size_t start;     // Where the container begins.
    size_t path_size; // Of the leaf path before this container's element.
};

struct scan {
    struct str text;
    size_t at;
    struct frame frames[JSON_SCAN_DEPTH_MAX];
    uint32_t depth;
    const struct json_path *const *paths;
    struct json_value *values;
    uint32_t count;
    struct buf *leaf_path; // NULL: nobody wants leaves.
    void (*leaf)(void *context, const struct json_leaf *leaf);
    void *context;
    uint32_t leaves_left;
    uint32_t hidden_depth; // Not 0: the element of that container has no path of its own.
    struct err *err;
};

static int bad(struct scan *scan) {
    return err_set(scan->err, ERR_FRAME, MSG_JSON_FORM,
        ARGS(A_INT(scan->at), A_STR(str_slice(scan->text, scan->at, scan->at + 16))));
}

static char peek(const struct scan *scan) {
    return scan->at < scan->text.size ? scan->text.data[scan->at] : '\0';
}

static void skip_blanks(struct scan *scan) {
    while (scan->at < scan->text.size) {
        char c = scan->text.data[scan->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        }
        scan->at++;
    }
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The four digits of a \u escape at `at`; -1: they are none. */
static int32_t hex_quad(struct str text, size_t at) {
    int32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = at + i < text.size ? hex_digit(text.data[at + i]) : -1;
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* Reads a string whose opening quote is at `at`. */
static int scan_string(struct scan *scan, struct json_value *value) {
    size_t from = ++scan->at;
    *value = (struct json_value){.kind = JSON_STRING};
    for (; scan->at < scan->text.size; scan->at++) {
        unsigned char c = (unsigned char)scan->text.data[scan->at];
        if (c == '"') {
            value->text = str_slice(scan->text, from, scan->at);
            scan->at++;
            return 0;
        }
        if (c < 0x20) {
            return bad(scan);
        }
        if (c != '\\') {
            continue;
        }
        value->has_escapes = true;
        scan->at++;
        c = (unsigned char)peek(scan);
        if (c == 'u') {
            if (hex_quad(scan->text, scan->at + 1) < 0) {
                return bad(scan);
            }
            scan->at += 4;
        } else if (c == '\0' || memchr("\"\\/bfnrt", c, 8) == NULL) {
            return bad(scan);
        }
    }
    return bad(scan);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool skip_digits(struct scan *scan) {
    size_t from = scan->at;
    while (is_digit(peek(scan))) {
        scan->at++;
    }
    return scan->at > from;
}

/* RFC 8259 clause 6: [-] int [frac] [exp]. */
static int scan_number(struct scan *scan, struct json_value *value) {
    size_t from = scan->at;
    bool whole = true;
    scan->at += peek(scan) == '-';
    bool zero = peek(scan) == '0';
    if (!skip_digits(scan) ||
        (zero && scan->at - from > (scan->text.data[from] == '-' ? 2U : 1U))) {
        return bad(scan);
    }
    if (peek(scan) == '.') {
        whole = false;
        scan->at++;
        if (!skip_digits(scan)) {
            return bad(scan);
        }
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        whole = false;
        scan->at++;
        scan->at += peek(scan) == '-' || peek(scan) == '+';
        if (!skip_digits(scan)) {
            return bad(scan);
        }
    }
    *value =
        (struct json_value){.kind = JSON_NUMBER, .text = str_slice(scan->text, from, scan->at)};
    value->is_whole = whole && str_to_i64(value->text, &value->whole);
    if (value->is_whole) {
        value->number = (double)value->whole;
    } else if (!str_to_f64(value->text, &value->number)) { // Beyond what a double holds.
        value->number = value->text.data[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    }
    return 0;
}

static bool scan_word(struct scan *scan, struct str word) {
    if (!str_starts(str_slice(scan->text, scan->at, scan->text.size), word)) {
        return false;
    }
    scan->at += word.size;
    return true;
}

/* A value that is no container. */
static int scan_scalar(struct scan *scan, struct json_value *value) {
    size_t from = scan->at;
    char c = peek(scan);
    if (c == '"') {
        return scan_string(scan, value);
    }
    if (c == '-' || is_digit(c)) {
        return scan_number(scan, value);
    }
    *value = (struct json_value){.kind = JSON_BOOL};
    if (scan_word(scan, STR("true"))) {
        value->boolean = true;
    } else if (scan_word(scan, STR("null"))) {
        value->kind = JSON_NULL;
    } else if (!scan_word(scan, STR("false"))) {
        return bad(scan);
    }
    value->text = str_slice(scan->text, from, scan->at);
    return 0;
}

/* --- matching --- */

/* The element of the innermost container begins: raises the paths that it continues. */
static void enter_element(struct scan *scan, const struct json_step *step) {
    uint32_t level = scan->depth - 1; // Steps that lead to the container.
    for (uint32_t i = 0; i < scan->count; i++) {
        const struct json_path *path = scan->paths[i];
        struct json_value *value = &scan->values[i];
        if (value->matched != level || path->step_count <= level) {
            continue;
        }
        const struct json_step *wanted = &path->steps[level];
        if (wanted->is_index == step->is_index &&
            (step->is_index ? wanted->index == step->index : str_eq(wanted->name, step->name))) {
            value->matched = level + 1;
        }
    }
}

static void leave_element(struct scan *scan) {
    for (uint32_t i = 0; i < scan->count; i++) {
        if (scan->values[i].matched == scan->depth) {
            scan->values[i].matched = scan->depth - 1;
        }
    }
}

/* A value stands `depth` steps deep: it is what the fully matched paths asked for. */
static void take_value(struct scan *scan, const struct json_value *value) {
    for (uint32_t i = 0; i < scan->count; i++) {
        if (scan->values[i].matched == scan->depth && scan->paths[i]->step_count == scan->depth) {
            uint32_t matched = scan->values[i].matched;
            scan->values[i] = *value;
            scan->values[i].matched = matched;
        }
    }
    if (scan->leaf_path != NULL && scan->leaves_left > 0 && scan->hidden_depth == 0) {
        scan->leaves_left--;
        struct json_leaf leaf = {.path = buf_str(scan->leaf_path), .value = *value};
        scan->leaf(scan->context, &leaf);
    }
}

/* --- paths of leaves --- */

static bool is_plain_name(struct str name) {
    for (size_t i = 0; i < name.size; i++) {
        if (memchr(".[]'\" $", name.data[i], 7) != NULL) {
            return false;
        }
    }
    return name.size > 0;
}

/* A name with quotes of both kinds cannot be written as a path: what it leads to is not told. */
static void push_leaf_step(struct scan *scan, const struct json_step *step) {
    struct buf *path = scan->leaf_path;
    if (path == NULL) {
        return;
    }
    bool single = str_find(step->name, '\'') < step->name.size;
    bool both = single && str_find(step->name, '"') < step->name.size;
    if (step->is_index) {
        buf_printf(path, "[%u]", step->index);
    } else if (is_plain_name(step->name)) {
        buf_put_char(path, '.');
        buf_put_str(path, step->name);
    } else {
        const char *quote = single ? "\"" : "'";
        buf_printf(path, "[%s", quote);
        buf_put_str(path, step->name);
        buf_printf(path, "%s]", quote);
    }
    if ((both || path->overflow) && scan->hidden_depth == 0) {
        scan->hidden_depth = scan->depth;
    }
}

static void pop_leaf_step(struct scan *scan) {
    if (scan->leaf_path == NULL) {
        return;
    }
    scan->leaf_path->size = scan->frames[scan->depth - 1].path_size;
    scan->leaf_path->overflow = false;
    if (scan->hidden_depth == scan->depth) {
        scan->hidden_depth = 0;
    }
}

/* --- walking --- */

/* Reads `"name" :` of an object's member and enters it. */
static int enter_member(struct scan *scan) {
    struct json_value key;
    if (peek(scan) != '"') {
        return bad(scan);
    }
    int result = scan_string(scan, &key);
    if (result < 0) {
        return result;
    }
    skip_blanks(scan);
    if (peek(scan) != ':') {
        return bad(scan);
    }
    scan->at++;
    AUTO_BUF struct buf plain;
    buf_init(&plain, JSON_PATH_NAME_BYTES);
    struct json_step step = {.name = key.text};
    if (key.has_escapes) {
        json_value_put_text(&key, &plain);
        step.name = plain.overflow ? key.text : buf_str(&plain);
    }
    enter_element(scan, &step);
    push_leaf_step(scan, &step);
    return 0;
}

static int enter_next(struct scan *scan) {
    struct frame *frame = &scan->frames[scan->depth - 1];
    skip_blanks(scan);
    if (!frame->is_array) {
        return enter_member(scan);
    }
    struct json_step step = {.index = frame->index, .is_index = true};
    enter_element(scan, &step);
    push_leaf_step(scan, &step);
    return 0;
}

/* Opens the container at `at`. 1: it has an element, which is entered; 0: it is empty and closed.
 */
static int open_container(struct scan *scan) {
    if (scan->depth == JSON_SCAN_DEPTH_MAX) {
        return err_set(scan->err, ERR_LIMIT, MSG_JSON_DEEP, ARGS(A_INT(JSON_SCAN_DEPTH_MAX)));
    }
    size_t start = scan->at;
    bool is_array = peek(scan) == '[';
    scan->at++;
    skip_blanks(scan);
    if (peek(scan) == (is_array ? ']' : '}')) {
        scan->at++;
        struct json_value empty = {.kind = is_array ? JSON_ARRAY : JSON_OBJECT,
            .text = str_slice(scan->text, start, scan->at)};
        take_value(scan, &empty);
        return 0;
    }
    scan->frames[scan->depth++] = (struct frame){.is_array = is_array,
        .start = start,
        .path_size = scan->leaf_path != NULL ? scan->leaf_path->size : 0};
    int result = enter_next(scan);
    return result < 0 ? result : 1;
}

/* The innermost container ends at `at` (behind its bracket). */
static void close_container(struct scan *scan) {
    const struct frame *frame = &scan->frames[--scan->depth];
    struct json_value value = {.kind = frame->is_array ? JSON_ARRAY : JSON_OBJECT,
        .text = str_slice(scan->text, frame->start, scan->at)};
    uint32_t leaves = scan->leaves_left;
    scan->leaves_left = 0; // Its elements were the leaves.
    take_value(scan, &value);
    scan->leaves_left = leaves;
}

/* Behind a value: closes what ends here, or goes to the next element. 1: a value follows. */
static int after_value(struct scan *scan) {
    while (scan->depth > 0) {
        const bool is_array = scan->frames[scan->depth - 1].is_array;
        leave_element(scan);
        pop_leaf_step(scan);
        skip_blanks(scan);
        char c = peek(scan);
        if (c == ',') {
            scan->at++;
            scan->frames[scan->depth - 1].index++;
            int result = enter_next(scan);
            return result < 0 ? result : 1;
        }
        if (c != (is_array ? ']' : '}')) {
            return bad(scan);
        }
        scan->at++;
        close_container(scan);
    }
    skip_blanks(scan);
    return scan->at == scan->text.size ? 0 : bad(scan);
}

static int run(struct scan *scan) {
    int more = 1;
    while (more > 0) {
        skip_blanks(scan);
        char c = peek(scan);
        if (c == '{' || c == '[') {
            int opened = open_container(scan);
            if (opened < 0) {
                return opened;
            }
            if (opened == 1) {
                continue;
            }
        } else {
            struct json_value value;
            int result = scan_scalar(scan, &value);
            if (result < 0) {
                return result;
            }
            take_value(scan, &value);
        }
        more = after_value(scan);
    }
    return more;
}

int json_scan(struct str text, const struct json_path *const *paths, uint32_t count,
    struct json_value *values, struct err *err) {
    CHECK(count <= JSON_SCAN_PATHS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        values[i] = (struct json_value){.kind = JSON_ABSENT};
    }
    struct scan scan = {.text = text, .paths = paths, .values = values, .count = count, .err = err};
    return run(&scan);
}

int json_leaves(struct str text, uint32_t max,
    void (*leaf)(void *context, const struct json_leaf *leaf), void *context, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, JSON_PATH_STEPS_MAX * (JSON_PATH_NAME_BYTES + 4));
    buf_put_char(&path, '$');
    struct scan scan = {.text = text,
        .leaf_path = &path,
        .leaf = leaf,
        .context = context,
        .leaves_left = max,
        .err = err};
    return run(&scan);
}

/* --- strings --- */

static void put_character(struct buf *out, uint32_t code) {
    if (code < 0x80) {
        buf_put_char(out, (char)code);
    } else if (code < 0x800) {
        buf_put_char(out, (char)(0xC0 | code >> 6));
        buf_put_char(out, (char)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        buf_put_char(out, (char)(0xE0 | code >> 12));
        buf_put_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
        buf_put_char(out, (char)(0x80 | (code & 0x3F)));
    } else {
        buf_put_char(out, (char)(0xF0 | code >> 18));
        buf_put_char(out, (char)(0x80 | (code >> 12 & 0x3F)));
        buf_put_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
        buf_put_char(out, (char)(0x80 | (code & 0x3F)));
    }
}

/* The character of the \u escape whose digits begin at `*at`; a lone half is U+FFFD. */
static uint32_t escaped_character(struct str text, size_t *at) {
    int32_t high = hex_quad(text, *at);
    *at += 4;
    if (high < 0xD800 || high > 0xDFFF) {
        return high < 0 ? 0xFFFD : (uint32_t)high;
    }
    if (high < 0xDC00 && str_starts(str_slice(text, *at, text.size), STR("\\u"))) {
        int32_t low = hex_quad(text, *at + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *at += 6;
            return 0x10000U + ((uint32_t)(high - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
        }
    }
    return 0xFFFD;
}

void json_value_put_text(const struct json_value *value, struct buf *out) {
    struct str text = value->text;
    if (!value->has_escapes) {
        buf_put_str(out, text);
        return;
    }
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    size_t at = 0;
    while (at < text.size) {
        char c = text.data[at++];
        if (c != '\\' || at == text.size) {
            buf_put_char(out, c);
            continue;
        }
        c = text.data[at++];
        const char *letter = memchr(letters, c, sizeof letters - 1);
        if (c == 'u') {
            put_character(out, escaped_character(text, &at));
        } else {
            buf_put_char(out, letter != NULL ? meanings[letter - letters] : c);
        }
    }
}
