/*
 * The factory's side of remote support.
 *
 * No port is opened: the thread posts the answers it has and gets the next requests with the
 * response, which the desk holds back until there are some (20 s at most). A connection that
 * breaks is made again with growing pauses, within the approved time. Answers that the desk has not
 * confirmed are sent again; requests are carried out once.
 *
 * What is believed of the desk: nothing but its certificate. It is checked against the system's
 * authorities, or against the one authority whose fingerprint stands in the link. That one is
 * fetched from the desk without being believed, and used only when it has the fingerprint; the
 * name in the certificate does not matter then, because the authority is of that one computer.
 *
 * The end is by the monotonic clock as well as by the wall clock, so that setting the clock back
 * prolongs nothing. Before each request and before each answer goes out it is asked whether the
 * visit still lasts; ending it breaks off a waiting exchange at once.
 *
 * A visit lasts no longer than its approver is an active owner of the plant, and no job that was
 * begun in it outlives it. An end that comes while a request is being carried out is recorded
 * behind it, so that no change stands after the recorded end.
 *
 * Each request that may change something stands in the plant's audit chain before it is carried
 * out, with the supporter as actor; where that cannot be written it is not carried out. What was
 * read is counted and summed up in the entry of the end.
 */
#include "serve/support.h"

#include <stdatomic.h>
#include <string.h>

#include "core/json.h"
#include "core/json_in.h"
#include "core/log.h"
#include "core/thread.h"
#include "device/http_post.h"
#include "serve/call.h"
#include "serve/desk.h"
#include "serve/inside.h"
#include "serve/jobs.h"
#include "serve/rate.h"
#include "serve/server.h"
#include "upkeep/tls.h"

enum {
    ASK_TIMEOUT_MS = 10000, // Look and connect.
    EXCHANGE_TIMEOUT_MS = (DESK_POLL_S + 15) * 1000,
    GOODBYE_TIMEOUT_MS = 2000,
    PAUSE_MIN_MS = 100,
    PAUSE_MAX_MS = 30000,
    JSON_BYTES = 64 * 1024, // Of an answer of the desk's to look and connect.
    PEM_BYTES = 64 * 1024,
    SEND_BYTES = 64 * 1024,  // Answers are sent when there are so many bytes of them.
    TARGET_TOLD_BYTES = 300, // Of a request, in the audit chain.
};

struct visit {
    char id[SUPPORT_VISIT_ID];
    char organisation[260];
    char name[260];
    char note[SUPPORT_NOTE_BYTES + 4];
    char desk[SUPPORT_LINK_BYTES];
    char key[SECRET_TEXT_MAX];
    char approved_by[64]; // User id.
    struct plant *plant;
    enum role role;
    int64_t begun_ns;
    int64_t until_ns;
    int64_t until_mono_ns;
};

struct support {
    struct server *server;
    struct rate_table *rates;
    struct thread thread;
    _Atomic uint32_t changes; // Counts endings: breaks off what waits for the desk.
    struct mutex mutex;       // Of all below.
    struct cond changed;
    bool starting; // An approval is under way.
    bool active;   // `visit` lasts; its fields are constant meanwhile.
    bool closed;   // The program ends.
    bool busy;     // A request is being carried out: whoever does it records the end behind it.
    const char *ended_why; // Not NULL: to be recorded by the thread.
    char ended_actor[64];
    struct visit visit;
    struct http_line *line; // Of the thread; under the mutex for waking alone.
    bool connected;
    struct err trouble;
    struct support_counts counts;
};

/* ---- Asking the desk ---- */

static struct str url_of(struct str base, const char *path, struct buf *to) {
    buf_clear(to);
    buf_put_str(to, base);
    buf_put_str(to, str_of(path));
    return buf_str(to);
}

/* Fetches the authority that the link names. */
static int fetch_authority(
    struct support *support, const struct support_link *link, struct buf *to, struct err *err) {
    AUTO_BUF struct buf url;
    AUTO_BUF struct buf pem;
    buf_init(&url, SUPPORT_LINK_BYTES);
    buf_init(&pem, PEM_BYTES);
    struct http_line *line = http_line_new(&(struct http_line_options){.unchecked = true});
    struct http_post get = {.url = url_of(link->base, "/maru-ca.crt", &url),
        .timeout_ms = ASK_TIMEOUT_MS,
        .changes = &support->changes,
        .unchanged = atomic_load(&support->changes)};
    int status = http_line_send(line, &get, &pem, err);
    http_line_free(line);
    if (status >= 0 && status != 200) {
        return err_set(
            err, ERR_REFUSED, MSG_SUPPORT_ANSWERED, ARGS(A_STR(link->base), A_INT(status)));
    }
    return status < 0 ? status : tls_authority_pick(buf_str(&pem), link->fingerprint, to, err);
}

/* A line to the desk that is believed only if it is the one of the link. */
static int open_line(struct support *support, const struct support_link *link,
    struct http_line **ret_line, struct err *err) {
    AUTO_BUF struct buf authority;
    buf_init(&authority, PEM_BYTES);
    int rc = link->fingerprint[0] ? fetch_authority(support, link, &authority, err) : 0;
    if (rc >= 0) {
        *ret_line = http_line_new(&(struct http_line_options){.authority = buf_str(&authority)});
    }
    return rc < 0 ? rc : 0;
}

/* Words of the desk's refusal, as far as it has any. */
static int desk_refused(struct str base, int status, struct str answer, struct err *err) {
    AUTO_JSON_IN struct json_in *problem = NULL;
    struct str detail = STR_NONE;
    if (json_in_parse(answer, &problem, NULL) >= 0) {
        (void)json_in_str(problem, "detail", SUPPORT_NOTE_BYTES, &detail, NULL);
    }
    enum err_code code = status == 403 ? ERR_FORBIDDEN : ERR_REFUSED;
    return detail.size > 0
               ? err_set(err, code, MSG_SUPPORT_REFUSED, ARGS(A_STR(base), A_STR(detail)))
               : err_set(err, code, MSG_SUPPORT_ANSWERED, ARGS(A_STR(base), A_INT(status)));
}

struct asking {
    struct support *support;
    struct http_line *line;
    struct str base;
    const char *path;
    struct str body;
};

static int ask(const struct asking *asking, struct json_in **ret_answer, struct err *err) {
    AUTO_BUF struct buf url;
    AUTO_BUF struct buf answer;
    buf_init(&url, SUPPORT_LINK_BYTES);
    buf_init(&answer, JSON_BYTES);
    struct http_post post = {.url = url_of(asking->base, asking->path, &url),
        .type = STR("application/json"),
        .body = asking->body,
        .timeout_ms = ASK_TIMEOUT_MS,
        .changes = &asking->support->changes,
        .unchanged = atomic_load(&asking->support->changes)};
    int status = http_line_send(asking->line, &post, &answer, err);
    if (status >= 0 && status != 200) {
        return desk_refused(asking->base, status, buf_str(&answer), err);
    }
    if (status < 0) {
        return status;
    }
    if (json_in_parse(buf_str(&answer), ret_answer, NULL) < 0) {
        return err_set(
            err, ERR_REFUSED, MSG_SUPPORT_ANSWERED, ARGS(A_STR(asking->base), A_INT(status)));
    }
    return 0;
}

static int read_offer(const struct json_in *answer, struct arena *arena,
    struct support_offer *ret_offer, struct err *err) {
    struct support_offer offer = {STR_NONE, STR_NONE, STR_NONE, STR_NONE, 0};
    int rc = json_in_str(answer, "organisation", LIMIT_DISPLAY_BYTES, &offer.organisation, err);
    rc = rc < 0 ? rc : json_in_str(answer, "name", LIMIT_DISPLAY_BYTES, &offer.name, err);
    rc = rc < 0 ? rc : json_in_str(answer, "factory", LIMIT_DISPLAY_BYTES, &offer.factory, err);
    rc = rc < 0 ? rc : json_in_str(answer, "note", SUPPORT_NOTE_BYTES, &offer.note, err);
    rc = rc < 0 ? rc : json_in_i64(answer, "seconds", &offer.seconds, err);
    struct str *const texts[] = {&offer.organisation, &offer.name, &offer.factory, &offer.note};
    for (size_t i = 0; rc >= 0 && i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_copy(arena, *texts[i]);
    }
    rc = rc < 0 ? rc : support_texts_check(offer.organisation, offer.name, offer.note, err);
    bool sane = offer.seconds >= 0 && offer.seconds <= 86400;
    if (rc >= 0 && !sane) {
        rc = err_set(err, ERR_REFUSED, MSG_SUPPORT_MINUTES,
            ARGS(A_INT(SUPPORT_MINUTES_MIN), A_INT(SUPPORT_MINUTES_MAX)));
    }
    if (rc >= 0) {
        *ret_offer = offer;
    }
    return rc < 0 ? rc : 0;
}

static int look_over(const struct asking *line, const struct support_link *link,
    struct arena *arena, struct support_offer *ret_offer, struct err *err) {
    AUTO_BUF struct buf body;
    AUTO_JSON_IN struct json_in *answer = NULL;
    struct json json;
    buf_init(&body, JSON_BYTES);
    json_init(&json, &body);
    json_object_begin(&json);
    json_put_str(&json, "code", link->code);
    json_object_end(&json);
    struct asking asking = *line;
    asking.path = "/api/v1/support/desk/look";
    asking.body = buf_str(&body);
    int rc = ask(&asking, &answer, err);
    return rc < 0 ? rc : read_offer(answer, arena, ret_offer, err);
}

int support_look(struct support *support, const struct support_link *link, struct arena *arena,
    struct support_offer *ret_offer, struct err *err) {
    struct asking asking = {.support = support, .base = link->base};
    int rc = open_line(support, link, &asking.line, err);
    rc = rc < 0 ? rc : look_over(&asking, link, arena, ret_offer, err);
    http_line_free(asking.line);
    return rc;
}

/* ---- Records ---- */

struct record {
    struct support *support;
    struct str actor;
    const char *action;
    struct str subject;
    struct str payload;
    const char *why;
    struct str approved_by;
    struct support_counts counts;
};

static int audit_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct record *record = context;
    return audit_append(
        tx, record->actor, str_of(record->action), record->subject, record->payload, err);
}

static int begin_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct record *record = context;
    const struct visit *visit = &record->support->visit;
    struct support_visit row = {.id = str_of(visit->id),
        .plant = plant_id(visit->plant),
        .role = visit->role,
        .desk = str_of(visit->desk),
        .organisation = str_of(visit->organisation),
        .name = str_of(visit->name),
        .note = str_of(visit->note),
        .approved_by = record->approved_by,
        .begun_ns = visit->begun_ns,
        .until_ns = visit->until_ns};
    return support_visit_new(tx, &row, err);
}

/* The visit is in the hub and in the plant's chain before its first request. */
static int record_begin(struct support *support, struct str approved_by, struct err *err) {
    const struct visit *visit = &support->visit;
    AUTO_BUF struct buf payload;
    buf_init(&payload, 8192);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_str(&json, "name", str_of(visit->name));
    json_put_str(&json, "organisation", str_of(visit->organisation));
    json_put_str(&json, "desk", str_of(visit->desk));
    json_put_str(&json, "role", str_of(role_name(visit->role)));
    json_put_i64(&json, "minutes", (visit->until_ns - visit->begun_ns) / (60 * NS_PER_S));
    json_object_end(&json);
    struct record record = {.support = support,
        .actor = approved_by,
        .approved_by = approved_by,
        .action = "support.begin",
        .subject = str_of(visit->id),
        .payload = buf_str(&payload)};
    int rc = ledger_write(plant_ledger(visit->plant), audit_store, &record, err);
    return rc < 0 ? rc : ledger_write(home_hub(support->server->home), begin_store, &record, err);
}

static int end_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct record *record = context;
    int rc = support_visit_end(tx, record->subject, record->why, &record->counts, err);
    return rc < 0 ? rc : 0;
}

static void record_end(struct record *record, struct plant *plant) {
    AUTO_BUF struct buf payload;
    struct err err = ERR_INIT;
    buf_init(&payload, 256);
    buf_printf(&payload, "%s; %lld reads, %lld changes, %lld refused", record->why,
        (long long)record->counts.reads, (long long)record->counts.changes,
        (long long)record->counts.refused);
    record->action = "support.end";
    record->payload = buf_str(&payload);
    int rc = ledger_write(plant_ledger(plant), audit_store, record, &err);
    rc = rc < 0 ? rc
                : ledger_write(home_hub(record->support->server->home), end_store, record, &err);
    if (rc < 0) { // The visit is over all the same; the row is closed at the next start.
        log_event(LOG_ERROR, "serve", "support-end-not-stored", NULL, &err);
    }
}

/* ---- The end ---- */

/* What was begun remotely does not outlast the visit. */
static void finish(struct record *record, struct plant *plant) {
    jobs_cancel_of(record->support->server->jobs, record->subject);
    record_end(record, plant);
    log_event(LOG_INFO, "serve", "support-end", LOG_FIELDS({"why", A_CSTR(record->why)}), NULL);
}

/* Ends the visit once: whoever comes first tells why. False: none lasts. */
static bool close_visit(struct support *support, const char *why, struct str actor) {
    mutex_lock(&support->mutex);
    bool first = support->active;
    support->active = false;
    char id[SUPPORT_VISIT_ID]; // The next visit may begin while this one is being recorded.
    memcpy(id, support->visit.id, sizeof id);
    struct record record = {.support = support,
        .actor = actor,
        .why = why,
        .subject = str_of(id),
        .counts = support->counts};
    struct plant *plant = support->visit.plant;
    if (first) {
        atomic_fetch_add(&support->changes, 1);
        if (support->line) {
            http_line_wake(support->line);
        }
        cond_broadcast(&support->changed);
    }
    bool later = first && support->busy;
    if (later) {
        support->ended_why = why;
        (void)str_copy_z(actor, support->ended_actor, sizeof support->ended_actor);
    }
    mutex_unlock(&support->mutex);
    if (first && !later) {
        finish(&record, plant);
    }
    return first;
}

/* Under way: from here on an end is recorded behind it. False: the visit is over. */
static bool request_enter(struct support *support) {
    mutex_lock(&support->mutex);
    support->busy = support->active;
    bool active = support->active;
    mutex_unlock(&support->mutex);
    return active;
}

static void request_leave(struct support *support, enum inside_kind kind) {
    mutex_lock(&support->mutex);
    support->busy = false;
    support->counts.reads += kind == INSIDE_READ;
    support->counts.changes += kind == INSIDE_CHANGE;
    support->counts.refused += kind == INSIDE_REFUSED;
    struct record record = {.support = support,
        .actor = str_of(support->ended_actor),
        .why = support->ended_why,
        .subject = str_of(support->visit.id),
        .counts = support->counts};
    support->ended_why = NULL;
    mutex_unlock(&support->mutex);
    if (record.why) { // No visit begins before this thread has ended: the texts stay.
        finish(&record, support->visit.plant);
    }
}

void support_end(struct support *support, const char *why) {
    mutex_lock(&support->mutex);
    support->closed = true;
    atomic_fetch_add(&support->changes, 1); // Breaks off a look or an approval, too.
    mutex_unlock(&support->mutex);
    (void)close_visit(support, why, STR("maru"));
}

int support_stop(
    struct support *support, struct plant *plant, struct str user_id, struct err *err) {
    mutex_lock(&support->mutex);
    bool here = support->active && support->visit.plant == plant;
    mutex_unlock(&support->mutex);
    return here && close_visit(support, "owner", user_id)
               ? 0
               : err_set(err, ERR_NOT_FOUND, MSG_SUPPORT_NONE, NO_ARGS);
}

/* Whether it lasts by word and time, without ending it: on any thread, also a ledger's. */
static bool is_over(struct support *support, bool *ret_active) {
    const struct clock *clock = support->server->clock;
    mutex_lock(&support->mutex);
    *ret_active = support->active;
    bool over = clock_mono_ns(clock) >= support->visit.until_mono_ns ||
                clock_wall_ns(clock) >= support->visit.until_ns;
    mutex_unlock(&support->mutex);
    return !*ret_active || over;
}

/* Whether the visit lasts; its time is up at the first look after it. */
static bool lasts(struct support *support) {
    bool active = false;
    bool over = is_over(support, &active);
    if (over && active) {
        (void)close_visit(support, "time", STR("maru"));
    }
    return !over;
}

struct standing {
    struct support *support;
    bool stands;
};

static int standing_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct standing *standing = context;
    const struct visit *visit = &standing->support->visit;
    return support_approver_stands(
        tx, str_of(visit->approved_by), plant_id(visit->plant), &standing->stands, err);
}

/* Whether whoever approved may still do so; of the thread. What the hub cannot tell ends it, too.
 */
static bool is_approved(struct support *support) {
    struct standing standing = {.support = support};
    struct err err = ERR_INIT;
    int rc = ledger_read(home_hub(support->server->home), standing_read, &standing, &err);
    if (rc < 0 || !standing.stands) {
        (void)close_visit(support, "owner", STR("maru"));
    }
    return rc >= 0 && standing.stands;
}

/* ---- Carrying out ---- */

/* Of the thread alone. */
struct work {
    struct support *support;
    struct principal principal;
    struct buf incoming; // A frame of the desk's, which `requests` borrows.
    struct support_requests requests;
    uint32_t next; // Of `requests`.
    struct buf outgoing;
    struct support_answers answers;
    struct inside_answer made[SUPPORT_BATCH_MAX]; // What `answers` borrows.
    size_t made_bytes;
    int64_t pause_ms;
    bool settled; // The last exchange went well.
};

/* The visit lasts at the moment in which the entry is made, or there is none. */
static int request_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct record *record = context;
    bool active = false;
    return is_over(record->support, &active)
               ? err_set(err, ERR_CANCELLED, MSG_SUPPORT_NONE, NO_ARGS)
               : audit_store(tx, context, err);
}

/* What is asked, and of which machine where a draft is sent; secrets stand in other members. */
static void put_request(struct buf *payload, const struct http_request *request) {
    static const char *const TOLD[] = {"driver", "address", "source"};
    AUTO_JSON_IN struct json_in *body = NULL;
    AUTO_BUF struct buf asked;
    buf_init(&asked, 64 + TARGET_TOLD_BYTES);
    buf_printf(&asked, "%s %.*s", http_method_name(request->method),
        STR_ARG(str_slice(request->path, 0, TARGET_TOLD_BYTES)));
    struct json json;
    json_init(&json, payload);
    json_object_begin(&json);
    json_put_str(&json, "request", buf_str(&asked));
    if (request->query.size > 0) {
        json_put_str(&json, "query", str_slice(request->query, 0, TARGET_TOLD_BYTES));
    }
    bool read = json_in_parse(request->body, &body, NULL) >= 0;
    for (size_t i = 0; read && i < sizeof TOLD / sizeof TOLD[0]; i++) {
        struct str text = STR_NONE;
        if (json_in_str(body, TOLD[i], LIMIT_DEVICE_TEXT_BYTES, &text, NULL) > 0) {
            json_put_str(&json, TOLD[i], text);
        }
    }
    json_object_end(&json);
}

static int before_change(void *context, const struct call *call, struct err *err) {
    struct work *work = context;
    const struct http_request *request = &call->http->request;
    AUTO_BUF struct buf payload;
    buf_init(&payload, 8 * LIMIT_DEVICE_TEXT_BYTES + 8192);
    put_request(&payload, request);
    struct record record = {.support = work->support,
        .actor = str_of(work->principal.id),
        .action = "support.request",
        .subject = str_of(call->route->id),
        .payload = buf_str(&payload)};
    return ledger_write(plant_ledger(work->support->visit.plant), request_store, &record, err);
}

static void answer_rate(struct inside_answer *made, struct str language) {
    struct err err = ERR_INIT;
    struct json json;
    AUTO_BUF struct buf words;
    buf_init(&words, 1024);
    (void)err_set(&err, ERR_LIMIT, MSG_SUPPORT_RATE, ARGS(A_INT(SUPPORT_REQUESTS_PER_S)));
    err_render(&err, accept_language(language), &words);
    made->status = 429;
    made->kind = INSIDE_REFUSED;
    (void)str_copy_z(STR("application/problem+json"), made->type, sizeof made->type);
    json_init(&json, &made->body);
    json_object_begin(&json);
    json_put_i64(&json, "status", made->status);
    json_put_str(&json, "detail", buf_str(&words));
    json_put_str(&json, "code", STR("limit"));
    json_object_end(&json);
}

static enum http_method method_of(enum support_method method) {
    switch (method) {
    case SUPPORT_GET: return HTTP_GET;
    case SUPPORT_POST: return HTTP_POST;
    case SUPPORT_PUT: return HTTP_PUT;
    case SUPPORT_DELETE: return HTTP_DELETE;
    case SUPPORT_METHODS: break;
    }
    return HTTP_METHOD_OTHER;
}

static void carry_out(struct work *work) {
    struct support *support = work->support;
    if (!request_enter(support)) {
        return;
    }
    const struct support_request *request = &work->requests.items[work->next++];
    struct inside_answer *made = &work->made[work->answers.count];
    *made = (struct inside_answer){.kind = INSIDE_REFUSED};
    buf_init(&made->body, SUPPORT_ANSWER_BYTES);
    if (!rate_take(support->rates, "s", 1, clock_mono_ns(support->server->clock), NULL)) {
        answer_rate(made, request->language);
    } else {
        inside_ask(support->server,
            &(struct inside_request){.principal = &work->principal,
                .method = method_of(request->method),
                .target = request->target,
                .type = request->type,
                .language = request->language,
                .body = request->body,
                .context = work,
                .before_change = before_change},
            made);
    }
    request_leave(support, made->kind);
    bool sane = made->status >= 200 && made->status <= 599;
    work->answers.items[work->answers.count++] = (struct support_answer){.id = request->id,
        .status = (uint16_t)(sane ? made->status : 500),
        .type = str_of(made->type),
        .disposition = str_of(made->disposition),
        .body = buf_str(&made->body)};
    work->made_bytes += made->body.size;
}

static void answers_drop(struct work *work) {
    for (uint32_t i = 0; i < work->answers.count; i++) {
        buf_fini(&work->made[i].body);
    }
    work->answers.count = 0;
    work->made_bytes = 0;
}

/* ---- Exchanges ---- */

static void tell(struct support *support, bool connected, const struct err *trouble) {
    mutex_lock(&support->mutex);
    bool news = support->connected != connected;
    support->connected = connected;
    support->trouble = trouble ? *trouble : ERR_INIT;
    mutex_unlock(&support->mutex);
    if (news) { // Not each try.
        log_event(connected ? LOG_INFO : LOG_WARN, "serve",
            connected ? "support-connected" : "support-connection-lost", NULL, trouble);
    }
}

/* Sends what is there with these flags; the HTTP status, or negative. */
static int send_frame(struct work *work, uint8_t flags, int64_t timeout_ms, struct err *err) {
    struct support *support = work->support;
    AUTO_BUF struct buf url;
    buf_init(&url, SUPPORT_LINK_BYTES);
    work->answers.flags = flags;
    buf_clear(&work->outgoing);
    support_answers_write(&work->answers, &work->outgoing);
    buf_clear(&work->incoming);
    struct http_post post = {
        .url = url_of(str_of(support->visit.desk), "/api/v1/support/desk/exchange", &url),
        .token = str_of(support->visit.key),
        .type = STR("application/octet-stream"),
        .body = buf_str(&work->outgoing),
        .timeout_ms = timeout_ms,
        .changes = &support->changes,
        .unchanged = atomic_load(&support->changes)};
    // An ending between the look and the number above is seen by the next look.
    if ((flags & SUPPORT_END) == 0 && !lasts(support)) {
        return err_set(err, ERR_CANCELLED, MSG_SUPPORT_NONE, NO_ARGS);
    }
    return http_line_send(support->line, &post, &work->incoming, err);
}

static int64_t left_ms(struct support *support) {
    int64_t left = support->visit.until_mono_ns - clock_mono_ns(support->server->clock);
    int64_t ms = left / NS_PER_MS + 1;
    return ms < 1 ? 1 : ms > EXCHANGE_TIMEOUT_MS ? EXCHANGE_TIMEOUT_MS : ms;
}

/* Waits, longer each time; an ending or the end of the time cuts it short. */
static void pause_after(struct work *work, const struct err *trouble) {
    struct support *support = work->support;
    tell(support, false, trouble);
    int64_t now = clock_mono_ns(support->server->clock);
    int64_t until = now + work->pause_ms * NS_PER_MS;
    work->pause_ms = work->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : work->pause_ms * 2;
    mutex_lock(&support->mutex);
    int64_t end = support->visit.until_mono_ns < until ? support->visit.until_mono_ns : until;
    while (support->active && cond_wait_until(&support->changed, &support->mutex, end)) {
    }
    mutex_unlock(&support->mutex);
}

static void exchange(struct work *work) {
    struct support *support = work->support;
    struct err err = ERR_INIT;
    bool more = work->next < work->requests.count; // They borrow `incoming`.
    bool stay = more || !work->settled; // After a pause an answer at once: it works again.
    struct buf kept = work->incoming;
    if (more) {
        buf_init(&work->incoming, SUPPORT_FRAME_BYTES);
    }
    int rc = send_frame(work, stay ? SUPPORT_STAY : 0, left_ms(support), &err);
    struct support_requests got = {.count = 0};
    if (rc == 200) {
        rc = support_requests_read(buf_str(&work->incoming), &got, &err);
    } else if (rc > 0 && rc != 410) {
        rc = err_set(
            &err, ERR_REFUSED, MSG_SUPPORT_ANSWERED, ARGS(A_CSTR(support->visit.desk), A_INT(rc)));
    }
    if (more) {
        buf_fini(&work->incoming);
        work->incoming = kept;
    }
    work->settled = rc >= 0;
    if (rc == -ERR_CANCELLED) {
        return; // The visit has ended.
    }
    if (rc < 0) {
        pause_after(work, &err);
        return;
    }
    if (rc == 410 || (got.flags & SUPPORT_END) != 0) {
        (void)close_visit(support, "desk", STR("maru"));
        return;
    }
    answers_drop(work);
    tell(support, true, NULL);
    work->pause_ms = PAUSE_MIN_MS;
    if (!more) {
        work->requests = got;
        work->next = 0;
    }
}

static void work_init(struct work *work, struct support *support) {
    const struct visit *visit = &support->visit;
    memset(work, 0, sizeof *work);
    work->support = support;
    work->pause_ms = PAUSE_MIN_MS;
    buf_init(&work->incoming, SUPPORT_FRAME_BYTES);
    buf_init(&work->outgoing, SUPPORT_FRAME_BYTES + SEND_BYTES);
    struct principal *who = &work->principal;
    who->role = visit->role;
    who->scopes = visit->role == ROLE_VIEWER ? SCOPE_READ : SCOPE_READ | SCOPE_WRITE;
    who->expires_ns = visit->until_ns;
    (void)str_copy_z(str_of(visit->id), who->id, sizeof who->id);
    (void)str_copy_z(STR("support"), who->name, sizeof who->name);
    (void)str_copy_z(str_of(visit->name), who->display, sizeof who->display);
    (void)str_copy_z(plant_id(visit->plant), who->plant, sizeof who->plant);
}

static void support_run(void *context) {
    struct support *support = context;
    struct work *work = MEM_NEW(struct work);
    work_init(work, support);
    while (lasts(support) && is_approved(support)) {
        bool has_next = work->next < work->requests.count;
        bool full = work->answers.count == SUPPORT_BATCH_MAX || work->made_bytes >= SEND_BYTES;
        if (has_next && !full) {
            carry_out(work);
        } else {
            exchange(work);
        }
    }
    struct err err = ERR_INIT;
    answers_drop(work); // What was read at the end is not told any more.
    (void)send_frame(work, SUPPORT_END, GOODBYE_TIMEOUT_MS, &err); // As far as it can be reached.
    mutex_lock(&support->mutex);
    struct http_line *line = support->line;
    support->line = NULL;
    mutex_unlock(&support->mutex);
    http_line_free(line);
    buf_fini(&work->incoming);
    buf_fini(&work->outgoing);
    mem_free(work);
}

/* ---- The beginning ---- */

static int connect_desk(struct asking *asking, const struct support_approval *approval,
    char ret_key[SECRET_TEXT_MAX], struct err *err) {
    AUTO_BUF struct buf body;
    AUTO_JSON_IN struct json_in *answer = NULL;
    struct str key = STR_NONE;
    struct json json;
    buf_init(&body, JSON_BYTES);
    json_init(&json, &body);
    json_object_begin(&json);
    json_put_str(&json, "code", approval->link->code);
    json_put_str(&json, "plant", plant_id(approval->plant));
    json_put_str(&json, "display", plant_display(approval->plant));
    json_put_str(&json, "role", str_of(role_name(approval->role)));
    json_put_i64(&json, "seconds", approval->minutes * 60);
    json_object_end(&json);
    asking->path = "/api/v1/support/desk/connect";
    asking->body = buf_str(&body);
    int rc = ask(asking, &answer, err);
    rc = rc < 0 ? rc : json_in_need_str(answer, "key", SECRET_TEXT_MAX - 1, &key, err);
    if (rc >= 0) {
        (void)str_copy_z(key, ret_key, SECRET_TEXT_MAX);
    }
    return rc < 0 ? rc : 0;
}

static void visit_fill(struct support *support, const struct support_approval *approval,
    const struct support_offer *offer) {
    struct visit *visit = &support->visit;
    const struct clock *clock = support->server->clock;
    int64_t duration_ns = approval->minutes * 60 * NS_PER_S;
    support_visit_id(visit->id);
    (void)str_copy_z(offer->organisation, visit->organisation, sizeof visit->organisation);
    (void)str_copy_z(offer->name, visit->name, sizeof visit->name);
    (void)str_copy_z(offer->note, visit->note, sizeof visit->note);
    (void)str_copy_z(approval->link->base, visit->desk, sizeof visit->desk);
    visit->plant = approval->plant;
    visit->role = approval->role;
    (void)str_copy_z(approval->approved_by, visit->approved_by, sizeof visit->approved_by);
    visit->begun_ns = clock_wall_ns(clock);
    visit->until_ns = visit->begun_ns + duration_ns;
    visit->until_mono_ns = clock_mono_ns(clock) + duration_ns;
}

/* The place is ours (`starting`), and no thread runs. */
static int begin(
    struct support *support, const struct support_approval *approval, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct asking asking = {.support = support, .base = approval->link->base};
    struct support_offer offer;
    int rc = open_line(support, approval->link, &asking.line, err);
    rc = rc < 0 ? rc : look_over(&asking, approval->link, &arena, &offer, err);
    bool seen = rc >= 0 && offer.name.size > 0 && str_eq(offer.name, approval->name) &&
                str_eq(offer.organisation, approval->organisation) &&
                str_eq(offer.note, approval->note);
    if (rc >= 0 && !seen) { // Before the code is spent.
        rc = err_set(err, ERR_CONFLICT, MSG_SUPPORT_OTHER, ARGS(A_STR(approval->link->base)));
    }
    if (rc >= 0) {
        visit_fill(support, approval, &offer);
        rc = connect_desk(&asking, approval, support->visit.key, err);
    }
    rc = rc < 0 ? rc : record_begin(support, approval->approved_by, err);
    if (rc < 0) {
        http_line_free(asking.line);
        return rc;
    }
    mutex_lock(&support->mutex);
    bool closed = support->closed; // Its record is ended at the next start.
    support->line = closed ? NULL : asking.line;
    support->active = !closed;
    support->connected = false;
    support->trouble = ERR_INIT;
    support->counts = (struct support_counts){0};
    mutex_unlock(&support->mutex);
    if (closed) {
        http_line_free(asking.line);
        return err_set(err, ERR_CANCELLED, MSG_SUPPORT_NONE, NO_ARGS);
    }
    thread_start(&support->thread, "support", support_run, support);
    log_event(LOG_INFO, "serve", "support-begin",
        LOG_FIELDS({"desk", A_CSTR(support->visit.desk)}, {"id", A_CSTR(support->visit.id)}), NULL);
    return 0;
}

int support_begin(
    struct support *support, const struct support_approval *approval, struct err *err) {
    mutex_lock(&support->mutex);
    bool free = !support->active && !support->starting && !support->closed;
    support->starting = support->starting || free;
    mutex_unlock(&support->mutex);
    if (!free) {
        return err_set(err, ERR_CONFLICT, MSG_SUPPORT_ACTIVE, NO_ARGS);
    }
    thread_join(&support->thread); // Of the visit before: it says goodbye for two seconds at most.
    int rc = begin(support, approval, err);
    mutex_lock(&support->mutex);
    support->starting = false;
    mutex_unlock(&support->mutex);
    return rc;
}

/* ---- Facts ---- */

bool support_now(
    struct support *support, const struct plant *plant, struct support_facts *ret_facts) {
    if (!lasts(support)) {
        return false;
    }
    mutex_lock(&support->mutex);
    const struct visit *visit = &support->visit;
    bool here = support->active && visit->plant == plant;
    if (here) {
        *ret_facts = (struct support_facts){.role = visit->role,
            .until_ns = visit->until_ns,
            .connected = support->connected,
            .trouble = support->trouble,
            .counts = support->counts};
        memcpy(ret_facts->id, visit->id, sizeof ret_facts->id);
        memcpy(ret_facts->organisation, visit->organisation, sizeof ret_facts->organisation);
        memcpy(ret_facts->name, visit->name, sizeof ret_facts->name);
        memcpy(ret_facts->desk, visit->desk, sizeof ret_facts->desk);
    }
    mutex_unlock(&support->mutex);
    return here;
}

int support_role_read(struct str text, enum role *ret_role, struct err *err) {
    enum role role = ROLE_NONE;
    if (!role_of_name(text, &role) || (role != ROLE_VIEWER && role != ROLE_INSTALLER)) {
        return err_set(err, ERR_INVALID, MSG_SUPPORT_ROLE, NO_ARGS);
    }
    *ret_role = role;
    return 0;
}

/* ---- Life ---- */

struct leftover {
    char id[SUPPORT_VISIT_ID];
    char plant[LIMIT_ID_BYTES + 1];
};

static int leftover_take(void *context, const struct support_visit *visit, struct err *err) {
    (void)err;
    struct leftover *leftover = context;
    (void)str_copy_z(visit->id, leftover->id, sizeof leftover->id);
    (void)str_copy_z(visit->plant, leftover->plant, sizeof leftover->plant);
    return 0;
}

static int leftover_find(struct ledger_tx *tx, void *context, struct err *err) {
    return support_visit_each(tx, STR_NONE, leftover_take, context, err);
}

/* A visit that was not ended when the program was: its counts are not known. */
static void end_leftovers(struct support *support) {
    struct home *home = support->server->home;
    struct err err = ERR_INIT;
    for (int i = 0; i < SUPPORT_LISTED_MAX; i++) {
        struct leftover leftover = {.id = ""};
        struct plant *plant = NULL;
        int rc = ledger_read(home_hub(home), leftover_find, &leftover, &err);
        if (rc < 0 || leftover.id[0] == '\0') {
            return; // Nothing is left, or the hub says so elsewhere.
        }
        struct record record = {.support = support,
            .actor = STR("maru"),
            .why = "restart",
            .subject = str_of(leftover.id)};
        if (home_plant(home, str_of(leftover.plant), &plant, NULL) >= 0) {
            record_end(&record, plant);
        } else {
            (void)ledger_write(home_hub(home), end_store, &record, &err);
        }
    }
}

struct support *support_new(struct server *server) {
    struct support *support = MEM_NEW(struct support);
    support->server = server;
    support->rates = rate_new(SUPPORT_REQUESTS_PER_S, SUPPORT_BURST);
    mutex_init(&support->mutex);
    cond_init(&support->changed);
    end_leftovers(support);
    return support;
}

void support_free(struct support *support) {
    if (support) {
        (void)close_visit(support, "restart", STR("maru"));
        thread_join(&support->thread);
        rate_free(support->rates);
        cond_fini(&support->changed);
        mutex_fini(&support->mutex);
        mem_free(support);
    }
}
