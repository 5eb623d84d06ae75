/*
 * Unit: from the unit in which a device sends (rule `unit_from`) to the tag's unit, after its
 * scale.
 *
 * The table units.def has UCUM codes and the signs people write. Two units convert when they have
 * the same dimension; torque and energy have the same base units and are kept apart on purpose,
 * because nobody means to turn one into the other. Factors are formed in extended precision, so a
 * conversion is right to the last digits of a double.
 *
 * Imports and the line protocol bring finished values and pass unchanged.
 */
#include <math.h>

#include "refine/stage.h"

enum dimension {
    TEMPERATURE,
    PRESSURE,
    LENGTH,
    MASS,
    FORCE,
    TORQUE,
    ENERGY,
    POWER,
    VOLUME,
    FLOW,
    TIME,
    FREQUENCY,
    SPEED,
    CURRENT,
    VOLTAGE,
    ANGLE,
    RATIO,
};

struct unit {
    const char *code;
    enum dimension dimension;
    long double factor;
    long double offset;
};

static const struct unit UNITS[] = {
#define UNIT(code, dimension, factor, offset) {(code), (dimension), (factor), (offset)},
#define ALIAS(shown, code)
#include "refine/units.def"
#undef UNIT
#undef ALIAS
};

static const struct {
    const char *shown;
    const char *code;
} ALIASES[] = {
#define UNIT(code, dimension, factor, offset)
#define ALIAS(shown, code) {(shown), (code)},
#include "refine/units.def"
#undef UNIT
#undef ALIAS
};

static const struct unit *find_unit(struct str name) {
    for (size_t i = 0; i < sizeof ALIASES / sizeof ALIASES[0]; i++) {
        if (str_eq(name, str_of(ALIASES[i].shown))) {
            name = str_of(ALIASES[i].code);
            break;
        }
    }
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (str_eq(name, str_of(UNITS[i].code))) {
            return &UNITS[i];
        }
    }
    return NULL;
}

int unit_between(struct str from, struct str to, struct unit_part *ret_unit, struct err *err) {
    const struct unit *source = find_unit(from);
    const struct unit *target = find_unit(to);
    if (source == NULL || target == NULL) {
        return err_set(err, ERR_INVALID, MSG_REFINE_UNIT_UNKNOWN, ARGS(A_STR(source ? to : from)));
    }
    if (source->dimension != target->dimension) {
        return err_set(err, ERR_INVALID, MSG_REFINE_UNIT_DIMENSION, ARGS(A_STR(from), A_STR(to)));
    }
    ret_unit->factor = (double)(source->factor / target->factor);
    ret_unit->offset = (double)((source->offset - target->offset) / target->factor);
    return 0;
}

int unit_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    if (!rule_is_set(line, RULE_UNIT_FROM)) {
        return 0;
    }
    if (tag->type != TYPE_F64) {
        return err_set(err, ERR_INVALID, MSG_REFINE_RULE_TYPE,
            ARGS(A_CSTR(rule_name(RULE_UNIT_FROM)), A_CSTR(value_type_name(tag->type)),
                A_CSTR("f64")));
    }
    struct unit_part unit;
    return unit_between(line->texts[RULE_UNIT_FROM], tag->unit, &unit, err);
}

bool unit_prepare(const struct stage_setup *setup) {
    return setup->line != NULL && rule_is_set(setup->line, RULE_UNIT_FROM) &&
           unit_between(setup->line->texts[RULE_UNIT_FROM], setup->tag->unit,
               &setup->state->more->unit, NULL) >= 0;
}

unsigned stage_unit(const struct stage_row *in) {
    const struct unit_part *unit = &in->state->more->unit;
    struct sample *row = in->row;
    if (in->batch->source == 0 || row->type != TYPE_F64) {
        return EFFECT_NONE;
    }
    double before = row->value.f64;
    row->value.f64 = before * unit->factor + unit->offset;
    unsigned effect = row->value.f64 == before || isnan(before) ? EFFECT_NONE : EFFECT_CHANGED;
    if (isfinite(before) && !isfinite(row->value.f64)) {
        effect |= stage_mark(row, (uint32_t)STATUS_BAD_OUT_OF_RANGE);
    }
    return effect;
}
