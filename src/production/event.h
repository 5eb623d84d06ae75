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
 */
#include "core/json.h"
#include "ledger/ledger.h"

enum { EVENT_MEMBERS_MAX = 256, EVENT_KEY_BYTES_MAX = 128, EVENT_BYTES_MAX = 64 << 10 };

/* Values as people write them: codes, decimals, RFC 3339. A member that may come several times is
 * a list, in its order. */
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
    struct str terminal; // Where; may be empty.
    bool may_manage;     // The caller is manager or owner; else operator.
    enum lang lang;      // Of the warnings.
};

/* Carries it out. The answer is a JSON object: `event` (its number), `repeated` where it was done
 * before, `warnings` (sentences: over-production, negative stock allowed by setting, ...) and what
 * the type gives. ERR_INVALID, ERR_NOT_FOUND, ERR_CONFLICT (what stands does not allow it),
 * ERR_FORBIDDEN. */
int event_run(
    struct ledger *ledger, const struct event_call *call, struct buf *answer, struct err *err);

#endif
