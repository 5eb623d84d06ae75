/*
 * maru verify HOME: reads every stored byte and checks it: segments and log of each plant, the
 * ledgers' structure and audit chains. What is missing is a fault, too. On a cold home the history
 * is read where it lies: opening it would cut a torn tail, and verify is to say what is there.
 * Ledgers are opened as at every start, but never made. Exit 1 when anything is damaged.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include "app/command.h"
#include "core/json.h"
#include "production/lots.h"
#include "programme/cases.h"
#include "upkeep/upkeep.h"

struct verification {
    struct call *call;
    struct json json;
    struct buf faults; // JSON items.
    const char *home_dir;
    struct hist_verify_report total;
    uint64_t ledgers;
    uint64_t plants;
    uint64_t damaged;
    char digest[DIGEST_TEXT_MAX]; // With --digest.
};

static void note_fault(void *context, const struct err *what) {
    struct verification *v = context;
    v->damaged++;
    if (!v->call->json) {
        call_say_err(v->call, what);
        return;
    }
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(what, v->call->lang, &words);
    json_str(&v->json, buf_str(&words));
}

static void note_missing(struct verification *v, const char *path) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_CORRUPT, MSG_PLANT_PART_MISSING, ARGS(A_CSTR(path)));
    note_fault(v, &err);
}

static int verify_ledger_file(struct verification *v, const char *path, enum ledger_kind kind) {
    struct err err = ERR_INIT;
    struct ledger *ledger = NULL;
    if (!home_part_present(path)) {
        note_missing(v, path);
        return 0;
    }
    int status = ledger_open(path, kind, clock_system(), &ledger, &err);
    if (status >= 0) {
        status = ledger_verify(ledger, &err);
    }
    if (status >= 0 && kind == LEDGER_PLANT) {
        status = stock_verify(ledger, &err);
    }
    if (status >= 0 && kind == LEDGER_HUB) {
        status = cases_verify(ledger, &err);
    }
    ledger_close(ledger);
    v->ledgers++;
    if (status < 0) {
        (void)err_context(&err, MSG_VERIFY_IN, ARGS(A_CSTR(path)));
        note_fault(v, &err);
    }
    return 0;
}

static void verify_open_ledger(
    struct verification *v, struct ledger *ledger, enum ledger_kind kind, const char *what) {
    struct err err = ERR_INIT;
    v->ledgers++;
    if (ledger_verify(ledger, &err) < 0 ||
        (kind == LEDGER_PLANT && stock_verify(ledger, &err) < 0)) {
        (void)err_context(&err, MSG_VERIFY_IN, ARGS(A_CSTR(what)));
        note_fault(v, &err);
    }
}

static int verify_plant(void *context, const char *name, struct err *err) {
    struct verification *v = context;
    if (!str_is_id(str_of(name))) {
        return 0;
    }
    v->plants++;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    struct plant *plant = NULL;
    if (v->call->home != NULL) {
        int status = home_plant(v->call->home, str_of(name), &plant, err);
        if (status < 0) {
            return status;
        }
        verify_open_ledger(v, plant_ledger(plant), LEDGER_PLANT, name);
    } else {
        buf_printf(&path, "%s/plants/%s/ledger.db", v->home_dir, name);
        (void)verify_ledger_file(v, buf_z(&path), LEDGER_PLANT);
    }
    buf_clear(&path);
    buf_printf(&path, "%s/plants/%s/history", v->home_dir, name);
    struct hist_verify_report report = {0};
    if (!home_part_present(buf_z(&path))) {
        note_missing(v, buf_z(&path));
        return 0;
    }
    int status = hist_verify(files_system(), buf_z(&path), note_fault, v, &report, err);
    v->total.segments += report.segments;
    v->total.blocks += report.blocks;
    v->total.rows += report.rows;
    v->total.log_batches += report.log_batches;
    return status;
}

/* Cold: nobody may begin to serve while we read. The lock goes with the descriptor. */
static int lock_cold(const char *dir, int *ret_fd, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/hub.db", dir);
    if (!file_exists(buf_z(&path))) {
        return err_set(err, ERR_NOT_FOUND, MSG_HOME_MISSING, ARGS(A_CSTR(dir)));
    }
    buf_clear(&path);
    buf_printf(&path, "%s/lock", dir);
    int status = file_open(files_system(), buf_z(&path), FILE_WRITE, ret_fd, err);
    if (status >= 0 && flock(*ret_fd, LOCK_EX | LOCK_NB) != 0) {
        return err_set(err, ERR_LOCKED, MSG_HOME_LOCKED, ARGS(A_CSTR(dir)));
    }
    return status;
}

static void report(struct verification *v) {
    struct call *call = v->call;
    if (!call->json && v->digest[0] != '\0') {
        call_say(call, MSG_VERIFY_DIGEST, ARGS(A_CSTR(v->digest)));
    }
    if (!call->json) {
        call_say(call, v->damaged == 0 ? MSG_VERIFY_GOOD : MSG_VERIFY_BAD,
            ARGS(A_INT(v->total.segments), A_INT(v->total.blocks), A_INT(v->total.rows),
                A_INT(v->damaged == 0 ? v->total.log_batches : v->damaged)));
        return;
    }
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_i64(&json, "segments", (int64_t)v->total.segments);
    json_put_i64(&json, "blocks", (int64_t)v->total.blocks);
    json_put_i64(&json, "rows", (int64_t)v->total.rows);
    json_put_i64(&json, "log_batches", (int64_t)v->total.log_batches);
    json_put_i64(&json, "ledgers", (int64_t)v->ledgers);
    json_put_i64(&json, "damaged", (int64_t)v->damaged);
    if (v->digest[0] != '\0') {
        json_put_str(&json, "digest", str_of(v->digest));
    }
    json_key(&json, "faults");
    json_raw(&json, buf_str(&v->faults));
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

static int verify_all(struct verification *v, struct err *err) {
    AUTO_CLOSE int lock_fd = -1;
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    if (v->call->home != NULL) {
        verify_open_ledger(v, home_hub(v->call->home), LEDGER_HUB, "hub.db");
    } else {
        int status = lock_cold(v->home_dir, &lock_fd, err);
        if (status < 0) {
            return status;
        }
        buf_printf(&path, "%s/hub.db", v->home_dir);
        (void)verify_ledger_file(v, buf_z(&path), LEDGER_HUB);
        buf_clear(&path);
    }
    buf_printf(&path, "%s/plants", v->home_dir);
    int status = file_exists(buf_z(&path)) ? dir_each(buf_z(&path), verify_plant, v, err) : 0;
    if (status >= 0 && v->plants == 0) {
        note_missing(v, buf_z(&path));
    }
    if (status >= 0 && v->damaged == 0 && call_value(v->call, "--digest") != NULL) {
        struct watch watch = {.go_on = call_go_on, .context = v->call};
        status = v->call->home != NULL ? upkeep_digest(v->call->home, watch, v->digest, err)
                                       : upkeep_digest_cold(v->home_dir, watch, v->digest, err);
    }
    return status;
}

/* ---- A backup file ---- */

static void report_file(struct call *call, const struct backup_facts *facts) {
    if (!call->json) {
        call_say(call, MSG_VERIFY_FILE_GOOD,
            ARGS(A_INT(facts->bytes), A_INT(facts->parts), A_INT(facts->plants),
                A_INT(facts->rows)));
        call_say(call, MSG_VERIFY_DIGEST, ARGS(A_CSTR(facts->logical)));
        return;
    }
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_time(&json, "created", facts->created_ns);
    json_put_str(&json, "maru", str_of(facts->version));
    json_put_i64(&json, "bytes", (int64_t)facts->bytes);
    json_put_i64(&json, "parts", (int64_t)facts->parts);
    json_put_i64(&json, "plants", facts->plants);
    json_put_i64(&json, "rows", (int64_t)facts->rows);
    json_put_bool(&json, "hub", facts->has_hub);
    json_put_bool(&json, "keys", facts->has_keys);
    json_put_str(&json, "file_digest", str_of(facts->digest));
    json_put_str(&json, "digest", str_of(facts->logical));
    json_put_i64(&json, "damaged", 0);
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

static int verify_file(struct call *call, struct err *err) {
    AUTO_CLOSE int fd = -1;
    struct backup_facts facts;
    struct watch watch = {.go_on = call_go_on, .context = call};
    int status = file_open(files_system(), call->home_dir, FILE_READ, &fd, err);
    status = status < 0 ? status : backup_check(fd, call->home_dir, watch, &facts, err);
    if (status < 0) {
        return status;
    }
    report_file(call, &facts);
    return EXIT_DONE;
}

/* ---- A file of an archive ---- */

static int verify_segment(struct call *call, struct err *err) {
    struct verification v = {.call = call, .home_dir = call->home_dir};
    buf_init(&v.faults, 16 << 20);
    json_init(&v.json, &v.faults);
    json_array_begin(&v.json);
    int status = hist_verify_file(NULL, call->home_dir, note_fault, &v, &v.total, err);
    json_array_end(&v.json);
    if (status >= 0 && (call->json || v.damaged > 0)) {
        report(&v);
    } else if (status >= 0) {
        call_say(call, MSG_VERIFY_SEGMENT_GOOD, ARGS(A_INT(v.total.blocks), A_INT(v.total.rows)));
    }
    buf_fini(&v.faults);
    return status < 0 ? status : v.damaged == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_verify(struct call *call, struct err *err) {
    struct stat info;
    if (call->home == NULL && stat(call->home_dir, &info) == 0 && S_ISREG(info.st_mode)) {
        return hist_file_is(call->home_dir) ? verify_segment(call, err) : verify_file(call, err);
    }
    struct verification v = {.call = call, .home_dir = call->home_dir};
    buf_init(&v.faults, 16 << 20);
    json_init(&v.json, &v.faults);
    json_array_begin(&v.json);
    int status = verify_all(&v, err);
    json_array_end(&v.json);
    if (status >= 0) {
        report(&v);
    }
    buf_fini(&v.faults);
    return status < 0 ? status : v.damaged == 0 ? EXIT_DONE : EXIT_FAILED;
}
