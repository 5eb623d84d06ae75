/*
 * POST /write: line protocol in, 204 once durable.
 *
 * The whole body is parsed before anything is stored, because a bad line refuses all of it and the
 * answer names every bad line. Batches and the parser stay with the worker that used them: batches
 * for 8 times LIMIT_BATCH_ROWS rows at most, so that one large body does not hold memory for ever.
 * Unknown tags are made in one ledger transaction before the samples go to the pipeline; what is
 * answered with an error afterwards may leave new tags without values, never values without tags.
 *
 * A body of several batches that meets a full disk may have its first ones stored: undoing them
 * would need room as well. The answer says so, and the same body again doubles nothing.
 */
#include "serve/api_write.h"

#include "core/limits.h"
#include "plant/journal.h"
#include "serve/call.h"
#include "serve/server.h"
#include "wire/line_protocol.h"

enum {
    WRITE_ROWS_MAX = 2000000, // Of one body; 64 MB of rows.
    BATCHES_MAX = 512,
    BATCHES_KEPT = 8,
    TEXT_BYTES = LIMIT_BATCH_TEXT_BYTES,
    LINE_BYTES_GUESS = 32, // A first batch is sized for lines of this length.
};

struct write_scratch {
    struct line_parser *parser;
    struct batch *batches[BATCHES_MAX];
    uint32_t batch_count; // Allocated.
    uint32_t used;
};

/* One request on its way. */
struct writing {
    struct write_scratch *scratch;
    struct catalogue *catalogue;
    struct plant *plant;
    uint32_t rows_wanted; // Of the next batch.
    uint64_t rows;        // Room in the batches begun.
    bool submitted;       // Could be read whole.
};

static struct write_scratch *scratch_of(struct call *call) {
    struct write_scratch **place = &call->server->write_scratch[call->http->worker];
    if (!*place) {
        *place = MEM_NEW(struct write_scratch);
        (*place)->parser = line_parser_new();
    }
    return *place;
}

static void scratch_shrink(struct write_scratch *scratch, uint32_t kept) {
    while (scratch->batch_count > kept) {
        batch_free(scratch->batches[--scratch->batch_count]);
    }
}

void write_scratch_free(struct write_scratch *scratch) {
    if (scratch) {
        scratch_shrink(scratch, 0);
        line_parser_free(scratch->parser);
        mem_free(scratch);
    }
}

/* ---- Parsing ---- */

static bool find_tag(void *context, struct str name, uint32_t *ret_tag, enum value_type *ret_type) {
    const struct writing *writing = context;
    const struct tag *tag = catalogue_find(writing->catalogue, name);
    if (!tag) {
        return false;
    }
    *ret_tag = tag->number;
    *ret_type = tag->type;
    return true;
}

static struct batch *next_batch(void *context) {
    struct writing *writing = context;
    struct write_scratch *scratch = writing->scratch;
    if (writing->rows >= WRITE_ROWS_MAX || scratch->used == BATCHES_MAX) {
        return NULL;
    }
    if (scratch->used == scratch->batch_count) {
        scratch->batches[scratch->batch_count++] = batch_new(writing->rows_wanted, TEXT_BYTES);
    }
    struct batch **place = &scratch->batches[scratch->used++];
    if ((*place)->capacity < writing->rows_wanted) { // Kept from a shorter body.
        batch_free(*place);
        *place = batch_new(writing->rows_wanted, TEXT_BYTES);
    }
    struct batch *batch = *place;
    batch_clear(batch);
    writing->rows += batch->capacity;
    return batch;
}

/* Answers 400 with the list of bad lines. */
static int refuse_lines(
    struct call *call, const struct line_parser *parser, int64_t bad, struct err *err) {
    const struct line_error *errors = NULL;
    uint32_t count = line_errors(parser, &errors);
    struct problem_line *lines =
        ARENA_ARRAY(&call->http->arena, struct problem_line, count > 0 ? count : 1);
    for (uint32_t i = 0; i < count; i++) {
        lines[i] = (struct problem_line){errors[i].line, errors[i].column, errors[i].err};
    }
    int rc = err_set(err, ERR_INVALID, MSG_SERVE_LINES_BAD, ARGS(A_INT(bad)));
    problem_answer(call->http, call->lang, 400, err, lines, count);
    call->answered = true;
    return rc;
}

static int64_t unit_of(const struct call *call) {
    struct str precision = STR("ns");
    (void)call_param(call, "precision", &precision); // Absent: ns.
    if (str_eq(precision, STR("s"))) {
        return NS_PER_S;
    }
    if (str_eq(precision, STR("ms"))) {
        return NS_PER_MS;
    }
    return str_eq(precision, STR("us")) ? NS_PER_US : 1;
}

/* ---- New tags ---- */

/* Makes the tags that are not there and puts their numbers into the rows. */
static int resolve_new(struct call *call, struct writing *writing, struct err *err) {
    struct line_parser *parser = writing->scratch->parser;
    uint32_t count = line_pending_count(parser);
    if (count == 0) {
        return 0;
    }
    struct arena *arena = &call->http->arena;
    struct str *names = ARENA_ARRAY(arena, struct str, count);
    enum value_type *types = ARENA_ARRAY(arena, enum value_type, count);
    uint32_t *numbers = ARENA_ARRAY(arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        struct line_series series = line_pending(parser, i);
        names[i] = series.name;
        types[i] = series.type;
    }
    uint32_t created = 0;
    int rc = plant_resolve_tags(writing->plant, names, types, count, numbers, &created, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(writing->plant);
    for (uint32_t i = 0; i < count; i++) {
        const struct tag *tag = catalogue_tag(catalogue, numbers[i]);
        if (!tag || tag->type != types[i]) { // Another request made it with another type meanwhile.
            return err_set(err, ERR_CONFLICT, MSG_SERVE_TAG_TYPE, ARGS(A_STR(names[i])));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        line_pending_set(parser, i, numbers[i]);
    }
    for (uint32_t b = 0; b < writing->scratch->used; b++) {
        struct batch *batch = writing->scratch->batches[b];
        for (uint32_t i = 0; i < batch->count; i++) {
            uint32_t tag = batch->rows[i].tag;
            batch->rows[i].tag = tag & LINE_PENDING ? numbers[tag & ~LINE_PENDING] : tag;
        }
    }
    return 0;
}

/* ---- The request ---- */

static int write_body(struct call *call, struct writing *writing, struct err *err) {
    struct str text = call->http->request.body;
    struct line_options options = {.unit_ns = unit_of(call),
        .now_ns = call->now_ns,
        .owner = writing->plant,
        .context = writing,
        .find = find_tag,
        .next = next_batch};
    size_t rows = text.size / LINE_BYTES_GUESS + 64;
    writing->rows_wanted = rows < LIMIT_BATCH_ROWS ? (uint32_t)rows : LIMIT_BATCH_ROWS;
    int64_t bad = line_parse(writing->scratch->parser, &options, text, err);
    if (bad == -ERR_LIMIT) {
        call->status = 413;
    }
    if (bad < 0) {
        return (int)bad;
    }
    if (bad > 0) {
        return refuse_lines(call, writing->scratch->parser, bad, err);
    }
    int rc = resolve_new(call, writing, err);
    if (rc >= 0 && writing->scratch->used > 0) {
        writing->submitted = true;
        rc = plant_submit(writing->plant, writing->scratch->batches, writing->scratch->used, err);
        if (rc < 0 && writing->scratch->used > 1) { // One batch is stored whole or not at all.
            (void)err_context(err, MSG_SERVE_WRITE_PART, NO_ARGS);
        }
    }
    return rc;
}

/* Into the plant's journal, with the first bad line's reason. What the plant refused it has noted
 * itself. */
static void note_refusal(const struct writing *writing, const struct err *err) {
    const struct line_error *errors = NULL;
    struct err what = *err;
    if (writing->submitted) {
        return;
    }
    if (line_errors(writing->scratch->parser, &errors) > 0) {
        what = errors[0].err;
        (void)err_context(&what, MSG_SERVE_WRITE_LINE, ARGS(A_INT(errors[0].line)));
        (void)err_context(&what, MSG_SERVE_WRITE_NOTHING, NO_ARGS);
    }
    journal_refuse(plant_journal(writing->plant), JOURNAL_SENDER, 0, 0, &what);
}

int api_write(struct call *call, struct err *err) {
    struct writing writing = {.scratch = scratch_of(call), .plant = call->plant};
    struct ingest_counts *ingest =
        &call->server->ingest[server_plant_index(call->server, writing.plant)];
    writing.catalogue = plant_catalogue(writing.plant);
    int rc = write_body(call, &writing, err);
    catalogue_unref(writing.catalogue);
    writing.scratch->used = 0;
    scratch_shrink(writing.scratch, BATCHES_KEPT);
    atomic_fetch_add(&ingest->requests, 1);
    if (rc < 0) {
        atomic_fetch_add(&ingest->refused, 1);
        note_refusal(&writing, err);
        return rc;
    }
    atomic_fetch_add(&ingest->rows, line_row_count(writing.scratch->parser));
    call_empty(call, 204);
    return 0;
}
