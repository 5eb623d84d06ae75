/*
 * How long values are kept: the plant's rule, what it means in sentences, what it lets go, and what
 * the history will take. With dry_run a rule is only weighed, so that a page can tell before it
 * asks. Weighing asks the roll-ups of each tag, so it counts as long work.
 */
#include "serve/call.h"

#include <string.h>

#include "core/json_in.h"
#include "core/mem.h"
#include "plant/outlook.h"
#include "serve/server.h"
#include "serve/view.h"

struct sentences {
    struct json *json;
    enum lang lang;
};

static void put_sentence(void *context, const struct err *sentence) {
    struct sentences *sentences = context;
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    err_render(sentence, sentences->lang, &text);
    json_str(sentences->json, buf_str(&text));
}

static void put_known(struct json *json, const char *key, bool known, uint64_t value) {
    if (known) {
        json_put_i64(json, key, (int64_t)value);
    } else {
        json_put_null(json, key);
    }
}

static void put_sizes(struct json *json, const struct outlook *outlook) {
    bool known = outlook->has_rate;
    json_key(json, "today");
    json_object_begin(json);
    json_put_i64(json, "raw_bytes", (int64_t)outlook->raw_bytes);
    json_put_i64(json, "rollup_bytes", (int64_t)outlook->rollup_bytes);
    json_put_i64(json, "log_bytes", (int64_t)outlook->log_bytes);
    json_put_i64(json, "archive_bytes", (int64_t)outlook->archive_bytes);
    json_object_end(json);
    json_key(json, "in_a_year");
    json_object_begin(json);
    put_known(json, "raw_bytes", known, outlook->raw_year_bytes);
    put_known(json, "rollup_bytes", known, outlook->rollup_year_bytes);
    put_known(json, "archive_bytes", known, outlook->archive_year_bytes);
    json_object_end(json);
    put_known(json, "bytes_per_day", known, outlook->bytes_per_day);
    json_key(json, "gone");
    json_object_begin(json);
    json_put_i64(json, "rows", (int64_t)outlook->gone_rows);
    json_put_i64(json, "bytes", (int64_t)outlook->gone_bytes);
    json_put_i64(json, "tags", outlook->gone_tags);
    json_object_end(json);
}

/* What the rule means; the caller has a place for long work. */
static int answer(struct call *call, const struct retention *rule, bool stored, struct err *err) {
    AUTO_FREE struct outlook *outlook = MEM_NEW(struct outlook);
    int rc = outlook_make(call->plant, rule, NULL, outlook, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_i64(&json, "raw_days", rule->raw_days);
    json_put_i64(&json, "rollup_days", rule->rollup_days);
    bool archives = rule->archive_dir[0] != '\0';
    json_put_str(
        &json, "archive", archives ? str_of(retention_archive_name(rule->archive)) : STR("none"));
    json_put_str(&json, "archive_dir", str_of(rule->archive_dir));
    json_put_bool(&json, "stored", stored);
    json_key(&json, "words");
    json_array_begin(&json);
    struct sentences sentences = {.json = &json, .lang = call->lang};
    retention_explain(rule, outlook, put_sentence, &sentences);
    json_array_end(&json);
    put_sizes(&json, outlook);
    json_object_end(&json);
    return 0;
}

int api_retention(struct call *call, struct err *err) {
    struct retention rule;
    int rc = retention_get(call->plant, &rule, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc >= 0) {
        rc = answer(call, &rule, true, err);
        call_long_end(call);
    }
    return rc;
}

static int read_days(
    const struct json_in *body, const char *name, uint32_t *ret_days, struct err *err) {
    int64_t days = *ret_days;
    int rc = json_in_i64(body, name, &days, err);
    if (rc >= 0 && (days < 0 || days > RETENTION_DAYS_MAX)) {
        return err_set(err, ERR_RANGE, MSG_RETENTION_DAYS, ARGS(A_INT(RETENTION_DAYS_MAX)));
    }
    *ret_days = rc >= 0 ? (uint32_t)days : *ret_days;
    return rc;
}

static int read_archive(const struct json_in *body, struct retention *rule, struct err *err) {
    struct str kind = STR_NONE;
    struct str dir = str_of(rule->archive_dir);
    int rc = json_in_str(body, "archive_dir", sizeof rule->archive_dir - 1, &dir, err);
    int has_kind = rc < 0 ? rc : json_in_str(body, "archive", 16, &kind, err);
    if (has_kind < 0) {
        return has_kind;
    }
    bool none = has_kind > 0 && str_eq(kind, STR("none"));
    bool known = none || has_kind == 0 || retention_archive_of_name(kind, &rule->archive);
    if (!known || (has_kind > 0 && !none && dir.size == 0)) {
        return err_set(err, ERR_INVALID, MSG_RETENTION_KIND, ARGS(A_STR(kind)));
    }
    char text[sizeof rule->archive_dir];
    (void)str_copy_z(none ? STR_NONE : dir, text, sizeof text);
    memcpy(rule->archive_dir, text, sizeof text);
    return 0;
}

int api_retention_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {
        "raw_days", "rollup_days", "archive", "archive_dir", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct retention rule;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : retention_get(call->plant, &rule, err);
    rc = rc < 0 ? rc : read_days(body, "raw_days", &rule.raw_days, err);
    rc = rc < 0 ? rc : read_days(body, "rollup_days", &rule.rollup_days, err);
    rc = rc < 0 ? rc : read_archive(body, &rule, err);
    bool dry_run = call_param_flag(call, "dry_run");
    rc = rc < 0 ? rc : call_long_begin(call, err); // First: a rule that is stored is answered.
    if (rc < 0) {
        return rc;
    }
    rc = dry_run ? retention_check(&rule, err)
                 : retention_put(call->plant, &rule, str_of(call->principal.id), err);
    rc = rc < 0 ? rc : answer(call, &rule, !dry_run, err);
    call_long_end(call);
    return rc;
}
