/*
 * Equipment templates: making one again. The rows get their new names and become three tables that
 * go through the import in one step, so every check of a table is a check of a template, and the
 * audit says the same of both. What is there already must be what the template makes: a template
 * never changes somebody's tag, and making it twice makes it once.
 *
 * Names are replaced where they stand whole, up to a dot or the end: in tag names, in the rules
 * that write to other tags, and in the expressions of derived tags. The longest one that fits wins.
 * Nothing is replaced in what people wrote, but for the name by which they call the equipment.
 */
#include <string.h>

#include "core/mem.h"
#include "plant/template.h"

enum { CELL_MAX = 64 * 1024 };

struct making {
    struct plant *plant;
    const struct template *template;
    const struct template_wish *wish;
    struct arena arena;
    struct catalogue *catalogue;
    struct template made; // With the new names.
};

/* ---- Names ---- */

static bool is_name_byte(char c) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || (unsigned char)c >= 0x80;
}

/* The replacement that begins at the text's start and ends there at the end of a part. */
static const struct template_name *find_name(const struct template_wish *wish, struct str text) {
    const struct template_name *best = NULL;
    for (uint32_t i = 0; i < wish->name_count; i++) {
        const struct template_name *one = &wish->names[i];
        bool whole = str_starts(text, one->from) &&
                     (text.size == one->from.size || !is_name_byte(text.data[one->from.size]));
        if (whole && (best == NULL || one->from.size > best->from.size)) {
            best = one;
        }
    }
    return best;
}

/* All places where such a name begins, in a text that is more than a name. */
static struct str renamed(struct making *making, struct str text) {
    AUTO_BUF struct buf out;
    buf_init(&out, CELL_MAX);
    for (size_t i = 0; i < text.size;) {
        bool begins = i == 0 || (!is_name_byte(text.data[i - 1]) && text.data[i - 1] != '.');
        const struct template_name *name =
            begins ? find_name(making->wish, str_slice(text, i, text.size)) : NULL;
        if (name != NULL) {
            buf_put_str(&out, name->to);
            i += name->from.size;
        } else {
            buf_put_char(&out, text.data[i++]);
        }
    }
    return arena_copy(&making->arena, buf_str(&out));
}

static const struct template_device *find_device(
    const struct template_wish *wish, struct str device) {
    for (uint32_t i = 0; i < wish->device_count; i++) {
        if (str_eq(wish->devices[i].from, device)) {
            return &wish->devices[i];
        }
    }
    return NULL;
}

/* How people call the old equipment, in what they wrote of it, by how they call the new one. */
static struct str recalled(struct making *making, struct str path, struct str text) {
    const struct template_name *name = find_name(making->wish, path);
    if (name == NULL || name->display.size == 0) {
        return text;
    }
    struct str id = name->from;
    for (size_t dot = str_find(id, '.'); dot < id.size; dot = str_find(id, '.')) {
        id = str_slice(id, dot + 1, id.size);
    }
    const struct template_rows *assets = &making->template->parts[TEMPLATE_EQUIPMENT];
    uint32_t columns = import_column_count(IMPORT_EQUIPMENT);
    struct str old = STR_NONE;
    for (uint32_t i = 0; i < assets->count; i++) {
        const struct str *cells = &assets->cells[(size_t)i * columns];
        old = str_eq(cells[IMPORT_ASSET_ID], id) ? cells[IMPORT_ASSET_DISPLAY] : old;
    }
    if (old.size == 0 || !str_starts(text, old)) {
        return text;
    }
    AUTO_BUF struct buf out;
    buf_init(&out, CELL_MAX);
    buf_put_str(&out, name->display);
    buf_put_str(&out, str_slice(text, old.size, text.size));
    return arena_copy(&making->arena, buf_str(&out));
}

/* ---- Rows ---- */

static struct str *row_of(const struct template_rows *rows, enum import_kind kind, uint32_t i) {
    return &rows->cells[(size_t)i * import_column_count(kind)];
}

static void make_tag(struct making *making, struct str *cells) {
    struct str path = cells[IMPORT_TAG_NAME];
    cells[IMPORT_TAG_DISPLAY] = recalled(making, path, cells[IMPORT_TAG_DISPLAY]);
    cells[IMPORT_TAG_NAME] = renamed(making, path);
    cells[IMPORT_TAG_REFINE] = renamed(making, cells[IMPORT_TAG_REFINE]);
    const struct template_device *device = find_device(making->wish, cells[IMPORT_TAG_DEVICE]);
    if (device != NULL && device->to.size > 0) {
        cells[IMPORT_TAG_DEVICE] = device->to;
    }
    if (cells[IMPORT_TAG_DEVICE].size == 0) { // An expression; of a device it is the device's word.
        cells[IMPORT_TAG_SOURCE] = renamed(making, cells[IMPORT_TAG_SOURCE]);
    }
}

/* The keys of `more` instead of those of `options`. */
static struct str merged(struct making *making, struct str options, struct str more) {
    AUTO_BUF struct buf out;
    buf_init(&out, CELL_MAX);
    while (options.size > 0) {
        struct str pair = str_cut(&options, ' ');
        struct str key = str_slice(pair, 0, str_find(pair, '='));
        bool replaced = false;
        struct str rest = more;
        while (rest.size > 0) {
            struct str other = str_cut(&rest, ' ');
            replaced = replaced || str_eq(str_slice(other, 0, str_find(other, '=')), key);
        }
        if (pair.size > 0 && !replaced) {
            buf_printf(&out, "%.*s ", STR_ARG(pair));
        }
    }
    buf_put_str(&out, more);
    return arena_copy(&making->arena, str_trim(buf_str(&out)));
}

static void make_device(struct making *making, struct str *cells) {
    for (uint32_t i = 0; i < making->wish->name_count; i++) {
        cells[IMPORT_DEVICE_DISPLAY] =
            recalled(making, making->wish->names[i].from, cells[IMPORT_DEVICE_DISPLAY]);
    }
    const struct template_device *device = find_device(making->wish, cells[IMPORT_DEVICE_ID]);
    if (device == NULL) {
        return;
    }
    if (device->to.size > 0) {
        cells[IMPORT_DEVICE_ID] = device->to;
    }
    if (device->address.size > 0) {
        cells[IMPORT_DEVICE_ADDRESS] = device->address;
    }
    if (device->options.size > 0) {
        cells[IMPORT_DEVICE_OPTIONS] =
            merged(making, cells[IMPORT_DEVICE_OPTIONS], device->options);
    }
}

static bool stands(const struct making *making, struct str id) {
    for (uint32_t i = 0; i < making->catalogue->asset_count; i++) {
        if (str_eq(making->catalogue->assets[i].id, id)) {
            return true;
        }
    }
    return false;
}

/* "line1" and "press1" become what their names become together. A line that is there stays as it
 * is; false: this row is not made. */
static bool make_asset(struct making *making, struct str *cells) {
    bool is_line = cells[IMPORT_ASSET_PARENT].size == 0;
    AUTO_BUF struct buf path;
    buf_init(&path, CELL_MAX);
    if (!is_line) {
        buf_printf(&path, "%.*s.%.*s", STR_ARG(cells[IMPORT_ASSET_PARENT]),
            STR_ARG(cells[IMPORT_ASSET_ID]));
        cells[IMPORT_ASSET_DISPLAY] = recalled(making, buf_str(&path), cells[IMPORT_ASSET_DISPLAY]);
        struct str name = renamed(making, buf_str(&path));
        cells[IMPORT_ASSET_PARENT] = str_cut(&name, '.');
        cells[IMPORT_ASSET_ID] = name;
        return true;
    }
    /* A line goes where its equipment goes; "line1.press1" to "line2.press7" names it, too. */
    for (uint32_t i = 0; i < making->wish->name_count; i++) {
        struct str from = making->wish->names[i].from;
        struct str to = making->wish->names[i].to;
        if (str_eq(str_cut(&from, '.'), cells[IMPORT_ASSET_ID])) {
            struct str line = str_cut(&to, '.');
            cells[IMPORT_ASSET_DISPLAY] =
                str_eq(line, cells[IMPORT_ASSET_ID]) ? cells[IMPORT_ASSET_DISPLAY] : STR_NONE;
            cells[IMPORT_ASSET_ID] = line;
            break;
        }
    }
    return !stands(making, cells[IMPORT_ASSET_ID]);
}

static void make_rows(struct making *making, enum template_part part) {
    enum import_kind kind = template_kind(part);
    uint32_t columns = import_column_count(kind);
    const struct template_rows *from = &making->template->parts[part];
    struct template_rows *to = &making->made.parts[part];
    to->cells = ARENA_ARRAY(&making->arena, struct str, ((size_t)from->count + 1) * columns);
    for (uint32_t i = 0; i < from->count; i++) {
        struct str *cells = row_of(to, kind, to->count);
        memcpy(cells, row_of(from, kind, i), columns * sizeof *cells);
        bool made = true;
        if (part == TEMPLATE_TAGS) {
            make_tag(making, cells);
        } else if (part == TEMPLATE_DEVICES) {
            make_device(making, cells);
        } else {
            made = make_asset(making, cells);
        }
        to->count += made;
    }
}

/* ---- As tables ---- */

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

/* The rows as a file at its start. */
static int spool_rows(
    struct making *making, enum template_part part, struct spool *spool, struct err *err) {
    enum import_kind kind = template_kind(part);
    const struct template_rows *rows = &making->made.parts[part];
    struct table_writer_options options = {.context = spool, .write = write_spool};
    struct table_writer *writer = NULL;
    int status = table_spool_new(making->wish->spool_folder, &spool->fd, err);
    status = status < 0 ? status : table_writer_open(&options, &writer, err);
    for (uint32_t c = 0; status >= 0 && c < import_column_count(kind); c++) {
        table_put_text(writer, import_column_name(kind, c));
    }
    status = status < 0 ? status : table_end_row(writer, err);
    for (uint32_t i = 0; i < rows->count && status >= 0; i++) {
        const struct str *cells = row_of(rows, kind, i);
        for (uint32_t c = 0; c < import_column_count(kind); c++) {
            table_put_text(writer, cells[c]);
        }
        status = table_end_row(writer, err);
    }
    status = status < 0 ? status : table_writer_finish(writer, err);
    table_writer_close(writer);
    return status;
}

struct telling {
    struct making *making;
    enum template_part part;
};

static void tell(const struct telling *telling, uint64_t line, enum template_state state,
    const struct err *why) {
    const struct making *making = telling->making;
    const struct template_rows *rows = &making->made.parts[telling->part];
    struct str name = STR_NONE;
    if (line >= 2 && line - 2 < rows->count) { // Below the header, one line a row.
        name = row_of(rows, template_kind(telling->part), (uint32_t)(line - 2))[0];
    }
    if (making->wish->row != NULL) {
        making->wish->row(making->wish->context, telling->part, name, state, why);
    }
}

static void on_rejected(void *context, uint64_t line, const struct err *why) {
    tell(context, line, TEMPLATE_FAULT, why);
}

static void on_taken(void *context, uint64_t line, bool changed) {
    tell(context, line, changed ? TEMPLATE_NEW : TEMPLATE_SAME, NULL);
}

static int run(struct making *making, struct err *err) {
    struct spool spools[TEMPLATE_PART_COUNT] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
    struct telling tellings[TEMPLATE_PART_COUNT];
    struct import_options steps[TEMPLATE_PART_COUNT];
    struct import_report reports[TEMPLATE_PART_COUNT];
    uint32_t count = 0;
    int status = 0;
    for (int part = 0; part < TEMPLATE_PART_COUNT && status >= 0; part++) {
        if (making->made.parts[part].count == 0) {
            continue;
        }
        status = spool_rows(making, (enum template_part)part, &spools[part], err);
        tellings[count] = (struct telling){making, (enum template_part)part};
        steps[count] = (struct import_options){.kind = template_kind((enum template_part)part),
            .fd = spools[part].fd,
            .dry_run = making->wish->dry_run,
            .only_new = true,
            .separator = ',',
            .encoding = TABLE_UTF8,
            .spool_folder = making->wish->spool_folder,
            .actor = making->wish->actor,
            .context = &tellings[count],
            .rejected = on_rejected,
            .taken = on_taken};
        count++;
    }
    status = status < 0 ? status : import_steps(making->plant, steps, count, reports, err);
    bool refused = false;
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        refused = refused || reports[i].rejected > 0;
    }
    for (int part = 0; part < TEMPLATE_PART_COUNT; part++) {
        if (spools[part].fd >= 0) {
            file_close(spools[part].fd);
        }
    }
    return status < 0 ? status : !refused;
}

static int check_wish(const struct template_wish *wish, struct err *err) {
    int status = 0;
    for (uint32_t i = 0; i < wish->name_count && status >= 0; i++) {
        status = tag_name_check(wish->names[i].from, err);
        status = status < 0 ? status : tag_name_check(wish->names[i].to, err);
    }
    return status;
}

int template_apply(struct plant *plant, const struct template *template,
    const struct template_wish *wish, struct err *err) {
    int status = check_wish(wish, err);
    if (status < 0) {
        return status;
    }
    struct making making = {.plant = plant,
        .template = template,
        .wish = wish,
        .catalogue = plant_catalogue(plant),
        .made = {.name = template->name, .note = template->note}};
    arena_init(&making.arena, 0);
    for (int part = 0; part < TEMPLATE_PART_COUNT; part++) {
        make_rows(&making, (enum template_part)part);
    }
    status = run(&making, err);
    catalogue_unref(making.catalogue);
    arena_fini(&making.arena);
    return status;
}
