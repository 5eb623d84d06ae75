/*
 * Sparkplug payloads and topics from outside. What is accepted must be readable metric by metric,
 * as many as were counted; and a metric that is written again must read as the same metric.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "wire/sparkplug.h"

static void same(const struct sparkplug_metric *a, const struct sparkplug_metric *b) {
    CHECK(str_eq(a->name, b->name) && a->has_name == b->has_name);
    CHECK(a->has_alias == b->has_alias && a->alias == b->alias);
    CHECK(a->has_time == b->has_time && a->time_ms == b->time_ms);
    CHECK(a->datatype == b->datatype && a->is_null == b->is_null);
    CHECK(a->is_historical == b->is_historical && a->is_transient == b->is_transient);
    CHECK(a->has_quality == b->has_quality && (!a->has_quality || a->quality == b->quality));
    if (!a->is_null) {
        CHECK(a->field == b->field && a->number == b->number && str_eq(a->bytes, b->bytes));
    }
}

static void one(const struct sparkplug_metric *metric) {
    AUTO_BUF struct buf scratch;
    buf_init(&scratch, 4096);
    struct sparkplug_value value;
    for (uint32_t type = 0; type <= SPARKPLUG_TYPE_COUNT; type++) {
        sparkplug_value_get(metric, type, &scratch, &value);
        CHECK(value.kind != SPARKPLUG_IS_TEXT || value.text.data != NULL);
    }
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 21);
    sparkplug_put_metric(&out, metric);
    struct sparkplug_payload payload;
    CHECK(sparkplug_parse(buf_str(&out), &payload, NULL) == 0 && payload.metric_count == 1);
    size_t at = 0;
    struct sparkplug_metric again;
    CHECK(sparkplug_next(&payload, &at, &again));
    same(metric, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str bytes = {.data = size > 0 ? (const char *)data : "", .size = size};
    struct sparkplug_topic topic;
    if (sparkplug_topic_parse(bytes, &topic)) {
        CHECK(sparkplug_is_id(topic.group) && sparkplug_is_id(topic.edge));
        CHECK((topic.device.size > 0) == (topic.verb >= SPARKPLUG_DBIRTH));
    }
    struct sparkplug_payload payload;
    struct err err = ERR_INIT;
    if (sparkplug_parse(bytes, &payload, &err) < 0) {
        CHECK(err.code != ERR_OK);
        return 0;
    }
    struct sparkplug_metric metric;
    size_t at = 0;
    uint32_t count = 0;
    while (sparkplug_next(&payload, &at, &metric)) {
        count++;
        one(&metric);
    }
    CHECK(count == payload.metric_count);
    return 0;
}
