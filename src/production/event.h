#ifndef PRODUCTION_EVENT_H
#define PRODUCTION_EVENT_H
/*
 * What people and terminals tell of production: an event is a `type` of events.def and its members,
 * carried out in one transaction with all its effects, or refused with a sentence and nothing done.
 * Each carries a key of its sender; an event whose key was seen is not done again and gets the
 * first answer again (other members under the same key: ERR_CONFLICT), so a terminal may send it
 * until somebody answers. Refusals are not kept: the same key may be tried again. The member `time`
 * is when it happened (a terminal may have been without a network); absent: now; more than 5
 * minutes ahead or 31 days behind is refused. Any thread that may block.
 *
 * What was typed and may be a slip (types with the member `sure`) is asked before it counts:
 * ERR_CONFLICT with the note PRODUCTION_DOUBT, and done when it comes again with `sure`. With
 * `later` it is kept instead, and the answer is {"doubtful":N,"warnings":[...]}; told again under
 * its key with `sure` it is done, and event doubtful.drop ends it.
 */
#include "core/json.h"
#include "ledger/ledger.h"

struct historian;

enum {
    EVENT_MEMBERS_MAX = 256, // Given with one event.
    EVENT_KEY_BYTES_MAX = 128,
    EVENT_BYTES_MAX = 64 << 10,   // Of all names and values together.
    EVENT_ANSWER_BYTES = 1 << 20, // What the caller's buffer should take.
    EVENT_FIELDS_MAX = 24,        // Different members of a type, with `time`.
};

/* ---- What there is (events.def) ---- */

enum event_kind {
    EVENT_KIND_CODE,     // 1 to 64 bytes without control characters.
    EVENT_KIND_TEXT,     // At most 256 bytes.
    EVENT_KIND_NOTE,     // At most 1,024 bytes; may have lines.
    EVENT_KIND_CHOICE,   // One of `more`.
    EVENT_KIND_FLAG,     // 1 0 true false yes no Y N 예 아니오
    EVENT_KIND_QUANTITY, // Above 0, at most 9,000,000,000,000, six decimals.
    EVENT_KIND_LEVEL,    // The same, or 0.
    EVENT_KIND_CHANGE,   // The same, or below 0.
    EVENT_KIND_MONEY,    // Won: as LEVEL.
    EVENT_KIND_SECONDS,  // 0 to 31,536,000 with at most six decimals.
    EVENT_KIND_COUNT,    // A whole number, 0 to 2^53.
    EVENT_KIND_NUMBER,   // Any finite number.
    EVENT_KIND_DATE,     // 2026-01-31
    EVENT_KIND_TIME,     // RFC 3339; without an offset in the plant's zone.
    EVENT_KIND_REF, // The code of a row of the noun `more`; of machines their asset's id, of items
                    // also the GTIN.
    EVENT_KIND_WORKER,    // The code of a worker, or what stands on their badge.
    EVENT_KIND_TAG,       // The name of a tag.
    EVENT_KIND_LOT,       // The code of a lot that there is.
    EVENT_KIND_ORDER,     // The code of a work order.
    EVENT_KIND_SALES,     // The code of a sales order.
    EVENT_KIND_OPERATION, // Work order and step: WO-1/10.
    EVENT_KIND_STOP,      // The number of a stop.
    EVENT_KIND_RUN,       // The number of a run.
};

enum event_need {
    EVENT_NEEDED,
    EVENT_FREE,
    EVENT_LIST, // Any number of them, in their order.
    EVENT_MANY, // One or more.
};

enum event_right { EVENT_OPERATE, EVENT_MANAGE };

struct event_field {
    const char *name;
    enum event_kind kind;
    enum event_need need;
    enum msg_id words;
    const char *more;
};
struct event_type {
    const char *name;
    enum event_right right;
    enum msg_id words;
};
/* By their order in the table; NULL behind the last. */
const struct event_type *event_type_at(uint32_t index);
/* Members of that type, `time` last; NULL behind the last. */
const struct event_field *event_field_at(uint32_t type, uint32_t index);
const char *event_kind_name(enum event_kind kind); // "quantity"
const char *event_need_name(enum event_need need); // "needed"

/* ---- Telling one ---- */

/* Values as people write them: codes, decimals, RFC 3339; blanks at their ends are dropped, and an
 * empty one is absent. A member that may come several times is a list, in its order. */
struct event_member {
    struct str name;
    struct str value;
};

struct event_call {
    struct str key;
    struct str type;
    const struct event_member *members;
    uint32_t member_count;
    struct str actor;    // Who, as the audit chain calls them.
    struct str terminal; // Where; may be empty. At most 64 bytes are kept.
    bool may_manage;     // The caller is manager or owner; else operator.
    bool later;     // Told after a time without a network: nobody is there to answer a question.
    enum lang lang; // Of the warnings.
    const struct zone *zone;     // The plant's; NULL: UTC.
    struct historian *historian; // Of values that tags tell; NULL: there are none.
};

/* Carries it out. The answer is a JSON object: `event` (its number), `repeated` where it was done
 * before, `warnings` (sentences: over-production, negative stock allowed by setting, ...) and what
 * the type gives. ERR_INVALID, ERR_NOT_FOUND, ERR_CONFLICT (what stands does not allow it),
 * ERR_FORBIDDEN. */
int event_run(
    struct ledger *ledger, const struct event_call *call, struct buf *answer, struct err *err);

/* ---- What was told ---- */

struct event_row {
    int64_t number;
    struct str key;
    struct str type;
    int64_t time_ns;
    int64_t entered_ns;
    struct str actor;
    struct str terminal;
    struct str body;   // JSON: `type` and the members as texts.
    struct str answer; // JSON.
};
struct event_query {
    int64_t before;  // Numbers below; INT64_MAX: from the newest.
    struct str type; // Empty: all.
};
/* Newest first; texts in the arena. Count. Inside ledger_read. */
int event_list(struct ledger_tx *tx, const struct event_query *query, struct arena *arena,
    struct event_row *ret_rows, uint32_t max, struct err *err);

#endif
