/*
 * Rings of minutes, counted on the monotonic clock, so that a clock that is set makes neither holes
 * nor mountains; wall times are reckoned back from now when somebody asks. A source's ring is made
 * when its first row comes: 6 KB each.
 */
#include "plant/journal.h"

#include "core/mem.h"
#include "core/thread.h"

#define MINUTE_NS (60 * NS_PER_S)

struct journal {
    const struct clock *clock;
    struct mutex mutex; // Of all below.
    int64_t begin;      // Minute of the monotonic clock at which it began.
    int64_t minute;     // The newest one that is counted.
    struct journal_minute total[JOURNAL_MINUTES];
    uint32_t *sources[JOURNAL_SOURCES_MAX];
    struct journal_refusal refusals[JOURNAL_REFUSALS];
    uint64_t refusal_count;
};

static int64_t minute_now(const struct journal *journal) {
    return clock_mono_ns(journal->clock) / MINUTE_NS;
}

struct journal *journal_new(const struct clock *clock) {
    struct journal *journal = MEM_NEW(struct journal);
    journal->clock = clock;
    mutex_init(&journal->mutex);
    journal->begin = minute_now(journal);
    journal->minute = journal->begin;
    return journal;
}

void journal_free(struct journal *journal) {
    if (journal == NULL) {
        return;
    }
    for (uint32_t i = 0; i < JOURNAL_SOURCES_MAX; i++) {
        mem_free(journal->sources[i]);
    }
    mutex_fini(&journal->mutex);
    mem_free(journal);
}

/* Clears the minutes that passed since somebody counted. Under the lock. */
static uint32_t turn(struct journal *journal) {
    int64_t now = minute_now(journal);
    int64_t from = journal->minute + 1;
    if (now - from >= JOURNAL_MINUTES) {
        from = now - JOURNAL_MINUTES + 1;
    }
    for (int64_t minute = from; minute <= now; minute++) {
        uint32_t slot = (uint32_t)(minute % JOURNAL_MINUTES);
        journal->total[slot] = (struct journal_minute){0};
        for (uint32_t i = 0; i < JOURNAL_SOURCES_MAX; i++) {
            if (journal->sources[i] != NULL) {
                journal->sources[i][slot] = 0;
            }
        }
    }
    journal->minute = now > journal->minute ? now : journal->minute;
    return (uint32_t)(journal->minute % JOURNAL_MINUTES);
}

void journal_count(struct journal *journal, uint32_t source, const struct journal_minute *counts) {
    mutex_lock(&journal->mutex);
    uint32_t slot = turn(journal);
    struct journal_minute *total = &journal->total[slot];
    total->in += counts->in;
    total->kept += counts->kept;
    total->omitted += counts->omitted;
    total->refused += counts->refused;
    if (source > 0 && source < JOURNAL_SOURCES_MAX) {
        if (journal->sources[source] == NULL) {
            journal->sources[source] = MEM_ARRAY(uint32_t, JOURNAL_MINUTES);
        }
        journal->sources[source][slot] += counts->in;
    }
    mutex_unlock(&journal->mutex);
}

void journal_refuse(struct journal *journal, enum journal_door door, uint32_t source, uint32_t rows,
    const struct err *what) {
    mutex_lock(&journal->mutex);
    journal->refusals[journal->refusal_count++ % JOURNAL_REFUSALS] =
        (struct journal_refusal){.time_ns = clock_wall_ns(journal->clock),
            .door = door,
            .source = source,
            .rows = rows,
            .what = *what};
    mutex_unlock(&journal->mutex);
}

void journal_minutes(struct journal *journal, uint32_t source, uint32_t count,
    struct journal_minute *ret_minutes, int64_t *ret_from_ns) {
    mutex_lock(&journal->mutex);
    (void)turn(journal);
    int64_t newest = journal->minute;
    int64_t into_ns = clock_mono_ns(journal->clock) - newest * MINUTE_NS;
    *ret_from_ns = clock_wall_ns(journal->clock) - into_ns - (int64_t)(count - 1) * MINUTE_NS;
    const uint32_t *own = source < JOURNAL_SOURCES_MAX ? journal->sources[source] : NULL;
    for (uint32_t i = 0; i < count; i++) {
        int64_t minute = newest - (int64_t)(count - 1 - i);
        uint32_t slot = minute >= journal->begin ? (uint32_t)(minute % JOURNAL_MINUTES) : 0;
        struct journal_minute found = {0};
        if (minute >= journal->begin && source == 0) {
            found = journal->total[slot];
        } else if (minute >= journal->begin && own != NULL) {
            found.in = own[slot];
        }
        ret_minutes[i] = found;
    }
    mutex_unlock(&journal->mutex);
}

uint32_t journal_refusals(
    struct journal *journal, struct journal_refusal *ret_refusals, uint32_t max) {
    mutex_lock(&journal->mutex);
    uint64_t there = journal->refusal_count < JOURNAL_REFUSALS ? journal->refusal_count
                                                               : (uint64_t)JOURNAL_REFUSALS;
    uint32_t count = there < max ? (uint32_t)there : max;
    for (uint32_t i = 0; i < count; i++) {
        ret_refusals[i] = journal->refusals[(journal->refusal_count - 1 - i) % JOURNAL_REFUSALS];
    }
    mutex_unlock(&journal->mutex);
    return count;
}

uint32_t journal_age(struct journal *journal) {
    mutex_lock(&journal->mutex);
    (void)turn(journal);
    int64_t age = journal->minute - journal->begin + 1;
    mutex_unlock(&journal->mutex);
    return age < JOURNAL_MINUTES ? (uint32_t)age : (uint32_t)JOURNAL_MINUTES;
}
