/*
 * The threads of the label printers. Jobs of one printer go in their order; one that waits for its
 * printer holds those behind it, not those of other printers: several are served at once, each by
 * whoever made its job `sending`, so one that takes a connection and then nothing holds up itself.
 */
#include "papers/printing.h"

#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/log.h"
#include "core/thread.h"
#include "papers/label.h"
#include "papers/printer_line.h"
#include "plant/home.h"
#include "production/words.h"

enum {
    LOOK_EVERY_MS = 1000,
    RETRY_FIRST_S = 5,
    AGAIN_S = 1, // After the ledger refused to note what was sent.
    RETRY_MAX_S = 60,
    KEPT_S = 7 * 86400,
    FORGOTTEN_S = 366 * 86400, // What was printed; looked at when the program begins.
    ZPL_BYTES_MAX = 8 << 20,
    AT_ONCE = 20,       // Then the stop flag is looked at again.
    SERVED_AT_ONCE = 4, // Printers.
};

bool printer_address(struct str address, char host[PRINTER_HOST_MAX], char port[PRINTER_PORT_MAX]) {
    struct str rest = str_trim(address);
    struct str name = rest;
    struct str number = STR("9100");
    if (rest.size > 0 && rest.data[0] == '[') { // [::1]:9100
        size_t end = str_find(rest, ']');
        name = str_slice(rest, 1, end < rest.size ? end : 1);
        struct str behind = str_slice(rest, end < rest.size ? end + 1 : rest.size, rest.size);
        number = behind.size > 0 && behind.data[0] == ':' ? str_slice(behind, 1, behind.size)
                 : behind.size > 0                        ? STR_NONE
                                                          : number;
    } else if (str_find(rest, ':') < rest.size) {
        name = str_cut(&rest, ':');
        number = rest;
    }
    uint64_t value = 0;
    bool good = name.size > 0 && name.size < PRINTER_HOST_MAX && str_to_u64(number, &value) &&
                value >= 1 && value <= 65535;
    for (size_t i = 0; good && i < name.size; i++) {
        good = name.data[i] > ' ' && name.data[i] < 0x7f && name.data[i] != '/';
    }
    if (good) {
        (void)str_copy_z(name, host, PRINTER_HOST_MAX);
        (void)snprintf(port, PRINTER_PORT_MAX, "%u", (unsigned)value);
    }
    return good;
}

/* ---- The queue ---- */

struct job {
    int64_t number;
    int64_t printer;
    int64_t tries;
    int64_t created_ns;
    int64_t copies;
    int64_t dpi;
    struct label_about about;
    struct str design;
    struct str printer_code;
    struct str address;
    double width_mm; // Of what lies in the printer; NaN: any.
    double height_mm;
    bool is_off;
};

struct stepping {
    struct plant *plant;
    struct arena *arena;
    struct job job;
    struct label label;
    struct buf zpl;
    const char *state; // To be written.
    bool found;        // The row still waited for that.
    int64_t next_ns;
    struct err why;
};

static int read_next(struct ledger_tx *tx, void *context, struct err *err) {
    struct stepping *step = context;
    struct job *job = &step->job;
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT j.number, j.printer, j.tries, j.created_ns, j.copies, p.dpi, j.kind, j.code,"
        " j.quantity, j.lang, j.design, p.code, p.address, p.width, p.height, p.active"
        " FROM print_jobs j JOIN printers p ON p.number = j.printer"
        " WHERE j.state = 'waiting' AND j.next_ns <= ?1 AND NOT EXISTS (SELECT 1 FROM print_jobs e"
        " WHERE e.printer = j.printer AND (e.state = 'sending' OR (e.state = 'waiting' AND"
        " e.number < j.number)))"
        " ORDER BY j.next_ns, j.number LIMIT 1",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_i64(stmt, 1, clock_wall_ns(clock_system()));
    rc = ledger_step(stmt, err);
    if (rc <= 0) {
        return rc;
    }
    struct arena *arena = step->arena;
    *job = (struct job){.number = ledger_column_i64(stmt, 0),
        .printer = ledger_column_i64(stmt, 1),
        .tries = ledger_column_i64(stmt, 2),
        .created_ns = ledger_column_i64(stmt, 3),
        .copies = ledger_column_i64(stmt, 4),
        .dpi = ledger_column_i64(stmt, 5),
        .about = {.code = arena_copy(arena, ledger_column_str(stmt, 7)),
            .quantity = arena_copy(arena, ledger_column_str(stmt, 8)),
            .lang = str_eq(ledger_column_str(stmt, 9), STR("en")) ? LANG_EN : LANG_KO,
            .zone = plant_zone(step->plant),
            .now_ns = clock_wall_ns(clock_system())},
        .design = arena_copy(arena, ledger_column_str(stmt, 10)),
        .printer_code = arena_copy(arena, ledger_column_str(stmt, 11)),
        .address = arena_copy(arena, ledger_column_str(stmt, 12)),
        .width_mm = ledger_column_f64(stmt, 13),
        .height_mm = ledger_column_f64(stmt, 14),
        .is_off = ledger_column_i64(stmt, 15) == 0};
    (void)label_kind_of_name(ledger_column_str(stmt, 6), &job->about.kind);
    return 1;
}

static int next_job(struct ledger_tx *tx, void *context, struct err *err) {
    struct stepping *step = context;
    int rc = read_next(tx, context, err);
    if (rc <= 0) {
        return rc;
    }
    struct job *job = &step->job;
    rc = job->is_off
             ? err_set(&step->why, ERR_UNSUPPORTED, SAY(PRODUCTION_PRINTER_OFF),
                   ARGS(A_STR(job->printer_code)))
             : label_read(tx, &job->about, job->design, step->arena, &step->label, &step->why);
    if (rc == -ERR_DATABASE || rc == -ERR_IO || rc == -ERR_SPACE || rc == -ERR_BUSY) {
        *err = step->why; // Not the label's fault: it is tried again.
        step->job.number = 0;
        return rc;
    }
    return 0;
}

static int write_state(struct ledger_tx *tx, void *context, struct err *err) {
    struct stepping *step = context;
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "UPDATE print_jobs SET state = ?2, tries = tries + ?3, next_ns = ?4, done_ns = ?5,"
        " why_ko = ?6, why_en = ?7 WHERE number = ?1 AND (state = 'waiting' OR (state = 'sending'"
        " AND ?3 = 0)) RETURNING number",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_BUF struct buf ko;
    AUTO_BUF struct buf en;
    buf_init(&ko, 4096);
    buf_init(&en, 4096);
    if (step->why.code != ERR_OK) {
        err_render(&step->why, LANG_KO, &ko);
        err_render(&step->why, LANG_EN, &en);
    }
    bool open = strcmp(step->state, "waiting") == 0 || strcmp(step->state, "sending") == 0;
    ledger_bind_i64(stmt, 1, step->job.number);
    ledger_bind_str(stmt, 2, str_of(step->state));
    ledger_bind_i64(stmt, 3, strcmp(step->state, "sending") == 0);
    ledger_bind_i64(stmt, 4, step->next_ns);
    if (open) {
        ledger_bind_null(stmt, 5);
    } else {
        ledger_bind_i64(stmt, 5, ledger_now_ns(tx));
    }
    ledger_bind_str(stmt, 6, buf_str(&ko));
    ledger_bind_str(stmt, 7, buf_str(&en));
    rc = ledger_step(stmt, err);
    step->found = rc > 0;
    return rc > 0 ? ledger_step(stmt, err) : rc;
}

static int put_state(struct stepping *step, const char *state, struct err *err) {
    step->state = state;
    return ledger_write(plant_ledger(step->plant), write_state, step, err);
}

/* ---- One label ---- */

static int put_off(struct stepping *step, struct err *err) {
    int64_t now_ns = clock_wall_ns(clock_system());
    int64_t wait_s = RETRY_FIRST_S;
    for (int64_t i = 0; i < step->job.tries && wait_s < RETRY_MAX_S; i++) {
        wait_s *= 2;
    }
    wait_s = wait_s < RETRY_MAX_S ? wait_s : RETRY_MAX_S;
    step->next_ns = now_ns + wait_s * NS_PER_S;
    if (now_ns - step->job.created_ns > KEPT_S * NS_PER_S) {
        (void)err_context(&step->why, SAY(PRODUCTION_PRINT_GIVEN_UP), NO_ARGS);
        return put_state(step, "failed", err);
    }
    return put_state(step, "waiting", err);
}

/* Labels that are larger than what lies in the printer would come out on two. */
static int check_stock(struct stepping *step) {
    static const double SLACK_MM = 2;
    const struct job *job = &step->job;
    const struct label_design *design = &step->label.design;
    bool wide = design->width_mm > job->width_mm + SLACK_MM; // NaN: false.
    bool high = design->height_mm > job->height_mm + SLACK_MM;
    return wide || high ? err_set(&step->why, ERR_INVALID, SAY(PRODUCTION_LABEL_STOCK),
                              ARGS(A_REAL(design->width_mm), A_REAL(design->height_mm)))
                        : 0;
}

static void tell_status(const struct zpl_status *status, struct err *why) {
    const struct {
        bool is;
        enum msg_id words;
    } FAULTS[] = {{status->no_paper, SAY(PRODUCTION_PRINTER_PAPER)},
        {status->head_open, SAY(PRODUCTION_PRINTER_HEAD)},
        {status->no_ribbon, SAY(PRODUCTION_PRINTER_RIBBON)},
        {status->is_paused, SAY(PRODUCTION_PRINTER_PAUSE)}};
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        if (FAULTS[i].is) {
            (void)err_set(why, ERR_BUSY, FAULTS[i].words, NO_ARGS);
            return;
        }
    }
}

/* What has left for the printer must be known afterwards: a ledger that refuses (a full disk) is
 * asked again until it takes it, or Maru ends; then the next start calls it doubtful. */
static int put_end(
    struct stepping *step, const char *state, struct stop_flag *stop, struct err *err) {
    int rc = put_state(step, state, err);
    while (rc < 0 && stop != NULL &&
           !stop_flag_wait(stop, clock_mono_ns(clock_system()) + AGAIN_S * NS_PER_S)) {
        log_event(LOG_WARN, "printing", "ledger",
            LOG_FIELDS({"job", A_INT(step->job.number)}, {"state", A_CSTR(state)}), err);
        rc = put_state(step, state, err);
    }
    return rc;
}

static int deliver(struct stepping *step, struct stop_flag *stop, struct err *err) {
    enum printer_result result = PRINTER_UNREACHED;
    struct zpl_status status = {.no_paper = false};
    int rc = put_state(step, "sending", err);
    if (rc < 0 || !step->found) {
        return rc; // Somebody cancelled it meanwhile, or another thread has it.
    }
    rc = printer_send(step->job.address, buf_str(&step->zpl), stop, &result, &status, &step->why);
    switch (result) {
    case PRINTER_PRINTED:
        tell_status(&status, &step->why);
        return put_end(step, "printed", stop, err);
    case PRINTER_SENT:
        (void)err_set(&step->why, ERR_UNSUPPORTED, SAY(PRODUCTION_PRINTER_NO_WORD), NO_ARGS);
        return put_end(step, "sent", stop, err);
    case PRINTER_DOUBTFUL:
        (void)err_set(&step->why, ERR_IO, SAY(PRODUCTION_PRINTER_BROKE), NO_ARGS);
        return put_end(step, "doubtful", stop, err);
    case PRINTER_UNREACHED: break;
    }
    if (rc == -ERR_CANCELLED) { // Maru ends: it stays as it was.
        step->why = ERR_INIT;
    }
    int put = rc == -ERR_INVALID ? put_state(step, "failed", err) : put_off(step, err);
    return put < 0 ? put : rc == -ERR_CANCELLED ? rc : 0;
}

int printing_step(struct plant *plant, struct stop_flag *stop, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    AUTO_FREE struct stepping *step = MEM_NEW(struct stepping);
    step->plant = plant;
    step->arena = &arena;
    buf_init(&step->zpl, ZPL_BYTES_MAX);
    int rc = ledger_read(plant_ledger(plant), next_job, step, err);
    if (rc < 0 || step->job.number == 0) {
        return rc;
    }
    if (step->why.code == ERR_OK && check_stock(step) == 0) {
        (void)label_zpl(&step->label, (double)step->job.dpi, (uint32_t)step->job.copies, &step->zpl,
            &step->why);
    }
    if (step->job.is_off) {
        rc = put_off(step, err);
    } else if (step->why.code != ERR_OK) { // Another try would end the same.
        rc = put_state(step, "failed", err);
    } else {
        rc = deliver(step, stop, err);
    }
    buf_fini(&step->zpl);
    return rc < 0 ? rc : 1;
}

static int begin(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_IO, SAY(PRODUCTION_PRINTER_RESTART), NO_ARGS);
    AUTO_BUF struct buf ko;
    AUTO_BUF struct buf en;
    buf_init(&ko, 4096);
    buf_init(&en, 4096);
    err_render(&words, LANG_KO, &ko);
    err_render(&words, LANG_EN, &en);
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "UPDATE print_jobs SET state = 'doubtful', why_ko = ?1, why_en = ?2, done_ns = ?3"
        " WHERE state = 'sending'",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, buf_str(&ko));
    ledger_bind_str(stmt, 2, buf_str(&en));
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    rc = ledger_step(stmt, err);
    rc = rc < 0 ? rc
                : ledger_prepare(tx,
                      "DELETE FROM print_jobs WHERE done_ns < ?1 AND state IN ('printed', 'sent',"
                      " 'failed', 'cancelled')",
                      &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx) - FORGOTTEN_S * NS_PER_S);
    return ledger_step(stmt, err);
}

int printing_begin(struct plant *plant, struct err *err) {
    return ledger_write(plant_ledger(plant), begin, NULL, err);
}

/* ---- The threads ---- */

struct printing {
    struct home *home;
    struct thread threads[SERVED_AT_ONCE];
    struct stop_flag stop;
};

static void run(void *context) {
    struct printing *printing = context;
    while (!stop_flag_wait(
        &printing->stop, clock_mono_ns(clock_system()) + LOOK_EVERY_MS * NS_PER_MS)) {
        for (uint32_t i = 0; i < home_plant_count(printing->home); i++) {
            struct err err = ERR_INIT;
            int more = 1;
            for (int k = 0; k < AT_ONCE && more > 0; k++) {
                err = ERR_INIT;
                more = printing_step(home_plant_at(printing->home, i), &printing->stop, &err);
            }
            if (more < 0 && more != -ERR_CANCELLED) {
                log_event(LOG_WARN, "printing", "ledger", NULL, &err);
            }
        }
    }
}

struct printing *printing_start(struct home *home) {
    struct printing *printing = MEM_NEW(struct printing);
    printing->home = home;
    stop_flag_init(&printing->stop);
    for (uint32_t i = 0; i < home_plant_count(home); i++) { // Before anybody begins to send.
        struct err err = ERR_INIT;
        if (printing_begin(home_plant_at(home, i), &err) < 0) {
            log_event(LOG_WARN, "printing", "ledger", NULL, &err);
        }
    }
    for (int i = 0; i < SERVED_AT_ONCE; i++) {
        thread_start(&printing->threads[i], "printing", run, printing);
    }
    return printing;
}

void printing_stop(struct printing *printing) {
    if (printing == NULL) {
        return;
    }
    stop_flag_raise(&printing->stop);
    for (int i = 0; i < SERVED_AT_ONCE; i++) {
        thread_join(&printing->threads[i]);
    }
    stop_flag_fini(&printing->stop);
    mem_free(printing);
}
