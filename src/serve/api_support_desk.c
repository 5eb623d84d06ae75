/*
 * The supplier's side of remote support: cases, the requests of whoever opened one, and the three
 * routes that a factory's Maru asks.
 *
 * These three are public, because who asks has no account here: a code, and later a key, of 256
 * bits stands for the approval of the factory's owner. Tries with codes count like sign-ins. The
 * key is looked up before a frame is read, so strangers cannot make us hold large bodies.
 *
 * A case is used only by the person who opened it, since that is whom the factory was told. An
 * admin sees all cases and may end them.
 */
#include "serve/call.h"

#include <string.h>

#include "core/json_in.h"
#include "core/limits.h"
#include "ledger/support.h"
#include "serve/desk.h"
#include "serve/server.h"
#include "serve/sign_in.h"
#include "serve/support.h"
#include "serve/view.h"
#include "upkeep/tls.h"

enum { CODE_LIFETIME_S = 3600, WORD_BYTES = 64 };

static struct ledger *hub_of(const struct call *call) {
    return home_hub(call->server->home);
}

/* Who may open and use cases: admins, and who sets plants up. */
static int is_opener(struct call *call, bool *ret_may, struct err *err) {
    struct home *home = call->server->home;
    bool may = call->principal.admin;
    for (uint32_t i = 0; !may && i < home_plant_count(home); i++) {
        enum role role = ROLE_NONE;
        int rc = call_role_in(call, home_plant_at(home, i), &role, err);
        if (rc < 0) {
            return rc;
        }
        may = role == ROLE_INSTALLER || role == ROLE_OWNER;
    }
    *ret_may = may;
    return 0;
}

static int need_opener(struct call *call, struct err *err) {
    bool may = false;
    int rc = is_opener(call, &may, err);
    return rc < 0 || may ? rc : err_set(err, ERR_FORBIDDEN, MSG_SUPPORT_OPENERS, NO_ARGS);
}

/* ---- Cases ---- */

struct case_list {
    struct call *call;
    struct json json;
};

static const char *state_of(const struct support_case *found, int64_t now_ns) {
    if (found->ended_ns != 0) {
        return "ended";
    }
    if (found->connected_ns != 0) {
        return now_ns < found->until_ns ? "approved" : "ended";
    }
    return now_ns < found->code_until_ns ? "waiting" : "expired";
}

static void put_text(struct json *json, const char *key, struct str text) {
    if (text.size > 0) {
        json_put_str(json, key, text);
    } else {
        json_put_null(json, key);
    }
}

static int put_case(void *context, const struct support_case *found, struct err *err) {
    (void)err;
    struct case_list *list = context;
    struct json *json = &list->json;
    const struct call *call = list->call;
    bool over_by_time =
        found->ended_ns == 0 && found->connected_ns != 0 && call->now_ns >= found->until_ns;
    json_object_begin(json);
    json_put_str(json, "id", found->id);
    json_put_str(json, "factory", found->factory);
    json_put_str(json, "note", found->note);
    json_put_str(json, "name", found->name);
    json_put_str(json, "organisation", found->organisation);
    json_put_bool(json, "mine", str_eq(found->opened_by, str_of(call->principal.id)));
    json_put_str(json, "state", str_of(state_of(found, call->now_ns)));
    json_put_bool(json, "connected", desk_is_connected(call->server->desk, found->id));
    put_text(json, "plant", found->plant);
    put_text(json, "plant_display", found->plant_display);
    put_text(json, "role", found->role);
    json_put_time(json, "created", found->created_ns);
    json_put_time(json, "code_until", found->code_until_ns);
    view_put_time(json, "since", found->connected_ns);
    view_put_time(json, "until", found->until_ns);
    view_put_time(json, "ended", over_by_time ? found->until_ns : found->ended_ns);
    put_text(json, "ended_by", over_by_time ? STR("time") : found->ended_by);
    json_object_end(json);
    return 0;
}

static int cases_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct case_list *list = context;
    const struct principal *who = &list->call->principal;
    return support_case_each(tx, who->admin ? STR_NONE : str_of(who->id), put_case, list, err);
}

int api_support_cases(struct call *call, struct err *err) {
    bool may = false;
    int rc = is_opener(call, &may, err);
    if (rc < 0) {
        return rc;
    }
    struct case_list list = {.call = call};
    call_json(call, 200, &list.json);
    json_object_begin(&list.json);
    json_put_bool(&list.json, "may_open", may);
    json_key(&list.json, "items");
    json_array_begin(&list.json);
    rc = ledger_read(hub_of(call), cases_read, &list, err);
    json_array_end(&list.json);
    json_object_end(&list.json);
    return rc;
}

struct opening {
    struct call *call;
    struct support_wish wish;
    struct str base;
    char id[40];
    char code[SECRET_TEXT_MAX];
};

static int case_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct opening *opening = context;
    int rc = support_case_new(tx, &opening->wish, opening->id, opening->code, err);
    return rc < 0 ? rc
                  : people_audit(tx, opening->call, "support.case.open", str_of(opening->id), err);
}

/* Where the factory finds us: as the supplier says, or as this request found us. */
static int read_base(const struct json_in *body, struct opening *opening, struct err *err) {
    struct call *call = opening->call;
    int rc = json_in_str(body, "address", SUPPORT_LINK_BYTES / 2, &opening->base, err);
    if (rc == 0) {
        AUTO_BUF struct buf base;
        buf_init(&base, SUPPORT_LINK_BYTES);
        buf_put_str(&base, call->server->options.tls ? STR("https://") : STR("http://"));
        buf_put_str(&base, http_header(call->http, "Host"));
        opening->base = arena_copy(&call->http->arena, buf_str(&base));
    } else if (rc > 0 && str_ends(opening->base, STR("/"))) {
        opening->base = str_slice(opening->base, 0, opening->base.size - 1);
    }
    return rc < 0 ? rc : support_base_check(opening->base, err);
}

static void answer_link(struct call *call, const struct opening *opening) {
    struct support_link link = {.base = opening->base, .code = str_of(opening->code)};
    struct tls_facts facts = {.own = false};
    if (call->server->options.tls) {
        tls_store_facts(call->server->options.tls, &facts);
    }
    if (facts.own) {
        (void)str_copy_z(str_of(facts.authority), link.fingerprint, sizeof link.fingerprint);
    }
    AUTO_BUF struct buf text;
    buf_init(&text, SUPPORT_LINK_BYTES);
    support_link_write(&link, &text);
    struct json json;
    call_json(call, 201, &json);
    json_object_begin(&json);
    json_put_str(&json, "id", str_of(opening->id));
    json_put_str(&json, "link", buf_str(&text));
    json_put_time(&json, "until", call->now_ns + opening->wish.code_lifetime_ns);
    json_object_end(&json);
}

int api_support_case_new(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"factory", "note", "address", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct opening opening = {.call = call,
        .wish = {.note = STR_NONE,
            .opened_by = str_of(call->principal.id),
            .code_lifetime_ns = CODE_LIFETIME_S * NS_PER_S},
        .base = STR_NONE};
    struct support_wish *wish = &opening.wish;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "factory", LIMIT_DISPLAY_BYTES, &wish->factory, err);
    rc = rc < 0 ? rc : json_in_str(body, "note", SUPPORT_NOTE_BYTES, &wish->note, err);
    rc = rc < 0 ? rc : need_opener(call, err);
    rc = rc < 0 ? rc : read_base(body, &opening, err);
    rc = rc < 0 ? rc : ledger_write(hub_of(call), case_store, &opening, err);
    if (rc >= 0) {
        answer_link(call, &opening);
    }
    return rc;
}

struct case_get {
    struct call *call;
    struct support_case found;
    const char *ended_by;
};

static int case_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct case_get *get = context;
    return support_case_get(tx, get->call->args[0], &get->call->http->arena, &get->found, err);
}

/* A case of somebody else is none to who is no admin. */
static int find_case(struct case_get *get, struct err *err) {
    const struct principal *who = &get->call->principal;
    int rc = ledger_read(hub_of(get->call), case_read, get, err);
    if (rc >= 0 && !who->admin && !str_eq(get->found.opened_by, str_of(who->id))) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_SUPPORT_UNKNOWN, NO_ARGS);
    }
    return rc;
}

static int case_end_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct case_get *get = context;
    int rc = support_case_end(tx, get->found.id, get->ended_by, err);
    if (rc <= 0) {
        return rc;
    }
    bool by_us = strcmp(get->ended_by, "desk") == 0;
    return people_audit_by(tx, get->call, by_us ? str_of(get->call->principal.id) : STR("factory"),
        "support.case.end", get->found.id, err);
}

int api_support_case_end(struct call *call, struct err *err) {
    struct case_get get = {.call = call, .ended_by = "desk"};
    int rc = find_case(&get, err);
    rc = rc < 0 ? rc : ledger_write(hub_of(call), case_end_store, &get, err);
    if (rc >= 0) {
        desk_close(call->server->desk, get.found.id);
        call_empty(call, 204);
    }
    return rc < 0 ? rc : 0;
}

/* ---- One request of the supporter ---- */

static int check_usable(struct call *call, const struct support_case *found, struct err *err) {
    if (!str_eq(found->opened_by, str_of(call->principal.id))) {
        return err_set(err, ERR_FORBIDDEN, MSG_SUPPORT_NOT_YOURS, NO_ARGS);
    }
    const char *state = state_of(found, call->now_ns);
    if (strcmp(state, "waiting") == 0) {
        return err_set(err, ERR_CONFLICT, MSG_SUPPORT_NOT_APPROVED, NO_ARGS);
    }
    if (strcmp(state, "approved") != 0) {
        call->status = 410;
        return err_set(err, ERR_CLOSED, MSG_LEDGER_SUPPORT_OVER, NO_ARGS);
    }
    return 0;
}

static enum support_method method_of(struct str name) {
    static const char *const NAMES[SUPPORT_METHODS] = {"GET", "POST", "PUT", "DELETE"};
    int method = SUPPORT_GET;
    while (method + 1 < SUPPORT_METHODS && !str_eq(str_of(NAMES[method]), name)) {
        method++;
    }
    return (enum support_method)method; // The parameter was checked to be one of these.
}

int api_support_via(struct call *call, struct err *err) {
    struct case_get get = {.call = call};
    struct str method = STR_NONE;
    struct str target = STR_NONE;
    (void)call_param(call, "method", &method);
    (void)call_param(call, "target", &target);
    int rc = find_case(&get, err);
    rc = rc < 0 ? rc : need_opener(call, err);
    rc = rc < 0 ? rc : check_usable(call, &get.found, err);
    if (rc < 0) {
        return rc;
    }
    if (!support_target_is_good(target) || !str_starts(target, STR("/api/v1/"))) {
        return err_set(err, ERR_INVALID, MSG_SUPPORT_TARGET, NO_ARGS);
    }
    struct str body = call->http->request.body;
    if (body.size > SUPPORT_BODY_BYTES) {
        return err_set(err, ERR_LIMIT, MSG_SUPPORT_BODY, ARGS(A_INT(SUPPORT_BODY_BYTES >> 10)));
    }
    struct desk_ask ask = {.exchange = call->http,
        .line = get.found.id,
        .lang = call->lang,
        .request = {.method = method_of(method),
            .target = target,
            .type = http_header(call->http, "Content-Type"),
            .language = call->lang == LANG_EN ? STR("en") : STR("ko"),
            .body = body}};
    struct http_source source;
    rc = desk_ask(call->server->desk, &ask, &source, err);
    if (rc >= 0) {
        call_source(call, "application/octet-stream", source);
    } else if (rc == -ERR_UNREACHABLE) {
        call->status = 503;
    }
    return rc;
}

/* ---- What a factory's Maru asks ---- */

struct knock {
    struct call *call;
    struct str code;
    struct str key;
    struct support_grant grant;
    struct support_case found;
    char new_key[SECRET_TEXT_MAX];
};

static int look_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct knock *knock = context;
    return support_case_by_code(tx, knock->code, &knock->call->http->arena, &knock->found, err);
}

int api_desk_look(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"code", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct knock knock = {.call = call};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "code", LINK_BYTES, &knock.code, err);
    rc = rc < 0 ? rc : sign_in_count_try(call, err);
    rc = rc < 0 ? rc : ledger_read(hub_of(call), look_read, &knock, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "organisation", knock.found.organisation);
    json_put_str(&json, "name", knock.found.name);
    json_put_str(&json, "factory", knock.found.factory);
    json_put_str(&json, "note", knock.found.note);
    json_put_i64(&json, "seconds", (knock.found.code_until_ns - call->now_ns) / NS_PER_S);
    json_object_end(&json);
    return 0;
}

static int connect_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct knock *knock = context;
    int rc = look_read(tx, knock, err);
    rc = rc < 0 ? rc : support_case_connect(tx, knock->code, &knock->grant, knock->new_key, err);
    return rc < 0 ? rc
                  : people_audit_by(tx, knock->call, STR("factory"), "support.case.approved",
                        knock->found.id, err);
}

static int read_connect(const struct json_in *body, struct knock *knock, struct err *err) {
    static const char *const MEMBERS[] = {"code", "plant", "display", "role", "seconds", NULL};
    struct str role = STR_NONE;
    int64_t seconds = 0;
    struct support_grant *grant = &knock->grant;
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "code", LINK_BYTES, &knock->code, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "plant", LIMIT_ID_BYTES, &grant->plant, err);
    rc =
        rc < 0 ? rc : json_in_str(body, "display", LIMIT_DISPLAY_BYTES, &grant->plant_display, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "role", WORD_BYTES, &role, err);
    rc = rc < 0 ? rc : json_in_i64(body, "seconds", &seconds, err);
    if (rc < 0) {
        return rc;
    }
    if (seconds < 1 || seconds > SUPPORT_MINUTES_MAX * 60) {
        return err_set(err, ERR_RANGE, MSG_SUPPORT_MINUTES,
            ARGS(A_INT(SUPPORT_MINUTES_MIN), A_INT(SUPPORT_MINUTES_MAX)));
    }
    grant->until_ns = knock->call->now_ns + seconds * NS_PER_S;
    return support_role_read(role, &grant->role, err);
}

int api_desk_connect(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct knock knock = {.call = call, .grant = {.plant_display = STR_NONE}};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_connect(body, &knock, err);
    rc = rc < 0 ? rc : sign_in_count_try(call, err);
    rc = rc < 0 ? rc : ledger_write(hub_of(call), connect_store, &knock, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "key", str_of(knock.new_key));
    json_object_end(&json);
    return 0;
}

static int key_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct knock *knock = context;
    return support_case_by_key(tx, knock->key, &knock->call->http->arena, &knock->found, err);
}

/* The case of the key that the factory shows. A key that opens nothing is gone: 410. */
static int find_by_key(struct knock *knock, struct err *err) {
    struct call *call = knock->call;
    struct str rest = str_trim(http_header(call->http, "Authorization"));
    struct str scheme = str_cut(&rest, ' ');
    bool shown = str_eq_nocase(scheme, STR("Bearer")) && rest.data && rest.size < LINK_BYTES;
    knock->key = shown ? str_trim(rest) : STR_NONE;
    int rc = ledger_read(hub_of(call), key_read, knock, err);
    if (rc == -ERR_FORBIDDEN) {
        call->status = 410;
    }
    return rc;
}

int support_check_key(struct call *call, struct err *err) {
    struct knock knock = {.call = call};
    return find_by_key(&knock, err);
}

int api_desk_exchange(struct call *call, struct err *err) {
    struct knock knock = {.call = call};
    struct support_answers answers;
    struct http_source source;
    int rc = find_by_key(&knock, err);
    rc = rc < 0 ? rc : support_answers_read(call->http->request.body, &answers, err);
    if (rc >= 0 && (answers.flags & SUPPORT_END) != 0) {
        struct case_get get = {.call = call, .found = knock.found, .ended_by = "factory"};
        rc = ledger_write(hub_of(call), case_end_store, &get, err);
    }
    struct desk_poll poll = {.exchange = call->http, .line = knock.found.id, .answers = &answers};
    rc = rc < 0 ? rc : desk_poll(call->server->desk, &poll, &source, err);
    if (rc >= 0) {
        call_source(call, "application/octet-stream", source);
    }
    return rc < 0 ? rc : 0;
}
