/*
 * A remark of the shop floor: what the next shift should know, and of what.
 *
 * It has no table of its own: the event is the remark, found by its type, newest first, and nobody
 * can change it behind the audit chain's back. Its members were read already, so a machine, order
 * or lot that it names is there.
 */
#include "production/event_handler.h"

int event_remark(struct event *event, struct err *err) {
    (void)err;
    json_put_str(event->answer, "text", event_text(event, "text"));
    return 0;
}
