/*
 * Addresses of brokers as somebody may type them. What is taken gives a host with a port and a
 * topic that a broker may be sent; a login is never repeated in words.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "device/link.h"
#include "device/mqtt_post.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str url = {.data = (const char *)data, .size = size};
    struct mqtt_url parsed;
    struct err err = ERR_INIT;
    if (mqtt_url_parse(url, &parsed, &err) < 0) {
        CHECK(err.code == ERR_INVALID);
        CHECK(mqtt_post_check(url, STR_NONE, NULL) < 0);
        return 0;
    }
    CHECK(mqtt_post_is(url));
    CHECK(link_host_check(str_of(parsed.address), NULL) == 0);
    CHECK(parsed.topic.size > 0 && parsed.topic.data + parsed.topic.size == url.data + url.size);
    CHECK(memchr(parsed.topic.data, '#', parsed.topic.size) == NULL);
    CHECK(memchr(parsed.topic.data, '+', parsed.topic.size) == NULL);
    CHECK(memchr(parsed.topic.data, '\0', parsed.topic.size) == NULL);
    return 0;
}
