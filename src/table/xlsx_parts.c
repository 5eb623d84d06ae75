/*
 * Workbook, relations, styles and shared texts. Each is a small automaton over XML events; what it
 * keeps is bounded by names in the header. Shared texts may be as long as the table itself, so they
 * go to a file without a name together with their offsets, both mapped when they are complete: what
 * is not looked at needs no memory. ECMA-376 part 1: 18.2 (workbook), 18.4 (shared strings), 18.8
 * (styles); part 2, 9.3 (relationships).
 */
#include "table/xlsx_parts.h"

#include <string.h>

static const uint64_t TEXTS_MAX_BYTES = 4ULL << 30;
static const uint64_t OFFSETS_MAX_BYTES = 1ULL << 30; // 128 million texts.

int xlsx_parts_init(struct xlsx_parts *parts, const char *spool_folder, struct err *err) {
    *parts = (struct xlsx_parts){.texts.fd = -1, .offsets.fd = -1};
    arena_init(&parts->arena, 16 << 20);
    parts->sheets = MEM_ARRAY(struct xlsx_sheet, XLSX_SHEETS_MAX);
    parts->styles = MEM_ARRAY(struct cell_format, XLSX_STYLES_MAX);
    parts->formats = mem_zero(XLSX_FORMATS_MAX, sizeof parts->formats[0]);
    buf_init(&parts->text, XLSX_TEXT_MAX_BYTES);
    buf_init(&parts->decoded, XLSX_TEXT_MAX_BYTES);
    int status = spool_open(&parts->texts, spool_folder, TEXTS_MAX_BYTES, err);
    return status < 0 ? status : spool_open(&parts->offsets, spool_folder, OFFSETS_MAX_BYTES, err);
}

void xlsx_parts_fini(struct xlsx_parts *parts) {
    spool_close(&parts->texts);
    spool_close(&parts->offsets);
    buf_fini(&parts->text);
    buf_fini(&parts->decoded);
    mem_free(parts->sheets);
    mem_free(parts->styles);
    mem_free(parts->formats);
    arena_fini(&parts->arena);
}

static int too_many(struct err *err) {
    return err_set(err, ERR_LIMIT, MSG_TABLE_XLSX_PARTS, NO_ARGS);
}

/* A copy that lives as long as the parts; a name longer than any real one is refused. */
static int keep(struct xlsx_parts *parts, struct str text, struct str *ret_text, struct err *err) {
    char *copy = text.size < 4096 ? arena_try(&parts->arena, text.size + 1) : NULL;
    if (copy == NULL) {
        return too_many(err);
    }
    memcpy(copy, text.data, text.size);
    *ret_text = (struct str){copy, text.size};
    return 0;
}

static int ignore_end(void *context, struct str name, struct err *err) {
    (void)context, (void)name, (void)err;
    return 0;
}

static int ignore_text(void *context, struct str text, struct err *err) {
    (void)context, (void)text, (void)err;
    return 0;
}

static struct str find(const struct xml_attribute *attributes, size_t count, struct str name) {
    struct str value = xml_find(attributes, count, name);
    return value.data != NULL ? value : STR_NONE;
}

/* ---- Workbook ---- */

static int workbook_begin(void *context, struct str name, const struct xml_attribute *attributes,
    size_t count, struct err *err) {
    struct xlsx_parts *parts = context;
    if (str_eq(name, STR("workbookPr"))) {
        struct str value = find(attributes, count, STR("date1904"));
        parts->from_1904 = str_eq(value, STR("1")) || str_eq(value, STR("true"));
    }
    if (!str_eq(name, STR("sheet"))) {
        return 0;
    }
    if (parts->sheet_count == XLSX_SHEETS_MAX) {
        return too_many(err);
    }
    struct xlsx_sheet *sheet = &parts->sheets[parts->sheet_count];
    *sheet = (struct xlsx_sheet){.path = STR_NONE};
    sheet->hidden = find(attributes, count, STR("state")).size > 0 &&
                    !str_eq(find(attributes, count, STR("state")), STR("visible"));
    int status = keep(parts, find(attributes, count, STR("name")), &sheet->name, err);
    if (status >= 0) {
        status = keep(parts, find(attributes, count, STR("id")), &sheet->relation, err);
    }
    parts->sheet_count += status >= 0;
    return status;
}

struct xml_events xlsx_workbook_events(struct xlsx_parts *parts) {
    return (struct xml_events){parts, workbook_begin, ignore_end, ignore_text};
}

/* ---- Relations ---- */

/* Targets are relative to the workbook's folder, or begin with a slash. */
static int keep_path(
    struct xlsx_parts *parts, struct str target, struct str *ret_path, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, 4096);
    if (str_starts(target, STR("/"))) {
        buf_put_str(&path, str_slice(target, 1, target.size));
    } else {
        buf_put_str(&path, STR("xl/"));
        buf_put_str(&path, target);
    }
    return keep(parts, buf_str(&path), ret_path, err);
}

static int relation_begin(void *context, struct str name, const struct xml_attribute *attributes,
    size_t count, struct err *err) {
    struct xlsx_parts *parts = context;
    if (!str_eq(name, STR("Relationship"))) {
        return 0;
    }
    struct str id = find(attributes, count, STR("Id"));
    struct str type = find(attributes, count, STR("Type"));
    struct str target = find(attributes, count, STR("Target"));
    int status = 0;
    if (str_ends(type, STR("/sharedStrings"))) {
        status = keep_path(parts, target, &parts->shared_path, err);
    } else if (str_ends(type, STR("/styles"))) {
        status = keep_path(parts, target, &parts->styles_path, err);
    }
    for (uint32_t i = 0; i < parts->sheet_count && status >= 0; i++) {
        if (str_eq(parts->sheets[i].relation, id) && str_ends(type, STR("/worksheet"))) {
            status = keep_path(parts, target, &parts->sheets[i].path, err);
        }
    }
    return status;
}

struct xml_events xlsx_relation_events(struct xlsx_parts *parts) {
    return (struct xml_events){parts, relation_begin, ignore_end, ignore_text};
}

/* ---- Styles ---- */

static struct cell_format format_of(const struct xlsx_parts *parts, uint32_t id) {
    for (uint32_t i = 0; i < parts->format_count; i++) {
        if (parts->formats[i].id == id) {
            return parts->formats[i].format;
        }
    }
    return cell_format_of_id(id);
}

static uint32_t number_of(struct str text) {
    uint64_t value = 0;
    return str_to_u64(text, &value) && value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static int style_begin(void *context, struct str name, const struct xml_attribute *attributes,
    size_t count, struct err *err) {
    struct xlsx_parts *parts = context;
    uint32_t id = number_of(find(attributes, count, STR("numFmtId")));
    if (str_eq(name, STR("numFmt"))) {
        if (parts->format_count == XLSX_FORMATS_MAX) {
            return too_many(err);
        }
        parts->formats[parts->format_count].id = id;
        parts->formats[parts->format_count++].format =
            cell_format_of_code(find(attributes, count, STR("formatCode")));
    } else if (str_eq(name, STR("cellXfs"))) {
        parts->in_cell_styles = true;
    } else if (str_eq(name, STR("xf")) && parts->in_cell_styles) {
        if (parts->style_count == XLSX_STYLES_MAX) {
            return too_many(err);
        }
        parts->styles[parts->style_count++] = format_of(parts, id);
    }
    return 0;
}

static int style_end(void *context, struct str name, struct err *err) {
    (void)err;
    struct xlsx_parts *parts = context;
    if (str_eq(name, STR("cellXfs"))) {
        parts->in_cell_styles = false;
    }
    return 0;
}

struct xml_events xlsx_style_events(struct xlsx_parts *parts) {
    return (struct xml_events){parts, style_begin, style_end, ignore_text};
}

/* ---- Shared texts ---- */

static int put_offset(struct xlsx_parts *parts, struct err *err) {
    uint64_t offset = parts->texts.size;
    return spool_put(&parts->offsets, (struct str){(const char *)&offset, sizeof offset}, err);
}

static int shared_begin(void *context, struct str name, const struct xml_attribute *attributes,
    size_t count, struct err *err) {
    (void)attributes, (void)count, (void)err;
    struct xlsx_parts *parts = context;
    if (str_eq(name, STR("si"))) {
        buf_clear(&parts->text);
    } else if (str_eq(name, STR("rPh"))) {
        parts->in_reading++;
    } else if (str_eq(name, STR("t"))) {
        parts->in_text = parts->in_reading == 0;
    }
    return 0;
}

static int shared_end(void *context, struct str name, struct err *err) {
    struct xlsx_parts *parts = context;
    if (str_eq(name, STR("rPh"))) {
        parts->in_reading--;
    } else if (str_eq(name, STR("t"))) {
        parts->in_text = false;
    } else if (str_eq(name, STR("si"))) {
        buf_clear(&parts->decoded);
        cell_put_text(&parts->decoded, buf_str(&parts->text));
        int status = put_offset(parts, err);
        parts->text_count++;
        return status < 0 ? status : spool_put(&parts->texts, buf_str(&parts->decoded), err);
    }
    return 0;
}

static int shared_text(void *context, struct str text, struct err *err) {
    struct xlsx_parts *parts = context;
    if (parts->in_text) {
        buf_put_str(&parts->text, text);
    }
    return parts->text.overflow ? too_many(err) : 0;
}

struct xml_events xlsx_shared_events(struct xlsx_parts *parts) {
    return (struct xml_events){parts, shared_begin, shared_end, shared_text};
}

int xlsx_shared_end(struct xlsx_parts *parts, struct err *err) {
    int status = put_offset(parts, err);
    if (status >= 0) {
        status = spool_map(&parts->texts, err);
    }
    return status < 0 ? status : spool_map(&parts->offsets, err);
}

bool xlsx_shared_text(const struct xlsx_parts *parts, uint64_t index, struct str *ret_text) {
    if (index >= parts->text_count || parts->offsets.map.data == NULL) {
        return false;
    }
    uint64_t bounds[2];
    memcpy(bounds, parts->offsets.map.data + index * sizeof bounds[0], sizeof bounds);
    const char *texts = parts->texts.map.data != NULL ? (const char *)parts->texts.map.data : "";
    *ret_text = (struct str){texts + bounds[0], bounds[1] - bounds[0]};
    return true;
}
