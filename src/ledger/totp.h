#ifndef LEDGER_TOTP_H
#define LEDGER_TOTP_H
/*
 * Codes of authenticator apps: RFC 6238 with SHA-1, six digits, steps of 30 s since 1970 (what
 * every app does without being told). Pure; any thread.
 */
#include "core/text.h"

enum {
    TOTP_SECRET_BYTES = 20, // RFC 4226 section 4, R6: 160 bits recommended.
    TOTP_DIGITS = 6,
    TOTP_STEP_S = 30,
    TOTP_DRIFT_STEPS = 1, // RFC 6238 section 5.2: a step for clocks and slow fingers.
};

int64_t totp_step_at(int64_t time_ns);
/* The code of a step, 0 to 999999 (RFC 4226 section 5.3). */
uint32_t totp_code(const uint8_t secret[TOTP_SECRET_BYTES], int64_t step);
/* The step whose code the text is, among the present and its neighbours and after `used`; -1: none.
 * Blanks in the text do not count. */
int64_t totp_find(
    const uint8_t secret[TOTP_SECRET_BYTES], struct str text, int64_t now_ns, int64_t used);
/* RFC 4648 section 6, without padding; `to` takes 8 letters for 5 bytes and a NUL. */
void base32_text(const uint8_t *bytes, size_t size, char *to);

#endif
