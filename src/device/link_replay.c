/*
 * Replaying a capture: the other end of a conversation, read from a text file, for driver tests
 * (format in docs/ADD_A_DRIVER.md):
 *
 *     > 00 01 00 00 00 06 01 03 00 00 00 02     what we must send
 *     < 00 01 00 00 00 07 01 03 04 12 34 56 78  what is answered
 *     ! silence                                 nothing comes: a time-out, at once
 *     ! close                                   the other side closes
 *
 * Lines beginning with anything else belong to the test and are passed over. No real time passes:
 * where the capture has no more answer, a receive times out immediately, so captures of dead
 * machines are replayed in microseconds. Bytes that differ from the capture fail the send with the
 * line and the place. The file is read as a whole when the link is made; a second session goes on
 * where the first one stopped.
 */
#include <errno.h>
#include <string.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "device/link.h"

enum { CAPTURE_BYTES_MAX = 4 << 20 };

enum event_kind { EVENT_SEND = '>', EVENT_ANSWER = '<', EVENT_SILENCE = 's', EVENT_CLOSE = 'c' };

struct event {
    enum event_kind kind;
    uint32_t line;
    uint32_t offset; // Into `bytes`.
    uint32_t size;
};

struct link_replay {
    struct link link;
    char *path;
    struct buf bytes;
    struct event *events;
    uint32_t event_count;
    uint32_t next;   // Event.
    uint32_t done;   // Bytes of it already used.
    struct err load; // What was wrong with the file; told on open.
};

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends "00 01 ab" to `bytes`; false when it is anything else. */
static bool parse_bytes(struct str text, struct buf *bytes) {
    for (size_t i = 0; i < text.size;) {
        if (text.data[i] == ' ' || text.data[i] == '\t') {
            i++;
            continue;
        }
        int high = hex_digit(text.data[i]);
        int low = i + 1 < text.size ? hex_digit(text.data[i + 1]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        buf_put_char(bytes, (char)(high << 4 | low));
        i += 2;
    }
    return !bytes->overflow;
}

static void add_event(
    struct link_replay *replay, enum event_kind kind, uint32_t line, size_t offset) {
    replay->events =
        mem_resize(replay->events, (size_t)(replay->event_count + 1) * sizeof *replay->events);
    replay->events[replay->event_count++] = (struct event){.kind = kind,
        .line = line,
        .offset = (uint32_t)offset,
        .size = (uint32_t)(replay->bytes.size - offset)};
}

static int load_line(struct link_replay *replay, struct str text, uint32_t line, struct err *err) {
    size_t offset = replay->bytes.size;
    text = str_trim(text);
    if (text.size == 0) {
        return 0;
    }
    if (text.data[0] == '>' || text.data[0] == '<') {
        if (!parse_bytes(str_slice(text, 1, text.size), &replay->bytes)) {
            return err_set(
                err, ERR_INVALID, MSG_DEVICE_CAPTURE_FORM, ARGS(A_CSTR(replay->path), A_INT(line)));
        }
        add_event(replay, (enum event_kind)text.data[0], line, offset);
    } else if (str_eq(text, STR("! silence"))) {
        add_event(replay, EVENT_SILENCE, line, offset);
    } else if (str_eq(text, STR("! close"))) {
        add_event(replay, EVENT_CLOSE, line, offset);
    }
    return 0;
}

static int load(struct link_replay *replay, struct err *err) {
    AUTO_CLOSE int fd = -1;
    int result = file_open(files_system(), replay->path, FILE_READ, &fd, err);
    uint64_t size = 0;
    if (result == 0) {
        result = file_size(fd, replay->path, &size, err);
    }
    if (result == 0 && size > CAPTURE_BYTES_MAX) {
        return err_set_errno(err, EFBIG, str_of(replay->path));
    }
    AUTO_FREE char *text = mem_alloc(size > 0 && size <= CAPTURE_BYTES_MAX ? (size_t)size : 1);
    if (result == 0 && size > 0) {
        result = file_read_at(fd, replay->path, 0, text, (size_t)size, err);
    }
    struct str rest = {.data = text, .size = result == 0 ? (size_t)size : 0};
    for (uint32_t line = 1; result == 0 && rest.size > 0; line++) {
        result = load_line(replay, str_cut(&rest, '\n'), line, err);
    }
    return result;
}

static int replay_open(struct link *link, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    struct link_replay *replay = (struct link_replay *)link;
    if (replay->load.code != ERR_OK) {
        if (err != NULL) {
            *err = replay->load;
        }
        return -(int)replay->load.code;
    }
    if (replay->next < replay->event_count && replay->events[replay->next].kind == EVENT_CLOSE) {
        replay->next++;
    }
    return 0;
}

static void replay_close(struct link *link) {
    struct link_replay *replay = (struct link_replay *)link;
    /* What was left of an answer went down with the connection. */
    if (link->is_open && replay->done > 0) {
        replay->next++;
        replay->done = 0;
    }
}

static int replay_send(
    struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    struct link_replay *replay = (struct link_replay *)link;
    const uint8_t *from = data;
    for (size_t i = 0; i < size; i++) {
        const struct event *event = replay->events + replay->next;
        bool match = replay->next < replay->event_count && event->kind == EVENT_SEND &&
                     replay->bytes.data[event->offset + replay->done] == from[i];
        if (!match) {
            uint32_t line = replay->next < replay->event_count ? event->line : 0;
            return err_set(err, ERR_INTERNAL, MSG_DEVICE_CAPTURE_SENT,
                ARGS(A_CSTR(replay->path), A_INT(line), A_INT(replay->done)));
        }
        replay->done++;
        if (replay->done == event->size) {
            replay->next++;
            replay->done = 0;
        }
    }
    return 0;
}

static int replay_receive(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    struct link_replay *replay = (struct link_replay *)link;
    const struct event *event = replay->events + replay->next;
    bool more = replay->next < replay->event_count;
    if (more && event->kind == EVENT_CLOSE) {
        return err_set(err, ERR_CLOSED, MSG_DEVICE_LINK_CLOSED, NO_ARGS);
    }
    if (!more || event->kind != EVENT_ANSWER) {
        replay->next += more && event->kind == EVENT_SILENCE;
        return err_set(err, ERR_TIMEOUT, MSG_NONE, NO_ARGS);
    }
    size_t left = event->size - replay->done;
    size_t count = capacity < left ? capacity : left;
    memcpy(data, replay->bytes.data + event->offset + replay->done, count);
    replay->done += (uint32_t)count;
    if (replay->done == event->size) {
        replay->next++;
        replay->done = 0;
    }
    return (int)count;
}

static void replay_free(struct link *link) {
    struct link_replay *replay = (struct link_replay *)link;
    buf_fini(&replay->bytes);
    mem_free(replay->events);
    mem_free(replay->path);
    mem_free(replay);
}

static const struct link_ops replay_ops = {
    .name = "capture",
    .open = replay_open,
    .close = replay_close,
    .send = replay_send,
    .receive = replay_receive,
    .free = replay_free,
};

struct link *link_replay_new(struct str path) {
    struct link_replay *replay = MEM_NEW(struct link_replay);
    replay->link.ops = &replay_ops;
    replay->path = mem_copy_z(path);
    buf_init(&replay->bytes, CAPTURE_BYTES_MAX);
    (void)load(replay, &replay->load); // Told when the link is opened.
    return &replay->link;
}

bool link_replay_is_done(const struct link *link) {
    const struct link_replay *replay = (const struct link_replay *)link;
    return replay->next >= replay->event_count;
}
