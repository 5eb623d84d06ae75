#ifndef SERVE_TABLE_ANSWER_H
#define SERVE_TABLE_ANSWER_H
/*
 * A table as an answer: CSV or XLSX, whole in the answer's memory, sent as an attachment. For
 * tables of some thousand rows; exports of any size are streamed (api_export.c). Worker threads.
 */
#include "serve/call.h"
#include "table/table.h"

struct table_answer {
    struct call *call;
    const char *name; // Of the sheet, and of the file before its ending.
    enum table_format format;
    enum msg_id large;           // The sentence where it does not fit; {0}: MB.
    struct table_writer *writer; // Once it is open.
};
int table_answer_open(struct table_answer *answer, struct err *err);
/* Closes it, also after a failure (`rc` negative, given back); else the answer is made. */
int table_answer_end(struct table_answer *answer, int rc, struct err *err);

#endif
