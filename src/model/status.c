/*
 * Words and names of OPC UA StatusCodes.
 *
 * IEC 62541-4 clause 7.39: bits 30-31 are the severity, 16-27 the sub-code, and the low 16 bits
 * carry information about one answer (limit bits, overflow), not another condition. So a code is
 * looked up without its low half; a code that is not in our table is told by its severity alone
 * instead of as a bare number. The table has under twenty entries: a linear search beats a map.
 */
#include "core/err.h"
#include "model/sample.h"

struct status_entry {
    uint32_t code;
    const char *words[2]; // By enum lang.
};

static const struct status_entry STATUSES[] = {
#define STATUS(name, code, en, ko) {(code), {(ko), (en)}},
#include "model/status.def"
#undef STATUS
};
_Static_assert(LANG_KO == 0 && LANG_EN == 1, "the words above are indexed by language");
enum { STATUS_COUNT = sizeof STATUSES / sizeof STATUSES[0], STATUS_CODE_SHIFT = 16 };

/* The symbols of the OPC Foundation's StatusCode.csv, in the order of status.def. They are not
 * spelled by rule from ours: BAD_COMMUNICATION is BadCommunicationError there. */
static const struct {
    uint32_t code;
    const char *symbol;
} SYMBOLS[] = {
    {0x00000000u, "Good"},
    {0x00300000u, "GoodClamped"},
    {0x40000000u, "Uncertain"},
    {0x40900000u, "UncertainLastUsableValue"},
    {0x40930000u, "UncertainSensorNotAccurate"},
    {0x40940000u, "UncertainEngineeringUnitsExceeded"},
    {0x80000000u, "Bad"},
    {0x80050000u, "BadCommunicationError"},
    {0x800A0000u, "BadTimeout"},
    {0x808B0000u, "BadDeviceFailure"},
    {0x808C0000u, "BadSensorFailure"},
    {0x803C0000u, "BadOutOfRange"},
    {0x80380000u, "BadDataEncodingInvalid"},
    {0x808A0000u, "BadNotConnected"},
    {0x80890000u, "BadConfigurationError"},
    {0x80740000u, "BadTypeMismatch"},
    {0x809B0000u, "BadNoData"},
};
_Static_assert(sizeof SYMBOLS / sizeof SYMBOLS[0] == STATUS_COUNT, "one symbol per status");

const char *status_name(uint32_t status) {
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        if (SYMBOLS[i].code >> STATUS_CODE_SHIFT == status >> STATUS_CODE_SHIFT) {
            return SYMBOLS[i].symbol;
        }
    }
    return NULL;
}

static const char *words_of_code(uint32_t status, int lang) {
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        if (STATUSES[i].code >> STATUS_CODE_SHIFT == status >> STATUS_CODE_SHIFT) {
            return STATUSES[i].words[lang == LANG_EN ? LANG_EN : LANG_KO];
        }
    }
    return NULL;
}

const char *status_words(uint32_t status, int lang) {
    const char *words = words_of_code(status, lang);
    if (words != NULL) {
        return words;
    }
    static const uint32_t GENERAL[] = {[QUALITY_GOOD] = 0x00000000u,
        [QUALITY_UNCERTAIN] = 0x40000000u,
        [QUALITY_BAD] = 0x80000000u};
    return words_of_code(GENERAL[status_quality(status)], lang);
}
