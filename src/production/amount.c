/*
 * Decimals of millionths. The text is first brought to ASCII (a Korean keyboard left in full-width
 * mode types U+FF10 and not 0), then cut into sign, digits, point and exponent, which are added up
 * in 64 bits with a check at each step: nothing is rounded, and what does not fit is refused.
 * Doubles are not used: 0.1 + 0.2 of them is not 0.3, and stock must add up.
 */
#include "production/amount.h"

enum { TEXT_MAX = 64, SIGNIFICANT_MAX = 40, DECIMALS = 6, EXPONENT_MAX = 40 };

/* What a text says: digits * 10^scale. */
struct parts {
    char digits[SIGNIFICANT_MAX]; // Values 0 to 9, without zeros in front.
    int count;
    int scale;
    bool negative;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* U+FF01..U+FF5E are U+0021..U+007E at full width: EF BC 81..BF and EF BD 80..9E. */
static bool to_ascii(struct str text, char *to, size_t *ret_size) {
    size_t size = 0;
    for (size_t i = 0; i < text.size; size++) {
        const unsigned char *byte = (const unsigned char *)text.data + i;
        if (size == TEXT_MAX) {
            return false;
        }
        if (byte[0] < 0x80) {
            to[size] = text.data[i++];
        } else if (text.size - i >= 3 && byte[0] == 0xef && byte[1] == 0xbc && byte[2] >= 0x81 &&
                   byte[2] <= 0xbf) {
            to[size] = (char)(byte[2] - 0x81 + 0x21);
            i += 3;
        } else {
            return false;
        }
    }
    *ret_size = size;
    return true;
}

static bool add_digit(struct parts *parts, char c) {
    if (parts->count == 0 && c == '0') {
        return true;
    }
    if (parts->count == SIGNIFICANT_MAX) {
        return false;
    }
    parts->digits[parts->count++] = (char)(c - '0');
    return true;
}

/* The whole part: digits, or groups of three behind a first one of one to three. Moves *at. */
static bool scan_whole(struct str text, size_t *at, struct parts *parts, bool *ret_any) {
    size_t group = 0;
    bool grouped = false;
    size_t i = *at;
    for (; i < text.size && (is_digit(text.data[i]) || text.data[i] == ','); i++) {
        if (text.data[i] != ',') {
            group++;
            if (!add_digit(parts, text.data[i])) {
                return false;
            }
            continue;
        }
        if (grouped ? group != 3 : group < 1 || group > 3) {
            return false;
        }
        grouped = true;
        group = 0;
    }
    *ret_any = i > *at;
    *at = i;
    return !grouped || group == 3;
}

static bool scan_exponent(struct str text, size_t at, struct parts *parts) {
    int64_t exponent = 0;
    bool plus = at < text.size && text.data[at] == '+';
    if (!str_to_i64(str_slice(text, at + plus, text.size), &exponent) || exponent < -EXPONENT_MAX ||
        exponent > EXPONENT_MAX || (plus && text.data[at + 1] == '-')) {
        return false;
    }
    parts->scale += (int)exponent;
    return true;
}

static bool scan(struct str text, struct parts *parts) {
    size_t at = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    bool any = false;
    parts->negative = at == 1 && text.data[0] == '-';
    if (!scan_whole(text, &at, parts, &any)) {
        return false;
    }
    if (at < text.size && text.data[at] == '.') {
        for (at++; at < text.size && is_digit(text.data[at]); at++) {
            any = true;
            parts->scale--;
            if (!add_digit(parts, text.data[at])) {
                return false;
            }
        }
    }
    if (!any || at == text.size) {
        return any;
    }
    return (text.data[at] == 'e' || text.data[at] == 'E') && scan_exponent(text, at + 1, parts);
}

bool decimal_parse(struct str text, int decimals, int64_t *ret_value) {
    char ascii[TEXT_MAX];
    struct parts parts = {.count = 0};
    size_t size = 0;
    if (!to_ascii(text, ascii, &size) || !scan((struct str){ascii, size}, &parts)) {
        return false;
    }
    int zeros = parts.scale + decimals; // Behind the digits.
    for (; zeros < 0 && parts.count > 0; zeros++) {
        if (parts.digits[--parts.count] != 0) {
            return false;
        }
    }
    int64_t value = 0; // Kept negative, because there is one more of these.
    for (int i = 0; i < parts.count + (parts.count > 0 ? zeros : 0); i++) {
        int digit = i < parts.count ? parts.digits[i] : 0;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value)) {
            return false;
        }
    }
    if (!parts.negative && value == INT64_MIN) {
        return false;
    }
    *ret_value = parts.negative ? value : -value;
    return true;
}

bool amount_parse(struct str text, int64_t *ret_u) {
    return decimal_parse(text, DECIMALS, ret_u);
}

size_t decimal_text(int64_t u, int decimals, char *to) {
    uint64_t unit = 1;
    for (int i = 0; i < decimals; i++) {
        unit *= 10;
    }
    uint64_t magnitude = u < 0 ? 0 - (uint64_t)u : (uint64_t)u;
    uint64_t part = magnitude % unit;
    size_t size = 0;
    if (u < 0) {
        to[size++] = '-';
    }
    size += i64_to_text((int64_t)(magnitude / unit), to + size);
    if (part > 0) {
        to[size++] = '.';
        for (uint64_t place = unit / 10; part > 0; place /= 10) {
            to[size++] = (char)('0' + part / place);
            part %= place;
        }
    }
    to[size] = '\0';
    return size;
}

size_t amount_text(int64_t u, char *to) {
    return decimal_text(u, DECIMALS, to);
}

void amount_put(struct buf *out, int64_t u) {
    char text[AMOUNT_TEXT_MAX];
    buf_put(out, text, amount_text(u, text));
}

const char *amount_z(int64_t u, char *to) {
    (void)amount_text(u, to);
    return to;
}
