/*
 * maru export HOME --as samples|wide|tags|devices|equipment|corrections or a noun of master data: a
 * table as the import takes it in, to standard output or to a file that appears when it is whole.
 */
#include <string.h>

#include "app/command.h"
#include "core/file.h"
#include "core/json.h"
#include "core/time.h"
#include "plant/export.h"
#include "plant/retention.h"

enum { PIECE_BYTES = CALL_OUT_MAX / 4 };

static int put_out(void *context, const void *data, size_t size, struct err *err) {
    struct call *call = context;
    const char *from = data;
    int status = 0;
    while (size > 0 && status >= 0) {
        size_t part = size < PIECE_BYTES ? size : PIECE_BYTES;
        buf_put(&call->out, from, part);
        status = call_flush(call, false, err);
        from += part;
        size -= part;
    }
    return status;
}

static int bad_value(const char *option, const char *value, struct err *err) {
    return err_set(err, ERR_USAGE, MSG_EXPORT_OPTION, ARGS(A_CSTR(value), A_CSTR(option)));
}

static int take_format(
    const struct call *call, struct table_writer_options *file, struct err *err) {
    const char *format = call_value(call, "--format");
    const char *encoding = call_value(call, "--encoding");
    const char *packing = call_value(call, "--pack");
    const char *separator = call_value(call, "--separator");
    if (format != NULL && !table_format_of_name(str_of(format), &file->format)) {
        return bad_value("--format", format, err);
    }
    if (encoding != NULL && !table_encoding_of_name(str_of(encoding), &file->encoding)) {
        return bad_value("--encoding", encoding, err);
    }
    if (packing != NULL && !table_packing_of_name(str_of(packing), &file->packing)) {
        return bad_value("--pack", packing, err);
    }
    if (separator != NULL) {
        file->separator = strcmp(separator, "tab") == 0 ? '\t' : separator[0];
        bool known = strlen(separator) == 1 && strchr(",;\t", separator[0]) != NULL;
        if (!known && strcmp(separator, "tab") != 0) {
            return bad_value("--separator", separator, err);
        }
    }
    return 0;
}

static int take_times(
    const struct call *call, struct plant *plant, struct export_options *options, struct err *err) {
    int64_t now_ns = clock_wall_ns(plant_clock(plant));
    const char *from = call_value(call, "--from");
    const char *to = call_value(call, "--to");
    options->from_ns = INT64_MIN;
    options->to_ns = INT64_MAX;
    int status = from != NULL ? time_parse_query(
                                    str_of(from), plant_zone(plant), now_ns, &options->from_ns, err)
                              : 0;
    if (status >= 0 && to != NULL) {
        status = time_parse_query(str_of(to), plant_zone(plant), now_ns, &options->to_ns, err);
    }
    return status;
}

/* To a file: what was written, on standard output for programs, on the error descriptor for people.
 */
static int tell(struct call *call, uint64_t rows, struct err *err) {
    int status = file_sync(files_system(), call->file_fd, call_value(call, "-o"), err);
    if (status < 0) {
        return status;
    }
    if (call->json) {
        struct json json;
        json_init(&json, &call->out);
        json_object_begin(&json);
        json_put_i64(&json, "rows", (int64_t)rows);
        json_object_end(&json);
        buf_put_char(&call->out, '\n');
    } else {
        call_say(call, MSG_EXPORT_DONE, ARGS(A_INT(rows), A_CSTR(call_value(call, "-o"))));
    }
    return 0;
}

enum { EXPIRED_TOLD = 5 }; // Tags that are named; the rest is counted.

struct expired {
    struct call *call;
    const struct zone *zone;
    uint32_t count;
};

static void tell_expired(void *context, const struct tag *tag, const struct hist_horizon *horizon) {
    struct expired *expired = context;
    if (expired->count++ < EXPIRED_TOLD) {
        struct err words = ERR_INIT;
        retention_gap_words(horizon, tag->name, expired->zone, &words);
        call_say_err(expired->call, &words);
    }
}

/* What the table cannot hold, to the error descriptor. */
static void tell_all_expired(
    struct call *call, struct plant *plant, const struct export_options *options) {
    struct expired expired = {.call = call, .zone = plant_zone(plant)};
    export_expired(plant, options, &expired, tell_expired);
    if (expired.count > EXPIRED_TOLD) {
        call_say(call, MSG_EXPORT_EXPIRED_MORE, ARGS(A_INT(expired.count - EXPIRED_TOLD)));
    }
}

int cmd_export(struct call *call, struct err *err) {
    const char *as = call_value(call, "--as");
    struct export_options options = {.file = {.context = call, .write = put_out},
        .tags = str_of(call_value(call, "--tags")),
        .template = call_value(call, "--template") != NULL,
        .words = call_value(call, "--words") != NULL,
        .lang = call->lang,
        .personal = true}; // Whoever holds the home sees all of it.
    if (as == NULL || !export_kind_of_name(str_of(as), &options.kind)) {
        return err_set(err, ERR_USAGE, MSG_EXPORT_KIND, ARGS(A_CSTR(as != NULL ? as : "")));
    }
    struct plant *plant = NULL;
    int status = take_format(call, &options.file, err);
    status = status < 0 ? status : call_plant(call, &plant, err);
    status = status < 0 ? status : call_usage(take_times(call, plant, &options, err), err);
    if (status < 0) {
        return status;
    }
    options.file.spool_folder = home_dir(call->home);
    int out_fd = call->out_fd;
    call->out_fd = call->file_fd >= 0 ? call->file_fd : out_fd;
    uint64_t rows = 0;
    status = export_run(plant, &options, &rows, err);
    status = status < 0 ? status : call_flush(call, true, err);
    if (call->file_fd >= 0) {
        call->out_fd = out_fd;
        call->answered = false; // Nothing went to standard output yet.
        buf_clear(&call->out);
    }
    if (status >= 0 && call->file_fd >= 0) {
        status = tell(call, rows, err);
    }
    if (status >= 0) {
        tell_all_expired(call, plant, &options);
    }
    return status < 0 ? status : EXIT_DONE;
}
