/*
 * sd_notify(3) by hand: one datagram to the socket that NOTIFY_SOCKET names. A name that begins
 * with
 * @ is an abstract address. A library for ten lines would be one more thing to install.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "launch/launch.h"

void notify_send(const char *text) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof address.sun_path) {
        return;
    }
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    size_t size = str_copy_z(str_of(path), address.sun_path, sizeof address.sun_path);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    /* Nobody there: then nobody wants to know. */
    (void)sendto(
        fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, address_size);
}

int64_t notify_watchdog_ns(void) {
    const char *text = getenv("WATCHDOG_USEC");
    int64_t us = 0;
    return text != NULL && str_to_i64(str_of(text), &us) && us > 0 && us < 86400000000LL
               ? us * NS_PER_US
               : 0;
}
