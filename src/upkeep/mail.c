/*
 * Settings of mail. A server without TLS is taken on this computer alone (a relay of its own): a
 * password, and what is wrong in a plant, do not cross a network readable. smtp:// means STARTTLS,
 * required; smtps:// TLS from the first byte (RFC 8314 asks for it).
 *
 * The password is sealed under HOME/keys/mail.password.key for this server and login: copied into
 * another row it opens nothing. A backup has the key only where keys were asked for; without it the
 * password must be typed again, which the first sending says.
 */
#include "upkeep/mail.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/mem.h"
#include "ledger/keyed.h"
#include "upkeep/mail_queue.h"

/* ---- Checks ---- */

static bool is_printable(const char *text, const char * not ) {
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c == 0x7F || strchr(not, *c) != NULL) { // Bytes above 127 are negative.
            return false;
        }
    }
    return true;
}

/* One @ with something on both sides; the rest is the server's to judge (RFC 5321). */
static bool is_address(const char *text) {
    const char *at = strchr(text, '@');
    return at != NULL && at != text && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           is_printable(text, "<>()[]\\,;:\"");
}

/* By address, or the one name that is never anybody else's (RFC 6761). */
static bool is_this_computer(struct str host) {
    char text[INET6_ADDRSTRLEN];
    uint8_t address[16];
    static const uint8_t LOOPBACK6[16] = {[15] = 1};
    if (host.size >= sizeof text) {
        return false;
    }
    (void)str_copy_z(host, text, sizeof text);
    return str_eq_nocase(host, STR("localhost")) ||
           (inet_pton(AF_INET, text, address) == 1 && address[0] == 127) ||
           (inet_pton(AF_INET6, text, address) == 1 &&
               memcmp(address, LOOPBACK6, sizeof LOOPBACK6) == 0);
}

bool mail_server_parse(const char *server, struct mail_server *ret) {
    struct str rest = str_of(server);
    *ret = (struct mail_server){.tls = true};
    if (str_starts(rest, STR("smtps://"))) {
        rest = str_slice(rest, 8, rest.size);
    } else if (str_starts(rest, STR("smtp://"))) {
        rest = str_slice(rest, 7, rest.size);
    } else {
        return false;
    }
    bool v6 = rest.size > 0 && rest.data[0] == '[';
    size_t close = str_find(rest, ']');
    struct str host = v6 ? str_slice(rest, 1, close) : str_slice(rest, 0, str_find(rest, ':'));
    struct str behind = str_slice(rest, v6 ? close + 1 : host.size, rest.size);
    uint64_t port = 25;
    bool good = host.size > 0 && (!v6 || close < rest.size) && is_printable(server, "?#@\"\\") &&
                (behind.size == 0 || (behind.data[0] == ':' &&
                                         str_to_u64(str_slice(behind, 1, behind.size), &port) &&
                                         port > 0 && port <= 65535));
    for (size_t i = 0; good && i < rest.size; i++) {
        good = rest.data[i] != '/';
    }
    bool near = is_this_computer(host);
    ret->tls = !near || str_starts(str_of(server), STR("smtps://"));
    return good;
}

static int check(const struct mail_settings *settings, struct err *err) {
    struct mail_server server;
    if (!mail_server_parse(settings->server, &server)) {
        return err_set(err, ERR_INVALID, MSG_MAIL_SERVER, ARGS(A_CSTR(settings->server)));
    }
    if (!is_address(settings->sender)) {
        return err_set(err, ERR_INVALID, MSG_MAIL_ADDRESS, ARGS(A_CSTR(settings->sender)));
    }
    if (!is_printable(settings->login, "")) {
        return err_set(err, ERR_INVALID, MSG_MAIL_LOGIN, NO_ARGS);
    }
    if (settings->enabled && settings->recipient_count == 0) {
        return err_set(err, ERR_INVALID, MSG_MAIL_NOBODY, NO_ARGS);
    }
    for (uint32_t i = 0; i < settings->recipient_count; i++) {
        const char *address = settings->recipients[i].address;
        if (!is_address(address)) {
            return err_set(err, ERR_INVALID, MSG_MAIL_ADDRESS, ARGS(A_CSTR(address)));
        }
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(settings->recipients[k].address, address) == 0) {
                return err_set(err, ERR_INVALID, MSG_MAIL_TWICE, ARGS(A_CSTR(address)));
            }
        }
    }
    return 0;
}

/* ---- Reading ---- */

static int read_recipients(struct ledger_tx *tx, struct mail_settings *settings, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(
        tx, "SELECT address, language FROM mail_recipients ORDER BY address", &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) == 1) {
        if (settings->recipient_count == MAIL_RECIPIENTS_MAX) {
            return 0;
        }
        struct mail_recipient *one = &settings->recipients[settings->recipient_count++];
        (void)str_copy_z(ledger_column_str(stmt, 0), one->address, sizeof one->address);
        one->lang = str_eq(ledger_column_str(stmt, 1), STR("en")) ? LANG_EN : LANG_KO;
    }
    return status;
}

static int read_all(struct ledger_tx *tx, void *context, struct err *err) {
    struct mail_secret *secret = context;
    struct mail_settings *settings = &secret->settings;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT enabled, server, login, sender, password FROM mail_settings WHERE id = 1", &stmt,
        err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status <= 0) {
        return status;
    }
    settings->enabled = ledger_column_i64(stmt, 0) != 0;
    (void)str_copy_z(ledger_column_str(stmt, 1), settings->server, sizeof settings->server);
    (void)str_copy_z(ledger_column_str(stmt, 2), settings->login, sizeof settings->login);
    (void)str_copy_z(ledger_column_str(stmt, 3), settings->sender, sizeof settings->sender);
    settings->has_password = !ledger_column_is_null(stmt, 4);
    struct str sealed = ledger_column_str(stmt, 4);
    if (settings->has_password && sealed.size <= sizeof secret->sealed) {
        memcpy(secret->sealed, sealed.data, sealed.size);
        secret->sealed_size = sealed.size;
    }
    return read_recipients(tx, settings, err);
}

int mail_get(struct home *home, struct mail_settings *ret_settings, struct err *err) {
    AUTO_FREE struct mail_secret *secret = MEM_NEW(struct mail_secret);
    int status = ledger_read(home_hub(home), read_all, secret, err);
    if (status >= 0) {
        *ret_settings = secret->settings;
    }
    return status < 0 ? status : 0;
}

/* What the password is sealed for. */
static void seal_name(const struct mail_settings *settings, struct buf *to) {
    buf_init(to, MAIL_SERVER_MAX + MAIL_ADDRESS_MAX + 16);
    buf_printf(to, "mail %s %s", settings->server, settings->login);
}

int mail_open(struct home *home, struct mail_secret *ret_secret, struct err *err) {
    struct mail_secret *secret = ret_secret;
    memset(secret, 0, sizeof *secret);
    int status = ledger_read(home_hub(home), read_all, secret, err);
    if (status < 0 || secret->sealed_size == 0) {
        return status < 0 ? status : 0;
    }
    uint8_t key[KEYED_KEY_BYTES];
    AUTO_BUF struct buf name;
    seal_name(&secret->settings, &name);
    status = home_notice_key(home, false, key, err);
    struct str sealed = {(const char *)secret->sealed, secret->sealed_size};
    bool good = status >= 0 && sealed.size > KEYED_SEAL_OVERHEAD &&
                sealed.size - KEYED_SEAL_OVERHEAD < sizeof secret->password &&
                keyed_open(key, buf_str(&name), sealed, (uint8_t *)secret->password);
    keyed_wipe(key);
    if (!good) {
        return err_set(err, ERR_FORBIDDEN, MSG_MAIL_PASSWORD_LOST, NO_ARGS);
    }
    return 0;
}

/* ---- Writing ---- */

struct change {
    struct home *home;
    const struct mail_settings *settings;
    const char *password;
    struct str actor;
};

static int write_settings(
    struct ledger_tx *tx, const struct change *change, struct str sealed, struct err *err) {
    const struct mail_settings *settings = change->settings;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "INSERT INTO mail_settings (id, enabled, server, login, password, sender)"
        " VALUES (1, ?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled,"
        " server = excluded.server, login = excluded.login, password = excluded.password,"
        " sender = excluded.sender",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, settings->enabled);
    ledger_bind_str(stmt, 2, str_of(settings->server));
    ledger_bind_str(stmt, 3, str_of(settings->login));
    if (sealed.size > 0) {
        ledger_bind_blob(stmt, 4, sealed.data, sealed.size);
    } else {
        ledger_bind_null(stmt, 4);
    }
    ledger_bind_str(stmt, 5, str_of(settings->sender));
    status = ledger_step(stmt, err);
    status = status < 0 ? status : ledger_prepare(tx, "DELETE FROM mail_recipients", &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    for (uint32_t i = 0; status >= 0 && i < settings->recipient_count; i++) {
        status = ledger_prepare(
            tx, "INSERT INTO mail_recipients (address, language) VALUES (?1, ?2)", &stmt, err);
        if (status >= 0) {
            ledger_bind_str(stmt, 1, str_of(settings->recipients[i].address));
            ledger_bind_str(
                stmt, 2, settings->recipients[i].lang == LANG_EN ? STR("en") : STR("ko"));
            status = ledger_step(stmt, err);
        }
    }
    return status;
}

static int write_change(struct ledger_tx *tx, void *context, struct err *err) {
    const struct change *change = context;
    const struct mail_settings *settings = change->settings;
    AUTO_FREE struct mail_secret *old = MEM_NEW(struct mail_secret);
    int status = read_all(tx, old, err);
    if (status < 0) {
        return status;
    }
    struct str sealed = {(const char *)old->sealed, old->sealed_size};
    bool same = strcmp(old->settings.server, settings->server) == 0 &&
                strcmp(old->settings.login, settings->login) == 0;
    if (change->password == NULL && sealed.size > 0 && !same) {
        return err_set(err, ERR_INVALID, MSG_MAIL_PASSWORD_AGAIN, NO_ARGS);
    }
    uint8_t fresh[MAIL_PASSWORD_MAX + KEYED_SEAL_OVERHEAD];
    if (change->password != NULL && change->password[0] != '\0') {
        uint8_t key[KEYED_KEY_BYTES];
        AUTO_BUF struct buf name;
        seal_name(settings, &name);
        status = home_notice_key(change->home, true, key, err);
        if (status < 0) {
            return status;
        }
        struct str plain = str_of(change->password);
        keyed_seal(key, buf_str(&name), plain, fresh);
        keyed_wipe(key);
        sealed = (struct str){(const char *)fresh, plain.size + KEYED_SEAL_OVERHEAD};
    } else if (change->password != NULL) {
        sealed = STR_NONE;
    }
    status = write_settings(tx, change, sealed, err);
    return status < 0 ? status
                      : audit_append(tx, change->actor, STR("mail.change"), STR("mail"),
                            str_of(settings->server), err);
}

int mail_put(struct home *home, const struct mail_settings *settings, const char *password,
    struct str actor, struct err *err) {
    int status = check(settings, err);
    if (status >= 0 && password != NULL && strlen(password) >= MAIL_PASSWORD_MAX) {
        status = err_set(err, ERR_LIMIT, MSG_MAIL_LOGIN, NO_ARGS);
    }
    struct change change = {home, settings, password, actor};
    status = status < 0 ? status : ledger_write(home_hub(home), write_change, &change, err);
    return status < 0 ? status : 0;
}

/* ---- A try ---- */

int mail_test(
    struct home *home, const char *ca_file, const struct stop_flag *stop, struct err *err) {
    AUTO_FREE struct mail_secret *secret = MEM_NEW(struct mail_secret);
    int status = mail_open(home, secret, err);
    if (status >= 0 &&
        (secret->settings.server[0] == '\0' || secret->settings.recipient_count == 0)) {
        status = err_set(err, ERR_NOT_FOUND, MSG_MAIL_NOT_SET, NO_ARGS);
    }
    for (uint32_t i = 0; status >= 0 && i < secret->settings.recipient_count; i++) {
        const struct mail_recipient *to = &secret->settings.recipients[i];
        AUTO_BUF struct buf subject;
        AUTO_BUF struct buf body;
        buf_init(&subject, 512);
        buf_init(&body, 4096);
        msg_render(MSG_MAIL_TEST_SUBJECT, NO_ARGS, to->lang, &subject);
        msg_render(MSG_MAIL_TEST_BODY, NO_ARGS, to->lang, &body);
        struct mail_sending sending = {.recipient = to->address,
            .subject = buf_str(&subject),
            .body = buf_str(&body),
            .ca_file = ca_file,
            .stop = stop};
        status = mail_send(secret, &sending, err);
    }
    keyed_wipe_bytes(secret->password, sizeof secret->password);
    return status < 0 ? status : 0;
}
