#ifndef PRODUCTION_FORM_LOAD_H
#define PRODUCTION_FORM_LOAD_H
/*
 * A form with its fields, and the time and place that a sheet of it is about. Private to the room;
 * inside a transaction; texts in the arena.
 */
#include "production/calendar.h"
#include "production/form.h"

enum form_kind {
    FORM_NUMBER,
    FORM_CHOICE,
    FORM_CHECK,
    FORM_TEXT,
    FORM_WORKER,
    FORM_LOT,
    FORM_MACHINE,
    FORM_TAG,
    FORM_GOOD, // These four come by themselves.
    FORM_BAD,
    FORM_RUN_MINUTES,
    FORM_STOP_MINUTES,
    FORM_KIND_COUNT
};
const char *form_kind_name(enum form_kind kind);

struct form_field {
    struct str field;
    struct str name;
    enum form_kind kind;
    struct str unit;
    double lower; // NaN: none.
    double upper;
    struct str choices;
    int64_t tag;
    struct str tag_name;
    bool needed;
    struct str note;
};
struct form {
    int64_t number;
    struct str code;
    struct str name;
    struct str note;
    struct str every;
    bool by_machine;
    int64_t workcentre;
    int64_t machine;
    bool active;
    int64_t changed_ns;
    struct form_field *fields;
    uint32_t field_count;
};
/* ERR_NOT_FOUND, ERR_LIMIT. */
int form_load(struct ledger_tx *tx, int64_t number, struct arena *arena, struct form *ret_form,
    struct err *err);
/* Name and fields as JSON: the same text for the same form. */
void form_put_body(const struct form *form, struct json *json);
/* The number of the version with this body, made where there is none yet (0: `tx` only reads). */
int form_version(struct ledger_tx *tx, const struct form *form, bool make, int64_t now_ns,
    int64_t *ret_number, int64_t *ret_version, struct err *err);

struct form_place {
    int64_t machine;
    int64_t order;
    int64_t lot;
    int64_t day;      // Given, or FORM_TODAY.
    struct str shift; // Given, or empty.
    int64_t time_ns;
};
struct form_frame {
    int64_t machine;
    int64_t order;
    int64_t lot;
    int64_t day;
    char day_text[CALENDAR_DAY_TEXT_MAX];
    struct str shift;
    struct str shift_name;
    int64_t work;    // The order whose runs are counted; 0: whatever the machines did.
    int64_t from_ns; // Of the shift, the day or that work.
    int64_t to_ns;
};
/* What a sheet is about where nobody says all of it: of shifts the one that is worked, else the one
 * that ended last. ERR_INVALID: a machine, order or lot must be named; no such shift. */
int form_frame(struct ledger_tx *tx, const struct form *form, const struct form_place *place,
    const struct zone *zone, struct arena *arena, struct form_frame *ret_frame, struct err *err);
int form_calendar(struct ledger_tx *tx, const struct form *form, int64_t machine,
    struct arena *arena, struct calendar *ret_calendar, struct err *err);
/* What comes by itself, as whole pieces or minutes. */
int form_auto(struct ledger_tx *tx, const struct form_frame *frame, enum form_kind kind,
    int64_t now_ns, int64_t *ret_value, struct err *err);
/* The newest entry about the same, not corrected by another; 0: none. */
int form_filled(struct ledger_tx *tx, const struct form *form, const struct form_frame *frame,
    int64_t *ret_entry, int64_t *ret_outside, struct err *err);

#endif
