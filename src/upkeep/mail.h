#ifndef UPKEEP_MAIL_H
#define UPKEEP_MAIL_H
/*
 * Mail about what is wrong: settings, a queue in the hub, a thread that notices and sends. A mail
 * goes out when what Health shows has changed, grouped, at most one in ten minutes to everybody,
 * and one when all is well again. The queue survives a restart. The server's password is sealed
 * under a key of the home. Any thread; the mailer is owned by the upkeep.
 */
#include "core/limits.h"
#include "plant/home.h"

struct stop_flag;

enum {
    MAIL_RECIPIENTS_MAX = 20,
    MAIL_ADDRESS_MAX = 255,
    MAIL_SERVER_MAX = 301,
    MAIL_PASSWORD_MAX = 256,
};

struct mail_recipient {
    char address[MAIL_ADDRESS_MAX];
    enum lang lang;
};

struct mail_settings {
    bool enabled;
    char
        server[MAIL_SERVER_MAX]; // "smtp://mail.example:587" (STARTTLS), "smtps://mail.example:465"
    char login[MAIL_ADDRESS_MAX]; // Empty: without signing in.
    bool has_password;
    char sender[MAIL_ADDRESS_MAX];
    uint32_t recipient_count;
    struct mail_recipient recipients[MAIL_RECIPIENTS_MAX];
};

/* The stored ones; empty and not enabled where there are none. */
int mail_get(struct home *home, struct mail_settings *ret_settings, struct err *err);
/* `password` NULL keeps the stored one (ERR_INVALID where the server or the login is another: a
 * stored password goes to nobody else), "" removes it. Stands in the audit chain. */
int mail_put(struct home *home, const struct mail_settings *settings, const char *password,
    struct str actor, struct err *err);
/* Sends one mail to each recipient now; the first failure in words. */
int mail_test(struct home *home, const char *ca_file /* NULL: the system's */,
    const struct stop_flag *stop, struct err *err);

struct mail_facts {
    uint64_t waiting;        // In the queue.
    uint64_t sent;           // Since the start.
    int64_t failed_since_ns; // 0: sending works, or was not tried.
    struct err error;
};

struct upkeep;
struct mailer;
struct mailer *mailer_start(struct home *home, struct upkeep *upkeep, const char *ca_file);
void mailer_stop(struct mailer *mailer); // NULL is fine.
void mailer_facts(struct mailer *mailer, struct mail_facts *ret_facts);
/* Of the running upkeep; NULL: only what waits is known. */
int mail_facts(
    struct home *home, struct upkeep *upkeep, struct mail_facts *ret_facts, struct err *err);
const char *mail_ca(const struct upkeep *upkeep); // NULL: the system's authorities.

#endif
