/*
 * The tag catalogue: names, numbers and the index over them.
 *
 * A catalogue is filled by one builder, finished once and then only read, so readers need no lock:
 * they hold a reference and may keep it across a publication. Its strings and arrays live in one
 * arena and vanish together with the last reference.
 *
 * Names are found by open addressing with linear probing in a table of at least twice as many
 * slots as tags (load <= 0.5: about 1.5 probes for a hit). A slot holds the tag's number, 0 is
 * empty, so 10,000 tags cost 128 KB at most. Line protocol and imports look every name up here;
 * devices, 1,000 at most and asked only when links are arranged, are searched in order.
 *
 * catalogue_finish checks what readers rely on (numbers in order, names valid and unique). The
 * ledger's constraints promise it already; a breach means damaged memory or a builder's mistake,
 * and stopping is right: a wrong number would store samples under another tag's name.
 */
#include "model/tag.h"

#include <stdatomic.h>

#include "core/check.h"
#include "core/hash.h"
#include "core/limits.h"

enum { TAG_NAME_PARTS_MAX = 4, NAME_SLOTS_MIN = 8 };

struct catalogue *catalogue_new(void) {
    struct catalogue *catalogue = MEM_NEW(struct catalogue);
    arena_init(&catalogue->arena, 0);
    atomic_init(&catalogue->references, 1);
    return catalogue;
}

struct catalogue *catalogue_ref(struct catalogue *catalogue) {
    uint32_t before = atomic_fetch_add_explicit(&catalogue->references, 1, memory_order_relaxed);
    CHECK(before > 0);
    return catalogue;
}

void catalogue_unref(struct catalogue *catalogue) {
    if (catalogue == NULL) {
        return;
    }
    uint32_t before = atomic_fetch_sub_explicit(&catalogue->references, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before == 1) {
        arena_fini(&catalogue->arena);
        mem_free(catalogue);
    }
}

/* The slot that holds `name`, or the empty one where it belongs. */
static uint32_t *slot_of_name(const struct catalogue *catalogue, struct str name) {
    uint32_t mask = catalogue->name_slot_count - 1;
    uint32_t i = (uint32_t)hash64(name.data, name.size) & mask;
    while (catalogue->name_slots[i] != 0 &&
           !str_eq(catalogue->tags[catalogue->name_slots[i] - 1].name, name)) {
        i = (i + 1) & mask;
    }
    return &catalogue->name_slots[i];
}

static void check_tag(const struct catalogue *catalogue, uint32_t index) {
    const struct tag *tag = &catalogue->tags[index];
    CHECK(tag->number == index + 1);
    CHECK(tag->type >= TYPE_F64 && tag->type <= TYPE_TEXT);
    CHECK(tag_name_check(tag->name, NULL) == 0);
}

static void check_devices(const struct catalogue *catalogue) {
    uint32_t last = 0;
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        CHECK(catalogue->devices[i].number > last);
        CHECK(str_is_id(catalogue->devices[i].id));
        last = catalogue->devices[i].number;
    }
}

static void check_assets(const struct catalogue *catalogue) {
    uint32_t last = 0;
    for (uint32_t i = 0; i < catalogue->asset_count; i++) {
        CHECK(catalogue->assets[i].number > last);
        CHECK(catalogue->assets[i].parent != catalogue->assets[i].number);
        CHECK(str_is_id(catalogue->assets[i].id));
        last = catalogue->assets[i].number;
    }
}

void catalogue_finish(struct catalogue *catalogue) {
    CHECK(catalogue->name_slots == NULL);
    CHECK(catalogue->tag_count <= LIMIT_TAGS);
    CHECK(catalogue->device_count <= LIMIT_DEVICES);
    uint32_t slots = NAME_SLOTS_MIN;
    while (slots < 2 * catalogue->tag_count) {
        slots *= 2;
    }
    catalogue->name_slots = ARENA_ARRAY(&catalogue->arena, uint32_t, slots);
    catalogue->name_slot_count = slots;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        check_tag(catalogue, i);
        uint32_t *slot = slot_of_name(catalogue, catalogue->tags[i].name);
        CHECK(*slot == 0); // Names are unique.
        *slot = i + 1;
    }
    check_devices(catalogue);
    check_assets(catalogue);
}

const struct tag *catalogue_tag(const struct catalogue *catalogue, uint32_t number) {
    return number >= 1 && number <= catalogue->tag_count ? &catalogue->tags[number - 1] : NULL;
}

const struct tag *catalogue_find(const struct catalogue *catalogue, struct str name) {
    CHECK(catalogue->name_slot_count > 0); // Finished.
    if (name.size == 0 || name.size > LIMIT_TAG_NAME_BYTES) {
        return NULL;
    }
    return catalogue_tag(catalogue, *slot_of_name(catalogue, name));
}

const struct device *catalogue_device(const struct catalogue *catalogue, struct str id) {
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        if (str_eq(catalogue->devices[i].id, id)) {
            return &catalogue->devices[i];
        }
    }
    return NULL;
}

int tag_name_check(struct str name, struct err *err) {
    if (name.size == 0) {
        return err_set(err, ERR_INVALID, MSG_MODEL_TAG_NAME_EMPTY, NO_ARGS);
    }
    struct str rest = name;
    for (int part = 1; rest.data != NULL; part++) {
        struct str id = str_cut(&rest, '.');
        if (part > TAG_NAME_PARTS_MAX) {
            return err_set(err, ERR_INVALID, MSG_MODEL_TAG_NAME_PARTS,
                ARGS(A_STR(name), A_INT(TAG_NAME_PARTS_MAX)));
        }
        if (!str_is_id(id)) {
            return err_set(err, ERR_INVALID, MSG_MODEL_TAG_NAME_PART,
                ARGS(A_STR(name), A_STR(id), A_INT(part)));
        }
    }
    return 0;
}

static const char *const KINDS[] = {
    [KIND_MEASUREMENT] = "measurement",
    [KIND_COUNTER] = "counter",
    [KIND_STATE] = "state",
    [KIND_SETPOINT] = "setpoint",
};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

/* Greedy with one step back to the last star: linear in practice, never worse than the product. */
bool tag_name_fits(struct str pattern, struct str name) {
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX;
    size_t again = 0;
    while (t < name.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            again = t;
        } else if (p < pattern.size && pattern.data[p] == name.data[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++again;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*') {
        p++;
    }
    return p == pattern.size;
}

const char *tag_kind_name(enum tag_kind kind) {
    return (unsigned)kind < KIND_COUNT ? KINDS[kind] : "measurement";
}

bool tag_kind_of_name(struct str name, enum tag_kind *ret_kind) {
    for (unsigned i = 0; i < KIND_COUNT; i++) {
        if (str_eq(name, str_of(KINDS[i]))) {
            *ret_kind = (enum tag_kind)i;
            return true;
        }
    }
    return false;
}

static const char *const LEVELS[] = {
    [ASSET_SITE] = "site",
    [ASSET_AREA] = "area",
    [ASSET_LINE] = "line",
    [ASSET_EQUIPMENT] = "equipment",
};
enum { LEVEL_COUNT = sizeof LEVELS / sizeof LEVELS[0] };

const char *asset_level_name(enum asset_level level) {
    return (unsigned)level < LEVEL_COUNT ? LEVELS[level] : "equipment";
}

bool asset_level_of_name(struct str name, enum asset_level *ret_level) {
    for (unsigned i = 0; i < LEVEL_COUNT; i++) {
        if (str_eq(name, str_of(LEVELS[i]))) {
            *ret_level = (enum asset_level)i;
            return true;
        }
    }
    return false;
}
