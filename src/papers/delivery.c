/*
 * Both halves are the same paper with another word above it.
 */
#include "papers/delivery.h"

#include "papers/pdf.h"
#include "papers/symbol.h"
#include "production/amount.h"
#include "production/words.h"

struct making {
    const struct delivery_paper *paper;
    struct arena *arena;
};

static struct str say(const struct making *making, enum msg_id id, const struct arg *args) {
    return text_words(making->arena, making->paper->lang, id, args);
}

/* "1,234,567.5" */
static struct str grouped(struct arena *arena, int64_t u) {
    char text[AMOUNT_TEXT_MAX];
    struct str all = {text, amount_text(u, text)};
    struct str rest = all;
    struct str whole = str_cut(&rest, '.');
    AUTO_BUF struct buf out;
    buf_init(&out, 64);
    for (size_t i = 0; i < whole.size; i++) {
        if (i > 0 && (whole.size - i) % 3 == 0 && whole.data[i - 1] != '-') {
            buf_put_char(&out, ',');
        }
        buf_put_char(&out, whole.data[i]);
    }
    if (rest.size > 0) {
        buf_put_char(&out, '.');
        buf_put_str(&out, rest);
    }
    return arena_copy(arena, buf_str(&out));
}

static void add_fact(
    const struct making *making, struct grid *sheet, enum msg_id name, struct str value) {
    if (value.size > 0) {
        struct str *cells = grid_row(sheet);
        cells[0] = say(making, name, NO_ARGS);
        cells[1] = value;
    }
}

static struct str joined(struct arena *arena, struct str a, struct str b, struct str c) {
    return text_f(arena, "%.*s%s%.*s%s%.*s", (int)a.size, a.data, b.size > 0 ? "   " : "",
        (int)b.size, b.data, c.size > 0 ? "   " : "", (int)c.size, c.data);
}

static struct grid *facts_of(const struct making *making) {
    const struct delivery_paper *paper = making->paper;
    const struct delivery *delivery = &paper->delivery;
    struct grid *sheet = grid_new(making->arena);
    grid_column(sheet, STR_NONE, 1, false);
    grid_column(sheet, STR_NONE, 3, false);
    add_fact(making, sheet, SAY(PRODUCTION_D_NUMBER), delivery->code);
    add_fact(making, sheet, SAY(PRODUCTION_D_DAY), delivery->day);
    add_fact(making, sheet, SAY(PRODUCTION_D_FROM),
        joined(making->arena, paper->own_name, paper->own_business, STR_NONE));
    add_fact(making, sheet, SAY(PRODUCTION_D_TO),
        joined(making->arena, delivery->partner_name, delivery->business_number, delivery->phone));
    add_fact(making, sheet, SAY(PRODUCTION_F_ADDRESS), delivery->address);
    add_fact(making, sheet, SAY(PRODUCTION_M_OUTSOURCING), delivery->outsourcing);
    add_fact(making, sheet, SAY(PRODUCTION_F_NOTE), delivery->note);
    return sheet;
}

static struct grid *lines_of(const struct making *making) {
    const struct delivery *delivery = &making->paper->delivery;
    static const struct {
        enum msg_id words;
        double weight;
        bool is_number;
    } COLUMNS[] = {{SAY(PRODUCTION_D_ITEM), 3.2, false}, {SAY(PRODUCTION_D_SPEC), 2, false},
        {SAY(PRODUCTION_D_LOT), 2, false}, {SAY(PRODUCTION_D_SALES), 1.6, false},
        {SAY(PRODUCTION_D_QUANTITY), 1.3, true}, {SAY(PRODUCTION_D_UNIT), 0.8, false},
        {SAY(PRODUCTION_D_PRICE), 1.2, true}, {SAY(PRODUCTION_D_AMOUNT), 1.6, true}};
    struct grid *sheet = grid_new(making->arena);
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        grid_column(
            sheet, say(making, COLUMNS[i].words, NO_ARGS), COLUMNS[i].weight, COLUMNS[i].is_number);
    }
    for (uint32_t i = 0; i < delivery->line_count; i++) {
        const struct delivery_line *line = &delivery->lines[i];
        struct str *cells = grid_row(sheet);
        cells[0] = joined(making->arena, line->item, line->name, STR_NONE);
        cells[1] = line->spec;
        cells[2] = line->lot;
        cells[3] = line->sales;
        cells[4] = grouped(making->arena, line->quantity_u);
        cells[5] = line->unit;
        cells[6] = line->priced ? grouped(making->arena, line->price_u) : STR_NONE;
        cells[7] = line->priced ? grouped(making->arena, line->amount_u) : STR_NONE;
    }
    return sheet;
}

static struct grid *signs_of(const struct making *making) {
    struct grid *sheet = grid_new(making->arena);
    grid_column(sheet, STR_NONE, 1, false);
    grid_column(sheet, say(making, SAY(PRODUCTION_D_NAME), NO_ARGS), 2, false);
    grid_column(sheet, say(making, SAY(PRODUCTION_D_SIGNATURE), NO_ARGS), 3, false);
    grid_row(sheet)[0] = say(making, SAY(PRODUCTION_D_GIVEN), NO_ARGS);
    grid_row(sheet)[0] = say(making, SAY(PRODUCTION_D_SIGN), NO_ARGS);
    return sheet;
}

static void add_half(const struct making *making, struct paper *paper, enum msg_id whose) {
    const struct delivery *delivery = &making->paper->delivery;
    if (paper->count > 0) {
        paper_text(paper, BLOCK_PAGE, STR_NONE);
    }
    paper_text(paper, BLOCK_SECTION, say(making, whose, NO_ARGS));
    paper_grid(paper, BLOCK_FACTS, facts_of(making));
    paper_grid(paper, BLOCK_TABLE, lines_of(making));
    if (delivery->amount_u > 0) {
        paper_text(paper, BLOCK_TEXT,
            say(making, SAY(PRODUCTION_D_TOTAL),
                ARGS(A_STR(grouped(making->arena, delivery->amount_u)))));
        if (!delivery->all_priced) {
            paper_text(paper, BLOCK_TEXT, say(making, SAY(PRODUCTION_D_UNPRICED), NO_ARGS));
        }
    }
    paper_grid(paper, BLOCK_SIGN, signs_of(making));
}

static int into_buf(void *context, const void *data, size_t size, struct err *err) {
    struct buf *out = context;
    buf_put(out, data, size);
    return out->overflow
               ? err_set(err, ERR_LIMIT, MSG_PAPERS_TOO_LONG, ARGS(A_INT(size), A_INT(out->max)))
               : 0;
}

int delivery_pdf(
    const struct delivery_paper *of, struct arena *arena, struct buf *out, struct err *err) {
    const struct making making = {.paper = of, .arena = arena};
    struct paper *paper = ARENA_NEW(arena, struct paper);
    struct symbol *symbol = ARENA_NEW(arena, struct symbol);
    bool supply = str_eq(of->delivery.kind, STR("supply"));
    int rc = symbol_make(SYMBOL_QR, of->delivery.code, symbol, err);
    if (rc < 0) {
        return rc;
    }
    paper->title =
        say(&making, supply ? SAY(PRODUCTION_D_SUPPLY) : SAY(PRODUCTION_D_NOTE), NO_ARGS);
    paper->subtitle = of->delivery.partner_name;
    paper->foot = joined(arena, of->delivery.code, of->own_name, STR_NONE);
    paper->symbol = symbol;
    if (str_eq(of->delivery.state, STR("cancelled"))) {
        paper->mark = say(&making, SAY(PRODUCTION_D_CANCELLED), NO_ARGS);
    } else if (of->times > 1) {
        paper->mark = say(&making, SAY(PRODUCTION_D_COPY), ARGS(A_INT(of->times - 1)));
    }
    add_half(&making, paper, SAY(PRODUCTION_D_THEIR_HALF));
    add_half(&making, paper, SAY(PRODUCTION_D_OWN_HALF));
    const struct sink sink = {out, into_buf};
    return pdf_write(paper, &sink, err);
}
