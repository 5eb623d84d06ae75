/*
 * Syllables are laid out by rule (The Unicode Standard 15.0, section 3.12): U+AC00 + (initial * 21
 * + vowel) * 28 + final, so the initial consonant is a division away. What a keyboard types for a
 * lone consonant is a compatibility jamo (U+3131..), of which nineteen are initials. Letters are
 * compared one by one at every place: names are short, and a table of skips would cost more to
 * make.
 */
#include "core/hangul.h"

#include <stdint.h>

enum { SYLLABLE_FIRST = 0xac00, SYLLABLE_LAST = 0xd7a3, SYLLABLES_AN_INITIAL = 21 * 28 };

static const uint16_t INITIALS[19] = {0x3131, 0x3132, 0x3134, 0x3137, 0x3138, 0x3139, 0x3141,
    0x3142, 0x3143, 0x3145, 0x3146, 0x3147, 0x3148, 0x3149, 0x314a, 0x314b, 0x314c, 0x314d, 0x314e};

/* The letter at *at, which moves behind it; a byte that is no UTF-8 is a letter of its own. */
static uint32_t next_letter(struct str text, size_t *at) {
    const unsigned char *byte = (const unsigned char *)text.data + *at;
    size_t size = str_utf8_length(text, *at);
    *at += size > 0 ? size : 1;
    switch (size) {
    case 2: return ((byte[0] & 0x1fU) << 6) | (byte[1] & 0x3fU);
    case 3: return ((byte[0] & 0x0fU) << 12) | ((byte[1] & 0x3fU) << 6) | (byte[2] & 0x3fU);
    case 4:
        return ((byte[0] & 0x07U) << 18) | ((byte[1] & 0x3fU) << 12) | ((byte[2] & 0x3fU) << 6) |
               (byte[3] & 0x3fU);
    default: return byte[0] >= 'A' && byte[0] <= 'Z' ? byte[0] + ('a' - 'A') : byte[0];
    }
}

static bool is_met(uint32_t asked, uint32_t letter) {
    bool is_syllable = letter >= SYLLABLE_FIRST && letter <= SYLLABLE_LAST;
    return asked == letter ||
           (is_syllable && asked == INITIALS[(letter - SYLLABLE_FIRST) / SYLLABLES_AN_INITIAL]);
}

static bool begins_with(struct str where, size_t at, struct str what) {
    size_t asked = 0;
    while (asked < what.size) {
        if (at >= where.size) {
            return false;
        }
        uint32_t letter = next_letter(where, &at);
        if (!is_met(next_letter(what, &asked), letter)) {
            return false;
        }
    }
    return true;
}

bool hangul_contains(struct str where, struct str what) {
    bool found = what.size == 0;
    for (size_t at = 0; at < where.size && !found; (void)next_letter(where, &at)) {
        found = begins_with(where, at, what);
    }
    return found;
}
