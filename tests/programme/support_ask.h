#ifndef TESTS_PROGRAMME_SUPPORT_ASK_H
#define TESTS_PROGRAMME_SUPPORT_ASK_H
/* Asks one question of a programme written in the test and reads the answer back. */
#include "programme/programme.h"
#include "programme/verbs.h"

typedef int (*ask_function)(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);

struct json_in *json_from(const char *text); // The caller frees.
struct programme *programme_from(const char *text);
/* NULL: the question itself was refused; *ret_code then says why. The caller frees. */
struct json_in *ask_with(ask_function ask, const struct programme *programme, const char *type,
    const char *input, int *ret_code);
/* Fails the test when there is no answer. */
struct json_in *ask_one(
    ask_function ask, const char *programme, const char *type, const char *input);
/* The element of a list of the answer whose member is this; NULL: none. */
const struct json_in *entry_of(
    const struct json_in *answer, const char *list, const char *member, const char *value);
const char *text_in(const struct json_in *object, const char *member); // "" when absent.
bool is_json(const struct json_in *value, const char *json);           // Compares as compact JSON.
bool mentions(const struct json_in *answer, const char *list, const char *part); // Any language.

#endif
