/*
 * The one file that knows libzint.
 */
#include "papers/symbol.h"

#include <string.h>

#include <zint.h>

#include "core/check.h"
#include "production/words.h"

static const struct {
    int symbology;
    int mode;
    uint8_t quiet_sides;
    uint8_t quiet_ends;
} KINDS[] = {
    [SYMBOL_CODE128] = {BARCODE_CODE128, UNICODE_MODE, 10, 0},
    [SYMBOL_GS1_128] = {BARCODE_GS1_128, GS1_MODE | GS1PARENS_MODE, 10, 0},
    [SYMBOL_QR] = {BARCODE_QRCODE, UNICODE_MODE, 4, 4},
    [SYMBOL_GS1_QR] = {BARCODE_QRCODE, GS1_MODE | GS1PARENS_MODE, 4, 4},
    [SYMBOL_DATAMATRIX] = {BARCODE_DATAMATRIX, UNICODE_MODE, 1, 1},
    [SYMBOL_GS1_DATAMATRIX] = {BARCODE_DATAMATRIX, GS1_MODE | GS1PARENS_MODE, 1, 1},
};

static int take(const struct zint_symbol *from, enum symbol_kind kind, struct symbol *ret_symbol) {
    uint32_t sides = KINDS[kind].quiet_sides;
    uint32_t ends = KINDS[kind].quiet_ends;
    uint32_t wide = (uint32_t)from->width;
    uint32_t high = (uint32_t)from->rows;
    if (wide + 2 * sides > SYMBOL_MODULES_MAX || high + 2 * ends > SYMBOL_MODULES_MAX) {
        return -ERR_LIMIT;
    }
    memset(ret_symbol, 0, sizeof *ret_symbol);
    ret_symbol->columns = wide + 2 * sides;
    ret_symbol->rows = high + 2 * ends;
    for (uint32_t row = 0; row < high; row++) {
        for (uint32_t column = 0; column < wide; column++) {
            if ((from->encoded_data[row][column / 8] >> (column % 8) & 1) != 0) {
                uint32_t at = (row + ends) * ret_symbol->columns + column + sides;
                ret_symbol->black[at / 8] |= (uint8_t)(1U << (at % 8));
            }
        }
    }
    return 0;
}

int symbol_make(
    enum symbol_kind kind, struct str text, struct symbol *ret_symbol, struct err *err) {
    if (text.size == 0 || text.size > SYMBOL_TEXT_MAX) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_CODE),
            ARGS(A_STR(text), A_CSTR("1..200 bytes")));
    }
    struct zint_symbol *symbol = ZBarcode_Create();
    CHECK(symbol != NULL); // Memory is out.
    symbol->symbology = KINDS[kind].symbology;
    symbol->input_mode = KINDS[kind].mode;
    if (KINDS[kind].symbology == BARCODE_QRCODE) {
        symbol->option_1 = 2; // Level M: 15 % may be dirt.
    } else if (KINDS[kind].symbology == BARCODE_DATAMATRIX) {
        symbol->option_3 = DM_SQUARE;
    }
    int told = ZBarcode_Encode(symbol, (const unsigned char *)text.data, (int)text.size);
    bool good = told < ZINT_ERROR && told != ZINT_WARN_NONCOMPLIANT; // A wrong check digit.
    int rc = good ? take(symbol, kind, ret_symbol) : -ERR_INVALID;
    if (rc < 0) {
        rc = err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_CODE),
            ARGS(A_STR(text), A_CSTR(symbol->errtxt[0] != '\0' ? symbol->errtxt : "-")));
    }
    ZBarcode_Delete(symbol);
    return rc;
}
