#ifndef PAPERS_FORM_H
#define PAPERS_FORM_H
/*
 * An entry of a form as PDF, in the look of the paper that it replaces: what it is about, a row a
 * field with its limits and how it was judged, places to sign. Any thread that may wait.
 */
#include "core/buf.h"
#include "production/form.h"

struct form_paper {
    const struct form_entry *entry;
    struct str plant; // At the foot.
    enum lang lang;
    const struct zone *zone;
};
int form_pdf(const struct form_paper *paper, struct arena *arena, struct buf *out, struct err *err);

#endif
