/*
 * The validator. A programme is written by people from an announcement that may contradict itself,
 * so the check looks for what would make the desk compute something nobody meant: members with a
 * slip in their name, references that lead nowhere, sheets and shares that do not add up, steps
 * that nobody does. A contradiction that the announcement itself has is no fault where the document
 * names the note about it (`total_note`); without a note it is.
 */
#include "programme/check.h"

#include "core/buf.h"
#include "programme/check_shape.h"
#include "programme/day.h"
#include "programme/won.h"
#include "programme/words.h"

struct check {
    const struct programme *programme;
    const struct json_in *root;
    int (*tell)(void *context, const struct finding *finding, struct err *err);
    void *context;
    struct err *err;
    int faults;
    int status;
};

enum { WHERE_BYTES = 160 };

/* "types[2].cap": list and index may be left out. */
static void found(struct check *check, bool is_fault, const char *list, size_t index,
    const char *member, enum msg_id msg, const struct arg *args) {
    AUTO_BUF struct buf where;
    buf_init(&where, WHERE_BYTES);
    buf_put_str(&where, str_of(list));
    if (index != SIZE_MAX) {
        buf_printf(&where, "[%zu]", index);
    }
    if (member) {
        buf_put_str(&where, list[0] ? STR(".") : STR_NONE);
        buf_put_str(&where, str_of(member));
    }
    struct finding finding = {is_fault, buf_str(&where), msg, args};
    check->faults += is_fault ? 1 : 0;
    if (check->status >= 0) {
        check->status = check->tell(check->context, &finding, check->err);
    }
}

static void fault(struct check *check, const char *list, size_t index, const char *member,
    enum msg_id msg, const struct arg *args) {
    found(check, true, list, index, member, msg, args);
}

static int64_t whole(const struct json_in *object, const char *name) {
    int64_t value = 0;
    (void)json_in_whole(json_in_get(object, name), &value);
    return value;
}

static struct str text(const struct json_in *object, const char *name) {
    return json_in_text(json_in_get(object, name));
}

static bool one_of(struct str word, const char *words) {
    struct str rest = str_of(words);
    while (rest.size > 0) {
        if (str_eq(str_cut(&rest, ' '), word)) {
            return true;
        }
    }
    return false;
}

/* ---- Types ---- */

static void check_amounts(struct check *check, size_t at, const struct json_in *type) {
    const struct json_in *fixed = json_in_get(type, "fixed");
    int32_t rate = 0;
    int64_t cap = whole(type, "cap");
    if (cap <= 0) {
        fault(check, "types", at, "cap", SAY_DESK(CHECK_CAP), NO_ARGS);
    }
    if (fixed) {
        int64_t grant = whole(fixed, "grant");
        int64_t parts = whole(fixed, "government") + whole(fixed, "local");
        if (grant + whole(fixed, "company") != whole(fixed, "total")) {
            fault(check, "types", at, "fixed", SAY_DESK(CHECK_FIXED),
                ARGS(A_INT(grant), A_INT(whole(fixed, "company")), A_INT(whole(fixed, "total"))));
        }
        if (grant > cap || (parts > 0 && parts != grant)) {
            fault(check, "types", at, "fixed.grant", SAY_DESK(CHECK_OVER_CAP),
                ARGS(A_INT(grant), A_INT(cap)));
        }
        return;
    }
    if (!one_of(text(type, "base"), "total_cost cash_without_labour supply_price cost")) {
        fault(check, "types", at, "base", SAY_DESK(CHECK_WORD),
            ARGS(A_STR(text(type, "base")),
                A_CSTR("total_cost, cash_without_labour, supply_price, cost")));
    }
    for (size_t i = 0; i < 3; i++) {
        const char *name = (const char *const[]){"rate", "rate_min", "rate_max"}[i];
        if (json_in_get(type, name) && !rate_of(json_in_get(type, name), &rate)) {
            fault(check, "types", at, name, SAY_DESK(SUBSIDY_RATE), NO_ARGS);
        }
    }
    int32_t low = 0;
    int32_t high = RATE_ONE;
    if ((json_in_get(type, "rate_min") || json_in_get(type, "rate_max")) &&
        (!rate_of(json_in_get(type, "rate_min"), &low) ||
            !rate_of(json_in_get(type, "rate_max"), &high) || low > high)) {
        fault(check, "types", at, "rate_min", SAY_DESK(CHECK_RANGE), NO_ARGS);
    }
}

static void check_shares(struct check *check, size_t at, const struct json_in *type) {
    const struct json_in *shares = json_in_get(type, "shares");
    size_t next = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    int64_t sum = 0;
    while (json_in_next(shares, &next, &name, &value)) {
        int32_t rate = 0;
        if (!rate_of(value, &rate)) {
            fault(check, "types", at, "shares", SAY_DESK(SUBSIDY_RATE), NO_ARGS);
        }
        sum += rate;
    }
    if (shares && sum != RATE_ONE) {
        char percent[16];
        (void)rate_text((int32_t)sum, percent);
        fault(check, "types", at, "shares", SAY_DESK(CHECK_SHARES), ARGS(A_CSTR(percent)));
    }
    const struct json_in *raised = json_in_get(type, "raised");
    if (raised && !programme_find(check->programme, "types", text(raised, "type"))) {
        fault(check, "types", at, "raised.type", SAY_DESK(CHECK_NOWHERE),
            ARGS(A_STR(text(raised, "type")), A_CSTR("types")));
    }
}

static void check_types(struct check *check) {
    const struct json_in *types = json_in_get(check->root, "types");
    bool is_umbrella = str_eq(text(check->root, "kind"), STR("umbrella"));
    if (!is_umbrella && json_in_count(types) == 0) {
        fault(check, "types", SIZE_MAX, NULL, SAY_DESK(CHECK_NO_TYPES), NO_ARGS);
    }
    for (size_t i = 0; i < json_in_count(types); i++) {
        const struct json_in *type = json_in_at(types, i);
        check_amounts(check, i, type);
        check_shares(check, i, type);
        const struct json_in *term = json_in_get(type, "term");
        if (term && (whole(term, "months") < 1 || whole(term, "months") > 120 ||
                        whole(term, "extension_max") < 0)) {
            fault(check, "types", i, "term", SAY_DESK(TERM_MONTHS), NO_ARGS);
        }
    }
}

/* ---- Steps, documents, deadlines ---- */

static bool has_stage(const struct check *check, struct str stage) {
    const struct json_in *documents = json_in_get(check->root, "documents");
    for (size_t i = 0; i < json_in_count(documents); i++) {
        if (str_eq(text(json_in_at(documents, i), "stage"), stage)) {
            return true;
        }
    }
    return false;
}

static void check_step(struct check *check, size_t at, const struct json_in *step) {
    if (!one_of(text(step, "kind"), CHECK_STEP_KINDS)) {
        fault(check, "steps", at, "kind", SAY_DESK(CHECK_WORD),
            ARGS(A_STR(text(step, "kind")), A_CSTR(CHECK_STEP_KINDS)));
    }
    if (json_in_count(json_in_get(step, "by")) == 0) {
        fault(check, "steps", at, "by", SAY_DESK(CHECK_NO_ACTOR), ARGS(A_STR(text(step, "ko"))));
    }
    struct str stage = text(step, "documents");
    if (stage.size > 0 && !has_stage(check, stage)) {
        fault(check, "steps", at, "documents", SAY_DESK(CHECK_NOWHERE),
            ARGS(A_STR(stage), A_CSTR("documents")));
    }
    struct str deadline = text(step, "deadline");
    if (deadline.size > 0 && !programme_find(check->programme, "deadlines", deadline)) {
        fault(check, "steps", at, "deadline", SAY_DESK(CHECK_NOWHERE),
            ARGS(A_STR(deadline), A_CSTR("deadlines")));
    }
}

static void check_steps(struct check *check) {
    const struct json_in *steps = json_in_get(check->root, "steps");
    int64_t number = 0;
    bool agreed = false;
    for (size_t i = 0; i < json_in_count(steps); i++) {
        const struct json_in *step = json_in_at(steps, i);
        check_step(check, i, step);
        if (whole(step, "no") < number) {
            fault(check, "steps", i, "no", SAY_DESK(CHECK_ORDER), NO_ARGS);
        }
        number = whole(step, "no");
        agreed = agreed || str_eq(text(step, "kind"), STR("agree"));
        if (!agreed && str_eq(text(step, "kind"), STR("pay"))) {
            fault(check, "steps", i, "kind", SAY_DESK(CHECK_PAY_FIRST), NO_ARGS);
        }
    }
}

static void check_documents(struct check *check) {
    const struct json_in *documents = json_in_get(check->root, "documents");
    for (size_t i = 0; i < json_in_count(documents); i++) {
        const struct json_in *document = json_in_at(documents, i);
        int64_t age = whole(document, "max_age_months");
        if (!one_of(text(document, "stage"), "application payment plan completion")) {
            fault(check, "documents", i, "stage", SAY_DESK(CHECK_WORD),
                ARGS(A_STR(text(document, "stage")),
                    A_CSTR("application, payment, plan, completion")));
        }
        if (age < 0 || age > 120) {
            fault(check, "documents", i, "max_age_months", SAY_DESK(TERM_MONTHS), NO_ARGS);
        }
    }
}

static void check_deadlines(struct check *check) {
    const struct json_in *deadlines = json_in_get(check->root, "deadlines");
    for (size_t i = 0; i < json_in_count(deadlines); i++) {
        const struct json_in *rule = json_in_at(deadlines, i);
        int units = 0;
        for (size_t k = 0; k < 4; k++) {
            units += json_in_get(rule,
                         (const char *const[]){"days", "weeks", "months", "years"}[k]) != NULL;
        }
        if (units != 1) {
            fault(check, "deadlines", i, NULL, SAY_DESK(CHECK_UNIT), NO_ARGS);
        }
        if (!one_of(text(rule, "from"), CHECK_EVENTS)) {
            fault(check, "deadlines", i, "from", SAY_DESK(CHECK_WORD),
                ARGS(A_STR(text(rule, "from")), A_CSTR(CHECK_EVENTS)));
        }
        struct str miss = text(rule, "on_miss");
        if (miss.size > 0 && !one_of(miss, "cancel may_cancel")) {
            fault(check, "deadlines", i, "on_miss", SAY_DESK(CHECK_WORD),
                ARGS(A_STR(miss), A_CSTR("cancel, may_cancel")));
        }
    }
}

static void check_window(struct check *check) {
    const struct json_in *window = json_in_get(check->root, "window");
    int64_t opens = 0;
    int64_t closes = 0;
    bool has_time = false;
    if (!window) {
        return;
    }
    if (!moment_parse(text(window, "opens"), &opens, &has_time)) {
        fault(check, "window", SIZE_MAX, "opens", SAY_DESK(PROGRAMME_DAY), ARGS(A_CSTR("opens")));
    }
    if (json_in_get(window, "closes") &&
        !moment_parse(text(window, "closes"), &closes, &has_time)) {
        fault(check, "window", SIZE_MAX, "closes", SAY_DESK(PROGRAMME_DAY), ARGS(A_CSTR("closes")));
    } else if (json_in_get(window, "closes") && closes < opens) {
        fault(check, "window", SIZE_MAX, "closes", SAY_DESK(CHECK_CLOSES), NO_ARGS);
    } else if (!json_in_get(window, "closes") && !json_in_true(json_in_get(window, "rolling"))) {
        fault(check, "window", SIZE_MAX, "closes", SAY_DESK(CHECK_NO_CLOSE), NO_ARGS);
    }
}

/* ---- Scoring and selection ---- */

static void check_item(
    struct check *check, size_t area, const struct json_in *item, size_t grade_words) {
    const struct json_in *grades = json_in_get(item, "grades");
    int64_t points = whole(item, "points");
    if (points < 1) {
        fault(check, "sheet.areas", area, "items.points", SAY_DESK(CHECK_POINTS),
            ARGS(A_STR(text(item, "ko"))));
    }
    if (grades && grade_words > 0 && json_in_count(grades) != grade_words) {
        fault(check, "sheet.areas", area, "items.grades", SAY_DESK(CHECK_GRADES),
            ARGS(A_STR(text(item, "ko")), A_INT(grade_words)));
    }
    for (size_t i = 0; i < json_in_count(grades); i++) {
        int64_t value = 0;
        if (!json_in_whole(json_in_at(grades, i), &value) || value < 0 || value > points) {
            fault(check, "sheet.areas", area, "items.grades", SAY_DESK(CHECK_GRADE),
                ARGS(A_STR(text(item, "ko")), A_INT(points)));
        }
    }
}

static void check_sheet(struct check *check) {
    const struct json_in *sheet = json_in_get(check->root, "sheet");
    const struct json_in *areas = json_in_get(sheet, "areas");
    size_t grade_words = json_in_count(json_in_get(sheet, "grades"));
    struct str note = text(sheet, "total_note");
    bool noted = note.size > 0 && programme_find(check->programme, "discrepancies", note);
    int64_t sum = 0;
    for (size_t i = 0; i < json_in_count(areas); i++) {
        const struct json_in *area = json_in_at(areas, i);
        const struct json_in *items = json_in_get(area, "items");
        int64_t of_area = 0;
        for (size_t k = 0; k < json_in_count(items); k++) {
            check_item(check, i, json_in_at(items, k), grade_words);
            of_area += whole(json_in_at(items, k), "points");
        }
        if (json_in_get(area, "points") && of_area != whole(area, "points")) {
            found(check, !noted, "sheet.areas", i, "points", SAY_DESK(CHECK_AREA_SUM),
                ARGS(A_STR(text(area, "ko")), A_INT(of_area), A_INT(whole(area, "points"))));
        }
        sum += of_area;
    }
    if (json_in_get(sheet, "total") && sum != whole(sheet, "total")) {
        found(check, !noted, "sheet", SIZE_MAX, "total", SAY_DESK(CHECK_SHEET_SUM),
            ARGS(A_INT(sum), A_INT(whole(sheet, "total"))));
    }
    const struct json_in *pass = json_in_get(check->root, "pass");
    int64_t bonus = whole(json_in_get(check->root, "bonus"), "cap");
    if (sheet && pass && whole(pass, "mark") > sum + bonus) {
        fault(check, "pass", SIZE_MAX, "mark", SAY_DESK(CHECK_PASS),
            ARGS(A_INT(whole(pass, "mark")), A_INT(sum + bonus)));
    }
}

static void check_bonus(struct check *check) {
    const struct json_in *items = json_in_get(json_in_get(check->root, "bonus"), "items");
    for (size_t i = 0; i < json_in_count(items); i++) {
        const struct json_in *item = json_in_at(items, i);
        struct str document = text(item, "document");
        if (document.size > 0 && !programme_find(check->programme, "documents", document)) {
            fault(check, "bonus.items", i, "document", SAY_DESK(CHECK_NOWHERE),
                ARGS(A_STR(document), A_CSTR("documents")));
        }
        if (whole(item, "points") < 1) {
            fault(check, "bonus.items", i, "points", SAY_DESK(CHECK_POINTS),
                ARGS(A_STR(text(item, "ko"))));
        }
    }
}

static void check_words_of(
    struct check *check, const struct json_in *list, const char *member, const char *known) {
    for (size_t i = 0; i < json_in_count(list); i++) {
        struct str word = json_in_text(json_in_at(list, i));
        if (!one_of(word, known)) {
            fault(check, "selection", SIZE_MAX, member, SAY_DESK(CHECK_WORD),
                ARGS(A_STR(word), A_CSTR(known)));
        }
    }
}

static void check_selection(struct check *check) {
    const struct json_in *selection = json_in_get(check->root, "selection");
    if (!selection) {
        return;
    }
    check_words_of(check, json_in_get(selection, "keys"), "keys", "type score received");
    check_words_of(check, json_in_get(selection, "ties"), "ties", "women_owned history fit");
    const struct json_in *types = json_in_get(selection, "types");
    for (size_t i = 0; i < json_in_count(types); i++) {
        struct str id = json_in_text(json_in_at(types, i));
        if (!programme_find(check->programme, "types", id)) {
            fault(check, "selection", SIZE_MAX, "types", SAY_DESK(CHECK_NOWHERE),
                ARGS(A_STR(id), A_CSTR("types")));
        }
    }
    struct str option = text(selection, "tie_option");
    if (option.size > 0 &&
        !json_in_get(programme_find(check->programme, "discrepancies", option), "option")) {
        fault(check, "selection", SIZE_MAX, "tie_option", SAY_DESK(CHECK_NOWHERE),
            ARGS(A_STR(option), A_CSTR("discrepancies")));
    }
}

/* ---- After the award ---- */

static void check_clawback(struct check *check) {
    const struct json_in *causes = json_in_get(json_in_get(check->root, "clawback"), "causes");
    for (size_t i = 0; i < json_in_count(causes); i++) {
        if (!one_of(text(json_in_at(causes, i), "party"), "adopter supplier either")) {
            fault(check, "clawback.causes", i, "party", SAY_DESK(CHECK_WORD),
                ARGS(A_STR(text(json_in_at(causes, i), "party")),
                    A_CSTR("adopter, supplier, either")));
        }
    }
    bool region = json_in_count(json_in_get(json_in_get(check->root, "region"), "names")) > 0;
    if (!region && list_find(causes, STR("factory_moved"))) {
        fault(check, "region", SIZE_MAX, "names", SAY_DESK(CHECK_REGION), NO_ARGS);
    }
    const struct json_in *duties = json_in_get(check->root, "duties");
    for (size_t i = 0; i < json_in_count(duties); i++) {
        struct str from = text(json_in_at(duties, i), "from");
        if (from.size > 0 && !one_of(from, CHECK_EVENTS)) {
            fault(check, "duties", i, "from", SAY_DESK(CHECK_WORD),
                ARGS(A_STR(from), A_CSTR(CHECK_EVENTS)));
        }
    }
}

static int tell_shape(void *context, const struct finding *finding, struct err *err) {
    struct check *check = context;
    (void)err;
    check->faults += finding->is_fault ? 1 : 0;
    if (check->status >= 0) {
        check->status = check->tell(check->context, finding, check->err);
    }
    return check->status;
}

int programme_check(const struct programme *programme,
    int (*tell)(void *context, const struct finding *finding, struct err *err), void *context,
    struct err *err) {
    struct check check = {.programme = programme,
        .root = programme_root(programme),
        .tell = tell,
        .context = context,
        .err = err};
    if (!one_of(text(check.root, "kind"), "programme umbrella")) {
        fault(&check, "", SIZE_MAX, "kind", SAY_DESK(CHECK_WORD),
            ARGS(A_STR(text(check.root, "kind")), A_CSTR("programme, umbrella")));
    }
    if (!one_of(text(check.root, "state"), "open details_pending continuing")) {
        fault(&check, "", SIZE_MAX, "state", SAY_DESK(CHECK_WORD),
            ARGS(A_STR(text(check.root, "state")), A_CSTR("open, details_pending, continuing")));
    }
    (void)check_shape(check.root, tell_shape, &check, err);
    check_window(&check);
    check_types(&check);
    check_documents(&check);
    check_steps(&check);
    check_deadlines(&check);
    check_sheet(&check);
    check_bonus(&check);
    check_selection(&check);
    check_clawback(&check);
    return check.status < 0 ? check.status : check.faults;
}
