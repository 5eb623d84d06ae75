#ifndef REFINE_SCRIPT_H
#define REFINE_SCRIPT_H
/*
 * Expressions of derived tags: Lua 5.4 in a sandbox. Private to the room; lua.c alone includes the
 * library. One owner thread. An expression sees the functions below and nothing else: no files, no
 * system, no loading of code, no string library, nothing random. It cannot keep anything between
 * two runs. It has SCRIPT_STEPS_MAX steps, SCRIPT_TIME_MS and SCRIPT_MEMORY_BYTES; beyond it is
 * stopped with words, and nothing else is disturbed.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/err.h"

enum {
    SCRIPT_STEPS_MAX = 100000,     // Instructions of one run.
    SCRIPT_TIME_MS = 50,           // Of one run.
    SCRIPT_MEMORY_BYTES = 8 << 20, // Of all expressions of a plant together.
};

enum script_kind { SCRIPT_NIL, SCRIPT_REAL, SCRIPT_WHOLE, SCRIPT_TRUTH, SCRIPT_TEXT };

struct script_value {
    enum script_kind kind;
    double real;
    int64_t whole; // Also truth.
    struct str text;
};

enum script_question {
    ASK_VALUE,    // tag(name [, otherwise])
    ASK_PREVIOUS, // previous(name)
    ASK_GOOD,     // good(name): whether there is a value that is not bad
    ASK_AGE,      // age(name), seconds
    ASK_TIME,     // time(), seconds since 1970 UTC
    ASK_SUM,      // sum(name, size [, "rows"])
    ASK_AVERAGE,
    ASK_MINIMUM,
    ASK_MAXIMUM,
};

struct script_ask {
    enum script_question question;
    struct str name;
    double size; // Of a window: seconds, or rows.
    bool by_rows;
};

enum script_reply {
    REPLY_VALUE,
    REPLY_BAD,     // There is no usable value: the result is bad.
    REPLY_UNKNOWN, // The name is none of the expression's inputs.
};

/* Who answers the questions of a run. */
struct script_world {
    void *context;
    enum script_reply (*answer)(
        void *context, const struct script_ask *ask, struct script_value *ret_value);
};

struct script;

struct script *script_new(const struct clock *clock);
void script_free(struct script *script);
/* The number of a compiled expression. `text` is an expression ("tag('a') * 2") or statements with
 * `return`. ERR_INVALID with words that name the line. */
int script_compile(struct script *script, struct str text, int *ret_number, struct err *err);
/* Runs one. 1: *ret_value is the result, texts borrowed until the next run; 0: an input is bad;
 * ERR_INVALID: the expression failed, in words. */
int script_run(struct script *script, int number, const struct script_world *world,
    struct script_value *ret_value, struct err *err);

#endif
