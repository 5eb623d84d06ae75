/*
 * Setting a device up: the drivers and their options, an address checked while it is typed, what a
 * device holds, and the connection doctor. Doctor and browse open sessions to machines and may take
 * many seconds of a worker, so only DOCTORS_MAX of them run at once.
 */
#include "core/json_in.h"
#include "core/limits.h"
#include "refine/derived.h"
#include "serve/call.h"
#include "serve/server.h"

enum { DOCTORS_MAX = 3, PERIOD_DEFAULT_MS = 1000 };

static const char *const MEMBERS[] = {
    "id", "driver", "address", "options", "source", "type", "under", "name", NULL};

/* A device line as the caller has it in hand, saved or not. */
struct draft {
    struct catalogue *catalogue;
    struct json_in *body;
    struct buf options;
    struct device device;
    struct str source;
    struct str under;
    struct str name;      // Of the tag that is made; for expressions.
    enum value_type type; // 0: not said.
    bool saved;
};

static int draft_read(struct call *call, struct draft *draft, struct err *err) {
    *draft = (struct draft){.catalogue = plant_catalogue(call->plant)};
    buf_init(&draft->options, 4 * LIMIT_DEVICE_TEXT_BYTES);
    draft->device = (struct device){.number = 1,
        .id = STR("new"),
        .driver = STR_NONE,
        .address = STR_NONE,
        .options = STR_NONE,
        .period_ns = PERIOD_DEFAULT_MS * NS_PER_MS,
        .enabled = true};
    int rc = json_in_parse(call->http->request.body, &draft->body, err);
    if (rc >= 0) {
        rc = json_in_only(draft->body, MEMBERS, err);
    }
    struct str id = STR_NONE;
    struct str type = STR_NONE;
    if (rc >= 0) {
        rc = json_in_str(draft->body, "id", LIMIT_ID_BYTES, &id, err);
    }
    const struct device *present = rc > 0 ? catalogue_device(draft->catalogue, id) : NULL;
    if (present != NULL) {
        draft->device = *present;
        draft->saved = true;
    }
    struct {
        const char *name;
        size_t max;
        struct str *place;
    } texts[] = {{"driver", LIMIT_ID_BYTES, &draft->device.driver},
        {"address", LIMIT_DEVICE_TEXT_BYTES, &draft->device.address},
        {"options", LIMIT_DEVICE_TEXT_BYTES, &draft->device.options},
        {"source", LIMIT_SOURCE_BYTES, &draft->source},
        {"under", LIMIT_SOURCE_BYTES, &draft->under}, {"type", LIMIT_ID_BYTES, &type},
        {"name", LIMIT_TAG_NAME_BYTES, &draft->name}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && rc >= 0; i++) {
        rc = json_in_str(draft->body, texts[i].name, texts[i].max, texts[i].place, err);
    }
    if (rc >= 0 && type.size > 0 && !value_type_of_name(type, &draft->type)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_TYPE_UNKNOWN, ARGS(A_STR(type)));
    }
    device_options_keep(present, &draft->device, &draft->options);
    draft->device.options = buf_str(&draft->options);
    if (rc >= 0 && call->outsider && device_uses_files(&draft->device)) {
        return err_set(err, ERR_FORBIDDEN, MSG_SUPPORT_FILES, NO_ARGS);
    }
    return rc < 0 ? rc : 0;
}

static void draft_fini(struct draft *draft) {
    json_in_free(draft->body);
    buf_fini(&draft->options);
    catalogue_unref(draft->catalogue);
}

/* ---- Drivers ---- */

static void put_option(struct json *json, const struct driver_option *option, enum lang lang) {
    json_object_begin(json);
    json_put_str(json, "name", str_of(option->name));
    json_put_str(json, "help", str_of(lang == LANG_EN ? option->help_en : option->help_ko));
    json_put_str(json, "kind",
        option->is_secret       ? STR("secret")
        : option->is_text       ? STR("text")
        : option->words != NULL ? STR("choice")
                                : STR("integer"));
    json_put_i64(json, "fallback", option->fallback);
    json_put_i64(json, "min", option->min);
    json_put_i64(json, "max", option->max);
    json_put_str(json, "words", str_of(option->words != NULL ? option->words : ""));
    json_object_end(json);
}

static void put_options(
    struct json *json, const char *key, const struct driver_option *options, enum lang lang) {
    json_key(json, key);
    json_array_begin(json);
    for (; options->name != NULL; options++) {
        put_option(json, options, lang);
    }
    json_array_end(json);
}

int api_drivers(struct call *call, struct err *err) {
    (void)err;
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_key(&json, "items");
    json_array_begin(&json);
    for (size_t i = 0; driver_at(i) != NULL; i++) {
        const struct driver *driver = driver_at(i);
        json_object_begin(&json);
        json_put_str(&json, "name", str_of(driver->name));
        json_put_str(
            &json, "help", str_of(call->lang == LANG_EN ? driver->help_en : driver->help_ko));
        json_put_bool(&json, "events", driver->events);
        json_put_bool(&json, "can_browse", driver->browse != NULL);
        json_put_bool(&json, "own_address", driver->check_address != NULL);
        put_options(&json, "options", driver->options, call->lang);
        json_object_end(&json);
    }
    json_array_end(&json);
    put_options(&json, "link_options", device_link_options(), call->lang);
    json_object_end(&json);
    return 0;
}

/* ---- Checking while typing ---- */

/* The source of a tag in the catalogue, as derived_check asks for it. */
static int source_of(void *context, struct str name, struct str *ret_source, struct err *err) {
    (void)err;
    const struct tag *tag = catalogue_find(context, name);
    if (tag != NULL) {
        *ret_source = derived_is(tag) ? tag->source : STR_NONE;
    }
    return tag != NULL;
}

static int check(const struct draft *draft, struct point *ret_point, struct err *err) {
    if (str_starts(str_trim(draft->source), STR("="))) {
        struct tag tag = {.name = draft->name, .source = draft->source};
        const struct derived_lookup lookup = {draft->catalogue, source_of};
        ret_point->natural_type = TYPE_F64;
        return derived_check(&tag, &lookup, err);
    }
    int rc = device_check(&draft->device, err);
    if (rc == 0 && draft->source.size > 0) {
        rc = device_check_source(&draft->device, draft->source, ret_point, err);
    }
    if (rc == 0 && draft->source.size > 0 && draft->type != 0) {
        struct tag tag = {.source = draft->source, .type = draft->type};
        rc = device_check_tag(&draft->device, &tag, err);
    }
    return rc;
}

int api_device_check(struct call *call, struct err *err) {
    struct draft draft;
    int rc = draft_read(call, &draft, err);
    if (rc >= 0) {
        struct err words = ERR_INIT;
        struct point point = {0};
        bool good = check(&draft, &point, &words) == 0;
        AUTO_BUF struct buf text;
        buf_init(&text, 8192);
        if (!good) {
            err_render(&words, call->lang, &text);
        }
        struct json json;
        call_json(call, 200, &json);
        json_object_begin(&json);
        json_put_bool(&json, "good", good);
        json_put_str(&json, "words", buf_str(&text));
        if (good && draft.source.size > 0) {
            json_put_str(&json, "type", str_of(value_type_name(point.natural_type)));
        } else {
            json_put_null(&json, "type");
        }
        json_put_bool(&json, "writable", point.writable);
        json_object_end(&json);
    }
    draft_fini(&draft);
    return rc;
}

/* ---- Sessions to the machine ---- */

static int begin_session(struct call *call, struct err *err) {
    if (atomic_fetch_add(&call->server->doctors, 1) >= DOCTORS_MAX) {
        atomic_fetch_sub(&call->server->doctors, 1);
        call->retry_after_s = 5;
        return err_set(err, ERR_BUSY, MSG_SERVE_DOCTORS_BUSY, NO_ARGS);
    }
    int rc = call_long_begin(call, err);
    if (rc < 0) {
        atomic_fetch_sub(&call->server->doctors, 1);
    }
    return rc;
}

static void end_session(struct call *call) {
    call_long_end(call);
    atomic_fetch_sub(&call->server->doctors, 1);
}

struct answer {
    struct json findings;
    struct json candidates;
    struct buf finding_text;
    struct buf candidate_text;
    enum lang lang;
};

static void put_finding(void *context, const struct doctor_finding *finding) {
    static const char *const VERDICTS[] = {"good", "note", "bad"};
    struct answer *answer = context;
    AUTO_BUF struct buf words;
    buf_init(&words, 8192);
    err_render(finding->words, answer->lang, &words);
    json_object_begin(&answer->findings);
    json_put_str(&answer->findings, "step", str_of(doctor_step_name(finding->step)));
    json_put_str(&answer->findings, "verdict", str_of(VERDICTS[finding->verdict]));
    json_put_str(&answer->findings, "words", buf_str(&words));
    json_put_i64(&answer->findings, "elapsed_ms", finding->elapsed_ns / NS_PER_MS);
    json_object_end(&answer->findings);
}

static void put_candidate(void *context, const struct doctor_candidate *candidate) {
    struct answer *answer = context;
    struct json *json = &answer->candidates;
    json_object_begin(json);
    json_put_str(json, "source", candidate->source);
    json_put_str(json, "label", candidate->label);
    json_put_str(json, "value", candidate->value);
    json_put_f64(json, "scale", candidate->scale);
    if (candidate->value.size > 0) {
        json_put_str(json, "type", str_of(value_type_name(candidate->type)));
    } else {
        json_put_null(json, "type");
    }
    json_object_end(json);
}

static void diagnose(struct call *call, const struct draft *draft) {
    enum { ANSWER_BYTES = 1 << 18 };
    struct answer answer = {.lang = call->lang};
    buf_init(&answer.finding_text, ANSWER_BYTES);
    buf_init(&answer.candidate_text, ANSWER_BYTES);
    json_init(&answer.findings, &answer.finding_text);
    json_init(&answer.candidates, &answer.candidate_text);
    json_array_begin(&answer.findings);
    json_array_begin(&answer.candidates);
    struct device_health health;
    bool collected =
        draft->saved && plant_device_health(call->plant, draft->device.number, &health);
    struct doctor_request request = {.device = &draft->device,
        .source = draft->source,
        .health = collected ? &health : NULL,
        .context = &answer,
        .finding = put_finding,
        .candidate = put_candidate};
    uint32_t bad = device_diagnose(&request);
    json_array_end(&answer.findings);
    json_array_end(&answer.candidates);
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_bool(&json, "good", bad == 0);
    json_key(&json, "findings");
    json_raw(&json, buf_str(&answer.finding_text));
    json_key(&json, "candidates");
    json_raw(&json, buf_str(&answer.candidate_text));
    json_object_end(&json);
    buf_fini(&answer.finding_text);
    buf_fini(&answer.candidate_text);
}

int api_doctor(struct call *call, struct err *err) {
    struct draft draft;
    int rc = draft_read(call, &draft, err);
    if (rc >= 0) {
        rc = begin_session(call, err);
    }
    if (rc >= 0) {
        diagnose(call, &draft);
        end_session(call);
    }
    draft_fini(&draft);
    return rc;
}

static void put_item(void *context, const struct browse_item *item) {
    struct json *json = context;
    json_object_begin(json);
    json_put_str(json, "source", item->source);
    json_put_str(json, "display", item->display);
    json_put_str(json, "unit", item->unit);
    json_put_str(json, "sample", item->sample);
    json_put_str(json, "type", str_of(item->is_branch ? "" : value_type_name(item->type)));
    json_put_bool(json, "is_branch", item->is_branch);
    json_object_end(json);
}

int api_browse(struct call *call, struct err *err) {
    enum { ITEMS_BYTES = 8 << 20 };
    struct draft draft;
    int rc = draft_read(call, &draft, err);
    if (rc >= 0) {
        rc = begin_session(call, err);
    }
    if (rc >= 0) {
        AUTO_BUF struct buf text;
        buf_init(&text, ITEMS_BYTES);
        struct json items;
        json_init(&items, &text);
        json_array_begin(&items);
        rc = device_browse(&draft.device, draft.under, put_item, &items, err);
        json_array_end(&items);
        end_session(call);
        if (rc >= 0) {
            struct json json;
            call_json(call, 200, &json);
            json_object_begin(&json);
            json_key(&json, "items");
            json_raw(&json, buf_str(&text));
            json_put_null(&json, "next");
            json_object_end(&json);
        }
    }
    draft_fini(&draft);
    return rc;
}
