/*
 * Events of production over HTTP: telling one, what there is to tell, what was told.
 *
 * The key of an event travels as the header Idempotency-Key and not as a member: whoever sends
 * again what was not answered sends the same bytes, whatever they say. Members are taken as JSON
 * gives them, a number as its shortest decimals and an array as a list, because what each must be
 * is said once, in production/events.def.
 */
#include "core/json_in.h"
#include "core/limits.h"
#include "production/event.h"
#include "production/master.h"
#include "production/rules.h"
#include "production/words.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/view.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 1000 };

/* ---- Telling ---- */

struct members {
    struct event_member all[EVENT_MEMBERS_MAX];
    uint32_t count;
    struct str type;
};

static int take_member(void *context, struct str name, struct str value, struct err *err) {
    struct members *members = context;
    if (str_eq(name, STR("type"))) {
        members->type = value;
        return 0;
    }
    if (members->count == EVENT_MEMBERS_MAX) {
        return err_set(
            err, ERR_LIMIT, SAY(PRODUCTION_EVENT_MEMBERS), ARGS(A_INT(EVENT_MEMBERS_MAX)));
    }
    members->all[members->count++] = (struct event_member){name, value};
    return 0;
}

static int read_key(const struct call *call, struct str *ret_key, struct err *err) {
    if (http_header_count(call->http, "Idempotency-Key") != 1) {
        return err_set(
            err, ERR_INVALID, SAY(PRODUCTION_EVENT_HEADER), ARGS(A_INT(EVENT_KEY_BYTES_MAX)));
    }
    *ret_key = str_trim(http_header(call->http, "Idempotency-Key"));
    return 0;
}

int api_event_tell(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct arena *arena = &call->http->arena;
    struct members *members = ARENA_NEW(arena, struct members);
    struct event_call told = {.actor = str_of(call->principal.id),
        .terminal = http_header(call->http, "Maru-Terminal"),
        .later = http_header_count(call->http, "Maru-Later") > 0,
        .may_manage = call->principal.role == ROLE_MANAGER || call->principal.role == ROLE_OWNER,
        .lang = call->lang,
        .zone = plant_zone(call->plant),
        .historian = plant_historian(call->plant)};
    int rc = read_key(call, &told.key, err);
    rc = rc < 0 ? rc : json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_walk(body, arena, take_member, members, err);
    if (rc < 0) {
        return rc;
    }
    told.type = members->type;
    told.members = members->all;
    told.member_count = members->count;
    AUTO_BUF struct buf answer;
    buf_init(&answer, EVENT_ANSWER_BYTES + 64);
    rc = event_run(plant_ledger(call->plant), &told, &answer, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_raw(&json, buf_str(&answer));
    return 0;
}

/* ---- What there is to tell ---- */

static void put_words(struct json *json, enum msg_id words, enum lang lang) {
    AUTO_BUF struct buf text;
    buf_init(&text, 1024);
    msg_render(words, NO_ARGS, lang, &text);
    json_put_str(json, "words", buf_str(&text));
}

/* What holds now, of a rule of the plant. */
static void put_value(struct json *json, struct ledger_tx *tx, struct call *call,
    const struct event_type *type, const struct event_field *field) {
    const struct rule *rule = rule_of(str_of(type->name), str_of(field->name));
    if (rule == NULL) {
        json_put_null(json, "value");
    } else {
        json_put_str(json, "value", rule_get(tx, rule, &call->http->arena));
    }
}

static void put_field(struct json *json, const struct event_field *field, enum lang lang) {
    json_put_str(json, "name", str_of(field->name));
    json_put_str(json, "kind", str_of(event_kind_name(field->kind)));
    json_put_str(json, "need", str_of(event_need_name(field->need)));
    put_words(json, field->words, lang);
    bool refers = field->kind == EVENT_KIND_REF;
    json_put_str(json, "noun", refers ? str_of(field->more) : STR_NONE);
    json_key(json, "choices");
    json_array_begin(json);
    struct str rest = str_of(field->more);
    while (!refers && rest.size > 0) {
        json_str(json, str_cut(&rest, '|'));
    }
    json_array_end(json);
    json_key(json, "choice_words"); // In their order; as they stand where they have no words.
    json_array_begin(json);
    rest = str_of(field->more);
    while (!refers && rest.size > 0) {
        struct str choice = str_cut(&rest, '|');
        enum msg_id words = choice_words(choice);
        AUTO_BUF struct buf text;
        buf_init(&text, 1024);
        if (words != MSG_NONE) {
            msg_render(words, NO_ARGS, lang, &text);
        }
        json_str(json, words != MSG_NONE ? buf_str(&text) : choice);
    }
    json_array_end(json);
}

struct types {
    struct call *call;
    struct json *json;
};

static int read_types(struct ledger_tx *tx, void *context, struct err *err) {
    (void)err;
    struct call *call = ((struct types *)context)->call;
    struct json *json = ((struct types *)context)->json;
    for (uint32_t i = 0; event_type_at(i) != NULL; i++) {
        const struct event_type *type = event_type_at(i);
        json_object_begin(json);
        json_put_str(json, "type", str_of(type->name));
        json_put_str(json, "right", type->right == EVENT_MANAGE ? STR("manage") : STR("operate"));
        put_words(json, type->words, call->lang);
        json_key(json, "members");
        json_array_begin(json);
        for (uint32_t k = 0; event_field_at(i, k) != NULL; k++) {
            json_object_begin(json);
            put_field(json, event_field_at(i, k), call->lang);
            put_value(json, tx, call, type, event_field_at(i, k));
            json_object_end(json);
        }
        json_array_end(json);
        json_object_end(json);
    }
    return 0;
}

int api_event_types(struct call *call, struct err *err) {
    struct json json;
    struct types types = {.call = call, .json = &json};
    call_json(call, 200, &json);
    view_items_begin(&json);
    int rc = ledger_read(plant_ledger(call->plant), read_types, &types, err);
    view_items_end(&json);
    return rc;
}

/* ---- What was told ---- */

struct listing {
    struct call *call;
    struct event_query query;
    struct event_row *rows;
    uint32_t max;
    int count;
};

static int read_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    listing->count = event_list(
        tx, &listing->query, &listing->call->http->arena, listing->rows, listing->max, err);
    return listing->count < 0 ? listing->count : 0;
}

static void put_row(struct json *json, const struct event_row *row) {
    json_object_begin(json);
    json_put_i64(json, "number", row->number);
    json_put_str(json, "key", row->key);
    json_put_str(json, "type", row->type);
    json_put_time(json, "time", row->time_ns);
    json_put_time(json, "entered", row->entered_ns);
    json_put_str(json, "actor", row->actor);
    json_put_str(json, "terminal", row->terminal);
    json_key(json, "body");
    json_raw(json, row->body);
    json_key(json, "answer");
    json_raw(json, row->answer);
    json_object_end(json);
}

int api_events(struct call *call, struct err *err) {
    uint64_t before = INT64_MAX;
    uint64_t limit = LIST_DEFAULT;
    struct listing listing = {.call = call};
    (void)call_param(call, "type", &listing.query.type);
    int rc = call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", LIST_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    listing.query.before = (int64_t)before;
    listing.max = (uint32_t)limit;
    listing.rows = ARENA_ARRAY(&call->http->arena, struct event_row, listing.max);
    rc = ledger_read(plant_ledger(call->plant), read_rows, &listing, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < listing.count; i++) {
        put_row(&json, &listing.rows[i]);
    }
    bool more = listing.count > 0 && listing.count == (int)limit;
    view_items_page_end(&json, more ? listing.rows[listing.count - 1].number : 0);
    return 0;
}
