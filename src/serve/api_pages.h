#ifndef SERVE_API_PAGES_H
#define SERVE_API_PAGES_H
/*
 * The built-in pages: files of the UI build, embedded by cmake/ui.cmake and tools/embed-pages.py.
 * Constant; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

struct call;
struct err;

struct page_asset {
    const char *path; // "/index.html", "/assets/index-4f3a.js"
    const char *mime;
    const uint8_t *data;
    size_t size;
    const uint8_t *gzip; // NULL: not worth compressing.
    size_t gzip_size;
    const char *etag; // Quoted.
    bool immutable;   // The name holds a hash: may be kept for a year.
};

/* The generated table, sorted by path, ended by a NULL path. */
extern const struct page_asset PAGE_ASSETS[];

/* Whether a path (as sent) is a page's: everything but the interface's own. */
bool pages_owns_path(struct str path);
int api_page(struct call *call, struct err *err);

#endif
