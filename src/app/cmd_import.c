/*
 * maru import HOME FILE --as samples|devices|tags|equipment|corrections or a noun of master data.
 * Every rejected row is listed with its line and reason. Nothing is stored when there are any (exit
 * code 1), unless --partial takes the others (exit code 3). maru import HOME FILE.seg brings a file
 * of an archive back (exit code 3: some of its moments have other values here, which stay).
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "app/command.h"
#include "core/json.h"
#include "core/limits.h"
#include "plant/import.h"
#include "plant/import_archive.h"

enum { REJECTED_SHOWN_JSON = 10000 }; // More are counted; the list would not fit a document.

struct listing {
    struct call *call;
    struct buf rejected; // JSON items.
    struct json json;
    uint64_t shown;
};

static void list_rejected(void *context, uint64_t line, const struct err *why) {
    struct listing *listing = context;
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(why, listing->call->lang, &words);
    if (!listing->call->json) {
        call_say(listing->call, MSG_IMPORT_REJECTED, ARGS(A_INT(line), A_STR(buf_str(&words))));
        return;
    }
    if (listing->shown++ < REJECTED_SHOWN_JSON) {
        json_object_begin(&listing->json);
        json_put_i64(&listing->json, "line", (int64_t)line);
        json_put_str(&listing->json, "detail", buf_str(&words));
        json_object_end(&listing->json);
    }
}

static void list_created(void *context, struct str name) {
    struct listing *listing = context;
    if (!listing->call->json) {
        call_say(listing->call, MSG_IMPORT_CREATED, ARGS(A_STR(name)));
    }
}

static void report_json(
    struct call *call, const struct import_report *report, const struct listing *listing) {
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_i64(&json, "rows", (int64_t)report->rows);
    json_put_i64(&json, "values", (int64_t)report->values);
    json_put_i64(&json, "stored", (int64_t)report->stored);
    json_put_i64(&json, "omitted", (int64_t)report->omitted);
    json_put_i64(&json, "created_tags", (int64_t)report->created);
    json_put_i64(&json, "rejected", (int64_t)report->rejected);
    json_put_str(&json, "format", str_of(table_format_name(report->facts.format)));
    json_put_str(&json, "encoding", str_of(table_encoding_name(report->facts.encoding)));
    json_put_i64(&json, "encoding_percent", report->facts.confidence_percent);
    json_key(&json, "errors");
    json_raw(&json, buf_str(&listing->rejected));
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

/* How the file is to be read, where it is not to be found out. */
static int take_reading(struct call *call, struct import_options *options, struct err *err) {
    const char *encoding = call_value(call, "--encoding");
    if (encoding != NULL && !table_encoding_of_name(str_of(encoding), &options->encoding)) {
        return err_set(err, ERR_UNSUPPORTED, MSG_IMPORT_ENCODING, ARGS(A_CSTR(encoding)));
    }
    const char *separator = call_value(call, "--separator");
    if (separator != NULL) {
        struct str text = str_of(separator);
        bool tab = str_eq(text, STR("tab")) || str_eq(text, STR("\\t"));
        options->separator = tab ? '\t' : text.size == 1 ? text.data[0] : '?';
        if (options->separator != ',' && options->separator != ';' && options->separator != '\t') {
            return err_set(err, ERR_USAGE, MSG_IMPORT_SEPARATOR, ARGS(A_CSTR(separator)));
        }
    }
    options->sheet = str_of(call_value(call, "--sheet"));
    return 0;
}

/* ---- A file of an archive ---- */

static void report_archive(struct call *call, const struct archive_report *report, bool dry_run) {
    if (!call->json) {
        call_say(call, dry_run ? MSG_READBACK_DRY : MSG_READBACK_DONE,
            dry_run ? ARGS(A_INT(report->rows), A_INT(report->tags), A_INT(report->created))
                    : ARGS(A_INT(report->rows), A_INT(report->stored), A_INT(report->omitted),
                          A_INT(report->left)));
        return;
    }
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_i64(&json, "rows", (int64_t)report->rows);
    json_put_i64(&json, "stored", (int64_t)report->stored);
    json_put_i64(&json, "omitted", (int64_t)report->omitted);
    json_put_i64(&json, "left", (int64_t)report->left);
    json_put_i64(&json, "tags", report->tags);
    json_put_i64(&json, "created_tags", report->created);
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

/* The serving process knows the file by its descriptor; its own folder is another one. */
static int file_path(const struct call *call, char *to, size_t size, struct err *err) {
    char link[48];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", call->file_fd);
    ssize_t length = readlink(link, to, size - 1);
    if (length < 0 || (size_t)length >= size - 1) {
        return err_set_errno(err, length < 0 ? errno : ENAMETOOLONG, STR("import"));
    }
    to[length] = '\0';
    return 0;
}

static int import_segment(struct call *call, struct plant *plant, struct err *err) {
    char path[LIMIT_PATH_BYTES];
    struct archive_options options = {.path = path,
        .dry_run = call_value(call, "--dry-run") != NULL,
        .actor = STR("installer"),
        .stop_fd = call->stop_fd,
        .peer_fd = call->peer_fd};
    struct archive_report report;
    int status = file_path(call, path, sizeof path, err);
    if (status < 0) {
        return status;
    }
    status = import_archive(plant, &options, &report, err);
    if (status < 0) {
        return report.stored > 0
                   ? err_context(err, MSG_READBACK_UNFINISHED, ARGS(A_INT(report.stored)))
                   : status;
    }
    report_archive(call, &report, options.dry_run);
    return report.left == 0 ? EXIT_DONE : EXIT_PARTIAL;
}

int cmd_import(struct call *call, struct err *err) {
    const char *as = call_value(call, "--as");
    struct import_options options = {.fd = call->file_fd,
        .stop_fd = call->stop_fd,
        .peer_fd = call->peer_fd,
        .dry_run = call_value(call, "--dry-run") != NULL,
        .partial = call_value(call, "--partial") != NULL,
        .rejected = list_rejected,
        .created = list_created};
    if (as == NULL && hist_file_is(call->positionals[0])) {
        struct plant *into = NULL;
        int found = call_plant(call, &into, err);
        return found < 0 ? found : import_segment(call, into, err);
    }
    if (as == NULL || !import_kind_of_name(str_of(as), &options.kind)) {
        return err_set(err, ERR_USAGE, MSG_IMPORT_KIND, ARGS(A_CSTR(as != NULL ? as : "")));
    }
    struct plant *plant = NULL;
    int status = call_usage(take_reading(call, &options, err), err);
    if (status < 0 || (status = call_plant(call, &plant, err)) < 0) {
        return status;
    }
    options.spool_folder = home_dir(call->home);
    struct listing listing = {.call = call};
    buf_init(&listing.rejected, 16 << 20);
    json_init(&listing.json, &listing.rejected);
    json_array_begin(&listing.json);
    options.context = &listing;
    struct import_report report;
    status = import_run(plant, &options, &report, err);
    json_array_end(&listing.json);
    if (call->json && status >= 0) {
        report_json(call, &report, &listing);
    } else if (!call->json && (status >= 0 || report.stored > 0)) {
        call_say(call, options.dry_run ? MSG_IMPORT_DRY : MSG_IMPORT_DONE,
            ARGS(A_INT(report.rows), A_INT(options.dry_run ? report.values : report.stored),
                A_INT(report.omitted), A_INT(report.rejected)));
    }
    if (status >= 0 && report.refused && !call->json) {
        call_say(call, MSG_IMPORT_REFUSED, NO_ARGS);
    }
    buf_fini(&listing.rejected);
    if (status < 0) {
        return report.stored > 0
                   ? err_context(err, MSG_IMPORT_UNFINISHED, ARGS(A_INT(report.stored)))
                   : status;
    }
    return report.rejected == 0                   ? EXIT_DONE
           : report.refused || report.values == 0 ? EXIT_FAILED
                                                  : EXIT_PARTIAL;
}
