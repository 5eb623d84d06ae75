/* The floor on which grants are tried: see the header. */
#include "support_grants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/text.h"
#include "ledger/grant.h"

struct floor f;

static const char *const TAGS[] = {
    "oven.heat", "press1.temp", "press1.strokes", "press2.temp", "secret.recipe"};

void must(int rc, const struct err *err) {
    if (rc < 0) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(err, LANG_EN, &words);
        fail_msg("%s", buf_z(&words));
    }
}

/* ---- The home ---- */

static int put_tags(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    int rc = 0;
    struct device device = {.id = STR("hiddendev"),
        .display = STR("hiddendev"),
        .driver = STR("modbus"),
        .address = STR("127.0.0.1:1"),
        .options = STR("unit=1"),
        .period_ns = NS_PER_S};
    uint32_t number = 0;
    bool changed = false;
    rc = device_put(tx, &device, &number, &changed, err);
    for (size_t i = 0; i < sizeof TAGS / sizeof TAGS[0] && rc >= 0; i++) {
        bool is_text = str_ends(str_of(TAGS[i]), STR("recipe"));
        struct tag tag = {.name = str_of(TAGS[i]),
            .type = is_text ? TYPE_TEXT : TYPE_F64,
            .display = str_of(TAGS[i]),
            .unit = STR_NONE,
            .device = is_text ? STR_NONE : STR("hiddendev"),
            .source = is_text ? STR_NONE : STR("hr100"),
            .scale = 1,
            .min = (double)__builtin_nan(""),
            .max = (double)__builtin_nan(""),
            .dead_band = (double)__builtin_nan(""),
            .active = true};
        rc = tag_put(tx, &tag, &number, &changed, err);
    }
    return rc;
}

int put_person(struct ledger_tx *tx, const char *login, const char *organisation,
    struct person *person, struct err *err) {
    char secret[SECRET_TEXT_MAX];
    struct user_wish wish = {.login = str_of(login),
        .display = str_of(login),
        .email = STR_NONE,
        .organisation_id = str_of(organisation),
        .admin = strcmp(login, "admin") == 0,
        .hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"};
    int rc = user_new(tx, &wish, person->id, err);
    struct session_wish session = {.user_id = str_of(person->id),
        .lifetime_ns = 3600 * NS_PER_S,
        .address = STR("127.0.0.1"),
        .agent = STR("grants")};
    rc = rc < 0 ? rc : session_new(tx, &session, secret, err);
    (void)snprintf(person->header, sizeof person->header,
        "Cookie: maru_session=%s\r\nX-Requested-With: maru\r\n", secret);
    return rc;
}

int put_access(
    struct ledger_tx *tx, const char *user, const char *plant, enum role role, struct err *err) {
    struct access access = {
        .user_id = str_of(user), .plant = str_of(plant), .role = role, .given_by = STR("maru")};
    return access_put(tx, &access, err);
}

static int put_people(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const KINDS[] = {"manufacturer", "manufacturer", "supplier", "agency"};
    static const char *const LOGINS[ROLES] = {
        "viewer", "operator", "auditor", "installer", "manager", "owner"};
    int rc = 0;
    for (int i = 0; i < ORGANISATIONS && rc >= 0; i++) {
        struct organisation wish = {
            .kind = str_of(KINDS[i]), .name = str_of(KINDS[i]), .number = STR_NONE};
        rc = organisation_new(tx, &wish, f.organisations[i], err);
    }
    rc = rc < 0 ? rc : put_person(tx, "admin", f.organisations[ALPHA_ORG], &f.admin, err);
    for (int i = 0; i < ROLES && rc >= 0; i++) {
        rc = put_person(tx, LOGINS[i], f.organisations[ALPHA_ORG], &f.alpha[i], err);
        enum role role = (enum role)(ROLE_VIEWER + i);
        rc = rc < 0 ? rc : put_access(tx, f.alpha[i].id, ALPHA, role, err);
    }
    rc = rc < 0 ? rc : put_person(tx, "bravoboss", f.organisations[BRAVO_ORG], &f.bravo, err);
    rc = rc < 0 ? rc : put_access(tx, f.bravo.id, "bravo-works", ROLE_OWNER, err);
    rc = rc < 0 ? rc : put_person(tx, "sue", f.organisations[SUPPLIER], &f.supplier, err);
    rc = rc < 0 ? rc : put_person(tx, "sam", f.organisations[SUPPLIER], &f.second, err);
    rc = rc < 0 ? rc : put_person(tx, "amy", f.organisations[AGENCY], &f.agency, err);
    struct token_wish token = {.label = STR("feed"),
        .role = ROLE_OWNER,
        .scopes = SCOPE_READ | SCOPE_WRITE,
        .lifetime_ns = 3600 * NS_PER_S,
        .plant = STR(ALPHA),
        .created_by = STR_NONE};
    char id[40];
    char secret[SECRET_TEXT_MAX];
    rc = rc < 0 ? rc : token_new(tx, &token, id, secret, err);
    (void)snprintf(f.token, sizeof f.token, "Authorization: Bearer %s\r\n", secret);
    return rc;
}

int open_floor(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    char path[128];
    char plant[192];
    memset(&f, 0, sizeof f);
    (void)str_copy_z(STR("/tmp/maru-grants-XXXXXX"), f.dir, sizeof f.dir);
    assert_non_null(mkdtemp(f.dir));
    (void)snprintf(path, sizeof path, "%s/home", f.dir);
    must(home_create(path, STR(ALPHA), STR("Alpha"), STR("Asia/Seoul"), &err), &err);
    (void)snprintf(plant, sizeof plant, "%s/plants/bravo-works", path);
    must(plant_create(plant, STR("bravo-works"), STR("Bravo"), STR("Asia/Seoul"), &err), &err);
    struct home_options options = {.dir = path};
    must(home_open(&options, &f.home, &err), &err);
    struct plant *alpha = home_plant_at(f.home, 0);
    must(ledger_write(plant_ledger(alpha), put_tags, NULL, &err), &err);
    must(plant_refresh(alpha, &err), &err);
    must(ledger_write(home_hub(f.home), put_people, NULL, &err), &err);
    struct serve_options serve = {.home = f.home, .address = "127.0.0.1"};
    serve.limits.requests_per_s = 100000;
    must(serve_start(&serve, &f.server, &err), &err);
    f.port = serve_port(f.server);
    return 0;
}

int close_floor(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    serve_stop(f.server);
    home_close(f.home);
    must(dir_remove_all(f.dir, &err), &err);
    return 0;
}

/* ---- Asking ---- */

int ask_as(const char *who, const char *method, const char *target, const char *body,
    struct answer *ret_answer) {
    char headers[512];
    (void)snprintf(headers, sizeof headers,
        "%sAccept-Language: en\r\nContent-Type: application/json\r\n", who);
    struct question question = {.port = f.port,
        .method = method,
        .target = target,
        .headers = headers,
        .body = str_of(body)};
    client_ask(&question, ret_answer);
    return ret_answer->status;
}

json_t *get(const char *who, const char *target, int status) {
    AUTO_ANSWER struct answer answer;
    if (ask_as(who, "GET", target, "", &answer) != status) {
        fail_msg("%s gave %d: %s", target, answer.status, buf_z(&answer.body));
    }
    json_t *found = json_loadb((const char *)answer.body.data, answer.body.size, 0, NULL);
    assert_non_null(found);
    return found;
}

bool holds(struct answer *answer, const char *what) {
    return strstr(buf_z(&answer->body), what) || strstr(buf_z(&answer->head), what);
}

void write_lines(const char *lines) {
    AUTO_ANSWER struct answer answer;
    assert_int_equal(
        ask_as(f.token, "POST", "/write?plant=" ALPHA "&precision=ms", lines, &answer), 204);
}

int64_t now_s(void) {
    return clock_wall_ns(clock_system()) / NS_PER_S;
}

void time_text(int64_t from_now_s, char to[TIME_TEXT_MAX]) {
    (void)time_format((now_s() + from_now_s) * NS_PER_S, NULL, to);
}

void give_until(const char *organisation, const char *tags, int64_t from_now_s, const char *more,
    char ret_id[40]) {
    char until[TIME_TEXT_MAX];
    char body[1024];
    time_text(from_now_s, until);
    (void)snprintf(body, sizeof body,
        "{\"organisation_id\":\"%s\",\"tags\":[%s],\"purpose\":\"upkeep\",\"until\":\"%s\"%s}",
        organisation, tags, until, more);
    AUTO_ANSWER struct answer answer;
    if (ask_as(f.admin.header, "GET", "/healthz", "", &answer) != 200) {
        fail_msg("the server is gone");
    }
    AUTO_ANSWER struct answer given;
    if (ask_as(f.alpha[5].header, "POST", PLANT "/grants", body, &given) != 201) {
        fail_msg("%s: %d %s", body, given.status, buf_z(&given.body));
    }
    json_t *grant = json_loadb((const char *)given.body.data, given.body.size, 0, NULL);
    assert_non_null(grant);
    (void)str_copy_z(str_of(json_string_value(json_object_get(grant, "id"))), ret_id, 40);
    json_decref(grant);
}

void make_owner_admin(bool admin) {
    char target[128];
    AUTO_ANSWER struct answer answer;
    (void)snprintf(target, sizeof target, "/api/v1/users/%s", f.alpha[5].id);
    assert_int_equal(ask_as(f.admin.header, "PUT", target,
                         admin ? "{\"admin\":true}" : "{\"admin\":false}", &answer),
        200);
}

void give(const char *organisation, const char *tags, const char *more, char ret_id[40]) {
    make_owner_admin(true);
    give_until(organisation, tags, 86400, more, ret_id);
    make_owner_admin(false);
}

int take_back(const char *who, const char *id) {
    char target[160];
    AUTO_ANSWER struct answer answer;
    (void)snprintf(target, sizeof target, PLANT "/grants/%s/revoke", id);
    return ask_as(who, "POST", target, "", &answer);
}

size_t check_tags(const char *who, const char *query, const char *names) {
    char target[256];
    (void)snprintf(target, sizeof target, PLANT "/tags%s", query);
    json_t *list = get(who, target, 200);
    json_t *items = json_object_get(list, "items");
    size_t count = json_array_size(items);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(items, i), "name"));
        if (!strstr(names, name)) {
            fail_msg("%s was shown", name);
        }
    }
    json_decref(list);
    return count;
}

void check_same(const char *who, const char *method, const char *there, const char *nowhere,
    const char *from, const char *to) {
    AUTO_ANSWER struct answer real;
    AUTO_ANSWER struct answer unknown;
    const char *body = strcmp(method, "GET") == 0 ? "" : "{}";
    int status = ask_as(who, method, there, body, &real);
    if (status != 404 || ask_as(who, method, nowhere, body, &unknown) != 404) {
        fail_msg("%s %s gave %d, %s %d", method, there, status, nowhere, unknown.status);
    }
    (void)buf_z(&unknown.body);
    for (char *at = (char *)unknown.body.data; (at = strstr(at, from)) != NULL;) {
        memcpy(at, to, strlen(to));
    }
    if (strcmp(buf_z(&real.body), buf_z(&unknown.body)) != 0) {
        fail_msg("%s is told apart: %s | %s", there, buf_z(&real.body), buf_z(&unknown.body));
    }
}

void check_session(const char *who, bool sees) {
    json_t *session = get(who, "/api/v1/session", 200);
    json_t *plants = json_object_get(session, "plants");
    bool found = false;
    for (size_t i = 0; i < json_array_size(plants); i++) {
        json_t *plant = json_array_get(plants, i);
        if (strcmp(json_string_value(json_object_get(plant, "id")), ALPHA) == 0) {
            assert_string_equal(json_string_value(json_object_get(plant, "role")), "grantee");
            found = true;
        }
    }
    assert_int_equal(found, sees);
    json_decref(session);
}

/* ---- Streams ---- */

void listen_open(struct listener *l, const char *who) {
    char request[512];
    l->fd = client_connect(f.port);
    buf_init(&l->text, 1 << 20);
    int size = snprintf(
        request, sizeof request, "GET " PLANT "/stream HTTP/1.1\r\nHost: localhost\r\n%s\r\n", who);
    client_send(l->fd, request, (size_t)size);
}

void listen_close(struct listener *l) {
    (void)close(l->fd);
    buf_fini(&l->text);
}

bool await(struct listener *l, const char *what, int wait_ms, bool *ret_ended) {
    char piece[65536];
    int64_t end = clock_mono_ns(clock_system()) + wait_ms * NS_PER_MS;
    *ret_ended = false;
    while (!strstr(buf_z(&l->text), what)) {
        int64_t left = (end - clock_mono_ns(clock_system())) / NS_PER_MS;
        long got = left > 0 ? client_read(l->fd, piece, sizeof piece, (int)left) : -1;
        if (got <= 0) {
            *ret_ended = got == 0;
            return false;
        }
        buf_put(&l->text, piece, (size_t)got);
    }
    return true;
}

void must_come(struct listener *l, const char *what) {
    bool ended = false;
    if (!await(l, what, 5000, &ended)) {
        fail_msg("\"%s\" did not come (ended %d): %s", what, ended, buf_z(&l->text));
    }
}

void must_end(struct listener *l, int wait_ms) {
    bool ended = false;
    if (!await(l, "\r\n0\r\n\r\n", wait_ms, &ended)) { // The last chunk.
        fail_msg("the stream goes on: %s", buf_z(&l->text));
    }
}

/* ---- Who is meant ---- */

int invite(const char *organisation, char ret_secret[SECRET_TEXT_MAX]) {
    char body[256];
    (void)snprintf(
        body, sizeof body, "{\"role\":\"grantee\",\"organisation_id\":\"%s\"}", organisation);
    AUTO_ANSWER struct answer answer;
    int status = ask_as(f.alpha[5].header, "POST", PLANT "/invitations", body, &answer);
    const char *at = strstr(buf_z(&answer.body), "/invite#");
    if (at) {
        struct str rest = str_of(at + 8);
        (void)str_copy_z(str_cut(&rest, '"'), ret_secret, SECRET_TEXT_MAX);
    }
    return status;
}
