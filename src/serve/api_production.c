/*
 * What machines make and lose: their day so far, key figures by day or shift, the loss tree, stops
 * and what they probably were. Everything is computed from the ledger in one snapshot when it is
 * asked for, so an answer never mixes two moments; a question is bounded by how many figures it
 * needs, one for each machine and stretch of time.
 */
#include <math.h>

#include "core/clock.h"
#include "production/amount.h"
#include "production/figures.h"
#include "production/fill.h"
#include "production/words.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/view.h"

enum { FIGURES_MAX = 4000, STOPS_DEFAULT = 100 };

struct asking {
    struct call *call;
    struct json *json;
    struct arena *arena; // As long as the answer.
    struct figures_filter filter;
    int64_t from_ns;
    int64_t to_ns;
    bool has_from;
    struct str by;
    struct figures_machine *machines;
    int machine_count;
    int64_t order;
};

static void put_seconds(struct json *json, const char *key, int64_t length_ns) {
    json_put_f64(json, key, (double)length_ns / 1e9);
}

static void put_ratios(struct json *json, const struct kpi *kpi) {
    view_put_optional(json, "availability", kpi->availability);
    view_put_optional(json, "effectiveness", kpi->effectiveness);
    view_put_optional(json, "quality", kpi->quality);
    view_put_optional(json, "oee", kpi->oee);
}

/* ---- Questions ---- */

/* machine, line, order, from, to, by; without `to` now, without `from` the day so far. */
static int asking_read(struct call *call, struct asking *ret_asking, struct err *err) {
    struct asking asking = {.call = call, .arena = &call->http->arena, .to_ns = call->now_ns};
    (void)call_param(call, "machine", &asking.filter.machine);
    (void)call_param(call, "line", &asking.filter.line);
    (void)call_param(call, "order", &asking.filter.order);
    (void)call_param(call, "by", &asking.by);
    const struct zone *zone = plant_zone(call->plant);
    int rc = call_param_time(call, "from", zone, &asking.from_ns, err);
    asking.has_from = rc > 0;
    if (rc >= 0) {
        rc = call_param_time(call, "to", zone, &asking.to_ns, err);
    }
    if (rc >= 0 && asking.has_from && asking.to_ns <= asking.from_ns) {
        rc = err_set(err, ERR_INVALID, SAY(PRODUCTION_FIGURES_RANGE), NO_ARGS);
    }
    asking.to_ns = asking.to_ns > call->now_ns ? call->now_ns : asking.to_ns;
    if (rc >= 0) {
        *ret_asking = asking;
    }
    return rc < 0 ? rc : 0;
}

static int machines_read(struct ledger_tx *tx, struct asking *asking, struct err *err) {
    asking->machine_count = figures_machines(
        tx, &asking->filter, asking->arena, &asking->machines, &asking->order, err);
    return asking->machine_count;
}

/* Begin of the production day in which `to` lies, of the first machine's calendar. */
static void from_default(struct asking *asking, const struct calendar *calendar) {
    if (!asking->has_from) {
        const struct zone *zone = plant_zone(asking->call->plant);
        int64_t day = calendar_day_of(calendar, zone, asking->to_ns - 1);
        asking->from_ns = calendar_day_begin(calendar, zone, day);
    }
}

static int figure(struct ledger_tx *tx, const struct asking *asking, int machine, int64_t from_ns,
    int64_t to_ns, struct figures *ret_figures, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct calendar calendar;
    int rc = calendar_of_machine(tx, asking->machines[machine].number, &arena, &calendar, err);
    if (rc < 0) {
        return rc;
    }
    struct figures_question question = {.machine = &asking->machines[machine],
        .calendar = &calendar,
        .zone = plant_zone(asking->call->plant),
        .from_ns = from_ns,
        .to_ns = to_ns,
        .now_ns = asking->call->now_ns,
        .order = asking->order};
    return figures_of(tx, &question, &arena, ret_figures, err);
}

/* The calendar that cuts time into days and shifts: the first machine's. */
static int cutting_calendar(
    struct ledger_tx *tx, const struct asking *asking, struct calendar *ret, struct err *err) {
    return asking->machine_count == 0
               ? calendar_load(tx, 0, asking->arena, ret, err)
               : calendar_of_machine(tx, asking->machines[0].number, asking->arena, ret, err);
}

/* ---- GET production/machines ---- */

static void put_run(struct json *json, const struct figures_now *now) {
    json_key(json, "run");
    if (now->run == 0) {
        json_null(json);
        return;
    }
    json_object_begin(json);
    json_put_i64(json, "number", now->run);
    json_put_str(json, "order", now->order);
    json_put_i64(json, "step", now->step);
    json_put_str(json, "phase", now->setup ? STR("setup") : STR("make"));
    json_put_str(json, "item", now->item);
    json_put_str(json, "item_name", now->item_name);
    view_put_amount(json, "planned", now->planned_u);
    view_put_amount(json, "good", now->run_good_u);
    view_put_amount(json, "bad", now->run_bad_u);
    json_put_time(json, "begin", now->run_begin_ns);
    json_object_end(json);
}

static void put_open_stop(struct json *json, const struct figures_now *now) {
    json_key(json, "stop");
    if (now->stop == 0) {
        json_null(json);
        return;
    }
    json_object_begin(json);
    json_put_i64(json, "number", now->stop);
    json_put_time(json, "begin", now->stop_begin_ns);
    view_put_text(json, "reason", now->stop_reason);
    json_object_end(json);
}

static void put_state(struct json *json, const struct figures_now *now) {
    static const char *const STATES[] = {[MACHINE_UNKNOWN] = "unknown",
        [MACHINE_RUN] = "run",
        [MACHINE_STOP] = "stop",
        [MACHINE_SETUP] = "setup"};
    json_put_str(json, "state", str_of(STATES[now->state]));
    view_put_time(json, "since", now->since_ns);
}

static int put_machine(
    struct ledger_tx *tx, const struct asking *asking, int index, struct err *err) {
    const struct figures_machine *machine = &asking->machines[index];
    const struct zone *zone = plant_zone(asking->call->plant);
    int64_t now_ns = asking->call->now_ns;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct calendar calendar;
    int rc = calendar_of_machine(tx, machine->number, &arena, &calendar, err);
    if (rc < 0) {
        return rc;
    }
    int64_t day = calendar_day_of(&calendar, zone, now_ns);
    int64_t day_ns = calendar_day_begin(&calendar, zone, day);
    struct figures_now now;
    rc = figures_now(tx, machine, now_ns, day_ns, &arena, &now, err);
    struct figures figures;
    if (rc >= 0) {
        rc = figure(tx, asking, index, day_ns, now_ns, &figures, err);
    }
    if (rc < 0) {
        return rc;
    }
    struct json *json = asking->json;
    char text[CALENDAR_DAY_TEXT_MAX];
    calendar_day_put(day, text);
    json_object_begin(json);
    json_put_str(json, "machine", machine->id);
    json_put_str(json, "name", machine->name);
    view_put_text(json, "workcentre", machine->workcentre);
    view_put_text(json, "line", machine->line);
    put_state(json, &now);
    view_put_time(json, "seen", machine->seen_ns);
    put_run(json, &now);
    put_open_stop(json, &now);
    json_put_str(json, "day", str_of(text));
    json_put_time(json, "day_begin", day_ns);
    view_put_amount(json, "good", figures.kpi.gq_u);
    view_put_amount(json, "bad", figures.kpi.sq_u);
    view_put_amount(json, "outside", now.outside_u);
    put_ratios(json, &figures.kpi);
    json_object_end(json);
    return 0;
}

static int machines_answer(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    int rc = machines_read(tx, asking, err);
    view_items_begin(asking->json);
    for (int i = 0; i < asking->machine_count && rc >= 0; i++) {
        rc = put_machine(tx, asking, i, err);
    }
    view_items_end(asking->json);
    return rc < 0 ? rc : 0;
}

int api_production_machines(struct call *call, struct err *err) {
    struct asking asking;
    int rc = asking_read(call, &asking, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    asking.json = &json;
    return ledger_read(plant_ledger(call->plant), machines_answer, &asking, err);
}

/* ---- GET production/kpi ---- */

struct stretch {
    int64_t from_ns;
    int64_t to_ns;
    int64_t day;
    struct str shift; // Code; empty: a whole day, or all.
    bool has_day;
};

/* Cut at the edges of days, which are counted from `from`'s. */
static int stretches_of_days(
    struct asking *asking, const struct calendar *calendar, struct stretch *list, int max) {
    const struct zone *zone = plant_zone(asking->call->plant);
    int64_t day = calendar_day_of(calendar, zone, asking->from_ns);
    int count = 0;
    for (int64_t at = asking->from_ns; at < asking->to_ns && count <= max; day++) {
        int64_t end = calendar_day_begin(calendar, zone, day + 1);
        end = end > asking->to_ns ? asking->to_ns : end;
        if (count < max) {
            list[count] = (struct stretch){
                .from_ns = at, .to_ns = end, .day = day, .shift = STR_NONE, .has_day = true};
        }
        count++;
        at = end;
    }
    return count;
}

static int stretches_of_shifts(struct asking *asking, const struct calendar *calendar,
    struct stretch *list, int max, struct err *err) {
    struct calendar_turn *turns;
    int count = calendar_turns(calendar, plant_zone(asking->call->plant), asking->from_ns,
        asking->to_ns, asking->arena, &turns, err);
    for (int i = 0; i < count && i < max; i++) {
        const struct calendar_turn *turn = &turns[i];
        list[i] = (struct stretch){
            .from_ns = turn->from_ns < asking->from_ns ? asking->from_ns : turn->from_ns,
            .to_ns = turn->to_ns > asking->to_ns ? asking->to_ns : turn->to_ns,
            .day = turn->day,
            .shift = turn->shift->code,
            .has_day = true};
    }
    return count;
}

static int stretches_make(
    struct ledger_tx *tx, struct asking *asking, struct stretch **ret_list, struct err *err) {
    struct calendar calendar;
    int rc = cutting_calendar(tx, asking, &calendar, err);
    if (rc < 0) {
        return rc;
    }
    from_default(asking, &calendar);
    struct stretch *list = ARENA_ARRAY(asking->arena, struct stretch, FIGURES_MAX);
    *ret_list = list;
    int count = 1;
    if (str_eq(asking->by, STR("day"))) {
        count = stretches_of_days(asking, &calendar, list, FIGURES_MAX);
    } else if (str_eq(asking->by, STR("shift"))) {
        count = stretches_of_shifts(asking, &calendar, list, FIGURES_MAX, err);
    } else {
        list[0] = (struct stretch){asking->from_ns, asking->to_ns, 0, STR_NONE, false};
    }
    if (count < 0) {
        return count;
    }
    int64_t needed = (int64_t)count * (asking->machine_count > 1 ? asking->machine_count : 1);
    if (needed > FIGURES_MAX) {
        return err_set(
            err, ERR_LIMIT, SAY(PRODUCTION_FIGURES_MANY), ARGS(A_INT(needed), A_INT(FIGURES_MAX)));
    }
    return count;
}

/* `machine`: whose they are; empty: of all that were asked for. */
static void put_kpi(
    struct json *json, const struct stretch *stretch, struct str machine, const struct kpi *kpi) {
    json_object_begin(json);
    view_put_text(json, "machine", machine);
    json_put_time(json, "from", stretch->from_ns);
    json_put_time(json, "to", stretch->to_ns);
    char day[CALENDAR_DAY_TEXT_MAX];
    calendar_day_put(stretch->day, day);
    view_put_text(json, "day", stretch->has_day ? str_of(day) : STR_NONE);
    view_put_text(json, "shift", stretch->shift);
    put_seconds(json, "apt_s", kpi->apt_ns);
    put_seconds(json, "pbt_s", kpi->pbt_ns);
    put_seconds(json, "aust_s", kpi->aust_ns);
    put_seconds(json, "adet_s", kpi->adet_ns);
    view_put_amount(json, "pq", kpi->pq_u);
    view_put_amount(json, "gq", kpi->gq_u);
    view_put_amount(json, "sq", kpi->sq_u);
    put_ratios(json, kpi);
    json_object_end(json);
}

static const struct kpi ZERO = {.availability = (double)NAN,
    .effectiveness = (double)NAN,
    .quality = (double)NAN,
    .oee = (double)NAN};

static int sum_of(struct ledger_tx *tx, struct asking *asking, const struct stretch *stretch,
    struct kpi *ret_sum, struct err *err) {
    struct kpi sum = ZERO;
    for (int i = 0; i < asking->machine_count; i++) {
        struct figures one;
        int rc = figure(tx, asking, i, stretch->from_ns, stretch->to_ns, &one, err);
        if (rc < 0) {
            return rc;
        }
        if (asking->machine_count == 1) {
            sum = one.kpi;
        } else {
            kpi_add(&sum, &one.kpi);
        }
    }
    *ret_sum = sum;
    return 0;
}

/* A row for each machine, and the sum. */
static int kpi_by_machine(struct ledger_tx *tx, struct asking *asking,
    const struct stretch *stretch, struct kpi *ret_total, struct err *err) {
    for (int i = 0; i < asking->machine_count; i++) {
        struct figures one;
        int rc = figure(tx, asking, i, stretch->from_ns, stretch->to_ns, &one, err);
        if (rc < 0) {
            return rc;
        }
        put_kpi(asking->json, stretch, asking->machines[i].id, &one.kpi);
        if (asking->machine_count == 1) {
            *ret_total = one.kpi;
        } else {
            kpi_add(ret_total, &one.kpi);
        }
    }
    return 0;
}

static int kpi_by_time(struct ledger_tx *tx, struct asking *asking, const struct stretch *stretches,
    int count, struct kpi *ret_total, struct err *err) {
    for (int i = 0; i < count; i++) {
        struct kpi sum;
        int rc = sum_of(tx, asking, &stretches[i], &sum, err);
        if (rc < 0) {
            return rc;
        }
        put_kpi(asking->json, &stretches[i], STR_NONE, &sum);
        if (count == 1) {
            *ret_total = sum;
        } else {
            kpi_add(ret_total, &sum);
        }
    }
    return 0;
}

static int kpi_answer(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    struct stretch *stretches = NULL;
    int rc = machines_read(tx, asking, err);
    rc = rc < 0 ? rc : stretches_make(tx, asking, &stretches, err);
    if (rc < 0) {
        return rc;
    }
    int count = rc;
    struct kpi total = ZERO;
    struct json *json = asking->json;
    view_items_begin(json);
    rc = str_eq(asking->by, STR("machine"))
             ? kpi_by_machine(tx, asking, &stretches[0], &total, err)
             : kpi_by_time(tx, asking, stretches, count, &total, err);
    if (rc < 0) {
        return rc;
    }
    json_array_end(json);
    json_put_null(json, "next");
    json_key(json, "total");
    struct stretch whole = {asking->from_ns, asking->to_ns, 0, STR_NONE, false};
    put_kpi(json, &whole, STR_NONE, &total);
    json_object_end(json);
    return 0;
}

/* Figures of many machines over many days hold a worker. */
static int answer_long(struct call *call, ledger_fn fn, struct err *err) {
    struct asking asking;
    int rc = asking_read(call, &asking, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    asking.json = &json;
    rc = ledger_read(plant_ledger(call->plant), fn, &asking, err);
    call_long_end(call);
    return rc;
}

int api_production_kpi(struct call *call, struct err *err) {
    return answer_long(call, kpi_answer, err);
}

/* ---- GET production/losses ---- */

struct loss {
    int64_t length_ns;
    double pieces;
    double won;
    bool has_pieces;
    bool has_won;
};

static void losses_add(
    struct loss *losses, const struct figures *figures, const struct figures_machine *machine) {
    for (int i = 0; i < LOSS_COUNT; i++) {
        double length_ns = (double)figures->kpi.leaves[i];
        losses[i].length_ns += figures->kpi.leaves[i];
        if (figures->ideal_ns > 0) {
            losses[i].pieces += length_ns / figures->ideal_ns;
            losses[i].has_pieces = true;
        }
        if (machine->rate_u >= 0) {
            losses[i].won += length_ns / 3600e9 * (double)machine->rate_u / AMOUNT_UNIT;
            losses[i].has_won = true;
        }
    }
}

static void put_losses(struct json *json, const struct loss *losses) {
    view_items_begin(json);
    for (int i = 0; i < LOSS_COUNT; i++) {
        const struct loss *loss = &losses[i];
        json_object_begin(json);
        json_put_str(json, "leaf", str_of(loss_name((enum loss_leaf)i)));
        json_put_f64(json, "minutes", (double)loss->length_ns / 60e9);
        view_put_optional(json, "pieces", loss->has_pieces ? loss->pieces : (double)NAN);
        view_put_optional(json, "won", loss->has_won ? loss->won : (double)NAN);
        json_object_end(json);
    }
    json_array_end(json);
    json_put_null(json, "next");
}

static int losses_answer(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    struct stretch *stretches = NULL;
    int rc = machines_read(tx, asking, err);
    rc = rc < 0 ? rc : stretches_make(tx, asking, &stretches, err);
    if (rc < 0) {
        return rc;
    }
    struct loss losses[LOSS_COUNT] = {{.length_ns = 0}};
    struct kpi total = ZERO;
    for (int i = 0; i < asking->machine_count; i++) {
        struct figures one;
        rc = figure(tx, asking, i, asking->from_ns, asking->to_ns, &one, err);
        if (rc < 0) {
            return rc;
        }
        losses_add(losses, &one, &asking->machines[i]);
        kpi_add(&total, &one.kpi);
    }
    int64_t calendar_ns = 0;
    for (int i = 0; i < LOSS_COUNT; i++) {
        calendar_ns += losses[i].length_ns;
    }
    struct json *json = asking->json;
    put_losses(json, losses);
    json_put_time(json, "from", asking->from_ns);
    json_put_time(json, "to", asking->to_ns);
    json_put_f64(json, "minutes", (double)calendar_ns / 60e9);
    put_ratios(json, &total);
    json_object_end(json);
    return 0;
}

int api_production_losses(struct call *call, struct err *err) {
    return answer_long(call, losses_answer, err);
}

/* ---- GET production/stops ---- */

struct stops_asking {
    struct call *call;
    struct json *json;
    struct figures_stop_query query;
};

static void put_stop(struct json *json, const struct figures_stop *stop, int64_t now_ns) {
    int64_t end_ns = stop->end_ns == INT64_MAX ? now_ns : stop->end_ns;
    json_object_begin(json);
    json_put_i64(json, "number", stop->number);
    json_put_str(json, "machine", stop->machine);
    json_put_str(json, "machine_name", stop->machine_name);
    view_put_text(json, "order", stop->order);
    json_put_time(json, "begin", stop->begin_ns);
    view_put_time(json, "end", stop->end_ns == INT64_MAX ? 0 : stop->end_ns);
    put_seconds(json, "seconds", end_ns > stop->begin_ns ? end_ns - stop->begin_ns : 0);
    view_put_text(json, "reason", stop->reason);
    view_put_text(json, "reason_name", stop->reason_name);
    view_put_text(json, "loss", stop->loss);
    view_put_text(json, "worker", stop->worker);
    view_put_time(json, "filed", stop->filed_ns);
    json_put_str(json, "note", stop->note);
    json_object_end(json);
}

static int stops_answer(struct ledger_tx *tx, void *context, struct err *err) {
    struct stops_asking *asking = context;
    struct figures_stop *stops = NULL;
    int count = figures_stops(tx, &asking->query, &asking->call->http->arena, &stops, err);
    if (count < 0) {
        return count;
    }
    view_items_begin(asking->json);
    for (int i = 0; i < count; i++) {
        put_stop(asking->json, &stops[i], asking->call->now_ns);
    }
    bool more = count > 0 && (uint32_t)count == asking->query.max;
    view_items_page_end(asking->json, more ? stops[count - 1].number : 0);
    return 0;
}

int api_production_stops(struct call *call, struct err *err) {
    struct stops_asking asking = {.call = call,
        .query = {.machine = STR_NONE,
            .only_open = call_param_flag(call, "open"),
            .only_unreasoned = call_param_flag(call, "unreasoned"),
            .to_ns = INT64_MAX}};
    (void)call_param(call, "machine", &asking.query.machine);
    const struct zone *zone = plant_zone(call->plant);
    uint64_t before = INT64_MAX;
    uint64_t limit = STOPS_DEFAULT;
    int rc = call_param_time(call, "from", zone, &asking.query.from_ns, err);
    rc = rc < 0 ? rc : call_param_time(call, "to", zone, &asking.query.to_ns, err);
    rc = rc < 0 ? rc : call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", FIGURES_STOPS_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    asking.query.before = (int64_t)before;
    asking.query.max = (uint32_t)limit;
    struct json json;
    call_json(call, 200, &json);
    asking.json = &json;
    return ledger_read(plant_ledger(call->plant), stops_answer, &asking, err);
}

/* ---- GET production/stops/{number}/reasons ---- */

struct reasons_asking {
    struct call *call;
    struct json *json;
    int64_t stop;
};

static int reasons_answer(struct ledger_tx *tx, void *context, struct err *err) {
    struct reasons_asking *asking = context;
    struct figures_reason reasons[LIKELY_MAX];
    int count = figures_reasons(
        tx, asking->stop, asking->call->now_ns, &asking->call->http->arena, reasons, err);
    if (count < 0) {
        return count;
    }
    view_items_begin(asking->json);
    for (int i = 0; i < count; i++) {
        json_object_begin(asking->json);
        json_put_str(asking->json, "reason", reasons[i].code);
        json_put_str(asking->json, "name", reasons[i].name);
        json_put_str(asking->json, "loss", reasons[i].loss);
        json_object_end(asking->json);
    }
    view_items_end(asking->json);
    return 0;
}

int api_production_reasons(struct call *call, struct err *err) {
    struct reasons_asking asking = {.call = call};
    if (!str_to_i64(call->args[1], &asking.stop)) {
        return err_set(
            err, ERR_NOT_FOUND, SAY(PRODUCTION_STOP_UNKNOWN), ARGS(A_STR(call->args[1])));
    }
    struct json json;
    call_json(call, 200, &json);
    asking.json = &json;
    return ledger_read(plant_ledger(call->plant), reasons_answer, &asking, err);
}
