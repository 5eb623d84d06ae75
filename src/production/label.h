#ifndef PRODUCTION_LABEL_H
#define PRODUCTION_LABEL_H
/*
 * What stands on labels: how one is laid out, and what its placeholders mean for a lot, an order, a
 * place, ... . Drawing and printing are the room papers' (papers/label.h).
 *
 * A layout is lines of text, one part each; sizes are millimetres from the label's upper left:
 *
 *   text X Y WIDTH SIZE TEXT        one line, cut with an ellipsis; SIZE is the height of letters
 *   bold, right, boldright          the same, bold, at the right end of the width, or both
 *   lines X Y WIDTH SIZE TEXT       broken into lines
 *   code128 X Y WIDTH HEIGHT TEXT   a bar code; so gs1-128
 *   qr X Y SIZE TEXT                a square code; so datamatrix, gs1-qr, gs1-datamatrix
 *   line X1 Y1 X2 Y2 THICKNESS
 *   box X Y WIDTH HEIGHT THICKNESS
 *
 * TEXT holds placeholders: {lot} the value, {=lot} what it is called in the label's language. GS1
 * codes are written for people: (01){gtin}(10){lot}. A part whose placeholders are all empty is
 * left out; one of GS1 also where any is.
 */
#include "core/buf.h"
#include "ledger/ledger.h"

enum label_kind {
    LABEL_LOT,
    LABEL_ORDER,
    LABEL_ITEM,
    LABEL_PLACE,
    LABEL_MACHINE,
    LABEL_WORKER,
    LABEL_MOULD,
    LABEL_KIND_COUNT
};
const char *label_kind_name(enum label_kind kind); // "lot"
bool label_kind_of_name(struct str name, enum label_kind *ret_kind);

enum label_part_kind {
    LABEL_TEXT,
    LABEL_CODE128,
    LABEL_GS1_128,
    LABEL_QR,
    LABEL_GS1_QR,
    LABEL_DATAMATRIX,
    LABEL_GS1_DATAMATRIX,
    LABEL_LINE,
    LABEL_BOX
};
struct label_part {
    enum label_part_kind kind;
    double x; // Millimetres.
    double y;
    double width; // Of a line: to where it goes, less x.
    double height;
    double size; // Of letters, or thickness of lines.
    bool is_bold;
    bool is_right;
    bool breaks;     // Into lines.
    struct str text; // Borrows the layout.
};
enum { LABEL_PARTS_MAX = 48, LABEL_SIDE_MAX_MM = 300, LABEL_SIDE_MIN_MM = 8 };
struct label_layout {
    struct label_part parts[LABEL_PARTS_MAX];
    uint32_t count;
};
/* ERR_INVALID names the line: no such part, no number, outside the label, an unknown placeholder.
 * Pure. */
int label_layout_parse(struct str text, double width_mm, double height_mm,
    struct label_layout *ret_layout, struct err *err);

struct label_design {
    struct str code;
    enum label_kind kind;
    struct str name;
    double width_mm;
    double height_mm;
    struct str layout;
    bool built_in; // No row; a row with its code takes its place.
};
enum { LABEL_DESIGNS_MAX = 200 };
/* Active designs: rows first, then built-in ones whose code no row has. Texts in the arena. Count.
 */
int label_designs(struct ledger_tx *tx, enum lang lang, struct arena *arena,
    struct label_design *ret_designs, uint32_t max, struct err *err);
/* By code; an empty one: the first of the kind. ERR_NOT_FOUND; ERR_CONFLICT: of another kind. */
int label_design_find(struct ledger_tx *tx, enum label_kind kind, struct str code,
    struct arena *arena, struct label_design *ret_design, struct err *err);

/* ---- Values ---- */

struct label_about {
    enum label_kind kind;
    struct str code;     // Of the lot, order, ...; of a machine its asset's id.
    struct str quantity; // Instead of what is known; empty: what is known.
    enum lang lang;
    const struct zone *zone; // Of the plant; NULL: UTC.
    int64_t now_ns;
};
enum { LABEL_FACTS_MAX = 32 };
struct label_facts {
    struct {
        const char *name;
        struct str value;
    } all[LABEL_FACTS_MAX];
    uint32_t count;
};
/* What the placeholders mean; values in the arena. ERR_NOT_FOUND: there is no such lot, ... . */
int label_facts_read(struct ledger_tx *tx, const struct label_about *about, struct arena *arena,
    struct label_facts *ret_facts, struct err *err);
/* Writes a part's text with its values. False: the part is left out. */
bool label_fill(const struct label_part *part, const struct label_facts *facts, enum lang lang,
    struct buf *out);
/* A lot's code, GTIN, expiry, quantity as element strings for people, for GS1 codes of labels:
 * "(01)08801234567893(10)A1"; empty without a GTIN. Stands as {gs1}. */

/* ---- Printing ---- */

struct label_job {
    int64_t printer;
    struct str kind;
    struct str code;
    struct str design;
    struct str quantity;
    int64_t copies; // 1 to 999.
    enum lang lang;
    struct str actor;
};
/* Puts a label into the queue of its printer. */
int label_print(
    struct ledger_tx *tx, const struct label_job *job, int64_t *ret_number, struct err *err);
/* What printers print when an order is released (their `release`): the labels of its lot or its
 * own, before the work starts. How many went into queues. */
int label_on_release(
    struct ledger_tx *tx, int64_t order, enum lang lang, struct str actor, struct err *err);

#endif
