#ifndef PROGRAMME_PROGRAMME_H
#define PROGRAMME_PROGRAMME_H
/*
 * A support programme as data (docs/PROGRAMME.md): one JSON document, read once, never changed. The
 * document is the model: the rules are asked of its tree, so that a new announcement needs no new
 * C. A programme has one owner; any number of threads may read it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/json_in.h"

struct programme;

enum { PROGRAMME_BYTES_MAX = 1 << 20 }; // Of one document; refused beyond.

/* Reads the document; only what everything needs is looked at (format, id, kind): contradictions
 * are what programme_check finds. ERR_INVALID, ERR_VERSION, ERR_LIMIT. */
int programme_parse(struct str json, struct programme **ret_programme, struct err *err);
void programme_free(struct programme *programme); // NULL is allowed.

const struct json_in *programme_root(const struct programme *programme);
struct str programme_id(const struct programme *programme);
struct str programme_text(const struct programme *programme, const char *member); // Of the top.
/* A support type. An empty id: the only one there is. ERR_NOT_FOUND names those that exist,
 * ERR_USAGE: several, and none was named. */
int programme_type(const struct programme *programme, struct str id,
    const struct json_in **ret_type, struct err *err);
/* An element of a list of the top by its id; NULL: none. */
const struct json_in *programme_find(
    const struct programme *programme, const char *list, struct str id);
/* The element of any list whose member "id" is this; NULL: none. */
const struct json_in *list_find(const struct json_in *list, struct str id);

#endif
