#ifndef DEVICE_DRIVERS_PLC_WORDS_H
#define DEVICE_DRIVERS_PLC_WORDS_H
/*
 * Private to the drivers of PLCs whose memory is 16-bit words (melsec, fins): the words behind an
 * address (`f32 ABCD`, `text:8`, `bcd16`), words to values and back, and the walk that packs
 * scattered points into one request. Pure functions; nothing is owned.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/driver.h"

enum plc_format {
    PLC_CELL = 0, // A bit that the controller addresses by itself.
    PLC_WORD_BIT, // One bit of a word.
    PLC_I16,
    PLC_U16,
    PLC_I32,
    PLC_U32,
    PLC_I64,
    PLC_U64,
    PLC_F32,
    PLC_F64,
    PLC_BCD16, // Four decimal digits, 0 to 9999.
    PLC_BCD32,
    PLC_TEXT
};

/* Of values in several words: how the bytes of 0xAABBCCDD lie. CDAB is the controllers' own way:
 * the low word at the lower number. BADC and DCBA also swap the bytes of each word; of a number in
 * one word only where its tag says so, of a bit never. The index is that of PLC_ORDER_WORDS. */
enum plc_order { PLC_CDAB = 0, PLC_ABCD, PLC_DCBA, PLC_BADC };
#define PLC_ORDER_WORDS "CDAB,ABCD,DCBA,BADC"

/* How texts are encoded; the index is that of PLC_ENCODING_WORDS. */
enum plc_encoding { PLC_UTF8 = 0, PLC_CP949 };
#define PLC_ENCODING_WORDS "utf8,cp949"

/* point.detail[] of these drivers. A text has no bit; its encoding stands there. */
enum plc_detail {
    PLC_DETAIL_FORMAT = 0,
    PLC_DETAIL_ORDER,
    PLC_DETAIL_BIT,
    PLC_DETAIL_TEXT_BYTES,
    PLC_DETAIL_ENCODING = PLC_DETAIL_BIT
};

enum { PLC_TEXT_MAX = 250 };

/* What stands behind an address. */
struct plc_type {
    enum plc_format format;
    uint32_t order; // enum plc_order
    uint32_t text_bytes;
    bool is_said;   // A format was written.
    bool is_bool;   // It was `bool`; `format` is left alone.
    uint32_t words; // That a value takes.
    enum value_type natural;
};

/* The next blank-separated word of *rest; empty at the end. */
struct str plc_next_word(struct str *rest);
/* Parses formats and an order; what is not said is `fallback` and `order`. ERR_INVALID. */
int plc_parse_type(struct str rest, enum plc_format fallback, uint32_t order,
    struct plc_type *ret_type, struct err *err);
/* A number of digits in base 8, 10 or 16, at most `max`; false for anything else. */
bool plc_number(struct str text, uint32_t base, uint32_t max, uint32_t *ret_value);

/* Gives the point's value. `data` are its own words as they came, two bytes each, low byte first
 * when `little`. */
void plc_decode(
    const struct point *point, const uint8_t *data, bool little, struct point_sink *sink);
/* The words of a value to be written, as they are sent; the number of bytes, or ERR_RANGE,
 * ERR_UNSUPPORTED with words. `ret_data` takes eight bytes. */
int plc_encode(const struct point *point, const struct sample *value, bool little,
    uint8_t *ret_data, struct err *err);
/* 0 or 1 for a point that is one bit. ERR_RANGE for what is neither. */
int plc_encode_bit(const struct sample *value, bool *ret_on, struct err *err);

/* Packs sorted points into words that need not be neighbours: each step lets `used` grow by the
 * words that the point needs and no other covers. A word holds `width` cells (16 for bits read as
 * words, else 1); such words begin at multiples of their width, so that the last bits of an area
 * are not asked together with what lies behind its end. */
struct plc_walk {
    uint32_t width;
    uint32_t used;      // Words so far.
    uint32_t run_base;  // First word of the running stretch,
    uint32_t run_start; // and its cell.
    uint32_t covered;   // Cell behind the last covered one.
};
/* Begins the points of another group; `used` goes on. */
void plc_walk_group(struct plc_walk *walk, uint32_t width);
/* The point's first cell, counted from the first one of word `run_base`. */
uint32_t plc_walk_step(struct plc_walk *walk, const struct point *point);
/* The cell where word `word` of the running stretch begins. */
uint32_t plc_walk_cell(const struct plc_walk *walk, uint32_t word);
/* Words that a group's points need when each is named by itself. */
uint32_t plc_walk_words(const struct point_group *group, uint32_t width);

/* The same words in other formats and orders, for the connection doctor; `place` is the address
 * without its format. Does nothing for bits and texts. */
void plc_offer_forms(const struct point *point, struct str place, struct diagnosis *diagnosis);

/* Four hexadecimal digits; `to` takes five bytes. Returns `to`. */
const char *plc_hex(uint32_t value, char *to);

#endif
