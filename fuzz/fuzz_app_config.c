/*
 * maru.conf from hostile bytes: taken or refused in words, within its limits, never a crash. A
 * taken one keeps the ranges that its readers count on.
 */
#include <string.h>

#include "app/config.h"
#include "core/check.h"
#include "core/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct config *config = MEM_NEW(struct config);
    struct err err = ERR_INIT;
    int status = config_parse((struct str){(const char *)data, size}, config, &err);
    CHECK(status == 0 || err.code != ERR_OK);
    if (status == 0) {
        CHECK(config->address[0] != '\0');
        CHECK(config->limits.connections >= 8 && config->limits.body_bytes >= 65536);
    }
    mem_free(config);
    return 0;
}
