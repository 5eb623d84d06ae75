/*
 * Inspections as people record them: judged here, never by whoever measured.
 *
 * A record is never changed. One that was typed wrongly is corrected by another that names it; the
 * newest that nothing corrects is the one that holds, and both stay with their values.
 */
#include <string.h>

#include "production/amount.h"
#include "production/inspect.h"
#include "production/nonconformance.h"
#include "production/rules.h"
#include "production/sql.h"

enum { TOLD_FAILURES_MAX = 5 };

struct recording {
    struct inspect_subject subject;
    struct inspect_values values;
    const char *result;
    int64_t corrects;
    int64_t number;
    uint32_t failures;
};

/* ---- Correcting ---- */

static int check_corrected(struct event *event, struct recording *recording, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    const struct inspect_subject *subject = &recording->subject;
    recording->corrects = event_i64(event, "corrects", 0);
    if (recording->corrects == 0) {
        return 0;
    }
    if (!event_has(event, "why")) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_WHY), NO_ARGS);
    }
    int rc = sql_first(event->tx,
        "SELECT i.kind, coalesce(i.lot, 0), coalesce(i.operation, 0), coalesce(c.number, 0) FROM "
        "inspections i LEFT JOIN inspections c ON c.corrects = i.number WHERE i.number = ?1",
        Q(Q_I(recording->corrects)), &stmt, err);
    if (rc == 0) {
        return err_set(
            err, ERR_NOT_FOUND, SAY(PRODUCTION_INSPECT_UNKNOWN), ARGS(A_INT(recording->corrects)));
    }
    if (rc < 0) {
        return rc;
    }
    if (ledger_column_i64(stmt, 3) != 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_INSPECT_CORRECTED),
            ARGS(A_INT(recording->corrects), A_INT(ledger_column_i64(stmt, 3))));
    }
    bool same = str_eq(ledger_column_str(stmt, 0), subject->kind) &&
                ledger_column_i64(stmt, 1) == subject->lot &&
                ledger_column_i64(stmt, 2) == subject->operation;
    return same ? 0
                : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_INSPECT_OTHER),
                      ARGS(A_INT(recording->corrects)));
}

/* ---- Judging and keeping ---- */

static int judge(struct event *event, struct recording *recording, struct err *err) {
    recording->failures = 0;
    for (uint32_t i = 0; i < recording->values.count; i++) {
        recording->failures += !recording->values.all[i].pass;
    }
    recording->result = "pass";
    if (recording->failures == 0) {
        return 0;
    }
    recording->result = "fail";
    if (event_i64(event, "accept", 0) == 0) {
        return 0;
    }
    recording->result = "conditional";
    if (!event->may_manage) {
        return err_set(err, ERR_FORBIDDEN, SAY(PRODUCTION_INSPECT_ACCEPT), NO_ARGS);
    }
    return event_has(event, "why")
               ? 0
               : err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_WHY), NO_ARGS);
}

static int store_value(struct event *event, const struct recording *recording,
    const struct inspect_value *value, struct err *err) {
    static const char *const SOURCES[] = {"typed", "gauge", "tag", "judged"};
    const struct inspect_limits *limits = &value->line->limits;
    return sql_do(event->tx,
        "INSERT INTO inspection_values (inspection, plan, sample, time_ns, value_u, lower_u, "
        "upper_u, pass, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        Q(Q_I(recording->number), Q_I(value->line->plan), Q_I(value->sample), Q_I(value->time_ns),
            value->measured ? Q_I(value->value_u) : Q_NULL,
            limits->has_lower ? Q_I(limits->lower_u) : Q_NULL,
            limits->has_upper ? Q_I(limits->upper_u) : Q_NULL, Q_I(value->pass),
            Q_S(str_of(SOURCES[value->source]))),
        err);
}

static int store(struct event *event, struct recording *recording, struct err *err) {
    const struct inspect_subject *subject = &recording->subject;
    int rc = sql_number(event->tx,
        "INSERT INTO inspections (kind, item, lot, operation, machine, worker, time_ns, result, "
        "gauge, why, note, corrects, event, actor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
        "?10, ?11, ?12, ?13, ?14) RETURNING number",
        Q(Q_S(subject->kind), Q_I(subject->item), Q_REF(subject->lot), Q_REF(subject->operation),
            Q_REF(subject->machine), Q_REF(event_i64(event, "worker", 0)), Q_I(event->time_ns),
            Q_S(str_of(recording->result)), Q_S(event_text(event, "gauge")),
            Q_S(event_text(event, "why")), Q_S(event_text(event, "note")),
            Q_REF(recording->corrects), Q_I(event->number), Q_S(event->actor)),
        0, &recording->number, err);
    for (uint32_t i = 0; i < recording->values.count && rc >= 0; i++) {
        rc = store_value(event, recording, &recording->values.all[i], err);
    }
    return rc;
}

/* ---- What follows ---- */

static void put_limits(const struct inspect_limits *limits, struct buf *words) {
    if (limits->has_lower && limits->has_upper) {
        buf_printf(words, "%s–%s)", AMOUNT(limits->lower_u), AMOUNT(limits->upper_u));
    } else if (limits->has_lower) {
        buf_printf(words, "≥ %s)", AMOUNT(limits->lower_u));
    } else {
        buf_printf(words, "≤ %s)", AMOUNT(limits->upper_u));
    }
}

/* "Weight: 84.9 g (85.2–86.8); Appearance" */
static struct str describe(struct event *event, const struct recording *recording) {
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    uint32_t told = 0;
    for (uint32_t i = 0; i < recording->values.count && told < TOLD_FAILURES_MAX; i++) {
        const struct inspect_value *value = &recording->values.all[i];
        const struct inspect_limits *limits = &value->line->limits;
        if (value->pass) {
            continue;
        }
        buf_put_str(&words, told++ > 0 ? STR("; ") : STR_NONE);
        buf_put_str(&words, value->line->name);
        if (value->measured) {
            buf_printf(&words, ": %s", AMOUNT(value->value_u));
            buf_printf(&words, "%s%.*s (", value->line->unit.size > 0 ? " " : "",
                STR_ARG(value->line->unit));
            put_limits(limits, &words);
        }
    }
    buf_put_str(&words, told < recording->failures ? STR("; ...") : STR_NONE);
    return arena_copy(event->arena, buf_str(&words));
}

/* A first piece that fails is a step of setting up: it is measured again after the adjustment. */
static int follow(struct event *event, const struct recording *recording, struct err *err) {
    struct str rule = STR_NONE;
    if (strcmp(recording->result, "fail") != 0) {
        return 0;
    }
    if (str_eq(recording->subject.kind, STR("first"))) {
        event_warn(event, SAY(PRODUCTION_INSPECT_FIRST), NO_ARGS);
        return 0;
    }
    if (plant_setting_get(event->tx, STR("inspection_failed"), event->arena, &rule, NULL) < 0) {
        rule = STR("hold");
    }
    if (str_eq(rule, STR("nothing"))) {
        return 0;
    }
    const struct nonconformance_new wish = {.item = recording->subject.item,
        .lot = recording->subject.lot,
        .operation = recording->subject.operation,
        .machine = recording->subject.machine,
        .inspection = recording->number,
        .worker = event_i64(event, "worker", 0),
        .description = describe(event, recording),
        .hold = str_eq(rule, STR("hold"))};
    return nonconformance_insert(event, &wish, err);
}

static void put_failures(struct event *event, const struct recording *recording) {
    json_key(event->answer, "failed");
    json_array_begin(event->answer);
    for (uint32_t i = 0; i < recording->values.count; i++) {
        const struct inspect_value *value = &recording->values.all[i];
        if (value->pass) {
            continue;
        }
        json_object_begin(event->answer);
        json_put_i64(event->answer, "line", value->line->line);
        json_put_str(event->answer, "name", value->line->name);
        json_put_i64(event->answer, "sample", value->sample);
        if (value->measured) {
            json_put_str(event->answer, "value", str_of(AMOUNT(value->value_u)));
        }
        json_object_end(event->answer);
    }
    json_array_end(event->answer);
}

static int no_plan(struct event *event, const struct inspect_subject *subject, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(
        event->tx, "SELECT code FROM items WHERE number = ?1", Q(Q_I(subject->item)), &stmt, err);
    return rc < 0 ? rc
                  : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_INSPECT_NO_PLAN),
                        ARGS(A_STR(rc > 0 ? ledger_column_str(stmt, 0) : STR_NONE)));
}

int event_inspection_record(struct event *event, struct err *err) {
    struct recording recording = {.result = "pass"};
    int rc = inspect_subject_of(event, &recording.subject, err);
    rc = rc < 0 ? rc : inspect_typed(event, &recording.subject, &recording.values, err);
    if (rc >= 0 && recording.values.line_count == 0) {
        return no_plan(event, &recording.subject, err);
    }
    rc = rc < 0 ? rc : inspect_complete(event, &recording.values, err);
    rc = rc < 0 ? rc : check_corrected(event, &recording, err);
    rc = rc < 0 ? rc : judge(event, &recording, err);
    rc = rc < 0 ? rc : store(event, &recording, err);
    if (rc < 0) {
        return rc;
    }
    json_put_i64(event->answer, "inspection", recording.number);
    json_put_str(event->answer, "result", str_of(recording.result));
    put_failures(event, &recording);
    if (recording.corrects != 0) {
        rc = nonconformance_withdraw(event, recording.corrects, err);
    }
    return rc < 0 ? rc : follow(event, &recording, err);
}

/* ---- Rules ---- */

int event_inspection_rules(struct event *event, struct err *err) {
    return rules_tell(event, err);
}
