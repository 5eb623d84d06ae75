/*
 * Mail about what is wrong: settings and a try. It tells of every plant of the home, so the right
 * for it is that of the whole home. The password is never answered.
 */
#include "serve/call.h"

#include <string.h>

#include "core/json_in.h"
#include "core/mem.h"
#include "serve/server.h"
#include "serve/view.h"
#include "upkeep/mail.h"

static int answer(struct call *call, struct err *err) {
    AUTO_FREE struct mail_settings *settings = MEM_NEW(struct mail_settings);
    struct mail_facts facts;
    int rc = mail_get(call->server->home, settings, err);
    rc = rc < 0 ? rc : mail_facts(call->server->home, call->server->options.upkeep, &facts, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_bool(&json, "enabled", settings->enabled);
    json_put_str(&json, "server", str_of(settings->server));
    json_put_str(&json, "login", str_of(settings->login));
    json_put_bool(&json, "has_password", settings->has_password);
    json_put_str(&json, "sender", str_of(settings->sender));
    json_key(&json, "recipients");
    json_array_begin(&json);
    for (uint32_t i = 0; i < settings->recipient_count; i++) {
        json_object_begin(&json);
        json_put_str(&json, "address", str_of(settings->recipients[i].address));
        json_put_str(
            &json, "language", settings->recipients[i].lang == LANG_EN ? STR("en") : STR("ko"));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_put_i64(&json, "waiting", (int64_t)facts.waiting);
    view_put_time(&json, "failed_since", facts.failed_since_ns);
    if (facts.error.code != ERR_OK) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&facts.error, call->lang, &words);
        json_put_str(&json, "trouble", buf_str(&words));
    } else {
        json_put_null(&json, "trouble");
    }
    json_object_end(&json);
    return 0;
}

int api_mail(struct call *call, struct err *err) {
    return answer(call, err);
}

static int read_text(
    const struct json_in *body, const char *name, size_t max, char *to, struct err *err) {
    struct str text = STR_NONE;
    int rc = json_in_str(body, name, max - 1, &text, err);
    if (rc > 0) {
        (void)str_copy_z(text, to, max);
    }
    return rc;
}

static int read_recipient(void *context, const struct json_in *item, struct err *err) {
    static const char *const MEMBERS[] = {"address", "language", NULL};
    struct mail_settings *settings = context;
    struct mail_recipient *one = &settings->recipients[settings->recipient_count];
    struct str language = STR("ko");
    struct str address = STR_NONE;
    *one = (struct mail_recipient){.lang = LANG_KO};
    int rc = json_in_only(item, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(item, "address", sizeof one->address - 1, &address, err);
    rc = rc < 0 ? rc : json_in_str(item, "language", 8, &language, err);
    if (rc < 0) {
        return rc;
    }
    if (!str_eq(language, STR("ko")) && !str_eq(language, STR("en"))) {
        return err_set(err, ERR_INVALID, MSG_MAIL_LANGUAGE, NO_ARGS);
    }
    (void)str_copy_z(address, one->address, sizeof one->address);
    one->lang = str_eq(language, STR("en")) ? LANG_EN : LANG_KO;
    settings->recipient_count++;
    return 0;
}

static int read_body(const struct json_in *body, struct mail_settings *settings, struct err *err) {
    static const char *const MEMBERS[] = {
        "enabled", "server", "login", "password", "sender", "recipients", NULL};
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_bool(body, "enabled", &settings->enabled, err);
    rc = rc < 0 ? rc : read_text(body, "server", sizeof settings->server, settings->server, err);
    rc = rc < 0 ? rc : read_text(body, "login", sizeof settings->login, settings->login, err);
    rc = rc < 0 ? rc : read_text(body, "sender", sizeof settings->sender, settings->sender, err);
    if (rc >= 0 && json_in_has(body, "recipients")) {
        settings->recipient_count = 0;
        rc = json_in_each(body, "recipients", MAIL_RECIPIENTS_MAX, read_recipient, settings, err);
    }
    return rc;
}

int api_mail_put(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    AUTO_FREE struct mail_settings *settings = MEM_NEW(struct mail_settings);
    char password[MAIL_PASSWORD_MAX];
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : mail_get(call->server->home, settings, err);
    rc = rc < 0 ? rc : read_body(body, settings, err);
    int has_password = rc < 0 ? rc : read_text(body, "password", sizeof password, password, err);
    rc = has_password < 0
             ? has_password
             : mail_put(call->server->home, settings, has_password > 0 ? password : NULL,
                   str_of(call->principal.id), err);
    return rc < 0 ? rc : answer(call, err);
}

int api_mail_test(struct call *call, struct err *err) {
    int rc = call_long_begin(call, err);
    if (rc < 0) {
        return rc;
    }
    rc = mail_test(call->server->home, mail_ca(call->server->options.upkeep), NULL, err);
    call_long_end(call);
    if (rc < 0) {
        call->status = rc == -ERR_NOT_FOUND ? 409 : 502; // It is the mail server that failed.
        return rc;
    }
    call_empty(call, 204);
    return 0;
}
