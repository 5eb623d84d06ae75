#ifndef PROGRAMME_CASE_H
#define PROGRAMME_CASE_H
/*
 * What may happen to a case: pure functions of the programme's tree, the case as its events left it
 * and what is told now. A turn that the rules allow gives an effect: a JSON object that is merged
 * into the case. Nothing else changes a case, so that merging the effects of its events one after
 * the other makes it again.
 *
 * The case is a JSON object of at most two levels: `state`, `step`, `type`, `received`, `due`,
 * `organisation`, `name`, `corporation`, and by names of their own `facts`, `cost`, `documents`
 * (id: issued), `decisions` (rule), `options`, `evaluators`, `declared`, `sheets` (user), `days`
 * (names of the deadlines' questions), `insurance` (holder: until), `amounts`, `done` (step: day).
 * Private to the room; any thread.
 */
#include "programme/answer.h"
#include "programme/cases.h"

enum { CASE_TURN_BYTES = 4 << 20 };
/* In place of the name that turn_refuse_named puts. */
#define NO_NAME A_STR(STR_NONE)

/* Parts of an effect. */
enum part {
    PART_TOP,
    PART_FACTS,
    PART_COST,
    PART_DOCUMENTS,
    PART_DECISIONS,
    PART_OPTIONS,
    PART_EVALUATORS,
    PART_DECLARED,
    PART_SHEETS,
    PART_DAYS,
    PART_INSURANCE,
    PART_AMOUNTS,
    PART_DONE,
    PART_COUNT
};

struct turn {
    const struct programme *programme;
    const struct json_in *root;
    const struct json_in *type;  // NULL before the application names one.
    const struct json_in *state; // The case; NULL: it is applied for.
    const struct json_in *step;  // Where it stands; NULL: nowhere.
    const struct json_in *input;
    const struct case_actor *actor;
    struct str reason;
    int64_t second; // Local, of `at`.
    int32_t today;
    bool budget_known;
    int64_t budget_left;
    struct str evaluator_organisation; // Of whom is to be assigned, as the hub knows; or empty.
    struct answer answer;
    struct buf asked; // Members: what the questions said.
    struct buf parts[PART_COUNT];
    struct json effects[PART_COUNT];
    const struct json_in *to_step; // Where it goes; NULL: it stays.
    bool ended;                    // There is no further step.
};

/* ---- Telling (case_turn.c) ---- */

struct json *turn_effect(struct turn *turn, enum part part);
/* The step ends today and the next one begins. */
void turn_step_ends(struct turn *turn);
void turn_goes_back(struct turn *turn, const struct json_in *step);
void turn_state(struct turn *turn, const char *state);
void turn_day(struct turn *turn, const char *name); // Today under this name.
/* Refusals: the step's own source. */
void turn_refuse_step(struct turn *turn, enum msg_id msg, const struct arg *args);
/* The same with the programme's element `rule`, where the sentence's first argument is the name of
 * `named` in the sentence's own language. */
void turn_refuse_named(struct turn *turn, const struct json_in *rule, const struct json_in *named,
    enum msg_id msg, const struct arg *args);
/* Asks one of the questions; what it refuses refuses the turn when `binding`. The answer is to be
 * freed by the caller. */
int turn_ask(struct turn *turn, const char *verb, struct str input, bool binding,
    struct json_in **ret_answer, struct err *err);

void turn_refuse_all(struct turn *turn, const struct json_in *answer); // What the answer refuses.
/* Local seconds as text. */
enum { CASE_MOMENT_MAX = 24 };
void case_moment_text(int64_t second, char to[CASE_MOMENT_MAX]);

/* ---- Looking ---- */

const struct json_in *turn_of(const struct turn *turn, const char *part); // A part of the case.
struct str turn_word(const struct turn *turn, const char *name);
struct str step_kind(const struct json_in *step);
struct str step_id(const struct json_in *step);
/* The first step of a kind; behind `after` where it is not NULL. NULL: none. */
const struct json_in *step_of_kind(
    const struct json_in *root, const char *kind, const struct json_in *after);
/* The case's step behind this one; NULL: that was the last. */
const struct json_in *step_behind(const struct json_in *root, const struct json_in *step);
/* Whether the step stands before the other one. */
bool step_is_before(
    const struct json_in *root, const struct json_in *step, const struct json_in *other);
/* The day of a deadline of the programme for the case: 1, 0 when it is not known yet. */
int turn_deadline(struct turn *turn, struct str id, int32_t *ret_day, struct err *err);
/* Refuses when the step's deadline (or, empty, none) has passed. */
int turn_check_due(struct turn *turn, struct str id, struct err *err);
/* Documents of the input: enters them; refuses missing ones and ones too old. `stage` empty: those
 * that are given, whatever they are. */
int turn_documents(struct turn *turn, struct str stage, struct err *err);
/* A member with the value as it is; nothing where there is none. */
void turn_put_raw(struct json *json, const char *key, const struct json_in *value);
/* The members of an object, into one that is open. */
void turn_put_members(struct json *to, const struct json_in *from);
/* The grant by the case's cost, with what the input adds; written as amounts.`to`. */
int turn_grant(struct turn *turn, const char *to, int64_t *ret_grant, struct err *err);
int turn_eligible(struct turn *turn, struct json_in **ret_answer, struct err *err);

/* ERR_INVALID where no reason was given. */
int need_reason(const struct turn *turn, struct err *err);
/* Merges an effect into a case; `state` NULL: a new one. */
void case_fold(const struct json_in *state, const struct json_in *effect, struct buf *to);
/* A text of the case; empty where there is none. */
struct str case_state_text(const struct json_in *state, const char *name);

/* ---- Actions: case_file.c, case_decide.c, case_run.c ---- */

typedef int (*case_fn)(struct turn *turn, struct err *err);
struct case_action {
    const char *name;
    const char *kinds; // Of steps at which it is done, blanks between; "*": any.
    uint32_t roles;    // Who; 0: by the step's `by`.
    bool waits;        // Also where the case is on the waiting list.
    bool ends;         // Also where it has ended.
    case_fn run;
    const char *needs; // Members it reads, for whoever asks what may be done.
};
const struct case_action *case_action_at(size_t index); // NULL past the end.
/* Who may do this action at this step. */
uint32_t case_action_roles(const struct case_action *action, const struct json_in *step);
bool case_action_fits(const struct case_action *action, const struct json_in *step);

int act_apply(struct turn *turn, struct err *err);
int act_file(struct turn *turn, struct err *err);
int act_plan(struct turn *turn, struct err *err);
int act_revise(struct turn *turn, struct err *err);
int act_request(struct turn *turn, struct err *err);
int act_report(struct turn *turn, struct err *err);
int act_withdraw(struct turn *turn, struct err *err);
int act_object(struct turn *turn, struct err *err);
int act_decide(struct turn *turn, struct err *err);
int act_option(struct turn *turn, struct err *err);
int act_screen(struct turn *turn, struct err *err);
int act_refuse(struct turn *turn, struct err *err);
int act_assign(struct turn *turn, struct err *err);
int act_declare(struct turn *turn, struct err *err);
int act_sheet(struct turn *turn, struct err *err);
int act_visit(struct turn *turn, struct err *err);
int act_score(struct turn *turn, struct err *err);
int act_match(struct turn *turn, struct err *err);
int act_cost(struct turn *turn, struct err *err);
int act_agree(struct turn *turn, struct err *err);
int act_pay(struct turn *turn, struct err *err);
int act_change(struct turn *turn, struct err *err);
int act_extend(struct turn *turn, struct err *err);
int act_run(struct turn *turn, struct err *err);
int act_check(struct turn *turn, struct err *err);
int act_skip(struct turn *turn, struct err *err);
int act_judge(struct turn *turn, struct err *err);
int act_level(struct turn *turn, struct err *err);
int act_certify(struct turn *turn, struct err *err);
int act_settle(struct turn *turn, struct err *err);
int act_close(struct turn *turn, struct err *err);
int act_cancel(struct turn *turn, struct err *err);
int act_resolve(struct turn *turn, struct err *err);
int act_clawback(struct turn *turn, struct err *err);
int act_returned(struct turn *turn, struct err *err);

/* ---- One turn ---- */

struct case_told {
    const struct programme *programme;
    const struct json_in *state; // NULL: a new case.
    const struct json_in *input; // With `type` where it is new.
    const struct case_actor *actor;
    struct str action;
    struct str reason;
    int64_t second; // Local.
    bool budget_known;
    int64_t budget_left;
    struct str evaluator_organisation; // Of whom `assign` names; empty: as the input says.
};
/* What came of it; buffers are the caller's (init and fini). */
struct case_outcome {
    bool refused;
    struct str role;   // In which the actor did it.
    struct buf answer; // JSON, with notes and refusals.
    struct buf effect; // JSON; empty when refused.
    struct buf state;  // JSON: the case after it.
};
void case_outcome_init(struct case_outcome *outcome);
void case_outcome_fini(struct case_outcome *outcome);
/* ERR_FORBIDDEN: another's to do; ERR_CONFLICT: not at this step; ERR_INVALID: what is told is no
 * such thing. What a rule forbids is no error: `refused`, with the rules in the answer. */
int case_turn(const struct case_told *told, struct case_outcome *outcome, struct err *err);
/* Puts a case somewhere by a decision over several (ranking): the effect is the caller's. */
int case_put(const struct programme *programme, const struct json_in *state, struct str effect,
    struct case_outcome *outcome, struct err *err);
/* All deadlines of a case, as the question `deadlines` answers them; the caller's. */
int case_days(const struct programme *programme, const struct json_in *state,
    struct json_in **ret_answer, struct err *err);
/* When what the case stands at is due: 1, or 0 where nothing says so. */
int case_due(const struct programme *programme, const struct json_in *state, int32_t *ret_day,
    struct err *err);

#endif
