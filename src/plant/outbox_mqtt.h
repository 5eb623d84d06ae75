#ifndef PLANT_OUTBOX_MQTT_H
#define PLANT_OUTBOX_MQTT_H
/*
 * One message of the outbox over MQTT: its rows in parts that brokers take, each part with a head
 * line of its own, each confirmed before the next leaves. The outbox's thread.
 */
#include "device/mqtt_post.h"
#include "plant/plant.h"

enum {
    OUTBOX_PART_ROWS_BYTES = 96 * 1024, // Rows of a part; the part ends before the row beyond.
    OUTBOX_PART_BYTES = 128 * 1024,     // A part with its head; what is longer is refused.
};

struct outbox_mqtt {
    struct mqtt_post_options to;
    struct str rows; // Lines. Each part has at least one.
    void *context;
    /* The head line of part `part` of `parts`, counted from 1, with so many rows. */
    void (*put_head)(void *context, uint64_t rows, uint32_t part, uint32_t parts, struct buf *out);
};

/* The reason code of the confirmations (the last one that was not 0), or the failure of the first
 * part that was not confirmed; then all of them have to go again. ERR_LIMIT: a row is too long. */
int outbox_mqtt_send(const struct outbox_mqtt *message, struct err *err);

#endif
