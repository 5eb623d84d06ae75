/*
 * Shapes as a table: for each kind of object its members. `*` in front: needed. The letter behind
 * the colon says what stands there: t text, n number, b true or false, l list, o object, d date, x
 * anything. Members that are no object of the table are looked at no further; tests of rules are
 * checked by their own grammar.
 */
#include "programme/check_shape.h"

#include "core/buf.h"
#include "programme/day.h"
#include "programme/words.h"

struct shape {
    const char *list;    // "types", "sheet.areas": where such objects stand.
    const char *members; // Separated by blanks.
    bool has_id;
};

static const struct shape SHAPES[] = {
    {"",
        "*format:n *id:t *kind:t *ko:t *en:t *year:n title:o aliases:l parent:t members:l *state:t "
        "issuer:o signatory:o agency:o number:t announced:d sources:o src:t region:o window:o "
        "period:o timeline:l contact:o field:n budget:n portfolio:o centres:l types:l meisters:o "
        "rules:l consortium:o costs:o documents:l steps:l sheet:o pass:o criteria:l bonus:o "
        "selection:o deadlines:l insurance:o changes:o clawback:o duties:l discrepancies:l notes:l",
        false},
    {"types",
        "*id:t *ko:t en:t *src:t target:o prerequisite:o base:t rate:x rate_min:x rate_max:x "
        "*cap:n "
        "fixed:o shares:o labour:o raised:o sizes:l size_src:t level:n term:o slots:n "
        "slots_about:b reserve:o "
        "budget:n days:o consent:t rate_variable:o notes:l",
        true},
    {"rules", "*id:t *kind:t *ko:t en:t *src:t who:l types:l test:x as_of:t say:o note:t notes:l",
        false},
    {"documents",
        "*id:t *ko:t en:t *stage:t from:l copies:n max_age_months:n note:o only_if:o *src:t",
        false},
    {"steps",
        "*no:n *id:t *kind:t *ko:t en:t *by:l optional:b documents:t copies:n payee:t deadline:t "
        "on_miss:t detail:o *src:t",
        true},
    {"deadlines",
        "*id:t *from:t days:n weeks:n months:n years:n roll:b on_miss:t *ko:t en:t *src:t", true},
    {"duties", "*id:t *ko:t en:t years:n from:t cause:t on_breach:o *src:t", true},
    {"discrepancies", "*id:t *where:t *literal:l *ko:t en:t *default:o option:o", true},
    {"window", "*opens:t closes:t rolling:b literal:t note:t *src:t", false},
    {"region", "*ko:t en:t *names:l", false},
    {"pass", "*mark:n checks:b bonus_note:t *src:t", false},
    {"insurance", "tail_months:n *holders:l insured:t *src:t", false},
    {"changes", "months_before_end:n by:t *src:t", false},
    {"selection",
        "*keys:l types:l ties:l tie_option:t quota:n document_evaluation_at:n early_selection_at:n "
        "*src:t",
        false},
    {"sheet", "*areas:l total:n total_note:t grades:l checks:l *src:t", false},
    {"sheet.areas", "*id:t *ko:t en:t points:n *items:l", true},
    {"sheet.checks", "*id:t *ko:t en:t", true},
    {"bonus", "cap:n *items:l note:t *src:t", false},
    {"bonus.items", "*id:t *ko:t en:t *points:n document:t valid_years:n evidence:o src:t", true},
    {"clawback", "*amount:t *causes:l fallback:o *src:t", false},
    {"clawback.causes", "*id:t *ko:t en:t *party:t src:t", true},
    {"costs", "*allowed:l *refused:l unlisted:o *src:t", false},
    {"costs.allowed", "*id:t *ko:t en:t words:l except:l group:t", true},
    {"costs.refused", "*id:t *ko:t en:t words:l except:l", true},
};

enum { PATH_BYTES = 160 };

struct shaping {
    int (*tell)(void *context, const struct finding *finding, struct err *err);
    void *context;
    struct err *err;
    int status;
};

static void tell(struct shaping *shaping, struct str path, struct str member, enum msg_id msg,
    const struct arg *args) {
    AUTO_BUF struct buf where;
    buf_init(&where, PATH_BYTES);
    buf_put_str(&where, path);
    buf_put_str(&where, path.size > 0 && member.size > 0 ? STR(".") : STR_NONE);
    buf_put_str(&where, member);
    struct finding finding = {true, buf_str(&where), msg, args};
    if (shaping->status >= 0) {
        shaping->status = shaping->tell(shaping->context, &finding, shaping->err);
    }
}

static bool is_kind(const struct json_in *value, char letter) {
    enum json_kind kind = json_in_kind(value);
    int32_t day = 0;
    switch (letter) {
    case 't': return kind == JSON_KIND_TEXT && json_in_text(value).size > 0;
    case 'd': return kind == JSON_KIND_TEXT && day_parse(json_in_text(value), &day);
    case 'n': return kind == JSON_KIND_NUMBER;
    case 'b': return kind == JSON_KIND_BOOL;
    case 'l': return kind == JSON_KIND_LIST;
    case 'o': return kind == JSON_KIND_OBJECT;
    default: return true;
    }
}

static enum msg_id kind_words(char letter) {
    return letter == 't'   ? SAY_DESK(CHECK_KIND_TEXT)
           : letter == 'd' ? SAY_DESK(CHECK_KIND_DATE)
           : letter == 'n' ? SAY_DESK(CHECK_KIND_NUMBER)
           : letter == 'b' ? SAY_DESK(CHECK_KIND_BOOL)
           : letter == 'l' ? SAY_DESK(CHECK_KIND_LIST)
                           : SAY_DESK(CHECK_KIND_OBJECT);
}

/* The letter of a member; 0: the object has none of this name. */
static char letter_of(const struct shape *shape, struct str name) {
    struct str rest = str_of(shape->members);
    while (rest.size > 0) {
        struct str word = str_cut(&rest, ' ');
        word = word.data[0] == '*' ? str_slice(word, 1, word.size) : word;
        if (str_eq(str_slice(word, 0, word.size - 2), name)) {
            return word.data[word.size - 1];
        }
    }
    return 0;
}

static void check_object(struct shaping *shaping, const struct shape *shape,
    const struct json_in *object, struct str path) {
    if (json_in_kind(object) != JSON_KIND_OBJECT) {
        tell(shaping, path, STR_NONE, SAY_DESK(CHECK_KIND_OBJECT), NO_ARGS);
        return;
    }
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(object, &at, &name, &value)) {
        char letter = letter_of(shape, name);
        if (letter == 0) {
            tell(shaping, path, name, SAY_DESK(CHECK_UNKNOWN), NO_ARGS);
        } else if (json_in_kind(value) != JSON_KIND_NONE && !is_kind(value, letter)) {
            tell(shaping, path, name, kind_words(letter), NO_ARGS);
        }
    }
    struct str rest = str_of(shape->members);
    while (rest.size > 0) {
        struct str word = str_cut(&rest, ' ');
        struct str needed = str_slice(word, 1, word.size - 2);
        if (word.data[0] == '*' && !json_in_find(object, needed)) {
            tell(shaping, path, needed, SAY_DESK(CHECK_MISSING), NO_ARGS);
        }
    }
    struct str id = json_in_text(json_in_get(object, "id"));
    if (id.size > 0 && !str_is_id(id)) {
        tell(shaping, path, STR("id"), SAY_DESK(PROGRAMME_ID), ARGS(A_STR(id)));
    }
}

static void check_list(
    struct shaping *shaping, const struct shape *shape, const struct json_in *list) {
    for (size_t i = 0; i < json_in_count(list); i++) {
        const struct json_in *item = json_in_at(list, i);
        char place[PATH_BYTES];
        AUTO_BUF struct buf path;
        buf_init(&path, PATH_BYTES);
        buf_printf(&path, "%s[%zu]", shape->list, i);
        str_copy_z(buf_str(&path), place, sizeof place);
        check_object(shaping, shape, item, str_of(place));
        struct str id = json_in_text(json_in_get(item, "id"));
        if (shape->has_id && id.size > 0 && list_find(list, id) != item) {
            tell(shaping, str_of(place), STR("id"), SAY_DESK(CHECK_TWICE), ARGS(A_STR(id)));
        }
    }
}

static void check_rules(struct shaping *shaping, const struct json_in *root) {
    const struct json_in *rules = json_in_get(root, "rules");
    for (size_t i = 0; i < json_in_count(rules); i++) {
        const struct json_in *rule = json_in_at(rules, i);
        struct str kind = json_in_text(json_in_get(rule, "kind"));
        const struct json_in *test = json_in_get(rule, "test");
        struct err fault = ERR_INIT;
        char place[48];
        AUTO_BUF struct buf path;
        buf_init(&path, sizeof place);
        buf_printf(&path, "rules[%zu]", i);
        str_copy_z(buf_str(&path), place, sizeof place);
        if (!str_eq(kind, STR("require")) && !str_eq(kind, STR("exclude"))) {
            tell(shaping, str_of(place), STR("kind"), SAY_DESK(CHECK_WORD),
                ARGS(A_STR(kind), A_CSTR("require, exclude")));
        }
        if (test && check_test(test, &fault) < 0) {
            struct finding finding = {true, str_of(place), fault.notes[0].msg, NULL};
            struct str what = STR_NONE;
            (void)err_note_text(&fault, SAY_DESK(CHECK_TEST), &what);
            finding.args = ARGS(A_STR(what));
            shaping->status = shaping->tell(shaping->context, &finding, shaping->err);
        }
    }
}

int check_shape(const struct json_in *root,
    int (*tell_one)(void *context, const struct finding *finding, struct err *err), void *context,
    struct err *err) {
    struct shaping shaping = {tell_one, context, err, 0};
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        const struct shape *shape = &SHAPES[i];
        const struct json_in *value = root;
        struct str rest = str_of(shape->list);
        while (rest.size > 0 && value) {
            value = json_in_find(value, str_cut(&rest, '.'));
        }
        if (json_in_kind(value) == JSON_KIND_LIST) {
            check_list(&shaping, shape, value);
        } else if (value) {
            check_object(&shaping, shape, value, str_of(shape->list));
        }
    }
    check_rules(&shaping, root);
    return shaping.status;
}
