/*
 * maru init HOME: makes the home folder with one plant. Nothing is asked: the plant's id, name and
 * time zone have defaults.
 */
#include "app/command.h"
#include "core/json.h"

int cmd_init(struct call *call, struct err *err) {
    const char *dir = call->positionals[0];
    const char *id = call_value(call, "--plant");
    const char *name = call_value(call, "--name");
    const char *zone = call_value(call, "--zone");
    struct str plant = id != NULL ? str_of(id) : STR("main");
    if (!str_is_id(plant)) {
        return err_set(err, ERR_USAGE, MSG_ID_INVALID, ARGS(A_STR(plant)));
    }
    int status =
        home_create(dir, plant, str_of(name), zone != NULL ? str_of(zone) : STR("Asia/Seoul"), err);
    if (status < 0) {
        return status;
    }
    if (call->json) {
        struct json json;
        json_init(&json, &call->out);
        json_object_begin(&json);
        json_put_str(&json, "home", str_of(dir));
        json_put_str(&json, "plant", plant);
        json_object_end(&json);
        buf_put_char(&call->out, '\n');
    } else {
        call_say(call, MSG_INIT_DONE, ARGS(A_CSTR(dir), A_STR(plant)));
    }
    return EXIT_DONE;
}
