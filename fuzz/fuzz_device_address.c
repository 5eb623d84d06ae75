/*
 * Addresses and options as somebody may type them, for every driver of the registry. The first
 * byte chooses the driver, the first line is the options, the rest the source. What is accepted
 * must obey the contract: cells inside the driver's limits, a type, a repeatable result.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "device/device.h"
#include "device/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t count = 0;
    while (driver_at(count) != NULL) {
        count++;
    }
    if (size < 1) {
        return 0;
    }
    const struct driver *driver = driver_at(data[0] % count);
    struct str rest = {.data = (const char *)data + 1, .size = size - 1};
    struct str options = str_cut(&rest, '\n');
    struct driver_settings settings;
    struct err err = ERR_INIT;
    if (settings_parse(driver, options, (data[0] & 0x80) != 0, &settings, &err) < 0) {
        CHECK(err.code != ERR_OK);
        return 0;
    }
    struct point point = {0};
    if (driver->parse_address(rest, &settings, &point, &err) < 0) {
        CHECK(err.code != ERR_OK);
        return 0;
    }
    struct driver_span span = driver->span(&settings, point.space);
    CHECK(point.length > 0 && point.length <= span.max_length);
    CHECK(point.start + point.length > point.start);
    CHECK(point.natural_type >= TYPE_F64 && point.natural_type <= TYPE_TEXT);
    struct point again = {0};
    CHECK(driver->parse_address(rest, &settings, &again, &err) == 0);
    CHECK(memcmp(&point, &again, sizeof point) == 0);
    return 0;
}
