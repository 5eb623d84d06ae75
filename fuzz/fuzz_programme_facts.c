/*
 * Any test over any facts has one answer: the same when asked again, turned round by "not", and
 * decided alike by a review. Input: the test on the first line, the facts behind it.
 */
#include "core/check.h"
#include "programme/facts.h"
#include "programme/verbs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char HEAD[] =
    "{\"format\":1,\"id\":\"p-2024\",\"kind\":\"programme\",\"ko\":\"p\","
    "\"announced\":\"2024-01-19\",\"region\":{\"names\":[\"a\"]},"
    "\"window\":{\"opens\":\"2024-01-20\",\"closes\":\"2024-02-20T17:00\"},"
    "\"types\":[{\"id\":\"t\",\"ko\":\"t\",\"level\":3}],"
    "\"documents\":[{\"id\":\"d\",\"ko\":\"d\",\"max_age_months\":3}],"
    "\"costs\":{\"allowed\":[{\"id\":\"c\",\"ko\":\"c\",\"words\":[\"x\"]}],"
    "\"refused\":[]},\"rules\":[{\"id\":\"r\",\"kind\":\"exclude\",\"ko\":\"r\","
    "\"who\":[\"adopter\",\"supplier\"],\"test\":";

static void review(const struct programme *programme, const struct json_in *facts) {
    struct err err = ERR_INIT;
    const struct json_in *type = NULL;
    CHECK(programme_type(programme, STR_NONE, &type, &err) == 0);
    AUTO_BUF struct buf out;
    buf_init(&out, ANSWER_BYTES_MAX);
    struct answer answer;
    answer_begin(&answer, &out, programme, type);
    if (ask_eligible(programme, type, facts, &answer, &err) < 0) {
        CHECK(err.note_count > 0);
        answer_drop(&answer);
        return;
    }
    answer_end(&answer);
    AUTO_JSON_IN struct json_in *read = NULL;
    CHECK(out.overflow || json_in_parse(buf_str(&out), &read, &err) >= 0);
}

static void ask(const struct programme *programme, const struct json_in *facts_json) {
    struct err err = ERR_INIT;
    struct facts facts;
    if (facts_open(programme, NULL, facts_json, &facts, &err) < 0) {
        CHECK(err.note_count > 0);
        return;
    }
    const struct json_in *rules = json_in_get(programme_root(programme), "rules");
    const struct json_in *test = json_in_get(json_in_at(rules, 0), "test");
    struct trace first = {0};
    struct trace second = {0};
    enum truth one = facts_test(&facts, NULL, test, &first);
    CHECK(one == facts_test(&facts, NULL, test, &second));
    CHECK(first.missing_count == second.missing_count && first.seen_count == second.seen_count);
    AUTO_BUF struct buf text;
    buf_init(&text, ANSWER_BYTES_MAX);
    trace_put_missing(&first, &text);
    trace_put_seen(&first, &text);
    facts_close(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str rest = {(const char *)data, size};
    struct str test = str_cut(&rest, '\n');
    AUTO_BUF struct buf whole;
    buf_init(&whole, PROGRAMME_BYTES_MAX);
    buf_put_str(&whole, STR(HEAD));
    buf_put_str(&whole, test);
    buf_put_str(&whole, STR("}]}"));
    struct programme *programme = NULL;
    struct err err = ERR_INIT;
    if (whole.overflow || programme_parse(buf_str(&whole), &programme, &err) < 0) {
        return 0;
    }
    AUTO_JSON_IN struct json_in *facts = NULL;
    if (rest.data != NULL && json_in_parse(rest, &facts, &err) >= 0) {
        ask(programme, facts);
        review(programme, facts);
    }
    programme_free(programme);
    return 0;
}
