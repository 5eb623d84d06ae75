#ifndef PROGRAMME_SHELF_H
#define PROGRAMME_SHELF_H
/*
 * The programmes that ship (share/programmes), and the overview of an umbrella's money. Any thread.
 */
#include "core/json.h"
#include "programme/programme.h"

/* A shipped programme, read anew; the caller frees it. ERR_NOT_FOUND. */
int shelf_find(struct str id, struct programme **ret_programme, struct err *err);
/* All of them, in the order of their ids; each is lent for the call. */
int shelf_each(int (*each)(void *context, const struct programme *programme, struct err *err),
    void *context, struct err *err);
/* The text of a shipped programme, as it stands in its file; empty: none. */
struct str shelf_text(struct str id);

/* What a list of programmes shows of one: an object. */
void programme_put_line(struct json *json, const struct programme *programme);
/* The money of an umbrella: what its members' budgets add up to, by field, against what was
 * announced, and how many projects each budget pays at the cap. An object; null where the document
 * is no umbrella with a portfolio. Members are looked up on the shelf. */
int programme_put_portfolio(struct json *json, const struct programme *programme, struct err *err);

#endif
