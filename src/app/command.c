/*
 * The table of commands, the reading of their arguments, and what every call shares: output through
 * a bounded buffer, words on the error descriptor, the exit codes of docs/user (0 done, 1 failed,
 * 2 wrong usage, 3 done in part).
 */
#include "app/command.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/check.h"
#include "core/json.h"
#include "production/words.h"
#include "programme/words.h"

/* Options that every command knows come first in each table. */
#define COMMON_OPTIONS                                                                             \
    {"--json", false}, {"--lang", true}, {                                                         \
        "--help", false                                                                            \
    }

static const struct option_row INIT_OPTIONS[] = {
    COMMON_OPTIONS, {"--plant", true}, {"--name", true}, {"--zone", true}, {NULL, false}};
static const struct option_row RUN_OPTIONS[] = {
    COMMON_OPTIONS, {"--listen", true}, {"--for", true}, {NULL, false}};
static const struct option_row DEMO_OPTIONS[] = {COMMON_OPTIONS, {"--listen", true},
    {"--for", true}, {"--seed", true}, {"--external", true}, {"--broker", true}, {NULL, false}};
static const struct option_row TOKEN_OPTIONS[] = {COMMON_OPTIONS, {"--role", true},
    {"--scope", true}, {"--ttl", true}, {"--name", true}, {"--list", false}, {"--revoke", true},
    {NULL, false}};
static const struct option_row OWNER_OPTIONS[] = {
    COMMON_OPTIONS, {"--reset", false}, {NULL, false}};
static const struct option_row IMPORT_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--as", true}, {"--encoding", true}, {"--separator", true}, {"--sheet", true},
    {"--partial", false}, {"--dry-run", false}, {NULL, false}};
static const struct option_row EXPORT_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--as", true}, {"--format", true}, {"--encoding", true}, {"--separator", true},
    {"--pack", true}, {"--from", true}, {"--to", true}, {"--tags", true}, {"-o", true},
    {"--template", false}, {"--words", false}, {NULL, false}};
static const struct option_row PAPERS_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--kind", true}, {"--format", true}, {"--from", true}, {"--to", true}, {"-o", true},
    {NULL, false}};
static const struct option_row INDICATORS_OPTIONS[] = {
    COMMON_OPTIONS, {"--plant", true}, {NULL, false}};
static const struct option_row QUERY_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--from", true}, {"--to", true}, {"--every", true}, {"--agg", true}, {"--tz", true},
    {"--format", true}, {"--versions", false}, {"--join", false}, {"--lead", true},
    {"--pick", true}, {"--max-age", true}, {"--lot", true}, {"--lot-key", true}, {"--fill", true},
    {"--interpolate", true}, {"--at", true}, {NULL, false}};
static const struct option_row DOCTOR_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--source", true}, {"--driver", true}, {"--address", true}, {"--options", true},
    {NULL, false}};
static const struct option_row REREFINE_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--from", true}, {"--to", true}, {"--dry-run", false}, {"--undo", true}, {NULL, false}};
static const struct option_row VERIFY_OPTIONS[] = {
    COMMON_OPTIONS, {"--digest", false}, {NULL, false}};
static const struct option_row UPGRADE_OPTIONS[] = {
    COMMON_OPTIONS, {"--state", true}, {"--wait", true}, {NULL, false}};
static const struct option_row OPTIMIZE_OPTIONS[] = {COMMON_OPTIONS, {NULL, false}};
static const struct option_row RETENTION_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--raw-days", true}, {"--rollup-days", true}, {"--archive", true}, {"--archive-format", true},
    {NULL, false}};
static const struct option_row BACKUP_OPTIONS[] = {
    COMMON_OPTIONS, {"--plant", true}, {"--with-keys", false}, {NULL, false}};
static const struct option_row RESTORE_OPTIONS[] = {
    COMMON_OPTIONS, {"--erasures", true}, {"--phrase-file", true}, {NULL, false}};
static const struct option_row QUALITY_OPTIONS[] = {
    COMMON_OPTIONS, {"--plant", true}, {"--day", true}, {"--run", false}, {NULL, false}};
static const struct option_row OUTBOX_OPTIONS[] = {
    COMMON_OPTIONS, {"--plant", true}, {NULL, false}};
static const struct option_row TRACE_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--back", false}, {"--forward", false}, {"--both", false}, {"--recall", false}, {NULL, false}};
static const struct option_row LABEL_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--format", true}, {"--label", true}, {"--copies", true}, {"--dpi", true},
    {"--quantity", true}, {"--roll", false}, {"--printer", true}, {NULL, false}};
static const struct option_row EVENT_OPTIONS[] = {
    COMMON_OPTIONS, {"--plant", true}, {"--key", true}, {NULL, false}};
static const struct option_row MAIL_OPTIONS[] = {COMMON_OPTIONS, {"--test", false}, {NULL, false}};
static const struct option_row TEMPLATE_OPTIONS[] = {COMMON_OPTIONS, {"--plant", true},
    {"--save", true}, {"--note", true}, {"--show", true}, {"--remove", true}, {"--apply", true},
    {"--dry-run", false}, {NULL, false}};
static const struct option_row PROGRAMME_OPTIONS[] = {
    COMMON_OPTIONS, {"--type", true}, {"--input", true}, {"--home", true}, {NULL, false}};
static const struct option_row BENCH_OPTIONS[] = {COMMON_OPTIONS, {"--dir", true}, {"--data", true},
    {"--quick", false}, {"--lots", true}, {"--depth", true}, {NULL, false}};
static const struct option_row SOAK_OPTIONS[] = {
    COMMON_OPTIONS, {"--dir", true}, {"--seconds", true}, {NULL, false}};

static const struct command COMMANDS[] = {
    {"init", MSG_HELP_INIT, 0, 1, 1, -1, INIT_OPTIONS, cmd_init},
    {"run", MSG_HELP_RUN, COMMAND_HOME, 0, 0, -1, RUN_OPTIONS, cmd_run},
    {"demo", MSG_HELP_DEMO, 0, 0, 1, -1, DEMO_OPTIONS, cmd_demo},
    {"token", MSG_HELP_TOKEN, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 0, -1, TOKEN_OPTIONS,
        cmd_token},
    {"owner", MSG_HELP_OWNER, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 0, -1, OWNER_OPTIONS,
        cmd_owner},
    {"import", MSG_HELP_IMPORT, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 1, 1, 0, IMPORT_OPTIONS,
        cmd_import},
    {"export", MSG_HELP_EXPORT, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 0, -1,
        EXPORT_OPTIONS, cmd_export},
    {"papers", MSG_HELP_PAPERS, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 0, -1,
        PAPERS_OPTIONS, cmd_papers},
    {"query", MSG_HELP_QUERY, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 1, POSITIONALS_MAX - 1,
        -1, QUERY_OPTIONS, cmd_query},
    {"indicators", MSG_HELP_INDICATORS, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 0, -1,
        INDICATORS_OPTIONS, cmd_indicators},
    {"quality", MSG_HELP_QUALITY, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0,
        POSITIONALS_MAX - 1, -1, QUALITY_OPTIONS, cmd_quality},
    {"event", SAY(PRODUCTION_HELP_EVENT), COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 1,
        POSITIONALS_MAX - 1, -1, EVENT_OPTIONS, cmd_event},
    {"trace", SAY(PRODUCTION_HELP_TRACE), COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 1, 1, -1,
        TRACE_OPTIONS, cmd_trace},
    {"label", SAY(PRODUCTION_HELP_LABEL), COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 2, 2, -1,
        LABEL_OPTIONS, cmd_label},
    {"mail", MSG_HELP_MAIL, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 0, -1, MAIL_OPTIONS,
        cmd_mail},
    {"outbox", MSG_HELP_OUTBOX, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 0, -1,
        OUTBOX_OPTIONS, cmd_outbox},
    {"rerefine", MSG_HELP_REREFINE, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 1, -1,
        REREFINE_OPTIONS, cmd_rerefine},
    {"template", MSG_HELP_TEMPLATE, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0,
        POSITIONALS_MAX - 1, -1, TEMPLATE_OPTIONS, cmd_template},
    {"verify", MSG_HELP_VERIFY, COMMAND_HOME | COMMAND_HOT, 0, 0, -1, VERIFY_OPTIONS, cmd_verify},
    {"doctor", MSG_HELP_DOCTOR, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 1, -1,
        DOCTOR_OPTIONS, cmd_doctor},
    {"backup", MSG_HELP_BACKUP, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT | COMMAND_WRITES, 1, 1,
        0, BACKUP_OPTIONS, cmd_backup},
    {"optimize", MSG_HELP_OPTIMIZE, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 0, -1,
        OPTIMIZE_OPTIONS, cmd_optimize},
    {"retention", MSG_HELP_RETENTION, COMMAND_HOME | COMMAND_OPENS | COMMAND_HOT, 0, 0, -1,
        RETENTION_OPTIONS, cmd_retention},
    {"restore", MSG_HELP_RESTORE, 0, 2, 2, 0, RESTORE_OPTIONS, cmd_restore},
    {"upgrade", MSG_HELP_UPGRADE, 0, 0, 1, -1, UPGRADE_OPTIONS, cmd_upgrade},
    {"programme", SAY_DESK(DESK_HELP), COMMAND_AT_HOME, 1, 2, -1, PROGRAMME_OPTIONS, cmd_programme},
    {"bench", MSG_HELP_BENCH, 0, 1, 1, -1, BENCH_OPTIONS, cmd_bench},
    {"soak", MSG_HELP_SOAK, 0, 1, 1, -1, SOAK_OPTIONS, cmd_soak},
};

const struct command *command_at(size_t index) {
    return index < sizeof COMMANDS / sizeof COMMANDS[0] ? &COMMANDS[index] : NULL;
}

const struct command *command_find(struct str name) {
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        if (str_eq(name, str_of(COMMANDS[i].name))) {
            return &COMMANDS[i];
        }
    }
    return NULL;
}

/* ---- Arguments ---- */

static int option_index(const struct command *command, struct str name) {
    for (int i = 0; command->options[i].name != NULL; i++) {
        CHECK(i < OPTIONS_MAX);
        if (str_eq(name, str_of(command->options[i].name))) {
            return i;
        }
    }
    return -1;
}

/* Takes one option at argv[*index], moving *index over a separate value. */
static int take_option(struct call *call, int argc, char **argv, int *index, struct err *err) {
    struct str rest = str_of(argv[*index]);
    bool joined = str_find(rest, '=') < rest.size;
    struct str name = str_cut(&rest, '=');
    int row = option_index(call->command, name);
    if (row < 0) {
        return err_set(
            err, ERR_USAGE, MSG_APP_OPTION_UNKNOWN, ARGS(A_STR(name), A_CSTR(call->command->name)));
    }
    if (!call->command->options[row].takes_value) {
        if (joined) {
            return err_set(err, ERR_USAGE, MSG_APP_OPTION_NO_VALUE, ARGS(A_STR(name)));
        }
        call->values[row] = "";
        return 0;
    }
    if (!joined && *index + 1 >= argc) {
        return err_set(err, ERR_USAGE, MSG_APP_OPTION_VALUE, ARGS(A_STR(name)));
    }
    call->values[row] = joined ? rest.data : argv[++*index];
    return 0;
}

static int take_positional(struct call *call, const char *text, struct err *err) {
    if ((call->command->flags & COMMAND_HOME) != 0 && call->home_dir == NULL) {
        call->home_dir = text;
        return 0;
    }
    if (call->positional_count >= call->command->positionals_max) {
        return err_set(err, ERR_USAGE, MSG_APP_ARGUMENT_EXTRA,
            ARGS(A_CSTR(text), A_CSTR(call->command->name)));
    }
    call->positionals[call->positional_count++] = text;
    return 0;
}

static int take_language(struct call *call, struct err *err) {
    const char *lang = call_value(call, "--lang");
    if (lang == NULL) {
        return 0;
    }
    if (strcmp(lang, "ko") != 0 && strcmp(lang, "en") != 0) {
        return err_set(err, ERR_USAGE, MSG_APP_LANG, ARGS(A_CSTR(lang)));
    }
    call->lang = strcmp(lang, "ko") == 0 ? LANG_KO : LANG_EN;
    return 0;
}

int call_parse(
    struct call *call, const struct command *command, int argc, char **argv, struct err *err) {
    call->command = command;
    bool options_ended = false;
    for (int i = 0; i < argc; i++) {
        /* "-1h" is a value of --from, taken there; a lone argument that begins with -- is an
         * option until "--" ends them. */
        bool is_short = option_index(command, str_of(argv[i])) >= 0; // "-o".
        bool is_option = !options_ended && (is_short || strncmp(argv[i], "--", 2) == 0);
        if (is_option && strcmp(argv[i], "--") == 0) {
            options_ended = true;
            continue;
        }
        int status = is_option ? take_option(call, argc, argv, &i, err)
                               : take_positional(call, argv[i], err);
        if (status < 0) {
            return status;
        }
    }
    int status = take_language(call, err);
    if (status < 0 || call_value(call, "--help") != NULL) {
        return status;
    }
    call->json = call_value(call, "--json") != NULL;
    if ((command->flags & COMMAND_AT_HOME) != 0) {
        call->home_dir = call_value(call, "--home");
    }
    if ((command->flags & COMMAND_HOME) != 0 && call->home_dir == NULL) {
        return err_set(err, ERR_USAGE, MSG_APP_HOME_MISSING, ARGS(A_CSTR(command->name)));
    }
    if (call->positional_count < command->positionals_min) {
        return err_set(err, ERR_USAGE, MSG_APP_ARGUMENT_MISSING, ARGS(A_CSTR(command->name)));
    }
    return 0;
}

const char *call_value(const struct call *call, const char *name) {
    int row = option_index(call->command, str_of(name));
    return row < 0 ? NULL : call->values[row];
}

/* ---- Output ---- */

/* Inside a serving process nobody may wait for a reader for ever: waits until `fd` takes bytes, and
 * gives up when the process ends or the asking command has gone. */
static bool may_write(const struct call *call, int fd) {
    if (call->stop_fd < 0) {
        return true;
    }
    struct pollfd waits[3] = {{.fd = fd, .events = POLLOUT},
        {.fd = call->stop_fd, .events = POLLIN}, {.fd = call->peer_fd, .events = POLLRDHUP}};
    while (poll(waits, 3, -1) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return waits[1].revents == 0 && waits[2].revents == 0;
}

static int write_all(const struct call *call, int fd, const void *data, size_t size) {
    const char *next = data;
    while (size > 0) {
        /* A pipe that polls writable has room for PIPE_BUF bytes, perhaps not for more. */
        size_t part = call->stop_fd >= 0 && size > PIPE_BUF ? PIPE_BUF : size;
        if (!may_write(call, fd)) {
            errno = EPIPE;
            return -1;
        }
        ssize_t written = write(fd, next, part);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return -1;
        }
        next += written;
        size -= (size_t)written;
    }
    return 0;
}

int call_flush(struct call *call, bool always, struct err *err) {
    if (call->out.overflow) {
        return err_set(err, ERR_LIMIT, MSG_APP_OUTPUT_LARGE, NO_ARGS);
    }
    if (call->out.size == 0 || (!always && call->out.size < CALL_OUT_MAX / 2)) {
        return 0;
    }
    if (write_all(call, call->out_fd, call->out.data, call->out.size) != 0) {
        call->answered = true;
        return errno == EPIPE    ? err_set(err, ERR_CLOSED, MSG_APP_OUTPUT_CLOSED, NO_ARGS)
               : errno == ENOSPC ? err_set(err, ERR_IO, MSG_APP_OUTPUT_FULL, NO_ARGS)
                                 : err_set_errno(err, errno, STR("stdout"));
    }
    buf_clear(&call->out);
    call->answered = true;
    return 0;
}

static void say_line(struct call *call, struct buf *line) {
    buf_put_char(line, '\n');
    (void)write_all(call, call->error_fd, line->data, line->size); // Nobody left to tell.
}

void call_say(struct call *call, enum msg_id id, const struct arg *args) {
    AUTO_BUF struct buf line;
    buf_init(&line, 16384);
    msg_render(id, args, call->lang, &line);
    say_line(call, &line);
}

void call_say_err(struct call *call, const struct err *err) {
    AUTO_BUF struct buf line;
    buf_init(&line, 16384);
    buf_put_str(&line, STR("maru: "));
    err_render(err, call->lang, &line);
    say_line(call, &line);
}

int call_usage(int status, struct err *err) {
    if (status < 0) {
        err->code = ERR_USAGE;
        return -ERR_USAGE;
    }
    return status;
}

int call_fail(struct call *call, const struct err *err) {
    call_say_err(call, err);
    if (call->json && !call->answered) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(err, call->lang, &words);
        AUTO_BUF struct buf out;
        buf_init(&out, 65536);
        struct json json;
        json_init(&json, &out);
        json_object_begin(&json);
        json_key(&json, "error");
        json_object_begin(&json);
        json_put_str(&json, "code", str_of(err_code_name(err->code)));
        json_put_str(&json, "detail", buf_str(&words));
        json_object_end(&json);
        json_object_end(&json);
        buf_put_char(&out, '\n');
        (void)write_all(call, call->out_fd, out.data, out.size); // Said on stderr already.
    }
    return err->code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

int call_run(struct call *call) {
    struct err err = ERR_INIT;
    buf_init(&call->out, CALL_OUT_MAX);
    int status = call->command->run(call, &err);
    if (status < 0 && !call->answered) {
        buf_clear(&call->out); // Half an answer is none.
    }
    int flushed = call_flush(call, true, status < 0 ? NULL : &err);
    if (status >= 0 && flushed < 0) {
        status = flushed;
    }
    buf_fini(&call->out);
    if (status >= 0) {
        return status;
    }
    /* A reader such as `head` that had enough is no error. */
    return err.code != ERR_CLOSED ? call_fail(call, &err) : EXIT_FAILED;
}

int call_go_on(void *context, struct err *err) {
    const struct call *call = context;
    struct pollfd waits[2] = {
        {.fd = call->stop_fd, .events = POLLIN}, {.fd = call->peer_fd, .events = POLLRDHUP}};
    bool ends = poll(waits, 2, 0) > 0 &&
                ((waits[0].revents & POLLIN) != 0 || (waits[1].revents & ~POLLIN) != 0);
    return ends ? err_set(err, ERR_CANCELLED, MSG_APP_CANCELLED, NO_ARGS) : 0;
}

int call_plant(struct call *call, struct plant **ret_plant, struct err *err) {
    const char *id = call_value(call, "--plant");
    return home_plant(call->home, str_of(id), ret_plant, err);
}
