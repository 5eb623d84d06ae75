/*
 *     <109>1 2026-11-20T03:00:00.123456Z plant-pc maru 812 token.create
 *         [origin software="maru" swVersion="0.1.0"]
 *         [maru@32473 chain="hub" sequence="42" actor="..." subject="..."] BOM actor action ...
 *
 * in one line. Facility 13 is "log audit" (RFC 5424 section 6.2.1); what was refused or failed is a
 * warning, all else a notice. 32473 is the enterprise number for examples (RFC 5612): Maru has none
 * of its own. Chain and sequence name an entry for ever, so a receiver that gets it twice can tell.
 * Header fields are printable ASCII (section 6.2), what is not becomes '?'; parameter values escape
 * quote, backslash and bracket (section 6.3.3); line breaks in the text become blanks, because many
 * receivers store a message a line.
 */
#include "upkeep/syslog_message.h"

#include "core/time.h"

enum {
    FACILITY_AUDIT = 13,
    SEVERITY_WARNING = 4,
    SEVERITY_NOTICE = 5,
    HOST_MAX = 255,
    MSGID_MAX = 32,
};

static void put_header(struct buf *to, struct str text, size_t max) {
    if (text.size == 0) {
        buf_put_char(to, '-'); // NILVALUE
    }
    for (size_t i = 0; i < text.size && i < max; i++) {
        unsigned char c = (unsigned char)text.data[i];
        buf_put_char(to, c > 0x20 && c < 0x7F ? (char)c : '?');
    }
}

static void put_param(struct buf *to, const char *name, struct str value) {
    buf_printf(to, " %s=\"", name);
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c == '"' || c == '\\' || c == ']') {
            buf_put_char(to, '\\');
        }
        buf_put_char(to, (unsigned char)c < 0x20 ? ' ' : c);
    }
    buf_put_char(to, '"');
}

static void put_words(struct buf *to, struct str text, size_t end) {
    for (size_t i = 0; i < text.size;) {
        size_t length = str_utf8_length(text, i);
        length = length == 0 ? 1 : length;
        if (to->size + length > end) {
            return;
        }
        if (length == 1 && ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7F)) {
            buf_put_char(to, ' ');
        } else {
            buf_put_str(to, str_slice(text, i, i + length));
        }
        i += length;
    }
}

static bool has(struct str text, struct str part) {
    for (size_t i = 0; i + part.size <= text.size; i++) {
        if (str_eq(str_slice(text, i, i + part.size), part)) {
            return true;
        }
    }
    return false;
}

static int severity_of(struct str action) {
    return has(action, STR("denied")) || has(action, STR("fail")) || has(action, STR("refuse")) ||
                   has(action, STR("lock"))
               ? SEVERITY_WARNING
               : SEVERITY_NOTICE;
}

void syslog_message(const struct syslog_event *event, struct buf *to) {
    const struct audit_entry *entry = event->entry;
    size_t end = to->size + SYSLOG_MESSAGE_MAX;
    char time[TIME_TEXT_MAX];
    char number[24];
    // Six digits of a second at most (section 6.2.3).
    (void)time_format(entry->time_ns - entry->time_ns % NS_PER_US, NULL, time);
    buf_printf(to, "<%d>1 %s ", FACILITY_AUDIT * 8 + severity_of(entry->action), time);
    put_header(to, str_of(event->host), HOST_MAX);
    buf_printf(to, " maru %lld ", (long long)event->process);
    put_header(to, entry->action, MSGID_MAX);
    buf_printf(to, " [origin software=\"maru\" swVersion=\"%s\"][maru@32473", MARU_VERSION);
    put_param(to, "chain", str_of(event->chain));
    (void)i64_to_text(entry->sequence, number);
    put_param(to, "sequence", str_of(number));
    put_param(to, "actor", entry->actor);
    put_param(to, "subject", entry->subject);
    buf_put_str(to, STR("] \xEF\xBB\xBF"));
    put_words(to, entry->action, end);
    put_words(to, STR(": "), end);
    put_words(to, entry->erased ? STR("(erased)") : entry->payload, end);
}

void syslog_frame(const struct syslog_event *event, struct buf *to) {
    AUTO_BUF struct buf message;
    buf_init(&message, 2 * SYSLOG_MESSAGE_MAX);
    syslog_message(event, &message);
    buf_printf(to, "%zu ", message.size);
    buf_put_str(to, buf_str(&message));
}
