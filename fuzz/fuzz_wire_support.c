/* Frames of remote support: read or refused, and what was read is written again byte by byte. */
#include <stdint.h>

#include "core/check.h"
#include "wire/support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str frame = {(const char *)data, size};
    struct support_requests requests;
    struct support_answers answers;
    AUTO_BUF struct buf again;
    buf_init(&again, SUPPORT_FRAME_BYTES);
    if (support_requests_read(frame, &requests, NULL) == 0) {
        for (uint32_t i = 0; i < requests.count; i++) {
            CHECK(support_target_is_good(requests.items[i].target));
        }
        support_requests_write(&requests, &again);
        CHECK(str_eq(buf_str(&again), frame));
    }
    buf_clear(&again);
    if (support_answers_read(frame, &answers, NULL) == 0) {
        support_answers_write(&answers, &again);
        CHECK(str_eq(buf_str(&again), frame));
    }
    struct support_link link;
    if (support_link_read(frame, &link, NULL) == 0) {
        CHECK(support_base_check(link.base, NULL) == 0);
        buf_clear(&again);
        support_link_write(&link, &again);
        struct support_link second;
        CHECK(support_link_read(buf_str(&again), &second, NULL) == 0);
        CHECK(str_eq(second.base, link.base) && str_eq(second.code, link.code));
    }
    return 0;
}
