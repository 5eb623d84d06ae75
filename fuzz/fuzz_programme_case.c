/*
 * Whatever is told of a case, in whatever order: it is taken, refused in words, or an error with
 * words; what is kept merges into the same case again, and no more is paid than was agreed. Input:
 * a line a turn, the action and its JSON; a day passes between two.
 */
#include "core/check.h"
#include "programme/case.h"
#include "programme/shelf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS_MAX = 40, DAY_S = 86400 };

static const struct case_actor ANYBODY = {
    .user = {"u", 1}, .organisation = {"o", 1}, .roles = CASE_ROLES_ALL};

static int64_t amount(const struct json_in *state, const char *name) {
    int64_t won = 0;
    (void)json_in_whole(json_in_get(json_in_get(state, "amounts"), name), &won);
    return won;
}

/* The effect alone makes the same case again. */
static void check_fold(const struct json_in *before, const struct case_outcome *outcome) {
    struct err err = ERR_INIT;
    AUTO_JSON_IN struct json_in *effect = NULL;
    AUTO_BUF struct buf again;
    buf_init(&again, CASE_TURN_BYTES);
    CHECK(json_in_parse(buf_str(&outcome->effect), &effect, &err) >= 0);
    case_fold(before, effect, &again);
    CHECK(str_eq(buf_str(&again), buf_str(&outcome->state)));
}

static void turn(
    const struct programme *programme, struct json_in **state, struct str line, int64_t second) {
    struct err err = ERR_INIT;
    AUTO_JSON_IN struct json_in *input = NULL;
    struct case_outcome outcome;
    struct str action = str_cut(&line, ' ');
    if (!line.data || json_in_parse(line, &input, &err) < 0) {
        return;
    }
    case_outcome_init(&outcome);
    struct case_told told = {.programme = programme,
        .state = *state,
        .input = input,
        .actor = &ANYBODY,
        .action = action,
        .reason = json_in_text(json_in_get(input, "reason")),
        .second = second,
        .evaluator_organisation = STR_NONE};
    err_clear(&err);
    int rc = case_turn(&told, &outcome, &err);
    CHECK(rc == 0 || err.note_count > 0);
    if (rc == 0 && !outcome.refused) {
        struct json_in *next = NULL;
        check_fold(*state, &outcome);
        CHECK(json_in_parse(buf_str(&outcome.state), &next, &err) >= 0);
        CHECK(amount(next, "paid") >= 0 && amount(next, "paid") <= amount(next, "agreed"));
        json_in_free(*state);
        *state = next;
    }
    case_outcome_fini(&outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = ERR_INIT;
    struct programme *programme = NULL;
    struct json_in *state = NULL;
    struct str rest = {(const char *)data, size};
    CHECK(shelf_find(STR("incheon-mfgdata-2022"), &programme, &err) >= 0);
    int64_t second = INT64_C(1671667200); // 2022-12-22.
    for (int i = 0; i < TURNS_MAX && rest.size > 0; i++) {
        turn(programme, &state, str_cut(&rest, '\n'), second + i * DAY_S);
    }
    json_in_free(state);
    programme_free(programme);
    return 0;
}
