/*
 * Omron addresses as they stand in CX-Programmer.
 *
 *     area number[.bit] [format] [order]      D100   D100 f32   CIO100.05   W10.3   E0_100   T5
 *
 * Areas: CIO (a number alone is CIO too), W work, H holding, A auxiliary, D data memory, E the
 * extended data memory with its bank in hexadecimal (E0_100, EM0:100; E100 is the bank in use), T
 * and C timers and counters: their present value, or with `bool` their completion flag. Words are
 * counted in decimal, bits of a word from 00 to 15 (W342 clause 5-2-2 lists areas and codes).
 */
#include "device/drivers/fins.h"

#include <string.h>

enum {
    NUMBER_MAX = 65535,
    TIMER_MAX = 4095,
    BANK_MAX = 0x18,
    BIT_NOT_SAID = 99,
    AREA_D = 0x82,
    AREA_EM = 0xA0,      // Bank 0; sixteen in a row.
    AREA_EM_HIGH = 0x60, // Bank 10h.
    AREA_EM_CURRENT = 0x98,
};

/* Longer names first: CIO and CNT before C. */
static const struct {
    const char *name;
    uint8_t area;
    bool is_counter;
} areas[] = {
    {"CIO", 0xB0, false},
    {"CNT", FINS_PRESENT, true},
    {"TIM", FINS_PRESENT, false},
    {"DM", AREA_D, false},
    {"EM", AREA_EM_CURRENT, false},
    {"WR", 0xB1, false},
    {"HR", 0xB2, false},
    {"AR", 0xB3, false},
    {"D", AREA_D, false},
    {"E", AREA_EM_CURRENT, false},
    {"W", 0xB1, false},
    {"H", 0xB2, false},
    {"A", 0xB3, false},
    {"T", FINS_PRESENT, false},
    {"C", FINS_PRESENT, true},
    {"", 0xB0, false},
};
enum { AREA_COUNT = sizeof areas / sizeof areas[0] };

uint8_t fins_bit_area(uint32_t space) {
    switch (space) {
    case AREA_D: return 0x02;
    case AREA_EM_CURRENT: return 0x0A;
    default: break;
    }
    if (space >= AREA_EM && space < AREA_EM + 16) {
        return (uint8_t)(0x20 + (space - AREA_EM));
    }
    if (space >= AREA_EM_HIGH && space < AREA_EM_HIGH + 16) {
        return (uint8_t)(0xE0 + (space - AREA_EM_HIGH));
    }
    return (uint8_t)(space - 0x80); // CIO, W, H, A: B0 to B3 become 30 to 33.
}

struct str fins_name(uint32_t space, uint32_t start, char *to) {
    static const char *const basic[] = {"CIO", "W", "H", "A"};
    bool is_counter = (space == FINS_PRESENT || space == FINS_FLAGS) && start >= FINS_COUNTERS;
    bool is_bank = (space >= AREA_EM && space < 0xB0) || (space >= AREA_EM_HIGH && space < 0x70);
    const char *name = space == AREA_D                                ? "D"
                       : space >= 0xB0 && space <= 0xB3               ? basic[space - 0xB0]
                       : space == FINS_PRESENT || space == FINS_FLAGS ? (is_counter ? "C" : "T")
                                                                      : "E";
    size_t size = strlen(name);
    memcpy(to, name, size);
    if (is_bank) {
        uint32_t bank = space >= AREA_EM ? space - AREA_EM : 0x10 + space - AREA_EM_HIGH;
        if (bank >= 0x10) {
            to[size++] = '1';
        }
        to[size++] = "0123456789ABCDEF"[bank & 15];
        to[size++] = '_';
    }
    size += i64_to_text(is_counter ? start - FINS_COUNTERS : start, to + size);
    return (struct str){.data = to, .size = size};
}

/* The bank before '_' or ':', where there is one; *number becomes what is behind it. */
static int take_bank(struct str *number, uint32_t *area, struct err *err) {
    size_t at = str_find(*number, '_');
    at = at < number->size ? at : str_find(*number, ':');
    if (at == number->size) {
        return 0;
    }
    uint32_t bank = 0;
    struct str text = str_slice(*number, 0, at);
    if (!plc_number(text, 16, BANK_MAX, &bank)) {
        return err_set(err, ERR_INVALID, MSG_FINS_BANK, ARGS(A_STR(text)));
    }
    *area = bank < 0x10 ? AREA_EM + bank : AREA_EM_HIGH + (bank - 0x10);
    *number = str_slice(*number, at + 1, number->size);
    return 0;
}

static int parse_place(
    struct str text, uint32_t *ret_area, uint32_t *ret_start, uint32_t *ret_bit, struct err *err) {
    struct str bit = text;
    struct str place = str_cut(&bit, '.');
    uint32_t i = 0;
    while (!str_eq_nocase(str_slice(place, 0, strlen(areas[i].name)), str_of(areas[i].name))) {
        i++; // The last name is empty and fits everything.
    }
    struct str number = str_slice(place, strlen(areas[i].name), place.size);
    uint32_t area = areas[i].area;
    uint32_t max = area == FINS_PRESENT ? TIMER_MAX : NUMBER_MAX;
    if (i + 1 == AREA_COUNT && (place.size == 0 || place.data[0] < '0' || place.data[0] > '9')) {
        return err_set(err, ERR_INVALID, MSG_FINS_AREA_UNKNOWN, ARGS(A_STR(place)));
    }
    int result = area == AREA_EM_CURRENT ? take_bank(&number, &area, err) : 0;
    if (result < 0) {
        return result;
    }
    if (!plc_number(number, 10, max, ret_start)) {
        return err_set(
            err, ERR_INVALID, MSG_FINS_NUMBER, ARGS(A_STR(number), A_STR(place), A_INT(max)));
    }
    *ret_start += areas[i].is_counter ? FINS_COUNTERS : 0;
    *ret_area = area;
    *ret_bit = BIT_NOT_SAID;
    if (bit.data == NULL) {
        return 0;
    }
    if (area == FINS_PRESENT) {
        return err_set(err, ERR_INVALID, MSG_FINS_TIMER_BIT, ARGS(A_STR(place)));
    }
    if (!plc_number(bit, 10, 15, ret_bit)) {
        return err_set(err, ERR_INVALID, MSG_FINS_BIT_RANGE, ARGS(A_STR(bit)));
    }
    return 0;
}

int fins_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    struct str rest = source;
    uint32_t area = 0;
    uint32_t start = 0;
    uint32_t bit = 0;
    struct plc_type type;
    int result = parse_place(plc_next_word(&rest), &area, &start, &bit, err);
    if (result == 0) {
        result =
            plc_parse_type(rest, PLC_U16, (uint32_t)settings->values[FINS_WORD_ORDER], &type, err);
    }
    if (result < 0) {
        return result;
    }
    bool is_flag = area == FINS_PRESENT && type.is_bool;
    bool is_bit = !is_flag && (bit != BIT_NOT_SAID || type.is_bool);
    if (bit != BIT_NOT_SAID && type.is_said && !type.is_bool) {
        return err_set(err, ERR_INVALID, MSG_PLC_BIT_FORMAT, NO_ARGS);
    }
    int64_t max = settings->values[FINS_MAX_WORDS];
    if ((int64_t)type.words > max) {
        return err_set(err, ERR_INVALID, MSG_PLC_TOO_WIDE, ARGS(A_INT(type.words), A_INT(max)));
    }
    struct point point = {.space = is_flag ? (uint32_t)FINS_FLAGS : area,
        .start = start,
        .length = is_bit || is_flag ? 1 : type.words};
    if (start + point.length > NUMBER_MAX + 1u) {
        return err_set(err, ERR_INVALID, MSG_FINS_END, ARGS(A_INT(start), A_INT(point.length)));
    }
    point.detail[PLC_DETAIL_FORMAT] = is_flag  ? (uint32_t)PLC_CELL
                                      : is_bit ? (uint32_t)PLC_WORD_BIT
                                               : (uint32_t)type.format;
    point.detail[PLC_DETAIL_ORDER] = type.order;
    point.detail[PLC_DETAIL_BIT] = bit != BIT_NOT_SAID ? bit : 0;
    point.detail[PLC_DETAIL_TEXT_BYTES] = type.text_bytes;
    if (type.format == PLC_TEXT) {
        point.detail[PLC_DETAIL_ENCODING] = (uint32_t)settings->values[FINS_ENCODING];
    }
    point.natural_type = is_bit || is_flag ? TYPE_BOOL : type.natural;
    /* A bit of a word has a code of its own, so writing it leaves its neighbours alone. */
    point.writable = !is_flag && type.format != PLC_TEXT;
    *ret_point = point;
    return 0;
}
