/*
 * An event inside another one.
 *
 * Its members are texts like those somebody tells, read and checked the same way, so a decision
 * can do nothing that a person could not. It has no row, key and audit entry of its own: those of
 * the outer one say what was done.
 */
#include "production/event_within.h"

#include "production/event_read.h"

int event_within(struct event *event, const char *type, const struct event_member *members,
    uint32_t count, const char *key, struct err *err) {
    const struct event_call call = {
        .type = str_of(type), .members = members, .member_count = count, .lang = event->lang};
    struct event_given *given = ARENA_NEW(event->arena, struct event_given);
    int rc = event_gather(&call, event->arena, given, err);
    rc = rc < 0 ? rc : event_resolve(event->tx, event->zone, event->arena, given, err);
    if (rc < 0) {
        return rc;
    }
    struct event inner = *event;
    inner.type = given->type;
    inner.values = given->values;
    inner.firsts = given->firsts;
    json_key(event->answer, key);
    json_object_begin(event->answer);
    rc = event_carry_out(&inner, err);
    json_object_end(event->answer);
    return rc;
}
