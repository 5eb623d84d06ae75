/*
 * TCP to port 9100 is a line without answers: what a printer acknowledges, its network card did.
 * Therefore ~HS is sent behind the label on the same connection, and a printer that answers it has
 * read the label before it. The label itself goes in two parts, its last byte alone: as long as
 * that one was not handed over, the format is not whole and nothing is printed.
 */
#include "papers/printer_line.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "papers/printing.h"
#include "production/words.h"

enum { CONNECT_MS = 5000, SEND_MS = 20000, ANSWER_MS = 3000, SLICE_MS = 250, ANSWER_MAX = 1024 };

struct line {
    int fd;
    const struct stop_flag *stop;
    int64_t deadline_ns;
};

static void set_deadline(struct line *line, int64_t ms) {
    line->deadline_ns = clock_mono_ns(clock_system()) + ms * NS_PER_MS;
}

/* 0: ready; negative: ETIMEDOUT, ECANCELED, or what poll said. */
static int wait_for(const struct line *line, short events) {
    for (;;) {
        if (line->stop != NULL && stop_flag_is_raised(line->stop)) {
            return -ECANCELED;
        }
        int64_t left_ms = (line->deadline_ns - clock_mono_ns(clock_system())) / NS_PER_MS;
        if (left_ms <= 0) {
            return -ETIMEDOUT;
        }
        struct pollfd wait = {.fd = line->fd, .events = events};
        int ready = poll(&wait, 1, left_ms > SLICE_MS ? SLICE_MS : (int)left_ms);
        if (ready > 0) {
            return 0;
        }
        if (ready < 0 && errno != EINTR) {
            return -errno;
        }
    }
}

static int connect_one(struct line *line, const struct addrinfo *to) {
    line->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (line->fd < 0) {
        return -errno;
    }
    int fault = connect(line->fd, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;
    if (fault == EINPROGRESS) {
        fault = -wait_for(line, POLLOUT);
    }
    socklen_t size = sizeof fault;
    if (fault == 0 && getsockopt(line->fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0) {
        fault = errno;
    }
    if (fault != 0) {
        (void)close(line->fd);
        line->fd = -1;
    }
    return -fault;
}

static int unreached(struct str address, int fault, struct err *err) {
    return err_set(err, fault == -ECANCELED ? ERR_CANCELLED : ERR_IO,
        SAY(PRODUCTION_PRINTER_SILENT), ARGS(A_STR(address), A_CSTR(strerror(-fault))));
}

static int open_line(struct line *line, struct str address, struct err *err) {
    char host[PRINTER_HOST_MAX];
    char port[PRINTER_PORT_MAX];
    if (!printer_address(address, host, port)) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_PRINTER_ADDRESS), ARGS(A_STR(address)));
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int told = getaddrinfo(host, port, &hints, &found);
    if (told != 0) {
        return err_set(err, ERR_IO, SAY(PRODUCTION_PRINTER_SILENT),
            ARGS(A_STR(address), A_CSTR(gai_strerror(told))));
    }
    int fault = -EHOSTUNREACH;
    for (const struct addrinfo *to = found; to != NULL && line->fd < 0; to = to->ai_next) {
        set_deadline(line, CONNECT_MS);
        fault = connect_one(line, to);
    }
    freeaddrinfo(found);
    return line->fd >= 0 ? 0 : unreached(address, fault, err);
}

/* How many bytes were handed over; *ret_fault negative where not all. */
static size_t send_bytes(const struct line *line, struct str bytes, int *ret_fault) {
    size_t sent = 0;
    *ret_fault = 0;
    while (sent < bytes.size && *ret_fault == 0) {
        ssize_t size = send(line->fd, bytes.data + sent, bytes.size - sent, MSG_NOSIGNAL);
        if (size > 0) {
            sent += (size_t)size;
        } else if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            *ret_fault = wait_for(line, POLLOUT);
        } else {
            *ret_fault = size < 0 ? -errno : -EPIPE;
        }
    }
    return sent;
}

static enum printer_result read_answer(struct line *line, struct zpl_status *ret_status) {
    char answer[ANSWER_MAX];
    size_t size = 0;
    set_deadline(line, ANSWER_MS);
    for (;;) {
        int fault = wait_for(line, POLLIN);
        if (fault == -ETIMEDOUT) {
            return PRINTER_SENT;
        }
        ssize_t got = fault < 0 ? -1 : recv(line->fd, answer + size, sizeof answer - size, 0);
        if (got < 0 && fault == 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        if (got == 0) {
            return PRINTER_SENT; // It took all and closed in order.
        }
        if (got < 0) {
            return PRINTER_DOUBTFUL;
        }
        size += (size_t)got;
        if (zpl_status_parse((struct str){answer, size}, ret_status)) {
            return PRINTER_PRINTED;
        }
        if (size == sizeof answer) {
            return PRINTER_SENT; // It says something else.
        }
    }
}

static int send_label(struct line *line, struct str address, struct str zpl,
    enum printer_result *ret_result, struct zpl_status *ret_status, struct err *err) {
    struct str whole = str_trim(zpl); // Ends with the Z of ^XZ.
    int fault = 0;
    set_deadline(line, SEND_MS);
    size_t most = whole.size - 1;
    bool all = send_bytes(line, str_slice(whole, 0, most), &fault) == most &&
               send_bytes(line, str_slice(whole, most, whole.size), &fault) == 1;
    if (!all) {
        return unreached(address, fault, err);
    }
    line->stop = NULL; // From here on it is known within seconds.
    static const struct str ASK = {"\n~HS\n", 5};
    (void)send_bytes(line, ASK, &fault);
    *ret_result = fault < 0 ? PRINTER_DOUBTFUL : read_answer(line, ret_status);
    return 0;
}

int printer_send(struct str address, struct str zpl, const struct stop_flag *stop,
    enum printer_result *ret_result, struct zpl_status *ret_status, struct err *err) {
    struct line line = {.fd = -1, .stop = stop};
    *ret_result = PRINTER_UNREACHED;
    int rc = open_line(&line, address, err);
    rc = rc < 0 ? rc : send_label(&line, address, zpl, ret_result, ret_status, err);
    if (line.fd >= 0) {
        (void)shutdown(line.fd, SHUT_WR);
        (void)close(line.fd);
    }
    return rc;
}
