/*
 * The types of events and their members, as tables made from events.def.
 *
 * Every type has the member `time` without a row of its own: when it happened is the one thing that
 * each of them may be told. It stands behind the others, so that a form asks for it last.
 */
#include "core/check.h"
#include "production/event_read.h"

enum event_id {
#define EVENT(id, type, right, handler, words) EVENT_ID_##id,
#define MEMBER(event, name, kind, need, words, more)
#include "production/events.def"
#undef EVENT
#undef MEMBER
    EVENT_ID_COUNT
};

#define EVENT(id, type, right, handler, words) [EVENT_ID_##id] = {type, EVENT_##right, SAY(words)},
#define MEMBER(event, name, kind, need, words, more)
static const struct event_type TYPES[] = {
#include "production/events.def"
};
#undef EVENT
#undef MEMBER

#define EVENT(id, type, right, handler, words)
#define MEMBER(event, name, kind, need, words, more)                                               \
    {EVENT_ID_##event, {name, EVENT_KIND_##kind, EVENT_##need, SAY(words), more}},
static const struct {
    enum event_id event;
    struct event_field field;
} FIELDS[] = {
#include "production/events.def"
};
#undef EVENT
#undef MEMBER

static const struct event_field TIME_FIELD = {
    "time", EVENT_KIND_TIME, EVENT_FREE, SAY(PRODUCTION_EVENT_TIME), ""};

enum { FIELD_TOTAL = sizeof FIELDS / sizeof FIELDS[0] };

const struct event_type *event_type_at(uint32_t index) {
    return index < EVENT_ID_COUNT ? &TYPES[index] : NULL;
}

/* Members of a type stand together in the table. */
const struct event_field *event_field_at(uint32_t type, uint32_t index) {
    uint32_t at = 0;
    while (at < FIELD_TOTAL && FIELDS[at].event != (enum event_id)type) {
        at++;
    }
    uint32_t own = 0;
    while (at + own < FIELD_TOTAL && FIELDS[at + own].event == (enum event_id)type) {
        own++;
    }
    CHECK(own < EVENT_FIELDS_MAX);
    if (index < own) {
        return &FIELDS[at + index].field;
    }
    return index == own ? &TIME_FIELD : NULL;
}

const char *event_kind_name(enum event_kind kind) {
    static const char *const NAMES[] = {[EVENT_KIND_CODE] = "code",
        [EVENT_KIND_TEXT] = "text",
        [EVENT_KIND_NOTE] = "note",
        [EVENT_KIND_CHOICE] = "choice",
        [EVENT_KIND_FLAG] = "flag",
        [EVENT_KIND_QUANTITY] = "quantity",
        [EVENT_KIND_LEVEL] = "level",
        [EVENT_KIND_CHANGE] = "change",
        [EVENT_KIND_MONEY] = "money",
        [EVENT_KIND_SECONDS] = "seconds",
        [EVENT_KIND_COUNT] = "count",
        [EVENT_KIND_NUMBER] = "number",
        [EVENT_KIND_DATE] = "date",
        [EVENT_KIND_TIME] = "time",
        [EVENT_KIND_REF] = "ref",
        [EVENT_KIND_WORKER] = "worker",
        [EVENT_KIND_TAG] = "tag",
        [EVENT_KIND_LOT] = "lot",
        [EVENT_KIND_ORDER] = "order",
        [EVENT_KIND_SALES] = "sales",
        [EVENT_KIND_OPERATION] = "operation",
        [EVENT_KIND_STOP] = "stop",
        [EVENT_KIND_RUN] = "run"};
    return NAMES[kind];
}

const char *event_need_name(enum event_need need) {
    static const char *const NAMES[] = {[EVENT_NEEDED] = "needed",
        [EVENT_FREE] = "free",
        [EVENT_LIST] = "list",
        [EVENT_MANY] = "many"};
    return NAMES[need];
}

typedef int (*event_handler)(struct event *event, struct err *err);

#define EVENT(id, type, right, handler, words) [EVENT_ID_##id] = handler,
#define MEMBER(event, name, kind, need, words, more)
static const event_handler HANDLERS[EVENT_ID_COUNT] = {
#include "production/events.def"
};
#undef EVENT
#undef MEMBER

int event_carry_out(struct event *event, struct err *err) {
    return HANDLERS[event->type](event, err);
}
