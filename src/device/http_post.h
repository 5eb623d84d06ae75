#ifndef DEVICE_HTTP_POST_H
#define DEVICE_HTTP_POST_H
/*
 * Sending a document over HTTP(S) to another system, for what the plant gives out. One call is one
 * session; redirections are not followed, because consented data goes to the consented place. Any
 * thread.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"

struct http_post {
    struct str url;
    struct str token;      // "Authorization: Bearer"; may be empty.
    struct str message_id; // "Idempotency-Key": the same when it is sent again.
    struct str type;       // Of the content.
    struct str body;
    int64_t timeout_ms;
    /* When the number is no longer `unchanged` the call ends with ERR_CANCELLED, within a second.
     */
    const _Atomic uint32_t *changes;
    uint32_t unchanged;
};

/* A connection that is kept between sendings, for whoever asks the same place again and again. One
 * thread at a time, but for the waking. */
struct http_line;
struct http_line_options {
    /* Trusts certificates of this authority (PEM) alone, whatever names they bear: for an authority
     * that is of one computer and signs for that one only. Empty: the system's, and the name. */
    struct str authority;
    bool unchecked; // Believes anybody: only to fetch what is checked by its own content.
};
struct http_line *http_line_new(const struct http_line_options *options);
void http_line_free(struct http_line *line); // NULL is allowed.
/* As http_post; without a body and type it is a GET. */
int http_line_send(
    struct http_line *line, const struct http_post *post, struct buf *answer, struct err *err);
/* A sending looks at its `changes` now. Any thread. */
void http_line_wake(struct http_line *line);

/* The HTTP status on an answer of any status, its body behind what is in `answer` (more than that
 * takes is passed over). ERR_TIMEOUT, ERR_CANCELLED, ERR_UNREACHABLE, ERR_REFUSED, ERR_CLOSED. */
int http_post(const struct http_post *post, struct buf *answer, struct err *err);
/* "http://host[:port]/..." or https. ERR_INVALID. */
int http_post_check(struct str url, struct err *err);

#endif
