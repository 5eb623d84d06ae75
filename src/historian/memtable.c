/*
 * The unsealed rows of one plant.
 *
 * A slot per tag, found through a two-level table (1,024 pages of 1,024 slots), points at a chain
 * of chunks with 4, 8, 16, ... at most 256 rows. A chunk keeps times and values side by side: 16
 * bytes a row. Status and flags are uniform in a chunk (good, and the flags of its first row) until
 * a row differs; only then the chunk gets those columns, filled in for the rows before. A row of
 * another type begins a new chunk, so a chunk has one type.
 *
 * Memory comes from regions of 256 KB that are cut by a bump pointer and returned all at once: no
 * allocation per row, and nothing to free row by row. 24 MB hold about 1.5 million rows.
 *
 * Reading without a lock: the writer fills a row, then stores the slot's count with release order.
 * A reader that loads the count with acquire order may touch that many rows for ever, since chunks
 * are never changed or moved. `ordered` is lowered before the count of the row that broke the
 * order, so a reader that still sees it raised may trust it for its own count.
 */
#include "historian/memtable.h"

#include "core/check.h"
#include "core/mem.h"
#include "core/thread.h"

enum {
    REGION_BYTES = 256 << 10,
    PAGE_SLOTS = 1024,
    PAGE_COUNT = HIST_TAG_MAX / PAGE_SLOTS + 1,
    CHUNK_ROWS_FIRST = 4,
    CHUNK_ROWS_MAX = 256,
    LOOK_AHEAD = 12, // Rows whose places are fetched before they are filled.
};

struct region {
    struct region *next;
    uint64_t size;
};

struct region_pool {
    struct mutex mutex;
    struct region *idle;
    uint64_t idle_bytes;
    uint64_t keep_bytes;
};

struct chunk_marks {
    uint32_t *status;
    uint8_t *flags;
};

struct chunk {
    _Atomic(struct chunk *) next;
    _Atomic(struct chunk_marks *) marks;
    int64_t *time;
    bits64 *value;
    const struct chunk *before;
    int64_t before_ns;     // The largest time of all rows before this chunk.
    uint32_t before_rows;  // How many they are.
    _Atomic uint32_t rows; // It ends up with so many; lowered when a row of another type comes.
    uint8_t type;
    uint8_t flags;
};

struct slot {
    _Atomic uint32_t count;
    _Atomic bool ordered;
    /* The writer's: where the next row goes, so that the chunk itself need not be touched. */
    bool marked; // The last chunk has status and flags columns.
    uint8_t type;
    uint8_t flags;
    uint32_t room; // Rows that still fit.
    int64_t newest_ns;
    int64_t *time;
    bits64 *value;
    _Atomic(struct chunk *) last;
    _Atomic(struct chunk *) first;
};

/* A text of the table: its size in front of its bytes. */
struct kept_text {
    uint32_t size;
    char bytes[];
};

struct memtable {
    _Atomic uint32_t references;
    struct region_pool *pool;
    struct region *regions;
    uint8_t *cut; // Free part of the newest region.
    size_t cut_left;
    _Atomic uint64_t bytes;
    _Atomic uint64_t rows;
    _Atomic uint64_t seq;
    _Atomic uint32_t tag_max;
    _Atomic uint32_t tags;
    _Atomic(struct slot *) pages[PAGE_COUNT];
};

struct region_pool *region_pool_new(uint64_t keep_bytes) {
    struct region_pool *pool = MEM_NEW(struct region_pool);
    mutex_init(&pool->mutex);
    pool->keep_bytes = keep_bytes;
    return pool;
}

void region_pool_free(struct region_pool *pool) {
    if (pool == NULL) {
        return;
    }
    for (struct region *region = pool->idle; region != NULL;) {
        struct region *next = region->next;
        mem_free(region);
        region = next;
    }
    mutex_fini(&pool->mutex);
    mem_free(pool);
}

static struct region *region_take(struct region_pool *pool, uint64_t size) {
    struct region *region = NULL;
    if (size == REGION_BYTES) {
        mutex_lock(&pool->mutex);
        region = pool->idle;
        if (region != NULL) {
            pool->idle = region->next;
            pool->idle_bytes -= region->size;
        }
        mutex_unlock(&pool->mutex);
    }
    if (region == NULL) {
        region = mem_alloc(size);
    }
    region->size = size;
    return region;
}

static void region_give(struct region_pool *pool, struct region *region) {
    mutex_lock(&pool->mutex);
    bool keep = region->size == REGION_BYTES && pool->idle_bytes < pool->keep_bytes;
    if (keep) {
        region->next = pool->idle;
        pool->idle = region;
        pool->idle_bytes += region->size;
    }
    mutex_unlock(&pool->mutex);
    if (!keep) {
        mem_free(region);
    }
}

struct memtable *memtable_new(struct region_pool *pool) {
    struct memtable *table = MEM_NEW(struct memtable);
    atomic_init(&table->references, 1);
    table->pool = pool;
    return table;
}

struct memtable *memtable_ref(struct memtable *table) {
    atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
    return table;
}

void memtable_unref(struct memtable *table) {
    if (table == NULL ||
        atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (struct region *region = table->regions; region != NULL;) {
        struct region *next = region->next;
        region_give(table->pool, region);
        region = next;
    }
    for (uint32_t i = 0; i < PAGE_COUNT; i++) {
        mem_free(atomic_load_explicit(&table->pages[i], memory_order_relaxed));
    }
    mem_free(table);
}

/* 16-byte aligned memory that lives as long as the table; not zeroed. */
static void *memtable_cut(struct memtable *table, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (size > table->cut_left) {
        size_t room = REGION_BYTES - sizeof(struct region);
        uint64_t want = size > room ? size + sizeof(struct region) : REGION_BYTES;
        struct region *region = region_take(table->pool, want);
        region->next = table->regions;
        table->regions = region;
        table->cut = (uint8_t *)(region + 1);
        table->cut_left = want - sizeof(struct region);
        atomic_fetch_add_explicit(&table->bytes, want, memory_order_relaxed);
    }
    void *piece = table->cut;
    table->cut += size;
    table->cut_left -= size;
    return piece;
}

static struct slot *memtable_slot(struct memtable *table, uint32_t tag) {
    CHECK(tag > 0 && tag <= HIST_TAG_MAX);
    struct slot *page = atomic_load_explicit(&table->pages[tag / PAGE_SLOTS], memory_order_relaxed);
    if (page == NULL) {
        page = MEM_ARRAY(struct slot, PAGE_SLOTS);
        for (uint32_t i = 0; i < PAGE_SLOTS; i++) {
            atomic_init(&page[i].ordered, true);
        }
        atomic_fetch_add_explicit(
            &table->bytes, PAGE_SLOTS * sizeof(struct slot), memory_order_relaxed);
        atomic_store_explicit(&table->pages[tag / PAGE_SLOTS], page, memory_order_release);
    }
    if (tag > atomic_load_explicit(&table->tag_max, memory_order_relaxed)) {
        atomic_store_explicit(&table->tag_max, tag, memory_order_release);
    }
    return &page[tag % PAGE_SLOTS];
}

static void slot_extend(struct memtable *table, struct slot *slot, uint8_t type, uint8_t flags) {
    uint32_t capacity = CHUNK_ROWS_FIRST;
    struct chunk *last = atomic_load_explicit(&slot->last, memory_order_relaxed);
    if (last != NULL) {
        uint32_t rows = atomic_load_explicit(&last->rows, memory_order_relaxed);
        capacity = slot->type == type && rows >= CHUNK_ROWS_FIRST ? rows * 2 : CHUNK_ROWS_FIRST;
        /* Whoever sees a row behind this chunk sees this, too: the slot's count is stored later. */
        atomic_store_explicit(&last->rows, rows - slot->room, memory_order_relaxed);
    }
    if (capacity > CHUNK_ROWS_MAX) {
        capacity = CHUNK_ROWS_MAX;
    }
    size_t head = (sizeof(struct chunk) + 15) & ~(size_t)15;
    uint8_t *memory = memtable_cut(table, head + (size_t)capacity * 16);
    struct chunk *chunk = (struct chunk *)(void *)memory;
    *chunk = (struct chunk){.time = (int64_t *)(void *)(memory + head),
        .value = (bits64 *)(void *)(memory + head + (size_t)capacity * 8),
        .before = last,
        .before_ns = last != NULL ? slot->newest_ns : INT64_MIN,
        .before_rows = atomic_load_explicit(&slot->count, memory_order_relaxed),
        .type = type,
        .flags = flags};
    atomic_init(&chunk->rows, capacity);
    if (last == NULL) {
        atomic_fetch_add_explicit(&table->tags, 1, memory_order_relaxed);
        atomic_store_explicit(&slot->first, chunk, memory_order_release);
    } else {
        atomic_store_explicit(&last->next, chunk, memory_order_release);
    }
    atomic_store_explicit(&slot->last, chunk, memory_order_release);
    slot->type = type;
    slot->flags = flags;
    slot->marked = false;
    slot->room = capacity;
    slot->time = chunk->time;
    slot->value = chunk->value;
}

/* Writes status and flags of the next row into the last chunk's columns for them; the chunk gets
 * those now if it has none, filled in for the rows that stand. */
static void slot_mark(struct memtable *table, struct slot *slot, const struct sample *row) {
    struct chunk *chunk = atomic_load_explicit(&slot->last, memory_order_relaxed);
    uint32_t capacity = atomic_load_explicit(&chunk->rows, memory_order_relaxed);
    uint32_t at = capacity - slot->room;
    struct chunk_marks *marks = atomic_load_explicit(&chunk->marks, memory_order_relaxed);
    if (marks == NULL) {
        marks = memtable_cut(table, sizeof *marks);
        marks->status = memtable_cut(table, capacity * sizeof(uint32_t));
        marks->flags = memtable_cut(table, capacity);
        memset(marks->status, 0, at * sizeof(uint32_t));
        memset(marks->flags, chunk->flags, at);
        atomic_store_explicit(&chunk->marks, marks, memory_order_release);
        slot->marked = true;
    }
    marks->status[at] = row->status;
    marks->flags[at] = row->flags;
}

static uint64_t memtable_keep_text(
    struct memtable *table, const struct batch *batch, const struct sample *row) {
    struct str text = batch_text(batch, row);
    struct kept_text *kept = memtable_cut(table, sizeof *kept + text.size);
    kept->size = (uint32_t)text.size;
    memcpy(kept->bytes, text.data, text.size);
    return (uint64_t)(uintptr_t)kept;
}

static inline void memtable_add_row(
    struct memtable *table, const struct batch *batch, const struct sample *row) {
    struct slot *slot = memtable_slot(table, row->tag);
    if (slot->room == 0 || slot->type != row->type) {
        slot_extend(table, slot, row->type, row->flags);
    }
    if (slot->marked || row->status != 0 || row->flags != slot->flags) {
        slot_mark(table, slot, row);
    }
    *slot->time++ = row->time_ns;
    *slot->value++ =
        row->type == TYPE_TEXT ? memtable_keep_text(table, batch, row) : (uint64_t)row->value.i64;
    slot->room--;
    uint32_t count = atomic_load_explicit(&slot->count, memory_order_relaxed);
    if (count > 0 && row->time_ns <= slot->newest_ns) {
        atomic_store_explicit(&slot->ordered, false, memory_order_relaxed);
    } else {
        slot->newest_ns = row->time_ns;
    }
    atomic_store_explicit(&slot->count, count + 1, memory_order_release);
}

/* Asks for the memory a row will be written to: a scan touches three lines a tag, all over. */
static inline void memtable_fetch(const struct memtable *table, uint32_t tag) {
    if (tag > HIST_TAG_MAX) {
        return;
    }
    const struct slot *page =
        atomic_load_explicit(&table->pages[tag / PAGE_SLOTS], memory_order_relaxed);
    if (page != NULL) {
        __builtin_prefetch(page[tag % PAGE_SLOTS].time, 1);
        __builtin_prefetch(page[tag % PAGE_SLOTS].value, 1);
    }
}

void memtable_add(struct memtable *table, const struct batch *batch) {
    uint64_t rows = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if (i + LOOK_AHEAD < batch->count) {
            memtable_fetch(table, row[LOOK_AHEAD].tag);
        }
        if ((row->flags & SAMPLE_DROP) == 0) {
            memtable_add_row(table, batch, row);
            rows++;
        }
    }
    atomic_fetch_add_explicit(&table->rows, rows, memory_order_relaxed);
    atomic_store_explicit(&table->seq, batch->seq, memory_order_release);
}

uint64_t memtable_bytes(const struct memtable *table) {
    return atomic_load_explicit(&table->bytes, memory_order_relaxed);
}

uint64_t memtable_rows(const struct memtable *table) {
    return atomic_load_explicit(&table->rows, memory_order_relaxed);
}

uint32_t memtable_tags(const struct memtable *table) {
    return atomic_load_explicit(&table->tags, memory_order_relaxed);
}

uint64_t memtable_seq(const struct memtable *table) {
    return atomic_load_explicit(&table->seq, memory_order_acquire);
}

uint32_t memtable_tag_next(const struct memtable *table, uint32_t tag) {
    uint32_t last = atomic_load_explicit(&table->tag_max, memory_order_acquire);
    for (uint32_t next = tag + 1; next <= last; next++) {
        const struct slot *page =
            atomic_load_explicit(&table->pages[next / PAGE_SLOTS], memory_order_acquire);
        if (page == NULL) {
            next |= PAGE_SLOTS - 1; // To the end of this page.
        } else if (atomic_load_explicit(&page[next % PAGE_SLOTS].count, memory_order_acquire) > 0) {
            return next;
        }
    }
    return 0;
}

/* Appends rows [from, to) of a chunk, with texts and marks made visible as columns. */
static void chunk_append(
    const struct chunk *chunk, uint32_t from, uint32_t to, struct rows_buffer *rows) {
    uint32_t at = rows->count;
    const struct chunk_marks *marks = atomic_load_explicit(&chunk->marks, memory_order_acquire);
    struct run run = {.time = chunk->time,
        .value = chunk->value,
        .type = chunk->type,
        .status = marks != NULL ? marks->status : NULL,
        .flags = marks != NULL ? marks->flags : NULL,
        .count = to};
    rows_append(rows, &run, from, to);
    if (marks == NULL && chunk->flags != 0 && to > from) {
        memset(rows->flags + at, chunk->flags, to - from);
        rows->has_flags = true;
    }
    if (chunk->type != TYPE_TEXT) {
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        const struct kept_text *kept = (const struct kept_text *)(uintptr_t)chunk->value[i];
        rows->text[at + i - from] = (struct str){.data = kept->bytes, .size = kept->size};
        rows->value[at + i - from] = 0;
        rows->has_text = true;
    }
}

HOT_LOOP static uint32_t count_inside(
    const int64_t *time, uint32_t count, int64_t from_ns, int64_t to_ns) {
    uint64_t inside = 0;
    for (uint32_t i = 0; i < count; i++) {
        inside += (time[i] >= from_ns) & (time[i] < to_ns);
    }
    return (uint32_t)inside;
}

/* Appends the rows of a chunk that are in range. Late rows mostly ask about times that are not
 * there, so first they are only counted. */
static void gather_chunk(struct memtable_walk *walk, const struct chunk *chunk, uint32_t count) {
    uint32_t left = count_inside(chunk->time, count, walk->from_ns, walk->to_ns);
    if (left == count) {
        chunk_append(chunk, 0, count, &walk->rows);
        return;
    }
    for (uint32_t i = 0; left > 0; i++) {
        uint32_t begin = i;
        while (i < count && chunk->time[i] >= walk->from_ns && chunk->time[i] < walk->to_ns) {
            i++;
        }
        if (i > begin) {
            chunk_append(chunk, begin, i, &walk->rows);
            left -= i - begin;
        }
    }
}

/* Rows came out of order: takes all in range and sorts them. Late rows are mostly asked for near
 * the end, so the first chunk that can have any is found from there. */
static void walk_gather(struct memtable_walk *walk, const struct slot *slot) {
    const struct chunk *chunk = atomic_load_explicit(&slot->last, memory_order_acquire);
    while (chunk->before != NULL &&
           (chunk->before_rows >= walk->left || chunk->before_ns >= walk->from_ns)) {
        chunk = chunk->before;
    }
    for (uint32_t left = walk->left - chunk->before_rows; left > 0;) {
        uint32_t count = atomic_load_explicit(&chunk->rows, memory_order_relaxed);
        count = count < left ? count : left;
        gather_chunk(walk, chunk, count);
        left -= count;
        chunk = left > 0 ? atomic_load_explicit(&chunk->next, memory_order_acquire) : NULL;
    }
    walk->left = 0;
    rows_sort(&walk->rows);
    walk->sorted = true;
}

void memtable_walk_init(struct memtable_walk *walk, const struct memtable *table, uint32_t tag,
    int64_t from_ns, int64_t to_ns) {
    *walk = (struct memtable_walk){.table = table, .from_ns = from_ns, .to_ns = to_ns};
    if (tag == 0 || tag > HIST_TAG_MAX) {
        return;
    }
    const struct slot *page =
        atomic_load_explicit(&table->pages[tag / PAGE_SLOTS], memory_order_acquire);
    if (page == NULL) {
        return;
    }
    const struct slot *slot = &page[tag % PAGE_SLOTS];
    walk->left = atomic_load_explicit(&slot->count, memory_order_acquire);
    walk->chunk = atomic_load_explicit(&slot->first, memory_order_acquire);
    if (walk->left > 0 && !atomic_load_explicit(&slot->ordered, memory_order_relaxed)) {
        walk_gather(walk, slot);
    }
}

void memtable_walk_fini(struct memtable_walk *walk) {
    rows_fini(&walk->rows);
}

/* The part of a chunk in range as a run; plain numbers are borrowed, the rest is copied. */
static bool walk_chunk(
    struct memtable_walk *walk, const struct chunk *chunk, uint32_t count, struct run *ret_run) {
    struct run all = {.time = chunk->time, .value = chunk->value, .count = count};
    uint32_t from = run_lower_bound(&all, 0, walk->from_ns);
    uint32_t to = run_lower_bound(&all, from, walk->to_ns);
    if (from == to) {
        return false;
    }
    bool plain = chunk->type != TYPE_TEXT && chunk->flags == 0 &&
                 atomic_load_explicit(&chunk->marks, memory_order_acquire) == NULL;
    if (plain) {
        *ret_run = (struct run){.time = chunk->time + from,
            .value = chunk->value + from,
            .count = to - from,
            .type = chunk->type,
            .strict = true};
        return true;
    }
    rows_clear(&walk->rows);
    chunk_append(chunk, from, to, &walk->rows);
    *ret_run = rows_run(&walk->rows);
    return true;
}

bool memtable_walk_next(struct memtable_walk *walk, struct run *ret_run) {
    if (walk->sorted) {
        bool first = !walk->given && walk->rows.count > 0;
        walk->given = true;
        if (first) {
            *ret_run = rows_run(&walk->rows);
        }
        return first;
    }
    while (walk->left > 0 && walk->chunk != NULL) {
        const struct chunk *chunk = walk->chunk;
        uint32_t count = atomic_load_explicit(&chunk->rows, memory_order_relaxed);
        count = count < walk->left ? count : walk->left;
        walk->left -= count;
        walk->chunk = atomic_load_explicit(&chunk->next, memory_order_acquire);
        if (walk_chunk(walk, chunk, count, ret_run)) {
            return true;
        }
    }
    return false;
}
