/*
 * The desk's people are entered in the hub directly: how people come in is tested elsewhere. The
 * server's clock stands where the test sets it, so that a programme of 2020 is walked on its own
 * days; sessions last long enough for that.
 */
#include "support_walk.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ledger/people.h"
#include "programme/cases.h"
#include "programme/day.h"

static const int64_t LIFETIME_NS = 20 * INT64_C(365) * 86400 * NS_PER_S;

static _Atomic int64_t wall_now_ns;

static int64_t wall_ns(const struct clock *clock) {
    (void)clock;
    return atomic_load(&wall_now_ns);
}

static int64_t mono_ns(const struct clock *clock) {
    (void)clock;
    return clock_mono_ns(clock_system());
}

static const struct clock WALK_CLOCK = {.wall_ns = wall_ns, .mono_ns = mono_ns};

void walk_time(struct walk *walk, const char *at) {
    (void)walk;
    int64_t second = 0;
    bool has_time = false;
    assert_true(moment_parse(str_of(at), &second, &has_time));
    atomic_store(&wall_now_ns, (second - 9 * 3600) * NS_PER_S);
}

struct person {
    struct walk *walk;
    enum walker who;
};

static int person_new(struct ledger_tx *tx, struct walk *walk, enum walker who, struct err *err) {
    static const char *const NAMES[] = {
        "officer", "first", "second", "supplier", "judge", "insider", "stranger"};
    static const uint32_t ROLES[] = {
        0, CASE_APPLICANT, CASE_APPLICANT, CASE_SUPPLIER, CASE_EVALUATOR, CASE_EVALUATOR, 0};
    char secret[SECRET_TEXT_MAX];
    int rc = 0;
    if (who == WALK_INSIDER) {
        memcpy(walk->organisations[who], walk->organisations[WALK_FIRST], 40);
    } else {
        struct organisation organisation = {
            .kind = STR("manufacturer"), .name = str_of(NAMES[who]), .number = STR_NONE};
        rc = organisation_new(tx, &organisation, walk->organisations[who], err);
    }
    struct user_wish wish = {.login = str_of(NAMES[who]),
        .display = str_of(NAMES[who]),
        .email = STR_NONE,
        .organisation_id = str_of(walk->organisations[who]),
        .admin = who == WALK_OFFICER,
        .hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"};
    rc = rc < 0 ? rc : user_new(tx, &wish, walk->users[who], err);
    struct session_wish session = {.user_id = str_of(walk->users[who]),
        .lifetime_ns = LIFETIME_NS,
        .address = STR("127.0.0.1"),
        .agent = STR("walk")};
    rc = rc < 0 ? rc : session_new(tx, &session, secret, err);
    if (rc >= 0 && ROLES[who] != 0) {
        rc = case_role_put(
            tx, str_of(walk->users[who]), STR("*"), ROLES[who], true, STR("test"), err);
    }
    (void)snprintf(walk->cookies[who], RIG_COOKIE_MAX, "maru_session=%s", secret);
    return rc;
}

static int people_make(struct ledger_tx *tx, void *context, struct err *err) {
    int rc = 0;
    for (int who = 0; who < WALK_PEOPLE && rc >= 0; who++) {
        rc = person_new(tx, context, (enum walker)who, err);
    }
    return rc;
}

void walk_open(struct walk *walk) {
    struct err err = ERR_INIT;
    rig_open(&walk->rig, NULL, false);
    serve_stop(walk->rig.server);
    walk_time(walk, "2022-12-20T09:00");
    struct serve_options options = {
        .home = walk->rig.home, .address = "127.0.0.1", .clock = &WALK_CLOCK};
    options.limits.requests_per_s = 100000;
    assert_true(serve_start(&options, &walk->rig.server, &err) >= 0);
    walk->rig.port = serve_port(walk->rig.server);
    if (ledger_write(home_hub(walk->rig.home), people_make, walk, &err) < 0) {
        fail_msg("people: %s", err.text);
    }
}

void walk_close(struct walk *walk) {
    rig_close(&walk->rig);
}

json_t *walk_ask(struct walk *walk, enum walker who, const char *method, const char *target,
    json_t *body, int *ret_status) {
    char headers[256];
    (void)snprintf(headers, sizeof headers,
        "Cookie: %s\r\nX-Requested-With: maru\r\nContent-Type: application/json\r\n"
        "Accept-Language: ko\r\n",
        walk->cookies[who]);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct question question = {.port = walk->rig.port,
        .method = method,
        .target = target,
        .headers = headers,
        .body = text ? str_of(text) : STR_NONE};
    AUTO_ANSWER struct answer answer;
    client_ask(&question, &answer);
    json_error_t error;
    json_t *root = json_loadb((const char *)answer.body.data, answer.body.size, 0, &error);
    *ret_status = answer.status;
    json_decref(body);
    if (text) {
        void (*release)(void *) = NULL;
        json_get_alloc_funcs(NULL, &release);
        release(text);
    }
    return root;
}

json_t *walk_must(struct walk *walk, enum walker who, const char *method, const char *target,
    json_t *body, int status) {
    int got = 0;
    char *told = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_t *answer = walk_ask(walk, who, method, target, body, &got);
    if (got != status) {
        char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
        fail_msg("%s %s %.600s: %d instead of %d: %.1500s", method, target, told ? told : "", got,
            status, text ? text : "");
    }
    void (*release)(void *) = NULL;
    json_get_alloc_funcs(NULL, &release);
    if (told) {
        release(told);
    }
    return answer;
}
