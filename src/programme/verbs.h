#ifndef PROGRAMME_VERBS_H
#define PROGRAMME_VERBS_H
/*
 * The questions one can ask about a programme: subsidy, eligible, score, rank, deadlines, clawback,
 * and of what runs: level, worklog, settle.
 * The command line, the API and the cases all ask here, so that a page can never show another
 * figure than an auditor computes. Pure functions of programme, type, input and (for days) the
 * calendar of public holidays; any thread.
 */
#include "programme/answer.h"

struct verb {
    const char *name;
    bool needs_type; // False: `type` may be NULL though the programme has several.
    /* Writes the answer's members. ERR_INVALID: the input is no such thing (a date that is none,
     * negative money); what a rule forbids is no error but a refusal in the answer. */
    int (*ask)(const struct programme *programme, const struct json_in *type,
        const struct json_in *input, struct answer *answer, struct err *err);
    const char *const *keys; // Members of the input that are used, ended by NULL.
};

const struct verb *verb_find(struct str name); // NULL: none.
const struct verb *verb_at(size_t index);      // NULL past the end.
/* Asks and appends the whole answer to `out`. On failure `out` is as it was. */
int verb_ask(const struct verb *verb, const struct programme *programme, struct str type,
    const struct json_in *input, struct buf *out, struct err *err);

int ask_subsidy(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);
int ask_eligible(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);
int ask_score(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);
int ask_rank(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);
int ask_deadlines(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);
int ask_level(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);
int ask_worklog(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);
int ask_settle(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);
int ask_clawback(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err);

#endif
