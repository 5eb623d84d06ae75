/*
 * Raw scans: the merged rows of one tag, as runs of one type.
 *
 * A run is what the cursors give, usually a decoded block as it stands. Where rows of several types
 * follow each other (a tag whose type was changed), the run is cut at the changes, so a reader
 * switches once per run and not once per row.
 */
#include "core/mem.h"
#include "historian/cursor.h"
#include "historian/store.h"

struct hist_scan {
    struct view *view;
    struct cursor_set cursors;
    uint32_t tag;
    struct run run; // What is left of the last run.
};

int scan_open_view(struct view *view, const struct hist_scan_options *options,
    struct hist_scan **ret_scan, struct err *err) {
    struct hist_scan *scan = MEM_NEW(struct hist_scan);
    scan->view = view;
    scan->tag = options->tag;
    struct cursor_options cursors = {.tag = options->tag,
        .from_ns = options->from_ns,
        .to_ns = options->to_ns,
        .versions = options->versions};
    int rc = cursor_set_open(&scan->cursors, scan->view, &cursors, err);
    if (rc < 0) {
        view_unref(scan->view);
        mem_free(scan);
        return rc;
    }
    *ret_scan = scan;
    return 0;
}

int hist_scan_open(struct historian *historian, const struct hist_scan_options *options,
    struct hist_scan **ret_scan, struct err *err) {
    return scan_open_view(store_view(historian), options, ret_scan, err);
}

static uint32_t same_type_rows(const struct run *run) {
    uint32_t rows = 1;
    while (rows < run->count && (run->types == NULL || run->types[rows] == run->types[0])) {
        rows = run->types == NULL ? run->count : rows + 1;
    }
    return rows;
}

static void run_drop(struct run *run, uint32_t rows) {
    run->time += rows;
    run->value += rows;
    run->text = run->text != NULL ? run->text + rows : NULL;
    run->types = run->types != NULL ? run->types + rows : NULL;
    run->status = run->status != NULL ? run->status + rows : NULL;
    run->flags = run->flags != NULL ? run->flags + rows : NULL;
    run->count -= rows;
}

void scan_split(struct run *run, uint32_t tag, struct hist_rows *ret_rows) {
    enum value_type type = (enum value_type)run_type(run, 0);
    bool whole = type == TYPE_I64 || type == TYPE_BOOL;
    *ret_rows = (struct hist_rows){.tag = tag,
        .type = type,
        .count = same_type_rows(run),
        .time_ns = run->time,
        .f64 = type == TYPE_F64 ? (const double *)(const void *)run->value : NULL,
        .i64 = whole ? (const int64_t *)(const void *)run->value : NULL,
        .text = type == TYPE_TEXT ? run->text : NULL,
        .status = run->status,
        .flags = run->flags};
    run_drop(run, ret_rows->count);
}

int hist_scan_next(struct hist_scan *scan, struct hist_rows *ret_rows, struct err *err) {
    if (scan->run.count == 0) {
        int rc = cursor_set_next(&scan->cursors, &scan->run, err);
        if (rc <= 0) {
            scan->run.count = 0;
            return rc;
        }
    }
    scan_split(&scan->run, scan->tag, ret_rows);
    return 1;
}

void hist_scan_close(struct hist_scan *scan) {
    if (scan == NULL) {
        return;
    }
    cursor_set_close(&scan->cursors);
    view_unref(scan->view);
    mem_free(scan);
}
