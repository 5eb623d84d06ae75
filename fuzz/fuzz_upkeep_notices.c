/*
 * Places of receivers and mail servers as somebody may type them, and texts from anywhere as they
 * go out: a syslog message stays one line with its fields, a mail ASCII in short lines.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "upkeep/mail_queue.h"
#include "upkeep/mail_text.h"
#include "upkeep/syslog.h"
#include "upkeep/syslog_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_places(struct str text) {
    struct syslog_settings settings = {.way = SYSLOG_NONE};
    if (syslog_parse(text, true, &settings, NULL) == 0 && text.size > 0) {
        CHECK(settings.way != SYSLOG_NONE && settings.port > 0);
        CHECK(settings.host[0] != '\0' && strchr(settings.host, '/') == NULL);
    }
    char server[MAIL_SERVER_MAX];
    struct mail_server parsed;
    (void)str_copy_z(text, server, sizeof server);
    if (mail_server_parse(server, &parsed)) {
        CHECK(strncmp(server, "smtp", 4) == 0 && strpbrk(server, " \r\n@?#") == NULL);
    }
}

static void check_message(struct str text) {
    struct audit_entry entry = {.sequence = 1,
        .time_ns = 1763600000123456789,
        .actor = text,
        .action = text,
        .subject = text,
        .payload = text};
    struct syslog_event event = {.host = "h", .chain = "hub", .process = 1, .entry = &entry};
    AUTO_BUF struct buf to;
    buf_init(&to, 1 << 22);
    syslog_message(&event, &to);
    CHECK(!to.overflow && memchr(to.data, '\n', to.size) == NULL);
    CHECK(memchr(to.data, '\r', to.size) == NULL);
    CHECK(memmem(to.data, to.size, "] \xEF\xBB\xBF", 5) != NULL);
}

static void check_mail(struct str text) {
    struct mail_text mail = {.sender = "a@b",
        .recipient = "c@d",
        .subject = text,
        .body = text,
        .time_ns = 1763600000000000000,
        .id = "1"};
    AUTO_BUF struct buf to;
    buf_init(&to, 1 << 24);
    mail_text_write(&mail, &to);
    size_t column = 0;
    for (size_t i = 0; i < to.size; i++) {
        CHECK(to.data[i] < 0x80 && to.data[i] != '\0');
        column = to.data[i] == '\n' ? 0 : column + 1;
        CHECK(column <= 78);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {.data = (const char *)data, .size = size < 20000 ? size : 20000};
    check_places(text);
    check_message(text);
    check_mail(text);
    return 0;
}
