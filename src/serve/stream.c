/*
 * The live stream: values of the live table as server-sent events (WHATWG HTML, section 9.2).
 *
 * A stream is a source that parks. While a browser is up to date its connection is suspended and
 * costs a few hundred bytes; the ticker looks every 10 ms at one number per stream (the plant's
 * last change) and wakes those that have something to say. What is said is "all tags changed since
 * the number you have", so a reader that was slow simply gets the newest values: nothing queues up
 * and no writer ever waits.
 *
 * Pace: an event of few values goes at once (25 ms apart at least), one of thousands at most five
 * times a second, so that a change is seen within 35 ms and a browser is not buried.
 *
 * Events carry EPOCH-CHANGE as id. The live table is walked in order of tags, not of changes; while
 * a walk is not over its events carry the number at its start, and only the last one the number
 * read before the walk. A reader that loses the connection in the middle starts that walk again.
 *
 * A reader by a grant gets the granted tags alone (serve/sight.h), and no sign of others: no change
 * numbers, which count all of the plant's (so a new connection begins with everything), no event
 * when nothing of theirs changed, and word of a changed catalogue only when what they see of it
 * did. It is looked every second whether the grant still stands, and at once when grants change or
 * one ends.
 */
#include "serve/stream.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/thread.h"
#include "serve/route.h"
#include "serve/view.h"

enum {
    TICK_MS = 10,
    BEAT_MS = 2000,        // A client knows after two missing beats that the line is dead.
    CHECK_MS = 10000,      // A session that ended loses its streams within this time,
    CHECK_GRANT_MS = 1000, // a grant within this.
    LOOK_MS = 500,         // How often it is looked whether readers went away.
    PACE_MIN_MS = 25,
    PACE_MAX_MS = 200,
    PACE_NS_PER_VALUE = 20000,
    EVENT_VALUES = 2000, // Of one event, about 130 KB.
    WALK_VALUES = 64,    // Copied from the live table at a time; 11 KB of stack.
    END_WAIT_S = 3,
};

/* What the ticker looks at, written under the hub's lock whenever the worker has looked. */
struct stream_wait {
    uint64_t since;
    int64_t values_mono_ns; // Not before this.
    int64_t other_mono_ns;  // Beat or check: at this.
    bool gone;              // The reader closed its connection: end.
    uint64_t rights;        // When it was last asked whether the reader may read.
};

struct stream {
    struct stream *next;
    struct stream *previous;
    struct stream_hub *hub;
    struct http_exchange *exchange;
    struct plant *plant;
    struct stream_wait wait;
    /* Of the worker that fills. */
    bool greeted;
    bool walking;
    uint64_t since;
    uint64_t walk_change; // The plant's number when the walk began.
    uint32_t walk_cursor;
    uint32_t walk_count;
    uint64_t catalogue_version;
    int64_t values_mono_ns;
    int64_t beat_mono_ns;
    int64_t check_mono_ns;
    uint64_t rights; // The hub's number at the last check.
    int64_t expires_ns;
    bool is_session;
    char secret[2 * SECRET_TEXT_MAX];
    bool is_grantee;
    char person[40];
    char organisation[40];
    struct sight *sight;   // Of a grantee, once looked up.
    bool is_sight_changed; // To be told.
    int64_t sight_changes; // Told so far.
};

struct stream_hub {
    const struct clock *clock;
    struct home *home;
    const char *epoch;
    uint32_t max_streams;
    struct sights *sights;
    _Atomic uint64_t rights; // Counts changes of who may see what.
    struct thread ticker;
    struct mutex mutex; // Of the four below and of each stream's `wait`.
    struct cond changed;
    struct stream *streams;
    uint32_t count;
    bool ending;
    bool closed;
};

/* ---- Events ---- */

static void put_value(struct json *json, const struct live_value *value, uint32_t shown) {
    json_array_begin(json);
    json_i64(json, shown);
    json_i64(json, view_ms(value->time_ns));
    view_live_value(json, value);
    json_i64(json, value->status);
    json_i64(json, view_ms(value->received_ns));
    json_array_end(json);
}

/* Writes the values of the walk's next tags; how many were written. */
static uint32_t put_walk(struct stream *stream, struct json *json) {
    struct live_value values[WALK_VALUES];
    struct live *live = plant_live(stream->plant);
    uint32_t got = live_changed(live, stream->since, &stream->walk_cursor, values, WALK_VALUES);
    for (uint32_t i = 0; i < got; i++) {
        put_value(json, &values[i], values[i].tag);
    }
    return got;
}

struct seen_value {
    uint32_t shown;
    struct live_value value;
};

static int compare_shown(const void *a, const void *b) {
    uint32_t x = ((const struct seen_value *)a)->shown;
    uint32_t y = ((const struct seen_value *)b)->shown;
    return (x > y) - (x < y);
}

/* Writes those of an event that a grantee sees, ordered by their shown numbers: the walk's order is
 * that of the plant's. How many were written. */
static uint32_t put_seen(struct stream *stream, struct json *json) {
    AUTO_FREE struct seen_value *found = MEM_ARRAY(struct seen_value, EVENT_VALUES + WALK_VALUES);
    struct live *live = plant_live(stream->plant);
    uint32_t count = 0;
    while (stream->walk_cursor != 0 && count < EVENT_VALUES) {
        struct live_value values[WALK_VALUES];
        uint32_t got = live_changed(live, stream->since, &stream->walk_cursor, values, WALK_VALUES);
        for (uint32_t i = 0; i < got; i++) {
            struct seen_tag seen;
            if (sight_of_number(stream->sight, values[i].tag, &seen) && seen.step_ns == 0) {
                found[count++] = (struct seen_value){seen.shown, values[i]};
            }
        }
    }
    qsort(found, count, sizeof *found, compare_shown);
    for (uint32_t i = 0; i < count; i++) {
        put_value(json, &found[i].value, found[i].shown);
    }
    return count;
}

/* Writes one event of the present walk; to a grantee none when nothing of theirs is in it. */
static void put_values(struct stream *stream, struct buf *out, int64_t now_mono_ns) {
    struct json json;
    size_t before = out->size;
    buf_put_str(out, STR("event: values\ndata: "));
    json_init(&json, out);
    json_object_begin(&json);
    json_put_str(&json, "epoch", str_of(stream->hub->epoch));
    json_put_i64(&json, "now_ms", view_ms(clock_wall_ns(stream->hub->clock)));
    json_key(&json, "values");
    json_array_begin(&json);
    uint32_t count = stream->sight ? put_seen(stream, &json) : 0;
    while (!stream->sight && stream->walk_cursor != 0 && count < EVENT_VALUES) {
        count += put_walk(stream, &json);
    }
    json_array_end(&json);
    stream->walk_count += count;
    if (stream->walk_cursor == 0) {
        stream->walking = false;
        stream->since = stream->walk_change;
        int64_t pace_ns = (int64_t)stream->walk_count * PACE_NS_PER_VALUE;
        pace_ns = pace_ns < PACE_MIN_MS * NS_PER_MS ? PACE_MIN_MS * NS_PER_MS : pace_ns;
        pace_ns = pace_ns > PACE_MAX_MS * NS_PER_MS ? PACE_MAX_MS * NS_PER_MS : pace_ns;
        stream->values_mono_ns = now_mono_ns + pace_ns;
    }
    json_put_i64(&json, "change", stream->sight ? 0 : (int64_t)stream->since);
    json_object_end(&json);
    if (stream->sight) {
        buf_put_str(out, STR("\n\n"));
        out->size = count > 0 ? out->size : before;
        return;
    }
    buf_printf(out, "\nid: %s-%llu\n\n", stream->hub->epoch, (unsigned long long)stream->since);
}

static void put_beat(struct stream *stream, struct buf *out) {
    buf_printf(out, "event: beat\ndata: {\"now_ms\":%lld}\n\n",
        (long long)view_ms(clock_wall_ns(stream->hub->clock)));
}

/* Says once that tags or devices changed; the first look only remembers the version. */
static void put_catalogue(struct stream *stream, struct buf *out) {
    if (stream->sight) { // put_sight tells.
        return;
    }
    struct catalogue *catalogue = plant_catalogue(stream->plant);
    uint64_t version = catalogue->version;
    catalogue_unref(catalogue);
    if (stream->catalogue_version != 0 && stream->catalogue_version != version) {
        buf_printf(
            out, "event: catalogue\ndata: {\"version\":%llu}\n\n", (unsigned long long)version);
    }
    stream->catalogue_version = version;
}

/* Says that what a grantee sees changed. All values come again: some may be seen for the first
 * time. */
static void put_sight(struct stream *stream, struct buf *out) {
    if (stream->is_sight_changed) {
        stream->is_sight_changed = false;
        stream->sight_changes++;
        stream->since = 0;
        stream->walking = false;
        buf_printf(out, "event: catalogue\ndata: {\"version\":%lld}\n\n",
            (long long)stream->sight_changes);
    }
}

/* Looks up what a grantee sees now. When that cannot be found out, what was seen before counts, but
 * not beyond its end. */
static bool look_again(struct stream *stream) {
    struct sight *sight = NULL;
    int64_t now_ns = clock_wall_ns(stream->hub->clock);
    int rc = sight_get(
        stream->hub->sights, stream->plant, str_of(stream->organisation), now_ns, &sight, NULL);
    if (rc < 0) {
        return stream->sight && now_ns < sight_valid_until_ns(stream->sight) &&
               sight_disclose(stream->sight, str_of(stream->person), now_ns, NULL) >= 0;
    }
    stream->is_sight_changed =
        stream->is_sight_changed ||
        (stream->sight && sight_fingerprint(stream->sight) != sight_fingerprint(sight));
    sight_unref(stream->sight);
    stream->sight = sight;
    return sight_disclose(sight, str_of(stream->person), now_ns, NULL) >= 0;
}

/* Whether the caller may still read. */
static bool still_allowed(struct stream *stream) {
    if (stream->expires_ns != 0 && clock_wall_ns(stream->hub->clock) >= stream->expires_ns) {
        return false;
    }
    struct principal principal;
    struct auth_secret secret = {str_of(stream->secret), stream->is_session};
    int rc =
        auth_check(home_hub(stream->hub->home), &secret, plant_id(stream->plant), &principal, NULL);
    if (stream->is_grantee) {
        return (rc < 0 || (rc == 1 && principal.role == ROLE_GRANTEE)) && look_again(stream);
    }
    // A ledger that fails for a moment must not end the streams: only a clear no does.
    return rc < 0 || (rc == 1 && right_allows(RIGHT_READ, principal.role, principal.scopes));
}

/* Whether it must be asked now: at times, when rights changed, when a grant ends or begins. */
static bool check_is_due(const struct stream *stream, int64_t now_mono_ns, uint64_t rights) {
    return now_mono_ns >= stream->check_mono_ns || rights != stream->rights ||
           (stream->sight &&
               clock_wall_ns(stream->hub->clock) >= sight_valid_until_ns(stream->sight));
}

static bool stream_must_end(struct stream *stream) {
    struct stream_hub *hub = stream->hub;
    mutex_lock(&hub->mutex);
    bool ending = hub->ending || stream->wait.gone;
    mutex_unlock(&hub->mutex);
    return ending;
}

static void stream_tell_wait(struct stream *stream) {
    struct stream_hub *hub = stream->hub;
    int64_t other =
        stream->beat_mono_ns < stream->check_mono_ns ? stream->beat_mono_ns : stream->check_mono_ns;
    mutex_lock(&hub->mutex);
    stream->wait.since = stream->since;
    stream->wait.values_mono_ns = stream->values_mono_ns;
    stream->wait.other_mono_ns = other;
    stream->wait.rights = stream->rights;
    mutex_unlock(&hub->mutex);
}

static int stream_fill(void *state, struct buf *out, struct err *err) {
    (void)err;
    struct stream *stream = state;
    if (stream_must_end(stream)) {
        return HTTP_END;
    }
    size_t before = out->size;
    int64_t now = clock_mono_ns(stream->hub->clock);
    uint64_t rights = atomic_load(&stream->hub->rights);
    if (check_is_due(stream, now, rights)) {
        if (!still_allowed(stream)) {
            return HTTP_END;
        }
        stream->rights = rights;
        stream->check_mono_ns = now + (stream->is_grantee ? CHECK_GRANT_MS : CHECK_MS) * NS_PER_MS;
    }
    if (!stream->greeted) {
        buf_put_str(out, STR("retry: 1000\n\n"));
        stream->greeted = true;
    }
    put_sight(stream, out);
    if (!stream->walking && now >= stream->values_mono_ns &&
        live_change(plant_live(stream->plant)) > stream->since) {
        // The number is read before the walk: what changes during it comes again in the next.
        stream->walk_change = live_change(plant_live(stream->plant));
        stream->walk_cursor = 1;
        stream->walk_count = 0;
        stream->walking = true;
    }
    if (stream->walking) {
        put_values(stream, out, now);
    }
    if (now >= stream->beat_mono_ns) {
        put_catalogue(stream, out);
        put_beat(stream, out);
        stream->beat_mono_ns = now + BEAT_MS * NS_PER_MS;
    }
    stream_tell_wait(stream);
    return out->size > before ? HTTP_MORE : HTTP_PARK;
}

/* ---- Life ---- */

static void stream_free(void *state) {
    struct stream *stream = state;
    struct stream_hub *hub = stream->hub;
    mutex_lock(&hub->mutex);
    if (stream->previous) {
        stream->previous->next = stream->next;
    } else {
        hub->streams = stream->next;
    }
    if (stream->next) {
        stream->next->previous = stream->previous;
    }
    hub->count--;
    cond_broadcast(&hub->changed);
    mutex_unlock(&hub->mutex);
    sight_unref(stream->sight);
    mem_free(stream);
}

/* The change number of "EPOCH-CHANGE" when the epoch is ours and the number was given out. */
static uint64_t resume_point(const struct stream_hub *hub, struct plant *plant, struct str id) {
    struct str rest = id;
    struct str epoch = str_cut(&rest, '-');
    uint64_t change = 0;
    if (!rest.data || !str_eq(epoch, str_of(hub->epoch)) || !str_to_u64(rest, &change) ||
        change > live_change(plant_live(plant))) {
        return 0;
    }
    return change;
}

/* How many there are when one more is too many; 0: there is room. Under the lock. */
static uint32_t stream_full(const struct stream_hub *hub, const struct stream *wish) {
    uint32_t grantees = 0;
    uint32_t own = 0;
    for (const struct stream *stream = hub->streams; stream; stream = stream->next) {
        grantees += stream->is_grantee;
        own += stream->is_grantee && strcmp(stream->person, wish->person) == 0;
    }
    uint32_t most = hub->max_streams / 4 > 0 ? hub->max_streams / 4 : 1;
    return hub->count == hub->max_streams                  ? hub->max_streams
           : wish->is_grantee && own == STREAMS_OF_GRANTEE ? own
           : wish->is_grantee && grantees >= most          ? grantees
                                                           : 0;
}

int stream_open(struct stream_hub *hub, const struct stream_options *options,
    struct http_source *ret_source, struct err *err) {
    struct stream *stream = MEM_NEW(struct stream);
    stream->hub = hub;
    stream->exchange = options->exchange;
    stream->plant = options->plant;
    stream->since = resume_point(hub, options->plant, options->last_event);
    stream->expires_ns = options->expires_ns;
    stream->is_session = options->is_session;
    stream->is_grantee = options->is_grantee;
    (void)str_copy_z(options->person, stream->person, sizeof stream->person);
    (void)str_copy_z(options->organisation, stream->organisation, sizeof stream->organisation);
    stream->rights = UINT64_MAX; // Asked at the first fill: much may happen before it.
    stream->wait.rights = atomic_load(&hub->rights);
    stream->check_mono_ns = clock_mono_ns(hub->clock) + CHECK_MS * NS_PER_MS;
    stream->wait.other_mono_ns = INT64_MAX; // Nothing to wake before the first fill.
    stream->wait.values_mono_ns = INT64_MAX;
    (void)str_copy_z(options->secret, stream->secret, sizeof stream->secret);
    if (stream->is_grantee) {
        stream->since = 0; // They were told no number to go on from.
    }
    mutex_lock(&hub->mutex);
    uint32_t full = hub->ending ? hub->max_streams : stream_full(hub, stream);
    if (full > 0) {
        mutex_unlock(&hub->mutex);
        mem_free(stream);
        return err_set(err, ERR_BUSY, MSG_SERVE_STREAMS_FULL, ARGS(A_INT(full)));
    }
    stream->next = hub->streams;
    if (stream->next) {
        stream->next->previous = stream;
    }
    hub->streams = stream;
    hub->count++;
    cond_broadcast(&hub->changed);
    mutex_unlock(&hub->mutex);
    *ret_source = (struct http_source){stream, stream_fill, stream_free};
    return 0;
}

/* ---- The ticker ---- */

static bool stream_is_due(const struct stream *stream, int64_t now) {
    const struct stream_wait *wait = &stream->wait;
    return now >= wait->other_mono_ns || wait->rights != atomic_load(&stream->hub->rights) ||
           (now >= wait->values_mono_ns && live_change(plant_live(stream->plant)) > wait->since);
}

static void ticker_run(void *context) {
    struct stream_hub *hub = context;
    int64_t next_look = 0;
    mutex_lock(&hub->mutex);
    while (!hub->closed) {
        int64_t now = clock_mono_ns(hub->clock);
        bool look = now >= next_look;
        next_look = look ? now + LOOK_MS * NS_PER_MS : next_look;
        for (struct stream *stream = hub->streams; stream; stream = stream->next) {
            if (look) {
                stream->wait.gone = stream->wait.gone || http_peer_closed(stream->exchange);
            }
            if (hub->ending || stream->wait.gone || stream_is_due(stream, now)) {
                (void)http_wake(stream->exchange); // Not parked: it is being filled or sent.
            }
        }
        int64_t deadline = hub->streams ? now + TICK_MS * NS_PER_MS : INT64_MAX;
        (void)cond_wait_until(&hub->changed, &hub->mutex, deadline);
    }
    mutex_unlock(&hub->mutex);
}

struct stream_hub *stream_hub_new(const struct clock *clock, struct home *home, const char *epoch,
    uint32_t max_streams, struct sights *sights) {
    struct stream_hub *hub = MEM_NEW(struct stream_hub);
    hub->sights = sights;
    hub->clock = clock;
    hub->home = home;
    hub->epoch = epoch;
    hub->max_streams = max_streams;
    mutex_init(&hub->mutex);
    cond_init(&hub->changed);
    thread_start(&hub->ticker, "serve-stream", ticker_run, hub);
    return hub;
}

void stream_hub_end(struct stream_hub *hub) {
    int64_t deadline = clock_mono_ns(hub->clock) + END_WAIT_S * NS_PER_S;
    mutex_lock(&hub->mutex);
    hub->ending = true;
    cond_broadcast(&hub->changed);
    while (hub->count > 0 && cond_wait_until(&hub->changed, &hub->mutex, deadline)) {
    }
    mutex_unlock(&hub->mutex);
}

void stream_hub_free(struct stream_hub *hub) {
    if (hub) {
        mutex_lock(&hub->mutex);
        hub->closed = true;
        cond_broadcast(&hub->changed);
        mutex_unlock(&hub->mutex);
        thread_join(&hub->ticker);
        cond_fini(&hub->changed);
        mutex_fini(&hub->mutex);
        mem_free(hub);
    }
}

void stream_hub_recheck(struct stream_hub *hub) {
    atomic_fetch_add(&hub->rights, 1);
    mutex_lock(&hub->mutex);
    cond_broadcast(&hub->changed);
    mutex_unlock(&hub->mutex);
}

uint32_t stream_hub_count(struct stream_hub *hub) {
    mutex_lock(&hub->mutex);
    uint32_t count = hub->count;
    mutex_unlock(&hub->mutex);
    return count;
}
