/*
 * Tables in over HTTP. A body is one part of a file: with more=1 others follow, so that a file may
 * be longer than a body and a part that was lost on the way can be sent again (its offset says
 * where it belongs). The answer comes at once; the job is asked for its progress. A preview looks
 * at a body and stores nothing.
 */
#include <unistd.h>

#include "core/json.h"
#include "serve/call.h"
#include "serve/jobs.h"
#include "serve/server.h"
#include "serve/view.h"

enum { PREVIEW_CHECK_ROWS = 1000, FAULTS_DEFAULT = 50, FAULTS_MAX = 10000 };
enum { FAULTS_BYTES = 8 << 20, FIELD_SHOWN_BYTES = 500 };

/* ---- What is asked for ---- */

static int take_reading(const struct call *call, enum table_encoding *encoding, char *separator,
    struct str *sheet, struct err *err) {
    struct str text = STR_NONE;
    if (call_param(call, "encoding", &text) && !table_encoding_of_name(text, encoding)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_TABLE_ENCODING, ARGS(A_STR(text)));
    }
    if (call_param(call, "separator", &text)) { // One of the table's choices.
        *separator = str_eq(text, STR("tab")) ? '\t' : str_eq(text, STR("semicolon")) ? ';' : ',';
    }
    *sheet = STR_NONE;
    (void)call_param(call, "sheet", sheet);
    return 0;
}

/* What changes the plant's shape needs the right for it; values may come from an operator. */
static int check_kind_right(struct call *call, enum import_kind kind, struct err *err) {
    if (call->outsider && (kind == IMPORT_CORRECTIONS || kind >= IMPORT_NOUNS)) {
        return err_set(err, ERR_FORBIDDEN, MSG_IMPORT_OUTSIDER, NO_ARGS);
    }
    bool values = kind == IMPORT_SAMPLES || kind == IMPORT_CORRECTIONS;
    enum right right = kind >= IMPORT_NOUNS ? RIGHT_PLAN : RIGHT_CONFIGURE;
    if (values || right_allows(right, call->principal.role, call->principal.scopes)) {
        return 0;
    }
    return err_set(err, ERR_FORBIDDEN, MSG_SERVE_RIGHT_MISSING,
        ARGS(A_CSTR(right_name(right)), A_CSTR(role_name(call->principal.role))));
}

static int take_kind(struct call *call, enum import_kind *ret_kind, struct err *err) {
    struct str text = STR_NONE;
    if (!call_param(call, "as", &text) || !import_kind_of_name(text, ret_kind)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_TABLE_KIND, NO_ARGS);
    }
    return check_kind_right(call, *ret_kind, err);
}

static int job_number(struct call *call, uint64_t *ret_number, struct err *err) {
    if (!str_to_u64(call->args[1], ret_number)) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_JOB_UNKNOWN, ARGS(A_INT(0)));
    }
    return 0;
}

/* ---- Answers ---- */

static void put_facts(struct json *json, const struct table_facts *facts) {
    char separator[2] = {facts->separator, '\0'};
    json_put_str(json, "format", str_of(table_format_name(facts->format)));
    json_put_str(json, "packing", str_of(table_packing_name(facts->packing)));
    json_put_str(json, "encoding", str_of(table_encoding_name(facts->encoding)));
    json_put_i64(json, "encoding_percent", facts->confidence_percent);
    json_put_str(json, "separator", str_of(separator));
}

static void put_report(struct json *json, const struct job_status *status, enum lang lang) {
    const struct import_report *report = &status->report;
    json_put_i64(json, "rows", (int64_t)report->rows);
    json_put_i64(json, "values", (int64_t)report->values);
    json_put_i64(json, "stored", (int64_t)report->stored);
    json_put_i64(json, "omitted", (int64_t)report->omitted);
    json_put_i64(json, "rejected", (int64_t)report->rejected);
    json_put_i64(json, "created_tags", (int64_t)report->created);
    json_put_bool(json, "refused", report->refused);
    put_facts(json, &report->facts);
    if (status->state == JOB_FAILED) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&status->err, lang, &words);
        json_put_str(json, "detail", buf_str(&words));
    } else {
        json_put_null(json, "detail");
    }
}

static void put_job(struct json *json, const struct job_status *status, enum lang lang) {
    char id[24];
    (void)i64_to_text((int64_t)status->number, id);
    json_object_begin(json);
    json_put_str(json, "id", str_of(id));
    json_put_str(json, "state", str_of(job_state_name(status->state)));
    json_put_str(json, "as", str_of(import_kind_name(status->kind)));
    json_put_bool(json, "dry_run", status->dry_run);
    json_put_bool(json, "partial", status->partial);
    json_put_time(json, "begin", status->begin_ns);
    if (status->end_ns != 0) {
        json_put_time(json, "end", status->end_ns);
    } else {
        json_put_null(json, "end");
    }
    json_put_i64(json, "received_bytes", (int64_t)status->received_bytes);
    json_put_i64(json, "progress_rows", (int64_t)status->progress.rows);
    json_put_i64(json, "progress_bytes", (int64_t)status->progress.done_bytes);
    json_put_i64(json, "total_bytes", (int64_t)status->received_bytes);
    put_report(json, status, lang);
    json_object_end(json);
}

static int answer_job(struct call *call, uint64_t number, struct err *err) {
    struct job_status *status = ARENA_NEW(&call->http->arena, struct job_status);
    int rc = jobs_status(call->server->jobs, call->plant, number, status, err);
    if (rc >= 0) {
        struct json json;
        call_json(call, 200, &json);
        put_job(&json, status, call->lang);
    }
    return rc;
}

/* ---- Jobs ---- */

static int begin(struct call *call, uint64_t *ret_number, struct err *err) {
    struct job_options options = {.plant = call->plant,
        .actor = str_of(call->principal.id),
        .lang = call->lang,
        .outsider = call->outsider,
        .dry_run = call_param_flag(call, "dry_run"),
        .partial = call_param_flag(call, "partial")};
    int rc = take_kind(call, &options.kind, err);
    rc = rc < 0 ? rc
                : take_reading(call, &options.encoding, &options.separator, &options.sheet, err);
    return rc < 0 ? rc : jobs_begin(call->server->jobs, &options, ret_number, err);
}

/* The job of a later part, which must be of a kind that the caller may import. */
static int find(struct call *call, struct str id, uint64_t *ret_number, struct err *err) {
    struct job_status *status = ARENA_NEW(&call->http->arena, struct job_status);
    if (!str_to_u64(id, ret_number)) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_JOB_UNKNOWN, ARGS(A_INT(0)));
    }
    int rc = jobs_status(call->server->jobs, call->plant, *ret_number, status, err);
    return rc < 0 ? rc : check_kind_right(call, status->kind, err);
}

int api_import(struct call *call, struct err *err) {
    struct jobs *jobs = call->server->jobs;
    struct str id = STR_NONE;
    struct str offset_text = STR_NONE;
    uint64_t number = 0;
    uint64_t offset = 0;
    bool later = call_param(call, "job", &id);
    int rc = later ? find(call, id, &number, err) : begin(call, &number, err);
    if (rc >= 0 && call_param(call, "offset", &offset_text) && !str_to_u64(offset_text, &offset)) {
        rc = err_set(err, ERR_INVALID, MSG_NUMBER_EXPECTED, ARGS(A_STR(offset_text)));
    }
    if (rc >= 0) {
        rc = jobs_append(jobs, call->plant, number, str_of(call->principal.id), offset,
            call->http->request.body, err);
    }
    if (rc >= 0 && !call_param_flag(call, "more")) {
        rc = jobs_run(jobs, call->plant, number, err);
    }
    if (rc < 0 && !later && number != 0) {
        (void)jobs_cancel(jobs, call->plant, number, NULL); // Nobody knows its number.
    }
    return rc < 0 ? rc : answer_job(call, number, err);
}

int api_import_get(struct call *call, struct err *err) {
    uint64_t number = 0;
    int rc = job_number(call, &number, err);
    return rc < 0 ? rc : answer_job(call, number, err);
}

int api_import_cancel(struct call *call, struct err *err) {
    uint64_t number = 0;
    int rc = find(call, call->args[1], &number, err);
    rc = rc < 0 ? rc : jobs_cancel(call->server->jobs, call->plant, number, err);
    return rc < 0 ? rc : answer_job(call, number, err);
}

int api_import_rejected(struct call *call, struct err *err) {
    uint64_t number = 0;
    int rc = job_number(call, &number, err);
    if (rc >= 0) {
        struct http_response *response = &call->http->response;
        rc = jobs_rejected(call->server->jobs, call->plant, number, &response->body, err);
        response->status = 200;
        response->content_type = "text/csv; charset=utf-8";
    }
    return rc;
}

int api_imports(struct call *call, struct err *err) {
    (void)err;
    struct job_status *list = ARENA_ARRAY(&call->http->arena, struct job_status, JOBS_MAX);
    uint32_t count = jobs_list(call->server->jobs, call->plant, list);
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (uint32_t i = 0; i < count; i++) {
        put_job(&json, &list[i], call->lang);
    }
    view_items_end(&json);
    return 0;
}

/* ---- Preview ---- */

struct faults {
    struct json json;
    struct buf text;
    uint64_t shown;
    uint64_t shown_max;
    enum lang lang;
};

static void put_fault(struct json *json, uint64_t line, const struct err *why, enum lang lang) {
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(why, lang, &words);
    json_object_begin(json);
    json_put_i64(json, "line", (int64_t)line);
    json_put_str(json, "detail", buf_str(&words));
    struct str column = STR_NONE;
    if (err_note_text(why, MSG_IMPORT_IN_COLUMN, &column)) {
        json_put_str(json, "column", column);
    } else {
        json_put_null(json, "column");
    }
    json_object_end(json);
}

static void on_fault(void *context, uint64_t line, const struct err *why) {
    struct faults *faults = context;
    if (faults->shown++ < faults->shown_max) {
        put_fault(&faults->json, line, why, faults->lang);
    }
}

static void put_rows(struct json *json, const struct import_preview *preview) {
    json_key(json, "rows");
    json_array_begin(json);
    for (uint32_t i = 0; i < preview->row_count; i++) {
        json_object_begin(json);
        json_put_i64(json, "line", (int64_t)preview->rows[i].line);
        json_key(json, "fields");
        json_array_begin(json);
        for (uint32_t f = 0; f < preview->rows[i].field_count; f++) {
            char shown[FIELD_SHOWN_BYTES];
            size_t size = str_copy_z(preview->rows[i].fields[f], shown, sizeof shown);
            json_str(json, (struct str){shown, size});
        }
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

/* Looks at the file, then tries its rows without storing: the first ones, or, where the caller says
 * how many faults are wanted, all of them. */
static int preview(struct call *call, int fd, struct err *err) {
    struct import_options options = {.fd = fd,
        .outsider = call->outsider,
        .dry_run = true,
        .rows_max = PREVIEW_CHECK_ROWS,
        .spool_folder = home_dir(call->server->home),
        .rejected = on_fault};
    struct import_preview *look = ARENA_NEW(&call->http->arena, struct import_preview);
    int rc = take_reading(call, &options.encoding, &options.separator, &options.sheet, err);
    rc = rc < 0 ? rc : import_look(&options, &call->http->arena, look, err);
    if (rc < 0) {
        return rc;
    }
    struct str as = STR_NONE;
    bool known = look->kind_known;
    options.kind = look->kind;
    if (call_param(call, "as", &as)) {
        known = import_kind_of_name(as, &options.kind);
        look->has_header = look->has_header || options.kind >= IMPORT_NOUNS;
    }
    struct faults faults = {.lang = call->lang, .shown_max = FAULTS_DEFAULT};
    rc = call_param_count(call, "faults", FAULTS_MAX, &faults.shown_max, err);
    if (rc < 0) {
        return rc;
    }
    if (rc > 0 && options.kind != IMPORT_SAMPLES) {
        options.rows_max = 0;
    }
    buf_init(&faults.text, FAULTS_BYTES);
    json_init(&faults.json, &faults.text);
    json_array_begin(&faults.json);
    struct import_report report = {.rows = 0};
    if (known && lseek(fd, 0, SEEK_SET) == 0) {
        struct err fault = ERR_INIT;
        options.context = &faults;
        if (import_run(call->plant, &options, &report, &fault) < 0) {
            put_fault(&faults.json, 0, &fault, call->lang);
        }
    }
    json_array_end(&faults.json);
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    put_facts(&json, &look->facts);
    json_put_str(&json, "sheet", look->facts.sheet);
    json_put_i64(&json, "sheets", look->facts.sheet_count);
    json_put_bool(&json, "has_header", look->has_header);
    json_put_str(&json, "as", known ? str_of(import_kind_name(options.kind)) : STR_NONE);
    json_put_i64(&json, "checked_rows", (int64_t)report.rows);
    json_put_i64(&json, "rejected", (int64_t)report.rejected);
    put_rows(&json, look);
    json_key(&json, "faults");
    json_raw(&json, buf_str(&faults.text));
    json_object_end(&json);
    buf_fini(&faults.text);
    return 0;
}

int api_import_preview(struct call *call, struct err *err) {
    struct str body = call->http->request.body;
    AUTO_CLOSE int fd = -1;
    int rc = table_spool_new(home_dir(call->server->home), &fd, err);
    rc = rc < 0 ? rc : file_write_at(files_system(), fd, "preview", 0, body.data, body.size, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc >= 0) {
        rc = preview(call, fd, err);
        call_long_end(call);
    }
    return rc;
}
