/*
 * Papers as PDF, by cairo (surface) and pango (lines of Hangul and Latin, line breaks, fonts).
 *
 * The libraries are opened with dlopen on use: a gateway that makes no papers need not carry
 * twenty packages. They stay loaded (GLib cannot be unloaded); opening them again is a counter.
 * The headers give the types, so a wrong call is still a compiler's error; __typeof__ saves
 * writing forty prototypes a second time.
 *
 * Two passes over the same code: the first measures and counts pages, the second draws, so that
 * each foot says "3 / 12". What the first learns about heights is not kept; a paper of a hundred
 * pages takes half a second either way.
 *
 * Sizes are points (1/72 inch); A4 is 595.28 by 841.89 (ISO 216).
 */
#include "papers/pdf.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include "core/check.h"

#define A4_SHORT 595.28
#define A4_LONG  841.89
#define FAMILY   "NanumGothic, Noto Sans CJK KR, Noto Sans KR, Pretendard, sans-serif"

enum { MARGIN = 45, FOOT = 54, HEAD_ROOM = 62, PAD = 5, SIGN_HEIGHT = 40 };

/* Sizes of text, in points. */
static const double SIZE_TITLE = 21;
static const double SIZE_HEADING = 14;
static const double SIZE_SECTION = 11;
static const double SIZE_TEXT = 9.5;
static const double SIZE_CELL = 8;
static const double SIZE_FOOT = 7.5;

#define CAIRO_CALLS(F)                                                                             \
    F(cairo_pdf_surface_create_for_stream)                                                         \
    F(cairo_pdf_surface_set_metadata)                                                              \
    F(cairo_surface_destroy)                                                                       \
    F(cairo_surface_finish)                                                                        \
    F(cairo_surface_status)                                                                        \
    F(cairo_create)                                                                                \
    F(cairo_destroy)                                                                               \
    F(cairo_show_page)                                                                             \
    F(cairo_set_source_rgb)                                                                        \
    F(cairo_set_line_width)                                                                        \
    F(cairo_move_to)                                                                               \
    F(cairo_line_to)                                                                               \
    F(cairo_rectangle)                                                                             \
    F(cairo_fill)                                                                                  \
    F(cairo_stroke)
#define PANGO_CALLS(F)                                                                             \
    F(pango_layout_new)                                                                            \
    F(pango_layout_set_text)                                                                       \
    F(pango_layout_set_width)                                                                      \
    F(pango_layout_set_wrap)                                                                       \
    F(pango_layout_set_alignment)                                                                  \
    F(pango_layout_set_font_description)                                                           \
    F(pango_layout_set_spacing)                                                                    \
    F(pango_layout_get_size)                                                                       \
    F(pango_layout_get_unknown_glyphs_count)                                                       \
    F(pango_font_description_new)                                                                  \
    F(pango_font_description_free)                                                                 \
    F(pango_font_description_set_family)                                                           \
    F(pango_font_description_set_weight)                                                           \
    F(pango_font_description_set_absolute_size)                                                    \
    F(pango_font_map_create_context)
#define PANGO_CAIRO_CALLS(F)                                                                       \
    F(pango_cairo_font_map_new)                                                                    \
    F(pango_cairo_update_context)                                                                  \
    F(pango_cairo_show_layout)

#define DECLARE(name) __typeof__(name) *name;
struct calls {
    CAIRO_CALLS(DECLARE)
    PANGO_CALLS(DECLARE)
    PANGO_CAIRO_CALLS(DECLARE)
    void (*g_object_unref)(void *object);
};
#undef DECLARE

struct pen {
    struct calls call;
    const struct paper *paper;
    const struct sink *sink;
    cairo_surface_t *surface;
    cairo_t *cairo;
    PangoFontMap *fonts;
    PangoContext *context;
    PangoLayout *layout;
    PangoFontDescription *font;
    bool draws; // The second pass.
    double width;
    double height;
    double y;
    int page;
    int pages;      // Known in the second pass.
    struct err err; // Of the sink.
};

/* ---- Libraries ---- */

struct library {
    const char *file;
    void *handle;
};

static int load(struct library *library, struct err *err) {
    library->handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    return library->handle != NULL
               ? 0
               : err_set(err, ERR_UNSUPPORTED, MSG_PAPERS_NO_PANGO, ARGS(A_CSTR(library->file)));
}

static int find(const struct library *library, const char *name, void *to, struct err *err) {
    void *symbol = dlsym(library->handle, name);
    if (symbol == NULL) {
        return err_set(err, ERR_UNSUPPORTED, MSG_PAPERS_NO_PANGO, ARGS(A_CSTR(library->file)));
    }
    memcpy(to, &symbol, sizeof symbol); // POSIX: a function fits into a void *.
    return 0;
}

static int load_calls(struct calls *calls, struct err *err) {
    struct library cairo = {"libcairo.so.2", NULL};
    struct library pango = {"libpango-1.0.so.0", NULL};
    struct library both = {"libpangocairo-1.0.so.0", NULL};
    struct library object = {"libgobject-2.0.so.0", NULL};
    int status = load(&cairo, err);
    status = status < 0 ? status : load(&pango, err);
    status = status < 0 ? status : load(&both, err);
    status = status < 0 ? status : load(&object, err);
#define FIND_CAIRO(name)                                                                           \
    status = status < 0 ? status : find(&cairo, #name, (void *)&calls->name, err);
#define FIND_PANGO(name)                                                                           \
    status = status < 0 ? status : find(&pango, #name, (void *)&calls->name, err);
#define FIND_BOTH(name)                                                                            \
    status = status < 0 ? status : find(&both, #name, (void *)&calls->name, err);
    CAIRO_CALLS(FIND_CAIRO)
    PANGO_CALLS(FIND_PANGO)
    PANGO_CAIRO_CALLS(FIND_BOTH)
    return status < 0 ? status
                      : find(&object, "g_object_unref", (void *)&calls->g_object_unref, err);
}

/* ---- Text ---- */

struct style {
    double size;
    bool is_bold;
    bool is_right;
    double grey; // 0 black .. 1 white.
};

/* Lays the text out in a width; returns its height. */
static double lay(struct pen *pen, struct str text, double width, const struct style *style) {
    const struct calls *c = &pen->call;
    c->pango_font_description_set_weight(
        pen->font, style->is_bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    c->pango_font_description_set_absolute_size(pen->font, style->size * PANGO_SCALE);
    c->pango_layout_set_font_description(pen->layout, pen->font);
    c->pango_layout_set_alignment(
        pen->layout, style->is_right ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
    c->pango_layout_set_spacing(pen->layout, (int)(style->size * 0.25 * PANGO_SCALE));
    c->pango_layout_set_width(pen->layout, (int)(width * PANGO_SCALE));
    c->pango_layout_set_text(pen->layout, text.data, (int)text.size);
    int wide = 0;
    int high = 0;
    c->pango_layout_get_size(pen->layout, &wide, &high);
    return (double)high / PANGO_SCALE;
}

static double put(
    struct pen *pen, struct str text, double x, double y, double width, const struct style *style) {
    double height = lay(pen, text, width, style);
    if (pen->draws) {
        pen->call.cairo_set_source_rgb(pen->cairo, style->grey, style->grey, style->grey);
        pen->call.cairo_move_to(pen->cairo, x, y);
        pen->call.pango_cairo_show_layout(pen->cairo, pen->layout);
    }
    return height;
}

static void line(struct pen *pen, double y, double thickness, double grey) {
    if (pen->draws) {
        const struct calls *c = &pen->call;
        c->cairo_set_source_rgb(pen->cairo, grey, grey, grey);
        c->cairo_set_line_width(pen->cairo, thickness);
        c->cairo_move_to(pen->cairo, MARGIN, y);
        c->cairo_line_to(pen->cairo, pen->width - MARGIN, y);
        c->cairo_stroke(pen->cairo);
    }
}

static void fill(struct pen *pen, double y, double height, const double colour[3]) {
    if (pen->draws) {
        const struct calls *c = &pen->call;
        c->cairo_set_source_rgb(pen->cairo, colour[0], colour[1], colour[2]);
        c->cairo_rectangle(pen->cairo, MARGIN, y, pen->width - 2.0 * MARGIN, height);
        c->cairo_fill(pen->cairo);
    }
}

/* ---- Pages ---- */

static double inner(const struct pen *pen) {
    return pen->width - 2.0 * MARGIN;
}

static void page_begin(struct pen *pen) {
    pen->page++;
    pen->y = HEAD_ROOM;
    const struct style small = {.size = SIZE_FOOT, .grey = 0.4};
    const struct style right = {.size = SIZE_FOOT, .is_right = true, .grey = 0.4};
    const struct style mark = {
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
        pen->call.cairo_show_page(pen->cairo);
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
    const struct style style = {
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
    const struct style style = {.size = SIZE_TEXT, .grey = 0.15};
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
        const struct style style = {.size = SIZE_CELL, .is_bold = is_head};
        struct str text = is_head ? sheet->columns[c].head : cells[c];
        double height = lay(pen, text, at->width[c], &style);
        highest = height > highest ? height : highest;
    }
    return highest + 2.0 * PAD;
}

static void put_row(struct pen *pen, const struct grid *sheet, const struct columns *at,
    const struct str *cells, double height) {
    for (uint32_t c = 0; c < sheet->column_count && pen->draws; c++) {
        const struct style style = {.size = SIZE_CELL,
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
    const struct style name = {.size = SIZE_TEXT, .grey = 0.42};
    const struct style value = {.size = SIZE_TEXT, .grey = 0.08};
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

static void put_title(struct pen *pen) {
    const struct style title = {.size = SIZE_TITLE, .is_bold = true, .grey = 0.08};
    const struct style under = {.size = SIZE_SECTION, .grey = 0.35};
    pen->y += put(pen, pen->paper->title, MARGIN, pen->y, inner(pen), &title) + 6;
    if (pen->paper->subtitle.size > 0) {
        pen->y += put(pen, pen->paper->subtitle, MARGIN, pen->y, inner(pen), &under) + 4;
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

static cairo_status_t on_bytes(void *context, const unsigned char *data, unsigned int size) {
    struct pen *pen = context;
    return pen->sink->write(pen->sink->context, data, size, &pen->err) < 0
               ? CAIRO_STATUS_WRITE_ERROR
               : CAIRO_STATUS_SUCCESS;
}

static void begin(struct pen *pen) {
    const struct calls *c = &pen->call;
    pen->width = pen->paper->landscape ? A4_LONG : A4_SHORT;
    pen->height = pen->paper->landscape ? A4_SHORT : A4_LONG;
    pen->surface = c->cairo_pdf_surface_create_for_stream(on_bytes, pen, pen->width, pen->height);
    AUTO_FREE char *title = mem_copy_z(pen->paper->title);
    c->cairo_pdf_surface_set_metadata(pen->surface, CAIRO_PDF_METADATA_TITLE, title);
    c->cairo_pdf_surface_set_metadata(pen->surface, CAIRO_PDF_METADATA_CREATOR, "Maru");
    pen->cairo = c->cairo_create(pen->surface);
    pen->fonts = c->pango_cairo_font_map_new();
    pen->context = c->pango_font_map_create_context(pen->fonts);
    c->pango_cairo_update_context(pen->cairo, pen->context);
    pen->layout = c->pango_layout_new(pen->context);
    c->pango_layout_set_wrap(pen->layout, PANGO_WRAP_WORD_CHAR);
    pen->font = c->pango_font_description_new();
    c->pango_font_description_set_family(pen->font, FAMILY);
}

static void end(struct pen *pen) {
    const struct calls *c = &pen->call;
    c->pango_font_description_free(pen->font);
    c->g_object_unref(pen->layout);
    c->g_object_unref(pen->context);
    c->g_object_unref(pen->fonts);
    c->cairo_destroy(pen->cairo);
    c->cairo_surface_destroy(pen->surface);
}

static int check_font(struct pen *pen, struct err *err) {
    const struct style style = {.size = SIZE_TEXT};
    (void)lay(pen, STR("가각힣"), 400, &style);
    return pen->call.pango_layout_get_unknown_glyphs_count(pen->layout) > 0
               ? err_set(err, ERR_UNSUPPORTED, MSG_PAPERS_NO_HANGUL, NO_ARGS)
               : 0;
}

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
    struct pen pen = {.paper = paper, .sink = sink, .pages = 1};
    int status = check_size(paper, err);
    status = status < 0 ? status : load_calls(&pen.call, err);
    if (status < 0) {
        return status;
    }
    begin(&pen);
    status = check_font(&pen, err);
    if (status >= 0) {
        run_pass(&pen, false);
        run_pass(&pen, true);
        pen.call.cairo_surface_finish(pen.surface);
        if (pen.err.code != ERR_OK) {
            if (err != NULL) {
                *err = pen.err;
            }
            status = -(int)pen.err.code;
        } else if (pen.call.cairo_surface_status(pen.surface) != CAIRO_STATUS_SUCCESS) {
            status = err_set(err, ERR_INTERNAL, MSG_PAPERS_PDF_FAILED, NO_ARGS);
        }
    }
    end(&pen);
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
