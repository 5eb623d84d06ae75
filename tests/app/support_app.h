#ifndef APP_SUPPORT_APP_H
#define APP_SUPPORT_APP_H
/* A command typed on a cold home and what it said, for the tests of this room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/command.h"

struct said {
    int code;
    char out[16384];
    char words[16384]; // On the error descriptor.
};

/* A command as main runs it; arguments behind HOME, ended by NULL. Without a home the first of them
 * is what stands in its place. */
void type(struct home *home, const char *name, const char *const *arguments, struct said *ret_said);
#define TYPE(home, name, said, ...) type(home, name, (const char *const[]){__VA_ARGS__, NULL}, said)

/* Fails with all that was said unless it ended so, with these words on the error descriptor. */
void says(const struct said *said, int code, const char *words);

#endif
