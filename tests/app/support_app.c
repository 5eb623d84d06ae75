/*
 * What main does for a command, without main: arguments parsed, descriptors that can be read again,
 * the file opened.
 */
#include "support_app.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"

static void read_all(int fd, char *to, size_t size) {
    ssize_t got = pread(fd, to, size - 1, 0);
    assert_true(got >= 0);
    to[got] = '\0';
    assert_int_equal(close(fd), 0);
}

void type(
    struct home *home, const char *name, const char *const *arguments, struct said *ret_said) {
    AUTO_FREE struct call *call = MEM_NEW(struct call);
    char *argv[16];
    int argc = 0;
    argv[argc++] = mem_copy_z(str_of(home != NULL ? home_dir(home) : arguments[0]));
    for (size_t i = home != NULL ? 0 : 1; arguments[i] != NULL; i++) {
        argv[argc++] = mem_copy_z(str_of(arguments[i]));
    }
    struct err err = ERR_INIT;
    *call = (struct call){.lang = LANG_EN,
        .file_fd = -1,
        .out_fd = memfd_create("out", MFD_CLOEXEC),
        .error_fd = memfd_create("words", MFD_CLOEXEC),
        .stop_fd = -1,
        .peer_fd = -1};
    assert_int_equal(call_parse(call, command_find(str_of(name)), argc, argv, &err), 0);
    call->home = home;
    if (call->command->file_position == 0) {
        assert_int_equal(
            file_open(files_system(), call->positionals[0], FILE_READ, &call->file_fd, NULL), 0);
    }
    ret_said->code = call_run(call);
    file_close(call->file_fd);
    read_all(call->out_fd, ret_said->out, sizeof ret_said->out);
    read_all(call->error_fd, ret_said->words, sizeof ret_said->words);
    for (int i = 0; i < argc; i++) {
        mem_free(argv[i]);
    }
}
void says(const struct said *said, int code, const char *words) {
    if (said->code != code || strstr(said->words, words) == NULL) {
        fail_msg("%d: %s%s", said->code, said->words, said->out);
    }
}
