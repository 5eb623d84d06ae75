/*
 * Lines and mails out, by libcurl: it resolves names, tries all addresses of them, speaks TLS,
 * checks certificates and speaks SMTP with STARTTLS; writing that again on sockets would be writing
 * curl.
 *
 * A line is a connection without a protocol (CURLOPT_CONNECT_ONLY): the scheme in the URL only says
 * whether TLS is spoken. The kernel is told to give up on bytes that nobody acknowledges after
 * USER_TIMEOUT_MS, so that a receiver that lost its power is noticed.
 */
#include "upkeep/line_out.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/thread.h"

enum {
    USER_TIMEOUT_MS = 30000,
    URL_BYTES = 512,
    KEEPALIVE_S = 60,
};

struct line_out {
    CURL *curl;
    struct line_options options;
    char place[URL_BYTES]; // "host:port", for words.
    int fd;
};

/* ---- What both have in common ---- */

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    const struct stop_flag *stop = context;
    return stop != NULL && stop_flag_is_raised(stop) ? 1 : 0;
}

static void set_common(CURL *curl, const char *ca_file, int64_t timeout_ms,
    const struct stop_flag *stop, char words[CURL_ERROR_SIZE]) {
    union {
        const void *in;
        void *out;
    } context = {.in = stop};
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, context.out);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    if (ca_file != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    }
}

static int failed(
    CURLcode code, const char *place, int64_t timeout_ms, const char *words, struct err *err) {
    const struct arg *where =
        ARGS(A_CSTR(place), A_CSTR(words[0] != '\0' ? words : curl_easy_strerror(code)));
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        return err_set(err, ERR_CANCELLED, MSG_UPKEEP_STOPPING, NO_ARGS);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return err_set(
            err, ERR_TIMEOUT, MSG_NOTICE_TIMEOUT, ARGS(A_CSTR(place), A_INT(timeout_ms / 1000)));
    }
    if (code == CURLE_COULDNT_RESOLVE_HOST) {
        return err_set(err, ERR_UNREACHABLE, MSG_NOTICE_NAME, where);
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
        code == CURLE_SSL_CONNECT_ERROR || code == CURLE_USE_SSL_FAILED) {
        return err_set(err, ERR_FORBIDDEN, MSG_NOTICE_TLS, where);
    }
    return err_set(err, ERR_UNREACHABLE, MSG_NOTICE_UNREACHABLE, where);
}

/* ---- A line ---- */

static void set_socket(int fd) {
    unsigned int user_timeout = USER_TIMEOUT_MS;
    // Where the system does not know it, keep-alive notices later.
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout);
}

int line_open(const struct line_options *options, struct line_out **ret_line, struct err *err) {
    struct line_out *line = MEM_NEW(struct line_out);
    char words[CURL_ERROR_SIZE] = "";
    char url[URL_BYTES];
    bool v6 = strchr(options->host, ':') != NULL;
    struct buf text;
    buf_init(&text, sizeof url);
    buf_printf(&text, v6 ? "[%s]:%u" : "%s:%u", options->host, options->port);
    (void)str_copy_z(buf_str(&text), line->place, sizeof line->place);
    buf_clear(&text);
    buf_printf(&text, "http%s://%s/", options->tls ? "s" : "", line->place);
    (void)str_copy_z(buf_str(&text), url, sizeof url);
    buf_fini(&text);
    line->options = *options;
    line->curl = curl_easy_init();
    if (line->curl == NULL) {
        line_close(line);
        return err_set(
            err, ERR_INTERNAL, MSG_NOTICE_UNREACHABLE, ARGS(A_CSTR(options->host), A_CSTR("curl")));
    }
    set_common(line->curl, options->ca_file, options->timeout_ms, options->stop, words);
    (void)curl_easy_setopt(line->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(line->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(line->curl, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(line->curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
    (void)curl_easy_setopt(line->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(line->curl, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    CURLcode code = curl_easy_perform(line->curl);
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (code == CURLE_OK) {
        code = curl_easy_getinfo(line->curl, CURLINFO_ACTIVESOCKET, &fd);
    }
    (void)curl_easy_setopt(line->curl, CURLOPT_ERRORBUFFER, NULL); // It stood on this stack.
    if (code != CURLE_OK || fd == CURL_SOCKET_BAD) {
        int status = failed(code, line->place, options->timeout_ms, words, err);
        line_close(line);
        return status;
    }
    line->fd = fd;
    set_socket(fd);
    *ret_line = line;
    return 0;
}

void line_close(struct line_out *line) {
    if (line != NULL) {
        curl_easy_cleanup(line->curl);
        mem_free(line);
    }
}

/* Until bytes may go or `stop`; 0: go on. */
static int wait_writable(const struct line_out *line, int64_t deadline_ns, struct err *err) {
    int64_t left_ms = (deadline_ns - clock_mono_ns(clock_system())) / NS_PER_MS;
    if (left_ms <= 0) {
        return err_set(err, ERR_TIMEOUT, MSG_NOTICE_TIMEOUT,
            ARGS(A_CSTR(line->place), A_INT(line->options.timeout_ms / 1000)));
    }
    const struct stop_flag *stop = line->options.stop;
    struct pollfd waits[2] = {{.fd = line->fd, .events = POLLOUT},
        {.fd = stop != NULL ? stop->event_fd : -1, .events = POLLIN}};
    (void)poll(waits, 2, (int)left_ms); // Looked at again by sending, and by the next line.
    return stop != NULL && stop_flag_is_raised(stop)
               ? err_set(err, ERR_CANCELLED, MSG_UPKEEP_STOPPING, NO_ARGS)
               : 0;
}

int line_send(struct line_out *line, struct str bytes, struct err *err) {
    int64_t deadline = clock_mono_ns(clock_system()) + line->options.timeout_ms * NS_PER_MS;
    size_t sent = 0;
    while (sent < bytes.size) {
        size_t now = 0;
        CURLcode code = curl_easy_send(line->curl, bytes.data + sent, bytes.size - sent, &now);
        if (code == CURLE_OK) {
            sent += now;
            continue;
        }
        if (code != CURLE_AGAIN) {
            return err_set(err, ERR_CLOSED, MSG_NOTICE_CLOSED, ARGS(A_CSTR(line->place)));
        }
        int status = wait_writable(line, deadline, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

int line_check(struct line_out *line, struct err *err) {
    char passed[1024];
    for (int i = 0; i < 16; i++) { // More can wait for the next time.
        size_t size = 0;
        CURLcode code = curl_easy_recv(line->curl, passed, sizeof passed, &size);
        if (code == CURLE_AGAIN) {
            break;
        }
        if (code != CURLE_OK || size == 0) {
            return err_set(err, ERR_CLOSED, MSG_NOTICE_CLOSED, ARGS(A_CSTR(line->place)));
        }
    }
    struct pollfd wait = {.fd = line->fd, .events = 0};
    if (poll(&wait, 1, 0) > 0 && (wait.revents & (POLLERR | POLLHUP)) != 0) {
        return err_set(err, ERR_CLOSED, MSG_NOTICE_CLOSED, ARGS(A_CSTR(line->place)));
    }
    return 0;
}

uint64_t line_unacknowledged(const struct line_out *line) {
    int size = 0;
    return ioctl(line->fd, SIOCOUTQ, &size) == 0 && size > 0 ? (uint64_t)size : 0;
}

/* ---- Mail ---- */

struct reading {
    struct str rest;
};

static size_t on_read(char *to, size_t one, size_t count, void *context) {
    struct reading *reading = context;
    size_t size = one * count < reading->rest.size ? one * count : reading->rest.size;
    memcpy(to, reading->rest.data, size);
    reading->rest = str_slice(reading->rest, size, reading->rest.size);
    return size;
}

/* What the server says is not for us: its status code is. */
static size_t on_write(char *data, size_t one, size_t count, void *context) {
    (void)data;
    (void)context;
    return one * count;
}

static int mail_result(
    CURL *curl, CURLcode code, const struct smtp_mail *mail, const char *words, struct err *err) {
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status); // 0: none came.
    if (code == CURLE_OK) {
        return 0;
    }
    const struct arg *what = ARGS(A_CSTR(mail->server), A_INT(status), A_CSTR(words));
    if (code == CURLE_LOGIN_DENIED) {
        return err_set(err, ERR_UNAUTHENTICATED, MSG_NOTICE_MAIL_LOGIN, what);
    }
    if (status >= 500) {
        return err_set(err, ERR_REFUSED, MSG_NOTICE_MAIL_REFUSED, what);
    }
    if (status >= 400) {
        return err_set(err, ERR_AGAIN, MSG_NOTICE_MAIL_LATER, what);
    }
    return failed(code, mail->server, mail->timeout_ms, words, err);
}

int smtp_send(const struct smtp_mail *mail, struct err *err) {
    char words[CURL_ERROR_SIZE] = "";
    struct reading reading = {.rest = mail->message};
    CURL *curl = curl_easy_init();
    struct curl_slist *recipients = curl_slist_append(NULL, mail->recipient);
    if (curl == NULL || recipients == NULL) {
        curl_easy_cleanup(curl);
        curl_slist_free_all(recipients);
        return err_set(
            err, ERR_INTERNAL, MSG_NOTICE_UNREACHABLE, ARGS(A_CSTR(mail->server), A_CSTR("curl")));
    }
    set_common(curl, mail->ca_file, mail->timeout_ms, mail->stop, words);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)mail->timeout_ms * 2);
    (void)curl_easy_setopt(curl, CURLOPT_URL, mail->server);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(
        curl, CURLOPT_USE_SSL, mail->tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
    if (mail->login != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_USERNAME, mail->login);
        (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, mail->password);
    }
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail->sender);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, &reading);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
    CURLcode code = curl_easy_perform(curl);
    int status = mail_result(curl, code, mail, words, err);
    curl_slist_free_all(recipients);
    curl_easy_cleanup(curl);
    return status;
}
