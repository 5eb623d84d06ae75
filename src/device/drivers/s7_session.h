#ifndef DEVICE_DRIVERS_S7_SESSION_H
#define DEVICE_DRIVERS_S7_SESSION_H
/*
 * Private to drivers/s7*.c: the memory of a link and the exchange of jobs and answers. All of it is
 * used by the link's thread.
 */
#include "device/drivers/s7.h"

enum {
    TPKT_BYTES = 4,
    COTP_DATA_BYTES = 3, // 02 F0 80
    HEAD_BYTES = TPKT_BYTES + COTP_DATA_BYTES,
    JOB_HEADER = 10,
    ACK_HEADER = 12,
    READ_ITEM = 12,
    DATA_HEADER = 4,
    S7_FRAME_MAX = HEAD_BYTES + S7_PDU_MAX,
};

/* A run of points, or a part of one long point. */
struct s7_item {
    uint32_t group;
    uint32_t first; // Point of the group.
    uint32_t count;
    uint32_t start; // Cell.
    uint32_t cells;
    uint32_t bytes;
    bool is_part;
    uint32_t part_offset; // Byte of the point.
};

struct s7_job {
    uint16_t reference;
    int64_t stamp;
    uint32_t item_count;
    struct s7_item items[S7_ITEMS_MAX];
};

struct s7_private {
    uint32_t pdu;
    uint32_t jobs_allowed;
    uint16_t last_reference;
    uint32_t sent_in_session; // Saturates at 65,535: older numbers are unknown.
    uint32_t job_count;
    struct s7_job jobs[S7_JOBS_MAX];
    uint32_t part_left; // Bytes of the long point that are still to come; 0: none is fetched.
    bool part_bad;
    uint8_t part[S7_POINT_BYTES];
    uint8_t out[S7_JOBS_MAX * (HEAD_BYTES + JOB_HEADER + 2 + S7_ITEMS_MAX * READ_ITEM)];
    uint8_t frame[S7_FRAME_MAX];
    uint8_t pdu_in[S7_PDU_MAX];
};

static inline void s7_put_word(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static inline uint32_t s7_get_word(const uint8_t *from) {
    return (uint32_t)from[0] << 8 | from[1];
}

/* COTP connect and setup. ERR_CLOSED, ERR_DEVICE, ERR_FRAME with words. */
int s7_open(struct driver_io *io, struct err *err);
/* The number of the next job. They go on over sessions, so that an answer of an older one shows. */
uint16_t s7_take_reference(struct s7_private *s7);
/* TPKT and COTP in front of a PDU of that size. */
void s7_put_head(uint8_t *to, size_t pdu_bytes);
/* The ten bytes of a job. */
void s7_put_job(uint8_t *to, uint16_t reference, size_t parameters, size_t data);
/* Receives until the answer to one of the jobs under way is in s7->pdu_in, its lengths checked, and
 * takes the job out. The PDU's size, or negative. */
int s7_receive_answer(
    struct driver_io *io, struct s7_private *s7, struct s7_job *ret_job, struct err *err);
/* Sends the parameters and data in s7->out as the only job, and waits for its answer: the PDU's
 * size in s7->pdu_in, or negative. */
int s7_exchange(struct driver_io *io, struct s7_private *s7, uint16_t reference, size_t parameters,
    size_t data, struct err *err);

#endif
