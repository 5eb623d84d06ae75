/*
 * Papers of a build over HTTP: the registers (rows in and out, one handler for all), the box
 * of deliverables, what ends soon, what is measured, and the papers themselves. The members of a
 * row are the fields of ledger/registers.def; a change keeps those it does not name. A paper is
 * made in a file without a name and sent from there, so a fault is a whole refusal and not half a
 * file; only a few are made at once.
 */
#include <math.h>

#include "core/json_in.h"
#include "core/limits.h"
#include "papers/papers.h"
#include "serve/call.h"
#include "serve/sent_file.h"
#include "serve/server.h"
#include "serve/view.h"
#include "table/table.h"

enum { PAPERS_AT_ONCE = 2 };
static const uint64_t PAPER_MAX_BYTES = 2ULL << 30; // Of one made; refused beyond.

/* ---- Rows ---- */

struct access {
    enum register_id id;
    struct call *call;
    struct register_row *rows;
    int64_t number;
    int count;
};

static void put_row(struct json *json, enum register_id id, const struct register_row *row) {
    uint32_t count = 0;
    const struct register_field *fields = register_fields(id, &count);
    json_object_begin(json);
    json_put_i64(json, "number", row->number);
    for (uint32_t i = 0; i < count; i++) {
        json_put_str(json, fields[i].name, row->fields[i]);
    }
    json_put_time(json, "changed", row->changed_ns);
    json_object_end(json);
}

static int read_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    access->count = register_list(
        tx, access->id, 0, &access->call->http->arena, access->rows, REGISTER_ROWS_MAX, err);
    return access->count < 0 ? access->count : 0;
}

static int list(struct call *call, enum register_id id, struct err *err) {
    struct access access = {.id = id,
        .call = call,
        .rows = ARENA_ARRAY(&call->http->arena, struct register_row, REGISTER_ROWS_MAX)};
    int rc = ledger_read(plant_ledger(call->plant), read_rows, &access, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < access.count; i++) {
        put_row(&json, id, &access.rows[i]);
    }
    view_items_end(&json);
    return 0;
}

static int read_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return register_get(
        tx, access->id, access->number, &access->call->http->arena, access->rows, err);
}

static int answer_row(
    struct call *call, enum register_id id, int64_t number, int status, struct err *err) {
    struct register_row row;
    struct access access = {.id = id, .call = call, .rows = &row, .number = number};
    int rc = ledger_read(plant_ledger(call->plant), read_row, &access, err);
    if (rc >= 0) {
        struct json json;
        call_json(call, status, &json);
        put_row(&json, id, &row);
    }
    return rc;
}

/* Puts the members of the body over a row. */
static int take_members(
    const struct json_in *body, enum register_id id, struct register_row *row, struct err *err) {
    uint32_t count = 0;
    const struct register_field *fields = register_fields(id, &count);
    const char *names[REGISTER_FIELDS_MAX + 1] = {NULL};
    uint32_t known = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!fields[i].fixed) {
            names[known++] = fields[i].name;
        }
    }
    int rc = json_in_only(body, names, err);
    for (uint32_t i = 0; i < count && rc >= 0; i++) {
        if (!fields[i].fixed) {
            rc = json_in_str(body, fields[i].name, fields[i].bytes_max, &row->fields[i], err);
        }
    }
    return rc < 0 ? rc : 0;
}

struct change {
    struct access access;
    const struct json_in *body;
    bool is_new;
};

/* Read, change and write in one transaction: two people who change two fields both win. */
static int write_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct change *change = context;
    struct access *access = &change->access;
    struct register_row row = {.number = 0};
    for (uint32_t i = 0; i < REGISTER_FIELDS_MAX; i++) {
        row.fields[i] = STR_NONE;
    }
    access->rows = &row;
    int rc = change->is_new ? 0 : read_row(tx, access, err);
    rc = rc < 0 ? rc : take_members(change->body, access->id, &row, err);
    return rc < 0 ? rc
                  : register_put(tx, access->id, &row, str_of(access->call->principal.id),
                        &access->number, err);
}

static int row_number(
    struct call *call, enum register_id id, int64_t *ret_number, struct err *err) {
    return str_to_i64(call->args[1], ret_number) && *ret_number > 0
               ? 0
               : err_set(err, ERR_NOT_FOUND, MSG_PAPERS_NO_ROW,
                     ARGS(A_CSTR(register_name(id)), A_INT(0)));
}

static int put(struct call *call, enum register_id id, bool is_new, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct change change = {.access = {.id = id, .call = call}, .is_new = is_new};
    int rc = is_new ? 0 : row_number(call, id, &change.access.number, err);
    rc = rc < 0 ? rc : json_in_parse(call->http->request.body, &body, err);
    change.body = body;
    rc = rc < 0 ? rc : ledger_write(plant_ledger(call->plant), write_row, &change, err);
    return rc < 0 ? rc : answer_row(call, id, change.access.number, is_new ? 201 : 200, err);
}

static int remove_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct access *access = context;
    return register_remove(tx, access->id, access->number, str_of(access->call->principal.id), err);
}

static int take_away(struct call *call, enum register_id id, struct err *err) {
    struct access access = {.id = id, .call = call};
    int rc = row_number(call, id, &access.number, err);
    if (rc >= 0) {
        rc = id == REGISTER_DELIVERABLES
                 ? box_remove(call->plant, access.number, str_of(call->principal.id), err)
                 : ledger_write(plant_ledger(call->plant), remove_row, &access, err);
    }
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc;
}

int api_hardware(struct call *call, struct err *err) {
    return list(call, REGISTER_HARDWARE, err);
}

int api_hardware_new(struct call *call, struct err *err) {
    return put(call, REGISTER_HARDWARE, true, err);
}

int api_hardware_put(struct call *call, struct err *err) {
    return put(call, REGISTER_HARDWARE, false, err);
}

int api_hardware_remove(struct call *call, struct err *err) {
    return take_away(call, REGISTER_HARDWARE, err);
}

int api_trainings(struct call *call, struct err *err) {
    return list(call, REGISTER_TRAINING, err);
}

int api_training_new(struct call *call, struct err *err) {
    return put(call, REGISTER_TRAINING, true, err);
}

int api_training_put(struct call *call, struct err *err) {
    return put(call, REGISTER_TRAINING, false, err);
}

int api_training_remove(struct call *call, struct err *err) {
    return take_away(call, REGISTER_TRAINING, err);
}

int api_security(struct call *call, struct err *err) {
    return list(call, REGISTER_SECURITY, err);
}

int api_security_new(struct call *call, struct err *err) {
    return put(call, REGISTER_SECURITY, true, err);
}

int api_security_put(struct call *call, struct err *err) {
    return put(call, REGISTER_SECURITY, false, err);
}

int api_security_remove(struct call *call, struct err *err) {
    return take_away(call, REGISTER_SECURITY, err);
}

int api_deliverables(struct call *call, struct err *err) {
    return list(call, REGISTER_DELIVERABLES, err);
}

int api_deliverable_put(struct call *call, struct err *err) {
    return put(call, REGISTER_DELIVERABLES, false, err);
}

int api_deliverable_remove(struct call *call, struct err *err) {
    return take_away(call, REGISTER_DELIVERABLES, err);
}

int api_hardware_due(struct call *call, struct err *err) {
    uint64_t days = DUE_DAYS;
    struct due_item *items = NULL;
    int rc = call_param_count(call, "days", 3660, &days, err);
    int count = rc < 0 ? rc : due_list(call->plant, (int64_t)days, &call->http->arena, &items, err);
    if (count < 0) {
        return count;
    }
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (int i = 0; i < count; i++) {
        json_object_begin(&json);
        json_put_str(&json, "register", str_of(register_name(items[i].of)));
        json_put_i64(&json, "number", items[i].number);
        json_put_str(&json, "name", items[i].name);
        json_put_str(&json, "what", items[i].what);
        json_put_str(&json, "date", items[i].date);
        json_put_i64(&json, "days", items[i].days);
        json_object_end(&json);
    }
    view_items_end(&json);
    return 0;
}

/* ---- Files ---- */

int api_deliverable_new(struct call *call, struct err *err) {
    struct box_file file = {.kind = STR("other"),
        .title = STR_NONE,
        .version = STR_NONE,
        .name = STR_NONE,
        .bytes = call->http->request.body,
        .actor = str_of(call->principal.id),
        .author = str_of(call->principal.display)};
    if (file.author.size == 0) {
        file.author = file.actor;
    }
    (void)call_param(call, "name", &file.name);
    (void)call_param(call, "version", &file.version);
    (void)call_param(call, "kind", &file.kind);
    if (!call_param(call, "title", &file.title)) {
        file.title = file.name;
    }
    int64_t number = 0;
    int rc = box_add(call->plant, &file, &number, err);
    return rc < 0 ? rc : answer_row(call, REGISTER_DELIVERABLES, number, 201, err);
}

int api_deliverable_file(struct call *call, struct err *err) {
    int64_t number = 0;
    int fd = -1;
    uint64_t size = 0;
    struct register_row row;
    int rc = row_number(call, REGISTER_DELIVERABLES, &number, err);
    rc = rc < 0 ? rc : box_open(call->plant, number, &call->http->arena, &row, &fd, &size, err);
    if (rc >= 0) {
        sent_file_answer(
            call, fd, size, row.fields[register_field_index(REGISTER_DELIVERABLES, "name")]);
    }
    return rc < 0 ? rc : 0;
}

/* ---- Papers ---- */

static int put_file(void *context, const void *data, size_t size, struct err *err) {
    struct sent_file *file = context;
    if (size > PAPER_MAX_BYTES - file->size) {
        return err_set(err, ERR_LIMIT, MSG_SERVE_EXPORT_LARGE, ARGS(A_INT(PAPER_MAX_BYTES >> 30)));
    }
    int rc = file_write_at(files_system(), file->fd, "paper", file->size, data, size, err);
    file->size += rc >= 0 ? size : 0;
    return rc;
}

/* The range of what is measured: the last seven days unless said otherwise. */
static int take_range(
    struct call *call, int64_t *ret_from_ns, int64_t *ret_to_ns, struct err *err) {
    const struct zone *zone = plant_zone(call->plant);
    *ret_to_ns = call->now_ns;
    int rc = call_param_time(call, "to", zone, ret_to_ns, err);
    *ret_from_ns = *ret_to_ns - 7LL * 86400 * NS_PER_S;
    return rc < 0 ? rc : call_param_time(call, "from", zone, ret_from_ns, err);
}

static int make(struct call *call, struct sent_file *file, struct err *err) {
    static const char *const TYPES[PAPER_FORMAT_COUNT] = {[PAPER_PDF] = "application/pdf",
        [PAPER_XLSX] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        [PAPER_ZIP] = "application/zip"};
    struct paper_order order = {.lang = call->lang,
        .actor = str_of(call->principal.display),
        .spool_folder = home_dir(call->server->home),
        .context = file,
        .write = put_file};
    struct str text = STR_NONE;
    if (call_param(call, "kind", &text)) { // The table of parameters lets only names through.
        (void)paper_kind_of_name(text, &order.kind);
    }
    if (call_param(call, "format", &text)) {
        (void)paper_format_of_name(text, &order.format);
    }
    int rc = take_range(call, &order.from_ns, &order.to_ns, err);
    rc = rc < 0 ? rc : table_spool_new(order.spool_folder, &file->fd, err);
    rc = rc < 0 ? rc : paper_make(call->plant, &order, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_BUF struct buf name;
    buf_init(&name, 256);
    buf_printf(&name, "%.*s-%s.%s", STR_ARG(plant_id(call->plant)), paper_kind_name(order.kind),
        paper_format_name(order.format));
    sent_file_name(call, buf_str(&name));
    call_source(
        call, TYPES[order.format], (struct http_source){file, sent_file_piece, sent_file_free});
    return 0;
}

static int enter_making(struct call *call, struct err *err) {
    if (atomic_fetch_add(&call->server->papers, 1) >= PAPERS_AT_ONCE) {
        atomic_fetch_sub(&call->server->papers, 1);
        call->retry_after_s = 10;
        return err_set(err, ERR_BUSY, MSG_SERVE_PAPERS_BUSY, ARGS(A_INT(PAPERS_AT_ONCE)));
    }
    int rc = call_long_begin(call, err);
    if (rc < 0) {
        atomic_fetch_sub(&call->server->papers, 1);
    }
    return rc;
}

static void leave_making(struct call *call) {
    call_long_end(call);
    atomic_fetch_sub(&call->server->papers, 1);
}

int api_paper(struct call *call, struct err *err) {
    int rc = enter_making(call, err);
    if (rc < 0) {
        return rc;
    }
    struct sent_file *file = MEM_NEW(struct sent_file);
    file->fd = -1;
    rc = make(call, file, err);
    leave_making(call);
    if (rc < 0) {
        sent_file_free(file);
    }
    return rc;
}

/* ---- Measured ---- */

static void put_measured(struct json *json, const struct measure_tag *one) {
    json_put_i64(json, "rows", (int64_t)one->rows);
    json_put_i64(json, "expected", (int64_t)one->expected);
    json_put_i64(json, "bad", (int64_t)one->bad);
    json_put_i64(json, "late", (int64_t)one->late);
    json_put_f64(json, "gap_s", one->gap_s);
    if (isnan(one->covered)) {
        json_put_null(json, "covered");
    } else {
        json_put_f64(json, "covered", one->covered);
    }
}

static void put_devices(struct json *json, const struct measure *measure) {
    json_key(json, "devices");
    json_array_begin(json);
    for (uint32_t i = 0; i < measure->device_count; i++) {
        const struct measure_device *one = &measure->devices[i];
        json_object_begin(json);
        if (one->device != NULL) {
            json_put_str(json, "device", one->device->id);
        } else {
            json_put_null(json, "device");
        }
        json_put_i64(json, "tags", one->tags);
        put_measured(json, &one->sum);
        if (one->has_health) {
            json_put_f64(json, "rtt_p50_ms", (double)one->health.rtt_p50_us / 1000);
            json_put_f64(json, "rtt_p99_ms", (double)one->health.rtt_p99_us / 1000);
        } else {
            json_put_null(json, "rtt_p50_ms");
            json_put_null(json, "rtt_p99_ms");
        }
        json_object_end(json);
    }
    json_array_end(json);
}

static int measured(struct call *call, struct err *err) {
    int64_t from_ns = 0;
    int64_t to_ns = 0;
    struct measure measure;
    int rc = take_range(call, &from_ns, &to_ns, err);
    rc = rc < 0 ? rc : measure_run(call->plant, from_ns, to_ns, &call->http->arena, &measure, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_time(&json, "from", measure.from_ns);
    json_put_time(&json, "to", measure.to_ns);
    json_put_i64(&json, "tags", measure.tag_count);
    put_measured(&json, &measure.total);
    json_put_i64(&json, "lag_count", (int64_t)measure.pipeline.lag_count);
    json_put_f64(&json, "lag_p50_ms", (double)measure.pipeline.lag_p50_ns / (double)NS_PER_MS);
    json_put_f64(&json, "lag_p99_ms", (double)measure.pipeline.lag_p99_ns / (double)NS_PER_MS);
    put_devices(&json, &measure);
    json_object_end(&json);
    measure_fini(&measure);
    return 0;
}

int api_measure(struct call *call, struct err *err) {
    int rc = enter_making(call, err);
    if (rc >= 0) {
        rc = measured(call, err);
        leave_making(call);
    }
    return rc;
}

/* ---- How the collection is operated, in the plant's own words ---- */

static const struct str OPERATION_KEY = {"papers.operation", sizeof "papers.operation" - 1};
enum { OPERATION_BYTES_MAX = 4096 };

struct operation {
    struct arena *arena;
    struct str text;
    struct str actor;
};

static int read_operation(struct ledger_tx *tx, void *context, struct err *err) {
    struct operation *operation = context;
    struct err missing = ERR_INIT;
    int rc = plant_setting_get(tx, OPERATION_KEY, operation->arena, &operation->text, &missing);
    if (rc < 0 && missing.code != ERR_NOT_FOUND) {
        *err = missing;
        return rc;
    }
    return 0;
}

static int write_operation(struct ledger_tx *tx, void *context, struct err *err) {
    struct operation *operation = context;
    int rc = plant_setting_put(tx, OPERATION_KEY, operation->text, err);
    return rc < 0 ? rc
                  : audit_append(tx, operation->actor, STR("papers.operation"), STR("papers"),
                        operation->text, err);
}

int api_operation(struct call *call, struct err *err) {
    struct operation operation = {.arena = &call->http->arena, .text = STR_NONE};
    int rc = ledger_read(plant_ledger(call->plant), read_operation, &operation, err);
    if (rc >= 0) {
        struct json json;
        call_json(call, 200, &json);
        json_object_begin(&json);
        json_put_str(&json, "text", operation.text);
        json_object_end(&json);
    }
    return rc;
}

int api_operation_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"text", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct operation operation = {.text = STR_NONE, .actor = str_of(call->principal.id)};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_str(body, "text", OPERATION_BYTES_MAX, &operation.text, err);
    rc = rc < 0 ? rc : ledger_write(plant_ledger(call->plant), write_operation, &operation, err);
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc;
}
