#ifndef PAPERS_CANVAS_H
#define PAPERS_CANVAS_H
/*
 * Something to draw on, by cairo and pango: pages of a PDF, one SVG, or dots of black and white for
 * a label printer. Sizes are points (1/72 inch) on every kind; from the upper left. Texts are
 * borrowed for the call. Any thread; each canvas has a font map of its own and one owner.
 *
 * The libraries and their fonts are opened on the first use and not linked: whoever never makes a
 * PDF does not need them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define POINTS_PER_MM (72.0 / 25.4)
#define A4_SHORT      595.28 // ISO 216.
#define A4_LONG       841.89

enum canvas_kind { CANVAS_PDF, CANVAS_SVG, CANVAS_DOTS };

struct sink {
    void *context;
    int (*write)(void *context, const void *data, size_t size, struct err *err);
};

struct canvas_wish {
    enum canvas_kind kind;
    double width;
    double height;
    double dots_per_inch;    // Of CANVAS_DOTS, which takes no sink.
    struct str title;        // Of a PDF.
    const struct sink *sink; // Borrowed for the canvas's life.
};

struct canvas;
/* ERR_UNSUPPORTED: cairo or pango is not installed, or no font has Hangul; words say which package.
 */
int canvas_new(const struct canvas_wish *wish, struct canvas **ret_canvas, struct err *err);
void canvas_free(struct canvas *canvas); // NULL is allowed.
/* Writes what is left. The sink's error, or ERR_INTERNAL. */
int canvas_finish(struct canvas *canvas, struct err *err);
void canvas_page_end(struct canvas *canvas); // Of a PDF.

struct canvas_style {
    double size;
    bool is_bold;
    bool is_right;
    bool one_line; // Too long for the width: ends in an ellipsis.
    double grey;   // 0 black .. 1 white.
};
/* Lays the text out in a width; its height. */
double canvas_measure(
    struct canvas *canvas, struct str text, double width, const struct canvas_style *style);
/* The same, and draws it. */
double canvas_text(struct canvas *canvas, struct str text, double x, double y, double width,
    const struct canvas_style *style);
void canvas_line(struct canvas *canvas, double x1, double y1, double x2, double y2,
    double thickness, double grey);
void canvas_fill(
    struct canvas *canvas, double x, double y, double width, double height, const double colour[3]);

/* Of CANVAS_DOTS: whether a dot is black; columns and rows from 0. */
struct canvas_dots {
    uint32_t columns;
    uint32_t rows;
};
struct canvas_dots canvas_dots(const struct canvas *canvas);
bool canvas_dot(const struct canvas *canvas, uint32_t column, uint32_t row);

#endif
