/*
 * The queue and what was told last, in the hub. A mail leaves the queue when the server took it,
 * so a kill in between sends it twice rather than not at all; the queue holds QUEUE_MAX mails, the
 * oldest go first.
 */
#include "upkeep/mail_queue.h"

#include <string.h>

#include "core/mem.h"
#include "core/random.h"
#include "upkeep/line_out.h"
#include "upkeep/mail_text.h"

enum {
    QUEUE_MAX = 500,
    TIMEOUT_MS = 15000,
};

/* ---- Sending one ---- */

int mail_send(
    const struct mail_secret *secret, const struct mail_sending *sending, struct err *err) {
    const struct mail_settings *settings = &secret->settings;
    struct mail_server server;
    if (!mail_server_parse(settings->server, &server)) {
        return err_set(err, ERR_INVALID, MSG_MAIL_SERVER, ARGS(A_CSTR(settings->server)));
    }
    int64_t now = clock_wall_ns(clock_system());
    struct random random;
    char id[40];
    random_seed_system(&random);
    uuid_v7(&random, now, id);
    struct mail_text text = {.sender = settings->sender,
        .recipient = sending->recipient,
        .subject = sending->subject,
        .body = sending->body,
        .time_ns = now,
        .id = id};
    AUTO_BUF struct buf message;
    buf_init(&message, MAIL_BYTES_MAX);
    mail_text_write(&text, &message);
    struct smtp_mail mail = {.server = settings->server,
        .tls = server.tls,
        .ca_file = sending->ca_file,
        .login = settings->login[0] != '\0' ? settings->login : NULL,
        .password = secret->password,
        .sender = settings->sender,
        .recipient = sending->recipient,
        .message = buf_str(&message),
        .timeout_ms = TIMEOUT_MS,
        .stop = sending->stop};
    return smtp_send(&mail, err);
}

/* ---- What was told ---- */

static int read_noted(struct ledger_tx *tx, void *context, struct err *err) {
    struct noted_list *list = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT plant, finding, severity, words_ko, words_en FROM mail_findings"
        " ORDER BY plant, finding LIMIT ?1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, NOTED_MAX);
    while ((status = ledger_step(stmt, err)) == 1 && list->count < NOTED_MAX) {
        struct noted *one = &list->items[list->count++];
        (void)str_copy_z(ledger_column_str(stmt, 0), one->plant, sizeof one->plant);
        (void)str_copy_z(ledger_column_str(stmt, 1), one->key, sizeof one->key);
        one->severity = (int)ledger_column_i64(stmt, 2);
        for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
            (void)str_copy_z(
                ledger_column_str(stmt, 3 + lang), one->words[lang], sizeof one->words[lang]);
        }
    }
    return status < 0 ? status : 0;
}

int noted_read(struct ledger *hub, struct noted_list *ret_list, struct err *err) {
    ret_list->count = 0;
    return ledger_read(hub, read_noted, ret_list, err);
}

static int write_noted(struct ledger_tx *tx, const struct noted_list *list, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, "DELETE FROM mail_findings", &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    for (uint32_t i = 0; status >= 0 && i < list->count; i++) {
        const struct noted *one = &list->items[i];
        status = ledger_prepare(tx,
            "INSERT OR IGNORE INTO mail_findings (plant, finding, severity, words_ko, words_en)"
            " VALUES (?1, ?2, ?3, ?4, ?5)",
            &stmt, err);
        if (status >= 0) {
            ledger_bind_str(stmt, 1, str_of(one->plant));
            ledger_bind_str(stmt, 2, str_of(one->key));
            ledger_bind_i64(stmt, 3, one->severity);
            ledger_bind_str(stmt, 4, str_of(one->words[LANG_KO]));
            ledger_bind_str(stmt, 5, str_of(one->words[LANG_EN]));
            status = ledger_step(stmt, err);
        }
    }
    return status;
}

/* ---- To whom what is told ---- */

enum { SEEN_MAX = HOME_PLANTS_MAX };

struct seen_plants {
    uint32_t count;
    char ids[SEEN_MAX][LIMIT_ID_BYTES + 1];
};

/* Addresses are compared as people type them: without regard to capitals (of ASCII). */
static int read_seen(struct ledger_tx *tx, const char *address, int64_t now_ns,
    struct seen_plants *ret_seen, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT DISTINCT a.plant_id FROM users u JOIN access a ON a.user_id = u.id"
        " WHERE u.email <> '' AND lower(u.email) = lower(?1) AND u.erased_ns IS NULL"
        " AND u.disabled = 0 AND NOT EXISTS (SELECT 1 FROM organisations o"
        " WHERE o.id = u.organisation_id AND o.disabled = 1)"
        " AND coalesce(a.until_ns, 9223372036854775807) > ?2 ORDER BY a.plant_id LIMIT ?3",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, str_of(address));
    ledger_bind_i64(stmt, 2, now_ns);
    ledger_bind_i64(stmt, 3, SEEN_MAX);
    ret_seen->count = 0;
    while ((status = ledger_step(stmt, err)) == 1) {
        char *to = ret_seen->ids[ret_seen->count++];
        (void)str_copy_z(ledger_column_str(stmt, 0), to, sizeof ret_seen->ids[0]);
    }
    return status < 0 ? status : 0;
}

static bool may_know(const struct seen_plants *seen, const struct noted *one) {
    bool may = one->plant[0] == '\0';
    for (uint32_t i = 0; i < seen->count && !may; i++) {
        may = strcmp(seen->ids[i], one->plant) == 0;
    }
    return may;
}

static void pick(
    const struct noted_list *from, const struct seen_plants *seen, struct noted_list *ret_list) {
    ret_list->count = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        if (may_know(seen, &from->items[i])) {
            ret_list->items[ret_list->count++] = from->items[i];
        }
    }
}

static bool differ(const struct noted_list *a, const struct noted_list *b) {
    bool differs = a->count != b->count;
    for (uint32_t i = 0; !differs && i < a->count; i++) {
        differs = !noted_has(b, &a->items[i]);
    }
    return differs;
}

static int put_mail(struct ledger_tx *tx, const struct mail_told *told,
    const struct mail_recipient *to, const struct mail_words *words, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "INSERT INTO mail_queue (created_ns, address, subject, body, due_ns)"
        " VALUES (?1, ?2, ?3, ?4, 0)",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, told->now_ns);
    ledger_bind_str(stmt, 2, str_of(to->address));
    ledger_bind_str(stmt, 3, buf_str(&words->subject[to->lang]));
    ledger_bind_str(stmt, 4, buf_str(&words->body[to->lang]));
    return ledger_step(stmt, err);
}

static int put_mails(struct ledger_tx *tx, const struct mail_told *told, struct err *err) {
    AUTO_FREE struct seen_plants *seen = MEM_NEW(struct seen_plants);
    AUTO_FREE struct noted_list *before = MEM_NEW(struct noted_list);
    AUTO_FREE struct noted_list *now = MEM_NEW(struct noted_list);
    int status = 0;
    for (uint32_t i = 0; status >= 0 && i < told->settings->recipient_count; i++) {
        const struct mail_recipient *to = &told->settings->recipients[i];
        status = read_seen(tx, to->address, ledger_now_ns(tx), seen, err);
        pick(told->before, seen, before);
        pick(told->now, seen, now);
        if (status >= 0 && differ(before, now)) {
            struct mail_words words;
            mail_compose(before, now, &words);
            status = put_mail(tx, told, to, &words, err);
            mail_words_fini(&words);
        }
    }
    struct ledger_stmt *stmt = NULL;
    status = status < 0 ? status
                        : ledger_prepare(tx,
                              "DELETE FROM mail_queue WHERE id NOT IN"
                              " (SELECT id FROM mail_queue ORDER BY id DESC LIMIT ?1)",
                              &stmt, err);
    if (status >= 0) {
        ledger_bind_i64(stmt, 1, QUEUE_MAX);
        status = ledger_step(stmt, err);
    }
    return status;
}

static int write_told(struct ledger_tx *tx, void *context, struct err *err) {
    const struct mail_told *told = context;
    struct ledger_stmt *stmt = NULL;
    int status = put_mails(tx, told, err);
    status = status < 0 ? status : write_noted(tx, told->now, err);
    status = status < 0 ? status
                        : ledger_prepare(tx,
                              "INSERT INTO notice_cursors (consumer, sequence)"
                              " VALUES ('mail:told', ?1) ON CONFLICT (consumer)"
                              " DO UPDATE SET sequence = excluded.sequence",
                              &stmt, err);
    if (status >= 0) {
        ledger_bind_i64(stmt, 1, told->now_ns);
        status = ledger_step(stmt, err);
    }
    return status;
}

int mail_tell(struct ledger *hub, const struct mail_told *told, struct err *err) {
    struct mail_told copy = *told;
    int status = ledger_write(hub, write_told, &copy, err);
    return status < 0 ? status : 0;
}

/* One number of the hub. */
struct asking {
    const char *sql;
    int64_t value;
};

static int ask_number(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, asking->sql, &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    asking->value = status == 1 ? ledger_column_i64(stmt, 0) : 0;
    return status < 0 ? status : 0;
}

int mail_last_told(struct ledger *hub, int64_t *ret_ns, struct err *err) {
    struct asking asking = {
        .sql = "SELECT sequence FROM notice_cursors WHERE consumer = 'mail:told'"};
    int status = ledger_read(hub, ask_number, &asking, err);
    *ret_ns = asking.value;
    return status < 0 ? status : 0;
}

int mail_count(struct ledger *hub, uint64_t *ret_count, struct err *err) {
    struct asking asking = {.sql = "SELECT count(*) FROM mail_queue"};
    int status = ledger_read(hub, ask_number, &asking, err);
    *ret_count = (uint64_t)asking.value;
    return status < 0 ? status : 0;
}

/* ---- The queue ---- */

struct next_mail {
    int64_t now_ns;
    struct waiting_mail *mail;
};

static int read_next(struct ledger_tx *tx, void *context, struct err *err) {
    struct next_mail *next = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT id, created_ns, tries, address, subject, body FROM mail_queue WHERE due_ns <= ?1"
        " ORDER BY id LIMIT 1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, next->now_ns);
    status = ledger_step(stmt, err);
    if (status == 1) {
        struct waiting_mail *mail = next->mail;
        *mail = (struct waiting_mail){.id = ledger_column_i64(stmt, 0),
            .created_ns = ledger_column_i64(stmt, 1),
            .tries = ledger_column_i64(stmt, 2)};
        (void)str_copy_z(ledger_column_str(stmt, 3), mail->address, sizeof mail->address);
        mail->subject = mem_copy_z(ledger_column_str(stmt, 4));
        mail->body = mem_copy_z(ledger_column_str(stmt, 5));
    }
    return status;
}

int mail_next(struct ledger *hub, int64_t now_ns, struct waiting_mail *ret_mail, struct err *err) {
    struct next_mail next = {.now_ns = now_ns, .mail = ret_mail};
    return ledger_read(hub, read_next, &next, err);
}

void waiting_mail_fini(struct waiting_mail *mail) {
    mem_free(mail->subject);
    mem_free(mail->body);
}

struct change {
    const char *sql;
    int64_t id;
    int64_t due_ns;
};

static int write_change(struct ledger_tx *tx, void *context, struct err *err) {
    const struct change *change = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, change->sql, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, change->id);
    if (change->due_ns > 0) {
        ledger_bind_i64(stmt, 2, change->due_ns);
    }
    return ledger_step(stmt, err);
}

int mail_done(struct ledger *hub, int64_t id, struct err *err) {
    struct change change = {.sql = "DELETE FROM mail_queue WHERE id = ?1", .id = id};
    int status = ledger_write(hub, write_change, &change, err);
    return status < 0 ? status : 0;
}

int mail_later(struct ledger *hub, int64_t id, int64_t due_ns, struct err *err) {
    struct change change = {
        .sql = "UPDATE mail_queue SET tries = tries + 1, due_ns = ?2 WHERE id = ?1",
        .id = id,
        .due_ns = due_ns};
    int status = ledger_write(hub, write_change, &change, err);
    return status < 0 ? status : 0;
}
