/*
 * histdump [--json] PATH...: what stands in a history folder, a segment, a log file or a manifest,
 * with every head, record, column form, frame and checksum. For people who work on Maru or look
 * into a customer's files; it is built beside the program and not installed. Exit 0; 1 where
 * damage was met (which is told with its place and passed over), 2 where it could not look.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "historian/dump.h"

static int write_out(void *context, const void *text, size_t size, struct err *err) {
    return fwrite(text, 1, size, context) == size ? 0 : err_set_errno(err, errno, STR("stdout"));
}

int main(int argc, char **argv) {
    struct dump_options options = {.write = write_out, .context = stdout};
    int first = 1;
    if (first < argc && strcmp(argv[first], "--json") == 0) {
        options.json = true;
        first++;
    }
    if (first >= argc || argv[first][0] == '-') {
        (void)fprintf(stderr, "usage: histdump [--json] PATH...\n");
        return 2;
    }
    struct dump_report report = {0};
    struct err err = ERR_INIT;
    int rc = hist_dump(
        (const char *const *)(argv + first), (uint32_t)(argc - first), &options, &report, &err);
    if (rc >= 0 && fflush(stdout) != 0) {
        rc = err_set_errno(&err, errno, STR("stdout"));
    }
    if (rc < 0) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&err, LANG_EN, &words);
        (void)fprintf(stderr, "histdump: %s\n", buf_z(&words));
        return 2;
    }
    return report.damaged > 0 ? 1 : 0;
}
