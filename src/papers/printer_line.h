#ifndef PAPERS_PRINTER_LINE_H
#define PAPERS_PRINTER_LINE_H
/*
 * One connection to a label printer, for one label. Private to the room.
 */
#include "core/thread.h"
#include "papers/label.h"

enum printer_result {
    PRINTER_UNREACHED, // Not a byte, or not its last one: nothing is printed of it.
    PRINTER_PRINTED,   // The printer has read all of it and said so.
    PRINTER_SENT,      // It has taken all and says nothing.
    PRINTER_DOUBTFUL,  // The connection broke behind the last byte.
};
/* At most 5 s to connect, 20 s to send, 3 s for the answer; sooner when `stop` is raised (NULL:
 * never), which is ERR_CANCELLED as long as nothing was handed over. *ret_result is set in any
 * case; *ret_status of PRINTER_PRINTED. The words tell why of PRINTER_UNREACHED. */
int printer_send(struct str address, struct str zpl, const struct stop_flag *stop,
    enum printer_result *ret_result, struct zpl_status *ret_status, struct err *err);

#endif
