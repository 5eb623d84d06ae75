/*
 * Won and rates. 10^15 won times 10^6 millionths is 10^21, beyond 64 bits: the product is taken in
 * 128 bits, so that no rounding ever stands between a base and its grant.
 */
#include "programme/won.h"

#include <stdio.h>

#include "programme/words.h"

enum { RATE_DIGITS = 6 };

bool rate_of(const struct json_in *value, int32_t *ret_millionths) {
    char text[32];
    struct str digits = json_in_text(value);
    double number = 0;
    if (json_in_number(value, &number)) {
        digits = (struct str){text, f64_to_text(number, text)};
    }
    struct str rest = digits;
    struct str whole = str_cut(&rest, '.');
    int64_t units = 0;
    int64_t behind = 0;
    if (!str_to_i64(whole, &units) || units < 0 || units > 1 || rest.size > RATE_DIGITS ||
        (rest.size > 0 && (!str_to_i64(rest, &behind) || behind < 0))) {
        return false;
    }
    for (size_t i = rest.size; i < RATE_DIGITS; i++) {
        behind *= 10;
    }
    int64_t millionths = units * RATE_ONE + behind;
    if (millionths > RATE_ONE) {
        return false;
    }
    *ret_millionths = (int32_t)millionths;
    return true;
}

int64_t won_of_rate(int64_t base, int32_t millionths) {
    __int128 product = (__int128)base * millionths;
    return (int64_t)(product / RATE_ONE);
}

int won_of(const struct json_in *input, const char *name, int64_t *ret_won, struct err *err) {
    const struct json_in *value = json_in_get(input, name);
    if (!value) {
        return 0;
    }
    int64_t won = 0;
    if (!json_in_whole(value, &won) || won < 0 || won > WON_MAX) {
        return err_set(err, ERR_INVALID, SAY_DESK(PROGRAMME_WON), ARGS(A_CSTR(name)));
    }
    *ret_won = won;
    return 1;
}

size_t rate_text(int32_t millionths, char to[16]) {
    size_t size = f64_to_text(millionths / 10000.0, to);
    to[size++] = '%';
    to[size] = '\0';
    return size;
}

size_t won_text(int64_t won, char to[32]) {
    char digits[32];
    size_t count = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)won);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0 && digits[i - 1] != '-') {
            to[size++] = ',';
        }
        to[size++] = digits[i];
    }
    to[size] = '\0';
    return size;
}
