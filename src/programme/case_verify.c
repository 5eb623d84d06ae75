/*
 * Whether cases are what their events say: every case is made again by merging the effects of its
 * events in turn, and compared with its row, letter by letter; the digest of each event is compared
 * with the one in the audit chain, which ledger_verify has found whole. So are rankings; documents
 * of programmes are what their SHA-256 says. No sum is negative, none is paid beyond what was
 * agreed.
 */
#include <string.h>

#include "core/mem.h"
#include "ledger/seal.h"
#include "programme/case_store.h"
#include "programme/words.h"

static int damaged(struct str number, const char *what, struct err *err) {
    return err_set(err, ERR_CORRUPT, SAY_DESK(CASE_DAMAGED), ARGS(A_STR(number), A_CSTR(what)));
}

struct replay {
    struct ledger_tx *tx;
    struct str id;
    struct str number;
    struct buf state;
    int64_t sequence;
};

static int check_digest(struct replay *replay, struct ledger_stmt *event, struct err *err) {
    struct case_digest digest = {.id = replay->id,
        .sequence = ledger_column_i64(event, 0),
        .time_ns = ledger_column_i64(event, 1)};
    for (int i = 0; i < 9; i++) {
        digest.texts[i] = ledger_column_str(event, 2 + i);
    }
    char text[DIGEST_TEXT_MAX];
    struct ledger_stmt *stmt = NULL;
    case_digest_text(&digest, text);
    int rc = ledger_prepare(replay->tx,
        "SELECT coalesce(p.payload, '') FROM audit a LEFT JOIN audit_payload p"
        " ON p.sequence = a.sequence WHERE a.sequence = ?1 AND a.subject = ?2",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_i64(stmt, 1, ledger_column_i64(event, 11));
    ledger_bind_str(stmt, 2, replay->id);
    rc = ledger_step(stmt, err);
    if (rc < 0) {
        return rc;
    }
    struct str payload = rc > 0 ? ledger_column_str(stmt, 0) : STR_NONE;
    AUTO_FREE char *copy = mem_copy_z(payload);
    return rc == 0 || !strstr(copy, text) ? damaged(replay->number, "an event's digest", err) : 0;
}

static int merge_event(struct replay *replay, struct str effect_json, struct err *err) {
    AUTO_JSON_IN struct json_in *state = NULL;
    AUTO_JSON_IN struct json_in *effect = NULL;
    AUTO_BUF struct buf next;
    buf_init(&next, CASE_TURN_BYTES);
    int rc = json_in_parse(effect_json, &effect, err);
    if (rc >= 0 && replay->state.size > 0) {
        rc = json_in_parse(buf_str(&replay->state), &state, err);
    }
    if (rc < 0) {
        return rc;
    }
    case_fold(state, effect, &next);
    buf_clear(&replay->state);
    buf_put_str(&replay->state, buf_str(&next));
    return 0;
}

static int replay_events(struct replay *replay, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(replay->tx,
        "SELECT sequence, time_ns, at, step, action, actor, role, reason, payload, answer, effect,"
        " audit FROM case_event WHERE case_id = ?1 ORDER BY sequence",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, replay->id);
    while ((rc = ledger_step(stmt, err)) > 0) {
        replay->sequence++;
        if (ledger_column_i64(stmt, 0) != replay->sequence) {
            return damaged(replay->number, "the sequence of events", err);
        }
        rc = check_digest(replay, stmt, err);
        rc = rc < 0 ? rc : merge_event(replay, ledger_column_str(stmt, 10), err);
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

static int compare_row(struct replay *replay, struct ledger_stmt *row, struct err *err) {
    AUTO_JSON_IN struct json_in *state = NULL;
    struct case_columns is;
    int rc = json_in_parse(buf_str(&replay->state), &state, err);
    if (rc < 0) {
        return rc;
    }
    case_columns_of(state, &is);
    const struct str texts[] = {
        is.organisation, is.name, is.corporation, is.type, is.state, is.step, is.due};
    bool same = str_eq(ledger_column_str(row, 2), buf_str(&replay->state)) &&
                ledger_column_i64(row, 3) == replay->sequence &&
                ledger_column_i64(row, 4) == is.agreed_won &&
                ledger_column_i64(row, 5) == is.paid_won &&
                ledger_column_i64(row, 13) == is.reserved_won;
    for (int i = 0; i < 7; i++) {
        same = same && str_eq(ledger_column_str(row, 6 + i), texts[i]);
    }
    if (!same) {
        return damaged(replay->number, "the row", err);
    }
    return is.agreed_won < 0 || is.paid_won < 0 || is.paid_won > is.agreed_won
               ? damaged(replay->number, "an amount", err)
               : 0;
}

/* Documents are what their digests say; rankings what the audit chain says. */
static int verify_programmes(struct ledger_tx *tx, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT programme, sha256, json FROM programme_version ORDER BY 1, version", &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        char sha256[DIGEST_TEXT_MAX];
        sha256_text(ledger_column_str(stmt, 2), sha256);
        if (!str_eq(ledger_column_str(stmt, 1), str_of(sha256))) {
            return damaged(ledger_column_str(stmt, 0), "the programme's document", err);
        }
    }
    return rc;
}

static int verify_rankings(struct ledger_tx *tx, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT r.programme, r.input, r.answer, coalesce(p.payload, '') FROM programme_ranking r"
        " LEFT JOIN audit_payload p ON p.sequence = r.audit ORDER BY r.programme, r.call, r.number",
        &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        char digest[DIGEST_TEXT_MAX];
        case_ranking_digest(ledger_column_str(stmt, 1), ledger_column_str(stmt, 2), digest);
        AUTO_FREE char *payload = mem_copy_z(ledger_column_str(stmt, 3));
        if (!strstr(payload, digest)) {
            return damaged(ledger_column_str(stmt, 0), "a ranking", err);
        }
    }
    return rc;
}

static int verify_all(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT id, number, facts, sequence, agreed_won, paid_won, organisation, name, corporation,"
        " type, state, step, due, reserved_won FROM cases ORDER BY id",
        &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        struct replay replay = {
            .tx = tx, .id = ledger_column_str(stmt, 0), .number = ledger_column_str(stmt, 1)};
        buf_init(&replay.state, CASE_TURN_BYTES);
        rc = replay_events(&replay, err);
        if (rc >= 0 && replay.sequence == 0) {
            rc = damaged(replay.number, "the list of events", err);
        }
        rc = rc < 0 ? rc : compare_row(&replay, stmt, err);
        buf_fini(&replay.state);
    }
    rc = rc < 0 ? rc : verify_programmes(tx, err);
    return rc < 0 ? rc : verify_rankings(tx, err);
}

int cases_verify(struct ledger *hub, struct err *err) {
    return ledger_read(hub, verify_all, NULL, err);
}
