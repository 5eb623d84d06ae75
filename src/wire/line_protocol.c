/*
 * The line protocol parser.
 *
 *     measurement[,key=value...] field=value[,field=value...] [time]
 *
 * Senders repeat themselves: the same few thousand series come in the same order, body after body.
 * So the text from the begin of the line to the '=' of its first field ("press1,unit=2 temp=") is
 * kept with the tag it means, together with the text that followed it last time. The usual point is
 * then one memcmp with the expected text, a number and a time: about 30 ns. Only an unexpected text
 * is hashed and looked up, and only an unknown one is parsed, unescaped, sorted by key and checked.
 * Equal bytes up to '=' mean equal parsing, so the short cut cannot change what a line says.
 * Further fields of a line are kept by (series, "field=") in the same way.
 *
 * Escapes (InfluxDB line protocol reference): in a measurement `\,` and `\ `, in keys, tag values
 * and field names also `\=`, in quoted text `\"` and `\\`; any other backslash is itself. Since
 * names are identifiers here, an escaped character is understood and then refused by name.
 *
 * Numbers: up to 19 digits are gathered in an integer; when it is below 2^53 and the power of ten
 * within 10^22, one multiplication or division is correctly rounded (Clinger 1990); everything else
 * goes to the exact reader in core. A value of an existing tag must fit its type: whole numbers go
 * into f64, whole-numbered reals into i64, true and false into numbers; anything else is refused,
 * because a guess would be stored for ever.
 *
 * After the first bad line no more rows are made, but the rest is still checked, so that one answer
 * names all bad lines (the first LINE_ERRORS_MAX of them).
 */
#include "wire/line_protocol.h"

#include <string.h>

#include "core/buf.h"
#include "core/check.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "model/tag.h"

enum {
    SLOTS_FIRST = 256,
    NAME_BYTES = LIMIT_TAG_NAME_BYTES + 1,
    MANTISSA_DIGITS = 19,
    EXACT_POWER = 22, // 10^22 is the largest power of ten that a double holds exactly.
    NO_SLOT = 0,      // Slot 0 is never used.
};
#define EXACT_MANTISSA (1ULL << 53)

/* A text and the tag it means. */
struct slot {
    uint64_t hash;
    uint32_t text_offset; // Into parser->texts.
    uint32_t text_size;
    uint32_t series; // Slot of the first field of the same series; itself for a first field.
    uint32_t next;   // The slot that came after this one last time.
    uint32_t tag;    // Number, or LINE_PENDING | index.
    uint8_t type;    // enum value_type
    bool first;      // The text begins the line; else it is only "field=".
};

struct pending {
    uint32_t slot;
    uint32_t name_offset; // Into parser->names.
    uint32_t name_size;
    enum value_type type;
};

struct line_parser {
    struct slot *slots;
    uint32_t slot_count; // Used, with the empty slot 0.
    uint32_t slot_capacity;
    uint32_t *index;     // Open addressing: slot numbers, NO_SLOT: free.
    uint32_t index_size; // Power of two.
    struct buf texts;
    const void *owner;
    uint32_t last_slot;
    /* Of the last body. */
    struct pending *pending;
    uint32_t pending_count;
    uint32_t pending_capacity;
    uint32_t pending_open; // Not told a number yet.
    struct buf names;
    struct line_error *errors;
    uint32_t error_count;
    uint64_t bad_lines;
    uint64_t row_count;
    char text[LIMIT_TEXT_VALUE_BYTES];
};

/* The present body. */
struct parse {
    struct line_parser *parser;
    const struct line_options *options;
    const char *at;
    const char *end;
    const char *line_begin;
    uint64_t line;
    int64_t latest_ns; // Times beyond are refused.
    struct batch *batch;
    struct sample *rows[LINE_FIELDS_MAX]; // Of the present line.
    uint32_t row_count;
    int stop; // Negative: give up the whole body.
    struct err *err;
};

/* A value as written. */
struct value {
    enum value_type type;
    int64_t i64;
    double f64;
    struct str text;
    const char *begin;
};

/* ---- What was learned ---- */

static void parser_forget(struct line_parser *parser) {
    parser->slot_count = 1;
    memset(parser->index, 0, parser->index_size * sizeof parser->index[0]);
    memset(parser->slots, 0, sizeof parser->slots[0]);
    buf_clear(&parser->texts);
    parser->last_slot = NO_SLOT;
}

struct line_parser *line_parser_new(void) {
    struct line_parser *parser = MEM_NEW(struct line_parser);
    parser->slot_capacity = SLOTS_FIRST;
    parser->slots = MEM_ARRAY(struct slot, parser->slot_capacity);
    parser->index_size = SLOTS_FIRST * 2;
    parser->index = MEM_ARRAY(uint32_t, parser->index_size);
    buf_init(&parser->texts, LINE_SERIES_BYTES);
    buf_init(&parser->names, (size_t)LINE_PENDING_MAX * NAME_BYTES);
    parser_forget(parser);
    return parser;
}

void line_parser_free(struct line_parser *parser) {
    if (parser) {
        mem_free(parser->slots);
        mem_free(parser->index);
        mem_free(parser->pending);
        mem_free(parser->errors);
        buf_fini(&parser->texts);
        buf_fini(&parser->names);
        mem_free(parser);
    }
}

static const char *slot_text(const struct line_parser *parser, const struct slot *slot) {
    return (const char *)parser->texts.data + slot->text_offset;
}

static uint64_t text_hash(struct str text, uint32_t series) {
    // Fields of different series must differ; 0 stands for a text that begins a line.
    return hash64(text.data, text.size) ^ (series * 0x9E3779B97F4A7C15ULL);
}

static void index_put(struct line_parser *parser, uint32_t slot) {
    uint32_t mask = parser->index_size - 1;
    uint32_t place = (uint32_t)parser->slots[slot].hash & mask;
    while (parser->index[place] != NO_SLOT) {
        place = (place + 1) & mask;
    }
    parser->index[place] = slot;
}

static void slots_grow(struct line_parser *parser) {
    parser->slot_capacity *= 2;
    parser->slots = mem_resize(parser->slots, parser->slot_capacity * sizeof parser->slots[0]);
    mem_free(parser->index);
    parser->index_size = parser->slot_capacity * 2;
    parser->index = MEM_ARRAY(uint32_t, parser->index_size);
    for (uint32_t i = 1; i < parser->slot_count; i++) {
        index_put(parser, i);
    }
}

/* `series` NO_SLOT: the text begins a line. */
static uint32_t slot_find(const struct line_parser *parser, struct str text, uint32_t series) {
    uint64_t hash = text_hash(text, series);
    uint32_t mask = parser->index_size - 1;
    for (uint32_t place = (uint32_t)hash & mask;; place = (place + 1) & mask) {
        uint32_t number = parser->index[place];
        const struct slot *slot = &parser->slots[number];
        if (number == NO_SLOT) {
            return NO_SLOT;
        }
        if (slot->hash == hash && slot->text_size == text.size &&
            slot->first == (series == NO_SLOT) && (slot->first || slot->series == series) &&
            memcmp(slot_text(parser, slot), text.data, text.size) == 0) {
            return number;
        }
    }
}

/* Keeps a text; NO_SLOT when there is no room left (all is forgotten before the next body). */
static uint32_t slot_add(struct line_parser *parser, struct str text, uint32_t series) {
    if (parser->slot_count == LINE_SERIES_MAX) {
        return NO_SLOT;
    }
    size_t offset = parser->texts.size;
    buf_put(&parser->texts, text.data, text.size);
    if (parser->texts.overflow) {
        return NO_SLOT;
    }
    if (parser->slot_count == parser->slot_capacity) {
        slots_grow(parser);
    }
    uint32_t number = parser->slot_count++;
    parser->slots[number] = (struct slot){
        .hash = text_hash(text, series),
        .text_offset = (uint32_t)offset,
        .text_size = (uint32_t)text.size,
        .series = series == NO_SLOT ? number : series,
        .first = series == NO_SLOT,
    };
    index_put(parser, number);
    return number;
}

/* ---- Bad lines ---- */

static struct line_error *line_error_add(struct parse *p, const char *where) {
    struct line_parser *parser = p->parser;
    parser->bad_lines++;
    if (parser->error_count == LINE_ERRORS_MAX) {
        return NULL;
    }
    if (!parser->errors) {
        parser->errors = MEM_ARRAY(struct line_error, LINE_ERRORS_MAX);
    }
    struct line_error *error = &parser->errors[parser->error_count++];
    error->line = p->line;
    error->column = (uint64_t)(where - p->line_begin) + 1;
    return error;
}

static int line_bad(struct parse *p, const char *where, enum err_code code, enum msg_id msg,
    const struct arg *args) {
    struct line_error *error = line_error_add(p, where);
    return err_set(error ? &error->err : NULL, code, msg, args);
}

/* What stands at a place, for words: at most 32 bytes of the line. */
static struct str excerpt(const struct parse *p, const char *at) {
    size_t size = (size_t)(p->end - at) < 32 ? (size_t)(p->end - at) : 32;
    struct str text = {at, size};
    return str_slice(text, 0, str_find(text, '\n'));
}

/* ---- Names ---- */

/* The end of a word: the first of the stop characters that no backslash escapes, or the end. */
static const char *word_end(const char *at, const char *end, const char *stops) {
    while (at < end && *at != '\n' && !strchr(stops, *at)) {
        at += *at == '\\' && at + 1 < end && at[1] != '\n' ? 2 : 1;
    }
    return at < end ? at : end;
}

/* Removes escapes; the result must be an identifier, or several joined by dots. */
static struct str unescape(struct str word, char to[NAME_BYTES]) {
    size_t size = 0;
    for (size_t i = 0; i < word.size && size < NAME_BYTES; i++) {
        bool escape = word.data[i] == '\\' && i + 1 < word.size && strchr(", =", word.data[i + 1]);
        if (escape) {
            i++;
        }
        to[size++] = word.data[i];
    }
    return (struct str){to, size};
}

struct pair {
    struct str key;
    struct str value;
};

/* Reads ",key=value..." up to `end`, sorted by key. Count, or negative. */
static int read_pairs(
    struct parse *p, const char *at, const char *end, struct pair pairs[LINE_PAIRS_MAX]) {
    int count = 0;
    while (at < end) {
        const char *key = at + 1; // Behind the comma.
        const char *equals = word_end(key, end, "=,");
        if (equals == end || *equals != '=' || equals == key) {
            return line_bad(
                p, key, ERR_INVALID, MSG_LINE_TAG_EXPECTED, ARGS(A_STR(excerpt(p, key))));
        }
        const char *stop = word_end(equals + 1, end, ",");
        if (stop == equals + 1) {
            return line_bad(p, stop, ERR_INVALID, MSG_LINE_TAG_EMPTY, NO_ARGS);
        }
        if (count == LINE_PAIRS_MAX) {
            return line_bad(p, key, ERR_LIMIT, MSG_LINE_TAGS_MANY, ARGS(A_INT(LINE_PAIRS_MAX)));
        }
        struct pair pair = {
            {key, (size_t)(equals - key)}, {equals + 1, (size_t)(stop - equals - 1)}};
        int place = count++;
        while (place > 0 && str_cmp(pairs[place - 1].key, pair.key) > 0) {
            pairs[place] = pairs[place - 1];
            place--;
        }
        if (place > 0 && str_eq(pairs[place - 1].key, pair.key)) {
            return line_bad(p, key, ERR_INVALID, MSG_LINE_TAG_TWICE, ARGS(A_STR(pair.key)));
        }
        pairs[place] = pair;
        at = stop;
    }
    return count;
}

static void name_add(struct buf *name, struct str word) {
    char plain[NAME_BYTES];
    if (name->size > 0) {
        buf_put_char(name, '.');
    }
    buf_put_str(name, unescape(word, plain));
}

/* Builds and checks the tag's name of a series text ("m,k=v") and a field. */
static int build_name(struct parse *p, struct str series, struct str field, struct buf *name) {
    struct pair pairs[LINE_PAIRS_MAX];
    const char *end = series.data + series.size;
    const char *stop = word_end(series.data, end, ",");
    int count = read_pairs(p, stop, end, pairs);
    if (count < 0) {
        return count;
    }
    name_add(name, (struct str){series.data, (size_t)(stop - series.data)});
    for (int i = 0; i < count; i++) {
        name_add(name, pairs[i].value);
    }
    if (!str_eq(field, STR("value"))) {
        name_add(name, field);
    }
    struct err why = ERR_INIT;
    if (name->overflow) {
        return line_bad(
            p, series.data, ERR_LIMIT, MSG_LINE_NAME_LONG, ARGS(A_INT(LIMIT_TAG_NAME_BYTES)));
    }
    if (tag_name_check(buf_str(name), &why) < 0) {
        struct line_error *error = line_error_add(p, p->line_begin);
        if (error) {
            error->err = why;
            (void)err_context(&error->err, MSG_LINE_NAME, ARGS(A_STR(buf_str(name))));
        }
        return -ERR_INVALID;
    }
    return 0;
}

/* ---- New texts ---- */

static uint32_t pending_add(struct parse *p, uint32_t slot, struct str name, enum value_type type) {
    struct line_parser *parser = p->parser;
    if (parser->pending_count == LINE_PENDING_MAX) {
        p->stop = err_set(p->err, ERR_LIMIT, MSG_LINE_SERIES_MANY, ARGS(A_INT(LINE_PENDING_MAX)));
        return LINE_PENDING;
    }
    if (parser->pending_count == parser->pending_capacity) {
        parser->pending_capacity = parser->pending_capacity ? parser->pending_capacity * 2 : 64;
        parser->pending =
            mem_resize(parser->pending, parser->pending_capacity * sizeof parser->pending[0]);
    }
    uint32_t index = parser->pending_count++;
    parser->pending_open++;
    parser->pending[index] =
        (struct pending){slot, (uint32_t)parser->names.size, (uint32_t)name.size, type};
    buf_put_str(&parser->names, name);
    return LINE_PENDING | index;
}

/* The type a new text's value has, seen from its first byte, without taking it. */
static enum value_type value_type_at(const char *at, const char *end) {
    if (at < end && *at == '"') {
        return TYPE_TEXT;
    }
    if (at < end && strchr("tTfF", *at)) {
        return TYPE_BOOL;
    }
    while (at < end && *at != ',' && *at != ' ' && *at != '\n' && *at != '\r') {
        if (*at == 'i' || *at == 'u') {
            return TYPE_I64;
        }
        at++;
    }
    return TYPE_F64;
}

/* Learns a text: what tag it means. NO_SLOT: the line is bad, or the body must stop. */
static uint32_t text_learn(
    struct parse *p, struct str text, uint32_t series, struct str series_text, struct str field) {
    struct line_parser *parser = p->parser;
    struct buf name;
    buf_init(&name, NAME_BYTES - 1);
    if (build_name(p, series_text, field, &name) < 0) {
        buf_fini(&name);
        return NO_SLOT;
    }
    uint32_t number = slot_add(parser, text, series);
    if (number == NO_SLOT) {
        p->stop = err_set(p->err, ERR_LIMIT, MSG_LINE_SERIES_MANY, ARGS(A_INT(LINE_SERIES_MAX)));
        buf_fini(&name);
        return NO_SLOT;
    }
    uint32_t tag = 0;
    enum value_type type = value_type_at(text.data + text.size, p->end);
    if (!p->options->find(p->options->context, buf_str(&name), &tag, &type)) {
        tag = pending_add(p, number, buf_str(&name), type);
    }
    parser->slots[number].tag = tag;
    parser->slots[number].type = (uint8_t)type;
    buf_fini(&name);
    return p->stop < 0 ? NO_SLOT : number;
}

/* The slot of a line's beginning that was not expected. */
static uint32_t text_first(struct parse *p) {
    const char *space = word_end(p->at, p->end, " ");
    const char *field = space;
    while (field < p->end && *field == ' ') {
        field++;
    }
    if (space == p->at || *p->at == ',') {
        (void)line_bad(p, p->at, ERR_INVALID, MSG_LINE_MEASUREMENT, NO_ARGS);
        return NO_SLOT;
    }
    const char *equals = word_end(field, p->end, "=, ");
    if (equals == p->end || *equals != '=' || equals == field) {
        (void)line_bad(
            p, field, ERR_INVALID, MSG_LINE_FIELD_EXPECTED, ARGS(A_STR(excerpt(p, field))));
        return NO_SLOT;
    }
    struct str text = {p->at, (size_t)(equals + 1 - p->at)};
    uint32_t slot = slot_find(p->parser, text, NO_SLOT);
    return slot != NO_SLOT
               ? slot
               : text_learn(p, text, NO_SLOT, (struct str){p->at, (size_t)(space - p->at)},
                     (struct str){field, (size_t)(equals - field)});
}

/* The slot of a further field that was not expected. */
static uint32_t text_further(struct parse *p, uint32_t series) {
    const char *equals = word_end(p->at, p->end, "=, ");
    if (equals == p->end || *equals != '=' || equals == p->at) {
        (void)line_bad(
            p, p->at, ERR_INVALID, MSG_LINE_FIELD_EXPECTED, ARGS(A_STR(excerpt(p, p->at))));
        return NO_SLOT;
    }
    struct str text = {p->at, (size_t)(equals + 1 - p->at)};
    uint32_t slot = slot_find(p->parser, text, series);
    if (slot != NO_SLOT) {
        return slot;
    }
    // The series' own text stands at the begin of this very line.
    const char *space = word_end(p->line_begin, p->end, " ");
    return text_learn(p, text, series, (struct str){p->line_begin, (size_t)(space - p->line_begin)},
        (struct str){p->at, (size_t)(equals - p->at)});
}

/* Finds the slot of the text at p->at and moves behind it. */
static inline uint32_t text_take(struct parse *p, uint32_t series) {
    struct line_parser *parser = p->parser;
    uint32_t number = parser->slots[parser->last_slot].next;
    const struct slot *slot = &parser->slots[number];
    bool expected = number != NO_SLOT && (size_t)(p->end - p->at) >= slot->text_size &&
                    (series == NO_SLOT ? slot->first : !slot->first && slot->series == series) &&
                    memcmp(p->at, slot_text(parser, slot), slot->text_size) == 0;
    if (!expected) {
        number = series == NO_SLOT ? text_first(p) : text_further(p, series);
        if (number == NO_SLOT) {
            return NO_SLOT;
        }
        parser->slots[parser->last_slot].next = number;
    }
    parser->last_slot = number;
    p->at += parser->slots[number].text_size;
    return number;
}

/* ---- Values ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool ends_value(const struct parse *p, const char *at) {
    return at == p->end || *at == ',' || *at == ' ' || *at == '\n' || *at == '\r';
}

static const char *value_stop(const struct parse *p, const char *at) {
    while (!ends_value(p, at)) {
        at++;
    }
    return at;
}

static int number_bad(struct parse *p, const char *begin) {
    struct str token = {begin, (size_t)(value_stop(p, begin) - begin)};
    return line_bad(p, begin, ERR_INVALID, MSG_LINE_VALUE, ARGS(A_STR(str_slice(token, 0, 64))));
}

/* "123i", "123u": exact. */
static int take_integer(
    struct parse *p, const char *begin, const char *stop, struct value *ret_value) {
    struct str digits = {begin, (size_t)(stop - begin)};
    if (digits.size > 0 && digits.data[0] == '+') {
        digits = str_slice(digits, 1, digits.size);
    }
    int64_t value = 0;
    if (!str_to_i64(digits, &value)) {
        return line_bad(
            p, begin, ERR_RANGE, MSG_NUMBER_RANGE, ARGS(A_STR(str_slice(digits, 0, 64))));
    }
    if (*stop == 'u' && value < 0) {
        return number_bad(p, begin);
    }
    if (!ends_value(p, stop + 1)) {
        return number_bad(p, begin);
    }
    ret_value->type = TYPE_I64;
    ret_value->i64 = value;
    p->at = stop + 1;
    return 0;
}

/* A real that the short way cannot round: the exact reader. */
static int take_real_exactly(struct parse *p, const char *begin, struct value *ret_value) {
    const char *stop = value_stop(p, begin);
    struct str token = {begin, (size_t)(stop - begin)};
    if (token.size > 0 && token.data[0] == '+') {
        token = str_slice(token, 1, token.size);
    }
    // The form was checked; what the exact reader refuses, or makes infinite, is too large.
    bool fits = str_to_f64(token, &ret_value->f64) && ret_value->f64 - ret_value->f64 == 0;
    if (!fits) {
        return line_bad(
            p, begin, ERR_RANGE, MSG_NUMBER_RANGE, ARGS(A_STR(str_slice(token, 0, 64))));
    }
    p->at = stop;
    return 0;
}

struct digits {
    uint64_t mantissa;
    int count;    // Significant digits gathered.
    int exponent; // Power of ten of the mantissa.
    bool any;
    bool lost; // More digits than fit.
};

static const char *gather(const char *at, const char *end, struct digits *d, bool fraction) {
    while (at < end && is_digit(*at)) {
        d->any = true;
        if (d->count < MANTISSA_DIGITS) {
            d->mantissa = d->mantissa * 10 + (uint64_t)(*at - '0');
            d->count += d->mantissa > 0;
            d->exponent -= fraction;
        } else {
            d->lost = true;
        }
        at++;
    }
    return at;
}

/* Reads "e-5"; NULL when it is broken. */
static const char *gather_exponent(const char *at, const char *end, struct digits *d) {
    bool minus = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (at == end || !is_digit(*at)) {
        return NULL;
    }
    int value = 0;
    while (at < end && is_digit(*at)) {
        value = value < 10000 ? value * 10 + (*at - '0') : value;
        at++;
    }
    d->exponent += minus ? -value : value;
    return at;
}

static int take_number(struct parse *p, struct value *ret_value) {
    static const double POWERS[EXACT_POWER + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
        1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *begin = p->at;
    const char *at = begin;
    struct digits d = {0};
    bool minus = at < p->end && *at == '-';
    at += at < p->end && (*at == '-' || *at == '+');
    at = gather(at, p->end, &d, false);
    if (d.any && at < p->end && (*at == 'i' || *at == 'u')) {
        return take_integer(p, begin, at, ret_value);
    }
    if (at < p->end && *at == '.') {
        at = gather(at + 1, p->end, &d, true);
    }
    if (!d.any) {
        return number_bad(p, begin);
    }
    if (at < p->end && (*at == 'e' || *at == 'E')) {
        at = gather_exponent(at + 1, p->end, &d);
    }
    if (!at || !ends_value(p, at)) {
        return number_bad(p, begin);
    }
    ret_value->type = TYPE_F64;
    if (d.lost || d.mantissa > EXACT_MANTISSA || d.exponent > EXACT_POWER ||
        d.exponent < -EXACT_POWER) {
        return take_real_exactly(p, begin, ret_value);
    }
    double value = (double)d.mantissa;
    value = d.exponent < 0 ? value / POWERS[-d.exponent] : value * POWERS[d.exponent];
    ret_value->f64 = minus ? -value : value;
    p->at = at;
    return 0;
}

static int take_bool(struct parse *p, struct value *ret_value) {
    static const struct {
        struct str word;
        int64_t value;
    } WORDS[] = {{STR("t"), 1}, {STR("T"), 1}, {STR("true"), 1}, {STR("True"), 1}, {STR("TRUE"), 1},
        {STR("f"), 0}, {STR("F"), 0}, {STR("false"), 0}, {STR("False"), 0}, {STR("FALSE"), 0}};
    const char *stop = value_stop(p, p->at);
    struct str token = {p->at, (size_t)(stop - p->at)};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (str_eq(token, WORDS[i].word)) {
            ret_value->type = TYPE_BOOL;
            ret_value->i64 = WORDS[i].value;
            p->at = stop;
            return 0;
        }
    }
    return number_bad(p, p->at);
}

/* Quoted text; line breaks inside belong to it and count as lines. */
static int take_text(struct parse *p, struct value *ret_value) {
    const char *begin = p->at;
    const char *at = begin + 1;
    char *to = p->parser->text;
    size_t size = 0;
    uint64_t breaks = 0;
    for (; at < p->end && *at != '"'; at++) {
        at += *at == '\\' && at + 1 < p->end && (at[1] == '"' || at[1] == '\\');
        breaks += *at == '\n';
        if (size == LIMIT_TEXT_VALUE_BYTES) {
            return line_bad(
                p, begin, ERR_LIMIT, MSG_LINE_TEXT_LONG, ARGS(A_INT(LIMIT_TEXT_VALUE_BYTES)));
        }
        to[size++] = *at;
    }
    if (at == p->end) {
        return line_bad(p, begin, ERR_INVALID, MSG_LINE_QUOTE, NO_ARGS);
    }
    if (!ends_value(p, at + 1)) {
        return line_bad(
            p, at + 1, ERR_INVALID, MSG_LINE_AFTER_VALUE, ARGS(A_STR(excerpt(p, at + 1))));
    }
    size_t bad = 0;
    if (!str_is_utf8((struct str){to, size}, &bad)) {
        return line_bad(p, begin, ERR_INVALID, MSG_TEXT_NOT_UTF8, ARGS(A_INT(bad)));
    }
    p->line += breaks;
    p->at = at + 1;
    ret_value->type = TYPE_TEXT;
    ret_value->text = (struct str){to, size};
    return 0;
}

static inline int take_value(struct parse *p, struct value *ret_value) {
    ret_value->begin = p->at;
    char c = p->at < p->end ? *p->at : '\n';
    if (is_digit(c) || c == '-' || c == '.' || c == '+') {
        return take_number(p, ret_value);
    }
    if (c == '"') {
        return take_text(p, ret_value);
    }
    return take_bool(p, ret_value);
}

/* ---- Rows ---- */

static int type_bad(struct parse *p, const struct value *value, enum value_type type) {
    return line_bad(p, value->begin, ERR_TYPE, MSG_LINE_TYPE,
        ARGS(A_CSTR(value_type_name(type)), A_CSTR(value_type_name(value->type))));
}

/* Makes the value fit the tag's type without losing anything. */
static int value_fit(struct parse *p, struct value *value, enum value_type type) {
    if (value->type == type) {
        return 0;
    }
    bool from_number = value->type == TYPE_I64 || value->type == TYPE_BOOL;
    if (type == TYPE_F64 && from_number && value->i64 <= (int64_t)EXACT_MANTISSA &&
        value->i64 >= -(int64_t)EXACT_MANTISSA) {
        value->f64 = (double)value->i64;
    } else if (type == TYPE_I64 && value->type == TYPE_F64 && value->f64 >= -9.2e18 &&
               value->f64 <= 9.2e18 && (double)(int64_t)value->f64 == value->f64) {
        value->i64 = (int64_t)value->f64;
    } else if (!(type == TYPE_I64 && value->type == TYPE_BOOL) &&
               !(type == TYPE_BOOL && value->type == TYPE_I64 &&
                   (value->i64 == 0 || value->i64 == 1))) {
        return type_bad(p, value, type);
    }
    value->type = type;
    return 0;
}

static bool batch_next(struct parse *p) {
    p->batch = p->options->next(p->options->context);
    if (!p->batch) {
        p->stop = err_set(p->err, ERR_LIMIT, MSG_LINE_ROWS_MANY, ARGS(A_INT(p->parser->row_count)));
    }
    return p->batch != NULL;
}

/* Adds a row; its time comes with the end of the line. NULL: the body must stop. */
static inline struct sample *row_add(struct parse *p, uint32_t tag, const struct value *value) {
    struct sample *row = NULL;
    if (value->type == TYPE_TEXT) {
        while (!p->batch || !batch_add_text(p->batch, tag, 0, value->text)) {
            if (!batch_next(p)) {
                return NULL;
            }
        }
        row = &p->batch->rows[p->batch->count - 1];
    } else {
        while (!p->batch || !(row = batch_add(p->batch))) {
            if (!batch_next(p)) {
                return NULL;
            }
        }
        if (value->type == TYPE_F64) {
            row->value.f64 = value->f64;
        } else {
            row->value.i64 = value->i64;
        }
        row->tag = tag;
        row->type = (uint8_t)value->type;
    }
    p->parser->row_count++;
    return row;
}

/* One field: text, value, row. */
static inline int take_field(struct parse *p, uint32_t series, uint32_t *ret_slot) {
    uint32_t number = text_take(p, series);
    if (number == NO_SLOT) {
        return -ERR_INVALID; // Told already.
    }
    struct value value;
    int rc = take_value(p, &value);
    const struct slot *slot = &p->parser->slots[number];
    if (rc >= 0) {
        rc = value_fit(p, &value, (enum value_type)slot->type);
    }
    if (rc < 0) {
        return rc;
    }
    if (p->row_count == LINE_FIELDS_MAX) {
        return line_bad(
            p, value.begin, ERR_LIMIT, MSG_LINE_FIELDS_MANY, ARGS(A_INT(LINE_FIELDS_MAX)));
    }
    *ret_slot = number;
    if (p->parser->bad_lines > 0) {
        return 0; // Nothing will be stored: only check on.
    }
    struct sample *row = row_add(p, slot->tag, &value);
    if (!row) {
        return p->stop;
    }
    p->rows[p->row_count++] = row;
    return 0;
}

/* ---- Lines ---- */

/* A time that no plant takes: mostly milliseconds sent as nanoseconds or the other way round. */
static int time_bad(struct parse *p, const char *begin, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    struct str meant = {text, time_format(time_ns, NULL, text)};
    return line_bad(
        p, begin, ERR_RANGE, MSG_LINE_TIME_PLANT, ARGS(A_STR(excerpt(p, begin)), A_STR(meant)));
}

/* The time behind a blank; the server's when there is none. */
static int take_time(struct parse *p, int64_t *ret_time_ns, uint8_t *ret_flags) {
    while (p->at < p->end && *p->at == ' ') {
        p->at++;
    }
    *ret_time_ns = p->options->now_ns;
    *ret_flags = 0;
    if (p->at == p->end || *p->at == '\n' || *p->at == '\r') {
        return 0;
    }
    const char *begin = p->at;
    bool minus = *p->at == '-';
    p->at += minus;
    uint64_t value = 0;
    const char *digits = p->at;
    while (p->at < p->end && is_digit(*p->at) && p->at - digits < MANTISSA_DIGITS) {
        value = value * 10 + (uint64_t)(*p->at - '0');
        p->at++;
    }
    bool ends = p->at == p->end || *p->at == '\n' || *p->at == '\r' || *p->at == ' ';
    if (p->at == digits || !ends) {
        return line_bad(p, begin, ERR_INVALID, MSG_LINE_TIME, ARGS(A_STR(excerpt(p, begin))));
    }
    int64_t time = 0;
    if (value > INT64_MAX || __builtin_mul_overflow(minus ? -(int64_t)value : (int64_t)value,
                                 p->options->unit_ns, &time)) {
        return line_bad(p, begin, ERR_RANGE, MSG_LINE_TIME_RANGE, ARGS(A_STR(excerpt(p, begin))));
    }
    if (time < SAMPLE_TIME_MIN || time > p->latest_ns) {
        return time_bad(p, begin, time);
    }
    *ret_time_ns = time;
    *ret_flags = SAMPLE_SOURCE_TIME;
    return 0;
}

/* Nothing but blanks may follow. */
static int take_line_end(struct parse *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\r')) {
        p->at++;
    }
    if (p->at < p->end && *p->at != '\n') {
        return line_bad(p, p->at, ERR_INVALID, MSG_LINE_AFTER_TIME, ARGS(A_STR(excerpt(p, p->at))));
    }
    return 0;
}

static int take_line(struct parse *p) {
    uint32_t series = NO_SLOT;
    p->row_count = 0;
    for (;;) {
        uint32_t slot = NO_SLOT;
        int rc = take_field(p, series, &slot);
        if (rc < 0) {
            return rc;
        }
        if (series == NO_SLOT) {
            series = slot;
        }
        if (p->at == p->end || *p->at != ',') {
            break;
        }
        p->at++;
    }
    int64_t time_ns = 0;
    uint8_t flags = 0;
    int rc = take_time(p, &time_ns, &flags);
    if (rc >= 0) {
        rc = take_line_end(p);
    }
    for (uint32_t i = 0; rc >= 0 && i < p->row_count; i++) {
        p->rows[i]->time_ns = time_ns;
        p->rows[i]->flags = flags;
    }
    return rc;
}

static void skip_line(struct parse *p) {
    const char *next = memchr(p->at, '\n', (size_t)(p->end - p->at));
    p->at = next ? next : p->end;
}

static void parse_begin(struct line_parser *parser, const struct line_options *options) {
    if (parser->owner != options->owner || parser->pending_open > 0 ||
        parser->slot_count == LINE_SERIES_MAX || parser->texts.overflow) {
        parser_forget(parser);
    }
    parser->owner = options->owner;
    parser->pending_count = 0;
    parser->pending_open = 0;
    parser->error_count = 0;
    parser->bad_lines = 0;
    parser->row_count = 0;
    buf_clear(&parser->names);
}

static int64_t latest_time(int64_t now_ns) {
    int64_t latest = now_ns;
    bool over = __builtin_add_overflow(now_ns, SAMPLE_AHEAD_MAX_NS, &latest);
    return over || latest > SAMPLE_TIME_MAX ? SAMPLE_TIME_MAX : latest;
}

int64_t line_parse(struct line_parser *parser, const struct line_options *options, struct str text,
    struct err *err) {
    struct parse p = {.parser = parser,
        .options = options,
        .at = text.data,
        .end = text.data + text.size,
        .line = 1,
        .latest_ns = latest_time(options->now_ns),
        .err = err};
    parse_begin(parser, options);
    while (p.at < p.end) {
        p.line_begin = p.at;
        char c = *p.at;
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t') {
            p.line += c == '\n';
            p.at++;
            continue;
        }
        if (c == '#' || take_line(&p) < 0) {
            skip_line(&p);
        }
        if (p.stop < 0) {
            return p.stop;
        }
    }
    return (int64_t)parser->bad_lines;
}

uint64_t line_row_count(const struct line_parser *parser) {
    return parser->row_count;
}

uint32_t line_errors(const struct line_parser *parser, const struct line_error **ret_errors) {
    *ret_errors = parser->errors;
    return parser->error_count;
}

uint32_t line_pending_count(const struct line_parser *parser) {
    return parser->pending_count;
}

struct line_series line_pending(const struct line_parser *parser, uint32_t index) {
    const struct pending *pending = &parser->pending[index];
    return (struct line_series){
        {(const char *)parser->names.data + pending->name_offset, pending->name_size},
        pending->type};
}

void line_pending_set(struct line_parser *parser, uint32_t index, uint32_t tag) {
    struct slot *slot = &parser->slots[parser->pending[index].slot];
    DCHECK(slot->tag == (LINE_PENDING | index));
    slot->tag = tag;
    parser->pending_open--;
}
