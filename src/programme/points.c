/*
 * Points as hundredths. A sheet prints whole points and a mean has two decimals; binary fractions
 * have neither, and 59.995 must not pass for 60 because of how a machine writes it down.
 */
#include "programme/points.h"

#include <math.h>

enum { MAGNITUDE_MAX = 1000000 };

bool points_of(const struct json_in *value, int64_t *ret_hundredths) {
    double number = 0;
    if (!json_in_number(value, &number) && !str_to_f64(str_trim(json_in_text(value)), &number)) {
        return false;
    }
    if (!(number >= -MAGNITUDE_MAX && number <= MAGNITUDE_MAX)) {
        return false;
    }
    double scaled = number * POINTS_ONE;
    double rounded = nearbyint(scaled);
    if (fabs(scaled - rounded) > 1e-6) {
        return false;
    }
    *ret_hundredths = (int64_t)rounded;
    return true;
}

size_t points_text(int64_t hundredths, char to[POINTS_TEXT_MAX]) {
    uint64_t magnitude = hundredths < 0 ? (uint64_t)-hundredths : (uint64_t)hundredths;
    size_t size = 0;
    if (hundredths < 0) {
        to[size++] = '-';
    }
    size += i64_to_text((int64_t)(magnitude / POINTS_ONE), to + size);
    uint64_t rest = magnitude % POINTS_ONE;
    if (rest > 0) {
        to[size++] = '.';
        to[size++] = (char)('0' + rest / 10);
        to[size++] = (char)('0' + rest % 10);
        to[size] = '\0';
    }
    return size;
}

void points_put(struct json *json, struct str key, int64_t hundredths) {
    char text[POINTS_TEXT_MAX];
    json_key_str(json, key);
    json_raw(json, (struct str){text, points_text(hundredths, text)});
}
