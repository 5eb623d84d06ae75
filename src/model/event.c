/*
 * Names of link states, as the HTTP interface and the pages use them.
 *
 * The names are part of the interface: they may be added to, never changed. Words for people
 * belong to the pages, which have both languages.
 */
#include "model/event.h"

static const char *const STATES[] = {
    [LINK_OFF] = "off",
    [LINK_CONNECTING] = "connecting",
    [LINK_UP] = "up",
    [LINK_STALE] = "stale",
    [LINK_DOWN] = "down",
};
enum { STATE_COUNT = sizeof STATES / sizeof STATES[0] };

const char *link_state_name(enum link_state state) {
    return (unsigned)state < STATE_COUNT ? STATES[state] : "off";
}
