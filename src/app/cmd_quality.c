/*
 * maru quality HOME [TAG...]: the quality scores of a day (yesterday unless --day says another), as
 * CSV or JSON. With --run they are computed first, for all tags. What the scores mean is told in
 * plant/quality.h.
 */
#include <math.h>

#include "app/command.h"
#include "core/json.h"
#include "plant/quality.h"

enum { ROWS_AT_ONCE = 256 };

struct listing {
    struct call *call;
    struct str day;
    uint32_t after;
    struct quality_row rows[ROWS_AT_ONCE];
    int count;
};

static int read_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    listing->count =
        quality_list(tx, listing->day, listing->after, listing->rows, ROWS_AT_ONCE, err);
    return listing->count < 0 ? listing->count : 0;
}

static bool is_wanted(const struct call *call, struct str name) {
    for (uint32_t i = 0; i < call->positional_count; i++) {
        if (str_eq(str_of(call->positionals[i]), name)) {
            return true;
        }
    }
    return call->positional_count == 0;
}

static void put_csv(struct buf *out, struct str name, const struct quality_row *row) {
    const double SCORES[] = {
        row->score, row->gaps, row->stuck, row->in_range, row->duplicates, row->clock};
    buf_put_str(out, name);
    buf_printf(out, ",%s", row->day);
    for (size_t i = 0; i < sizeof SCORES / sizeof SCORES[0]; i++) {
        buf_put_char(out, ',');
        if (!isnan(SCORES[i])) {
            buf_printf(out, "%.1f", SCORES[i]);
        }
    }
    buf_put_char(out, ',');
    buf_put_i64(out, (int64_t)row->rows);
    buf_put_char(out, '\n');
}

static void put_score(struct json *json, const char *key, double score) {
    if (isnan(score)) {
        json_put_null(json, key);
    } else {
        json_put_f64(json, key, score);
    }
}

static void put_json(struct json *json, struct str name, const struct quality_row *row) {
    json_object_begin(json);
    json_put_str(json, "tag", name);
    json_put_str(json, "day", str_of(row->day));
    put_score(json, "score", row->score);
    put_score(json, "gaps", row->gaps);
    put_score(json, "stuck", row->stuck);
    put_score(json, "in_range", row->in_range);
    put_score(json, "duplicates", row->duplicates);
    put_score(json, "clock", row->clock);
    json_put_i64(json, "rows", (int64_t)row->rows);
    json_object_end(json);
}

static int put_list(struct call *call, struct plant *plant, struct listing *listing,
    const struct catalogue *catalogue, struct err *err) {
    struct json json;
    json_init(&json, &call->out);
    if (call->json) {
        json_object_begin(&json);
        json_key(&json, "items");
        json_array_begin(&json);
    } else {
        buf_put_str(&call->out, STR("tag,day,score,gaps,stuck,in_range,duplicates,clock,rows\n"));
    }
    do {
        int status = ledger_read(plant_ledger(plant), read_rows, listing, err);
        for (int i = 0; i < listing->count && status >= 0; i++) {
            const struct quality_row *row = &listing->rows[i];
            const struct tag *tag = catalogue_tag(catalogue, row->tag);
            listing->after = row->tag;
            if (tag == NULL || !is_wanted(call, tag->name)) {
                continue;
            }
            if (call->json) {
                put_json(&json, tag->name, row);
            } else {
                put_csv(&call->out, tag->name, row);
            }
            status = call_flush(call, false, err);
        }
        if (status < 0) {
            return status;
        }
    } while (listing->count == ROWS_AT_ONCE);
    if (call->json) {
        json_array_end(&json);
        json_object_end(&json);
        buf_put_char(&call->out, '\n');
    }
    return 0;
}

int cmd_quality(struct call *call, struct err *err) {
    struct plant *plant = NULL;
    int status = call_plant(call, &plant, err);
    if (status < 0) {
        return status;
    }
    char yesterday[QUALITY_DAY_TEXT];
    const int64_t day_ns = 86400 * NS_PER_S;
    int64_t today_ns =
        time_bucket_start(clock_wall_ns(plant_clock(plant)), day_ns, plant_zone(plant), NULL);
    quality_day_of(plant, today_ns - day_ns / 2, yesterday);
    const char *day = call_value(call, "--day");
    struct listing listing = {.call = call, .day = str_of(day != NULL ? day : yesterday)};
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    status = call_usage(quality_day_range(plant, listing.day, &begin_ns, &end_ns, err), err);
    if (status >= 0 && call_value(call, "--run") != NULL) {
        status = quality_run(plant, listing.day, false, NULL, err);
    }
    if (status < 0) {
        return status;
    }
    struct catalogue *catalogue = plant_catalogue(plant);
    status = put_list(call, plant, &listing, catalogue, err);
    catalogue_unref(catalogue);
    return status < 0 ? status : EXIT_DONE;
}
