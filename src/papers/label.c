/*
 * Labels drawn on canvases. Bar codes are whole modules: on paper of one size each, on dots a whole
 * number of dots, so that no bar is a dot wider than its neighbour.
 */
#include "papers/label.h"

#include <math.h>

#include "papers/label_draw.h"
#include "production/words.h"

static const double BLACK[3] = {0, 0, 0};
#define A4_MARGIN_MM 8.0
#define SHEET_GAP_MM 2.0

int label_read(struct ledger_tx *tx, const struct label_about *about, struct str design,
    struct arena *arena, struct label *ret_label, struct err *err) {
    int rc = label_facts_read(tx, about, arena, &ret_label->facts, err);
    rc = rc < 0 ? rc : label_design_find(tx, about->kind, design, arena, &ret_label->design, err);
    ret_label->lang = about->lang;
    return rc < 0 ? rc
                  : label_layout_parse(ret_label->design.layout, ret_label->design.width_mm,
                        ret_label->design.height_mm, &ret_label->layout, err);
}

bool label_part_is_code(const struct label_part *part, enum symbol_kind *ret_kind) {
    switch (part->kind) {
    case LABEL_CODE128: *ret_kind = SYMBOL_CODE128; return true;
    case LABEL_GS1_128: *ret_kind = SYMBOL_GS1_128; return true;
    case LABEL_QR: *ret_kind = SYMBOL_QR; return true;
    case LABEL_GS1_QR: *ret_kind = SYMBOL_GS1_QR; return true;
    case LABEL_DATAMATRIX: *ret_kind = SYMBOL_DATAMATRIX; return true;
    case LABEL_GS1_DATAMATRIX: *ret_kind = SYMBOL_GS1_DATAMATRIX; return true;
    case LABEL_TEXT:
    case LABEL_LINE:
    case LABEL_BOX: break;
    }
    return false;
}

int label_module(const struct label_part *part, const struct symbol *symbol, struct str text,
    double step_mm, double *ret_mm, struct err *err) {
    double module = part->width / symbol->columns;
    if (step_mm > 0) {
        module = floor(module / step_mm + 1e-9) * step_mm;
    }
    if (module < MODULE_MIN_MM) {
        double least = step_mm > 0 ? ceil(MODULE_MIN_MM / step_mm - 1e-9) * step_mm : MODULE_MIN_MM;
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_LABEL_NARROW),
            ARGS(A_STR(text), A_INT(ceil(least * symbol->columns))));
    }
    *ret_mm = module;
    return 0;
}

/* Runs of black modules of a row become one rectangle. */
static void draw_modules(struct canvas *canvas, const struct symbol *symbol, double x, double y,
    double module, double row_height) {
    for (uint32_t row = 0; row < symbol->rows; row++) {
        for (uint32_t column = 0; column < symbol->columns;) {
            uint32_t end = column;
            while (end < symbol->columns && symbol_is_black(symbol, end, row)) {
                end++;
            }
            if (end > column) {
                canvas_fill(canvas, x + column * module, y + row * row_height,
                    (end - column) * module, row_height, BLACK);
            }
            column = end + 1;
        }
    }
}

static int draw_code(struct canvas *canvas, const struct label_part *part, enum symbol_kind kind,
    struct str text, double x, double y, struct err *err) {
    AUTO_FREE struct symbol *symbol = MEM_NEW(struct symbol);
    double module = 0;
    int rc = symbol_make(kind, text, symbol, err);
    rc = rc < 0 ? rc : label_module(part, symbol, text, 0, &module, err);
    if (rc >= 0) {
        double row = symbol->rows == 1 ? part->height : module;
        draw_modules(canvas, symbol, (x + part->x) * POINTS_PER_MM, (y + part->y) * POINTS_PER_MM,
            module * POINTS_PER_MM, row * POINTS_PER_MM);
    }
    return rc;
}

static void draw_box(struct canvas *canvas, const struct label_part *part, double x, double y) {
    double thick = part->size * POINTS_PER_MM;
    double x1 = (x + part->x) * POINTS_PER_MM;
    double y1 = (y + part->y) * POINTS_PER_MM;
    double wide = part->width * POINTS_PER_MM;
    double high = part->height * POINTS_PER_MM;
    canvas_fill(canvas, x1, y1, wide, thick, BLACK);
    canvas_fill(canvas, x1, y1 + high - thick, wide, thick, BLACK);
    canvas_fill(canvas, x1, y1, thick, high, BLACK);
    canvas_fill(canvas, x1 + wide - thick, y1, thick, high, BLACK);
}

void label_draw_text(
    struct canvas *canvas, const struct label_part *part, struct str text, double x, double y) {
    const struct canvas_style style = {.size = part->size * POINTS_PER_MM,
        .is_bold = part->is_bold,
        .is_right = part->is_right,
        .one_line = !part->breaks};
    (void)canvas_text(canvas, text, (x + part->x) * POINTS_PER_MM, (y + part->y) * POINTS_PER_MM,
        part->width * POINTS_PER_MM, &style);
}

static int draw_part(struct canvas *canvas, const struct label_part *part, struct str text,
    double x, double y, struct err *err) {
    enum symbol_kind kind = SYMBOL_CODE128;
    if (label_part_is_code(part, &kind)) {
        return draw_code(canvas, part, kind, text, x, y, err);
    }
    if (part->kind == LABEL_TEXT) {
        label_draw_text(canvas, part, text, x, y);
    } else if (part->kind == LABEL_LINE) {
        canvas_line(canvas, (x + part->x) * POINTS_PER_MM, (y + part->y) * POINTS_PER_MM,
            (x + part->x + part->width) * POINTS_PER_MM,
            (y + part->y + part->height) * POINTS_PER_MM, part->size * POINTS_PER_MM, 0);
    } else {
        draw_box(canvas, part, x, y);
    }
    return 0;
}

/* The label with its upper left at x, y in millimetres. */
static int draw(
    struct canvas *canvas, const struct label *label, double x, double y, struct err *err) {
    int rc = 0;
    for (uint32_t i = 0; i < label->layout.count && rc >= 0; i++) {
        const struct label_part *part = &label->layout.parts[i];
        AUTO_BUF struct buf text;
        buf_init(&text, LABEL_TEXT_MAX);
        if (label_fill(part, &label->facts, label->lang, &text)) {
            rc = draw_part(canvas, part, str_trim(buf_str(&text)), x, y, err);
        }
    }
    return rc;
}

static int into_buf(void *context, const void *data, size_t size, struct err *err) {
    struct buf *out = context;
    buf_put(out, data, size);
    return out->overflow
               ? err_set(err, ERR_LIMIT, MSG_PAPERS_TOO_LONG, ARGS(A_INT(size), A_INT(out->max)))
               : 0;
}

int label_svg(const struct label *label, struct buf *out, struct err *err) {
    const struct sink sink = {out, into_buf};
    struct canvas *canvas = NULL;
    const struct canvas_wish wish = {.kind = CANVAS_SVG,
        .width = label->design.width_mm * POINTS_PER_MM,
        .height = label->design.height_mm * POINTS_PER_MM,
        .sink = &sink};
    int rc = canvas_new(&wish, &canvas, err);
    rc = rc < 0 ? rc : draw(canvas, label, 0, 0, err);
    rc = rc < 0 ? rc : canvas_finish(canvas, err);
    canvas_free(canvas);
    return rc;
}

int label_pdf(
    const struct label *label, const struct label_sheet *sheet, struct buf *out, struct err *err) {
    const struct sink sink = {out, into_buf};
    double wide = sheet->a4 ? A4_SHORT / POINTS_PER_MM : label->design.width_mm;
    double high = sheet->a4 ? A4_LONG / POINTS_PER_MM : label->design.height_mm;
    double margin = sheet->a4 ? A4_MARGIN_MM : 0;
    double step_x = label->design.width_mm + SHEET_GAP_MM;
    double step_y = label->design.height_mm + SHEET_GAP_MM;
    int across = sheet->a4 ? (int)((wide - 2 * margin + SHEET_GAP_MM) / step_x) : 1;
    int down = sheet->a4 ? (int)((high - 2 * margin + SHEET_GAP_MM) / step_y) : 1;
    across = across < 1 ? 1 : across;
    down = down < 1 ? 1 : down;
    uint32_t on_page = (uint32_t)(across * down);
    uint32_t skip = sheet->a4 ? sheet->skip % on_page : 0;
    struct canvas *canvas = NULL;
    const struct canvas_wish wish = {.kind = CANVAS_PDF,
        .width = wide * POINTS_PER_MM,
        .height = high * POINTS_PER_MM,
        .title = label->design.name,
        .sink = &sink};
    int rc = canvas_new(&wish, &canvas, err);
    for (uint32_t i = skip; rc >= 0 && i < skip + sheet->copies; i++) {
        if (i > skip && i % on_page == 0) {
            canvas_page_end(canvas);
        }
        uint32_t place = i % on_page;
        rc = draw(canvas, label, margin + (double)(place % (uint32_t)across) * step_x,
            margin + (double)(place / (uint32_t)across) * step_y, err);
    }
    if (rc >= 0) {
        canvas_page_end(canvas);
        rc = canvas_finish(canvas, err);
    }
    canvas_free(canvas);
    return rc;
}
