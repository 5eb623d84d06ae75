/*
 * Sealing in shares.
 *
 * A table's tags are divided into shares of about 32,768 rows, always in the same way. The sealing
 * thread writes them in order. The leader of the log, when it has to wait for that, encodes shares
 * of even number ahead of it into memory (a piece each), and the sealing thread takes them over in
 * their turn; what nobody has taken it encodes itself. So with many tags, where sealing is what
 * writers wait for, two processors work on it, and where nobody waits nothing is changed. The
 * segment is the same to the byte either way.
 */
#include "historian/seal_rows.h"

#include "core/check.h"

enum {
    SHARE_ROWS = 1 << 15,
    SHARE_TAGS = 1 << 10,
    SHARE_ROWS_PIECE = 1 << 18, // A tag of more is not encoded into memory.
    PIECES_MAX = 4,
    PIECE_SPARE = 64 << 20, // Beyond what the rows take in memory: pages, records.
};

/* Tags [first, last] of a table that have rows inside. */
struct share {
    uint32_t number; // From 1.
    uint32_t first;
    uint32_t last;
    uint64_t rows;
};

struct piece {
    uint32_t share;
    struct segment_writer *writer; // NULL: being encoded.
};

/* What is being sealed; the historian points to it. */
struct sealing {
    struct memtable *table;
    const struct segment_plan *plan;
    struct share ahead; // The helper's.
    /* Under the state lock: */
    uint32_t at; // The share that the sealing thread works on.
    uint32_t piece_count;
    struct piece pieces[PIECES_MAX]; // In ascending order.
    bool all_taken;                  // No share is left for the helper.
    bool helping;
    bool closed;
};

/* The next share; the first for {0}. */
static bool share_next(struct memtable *table, struct share *share) {
    uint32_t tag = memtable_tag_next(table, share->last);
    if (tag == 0) {
        return false;
    }
    *share = (struct share){.number = share->number + 1, .first = tag};
    for (uint32_t i = 0; tag != 0 && i < SHARE_TAGS && share->rows < SHARE_ROWS; i++) {
        share->rows += memtable_tag_rows(table, tag);
        share->last = tag;
        tag = memtable_tag_next(table, tag);
    }
    return true;
}

static int seal_tag(
    struct segment_writer *writer, struct memtable *table, uint32_t tag, struct err *err) {
    struct memtable_walk walk;
    memtable_walk_init(&walk, table, tag, INT64_MIN, INT64_MAX);
    struct run run;
    int rc = 0;
    while (rc == 0 && memtable_walk_next(&walk, &run)) {
        rc = segment_writer_add(writer, tag, &run, err);
    }
    memtable_walk_fini(&walk);
    return rc;
}

static int seal_share(struct segment_writer *writer, struct memtable *table,
    const struct share *share, struct err *err) {
    int rc = 0;
    for (uint32_t tag = share->first; rc == 0 && tag != 0 && tag <= share->last;) {
        rc = seal_tag(writer, table, tag, err);
        tag = memtable_tag_next(table, tag);
    }
    return rc;
}

/* ---- The helper ---- */

/* Takes a share that the sealing thread has not reached. State lock held, given back meanwhile. */
static bool help_take(struct historian *historian, struct sealing *sealing) {
    struct share *share = &sealing->ahead;
    for (;;) {
        uint32_t at = sealing->at;
        mutex_unlock(&historian->state_mutex);
        bool found = true;
        do {
            found = share_next(sealing->table, share);
        } while (found &&
                 (share->number % 2 != 0 || share->number <= at || share->rows > SHARE_ROWS_PIECE));
        mutex_lock(&historian->state_mutex);
        sealing->all_taken = !found;
        if (!found || sealing->closed) {
            return false;
        }
        if (share->number > sealing->at) {
            sealing->pieces[sealing->piece_count++] = (struct piece){.share = share->number};
            return true;
        }
    }
}

static void help_put(struct sealing *sealing, uint32_t share, struct segment_writer *writer) {
    for (uint32_t i = 0; i < sealing->piece_count; i++) {
        if (sealing->pieces[i].share == share) {
            sealing->pieces[i].writer = writer;
            return;
        }
    }
    CHECK(false); // Nobody takes away what is being encoded.
}

bool seal_help(struct historian *historian) {
    struct sealing *sealing = historian->sealing;
    if (sealing == NULL || sealing->closed || sealing->all_taken ||
        sealing->piece_count == PIECES_MAX) {
        return false;
    }
    CHECK(!sealing->helping); // The log has one leader.
    sealing->helping = true;
    bool taken = help_take(historian, sealing);
    if (taken) {
        mutex_unlock(&historian->state_mutex);
        struct segment_writer *piece =
            segment_piece_new(sealing->plan, 2 * memtable_bytes(sealing->table) + PIECE_SPARE);
        int rc = seal_share(piece, sealing->table, &sealing->ahead, NULL);
        CHECK(rc == 0); // Memory alone.
        mutex_lock(&historian->state_mutex);
        help_put(sealing, sealing->ahead.number, piece);
    }
    sealing->helping = false;
    cond_broadcast(&historian->state_changed);
    return taken;
}

/* ---- The sealing thread ---- */

/* The piece of a share, waited for while it is being encoded; NULL: nobody has taken it. */
static struct segment_writer *piece_take(
    struct historian *historian, struct sealing *sealing, uint32_t share) {
    struct segment_writer *writer = NULL;
    mutex_lock(&historian->state_mutex);
    sealing->at = share;
    if (sealing->piece_count > 0 && sealing->pieces[0].share == share) {
        while (sealing->pieces[0].writer == NULL) {
            (void)cond_wait_until(&historian->state_changed, &historian->state_mutex, INT64_MAX);
        }
        writer = sealing->pieces[0].writer;
        sealing->piece_count--;
        for (uint32_t i = 0; i < sealing->piece_count; i++) {
            sealing->pieces[i] = sealing->pieces[i + 1];
        }
        cond_broadcast(&historian->state_changed); // There is room for another.
    }
    mutex_unlock(&historian->state_mutex);
    return writer;
}

static int seal_next(struct historian *historian, struct sealing *sealing,
    const struct share *share, struct segment_writer *writer, struct err *err) {
    struct segment_writer *piece = piece_take(historian, sealing, share->number);
    if (piece == NULL) {
        return seal_share(writer, sealing->table, share, err);
    }
    int rc = segment_writer_join(writer, piece, err);
    segment_writer_free(piece);
    return rc;
}

static void sealing_publish(struct historian *historian, struct sealing *sealing) {
    mutex_lock(&historian->state_mutex);
    historian->sealing = sealing;
    cond_broadcast(&historian->state_changed);
    mutex_unlock(&historian->state_mutex);
}

static void sealing_close(struct historian *historian, struct sealing *sealing) {
    mutex_lock(&historian->state_mutex);
    sealing->closed = true;
    while (sealing->helping) {
        (void)cond_wait_until(&historian->state_changed, &historian->state_mutex, INT64_MAX);
    }
    historian->sealing = NULL;
    mutex_unlock(&historian->state_mutex);
    for (uint32_t i = 0; i < sealing->piece_count; i++) {
        segment_writer_free(sealing->pieces[i].writer); // Left over after a failure.
    }
}

int seal_rows(struct historian *historian, struct memtable *table, const struct segment_plan *plan,
    struct segment_writer *writer, struct err *err) {
    struct sealing sealing = {.table = table, .plan = plan};
    sealing_publish(historian, &sealing);
    struct share share = {0};
    int rc = 0;
    while (rc == 0 && share_next(table, &share)) {
        rc = seal_next(historian, &sealing, &share, writer, err);
    }
    sealing_close(historian, &sealing);
    return rc;
}
