/*
 * MELSEC addresses as they stand in GX Works.
 *
 *     device number[.bit] [format] [order]        D100   D100 f32   W1F   X1F   D100.A   M0 u16
 *
 * Numbers of X, Y, B, W, SB, SW, DX and DY are hexadecimal on the Q, L and iQ-R series; on FX
 * (iQ-F) X and Y are octal; all others are decimal (SH(NA)-080956 clause 5.1, device code list;
 * JY997D56001 for iQ-F). That is the commonest mistake of all, so a digit that the base does not
 * have is answered with the base and the option that changes it. The bit of a word is one
 * hexadecimal digit, as GX Works writes it.
 *
 * A bit device is bool; with a 16-bit or wider format the bits from that number on are taken as
 * words, lowest bit first (GX Works' K4M0). T and C alone would be ambiguous: TN is the value of a
 * timer, TS its contact, TC its coil. Two-letter names are looked for first.
 */
#include "device/drivers/melsec.h"

static const struct melsec_device devices[] = {
    {"STS", 0xC7, true, false},
    {"STC", 0xC6, true, false},
    {"STN", 0xC8, false, false},
    {"SM", 0x91, true, false},
    {"SD", 0xA9, false, false},
    {"SB", 0xA1, true, true},
    {"SW", 0xB5, false, true},
    {"TS", 0xC1, true, false},
    {"TC", 0xC0, true, false},
    {"TN", 0xC2, false, false},
    {"CS", 0xC4, true, false},
    {"CC", 0xC3, true, false},
    {"CN", 0xC5, false, false},
    {"DX", 0xA2, true, true},
    {"DY", 0xA3, true, true},
    {"ZR", 0xB0, false, false},
    {"X", 0x9C, true, true},
    {"Y", 0x9D, true, true},
    {"M", 0x90, true, false},
    {"L", 0x92, true, false},
    {"F", 0x93, true, false},
    {"V", 0x94, true, false},
    {"B", 0xA0, true, true},
    {"S", 0x98, true, false},
    {"D", 0xA8, false, false},
    {"W", 0xB4, false, true},
    {"R", 0xAF, false, false},
    {"Z", 0xCC, false, false},
};
enum {
    DEVICE_COUNT = sizeof devices / sizeof devices[0],
    NUMBER_MAX_Q = 0xFFFFFF, // Three bytes.
    NUMBER_MAX_IQR = 0x7FFFFFFF,
    BIT_NOT_SAID = 99,
};

const struct melsec_device *melsec_device_of(uint32_t space) {
    return &devices[space / 2];
}

/* The device whose name begins the text, and the rest behind it. DEVICE_COUNT: none. */
static uint32_t find_device(struct str text, struct str *ret_number) {
    for (uint32_t i = 0; i < DEVICE_COUNT; i++) {
        struct str name = str_of(devices[i].name);
        if (str_eq_nocase(str_slice(text, 0, name.size), name)) {
            *ret_number = str_slice(text, name.size, text.size);
            return i;
        }
    }
    return DEVICE_COUNT;
}

uint32_t melsec_base(const struct melsec_device *device, enum melsec_series series) {
    if (series == SERIES_FX && (device->code == 0x9C || device->code == 0x9D)) {
        return 8;
    }
    return device->is_hex ? 16 : 10;
}

static int parse_number(const struct melsec_device *device, struct str text,
    enum melsec_series series, uint32_t *ret_number, struct err *err) {
    uint32_t max = series == SERIES_IQR ? NUMBER_MAX_IQR : NUMBER_MAX_Q;
    uint32_t base = melsec_base(device, series);
    if (plc_number(text, base, max, ret_number)) {
        return 0;
    }
    struct str name = str_of(device->name);
    switch (base) {
    case 8:
        return err_set(err, ERR_INVALID, MSG_MELSEC_NUMBER_OCTAL, ARGS(A_STR(text), A_STR(name)));
    case 16:
        return err_set(err, ERR_INVALID, MSG_MELSEC_NUMBER_HEX, ARGS(A_STR(text), A_STR(name)));
    default:
        return err_set(err, ERR_INVALID, MSG_MELSEC_NUMBER_DECIMAL, ARGS(A_STR(text), A_STR(name)));
    }
}

/* The device, its number, and the bit where one stands. */
static int parse_place(struct str text, enum melsec_series series, uint32_t *ret_device,
    uint32_t *ret_number, uint32_t *ret_bit, struct err *err) {
    struct str bit = text;
    struct str place = str_cut(&bit, '.');
    struct str number = STR_NONE;
    uint32_t device = find_device(place, &number);
    if (device == DEVICE_COUNT) {
        bool is_timer = place.size > 1 && (place.data[0] | 0x20) == 't';
        bool is_counter = place.size > 1 && (place.data[0] | 0x20) == 'c';
        if (is_timer || is_counter) {
            return err_set(err, ERR_INVALID, MSG_MELSEC_TIMER,
                ARGS(A_STR(place), A_STR(str_slice(place, 0, 1)),
                    A_STR(str_slice(place, 1, place.size))));
        }
        return err_set(err, ERR_INVALID, MSG_MELSEC_DEVICE_UNKNOWN, ARGS(A_STR(place)));
    }
    int result = parse_number(&devices[device], number, series, ret_number, err);
    if (result < 0) {
        return result;
    }
    *ret_device = device;
    *ret_bit = BIT_NOT_SAID;
    if (bit.data == NULL) {
        return 0;
    }
    if (devices[device].is_bit) {
        return err_set(err, ERR_INVALID, MSG_MELSEC_BIT_DEVICE, ARGS(A_CSTR(devices[device].name)));
    }
    if (!plc_number(bit, 16, 15, ret_bit)) {
        return err_set(err, ERR_INVALID, MSG_MELSEC_BIT_RANGE, ARGS(A_STR(bit)));
    }
    return 0;
}

int melsec_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    struct str rest = source;
    uint32_t device = 0;
    uint32_t start = 0;
    uint32_t bit = 0;
    struct plc_type type;
    enum melsec_series series = (enum melsec_series)settings->values[MELSEC_SERIES];
    int result = parse_place(plc_next_word(&rest), series, &device, &start, &bit, err);
    if (result == 0) {
        result = plc_parse_type(
            rest, PLC_I16, (uint32_t)settings->values[MELSEC_WORD_ORDER], &type, err);
    }
    if (result < 0) {
        return result;
    }
    bool is_bit_device = devices[device].is_bit;
    bool as_words = is_bit_device && type.is_said && !type.is_bool;
    bool is_cell = is_bit_device && !as_words;
    bool is_word_bit = !is_bit_device && (bit != BIT_NOT_SAID || type.is_bool);
    if (bit != BIT_NOT_SAID && type.is_said && !type.is_bool) {
        return err_set(err, ERR_INVALID, MSG_PLC_BIT_FORMAT, NO_ARGS);
    }
    struct point point = {.space = device * 2 + as_words, .start = start, .length = type.words};
    point.detail[PLC_DETAIL_FORMAT] = is_cell       ? (uint32_t)PLC_CELL
                                      : is_word_bit ? (uint32_t)PLC_WORD_BIT
                                                    : (uint32_t)type.format;
    point.detail[PLC_DETAIL_ORDER] = type.order;
    point.detail[PLC_DETAIL_BIT] = bit != BIT_NOT_SAID ? bit : 0;
    point.detail[PLC_DETAIL_TEXT_BYTES] = type.text_bytes;
    if (type.format == PLC_TEXT) {
        point.detail[PLC_DETAIL_ENCODING] = (uint32_t)settings->values[MELSEC_ENCODING];
    }
    point.natural_type = is_cell || is_word_bit ? TYPE_BOOL : type.natural;
    /* The bit of a word cannot be written without its neighbours. */
    point.writable = !is_word_bit && type.format != PLC_TEXT;
    point.length = is_cell || is_word_bit ? 1 : as_words ? type.words * 16 : type.words;
    int64_t max = settings->values[MELSEC_MAX_WORDS];
    if (!is_cell && (int64_t)type.words > max) {
        return err_set(err, ERR_INVALID, MSG_PLC_TOO_WIDE, ARGS(A_INT(type.words), A_INT(max)));
    }
    *ret_point = point;
    return 0;
}
