#ifndef DEVICE_DRIVERS_XGT_H
#define DEVICE_DRIVERS_XGT_H
/*
 * Private to drivers/xgt*.c: what address, value and the two frames have to agree on. A cell is a
 * word of an area; bytes and bits are places inside their word. The bits of timers and counters
 * are no part of their words and have spaces of their own, one cell a bit.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/driver.h"

/* Spaces: the index of the area's letter in XGT_AREAS; + XGT_BITS for contacts of T and C. */
#define XGT_AREAS "PMLKFTCDRZNWIQ"
enum { XGT_AREA_COUNT = sizeof XGT_AREAS - 1, XGT_BITS = 32, XGT_STATE = 64 };

enum xgt_format {
    XGT_BIT = 0,  // Named as a bit: %MX1A. `sub` is 0 to 15.
    XGT_WORD_BIT, // A bit of a word: D100.3.
    XGT_CONTACT,  // Of a timer or counter.
    XGT_I8,
    XGT_U8,
    XGT_I16,
    XGT_U16,
    XGT_I32,
    XGT_U32,
    XGT_I64,
    XGT_U64,
    XGT_F32,
    XGT_F64,
    XGT_BCD16,
    XGT_BCD32,
    XGT_TEXT,
    XGT_PLC // What the controller says about itself; `sub` is enum xgt_plc.
};
enum xgt_plc { XGT_PLC_STATE = 0, XGT_PLC_RUN, XGT_PLC_ERROR, XGT_PLC_STANDBY, XGT_PLC_CPU };

/* point.detail[]: sub is the bit of the word (0..15), or the byte of the word (0, 1). */
enum xgt_detail { XGT_FORMAT = 0, XGT_SUB, XGT_ORDER, XGT_TEXT_BYTES };
enum xgt_order { XGT_LOW_FIRST = 0, XGT_HIGH_FIRST };

/* settings.values[], in the order of the option table. */
enum xgt_option {
    XGT_OPTION_CPU = 0,
    XGT_OPTION_BITS,
    XGT_OPTION_COMPANY,
    XGT_OPTION_FRAMING,
    XGT_OPTION_STATION,
    XGT_OPTION_BASE,
    XGT_OPTION_SLOT,
    XGT_OPTION_MAX_BYTES,
    XGT_OPTION_MAX_GAP,
    XGT_OPTION_WORD_ORDER,
    XGT_OPTION_IO_NAMES,
    XGT_OPTION_BCC,
    XGT_OPTION_COUNT
};
enum xgt_cpu { XGT_CPU_XGK = 0, XGT_CPU_XGB, XGT_CPU_XGI, XGT_CPU_XGR, XGT_CPU_XGB_IEC };
enum { XGT_BITS_AUTO = 0, XGT_BITS_HEX, XGT_BITS_FLAT };
enum { XGT_COMPANY_XGT = 0, XGT_COMPANY_GLOFA };
enum { XGT_FRAMING_AUTO = 0, XGT_FRAMING_FENET, XGT_FRAMING_CNET };
enum { XGT_IO_FLAT = 0, XGT_IO_SLOT };

enum {
    XGT_BLOCKS_MAX = 16,      // Of one individual request.
    XGT_RUN_BYTES_MAX = 1400, // Of one continuous request on Ethernet.
    XGT_CNET_WORDS_MAX = 60,  // Of one continuous request on a serial line.
    XGT_TEXT_MAX = 250,
    XGT_WORDS_MAX = 1 << 22, // Words an area may have; the largest of the series is below.
    XGT_HEAD_BYTES = 20,
    XGT_BODY_MAX = XGT_RUN_BYTES_MAX + 64,
    XGT_FRAME_MAX = XGT_HEAD_BYTES + XGT_BODY_MAX,
    XGT_NAME_MAX = 20,
};

/* One request, however it is framed. */
enum xgt_kind { XGT_READ_BLOCKS = 0, XGT_READ_RUN, XGT_WRITE_BLOCK, XGT_WRITE_RUN };
enum xgt_width { XGT_WIDTH_BIT = 0, XGT_WIDTH_BYTE, XGT_WIDTH_WORD };
struct xgt_block {
    uint32_t area; // Index in XGT_AREAS.
    uint32_t word; // Of a contact: its number.
    uint32_t sub;  // Bit or byte of the word, by the width.
};
struct xgt_request {
    enum xgt_kind kind;
    enum xgt_width width; // Of the blocks.
    uint32_t count;       // Blocks; 1 of a run.
    struct xgt_block blocks[XGT_BLOCKS_MAX];
    uint32_t bytes;      // Of a run, from the first block's byte on.
    const uint8_t *data; // To be written, low byte first.
};
/* Bytes that a good answer to a read must bring. */
size_t xgt_answer_bytes(const struct xgt_request *request);

/* xgt_address.c */
int xgt_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err);
/* The name on the wire, "%DB200"; its length. `to` has XGT_NAME_MAX bytes. */
size_t xgt_put_name(const struct driver_settings *settings, const struct xgt_block *block,
    enum xgt_width width, char *to);
bool xgt_is_cnet(const struct driver_settings *settings);
bool xgt_bits_are_flat(const struct driver_settings *settings, uint32_t area);

/* xgt_value.c: `data` are the point's own words, low byte first. */
void xgt_decode(const struct point *point, const uint8_t *data, struct point_sink *sink);
/* The bytes of a value to be written (8 at most), or negative with words. */
int xgt_encode(
    const struct point *point, const struct sample *value, uint8_t *ret_data, struct err *err);

/* xgt_fenet.c: LSIS frames on Ethernet. */
struct xgt_head {
    uint32_t info; // About the controller: state, error, redundancy.
    uint32_t cpu;
    uint32_t invoke;
    uint32_t length; // Of the body.
};
size_t xgt_fenet_put(const struct driver_settings *settings, const struct xgt_request *request,
    uint16_t invoke, uint8_t *frame);
int xgt_fenet_take_head(const struct driver_settings *settings, const uint8_t *bytes,
    struct xgt_head *ret_head, struct err *err);
/* 0: `data` holds what was read; above 0: the controller refused with that code; negative: this is
 * no answer to the request. */
int xgt_fenet_take_body(const struct xgt_request *request, const uint8_t *body, size_t size,
    uint8_t *data, struct err *err);
/* Words for a refusal. */
int xgt_fenet_words(int code, const char *name, struct err *err);

/* xgt_cnet.c: ASCII frames on serial lines. */
enum { XGT_CNET_FRAME_MAX = 640 };
size_t xgt_cnet_put(
    const struct driver_settings *settings, const struct xgt_request *request, uint8_t *frame);
/* `frame` is whole, from ACK or NAK to ETX and the check behind it. Results as above; besides 1 <<
 * 16: a good frame of another station. */
int xgt_cnet_take(const struct driver_settings *settings, const struct xgt_request *request,
    const uint8_t *frame, size_t size, uint8_t *data, struct err *err);
enum { XGT_CNET_FOREIGN = 1 << 16 };
int xgt_cnet_words(int code, const char *name, struct err *err);

/* xgt.c */
/* PLC info of an answer's header. */
enum {
    XGT_INFO_STANDBY = 1 << 6,
    XGT_INFO_ERROR = 1 << 7,
    XGT_INFO_STATE_SHIFT = 8,
    XGT_INFO_STATE_MASK = 0x1F
};
/* One request and its answer. 0: what was read is in xgt_data; above 0: the code of a refusal;
 * negative: no answer to it. `settings` may differ from the device's own. */
int xgt_exchange(struct driver_io *io, const struct driver_settings *settings,
    const struct xgt_request *request, struct err *err);
const uint8_t *xgt_data(struct driver_io *io);
const struct xgt_head *xgt_last_head(struct driver_io *io); // Of the newest answer; Ethernet only.
const char *xgt_state_name(uint32_t info);                  // "run", "stop", ...
void xgt_cpu_name(uint32_t cpu, char name[8]); // "XGK", ...; "0x91" where it is none we know.
/* A word that every model has, read for the header of its answer; even a refusal has one. */
extern const struct xgt_request xgt_probe;

/* xgt_diagnose.c */
int xgt_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err);

#endif
