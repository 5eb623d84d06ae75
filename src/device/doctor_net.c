/*
 * From a host name to an open port, without ping (which firewalls drop, and which needs rights). A
 * host is known to be there when it answers anything: a refused connection is as good a sign as an
 * open one, and so is an entry in the neighbour table that the connection attempt left behind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#undef STATUS // The resolver's headers have one, too.

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "device/doctor.h"
#include "device/link.h"

enum {
    NAME_WAIT_S = 3,
    CONNECT_WAIT_MS = 2000,
    PROBE_WAIT_MS = 400,
    HOST_BYTES = 256,
    NEIGHBOUR_BYTES = 65536,
    NEIGHBOUR_COMPLETE = 2, // ATF_COM of the flags in /proc/net/arp.
};

/* Ports that shops know, asked when the one given is closed. */
static const struct {
    uint16_t port;
    const char *name;
} KNOWN_PORTS[] = {{502, "Modbus"}, {2004, "LS XGT"}, {102, "Siemens S7"}, {5007, "MELSEC"},
    {5000, "MELSEC"}, {9600, "Omron FINS"}, {1883, "MQTT"}, {8883, "MQTT TLS"}, {4840, "OPC UA"},
    {44818, "EtherNet/IP"}, {5432, "PostgreSQL"}, {3306, "MariaDB"}, {80, "HTTP"}, {443, "HTTPS"}};
enum { KNOWN_PORT_COUNT = sizeof KNOWN_PORTS / sizeof KNOWN_PORTS[0] };

struct target {
    struct sockaddr_storage address;
    socklen_t size;
    char text[INET6_ADDRSTRLEN];
    bool on_link; // In a network of this computer.
};

static void set_port(struct sockaddr_storage *address, uint16_t port) {
    if (address->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    }
}

static void take_address(struct target *target, const struct addrinfo *info) {
    memcpy(&target->address, info->ai_addr, info->ai_addrlen);
    target->size = info->ai_addrlen;
    (void)getnameinfo(info->ai_addr, info->ai_addrlen, target->text, sizeof target->text, NULL, 0,
        NI_NUMERICHOST);
}

/* Looks a name up. getaddrinfo takes no deadline, but it asks by the resolver state of its thread:
 * here each name server once, for NAME_WAIT_S. */
static int look_up(const char *host, struct target *ret_target) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if ((_res.options & RES_INIT) == 0) {
        (void)res_init(); // Fails without memory only.
    }
    _res.retrans = NAME_WAIT_S;
    _res.retry = 1;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code == 0) {
        take_address(ret_target, found);
        freeaddrinfo(found);
    }
    return code;
}

static bool step_name(struct diagnosis *diagnosis, const char *host, struct target *ret_target) {
    doctor_begin(diagnosis, DOCTOR_NAME);
    struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;
    if (getaddrinfo(host, NULL, &numeric, &info) == 0) {
        take_address(ret_target, info);
        freeaddrinfo(info);
        doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_NAME_NUMERIC, ARGS(A_CSTR(host)));
        return true;
    }
    if (look_up(host, ret_target) != 0) {
        doctor_say(diagnosis, VERDICT_BAD, MSG_DEVICE_HOST_UNKNOWN, ARGS(A_CSTR(host)));
        return false;
    }
    doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_NAME_FOUND,
        ARGS(A_CSTR(host), A_CSTR(ret_target->text)));
    return true;
}

/* Lists this computer's addresses; notes whether the target lies in one of its networks. */
static void list_own(struct target *target, struct buf *out) {
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) {
        return;
    }
    for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
        if (at->ifa_addr == NULL || at->ifa_netmask == NULL || at->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        struct in_addr own = ((const struct sockaddr_in *)at->ifa_addr)->sin_addr;
        struct in_addr mask = ((const struct sockaddr_in *)at->ifa_netmask)->sin_addr;
        if (target->address.ss_family == AF_INET) {
            struct in_addr other = ((const struct sockaddr_in *)&target->address)->sin_addr;
            target->on_link |= (own.s_addr & mask.s_addr) == (other.s_addr & mask.s_addr);
        }
        char text[INET_ADDRSTRLEN];
        if ((at->ifa_flags & IFF_LOOPBACK) == 0 &&
            inet_ntop(AF_INET, &own, text, sizeof text) != NULL) {
            buf_printf(out, "%s%s", out->size > 0 ? ", " : "", text);
        }
    }
    freeifaddrs(list);
}

static bool step_route(struct diagnosis *diagnosis, struct target *target) {
    doctor_begin(diagnosis, DOCTOR_ROUTE);
    AUTO_BUF struct buf own;
    buf_init(&own, 512);
    list_own(target, &own);
    if (own.size == 0) {
        buf_put_str(&own, STR("-"));
    }
    int fd = socket(target->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_storage address = target->address;
    set_port(&address, 9); // Any: nothing is sent.
    bool routed = fd >= 0 && connect(fd, (const struct sockaddr *)&address, target->size) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (!routed) {
        doctor_say(diagnosis, VERDICT_BAD, MSG_DOCTOR_ROUTE_NONE,
            ARGS(A_CSTR(target->text), A_STR(buf_str(&own))));
        return false;
    }
    doctor_say(diagnosis, VERDICT_GOOD,
        target->on_link ? MSG_DOCTOR_ROUTE_NEAR : MSG_DOCTOR_ROUTE_FAR,
        ARGS(A_CSTR(target->text), A_STR(buf_str(&own))));
    return true;
}

/* Connects; 0, or the errno, or ETIMEDOUT after `wait_ms`. */
static int try_port(const struct target *target, uint16_t port, int wait_ms) {
    struct sockaddr_storage address = target->address;
    set_port(&address, port);
    AUTO_CLOSE int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    if (connect(fd, (const struct sockaddr *)&address, target->size) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    if (poll(&wait, 1, wait_ms) <= 0) {
        return ETIMEDOUT;
    }
    int code = 0;
    socklen_t size = sizeof code;
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
    return code;
}

/* Asks the known ports all at once; names the open ones. True when anybody answered. */
static bool probe_known(const struct clock *clock, const struct target *target, struct buf *out) {
    struct pollfd waits[KNOWN_PORT_COUNT];
    bool answered = false;
    for (size_t i = 0; i < KNOWN_PORT_COUNT; i++) {
        struct sockaddr_storage address = target->address;
        set_port(&address, KNOWN_PORTS[i].port);
        int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0) {
            (void)connect(fd, (const struct sockaddr *)&address, target->size); // Judged below.
        }
        waits[i] = (struct pollfd){.fd = fd, .events = POLLOUT};
    }
    int64_t until_ns = clock_mono_ns(clock) + PROBE_WAIT_MS * NS_PER_MS;
    for (int64_t left_ns = 1; left_ns > 0; left_ns = until_ns - clock_mono_ns(clock)) {
        struct pollfd pending[KNOWN_PORT_COUNT];
        for (size_t i = 0; i < KNOWN_PORT_COUNT; i++) { // Those that answered are not waited for.
            pending[i] = waits[i];
            pending[i].fd = waits[i].revents == 0 ? waits[i].fd : -1;
        }
        if (poll(pending, KNOWN_PORT_COUNT, (int)(left_ns / NS_PER_MS) + 1) <= 0) {
            break;
        }
        for (size_t i = 0; i < KNOWN_PORT_COUNT; i++) {
            waits[i].revents |= pending[i].fd >= 0 ? pending[i].revents : (short)0;
        }
    }
    for (size_t i = 0; i < KNOWN_PORT_COUNT; i++) {
        int code = ETIMEDOUT;
        socklen_t size = sizeof code;
        if (waits[i].fd < 0) {
            continue;
        }
        if (waits[i].revents != 0) {
            (void)getsockopt(waits[i].fd, SOL_SOCKET, SO_ERROR, &code, &size);
        }
        answered |= code == 0 || code == ECONNREFUSED;
        if (code == 0) {
            buf_printf(out, "%s%u (%s)", out->size > 0 ? ", " : "", KNOWN_PORTS[i].port,
                KNOWN_PORTS[i].name);
        }
        (void)close(waits[i].fd);
    }
    return answered;
}

/* Whether the neighbour table knows the address: 1 yes, 0 it was asked for in vain, -1 unknown. */
static int neighbour(const struct target *target) {
    AUTO_FREE char *table = mem_zero(NEIGHBOUR_BYTES + 1, 1);
    AUTO_CLOSE int fd = open("/proc/net/arp", O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t got = 1;
    while (fd >= 0 && got > 0 && size < NEIGHBOUR_BYTES) {
        got = read(fd, table + size, NEIGHBOUR_BYTES - size);
        size += got > 0 ? (size_t)got : 0;
    }
    struct str rest = {table, size};
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        /* "192.168.0.10  0x1  0x2  00:1e:...": the address, the kind of network, the flags. */
        struct str address = str_cut(&line, ' ');
        line = str_trim(line);
        (void)str_cut(&line, ' ');
        line = str_trim(line);
        struct str flags = str_cut(&line, ' ');
        if (str_eq(address, str_of(target->text)) && flags.size > 2) {
            char last = flags.data[flags.size - 1];
            return ((last - '0') & NEIGHBOUR_COMPLETE) != 0;
        }
    }
    return -1;
}

static void say_closed(
    struct diagnosis *diagnosis, const struct target *target, struct str port, struct str open) {
    doctor_begin(diagnosis, DOCTOR_PORT);
    doctor_say(
        diagnosis, VERDICT_BAD, MSG_DOCTOR_PORT_REFUSED, ARGS(A_CSTR(target->text), A_STR(port)));
    if (open.size > 0) {
        doctor_say(diagnosis, VERDICT_NOTE, MSG_DOCTOR_PORT_OTHERS, ARGS(A_STR(open)));
    }
}

/* Nothing came back from the port: is anybody there at all? */
static void judge_silence(
    struct diagnosis *diagnosis, const struct target *target, struct str port, int code) {
    AUTO_BUF struct buf others;
    buf_init(&others, 512);
    bool alive = probe_known(diagnosis->clock, target, &others);
    int known = target->on_link ? neighbour(target) : -1;
    bool unreachable = code == EHOSTUNREACH || code == ENETUNREACH || code == EHOSTDOWN;
    if (!alive && (known == 0 || (unreachable && known != 1))) {
        doctor_say(diagnosis, VERDICT_BAD, MSG_DOCTOR_HOST_NONE, ARGS(A_CSTR(target->text)));
        return;
    }
    if (!alive && known < 0) {
        doctor_say(diagnosis, VERDICT_BAD, MSG_DOCTOR_HOST_SILENT,
            ARGS(A_CSTR(target->text), A_STR(port)));
        return;
    }
    doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_HOST_THERE, ARGS(A_CSTR(target->text)));
    doctor_begin(diagnosis, DOCTOR_PORT);
    doctor_say(
        diagnosis, VERDICT_BAD, MSG_DOCTOR_PORT_DROPPED, ARGS(A_CSTR(target->text), A_STR(port)));
    if (others.size > 0) {
        doctor_say(diagnosis, VERDICT_NOTE, MSG_DOCTOR_PORT_OTHERS, ARGS(A_STR(buf_str(&others))));
    }
}

static bool step_port(struct diagnosis *diagnosis, const struct target *target, struct str port) {
    uint64_t number = 0;
    doctor_begin(diagnosis, DOCTOR_HOST);
    if (!str_to_u64(port, &number) || number == 0 || number > 65535) {
        return true; // None is named: opening will say.
    }
    int code = try_port(target, (uint16_t)number, CONNECT_WAIT_MS);
    if (code == 0 || code == ECONNREFUSED || code == ECONNRESET) {
        doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_HOST_THERE, ARGS(A_CSTR(target->text)));
    }
    if (code == ECONNREFUSED || code == ECONNRESET) {
        AUTO_BUF struct buf others;
        buf_init(&others, 512);
        (void)probe_known(diagnosis->clock, target, &others);
        say_closed(diagnosis, target, port, buf_str(&others));
        return false;
    }
    if (code != 0) {
        judge_silence(diagnosis, target, port, code);
        return false;
    }
    doctor_begin(diagnosis, DOCTOR_PORT);
    doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_PORT_OPEN, ARGS(A_STR(port)));
    return true;
}

bool doctor_reach(struct diagnosis *diagnosis, struct str host, struct str port, bool is_udp) {
    char name[HOST_BYTES];
    struct target target = {0};
    (void)str_copy_z(host, name, sizeof name);
    if (host.size >= sizeof name || !step_name(diagnosis, name, &target) ||
        !step_route(diagnosis, &target)) {
        return false;
    }
    if (is_udp) {
        doctor_begin(diagnosis, DOCTOR_PORT);
        doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_PORT_UDP, NO_ARGS);
        return true;
    }
    return step_port(diagnosis, &target, port);
}
