#ifndef SERVE_EXAMPLES_H
#define SERVE_EXAMPLES_H
/*
 * An example of a route: what is asked, with which body, and what is answered. examples.def is
 * their one source; the description of the interface carries them, and tests/serve/test_openapi.c
 * asks them of a real server, so that none can be wrong. Texts are constants of the program.
 */
#include <stdint.h>

struct example {
    const char *route; // Its id in routes.def.
    uint32_t status;
    const char *target; // Path and query, as asked of a plant "p1".
    const char *answer; // JSON; "null": there is none.
};

/* In the order in which they are asked; NULL behind the last. */
const struct example *example_at(uint32_t index);
/* NULL: the route has none. */
const struct example *example_of(const char *route);
/* The body of its request: JSON, or lines of text. NULL: none. */
const char *example_body(const char *route);

#endif
