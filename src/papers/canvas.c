/*
 * The libraries are opened with dlopen on use: a gateway that makes no papers need not carry
 * twenty packages. They stay loaded (GLib cannot be unloaded); opening them again is a counter.
 * The headers give the types, so a wrong call is still a compiler's error; __typeof__ saves
 * writing forty prototypes a second time.
 *
 * Dots are drawn as eight bits of coverage without smoothing of lines; a dot is black from half on.
 */
#include "papers/canvas.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <pango/pangocairo.h>

#include "core/mem.h"

#define FAMILY "NanumGothic, Noto Sans CJK KR, Noto Sans KR, Pretendard, sans-serif"

#define CAIRO_CALLS(F)                                                                             \
    F(cairo_pdf_surface_create_for_stream)                                                         \
    F(cairo_pdf_surface_set_metadata)                                                              \
    F(cairo_svg_surface_create_for_stream)                                                         \
    F(cairo_image_surface_create)                                                                  \
    F(cairo_image_surface_get_data)                                                                \
    F(cairo_image_surface_get_stride)                                                              \
    F(cairo_surface_destroy)                                                                       \
    F(cairo_surface_finish)                                                                        \
    F(cairo_surface_flush)                                                                         \
    F(cairo_surface_status)                                                                        \
    F(cairo_create)                                                                                \
    F(cairo_destroy)                                                                               \
    F(cairo_scale)                                                                                 \
    F(cairo_show_page)                                                                             \
    F(cairo_set_source_rgb)                                                                        \
    F(cairo_set_source_rgba)                                                                       \
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
    F(pango_layout_set_height)                                                                     \
    F(pango_layout_set_ellipsize)                                                                  \
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

struct canvas {
    struct calls call;
    enum canvas_kind kind;
    const struct sink *sink;
    cairo_surface_t *surface;
    cairo_t *cairo;
    PangoFontMap *fonts;
    PangoContext *context;
    PangoLayout *layout;
    PangoFontDescription *font;
    struct canvas_dots dots;
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

double canvas_measure(
    struct canvas *canvas, struct str text, double width, const struct canvas_style *style) {
    const struct calls *c = &canvas->call;
    c->pango_font_description_set_weight(
        canvas->font, style->is_bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    c->pango_font_description_set_absolute_size(canvas->font, style->size * PANGO_SCALE);
    c->pango_layout_set_font_description(canvas->layout, canvas->font);
    c->pango_layout_set_alignment(
        canvas->layout, style->is_right ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
    c->pango_layout_set_spacing(canvas->layout, (int)(style->size * 0.25 * PANGO_SCALE));
    c->pango_layout_set_width(canvas->layout, (int)(width * PANGO_SCALE));
    c->pango_layout_set_ellipsize(
        canvas->layout, style->one_line ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
    c->pango_layout_set_height(canvas->layout, style->one_line ? 0 : -1);
    c->pango_layout_set_text(canvas->layout, text.data, (int)text.size);
    int wide = 0;
    int high = 0;
    c->pango_layout_get_size(canvas->layout, &wide, &high);
    return (double)high / PANGO_SCALE;
}

/* On dots there is no paper under the ink: grey means how much of it. */
static void ink(struct canvas *canvas, double red, double green, double blue) {
    if (canvas->kind == CANVAS_DOTS) {
        canvas->call.cairo_set_source_rgba(canvas->cairo, 0, 0, 0, 1 - (red + green + blue) / 3);
    } else {
        canvas->call.cairo_set_source_rgb(canvas->cairo, red, green, blue);
    }
}

double canvas_text(struct canvas *canvas, struct str text, double x, double y, double width,
    const struct canvas_style *style) {
    double height = canvas_measure(canvas, text, width, style);
    ink(canvas, style->grey, style->grey, style->grey);
    canvas->call.cairo_move_to(canvas->cairo, x, y);
    canvas->call.pango_cairo_show_layout(canvas->cairo, canvas->layout);
    return height;
}

/* ---- Lines and areas ---- */

void canvas_line(struct canvas *canvas, double x1, double y1, double x2, double y2,
    double thickness, double grey) {
    const struct calls *c = &canvas->call;
    ink(canvas, grey, grey, grey);
    c->cairo_set_line_width(canvas->cairo, thickness);
    c->cairo_move_to(canvas->cairo, x1, y1);
    c->cairo_line_to(canvas->cairo, x2, y2);
    c->cairo_stroke(canvas->cairo);
}

void canvas_fill(struct canvas *canvas, double x, double y, double width, double height,
    const double colour[3]) {
    const struct calls *c = &canvas->call;
    ink(canvas, colour[0], colour[1], colour[2]);
    c->cairo_rectangle(canvas->cairo, x, y, width, height);
    c->cairo_fill(canvas->cairo);
}

void canvas_page_end(struct canvas *canvas) {
    canvas->call.cairo_show_page(canvas->cairo);
}

struct canvas_dots canvas_dots(const struct canvas *canvas) {
    return canvas->dots;
}

bool canvas_dot(const struct canvas *canvas, uint32_t column, uint32_t row) {
    const unsigned char *data = canvas->call.cairo_image_surface_get_data(canvas->surface);
    int stride = canvas->call.cairo_image_surface_get_stride(canvas->surface);
    return column < canvas->dots.columns && row < canvas->dots.rows &&
           data[(size_t)row * (size_t)stride + column] >= 128;
}

/* ---- Birth and end ---- */

static cairo_status_t on_bytes(void *context, const unsigned char *data, unsigned int size) {
    struct canvas *canvas = context;
    return canvas->sink->write(canvas->sink->context, data, size, &canvas->err) < 0
               ? CAIRO_STATUS_WRITE_ERROR
               : CAIRO_STATUS_SUCCESS;
}

static void make_surface(struct canvas *canvas, const struct canvas_wish *wish) {
    const struct calls *c = &canvas->call;
    if (wish->kind == CANVAS_PDF) {
        canvas->surface =
            c->cairo_pdf_surface_create_for_stream(on_bytes, canvas, wish->width, wish->height);
        AUTO_FREE char *title = mem_copy_z(wish->title);
        c->cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_TITLE, title);
        c->cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_CREATOR, "Maru");
    } else if (wish->kind == CANVAS_SVG) {
        canvas->surface =
            c->cairo_svg_surface_create_for_stream(on_bytes, canvas, wish->width, wish->height);
    } else {
        double scale = wish->dots_per_inch / 72;
        canvas->dots = (struct canvas_dots){.columns = (uint32_t)ceil(wish->width * scale - 1e-6),
            .rows = (uint32_t)ceil(wish->height * scale - 1e-6)};
        canvas->surface = c->cairo_image_surface_create(
            CAIRO_FORMAT_A8, (int)canvas->dots.columns, (int)canvas->dots.rows);
    }
    canvas->cairo = c->cairo_create(canvas->surface);
    if (wish->kind == CANVAS_DOTS) {
        c->cairo_scale(canvas->cairo, wish->dots_per_inch / 72, wish->dots_per_inch / 72);
    }
}

static int check_font(struct canvas *canvas, struct err *err) {
    const struct canvas_style style = {.size = 10};
    (void)canvas_measure(canvas, STR("가각힣"), 400, &style);
    return canvas->call.pango_layout_get_unknown_glyphs_count(canvas->layout) > 0
               ? err_set(err, ERR_UNSUPPORTED, MSG_PAPERS_NO_HANGUL, NO_ARGS)
               : 0;
}

int canvas_new(const struct canvas_wish *wish, struct canvas **ret_canvas, struct err *err) {
    struct calls calls;
    int status = load_calls(&calls, err);
    if (status < 0) {
        return status;
    }
    struct canvas *canvas = MEM_NEW(struct canvas);
    canvas->call = calls;
    canvas->kind = wish->kind;
    canvas->sink = wish->sink;
    make_surface(canvas, wish);
    const struct calls *c = &canvas->call;
    canvas->fonts = c->pango_cairo_font_map_new();
    canvas->context = c->pango_font_map_create_context(canvas->fonts);
    c->pango_cairo_update_context(canvas->cairo, canvas->context);
    canvas->layout = c->pango_layout_new(canvas->context);
    c->pango_layout_set_wrap(canvas->layout, PANGO_WRAP_WORD_CHAR);
    canvas->font = c->pango_font_description_new();
    c->pango_font_description_set_family(canvas->font, FAMILY);
    status = check_font(canvas, err);
    if (status < 0) {
        canvas_free(canvas);
        return status;
    }
    *ret_canvas = canvas;
    return 0;
}

int canvas_finish(struct canvas *canvas, struct err *err) {
    if (canvas->kind == CANVAS_DOTS) {
        canvas->call.cairo_surface_flush(canvas->surface);
    } else {
        canvas->call.cairo_surface_finish(canvas->surface);
    }
    if (canvas->err.code != ERR_OK) {
        if (err != NULL) {
            *err = canvas->err;
        }
        return -(int)canvas->err.code;
    }
    return canvas->call.cairo_surface_status(canvas->surface) == CAIRO_STATUS_SUCCESS
               ? 0
               : err_set(err, ERR_INTERNAL, MSG_PAPERS_PDF_FAILED, NO_ARGS);
}

void canvas_free(struct canvas *canvas) {
    if (canvas == NULL) {
        return;
    }
    const struct calls *c = &canvas->call;
    c->pango_font_description_free(canvas->font);
    c->g_object_unref(canvas->layout);
    c->g_object_unref(canvas->context);
    c->g_object_unref(canvas->fonts);
    c->cairo_destroy(canvas->cairo);
    c->cairo_surface_destroy(canvas->surface); // What it still writes goes into the sink.
    mem_free(canvas);
}
