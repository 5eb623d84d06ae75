#ifndef PAPERS_SYMBOL_H
#define PAPERS_SYMBOL_H
/*
 * Bar codes and square codes as modules, by libzint: Code 128 (ISO/IEC 15417), QR Code (ISO/IEC
 * 18004), Data Matrix ECC 200 (ISO/IEC 16022), and the GS1 forms of them (General Specifications,
 * clause 5), which check identifiers, lengths and check digits. Pure; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

enum symbol_kind {
    SYMBOL_CODE128,
    SYMBOL_GS1_128,
    SYMBOL_QR,
    SYMBOL_GS1_QR,
    SYMBOL_DATAMATRIX,
    SYMBOL_GS1_DATAMATRIX
};

enum {
    SYMBOL_TEXT_MAX = 200,
    SYMBOL_MODULES_MAX = 512, // On a side, the quiet zone included.
};

/* Modules with their quiet zone: ten beside a bar code, four around QR, one around Data Matrix. */
struct symbol {
    uint32_t columns;
    uint32_t rows; // 1 of a bar code.
    uint8_t black[SYMBOL_MODULES_MAX * SYMBOL_MODULES_MAX / 8];
};
static inline bool symbol_is_black(const struct symbol *symbol, uint32_t column, uint32_t row) {
    uint32_t at = row * symbol->columns + column;
    return (symbol->black[at / 8] >> (at % 8) & 1) != 0;
}

/* GS1 kinds take element strings for people: "(01)08801234567893(10)A1". ERR_INVALID in words:
 * what the code does not allow. */
int symbol_make(enum symbol_kind kind, struct str text, struct symbol *ret_symbol, struct err *err);

#endif
