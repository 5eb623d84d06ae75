#ifndef DEVICE_DRIVERS_MELSEC_H
#define DEVICE_DRIVERS_MELSEC_H
/* Private to drivers/melsec*.c: what address, frame and error words have to agree on. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/drivers/plc_words.h"

/* settings.values[], in the order of the option table. */
enum melsec_option {
    MELSEC_SERIES = 0,
    MELSEC_FRAME,
    MELSEC_NETWORK,
    MELSEC_PC,
    MELSEC_MODULE_IO,
    MELSEC_STATION,
    MELSEC_MONITOR_MS,
    MELSEC_WORD_ORDER,
    MELSEC_ENCODING,
    MELSEC_MAX_WORDS,
    MELSEC_MAX_BITS,
    MELSEC_MAX_GAP,
    MELSEC_RANDOM,
    MELSEC_OPTION_COUNT
};
enum melsec_series { SERIES_Q = 0, SERIES_IQR, SERIES_FX };
enum melsec_frame { FRAME_3E = 0, FRAME_4E };

enum {
    MELSEC_WORDS_MAX = 960,   // One batch read, SH(NA)-080956 clause 5.2.
    MELSEC_BITS_MAX = 7168,   // In bit units, binary code.
    MELSEC_BITS_SAFE = 3584,  // What the smallest CPUs (iQ-F) give.
    MELSEC_RANDOM_WORDS = 96, // Words of a random read that every series takes.
};

/* A device of the PLC (D, M, X...). A space is a number in the table times two, plus one where bits
 * are read as words. */
struct melsec_device {
    const char *name;
    uint8_t code;
    bool is_bit;
    bool is_hex; // Numbers are hexadecimal; X and Y are octal on FX.
};
const struct melsec_device *melsec_device_of(uint32_t space);
/* 8, 10 or 16: how the device's numbers are written. */
uint32_t melsec_base(const struct melsec_device *device, enum melsec_series series);
static inline bool melsec_is_bits(uint32_t space) {
    return melsec_device_of(space)->is_bit && (space & 1) == 0;
}
/* Cells in a word of the space: bits in sixteens, words by themselves. */
static inline uint32_t melsec_width(uint32_t space) {
    return melsec_device_of(space)->is_bit ? 16 : 1;
}

/* melsec_address.c: `D100 f32`, `D100.A`, `X1F`, `M0 u16`. */
int melsec_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err);

/* melsec_words.c: what the PLC's end code means. */
enum melsec_verdict {
    MELSEC_REFUSED = 0, // This range does not exist or is too long.
    MELSEC_SETTING,     // It will be refused until somebody changes a setting.
    MELSEC_BUSY         // Another time.
};
/* Sets ERR_DEVICE with words; `what` names the device and number that were asked ("D100"). */
enum melsec_verdict melsec_end_code(uint32_t code, struct str what, struct err *err);

#endif
