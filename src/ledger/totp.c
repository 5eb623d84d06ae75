/*
 * RFC 6238 over RFC 4226. A code is six digits, so one in a million is guessed; what keeps guessing
 * out is the limit on tries, and that a step's code opens once: who looks over a shoulder is late.
 * All three candidate steps are computed whatever the text is, and compared without a way out in
 * between, so that time tells nothing.
 */
#include "ledger/totp.h"

#include <string.h>

#include "core/clock.h"
#include "ledger/sha1.h"

int64_t totp_step_at(int64_t time_ns) {
    return time_ns / ((int64_t)TOTP_STEP_S * NS_PER_S);
}

uint32_t totp_code(const uint8_t secret[TOTP_SECRET_BYTES], int64_t step) {
    char counter[8];
    uint8_t mac[SHA1_BYTES];
    for (int i = 0; i < 8; i++) {
        counter[i] = (char)((uint64_t)step >> (56 - 8 * i));
    }
    hmac_sha1((struct str){(const char *)secret, TOTP_SECRET_BYTES},
        (struct str){counter, sizeof counter}, mac);
    size_t at = mac[SHA1_BYTES - 1] & 15;
    uint32_t number = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 |
                      (uint32_t)mac[at + 2] << 8 | mac[at + 3];
    return number % 1000000;
}

/* Six digits, blanks aside. */
static bool read_code(struct str text, uint32_t *ret_code) {
    uint32_t code = 0;
    int digits = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == ' ') {
            continue;
        }
        if (c < '0' || c > '9' || digits == TOTP_DIGITS) {
            return false;
        }
        code = code * 10 + (uint32_t)(c - '0');
        digits++;
    }
    *ret_code = code;
    return digits == TOTP_DIGITS;
}

int64_t totp_find(
    const uint8_t secret[TOTP_SECRET_BYTES], struct str text, int64_t now_ns, int64_t used) {
    uint32_t code = 0;
    bool is_code = read_code(text, &code);
    int64_t now = totp_step_at(now_ns);
    int64_t found = -1;
    for (int64_t step = now - TOTP_DRIFT_STEPS; step <= now + TOTP_DRIFT_STEPS; step++) {
        bool same = totp_code(secret, step) == code;
        found = same && is_code && step > used ? step : found;
    }
    return found;
}

void base32_text(const uint8_t *bytes, size_t size, char *to) {
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[i];
        for (count += 8; count >= 5; count -= 5) {
            *to++ = LETTERS[bits >> (count - 5) & 31];
        }
    }
    if (count > 0) {
        *to++ = LETTERS[bits << (5 - count) & 31];
    }
    *to = '\0';
}
