/*
 * What a controller says when it refuses, in the words of the engineer who has to change something.
 *
 * Item codes and error classes are those of the S7 protocol as the public descriptions of it name
 * them (libnodave, Wireshark's dissector): item 01 hardware, 03 access not allowed, 05 outside,
 * 06 and 07 type, 0A no such object; class 81 application, 84 no service, 85 PDU, 87 access, D2 and
 * D6 protection. The two that matter in practice are 8104, which an S7-1200/1500 gives while
 * PUT/GET is switched off, and 0A or 03 for a data block that is missing or "optimized": such a
 * block has no byte addresses.
 */
#include <stdio.h>

#include "device/drivers/s7.h"

struct str s7_space_name(uint32_t space, char *to) {
    const char *name = "?";
    switch (s7_area_of(space)) {
    case S7_AREA_INPUT: name = "I"; break;
    case S7_AREA_OUTPUT: name = "Q"; break;
    case S7_AREA_MEMORY: name = "M"; break;
    case S7_AREA_COUNTER: name = "C"; break;
    case S7_AREA_TIMER: name = "T"; break;
    case S7_AREA_DB: (void)snprintf(to, 16, "DB%u", (unsigned)(space & 0xFFFF)); return str_of(to);
    default: break;
    }
    (void)snprintf(to, 16, "%s", name);
    return str_of(to);
}

int s7_item_words(uint8_t code, uint32_t space, uint32_t start, uint32_t length, struct err *err) {
    char name[16];
    struct str where = s7_space_name(space, name);
    uint32_t last = start + length - 1;
    switch (code) {
    case 0x01:
        return err_set(
            err, ERR_DEVICE, MSG_S7_ITEM_HARDWARE, ARGS(A_STR(where), A_INT(start), A_INT(last)));
    case 0x03:
        return err_set(
            err, ERR_DEVICE, MSG_S7_ITEM_ACCESS, ARGS(A_STR(where), A_INT(start), A_INT(last)));
    case 0x05:
        return err_set(
            err, ERR_DEVICE, MSG_S7_ITEM_OUTSIDE, ARGS(A_STR(where), A_INT(start), A_INT(last)));
    case 0x06:
    case 0x07:
        return err_set(
            err, ERR_DEVICE, MSG_S7_ITEM_TYPE, ARGS(A_STR(where), A_INT(start), A_INT(last)));
    case 0x0A: return err_set(err, ERR_DEVICE, MSG_S7_ITEM_MISSING, ARGS(A_STR(where)));
    default:
        return err_set(err, ERR_DEVICE, MSG_S7_ITEM_CODE,
            ARGS(A_STR(where), A_INT(start), A_INT(last), A_INT(code)));
    }
}

int s7_error_words(uint32_t code, struct err *err) {
    char hex[8];
    (void)snprintf(hex, sizeof hex, "%04X", (unsigned)(code & 0xFFFF));
    if (code == 0x8104) {
        return err_set(err, ERR_DEVICE, MSG_S7_NOT_ALLOWED, NO_ARGS);
    }
    switch (code >> 8) {
    case 0x83: return err_set(err, ERR_DEVICE, MSG_S7_RESOURCES, ARGS(A_CSTR(hex)));
    case 0x85: return err_set(err, ERR_DEVICE, MSG_S7_PDU_REFUSED, ARGS(A_CSTR(hex)));
    case 0x87:
    case 0xD2:
    case 0xD6: return err_set(err, ERR_DEVICE, MSG_S7_PROTECTED, ARGS(A_CSTR(hex)));
    default: return err_set(err, ERR_DEVICE, MSG_S7_ERROR, ARGS(A_CSTR(hex)));
    }
}

int s7_refused_words(const struct driver_settings *settings, uint8_t reason, struct err *err) {
    return err_set(err, ERR_DEVICE, MSG_S7_CONNECTION_REFUSED,
        ARGS(A_INT(settings->values[S7_OPTION_RACK]), A_INT(settings->values[S7_OPTION_SLOT]),
            A_INT(reason)));
}
