/*
 * Formulas of indicators. Dijkstra's shunting-yard: operands go to the output at once, operators
 * wait until one that binds less comes, so that neither reading nor computing needs recursion and
 * the depth of brackets costs nothing but places on a bounded stack.
 */
#include "plant/formula.h"

#include <math.h>

#include "core/check.h"
#include "core/limits.h"

enum { NUMBER_BYTES_MAX = 40 };

static const char *const OF_NAMES[FORMULA_OF_COUNT] = {[FORMULA_INCREASE] = "increase",
    [FORMULA_SUM] = "sum",
    [FORMULA_AVG] = "avg",
    [FORMULA_MIN] = "min",
    [FORMULA_MAX] = "max",
    [FORMULA_COUNT] = "count",
    [FORMULA_FIRST] = "first",
    [FORMULA_LAST] = "last",
    [FORMULA_TIME_AVG] = "time_avg",
    [FORMULA_ON_HOURS] = "on_hours"};

const char *formula_of_name(enum formula_of of) {
    return OF_NAMES[of];
}

struct reader {
    struct str text;
    size_t at;
    struct formula *formula;
    enum formula_step_kind waiting[FORMULA_STEPS_MAX];
    uint32_t waiting_count;
    bool after_operand;
};

static int fault(const struct reader *reader, struct err *err) {
    struct str rest = str_slice(reader->text, reader->at, reader->text.size);
    return rest.size == 0 ? err_set(err, ERR_INVALID, MSG_FORMULA_ENDS, NO_ARGS)
                          : err_set(err, ERR_INVALID, MSG_FORMULA_PLACE,
                                ARGS(A_INT(reader->at + 1), A_STR(rest)));
}

static int too_long(struct err *err) {
    return err_set(err, ERR_LIMIT, MSG_FORMULA_LONG,
        ARGS(A_INT(FORMULA_STEPS_MAX), A_INT(FORMULA_INPUTS_MAX)));
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_digit(char c) {
    return (c >= '0' && c <= '9') || c == '.';
}

static char look(const struct reader *reader) {
    return reader->at < reader->text.size ? reader->text.data[reader->at] : '\0';
}

static void skip_blanks(struct reader *reader) {
    while (look(reader) == ' ' || look(reader) == '\t') {
        reader->at++;
    }
}

static bool take(struct reader *reader, char c) {
    skip_blanks(reader);
    if (look(reader) != c || c == '\0') {
        return false;
    }
    reader->at++;
    return true;
}

static int put_step(struct reader *reader, struct formula_step step, struct err *err) {
    struct formula *formula = reader->formula;
    if (formula->step_count == FORMULA_STEPS_MAX) {
        return too_long(err);
    }
    formula->steps[formula->step_count++] = step;
    return 0;
}

static int wait_for(struct reader *reader, enum formula_step_kind kind, struct err *err) {
    if (reader->waiting_count == FORMULA_STEPS_MAX) {
        return too_long(err);
    }
    reader->waiting[reader->waiting_count++] = kind;
    return 0;
}

static int binding(enum formula_step_kind kind) {
    switch (kind) {
    case FORMULA_ADD:
    case FORMULA_SUBTRACT: return 1;
    case FORMULA_MULTIPLY:
    case FORMULA_DIVIDE: return 2;
    case FORMULA_NEGATE: return 3;
    case FORMULA_OPEN:
    case FORMULA_NUMBER:
    case FORMULA_INPUT:
    case FORMULA_HOURS: break;
    }
    return 0;
}

/* Lets go of what binds at least so much, down to an opening bracket. */
static int let_go(struct reader *reader, int least, struct err *err) {
    int status = 0;
    while (status >= 0 && reader->waiting_count > 0 &&
           reader->waiting[reader->waiting_count - 1] != FORMULA_OPEN &&
           binding(reader->waiting[reader->waiting_count - 1]) >= least) {
        const struct formula_step step = {.kind = reader->waiting[--reader->waiting_count]};
        status = put_step(reader, step, err);
    }
    return status;
}

/* ---- Operands ---- */

static int read_number(struct reader *reader, struct err *err) {
    size_t begin = reader->at;
    while (is_digit(look(reader)) && reader->at - begin < NUMBER_BYTES_MAX) {
        reader->at++;
    }
    struct formula_step step = {.kind = FORMULA_NUMBER};
    if (!str_to_f64(str_slice(reader->text, begin, reader->at), &step.number)) {
        reader->at = begin;
        return fault(reader, err);
    }
    return put_step(reader, step, err);
}

static int input_of(struct reader *reader, struct str tag, uint32_t *ret_input, struct err *err) {
    struct formula *formula = reader->formula;
    uint32_t i = 0;
    while (i < formula->input_count && !str_eq(formula->inputs[i].tag, tag)) {
        i++;
    }
    if (i == FORMULA_INPUTS_MAX) {
        return too_long(err);
    }
    if (i == formula->input_count) {
        formula->inputs[formula->input_count++] = (struct formula_input){.tag = tag};
    }
    *ret_input = i;
    return 0;
}

static int read_tag(struct reader *reader, struct str *ret_tag, struct err *err) {
    skip_blanks(reader);
    char quote = look(reader);
    if (quote != '"' && quote != '\'') {
        return fault(reader, err);
    }
    size_t begin = reader->at + 1;
    size_t size = str_find(str_slice(reader->text, begin, reader->text.size), quote);
    if (begin + size >= reader->text.size || size == 0 || size > LIMIT_TAG_NAME_BYTES) {
        return fault(reader, err);
    }
    *ret_tag = str_slice(reader->text, begin, begin + size);
    reader->at = begin + size + 1;
    return 0;
}

static int read_function(struct reader *reader, struct err *err) {
    size_t begin = reader->at;
    while (is_letter(look(reader))) {
        reader->at++;
    }
    struct str name = str_slice(reader->text, begin, reader->at);
    struct formula_step step = {.kind = FORMULA_INPUT};
    if (str_eq(name, STR("hours"))) {
        step.kind = FORMULA_HOURS;
        return take(reader, '(') && take(reader, ')') ? put_step(reader, step, err)
                                                      : fault(reader, err);
    }
    int of = 0;
    while (of < FORMULA_OF_COUNT && !str_eq(name, str_of(OF_NAMES[of]))) {
        of++;
    }
    if (of == FORMULA_OF_COUNT) {
        return err_set(err, ERR_INVALID, MSG_FORMULA_FUNCTION, ARGS(A_STR(name)));
    }
    struct str tag = STR_NONE;
    int status = take(reader, '(') ? read_tag(reader, &tag, err) : fault(reader, err);
    status = status < 0 ? status : input_of(reader, tag, &step.input, err);
    if (status < 0 || !take(reader, ')')) {
        return status < 0 ? status : fault(reader, err);
    }
    step.of = (enum formula_of)of;
    reader->formula->inputs[step.input].uses |= 1U << of;
    return put_step(reader, step, err);
}

/* ---- The whole ---- */

static int read_before_operand(struct reader *reader, struct err *err) {
    char c = look(reader);
    if (c == '-' || c == '(') {
        reader->at++;
        return wait_for(reader, c == '-' ? FORMULA_NEGATE : FORMULA_OPEN, err);
    }
    reader->after_operand = true;
    return is_digit(c)    ? read_number(reader, err)
           : is_letter(c) ? read_function(reader, err)
                          : fault(reader, err);
}

static int read_behind_operand(struct reader *reader, struct err *err) {
    enum formula_step_kind kind = FORMULA_OPEN;
    switch (look(reader)) {
    case '+': kind = FORMULA_ADD; break;
    case '-': kind = FORMULA_SUBTRACT; break;
    case '*': kind = FORMULA_MULTIPLY; break;
    case '/': kind = FORMULA_DIVIDE; break;
    case ')': {
        int status = let_go(reader, 0, err);
        if (status < 0 || reader->waiting_count == 0) {
            return status < 0 ? status : fault(reader, err);
        }
        reader->waiting_count--;
        reader->at++;
        return 0;
    }
    default: return fault(reader, err);
    }
    reader->at++;
    reader->after_operand = false;
    int status = let_go(reader, binding(kind), err);
    return status < 0 ? status : wait_for(reader, kind, err);
}

int formula_parse(struct str text, struct formula *ret_formula, struct err *err) {
    ret_formula->step_count = 0;
    ret_formula->input_count = 0;
    struct reader reader = {.text = text, .formula = ret_formula};
    int status = 0;
    skip_blanks(&reader);
    while (status >= 0 && reader.at < text.size) {
        status = reader.after_operand ? read_behind_operand(&reader, err)
                                      : read_before_operand(&reader, err);
        skip_blanks(&reader);
    }
    if (status >= 0 && !reader.after_operand) {
        status = fault(&reader, err);
    }
    status = status < 0 ? status : let_go(&reader, 0, err);
    if (status >= 0 && reader.waiting_count > 0) {
        status = err_set(err, ERR_INVALID, MSG_FORMULA_BRACKET, NO_ARGS);
    }
    return status;
}

static double apply(
    enum formula_step_kind kind, double left, double right, enum formula_fault *fault) {
    switch (kind) {
    case FORMULA_ADD: return left + right;
    case FORMULA_SUBTRACT: return left - right;
    case FORMULA_MULTIPLY: return left * right;
    case FORMULA_DIVIDE:
        if (right == 0) {
            *fault = FORMULA_BY_ZERO;
        }
        return left / right;
    case FORMULA_NUMBER:
    case FORMULA_INPUT:
    case FORMULA_HOURS:
    case FORMULA_NEGATE:
    case FORMULA_OPEN: break;
    }
    return (double)NAN;
}

double formula_result(const struct formula *formula, const double (*values)[FORMULA_OF_COUNT],
    double hours, enum formula_fault *ret_fault, uint32_t *ret_input) {
    double stack[FORMULA_STEPS_MAX];
    uint32_t top = 0;
    *ret_fault = FORMULA_FINE;
    for (uint32_t i = 0; i < formula->step_count && *ret_fault == FORMULA_FINE; i++) {
        const struct formula_step *step = &formula->steps[i];
        if (step->kind == FORMULA_NUMBER || step->kind == FORMULA_HOURS) {
            stack[top++] = step->kind == FORMULA_NUMBER ? step->number : hours;
        } else if (step->kind == FORMULA_INPUT) {
            stack[top] = values[step->input][step->of];
            if (isnan(stack[top++])) {
                *ret_fault = FORMULA_NO_VALUE;
                *ret_input = step->input;
            }
        } else if (step->kind == FORMULA_NEGATE) {
            CHECK(top >= 1);
            stack[top - 1] = -stack[top - 1];
        } else {
            CHECK(top >= 2);
            top--;
            stack[top - 1] = apply(step->kind, stack[top - 1], stack[top], ret_fault);
        }
    }
    if (*ret_fault != FORMULA_FINE) {
        return (double)NAN;
    }
    CHECK(top == 1);
    if (!isfinite(stack[0])) {
        *ret_fault = FORMULA_TOO_LARGE;
        return (double)NAN;
    }
    return stack[0];
}
