/*
 * Brokers bound their packets (128 kB at the strictest of the large services), so a message is cut
 * between rows. Which rows a part holds follows from the rows alone; the receiver knows a row by
 * its id, so it may forget parts altogether.
 *
 * One part waits for the confirmation of the one before. A line with a round trip of 50 ms still
 * takes 2 MB a second that way, and no broker can turn the order around.
 */
#include "plant/outbox_mqtt.h"

#include "core/buf.h"

/* Takes the lines of one part off the front of *rest. */
static struct str cut_part(struct str *rest, uint64_t *ret_rows) {
    size_t size = 0;
    uint64_t rows = 0;
    while (size < rest->size) {
        struct str line = str_slice(*rest, size, rest->size);
        size_t bytes = str_find(line, '\n');
        bytes += bytes < line.size ? 1 : 0;
        if (rows > 0 && size + bytes > OUTBOX_PART_ROWS_BYTES) {
            break;
        }
        size += bytes;
        rows++;
    }
    struct str part = str_slice(*rest, 0, size);
    *rest = str_slice(*rest, size, rest->size);
    *ret_rows = rows;
    return part;
}

static uint32_t count_parts(struct str rows) {
    uint32_t parts = 0;
    for (uint64_t count = 0; rows.size > 0; parts++) {
        (void)cut_part(&rows, &count);
    }
    return parts;
}

static int send_parts(const struct outbox_mqtt *message, struct mqtt_post *post, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, OUTBOX_PART_BYTES);
    const uint32_t parts = count_parts(message->rows);
    struct str rest = message->rows;
    int status = 0;
    for (uint32_t part = 1; part <= parts; part++) {
        uint64_t rows = 0;
        struct str lines = cut_part(&rest, &rows);
        buf_clear(&payload);
        message->put_head(message->context, rows, part, parts, &payload);
        buf_put_str(&payload, lines);
        if (payload.overflow) {
            return err_set(err, ERR_LIMIT, MSG_OUTBOX_PART_LONG, ARGS(A_INT(OUTBOX_PART_BYTES)));
        }
        int code = mqtt_post_send(post, buf_str(&payload), err);
        if (code < 0) {
            return code;
        }
        status = code > 0 ? code : status;
    }
    return status;
}

int outbox_mqtt_send(const struct outbox_mqtt *message, struct err *err) {
    struct mqtt_post *post = NULL;
    int result = mqtt_post_open(&message->to, &post, err);
    if (result < 0) {
        return result;
    }
    result = send_parts(message, post, err);
    mqtt_post_close(post);
    return result;
}
