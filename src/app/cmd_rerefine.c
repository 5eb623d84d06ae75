/*
 * maru rerefine HOME TAG --from T --to T [--dry-run]: applies the tag's present rules to what is
 * stored; --undo ID writes the versions before back; without TAG and --undo it lists the runs.
 */
#include "app/command.h"
#include "core/json.h"
#include "core/mem.h"
#include "plant/rerefine.h"

enum { LIST_MAX = 200 };

static int put_report(struct call *call, const struct rerefine_report *report, struct err *err) {
    (void)err;
    struct json json;
    if (!call->json) {
        call_say(call, report->id != 0 ? MSG_REREFINE_DONE : MSG_REREFINE_ASKED,
            ARGS(A_INT(report->rows_read), A_INT(report->changed), A_INT(report->corrected),
                A_INT(report->id)));
        return EXIT_DONE;
    }
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_i64(&json, "id", report->id);
    json_put_i64(&json, "rows", (int64_t)report->rows_read);
    json_put_i64(&json, "from_raw", (int64_t)report->from_raw);
    json_put_i64(&json, "changed", (int64_t)report->changed);
    json_put_i64(&json, "omitted", (int64_t)report->omitted);
    json_put_i64(&json, "corrected", (int64_t)report->corrected);
    json_put_i64(&json, "skipped", (int64_t)report->skipped);
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
    return EXIT_DONE;
}

struct listing {
    struct arena arena;
    struct rerefine_record records[LIST_MAX];
    int count;
};

static int read_records(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    listing->count =
        rerefine_list(tx, 0, INT64_MAX, listing->records, LIST_MAX, &listing->arena, err);
    return listing->count < 0 ? listing->count : 0;
}

static void put_record(
    struct json *json, const struct catalogue *catalogue, const struct rerefine_record *record) {
    const struct tag *tag = catalogue_tag(catalogue, record->tag);
    json_object_begin(json);
    json_put_i64(json, "id", record->id);
    json_put_time(json, "time", record->time_ns);
    json_put_str(json, "actor", record->actor);
    json_put_str(json, "tag", tag != NULL ? tag->name : STR_NONE);
    json_put_i64(json, "changed", (int64_t)record->changed);
    json_put_i64(json, "undoes", record->undoes);
    json_put_i64(json, "undone_by", record->undone_by);
    json_put_bool(json, "finished", record->is_finished);
    json_object_end(json);
}

static int list_runs(struct call *call, struct plant *plant, struct err *err) {
    AUTO_FREE struct listing *listing = MEM_NEW(struct listing);
    arena_init(&listing->arena, 0);
    int status = ledger_read(plant_ledger(plant), read_records, listing, err);
    struct catalogue *catalogue = plant_catalogue(plant);
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_key(&json, "items");
    json_array_begin(&json);
    for (int i = 0; i < listing->count; i++) {
        put_record(&json, catalogue, &listing->records[i]);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
    catalogue_unref(catalogue);
    arena_fini(&listing->arena);
    return status < 0 ? status : EXIT_DONE;
}

static int read_range(
    struct call *call, struct plant *plant, struct rerefine_options *options, struct err *err) {
    const char *from = call_value(call, "--from");
    const char *to = call_value(call, "--to");
    if (from == NULL || to == NULL) {
        return err_set(err, ERR_USAGE, MSG_REREFINE_USAGE, NO_ARGS);
    }
    int64_t now_ns = clock_wall_ns(plant_clock(plant));
    int status = time_parse_query(str_of(from), plant_zone(plant), now_ns, &options->from_ns, err);
    return status < 0
               ? status
               : time_parse_query(str_of(to), plant_zone(plant), now_ns, &options->to_ns, err);
}

int cmd_rerefine(struct call *call, struct err *err) {
    struct plant *plant = NULL;
    struct rerefine_report report = {0};
    struct rerefine_options options = {
        .dry_run = call_value(call, "--dry-run") != NULL, .actor = STR("cli")};
    const char *undo = call_value(call, "--undo");
    int status = call_plant(call, &plant, err);
    if (status < 0) {
        return status;
    }
    if (undo != NULL) {
        int64_t id = 0;
        if (!str_to_i64(str_of(undo), &id) || call->positional_count > 0) {
            return err_set(err, ERR_USAGE, MSG_REREFINE_USAGE, NO_ARGS);
        }
        status = rerefine_undo(plant, id, &options, &report, err);
    } else if (call->positional_count == 0) {
        return list_runs(call, plant, err);
    } else {
        options.tag = str_of(call->positionals[0]);
        status = call_usage(read_range(call, plant, &options, err), err);
        status = status < 0 ? status : rerefine_run(plant, &options, &report, err);
    }
    return status < 0 ? status : put_report(call, &report, err);
}
