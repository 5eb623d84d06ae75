/*
 * What a scanned code means here, and what of a delivered box goes into a receipt: the item by its
 * GTIN, the supplier's lot, dates, and the quantity of GS1 codes (General Specifications, clause
 * 3: AI 01 or 02, 10, 11, 17 or 15, 30, 37, 310n).
 */
#include "core/time.h"
#include "production/lookup.h"
#include "production/words.h"
#include "serve/call.h"
#include "serve/scans.h"

enum { CODE_BYTES_MAX = 512 };

struct asking {
    struct call *call;
    struct lookup_wish wish;
    struct lookup found[LOOKUP_MAX];
    int count;
};

static int look(struct ledger_tx *tx, void *context, struct err *err) {
    struct asking *asking = context;
    asking->count =
        lookup_code(tx, &asking->wish, &asking->call->http->arena, asking->found, LOOKUP_MAX, err);
    return asking->count < 0 ? asking->count : 0;
}

static struct str first_of(const struct gs1_code *code, const char *const *identifiers) {
    struct str value = STR_NONE;
    for (size_t i = 0; identifiers[i] != NULL && value.size == 0; i++) {
        value = gs1_find(code, str_of(identifiers[i]));
    }
    return value;
}

static void put_date(struct json *json, const char *key, struct str value, int64_t now_ns) {
    char now[TIME_TEXT_MAX];
    char text[11];
    int64_t year = 0;
    (void)time_format(now_ns, NULL, now);
    (void)str_to_i64((struct str){now, 4}, &year);
    if (value.size > 0 && gs1_date(value, (int)year, text)) {
        json_put_str(json, key, str_of(text));
    } else {
        json_put_null(json, key);
    }
}

static void put_quantity(struct json *json, const struct gs1_code *code) {
    static const char *const IDENTIFIERS[] = {"37", "30", "310"};
    for (size_t k = 0; k < sizeof IDENTIFIERS / sizeof IDENTIFIERS[0]; k++) {
        struct str wanted = str_of(IDENTIFIERS[k]);
        for (uint32_t i = 0; i < code->count; i++) {
            double number = 0;
            struct str ai = code->elements[i].ai;
            bool is = str_eq(ai, wanted) || (wanted.size == 3 && str_starts(ai, wanted));
            if (is && gs1_number(&code->elements[i], &number)) {
                json_put_f64(json, "quantity", number);
                return;
            }
        }
    }
    json_put_null(json, "quantity");
}

static void put_text(struct json *json, const char *key, struct str text) {
    if (text.size > 0) {
        json_put_str(json, key, text);
    } else {
        json_put_null(json, key);
    }
}

static void put_receipt(
    struct json *json, const struct asking *asking, const struct gs1_code *code, int64_t now_ns) {
    static const char *const EXPIRES[] = {"17", "15", NULL};
    static const char *const MADE[] = {"11", "13", NULL};
    struct str item = STR_NONE;
    for (int i = 0; i < asking->count && item.size == 0; i++) {
        item = str_eq(str_of(asking->found[i].kind), STR("item")) ? asking->found[i].code : item;
    }
    json_key(json, "receipt");
    if (code->count == 0) {
        json_null(json);
        return;
    }
    json_object_begin(json);
    put_text(json, "item", item);
    put_text(json, "gtin", asking->wish.gtin);
    put_text(json, "partner_lot", gs1_find(code, STR("10")));
    put_text(json, "serial", gs1_find(code, STR("21")));
    put_date(json, "made", first_of(code, MADE), now_ns);
    put_date(json, "expires", first_of(code, EXPIRES), now_ns);
    put_quantity(json, code);
    json_object_end(json);
}

static void put_unknown(struct json *json, struct str code, enum lang lang) {
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    msg_render(SAY(PRODUCTION_CODE_UNKNOWN), ARGS(A_STR(code)), lang, &words);
    json_put_str(json, "unknown", buf_str(&words));
}

int api_code(struct call *call, struct err *err) {
    static const char *const GTIN[] = {"01", "02", NULL};
    struct asking asking = {.call = call};
    struct epc_texts texts;
    struct gs1_code code = {.count = 0};
    struct err note = ERR_INIT;
    (void)call_param(call, "code", &asking.wish.code);
    asking.wish.code = str_trim(asking.wish.code);
    if (asking.wish.code.size == 0 || asking.wish.code.size > CODE_BYTES_MAX) {
        return err_set(err, ERR_INVALID, MSG_GS1_EMPTY, NO_ARGS);
    }
    scan_explain(asking.wish.code, &texts, &code, &note);
    asking.wish.gtin = first_of(&code, GTIN);
    asking.wish.lot = gs1_find(&code, STR("10"));
    int rc = ledger_read(plant_ledger(call->plant), look, &asking, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "code", asking.wish.code);
    json_key(&json, "found");
    json_array_begin(&json);
    for (int i = 0; i < asking.count; i++) {
        json_object_begin(&json);
        json_put_str(&json, "kind", str_of(asking.found[i].kind));
        json_put_str(&json, "code", asking.found[i].code);
        json_put_str(&json, "name", asking.found[i].name);
        json_object_end(&json);
    }
    json_array_end(&json);
    if (asking.count == 0) {
        put_unknown(&json, asking.wish.code, call->lang);
    } else {
        json_put_null(&json, "unknown");
    }
    put_receipt(&json, &asking, &code, call->now_ns);
    scan_put_explanation(&json, asking.wish.code, call->now_ns, call->lang);
    json_object_end(&json);
    return 0;
}
