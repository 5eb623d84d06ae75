#ifndef TESTS_SERVE_SUPPORT_REMOTE_H
#define TESTS_SERVE_SUPPORT_REMOTE_H
/*
 * Two real servers, each over a home of its own: a desk, and a factory that asks it. `here` is the
 * one pair of a test program.
 */
#include "core/clock.h"
#include "support_server.h"

#define CASES   "/api/v1/support/cases"
#define SUPPORT "/api/v1/plants/p1/support"
#define TAGS    "/api/v1/plants/p1/tags"
#define TAG     TAGS "/line1.press1.temp"

/* The wall clock of the factory can be set forward; monotonic time is the system's. */
struct moved_clock {
    struct clock clock;
    _Atomic int64_t ahead_ns;
};

struct remote {
    struct rig desk;
    struct rig factory;
    struct moved_clock clock;
    char boss[RIG_COOKIE_MAX];    // Desk: admin.
    char fitter[RIG_COOKIE_MAX];  // Desk: installer.
    char reader[RIG_COOKIE_MAX];  // Desk: viewer.
    char owner[RIG_COOKIE_MAX];   // Factory.
    char manager[RIG_COOKIE_MAX]; // Factory.
    char case_id[40];
    char link[256];
    char newest[48]; // Entry of the factory's chain when the test began.
};
extern struct remote here;

/* For cmocka: opens and closes the pair. */
/* Serves the home again, at a port (0: any). */
void serve_again(struct rig *rig, uint16_t port, const struct clock *clock);
int open_both(void **state);
int close_both(void **state);
/* "METHOD /target" as a person, by cookie. */
void ask_with_type(const struct rig *rig, const char *line, const char *cookie, const char *body,
    struct answer *ret_answer);
void ask(const struct rig *rig, const char *line, const char *cookie, const char *body, int status,
    const char *holds);
void member(struct answer *answer, const char *name, char *to, size_t size);
void open_case(const char *cookie);
/* The factory's owner approves. */
void approve(const char *link, const char *role, int minutes, int status);
/* "POST /target" of a request to the factory. */
void via_line(const char *method, const char *target, char *to, size_t size);
int via(const char *cookie, const char *method, const char *target, const char *body,
    const char *holds);
void until(const struct rig *rig, const char *line, const char *cookie, const char *holds);
/* A case of the fitter's, approved and connected. */
void begin_visit(const char *role);
/* How often a text stands in the plant's chain since the test began. */
int64_t audit_count(struct rig *rig, const char *what);

/* Before each test: no visit lasts, the desk has counted no tries, the clock is right. */
int begin_test(void **state);
/* Waits until the newest visit has ended so. */
void ended_by(const char *why);
#define BOTH(test) cmocka_unit_test_setup(test, begin_test)

#endif
