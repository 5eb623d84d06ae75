/*
 * Names of codes: machines send 0, 1, 2; people think stop, run, fault. The rule `enum` is the
 * table.
 *
 * A text tag takes the name of the number that came; an i64 tag takes the code of the name that
 * came (capitals do not matter), and a number that stands not in the table is marked Uncertain.
 * What the table does not know is never guessed: it is converted as without the rule, and marked.
 *
 * Here also the values of a tag whose rules are not understood are marked: what they should have
 * been is not known.
 *
 * A table has at most ENUM_ENTRIES_MAX rows, so it is looked through in order.
 */
#include <math.h>

#include "core/mem.h"
#include "refine/stage.h"

/* Cuts the next entry off *rest. */
static int cut_entry(struct str *rest, struct enum_entry *ret_entry, struct err *err) {
    struct str entry = str_cut(rest, ',');
    size_t colon = str_find(entry, ':');
    ret_entry->label = str_trim(str_slice(entry, colon + 1, entry.size));
    bool good =
        colon < entry.size && str_to_i64(str_trim(str_slice(entry, 0, colon)), &ret_entry->code);
    if (!good || ret_entry->label.size == 0 || ret_entry->label.size > ENUM_LABEL_BYTES) {
        return err_set(
            err, ERR_INVALID, MSG_REFINE_ENUM_ENTRY, ARGS(A_STR(entry), A_INT(ENUM_LABEL_BYTES)));
    }
    return 0;
}

/* Reads the table into `to`; count, or negative. */
static int read_table(struct str text, struct enum_entry *to, struct err *err) {
    int count = 0;
    struct str rest = text;
    while (rest.data != NULL) {
        if (count == ENUM_ENTRIES_MAX) {
            return err_set(err, ERR_INVALID, MSG_REFINE_ENUM_MANY, ARGS(A_INT(ENUM_ENTRIES_MAX)));
        }
        int status = cut_entry(&rest, &to[count], err);
        if (status < 0) {
            return status;
        }
        for (int i = 0; i < count; i++) {
            if (to[i].code == to[count].code || str_eq_nocase(to[i].label, to[count].label)) {
                return err_set(err, ERR_INVALID, MSG_REFINE_ENUM_TWICE,
                    ARGS(A_INT(to[count].code), A_STR(to[count].label)));
            }
        }
        count++;
    }
    return count;
}

int enum_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    if (!rule_is_set(line, RULE_ENUM)) {
        return 0;
    }
    if (tag->type != TYPE_TEXT && tag->type != TYPE_I64) {
        return err_set(err, ERR_INVALID, MSG_REFINE_RULE_TYPE,
            ARGS(A_CSTR(rule_name(RULE_ENUM)), A_CSTR(value_type_name(tag->type)),
                A_CSTR("text, i64")));
    }
    struct enum_entry entries[ENUM_ENTRIES_MAX];
    int status = read_table(line->texts[RULE_ENUM], entries, err);
    return status < 0 ? status : 0;
}

bool enum_prepare(const struct stage_setup *setup) {
    struct tag_more *more = setup->state->more;
    if (setup->line == NULL || !rule_is_set(setup->line, RULE_ENUM)) {
        if (more != NULL) {
            more->names.count = 0;
        }
        return more != NULL && more->is_broken;
    }
    if (more->names.entries == NULL) {
        more->names.entries = MEM_ARRAY(struct enum_entry, ENUM_ENTRIES_MAX);
    }
    int count = read_table(setup->line->texts[RULE_ENUM], more->names.entries, NULL);
    more->names.count = count > 0 ? (uint32_t)count : 0;
    more->made_text = (uint16_t)(more->made_text + ENUM_LABEL_BYTES);
    return count > 0;
}

void enum_fini(struct tag_more *more) {
    mem_free(more->names.entries);
}

bool enum_takes(const struct tag_more *more, const struct tag *tag, const struct sample *row) {
    return more != NULL && more->names.count > 0 &&
           (tag->type == TYPE_TEXT) != (row->type == TYPE_TEXT);
}

static const struct enum_entry *find_code(const struct enum_part *names, int64_t code) {
    for (uint32_t i = 0; i < names->count; i++) {
        if (names->entries[i].code == code) {
            return &names->entries[i];
        }
    }
    return NULL;
}

static const struct enum_entry *find_label(const struct enum_part *names, struct str label) {
    for (uint32_t i = 0; i < names->count; i++) {
        if (str_eq_nocase(names->entries[i].label, label)) {
            return &names->entries[i];
        }
    }
    return NULL;
}

/* The entry of the code that a number row holds. */
static const struct enum_entry *find_row(const struct enum_part *names, const struct sample *row) {
    if (row->type != TYPE_F64) {
        return find_code(names, row->value.i64);
    }
    double whole = rint(row->value.f64);
    bool is_code = whole == row->value.f64 && fabs(whole) <= 9007199254740992.0; // 2^53.
    return is_code ? find_code(names, (int64_t)whole) : NULL;
}

static unsigned not_known(const struct stage_row *in) {
    unsigned effect = in->row->type == in->tag->type ? EFFECT_NONE : decode_convert(in);
    return effect | stage_mark(in->row, (uint32_t)STATUS_UNCERTAIN);
}

static void put_label(const struct stage_row *in, struct str label) {
    struct batch *batch = in->batch;
    in->row->type = TYPE_TEXT;
    in->row->value.text.offset = batch->text_size;
    in->row->value.text.size = 0;
    if (label.size <= batch->text_capacity - batch->text_size) { // Reserved; else an empty name.
        for (size_t i = 0; i < label.size; i++) {
            batch->text[batch->text_size + i] = label.data[i];
        }
        in->row->value.text.size = (uint32_t)label.size;
        batch->text_size += (uint32_t)label.size;
    }
}

unsigned stage_enum(const struct stage_row *in) {
    const struct enum_part *names = &in->state->more->names;
    struct sample *row = in->row;
    if (in->state->more->is_broken) {
        return stage_mark(row, (uint32_t)STATUS_UNCERTAIN); // refine_use tells why.
    }
    if (!status_has_value(row->status) || (in->tag->type == TYPE_TEXT && row->type == TYPE_TEXT)) {
        /* Nothing came, or a name came already. A row without a value still takes its tag's type.
         */
        return row->type == in->tag->type ? EFFECT_NONE : decode_convert(in);
    }
    if (row->type == TYPE_TEXT) {
        const struct enum_entry *entry = find_label(names, str_trim(row_text(in)));
        if (entry == NULL) {
            return not_known(in);
        }
        row->type = TYPE_I64;
        row->value.i64 = entry->code;
        return EFFECT_CHANGED;
    }
    const struct enum_entry *entry = find_row(names, row);
    if (entry == NULL) {
        return not_known(in);
    }
    if (in->tag->type == TYPE_TEXT) {
        put_label(in, entry->label);
        return EFFECT_CHANGED;
    }
    return EFFECT_NONE;
}
