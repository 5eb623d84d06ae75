/*
 * The wall between plants. One home with two plants, alpha-works and bravo-works, and people of
 * four organisations, in every role of alpha and none of bravo. Every route of the table is called
 * as each of them, by session and by token, and by callers that are not who they claim to be.
 * Whatever comes back must be a refusal that is the same, byte for byte, as for a plant that does
 * not exist, and no answer may hold a name of bravo's. Then the ways around: other plants' numbers
 * under one's own path, doubled parameters, odd parts of paths, cookies without the header of the
 * pages. R-077
 */
#include "support_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/text.h"
#include "ledger/people.h"
#include "serve/route.h"

#define ALPHA   "alpha-works"
#define BRAVO   "bravo-works"
#define NOWHERE "nosuch-work" // As long as the two, so that whole answers can be compared.

enum { ROLES = 6, TARGET_BYTES = 512 };

/* Somebody who asks: by cookie or by bearer, or with a line of header of their own. */
struct caller {
    const char *name;
    char header[256];
    bool is_session;
    bool is_known;
    enum role role; // In alpha.
};

static struct walls {
    char dir[64];
    struct home *home;
    struct server *server;
    uint16_t port;
    struct caller people[ROLES];
    struct caller tokens[ROLES];
    struct caller admin; // Of the home; has to do with neither plant.
    struct caller bravo; // The owner of bravo.
    char bravo_id[40];
    char alpha_owner_id[40];
    char bravo_token_id[40];
    char bravo_token[SECRET_TEXT_MAX];
    char alpha_token[SECRET_TEXT_MAX];
    char alpha_session[SECRET_TEXT_MAX];
} w;

static void must(int rc, const struct err *err) {
    if (rc < 0) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(err, LANG_EN, &words);
        fail_msg("%s", buf_z(&words));
    }
}

/* ---- The home ---- */

struct floor {
    const char *device;
    const char *tag;
};

static int put_floor(struct ledger_tx *tx, void *context, struct err *err) {
    const struct floor *floor = context;
    uint32_t number = 0;
    bool changed = false;
    struct device device = {.id = str_of(floor->device),
        .display = str_of(floor->device),
        .driver = STR("modbus"),
        .address = STR("127.0.0.1:1"),
        .options = STR("unit=1"),
        .period_ns = NS_PER_S,
        .enabled = true};
    struct tag tag = {.name = str_of(floor->tag),
        .type = TYPE_F64,
        .display = str_of(floor->tag),
        .unit = STR_NONE,
        .device = STR_NONE,
        .source = STR_NONE,
        .scale = 1,
        .min = (double)__builtin_nan(""),
        .max = (double)__builtin_nan(""),
        .dead_band = (double)__builtin_nan(""),
        .active = true};
    int rc = device_put(tx, &device, &number, &changed, err);
    return rc < 0 ? rc : tag_put(tx, &tag, &number, &changed, err);
}

static int put_session(
    struct ledger_tx *tx, const char *user, char secret[SECRET_TEXT_MAX], struct err *err) {
    struct session_wish wish = {.user_id = str_of(user),
        .lifetime_ns = 3600 * NS_PER_S,
        .address = STR("127.0.0.1"),
        .agent = STR("walls")};
    return session_new(tx, &wish, secret, err);
}

static int put_person(struct ledger_tx *tx, const char *login, const char *organisation,
    char ret_id[40], struct err *err) {
    struct user_wish wish = {.login = str_of(login),
        .display = str_of(login),
        .email = STR_NONE,
        .organisation_id = str_of(organisation),
        .admin = strcmp(login, "admin") == 0,
        .hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"};
    return user_new(tx, &wish, ret_id, err);
}

static int put_access(
    struct ledger_tx *tx, const char *user, const char *plant, enum role role, struct err *err) {
    struct access access = {
        .user_id = str_of(user), .plant = str_of(plant), .role = role, .given_by = STR("maru")};
    return access_put(tx, &access, err);
}

static int put_token(struct ledger_tx *tx, const char *plant, enum role role, char ret_id[40],
    char ret_secret[SECRET_TEXT_MAX], struct err *err) {
    struct token_wish wish = {.label = str_of(plant),
        .role = role,
        .scopes = SCOPE_READ | SCOPE_WRITE | SCOPE_SQL,
        .lifetime_ns = 3600 * NS_PER_S,
        .plant = str_of(plant),
        .created_by = STR_NONE};
    return token_new(tx, &wish, ret_id, ret_secret, err);
}

static void set_cookie(struct caller *caller, const char *name, const char *secret) {
    caller->name = name;
    caller->is_session = true;
    (void)snprintf(caller->header, sizeof caller->header, "Cookie: maru_session=%s\r\n", secret);
}

static void set_bearer(struct caller *caller, const char *name, const char *secret) {
    caller->name = name;
    (void)snprintf(caller->header, sizeof caller->header, "Authorization: Bearer %s\r\n", secret);
}

/* Six people of alpha in three of the organisations, each with a token of the same role. */
static int put_alpha_people(struct ledger_tx *tx, char organisations[4][40], struct err *err) {
    static const char *const LOGINS[ROLES] = {
        "viewer", "operator", "auditor", "installer", "manager", "owner"};
    static const int OF[ROLES] = {3, 0, 2, 1, 0, 0};
    int rc = 0;
    for (int i = 0; i < ROLES && rc >= 0; i++) {
        char id[40];
        char secret[SECRET_TEXT_MAX];
        enum role role = (enum role)(ROLE_VIEWER + i);
        rc = put_person(tx, LOGINS[i], organisations[OF[i]], id, err);
        rc = rc < 0 ? rc : put_access(tx, id, ALPHA, role, err);
        rc = rc < 0 ? rc : put_session(tx, id, secret, err);
        set_cookie(&w.people[i], LOGINS[i], secret);
        memcpy(w.alpha_session, secret, sizeof secret); // In the end the owner's.
        memcpy(w.alpha_owner_id, id, sizeof id);
        rc = rc < 0 ? rc : put_token(tx, ALPHA, role, id, secret, err);
        set_bearer(&w.tokens[i], LOGINS[i], secret);
        memcpy(w.alpha_token, secret, sizeof secret);
        w.people[i].role = w.tokens[i].role = role;
        w.people[i].is_known = w.tokens[i].is_known = true;
    }
    return rc;
}

static int put_people(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    static const char *const KINDS[4] = {"manufacturer", "supplier", "agency", "manufacturer"};
    static const char *const NAMES[4] = {"Alpha Ltd", "Helper Ltd", "Agency", "Bravo Ltd"};
    char organisations[4][40];
    char id[40];
    char secret[SECRET_TEXT_MAX];
    int rc = 0;
    for (int i = 0; i < 4 && rc >= 0; i++) {
        struct organisation wish = {
            .kind = str_of(KINDS[i]), .name = str_of(NAMES[i]), .number = STR_NONE};
        rc = organisation_new(tx, &wish, organisations[i], err);
    }
    rc = rc < 0 ? rc : put_person(tx, "admin", organisations[0], id, err);
    rc = rc < 0 ? rc : put_session(tx, id, secret, err);
    set_cookie(&w.admin, "admin", secret);
    w.admin.is_known = true;
    rc = rc < 0 ? rc : put_person(tx, "bravoboss", organisations[3], w.bravo_id, err);
    rc = rc < 0 ? rc : put_access(tx, w.bravo_id, BRAVO, ROLE_OWNER, err);
    rc = rc < 0 ? rc : put_session(tx, w.bravo_id, secret, err);
    set_cookie(&w.bravo, "bravoboss", secret);
    w.bravo.is_known = true;
    rc = rc < 0 ? rc : put_token(tx, BRAVO, ROLE_OWNER, w.bravo_token_id, w.bravo_token, err);
    /* The viewer is of no organisation that bravo's people are of. */
    memcpy(organisations[3], organisations[2], sizeof organisations[3]);
    return rc < 0 ? rc : put_alpha_people(tx, organisations, err);
}

static void fill_plant(struct plant *plant, const char *device, const char *tag) {
    struct floor floor = {device, tag};
    struct err err = ERR_INIT;
    must(ledger_write(plant_ledger(plant), put_floor, &floor, &err), &err);
    must(plant_refresh(plant, &err), &err);
}

static int open_walls(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    memset(&w, 0, sizeof w);
    (void)str_copy_z(STR("/tmp/maru-walls-XXXXXX"), w.dir, sizeof w.dir);
    assert_non_null(mkdtemp(w.dir));
    char path[128];
    (void)snprintf(path, sizeof path, "%s/home", w.dir);
    must(home_create(path, STR(ALPHA), STR("Alpha"), STR("Asia/Seoul"), &err), &err);
    char plant[192];
    (void)snprintf(plant, sizeof plant, "%s/plants/" BRAVO, path);
    must(plant_create(plant, STR(BRAVO), STR("Bravo"), STR("Asia/Seoul"), &err), &err);
    struct home_options options = {.dir = path};
    must(home_open(&options, &w.home, &err), &err);
    assert_int_equal(home_plant_count(w.home), 2);
    fill_plant(home_plant_at(w.home, 0), "alphadev", "alpha.press.temp");
    fill_plant(home_plant_at(w.home, 1), "bravodev", "bravo.press.temp");
    must(ledger_write(home_hub(w.home), put_people, NULL, &err), &err);
    struct serve_options serve = {.home = w.home, .address = "127.0.0.1"};
    serve.limits.requests_per_s = 100000;
    must(serve_start(&serve, &w.server, &err), &err);
    w.port = serve_port(w.server);
    return 0;
}

static int close_walls(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    serve_stop(w.server);
    home_close(w.home);
    must(dir_remove_all(w.dir, &err), &err);
    return 0;
}

/* ---- Asking ---- */

static int ask(const struct caller *caller, const char *method, const char *target,
    const char *more, struct str body, struct answer *ret_answer) {
    char headers[512];
    (void)snprintf(headers, sizeof headers,
        "%s%sAccept-Language: en\r\nContent-Type: application/json\r\n", caller->header,
        more ? more : "X-Requested-With: maru\r\n");
    struct question question = {
        .port = w.port, .method = method, .target = target, .headers = headers, .body = body};
    client_ask(&question, ret_answer);
    return ret_answer->status;
}

static struct str body_of(const struct route *route) {
    switch (route->body) {
    case BODY_JSON: return STR("{}");
    case BODY_LINES: return STR("bravo.press.temp value=1\n");
    case BODY_FILE: return STR("time,tag,value\n2026-01-01T00:00:00Z,bravo.press.temp,1\n");
    case BODY_FRAME: return STR("MRS1A\0\0");
    case BODY_NONE: break;
    }
    return STR_NONE;
}

/* The route's path with the plant put in and names that exist in bravo. */
static void fill_path(const struct route *route, const char *plant, char *to) {
    struct str rest = str_of(route->path);
    size_t used = 0;
    to[0] = '\0';
    (void)str_cut(&rest, '/');
    while (rest.data != NULL) {
        struct str part = str_cut(&rest, '/');
        struct str value = part;
        if (str_eq(part, STR("{plant}"))) {
            value = str_of(plant);
        } else if (str_eq(part, STR("{name}"))) {
            value = STR("bravo.press.temp");
        } else if (str_eq(part, STR("{user}"))) {
            value = str_of(w.bravo_id);
        } else if (str_starts(part, STR("{"))) {
            value = str_eq(part, STR("{id}")) ? STR("bravodev") : STR("1");
        }
        used += str_copy_z(STR("/"), to + used, TARGET_BYTES - used);
        used += str_copy_z(value, to + used, TARGET_BYTES - used);
    }
    if (route == route_at(ROUTE_WRITE)) {
        used += str_copy_z(STR("?plant="), to + used, TARGET_BYTES - used);
        (void)str_copy_z(str_of(plant), to + used, TARGET_BYTES - used);
    }
}

static bool names_plant(const struct route *route) {
    return route_is_of_plant(route) || route == route_at(ROUTE_WRITE);
}

static bool holds(struct answer *answer, const char *what) {
    return strstr(buf_z(&answer->body), what) != NULL || strstr(buf_z(&answer->head), what) != NULL;
}

/* Overwrites each occurrence of `from` by `to`, which is as long. */
static void exchange(struct answer *answer, const char *from, const char *to) {
    char *at = (char *)answer->body.data;
    (void)buf_z(&answer->body);
    while ((at = strstr(at, from)) != NULL) {
        memcpy(at, to, strlen(to));
    }
}

static uint64_t rows_of(uint32_t plant) {
    struct hist_status status;
    hist_status(plant_historian(home_plant_at(w.home, plant)), &status);
    return status.appended_rows;
}

/* ---- The tests ---- */

/* So that the others mean something: at home each of them is let in. */
static void everybody_comes_into_their_own_plant(void **state) {
    (void)state;
    for (int i = 0; i < ROLES; i++) {
        AUTO_ANSWER struct answer person;
        AUTO_ANSWER struct answer token;
        assert_int_equal(
            ask(&w.people[i], "GET", "/api/v1/plants/" ALPHA "/tags", NULL, STR_NONE, &person),
            200);
        assert_true(holds(&person, "alpha.press.temp"));
        assert_int_equal(
            ask(&w.tokens[i], "GET", "/api/v1/plants/" ALPHA "/tags", NULL, STR_NONE, &token), 200);
    }
    AUTO_ANSWER struct answer bravo;
    assert_int_equal(
        ask(&w.bravo, "GET", "/api/v1/plants/" BRAVO "/tags", NULL, STR_NONE, &bravo), 200);
    assert_true(holds(&bravo, "bravo.press.temp"));
}

static void visit_next_door(const struct caller *caller, const struct route *route) {
    char there[TARGET_BYTES];
    char nowhere[TARGET_BYTES];
    fill_path(route, BRAVO, there);
    fill_path(route, NOWHERE, nowhere);
    const char *method = http_method_name(route->method);
    AUTO_ANSWER struct answer real;
    AUTO_ANSWER struct answer unknown;
    int status = ask(caller, method, there, NULL, body_of(route), &real);
    (void)ask(caller, method, nowhere, NULL, body_of(route), &unknown);
    if (status != 404 || unknown.status != 404) {
        fail_msg("%s: %s %s gave %d, an unknown plant %d", caller->name, method, there, status,
            unknown.status);
    }
    exchange(&unknown, NOWHERE, BRAVO);
    if (strcmp(buf_z(&real.body), buf_z(&unknown.body)) != 0) {
        fail_msg("%s: %s %s is told apart from an unknown plant: %s | %s", caller->name, method,
            there, buf_z(&real.body), buf_z(&unknown.body));
    }
    exchange(&real, BRAVO, ALPHA); // What was asked for may be named; nothing else.
    if (holds(&real, "bravo") || holds(&real, "Bravo")) {
        fail_msg("%s: %s %s: %s", caller->name, method, there, buf_z(&real.body));
    }
}

static void another_plant_is_not_there_for_any_role_by_any_route(void **state) {
    (void)state;
    uint64_t rows = rows_of(1);
    uint32_t visited = 0;
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        for (int k = 0; k < ROLES && names_plant(route); k++) {
            visit_next_door(&w.people[k], route);
            visit_next_door(&w.tokens[k], route);
            visited++;
        }
        if (names_plant(route)) {
            visit_next_door(&w.admin, route); // Managing people opens no plant.
        }
    }
    assert_true(visited > ROLES * 60);
    assert_int_equal(rows_of(1), rows);
}

/* What is of no plant: lists, the session, metrics, readiness, people, the hub's audit. */
static void no_answer_names_another_plant(void **state) {
    (void)state;
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        bool ends_session = i == ROUTE_SESSION_END || i == ROUTE_ME_SESSIONS_END;
        if (names_plant(route) || ends_session) {
            continue;
        }
        char target[TARGET_BYTES];
        fill_path(route, "", target);
        for (int k = 0; k < 2 * ROLES; k++) {
            const struct caller *caller = k < ROLES ? &w.people[k] : &w.tokens[k - ROLES];
            AUTO_ANSWER struct answer answer;
            int status =
                ask(caller, http_method_name(route->method), target, NULL, body_of(route), &answer);
            if (holds(&answer, "bravo") || holds(&answer, "Bravo") || holds(&answer, w.bravo_id)) {
                fail_msg("%s: %s gave %d %s", caller->name, target, status, buf_z(&answer.body));
            }
            if (status >= 500 && i != ROUTE_READY) {
                fail_msg("%s: %s gave %d", caller->name, target, status);
            }
        }
    }
}

/* Each answer about one's own plant, health and flow and all, is of that plant alone. */
static void what_is_told_of_ones_own_plant_names_no_other(void **state) {
    (void)state;
    uint32_t told = 0;
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        if (!names_plant(route) || route->method != HTTP_GET || i == ROUTE_STREAM) {
            continue;
        }
        char target[TARGET_BYTES];
        fill_path(route, ALPHA, target);
        for (char *at = strstr(target, "bravo"); at != NULL; at = strstr(at, "bravo")) {
            memcpy(at, "alpha", 5);
        }
        for (int k = 0; k < 2 * ROLES; k++) {
            const struct caller *caller = k < ROLES ? &w.people[k] : &w.tokens[k - ROLES];
            AUTO_ANSWER struct answer answer;
            int status = ask(caller, "GET", target, NULL, STR_NONE, &answer);
            if (holds(&answer, "bravo") || holds(&answer, "Bravo")) {
                fail_msg("%s: %s gave %d %s", caller->name, target, status, buf_z(&answer.body));
            }
            told += status == 200 ? 1 : 0;
        }
    }
    assert_true(told > 150);
}

/* A sum over both plants less one's own would be the other one. */
static void figures_are_of_ones_own_plants(void **state) {
    (void)state;
    AUTO_ANSWER struct answer written;
    assert_int_equal(ask(&w.bravo, "POST", "/write?plant=" BRAVO, NULL,
                         STR("bravo.press.temp value=7\n"), &written),
        204);
    AUTO_ANSWER struct answer mine;
    AUTO_ANSWER struct answer theirs;
    AUTO_ANSWER struct answer nobodys;
    AUTO_ANSWER struct answer admins;
    assert_int_equal(ask(&w.people[0], "GET", "/metrics", NULL, STR_NONE, &mine), 200);
    assert_int_equal(ask(&w.bravo, "GET", "/metrics", NULL, STR_NONE, &theirs), 200);
    assert_int_equal(ask(&w.admin, "GET", "/metrics", NULL, STR_NONE, &admins), 200);
    struct caller nobody = {.name = "nobody", .header = ""};
    assert_int_equal(ask(&nobody, "GET", "/metrics", NULL, STR_NONE, &nobodys), 200);
    assert_true(holds(&mine, "maru_plants 1\n") && holds(&mine, "maru_rows_written_total 0\n"));
    assert_true(holds(&theirs, "maru_rows_written_total 1\n"));
    assert_false(holds(&admins, "maru_rows_written_total"));
    assert_false(holds(&nobodys, "maru_rows_written_total"));
    AUTO_ANSWER struct answer waiting;
    if (ask(&nobody, "GET", "/readyz", NULL, STR_NONE, &waiting) == 503) {
        assert_null(strstr(buf_z(&waiting.body), "\",\"")); // One sentence, however many plants.
    }
}

/* A line for each of one's own plants, and none for others. */
static void factories_are_ones_own_plants(void **state) {
    (void)state;
    AUTO_ANSWER struct answer mine;
    AUTO_ANSWER struct answer by_token;
    AUTO_ANSWER struct answer theirs;
    AUTO_ANSWER struct answer admins;
    assert_int_equal(ask(&w.people[0], "GET", "/api/v1/factories", NULL, STR_NONE, &mine), 200);
    assert_true(holds(&mine, "\"id\":\"" ALPHA "\"") && holds(&mine, "\"role\":\"viewer\""));
    assert_true(holds(&mine, "\"devices\":1,\"connected\":0,\"silent\":1,\"newest\":null"));
    assert_false(holds(&mine, BRAVO));
    assert_int_equal(ask(&w.tokens[0], "GET", "/api/v1/factories", NULL, STR_NONE, &by_token), 200);
    assert_true(holds(&by_token, ALPHA) && !holds(&by_token, BRAVO));
    AUTO_ANSWER struct answer written;
    assert_int_equal(ask(&w.bravo, "POST", "/write?plant=" BRAVO, NULL,
                         STR("bravo.press.temp value=7\n"), &written),
        204);
    assert_int_equal(ask(&w.bravo, "GET", "/api/v1/factories", NULL, STR_NONE, &theirs), 200);
    assert_true(holds(&theirs, BRAVO) && !holds(&theirs, ALPHA));
    assert_true(holds(&theirs, "\"newest\":\"20") && holds(&theirs, "\"newest_age_ms\":"));
    assert_int_equal(ask(&w.admin, "GET", "/api/v1/factories", NULL, STR_NONE, &admins), 200);
    assert_true(holds(&admins, "\"items\":[]"));
}

/* Callers that are not who they claim to be: 401 wherever somebody must be known. */
static void a_forged_or_ended_secret_is_nobody(void **state) {
    (void)state;
    struct caller callers[8] = {{.name = "nobody", .header = ""}};
    char bent[SECRET_TEXT_MAX];
    size_t count = 1;
    memcpy(bent, w.alpha_token, sizeof bent);
    bent[20] = bent[20] == 'A' ? 'B' : 'A';
    set_bearer(&callers[count++], "bent token", bent);
    memcpy(bent, w.alpha_token, sizeof bent);
    bent[strlen(bent) - 1] = '\0';
    set_bearer(&callers[count++], "cut token", bent);
    memcpy(bent, w.alpha_session, sizeof bent);
    bent[5] = bent[5] == 'A' ? 'B' : 'A';
    set_cookie(&callers[count++], "bent session", bent);
    set_bearer(&callers[count++], "session as bearer", w.alpha_session);
    set_cookie(&callers[count++], "token as session", w.alpha_token);
    set_bearer(&callers[count++], "an id as token", w.alpha_owner_id);
    set_cookie(&callers[count++], "two secrets in one", "a; maru_session=b");
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        char target[TARGET_BYTES];
        fill_path(route, ALPHA, target);
        for (size_t k = 0; k < count && route->right != RIGHT_PUBLIC; k++) {
            AUTO_ANSWER struct answer answer;
            int status = ask(&callers[k], http_method_name(route->method), target, NULL,
                body_of(route), &answer);
            if (status != 401 || holds(&answer, "alpha.") || holds(&answer, "Alpha")) {
                fail_msg("%s: %s gave %d %s", callers[k].name, target, status, buf_z(&answer.body));
            }
        }
    }
}

/* Names and numbers of bravo's things under alpha's path, by alpha's owner. */
static void things_of_another_plant_are_not_found_under_ones_own(void **state) {
    (void)state;
    const struct caller *owner = &w.people[ROLES - 1];
    AUTO_ANSWER struct answer job;
    assert_int_equal(
        ask(&w.bravo, "POST", "/api/v1/plants/" BRAVO "/import?as=samples&dry_run=1", NULL,
            STR("time,tag,value\n2026-01-01T00:00:00Z,bravo.press.temp,1\n"), &job),
        200);
    AUTO_ANSWER struct answer known;
    assert_int_equal(
        ask(&w.bravo, "GET", "/api/v1/plants/" BRAVO "/import/1", NULL, STR_NONE, &known), 200);
    AUTO_ANSWER struct answer invitation;
    assert_int_equal(ask(&w.bravo, "POST", "/api/v1/plants/" BRAVO "/invitations", NULL,
                         STR("{\"role\":\"viewer\",\"label\":\"bravo\"}"), &invitation),
        201);
    char invited[64];
    const char *at = strstr(buf_z(&invitation.body), "\"id\":\"");
    assert_non_null(at);
    struct str rest = str_of(at + 6);
    (void)str_copy_z(str_cut(&rest, '"'), invited, sizeof invited);
    char targets[12][TARGET_BYTES];
    const char *methods[12];
    const char *const GETS[] = {"tags/bravo.press.temp", "devices/bravodev", "import/1",
        "import/1/rejected", "samples?tag=bravo.press.temp", "series?tag=bravo.press.temp",
        "moments?tag=bravo.press.temp&time=now"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof GETS / sizeof GETS[0]; i++) {
        methods[count] = "GET";
        (void)snprintf(targets[count++], TARGET_BYTES, "/api/v1/plants/" ALPHA "/%s", GETS[i]);
    }
    methods[count] = "DELETE";
    (void)snprintf(
        targets[count++], TARGET_BYTES, "/api/v1/plants/" ALPHA "/invitations/%s", invited);
    methods[count] = "DELETE";
    (void)snprintf(
        targets[count++], TARGET_BYTES, "/api/v1/plants/" ALPHA "/tokens/%s", w.bravo_token_id);
    methods[count] = "DELETE";
    (void)snprintf(
        targets[count++], TARGET_BYTES, "/api/v1/plants/" ALPHA "/access/%s", w.bravo_id);
    methods[count] = "PUT";
    (void)snprintf(
        targets[count++], TARGET_BYTES, "/api/v1/plants/" ALPHA "/access/%s", w.bravo_id);
    methods[count] = "POST";
    (void)snprintf(targets[count++], TARGET_BYTES, "/api/v1/users/%s/reset", w.bravo_id);
    for (size_t i = 0; i < count; i++) {
        AUTO_ANSWER struct answer answer;
        struct str body = strcmp(methods[i], "PUT") == 0    ? STR("{\"role\":\"viewer\"}")
                          : strcmp(methods[i], "POST") == 0 ? STR("{}")
                                                            : STR_NONE;
        if (ask(owner, methods[i], targets[i], NULL, body, &answer) != 404) {
            fail_msg("%s %s: %d %s", methods[i], targets[i], answer.status, buf_z(&answer.body));
        }
        assert_false(holds(&answer, "bravoboss"));
        assert_false(holds(&answer, "Bravo"));
    }
    AUTO_ANSWER struct answer token;
    struct caller bearer = {.header = ""};
    set_bearer(&bearer, "bravo's token", w.bravo_token);
    assert_int_equal(
        ask(&bearer, "GET", "/api/v1/plants/" BRAVO "/tags", NULL, STR_NONE, &token), 200);
}

/* How often the neighbours import is not told by one's own numbers. */
static void numbers_of_imports_count_in_each_plant(void **state) {
    (void)state;
    static const char *const FILE_ = "time,tag,value\n2026-01-01T00:00:00Z,x.y,1\n";
    AUTO_ANSWER struct answer before;
    AUTO_ANSWER struct answer after;
    const struct caller *owner = &w.people[ROLES - 1];
    assert_int_equal(ask(owner, "POST", "/api/v1/plants/" ALPHA "/import?as=samples&dry_run=1",
                         NULL, str_of(FILE_), &before),
        200);
    for (int i = 0; i < 12; i++) { // Also no place of alpha's is taken.
        AUTO_ANSWER struct answer job;
        (void)ask(&w.bravo, "POST", "/api/v1/plants/" BRAVO "/import?as=samples&dry_run=1", NULL,
            str_of(FILE_), &job);
    }
    bool runs = true;
    for (int i = 0; i < 10000 && runs; i++) { // Three run at once: the neighbours' must be over.
        AUTO_ANSWER struct answer list;
        assert_int_equal(
            ask(&w.bravo, "GET", "/api/v1/plants/" BRAVO "/import", NULL, STR_NONE, &list), 200);
        runs = holds(&list, "\"running\"") || holds(&list, "\"receiving\"");
    }
    assert_int_equal(ask(owner, "POST", "/api/v1/plants/" ALPHA "/import?as=samples&dry_run=1",
                         NULL, str_of(FILE_), &after),
        200);
    int64_t numbers[2] = {0, 0};
    struct answer *const answers[2] = {&before, &after};
    for (int i = 0; i < 2; i++) {
        const char *at = strstr(buf_z(&answers[i]->body), "\"id\":\"");
        assert_non_null(at);
        struct str rest = str_of(at + 6);
        assert_true(str_to_i64(str_cut(&rest, '"'), &numbers[i]));
    }
    assert_int_equal(numbers[1], numbers[0] + 1);
    char target[TARGET_BYTES];
    (void)snprintf(
        target, sizeof target, "/api/v1/plants/" ALPHA "/import/%lld", (long long)numbers[0]);
    AUTO_ANSWER struct answer known;
    assert_int_equal(ask(owner, "GET", target, NULL, STR_NONE, &known), 200);
}

static void a_plant_named_twice_or_not_at_all_is_not_the_other(void **state) {
    (void)state;
    static const char *const TARGETS[] = {"/write?plant=" BRAVO "&plant=" ALPHA,
        "/write?plant=" ALPHA "&plant=" BRAVO, "/write?plant=%62ravo-works", "/write?plant="};
    uint64_t before = rows_of(1);
    for (size_t i = 0; i < sizeof TARGETS / sizeof TARGETS[0]; i++) {
        AUTO_ANSWER struct answer answer;
        int status = ask(&w.tokens[ROLES - 1], "POST", TARGETS[i], NULL,
            STR("bravo.press.temp value=1\n"), &answer);
        if (i < 3 && status != 404 && status != 400) {
            fail_msg("%s gave %d", TARGETS[i], status);
        }
    }
    AUTO_ANSWER struct answer mine;
    assert_int_equal(
        ask(&w.people[ROLES - 1], "POST", "/write", NULL, STR("alpha.press.temp value=1\n"), &mine),
        204); // Not named: the caller's only one, not "which of the two".
    assert_int_equal(rows_of(1), before);
    assert_true(rows_of(0) > 0);
}

static void odd_parts_of_a_path_lead_nowhere(void **state) {
    (void)state;
    static const char *const PARTS[] = {"..", "%2e%2e", "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e%2fhub.db", "..%5c..%5chub.db", "%00", "a%00b", "%2f", "%ff", "%c0%ae%c0%ae",
        "alpha-works%2f..%2fbravo-works", "%252e%252e", "~", "*"};
    const struct caller *owner = &w.people[ROLES - 1];
    uint32_t asked = 0;
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        for (const char *hole = strchr(route->path, '{'); hole; hole = strchr(hole + 1, '{')) {
            for (size_t k = 0; k < sizeof PARTS / sizeof PARTS[0]; k++) {
                char target[TARGET_BYTES];
                size_t used = 0;
                for (const char *c = route->path; *c != '\0'; c++) {
                    const char *value = c == hole                 ? PARTS[k]
                                        : *c != '{'               ? NULL
                                        : strchr(c, 'p') == c + 1 ? ALPHA
                                                                  : "1";
                    if (value == NULL) {
                        target[used++] = *c;
                        continue;
                    }
                    used += str_copy_z(str_of(value), target + used, sizeof target - used);
                    c = strchr(c, '}');
                }
                target[used] = '\0';
                AUTO_ANSWER struct answer answer;
                int status = ask(
                    owner, http_method_name(route->method), target, NULL, body_of(route), &answer);
                if (status < 400 || status >= 500 || holds(&answer, "root:") ||
                    holds(&answer, "SQLite format") || holds(&answer, "bravo.press")) {
                    fail_msg("%s %s gave %d %s", http_method_name(route->method), target, status,
                        buf_z(&answer.body));
                }
                asked++;
            }
        }
    }
    assert_true(asked > 500);
}

/* A page of another site can make a browser send its cookie, but not this header. */
static void a_cookie_without_the_header_of_the_pages_changes_nothing(void **state) {
    (void)state;
    const struct caller *owner = &w.people[ROLES - 1];
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        if (route->method == HTTP_GET) {
            continue;
        }
        char target[TARGET_BYTES];
        fill_path(route, ALPHA, target);
        static const char *const HEADERS[] = {
            "", "X-Requested-With: XMLHttpRequest\r\n", "Origin: https://example.org\r\n"};
        for (size_t k = 0; k < sizeof HEADERS / sizeof HEADERS[0]; k++) {
            AUTO_ANSWER struct answer answer;
            int status = ask(owner, http_method_name(route->method), target, HEADERS[k],
                body_of(route), &answer);
            if (status != 403) {
                fail_msg("%s %s gave %d", http_method_name(route->method), target, status);
            }
        }
    }
    AUTO_ANSWER struct answer still;
    assert_int_equal(ask(owner, "GET", "/api/v1/me", NULL, STR_NONE, &still), 200);
}

struct newest {
    int64_t sequence;
    char actor[128];
    char action[64];
};

static int newest_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct newest *newest = context;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct audit_entry entry = {.sequence = 0, .actor = STR_NONE, .action = STR_NONE};
    int count = audit_list(tx, INT64_MAX, &entry, 1, &arena, err);
    newest->sequence = entry.sequence;
    (void)str_copy_z(entry.actor, newest->actor, sizeof newest->actor);
    (void)str_copy_z(entry.action, newest->action, sizeof newest->action);
    return count < 0 ? count : 0;
}

static void newest_of(uint32_t where, struct newest *ret_newest) {
    struct err err = ERR_INIT;
    struct ledger *ledger =
        where == 2 ? home_hub(w.home) : plant_ledger(home_plant_at(w.home, where));
    must(ledger_read(ledger, newest_read, ret_newest, &err), &err);
}

/* Asks, and looks at whom the newest entry of the audit is by: whoever asked, by their id. */
static uint32_t change_and_look(const struct caller *who, const char *method, const char *target,
    struct str body, const char *id) {
    uint32_t told = 0;
    struct newest before[3];
    for (uint32_t i = 0; i < 3; i++) {
        newest_of(i, &before[i]);
    }
    AUTO_ANSWER struct answer answer;
    int status = ask(who, method, target, NULL, body, &answer);
    for (uint32_t i = 0; i < 3; i++) {
        struct newest after;
        newest_of(i, &after);
        if (after.sequence == before[i].sequence || strcmp(after.actor, "maru") == 0) {
            continue;
        }
        if (strcmp(after.actor, id) != 0) {
            fail_msg("%s %s (%d): %s by %s", method, target, status, after.action, after.actor);
        }
        told++;
    }
    return told;
}

/* A name is what people call themselves; who did what must not depend on it. */
static void what_is_told_of_a_change_names_the_caller_by_id(void **state) {
    (void)state;
    const struct caller *owner = &w.people[ROLES - 1];
    char me[TARGET_BYTES];
    (void)snprintf(me, sizeof me, "{\"display\":\"%s\"}", w.bravo_id);
    const struct {
        const char *method;
        const char *path;
        const char *body;
    } DONE[] = {{"PUT", "/api/v1/me", me},
        {"POST", "/api/v1/plants/" ALPHA "/papers/deliverables?name=a.txt", "bytes"},
        {"PUT", "/api/v1/plants/" ALPHA "/papers/deliverables/1", "{\"title\":\"b\"}"},
        {"POST", "/api/v1/plants/" ALPHA "/annotations",
            "{\"begin\":\"2026-01-01T00:00:00Z\",\"text\":\"x\"}"},
        {"DELETE", "/api/v1/plants/" ALPHA "/annotations/1", ""},
        {"POST", "/api/v1/plants/" ALPHA "/tokens",
            "{\"label\":\"x\",\"role\":\"viewer\",\"scopes\":[\"read\"],\"days\":1}"},
        {"POST", "/api/v1/plants/" ALPHA "/invitations", "{\"role\":\"viewer\"}"},
        {"PUT", "/api/v1/plants/" ALPHA, "{\"display\":\"Alpha two\"}"},
        {"DELETE", "/api/v1/plants/" ALPHA "/papers/deliverables/1", ""}};
    for (size_t i = 0; i < sizeof DONE / sizeof DONE[0]; i++) {
        uint32_t told = change_and_look(
            owner, DONE[i].method, DONE[i].path, str_of(DONE[i].body), w.alpha_owner_id);
        if (told != 1) {
            fail_msg("%s %s was told %u times", DONE[i].method, DONE[i].path, told);
        }
    }
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        bool ends_session = i == ROUTE_SESSION_END || i == ROUTE_ME_SESSIONS_END;
        if (route->method != HTTP_GET && route->right != RIGHT_PUBLIC && !ends_session) {
            char target[TARGET_BYTES];
            fill_path(route, ALPHA, target);
            (void)change_and_look(
                owner, http_method_name(route->method), target, body_of(route), w.alpha_owner_id);
        }
    }
    (void)change_and_look(
        owner, "PUT", "/api/v1/me", STR("{\"display\":\"owner\"}"), w.alpha_owner_id);
}

static void the_chain_of_the_hub_is_whole_after_all_that(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    must(ledger_verify(home_hub(w.home), &err), &err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_comes_into_their_own_plant),
        cmocka_unit_test(another_plant_is_not_there_for_any_role_by_any_route),
        cmocka_unit_test(no_answer_names_another_plant),
        cmocka_unit_test(what_is_told_of_ones_own_plant_names_no_other),
        cmocka_unit_test(figures_are_of_ones_own_plants),
        cmocka_unit_test(factories_are_ones_own_plants),
        cmocka_unit_test(a_forged_or_ended_secret_is_nobody),
        cmocka_unit_test(things_of_another_plant_are_not_found_under_ones_own),
        cmocka_unit_test(numbers_of_imports_count_in_each_plant),
        cmocka_unit_test(a_plant_named_twice_or_not_at_all_is_not_the_other),
        cmocka_unit_test(odd_parts_of_a_path_lead_nowhere),
        cmocka_unit_test(a_cookie_without_the_header_of_the_pages_changes_nothing),
        cmocka_unit_test(what_is_told_of_a_change_names_the_caller_by_id),
        cmocka_unit_test(the_chain_of_the_hub_is_whole_after_all_that),
    };
    return cmocka_run_group_tests(tests, open_walls, close_walls);
}
