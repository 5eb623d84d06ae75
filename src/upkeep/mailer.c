/*
 * The thread that notices and sends. Every half minute it asks what Health would show for each
 * plant, compares with what the last mail said, and puts a mail into the queue when that has
 * changed for a minute (mail_is_due). Information is not mailed, only warnings and errors; that
 * mail itself fails is shown by Health and not mailed. Plants have walls: what is of one goes only
 * to people with access to it, what is of the computer to everybody (mail_queue.c).
 *
 * What cannot be sent is tried again after 1, 2, 4 .. 60 minutes, for three days.
 */
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "ledger/keyed.h"
#include "upkeep/mail_queue.h"
#include "upkeep/state.h"

enum {
    LOOK_EVERY_S = 30,
    SEND_EVERY_S = 2,
    RETRY_FIRST_S = 60,
    RETRY_MAX_S = 3600,
    KEPT_S = 3 * 86400,
    AT_ONCE = 20, // Then the stop flag is looked at again.
};

struct mailer {
    struct home *home;
    struct upkeep *upkeep;
    char ca_file[LIMIT_PATH_BYTES];
    struct mail_pace pace;
    struct noted_list *before;
    struct noted_list *now;
    struct finding *findings;
    struct thread thread;
    struct stop_flag stop;
    struct mutex mutex; // Of the facts.
    struct mail_facts facts;
};

/* ---- Noticing ---- */

static void copy_words(const struct err *words, const char *detail, enum lang lang, char *to) {
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    err_render(words, lang, &text);
    if (detail[0] != '\0') {
        buf_printf(&text, ": %s", detail);
    }
    (void)str_copy_z(buf_str(&text), to, NOTED_WORDS_MAX);
}

/* What concerns the computer and the program, and no plant by name. */
static bool is_of_home(const char *id) {
    static const char *const PREFIXES[] = {
        "disk.full", "disk.low", "clock.", "backup.", "certificate.", "syslog.", "upgrade."};
    for (size_t i = 0; i < sizeof PREFIXES / sizeof PREFIXES[0]; i++) {
        if (str_starts(str_of(id), str_of(PREFIXES[i]))) {
            return true;
        }
    }
    return false;
}

static void note_plant(struct mailer *m, struct plant *plant) {
    struct upkeep_facts facts;
    uint32_t count = upkeep_health(m->upkeep, m->home, plant, m->findings, &facts);
    AUTO_FREE struct noted *one = MEM_NEW(struct noted);
    for (uint32_t i = 0; i < count; i++) {
        const struct finding *finding = &m->findings[i];
        if (finding->severity == FINDING_INFO || strcmp(finding->id, "mail.failing") == 0) {
            continue;
        }
        memset(one, 0, sizeof *one);
        if (!is_of_home(finding->id)) {
            (void)str_copy_z(plant_id(plant), one->plant, sizeof one->plant);
        }
        struct buf key;
        buf_init(&key, sizeof one->key);
        buf_printf(
            &key, finding->subject[0] != '\0' ? "%s %s" : "%s%s", finding->id, finding->subject);
        (void)str_copy_z(buf_str(&key), one->key, sizeof one->key);
        buf_fini(&key);
        one->severity = (int)finding->severity;
        for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
            copy_words(&finding->words, finding->detail[lang], (enum lang)lang, one->words[lang]);
            copy_words(&finding->action, "", (enum lang)lang, one->action[lang]);
        }
        noted_add(m->now, one);
    }
}

static bool differ(const struct noted_list *a, const struct noted_list *b) {
    bool differs = a->count != b->count;
    for (uint32_t i = 0; !differs && i < a->count; i++) {
        differs = !noted_has(b, &a->items[i]);
    }
    return differs;
}

static int notice(struct mailer *m, struct err *err) {
    struct ledger *hub = home_hub(m->home);
    AUTO_FREE struct mail_settings *settings = MEM_NEW(struct mail_settings);
    int64_t last_ns = 0;
    int status = mail_get(m->home, settings, err);
    if (status < 0 || !settings->enabled) {
        return status;
    }
    status = noted_read(hub, m->before, err);
    status = status < 0 ? status : mail_last_told(hub, &last_ns, err);
    if (status < 0) {
        return status;
    }
    m->now->count = 0;
    for (uint32_t i = 0; i < home_plant_count(m->home); i++) {
        note_plant(m, home_plant_at(m->home, i));
    }
    int64_t wall = clock_wall_ns(clock_system());
    int64_t since = last_ns > wall ? INT64_MAX : wall - last_ns; // The clock was set back.
    if (!mail_is_due(&m->pace, differ(m->before, m->now), clock_mono_ns(clock_system()), since)) {
        return 0;
    }
    struct mail_told told = {
        .settings = settings, .before = m->before, .now = m->now, .now_ns = wall};
    status = mail_tell(hub, &told, err);
    m->pace.changed_ns = 0;
    return status;
}

/* ---- Sending ---- */

static void tell_result(struct mailer *m, int status, const struct err *why) {
    mutex_lock(&m->mutex);
    bool first = status < 0 && m->facts.failed_since_ns == 0;
    if (status >= 0) {
        m->facts.sent++;
        m->facts.failed_since_ns = 0;
        m->facts.error = ERR_INIT;
    } else {
        m->facts.failed_since_ns = first ? clock_wall_ns(clock_system()) : m->facts.failed_since_ns;
        m->facts.error = *why;
    }
    mutex_unlock(&m->mutex);
    if (first) {
        log_event(LOG_WARN, "mail", "not_sent", NULL, why);
    }
}

static int put_off(
    struct mailer *m, const struct waiting_mail *mail, const struct err *why, struct err *err) {
    int64_t now = clock_wall_ns(clock_system());
    int64_t wait_s = RETRY_FIRST_S;
    for (int64_t i = 0; i < mail->tries && wait_s < RETRY_MAX_S; i++) {
        wait_s *= 2;
    }
    wait_s = wait_s < RETRY_MAX_S ? wait_s : RETRY_MAX_S;
    if (now - mail->created_ns > (int64_t)KEPT_S * NS_PER_S) {
        log_event(LOG_WARN, "mail", "given_up", LOG_FIELDS({"tries", A_INT(mail->tries)}), why);
        return mail_done(home_hub(m->home), mail->id, err);
    }
    return mail_later(home_hub(m->home), mail->id, now + wait_s * NS_PER_S, err);
}

/* 1: one was looked at; 0: nothing is due. */
static int send_one(struct mailer *m, struct err *err) {
    struct waiting_mail mail = {.id = 0};
    struct ledger *hub = home_hub(m->home);
    int status = mail_next(hub, clock_wall_ns(clock_system()), &mail, err);
    if (status <= 0) {
        return status;
    }
    AUTO_FREE struct mail_secret *secret = MEM_NEW(struct mail_secret);
    struct mail_sending sending = {.recipient = mail.address,
        .subject = str_of(mail.subject),
        .body = str_of(mail.body),
        .ca_file = m->ca_file[0] != '\0' ? m->ca_file : NULL,
        .stop = &m->stop};
    struct err why = ERR_INIT;
    int sent = mail_open(m->home, secret, &why);
    sent = sent < 0 ? sent : mail_send(secret, &sending, &why);
    keyed_wipe_bytes(secret->password, sizeof secret->password);
    if (sent != -ERR_CANCELLED) { // Maru ends: it stays as it was.
        tell_result(m, sent, &why);
        status = sent >= 0 ? mail_done(hub, mail.id, err) : put_off(m, &mail, &why, err);
    }
    waiting_mail_fini(&mail);
    return status < 0 ? status : 1;
}

static void count_waiting(struct mailer *m) {
    uint64_t waiting = 0;
    if (mail_count(home_hub(m->home), &waiting, NULL) < 0) {
        return;
    }
    mutex_lock(&m->mutex);
    m->facts.waiting = waiting;
    mutex_unlock(&m->mutex);
}

static void mailer_run(void *context) {
    struct mailer *m = context;
    int64_t look_at = clock_mono_ns(clock_system()) + LOOK_EVERY_S * NS_PER_S;
    while (!stop_flag_wait(&m->stop, clock_mono_ns(clock_system()) + SEND_EVERY_S * NS_PER_S)) {
        struct err err = ERR_INIT;
        int status = 0;
        if (clock_mono_ns(clock_system()) >= look_at) {
            status = notice(m, &err);
            look_at = clock_mono_ns(clock_system()) + LOOK_EVERY_S * NS_PER_S;
        }
        int more = 1;
        for (int i = 0; i < AT_ONCE && more > 0 && !stop_flag_is_raised(&m->stop); i++) {
            more = send_one(m, &err);
            status = more < 0 ? more : status;
        }
        if (status < 0) {
            log_event(LOG_WARN, "mail", "ledger", NULL, &err);
        }
        count_waiting(m);
    }
}

struct mailer *mailer_start(struct home *home, struct upkeep *upkeep, const char *ca_file) {
    struct mailer *m = MEM_NEW(struct mailer);
    m->home = home;
    m->upkeep = upkeep;
    (void)str_copy_z(str_of(ca_file), m->ca_file, sizeof m->ca_file);
    m->before = MEM_NEW(struct noted_list);
    m->now = MEM_NEW(struct noted_list);
    m->findings = MEM_ARRAY(struct finding, FINDINGS_MAX);
    mutex_init(&m->mutex);
    stop_flag_init(&m->stop);
    thread_start(&m->thread, "mail", mailer_run, m);
    return m;
}

void mailer_stop(struct mailer *m) {
    if (m == NULL) {
        return;
    }
    stop_flag_raise(&m->stop);
    thread_join(&m->thread);
    stop_flag_fini(&m->stop);
    mutex_fini(&m->mutex);
    mem_free(m->before);
    mem_free(m->now);
    mem_free(m->findings);
    mem_free(m);
}

void mailer_facts(struct mailer *m, struct mail_facts *ret_facts) {
    mutex_lock(&m->mutex);
    *ret_facts = m->facts;
    mutex_unlock(&m->mutex);
}

int mail_facts(
    struct home *home, struct upkeep *upkeep, struct mail_facts *ret_facts, struct err *err) {
    struct mail_facts facts = {.waiting = 0};
    if (upkeep != NULL && upkeep->mailer != NULL) {
        mailer_facts(upkeep->mailer, &facts);
    }
    int status = mail_count(home_hub(home), &facts.waiting, err);
    if (status >= 0) {
        *ret_facts = facts;
    }
    return status;
}

const char *mail_ca(const struct upkeep *upkeep) {
    return upkeep != NULL && upkeep->settings.mail_ca[0] != '\0' ? upkeep->settings.mail_ca : NULL;
}
