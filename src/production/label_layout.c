/*
 * Layouts of labels as text, and the placeholders in them.
 */
#include "production/label.h"

#include <string.h>

#include "production/words.h"

/* Placeholders, and what their values are called. */
static const struct {
    const char *name;
    enum msg_id words;
} WORDS[] = {{"lot", SAY(PRODUCTION_M_LOT)}, {"order", SAY(PRODUCTION_M_ORDER)},
    {"item", SAY(PRODUCTION_F_ITEM)}, {"name", SAY(PRODUCTION_F_NAME)},
    {"spec", SAY(PRODUCTION_F_SPEC)}, {"unit", SAY(PRODUCTION_F_UNIT)},
    {"quantity", SAY(PRODUCTION_M_QUANTITY)}, {"date", SAY(PRODUCTION_F_DAY)},
    {"made", SAY(PRODUCTION_M_MADE)}, {"expires", SAY(PRODUCTION_M_EXPIRES)},
    {"due", SAY(PRODUCTION_M_DUE)}, {"gtin", SAY(PRODUCTION_F_GTIN)},
    {"partner", SAY(PRODUCTION_F_PARTNER)}, {"partner_lot", SAY(PRODUCTION_M_PARTNER_LOT)},
    {"customer", SAY(PRODUCTION_M_CUSTOMER)}, {"place", SAY(PRODUCTION_F_PLACE)},
    {"machine", SAY(PRODUCTION_F_MACHINE)}, {"maker", SAY(PRODUCTION_F_MAKER)},
    {"model", SAY(PRODUCTION_F_MODEL)}, {"serial", SAY(PRODUCTION_F_SERIAL)},
    {"worker", SAY(PRODUCTION_M_WORKER)}, {"team", SAY(PRODUCTION_F_TEAM)},
    {"badge", SAY(PRODUCTION_F_BADGE)}, {"mould", SAY(PRODUCTION_M_MOULD)},
    {"steps", SAY(PRODUCTION_N_ROUTINGS)}, {"note", SAY(PRODUCTION_F_NOTE)},
    {"gs1", SAY(PRODUCTION_F_GTIN)}};

static enum msg_id words_of(struct str name) {
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (str_eq(str_of(WORDS[i].name), name)) {
            return WORDS[i].words;
        }
    }
    return MSG_NONE;
}

/* ---- Layout ---- */

static const struct form {
    const char *word;
    enum label_part_kind kind;
    uint8_t numbers; // Before the text.
    bool has_text;
    bool is_bold;
    bool is_right;
    bool breaks;
} FORMS[] = {
    {"text", LABEL_TEXT, 4, true, false, false, false},
    {"bold", LABEL_TEXT, 4, true, true, false, false},
    {"right", LABEL_TEXT, 4, true, false, true, false},
    {"boldright", LABEL_TEXT, 4, true, true, true, false},
    {"lines", LABEL_TEXT, 4, true, false, false, true},
    {"code128", LABEL_CODE128, 4, true, false, false, false},
    {"gs1-128", LABEL_GS1_128, 4, true, false, false, false},
    {"qr", LABEL_QR, 3, true, false, false, false},
    {"gs1-qr", LABEL_GS1_QR, 3, true, false, false, false},
    {"datamatrix", LABEL_DATAMATRIX, 3, true, false, false, false},
    {"gs1-datamatrix", LABEL_GS1_DATAMATRIX, 3, true, false, false, false},
    {"line", LABEL_LINE, 5, false, false, false, false},
    {"box", LABEL_BOX, 5, false, false, false, false},
};

static const struct form *form_of(struct str word) {
    for (size_t i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        if (str_eq(str_of(FORMS[i].word), word)) {
            return &FORMS[i];
        }
    }
    return NULL;
}

static struct str next_word(struct str *rest) {
    *rest = str_trim(*rest);
    size_t end = str_find(*rest, ' ');
    struct str word = str_slice(*rest, 0, end);
    *rest = str_slice(*rest, end, rest->size);
    return word;
}

/* Every placeholder is one that there is, and every brace has its other half. */
static int check_text(struct str text, struct err *err) {
    struct str rest = text;
    while (rest.size > 0) {
        struct str before = str_cut(&rest, '{');
        if (str_find(before, '}') < before.size) {
            return err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_BRACE), ARGS(A_STR(text)));
        }
        if (rest.data == NULL) {
            return 0;
        }
        size_t end = str_find(rest, '}');
        struct str name = str_slice(rest, 0, end);
        if (end == rest.size) {
            return err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_BRACE), ARGS(A_STR(text)));
        }
        rest = str_slice(rest, end + 1, rest.size);
        if (name.size > 0 && name.data[0] == '=') {
            name = str_slice(name, 1, name.size);
        }
        if (words_of(name) == MSG_NONE) {
            return err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_WORD), ARGS(A_STR(name)));
        }
    }
    return 0;
}

static void take_numbers(
    const struct form *form, const double numbers[5], struct label_part *ret_part) {
    *ret_part = (struct label_part){.kind = form->kind,
        .x = numbers[0],
        .y = numbers[1],
        .width = numbers[2],
        .is_bold = form->is_bold,
        .is_right = form->is_right,
        .breaks = form->breaks};
    if (form->kind == LABEL_TEXT) {
        ret_part->size = numbers[3];
        ret_part->height = numbers[3];
    } else if (form->kind == LABEL_LINE) {
        ret_part->width = numbers[2] - numbers[0];
        ret_part->height = numbers[3] - numbers[1];
        ret_part->size = numbers[4];
    } else if (form->kind == LABEL_BOX) {
        ret_part->height = numbers[3];
        ret_part->size = numbers[4];
    } else {
        ret_part->height = form->numbers == 4 ? numbers[3] : numbers[2];
    }
}

static bool fits(const struct label_part *part, double width, double height) {
    static const double SLACK = 0.01;
    double right = part->x + part->width;
    double bottom = part->y + part->height;
    bool inside = part->x >= 0 && part->y >= 0 && right >= 0 && bottom >= 0 &&
                  right <= width + SLACK && bottom <= height + SLACK;
    if (part->kind == LABEL_LINE) {
        return inside && part->size > 0 && part->size <= 10;
    }
    bool sized = part->width > 0 && part->height > 0;
    return inside && sized &&
           (part->kind == LABEL_TEXT     ? part->size >= 1
               : part->kind == LABEL_BOX ? part->size > 0 && part->size <= 10
                                         : true);
}

static int parse_line(
    struct str line, double width, double height, struct label_layout *layout, struct err *err) {
    struct str rest = line;
    struct str word = next_word(&rest);
    const struct form *form = form_of(word);
    double numbers[5] = {0};
    if (form == NULL) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_PART), ARGS(A_STR(word)));
    }
    for (uint8_t i = 0; i < form->numbers; i++) {
        struct str number = next_word(&rest);
        if (number.size > 16 || !str_to_f64(number, &numbers[i]) || numbers[i] < 0 ||
            numbers[i] > LABEL_SIDE_MAX_MM) {
            return err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_NUMBER), ARGS(A_STR(number)));
        }
    }
    if (layout->count == LABEL_PARTS_MAX) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_LABEL_PARTS), ARGS(A_INT(LABEL_PARTS_MAX)));
    }
    struct label_part *part = &layout->parts[layout->count++];
    take_numbers(form, numbers, part);
    part->text = str_trim(rest);
    if ((part->text.size > 0) != form->has_text || !fits(part, width, height)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_OUTSIDE), ARGS(A_STR(line)));
    }
    return check_text(part->text, err);
}

int label_layout_parse(struct str text, double width_mm, double height_mm,
    struct label_layout *ret_layout, struct err *err) {
    ret_layout->count = 0;
    if (!(width_mm >= LABEL_SIDE_MIN_MM && width_mm <= LABEL_SIDE_MAX_MM &&
            height_mm >= LABEL_SIDE_MIN_MM && height_mm <= LABEL_SIDE_MAX_MM)) {
        return err_set(err, ERR_RANGE, SAY(PRODUCTION_LABEL_SIDE),
            ARGS(A_INT(LABEL_SIDE_MIN_MM), A_INT(LABEL_SIDE_MAX_MM)));
    }
    struct str rest = text;
    for (int number = 1; rest.size > 0; number++) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        int status = line.size == 0 ? 0 : parse_line(line, width_mm, height_mm, ret_layout, err);
        if (status < 0) {
            return err_context(err, SAY(PRODUCTION_LABEL_LINE), ARGS(A_INT(number)));
        }
    }
    return ret_layout->count > 0 ? 0
                                 : err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_EMPTY), NO_ARGS);
}

/* ---- Filling ---- */

static struct str value_of(const struct label_facts *facts, struct str name) {
    for (uint32_t i = 0; i < facts->count; i++) {
        if (str_eq(str_of(facts->all[i].name), name)) {
            return facts->all[i].value;
        }
    }
    return STR_NONE;
}

bool label_fill(const struct label_part *part, const struct label_facts *facts, enum lang lang,
    struct buf *out) {
    struct str rest = part->text;
    uint32_t asked = 0;
    uint32_t empty = 0;
    bool gs1 = part->kind == LABEL_GS1_128 || part->kind == LABEL_GS1_QR ||
               part->kind == LABEL_GS1_DATAMATRIX;
    while (rest.size > 0) {
        buf_put_str(out, str_cut(&rest, '{'));
        struct str name = str_cut(&rest, '}');
        if (name.size > 0 && name.data[0] == '=') {
            msg_render(words_of(str_slice(name, 1, name.size)), NO_ARGS, lang, out);
        } else if (name.size > 0) {
            struct str value = value_of(facts, name);
            buf_put_str(out, value);
            asked++;
            empty += value.size == 0;
        }
    }
    return !out->overflow && (asked == 0 || (gs1 ? empty == 0 : empty < asked));
}
