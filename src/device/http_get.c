/*
 * libcurl's easy interface, one handle a link. Its waits end at the request's deadline; a stop is
 * seen within a second, because the progress function looks at the stop descriptor. Signals are not
 * used. The library begins by itself with the first handle, which since 7.84 any thread may make.
 * The name is looked up on a thread of the library that ends with the look-up.
 *
 * What is sent goes over a line: a handle in a multi handle, because waits on that can be woken by
 * another thread, and a withdrawn consent or an ended visit must not wait for the other side.
 */
#include "device/http_get.h"

#include <poll.h>
#include <string.h>

#include <curl/curl.h>

#include "core/clock.h"
#include "core/mem.h"
#include "device/http_post.h"

enum { REDIRECTIONS_MAX = 3, URL_BYTES = 2048, CONNECT_TIMEOUT_MS = 5000, LINE_POLL_MS = 500 };

struct http_get {
    CURL *curl;
    struct curl_slist *headers;
    int stop_fd;
    struct buf *body;
};

static size_t take(char *data, size_t size, size_t count, void *context) {
    struct http_get *client = context;
    buf_put(client->body, data, size * count);
    return client->body->overflow ? 0 : size * count;
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    const struct http_get *client = context;
    struct pollfd stop = {.fd = client->stop_fd, .events = POLLIN};
    return poll(&stop, 1, 0) > 0;
}

static void set_text(CURL *curl, CURLoption option, struct str value) {
    if (value.size > 0) {
        AUTO_FREE char *text = mem_copy_z(value);
        (void)curl_easy_setopt(curl, option, text); // Copied by the library.
    }
}

struct http_get *http_get_new(const struct http_get_options *options) {
    struct http_get *client = MEM_NEW(struct http_get);
    client->stop_fd = -1;
    client->curl = curl_easy_init();
    CURL *curl = client->curl;
    if (curl == NULL) {
        return client; // http_get says so.
    }
    if (options->header.size > 0) {
        AUTO_FREE char *header = mem_copy_z(options->header);
        client->headers = curl_slist_append(NULL, header);
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    }
    set_text(curl, CURLOPT_USERNAME, options->user);
    set_text(curl, CURLOPT_PASSWORD, options->password);
    set_text(curl, CURLOPT_CAINFO, options->ca_file);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "maru/" MARU_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    /* A header may be a key, which the library would also send where the machine points to. */
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, options->header.size > 0 ? 0L : 1L);
    (void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTIONS_MAX);
    (void)curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); // Machines are not behind a proxy.
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client);
    return client;
}

void http_get_free(struct http_get *client) {
    if (client != NULL) {
        curl_easy_cleanup(client->curl);
        curl_slist_free_all(client->headers);
        mem_free(client);
    }
}

static int fail(CURLcode code, struct str url, int64_t timeout_ms, struct err *err) {
    const struct arg *args = ARGS(A_STR(url), A_CSTR(curl_easy_strerror(code)));
    // NOLINTNEXTLINE(clang-diagnostic-switch-enum): the library has a hundred; these are told
    // apart.
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        return err_set(err, ERR_CANCELLED, MSG_DEVICE_STOPPING, NO_ARGS);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return err_set(err, ERR_TIMEOUT, MSG_DEVICE_NO_ANSWER, ARGS(A_INT(timeout_ms)));
    }
    if (code == CURLE_COULDNT_RESOLVE_HOST) {
        return err_set(err, ERR_UNREACHABLE, MSG_DEVICE_HOST_UNKNOWN, ARGS(A_STR(url)));
    }
    if (code == CURLE_COULDNT_CONNECT) {
        return err_set(err, ERR_REFUSED, MSG_HTTP_CONNECT, args);
    }
    if (code == CURLE_WRITE_ERROR) {
        return err_set(err, ERR_LIMIT, MSG_HTTP_LONG, ARGS(A_STR(url)));
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        return err_set(err, ERR_REFUSED, MSG_HTTP_CERTIFICATE, args);
    }
    return err_set(err, ERR_CLOSED, MSG_HTTP_BROKEN, args);
}

int http_get(struct http_get *client, struct driver_io *io, struct str url, struct buf *body,
    struct err *err) {
    char url_z[URL_BYTES];
    if (url.size >= sizeof url_z || client->curl == NULL) {
        return err_set(err, ERR_LIMIT, MSG_HTTP_URL, ARGS(A_STR(url)));
    }
    (void)str_copy_z(url, url_z, sizeof url_z);
    int64_t stamp = io_request_sent(io);
    int64_t left_ms = (io_deadline_ns(io) - io_mono_ns(io)) / NS_PER_MS;
    left_ms = left_ms > 0 ? left_ms : 1;
    client->stop_fd = io_stop_fd(io);
    client->body = body;
    (void)curl_easy_setopt(client->curl, CURLOPT_URL, url_z);
    (void)curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
    (void)curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(left_ms < CONNECT_TIMEOUT_MS ? left_ms : CONNECT_TIMEOUT_MS));
    CURLcode code = curl_easy_perform(client->curl);
    if (code != CURLE_OK) {
        return fail(code, url, left_ms, err);
    }
    io_request_answered(io, stamp);
    long status = 0;
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

int http_get_refused(struct str url, int status, struct err *err) {
    enum msg_id id = status == 401 || status == 403 ? MSG_HTTP_FORBIDDEN
                     : status == 404                ? MSG_HTTP_ABSENT
                                                    : MSG_HTTP_STATUS;
    return err_set(err, ERR_DEVICE, id, ARGS(A_STR(url), A_INT(status)));
}

int http_get_check(struct str url, struct err *err) {
    bool secure = str_starts(url, STR("https://"));
    size_t head = secure ? 8 : 7;
    bool known = secure || str_starts(url, STR("http://"));
    bool blank = str_find(url, ' ') < url.size;
    if (!known || url.size <= head || url.size >= URL_BYTES || blank || url.data[head] == '/') {
        return err_set(err, ERR_INVALID, MSG_HTTP_ADDRESS, ARGS(A_STR(url)));
    }
    struct str host = str_slice(url, head, url.size);
    host = str_slice(host, 0, str_find(host, '/'));
    if (str_find(host, '@') < host.size) { // Addresses are shown: not repeated here either.
        return err_set(err, ERR_INVALID, MSG_HTTP_USER_IN_URL, NO_ARGS);
    }
    return 0;
}

int http_get_fd(const struct http_get *client) {
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (client->curl == NULL ||
        curl_easy_getinfo(client->curl, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK) {
        return -1;
    }
    return fd == CURL_SOCKET_BAD ? -1 : fd;
}

/* ---- Sending ---- */

struct sending {
    const struct http_post *post;
    struct buf *answer;
};

static size_t take_answer(char *data, size_t size, size_t count, void *context) {
    struct sending *sending = context;
    size_t room = sending->answer->max - sending->answer->size;
    size_t bytes = size * count;
    buf_put(sending->answer, data, bytes < room ? bytes : room);
    return bytes;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, struct str value) {
    AUTO_BUF struct buf line;
    buf_init(&line, URL_BYTES);
    buf_printf(&line, "%s%.*s", name, STR_ARG(value));
    struct curl_slist *longer =
        value.size == 0 || line.overflow ? NULL : curl_slist_append(list, buf_z(&line));
    return longer != NULL ? longer : list;
}

struct http_line {
    CURL *curl;
    CURLM *multi; // Waits on it can be woken.
    char *authority;
    bool unchecked;
};

struct http_line *http_line_new(const struct http_line_options *options) {
    struct http_line *line = MEM_NEW(struct http_line);
    line->curl = curl_easy_init();
    line->multi = curl_multi_init();
    line->authority = options->authority.size > 0 ? mem_copy_z(options->authority) : NULL;
    line->unchecked = options->unchecked;
    return line; // Without handles http_line_send says so.
}

void http_line_free(struct http_line *line) {
    if (line != NULL) {
        curl_easy_cleanup(line->curl);
        (void)curl_multi_cleanup(line->multi);
        mem_free(line->authority);
        mem_free(line);
    }
}

void http_line_wake(struct http_line *line) {
    (void)curl_multi_wakeup(line->multi);
}

static void set_trust(const struct http_line *line) {
    CURL *curl = line->curl;
    if (line->authority != NULL) {
        struct curl_blob pem = {line->authority, strlen(line->authority), CURL_BLOB_COPY};
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &pem);
        (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
        (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (line->unchecked) {
        (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    }
}

static void set_sending(struct http_line *line, struct sending *sending) {
    CURL *curl = line->curl;
    const struct http_post *post = sending->post;
    curl_easy_reset(curl); // Keeps the connection.
    set_trust(line);
    set_text(curl, CURLOPT_URL, post->url);
    if (post->type.size > 0 || post->body.size > 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.size);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->body.data);
    }
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "maru/" MARU_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, sending);
}

/* Runs one transfer to its end; the handle stays in the multi handle only meanwhile. */
static CURLcode line_run(struct http_line *line, const struct http_post *post) {
    CURLcode code = CURLE_FAILED_INIT;
    int running = curl_multi_add_handle(line->multi, line->curl) == CURLM_OK ? 1 : 0;
    while (running > 0) {
        if (curl_multi_perform(line->multi, &running) != CURLM_OK) {
            running = 0;
        }
        if (running > 0 && *post->changes != post->unchanged) {
            code = CURLE_ABORTED_BY_CALLBACK;
            running = 0;
        }
        if (running > 0) {
            (void)curl_multi_poll(line->multi, NULL, 0, LINE_POLL_MS, NULL);
        }
    }
    int left = 0;
    const struct CURLMsg *message = curl_multi_info_read(line->multi, &left);
    if (message != NULL && message->msg == CURLMSG_DONE) {
        code = message->data.result;
    }
    (void)curl_multi_remove_handle(line->multi, line->curl);
    return code;
}

int http_line_send(
    struct http_line *line, const struct http_post *post, struct buf *answer, struct err *err) {
    if (line->curl == NULL || line->multi == NULL) {
        return err_set(err, ERR_LIMIT, MSG_HTTP_URL, ARGS(A_STR(post->url)));
    }
    struct sending sending = {.post = post, .answer = answer};
    struct curl_slist *headers = add_header(NULL, "Content-Type: ", post->type);
    headers = add_header(headers, "Idempotency-Key: ", post->message_id);
    headers = add_header(headers, "Authorization: Bearer ", post->token);
    headers = add_header(headers, "Expect:", STR(" ")); // No round trip before the body.
    set_sending(line, &sending);
    (void)curl_easy_setopt(line->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = line_run(line, post);
    long status = 0;
    (void)curl_easy_getinfo(line->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_setopt(line->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return code == CURLE_OK ? (int)status : fail(code, post->url, post->timeout_ms, err);
}

int http_post(const struct http_post *post, struct buf *answer, struct err *err) {
    struct http_line *line = http_line_new(&(struct http_line_options){.unchecked = false});
    int result = http_line_send(line, post, answer, err);
    http_line_free(line);
    return result;
}

int http_post_check(struct str url, struct err *err) {
    return http_get_check(url, err);
}
