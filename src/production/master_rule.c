/*
 * Rules between the fields of one row. What a kind of field allows by itself stands in
 * master_field.c, what holds over several rows in master_check.c. Rules that several nouns share
 * (a period's end, more than nothing) go by the names of fields, so that a noun that gains such a
 * field gains its rule.
 */
#include "production/master_rule.h"

#include "core/check.h"
#include "production/inspect.h"
#include "production/label.h"
#include "production/words.h"

struct row_rule {
    enum noun_id noun;
    const struct field_value *values;
    const struct field *fault; // The field last looked at.
};

uint32_t noun_field_at(enum noun_id noun, const char *name) {
    int at = noun_field_of_name(noun, str_of(name));
    CHECK(at >= 0);
    return (uint32_t)at;
}

/* The value of a field that the noun has and the row gives; NULL else. */
static const struct field_value *given(struct row_rule *rule, const char *name) {
    const struct field *field = NULL;
    for (uint32_t i = 0; (field = noun_field(rule->noun, i)) != NULL; i++) {
        if (str_eq(str_of(field->name), str_of(name))) {
            rule->fault = field;
            return rule->values[i].text.size > 0 ? &rule->values[i] : NULL;
        }
    }
    return NULL;
}

/* Whole numbers whose range is narrower than their kind's. */
static int check_ranges(struct row_rule *rule, struct err *err) {
    static const struct {
        enum noun_id noun;
        const char *name;
        int64_t least;
        int64_t most;
    } RANGES[] = {{NOUN_BOMS, "version", 1, 9999}, {NOUN_BOMS, "line", 1, 9999},
        {NOUN_BOMS, "scrap_ppm", 0, 999999}, {NOUN_BOMS, "step", 1, 9999},
        {NOUN_ROUTINGS, "version", 1, 9999}, {NOUN_ROUTINGS, "step", 1, 9999},
        {NOUN_INSPECTIONS, "line", 1, 9999}, {NOUN_INSPECTIONS, "step", 1, 9999},
        {NOUN_INSPECTIONS, "samples", 1, 1000}, {NOUN_INSPECTIONS, "every_pieces", 1, 1LL << 40},
        {NOUN_INSPECTIONS, "every_minutes", 1, 525600}, {NOUN_MOULDS, "cavities", 1, 1000},
        {NOUN_MOULDS, "cavities_open", 0, 1000}, {NOUN_MOULDS, "shots_care", 1, 1LL << 53},
        {NOUN_ITEMS, "lead_days", 0, 3660}, {NOUN_ITEMS, "shelf_days", 1, 36600},
        {NOUN_MACHINES, "counter_max", 1, 1LL << 53}, {NOUN_MACHINES, "rejects_max", 1, 1LL << 53},
        {NOUN_MACHINES, "pieces", 1, 100000}, {NOUN_DAYS, "weekday", 1, 7},
        {NOUN_PRINTERS, "copies", 1, 99}, {NOUN_CARE_PLANS, "every", 1, 100000000},
        {NOUN_CARE_PLANS, "tolerance", 0, 100000000}, {NOUN_CARE_PLANS, "minutes", 0, 100000},
        {NOUN_FORM_FIELDS, "line", 1, 9999}};
    for (size_t i = 0; i < sizeof RANGES / sizeof RANGES[0]; i++) {
        const struct field_value *value =
            RANGES[i].noun == rule->noun ? given(rule, RANGES[i].name) : NULL;
        if (value != NULL && (value->i64 < RANGES[i].least || value->i64 > RANGES[i].most)) {
            return err_set(err, ERR_RANGE, SAY(PRODUCTION_V_COUNT),
                ARGS(A_STR(value->text), A_INT(RANGES[i].least), A_INT(RANGES[i].most)));
        }
    }
    return 0;
}

static int check_positive(struct row_rule *rule, struct err *err) {
    static const char *const NAMES[] = {
        "quantity", "base", "lot_size", "cycle", "stop_after", "silent_after"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const struct field_value *value = given(rule, NAMES[i]);
        if (value != NULL && value->i64 <= 0) {
            return err_set(err, ERR_RANGE, SAY(PRODUCTION_V_POSITIVE), NO_ARGS);
        }
    }
    return 0;
}

static int check_period(struct row_rule *rule, struct err *err) {
    const struct field_value *from = given(rule, "valid_from");
    const struct field_value *to = given(rule, "valid_to");
    if (from != NULL && to != NULL && str_cmp(from->text, to->text) >= 0) {
        return err_set(
            err, ERR_RANGE, SAY(PRODUCTION_V_PERIOD), ARGS(A_STR(from->text), A_STR(to->text)));
    }
    return 0;
}

static int above(
    const struct field_value *low, const struct field_value *high, bool is_above, struct err *err) {
    return low != NULL && high != NULL && is_above
               ? err_set(err, ERR_RANGE, SAY(PRODUCTION_V_LIMITS),
                     ARGS(A_STR(low->text), A_STR(high->text)))
               : 0;
}

/* Judging is exact in millionths, so limits are whole millionths, too. */
static int check_decimals(struct row_rule *rule, struct err *err) {
    static const char *const NAMES[] = {"nominal", "lower", "upper"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const struct field_value *value = given(rule, NAMES[i]);
        int64_t u = 0;
        if (value != NULL && !inspect_limit(value->f64, &u)) {
            return err_set(err, ERR_RANGE, SAY(PRODUCTION_V_DECIMALS), ARGS(A_STR(value->text)));
        }
    }
    const struct field_value *method = given(rule, "method");
    bool told =
        method != NULL && (str_eq(method->text, STR("gauge")) || str_eq(method->text, STR("tag")));
    return told && given(rule, "tag") == NULL
               ? err_set(err, ERR_INVALID, SAY(PRODUCTION_V_PLAN_TAG), NO_ARGS)
               : 0;
}

static int check_limits(struct row_rule *rule, struct err *err) {
    if (rule->noun == NOUN_MOULDS) {
        const struct field_value *all = given(rule, "cavities");
        const struct field_value *open = given(rule, "cavities_open");
        return above(open, all, open != NULL && all != NULL && open->i64 > all->i64, err);
    }
    if (rule->noun != NOUN_INSPECTIONS && rule->noun != NOUN_FORM_FIELDS) {
        return 0;
    }
    int status = check_decimals(rule, err);
    if (status < 0) {
        return status;
    }
    const struct field_value *nominal = given(rule, "nominal");
    const struct field_value *upper = given(rule, "upper");
    const struct field_value *lower = given(rule, "lower");
    status = above(lower, upper, lower != NULL && upper != NULL && lower->f64 > upper->f64, err);
    if (status >= 0 && nominal != NULL) {
        (void)given(rule, "nominal");
        status = above(lower, nominal, lower != NULL && lower->f64 > nominal->f64, err);
        status = status < 0
                     ? status
                     : above(nominal, upper, upper != NULL && nominal->f64 > upper->f64, err);
    }
    return status;
}

static int check_day(struct row_rule *rule, struct err *err) {
    const struct field_value *kind = given(rule, "kind");
    const struct field_value *weekday = given(rule, "weekday");
    bool is_open = kind != NULL && str_eq(kind->text, STR("open"));
    return is_open != (weekday != NULL)
               ? err_set(err, ERR_INVALID, SAY(PRODUCTION_V_WEEKDAY), NO_ARGS)
               : 0;
}

/* In order and inside, counted from the shift's begin, so that midnight is no border. */
static int check_breaks(struct row_rule *rule, struct err *err) {
    const struct field_value *begin = given(rule, "begin_clock");
    const struct field_value *end = given(rule, "end_clock");
    const struct field_value *breaks = given(rule, "breaks");
    if (begin == NULL || end == NULL || breaks == NULL) {
        return 0;
    }
    int start = clock_minutes(begin->text) % DAY_MINUTES;
    int length = (clock_minutes(end->text) - start + DAY_MINUTES) % DAY_MINUTES;
    length = length == 0 ? DAY_MINUTES : length;
    int behind = 0;
    struct str rest = breaks->text;
    while (rest.size > 0) {
        struct str one = str_cut(&rest, ' ');
        size_t middle = str_find(one, '-');
        int from = clock_minutes(str_slice(one, 0, middle)) - start;
        int to = clock_minutes(str_slice(one, middle + 1, one.size)) - start;
        from = (from + 2 * DAY_MINUTES) % DAY_MINUTES;
        to = (to + 2 * DAY_MINUTES) % DAY_MINUTES;
        to = to == 0 ? DAY_MINUTES : to;
        if (from < behind || to <= from || to > length) {
            return err_set(err, ERR_RANGE, SAY(PRODUCTION_V_BREAKS_OUT), ARGS(A_STR(one)));
        }
        behind = to;
    }
    return 0;
}

/* A layout that cannot be drawn is refused when it is entered, not when it is printed. */
static int check_label(struct row_rule *rule, struct err *err) {
    const struct field_value *width = given(rule, "width");
    const struct field_value *height = given(rule, "height");
    const struct field_value *layout = given(rule, "layout");
    struct label_layout parts;
    return width == NULL || height == NULL || layout == NULL
               ? 0
               : label_layout_parse(layout->text, width->f64, height->f64, &parts, err);
}

/* Host, or host and port. */
static int check_printer(struct row_rule *rule, struct err *err) {
    static const int64_t RESOLUTIONS[] = {152, 203, 300, 600};
    const struct field_value *dpi = given(rule, "dpi");
    bool known = dpi == NULL;
    for (size_t i = 0; i < sizeof RESOLUTIONS / sizeof RESOLUTIONS[0]; i++) {
        known = known || dpi->i64 == RESOLUTIONS[i];
    }
    if (!known) {
        return err_set(err, ERR_RANGE, SAY(PRODUCTION_PRINTER_DPI), NO_ARGS);
    }
    const struct field_value *address = given(rule, "address");
    struct str text = address != NULL ? address->text : STR("-");
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f || text.data[i] == '/') {
            return err_set(err, ERR_INVALID, SAY(PRODUCTION_PRINTER_ADDRESS), ARGS(A_STR(text)));
        }
    }
    return 0;
}

/* What is looked after, and in what that is counted. */
static int check_care(struct row_rule *rule, struct err *err) {
    const struct field_value *basis = given(rule, "basis");
    const struct field_value *machine = given(rule, "machine");
    const struct field_value *mould = given(rule, "mould");
    if ((machine == NULL) == (mould == NULL)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_CARE_ONE), NO_ARGS);
    }
    if (mould != NULL && basis != NULL && str_eq(basis->text, STR("hours"))) {
        (void)given(rule, "basis");
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_CARE_HOURS), NO_ARGS);
    }
    return 0;
}

/* What a kind of field cannot do without. */
static int check_form_field(struct row_rule *rule, struct err *err) {
    const struct field_value *kind = given(rule, "kind");
    const struct field_value *tag = given(rule, "tag");
    if (kind != NULL && str_eq(kind->text, STR("tag")) && tag == NULL) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_FIELD_TAG), NO_ARGS);
    }
    const struct field_value *choices = given(rule, "choices");
    bool none = choices == NULL || str_find(choices->text, '|') >= choices->text.size;
    return kind != NULL && str_eq(kind->text, STR("choice")) && none
               ? err_set(err, ERR_INVALID, SAY(PRODUCTION_FIELD_CHOICES), NO_ARGS)
               : 0;
}

int master_row_rules(enum noun_id noun, const struct field_value *values,
    const struct field **ret_field, struct err *err) {
    struct row_rule rule = {.noun = noun, .values = values};
    int status = check_ranges(&rule, err);
    status = status < 0 ? status : check_positive(&rule, err);
    status = status < 0 ? status : check_period(&rule, err);
    status = status < 0 ? status : check_limits(&rule, err);
    if (status >= 0 && noun == NOUN_DAYS) {
        status = check_day(&rule, err);
    }
    if (status >= 0 && noun == NOUN_SHIFTS) {
        status = check_breaks(&rule, err);
    }
    if (status >= 0 && noun == NOUN_LABELS) {
        status = check_label(&rule, err);
    }
    if (status >= 0 && noun == NOUN_PRINTERS) {
        status = check_printer(&rule, err);
    }
    if (status >= 0 && noun == NOUN_CARE_PLANS) {
        status = check_care(&rule, err);
    }
    if (status >= 0 && noun == NOUN_FORM_FIELDS) {
        status = check_form_field(&rule, err);
    }
    if (status < 0) {
        *ret_field = rule.fault;
    }
    return status;
}
