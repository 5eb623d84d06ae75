/* Labels of strangers: every code is taken apart or refused, and elements lie inside the code. */
#include <stdint.h>

#include "core/check.h"
#include "wire/gs1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    struct gs1_code code;
    if (gs1_parse(text, &code, NULL) == 0) {
        CHECK(code.count > 0 && code.count <= GS1_ELEMENTS_MAX);
        for (uint32_t i = 0; i < code.count; i++) {
            const struct gs1_element *element = &code.elements[i];
            CHECK(element->value.data >= text.data);
            CHECK(element->value.data + element->value.size <= text.data + size);
            CHECK(element->value.size > 0 && element->ai.size >= 2);
            CHECK(gs1_find(&code, element->ai).size > 0);
            double number = 0;
            char date[11];
            (void)gs1_number(element, &number);
            (void)gs1_date(element->value, 2026, date);
        }
    }
    struct gs1_sgtin sgtin;
    if (gs1_epc(text, &sgtin)) {
        CHECK(gs1_check_digit(str_of(sgtin.gtin)));
    }
    return 0;
}
