/*
 * The hand-over file: draft of a completion report and of an acceptance certificate. Every figure
 * in it is counted or measured at the moment of making, over a range that is written beside it;
 * what cannot be measured is said to be so and not left out. It is a draft: whether a build is
 * accepted, people decide and sign.
 */
#include <math.h>

#include "papers/store.h"

/* ---- Figures as texts ---- */

static struct str share(struct arena *arena, uint64_t part, uint64_t whole) {
    return whole == 0 ? STR_NONE : text_f(arena, "%.2f", 100.0 * (double)part / (double)whole);
}

static struct str millis(struct arena *arena, int64_t ns) {
    return text_f(arena, "%.2f", (double)ns / (double)NS_PER_MS);
}

static void measured_columns(const struct making *making, struct grid *sheet, bool of_tags) {
    if (of_tags) {
        grid_column(sheet, words(making, MSG_PAPERS_C_TAG, NO_ARGS), 2.4, false);
        grid_column(sheet, words(making, MSG_PAPERS_C_DEVICE, NO_ARGS), 0.9, false);
    } else {
        grid_column(sheet, words(making, MSG_PAPERS_C_DEVICE, NO_ARGS), 1.6, false);
        grid_column(sheet, words(making, MSG_PAPERS_C_TAGS, NO_ARGS), 0.6, true);
    }
    grid_column(sheet, words(making, MSG_PAPERS_C_ROWS, NO_ARGS), 1, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_EXPECTED, NO_ARGS), 1, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_COVERED, NO_ARGS), 0.9, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_GAP, NO_ARGS), 1, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_BAD, NO_ARGS), 0.8, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_LATE, NO_ARGS), 0.7, true);
}

static void put_measured(struct arena *arena, const struct measure_tag *one, struct str *cells) {
    cells[2] = text_count(arena, (int64_t)one->rows);
    cells[3] = one->expected > 0 ? text_count(arena, (int64_t)one->expected) : STR_NONE;
    cells[4] = text_number(arena, one->covered, 2);
    cells[5] = one->judged ? text_f(arena, "%.1f", one->gap_s / 60) : STR_NONE;
    cells[6] = share(arena, one->bad, one->rows);
    cells[7] = text_count(arena, (int64_t)one->late);
}

static struct grid *by_device(const struct making *making, const struct measure *measure) {
    struct arena *arena = making->arena;
    struct grid *sheet = grid_new(arena);
    measured_columns(making, sheet, false);
    for (uint32_t i = 0; i < measure->device_count; i++) {
        const struct measure_device *one = &measure->devices[i];
        struct str *cells = grid_row(sheet);
        cells[0] = one->device != NULL ? arena_copy(arena, one->device->id)
                                       : words(making, MSG_PAPERS_NO_DEVICE, NO_ARGS);
        cells[1] = text_count(arena, one->tags);
        put_measured(arena, &one->sum, cells);
    }
    struct str *cells = grid_row(sheet);
    cells[0] = words(making, MSG_PAPERS_ALL, NO_ARGS);
    cells[1] = text_count(arena, measure->tag_count);
    put_measured(arena, &measure->total, cells);
    return sheet;
}

static struct grid *by_tag(const struct making *making, const struct measure *measure) {
    struct arena *arena = making->arena;
    struct grid *sheet = grid_new(arena);
    measured_columns(making, sheet, true);
    for (uint32_t i = 0; i < measure->tag_count; i++) {
        const struct measure_tag *one = &measure->tags[i];
        struct str *cells = grid_row(sheet); // As many as a plant may have tags.
        if (cells == NULL) {
            break;
        }
        cells[0] = arena_copy(arena, one->tag->name);
        cells[1] = arena_copy(arena, one->tag->device);
        put_measured(arena, one, cells);
    }
    return sheet;
}

static struct grid *latency(const struct making *making, const struct measure *measure) {
    struct arena *arena = making->arena;
    struct grid *sheet = grid_new(arena);
    grid_column(sheet, words(making, MSG_PAPERS_C_WHAT, NO_ARGS), 2.4, false);
    grid_column(sheet, words(making, MSG_PAPERS_C_COUNT, NO_ARGS), 0.9, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_P50, NO_ARGS), 0.8, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_P99, NO_ARGS), 0.8, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_FAILED, NO_ARGS), 0.8, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_SOURCE_OF, NO_ARGS), 2, false);
    if (measure->pipeline.lag_count > 0) {
        struct str *cells = grid_row(sheet);
        cells[0] = words(making, MSG_PAPERS_L_PIPELINE, NO_ARGS);
        cells[1] = text_count(arena, (int64_t)measure->pipeline.lag_count);
        cells[2] = millis(arena, measure->pipeline.lag_p50_ns);
        cells[3] = millis(arena, measure->pipeline.lag_p99_ns);
        cells[5] = words(making, MSG_PAPERS_S_PIPELINE, NO_ARGS);
    }
    for (uint32_t i = 0; i < measure->device_count; i++) {
        const struct measure_device *one = &measure->devices[i];
        if (one->has_health) {
            struct str *cells = grid_row(sheet);
            cells[0] = words(making, MSG_PAPERS_L_DEVICE, ARGS(A_STR(one->device->id)));
            cells[1] = text_count(arena, (int64_t)one->health.requests);
            cells[2] = millis(arena, (int64_t)one->health.rtt_p50_us * NS_PER_US);
            cells[3] = millis(arena, (int64_t)one->health.rtt_p99_us * NS_PER_US);
            cells[4] = text_count(arena, (int64_t)one->health.failures);
            cells[5] = words(making, MSG_PAPERS_S_DEVICE, NO_ARGS);
        }
    }
    return sheet;
}

/* ---- Parts ---- */

static double hours_of(const struct grid *trainings) {
    uint32_t column = (uint32_t)register_field_index(REGISTER_TRAINING, "hours") + 1;
    double hours = 0;
    for (uint32_t r = 0; r < trainings->row_count; r++) {
        double one = 0;
        struct str cell = trainings->cells[r * trainings->column_count + column];
        hours += str_to_f64(cell, &one) ? one : 0;
    }
    return hours;
}

static struct grid *summary(
    const struct making *making, const struct measure *measure, const struct grid *const of[]) {
    struct arena *arena = making->arena;
    struct grid *facts = facts_new(making);
    fact(making, facts, MSG_PAPERS_N_DEVICES, text_count(arena, measure->catalogue->device_count));
    fact(making, facts, MSG_PAPERS_N_TAGS, text_count(arena, measure->tag_count));
    fact(making, facts, MSG_PAPERS_N_ROWS, text_count(arena, (int64_t)measure->total.rows));
    fact(making, facts, MSG_PAPERS_N_COVERED,
        measure->total.judged ? text_f(arena, "%.2f %%", measure->total.covered)
                              : words(making, MSG_PAPERS_NOT_MEASURED, NO_ARGS));
    fact(making, facts, MSG_PAPERS_N_HARDWARE, text_count(arena, of[REGISTER_HARDWARE]->row_count));
    fact(making, facts, MSG_PAPERS_N_TRAININGS,
        words(making, MSG_PAPERS_TRAININGS,
            ARGS(
                A_INT(of[REGISTER_TRAINING]->row_count), A_REAL(hours_of(of[REGISTER_TRAINING])))));
    fact(making, facts, MSG_PAPERS_N_SECURITY, text_count(arena, of[REGISTER_SECURITY]->row_count));
    fact(
        making, facts, MSG_PAPERS_N_FILES, text_count(arena, of[REGISTER_DELIVERABLES]->row_count));
    fact(making, facts, MSG_PAPERS_N_VERSION, STR("Maru " MARU_VERSION));
    return facts;
}

static void put_register(
    const struct making *making, struct paper *paper, enum msg_id head, const struct grid *sheet) {
    paper_text(paper, BLOCK_SECTION, words(making, head, NO_ARGS));
    if (sheet->row_count == 0) {
        paper_text(paper, BLOCK_TEXT, words(making, MSG_PAPERS_NONE_YET, NO_ARGS));
    } else {
        paper_grid(paper, BLOCK_TABLE, sheet);
    }
}

static const struct grid *signing(const struct making *making) {
    struct grid *sheet = grid_new(making->arena);
    static const enum msg_id HEADS[] = {MSG_PAPERS_SIGN_PARTY, MSG_PAPERS_SIGN_NAME,
        MSG_PAPERS_SIGN_VERDICT, MSG_PAPERS_SIGN_SIGN, MSG_PAPERS_SIGN_DAY};
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++) {
        grid_column(sheet, words(making, HEADS[i], NO_ARGS), i == 2 ? 1.5 : 1, false);
    }
    static const enum msg_id PARTIES[] = {MSG_PAPERS_SIGN_ADOPTER, MSG_PAPERS_SIGN_SUPPLIER};
    for (size_t i = 0; i < sizeof PARTIES / sizeof PARTIES[0]; i++) {
        struct str *cells = grid_row(sheet);
        cells[0] = words(making, PARTIES[i], NO_ARGS);
        cells[2] = words(making, MSG_PAPERS_SIGN_BOXES, NO_ARGS);
    }
    return sheet;
}

/* A register without the columns that are too wide for a report: bytes' sums stand in full in the
 * workbook and the list of the ZIP. */
static const struct grid *narrowed(
    struct arena *arena, const struct grid *sheet, const bool keeps[GRID_COLUMNS_MAX]) {
    struct grid *narrow = grid_new(arena);
    for (uint32_t c = 0; c < sheet->column_count; c++) {
        if (keeps[c]) {
            grid_column(narrow, sheet->columns[c].head, sheet->columns[c].weight,
                sheet->columns[c].is_number);
        }
    }
    for (uint32_t r = 0; r < sheet->row_count; r++) {
        struct str *cells = grid_row(narrow);
        uint32_t to = 0;
        for (uint32_t c = 0; c < sheet->column_count; c++) {
            if (keeps[c]) {
                cells[to++] = sheet->cells[r * sheet->column_count + c];
            }
        }
    }
    return narrow;
}

static const struct grid *for_report(
    struct arena *arena, enum register_id id, const struct grid *sheet) {
    static const char *const LEFT_OUT[] = {
        "asset", "supplier", "bought", "note", "size", "actor", "attendees", "operator"};
    bool keeps[GRID_COLUMNS_MAX] = {true};
    uint32_t count = 0;
    const struct register_field *fields = register_fields(id, &count);
    for (uint32_t i = 0; i < count; i++) {
        keeps[i + 1] = true;
        for (size_t k = 0; k < sizeof LEFT_OUT / sizeof LEFT_OUT[0]; k++) {
            if (str_eq(str_of(fields[i].name), str_of(LEFT_OUT[k]))) {
                keeps[i + 1] = false;
            }
        }
    }
    return narrowed(arena, sheet, keeps);
}

static void report_part(const struct making *making, struct paper *paper,
    const struct measure *measure, const struct grid *const of[]) {
    paper_text(paper, BLOCK_HEADING, words(making, MSG_PAPERS_H_REPORT, NO_ARGS));
    paper_grid(paper, BLOCK_FACTS, summary(making, measure, of));
    put_register(making, paper, MSG_PAPERS_H_DEVICES, devices_sheet(making));
    put_register(making, paper, MSG_PAPERS_T_HARDWARE,
        for_report(making->arena, REGISTER_HARDWARE, of[REGISTER_HARDWARE]));
    put_register(making, paper, MSG_PAPERS_T_TRAINING,
        for_report(making->arena, REGISTER_TRAINING, of[REGISTER_TRAINING]));
    put_register(making, paper, MSG_PAPERS_T_SECURITY,
        for_report(making->arena, REGISTER_SECURITY, of[REGISTER_SECURITY]));
    put_register(making, paper, MSG_PAPERS_H_FILES,
        for_report(making->arena, REGISTER_DELIVERABLES, of[REGISTER_DELIVERABLES]));
}

static void certificate_part(const struct making *making, struct paper *paper,
    const struct measure *measure, const struct grid *tags) {
    paper_text(paper, BLOCK_PAGE, STR_NONE);
    paper_text(paper, BLOCK_HEADING, words(making, MSG_PAPERS_H_CERTIFICATE, NO_ARGS));
    paper_text(paper, BLOCK_SECTION, words(making, MSG_PAPERS_H_METHOD, NO_ARGS));
    paper_text(paper, BLOCK_TEXT,
        words(making, MSG_PAPERS_METHOD_WORDS,
            ARGS(A_STR(moment(making, measure->from_ns)), A_STR(moment(making, measure->to_ns)))));
    paper_text(paper, BLOCK_SECTION, words(making, MSG_PAPERS_H_COMPLETE, NO_ARGS));
    paper_grid(paper, BLOCK_TABLE, by_device(making, measure));
    paper_text(paper, BLOCK_SECTION, words(making, MSG_PAPERS_H_LATENCY, NO_ARGS));
    const struct grid *times = latency(making, measure);
    if (times->row_count == 0) {
        paper_text(paper, BLOCK_TEXT, words(making, MSG_PAPERS_NO_LATENCY, NO_ARGS));
    } else {
        paper_grid(paper, BLOCK_TABLE, times);
    }
    paper_text(paper, BLOCK_SECTION, words(making, MSG_PAPERS_H_SIGN, NO_ARGS));
    paper_grid(paper, BLOCK_SIGN, signing(making));
    paper_text(paper, BLOCK_SECTION, words(making, MSG_PAPERS_H_BY_TAG, NO_ARGS));
    paper_grid(paper, BLOCK_TABLE, tags);
}

int handover_paper(
    const struct making *making, struct paper *paper, struct grid **ret_measured, struct err *err) {
    const struct grid *of[REGISTER_COUNT];
    int status = 0;
    for (int i = 0; i < REGISTER_COUNT && status >= 0; i++) {
        struct grid *sheet = NULL;
        status = register_sheet(
            making->plant, (enum register_id)i, making->order->lang, making->arena, &sheet, err);
        of[i] = sheet;
    }
    struct measure measure;
    if (status >= 0) {
        status = measure_run(making->plant, making->order->from_ns, making->order->to_ns,
            making->arena, &measure, err);
    }
    if (status < 0) {
        return status;
    }
    struct grid *tags = by_tag(making, &measure);
    paper_begin(making, paper, MSG_PAPERS_T_HANDOVER);
    paper->mark = words(making, MSG_PAPERS_DRAFT, NO_ARGS);
    struct grid *facts = facts_new(making);
    fact(making, facts, MSG_PAPERS_N_PLANT, plant_display(making->plant));
    fact(making, facts, MSG_PAPERS_N_RANGE,
        words(making, MSG_PAPERS_RANGE_OF,
            ARGS(A_STR(moment(making, measure.from_ns)), A_STR(moment(making, measure.to_ns)),
                A_CSTR(zone_name(plant_zone(making->plant))))));
    fact(making, facts, MSG_PAPERS_N_MADE, moment(making, measure.made_ns));
    fact(making, facts, MSG_PAPERS_N_BY, making->order->actor);
    paper_grid(paper, BLOCK_FACTS, facts);
    paper_text(paper, BLOCK_NOTICE, words(making, MSG_PAPERS_DRAFT_WORDS, NO_ARGS));
    report_part(making, paper, &measure, of);
    certificate_part(making, paper, &measure, tags);
    measure_fini(&measure);
    *ret_measured = tags;
    return 0;
}
