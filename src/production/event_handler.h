#ifndef PRODUCTION_EVENT_HANDLER_H
#define PRODUCTION_EVENT_HANDLER_H
/*
 * What carries one type of event out: the handler of its row in events.def. All its members were
 * read and found right before: a needed one is there, a code means a row. It runs inside the
 * transaction; what it returns negative undoes everything. It writes what the type gives into
 * `answer`, the open object of the answer (without "event", "time" and "warnings"). Names of
 * members are those of the type's rows: another one ends the program.
 */
#include "production/event.h"
#include "production/words.h"

struct event_value;

struct event {
    struct ledger_tx *tx;
    int64_t number;      // Of production_events: for the columns `event`.
    int64_t time_ns;     // When it happened.
    int64_t entered_ns;  // Now.
    struct str actor;    // For the audit chain and columns `actor`.
    struct str terminal; // May be empty.
    const struct zone *zone;
    struct historian *historian; // NULL: none, and no values of tags.
    bool may_manage;
    enum lang lang;
    struct arena *arena; // Lives as long as the call.
    struct json *answer;
    struct json *warnings;
    uint32_t type;
    struct event_value *values; // By field, then as given.
    bool rewritten;             // By event_rewrite.
    const uint32_t *firsts;     // Of each field, its first value; one more behind the last.
};

/* How many values there are: 0 or 1, of a list any number. */
uint32_t event_count(const struct event *event, const char *name);
bool event_has(const struct event *event, const char *name);
/* The text as it was given; empty when absent. */
struct str event_text(const struct event *event, const char *name);
struct str event_text_at(const struct event *event, const char *name, uint32_t index);
/* The number: of the row that a code means, millionths of quantities and won, nanoseconds of times
 * and lengths, the index of a choice, 0 or 1 of a flag, days since 1970 of a date. `absent` when it
 * was not given. */
int64_t event_i64(const struct event *event, const char *name, int64_t absent);
int64_t event_i64_at(const struct event *event, const char *name, uint32_t index);
/* Of the kind NUMBER. */
double event_f64(const struct event *event, const char *name, double absent);
/* Two lists that belong together have the same length, or ERR_INVALID. */
int event_lists_match(
    const struct event *event, const char *name, const char *other, struct err *err);
/* What is kept of a member instead of what was given, where that must not be kept (a badge). */
void event_rewrite(struct event *event, const char *name, uint32_t index, struct str text);
/* A state ("released") as the pages call it, in the language of the event. */
struct str event_state(const struct event *event, struct str state);
/* A sentence for whoever told the event: it was done, but. */
void event_warn(struct event *event, enum msg_id id, const struct arg *args);

#define EVENT(id, type, right, handler, words) int handler(struct event *event, struct err *err);
#define MEMBER(event, name, kind, need, words, more)
#include "production/events.def"
#undef EVENT
#undef MEMBER

#endif
