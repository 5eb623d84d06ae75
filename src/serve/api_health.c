/*
 * /healthz says that the process lives; /readyz that it is of use: each plant's store takes writes
 * and each enabled device was tried once (tried, not reached: a machine that is switched off must
 * not keep the program from being called ready). What is missing is said in words.
 */
#include "serve/call.h"

#include "serve/server.h"

int api_health(struct call *call, struct err *err) {
    (void)err;
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "status", STR("ok"));
    json_object_end(&json);
    return 0;
}

static void put_words(struct json *json, enum msg_id id, const struct arg *args, enum lang lang) {
    AUTO_BUF struct buf words = {0};
    buf_init(&words, 1024);
    msg_render(id, args, lang, &words);
    json_str(json, buf_str(&words));
}

/* Names what keeps a plant from being ready, to whom may read it; to others, once, only that
 * something does: names of plants and machines tell a stranger what is made here, and a line for
 * each plant how many there are. */
static int put_waiting(
    struct call *call, struct json *json, struct plant *plant, bool *told_some, struct err *err) {
    enum lang lang = call->lang;
    bool may = false;
    int rc = call_may_read(call, plant, &may, err);
    if (rc < 0 || !may) {
        if (rc >= 0 && !*told_some) {
            put_words(json, MSG_SERVE_WAIT_SOME, NO_ARGS, lang);
            *told_some = true;
        }
        return rc;
    }
    struct hist_status store;
    hist_status(plant_historian(plant), &store);
    bool named = store.disk_full;
    if (store.disk_full) {
        put_words(json, MSG_SERVE_WAIT_DISK, ARGS(A_STR(plant_id(plant))), lang);
    }
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(plant);
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        const struct device *device = &catalogue->devices[i];
        struct device_health health;
        bool running = plant_device_health(plant, device->number, &health);
        if (device->enabled && running && health.polls == 0 && health.failures == 0 &&
            health.last_error.code == ERR_OK) {
            put_words(
                json, MSG_SERVE_WAIT_DEVICE, ARGS(A_STR(plant_id(plant)), A_STR(device->id)), lang);
            named = true;
        }
    }
    if (!named) {
        put_words(json, MSG_SERVE_WAIT_PLANT, ARGS(A_STR(plant_id(plant))), lang);
    }
    return 0;
}

int api_ready(struct call *call, struct err *err) {
    struct home *home = call->server->home;
    bool ready = true;
    bool told_some = false;
    for (uint32_t i = 0; i < home_plant_count(home); i++) {
        ready = plant_ready(home_plant_at(home, i)) && ready;
    }
    struct json json;
    call_json(call, ready ? 200 : 503, &json);
    json_object_begin(&json);
    json_put_str(&json, "status", ready ? STR("ready") : STR("waiting"));
    json_key(&json, "waiting");
    json_array_begin(&json);
    for (uint32_t i = 0; !ready && i < home_plant_count(home); i++) {
        struct plant *plant = home_plant_at(home, i);
        if (!plant_ready(plant)) {
            int rc = put_waiting(call, &json, plant, &told_some, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    json_array_end(&json);
    json_object_end(&json);
    return 0;
}
