/*
 * The grammar of a rule's test (docs/PROGRAMME.md, "Rules"). What a test asks is decided by the
 * facts at hand; whether it is one at all can be told before anybody applies.
 */
#include "programme/check_shape.h"
#include "programme/words.h"

/* Members that compare, with what stands behind them: v a value, l a list, t one of the words. */
static const struct {
    const char *name;
    enum json_kind kind; // JSON_KIND_NONE: any value.
} COMPARISONS[] = {{"is", JSON_KIND_NONE}, {"in", JSON_KIND_LIST}, {"at_least", JSON_KIND_NONE},
    {"at_most", JSON_KIND_NONE}, {"more_than", JSON_KIND_NONE}, {"less_than", JSON_KIND_NONE},
    {"on_or_before", JSON_KIND_TEXT}, {"before", JSON_KIND_TEXT}, {"on_or_after", JSON_KIND_TEXT},
    {"after", JSON_KIND_TEXT}, {"has", JSON_KIND_LIST}, {"within", JSON_KIND_TEXT}};

enum { TEST_DEPTH_MAX = 16 }; // Deeper ones are answered with "not known".

static int wrong(const char *what, struct err *err) {
    return err_set(err, ERR_INVALID, SAY_DESK(CHECK_TEST), ARGS(A_CSTR(what)));
}

static int comparison(const struct json_in *test, struct err *err) {
    int count = 0;
    for (size_t i = 0; i < sizeof COMPARISONS / sizeof COMPARISONS[0]; i++) {
        const struct json_in *operand = json_in_get(test, COMPARISONS[i].name);
        count += operand != NULL;
        if (operand && COMPARISONS[i].kind != JSON_KIND_NONE &&
            json_in_kind(operand) != COMPARISONS[i].kind) {
            return wrong(COMPARISONS[i].name, err);
        }
    }
    return count == 1 ? 0 : wrong("fact, count", err);
}

static int check(const struct json_in *test, int depth, struct err *err);

static int check_all(const struct json_in *list, const char *name, int depth, struct err *err) {
    int status =
        json_in_kind(list) == JSON_KIND_LIST && json_in_count(list) > 0 ? 0 : wrong(name, err);
    for (size_t i = 0; i < json_in_count(list) && status >= 0; i++) {
        status = check(json_in_at(list, i), depth, err);
    }
    return status;
}

static int check_known(const struct json_in *test, struct err *err) {
    static const char *const OTHERS[] = {
        "fact", "count", "where", "plus", "all", "any", "first", "not", "if", "then"};
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(test, &at, &name, &value)) {
        bool known = false;
        for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
            known = known || str_eq(name, str_of(OTHERS[i]));
        }
        for (size_t i = 0; i < sizeof COMPARISONS / sizeof COMPARISONS[0]; i++) {
            known = known || str_eq(name, str_of(COMPARISONS[i].name));
        }
        if (!known) {
            return err_set(err, ERR_INVALID, SAY_DESK(CHECK_TEST), ARGS(A_STR(name)));
        }
    }
    return 0;
}

static int check(const struct json_in *test, int depth, struct err *err) {
    static const char *const LISTS[] = {"all", "any", "first"};
    if (json_in_kind(test) == JSON_KIND_BOOL) {
        return 0;
    }
    if (json_in_kind(test) != JSON_KIND_OBJECT || depth >= TEST_DEPTH_MAX) {
        return wrong(depth >= TEST_DEPTH_MAX ? "16" : "{}", err);
    }
    int status = check_known(test, err);
    if (status < 0) {
        return status;
    }
    for (size_t i = 0; i < sizeof LISTS / sizeof LISTS[0]; i++) {
        if (json_in_get(test, LISTS[i])) {
            return check_all(json_in_get(test, LISTS[i]), LISTS[i], depth + 1, err);
        }
    }
    if (json_in_get(test, "not")) {
        return check(json_in_get(test, "not"), depth + 1, err);
    }
    if (json_in_get(test, "if")) {
        status = check(json_in_get(test, "if"), depth + 1, err);
        return status < 0 ? status : check(json_in_get(test, "then"), depth + 1, err);
    }
    bool counts = json_in_text(json_in_get(test, "count")).size > 0;
    if (!counts && json_in_text(json_in_get(test, "fact")).size == 0) {
        return wrong("fact, count, all, any, not, if, first", err);
    }
    if (counts && json_in_get(test, "where")) {
        status = check(json_in_get(test, "where"), depth + 1, err);
    }
    return status < 0 ? status : comparison(test, err);
}

int check_test(const struct json_in *test, struct err *err) {
    return check(test, 0, err);
}
