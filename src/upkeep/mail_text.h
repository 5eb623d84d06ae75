#ifndef UPKEEP_MAIL_TEXT_H
#define UPKEEP_MAIL_TEXT_H
/*
 * A mail as it goes over the wire (RFC 5322, MIME). Pure; any thread.
 */
#include <stdint.h>

#include "core/buf.h"

enum { MAIL_BYTES_MAX = 256 * 1024 };

struct mail_text {
    const char *sender;
    const char *recipient;
    struct str subject; // UTF-8, any length, no line breaks needed to be feared.
    struct str body;
    int64_t time_ns;
    const char *id; // Of the Message-ID, unique.
};
void mail_text_write(const struct mail_text *mail, struct buf *to);
/* RFC 4648 section 4, with a line break behind each `width` letters; 0: none. */
void base64_put(struct str bytes, uint32_t width, struct buf *to);

#endif
