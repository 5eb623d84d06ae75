/*
 * Who may do what: every route of the OpenAPI document is visited without a token, with a viewer's
 * token, with a token that may only write, and with each other role; the answer must be what the
 * rights table says. The expectations stand here a second time on purpose.
 */
#include "support_server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/mem.h"
#include "ledger/grant.h"
#include "ledger/people.h"
#include "serve/api_pages.h"
#include "serve/route.h"

static struct rig rig;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* The routes that anybody may call, by heart. */
static bool is_public(const char *path, const char *method) {
    static const char *const PUBLIC[] = {"/healthz", "/readyz", "/metrics", "/api/v1/openapi.json",
        "/api/v1/session", "/api/v1/session/link", "/api/v1/setup", "/api/v1/invitation/look",
        "/api/v1/invitation", "/api/v1/reset", "/api/v1/tls", "/maru-ca.crt",
        "/api/v1/support/desk/look", "/api/v1/support/desk/connect",
        "/api/v1/support/desk/exchange"};
    (void)method;
    for (size_t i = 0; i < sizeof PUBLIC / sizeof PUBLIC[0]; i++) {
        if (strcmp(PUBLIC[i], path) == 0) {
            return true;
        }
    }
    return false;
}

enum need {
    NEED_NOTHING,
    NEED_READ,
    NEED_WRITE,
    NEED_CONFIGURE,
    NEED_PLAN,
    NEED_AUDIT,
    NEED_GRANT,
    NEED_PERSON, // Who signed in; no token may.
};

static enum need need_of(const char *path, const char *method) {
    if (is_public(path, method)) {
        return NEED_NOTHING;
    }
    static const char *const PERSONAL[] = {"/api/v1/me", "/api/v1/organisations", "/api/v1/users",
        "/api/v1/plants/{plant}/access", "/api/v1/plants/{plant}/invitations",
        "/api/v1/plants/{plant}/tokens", "/api/v1/plants/{plant}/grants", "/api/v1/support/cases"};
    for (size_t i = 0; i < sizeof PERSONAL / sizeof PERSONAL[0]; i++) {
        if (str_starts(str_of(path), str_of(PERSONAL[i]))) {
            return NEED_PERSON;
        }
    }
    if (str_starts(str_of(path), STR("/api/v1/plants/{plant}/support")) &&
        strcmp(method, "get") != 0) {
        return NEED_PERSON; // The owner, or manager; never a program.
    }
    /* The programme desk: questions are every reader's; the rest a person's, whose roles there
     * decide, or an owner's token's; an auditor's reads. */
    bool desk = str_starts(str_of(path), STR("/api/v1/programmes/{programme}"));
    if (str_starts(str_of(path), STR("/api/v1/cases")) ||
        (desk && str_ends(str_of(path), STR("/roles")))) {
        return strcmp(method, "get") == 0 ? NEED_AUDIT : NEED_GRANT;
    }
    if (desk && strcmp(method, "get") != 0) {
        return str_ends(str_of(path), STR("/{verb}")) ? NEED_READ : NEED_GRANT;
    }
    /* Changes are for installers and owners, but for these. */
    static const struct {
        const char *method;
        const char *end; // Of the path.
        enum need need;
    } OTHERS[] = {{"get", "/templates", NEED_CONFIGURE},
        {"get", "/templates/{number}", NEED_CONFIGURE}, {"post", "/write", NEED_WRITE},
        {"post", "/import/preview", NEED_WRITE}, {"post", "/preview", NEED_READ},
        {"post", "/import", NEED_WRITE}, {"delete", "/import/{job}", NEED_WRITE},
        {"post", "/corrections", NEED_WRITE}, {"put", "/papers/operation", NEED_WRITE},
        {"post", "/papers/hardware", NEED_WRITE}, {"put", "/papers/hardware/{number}", NEED_WRITE},
        {"post", "/papers/trainings", NEED_WRITE}, {"post", "/papers/security", NEED_WRITE},
        {"put", "/papers/security/{number}", NEED_WRITE},
        {"put", "/indicators/{number}/values", NEED_WRITE},
        {"put", "/papers/trainings/{number}", NEED_WRITE},
        {"post", "/papers/deliverables", NEED_WRITE},
        {"put", "/papers/deliverables/{number}", NEED_WRITE}, {"post", "/scans", NEED_WRITE},
        {"put", "/consents/{id}", NEED_GRANT}, {"get", "/api/v1/mail", NEED_GRANT},
        {"put", "/api/v1/mail", NEED_GRANT}, {"post", "/api/v1/mail/test", NEED_GRANT},
        {"post", "/api/v1/backup", NEED_GRANT}, {"post", "/annotations", NEED_WRITE},
        {"get", "/costs", NEED_PLAN}, {"post", "/events", NEED_WRITE},
        {"delete", "/annotations/{number}", NEED_WRITE}, {"post", "/print-jobs", NEED_WRITE},
        {"post", "/print-jobs/{number}/again", NEED_WRITE},
        {"delete", "/print-jobs/{number}", NEED_WRITE},
        {"post", "/deliveries/{code}/print", NEED_WRITE},
        {"post", "/nonconformances/{number}/files", NEED_WRITE},
        {"delete", "/files/{file}", NEED_PLAN}};
    bool master = strstr(path, "/plants/{plant}/master/") != NULL && strcmp(method, "get") != 0;
    if (master) {
        return NEED_PLAN;
    }
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        if (strcmp(method, OTHERS[i].method) == 0 &&
            str_ends(str_of(path), str_of(OTHERS[i].end))) {
            return OTHERS[i].need;
        }
    }
    if (strcmp(method, "get") != 0) {
        return NEED_CONFIGURE;
    }
    bool is_audit = strstr(path, "/audit") || strstr(path, "/disclosures");
    return is_audit ? NEED_AUDIT : NEED_READ;
}

/* "{plant}" becomes p1, other names something that exists; required parameters are added. */
static void make_target(const char *path, char *to, size_t size) {
    struct str rest = str_of(path);
    size_t used = 0;
    while (rest.size > 0) {
        struct str segment = str_cut(&rest, '/');
        if (segment.size == 0) {
            continue;
        }
        used += str_copy_z(STR("/"), to + used, size - used);
        struct str value = segment;
        if (str_eq(segment, STR("{plant}"))) {
            value = STR("p1");
        } else if (str_eq(segment, STR("{name}"))) {
            value = STR("line1.press1.temp");
        } else if (str_eq(segment, STR("{id}"))) {
            value = STR("dev1");
        } else if (str_eq(segment, STR("{programme}"))) {
            value = STR("bupyeong-2023");
        } else if (str_eq(segment, STR("{verb}"))) {
            value = STR("deadlines");
        }
        used += str_copy_z(value, to + used, size - used);
    }
    if (str_ends(str_of(path), STR("/samples")) || str_ends(str_of(path), STR("/series")) ||
        str_ends(str_of(path), STR("/summary"))) {
        (void)str_copy_z(STR("?tag=line1.press1.temp"), to + used, size - used);
    }
}

/* The status alone; a stream is only looked at. */
static int visit(const char *method, const char *target, const char *token) {
    char upper[16];
    size_t size = str_copy_z(str_of(method), upper, sizeof upper);
    for (size_t i = 0; i < size; i++) {
        upper[i] = (char)(upper[i] - 'a' + 'A');
    }
    struct str body = strcmp(method, "put") == 0      ? STR("{\"display\":\"x\"}")
                      : strcmp(target, "/write") == 0 ? STR("visited value=1\n")
                      : strcmp(method, "post") == 0   ? STR("{}")
                                                      : STR_NONE;
    if (str_ends(str_of(target), STR("/stream"))) {
        char request[512];
        char head[16] = "";
        int fd = client_connect(rig.port);
        int length =
            snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n\r\n",
                target, token ? "Authorization: Bearer " : "X: ", token ? token : "");
        client_send(fd, request, (size_t)length);
        for (size_t got = 0; got < 12;) {
            long n = client_read(fd, head + got, 12 - got, 5000);
            assert_true(n > 0);
            got += (size_t)n;
        }
        (void)close(fd);
        int64_t status = 0;
        assert_true(str_to_i64(str_of(head + 9), &status));
        return (int)status;
    }
    AUTO_ANSWER struct answer answer;
    rig_ask(&rig, upper, target, token, body, &answer);
    return answer.status;
}

struct visitor {
    const char *name;
    const char *token;
    enum role role;
    uint32_t scopes;
};

static bool expected(const struct visitor *visitor, enum need need) {
    bool reads = (visitor->scopes & SCOPE_READ) != 0;
    bool writes = (visitor->scopes & SCOPE_WRITE) != 0;
    switch (need) {
    case NEED_NOTHING: return true;
    case NEED_READ: return visitor->role != ROLE_NONE && reads;
    case NEED_WRITE:
        return writes && (visitor->role == ROLE_OPERATOR || visitor->role == ROLE_INSTALLER ||
                             visitor->role == ROLE_MANAGER || visitor->role == ROLE_OWNER);
    case NEED_PLAN:
        return writes && (visitor->role == ROLE_MANAGER || visitor->role == ROLE_INSTALLER ||
                             visitor->role == ROLE_OWNER);
    case NEED_CONFIGURE:
        return writes && (visitor->role == ROLE_INSTALLER || visitor->role == ROLE_OWNER);
    case NEED_AUDIT: return reads && (visitor->role == ROLE_AUDITOR || visitor->role == ROLE_OWNER);
    case NEED_GRANT: return writes && visitor->role == ROLE_OWNER;
    case NEED_PERSON: return false;
    }
    return false;
}

static void check_visit(const struct visitor *visitor, const char *method, const char *path) {
    char target[256];
    make_target(path, target, sizeof target);
    int status = visit(method, target, visitor->token);
    bool allowed = status != 401 && status != 403;
    if (allowed != expected(visitor, need_of(path, method))) {
        fail_msg("%s: %s %s gave %d", visitor->name, method, path, status);
    }
    if (!allowed && status != (visitor->role == ROLE_NONE ? 401 : 403)) {
        fail_msg(
            "%s: %s %s gave %d instead of a clear refusal", visitor->name, method, path, status);
    }
    if (status >= 500 && strcmp(path, "/readyz") != 0) {
        fail_msg("%s: %s %s gave %d", visitor->name, method, path, status);
    }
}

/* What is of no plant and needs an administrator, by heart. */
static bool is_of_admin(const char *path, const char *method) {
    bool reads = strcmp(method, "get") == 0;
    if (strcmp(path, "/api/v1/audit") == 0 || str_starts(str_of(path), STR("/api/v1/mail")) ||
        strcmp(path, "/api/v1/backup") == 0) {
        return true;
    }
    bool desk = str_starts(str_of(path), STR("/api/v1/programmes/{programme}/")) ||
                (str_starts(str_of(path), STR("/api/v1/programmes/{programme}")) && !reads);
    if (desk) { // Or an officer of the programme; a person without a role asks its questions alone.
        return !str_ends(str_of(path), STR("/{verb}"));
    }
    bool resets = str_ends(str_of(path), STR("/reset")); // By an owner of all their plants, too.
    return !reads && !resets &&
           (str_starts(str_of(path), STR("/api/v1/organisations")) ||
               str_starts(str_of(path), STR("/api/v1/users")));
}

static int grantee_make(struct ledger_tx *tx, void *context, struct err *err) {
    char *cookie = context;
    char organisation[40];
    char user[40];
    char grant[40];
    char secret[SECRET_TEXT_MAX];
    struct organisation supplier = {
        .kind = STR("supplier"), .name = STR("Helper Ltd"), .number = STR_NONE};
    int rc = organisation_new(tx, &supplier, organisation, err);
    struct user_wish wish = {.login = STR("grantee"),
        .display = STR("grantee"),
        .email = STR_NONE,
        .organisation_id = str_of(organisation),
        .hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"};
    rc = rc < 0 ? rc : user_new(tx, &wish, user, err);
    struct grant given = {.plant = STR("p1"),
        .organisation_id = str_of(organisation),
        .tags = STR("line1.*"),
        .purpose = STR("upkeep"),
        .until_ns = ledger_now_ns(tx) + 3600 * NS_PER_S,
        .given_by = str_of(user)};
    rc = rc < 0 ? rc : grant_new(tx, &given, grant, err);
    struct session_wish session = {.user_id = str_of(user),
        .lifetime_ns = 3600 * NS_PER_S,
        .address = STR("127.0.0.1"),
        .agent = STR("access")};
    rc = rc < 0 ? rc : session_new(tx, &session, secret, err);
    (void)snprintf(cookie, RIG_COOKIE_MAX, "maru_session=%s", secret);
    return rc;
}

/* 200: let in; 403; 404: like a plant that is not there. */
static int expected_of_grantee(const char *path, const char *method) {
    static const char *const SHARED[] = {"/tags", "/samples", "/series", "/moments", "/stream"};
    bool of_plant = str_starts(str_of(path), STR("/api/v1/plants/{plant}"));
    for (size_t i = 0; i < sizeof SHARED / sizeof SHARED[0] && of_plant; i++) {
        char whole[64];
        (void)snprintf(whole, sizeof whole, "/api/v1/plants/{plant}%s", SHARED[i]);
        if (strcmp(path, whole) == 0 && strcmp(method, "get") == 0) {
            return 200;
        }
    }
    if (of_plant || strcmp(path, "/write") == 0) {
        return 404;
    }
    return is_of_admin(path, method) ? 403 : 200;
}

static void check_grantee(const char *cookie, const char *method, const char *path) {
    char target[256];
    char headers[256];
    char upper[16];
    make_target(path, target, sizeof target);
    size_t size = str_copy_z(str_of(method), upper, sizeof upper);
    for (size_t i = 0; i < size; i++) {
        upper[i] = (char)(upper[i] - 'a' + 'A');
    }
    (void)snprintf(headers, sizeof headers,
        "Cookie: %s\r\nX-Requested-With: maru\r\nContent-Type: application/json\r\n"
        "Accept-Language: en\r\n",
        cookie);
    bool ends_session = strcmp(method, "delete") == 0 && strcmp(path, "/api/v1/session") == 0;
    bool is_stream = str_ends(str_of(path), STR("/stream")); // Never ends; test_grants.c reads it.
    if (ends_session || is_stream) {
        return;
    }
    struct question question = {.port = rig.port,
        .method = upper,
        .target = target,
        .headers = headers,
        .body = strcmp(method, "get") == 0 || strcmp(method, "delete") == 0 ? STR_NONE : STR("{}")};
    AUTO_ANSWER struct answer answer;
    client_ask(&question, &answer);
    int expected = expected_of_grantee(path, method);
    bool refused = answer.status == 401 || answer.status == 403;
    bool unknown = answer.status == 404 && strstr(buf_z(&answer.body), "there is no plant") != NULL;
    if ((expected == 404) != unknown || (expected == 403 && answer.status != 403) ||
        (expected == 200 && refused && !is_public(path, method)) ||
        (answer.status >= 500 && strcmp(path, "/readyz") != 0)) {
        fail_msg("grantee: %s %s gave %d: %s", method, path, answer.status, buf_z(&answer.body));
    }
}

static json_t *load_document(void) {
    AUTO_ANSWER struct answer answer;
    rig_ask(&rig, "GET", "/api/v1/openapi.json", NULL, STR_NONE, &answer);
    assert_int_equal(answer.status, 200);
    json_error_t error;
    json_t *document = json_loadb((const char *)answer.body.data, answer.body.size, 0, &error);
    assert_non_null(document);
    return document;
}

static void each_route_gives_only_what_the_table_allows(void **state) {
    (void)state;
    uint32_t all = SCOPE_READ | SCOPE_WRITE | SCOPE_SQL;
    char manager[SECRET_TEXT_MAX];
    rig_token(&rig, ROLE_MANAGER, all, manager);
    const struct visitor VISITORS[] = {
        {"nobody", NULL, ROLE_NONE, 0},
        {"wrong token", "maru_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ROLE_NONE, 0},
        {"viewer", rig.viewer, ROLE_VIEWER, all},
        {"write only", rig.writer, ROLE_OPERATOR, SCOPE_WRITE},
        {"operator", rig.operator_, ROLE_OPERATOR, all},
        {"auditor", rig.auditor, ROLE_AUDITOR, all},
        {"manager", manager, ROLE_MANAGER, all},
        {"installer", rig.installer, ROLE_INSTALLER, all},
        {"owner", rig.owner, ROLE_OWNER, all},
    };
    json_t *document = load_document();
    const char *path = NULL;
    json_t *methods = NULL;
    uint32_t visited = 0;
    json_object_foreach(json_object_get(document, "paths"), path, methods) {
        const char *method = NULL;
        json_t *operation = NULL;
        json_object_foreach(methods, method, operation) {
            for (size_t i = 0; i < sizeof VISITORS / sizeof VISITORS[0]; i++) {
                check_visit(&VISITORS[i], method, path);
            }
            bool said_public = json_array_size(json_object_get(operation, "security")) == 0;
            assert_int_equal(said_public, is_public(path, method));
            visited++;
        }
    }
    assert_int_equal(visited, ROUTE_COUNT);
    json_decref(document);
}

static void a_grantee_is_let_in_where_a_grant_leads(void **state) {
    (void)state;
    char cookie[RIG_COOKIE_MAX];
    struct err err = ERR_INIT;
    assert_true(ledger_write(home_hub(rig.home), grantee_make, cookie, &err) >= 0);
    json_t *document = load_document();
    const char *path = NULL;
    json_t *methods = NULL;
    uint32_t visited = 0;
    json_object_foreach(json_object_get(document, "paths"), path, methods) {
        const char *method = NULL;
        json_t *operation = NULL;
        json_object_foreach(methods, method, operation) {
            check_grantee(cookie, method, path);
            visited++;
        }
    }
    assert_int_equal(visited, ROUTE_COUNT);
    json_decref(document);
}

static void a_refusal_does_not_tell_whether_a_plant_exists(void **state) {
    (void)state;
    AUTO_ANSWER struct answer here;
    AUTO_ANSWER struct answer nowhere;
    rig_ask(&rig, "GET", "/api/v1/plants/p1/tags?wrong=1", NULL, STR_NONE, &here);
    rig_ask(&rig, "GET", "/api/v1/plants/p2/tags", NULL, STR_NONE, &nowhere);
    assert_int_equal(here.status, 401);
    assert_int_equal(nowhere.status, 401);
    assert_string_equal(buf_z(&here.body), buf_z(&nowhere.body));
    AUTO_ANSWER struct answer known;
    rig_get(&rig, "/api/v1/plants/p2/tags", 404, &known);
}

static void unknown_paths_and_methods_are_told_apart(void **state) {
    (void)state;
    AUTO_ANSWER struct answer unknown;
    rig_ask(&rig, "GET", "/api/v1/nothing", rig.viewer, STR_NONE, &unknown);
    assert_int_equal(unknown.status, 404);
    AUTO_ANSWER struct answer method;
    rig_ask(&rig, "DELETE", "/api/v1/plants/p1/tags/x", rig.viewer, STR_NONE, &method);
    assert_int_equal(method.status, 405);
    assert_true(str_eq(answer_header(&method, "Allow"), STR("GET, PUT")));
    AUTO_ANSWER struct answer page;
    rig_ask(&rig, "POST", "/flow", NULL, STR("x"), &page);
    assert_int_equal(page.status, 413); // A page takes no body.
}

static void ask_host(const char *host, int status) {
    char headers[256];
    (void)snprintf(headers, sizeof headers, "Host: %s\r\n", host);
    struct question question = {.port = rig.port, .target = "/healthz", .headers = headers};
    AUTO_ANSWER struct answer answer;
    client_ask(&question, &answer);
    if (answer.status != status) {
        fail_msg("Host %s: %d", host, answer.status);
    }
}

static void a_foreign_host_name_is_refused(void **state) {
    (void)state;
    ask_host("localhost", 200);
    ask_host("127.0.0.1:8080", 200);
    ask_host("[::1]:8080", 200);
    ask_host("192.168.0.7", 200);
    ask_host("evil.example", 421);
    ask_host("evil.example:80", 421);
    ask_host("127.0.0.1.evil.example", 421);
    ask_host("localhost\r\nHost: localhost", 400);
    ask_host("127.0.0.1\r\nhOST: evil.example", 400);
}

static void a_browser_at_a_foreign_name_reads_a_sentence(void **state) {
    (void)state;
    struct question question = {.port = rig.port,
        .target = "/",
        .headers = "Host: evil.example\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Language: en\r\n"};
    AUTO_ANSWER struct answer answer;
    client_ask(&question, &answer);
    assert_int_equal(answer.status, 421);
    assert_true(str_starts(answer_header(&answer, "Content-Type"), STR("text/plain")));
    assert_true(str_starts(buf_str(&answer.body), STR("this server does not answer under")));
}

/* What every answer must say, also a refusal; one header each, no other value of it. */
static void check_headers(const char *method, const char *target, const struct answer *answer) {
    static const struct {
        const char *name;
        const char *value;
    } WANTED[] = {{"X-Content-Type-Options", "nosniff"}, {"Referrer-Policy", "no-referrer"},
        {"X-Frame-Options", "DENY"}, {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"}};
    for (size_t i = 0; i < sizeof WANTED / sizeof WANTED[0]; i++) {
        if (!str_eq(answer_header(answer, WANTED[i].name), str_of(WANTED[i].value))) {
            fail_msg("%s %s (%d) lacks %s", method, target, answer->status, WANTED[i].name);
        }
    }
    struct str policy = answer_header(answer, "Content-Security-Policy");
    AUTO_FREE char *text = mem_copy_z(policy);
    bool good = str_starts(policy, STR("default-src 'none'")) &&
                strstr(text, "frame-ancestors 'none'") && strstr(text, "base-uri 'none'") &&
                !strstr(text, "unsafe-eval") && !strstr(text, "http:") && !strchr(text, '*');
    const char *inline_ = strstr(text, "'unsafe-inline'");
    while (good && inline_) { // Style attributes may; scripts and style elements may not.
        good = inline_ - text > 15 && strncmp(inline_ - 15, "style-src-attr ", 15) == 0;
        inline_ = strstr(inline_ + 1, "'unsafe-inline'");
    }
    struct str permissions = answer_header(answer, "Permissions-Policy");
    AUTO_FREE char *granted = mem_copy_z(permissions);
    good = good && strstr(granted, "camera=(self)") && strstr(granted, "microphone=()") &&
           strstr(granted, "geolocation=()");
    if (!good || answer_header(answer, "Cache-Control").size == 0 ||
        answer_header(answer, "Strict-Transport-Security").size > 0) { // Not without TLS.
        fail_msg(
            "%s %s (%d): %.*s", method, target, answer->status, STR_ARG(buf_str(&answer->head)));
    }
}

static void check_headers_of(const char *method, const char *target, const char *token) {
    AUTO_ANSWER struct answer answer;
    bool has_body = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    rig_ask(&rig, method, target, token, has_body ? STR("{}") : STR_NONE, &answer);
    assert_true(answer.status > 0);
    check_headers(method, target, &answer);
}

static void every_answer_has_the_security_headers(void **state) {
    (void)state;
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        char target[256];
        make_target(route->path, target, sizeof target);
        const char *method = http_method_name(route->method);
        check_headers_of(method, target, NULL);
        check_headers_of("PATCH", target, rig.owner);
        if (route->answer != ANSWER_EVENTS) {
            check_headers_of(method, target, rig.viewer);
            check_headers_of(method, target, rig.owner);
        }
    }
    static const char *const TARGETS[] = {"/", "/floor", "/api/v1/nothing", "/no.file", "/%zz",
        "/api/v1/plants/p1/tags?wrong=1", "/api/v1/plants/p2/tags"};
    for (size_t i = 0; i < sizeof TARGETS / sizeof TARGETS[0]; i++) {
        check_headers_of("GET", TARGETS[i], NULL);
        check_headers_of("GET", TARGETS[i], rig.owner);
        check_headers_of("DELETE", TARGETS[i], rig.owner);
    }
    for (const struct page_asset *asset = PAGE_ASSETS; asset->path; asset++) {
        check_headers_of("GET", asset->path, NULL);
    }
    struct question foreign = {
        .port = rig.port, .target = "/", .headers = "Host: evil.example\r\n"};
    AUTO_ANSWER struct answer refused;
    client_ask(&foreign, &refused);
    check_headers("GET", "evil.example", &refused);
}

/* A stream's head stands before its first event. */
static void a_stream_has_the_security_headers(void **state) {
    (void)state;
    char request[512];
    char head[4096];
    int fd = client_connect(rig.port);
    int size = snprintf(request, sizeof request,
        "GET /api/v1/plants/p1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        "%s\r\n\r\n",
        rig.viewer);
    client_send(fd, request, (size_t)size);
    struct answer answer = {.status = 200};
    buf_init(&answer.head, sizeof head);
    buf_init(&answer.body, 0);
    while (!strstr(buf_z(&answer.head), "\r\n\r\n")) {
        long got = client_read(fd, head, sizeof head, 10000);
        assert_true(got > 0);
        buf_put(&answer.head, head, (size_t)got);
    }
    *(char *)strstr(buf_z(&answer.head), "\r\n\r\n") = '\0';
    check_headers("GET", "stream", &answer);
    answer_fini(&answer);
    (void)close(fd);
}

static void words_follow_the_reader(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        const char *words;
    } CASES[] = {{"ko", "로그인하거나"}, {"en-US,en;q=0.9", "sign in"}, {"fr", "로그인하거나"},
        {"en;q=0.5, ko;q=0.8", "로그인하거나"}, {"ko;q=0.1, en;q=0.2", "sign in"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char headers[128];
        (void)snprintf(headers, sizeof headers, "Accept-Language: %s\r\n", CASES[i].accept);
        struct question question = {
            .port = rig.port, .target = "/api/v1/plants", .headers = headers};
        AUTO_ANSWER struct answer answer;
        client_ask(&question, &answer);
        assert_non_null(strstr(buf_z(&answer.body), CASES[i].words));
        assert_true(
            str_starts(answer_header(&answer, "Content-Type"), STR("application/problem+json")));
    }
}

static void denials_stand_in_the_audit_chain(void **state) {
    (void)state;
    char fresh[SECRET_TEXT_MAX]; // The other's ten a minute are used up.
    rig_token(&rig, ROLE_VIEWER, SCOPE_READ, fresh);
    AUTO_ANSWER struct answer refused;
    rig_ask(&rig, "PUT", "/api/v1/plants/p1/tags/a", fresh, STR("{}"), &refused);
    assert_int_equal(refused.status, 403);
    AUTO_ANSWER struct answer audit;
    rig_ask(&rig, "GET", "/api/v1/audit?limit=50", rig.auditor, STR_NONE, &audit);
    assert_int_equal(audit.status, 200);
    assert_non_null(strstr(buf_z(&audit.body), "\"request.denied\""));
    assert_non_null(strstr(buf_z(&audit.body), "\"TAG_PUT\""));
}

static void metrics_name_devices_to_readers_only(void **state) {
    (void)state;
    AUTO_ANSWER struct answer stranger;
    rig_ask(&rig, "GET", "/metrics", NULL, STR_NONE, &stranger);
    assert_int_equal(stranger.status, 200);
    assert_null(strstr(buf_z(&stranger.body), "dev1"));
    assert_null(strstr(buf_z(&stranger.body), "maru_rows_in_total "));
    assert_null(strstr(buf_z(&stranger.body), "maru_plants "));
    assert_non_null(strstr(buf_z(&stranger.body), "maru_http_connections "));
    AUTO_ANSWER struct answer writer;
    rig_ask(&rig, "GET", "/metrics", rig.writer, STR_NONE, &writer);
    assert_null(strstr(buf_z(&writer.body), "dev1"));
    AUTO_ANSWER struct answer reader;
    rig_ask(&rig, "GET", "/metrics", rig.viewer, STR_NONE, &reader);
    assert_non_null(strstr(buf_z(&reader.body), "maru_rows_in_total "));
    assert_non_null(strstr(buf_z(&reader.body), "maru_device_up{plant=\"p1\",device=\"dev1\"} 0"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route_gives_only_what_the_table_allows),
        cmocka_unit_test(a_grantee_is_let_in_where_a_grant_leads),
        cmocka_unit_test(a_refusal_does_not_tell_whether_a_plant_exists),
        cmocka_unit_test(unknown_paths_and_methods_are_told_apart),
        cmocka_unit_test(a_foreign_host_name_is_refused),
        cmocka_unit_test(a_browser_at_a_foreign_name_reads_a_sentence),
        cmocka_unit_test(every_answer_has_the_security_headers),
        cmocka_unit_test(a_stream_has_the_security_headers),
        cmocka_unit_test(words_follow_the_reader),
        cmocka_unit_test(denials_stand_in_the_audit_chain),
        cmocka_unit_test(metrics_name_devices_to_readers_only),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
