/*
 * What is wrong with a plant and the home around it, and what to do: the list that upkeep makes, in
 * the reader's language. `status` is that of the worst finding.
 */
#include "serve/call.h"

#include <math.h>

#include "core/mem.h"
#include "core/process.h"
#include "serve/server.h"
#include "serve/view.h"
#include "upkeep/nightly.h"

static void put_words(struct json *json, const char *key, const struct err *words,
    const char *detail, enum lang lang) {
    AUTO_BUF struct buf text = {0};
    buf_init(&text, 4096);
    err_render(words, lang, &text);
    if (detail[0] != '\0') {
        buf_printf(&text, ": %s", detail);
    }
    json_put_str(json, key, buf_str(&text));
}

static void put_finding(struct json *json, const struct finding *finding, enum lang lang) {
    json_object_begin(json);
    json_put_str(json, "id", str_of(finding->id));
    if (finding->subject[0] != '\0') {
        json_put_str(json, "subject", str_of(finding->subject));
    } else {
        json_put_null(json, "subject");
    }
    json_put_str(json, "severity", str_of(finding_severity_name(finding->severity)));
    put_words(json, "words", &finding->words, finding->detail[lang], lang);
    put_words(json, "action", &finding->action, "", lang);
    json_object_end(json);
}

static void put_year(struct json *json, const struct upkeep_facts *facts) {
    json_key(json, "in_a_year");
    if (facts->raw_in_year_bytes == 0) {
        json_null(json);
        return;
    }
    json_object_begin(json);
    json_put_i64(json, "raw_bytes", (int64_t)facts->raw_in_year_bytes);
    json_put_i64(json, "rollup_bytes", (int64_t)facts->rollup_in_year_bytes);
    json_put_i64(json, "archive_bytes", (int64_t)facts->archive_in_year_bytes);
    json_object_end(json);
}

static void put_disk(struct json *json, const struct upkeep_facts *facts) {
    json_key(json, "disk");
    json_object_begin(json);
    json_put_i64(json, "free_bytes", (int64_t)facts->disk_free_bytes);
    json_put_i64(json, "used_bytes", (int64_t)facts->disk_used_bytes);
    json_put_i64(json, "raw_bytes", (int64_t)facts->raw_bytes);
    json_put_i64(json, "rollup_bytes", (int64_t)facts->rollup_bytes);
    json_put_i64(json, "log_bytes", (int64_t)facts->log_bytes);
    json_put_i64(json, "archive_bytes", (int64_t)facts->archive_bytes);
    view_put_optional(json, "bytes_per_day", facts->bytes_per_day);
    view_put_optional(json, "days_left", isinf(facts->days_left) ? (double)NAN : facts->days_left);
    if (facts->disk_in_year_bytes > 0) {
        json_put_i64(json, "used_in_a_year_bytes", (int64_t)facts->disk_in_year_bytes);
    } else {
        json_put_null(json, "used_in_a_year_bytes");
    }
    put_year(json, facts);
    json_object_end(json);
}

static void put_facts(struct json *json, const struct upkeep_facts *facts) {
    put_disk(json, facts);
    json_key(json, "backup");
    json_object_begin(json);
    view_put_time(json, "last", facts->backup_ns);
    json_put_i64(json, "bytes", (int64_t)facts->backup_bytes);
    view_put_time(json, "last_test", facts->test_ns);
    if (facts->backup_dir[0] != '\0') {
        json_put_str(json, "dir", str_of(facts->backup_dir));
    } else {
        json_put_null(json, "dir");
    }
    json_put_bool(json, "nightly", facts->backup_nightly);
    json_put_bool(json, "running", facts->backup_running);
    json_object_end(json);
    json_key(json, "clock");
    json_object_begin(json);
    json_put_bool(json, "synchronised", facts->clock_synchronised);
    json_put_i64(json, "steps", facts->clock_steps);
    json_object_end(json);
}

static void put_process(struct json *json, const struct call *call) {
    struct process_facts facts;
    process_look(&facts);
    json_key(json, "process");
    json_object_begin(json);
    json_put_i64(json, "uptime_s", (call->now_ns - call->server->begin_wall_ns) / NS_PER_S);
    json_put_i64(json, "memory_bytes", (int64_t)facts.memory_bytes);
    json_put_f64(json, "cpu_s", facts.cpu_s);
    json_put_i64(json, "threads", facts.threads);
    json_put_i64(json, "open_files", facts.open_files);
    json_object_end(json);
}

int api_plant_health(struct call *call, struct err *err) {
    (void)err;
    AUTO_FREE struct finding *findings = MEM_ARRAY(struct finding, FINDINGS_MAX);
    struct upkeep_facts facts;
    uint32_t count = upkeep_health(
        call->server->options.upkeep, call->server->home, call->plant, findings, &facts);
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "status",
        count > 0 ? str_of(finding_severity_name(findings[0].severity)) : STR("ok"));
    json_put_str(&json, "version", STR(MARU_VERSION));
    json_put_i64(&json, "found", facts.found);
    json_key(&json, "items");
    json_array_begin(&json);
    for (uint32_t i = 0; i < count; i++) {
        put_finding(&json, &findings[i], call->lang);
    }
    json_array_end(&json);
    put_facts(&json, &facts);
    put_process(&json, call);
    json_key(&json, "launcher");
    if (facts.version_number > 0) {
        json_object_begin(&json);
        json_put_i64(&json, "number", (int64_t)facts.version_number);
        json_put_i64(&json, "newest", (int64_t)facts.version_newest);
        json_object_end(&json);
    } else {
        json_null(&json);
    }
    json_object_end(&json);
    return 0;
}
