/*
 * Encodings. What Korean plants send is UTF-8 (with and without the mark), CP949 (what Korean
 * Windows and many SCADA programs write) and UTF-16 (Excel's "Unicode text").
 *
 * Finding out. A mark decides. Zeros decide for UTF-16, whose order is on which side of the pairs
 * the zeros of digits, separators and line ends stand: text of the other encodings has none. Bytes
 * below 0x80 are the same in UTF-8 and CP949, so nothing is decided before the first other byte;
 * then up to 64 KiB from there are looked at. Well-formed UTF-8 of several characters comes about
 * by chance hardly ever: two Korean syllables in CP949 pass for UTF-8 with a chance below one in a
 * hundred. CP949 that lies in the KS X 1001 area (lead and trail bytes from 0xA1) is what Korean
 * writers use; outside it the confidence is lower, because Latin-1 with accents looks like that.
 *
 * UTF-8 passes through uncopied. The rest goes through ICU's converters in pieces; a broken
 * sequence becomes U+FFFD, so that the reader can refuse the row and not the file.
 */
#include "table/encoding.h"

#include <string.h>

#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#include "core/buf.h"
#include "core/check.h"
#include "core/mem.h"

enum {
    OUT_BYTES = 64 << 10,
    PIVOT_UNITS = 4096,
    SHORT_UNITS = 256,
    SURE = 100,
    ZERO_LOOK_BYTES = 4096,
};

struct decoder {
    enum table_encoding encoding;
    uint32_t confidence_percent;
    uint64_t replaced;
    bool begun; // The first bytes have been looked at.
    UConverter *from;
    UConverter *utf8;
    UChar *pivot;
    UChar *pivot_source;
    UChar *pivot_target;
    char *out;
};

static const char REPLACEMENT[] = "\xEF\xBF\xBD";

static const struct {
    enum table_encoding encoding;
    const char *name;
} NAMES[] = {{TABLE_UTF8, "utf-8"}, {TABLE_UTF8_MARK, "utf-8-bom"}, {TABLE_CP949, "cp949"},
    {TABLE_UTF16LE, "utf-16le"}, {TABLE_UTF16BE, "utf-16be"}, {TABLE_ENCODING_AUTO, "auto"},
    {TABLE_UTF8, "utf8"}, {TABLE_UTF8_MARK, "utf-8-sig"}, {TABLE_UTF8_MARK, "utf8-bom"},
    {TABLE_CP949, "euc-kr"}, {TABLE_CP949, "ms949"}, {TABLE_CP949, "windows-949"},
    {TABLE_CP949, "uhc"}, {TABLE_CP949, "ksc5601"}, {TABLE_UTF16LE, "utf-16"},
    {TABLE_UTF16LE, "utf16"}, {TABLE_UTF16LE, "utf16le"}, {TABLE_UTF16BE, "utf16be"}};

bool table_encoding_of_name(struct str name, enum table_encoding *ret_encoding) {
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (str_eq_nocase(name, str_of(NAMES[i].name))) {
            *ret_encoding = NAMES[i].encoding;
            return true;
        }
    }
    return false;
}

const char *table_encoding_name(enum table_encoding encoding) {
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (NAMES[i].encoding == encoding) {
            return NAMES[i].name;
        }
    }
    NEVER(true);
    return "";
}

static const char *icu_name(enum table_encoding encoding) {
    switch (encoding) {
    case TABLE_CP949: return "windows-949";
    case TABLE_UTF16LE: return "UTF-16LE";
    case TABLE_UTF16BE: return "UTF-16BE";
    case TABLE_ENCODING_AUTO:
    case TABLE_UTF8:
    case TABLE_UTF8_MARK: break;
    }
    return "UTF-8";
}

static UConverter *open_converter(const char *name) {
    UErrorCode code = U_ZERO_ERROR;
    UConverter *converter = ucnv_open(name, &code);
    CHECK(U_SUCCESS(code)); // Its tables are a part of the library.
    return converter;
}

bool table_cp949_to_utf8(struct str bytes, char *to, size_t capacity, size_t *ret_size) {
    UErrorCode code = U_ZERO_ERROR;
    UConverter *from = open_converter(icu_name(TABLE_CP949));
    UConverter *utf8 = open_converter(icu_name(TABLE_UTF8));
    ucnv_setToUCallBack(from, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &code);
    UChar pivot[SHORT_UNITS];
    UChar *pivot_source = pivot;
    UChar *pivot_target = pivot;
    const char *source = bytes.data;
    char *target = to;
    ucnv_convertEx(utf8, from, &target, to + capacity, &source, bytes.data + bytes.size, pivot,
        &pivot_source, &pivot_target, pivot + SHORT_UNITS, true, true, &code);
    ucnv_close(from);
    ucnv_close(utf8);
    if (U_FAILURE(code)) {
        return false;
    }
    *ret_size = (size_t)(target - to);
    return true;
}

/* ---- Finding out ---- */

/* Counts of what the bytes would be in each encoding. */
struct census {
    size_t utf8;     // Well-formed characters of more than one byte.
    size_t utf8_bad; // Bytes that are none.
    size_t cp949;    // Pairs.
    size_t cp949_ks; // Of them in the area of KS X 1001.
    size_t cp949_bad;
};

static void count_utf8(struct str in, bool last, struct census *census) {
    size_t i = 0;
    while (i < in.size) {
        size_t length = str_utf8_length(in, i);
        if (length == 0) {
            if (!last && in.size - i < 4) {
                return; // Cut by the end of what is seen.
            }
            census->utf8_bad++;
            length = 1;
        } else {
            census->utf8 += length > 1;
        }
        i += length;
    }
}

static void count_cp949(struct str in, bool last, struct census *census) {
    size_t i = 0;
    while (i < in.size) {
        uint8_t lead = (uint8_t)in.data[i];
        if (lead < 0x80) {
            i++;
            continue;
        }
        if (i + 1 == in.size && !last) {
            return;
        }
        uint8_t trail = i + 1 < in.size ? (uint8_t)in.data[i + 1] : 0;
        bool pair = lead > 0x80 && lead < 0xFF &&
                    ((trail >= 0x41 && trail <= 0x5A) || (trail >= 0x61 && trail <= 0x7A) ||
                        (trail >= 0x81 && trail <= 0xFE));
        census->cp949 += pair;
        census->cp949_ks += pair && lead >= 0xA1 && trail >= 0xA1;
        census->cp949_bad += !pair;
        i += pair ? 2 : 1;
    }
}

static void decide(struct decoder *decoder, enum table_encoding encoding, uint32_t percent) {
    decoder->encoding = encoding;
    decoder->confidence_percent = percent;
}

/* At the first byte that is not ASCII. */
static int decide_korean(struct decoder *decoder, struct str in, bool last, struct err *err) {
    struct census census = {0};
    count_utf8(in, last, &census);
    count_cp949(in, last, &census);
    if (census.utf8_bad == 0 && census.utf8 > 0) {
        bool both = census.cp949_bad == 0; // Possible as either.
        decide(decoder, TABLE_UTF8, !both || census.utf8 > 4 ? 99 : census.utf8 > 1 ? 90 : 75);
    } else if (census.utf8 > 2 * census.utf8_bad) {
        decide(decoder, TABLE_UTF8, 70); // With broken places: CP949 makes far more of them.
    } else if (census.cp949_bad == 0 && census.cp949 > 0) {
        uint32_t ks = (uint32_t)(census.cp949_ks * 100 / census.cp949);
        decide(decoder, TABLE_CP949, 60 + ks * (census.cp949 > 2 ? 39 : 30) / 100);
    } else if (census.cp949 > 10 * census.cp949_bad) {
        decide(decoder, TABLE_CP949, 50);
    } else {
        return err_set(err, ERR_INVALID, MSG_TABLE_ENCODING_UNKNOWN, NO_ARGS);
    }
    return 0;
}

/* UTF-16 without a mark: pairs of an ASCII byte and a zero. Text has no zeros. */
static int decide_zeros(struct decoder *decoder, struct str in, struct err *err) {
    size_t little = 0;
    size_t big = 0;
    size_t both = 0; // Pairs that are two letters of the other encodings.
    size_t zeros = 0;
    for (size_t i = 0; i + 1 < in.size; i += 2) {
        uint8_t first = (uint8_t)in.data[i];
        uint8_t second = (uint8_t)in.data[i + 1];
        zeros += (first == 0) + (size_t)(second == 0);
        little += first != 0 && first < 0x80 && second == 0;
        big += second != 0 && second < 0x80 && first == 0;
        both += first != 0 && first < 0x80 && second != 0 && second < 0x80;
    }
    if (zeros == 0) {
        return 0;
    }
    if (little > both + 8 * big) {
        decide(decoder, TABLE_UTF16LE, big == 0 && both == 0 ? 97 : 80);
    } else if (big > both + 8 * little) {
        decide(decoder, TABLE_UTF16BE, little == 0 && both == 0 ? 97 : 80);
    } else {
        return err_set(err, ERR_INVALID, MSG_TABLE_NO_TEXT, NO_ARGS);
    }
    return 0;
}

/* At the very start: marks and zeros. *ret_skip: bytes of a mark. */
static int decide_start(struct decoder *decoder, struct str in, size_t *ret_skip, struct err *err) {
    enum table_encoding given = decoder->encoding;
    struct {
        struct str mark;
        enum table_encoding encoding;
    } marks[] = {{STR("\xEF\xBB\xBF"), TABLE_UTF8_MARK}, {STR("\xFF\xFE"), TABLE_UTF16LE},
        {STR("\xFE\xFF"), TABLE_UTF16BE}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        bool same = given == TABLE_ENCODING_AUTO || given == marks[i].encoding ||
                    (given == TABLE_UTF8 && marks[i].encoding == TABLE_UTF8_MARK) ||
                    (given == TABLE_UTF16LE && marks[i].encoding == TABLE_UTF16BE);
        if (same && str_starts(in, marks[i].mark)) {
            decide(decoder, marks[i].encoding, SURE);
            *ret_skip = marks[i].mark.size;
            return 0;
        }
    }
    if (given != TABLE_ENCODING_AUTO) {
        return 0;
    }
    return decide_zeros(decoder, str_slice(in, 0, ZERO_LOOK_BYTES), err);
}

/* ---- Decoding ---- */

/* ICU calls this at a broken sequence; `reason` tells the end of its life, too. */
static void replace_broken(const void *context, UConverterToUnicodeArgs *args,
    const char *code_units, int32_t length, UConverterCallbackReason reason, UErrorCode *code) {
    (void)code_units; // Told by the row, not by the byte.
    if (reason > UCNV_IRREGULAR) {
        return;
    }
    union {
        const void *in;
        uint64_t *replaced;
    } counter = {.in = context};
    *counter.replaced += length > 0 ? (uint64_t)length : 1;
    static const UChar MARK[1] = {0xFFFD};
    *code = U_ZERO_ERROR;
    ucnv_cbToUWriteUChars(args, MARK, 1, 0, code);
}

struct decoder *decoder_new(enum table_encoding encoding) {
    struct decoder *decoder = MEM_NEW(struct decoder);
    decoder->encoding = encoding;
    decoder->confidence_percent = encoding != TABLE_ENCODING_AUTO ? SURE : 0;
    return decoder;
}

void decoder_free(struct decoder *decoder) {
    if (decoder != NULL) {
        ucnv_close(decoder->from);
        ucnv_close(decoder->utf8);
        mem_free(decoder->pivot);
        mem_free(decoder->out);
        mem_free(decoder);
    }
}

static void open_icu(struct decoder *decoder) {
    UErrorCode code = U_ZERO_ERROR;
    decoder->from = open_converter(icu_name(decoder->encoding));
    decoder->utf8 = open_converter("UTF-8");
    ucnv_setToUCallBack(decoder->from, replace_broken, &decoder->replaced, NULL, NULL, &code);
    CHECK(U_SUCCESS(code));
    decoder->pivot = MEM_ARRAY(UChar, PIVOT_UNITS);
    decoder->pivot_source = decoder->pivot_target = decoder->pivot;
    decoder->out = mem_alloc(OUT_BYTES);
}

static int step_icu(struct decoder *decoder, struct str in, bool last, size_t *ret_used,
    struct str *ret_out, struct err *err) {
    if (decoder->from == NULL) {
        open_icu(decoder);
    }
    const char *source = in.data;
    char *target = decoder->out;
    UErrorCode code = U_ZERO_ERROR;
    ucnv_convertEx(decoder->utf8, decoder->from, &target, decoder->out + OUT_BYTES, &source,
        in.data + in.size, decoder->pivot, &decoder->pivot_source, &decoder->pivot_target,
        decoder->pivot + PIVOT_UNITS, false, last, &code);
    if (U_FAILURE(code) && code != U_BUFFER_OVERFLOW_ERROR) {
        return err_set(err, ERR_INVALID, MSG_TABLE_NO_TEXT, NO_ARGS);
    }
    *ret_used = (size_t)(source - in.data);
    *ret_out = (struct str){decoder->out, (size_t)(target - decoder->out)};
    return 0;
}

static void step_utf8(
    struct decoder *decoder, struct str in, bool last, size_t *ret_used, struct str *ret_out) {
    size_t bad = 0;
    if (str_is_utf8(in, &bad)) {
        bad = in.size;
    } else if (bad == 0) {
        if (!last && in.size < 4) {
            *ret_used = 0; // A character may be cut by the end.
            *ret_out = STR_NONE;
            return;
        }
        decoder->replaced++;
        *ret_used = 1;
        *ret_out = str_of(REPLACEMENT);
        return;
    }
    *ret_used = bad;
    *ret_out = str_slice(in, 0, bad);
}

static size_t ascii_size(struct str in) {
    size_t i = 0;
    while (i < in.size && (uint8_t)in.data[i] < 0x80 && in.data[i] != 0) {
        i++;
    }
    return i;
}

int decoder_step(struct decoder *decoder, struct str in, bool last, size_t *ret_used,
    struct str *ret_out, struct err *err) {
    if (!decoder->begun) {
        decoder->begun = true;
        size_t skip = 0;
        int status = decide_start(decoder, in, &skip, err);
        if (status < 0 || skip > 0) {
            *ret_used = skip;
            *ret_out = STR_NONE;
            return status;
        }
    }
    if (decoder->encoding == TABLE_ENCODING_AUTO) {
        size_t plain = ascii_size(in);
        if (plain > 0 || in.size == 0) {
            *ret_used = plain;
            *ret_out = str_slice(in, 0, plain);
            return 0;
        }
        int status = in.data[0] == 0 ? err_set(err, ERR_INVALID, MSG_TABLE_NO_TEXT, NO_ARGS)
                                     : decide_korean(decoder, str_slice(in, 0, DECODER_LOOK_BYTES),
                                           last && in.size <= DECODER_LOOK_BYTES, err);
        if (status < 0) {
            return status;
        }
    }
    if (decoder->encoding == TABLE_UTF8 || decoder->encoding == TABLE_UTF8_MARK) {
        step_utf8(decoder, in, last, ret_used, ret_out);
        return 0;
    }
    return step_icu(decoder, in, last, ret_used, ret_out, err);
}

enum table_encoding decoder_encoding(const struct decoder *decoder) {
    return decoder->encoding;
}

uint32_t decoder_confidence_percent(const struct decoder *decoder) {
    return decoder->encoding == TABLE_ENCODING_AUTO ? SURE : decoder->confidence_percent;
}

uint64_t decoder_replaced(const struct decoder *decoder) {
    return decoder->replaced;
}

/* ---- Encoding ---- */

struct encoder {
    enum table_encoding encoding;
    UConverter *utf8;
    UConverter *to;
    bool begun;
};

struct encoder *encoder_new(enum table_encoding encoding) {
    struct encoder *encoder = MEM_NEW(struct encoder);
    encoder->encoding = encoding;
    if (encoding != TABLE_UTF8 && encoding != TABLE_UTF8_MARK) {
        UErrorCode code = U_ZERO_ERROR;
        encoder->utf8 = open_converter("UTF-8");
        encoder->to = open_converter(icu_name(encoding));
        ucnv_setFromUCallBack(encoder->to, UCNV_FROM_U_CALLBACK_STOP, NULL, NULL, NULL, &code);
        CHECK(U_SUCCESS(code));
        ucnv_setFallback(encoder->to, false);
    }
    return encoder;
}

void encoder_free(struct encoder *encoder) {
    if (encoder != NULL) {
        ucnv_close(encoder->utf8);
        ucnv_close(encoder->to);
        mem_free(encoder);
    }
}

static void put_mark(struct encoder *encoder, struct buf *out) {
    switch (encoder->encoding) {
    case TABLE_UTF8_MARK: buf_put_str(out, STR("\xEF\xBB\xBF")); break;
    case TABLE_UTF16LE: buf_put_str(out, STR("\xFF\xFE")); break;
    case TABLE_UTF16BE: buf_put_str(out, STR("\xFE\xFF")); break;
    case TABLE_ENCODING_AUTO:
    case TABLE_UTF8:
    case TABLE_CP949: break;
    }
}

int encoder_put(struct encoder *encoder, struct str text, struct buf *out, struct err *err) {
    if (!encoder->begun) {
        encoder->begun = true;
        put_mark(encoder, out);
    }
    if (encoder->to == NULL) {
        buf_put_str(out, text);
        return 0;
    }
    UChar pivot[256];
    UChar *pivot_source = pivot;
    UChar *pivot_target = pivot;
    size_t room = 2 * text.size + 16;
    char *to = (char *)buf_reserve(out, room);
    CHECK(to != NULL);
    char *target = to;
    const char *source = text.data;
    UErrorCode code = U_ZERO_ERROR;
    ucnv_convertEx(encoder->to, encoder->utf8, &target, to + room, &source, text.data + text.size,
        pivot, &pivot_source, &pivot_target, pivot + 256, true, true, &code);
    buf_commit(out, (size_t)(target - to));
    if (U_SUCCESS(code)) {
        return 0;
    }
    return err_set(err, ERR_INVALID, MSG_TABLE_CHARACTER,
        ARGS(A_STR(str_slice(text, 0, 60)), A_CSTR(table_encoding_name(encoder->encoding))));
}
