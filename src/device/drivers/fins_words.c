/*
 * End codes and FINS/TCP errors in words.
 *
 * Sources: W342 (CS/CJ communications commands) clause 5-1-3, end codes; W421 (Ethernet units,
 * FINS/TCP) clause 7-4, header errors. An end code is two bytes: the top bit of the first says
 * that a node on the way failed, the two top bits of the second that the CPU unit has an error of
 * its own, which does not make the answer wrong. The caller takes them off first.
 */
#include "device/drivers/fins.h"

static const struct {
    uint16_t first;
    uint16_t last;
    enum fins_verdict verdict;
    enum msg_id msg; // {0} code, {1} area and number.
} codes[] = {
    {0x0101, 0x0106, FINS_BUSY, MSG_FINS_END_LOCAL_NODE},
    {0x0201, 0x0205, FINS_BUSY, MSG_FINS_END_OTHER_NODE},
    {0x0301, 0x0304, FINS_BUSY, MSG_FINS_END_CONTROLLER},
    {0x0401, 0x0402, FINS_SETTING, MSG_FINS_END_COMMAND},
    {0x0501, 0x0504, FINS_SETTING, MSG_FINS_END_ROUTING},
    {0x1001, 0x1005, FINS_REFUSED, MSG_FINS_END_LENGTH},
    {0x1101, 0x1101, FINS_REFUSED, MSG_FINS_END_AREA},
    {0x1102, 0x1102, FINS_REFUSED, MSG_FINS_END_LENGTH},
    {0x1103, 0x1103, FINS_REFUSED, MSG_FINS_END_START},
    {0x1104, 0x1104, FINS_REFUSED, MSG_FINS_END_END},
    {0x110B, 0x110B, FINS_REFUSED, MSG_FINS_END_LENGTH},
    {0x110C, 0x110C, FINS_SETTING, MSG_FINS_END_PARAMETER},
    {0x2002, 0x2002, FINS_SETTING, MSG_FINS_END_PROTECTED},
    {0x2101, 0x2102, FINS_SETTING, MSG_FINS_END_PROTECTED},
    {0x2103, 0x2107, FINS_SETTING, MSG_FINS_END_PARAMETER},
    {0x2108, 0x2108, FINS_SETTING, MSG_FINS_END_COMMAND},
    {0x2201, 0x2208, FINS_SETTING, MSG_FINS_END_MODE},
    {0x2301, 0x2303, FINS_REFUSED, MSG_FINS_END_AREA},
    {0x2502, 0x2510, FINS_BUSY, MSG_FINS_END_CONTROLLER},
    {0x2602, 0x2604, FINS_SETTING, MSG_FINS_END_PROTECTED},
    {0x2605, 0x2606, FINS_BUSY, MSG_FINS_END_BUSY},
    {0x2607, 0x2607, FINS_SETTING, MSG_FINS_END_PROTECTED},
    {0x3001, 0x3001, FINS_BUSY, MSG_FINS_END_ACCESS},
    {0x4001, 0x4001, FINS_BUSY, MSG_FINS_END_BUSY},
};

enum fins_verdict fins_end_code(uint32_t code, struct str what, struct err *err) {
    char hex[5];
    struct str number = str_of(plc_hex(code, hex));
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (code >= codes[i].first && code <= codes[i].last) {
            (void)err_set(err, ERR_DEVICE, codes[i].msg, ARGS(A_STR(number), A_STR(what)));
            return codes[i].verdict;
        }
    }
    (void)err_set(err, ERR_DEVICE, MSG_FINS_END_UNKNOWN, ARGS(A_STR(number), A_STR(what)));
    return FINS_BUSY;
}

int fins_tcp_error(uint32_t code, struct err *err) {
    char hex[5];
    switch (code) {
    case 0x20: return err_set(err, ERR_BUSY, MSG_FINS_TCP_FULL, NO_ARGS);
    case 0x21: return err_set(err, ERR_BUSY, MSG_FINS_TCP_CONNECTED, NO_ARGS);
    case 0x22: return err_set(err, ERR_REFUSED, MSG_FINS_TCP_PROTECTED, NO_ARGS);
    case 0x23:
    case 0x24: return err_set(err, ERR_REFUSED, MSG_FINS_TCP_NODE, NO_ARGS);
    case 0x25: return err_set(err, ERR_BUSY, MSG_FINS_TCP_NO_NODE, NO_ARGS);
    default:
        return err_set(
            err, ERR_FRAME, MSG_FINS_TCP_ERROR, ARGS(A_CSTR(plc_hex(code & 0xFFFF, hex))));
    }
}
