/*
 * The temporary home and its server.
 */
#include "support_server.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void must(int rc, const struct err *err) {
    if (rc < 0) {
        struct buf words;
        buf_init(&words, 4096);
        err_render(err, LANG_EN, &words);
        fail_msg("%s", buf_z(&words));
    }
}

struct rig_token_wish {
    enum role role;
    uint32_t scopes;
    char *secret;
};

static int token_make(struct ledger_tx *tx, void *context, struct err *err) {
    struct rig_token_wish *wish = context;
    struct token_wish token = {.label = STR("test"),
        .role = wish->role,
        .scopes = wish->scopes,
        .lifetime_ns = 3600 * NS_PER_S,
        .plant = STR_NONE,
        .created_by = STR_NONE};
    char id[40];
    return token_new(tx, &token, id, wish->secret, err);
}

void rig_token(struct rig *rig, enum role role, uint32_t scopes, char secret[SECRET_TEXT_MAX]) {
    struct rig_token_wish wish = {role, scopes, secret};
    struct err err = ERR_INIT;
    must(ledger_write(home_hub(rig->home), token_make, &wish, &err), &err);
}

struct person_wish {
    const char *login;
    enum role role;
    char secret[SECRET_TEXT_MAX];
};

static int person_make(struct ledger_tx *tx, void *context, struct err *err) {
    struct person_wish *wish = context;
    char id[40];
    int rc = user_create(tx, str_of(wish->login), str_of(wish->login), wish->role,
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", id, err);
    struct session_wish session = {.user_id = str_of(id),
        .lifetime_ns = 3600 * NS_PER_S,
        .address = STR("127.0.0.1"),
        .agent = STR("rig")};
    return rc < 0 ? rc : session_new(tx, &session, wish->secret, err);
}

void rig_person(struct rig *rig, const char *login, enum role role, char cookie[RIG_COOKIE_MAX]) {
    struct person_wish wish = {login, role, ""};
    struct err err = ERR_INIT;
    must(ledger_write(home_hub(rig->home), person_make, &wish, &err), &err);
    (void)snprintf(cookie, RIG_COOKIE_MAX, "maru_session=%s", wish.secret);
}

struct link_wish {
    const char *purpose;
    char *secret;
};

static int link_make(struct ledger_tx *tx, void *context, struct err *err) {
    struct link_wish *wish = context;
    return hub_link_new(tx, str_of(wish->purpose), 3600 * NS_PER_S, wish->secret, err);
}

void rig_link(struct rig *rig, const char *purpose, char secret[SECRET_TEXT_MAX]) {
    struct link_wish wish = {purpose, secret};
    struct err err = ERR_INIT;
    must(ledger_write(home_hub(rig->home), link_make, &wish, &err), &err);
}

static int put_catalogue(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const struct {
        const char *id;
        const char *parent;
        enum asset_level level;
    } ASSETS[] = {{"site", "", ASSET_SITE}, {"line1", "site", ASSET_LINE},
        {"press1", "line1", ASSET_EQUIPMENT}};
    static const struct {
        const char *name;
        enum value_type type;
        enum tag_kind kind;
    } TAGS[] = {{"line1.press1.temp", TYPE_F64, KIND_MEASUREMENT},
        {"line1.press1.strokes", TYPE_I64, KIND_COUNTER},
        {"line1.press1.running", TYPE_BOOL, KIND_STATE},
        {"line1.press1.recipe", TYPE_TEXT, KIND_SETPOINT}};
    uint32_t number = 0;
    bool changed = false;
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < sizeof ASSETS / sizeof ASSETS[0]; i++) {
        struct asset asset = {.id = str_of(ASSETS[i].id),
            .level = ASSETS[i].level,
            .display = STR("설비"),
            .kind = STR("generic"),
            .x = (double)NAN,
            .y = (double)NAN};
        rc = asset_put(tx, &asset, str_of(ASSETS[i].parent), &number, &changed, err);
    }
    struct device device = {.id = STR("dev1"),
        .display = STR("장치 1"),
        .driver = STR("modbus"),
        .address = STR("127.0.0.1:1"),
        .options = STR("unit=1"),
        .period_ns = NS_PER_S,
        .enabled = true};
    if (rc >= 0) {
        rc = device_put(tx, &device, &number, &changed, err);
    }
    for (size_t i = 0; rc >= 0 && i < sizeof TAGS / sizeof TAGS[0]; i++) {
        struct tag tag = {.name = str_of(TAGS[i].name),
            .type = TAGS[i].type,
            .kind = TAGS[i].kind,
            .display = STR("태그"),
            .unit = STR_NONE,
            .device = STR_NONE,
            .source = STR_NONE,
            .scale = 1,
            .min = (double)NAN,
            .max = (double)NAN,
            .dead_band = (double)NAN,
            .active = true};
        rc = tag_put(tx, &tag, &number, &changed, err);
    }
    return rc;
}

void rig_open(struct rig *rig, const struct serve_limits *limits, bool demo) {
    struct err err = ERR_INIT;
    memset(rig, 0, sizeof *rig);
    (void)str_copy_z(STR("/tmp/maru-serve-XXXXXX"), rig->dir, sizeof rig->dir);
    assert_non_null(mkdtemp(rig->dir));
    size_t size = strlen(rig->dir);
    (void)str_copy_z(STR("/home"), rig->dir + size, sizeof rig->dir - size);
    must(home_create(rig->dir, STR("p1"), STR("공장"), STR("Asia/Seoul"), &err), &err);
    struct home_options options = {.dir = rig->dir, .exclusive = false};
    must(home_open(&options, &rig->home, &err), &err);
    rig->plant = home_plant_at(rig->home, 0);
    must(ledger_write(plant_ledger(rig->plant), put_catalogue, NULL, &err), &err);
    must(plant_refresh(rig->plant, &err), &err);
    uint32_t all = SCOPE_READ | SCOPE_WRITE | SCOPE_SQL;
    rig_token(rig, ROLE_OWNER, all, rig->owner);
    rig_token(rig, ROLE_VIEWER, all, rig->viewer);
    rig_token(rig, ROLE_OPERATOR, all, rig->operator_);
    rig_token(rig, ROLE_AUDITOR, all, rig->auditor);
    rig_token(rig, ROLE_INSTALLER, all, rig->installer);
    rig_token(rig, ROLE_OPERATOR, SCOPE_WRITE, rig->writer);
    struct serve_options serve = {.home = rig->home, .address = "127.0.0.1", .demo = demo};
    serve.limits.requests_per_s = 100000;
    if (limits) {
        serve.limits = *limits;
    }
    must(serve_start(&serve, &rig->server, &err), &err);
    rig->port = serve_port(rig->server);
}

void rig_close(struct rig *rig) {
    serve_stop(rig->server);
    home_close(rig->home);
    rig->dir[strlen(rig->dir) - strlen("/home")] = '\0';
    struct err err = ERR_INIT;
    must(dir_remove_all(rig->dir, &err), &err);
}

void rig_ask(struct rig *rig, const char *method, const char *target, const char *token,
    struct str body, struct answer *ret_answer) {
    char headers[256] = "";
    (void)snprintf(headers, sizeof headers,
        "%s%s%sAccept-Language: en\r\nContent-Type: application/json\r\n",
        token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "");
    struct question question = {
        .port = rig->port, .method = method, .target = target, .headers = headers, .body = body};
    client_ask(&question, ret_answer);
}

void rig_get(struct rig *rig, const char *target, int status, struct answer *ret_answer) {
    rig_ask(rig, "GET", target, rig->viewer, STR_NONE, ret_answer);
    if (ret_answer->status != status) {
        fail_msg("%s: %d %s", target, ret_answer->status, buf_z(&ret_answer->body));
    }
    assert_true(ret_answer->whole);
}

void rig_write(struct rig *rig, const char *lines, int status) {
    AUTO_ANSWER struct answer answer;
    rig_ask(rig, "POST", "/write?precision=ms", rig->operator_, str_of(lines), &answer);
    if (answer.status != status) {
        fail_msg("write: %d %s", answer.status, buf_z(&answer.body));
    }
}

void rig_tell(struct rig *rig, const struct telling *telling, struct answer *ret_answer) {
    char headers[512];
    const char *key = telling->key;
    (void)snprintf(headers, sizeof headers,
        "Authorization: Bearer %s\r\nContent-Type: application/json\r\n%s%s%s%s",
        telling->token != NULL ? telling->token : rig->operator_,
        key != NULL ? "Idempotency-Key: " : "", key != NULL ? key : "", key != NULL ? "\r\n" : "",
        telling->more != NULL ? telling->more : "");
    const struct question question = {.port = rig->port,
        .method = "POST",
        .target = "/api/v1/plants/p1/events",
        .headers = headers,
        .body = str_of(telling->body)};
    client_ask(&question, ret_answer);
    if (ret_answer->status != telling->status) {
        fail_msg("%s gave %d: %s", telling->body, ret_answer->status, buf_z(&ret_answer->body));
    }
}
