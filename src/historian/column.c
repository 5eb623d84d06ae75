/*
 * Integer columns.
 *
 * Times, decimals, counters, states, status codes and statistics all end here as 64-bit integers.
 * Three steps, each of which keeps every bit:
 *
 * 1. Predict: nothing, the value before (delta), or the value `lag` rows before. Machines repeat
 *    themselves: a press's pressure one cycle ago is a far better guess than a second ago (on a
 *    wave of 100 bar with 0.01 bar steps: 4 bits a value instead of 13).
 * 2. Shift: either the smallest residual is taken off (offset), or signs are folded (zigzag), and a
 *    common divisor is taken out (milliseconds in a nanosecond column).
 * 3. Write: runs (value, length); bits, `width` a value, with the few that do not fit as patches;
 * or byte planes through zstd, where the distribution is uneven enough to pay (a residual that is
 *    0, 1 or -1 most of the time costs 1.9 bits there and 3 as plain bits).
 *
 * A column that is constant or has a constant step is a handful of bytes. Which form is smallest is
 * estimated from bit lengths and byte histograms, never tried: trying costs more than it finds.
 */
#include "historian/column.h"

#include <math.h>

#include "core/check.h"
#include "core/mem.h"
#include "historian/kernels.h"
#include "historian/squeeze.h"

enum form { FORM_CONST = 0, FORM_STEP = 1, FORM_RUNS = 2, FORM_BITS = 3, FORM_PLANES = 4 };
enum fold { FOLD_OFFSET = 0, FOLD_ZIGZAG = 1 };

enum {
    RUNS_CLEARLY = 64, // Values a run from which on nothing beats runs of steps.
    LAG_MAX = 64,
    LAG_SAMPLE = 256, // Residuals looked at per lag.
    LAG_ROWS_MIN = 512,
    PATCHES_MAX = BLOCK_ROWS_MAX / 16,
    UNIT_ZEROS_MIN = 3,   // Low zero bits that make a common divisor worth looking for.
    PLANES_GAIN_BITS = 2, // Bits a value (or two fifths) that planes must save: reading them costs.
    SLACK = 8,            // Bytes that the bit reader may look beyond.
};

void codec_init(struct codec *codec) {
    *codec = (struct codec){0};
}

void codec_prepare(struct codec *codec) {
    if (codec->work != NULL) {
        return;
    }
    codec->squeeze = squeeze_new();
    codec->work = mem_alloc(BLOCK_ROWS_MAX * sizeof(uint64_t));
    codec->spare = mem_alloc(BLOCK_ROWS_MAX * sizeof(uint64_t));
    codec->exponents = mem_alloc(BLOCK_ROWS_MAX * sizeof(uint64_t));
    codec->planes = mem_alloc(BLOCK_ROWS_MAX * sizeof(uint64_t) + SLACK);
}

void codec_fini(struct codec *codec) {
    squeeze_free(codec->squeeze);
    mem_free(codec->work);
    mem_free(codec->spare);
    mem_free(codec->exponents);
    mem_free(codec->planes);
    codec_init(codec);
}

/* ---- Choosing ---- */

struct plan {
    uint32_t lag; // 0: no prediction; 1: the value before.
    enum fold fold;
    uint64_t base; // Taken off with FOLD_OFFSET.
    uint64_t unit;
    uint32_t width;
    uint32_t patches;
    uint64_t bits; // Estimated size.
    uint32_t runs;
};

/* Sum of the bit lengths of the residuals against the value `lag` rows before. */
HOT_LOOP static uint64_t lag_cost(const bits64 *values, uint32_t from, uint32_t to, uint32_t lag) {
    uint64_t cost = 0;
    for (uint32_t i = from; i < to; i++) {
        cost += bit_length(zigzag_of((int64_t)(values[i] - values[i - lag])));
    }
    return cost;
}

/* The lag with the smallest residuals, from a sample in the middle. */
static uint32_t best_lag(const bits64 *values, uint32_t count) {
    if (count < LAG_ROWS_MIN) {
        return 1;
    }
    uint32_t from = (count - LAG_SAMPLE) / 2;
    uint64_t plain = lag_cost(values, from, from + LAG_SAMPLE, 1);
    if (plain < 3 * LAG_SAMPLE) {
        return 1; // Small steps already.
    }
    uint32_t best = 1;
    uint64_t least = plain - plain / 8; // A longer lag has to pay.
    for (uint32_t lag = 2; lag <= LAG_MAX; lag++) {
        uint64_t cost = lag_cost(values, from, from + LAG_SAMPLE, lag);
        if (cost < least) {
            least = cost;
            best = lag;
        }
    }
    return best;
}

/* Residuals of the rows behind the first `lag`; returns how many. */
HOT_LOOP static uint32_t residuals(
    const bits64 *values, uint32_t count, uint32_t lag, uint64_t *ret_residuals) {
    if (lag == 0) {
        memcpy(ret_residuals, values, count * sizeof *ret_residuals);
        return count;
    }
    for (uint32_t i = lag; i < count; i++) {
        ret_residuals[i - lag] = values[i] - values[i - lag];
    }
    return count - lag;
}

static uint64_t divisor_of(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* A common divisor of all (values - base); 1 when there is none worth having. */
static uint64_t common_unit(const uint64_t *values, uint32_t count, uint64_t base) {
    uint64_t any = 0;
    for (uint32_t i = 0; i < count; i++) {
        any |= values[i] - base;
    }
    if (any == 0 || __builtin_ctzll(any) < UNIT_ZEROS_MIN) {
        return 1;
    }
    uint64_t unit = 0;
    for (uint32_t i = 0; i < count && unit != 1; i++) {
        uint64_t value = values[i] - base;
        if (unit == 0 || value % unit != 0) {
            unit = divisor_of(value, unit);
        }
    }
    return unit > 0 ? unit : 1;
}

/* How many values have each bit length. In lanes, since neighbours mostly have the same: counting
 * each on the one before would wait for memory. */
enum { LANES = 4 };
struct lengths {
    uint32_t seen[LANES][65];
};

/* Bits a value, and patches, that make `count` values of these bit lengths smallest. */
static void choose_width(const struct lengths *lengths, uint32_t count, struct plan *plan) {
    uint32_t beyond = 0; // Values longer than `width`.
    plan->bits = UINT64_MAX;
    for (uint32_t width = 64;; width--) {
        uint64_t bits = (uint64_t)width * count + (uint64_t)beyond * (16 + 64 - width);
        if (bits < plan->bits && beyond <= PATCHES_MAX) {
            plan->bits = bits;
            plan->width = width;
            plan->patches = beyond;
        }
        for (uint32_t lane = 0; lane < LANES; lane++) {
            beyond += lengths->seen[lane][width];
        }
        if (width == 0) {
            return;
        }
    }
}

/* Looks at the residuals in both foldings and plans the smaller one. */
HOT_LOOP static void plan_fold(const uint64_t *values, uint32_t count, struct plan *plan) {
    uint64_t low = values[0];
    uint32_t runs = 1;
    for (uint32_t i = 1; i < count; i++) {
        low = (int64_t)values[i] < (int64_t)low ? values[i] : low;
        runs += values[i] != values[i - 1];
    }
    struct plan offset = {.lag = plan->lag, .fold = FOLD_OFFSET, .base = low, .runs = runs};
    struct plan folded = {.lag = plan->lag, .fold = FOLD_ZIGZAG, .unit = 1, .runs = runs};
    offset.unit = common_unit(values, count, low);
    struct lengths offset_lengths = {0};
    struct lengths folded_lengths = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t beyond = values[i] - low;
        offset_lengths
            .seen[i % LANES][bit_length(offset.unit > 1 ? beyond / offset.unit : beyond)]++;
        folded_lengths.seen[i % LANES][bit_length(zigzag_of((int64_t)values[i]))]++;
    }
    choose_width(&offset_lengths, count, &offset);
    choose_width(&folded_lengths, count, &folded);
    *plan = folded.bits < offset.bits ? folded : offset;
}

HOT_LOOP static void fold_values(const struct plan *plan, uint64_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        values[i] = plan->fold == FOLD_ZIGZAG ? zigzag_of((int64_t)values[i])
                    : plan->unit == 1         ? values[i] - plan->base
                                              : (values[i] - plan->base) / plan->unit;
    }
}

HOT_LOOP static void unfold_values(
    enum fold fold, uint64_t base, uint64_t unit, uint64_t *values, uint32_t count) {
    if (fold == FOLD_ZIGZAG) {
        for (uint32_t i = 0; i < count; i++) {
            values[i] = (uint64_t)zigzag_back(values[i]);
        }
    } else if (unit == 1) {
        for (uint32_t i = 0; i < count && base != 0; i++) {
            values[i] += base;
        }
    } else {
        for (uint32_t i = 0; i < count; i++) {
            values[i] = values[i] * unit + base;
        }
    }
}

/* ---- Bits ---- */

static size_t bits_size(uint32_t width, uint32_t count) {
    return ((size_t)width * count + 7) / 8;
}

/* Writes the low `width` bits of each value; `to` has SLACK bytes of room behind. */
HOT_LOOP static void bits_put(const uint64_t *values, uint32_t count, uint32_t width, uint8_t *to) {
    uint64_t hold = 0;
    uint32_t held = 0; // Bits in `hold`, below 64.
    uint64_t mask = width == 64 ? UINT64_MAX : (1ULL << width) - 1;
    for (uint32_t i = 0; i < count && width > 0; i++) {
        uint64_t value = values[i] & mask;
        hold |= value << held;
        held += width;
        if (held >= 64) {
            store_u64(to, hold);
            to += 8;
            held -= 64;
            hold = held > 0 ? value >> (width - held) : 0;
        }
    }
    store_u64(to, hold);
}

/* ---- Writing ---- */

static void put_head(
    struct buf *to, enum form form, const struct plan *plan, const bits64 *values) {
    write_u8(to, (uint8_t)form);
    write_u8(to, (uint8_t)plan->lag);
    uint64_t before = 0;
    for (uint32_t i = 0; i < plan->lag; i++) {
        write_zigzag(to, (int64_t)(values[i] - before));
        before = values[i];
    }
}

static void put_fold(struct buf *to, const struct plan *plan) {
    write_u8(to, (uint8_t)plan->fold);
    if (plan->fold == FOLD_OFFSET) {
        write_zigzag(to, (int64_t)plan->base);
        write_varint(to, plan->unit);
    }
}

/* Whether runs take fewer than `limit` bytes: of noise each value is a run, and a long one. */
static bool runs_are_less(const uint64_t *values, uint32_t count, uint64_t limit) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count && bytes < limit;) {
        uint32_t start = i;
        while (i < count && values[i] == values[start]) {
            i++;
        }
        uint32_t bits = bit_length(zigzag_of((int64_t)values[start]) | 1);
        bytes += (bits + 6) / 7 + (i - start < 128 ? 1 : 2);
    }
    return bytes < limit;
}

static void put_runs(struct buf *to, const uint64_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count;) {
        uint32_t start = i;
        while (i < count && values[i] == values[start]) {
            i++;
        }
        write_zigzag(to, (int64_t)values[start]);
        write_varint(to, i - start);
    }
}

static void put_bits(
    struct buf *to, const struct plan *plan, const uint64_t *values, uint32_t count) {
    put_fold(to, plan);
    write_u8(to, (uint8_t)plan->width);
    write_varint(to, plan->patches);
    uint32_t before = 0;
    for (uint32_t i = 0; i < count && plan->patches > 0; i++) {
        if (plan->width < 64 && values[i] >> plan->width != 0) {
            write_varint(to, i - before);
            write_varint(to, values[i] >> plan->width);
            before = i;
        }
    }
    size_t size = bits_size(plan->width, count);
    uint8_t *at = buf_reserve(to, size + SLACK);
    if (at != NULL) {
        bits_put(values, count, plan->width, at);
        buf_commit(to, size);
    }
}

/* Bits that an ideal entropy coder would need for the byte planes of the values. */
static uint64_t planes_entropy(const uint8_t *planes, uint32_t count, uint32_t plane_count) {
    double bits = 0;
    for (uint32_t plane = 0; plane < plane_count; plane++) {
        uint32_t seen[256] = {0};
        for (uint32_t i = 0; i < count; i++) {
            seen[planes[(size_t)plane * count + i]]++;
        }
        for (uint32_t i = 0; i < 256; i++) {
            if (seen[i] > 0) {
                bits -= seen[i] * (double)log2f((float)seen[i] / (float)count);
            }
        }
    }
    return (uint64_t)bits;
}

/* Tries byte planes; true when they were written because they are smaller than `limit` bytes. */
static bool put_planes(struct codec *codec, struct buf *to, const struct plan *plan,
    const uint64_t *values, uint32_t count, uint64_t limit) {
    uint64_t any = 0;
    for (uint32_t i = 0; i < count; i++) {
        any |= values[i];
    }
    uint32_t plane_count = (bit_length(any) + 7) / 8;
    for (uint32_t plane = 0; plane < plane_count; plane++) {
        uint8_t *bytes = codec->planes + (size_t)plane * count;
        for (uint32_t i = 0; i < count; i++) {
            bytes[i] = (uint8_t)(values[i] >> (8 * plane));
        }
    }
    uint64_t ideal = planes_entropy(codec->planes, count, plane_count) / 8 + 32;
    bool much = ideal + (uint64_t)count * PLANES_GAIN_BITS / 8 <= limit;
    if (!much && ideal * 5 > limit * 3) {
        return false;
    }
    size_t mark = to->size;
    put_fold(to, plan);
    write_u8(to, (uint8_t)plane_count);
    size_t size_at = to->size;
    write_u32_le(to, 0);
    uint8_t *at = limit > 64 ? buf_reserve(to, limit) : NULL;
    size_t packed = 0;
    if (at != NULL) {
        packed = squeeze_pack(
            codec->squeeze, codec->planes, (size_t)plane_count * count, at, limit - limit / 32);
    }
    if (packed == 0) {
        to->size = mark;
        return false;
    }
    patch_u32_le(to, size_at, (uint32_t)packed);
    buf_commit(to, packed);
    return true;
}

static bool values_have_step(const bits64 *values, uint32_t count) {
    uint64_t step = values[1] - values[0];
    for (uint32_t i = 2; i < count; i++) {
        if (values[i] - values[i - 1] != step) {
            return false;
        }
    }
    return true;
}

/* plan_fold without patches: the width of the longest value, from two reductions. */
HOT_LOOP static void plan_fold_draft(const uint64_t *values, uint32_t count, struct plan *plan) {
    int64_t low = (int64_t)values[0];
    int64_t high = low;
    uint64_t folded = 0;
    uint32_t runs = 1;
    for (uint32_t i = 0; i < count; i++) {
        int64_t value = (int64_t)values[i];
        low = value < low ? value : low;
        high = value > high ? value : high;
        folded |= zigzag_of(value);
    }
    for (uint32_t i = 1; i < count; i++) {
        runs += values[i] != values[i - 1];
    }
    uint64_t range = (uint64_t)high - (uint64_t)low;
    struct plan best = {.lag = plan->lag, .fold = FOLD_ZIGZAG, .unit = 1, .runs = runs};
    best.width = bit_length(folded);
    uint64_t unit = common_unit(values, count, (uint64_t)low);
    if (bit_length(range / unit) < best.width) {
        best.fold = FOLD_OFFSET;
        best.base = (uint64_t)low;
        best.unit = unit;
        best.width = bit_length(range / unit);
    }
    best.bits = (uint64_t)best.width * count;
    *plan = best;
}

/* The better one of the plain values and their steps; the residuals are left in codec->work. */
static uint32_t plan_draft(
    struct codec *codec, const bits64 *values, uint32_t count, struct plan *ret_plan) {
    struct plan plain = {.lag = 0};
    (void)residuals(values, count, 0, codec->work);
    plan_fold_draft(codec->work, count, &plain);
    struct plan steps = {.lag = 1};
    uint32_t left = residuals(values, count, 1, codec->work);
    plan_fold_draft(codec->work, left, &steps);
    bool better = steps.bits + 16 < plain.bits || steps.runs * 8 < plain.runs;
    *ret_plan = better ? steps : plain;
    return better ? left : residuals(values, count, 0, codec->work);
}

/* The prediction with the smallest residuals; they are left in codec->work. */
static uint32_t plan_column(
    struct codec *codec, const bits64 *values, uint32_t count, struct plan *ret_plan) {
    struct plan steps = {.lag = 1};
    uint32_t left = residuals(values, count, 1, codec->work);
    plan_fold(codec->work, left, &steps);
    steps.bits += 16;
    if ((uint64_t)steps.runs * RUNS_CLEARLY < left) {
        *ret_plan = steps; // Steady, with few breaks: nothing else comes near.
        return left;
    }
    struct plan best = {.lag = 0};
    plan_fold(values, count, &best);
    struct plan others[2] = {steps, {.lag = best_lag(values, count)}};
    for (uint32_t i = 0; i < 2; i++) {
        struct plan *plan = &others[i];
        if (i == 1) {
            if (plan->lag == 1 || count <= plan->lag + 1) {
                continue;
            }
            left = residuals(values, count, plan->lag, codec->work);
            plan_fold(codec->work, left, plan);
            plan->bits += (uint64_t)plan->lag * 16;
        }
        bool better = plan->bits < best.bits ||
                      (plan->bits == best.bits && plan->runs < best.runs) ||
                      plan->runs * 8 < best.runs;
        if (better) {
            best = *plan;
        }
    }
    *ret_plan = best;
    return residuals(values, count, best.lag, codec->work);
}

void column_put_ints(struct codec *codec, struct buf *to, const bits64 *values, uint32_t count) {
    CHECK(count <= BLOCK_ROWS_MAX);
    codec_prepare(codec);
    if (count == 0) {
        return;
    }
    if (count == 1 || values_have_step(values, count)) {
        uint64_t step = count > 1 ? values[1] - values[0] : 0;
        write_u8(to, (uint8_t)(step == 0 ? FORM_CONST : FORM_STEP));
        write_zigzag(to, (int64_t)values[0]);
        if (step != 0) {
            write_zigzag(to, (int64_t)step);
        }
        return;
    }
    struct plan plan;
    uint32_t left = codec->draft ? plan_draft(codec, values, count, &plan)
                                 : plan_column(codec, values, count, &plan);
    uint64_t bytes = plan.bits / 8 + 4;
    if ((uint64_t)plan.runs * 2 < bytes && runs_are_less(codec->work, left, bytes)) {
        put_head(to, FORM_RUNS, &plan, values);
        put_runs(to, codec->work, left);
        return;
    }
    fold_values(&plan, codec->work, left);
    size_t mark = to->size;
    put_head(to, FORM_PLANES, &plan, values);
    if (codec->draft || !put_planes(codec, to, &plan, codec->work, left, bytes)) {
        to->size = mark;
        put_head(to, FORM_BITS, &plan, values);
        put_bits(to, &plan, codec->work, left);
    }
}

/* ---- Reading ---- */

/* How the integers of a column were made small. */
struct folded {
    enum fold fold;
    uint64_t base;
    uint64_t unit;
};

static bool get_fold(struct reader *from, struct folded *ret_folded) {
    uint8_t fold = read_u8(from);
    *ret_folded = (struct folded){.fold = (enum fold)fold, .unit = 1};
    if (fold == FOLD_OFFSET) {
        ret_folded->base = (uint64_t)read_zigzag(from);
        ret_folded->unit = read_varint(from);
    }
    return !from->failed && fold <= FOLD_ZIGZAG;
}

static bool get_runs(struct reader *from, uint64_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count;) {
        uint64_t value = (uint64_t)read_zigzag(from);
        uint64_t length = read_varint(from);
        if (from->failed || length == 0 || length > count - i) {
            return false;
        }
        for (uint64_t j = 0; j < length; j++) {
            values[i++] = value;
        }
    }
    return true;
}

static bool get_patches(struct reader *patches, uint32_t patch_count, uint32_t width,
    uint64_t *values, uint32_t count) {
    uint64_t at = 0;
    for (uint32_t i = 0; i < patch_count; i++) {
        at += read_varint(patches);
        uint64_t high = read_varint(patches);
        if (patches->failed || at >= count || width >= 64) {
            return false;
        }
        values[at] |= high << width;
    }
    return true;
}

/* The values stay folded. */
static bool get_bits(
    struct reader *from, uint64_t *values, uint32_t count, struct folded *ret_folded) {
    if (!get_fold(from, ret_folded)) {
        return false;
    }
    uint32_t width = read_u8(from);
    uint64_t patch_count = read_varint(from);
    if (from->failed || width > 64 || patch_count > count) {
        return false;
    }
    struct reader patches = *from; // They stand before the bits: over them first.
    for (uint64_t i = 0; i < patch_count * 2; i++) {
        (void)read_varint(from);
    }
    size_t size = bits_size(width, count);
    const uint8_t *bits = read_bytes(from, size);
    if (bits == NULL || from->failed) {
        return false;
    }
    kernels_best()->unpack(bits, size, width, values, count);
    if (patch_count > 0 && !get_patches(&patches, (uint32_t)patch_count, width, values, count)) {
        return false;
    }
    return true;
}

HOT_LOOP static void planes_join(
    const uint8_t *planes, uint32_t plane_count, uint64_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        values[i] = planes[i];
    }
    for (uint32_t plane = 1; plane < plane_count; plane++) {
        const uint8_t *bytes = planes + (size_t)plane * count;
        for (uint32_t i = 0; i < count; i++) {
            values[i] |= (uint64_t)bytes[i] << (8 * plane);
        }
    }
}

static bool get_planes(struct codec *codec, struct reader *from, uint64_t *values, uint32_t count,
    struct folded *ret_folded) {
    if (!get_fold(from, ret_folded)) {
        return false;
    }
    uint32_t plane_count = read_u8(from);
    uint32_t packed_size = read_u32_le(from);
    const uint8_t *packed = read_bytes(from, packed_size);
    if (packed == NULL || from->failed || plane_count == 0 || plane_count > 8 ||
        !squeeze_unpack(
            codec->squeeze, packed, packed_size, codec->planes, (size_t)plane_count * count)) {
        return false;
    }
    planes_join(codec->planes, plane_count, values, count);
    return true;
}

/* Undoes folding and prediction in place: values[0..lag) are true, the rest are residuals. */
HOT_LOOP static void undo_lag(
    uint64_t *values, uint32_t count, uint32_t lag, const struct folded *folded) {
    if (lag == 1 && folded->fold == FOLD_ZIGZAG) {
        kernels_best()->sum_zigzag(values, count);
        return;
    }
    if (lag == 1 && folded->unit == 1) {
        kernels_best()->sum(values, count, folded->base);
        return;
    }
    unfold_values(folded->fold, folded->base, folded->unit, values + lag, count - lag);
    if (lag == 1) {
        kernels_best()->sum(values, count, 0);
        return;
    }
    for (uint32_t start = lag; start < count && lag > 0; start += lag) {
        uint32_t length = count - start < lag ? count - start : lag;
        uint64_t *restrict to = values + start;
        const uint64_t *restrict before = values + start - lag;
        for (uint32_t i = 0; i < length; i++) { // The two stretches do not overlap.
            to[i] += before[i];
        }
    }
}

HOT_LOOP static void fill_steps(uint64_t value, uint64_t step, uint64_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        values[i] = value + i * step;
    }
}

static bool get_simple(
    struct codec *codec, struct reader *from, enum form form, uint64_t *values, uint32_t count) {
    int64_t value = read_zigzag(from);
    int64_t step = form == FORM_STEP ? read_zigzag(from) : 0;
    int64_t way = 0;
    codec->rises = step > 0 && !__builtin_mul_overflow(step, (int64_t)count, &way) &&
                   !__builtin_add_overflow(value, way, &way);
    fill_steps((uint64_t)value, (uint64_t)step, values, count);
    return !from->failed;
}

bool column_get_ints(struct codec *codec, struct reader *from, bits64 *ret_values, uint32_t count) {
    if (count == 0) {
        return true;
    }
    if (count > BLOCK_ROWS_MAX) {
        return false;
    }
    uint64_t *values = ret_values;
    uint8_t form = read_u8(from);
    if (form == FORM_CONST || form == FORM_STEP) {
        return get_simple(codec, from, (enum form)form, values, count);
    }
    codec->rises = false;
    uint32_t lag = read_u8(from);
    if (from->failed || lag >= count || lag > LAG_MAX || form > FORM_PLANES) {
        return false;
    }
    uint64_t before = 0;
    for (uint32_t i = 0; i < lag; i++) {
        before += (uint64_t)read_zigzag(from);
        values[i] = before;
    }
    bool good = false;
    struct folded folded = {.fold = FOLD_OFFSET, .unit = 1};
    switch ((enum form)form) {
    case FORM_RUNS: good = get_runs(from, values + lag, count - lag); break;
    case FORM_BITS: good = get_bits(from, values + lag, count - lag, &folded); break;
    case FORM_PLANES:
        codec_prepare(codec);
        good = get_planes(codec, from, values + lag, count - lag, &folded);
        break;
    case FORM_CONST:
    case FORM_STEP: break;
    }
    if (good) {
        undo_lag(values, count, lag, &folded);
    }
    return good && !from->failed;
}
