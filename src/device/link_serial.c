/*
 * Serial lines through termios: raw bytes, eight (or seven) data bits, no flow control. Modbus over
 * Serial Line V1.02 clause 2.5.1 asks for even parity by default; that is ours too. USB adapters
 * and pseudo-terminals work alike; an adapter that is pulled out makes reads fail, and the link is
 * opened again when it is back. The port is taken exclusively (TIOCEXCL), so that no second program
 * mixes its requests into ours.
 *
 * A character is a start bit, the data bits, the parity bit if any and the stop bits; its time is
 * what silences between frames are counted in.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "core/mem.h"
#include "device/link.h"

struct link_serial {
    struct link link;
    char *path;
    int64_t options[LINK_OPTION_COUNT];
};

enum { PARITY_NONE = 0, PARITY_EVEN = 1, PARITY_ODD = 2 };

static const struct {
    int64_t baud;
    speed_t speed;
} speeds[] = {
    {300, B300},
    {600, B600},
    {1200, B1200},
    {2400, B2400},
    {4800, B4800},
    {9600, B9600},
    {19200, B19200},
    {38400, B38400},
    {57600, B57600},
    {115200, B115200},
    {230400, B230400},
    {460800, B460800},
    {500000, B500000},
    {921600, B921600},
    {1000000, B1000000},
    {2000000, B2000000},
    {4000000, B4000000},
};

static bool find_speed(int64_t baud, speed_t *ret_speed) {
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        if (speeds[i].baud == baud) {
            *ret_speed = speeds[i].speed;
            return true;
        }
    }
    return false;
}

/* Sets raw mode and the line's parameters; errno, or 0. */
static int configure(int fd, const int64_t *options, speed_t speed) {
    struct termios mode;
    if (tcgetattr(fd, &mode) != 0) {
        return errno;
    }
    cfmakeraw(&mode);
    mode.c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
    mode.c_cflag |= CLOCAL | CREAD | (options[LINK_DATA] == 7 ? CS7 : CS8);
    if (options[LINK_PARITY] != PARITY_NONE) {
        mode.c_cflag |= options[LINK_PARITY] == PARITY_ODD ? PARENB | PARODD : PARENB;
        mode.c_iflag |= INPCK;
    }
    if (options[LINK_STOP] == 2) {
        mode.c_cflag |= CSTOPB;
    }
    mode.c_cc[VMIN] = 0;
    mode.c_cc[VTIME] = 0;
    if (cfsetispeed(&mode, speed) != 0 || cfsetospeed(&mode, speed) != 0 ||
        tcsetattr(fd, TCSANOW, &mode) != 0) {
        return errno;
    }
    (void)tcflush(fd, TCIOFLUSH); // Old bytes; the driver drains as well.
    return 0;
}

static int open_words(const char *path, int errno_value, struct err *err) {
    switch (errno_value) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return err_set(err, ERR_UNREACHABLE, MSG_DEVICE_SERIAL_MISSING, ARGS(A_CSTR(path)));
    case EACCES:
    case EPERM:
        return err_set(err, ERR_UNREACHABLE, MSG_DEVICE_SERIAL_FORBIDDEN, ARGS(A_CSTR(path)));
    case EBUSY: return err_set(err, ERR_BUSY, MSG_DEVICE_SERIAL_BUSY, ARGS(A_CSTR(path)));
    default:
        return err_set(err, ERR_UNREACHABLE, MSG_DEVICE_SERIAL_OPEN,
            ARGS(A_CSTR(path), A_CSTR(link_errno_name(errno_value))));
    }
}

int link_serial_check(const int64_t *options, struct err *err) {
    speed_t speed = B9600;
    if (find_speed(options[LINK_BAUD], &speed)) {
        return 0;
    }
    AUTO_BUF struct buf list;
    buf_init(&list, 256);
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        buf_put_str(&list, i > 0 ? STR(" ") : STR_NONE);
        buf_put_i64(&list, speeds[i].baud);
    }
    return err_set(err, ERR_INVALID, MSG_DEVICE_SERIAL_SPEED,
        ARGS(A_INT(options[LINK_BAUD]), A_STR(buf_str(&list))));
}

static int serial_open(struct link *link, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns; // Opening does not wait (O_NONBLOCK).
    struct link_serial *serial = (struct link_serial *)link;
    speed_t speed = B9600;
    if (!find_speed(serial->options[LINK_BAUD], &speed)) {
        return link_serial_check(serial->options, err);
    }
    link->fd = open(serial->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    int failed = link->fd < 0 ? errno : configure(link->fd, serial->options, speed);
    if (failed != 0) {
        link_fd_close(link);
        return open_words(serial->path, failed, err);
    }
    (void)ioctl(link->fd, TIOCEXCL); // Pseudo-terminals may refuse; nothing is lost then.
    return 0;
}

static void serial_free(struct link *link) {
    struct link_serial *serial = (struct link_serial *)link;
    mem_free(serial->path);
    mem_free(serial);
}

/* A read of 0 bytes means end of file on a socket, but "nothing there" on a terminal with VMIN 0;
 * after a wait that said "readable" it is a hang-up on both. */
static const struct link_ops serial_ops = {
    .name = "serial",
    .serial = true,
    .open = serial_open,
    .close = link_fd_close,
    .send = link_fd_send,
    .receive = link_fd_receive,
    .free = serial_free,
};

struct link *link_serial_new(struct str address, const int64_t *options) {
    struct link_serial *serial = MEM_NEW(struct link_serial);
    serial->link.ops = &serial_ops;
    serial->link.fd = -1;
    serial->path = mem_copy_z(address);
    memcpy(serial->options, options, sizeof serial->options);
    int64_t parity_bits = options[LINK_PARITY] != PARITY_NONE ? 1 : 0;
    int64_t bits = 1 + options[LINK_DATA] + parity_bits + options[LINK_STOP];
    serial->link.character_ns = (uint32_t)(bits * NS_PER_S / options[LINK_BAUD]);
    return &serial->link;
}
