/*
 * States and cycles: a current, a speed or a bit becomes "run" and "stop", and the time from one
 * beginning of the first state to the next becomes the cycle time.
 *
 *     state=run:>5,stop:<=4 state_tag=line1.press.state cycle_tag=line1.press.cycle
 *
 * Conditions are looked at in order; the first that holds is the state. Where none holds the state
 * stays: between 4 and 5 above it is what it was, so a signal that trembles at the edge does not
 * flicker (hysteresis). The state is stored when it changes.
 *
 * A cycle is told when it was seen whole: bad samples, a gap or a restart in between begin anew,
 * and late samples and corrections are passed over. The time of an edge is that of the first sample
 * behind it, so a cycle is known to one period of collection.
 */
#include <math.h>

#include "core/clock.h"
#include "refine/stage.h"

enum { NOT_KNOWN = -1, STATE_LABEL_BYTES = 32 };

static int read_entry(struct str entry, struct state_entry *ret_entry, struct err *err) {
    size_t colon = str_find(entry, ':');
    struct str condition = str_trim(str_slice(entry, colon + 1, entry.size));
    ret_entry->label = str_trim(str_slice(entry, 0, colon));
    char sign = condition.size > 0 ? condition.data[0] : '\0';
    ret_entry->is_above = sign == '>';
    ret_entry->is_inclusive = condition.size > 1 && condition.data[1] == '=';
    struct str number =
        str_trim(str_slice(condition, ret_entry->is_inclusive ? 2 : 1, condition.size));
    bool good = (sign == '>' || sign == '<') && str_to_f64(number, &ret_entry->limit) &&
                isfinite(ret_entry->limit) && ret_entry->label.size > 0 &&
                ret_entry->label.size <= STATE_LABEL_BYTES;
    return good ? 0
                : err_set(err, ERR_INVALID, MSG_REFINE_STATE_ENTRY,
                      ARGS(A_STR(entry), A_INT(STATE_LABEL_BYTES)));
}

static int read_states(struct str text, struct state_entry *to, struct err *err) {
    int count = 0;
    struct str rest = text;
    while (rest.data != NULL) {
        if (count == STATES_MAX) {
            return err_set(err, ERR_INVALID, MSG_REFINE_STATE_MANY, ARGS(A_INT(STATES_MAX)));
        }
        int status = read_entry(str_cut(&rest, ','), &to[count], err);
        if (status < 0) {
            return status;
        }
        for (int i = 0; i < count; i++) {
            if (str_eq(to[i].label, to[count].label)) {
                return err_set(
                    err, ERR_INVALID, MSG_REFINE_STATE_TWICE, ARGS(A_STR(to[count].label)));
            }
        }
        count++;
    }
    return count;
}

int state_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    int status = rule_needs(line, RULE_STATE_TAG, RULE_STATE, err);
    status = status < 0 ? status : rule_needs(line, RULE_CYCLE_TAG, RULE_STATE, err);
    if (status < 0 || !rule_is_set(line, RULE_STATE)) {
        return status;
    }
    if (!rule_is_set(line, RULE_STATE_TAG) && !rule_is_set(line, RULE_CYCLE_TAG)) {
        return err_set(err, ERR_INVALID, MSG_REFINE_STATE_TAGS, NO_ARGS);
    }
    if (tag->type == TYPE_TEXT) {
        return err_set(err, ERR_INVALID, MSG_REFINE_RULE_TYPE,
            ARGS(A_CSTR(rule_name(RULE_STATE)), A_CSTR(value_type_name(tag->type)),
                A_CSTR("f64, i64, bool")));
    }
    struct state_entry entries[STATES_MAX];
    status = read_states(line->texts[RULE_STATE], entries, err);
    return status < 0 ? status : rule_excludes(line, RULE_STATE, RULE_SWING, err);
}

bool state_prepare(const struct stage_setup *setup) {
    if (setup->line == NULL || !rule_is_set(setup->line, RULE_STATE)) {
        return false;
    }
    struct state_part *part = &setup->state->more->state;
    struct state_entry before = part->entries[0];
    bool is_new = part->count == 0;
    int count = read_states(setup->line->texts[RULE_STATE], part->entries, NULL);
    if (is_new || part->count != count || before.is_above != part->entries[0].is_above ||
        before.limit != part->entries[0].limit) {
        part->present = NOT_KNOWN;
        part->has_begun = false;
    }
    part->count = count > 0 ? count : 0;
    part->state_tag =
        rule_is_set(setup->line, RULE_STATE_TAG)
            ? companion_number(setup->catalogue, setup->line->texts[RULE_STATE_TAG], TYPE_TEXT)
            : 0;
    part->cycle_tag =
        rule_is_set(setup->line, RULE_CYCLE_TAG)
            ? companion_number(setup->catalogue, setup->line->texts[RULE_CYCLE_TAG], TYPE_F64)
            : 0;
    setup->state->more->made_rows = (uint16_t)(setup->state->more->made_rows + 2);
    setup->state->more->made_text = (uint16_t)(setup->state->more->made_text + STATE_LABEL_BYTES);
    return part->count > 0 && (part->state_tag != 0 || part->cycle_tag != 0);
}

void state_seed(struct tag_more *more, const struct sample *newest) {
    (void)newest;
    more->state.present = NOT_KNOWN;
    more->state.has_begun = false;
}

/* The state that a value means: an index, or `present` where no condition holds. */
static int judge(const struct state_part *part, double value) {
    for (int i = 0; i < part->count; i++) {
        const struct state_entry *entry = &part->entries[i];
        bool equal = entry->is_inclusive && value == entry->limit;
        if (equal || (entry->is_above ? value > entry->limit : value < entry->limit)) {
            return i;
        }
    }
    return part->present;
}

static void make_state(const struct stage_row *in, struct str label) {
    struct batch *batch = in->batch;
    if (label.size > batch->text_capacity - batch->text_size) {
        return; // Reserved, so it fits.
    }
    struct sample *made =
        stage_make(batch, in->state->more->state.state_tag, TYPE_TEXT, in->row->time_ns);
    made->status = in->row->status;
    made->value.text.offset = batch->text_size;
    made->value.text.size = (uint32_t)label.size;
    for (size_t i = 0; i < label.size; i++) {
        batch->text[batch->text_size + i] = label.data[i];
    }
    batch->text_size += (uint32_t)label.size;
}

/* The first state begins: tells the time since it began last. */
static void begin_cycle(const struct stage_row *in) {
    struct state_part *part = &in->state->more->state;
    if (part->has_begun && part->cycle_tag != 0 && in->row->time_ns > part->begun_ns) {
        uint64_t cycle_ns = (uint64_t)in->row->time_ns - (uint64_t)part->begun_ns;
        struct sample *made = stage_make(in->batch, part->cycle_tag, TYPE_F64, in->row->time_ns);
        made->value.f64 = (double)cycle_ns / (double)NS_PER_S;
    }
    part->has_begun = true;
    part->begun_ns = in->row->time_ns;
}

unsigned stage_state(const struct stage_row *in) {
    struct state_part *part = &in->state->more->state;
    const struct sample *row = in->row;
    double value = sample_number(row);
    if ((row->flags & (SAMPLE_LATE | SAMPLE_CORRECTION)) != 0) {
        return EFFECT_NONE;
    }
    if (status_quality(row->status) == QUALITY_BAD || isnan(value)) {
        part->has_begun = false;
        return EFFECT_NONE;
    }
    if (row->reserved == ROW_AFTER_GAP) {
        part->has_begun = false;
    }
    int before = part->present;
    part->present = judge(part, value);
    if (part->present == before) {
        return EFFECT_NONE;
    }
    if (part->state_tag != 0) {
        make_state(in, part->entries[part->present].label);
    }
    if (part->present == 0 && before != NOT_KNOWN) {
        begin_cycle(in);
    }
    return EFFECT_NONE;
}
