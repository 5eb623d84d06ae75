#ifndef WIRE_GS1_H
#define WIRE_GS1_H
/*
 * What a bar code or RFID label says, by the GS1 General Specifications (clause 3: application
 * identifiers; clause 5.10 and 7.8: element strings, FNC1, predefined lengths; clause 7.9: check
 * digits) and the EPC Tag Data Standard 1.13 (clause 14.5.1: SGTIN-96). Pure; any thread; nothing
 * is allocated; values borrow the code.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum { GS1_ELEMENTS_MAX = 24, GS1_AI_BYTES = 4, GS1_GTIN_DIGITS = 14 };

struct gs1_element {
    struct str ai;    // Two to four digits: "01", "310", "3103".
    struct str value; // Without it.
};

struct gs1_code {
    struct gs1_element elements[GS1_ELEMENTS_MAX];
    uint32_t count;
};

/* Takes a code apart: with a symbology identifier (]C1 ]d2 ]Q3 ]e0) or without, with FNC1 as the
 * control character GS (1D hex), or written for people "(01)08801234567893(10)A1". A plain number
 * of 8, 12, 13 or 14 digits with a right check digit (EAN, UPC) is one element 01. ERR_INVALID
 * with words: not of GS1, or with a fault (unknown identifier, length, check digit). */
int gs1_parse(struct str code, struct gs1_code *ret_code, struct err *err);
/* The value of an identifier; empty when the code has none. "310" finds any 310n. */
struct str gs1_find(const struct gs1_code *code, struct str ai);
/* The number of a measure (31nn to 36nn, last digit of the identifier: decimals) or of a plain
 * count. False: not a number. */
bool gs1_number(const struct gs1_element *element, double *ret_number);
/* "261231" as 2026-12-31 (clause 7.12: the century nearest to `year`; day 00: the month's last).
 * ret_text holds 11 bytes. False: no date. */
bool gs1_date(struct str value, int year, char ret_text[11]);
/* True when the last digit is the check digit of those before (8 to 18 digits). */
bool gs1_check_digit(struct str digits);

/* The 24 hexadecimal digits of an SGTIN-96: item number and serial number. False: another scheme.
 */
struct gs1_sgtin {
    char gtin[GS1_GTIN_DIGITS + 1];
    uint64_t serial;
};
bool gs1_epc(struct str hex, struct gs1_sgtin *ret_sgtin);

#endif
