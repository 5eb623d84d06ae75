/*
 * Registers as sheets and papers, and what ends soon. The due list is computed, not stored: it is
 * a question about dates that somebody may correct any moment.
 */
#include <stdlib.h>
#include <string.h>

#include "papers/store.h"

struct reading {
    enum register_id id;
    struct arena *arena;
    struct register_row *rows;
    int count;
};

static int read_all(struct ledger_tx *tx, void *context, struct err *err) {
    struct reading *reading = context;
    reading->count =
        register_list(tx, reading->id, 0, reading->arena, reading->rows, REGISTER_ROWS_MAX, err);
    return reading->count < 0 ? reading->count : 0;
}

int register_all(struct plant *plant, enum register_id id, struct arena *arena,
    struct register_row **ret_rows, struct err *err) {
    struct reading reading = {.id = id,
        .arena = arena,
        .rows = ARENA_ARRAY(arena, struct register_row, REGISTER_ROWS_MAX)};
    int status = ledger_read(plant_ledger(plant), read_all, &reading, err);
    if (status >= 0) {
        *ret_rows = reading.rows;
    }
    return status < 0 ? status : reading.count;
}

/* Words of the choices: kinds of hardware, security products and deliverables. */
static enum msg_id choice_words(struct str value) {
    static const struct {
        const char *name;
        enum msg_id words;
    } WORDS[] = {{"controller", MSG_PAPERS_K_CONTROLLER}, {"sensor", MSG_PAPERS_K_SENSOR},
        {"terminal", MSG_PAPERS_K_TERMINAL}, {"scanner", MSG_PAPERS_K_SCANNER},
        {"server", MSG_PAPERS_K_SERVER}, {"network", MSG_PAPERS_K_NETWORK},
        {"equipment", MSG_PAPERS_K_EQUIPMENT}, {"manual", MSG_PAPERS_K_MANUAL},
        {"report", MSG_PAPERS_K_REPORT}, {"drawing", MSG_PAPERS_K_DRAWING},
        {"source", MSG_PAPERS_K_SOURCE}, {"data", MSG_PAPERS_K_DATA},
        {"contract", MSG_PAPERS_K_CONTRACT}, {"firewall", MSG_PAPERS_K_FIREWALL},
        {"antivirus", MSG_PAPERS_K_ANTIVIRUS}, {"access_control", MSG_PAPERS_K_ACCESS},
        {"intrusion", MSG_PAPERS_K_INTRUSION}, {"backup", MSG_PAPERS_K_BACKUP}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (str_eq(value, str_of(WORDS[i].name))) {
            return WORDS[i].words;
        }
    }
    return MSG_PAPERS_K_OTHER;
}

static double weight_of(const struct register_field *field) {
    switch (field->kind) {
    case FIELD_DATE: return 1.4;
    case FIELD_HOURS: return 0.6;
    case FIELD_FILE: return 0.6;
    case FIELD_CHOICE: return 1;
    case FIELD_ASSET: return 1;
    case FIELD_TEXT: break;
    }
    return field->bytes_max == 64 && field->fixed ? 2.6 : field->bytes_max > 1000 ? 2 : 1.3;
}

static struct str shown(struct plant *plant, const struct register_field *field, struct str value,
    enum lang lang, struct arena *arena) {
    int64_t time_ns = 0;
    if (field->kind == FIELD_CHOICE) {
        return text_words(arena, lang, choice_words(value), NO_ARGS);
    }
    if (field->words == MSG_PAPERS_F_ADDED && time_parse(value, NULL, &time_ns)) {
        return text_moment(arena, time_ns, plant_zone(plant));
    }
    return value;
}

int register_sheet(struct plant *plant, enum register_id id, enum lang lang, struct arena *arena,
    struct grid **ret_sheet, struct err *err) {
    struct register_row *rows = NULL;
    int count = register_all(plant, id, arena, &rows, err);
    if (count < 0) {
        return count;
    }
    uint32_t width = 0;
    const struct register_field *fields = register_fields(id, &width);
    struct grid *sheet = grid_new(arena);
    grid_column(sheet, text_words(arena, lang, MSG_PAPERS_F_NUMBER, NO_ARGS), 0.5, true);
    for (uint32_t i = 0; i < width; i++) {
        grid_column(sheet, text_words(arena, lang, fields[i].words, NO_ARGS), weight_of(&fields[i]),
            fields[i].kind == FIELD_HOURS);
    }
    for (int r = 0; r < count; r++) {
        struct str *cells = grid_row(sheet);
        cells[0] = text_f(arena, "%lld", (long long)rows[r].number);
        for (uint32_t i = 0; i < width; i++) {
            struct str value = rows[r].fields[i];
            cells[i + 1] = shown(plant, &fields[i], value, lang, arena);
        }
    }
    *ret_sheet = sheet;
    return 0;
}

/* ---- What ends soon ---- */

static int by_days(const void *a, const void *b) {
    int64_t x = ((const struct due_item *)a)->days;
    int64_t y = ((const struct due_item *)b)->days;
    return (x > y) - (x < y);
}

static int64_t days_until(struct plant *plant, struct str date) {
    const int64_t day_ns = 86400 * NS_PER_S;
    int64_t now_ns = clock_wall_ns(plant_clock(plant));
    int64_t local_ns = now_ns + zone_offset_s(plant_zone(plant), now_ns) * NS_PER_S;
    int64_t date_ns = 0;
    (void)time_parse(date, NULL, &date_ns); // Checked when it was put in.
    return date_ns / day_ns - local_ns / day_ns;
}

static const struct {
    enum register_id of;
    const char *what;
} ENDS[] = {{REGISTER_HARDWARE, "contract_end"}, {REGISTER_HARDWARE, "warranty_end"},
    {REGISTER_SECURITY, "licence_end"}, {REGISTER_SECURITY, "contract_end"}};

int due_list(struct plant *plant, int64_t days, struct arena *arena, struct due_item **ret_items,
    struct err *err) {
    const size_t ends = sizeof ENDS / sizeof ENDS[0];
    struct due_item *items = ARENA_ARRAY(arena, struct due_item, REGISTER_ROWS_MAX * ends);
    int found = 0;
    struct register_row *rows = NULL;
    int count = 0;
    for (size_t e = 0; e < ends; e++) {
        enum register_id of = ENDS[e].of;
        if (e == 0 || of != ENDS[e - 1].of) {
            count = register_all(plant, of, arena, &rows, err);
        }
        if (count < 0) {
            return count;
        }
        for (int r = 0; r < count; r++) {
            struct str date = rows[r].fields[register_field_index(of, ENDS[e].what)];
            int64_t left = date.size > 0 ? days_until(plant, date) : INT64_MAX;
            if (left <= days && left >= -days) {
                items[found++] = (struct due_item){.of = of,
                    .number = rows[r].number,
                    .name = rows[r].fields[register_field_index(of, "name")],
                    .what = str_of(ENDS[e].what),
                    .date = date,
                    .days = left};
            }
        }
    }
    qsort(items, (size_t)found, sizeof *items, by_days);
    *ret_items = items;
    return found;
}
