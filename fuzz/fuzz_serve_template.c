/* A template file: whatever comes, it is read or refused, and what was read writes and reads back
 * the same. */
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"
#include "core/mem.h"
#include "serve/template_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct template template;
    struct err err = ERR_INIT;
    if (template_read((struct str){(const char *)data, size}, &arena, &template, &err) < 0) {
        return 0;
    }
    AUTO_BUF struct buf first;
    AUTO_BUF struct buf second;
    buf_init(&first, TEMPLATE_BYTES_MAX);
    buf_init(&second, TEMPLATE_BYTES_MAX);
    template_put(&template, &first);
    if (!first.overflow) {
        CHECK(template_read(buf_str(&first), &arena, &template, &err) == 0);
        template_put(&template, &second);
        CHECK(str_eq(buf_str(&first), buf_str(&second)));
    }
    return 0;
}
