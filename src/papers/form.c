/*
 * The paper keeps the columns that inspectors and customers know from the clipboard: item, limits,
 * value, judged. A check says its words instead of 1 and 0; an empty field stays an empty cell, for
 * a pen.
 */
#include "papers/form.h"

#include <math.h>

#include "papers/pdf.h"
#include "production/words.h"

struct making {
    const struct form_paper *paper;
    struct arena *arena;
};

enum { LIMIT_BYTES = 64 };

static struct str say(const struct making *making, enum msg_id id, const struct arg *args) {
    return text_words(making->arena, making->paper->lang, id, args);
}

static void add_fact(
    const struct making *making, struct grid *sheet, enum msg_id name, struct str value) {
    if (value.size > 0) {
        struct str *cells = grid_row(sheet);
        cells[0] = say(making, name, NO_ARGS);
        cells[1] = value;
    }
}

static struct grid *facts_of(const struct making *making) {
    const struct form_entry *entry = making->paper->entry;
    struct grid *sheet = grid_new(making->arena);
    grid_column(sheet, STR_NONE, 1, false);
    grid_column(sheet, STR_NONE, 3, false);
    add_fact(making, sheet, SAY(PRODUCTION_F_DAY), entry->day);
    add_fact(making, sheet, SAY(PRODUCTION_M_SHIFT), entry->shift);
    add_fact(making, sheet, SAY(PRODUCTION_F_MACHINE), entry->machine);
    add_fact(making, sheet, SAY(PRODUCTION_M_ORDER), entry->order);
    add_fact(making, sheet, SAY(PRODUCTION_M_LOT), entry->lot);
    add_fact(making, sheet, SAY(PRODUCTION_M_WORKER), entry->worker);
    add_fact(making, sheet, SAY(PRODUCTION_H_TIME),
        text_moment(making->arena, entry->time_ns, making->paper->zone));
    add_fact(making, sheet, SAY(PRODUCTION_H_WHY), entry->why);
    return sheet;
}

static struct str limits_of(const struct making *making, const struct form_line *line) {
    char lower[LIMIT_BYTES];
    char upper[LIMIT_BYTES];
    struct str low = {lower, isnan(line->lower) ? 0 : f64_to_text(line->lower, lower)};
    struct str high = {upper, isnan(line->upper) ? 0 : f64_to_text(line->upper, upper)};
    return low.size + high.size == 0
               ? STR_NONE
               : text_f(making->arena, "%.*s ~ %.*s", STR_ARG(low), STR_ARG(high));
}

static struct str value_of(const struct making *making, const struct form_line *line) {
    if (str_eq(line->kind, STR("check")) && line->value.size > 0) {
        return say(making,
            str_eq(line->value, STR("1")) ? SAY(PRODUCTION_H_GOOD) : SAY(PRODUCTION_H_BAD),
            NO_ARGS);
    }
    return line->unit.size == 0 || line->value.size == 0
               ? line->value
               : text_f(making->arena, "%.*s %.*s", STR_ARG(line->value), STR_ARG(line->unit));
}

static struct str judged(const struct making *making, const struct form_line *line) {
    bool is_judged = line->value.size > 0 && (str_eq(line->kind, STR("check")) ||
                                                 !isnan(line->lower) || !isnan(line->upper));
    return is_judged ? say(making, line->outside ? SAY(PRODUCTION_H_BAD) : SAY(PRODUCTION_H_GOOD),
                           NO_ARGS)
                     : STR_NONE;
}

static struct grid *lines_of(const struct making *making) {
    const struct form_entry *entry = making->paper->entry;
    struct grid *sheet = grid_new(making->arena);
    grid_column(sheet, say(making, SAY(PRODUCTION_H_FIELD), NO_ARGS), 3, false);
    grid_column(sheet, say(making, SAY(PRODUCTION_H_LIMITS), NO_ARGS), 1.4, false);
    grid_column(sheet, say(making, SAY(PRODUCTION_H_VALUE), NO_ARGS), 3, false);
    grid_column(sheet, say(making, SAY(PRODUCTION_H_JUDGED), NO_ARGS), 1.2, false);
    for (uint32_t i = 0; i < entry->line_count; i++) {
        struct str *cells = grid_row(sheet);
        cells[0] = entry->lines[i].name;
        cells[1] = limits_of(making, &entry->lines[i]);
        cells[2] = value_of(making, &entry->lines[i]);
        cells[3] = judged(making, &entry->lines[i]);
    }
    return sheet;
}

static struct grid *signs_of(const struct making *making) {
    static const enum msg_id PARTIES[] = {
        SAY(PRODUCTION_H_WRITTEN), SAY(PRODUCTION_H_CHECKED), SAY(PRODUCTION_H_APPROVED)};
    struct grid *sheet = grid_new(making->arena);
    grid_column(sheet, STR_NONE, 1, false);
    grid_column(sheet, say(making, SAY(PRODUCTION_D_NAME), NO_ARGS), 2, false);
    grid_column(sheet, say(making, SAY(PRODUCTION_D_SIGNATURE), NO_ARGS), 3, false);
    for (size_t i = 0; i < sizeof PARTIES / sizeof PARTIES[0]; i++) {
        struct str *cells = grid_row(sheet);
        cells[0] = say(making, PARTIES[i], NO_ARGS);
        cells[1] = i == 0 ? making->paper->entry->worker : STR_NONE;
    }
    return sheet;
}

static int into_buf(void *context, const void *data, size_t size, struct err *err) {
    struct buf *out = context;
    buf_put(out, data, size);
    return out->overflow
               ? err_set(err, ERR_LIMIT, MSG_PAPERS_TOO_LONG, ARGS(A_INT(size), A_INT(out->max)))
               : 0;
}

int form_pdf(const struct form_paper *of, struct arena *arena, struct buf *out, struct err *err) {
    const struct making making = {.paper = of, .arena = arena};
    const struct form_entry *entry = of->entry;
    struct paper *paper = ARENA_NEW(arena, struct paper);
    paper->title = entry->name;
    paper->subtitle = entry->machine;
    paper->foot = text_f(arena, "%.*s  #%lld  v%lld", STR_ARG(of->plant), (long long)entry->number,
        (long long)entry->version);
    if (entry->replaced_by != 0) {
        paper->mark = say(&making, SAY(PRODUCTION_H_OLD), ARGS(A_INT(entry->replaced_by)));
    }
    paper_grid(paper, BLOCK_FACTS, facts_of(&making));
    paper_grid(paper, BLOCK_TABLE, lines_of(&making));
    paper_grid(paper, BLOCK_SIGN, signs_of(&making));
    const struct sink sink = {out, into_buf};
    return pdf_write(paper, &sink, err);
}
