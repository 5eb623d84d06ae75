#ifndef LEDGER_PEOPLE_H
#define LEDGER_PEOPLE_H
/*
 * Organisations, people, who may enter which plant, and invitations: tables of the hub. A person's
 * role is of one plant; without a row of access a plant does not exist for them. Whoever calls has
 * checked that the caller may; what must never come about whoever asks (a plant without an owner, a
 * home without an admin) is refused here, in the transaction of the change.
 *
 * Texts of facts are borrowed for the call of `each`, those of wishes for the call. Runs inside
 * ledger_write or ledger_read; any thread.
 */
#include "ledger/ledger.h"

enum {
    ORGANISATION_NUMBER_BYTES = 32,
    EMAIL_BYTES = 254, // RFC 5321 section 4.5.3.1.3, less the brackets.
    PHONE_BYTES = 64,
};

/* ---- Organisations ---- */

struct organisation {
    struct str id;
    struct str kind; // manufacturer, supplier, agency, assessor.
    struct str name; // Empty: this company.
    struct str number;
    bool disabled; // Its people may not sign in.
    int64_t created_ns;
};
int organisation_new(struct ledger_tx *tx, const struct organisation *organisation, char ret_id[40],
    struct err *err);
/* All but the time. ERR_NOT_FOUND; ERR_CONFLICT: the last admin would be shut out. */
int organisation_change(
    struct ledger_tx *tx, const struct organisation *organisation, struct err *err);
/* Copied into the arena. ERR_NOT_FOUND. */
int organisation_get(struct ledger_tx *tx, struct str id, struct arena *arena,
    struct organisation *ret_organisation, struct err *err);
/* That of a plant, copied into the arena. ERR_NOT_FOUND: the plant was never entered. */
int organisation_of_plant(struct ledger_tx *tx, struct str plant, struct arena *arena,
    struct organisation *ret_organisation, struct err *err);
/* The one that was there first; made when there is none. */
int organisation_first(struct ledger_tx *tx, char ret_id[40], struct err *err);
/* Oldest first; `for_user`: only their own, those of people they see (user_each), and those with
 * grants, not over for more than 90 days, of plants in which they are owner or manager; empty: all.
 */
int organisation_each(struct ledger_tx *tx, struct str for_user,
    int (*each)(void *context, const struct organisation *organisation, struct err *err),
    void *context, struct err *err);

/* Whether `by` may let new people into an organisation, who then read what anybody grants to it: an
 * admin, one of its own, and whoever is owner or manager of every plant that it has to do with (its
 * own, those its people enter, those that grant it something). */
int organisation_takes(
    struct ledger_tx *tx, struct str id, struct str by, bool *ret_takes, struct err *err);

/* ---- Plants and access ---- */

/* Whether all these plants are entered, so that hub_plants_enter has nothing to do. */
int hub_plants_known(
    struct ledger_tx *tx, const struct str *ids, uint32_t count, bool *ret_known, struct err *err);
/* Enters the plants that are not there yet, as the first organisation's; the admins of it become
 * their owners. Roles of a home of the former schema are given on all of them. */
int hub_plants_enter(struct ledger_tx *tx, const struct str *ids, uint32_t count, struct err *err);

struct access {
    struct str user_id;
    struct str plant;
    enum role role;
    int64_t until_ns; // 0: no end.
    struct str given_by;
    int64_t created_ns;
};
/* Inserts or changes. ERR_NOT_FOUND: no such user; ERR_CONFLICT: the plant's last owner. */
int access_put(struct ledger_tx *tx, const struct access *access, struct err *err);
int access_remove(struct ledger_tx *tx, struct str user_id, struct str plant, struct err *err);
/* ROLE_NONE where there is none, or it has ended. */
int access_role(struct ledger_tx *tx, struct str user_id, struct str plant, enum role *ret_role,
    struct err *err);

/* ---- People ---- */

struct user_wish {
    struct str login;
    struct str display;
    struct str email;
    struct str organisation_id;
    bool admin;
    const char *hash; // password_hash.
};
/* Without access to anything. ERR_EXISTS: the login is taken. */
int user_new(struct ledger_tx *tx, const struct user_wish *wish, char ret_id[40], struct err *err);

struct user_facts {
    struct str id;
    struct str login;
    struct str display;
    struct str email;
    struct str phone;
    struct str language; // "ko", "en" or empty.
    struct str organisation_id;
    struct str organisation_name;
    struct str organisation_kind;
    bool admin;
    bool disabled;
    bool second_factor;
    int64_t created_ns;
    int64_t seen_ns; // Newest of their sessions; 0: none is open.
};
typedef int (*user_fn)(void *context, const struct user_facts *user, struct err *err);
/* Not the erased. `seen_by`: only those with access to a plant in which this user is owner or
 * manager; empty: all. Oldest first. */
int user_each(
    struct ledger_tx *tx, struct str seen_by, user_fn each, void *context, struct err *err);
/* One of them, copied into the arena. ERR_NOT_FOUND. */
int user_get(struct ledger_tx *tx, struct str id, struct arena *arena, struct user_facts *ret_user,
    struct err *err);
/* Whether `by` is owner or manager of a plant to which this user has access. */
int user_is_seen(
    struct ledger_tx *tx, struct str id, struct str by, bool *ret_seen, struct err *err);
/* Whether `by` is owner of every plant to which this user has access, of one at least, and of every
 * one that grants something to their organisation, and the user is no admin. */
int user_is_owned(
    struct ledger_tx *tx, struct str id, struct str by, bool *ret_owned, struct err *err);
/* What people change of themselves. */
struct user_contact {
    struct str display;
    struct str email;
    struct str phone;
    struct str language;
};
int user_contact_put(
    struct ledger_tx *tx, struct str id, const struct user_contact *contact, struct err *err);
/* Disabling ends the sessions. ERR_NOT_FOUND; ERR_CONFLICT: the last admin, or a last owner. */
int user_state_put(struct ledger_tx *tx, struct str id, bool admin, bool disabled, struct err *err);
int user_hash(struct ledger_tx *tx, struct str id, char ret_hash[PASSWORD_HASH_MAX],
    struct err *err); // ERR_NOT_FOUND.
/* Ends their sessions but `keep` (its id; empty: none). */
int user_password_put(
    struct ledger_tx *tx, struct str id, const char *hash, struct str keep, struct err *err);
/* Everything that says who they are goes: names, ways to reach them, sessions, access, and the
 * payloads of audit entries about them or by them. Their id stays, as the pseudonym that it was.
 * ERR_CONFLICT: the last admin, or a last owner. */
int user_erase(struct ledger_tx *tx, struct str id, struct err *err);

/* After erasures of audit payloads came back to an older copy of the hub: erases the people to whom
 * they belong (whose own entry about themselves has none), whoever is left. */
int user_erase_again(struct ledger_tx *tx, struct err *err);

/* One plant's people with their access, also what has ended; or one user's plants. Either may be
 * empty. given_by as people call them. */
typedef int (*access_fn)(
    void *context, const struct access *access, const struct user_facts *user, struct err *err);
int access_each(struct ledger_tx *tx, struct str plant, struct str user_id, access_fn each,
    void *context, struct err *err);

/* ---- Sessions of one user ---- */

struct session_facts {
    struct str id;
    int64_t created_ns;
    int64_t expires_ns;
    int64_t seen_ns;
    struct str address;
    struct str agent;
};
int session_each(struct ledger_tx *tx, struct str user_id,
    int (*each)(void *context, const struct session_facts *session, struct err *err), void *context,
    struct err *err);
/* ERR_NOT_FOUND: none of this user's. */
int session_end_named(struct ledger_tx *tx, struct str user_id, struct str id, struct err *err);
/* All but `keep` (its id; empty: all). */
int session_end_all(struct ledger_tx *tx, struct str user_id, struct str keep, struct err *err);

/* ---- The second factor (RFC 6238) ---- */

enum {
    SECOND_KEY_BYTES = 32,
    SECOND_TEXT_MAX = 40, // Secret of 20 bytes in base32 (RFC 4648 section 6), NUL.
    SECOND_CODES = 10,    // Recovery codes.
    SECOND_CODE_MAX = 16, // "XXXXX-XXXXX", NUL.
};
/* A new secret, not in force before it is confirmed. `key`: the home's; the secret is stored under
 * it. */
int second_begin(struct ledger_tx *tx, struct str user_id, const uint8_t key[SECOND_KEY_BYTES],
    char ret_secret[SECOND_TEXT_MAX], struct err *err);
/* The code of the new secret puts it into force. ERR_FORBIDDEN: another code; ERR_CONFLICT: none
 * was begun. The recovery codes are told here only. */
int second_confirm(struct ledger_tx *tx, struct str user_id, const uint8_t key[SECOND_KEY_BYTES],
    struct str code, char ret_codes[SECOND_CODES][SECOND_CODE_MAX], struct err *err);
/* Spends a code (six digits of the present step or a neighbour, newer than the last used) or a
 * recovery code. `key` NULL: only a recovery code can be right. ERR_FORBIDDEN: wrong or used. */
int second_spend(
    struct ledger_tx *tx, struct str user_id, const uint8_t *key, struct str code, struct err *err);
int second_end(struct ledger_tx *tx, struct str user_id, struct err *err);
/* Recovery codes not used yet. */
int second_left(struct ledger_tx *tx, struct str user_id, int64_t *ret_count, struct err *err);

/* ---- Invitations, and links that set a password anew ---- */

struct invitation {
    struct str id;
    struct str plant;
    enum role role;               // ROLE_GRANTEE: an account in the organisation and no access.
    struct str organisation_id;   // Empty: a new one of the next two.
    struct str organisation_name; // Of that one, in facts.
    struct str organisation_kind;
    struct str label; // For whom, in words.
    struct str email;
    struct str given_by;
    int64_t created_ns;
    int64_t expires_ns;
};
/* `expires_ns` says when; id and created are not read. */
int invitation_new(struct ledger_tx *tx, const struct invitation *invitation, char ret_id[40],
    char ret_secret[SECRET_TEXT_MAX], struct err *err);
/* Those of a plant that can still be taken up, oldest first; given_by as people call them. */
int invitation_each(struct ledger_tx *tx, struct str plant,
    int (*each)(void *context, const struct invitation *invitation, struct err *err), void *context,
    struct err *err);
/* ERR_NOT_FOUND: none of this plant, or it has ended already. */
int invitation_withdraw(struct ledger_tx *tx, struct str plant, struct str id, struct err *err);
/* Copied into the arena. ERR_FORBIDDEN: unknown, taken up, withdrawn, expired, its giver may not
 * give it any more, or the grant that it was for has ended. */
int invitation_find(struct ledger_tx *tx, struct str secret, struct arena *arena,
    struct invitation *ret_invitation, struct err *err);
/* Gives the user the access promised; whoever has access there already keeps a stronger role. */
int invitation_take(
    struct ledger_tx *tx, const struct invitation *invitation, struct str user_id, struct err *err);
/* The organisation the invitation names, made now where it is new. */
int invitation_organisation(
    struct ledger_tx *tx, const struct invitation *invitation, char ret_id[40], struct err *err);

/* `second_factor`: taken off as well, when the link is spent. Links made before open nothing. */
int reset_link_new(struct ledger_tx *tx, struct str user_id, int64_t lifetime_ns,
    bool second_factor, char ret_secret[SECRET_TEXT_MAX], struct err *err);
/* They open nothing any more: who made them knew another person than this has become. */
int reset_links_drop(struct ledger_tx *tx, struct str user_id, struct err *err);
/* Whose password it sets; `spend` uses it up. ERR_FORBIDDEN. */
int reset_link_find(
    struct ledger_tx *tx, struct str secret, bool spend, char ret_user_id[40], struct err *err);

#endif
