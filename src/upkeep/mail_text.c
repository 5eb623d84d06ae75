/*
 * Subjects are encoded words (RFC 2047) of whole letters, 75 columns each; bodies UTF-8 in base64,
 * so that no server on the way has to be able to do 8 bits. `Auto-Submitted` (RFC 3834) keeps
 * absence notes from answering.
 */
#include "upkeep/mail_text.h"

#include "core/time.h"

enum {
    LINE_LETTERS = 76, // RFC 2045 section 6.8
    WORD_BYTES = 39,   // 52 letters of base64; with "Subject: =?UTF-8?B?" and "?=" below 76.
    DAY_S = 86400,
};

void base64_put(struct str bytes, uint32_t width, struct buf *to) {
    static const char LETTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t column = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)(unsigned char)bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t)(unsigned char)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(unsigned char)bytes.data[i + 2] : 0;
        buf_put_char(to, LETTERS[group >> 18 & 63]);
        buf_put_char(to, LETTERS[group >> 12 & 63]);
        buf_put_char(to, left > 1 ? LETTERS[group >> 6 & 63] : '=');
        buf_put_char(to, left > 2 ? LETTERS[group & 63] : '=');
        column += 4;
        if (width > 0 && column >= width) {
            buf_put_str(to, STR("\r\n"));
            column = 0;
        }
    }
    if (width > 0 && column > 0) {
        buf_put_str(to, STR("\r\n"));
    }
}

static void put_subject(struct str subject, struct buf *to) {
    buf_put_str(to, STR("Subject:"));
    size_t at = 0;
    while (at < subject.size) {
        size_t end = at;
        while (end < subject.size) {
            size_t length = str_utf8_length(subject, end);
            length = length == 0 ? 1 : length;
            if (end + length - at > WORD_BYTES) {
                break;
            }
            end += length;
        }
        buf_put_str(to, at == 0 ? STR(" =?UTF-8?B?") : STR("\r\n =?UTF-8?B?"));
        base64_put(str_slice(subject, at, end), 0, to);
        buf_put_str(to, STR("?="));
        at = end;
    }
    buf_put_str(to, STR("\r\n"));
}

/* "Fri, 20 Nov 2026 03:00:00 +0000", from "2026-11-20T03:00:00Z". */
static void put_date(int64_t time_ns, struct buf *to) {
    static const char *const DAYS[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const MONTHS[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[TIME_TEXT_MAX];
    int64_t seconds = time_ns / 1000000000;
    (void)time_format(seconds * 1000000000, NULL, text);
    uint32_t month = (uint32_t)(text[5] - '0') * 10 + (uint32_t)(text[6] - '0');
    buf_printf(to, "Date: %s, %.2s %s %.4s %.8s +0000\r\n", DAYS[seconds / DAY_S % 7], text + 8,
        MONTHS[(month + 11) % 12], text, text + 11);
}

void mail_text_write(const struct mail_text *mail, struct buf *to) {
    put_date(mail->time_ns, to);
    buf_printf(to, "From: Maru <%s>\r\nTo: <%s>\r\nMessage-ID: <%s@maru.invalid>\r\n", mail->sender,
        mail->recipient, mail->id);
    put_subject(mail->subject, to);
    buf_put_str(to, STR("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: base64\r\n\r\n"));
    base64_put(mail->body, LINE_LETTERS, to);
}
