/*
 * Forms that come with the program: the daily work report, self-inspection and the daily check of
 * equipment, as a Korean moulding shop has them on its clipboards. Taking one makes ordinary rows
 * in the language of whoever takes it; from then on it is the factory's own and may be changed.
 */
#include "production/event_handler.h"
#include "production/form_load.h"
#include "production/master.h"
#include "production/sql.h"

struct ready_field {
    const char *field;
    const char *kind;
    enum msg_id words;
    const char *unit;
    const char *lower;
    const char *upper;
    enum msg_id choices; // MSG_NONE: none.
    bool needed;
};

static const struct ready_field DAILY[] = {
    {"worker", "worker", SAY(PRODUCTION_R_WORKER), "", "", "", MSG_NONE, true},
    {"people", "number", SAY(PRODUCTION_R_PEOPLE), "", "0", "", MSG_NONE, false},
    {"good", "good", SAY(PRODUCTION_R_GOOD), "EA", "", "", MSG_NONE, false},
    {"bad", "bad", SAY(PRODUCTION_R_BAD), "EA", "", "", MSG_NONE, false},
    {"run", "run_minutes", SAY(PRODUCTION_R_RUN), "", "", "", MSG_NONE, false},
    {"stop", "stop_minutes", SAY(PRODUCTION_R_STOP), "", "", "", MSG_NONE, false},
    {"issues", "text", SAY(PRODUCTION_R_ISSUES), "", "", "", MSG_NONE, false},
    {"next", "text", SAY(PRODUCTION_R_NEXT), "", "", "", MSG_NONE, false}};
static const struct ready_field SELF[] = {
    {"stage", "choice", SAY(PRODUCTION_R_STAGE), "", "", "", SAY(PRODUCTION_R_STAGES), true},
    {"look", "check", SAY(PRODUCTION_R_LOOK), "", "", "", MSG_NONE, true},
    {"size", "number", SAY(PRODUCTION_R_SIZE), "mm", "", "", MSG_NONE, false},
    {"weight", "number", SAY(PRODUCTION_R_WEIGHT), "g", "0", "", MSG_NONE, false},
    {"fit", "check", SAY(PRODUCTION_R_FIT), "", "", "", MSG_NONE, false},
    {"worker", "worker", SAY(PRODUCTION_R_WORKER), "", "", "", MSG_NONE, true},
    {"remark", "text", SAY(PRODUCTION_R_REMARK), "", "", "", MSG_NONE, false}};
static const struct ready_field EQUIPMENT[] = {
    {"oil", "check", SAY(PRODUCTION_R_OIL), "", "", "", MSG_NONE, true},
    {"oil_heat", "number", SAY(PRODUCTION_R_OIL_HEAT), "°C", "20", "55", MSG_NONE, false},
    {"cooling", "check", SAY(PRODUCTION_R_COOLING), "", "", "", MSG_NONE, true},
    {"leak", "check", SAY(PRODUCTION_R_LEAK), "", "", "", MSG_NONE, true},
    {"air", "number", SAY(PRODUCTION_R_AIR), "MPa", "0.4", "0.7", MSG_NONE, false},
    {"door", "check", SAY(PRODUCTION_R_DOOR), "", "", "", MSG_NONE, true},
    {"emergency", "check", SAY(PRODUCTION_R_EMERGENCY), "", "", "", MSG_NONE, true},
    {"heater", "check", SAY(PRODUCTION_R_HEATER), "", "", "", MSG_NONE, true},
    {"noise", "check", SAY(PRODUCTION_R_NOISE), "", "", "", MSG_NONE, true},
    {"clean", "check", SAY(PRODUCTION_R_CLEAN), "", "", "", MSG_NONE, false},
    {"remark", "text", SAY(PRODUCTION_R_REMARK), "", "", "", MSG_NONE, false}};

#define COUNT(list) (uint32_t)(sizeof(list) / sizeof((list)[0]))

/* By the choices of the event's member `ready`. */
static const struct {
    const char *code;
    const char *every;
    enum msg_id words;
    const struct ready_field *fields;
    uint32_t count;
} READY[] = {{"DAILY", "shift", SAY(PRODUCTION_READY_DAILY), DAILY, COUNT(DAILY)},
    {"SELF", "shift", SAY(PRODUCTION_READY_SELF), SELF, COUNT(SELF)},
    {"CHECK", "day", SAY(PRODUCTION_READY_EQUIPMENT), EQUIPMENT, COUNT(EQUIPMENT)}};

static struct str words_of(struct event *event, enum msg_id id) {
    if (id == MSG_NONE) {
        return STR_NONE;
    }
    AUTO_BUF struct buf words;
    buf_init(&words, 512);
    msg_render(id, NO_ARGS, event->lang, &words);
    return arena_copy(event->arena, buf_str(&words));
}

static void set(enum noun_id noun, struct master_row *row, const char *name, struct str text) {
    row->fields[noun_field_of_name(noun, str_of(name))] = text;
}

static int put_row(
    struct event *event, enum noun_id noun, struct master_row *row, struct err *err) {
    int64_t number = 0;
    bool changed = false;
    int rc = master_put(event->tx, noun, row, event->actor, &number, &changed, err);
    return rc;
}

static int put_field(struct event *event, struct str code, const struct ready_field *ready,
    uint32_t line, struct err *err) {
    struct master_row row = {.number = 0};
    char text[24];
    set(NOUN_FORM_FIELDS, &row, "form", code);
    set(NOUN_FORM_FIELDS, &row, "field", str_of(ready->field));
    set(NOUN_FORM_FIELDS, &row, "line", (struct str){text, i64_to_text(line, text)});
    set(NOUN_FORM_FIELDS, &row, "name", words_of(event, ready->words));
    set(NOUN_FORM_FIELDS, &row, "kind", str_of(ready->kind));
    bool minutes = str_ends(str_of(ready->kind), STR("_minutes"));
    set(NOUN_FORM_FIELDS, &row, "unit",
        minutes ? words_of(event, SAY(PRODUCTION_R_MINUTES)) : str_of(ready->unit));
    set(NOUN_FORM_FIELDS, &row, "lower", str_of(ready->lower));
    set(NOUN_FORM_FIELDS, &row, "upper", str_of(ready->upper));
    set(NOUN_FORM_FIELDS, &row, "choices", words_of(event, ready->choices));
    set(NOUN_FORM_FIELDS, &row, "needed", ready->needed ? STR("1") : STR("0"));
    return put_row(event, NOUN_FORM_FIELDS, &row, err);
}

int event_form_take(struct event *event, struct err *err) {
    int64_t at = event_i64(event, "ready", 0);
    struct str code = event_has(event, "code") ? event_text(event, "code") : str_of(READY[at].code);
    struct master_row row = {.number = 0};
    int64_t known = 0;
    set(NOUN_FORMS, &row, "code", code);
    set(NOUN_FORMS, &row, "name", words_of(event, READY[at].words));
    set(NOUN_FORMS, &row, "every", str_of(READY[at].every));
    set(NOUN_FORMS, &row, "per", STR("machine"));
    int rc = master_find_row(event->tx, NOUN_FORMS, &row, &known, err);
    if (rc >= 0 && known != 0) {
        return err_set(err, ERR_EXISTS, SAY(PRODUCTION_ROW_EXISTS), ARGS(A_STR(code)));
    }
    rc = rc < 0 ? rc : put_row(event, NOUN_FORMS, &row, err);
    for (uint32_t i = 0; i < READY[at].count && rc >= 0; i++) {
        rc = put_field(event, code, &READY[at].fields[i], (i + 1) * 10, err);
    }
    json_put_str(event->answer, "form", code);
    return rc;
}

/* With its fields, all or nothing: a form that was filled in stays and is put out of use. */
int event_form_remove(struct event *event, struct err *err) {
    int64_t form = event_i64(event, "form", 0);
    int rc = 0;
    for (int64_t field = -1; rc >= 0 && field != 0;) {
        rc = sql_number(event->tx, "SELECT min(number) FROM form_fields WHERE form = ?1",
            Q(Q_I(form)), 0, &field, err);
        rc = rc < 0 || field == 0
                 ? rc
                 : master_remove(event->tx, NOUN_FORM_FIELDS, field, event->actor, err);
    }
    json_put_str(event->answer, "form", event_text(event, "form"));
    return rc < 0 ? rc : master_remove(event->tx, NOUN_FORMS, form, event->actor, err);
}
