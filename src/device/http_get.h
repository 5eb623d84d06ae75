#ifndef DEVICE_HTTP_GET_H
#define DEVICE_HTTP_GET_H
/*
 * Fetching a document over HTTP(S), for drivers whose machines speak it. One client a link: it
 * keeps the connection between requests. Private to the room; one thread.
 */
#include "core/buf.h"
#include "device/driver.h"

struct http_get;

struct http_get_options {
    struct str user; // Empty: no sign-in.
    struct str password;
    struct str header;  // One more header line, "X-Key: abc"; may be empty.
    struct str ca_file; // Certificates to trust instead of the system's; may be empty.
};

/* Texts are copied. */
struct http_get *http_get_new(const struct http_get_options *options);
void http_get_free(struct http_get *client); // NULL is allowed.

/* Gets `url` before the request's deadline (`io`, which counts the request and its round trip) and
 * puts the body behind what is in `body`. Follows up to three redirections. The HTTP status on an
 * answer of any status; negative without an answer, with words: ERR_TIMEOUT, ERR_CANCELLED,
 * ERR_UNREACHABLE, ERR_REFUSED, ERR_LIMIT (longer than the buffer takes), ERR_CLOSED */
int http_get(struct http_get *client, struct driver_io *io, struct str url, struct buf *body,
    struct err *err);
/* Words for a status that is no success. */
int http_get_refused(struct str url, int status, struct err *err);

/* "http://host[:port]/..." or https. ERR_INVALID. */
int http_get_check(struct str url, struct err *err);
/* The socket of the kept connection, for watching; -1: none. */
int http_get_fd(const struct http_get *client);

#endif
