/*
 * The newest row of each tag, kept beside the memtable so that "the latest value of everything" is
 * a walk over slots instead of a search.
 *
 * Slots are filled by what is appended since opening. For a tag that has not been written since,
 * the first question reads the end of its last block (segments know each tag's newest time), and
 * the answer is kept. A row with the same time as the newest replaces it by the rule of versions.
 */
#include "core/mem.h"
#include "historian/store.h"

enum {
    LAST_PAGE_SLOTS = 1024,
    LAST_PAGES = HIST_TAG_MAX / LAST_PAGE_SLOTS + 1,
    ROWS_AHEAD = 16, // So many rows before its turn a slot is asked from memory.
};

struct last_slot {
    int64_t time_ns;
    uint64_t value;
    uint64_t seq;
    char *text;
    uint32_t status;
    uint8_t text_size;
    uint8_t type; // 0: no row yet.
    uint8_t flags;
    bool settled; // Segments were asked, too.
};

_Static_assert(LIMIT_LIVE_TEXT_BYTES <= UINT8_MAX, "text_size holds it");

struct last_table {
    struct mutex mutex;
    struct last_slot *pages[LAST_PAGES];
};

struct last_table *last_new(void) {
    struct last_table *table = MEM_NEW(struct last_table);
    mutex_init(&table->mutex);
    return table;
}

void last_free(struct last_table *table) {
    if (table == NULL) {
        return;
    }
    for (uint32_t i = 0; i < LAST_PAGES; i++) {
        for (uint32_t j = 0; table->pages[i] != NULL && j < LAST_PAGE_SLOTS; j++) {
            mem_free(table->pages[i][j].text);
        }
        mem_free(table->pages[i]);
    }
    mutex_fini(&table->mutex);
    mem_free(table);
}

static struct last_slot *last_slot(struct last_table *table, uint32_t tag) {
    struct last_slot **page = &table->pages[tag / LAST_PAGE_SLOTS];
    if (*page == NULL) {
        *page = MEM_ARRAY(struct last_slot, LAST_PAGE_SLOTS);
    }
    return &(*page)[tag % LAST_PAGE_SLOTS];
}

static void slot_set_text(struct last_slot *slot, struct str text) {
    uint8_t size = (uint8_t)str_slice(text, 0, LIMIT_LIVE_TEXT_BYTES).size;
    if (slot->text == NULL) {
        slot->text = mem_alloc(LIMIT_LIVE_TEXT_BYTES + 1);
    }
    memcpy(slot->text, text.data, size);
    slot->text_size = size;
}

static void slot_set(struct last_slot *slot, const struct sample *row, const struct batch *batch) {
    slot->time_ns = row->time_ns;
    slot->value = row->type == TYPE_TEXT ? 0 : (uint64_t)row->value.i64;
    slot->seq = batch->seq;
    slot->status = row->status;
    slot->type = row->type;
    slot->flags = row->flags;
    if (row->type == TYPE_TEXT) {
        slot_set_text(slot, batch_text(batch, row));
    }
}

static bool slot_is_passed(const struct last_slot *slot, int64_t time_ns, uint8_t flags) {
    return slot->type == 0 || time_ns > slot->time_ns ||
           (time_ns == slot->time_ns && version_wins(flags, slot->flags));
}

static void last_prefetch(const struct last_table *table, uint32_t tag) {
    const struct last_slot *page = table->pages[tag / LAST_PAGE_SLOTS];
    if (page != NULL) {
        __builtin_prefetch(&page[tag % LAST_PAGE_SLOTS], 1);
    }
}

void last_add(struct last_table *table, const struct batch *batch) {
    mutex_lock(&table->mutex);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if (i + ROWS_AHEAD < batch->count) {
            last_prefetch(table, row[ROWS_AHEAD].tag);
        }
        if ((row->flags & SAMPLE_DROP) != 0) {
            continue;
        }
        struct last_slot *slot = last_slot(table, row->tag);
        if (slot_is_passed(slot, row->time_ns, row->flags)) {
            slot_set(slot, row, batch);
        }
    }
    mutex_unlock(&table->mutex);
}

bool last_get(struct last_table *table, uint32_t tag, struct hist_last *ret_last) {
    mutex_lock(&table->mutex);
    const struct last_slot *slot = last_slot(table, tag);
    bool known = slot->settled && slot->type != 0;
    if (known) {
        ret_last->row = (struct sample){.tag = tag,
            .time_ns = slot->time_ns,
            .status = slot->status,
            .type = slot->type,
            .flags = slot->flags};
        ret_last->row.value.i64 = (int64_t)slot->value;
        ret_last->seq = slot->seq;
        ret_last->text_z[0] = '\0';
        if (slot->type == TYPE_TEXT) {
            struct str text = {.data = slot->text, .size = slot->text_size};
            (void)str_copy_z(text, ret_last->text_z, sizeof ret_last->text_z);
        }
    }
    mutex_unlock(&table->mutex);
    return known;
}

/* The newest time that segments hold for a tag: 1; 0: none; negative where one could not be read.
 */
static int sealed_newest(const struct view *view, uint32_t tag, int64_t *ret_time_ns) {
    bool found = false;
    for (uint32_t i = view->segment_count; i-- > 0;) {
        int64_t min_ns = 0;
        int64_t max_ns = 0;
        if (found && segment_info(view->segments[i])->max_ns <= *ret_time_ns) {
            continue; // Mostly all but the newest: their directories need not be read.
        }
        int rc = segment_tag_range(view->segments[i], tag, &min_ns, &max_ns, NULL);
        if (rc < 0) {
            return rc;
        }
        if (rc > 0 && (!found || max_ns > *ret_time_ns)) {
            *ret_time_ns = max_ns;
            found = true;
        }
    }
    return found;
}

/* Takes the last row of a run that segments gave. */
static void slot_take(struct last_slot *slot, const struct hist_rows *rows) {
    uint32_t row = rows->count - 1;
    uint8_t flags = rows->flags != NULL ? rows->flags[row] : 0;
    int64_t time_ns = rows->time_ns[row];
    bool older = slot->type != 0 && time_ns < slot->time_ns;
    bool stands = slot->type != 0 && time_ns == slot->time_ns &&
                  ((flags & SAMPLE_CORRECTION) == 0 || (slot->flags & SAMPLE_CORRECTION) != 0);
    if (older || stands) {
        return; // What came since opening is newer, or outranks.
    }
    slot->time_ns = time_ns;
    slot->value = rows->type == TYPE_F64    ? bits_of_f64(rows->f64[row])
                  : rows->type == TYPE_TEXT ? 0
                                            : (uint64_t)rows->i64[row];
    slot->seq = 0;
    slot->status = rows->status != NULL ? rows->status[row] : 0;
    slot->type = (uint8_t)rows->type;
    slot->flags = flags;
    if (rows->type == TYPE_TEXT) {
        slot_set_text(slot, rows->text[row]);
    }
}

/* Scans a range and takes its last row: 1; 0: it is empty; negative. */
static int last_take(struct historian *historian, uint32_t tag, int64_t from_ns, int64_t to_ns) {
    struct hist_scan_options options = {.tag = tag, .from_ns = from_ns, .to_ns = to_ns};
    struct hist_scan *scan = NULL;
    int rc = hist_scan_open(historian, &options, &scan, NULL);
    if (rc < 0) {
        return rc;
    }
    struct hist_rows rows;
    bool any = false;
    while ((rc = hist_scan_next(scan, &rows, NULL)) > 0) {
        any = true;
        mutex_lock(&historian->last->mutex);
        slot_take(last_slot(historian->last, tag), &rows);
        mutex_unlock(&historian->last->mutex);
    }
    hist_scan_close(scan);
    return rc < 0 ? rc : any;
}

/* Asks the rows at the newest sealed time; where the block that had them is damaged, all rows. What
 * could not be read now is asked again the next time. */
static void last_settle(struct historian *historian, uint32_t tag) {
    struct view *view = store_view(historian);
    int64_t newest_ns = 0;
    int rc = sealed_newest(view, tag, &newest_ns);
    view_unref(view);
    rc = rc > 0 ? last_take(historian, tag, newest_ns, newest_ns + 1) : rc < 0 ? rc : 1;
    rc = rc == 0 ? last_take(historian, tag, INT64_MIN, INT64_MAX) : rc;
    mutex_lock(&historian->last->mutex);
    last_slot(historian->last, tag)->settled = rc >= 0;
    mutex_unlock(&historian->last->mutex);
}

static bool last_is_settled(struct last_table *table, uint32_t tag) {
    mutex_lock(&table->mutex);
    bool settled = last_slot(table, tag)->settled;
    mutex_unlock(&table->mutex);
    return settled;
}

static bool last_find(struct historian *historian, uint32_t tag, struct hist_last *ret_last) {
    if (tag == 0 || tag > HIST_TAG_MAX) {
        return false;
    }
    if (last_get(historian->last, tag, ret_last)) {
        return true;
    }
    if (last_is_settled(historian->last, tag)) {
        return false;
    }
    last_settle(historian, tag);
    return last_get(historian->last, tag, ret_last);
}

int64_t last_time(struct historian *historian, uint32_t tag) {
    struct hist_last last;
    return last_find(historian, tag, &last) ? last.row.time_ns : INT64_MIN;
}

bool hist_last(struct historian *historian, uint32_t tag, struct hist_last *ret_last) {
    if (!last_find(historian, tag, ret_last)) {
        return false;
    }
    mutex_lock(&historian->state_mutex);
    int64_t horizon_ns = horizons_of(historian->view->horizons, tag);
    mutex_unlock(&historian->state_mutex);
    return ret_last->row.time_ns >= horizon_ns;
}
