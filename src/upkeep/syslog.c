/*
 * The chains are the queue: entries stand in them for ever, and a cursor for each chain in the hub
 * says up to where they were taken.
 *
 * Syslog has no receipts. What stands in for one: the receiver's system has acknowledged all bytes
 * (SIOCOUTQ is 0) and the connection is still whole SETTLE seconds later. Only then the cursors
 * move. When the connection breaks before, everything since the cursors is sent again on the next
 * one; a receiver that got an entry already knows it by chain and sequence in its structured data.
 * So an ordinary stop repeats the last seconds too. What a receiver took into its memory and lost
 * after that is lost there. UDP tells nothing at all; there sent is taken.
 */
#include "upkeep/syslog.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/thread.h"
#include "upkeep/line_out.h"
#include "upkeep/syslog_message.h"

enum {
    LOOK_EVERY_MS = 500,
    TIMEOUT_MS = 10000,
    RETRY_FIRST_MS = 1000,
    RETRY_MAX_MS = 60000,
    ENTRIES_AT_ONCE = 64,
    FRAMES_BYTES = ENTRIES_AT_ONCE * (SYSLOG_MESSAGE_MAX + 16) * 2,
    PORT_TLS = 6514, // RFC 5425 section 4.1
    PORT_PLAIN = 514,
    CHAINS_MAX = HOME_PLANTS_MAX + 1,
};

struct chain {
    struct ledger *ledger;
    char name[LIMIT_ID_BYTES + 8]; // "hub", "plant:p1"
    int64_t taken;                 // The cursor.
    int64_t sent;                  // On this connection.
    int64_t settling;              // Goes into the cursor when the time comes.
    int64_t newest;
};

struct syslog {
    struct home *home;
    struct syslog_settings settings;
    char host[256]; // Of this computer.
    struct chain chains[CHAINS_MAX];
    uint32_t chain_count;
    struct line_out *line;
    int udp_fd;
    int64_t settle_at_ns; // Monotonic; 0: nothing is settling.
    struct thread thread;
    struct stop_flag stop;
    struct mutex mutex; // Of the facts.
    struct syslog_facts facts;
};

/* ---- Settings ---- */

int syslog_parse(
    struct str text, bool plain, struct syslog_settings *ret_settings, struct err *err) {
    static const struct {
        struct str scheme;
        enum syslog_way way;
        uint16_t port;
    } WAYS[] = {{STR("tls://"), SYSLOG_TLS, PORT_TLS}, {STR("tcp://"), SYSLOG_TCP, PORT_PLAIN},
        {STR("udp://"), SYSLOG_UDP, PORT_PLAIN}};
    struct syslog_settings settings = *ret_settings;
    settings.way = SYSLOG_NONE;
    struct str rest = text;
    for (size_t i = 0; i < sizeof WAYS / sizeof WAYS[0]; i++) {
        if (str_starts(text, WAYS[i].scheme)) {
            settings.way = WAYS[i].way;
            settings.port = WAYS[i].port;
            rest = str_slice(text, WAYS[i].scheme.size, text.size);
        }
    }
    struct str host = rest;
    bool v6 = rest.size > 0 && rest.data[0] == '[';
    size_t close = str_find(rest, ']');
    size_t colon = v6 ? close + 1 : str_find(rest, ':');
    uint64_t port = settings.port;
    bool good = settings.way != SYSLOG_NONE && (!v6 || close < rest.size);
    if (good) {
        host = v6 ? str_slice(rest, 1, close) : str_slice(rest, 0, colon);
        good = colon >= rest.size || (rest.data[colon] == ':' &&
                                         str_to_u64(str_slice(rest, colon + 1, rest.size), &port) &&
                                         port > 0 && port <= 65535);
    }
    good = good && host.size > 0 && host.size < sizeof settings.host;
    for (size_t i = 0; good && i < host.size; i++) {
        good = host.data[i] > ' ' && strchr("/?#@\"", host.data[i]) == NULL && host.data[i] != 0x7F;
    }
    if (text.size > 0 && !good) {
        return err_set(err, ERR_INVALID, MSG_SYSLOG_PLACE, ARGS(A_STR(text)));
    }
    if (text.size > 0 && settings.way != SYSLOG_TLS && !plain) {
        return err_set(err, ERR_INVALID, MSG_SYSLOG_PLAIN, ARGS(A_STR(text)));
    }
    (void)str_copy_z(text.size > 0 ? host : STR_NONE, settings.host, sizeof settings.host);
    settings.port = (uint16_t)port;
    *ret_settings = settings;
    return 0;
}

/* ---- Cursors ---- */

static void consumer_name(const struct chain *chain, char to[128]) {
    (void)snprintf(to, 128, "syslog:%s", chain->name);
}

static int read_cursors(struct ledger_tx *tx, void *context, struct err *err) {
    struct syslog *s = context;
    struct ledger_stmt *stmt = NULL;
    for (uint32_t i = 0; i < s->chain_count; i++) {
        char name[128];
        consumer_name(&s->chains[i], name);
        int status = ledger_prepare(
            tx, "SELECT sequence FROM notice_cursors WHERE consumer = ?1", &stmt, err);
        if (status < 0) {
            return status;
        }
        ledger_bind_str(stmt, 1, str_of(name));
        status = ledger_step(stmt, err);
        if (status < 0) {
            return status;
        }
        s->chains[i].taken = status == 1 ? ledger_column_i64(stmt, 0) : 0;
    }
    return 0;
}

static int write_cursors(struct ledger_tx *tx, void *context, struct err *err) {
    struct syslog *s = context;
    struct ledger_stmt *stmt = NULL;
    for (uint32_t i = 0; i < s->chain_count; i++) {
        char name[128];
        consumer_name(&s->chains[i], name);
        int status = ledger_prepare(tx,
            "INSERT INTO notice_cursors (consumer, sequence) VALUES (?1, ?2)"
            " ON CONFLICT (consumer) DO UPDATE SET sequence = excluded.sequence",
            &stmt, err);
        if (status < 0) {
            return status;
        }
        ledger_bind_str(stmt, 1, str_of(name));
        ledger_bind_i64(stmt, 2, s->chains[i].settling);
        status = ledger_step(stmt, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* ---- Reading a chain ---- */

struct reading {
    struct syslog *syslog;
    struct chain *chain;
    struct buf *frames; // Of stream ways.
    uint32_t count;
};

static int read_newest(struct ledger_tx *tx, struct chain *chain, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, "SELECT coalesce(max(sequence), 0) FROM audit", &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status < 0) {
        return status;
    }
    chain->newest = ledger_column_i64(stmt, 0);
    return 0;
}

static void put_entry(struct reading *reading, const struct audit_entry *entry) {
    struct syslog *s = reading->syslog;
    struct syslog_event event = {
        .host = s->host, .chain = reading->chain->name, .process = getpid(), .entry = entry};
    if (s->settings.way == SYSLOG_UDP) {
        buf_clear(reading->frames);
        syslog_message(&event, reading->frames);
        // A datagram that the system refuses is lost, as others are on the way.
        (void)send(s->udp_fd, reading->frames->data, reading->frames->size, MSG_NOSIGNAL);
    } else {
        syslog_frame(&event, reading->frames);
    }
    reading->chain->sent = entry->sequence;
    reading->count++;
}

static int read_entries(struct ledger_tx *tx, void *context, struct err *err) {
    struct reading *reading = context;
    struct chain *chain = reading->chain;
    int status = read_newest(tx, chain, err);
    if (status < 0) {
        return status;
    }
    if (chain->taken > chain->newest) { // The chain is that of an older backup.
        chain->taken = 0;
        chain->sent = 0;
    }
    struct ledger_stmt *stmt = NULL;
    status = ledger_prepare(tx,
        "SELECT a.sequence, a.time_ns, a.actor, a.action, a.subject, p.payload, p.sequence IS NULL"
        " FROM audit a LEFT JOIN audit_payload p ON p.sequence = a.sequence"
        " WHERE a.sequence > ?1 ORDER BY a.sequence LIMIT ?2",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, chain->sent);
    ledger_bind_i64(stmt, 2, ENTRIES_AT_ONCE);
    while ((status = ledger_step(stmt, err)) == 1) {
        struct audit_entry entry = {.sequence = ledger_column_i64(stmt, 0),
            .time_ns = ledger_column_i64(stmt, 1),
            .actor = ledger_column_str(stmt, 2),
            .action = ledger_column_str(stmt, 3),
            .subject = ledger_column_str(stmt, 4),
            .payload = ledger_column_str(stmt, 5),
            .erased = ledger_column_i64(stmt, 6) != 0};
        put_entry(reading, &entry);
    }
    return status;
}

/* ---- The connection ---- */

static int udp_open(struct syslog *s, struct err *err) {
    char port[8];
    (void)snprintf(port, sizeof port, "%u", s->settings.port);
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(s->settings.host, port, &hints, &found);
    if (code != 0) {
        return err_set(err, ERR_UNREACHABLE, MSG_NOTICE_NAME,
            ARGS(A_CSTR(s->settings.host), A_CSTR(gai_strerror(code))));
    }
    int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (!good) {
        file_close(fd);
        return err_set(err, ERR_UNREACHABLE, MSG_NOTICE_UNREACHABLE,
            ARGS(A_CSTR(s->settings.host), A_CSTR("UDP")));
    }
    s->udp_fd = fd;
    return 0;
}

static int connect_out(struct syslog *s, struct err *err) {
    for (uint32_t i = 0; i < s->chain_count; i++) {
        s->chains[i].sent = s->chains[i].taken;
    }
    s->settle_at_ns = 0;
    if (s->settings.way == SYSLOG_UDP) {
        return udp_open(s, err);
    }
    struct line_options options = {.host = s->settings.host,
        .port = s->settings.port,
        .tls = s->settings.way == SYSLOG_TLS,
        .ca_file = s->settings.ca_file[0] != '\0' ? s->settings.ca_file : NULL,
        .timeout_ms = TIMEOUT_MS,
        .stop = &s->stop};
    return line_open(&options, &s->line, err);
}

static void disconnect(struct syslog *s) {
    line_close(s->line);
    s->line = NULL;
    file_close(s->udp_fd);
    s->udp_fd = -1;
}

static bool is_connected(const struct syslog *s) {
    return s->line != NULL || s->udp_fd >= 0;
}

/* Sends what is new of all chains; the count. */
static int send_new(struct syslog *s, struct err *err) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->chain_count; i++) {
        AUTO_BUF struct buf frames;
        buf_init(&frames, FRAMES_BYTES);
        struct reading reading = {.syslog = s, .chain = &s->chains[i], .frames = &frames};
        int64_t before = s->chains[i].sent;
        int status = ledger_read(s->chains[i].ledger, read_entries, &reading, err);
        if (status >= 0 && s->line != NULL && frames.size > 0) {
            status = line_send(s->line, buf_str(&frames), err);
        }
        if (status < 0) {
            s->chains[i].sent = before;
            return status;
        }
        count += reading.count;
    }
    return (int)count;
}

/* Moves the cursors over what has settled. */
static int settle(struct syslog *s, struct err *err) {
    int64_t now = clock_mono_ns(clock_system());
    bool is_udp = s->settings.way == SYSLOG_UDP;
    bool waiting = false;
    for (uint32_t i = 0; i < s->chain_count; i++) {
        waiting = waiting || s->chains[i].sent > s->chains[i].taken;
    }
    if (s->settle_at_ns == 0 && waiting && (is_udp || line_unacknowledged(s->line) == 0)) {
        for (uint32_t i = 0; i < s->chain_count; i++) {
            s->chains[i].settling = s->chains[i].sent;
        }
        s->settle_at_ns = is_udp ? now : now + (int64_t)s->settings.settle_s * NS_PER_S;
    }
    if (s->settle_at_ns == 0 || now < s->settle_at_ns) {
        return 0;
    }
    int status = ledger_write(home_hub(s->home), write_cursors, s, err);
    if (status < 0) {
        return status;
    }
    uint64_t taken = 0;
    for (uint32_t i = 0; i < s->chain_count; i++) {
        taken += (uint64_t)(s->chains[i].settling - s->chains[i].taken);
        s->chains[i].taken = s->chains[i].settling;
    }
    s->settle_at_ns = 0;
    mutex_lock(&s->mutex);
    s->facts.taken += taken;
    mutex_unlock(&s->mutex);
    return 0;
}

/* ---- The thread ---- */

static void tell(struct syslog *s, const struct err *trouble) {
    uint64_t behind = 0;
    for (uint32_t i = 0; i < s->chain_count; i++) {
        const struct chain *chain = &s->chains[i];
        behind += chain->newest > chain->taken ? (uint64_t)(chain->newest - chain->taken) : 0;
    }
    mutex_lock(&s->mutex);
    bool was = s->facts.connected;
    bool first = trouble != NULL && s->facts.down_since_ns == 0;
    s->facts.connected = trouble == NULL;
    s->facts.behind = behind;
    if (trouble != NULL) {
        s->facts.error = *trouble;
        s->facts.down_since_ns = first ? clock_wall_ns(clock_system()) : s->facts.down_since_ns;
    } else {
        s->facts.error = ERR_INIT;
        s->facts.down_since_ns = 0;
    }
    mutex_unlock(&s->mutex);
    const struct log_field *fields = LOG_FIELDS({"to", A_CSTR(s->facts.place)});
    if (first) {
        log_event(LOG_WARN, "syslog", "down", fields, trouble);
    } else if (trouble == NULL && !was) {
        log_event(LOG_INFO, "syslog", "connected", fields, NULL);
    }
}

/* One look: connects, sends, settles. More to do at once: 1. */
static int round_once(struct syslog *s, struct err *err) {
    int status = is_connected(s) ? 0 : connect_out(s, err);
    status = status < 0 || s->line == NULL ? status : line_check(s->line, err);
    int sent = status < 0 ? status : send_new(s, err);
    status = sent < 0 ? sent : settle(s, err);
    return status < 0 ? status : sent >= ENTRIES_AT_ONCE;
}

static void syslog_run(void *context) {
    struct syslog *s = context;
    int64_t delay_ms = RETRY_FIRST_MS;
    int64_t next = 0;
    bool known = false;
    do {
        struct err err = ERR_INIT;
        int status = known ? 0 : ledger_read(home_hub(s->home), read_cursors, s, &err);
        known = status >= 0;
        status = status < 0 ? status : round_once(s, &err);
        int64_t now = clock_mono_ns(clock_system());
        if (status >= 0) {
            tell(s, NULL);
            delay_ms = RETRY_FIRST_MS;
            next = status > 0 ? now : now + LOOK_EVERY_MS * NS_PER_MS;
            continue;
        }
        disconnect(s);
        if (status != -ERR_CANCELLED) {
            tell(s, &err);
        }
        next = now + delay_ms * NS_PER_MS;
        delay_ms = delay_ms * 2 < RETRY_MAX_MS ? delay_ms * 2 : RETRY_MAX_MS;
    } while (!stop_flag_wait(&s->stop, next));
    disconnect(s);
}

static struct chain *add_chain(struct syslog *s, struct ledger *ledger) {
    struct chain *chain = &s->chains[s->chain_count++];
    chain->ledger = ledger;
    return chain;
}

struct syslog *syslog_start(struct home *home, const struct syslog_settings *settings) {
    struct syslog *s = MEM_NEW(struct syslog);
    s->home = home;
    s->settings = *settings;
    s->settings.settle_s = settings->settle_s > 0 ? settings->settle_s : SYSLOG_SETTLE_S;
    s->udp_fd = -1;
    if (gethostname(s->host, sizeof s->host - 1) != 0) {
        s->host[0] = '\0';
    }
    (void)snprintf(s->facts.place, sizeof s->facts.place, "%s:%u", settings->host, settings->port);
    struct chain *hub = add_chain(s, home_hub(home));
    (void)snprintf(hub->name, sizeof hub->name, "hub");
    for (uint32_t i = 0; i < home_plant_count(home) && i < HOME_PLANTS_MAX; i++) {
        struct plant *plant = home_plant_at(home, i);
        struct chain *chain = add_chain(s, plant_ledger(plant));
        (void)snprintf(chain->name, sizeof chain->name, "plant:%.*s", STR_ARG(plant_id(plant)));
    }
    mutex_init(&s->mutex);
    stop_flag_init(&s->stop);
    thread_start(&s->thread, "syslog", syslog_run, s);
    return s;
}

void syslog_stop(struct syslog *s) {
    if (s == NULL) {
        return;
    }
    stop_flag_raise(&s->stop);
    thread_join(&s->thread);
    stop_flag_fini(&s->stop);
    mutex_fini(&s->mutex);
    mem_free(s);
}

void syslog_facts(struct syslog *s, struct syslog_facts *ret_facts) {
    mutex_lock(&s->mutex);
    *ret_facts = s->facts;
    mutex_unlock(&s->mutex);
}
