/*
 * Columns without their values: form, prediction, folding, width, sizes. The forms are read here a
 * second time, by the words of docs/FORMATS.md and not by the decoders' code, so that a dump is a
 * witness of its own. Nothing is unpacked; whoever wants to know whether a block can be decoded
 * asks the decoder, too.
 */
#include "historian/dump_out.h"

enum { INT_FORMS = 5, DOUBLE_KINDS = 4, LAG_MOST = 64, PLANES_MOST = 8, EXPONENT_MOST = 22 };

static const char *const form_names[INT_FORMS] = {"constant", "step", "runs", "bits", "planes"};
static const char *const kind_names[DOUBLE_KINDS] = {"decimal", "float", "bits", "scientific"};

static bool dump_prediction(struct dump *dump, struct reader *from, uint32_t rows, uint32_t *left) {
    uint8_t lag = read_u8(from);
    for (uint32_t i = 0; i < lag && !from->failed; i++) {
        (void)read_zigzag(from);
    }
    dump_int(dump, "lag", lag);
    *left = lag < rows ? rows - lag : 0;
    return !from->failed && lag < rows && lag <= LAG_MOST;
}

static bool dump_runs(struct dump *dump, struct reader *from, uint32_t rows) {
    uint32_t runs = 0;
    for (uint64_t done = 0; done < rows; runs++) {
        (void)read_zigzag(from);
        uint64_t length = read_varint(from);
        if (from->failed || length == 0 || length > rows - done) {
            return false;
        }
        done += length;
    }
    dump_int(dump, "runs", runs);
    return true;
}

static bool dump_fold(struct dump *dump, struct reader *from) {
    uint8_t fold = read_u8(from);
    if (fold == 0) {
        dump_word(dump, "fold", "offset");
        dump_int(dump, "base", read_zigzag(from));
        dump_int(dump, "unit", (int64_t)read_varint(from));
    } else if (fold == 1) {
        dump_word(dump, "fold", "zigzag");
    }
    return !from->failed && fold <= 1;
}

static bool dump_bits(struct dump *dump, struct reader *from, uint32_t rows) {
    if (!dump_fold(dump, from)) {
        return false;
    }
    uint8_t width = read_u8(from);
    uint64_t patches = read_varint(from);
    if (from->failed || width > 64 || patches > rows) {
        return false;
    }
    dump_int(dump, "width", width);
    dump_int(dump, "patches", (int64_t)patches);
    for (uint64_t i = 0; i < 2 * patches && !from->failed; i++) {
        (void)read_varint(from);
    }
    read_skip(from, ((size_t)width * rows + 7) / 8);
    return !from->failed;
}

static bool dump_planes(struct dump *dump, struct reader *from) {
    if (!dump_fold(dump, from)) {
        return false;
    }
    uint8_t planes = read_u8(from);
    uint32_t packed = read_u32_le(from);
    dump_int(dump, "planes", planes);
    dump_int(dump, "packed", packed);
    read_skip(from, packed);
    return !from->failed && planes > 0 && planes <= PLANES_MOST;
}

static bool dump_form(struct dump *dump, struct reader *from, uint8_t form, uint32_t rows) {
    uint32_t left = 0;
    dump_word(dump, "form", form < INT_FORMS ? form_names[form] : "unknown");
    switch (form) {
    case 0: dump_int(dump, "value", read_zigzag(from)); return !from->failed;
    case 1:
        dump_int(dump, "value", read_zigzag(from));
        dump_int(dump, "step", read_zigzag(from));
        return !from->failed;
    case 2: return dump_prediction(dump, from, rows, &left) && dump_runs(dump, from, left);
    case 3: return dump_prediction(dump, from, rows, &left) && dump_bits(dump, from, left);
    case 4: return dump_prediction(dump, from, rows, &left) && dump_planes(dump, from);
    default: return false;
    }
}

bool dump_ints(struct dump *dump, const char *name, struct reader *from, uint32_t rows) {
    size_t before = reader_left(from);
    dump_begin(dump, name);
    bool good = rows == 0 || dump_form(dump, from, read_u8(from), rows);
    dump_int(dump, "bytes", (int64_t)(before - reader_left(from)));
    dump_bool(dump, "good", good);
    dump_end(dump);
    return good;
}

static bool dump_exceptions(struct dump *dump, struct reader *from, uint32_t rows) {
    uint64_t exceptions = read_varint(from);
    for (uint64_t i = 0; i < exceptions && !from->failed; i++) {
        (void)read_varint(from);
        read_skip(from, 8);
    }
    dump_int(dump, "exceptions", (int64_t)exceptions);
    return !from->failed && exceptions <= rows;
}

static bool dump_kind(struct dump *dump, struct reader *from, uint8_t kind, uint32_t rows) {
    dump_word(dump, "kind", kind < DOUBLE_KINDS ? kind_names[kind] : "unknown");
    uint8_t exponent = 0;
    switch (kind) {
    case 0:
        exponent = read_u8(from);
        dump_int(dump, "exponent", exponent);
        return dump_exceptions(dump, from, rows) && exponent <= EXPONENT_MOST &&
               dump_ints(dump, "integers", from, rows);
    case 1:
    case 2: return dump_ints(dump, "ranks", from, rows);
    case 3:
        return dump_exceptions(dump, from, rows) && dump_ints(dump, "exponents", from, rows) &&
               dump_ints(dump, "integers", from, rows);
    default: return false;
    }
}

bool dump_doubles(struct dump *dump, const char *name, struct reader *from, uint32_t rows) {
    dump_begin(dump, name);
    bool good = rows == 0 || dump_kind(dump, from, read_u8(from), rows);
    dump_end(dump);
    return good;
}

bool dump_texts(struct dump *dump, const char *name, struct reader *from, uint32_t rows) {
    uint64_t different = read_varint(from);
    dump_begin(dump, name);
    dump_int(dump, "different", (int64_t)different);
    bool good =
        !from->failed && different <= rows && dump_ints(dump, "sizes", from, (uint32_t)different);
    if (good) {
        uint64_t bytes = read_varint(from);
        uint32_t packed = read_u32_le(from);
        uint64_t stored = packed > 0 ? packed : bytes;
        good = !from->failed && stored <= reader_left(from);
        dump_begin(dump, "dictionary");
        dump_word(dump, "form", packed > 0 ? "packed" : "plain");
        dump_int(dump, "plain_bytes", (int64_t)bytes);
        dump_int(dump, "bytes", (int64_t)stored);
        dump_end(dump);
        read_skip(from, good ? (size_t)stored : 0);
    }
    good = good && dump_ints(dump, "places", from, rows);
    dump_end(dump);
    return good;
}
