/*
 * The end of a failed assertion: place and backtrace on stderr, then abort().
 *
 * Nothing here allocates or takes a lock of ours, because the heap or the locks may be what is
 * broken. backtrace() loads libgcc on its first call, which may allocate; that is why the place is
 * written before it. Addresses are resolved later with addr2line (docs/DEBUGGING.md).
 */
#include "core/check.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FRAMES_MAX = 64, TEXT_BYTES = 512 };

void check_failed(const char *condition, const char *file, int line) {
    char text[TEXT_BYTES];
    int size = snprintf(text, sizeof text, "check failed: %s at %s:%d\n", condition, file, line);
    size = size < 0 ? 0 : size < TEXT_BYTES ? size : TEXT_BYTES - 1;
    ssize_t written = write(STDERR_FILENO, text, (size_t)size);
    (void)written; // There is nobody left to tell.
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
    abort();
}
