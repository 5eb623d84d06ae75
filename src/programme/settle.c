/*
 * Settlement (정산): what was recognised of the cost decides what the grant would have been, and
 * what was paid beyond it goes back. The announcements only name the step; the reckoning is the
 * grant's own, because a cost that was not spent cannot be granted for, and a cost that grew is the
 * company's (a review only lowers, and the agreement's amount is the limit).
 */
#include "programme/verbs.h"
#include "programme/won.h"
#include "programme/words.h"

struct settling {
    const struct programme *programme;
    const struct json_in *type;
    const struct json_in *input;
    struct answer *answer;
};

/* The grant on `cost`, asked as `subsidy` would be, with every other fact as it was given. */
static int grant_on(
    const struct settling *settling, int64_t cost, int64_t *ret_grant, struct err *err) {
    AUTO_BUF struct buf text;
    AUTO_BUF struct buf out;
    AUTO_JSON_IN struct json_in *input = NULL;
    AUTO_JSON_IN struct json_in *root = NULL;
    buf_init(&text, ANSWER_BYTES_MAX);
    buf_init(&out, ANSWER_BYTES_MAX);
    struct str base = json_in_text(json_in_get(settling->type, "base"));
    const char *name = str_eq(base, STR("supply_price"))          ? "supply_price"
                       : str_eq(base, STR("cash_without_labour")) ? "cash_contribution"
                                                                  : "total_cost";
    struct json json;
    json_init(&json, &text);
    json_object_begin(&json);
    size_t at = 0;
    struct str member = STR_NONE;
    const struct json_in *value = NULL;
    static const char *const OWN[] = {"paid", "recognised", "agreed", "supply_price", "total_cost",
        "cash_contribution", "vat", "quotation", "cost_review"};
    while (json_in_next(settling->input, &at, &member, &value)) {
        bool own = false;
        for (size_t i = 0; i < sizeof OWN / sizeof OWN[0]; i++) {
            own = own || str_eq(member, str_of(OWN[i]));
        }
        if (!own) {
            json_key_str(&json, member);
            json_value(&json, value);
        }
    }
    json_put_i64(&json, name, cost);
    json_object_end(&json);
    int status = json_in_parse(buf_str(&text), &input, err);
    status = status < 0 ? status
                        : verb_ask(verb_find(STR("subsidy")), settling->programme,
                              json_in_text(json_in_get(settling->type, "id")), input, &out, err);
    status = status < 0 ? status : json_in_parse(buf_str(&out), &root, err);
    if (status >= 0 && !json_in_whole(json_in_get(root, "grant"), ret_grant)) {
        status = err_set(err, ERR_INVALID, SAY_DESK(SETTLE_NO_GRANT), NO_ARGS);
    }
    return status < 0 ? status : 0;
}

int ask_settle(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err) {
    struct settling settling = {programme, type, input, answer};
    int64_t paid = -1;
    int64_t recognised = -1;
    int64_t agreed = WON_MAX;
    int64_t grant = 0;
    int status = won_of(input, "paid", &paid, err);
    status = status < 0 ? status : won_of(input, "recognised", &recognised, err);
    status = status < 0 ? status : won_of(input, "agreed", &agreed, err);
    if (status >= 0 && (paid < 0 || recognised < 0)) {
        status = err_set(err, ERR_INVALID, SAY_DESK(SUBSIDY_NEEDS),
            ARGS(A_CSTR(paid < 0 ? "paid" : "recognised")));
    }
    int64_t cost = recognised < agreed ? recognised : agreed;
    status = status < 0 ? status : grant_on(&settling, cost, &grant, err);
    if (status < 0) {
        return status;
    }
    json_put_i64(&answer->json, "cost", cost);
    json_put_i64(&answer->json, "grant", grant < paid ? grant : paid);
    json_put_i64(&answer->json, "refund", paid > grant ? paid - grant : 0);
    json_put_i64(&answer->json, "borne_beyond_agreement", recognised - cost);
    answer_convention(answer, 3);
    answer_note(answer, STR("settle"), json_in_text(json_in_get(type, "src")), SAY_DESK(SETTLE_HOW),
        NO_ARGS);
    return 0;
}
