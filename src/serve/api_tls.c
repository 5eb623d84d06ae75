/*
 * How this server is reached safely: what its certificate is, and its own authority to be trusted.
 * Both are public: every handshake shows them, and whoever is to trust a certificate cannot have
 * signed in yet.
 */
#include "serve/call.h"

#include "serve/server.h"
#include "serve/view.h"
#include "upkeep/tls.h"

static void put_text(struct json *json, const char *key, const char *text) {
    if (text[0] != '\0') {
        json_put_str(json, key, str_of(text));
    } else {
        json_put_null(json, key);
    }
}

static void put_trouble(struct json *json, const struct err *trouble, enum lang lang) {
    if (trouble->code == ERR_OK) {
        json_put_null(json, "trouble");
        return;
    }
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(trouble, lang, &words);
    json_put_str(json, "trouble", buf_str(&words));
}

int api_tls(struct call *call, struct err *err) {
    (void)err;
    struct tls_store *store = call->server->options.tls;
    struct tls_facts facts = {.own = false};
    if (store != NULL) {
        tls_store_facts(store, &facts);
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "certificate",
        store == NULL ? STR("none")
        : facts.own   ? STR("own")
                      : STR("file"));
    put_text(&json, "sha256", facts.fingerprint);
    view_put_time(&json, "ends", facts.end_ns);
    put_text(&json, "authority_sha256", facts.authority);
    view_put_time(&json, "authority_ends", facts.authority_end_ns);
    put_text(&json, "authority", facts.own ? "/maru-ca.crt" : "");
    put_trouble(&json, &facts.trouble, call->lang);
    json_object_end(&json);
    return 0;
}

int api_tls_authority(struct call *call, struct err *err) {
    struct tls_store *store = call->server->options.tls;
    if (store == NULL) {
        return err_set(err, ERR_NOT_FOUND, MSG_TLS_NO_AUTHORITY, NO_ARGS);
    }
    struct http_response *response = &call->http->response;
    int status = tls_store_authority(store, &response->body, err);
    if (status < 0) {
        return status;
    }
    response->status = 200;
    response->content_type = "application/x-x509-ca-cert";
    http_answer_header(
        call->http, "Content-Disposition", STR("attachment; filename=\"maru-ca.crt\""));
    return 0;
}
