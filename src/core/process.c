/*
 * Own figures from /proc/self: statm (resident pages), status (the line Threads), fd (an entry an
 * open descriptor, of which one is the look itself). Read anew each time: a look costs about 50 us
 * and is asked for once in some seconds.
 */
#include "core/process.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/text.h"

enum { PROC_BYTES = 16 * 1024 };

static bool read_small(const char *path, struct buf *out) {
    AUTO_CLOSE int fd = -1;
    if (file_open(files_system(), path, FILE_READ, &fd, NULL) < 0) {
        return false;
    }
    uint8_t *to = buf_reserve(out, PROC_BYTES - 1);
    ssize_t size = to != NULL ? read(fd, to, PROC_BYTES - 1) : -1; // Whole at once, proc(5).
    if (size > 0) {
        buf_commit(out, (size_t)size);
    }
    return size > 0;
}

static uint64_t resident_bytes(void) {
    AUTO_BUF struct buf text;
    buf_init(&text, PROC_BYTES);
    if (!read_small("/proc/self/statm", &text)) {
        return 0;
    }
    struct str rest = buf_str(&text);
    (void)str_cut(&rest, ' ');
    uint64_t pages = 0;
    return str_to_u64(str_cut(&rest, ' '), &pages) ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint32_t thread_count(void) {
    AUTO_BUF struct buf text;
    buf_init(&text, PROC_BYTES);
    uint64_t threads = 0;
    if (read_small("/proc/self/status", &text)) {
        struct str rest = buf_str(&text);
        while (rest.size > 0) {
            struct str line = str_cut(&rest, '\n');
            if (str_starts(line, STR("Threads:"))) {
                (void)str_to_u64(str_trim(str_slice(line, 8, line.size)), &threads);
            }
        }
    }
    return (uint32_t)threads;
}

static int count_one(void *context, const char *name, struct err *err) {
    (void)name;
    (void)err;
    ++*(uint32_t *)context;
    return 0;
}

void process_look(struct process_facts *ret_facts) {
    struct rusage usage = {.ru_maxrss = 0};
    uint32_t files = 0;
    (void)dir_each("/proc/self/fd", count_one, &files, NULL);
    (void)getrusage(RUSAGE_SELF, &usage); // Cannot fail for oneself.
    *ret_facts = (struct process_facts){.memory_bytes = resident_bytes(),
        .cpu_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
                 (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6,
        .threads = thread_count(),
        .open_files = files > 0 ? files - 1 : 0};
}
