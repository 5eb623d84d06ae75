/*
 * The codes that a terminal obeys, on a sheet of A4: a label of that size, so that it is drawn as
 * labels are. Each twice: readers of bars read no squares.
 */
#include "papers/label.h"
#include "production/words.h"

#define A4_WIDTH_MM  210.0 // ISO 216.
#define A4_HEIGHT_MM 297.0
enum { LAYOUT_MAX = 4096, LEFT_MM = 18, RIGHT_MM = 112, FIRST_MM = 52, STEP_MM = 78, CODE_MM = 34 };

static const struct {
    const char *code;
    enum msg_id words;
} COMMANDS[] = {{"MARU-BEGIN", SAY(PRODUCTION_X_BEGIN)}, {"MARU-PAUSE", SAY(PRODUCTION_X_PAUSE)},
    {"MARU-SETUP", SAY(PRODUCTION_X_SETUP)}, {"MARU-END", SAY(PRODUCTION_X_END)},
    {"MARU-CLOSE", SAY(PRODUCTION_X_CLOSE)}, {"MARU-YES", SAY(PRODUCTION_X_YES)}};

static void put_words(struct buf *layout, enum msg_id words, enum lang lang) {
    msg_render(words, NO_ARGS, lang, layout);
    buf_put_char(layout, '\n');
}

static void put_commands(struct buf *layout, enum lang lang) {
    buf_printf(layout, "bold %d 18 174 8 ", LEFT_MM);
    put_words(layout, SAY(PRODUCTION_X_TITLE), lang);
    buf_printf(layout, "lines %d 30 174 4.2 ", LEFT_MM);
    put_words(layout, SAY(PRODUCTION_X_WORDS), lang);
    for (int i = 0; i < (int)(sizeof COMMANDS / sizeof COMMANDS[0]); i++) {
        int x = i % 2 == 0 ? LEFT_MM : RIGHT_MM;
        int y = FIRST_MM + i / 2 * STEP_MM;
        buf_printf(layout, "box %d %d 84 70 0.3\n", x - 2, y - 2);
        buf_printf(layout, "bold %d %d 76 6 ", x + 2, y + 2);
        put_words(layout, COMMANDS[i].words, lang);
        buf_printf(layout, "qr %d %d %d %s\n", x + 23, y + 11, CODE_MM, COMMANDS[i].code);
        buf_printf(layout, "code128 %d %d 76 12 %s\n", x + 2, y + 46, COMMANDS[i].code);
        buf_printf(layout, "text %d %d 76 4 %s\n", x + 2, y + 60, COMMANDS[i].code);
    }
}

int command_codes_pdf(enum lang lang, struct arena *arena, struct buf *out, struct err *err) {
    AUTO_BUF struct buf layout;
    buf_init(&layout, LAYOUT_MAX);
    put_commands(&layout, lang);
    struct label *label = ARENA_NEW(arena, struct label);
    label->lang = lang;
    label->design = (struct label_design){.code = STR("COMMANDS"),
        .name = STR("MARU"),
        .width_mm = A4_WIDTH_MM,
        .height_mm = A4_HEIGHT_MM,
        .layout = buf_str(&layout)};
    const struct label_sheet one = {.a4 = false, .copies = 1};
    int rc =
        label_layout_parse(label->design.layout, A4_WIDTH_MM, A4_HEIGHT_MM, &label->layout, err);
    return rc < 0 ? rc : label_pdf(label, &one, out, err);
}
