#ifndef PAPERS_DELIVERY_H
#define PAPERS_DELIVERY_H
/*
 * A delivery note as PDF: the supplier's half and the receiver's, each with a code that tells its
 * number. Any thread that may wait.
 */
#include "core/buf.h"
#include "production/deliveries.h"

struct delivery_paper {
    struct delivery delivery;
    struct str own_name;     // Ours: organisation or plant.
    struct str own_business; // Its business number; may be empty.
    int64_t times;           // How often it is printed with this one; from 2 on a copy.
    enum lang lang;
};
int delivery_pdf(
    const struct delivery_paper *paper, struct arena *arena, struct buf *out, struct err *err);

#endif
