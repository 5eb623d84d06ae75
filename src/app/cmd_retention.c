/*
 * maru retention HOME: how long a plant keeps values and roll-ups, and whether what goes is
 * archived first; with options, sets it. What is not said stays as it is.
 */
#include "app/command.h"
#include "core/json.h"
#include "plant/retention.h"

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

static void report(struct call *call, const struct retention *rule) {
    if (!call->json) {
        call_say(call, MSG_RETENTION_IS,
            ARGS(A_INT(rule->raw_days), A_INT(rule->rollup_days),
                A_CSTR(rule->archive_dir[0] != '\0' ? rule->archive_dir : "-"),
                A_CSTR(retention_archive_name(rule->archive))));
        return;
    }
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_i64(&json, "raw_days", rule->raw_days);
    json_put_i64(&json, "rollup_days", rule->rollup_days);
    json_put_str(&json, "archive_dir", str_of(rule->archive_dir));
    json_put_str(&json, "archive_format", str_of(retention_archive_name(rule->archive)));
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
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
    if (status < 0) {
        return status;
    }
    report(call, &rule);
    return EXIT_DONE;
}
