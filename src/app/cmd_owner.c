/*
 * maru owner HOME --reset: a one-time link that sets an owner's password. Whoever holds the folder
 * is its owner, so nothing is asked; that it was done stands in the audit chain. The page behind
 * the link is the set-up page; what kind of link it is, the hub knows.
 */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/config.h"
#include "core/json.h"

static const int64_t LINK_LIFETIME_NS = 3600 * NS_PER_S;

static int make_link(struct ledger_tx *tx, void *context, struct err *err) {
    int status = hub_link_new(tx, STR("reset"), LINK_LIFETIME_NS, context, err);
    return status < 0
               ? status
               : audit_append(tx, STR("cli"), STR("owner.reset_link"), STR("owner"), STR_NONE, err);
}

int cmd_owner(struct call *call, struct err *err) {
    if (call_value(call, "--reset") == NULL) {
        return err_set(err, ERR_USAGE, MSG_OWNER_WHAT, NO_ARGS);
    }
    struct config config;
    char secret[SECRET_TEXT_MAX];
    int status = config_read(call->home_dir, &config, err);
    status = status < 0 ? status : ledger_write(home_hub(call->home), make_link, secret, err);
    if (status < 0) {
        return status;
    }
    const char *host = config.host_name[0] != '\0' ? config.host_name : config_page_host(&config);
    bool v6 = strchr(host, ':') != NULL;
    AUTO_BUF struct buf url;
    buf_init(&url, 1024);
    buf_printf(&url, v6 ? "http%s://[%s]:%u/setup#%s" : "http%s://%s:%u/setup#%s",
        config_uses_tls(&config) ? "s" : "", host, config.port, secret);
    if (call->json) {
        struct json json;
        json_init(&json, &call->out);
        json_object_begin(&json);
        json_put_str(&json, "link", buf_str(&url));
        json_put_str(&json, "secret", str_of(secret));
        json_object_end(&json);
    } else {
        call_say(call, MSG_OWNER_OPEN, NO_ARGS);
        buf_put_str(&call->out, buf_str(&url));
    }
    buf_put_char(&call->out, '\n');
    return EXIT_DONE;
}
