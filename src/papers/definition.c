/*
 * The definition of the data collection: which values, from where, how often, judged how, kept how
 * long. It is read from the catalogue that collects at this moment, so it cannot disagree with what
 * is collected; whoever needs an old one keeps it in the box of deliverables.
 */
#include <math.h>

#include "papers/store.h"

/* The asset that a tag's name leads to: the last part of the name that is one. */
static struct str equipment_of(const struct catalogue *catalogue, struct str name) {
    struct str found = STR_NONE;
    struct str rest = name;
    while (rest.size > 0) {
        struct str part = str_cut(&rest, '.');
        for (uint32_t i = 0; i < catalogue->asset_count; i++) {
            const struct asset *asset = &catalogue->assets[i];
            if (str_eq(asset->id, part)) {
                found = asset->display.size > 0 ? asset->display : asset->id;
                break;
            }
        }
    }
    return found;
}

static struct str range_of(struct arena *arena, const struct tag *tag) {
    if (isnan(tag->min) && isnan(tag->max)) {
        return STR_NONE;
    }
    char min[32] = "";
    char max[32] = "";
    size_t min_size = isnan(tag->min) ? 0 : f64_to_text(tag->min, min);
    size_t max_size = isnan(tag->max) ? 0 : f64_to_text(tag->max, max);
    return text_f(arena, "%.*s ~ %.*s", (int)min_size, min, (int)max_size, max);
}

/* Scale, dead-band and rules: everything that lies between the machine's value and the stored. */
static struct str rules_of(const struct making *making, const struct tag *tag) {
    AUTO_BUF struct buf text;
    buf_init(&text, 8192);
    if (tag->scale != 1 || tag->offset != 0) {
        buf_printf(&text, "x");
        buf_put_f64(&text, tag->scale);
        if (tag->offset != 0) {
            buf_printf(&text, tag->offset < 0 ? " - " : " + ");
            buf_put_f64(&text, fabs(tag->offset));
        }
        buf_printf(&text, "  ");
    }
    if (isnan(tag->dead_band)) {
        buf_put_str(&text, words(making, MSG_PAPERS_KEEP_ALL, NO_ARGS));
    } else if (tag->dead_band > 0) {
        buf_put_str(&text, words(making, MSG_PAPERS_DEAD_BAND, ARGS(A_REAL(tag->dead_band))));
    } else {
        buf_put_str(&text, words(making, MSG_PAPERS_CHANGES, NO_ARGS));
    }
    if (tag->refine.size > 0) {
        buf_printf(&text, "  ");
        buf_put_str(&text, tag->refine);
    }
    return arena_copy(making->arena, buf_str(&text));
}

/* How long values are kept by the tag's own rule or the plant's, and their roll-ups behind that. */
static struct str kept_of(const struct making *making, const struct tag *tag) {
    const struct retention *rule = &making->retention;
    uint32_t days = tag->retention_days != 0 ? tag->retention_days : rule->raw_days;
    uint32_t rollup_days = tag->rollup_days != 0 ? tag->rollup_days : rule->rollup_days;
    if (days == 0) {
        return words(making, MSG_PAPERS_FOR_EVER, NO_ARGS);
    }
    if (rollup_days <= days) {
        return words(making, MSG_PAPERS_DAYS, ARGS(A_INT(days)));
    }
    return words(making, MSG_PAPERS_DAYS_ROLLUP, ARGS(A_INT(days), A_INT(rollup_days)));
}

static void put_tag(const struct making *making, const struct catalogue *catalogue,
    const struct tag *tag, struct str *cells) {
    struct arena *arena = making->arena;
    const struct device *device =
        tag->device.size > 0 ? catalogue_device(catalogue, tag->device) : NULL;
    bool is_derived = device == NULL && str_starts(tag->source, STR("="));
    const struct str CELLS[] = {equipment_of(catalogue, tag->name),
        device != NULL ? device->id : STR_NONE,
        device != NULL
            ? device->driver
            : words(making, is_derived ? MSG_PAPERS_COMPUTED : MSG_PAPERS_BY_WRITE, NO_ARGS),
        device != NULL ? device->address : STR_NONE, tag->name, tag->display, tag->source,
        str_of(value_type_name(tag->type)), tag->unit,
        device != NULL ? text_duration(arena, device->period_ns) : STR_NONE, range_of(arena, tag),
        rules_of(making, tag), kept_of(making, tag)};
    for (size_t i = 0; i < sizeof CELLS / sizeof CELLS[0]; i++) {
        cells[i] = arena_copy(arena, CELLS[i]);
    }
}

int definition_sheet(const struct making *making, struct grid **ret_sheet, struct err *err) {
    static const struct {
        enum msg_id head;
        double weight;
    } COLUMNS[] = {{MSG_PAPERS_C_EQUIPMENT, 1.1}, {MSG_PAPERS_C_DEVICE, 0.8},
        {MSG_PAPERS_C_PROTOCOL, 0.9}, {MSG_PAPERS_C_ADDRESS, 1.5}, {MSG_PAPERS_C_TAG, 2},
        {MSG_PAPERS_C_NAME, 1.3}, {MSG_PAPERS_C_SOURCE, 1.3}, {MSG_PAPERS_C_TYPE, 0.6},
        {MSG_PAPERS_C_UNIT, 0.6}, {MSG_PAPERS_C_PERIOD, 0.75}, {MSG_PAPERS_C_RANGE, 0.9},
        {MSG_PAPERS_C_RULES, 1.6}, {MSG_PAPERS_C_KEPT, 0.95}};
    struct grid *sheet = grid_new(making->arena);
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        grid_column(sheet, words(making, COLUMNS[i].head, NO_ARGS), COLUMNS[i].weight, false);
    }
    struct catalogue *catalogue = plant_catalogue(making->plant);
    int status = 0;
    for (uint32_t i = 0; i < catalogue->tag_count && status >= 0; i++) {
        if (catalogue->tags[i].active) {
            struct str *cells = grid_row(sheet);
            if (cells == NULL) {
                status = err_set(err, ERR_LIMIT, MSG_PAPERS_TOO_LONG,
                    ARGS(A_INT(catalogue->tag_count), A_INT(GRID_ROWS_MAX)));
            } else {
                put_tag(making, catalogue, &catalogue->tags[i], cells);
            }
        }
    }
    catalogue_unref(catalogue);
    if (status >= 0) {
        *ret_sheet = sheet;
    }
    return status;
}

struct grid *devices_sheet(const struct making *making) {
    struct arena *arena = making->arena;
    struct grid *sheet = grid_new(arena);
    grid_column(sheet, words(making, MSG_PAPERS_C_DEVICE, NO_ARGS), 1, false);
    grid_column(sheet, words(making, MSG_PAPERS_C_NAME, NO_ARGS), 1.5, false);
    grid_column(sheet, words(making, MSG_PAPERS_C_PROTOCOL, NO_ARGS), 0.9, false);
    grid_column(sheet, words(making, MSG_PAPERS_C_ADDRESS, NO_ARGS), 1.8, false);
    grid_column(sheet, words(making, MSG_PAPERS_C_PERIOD, NO_ARGS), 0.7, false);
    grid_column(sheet, words(making, MSG_PAPERS_C_TAGS, NO_ARGS), 0.6, true);
    grid_column(sheet, words(making, MSG_PAPERS_C_STATE, NO_ARGS), 0.7, false);
    struct catalogue *catalogue = plant_catalogue(making->plant);
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        const struct device *device = &catalogue->devices[i];
        int64_t tags = 0;
        for (uint32_t t = 0; t < catalogue->tag_count; t++) {
            tags += catalogue->tags[t].active && str_eq(catalogue->tags[t].device, device->id);
        }
        struct str *cells = grid_row(sheet); // Devices are far fewer than a sheet's rows.
        cells[0] = arena_copy(arena, device->id);
        cells[1] = arena_copy(arena, device->display);
        cells[2] = arena_copy(arena, device->driver);
        cells[3] = arena_copy(arena, device->address);
        cells[4] = text_duration(arena, device->period_ns);
        cells[5] = text_count(arena, tags);
        cells[6] = words(making, device->enabled ? MSG_PAPERS_ON : MSG_PAPERS_OFF, NO_ARGS);
    }
    catalogue_unref(catalogue);
    return sheet;
}

struct note_asked {
    struct arena *arena;
    struct str note;
};

static int read_operation(struct ledger_tx *tx, void *context, struct err *err) {
    struct note_asked *asked = context;
    struct err missing = ERR_INIT;
    int status =
        plant_setting_get(tx, STR("papers.operation"), asked->arena, &asked->note, &missing);
    if (status < 0 && missing.code != ERR_NOT_FOUND) {
        *err = missing;
        return status;
    }
    return 0;
}

int definition_paper(const struct making *making, struct paper *paper, struct err *err) {
    struct grid *tags = NULL;
    struct note_asked asked = {.arena = making->arena, .note = STR_NONE};
    int status = definition_sheet(making, &tags, err);
    status =
        status < 0 ? status : ledger_read(plant_ledger(making->plant), read_operation, &asked, err);
    if (status < 0) {
        return status;
    }
    paper_begin(making, paper, MSG_PAPERS_T_DEFINITION);
    paper->landscape = true;
    paper_text(paper, BLOCK_TEXT, words(making, MSG_PAPERS_DEFINITION_WORDS, NO_ARGS));
    paper_text(paper, BLOCK_HEADING, words(making, MSG_PAPERS_H_DEVICES, NO_ARGS));
    paper_grid(paper, BLOCK_TABLE, devices_sheet(making));
    paper_text(paper, BLOCK_HEADING, words(making, MSG_PAPERS_H_OPERATION, NO_ARGS));
    paper_text(paper, BLOCK_TEXT, words(making, MSG_PAPERS_OPERATION_WORDS, NO_ARGS));
    if (asked.note.size > 0) {
        paper_text(paper, BLOCK_TEXT, asked.note);
    }
    paper_text(
        paper, BLOCK_HEADING, words(making, MSG_PAPERS_H_TAGS, ARGS(A_INT(tags->row_count))));
    paper_grid(paper, BLOCK_TABLE, tags);
    return 0;
}
