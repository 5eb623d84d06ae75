#ifndef SERVE_SIGN_IN_H
#define SERVE_SIGN_IN_H
/*
 * Beginning a session, for every way in: a password, a link, an invitation. One transaction does
 * what the way needs, asks for the second factor, makes the session and tells the audit chain.
 */
#include "serve/call.h"

struct sign_in {
    /* What comes first in the transaction: finds or makes the user. NULL: user_id is set. */
    int (*before)(struct ledger_tx *tx, struct sign_in *in, struct err *err);
    void *context;      // Of `before`.
    const char *action; // For the audit chain.
    struct str code;    // Of the second factor; empty: none was sent.
    char user_id[40];
    /* Of sign_in.c. */
    struct call *call;
    uint8_t key[32];
    bool has_key;
    char secret[SECRET_TEXT_MAX];
};

enum { LOGIN_BYTES = 63, PASSWORD_BYTES = 256, CODE_BYTES = 32, LINK_BYTES = 2 * SECRET_TEXT_MAX };

/* Begins the session and answers who is signed in. ERR_UNAUTHENTICATED: the second factor is
 * missing (MSG_SERVE_SECOND_FACTOR, nothing was done) or wrong. */
int sign_in_answer(struct call *call, struct sign_in *in, struct err *err);
/* Counts a try of this address; 429 beyond the limit. */
int sign_in_count_try(struct call *call, struct err *err);
/* Counts a try for this account, whether or not there is one; 429 beyond the limit. What was no
 * wrong try is given back. */
int sign_in_count_account(struct call *call, struct str login, struct err *err);
void sign_in_forgive(struct call *call, struct str login);
/* second_spend, where wrong codes of a person are counted; 429 beyond the limit. */
int sign_in_spend_code(struct ledger_tx *tx, struct call *call, struct str user_id,
    const uint8_t *key, struct str code, struct err *err);
/* Who is signed in, as GET session tells. `principal` NULL: nobody. */
int answer_session(struct call *call, const struct principal *principal, struct err *err);
void set_session_cookie(struct call *call, const char *secret, int64_t lifetime_s);
/* An audit entry of the hub by the caller; the payload says from which address. `subject` begins
 * with a person's id where it is about one, so that erasing them finds it. */
int people_audit(struct ledger_tx *tx, const struct call *call, const char *action,
    struct str subject, struct err *err);
/* The same by somebody who is not the caller yet. */
int people_audit_by(struct ledger_tx *tx, const struct call *call, struct str actor,
    const char *action, struct str subject, struct err *err);

#endif
