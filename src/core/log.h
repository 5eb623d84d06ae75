#ifndef CORE_LOG_H
#define CORE_LOG_H
/*
 * One line per event on stderr: `time level room event key=value ...`. Logged once, at the top of
 * each thread; rooms below app/ return errors instead. Values from outside are quoted and control
 * characters escaped. No secrets. Thread-safe: one write(2) a line. The level is the one global.
 */
#include "core/err.h"

enum log_level { LOG_ERROR = 0, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);

struct log_field {
    const char *key;
    struct arg value;
};
#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {0}})

/* `fields` ends with a NULL key; may be NULL. `err` may be NULL; its English sentence becomes the
 * field error=. */
void log_event(enum log_level level, const char *room, const char *event,
    const struct log_field *fields, const struct err *err);

/* Appends the line that log_event writes, without its line break; for tests. */
struct buf;
void log_line(struct buf *line, int64_t time_ns, enum log_level level, const char *room,
    const char *event, const struct log_field *fields, const struct err *err);

#endif
