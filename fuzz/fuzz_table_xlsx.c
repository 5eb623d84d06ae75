/*
 * Workbooks under random bytes. A first byte of 'Z' gives the rest to the reader as a file; any
 * other makes the rest the XML of each part in turn (workbook, relations, styles, shared texts),
 * for the fuzzer seldom gets through the checksums of a ZIP file. Nothing must crash, hang or grow.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "table/table.h"
#include "table/xlsx_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *data;
    size_t size;
};

static int read_bytes(void *context, void *to, size_t capacity, size_t *ret_size, struct err *err) {
    (void)err;
    struct bytes *bytes = context;
    size_t size = bytes->size < capacity ? bytes->size : capacity;
    if (size > 0) {
        memcpy(to, bytes->data, size);
    }
    bytes->data += size;
    bytes->size -= size;
    *ret_size = size;
    return 0;
}

static void read_file(const uint8_t *data, size_t size) {
    struct bytes bytes = {data, size};
    struct table_options options = {
        .fd = -1, .context = &bytes, .read = read_bytes, .sheet = STR_NONE};
    struct table *table = NULL;
    int status = table_open(&options, &table, NULL);
    const struct str *fields = NULL;
    size_t count = 0;
    while (status >= 0 && (status = table_next(table, &fields, &count, NULL)) > 0) {
        for (size_t i = 0; status == TABLE_ROW && i < count; i++) {
            size_t bad = 0;
            CHECK(str_is_utf8(fields[i], &bad));
        }
    }
    table_close(table);
}

static void read_part(struct xml_events events, const uint8_t *data, size_t size) {
    struct xml *xml = xml_new(&events);
    if (xml_feed(xml, data, size / 2, false, NULL) >= 0) {
        (void)xml_feed(xml, data + size / 2, size - size / 2, true, NULL); // Refusing is fine.
    }
    xml_free(xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0 && data[0] == 'Z') {
        read_file(data + 1, size - 1);
        return 0;
    }
    struct xlsx_parts parts;
    CHECK(xlsx_parts_init(&parts, NULL, NULL) >= 0);
    struct xml_events events[] = {xlsx_workbook_events(&parts), xlsx_relation_events(&parts),
        xlsx_style_events(&parts), xlsx_shared_events(&parts)};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        read_part(events[i], data, size);
    }
    struct str text;
    if (xlsx_shared_end(&parts, NULL) >= 0) {
        for (uint64_t i = 0; i < parts.text_count; i++) {
            CHECK(xlsx_shared_text(&parts, i, &text));
        }
    }
    xlsx_parts_fini(&parts);
    return 0;
}
