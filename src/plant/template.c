/*
 * Equipment templates: taking one. The rows come out of the plant's own export and are chosen from
 * it, so a template has what a table has, in the same words, and what the export holds back
 * (passwords) it never sees; the stars that stand for them are taken out. Which tags: those of the
 * devices, the companions that their rules write to, and derived tags whose inputs are all among
 * them, round after round until none comes any more (a chain of derived tags is as long as the
 * rounds). Which equipment: what the tags' names tell, `line.equipment`, where the plant knows it;
 * its place in the picture stays behind, for two machines cannot stand in one.
 */
#include "plant/template.h"

#include "core/json.h"
#include "core/mem.h"
#include "plant/export.h"
#include "refine/derived.h"

enum { ROUNDS_MAX = 64 };

static const struct part {
    const char *name;
    enum import_kind kind;
    enum export_kind out;
    uint32_t rows_max;
} PARTS[TEMPLATE_PART_COUNT] = {
    [TEMPLATE_EQUIPMENT] = {"equipment", IMPORT_EQUIPMENT, EXPORT_EQUIPMENT, TEMPLATE_ASSETS_MAX},
    [TEMPLATE_DEVICES] = {"devices", IMPORT_DEVICES, EXPORT_DEVICES, TEMPLATE_DEVICES_MAX},
    [TEMPLATE_TAGS] = {"tags", IMPORT_TAGS, EXPORT_TAGS, TEMPLATE_TAGS_MAX},
};

enum import_kind template_kind(enum template_part part) {
    return PARTS[part].kind;
}

uint32_t template_rows_max(enum template_part part) {
    return PARTS[part].rows_max;
}

const char *template_part_name(enum template_part part) {
    return PARTS[part].name;
}

/* ---- What belongs to it ---- */

struct taking {
    struct plant *plant;
    const struct str *devices;
    uint32_t device_count;
    const char *spool_folder;
    struct arena *arena;
    struct catalogue *catalogue;
    bool *tags;   // By index in the catalogue.
    bool *assets; // Likewise.
};

static bool is_asked(const struct taking *taking, struct str device) {
    for (uint32_t i = 0; i < taking->device_count; i++) {
        if (str_eq(taking->devices[i], device)) {
            return true;
        }
    }
    return false;
}

static void mark_companions(struct taking *taking, const struct tag *tag) {
    struct tag companions[REFINE_COMPANIONS_MAX];
    uint32_t count = refine_companions(tag, taking->arena, companions);
    for (uint32_t i = 0; i < count; i++) {
        const struct tag *known = catalogue_find(taking->catalogue, companions[i].name);
        if (known != NULL) {
            taking->tags[known->number - 1] = true;
        }
    }
}

static bool needs_are_marked(const struct taking *taking, const struct tag *tag) {
    struct derived_need needs[DERIVED_NEEDS_MAX];
    int count = derived_needs(tag->source, needs, NULL);
    for (int i = 0; i < count; i++) {
        const struct tag *known = catalogue_find(taking->catalogue, needs[i].name);
        if (known == NULL || !taking->tags[known->number - 1]) {
            return false;
        }
    }
    return count > 0;
}

static void mark_tags(struct taking *taking) {
    const struct catalogue *catalogue = taking->catalogue;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        if (tag->device.size > 0 && is_asked(taking, tag->device)) {
            taking->tags[i] = true;
            mark_companions(taking, tag);
        }
    }
    bool more = true;
    for (int round = 0; round < ROUNDS_MAX && more; round++) {
        more = false;
        for (uint32_t i = 0; i < catalogue->tag_count; i++) {
            const struct tag *tag = &catalogue->tags[i];
            if (!taking->tags[i] && derived_is(tag) && needs_are_marked(taking, tag)) {
                taking->tags[i] = more = true;
                mark_companions(taking, tag);
            }
        }
    }
}

/* "line1.press1.temp" is of the equipment press1 below line1. */
static void mark_assets(struct taking *taking) {
    const struct catalogue *catalogue = taking->catalogue;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        struct str rest = catalogue->tags[i].name;
        struct str line = str_cut(&rest, '.');
        struct str equipment = str_cut(&rest, '.');
        for (uint32_t a = 0; taking->tags[i] && a < catalogue->asset_count; a++) {
            const struct asset *asset = &catalogue->assets[a];
            if (asset->level == ASSET_EQUIPMENT && str_eq(asset->id, equipment) &&
                asset->parent > 0 && str_eq(catalogue->assets[asset->parent - 1].id, line)) {
                taking->assets[a] = taking->assets[asset->parent - 1] = true;
            }
        }
    }
}

static bool is_wanted(const struct taking *taking, enum template_part part, struct str name) {
    if (part == TEMPLATE_DEVICES) {
        return is_asked(taking, name);
    }
    if (part == TEMPLATE_TAGS) {
        const struct tag *tag = catalogue_find(taking->catalogue, name);
        return tag != NULL && taking->tags[tag->number - 1];
    }
    for (uint32_t a = 0; a < taking->catalogue->asset_count; a++) {
        if (taking->assets[a] && str_eq(taking->catalogue->assets[a].id, name)) {
            return true;
        }
    }
    return false;
}

/* ---- Rows ---- */

static int column_of(enum import_kind kind, struct str name) {
    for (uint32_t i = 0; i < import_column_count(kind); i++) {
        if (str_eq(import_column_name(kind, i), name)) {
            return (int)i;
        }
    }
    return -1;
}

/* Options without those whose value is a secret. */
static struct str without_secrets(struct arena *arena, struct str options) {
    AUTO_BUF struct buf out;
    buf_init(&out, 4 * LIMIT_DEVICE_TEXT_BYTES);
    while (options.size > 0) {
        struct str pair = str_cut(&options, ' ');
        struct str value = pair;
        (void)str_cut(&value, '=');
        if (pair.size > 0 && !str_eq(value, STR("***"))) {
            buf_printf(&out, "%s%.*s", buf_str(&out).size > 0 ? " " : "", STR_ARG(pair));
        }
    }
    return arena_copy(arena, buf_str(&out));
}

/* What of a row does not travel: a place, the way up from a line, secrets. */
static struct str cell_of(const struct taking *taking, enum template_part part,
    const struct str *fields, size_t count, struct str column, struct str text) {
    if (part == TEMPLATE_DEVICES && str_eq(column, STR("options"))) {
        return without_secrets(taking->arena, text);
    }
    bool is_place = str_eq(column, STR("x")) || str_eq(column, STR("y"));
    bool is_way_up = str_eq(column, STR("parent"));
    if (part == TEMPLATE_EQUIPMENT && (is_place || is_way_up)) {
        for (size_t i = 0; i < count && is_way_up; i++) {
            is_way_up = !str_eq(fields[i], STR("equipment")); // Of a line.
        }
        return is_place || is_way_up ? STR_NONE : arena_copy(taking->arena, text);
    }
    return arena_copy(taking->arena, text);
}

static int take_rows(struct taking *taking, enum template_part part, struct table *table,
    struct template_rows *rows, struct err *err) {
    enum import_kind kind = PARTS[part].kind;
    uint32_t columns = import_column_count(kind);
    int positions[IMPORT_COLUMNS_MAX];
    const struct str *fields = NULL;
    size_t count = 0;
    int status = table_next(table, &fields, &count, err); // The header.
    for (size_t i = 0; status > 0 && i < count && i < IMPORT_COLUMNS_MAX; i++) {
        positions[i] = column_of(kind, fields[i]);
    }
    rows->cells = ARENA_ARRAY(taking->arena, struct str, (size_t)PARTS[part].rows_max * columns);
    size_t width = count < IMPORT_COLUMNS_MAX ? count : IMPORT_COLUMNS_MAX;
    struct str names[IMPORT_COLUMNS_MAX];
    for (size_t i = 0; i < width; i++) {
        names[i] = positions[i] >= 0 ? import_column_name(kind, (uint32_t)positions[i]) : STR_NONE;
    }
    while (status >= 0 && (status = table_next(table, &fields, &count, err)) > 0) {
        if (!is_wanted(taking, part, fields[0])) {
            continue;
        }
        if (rows->count == PARTS[part].rows_max) {
            return err_set(err, ERR_LIMIT, MSG_TEMPLATE_ROWS,
                ARGS(A_INT(PARTS[part].rows_max), A_CSTR(PARTS[part].name)));
        }
        struct str *cells = &rows->cells[(size_t)rows->count++ * columns];
        for (size_t i = 0; i < count && i < width; i++) {
            if (positions[i] >= 0) {
                cells[positions[i]] = cell_of(taking, part, fields, count, names[i], fields[i]);
            }
        }
    }
    return status < 0 ? status : 0;
}

struct spool {
    int fd;
    uint64_t size;
};

static int write_spool(void *context, const void *data, size_t size, struct err *err) {
    struct spool *spool = context;
    int status = file_write_at(files_system(), spool->fd, "template", spool->size, data, size, err);
    spool->size += status >= 0 ? size : 0;
    return status;
}

static int take_part(
    struct taking *taking, enum template_part part, struct template_rows *rows, struct err *err) {
    AUTO_CLOSE int fd = -1;
    int status = table_spool_new(taking->spool_folder, &fd, err);
    struct spool spool = {.fd = fd};
    struct export_options options = {.kind = PARTS[part].out,
        .to_ns = INT64_MAX,
        .tags = STR_NONE,
        .file = {.context = &spool, .write = write_spool}};
    uint64_t exported = 0;
    status = status < 0 ? status : export_run(taking->plant, &options, &exported, err);
    struct table *table = NULL;
    struct table_options from = {.fd = fd, .separator = ',', .encoding = TABLE_UTF8};
    status = status < 0 ? status : table_open(&from, &table, err);
    status = status < 0 ? status : take_rows(taking, part, table, rows, err);
    table_close(table);
    return status < 0 ? status : 0;
}

int template_take(struct plant *plant, const struct str *devices, uint32_t device_count,
    const char *spool_folder, struct arena *arena, struct template *ret_template, struct err *err) {
    struct taking taking = {.plant = plant,
        .devices = devices,
        .device_count = device_count,
        .spool_folder = spool_folder,
        .arena = arena,
        .catalogue = plant_catalogue(plant)};
    taking.tags = ARENA_ARRAY(arena, bool, taking.catalogue->tag_count + 1);
    taking.assets = ARENA_ARRAY(arena, bool, taking.catalogue->asset_count + 1);
    int status = device_count > 0 ? 0 : err_set(err, ERR_INVALID, MSG_TEMPLATE_NO_DEVICE, NO_ARGS);
    for (uint32_t i = 0; i < device_count && status >= 0; i++) {
        if (catalogue_device(taking.catalogue, devices[i]) == NULL) {
            status =
                err_set(err, ERR_NOT_FOUND, MSG_IMPORT_DEVICE_UNKNOWN, ARGS(A_STR(devices[i])));
        }
    }
    struct template template = {.name = STR_NONE, .note = STR_NONE};
    if (status >= 0) {
        mark_tags(&taking);
        mark_assets(&taking);
    }
    for (int part = 0; part < TEMPLATE_PART_COUNT && status >= 0; part++) {
        status = take_part(&taking, (enum template_part)part, &template.parts[part], err);
    }
    catalogue_unref(taking.catalogue);
    if (status >= 0) {
        *ret_template = template;
    }
    return status;
}

/* ---- As a file ---- */

void template_put(const struct template *template, struct buf *out) {
    struct json json;
    json_init(&json, out);
    json_object_begin(&json);
    json_put_i64(&json, "maru_template", TEMPLATE_VERSION);
    json_put_str(&json, "name", template->name);
    json_put_str(&json, "note", template->note);
    for (int part = 0; part < TEMPLATE_PART_COUNT; part++) {
        const struct template_rows *rows = &template->parts[part];
        uint32_t columns = import_column_count(PARTS[part].kind);
        json_key(&json, PARTS[part].name);
        json_array_begin(&json);
        for (uint32_t i = 0; i < rows->count; i++) {
            json_object_begin(&json);
            for (uint32_t c = 0; c < columns; c++) {
                struct str text = rows->cells[(size_t)i * columns + c];
                if (text.size > 0) {
                    json_put_str(&json, import_column_name(PARTS[part].kind, c).data, text);
                }
            }
            json_object_end(&json);
        }
        json_array_end(&json);
    }
    json_object_end(&json);
}
