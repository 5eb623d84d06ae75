/*
 * Scans of bar codes by a person with a phone or a keyboard-wedge reader: one code, one row of a
 * text tag, answered when it is durable. The code is kept as it was read, leading zeros included.
 *
 * A scan is known by its tag and its time. A page without a server keeps what was scanned together
 * with its time and sends it later, perhaps twice because an answer was lost: the same code at the
 * same time again changes nothing and is answered as `again`.
 *
 * What a code says (GS1 General Specifications, by wire/gs1.h) is told beside it and never decides
 * whether it is stored. Plain numbers of a company's own often look like application identifiers
 * ("1012345" would be lot 12345), so a code is only explained when it carries a mark of GS1 or a
 * right check digit.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json_in.h"
#include "core/limits.h"
#include "serve/call.h"
#include "serve/scans.h"
#include "serve/server.h"

enum { GTIN_MIN_DIGITS = 12, EPC_DIGITS = 24, FNC1 = 0x1D };

struct scan {
    struct str tag_name;
    struct str code;
    int64_t time_ns;
    bool create;
    uint32_t tag; // Its number.
    bool created;
    bool again; // It is stored already.
};

/* ---- What a code says ---- */

/* Words of the identifiers that a shop floor meets (General Specifications, clause 3.2). */
static const struct {
    const char *ai; // Three digits of a measure stand for any number of decimals.
    enum msg_id words;
} IDENTIFIERS[] = {{"00", MSG_AI_00}, {"01", MSG_AI_01}, {"02", MSG_AI_02}, {"10", MSG_AI_10},
    {"11", MSG_AI_11}, {"12", MSG_AI_12}, {"13", MSG_AI_13}, {"15", MSG_AI_15}, {"16", MSG_AI_16},
    {"17", MSG_AI_17}, {"20", MSG_AI_20}, {"21", MSG_AI_21}, {"30", MSG_AI_30}, {"37", MSG_AI_37},
    {"240", MSG_AI_240}, {"241", MSG_AI_241}, {"250", MSG_AI_250}, {"310", MSG_AI_310},
    {"311", MSG_AI_311}, {"315", MSG_AI_315}, {"330", MSG_AI_330}, {"400", MSG_AI_400},
    {"410", MSG_AI_410}, {"414", MSG_AI_414}, {"422", MSG_AI_422}};

static enum msg_id words_of(struct str ai) {
    for (size_t i = 0; i < sizeof IDENTIFIERS / sizeof IDENTIFIERS[0]; i++) {
        struct str own = str_of(IDENTIFIERS[i].ai);
        if (str_eq(ai, own) || (own.size == 3 && own.data[0] == '3' && str_starts(ai, own))) {
            return IDENTIFIERS[i].words;
        }
    }
    return MSG_AI_OTHER;
}

static bool is_date(struct str ai) {
    return ai.size == 2 && ai.data[0] == '1' && ai.data[1] != '0';
}

/* A date as people write it, a measure with its decimals, else the value as it is. */
static void put_shown(struct json *json, const struct gs1_element *element, int year) {
    char text[32];
    double number = 0;
    bool measure = element->ai.size == 4 && element->ai.data[0] == '3';
    if (is_date(element->ai) && gs1_date(element->value, year, text)) {
        json_put_str(json, "shown", str_of(text));
    } else if (measure && gs1_number(element, &number)) {
        json_put_str(json, "shown", (struct str){text, f64_to_text(number, text)});
    } else {
        json_put_str(json, "shown", element->value);
    }
}

static bool all_digits(struct str text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size > 0;
}

static bool is_marked(struct str code) {
    return str_starts(code, STR("]")) || str_starts(code, STR("(")) ||
           str_find(code, (char)FNC1) < code.size;
}

/* An element whose value has a check digit, which was found right. */
static bool is_proved(const struct gs1_code *code) {
    for (uint32_t i = 0; i < code->count; i++) {
        struct str ai = code->elements[i].ai;
        if (str_eq(ai, STR("00")) || str_eq(ai, STR("01")) || str_eq(ai, STR("02")) ||
            str_starts(ai, STR("41"))) {
            return true;
        }
    }
    return false;
}

/* An RFID label with an SGTIN-96: item and serial number. */
static bool read_epc(struct str code, struct epc_texts *texts, struct gs1_code *ret_code) {
    if (code.size != EPC_DIGITS || !gs1_epc(code, &texts->sgtin)) {
        return false;
    }
    size_t size = i64_to_text((int64_t)texts->sgtin.serial, texts->serial); // 38 bits.
    ret_code->elements[0] = (struct gs1_element){STR("01"), str_of(texts->sgtin.gtin)};
    ret_code->elements[1] = (struct gs1_element){STR("21"), (struct str){texts->serial, size}};
    ret_code->count = 2;
    return true;
}

/* The elements of the code, and in `note` what is wrong with it, if anything is. */
void scan_explain(
    struct str code, struct epc_texts *texts, struct gs1_code *ret_code, struct err *note) {
    if (read_epc(code, texts, ret_code)) {
        return;
    }
    struct err fault = ERR_INIT;
    struct gs1_code found = {.count = 0};
    if (gs1_parse(code, &found, &fault) == 0) {
        if (is_marked(code) || is_proved(&found)) {
            *ret_code = found;
        }
        return;
    }
    bool like_item = all_digits(code) && code.size >= GTIN_MIN_DIGITS &&
                     code.size <= GS1_GTIN_DIGITS && !gs1_check_digit(code);
    bool checked = fault.note_count > 0 && fault.notes[0].msg == MSG_GS1_CHECK_DIGIT;
    if (is_marked(code) || checked) {
        *note = fault;
    } else if (like_item) {
        (void)err_set(note, ERR_INVALID, MSG_SCAN_CHECK_DIGIT, ARGS(A_INT(code.size)));
    }
}

void scan_put_explanation(struct json *json, struct str code, int64_t now_ns, enum lang lang) {
    struct epc_texts texts;
    struct gs1_code found = {.count = 0};
    struct err note = ERR_INIT;
    scan_explain(code, &texts, &found, &note);
    char now[TIME_TEXT_MAX];
    (void)time_format(now_ns, NULL, now);
    int64_t year = 0;
    (void)str_to_i64((struct str){now, 4}, &year);
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    json_key(json, "elements");
    json_array_begin(json);
    for (uint32_t i = 0; i < found.count; i++) {
        const struct gs1_element *element = &found.elements[i];
        buf_clear(&words);
        msg_render(words_of(element->ai), ARGS(A_STR(element->ai)), lang, &words);
        json_object_begin(json);
        json_put_str(json, "ai", element->ai);
        json_put_str(json, "value", element->value);
        put_shown(json, element, (int)year);
        json_put_str(json, "words", buf_str(&words));
        json_object_end(json);
    }
    json_array_end(json);
    if (note.code == ERR_OK) {
        json_put_null(json, "note");
    } else {
        buf_clear(&words);
        err_render(&note, lang, &words);
        json_put_str(json, "note", buf_str(&words));
    }
}

/* ---- Storing ---- */

static int read_scan(
    struct call *call, const struct json_in *body, struct scan *scan, struct err *err) {
    static const char *const MEMBERS[] = {"tag", "code", "time", "create", NULL};
    struct str time = STR_NONE;
    int rc = json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "tag", LIMIT_TAG_NAME_BYTES, &scan->tag_name, err);
    rc = rc < 0 ? rc : json_in_need_str(body, "code", LIMIT_TEXT_VALUE_BYTES, &scan->code, err);
    rc = rc < 0 ? rc : json_in_str(body, "time", 64, &time, err);
    rc = rc < 0 ? rc : json_in_bool(body, "create", &scan->create, err);
    if (rc < 0) {
        return rc;
    }
    scan->code = str_trim(scan->code); // Readers end a code with CR, LF or a tab.
    if (scan->code.size == 0) {
        return err_set(err, ERR_INVALID, MSG_GS1_EMPTY, NO_ARGS);
    }
    scan->time_ns = call->now_ns;
    if (time.size > 0 && !time_parse(time, plant_zone(call->plant), &scan->time_ns)) {
        return err_set(err, ERR_INVALID, MSG_TIME_EXPECTED, ARGS(A_STR(time)));
    }
    if (scan->time_ns < SAMPLE_TIME_MIN || scan->time_ns > call->now_ns + SAMPLE_AHEAD_MAX_NS) {
        return err_set(err, ERR_RANGE, MSG_SCAN_TIME, ARGS(A_STR(time)));
    }
    return 0;
}

/* The tag, made where that was asked for; it must be one that holds texts from outside. */
static int find_tag(struct call *call, struct scan *scan, struct err *err) {
    AUTO_CATALOGUE struct catalogue *before = plant_catalogue(call->plant);
    if (catalogue_find(before, scan->tag_name) == NULL) {
        if (!scan->create) {
            return err_set(err, ERR_NOT_FOUND, MSG_SCAN_NO_TAG, ARGS(A_STR(scan->tag_name)));
        }
        enum value_type type = TYPE_TEXT;
        uint32_t created = 0;
        int rc =
            plant_resolve_tags(call->plant, &scan->tag_name, &type, 1, &scan->tag, &created, err);
        if (rc < 0) {
            return rc;
        }
        scan->created = created > 0;
    }
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    const struct tag *tag = catalogue_find(catalogue, scan->tag_name);
    if (tag == NULL || tag->type != TYPE_TEXT) {
        return err_set(err, ERR_CONFLICT, MSG_SCAN_TAG_TYPE, ARGS(A_STR(scan->tag_name)));
    }
    if (tag->device.size == 0 && tag->source.size > 0) {
        return err_set(err, ERR_CONFLICT, MSG_SCAN_TAG_DERIVED, ARGS(A_STR(scan->tag_name)));
    }
    scan->tag = tag->number;
    return 0;
}

static int store(struct call *call, struct scan *scan, struct err *err) {
    AUTO_BATCH struct batch *batch = batch_new(1, LIMIT_TEXT_VALUE_BYTES);
    if (!batch_add_text(batch, scan->tag, scan->time_ns, scan->code)) {
        return err_set(err, ERR_LIMIT, MSG_LINE_TEXT_LONG, ARGS(A_INT(LIMIT_TEXT_VALUE_BYTES)));
    }
    int same = hist_mark_duplicates(plant_historian(call->plant), batch, err);
    if (same != 0) {
        scan->again = true;
        return same < 0 ? same : 0;
    }
    return plant_submit(call->plant, &batch, 1, err);
}

static int take_count(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    *(uint64_t *)context += bucket->count;
    return 0;
}

/* Codes of the tag since local midnight. */
static int count_today(struct call *call, uint32_t tag, uint64_t *ret_count, struct err *err) {
    struct hist_bucket_query query = {.tags = &tag, .tag_count = 1};
    query.from_ns =
        time_bucket_start(call->now_ns, 86400 * NS_PER_S, plant_zone(call->plant), &query.to_ns);
    *ret_count = 0;
    return hist_buckets(plant_historian(call->plant), &query, take_count, ret_count, err);
}

int api_scan(struct call *call, struct err *err) {
    AUTO_JSON_IN struct json_in *body = NULL;
    struct scan scan = {.tag = 0};
    uint64_t count = 0;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : read_scan(call, body, &scan, err);
    rc = rc < 0 ? rc : find_tag(call, &scan, err);
    rc = rc < 0 ? rc : store(call, &scan, err);
    rc = rc < 0 ? rc : count_today(call, scan.tag, &count, err);
    if (rc < 0) {
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_str(&json, "tag", scan.tag_name);
    json_put_str(&json, "code", scan.code);
    json_put_time(&json, "time", scan.time_ns);
    json_put_bool(&json, "created", scan.created);
    json_put_bool(&json, "again", scan.again);
    json_put_i64(&json, "count_today", (int64_t)count);
    scan_put_explanation(&json, scan.code, call->now_ns, call->lang);
    json_object_end(&json);
    return 0;
}
