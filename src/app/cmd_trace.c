/*
 * maru trace HOME LOT [--back|--forward]: of what a lot was made, and what was made of it; both
 * ways when neither is asked for. With --recall: where all of it lies and who has it.
 */
#include "app/command.h"
#include "core/json.h"
#include "plant/plant.h"
#include "production/lots.h"

struct asking {
    struct call *call;
    struct json json;
    uint32_t ways;
};

static int put_recalled(void *context, const struct recall_row *row, struct err *err) {
    (void)err;
    struct asking *asking = context;
    recall_put(&asking->json, row);
    return 0;
}

static int ask(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    int64_t lot = 0;
    int status = lot_find(tx, str_of(asking->call->positionals[0]), &lot, err);
    if (status < 0 || asking->ways != 0) {
        return status < 0 ? status : lot_put_trace(tx, lot, asking->ways, &asking->json, err);
    }
    json_object_begin(&asking->json);
    json_put_str(&asking->json, "lot", str_of(asking->call->positionals[0]));
    json_key(&asking->json, "items");
    json_array_begin(&asking->json);
    status = lot_recall(tx, lot, put_recalled, asking, err);
    json_array_end(&asking->json);
    json_object_end(&asking->json);
    return status;
}

int cmd_trace(struct call *call, struct err *err) {
    struct plant *plant = NULL;
    bool back = call_value(call, "--back") != NULL;
    bool forward = call_value(call, "--forward") != NULL;
    struct asking asking = {.call = call,
        .ways = (back || !forward ? (uint32_t)LOT_TRACE_BACK : 0) |
                (forward || !back ? (uint32_t)LOT_TRACE_FORWARD : 0)};
    if (call_value(call, "--recall") != NULL) {
        asking.ways = 0;
    }
    AUTO_BUF struct buf answer;
    buf_init(&answer, (size_t)256 << 20);
    json_init(&asking.json, &answer);
    int status = call_plant(call, &plant, err);
    status = status < 0 ? status : ledger_read(plant_ledger(plant), ask, &asking, err);
    for (size_t at = 0; at < answer.size && status >= 0; at += CALL_OUT_MAX / 4) {
        buf_put_str(&call->out, str_slice(buf_str(&answer), at, at + CALL_OUT_MAX / 4));
        status = call_flush(call, true, err);
    }
    if (status >= 0) {
        buf_put_char(&call->out, '\n');
    }
    return status < 0 ? status : EXIT_DONE;
}
