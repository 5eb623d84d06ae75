/*
 * Papers of the shop floor over HTTP: which are due, an empty sheet, what was filled in. A sheet is
 * filled in by the event `form.fill`; forms and their fields are master data.
 *
 * The newest value of a tag is put into the sheet here, where the live table is, so that the person
 * sees and sends it: what is kept is what was seen.
 */
#include "core/clock.h"
#include "core/limits.h"
#include "core/time.h"
#include "model/live.h"
#include "papers/form.h"
#include "production/form.h"
#include "production/words.h"
#include "serve/call.h"
#include "serve/table_answer.h"
#include "serve/view.h"

#define DAY_NS (86400 * NS_PER_S)

enum { LIST_DEFAULT = 100 };

struct asking {
    struct call *call;
    struct json json;
    struct form_ask ask;
    struct form_query query;
    struct table_writer *writer;
    int64_t next;
    int count;
};

static bool tag_text(void *context, int64_t tag, struct buf *out) {
    const struct call *call = context;
    struct live_value value;
    AUTO_BUF struct buf text;
    buf_init(&text, 1 << 16);
    if (!live_read(plant_live(call->plant), (uint32_t)tag, &value)) {
        return false;
    }
    struct json json;
    json_init(&json, &text);
    view_live_value(&json, &value);
    struct str shown = buf_str(&text);
    if (str_eq(shown, STR("null"))) {
        return false;
    }
    bool quoted = shown.size > 1 && shown.data[0] == '"';
    buf_put_str(out, quoted ? str_slice(shown, 1, shown.size - 1) : shown);
    return true;
}

static struct asking asking_of(struct call *call) {
    return (struct asking){.call = call,
        .ask = {.zone = plant_zone(call->plant),
            .now_ns = call->now_ns,
            .about = {.machine = STR_NONE,
                .order = STR_NONE,
                .lot = STR_NONE,
                .shift = STR_NONE,
                .day = FORM_TODAY},
            .tag_text = tag_text,
            .context = call},
        .query = {.form = STR_NONE,
            .machine = STR_NONE,
            .order = STR_NONE,
            .lot = STR_NONE,
            .day = STR_NONE,
            .before = INT64_MAX,
            .limit = LIST_DEFAULT,
            .no_replaced = true}};
}

/* 2026-01-31. */
static int take_day(const struct call *call, int64_t *day, struct err *err) {
    struct str text = STR_NONE;
    int64_t time_ns = 0;
    if (!call_param(call, "day", &text) || text.size == 0) {
        return 0;
    }
    if (text.size != 10 || !time_parse(text, NULL, &time_ns)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_FORM_DAY), ARGS(A_STR(text)));
    }
    *day = time_ns / DAY_NS;
    return 0;
}

static int take_about(struct asking *asking, struct err *err) {
    struct form_about *about = &asking->ask.about;
    (void)call_param(asking->call, "machine", &about->machine);
    (void)call_param(asking->call, "order", &about->order);
    (void)call_param(asking->call, "lot", &about->lot);
    (void)call_param(asking->call, "shift", &about->shift);
    return take_day(asking->call, &about->day, err);
}

/* ---- Sheets ---- */

static int read_sheet(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return form_put_sheet(
        tx, asking->call->args[1], &asking->ask, &asking->call->http->arena, &asking->json, err);
}

int api_form_sheet(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    int rc = take_about(&asking, err);
    if (rc < 0) {
        return rc;
    }
    call_json(call, 200, &asking.json);
    json_object_begin(&asking.json);
    rc = ledger_read(plant_ledger(call->plant), read_sheet, &asking, err);
    json_object_end(&asking.json);
    return rc < 0 ? rc : 0;
}

static int read_due(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return form_put_due(tx, &asking->ask, &asking->json, err);
}

int api_form_due(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    int rc = take_about(&asking, err);
    if (rc < 0) {
        return rc;
    }
    call_json(call, 200, &asking.json);
    view_items_begin(&asking.json);
    rc = ledger_read(plant_ledger(call->plant), read_due, &asking, err);
    view_items_end(&asking.json);
    return rc < 0 ? rc : 0;
}

/* ---- Entries ---- */

static int read_entries(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    asking->count = form_put_entries(tx, &asking->query, &asking->json, &asking->next, err);
    return asking->count < 0 ? asking->count : 0;
}

int api_form_entries(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    uint64_t limit = LIST_DEFAULT;
    uint64_t before = INT64_MAX;
    int64_t day = 0;
    (void)call_param(call, "form", &asking.query.form);
    (void)call_param(call, "machine", &asking.query.machine);
    (void)call_param(call, "order", &asking.query.order);
    (void)call_param(call, "lot", &asking.query.lot);
    (void)call_param(call, "day", &asking.query.day);
    asking.query.no_replaced = !call_param_flag(call, "replaced");
    int rc = take_day(call, &day, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", FORM_ENTRIES_MAX, &limit, err);
    rc = rc < 0 ? rc : call_param_count(call, "before", INT64_MAX, &before, err);
    if (rc < 0) {
        return rc;
    }
    asking.query.limit = (uint32_t)limit;
    asking.query.before = (int64_t)before;
    call_json(call, 200, &asking.json);
    view_items_begin(&asking.json);
    rc = ledger_read(plant_ledger(call->plant), read_entries, &asking, err);
    view_items_page_end(&asking.json, asking.next);
    return rc < 0 ? rc : 0;
}

int api_form_entry(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    asking.query.no_replaced = false;
    if (!str_to_i64(call->args[1], &asking.query.number) || asking.query.number < 1) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_FORM_ENTRY), ARGS(A_INT(0)));
    }
    call_json(call, 200, &asking.json);
    int rc = ledger_read(plant_ledger(call->plant), read_entries, &asking, err);
    return rc >= 0 && asking.count == 0 ? err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_FORM_ENTRY),
                                              ARGS(A_INT(asking.query.number)))
                                        : rc;
}

/* ---- On paper ---- */

struct printing {
    struct call *call;
    int64_t number;
    struct form_entry entry;
};

static int read_entry(struct ledger_tx *tx, void *context, struct err *err) {
    struct printing *printing = context;
    return form_entry_get(
        tx, printing->number, &printing->call->http->arena, &printing->entry, err);
}

int api_form_paper(struct call *call, struct err *err) {
    struct printing printing = {.call = call};
    if (!str_to_i64(call->args[1], &printing.number) || printing.number < 1) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_FORM_ENTRY), ARGS(A_INT(0)));
    }
    int rc = ledger_read(plant_ledger(call->plant), read_entry, &printing, err);
    rc = rc < 0 ? rc : call_long_begin(call, err);
    if (rc < 0) {
        return rc;
    }
    const struct form_paper paper = {.entry = &printing.entry,
        .plant = plant_display(call->plant),
        .lang = call->lang,
        .zone = plant_zone(call->plant)};
    struct http_response *response = &call->http->response;
    rc = form_pdf(&paper, &call->http->arena, &response->body, err);
    call_long_end(call);
    if (rc >= 0) {
        response->status = 200;
        response->content_type = "application/pdf";
    }
    return rc;
}

/* ---- As a table ---- */

static int put_cells(void *context, const struct str *cells, uint32_t count, struct err *err) {
    struct asking *asking = context;
    for (uint32_t i = 0; i < count; i++) {
        table_put_text(asking->writer, cells[i]);
    }
    return table_end_row(asking->writer, err);
}

static int read_table(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    const struct form_table table = {
        .lang = asking->call->lang, .zone = asking->ask.zone, .context = asking, .row = put_cells};
    return form_table_put(tx, asking->call->args[1], &table, err);
}

int api_form_table(struct call *call, struct err *err) {
    struct asking asking = asking_of(call);
    struct table_answer answer = {
        .call = call, .name = "entries", .format = TABLE_CSV, .large = SAY(PRODUCTION_FORM_LARGE)};
    struct str text = STR_NONE;
    if (call_param(call, "format", &text)) { // The table of parameters lets only names through.
        (void)table_format_of_name(text, &answer.format);
    }
    int rc = table_answer_open(&answer, err);
    if (rc < 0) {
        return rc;
    }
    asking.writer = answer.writer;
    rc = ledger_read(plant_ledger(call->plant), read_table, &asking, err);
    return table_answer_end(&answer, rc, err);
}
