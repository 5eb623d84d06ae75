/*
 * The logical digest.
 *
 * Samples: for each tag that has any, in order of names, its name, the count of rows, and the
 * digests of four streams in order of time and version: times, values (the bits of doubles and
 * integers; texts with their sizes), and runs of (type, status, flags). Streams, not rows: the
 * digest does not depend on how rows lie in blocks and segments, and it is fed whole columns. Some
 * 50 million rows a second on one core.
 *
 * Ledgers: ledger_file_digest. The whole: hub, then plants by id.
 */
#include "upkeep/digest.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "columns are fed as they lie in memory");

enum { STATE_TRIES = 8 };

/* Rows of one (type, status, flags) in a row; fed when it ends. */
struct run_mark {
    uint64_t rows;
    uint32_t status;
    uint8_t type;
    uint8_t flags;
};

struct tag_streams {
    struct digest times;
    struct digest values;
    struct digest marks;
    struct run_mark mark;
    uint64_t rows;
};

static void mark_end(struct tag_streams *t) {
    if (t->mark.rows > 0) {
        digest_add_u64(&t->marks, t->mark.rows);
        digest_add_u64(&t->marks,
            (uint64_t)t->mark.status << 16 | (uint64_t)t->mark.type << 8 | t->mark.flags);
    }
}

static void add_marks(struct tag_streams *t, const struct hist_rows *rows) {
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t status = rows->status != NULL ? rows->status[i] : 0;
        uint8_t flags = rows->flags != NULL ? rows->flags[i] : 0;
        if (t->mark.rows > 0 && t->mark.status == status && t->mark.flags == flags &&
            t->mark.type == (uint8_t)rows->type) {
            t->mark.rows++;
            continue;
        }
        mark_end(t);
        t->mark = (struct run_mark){
            .rows = 1, .status = status, .type = (uint8_t)rows->type, .flags = flags};
    }
}

static void add_rows(struct tag_streams *t, const struct hist_rows *rows) {
    t->rows += rows->count;
    digest_add(&t->times, rows->time_ns, rows->count * sizeof *rows->time_ns);
    if (rows->f64 != NULL) {
        digest_add(&t->values, rows->f64, rows->count * sizeof *rows->f64);
    } else if (rows->i64 != NULL) {
        digest_add(&t->values, rows->i64, rows->count * sizeof *rows->i64);
    }
    for (uint32_t i = 0; rows->text != NULL && i < rows->count; i++) {
        digest_add_str(&t->values, rows->text[i]);
    }
    add_marks(t, rows);
}

struct sampling {
    struct hist_snapshot *snapshot;
    struct watch watch;
    struct digest digest;
    uint64_t rows;
};

static void close_tag(struct sampling *s, struct tag_streams *t, struct str name) {
    mark_end(t);
    if (t->rows == 0) {
        return;
    }
    digest_add_str(&s->digest, name);
    digest_add_u64(&s->digest, t->rows);
    struct digest *streams[] = {&t->times, &t->values, &t->marks};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        uint8_t bytes[DIGEST_BYTES];
        digest_end(streams[i], bytes);
        digest_add(&s->digest, bytes, sizeof bytes);
    }
    s->rows += t->rows;
}

static int add_tag(void *context, uint32_t number, struct str name, struct err *err) {
    struct sampling *s = context;
    struct hist_scan_options options = {
        .tag = number, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *scan = NULL;
    int status = s->watch.go_on != NULL ? s->watch.go_on(s->watch.context, err) : 0;
    status = status < 0 ? status : hist_snapshot_scan(s->snapshot, &options, &scan, err);
    if (status < 0) {
        return status;
    }
    struct tag_streams t = {.rows = 0};
    digest_init(&t.times);
    digest_init(&t.values);
    digest_init(&t.marks);
    struct hist_rows rows;
    while ((status = hist_scan_next(scan, &rows, err)) > 0) {
        add_rows(&t, &rows);
    }
    hist_scan_close(scan);
    close_tag(s, &t, name);
    return status;
}

int digest_samples(struct hist_snapshot *snapshot, const char *ledger_file, struct watch watch,
    struct plant_digest *digest, struct err *err) {
    struct sampling s = {.snapshot = snapshot, .watch = watch};
    digest_init(&s.digest);
    int status = ledger_file_tags(ledger_file, add_tag, &s, err);
    digest_end(&s.digest, digest->samples);
    digest->rows = s.rows;
    digest->seq = hist_snapshot_seq(snapshot);
    return status;
}

static int by_id(const void *a, const void *b) {
    const struct plant_digest *x = a;
    const struct plant_digest *y = b;
    return strcmp(x->id, y->id);
}

void digest_sort(struct plant_digest *plants, uint32_t count) {
    qsort(plants, count, sizeof *plants, by_id);
}

void digest_whole(const struct hub_digest *hub, const struct plant_digest *plants, uint32_t count,
    char ret_logical[DIGEST_TEXT_MAX]) {
    struct digest digest;
    digest_init(&digest);
    digest_add_str(&digest, STR("maru-logical-1"));
    digest_add_u64(&digest, hub->present);
    if (hub->present) {
        digest_add(&digest, hub->ledger, DIGEST_BYTES);
    }
    digest_add_u64(&digest, count);
    for (uint32_t i = 0; i < count; i++) {
        digest_add_str(&digest, str_of(plants[i].id));
        digest_add(&digest, plants[i].ledger, DIGEST_BYTES);
        digest_add(&digest, plants[i].samples, DIGEST_BYTES);
    }
    uint8_t bytes[DIGEST_BYTES];
    digest_end(&digest, bytes);
    digest_text(bytes, ret_logical);
}

/* ---- One state ---- */

/* Ledger first, history after: a cursor in the copy then never stands beyond the history. But a tag
 * made in between could have samples that the copy has no name for; so look, and begin again. */
int state_take(struct plant *plant, const char *copy_path, struct hist_snapshot **ret_snapshot,
    struct err *err) {
    struct hist_snapshot *snapshot = NULL;
    int status = hist_snapshot_open(plant_historian(plant), &snapshot, err);
    uint32_t copied = 0;
    uint32_t newest = 1;
    for (int i = 0; i < STATE_TRIES && status >= 0 && copied != newest; i++) {
        status = file_remove(files_system(), copy_path, err);
        status = status < 0 ? status : ledger_copy(plant_ledger(plant), copy_path, err);
        status = status < 0 ? status : hist_snapshot_take(snapshot, err);
        status = status < 0 ? status : ledger_file_tag_newest(copy_path, &copied, err);
        status = status < 0 ? status : ledger_tag_newest(plant_ledger(plant), &newest, err);
    }
    if (status >= 0 && copied != newest) {
        status = err_set(err, ERR_BUSY, MSG_BACKUP_TAGS_GROW, ARGS(A_STR(plant_id(plant))));
    }
    if (status < 0) {
        hist_snapshot_close(snapshot);
        return status;
    }
    *ret_snapshot = snapshot;
    return 0;
}
