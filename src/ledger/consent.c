/*
 * Consents and receipts. A consent's row is written once; only its sequence moves and its
 * withdrawal is set, once. What stands in the row stands in the audit chain as well, except the
 * recipient's token, which nobody is shown.
 */
#include "ledger/consent.h"

#include "core/json.h"
#include "ledger/db.h"
#include "ledger/input.h"

enum { PAYLOAD_BYTES = 131072 };

static int check(const struct consent *consent, struct err *err) {
    const struct {
        const char *name;
        struct str text;
        size_t max;
        bool may_be_empty;
    } TEXTS[] = {{"giver", consent->giver, 256, false},
        {"recipient", consent->recipient, 256, false}, {"purpose", consent->purpose, 1024, false},
        {"tags", consent->tags, 65536, false}, {"method", consent->method, 4096, false},
        {"url", consent->url, 2000, false}, {"token", consent->token, 1024, true}};
    if (!str_is_id(consent->id) || consent->id.size > CONSENT_ID_MAX) {
        return err_set(err, ERR_INVALID, MSG_ID_INVALID, ARGS(A_STR(consent->id)));
    }
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        if (TEXTS[i].text.size == 0 && !TEXTS[i].may_be_empty) {
            return err_set(err, ERR_INVALID, MSG_CONSENT_EMPTY, ARGS(A_CSTR(TEXTS[i].name)));
        }
        int result = input_text(TEXTS[i].name, TEXTS[i].text, TEXTS[i].max, err);
        if (result < 0) {
            return result;
        }
    }
    if (consent->until_ns <= consent->from_ns) {
        return err_set(err, ERR_RANGE, MSG_CONSENT_RANGE, NO_ARGS);
    }
    return consent->every_s >= 1 && consent->every_s <= 86400
               ? 0
               : err_set(err, ERR_RANGE, MSG_CONSENT_EVERY, NO_ARGS);
}

static int note(struct ledger_tx *tx, const struct consent *consent, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, PAYLOAD_BYTES);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_str(&json, "giver", consent->giver);
    json_put_str(&json, "recipient", consent->recipient);
    json_put_str(&json, "purpose", consent->purpose);
    json_put_str(&json, "tags", str_slice(consent->tags, 0, 8192)); // The table has them all.
    json_put_str(&json, "method", consent->method);
    json_put_str(&json, "url", consent->url);
    json_put_time(&json, "from", consent->from_ns);
    json_put_time(&json, "until", consent->until_ns);
    json_object_end(&json);
    return audit_append(
        tx, consent->granted_by, STR("consent.grant"), consent->id, buf_str(&payload), err);
}

/* The number of the consent with that id, and whether it was withdrawn. */
static int find(struct ledger_tx *tx, struct str id, int64_t *ret_number, bool *ret_withdrawn,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result =
        ledger_prepare(tx, "SELECT number, withdrawn_ns FROM consents WHERE id = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, id);
    result = ledger_step(stmt, err);
    if (result > 0) {
        *ret_number = ledger_column_i64(stmt, 0);
        *ret_withdrawn = ledger_column_i64(stmt, 1) != 0;
    }
    return result;
}

static int insert(struct ledger_tx *tx, const struct consent *consent, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "INSERT INTO consents (id, giver, recipient, purpose, tags, method, url, token, from_ns,"
        " until_ns, every_s, granted_ns, granted_by, sequence)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    const struct str texts[] = {consent->id, consent->giver, consent->recipient, consent->purpose,
        consent->tags, consent->method, consent->url, consent->token};
    for (int i = 0; i < 8; i++) {
        ledger_bind_str(stmt, i + 1, texts[i]);
    }
    ledger_bind_i64(stmt, 9, consent->from_ns);
    ledger_bind_i64(stmt, 10, consent->until_ns);
    ledger_bind_i64(stmt, 11, consent->every_s);
    ledger_bind_i64(stmt, 12, ledger_now_ns(tx));
    ledger_bind_str(stmt, 13, consent->granted_by);
    ledger_bind_i64(stmt, 14, (int64_t)consent->sequence);
    return ledger_step(stmt, err);
}

int consent_grant(struct ledger_tx *tx, const struct consent *consent, struct err *err) {
    int64_t number = 0;
    bool withdrawn = false;
    int result = check(consent, err);
    result = result < 0 ? result : find(tx, consent->id, &number, &withdrawn, err);
    if (result > 0) {
        return err_set(err, ERR_EXISTS, MSG_CONSENT_EXISTS, ARGS(A_STR(consent->id)));
    }
    int64_t count = 0;
    result = result < 0 ? result : db_number(tx->db, "SELECT count(*) FROM consents", &count, err);
    if (result >= 0 && count >= CONSENTS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_CONSENT_FULL, ARGS(A_INT(CONSENTS_MAX)));
    }
    result = result < 0 ? result : insert(tx, consent, err);
    result = result < 0 ? result : note(tx, consent, err);
    return result < 0 ? result : 0;
}

int consent_withdraw(struct ledger_tx *tx, struct str id, struct str actor, struct err *err) {
    int64_t number = 0;
    bool withdrawn = false;
    int result = find(tx, id, &number, &withdrawn, err);
    if (result <= 0) {
        return result < 0 ? result
                          : err_set(err, ERR_NOT_FOUND, MSG_CONSENT_UNKNOWN, ARGS(A_STR(id)));
    }
    if (withdrawn) {
        return err_set(err, ERR_CONFLICT, MSG_CONSENT_WITHDRAWN, ARGS(A_STR(id)));
    }
    struct ledger_stmt *stmt = NULL;
    result = ledger_prepare(tx,
        "UPDATE consents SET withdrawn_ns = ?2, withdrawn_by = ?3, token = '' WHERE number = ?1",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, number);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    ledger_bind_str(stmt, 3, actor);
    result = ledger_step(stmt, err);
    result =
        result < 0 ? result : audit_append(tx, actor, STR("consent.withdraw"), id, STR("{}"), err);
    return result < 0 ? result : 0;
}

int consent_list(
    struct ledger_tx *tx, struct consent *ret_consents, struct arena *arena, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT number, id, giver, recipient, purpose, tags, method, url, token, from_ns, until_ns,"
        " every_s, granted_ns, granted_by, withdrawn_ns, withdrawn_by, sequence"
        " FROM consents ORDER BY number",
        &stmt, err);
    int count = 0;
    while (result >= 0 && count < CONSENTS_MAX && (result = ledger_step(stmt, err)) > 0) {
        struct consent *to = &ret_consents[count++];
        struct str *const texts[] = {&to->id, &to->giver, &to->recipient, &to->purpose, &to->tags,
            &to->method, &to->url, &to->token};
        to->number = ledger_column_i64(stmt, 0);
        for (int i = 0; i < 8; i++) {
            *texts[i] = arena_copy(arena, ledger_column_str(stmt, i + 1));
        }
        to->from_ns = ledger_column_i64(stmt, 9);
        to->until_ns = ledger_column_i64(stmt, 10);
        to->every_s = ledger_column_i64(stmt, 11);
        to->granted_ns = ledger_column_i64(stmt, 12);
        to->granted_by = arena_copy(arena, ledger_column_str(stmt, 13));
        to->withdrawn_ns = ledger_column_i64(stmt, 14);
        to->withdrawn_by = arena_copy(arena, ledger_column_str(stmt, 15));
        to->sequence = (uint64_t)ledger_column_i64(stmt, 16);
    }
    return result < 0 ? result : count;
}

int consent_passed(struct ledger_tx *tx, int64_t number, uint64_t sequence, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result =
        ledger_prepare(tx, "UPDATE consents SET sequence = ?2 WHERE number = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, number);
    ledger_bind_i64(stmt, 2, (int64_t)sequence);
    result = ledger_step(stmt, err);
    return result < 0 ? result : 0;
}

int receipt_put(
    struct ledger_tx *tx, const struct receipt *receipt, uint64_t sequence, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "INSERT INTO receipts (consent, message, time_ns, rows, status, answer)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, receipt->consent);
    ledger_bind_str(stmt, 2, receipt->message);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    ledger_bind_i64(stmt, 4, (int64_t)receipt->rows);
    ledger_bind_i64(stmt, 5, receipt->status);
    ledger_bind_str(stmt, 6, receipt->answer);
    result = ledger_step(stmt, err);
    return result < 0 ? result : consent_passed(tx, receipt->consent, sequence, err);
}

int receipt_list(struct ledger_tx *tx, int64_t consent, int64_t before,
    struct receipt *ret_receipts, uint32_t max, struct arena *arena, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT number, consent, message, time_ns, rows, status, answer FROM receipts"
        " WHERE number < ?1 AND (?2 = 0 OR consent = ?2) ORDER BY number DESC LIMIT ?3",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, before);
    ledger_bind_i64(stmt, 2, consent);
    ledger_bind_i64(stmt, 3, max);
    int count = 0;
    while ((result = ledger_step(stmt, err)) > 0) {
        ret_receipts[count++] = (struct receipt){.number = ledger_column_i64(stmt, 0),
            .consent = ledger_column_i64(stmt, 1),
            .message = arena_copy(arena, ledger_column_str(stmt, 2)),
            .time_ns = ledger_column_i64(stmt, 3),
            .rows = (uint64_t)ledger_column_i64(stmt, 4),
            .status = ledger_column_i64(stmt, 5),
            .answer = arena_copy(arena, ledger_column_str(stmt, 6))};
    }
    return result < 0 ? result : count;
}
