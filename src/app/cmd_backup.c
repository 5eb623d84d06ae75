/*
 * maru backup HOME FILE and maru restore FILE HOME. A backup of a served home runs inside the
 * server, which gets the open file and never its path; the asking command renames it into place
 * once the server said that it was written, synced and read back. Restore works alone: its HOME is
 * not there yet.
 */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "core/json.h"
#include "upkeep/upkeep.h"

static void report_backup(struct call *call, const struct backup_report *report, int64_t spent_ns) {
    if (!call->json) {
        call_say(call, MSG_BACKUP_DONE,
            ARGS(A_INT(report->bytes), A_INT(report->plants), A_INT(report->rows),
                A_CSTR(report->logical)));
        if (report->phrase[0] != '\0') {
            call_say(call, MSG_BACKUP_PHRASE, NO_ARGS);
            buf_printf(&call->out, "%s\n", report->phrase);
        }
        return;
    }
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_i64(&json, "bytes", (int64_t)report->bytes);
    json_put_i64(&json, "plants", report->plants);
    json_put_i64(&json, "rows", (int64_t)report->rows);
    json_put_time(&json, "created", report->created_ns);
    json_put_f64(&json, "seconds", (double)spent_ns / (double)NS_PER_S);
    json_put_str(&json, "file_digest", str_of(report->digest));
    json_put_str(&json, "digest", str_of(report->logical));
    if (report->phrase[0] != '\0') {
        json_put_str(&json, "phrase", str_of(report->phrase));
    }
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

int cmd_backup(struct call *call, struct err *err) {
    const struct clock *clock = clock_system();
    int64_t begun_ns = clock_mono_ns(clock);
    struct backup_report report = {.bytes = 0};
    struct backup_options options = {.home = call->home,
        .plant = str_of(call_value(call, "--plant")),
        .with_keys = call_value(call, "--with-keys") != NULL,
        .fd = call->file_fd,
        .path = call->positionals[0],
        .watch = {.go_on = call_go_on, .context = call}};
    int status = backup_make(&options, &report, err);
    if (status < 0) {
        return status;
    }
    report_backup(call, &report, clock_mono_ns(clock) - begun_ns);
    return EXIT_DONE;
}

/* ---- Restore ---- */

static int read_phrase(struct call *call, char *to, size_t capacity, struct err *err) {
    const char *path = call_value(call, "--phrase-file");
    to[0] = '\0';
    if (path == NULL) {
        return 0;
    }
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL || fgets(to, (int)capacity, file) == NULL) {
        to[0] = '\0';
    }
    if (file != NULL && file != stdin) {
        (void)fclose(file); // Only read.
    }
    return to[0] != '\0' ? 0
                         : err_set(err, ERR_NOT_FOUND, MSG_RESTORE_NO_PHRASE, ARGS(A_CSTR(path)));
}

/* The list that the nightly round keeps beside its backups, when there is one. */
static const char *find_erasures(struct call *call, struct buf *path) {
    const char *given = call_value(call, "--erasures");
    if (given != NULL) {
        return given;
    }
    struct str file = str_of(call->positionals[0]);
    size_t end = file.size;
    while (end > 0 && file.data[end - 1] != '/') {
        end--;
    }
    buf_printf(path, "%.*serasures.list", (int)end, file.data);
    return file_exists(buf_z(path)) ? buf_z(path) : NULL;
}

static void report_restore(struct call *call, const struct restore_report *report) {
    const struct backup_facts *facts = &report->facts;
    const char *dir = call->positionals[1];
    if (!call->json) {
        call_say(call, MSG_RESTORE_DONE,
            ARGS(A_CSTR(dir), A_INT(facts->plants), A_INT(facts->rows), A_CSTR(facts->logical)));
        if (report->withdrawn > 0) {
            call_say(call, MSG_RESTORE_WITHDRAWN, ARGS(A_INT(report->withdrawn)));
        }
        if (report->revoked > 0) {
            call_say(call, MSG_RESTORE_REVOKED, ARGS(A_INT(report->revoked)));
        }
        if (report->erased > 0) {
            call_say(call, MSG_RESTORE_ERASED, ARGS(A_INT(report->erased)));
        }
        if (report->keys_sealed) {
            call_say(call, MSG_RESTORE_SEALED, ARGS(A_CSTR(dir)));
        }
        return;
    }
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_str(&json, "home", str_of(dir));
    json_put_time(&json, "created", facts->created_ns);
    json_put_i64(&json, "plants", facts->plants);
    json_put_i64(&json, "rows", (int64_t)facts->rows);
    json_put_str(&json, "digest", str_of(facts->logical));
    json_put_i64(&json, "erased", (int64_t)report->erased);
    json_put_i64(&json, "consents_withdrawn", (int64_t)report->withdrawn);
    json_put_i64(&json, "grants_revoked", (int64_t)report->revoked);
    json_put_bool(&json, "keys", report->keys_restored);
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

int cmd_restore(struct call *call, struct err *err) {
    char phrase[256];
    AUTO_BUF struct buf list;
    buf_init(&list, LIMIT_PATH_BYTES);
    struct restore_report report;
    struct restore_options options = {.fd = call->file_fd,
        .path = call->positionals[0],
        .home_dir = call->positionals[1],
        .phrase = phrase,
        .erasures = find_erasures(call, &list),
        .watch = {.go_on = call_go_on, .context = call}};
    int status = read_phrase(call, phrase, sizeof phrase, err);
    options.phrase = phrase[0] != '\0' ? phrase : NULL;
    status = status < 0 ? status : restore_run(&options, &report, err);
    if (status < 0) {
        return status;
    }
    report_restore(call, &report);
    return EXIT_DONE;
}
