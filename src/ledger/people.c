/*
 * People: listing, changing, shutting out, erasing.
 *
 * Erasing a person keeps the row, because audit entries, corrections and access given by them name
 * its id; what says who that was goes: names, ways to reach them, password, second factor,
 * sessions, access, and the payloads of audit entries about them or by them (an address is
 * personal). What remains in the chain is an id that leads to nobody. Entries about access hold the
 * id, the plant and the role in their subject, so that who could see what stays answerable.
 */
#include "ledger/people.h"

#include "core/limits.h"
#include "ledger/input.h"
#include "ledger/run.h"

#define USER_COLUMNS                                                                               \
    "u.id, u.login, u.display, u.email, u.phone, u.language, coalesce(u.organisation_id, ''),"     \
    " coalesce(o.name, ''), coalesce(o.kind, ''), u.admin, u.disabled, u.totp IS NOT NULL,"        \
    " u.created_ns, (SELECT coalesce(max(seen_ns), 0) FROM sessions WHERE user_id = u.id)"
#define USER_TABLES " FROM users u LEFT JOIN organisations o ON o.id = u.organisation_id "
/* Plants in which the user ?1 is owner or manager now (?2). */
#define MANAGED_PLANTS                                                                             \
    "(SELECT plant_id FROM access WHERE user_id = ?1 AND role IN ('owner', 'manager')"             \
    " AND coalesce(until_ns, 9223372036854775807) > ?2)"

enum { USER_COLUMN_COUNT = 14 };

static struct user_facts user_row(struct ledger_stmt *stmt) {
    return (struct user_facts){.id = ledger_column_str(stmt, 0),
        .login = ledger_column_str(stmt, 1),
        .display = ledger_column_str(stmt, 2),
        .email = ledger_column_str(stmt, 3),
        .phone = ledger_column_str(stmt, 4),
        .language = ledger_column_str(stmt, 5),
        .organisation_id = ledger_column_str(stmt, 6),
        .organisation_name = ledger_column_str(stmt, 7),
        .organisation_kind = ledger_column_str(stmt, 8),
        .admin = ledger_column_i64(stmt, 9) != 0,
        .disabled = ledger_column_i64(stmt, 10) != 0,
        .second_factor = ledger_column_i64(stmt, 11) != 0,
        .created_ns = ledger_column_i64(stmt, 12),
        .seen_ns = ledger_column_i64(stmt, 13)};
}

int user_each(
    struct ledger_tx *tx, struct str seen_by, user_fn each, void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT " USER_COLUMNS USER_TABLES "WHERE u.erased_ns IS NULL AND (?1 = '' OR u.id IN"
        " (SELECT user_id FROM access WHERE plant_id IN " MANAGED_PLANTS "))"
        " ORDER BY u.created_ns, u.id",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, seen_by);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    while (result >= 0 && (result = ledger_step(stmt, err)) == 1) {
        struct user_facts user = user_row(stmt);
        result = each(context, &user, err);
    }
    return result;
}

int user_get(struct ledger_tx *tx, struct str id, struct arena *arena, struct user_facts *ret_user,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result =
        run_first(tx, "SELECT " USER_COLUMNS USER_TABLES "WHERE u.id = ?1 AND u.erased_ns IS NULL",
            TEXTS(id), &stmt, err);
    if (result <= 0) {
        return result < 0 ? result : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
    }
    struct user_facts user = user_row(stmt);
    struct str *const texts[] = {&user.id, &user.login, &user.display, &user.email, &user.phone,
        &user.language, &user.organisation_id, &user.organisation_name, &user.organisation_kind};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_copy(arena, *texts[i]);
    }
    *ret_user = user;
    return 0;
}

static int answer_bool(struct ledger_tx *tx, const char *sql, struct str by, struct str id,
    bool *ret_answer, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, sql, &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, by);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    ledger_bind_str(stmt, 3, id);
    result = ledger_step(stmt, err);
    if (result >= 0) {
        *ret_answer = ledger_column_i64(stmt, 0) != 0;
    }
    return result < 0 ? result : 0;
}

int user_is_seen(
    struct ledger_tx *tx, struct str id, struct str by, bool *ret_seen, struct err *err) {
    return answer_bool(tx,
        "SELECT EXISTS (SELECT 1 FROM access WHERE user_id = ?3"
        " AND plant_id IN " MANAGED_PLANTS ")",
        by, id, ret_seen, err);
}

int user_is_owned(
    struct ledger_tx *tx, struct str id, struct str by, bool *ret_owned, struct err *err) {
#define OWNED                                                                                      \
    "(SELECT plant_id FROM access WHERE user_id = ?1 AND role = 'owner'"                           \
    " AND coalesce(until_ns, 9223372036854775807) > ?2)"
    return answer_bool(tx,
        "SELECT EXISTS (SELECT 1 FROM access WHERE user_id = ?3)"
        " AND EXISTS (SELECT 1 FROM users WHERE id = ?3 AND admin = 0 AND erased_ns IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM access WHERE user_id = ?3 AND plant_id NOT IN " OWNED ")"
        " AND NOT " GRANT_COMES(
            "NOT IN " OWNED, "(SELECT organisation_id FROM users WHERE id = ?3)", "?2"),
        by, id, ret_owned, err);
#undef OWNED
}

static int one_changed(struct ledger_tx *tx, int result, struct err *err) {
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
    }
    return result;
}

int user_contact_put(
    struct ledger_tx *tx, struct str id, const struct user_contact *contact, struct err *err) {
    int result = input_text("display", contact->display, LIMIT_DISPLAY_BYTES, err);
    result = result < 0 ? result : input_text("email", contact->email, EMAIL_BYTES, err);
    result = result < 0 ? result : input_text("phone", contact->phone, PHONE_BYTES, err);
    if (result < 0) {
        return result;
    }
    result = run_texts(tx,
        "UPDATE users SET display = ?2, email = ?3, phone = ?4, language = ?5"
        " WHERE id = ?1 AND erased_ns IS NULL",
        TEXTS(id, contact->display, contact->email, contact->phone, contact->language), err);
    return one_changed(tx, result, err);
}

int user_state_put(
    struct ledger_tx *tx, struct str id, bool admin, bool disabled, struct err *err) {
    struct keepers before;
    struct ledger_stmt *stmt = NULL;
    int result = keepers_count(tx, &before, err);
    if (result >= 0) {
        result = ledger_prepare(tx,
            "DELETE FROM links WHERE user_id = ?1 AND EXISTS"
            " (SELECT 1 FROM users WHERE id = ?1 AND (admin <> ?2 OR disabled <> ?3))",
            &stmt, err);
    }
    if (result >= 0) {
        ledger_bind_str(stmt, 1, id);
        ledger_bind_i64(stmt, 2, admin ? 1 : 0);
        ledger_bind_i64(stmt, 3, disabled ? 1 : 0);
        result = ledger_step(stmt, err);
    }
    if (result >= 0) {
        result = ledger_prepare(tx,
            "UPDATE users SET admin = ?2, disabled = ?3 WHERE id = ?1 AND erased_ns IS NULL", &stmt,
            err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_i64(stmt, 2, admin ? 1 : 0);
    ledger_bind_i64(stmt, 3, disabled ? 1 : 0);
    result = one_changed(tx, ledger_step(stmt, err), err);
    if (result == 0 && disabled) {
        result = session_end_all(tx, id, STR_NONE, err);
    }
    return result < 0 ? result : keepers_check(tx, &before, err);
}

int user_hash(
    struct ledger_tx *tx, struct str id, char ret_hash[PASSWORD_HASH_MAX], struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result =
        run_first(tx, "SELECT u.password_hash FROM users u WHERE u.id = ?1 AND " ACTIVE_USER,
            TEXTS(id), &stmt, err);
    if (result <= 0) {
        return result < 0 ? result : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
    }
    (void)str_copy_z(ledger_column_str(stmt, 0), ret_hash, PASSWORD_HASH_MAX); // As made.
    return 0;
}

int user_password_put(
    struct ledger_tx *tx, struct str id, const char *hash, struct str keep, struct err *err) {
    int result =
        run_texts(tx, "UPDATE users SET password_hash = ?2 WHERE id = ?1 AND erased_ns IS NULL",
            TEXTS(id, str_of(hash)), err);
    result = one_changed(tx, result, err);
    result = result < 0 ? result : reset_links_drop(tx, id, err);
    return result < 0 ? result : session_end_all(tx, id, keep, err);
}

/* ---- Access with people ---- */

int access_each(struct ledger_tx *tx, struct str plant, struct str user_id, access_fn each,
    void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT " USER_COLUMNS ", a.plant_id, a.role, coalesce(a.until_ns, 0), " GIVEN_BY(
            "a.given_by") ","
                          " a.created_ns" USER_TABLES "JOIN access a ON a.user_id = u.id"
                          " WHERE (?1 = '' OR a.plant_id = ?1) AND (?2 = '' OR a.user_id = ?2)"
                          " AND u.erased_ns IS NULL ORDER BY a.created_ns, a.user_id, a.plant_id",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_str(stmt, 2, user_id);
    while (result >= 0 && (result = ledger_step(stmt, err)) == 1) {
        struct user_facts user = user_row(stmt);
        struct access access = {.user_id = user.id,
            .plant = ledger_column_str(stmt, USER_COLUMN_COUNT),
            .until_ns = ledger_column_i64(stmt, USER_COLUMN_COUNT + 2),
            .given_by = ledger_column_str(stmt, USER_COLUMN_COUNT + 3),
            .created_ns = ledger_column_i64(stmt, USER_COLUMN_COUNT + 4)};
        (void)role_of_name(ledger_column_str(stmt, USER_COLUMN_COUNT + 1), &access.role);
        result = each(context, &access, &user, err);
    }
    return result;
}

/* ---- Erasing ---- */

/* Entries of cases and rankings hold a digest and nothing of a person; without it nobody could show
 * that a decision is as it was made. */
#define ERASE_PAYLOADS                                                                             \
    "DELETE FROM audit_payload WHERE sequence IN (SELECT sequence FROM audit"                      \
    " WHERE (actor = ?1 OR substr(subject, 1, 36) = ?1) AND action NOT LIKE 'case.%'"              \
    " AND action <> 'programme.rank')"

static int erase(struct ledger_tx *tx, struct str id, struct err *err) {
    static const char *const STEPS[] = {
        "DELETE FROM sessions WHERE user_id = ?1",
        "DELETE FROM access WHERE user_id = ?1",
        "DELETE FROM programme_role WHERE user_id = ?1",
        "DELETE FROM recovery_codes WHERE user_id = ?1",
        "DELETE FROM former_roles WHERE user_id = ?1",
        "DELETE FROM links WHERE user_id = ?1",
        "UPDATE invitations SET label = '', email = '' WHERE user_id = ?1",
        ERASE_PAYLOADS,
    };
    struct ledger_stmt *stmt = NULL;
    /* First, while the address is known: they may have been invited where they never came in. */
    int result = run_texts(tx,
        "UPDATE invitations SET label = '', email = '' WHERE email <> '' AND lower(email) ="
        " (SELECT lower(email) FROM users WHERE id = ?1)",
        TEXTS(id), err);
    result =
        result < 0
            ? result
            : ledger_prepare(tx,
                  "UPDATE users SET login = 'erased.' || id, display = '', email = '', phone = '',"
                  " language = '', password_hash = '$argon2id$', totp = NULL, totp_wanted = NULL,"
                  " admin = 0, disabled = 1, erased_ns = ?2 WHERE id = ?1 AND erased_ns IS NULL",
                  &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    result = one_changed(tx, ledger_step(stmt, err), err);
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0] && result >= 0; i++) {
        result = run_texts(tx, STEPS[i], TEXTS(id), err);
    }
    tx->erased = tx->erased || result >= 0;
    return result;
}

int user_erase(struct ledger_tx *tx, struct str id, struct err *err) {
    struct keepers before;
    int result = keepers_count(tx, &before, err);
    result = result < 0 ? result : erase(tx, id, err);
    return result < 0 ? result : keepers_check(tx, &before, err);
}

int user_erase_again(struct ledger_tx *tx, struct err *err) {
    for (;;) {
        struct ledger_stmt *stmt = NULL;
        int result = run_first(tx,
            "SELECT u.id FROM users u WHERE u.erased_ns IS NULL AND EXISTS"
            " (SELECT 1 FROM audit a WHERE a.actor = u.id AND substr(a.subject, 1, 36) = u.id"
            " AND NOT EXISTS (SELECT 1 FROM audit_payload p WHERE p.sequence = a.sequence))"
            " LIMIT 1",
            NULL, 0, &stmt, err);
        if (result <= 0) {
            return result;
        }
        char id[40];
        (void)str_copy_z(ledger_column_str(stmt, 0), id, sizeof id); // 36 letters.
        result = erase(tx, str_of(id), err);
        if (result < 0) {
            return result;
        }
    }
}
