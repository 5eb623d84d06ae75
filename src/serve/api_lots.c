/*
 * Lots and stock over HTTP: lists, the passport of a lot, its genealogy, the recall as a table.
 *
 * A recall is asked for when something is wrong and somebody must telephone: it comes as a file
 * that opens in a spreadsheet, or as JSON for a page. It is made whole before the first byte goes
 * out, so that a fault is a refusal and not half a list.
 */
#include "core/limits.h"
#include "core/time.h"
#include "production/amount.h"
#include "production/lots.h"
#include "production/words.h"
#include "serve/call.h"
#include "serve/table_answer.h"
#include "serve/view.h"

enum { LIST_DEFAULT = 100, STOCK_DEFAULT = 1000 };

struct asking {
    struct call *call;
    struct json json;
    struct lot_query lots;
    struct stock_query stock;
    struct stock_item_query items;
    struct move_query moves;
    uint32_t ways;
    int64_t next;
    char next_text[STOCK_NEXT_MAX];
    struct table_writer *writer;
};

/* ---- Lists ---- */

/* What `fn` puts, and behind it where the list goes on. */
static int answer_items(struct asking *asking, ledger_fn fn, struct err *err) {
    call_json(asking->call, 200, &asking->json);
    view_items_begin(&asking->json);
    int rc = ledger_read(plant_ledger(asking->call->plant), fn, asking, err);
    if (asking->next_text[0] != '\0') {
        view_items_page_end_at(&asking->json, str_of(asking->next_text));
    } else {
        view_items_page_end(&asking->json, asking->next);
    }
    return rc < 0 ? rc : 0;
}

static int read_lots(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return lot_put_list(tx, &asking->lots, &asking->json, &asking->next, err);
}

int api_lots(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    uint64_t before = INT64_MAX;
    uint64_t limit = LIST_DEFAULT;
    asking.lots = (struct lot_query){.search = STR_NONE, .item = STR_NONE, .state = STR_NONE};
    (void)call_param(call, "q", &asking.lots.search);
    (void)call_param(call, "item", &asking.lots.item);
    (void)call_param(call, "state", &asking.lots.state);
    int rc = call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", LOT_LIST_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    asking.lots.before = (int64_t)before;
    asking.lots.limit = (uint32_t)limit;
    return answer_items(&asking, read_lots, err);
}

static int read_stock(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return stock_put_list(tx, &asking->stock, &asking->json, asking->next_text, err);
}

int api_stock(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    uint64_t limit = STOCK_DEFAULT;
    char today[VIEW_DAY_MAX];
    asking.stock =
        (struct stock_query){.today = view_day(call->now_ns, plant_zone(call->plant), today)};
    (void)call_param(call, "item", &asking.stock.item);
    (void)call_param(call, "place", &asking.stock.place);
    (void)call_param(call, "lot", &asking.stock.lot);
    (void)call_param(call, "after", &asking.stock.after);
    int rc = call_param_count(call, "limit", STOCK_LIST_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    asking.stock.limit = (uint32_t)limit;
    return answer_items(&asking, read_stock, err);
}

static int read_stock_items(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return stock_put_items(tx, &asking->items, &asking->json, &asking->next, err);
}

int api_stock_items(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    uint64_t after = 0;
    uint64_t limit = STOCK_DEFAULT;
    struct str flag = STR_NONE;
    char today[VIEW_DAY_MAX];
    asking.items =
        (struct stock_item_query){.today = view_day(call->now_ns, plant_zone(call->plant), today)};
    (void)call_param(call, "q", &asking.items.search);
    asking.items.only_short = call_param(call, "short", &flag) && str_eq(flag, STR("1"));
    int rc = call_param_count(call, "after", INT64_MAX, &after, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", STOCK_LIST_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    asking.items.after = (int64_t)after;
    asking.items.limit = (uint32_t)limit;
    return answer_items(&asking, read_stock_items, err);
}

static int read_moves(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    return stock_put_moves(tx, &asking->moves, &asking->json, &asking->next, err);
}

static void read_texts(const struct call *call, struct move_query *query) {
    const struct {
        const char *name;
        struct str *to;
    } texts[] = {{"item", &query->item}, {"lot", &query->lot}, {"place", &query->place},
        {"partner", &query->partner}, {"order", &query->order}, {"document", &query->document},
        {"kind", &query->kind}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i].to = STR_NONE;
        (void)call_param(call, texts[i].name, texts[i].to);
    }
}

int api_stock_moves(struct call *call, struct err *err) {
    struct asking asking = {.call = call, .moves = {.from_ns = INT64_MIN, .to_ns = INT64_MAX}};
    uint64_t before = INT64_MAX;
    uint64_t limit = STOCK_DEFAULT;
    read_texts(call, &asking.moves);
    int rc = call_param_time(call, "from", plant_zone(call->plant), &asking.moves.from_ns, err);
    rc = rc < 0 ? rc
                : call_param_time(call, "to", plant_zone(call->plant), &asking.moves.to_ns, err);
    rc = rc < 0 ? rc : call_param_count(call, "before", INT64_MAX, &before, err);
    rc = rc < 0 ? rc : call_param_count(call, "limit", STOCK_LIST_MAX, &limit, err);
    if (rc < 0) {
        return rc;
    }
    asking.moves.before = (int64_t)before;
    asking.moves.limit = (uint32_t)limit;
    return answer_items(&asking, read_moves, err);
}

/* ---- One lot ---- */

static int read_passport(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    int64_t lot = 0;
    int rc = lot_find(tx, asking->call->args[1], &lot, err);
    return rc < 0 ? rc : lot_put_passport(tx, lot, &asking->json, err);
}

int api_lot(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    call_json(call, 200, &asking.json);
    int rc = ledger_read(plant_ledger(call->plant), read_passport, &asking, err);
    return rc < 0 ? rc : 0;
}

static int read_trace(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    int64_t lot = 0;
    int rc = lot_find(tx, asking->call->args[1], &lot, err);
    return rc < 0 ? rc : lot_put_trace(tx, lot, asking->ways, &asking->json, err);
}

int api_lot_trace(struct call *call, struct err *err) {
    struct asking asking = {.call = call, .ways = LOT_TRACE_BACK | LOT_TRACE_FORWARD};
    struct str way = STR_NONE;
    if (call_param(call, "way", &way) && !str_eq(way, STR("both"))) {
        asking.ways = str_eq(way, STR("back")) ? LOT_TRACE_BACK : LOT_TRACE_FORWARD;
    }
    call_json(call, 200, &asking.json);
    int rc = ledger_read(plant_ledger(call->plant), read_trace, &asking, err);
    return rc < 0 ? rc : 0;
}

/* ---- Recall ---- */

static const char *const COLUMNS[] = {"lot", "item", "name", "state", "depth", "where", "place",
    "partner", "partner_name", "phone", "document", "quantity", "unit", "time"};

static size_t shipped_at(
    const struct asking *asking, const struct recall_row *row, char to[TIME_TEXT_MAX]) {
    return row->time_ns == 0 ? 0 : time_format(row->time_ns, plant_zone(asking->call->plant), to);
}

static int put_cells(void *context, const struct recall_row *row, struct err *err) {
    struct asking *asking = context;
    struct table_writer *writer = asking->writer;
    char amount[AMOUNT_TEXT_MAX];
    char time[TIME_TEXT_MAX];
    table_put_text(writer, row->lot);
    table_put_text(writer, row->item);
    table_put_text(writer, row->name);
    table_put_text(writer, row->state);
    table_put_i64(writer, row->depth);
    table_put_text(writer, str_of(row->where));
    table_put_text(writer, row->place);
    table_put_text(writer, row->partner);
    table_put_text(writer, row->partner_name);
    table_put_text(writer, row->phone);
    table_put_text(writer, row->document);
    table_put_text(writer, (struct str){amount, amount_text(row->quantity_u, amount)});
    table_put_text(writer, row->unit);
    table_put_text(writer, (struct str){time, shipped_at(asking, row, time)});
    return table_end_row(writer, err);
}

static int put_object(void *context, const struct recall_row *row, struct err *err) {
    (void)err;
    struct asking *asking = context;
    recall_put(&asking->json, row);
    return 0;
}

static int read_recall(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    int64_t lot = 0;
    int rc = lot_find(tx, asking->call->args[1], &lot, err);
    return rc < 0
               ? rc
               : lot_recall(tx, lot, asking->writer != NULL ? put_cells : put_object, asking, err);
}

static int answer_table(struct asking *asking, enum table_format format, struct err *err) {
    struct table_answer answer = {.call = asking->call,
        .name = "recall",
        .format = format,
        .large = SAY(PRODUCTION_RECALL_LARGE)};
    int rc = table_answer_open(&answer, err);
    if (rc < 0) {
        return rc;
    }
    asking->writer = answer.writer;
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        table_put_text(answer.writer, str_of(COLUMNS[i]));
    }
    rc = table_end_row(answer.writer, err);
    rc = rc < 0 ? rc : ledger_read(plant_ledger(asking->call->plant), read_recall, asking, err);
    return table_answer_end(&answer, rc, err);
}

int api_lot_recall(struct call *call, struct err *err) {
    struct asking asking = {.call = call};
    struct str text = STR_NONE;
    enum table_format format = TABLE_CSV;
    if (call_param(call, "format", &text) && table_format_of_name(text, &format)) {
        return answer_table(&asking, format, err);
    }
    return answer_items(&asking, read_recall, err);
}
