/*
 * The log: one line per event on stderr, one write(2) a line, so that lines of several threads and
 * processes never mix and nothing sits in a buffer when the process is killed. A supervisor
 * (systemd, a container) keeps, rotates and dates the lines.
 *
 * Text values stand bare when they are plain words and in quotes otherwise, with quotes,
 * backslashes, controls and malformed UTF-8 escaped: a device name or a sentence from outside
 * cannot forge a second line or a second field. A line is at most LINE_MAX_BYTES; a longer one is
 * cut and ends in " cut=1". The level is the program's one global variable.
 */
#include "core/log.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/time.h"

enum { LINE_MAX_BYTES = 8192, SENTENCE_MAX_BYTES = 4096 };

static _Atomic int level_now = LOG_INFO;

void log_set_level(enum log_level level) {
    level_now = (int)level;
}

enum log_level log_level(void) {
    return (enum log_level)level_now;
}

static bool is_bare(struct str text) {
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return text.size > 0;
}

static void put_quoted(struct buf *line, struct str text) {
    buf_put_char(line, '"');
    for (size_t i = 0; i < text.size;) {
        unsigned char c = (unsigned char)text.data[i];
        size_t length = str_utf8_length(text, i);
        // C1 controls (U+0080..009F) can steer a terminal as well as C0 ones.
        bool c1 = length == 2 && c == 0xC2 && (unsigned char)text.data[i + 1] < 0xA0;
        if (c == '"' || c == '\\') {
            buf_printf(line, "\\%c", c);
        } else if (c == '\n') {
            buf_put_str(line, STR("\\n"));
        } else if (length == 0 || c < 0x20 || c == 0x7F || c1) {
            buf_printf(line, "\\x%02x", c);
            length = 1;
        } else {
            buf_put_str(line, str_slice(text, i, i + length));
        }
        i += length;
    }
    buf_put_char(line, '"');
}

static void put_text(struct buf *line, struct str text) {
    if (is_bare(text)) {
        buf_put_str(line, text);
    } else {
        put_quoted(line, text);
    }
}

static void put_field(struct buf *line, const struct log_field *field) {
    buf_printf(line, " %s=", field->key);
    switch (field->value.kind) {
    case ARG_KIND_TEXT: put_text(line, field->value.text); break;
    case ARG_KIND_INT: buf_put_i64(line, field->value.integer); break;
    case ARG_KIND_REAL: buf_put_f64(line, field->value.real); break;
    case ARG_KIND_NONE: break;
    }
}

/* Bytes of the longest whole characters within `size`; what was cut in two is dropped. */
static size_t whole_characters(struct str text, size_t size) {
    while (size > 0 && size < text.size && ((unsigned char)text.data[size] & 0xC0) == 0x80) {
        size--;
    }
    return size;
}

void log_line(struct buf *line, int64_t time_ns, enum log_level level, const char *room,
    const char *event, const struct log_field *fields, const struct err *err) {
    static const char *const NAMES[] = {"error", "warn", "info", "debug"};
    char time[TIME_TEXT_MAX];
    (void)time_format(time_ns, NULL, time);
    buf_printf(line, "%s %s %s %s", time, NAMES[level], room, event);
    for (; fields && fields->key; fields++) {
        put_field(line, fields);
    }
    if (err && err->code != ERR_OK) {
        AUTO_BUF struct buf sentence;
        buf_init(&sentence, SENTENCE_MAX_BYTES);
        err_render(err, LANG_EN, &sentence);
        buf_printf(line, " code=%s error=", err_code_name(err->code));
        put_quoted(line, buf_str(&sentence));
    }
}

void log_event(enum log_level level, const char *room, const char *event,
    const struct log_field *fields, const struct err *err) {
    if ((int)level > level_now) {
        return;
    }
    AUTO_BUF struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    log_line(&line, clock_wall_ns(clock_system()), level, room, event, fields, err);
    static const struct str CUT_MARK = {" cut=1", 6};
    if (line.overflow || line.size + 1 > LINE_MAX_BYTES) {
        size_t room_bytes = LINE_MAX_BYTES - CUT_MARK.size - 1;
        size_t keep = line.size < room_bytes ? line.size : room_bytes;
        line.size = whole_characters(buf_str(&line), keep);
        line.overflow = false;
        buf_put_str(&line, CUT_MARK);
    }
    buf_put_char(&line, '\n');
    ssize_t written = write(STDERR_FILENO, line.data, line.size);
    (void)written; // A log that cannot be written has nobody to tell it to.
}
