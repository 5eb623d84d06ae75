#ifndef UPKEEP_MAIL_QUEUE_H
#define UPKEEP_MAIL_QUEUE_H
/*
 * Mail inside the room: the opened settings, sending one, the queue of those that wait.
 */
#include "upkeep/mail.h"

struct mail_server {
    bool tls; // Needed: it is not this computer.
};
/* False: no place of a mail server. */
bool mail_server_parse(const char *server, struct mail_server *ret);

struct mail_secret {
    struct mail_settings settings;
    uint8_t sealed[1024];
    size_t sealed_size;
    char password[MAIL_PASSWORD_MAX];
};
/* With the password opened; to be wiped. ERR_FORBIDDEN: it does not open. */
int mail_open(struct home *home, struct mail_secret *ret_secret, struct err *err);
struct mail_sending {
    const char *recipient;
    struct str subject;
    struct str body;
    const char *ca_file; // NULL: the system's authorities.
    const struct stop_flag *stop;
};
int mail_send(
    const struct mail_secret *secret, const struct mail_sending *sending, struct err *err);

/* What is wrong, as the last mail said it. */
enum { NOTED_MAX = 128, NOTED_KEY_MAX = 193, NOTED_WORDS_MAX = 640 };
struct noted {
    char plant[LIMIT_ID_BYTES + 1]; // Empty: of the whole home.
    char key[NOTED_KEY_MAX];        // "device.down press1"
    int severity;
    char words[2][NOTED_WORDS_MAX];  // By language.
    char action[2][NOTED_WORDS_MAX]; // What to do; not stored.
};
struct noted_list {
    uint32_t count;
    struct noted items[NOTED_MAX]; // More than that is not told one by one.
};
/* Adds one that is not there yet: what is of the whole home is found with each plant. What two
 * plants say in the same words stays two, or the people of one would learn of the other. */
void noted_add(struct noted_list *list, const struct noted *one);
bool noted_has(const struct noted_list *list, const struct noted *one);
int noted_read(struct ledger *hub, struct noted_list *ret_list, struct err *err);

struct mail_words {
    struct buf subject[2]; // By language.
    struct buf body[2];
};
void mail_words_fini(struct mail_words *words);
/* What changed between two lists, what is left, and what to do. */
void mail_compose(
    const struct noted_list *before, const struct noted_list *now, struct mail_words *ret_words);

/* Whether it is time to tell. A change must stand MAIL_GROUP_S, so that what belongs together goes
 * together and what passes is not told; then MAIL_GAP_S from the last mail. */
enum { MAIL_GROUP_S = 60, MAIL_GAP_S = 600 };
struct mail_pace {
    int64_t changed_ns; // Monotonic: since when the lists differ; 0: they do not.
};
bool mail_is_due(struct mail_pace *pace, bool differs, int64_t mono_ns, int64_t since_last_ns);
/* Puts what changed into the queue and remembers `now` as told, in one transaction. Each recipient
 * is told of the plants to which an active person with that e-mail address has access (any of them,
 * where several have it); what is of the whole home everybody is told. Nothing that changed for
 * somebody: no mail to them. */
struct mail_told {
    const struct mail_settings *settings;
    const struct noted_list *before;
    const struct noted_list *now;
    int64_t now_ns;
};
int mail_tell(struct ledger *hub, const struct mail_told *told, struct err *err);
/* When the last was put in; 0: never. */
int mail_last_told(struct ledger *hub, int64_t *ret_ns, struct err *err);

struct waiting_mail {
    int64_t id;
    int64_t created_ns;
    int64_t tries;
    char address[MAIL_ADDRESS_MAX];
    char *subject; // Owned; waiting_mail_fini.
    char *body;
};
/* 1: the next that is due; 0: none. */
int mail_next(struct ledger *hub, int64_t now_ns, struct waiting_mail *ret_mail, struct err *err);
void waiting_mail_fini(struct waiting_mail *mail);
int mail_done(struct ledger *hub, int64_t id, struct err *err);
int mail_later(struct ledger *hub, int64_t id, int64_t due_ns, struct err *err);
int mail_count(struct ledger *hub, uint64_t *ret_count, struct err *err);

#endif
