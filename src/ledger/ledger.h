#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H
/*
 * The ledger: what must be exact and explainable, in SQLite (STRICT, WAL, foreign keys on,
 * synchronous=FULL). hub.db holds organisations, users, sessions, tokens; each plant's ledger.db
 * holds its assets, devices, tags, counts, consumers' cursors; both an audit chain. Schema changes
 * are numbered migrations, run at open in one transaction each; a newer file is refused.
 *
 * One writer: every change runs as a function inside a transaction on the ledger's own writer
 * thread; the caller waits until it is durable. Readers use their own read-only connections (a
 * small pool) and never wait for the writer. Any thread may call; a function must not call back
 * into ledger_write.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/mem.h"
#include "model/tag.h"

struct ledger;
struct ledger_tx; // One transaction; valid only inside the function it was given to.

enum ledger_kind { LEDGER_HUB, LEDGER_PLANT };

/* Opens or creates, migrates, checks. ERR_VERSION (made by a newer Maru), ERR_CORRUPT, ERR_IO. */
int ledger_open(const char *path, enum ledger_kind kind, const struct clock *clock,
    struct ledger **ret_ledger, struct err *err);
void ledger_close(struct ledger *ledger); // NULL is allowed.

const char *ledger_path(const struct ledger *ledger);

typedef int (*ledger_fn)(struct ledger_tx *tx, void *context, struct err *err);
/* Runs `fn` in a write transaction: 0 commits durably, negative rolls back and is returned.
 * ERR_SPACE when the disk is full. Several waiting calls may share one sync. */
int ledger_write(struct ledger *ledger, ledger_fn fn, void *context, struct err *err);
/* Runs `fn` on a read snapshot. */
int ledger_read(struct ledger *ledger, ledger_fn fn, void *context, struct err *err);
/* Structure, foreign keys and the audit chain. ERR_CORRUPT with words naming what is damaged. */
int ledger_verify(struct ledger *ledger, struct err *err);

/* ---- Statements: for this room and for rooms that own tables (production, programme) ---- */

struct ledger_stmt;
/* Prepares (or takes from the cache) and resets. Parameters are ?1.. . One text is one statement:
 * preparing it again ends an earlier run of it. Valid until the transaction ends. */
int ledger_prepare(
    struct ledger_tx *tx, const char *sql, struct ledger_stmt **ret_stmt, struct err *err);
void ledger_bind_i64(struct ledger_stmt *stmt, int index, int64_t value);
void ledger_bind_f64(struct ledger_stmt *stmt, int index, double value);     // NaN binds NULL.
void ledger_bind_str(struct ledger_stmt *stmt, int index, struct str value); // Copied.
void ledger_bind_blob(struct ledger_stmt *stmt, int index, const void *data, size_t size);
void ledger_bind_null(struct ledger_stmt *stmt, int index);
/* 1: a row; 0: done; negative: refused (a broken constraint is ERR_CONFLICT). */
int ledger_step(struct ledger_stmt *stmt, struct err *err);
int64_t ledger_column_i64(struct ledger_stmt *stmt, int column);
double ledger_column_f64(struct ledger_stmt *stmt, int column);     // NULL gives NaN.
struct str ledger_column_str(struct ledger_stmt *stmt, int column); // Until the next step.
bool ledger_column_is_null(struct ledger_stmt *stmt, int column);
int64_t ledger_now_ns(const struct ledger_tx *tx);

/* ---- Audit chain (both kinds) ---- */

/* Appends an entry: hash = SHA-256 over previous hash, sequence, time, actor, action, subject and
 * SHA-256(salt, payload); payload and salt stand apart and can be erased. */
int audit_append(struct ledger_tx *tx, struct str actor, struct str action, struct str subject,
    struct str payload, struct err *err);
/* Erases payload and salt of all entries about a subject; the chain stays whole. The log of the
 * database is cut after the commit, so that the bytes are gone there too. */
int audit_erase(struct ledger_tx *tx, struct str subject, struct err *err);
struct audit_entry {
    int64_t sequence;
    int64_t time_ns;
    struct str actor;
    struct str action;
    struct str subject;
    struct str payload; // Empty when erased.
    bool erased;
};
/* Newest first, below `before` (INT64_MAX for the newest), strings live in `arena`. Count. */
int audit_list(struct ledger_tx *tx, int64_t before, struct audit_entry *ret_entries, uint32_t max,
    struct arena *arena, struct err *err);
/* Recomputes the chain; ERR_CORRUPT names the first entry that does not fit. */
int audit_verify(struct ledger_tx *tx, struct err *err);

/* ---- Hub: users, sessions, tokens ---- */

/* Rights, weakest to strongest where they nest: docs/HTTP.md holds the table. */
enum role {
    ROLE_NONE = 0,
    ROLE_VIEWER,
    ROLE_OPERATOR,
    ROLE_AUDITOR,
    ROLE_INSTALLER,
    ROLE_MANAGER,
    ROLE_OWNER,
    ROLE_GRANTEE // Of an organisation with a grant (ledger/grant.h); never given to a person.
};
enum scope { SCOPE_READ = 1, SCOPE_WRITE = 2, SCOPE_SQL = 4 }; // Bits, of tokens.
const char *role_name(enum role role);
bool role_of_name(struct str name, enum role *ret_role);

/* Who asks: from a session or token, and what they may do in the plant that was asked about. */
struct principal {
    char id[40];           // User or token id (UUIDv7).
    char name[64];         // Login name, or the token's label.
    char display[260];     // As people call them; a token's label.
    char organisation[40]; // Of a user; empty for a token.
    char plant[65];        // A token's own; empty: every plant of the folder, or a session.
    char session[40];      // The session's name in lists; empty for a token.
    enum role role;        // In the plant asked about; of a token asked about none, its own.
    uint32_t scopes;       // All bits for a session.
    bool is_session;
    bool admin; // Looks after people; of a session only.
    int64_t expires_ns;
    int64_t seen_ns; // When it was last entered that the secret was used; 0: never.
};

/* Whether somebody who may sign in looks after the home: an active admin. */
int hub_owner_exists(struct ledger_tx *tx, bool *ret_exists, struct err *err);
/* One-time secret for setting the owner's password (or, demo, for signing in). 32 bytes of
 * libsodium randomness, base64url, stored only as a hash, single use, expiring. */
enum { SECRET_TEXT_MAX = 56 }; // "maru_", 43 letters of base64url, NUL.
int hub_link_new(struct ledger_tx *tx, struct str purpose, int64_t lifetime_ns,
    char ret_secret[SECRET_TEXT_MAX], struct err *err);
/* Spends a link. ERR_FORBIDDEN when unknown, spent or expired. */
int hub_link_spend(struct ledger_tx *tx, struct str purpose, struct str secret, struct err *err);
bool hub_link_is_valid(struct ledger_tx *tx, struct str purpose, struct str secret);

/* Password rules: 8 to 256 bytes of UTF-8; hashed with Argon2id (RFC 9106) before the transaction
 * because it takes long: password_hash, then user_create. */
enum { PASSWORD_HASH_MAX = 128 };
int password_hash(struct str password, char ret_hash[PASSWORD_HASH_MAX], struct err *err);
/* An empty hash (unknown user) never matches and takes as long as a real one, so that the time of
 * an answer does not tell which login names exist. */
bool password_matches(const char *hash, struct str password);
/* The first person of a home: the role in every plant, an owner also admin, in the first
 * organisation. Login names: 1..63 of a-z 0-9 . _ @ + -, capitals folded. ERR_EXISTS: taken.
 * people.h has the others. */
int user_create(struct ledger_tx *tx, struct str login, struct str display, enum role role,
    const char *hash, char ret_id[40], struct err *err);
/* What signing in needs of a user. */
struct user_key {
    char id[40];
    char hash[PASSWORD_HASH_MAX];
    bool second_factor;
};
/* ERR_NOT_FOUND for an unknown or disabled user, also of a disabled organisation. */
int user_find(struct ledger_tx *tx, struct str login, struct user_key *ret_key, struct err *err);
/* Gives a login, also a disabled one, a new password and the role owner in every plant, makes it
 * admin, takes its second factor off and ends its sessions. For whoever proved to hold the home
 * folder. ERR_NOT_FOUND: no such login. */
int user_owner_reset(
    struct ledger_tx *tx, struct str login, const char *hash, char ret_id[40], struct err *err);
/* How people call a user, copied into the arena. ERR_NOT_FOUND. */
int user_display(struct ledger_tx *tx, struct str user_id, struct arena *arena,
    struct str *ret_display, struct err *err);
/* `address` and `agent` tell people their sessions apart; both are cut to what is kept. */
struct session_wish {
    struct str user_id;
    int64_t lifetime_ns;
    struct str address;
    struct str agent;
};
int session_new(struct ledger_tx *tx, const struct session_wish *wish,
    char ret_secret[SECRET_TEXT_MAX], struct err *err);
/* `plant`: the one asked about; empty: none, and the role is ROLE_NONE. ERR_UNAUTHENTICATED. */
int session_find(struct ledger_tx *tx, struct str secret, struct str plant,
    struct principal *ret_principal, struct err *err);
int session_end(struct ledger_tx *tx, struct str secret, struct err *err);
/* Enters that a principal was seen now, a session also from where. */
int principal_seen(
    struct ledger_tx *tx, const struct principal *principal, struct str address, struct err *err);
struct token_wish {
    struct str label;
    enum role role;
    uint32_t scopes;
    int64_t lifetime_ns;   // 0: no end.
    struct str plant;      // Empty: every plant of the folder.
    struct str created_by; // User id; empty: whoever holds the folder.
};
/* With scope sql a verifier of SCRAM-SHA-256 (RFC 7677) is stored beside the hash. */
int token_new(struct ledger_tx *tx, const struct token_wish *wish, char ret_id[40],
    char ret_secret[SECRET_TEXT_MAX], struct err *err);
struct token_facts {
    struct str id;
    struct str label;
    struct str role;
    struct str plant; // Empty: every plant.
    struct str created_by;
    uint32_t scopes;
    int64_t created_ns;
    int64_t expires_ns; // 0: no end.
    int64_t seen_ns;    // 0: never.
};
/* Tokens that still work, oldest first: of one plant, or all (empty). Texts borrowed for the call.
 */
int token_each(struct ledger_tx *tx, struct str plant,
    int (*each)(void *context, const struct token_facts *token, struct err *err), void *context,
    struct err *err);
/* From the next request on the token opens nothing. `plant`: only when it is of this one; empty:
 * any. ERR_NOT_FOUND. */
int token_revoke(struct ledger_tx *tx, struct str id, struct str plant, struct err *err);
int token_find(struct ledger_tx *tx, struct str secret, struct str plant,
    struct principal *ret_principal, struct err *err);

/* ---- Plant: catalogue, cursors, counts ---- */

enum { LEDGER_ASSETS_MAX = 10000 }; // Of one plant; refused beyond.

/* Reads assets, devices and tags into a new finished catalogue (one reference, the caller's). */
int catalogue_load(struct ledger_tx *tx, struct catalogue **ret_catalogue, struct err *err);
/* Insert or update by id / name; number is given on insert and never changes. `ret_changed` tells
 * whether anything was different. A change of a tag's type is refused (ERR_CONFLICT). */
int tag_put(struct ledger_tx *tx, const struct tag *tag, uint32_t *ret_number, bool *ret_changed,
    struct err *err);
int device_put(struct ledger_tx *tx, const struct device *device, uint32_t *ret_number,
    bool *ret_changed, struct err *err);
int asset_put(struct ledger_tx *tx, const struct asset *asset, struct str parent_id,
    uint32_t *ret_number, bool *ret_changed, struct err *err);
int plant_setting_get(struct ledger_tx *tx, struct str key, struct arena *arena,
    struct str *ret_value, struct err *err); // ERR_NOT_FOUND
int plant_setting_put(struct ledger_tx *tx, struct str key, struct str value, struct err *err);

/* Where a device's source was left (device/driver.h). get: adds the value to `out`;
 * -ERR_NOT_FOUND without words. put: an empty value removes it. Keys of 1 to 512 bytes, values up
 * to 4,096. */
int bookmark_get(
    struct ledger_tx *tx, struct str device, struct str key, struct buf *out, struct err *err);
int bookmark_put(
    struct ledger_tx *tx, struct str device, struct str key, struct str value, struct err *err);

/* Consumers' cursors: stored in the transaction that holds the effects. 0 when unknown. */
int cursor_get(struct ledger_tx *tx, struct str consumer, uint64_t *ret_seq, struct err *err);
int cursor_put(struct ledger_tx *tx, struct str consumer, uint64_t seq, struct err *err);

/* Counter totals kept by the stroke consumer: increments of a counter tag, resets survived. */
struct count_row {
    uint32_t tag;
    int64_t total;     // Increments since first seen.
    double last_value; // NaN: none yet.
    int64_t last_time_ns;
    int64_t resets; // Times the value went down.
};
/* An empty row (total 0, last_value NaN) for a tag not counted yet. */
int count_get(struct ledger_tx *tx, uint32_t tag, struct count_row *ret_row, struct err *err);
int count_put(struct ledger_tx *tx, const struct count_row *row, struct err *err);

#endif
