/*
 * End codes of a MELSEC PLC in words.
 *
 * Source: SH(NA)-080956 (SLMP reference) clause 5.9 and SH(NA)-080008 (MC protocol) chapter on
 * error codes. Codes from C050 on come from the Ethernet part, 4000 to 4FFF from the CPU, which
 * answers what the Ethernet part passed on. A code that is not in the table is told by its number
 * and where to look it up.
 */
#include "device/drivers/melsec.h"

static const struct {
    uint16_t first;
    uint16_t last;
    enum melsec_verdict verdict;
    enum msg_id msg; // {0} code, {1} device and number.
} codes[] = {
    {0x0055, 0x0055, MELSEC_SETTING, MSG_MELSEC_END_ONLINE_CHANGE},
    {0x4000, 0x4007, MELSEC_SETTING, MSG_MELSEC_END_COMMAND},
    {0x4010, 0x401F, MELSEC_SETTING, MSG_MELSEC_END_RUNNING},
    {0x4030, 0x4031, MELSEC_REFUSED, MSG_MELSEC_END_RANGE},
    {0x4B00, 0x4B04, MELSEC_BUSY, MSG_MELSEC_END_ROUTE},
    {0xC050, 0xC050, MELSEC_SETTING, MSG_MELSEC_END_ASCII},
    {0xC051, 0xC054, MELSEC_REFUSED, MSG_MELSEC_END_POINTS},
    {0xC056, 0xC056, MELSEC_REFUSED, MSG_MELSEC_END_RANGE},
    {0xC058, 0xC058, MELSEC_SETTING, MSG_MELSEC_END_LENGTH},
    {0xC059, 0xC059, MELSEC_SETTING, MSG_MELSEC_END_COMMAND},
    {0xC05A, 0xC05B, MELSEC_REFUSED, MSG_MELSEC_END_RANGE}, // This device cannot be read.
    {0xC05C, 0xC05C, MELSEC_REFUSED, MSG_MELSEC_END_POINTS},
    {0xC05F, 0xC05F, MELSEC_SETTING, MSG_MELSEC_END_TARGET},
    {0xC060, 0xC060, MELSEC_REFUSED, MSG_MELSEC_END_POINTS},
    {0xC061, 0xC061, MELSEC_SETTING, MSG_MELSEC_END_LENGTH},
    {0xC06F, 0xC06F, MELSEC_SETTING, MSG_MELSEC_END_ASCII},
    {0xC070, 0xC070, MELSEC_SETTING, MSG_MELSEC_END_TARGET},
    {0xC0DE, 0xC0DE, MELSEC_BUSY, MSG_MELSEC_END_ROUTE},
    {0xC200, 0xC204, MELSEC_SETTING, MSG_MELSEC_END_PASSWORD},
    {0xC810, 0xC816, MELSEC_SETTING, MSG_MELSEC_END_PASSWORD},
    {0xCEE0, 0xCEE0, MELSEC_BUSY, MSG_MELSEC_END_BUSY},
    {0xCEE1, 0xCEE2, MELSEC_REFUSED, MSG_MELSEC_END_POINTS},
    {0xCF00, 0xCFFF, MELSEC_BUSY, MSG_MELSEC_END_ROUTE},
};

enum melsec_verdict melsec_end_code(uint32_t code, struct str what, struct err *err) {
    char hex[5];
    struct str number = str_of(plc_hex(code, hex));
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (code >= codes[i].first && code <= codes[i].last) {
            (void)err_set(err, ERR_DEVICE, codes[i].msg, ARGS(A_STR(number), A_STR(what)));
            return codes[i].verdict;
        }
    }
    (void)err_set(err, ERR_DEVICE, MSG_MELSEC_END_OTHER, ARGS(A_STR(number), A_STR(what)));
    return MELSEC_BUSY;
}
