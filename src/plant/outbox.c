/*
 * Sending under consents. A message is a run of whole durable batches: from them the rows of the
 * consented tags, inside the consented time. Its head line names consent and message; each row
 * has an id made of the batch's sequence number and the row's place in it, which never change. So
 * a receiver that has seen a row knows it when it comes again, however messages are cut the second
 * time. Sent again it is whenever the receipt is not stored: a kill between the two repeats.
 *
 * Receipt, cursor and the entry in the book of disclosures are one ledger transaction. Until then
 * the historian's log keeps the batches (hist_consumer_keep), so nothing is left out through an
 * outage of the recipient, however long; that costs disk, not data. No file is spooled.
 *
 * The consents are read from the ledger in every round and once more before each message. What is
 * on its way when a consent changes is broken off (`changes`); whatever still stands is sent again.
 */
#include "plant/outbox.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/thread.h"
#include "device/http_post.h"
#include "ledger/disclosure.h"
#include "plant/outbox_mqtt.h"

enum {
    PAUSE_MS = 500,
    TIMEOUT_MS = 10000,
    RETRY_FIRST_MS = 1000,
    RETRY_MAX_MS = 60000,
    MESSAGE_ROWS = 2000,           // Then it goes; the batch that passes it stays whole.
    MESSAGE_BYTES_MAX = 256 << 20, // More than the largest batch can take.
    BATCHES_MAX = 4096,            // Looked through at once.
    TAGS_MAX = 4096,               // Of a consent; more are refused.
    MESSAGE_ID_BYTES = CONSENT_ID_MAX + 48,
    CONSUMER_NAME_BYTES = CONSENT_ID_MAX + 16,
    ROW_ID_BYTES = 40,
    KEEP_EVERY = 512,
};

/* A tag of a consent, with its rule. */
struct outbox_tag {
    const struct tag *tag;
    struct deident_rule rule;
};

/* What is remembered of a consent between rounds. */
struct lane {
    int64_t number; // 0: free.
    uint64_t sequence;
    uint64_t stored; // What the ledger knows of it: where the next start goes on.
    int64_t due_ns;  // Monotonic.
    int64_t delay_ms;
    bool ended;
    struct err error;
};

struct outbox {
    struct outbox_options with;
    struct thread thread;
    struct stop_flag stop;
    struct mutex mutex; // Guards the errors of the lanes.
    struct lane lanes[CONSENTS_MAX];
    struct consent consents[CONSENTS_MAX]; // Of the running round.
    struct buf body;
};

/* One message being made. */
struct message {
    struct plant *plant;
    const struct consent *consent;
    struct catalogue *catalogue;
    struct outbox_tag *tags;
    uint32_t tag_count;
    uint16_t *places; // By tag number: index + 1 in `tags`; 0: not consented.
    uint32_t place_count;
    struct deident_key key;
    char *text; // Room for a changed text.
    struct json json;
    struct buf *body;
    uint64_t first;
    uint64_t last;
    uint64_t rows;
    int64_t from_ns; // Of the rows.
    int64_t to_ns;
    char id[MESSAGE_ID_BYTES];
};

/* ---- Terms ---- */

/* The rule of a tag in "a=pseudonym b=group:10"; false: it has none. */
static bool find_rule(struct str method, struct str name, struct str *ret_rule) {
    while (method.size > 0) {
        struct str part = str_cut(&method, ' ');
        struct str tag = str_cut(&part, '=');
        if (str_eq(tag, name)) {
            *ret_rule = part;
            return true;
        }
    }
    return false;
}

static int take_tag(struct message *message, struct str name, struct err *err) {
    const struct tag *tag = catalogue_find(message->catalogue, name);
    struct str rule = STR_NONE;
    if (tag == NULL) {
        return err_set(err, ERR_NOT_FOUND, MSG_OUTBOX_TAG, ARGS(A_STR(name)));
    }
    if (message->tag_count == TAGS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_OUTBOX_TAGS, ARGS(A_INT(TAGS_MAX)));
    }
    struct outbox_tag *to = &message->tags[message->tag_count];
    *to = (struct outbox_tag){.tag = tag};
    if (find_rule(message->consent->method, name, &rule)) {
        int result = deident_parse(rule, &to->rule, err);
        result = result < 0 ? result : deident_check(&to->rule, tag->type, err);
        if (result < 0 || to->rule.k > 0) {
            (void)(result < 0 ? 0 : err_set(err, ERR_INVALID, MSG_OUTBOX_GROUP, NO_ARGS));
            return err_context(err, MSG_OUTBOX_RULE, ARGS(A_STR(name)));
        }
    }
    message->tag_count++;
    message->places[tag->number] = (uint16_t)message->tag_count;
    return 0;
}

/* Every rule belongs to a consented tag: a name that was mistyped must not leave its tag bare. */
static int check_rules(const struct message *message, struct err *err) {
    struct str rest = message->consent->method;
    if (str_eq(rest, STR("none"))) {
        return 0;
    }
    while (rest.size > 0) {
        struct str part = str_cut(&rest, ' ');
        struct str name = str_cut(&part, '=');
        const struct tag *tag = catalogue_find(message->catalogue, name);
        if (name.size > 0 && (tag == NULL || message->places[tag->number] == 0)) {
            return err_set(err, ERR_INVALID, MSG_OUTBOX_RULE_TAG, ARGS(A_STR(name)));
        }
    }
    return 0;
}

static void message_fini(struct message *message) {
    catalogue_unref(message->catalogue);
    mem_free(message->tags);
    mem_free(message->places);
    mem_free(message->text);
}

/* Looks the terms up in the present catalogue. */
static int message_init(
    struct message *message, struct plant *plant, const struct consent *consent, struct err *err) {
    *message =
        (struct message){.plant = plant, .consent = consent, .catalogue = plant_catalogue(plant)};
    message->place_count = message->catalogue->tag_count + 1;
    message->places = MEM_ARRAY(uint16_t, message->place_count);
    message->tags = MEM_ARRAY(struct outbox_tag, TAGS_MAX);
    message->text = mem_zero(LIMIT_TEXT_VALUE_BYTES, 1);
    int result = 0;
    for (struct str rest = consent->tags; rest.size > 0 && result == 0;) {
        struct str name = str_cut(&rest, ' ');
        result = name.size > 0 ? take_tag(message, name, err) : 0;
    }
    return result < 0 ? result : check_rules(message, err);
}

/* ---- Rows ---- */

static void put_value(
    struct message *message, const struct outbox_tag *tag, struct deident_value *value) {
    struct json *json = &message->json;
    json_key(json, "value");
    if (deident_apply(&tag->rule, &message->key, value, message->text) == DEIDENT_DROPPED) {
        json_null(json);
        return;
    }
    switch (value->type) {
    case TYPE_F64:
        if (isfinite(value->f64)) {
            json_f64(json, value->f64);
        } else {
            json_null(json);
        }
        break;
    case TYPE_I64: json_i64(json, value->i64); break;
    case TYPE_BOOL: json_bool(json, value->i64 != 0); break;
    case TYPE_TEXT: json_str(json, value->text); break;
    }
}

static void put_row(struct message *message, const struct batch *batch, uint32_t index,
    const struct outbox_tag *tag) {
    const struct sample *row = &batch->rows[index];
    char id[ROW_ID_BYTES];
    (void)snprintf(id, sizeof id, "%llu.%u", (unsigned long long)batch->seq, index);
    struct deident_value value = {.type = (enum value_type)row->type, .text = STR_NONE};
    value.f64 = row->type == TYPE_F64 ? row->value.f64 : 0;
    value.i64 = row->type == TYPE_I64 || row->type == TYPE_BOOL ? row->value.i64 : 0;
    value.text = row->type == TYPE_TEXT ? batch_text(batch, row) : STR_NONE;
    json_init(&message->json, message->body);
    json_object_begin(&message->json);
    json_put_str(&message->json, "id", str_of(id));
    json_put_str(&message->json, "tag", tag->tag->name);
    json_put_time(&message->json, "time", row->time_ns);
    put_value(message, tag, &value);
    json_put_i64(&message->json, "status", row->status);
    if ((row->flags & SAMPLE_CORRECTION) != 0) {
        json_put_bool(&message->json, "corrected", true);
    }
    json_object_end(&message->json);
    buf_put_char(message->body, '\n');
    message->from_ns =
        message->rows == 0 || row->time_ns < message->from_ns ? row->time_ns : message->from_ns;
    message->to_ns = row->time_ns >= message->to_ns ? row->time_ns + 1 : message->to_ns;
    message->rows++;
}

static void take_batch(struct message *message, const struct batch *batch) {
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        uint32_t place = row->tag < message->place_count ? message->places[row->tag] : 0;
        if (place > 0 && (row->flags & SAMPLE_DROP) == 0 &&
            row->time_ns >= message->consent->from_ns &&
            row->time_ns < message->consent->until_ns) {
            put_row(message, batch, i, &message->tags[place - 1]);
        }
    }
    message->first = message->first == 0 ? batch->seq : message->first;
    message->last = batch->seq;
}

static int take_batches(struct message *message, uint64_t sequence, struct err *err) {
    struct hist_replay *replay = NULL;
    int result = hist_replay_open(plant_historian(message->plant), sequence, &replay, err);
    if (result < 0) {
        return result;
    }
    const struct batch *batch = NULL;
    for (uint32_t n = 0; n < BATCHES_MAX && message->rows < MESSAGE_ROWS; n++) {
        result = hist_replay_next(replay, &batch, err);
        if (result <= 0) {
            break;
        }
        take_batch(message, batch);
    }
    hist_replay_close(replay);
    return result < 0 ? result : 0;
}

static void name_message(struct message *message) {
    (void)snprintf(message->id, sizeof message->id, "%.*s.%llu-%llu", STR_ARG(message->consent->id),
        (unsigned long long)message->first, (unsigned long long)message->last);
}

/* The head line, put before the rows when they are known. `parts` 0: the message goes whole. */
static void put_head(void *context, uint64_t rows, uint32_t part, uint32_t parts, struct buf *out) {
    const struct message *message = context;
    struct json json;
    json_init(&json, out);
    json_object_begin(&json);
    json_put_str(&json, "message", str_of(message->id));
    json_put_str(&json, "plant", plant_id(message->plant));
    json_put_str(&json, "consent", message->consent->id);
    json_put_str(&json, "purpose", message->consent->purpose);
    json_put_str(&json, "method", message->consent->method);
    json_put_i64(&json, "rows", (int64_t)rows);
    if (parts > 0) {
        json_put_i64(&json, "part", part);
        json_put_i64(&json, "parts", parts);
    }
    json_object_end(&json);
    buf_put_char(out, '\n');
}

/* ---- Receipts ---- */

struct taken {
    const struct message *message;
    struct receipt receipt;
};

static int store_receipt(struct ledger_tx *tx, void *context, struct err *err) {
    const struct taken *taken = context;
    const struct consent *consent = taken->message->consent;
    struct deident_log_entry entry = {.recipient = consent->recipient,
        .channel = STR("outbox"),
        .purpose = consent->purpose,
        .actor = STR("maru"),
        .method = consent->method,
        .tags = consent->tags,
        .from_ns = taken->message->from_ns,
        .to_ns = taken->message->to_ns,
        .rows = taken->message->rows};
    int result = receipt_put(tx, &taken->receipt, taken->message->last, err);
    return result < 0 ? result : deident_log_append(tx, &entry, NULL, err);
}

static int store_passed(struct ledger_tx *tx, void *context, struct err *err) {
    const struct message *message = context;
    return consent_passed(tx, message->consent->number, message->last, err);
}

/* ---- Sending ---- */

static void consumer_name(const struct consent *consent, char *name) {
    (void)snprintf(name, CONSUMER_NAME_BYTES, "outbox-%.*s", STR_ARG(consent->id));
}

struct reading {
    struct arena *arena;
    struct consent *consents;
};

static int read_consents(struct ledger_tx *tx, void *context, struct err *err) {
    const struct reading *reading = context;
    return consent_list(tx, reading->consents, reading->arena, err);
}

static int64_t timeout_ms(const struct outbox *outbox) {
    return outbox->with.timeout_ms > 0 ? outbox->with.timeout_ms : TIMEOUT_MS;
}

static int post_http(struct outbox *outbox, struct message *message, uint32_t unchanged,
    struct buf *answer, struct err *err) {
    AUTO_BUF struct buf whole;
    buf_init(&whole, MESSAGE_BYTES_MAX);
    put_head(message, message->rows, 0, 0, &whole);
    buf_put_str(&whole, buf_str(message->body));
    if (whole.overflow) {
        return err_set(err, ERR_LIMIT, MSG_OUTBOX_LONG, ARGS(A_INT(message->first)));
    }
    struct http_post request = {.url = message->consent->url,
        .token = message->consent->token,
        .message_id = str_of(message->id),
        .type = STR("application/x-ndjson"),
        .body = buf_str(&whole),
        .timeout_ms = timeout_ms(outbox),
        .changes = plant_outbox_changes(message->plant),
        .unchanged = unchanged};
    int status = http_post(&request, answer, err);
    if (status >= 0 && (status < 200 || status > 299)) {
        return err_set(err, ERR_REFUSED, MSG_OUTBOX_REFUSED,
            ARGS(A_STR(message->consent->url), A_INT(status)));
    }
    return status;
}

/* What the recipient said of a message that it took: an HTTP status, or MQTT's reason code. */
static int post(struct outbox *outbox, struct message *message, uint32_t unchanged,
    struct buf *answer, struct err *err) {
    name_message(message);
    if (message->body->overflow) {
        return err_set(err, ERR_LIMIT, MSG_OUTBOX_LONG, ARGS(A_INT(message->first)));
    }
    if (*plant_outbox_changes(message->plant) != unchanged) {
        return err_set(err, ERR_CANCELLED, MSG_DEVICE_STOPPING, NO_ARGS);
    }
    if (!mqtt_post_is(message->consent->url)) {
        return post_http(outbox, message, unchanged, answer, err);
    }
    const struct outbox_mqtt parts = {.to = {.url = message->consent->url,
                                          .login = message->consent->token,
                                          .timeout_ms = timeout_ms(outbox),
                                          .changes = plant_outbox_changes(message->plant),
                                          .unchanged = unchanged},
        .rows = buf_str(message->body),
        .context = message,
        .put_head = put_head};
    return outbox_mqtt_send(&parts, err);
}

static int needs_key(const struct message *message) {
    for (uint32_t i = 0; i < message->tag_count; i++) {
        if (message->tags[i].rule.method == DEIDENT_PSEUDONYM) {
            return 1;
        }
    }
    return 0;
}

static int pass(struct lane *lane, struct message *message, struct err *err) {
    int result = ledger_write(plant_ledger(message->plant), store_passed, message, err);
    lane->stored = result < 0 ? lane->stored : message->last;
    return result;
}

/* A history that ends before the place, of which new batches take numbers that count as sent: goes
 * on from its end, and says so. The place in the log only moves forward, so it is set anew. */
static int check_place(struct lane *lane, struct message *message, struct err *err) {
    struct historian *historian = plant_historian(message->plant);
    uint64_t stood = lane->sequence;
    uint64_t end = hist_seq(historian);
    if (stood <= end) {
        return 0;
    }
    char name[CONSUMER_NAME_BYTES];
    consumer_name(message->consent, name);
    message->last = end;
    int result = hist_consumer_forget(historian, str_of(name), err);
    result = result < 0 ? result : hist_consumer_keep(historian, str_of(name), end, err);
    result = result < 0 ? result : pass(lane, message, err);
    if (result < 0) {
        return result; // Tried again.
    }
    lane->sequence = end;
    return err_set(err, ERR_NOT_FOUND, MSG_OUTBOX_AHEAD, ARGS(A_INT(stood), A_INT(end)));
}

/* Sends what there is, one message. 2: it was full, there is more; 1: sent; 0: nothing to send. */
static int send_message(struct outbox *outbox, struct lane *lane, struct message *message,
    uint32_t unchanged, struct err *err) {
    int result = check_place(lane, message, err);
    if (result < 0) {
        return result;
    }
    result = needs_key(message) ? plant_deident_key(message->plant, message->consent->recipient,
                                      &message->key, err)
                                : 0;
    result = result < 0 ? result : take_batches(message, lane->sequence, err);
    if (result == -ERR_NOT_FOUND) { // The log no longer has them: go on behind the gap, and say so.
        uint64_t kept = hist_kept_seq(plant_historian(message->plant));
        lane->sequence = kept > lane->sequence ? kept : lane->sequence;
    }
    if (result < 0 || message->last == 0) {
        return result;
    }
    if (message->rows == 0) {
        lane->sequence = message->last; // Stored now and then: looked through again costs little.
        return lane->sequence - lane->stored >= KEEP_EVERY ? pass(lane, message, err) : 0;
    }
    AUTO_BUF struct buf answer;
    buf_init(&answer, RECEIPT_ANSWER_MAX);
    int status = post(outbox, message, unchanged, &answer, err);
    if (status < 0) {
        return status;
    }
    struct str words = buf_str(&answer);
    struct taken taken = {.message = message,
        .receipt = {.consent = message->consent->number,
            .message = str_of(message->id),
            .rows = message->rows,
            .status = status,
            .answer = str_is_utf8(words, NULL) ? words : STR_NONE}};
    result = ledger_write(plant_ledger(message->plant), store_receipt, &taken, err);
    if (result < 0) {
        return result; // Sent again under the same ids.
    }
    lane->sequence = message->last;
    lane->stored = message->last;
    return message->rows >= MESSAGE_ROWS ? 2 : 1;
}

/* The log keeps what the next start will ask for: never less than from the stored place on. */
static void keep(struct outbox *outbox, const struct lane *lane, const struct consent *consent) {
    char name[CONSUMER_NAME_BYTES];
    consumer_name(consent, name);
    if (hist_consumer_keep(plant_historian(outbox->with.plant), str_of(name), lane->stored, NULL) <
        0) {
        return; // The log is kept longer; the next message tells it again.
    }
}

/* After a failure: words, a growing delay. What the log no longer has is told and passed over. */
static void failed(struct outbox *outbox, struct lane *lane, const struct consent *consent,
    const struct err *error) {
    int64_t max_ms = outbox->with.retry_max_ms > 0 ? outbox->with.retry_max_ms : RETRY_MAX_MS;
    lane->delay_ms = lane->delay_ms == 0 ? RETRY_FIRST_MS : lane->delay_ms * 2;
    lane->delay_ms = lane->delay_ms < max_ms ? lane->delay_ms : max_ms;
    log_event(LOG_WARN, "plant", "outbox_retries",
        LOG_FIELDS({"consent", A_STR(consent->id)}, {"next_ms", A_INT(lane->delay_ms)}), error);
}

/* True: there is more to send at once. */
static bool serve_lane(
    struct outbox *outbox, struct lane *lane, const struct consent *consent, uint32_t unchanged) {
    struct err error = ERR_INIT;
    struct message message;
    int64_t now_ns = clock_mono_ns(clock_system());
    buf_clear(&outbox->body);
    int result = message_init(&message, outbox->with.plant, consent, &error);
    message.body = &outbox->body;
    result = result < 0 ? result : send_message(outbox, lane, &message, unchanged, &error);
    message_fini(&message);
    if (result == -ERR_CANCELLED) {
        return false; // The consents changed: the next round looks again.
    }
    if (result < 0) {
        failed(outbox, lane, consent, &error);
    } else {
        lane->delay_ms = 0;
        keep(outbox, lane, consent);
    }
    int64_t pause_ms = result < 0 ? lane->delay_ms : result == 1 ? consent->every_s * 1000 : 0;
    lane->due_ns = now_ns + pause_ms * NS_PER_MS;
    mutex_lock(&outbox->mutex);
    lane->error = error;
    mutex_unlock(&outbox->mutex);
    return result > 1;
}

static struct lane *lane_of(struct outbox *outbox, const struct consent *consent) {
    for (uint32_t i = 0; i < CONSENTS_MAX; i++) {
        struct lane *lane = &outbox->lanes[i];
        if (lane->number == 0) {
            mutex_lock(&outbox->mutex);
            *lane = (struct lane){.number = consent->number,
                .sequence = consent->sequence,
                .stored = consent->sequence};
            mutex_unlock(&outbox->mutex);
            if (consent->withdrawn_ns == 0) {
                keep(outbox, lane, consent);
            }
        }
        if (lane->number == consent->number) {
            return lane;
        }
    }
    return &outbox->lanes[0]; // Cannot be: there are as many lanes as consents.
}

static void end_lane(struct outbox *outbox, struct lane *lane, const struct consent *consent) {
    char name[CONSUMER_NAME_BYTES];
    consumer_name(consent, name);
    if (!lane->ended &&
        hist_consumer_forget(plant_historian(outbox->with.plant), str_of(name), NULL) >= 0) {
        lane->ended = true;
    }
}

/* True: there is more to send at once. */
static bool round_run(struct outbox *outbox) {
    bool more = false;
    struct plant *plant = outbox->with.plant;
    struct err err = ERR_INIT;
    uint32_t unchanged = *plant_outbox_changes(plant); // Before the ledger is read.
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct reading reading = {&arena, outbox->consents};
    int count = ledger_read(plant_ledger(plant), read_consents, &reading, &err);
    for (int i = 0; i < count && !stop_flag_is_raised(&outbox->stop); i++) {
        const struct consent *consent = &outbox->consents[i];
        struct lane *lane = lane_of(outbox, consent);
        int64_t now_ns = clock_wall_ns(plant_clock(plant));
        if (consent->withdrawn_ns != 0 || now_ns >= consent->until_ns) {
            end_lane(outbox, lane, consent);
            continue;
        }
        if (*plant_outbox_changes(plant) != unchanged) {
            return true; // Perhaps this one: read again first.
        }
        lane->ended = false; // A clock that was set back makes a consent stand again.
        if (clock_mono_ns(clock_system()) >= lane->due_ns) {
            more = serve_lane(outbox, lane, consent, unchanged) || more;
        }
    }
    return more;
}

static void outbox_run(void *context) {
    struct outbox *outbox = context;
    int64_t pause_ms = outbox->with.pause_ms > 0 ? outbox->with.pause_ms : PAUSE_MS;
    while (!stop_flag_is_raised(&outbox->stop)) {
        if (round_run(outbox)) {
            continue;
        }
        int64_t deadline_ns = clock_mono_ns(clock_system()) + pause_ms * NS_PER_MS;
        (void)stop_flag_wait(&outbox->stop, deadline_ns);
    }
}

struct outbox *outbox_start(const struct outbox_options *options) {
    struct outbox *outbox = MEM_NEW(struct outbox);
    outbox->with = *options;
    buf_init(&outbox->body, MESSAGE_BYTES_MAX);
    mutex_init(&outbox->mutex);
    stop_flag_init(&outbox->stop);
    thread_start(&outbox->thread, "outbox", outbox_run, outbox);
    return outbox;
}

void outbox_stop(struct outbox *outbox) {
    if (outbox == NULL) {
        return;
    }
    stop_flag_raise(&outbox->stop);
    plant_outbox_changed(outbox->with.plant); // Breaks off what is on its way.
    thread_join(&outbox->thread);
    stop_flag_fini(&outbox->stop);
    mutex_fini(&outbox->mutex);
    buf_fini(&outbox->body);
    mem_free(outbox);
}

void outbox_error(struct outbox *outbox, int64_t consent, struct err *ret_error) {
    *ret_error = ERR_INIT;
    mutex_lock(&outbox->mutex);
    for (uint32_t i = 0; i < CONSENTS_MAX; i++) {
        if (outbox->lanes[i].number == consent) {
            *ret_error = outbox->lanes[i].error;
        }
    }
    mutex_unlock(&outbox->mutex);
}

/* ---- Granting and withdrawing ---- */

static int store_grant(struct ledger_tx *tx, void *context, struct err *err) {
    return consent_grant(tx, context, err);
}

static int check_url(const struct consent *terms, struct err *err) {
    if (mqtt_post_is(terms->url)) {
        return mqtt_post_check(terms->url, terms->token, err);
    }
    if (!str_starts(terms->url, STR("http://")) && !str_starts(terms->url, STR("https://"))) {
        return err_set(err, ERR_INVALID, MSG_OUTBOX_URL, ARGS(A_STR(terms->url)));
    }
    return http_post_check(terms->url, err);
}

int outbox_grant(struct plant *plant, const struct consent *consent, struct err *err) {
    struct consent terms = *consent;
    struct message message;
    int result = check_url(&terms, err);
    if (result < 0) {
        return result;
    }
    result = message_init(&message, plant, &terms, err);
    if (result == 0 && message.tag_count == 0) {
        result = err_set(err, ERR_INVALID, MSG_CONSENT_EMPTY, ARGS(A_CSTR("tags")));
    }
    message_fini(&message);
    if (result < 0) {
        return result;
    }
    terms.sequence = hist_seq(plant_historian(plant));
    result = ledger_write(plant_ledger(plant), store_grant, &terms, err);
    if (result == 0) {
        char name[CONSUMER_NAME_BYTES];
        consumer_name(&terms, name);
        /* The consent stands already; where this fails the outbox says it again each round. */
        (void)hist_consumer_keep(plant_historian(plant), str_of(name), terms.sequence, NULL);
        plant_outbox_changed(plant);
    }
    return result;
}

struct withdrawal {
    struct str id;
    struct str actor;
};

static int store_withdrawal(struct ledger_tx *tx, void *context, struct err *err) {
    const struct withdrawal *withdrawal = context;
    return consent_withdraw(tx, withdrawal->id, withdrawal->actor, err);
}

int outbox_withdraw(struct plant *plant, struct str id, struct str actor, struct err *err) {
    struct withdrawal withdrawal = {id, actor};
    int result = ledger_write(plant_ledger(plant), store_withdrawal, &withdrawal, err);
    if (result == 0) {
        plant_outbox_changed(plant);
    }
    return result;
}
