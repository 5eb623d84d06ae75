/*
 * Tests over facts.
 *
 * A test that asks for something nobody stated must not become "no": an applicant would be refused
 * for a blank in a form. So a comparison with a missing fact is not known, "all" is no as soon as
 * one part is no, "any" yes as soon as one is yes, and a count is decided when the elements that
 * are not known cannot turn it. Tests nest at most FACTS_DEPTH_MAX deep, whatever the file says.
 *
 * Facts that were not readable (a text where a date is compared) count as not given: the answer
 * names them, and a person looks.
 */
#include "programme/facts.h"

#include "core/buf.h"
#include "programme/day.h"
#include "programme/given.h"
#include "programme/lexicon.h"

enum { NUMBER_OPS = 4, DAY_OPS = 4, COUNT_MAX = 1000000000 };

/* Where a test is asked. */
struct place {
    const struct facts *facts;
    const struct json_in *element; // NULL: the whole input.
    struct trace *trace;
};

static enum truth truth_of(bool yes) {
    return yes ? TRUTH_YES : TRUTH_NO;
}

static enum truth both(enum truth a, enum truth b) {
    return a < b ? a : b;
}

static enum truth either(enum truth a, enum truth b) {
    return a > b ? a : b;
}

static void tell_missing(struct trace *trace, struct str path) {
    for (uint32_t i = 0; i < trace->missing_count; i++) {
        if (str_eq(trace->missing[i], path)) {
            return;
        }
    }
    if (trace->missing_count < TRACE_MAX && path.size > 0) {
        trace->missing[trace->missing_count++] = path;
    }
}

static void tell_seen(
    struct trace *trace, struct str path, const struct json_in *value, int32_t limit) {
    for (uint32_t i = 0; i < trace->seen_count; i++) {
        if (trace->seen[i].value == value && str_eq(trace->seen[i].path, path)) {
            return;
        }
    }
    if (trace->seen_count < TRACE_MAX) {
        trace->seen[trace->seen_count].path = path;
        trace->seen[trace->seen_count].value = value;
        trace->seen[trace->seen_count++].limit = limit;
    }
}

static const struct json_in *walk(const struct json_in *from, struct str path) {
    const struct json_in *found = from;
    while (path.data != NULL && found) {
        found = json_in_find(found, str_cut(&path, '.'));
    }
    return found;
}

const struct json_in *facts_find(
    const struct facts *facts, const struct json_in *element, struct str path) {
    if (str_starts(path, STR("^."))) {
        return walk(facts->given, str_slice(path, 2, path.size));
    }
    return walk(element ? element : facts->given, path);
}

/* What a rule compares with: itself, or where it begins with `$` another fact or, with `$@`, a
 * member of the programme, its window or the type. NULL: not known. */
static const struct json_in *operand(const struct place *place, const struct json_in *value) {
    struct str name = json_in_text(value);
    if (!str_starts(name, STR("$"))) {
        return value;
    }
    const struct json_in *found = NULL;
    if (str_starts(name, STR("$@"))) {
        const struct json_in *root = programme_root(place->facts->programme);
        struct str path = str_slice(name, 2, name.size);
        if (str_starts(path, STR("type."))) {
            found = walk(place->facts->type, str_slice(path, 5, path.size));
        } else {
            found = walk(root, path);
            found = found ? found : walk(json_in_get(root, "window"), path);
        }
    } else {
        struct str path = str_slice(name, str_starts(name, STR("$^.")) ? 3 : 1, name.size);
        found = str_starts(name, STR("$^.")) ? walk(place->facts->given, path)
                                             : facts_find(place->facts, place->element, path);
        found = found ? found : walk(place->facts->given, path);
        if (found) {
            tell_seen(place->trace, path, found, DAY_NONE);
        }
    }
    if (!found) {
        tell_missing(
            place->trace, str_slice(name, str_starts(name, STR("$^.")) ? 3 : 1, name.size));
    }
    return found;
}

/* ---- Comparisons ---- */

/* A programme is also called by its name and its other names. */
static bool names_own_programme(const struct place *place, struct str value, struct str wanted) {
    const struct json_in *root = programme_root(place->facts->programme);
    if (!str_eq(wanted, programme_id(place->facts->programme))) {
        return false;
    }
    const struct json_in *aliases = json_in_get(root, "aliases");
    bool same = lexicon_same(value, json_in_text(json_in_get(root, "ko"))) ||
                lexicon_same(value, json_in_text(json_in_get(root, "en")));
    for (size_t i = 0; i < json_in_count(aliases) && !same; i++) {
        same = lexicon_same(value, json_in_text(json_in_at(aliases, i)));
    }
    return same;
}

/* "3" and 중간1 are one level; a level's word alone makes two texts levels. */
static bool is_same_level(const struct json_in *value, const struct json_in *choice) {
    double first = 0;
    double second = 0;
    bool level = lexicon_level(json_in_text(value)) > 0 || lexicon_level(json_in_text(choice)) > 0;
    return level && lexicon_number(value, &first) && lexicon_number(choice, &second) &&
           !(first < second) && !(first > second);
}

/* Equal to one of them; sizes by what they hold, so that 중소기업 is neither surely nor surely not
 * a 소기업. */
static enum truth is_one_of(
    const struct place *place, const struct json_in *value, const struct json_in *choices) {
    bool list = json_in_kind(choices) == JSON_KIND_LIST;
    size_t count = list ? json_in_count(choices) : 1;
    uint32_t sizes = lexicon_sizes(json_in_text(value));
    uint32_t wanted_sizes = 0;
    enum truth result = TRUTH_NO;
    for (size_t i = 0; i < count; i++) {
        const struct json_in *choice = operand(place, list ? json_in_at(choices, i) : choices);
        double number = 0;
        double wanted = 0;
        bool yes = false;
        struct str text = json_in_text(choice);
        wanted_sizes |= lexicon_sizes(text);
        enum truth same = TRUTH_NO;
        if (!choice) {
            same = TRUTH_UNKNOWN;
        } else if (json_in_kind(choice) == JSON_KIND_BOOL) {
            same = lexicon_yes(value, &yes) ? truth_of(yes == json_in_true(choice)) : TRUTH_UNKNOWN;
        } else if (json_in_kind(value) == JSON_KIND_BOOL) {
            same = lexicon_yes(choice, &yes) ? truth_of(yes == json_in_true(value)) : TRUTH_UNKNOWN;
        } else if (json_in_kind(value) == JSON_KIND_TEXT && text.size > 0) {
            same =
                truth_of(lexicon_same(json_in_text(value), text) || is_same_level(value, choice) ||
                         names_own_programme(place, json_in_text(value), text));
        } else {
            same = truth_of(lexicon_number(value, &number) && lexicon_number(choice, &wanted) &&
                            !(number < wanted) && !(number > wanted));
        }
        result = either(result, same);
    }
    if (result == TRUTH_NO && sizes != 0 && (sizes & wanted_sizes) != 0) {
        result = (sizes & ~wanted_sizes) == 0 ? TRUTH_YES : TRUTH_UNKNOWN;
    }
    return result;
}

static enum truth has_one_of(struct str text, const struct json_in *parts) {
    if (json_in_kind(parts) == JSON_KIND_TEXT) {
        return truth_of(lexicon_contains(text, json_in_text(parts)));
    }
    for (size_t i = 0; i < json_in_count(parts); i++) {
        if (lexicon_contains(text, json_in_text(json_in_at(parts, i)))) {
            return TRUTH_YES;
        }
    }
    return TRUTH_NO;
}

static enum truth address_is_within(const struct place *place, const struct json_in *value) {
    const struct json_in *region = json_in_get(programme_root(place->facts->programme), "region");
    const struct json_in *names = json_in_get(region, "names");
    struct str address = json_in_kind(value) == JSON_KIND_OBJECT
                             ? json_in_text(given_any(value, "address region 주소 소재지"))
                             : json_in_text(value);
    place->trace->region = true;
    if (address.size == 0 || json_in_count(names) == 0) {
        return TRUTH_UNKNOWN;
    }
    return truth_of(lexicon_in_region(address, names));
}

/* -1, 0 or 1 against at_least, at_most, more_than, less_than in this order. */
static bool holds(size_t op, int order) {
    const bool results[NUMBER_OPS] = {order >= 0, order <= 0, order > 0, order < 0};
    return results[op];
}

static int order_of(double a, double b) {
    return (a > b) - (a < b);
}

static enum truth compare_numbers(
    const struct place *place, const struct json_in *value, const struct json_in *with, size_t op) {
    double number = 0;
    double limit = 0;
    const struct json_in *other = operand(place, with);
    if (!lexicon_number(value, &number) || !lexicon_number(other, &limit)) {
        return TRUTH_UNKNOWN;
    }
    return truth_of(holds(op, order_of(number, limit)));
}

static int32_t plus(int32_t day, const struct json_in *more) {
    int64_t months = 0;
    int64_t years = 0;
    int64_t days = 0;
    (void)json_in_whole(json_in_get(more, "months"), &months);
    (void)json_in_whole(json_in_get(more, "years"), &years);
    (void)json_in_whole(json_in_get(more, "days"), &days);
    if (months < -1200 || months > 1200 || years < -100 || years > 100 || days < -36525 ||
        days > 36525) {
        return DAY_NONE;
    }
    int32_t moved =
        months + 12 * years == 0 ? day : day_add_months(day, (int)(months + 12 * years));
    return moved == DAY_NONE ? DAY_NONE : moved + (int32_t)days;
}

static enum truth compare_days(const struct place *place, const struct json_in *test,
    struct str path, const struct json_in *value, size_t op) {
    static const char *const OPS[DAY_OPS] = {"on_or_after", "on_or_before", "after", "before"};
    int32_t day = 0;
    int32_t limit = 0;
    const struct json_in *other = operand(place, json_in_get(test, OPS[op]));
    if (!day_parse(json_in_text(value), &day) || !day_parse(json_in_text(other), &limit)) {
        return TRUTH_UNKNOWN;
    }
    const struct json_in *more = json_in_get(test, "plus");
    limit = more ? plus(limit, more) : limit;
    if (limit == DAY_NONE) {
        return TRUTH_UNKNOWN;
    }
    if (more) {
        tell_seen(place->trace, path, value, limit);
    }
    return truth_of(holds(op, (day > limit) - (day < limit)));
}

/* All comparisons that the test states of one value. */
static enum truth compare(const struct place *place, const struct json_in *test, struct str path,
    const struct json_in *value) {
    static const char *const NUMBERS[NUMBER_OPS] = {
        "at_least", "at_most", "more_than", "less_than"};
    static const char *const DAYS[DAY_OPS] = {"on_or_after", "on_or_before", "after", "before"};
    enum truth result = TRUTH_YES;
    bool any = false;
    const struct json_in *with = json_in_get(test, "is");
    with = with ? with : json_in_get(test, "in");
    if (with) {
        any = true;
        result = is_one_of(place, value, with);
    }
    for (size_t op = 0; op < NUMBER_OPS; op++) {
        const struct json_in *limit = json_in_get(test, NUMBERS[op]);
        if (limit) {
            any = true;
            result = both(result, compare_numbers(place, value, limit, op));
        }
        if (json_in_get(test, DAYS[op])) {
            any = true;
            result = both(result, compare_days(place, test, path, value, op));
        }
    }
    if (json_in_get(test, "has")) {
        any = true;
        struct str text = json_in_text(value);
        result = both(
            result, text.size > 0 ? has_one_of(text, json_in_get(test, "has")) : TRUTH_UNKNOWN);
    }
    if (json_in_get(test, "within")) {
        any = true;
        result = both(result, address_is_within(place, value));
    }
    bool yes = false;
    if (!any) { // {"fact": PATH} alone: that it is so.
        result = lexicon_yes(value, &yes) ? truth_of(yes) : TRUTH_UNKNOWN;
    }
    return result;
}

static enum truth test_fact(const struct place *place, const struct json_in *test) {
    struct str path = json_in_text(json_in_get(test, "fact"));
    const struct json_in *value = facts_find(place->facts, place->element, path);
    if (json_in_kind(value) == JSON_KIND_NONE) {
        tell_missing(place->trace, path);
        return TRUTH_UNKNOWN;
    }
    enum truth result = TRUTH_NO;
    uint32_t missing = place->trace->missing_count;
    if (json_in_kind(value) != JSON_KIND_LIST) {
        result = compare(place, test, path, value);
    } else { // Of several addresses each must lie inside; else one element that fits is enough.
        bool every = json_in_get(test, "within") != NULL;
        result = truth_of(every && json_in_count(value) > 0);
        for (size_t i = 0; i < json_in_count(value); i++) {
            enum truth one = compare(place, test, path, json_in_at(value, i));
            result = every ? both(result, one) : either(result, one);
        }
    }
    // Where what it is compared with is missing, that was told; else nobody could read this one.
    if (result == TRUTH_UNKNOWN && place->trace->missing_count == missing) {
        tell_missing(place->trace, path);
    }
    tell_seen(place->trace, path, value, DAY_NONE);
    return result;
}

/* ---- Counting and logic ---- */

int64_t facts_weight(const struct json_in *element) {
    int64_t count = 1;
    if (!json_in_whole(json_in_get(element, "count"), &count) || count < 0) {
        return 1;
    }
    return count < COUNT_MAX ? count : COUNT_MAX;
}

/* Between `least` and `most` elements fit. */
static enum truth compare_counts(
    const struct place *place, const struct json_in *test, int64_t least, int64_t most) {
    static const char *const OPS[NUMBER_OPS] = {"at_least", "at_most", "more_than", "less_than"};
    enum truth result = TRUTH_YES;
    for (size_t op = 0; op < NUMBER_OPS; op++) {
        const struct json_in *with = json_in_get(test, OPS[op]);
        double limit = 0;
        if (!with) {
            continue;
        }
        if (!lexicon_number(operand(place, with), &limit)) {
            return TRUTH_UNKNOWN;
        }
        bool low = holds(op, order_of((double)least, limit));
        bool high = holds(op, order_of((double)most, limit));
        result = both(result, low == high ? truth_of(low) : TRUTH_UNKNOWN);
    }
    const struct json_in *is = json_in_get(test, "is");
    double wanted = 0;
    if (is && lexicon_number(operand(place, is), &wanted)) {
        bool may = (double)least <= wanted && wanted <= (double)most;
        result = both(result, !may ? TRUTH_NO : least == most ? TRUTH_YES : TRUTH_UNKNOWN);
    } else if (is) {
        result = both(result, TRUTH_UNKNOWN);
    }
    return result;
}

static enum truth test_at(const struct place *place, const struct json_in *test, int depth);

static enum truth test_count(const struct place *place, const struct json_in *test, int depth) {
    struct str path = json_in_text(json_in_get(test, "count"));
    const struct json_in *list = facts_find(place->facts, place->element, path);
    const struct json_in *where = json_in_get(test, "where");
    int64_t least = 0;
    int64_t most = 0;
    bool stated = json_in_whole(list, &least) && !where; // {"experts": 3}
    if (!stated && json_in_kind(list) != JSON_KIND_LIST) {
        tell_missing(place->trace, path);
        return TRUTH_UNKNOWN;
    }
    most = least;
    struct trace inside = {0};
    for (size_t i = 0; i < json_in_count(list); i++) {
        const struct json_in *element = json_in_at(list, i);
        struct place there = {place->facts, element, &inside};
        enum truth fits = where ? test_at(&there, where, depth + 1) : TRUTH_YES;
        least += fits == TRUTH_YES ? facts_weight(element) : 0;
        most += fits != TRUTH_NO ? facts_weight(element) : 0;
    }
    enum truth result = compare_counts(place, test, least, most);
    if (result == TRUTH_UNKNOWN) {
        tell_missing(place->trace, path);
        for (uint32_t i = 0; i < inside.missing_count; i++) {
            tell_missing(place->trace, inside.missing[i]);
        }
    }
    tell_seen(place->trace, path, list, DAY_NONE);
    return result;
}

static enum truth test_several(
    const struct place *place, const struct json_in *tests, bool all, int depth) {
    enum truth result = truth_of(all);
    for (size_t i = 0; i < json_in_count(tests); i++) {
        enum truth one = test_at(place, json_in_at(tests, i), depth + 1);
        result = all ? both(result, one) : either(result, one);
    }
    return result;
}

/* The first that is known decides. What the ones before it missed is missed only if none is. */
static enum truth test_first(const struct place *place, const struct json_in *tests, int depth) {
    for (size_t i = 0; i < json_in_count(tests); i++) {
        enum truth one = test_at(place, json_in_at(tests, i), depth + 1);
        if (one != TRUTH_UNKNOWN) {
            return one;
        }
    }
    return TRUTH_UNKNOWN;
}

/* Nests as deep as the test does, at most FACTS_DEPTH_MAX. */
static enum truth test_at(const struct place *place, const struct json_in *test, int depth) {
    if (depth >= FACTS_DEPTH_MAX) {
        return TRUTH_UNKNOWN;
    }
    if (json_in_kind(test) == JSON_KIND_BOOL) {
        return truth_of(json_in_true(test));
    }
    if (json_in_get(test, "first")) {
        return test_first(place, json_in_get(test, "first"), depth);
    }
    if (json_in_get(test, "fact")) {
        return test_fact(place, test);
    }
    if (json_in_get(test, "all")) {
        return test_several(place, json_in_get(test, "all"), true, depth);
    }
    if (json_in_get(test, "any")) {
        return test_several(place, json_in_get(test, "any"), false, depth);
    }
    if (json_in_get(test, "not")) {
        return (enum truth)(-(int)test_at(place, json_in_get(test, "not"), depth + 1));
    }
    if (json_in_get(test, "if")) {
        enum truth first = test_at(place, json_in_get(test, "if"), depth + 1);
        if (first == TRUTH_NO) {
            return TRUTH_YES;
        }
        enum truth then = test_at(place, json_in_get(test, "then"), depth + 1);
        return either((enum truth)(-(int)first), then);
    }
    if (json_in_get(test, "count")) {
        return test_count(place, test, depth);
    }
    return TRUTH_UNKNOWN;
}

enum truth facts_test(const struct facts *facts, const struct json_in *element,
    const struct json_in *test, struct trace *trace) {
    struct place place = {facts, element, trace};
    return test_at(&place, test, 0);
}

/* ---- The rest ---- */

int facts_open(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct facts *ret_facts, struct err *err) {
    struct json_in *given = NULL;
    int status = given_make(input, &given, err);
    if (status < 0) {
        return status;
    }
    *ret_facts = (struct facts){.programme = programme, .type = type, .given = given};
    return 0;
}

void facts_close(struct facts *facts) {
    json_in_free(facts->given);
    facts->given = NULL;
}

struct str facts_option(
    const struct programme *programme, const struct json_in *input, struct str name) {
    struct str chosen = json_in_text(json_in_find(json_in_get(input, "options"), name));
    const struct json_in *list = json_in_get(programme_root(programme), "discrepancies");
    for (size_t i = 0; i < json_in_count(list) && chosen.size == 0; i++) {
        const struct json_in *option = json_in_get(json_in_at(list, i), "option");
        if (str_eq(json_in_text(json_in_get(option, "name")), name)) {
            chosen = json_in_text(json_in_get(option, "default"));
        }
    }
    return chosen;
}

void trace_put_missing(const struct trace *trace, struct buf *out) {
    for (uint32_t i = 0; i < trace->missing_count; i++) {
        buf_put_str(out, i > 0 ? STR(", ") : STR_NONE);
        buf_put_str(out, trace->missing[i]);
    }
}

void trace_put_seen(const struct trace *trace, struct buf *out) {
    for (uint32_t i = 0; i < trace->seen_count; i++) {
        const struct json_in *value = trace->seen[i].value;
        enum json_kind kind = json_in_kind(value);
        buf_put_str(out, i > 0 ? STR(", ") : STR_NONE);
        buf_put_str(out, trace->seen[i].path);
        buf_put_str(out, STR(": "));
        if (kind == JSON_KIND_TEXT) {
            buf_put_str(out, json_in_text(value));
        } else if (kind == JSON_KIND_LIST) {
            int64_t count = 0;
            for (size_t e = 0; e < json_in_count(value); e++) {
                count += facts_weight(json_in_at(value, e));
            }
            buf_put_i64(out, count);
        } else {
            json_in_put(value, out);
        }
        if (trace->seen[i].limit != DAY_NONE) {
            char text[DAY_TEXT_MAX];
            buf_put_str(out, STR(" / "));
            buf_put_str(out, (struct str){text, day_text(trace->seen[i].limit, text)});
        }
    }
}
