#ifndef DEVICE_DRIVERS_FINS_H
#define DEVICE_DRIVERS_FINS_H
/* Private to drivers/fins*.c: what address, frame and error words have to agree on. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/drivers/plc_words.h"

/* settings.values[], in the order of the option table. */
enum fins_option {
    FINS_FRAMING = 0,
    FINS_NODE,
    FINS_PLC_NODE,
    FINS_NETWORK,
    FINS_UNIT,
    FINS_WORD_ORDER,
    FINS_ENCODING,
    FINS_MAX_WORDS,
    FINS_MAX_GAP,
    FINS_MULTIPLE,
    FINS_OPTION_COUNT
};
enum { FINS_FRAMING_AUTO = 0, FINS_FRAMING_TCP, FINS_FRAMING_UDP };

enum {
    FINS_WORDS_MAX = 999,   // What fits into a frame of 2,012 bytes, W342 clause 5-3-2.
    FINS_MULTIPLE_MAX = 64, // Items of a multiple read; CPU units take more, networks behind less.
};

/* A space is the area's code on the wire (W342 clause 5-2-2). */
enum {
    FINS_FLAGS = 0x09, // Completion flags of timers and counters, one byte each.
    FINS_PRESENT = 0x89,
    FINS_COUNTERS = 0x8000 // Added to a counter's number in both.
};
static inline uint32_t fins_cell_bytes(uint32_t space) {
    return space == FINS_FLAGS ? 1 : 2;
}
/* The code under which single bits of a word area are written. */
uint8_t fins_bit_area(uint32_t space);

/* fins_address.c: `D100 f32`, `CIO100.05`, `E0_100`, `T5`. */
int fins_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err);
/* "D100" for words; `to` takes 32 bytes. */
struct str fins_name(uint32_t space, uint32_t start, char *to);

/* fins_words.c: what an end code means. */
enum fins_verdict {
    FINS_REFUSED = 0, // This range does not exist or is too long.
    FINS_SETTING,     // It will be refused until somebody changes a setting.
    FINS_BUSY         // Another time.
};
/* Sets ERR_DEVICE with words; `what` names area and number that were asked ("D100"). */
enum fins_verdict fins_end_code(uint32_t code, struct str what, struct err *err);
/* The error of a FINS/TCP header, W421 clause 7-4-4.
 * Sets words; negative. */
int fins_tcp_error(uint32_t code, struct err *err);

#endif
