/*
 * Master data over HTTP. What nouns and fields there are is answered by the program itself, with
 * their words, so that a page makes its forms from it and knows no noun by name. A row's fields are
 * texts in both directions, as in a table: nothing is rounded on the way. What is personal of
 * workers goes only to those who may change it.
 */
#include "core/json_in.h"
#include "core/time.h"
#include "plant/plant.h"
#include "production/master.h"
#include "production/words.h"
#include "serve/call.h"

enum { ROWS_DEFAULT = 200, ROWS_MOST = 1000, FIELD_BYTES = 4096, TIME_BYTES = 64 };

struct access {
    struct call *call;
    enum noun_id noun;
    int64_t number;
    const struct json_in *fields; // Of the body.
    struct str expected;          // When the caller read the row; empty: does not say.
    bool is_new;
    bool changed;
    struct master_query query;
    uint32_t max;
    int count;
    struct master_row *rows;
    struct master_row row;
};

static bool sees_personal(const struct call *call) {
    return !call->outsider &&
           right_allows(RIGHT_PLAN, call->principal.role, call->principal.scopes);
}

static int take_noun(struct access *access, struct err *err) {
    struct str name = access->call->args[1];
    return noun_of_name(name, &access->noun)
               ? 0
               : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_NOUN_UNKNOWN), ARGS(A_STR(name)));
}

static int take_row(struct access *access, struct err *err) {
    int rc = take_noun(access, err);
    if (rc >= 0 && (!str_to_i64(access->call->args[2], &access->number) || access->number < 1)) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_ROW_UNKNOWN), ARGS(A_INT(0)));
    }
    return rc;
}

/* ---- What there is ---- */

static void put_words(struct json *json, const char *key, enum msg_id words, enum lang lang) {
    AUTO_BUF struct buf text;
    buf_init(&text, 512);
    msg_render(words, NO_ARGS, lang, &text);
    json_put_str(json, key, buf_str(&text));
}

static const char *kind_name(enum field_kind kind) {
    static const char *const NAMES[] = {[FIELD_KIND_CODE] = "code",
        [FIELD_KIND_TEXT] = "text",
        [FIELD_KIND_NOTE] = "note",
        [FIELD_KIND_CHOICE] = "choice",
        [FIELD_KIND_FLAG] = "flag",
        [FIELD_KIND_QUANTITY] = "quantity",
        [FIELD_KIND_MONEY] = "money",
        [FIELD_KIND_SECONDS] = "seconds",
        [FIELD_KIND_COUNT] = "count",
        [FIELD_KIND_NUMBER] = "number",
        [FIELD_KIND_DATE] = "date",
        [FIELD_KIND_CLOCK] = "clock",
        [FIELD_KIND_BREAKS] = "breaks",
        [FIELD_KIND_WEEKDAYS] = "weekdays",
        [FIELD_KIND_REF] = "ref",
        [FIELD_KIND_ASSET] = "asset",
        [FIELD_KIND_TAG] = "tag",
        [FIELD_KIND_BUSINESS] = "business",
        [FIELD_KIND_GTIN] = "gtin"};
    return NAMES[kind];
}

static void put_choices(struct json *json, const struct field *field, enum lang lang) {
    struct str rest = field->kind == FIELD_KIND_CHOICE ? str_of(field->more) : STR_NONE;
    json_key(json, "choices");
    json_array_begin(json);
    while (rest.size > 0) {
        struct str choice = str_cut(&rest, '|');
        json_object_begin(json);
        json_put_str(json, "name", choice);
        put_words(json, "words", choice_words(choice), lang);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_field(struct json *json, const struct field *field, enum lang lang) {
    bool is_key = field->need == FIELD_KEY || field->need == FIELD_KEY_FREE;
    bool needed = field->need == FIELD_KEY || field->need == FIELD_NEEDED;
    json_object_begin(json);
    json_put_str(json, "name", str_of(field->name));
    put_words(json, "words", field->words, lang);
    json_put_str(json, "kind", str_of(kind_name(field->kind)));
    json_put_bool(json, "key", is_key);
    json_put_bool(json, "needed", needed);
    json_put_bool(json, "personal", field_is_personal(field));
    json_put_str(json, "preset", str_of(field->preset));
    json_put_str(json, "noun", field->kind == FIELD_KIND_REF ? str_of(field->more) : STR_NONE);
    put_choices(json, field, lang);
    json_object_end(json);
}

/* Where a page lists the noun. */
static const char *group_of(enum noun_id noun) {
    switch ((int)noun) {
    case NOUN_ITEMS:
    case NOUN_BOMS:
    case NOUN_PRICES: return "products";
    case NOUN_PROCESSES:
    case NOUN_ROUTINGS:
    case NOUN_WORKCENTRES:
    case NOUN_MACHINES:
    case NOUN_MOULDS: return "process";
    case NOUN_REASONS:
    case NOUN_INSPECTIONS: return "quality";
    case NOUN_FORMS:
    case NOUN_FORM_FIELDS:
    case NOUN_CARE_PLANS:
    case NOUN_MACHINE_PAPERS: return "upkeep";
    default: return "people";
    }
}

int api_master(struct call *call, struct err *err) {
    (void)err;
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "items");
    json_array_begin(&json);
    for (enum noun_id noun = 0; noun < NOUN_COUNT; noun++) {
        const struct field *field = NULL;
        json_object_begin(&json);
        json_put_str(&json, "name", str_of(noun_name(noun)));
        put_words(&json, "words", noun_words(noun), call->lang);
        json_put_str(&json, "group", str_of(group_of(noun)));
        json_key(&json, "fields");
        json_array_begin(&json);
        for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
            if (!field_is_personal(field) || sees_personal(call)) {
                put_field(&json, field, call->lang);
            }
        }
        json_array_end(&json);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_put_null(&json, "next");
    json_put_bool(&json, "may_change", sees_personal(call));
    json_object_end(&json);
    return 0;
}

/* ---- Rows ---- */

static void put_row(struct json *json, const struct access *access, const struct master_row *row) {
    const struct field *field = NULL;
    json_object_begin(json);
    json_put_i64(json, "number", row->number);
    json_put_time(json, "changed", row->changed_ns);
    json_key(json, "fields");
    json_object_begin(json);
    for (uint32_t i = 0; (field = noun_field(access->noun, i)) != NULL; i++) {
        if (!field_is_personal(field) || sees_personal(access->call)) {
            json_put_str(json, field->name, row->fields[i]);
        }
    }
    json_object_end(json);
    json_object_end(json);
}

static int read_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    access->count = master_list(tx, access->noun, &access->query, &access->call->http->arena,
        access->rows, access->max, err);
    return access->count < 0 ? access->count : 0;
}

static int take_query(struct access *access, struct err *err) {
    struct call *call = access->call;
    struct str cursor = STR_NONE;
    uint64_t limit = ROWS_DEFAULT;
    access->query.search = STR_NONE;
    (void)call_param(call, "q", &access->query.search);
    access->query.only_active = call_param_flag(call, "active");
    if (call_param(call, "cursor", &cursor) && !str_to_i64(cursor, &access->query.after)) {
        return err_set(err, ERR_INVALID, MSG_NUMBER_EXPECTED, ARGS(A_STR(cursor)));
    }
    int rc = call_param_count(call, "limit", ROWS_MOST, &limit, err);
    access->max = (uint32_t)limit;
    return rc < 0 ? rc : 0;
}

int api_master_rows(struct call *call, struct err *err) {
    struct access access = {.call = call};
    int rc = take_noun(&access, err);
    rc = rc < 0 ? rc : take_query(&access, err);
    if (rc < 0) {
        return rc;
    }
    access.rows = ARENA_ARRAY(&call->http->arena, struct master_row, access.max);
    rc = ledger_read(plant_ledger(call->plant), read_rows, &access, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "items");
    json_array_begin(&json);
    for (int i = 0; i < access.count; i++) {
        put_row(&json, &access, &access.rows[i]);
    }
    json_array_end(&json);
    if (access.count == (int)access.max) {
        char next[24];
        (void)i64_to_text(access.rows[access.count - 1].number, next);
        json_put_str(&json, "next", str_of(next));
    } else {
        json_put_null(&json, "next");
    }
    json_object_end(&json);
    return 0;
}

static int read_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return master_get(
        tx, access->noun, access->number, &access->call->http->arena, &access->row, err);
}

static int answer_row(struct access *access, int status, struct err *err) {
    int rc = ledger_read(plant_ledger(access->call->plant), read_row, access, err);
    if (rc >= 0) {
        struct json json;
        call_json(access->call, status, &json);
        put_row(&json, access, &access->row);
    }
    return rc;
}

int api_master_row(struct call *call, struct err *err) {
    struct access access = {.call = call};
    int rc = take_row(&access, err);
    return rc < 0 ? rc : answer_row(&access, 200, err);
}

/* ---- Changing ---- */

/* Members that are there take the place of what stands; the others stay. */
static int take_fields(struct access *access, struct err *err) {
    const char *names[NOUN_FIELDS_MAX + 1] = {NULL};
    const struct field *field = NULL;
    for (uint32_t i = 0; (field = noun_field(access->noun, i)) != NULL; i++) {
        names[i] = field->name;
    }
    int rc = json_in_only(access->fields, names, err);
    for (uint32_t i = 0; (field = noun_field(access->noun, i)) != NULL && rc >= 0; i++) {
        rc = json_in_str(access->fields, field->name, FIELD_BYTES, &access->row.fields[i], err);
    }
    return rc;
}

static int check_unchanged(const struct access *access, struct err *err) {
    int64_t seen_ns = 0;
    if (access->expected.size > 0 &&
        (!time_parse(access->expected, NULL, &seen_ns) || seen_ns != access->row.changed_ns)) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ROW_CHANGED), NO_ARGS);
    }
    return 0;
}

static int write_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    int status = access->is_new ? 0 : read_row(tx, access, err);
    status = status < 0 || access->is_new ? status : check_unchanged(access, err);
    status = status < 0 ? status : take_fields(access, err);
    if (status >= 0 && access->is_new) { // A form that makes a row changes no other one.
        int64_t known = 0;
        status = master_find_row(tx, access->noun, &access->row, &known, err);
        if (status >= 0 && known != 0) {
            (void)err_set(
                err, ERR_EXISTS, SAY(PRODUCTION_ROW_EXISTS), ARGS(A_STR(access->row.fields[0])));
            return err_context(err, noun_words(access->noun), NO_ARGS);
        }
    }
    return status < 0
               ? status
               : master_save(tx, access->noun, &access->row, str_of(access->call->principal.id),
                     &access->number, &access->changed, err);
}

static int put(struct access *access, struct err *err) {
    static const char *const MEMBERS[] = {"fields", "changed", NULL};
    struct call *call = access->call;
    AUTO_JSON_IN struct json_in *body = NULL;
    access->expected = STR_NONE;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_str(body, "changed", TIME_BYTES, &access->expected, err);
    rc = rc < 0 ? rc : json_in_object(body, "fields", &access->fields, err);
    if (rc >= 0 && access->fields == NULL) {
        return err_set(err, ERR_INVALID, MSG_CORE_JSON_MISSING, ARGS(A_CSTR("fields")));
    }
    rc = rc < 0 ? rc : ledger_write(plant_ledger(call->plant), write_row, access, err);
    return rc < 0 ? rc : answer_row(access, access->is_new ? 201 : 200, err);
}

int api_master_new(struct call *call, struct err *err) {
    struct access access = {.call = call, .is_new = true};
    int rc = take_noun(&access, err);
    return rc < 0 ? rc : put(&access, err);
}

int api_master_put(struct call *call, struct err *err) {
    struct access access = {.call = call};
    int rc = take_row(&access, err);
    return rc < 0 ? rc : put(&access, err);
}

static int remove_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return master_remove(tx, access->noun, access->number, str_of(access->call->principal.id), err);
}

int api_master_remove(struct call *call, struct err *err) {
    struct access access = {.call = call};
    int rc = take_row(&access, err);
    rc = rc < 0 ? rc : ledger_write(plant_ledger(call->plant), remove_row, &access, err);
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc;
}
