/*
 * Points on a printed sheet.
 *
 * Points are whole hundredths, so that sums and means are exact until a mean is rounded, once, to
 * two decimals (C-14). A value that is not printed on the sheet is refused and nothing is added up:
 * a total with a wrong part in it would look like a result. A missing item leaves the sum of what
 * is there but no verdict, since silence is not zero. Where the items of a sheet do not add up to
 * what it states, the items count and the gap is told.
 *
 * A failed check decides whatever the score; a bonus enters after its own cap (C-9).
 */

#include "core/mem.h"
#include "programme/bonus.h"
#include "programme/given.h"
#include "programme/lexicon.h"
#include "programme/points.h"
#include "programme/verbs.h"
#include "programme/words.h"

enum { ITEMS_MAX = 200, SHEETS_MAX = 50, NAMES_BYTES = 4096, TRIM_FROM = 5, NOT_GIVEN = -1 };

/* An item of the sheet. */
struct item {
    const struct json_in *element;
    size_t area;
    int64_t points; // Hundredths.
};

struct sheet {
    const struct programme *programme;
    const struct json_in *json; // The programme's "sheet"; NULL: it has none.
    struct answer *answer;
    struct item items[ITEMS_MAX];
    size_t item_count;
    bool is_off;     // A value that is not on the sheet was given.
    bool is_missing; // An item was not graded.
};

/* One evaluator's. */
struct graded {
    int64_t points[ITEMS_MAX]; // NOT_GIVEN: not graded.
    int64_t sum;
    bool is_left_out; // By trimming.
};

static struct str text_of(const struct json_in *element, const char *name) {
    return json_in_text(json_in_get(element, name));
}

static int sheet_read(struct sheet *sheet, struct err *err) {
    const struct json_in *areas = json_in_get(sheet->json, "areas");
    for (size_t a = 0; a < json_in_count(areas); a++) {
        const struct json_in *items = json_in_get(json_in_at(areas, a), "items");
        for (size_t i = 0; i < json_in_count(items); i++) {
            if (sheet->item_count == ITEMS_MAX) {
                return err_set(err, ERR_LIMIT, SAY_DESK(SCORE_SHAPE),
                    ARGS(A_CSTR("sheet"), A_CSTR("[0..200]")));
            }
            const struct json_in *element = json_in_at(items, i);
            struct item *item = &sheet->items[sheet->item_count];
            *item = (struct item){.element = element, .area = a};
            if (points_of(json_in_get(element, "points"), &item->points)) {
                sheet->item_count++;
            }
        }
    }
    return 0;
}

/* ---- Grades ---- */

static size_t find_item(const struct sheet *sheet, struct str name) {
    for (size_t i = 0; i < sheet->item_count; i++) {
        const struct json_in *element = sheet->items[i].element;
        if (str_eq(text_of(element, "id"), name)) {
            return i;
        }
    }
    for (size_t i = 0; i < sheet->item_count; i++) {
        const struct json_in *element = sheet->items[i].element;
        if (lexicon_same(text_of(element, "ko"), name) ||
            lexicon_same(text_of(element, "en"), name)) {
            return i;
        }
    }
    return ITEMS_MAX;
}

/* The place of a grade's word: as the sheet prints it, or in English. */
static size_t grade_place(const struct sheet *sheet, struct str word) {
    static const char *const ENGLISH[] = {
        "excellent", "good", "fair", "poor", "very poor", "average", "below average"};
    static const size_t PLACES[] = {0, 1, 2, 3, 4, 2, 3};
    const struct json_in *words = json_in_get(sheet->json, "grades");
    for (size_t i = 0; i < json_in_count(words); i++) {
        const struct json_in *one = json_in_at(words, i);
        if (lexicon_same(word, json_in_text(one)) || lexicon_same(word, text_of(one, "ko")) ||
            lexicon_same(word, text_of(one, "en"))) {
            return i;
        }
    }
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0] && json_in_count(words) == 5; i++) {
        if (lexicon_same(word, str_of(ENGLISH[i]))) {
            return PLACES[i];
        }
    }
    return SIZE_MAX;
}

/* False: no value of this item. */
static bool grade_of(const struct sheet *sheet, const struct item *item,
    const struct json_in *value, int64_t *ret_points) {
    const struct json_in *grades = json_in_get(item->element, "grades");
    struct str word = json_in_text(value);
    size_t place = word.size > 0 ? grade_place(sheet, word) : SIZE_MAX;
    if (place < json_in_count(grades)) {
        return points_of(json_in_at(grades, place), ret_points);
    }
    int64_t points = 0;
    if (!points_of(value, &points)) {
        return false;
    }
    bool allowed = json_in_count(grades) == 0 && points >= 0 && points <= item->points;
    for (size_t i = 0; i < json_in_count(grades) && !allowed; i++) {
        int64_t one = 0;
        allowed = points_of(json_in_at(grades, i), &one) && one == points;
    }
    if (allowed) {
        *ret_points = points;
    }
    return allowed;
}

static void put_allowed(const struct sheet *sheet, const struct item *item, struct buf *out) {
    const struct json_in *grades = json_in_get(item->element, "grades");
    const struct json_in *words = json_in_get(sheet->json, "grades");
    char text[POINTS_TEXT_MAX];
    for (size_t i = 0; i < json_in_count(grades); i++) {
        int64_t points = 0;
        (void)points_of(json_in_at(grades, i), &points);
        buf_put_str(out, i > 0 ? STR("-") : STR_NONE);
        buf_put_str(out, (struct str){text, points_text(points, text)});
    }
    for (size_t i = 0; i < json_in_count(words) && json_in_count(grades) > 0; i++) {
        buf_put_str(out, i > 0 ? STR(", ") : STR(" ("));
        buf_put_str(out, json_in_text(json_in_at(words, i)));
        buf_put_str(out, i + 1 == json_in_count(words) ? STR(")") : STR_NONE);
    }
    if (json_in_count(grades) == 0) {
        buf_put_str(out, STR("0 ~ "));
        buf_put_str(out, (struct str){text, points_text(item->points, text)});
    }
}

static void refuse_grade(struct sheet *sheet, const struct item *item, const struct json_in *value,
    struct str evaluator) {
    AUTO_BUF struct buf allowed;
    AUTO_BUF struct buf given;
    buf_init(&allowed, NAMES_BYTES);
    buf_init(&given, NAMES_BYTES);
    put_allowed(sheet, item, &allowed);
    json_in_put(value, &given);
    answer_refuse_named(sheet->answer, item->element, text_of(sheet->json, "src"),
        SAY_DESK(SCORE_OFF_SHEET),
        ARGS(A_STR(text_of(item->element, "ko")), A_STR(buf_str(&given)), A_STR(buf_str(&allowed)),
            A_STR(evaluator)));
    sheet->is_off = true;
}

/* "김평가: " in front of what is said about one of several sheets. */
static void grade_items(struct sheet *sheet, const struct json_in *grades, struct str evaluator,
    struct graded *graded) {
    for (size_t i = 0; i < sheet->item_count; i++) {
        graded->points[i] = NOT_GIVEN;
    }
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    bool seen[ITEMS_MAX] = {false};
    while (json_in_next(grades, &at, &name, &value)) {
        size_t found = find_item(sheet, name);
        if (found == ITEMS_MAX || seen[found]) {
            answer_refuse(sheet->answer, name, text_of(sheet->json, "src"),
                found == ITEMS_MAX ? SAY_DESK(SCORE_ITEM_UNKNOWN) : SAY_DESK(SCORE_ITEM_TWICE),
                ARGS(A_STR(name), A_STR(evaluator)));
            sheet->is_off = true;
            continue;
        }
        if (json_in_kind(value) == JSON_KIND_NONE) {
            continue;
        }
        seen[found] = true;
        if (!grade_of(sheet, &sheet->items[found], value, &graded->points[found])) {
            refuse_grade(sheet, &sheet->items[found], value, evaluator);
        }
    }
    AUTO_BUF struct buf missing;
    buf_init(&missing, NAMES_BYTES);
    for (size_t i = 0; i < sheet->item_count; i++) {
        graded->sum += graded->points[i] == NOT_GIVEN ? 0 : graded->points[i];
        if (!seen[i]) {
            buf_put_str(&missing, missing.size > 0 ? STR(", ") : STR_NONE);
            buf_put_str(&missing, text_of(sheet->items[i].element, "ko"));
        }
    }
    if (missing.size > 0) {
        sheet->is_missing = true;
        answer_refuse(sheet->answer, STR("sheet"), text_of(sheet->json, "src"),
            SAY_DESK(SCORE_MISSING), ARGS(A_STR(buf_str(&missing)), A_STR(evaluator)));
    }
}

/* ---- Several evaluators ---- */

static bool is_submitted(const struct json_in *sheet) {
    bool submitted = true;
    return !lexicon_yes(json_in_get(sheet, "submitted"), &submitted) || submitted;
}

/* Whether the evaluator of sheet `at` submitted an earlier one too: nobody counts twice. */
static bool has_filed(const struct json_in *sheets, size_t at) {
    struct str evaluator = text_of(json_in_at(sheets, at), "evaluator");
    for (size_t i = 0; evaluator.size > 0 && i < at; i++) {
        const struct json_in *other = json_in_at(sheets, i);
        if (is_submitted(other) && str_eq(text_of(other, "evaluator"), evaluator)) {
            return true;
        }
    }
    return false;
}

/* Leaves out one of the highest and one of the lowest sums. */
static size_t trim(struct graded *graded, size_t count) {
    size_t low = 0;
    size_t high = 0;
    for (size_t i = 1; i < count; i++) {
        low = graded[i].sum < graded[low].sum ? i : low;
        high = graded[i].sum >= graded[high].sum ? i : high;
    }
    graded[low].is_left_out = true;
    graded[high == low ? (low + 1) % count : high].is_left_out = true;
    return count - 2;
}

/* The mean in hundredths, half a hundredth up. */
static int64_t mean(int64_t sum, size_t count) {
    return count == 0 ? 0 : (2 * sum + (int64_t)count) / (2 * (int64_t)count);
}

struct result {
    int64_t items;
    int64_t per_item[ITEMS_MAX];
    int64_t areas[ITEMS_MAX];
    bool given[ITEMS_MAX];
};

static void combine(
    const struct sheet *sheet, const struct graded *graded, size_t count, struct result *result) {
    int64_t sum = 0;
    size_t used = 0;
    for (size_t g = 0; g < count; g++) {
        sum += graded[g].is_left_out ? 0 : graded[g].sum;
        used += !graded[g].is_left_out;
    }
    result->items = mean(sum, used);
    int64_t areas[ITEMS_MAX] = {0};
    for (size_t i = 0; i < sheet->item_count; i++) {
        int64_t item = 0;
        for (size_t g = 0; g < count; g++) {
            int64_t points = graded[g].points[i];
            bool counts = !graded[g].is_left_out && points != NOT_GIVEN;
            item += counts ? points : 0;
            result->given[i] = result->given[i] || counts;
        }
        result->per_item[i] = mean(item, used);
        areas[sheet->items[i].area] += item;
    }
    for (size_t a = 0; a < ITEMS_MAX; a++) {
        result->areas[a] = mean(areas[a], used);
    }
}

/* 1: graded; 0: nothing was given. */
static int grade_sheets(
    struct sheet *sheet, const struct json_in *input, struct result *result, struct err *err) {
    const struct json_in *sheets = json_in_get(input, "sheets");
    const struct json_in *grades = json_in_get(input, "grades");
    size_t count = 0;
    if (sheets && grades) {
        return err_set(err, ERR_INVALID, SAY_DESK(SCORE_BOTH), NO_ARGS);
    }
    if (json_in_count(sheets) > SHEETS_MAX) {
        return err_set(err, ERR_LIMIT, SAY_DESK(SCORE_SHEETS_MANY), ARGS(A_INT(SHEETS_MAX)));
    }
    AUTO_FREE struct graded *graded = MEM_ARRAY(struct graded, SHEETS_MAX);
    for (size_t i = 0; i < json_in_count(sheets); i++) {
        const struct json_in *one = json_in_at(sheets, i);
        AUTO_BUF struct buf who;
        buf_init(&who, NAMES_BYTES);
        buf_put_str(&who, text_of(one, "evaluator"));
        buf_put_str(&who, STR(": "));
        if (is_submitted(one)) {
            if (has_filed(sheets, i)) {
                return err_set(err, ERR_INVALID, SAY_DESK(SCORE_TWICE),
                    ARGS(A_STR(text_of(one, "evaluator"))));
            }
            grade_items(sheet, json_in_get(one, "grades"), buf_str(&who), &graded[count++]);
        }
    }
    size_t submitted = count;
    if (sheets) {
        answer_convention(sheet->answer, 14);
        bool wanted = false;
        (void)lexicon_yes(json_in_get(json_in_get(input, "options"), "trim"), &wanted);
        size_t used = wanted && count >= TRIM_FROM ? trim(graded, count) : count;
        if (wanted && count < TRIM_FROM) {
            answer_note(sheet->answer, STR("trim"), STR_NONE, SAY_DESK(SCORE_TRIM_FEW), NO_ARGS);
        }
        enum msg_id words = count == 0 ? SAY_DESK(SCORE_SHEETS_NONE) : SAY_DESK(SCORE_SHEETS_USED);
        answer_note(
            sheet->answer, STR("sheets"), STR_NONE, words, ARGS(A_INT(submitted), A_INT(used)));
    } else if (grades) {
        grade_items(sheet, grades, STR_NONE, &graded[count++]);
    }
    if (count > 0) {
        combine(sheet, graded, count, result);
    }
    return count > 0;
}

/* ---- Checks ---- */

static const struct json_in *find_check(const struct json_in *checks, struct str name) {
    const struct json_in *found = list_find(checks, name);
    for (size_t i = 0; i < json_in_count(checks) && !found; i++) {
        bool same = lexicon_same(text_of(json_in_at(checks, i), "ko"), name);
        found = same ? json_in_at(checks, i) : NULL;
    }
    return found;
}

/* What is said of a check by any evaluator: one "no" is a no. -1: nobody said anything. */
static int check_state(const struct json_in *input, const struct json_in *check) {
    const struct json_in *sheets = json_in_get(input, "sheets");
    int state = -1;
    for (size_t i = 0; i <= json_in_count(sheets); i++) {
        const struct json_in *from = i == 0 ? input : json_in_at(sheets, i - 1);
        const struct json_in *said = json_in_get(from, "checks");
        const struct json_in *value = json_in_find(said, text_of(check, "id"));
        value = value ? value : json_in_find(said, text_of(check, "ko"));
        bool yes = false;
        if ((i == 0 || is_submitted(from)) && lexicon_yes(value, &yes)) {
            state = !yes || state == 0 ? 0 : 1;
        }
    }
    return state;
}

static void tell_unknown_checks(const struct sheet *sheet, const struct json_in *said) {
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(said, &at, &name, &value)) {
        if (!find_check(json_in_get(sheet->json, "checks"), name)) {
            answer_refuse(sheet->answer, name, text_of(sheet->json, "src"),
                SAY_DESK(SCORE_CHECK_UNKNOWN), ARGS(A_STR(name)));
        }
    }
}

/* YES: all hold; NO: one failed; 0: one was not answered. */
static int judge_checks(const struct sheet *sheet, const struct json_in *input) {
    const struct json_in *checks = json_in_get(sheet->json, "checks");
    const struct json_in *sheets = json_in_get(input, "sheets");
    int result = 1;
    AUTO_BUF struct buf missing;
    buf_init(&missing, NAMES_BYTES);
    for (size_t i = 0; i < json_in_count(checks); i++) {
        const struct json_in *check = json_in_at(checks, i);
        int state = check_state(input, check);
        if (state == 0) {
            answer_refuse_named(sheet->answer, check, text_of(sheet->json, "src"),
                SAY_DESK(SCORE_CHECK_FAILED), ARGS(A_STR(text_of(check, "ko"))));
            result = -1;
        } else if (state < 0) {
            buf_put_str(&missing, missing.size > 0 ? STR(", ") : STR_NONE);
            buf_put_str(&missing, text_of(check, "id"));
            result = result == 1 ? 0 : result;
        }
    }
    if (missing.size > 0 && result == 0) {
        answer_refuse(sheet->answer, STR("checks"), text_of(sheet->json, "src"),
            SAY_DESK(SCORE_CHECK_MISSING), ARGS(A_STR(buf_str(&missing))));
    }
    tell_unknown_checks(sheet, json_in_get(input, "checks"));
    for (size_t i = 0; i < json_in_count(sheets); i++) {
        tell_unknown_checks(sheet, json_in_get(json_in_at(sheets, i), "checks"));
    }
    return result;
}

/* ---- The answer ---- */

/* Where the printed parts do not add up to what is printed beside them. */
static void tell_sums(const struct sheet *sheet) {
    const struct json_in *areas = json_in_get(sheet->json, "areas");
    int64_t all = 0;
    int64_t stated = 0;
    bool gap = false;
    for (size_t a = 0; a < json_in_count(areas); a++) {
        int64_t sum = 0;
        for (size_t i = 0; i < sheet->item_count; i++) {
            sum += sheet->items[i].area == a ? sheet->items[i].points : 0;
        }
        bool has = points_of(json_in_get(json_in_at(areas, a), "points"), &stated);
        gap = gap || (has && stated != sum);
        all += sum;
    }
    bool has_total = points_of(json_in_get(sheet->json, "total"), &stated);
    if (!gap && (!has_total || stated == all)) {
        return;
    }
    struct str id = text_of(sheet->json, "total_note");
    answer_discrepancy(sheet->answer, id.size > 0 ? id : text_of(sheet->json, "note"));
    if (has_total) {
        char sum[POINTS_TEXT_MAX];
        char total[POINTS_TEXT_MAX];
        answer_note(sheet->answer, STR("sheet"), text_of(sheet->json, "src"), SAY_DESK(SCORE_SUM),
            ARGS(A_STR(((struct str){sum, points_text(all, sum)})),
                A_STR(((struct str){total, points_text(stated, total)}))));
    }
}

static void put_parts(const struct sheet *sheet, const struct result *result) {
    struct json *json = &sheet->answer->json;
    const struct json_in *areas = json_in_get(sheet->json, "areas");
    json_key(json, "areas");
    json_object_begin(json);
    for (size_t a = 0; a < json_in_count(areas) && a < ITEMS_MAX; a++) {
        points_put(json, text_of(json_in_at(areas, a), "ko"), result->areas[a]);
    }
    json_object_end(json);
    json_key(json, "per_item");
    json_object_begin(json);
    for (size_t i = 0; i < sheet->item_count; i++) {
        if (result->given[i]) {
            points_put(json, text_of(sheet->items[i].element, "id"), result->per_item[i]);
        }
    }
    json_object_end(json);
}

/* NULL: cannot be judged. */
static const char *judge(
    const struct sheet *sheet, const struct json_in *input, const int64_t *total) {
    const struct json_in *pass = json_in_get(programme_root(sheet->programme), "pass");
    int64_t mark = 0;
    bool has_mark = points_of(json_in_get(pass, "mark"), &mark);
    bool with_checks = json_in_true(json_in_get(pass, "checks"));
    int checks = with_checks ? judge_checks(sheet, input) : 1;
    if (checks < 0) {
        return "부적합";
    }
    if (!has_mark || !total || sheet->is_missing) {
        return NULL;
    }
    if (*total < mark) {
        char have[POINTS_TEXT_MAX];
        char need[POINTS_TEXT_MAX];
        answer_refuse(sheet->answer, STR("pass"), text_of(pass, "src"), SAY_DESK(SCORE_BELOW),
            ARGS(A_STR(((struct str){have, points_text(*total, have)})),
                A_STR(((struct str){need, points_text(mark, need)}))));
        return "부적합";
    }
    return checks == 0 ? NULL : "적합";
}

static void put_points_or_null(struct json *json, const char *key, const int64_t *points) {
    if (points) {
        points_put(json, str_of(key), *points);
    } else {
        json_put_null(json, key);
    }
}

static int put_score(struct sheet *sheet, const struct json_in *input, struct err *err) {
    AUTO_FREE struct result *result = MEM_NEW(struct result);
    struct json *json = &sheet->answer->json;
    int status = sheet_read(sheet, err);
    if (status < 0) {
        return status;
    }
    if (!sheet->json && (json_in_get(input, "grades") || json_in_get(input, "sheets"))) {
        answer_refuse(sheet->answer, STR("sheet"), programme_text(sheet->programme, "src"),
            SAY_DESK(SCORE_NO_SHEET), NO_ARGS);
    }
    status = sheet->json ? grade_sheets(sheet, input, result, err) : 0;
    if (status < 0) {
        return status;
    }
    const int64_t *items = status == 1 && !sheet->is_off ? &result->items : NULL;
    int64_t bonus = 0;
    int64_t total = 0;
    status = bonus_count(sheet->programme, input, sheet->answer, &bonus, err);
    if (status < 0) {
        return status;
    }
    total = result->items + bonus;
    put_points_or_null(json, "items", items);
    points_put(json, STR("bonus"), bonus);
    put_points_or_null(json, "total", items ? &total : NULL);
    bool counts = true; // C-9 is a setting: whether a bonus helps over the mark.
    (void)lexicon_yes(json_in_get(json_in_get(input, "options"), "bonus_counts"), &counts);
    if (!counts && bonus > 0) {
        answer_note(sheet->answer, STR("bonus"), STR_NONE, SAY_DESK(SCORE_BONUS_APART), NO_ARGS);
    }
    const int64_t *judged = !items ? NULL : counts ? &total : items;
    const char *verdict = judge(sheet, input, judged);
    if (verdict && !sheet->is_off) {
        json_put_str(json, "verdict", str_of(verdict));
    } else {
        json_put_null(json, "verdict");
    }
    if (sheet->json) {
        if (items) {
            put_parts(sheet, result);
        }
        tell_sums(sheet);
    }
    if (!json_in_get(programme_root(sheet->programme), "pass")) {
        answer_note(sheet->answer, STR("pass"), STR_NONE, SAY_DESK(SCORE_NO_MARK), NO_ARGS);
    }
    return 0;
}

int ask_score(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err) {
    (void)type;
    AUTO_FREE struct sheet *sheet = MEM_NEW(struct sheet);
    sheet->programme = programme;
    sheet->json = json_in_get(programme_root(programme), "sheet");
    sheet->answer = answer;
    return put_score(sheet, input, err);
}
