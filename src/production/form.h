#ifndef PRODUCTION_FORM_H
#define PRODUCTION_FORM_H
/*
 * Papers of the shop floor (nouns `forms`, `form_fields`): an empty sheet with what comes by
 * itself, which sheets are due today, and entries that were filled in (event `form.fill`). Inside
 * ledger_read; answers are written into an open JSON array or object.
 */
#include "core/json.h"
#include "core/time.h"
#include "ledger/ledger.h"

enum { FORM_FIELDS_MAX = 100, FORM_ENTRIES_MAX = 500, FORM_DUE_MAX = 2000 };
#define FORM_TODAY INT64_MIN

/* What a sheet is about. Empty texts: nothing is said. */
struct form_about {
    struct str machine; // Id of the asset.
    struct str order;
    struct str lot;
    struct str shift;
    int64_t day; // Since 1970-01-01; FORM_TODAY: that of the moment.
};
struct form_ask {
    const struct zone *zone;
    int64_t now_ns;
    struct form_about about;
    /* The newest value of a tag as a person reads it; false: there is none. */
    bool (*tag_text)(void *context, int64_t tag, struct buf *out);
    void *context;
};
/* Members of an empty sheet into the open object: the form, what it is about, its fields with their
 * values. ERR_NOT_FOUND, ERR_INVALID. */
int form_put_sheet(struct ledger_tx *tx, struct str form, const struct form_ask *ask,
    struct arena *arena, struct json *json, struct err *err);

/* What must be filled in on a day: filled, due, missing or later; FORM_DUE_MAX at most. */
int form_put_due(
    struct ledger_tx *tx, const struct form_ask *ask, struct json *json, struct err *err);

struct form_query {
    struct str form; // Code; empty: all.
    struct str machine;
    struct str order;
    struct str lot;
    struct str day;   // 2026-01-31; empty: all.
    int64_t number;   // One alone, with the body of its version; 0: many.
    int64_t before;   // Numbers below; INT64_MAX: from the newest.
    uint32_t limit;   // At most FORM_ENTRIES_MAX.
    bool no_replaced; // Without those that were corrected.
};
/* Newest first. *ret_next: for `before`; 0: there is nothing more. Count. */
int form_put_entries(struct ledger_tx *tx, const struct form_query *query, struct json *json,
    int64_t *ret_next, struct err *err);

/* One entry with the words of its version, for paper; texts in the arena. ERR_NOT_FOUND. */
struct form_line {
    struct str name;
    struct str kind; // "number", "check", ...
    struct str unit;
    double lower; // NaN: none.
    double upper;
    struct str value; // Empty: not filled in.
    bool outside;
};
struct form_entry {
    int64_t number;
    struct str name;
    int64_t version;
    int64_t time_ns;
    struct str day;
    struct str shift;
    struct str machine; // Its name; empty: none, as the next three.
    struct str order;
    struct str lot;
    struct str worker;
    int64_t replaced_by; // 0: it holds.
    struct str why;
    struct form_line *lines;
    uint32_t line_count;
};
int form_entry_get(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct form_entry *ret_entry, struct err *err);

/* Entries of one form as a table, oldest first: `columns` once, then each row's cells. A column of
 * every field that the form has or had. ERR_NOT_FOUND. */
struct form_table {
    enum lang lang;
    const struct zone *zone;
    void *context;
    int (*row)(void *context, const struct str *cells, uint32_t count, struct err *err);
};
int form_table_put(
    struct ledger_tx *tx, struct str form, const struct form_table *table, struct err *err);

#endif
