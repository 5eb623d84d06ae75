/*
 * Application identifiers are recognised by their first two digits, which decide how many digits
 * the identifier has and whether its value has a predefined length (General Specifications, figure
 * 7.8.5-2); all others end at FNC1 or the end of the code. Which longer identifiers exist changes
 * with each edition, so an identifier whose first two digits are known is taken; what is checked of
 * its value is length and, where there is one, the check digit.
 */
#include "wire/gs1.h"

#include <math.h>
#include <string.h>

enum { FNC1 = 0x1D, VALUE_MAX = 90, SGTIN_HEADER = 0x30 };

struct family {
    uint8_t first; // First two digits, from..to.
    uint8_t last;
    uint8_t ai_digits;
    uint8_t length; // Predefined length of the value; 0: up to `max`.
    uint8_t max;
    bool checked; // The value's last digit is a check digit.
};

static const struct family FAMILIES[] = {
    {0, 0, 2, 18, 18, true},
    {1, 3, 2, 14, 14, true},
    {4, 4, 2, 16, 16, false},
    {10, 10, 2, 0, 20, false},
    {11, 19, 2, 6, 6, false},
    {20, 20, 2, 2, 2, false},
    {21, 22, 2, 0, 20, false},
    {23, 25, 3, 0, 30, false},
    {30, 30, 2, 0, 8, false},
    {31, 36, 4, 6, 6, false},
    {37, 37, 2, 0, 8, false},
    {39, 39, 4, 0, 15, false},
    {40, 40, 3, 0, 30, false},
    {41, 41, 3, 13, 13, true},
    {42, 42, 3, 0, 20, false},
    {43, 43, 4, 0, 70, false},
    {70, 70, 4, 0, 30, false},
    {71, 71, 3, 0, 20, false},
    {72, 72, 4, 0, 30, false},
    {80, 82, 4, 0, 70, false},
    {90, 99, 2, 0, VALUE_MAX, false},
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool all_digits(struct str text) {
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i])) {
            return false;
        }
    }
    return text.size > 0;
}

bool gs1_check_digit(struct str digits) {
    if (digits.size < 8 || digits.size > 18 || !all_digits(digits)) {
        return false;
    }
    unsigned sum = 0;
    for (size_t i = 0; i + 1 < digits.size; i++) { // The digit before the last weighs 3.
        unsigned weight = (digits.size - 1 - i) % 2 == 1 ? 3 : 1;
        sum += weight * (unsigned)(digits.data[i] - '0');
    }
    return (10 - sum % 10) % 10 == (unsigned)(digits.data[digits.size - 1] - '0');
}

static const struct family *family_of(struct str rest) {
    if (rest.size < 2 || !is_digit(rest.data[0]) || !is_digit(rest.data[1])) {
        return NULL;
    }
    int head = (rest.data[0] - '0') * 10 + (rest.data[1] - '0');
    for (size_t i = 0; i < sizeof FAMILIES / sizeof FAMILIES[0]; i++) {
        const struct family *family = &FAMILIES[i];
        if (head >= family->first && head <= family->last) {
            return rest.size >= family->ai_digits &&
                           all_digits(str_slice(rest, 0, family->ai_digits))
                       ? family
                       : NULL;
        }
    }
    return NULL;
}

/* Adds an element after checking it. */
static int add(struct gs1_code *code, const struct family *family, struct str ai, struct str value,
    struct err *err) {
    if (code->count == GS1_ELEMENTS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_GS1_ELEMENTS, ARGS(A_INT(GS1_ELEMENTS_MAX)));
    }
    bool fits = family->length > 0 ? value.size == family->length
                                   : value.size > 0 && value.size <= family->max;
    if (!fits || (family->length > 0 && !all_digits(value))) {
        return err_set(err, ERR_INVALID, MSG_GS1_LENGTH, ARGS(A_STR(ai), A_STR(value)));
    }
    if (family->checked && !gs1_check_digit(value)) {
        return err_set(err, ERR_INVALID, MSG_GS1_CHECK_DIGIT, ARGS(A_STR(value)));
    }
    code->elements[code->count++] = (struct gs1_element){.ai = ai, .value = value};
    return 0;
}

static int unknown(struct str rest, struct err *err) {
    struct str shown = str_slice(rest, 0, rest.size < GS1_AI_BYTES ? rest.size : GS1_AI_BYTES);
    return err_set(err, ERR_INVALID, MSG_GS1_IDENTIFIER, ARGS(A_STR(shown)));
}

/* "(01)...(10)...": a value ends at the next parenthesis that opens a known identifier. */
static int parse_written(struct str rest, struct gs1_code *code, struct err *err) {
    int result = 0;
    while (rest.size > 0 && result == 0) {
        size_t close = str_find(rest, ')');
        struct str ai = str_slice(rest, 1, close < rest.size ? close : 1);
        const struct family *family = rest.data[0] == '(' ? family_of(ai) : NULL;
        if (family == NULL || ai.size != family->ai_digits) {
            return unknown(ai.size > 0 ? ai : rest, err);
        }
        struct str behind = str_slice(rest, close + 1, rest.size);
        size_t end = str_find(behind, '(');
        result = add(code, family, ai, str_slice(behind, 0, end), err);
        rest = str_slice(behind, end < behind.size ? end : behind.size, behind.size);
    }
    return result;
}

static int parse_elements(struct str rest, struct gs1_code *code, struct err *err) {
    int result = 0;
    while (rest.size > 0 && result == 0) {
        if (rest.data[0] == FNC1) {
            rest = str_slice(rest, 1, rest.size);
            continue;
        }
        const struct family *family = family_of(rest);
        if (family == NULL) {
            return unknown(rest, err);
        }
        struct str ai = str_slice(rest, 0, family->ai_digits);
        struct str behind = str_slice(rest, family->ai_digits, rest.size);
        size_t end = str_find(behind, (char)FNC1);
        if (family->length > 0) {
            end = family->length < behind.size ? family->length : behind.size;
        }
        result = add(code, family, ai, str_slice(behind, 0, end), err);
        rest = str_slice(behind, end, behind.size);
    }
    return result;
}

int gs1_parse(struct str text, struct gs1_code *ret_code, struct err *err) {
    static const char *const SYMBOLOGIES[] = {"]C1", "]d2", "]Q3", "]e0", "]J1"};
    struct gs1_code code = {.count = 0};
    struct str rest = str_trim(text);
    bool marked = false;
    for (size_t i = 0; i < sizeof SYMBOLOGIES / sizeof SYMBOLOGIES[0] && !marked; i++) {
        marked = str_starts(rest, str_of(SYMBOLOGIES[i]));
    }
    if (marked) {
        rest = str_slice(rest, 3, rest.size);
    } else if (str_starts(rest, STR("]E0")) || str_starts(rest, STR("]E4"))) {
        rest = str_slice(rest, 3, rest.size); // EAN, UPC.
    }
    if (rest.size == 0) {
        return err_set(err, ERR_INVALID, MSG_GS1_EMPTY, NO_ARGS);
    }
    int result = 0;
    bool is_ean = rest.size == 8 || (rest.size >= 12 && rest.size <= 14);
    if (rest.data[0] == '(') {
        result = parse_written(rest, &code, err);
    } else if (!marked && is_ean && gs1_check_digit(rest)) {
        code.elements[code.count++] = (struct gs1_element){.ai = STR("01"), .value = rest};
    } else {
        result = parse_elements(rest, &code, err);
    }
    if (result == 0 && code.count == 0) { // Nothing but separators.
        result = err_set(err, ERR_INVALID, MSG_GS1_EMPTY, NO_ARGS);
    }
    if (result == 0) {
        *ret_code = code;
    }
    return result;
}

struct str gs1_find(const struct gs1_code *code, struct str ai) {
    for (uint32_t i = 0; i < code->count; i++) {
        struct str own = code->elements[i].ai;
        if (str_eq(own, ai) || (ai.size == 3 && own.size == 4 && str_starts(own, ai))) {
            return code->elements[i].value;
        }
    }
    return STR_NONE;
}

bool gs1_number(const struct gs1_element *element, double *ret_number) {
    if (!all_digits(element->value) || element->value.size > 15 ||
        !str_to_f64(element->value, ret_number)) {
        return false;
    }
    char head = element->ai.data[0];
    char next = element->ai.data[1];
    if (element->ai.size == 4 && head == '3' && next >= '1' && next <= '6') {
        *ret_number /= pow(10, element->ai.data[3] - '0');
    }
    return true;
}

static int two_digits(struct str text, size_t at) {
    return (text.data[at] - '0') * 10 + (text.data[at + 1] - '0');
}

bool gs1_date(struct str value, int year, char ret_text[11]) {
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (value.size != 6 || !all_digits(value)) {
        return false;
    }
    int yy = two_digits(value, 0);
    int month = two_digits(value, 2);
    int day = two_digits(value, 4);
    /* 51 to 99 years ahead: the century before; 50 to 99 back: the next (clause 7.12). */
    int difference = yy - year % 100;
    int full = year - year % 100 + yy + (difference >= 51 ? -100 : difference <= -50 ? 100 : 0);
    if (month < 1 || month > 12) {
        return false;
    }
    bool leap = (full % 4 == 0 && full % 100 != 0) || full % 400 == 0;
    int last = DAYS[month - 1] + (month == 2 && leap ? 1 : 0);
    day = day == 0 ? last : day;
    if (day > last || full < 1000 || full > 9999) {
        return false;
    }
    const int parts[3] = {full, month, day};
    char *to = ret_text;
    for (int i = 0; i < 3; i++) {
        int digits = i == 0 ? 4 : 2;
        for (int k = digits - 1, rest = parts[i]; k >= 0; k--, rest /= 10) {
            to[k] = (char)('0' + rest % 10);
        }
        to += digits;
        *to++ = i < 2 ? '-' : '\0';
    }
    return true;
}

/* ---- EPC ---- */

/* Bits of each part by partition, EPC Tag Data Standard table 14-2: company prefix, its digits,
 * item reference with the indicator digit in front, its digits. */
static const struct {
    uint8_t company_bits;
    uint8_t company_digits;
    uint8_t item_bits;
    uint8_t item_digits;
} PARTITIONS[] = {{40, 12, 4, 1}, {37, 11, 7, 2}, {34, 10, 10, 3}, {30, 9, 14, 4}, {27, 8, 17, 5},
    {24, 7, 20, 6}, {20, 6, 24, 7}};

static uint64_t take_bits(const uint8_t bytes[12], unsigned from, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = from; i < from + count; i++) {
        value = value << 1 | ((unsigned)bytes[i / 8] >> (7 - i % 8) & 1u);
    }
    return value;
}

static bool put_digits(char *to, uint64_t value, unsigned digits) {
    for (unsigned i = digits; i > 0; i--) {
        to[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return value == 0;
}

static int hex_value(char c) {
    return is_digit(c)            ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

bool gs1_epc(struct str hex, struct gs1_sgtin *ret_sgtin) {
    uint8_t bytes[12];
    if (hex.size != 24) {
        return false;
    }
    for (size_t i = 0; i < 12; i++) {
        int high = hex_value(hex.data[2 * i]);
        int low = hex_value(hex.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    uint64_t partition = take_bits(bytes, 11, 3);
    if (bytes[0] != SGTIN_HEADER || partition >= sizeof PARTITIONS / sizeof PARTITIONS[0]) {
        return false;
    }
    unsigned company_bits = PARTITIONS[partition].company_bits;
    unsigned item_bits = PARTITIONS[partition].item_bits;
    unsigned item_digits = PARTITIONS[partition].item_digits;
    char item[8];
    char company[13];
    if (!put_digits(
            company, take_bits(bytes, 14, company_bits), PARTITIONS[partition].company_digits) ||
        !put_digits(item, take_bits(bytes, 14 + company_bits, item_bits), item_digits)) {
        return false;
    }
    /* GTIN-14: indicator, company prefix, the rest of the item reference, check digit. */
    char *gtin = ret_sgtin->gtin;
    gtin[0] = item[0];
    memcpy(gtin + 1, company, PARTITIONS[partition].company_digits);
    memcpy(gtin + 1 + PARTITIONS[partition].company_digits, item + 1, item_digits - 1);
    gtin[GS1_GTIN_DIGITS] = '\0';
    for (char digit = '0'; digit <= '9'; digit++) {
        gtin[GS1_GTIN_DIGITS - 1] = digit;
        if (gs1_check_digit(str_of(gtin))) {
            break;
        }
    }
    ret_sgtin->serial = take_bits(bytes, 58, 38);
    return true;
}
