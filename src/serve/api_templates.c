/*
 * Equipment templates over HTTP. They belong to the organisation of the plant through which they
 * are asked for: whoever may set up one of its plants sees those of all, so a supplier makes the
 * tenth machine as the first, and behind the wall nothing is seen of them. Making one is the
 * import's work (plant/template.h); here it gets its names and tells row by row what became of it.
 */
#include <string.h>

#include "core/json_in.h"
#include "core/limits.h"
#include "core/mem.h"
#include "ledger/templates.h"
#include "plant/template.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/template_in.h"
#include "serve/view.h"

enum { BODY_BYTES = TEMPLATE_BYTES_MAX + 1, TOLD_BYTES = 8 << 20 };

struct access {
    struct call *call;
    struct stored_template row;
    struct stored_template *rows;
    int count;
};

static void put_row(struct json *json, const struct stored_template *row) {
    json_object_begin(json);
    json_put_i64(json, "number", row->number);
    json_put_str(json, "name", row->name);
    json_put_str(json, "note", row->note);
    json_put_i64(json, "devices", row->devices);
    json_put_i64(json, "tags", row->tags);
    json_put_str(json, "author", row->author);
    json_put_time(json, "made", row->made_ns);
    json_object_end(json);
}

static int read_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    access->count = templates_list(tx, plant_id(access->call->plant), &access->call->http->arena,
        access->rows, TEMPLATES_MAX, err);
    return access->count < 0 ? access->count : 0;
}

int api_templates(struct call *call, struct err *err) {
    struct access access = {.call = call};
    access.rows = ARENA_ARRAY(&call->http->arena, struct stored_template, TEMPLATES_MAX);
    int rc = ledger_read(home_hub(call->server->home), read_rows, &access, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < access.count; i++) {
        put_row(&json, &access.rows[i]);
    }
    view_items_end(&json);
    return 0;
}

/* ---- One of them ---- */

static int read_number(struct call *call, int64_t *ret_number, struct err *err) {
    return str_to_i64(call->args[1], ret_number)
               ? 0
               : err_set(err, ERR_NOT_FOUND, MSG_TEMPLATE_UNKNOWN, ARGS(A_STR(call->args[1])));
}

static int read_one(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return templates_get(tx, plant_id(access->call->plant), access->row.number,
        &access->call->http->arena, &access->row, err);
}

static int find_one(struct call *call, struct access *access, struct err *err) {
    *access = (struct access){.call = call};
    int rc = read_number(call, &access->row.number, err);
    return rc < 0 ? rc : ledger_read(home_hub(call->server->home), read_one, access, err);
}

int api_template_get(struct call *call, struct err *err) {
    struct access access;
    int rc = find_one(call, &access, err);
    if (rc < 0) {
        return rc;
    }
    struct http_response *response = &call->http->response;
    AUTO_BUF struct buf header;
    buf_init(&header, 128);
    buf_printf(
        &header, "attachment; filename=\"template-%lld.json\"", (long long)access.row.number);
    http_answer_header(call->http, "Content-Disposition", buf_str(&header));
    buf_put_str(&response->body, access.row.body);
    response->status = 200;
    response->content_type = "application/json; charset=utf-8";
    return 0;
}

static int remove_one(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return templates_remove(tx, plant_id(access->call->plant), access->row.number,
        str_of(access->call->principal.id), err);
}

int api_template_remove(struct call *call, struct err *err) {
    struct access access = {.call = call};
    int rc = read_number(call, &access.row.number, err);
    rc = rc < 0 ? rc : ledger_write(home_hub(call->server->home), remove_one, &access, err);
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc;
}

/* ---- Keeping ---- */

static int keep_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    int64_t number = 0;
    int rc = templates_keep(tx, &access->row, &number, err);
    return rc < 0 ? rc
                  : templates_get(tx, plant_id(access->call->plant), number,
                        &access->call->http->arena, &access->row, err);
}

/* Whatever came in is written anew, so what is kept is what was understood. */
static int keep(struct call *call, const struct template *template, struct err *err) {
    AUTO_BUF struct buf body;
    buf_init(&body, BODY_BYTES);
    template_put(template, &body);
    struct access access = {.call = call,
        .row = {.name = template->name,
            .note = template->note,
            .devices = template->parts[TEMPLATE_DEVICES].count,
            .tags = template->parts[TEMPLATE_TAGS].count,
            .body = buf_str(&body),
            .plant = plant_id(call->plant),
            .actor = str_of(call->principal.id),
            .author = str_of(call->principal.display)}};
    if (body.overflow) {
        return err_set(err, ERR_LIMIT, MSG_TEMPLATE_LARGE, ARGS(A_INT(TEMPLATE_BYTES_MAX >> 20)));
    }
    int rc = ledger_write(home_hub(call->server->home), keep_row, &access, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 201, &json);
    put_row(&json, &access.row);
    return 0;
}

static int take(struct call *call, const struct json_in *body, struct err *err) {
    static const char *const MEMBERS[] = {"name", "note", "devices", NULL};
    struct str devices[TEMPLATE_DEVICES_MAX];
    struct str name = STR_NONE;
    struct str note = STR_NONE;
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "name", TEMPLATE_NAME_BYTES, &name, err);
    rc = rc < 0 ? rc : json_in_str(body, "note", TEMPLATE_NOTE_BYTES, &note, err);
    int count = rc < 0 ? rc : json_in_texts(body, "devices", devices, TEMPLATE_DEVICES_MAX, err);
    if (count < 0) {
        return count;
    }
    struct template template;
    rc = template_take(call->plant, devices, (uint32_t)count, home_dir(call->server->home),
        &call->http->arena, &template, err);
    if (rc < 0) {
        return rc;
    }
    template.name = str_trim(name);
    template.note = str_trim(note);
    return keep(call, &template, err);
}

int api_template_new(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc >= 0) {
        rc = take(call, body, err);
        call_long_end(call);
    }
    return rc;
}

int api_template_upload(struct call *call, struct err *err) {
    struct template template;
    int rc = call_long_begin(call, err);
    if (rc >= 0) {
        rc = template_read(call->http->request.body, &call->http->arena, &template, err);
        rc = rc < 0 ? rc : keep(call, &template, err);
        call_long_end(call);
    }
    return rc;
}

/* ---- Making one ---- */

struct making {
    struct template_name names[TEMPLATE_NAMES_MAX];
    struct template_device devices[TEMPLATE_DEVICES_MAX];
    struct template_wish wish;
    struct json json; // Rows told.
    struct buf text;
    enum lang lang;
    uint32_t made;
    uint32_t same;
    uint32_t faults;
};

static int read_name(void *context, const struct json_in *item, struct err *err) {
    static const char *const MEMBERS[] = {"from", "to", "display", NULL};
    struct making *making = context;
    struct template_name *one = &making->names[making->wish.name_count];
    *one = (struct template_name){.display = STR_NONE};
    int rc = json_in_only(item, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(item, "from", LIMIT_TAG_NAME_BYTES, &one->from, err);
    rc = rc < 0 ? rc : json_in_need_str(item, "to", LIMIT_TAG_NAME_BYTES, &one->to, err);
    rc = rc < 0 ? rc : json_in_str(item, "display", LIMIT_DISPLAY_BYTES, &one->display, err);
    making->wish.name_count += rc >= 0;
    return rc < 0 ? rc : 0;
}

static int read_device(void *context, const struct json_in *item, struct err *err) {
    static const char *const MEMBERS[] = {"from", "to", "address", "options", NULL};
    struct making *making = context;
    struct template_device *one = &making->devices[making->wish.device_count];
    *one = (struct template_device){.to = STR_NONE, .address = STR_NONE, .options = STR_NONE};
    int rc = json_in_only(item, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(item, "from", LIMIT_ID_BYTES, &one->from, err);
    rc = rc < 0 ? rc : json_in_str(item, "to", LIMIT_ID_BYTES, &one->to, err);
    rc = rc < 0 ? rc : json_in_str(item, "address", LIMIT_DEVICE_TEXT_BYTES, &one->address, err);
    rc = rc < 0 ? rc : json_in_str(item, "options", LIMIT_DEVICE_TEXT_BYTES, &one->options, err);
    making->wish.device_count += rc >= 0;
    return rc < 0 ? rc : 0;
}

static int read_wish(const struct json_in *body, struct making *making, struct err *err) {
    static const char *const MEMBERS[] = {"names", "devices", NULL};
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_each(body, "names", TEMPLATE_NAMES_MAX, read_name, making, err);
    return rc < 0 ? rc
                  : json_in_each(body, "devices", TEMPLATE_DEVICES_MAX, read_device, making, err);
}

static void on_row(void *context, enum template_part part, struct str name,
    enum template_state state, const struct err *why) {
    static const char *const STATES[] = {
        [TEMPLATE_NEW] = "new", [TEMPLATE_SAME] = "same", [TEMPLATE_FAULT] = "fault"};
    struct making *making = context;
    making->made += state == TEMPLATE_NEW;
    making->same += state == TEMPLATE_SAME;
    making->faults += state == TEMPLATE_FAULT;
    json_object_begin(&making->json);
    json_put_str(&making->json, "part", str_of(template_part_name(part)));
    json_put_str(&making->json, "name", name);
    json_put_str(&making->json, "state", str_of(STATES[state]));
    if (why != NULL) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(why, making->lang, &words);
        json_put_str(&making->json, "detail", buf_str(&words));
    } else {
        json_put_null(&making->json, "detail");
    }
    json_object_end(&making->json);
}

static int make(
    struct call *call, const struct template *template, struct making *making, struct err *err) {
    making->lang = call->lang;
    making->wish.names = making->names;
    making->wish.devices = making->devices;
    making->wish.dry_run = call_param_flag(call, "dry_run");
    making->wish.actor = str_of(call->principal.id);
    making->wish.spool_folder = home_dir(call->server->home);
    making->wish.context = making;
    making->wish.row = on_row;
    buf_init(&making->text, TOLD_BYTES);
    json_init(&making->json, &making->text);
    json_array_begin(&making->json);
    int rc = template_apply(call->plant, template, &making->wish, err);
    json_array_end(&making->json);
    if (rc >= 0) {
        struct json json;
        call_json(call, 200, &json);
        json_object_begin(&json);
        json_put_bool(&json, "dry_run", making->wish.dry_run);
        json_put_bool(&json, "refused", rc == 0);
        json_put_i64(&json, "made", making->made);
        json_put_i64(&json, "same", making->same);
        json_put_i64(&json, "faults", making->faults);
        json_key(&json, "rows");
        json_raw(&json, buf_str(&making->text));
        json_object_end(&json);
    }
    buf_fini(&making->text);
    return rc < 0 ? rc : 0;
}

int api_template_apply(struct call *call, struct err *err) {
    struct access access;
    struct template template;
    struct making *making = ARENA_NEW(&call->http->arena, struct making);
    AUTO_JSON_IN struct json_in *body = NULL;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_wish(body, making, err);
    rc = rc < 0 ? rc : find_one(call, &access, err);
    rc = rc < 0 ? rc : template_read(access.row.body, &call->http->arena, &template, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc >= 0) {
        rc = make(call, &template, making, err);
        call_long_end(call);
    }
    return rc;
}
