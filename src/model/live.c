/*
 * The live-value table: one sequence lock per tag.
 *
 * The pipeline is the only writer and must never wait for a reader; readers are many (streams,
 * requests, exchange) and may repeat. So each slot carries a sequence number, odd while it is being
 * written, and a reader that saw it change copies again. The value itself stands in atomic 64-bit
 * words, because a plain copy under a sequence lock is a data race in C11 even if it is thrown
 * away (Boehm, "Can Seqlocks Get Along With Programming Language Memory Models?", 2012). Words are
 * stored with release and loaded with acquire order instead of fences: a reader that sees a new
 * word also sees the odd number before it, and the thread sanitizer understands it. On x86-64
 * these are plain moves.
 *
 * A slot takes 168 bytes; numbers copy 6 words of it, texts as many as they need. 100,000 tags are
 * 16 MB of which only pages of used tags are ever touched.
 *
 * Change numbers: slots are written first, the plant-wide counter after them. A stream reads the
 * counter, copies what changed since its last mark and takes the counter's value as the new mark:
 * it may see a change twice, never miss one.
 */
#include "model/live.h"

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "core/check.h"
#include "core/mem.h"

#define AHEAD_MIN_NS (5LL * 1000000000) // Less is how clocks of machines differ.

enum {
    LIVE_WORDS = sizeof(struct live_value) / sizeof(uint64_t),
    LIVE_HEAD_WORDS = offsetof(struct live_value, value) / sizeof(uint64_t),
    LIVE_NUMBER_WORDS = LIVE_HEAD_WORDS + 1,
    LIVE_CHANGE_WORD = offsetof(struct live_value, change) / sizeof(uint64_t),
    LIVE_SPINS = 100, // Copies tried before the reader lets a preempted writer run.
};
_Static_assert(sizeof(struct live_value) % sizeof(uint64_t) == 0, "copied by whole words");
_Static_assert(offsetof(struct live_value, value) % sizeof(uint64_t) == 0, "value begins a word");
_Static_assert(offsetof(struct live_value, change) % sizeof(uint64_t) == 0, "change is a word");
_Static_assert(LIMIT_LIVE_TEXT_BYTES <= UINT8_MAX, "text_size is a byte");

struct live_slot {
    _Atomic uint64_t sequence; // Odd: being written. 0: no value yet.
    _Atomic uint64_t words[LIVE_WORDS];
};

struct live {
    uint32_t capacity;
    _Atomic uint32_t highest; // Largest tag number with a value: bounds walks over the table.
    _Atomic uint64_t change;
    struct live_slot *slots; // Tag n stands at n - 1.
};

struct live *live_new(uint32_t tag_capacity) {
    CHECK(tag_capacity > 0 && tag_capacity <= LIMIT_TAGS);
    struct live *live = MEM_NEW(struct live);
    live->capacity = tag_capacity;
    live->slots = MEM_ARRAY(struct live_slot, tag_capacity);
    return live;
}

void live_free(struct live *live) {
    if (live == NULL) {
        return;
    }
    mem_free(live->slots);
    mem_free(live);
}

/* Words of a value that carry something. */
static size_t value_words(uint8_t type, uint8_t text_size) {
    size_t words = LIVE_NUMBER_WORDS;
    if (type == TYPE_TEXT && text_size > sizeof(uint64_t)) {
        words += ((size_t)text_size - 1) / sizeof(uint64_t);
    }
    return words;
}

static void slot_write(struct live_slot *slot, const struct live_value *value) {
    uint64_t words[LIVE_WORDS];
    size_t count = value_words(value->type, value->text_size);
    memcpy(words, value, count * sizeof(uint64_t));
    uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_relaxed);
    DCHECK(sequence % 2 == 0);
    atomic_store_explicit(&slot->sequence, sequence + 1, memory_order_relaxed);
    for (size_t i = 0; i < count; i++) {
        atomic_store_explicit(&slot->words[i], words[i], memory_order_release);
    }
    atomic_store_explicit(&slot->sequence, sequence + 2, memory_order_release);
}

/* One try; false when a writer came between. The sizes inside a torn copy are not to be trusted,
 * so the number of words is bounded whatever they say. */
static bool slot_copy(const struct live_slot *slot, uint64_t sequence, struct live_value *to) {
    uint64_t words[LIVE_WORDS];
    for (size_t i = 0; i < LIVE_NUMBER_WORDS; i++) {
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
    }
    memcpy(to, words, LIVE_NUMBER_WORDS * sizeof(uint64_t));
    size_t count = value_words(to->type, to->text_size);
    count = count > LIVE_WORDS ? LIVE_WORDS : count;
    for (size_t i = LIVE_NUMBER_WORDS; i < count; i++) {
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
    }
    if (atomic_load_explicit(&slot->sequence, memory_order_relaxed) != sequence) {
        return false;
    }
    memcpy(to, words, count * sizeof(uint64_t));
    return true;
}

static bool slot_read(const struct live_slot *slot, struct live_value *to) {
    for (uint32_t tries = 1;; tries++) {
        uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
        if (sequence == 0) {
            return false;
        }
        if (sequence % 2 == 0 && slot_copy(slot, sequence, to)) {
            return true;
        }
        if (tries % LIVE_SPINS == 0) {
            (void)sched_yield(); // Cannot fail on Linux.
        }
    }
}

/* Of the room for a value only what value_words tells is filled. */
static void value_of_row(struct live_value *value, const struct batch *batch,
    const struct sample *row, int64_t received_ns) {
    value->tag = row->tag;
    value->status = row->status;
    value->time_ns = row->time_ns;
    value->received_ns = received_ns;
    value->type = row->type;
    value->flags = row->flags;
    value->text_cut = false;
    value->text_size = 0;
    if (row->type == TYPE_F64) {
        value->value.f64 = row->value.f64;
    } else if (row->type != TYPE_TEXT) {
        value->value.i64 = row->value.i64;
    } else {
        struct str text = batch_text(batch, row);
        char copy[LIMIT_LIVE_TEXT_BYTES + 1]; // The table keeps no NUL.
        size_t size = str_copy_z(text, copy, sizeof copy);
        memset(value->value.text, 0, sizeof value->value.text);
        memcpy(value->value.text, copy, size);
        value->text_size = (uint8_t)size;
        value->text_cut = size < text.size;
    }
}

/* What stands is of a time that has not come, and the row is of now: a clock was set back. Holding
 * on to the later time would show one old value as fresh until the clock has caught up. */
static bool clock_went_back(
    const struct sample *row, const struct live_value *old, int64_t received_ns) {
    int64_t off_ns = row->time_ns - received_ns;
    return old->time_ns > received_ns + AHEAD_MIN_NS && off_ns < AHEAD_MIN_NS &&
           off_ns > -AHEAD_MIN_NS;
}

/* Whether a row replaces what stands: newer, or of the same time unless a person's correction
 * stands there and the row is none. */
static bool row_outranks(
    const struct sample *row, const struct live_value *old, int64_t received_ns) {
    if (row->time_ns != old->time_ns) {
        return row->time_ns > old->time_ns || clock_went_back(row, old, received_ns);
    }
    return (old->flags & SAMPLE_CORRECTION) == 0 || (row->flags & SAMPLE_CORRECTION) != 0;
}

static bool row_has_slot(const struct live *live, const struct sample *row) {
    return row->tag >= 1 && row->tag <= live->capacity && row->type >= TYPE_F64 &&
           row->type <= TYPE_TEXT;
}

/* What decides whether a row replaces it, read by the only writer: nothing can come between. False:
 * no value yet. */
static bool slot_peek(const struct live_slot *slot, struct live_value *ret_value) {
    uint64_t words[LIVE_HEAD_WORDS];
    if (atomic_load_explicit(&slot->sequence, memory_order_relaxed) == 0) {
        return false;
    }
    for (size_t i = 0; i < LIVE_HEAD_WORDS; i++) {
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_relaxed);
    }
    memcpy(ret_value, words, sizeof words);
    return true;
}

void live_publish(struct live *live, const struct batch *batch, int64_t received_ns) {
    uint64_t change = atomic_load_explicit(&live->change, memory_order_relaxed);
    uint32_t highest = atomic_load_explicit(&live->highest, memory_order_relaxed);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if ((row->flags & SAMPLE_DROP) != 0 || !row_has_slot(live, row)) {
            continue;
        }
        struct live_slot *slot = &live->slots[row->tag - 1];
        struct live_value value;
        if (slot_peek(slot, &value) && !row_outranks(row, &value, received_ns)) {
            continue;
        }
        value_of_row(&value, batch, row, received_ns);
        value.change = ++change;
        slot_write(slot, &value);
        highest = row->tag > highest ? row->tag : highest;
    }
    atomic_store_explicit(&live->highest, highest, memory_order_release);
    atomic_store_explicit(&live->change, change, memory_order_release);
}

void live_touch(struct live *live, const struct batch *batch, int64_t received_ns) {
    uint64_t change = atomic_load_explicit(&live->change, memory_order_relaxed);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if ((row->flags & SAMPLE_DROP) == 0 || !row_has_slot(live, row)) {
            continue;
        }
        struct live_slot *slot = &live->slots[row->tag - 1];
        struct live_value value;
        bool confirms = slot_read(slot, &value) && status_quality(row->status) == QUALITY_GOOD &&
                        status_quality(value.status) == QUALITY_GOOD && row->type == value.type &&
                        row->time_ns >= value.time_ns && received_ns > value.received_ns;
        if (confirms) {
            value.received_ns = received_ns;
            value.change = ++change;
            slot_write(slot, &value);
        }
    }
    atomic_store_explicit(&live->change, change, memory_order_release);
}

bool live_read(const struct live *live, uint32_t tag, struct live_value *ret_value) {
    if (tag < 1 || tag > live->capacity) {
        return false;
    }
    struct live_value value;
    if (!slot_read(&live->slots[tag - 1], &value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

uint64_t live_change(const struct live *live) {
    return atomic_load_explicit(&live->change, memory_order_acquire);
}

uint32_t live_changed(const struct live *live, uint64_t since, uint32_t *cursor,
    struct live_value *ret_values, uint32_t max) {
    uint32_t highest = atomic_load_explicit(&live->highest, memory_order_acquire);
    uint32_t count = 0;
    uint32_t tag = *cursor < 1 ? 1 : *cursor;
    for (; tag <= highest && count < max; tag++) {
        const struct live_slot *slot = &live->slots[tag - 1];
        /* Most slots are passed by this one word. */
        uint64_t change =
            atomic_load_explicit(&slot->words[LIVE_CHANGE_WORD], memory_order_acquire);
        if (change > since && slot_read(slot, &ret_values[count])) {
            count++;
        }
    }
    *cursor = tag <= highest ? tag : 0;
    return count;
}
