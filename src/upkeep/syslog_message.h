#ifndef UPKEEP_SYSLOG_MESSAGE_H
#define UPKEEP_SYSLOG_MESSAGE_H
/*
 * An audit entry as a syslog message (RFC 5424). Pure; any thread.
 */
#include "ledger/ledger.h"

enum { SYSLOG_MESSAGE_MAX = 8192 }; // RFC 5425 section 4.3.1: what receivers should take.

struct syslog_event {
    const char *host;  // Of this computer.
    const char *chain; // "hub", "plant:p1"
    int64_t process;
    const struct audit_entry *entry;
};
/* Appends the message alone. The payload is cut where it would be too long. */
void syslog_message(const struct syslog_event *event, struct buf *to);
/* Appends it with its length before it (RFC 6587 section 3.4.1, RFC 5425 section 4.3). */
void syslog_frame(const struct syslog_event *event, struct buf *to);

#endif
