/*
 * The ranking of a call, and the places it gives.
 *
 * All cases that stand at the selection are asked about in one question, so the order is that of
 * the whole call. Places go down the order within each type, and only as far as the budget reaches:
 * where it does not reach the next one, nobody behind overtakes. Whoever passed and got no place
 * waits in that rank. A later ranking of a rolling call counts the places given before.
 */
#include <stdio.h>

#include "core/mem.h"
#include "ledger/seal.h"
#include "programme/case_store.h"
#include "programme/day.h"
#include "programme/verbs.h"
#include "programme/words.h"

enum { SELECT_MAX = 20000, TYPE_MAX = 64, KEY_BYTES = 300 };

struct candidate {
    struct str id;
    struct str number;
    struct str type;
    int64_t needed;
    bool waits;
};

struct selection {
    struct ledger_tx *tx;
    const struct case_select *wish;
    struct arena arena;
    struct programme_now now;
    struct desk_call call;
    struct candidate *list;
    size_t count;
    struct buf already; // Objects: whose corporation has an award of this call.
    struct buf input;
    int64_t number; // Of the ranking.
    int64_t second;
};

/* The programme's name in the caller's language. */
static struct str called(const struct selection *s) {
    return programme_text(s->now.programme, s->wish->actor.lang == LANG_EN ? "en" : "ko");
}

static struct str actor_of(const struct selection *s) {
    return s->wish->actor.user;
}

/* ---- What is ranked ---- */

static void put_fact(struct json *json, const struct json_in *facts, struct str name) {
    const struct json_in *value = json_in_find(facts, name);
    if (value) {
        json_key_str(json, name);
        json_value(json, value);
    }
}

/* The fact by which places of the application's type are kept, unless it stands there already. */
static void put_reserve_fact(
    const struct json_in *root, struct str type, const struct json_in *facts, struct json *json) {
    static const char *const THERE[] = {
        "id", "type", "score", "received", "corporation", "women_owned", "history", "fit"};
    const struct json_in *types = json_in_get(root, "types");
    const struct json_in *reserve = json_in_get(list_find(types, type), "reserve");
    struct str fact = json_in_text(json_in_get(reserve, "fact"));
    for (size_t i = 0; i < sizeof THERE / sizeof THERE[0]; i++) {
        if (str_eq(fact, str_of(THERE[i]))) {
            return;
        }
    }
    put_fact(json, facts, fact);
}

/* The number of the case by which a corporation has an award of this call; empty: it has none. */
static int award_of(
    struct selection *s, struct str corporation, struct str *ret_number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    *ret_number = STR_NONE;
    if (corporation.size == 0) {
        return 0;
    }
    int rc = ledger_prepare(s->tx,
        "SELECT number FROM cases WHERE programme = ?1 AND call = ?2 AND corporation = ?3"
        " AND json_extract(facts, '$.award') = 'selected'"
        " AND state NOT IN ('cancelled', 'withdrawn', 'refused') LIMIT 1",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, s->wish->programme);
    ledger_bind_i64(stmt, 2, s->call.number);
    ledger_bind_str(stmt, 3, corporation);
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        *ret_number = arena_copy(&s->arena, ledger_column_str(stmt, 0));
    }
    return rc < 0 ? rc : 0;
}

/* One award a corporation (convention C-11): who has one is not ranked again. */
static void put_already(
    struct selection *s, struct str number, struct str corporation, struct str award) {
    struct json json;
    if (s->already.size > 0) {
        buf_put_char(&s->already, ',');
    }
    json_init(&json, &s->already);
    json_object_begin(&json);
    json_put_str(&json, "id", number);
    json_put_str(&json, "corporation", corporation);
    json_put_str(&json, "award", award);
    json_object_end(&json);
}

static int put_candidate(struct selection *s, struct str number, struct str facts_json,
    struct json *json, struct err *err) {
    AUTO_JSON_IN struct json_in *state = NULL;
    int rc = json_in_parse(facts_json, &state, err);
    if (rc < 0) {
        return rc;
    }
    const struct json_in *facts = json_in_get(state, "facts");
    struct str corporation = case_state_text(state, "corporation");
    struct str award = STR_NONE;
    double score = 0;
    rc = award_of(s, corporation, &award, err);
    if (rc < 0 || award.size > 0) {
        put_already(s, number, corporation, award);
        return rc;
    }
    json_object_begin(json);
    json_put_str(json, "id", number);
    json_put_str(json, "type", case_state_text(state, "type"));
    const struct json_in *root = programme_root(s->now.programme);
    bool scored = json_in_number(json_in_get(state, "score"), &score);
    bool nobody_scores = !json_in_get(root, "selection") && !json_in_get(root, "pass") &&
                         !step_of_kind(root, "score", NULL);
    if (scored || nobody_scores) { // Whoever came so far without points counts alike.
        json_put_f64(json, "score", score);
    }
    json_put_str(json, "received", case_state_text(state, "received"));
    if (corporation.size > 0) {
        json_put_str(json, "corporation", corporation);
    }
    put_fact(json, facts, STR("women_owned"));
    put_fact(json, facts, STR("history"));
    put_fact(json, facts, STR("fit"));
    put_reserve_fact(root, case_state_text(state, "type"), facts, json);
    json_object_end(json);
    struct candidate *one = &s->list[s->count++];
    one->number = arena_copy(&s->arena, number);
    one->type = arena_copy(&s->arena, case_state_text(state, "type"));
    one->waits = str_eq(case_state_text(state, "state"), STR("waiting"));
    (void)json_in_whole(json_in_get(json_in_get(state, "amounts"), "requested"), &one->needed);
    return 0;
}

static int put_candidates(struct selection *s, struct json *json, struct err *err) {
    const struct json_in *step = step_of_kind(programme_root(s->now.programme), "select", NULL);
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(s->tx,
        "SELECT id, number, facts FROM cases WHERE programme = ?1 AND call = ?2 AND step = ?3"
        " AND state IN ('open', 'waiting') ORDER BY number LIMIT 20000",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    s->list = MEM_ARRAY(struct candidate, SELECT_MAX);
    ledger_bind_str(stmt, 1, s->wish->programme);
    ledger_bind_i64(stmt, 2, s->call.number);
    ledger_bind_str(stmt, 3, step_id(step));
    json_key(json, "applications");
    json_array_begin(json);
    while ((rc = ledger_step(stmt, err)) > 0) {
        struct str id = arena_copy(&s->arena, ledger_column_str(stmt, 0));
        size_t before = s->count;
        rc = put_candidate(s, ledger_column_str(stmt, 1), ledger_column_str(stmt, 2), json, err);
        if (rc < 0) {
            return rc;
        }
        if (s->count > before) {
            s->list[before].id = id;
        }
    }
    json_array_end(json);
    return rc;
}

/* Places of a type before anybody had one: what the operator says, else the programme. */
static bool places_of(const struct selection *s, const struct json_in *type, int64_t *ret_places) {
    const struct json_in *wider = json_in_get(s->wish->input, "slots");
    const struct json_in *root = programme_root(s->now.programme);
    return json_in_whole(json_in_find(wider, json_in_text(json_in_get(type, "id"))), ret_places) ||
           json_in_whole(json_in_get(type, "slots"), ret_places) ||
           json_in_whole(json_in_get(json_in_get(root, "selection"), "quota"), ret_places);
}

static int used_places(struct selection *s, struct str type, int64_t *ret_used, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(s->tx,
        "SELECT count(*) FROM cases WHERE programme = ?1 AND call = ?2 AND type = ?3"
        " AND json_extract(facts, '$.award') = 'selected'"
        " AND state NOT IN ('cancelled', 'withdrawn', 'refused')",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, s->wish->programme);
    ledger_bind_i64(stmt, 2, s->call.number);
    ledger_bind_str(stmt, 3, type);
    rc = ledger_step(stmt, err);
    *ret_used = rc > 0 ? ledger_column_i64(stmt, 0) : 0;
    return rc < 0 ? rc : 0;
}

static int put_places(struct selection *s, struct json *json, struct err *err) {
    const struct json_in *types = json_in_get(programme_root(s->now.programme), "types");
    bool told = json_in_get(s->wish->input, "slots") != NULL;
    bool begun = false;
    int rc = 0;
    for (size_t i = 0; i < json_in_count(types) && i < TYPE_MAX && rc >= 0; i++) {
        const struct json_in *type = json_in_at(types, i);
        int64_t used = 0;
        int64_t places = 0;
        rc = used_places(s, json_in_text(json_in_get(type, "id")), &used, err);
        if (rc < 0 || !places_of(s, type, &places) || (used == 0 && !told)) {
            continue;
        }
        if (!begun) {
            json_key(json, "slots");
            json_object_begin(json);
            begun = true;
        }
        json_key_str(json, json_in_text(json_in_get(type, "id")));
        json_i64(json, places > used ? places - used : 0);
    }
    if (begun) {
        json_object_end(json);
    }
    return rc;
}

static int write_input(struct selection *s, struct err *err) {
    struct json json;
    json_init(&json, &s->input);
    json_object_begin(&json);
    int rc = put_candidates(s, &json, err);
    rc = rc < 0 ? rc : put_places(s, &json, err);
    put_fact(&json, s->wish->input, STR("options"));
    json_object_end(&json);
    return rc;
}

/* ---- Awards ---- */

int case_award(struct ledger_tx *tx, const struct case_award *award, struct err *err) {
    const struct json_in *root = programme_root(award->row->rules);
    const struct json_in *step =
        list_find(json_in_get(root, "steps"), case_state_text(award->row->state, "step"));
    const struct json_in *next = step_behind(root, step);
    char at[CASE_MOMENT_MAX];
    AUTO_BUF struct buf effect;
    struct json json;
    buf_init(&effect, CASE_TURN_BYTES);
    case_moment_text(award->second, at);
    json_init(&json, &effect);
    json_object_begin(&json);
    json_put_str(&json, "award", award->selected ? STR("selected") : STR("waiting"));
    json_put_str(&json, "state", award->selected ? STR("open") : STR("waiting"));
    json_put_str(&json, "at", str_of(at));
    if (award->rank > 0) {
        json_put_i64(&json, "rank", award->rank);
    }
    if (award->selected) {
        json_key(&json, "days");
        json_object_begin(&json);
        json_put_str(&json, "selection_notice", str_slice(str_of(at), 0, 10));
        json_object_end(&json);
        json_key(&json, "done");
        json_object_begin(&json);
        json_key_str(&json, step_id(step));
        json_str(&json, str_slice(str_of(at), 0, 10));
        json_object_end(&json);
        json_put_str(&json, next ? "step" : "state", next ? step_id(next) : STR("closed"));
    }
    json_object_end(&json);
    struct case_outcome outcome;
    case_outcome_init(&outcome);
    int rc = case_put(award->row->rules, award->row->state, buf_str(&effect), &outcome, err);
    int64_t sequence = 0;
    struct case_entry entry = {.row = award->row,
        .at = str_of(at),
        .step = step_id(step),
        .action = STR("select"),
        .actor = award->actor,
        .role = STR("officer"),
        .reason = award->reason,
        .key = STR_NONE,
        .payload = STR("{}"),
        .answer = award->answer,
        .outcome = &outcome};
    rc = rc < 0 ? rc : case_append(tx, &entry, &sequence, err);
    case_outcome_fini(&outcome);
    return rc;
}

static const struct candidate *candidate_of(const struct selection *s, struct str number) {
    for (size_t i = 0; i < s->count; i++) {
        if (str_eq(s->list[i].number, number)) {
            return &s->list[i];
        }
    }
    return NULL;
}

static bool list_has(const struct json_in *list, struct str word) {
    for (size_t i = 0; i < json_in_count(list); i++) {
        if (str_eq(json_in_text(json_in_at(list, i)), word)) {
            return true;
        }
    }
    return false;
}

struct place {
    int64_t rank;
    bool selected;
    bool unfunded;
    int64_t left;
};

static int store_place(
    struct selection *s, const struct candidate *one, const struct place *place, struct err *err) {
    AUTO_CASE_ROW struct case_row row = {.state = NULL};
    AUTO_BUF struct buf answer;
    buf_init(&answer, 4096);
    struct json json;
    json_init(&json, &answer);
    json_object_begin(&json);
    json_put_i64(&json, "ranking", s->number);
    json_put_i64(&json, "rank", place->rank);
    json_put_i64(&json, "of", (int64_t)s->count);
    if (place->unfunded) {
        json_key(&json, "unfunded");
        json_object_begin(&json);
        answer_put_words(
            &json, SAY_DESK(CASE_UNFUNDED), ARGS(A_INT(place->left), A_INT(one->needed)));
        json_object_end(&json);
    }
    json_object_end(&json);
    int rc = case_row_get(s->tx, one->id, true, &s->arena, &row, err);
    struct case_award award = {.row = &row,
        .actor = actor_of(s),
        .second = s->second,
        .rank = place->rank,
        .selected = place->selected,
        .reason = s->wish->reason,
        .answer = buf_str(&answer)};
    return rc < 0 ? rc : case_award(s->tx, &award, err);
}

static int award_all(struct selection *s, const struct json_in *answer, struct err *err) {
    const struct json_in *order = json_in_get(answer, "order");
    int64_t left = s->call.budget_won - s->call.used_won;
    bool funded = true;
    int rc = 0;
    for (size_t i = 0; i < json_in_count(order) && rc >= 0; i++) {
        struct str number = json_in_text(json_in_at(order, i));
        const struct candidate *one = candidate_of(s, number);
        const struct json_in *selected = json_in_get(answer, "selected");
        if (!one) {
            continue;
        }
        bool won = list_has(json_in_find(selected, one->type), number);
        bool waits = list_has(json_in_get(answer, "waiting"), number);
        bool enough = s->call.budget_won < 0 || one->needed <= left;
        funded = funded && (enough || !won);
        struct place place = {.rank = (int64_t)i + 1,
            .selected = won && funded,
            .unfunded = won && !funded,
            .left = left};
        if (place.selected) {
            left -= one->needed;
        }
        if (won || waits) {
            rc = store_place(s, one, &place, err);
        }
    }
    return rc;
}

void case_ranking_digest(struct str input, struct str answer, char ret_text[65]) {
    struct digest digest;
    uint8_t bytes[DIGEST_BYTES];
    digest_init(&digest);
    digest_add_str(&digest, input);
    digest_add_str(&digest, answer);
    digest_end(&digest, bytes);
    digest_text(bytes, ret_text);
}

static int store_ranking(struct selection *s, struct str answer, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(s->tx,
        "INSERT INTO programme_ranking (programme, call, number, time_ns, by, reason, input, "
        "answer)"
        " VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM programme_ranking"
        " WHERE programme = ?1 AND call = ?2), ?3, ?4, ?5, ?6, ?7) RETURNING number",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, s->wish->programme);
    ledger_bind_i64(stmt, 2, s->call.number);
    ledger_bind_i64(stmt, 3, ledger_now_ns(s->tx));
    ledger_bind_str(stmt, 4, actor_of(s));
    ledger_bind_str(stmt, 5, s->wish->reason);
    ledger_bind_str(stmt, 6, buf_str(&s->input));
    ledger_bind_str(stmt, 7, answer);
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        s->number = ledger_column_i64(stmt, 0);
        rc = ledger_step(stmt, err);
    }
    char digest[DIGEST_TEXT_MAX];
    char payload[160];
    case_ranking_digest(buf_str(&s->input), answer, digest);
    (void)snprintf(payload, sizeof payload, "{\"call\":%lld,\"ranking\":%lld,\"digest\":\"%s\"}",
        (long long)s->call.number, (long long)s->number, digest);
    rc = rc < 0 ? rc
                : audit_append(s->tx, actor_of(s), STR("programme.rank"), s->wish->programme,
                      str_of(payload), err);
    rc = rc < 0 ? rc
                : ledger_prepare(s->tx,
                      "UPDATE programme_ranking SET audit = (SELECT max(sequence) FROM audit)"
                      " WHERE programme = ?1 AND call = ?2 AND number = ?3",
                      &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, s->wish->programme);
    ledger_bind_i64(stmt, 2, s->call.number);
    ledger_bind_i64(stmt, 3, s->number);
    return ledger_step(stmt, err);
}

/* Behind the answer's own members: who was not ranked, and by which case the corporation has its
 * award. */
static void tell_already(const struct selection *s, struct buf *answer) {
    if (s->already.size > 0 && answer->size > 0 && answer->data[answer->size - 1] == '}') {
        answer->size--;
        buf_put_str(answer, STR(",\"already\":["));
        buf_put_str(answer, buf_str(&s->already));
        buf_put_str(answer, STR("]}"));
    }
}

static int select_run(struct selection *s, struct buf *answer, struct err *err) {
    AUTO_JSON_IN struct json_in *asked = NULL;
    AUTO_JSON_IN struct json_in *ranked = NULL;
    int rc = write_input(s, err);
    rc = rc < 0 ? rc : json_in_parse(buf_str(&s->input), &asked, err);
    if (rc >= 0 && s->count == 0 && s->already.size == 0) {
        rc = err_set(err, ERR_CONFLICT, SAY_DESK(CASE_NOBODY), ARGS(A_STR(called(s))));
    }
    const struct verb *rank = verb_find(STR("rank"));
    if (rc >= 0 && !rank) {
        rc = err_set(err, ERR_UNSUPPORTED, SAY_DESK(DESK_QUESTION), ARGS(A_CSTR("rank")));
    }
    rc = rc < 0 ? rc : verb_ask(rank, s->now.programme, STR_NONE, asked, answer, err);
    if (rc >= 0) {
        tell_already(s, answer);
    }
    rc = rc < 0 ? rc : json_in_parse(buf_str(answer), &ranked, err);
    if (rc < 0 || s->wish->dry) {
        return rc;
    }
    rc = store_ranking(s, buf_str(answer), err);
    return rc < 0 ? rc : award_all(s, ranked, err);
}

int cases_select(
    struct ledger_tx *tx, const struct case_select *wish, struct buf *answer, struct err *err) {
    struct selection s = {.tx = tx, .wish = wish, .second = case_local_second(wish->now_ns)};
    struct str at = json_in_text(json_in_get(wish->input, "at"));
    bool has_time = false;
    int rc = programme_newest(tx, wish->programme, &s.now, err);
    rc = rc < 0 ? rc : desk_call_get(tx, wish->programme, 0, &s.call, err);
    if (rc < 0) {
        return rc;
    }
    if (at.size > 0 && !moment_parse(at, &s.second, &has_time)) {
        rc = err_set(err, ERR_INVALID, SAY_DESK(CASE_UNREADABLE), ARGS(A_STR(at)));
    } else if (s.call.number == 0) {
        rc = err_set(err, ERR_CONFLICT, SAY_DESK(CASE_CALL_CLOSED), ARGS(A_STR(called(&s))));
    }
    arena_init(&s.arena, 0);
    buf_init(&s.input, ANSWER_BYTES_MAX);
    buf_init(&s.already, ANSWER_BYTES_MAX);
    rc = rc < 0 ? rc : select_run(&s, answer, err);
    mem_free(s.list);
    buf_fini(&s.input);
    buf_fini(&s.already);
    arena_fini(&s.arena);
    programme_free(s.now.programme);
    return rc;
}
