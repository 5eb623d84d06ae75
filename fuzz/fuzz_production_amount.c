/* Any text is an amount or none; what is one reads back from its own text. */
#include "core/check.h"
#include "production/amount.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t u = 0;
    if (amount_parse((struct str){(const char *)data, size}, &u)) {
        char text[AMOUNT_TEXT_MAX];
        int64_t back = 0;
        size_t length = amount_text(u, text);
        CHECK(amount_parse((struct str){text, length}, &back) && back == u);
    }
    return 0;
}
