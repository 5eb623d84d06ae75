/*
 * Remote support between two real servers: a desk and a factory that asks it; then a factory
 * against a desk that lies.
 */
#include "support_remote.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/thread.h"
#include "ledger/people.h"
#include "ledger/support.h"
#include "serve/support.h"
#include "support_desk.h"
#include "upkeep/tls.h"

/* ---- The whole story ---- */

static void a_supporter_helps_and_the_owner_ends_it(void **state) {
    (void)state;
    open_case(here.fitter);
    ask(&here.desk, "GET " CASES, here.fitter, "", 200, "\"state\":\"waiting\"");
    assert_int_equal(via(here.fitter, "GET", TAGS, "", "has not approved"), 409);
    char look[512];
    (void)snprintf(look, sizeof look, "{\"link\":\"%s\"}", here.link);
    ask(&here.factory, "POST " SUPPORT "/look", here.owner, look, 200, "\"name\":\"fitter\"");
    ask(&here.factory, "GET " SUPPORT, here.owner, "", 200, "\"now\":null");
    approve(here.link, "installer", 60, 201);
    until(&here.desk, "GET " CASES, here.fitter, "\"connected\":true");
    assert_int_equal(via(here.fitter, "GET", TAGS "?limit=2", "", "line1.press1"), 200);
    assert_int_equal(via(here.fitter, "GET", TAGS "?wrong=1", "", "wrong"), 400);
    assert_int_equal(
        via(here.fitter, "PUT", TAG, "{\"display\":\"\xec\x98\xa8\xeb\x8f\x84 2\"}", NULL), 200);
    ask(&here.factory, "GET " TAG, here.owner, "", 200, "\xec\x98\xa8\xeb\x8f\x84 2");
    ask(&here.factory, "GET " SUPPORT, here.owner, "", 200, "\"changes\":1");
    assert_int_equal(audit_count(&here.factory, "\"action\":\"support.begin\""), 1);
    assert_int_equal(audit_count(&here.factory, "\"action\":\"support.request\""), 1);
    assert_int_equal(audit_count(&here.factory, "PUT " TAG), 1);
    /* The request and the change it made, both by the supporter. */
    assert_int_equal(audit_count(&here.factory, "\"actor\":\"support:"), 2);
    ask(&here.factory, "DELETE " SUPPORT, here.owner, "", 204, NULL);
    ask(&here.factory, "GET " SUPPORT, here.owner, "", 200, "\"now\":null");
    ended_by("owner");
    until(&here.desk, "GET " CASES, here.fitter, "\"ended_by\":\"factory\"");
    assert_int_equal(via(here.fitter, "GET", TAGS, "", "over"), 410);
    assert_int_equal(audit_count(&here.factory, "owner; 1 reads, 1 changes, 1 refused"), 1);
    ask(&here.factory, "DELETE " SUPPORT, here.owner, "", 404, NULL);
    approve(here.link, "installer", 60, 409); // The code is spent.
}

static void the_desk_can_end_it_as_well(void **state) {
    (void)state;
    begin_visit("viewer");
    char line[128];
    (void)snprintf(line, sizeof line, "DELETE " CASES "/%s", here.case_id);
    ask(&here.desk, line, here.boss, "", 204, NULL);
    ended_by("desk");
    assert_int_equal(via(here.fitter, "GET", TAGS, "", NULL), 410);
}

/* ---- Who may what ---- */

static void only_the_owner_in_person_lets_somebody_in(void **state) {
    (void)state;
    open_case(here.fitter);
    char body[512];
    (void)snprintf(body, sizeof body,
        "{\"link\":\"%s\",\"name\":\"fitter\",\"role\":\"viewer\",\"minutes\":60}", here.link);
    ask(&here.factory, "POST " SUPPORT, here.manager, body, 403, NULL);
    AUTO_ANSWER struct answer token;
    rig_ask(&here.factory, "POST", SUPPORT, here.factory.owner, str_of(body), &token);
    assert_int_equal(token.status, 403);
    approve(here.link, "owner", 60, 400);
    approve(here.link, "manager", 60, 400);
    approve(here.link, "operator", 60, 400);
    approve(here.link, "", 60, 400);
    approve(here.link, "viewer", 14, 400);
    approve(here.link, "viewer", 481, 400);
    approve("https://desk.example/support#short", "viewer", 60, 400);
    approve(
        "http://192.0.2.1/support#abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE", "viewer", 60, 400);
    char wrong[256];
    (void)snprintf(wrong, sizeof wrong,
        "http://127.0.0.1:%u/support#abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE", here.desk.port);
    approve(wrong, "viewer", 60, 409);
    approve(here.link, "viewer", 60, 201); // None of these spent the code.
    ask(&here.factory, "POST " SUPPORT, here.owner, body, 409, "already");
    ask(&here.factory, "GET " SUPPORT, here.manager, "", 200, "\"name\":\"fitter\"");
    ask(&here.factory, "DELETE " SUPPORT, here.manager, "", 204, NULL);
}

static void only_who_was_seen_is_approved(void **state) {
    (void)state;
    static const char *const OTHERS[] = {"\"name\":\"somebody\",\"note\":\"press 2\"",
        "\"name\":\"fitter\",\"note\":\"another\"",
        "\"name\":\"fitter\",\"note\":\"press 2\",\"organisation\":\"another\""};
    open_case(here.fitter);
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        char body[640];
        (void)snprintf(body, sizeof body, "{\"link\":\"%s\",%s,\"role\":\"viewer\",\"minutes\":60}",
            here.link, OTHERS[i]);
        ask(&here.factory, "POST " SUPPORT, here.owner, body, 409, "look again at who asks");
    }
    char nobody[512];
    (void)snprintf(nobody, sizeof nobody,
        "{\"link\":\"%s\",\"name\":\"\",\"role\":\"viewer\",\"minutes\":60}", here.link);
    ask(&here.factory, "POST " SUPPORT, here.owner, nobody, 400, NULL);
    approve(here.link, "viewer", 60, 201); // None of these spent the code.
}

static void a_case_is_used_by_whoever_opened_it(void **state) {
    (void)state;
    ask(&here.desk, "GET " CASES, here.reader, "", 200, "{\"may_open\":false,\"items\":[]}");
    ask(&here.desk, "POST " CASES, here.reader, "{\"factory\":\"x\"}", 403, NULL);
    ask(&here.desk, "POST " CASES, here.fitter, "{\"factory\":\"\"}", 400, NULL);
    ask(&here.desk, "POST " CASES, here.fitter,
        "{\"factory\":\"x\",\"address\":\"http://desk.example\"}", 400, "HTTPS");
    ask(&here.desk, "POST " CASES, here.fitter,
        "{\"factory\":\"x\",\"address\":\"https://desk.example:8443/\"}", 201,
        "https://desk.example:8443/support#");
    open_case(here.boss);
    approve(here.link, "viewer", 60, 201);
    assert_int_equal(via(here.fitter, "GET", TAGS, "", NULL), 404);
    assert_int_equal(via(here.reader, "GET", TAGS, "", NULL), 404);
    until(&here.desk, "GET " CASES, here.boss, "\"connected\":true");
    assert_int_equal(via(here.boss, "GET", TAGS, "", NULL), 200);
    assert_int_equal(via(here.boss, "GET", "/metrics", "", NULL), 400);
    assert_int_equal(via(here.boss, "GET", "http://x/api/v1/plants", "", NULL), 400);
    AUTO_ANSWER struct answer fitters;
    ask_with_type(&here.desk, "GET " CASES, here.fitter, "", &fitters);
    assert_null(strstr(buf_z(&fitters.body), here.case_id)); // Of an admin's: not told.
}

static void a_viewer_changes_nothing(void **state) {
    (void)state;
    begin_visit("viewer");
    assert_int_equal(via(here.fitter, "GET", TAG, "", NULL), 200);
    assert_int_equal(via(here.fitter, "PUT", TAG, "{\"display\":\"x\"}", NULL), 403);
    assert_int_equal(via(here.fitter, "POST", "/api/v1/plants/p1/doctor", "{}", NULL), 403);
    assert_int_equal(via(here.fitter, "GET", "/api/v1/plants/p2/tags", "", NULL), 404);
    assert_int_equal(audit_count(&here.factory, "support.request"), 0);
    ask(&here.factory, "GET " SUPPORT, here.owner, "", 200, "\"reads\":1");
}

/* ---- Ends that nobody asked for ---- */

static void the_end_of_the_time_ends_it(void **state) {
    (void)state;
    begin_visit("installer");
    assert_int_equal(via(here.fitter, "GET", TAG, "", NULL), 200);
    atomic_store(&here.clock.ahead_ns, 3601 * NS_PER_S);
    /* The next request is the last: it is not carried out. */
    assert_int_equal(via(here.fitter, "PUT", TAG, "{\"display\":\"late\"}", NULL), 410);
    ended_by("time");
    assert_int_equal(audit_count(&here.factory, "support.request"), 0);
}

static void a_restart_of_the_factory_ends_it(void **state) {
    (void)state;
    begin_visit("installer");
    serve_stop(here.factory.server);
    serve_again(&here.factory, 0, &here.clock.clock);
    ask(&here.factory, "GET " SUPPORT, here.owner, "", 200, "\"now\":null");
    ended_by("restart");
    until(&here.desk, "GET " CASES, here.fitter, "\"ended_by\":\"factory\"");
}

static int leave_open(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct support_visit visit = {.id = STR("support:0123456789abcdef"),
        .plant = STR("p1"),
        .role = ROLE_INSTALLER,
        .desk = STR("https://desk.example"),
        .organisation = STR(""),
        .name = STR("n"),
        .note = STR(""),
        .approved_by = STR("somebody"),
        .begun_ns = 1,
        .until_ns = INT64_MAX};
    return support_visit_new(tx, &visit, err);
}

static void what_a_kill_left_open_is_ended_and_not_resumed(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    serve_stop(here.factory.server);
    assert_int_equal(ledger_write(home_hub(here.factory.home), leave_open, NULL, &err), 0);
    serve_again(&here.factory, 0, &here.clock.clock);
    ask(&here.factory, "GET " SUPPORT, here.owner, "", 200, "\"now\":null");
    ended_by("restart");
    assert_int_equal(audit_count(&here.factory, "\"action\":\"support.end\""), 1);
}

static void a_lost_connection_comes_back(void **state) {
    (void)state;
    begin_visit("installer");
    uint16_t port = here.desk.port;
    serve_stop(here.desk.server);
    until(&here.factory, "GET " SUPPORT, here.owner, "\"connected\":false");
    serve_again(&here.desk, port, NULL);
    until(&here.factory, "GET " SUPPORT, here.owner, "\"connected\":true");
    assert_int_equal(via(here.fitter, "GET", TAG, "", "line1.press1.temp"), 200);
}

static int approver_leaves(struct ledger_tx *tx, void *context, struct err *err) {
    struct user_key key;
    int rc = user_find(tx, STR("owner"), &key, err);
    return rc < 0 ? rc : user_state_put(tx, str_of(key.id), false, *(bool *)context, err);
}

static void a_visit_lasts_no_longer_than_its_approver(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    bool disabled = true;
    char owner[RIG_COOKIE_MAX];
    rig_person(&here.factory, "owner2", ROLE_OWNER, owner); // There is always one.
    begin_visit("installer");
    assert_int_equal(via(here.fitter, "GET", TAG, "", NULL), 200);
    assert_int_equal(
        ledger_write(home_hub(here.factory.home), approver_leaves, &disabled, &err), 0);
    assert_int_equal(via(here.fitter, "PUT", TAG, "{\"display\":\"late\"}", NULL), 410);
    assert_int_equal(audit_count(&here.factory, "support.request"), 0);
    memcpy(here.owner, owner, sizeof here.owner);
    ended_by("owner");
}

static void what_was_begun_remotely_does_not_outlast_the_visit(void **state) {
    (void)state;
    begin_visit("installer");
    assert_int_equal(via(here.fitter, "POST", "/api/v1/plants/p1/import?as=samples&more=1",
                         "tag,time,value\n", "receiving"),
        200);
    ask(&here.factory, "GET /api/v1/plants/p1/import", here.owner, "", 200, "receiving");
    ask(&here.factory, "DELETE " SUPPORT, here.owner, "", 204, NULL);
    ended_by("owner");
    ask(&here.factory, "GET /api/v1/plants/p1/import", here.owner, "", 200, "cancelled");
}

/* ---- The desk's certificate ---- */

static void look_at(const char *base, const char *end, int status, const char *holds) {
    char body[640];
    char code[64];
    (void)str_copy_z(str_of(strchr(here.link, '#') + 1), code, sizeof code);
    (void)snprintf(body, sizeof body, "{\"link\":\"%s/support#%s%s\"}", base, code, end);
    ask(&here.factory, "POST " SUPPORT "/look", here.owner, body, status, holds);
}

static void a_desk_with_its_own_authority_is_known_by_its_fingerprint(void **state) {
    (void)state;
    struct tls_store *store = NULL;
    struct tls_facts facts;
    struct tls_options tls = {.home_dir = here.desk.dir};
    struct serve_options options = {.home = here.desk.home, .address = "127.0.0.1"};
    open_case(here.fitter);
    assert_int_equal(tls_store_open(&tls, &store, NULL), 0);
    tls_store_facts(store, &facts);
    serve_stop(here.desk.server);
    options.tls = store;
    assert_int_equal(serve_start(&options, &here.desk.server, NULL), 0);
    here.desk.port = serve_port(here.desk.server);
    char base[64];
    char right[80] = ".";
    (void)snprintf(base, sizeof base, "https://127.0.0.1:%u", here.desk.port);
    struct str rest = str_of(facts.authority);
    while (rest.size > 0) {
        size_t used = strlen(right);
        (void)str_copy_z(str_cut(&rest, ':'), right + used, sizeof right - used);
    }
    char wrong[80];
    memcpy(wrong, right, sizeof wrong);
    wrong[10] = wrong[10] == '0' ? '1' : '0';
    look_at(base, wrong, 409, "somebody may be in between");
    look_at(base, "", 502, "certificate"); // Not of the system's authorities.
    look_at(base, right, 200, "fitter");
    char link[512];
    (void)snprintf(link, sizeof link, "%s/support#%s%s", base, strchr(here.link, '#') + 1, right);
    approve(link, "viewer", 60, 201);
    until(&here.factory, "GET " SUPPORT, here.owner, "\"connected\":true");
    ask(&here.factory, "DELETE " SUPPORT, here.owner, "", 204, NULL);
    serve_stop(here.factory.server); // Its word of farewell comes before the desk goes.
    serve_again(&here.factory, 0, NULL);
    serve_stop(here.desk.server);
    serve_again(&here.desk, 0, NULL);
    tls_store_close(store);
}

/* ---- A desk that lies ---- */

static void begin_with(struct fake_desk *fake) {
    char link[128];
    fake_desk_start(fake);
    fake_desk_link(fake, link);
    approve(link, "installer", 60, 201);
}

static void until_exchanges(struct fake_desk *fake, uint32_t count) {
    int64_t deadline = clock_mono_ns(clock_system()) + 10 * NS_PER_S;
    while (atomic_load(&fake->exchanges) < count) {
        assert_true(clock_mono_ns(clock_system()) < deadline);
        (void)poll(NULL, 0, 5);
    }
}

static void kept(struct fake_desk *fake, uint32_t index, struct support_answers *ret_answers) {
    assert_int_equal(support_answers_read(buf_str(&fake->kept[index]), ret_answers, NULL), 0);
}

/* Before its code is spent, and before a word of it stands in the audit trail. */
static void a_desk_whose_name_is_no_text_is_refused(void **state) {
    (void)state;
    struct fake_desk fake = {.strange = true};
    char link[128];
    char body[256];
    fake_desk_start(&fake);
    fake_desk_link(&fake, link);
    (void)snprintf(body, sizeof body, "{\"link\":\"%s\"}", link);
    ask(&here.factory, "POST " SUPPORT "/look", here.owner, body, 400, "name");
    fake_desk_stop(&fake);
}

static void look_run(void *context) {
    char body[256];
    (void)snprintf(body, sizeof body, "{\"link\":\"%s\"}", (const char *)context);
    AUTO_ANSWER struct answer answer;
    ask_with_type(&here.factory, "POST " SUPPORT "/look", here.owner, body, &answer);
    assert_int_not_equal(answer.status, 200);
}

/* A desk that says nothing has half a minute; the end of the program does not wait for it. */
static void the_end_of_the_program_breaks_off_a_look(void **state) {
    (void)state;
    struct fake_desk fake = {.mute = true};
    struct thread looker = {.started = false};
    char link[128];
    fake_desk_start(&fake);
    fake_desk_link(&fake, link);
    thread_start(&looker, "looker", look_run, link);
    while (!atomic_load(&fake.looked)) {
        (void)poll(NULL, 0, 5);
    }
    serve_stop(here.factory.server);
    thread_join(&looker);
    fake_desk_stop(&fake);
    assert_true(atomic_load(&fake.given_up));
    serve_again(&here.factory, 0, &here.clock.clock);
    ask(&here.factory, "GET " SUPPORT, here.owner, "", 200, "\"now\":null");
}

static void rubbish_and_floods_are_told_and_survived(void **state) {
    (void)state;
    struct fake_desk fake = {
        .steps = {REPLY_RUBBISH, REPLY_HUGE, REPLY_REQUESTS, REPLY_SILENCE}, .step_count = 4};
    fake.requests = (struct support_requests){.count = 3,
        .items = {{.id = 9, .target = STR("/api/v1/plants/p1/access")},
            {.id = 8, .target = STR("/api/v1/users"), .method = SUPPORT_DELETE},
            {.id = 7, .target = STR(TAG), .language = STR("en")}}};
    begin_with(&fake);
    until(&here.factory, "GET " SUPPORT, here.owner, "damaged at byte");
    until_exchanges(&fake, 4);
    struct support_answers answers;
    kept(&fake, 3, &answers);
    assert_int_equal(answers.count, 3);
    assert_int_equal(answers.items[0].id, 9);
    assert_int_equal(answers.items[0].status, 403);
    assert_int_equal(answers.items[1].status, 403);
    assert_int_equal(answers.items[2].status, 200);
    until(&here.factory, "GET " SUPPORT, here.owner, "\"refused\":2");
    ask(&here.factory, "DELETE " SUPPORT, here.owner, "", 204, NULL);
    until_exchanges(&fake, 5); // The silent one was broken off: a word of farewell.
    kept(&fake, 4, &answers);
    assert_int_equal(answers.flags, SUPPORT_END);
    fake_desk_stop(&fake);
}

static void a_broken_line_is_tried_again_with_the_same_answers(void **state) {
    (void)state;
    struct fake_desk fake = {
        .steps = {REPLY_REQUESTS, REPLY_BROKEN, REPLY_BUSY, REPLY_GONE}, .step_count = 4};
    fake.requests = (struct support_requests){.count = 1, .items = {{.id = 5, .target = STR(TAG)}}};
    begin_with(&fake);
    until_exchanges(&fake, 4);
    for (uint32_t i = 1; i < 4; i++) {
        struct support_answers answers;
        kept(&fake, i, &answers);
        assert_int_equal(answers.count, 1);
        assert_int_equal(answers.items[0].id, 5);
        assert_int_equal(answers.items[0].status, 200);
    }
    ended_by("desk");
    fake_desk_stop(&fake);
}

struct gate {
    struct mutex mutex;
    struct cond changed;
    bool entered;
    bool open;
};

/* Holds the writer of the plant's ledger until the gate opens. */
static int hold_writer(struct ledger_tx *tx, void *context, struct err *err) {
    (void)tx;
    (void)err;
    struct gate *gate = context;
    mutex_lock(&gate->mutex);
    gate->entered = true;
    cond_broadcast(&gate->changed);
    while (!gate->open) {
        (void)cond_wait_until(&gate->changed, &gate->mutex, INT64_MAX);
    }
    mutex_unlock(&gate->mutex);
    return 0;
}

static void hold_run(void *context) {
    struct err err = ERR_INIT;
    (void)ledger_write(plant_ledger(here.factory.plant), hold_writer, context, &err);
}

static void end_run(void *context) {
    (void)context;
    ask(&here.factory, "DELETE " SUPPORT, here.owner, "", 204, NULL);
}

static void an_end_in_the_middle_of_a_request_tells_nothing_more(void **state) {
    (void)state;
    struct gate gate = {.open = false};
    struct thread holder = {.started = false};
    struct thread ender = {.started = false};
    struct fake_desk fake = {.steps = {REPLY_REQUESTS, REPLY_SILENCE}, .step_count = 2};
    fake.requests = (struct support_requests){.count = 1,
        .items = {{.id = 5,
            .method = SUPPORT_PUT,
            .target = STR(TAG),
            .type = STR("application/json"),
            .body = STR("{\"display\":\"x\"}")}}};
    atomic_store(&fake.hold, true);
    mutex_init(&gate.mutex);
    cond_init(&gate.changed);
    begin_with(&fake);
    thread_start(&holder, "gate", hold_run, &gate);
    mutex_lock(&gate.mutex);
    while (!gate.entered) {
        (void)cond_wait_until(&gate.changed, &gate.mutex, INT64_MAX);
    }
    mutex_unlock(&gate.mutex);
    atomic_store(&fake.hold, false);
    until_exchanges(&fake, 1); // The change is asked for; its audit entry waits for the writer.
    thread_start(&ender, "ender", end_run, NULL);
    until(&here.factory, "GET " SUPPORT, here.owner, "\"now\":null");
    mutex_lock(&gate.mutex);
    gate.open = true;
    cond_broadcast(&gate.changed);
    mutex_unlock(&gate.mutex);
    thread_join(&ender);
    thread_join(&holder);
    until_exchanges(&fake, 2);
    struct support_answers answers;
    kept(&fake, 1, &answers);
    assert_int_equal(answers.flags, SUPPORT_END);
    assert_int_equal(answers.count, 0);
    ended_by("owner"); // The entry of the request came too late: it was not carried out.
    assert_int_equal(audit_count(&here.factory, "support.request"), 0);
    ask(&here.factory, "GET " TAG, here.owner, "", 200, "line1.press1.temp");
    fake_desk_stop(&fake);
    mutex_fini(&gate.mutex);
    cond_fini(&gate.changed);
}

static void too_many_requests_are_not_carried_out(void **state) {
    (void)state;
    struct fake_desk fake = {
        .steps = {REPLY_REQUESTS, REPLY_REQUESTS, REPLY_REQUESTS, REPLY_REQUESTS, REPLY_REQUESTS,
            REPLY_REQUESTS, REPLY_REQUESTS, REPLY_REQUESTS},
        .step_count = 8};
    fake.requests.count = SUPPORT_BATCH_MAX;
    for (uint32_t i = 0; i < SUPPORT_BATCH_MAX; i++) {
        fake.requests.items[i] = (struct support_request){.id = i + 1, .target = STR(TAG)};
    }
    begin_with(&fake);
    until_exchanges(&fake, 12);
    bool limited = false;
    for (uint32_t i = 0; i < 12 && !limited; i++) {
        struct support_answers answers;
        kept(&fake, i, &answers);
        for (uint32_t k = 0; k < answers.count; k++) {
            limited = limited || answers.items[k].status == 429;
        }
    }
    assert_true(limited);
    ask(&here.factory, "DELETE " SUPPORT, here.owner, "", 204, NULL);
    fake_desk_stop(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(a_supporter_helps_and_the_owner_ends_it),
        BOTH(the_desk_can_end_it_as_well),
        BOTH(only_the_owner_in_person_lets_somebody_in),
        BOTH(only_who_was_seen_is_approved),
        BOTH(a_case_is_used_by_whoever_opened_it),
        BOTH(a_viewer_changes_nothing),
        BOTH(the_end_of_the_time_ends_it),
        BOTH(a_restart_of_the_factory_ends_it),
        BOTH(what_a_kill_left_open_is_ended_and_not_resumed),
        BOTH(a_lost_connection_comes_back),
        BOTH(what_was_begun_remotely_does_not_outlast_the_visit),
        BOTH(a_desk_with_its_own_authority_is_known_by_its_fingerprint),
        BOTH(a_desk_whose_name_is_no_text_is_refused),
        BOTH(the_end_of_the_program_breaks_off_a_look),
        BOTH(rubbish_and_floods_are_told_and_survived),
        BOTH(a_broken_line_is_tried_again_with_the_same_answers),
        BOTH(an_end_in_the_middle_of_a_request_tells_nothing_more),
        BOTH(too_many_requests_are_not_carried_out),
        BOTH(a_visit_lasts_no_longer_than_its_approver),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
