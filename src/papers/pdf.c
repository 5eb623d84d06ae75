/*
 * Papers as PDF: pages, heads, tables, over a canvas (canvas.h).
 *
 * Two passes over the same code: the first measures and counts pages, the second draws, so that
 * each foot says "3 / 12". What the first learns about heights is not kept; a paper of a hundred
 * pages takes half a second either way.
 *
 * Sizes are points (1/72 inch); A4 is 595.28 by 841.89 (ISO 216).
 */
#include "papers/pdf.h"

#include <string.h>

#include "core/check.h"

enum { MARGIN = 45, FOOT = 54, HEAD_ROOM = 62, PAD = 5, SIGN_HEIGHT = 40 };

/* Sizes of text, in points. */
static const double SIZE_TITLE = 21;
static const double SIZE_HEADING = 14;
static const double SIZE_SECTION = 11;
static const double SIZE_TEXT = 9.5;
static const double SIZE_CELL = 8;
static const double SIZE_FOOT = 7.5;

struct pen {
    struct canvas *canvas;
    const struct paper *paper;
    bool draws; // The second pass.
    double width;
    double height;
    double y;
    int page;
    int pages; // Known in the second pass.
};

/* ---- Text ---- */

static double lay(
    struct pen *pen, struct str text, double width, const struct canvas_style *style) {
    return canvas_measure(pen->canvas, text, width, style);
}

static double put(struct pen *pen, struct str text, double x, double y, double width,
    const struct canvas_style *style) {
    return pen->draws ? canvas_text(pen->canvas, text, x, y, width, style)
                      : lay(pen, text, width, style);
}

static void line(struct pen *pen, double y, double thickness, double grey) {
    if (pen->draws) {
        canvas_line(pen->canvas, MARGIN, y, pen->width - MARGIN, y, thickness, grey);
    }
}

static void fill(struct pen *pen, double y, double height, const double colour[3]) {
    if (pen->draws) {
        canvas_fill(pen->canvas, MARGIN, y, pen->width - 2.0 * MARGIN, height, colour);
    }
}

/* ---- Pages ---- */

static double inner(const struct pen *pen) {
    return pen->width - 2.0 * MARGIN;
}

static void page_begin(struct pen *pen) {
    pen->page++;
    pen->y = HEAD_ROOM;
    const struct canvas_style small = {.size = SIZE_FOOT, .grey = 0.4};
    const struct canvas_style right = {.size = SIZE_FOOT, .is_right = true, .grey = 0.4};
    const struct canvas_style mark = {
        .size = SIZE_FOOT + 1, .is_bold = true, .is_right = true, .grey = 0.25};
    if (pen->page > 1) {
        (void)put(pen, pen->paper->title, MARGIN, 34, inner(pen) * 0.7, &small);
    }
    (void)put(pen, pen->paper->mark, MARGIN, 33, inner(pen), &mark);
    char number[40];
    char *end = number + i64_to_text(pen->page, number);
    memcpy(end, " / ", 3);
    end += 3;
    end += i64_to_text(pen->pages, end);
    double y = pen->height - FOOT + 18;
    line(pen, y - 6, 0.4, 0.8);
    (void)put(pen, pen->paper->foot, MARGIN, y, inner(pen) * 0.8, &small);
    (void)put(pen, (struct str){number, (size_t)(end - number)}, MARGIN, y, inner(pen), &right);
}

static void page_end(struct pen *pen) {
    if (pen->draws) {
        canvas_page_end(pen->canvas);
    }
}

static double room(const struct pen *pen) {
    return pen->height - FOOT - pen->y;
}

static void page_next(struct pen *pen) {
    page_end(pen);
    page_begin(pen);
}

/* A new page when so much does not fit any more; true then. */
static bool need(struct pen *pen, double height) {
    if (room(pen) >= height || pen->y <= HEAD_ROOM) {
        return false;
    }
    page_next(pen);
    return true;
}

/* ---- Blocks ---- */

static void put_heading(struct pen *pen, struct str text, bool is_section) {
    const struct canvas_style style = {
        .size = is_section ? SIZE_SECTION : SIZE_HEADING, .is_bold = true, .grey = 0.1};
    double height = lay(pen, text, inner(pen), &style);
    pen->y += is_section ? 10 : 16;
    (void)need(pen, height + 70); // Never alone at the foot of a page.
    pen->y += put(pen, text, MARGIN, pen->y, inner(pen), &style);
    pen->y += is_section ? 5 : 4;
    if (!is_section) {
        line(pen, pen->y, 0.8, 0.25);
        pen->y += 7;
    }
}

static void put_paragraph(struct pen *pen, struct str text, bool is_notice) {
    static const double PAPER_YELLOW[3] = {0.985, 0.968, 0.905};
    const struct canvas_style style = {.size = SIZE_TEXT, .grey = 0.15};
    double side = is_notice ? 10 : 0;
    double width = inner(pen) - 2 * side;
    double height = lay(pen, text, width, &style);
    (void)need(pen, height + 2 * side);
    if (is_notice) {
        pen->y += 4;
        fill(pen, pen->y, height + 2 * side - 4, PAPER_YELLOW);
    }
    (void)put(pen, text, MARGIN + side, pen->y + (is_notice ? side - 2 : 0), width, &style);
    pen->y += height + (is_notice ? 2 * side + 4 : 6);
}

struct columns {
    double x[GRID_COLUMNS_MAX];
    double width[GRID_COLUMNS_MAX]; // Of the text.
};

static struct columns columns_of(const struct pen *pen, const struct grid *sheet) {
    struct columns columns;
    double sum = 0;
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        sum += sheet->columns[i].weight;
    }
    double x = MARGIN;
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        double width = inner(pen) * sheet->columns[i].weight / sum;
        columns.x[i] = x + PAD;
        columns.width[i] = width - 2 * PAD;
        x += width;
    }
    return columns;
}

static double row_height(struct pen *pen, const struct grid *sheet, const struct columns *at,
    const struct str *cells, bool is_head) {
    double highest = 0;
    for (uint32_t c = 0; c < sheet->column_count; c++) {
        const struct canvas_style style = {.size = SIZE_CELL, .is_bold = is_head};
        struct str text = is_head ? sheet->columns[c].head : cells[c];
        double height = lay(pen, text, at->width[c], &style);
        highest = height > highest ? height : highest;
    }
    return highest + 2.0 * PAD;
}

static void put_row(struct pen *pen, const struct grid *sheet, const struct columns *at,
    const struct str *cells, double height) {
    for (uint32_t c = 0; c < sheet->column_count && pen->draws; c++) {
        const struct canvas_style style = {.size = SIZE_CELL,
            .is_bold = cells == NULL,
            .is_right = sheet->columns[c].is_number,
            .grey = 0.12};
        struct str text = cells == NULL ? sheet->columns[c].head : cells[c];
        (void)put(pen, text, at->x[c], pen->y + PAD, at->width[c], &style);
    }
    pen->y += height;
}

static void put_head(struct pen *pen, const struct grid *sheet, const struct columns *at) {
    static const double PALE[3] = {0.945, 0.953, 0.961};
    double height = row_height(pen, sheet, at, NULL, true);
    fill(pen, pen->y, height, PALE);
    put_row(pen, sheet, at, NULL, height);
    line(pen, pen->y, 0.7, 0.35);
}

/* A table; a row that would not fit into a page of its own is cut off at the foot. */
static void put_table(struct pen *pen, const struct grid *sheet, double least_height) {
    struct columns at = columns_of(pen, sheet);
    double head = row_height(pen, sheet, &at, NULL, true);
    (void)need(pen, head + 40);
    put_head(pen, sheet, &at);
    for (uint32_t r = 0; r < sheet->row_count; r++) {
        const struct str *cells = sheet->cells + (size_t)r * sheet->column_count;
        double height = row_height(pen, sheet, &at, cells, false);
        height = height > least_height ? height : least_height;
        if (need(pen, height)) {
            put_head(pen, sheet, &at);
        }
        put_row(pen, sheet, &at, cells, height);
        line(pen, pen->y, 0.35, 0.82);
    }
    pen->y += 8;
}

static void put_facts(struct pen *pen, const struct grid *sheet) {
    const struct canvas_style name = {.size = SIZE_TEXT, .grey = 0.42};
    const struct canvas_style value = {.size = SIZE_TEXT, .grey = 0.08};
    double left = inner(pen) * 0.24;
    double right = inner(pen) - left;
    for (uint32_t r = 0; r < sheet->row_count; r++) {
        const struct str *cells = sheet->cells + (size_t)r * sheet->column_count;
        double height = lay(pen, cells[0], left - 8, &name);
        double other = lay(pen, cells[1], right, &value);
        height = other > height ? other : height;
        (void)need(pen, height);
        (void)put(pen, cells[0], MARGIN, pen->y, left - 8, &name);
        (void)put(pen, cells[1], MARGIN + left, pen->y, right, &value);
        pen->y += height + 4;
    }
    pen->y += 6;
}

/* A square code at the right of the title. */
static void put_symbol(struct pen *pen, const struct symbol *symbol) {
    static const double BLACK[3] = {0, 0, 0};
    static const double SIDE = 62;
    double module = SIDE / symbol->columns;
    double left = pen->width - MARGIN - SIDE;
    for (uint32_t row = 0; row < symbol->rows && pen->draws; row++) {
        for (uint32_t column = 0; column < symbol->columns;) {
            uint32_t end = column;
            while (end < symbol->columns && symbol_is_black(symbol, end, row)) {
                end++;
            }
            if (end > column) {
                canvas_fill(pen->canvas, left + column * module, HEAD_ROOM - 12 + row * module,
                    (end - column) * module, module, BLACK);
            }
            column = end + 1;
        }
    }
}

static void put_title(struct pen *pen) {
    const struct canvas_style title = {.size = SIZE_TITLE, .is_bold = true, .grey = 0.08};
    const struct canvas_style under = {.size = SIZE_SECTION, .grey = 0.35};
    pen->y += put(pen, pen->paper->title, MARGIN, pen->y, inner(pen), &title) + 6;
    if (pen->paper->subtitle.size > 0) {
        pen->y += put(pen, pen->paper->subtitle, MARGIN, pen->y, inner(pen), &under) + 4;
    }
    if (pen->paper->symbol != NULL) {
        put_symbol(pen, pen->paper->symbol);
        pen->y = pen->y > HEAD_ROOM + 46 ? pen->y : HEAD_ROOM + 46;
    }
    pen->y += 6;
    line(pen, pen->y, 1.2, 0.1);
    pen->y += 14;
}

static void run_pass(struct pen *pen, bool draws) {
    pen->draws = draws;
    pen->page = 0;
    page_begin(pen);
    put_title(pen);
    for (uint32_t i = 0; i < pen->paper->count; i++) {
        const struct block *block = &pen->paper->blocks[i];
        switch (block->kind) {
        case BLOCK_HEADING: put_heading(pen, block->text, false); break;
        case BLOCK_SECTION: put_heading(pen, block->text, true); break;
        case BLOCK_TEXT: put_paragraph(pen, block->text, false); break;
        case BLOCK_NOTICE: put_paragraph(pen, block->text, true); break;
        case BLOCK_FACTS: put_facts(pen, block->sheet); break;
        case BLOCK_TABLE: put_table(pen, block->sheet, 0); break;
        case BLOCK_SIGN: put_table(pen, block->sheet, SIGN_HEIGHT); break;
        case BLOCK_PAGE: page_next(pen); break;
        }
    }
    page_end(pen);
    pen->pages = pen->page;
}

/* ---- The document ---- */

static int check_size(const struct paper *paper, struct err *err) {
    for (uint32_t i = 0; i < paper->count; i++) {
        const struct grid *sheet = paper->blocks[i].sheet;
        if (sheet != NULL && sheet->row_count > PAPER_ROWS_MAX) {
            return err_set(err, ERR_LIMIT, MSG_PAPERS_TOO_LONG,
                ARGS(A_INT(sheet->row_count), A_INT(PAPER_ROWS_MAX)));
        }
    }
    return 0;
}

int pdf_write(const struct paper *paper, const struct sink *sink, struct err *err) {
    struct pen pen = {.paper = paper,
        .pages = 1,
        .width = paper->landscape ? A4_LONG : A4_SHORT,
        .height = paper->landscape ? A4_SHORT : A4_LONG};
    const struct canvas_wish wish = {.kind = CANVAS_PDF,
        .width = pen.width,
        .height = pen.height,
        .title = paper->title,
        .sink = sink};
    int status = check_size(paper, err);
    status = status < 0 ? status : canvas_new(&wish, &pen.canvas, err);
    if (status >= 0) {
        run_pass(&pen, false);
        run_pass(&pen, true);
        status = canvas_finish(pen.canvas, err);
    }
    canvas_free(pen.canvas);
    return status < 0 ? status : 0;
}

void paper_text(struct paper *paper, enum block_kind kind, struct str text) {
    CHECK(paper->count < PAPER_BLOCKS_MAX);
    paper->blocks[paper->count++] = (struct block){.kind = kind, .text = text};
}

void paper_grid(struct paper *paper, enum block_kind kind, const struct grid *sheet) {
    CHECK(paper->count < PAPER_BLOCKS_MAX);
    paper->blocks[paper->count++] = (struct block){.kind = kind, .sheet = sheet};
}
