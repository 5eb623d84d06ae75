/*
 * The log of days that a consultant or meister worked, against what the type promises: days in all,
 * days a week, hours a day, days of each phase, and the monthly day at the regional centre (R-253,
 * A log that is not finished is no fault: what is still owed is told
 * as numbers, what passed a limit is refused.
 */
#include "core/mem.h"
#include "programme/day.h"
#include "programme/verbs.h"
#include "programme/words.h"

enum { LOG_MAX = 2000 };

struct worked {
    int32_t day;
    double hours;
    bool at_centre;
};

struct worklog {
    const struct json_in *days; // What the type promises.
    struct answer *answer;
    struct str source;
    struct worked rows[LOG_MAX];
    size_t count;
    int64_t done; // Days at the company.
    double hours;
};

static int64_t whole(const struct json_in *object, const char *name) {
    int64_t value = 0;
    (void)json_in_whole(json_in_get(object, name), &value);
    return value;
}

static int read_row(struct worklog *log, const struct json_in *row, struct err *err) {
    struct worked *worked = &log->rows[log->count];
    *worked = (struct worked){.day = DAY_NONE};
    int status = day_of_input(row, "date", &worked->day, err);
    if (status <= 0) {
        return status < 0
                   ? status
                   : err_set(err, ERR_INVALID, SAY_DESK(PROGRAMME_DAY), ARGS(A_CSTR("date")));
    }
    if (!json_in_number(json_in_get(row, "hours"), &worked->hours) || worked->hours <= 0 ||
        worked->hours > 24) {
        return err_set(err, ERR_INVALID, SAY_DESK(WORKLOG_HOURS), NO_ARGS);
    }
    worked->at_centre = str_eq(json_in_text(json_in_get(row, "place")), STR("centre"));
    for (size_t i = 0; i < log->count; i++) {
        if (log->rows[i].day == worked->day) {
            char text[DAY_TEXT_MAX];
            (void)day_text(worked->day, text);
            return err_set(err, ERR_INVALID, SAY_DESK(WORKLOG_TWICE), ARGS(A_CSTR(text)));
        }
    }
    log->count++;
    log->done += worked->at_centre ? 0 : 1;
    log->hours += worked->at_centre ? 0 : worked->hours;
    return 0;
}

/* Days of the week of each row; told once a week, on the row that passes the limit. */
static void check_weeks(struct worklog *log, int64_t per_week) {
    for (size_t i = 0; i < log->count && per_week > 0; i++) {
        int32_t monday = log->rows[i].day - day_of_week(log->rows[i].day);
        int64_t before = 0;
        for (size_t k = 0; k <= i; k++) {
            int32_t other = log->rows[k].day;
            before += !log->rows[k].at_centre && other >= monday && other < monday + 7;
        }
        if (!log->rows[i].at_centre && before == per_week + 1) {
            char text[DAY_TEXT_MAX];
            (void)day_text(monday, text);
            answer_refuse(log->answer, STR("days_per_week"), log->source, SAY_DESK(WORKLOG_WEEK),
                ARGS(A_CSTR(text), A_INT(per_week)));
        }
    }
}

static void check_hours(struct worklog *log, int64_t per_day) {
    for (size_t i = 0; i < log->count && per_day > 0; i++) {
        if (!log->rows[i].at_centre && log->rows[i].hours != (double)per_day) {
            char text[DAY_TEXT_MAX];
            (void)day_text(log->rows[i].day, text);
            answer_refuse(log->answer, STR("hours_per_day"), log->source, SAY_DESK(WORKLOG_DAY),
                ARGS(A_CSTR(text), A_REAL(log->rows[i].hours), A_INT(per_day)));
        }
    }
}

/* Months of the log in which no day was worked at the centre. */
static void put_centre(struct worklog *log) {
    struct json *json = &log->answer->json;
    json_key(json, "months_without_centre");
    json_array_begin(json);
    int32_t months[LOG_MAX];
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++) {
        int year = 0;
        int month = 0;
        int day = 0;
        day_parts(log->rows[i].day, &year, &month, &day);
        int32_t first = day_make(year, month, 1);
        bool seen = false;
        bool served = false;
        for (size_t k = 0; k < count; k++) {
            seen = seen || months[k] == first;
        }
        for (size_t k = 0; k < log->count; k++) {
            served = served || (log->rows[k].at_centre && log->rows[k].day >= first &&
                                   log->rows[k].day < day_add_months(first, 1));
        }
        if (!seen) {
            months[count++] = first;
        }
        if (!seen && !served) {
            char text[DAY_TEXT_MAX];
            (void)day_text(first, text);
            json_str(json, str_slice(str_of(text), 0, 7));
        }
    }
    json_array_end(json);
}

static int ask(struct worklog *log, const struct json_in *rows, const struct json_in *meisters,
    struct err *err) {
    if (json_in_count(rows) > LOG_MAX) {
        return err_set(err, ERR_LIMIT, SAY_DESK(WORKLOG_MANY), ARGS(A_INT(LOG_MAX)));
    }
    int status = 0;
    for (size_t i = 0; i < json_in_count(rows) && status >= 0; i++) {
        status = read_row(log, json_in_at(rows, i), err);
    }
    if (status < 0) {
        return status;
    }
    int64_t total = whole(log->days, "total");
    struct json *json = &log->answer->json;
    json_put_i64(json, "days", log->done);
    json_put_f64(json, "hours", log->hours);
    if (total > 0) {
        json_put_i64(json, "days_promised", total);
        json_put_i64(json, "days_owed", log->done < total ? total - log->done : 0);
        if (log->done > total) {
            answer_refuse(log->answer, STR("days_total"), log->source, SAY_DESK(WORKLOG_TOTAL),
                ARGS(A_INT(log->done), A_INT(total)));
        }
    }
    check_weeks(log, whole(log->days, "per_week"));
    check_hours(log, whole(log->days, "hours_per_day"));
    if (meisters) {
        put_centre(log);
    }
    return 0;
}

int ask_worklog(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err) {
    struct worklog *log = mem_zero(1, sizeof *log);
    log->days = json_in_get(type, "days");
    log->answer = answer;
    log->source = json_in_text(json_in_get(type, "src"));
    if (!log->days) {
        answer_note(answer, STR("days"), log->source, SAY_DESK(WORKLOG_NONE), NO_ARGS);
    }
    int status = ask(
        log, json_in_get(input, "log"), json_in_get(programme_root(programme), "meisters"), err);
    mem_free(log);
    return status;
}
