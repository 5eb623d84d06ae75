/*
 * Narrowing a range: one scan is opened and asked for its first run, which reads one block at most;
 * the newest row is known without reading.
 */
#include "serve/samples.h"

#include "serve/call.h"
#include "serve/view.h"

int samples_narrow(
    struct historian *historian, uint32_t tag, struct samples_range *range, struct err *err) {
    struct hist_last last;
    if (!hist_last(historian, tag, &last) || range->from_ns >= range->to_ns ||
        last.row.time_ns < range->from_ns) {
        range->to_ns = range->from_ns;
        return 0;
    }
    if (last.row.time_ns < INT64_MAX && last.row.time_ns + 1 < range->to_ns) {
        range->to_ns = last.row.time_ns + 1;
    }
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    struct hist_scan_options options = {
        .tag = tag, .from_ns = range->from_ns, .to_ns = range->to_ns};
    int rc = hist_scan_open(historian, &options, &scan, err);
    if (rc < 0) {
        return rc;
    }
    rc = hist_scan_next(scan, &rows, err);
    if (rc == 1 && rows.count > 0) {
        range->from_ns = rows.time_ns[0];
    } else if (rc == 0) {
        range->to_ns = range->from_ns;
    }
    hist_scan_close(scan);
    return rc < 0 ? rc : 0;
}

int samples_narrow_buckets(
    struct historian *historian, uint32_t tag, struct samples_range *range, struct err *err) {
    struct hist_horizon horizon;
    hist_horizon(historian, tag, &horizon);
    if (range->from_ns >= horizon.raw_ns || horizon.rollup_ns >= horizon.raw_ns ||
        range->to_ns <= horizon.rollup_ns) {
        return samples_narrow(historian, tag, range, err);
    }
    struct hist_last last;
    bool has_rows = hist_last(historian, tag, &last) && last.row.time_ns >= horizon.raw_ns;
    int64_t end_ns = has_rows ? last.row.time_ns + 1 : horizon.raw_ns;
    range->from_ns = range->from_ns > horizon.rollup_ns ? range->from_ns : horizon.rollup_ns;
    range->to_ns = range->to_ns < end_ns ? range->to_ns : end_ns;
    return 0;
}

static void put_time(struct samples_expired *expired, const char *key, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, expired->zone, text);
    json_put_str(expired->json, key, (struct str){text, size});
}

void samples_expired_put(
    struct samples_expired *expired, struct str name, const struct hist_horizon *horizon) {
    struct json *json = expired->json;
    if (!expired->begun) {
        json_key(json, "expired");
        json_array_begin(json);
        expired->begun = true;
    }
    json_object_begin(json);
    json_put_str(json, "tag", name);
    put_time(expired, "raw_from", horizon->raw_ns);
    if (horizon->rollup_ns < horizon->raw_ns) {
        put_time(expired, "rollup_from", horizon->rollup_ns);
    } else {
        json_put_null(json, "rollup_from");
    }
    struct err words = ERR_INIT;
    retention_gap_words(horizon, name, expired->zone, &words);
    view_put_error(json, "words", &words, expired->lang);
    json_object_end(json);
}

void samples_expired_end(struct samples_expired *expired) {
    if (expired->begun) {
        json_array_end(expired->json);
    }
}

void samples_expired_head(struct call *call, const uint32_t *tags, uint32_t count,
    struct samples_range asked, const struct zone *zone) {
    int64_t raw_ns = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        struct hist_horizon horizon;
        if (retention_gap(call->plant, tags[i], asked.from_ns, asked.to_ns, &horizon) &&
            horizon.raw_ns > raw_ns) {
            raw_ns = horizon.raw_ns;
        }
    }
    struct http_response *response = &call->http->response;
    if (raw_ns > INT64_MIN && response->header_count < HTTP_HEADERS_MAX) {
        char text[TIME_TEXT_MAX];
        size_t size = time_format(raw_ns, zone, text);
        struct str value = arena_copy(&call->http->arena, (struct str){text, size});
        response->headers[response->header_count++] =
            (struct http_header){"Maru-Raw-From", value.data};
    }
}
