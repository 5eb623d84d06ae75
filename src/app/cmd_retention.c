/*
 * maru retention HOME: how long a plant keeps values and roll-ups, whether what goes is archived
 * first, what goes next, and what all of it takes on disk today and in a year; with options, sets
 * it. What is not said stays as it is.
 */
#include "app/command.h"
#include "core/json.h"
#include "core/mem.h"
#include "plant/outlook.h"

static int take_days(
    const struct call *call, const char *name, uint32_t *ret_days, struct err *err) {
    const char *text = call_value(call, name);
    uint64_t days = 0;
    if (text == NULL) {
        return 0;
    }
    if (!str_to_u64(str_of(text), &days) || days > RETENTION_DAYS_MAX) {
        return err_set(err, ERR_RANGE, MSG_RETENTION_DAYS, ARGS(A_INT(RETENTION_DAYS_MAX)));
    }
    *ret_days = (uint32_t)days;
    return 1;
}

static void say_sentence(void *context, const struct err *sentence) {
    struct call *call = context;
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    err_render(sentence, call->lang, &text);
    call_say(call, MSG_RETENTION_LINE, ARGS(A_STR(buf_str(&text))));
}

static void report_words(
    struct call *call, const struct retention *rule, const struct outlook *outlook) {
    call_say(call, MSG_RETENTION_IS,
        ARGS(A_INT(rule->raw_days), A_INT(rule->rollup_days),
            A_CSTR(rule->archive_dir[0] != '\0' ? rule->archive_dir : "-"),
            A_CSTR(retention_archive_name(rule->archive))));
    retention_explain(rule, outlook, say_sentence, call);
    char sizes[8][RETENTION_SIZE_TEXT];
    const uint64_t bytes[8] = {outlook->raw_bytes, outlook->rollup_bytes, outlook->log_bytes,
        outlook->archive_bytes, outlook->raw_year_bytes, outlook->rollup_year_bytes,
        outlook->archive_year_bytes, outlook->bytes_per_day};
    for (size_t i = 0; i < 8; i++) {
        retention_size_text(bytes[i], sizes[i]);
    }
    call_say(call, MSG_RETENTION_TODAY,
        ARGS(A_CSTR(sizes[0]), A_CSTR(sizes[1]), A_CSTR(sizes[2]), A_CSTR(sizes[3])));
    if (outlook->has_rate) {
        call_say(call, MSG_RETENTION_YEAR,
            ARGS(A_CSTR(sizes[4]), A_CSTR(sizes[5]), A_CSTR(sizes[6]), A_CSTR(sizes[7])));
    }
}

static void report_json(
    struct call *call, const struct retention *rule, const struct outlook *outlook) {
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_i64(&json, "raw_days", rule->raw_days);
    json_put_i64(&json, "rollup_days", rule->rollup_days);
    json_put_str(&json, "archive_dir", str_of(rule->archive_dir));
    json_put_str(&json, "archive_format", str_of(retention_archive_name(rule->archive)));
    json_put_i64(&json, "raw_bytes", (int64_t)outlook->raw_bytes);
    json_put_i64(&json, "rollup_bytes", (int64_t)outlook->rollup_bytes);
    json_put_i64(&json, "log_bytes", (int64_t)outlook->log_bytes);
    json_put_i64(&json, "archive_bytes", (int64_t)outlook->archive_bytes);
    json_put_i64(&json, "gone_rows", (int64_t)outlook->gone_rows);
    json_put_i64(&json, "gone_bytes", (int64_t)outlook->gone_bytes);
    if (outlook->has_rate) {
        json_put_i64(&json, "bytes_per_day", (int64_t)outlook->bytes_per_day);
        json_put_i64(&json, "raw_in_a_year_bytes", (int64_t)outlook->raw_year_bytes);
        json_put_i64(&json, "rollup_in_a_year_bytes", (int64_t)outlook->rollup_year_bytes);
        json_put_i64(&json, "archive_in_a_year_bytes", (int64_t)outlook->archive_year_bytes);
    }
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

static int report(
    struct call *call, struct plant *plant, const struct retention *rule, struct err *err) {
    AUTO_FREE struct outlook *outlook = MEM_NEW(struct outlook);
    int status = outlook_make(plant, rule, NULL, outlook, err);
    if (status < 0) {
        return status;
    }
    if (call->json) {
        report_json(call, rule, outlook);
    } else {
        report_words(call, rule, outlook);
    }
    return EXIT_DONE;
}

int cmd_retention(struct call *call, struct err *err) {
    struct plant *plant = NULL;
    struct retention rule;
    int status = call_plant(call, &plant, err);
    status = status < 0 ? status : retention_get(plant, &rule, err);
    if (status < 0) {
        return status;
    }
    const char *archive = call_value(call, "--archive");
    int raw = call_usage(take_days(call, "--raw-days", &rule.raw_days, err), err);
    int rollup =
        raw < 0 ? raw : call_usage(take_days(call, "--rollup-days", &rule.rollup_days, err), err);
    if (rollup < 0) {
        return rollup;
    }
    if (archive != NULL) {
        bool none = str_eq(str_of(archive), STR("none"));
        (void)str_copy_z(
            none ? STR_NONE : str_of(archive), rule.archive_dir, sizeof rule.archive_dir);
    }
    const char *format = call_value(call, "--archive-format");
    if (format != NULL && !retention_archive_of_name(str_of(format), &rule.archive)) {
        return err_set(err, ERR_USAGE, MSG_RETENTION_FORMAT, ARGS(A_CSTR(format)));
    }
    if (raw > 0 || rollup > 0 || archive != NULL || format != NULL) {
        status = retention_put(plant, &rule, STR("installer"), err);
    }
    return status < 0 ? status : report(call, plant, &rule, err);
}
