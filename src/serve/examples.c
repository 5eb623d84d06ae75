/*
 * The rows of examples.def. JSON stands there as it is and becomes text by the preprocessor, so
 * that nobody reads or writes escapes.
 */
#include "serve/examples.h"

#include <stddef.h>
#include <string.h>

struct example_body {
    const char *route;
    const char *text;
};

static const struct example_body BODIES[] = {
#define BODY(route, ...)   {#route, #__VA_ARGS__},
#define LINES(route, text) {#route, text},
#define EXAMPLE(route, status, target, ...)
#include "serve/examples.def"
#undef BODY
#undef LINES
#undef EXAMPLE
};

static const struct example EXAMPLES[] = {
#define BODY(route, ...)
#define LINES(route, text)
#define EXAMPLE(route, status, target, ...) {#route, status, target, #__VA_ARGS__},
#include "serve/examples.def"
#undef BODY
#undef LINES
#undef EXAMPLE
};

const struct example *example_at(uint32_t index) {
    return index < sizeof EXAMPLES / sizeof EXAMPLES[0] ? &EXAMPLES[index] : NULL;
}

const struct example *example_of(const char *route) {
    for (uint32_t i = 0; example_at(i); i++) {
        if (strcmp(example_at(i)->route, route) == 0) {
            return example_at(i);
        }
    }
    return NULL;
}

const char *example_body(const char *route) {
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        if (strcmp(BODIES[i].route, route) == 0) {
            return BODIES[i].text;
        }
    }
    return NULL;
}
