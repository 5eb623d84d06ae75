/*
 * Performance indicators computed. What is stored is the figure with all that it came from: a
 * figure in a report that nobody can derive again is worth nothing to whoever has to judge it.
 */
#include "plant/indicator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/time.h"
#include "device/driver.h"
#include "plant/formula.h"
#include "plant/quality.h"

enum { DERIVATION_BYTES_MAX = 64 << 10, DAY_S = 86400, WORDS_BYTES = 1024, YEAR_MONTHS = 12 };

const struct indicator_reference INDICATOR_REFERENCES[6] = {{"productivity", 29.4, false},
    {"quality", 42.8, false}, {"cost", -15.9, false}, {"sales", 6.4, false},
    {"employment", 1.5, true}, {"safety", -4.9, false}};

/* ---- Months ---- */

void indicator_month_of(
    const struct plant *plant, int64_t time_ns, char to[INDICATOR_MONTH_BYTES]) {
    char text[TIME_TEXT_MAX];
    (void)time_format(time_ns, plant_zone(plant), text);
    (void)str_copy_z(
        str_slice(str_of(text), 0, INDICATOR_MONTH_BYTES - 1), to, INDICATOR_MONTH_BYTES);
}

static int64_t month_index(struct str month) {
    int64_t year = 0;
    int64_t number = 0;
    (void)str_to_i64(str_slice(month, 0, 4), &year);
    (void)str_to_i64(str_slice(month, 5, 7), &number);
    return year * YEAR_MONTHS + number - 1;
}

static void month_text(int64_t index, char to[INDICATOR_MONTH_BYTES]) {
    (void)snprintf(to, INDICATOR_MONTH_BYTES, "%04u-%02u", (unsigned)(index / YEAR_MONTHS) % 10000,
        (unsigned)(index % YEAR_MONTHS) + 1);
}

void indicator_month_before(struct str month, int count, char to[INDICATOR_MONTH_BYTES]) {
    month_text(month_index(month) - count, to);
}

static int64_t month_begin(const struct plant *plant, int64_t index) {
    char text[INDICATOR_MONTH_BYTES + 4];
    char month[INDICATOR_MONTH_BYTES];
    month_text(index, month);
    (void)snprintf(text, sizeof text, "%s-01", month);
    int64_t begin_ns = 0;
    (void)time_parse(str_of(text), plant_zone(plant), &begin_ns);
    return begin_ns;
}

/* ---- One month ---- */

struct stretch {
    struct plant *plant;
    const struct catalogue *catalogue;
    int64_t from_ns;
    int64_t to_ns;
    struct json json;
    double values[FORMULA_INPUTS_MAX][FORMULA_OF_COUNT];
};

static int tag_for(const struct catalogue *catalogue, struct str name, const struct tag **ret_tag,
    struct err *err) {
    const struct tag *tag = catalogue_find(catalogue, name);
    if (tag == NULL) {
        return err_set(err, ERR_NOT_FOUND, MSG_FORMULA_TAG, ARGS(A_STR(name)));
    }
    if (tag->type == TYPE_TEXT) {
        return err_set(err, ERR_INVALID, MSG_FORMULA_TEXT, ARGS(A_STR(name)));
    }
    *ret_tag = tag;
    return 0;
}

static void put_number(struct json *json, const char *key, double value) {
    if (isnan(value)) {
        json_put_null(json, key);
    } else {
        json_put_f64(json, key, value);
    }
}

static int measure_tag(const struct stretch *stretch, const struct tag *tag, unsigned uses,
    struct hist_measured *ret_measured, struct err *err) {
    double counter_max = refine_counter_max(tag);
    unsigned what = (uses & 1U << FORMULA_INCREASE ? HIST_INCREASE : 0U) |
                    (uses & (1U << FORMULA_TIME_AVG | 1U << FORMULA_ON_HOURS) ? HIST_TIME_AVG : 0U);
    const struct hist_measure_query query = {.tags = &tag->number,
        .tag_count = 1,
        .counter_max = &counter_max,
        .zone = plant_zone(stretch->plant),
        .from_ns = stretch->from_ns,
        .to_ns = stretch->to_ns,
        .what = what};
    struct hist_measure *measure = NULL;
    uint32_t number = 0;
    int status = hist_measure_open(plant_historian(stretch->plant), &query, &measure, err);
    status = status < 0 ? status : hist_measure_next(measure, &number, ret_measured, err);
    hist_measure_close(measure);
    return status;
}

static void take_values(const struct hist_measured *m, double to[FORMULA_OF_COUNT]) {
    const struct hist_bucket *bucket = &m->bucket;
    to[FORMULA_COUNT] = (double)bucket->count;
    to[FORMULA_INCREASE] = m->increase;
    to[FORMULA_TIME_AVG] = m->time_avg;
    to[FORMULA_ON_HOURS] = m->time_avg * (double)m->covered_ns / (3600.0 * (double)NS_PER_S);
    if (bucket->count > 0) {
        to[FORMULA_SUM] = bucket->sum + bucket->sum_low;
        to[FORMULA_AVG] = m->avg;
        to[FORMULA_MIN] = bucket->min;
        to[FORMULA_MAX] = bucket->max;
        to[FORMULA_FIRST] = bucket->first;
        to[FORMULA_LAST] = bucket->last;
    }
}

/* Gaps of the stretch, and the polls that were due in them. */
static int put_gaps(struct stretch *stretch, const struct tag *tag, struct err *err) {
    struct quality_row row = {.tag = 0};
    int64_t window_ns = 0;
    int status =
        quality_span(stretch->plant, tag, stretch->from_ns, stretch->to_ns, &row, &window_ns, err);
    if (status < 0) {
        return status;
    }
    const struct device *device =
        tag->device.size > 0 ? catalogue_device(stretch->catalogue, tag->device) : NULL;
    const struct driver *driver = device != NULL ? driver_find(device->driver) : NULL;
    bool is_due = device != NULL && device->period_ns > 0 && (driver == NULL || !driver->events);
    if (status == 0) { // It had not begun: nothing covers anything.
        row.gap_ns = stretch->to_ns - stretch->from_ns;
    } else { // Before its first row of all, or behind its window, nothing covers either.
        row.gap_ns += stretch->to_ns - stretch->from_ns - window_ns;
    }
    json_put_f64(&stretch->json, "gap_s", (double)row.gap_ns / (double)NS_PER_S);
    if (is_due) {
        json_put_i64(&stretch->json, "missing", row.gap_ns / device->period_ns);
    } else {
        json_put_null(&stretch->json, "missing");
    }
    return 0;
}

static int put_input(struct stretch *stretch, const struct formula_input *input,
    double values[FORMULA_OF_COUNT], struct err *err) {
    struct hist_measured measured = {
        .avg = (double)NAN, .time_avg = (double)NAN, .increase = (double)NAN};
    for (int of = 0; of < FORMULA_OF_COUNT; of++) {
        values[of] = (double)NAN;
    }
    struct json *json = &stretch->json;
    json_object_begin(json);
    json_put_str(json, "tag", input->tag);
    const struct tag *tag = NULL;
    (void)tag_for(stretch->catalogue, input->tag, &tag, NULL); // Gone since: then without a value.
    int status = tag == NULL ? 0 : measure_tag(stretch, tag, input->uses, &measured, err);
    if (tag != NULL && status >= 0) { // No bucket at all: not a single row, and so a count of 0.
        take_values(&measured, values);
    }
    json_key(json, "values");
    json_object_begin(json);
    for (int of = 0; of < FORMULA_OF_COUNT; of++) {
        if (input->uses & 1U << of) {
            put_number(json, formula_of_name((enum formula_of)of), values[of]);
        }
    }
    json_object_end(json);
    json_put_i64(json, "rows", (int64_t)measured.bucket.count);
    json_put_i64(json, "bad", (int64_t)measured.bucket.bad_count);
    json_put_bool(json, "partial", measured.bucket.partial);
    if (tag != NULL && status >= 0) {
        status = put_gaps(stretch, tag, err);
    }
    json_object_end(json);
    return status < 0 ? status : 0;
}

/* Why there is no value, for pages to say in their words. */
static const char *const REASONS[] = {[FORMULA_FINE] = "",
    [FORMULA_NO_VALUE] = "no_value",
    [FORMULA_BY_ZERO] = "by_zero",
    [FORMULA_TOO_LARGE] = "too_large"};

static int derive(struct stretch *stretch, struct str text, const struct formula *formula,
    double *ret_value, struct err *err) {
    struct json *json = &stretch->json;
    enum formula_fault fault = FORMULA_FINE;
    uint32_t input = 0;
    int status = 0;
    double hours = (double)(stretch->to_ns - stretch->from_ns) / (3600.0 * (double)NS_PER_S);
    json_object_begin(json);
    json_put_str(json, "formula", text);
    json_put_time(json, "from", stretch->from_ns);
    json_put_time(json, "to", stretch->to_ns);
    json_put_time(json, "computed", clock_wall_ns(plant_clock(stretch->plant)));
    json_put_f64(json, "hours", hours);
    json_key(json, "inputs");
    json_array_begin(json);
    for (uint32_t i = 0; i < formula->input_count && status >= 0; i++) {
        status = put_input(stretch, &formula->inputs[i], stretch->values[i], err);
    }
    json_array_end(json);
    *ret_value = formula_result(
        formula, (const double(*)[FORMULA_OF_COUNT])stretch->values, hours, &fault, &input);
    json_put_str(json, "reason", str_of(REASONS[fault]));
    json_put_str(
        json, "reason_tag", fault == FORMULA_NO_VALUE ? formula->inputs[input].tag : STR_NONE);
    json_object_end(json);
    return status;
}

int indicator_compute(struct plant *plant, struct str formula, struct str month,
    struct arena *arena, double *ret_value, struct str *ret_derivation, struct err *err) {
    struct formula *parsed = ARENA_NEW(arena, struct formula);
    int status = formula_parse(formula, parsed, err);
    if (status < 0) {
        return status;
    }
    int64_t now_ns = clock_wall_ns(plant_clock(plant));
    int64_t end_ns = month_begin(plant, month_index(month) + 1);
    struct stretch *stretch = ARENA_NEW(arena, struct stretch);
    stretch->plant = plant;
    stretch->from_ns = month_begin(plant, month_index(month));
    stretch->to_ns = end_ns < now_ns ? end_ns : now_ns;
    if (stretch->from_ns >= stretch->to_ns) {
        return err_set(err, ERR_INVALID, MSG_INDICATOR_FUTURE, ARGS(A_STR(month)));
    }
    struct catalogue *catalogue = plant_catalogue(plant);
    AUTO_BUF struct buf out;
    buf_init(&out, DERIVATION_BYTES_MAX);
    json_init(&stretch->json, &out);
    stretch->catalogue = catalogue;
    status = derive(stretch, formula, parsed, ret_value, err);
    catalogue_unref(catalogue);
    *ret_derivation = arena_copy(arena, buf_str(&out));
    return status;
}

int indicator_check(
    struct plant *plant, struct indicator *indicator, struct arena *arena, struct err *err) {
    indicator->formula = str_trim(indicator->formula);
    if (indicator->formula.size == 0) {
        return 0;
    }
    struct formula *formula = ARENA_NEW(arena, struct formula);
    struct catalogue *catalogue = plant_catalogue(plant);
    int status = formula_parse(indicator->formula, formula, err);
    for (uint32_t i = 0; i < formula->input_count && status >= 0; i++) {
        const struct tag *tag = NULL;
        status = tag_for(catalogue, formula->inputs[i].tag, &tag, err);
    }
    catalogue_unref(catalogue);
    char month[INDICATOR_MONTH_BYTES];
    indicator_month_of(plant, clock_wall_ns(plant_clock(plant)), month);
    if (indicator->since.size == 0) {
        indicator->since = arena_copy(arena, str_of(month));
    }
    bool is_future = str_cmp(indicator->since, str_of(month)) > 0;
    return status >= 0 && is_future
               ? err_set(err, ERR_INVALID, MSG_INDICATOR_FUTURE, ARGS(A_STR(indicator->since)))
               : status;
}

/* ---- All that are due ---- */

struct due {
    struct indicator *rows;
    struct arena *arena;
    int count;
    struct indicator_value value;
    bool found;
    bool stored;
};

static int read_all(struct ledger_tx *tx, void *context, struct err *err) {
    struct due *due = context;
    due->count = indicator_list(tx, due->arena, due->rows, INDICATOR_ROWS_MAX, err);
    return due->count < 0 ? due->count : 0;
}

static int read_month(struct ledger_tx *tx, void *context, struct err *err) {
    struct due *due = context;
    struct indicator_value at;
    int status = indicator_value_get(tx, due->value.number, due->value.month, &at, err);
    due->found = status > 0;
    if (due->found) {
        due->value.revision = at.revision;
        due->value.closed = at.closed;
        due->value.value = at.value;
        due->value.entered_ns = at.entered_ns;
    }
    return status < 0 ? status : 0;
}

static int store_month(struct ledger_tx *tx, void *context, struct err *err) {
    struct due *due = context;
    int status = indicator_value_store(tx, &due->value, err);
    due->stored = status > 0;
    return status < 0 ? status : 0;
}

/* 1: the month was computed and stored. */
static int refresh_month(struct plant *plant, const struct indicator *one, struct str month,
    int64_t max_age_ns, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    int64_t now_ns = clock_wall_ns(plant_clock(plant));
    int64_t end_ns = month_begin(plant, month_index(month) + 1);
    struct due due = {.value = {.number = one->number, .month = month}};
    int status = ledger_read(plant_ledger(plant), read_month, &due, err);
    /* A month long past without a value is looked at once a day: its rows may be imported. */
    int64_t age_ns =
        end_ns < now_ns && due.found && isnan(due.value.value) ? DAY_S * NS_PER_S : max_age_ns;
    if (status < 0 || (due.found && due.value.closed) ||
        (due.found && due.value.revision == one->revision &&
            now_ns - due.value.entered_ns < age_ns)) {
        return status;
    }
    due.value =
        (struct indicator_value){.number = one->number, .month = month, .revision = one->revision};
    due.value.source = due.value.file = due.value.actor = STR_NONE;
    status = indicator_compute(
        plant, one->formula, month, &arena, &due.value.value, &due.value.derivation, err);
    due.value.closed = now_ns >= end_ns + INDICATOR_SETTLE_S * NS_PER_S && !isnan(due.value.value);
    status = status < 0 ? status : ledger_write(plant_ledger(plant), store_month, &due, err);
    return status < 0 ? status : due.stored;
}

static int refresh_one(struct plant *plant, const struct indicator *one, int64_t max_age_ns,
    uint32_t months, const struct stop_flag *stop, struct err *err) {
    char now[INDICATOR_MONTH_BYTES];
    char month[INDICATOR_MONTH_BYTES];
    indicator_month_of(plant, clock_wall_ns(plant_clock(plant)), now);
    int count = 0;
    for (int back = 0; back < INDICATOR_MONTHS_MAX && (uint32_t)count < months; back++) {
        indicator_month_before(str_of(now), back, month);
        if (str_cmp(str_of(month), one->since) < 0 || (stop != NULL && stop_flag_is_raised(stop))) {
            break;
        }
        int status = refresh_month(plant, one, str_of(month), max_age_ns, err);
        if (status < 0) {
            return status;
        }
        count += status;
    }
    return count;
}

int indicator_refresh(struct plant *plant, int64_t max_age_ns, uint32_t months,
    const struct stop_flag *stop, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct due due = {
        .rows = ARENA_ARRAY(&arena, struct indicator, INDICATOR_ROWS_MAX), .arena = &arena};
    int status = ledger_read(plant_ledger(plant), read_all, &due, err);
    int count = 0;
    for (int i = 0; i < due.count && status >= 0 && (uint32_t)count < months; i++) {
        if (due.rows[i].formula.size > 0) {
            status =
                refresh_one(plant, &due.rows[i], max_age_ns, months - (uint32_t)count, stop, err);
            count += status > 0 ? status : 0;
        }
    }
    return status < 0 ? status : count;
}

/* ---- What a result means ---- */

double indicator_improvement(double before, double now, bool lower_is_better) {
    if (isnan(before) || isnan(now) || before == 0) {
        return (double)NAN;
    }
    double change = 100 * ((now - before) / fabs(before));
    return lower_is_better ? -change : change;
}

double indicator_achievement(double before, double target, double now) {
    return isnan(before) || isnan(target) || isnan(now) || target == before
               ? (double)NAN
               : 100 * ((now - before) / (target - before));
}

/* Six digits that count, and whole numbers whole. */
static struct str short_number(struct arena *arena, double value) {
    char text[64];
    int size = fabs(value) >= 1e6 && fabs(value) < 1e15
                   ? snprintf(text, sizeof text, "%.0f", value)
                   : snprintf(text, sizeof text, "%.6g", value);
    return arena_copy(arena, (struct str){text, size > 0 ? (size_t)size : 0});
}

static struct str percent(struct arena *arena, double value) {
    char text[64];
    int size = snprintf(text, sizeof text, "%.1f", value);
    return arena_copy(arena, (struct str){text, size > 0 && size < 64 ? (size_t)size : 0});
}

static struct str say(struct arena *arena, enum msg_id id, const struct arg *args, enum lang lang) {
    AUTO_BUF struct buf words;
    buf_init(&words, WORDS_BYTES);
    msg_render(id, args, lang, &words);
    return arena_copy(arena, buf_str(&words));
}

static void say_figures(
    const struct indicator *one, enum lang lang, struct arena *arena, struct indicator_figures *f) {
    struct str before = short_number(arena, one->baseline);
    struct str target = short_number(arena, one->target);
    struct str now = short_number(arena, f->result.value);
    enum msg_id why = isnan(one->baseline) ? MSG_INDICATOR_NO_BASELINE : MSG_INDICATOR_NO_RESULT;
    if (!isnan(f->improvement)) {
        f->improvement_words =
            say(arena, one->lower_is_better ? MSG_INDICATOR_IMPROVED_LOWER : MSG_INDICATOR_IMPROVED,
                ARGS(A_STR(now), A_STR(before), A_STR(short_number(arena, fabs(one->baseline))),
                    A_STR(percent(arena, f->improvement))),
                lang);
    } else {
        enum msg_id id = f->has_result && one->baseline == 0 ? MSG_INDICATOR_ZERO : why;
        f->improvement_words = say(arena, id, NO_ARGS, lang);
    }
    if (!isnan(f->achievement)) {
        f->achievement_words = say(arena, MSG_INDICATOR_ACHIEVED,
            ARGS(A_STR(now), A_STR(before), A_STR(target), A_STR(percent(arena, f->achievement))),
            lang);
    } else {
        enum msg_id id = isnan(one->target)             ? MSG_INDICATOR_NO_TARGET
                         : one->target == one->baseline ? MSG_INDICATOR_SAME
                                                        : why;
        f->achievement_words = say(arena, id, NO_ARGS, lang);
    }
}

void indicator_figures(const struct indicator *indicator, const struct indicator_value *values,
    int count, struct str month, enum lang lang, struct arena *arena,
    struct indicator_figures *ret_figures) {
    struct indicator_figures f = {.result = {.value = (double)NAN}};
    for (int i = 0; i < count; i++) {
        bool is_present = str_eq(values[i].month, month) && values[i].derivation.size > 0;
        if (is_present) {
            f.present = values[i];
            f.has_present = true;
        } else if (!f.has_result && !isnan(values[i].value) &&
                   str_cmp(values[i].month, month) <= 0) {
            f.result = values[i];
            f.has_result = true;
        }
    }
    f.improvement =
        indicator_improvement(indicator->baseline, f.result.value, indicator->lower_is_better);
    f.achievement = indicator_achievement(indicator->baseline, indicator->target, f.result.value);
    say_figures(indicator, lang, arena, &f);
    *ret_figures = f;
}

void indicator_mean_add(struct indicator_mean *mean, double achievement, double weight) {
    if (!isnan(achievement) && weight > 0) {
        double cut = achievement < 0 ? 0 : achievement > 100 ? 100 : achievement;
        mean->sum += cut * weight;
        mean->weight += weight;
        mean->count++;
    }
}

double indicator_mean_value(const struct indicator_mean *mean) {
    return mean->weight > 0 ? mean->sum / mean->weight : (double)NAN;
}
