/*
 * Numbers, times, durations, time zone rules and files, and the writers that quote outside text.
 * The first byte chooses the parser; what was accepted must survive writing and reading again.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "core/json.h"
#include "core/log.h"
#include "core/text.h"
#include "core/time.h"
#include "core/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_number(struct str text) {
    double real = 0;
    double back = 0;
    char out[32];
    if (str_to_f64(text, &real)) {
        size_t used = f64_to_text(real, out);
        CHECK(used < sizeof out && str_to_f64((struct str){out, used}, &back));
        CHECK(memcmp(&real, &back, sizeof real) == 0 || isnan(real));
    }
    int64_t integer = 0;
    int64_t again = 0;
    if (str_to_i64(text, &integer)) {
        size_t used = i64_to_text(integer, out);
        CHECK(str_to_i64((struct str){out, used}, &again) && again == integer);
        CHECK(str_to_f64(text, &real));
    }
}

static void try_time(struct str text) {
    int64_t time_ns = 0;
    int64_t back_ns = 0;
    char out[TIME_TEXT_MAX];
    if (time_parse(text, NULL, &time_ns)) {
        size_t used = time_format(time_ns, NULL, out);
        CHECK(used < sizeof out && time_parse((struct str){out, used}, NULL, &back_ns));
        CHECK(back_ns == time_ns);
    }
    (void)time_parse_query(text, NULL, 0, &time_ns, NULL); // Only memory errors matter here.
    int64_t duration_ns = 0;
    CHECK(duration_parse(text, &duration_ns, NULL) < 0 || duration_ns > 0);
}

/* Whatever the file says, spans must hold their instants and buckets must be in order. */
static void try_zone(const struct zone *zone) {
    static const int64_t TIMES[] = {
        INT64_MIN, -1, 0, 1738281600500000000, 5000000000000000000, INT64_MAX};
    static const int64_t WIDTHS[] = {60000000000, 3600000000000, 86400000000000, 604800000000000};
    for (size_t i = 0; i < sizeof TIMES / sizeof TIMES[0]; i++) {
        struct zone_span span = zone_span_at(zone, TIMES[i]);
        CHECK(span.start_ns <= TIMES[i] && TIMES[i] <= span.end_ns);
        (void)zone_from_local(zone, TIMES[i]);
        char out[TIME_TEXT_MAX];
        CHECK(time_format(TIMES[i], zone, out) < sizeof out);
        for (size_t w = 0; w < sizeof WIDTHS / sizeof WIDTHS[0]; w++) {
            int64_t next_ns = 0;
            int64_t start_ns = time_bucket_start(TIMES[i], WIDTHS[w], zone, &next_ns);
            CHECK(start_ns <= TIMES[i] && TIMES[i] <= next_ns);
        }
    }
}

static void try_writers(struct str text) {
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 20);
    struct json json;
    json_init(&json, &out);
    json_str(&json, text);
    CHECK(out.overflow || str_is_utf8(buf_str(&out), NULL));
    buf_clear(&out);
    log_line(&out, 0, LOG_INFO, "core", "fuzz", LOG_FIELDS({"text", A_STR(text)}), NULL);
    CHECK(str_find(buf_str(&out), '\n') == out.size); // Nobody forges a second line.
    CHECK(str_is_utf8(buf_str(&out), NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct str text = {(const char *)data + 1, size - 1};
    struct zone *zone = NULL;
    switch (data[0] & 7) {
    case 0: try_number(text); break;
    case 1: try_time(text); break;
    case 2:
        if (zone_parse(STR("fuzz"), text.data, text.size, &zone, NULL) == 0) {
            try_zone(zone);
        }
        break;
    case 3:
        if (zone_parse_rule(STR("fuzz"), text, &zone, NULL) == 0) {
            try_zone(zone);
        }
        break;
    default: try_writers(text); break;
    }
    zone_free(zone);
    return 0;
}
