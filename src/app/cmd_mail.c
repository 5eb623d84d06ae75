/*
 * maru mail HOME [--test]: the mail settings, or a test mail to every recipient now. They are set
 * over HTTP or on the pages, where it stands in the audit chain who did it.
 */
#include "app/command.h"
#include "app/config.h"
#include "core/json.h"
#include "core/mem.h"
#include "upkeep/mail.h"

static void put_settings(struct call *call, const struct mail_settings *settings) {
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_bool(&json, "enabled", settings->enabled);
    json_put_str(&json, "server", str_of(settings->server));
    json_put_str(&json, "login", str_of(settings->login));
    json_put_bool(&json, "has_password", settings->has_password);
    json_put_str(&json, "sender", str_of(settings->sender));
    json_key(&json, "recipients");
    json_array_begin(&json);
    for (uint32_t i = 0; i < settings->recipient_count; i++) {
        json_str(&json, str_of(settings->recipients[i].address));
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

int cmd_mail(struct call *call, struct err *err) {
    AUTO_FREE struct mail_settings *settings = MEM_NEW(struct mail_settings);
    AUTO_FREE struct config *config = MEM_NEW(struct config);
    int status = mail_get(call->home, settings, err);
    if (status < 0) {
        return status;
    }
    if (call_value(call, "--test") == NULL) {
        put_settings(call, settings);
        return EXIT_DONE;
    }
    status = config_read(call->home_dir, config, err);
    const char *ca_file = config->upkeep.mail_ca[0] != '\0' ? config->upkeep.mail_ca : NULL;
    status = status < 0 ? status : mail_test(call->home, ca_file, NULL, err);
    if (status < 0) {
        return status;
    }
    call_say(call, MSG_MAIL_TEST_SENT, ARGS(A_INT(settings->recipient_count)));
    return EXIT_DONE;
}
