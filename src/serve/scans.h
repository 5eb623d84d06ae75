#ifndef SERVE_SCANS_H
#define SERVE_SCANS_H
/*
 * What a scanned code says by itself, for whoever shows or uses it (api_scans.c).
 */
#include "core/json.h"
#include "wire/gs1.h"

enum { SCAN_SERIAL_MAX = 24 };
struct epc_texts { // Digits that the elements of an RFID label borrow.
    struct gs1_sgtin sgtin;
    char serial[SCAN_SERIAL_MAX];
};
/* The elements of the code (count 0: it is none of GS1), and in `note` what is wrong with it. */
void scan_explain(
    struct str code, struct epc_texts *texts, struct gs1_code *ret_code, struct err *note);
/* Members "elements" and "note" of an open object. */
void scan_put_explanation(struct json *json, struct str code, int64_t now_ns, enum lang lang);

#endif
