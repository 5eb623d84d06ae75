/*
 * Tables out over HTTP. The table is made in a file without a name first and then sent from there,
 * piece by piece, whenever the reader has taken the last one: a fault on the way is a whole refusal
 * and not half a file, and a slow reader holds no thread. Making it takes a worker, so only a few
 * run at once.
 */
#include "core/limits.h"
#include "plant/export.h"
#include "serve/call.h"
#include "serve/server.h"
#include "wire/support.h"

enum { EXPORTS_MAX = 3 };
static const uint64_t EXPORT_MAX_BYTES = 8ULL << 30; // Of the file made; refused beyond.

/* The file, and how far it was sent. */
struct export_file {
    int fd;
    uint64_t size;
    uint64_t sent;
    uint64_t max;
};

static int put_file(void *context, const void *data, size_t size, struct err *err) {
    struct export_file *file = context;
    if (size > file->max - file->size && file->max < EXPORT_MAX_BYTES) {
        return err_set(err, ERR_LIMIT, MSG_SUPPORT_ANSWER_LONG, ARGS(A_INT(file->max >> 10)));
    }
    if (size > file->max - file->size) {
        return err_set(err, ERR_LIMIT, MSG_SERVE_EXPORT_LARGE, ARGS(A_INT(EXPORT_MAX_BYTES >> 30)));
    }
    int status = table_spool_room(file->fd, size, err);
    status = status < 0
                 ? status
                 : file_write_at(files_system(), file->fd, "export", file->size, data, size, err);
    file->size += status >= 0 ? size : 0;
    return status;
}

static int send_piece(void *state, struct buf *out, struct err *err) {
    struct export_file *file = state;
    uint64_t left = file->size - file->sent;
    size_t size = left < HTTP_PIECE_BYTES ? (size_t)left : HTTP_PIECE_BYTES;
    uint8_t *to = size > 0 ? buf_reserve(out, size) : NULL;
    if (to == NULL) {
        return HTTP_END;
    }
    int status = file_read_at(file->fd, "export", file->sent, to, size, err);
    if (status < 0) {
        return status;
    }
    buf_commit(out, size);
    file->sent += size;
    return file->sent < file->size ? HTTP_MORE : HTTP_END;
}

static void file_free(void *state) {
    struct export_file *file = state;
    if (file->fd >= 0) {
        file_close(file->fd);
    }
    mem_free(file);
}

static int take_format(struct call *call, struct table_writer_options *file, struct err *err) {
    struct str text = STR_NONE;
    if (call_param(call, "format", &text)) { // The table of parameters lets only names through.
        (void)table_format_of_name(text, &file->format);
    }
    if (call_param(call, "encoding", &text) && !table_encoding_of_name(text, &file->encoding)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_TABLE_ENCODING, ARGS(A_STR(text)));
    }
    if (call_param(call, "pack", &text)) {
        (void)table_packing_of_name(text, &file->packing);
    }
    if (call_param(call, "separator", &text)) {
        file->separator = str_eq(text, STR("tab"))         ? '\t'
                          : str_eq(text, STR("semicolon")) ? ';'
                                                           : ',';
    }
    return 0;
}

static int take_options(struct call *call, struct export_options *options, struct err *err) {
    struct str text = STR_NONE;
    options->from_ns = INT64_MIN;
    options->to_ns = INT64_MAX;
    options->tags = STR_NONE;
    if (!call_param(call, "as", &text) || !export_kind_of_name(text, &options->kind)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_EXPORT_KIND, NO_ARGS);
    }
    (void)call_param(call, "tags", &options->tags);
    options->marks = call_param_flag(call, "marks");
    options->template = call_param_flag(call, "template");
    options->words = call_param_flag(call, "words");
    options->lang = call->lang;
    options->personal =
        !call->outsider && right_allows(RIGHT_PLAN, call->principal.role, call->principal.scopes);
    const struct zone *zone = plant_zone(call->plant);
    int rc = call_param_time(call, "from", zone, &options->from_ns, err);
    rc = rc < 0 ? rc : call_param_time(call, "to", zone, &options->to_ns, err);
    return rc < 0 ? rc : take_format(call, &options->file, err);
}

/* main-samples.csv.gz */
static void name_file(struct call *call, const struct export_options *options) {
    bool packed = options->file.format == TABLE_CSV && options->file.packing != TABLE_PLAIN;
    AUTO_BUF struct buf name;
    buf_init(&name, 512);
    buf_printf(&name, "attachment; filename=\"%.*s-%s.%s%s%s\"", STR_ARG(plant_id(call->plant)),
        export_kind_name(options->kind), table_format_name(options->file.format), packed ? "." : "",
        packed ? table_packing_name(options->file.packing) : "");
    http_answer_header(call->http, "Content-Disposition", buf_str(&name));
}

static const char *content_type(const struct table_writer_options *file) {
    switch (file->format) {
    case TABLE_XLSX: return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    case TABLE_PARQUET: return "application/vnd.apache.parquet";
    case TABLE_CSV: break;
    }
    return file->packing == TABLE_PLAIN ? "text/csv" : "application/octet-stream";
}

static void note_newest(void *context, const struct tag *tag, const struct hist_horizon *horizon) {
    (void)tag;
    int64_t *newest_ns = context;
    *newest_ns = horizon->raw_ns > *newest_ns ? horizon->raw_ns : *newest_ns;
}

/* Maru-Raw-From, where the table cannot hold the begin of its range. */
static void head_expired(struct call *call, const struct export_options *options) {
    int64_t newest_ns = INT64_MIN;
    export_expired(call->plant, options, &newest_ns, note_newest);
    if (newest_ns > INT64_MIN) {
        char text[TIME_TEXT_MAX];
        size_t size = time_format(newest_ns, NULL, text);
        http_answer_header(call->http, "Maru-Raw-From", (struct str){text, size});
    }
}

static int make(struct call *call, struct export_file *file, struct err *err) {
    struct export_options options = {
        .file = {.context = file, .write = put_file, .spool_folder = home_dir(call->server->home)}};
    uint64_t rows = 0;
    int rc = take_options(call, &options, err);
    rc = rc < 0 ? rc : table_spool_new(options.file.spool_folder, &file->fd, err);
    rc = rc < 0 ? rc : export_run(call->plant, &options, &rows, err);
    if (rc >= 0) {
        name_file(call, &options);
        head_expired(call, &options);
        call_source(
            call, content_type(&options.file), (struct http_source){file, send_piece, file_free});
    }
    return rc;
}

int api_export(struct call *call, struct err *err) {
    if (atomic_fetch_add(&call->server->exports, 1) >= EXPORTS_MAX) {
        atomic_fetch_sub(&call->server->exports, 1);
        call->retry_after_s = 10;
        return err_set(err, ERR_BUSY, MSG_SERVE_EXPORTS_BUSY, ARGS(A_INT(EXPORTS_MAX)));
    }
    struct export_file *file = MEM_NEW(struct export_file);
    file->fd = -1;
    file->max = call->outsider ? SUPPORT_ANSWER_BYTES : EXPORT_MAX_BYTES;
    int rc = call_long_begin(call, err);
    if (rc >= 0) {
        rc = make(call, file, err);
        call_long_end(call);
    }
    atomic_fetch_sub(&call->server->exports, 1);
    if (rc < 0) {
        file_free(file);
    }
    return rc;
}
