#ifndef TESTS_PROGRAMME_SUPPORT_EXAMPLES_H
#define TESTS_PROGRAMME_SUPPORT_EXAMPLES_H
/*
 * Runs worked examples from a file of tests/data: {"examples": [{id, verb, programme, type?, input,
 * expect, refused?}]}. `expect` names members of the answer and what they must be; `refused` lists
 * the rules that must be refused, and no others, `reasons` the results of single rules. Fails the
 * running test with the example's id.
 */
#include <stddef.h>

/* Runs those whose verb is `verb` (NULL: all). Returns how many there were. */
size_t run_examples(const char *path, const char *verb);

#endif
