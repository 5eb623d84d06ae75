#ifndef SERVE_API_OPENAPI_H
#define SERVE_API_OPENAPI_H
/* The OpenAPI 3.1 document, written from the route table. Made once at start, by language. */
#include "core/buf.h"
#include "core/err.h"

enum { OPENAPI_BYTES_MAX = 1 << 20 };

void openapi_write(enum lang lang, struct buf *out);

#endif
