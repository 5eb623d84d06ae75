/*
 * The file's name is the sheet's, so that what is downloaded twice lies beside each other.
 */
#include "serve/table_answer.h"

#include "serve/server.h"

static int put_bytes(void *context, const void *data, size_t size, struct err *err) {
    const struct table_answer *answer = context;
    struct buf *out = &answer->call->http->response.body;
    buf_put(out, data, size);
    return out->overflow ? err_set(err, ERR_LIMIT, answer->large, ARGS(A_INT(out->max >> 20))) : 0;
}

int table_answer_open(struct table_answer *answer, struct err *err) {
    const struct table_writer_options options = {.format = answer->format,
        .sheet = answer->name,
        .spool_folder = home_dir(answer->call->server->home),
        .context = answer,
        .write = put_bytes};
    return table_writer_open(&options, &answer->writer, err);
}

int table_answer_end(struct table_answer *answer, int rc, struct err *err) {
    rc = rc < 0 ? rc : table_writer_finish(answer->writer, err);
    table_writer_close(answer->writer);
    if (rc < 0) {
        return rc;
    }
    bool workbook = answer->format == TABLE_XLSX;
    struct http_response *response = &answer->call->http->response;
    response->status = 200;
    response->content_type =
        workbook ? "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" : "text/csv";
    AUTO_BUF struct buf header;
    buf_init(&header, 256);
    buf_printf(&header, "attachment; filename=\"%s.%s\"", answer->name, workbook ? "xlsx" : "csv");
    http_answer_header(answer->call->http, "Content-Disposition", buf_str(&header));
    return rc;
}
