/*
 * maru papers HOME --kind definition|register|training|security|handover -o FILE: a paper of the
 * plant. The form follows from the file's name (.pdf, .xlsx, .zip) unless --format says it. Inside
 * a serving process the hand-over has latencies; on a cold home it says that there are none.
 */
#include <string.h>

#include "app/command.h"
#include "core/file.h"
#include "core/json.h"
#include "core/time.h"
#include "papers/papers.h"

enum { PIECE_BYTES = CALL_OUT_MAX / 4, RANGE_DAYS = 7 };

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

static int take_kind(const struct call *call, struct paper_order *order, struct err *err) {
    const char *kind = call_value(call, "--kind");
    const char *format = call_value(call, "--format");
    const char *file = call_value(call, "-o");
    if (kind == NULL) {
        return err_set(err, ERR_USAGE, MSG_PAPERS_KINDS, NO_ARGS);
    }
    if (strcmp(kind, "register") == 0) {
        kind = "hardware";
    }
    if (!paper_kind_of_name(str_of(kind), &order->kind)) {
        return err_set(err, ERR_USAGE, MSG_PAPERS_KIND, ARGS(A_CSTR(kind)));
    }
    if (file == NULL) {
        return err_set(err, ERR_USAGE, MSG_PAPERS_NO_OUT, NO_ARGS);
    }
    const char *dot = strrchr(file, '.');
    if (format == NULL) {
        format = dot != NULL ? dot + 1 : "";
    }
    return paper_format_of_name(str_of(format), &order->format)
               ? 0
               : err_set(err, ERR_USAGE, MSG_PAPERS_NO_FORMAT, ARGS(A_CSTR(format)));
}

static int take_range(
    const struct call *call, struct plant *plant, struct paper_order *order, struct err *err) {
    int64_t now_ns = clock_wall_ns(plant_clock(plant));
    const char *from = call_value(call, "--from");
    const char *to = call_value(call, "--to");
    int status = 0;
    order->to_ns = now_ns;
    if (to != NULL) {
        status = time_parse_query(str_of(to), plant_zone(plant), now_ns, &order->to_ns, err);
    }
    order->from_ns = order->to_ns - (int64_t)RANGE_DAYS * 86400 * NS_PER_S;
    if (status >= 0 && from != NULL) {
        status = time_parse_query(str_of(from), plant_zone(plant), now_ns, &order->from_ns, err);
    }
    return status;
}

static int tell(struct call *call, const struct paper_order *order, struct err *err) {
    int status = file_sync(files_system(), call->file_fd, call_value(call, "-o"), err);
    if (status < 0) {
        return status;
    }
    if (call->json) {
        struct json json;
        json_init(&json, &call->out);
        json_object_begin(&json);
        json_put_str(&json, "kind", str_of(paper_kind_name(order->kind)));
        json_put_str(&json, "format", str_of(paper_format_name(order->format)));
        json_object_end(&json);
        buf_put_char(&call->out, '\n');
    } else {
        call_say(call, MSG_PAPERS_DONE, ARGS(A_CSTR(call_value(call, "-o"))));
    }
    return 0;
}

int cmd_papers(struct call *call, struct err *err) {
    struct paper_order order = {.lang = call->lang,
        .actor = STR("maru papers"),
        .spool_folder = call->home_dir,
        .context = call,
        .write = put_out};
    struct plant *plant = NULL;
    int status = call_usage(take_kind(call, &order, err), err);
    status = status < 0 ? status : call_plant(call, &plant, err);
    status = status < 0 ? status : call_usage(take_range(call, plant, &order, err), err);
    if (status < 0) {
        return status;
    }
    int out_fd = call->out_fd;
    call->out_fd = call->file_fd >= 0 ? call->file_fd : out_fd;
    status = paper_make(plant, &order, err);
    status = status < 0 ? status : call_flush(call, true, err);
    if (call->file_fd >= 0) {
        call->out_fd = out_fd;
        call->answered = false; // Nothing went to standard output yet.
        buf_clear(&call->out);
    }
    if (status >= 0 && call->file_fd >= 0) {
        status = tell(call, &order, err);
    }
    return status < 0 ? status : EXIT_DONE;
}
