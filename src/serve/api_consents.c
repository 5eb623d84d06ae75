/*
 * Consents under which data leaves the plant, and the receipts of what left. The recipient's token
 * goes in and never comes out. Granting checks the terms whole (plant/outbox.h).
 */
#include "serve/call.h"

#include "core/json_in.h"
#include "plant/outbox.h"
#include "serve/server.h"
#include "serve/view.h"

enum { RECEIPTS_DEFAULT = 100, RECEIPTS_PAGE_MAX = 1000, EVERY_DEFAULT_S = 10, TIME_BYTES = 64 };

struct consent_request {
    struct arena *arena;
    struct consent *consents;
    int count;
    struct str id; // Of receipts; empty: all.
    int64_t before;
    uint32_t max;
    struct receipt *receipts;
    int receipt_count;
};

static int read_consents(struct ledger_tx *tx, void *context, struct err *err) {
    struct consent_request *request = context;
    request->count = consent_list(tx, request->consents, request->arena, err);
    return request->count < 0 ? request->count : 0;
}

static void put_tags(struct json *json, struct str tags) {
    json_key(json, "tags");
    json_array_begin(json);
    while (tags.size > 0) {
        struct str name = str_cut(&tags, ' ');
        if (name.size > 0) {
            json_str(json, name);
        }
    }
    json_array_end(json);
}

static void put_state(
    struct call *call, struct json *json, const struct consent *consent, struct arena *arena) {
    struct err error;
    plant_outbox_error(call->plant, consent->number, &error);
    bool withdrawn = consent->withdrawn_ns != 0;
    bool ended = call->now_ns >= consent->until_ns;
    bool failed = error.code != ERR_OK;
    const char *state = withdrawn ? "withdrawn" : ended ? "ended" : failed ? "waiting" : "active";
    uint64_t seq = hist_seq(plant_historian(call->plant));
    bool sends = !withdrawn && !ended && seq > consent->sequence;
    json_put_str(json, "state", str_of(state));
    json_put_i64(json, "sequence", (int64_t)consent->sequence);
    json_put_i64(json, "behind", sends ? (int64_t)(seq - consent->sequence) : 0);
    if (failed && !withdrawn && !ended) {
        struct buf words;
        buf_init(&words, 4096);
        err_render(&error, call->lang, &words);
        json_put_str(json, "error", arena_copy(arena, buf_str(&words)));
        buf_fini(&words);
    } else {
        json_put_null(json, "error");
    }
}

static void put_consent(
    struct call *call, struct json *json, const struct consent *consent, struct arena *arena) {
    json_object_begin(json);
    json_put_str(json, "id", consent->id);
    put_state(call, json, consent, arena);
    json_put_str(json, "giver", consent->giver);
    json_put_str(json, "recipient", consent->recipient);
    json_put_str(json, "purpose", consent->purpose);
    put_tags(json, consent->tags);
    json_put_str(json, "method", consent->method);
    json_put_str(json, "url", consent->url);
    json_put_time(json, "from", consent->from_ns);
    json_put_time(json, "until", consent->until_ns);
    json_put_i64(json, "every_s", consent->every_s);
    json_put_time(json, "granted", consent->granted_ns);
    json_put_str(json, "granted_by", consent->granted_by);
    if (consent->withdrawn_ns != 0) {
        json_put_time(json, "withdrawn", consent->withdrawn_ns);
        json_put_str(json, "withdrawn_by", consent->withdrawn_by);
    } else {
        json_put_null(json, "withdrawn");
        json_put_null(json, "withdrawn_by");
    }
    json_object_end(json);
}

int api_consents(struct call *call, struct err *err) {
    struct arena *arena = &call->http->arena;
    struct consent_request request = {
        .arena = arena, .consents = ARENA_ARRAY(arena, struct consent, CONSENTS_MAX)};
    int rc = ledger_read(plant_ledger(call->plant), read_consents, &request, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < request.count; i++) {
        put_consent(call, &json, &request.consents[i], arena);
    }
    json_array_end(&json);
    json_object_end(&json);
    return 0;
}

static void answer_done(struct call *call) {
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "id", call->args[1]);
    json_object_end(&json);
}

static int need_time(
    struct call *call, struct json_in *body, const char *name, int64_t *ret_ns, struct err *err) {
    struct str text = STR_NONE;
    int rc = json_in_need_str(body, name, TIME_BYTES, &text, err);
    if (rc >= 0 && !time_parse(text, plant_zone(call->plant), ret_ns)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_CONSENT_TIME, ARGS(A_CSTR(name), A_STR(text)));
    }
    return rc;
}

int api_consent_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"giver", "recipient", "purpose", "tags", "method", "url",
        "token", "from", "until", "every_s", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct consent consent = {.id = call->args[1],
        .method = STR("none"),
        .token = STR_NONE,
        .every_s = EVERY_DEFAULT_S,
        .granted_by = str_of(call->principal.id)};
    const struct {
        const char *name;
        size_t max;
        struct str *to;
    } TEXTS[] = {{"giver", 256, &consent.giver}, {"recipient", 256, &consent.recipient},
        {"purpose", 1024, &consent.purpose}, {"tags", 65536, &consent.tags},
        {"url", 2000, &consent.url}};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0] && rc >= 0; i++) {
        rc = json_in_need_str(body, TEXTS[i].name, TEXTS[i].max, TEXTS[i].to, err);
    }
    rc = rc < 0 ? rc : json_in_str(body, "method", 4096, &consent.method, err);
    rc = rc < 0 ? rc : json_in_str(body, "token", 1024, &consent.token, err);
    rc = rc < 0 ? rc : json_in_i64(body, "every_s", &consent.every_s, err);
    rc = rc < 0 ? rc : need_time(call, body, "from", &consent.from_ns, err);
    rc = rc < 0 ? rc : need_time(call, body, "until", &consent.until_ns, err);
    rc = rc < 0 ? rc : outbox_grant(call->plant, &consent, err);
    if (rc >= 0) {
        answer_done(call);
    }
    return rc < 0 ? rc : 0;
}

int api_consent_withdraw(struct call *call, struct err *err) {
    int rc = outbox_withdraw(call->plant, call->args[1], str_of(call->principal.id), err);
    if (rc >= 0) {
        answer_done(call);
    }
    return rc;
}

/* ---- Receipts ---- */

static const struct consent *find_consent(const struct consent_request *request, int64_t number) {
    for (int i = 0; i < request->count; i++) {
        if (request->consents[i].number == number) {
            return &request->consents[i];
        }
    }
    return NULL;
}

static int read_receipts(struct ledger_tx *tx, void *context, struct err *err) {
    struct consent_request *request = context;
    int64_t number = 0;
    int rc = read_consents(tx, context, err);
    for (int i = 0; i < request->count && rc >= 0; i++) {
        bool is_it = str_eq(request->consents[i].id, request->id);
        number = is_it ? request->consents[i].number : number;
    }
    if (rc >= 0 && request->id.size > 0 && number == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_CONSENT_UNKNOWN, ARGS(A_STR(request->id)));
    }
    request->receipt_count = rc < 0 ? rc
                                    : receipt_list(tx, number, request->before, request->receipts,
                                          request->max, request->arena, err);
    return request->receipt_count < 0 ? request->receipt_count : 0;
}

static void put_receipts(struct call *call, const struct consent_request *request) {
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < request->receipt_count; i++) {
        const struct receipt *receipt = &request->receipts[i];
        const struct consent *consent = find_consent(request, receipt->consent);
        json_object_begin(&json);
        json_put_i64(&json, "number", receipt->number);
        json_put_str(&json, "consent", consent != NULL ? consent->id : STR_NONE);
        json_put_time(&json, "time", receipt->time_ns);
        json_put_str(&json, "message", receipt->message);
        json_put_i64(&json, "rows", (int64_t)receipt->rows);
        json_put_i64(&json, "status", receipt->status);
        json_put_str(&json, "answer", receipt->answer);
        json_object_end(&json);
    }
    bool more = request->receipt_count == (int)request->max;
    view_items_page_end(&json, more ? request->receipts[request->receipt_count - 1].number : 0);
}

int api_receipts(struct call *call, struct err *err) {
    uint64_t before = INT64_MAX;
    uint64_t limit = RECEIPTS_DEFAULT;
    struct arena *arena = &call->http->arena;
    struct consent_request request = {.arena = arena,
        .id = STR_NONE,
        .consents = ARENA_ARRAY(arena, struct consent, CONSENTS_MAX)};
    (void)call_param(call, "consent", &request.id); // Absent: all.
    int rc = call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", RECEIPTS_PAGE_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    request.before = (int64_t)before;
    request.max = (uint32_t)limit;
    request.receipts = ARENA_ARRAY(arena, struct receipt, limit);
    rc = ledger_read(plant_ledger(call->plant), read_receipts, &request, err);
    if (rc >= 0) {
        put_receipts(call, &request);
    }
    return rc;
}
