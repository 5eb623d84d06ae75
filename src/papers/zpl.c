/*
 * ZPL II (Zebra, ZPL II Programming Guide): ^XA, ^FO, ^A0, ^FB, ^FH, ^FD, ^GB, ^GF, ^PQ, ^XZ, and
 * ~HS. Nothing is stored in the printer, and a label is one format: until its last byte has come
 * nothing is printed of it.
 */
#include <math.h>

#include "core/mem.h"
#include "papers/label_draw.h"

struct dots {
    double per_mm;
    struct buf *out;
};

static int64_t dots_of(const struct dots *dots, double mm) {
    return (int64_t)lround(mm * dots->per_mm);
}

static void put_origin(const struct dots *dots, int64_t x, int64_t y) {
    buf_printf(dots->out, "^FO%lld,%lld", (long long)x, (long long)y);
}

/* ---- Dots ---- */

struct bitmap {
    const void *of;
    bool (*is_black)(const void *of, uint32_t column, uint32_t row);
    uint32_t columns;
    uint32_t rows;
};

/* ^GFA: bytes as hexadecimal digits, each row a whole number of bytes. */
static void put_bitmap(struct buf *out, const struct bitmap *bitmap) {
    static const char HEX[] = "0123456789ABCDEF";
    uint32_t bytes = (bitmap->columns + 7) / 8;
    buf_printf(out, "^GFA,%u,%u,%u,", bytes * bitmap->rows, bytes * bitmap->rows, bytes);
    for (uint32_t row = 0; row < bitmap->rows; row++) {
        for (uint32_t byte = 0; byte < bytes; byte++) {
            unsigned value = 0;
            for (uint32_t bit = 0; bit < 8; bit++) {
                uint32_t column = byte * 8 + bit;
                value = value << 1 |
                        (column < bitmap->columns && bitmap->is_black(bitmap->of, column, row));
            }
            buf_put_char(out, HEX[value >> 4]);
            buf_put_char(out, HEX[value & 15]);
        }
    }
    buf_put_str(out, STR("^FS\n"));
}

struct code_dots {
    const struct symbol *symbol;
    uint32_t module; // Dots.
};

static bool code_is_black(const void *of, uint32_t column, uint32_t row) {
    const struct code_dots *code = of;
    uint32_t at = code->symbol->rows == 1 ? 0 : row / code->module;
    return symbol_is_black(code->symbol, column / code->module, at);
}

static int put_code(const struct dots *dots, const struct label_part *part, enum symbol_kind kind,
    struct str text, struct err *err) {
    AUTO_FREE struct symbol *symbol = MEM_NEW(struct symbol);
    double module = 0;
    int rc = symbol_make(kind, text, symbol, err);
    rc = rc < 0 ? rc : label_module(part, symbol, text, 1 / dots->per_mm, &module, err);
    if (rc < 0) {
        return rc;
    }
    const struct code_dots code = {symbol, (uint32_t)lround(module * dots->per_mm)};
    const struct bitmap bitmap = {.of = &code,
        .is_black = code_is_black,
        .columns = symbol->columns * code.module,
        .rows =
            symbol->rows == 1 ? (uint32_t)dots_of(dots, part->height) : symbol->rows * code.module};
    put_origin(dots, dots_of(dots, part->x), dots_of(dots, part->y));
    put_bitmap(dots->out, &bitmap);
    return 0;
}

/* ---- Text ---- */

/* The printer's own letters take about six tenths of their height in width. */
static bool prints_itself(const struct label_part *part, struct str text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return !part->breaks && (double)text.size * part->size * 0.6 <= part->width;
}

static void put_letters(const struct dots *dots, const struct label_part *part, struct str text) {
    int64_t size = dots_of(dots, part->size);
    put_origin(dots, dots_of(dots, part->x), dots_of(dots, part->y));
    buf_printf(dots->out, "^A0N,%lld,%lld", (long long)size, (long long)size);
    if (part->is_right) {
        buf_printf(dots->out, "^FB%lld,1,0,R", (long long)dots_of(dots, part->width));
    }
    buf_put_str(dots->out, STR("^FH_^FD"));
    for (size_t i = 0; i < text.size; i++) { // What ZPL takes for commands goes as _xx.
        char c = text.data[i];
        bool plain = c != '^' && c != '~' && c != '_' && c != '\\';
        buf_printf(dots->out, plain ? "%c" : "_%02X", c);
    }
    buf_put_str(dots->out, STR("^FS\n"));
}

static bool canvas_is_black(const void *of, uint32_t column, uint32_t row) {
    return canvas_dot(of, column, row);
}

static int put_drawn(
    const struct dots *dots, const struct label_part *part, struct str text, struct err *err) {
    const struct canvas_style style = {
        .size = part->size * POINTS_PER_MM, .is_bold = part->is_bold, .one_line = !part->breaks};
    struct canvas *canvas = NULL;
    struct canvas_wish wish = {.kind = CANVAS_DOTS,
        .width = part->width * POINTS_PER_MM,
        .height = 2 * part->size * POINTS_PER_MM,
        .dots_per_inch = dots->per_mm * 25.4};
    int rc = canvas_new(&wish, &canvas, err);
    if (rc >= 0 && part->breaks) { // As high as its lines are.
        wish.height = canvas_measure(canvas, text, wish.width, &style) + 1;
        canvas_free(canvas);
        canvas = NULL;
        rc = canvas_new(&wish, &canvas, err);
    }
    if (rc >= 0) {
        struct label_part alone = *part;
        alone.x = 0;
        alone.y = 0;
        label_draw_text(canvas, &alone, text, 0, 0);
        rc = canvas_finish(canvas, err);
    }
    if (rc >= 0) {
        struct canvas_dots size = canvas_dots(canvas);
        const struct bitmap bitmap = {canvas, canvas_is_black, size.columns, size.rows};
        put_origin(dots, dots_of(dots, part->x), dots_of(dots, part->y));
        put_bitmap(dots->out, &bitmap);
    }
    canvas_free(canvas);
    return rc;
}

/* ---- The label ---- */

static void put_lines(const struct dots *dots, const struct label_part *part) {
    int64_t thick = dots_of(dots, part->size);
    thick = thick < 1 ? 1 : thick;
    double left = part->width < 0 ? part->x + part->width : part->x;
    double top = part->height < 0 ? part->y + part->height : part->y;
    int64_t wide = dots_of(dots, fabs(part->width));
    int64_t high = dots_of(dots, fabs(part->height));
    put_origin(dots, dots_of(dots, left), dots_of(dots, top));
    if (part->kind == LABEL_LINE && wide > 0 && high > 0) {
        bool rises = (part->width < 0) != (part->height < 0);
        buf_printf(dots->out, "^GD%lld,%lld,%lld,B,%c^FS\n", (long long)wide, (long long)high,
            (long long)thick, rises ? 'R' : 'L');
        return;
    }
    wide = wide < thick ? thick : wide;
    high = high < thick ? thick : high;
    buf_printf(
        dots->out, "^GB%lld,%lld,%lld^FS\n", (long long)wide, (long long)high, (long long)thick);
}

static int put_part(
    const struct dots *dots, const struct label_part *part, struct str text, struct err *err) {
    enum symbol_kind kind = SYMBOL_CODE128;
    if (label_part_is_code(part, &kind)) {
        return put_code(dots, part, kind, text, err);
    }
    if (part->kind != LABEL_TEXT) {
        put_lines(dots, part);
        return 0;
    }
    if (prints_itself(part, text)) {
        put_letters(dots, part, text);
        return 0;
    }
    return put_drawn(dots, part, text, err);
}

int label_zpl(const struct label *label, double dots_per_inch, uint32_t copies, struct buf *out,
    struct err *err) {
    const struct dots dots = {.per_mm = dots_per_inch / 25.4, .out = out};
    buf_printf(out, "^XA\n^CI28^LH0,0^PW%lld^LL%lld\n",
        (long long)dots_of(&dots, label->design.width_mm),
        (long long)dots_of(&dots, label->design.height_mm));
    int rc = 0;
    for (uint32_t i = 0; i < label->layout.count && rc >= 0; i++) {
        const struct label_part *part = &label->layout.parts[i];
        AUTO_BUF struct buf text;
        buf_init(&text, LABEL_TEXT_MAX);
        if (label_fill(part, &label->facts, label->lang, &text)) {
            struct str shown = str_trim(buf_str(&text));
            rc = put_part(&dots, part, shown, err);
        }
    }
    buf_printf(out, "^PQ%u,0,0,N\n^XZ\n", copies);
    return rc >= 0 && out->overflow ? err_set(err, ERR_LIMIT, MSG_PAPERS_TOO_LONG,
                                          ARGS(A_INT(out->size), A_INT(out->max)))
                                    : rc;
}

/* ---- Status ---- */

/* Between STX and ETX; false: there is not so much yet. */
static bool next_string(struct str *rest, struct str *ret_string) {
    static const char STX = 2;
    static const char ETX = 3;
    size_t begin = str_find(*rest, STX);
    struct str behind =
        str_slice(*rest, begin + 1 < rest->size ? begin + 1 : rest->size, rest->size);
    size_t end = str_find(behind, ETX);
    if (begin >= rest->size || end >= behind.size) {
        return false;
    }
    *ret_string = str_slice(behind, 0, end);
    *rest = str_slice(behind, end + 1, behind.size);
    return true;
}

static bool take_fields(struct str string, int64_t *fields, int count) {
    for (int i = 0; i < count; i++) {
        if (string.data == NULL || !str_to_i64(str_trim(str_cut(&string, ',')), &fields[i])) {
            return false;
        }
    }
    return true;
}

bool zpl_status_parse(struct str answer, struct zpl_status *ret_status) {
    struct str first = STR_NONE;
    struct str second = STR_NONE;
    int64_t one[3];
    int64_t two[9];
    if (!next_string(&answer, &first) || !next_string(&answer, &second) ||
        !take_fields(first, one, 3) || !take_fields(second, two, 9)) {
        return false;
    }
    *ret_status = (struct zpl_status){.no_paper = one[1] != 0,
        .is_paused = one[2] != 0,
        .head_open = two[2] != 0,
        .no_ribbon = two[3] != 0,
        .labels_left = two[8]};
    return true;
}
