#ifndef DEVICE_DOCTOR_H
#define DEVICE_DOCTOR_H
/*
 * What the steps of the connection doctor share. Private to doctor*.c; lives on the stack of
 * device_diagnose.
 */
#include "device/device.h"
#include "device/plan.h"

struct diagnosis {
    const struct doctor_request *request;
    const struct clock *clock;
    enum doctor_step step; // That findings belong to.
    int64_t step_ns;       // When it began, monotonic.
    uint32_t bad;
    struct device_plan *plan; // Of the device with the one source; NULL: the line is wrong.
    struct buf candidates;    // Sources to try, one a line, with their labels behind a tab.
};

void doctor_begin(struct diagnosis *diagnosis, enum doctor_step step);
/* Shorthand for diagnosis_add with a message. */
void doctor_say(
    struct diagnosis *diagnosis, enum verdict verdict, enum msg_id id, const struct arg *args);

/* doctor_net.c: name, route, host and port of an address. True when the port answered, or when
 * there is none to ask (then the next steps find out). */
bool doctor_reach(struct diagnosis *diagnosis, struct str host, struct str port, bool is_udp);

/* doctor_read.c: asks for one source through the ordinary poller in a session of its own. */
struct doctor_reading {
    bool connected; // The session opened.
    bool good;
    struct sample row; // Of the value.
    char text[256];    // The value as text.
    struct err error;  // What was wrong.
    int64_t rtt_ns;
    bool closed_by_peer;
};
/* `line`: other line settings than the plan's; NULL: the plan's own. */
void doctor_read(struct diagnosis *diagnosis, struct str source, const int64_t *line,
    struct doctor_reading *ret_reading);
/* The driver's own diagnosis, in a session of its own. */
void doctor_ask_driver(struct diagnosis *diagnosis);
/* The greeting was refused: tries the driver's guesses, each in a session of its own. */
void doctor_guess(struct diagnosis *diagnosis);
/* Whether the machine takes two sessions at once. */
void doctor_count_sessions(struct diagnosis *diagnosis);

#endif
