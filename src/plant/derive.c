/*
 * Making and feeding the engine of derived tags.
 *
 * It is made anew only when a derived tag changed, because making it reads each input's newest rows
 * from the history: as many as its windows ask for. They are looked for backwards from the newest
 * in spans that grow eightfold, so a tag that speaks every second costs one small scan and one that
 * was silent for years about ten.
 */
#include "plant/derive.h"

#include "core/hash.h"
#include "core/log.h"
#include "core/mem.h"

enum { SPAN_FIRST_S = 60, SPAN_GROWTH = 8 };

struct derive {
    struct historian *historian;
    struct catalogue *catalogue; // The one the engine is made from; a reference.
    struct derived *engine;      // NULL: no derived tags, or stale.
    uint64_t signature;
    bool is_stale; // To be made before the next batch.
    uint64_t told_failed;
};

struct derive *derive_new(struct historian *historian) {
    struct derive *derive = MEM_NEW(struct derive);
    derive->historian = historian;
    return derive;
}

void derive_free(struct derive *derive) {
    if (derive != NULL) {
        derived_free(derive->engine);
        catalogue_unref(derive->catalogue);
        mem_free(derive);
    }
}

/* Of everything the engine is made from. */
static uint64_t signature_of(const struct catalogue *catalogue) {
    uint64_t signature = 0;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        if (!tag->active || !derived_is(tag)) {
            continue;
        }
        const double numbers[] = {(double)tag->number, (double)tag->type, tag->min, tag->max};
        signature = signature * 31 + hash64(tag->source.data, tag->source.size);
        signature = signature * 31 + hash64(numbers, sizeof numbers);
    }
    return signature;
}

void derive_use(struct derive *derive, struct catalogue *catalogue) {
    uint64_t signature = signature_of(catalogue);
    catalogue_unref(derive->catalogue);
    derive->catalogue = catalogue_ref(catalogue);
    derive->is_stale = derive->is_stale || signature != derive->signature;
    derive->signature = signature;
}

void derive_forget(struct derive *derive) {
    derive->is_stale = derive->is_stale || derive->engine != NULL;
}

/* ---- Feeding ---- */

static void feed_rows(struct derive *derive, const struct hist_rows *rows) {
    for (uint32_t i = 0; i < rows->count; i++) {
        struct sample row = {.tag = rows->tag,
            .type = (uint8_t)rows->type,
            .time_ns = rows->time_ns[i],
            .status = rows->status != NULL ? rows->status[i] : 0};
        if (rows->f64 != NULL) {
            row.value.f64 = rows->f64[i];
        } else if (rows->i64 != NULL) {
            row.value.i64 = rows->i64[i];
        }
        derived_feed(derive->engine, &row, rows->text != NULL ? rows->text[i] : STR_NONE);
    }
}

/* Counts the rows from `begin` on, and feeds them when asked. */
static int scan_rows(struct derive *derive, uint32_t tag, int64_t begin_ns, bool feed,
    uint64_t *ret_count, struct err *err) {
    struct hist_scan_options options = {.tag = tag, .from_ns = begin_ns, .to_ns = INT64_MAX};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    int status = hist_scan_open(derive->historian, &options, &scan, err);
    while (status >= 0 && (status = hist_scan_next(scan, &rows, err)) > 0) {
        *ret_count += rows.count;
        if (feed) {
            feed_rows(derive, &rows);
        }
    }
    hist_scan_close(scan);
    return status;
}

static int feed_input(
    struct derive *derive, uint32_t tag, uint32_t wanted, int64_t span_ns, struct err *err) {
    struct hist_last last;
    if (!hist_last(derive->historian, tag, &last)) {
        return 0;
    }
    const int64_t first_ns = SPAN_FIRST_S * NS_PER_S;
    int64_t reach_ns = span_ns > first_ns ? span_ns : first_ns;
    for (;;) {
        bool is_all = last.row.time_ns < INT64_MIN + reach_ns || reach_ns > INT64_MAX / SPAN_GROWTH;
        int64_t begin_ns = is_all ? INT64_MIN : last.row.time_ns - reach_ns;
        uint64_t count = 0;
        int status = scan_rows(derive, tag, begin_ns, false, &count, err);
        if (status >= 0 && (count >= wanted || is_all)) {
            return scan_rows(derive, tag, begin_ns, true, &count, err);
        }
        if (status < 0) {
            return status;
        }
        reach_ns *= SPAN_GROWTH;
    }
}

static void make_engine(struct derive *derive) {
    derived_free(derive->engine);
    derive->engine = derived_new(derive->catalogue, clock_system());
    derive->is_stale = false;
    uint32_t tag = 0;
    uint32_t rows = 0;
    int64_t span_ns = 0;
    for (uint32_t i = 0;
         derive->engine != NULL && derived_input(derive->engine, i, &tag, &rows, &span_ns); i++) {
        struct err err = ERR_INIT;
        if (feed_input(derive, tag, rows, span_ns, &err) < 0) {
            log_event(LOG_WARN, "plant", "derived_input_unread",
                LOG_FIELDS({"tag", A_INT(tag)},
                    {"next", A_CSTR("it begins empty; its next samples are taken")}),
                &err);
        }
    }
}

void derive_run(struct derive *derive, struct batch *batch) {
    if (derive->is_stale) {
        make_engine(derive);
    }
    if (derive->engine == NULL || batch->count == 0) {
        return;
    }
    (void)derived_run(derive->engine, batch); // How many shows in batch->made.
    struct derived_status status;
    derived_status(derive->engine, &status);
    if (status.failed > 0 && derive->told_failed == 0) {
        log_event(LOG_WARN, "plant", "derived_failed",
            LOG_FIELDS({"tag", A_STR(catalogue_tag(derive->catalogue, status.failed_tag)->name)},
                {"next", A_CSTR("such rows are stored as bad; look at the expression")}),
            &status.error);
    }
    derive->told_failed = status.failed;
}
