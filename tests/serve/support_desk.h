#ifndef TESTS_SERVE_SUPPORT_DESK_H
#define TESTS_SERVE_SUPPORT_DESK_H
/*
 * A desk of remote support that does what a script says: rubbish, floods, silence, a closed line.
 * Written against docs/FORMATS.md, not against our desk, but for the frames.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "core/thread.h"
#include "wire/support.h"

enum fake_reply {
    REPLY_RUBBISH,  // A page of HTML.
    REPLY_HUGE,     // More than a frame may hold.
    REPLY_BROKEN,   // The line is closed without an answer.
    REPLY_BUSY,     // 503
    REPLY_REQUESTS, // `requests`.
    REPLY_SILENCE,  // Nothing, until the other side gives up.
    REPLY_GONE,     // 410
};

enum { FAKE_STEPS_MAX = 8, FAKE_KEPT_MAX = 16 };
struct fake_desk {
    enum fake_reply steps[FAKE_STEPS_MAX]; // Of the exchanges; the last one stays.
    uint32_t step_count;
    struct support_requests requests;
    uint16_t port;
    int fd;
    struct thread thread;
    bool strange;          // The name it tells has a control character.
    bool mute;             // It says nothing to a look, until the other side gives up.
    _Atomic bool looked;   // A look has come.
    _Atomic bool given_up; // The other side closed it before the desk did.
    _Atomic bool stopping;
    _Atomic bool hold;              // As long as it is set: 503, outside the script.
    _Atomic uint32_t exchanges;     // That came whole.
    struct buf kept[FAKE_KEPT_MAX]; // Their bodies; of those before `exchanges`.
};

void fake_desk_start(struct fake_desk *desk); // The script is set.
void fake_desk_stop(struct fake_desk *desk);
/* "http://127.0.0.1:PORT/support#CODE" */
void fake_desk_link(const struct fake_desk *desk, char to[128]);

#endif
