/*
 * Values at moments: the newest good row at or before each.
 *
 * The moments of a tag are taken in order of time, with one reader that only goes forward. Before
 * each it is told where the row can be at the earliest (before_window, which looks at the
 * descriptions of blocks only); where that lies ahead of what was read, the reader is opened anew
 * there and the time between is never decoded. So thousand moments within a day cost one reading of
 * the day, and one moment in each of ten years costs ten blocks.
 */
#include <math.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/mem.h"
#include "historian/before.h"
#include "historian/cursor.h"
#include "historian/store.h"

/* A moment and where it stands in the question. */
struct wanted {
    int64_t time_ns;
    uint32_t index;
};

struct finder {
    struct view *view;
    uint32_t tag;
    enum hist_interpolation interpolation;
    struct cursor_set set;
    bool opened;
    struct run run;
    uint32_t at;
    bool ended;
    int64_t from_ns;   // Where it began.
    struct point good; // The newest good row so far, as `moment` holds it.
    struct hist_moment moment;
    struct buf text; // Of the newest good row, when its run is gone.
    bool borrowed;   // Its text stands in the run.
    bool interrupted;
};

/* ---- Reading forward ---- */

static void finder_close(struct finder *finder) {
    if (finder->opened) {
        cursor_set_close(&finder->set);
    }
    finder->opened = false;
    finder->run.count = 0;
    finder->at = 0;
    finder->good.has = false;
    finder->borrowed = false;
    finder->interrupted = false;
}

static int finder_open(struct finder *finder, int64_t from_ns, struct err *err) {
    finder_close(finder);
    struct cursor_options options = {.tag = finder->tag, .from_ns = from_ns, .to_ns = INT64_MAX};
    int rc = cursor_set_open(&finder->set, finder->view, &options, err);
    finder->opened = rc >= 0;
    finder->ended = false;
    finder->from_ns = from_ns;
    return rc;
}

static int finder_load(struct finder *finder, struct err *err) {
    while (!finder->ended && finder->at == finder->run.count) {
        if (finder->borrowed) {
            buf_clear(&finder->text);
            buf_put_str(&finder->text, finder->moment.text);
            finder->moment.text = buf_str(&finder->text);
            finder->borrowed = false;
        }
        finder->at = 0;
        finder->run.count = 0;
        int rc = cursor_set_next(&finder->set, &finder->run, err);
        if (rc < 0) {
            return rc;
        }
        finder->ended = rc == 0;
        finder->run.count = rc == 0 ? 0 : finder->run.count;
    }
    return 0;
}

static void row_take(struct finder *finder, uint32_t row) {
    const struct run *run = &finder->run;
    struct point point = point_of(run, row);
    bool text = point.type == TYPE_TEXT;
    if (text ? run_status(run, row) >> 31 != 0 : !point.usable) {
        finder->interrupted = true;
        return;
    }
    finder->interrupted = false;
    finder->good = point;
    finder->moment = (struct hist_moment){.has_value = true,
        .type = (enum value_type)point.type,
        .value_ns = point.time_ns,
        .status = run_status(run, row),
        .f64 = point.type == TYPE_F64 ? point.number : 0,
        .i64 = point.i64,
        .text = text ? run->text[row] : STR_NONE};
    finder->borrowed = text && finder->moment.text.size > 0;
}

static int finder_advance(struct finder *finder, int64_t time_ns, struct err *err) {
    int rc = 0;
    while ((rc = finder_load(finder, err)) >= 0 && !finder->ended &&
           finder->run.time[finder->at] <= time_ns) {
        row_take(finder, finder->at++);
    }
    return rc;
}

/* ---- One moment ---- */

/* Reads on to `time_ns`, or anew from where its row can be at the earliest. */
static int finder_seek(struct finder *finder, int64_t time_ns, struct err *err) {
    int64_t end_ns = time_ns < INT64_MAX ? time_ns + 1 : time_ns;
    bool back = false;
    for (;;) {
        int64_t from_ns = 0;
        int rc = before_window(finder->view, finder->tag, end_ns, BEFORE_GOOD, &from_ns, err);
        if (rc < 0 || (rc == 0 && (back || !finder->opened))) {
            return rc; // 0: no row so far is good.
        }
        bool skips = !finder->opened || (!finder->ended && finder->at < finder->run.count &&
                                            from_ns > finder->run.time[finder->at]);
        if (rc > 0 && (back || skips)) {
            rc = finder_open(finder, from_ns, err);
        }
        if (rc >= 0) {
            rc = finder_advance(finder, time_ns, err);
        }
        if (rc < 0 || finder->good.has) {
            return rc;
        }
        end_ns = finder->from_ns; // Other versions outrank what is good there: before it.
        back = true;
    }
}

static struct hist_moment moment_of(const struct finder *finder, int64_t time_ns) {
    struct hist_moment moment = {.text = STR_NONE};
    if (finder->opened && finder->good.has) {
        moment = finder->moment;
        moment.interrupted = finder->interrupted;
    }
    moment.time_ns = time_ns;
    bool between = finder->interpolation == HIST_LINEAR && moment.has_value &&
                   !moment.interrupted && finder->good.usable && moment.type != TYPE_BOOL &&
                   moment.value_ns < time_ns && !finder->ended;
    struct point next = {.usable = false};
    if (between) {
        next = point_of(&finder->run, finder->at);
    }
    if (next.usable && next.type != TYPE_BOOL) {
        moment.f64 = point_between(&finder->good, &next, time_ns);
        moment.type = TYPE_F64;
        moment.i64 = 0;
        moment.interpolated = true;
    }
    return moment;
}

/* ---- All moments of a tag ---- */

static int wanted_order(const void *left, const void *right) {
    const struct wanted *a = left;
    const struct wanted *b = right;
    return a->time_ns < b->time_ns ? -1 : a->time_ns > b->time_ns;
}

static int tag_moments(struct finder *finder, const struct wanted *wanted, uint32_t count,
    struct hist_moment *moments, struct arena *texts, struct err *err) {
    int rc = 0;
    for (uint32_t i = 0; i < count && rc >= 0; i++) {
        rc = finder_seek(finder, wanted[i].time_ns, err);
        if (rc >= 0) {
            struct hist_moment *moment = &moments[wanted[i].index];
            *moment = moment_of(finder, wanted[i].time_ns);
            moment->text = moment->text.size > 0 ? arena_copy(texts, moment->text) : STR_NONE;
        }
    }
    return rc;
}

int hist_moments(struct historian *historian, const struct hist_moment_query *query,
    int (*each)(void *context, uint32_t tag, const struct hist_moment *moment, struct err *err),
    void *context, struct err *err) {
    if (query->time_count > HIST_MOMENTS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_MOMENTS_MANY, ARGS(A_INT(HIST_MOMENTS_MAX)));
    }
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    AUTO_ARENA struct arena texts;
    arena_init(&texts, 0);
    struct hist_moment *moments = ARENA_ARRAY(&arena, struct hist_moment, query->time_count + 1);
    struct wanted *wanted = ARENA_ARRAY(&arena, struct wanted, query->time_count + 1);
    for (uint32_t i = 0; i < query->time_count; i++) {
        wanted[i] = (struct wanted){.time_ns = query->times_ns[i], .index = i};
    }
    qsort(wanted, query->time_count, sizeof *wanted, wanted_order);
    struct view *view = store_view(historian);
    int rc = 0;
    for (uint32_t t = 0; t < query->tag_count && rc >= 0; t++) {
        struct finder finder = {
            .view = view, .tag = query->tags[t], .interpolation = query->interpolation};
        buf_init(&finder.text, LIMIT_TEXT_VALUE_BYTES);
        rc = tag_moments(&finder, wanted, query->time_count, moments, &texts, err);
        for (uint32_t i = 0; i < query->time_count && rc >= 0; i++) {
            rc = each(context, query->tags[t], &moments[i], err);
        }
        finder_close(&finder);
        buf_fini(&finder.text);
        arena_reset(&texts);
    }
    view_unref(view);
    return rc < 0 ? rc : 0;
}
