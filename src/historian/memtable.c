/*
 * The unsealed rows of one plant.
 *
 * A slot per tag, found through a two-level table (1,024 pages of 1,024 slots), points at a chain
 * of chunks with 4, 8, 16, ... at most 256 rows. A chunk keeps times and values side by side: 16
 * bytes a row. Status and flags are uniform in a chunk (good, and the flags of its first row) until
 * a row differs; only then the chunk gets those columns, filled in for the rows before. A row of
 * another type begins a new chunk, so a chunk has one type.
 *
 * With many tags a row's slot, time and value are three lines that no cache holds. A table that has
 * more than STAGED_TAGS tags therefore does not place a row at once: it waits in the stage of its
 * page (stage.h), and when about eight rows a tag have come the stage is sorted by slot and placed,
 * so that each line is fetched once for eight rows. Such a table stages to its end, so rows of a
 * tag never overtake each other. Pages begin with stages of different sizes, lest all are placed in
 * one batch. Who reads a page places what waits there first.
 *
 * Memory comes from regions of 256 KB that are cut by a bump pointer and returned all at once: no
 * allocation per row, and nothing to free row by row. 24 MB hold about 1.5 million rows. Blocks of
 * a stage that was placed are used again, for stages and chunks alike, so placing what waits in a
 * frozen table mostly needs no more memory than the rows had. The first chunk of a tag whose rows
 * wait is counted beforehand; later chunks of a staging table are small (16 rows or a quarter of
 * what the tag has), and so is what sealing adds to a table that was full.
 *
 * Rows are placed under the table's mutex: by the writer, who holds it for a batch, or by a reader,
 * who takes it only where rows wait. Reading itself is without a lock: who places fills a row, then
 * stores the slot's count with release order. A reader that loads the count with acquire order may
 * touch that many rows for ever, since chunks are never changed or moved. `ordered` is lowered
 * before the count of the row that broke the order, so a reader that still sees it raised may trust
 * it for its own count.
 */
#include "historian/memtable.h"

#include "core/check.h"
#include "core/mem.h"
#include "core/thread.h"
#include "historian/stage.h"

enum {
    REGION_BYTES = 256 << 10,
    PAGE_SLOTS = STAGE_SLOTS,
    PAGE_COUNT = HIST_TAG_MAX / PAGE_SLOTS + 1,
    CHUNK_ROWS_FIRST = 4,
    CHUNK_ROWS_MAX = 256,
    CHUNK_ROWS_STAGED = 16,   // At most, until a tag has four times as many.
    STAGED_TAGS = 6000,       // Below, the second cache holds what a scan touches.
    STAGED_TAGS_MAX = 400000, // Beyond, stages would take the room that chunks need.
    FETCH_SLOTS = 36,         // Placing: slots that are fetched before their lines,
    FETCH_LINES = 12,         // and lines before they are filled.
    LOOK_AHEAD = 12,          // Rows whose places are fetched before they are filled.
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
    /* Of who holds the mutex: where the next row goes, so that the chunk itself need not be
     * touched. */
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

struct page {
    _Atomic uint32_t staged;        // Rows that wait in `stage`; stored under the mutex.
    uint32_t stage_limit;           // So many are placed.
    uint32_t tags;                  // How many have rows, placed or waiting,
    uint64_t seen[PAGE_SLOTS / 64]; // and which.
    uint64_t claimed;               // Bytes counted for first chunks of tags that wait.
    struct stage stage;
    struct slot slots[PAGE_SLOTS];
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
    _Atomic uint32_t tags;
    struct mutex mutex;        // Of everything that places rows: slots, chunks, stages, `cut`.
    struct stage_block *idle;  // Blocks of stages that were placed.
    struct stage_order *order; // NULL: rows are placed as they come.
    _Atomic(struct page *) pages[PAGE_COUNT];
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
    mutex_init(&table->mutex);
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
    mutex_fini(&table->mutex);
    mem_free(table);
}

/* 16-byte aligned memory that lives as long as the table; not zeroed. Under the mutex. */
static void *memtable_cut(struct memtable *table, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (size > table->cut_left && table->idle != NULL && size <= sizeof *table->idle) {
        table->cut = (uint8_t *)table->idle;
        table->cut_left = sizeof *table->idle;
        table->idle = table->idle->next;
    }
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

static struct page *memtable_page_new(struct memtable *table, uint32_t tag) {
    CHECK(tag > 0 && tag <= HIST_TAG_MAX);
    uint32_t index = tag / PAGE_SLOTS;
    struct page *page = MEM_NEW(struct page);
    page->stage_limit = STAGE_BLOCK_ROWS * (1 + index % STAGE_BLOCKS);
    for (uint32_t i = 0; i < PAGE_SLOTS; i++) {
        atomic_init(&page->slots[i].ordered, true);
    }
    atomic_fetch_add_explicit(&table->bytes, sizeof *page, memory_order_relaxed);
    atomic_store_explicit(&table->pages[index], page, memory_order_release);
    return page;
}

static inline struct page *memtable_page(struct memtable *table, uint32_t tag) {
    struct page *page = NULL;
    if (tag <= HIST_TAG_MAX) {
        page = atomic_load_explicit(&table->pages[tag / PAGE_SLOTS], memory_order_relaxed);
    }
    return page != NULL ? page : memtable_page_new(table, tag);
}

/* True the first time a row of the slot comes. */
static bool page_see(struct memtable *table, struct page *page, uint32_t slot) {
    uint64_t bit = UINT64_C(1) << (slot % 64);
    if ((page->seen[slot / 64] & bit) != 0) {
        return false;
    }
    page->seen[slot / 64] |= bit;
    page->tags++;
    atomic_fetch_add_explicit(&table->tags, 1, memory_order_relaxed);
    return true;
}

static size_t chunk_bytes(uint32_t rows) {
    return ((sizeof(struct chunk) + 15) & ~(size_t)15) + (size_t)rows * 16;
}

/* Rows of a tag's next chunk, when `wanted` wait to be placed. */
static uint32_t chunk_capacity(
    const struct memtable *table, const struct slot *slot, uint32_t last_rows, uint32_t wanted) {
    uint32_t capacity = last_rows >= CHUNK_ROWS_FIRST ? last_rows * 2 : CHUNK_ROWS_FIRST;
    if (table->order != NULL) {
        uint32_t most = atomic_load_explicit(&slot->count, memory_order_relaxed) / 4;
        most = most > CHUNK_ROWS_STAGED ? most : CHUNK_ROWS_STAGED;
        capacity = capacity < most ? capacity : most;
    }
    capacity = capacity > wanted ? capacity : wanted;
    return capacity < CHUNK_ROWS_MAX ? capacity : CHUNK_ROWS_MAX;
}

static void slot_extend(
    struct memtable *table, struct slot *slot, uint8_t type, uint8_t flags, uint32_t wanted) {
    uint32_t last_rows = 0;
    struct chunk *last = atomic_load_explicit(&slot->last, memory_order_relaxed);
    if (last != NULL) {
        uint32_t rows = atomic_load_explicit(&last->rows, memory_order_relaxed);
        last_rows = slot->type == type ? rows : 0;
        /* Whoever sees a row behind this chunk sees this, too: the slot's count is stored later. */
        atomic_store_explicit(&last->rows, rows - slot->room, memory_order_relaxed);
    }
    uint32_t capacity = chunk_capacity(table, slot, last_rows, wanted);
    size_t head = chunk_bytes(0);
    uint8_t *memory = memtable_cut(table, chunk_bytes(capacity));
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
static void slot_mark(struct memtable *table, struct slot *slot, uint32_t status, uint8_t flags) {
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
    marks->status[at] = status;
    marks->flags[at] = flags;
}

static uint64_t memtable_keep_text(
    struct memtable *table, const struct batch *batch, const struct sample *row) {
    struct str text = batch_text(batch, row);
    struct kept_text *kept = memtable_cut(table, sizeof *kept + text.size);
    kept->size = (uint32_t)text.size;
    memcpy(kept->bytes, text.data, text.size);
    return (uint64_t)(uintptr_t)kept;
}

/* Fills the next place of a slot that has room for a row of this type. */
static inline void slot_put(
    struct slot *slot, int64_t time_ns, uint64_t value, uint32_t rows_before) {
    *slot->time++ = time_ns;
    *slot->value++ = value;
    slot->room--;
    if (rows_before > 0 && time_ns <= slot->newest_ns) {
        atomic_store_explicit(&slot->ordered, false, memory_order_relaxed);
    } else {
        slot->newest_ns = time_ns;
    }
}

static inline void memtable_place_row(
    struct memtable *table, const struct batch *batch, const struct sample *row) {
    struct page *page = memtable_page(table, row->tag);
    struct slot *slot = &page->slots[row->tag % PAGE_SLOTS];
    if (slot->room == 0 || slot->type != row->type) {
        slot_extend(table, slot, row->type, row->flags, 1);
    }
    if (slot->marked || row->status != 0 || row->flags != slot->flags) {
        slot_mark(table, slot, row->status, row->flags);
    }
    uint64_t value =
        row->type == TYPE_TEXT ? memtable_keep_text(table, batch, row) : (uint64_t)row->value.i64;
    uint32_t count = atomic_load_explicit(&slot->count, memory_order_relaxed);
    if (count == 0) {
        (void)page_see(table, page, row->tag % PAGE_SLOTS);
    }
    slot_put(slot, row->time_ns, value, count);
    atomic_store_explicit(&slot->count, count + 1, memory_order_release);
}

/* Places rows of one slot, `index[0..count)` of a stage, in this order. */
static void slot_place(struct memtable *table, struct slot *slot, const struct stage *stage,
    const uint16_t *index, uint32_t count) {
    uint32_t placed = atomic_load_explicit(&slot->count, memory_order_relaxed);
    for (uint32_t i = 0; i < count;) {
        const struct staged_row *row = stage_row(stage, index[i]);
        if (slot->room == 0 || slot->type != row->type) {
            slot_extend(table, slot, row->type, row->flags, count - i);
        }
        uint32_t end = count - i < slot->room ? count : i + slot->room;
        for (; i < end; i++) {
            row = stage_row(stage, index[i]);
            if (row->type != slot->type) {
                break;
            }
            if (slot->marked || row->status != 0 || row->flags != slot->flags) {
                slot_mark(table, slot, row->status, row->flags);
            }
            slot_put(slot, row->time_ns, row->value, placed++);
        }
        atomic_store_explicit(&slot->count, placed, memory_order_release); // A chunk begins there.
    }
}

/* How many rows of a page wait at most: eight a tag while there are not too many, and
 * at least a block. */
static uint32_t stage_limit(const struct memtable *table, const struct page *page) {
    uint32_t each = memtable_tags(table) <= STAGED_TAGS_MAX ? STAGE_BLOCKS : 1;
    uint32_t limit = page->tags * each;
    return limit > STAGE_BLOCK_ROWS ? limit : STAGE_BLOCK_ROWS;
}

/* Places the rows that wait in a page. Under the mutex. */
static void page_place(struct memtable *table, struct page *page) {
    struct stage *stage = &page->stage;
    uint32_t rows = atomic_load_explicit(&page->staged, memory_order_relaxed);
    if (rows == 0) {
        return; // Somebody else did.
    }
    const struct stage_order *order = table->order;
    stage_sort(stage, rows, table->order);
    for (uint32_t i = 0; i < PAGE_SLOTS; i++) {
        if (i + FETCH_SLOTS < PAGE_SLOTS) {
            __builtin_prefetch(&page->slots[i + FETCH_SLOTS], 1);
        }
        if (i + FETCH_LINES < PAGE_SLOTS) {
            __builtin_prefetch(page->slots[i + FETCH_LINES].time, 1);
            __builtin_prefetch(page->slots[i + FETCH_LINES].value, 1);
        }
        uint32_t begin = order->begin[i];
        if (order->begin[i + 1] > begin) {
            slot_place(
                table, &page->slots[i], stage, order->index + begin, order->begin[i + 1] - begin);
        }
    }
    for (uint32_t i = 0; i * STAGE_BLOCK_ROWS < rows; i++) {
        stage->blocks[i]->next = table->idle;
        table->idle = stage->blocks[i];
    }
    atomic_fetch_sub_explicit(&table->bytes, page->claimed, memory_order_relaxed);
    page->claimed = 0;
    page->stage_limit = stage_limit(table, page);
    /* Whoever sees none waiting sees them placed. */
    atomic_store_explicit(&page->staged, 0, memory_order_release);
}

/* The page of a tag with all its rows placed; NULL: none. */
static const struct page *memtable_settle(struct memtable *table, uint32_t tag) {
    struct page *page = atomic_load_explicit(&table->pages[tag / PAGE_SLOTS], memory_order_acquire);
    if (page != NULL && atomic_load_explicit(&page->staged, memory_order_acquire) > 0) {
        mutex_lock(&table->mutex);
        page_place(table, page);
        mutex_unlock(&table->mutex);
    }
    return page;
}

static struct stage_block *memtable_block(struct memtable *table) {
    struct stage_block *block = table->idle;
    if (block == NULL) {
        return memtable_cut(table, sizeof *block);
    }
    table->idle = block->next;
    return block;
}

static inline void memtable_stage_row(
    struct memtable *table, const struct batch *batch, const struct sample *row) {
    struct page *page = memtable_page(table, row->tag);
    uint32_t slot = row->tag % PAGE_SLOTS;
    if (page->tags < PAGE_SLOTS && page_see(table, page, slot)) {
        page->claimed += chunk_bytes(CHUNK_ROWS_FIRST);
        atomic_fetch_add_explicit(
            &table->bytes, chunk_bytes(CHUNK_ROWS_FIRST), memory_order_relaxed);
    }
    uint32_t at = atomic_load_explicit(&page->staged, memory_order_relaxed);
    if (at % STAGE_BLOCK_ROWS == 0) {
        if (at >= stage_limit(table, page)) { // More tags came than when the limit was set.
            page_place(table, page);
            at = 0;
        }
        page->stage.blocks[at / STAGE_BLOCK_ROWS] = memtable_block(table);
    }
    *stage_slot(&page->stage, at) = (uint16_t)slot;
    struct staged_row *staged = stage_row(&page->stage, at);
    staged->time_ns = row->time_ns;
    staged->value =
        row->type == TYPE_TEXT ? memtable_keep_text(table, batch, row) : (uint64_t)row->value.i64;
    staged->status = row->status;
    staged->type = row->type;
    staged->flags = row->flags;
    atomic_store_explicit(&page->staged, at + 1, memory_order_relaxed); // Read under the mutex.
    if (at + 1 >= page->stage_limit) {
        page_place(table, page);
    }
}

/* Asks for the memory a row will be written to: a scan touches three lines a tag, all over. */
static inline void memtable_fetch(const struct memtable *table, uint32_t tag) {
    if (tag > HIST_TAG_MAX) {
        return;
    }
    const struct page *page =
        atomic_load_explicit(&table->pages[tag / PAGE_SLOTS], memory_order_relaxed);
    if (page != NULL) {
        __builtin_prefetch(page->slots[tag % PAGE_SLOTS].time, 1);
        __builtin_prefetch(page->slots[tag % PAGE_SLOTS].value, 1);
    }
}

static uint32_t memtable_place_rows(struct memtable *table, const struct batch *batch) {
    uint32_t rows = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if (i + LOOK_AHEAD < batch->count) {
            memtable_fetch(table, row[LOOK_AHEAD].tag);
        }
        if ((row->flags & SAMPLE_DROP) == 0) {
            memtable_place_row(table, batch, row);
            rows++;
        }
    }
    return rows;
}

static uint32_t memtable_stage_rows(struct memtable *table, const struct batch *batch) {
    uint32_t rows = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if ((row->flags & SAMPLE_DROP) == 0) {
            memtable_stage_row(table, batch, row);
            rows++;
        }
    }
    return rows;
}

void memtable_add(struct memtable *table, const struct batch *batch) {
    mutex_lock(&table->mutex);
    if (table->order == NULL && memtable_tags(table) > STAGED_TAGS) {
        table->order = memtable_cut(table, sizeof *table->order);
    }
    uint32_t rows = table->order != NULL ? memtable_stage_rows(table, batch)
                                         : memtable_place_rows(table, batch);
    mutex_unlock(&table->mutex);
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

uint32_t memtable_tag_next(struct memtable *table, uint32_t tag) {
    for (uint32_t next = tag + 1; next <= HIST_TAG_MAX; next++) {
        const struct page *page = memtable_settle(table, next);
        if (page == NULL) {
            next |= PAGE_SLOTS - 1; // To the end of this page.
        } else if (atomic_load_explicit(
                       &page->slots[next % PAGE_SLOTS].count, memory_order_acquire) > 0) {
            return next;
        }
    }
    return 0;
}

uint32_t memtable_tag_rows(struct memtable *table, uint32_t tag) {
    const struct page *page = memtable_settle(table, tag);
    return page == NULL
               ? 0
               : atomic_load_explicit(&page->slots[tag % PAGE_SLOTS].count, memory_order_acquire);
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

void memtable_walk_init(struct memtable_walk *walk, struct memtable *table, uint32_t tag,
    int64_t from_ns, int64_t to_ns) {
    *walk = (struct memtable_walk){.table = table, .from_ns = from_ns, .to_ns = to_ns};
    if (tag == 0 || tag > HIST_TAG_MAX) {
        return;
    }
    const struct page *page = memtable_settle(table, tag);
    if (page == NULL) {
        return;
    }
    const struct slot *slot = &page->slots[tag % PAGE_SLOTS];
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
