/*
 * Invitations, and links by which a person sets a new password. Both are secrets of 256 bits that
 * are stored as hashes, expire, and open once; taking one up names all conditions in one UPDATE, so
 * that of two requests at the same moment one wins.
 *
 * A link opens nothing more than whoever made it may still give: an invitation asks at every look
 * whether its giver is there and may give that role in that plant, and a link for a password goes
 * when the person gets a password, a role in another plant, or another state.
 *
 * An invitation into an organisation for the sake of a grant goes with the grant.
 *
 * An invitation promises one role in one plant to a person of one organisation. A new organisation
 * is made only when somebody takes it up.
 */
#include <string.h>

#include "core/limits.h"
#include "ledger/input.h"
#include "ledger/people.h"
#include "ledger/run.h"
#include "ledger/secret.h"

/* What a link does: sets a password, or takes the second factor off as well. */
#define PURPOSE_PASSWORD "password"
#define PURPOSE_BOTH     "password+second"

enum { INVITATIONS_MAX = 1000 }; // Of one plant that can still be taken up; refused beyond.

static int check(struct ledger_tx *tx, const struct invitation *wish, struct err *err) {
    if (wish->role < ROLE_VIEWER || wish->role > ROLE_GRANTEE) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_ROLE_MISSING, NO_ARGS);
    }
    int result = input_lifetime(wish->expires_ns - ledger_now_ns(tx), err);
    result = result < 0 ? result : input_text("label", wish->label, LIMIT_DISPLAY_BYTES, err);
    result = result < 0 ? result : input_text("email", wish->email, EMAIL_BYTES, err);
    result =
        result < 0 ? result : input_text("name", wish->organisation_name, LIMIT_DISPLAY_BYTES, err);
    if (result < 0) {
        return result;
    }
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct organisation found;
    struct ledger_stmt *stmt = NULL;
    result = wish->organisation_id.size > 0
                 ? organisation_get(tx, wish->organisation_id, &arena, &found, err)
                 : 0;
    if (result >= 0) {
        result = ledger_prepare(tx,
            "SELECT count(*) FROM invitations"
            " WHERE plant_id = ?1 AND ended_ns IS NULL AND expires_ns > ?2",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, wish->plant);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result >= 0 && ledger_column_i64(stmt, 0) >= INVITATIONS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_LEDGER_INVITATIONS_FULL, ARGS(A_INT(INVITATIONS_MAX)));
    }
    return result < 0 ? result : 0;
}

/* Whom an invitation was for is kept no longer than it can be taken up. */
static int forget_expired(struct ledger_tx *tx, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "UPDATE invitations SET label = '', email = '' WHERE expires_ns <= ?1 AND ended_ns IS NULL"
        " AND (label <> '' OR email <> '')",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx));
    return ledger_step(stmt, err);
}

int invitation_new(struct ledger_tx *tx, const struct invitation *wish, char ret_id[40],
    char ret_secret[SECRET_TEXT_MAX], struct err *err) {
    int result = check(tx, wish, err);
    result = result < 0 ? result : forget_expired(tx, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO invitations (id, hash, plant_id, role, organisation_id, organisation_name,"
            " organisation_kind, label, email, given_by, created_ns, expires_ns, grantee)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    char id[40];
    char secret[SECRET_TEXT_MAX];
    uint8_t hash[HASH_BYTES];
    id_new(ledger_now_ns(tx), id);
    secret_new("", secret);
    secret_hash("invitation", str_of(secret), hash);
    ledger_bind_str(stmt, 1, str_of(id));
    ledger_bind_blob(stmt, 2, hash, HASH_BYTES);
    ledger_bind_str(stmt, 3, wish->plant);
    bool is_grantee = wish->role == ROLE_GRANTEE; // The role is not used then.
    ledger_bind_str(stmt, 4, str_of(role_name(is_grantee ? ROLE_VIEWER : wish->role)));
    ledger_bind_i64(stmt, 13, is_grantee);
    if (wish->organisation_id.size > 0) {
        ledger_bind_str(stmt, 5, wish->organisation_id);
    }
    ledger_bind_str(stmt, 6, wish->organisation_name);
    ledger_bind_str(stmt, 7, wish->organisation_kind);
    ledger_bind_str(stmt, 8, wish->label);
    ledger_bind_str(stmt, 9, wish->email);
    ledger_bind_str(stmt, 10, wish->given_by);
    ledger_bind_i64(stmt, 11, ledger_now_ns(tx));
    ledger_bind_i64(stmt, 12, wish->expires_ns);
    result = ledger_step(stmt, err);
    if (result == 0) {
        memcpy(ret_id, id, sizeof id);
        memcpy(ret_secret, secret, sizeof secret);
    }
    return result;
}

/* Whether the giver may give that role in that plant now (?2): an owner any, a manager some, as
 * api_invitations.c lets them. */
#define GIVER_MAY                                                                                  \
    "EXISTS (SELECT 1 FROM users u JOIN access a ON a.user_id = u.id AND a.plant_id = i.plant_id"  \
    " WHERE u.id = i.given_by AND u.erased_ns IS NULL AND " ACTIVE_USER                            \
    " AND coalesce(a.until_ns, 9223372036854775807) > ?2 AND (a.role = 'owner'"                    \
    " OR (a.role = 'manager' AND i.grantee = 0 AND i.role IN ('viewer', 'operator'))))"

#define INVITATION_COLUMNS(by)                                                                     \
    "SELECT i.id, i.plant_id, i.role, coalesce(i.organisation_id, ''),"                            \
    " coalesce(o.name, i.organisation_name), coalesce(o.kind, i.organisation_kind), i.label,"      \
    " i.email, " by ", i.created_ns, i.expires_ns, i.grantee"                                      \
    " FROM invitations i LEFT JOIN organisations o ON o.id = i.organisation_id "

static struct invitation row(struct ledger_stmt *stmt) {
    struct invitation invitation = {.id = ledger_column_str(stmt, 0),
        .plant = ledger_column_str(stmt, 1),
        .organisation_id = ledger_column_str(stmt, 3),
        .organisation_name = ledger_column_str(stmt, 4),
        .organisation_kind = ledger_column_str(stmt, 5),
        .label = ledger_column_str(stmt, 6),
        .email = ledger_column_str(stmt, 7),
        .given_by = ledger_column_str(stmt, 8),
        .created_ns = ledger_column_i64(stmt, 9),
        .expires_ns = ledger_column_i64(stmt, 10)};
    (void)role_of_name(ledger_column_str(stmt, 2), &invitation.role); // As the schema allows.
    invitation.role = ledger_column_i64(stmt, 11) != 0 ? ROLE_GRANTEE : invitation.role;
    return invitation;
}

int invitation_each(struct ledger_tx *tx, struct str plant,
    int (*each)(void *context, const struct invitation *invitation, struct err *err), void *context,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        INVITATION_COLUMNS(GIVEN_BY(
            "i.given_by")) "WHERE i.plant_id = ?1 AND i.ended_ns IS NULL AND i.expires_ns > ?2"
                           " ORDER BY i.created_ns, i.id",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    while (result >= 0 && (result = ledger_step(stmt, err)) == 1) {
        struct invitation invitation = row(stmt);
        result = each(context, &invitation, err);
    }
    return result;
}

int invitation_withdraw(struct ledger_tx *tx, struct str plant, struct str id, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "UPDATE invitations SET ended_ns = ?3, label = '', email = ''"
        " WHERE plant_id = ?1 AND id = ?2 AND ended_ns IS NULL AND expires_ns > ?3",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_str(stmt, 2, id);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_INVITATION_UNKNOWN, NO_ARGS);
    }
    return result;
}

int invitation_find(struct ledger_tx *tx, struct str secret, struct arena *arena,
    struct invitation *ret_invitation, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        INVITATION_COLUMNS(
            "i.given_by") "WHERE i.hash = ?1 AND i.ended_ns IS NULL AND i.expires_ns > ?2"
                          " AND " GIVER_MAY " AND (i.grantee = 0"
                          " OR " GRANT_STANDS("i.plant_id", "i.organisation_id", "?2") ")",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    uint8_t hash[HASH_BYTES];
    secret_hash("invitation", secret, hash);
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result <= 0) {
        return result < 0 ? result
                          : err_set(err, ERR_FORBIDDEN, MSG_LEDGER_INVITATION_SPENT, NO_ARGS);
    }
    struct invitation found = row(stmt);
    struct str *const texts[] = {&found.id, &found.plant, &found.organisation_id,
        &found.organisation_name, &found.organisation_kind, &found.label, &found.email,
        &found.given_by};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_copy(arena, *texts[i]);
    }
    *ret_invitation = found;
    return 0;
}

int invitation_organisation(
    struct ledger_tx *tx, const struct invitation *invitation, char ret_id[40], struct err *err) {
    if (invitation->organisation_id.size > 0) {
        (void)str_copy_z(invitation->organisation_id, ret_id, 40); // 36 letters.
        return 0;
    }
    if (invitation->organisation_name.size == 0) { // Nothing was said: one of us.
        return organisation_first(tx, ret_id, err);
    }
    struct organisation wish = {.kind = invitation->organisation_kind,
        .name = invitation->organisation_name,
        .number = STR_NONE};
    return organisation_new(tx, &wish, ret_id, err);
}

int invitation_take(struct ledger_tx *tx, const struct invitation *invitation, struct str user_id,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    enum role role = ROLE_NONE;
    int result = access_role(tx, user_id, invitation->plant, &role, err);
    if (result >= 0 && role != ROLE_NONE) {
        return err_set(err, ERR_EXISTS, MSG_LEDGER_ACCESS_EXISTS, ARGS(A_CSTR(role_name(role))));
    }
    if (result >= 0) {
        result = ledger_prepare(tx,
            "UPDATE invitations SET ended_ns = ?3, user_id = ?2"
            " WHERE id = ?1 AND ended_ns IS NULL AND expires_ns > ?3",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, invitation->id);
    ledger_bind_str(stmt, 2, user_id);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_FORBIDDEN, MSG_LEDGER_INVITATION_SPENT, NO_ARGS);
    }
    struct access access = {.user_id = user_id,
        .plant = invitation->plant,
        .role = invitation->role,
        .given_by = invitation->given_by};
    return result < 0 || invitation->role == ROLE_GRANTEE ? result : access_put(tx, &access, err);
}

/* ---- Links that set a password anew ---- */

int reset_links_drop(struct ledger_tx *tx, struct str user_id, struct err *err) {
    return run_texts(tx, "DELETE FROM links WHERE user_id = ?1", TEXTS(user_id), err);
}

int reset_link_new(struct ledger_tx *tx, struct str user_id, int64_t lifetime_ns,
    bool second_factor, char ret_secret[SECRET_TEXT_MAX], struct err *err) {
    struct str purpose = second_factor ? STR(PURPOSE_BOTH) : STR(PURPOSE_PASSWORD);
    int result = hub_link_new(tx, purpose, lifetime_ns, ret_secret, err);
    struct ledger_stmt *stmt = NULL;
    /* An older link to the same person opens nothing any more. */
    result = result < 0 ? result : reset_links_drop(tx, user_id, err);
    if (result == 0) {
        result = ledger_prepare(tx, "UPDATE links SET user_id = ?2 WHERE hash = ?1", &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    uint8_t hash[HASH_BYTES];
    secret_hash("link", str_of(ret_secret), hash);
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_str(stmt, 2, user_id);
    return ledger_step(stmt, err);
}

int reset_link_find(
    struct ledger_tx *tx, struct str secret, bool spend, char ret_user_id[40], struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT l.user_id, l.purpose FROM links l JOIN users u ON u.id = l.user_id"
        " WHERE l.hash = ?1 AND l.purpose IN ('" PURPOSE_PASSWORD "', '" PURPOSE_BOTH
        "') AND l.spent_ns IS NULL AND l.expires_ns > ?2"
        " AND " ACTIVE_USER,
        &stmt, err);
    if (result < 0) {
        return result;
    }
    uint8_t hash[HASH_BYTES];
    secret_hash("link", secret, hash);
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result <= 0) {
        return result < 0 ? result : err_set(err, ERR_FORBIDDEN, MSG_LEDGER_LINK_SPENT, NO_ARGS);
    }
    (void)str_copy_z(ledger_column_str(stmt, 0), ret_user_id, 40); // 36 letters.
    bool both = str_eq(ledger_column_str(stmt, 1), STR(PURPOSE_BOTH));
    if (!spend) {
        return 0;
    }
    /* Once and in this order: who does not bring the link takes nothing off. */
    result = hub_link_spend(tx, both ? STR(PURPOSE_BOTH) : STR(PURPOSE_PASSWORD), secret, err);
    return result < 0 || !both ? result : second_end(tx, str_of(ret_user_id), err);
}
