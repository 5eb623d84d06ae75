/*
 * The storm of the contract; see the header. The line is a link of its own kind: messages queue up
 * as the machine sends them, a stream gives them without borders and a line of datagrams one at a
 * time. Every fault is drawn for one answer; whatever is left in the queue goes down with the
 * session, as it does with a socket.
 */
#include "support_contract.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/random.h"

enum {
    QUEUE_MESSAGES = 64,
    MESSAGE_BYTES = 1 << 16,
    FAULT_PERCENT = 30,
    GARBAGE_BYTES = 300,
    POLLS_PER_VALUE_MAX = 50, // A driver that never recovers must not hold the test.
    CALM_POLLS = 4,
};

struct storm_line {
    struct link link;
    struct link_ops ops;
    const struct contract_peer *peer;
    struct random random;
    struct buf queue[QUEUE_MESSAGES];
    uint32_t first;
    uint32_t count;
    struct buf answer;   // Of the request in hand.
    struct buf previous; // Of the request before.
    struct buf held;     // Comes before the next answer.
    bool closes;
    bool slow;
    bool calm;
    enum contract_fault last_fault;
    uint32_t faults[FAULT_COUNT];
};

static void push(struct storm_line *line, const void *data, size_t size) {
    if (size > 0 && line->count < QUEUE_MESSAGES) {
        struct buf *message = &line->queue[(line->first + line->count++) % QUEUE_MESSAGES];
        buf_clear(message);
        buf_put(message, data, size);
    }
}

static void copy_buf(struct buf *to, const struct buf *from) {
    buf_clear(to);
    buf_put(to, from->data, from->size);
}

static int line_open(struct link *link, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    (void)err;
    struct storm_line *line = (struct storm_line *)link;
    line->count = 0;
    line->closes = false;
    buf_clear(&line->previous);
    buf_clear(&line->held);
    if (line->peer->opened != NULL) {
        line->peer->opened(line->peer->context);
    }
    return 0;
}

static void line_close(struct link *link) {
    (void)link;
}

static enum contract_fault draw_fault(struct storm_line *line) {
    if (line->calm || random_below(&line->random, 100) >= FAULT_PERCENT) {
        return FAULT_NONE;
    }
    enum contract_fault fault = (enum contract_fault)random_below(&line->random, FAULT_COUNT);
    bool possible = (line->peer->without & 1u << fault) == 0 &&
                    (fault != FAULT_WRONG_UNIT || line->peer->wrong_unit != NULL) &&
                    (fault != FAULT_SLOW || !line->ops.datagram);
    return possible ? fault : FAULT_NONE;
}

static void push_garbage(struct storm_line *line) {
    uint8_t bytes[GARBAGE_BYTES];
    size_t size = 1 + random_below(&line->random, GARBAGE_BYTES);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)random_u64(&line->random);
    }
    push(line, bytes, size);
}

static void push_beginning(struct storm_line *line, bool rest_later) {
    size_t size = random_below(&line->random, line->answer.size);
    if (rest_later && size == 0) {
        size = 1; // With nothing now it would be FAULT_LATE.
    }
    push(line, line->answer.data, size);
    if (rest_later) {
        buf_put(&line->held, line->answer.data + size, line->answer.size - size);
    }
}

/* Puts the answer in hand on the line, with one fault. */
static void deliver(struct storm_line *line) {
    enum contract_fault fault = draw_fault(line);
    struct buf *answer = &line->answer;
    line->last_fault = fault;
    line->faults[fault]++;
    line->slow = fault == FAULT_SLOW;
    push(line, line->held.data, line->held.size);
    buf_clear(&line->held);
    switch (fault) {
    case FAULT_SILENCE: break;
    case FAULT_CUT: push_beginning(line, false); break;
    case FAULT_REST_LATER: push_beginning(line, true); break;
    case FAULT_CUT_CLOSE:
        push_beginning(line, false);
        line->closes = true;
        break;
    case FAULT_CLOSE: line->closes = true; break;
    case FAULT_GARBAGE: push_garbage(line); break;
    case FAULT_LATE: copy_buf(&line->held, answer); break;
    case FAULT_OLDER_ONLY: push(line, line->previous.data, line->previous.size); break;
    case FAULT_OLDER:
        push(line, line->previous.data, line->previous.size);
        push(line, answer->data, answer->size);
        break;
    case FAULT_TWICE:
        push(line, answer->data, answer->size);
        push(line, answer->data, answer->size);
        break;
    case FAULT_WRONG_UNIT:
        copy_buf(&line->previous, answer);
        line->peer->wrong_unit(answer->data, answer->size);
        push(line, answer->data, answer->size);
        return;
    case FAULT_NONE:
    case FAULT_SLOW:
    case FAULT_COUNT: push(line, answer->data, answer->size); break;
    }
    copy_buf(&line->previous, answer);
}

static int line_send(
    struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    struct storm_line *line = (struct storm_line *)link;
    if (line->closes) {
        return err_set(err, ERR_CLOSED, MSG_DEVICE_LINK_RESET, NO_ARGS);
    }
    buf_clear(&line->answer);
    line->peer->respond(line->peer->context, data, size, &line->answer);
    if (line->answer.size > 0) {
        deliver(line);
    }
    return 0;
}

static int line_receive(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    struct storm_line *line = (struct storm_line *)link;
    if (line->count == 0) {
        return line->closes ? err_set(err, ERR_CLOSED, MSG_DEVICE_LINK_CLOSED, NO_ARGS)
                            : err_set(err, ERR_TIMEOUT, MSG_NONE, NO_ARGS);
    }
    struct buf *message = &line->queue[line->first];
    size_t size = message->size < capacity ? message->size : capacity;
    size = line->slow && size > 1 ? 1 : size;
    memcpy(data, message->data, size);
    buf_drop_front(message, line->ops.datagram ? message->size : size);
    if (message->size == 0) {
        line->first = (line->first + 1) % QUEUE_MESSAGES;
        line->count--;
    }
    return (int)size;
}

static void line_free(struct link *link) {
    struct storm_line *line = (struct storm_line *)link;
    for (uint32_t i = 0; i < QUEUE_MESSAGES; i++) {
        buf_fini(&line->queue[i]);
    }
    buf_fini(&line->answer);
    buf_fini(&line->previous);
    buf_fini(&line->held);
    mem_free(line);
}

static struct storm_line *line_new(const struct contract_peer *peer, uint64_t seed) {
    struct storm_line *line = MEM_NEW(struct storm_line);
    struct str address = str_of(peer->address);
    line->ops = (struct link_ops){.name = "storm",
        .serial = link_is_serial(address),
        .datagram = link_is_datagram(address),
        .open = line_open,
        .close = line_close,
        .send = line_send,
        .receive = line_receive,
        .free = line_free};
    line->link = (struct link){.ops = &line->ops, .clock = clock_system(), .fd = -1, .stop_fd = -1};
    line->peer = peer;
    random_seed(&line->random, seed);
    for (uint32_t i = 0; i < QUEUE_MESSAGES; i++) {
        buf_init(&line->queue[i], MESSAGE_BYTES);
    }
    buf_init(&line->answer, MESSAGE_BYTES);
    buf_init(&line->previous, MESSAGE_BYTES);
    buf_init(&line->held, 2 * MESSAGE_BYTES);
    return line;
}

struct storm {
    const struct contract_peer *peer;
    struct rig rig;
    struct storm_line *line;
    struct tag_line tags[CONTRACT_SOURCES_MAX + 1];
    char names[CONTRACT_SOURCES_MAX][8];
    uint32_t tag_count;
    uint32_t good[CONTRACT_SOURCES_MAX]; // Good rows seen.
    struct contract_result result;
};

static void storm_init(struct storm *storm, const struct contract_peer *peer, uint64_t seed) {
    *storm = (struct storm){.peer = peer};
    while (peer->sources[storm->tag_count] != NULL) {
        uint32_t i = storm->tag_count++;
        assert_true(i < CONTRACT_SOURCES_MAX);
        (void)snprintf(storm->names[i], sizeof storm->names[i], "t%u", i + 1);
        storm->tags[i] = (struct tag_line){storm->names[i], "d", peer->sources[i]};
    }
    storm->line = line_new(peer, seed);
    struct device_line device = {"d", peer->driver, peer->address, peer->options, 1000};
    rig_init(&storm->rig, &device, storm->tags, &storm->line->link);
    assert_int_equal(storm->tag_count, storm->rig.plan->point_count); // Every source is good.
}

/* Compares what the poll brought. The number of good rows. */
static uint32_t check_rows(struct storm *storm, uint32_t generation) {
    struct box *box = &storm->rig.box;
    uint32_t fresh = 0;
    for (uint32_t i = 0; i < storm->tag_count; i++) {
        if (box->good_counts[i + 1] == storm->good[i]) {
            continue;
        }
        storm->good[i] = box->good_counts[i + 1];
        double wanted = (double)(i + 1) * CONTRACT_STEP + generation;
        double got = sample_number(&box->last[i + 1].row);
        if (box->last[i + 1].row.status == (uint32_t)STATUS_GOOD && got != wanted) {
            fail_msg("%s: source %s gave %.0f instead of %.0f in poll %u, last fault %d",
                storm->peer->driver, storm->peer->sources[i], got, wanted, storm->result.polls,
                (int)storm->line->last_fault);
        }
        fresh++;
    }
    return fresh;
}

/* One poll with its own generation. The number of good rows. */
static uint32_t storm_poll(struct storm *storm) {
    struct rig *rig = &storm->rig;
    uint32_t generation = storm->result.polls % CONTRACT_STEP;
    storm->result.polls++;
    storm->peer->set_generation(storm->peer->context, generation);
    for (uint32_t unit = 0; unit < rig->plan->unit_count; unit++) {
        rig->plan->units[unit].next_try_ns = 0; // No waiting.
    }
    struct err err = ERR_INIT;
    int result = rig->poller.connected ? 0 : rig_connect(rig, &err);
    if (result == 0) {
        result = rig_poll(rig, &err);
    }
    if (result < 0) {
        assert_true(err.code != ERR_OK && err.note_count > 0); // With words.
        storm->result.lost++;
        poller_disconnect(&rig->poller);
        poller_mark_bad(&rig->poller, rig->plan, STATUS_BAD_COMMUNICATION);
    }
    uint32_t fresh = check_rows(storm, generation);
    storm->result.values += fresh;
    return fresh;
}

struct contract_result contract_storm(
    const struct contract_peer *peer, uint64_t seed, uint32_t values) {
    struct storm *storm = mem_zero(1, sizeof *storm);
    storm_init(storm, peer, seed);
    while (storm->result.values < values) {
        (void)storm_poll(storm);
        if (storm->result.polls / POLLS_PER_VALUE_MAX > values / storm->tag_count) {
            fail_msg("%s: %u polls brought only %u values", peer->driver, storm->result.polls,
                storm->result.values);
        }
    }
    storm->line->calm = true;
    uint32_t fresh = 0;
    for (int i = 0; i < CALM_POLLS; i++) {
        fresh = storm_poll(storm);
    }
    if (fresh != storm->tag_count) {
        fail_msg("%s: on a calm line only %u of %u sources are good", peer->driver, fresh,
            storm->tag_count);
    }
    memcpy(storm->result.faults, storm->line->faults, sizeof storm->result.faults);
    struct contract_result result = storm->result;
    for (uint32_t fault = 1; fault < FAULT_COUNT; fault++) {
        bool left_out = (peer->without & 1u << fault) != 0 ||
                        (fault == FAULT_WRONG_UNIT && peer->wrong_unit == NULL) ||
                        (fault == FAULT_SLOW && link_is_datagram(str_of(peer->address)));
        assert_true(left_out || values < 1000 || result.faults[fault] > 0);
    }
    print_message("%s: %u polls, %u values, none wrong; %u sessions lost\n", peer->driver,
        result.polls, result.values, result.lost);
    rig_fini(&storm->rig);
    mem_free(storm);
    return result;
}
