/*
 * maru doctor HOME [DEVICE] [--source SOURCE]: walks from a device's address to a value and says at
 * each step what was found. Without a device, all of them. With --driver and --address a device
 * that is not saved. Exit 1 when something is wrong.
 */
#include "app/command.h"
#include "core/json.h"
#include "core/time.h"

struct examination {
    struct call *call;
    struct plant *plant;
    struct json json;
    uint32_t bad;
};

static void say_finding(void *context, const struct doctor_finding *finding) {
    static const char *const MARKS[] = {"ok  ", "note", "BAD "};
    static const char *const VERDICTS[] = {"good", "note", "bad"};
    struct examination *examination = context;
    struct call *call = examination->call;
    AUTO_BUF struct buf words;
    buf_init(&words, 8192);
    err_render(finding->words, call->lang, &words);
    if (!call->json) {
        buf_printf(&call->out, "  %s %-9s %.*s\n", MARKS[finding->verdict],
            doctor_step_name(finding->step), STR_ARG(buf_str(&words)));
        struct err err = ERR_INIT;
        (void)call_flush(call, true, &err); // A person watches; the end tells of a lost reader.
        return;
    }
    json_object_begin(&examination->json);
    json_put_str(&examination->json, "step", str_of(doctor_step_name(finding->step)));
    json_put_str(&examination->json, "verdict", str_of(VERDICTS[finding->verdict]));
    json_put_str(&examination->json, "words", buf_str(&words));
    json_object_end(&examination->json);
}

static void say_candidate(void *context, const struct doctor_candidate *candidate) {
    struct examination *examination = context;
    struct call *call = examination->call;
    if (!call->json && candidate->value.size > 0) {
        buf_printf(&call->out, "       %-10.*s %.*s\n", STR_ARG(candidate->label),
            STR_ARG(candidate->value));
    }
}

static void examine(
    struct examination *examination, const struct device *device, struct str source) {
    struct call *call = examination->call;
    struct device_health health;
    bool collected = plant_device_health(examination->plant, device->number, &health);
    if (call->json) {
        json_object_begin(&examination->json);
        json_put_str(&examination->json, "device", device->id);
        json_key(&examination->json, "findings");
        json_array_begin(&examination->json);
    } else {
        buf_printf(&call->out, "%.*s  %.*s %.*s\n", STR_ARG(device->id), STR_ARG(device->driver),
            STR_ARG(device->address));
    }
    struct doctor_request request = {.device = device,
        .source = source,
        .health = collected ? &health : NULL,
        .context = examination,
        .finding = say_finding,
        .candidate = say_candidate};
    uint32_t bad = device_diagnose(&request);
    examination->bad += bad;
    if (call->json) {
        json_array_end(&examination->json);
        json_put_bool(&examination->json, "good", bad == 0);
        json_object_end(&examination->json);
    }
}

/* The first source of the device's tags, so that a value is read even if none was named. */
static struct str any_source(const struct catalogue *catalogue, struct str device) {
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        if (tag->active && str_eq(tag->device, device) && tag->source.size > 0) {
            return tag->source;
        }
    }
    return STR_NONE;
}

static int examine_saved(struct examination *examination, const struct catalogue *catalogue,
    const char *id, const char *source, struct err *err) {
    if (id != NULL && catalogue_device(catalogue, str_of(id)) == NULL) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_DEVICE_UNKNOWN, ARGS(A_CSTR(id)));
    }
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        const struct device *device = &catalogue->devices[i];
        if (id == NULL ? device->enabled : str_eq(device->id, str_of(id))) {
            examine(examination, device,
                source != NULL ? str_of(source) : any_source(catalogue, device->id));
        }
    }
    return 0;
}

static int run(struct examination *examination, struct err *err) {
    struct call *call = examination->call;
    const char *id = call->positional_count > 0 ? call->positionals[0] : NULL;
    const char *driver = call_value(call, "--driver");
    const char *address = call_value(call, "--address");
    const char *options = call_value(call, "--options");
    const char *source = call_value(call, "--source");
    if ((driver == NULL) != (address == NULL) || (driver != NULL && id != NULL)) {
        return err_set(err, ERR_USAGE, MSG_DOCTOR_USAGE, NO_ARGS);
    }
    if (driver == NULL) {
        struct catalogue *catalogue = plant_catalogue(examination->plant);
        int status = examine_saved(examination, catalogue, id, source, err);
        catalogue_unref(catalogue);
        return status;
    }
    struct device device = {.id = STR("new"),
        .driver = str_of(driver),
        .address = str_of(address),
        .options = str_of(options != NULL ? options : ""),
        .period_ns = NS_PER_S,
        .enabled = true};
    examine(examination, &device, str_of(source != NULL ? source : ""));
    return 0;
}

int cmd_doctor(struct call *call, struct err *err) {
    struct examination examination = {.call = call};
    int status = call_plant(call, &examination.plant, err);
    if (status < 0) {
        return status;
    }
    if (call->json) {
        json_init(&examination.json, &call->out);
        json_object_begin(&examination.json);
        json_key(&examination.json, "devices");
        json_array_begin(&examination.json);
    }
    size_t begun = call->out.size;
    status = run(&examination, err);
    if (status < 0) {
        call->out.size = call->json ? 0 : begun;
        return status;
    }
    if (call->json) {
        json_array_end(&examination.json);
        json_put_bool(&examination.json, "good", examination.bad == 0);
        json_object_end(&examination.json);
        buf_put_char(&call->out, '\n');
    }
    return examination.bad == 0 ? EXIT_DONE : EXIT_FAILED;
}
