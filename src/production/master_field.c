/*
 * The kinds of fields. People paste from spreadsheets and type on phones, so each kind takes the
 * usual spellings of its thing and keeps one: two texts that mean the same are the same value, and
 * a second import changes nothing. Numbers never pass through a double where they must be exact.
 *
 * Check digits: the business number's as the National Tax Service computes it (weights 1 3 7 1 3 7
 * 1 3 5, the ninth product's tens added once more, modulo 10); the GTIN's of GS1 General
 * Specifications 7.9 (weights 3 and 1 from the right, modulo 10).
 */
#include "production/master_field.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/zone.h"
#include "production/amount.h"
#include "production/words.h"
#include "table/table.h"

enum { CODE_BYTES = 64, TEXT_BYTES = 256, NOTE_BYTES = 1024, SECONDS_DECIMALS = 9 };
static const int64_t SECONDS_MAX_NS = 31536000LL * 1000000000LL;
static const int64_t COUNT_MAX = 1LL << 53;

static int wrong(enum msg_id words, struct str text, struct err *err) {
    return err_set(err, ERR_INVALID, words, ARGS(A_STR(text)));
}

/* ---- Text ---- */

/* Blanks at the ends also as a Korean keyboard and web pages make them: U+3000, U+00A0, U+FEFF. */
static struct str trim_wide(struct str text) {
    static const struct str BLANKS[] = {{"\xe3\x80\x80", 3}, {"\xc2\xa0", 2}, {"\xef\xbb\xbf", 3}};
    for (bool more = true; more;) {
        more = false;
        text = str_trim(text);
        for (size_t i = 0; i < sizeof BLANKS / sizeof BLANKS[0]; i++) {
            if (str_starts(text, BLANKS[i])) {
                text = str_slice(text, BLANKS[i].size, text.size);
                more = true;
            } else if (str_ends(text, BLANKS[i])) {
                text = str_slice(text, 0, text.size - BLANKS[i].size);
                more = true;
            }
        }
    }
    return text;
}

/* Line ends become one; false where another control character stands (also U+0080..U+009F). */
static bool tidy_lines(struct str *text, bool lines, struct arena *arena) {
    char *to = arena_array(arena, text->size + 1, 1);
    size_t size = 0;
    for (size_t i = 0; i < text->size; i++) {
        unsigned char c = (unsigned char)text->data[i];
        bool is_return = c == '\r' && i + 1 < text->size && text->data[i + 1] == '\n';
        if (lines && is_return) {
            continue;
        }
        bool control = c < 0x20 || c == 0x7f ||
                       (c == 0xc2 && i + 1 < text->size && (unsigned char)text->data[i + 1] < 0xa0);
        if (control && !(lines && (c == '\n' || c == '\t'))) {
            return false;
        }
        to[size++] = (char)c;
    }
    *text = (struct str){to, size};
    return true;
}

static int take_text(struct str text, size_t max, bool lines, struct arena *arena, struct str *ret,
    struct err *err) {
    if (text.size > 4 * max) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_V_LONG), ARGS(A_INT(max)));
    }
    if (!table_nfc(text, arena, &text) || !tidy_lines(&text, lines, arena)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_V_TEXT), NO_ARGS);
    }
    if (text.size > max) {
        return err_set(err, ERR_LIMIT, SAY(PRODUCTION_V_LONG), ARGS(A_INT(max)));
    }
    *ret = arena_copy(arena, text);
    return 0;
}

/* ---- Choices ---- */

static bool is_word(struct str choice, enum lang lang, struct str text) {
    AUTO_BUF struct buf words;
    buf_init(&words, 256);
    msg_render(choice_words(choice), NO_ARGS, lang, &words);
    return str_eq_nocase(buf_str(&words), text);
}

static int take_choice(
    const struct field *field, struct str text, struct str *ret_text, struct err *err) {
    AUTO_BUF struct buf list;
    buf_init(&list, 512);
    struct str rest = str_of(field->more);
    while (rest.size > 0) {
        struct str choice = str_cut(&rest, '|');
        if (str_eq_nocase(choice, text) || is_word(choice, LANG_KO, text) ||
            is_word(choice, LANG_EN, text)) {
            *ret_text = choice;
            return 0;
        }
        buf_put_str(&list, list.size > 0 ? STR(", ") : STR_NONE);
        buf_put_str(&list, choice);
        buf_put_char(&list, '(');
        msg_render(choice_words(choice), NO_ARGS, LANG_KO, &list);
        buf_put_char(&list, ')');
    }
    return err_set(
        err, ERR_INVALID, SAY(PRODUCTION_V_CHOICE), ARGS(A_STR(text), A_STR(buf_str(&list))));
}

static int take_flag(struct str text, struct field_value *value, struct err *err) {
    static const struct {
        const char *text;
        bool on;
    } WORDS[] = {{"1", true}, {"true", true}, {"yes", true}, {"y", true}, {"o", true}, {"예", true},
        {"사용", true}, {"0", false}, {"false", false}, {"no", false}, {"n", false}, {"x", false},
        {"아니오", false}, {"아니요", false}, {"미사용", false}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (str_eq_nocase(text, str_of(WORDS[i].text))) {
            value->i64 = WORDS[i].on;
            value->text = WORDS[i].on ? STR("1") : STR("0");
            return 0;
        }
    }
    return wrong(SAY(PRODUCTION_V_FLAG), text, err);
}

/* ---- Numbers ---- */

static int take_decimal(struct str text, int decimals, int64_t max, struct arena *arena,
    struct field_value *value, struct err *err) {
    char canonical[AMOUNT_TEXT_MAX];
    if (!decimal_parse(text, decimals, &value->i64) || value->i64 < 0 || value->i64 > max) {
        switch (decimals) {
        case 0:
            return err_set(
                err, ERR_INVALID, SAY(PRODUCTION_V_COUNT), ARGS(A_STR(text), A_INT(0), A_INT(max)));
        case SECONDS_DECIMALS: return wrong(SAY(PRODUCTION_V_SECONDS), text, err);
        default: return wrong(SAY(PRODUCTION_V_AMOUNT), text, err);
        }
    }
    size_t size = decimal_text(value->i64, decimals, canonical);
    value->text = arena_copy(arena, (struct str){canonical, size});
    return 0;
}

static int take_number(
    struct str text, struct arena *arena, struct field_value *value, struct err *err) {
    char canonical[32];
    if (!str_to_f64(text, &value->f64) || !isfinite(value->f64)) {
        return wrong(SAY(PRODUCTION_V_NUMBER), text, err);
    }
    value->f64 += 0.0; // Without the sign of a zero.
    size_t size = f64_to_text(value->f64, canonical);
    value->text = arena_copy(arena, (struct str){canonical, size});
    return 0;
}

/* ---- Days and times of day ---- */

/* Digits at *at, moved behind them; at most `max` of them; -1: none. */
static int scan_digits(struct str text, size_t *at, size_t max) {
    int value = 0;
    size_t begin = *at;
    while (*at < text.size && *at - begin < max && text.data[*at] >= '0' && text.data[*at] <= '9') {
        value = value * 10 + (text.data[(*at)++] - '0');
    }
    return *at > begin ? value : -1;
}

static void skip(struct str text, size_t *at, const char *any) {
    while (*at < text.size && strchr(any, text.data[*at]) != NULL) {
        (*at)++;
    }
}

/* 2026-01-31, also with / or ., without anything between, and with midnight behind. */
static int take_date(
    struct str text, struct arena *arena, struct field_value *value, struct err *err) {
    size_t at = 0;
    int year = scan_digits(text, &at, 4);
    bool four = at == 4;
    skip(text, &at, "-/. ");
    int month = scan_digits(text, &at, 2);
    skip(text, &at, "-/. ");
    int day = scan_digits(text, &at, 2);
    struct str rest = str_trim(str_slice(text, at, text.size));
    bool midnight = rest.size == 0 || str_eq(rest, STR(".")) || str_eq(rest, STR("T00:00:00")) ||
                    str_eq(rest, STR("00:00:00")) || str_eq(rest, STR("0:00"));
    if (!four || !midnight || year < 1900 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month)) {
        return wrong(SAY(PRODUCTION_V_DATE), text, err);
    }
    char canonical[16];
    int size = snprintf(canonical, sizeof canonical, "%04d-%02d-%02d", year, month, day);
    value->text = arena_copy(arena, (struct str){canonical, (size_t)size});
    return 0;
}

int clock_minutes(struct str text) {
    size_t at = 0;
    int hour = scan_digits(text, &at, 2);
    if (hour < 0 || at == text.size || text.data[at++] != ':') {
        return -1;
    }
    size_t begin = at;
    int minute = scan_digits(text, &at, 2);
    bool two = at - begin == 2;
    struct str rest = str_slice(text, at, text.size);
    bool fits = hour < 24 ? minute <= 59 : hour == 24 && minute == 0;
    return two && fits && (rest.size == 0 || str_eq(rest, STR(":00"))) ? hour * 60 + minute : -1;
}

static void put_clock(struct buf *out, int minutes) {
    buf_printf(out, "%02d:%02d", minutes / 60, minutes % 60);
}

static int take_clock(
    struct str text, struct arena *arena, struct field_value *value, struct err *err) {
    int minutes = clock_minutes(text);
    if (minutes < 0) {
        return wrong(SAY(PRODUCTION_V_CLOCK), text, err);
    }
    AUTO_BUF struct buf out;
    buf_init(&out, 16);
    put_clock(&out, minutes);
    value->text = arena_copy(arena, buf_str(&out));
    return 0;
}

/* Whether they lie inside their shift, the shift's own rule says (master_rule.c). */
static int take_breaks(
    struct str text, struct arena *arena, struct field_value *value, struct err *err) {
    AUTO_BUF struct buf out;
    buf_init(&out, 16 * BREAKS_MAX);
    size_t count = 0;
    for (size_t at = 0; at < text.size;) {
        skip(text, &at, " ,;\t");
        size_t begin = at;
        while (at < text.size && strchr(" ,;\t", text.data[at]) == NULL) {
            at++;
        }
        struct str token = str_slice(text, begin, at);
        size_t middle = str_find(token, '-');
        middle = middle == token.size ? str_find(token, '~') : middle;
        int from = clock_minutes(str_slice(token, 0, middle));
        int to = clock_minutes(str_slice(token, middle + 1, token.size));
        if (token.size == 0) {
            continue;
        }
        if (from < 0 || to < 0 || from == to || ++count > BREAKS_MAX) {
            return err_set(
                err, ERR_INVALID, SAY(PRODUCTION_V_BREAKS), ARGS(A_STR(text), A_INT(BREAKS_MAX)));
        }
        buf_put_str(&out, count > 1 ? STR(" ") : STR_NONE);
        put_clock(&out, from);
        buf_put_char(&out, '-');
        put_clock(&out, to);
    }
    value->text = arena_copy(arena, buf_str(&out));
    return 0;
}

/* Digits, or the syllables of the days. */
static int take_weekdays(
    struct str text, struct arena *arena, struct field_value *value, struct err *err) {
    static const char *const NAMES[] = {"월", "화", "수", "목", "금", "토", "일"};
    bool days[7] = {false};
    for (size_t at = 0; at < text.size;) {
        struct str rest = str_slice(text, at, text.size);
        int day = rest.data[0] >= '1' && rest.data[0] <= '7' ? rest.data[0] - '1' : -1;
        size_t size = 1;
        for (int i = 0; i < 7 && day < 0; i++) {
            if (str_starts(rest, str_of(NAMES[i]))) {
                day = i;
                size = strlen(NAMES[i]);
            }
        }
        bool between = strchr(" ,", rest.data[0]) != NULL;
        if (!between && (day < 0 || days[day])) {
            return wrong(SAY(PRODUCTION_V_WEEKDAYS), text, err);
        }
        if (!between) {
            days[day] = true;
        }
        at += size;
    }
    char canonical[8];
    size_t size = 0;
    for (int i = 0; i < 7; i++) {
        if (days[i]) {
            canonical[size++] = (char)('1' + i);
        }
    }
    value->text = arena_copy(arena, (struct str){canonical, size});
    return 0;
}

/* ---- Numbers with a check digit ---- */

/* The digits, without hyphens and blanks; -1: something else stands there, or more than `max`. */
static int only_digits(struct str text, char *to, int max) {
    int count = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '-' || c == ' ') {
            continue;
        }
        if (c < '0' || c > '9' || count == max) {
            return -1;
        }
        to[count++] = c;
    }
    return count;
}

static int take_business(
    struct str text, struct arena *arena, struct field_value *value, struct err *err) {
    static const int WEIGHTS[9] = {1, 3, 7, 1, 3, 7, 1, 3, 5};
    char digits[10];
    int count = only_digits(text, digits, 10);
    int sum = 0;
    for (int i = 0; i < 9 && count == 10; i++) {
        sum += (digits[i] - '0') * WEIGHTS[i];
    }
    if (count == 10) {
        sum += (digits[8] - '0') * 5 / 10;
    }
    if (count != 10 || (10 - sum % 10) % 10 != digits[9] - '0') {
        return wrong(SAY(PRODUCTION_V_BUSINESS), text, err);
    }
    char canonical[13];
    (void)snprintf(canonical, sizeof canonical, "%.3s-%.2s-%.5s", digits, digits + 3, digits + 5);
    value->text = arena_copy(arena, str_of(canonical));
    return 0;
}

static int take_gtin(
    struct str text, struct arena *arena, struct field_value *value, struct err *err) {
    char digits[14];
    int count = only_digits(text, digits, 14);
    bool length = count == 8 || count == 12 || count == 13 || count == 14;
    int sum = 0;
    for (int i = 0; i < count; i++) {
        sum += (digits[count - 1 - i] - '0') * (i % 2 == 0 ? 1 : 3);
    }
    if (!length || sum % 10 != 0) {
        return wrong(SAY(PRODUCTION_V_GTIN), text, err);
    }
    value->text = arena_copy(arena, (struct str){digits, (size_t)count});
    return 0;
}

/* ---- Other rows ---- */

int field_number(struct ledger_tx *tx, enum field_kind kind, const char *noun, struct str code,
    int64_t *ret_number, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 256);
    if (kind == FIELD_KIND_ASSET) {
        buf_put_str(&sql, STR("SELECT number FROM assets WHERE id = ?1"));
    } else if (kind == FIELD_KIND_TAG) {
        buf_put_str(&sql, STR("SELECT number FROM tags WHERE name = ?1"));
    } else if (strcmp(noun, "machines") == 0) {
        buf_put_str(&sql, STR("SELECT number FROM machines WHERE asset ="
                              " (SELECT number FROM assets WHERE id = ?1)"));
    } else {
        buf_printf(&sql, "SELECT number FROM \"%s\" WHERE code = ?1", noun);
    }
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, code);
    status = ledger_step(stmt, err);
    *ret_number = status > 0 ? ledger_column_i64(stmt, 0) : 0;
    return status < 0 ? status : 0;
}

static int take_row(struct ledger_tx *tx, const struct field *field, struct str text,
    struct arena *arena, struct field_value *value, struct err *err) {
    int status = take_text(text, TEXT_BYTES + 64, false, arena, &value->text, err);
    status = status < 0 ? status
                        : field_number(tx, field->kind, field->more, value->text, &value->i64, err);
    if (status >= 0 && value->i64 == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_V_KNOWN), ARGS(A_STR(text)));
    }
    return status;
}

/* ---- All kinds ---- */

static int take_some(struct ledger_tx *tx, const struct field *field, struct str text,
    struct arena *arena, struct field_value *value, struct err *err) {
    value->kind = VALUE_TEXT;
    switch ((int)field->kind) {
    case FIELD_KIND_CODE: return take_text(text, CODE_BYTES, false, arena, &value->text, err);
    case FIELD_KIND_TEXT: return take_text(text, TEXT_BYTES, false, arena, &value->text, err);
    case FIELD_KIND_NOTE: return take_text(text, NOTE_BYTES, true, arena, &value->text, err);
    case FIELD_KIND_CHOICE: return take_choice(field, text, &value->text, err);
    case FIELD_KIND_DATE: return take_date(text, arena, value, err);
    case FIELD_KIND_CLOCK: return take_clock(text, arena, value, err);
    case FIELD_KIND_BREAKS: return take_breaks(text, arena, value, err);
    case FIELD_KIND_WEEKDAYS: return take_weekdays(text, arena, value, err);
    case FIELD_KIND_BUSINESS: return take_business(text, arena, value, err);
    case FIELD_KIND_GTIN: return take_gtin(text, arena, value, err);
    default: break;
    }
    value->kind = field->kind == FIELD_KIND_NUMBER ? VALUE_F64 : VALUE_I64;
    switch ((int)field->kind) {
    case FIELD_KIND_FLAG: return take_flag(text, value, err);
    case FIELD_KIND_QUANTITY:
    case FIELD_KIND_MONEY: return take_decimal(text, 6, AMOUNT_MAX_U, arena, value, err);
    case FIELD_KIND_SECONDS:
        return take_decimal(text, SECONDS_DECIMALS, SECONDS_MAX_NS, arena, value, err);
    case FIELD_KIND_COUNT: return take_decimal(text, 0, COUNT_MAX, arena, value, err);
    case FIELD_KIND_NUMBER: return take_number(text, arena, value, err);
    default: return take_row(tx, field, text, arena, value, err);
    }
}

static bool is_kept_as_text(enum field_kind kind) {
    return kind == FIELD_KIND_CODE || kind == FIELD_KIND_TEXT || kind == FIELD_KIND_NOTE ||
           kind == FIELD_KIND_CHOICE || kind == FIELD_KIND_DATE || kind == FIELD_KIND_CLOCK ||
           kind == FIELD_KIND_BREAKS || kind == FIELD_KIND_WEEKDAYS ||
           kind == FIELD_KIND_BUSINESS || kind == FIELD_KIND_GTIN;
}

int field_take(struct ledger_tx *tx, const struct field *field, struct str text,
    struct arena *arena, struct field_value *ret_value, struct err *err) {
    struct field_value value = {.text = STR_NONE};
    text = trim_wide(text);
    text = text.size > 0 ? text : str_of(field->preset);
    if (text.size > 0) {
        int status = take_some(tx, field, text, arena, &value, err);
        if (status < 0) {
            return status;
        }
    } else {
        value.kind = is_kept_as_text(field->kind) ? VALUE_TEXT : VALUE_NULL;
    }
    if (value.text.size == 0 && (field->need == FIELD_KEY || field->need == FIELD_NEEDED)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_V_EMPTY), NO_ARGS);
    }
    *ret_value = value;
    return 0;
}

void field_bind(struct ledger_stmt *stmt, int index, const struct field_value *value) {
    switch (value->kind) {
    case VALUE_NULL: ledger_bind_null(stmt, index); break;
    case VALUE_TEXT: ledger_bind_str(stmt, index, value->text); break;
    case VALUE_I64: ledger_bind_i64(stmt, index, value->i64); break;
    case VALUE_F64: ledger_bind_f64(stmt, index, value->f64); break;
    }
}

struct str field_read(
    struct ledger_stmt *stmt, int column, const struct field *field, struct arena *arena) {
    char text[32];
    if (ledger_column_is_null(stmt, column)) {
        return STR_NONE;
    }
    switch ((int)field->kind) {
    case FIELD_KIND_QUANTITY:
    case FIELD_KIND_MONEY: (void)decimal_text(ledger_column_i64(stmt, column), 6, text); break;
    case FIELD_KIND_SECONDS:
        (void)decimal_text(ledger_column_i64(stmt, column), SECONDS_DECIMALS, text);
        break;
    case FIELD_KIND_FLAG:
    case FIELD_KIND_COUNT: (void)i64_to_text(ledger_column_i64(stmt, column), text); break;
    case FIELD_KIND_NUMBER: (void)f64_to_text(ledger_column_f64(stmt, column), text); break;
    default: return arena_copy(arena, ledger_column_str(stmt, column));
    }
    return arena_copy(arena, str_of(text));
}

void field_column(const struct field *field, struct buf *sql) {
    bool is_amount = field->kind == FIELD_KIND_QUANTITY || field->kind == FIELD_KIND_MONEY;
    buf_printf(sql, "\"%s%s\"", field->name,
        is_amount                           ? "_u"
        : field->kind == FIELD_KIND_SECONDS ? "_ns"
                                            : "");
}

void field_select(const struct field *field, struct buf *sql) {
    const char *name = field->name;
    switch ((int)field->kind) {
    case FIELD_KIND_ASSET:
        buf_printf(sql, "(SELECT id FROM assets WHERE number = t.\"%s\")", name);
        break;
    case FIELD_KIND_TAG:
        buf_printf(sql, "(SELECT name FROM tags WHERE number = t.\"%s\")", name);
        break;
    case FIELD_KIND_REF:
        if (strcmp(field->more, "machines") == 0) {
            buf_printf(sql,
                "(SELECT a.id FROM machines m JOIN assets a ON a.number = m.asset"
                " WHERE m.number = t.\"%s\")",
                name);
        } else {
            buf_printf(sql, "(SELECT code FROM \"%s\" WHERE number = t.\"%s\")", field->more, name);
        }
        break;
    default: buf_put_str(sql, STR("t.")); field_column(field, sql);
    }
}
