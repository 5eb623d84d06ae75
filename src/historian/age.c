/*
 * Ageing: rows that are old enough go, their roll-ups stay.
 *
 * One round works over one state of the segments (what is in memory is sealed first) and is one
 * change of the manifest: new bounds and one new aged file. Before that nothing is given up, after
 * it nothing is missing; a kill between leaves a file that no manifest names. The rows themselves
 * leave the disk with the next merges, as after hist_expire.
 *
 * Because the rolled-up time ends at the bound and no row before it is ever shown again, the cells
 * are final: of each (tag, time) the winner of all versions there were. Rows that come later for
 * that time expire at once. So there is no second place where versions would have to be settled.
 *
 * A round a day would leave a file a day. So a round takes those files before it into its own that
 * are not at least twice as large as what it writes: there are some twenty at most, and a cell is
 * written some twenty times in its life. Full chunks are copied as they are.
 *
 * Where a damaged block lies in what should go, the tag keeps everything for now: the block may be
 * repaired from a backup, and what could not be read can neither be archived nor rolled up.
 */
#include "core/mem.h"
#include "historian/aged_write.h"
#include "historian/cursor.h"
#include "historian/hist_archive.h"
#include "historian/rollup.h"
#include "historian/store.h"

enum {
    CELLS_OF_DAY = 168, // Of 1 h and 10 min; a cell takes some 24 bytes.
    CHOICES_MAX = 3,    // What may go is chosen anew where damage was met meanwhile.
};

struct item { // One tag that was asked for.
    uint32_t tag;
    int64_t raw_from_ns; // The bounds as they are,
    int64_t aged_from_ns;
    int64_t raw_ns; // and as they shall be.
    int64_t aged_ns;
    bool rolls; // Cells are made of [raw_from_ns, raw_ns).
};

struct age {
    struct historian *historian;
    struct view *view; // Segments only.
    const struct stop_flag *stop;
    const struct hist_age_sink *sink; // NULL: none.
    struct item *items;
    uint32_t count;
    struct hist_archive *archive; // NULL: none.
    struct aged_writer *writer;   // NULL: nothing to write.
    uint64_t id;
    uint32_t first_taken; // Index of the first aged file that goes into the new one.
    uint32_t *damage;     // By segment, as it was when what may go was chosen.
    struct decoder decoder;
    struct cell *cells; // BLOCK_ROWS of them.
    struct hist_age_report report;
};

/* ---- What is to be done ---- */

static int64_t whole_hour(int64_t time_ns) {
    int64_t in_range = time_ns < HIST_TIME_MIN ? HIST_TIME_MIN : time_ns;
    in_range = in_range > HIST_TIME_MAX ? HIST_TIME_MAX : in_range;
    return rollup_start(in_range, rollup_ns[ROLLUP_LEVELS - 1]);
}

/* The bounds that one asks for; false when nothing moves. */
static bool item_take(const struct age *age, const struct hist_ageing *asked, struct item *item) {
    const struct view *view = age->view;
    bool rolls = asked->rollup_before_ns < asked->raw_before_ns;
    *item = (struct item){.tag = asked->tag,
        .raw_from_ns = horizons_of(view->horizons, asked->tag),
        .aged_from_ns = horizons_of(view->aged_horizons, asked->tag),
        .raw_ns = rolls ? whole_hour(asked->raw_before_ns) : asked->raw_before_ns,
        .aged_ns = rolls ? whole_hour(asked->rollup_before_ns) : asked->raw_before_ns};
    item->raw_ns = item->raw_ns > item->raw_from_ns ? item->raw_ns : item->raw_from_ns;
    item->aged_ns = item->aged_ns > item->aged_from_ns ? item->aged_ns : item->aged_from_ns;
    item->rolls = rolls && item->raw_ns > item->raw_from_ns;
    bool has_cells = false;
    for (uint32_t i = 0; i < view->aged_count; i++) {
        const struct tag_entry *entry = aged_find(view->aged[i], item->tag);
        has_cells = has_cells || (entry != NULL && entry->min_ns < item->aged_ns);
    }
    return item->raw_ns > item->raw_from_ns || (has_cells && item->aged_ns > item->aged_from_ns);
}

/* True when rows of what should go may be there and cannot be read. 1, 0, negative. */
static int page_is_blocked(
    struct age *age, struct segment *segment, const struct item *item, struct err *err) {
    int whole = segment_tag_is_whole(segment, item->tag, err);
    if (whole <= 0) {
        return whole < 0 ? whole : 1;
    }
    struct tag_page *page = NULL;
    int rc = segment_page(segment, item->tag, &page, err);
    bool blocked = false;
    for (uint32_t i = 0; rc > 0 && i < page->block_count && !blocked; i++) {
        const struct block_entry *block = &page->blocks[i];
        if (block->max_ns >= item->raw_from_ns && block->min_ns < item->raw_ns) {
            struct run run;
            int read = segment_block(segment, page, i, &age->decoder, &run, err);
            blocked = read == 0;
            rc = read < 0 ? read : rc;
        }
    }
    tag_page_unref(page);
    return rc < 0 ? rc : blocked;
}

static int item_is_blocked(struct age *age, const struct item *item, struct err *err) {
    for (uint32_t i = 0; i < age->view->segment_count; i++) {
        struct segment *segment = age->view->segments[i];
        const struct segment_info *info = segment_info(segment);
        bool inside =
            age->damage[i] > 0 && info->min_ns < item->raw_ns && info->max_ns >= item->raw_from_ns;
        int rc = inside ? page_is_blocked(age, segment, item, err) : 0;
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int items_take(struct age *age, const struct hist_age_options *options, struct err *err) {
    age->items = MEM_ARRAY(struct item, options->count + 1);
    for (uint32_t i = 0; i < options->count; i++) {
        struct item *item = &age->items[age->count];
        if (!item_take(age, &options->tags[i], item)) {
            continue;
        }
        int rc = item_is_blocked(age, item, err);
        if (rc < 0) {
            return rc;
        }
        age->report.kept += rc > 0;
        age->count += rc == 0;
    }
    age->report.tags = age->count;
    return 0;
}

/* How much of a file loses its place by the new bounds, in bytes. */
static uint64_t expired_bytes(const struct age *age, const struct aged *aged) {
    uint64_t bytes = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < aged_info(aged)->tag_count; i++) {
        const struct tag_entry *entry = aged_entry(aged, i);
        int64_t before_ns = horizons_of(age->view->aged_horizons, entry->tag);
        while (at < age->count && age->items[at].tag < entry->tag) {
            at++;
        }
        if (at < age->count && age->items[at].tag == entry->tag) {
            before_ns = age->items[at].aged_ns;
        }
        if (before_ns <= entry->min_ns) {
            continue;
        }
        double gone = (double)before_ns - (double)entry->min_ns;
        double share = gone / ((double)entry->max_ns - (double)entry->min_ns + 1);
        bytes += (uint64_t)((share < 1 ? share : 1) * (double)entry->blocks_size);
    }
    return bytes;
}

/* Which of the older files go into the new one. */
static void choose_files(struct age *age) {
    const struct view *view = age->view;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < age->count; i++) {
        bytes += age->items[i].rolls ? CELLS_OF_DAY * 24 : 0;
    }
    age->first_taken = view->aged_count;
    while (age->first_taken > 0) {
        const struct aged *aged = view->aged[age->first_taken - 1];
        if (aged_info(aged)->bytes >= 2 * bytes) {
            break;
        }
        bytes += aged_info(aged)->bytes;
        age->first_taken--;
    }
    for (uint32_t i = 0; i < age->first_taken; i++) {
        if (expired_bytes(age, view->aged[i]) >= aged_info(view->aged[i])->bytes / 4) {
            age->first_taken = i; // Most of the way: written again from here on.
        }
    }
}

/* ---- One tag ---- */

/* Cells of an older file, without those that have expired. */
static int take_chunk(struct age *age, struct aged *aged, uint32_t tag,
    const struct aged_chunk *chunk, int64_t before_ns, struct err *err) {
    if (chunk->last_ns < before_ns) {
        return 0;
    }
    int rc = aged_cells(aged, tag, chunk, &age->decoder, age->cells, err);
    if (rc <= 0) {
        return rc < 0 ? rc : err_set(err, ERR_CORRUPT, MSG_AGED_TAKING, ARGS(A_INT(tag)));
    }
    if (chunk->first_ns >= before_ns && aged_writer_can_copy(age->writer, chunk)) {
        return aged_writer_copy(age->writer, chunk, age->decoder.bytes.data, err);
    }
    uint32_t from = 0;
    while (from < chunk->cells && age->cells[from].start_ns < before_ns) {
        from++;
    }
    return aged_writer_cells(
        age->writer, chunk->level, age->cells + from, chunk->cells - from, err);
}

static int take_file(
    struct age *age, struct aged *aged, uint32_t tag, int64_t before_ns, struct err *err) {
    const struct tag_entry *entry = aged_find(aged, tag);
    if (entry == NULL) {
        return 0;
    }
    struct aged_contents contents = {0};
    int rc = aged_contents(aged, entry, &age->decoder, &contents, err);
    if (rc <= 0) {
        return rc < 0 ? rc : err_set(err, ERR_CORRUPT, MSG_AGED_TAKING, ARGS(A_INT(tag)));
    }
    rc = 0;
    for (uint32_t i = 0; i < contents.count && rc >= 0; i++) {
        rc = take_chunk(age, aged, tag, &contents.chunks[i], before_ns, err);
    }
    aged_contents_fini(&contents);
    return rc < 0 ? rc : 0;
}

/* Rows whose roll-ups would have expired already are not rolled up. */
static int64_t rolls_from(const struct item *item) {
    return item->aged_ns > item->raw_from_ns ? item->aged_ns : item->raw_from_ns;
}

/* Who the rows that go are read for: all their versions for the archive, winners for the others. */
enum audience { FOR_ARCHIVE, FOR_SINK, FOR_CELLS };

static int give_sink(
    const struct age *age, const struct item *item, struct run run, struct err *err) {
    int rc = 0;
    while (run.count > 0 && rc >= 0) {
        struct hist_rows rows;
        scan_split(&run, item->tag, &rows);
        rc = age->sink->rows(age->sink->context, &rows, err);
    }
    return rc < 0 ? rc : 0;
}

static int read_rows(
    struct age *age, const struct item *item, enum audience whom, struct err *err) {
    struct cursor_set set;
    bool versions = whom == FOR_ARCHIVE;
    struct cursor_options options = {.tag = item->tag,
        .from_ns = whom == FOR_CELLS ? rolls_from(item) : item->raw_from_ns,
        .to_ns = item->raw_ns,
        .versions = versions};
    int rc = cursor_set_open_segments(
        &set, age->view->segments, age->view->segment_count, &options, err);
    if (rc < 0) {
        return rc;
    }
    struct run run;
    bool begun = false;
    while ((rc = cursor_set_next(&set, &run, err)) > 0) {
        rc = versions && !begun ? hist_archive_begin(age->archive, err) : 0;
        begun = true;
        rc = rc < 0              ? rc
             : versions          ? hist_archive_add(age->archive, item->tag, &run, err)
             : whom == FOR_CELLS ? aged_writer_rows(age->writer, &run, err)
                                 : give_sink(age, item, run, err);
        if (rc < 0) {
            break;
        }
    }
    cursor_set_close(&set);
    return rc;
}

static int age_tag(struct age *age, uint32_t tag, const struct item *item, struct err *err) {
    const struct view *view = age->view;
    int64_t from_ns = item != NULL && item->rolls ? rolls_from(item) : INT64_MAX;
    int64_t to_ns = item != NULL && item->rolls ? item->raw_ns : INT64_MIN;
    for (uint32_t i = age->first_taken; i < view->aged_count; i++) {
        const struct tag_entry *entry = aged_find(view->aged[i], tag);
        if (entry != NULL) {
            from_ns = entry->min_ns < from_ns ? entry->min_ns : from_ns;
            to_ns = entry->max_ns + 1 > to_ns ? entry->max_ns + 1 : to_ns;
        }
    }
    int rc = 0;
    bool goes = item != NULL && item->raw_ns > item->raw_from_ns;
    if (goes && age->archive != NULL) {
        rc = read_rows(age, item, FOR_ARCHIVE, err);
    }
    if (goes && age->sink != NULL && rc >= 0) {
        rc = read_rows(age, item, FOR_SINK, err);
    }
    if (rc < 0 || age->writer == NULL || from_ns >= to_ns) {
        return rc;
    }
    int64_t before_ns = item != NULL ? item->aged_ns : horizons_of(view->aged_horizons, tag);
    from_ns = from_ns < HIST_TIME_MIN ? HIST_TIME_MIN : from_ns;
    from_ns = from_ns < before_ns && before_ns < to_ns ? before_ns : from_ns;
    rc = aged_writer_begin(age->writer, tag, from_ns, to_ns, err);
    for (uint32_t i = age->first_taken; i < view->aged_count && rc == 0; i++) {
        rc = take_file(age, view->aged[i], tag, before_ns, err);
    }
    return rc < 0 || item == NULL || !item->rolls ? rc : read_rows(age, item, FOR_CELLS, err);
}

/* The smallest tag above `tag` that was asked for (from item `at` on) or stands in a file that is
 * taken; 0: none. */
static uint32_t next_tag(const struct age *age, uint32_t at, uint32_t *places, uint32_t tag) {
    uint32_t next = at < age->count ? age->items[at].tag : 0;
    for (uint32_t i = age->first_taken; i < age->view->aged_count; i++) {
        const struct aged *aged = age->view->aged[i];
        uint32_t *place = &places[i];
        while (*place < aged_info(aged)->tag_count && aged_entry(aged, *place)->tag <= tag) {
            ++*place;
        }
        if (*place < aged_info(aged)->tag_count) {
            uint32_t own = aged_entry(aged, *place)->tag;
            next = next == 0 || own < next ? own : next;
        }
    }
    return next;
}

static bool is_stopping(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    bool stopping = historian->stopping;
    mutex_unlock(&historian->state_mutex);
    return stopping;
}

/* Damage that was met since the start: rows were passed over. */
static bool is_damaged_now(const struct age *age) {
    for (uint32_t i = 0; i < age->view->segment_count; i++) {
        if (segment_damage(age->view->segments[i]) > age->damage[i]) {
            return true;
        }
    }
    return false;
}

static int age_tags(struct age *age, struct err *err) {
    AUTO_FREE uint32_t *places = MEM_ARRAY(uint32_t, age->view->aged_count + 1);
    uint32_t at = 0;
    for (uint32_t tag = 0; (tag = next_tag(age, at, places, tag)) != 0;) {
        bool asked = at < age->count && age->items[at].tag == tag;
        const struct item *item = asked ? &age->items[at++] : NULL;
        int rc = age_tag(age, tag, item, err);
        if (rc == 0 && is_damaged_now(age)) { // The next round leaves the tag out.
            rc = err_set(err, ERR_CORRUPT, MSG_AGED_TAKING, ARGS(A_INT(tag)));
        }
        if (rc < 0) {
            return rc;
        }
        if (age->stop != NULL && stop_flag_is_raised(age->stop)) {
            return err_set(err, ERR_CANCELLED, MSG_AGED_STOPPED, NO_ARGS);
        }
        if (age->historian->threaded) {
            if (is_stopping(age->historian)) {
                return err_set(err, ERR_CANCELLED, MSG_AGED_STOPPED, NO_ARGS);
            }
            (void)seal_frozen_caring(age->historian, NULL); // A failure is told to writers.
        }
    }
    return 0;
}

/* ---- The whole ---- */

static int writer_open(struct age *age, struct err *err) {
    const struct view *view = age->view;
    choose_files(age);
    bool any = age->first_taken < view->aged_count;
    for (uint32_t i = 0; i < age->count; i++) {
        any = any || age->items[i].rolls;
    }
    if (!any) {
        return 0;
    }
    age->id = store_segment_id(age->historian);
    struct aged_plan plan = {.files = age->historian->files,
        .dir = age->historian->dir,
        .id = age->id,
        .round_low = age->first_taken < view->aged_count
                         ? aged_info(view->aged[age->first_taken])->round_low
                         : age->id,
        .round_high = age->id};
    return aged_writer_open(&plan, &age->writer, err);
}

/* Any tag whose rows go is a witness: all bounds move with one change of the manifest. */
static int finish_sink(const struct age *age, struct err *err) {
    for (uint32_t i = 0; age->sink != NULL && i < age->count; i++) {
        const struct item *item = &age->items[i];
        if (item->raw_ns > item->raw_from_ns) {
            return age->sink->finish(age->sink->context, item->tag, item->raw_ns, err);
        }
    }
    return 0;
}

/* Completes the files that were written; *ret_aged stays NULL where no cells are left. */
static int finish_files(struct age *age, struct aged **ret_aged, struct err *err) {
    struct historian *historian = age->historian;
    int rc = 0;
    if (age->archive != NULL) {
        struct hist_archive_counts counts = {0};
        rc = hist_archive_finish(age->archive, &counts, err);
        age->report.archived_rows = counts.rows;
        age->report.archived_bytes = counts.bytes;
        age->report.archived_files = counts.files;
    }
    rc = rc < 0 ? rc : finish_sink(age, err);
    age->report.cells = age->writer != NULL ? aged_writer_count(age->writer) : 0;
    if (rc < 0 || age->report.cells == 0) {
        return rc;
    }
    struct damage_sink sink = {.damaged = store_damaged, .context = historian};
    rc = aged_writer_finish(age->writer, err);
    rc = rc < 0 ? rc : dir_sync(historian->files, historian->dir, err);
    return rc < 0 ? rc : aged_open(historian->files, historian->dir, age->id, &sink, ret_aged, err);
}

static void manifest_age(struct age *age, struct manifest *manifest, bool placed) {
    struct hist_expiry *moves = MEM_ARRAY(struct hist_expiry, age->count + 1);
    uint32_t moved = 0;
    for (uint32_t i = 0; i < age->count; i++) {
        moves[i] =
            (struct hist_expiry){.tag = age->items[i].tag, .before_ns = age->items[i].raw_ns};
    }
    struct horizons *raw = horizons_with(manifest->horizons, moves, age->count, &moved);
    for (uint32_t i = 0; i < age->count; i++) {
        moves[i].before_ns = age->items[i].aged_ns;
    }
    struct horizons *aged = horizons_with(manifest->aged_horizons, moves, age->count, &moved);
    horizons_unref(manifest->horizons);
    horizons_unref(manifest->aged_horizons);
    manifest->horizons = raw;
    manifest->aged_horizons = aged;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < manifest->aged_count; i++) {
        bool taken = false;
        for (uint32_t j = age->first_taken; j < age->view->aged_count; j++) {
            taken = taken || aged_info(age->view->aged[j])->id == manifest->aged[i];
        }
        if (!taken) {
            manifest->aged[kept++] = manifest->aged[i];
        }
    }
    manifest->aged_count = kept;
    if (placed) {
        manifest->aged = mem_resize(manifest->aged, (kept + 2) * sizeof *manifest->aged);
        manifest->aged[manifest->aged_count++] = age->id;
    }
    mem_free(moves);
}

static void publish(struct age *age, struct aged *made) {
    struct historian *historian = age->historian;
    struct view_change change = {.set_aged = true,
        .horizons = historian->manifest.horizons,
        .aged_horizons = historian->manifest.aged_horizons};
    change.aged = MEM_ARRAY(struct aged *, age->first_taken + 2);
    for (uint32_t i = 0; i < age->first_taken; i++) {
        change.aged[change.aged_count++] = aged_ref(age->view->aged[i]);
    }
    if (made != NULL) {
        change.aged[change.aged_count++] = made;
    }
    for (uint32_t i = age->first_taken; i < age->view->aged_count; i++) {
        aged_obsolete(age->view->aged[i]);
    }
    mutex_lock(&historian->state_mutex);
    store_publish(historian, &change);
    mutex_unlock(&historian->state_mutex);
}

static int commit_age(struct age *age, struct aged *made, struct err *err) {
    struct historian *historian = age->historian;
    struct manifest manifest;
    mutex_lock(&historian->state_mutex);
    manifest_copy(&manifest, &historian->manifest);
    mutex_unlock(&historian->state_mutex);
    if (manifest.aged_count >= MANIFEST_AGED_MAX) {
        manifest_fini(&manifest);
        aged_unref(made);
        return err_set(err, ERR_LIMIT, MSG_MANIFEST_LARGE, NO_ARGS);
    }
    manifest_age(age, &manifest, made != NULL);
    int rc = store_manifest_set(historian, &manifest, err);
    if (rc < 0) {
        /* Which manifest stands is not known: the file must stay, too. */
        if (made != NULL && historian->orphan_count < HIST_ORPHANS_MAX) {
            historian->orphans[historian->orphan_count++] = age->id;
        }
        aged_unref(made);
        return rc;
    }
    store_orphans_drop(historian);
    publish(age, made);
    return 0;
}

static void damage_note(struct age *age) {
    for (uint32_t i = 0; i < age->view->segment_count; i++) {
        age->damage[i] = segment_damage(age->view->segments[i]);
    }
}

static int age_caring(struct age *age, const struct hist_age_options *options, struct err *err) {
    if (age->view->segment_count != age->historian->manifest.segment_count ||
        age->view->aged_count != age->historian->manifest.aged_count) {
        /* One could not be opened: rows that nobody can read now must not go unseen. */
        return err_set(err, ERR_CORRUPT, MSG_AGED_UNOPENED, NO_ARGS);
    }
    age->damage = MEM_ARRAY(uint32_t, age->view->segment_count + 1);
    int rc = 0;
    bool again = true;
    for (int tries = 0; tries < CHOICES_MAX && rc >= 0 && again; tries++) {
        damage_note(age);
        mem_free(age->items);
        age->items = NULL;
        age->count = 0;
        rc = items_take(age, options, err);
        again = is_damaged_now(age); // Met on the way, by us or a query: it may concern any choice.
    }
    if (rc < 0 || age->count == 0) {
        return rc;
    }
    if (options->archive_dir != NULL) {
        struct hist_archive_plan plan = {.files = age->historian->files,
            .clock = age->historian->clock,
            .dir = options->archive_dir,
            .seq = hist_seq(age->historian)};
        rc = hist_archive_open(&plan, &age->archive, err);
    }
    struct aged *made = NULL;
    rc = rc < 0 ? rc : writer_open(age, err);
    rc = rc < 0 ? rc : age_tags(age, err);
    rc = rc < 0 ? rc : finish_files(age, &made, err);
    return rc < 0 ? rc : commit_age(age, made, err);
}

static int options_check(const struct hist_age_options *options, struct err *err) {
    for (uint32_t i = 0; i < options->count; i++) {
        uint32_t tag = options->tags[i].tag;
        bool good = tag > 0 && tag <= HIST_TAG_MAX && (i == 0 || tag > options->tags[i - 1].tag);
        if (!good) {
            return err_set(err, ERR_INVALID, MSG_AGED_TAKING, ARGS(A_INT(tag)));
        }
    }
    return 0;
}

int hist_horizons_settle(struct historian *historian, struct err *err) {
    struct manifest manifest;
    store_care_begin(historian);
    mutex_lock(&historian->state_mutex);
    manifest_copy(&manifest, &historian->manifest);
    mutex_unlock(&historian->state_mutex);
    int rc = store_manifest_set(historian, &manifest, err);
    store_care_end(historian);
    return rc;
}

int hist_age(struct historian *historian, const struct hist_age_options *options,
    struct hist_age_report *ret_report, struct err *err) {
    int rc = options_check(options, err);
    rc = rc < 0 ? rc : hist_seal(historian, err);
    if (rc < 0) {
        return rc;
    }
    store_care_begin(historian);
    struct age age = {.historian = historian,
        .stop = options->stop,
        .sink = options->sink,
        .view = store_view_sealed(historian)};
    age.cells = MEM_ARRAY(struct cell, BLOCK_ROWS);
    decoder_init(&age.decoder);
    rc = age_caring(&age, options, err);
    decoder_fini(&age.decoder);
    hist_archive_free(age.archive);
    aged_writer_free(age.writer);
    mem_free(age.cells);
    mem_free(age.damage);
    mem_free(age.items);
    view_unref(age.view);
    store_care_end(historian);
    if (rc < 0) {
        return rc;
    }
    *ret_report = age.report;
    return 0;
}
