#ifndef UPKEEP_SYSLOG_H
#define UPKEEP_SYSLOG_H
/*
 * Audit entries of the hub and of all plants to a syslog receiver: RFC 5424 messages over TLS
 * (RFC 5425), or where it was asked for over plain TCP or UDP. One thread; nothing is lost while
 * the receiver is away, because the chains keep it; at least once. Owned by the upkeep.
 */
#include "core/limits.h"
#include "plant/home.h"

enum syslog_way { SYSLOG_NONE = 0, SYSLOG_TLS, SYSLOG_TCP, SYSLOG_UDP };

struct syslog_settings {
    enum syslog_way way;
    char host[256];
    uint16_t port;
    char ca_file[LIMIT_PATH_BYTES]; // Empty: the system's authorities.
    uint32_t settle_s;              // 0: SYSLOG_SETTLE_S.
};
enum { SYSLOG_SETTLE_S = 10 };

/* "tls://host[:6514]", "tcp://host[:514]", "udp://host[:514]"; empty: none. Without TLS only with
 * `plain`. ERR_INVALID in words. */
int syslog_parse(
    struct str text, bool plain, struct syslog_settings *ret_settings, struct err *err);

struct syslog;
struct syslog *syslog_start(struct home *home, const struct syslog_settings *settings);
void syslog_stop(struct syslog *syslog); // NULL is fine.

struct syslog_facts {
    bool connected;
    int64_t down_since_ns; // Wall time; 0: it is not down.
    uint64_t behind;       // Entries that were not taken yet.
    uint64_t taken;        // Since the start.
    char place[300];
    struct err error; // Why, while it is down.
};
void syslog_facts(struct syslog *syslog, struct syslog_facts *ret_facts);

#endif
