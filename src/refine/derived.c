/*
 * Derived tags at work.
 *
 * A node is a derived tag, an input is a tag that some node asks for; a tag may be both. Nodes
 * stand in topological order (Kahn 1962), so one walk over those whose inputs moved computes a
 * moment, inputs before what depends on them. Nodes in a circle, which a check before storing
 * refuses, are left out of the order and never computed.
 *
 * A batch's rows are taken in order of time. All rows of one moment are taken before anything is
 * computed for it, because one poll gives many inputs one time. A batch that touches no input costs
 * one look at a table for each row.
 *
 * An input keeps its newest row, the one before and, where a window asks, a ring of numbers no
 * longer than the longest window wants (16,384 rows at most). A window by time that the ring cannot
 * hold fails in words instead of giving an average over less. Texts are kept to
 * LIMIT_TEXT_VALUE_BYTES.
 *
 * Sums are made anew over the window for each result, newest row last: no error piles up, and the
 * result does not depend on how long the program has been running.
 *
 * The pipeline collects for the whole plant, so expressions may not eat its time. A run of more
 * than SLOW_RUN_US is slow. When slow runs have taken SLOW_MS in SLOW_WINDOW_S, expressions whose
 * last SLOW_RUNS runs were slow rest to the end of that window: their rows are bad and say why.
 * (Three runs, so that a busy computer does not make an ordinary expression rest.)
 */
#include "refine/derived.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/mem.h"
#include "refine/script.h"

enum { RING_MAX = 16384, NODES_MAX = 10000 };

/* What all slow runs together may take of the pipeline: a tenth of its time. */
enum { SLOW_RUN_US = 200, SLOW_RUNS = 3, SLOW_MS = 1000, SLOW_WINDOW_S = 10 };

struct moment {
    int64_t time_ns;
    double number;
};

struct known {
    struct sample row; // type 0: none.
    char *text;        // Of a text row; owned; NULL while never needed.
    uint32_t text_size;
};

struct input {
    uint32_t tag;
    struct str name; // Owned by the arena.
    uint32_t rows;   // Wanted.
    int64_t span_ns;
    struct known newest;
    struct known before;
    struct moment *ring; // NULL: no window. `capacity` is a power of two.
    uint32_t capacity;
    uint32_t first;
    uint32_t count;
    bool has_lost; // Rows left the ring for want of room; the newest of them at lost_ns.
    int64_t lost_ns;
    uint32_t *nodes; // That ask for it: places in `order`.
    uint32_t node_count;
};

struct node {
    uint32_t tag;
    enum value_type type;
    double min;
    double max;
    int script;
    bool is_ready; // Compiled.
    bool is_due;
    uint32_t slow_runs; // One after the other, up to now.
    uint32_t inputs[DERIVED_NEEDS_MAX];
    uint32_t input_count;
};

/* A row of the batch under way. */
struct place {
    int64_t time_ns;
    uint32_t row;
};

struct derived {
    const struct clock *clock;
    struct script *script;
    struct arena arena;
    struct input *inputs;
    uint32_t input_count;
    struct node *order; // Topological.
    uint32_t node_count;
    uint32_t *input_of; // By tag number; index + 1.
    uint32_t tag_count;
    struct place *places; // Grows with the batches.
    uint32_t place_capacity;
    uint32_t due_first;         // Smallest place that is due, to begin the walk.
    int64_t slow_since_mono_ns; // The window in which slow runs are summed.
    int64_t slow_ns;
    /* Of the run under way. */
    struct node *node;
    int64_t moment_ns; // Of the rows that came.
    int64_t now_ns;    // Of the result: the newest input.
    uint32_t worst;    // Status of the inputs that were asked.
    bool is_short;     // A window was longer than what is kept.
    struct derived_status status;
};

/* ---- Inputs ---- */

static void known_set(struct known *known, const struct sample *row, struct str text) {
    known->row = *row;
    known->text_size = 0;
    if (row->type != TYPE_TEXT) {
        return;
    }
    if (known->text == NULL) {
        known->text = mem_alloc(LIMIT_TEXT_VALUE_BYTES);
    }
    known->text_size =
        (uint32_t)(text.size < LIMIT_TEXT_VALUE_BYTES ? text.size : LIMIT_TEXT_VALUE_BYTES);
    if (known->text_size > 0) {
        memcpy(known->text, text.data, known->text_size);
    }
}

static struct moment *ring_at(const struct input *input, uint32_t i) {
    return &input->ring[(input->first + i) & (input->capacity - 1)];
}

static void ring_drop(struct input *input) {
    input->has_lost = true;
    input->lost_ns = ring_at(input, 0)->time_ns;
    input->first = (input->first + 1) & (input->capacity - 1);
    input->count--;
}

static void ring_grow(struct input *input) {
    struct moment *wider = MEM_ARRAY(struct moment, input->capacity * 2);
    for (uint32_t i = 0; i < input->count; i++) {
        wider[i] = *ring_at(input, i);
    }
    mem_free(input->ring);
    input->ring = wider;
    input->first = 0;
    input->capacity *= 2;
}

static void ring_add(struct input *input, int64_t time_ns, double number) {
    int64_t oldest_ns = time_ns - input->span_ns;
    while (input->count > 0 && input->count >= input->rows &&
           ring_at(input, 0)->time_ns <= oldest_ns) {
        ring_drop(input); // No window wants it.
        input->has_lost = false;
    }
    if (input->count == input->capacity && input->capacity < RING_MAX) {
        ring_grow(input);
    } else if (input->count == input->capacity) {
        ring_drop(input);
    }
    input->count++;
    *ring_at(input, input->count - 1) = (struct moment){time_ns, number};
}

static struct input *input_find(const struct derived *derived, uint32_t tag) {
    uint32_t index = tag <= derived->tag_count ? derived->input_of[tag] : 0;
    return index > 0 ? &derived->inputs[index - 1] : NULL;
}

/* Whether a row brings something about. */
static bool is_news(const struct input *input, const struct sample *row) {
    return (row->flags & (SAMPLE_DROP | SAMPLE_LATE | SAMPLE_CORRECTION)) == 0 &&
           (input->newest.row.type == 0 || row->time_ns >= input->newest.row.time_ns);
}

static void input_take(struct input *input, const struct sample *row, struct str text) {
    bool is_again = input->newest.row.type != 0 && input->newest.row.time_ns == row->time_ns;
    if (!is_again) { // Another version of one moment replaces it.
        struct known oldest = input->before;
        input->before = input->newest;
        input->newest = oldest; // Its memory is used again.
    }
    known_set(&input->newest, row, text);
    double number = sample_number(row);
    if (input->ring == NULL || status_quality(row->status) == QUALITY_BAD || isnan(number)) {
        return;
    }
    if (is_again && input->count > 0 && ring_at(input, input->count - 1)->time_ns == row->time_ns) {
        ring_at(input, input->count - 1)->number = number;
    } else {
        ring_add(input, row->time_ns, number);
    }
}

/* ---- Answers to an expression ---- */

static bool is_usable(const struct sample *row) {
    bool is_nan = row->type == TYPE_F64 && isnan(row->value.f64);
    return row->type != 0 && status_quality(row->status) != QUALITY_BAD && !is_nan;
}

static struct script_value value_of(const struct known *known) {
    struct script_value value = {.text = STR_NONE};
    switch (known->row.type) {
    case TYPE_F64:
        value.kind = SCRIPT_REAL;
        value.real = known->row.value.f64;
        break;
    case TYPE_I64:
        value.kind = SCRIPT_WHOLE;
        value.whole = known->row.value.i64;
        break;
    case TYPE_BOOL:
        value.kind = SCRIPT_TRUTH;
        value.whole = known->row.value.i64;
        break;
    default:
        value.kind = SCRIPT_TEXT;
        value.text = (struct str){known->text, known->text_size};
        break;
    }
    return value;
}

static void note_quality(struct derived *derived, const struct sample *row) {
    if (status_quality(row->status) == QUALITY_UNCERTAIN) {
        derived->worst = (uint32_t)STATUS_UNCERTAIN;
    }
}

static enum script_reply give_value(
    struct derived *derived, const struct known *known, struct script_value *ret_value) {
    if (!is_usable(&known->row)) {
        return REPLY_BAD;
    }
    note_quality(derived, &known->row);
    *ret_value = value_of(known);
    return REPLY_VALUE;
}

static enum script_reply give_window(struct derived *derived, const struct input *input,
    const struct script_ask *ask, struct script_value *ret_value) {
    bool is_wanted = ask->by_rows
                         ? ask->size >= 1 && ask->size <= (double)input->rows
                         : ask->size > 0 && ask->size * (double)NS_PER_S <= (double)input->span_ns;
    if (input->ring == NULL || !is_wanted) {
        return REPLY_UNKNOWN; // Not the size that stands in the expression.
    }
    uint32_t rows = ask->by_rows ? (uint32_t)ask->size : UINT32_MAX;
    int64_t oldest_ns =
        ask->by_rows ? INT64_MIN : derived->now_ns - (int64_t)(ask->size * (double)NS_PER_S);
    double sum = 0;
    double least = (double)INFINITY;
    double most = -(double)INFINITY;
    uint32_t count = 0;
    for (uint32_t i = input->count; i > 0 && count < rows; i--) {
        const struct moment *moment = ring_at(input, i - 1);
        if (moment->time_ns <= oldest_ns) {
            break;
        }
        sum += moment->number;
        least = moment->number < least ? moment->number : least;
        most = moment->number > most ? moment->number : most;
        count++;
    }
    derived->is_short = derived->is_short || (!ask->by_rows && count == input->count &&
                                                 input->has_lost && input->lost_ns > oldest_ns);
    if (count == 0) {
        return REPLY_BAD;
    }
    note_quality(derived, &input->newest.row);
    ret_value->kind = SCRIPT_REAL;
    ret_value->real = ask->question == ASK_SUM       ? sum
                      : ask->question == ASK_AVERAGE ? sum / (double)count
                      : ask->question == ASK_MINIMUM ? least
                                                     : most;
    return REPLY_VALUE;
}

static const struct input *find_need(const struct derived *derived, struct str name) {
    for (uint32_t i = 0; i < derived->node->input_count; i++) {
        const struct input *input = &derived->inputs[derived->node->inputs[i]];
        if (str_eq(input->name, name)) {
            return input;
        }
    }
    return NULL;
}

static enum script_reply answer(
    void *context, const struct script_ask *ask, struct script_value *ret_value) {
    struct derived *derived = context;
    if (ask->question == ASK_TIME) {
        ret_value->kind = SCRIPT_REAL;
        ret_value->real = (double)derived->now_ns / (double)NS_PER_S;
        return REPLY_VALUE;
    }
    const struct input *input = find_need(derived, ask->name);
    if (input == NULL) {
        return REPLY_UNKNOWN;
    }
    switch (ask->question) {
    case ASK_VALUE: return give_value(derived, &input->newest, ret_value);
    case ASK_PREVIOUS: return give_value(derived, &input->before, ret_value);
    case ASK_GOOD:
        ret_value->kind = SCRIPT_TRUTH;
        ret_value->whole = is_usable(&input->newest.row);
        return REPLY_VALUE;
    case ASK_AGE:
        if (input->newest.row.type == 0) {
            return REPLY_BAD;
        }
        ret_value->kind = SCRIPT_REAL;
        ret_value->real = (double)(derived->now_ns - input->newest.row.time_ns) / (double)NS_PER_S;
        return REPLY_VALUE;
    case ASK_SUM:
    case ASK_AVERAGE:
    case ASK_MINIMUM:
    case ASK_MAXIMUM: return give_window(derived, input, ask, ret_value);
    case ASK_TIME: break;
    }
    return REPLY_UNKNOWN;
}

/* ---- Results ---- */

/* Puts the result into the row as the tag's type; false when it does not fit. */
static bool take_result(const struct script_value *value, struct batch *batch, struct sample *row) {
    static const double LIMIT = 9223372036854775808.0; // 2^63.
    bool is_whole = value->kind == SCRIPT_REAL && rint(value->real) == value->real &&
                    value->real >= -LIMIT && value->real < LIMIT;
    switch (row->type) {
    case TYPE_F64:
        row->value.f64 = value->kind == SCRIPT_REAL ? value->real : (double)value->whole;
        return value->kind == SCRIPT_REAL || value->kind == SCRIPT_WHOLE;
    case TYPE_I64:
        row->value.i64 = is_whole ? (int64_t)value->real : value->whole;
        return is_whole || value->kind == SCRIPT_WHOLE;
    case TYPE_BOOL: row->value.i64 = value->whole != 0; return value->kind == SCRIPT_TRUTH;
    default: break;
    }
    row->value.text.offset = batch->text_size;
    if (value->kind != SCRIPT_TEXT || value->text.size > LIMIT_TEXT_VALUE_BYTES ||
        !str_is_utf8(value->text, NULL)) {
        return false;
    }
    if (value->text.size > 0) {
        memcpy(batch->text + batch->text_size, value->text.data, value->text.size);
    }
    row->value.text.size = (uint32_t)value->text.size;
    batch->text_size += (uint32_t)value->text.size;
    return true;
}

static void clear_value(struct sample *row) {
    row->value.i64 = 0;
    if (row->type == TYPE_F64) {
        row->value.f64 = (double)NAN;
    }
}

static bool is_outside(const struct node *node, const struct sample *row) {
    double number = row->type == TYPE_TEXT ? (double)NAN : sample_number(row);
    return number < node->min || number > node->max;
}

/* Whether the batch has room for one more row with the longest text. */
static bool make_room(struct batch *batch) {
    if (batch->count >= LIMIT_BATCH_MADE_ROWS ||
        batch->text_size > LIMIT_BATCH_MADE_TEXT_BYTES - LIMIT_TEXT_VALUE_BYTES) {
        return false;
    }
    bool is_full = batch->count == batch->capacity ||
                   batch->text_capacity - batch->text_size < LIMIT_TEXT_VALUE_BYTES;
    if (is_full) { // In steps that grow, so that a batch is moved a few times at most.
        uint64_t rows = batch->count / 2 + 64;
        uint64_t most = LIMIT_BATCH_MADE_ROWS - (uint64_t)batch->count;
        uint64_t bytes = batch->text_size / 2 + 4ULL * LIMIT_TEXT_VALUE_BYTES;
        uint64_t most_bytes = LIMIT_BATCH_MADE_TEXT_BYTES - (uint64_t)batch->text_size;
        batch_reserve(batch, rows < most ? rows : most, bytes < most_bytes ? bytes : most_bytes);
    }
    return true;
}

/* Keeps why a result failed; a bad input is no failure. */
static void note_failure(
    struct derived *derived, const struct node *node, int status, const struct err *err) {
    if (status == 0) {
        return;
    }
    derived->status.failed++;
    derived->status.failed_tag = node->tag;
    derived->status.error = *err;
    if (err->code == ERR_OK) {
        (void)err_set(&derived->status.error, ERR_TYPE, MSG_DERIVED_RESULT,
            ARGS(A_CSTR(value_type_name(node->type))));
    }
}

static bool must_rest(struct derived *derived, const struct node *node, int64_t mono_ns) {
    if (mono_ns - derived->slow_since_mono_ns >= SLOW_WINDOW_S * NS_PER_S) {
        derived->slow_since_mono_ns = mono_ns;
        derived->slow_ns = 0;
    }
    return node->slow_runs >= SLOW_RUNS && derived->slow_ns >= SLOW_MS * NS_PER_MS;
}

/* As script_run, within the time that slow expressions have. */
static int run_node(
    struct derived *derived, struct node *node, struct script_value *ret_value, struct err *err) {
    const struct script_world world = {.context = derived, .answer = answer};
    int64_t begun_ns = clock_mono_ns(derived->clock);
    if (must_rest(derived, node, begun_ns)) {
        return err_set(
            err, ERR_LIMIT, MSG_DERIVED_RESTS, ARGS(A_INT(SLOW_MS), A_INT(SLOW_WINDOW_S)));
    }
    int status = script_run(derived->script, node->script, &world, ret_value, err);
    int64_t spent_ns = clock_mono_ns(derived->clock) - begun_ns;
    bool is_slow = spent_ns > SLOW_RUN_US * NS_PER_US;
    derived->slow_ns += is_slow ? spent_ns : 0;
    node->slow_runs = is_slow ? node->slow_runs + 1 : 0;
    return status;
}

/* Computes a node at this moment and adds its row. Returns the row, or NULL: none. */
static struct sample *compute(struct derived *derived, struct node *node, struct batch *batch) {
    if (!make_room(batch)) {
        derived->status.left_out++;
        return NULL;
    }
    struct script_value value = {.kind = SCRIPT_NIL};
    derived->node = node;
    derived->now_ns = derived->moment_ns;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct sample *newest = &derived->inputs[node->inputs[i]].newest.row;
        bool is_newer = newest->type != 0 && newest->time_ns > derived->now_ns;
        derived->now_ns = is_newer ? newest->time_ns : derived->now_ns;
    }
    derived->worst = 0;
    derived->is_short = false;
    struct err err = ERR_INIT;
    int status = node->is_ready ? run_node(derived, node, &value, &err) : -ERR_INVALID;
    if (status > 0 && value.kind == SCRIPT_NIL && !derived->is_short) {
        return NULL; // Nothing to say at present.
    }
    struct sample *row = batch_add(batch);
    CHECK(row != NULL);
    row->tag = node->tag;
    row->type = (uint8_t)node->type;
    row->time_ns = derived->now_ns;
    row->status = derived->worst;
    bool fits = status > 0 && !derived->is_short && take_result(&value, batch, row);
    if (!fits) {
        clear_value(row);
        row->status =
            status == 0 ? (uint32_t)STATUS_BAD_NO_DATA : (uint32_t)STATUS_BAD_CONFIGURATION;
        note_failure(derived, node, status, &err);
    } else if (is_outside(node, row)) {
        row->status = (uint32_t)STATUS_UNCERTAIN_ENGINEERING_UNITS_EXCEEDED;
    }
    batch->made++;
    derived->status.computed++;
    return row;
}

static void mark_due(struct derived *derived, const struct input *input) {
    for (uint32_t i = 0; i < input->node_count; i++) {
        uint32_t place = input->nodes[i];
        derived->order[place].is_due = true;
        derived->due_first = place < derived->due_first ? place : derived->due_first;
    }
}

/* Takes a row that is an input's; true when something became due. */
static bool take_row(struct derived *derived, const struct sample *row, struct str text) {
    struct input *input = input_find(derived, row->tag);
    if (input == NULL || !is_news(input, row)) {
        return false;
    }
    input_take(input, row, text);
    mark_due(derived, input);
    return true;
}

static struct str text_of(const struct batch *batch, const struct sample *row) {
    return row->type == TYPE_TEXT ? batch_text(batch, row) : STR_NONE;
}

static uint32_t compute_moment(struct derived *derived, struct batch *batch) {
    uint32_t added = 0;
    for (uint32_t i = derived->due_first; i < derived->node_count; i++) {
        struct node *node = &derived->order[i];
        if (!node->is_due) {
            continue;
        }
        node->is_due = false;
        const struct sample *row = compute(derived, node, batch);
        if (row != NULL) {
            added++;
            (void)take_row(derived, row, text_of(batch, row)); // Only later places become due.
        }
    }
    derived->due_first = derived->node_count;
    return added;
}

static int compare_places(const void *a, const void *b) {
    const struct place *x = a;
    const struct place *y = b;
    int by_time = (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
    return by_time != 0 ? by_time : (x->row > y->row) - (x->row < y->row);
}

uint32_t derived_run(struct derived *derived, struct batch *batch) {
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        wanted += input_find(derived, batch->rows[i].tag) != NULL;
    }
    if (wanted == 0) {
        return 0;
    }
    if (wanted > derived->place_capacity) {
        derived->place_capacity = wanted + wanted / 2;
        derived->places =
            mem_resize(derived->places, derived->place_capacity * sizeof(struct place));
    }
    struct place *places = derived->places;
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (input_find(derived, batch->rows[i].tag) != NULL) {
            places[count++] = (struct place){batch->rows[i].time_ns, i};
        }
    }
    qsort(places, count, sizeof *places, compare_places);
    uint32_t added = 0;
    for (uint32_t i = 0; i < count;) {
        bool is_due = false;
        derived->moment_ns = places[i].time_ns;
        for (; i < count && places[i].time_ns == derived->moment_ns; i++) {
            const struct sample *row = &batch->rows[places[i].row];
            is_due = take_row(derived, row, text_of(batch, row)) || is_due;
        }
        added += is_due ? compute_moment(derived, batch) : 0;
    }
    return added;
}

/* ---- Making ---- */

static uint32_t input_put(
    struct derived *derived, const struct catalogue *catalogue, const struct derived_need *need) {
    const struct tag *tag = catalogue_find(catalogue, need->name);
    if (tag == NULL) {
        return UINT32_MAX;
    }
    uint32_t index = derived->input_of[tag->number];
    if (index == 0) {
        derived->inputs[derived->input_count] = (struct input){
            .tag = tag->number, .name = arena_copy(&derived->arena, tag->name), .rows = 2};
        index = ++derived->input_count;
        derived->input_of[tag->number] = index;
    }
    struct input *input = &derived->inputs[index - 1];
    input->rows = need->rows > input->rows ? need->rows : input->rows;
    input->span_ns = need->span_ns > input->span_ns ? need->span_ns : input->span_ns;
    if (input->ring == NULL && (input->span_ns > 0 || input->rows > 2)) {
        input->capacity = 64;
        input->ring = MEM_ARRAY(struct moment, input->capacity);
    }
    return index - 1;
}

/* Reads the nodes in the catalogue's order; a node that cannot work is kept and gives bad rows. */
static void read_nodes(
    struct derived *derived, const struct catalogue *catalogue, struct node *nodes) {
    for (uint32_t i = 0; i < catalogue->tag_count && derived->node_count < NODES_MAX; i++) {
        const struct tag *tag = &catalogue->tags[i];
        struct derived_need needs[DERIVED_NEEDS_MAX];
        if (!tag->active || !derived_is(tag)) {
            continue;
        }
        struct node *node = &nodes[derived->node_count++];
        *node =
            (struct node){.tag = tag->number, .type = tag->type, .min = tag->min, .max = tag->max};
        struct str source = str_trim(tag->source);
        node->is_ready = script_compile(derived->script, str_slice(source, 1, source.size),
                             &node->script, NULL) >= 0;
        int count = derived_needs(tag->source, needs, NULL);
        for (int k = 0; k < count; k++) {
            uint32_t input = input_put(derived, catalogue, &needs[k]);
            if (input != UINT32_MAX) {
                node->inputs[node->input_count++] = input;
            }
        }
    }
}

/* Whether all inputs of a node that are nodes themselves stand in the order already. */
static bool may_follow(const struct derived *derived, const struct node *node,
    const bool *is_placed_tag, const bool *is_node_tag) {
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t tag = derived->inputs[node->inputs[i]].tag;
        if (is_node_tag[tag] && !is_placed_tag[tag]) {
            return false;
        }
    }
    return true;
}

/* Rounds over what is left: as many as the longest chain. */
static void put_in_order(struct derived *derived, const struct node *nodes) {
    AUTO_FREE bool *is_placed = MEM_ARRAY(bool, derived->tag_count + 1);
    AUTO_FREE bool *is_node = MEM_ARRAY(bool, derived->tag_count + 1);
    uint32_t placed = 0;
    for (uint32_t i = 0; i < derived->node_count; i++) {
        is_node[nodes[i].tag] = true;
    }
    for (uint32_t before = UINT32_MAX; placed != before;) {
        before = placed;
        for (uint32_t i = 0; i < derived->node_count; i++) {
            if (!is_placed[nodes[i].tag] && may_follow(derived, &nodes[i], is_placed, is_node)) {
                derived->order[placed++] = nodes[i];
                is_placed[nodes[i].tag] = true;
            }
        }
    }
    derived->node_count = placed;
}

static void link_inputs(struct derived *derived) {
    for (uint32_t pass = 0; pass < 2; pass++) { // Count, then fill.
        for (uint32_t i = 0; i < derived->node_count; i++) {
            for (uint32_t k = 0; k < derived->order[i].input_count; k++) {
                struct input *input = &derived->inputs[derived->order[i].inputs[k]];
                if (pass == 1) {
                    input->nodes[input->node_count] = i;
                }
                input->node_count++;
            }
        }
        for (uint32_t i = 0; pass == 0 && i < derived->input_count; i++) {
            struct input *input = &derived->inputs[i];
            input->nodes = ARENA_ARRAY(&derived->arena, uint32_t, input->node_count);
            input->node_count = 0;
        }
    }
}

struct derived *derived_new(const struct catalogue *catalogue, const struct clock *clock) {
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        nodes += catalogue->tags[i].active && derived_is(&catalogue->tags[i]);
    }
    if (nodes == 0) {
        return NULL;
    }
    struct derived *derived = MEM_NEW(struct derived);
    nodes = nodes < NODES_MAX ? nodes : NODES_MAX;
    arena_init(&derived->arena, 0);
    derived->clock = clock;
    derived->script = script_new(clock);
    derived->tag_count = catalogue->tag_count;
    derived->input_of = MEM_ARRAY(uint32_t, catalogue->tag_count + 1);
    uint64_t inputs = (uint64_t)nodes * DERIVED_NEEDS_MAX;
    inputs = inputs < catalogue->tag_count ? inputs : catalogue->tag_count;
    derived->inputs = MEM_ARRAY(struct input, inputs + 1);
    derived->order = MEM_ARRAY(struct node, nodes);
    AUTO_FREE struct node *unordered = MEM_ARRAY(struct node, nodes);
    read_nodes(derived, catalogue, unordered);
    put_in_order(derived, unordered);
    link_inputs(derived);
    derived->due_first = derived->node_count;
    derived->status.tags = derived->node_count;
    return derived;
}

void derived_free(struct derived *derived) {
    if (derived == NULL) {
        return;
    }
    for (uint32_t i = 0; i < derived->input_count; i++) {
        mem_free(derived->inputs[i].newest.text);
        mem_free(derived->inputs[i].before.text);
        mem_free(derived->inputs[i].ring);
    }
    script_free(derived->script);
    arena_fini(&derived->arena);
    mem_free(derived->inputs);
    mem_free(derived->order);
    mem_free(derived->input_of);
    mem_free(derived->places);
    mem_free(derived);
}

bool derived_input(const struct derived *derived, uint32_t index, uint32_t *ret_tag,
    uint32_t *ret_rows, int64_t *ret_span_ns) {
    if (index >= derived->input_count) {
        return false;
    }
    *ret_tag = derived->inputs[index].tag;
    *ret_rows = derived->inputs[index].rows;
    *ret_span_ns = derived->inputs[index].span_ns;
    return true;
}

void derived_feed(struct derived *derived, const struct sample *row, struct str text) {
    struct input *input = input_find(derived, row->tag);
    if (input != NULL && is_news(input, row)) {
        input_take(input, row, text);
    }
}

void derived_status(const struct derived *derived, struct derived_status *ret_status) {
    *ret_status = derived->status;
}
