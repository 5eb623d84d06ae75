/*
 * What all imports share: reading a descriptor in chunks through the CSV parser, and counting and
 * reporting rejected rows. The kinds stand in import_samples.c and import_catalogue.c.
 */
#include "plant/import.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/csv.h"
#include "core/mem.h"

enum { CHUNK_BYTES = 1 << 20 };

struct csv_file {
    const struct import_options *options;
    struct csv *csv;
    uint8_t *chunk;
    bool ended;
};

struct csv_file *csv_file_new(const struct import_options *options) {
    struct csv_file *file = MEM_NEW(struct csv_file);
    file->options = options;
    file->chunk = mem_alloc(CHUNK_BYTES);
    return file;
}

void csv_file_free(struct csv_file *file) {
    if (file != NULL) {
        csv_free(file->csv);
        mem_free(file->chunk);
        mem_free(file);
    }
}

uint64_t csv_file_line(const struct csv_file *file) {
    return file->csv != NULL ? csv_line(file->csv) : 0;
}

size_t csv_trimmed(const struct str *fields, size_t count, size_t least) {
    while (count > least && fields[count - 1].size == 0) {
        count--;
    }
    return count;
}

/* Waits for bytes of a file that may be a pipe from somebody; false when it is time to give up. */
static bool may_read(const struct import_options *options) {
    struct pollfd waits[3] = {{.fd = options->fd, .events = POLLIN},
        {.fd = options->stop_fd > 0 ? options->stop_fd : -1, .events = POLLIN},
        {.fd = options->peer_fd > 0 ? options->peer_fd : -1, .events = POLLRDHUP}};
    while (poll(waits, 3, -1) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return waits[1].revents == 0 && waits[2].revents == 0;
}

/* Looks at the first bytes: the encoding must be UTF-8, and the separator is what stands most often
 * in the first line, for Excel writes semicolons in some countries and tabs when asked. */
static int recognise(struct csv_file *file, struct str head, struct err *err) {
    size_t bad = 0;
    /* A character may be cut at the end of the chunk. */
    if (!str_is_utf8(head, &bad) && bad + 4 < head.size) {
        return err_set(err, ERR_INVALID, MSG_IMPORT_NOT_UTF8, NO_ARGS);
    }
    static const char SEPARATORS[] = {',', ';', '\t'};
    size_t counts[sizeof SEPARATORS] = {0};
    bool quoted = false;
    for (size_t i = 0; i < head.size && head.data[i] != '\n'; i++) {
        quoted ^= head.data[i] == '"';
        for (size_t k = 0; k < sizeof SEPARATORS; k++) {
            counts[k] += !quoted && head.data[i] == SEPARATORS[k];
        }
    }
    size_t best = counts[1] > counts[0] ? 1 : 0;
    best = counts[2] > counts[best] ? 2 : best;
    file->csv = csv_new(SEPARATORS[best]);
    return 0;
}

/* Adds what comes to the chunk; *ret_size counts what is in it. */
static int read_more(struct csv_file *file, size_t *ret_size, struct err *err) {
    if (!may_read(file->options)) {
        return err_set(err, ERR_CANCELLED, MSG_IMPORT_STOPPED, NO_ARGS);
    }
    ssize_t size;
    do {
        size = read(file->options->fd, file->chunk + *ret_size, CHUNK_BYTES - *ret_size);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return err_set_errno(err, errno, STR("import"));
    }
    file->ended = size == 0;
    *ret_size += (size_t)size;
    return 0;
}

static int feed(struct csv_file *file, struct err *err) {
    size_t size = 0;
    int status;
    do { // A pipe may give the first line in pieces; all of it is needed to recognise the table.
        status = read_more(file, &size, err);
    } while (status >= 0 && file->csv == NULL && !file->ended && size < CHUNK_BYTES &&
             memchr(file->chunk, '\n', size) == NULL);
    if (status >= 0 && file->csv == NULL) {
        status = recognise(file, (struct str){(const char *)file->chunk, size}, err);
    }
    if (status >= 0) {
        csv_feed(file->csv, file->chunk, size, file->ended);
    }
    return status;
}

int csv_file_next(
    struct csv_file *file, const struct str **ret_fields, size_t *ret_count, struct err *err) {
    for (;;) {
        int status = file->csv != NULL ? csv_next(file->csv, ret_fields, ret_count, err) : 0;
        if (status != 0 || file->ended) {
            return status;
        }
        status = feed(file, err);
        if (status < 0) {
            return status;
        }
    }
}

void import_reject(const struct import_options *options, struct import_report *report,
    uint64_t line, const struct err *why) {
    report->rejected++;
    if (options->rejected != NULL) {
        options->rejected(options->context, line, why);
    }
}

bool import_kind_of_name(struct str name, enum import_kind *ret_kind) {
    static const struct {
        struct str name;
        enum import_kind kind;
    } KINDS[] = {{{"samples", 7}, IMPORT_SAMPLES}, {{"devices", 7}, IMPORT_DEVICES},
        {{"tags", 4}, IMPORT_TAGS}};
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (str_eq(name, KINDS[i].name)) {
            *ret_kind = KINDS[i].kind;
            return true;
        }
    }
    return false;
}

int import_run(struct plant *plant, const struct import_options *options,
    struct import_report *ret_report, struct err *err) {
    *ret_report = (struct import_report){0};
    if (options->kind == IMPORT_SAMPLES) {
        return import_samples(plant, options, ret_report, err);
    }
    return import_catalogue(plant, options, ret_report, err);
}
