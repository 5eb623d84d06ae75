/*
 * Text in normalization form C (Unicode Standard Annex 15). Names of files and copies from a Mac
 * come decomposed, each syllable as two or three jamo (U+1100..): they look the same and are not
 * found. ASCII and whole syllables, which is nearly everything, are recognised by their bytes;
 * the rest goes through ICU.
 */
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "table/table.h"

enum { TEXT_MAX_BYTES = 4096 };

/* Bytes of ASCII or of syllables, U+AC00..U+D7A3: EA B0 80 .. ED 9E A3. */
static bool is_plain(struct str text) {
    for (size_t i = 0; i < text.size;) {
        const unsigned char *byte = (const unsigned char *)text.data + i;
        if (byte[0] < 0x80) {
            i++;
        } else if (text.size - i >= 3 &&
                   ((byte[0] == 0xea && byte[1] >= 0xb0) || byte[0] == 0xeb || byte[0] == 0xec ||
                       (byte[0] == 0xed && byte[1] <= 0x9d))) {
            i += 3;
        } else {
            return false;
        }
    }
    return true;
}

bool table_nfc(struct str text, struct arena *arena, struct str *ret_text) {
    if (text.size > TEXT_MAX_BYTES || !str_is_utf8(text, NULL)) {
        return false;
    }
    if (is_plain(text)) {
        *ret_text = text;
        return true;
    }
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *normal = unorm2_getNFCInstance(&status);
    int32_t capacity = 2 * (int32_t)text.size + 1;
    UChar *from = ARENA_ARRAY(arena, UChar, (size_t)capacity);
    UChar *to = ARENA_ARRAY(arena, UChar, (size_t)capacity);
    int32_t size = 0;
    (void)u_strFromUTF8(from, capacity, &size, text.data, (int32_t)text.size, &status);
    size = unorm2_normalize(normal, from, size, to, capacity, &status);
    char *out = arena_array(arena, 3 * (size_t)capacity, 1);
    int32_t out_size = 0;
    (void)u_strToUTF8(out, 3 * capacity, &out_size, to, size, &status);
    if (U_FAILURE(status)) {
        return false;
    }
    *ret_text = (struct str){out, (size_t)out_size};
    return true;
}
