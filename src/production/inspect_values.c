/*
 * The values of an inspection: typed, told by a gauge's tag, or what a process tag said.
 *
 * Nothing is typed twice: where the plan names a tag and the tag has told a good number, that
 * number is the value, and what was typed besides is told to be left out. A gauge that hangs on a
 * line gives one sample of its tag with each press of its button, so the newest samples of the last
 * half hour are the subgroup, each used once; where they are too few (a broken cable), typed values
 * stand in and are marked so.
 */
#include <string.h>

#include "historian/historian.h"
#include "model/sample.h"
#include "production/amount.h"
#include "production/inspect.h"
#include "production/order.h"
#include "production/sql.h"

/* ---- What is inspected ---- */

static int of_operation(struct event *event, struct inspect_subject *subject, struct err *err) {
    struct operation operation;
    struct work_order order;
    int rc = operation_get(event->tx, subject->operation, &operation, err);
    rc = rc < 0 ? rc : order_get(event->tx, operation.order, &order, err);
    if (rc >= 0) {
        subject->item = order.item;
        subject->step = operation.step;
        subject->machine = operation.machine;
        subject->lot = subject->lot != 0 ? subject->lot : order.lot;
    }
    return rc;
}

int inspect_subject_of(struct event *event, struct inspect_subject *ret_subject, struct err *err) {
    struct inspect_subject subject = {.kind = event_text(event, "kind"),
        .lot = event_i64(event, "lot", 0),
        .operation = event_i64(event, "operation", 0)};
    bool at_work = str_eq(subject.kind, STR("first")) || str_eq(subject.kind, STR("in_process"));
    int rc = 0;
    if (at_work && subject.operation == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_OPERATION), NO_ARGS);
    }
    if (subject.operation != 0) {
        rc = of_operation(event, &subject, err);
    }
    if (rc >= 0 && subject.lot == 0 && !at_work) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_LOT), NO_ARGS);
    }
    if (rc >= 0 && subject.item == 0) {
        rc = sql_number(event->tx, "SELECT item FROM lots WHERE number = ?1", Q(Q_I(subject.lot)),
            0, &subject.item, err);
    }
    *ret_subject = subject;
    return rc < 0 ? rc : 0;
}

/* ---- Typed ---- */

static bool is_word(struct str text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(text, str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

static int read_judgement(struct inspect_value *value, struct str text, struct err *err) {
    static const char *const PASS[] = {"pass", "ok", "1", "yes", "합격", "양호"};
    static const char *const FAIL[] = {"fail", "ng", "0", "no", "불합격", "불량"};
    value->pass = is_word(text, PASS, sizeof PASS / sizeof PASS[0]);
    value->source = INSPECT_JUDGED;
    return value->pass || is_word(text, FAIL, sizeof FAIL / sizeof FAIL[0])
               ? 0
               : err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_JUDGEMENT),
                     ARGS(A_STR(value->line->name), A_STR(text)));
}

static int read_number(struct inspect_value *value, struct str text, struct err *err) {
    int64_t u = 0;
    if (!amount_parse(text, &u) || u > AMOUNT_MAX_U || u < -AMOUNT_MAX_U) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_NUMBER),
            ARGS(A_STR(value->line->name), A_STR(text)));
    }
    value->measured = true;
    value->value_u = u;
    value->pass = inspect_within(&value->line->limits, u);
    value->source = INSPECT_TYPED;
    return 0;
}

static uint32_t samples_of(const struct inspect_values *values, const struct inspect_line *line) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < values->count; i++) {
        count += values->all[i].line == line;
    }
    return count;
}

static int add(struct inspect_values *values, const struct inspect_value *value, struct err *err) {
    uint32_t most = value->line->samples;
    if (value->sample > most || values->count == INSPECT_VALUES_MAX) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_INSPECT_MANY),
            ARGS(A_STR(value->line->name), A_INT(most)));
    }
    values->all[values->count++] = *value;
    return 0;
}

/* "85.9 86.1 86": as many samples. */
static int read_samples(struct event *event, struct inspect_values *values,
    const struct inspect_line *line, struct str text, struct err *err) {
    struct str rest = text;
    int rc = 0;
    while (rest.size > 0 && rc >= 0) {
        struct str word = str_trim(str_cut(&rest, ' '));
        if (word.size == 0) {
            continue;
        }
        struct inspect_value value = {
            .line = line, .sample = samples_of(values, line) + 1, .time_ns = event->time_ns};
        rc = line->method == INSPECT_JUDGED ? read_judgement(&value, word, err)
                                            : read_number(&value, word, err);
        rc = rc < 0 ? rc : add(values, &value, err);
    }
    return rc;
}

int inspect_typed(struct event *event, const struct inspect_subject *subject,
    struct inspect_values *ret_values, struct err *err) {
    *ret_values = (struct inspect_values){
        .lines = ARENA_ARRAY(event->arena, struct inspect_line, INSPECT_LINES_MAX),
        .all = ARENA_ARRAY(event->arena, struct inspect_value, INSPECT_VALUES_MAX)};
    int rc = inspect_lines(event->tx, event->arena, subject->item, subject->kind, subject->step,
        ret_values->lines, INSPECT_LINES_MAX, err);
    ret_values->line_count = rc < 0 ? 0 : (uint32_t)rc;
    rc = rc < 0 ? rc : event_lists_match(event, "line", "value", err);
    for (uint32_t i = 0; rc >= 0 && i < event_count(event, "line"); i++) {
        int64_t number = event_i64_at(event, "line", i);
        uint32_t at = 0;
        while (at < ret_values->line_count && ret_values->lines[at].line != number) {
            at++;
        }
        rc = at == ret_values->line_count
                 ? err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_LINE), ARGS(A_INT(number)))
                 : read_samples(event, ret_values, &ret_values->lines[at],
                       event_text_at(event, "value", i), err);
    }
    return rc < 0 ? rc : 0;
}

/* ---- Told ---- */

struct told {
    uint32_t most;
    uint32_t count; // The newest are kept, in order.
    int64_t times_ns[INSPECT_SAMPLES_MAX];
    int64_t values_u[INSPECT_SAMPLES_MAX];
};

static void take_row(struct told *told, int64_t time_ns, double number) {
    int64_t u = 0;
    if (!inspect_value_of(number, &u)) {
        return;
    }
    if (told->count == told->most) {
        memmove(told->times_ns, told->times_ns + 1, (told->count - 1) * sizeof told->times_ns[0]);
        memmove(told->values_u, told->values_u + 1, (told->count - 1) * sizeof told->values_u[0]);
        told->count--;
    }
    told->times_ns[told->count] = time_ns;
    told->values_u[told->count++] = u;
}

static bool is_usable(const struct hist_rows *rows, uint32_t at) {
    return rows->status == NULL || status_quality(rows->status[at]) != QUALITY_BAD;
}

static int scan_gauge(
    struct event *event, uint32_t tag, int64_t from_ns, struct told *told, struct err *err) {
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    const struct hist_scan_options options = {
        .tag = tag, .from_ns = from_ns, .to_ns = event->time_ns + 1};
    int rc = hist_scan_open(event->historian, &options, &scan, err);
    while (rc >= 0 && (rc = hist_scan_next(scan, &rows, err)) > 0) {
        for (uint32_t i = 0; i < rows.count && rows.text == NULL; i++) {
            if (is_usable(&rows, i)) {
                take_row(
                    told, rows.time_ns[i], rows.f64 != NULL ? rows.f64[i] : (double)rows.i64[i]);
            }
        }
    }
    hist_scan_close(scan);
    return rc < 0 ? rc : 0;
}

/* Each press counts for one inspection only. */
static int read_gauge(
    struct event *event, const struct inspect_line *line, struct told *told, struct err *err) {
    int64_t used_ns = INT64_MIN;
    int rc = sql_number(event->tx,
        "SELECT max(time_ns) FROM inspection_values WHERE plan = ?1 AND source = 'gauge'",
        Q(Q_I(line->plan)), INT64_MIN, &used_ns, err);
    int64_t from_ns = event->time_ns - INSPECT_GAUGE_NS;
    told->most = line->samples;
    return rc < 0 ? rc
                  : scan_gauge(
                        event, line->tag, used_ns >= from_ns ? used_ns + 1 : from_ns, told, err);
}

static int take_moment(
    void *context, uint32_t tag, const struct hist_moment *moment, struct err *err) {
    (void)tag;
    (void)err;
    if (moment->has_value && !moment->interrupted && moment->type != TYPE_TEXT) {
        take_row(context, moment->value_ns,
            moment->type == TYPE_F64 ? moment->f64 : (double)moment->i64);
    }
    return 0;
}

/* What was in force then. */
static int read_tag(
    struct event *event, const struct inspect_line *line, struct told *told, struct err *err) {
    const struct hist_moment_query query = {.tags = &line->tag,
        .tag_count = 1,
        .times_ns = &event->time_ns,
        .time_count = 1,
        .interpolation = HIST_STEP};
    told->most = 1;
    return hist_moments(event->historian, &query, take_moment, told, err);
}

/* The told ones in place of those typed for the same characteristic. */
static void replace(struct event *event, struct inspect_values *values,
    const struct inspect_line *line, const struct told *told) {
    uint32_t kept = 0;
    bool said = false;
    for (uint32_t i = 0; i < values->count; i++) {
        const struct inspect_value *value = &values->all[i];
        if (value->line != line) {
            values->all[kept++] = *value;
            continue;
        }
        int64_t other_u = told->values_u[value->sample <= told->count ? value->sample - 1 : 0];
        if (!said && value->value_u != other_u) {
            event_warn(event, SAY(PRODUCTION_INSPECT_TYPED),
                ARGS(A_STR(line->name), A_CSTR(AMOUNT(value->value_u)), A_CSTR(AMOUNT(other_u))));
            said = true;
        }
    }
    values->count = kept;
    for (uint32_t i = 0; i < told->count && values->count < INSPECT_VALUES_MAX; i++) {
        values->all[values->count++] = (struct inspect_value){.line = line,
            .sample = i + 1,
            .time_ns = told->times_ns[i],
            .measured = true,
            .value_u = told->values_u[i],
            .pass = inspect_within(&line->limits, told->values_u[i]),
            .source = line->method};
    }
}

static int complete_line(struct event *event, struct inspect_values *values,
    const struct inspect_line *line, struct err *err) {
    bool by_tag = line->method == INSPECT_GAUGE || line->method == INSPECT_TAG;
    uint32_t wanted = line->method == INSPECT_JUDGED || line->method == INSPECT_TAG
                          ? 1
                          : line->samples; // One judgement may stand for all of them.
    struct told *told = ARENA_NEW(event->arena, struct told);
    told->count = 0;
    int rc = 0;
    if (by_tag && line->tag != 0 && event->historian != NULL) {
        rc = line->method == INSPECT_GAUGE ? read_gauge(event, line, told, err)
                                           : read_tag(event, line, told, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (by_tag && told->count >= wanted) {
        replace(event, values, line, told);
    }
    uint32_t have = samples_of(values, line);
    if (have >= wanted) {
        return 0;
    }
    if (by_tag && have == 0 && line->method == INSPECT_GAUGE) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_GAUGE),
            ARGS(A_STR(line->name), A_INT(told->count), A_INT(wanted)));
    }
    return by_tag && have == 0
               ? err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_TAG), ARGS(A_STR(line->name)))
               : err_set(err, ERR_INVALID, SAY(PRODUCTION_INSPECT_SAMPLES),
                     ARGS(A_STR(line->name), A_INT(have), A_INT(wanted)));
}

int inspect_complete(struct event *event, struct inspect_values *values, struct err *err) {
    int rc = 0;
    for (uint32_t i = 0; i < values->line_count && rc >= 0; i++) {
        rc = complete_line(event, values, &values->lines[i], err);
    }
    return rc;
}
