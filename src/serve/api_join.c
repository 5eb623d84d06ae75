/*
 * Several tags side by side, by time and by lot, as JSON or CSV. The answer is made while it is
 * sent, some hundred rows at a time; what a cell holds is told in historian/join.h.
 */
#include "serve/call.h"

#include "historian/join.h"
#include "serve/samples.h"
#include "serve/server.h"

enum { ROWS_AT_ONCE = 256 };

struct join_source {
    struct join *join;
    struct join_text text;
    struct zone *own_zone; // Asked for by tz; owned.
    const struct str *names;
    bool begun;
};

static int join_fill(void *state, struct buf *out, struct err *err) {
    struct join_source *source = state;
    source->text.out = out;
    if (!source->begun) {
        source->begun = true;
        join_text_head(&source->text, source->names);
    }
    for (int i = 0; i < ROWS_AT_ONCE; i++) {
        struct join_row row;
        int rc = join_next(source->join, &row, err);
        if (rc < 0) {
            return rc;
        }
        if (rc == 0) {
            join_text_foot(&source->text);
            return HTTP_END;
        }
        join_text_row(&source->text, &row);
    }
    return HTTP_MORE;
}

static void join_free(void *state) {
    struct join_source *source = state; // Lives in the request's arena.
    join_close(source->join);
    zone_free(source->own_zone);
}

static int find_tag(const struct catalogue *catalogue, struct str name, uint32_t *ret_number,
    struct str *ret_name, struct err *err) {
    const struct tag *tag = catalogue_find(catalogue, name);
    if (!tag) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_TAG_UNKNOWN, ARGS(A_STR(name)));
    }
    *ret_number = tag->number;
    *ret_name = tag->name;
    return 0;
}

struct join_names {
    uint32_t numbers[QUERY_PARAMS_MAX];
    struct str names[QUERY_PARAMS_MAX];
    uint32_t count;
};

/* Tags in the order of the query; a name that stands twice is one column. */
static int read_tags(const struct call *call, const struct catalogue *catalogue,
    struct join_names *tags, struct err *err) {
    for (uint32_t i = 0; i < call->query.count; i++) {
        const struct query_param *param = &call->query.params[i];
        if (!str_eq(param->name, STR("tag"))) {
            continue;
        }
        int rc = find_tag(
            catalogue, param->value, &tags->numbers[tags->count], &tags->names[tags->count], err);
        if (rc < 0) {
            return rc;
        }
        tags->names[tags->count] =
            arena_copy(&call->http->arena, tags->names[tags->count]); // The catalogue may go.
        tags->count++;
        for (uint32_t k = 0; k + 1 < tags->count; k++) {
            if (tags->numbers[k] == tags->numbers[tags->count - 1]) {
                tags->count--;
                break;
            }
        }
    }
    return 0;
}

static int read_single(const struct call *call, const struct catalogue *catalogue, const char *name,
    uint32_t *ret_number, struct err *err) {
    struct str value = STR_NONE;
    struct str found = STR_NONE;
    return call_param(call, name, &value) ? find_tag(catalogue, value, ret_number, &found, err) : 0;
}

static int read_options(const struct call *call, const struct catalogue *catalogue,
    struct join_options *options, struct err *err) {
    const struct zone *zone = plant_zone(call->plant);
    struct str pick = STR_NONE;
    options->from_ns = INT64_MIN;
    options->to_ns = INT64_MAX;
    options->lot_key = STR_NONE;
    (void)call_param(call, "lot_key", &options->lot_key); // Absent: every lot.
    if (call_param(call, "pick", &pick)) {
        options->pick = str_eq(pick, STR("nearest")) ? JOIN_NEAREST : JOIN_BEFORE;
    }
    int rc = call_param_time(call, "from", zone, &options->from_ns, err);
    rc = rc < 0 ? rc : call_param_time(call, "to", zone, &options->to_ns, err);
    rc = rc < 0 ? rc : call_param_duration(call, "every", &options->every_ns, err);
    rc = rc < 0 ? rc : call_param_duration(call, "max_age", &options->max_age_ns, err);
    rc = rc < 0 ? rc : read_single(call, catalogue, "lead", &options->lead, err);
    rc = rc < 0 ? rc : read_single(call, catalogue, "lot", &options->lot, err);
    return rc < 0 ? rc : 0;
}

int api_join(struct call *call, struct err *err) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct arena *arena = &call->http->arena;
    struct join_source *source = ARENA_NEW(arena, struct join_source);
    struct join_names *tags = ARENA_NEW(arena, struct join_names);
    struct join_options options = {0};
    struct str tz = STR_NONE;
    struct str format = STR_NONE;
    int rc = read_tags(call, catalogue, tags, err);
    rc = rc < 0 ? rc : read_options(call, catalogue, &options, err);
    if (rc >= 0 && call_param(call, "tz", &tz)) {
        rc = zone_load(tz, &source->own_zone, err);
    }
    if (rc >= 0) {
        options.tags = tags->numbers;
        options.tag_count = tags->count;
        options.zone = source->own_zone ? source->own_zone : plant_zone(call->plant);
        options.lot_key = arena_copy(arena, options.lot_key);
        rc = join_open(plant_historian(call->plant), &options, &source->join, err);
    }
    if (rc < 0) {
        join_free(source);
        return rc;
    }
    (void)call_param(call, "format", &format); // Absent: JSON.
    source->names = tags->names;
    source->text = (struct join_text){.zone = source->own_zone,
        .tag_count = tags->count,
        .as_json = !str_eq(format, STR("csv")),
        .with_lot = options.lot != 0};
    struct samples_range asked = {options.from_ns, options.to_ns};
    samples_expired_head(call, tags->numbers, tags->count, asked, source->own_zone);
    call_source(call,
        source->text.as_json ? "application/json; charset=utf-8"
                             : "text/csv; charset=utf-8; header=present",
        (struct http_source){source, join_fill, join_free});
    return 0;
}
