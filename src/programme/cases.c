/*
 * Opening cases and acting on them, in the hub's one writer: what a turn sees is what it changes.
 *
 * An application is of the call that is open; its rules are the programme's version of that day. A
 * key that the sender gives makes a doubled message one event. When somebody who was awarded falls
 * out, the next in rank moves up in the same transaction.
 */
#include <stdio.h>

#include "core/check.h"
#include "core/mem.h"
#include "core/random.h"
#include "ledger/people.h"
#include "programme/case_store.h"
#include "programme/day.h"
#include "programme/words.h"

enum { ARENA_BYTES = 16 << 20, DAY_S = 86400 };

/* ---- Time ---- */

/* `at` of the input, or now. Only an officer tells another time, and none that is to come. */
static int read_moment(const struct case_wish *wish, int64_t *ret_second, struct err *err) {
    struct str at = json_in_text(json_in_get(wish->input, "at"));
    int64_t now = case_local_second(wish->now_ns);
    int64_t second = 0;
    bool has_time = false;
    *ret_second = now;
    if (at.size == 0) {
        return 0;
    }
    if ((wish->actor.roles & CASE_OFFICER) == 0) {
        return err_set(err, ERR_FORBIDDEN, SAY_DESK(CASE_TIME_OWN), NO_ARGS);
    }
    if (!moment_parse(at, &second, &has_time)) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_UNREADABLE), ARGS(A_STR(at)));
    }
    if (second > now + DAY_S) {
        return err_set(err, ERR_INVALID, SAY_DESK(CASE_FUTURE), ARGS(A_STR(at)));
    }
    *ret_second = second;
    return 0;
}

/* ---- Told before ---- */

/* 1 when an event with this key of this sender stands already. */
static int find_again(
    struct ledger_tx *tx, const struct case_wish *wish, struct case_done *done, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    if (wish->key.size == 0) {
        return 0;
    }
    int rc = ledger_prepare(tx,
        "SELECT case_id, sequence, answer FROM case_event WHERE actor = ?1 AND key = ?2", &stmt,
        err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, wish->actor.user);
    ledger_bind_str(stmt, 2, wish->key);
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        (void)str_copy_z(ledger_column_str(stmt, 0), done->id, sizeof done->id);
        done->sequence = ledger_column_i64(stmt, 1);
        buf_put_str(&done->answer, ledger_column_str(stmt, 2));
        done->again = true;
    }
    return rc;
}

/* ---- Opening ---- */

static int number_new(struct ledger_tx *tx, struct str programme, struct arena *arena,
    struct str *ret_number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx, "SELECT count(*) FROM cases WHERE programme = ?1", &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, programme);
    rc = ledger_step(stmt, err);
    char text[96];
    size_t size = str_copy_z(programme, text, 65);
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 'a' + 'A' : text[i]);
    }
    (void)snprintf(text + size, sizeof text - size, "-%04lld",
        rc > 0 ? (long long)ledger_column_i64(stmt, 0) + 1 : 0LL);
    *ret_number = arena_copy(arena, str_of(text));
    return rc < 0 ? rc : 0;
}

/* An officer enters for whom: an organisation that is there. */
static int check_organisation(
    struct ledger_tx *tx, const struct case_wish *wish, struct arena *arena, struct err *err) {
    struct str id = json_in_text(json_in_get(wish->input, "organisation"));
    struct organisation organisation;
    return id.size > 0 && (wish->actor.roles & CASE_OFFICER) != 0
               ? organisation_get(tx, id, arena, &organisation, err)
               : 0;
}

/* A row that stands nowhere yet. */
static int row_new(struct ledger_tx *tx, const struct case_wish *wish, struct desk_call *call,
    struct arena *arena, struct case_row *row, struct err *err) {
    struct programme_now now = {0};
    struct str programme = json_in_text(json_in_get(wish->input, "programme"));
    int rc = check_organisation(tx, wish, arena, err);
    rc = rc < 0 ? rc : desk_programme_used(tx, programme, &now, err);
    if (rc < 0) {
        return rc;
    }
    *row = (struct case_row){.programme = arena_copy(arena, programme),
        .version = now.version,
        .rules = now.programme,
        .id = STR_NONE};
    struct str state = programme_text(now.programme, "state");
    rc = desk_call_get(tx, programme, 0, call, err);
    bool open = str_eq(state, STR("open")) || state.size == 0;
    if (rc >= 0 && open && !call->announced) { // What is no call at all is told by its rules.
        rc = err_set(err, ERR_CONFLICT, SAY_DESK(CASE_CALL_CLOSED),
            ARGS(A_STR(programme_text(now.programme, wish->actor.lang == LANG_EN ? "en" : "ko"))));
    }
    rc = rc < 0 ? rc : number_new(tx, programme, arena, &row->number, err);
    struct random random;
    char id[40];
    random_seed_system(&random);
    uuid_v7(&random, ledger_now_ns(tx), id);
    row->id = arena_copy(arena, str_of(id));
    row->call = call->number;
    if (rc < 0) {
        case_row_fini(row);
    }
    return rc;
}

/* ---- Who ---- */

static bool is_of_consortium(const struct json_in *state, struct str organisation) {
    const struct json_in *all = json_in_get(json_in_get(state, "facts"), "consortium");
    for (size_t i = 0; i < json_in_count(all) && organisation.size > 0; i++) {
        if (str_eq(json_in_text(json_in_get(json_in_at(all, i), "organisation")), organisation)) {
            return true;
        }
    }
    return false;
}

/* The roles that count for this case: companies only in their own. */
uint32_t case_roles_in(const struct case_row *row, const struct case_actor *actor) {
    uint32_t roles = actor->roles;
    struct str own = case_state_text(row->state, "organisation");
    if (row->state && (own.size == 0 || !str_eq(own, actor->organisation))) {
        roles &= ~(uint32_t)CASE_APPLICANT;
    }
    if (row->state && !is_of_consortium(row->state, actor->organisation)) {
        roles &= ~(uint32_t)CASE_SUPPLIER;
    }
    if (row->state && !json_in_find(json_in_get(row->state, "evaluators"), actor->user)) {
        roles &= ~(uint32_t)CASE_EVALUATOR;
    }
    return roles;
}

/* ---- Acting ---- */

struct act {
    struct ledger_tx *tx;
    const struct case_wish *wish;
    struct case_done *done;
    struct arena *arena;
    struct case_row row;
    struct desk_call call;
    int64_t second;
};

static int append_turn(struct act *act, const struct case_actor *actor,
    const struct case_outcome *outcome, struct err *err) {
    (void)actor;
    AUTO_BUF struct buf payload;
    buf_init(&payload, CASE_TURN_BYTES);
    json_in_put(act->wish->input, &payload);
    char at[CASE_MOMENT_MAX];
    case_moment_text(act->second, at);
    struct str step = act->row.state ? case_state_text(act->row.state, "step") : STR("apply");
    struct case_entry entry = {.row = &act->row,
        .at = str_of(at),
        .step = step,
        .action = act->wish->action,
        .actor = act->wish->actor.user,
        .role = outcome->role,
        .reason = json_in_text(json_in_get(act->wish->input, "reason")),
        .key = act->wish->key,
        .payload = buf_str(&payload),
        .answer = buf_str(&outcome->answer),
        .outcome = outcome,
        .opens = act->row.state == NULL};
    return case_append(act->tx, &entry, &act->done->sequence, err);
}

/* The next in rank of the same type moves to the place that came free; not one whose corporation
 * has an award by now (convention C-11). */
static int move_up(struct act *act, struct err *err) {
    AUTO_CASE_ROW struct case_row next = {.state = NULL};
    struct ledger_stmt *stmt = NULL;
    struct desk_call call;
    int64_t needed = 0;
    int rc = ledger_prepare(act->tx,
        "SELECT id FROM cases WHERE programme = ?1 AND call = ?2 AND state = 'waiting'"
        " AND type = ?3 AND NOT EXISTS (SELECT 1 FROM cases AS won WHERE won.programme = "
        "cases.programme"
        " AND won.call = cases.call AND won.corporation = cases.corporation"
        " AND won.corporation <> '' AND json_extract(won.facts, '$.award') = 'selected'"
        " AND won.state NOT IN ('cancelled', 'withdrawn', 'refused'))"
        " ORDER BY json_extract(facts, '$.rank'), number LIMIT 1",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, act->row.programme);
    ledger_bind_i64(stmt, 2, act->row.call);
    ledger_bind_str(stmt, 3, case_state_text(act->row.state, "type"));
    rc = ledger_step(stmt, err);
    if (rc <= 0) {
        return rc;
    }
    struct str id = arena_copy(act->arena, ledger_column_str(stmt, 0));
    rc = case_row_get(act->tx, id, true, act->arena, &next, err);
    rc = rc < 0 ? rc : desk_call_get(act->tx, act->row.programme, act->row.call, &call, err);
    if (rc < 0) {
        return rc;
    }
    (void)json_in_whole(json_in_get(json_in_get(next.state, "amounts"), "requested"), &needed);
    if (call.budget_won >= 0 && call.budget_won - call.used_won < needed) {
        return 0;
    }
    struct case_award award = {.row = &next,
        .actor = act->wish->actor.user,
        .second = act->second,
        .rank = 0,
        .selected = true};
    AUTO_BUF struct buf answer;
    buf_init(&answer, 256);
    buf_printf(&answer, "{\"next_after\":\"%.*s\"}", STR_ARG(act->row.number));
    award.answer = buf_str(&answer);
    award.reason = act->row.number;
    return case_award(act->tx, &award, err);
}

static int act_turn(struct act *act, struct err *err) {
    struct case_actor actor = act->wish->actor;
    actor.roles = case_roles_in(&act->row, &actor);
    struct str reason = json_in_text(json_in_get(act->wish->input, "reason"));
    struct str organisation = STR_NONE;
    int rc = 0;
    if (str_eq(act->wish->action, STR("assign"))) {
        rc = desk_organisation_of(act->tx, json_in_text(json_in_get(act->wish->input, "evaluator")),
            act->arena, &organisation, err);
    }
    struct case_told told = {.programme = act->row.rules,
        .state = act->row.state,
        .input = act->wish->input,
        .actor = &actor,
        .action = act->wish->action,
        .reason = reason.size > CASE_TEXT_BYTES ? str_slice(reason, 0, CASE_TEXT_BYTES) : reason,
        .second = act->second,
        .budget_known = act->call.budget_won >= 0,
        .budget_left = act->call.budget_won - act->call.used_won,
        .evaluator_organisation = organisation};
    struct case_outcome outcome;
    case_outcome_init(&outcome);
    rc = rc < 0 ? rc : case_turn(&told, &outcome, err);
    if (rc >= 0) {
        act->done->refused = outcome.refused;
        buf_put_str(&act->done->answer, buf_str(&outcome.answer));
    }
    if (rc >= 0 && !outcome.refused) {
        rc = append_turn(act, &actor, &outcome, err);
        bool leaves = str_eq(act->wish->action, STR("cancel")) ||
                      str_eq(act->wish->action, STR("withdraw")) ||
                      str_eq(act->wish->action, STR("refuse"));
        if (rc >= 0 && leaves &&
            str_eq(case_state_text(act->row.state, "award"), STR("selected"))) {
            rc = move_up(act, err);
        }
    }
    case_outcome_fini(&outcome);
    return rc;
}

static int act_find(struct act *act, struct err *err) {
    int rc = case_row_get(act->tx, act->wish->id, true, act->arena, &act->row, err);
    rc = rc < 0 ? rc : desk_call_get(act->tx, act->row.programme, act->row.call, &act->call, err);
    if (rc >= 0 && act->wish->expected > 0 && act->wish->expected != act->row.sequence) {
        rc = err_set(err, ERR_CONFLICT, SAY_DESK(CASE_CHANGED), ARGS(A_INT(act->row.sequence)));
        case_row_fini(&act->row);
    }
    return rc;
}

int cases_act(
    struct ledger_tx *tx, const struct case_wish *wish, struct case_done *done, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct act act = {.tx = tx, .wish = wish, .done = done, .arena = &arena};
    int rc = find_again(tx, wish, done, err);
    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    rc = read_moment(wish, &act.second, err);
    if (rc >= 0) {
        rc = wish->id.size > 0 ? act_find(&act, err)
                               : row_new(tx, wish, &act.call, &arena, &act.row, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = act_turn(&act, err);
    (void)str_copy_z(act.row.id, done->id, sizeof done->id);
    case_row_fini(&act.row);
    return rc < 0 ? rc : 0;
}

/* ---- For rights ---- */

int cases_programme(struct ledger_tx *tx, struct str id, struct arena *arena,
    struct str *ret_programme, struct err *err) {
    AUTO_CASE_ROW struct case_row row = {.state = NULL};
    int rc = case_row_get(tx, id, false, arena, &row, err);
    if (rc >= 0) {
        *ret_programme = row.programme;
    }
    return rc;
}

int cases_may_see(struct ledger_tx *tx, struct str id, const struct case_actor *actor,
    bool *ret_may, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    AUTO_CASE_ROW struct case_row row = {.state = NULL};
    int rc = case_row_get(tx, id, false, &arena, &row, err);
    if (rc >= 0) {
        *ret_may = case_roles_in(&row, actor) != 0;
    }
    return rc;
}
