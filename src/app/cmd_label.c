/*
 * maru label HOME KIND CODE: the label of a lot, an order, ..., as a picture, a PDF, or in ZPL to
 * standard output or a file; with --printer it goes into the queue of a printer instead.
 */
#include "app/command.h"
#include "core/json.h"
#include "papers/label.h"
#include "production/master.h"
#include "production/words.h"

enum { LABEL_BYTES_MAX = 64 << 20, DPI_DEFAULT = 203 };

struct labelling {
    struct call *call;
    struct label_about about;
    struct str design;
    struct arena arena;
    struct label label;
    int64_t copies;
    int64_t dpi;
    int64_t job;
};

static int read_label(struct ledger_tx *tx, void *context, struct err *err) {
    struct labelling *of = context;
    return label_read(tx, &of->about, of->design, &of->arena, &of->label, err);
}

static int queue_label(struct ledger_tx *tx, void *context, struct err *err) {
    struct labelling *of = context;
    struct label_job job = {.kind = str_of(label_kind_name(of->about.kind)),
        .code = of->about.code,
        .design = of->design,
        .quantity = of->about.quantity,
        .copies = of->copies,
        .lang = of->about.lang,
        .actor = STR("maru label")};
    struct str printer = str_of(call_value(of->call, "--printer"));
    int rc = read_label(tx, context, err);
    rc = rc < 0 ? rc : master_find(tx, NOUN_PRINTERS, printer, &job.printer, err);
    rc = rc < 0 ? rc : label_print(tx, &job, &of->job, err);
    return rc < 0 ? rc
                  : audit_append(tx, job.actor, STR("print.new"), of->about.code, printer, err);
}

static int take_number(
    struct call *call, const char *name, int64_t most, int64_t *number, struct err *err) {
    const char *text = call_value(call, name);
    if (text != NULL && (!str_to_i64(str_of(text), number) || *number < 1 || *number > most)) {
        return err_set(
            err, ERR_USAGE, SAY(PRODUCTION_V_COUNT), ARGS(A_CSTR(text), A_INT(1), A_INT(most)));
    }
    return 0;
}

static int take_options(struct labelling *of, struct err *err) {
    struct call *call = of->call;
    struct str kind = str_of(call->positionals[0]);
    const char *design = call_value(call, "--label");
    const char *quantity = call_value(call, "--quantity");
    of->about.code = str_of(call->positionals[1]);
    of->design = str_of(design != NULL ? design : "");
    of->about.quantity = str_of(quantity != NULL ? quantity : "");
    if (!label_kind_of_name(kind, &of->about.kind)) {
        return err_set(err, ERR_USAGE, SAY(PRODUCTION_LABEL_KIND), ARGS(A_STR(kind)));
    }
    int rc = take_number(call, "--copies", LABEL_ON_SHEET_MAX, &of->copies, err);
    return rc < 0 ? rc : take_number(call, "--dpi", 600, &of->dpi, err);
}

static int draw(struct labelling *of, struct buf *out, struct err *err) {
    const char *format = call_value(of->call, "--format");
    struct str as = str_of(format != NULL ? format : "svg");
    if (str_eq(as, STR("svg"))) {
        return label_svg(&of->label, out, err);
    }
    if (str_eq(as, STR("zpl"))) {
        return label_zpl(&of->label, (double)of->dpi, (uint32_t)of->copies, out, err);
    }
    if (!str_eq(as, STR("pdf"))) {
        return err_set(
            err, ERR_USAGE, SAY(PRODUCTION_V_CHOICE), ARGS(A_STR(as), A_CSTR("svg, pdf, zpl")));
    }
    const struct label_sheet sheet = {
        .a4 = call_value(of->call, "--roll") == NULL, .copies = (uint32_t)of->copies};
    return label_pdf(&of->label, &sheet, out, err);
}

static int write_label(struct labelling *of, struct plant *plant, struct err *err) {
    struct call *call = of->call;
    AUTO_BUF struct buf out;
    buf_init(&out, LABEL_BYTES_MAX);
    int rc = ledger_read(plant_ledger(plant), read_label, of, err);
    rc = rc < 0 ? rc : draw(of, &out, err);
    for (size_t at = 0; at < out.size && rc >= 0; at += CALL_OUT_MAX / 4) {
        buf_put_str(&call->out, str_slice(buf_str(&out), at, at + CALL_OUT_MAX / 4));
        rc = call_flush(call, true, err);
    }
    return rc;
}

int cmd_label(struct call *call, struct err *err) {
    struct plant *plant = NULL;
    AUTO_FREE struct labelling *of = MEM_NEW(struct labelling);
    of->call = call;
    of->copies = 1;
    of->dpi = DPI_DEFAULT;
    arena_init(&of->arena, 0);
    int rc = take_options(of, err);
    rc = rc < 0 ? rc : call_plant(call, &plant, err);
    if (rc >= 0) {
        of->about.lang = call->lang;
        of->about.zone = plant_zone(plant);
        of->about.now_ns = clock_wall_ns(clock_system());
    }
    if (rc >= 0 && call_value(call, "--printer") != NULL) {
        rc = ledger_write(plant_ledger(plant), queue_label, of, err);
        struct json json;
        json_init(&json, &call->out);
        if (rc >= 0) {
            json_object_begin(&json);
            json_put_i64(&json, "number", of->job);
            json_put_str(&json, "state", STR("waiting"));
            json_object_end(&json);
            buf_put_char(&call->out, '\n');
        }
    } else if (rc >= 0) {
        rc = write_label(of, plant, err);
    }
    arena_fini(&of->arena);
    return rc < 0 ? rc : EXIT_DONE;
}
