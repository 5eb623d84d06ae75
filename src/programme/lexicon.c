/*
 * Words for the same thing. Applications come from forms, spreadsheets and other programs, and an
 * announcement's own words change from section to section (도입기업, 지원기업); a rule that takes
 * one spelling alone would call a fact unknown that everybody knows.
 *
 * Texts are compared in a folded form: ASCII letters small, blanks, `_` and `-` dropped. What is
 * longer than any word of the tables is compared as it stands.
 */
#include "programme/lexicon.h"

enum {
    FOLD_MAX = 96,
    SIZE_MICRO = 1,
    SIZE_SMALL = 2,
    SIZE_MEDIUM = 4,
    SIZE_MID = 8,
    SIZE_LARGE = 16
};

struct word {
    const char *text; // Folded.
    const char *means;
};

static const struct word ROLES[] = {{"adopter", "adopter"}, {"adopters", "adopter"},
    {"도입기업", "adopter"}, {"도입", "adopter"}, {"지원기업", "adopter"}, {"수요기업", "adopter"},
    {"supplier", "supplier"}, {"suppliers", "supplier"}, {"공급기업", "supplier"},
    {"공급", "supplier"}, {"solution", "solution"}, {"solutionfirm", "solution"},
    {"솔루션공급기업", "solution"}, {"솔루션기업", "solution"}, {"솔루션", "solution"},
    {"consulting", "consulting"}, {"consultingfirm", "consulting"}, {"consultant", "consulting"},
    {"컨설팅기업", "consulting"}, {"컨설팅", "consulting"}, {"host", "host"}, {"주관기관", "host"},
    {"주관기업", "host"}, {"partner", "partner"}, {"협업기관", "partner"}, {NULL, NULL}};

static const struct word STATES[] = {{"finished", "finished"}, {"completed", "finished"},
    {"complete", "finished"}, {"done", "finished"}, {"success", "finished"}, {"완료", "finished"},
    {"사업완료", "finished"}, {"종료", "finished"}, {"성공", "finished"}, {"running", "running"},
    {"ongoing", "running"}, {"inprogress", "running"}, {"active", "running"}, {"수행중", "running"},
    {"진행중", "running"}, {"selected", "selected"}, {"awarded", "selected"}, {"선정", "selected"},
    {"stopped", "stopped"}, {"abandoned", "stopped"}, {"failed", "stopped"}, {"중단", "stopped"},
    {"포기", "stopped"}, {"실패", "stopped"}, {"rejected", "rejected"}, {"refused", "rejected"},
    {"notselected", "rejected"}, {"탈락", "rejected"}, {"미선정", "rejected"}, {NULL, NULL}};

static const struct {
    const char *text;
    uint32_t bits;
} SIZES[] = {{"micro", SIZE_MICRO}, {"소상공인", SIZE_MICRO}, {"small", SIZE_MICRO | SIZE_SMALL},
    {"소기업", SIZE_MICRO | SIZE_SMALL}, {"medium", SIZE_MEDIUM}, {"중기업", SIZE_MEDIUM},
    {"sme", SIZE_MICRO | SIZE_SMALL | SIZE_MEDIUM},
    {"중소기업", SIZE_MICRO | SIZE_SMALL | SIZE_MEDIUM}, {"midsize", SIZE_MID},
    {"midsized", SIZE_MID}, {"중견기업", SIZE_MID}, {"중견", SIZE_MID}, {"large", SIZE_LARGE},
    {"대기업", SIZE_LARGE}};

static const struct {
    const char *text;
    int level;
} LEVELS[] = {{"기초", 1}, {"basic", 1}, {"기초1", 1}, {"기초2", 2}, {"중간1", 3}, {"고도화1", 3},
    {"intermediate1", 3}, {"중간2", 4}, {"intermediate2", 4}, {"고도", 5}, {"advanced", 5}};

static const char *const YES[] = {"true", "pass", "passed", "yes", "y", "o", "예", "네", "있음",
    "해당", "동의", "적합", "가능", "built", "linked", "구축", "연계", "구축연계", "연동",
    "구축연동", NULL};
static const char *const NO[] = {"false", "fail", "failed", "no", "n", "x", "none", "아니오",
    "아니요", "없음", "해당없음", "미해당", "부동의", "부적합", "불가", "미구축", "미연계",
    "미연동", NULL};

/* The folded form; what does not fit is longer than every word: an empty form. */
static struct str fold(struct str text, char to[FOLD_MAX]) {
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == ' ' || c == '_' || c == '-' || c == '\t') {
            continue;
        }
        if (size == FOLD_MAX) {
            return STR_NONE;
        }
        to[size++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return (struct str){to, size};
}

static struct str meaning(const struct word *words, struct str folded, bool more_may_follow) {
    for (const struct word *word = words; word->text; word++) {
        struct str text = str_of(word->text);
        bool korean = (unsigned char)word->text[0] >= 0x80;
        if (str_eq(text, folded) || (more_may_follow && korean && str_starts(folded, text))) {
            return str_of(word->means);
        }
    }
    return STR_NONE;
}

struct str lexicon_role(struct str text) {
    char form[FOLD_MAX];
    return meaning(ROLES, fold(text, form), true);
}

struct str lexicon_state(struct str text) {
    char form[FOLD_MAX];
    return meaning(STATES, fold(text, form), true);
}

uint32_t lexicon_sizes(struct str text) {
    char form[FOLD_MAX];
    struct str folded = fold(text, form);
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        if (str_eq(str_of(SIZES[i].text), folded)) {
            return SIZES[i].bits;
        }
    }
    return 0;
}

int lexicon_level(struct str text) {
    static const char *const BEFORE[] = {"level", "lv", "l", "레벨", "수준"};
    char form[FOLD_MAX];
    struct str folded = fold(text, form);
    for (size_t i = 0; i < sizeof LEVELS / sizeof LEVELS[0]; i++) {
        if (str_eq(str_of(LEVELS[i].text), folded)) {
            return LEVELS[i].level;
        }
    }
    for (size_t i = 0; i < sizeof BEFORE / sizeof BEFORE[0]; i++) {
        struct str before = str_of(BEFORE[i]);
        int64_t level = 0;
        if (str_starts(folded, before) &&
            str_to_i64(str_slice(folded, before.size, folded.size), &level) && level >= 1 &&
            level <= 5) {
            return (int)level;
        }
    }
    return 0;
}

bool lexicon_same(struct str a, struct str b) {
    char form_a[FOLD_MAX];
    char form_b[FOLD_MAX];
    struct str first = fold(a, form_a);
    struct str second = fold(b, form_b);
    if (first.size == 0 || second.size == 0) {
        return str_eq(a, b);
    }
    if (str_eq(first, second)) {
        return true;
    }
    struct str role = meaning(ROLES, first, false);
    struct str state = meaning(STATES, first, false);
    return (role.size > 0 && str_eq(role, meaning(ROLES, second, false))) ||
           (state.size > 0 && str_eq(state, meaning(STATES, second, false))) ||
           (lexicon_level(a) > 0 && lexicon_level(a) == lexicon_level(b));
}

bool lexicon_contains(struct str text, struct str part) {
    for (size_t at = 0; part.size > 0 && at + part.size <= text.size; at++) {
        if (str_eq_nocase(str_slice(text, at, at + part.size), part)) {
            return true;
        }
    }
    return false;
}

static bool is_region_word(struct str word, struct str name, bool first) {
    static const char *const KINDS[] = {"", "도", "시", "구", "군", "광역시", "특별시",
        "특별자치도", "특별자치시", "-do", "-si", "-gu", "-gun"};
    if (name.size == 0 || word.size < name.size) {
        return false;
    }
    bool starts = str_eq_nocase(str_slice(word, 0, name.size), name);
    struct str rest = str_slice(word, name.size, word.size);
    for (size_t i = 0; starts && i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (str_eq_nocase(rest, str_of(KINDS[i]))) {
            return true;
        }
    }
    if (!first || starts) { // An address written without blanks: 인천광역시부평구청천동.
        return first && starts;
    }
    for (size_t at = 1; at + name.size < word.size; at++) {
        struct str here = str_slice(word, at, word.size);
        struct str kind = str_slice(here, name.size, here.size);
        if (str_starts(here, name) &&
            (str_starts(kind, STR("도")) || str_starts(kind, STR("시")) ||
                str_starts(kind, STR("구")) || str_starts(kind, STR("군")))) {
            return true;
        }
    }
    return false;
}

bool lexicon_in_region(struct str address, const struct json_in *names) {
    bool first = true;
    size_t from = 0;
    for (size_t at = 0; at <= address.size; at++) {
        char c = at < address.size ? address.data[at] : ' ';
        if (c != ' ' && c != ',' && c != '(' && c != ')' && c != '\t') {
            continue;
        }
        struct str word = str_slice(address, from, at);
        for (size_t i = 0; i < json_in_count(names) && word.size > 0; i++) {
            if (is_region_word(word, json_in_text(json_in_at(names, i)), first)) {
                return true;
            }
        }
        first = first && word.size == 0;
        from = at + 1;
    }
    return false;
}

bool lexicon_number(const struct json_in *value, double *ret_number) {
    if (json_in_number(value, ret_number)) {
        return true;
    }
    struct str text = str_trim(json_in_text(value));
    double number = 0;
    if (str_to_f64(text, &number) && number > -1e15 && number < 1e15) {
        *ret_number = number;
        return true;
    }
    int level = lexicon_level(text);
    if (level > 0) {
        *ret_number = level;
    }
    return level > 0;
}

static bool is_among(struct str text, const char *const *words) {
    char form[FOLD_MAX];
    struct str folded = fold(text, form);
    for (; *words; words++) {
        if (str_eq(str_of(*words), folded)) {
            return true;
        }
    }
    return false;
}

bool lexicon_yes(const struct json_in *value, bool *ret_yes) {
    enum json_kind kind = json_in_kind(value);
    if (kind == JSON_KIND_BOOL) {
        *ret_yes = json_in_true(value);
        return true;
    }
    if (kind != JSON_KIND_TEXT) {
        return false;
    }
    bool yes = is_among(json_in_text(value), YES);
    if (yes || is_among(json_in_text(value), NO)) {
        *ret_yes = yes;
        return true;
    }
    return false;
}
