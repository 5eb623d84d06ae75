/*
 * Grants: the owner of a plant lets the people of another organisation read some of its tags. What
 * that gives them is decided in sight.c; which routes, in route.c. Here a grant is given, listed
 * and revoked. Giving and revoking stand in the hub's audit chain; open streams look again at once.
 */
#include "serve/call.h"

#include <stdio.h>
#include <string.h>

#include "core/json_in.h"
#include "core/time.h"
#include "ledger/grant.h"
#include "ledger/people.h"
#include "serve/roles.h"
#include "serve/server.h"
#include "serve/sign_in.h"
#include "serve/view.h"

enum { TIME_BYTES = 64, WORD_BYTES = 36, SUBJECT_MAX = 160 };

/* ---- The list ---- */

struct grant_list {
    struct call *call;
    struct json json;
    const struct catalogue *catalogue;
    struct str only; // One grant's id; empty: all.
};

static uint32_t count_tags(const struct catalogue *catalogue, struct str patterns) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        struct str rest = patterns;
        bool fits = false;
        while (rest.size > 0 && !fits) {
            fits = tag_name_fits(str_cut(&rest, ' '), catalogue->tags[i].name);
        }
        count += fits;
    }
    return count;
}

static const char *state_of(const struct grant *grant, int64_t now_ns) {
    return grant->revoked_ns != 0      ? "revoked"
           : grant->until_ns <= now_ns ? "ended"
           : grant->from_ns > now_ns   ? "waiting"
                                       : "active";
}

static void put_patterns(struct json *json, struct str patterns) {
    json_key(json, "tags");
    json_array_begin(json);
    while (patterns.size > 0) {
        json_str(json, str_cut(&patterns, ' '));
    }
    json_array_end(json);
}

static int put_grant(void *context, const struct grant *grant, struct err *err) {
    (void)err;
    struct grant_list *list = context;
    struct json *json = &list->json;
    if (list->only.size > 0 && !str_eq(list->only, grant->id)) {
        return 0;
    }
    json_object_begin(json);
    json_put_str(json, "id", grant->id);
    json_put_str(json, "state", str_of(state_of(grant, list->call->now_ns)));
    json_key(json, "organisation");
    json_object_begin(json);
    json_put_str(json, "id", grant->organisation_id);
    json_put_str(json, "name", grant->organisation_name);
    json_put_str(json, "kind", grant->organisation_kind);
    json_object_end(json);
    put_patterns(json, grant->tags);
    bool over = grant->revoked_ns != 0 || grant->until_ns <= list->call->now_ns;
    json_put_i64(json, "tag_count", over ? 0 : count_tags(list->catalogue, grant->tags));
    json_put_str(json, "purpose", grant->purpose);
    json_put_bool(json, "hide_names", grant->hide_names);
    json_put_i64(json, "step_s", grant->step_s);
    json_put_time(json, "from", grant->from_ns);
    json_put_time(json, "until", grant->until_ns);
    json_put_str(json, "given_by", grant->given_by);
    json_put_time(json, "created", grant->created_ns);
    view_put_time(json, "revoked", grant->revoked_ns);
    if (grant->revoked_ns != 0) {
        json_put_str(json, "revoked_by", grant->revoked_by);
    } else {
        json_put_null(json, "revoked_by");
    }
    json_object_end(json);
    return 0;
}

static int grants_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct grant_list *list = context;
    return grant_each(tx, plant_id(list->call->plant), put_grant, list, err);
}

int api_grants(struct call *call, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct grant_list list = {.call = call, .catalogue = catalogue, .only = STR_NONE};
    call_json(call, 200, &list.json);
    view_items_begin(&list.json);
    int rc = ledger_read(home_hub(call->server->home), grants_read, &list, err);
    view_items_end(&list.json);
    return rc;
}

static int answer_grant(struct call *call, int status, struct str id, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct grant_list list = {.call = call, .catalogue = catalogue, .only = id};
    call_json(call, status, &list.json);
    return ledger_read(home_hub(call->server->home), grants_read, &list, err);
}

/* ---- Giving ---- */

struct giving {
    struct call *call;
    struct grant grant;
    struct organisation made; // A new one; without a name: an existing one.
    bool organisation_seen;
    char id[40];
};

static int look_organisation(
    void *context, const struct organisation *organisation, struct err *err) {
    (void)err;
    struct giving *giving = context;
    giving->organisation_seen =
        giving->organisation_seen || str_eq(organisation->id, giving->grant.organisation_id);
    return 0;
}

/* The organisation meant, made now where it is new. One that the caller has nothing to do with is
 * none to them; the plant's own needs no grant. */
static int need_organisation(
    struct ledger_tx *tx, struct giving *giving, char made_id[40], struct err *err) {
    const struct principal *who = &giving->call->principal;
    if (giving->made.name.size > 0) {
        int rc = organisation_new(tx, &giving->made, made_id, err);
        giving->grant.organisation_id = str_of(made_id);
        return rc;
    }
    struct organisation own;
    int rc = organisation_of_plant(
        tx, plant_id(giving->call->plant), &giving->call->http->arena, &own, err);
    if (rc < 0 || str_eq(giving->grant.organisation_id, own.id)) {
        return rc < 0 ? rc : err_set(err, ERR_INVALID, MSG_SERVE_GRANT_OWN, NO_ARGS);
    }
    rc = organisation_each(
        tx, who->admin ? STR_NONE : str_of(who->id), look_organisation, giving, err);
    return rc < 0 || giving->organisation_seen
               ? rc
               : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_ORGANISATION_UNKNOWN, NO_ARGS);
}

/* "GRANT plant ORGANISATION" */
static struct str subject_of(
    const struct call *call, struct str id, struct str organisation, char to[SUBJECT_MAX]) {
    (void)snprintf(to, SUBJECT_MAX, "%.*s %.*s %.*s", STR_ARG(id), STR_ARG(plant_id(call->plant)),
        STR_ARG(organisation));
    return str_of(to);
}

static int give_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct giving *giving = context;
    char made_id[40] = "";
    char subject[SUBJECT_MAX];
    int rc = need_organisation(tx, giving, made_id, err);
    rc = rc < 0 ? rc : grant_new(tx, &giving->grant, giving->id, err);
    return rc < 0 ? rc
                  : people_audit(tx, giving->call, "grant.give",
                        subject_of(giving->call, str_of(giving->id), giving->grant.organisation_id,
                            subject),
                        err);
}

static int read_organisation(const struct json_in *body, struct giving *giving, struct err *err) {
    static const char *const MEMBERS[] = {"name", "kind", NULL};
    const struct json_in *made = NULL;
    int rc = json_in_str(body, "organisation_id", WORD_BYTES, &giving->grant.organisation_id, err);
    bool has_id = rc > 0 && giving->grant.organisation_id.size > 0;
    rc = rc < 0 ? rc : json_in_object(body, "organisation", &made, err);
    if (rc < 0 || (rc > 0) == has_id) {
        return rc < 0 ? rc : err_set(err, ERR_INVALID, MSG_SERVE_GRANT_WHOM, NO_ARGS);
    }
    if (rc > 0) {
        rc = json_in_only(made, MEMBERS, err);
        rc = rc < 0 ? rc
                    : json_in_need_str(made, "name", LIMIT_DISPLAY_BYTES, &giving->made.name, err);
        rc = rc < 0 ? rc : json_in_need_str(made, "kind", WORD_BYTES, &giving->made.kind, err);
    }
    return rc < 0 ? rc : 0;
}

/* The patterns with blanks between. A name in which no star stands must be a tag's: a typing
 * mistake must not look like a grant. */
static int read_tags(const struct json_in *body, struct giving *giving, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(giving->call->plant);
    struct arena *arena = &giving->call->http->arena;
    struct str names[GRANT_PATTERNS_MAX];
    int count = json_in_texts(body, "tags", names, GRANT_PATTERNS_MAX, err);
    if (count < 0) {
        return count;
    }
    AUTO_BUF struct buf joined = {0};
    buf_init(&joined, (size_t)GRANT_PATTERNS_MAX * (LIMIT_TAG_NAME_BYTES + 1));
    for (int i = 0; i < count; i++) {
        bool is_name = str_find(names[i], '*') == names[i].size;
        if (names[i].size > LIMIT_TAG_NAME_BYTES || str_find(names[i], ' ') < names[i].size ||
            names[i].size == 0) {
            return err_set(err, ERR_INVALID, MSG_LEDGER_GRANT_PATTERN, ARGS(A_STR(names[i])));
        }
        if (is_name && !catalogue_find(catalogue, names[i])) {
            giving->call->status = 400; // The plant is there; the name is wrong.
            return err_set(err, ERR_NOT_FOUND, MSG_SERVE_TAG_UNKNOWN, ARGS(A_STR(names[i])));
        }
        if (i > 0) {
            buf_put_char(&joined, ' ');
        }
        buf_put_str(&joined, names[i]);
    }
    giving->grant.tags = arena_copy(arena, buf_str(&joined));
    return 0;
}

static int read_time(const struct json_in *body, const struct giving *giving, const char *name,
    int64_t *ret_time_ns, struct err *err) {
    struct str text = STR_NONE;
    int rc = json_in_str(body, name, TIME_BYTES, &text, err);
    if (rc > 0 && !time_parse(text, plant_zone(giving->call->plant), ret_time_ns)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_GRANT_TIME, ARGS(A_CSTR(name), A_STR(text)));
    }
    return rc;
}

static int read_grant(const struct json_in *body, struct giving *giving, struct err *err) {
    static const char *const MEMBERS[] = {"organisation_id", "organisation", "tags", "purpose",
        "from", "until", "hide_names", "step_s", NULL};
    struct grant *grant = &giving->grant;
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : read_organisation(body, giving, err);
    rc = rc < 0 ? rc : read_tags(body, giving, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "purpose", GRANT_PURPOSE_BYTES, &grant->purpose, err);
    rc = rc < 0 ? rc : read_time(body, giving, "from", &grant->from_ns, err);
    rc = rc < 0 ? rc : read_time(body, giving, "until", &grant->until_ns, err);
    if (rc == 0) {
        return err_set(err, ERR_INVALID, MSG_CORE_JSON_MISSING, ARGS(A_CSTR("until")));
    }
    rc = rc < 0 ? rc : json_in_bool(body, "hide_names", &grant->hide_names, err);
    rc = rc < 0 ? rc : json_in_i64(body, "step_s", &grant->step_s, err);
    return rc < 0 ? rc : 0;
}

/* Before a grant that hides names is stored, so that none stands whose pseudonyms cannot be made.
 */
static int need_key(struct call *call, const struct grant *grant, struct err *err) {
    struct deident_key key;
    int rc = grant->hide_names ? plant_deident_key(call->plant, STR("grant"), &key, err) : 0;
    call->status = rc == -ERR_NOT_FOUND ? 409 : call->status; // The key, not the plant.
    return rc;
}

static void tell_readers(struct call *call) {
    sights_changed(call->server->sights);
    stream_hub_recheck(call->server->streams);
}

int api_grant_new(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct giving giving = {.call = call,
        .grant = {.plant = plant_id(call->plant),
            .organisation_id = STR_NONE,
            .from_ns = call->now_ns,
            .given_by = str_of(call->principal.id)},
        .made = {.name = STR_NONE, .kind = STR_NONE, .number = STR_NONE}};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_grant(body, &giving, err);
    rc = rc < 0 ? rc : need_key(call, &giving.grant, err);
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), give_store, &giving, err);
    if (rc < 0) {
        return rc;
    }
    tell_readers(call);
    return answer_grant(call, 201, str_of(giving.id), err);
}

/* ---- Revoking ---- */

static int revoke_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct call *call = context;
    char subject[SUBJECT_MAX];
    int rc =
        grant_revoke(tx, plant_id(call->plant), call->args[1], str_of(call->principal.id), err);
    return rc < 0 ? rc
                  : people_audit(tx, call, "grant.revoke",
                        subject_of(call, call->args[1], STR_NONE, subject), err);
}

int api_grant_revoke(struct call *call, struct err *err) {
    int rc = ledger_write(home_hub(call->server->home), revoke_store, call, err);
    if (rc < 0) {
        return rc;
    }
    tell_readers(call);
    return answer_grant(call, 200, call->args[1], err);
}
