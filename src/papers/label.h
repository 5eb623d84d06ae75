#ifndef PAPERS_LABEL_H
#define PAPERS_LABEL_H
/*
 * Labels drawn: as SVG, as PDF on rolls or sheets, and in ZPL II for label printers. What stands on
 * them comes from production/label.h. Any thread that may wait.
 */
#include "core/buf.h"
#include "production/label.h"

struct label { // Ready to be drawn.
    struct label_design design;
    struct label_layout layout;
    struct label_facts facts;
    enum lang lang;
};
/* Reads design and values in one transaction; all in the arena. */
int label_read(struct ledger_tx *tx, const struct label_about *about, struct str design,
    struct arena *arena, struct label *ret_label, struct err *err);

int label_svg(const struct label *label, struct buf *out, struct err *err);

enum { LABEL_COPIES_MAX = 999, LABEL_ON_SHEET_MAX = 500 };
struct label_sheet {
    bool a4;         // Side by side on A4; else each on a page of its own size.
    uint32_t copies; // At most LABEL_ON_SHEET_MAX.
    uint32_t skip;   // Places of the first sheet that are used up.
};
int label_pdf(
    const struct label *label, const struct label_sheet *sheet, struct buf *out, struct err *err);

/* The codes that a terminal obeys (MARU-BEGIN, ...), one sheet of A4 to be hung up. */
int command_codes_pdf(enum lang lang, struct arena *arena, struct buf *out, struct err *err);

/* Whole: ^XA to ^XZ, with the number of copies in it. Plain ASCII goes as text of the printer's own
 * letters, everything else as dots. */
int label_zpl(const struct label *label, double dots_per_inch, uint32_t copies, struct buf *out,
    struct err *err);

/* What a printer answers to ~HS (ZPL II Programming Guide, host status return). */
struct zpl_status {
    bool no_paper;
    bool is_paused;
    bool head_open;
    bool no_ribbon;
    int64_t labels_left;
};
/* False: no such answer, or not all of it yet. Pure. */
bool zpl_status_parse(struct str answer, struct zpl_status *ret_status);

#endif
