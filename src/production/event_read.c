/*
 * Members of events: from names and texts to fields and numbers.
 *
 * In two steps. What can be said without the ledger (which members, how long, how many) is said
 * first; what a text means needs the rows it names and is read inside the transaction, so that
 * nothing that was found can be gone when the handler uses it. Every refusal names the member.
 */
#include "production/event_read.h"

#include <math.h>

#include "core/check.h"
#include "core/time.h"
#include "production/amount.h"
#include "production/master.h"
#include "production/sql.h"

enum { CODE_BYTES = 64, TEXT_BYTES = 256, NOTE_BYTES = 1024, WORDS_BYTES = 1024 };
#define SECONDS_MAX_U (31536000LL * AMOUNT_UNIT)
#define COUNT_MAX     (1LL << 53)
#define DAY_NS        (86400 * NS_PER_S)

/* ---- Which were given ---- */

static int find_type(struct str name, uint32_t *ret_type, struct err *err) {
    for (uint32_t i = 0; event_type_at(i) != NULL; i++) {
        if (str_eq(name, str_of(event_type_at(i)->name))) {
            *ret_type = i;
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_EVENT_UNKNOWN), ARGS(A_STR(name)));
}

static int find_field(uint32_t type, struct str name, uint32_t *ret_field, struct err *err) {
    for (uint32_t i = 0; event_field_at(type, i) != NULL; i++) {
        if (str_eq(name, str_of(event_field_at(type, i)->name))) {
            *ret_field = i;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, SAY(PRODUCTION_EVENT_MEMBER_UNKNOWN),
        ARGS(A_CSTR(event_type_at(type)->name), A_STR(name)));
}

static bool has_control(struct str text, bool lines) {
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == 0x7f || (c < 0x20 && !(lines && (c == '\n' || c == '\r' || c == '\t')))) {
            return true;
        }
    }
    return false;
}

static size_t bytes_of(enum event_kind kind) {
    if (kind == EVENT_KIND_NOTE) {
        return NOTE_BYTES;
    }
    return kind == EVENT_KIND_CODE || kind == EVENT_KIND_LOT ? CODE_BYTES : TEXT_BYTES;
}

/* What a type or a member is called where people read it. */
static struct str called(enum msg_id words, enum lang lang, struct buf *to) {
    buf_init(to, WORDS_BYTES);
    msg_render(words, NO_ARGS, lang, to);
    return buf_str(to);
}

static int check_text(
    const struct event_field *field, struct str text, enum lang lang, struct err *err) {
    size_t most = bytes_of(field->kind);
    bool legible = str_is_utf8(text, NULL) && !has_control(text, field->kind == EVENT_KIND_NOTE);
    if (text.size <= most && legible) {
        return 0;
    }
    AUTO_BUF struct buf words;
    struct str name = called(field->words, lang, &words);
    return text.size > most
               ? err_set(
                     err, ERR_LIMIT, SAY(PRODUCTION_EVENT_TOO_LONG), ARGS(A_STR(name), A_INT(most)))
               : err_set(err, ERR_INVALID, SAY(PRODUCTION_EVENT_CHARACTERS), ARGS(A_STR(name)));
}

/* The field of each member that says something (UINT32_MAX: nothing), and how many each has. */
static int sort_out(const struct event_call *call, uint32_t type, uint32_t *ret_fields,
    uint32_t *counts, struct err *err) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < call->member_count; i++) {
        const struct event_member *member = &call->members[i];
        uint32_t at = 0;
        int status = find_field(type, member->name, &at, err);
        bytes += member->name.size + member->value.size;
        if (status >= 0 && bytes > EVENT_BYTES_MAX) {
            status =
                err_set(err, ERR_LIMIT, SAY(PRODUCTION_EVENT_BYTES), ARGS(A_INT(EVENT_BYTES_MAX)));
        }
        const struct event_field *field = status < 0 ? NULL : event_field_at(type, at);
        struct str value = str_trim(member->value);
        status = status < 0 ? status : check_text(field, value, call->lang, err);
        if (status < 0) {
            return status;
        }
        ret_fields[i] = value.size == 0 ? UINT32_MAX : at;
        counts[at] += value.size != 0;
        if (counts[at] > 1 && field->need != EVENT_LIST && field->need != EVENT_MANY) {
            return err_set(
                err, ERR_INVALID, SAY(PRODUCTION_EVENT_TWICE), ARGS(A_CSTR(field->name)));
        }
    }
    return 0;
}

static int check_needed(uint32_t type, const uint32_t *counts, enum lang lang, struct err *err) {
    for (uint32_t i = 0; event_field_at(type, i) != NULL; i++) {
        const struct event_field *field = event_field_at(type, i);
        if (counts[i] == 0 && (field->need == EVENT_NEEDED || field->need == EVENT_MANY)) {
            AUTO_BUF struct buf of;
            AUTO_BUF struct buf words;
            return err_set(err, ERR_INVALID, SAY(PRODUCTION_EVENT_MISSING),
                ARGS(A_STR(called(event_type_at(type)->words, lang, &of)),
                    A_STR(called(field->words, lang, &words)), A_CSTR(field->name)));
        }
    }
    return 0;
}

static int check_right(const struct event_call *call, uint32_t type, struct err *err) {
    const struct event_type *told = event_type_at(type);
    if (told->right != EVENT_MANAGE || call->may_manage) {
        return 0;
    }
    AUTO_BUF struct buf words;
    return err_set(err, ERR_FORBIDDEN, SAY(PRODUCTION_EVENT_MANAGE),
        ARGS(A_STR(called(told->words, call->lang, &words))));
}

int event_gather(const struct event_call *call, struct arena *arena, struct event_given *ret_given,
    struct err *err) {
    uint32_t fields[EVENT_MEMBERS_MAX] = {0};
    uint32_t counts[EVENT_FIELDS_MAX] = {0};
    struct event_given given = {.lang = call->lang};
    if (call->member_count > EVENT_MEMBERS_MAX) {
        return err_set(
            err, ERR_LIMIT, SAY(PRODUCTION_EVENT_MEMBERS), ARGS(A_INT(EVENT_MEMBERS_MAX)));
    }
    int status = find_type(call->type, &given.type, err);
    status = status < 0 ? status : check_right(call, given.type, err);
    status = status < 0 ? status : sort_out(call, given.type, fields, counts, err);
    status = status < 0 ? status : check_needed(given.type, counts, call->lang, err);
    if (status < 0) {
        return status;
    }
    uint32_t next[EVENT_FIELDS_MAX];
    for (; event_field_at(given.type, given.field_count) != NULL; given.field_count++) {
        uint32_t at = given.field_count;
        next[at] = given.firsts[at];
        given.firsts[at + 1] = given.firsts[at] + counts[at];
    }
    given.values = ARENA_ARRAY(arena, struct event_value, given.firsts[given.field_count] + 1);
    for (uint32_t i = 0; i < call->member_count; i++) {
        if (fields[i] != UINT32_MAX) {
            given.values[next[fields[i]]++].text = str_trim(call->members[i].value);
        }
    }
    *ret_given = given;
    return 0;
}

void event_put_body(const struct event_given *given, struct buf *out) {
    struct json json;
    json_init(&json, out);
    json_object_begin(&json);
    json_put_str(&json, "type", str_of(event_type_at(given->type)->name));
    for (uint32_t i = 0; i < given->field_count; i++) {
        const struct event_field *field = event_field_at(given->type, i);
        bool list = field->need == EVENT_LIST || field->need == EVENT_MANY;
        if (given->firsts[i] == given->firsts[i + 1]) {
            continue;
        }
        json_key(&json, field->name);
        if (list) {
            json_array_begin(&json);
        }
        for (uint32_t k = given->firsts[i]; k < given->firsts[i + 1]; k++) {
            json_str(&json, given->values[k].text);
        }
        if (list) {
            json_array_end(&json);
        }
    }
    json_object_end(&json);
}

/* ---- What they mean ---- */

static int not_one(struct str text, enum msg_id words, struct err *err) {
    return err_set(err, ERR_INVALID, words, ARGS(A_STR(text)));
}

/* The number of the row that a statement finds by a text; with `second`, also by a number. */
static int find_row(struct ledger_tx *tx, const char *sql, struct str text, const int64_t *second,
    enum msg_id unknown, int64_t *ret_number, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, sql, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, text);
    if (second != NULL) {
        ledger_bind_i64(stmt, 2, *second);
    }
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, unknown, ARGS(A_STR(text)));
    }
    if (status > 0) {
        *ret_number = ledger_column_i64(stmt, 0);
    }
    return status < 0 ? status : 0;
}

static int find_numbered(struct ledger_tx *tx, const char *sql, struct str text,
    enum msg_id unknown, int64_t *ret_number, struct err *err) {
    int64_t number = 0;
    if (!str_to_i64(text, &number)) {
        return err_set(err, ERR_NOT_FOUND, unknown, ARGS(A_STR(text)));
    }
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, sql, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, unknown, ARGS(A_STR(text)));
    }
    if (status > 0) {
        *ret_number = number;
    }
    return status < 0 ? status : 0;
}

static int find_ref(
    struct ledger_tx *tx, const char *name, struct str text, int64_t *ret_number, struct err *err) {
    enum noun_id noun = NOUN_COUNT;
    CHECK(noun_of_name(str_of(name), &noun));
    int status = master_find(tx, noun, text, ret_number, err);
    if (status != -ERR_NOT_FOUND || noun != NOUN_ITEMS) {
        return status;
    }
    struct ledger_stmt *stmt = NULL; // A scanner reads the bar code of the goods.
    int found = sql_first(tx,
        "SELECT number FROM items WHERE gtin = ?1 AND gtin <> '' ORDER BY active DESC, number "
        "LIMIT 1",
        Q(Q_S(text)), &stmt, err);
    if (found > 0) {
        *ret_number = ledger_column_i64(stmt, 0);
    }
    return found < 0 ? found : found > 0 ? 0 : status;
}

static int find_operation(
    struct ledger_tx *tx, struct str text, int64_t *ret_number, struct err *err) {
    size_t at = text.size;
    while (at > 0 && text.data[at - 1] != '/') {
        at--;
    }
    int64_t step = 0;
    if (at == 0 || !str_to_i64(str_slice(text, at, text.size), &step)) {
        return not_one(text, SAY(PRODUCTION_EVENT_NOT_OPERATION), err);
    }
    int status = find_row(tx,
        "SELECT o.number FROM operations o JOIN work_orders w ON w.number = o.work_order "
        "WHERE w.code = ?1 AND o.step = ?2",
        str_slice(text, 0, at - 1), &step, SAY(PRODUCTION_EVENT_NO_OPERATION), ret_number, err);
    if (status != -ERR_NOT_FOUND) {
        return status;
    }
    struct str order = str_slice(text, 0, at - 1);
    int64_t planned = 0; // A planned order has no operations yet.
    status = find_row(tx, "SELECT number FROM work_orders WHERE code = ?1 AND state = 'planned'",
        order, NULL, SAY(PRODUCTION_EVENT_NO_OPERATION), &planned, NULL);
    return status >= 0
               ? err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ORDER_NOT_RELEASED), ARGS(A_STR(order)))
               : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_EVENT_NO_OPERATION), ARGS(A_STR(text)));
}

/* "stop it (refuse), warn (warn)": the word of a form and what a program sends. */
static struct str choices_called(const struct event_field *field, enum lang lang, struct buf *to) {
    struct str rest = str_of(field->more);
    buf_init(to, WORDS_BYTES);
    while (rest.size > 0) {
        struct str choice = str_cut(&rest, '|');
        enum msg_id words = choice_words(choice);
        if (words != MSG_NONE) {
            msg_render(words, NO_ARGS, lang, to);
            buf_printf(to, " (%.*s)", (int)choice.size, choice.data);
        } else {
            buf_put_str(to, choice);
        }
        buf_put_str(to, rest.size > 0 ? STR(", ") : STR_NONE);
    }
    return buf_str(to);
}

static int read_choice(const struct event_field *field, struct str text, enum lang lang,
    int64_t *ret_index, struct err *err) {
    struct str rest = str_of(field->more);
    for (int64_t i = 0; rest.data != NULL; i++) {
        if (str_eq(text, str_cut(&rest, '|'))) {
            *ret_index = i;
            return 0;
        }
    }
    AUTO_BUF struct buf choices;
    return err_set(err, ERR_INVALID, SAY(PRODUCTION_EVENT_NOT_CHOICE),
        ARGS(A_STR(text), A_STR(choices_called(field, lang, &choices))));
}

static int read_flag(struct str text, int64_t *ret_value, struct err *err) {
    static const char *const YES[] = {"1", "true", "yes", "y", "예"};
    static const char *const NO[] = {"0", "false", "no", "n", "아니오"};
    for (size_t i = 0; i < sizeof YES / sizeof YES[0]; i++) {
        if (str_eq_nocase(text, str_of(YES[i])) || str_eq_nocase(text, str_of(NO[i]))) {
            *ret_value = str_eq_nocase(text, str_of(YES[i]));
            return 0;
        }
    }
    return not_one(text, SAY(PRODUCTION_EVENT_NOT_FLAG), err);
}

static int read_amount(enum event_kind kind, struct str text, int64_t *ret_value, struct err *err) {
    int64_t least = 0;
    enum msg_id words = SAY(PRODUCTION_EVENT_NOT_LEVEL);
    if (kind == EVENT_KIND_QUANTITY) {
        least = 1;
        words = SAY(PRODUCTION_EVENT_NOT_QUANTITY);
    } else if (kind == EVENT_KIND_CHANGE) {
        least = -AMOUNT_MAX_U;
        words = SAY(PRODUCTION_EVENT_NOT_CHANGE);
    }
    int64_t value = 0;
    if (!amount_parse(text, &value) || value < least || value > AMOUNT_MAX_U) {
        return not_one(text, words, err);
    }
    *ret_value = value;
    return 0;
}

static int read_seconds(struct str text, int64_t *ret_ns, struct err *err) {
    int64_t value = 0;
    if (!amount_parse(text, &value) || value < 0 || value > SECONDS_MAX_U) {
        return not_one(text, SAY(PRODUCTION_EVENT_NOT_SECONDS), err);
    }
    *ret_ns = value * (NS_PER_S / AMOUNT_UNIT);
    return 0;
}

static int read_date(struct str text, int64_t *ret_days, struct err *err) {
    int64_t time_ns = 0;
    if (text.size != 10 || !time_parse(text, NULL, &time_ns) || time_ns % DAY_NS != 0) {
        return not_one(text, SAY(PRODUCTION_EVENT_NOT_DATE), err);
    }
    *ret_days = time_ns / DAY_NS;
    return 0;
}

static int read_count(struct str text, int64_t *ret_value, struct err *err) {
    int64_t value = 0;
    if (!str_to_i64(text, &value) || value < 0 || value > COUNT_MAX) {
        return not_one(text, SAY(PRODUCTION_EVENT_NOT_COUNT), err);
    }
    *ret_value = value;
    return 0;
}

static int read_number(struct str text, double *ret_value, struct err *err) {
    double value = 0;
    if (!str_to_f64(text, &value) || !isfinite(value)) {
        return not_one(text, SAY(PRODUCTION_EVENT_NOT_NUMBER), err);
    }
    *ret_value = value;
    return 0;
}

/* How the kinds that name a row find it: by ?1, a text or a number. */
static const struct finder {
    enum event_kind kind;
    bool by_number;
    enum msg_id unknown;
    const char *sql;
} FINDERS[] = {
    {EVENT_KIND_WORKER, false, SAY(PRODUCTION_EVENT_NO_WORKER),
        "SELECT number FROM workers WHERE (code = ?1 OR badge = ?1) AND active = 1 ORDER BY code = "
        "?1 "
        "DESC"},
    {EVENT_KIND_TAG, false, SAY(PRODUCTION_EVENT_NO_TAG),
        "SELECT number FROM tags WHERE name = ?1"},
    {EVENT_KIND_LOT, false, SAY(PRODUCTION_EVENT_NO_LOT),
        "SELECT number FROM lots WHERE code = ?1"},
    {EVENT_KIND_ORDER, false, SAY(PRODUCTION_EVENT_NO_ORDER),
        "SELECT number FROM work_orders WHERE code = ?1"},
    {EVENT_KIND_SALES, false, SAY(PRODUCTION_EVENT_NO_SALES),
        "SELECT number FROM sales_orders WHERE code = ?1"},
    {EVENT_KIND_STOP, true, SAY(PRODUCTION_EVENT_NO_STOP),
        "SELECT number FROM stops WHERE number = ?1"},
    {EVENT_KIND_RUN, true, SAY(PRODUCTION_EVENT_NO_RUN),
        "SELECT number FROM runs WHERE number = ?1"},
};

static int read_row(struct ledger_tx *tx, const struct event_field *field,
    struct event_value *value, struct err *err) {
    if (field->kind == EVENT_KIND_REF) {
        return find_ref(tx, field->more, value->text, &value->number, err);
    }
    if (field->kind == EVENT_KIND_OPERATION) {
        return find_operation(tx, value->text, &value->number, err);
    }
    const struct finder *finder = FINDERS;
    while (finder->kind != field->kind) {
        finder++;
        CHECK(finder < FINDERS + sizeof FINDERS / sizeof FINDERS[0]);
    }
    return finder->by_number
               ? find_numbered(tx, finder->sql, value->text, finder->unknown, &value->number, err)
               : find_row(tx, finder->sql, value->text, NULL, finder->unknown, &value->number, err);
}

static int read_value(struct ledger_tx *tx, const struct zone *zone, enum lang lang,
    const struct event_field *field, struct event_value *value, struct err *err) {
    switch (field->kind) {
    case EVENT_KIND_CODE:
    case EVENT_KIND_TEXT:
    case EVENT_KIND_NOTE: return 0;
    case EVENT_KIND_CHOICE: return read_choice(field, value->text, lang, &value->number, err);
    case EVENT_KIND_FLAG: return read_flag(value->text, &value->number, err);
    case EVENT_KIND_QUANTITY:
    case EVENT_KIND_LEVEL:
    case EVENT_KIND_CHANGE:
    case EVENT_KIND_MONEY: return read_amount(field->kind, value->text, &value->number, err);
    case EVENT_KIND_SECONDS: return read_seconds(value->text, &value->number, err);
    case EVENT_KIND_COUNT: return read_count(value->text, &value->number, err);
    case EVENT_KIND_NUMBER: return read_number(value->text, &value->real, err);
    case EVENT_KIND_DATE: return read_date(value->text, &value->number, err);
    case EVENT_KIND_TIME:
        return time_parse(value->text, zone, &value->number)
                   ? 0
                   : not_one(value->text, MSG_TIME_EXPECTED, err);
    case EVENT_KIND_REF:
    case EVENT_KIND_WORKER:
    case EVENT_KIND_TAG:
    case EVENT_KIND_LOT:
    case EVENT_KIND_ORDER:
    case EVENT_KIND_SALES:
    case EVENT_KIND_OPERATION:
    case EVENT_KIND_STOP:
    case EVENT_KIND_RUN: break;
    }
    return read_row(tx, field, value, err);
}

/* A badge lets its owner in: what is kept and shown of an event has the worker's code. */
static int name_worker(
    struct ledger_tx *tx, struct arena *arena, struct event_value *value, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = sql_first(
        tx, "SELECT code FROM workers WHERE number = ?1", Q(Q_I(value->number)), &stmt, err);
    if (status > 0) {
        value->text = arena_copy(arena, ledger_column_str(stmt, 0));
    }
    return status;
}

int event_resolve(struct ledger_tx *tx, const struct zone *zone, struct arena *arena,
    struct event_given *given, struct err *err) {
    for (uint32_t i = 0; i < given->field_count; i++) {
        const struct event_field *field = event_field_at(given->type, i);
        for (uint32_t k = given->firsts[i]; k < given->firsts[i + 1]; k++) {
            int status = read_value(tx, zone, given->lang, field, &given->values[k], err);
            if (status >= 0 && field->kind == EVENT_KIND_WORKER) {
                status = name_worker(tx, arena, &given->values[k], err);
            }
            if (status < 0) {
                AUTO_BUF struct buf words;
                return err_context(err, SAY(PRODUCTION_EVENT_AT),
                    ARGS(A_STR(called(field->words, given->lang, &words))));
            }
        }
    }
    return 0;
}
