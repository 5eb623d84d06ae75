/*
 * The program's door: finds the command, parses, and runs it either inside the process that serves
 * the home (through its local socket) or here, on the home opened for it. Also the one place that
 * sets process-wide things: signals, file mode mask, language.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/command.h"
#include "app/control.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"

/* Korean where the environment asks for it, English where it does not: a terminal in the C locale
 * may not be able to show Hangul. --lang decides over both. */
static enum lang language(void) {
    static const char *const NAMES[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *value = getenv(NAMES[i]);
        if (value != NULL && value[0] != '\0') {
            return strncmp(value, "ko", 2) == 0 ? LANG_KO : LANG_EN;
        }
    }
    return LANG_EN;
}

/* --lang counts for every word, also for those about an option before it. */
static enum lang asked_language(int argc, char **argv, enum lang otherwise) {
    for (int i = 2; i < argc; i++) {
        const char *value = strncmp(argv[i], "--lang=", 7) == 0              ? argv[i] + 7
                            : strcmp(argv[i], "--lang") == 0 && i + 1 < argc ? argv[i + 1]
                                                                             : "";
        if (strcmp(value, "ko") == 0 || strcmp(value, "en") == 0) {
            return strcmp(value, "ko") == 0 ? LANG_KO : LANG_EN;
        }
    }
    return otherwise;
}

static void print(enum lang lang, enum msg_id id, FILE *to) {
    AUTO_BUF struct buf text;
    buf_init(&text, 16384);
    msg_render(id, NO_ARGS, lang, &text);
    (void)fprintf(to, "%s\n", buf_z(&text));
}

/* The file that a command writes: named by its place, or by -o; NULL when there is none. */
static const char *written_path(const struct call *call) {
    if ((call->command->flags & COMMAND_WRITES) != 0) {
        return call->positionals[call->command->file_position];
    }
    return call_value(call, "-o");
}

/* The file that a command writes: FILE.part beside it, held by a lock so that two commands cannot
 * write one; what a killed one left is written over. */
static int open_part(struct call *call, const char *path, struct err *err) {
    char part[LIMIT_PATH_BYTES];
    struct stat info;
    int size = snprintf(part, sizeof part, "%s.part", path);
    if (size < 0 || size >= LIMIT_PATH_BYTES) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(path)));
    }
    if (stat(path, &info) == 0) {
        return err_set(err, ERR_EXISTS,
            S_ISDIR(info.st_mode) ? MSG_APP_IS_FOLDER : MSG_APP_FILE_THERE, ARGS(A_CSTR(path)));
    }
    int status = file_open(files_system(), part, FILE_WRITE, &call->file_fd, err);
    if (status >= 0 && flock(call->file_fd, LOCK_EX | LOCK_NB) != 0) {
        return err_set(err, ERR_LOCKED, MSG_APP_FILE_WRITTEN, ARGS(A_CSTR(part)));
    }
    return status < 0 ? status : file_truncate(files_system(), call->file_fd, part, 0, err);
}

/* Puts what was written in its place, or takes it away. */
static int end_part(struct call *call, int code, struct err *err) {
    const char *path = written_path(call);
    char part[LIMIT_PATH_BYTES];
    (void)snprintf(part, sizeof part, "%s.part", path); // It fitted when it was opened.
    if (code != EXIT_DONE) {
        (void)file_remove(files_system(), part, NULL); // The next one writes over it.
        return code;
    }
    char parent[LIMIT_PATH_BYTES];
    (void)snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        slash[slash == parent] = '\0';
    }
    int status = file_rename(files_system(), part, path, err);
    status = status < 0 ? status : dir_sync(files_system(), slash != NULL ? parent : ".", err);
    return status < 0 ? status : code;
}

static int open_file(struct call *call, struct err *err) {
    if (written_path(call) != NULL) {
        return open_part(call, written_path(call), err);
    }
    int position = call->command->file_position;
    const char *path = position >= 0 ? call->positionals[position] : call_value(call, "--input");
    if (path == NULL) {
        return 0;
    }
    if (strcmp(path, "-") == 0) {
        call->file_fd = dup(STDIN_FILENO);
    } else {
        call->file_fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (call->file_fd < 0) {
        return err_set_errno(err, errno, str_of(path));
    }
    struct stat info;
    if (fstat(call->file_fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        return err_set(err, ERR_USAGE, MSG_APP_IS_FOLDER, ARGS(A_CSTR(path)));
    }
    return 0;
}

/* A command that needs no home was given one. */
static bool is_at_home(const struct call *call) {
    return (call->command->flags & COMMAND_AT_HOME) != 0 && call->home_dir != NULL;
}

static int run_cold(struct call *call, struct err *err) {
    if ((call->command->flags & COMMAND_OPENS) != 0 || is_at_home(call)) {
        struct home_options options = {.dir = call->home_dir, .exclusive = true};
        int status = home_open(&options, &call->home, err);
        if (status < 0) {
            return status;
        }
    }
    int code = call_run(call);
    home_close(call->home);
    return code;
}

static int run_opened(struct call *call, int argc, char **argv, struct err *err) {
    int status = 0;
    if ((call->command->flags & COMMAND_HOT) != 0 || is_at_home(call)) {
        int code = 0;
        status = control_call(call, argc, argv, &code, err);
        if (status != -ERR_NOT_FOUND) {
            return status < 0 ? status : code;
        }
    }
    return run_cold(call, err);
}

static int run(struct call *call, int argc, char **argv, struct err *err) {
    int status = open_file(call, err);
    if (status < 0) {
        return status;
    }
    int code = run_opened(call, argc, argv, err);
    return written_path(call) != NULL ? end_part(call, code, err) : code;
}

int main(int argc, char **argv) {
    (void)signal(SIGPIPE, SIG_IGN); // Broken pipes are write errors, told where they happen.
    (void)umask(0077);              // Everything we make is its owner's alone.
    AUTO_FREE struct call *call = MEM_NEW(struct call);
    call->lang = asked_language(argc, argv, language());
    call->file_fd = -1;
    call->out_fd = STDOUT_FILENO;
    call->error_fd = STDERR_FILENO;
    call->stop_fd = -1;
    call->peer_fd = -1;
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print(call->lang, MSG_HELP_ALL, argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("maru " MARU_VERSION);
        return EXIT_DONE;
    }
    struct err err = ERR_INIT;
    const struct command *command = command_find(str_of(argv[1]));
    if (command == NULL) {
        (void)err_set(&err, ERR_USAGE, MSG_APP_COMMAND_UNKNOWN, ARGS(A_CSTR(argv[1])));
        call_say_err(call, &err);
        return EXIT_USAGE;
    }
    if (call_parse(call, command, argc - 2, argv + 2, &err) < 0) {
        call_say_err(call, &err);
        return EXIT_USAGE;
    }
    if (call_value(call, "--help") != NULL) {
        print(call->lang, command->help, stdout);
        return EXIT_DONE;
    }
    int code = run(call, argc - 1, argv + 1, &err);
    file_close(call->file_fd);
    return code < 0 ? call_fail(call, &err) : code;
}
