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

/* The HTTP status on an answer of any status, its body behind what is in `answer` (more than that
 * takes is passed over). ERR_TIMEOUT, ERR_CANCELLED, ERR_UNREACHABLE, ERR_REFUSED, ERR_CLOSED. */
int http_post(const struct http_post *post, struct buf *answer, struct err *err);
/* "http://host[:port]/..." or https. ERR_INVALID. */
int http_post_check(struct str url, struct err *err);

#endif
