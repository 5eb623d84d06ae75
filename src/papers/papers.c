/*
 * Orders: which paper in which form. Everything of one order lives in one arena that goes with it.
 */
#include "papers/papers.h"

#include "papers/pdf.h"
#include "papers/store.h"

static const char *const KIND_NAMES[PAPER_KIND_COUNT] = {[PAPER_DEFINITION] = "definition",
    [PAPER_HARDWARE] = "hardware",
    [PAPER_TRAINING] = "training",
    [PAPER_SECURITY] = "security",
    [PAPER_INDICATORS] = "indicators",
    [PAPER_HANDOVER] = "handover"};
static const char *const FORMAT_NAMES[PAPER_FORMAT_COUNT] = {
    [PAPER_PDF] = "pdf", [PAPER_XLSX] = "xlsx", [PAPER_ZIP] = "zip"};

const char *paper_kind_name(enum paper_kind kind) {
    return KIND_NAMES[kind];
}

bool paper_kind_of_name(struct str name, enum paper_kind *ret_kind) {
    for (int i = 0; i < PAPER_KIND_COUNT; i++) {
        if (str_eq(name, str_of(KIND_NAMES[i]))) {
            *ret_kind = (enum paper_kind)i;
            return true;
        }
    }
    return false;
}

const char *paper_format_name(enum paper_format format) {
    return FORMAT_NAMES[format];
}

bool paper_format_of_name(struct str name, enum paper_format *ret_format) {
    for (int i = 0; i < PAPER_FORMAT_COUNT; i++) {
        if (str_eq(name, str_of(FORMAT_NAMES[i]))) {
            *ret_format = (enum paper_format)i;
            return true;
        }
    }
    return false;
}

/* ---- Shared by the papers ---- */

struct str words(const struct making *making, enum msg_id id, const struct arg *args) {
    return text_words(making->arena, making->order->lang, id, args);
}

struct str moment(const struct making *making, int64_t time_ns) {
    return text_moment(making->arena, time_ns, plant_zone(making->plant));
}

struct grid *facts_new(const struct making *making) {
    struct grid *facts = grid_new(making->arena);
    grid_column(facts, STR_NONE, 1, false);
    grid_column(facts, STR_NONE, 3, false);
    return facts;
}

void fact(const struct making *making, struct grid *facts, enum msg_id name, struct str value) {
    struct str *cells = grid_row(facts); // A dozen at most.
    cells[0] = words(making, name, NO_ARGS);
    cells[1] = value;
}

void paper_begin(const struct making *making, struct paper *paper, enum msg_id title) {
    paper->title = words(making, title, NO_ARGS);
    struct str now = moment(making, clock_wall_ns(plant_clock(making->plant)));
    struct str display = plant_display(making->plant);
    paper->subtitle = display.size > 0 ? display : plant_id(making->plant);
    paper->foot = words(
        making, MSG_PAPERS_FOOT, ARGS(A_STR(paper->subtitle), A_STR(now), A_CSTR(MARU_VERSION)));
}

/* ---- Orders ---- */

static int register_paper(const struct making *making, enum register_id id, enum msg_id title,
    struct paper *paper, struct err *err) {
    struct grid *sheet = NULL;
    int status = register_sheet(making->plant, id, making->order->lang, making->arena, &sheet, err);
    if (status >= 0) {
        paper_begin(making, paper, title);
        paper->landscape = true;
        if (sheet->row_count == 0) {
            paper_text(paper, BLOCK_TEXT, words(making, MSG_PAPERS_NONE_YET, NO_ARGS));
        } else {
            paper_grid(paper, BLOCK_TABLE, sheet);
        }
    }
    return status;
}

static int make_pdf(const struct making *making, struct err *err) {
    struct paper *paper = ARENA_NEW(making->arena, struct paper);
    struct grid *measured = NULL;
    int status = 0;
    switch (making->order->kind) {
    case PAPER_DEFINITION: status = definition_paper(making, paper, err); break;
    case PAPER_HARDWARE:
        status = register_paper(making, REGISTER_HARDWARE, MSG_PAPERS_T_HARDWARE, paper, err);
        break;
    case PAPER_TRAINING:
        status = register_paper(making, REGISTER_TRAINING, MSG_PAPERS_T_TRAINING, paper, err);
        break;
    case PAPER_SECURITY:
        status = register_paper(making, REGISTER_SECURITY, MSG_PAPERS_T_SECURITY, paper, err);
        break;
    case PAPER_INDICATORS: status = indicators_paper(making, paper, err); break;
    case PAPER_HANDOVER: status = handover_paper(making, paper, &measured, err); break;
    case PAPER_KIND_COUNT: break;
    }
    const struct sink sink = {making->order->context, making->order->write};
    return status < 0 ? status : pdf_write(paper, &sink, err);
}

static int make_xlsx(const struct making *making, struct err *err) {
    const struct paper_order *order = making->order;
    struct grid *sheet = NULL;
    enum register_id of = order->kind == PAPER_HARDWARE   ? REGISTER_HARDWARE
                          : order->kind == PAPER_TRAINING ? REGISTER_TRAINING
                                                          : REGISTER_SECURITY;
    int status = order->kind == PAPER_DEFINITION ? definition_sheet(making, &sheet, err)
                 : order->kind == PAPER_INDICATORS
                     ? indicators_sheet(making, &sheet, err)
                     : register_sheet(making->plant, of, order->lang, making->arena, &sheet, err);
    const struct table_writer_options options = {.format = TABLE_XLSX,
        .sheet = KIND_NAMES[order->kind],
        .spool_folder = order->spool_folder,
        .context = order->context,
        .write = order->write};
    return status < 0 ? status : grid_write(sheet, &options, err);
}

int paper_make(struct plant *plant, const struct paper_order *order, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct making making = {.plant = plant, .order = order, .arena = &arena};
    int status = retention_get(plant, &making.retention, err);
    if (status < 0) {
        return status;
    }
    bool is_handover = order->kind == PAPER_HANDOVER;
    if (order->format == PAPER_PDF) {
        return make_pdf(&making, err);
    }
    if (order->format == (is_handover ? PAPER_ZIP : PAPER_XLSX)) {
        return is_handover ? bundle_write(&making, err) : make_xlsx(&making, err);
    }
    return err_set(err, ERR_UNSUPPORTED, MSG_PAPERS_FORMAT,
        ARGS(A_CSTR(KIND_NAMES[order->kind]), A_CSTR(FORMAT_NAMES[order->format])));
}
