#ifndef PAPERS_LABEL_DRAW_H
#define PAPERS_LABEL_DRAW_H
/*
 * What drawing on paper and on dots share. Private to the room.
 */
#include "papers/canvas.h"
#include "papers/label.h"
#include "papers/symbol.h"

/* The narrowest bar that usual readers read of a label that usual printers made; ISO/IEC 15417
 * names 0.19 mm, two dots of 300 dpi are 0.169. */
#define MODULE_MIN_MM 0.165
enum { LABEL_TEXT_MAX = 4096 };

bool label_part_is_code(const struct label_part *part, enum symbol_kind *ret_kind);
/* How large a module is so that the code fits into its part's width; a whole number of `step_mm`
 * (0: any). ERR_LIMIT: it would be too small to be read. */
int label_module(const struct label_part *part, const struct symbol *symbol, struct str text,
    double step_mm, double *ret_mm, struct err *err);
/* With the label's upper left at x, y in millimetres. */
void label_draw_text(
    struct canvas *canvas, const struct label_part *part, struct str text, double x, double y);

#endif
