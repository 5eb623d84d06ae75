/*
 * The first users, signing in, and one-time links of the hub. people.c has what follows.
 *
 * Login names are ASCII and folded to lower case before they are stored or compared, so that no two
 * users differ by what nobody can see; people's real names, in any script, are display names. The
 * hashing of passwords is done by the caller before its transaction (35 ms would hold up every
 * other change).
 *
 * A link is spent by one UPDATE that names all conditions: of two requests that bring the same
 * secret at the same moment, exactly one changes the row.
 */
#include <string.h>

#include "core/limits.h"
#include "ledger/input.h"
#include "ledger/people.h"
#include "ledger/run.h"
#include "ledger/secret.h"

enum { LOGIN_MAX = 63 };

static const char *const ROLES[] = {
    [ROLE_NONE] = "none",
    [ROLE_VIEWER] = "viewer",
    [ROLE_OPERATOR] = "operator",
    [ROLE_AUDITOR] = "auditor",
    [ROLE_INSTALLER] = "installer",
    [ROLE_MANAGER] = "manager",
    [ROLE_OWNER] = "owner",
    [ROLE_GRANTEE] = "grantee",
};
enum { ROLE_COUNT = sizeof ROLES / sizeof ROLES[0] };

const char *role_name(enum role role) {
    return (unsigned)role < ROLE_COUNT ? ROLES[role] : ROLES[ROLE_NONE];
}

bool role_of_name(struct str name, enum role *ret_role) {
    for (unsigned i = ROLE_VIEWER; i < ROLE_COUNT; i++) {
        if (str_eq(name, str_of(ROLES[i]))) {
            *ret_role = (enum role)i;
            return true;
        }
    }
    return false;
}

bool login_fold(struct str login, char *to) {
    if (login.size < 1 || login.size > LOGIN_MAX) {
        return false;
    }
    for (size_t i = 0; i < login.size; i++) {
        char c = login.data[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       (c != '\0' && strchr("._@+-", c) != NULL);
        if (!allowed) {
            return false;
        }
        to[i] = c;
    }
    to[login.size] = '\0';
    return true;
}

int hub_owner_exists(struct ledger_tx *tx, bool *ret_exists, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT EXISTS (SELECT 1 FROM users u WHERE u.admin = 1 AND " ACTIVE_USER ")", &stmt, err);
    if (result == 0) {
        result = ledger_step(stmt, err);
    }
    if (result < 0) {
        return result;
    }
    *ret_exists = ledger_column_i64(stmt, 0) != 0;
    return 0;
}

int hub_link_new(struct ledger_tx *tx, struct str purpose, int64_t lifetime_ns,
    char ret_secret[SECRET_TEXT_MAX], struct err *err) {
    int result = input_lifetime(lifetime_ns, err);
    if (result < 0) {
        return result;
    }
    struct ledger_stmt *stmt = NULL;
    result = ledger_prepare(tx, "DELETE FROM links WHERE expires_ns <= ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    int64_t now_ns = ledger_now_ns(tx);
    ledger_bind_i64(stmt, 1, now_ns);
    result = ledger_step(stmt, err);
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO links (hash, purpose, created_ns, expires_ns) VALUES (?1, ?2, ?3, ?4)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    char secret[SECRET_TEXT_MAX];
    uint8_t hash[HASH_BYTES];
    secret_new("", secret);
    secret_hash("link", str_of(secret), hash);
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_str(stmt, 2, purpose);
    ledger_bind_i64(stmt, 3, now_ns);
    ledger_bind_i64(stmt, 4, now_ns + lifetime_ns);
    result = ledger_step(stmt, err);
    if (result == 0) {
        memcpy(ret_secret, secret, sizeof secret);
    }
    return result;
}

int hub_link_spend(struct ledger_tx *tx, struct str purpose, struct str secret, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "UPDATE links SET spent_ns = ?3"
        " WHERE hash = ?1 AND purpose = ?2 AND spent_ns IS NULL AND expires_ns > ?3",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    uint8_t hash[HASH_BYTES];
    secret_hash("link", secret, hash);
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_str(stmt, 2, purpose);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_FORBIDDEN, MSG_LEDGER_LINK_SPENT, NO_ARGS);
    }
    return result;
}

bool hub_link_is_valid(struct ledger_tx *tx, struct str purpose, struct str secret) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT hash FROM links"
        " WHERE hash = ?1 AND purpose = ?2 AND spent_ns IS NULL AND expires_ns > ?3",
        &stmt, NULL);
    if (result < 0) {
        return false;
    }
    uint8_t hash[HASH_BYTES];
    uint8_t stored[HASH_BYTES];
    secret_hash("link", secret, hash);
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_str(stmt, 2, purpose);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    return ledger_step(stmt, NULL) == 1 && db_column_bytes(stmt, 0, stored, HASH_BYTES) &&
           hash_equal(hash, stored);
}

static int login_is_free(struct ledger_tx *tx, const char *login, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "SELECT 1 FROM users WHERE login = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, str_of(login));
    result = ledger_step(stmt, err);
    if (result == 1) {
        return err_set(err, ERR_EXISTS, MSG_LEDGER_LOGIN_TAKEN, ARGS(A_CSTR(login)));
    }
    return result;
}

int user_new(struct ledger_tx *tx, const struct user_wish *wish, char ret_id[40], struct err *err) {
    char folded[LOGIN_MAX + 1];
    if (!login_fold(wish->login, folded)) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_LOGIN_BAD, ARGS(A_STR(wish->login)));
    }
    int result = input_text("display", wish->display, LIMIT_DISPLAY_BYTES, err);
    result = result < 0 ? result : input_text("email", wish->email, EMAIL_BYTES, err);
    result = result < 0 ? result : login_is_free(tx, folded, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO users (id, login, display, password_hash, created_ns, organisation_id,"
            " admin, email) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    char id[40];
    id_new(ledger_now_ns(tx), id);
    ledger_bind_str(stmt, 1, str_of(id));
    ledger_bind_str(stmt, 2, str_of(folded));
    ledger_bind_str(stmt, 3, wish->display);
    ledger_bind_str(stmt, 4, str_of(wish->hash));
    ledger_bind_i64(stmt, 5, ledger_now_ns(tx));
    ledger_bind_str(stmt, 6, wish->organisation_id);
    ledger_bind_i64(stmt, 7, wish->admin ? 1 : 0);
    ledger_bind_str(stmt, 8, wish->email);
    result = ledger_step(stmt, err);
    if (result == 0) {
        memcpy(ret_id, id, sizeof id);
    }
    return result;
}

/* Gives a role in every plant, whatever it was. */
static int give_everywhere(
    struct ledger_tx *tx, const char *user_id, enum role role, const char *by, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "INSERT OR REPLACE INTO access (user_id, plant_id, role, until_ns, given_by, created_ns)"
        " SELECT ?1, id, ?2, NULL, ?3, ?4 FROM plants",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, str_of(user_id));
    ledger_bind_str(stmt, 2, str_of(role_name(role)));
    ledger_bind_str(stmt, 3, str_of(by));
    ledger_bind_i64(stmt, 4, ledger_now_ns(tx));
    return ledger_step(stmt, err);
}

int user_create(struct ledger_tx *tx, struct str login, struct str display, enum role role,
    const char *hash, char ret_id[40], struct err *err) {
    if (role < ROLE_VIEWER || role > ROLE_OWNER) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_ROLE_MISSING, NO_ARGS);
    }
    char organisation[40];
    char id[40];
    int result = organisation_first(tx, organisation, err);
    struct user_wish wish = {.login = login,
        .display = display,
        .email = STR_NONE,
        .organisation_id = str_of(organisation),
        .admin = role == ROLE_OWNER,
        .hash = hash};
    result = result < 0 ? result : user_new(tx, &wish, id, err);
    result = result < 0 ? result : give_everywhere(tx, id, role, "maru", err);
    if (result == 0) {
        memcpy(ret_id, id, sizeof id);
    }
    return result;
}

int user_owner_reset(
    struct ledger_tx *tx, struct str login, const char *hash, char ret_id[40], struct err *err) {
    char folded[LOGIN_MAX + 1];
    if (!login_fold(login, folded)) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_LOGIN_BAD, ARGS(A_STR(login)));
    }
    struct ledger_stmt *stmt = NULL;
    int result = run_first(tx,
        "UPDATE users SET password_hash = ?2, admin = 1, disabled = 0"
        " WHERE login = ?1 AND erased_ns IS NULL RETURNING id",
        TEXTS(str_of(folded), str_of(hash)), &stmt, err);
    if (result <= 0) {
        return result < 0 ? result : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
    }
    char id[40];
    (void)str_copy_z(ledger_column_str(stmt, 0), id, sizeof id); // 36 letters.
    result = ledger_step(stmt, err);
    if (result == 0) {
        result = run_texts(tx,
            "UPDATE organisations SET disabled = 0"
            " WHERE id = (SELECT organisation_id FROM users WHERE id = ?1)",
            TEXTS(str_of(id)), err);
    }
    result = result < 0 ? result : second_end(tx, str_of(id), err);
    result = result < 0 ? result : reset_links_drop(tx, str_of(id), err);
    result = result < 0 ? result : session_end_all(tx, str_of(id), STR_NONE, err);
    result = result < 0 ? result : give_everywhere(tx, id, ROLE_OWNER, "cli", err);
    if (result == 0) {
        memcpy(ret_id, id, sizeof id);
    }
    return result;
}

int user_find(struct ledger_tx *tx, struct str login, struct user_key *ret_key, struct err *err) {
    char folded[LOGIN_MAX + 1];
    if (!login_fold(login, folded)) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
    }
    struct ledger_stmt *stmt = NULL;
    int result = run_first(tx,
        "SELECT u.id, u.password_hash, u.totp IS NOT NULL FROM users u"
        " WHERE u.login = ?1 AND " ACTIVE_USER,
        TEXTS(str_of(folded)), &stmt, err);
    if (result <= 0) {
        return result < 0 ? result : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
    }
    (void)str_copy_z(ledger_column_str(stmt, 0), ret_key->id, sizeof ret_key->id);  // 36 letters.
    (void)str_copy_z(ledger_column_str(stmt, 1), ret_key->hash, PASSWORD_HASH_MAX); // As made.
    ret_key->second_factor = ledger_column_i64(stmt, 2) != 0;
    return 0;
}

int user_display(struct ledger_tx *tx, struct str user_id, struct arena *arena,
    struct str *ret_display, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "SELECT display FROM users WHERE id = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, user_id);
    result = ledger_step(stmt, err);
    if (result < 0) {
        return result;
    }
    if (result == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
    }
    *ret_display = arena_copy(arena, ledger_column_str(stmt, 0));
    return 0;
}
