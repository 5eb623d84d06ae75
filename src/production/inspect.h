#ifndef PRODUCTION_INSPECT_H
#define PRODUCTION_INSPECT_H
/*
 * Inspections: the characteristics of a plan, values against their limits, whether a lot may be
 * used (docs/PRODUCTION.md, "Inspections"). Values and limits are whole millionths, so a value on
 * its limit is inside whatever its decimals. Private to the room; inside a ledger transaction.
 */
#include "production/event_handler.h"

enum {
    INSPECT_LINES_MAX = 200,    // Characteristics of one inspection; more are not read.
    INSPECT_SAMPLES_MAX = 1000, // Of one characteristic.
    INSPECT_VALUES_MAX = 2000,  // Of one inspection.
};
#define INSPECT_GAUGE_NS  (1800 * 1000000000LL) // How old a gauge's value may be.
#define INSPECT_LIMIT_MAX 9e9                   // Of limits: doubles hold millionths up to there.

enum inspect_method { INSPECT_TYPED, INSPECT_GAUGE, INSPECT_TAG, INSPECT_JUDGED };

struct inspect_limits {
    bool has_lower;
    bool has_upper;
    int64_t lower_u;
    int64_t upper_u;
};
/* On a limit is inside. */
bool inspect_within(const struct inspect_limits *limits, int64_t value_u);
/* A limit of a plan as millionths. False: more than six decimals, too large, or no number. */
bool inspect_limit(double value, int64_t *ret_u);
/* A measured value, rounded to a millionth. False: too large, or no number. */
bool inspect_value_of(double value, int64_t *ret_u);

struct inspect_line {
    int64_t plan; // Its number; as the row of the noun.
    int64_t line;
    struct str name;
    struct str unit;
    enum inspect_method method;
    struct inspect_limits limits;
    uint32_t samples;
    uint32_t tag; // 0: none.
};
/* Characteristics in use, of a step or (0) of all, by line; texts in the arena. Count. */
int inspect_lines(struct ledger_tx *tx, struct arena *arena, int64_t item, struct str kind,
    int64_t step, struct inspect_line *ret_lines, uint32_t max, struct err *err);

/* What is inspected. */
struct inspect_subject {
    struct str kind;
    int64_t item;
    int64_t lot; // 0: none; as the others.
    int64_t operation;
    int64_t step;
    int64_t machine;
};
/* By the members kind, lot and operation of inspection.record. */
int inspect_subject_of(struct event *event, struct inspect_subject *ret_subject, struct err *err);

struct inspect_value {
    const struct inspect_line *line;
    uint32_t sample; // From 1.
    int64_t time_ns;
    bool measured; // Else judged.
    int64_t value_u;
    bool pass;
    enum inspect_method source;
};
struct inspect_values {
    struct inspect_line *lines;
    uint32_t line_count;
    struct inspect_value *all;
    uint32_t count;
};
/* What was typed, by the members line and value; nothing is asked of tags, nothing must be whole.
 */
int inspect_typed(struct event *event, const struct inspect_subject *subject,
    struct inspect_values *ret_values, struct err *err);
/* Adds what tags and gauges tell, in place of what was typed for them; every characteristic has its
 * samples then. ERR_INVALID says which has not. */
int inspect_complete(struct event *event, struct inspect_values *values, struct err *err);

/* ---- Whether a lot may be used ---- */

enum inspect_gate { GATE_REFUSE, GATE_WARN, GATE_OFF };
enum inspect_gate inspect_gate_of(struct ledger_tx *tx, struct arena *arena);
/* Why a lot waits: the lot in question (itself, or one it was split or merged from), the kind of
 * its inspection, and whether that failed or is missing. 1: it waits; 0: it may be used. */
struct inspect_wait {
    struct str lot;
    struct str kind;
    bool failed;
};
int inspect_waits(struct ledger_tx *tx, struct arena *arena, int64_t lot,
    struct inspect_wait *ret_wait, struct err *err);
/* At a door (issue, use, shipment): ERR_CONFLICT with words, or a warning, by the plant's setting.
 */
int inspect_door(struct event *event, int64_t lot, struct err *err);

#endif
