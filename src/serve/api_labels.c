/*
 * Labels over HTTP: which there are, one drawn, and the queues of the printers. Badges of workers
 * open doors on the shop floor, so only those who keep the master data see or print them.
 */
#include "core/json_in.h"
#include "papers/label.h"
#include "papers/printing.h"
#include "production/master.h"
#include "production/words.h"
#include "serve/call.h"
#include "serve/server.h"
#include "serve/view.h"

enum { JOBS_DEFAULT = 50, JOBS_MOST = 500, DPI_DEFAULT = 203 };

/* ---- What there is ---- */

struct listing {
    struct call *call;
    struct json *json;
    struct str kind; // Empty: all.
};

static int put_designs(struct ledger_tx *tx, struct listing *listing, struct err *err) {
    struct arena *arena = &listing->call->http->arena;
    struct label_design *all = ARENA_ARRAY(arena, struct label_design, LABEL_DESIGNS_MAX);
    int count = label_designs(tx, listing->call->lang, arena, all, LABEL_DESIGNS_MAX, err);
    struct json *json = listing->json;
    json_key(json, "items");
    json_array_begin(json);
    for (int i = 0; i < count; i++) {
        struct str kind = str_of(label_kind_name(all[i].kind));
        if (listing->kind.size > 0 && !str_eq(kind, listing->kind)) {
            continue;
        }
        json_object_begin(json);
        json_put_str(json, "label", all[i].code);
        json_put_str(json, "kind", kind);
        json_put_str(json, "name", all[i].name);
        json_put_f64(json, "width", all[i].width_mm);
        json_put_f64(json, "height", all[i].height_mm);
        json_put_str(json, "layout", all[i].layout);
        json_put_bool(json, "built_in", all[i].built_in);
        json_object_end(json);
    }
    json_array_end(json);
    return count < 0 ? count : 0;
}

static int put_printers(struct ledger_tx *tx, struct listing *listing, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    struct json *json = listing->json;
    int rc = ledger_prepare(tx,
        "SELECT p.code, p.name, p.dpi, p.width, p.height, (SELECT count(*) FROM print_jobs j WHERE"
        " j.printer = p.number AND j.state IN ('waiting', 'sending')), (SELECT count(*) FROM"
        " print_jobs j WHERE j.printer = p.number AND j.state IN ('doubtful', 'failed'))"
        " FROM printers p WHERE p.active ORDER BY p.code",
        &stmt, err);
    json_key(json, "printers");
    json_array_begin(json);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        json_object_begin(json);
        json_put_str(json, "printer", ledger_column_str(stmt, 0));
        json_put_str(json, "name", ledger_column_str(stmt, 1));
        json_put_i64(json, "dpi", ledger_column_i64(stmt, 2));
        view_put_optional(json, "width", ledger_column_f64(stmt, 3));
        view_put_optional(json, "height", ledger_column_f64(stmt, 4));
        json_put_i64(json, "waiting", ledger_column_i64(stmt, 5));
        json_put_i64(json, "troubled", ledger_column_i64(stmt, 6));
        json_object_end(json);
    }
    json_array_end(json);
    return rc;
}

static int read_listing(struct ledger_tx *tx, void *context, struct err *err) {
    int rc = put_designs(tx, context, err);
    return rc < 0 ? rc : put_printers(tx, context, err);
}

int api_labels(struct call *call, struct err *err) {
    struct json json;
    struct listing listing = {.call = call, .json = &json, .kind = STR_NONE};
    (void)call_param(call, "kind", &listing.kind);
    call_json(call, 200, &json);
    json_object_begin(&json);
    int rc = ledger_read(plant_ledger(call->plant), read_listing, &listing, err);
    json_object_end(&json);
    return rc < 0 ? rc : 0;
}

/* ---- One label ---- */

static bool may_see_badges(const struct call *call) {
    return !call->outsider &&
           right_allows(RIGHT_PLAN, call->principal.role, call->principal.scopes);
}

static int take_kind(
    const struct call *call, struct str name, enum label_kind *ret_kind, struct err *err) {
    if (!label_kind_of_name(name, ret_kind)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_LABEL_KIND), ARGS(A_STR(name)));
    }
    return *ret_kind == LABEL_WORKER && !may_see_badges(call)
               ? err_set(err, ERR_FORBIDDEN, SAY(PRODUCTION_LABEL_BADGE), NO_ARGS)
               : 0;
}

struct drawing {
    struct call *call;
    struct label_about about;
    struct str design;
    struct label *label;
};

static int read_label(struct ledger_tx *tx, void *context, struct err *err) {
    struct drawing *drawing = context;
    return label_read(
        tx, &drawing->about, drawing->design, &drawing->call->http->arena, drawing->label, err);
}

static int draw(struct drawing *drawing, struct err *err) {
    struct call *call = drawing->call;
    struct http_response *response = &call->http->response;
    struct str format = STR("svg");
    struct str sheet = STR("a4");
    uint64_t copies = 1;
    uint64_t skip = 0;
    uint64_t dpi = DPI_DEFAULT;
    (void)call_param(call, "format", &format);
    (void)call_param(call, "sheet", &sheet);
    int rc = call_param_count(call, "copies", LABEL_ON_SHEET_MAX, &copies, err);
    rc = rc < 0 ? rc : call_param_count(call, "skip", LABEL_ON_SHEET_MAX, &skip, err);
    rc = rc < 0 ? rc : call_param_count(call, "dpi", 600, &dpi, err);
    if (rc < 0) {
        return rc;
    }
    copies = copies == 0 ? 1 : copies;
    response->status = 200;
    if (str_eq(format, STR("pdf"))) {
        const struct label_sheet on = {
            .a4 = str_eq(sheet, STR("a4")), .copies = (uint32_t)copies, .skip = (uint32_t)skip};
        response->content_type = "application/pdf";
        return label_pdf(drawing->label, &on, &response->body, err);
    }
    if (str_eq(format, STR("zpl"))) {
        response->content_type = "text/plain; charset=utf-8";
        return label_zpl(drawing->label, dpi < 100 ? DPI_DEFAULT : (double)dpi, (uint32_t)copies,
            &response->body, err);
    }
    response->content_type = "image/svg+xml";
    return label_svg(drawing->label, &response->body, err);
}

int api_label(struct call *call, struct err *err) {
    struct drawing drawing = {.call = call,
        .about = {.code = call->args[2],
            .quantity = STR_NONE,
            .lang = call->lang,
            .zone = plant_zone(call->plant),
            .now_ns = call->now_ns},
        .design = STR_NONE,
        .label = ARENA_NEW(&call->http->arena, struct label)};
    (void)call_param(call, "label", &drawing.design);
    (void)call_param(call, "quantity", &drawing.about.quantity);
    int rc = take_kind(call, call->args[1], &drawing.about.kind, err);
    rc = rc < 0 ? rc : ledger_read(plant_ledger(call->plant), read_label, &drawing, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc < 0) {
        return rc;
    }
    rc = draw(&drawing, err);
    call_long_end(call);
    return rc;
}

/* ---- Codes that terminals obey ---- */

int api_command_codes(struct call *call, struct err *err) {
    struct http_response *response = &call->http->response;
    int rc = call_long_begin(call, err);
    if (rc < 0) {
        return rc;
    }
    response->status = 200;
    response->content_type = "application/pdf";
    rc = command_codes_pdf(call->lang, &call->http->arena, &response->body, err);
    call_long_end(call);
    return rc;
}

/* ---- Jobs ---- */

struct jobs {
    struct json *json;
    struct print_query query;
    int64_t next;
};

static int read_jobs(struct ledger_tx *tx, void *context, struct err *err) {
    struct jobs *jobs = context;
    return print_put_list(tx, &jobs->query, jobs->json, &jobs->next, err);
}

int api_print_jobs(struct call *call, struct err *err) {
    struct json json;
    struct jobs jobs = {.json = &json, .query = {.state = STR_NONE}};
    uint64_t before = INT64_MAX;
    uint64_t limit = JOBS_DEFAULT;
    (void)call_param(call, "state", &jobs.query.state);
    int rc = call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", JOBS_MOST, &limit, err);
    if (rc < 0) {
        return rc;
    }
    jobs.query.before = (int64_t)before;
    jobs.query.limit = (uint32_t)limit;
    call_json(call, 200, &json);
    view_items_begin(&json);
    rc = ledger_read(plant_ledger(call->plant), read_jobs, &jobs, err);
    view_items_page_end(&json, jobs.next);
    return rc < 0 ? rc : 0;
}

struct printing_wish {
    struct call *call;
    struct label_about about;
    struct label_job job;
    struct str printer;
    struct label *label;
    int64_t number;
};

/* What cannot be drawn is refused now, not found on a printer later. */
static int enter_job(struct ledger_tx *tx, void *context, struct err *err) {
    struct printing_wish *wish = context;
    struct arena *arena = &wish->call->http->arena;
    int rc = label_read(tx, &wish->about, wish->job.design, arena, wish->label, err);
    rc = rc < 0 ? rc : master_find(tx, NOUN_PRINTERS, wish->printer, &wish->job.printer, err);
    rc = rc < 0 ? rc : label_print(tx, &wish->job, &wish->number, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_BUF struct buf subject;
    buf_init(&subject, 256);
    buf_printf(&subject, "%s/%.*s", label_kind_name(wish->about.kind), (int)wish->about.code.size,
        wish->about.code.data);
    return audit_append(
        tx, wish->job.actor, STR("print.new"), buf_str(&subject), wish->printer, err);
}

static int read_wish(struct printing_wish *wish, const struct json_in *body, struct err *err) {
    static const char *const MEMBERS[] = {
        "kind", "code", "label", "printer", "copies", "quantity", "language", NULL};
    struct str kind = STR_NONE;
    struct str language = STR_NONE;
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "kind", 32, &kind, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "code", 128, &wish->about.code, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "printer", 64, &wish->printer, err);
    rc = rc < 0 ? rc : json_in_str(body, "label", 64, &wish->job.design, err);
    rc = rc < 0 ? rc : json_in_str(body, "quantity", 64, &wish->about.quantity, err);
    rc = rc < 0 ? rc : json_in_str(body, "language", 8, &language, err);
    rc = rc < 0 ? rc : json_in_i64(body, "copies", &wish->job.copies, err);
    rc = rc < 0 ? rc : take_kind(wish->call, kind, &wish->about.kind, err);
    if (rc >= 0 && (wish->job.copies < 1 || wish->job.copies > LABEL_COPIES_MAX)) {
        return err_set(err, ERR_RANGE, SAY(PRODUCTION_PRINT_COPIES), ARGS(A_INT(LABEL_COPIES_MAX)));
    }
    wish->about.lang = str_eq(language, STR("en"))   ? LANG_EN
                       : str_eq(language, STR("ko")) ? LANG_KO
                                                     : wish->call->lang;
    return rc < 0 ? rc : 0;
}

int api_print_new(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct printing_wish wish = {.call = call,
        .about = {.quantity = STR_NONE, .zone = plant_zone(call->plant), .now_ns = call->now_ns},
        .job = {.design = STR_NONE, .copies = 1, .actor = str_of(call->principal.id)},
        .label = ARENA_NEW(&call->http->arena, struct label)};
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_wish(&wish, body, err);
    if (rc < 0) {
        return rc;
    }
    wish.job.kind = str_of(label_kind_name(wish.about.kind));
    wish.job.code = wish.about.code;
    wish.job.quantity = wish.about.quantity;
    wish.job.lang = wish.about.lang;
    rc = ledger_write(plant_ledger(call->plant), enter_job, &wish, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 201, &json);
    json_object_begin(&json);
    json_put_i64(&json, "number", wish.number);
    json_put_str(&json, "state", STR("waiting"));
    json_object_end(&json);
    return 0;
}

struct job_change {
    const struct call *call;
    struct str actor;
    int64_t number;
    int (*change)(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err);
};

static int change_job(struct ledger_tx *tx, void *context, struct err *err) {
    struct job_change *change = context;
    bool badge = false;
    int rc = print_is_badge(tx, change->number, &badge, err);
    if (rc >= 0 && badge && !may_see_badges(change->call)) {
        return err_set(err, ERR_FORBIDDEN, SAY(PRODUCTION_LABEL_BADGE), NO_ARGS);
    }
    return rc < 0 ? rc : change->change(tx, change->number, change->actor, err);
}

static int change(struct call *call,
    int (*how)(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err),
    struct err *err) {
    struct job_change job = {.call = call, .actor = str_of(call->principal.id), .change = how};
    if (!str_to_i64(call->args[1], &job.number)) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_PRINT_GONE), ARGS(A_INT(0)));
    }
    int rc = ledger_write(plant_ledger(call->plant), change_job, &job, err);
    if (rc >= 0) {
        call_empty(call, 204);
    }
    return rc;
}

int api_print_again(struct call *call, struct err *err) {
    return change(call, print_again, err);
}

int api_print_cancel(struct call *call, struct err *err) {
    return change(call, print_cancel, err);
}
