/*
 * Requests and answers of remote support, in memory alone.
 *
 * A line is one factory. Its poll (at most one: a newer one sends an older one home, because a
 * factory that asks again has lost the former connection) and the supporter's questions are sources
 * that park: they hold a connection and no thread. One ticker wakes who has something to hear; what
 * was not yet parked when it looked is woken a few milliseconds later.
 *
 * A request is given out once. When the factory's connection breaks behind it, the supporter hears
 * after DESK_ANSWER_S that it is not known whether it was carried out: giving it out twice could
 * carry it out twice. An answer is taken only for a request of the same line that was given out, so
 * no factory can answer for another, and none before it was asked.
 */
#include "serve/desk.h"

#include <string.h>

#include "core/json.h"
#include "core/thread.h"

enum { LOOK_MS = 250, RETRY_MS = 5, LINE_ID_BYTES = 40, END_WAIT_S = 3, HEAD_BYTES = 4096 };

enum question_state { QUESTION_WAITS, QUESTION_GIVEN, QUESTION_ANSWERED };

/* What a factory's exchange waits with. */
struct poll {
    struct poll *next;
    struct line *line;
    struct http_exchange *exchange;
    int64_t deadline_ns;
    bool sent_home; // A newer one came, or it said that it has more to tell.
    bool gone;
    bool told;
};

struct question {
    struct question *next;
    struct line *line;
    struct http_exchange *exchange;
    enum question_state state;
    enum lang lang;
    int64_t deadline_ns;
    bool gone;
    bool told;
    bool lost; // Answered, but there was no room for it.
    uint32_t id;
    enum support_method method;
    uint16_t status;
    char type[SUPPORT_WORD_BYTES + 1];
    char disposition[SUPPORT_WORD_BYTES + 1];
    char language[SUPPORT_WORD_BYTES + 1];
    struct buf target;
    struct buf body; // Of the request, then of the answer.
};

struct line {
    struct line *next;
    struct desk *desk;
    char id[LINE_ID_BYTES];
    struct poll *polls;         // Newest first; older ones are on their way home.
    struct question *questions; // Oldest first.
    uint32_t question_count;
    uint32_t last_id;
    int64_t asked_ns; // When a poll of it was here last.
    bool over;
};

struct desk {
    const struct clock *clock;
    struct thread ticker;
    struct mutex mutex; // Of all below and all of the above.
    struct cond changed;
    struct line *lines;
    uint32_t line_count;
    size_t bytes;
    bool ending;
    bool closed;
};

static int64_t now_ns(const struct desk *desk) {
    return clock_mono_ns(desk->clock);
}

/* ---- Lines; all under the mutex ---- */

static struct line *line_find(struct desk *desk, struct str id) {
    struct line *line = desk->lines;
    while (line && !str_eq(str_of(line->id), id)) {
        line = line->next;
    }
    return line;
}

static bool line_is_idle(const struct line *line) {
    bool quiet = now_ns(line->desk) - line->asked_ns > DESK_POLL_S * NS_PER_S;
    return !line->polls && !line->questions && (line->over || quiet);
}

static void lines_sweep(struct desk *desk) {
    struct line **place = &desk->lines;
    while (*place) {
        struct line *line = *place;
        if (line_is_idle(line)) {
            *place = line->next;
            desk->line_count--;
            mem_free(line);
        } else {
            place = &line->next;
        }
    }
}

/* The line, made where there is none; NULL: too many. */
static struct line *line_have(struct desk *desk, struct str id) {
    struct line *line = line_find(desk, id);
    if (line) {
        return line;
    }
    lines_sweep(desk);
    if (desk->line_count == DESK_LINES_MAX) {
        return NULL;
    }
    line = MEM_NEW(struct line);
    line->desk = desk;
    (void)str_copy_z(id, line->id, sizeof line->id);
    line->next = desk->lines;
    desk->lines = line;
    desk->line_count++;
    return line;
}

/* ---- The factory's side ---- */

static void question_set_body(struct question *question, struct str body) {
    struct desk *desk = question->line->desk;
    desk->bytes -= question->body.size;
    buf_fini(&question->body);
    buf_init(&question->body, body.size);
    buf_put_str(&question->body, body);
    desk->bytes += question->body.size;
}

static void take_answer(struct line *line, const struct support_answer *answer) {
    struct question *question = line->questions;
    while (question && question->id != answer->id) {
        question = question->next;
    }
    if (!question || question->state != QUESTION_GIVEN) {
        return; // Nobody asked, or nobody waits any more.
    }
    question->state = QUESTION_ANSWERED;
    question->status = answer->status;
    (void)str_copy_z(answer->type, question->type, sizeof question->type);
    (void)str_copy_z(answer->disposition, question->disposition, sizeof question->disposition);
    size_t freed = question->body.size; // Small ones always have a place: see DESK_SMALL_BYTES.
    question->lost = answer->body.size > DESK_SMALL_BYTES &&
                     line->desk->bytes - freed + answer->body.size > DESK_BYTES_MAX;
    question_set_body(question, question->lost ? STR_NONE : answer->body);
}

static bool is_waiting(const struct question *question) {
    return question->state == QUESTION_WAITS && !question->gone;
}

static bool has_waiting(const struct line *line) {
    const struct question *question = line->questions;
    while (question && !is_waiting(question)) {
        question = question->next;
    }
    return question != NULL;
}

/* Gives out what waits and fits. */
static void give_requests(struct line *line, struct buf *out) {
    struct support_requests requests = {.flags = line->over ? SUPPORT_END : 0};
    size_t bytes = 0;
    struct question *question = line->over ? NULL : line->questions;
    for (; question && requests.count < SUPPORT_BATCH_MAX; question = question->next) {
        if (!is_waiting(question)) {
            continue;
        }
        bytes += question->body.size + SUPPORT_TARGET_BYTES + 3 * SUPPORT_WORD_BYTES;
        if (bytes > SUPPORT_FRAME_BYTES) {
            break;
        }
        requests.items[requests.count++] = (struct support_request){.id = question->id,
            .method = question->method,
            .target = buf_str(&question->target),
            .type = str_of(question->type),
            .language = str_of(question->language),
            .body = buf_str(&question->body)};
        question->state = QUESTION_GIVEN;
    }
    support_requests_write(&requests, out);
}

static bool poll_is_due(const struct poll *poll, int64_t now) {
    const struct line *line = poll->line;
    return poll->gone || poll->sent_home || line->over || line->desk->ending ||
           now >= poll->deadline_ns || has_waiting(line);
}

static int poll_fill(void *state, struct buf *out, struct err *err) {
    (void)err;
    struct poll *poll = state;
    struct line *line = poll->line;
    struct desk *desk = line->desk;
    mutex_lock(&desk->mutex);
    int rc = HTTP_PARK;
    if (poll->gone || poll->told) { // Nothing is given to a connection that is closed.
        rc = HTTP_END;
    } else if (poll_is_due(poll, now_ns(desk))) {
        if (poll->sent_home || desk->ending) {
            support_requests_write(&(struct support_requests){.count = 0}, out);
        } else {
            give_requests(line, out);
        }
        poll->told = true;
        rc = HTTP_MORE;
    }
    mutex_unlock(&desk->mutex);
    return rc;
}

static void poll_free(void *state) {
    struct poll *poll = state;
    struct line *line = poll->line;
    struct desk *desk = line->desk;
    mutex_lock(&desk->mutex);
    struct poll **place = &line->polls;
    while (*place && *place != poll) {
        place = &(*place)->next;
    }
    if (*place) {
        *place = poll->next;
    }
    if (!poll->gone) {
        line->asked_ns = now_ns(desk);
    }
    cond_broadcast(&desk->changed);
    mutex_unlock(&desk->mutex);
    mem_free(poll);
}

int desk_poll(struct desk *desk, const struct desk_poll *options, struct http_source *ret_source,
    struct err *err) {
    mutex_lock(&desk->mutex);
    struct line *line = desk->ending ? NULL : line_have(desk, options->line);
    if (!line) {
        mutex_unlock(&desk->mutex);
        return err_set(err, ERR_BUSY, MSG_SUPPORT_DESK_FULL, ARGS(A_INT(DESK_LINES_MAX)));
    }
    for (uint32_t i = 0; i < options->answers->count; i++) {
        take_answer(line, &options->answers->items[i]);
    }
    struct poll *poll = MEM_NEW(struct poll);
    poll->line = line;
    poll->exchange = options->exchange;
    poll->deadline_ns = now_ns(desk) + DESK_POLL_S * NS_PER_S;
    poll->sent_home = (options->answers->flags & SUPPORT_STAY) != 0;
    if (line->polls) {
        line->polls->sent_home = true;
    }
    poll->next = line->polls;
    line->polls = poll;
    line->asked_ns = now_ns(desk);
    line->over = line->over || (options->answers->flags & SUPPORT_END) != 0;
    cond_broadcast(&desk->changed);
    mutex_unlock(&desk->mutex);
    *ret_source = (struct http_source){poll, poll_fill, poll_free};
    return 0;
}

/* ---- The supporter's side ---- */

static void put_head(struct buf *out, const struct question *question) {
    struct json json;
    json_init(&json, out);
    json_object_begin(&json);
    json_put_i64(&json, "status", question->status);
    json_put_str(&json, "type", str_of(question->type));
    json_put_str(&json, "disposition", str_of(question->disposition));
    json_object_end(&json);
    buf_put_char(out, '\n');
}

/* A refusal of our own, in the shape of one of the factory's. */
static void refuse(struct question *question, int status, const struct err *why) {
    AUTO_BUF struct buf words;
    AUTO_BUF struct buf body;
    buf_init(&words, HEAD_BYTES);
    buf_init(&body, 2 * HEAD_BYTES);
    err_render(why, question->lang, &words);
    struct json json;
    json_init(&json, &body);
    json_object_begin(&json);
    json_put_str(&json, "title", str_of(err_code_words(why->code, question->lang)));
    json_put_i64(&json, "status", status);
    json_put_str(&json, "detail", buf_str(&words));
    json_put_str(&json, "code", status == 410 ? STR("support_over") : STR("timeout"));
    json_object_end(&json);
    question->status = (uint16_t)status;
    (void)str_copy_z(STR("application/problem+json"), question->type, sizeof question->type);
    question_set_body(question, buf_str(&body));
    question->state = QUESTION_ANSWERED;
}

static bool question_is_due(const struct question *question, int64_t now) {
    return question->gone || question->state == QUESTION_ANSWERED || question->line->over ||
           question->line->desk->ending || now >= question->deadline_ns;
}

static int question_fill(void *state, struct buf *out, struct err *err) {
    (void)err;
    struct question *question = state;
    struct desk *desk = question->line->desk;
    mutex_lock(&desk->mutex);
    int rc = HTTP_PARK;
    if (question->gone || question->told) {
        rc = HTTP_END;
    } else if (question_is_due(question, now_ns(desk))) {
        struct err why = ERR_INIT;
        if (question->state != QUESTION_ANSWERED && question->line->over) {
            (void)err_set(&why, ERR_CLOSED, MSG_LEDGER_SUPPORT_OVER, NO_ARGS);
            refuse(question, 410, &why);
        } else if (question->state != QUESTION_ANSWERED) {
            (void)err_set(&why, ERR_TIMEOUT, MSG_SUPPORT_SILENT, ARGS(A_INT(DESK_ANSWER_S)));
            refuse(question, 504, &why);
        }
        if (question->lost) {
            (void)err_set(&why, ERR_BUSY, MSG_SUPPORT_MANY, NO_ARGS);
            refuse(question, 503, &why);
        }
        put_head(out, question);
        buf_put_str(out, buf_str(&question->body));
        question_set_body(question, STR_NONE);
        question->told = true;
        rc = HTTP_MORE;
    }
    mutex_unlock(&desk->mutex);
    return rc;
}

static void question_free(void *state) {
    struct question *question = state;
    struct line *line = question->line;
    struct desk *desk = line->desk;
    mutex_lock(&desk->mutex);
    struct question **place = &line->questions;
    while (*place && *place != question) {
        place = &(*place)->next;
    }
    if (*place) {
        *place = question->next;
        line->question_count--;
    }
    desk->bytes -= question->body.size;
    cond_broadcast(&desk->changed);
    mutex_unlock(&desk->mutex);
    buf_fini(&question->target);
    buf_fini(&question->body);
    mem_free(question);
}

static bool is_connected(const struct line *line) {
    return line && !line->over &&
           (line->polls || now_ns(line->desk) - line->asked_ns < DESK_AWAY_S * NS_PER_S);
}

static struct question *question_new(struct line *line, const struct desk_ask *ask) {
    const struct support_request *request = &ask->request;
    struct question *question = MEM_NEW(struct question);
    question->line = line;
    question->exchange = ask->exchange;
    question->lang = ask->lang;
    question->deadline_ns = now_ns(line->desk) + DESK_ANSWER_S * NS_PER_S;
    question->method = request->method;
    line->last_id = line->last_id == UINT32_MAX ? 1 : line->last_id + 1;
    question->id = line->last_id;
    (void)str_copy_z(request->type, question->type, sizeof question->type);
    (void)str_copy_z(request->language, question->language, sizeof question->language);
    buf_init(&question->target, SUPPORT_TARGET_BYTES);
    buf_put_str(&question->target, request->target);
    question_set_body(question, request->body);
    struct question **place = &line->questions;
    while (*place) {
        place = &(*place)->next;
    }
    *place = question;
    line->question_count++;
    return question;
}

int desk_ask(struct desk *desk, const struct desk_ask *ask, struct http_source *ret_source,
    struct err *err) {
    mutex_lock(&desk->mutex);
    struct line *line = line_find(desk, ask->line);
    int rc = 0;
    if (!is_connected(line)) {
        rc = err_set(err, ERR_UNREACHABLE, MSG_SUPPORT_AWAY, NO_ARGS);
    } else if (line->question_count == DESK_WAITING_MAX || desk->ending ||
               desk->bytes + ask->request.body.size > DESK_BYTES_MAX) {
        rc = err_set(err, ERR_BUSY, MSG_SUPPORT_MANY, NO_ARGS);
    } else {
        struct question *question = question_new(line, ask);
        *ret_source = (struct http_source){question, question_fill, question_free};
        cond_broadcast(&desk->changed);
    }
    mutex_unlock(&desk->mutex);
    return rc;
}

/* ---- The ticker ---- */

/* True when somebody who is due could not be woken yet. */
static bool wake(struct http_exchange *exchange, bool look, bool due, bool *gone) {
    *gone = *gone || (look && http_peer_closed(exchange));
    return (due || *gone) && !http_wake(exchange);
}

static bool line_look(struct line *line, bool look, int64_t now) {
    bool again = false;
    for (struct poll *poll = line->polls; poll; poll = poll->next) {
        again |= wake(poll->exchange, look, poll_is_due(poll, now), &poll->gone);
    }
    struct question *question = line->questions;
    for (; question; question = question->next) {
        again |= wake(question->exchange, look, question_is_due(question, now), &question->gone);
    }
    return again;
}

static void ticker_run(void *context) {
    struct desk *desk = context;
    int64_t next_look = 0;
    mutex_lock(&desk->mutex);
    while (!desk->closed) {
        int64_t now = now_ns(desk);
        bool look = now >= next_look;
        next_look = look ? now + LOOK_MS * NS_PER_MS : next_look;
        bool again = false;
        bool busy = false;
        for (struct line *line = desk->lines; line; line = line->next) {
            again |= line_look(line, look, now);
            busy |= line->polls || line->questions;
        }
        int64_t wait_ms = again ? RETRY_MS : LOOK_MS;
        int64_t deadline = again || busy ? now + wait_ms * NS_PER_MS : INT64_MAX;
        (void)cond_wait_until(&desk->changed, &desk->mutex, deadline);
    }
    mutex_unlock(&desk->mutex);
}

/* ---- Life ---- */

struct desk *desk_new(const struct clock *clock) {
    struct desk *desk = MEM_NEW(struct desk);
    desk->clock = clock;
    mutex_init(&desk->mutex);
    cond_init(&desk->changed);
    thread_start(&desk->ticker, "support-desk", ticker_run, desk);
    return desk;
}

static bool has_guests(const struct desk *desk) {
    const struct line *line = desk->lines;
    while (line && !line->polls && !line->questions) {
        line = line->next;
    }
    return line != NULL;
}

void desk_end(struct desk *desk) {
    int64_t deadline = now_ns(desk) + END_WAIT_S * NS_PER_S;
    mutex_lock(&desk->mutex);
    desk->ending = true;
    cond_broadcast(&desk->changed);
    while (has_guests(desk) && cond_wait_until(&desk->changed, &desk->mutex, deadline)) {
    }
    mutex_unlock(&desk->mutex);
}

void desk_free(struct desk *desk) {
    if (!desk) {
        return;
    }
    mutex_lock(&desk->mutex);
    desk->closed = true;
    cond_broadcast(&desk->changed);
    mutex_unlock(&desk->mutex);
    thread_join(&desk->ticker);
    while (desk->lines) {
        struct line *line = desk->lines;
        desk->lines = line->next;
        mem_free(line);
    }
    cond_fini(&desk->changed);
    mutex_fini(&desk->mutex);
    mem_free(desk);
}

bool desk_is_connected(struct desk *desk, struct str id) {
    mutex_lock(&desk->mutex);
    bool connected = is_connected(line_find(desk, id));
    mutex_unlock(&desk->mutex);
    return connected;
}

void desk_close(struct desk *desk, struct str id) {
    mutex_lock(&desk->mutex);
    struct line *line = line_find(desk, id);
    if (line) {
        line->over = true;
        cond_broadcast(&desk->changed);
    }
    mutex_unlock(&desk->mutex);
}
