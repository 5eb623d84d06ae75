#ifndef DEVICE_DRIVERS_S7_H
#define DEVICE_DRIVERS_S7_H
/*
 * Private to drivers/s7*.c: what address, value and frame have to agree on. Times become whole
 * numbers of the unit named at each format, dates become text (docs/user).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/driver.h"

/* Area codes as they stand in a request. */
enum s7_area {
    S7_AREA_COUNTER = 0x1C,
    S7_AREA_TIMER = 0x1D,
    S7_AREA_INPUT = 0x81,
    S7_AREA_OUTPUT = 0x82,
    S7_AREA_MEMORY = 0x83,
    S7_AREA_DB = 0x84
};

enum s7_format {
    S7_BOOL = 0,
    S7_BYTE,  // Unsigned, 8 bits; also USINT.
    S7_CHAR,  // One or more characters, as text.
    S7_SINT,  // Signed, 8 bits.
    S7_WORD,  // Unsigned, 16 bits; also UINT.
    S7_INT,   // Signed, 16 bits.
    S7_DWORD, // Unsigned, 32 bits; also UDINT.
    S7_DINT,
    S7_LWORD, // Unsigned, 64 bits; also ULINT.
    S7_LINT,
    S7_REAL,
    S7_LREAL,
    S7_STRING,
    S7_WSTRING,
    S7_S5TIME,  // ms
    S7_TIME,    // ms
    S7_LTIME,   // ns
    S7_DATE,    // Text: 2026-11-21
    S7_TOD,     // Text: 12:34:56.789
    S7_DT,      // Text: 2026-11-21T12:34:56.789
    S7_DTL,     // Text: 2026-11-21T12:34:56.123456789
    S7_COUNTER, // 0..999
    S7_TIMER    // ms left
};

/* point.detail[]; space is area << 16 | number of the data block. */
enum s7_detail { S7_DETAIL_FORMAT = 0, S7_DETAIL_BIT, S7_DETAIL_CHARACTERS };

/* settings.values[], in the order of the option table. */
enum s7_option {
    S7_OPTION_RACK = 0,
    S7_OPTION_SLOT,
    S7_OPTION_CONNECTION,
    S7_OPTION_PDU,
    S7_OPTION_JOBS,
    S7_OPTION_GAP,
    S7_OPTION_ENCODING,
    S7_OPTION_LOCAL_TSAP,
    S7_OPTION_REMOTE_TSAP,
    S7_OPTION_COUNT
};
enum s7_encoding { S7_LATIN1 = 0, S7_ASCII, S7_UTF8, S7_CP949 };

enum {
    S7_PDU_MAX = 960,
    S7_PDU_MIN = 112, // Below it no controller is known, and a string would need dozens of parts.
    S7_ITEMS_MAX = 20,
    S7_JOBS_MAX = 8,
    S7_STRING_MAX = 254,
    S7_WSTRING_MAX = 1022,                   // 2,048 bytes; a text value holds up to 3 for each.
    S7_POINT_BYTES = 4 + 2 * S7_WSTRING_MAX, // The longest point.
    S7_CELLS = 65536,
    S7_VALUE_BYTES = 8 // The most that a write carries.
};

static inline uint32_t s7_area_of(uint32_t space) {
    return space >> 16;
}

/* Counters and timers: a cell is one of them, two bytes. Elsewhere a cell is a byte. */
static inline bool s7_is_counted(uint32_t space) {
    return space >> 16 == S7_AREA_COUNTER || space >> 16 == S7_AREA_TIMER;
}

/* s7_address.c: `DB1.DBX0.3`, `MW10 int`, `DB5.20 string(16)`. */
int s7_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err);

/* s7_value.c: `data` are the point's own bytes as they came. */
void s7_decode(const struct point *point, const struct driver_settings *settings,
    const uint8_t *data, struct point_sink *sink);
/* The bytes of a value to be written; how many, or negative with words. */
int s7_encode(const struct point *point, const struct sample *value,
    uint8_t ret_data[S7_VALUE_BYTES], struct err *err);

/* s7.c and s7_session.c, in an open session, for s7_doctor.c. */
/* Reads cells and throws them away: the item's return code, or the error class and code of the
 * whole answer (above 255). Negative: no answer. */
int s7_probe(struct driver_io *io, uint32_t space, uint32_t start, uint32_t cells, struct err *err);
/* The records of a system status list as far as they come in one message, into `ret_data`; their
 * bytes, 0 when the controller has no such list. *ret_record: bytes of each. */
int s7_read_list(struct driver_io *io, uint32_t list, uint8_t ret_data[S7_PDU_MAX],
    uint32_t *ret_record, struct err *err);
uint32_t s7_agreed_pdu(struct driver_io *io);
uint32_t s7_agreed_jobs(struct driver_io *io);

/* s7_doctor.c: who answers, whether it lets itself be read, how long the block is. */
int s7_diagnose(
    struct driver_io *io, const struct point *point, struct diagnosis *diagnosis, struct err *err);

/* s7_words.c: what the controller's codes mean. */
/* "DB5", "M", "T". `to` has 16 bytes. */
struct str s7_space_name(uint32_t space, char *to);
/* The return code of one item. */
int s7_item_words(uint8_t code, uint32_t space, uint32_t start, uint32_t length, struct err *err);
/* Error class and code of a whole answer (class << 8 | code). */
int s7_error_words(uint32_t code, struct err *err);
/* The reason of a refused connection (COTP disconnect request). */
int s7_refused_words(const struct driver_settings *settings, uint8_t reason, struct err *err);

#endif
