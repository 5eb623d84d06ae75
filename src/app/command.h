#ifndef APP_COMMAND_H
#define APP_COMMAND_H
/*
 * One file a command. A command is a function over a `struct call`: its parsed arguments, a home
 * (its own, or the served one when the call came through the local socket), and descriptors to
 * write to. So the same function works on a cold HOME and on a running one.
 */
#include "core/buf.h"
#include "core/err.h"
#include "plant/home.h"

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PARTIAL = 3 };

enum { OPTIONS_MAX = 24, POSITIONALS_MAX = 4096, CALL_FDS = 3 };

struct option_row {
    const char *name; // "--from"; the table ends with NULL.
    bool takes_value;
};

enum command_flag {
    COMMAND_HOME = 1,     // The first argument is HOME, and it must be one.
    COMMAND_OPENS = 2,    // Works on the open home (call->home).
    COMMAND_HOT = 4,      // On a served HOME it runs inside the serving process.
    COMMAND_WRITES = 8,   // The file at file_position is written: under a temporary name beside it,
                          // renamed when the command is done.
    COMMAND_AT_HOME = 16, // With --home it works on that home, open or served; without, on none.
};

struct call;

struct command {
    const char *name;
    enum msg_id help; // Usage, meaning and example.
    uint32_t flags;
    uint32_t positionals_min; // After HOME.
    uint32_t positionals_max;
    int file_position; // Which positional (after HOME) is a file; -1: none.
    const struct option_row *options;
    /* An exit code (0, 3), or negative with words in err. */
    int (*run)(struct call *call, struct err *err);
};

struct call {
    const struct command *command;
    const char *home_dir; // NULL where there is none.
    struct home *home;    // With COMMAND_OPENS, or always when hot.
    bool hot;
    enum lang lang;
    bool json;
    const char *positionals[POSITIONALS_MAX];
    uint32_t positional_count;
    const char *values[OPTIONS_MAX]; // By row of command->options; "" when given without value.
    int file_fd;                     // The opened file; -1: none.
    int out_fd;
    int error_fd;
    int stop_fd;    // Readable when the serving process ends; -1 on a cold home.
    int peer_fd;    // Hangs up when the asking command has gone; -1 on a cold home.
    bool answered;  // Something went out already.
    struct buf out; // Flushed by call_flush when large and at the end.
};

enum { CALL_OUT_MAX = 1 << 20 };

/* All commands; NULL past the end. */
const struct command *command_at(size_t index);
const struct command *command_find(struct str name);

/* Fills positionals and values from argv (what follows the command's name). ERR_USAGE. */
int call_parse(
    struct call *call, const struct command *command, int argc, char **argv, struct err *err);
/* The value of an option, or NULL when it was not given. */
const char *call_value(const struct call *call, const char *name);
/* Writes out what is in call->out when it is half full, or always. ERR_CLOSED: nobody reads. */
int call_flush(struct call *call, bool always, struct err *err);
/* One line of words on the error descriptor. */
void call_say(struct call *call, enum msg_id id, const struct arg *args);
void call_say_err(struct call *call, const struct err *err);
/* For a fault in what was typed: turns a negative result into ERR_USAGE (exit 2), words kept. */
int call_usage(int status, struct err *err);
/* Says a failure: words on stderr, and with --json an {"error":...} document on stdout, so that
 * there is always one. Returns the exit code. */
int call_fail(struct call *call, const struct err *err);
/* Runs the command's function and turns its result into an exit code, saying errors. */
int call_run(struct call *call);
/* For long work: ERR_CANCELLED once Maru ends or the asking command has gone. A `struct watch`'s
 * function; the context is the call. */
int call_go_on(void *call, struct err *err);
/* The plant named by --plant, or the only one. */
int call_plant(struct call *call, struct plant **ret_plant, struct err *err);

int cmd_init(struct call *call, struct err *err);
int cmd_run(struct call *call, struct err *err);
int cmd_demo(struct call *call, struct err *err);
int cmd_token(struct call *call, struct err *err);
int cmd_owner(struct call *call, struct err *err);
int cmd_import(struct call *call, struct err *err);
int cmd_export(struct call *call, struct err *err);
int cmd_papers(struct call *call, struct err *err);
int cmd_query(struct call *call, struct err *err);
int cmd_indicators(struct call *call, struct err *err);
int cmd_quality(struct call *call, struct err *err);
int cmd_event(struct call *call, struct err *err);
int cmd_trace(struct call *call, struct err *err);
int cmd_label(struct call *call, struct err *err);
int cmd_mail(struct call *call, struct err *err);
int cmd_outbox(struct call *call, struct err *err);
int cmd_rerefine(struct call *call, struct err *err);
int cmd_template(struct call *call, struct err *err);
int cmd_verify(struct call *call, struct err *err);
int cmd_doctor(struct call *call, struct err *err);
int cmd_backup(struct call *call, struct err *err);
int cmd_optimize(struct call *call, struct err *err);
int cmd_retention(struct call *call, struct err *err);
int cmd_restore(struct call *call, struct err *err);
int cmd_upgrade(struct call *call, struct err *err);
int cmd_programme(struct call *call, struct err *err);
int cmd_bench(struct call *call, struct err *err);
int cmd_soak(struct call *call, struct err *err);

#endif
