/*
 * The second factor of a person.
 *
 * The secret must be read to check a code, so it cannot be a hash; it is stored under a key that
 * stands in the home's keys/ and not in the hub, and sealed to its person's id, so that neither a
 * stolen hub.db nor a row copied to another person is of use. It comes into force when a first code
 * was right: nobody locks themselves out with an app that did not take it.
 *
 * Recovery codes are 50 random bits (10 of Crockford's letters), each once. They are kept as hashes
 * of their letters; 50 bits behind the limits on tries are beyond guessing, and behind a stolen
 * file they open nothing without the password beside them.
 */
#include <string.h>

#include "ledger/people.h"
#include "ledger/run.h"
#include "ledger/secret.h"
#include "ledger/totp.h"

enum { SEALED_BYTES = TOTP_SECRET_BYTES + SEAL_OVERHEAD, CODE_LETTERS = 10 };
_Static_assert((int)SECOND_KEY_BYTES == (int)SEAL_KEY_BYTES, "one key");
_Static_assert(SECOND_TEXT_MAX > (TOTP_SECRET_BYTES * 8 + 4) / 5, "the secret's text fits");

/* Crockford's letters: none looks like another. */
static const char LETTERS[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static int put_sealed(
    struct ledger_tx *tx, struct str user_id, const uint8_t *sealed, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(
        tx, "UPDATE users SET totp_wanted = ?2 WHERE id = ?1 AND erased_ns IS NULL", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, user_id);
    ledger_bind_blob(stmt, 2, sealed, SEALED_BYTES);
    result = ledger_step(stmt, err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
    }
    return result;
}

int second_begin(struct ledger_tx *tx, struct str user_id, const uint8_t key[SECOND_KEY_BYTES],
    char ret_secret[SECOND_TEXT_MAX], struct err *err) {
    uint8_t secret[TOTP_SECRET_BYTES];
    uint8_t sealed[SEALED_BYTES];
    secret_bytes(secret, sizeof secret);
    small_seal(key, user_id, (struct str){(const char *)secret, sizeof secret}, sealed);
    int result = put_sealed(tx, user_id, sealed, err);
    if (result == 0) {
        base32_text(secret, sizeof secret, ret_secret);
    }
    secret_wipe(secret, sizeof secret);
    return result;
}

/* 1 with the secret and the newest step used; 0: there is none, or the key does not open it. */
static int read_secret(struct ledger_tx *tx, const char *sql, struct str user_id,
    const uint8_t *key, uint8_t ret_secret[TOTP_SECRET_BYTES], int64_t *ret_used, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = run_first(tx, sql, TEXTS(user_id), &stmt, err);
    if (result <= 0 || ledger_column_is_null(stmt, 0)) {
        return result < 0 ? result : 0;
    }
    struct str sealed = db_column_blob(stmt, 0);
    *ret_used = ledger_column_i64(stmt, 1);
    return sealed.size == SEALED_BYTES && small_open(key, user_id, sealed, ret_secret) ? 1 : 0;
}

static int put_step(struct ledger_tx *tx, struct str user_id, int64_t step, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "UPDATE users SET totp_step = ?2 WHERE id = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, user_id);
    ledger_bind_i64(stmt, 2, step);
    return ledger_step(stmt, err);
}

/* What counts of a recovery code as typed: capitals and digits, O, I and L read as 0 and 1. */
static struct str fold_code(struct str code, char to[CODE_LETTERS + 1]) {
    size_t used = 0;
    for (size_t i = 0; i < code.size && used <= CODE_LETTERS; i++) {
        char c = code.data[i];
        c = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        c = c == 'O' ? '0' : (c == 'I' || c == 'L') ? '1' : c;
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) {
            to[used++] = c;
        }
    }
    return (struct str){to, used};
}

static int put_code(
    struct ledger_tx *tx, struct str user_id, char ret_code[SECOND_CODE_MAX], struct err *err) {
    uint8_t bytes[CODE_LETTERS];
    char folded[CODE_LETTERS + 1];
    secret_bytes(bytes, sizeof bytes);
    char *to = ret_code;
    for (size_t i = 0; i < CODE_LETTERS; i++) {
        if (i == CODE_LETTERS / 2) {
            *to++ = '-';
        }
        *to++ = LETTERS[bytes[i] & 31];
    }
    *to = '\0';
    uint8_t hash[HASH_BYTES];
    secret_hash("recovery", fold_code(str_of(ret_code), folded), hash);
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(
        tx, "INSERT INTO recovery_codes (user_id, hash) VALUES (?1, ?2)", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, user_id);
    ledger_bind_blob(stmt, 2, hash, HASH_BYTES);
    return ledger_step(stmt, err);
}

int second_confirm(struct ledger_tx *tx, struct str user_id, const uint8_t key[SECOND_KEY_BYTES],
    struct str code, char ret_codes[SECOND_CODES][SECOND_CODE_MAX], struct err *err) {
    uint8_t secret[TOTP_SECRET_BYTES];
    int64_t used = 0;
    int result = read_secret(
        tx, "SELECT totp_wanted, 0 FROM users WHERE id = ?1", user_id, key, secret, &used, err);
    if (result <= 0) {
        return result < 0 ? result
                          : err_set(err, ERR_CONFLICT, MSG_LEDGER_SECOND_NOT_BEGUN, NO_ARGS);
    }
    int64_t step = totp_find(secret, code, ledger_now_ns(tx), 0);
    secret_wipe(secret, sizeof secret);
    if (step < 0) {
        return err_set(err, ERR_FORBIDDEN, MSG_LEDGER_CODE_WRONG, NO_ARGS);
    }
    result = run_texts(tx, "UPDATE users SET totp = totp_wanted, totp_wanted = NULL WHERE id = ?1",
        TEXTS(user_id), err);
    result = result < 0 ? result : put_step(tx, user_id, step, err);
    result = result < 0 ? result
                        : run_texts(tx, "DELETE FROM recovery_codes WHERE user_id = ?1",
                              TEXTS(user_id), err);
    for (size_t i = 0; i < SECOND_CODES && result >= 0; i++) {
        result = put_code(tx, user_id, ret_codes[i], err);
    }
    return result;
}

static int spend_recovery(
    struct ledger_tx *tx, struct str user_id, struct str code, struct err *err) {
    char folded[CODE_LETTERS + 1];
    struct str letters = fold_code(code, folded);
    if (letters.size != CODE_LETTERS) {
        return err_set(err, ERR_FORBIDDEN, MSG_LEDGER_CODE_WRONG, NO_ARGS);
    }
    uint8_t hash[HASH_BYTES];
    secret_hash("recovery", letters, hash);
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(
        tx, "DELETE FROM recovery_codes WHERE user_id = ?1 AND hash = ?2", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, user_id);
    ledger_bind_blob(stmt, 2, hash, HASH_BYTES);
    result = ledger_step(stmt, err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_FORBIDDEN, MSG_LEDGER_CODE_WRONG, NO_ARGS);
    }
    return result;
}

int second_spend(struct ledger_tx *tx, struct str user_id, const uint8_t *key, struct str code,
    struct err *err) {
    uint8_t secret[TOTP_SECRET_BYTES];
    int64_t used = 0;
    int result = key == NULL ? 0
                             : read_secret(tx, "SELECT totp, totp_step FROM users WHERE id = ?1",
                                   user_id, key, secret, &used, err);
    if (result < 0) {
        return result;
    }
    int64_t step = result == 1 ? totp_find(secret, code, ledger_now_ns(tx), used) : -1;
    secret_wipe(secret, sizeof secret);
    return step >= 0 ? put_step(tx, user_id, step, err) : spend_recovery(tx, user_id, code, err);
}

int second_end(struct ledger_tx *tx, struct str user_id, struct err *err) {
    int result = run_texts(
        tx, "UPDATE users SET totp = NULL, totp_wanted = NULL WHERE id = ?1", TEXTS(user_id), err);
    return result < 0 ? result
                      : run_texts(tx, "DELETE FROM recovery_codes WHERE user_id = ?1",
                            TEXTS(user_id), err);
}

int second_left(struct ledger_tx *tx, struct str user_id, int64_t *ret_count, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = run_first(
        tx, "SELECT count(*) FROM recovery_codes WHERE user_id = ?1", TEXTS(user_id), &stmt, err);
    if (result >= 0) {
        *ret_count = ledger_column_i64(stmt, 0);
    }
    return result < 0 ? result : 0;
}
