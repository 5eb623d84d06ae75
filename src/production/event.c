/*
 * Events: told once, done once.
 *
 * A terminal behind a bad network sends an event until it is answered; the key it made for it makes
 * the second time harmless. The row with the key, all effects of the event, its answer and its
 * entry in the audit chain stand in one transaction, so a kill at any moment leaves all of them or
 * none. A repeated one is compared by its members, brought into the order of the table: an equal
 * one gets the stored answer, another one is a sender that makes the same key twice, which must not
 * pass silently for one of the two would be lost.
 *
 * A time that cannot be true comes from a clock that jumped. It is refused rather than mended: by
 * guessing, a day's work would be filed under the wrong day.
 */
#include "production/event.h"

#include <string.h>

#include "core/check.h"
#include "core/hash.h"
#include "core/time.h"
#include "production/doubt.h"
#include "production/event_read.h"

#define AHEAD_MAX_NS  (300 * NS_PER_S)
#define BEHIND_MAX_NS (31 * 86400 * NS_PER_S)

enum { BODY_BYTES_MAX = 8 * EVENT_BYTES_MAX, WARNINGS_BYTES_MAX = 64 << 10, TERMINAL_BYTES = 64 };

/* ---- For handlers ---- */

static uint32_t field_of(const struct event *event, const char *name) {
    uint32_t at = 0;
    const struct event_field *field = event_field_at(event->type, at);
    while (field != NULL && strcmp(field->name, name) != 0) {
        field = event_field_at(event->type, ++at);
    }
    CHECK(field != NULL);
    return at;
}

uint32_t event_count(const struct event *event, const char *name) {
    uint32_t at = field_of(event, name);
    return event->firsts[at + 1] - event->firsts[at];
}

bool event_has(const struct event *event, const char *name) {
    return event_count(event, name) > 0;
}

static const struct event_value *value_at(
    const struct event *event, const char *name, uint32_t index) {
    CHECK(index < event_count(event, name));
    return &event->values[event->firsts[field_of(event, name)] + index];
}

struct str event_text(const struct event *event, const char *name) {
    return event_has(event, name) ? value_at(event, name, 0)->text : STR_NONE;
}

struct str event_text_at(const struct event *event, const char *name, uint32_t index) {
    return value_at(event, name, index)->text;
}

int64_t event_i64(const struct event *event, const char *name, int64_t absent) {
    return event_has(event, name) ? value_at(event, name, 0)->number : absent;
}

int64_t event_i64_at(const struct event *event, const char *name, uint32_t index) {
    return value_at(event, name, index)->number;
}

double event_f64(const struct event *event, const char *name, double absent) {
    return event_has(event, name) ? value_at(event, name, 0)->real : absent;
}

int event_lists_match(
    const struct event *event, const char *name, const char *other, struct err *err) {
    uint32_t count = event_count(event, name);
    uint32_t others = event_count(event, other);
    return count == others ? 0
                           : err_set(err, ERR_INVALID, SAY(PRODUCTION_EVENT_LISTS),
                                 ARGS(A_CSTR(name), A_INT(count), A_CSTR(other), A_INT(others)));
}

void event_rewrite(struct event *event, const char *name, uint32_t index, struct str text) {
    CHECK(index < event_count(event, name));
    event->values[event->firsts[field_of(event, name)] + index].text = text;
    event->rewritten = true;
}

struct str event_state(const struct event *event, struct str state) {
    static const struct {
        const char *state;
        enum msg_id words;
    } STATES[] = {{"planned", SAY(PRODUCTION_S_PLANNED)}, {"released", SAY(PRODUCTION_S_RELEASED)},
        {"running", SAY(PRODUCTION_S_RUNNING)}, {"held", SAY(PRODUCTION_S_HELD)},
        {"done", SAY(PRODUCTION_S_DONE)}, {"cancelled", SAY(PRODUCTION_S_CANCELLED)},
        {"proposed", SAY(PRODUCTION_S_PROPOSED)}, {"ordered", SAY(PRODUCTION_S_ORDERED)},
        {"received", SAY(PRODUCTION_S_RECEIVED)}, {"dropped", SAY(PRODUCTION_S_DROPPED)},
        {"open", SAY(PRODUCTION_S_OPEN)}, {"decided", SAY(PRODUCTION_S_DECIDED)},
        {"closed", SAY(PRODUCTION_S_CLOSED)}, {"withdrawn", SAY(PRODUCTION_S_WITHDRAWN)}};
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        if (str_eq(state, str_of(STATES[i].state))) {
            AUTO_BUF struct buf words;
            buf_init(&words, 256);
            msg_render(STATES[i].words, NO_ARGS, event->lang, &words);
            return arena_copy(event->arena, buf_str(&words));
        }
    }
    return state;
}

void event_warn(struct event *event, enum msg_id id, const struct arg *args) {
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    msg_render(id, args, event->lang, &words);
    json_str(event->warnings, buf_str(&words));
}

/* ---- Telling one ---- */

struct telling {
    const struct event_call *call;
    struct arena arena;
    struct event_given given;
    struct buf body;
    uint64_t digest; // Of the body as it came.
    struct buf answer;
    bool repeated;
    const struct doubt *doubt; // Of an event that is kept.
    struct doubt_kept kept;    // With this key; number 0: none.
};

static int check_key(struct str key, struct err *err) {
    bool good = key.size > 0 && key.size <= EVENT_KEY_BYTES_MAX;
    for (size_t i = 0; good && i < key.size; i++) {
        good = key.data[i] > 0x20 && key.data[i] < 0x7f;
    }
    return good ? 0
                : err_set(err, ERR_INVALID, SAY(PRODUCTION_EVENT_KEY),
                      ARGS(A_INT(EVENT_KEY_BYTES_MAX)));
}

/* 1: the key was seen with the same members, and the answer is taken. */
static int find_key(struct ledger_tx *tx, struct telling *telling, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT number, type, digest, answer FROM production_events WHERE key = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, telling->call->key);
    status = ledger_step(stmt, err);
    if (status <= 0) {
        return status;
    }
    bool same = (uint64_t)ledger_column_i64(stmt, 2) == telling->digest;
    struct str answer = arena_copy(&telling->arena, ledger_column_str(stmt, 3));
    struct str type = arena_copy(&telling->arena, ledger_column_str(stmt, 1));
    int64_t number = ledger_column_i64(stmt, 0);
    if (!same) { // Somebody may have accepted it meanwhile, perhaps mended, as sure.
        struct doubt_kept kept = {.state = STR_NONE};
        status = doubt_find(tx, &telling->arena, telling->call->key, &kept, err);
        same = status > 0 && kept.digest == telling->digest;
    }
    if (status < 0) {
        return status;
    }
    if (!same) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_EVENT_KEY_OTHER),
            ARGS(A_STR(telling->call->key), A_STR(type), A_INT(number)));
    }
    buf_put_str(&telling->answer, STR("{\"repeated\":true,"));
    buf_put_str(&telling->answer, str_slice(answer, 1, answer.size));
    telling->repeated = true;
    return 1;
}

/* `told_ns`: when it was told first. */
static int check_time(int64_t time_ns, int64_t told_ns, int64_t now_ns, struct err *err) {
    char text[TIME_TEXT_MAX];
    struct str told = {text, time_format(time_ns, NULL, text)};
    if (time_ns > now_ns + AHEAD_MAX_NS) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_EVENT_AHEAD), ARGS(A_STR(told)));
    }
    return time_ns < told_ns - BEHIND_MAX_NS
               ? err_set(err, ERR_INVALID, SAY(PRODUCTION_EVENT_BEHIND), ARGS(A_STR(told)))
               : 0;
}

static int insert_row(struct telling *telling, struct event *event, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(event->tx,
        "INSERT INTO production_events (key, type, time_ns, entered_ns, actor, terminal, body, "
        "digest, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '') RETURNING number",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, telling->call->key);
    ledger_bind_str(stmt, 2, str_of(event_type_at(event->type)->name));
    ledger_bind_i64(stmt, 3, event->time_ns);
    ledger_bind_i64(stmt, 4, event->entered_ns);
    ledger_bind_str(stmt, 5, event->actor);
    ledger_bind_str(stmt, 6, event->terminal);
    ledger_bind_str(stmt, 7, buf_str(&telling->body));
    ledger_bind_i64(stmt, 8, (int64_t)telling->digest);
    status = ledger_step(stmt, err);
    if (status > 0) {
        event->number = ledger_column_i64(stmt, 0);
        status = ledger_step(stmt, err);
    }
    return status;
}

static int keep_answer(struct telling *telling, const struct event *event, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    if (event->rewritten) {
        buf_clear(&telling->body);
        event_put_body(&telling->given, &telling->body);
    }
    int status = ledger_prepare(event->tx,
        "UPDATE production_events SET answer = ?2, body = ?3 WHERE number = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, event->number);
    ledger_bind_str(stmt, 2, buf_str(&telling->answer));
    ledger_bind_str(stmt, 3, buf_str(&telling->body));
    return ledger_step(stmt, err);
}

static int enter_audit(struct telling *telling, const struct event *event, struct err *err) {
    char action[96];
    char subject[32];
    size_t size = str_copy_z(STR("event."), action, sizeof action);
    (void)str_copy_z(str_of(event_type_at(event->type)->name), action + size, sizeof action - size);
    size = str_copy_z(STR("event/"), subject, sizeof subject);
    (void)i64_to_text(event->number, subject + size);
    return audit_append(
        event->tx, event->actor, str_of(action), str_of(subject), buf_str(&telling->body), err);
}

/* The event as its handler sees it; its time is the last member of every type. */
static struct event event_of(struct telling *telling, struct ledger_tx *tx) {
    const struct event_call *call = telling->call;
    const struct event_given *given = &telling->given;
    struct event event = {.tx = tx,
        .entered_ns = ledger_now_ns(tx),
        .actor = call->actor,
        .terminal = call->terminal,
        .zone = call->zone,
        .historian = call->historian,
        .may_manage = call->may_manage,
        .lang = call->lang,
        .arena = &telling->arena,
        .type = given->type,
        .values = given->values,
        .firsts = given->firsts};
    event.time_ns = event_i64(&event, "time", event.entered_ns);
    return event;
}

/* Does something with the open object of the answer. */
static int answer_with(struct telling *telling, struct event *event,
    int (*act)(struct telling *telling, struct event *event, struct err *err), struct err *err) {
    struct json answer;
    struct json warnings;
    AUTO_BUF struct buf sentences;
    buf_init(&sentences, WARNINGS_BYTES_MAX);
    json_init(&warnings, &sentences);
    json_array_begin(&warnings);
    json_init(&answer, &telling->answer);
    json_object_begin(&answer);
    event->answer = &answer;
    event->warnings = &warnings;
    int status = act(telling, event, err);
    json_array_end(&warnings);
    json_key(&answer, "warnings");
    json_raw(&answer, buf_str(&sentences));
    json_object_end(&answer);
    if (status >= 0 && (telling->answer.overflow || sentences.overflow)) {
        return err_set(
            err, ERR_LIMIT, SAY(PRODUCTION_EVENT_ANSWER), ARGS(A_INT(EVENT_ANSWER_BYTES)));
    }
    return status;
}

static int carry_out(struct telling *telling, struct event *event, struct err *err) {
    (void)telling;
    json_put_i64(event->answer, "event", event->number);
    json_put_time(event->answer, "time", event->time_ns);
    return event_carry_out(event, err);
}

/* ---- Doubtful ones ---- */

static int keep(struct telling *telling, struct event *event, struct err *err) {
    return doubt_keep(
        event, telling->call->key, buf_str(&telling->body), telling->digest, telling->doubt, err);
}

/* 1: it is asked or kept, and nothing is to be done now. */
static int ask(struct telling *telling, struct event *event, struct err *err) {
    struct doubt doubt;
    doubt_init(&doubt);
    telling->doubt = &doubt;
    int status = doubt_look(event, buf_str(&telling->body), &doubt, err);
    if (status >= 0 && doubt.count > 0 && telling->call->later) {
        status = answer_with(telling, event, keep, err);
    } else if (status >= 0 && doubt.count > 0) {
        status = err_set(err, ERR_CONFLICT, SAY(PRODUCTION_DOUBT),
            ARGS(A_STR(buf_str(event->lang == LANG_KO ? &doubt.ko : &doubt.en))));
    }
    bool kept = status >= 0 && doubt.count > 0;
    doubt_fini(&doubt);
    return status < 0 ? status : kept;
}

/* Of an event that may be doubtful: 1 where it is answered already. */
static int check_doubt(struct telling *telling, struct event *event, struct err *err) {
    const struct doubt_kept *kept = &telling->kept;
    bool sure = doubt_concerns(event->type) && event_i64(event, "sure", 0) != 0;
    const char *type = event_type_at(event->type)->name;
    if (kept->number != 0 && !str_eq(kept->type, str_of(type))) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_EVENT_KEY_OTHER),
            ARGS(A_STR(telling->call->key), A_STR(kept->type), A_INT(kept->number)));
    }
    if (kept->number != 0 && !sure) { // Sent again by whoever was not answered.
        buf_printf(&telling->answer, "{\"repeated\":true,\"doubtful\":%lld,\"warnings\":[]}",
            (long long)kept->number);
        return 1;
    }
    if (kept->number != 0 && str_eq(kept->state, STR("dropped"))) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_DOUBT_UNKNOWN), ARGS(A_INT(kept->number)));
    }
    return sure || !doubt_concerns(event->type) ? 0 : ask(telling, event, err);
}

static int tell(struct ledger_tx *tx, void *context, struct err *err) {
    struct telling *telling = context;
    buf_clear(&telling->answer);
    telling->repeated = false;
    telling->kept = (struct doubt_kept){.number = 0};
    int status = find_key(tx, telling, err);
    if (status != 0) {
        return status < 0 ? status : 0;
    }
    status = event_resolve(tx, telling->call->zone, &telling->arena, &telling->given, err);
    if (status < 0) {
        return status;
    }
    buf_clear(&telling->body);
    event_put_body(&telling->given, &telling->body); // Workers by their code now.
    struct event event = event_of(telling, tx);
    status = doubt_find(tx, &telling->arena, telling->call->key, &telling->kept, err);
    int64_t told_ns = telling->kept.number != 0 ? telling->kept.entered_ns : event.entered_ns;
    status = status < 0 ? status : check_time(event.time_ns, told_ns, event.entered_ns, err);
    status = status < 0 ? status : check_doubt(telling, &event, err);
    if (status != 0) {
        return status < 0 ? status : 0;
    }
    status = insert_row(telling, &event, err);
    status = status < 0 ? status : answer_with(telling, &event, carry_out, err);
    status = status < 0 || telling->kept.number == 0
                 ? status
                 : doubt_settle(&event, telling->kept.number, err);
    status = status < 0 ? status : keep_answer(telling, &event, err);
    return status < 0 ? status : enter_audit(telling, &event, err);
}

int event_run(
    struct ledger *ledger, const struct event_call *call, struct buf *answer, struct err *err) {
    struct event_call told = *call;
    char terminal[TERMINAL_BYTES + 1];
    told.terminal = (struct str){terminal, str_copy_z(call->terminal, terminal, sizeof terminal)};
    struct telling telling = {.call = &told};
    arena_init(&telling.arena, 0);
    buf_init(&telling.body, BODY_BYTES_MAX);
    buf_init(&telling.answer, EVENT_ANSWER_BYTES);
    int status = check_key(call->key, err);
    status = status < 0 ? status : event_gather(call, &telling.arena, &telling.given, err);
    if (status >= 0) {
        event_put_body(&telling.given, &telling.body);
        telling.digest = hash64(telling.body.data, telling.body.size);
        status = ledger_write(ledger, tell, &telling, err);
    }
    if (status >= 0) {
        buf_put_str(answer, buf_str(&telling.answer));
    }
    buf_fini(&telling.answer);
    buf_fini(&telling.body);
    arena_fini(&telling.arena);
    return status < 0 ? status : 0;
}

/* ---- What was told ---- */

int event_list(struct ledger_tx *tx, const struct event_query *query, struct arena *arena,
    struct event_row *ret_rows, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        query->type.size > 0
            ? "SELECT number, key, type, time_ns, entered_ns, actor, terminal, body, answer FROM "
              "production_events WHERE type = ?3 AND number < ?1 ORDER BY number DESC LIMIT ?2"
            : "SELECT number, key, type, time_ns, entered_ns, actor, terminal, body, answer FROM "
              "production_events WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, query->before);
    ledger_bind_i64(stmt, 2, max);
    if (query->type.size > 0) {
        ledger_bind_str(stmt, 3, query->type);
    }
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        ret_rows[count++] = (struct event_row){.number = ledger_column_i64(stmt, 0),
            .key = arena_copy(arena, ledger_column_str(stmt, 1)),
            .type = arena_copy(arena, ledger_column_str(stmt, 2)),
            .time_ns = ledger_column_i64(stmt, 3),
            .entered_ns = ledger_column_i64(stmt, 4),
            .actor = arena_copy(arena, ledger_column_str(stmt, 5)),
            .terminal = arena_copy(arena, ledger_column_str(stmt, 6)),
            .body = arena_copy(arena, ledger_column_str(stmt, 7)),
            .answer = arena_copy(arena, ledger_column_str(stmt, 8))};
    }
    return status < 0 ? status : count;
}
