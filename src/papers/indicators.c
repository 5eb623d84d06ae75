/*
 * Performance indicators as a sheet and a paper: before, target and result of each with its
 * percentages written out, so that whoever judges them can reckon them again, and beside them what
 * other factories reached, with its source.
 */
#include "papers/store.h"
#include "plant/indicator.h"

enum { MONTHS_READ = 36 };

struct indicator_rows {
    const struct making *making;
    struct indicator *rows;
    struct indicator_figures *figures;
    int count;
};

static enum msg_id effect_words(struct str effect) {
    static const struct {
        const char *name;
        enum msg_id words;
    } WORDS[] = {{"productivity", MSG_PAPERS_E_PRODUCTIVITY}, {"quality", MSG_PAPERS_E_QUALITY},
        {"cost", MSG_PAPERS_E_COST}, {"delivery", MSG_PAPERS_E_DELIVERY},
        {"sales", MSG_PAPERS_E_SALES}, {"employment", MSG_PAPERS_E_EMPLOYMENT}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (str_eq(effect, str_of(WORDS[i].name))) {
            return WORDS[i].words;
        }
    }
    return MSG_PAPERS_E_SAFETY;
}

static int read_all(struct ledger_tx *tx, void *context, struct err *err) {
    struct indicator_rows *all = context;
    struct plant *plant = all->making->plant;
    struct arena *arena = all->making->arena;
    struct indicator_value values[MONTHS_READ];
    char month[INDICATOR_MONTH_BYTES];
    indicator_month_of(plant, clock_wall_ns(plant_clock(plant)), month);
    all->rows = ARENA_ARRAY(arena, struct indicator, INDICATOR_ROWS_MAX);
    all->figures = ARENA_ARRAY(arena, struct indicator_figures, INDICATOR_ROWS_MAX);
    all->count = indicator_list(tx, arena, all->rows, INDICATOR_ROWS_MAX, err);
    for (int i = 0; i < all->count; i++) {
        int count = indicator_values(tx, all->rows[i].number, arena, values, MONTHS_READ, err);
        if (count < 0) {
            return count;
        }
        indicator_figures(&all->rows[i], values, count, str_of(month), all->making->order->lang,
            arena, &all->figures[i]);
    }
    return all->count < 0 ? all->count : 0;
}

static struct str number(struct arena *arena, double value) {
    char text[32];
    size_t size = value == value ? f64_to_text(value, text) : 0;
    return arena_copy(arena, (struct str){text, size});
}

static void put_row(const struct indicator_rows *all, int i, struct str *cells) {
    struct arena *arena = all->making->arena;
    const struct indicator *row = &all->rows[i];
    const struct indicator_figures *f = &all->figures[i];
    cells[0] = text_f(arena, "%lld", (long long)row->number);
    cells[1] = words(all->making, effect_words(row->effect), NO_ARGS);
    cells[2] = row->name;
    cells[3] = row->unit;
    cells[4] = number(arena, row->baseline);
    cells[5] =
        row->baseline_from.size + row->baseline_to.size == 0
            ? STR_NONE
            : text_f(arena, "%.*s ~ %.*s", STR_ARG(row->baseline_from), STR_ARG(row->baseline_to));
    cells[6] = number(arena, row->target);
    cells[7] = row->target_date;
    cells[8] = number(arena, f->result.value);
    cells[9] = f->has_result ? f->result.month : STR_NONE;
    cells[10] = text_number(arena, f->improvement, 1);
    cells[11] = text_number(arena, f->achievement, 1);
    cells[12] = number(arena, row->weight);
    cells[13] =
        row->formula.size > 0 ? row->formula : words(all->making, MSG_PAPERS_TYPED, NO_ARGS);
}

static int indicator_rows(
    const struct making *making, struct indicator_rows *all, struct err *err) {
    *all = (struct indicator_rows){.making = making};
    return ledger_read(plant_ledger(making->plant), read_all, all, err);
}

static struct grid *sheet_of(const struct indicator_rows *all, bool for_paper) {
    static const struct {
        enum msg_id head;
        double weight;
        bool is_number;
    } COLUMNS[] = {{MSG_PAPERS_F_NUMBER, 0.5, true}, {MSG_PAPERS_I_EFFECT, 0.9, false},
        {MSG_PAPERS_F_NAME, 1.8, false}, {MSG_PAPERS_C_UNIT, 0.6, false},
        {MSG_PAPERS_I_BEFORE, 0.8, true}, {MSG_PAPERS_I_PERIOD, 1.3, false},
        {MSG_PAPERS_I_TARGET, 0.8, true}, {MSG_PAPERS_I_UNTIL, 1, false},
        {MSG_PAPERS_I_RESULT, 0.8, true}, {MSG_PAPERS_I_MONTH, 0.8, false},
        {MSG_PAPERS_I_IMPROVEMENT, 0.9, true}, {MSG_PAPERS_I_ACHIEVEMENT, 0.9, true},
        {MSG_PAPERS_I_WEIGHT, 0.6, true}, {MSG_PAPERS_I_HOW, 1.6, false}};
    struct grid *sheet = grid_new(all->making->arena);
    size_t columns = sizeof COLUMNS / sizeof COLUMNS[0] - (for_paper ? 1 : 0);
    for (size_t i = 0; i < columns; i++) {
        grid_column(sheet, words(all->making, COLUMNS[i].head, NO_ARGS), COLUMNS[i].weight,
            COLUMNS[i].is_number);
    }
    for (int i = 0; i < all->count; i++) {
        struct str cells[GRID_COLUMNS_MAX];
        struct str *row = grid_row(sheet); // INDICATOR_ROWS_MAX at most.
        put_row(all, i, cells);
        for (size_t c = 0; c < columns; c++) {
            row[c] = cells[c];
        }
    }
    return sheet;
}

int indicators_sheet(const struct making *making, struct grid **ret_sheet, struct err *err) {
    struct indicator_rows all;
    int status = indicator_rows(making, &all, err);
    if (status >= 0) {
        *ret_sheet = sheet_of(&all, false);
    }
    return status;
}

static void put_reckoning(const struct indicator_rows *all, struct paper *paper) {
    const struct making *making = all->making;
    for (int i = 0; i < all->count; i++) {
        struct grid *facts = facts_new(making);
        paper_text(paper, BLOCK_SECTION, all->rows[i].name);
        fact(making, facts, MSG_PAPERS_I_IMPROVEMENT, all->figures[i].improvement_words);
        fact(making, facts, MSG_PAPERS_I_ACHIEVEMENT, all->figures[i].achievement_words);
        fact(making, facts, MSG_PAPERS_I_HOW,
            all->rows[i].formula.size > 0 ? all->rows[i].formula
                                          : words(making, MSG_PAPERS_TYPED, NO_ARGS));
        if (all->rows[i].baseline_source.size > 0) {
            fact(making, facts, MSG_PAPERS_I_SOURCE, all->rows[i].baseline_source);
        }
        paper_grid(paper, BLOCK_FACTS, facts);
    }
}

static const struct grid *references(const struct making *making) {
    struct grid *sheet = grid_new(making->arena);
    grid_column(sheet, words(making, MSG_PAPERS_I_EFFECT, NO_ARGS), 1, false);
    grid_column(sheet, words(making, MSG_PAPERS_I_OTHERS, NO_ARGS), 1, false);
    for (size_t i = 0; i < sizeof INDICATOR_REFERENCES / sizeof INDICATOR_REFERENCES[0]; i++) {
        const struct indicator_reference *one = &INDICATOR_REFERENCES[i];
        struct str *cells = grid_row(sheet);
        cells[0] = words(making, effect_words(str_of(one->effect)), NO_ARGS);
        cells[1] = one->persons ? words(making, MSG_PAPERS_I_PERSONS,
                                      ARGS(A_STR(text_f(making->arena, "%+.1f", one->value))))
                                : text_f(making->arena, "%+.1f %%", one->value);
    }
    return sheet;
}

int indicators_paper(const struct making *making, struct paper *paper, struct err *err) {
    struct indicator_rows all;
    int status = indicator_rows(making, &all, err);
    if (status < 0) {
        return status;
    }
    struct indicator_mean mean = {0};
    for (int i = 0; i < all.count; i++) {
        indicator_mean_add(&mean, all.figures[i].achievement, all.rows[i].weight);
    }
    paper_begin(making, paper, MSG_PAPERS_T_INDICATORS);
    paper->landscape = true;
    if (all.count == 0) {
        paper_text(paper, BLOCK_TEXT, words(making, MSG_PAPERS_NONE_YET, NO_ARGS));
    } else {
        if (mean.count > 0) {
            paper_text(paper, BLOCK_TEXT,
                words(making, MSG_PAPERS_I_WHOLE,
                    ARGS(A_STR(text_number(making->arena, indicator_mean_value(&mean), 1)),
                        A_INT(mean.count))));
        }
        paper_grid(paper, BLOCK_TABLE, sheet_of(&all, true));
        paper_text(paper, BLOCK_HEADING, words(making, MSG_PAPERS_I_RECKONED, NO_ARGS));
        put_reckoning(&all, paper);
    }
    paper_text(paper, BLOCK_HEADING, words(making, MSG_PAPERS_I_OTHERS, NO_ARGS));
    paper_text(paper, BLOCK_TEXT, words(making, MSG_INDICATOR_REFERENCE, NO_ARGS));
    paper_grid(paper, BLOCK_TABLE, references(making));
    return 0;
}
