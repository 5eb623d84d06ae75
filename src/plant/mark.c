/*
 * Marks of devices and tags. A mark is a hash of the fields, each with its length before it, so
 * that no two fields run into one another; numbers as the shortest text that reads back the same,
 * which is what a table says, too. It is not kept anywhere: a program that counts otherwise after
 * an upgrade tells open tables to look again, no more. Two states of one row would have to meet in
 * 64 bits for a change to pass unseen. A device's options go in as people may see them: whoever
 * holds a mark cannot try passwords against it.
 */
#include "plant/mark.h"

#include <stdio.h>

#include "core/buf.h"
#include "core/hash.h"
#include "core/limits.h"
#include "device/device.h"

enum { FIELDS_BYTES = 32 * 1024 }; // Every field of a row at its longest is far below.

static void put_text(struct buf *fields, struct str text) {
    buf_put_i64(fields, (int64_t)text.size);
    buf_put_char(fields, ':');
    buf_put_str(fields, text);
}

static void put_number(struct buf *fields, double number) {
    buf_put_f64(fields, number);
    buf_put_char(fields, ';');
}

static void put_count(struct buf *fields, int64_t number) {
    buf_put_i64(fields, number);
    buf_put_char(fields, ';');
}

static void finish(const struct buf *fields, char ret_text[MARK_TEXT_MAX]) {
    struct str text = buf_str(fields);
    (void)snprintf(
        ret_text, MARK_TEXT_MAX, "%016llx", (unsigned long long)hash64(text.data, text.size));
}

void mark_of_tag(const struct tag *tag, char ret_text[MARK_TEXT_MAX]) {
    AUTO_BUF struct buf fields;
    buf_init(&fields, FIELDS_BYTES);
    const struct str texts[] = {
        tag->name, tag->display, tag->unit, tag->device, tag->source, tag->refine};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put_text(&fields, texts[i]);
    }
    const double numbers[] = {tag->scale, tag->offset, tag->min, tag->max, tag->dead_band};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        put_number(&fields, numbers[i]);
    }
    const int64_t counts[] = {(int64_t)tag->type, (int64_t)tag->kind, tag->max_silence_ns,
        tag->late_limit_ns, tag->retention_days, tag->rollup_days, tag->keep_raw, tag->active};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        put_count(&fields, counts[i]);
    }
    finish(&fields, ret_text);
}

void mark_of_device(const struct device *device, char ret_text[MARK_TEXT_MAX]) {
    AUTO_BUF struct buf shown;
    buf_init(&shown, 4 * LIMIT_DEVICE_TEXT_BYTES);
    device_options_show(device->driver, device->options, &shown);
    AUTO_BUF struct buf fields;
    buf_init(&fields, FIELDS_BYTES);
    put_text(&fields, device->id);
    put_text(&fields, device->display);
    put_text(&fields, device->driver);
    put_text(&fields, device->address);
    put_text(&fields, buf_str(&shown));
    put_count(&fields, device->period_ns);
    put_count(&fields, device->enabled);
    finish(&fields, ret_text);
}
