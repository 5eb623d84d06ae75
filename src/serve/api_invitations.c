/*
 * Invitations into a plant. Whoever holds the link looks at what it promises, then either makes an
 * account with it or, signed in already, takes it up with the account they have: a supplier who
 * looks after ten plants has one login. The e-mail address is kept for people to tell invitations
 * apart and becomes the new account's; Maru itself sends nothing.
 *
 * A new account reads what anybody grants to its organisation. So it is made in one that was there
 * before only where the inviter may let people into that (organisation_takes), looked at when the
 * account is made: a link that brings an account which is there already needs no such leave.
 */
#include "serve/roles.h"

#include <string.h>

#include "core/json_in.h"
#include "core/limits.h"
#include "ledger/grant.h"
#include "ledger/people.h"
#include "serve/server.h"
#include "serve/sign_in.h"
#include "serve/view.h"

enum { DAYS_DEFAULT = 7, DAYS_MAX = 90, WORD_BYTES = 36 };
static const int64_t DAY_NS = 86400 * NS_PER_S;

/* ---- Made and withdrawn in the plant ---- */

struct invitation_list {
    struct call *call;
    struct json json;
};

static void put_invited(struct json *json, const struct invitation *invitation) {
    json_key(json, "organisation");
    if (invitation->organisation_kind.size == 0) {
        json_null(json);
        return;
    }
    json_object_begin(json);
    if (invitation->organisation_id.size > 0) {
        json_put_str(json, "id", invitation->organisation_id);
    } else {
        json_put_null(json, "id"); // Made when the invitation is taken up.
    }
    json_put_str(json, "name", invitation->organisation_name);
    json_put_str(json, "kind", invitation->organisation_kind);
    json_object_end(json);
}

static int put_invitation(void *context, const struct invitation *invitation, struct err *err) {
    (void)err;
    struct json *json = &((struct invitation_list *)context)->json;
    json_object_begin(json);
    json_put_str(json, "id", invitation->id);
    json_put_str(json, "role", str_of(role_name(invitation->role)));
    json_put_str(json, "label", invitation->label);
    json_put_str(json, "email", invitation->email);
    put_invited(json, invitation);
    json_put_time(json, "created", invitation->created_ns);
    json_put_time(json, "until", invitation->expires_ns);
    json_put_str(json, "given_by", invitation->given_by);
    json_object_end(json);
    return 0;
}

static int invitations_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct invitation_list *list = context;
    return invitation_each(tx, plant_id(list->call->plant), put_invitation, list, err);
}

int api_invitations(struct call *call, struct err *err) {
    struct invitation_list list = {.call = call};
    call_json(call, 200, &list.json);
    view_items_begin(&list.json);
    int rc = ledger_read(home_hub(call->server->home), invitations_read, &list, err);
    view_items_end(&list.json);
    return rc;
}

struct inviting {
    struct call *call;
    struct invitation invitation;
    bool organisation_seen;
    char id[40];
    char secret[SECRET_TEXT_MAX];
};

static int look_organisation(
    void *context, const struct organisation *organisation, struct err *err) {
    (void)err;
    struct inviting *inviting = context;
    inviting->organisation_seen = inviting->organisation_seen ||
                                  str_eq(organisation->id, inviting->invitation.organisation_id);
    return 0;
}

static int need_leave(
    struct ledger_tx *tx, struct str organisation, struct str by, struct err *err) {
    bool takes = false;
    int rc = organisation_takes(tx, organisation, by, &takes, err);
    return rc < 0 || takes ? rc : err_set(err, ERR_FORBIDDEN, MSG_SERVE_INVITE_OTHERS, NO_ARGS);
}

/* Whoever is invited to read what was granted to their organisation, needs a grant to it, and the
 * link can bring nothing but a new account. */
static int need_grant(struct ledger_tx *tx, const struct inviting *inviting, struct err *err) {
    const struct invitation *to = &inviting->invitation;
    bool stands = false;
    if (to->role != ROLE_GRANTEE) {
        return 0;
    }
    int rc = grant_stands(tx, to->plant, to->organisation_id, &stands, err);
    if (rc >= 0 && !stands) {
        return err_set(err, ERR_CONFLICT, MSG_SERVE_GRANT_FIRST, NO_ARGS);
    }
    return rc < 0 ? rc : need_leave(tx, to->organisation_id, to->given_by, err);
}

/* An organisation that the caller has nothing to do with is none to them. */
static int need_organisation(struct ledger_tx *tx, struct inviting *inviting, struct err *err) {
    const struct principal *who = &inviting->call->principal;
    if (inviting->invitation.organisation_id.size == 0) {
        return 0;
    }
    int rc = organisation_each(
        tx, who->admin ? STR_NONE : str_of(who->id), look_organisation, inviting, err);
    return rc < 0 || inviting->organisation_seen
               ? rc
               : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_ORGANISATION_UNKNOWN, NO_ARGS);
}

static int invite_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct inviting *inviting = context;
    int rc = need_organisation(tx, inviting, err);
    rc = rc < 0 ? rc : need_grant(tx, inviting, err);
    rc = rc < 0 ? rc
                : invitation_new(tx, &inviting->invitation, inviting->id, inviting->secret, err);
    char subject[ROLE_SUBJECT_MAX];
    return rc < 0 ? rc
                  : people_audit(tx, inviting->call, "invitation.create",
                        role_subject(str_of(inviting->id), inviting->call,
                            inviting->invitation.role, subject),
                        err);
}

static int read_organisation(
    const struct json_in *body, struct inviting *inviting, struct err *err) {
    static const char *const MEMBERS[] = {"name", "kind", NULL};
    struct invitation *to = &inviting->invitation;
    const struct json_in *made = NULL;
    int rc = json_in_str(body, "organisation_id", WORD_BYTES, &to->organisation_id, err);
    rc = rc < 0 ? rc : json_in_object(body, "organisation", &made, err);
    if (rc > 0) {
        rc = json_in_only(made, MEMBERS, err);
        rc = rc < 0
                 ? rc
                 : json_in_need_str(made, "name", LIMIT_DISPLAY_BYTES, &to->organisation_name, err);
        rc = rc < 0 ? rc : json_in_need_str(made, "kind", WORD_BYTES, &to->organisation_kind, err);
        if (rc >= 0 && to->organisation_id.size > 0) {
            return err_set(err, ERR_INVALID, MSG_CORE_JSON_UNKNOWN, ARGS(A_CSTR("organisation")));
        }
    } else if (rc == 0 && to->organisation_id.size == 0) { // A colleague.
        to->organisation_id = str_of(inviting->call->principal.organisation);
    }
    return rc;
}

static int read_invitation(const struct json_in *body, struct inviting *inviting, struct err *err) {
    static const char *const MEMBERS[] = {
        "role", "label", "email", "days", "organisation_id", "organisation", NULL};
    struct invitation *to = &inviting->invitation;
    struct str role = STR_NONE;
    int64_t days = DAYS_DEFAULT;
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "role", WORD_BYTES, &role, err);
    if (rc >= 0 && str_eq(role, str_of(role_name(ROLE_GRANTEE)))) {
        to->role = ROLE_GRANTEE; // Into an organisation with a grant: no role in the plant.
    } else {
        rc = rc < 0 ? rc : role_read(inviting->call, role, &to->role, err);
    }
    rc = rc < 0 ? rc : json_in_str(body, "label", LIMIT_DISPLAY_BYTES, &to->label, err);
    rc = rc < 0 ? rc : json_in_str(body, "email", EMAIL_BYTES, &to->email, err);
    rc = rc < 0 ? rc : days_read(body, DAYS_MAX, &days, err);
    rc = rc < 0 ? rc : read_organisation(body, inviting, err);
    to->expires_ns = inviting->call->now_ns + days * DAY_NS;
    return rc < 0 ? rc : role_may_give(inviting->call, to->role, err);
}

int api_invitation_new(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct inviting inviting = {.call = call,
        .invitation = {.plant = plant_id(call->plant),
            .organisation_id = STR_NONE,
            .organisation_name = STR_NONE,
            .organisation_kind = STR_NONE,
            .label = STR_NONE,
            .email = STR_NONE,
            .given_by = str_of(call->principal.id)}};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_invitation(body, &inviting, err);
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), invite_store, &inviting, err);
    if (rc < 0) {
        return rc;
    }
    char link[16 + SECRET_TEXT_MAX] = "/invite#";
    (void)str_copy_z(str_of(inviting.secret), link + strlen(link), sizeof link - strlen(link));
    struct json json;
    call_json(call, 201, &json);
    json_object_begin(&json);
    json_put_str(&json, "id", str_of(inviting.id));
    json_put_str(&json, "link", str_of(link));
    json_put_time(&json, "until", inviting.invitation.expires_ns);
    json_object_end(&json);
    return 0;
}

static int withdraw_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct call *call = context;
    int rc = invitation_withdraw(tx, plant_id(call->plant), call->args[1], err);
    return rc < 0 ? rc : people_audit(tx, call, "invitation.withdraw", call->args[1], err);
}

int api_invitation_withdraw(struct call *call, struct err *err) {
    int rc = ledger_write(home_hub(call->server->home), withdraw_store, call, err);
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc;
}

/* ---- Taken up by whoever holds the link ---- */

struct entry {
    struct call *call;
    struct str secret;
    struct str login;
    struct str display;
    struct str password;
    char hash[PASSWORD_HASH_MAX];
    struct invitation invitation;
    struct plant *plant;
};

static int entry_look(struct ledger_tx *tx, void *context, struct err *err) {
    struct entry *entry = context;
    return invitation_find(tx, entry->secret, &entry->call->http->arena, &entry->invitation, err);
}

/* What the secret promises. The plant may be gone since. */
static int find_entry(struct entry *entry, struct err *err) {
    struct home *home = entry->call->server->home;
    int rc = ledger_read(home_hub(home), entry_look, entry, err);
    return rc < 0 ? rc : home_plant(home, entry->invitation.plant, &entry->plant, err);
}

int api_invitation_look(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"secret", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct entry entry = {.call = call};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "secret", LINK_BYTES, &entry.secret, err);
    rc = rc < 0 ? rc : sign_in_count_try(call, err);
    rc = rc < 0 ? rc : find_entry(&entry, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "plant");
    json_object_begin(&json);
    json_put_str(&json, "id", plant_id(entry.plant));
    json_put_str(&json, "display", plant_display(entry.plant));
    json_object_end(&json);
    json_put_str(&json, "role", str_of(role_name(entry.invitation.role)));
    put_invited(&json, &entry.invitation);
    json_put_str(&json, "label", entry.invitation.label);
    json_put_str(&json, "email", entry.invitation.email);
    json_put_time(&json, "until", entry.invitation.expires_ns);
    json_object_end(&json);
    return 0;
}

static int take(struct ledger_tx *tx, struct entry *entry, struct str user_id, struct err *err) {
    char subject[ROLE_SUBJECT_MAX];
    struct call in_plant = {.plant = entry->plant}; // For the subject alone.
    int rc = invitation_take(tx, &entry->invitation, user_id, err);
    return rc < 0 ? rc
                  : people_audit_by(tx, entry->call, user_id, "invitation.take",
                        role_subject(user_id, &in_plant, entry->invitation.role, subject), err);
}

/* Makes the account in the transaction that begins its first session. */
static int take_new(struct ledger_tx *tx, struct sign_in *in, struct err *err) {
    struct entry *entry = in->context;
    char organisation[40];
    int rc = entry_look(tx, entry, err);
    bool is_known = rc >= 0 && entry->invitation.organisation_id.size > 0;
    rc = is_known
             ? need_leave(tx, entry->invitation.organisation_id, entry->invitation.given_by, err)
             : rc;
    rc = rc < 0 ? rc : invitation_organisation(tx, &entry->invitation, organisation, err);
    struct user_wish wish = {.login = entry->login,
        .display = entry->display,
        .email = entry->invitation.email,
        .organisation_id = str_of(organisation),
        .hash = entry->hash};
    rc = rc < 0 ? rc : user_new(tx, &wish, in->user_id, err);
    return rc < 0 ? rc : take(tx, entry, str_of(in->user_id), err);
}

static int take_known(struct ledger_tx *tx, void *context, struct err *err) {
    struct entry *entry = context;
    int rc = entry_look(tx, entry, err);
    if (rc >= 0 && entry->invitation.role == ROLE_GRANTEE) { // It gives an account and no more.
        return err_set(err, ERR_EXISTS, MSG_SERVE_GRANT_ACCOUNT, NO_ARGS);
    }
    return rc < 0 ? rc : take(tx, entry, str_of(entry->call->principal.id), err);
}

static int read_entry(const struct json_in *body, struct entry *entry, struct err *err) {
    static const char *const MEMBERS[] = {"secret", "login", "display", "password", NULL};
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "secret", LINK_BYTES, &entry->secret, err);
    rc = rc < 0 ? rc : json_in_str(body, "login", LOGIN_BYTES, &entry->login, err);
    rc = rc < 0 ? rc : json_in_str(body, "display", LIMIT_DISPLAY_BYTES, &entry->display, err);
    rc = rc < 0 ? rc : json_in_str(body, "password", PASSWORD_BYTES, &entry->password, err);
    rc = rc < 0 ? rc : sign_in_count_try(entry->call, err);
    return rc < 0 ? rc : find_entry(entry, err);
}

int api_invitation_take(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct entry entry = {
        .call = call, .login = STR_NONE, .display = STR_NONE, .password = STR_NONE};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_entry(body, &entry, err);
    if (rc < 0) {
        return rc;
    }
    if (entry.login.size == 0 && call->known && call->principal.is_session) {
        rc = ledger_write(home_hub(call->server->home), take_known, &entry, err);
        return rc < 0 ? rc : answer_session(call, &call->principal, err);
    }
    rc = auth_login_check(entry.login, err);
    rc = rc < 0 ? rc : auth_password_check(entry.login, entry.password, err);
    rc = rc < 0 ? rc : auth_password_hash(&call->server->auth, entry.password, entry.hash, err);
    struct sign_in in = {
        .before = take_new, .context = &entry, .action = "session.begin", .code = STR_NONE};
    return rc < 0 ? rc : sign_in_answer(call, &in, err);
}
