/*
 * Reading a template file. It is a JSON object of a few lists of objects whose members are the
 * columns of the import's tables, all texts. A column that the import does not know is refused: a
 * typing mistake must not look like a template. Control characters are refused, so a row is a line
 * of the table that is made of it. Rows are bounded before they are looked at, memory by the size
 * of the file.
 */
#include "serve/template_in.h"

#include "core/json_in.h"
#include "core/mem.h"

enum { CELL_BYTES = 16 * 1024 };

struct reading {
    struct arena *arena;
    enum template_part part;
    struct template_rows *rows;
    const char *names[IMPORT_COLUMNS_MAX + 1];
};

static int check_text(struct str text, const char *name, struct err *err) {
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return err_set(err, ERR_INVALID, MSG_TEMPLATE_CONTROL, ARGS(A_CSTR(name)));
        }
    }
    return 0;
}

static int read_text(const struct json_in *object, const char *name, size_t max,
    struct arena *arena, struct str *ret_text, struct err *err) {
    struct str text = STR_NONE;
    int status = json_in_str(object, name, max, &text, err);
    status = status < 0 ? status : check_text(text, name, err);
    if (status >= 0) {
        *ret_text = arena_copy(arena, text);
    }
    return status;
}

static int read_row(void *context, const struct json_in *item, struct err *err) {
    struct reading *reading = context;
    enum import_kind kind = template_kind(reading->part);
    uint32_t columns = import_column_count(kind);
    struct str *cells = &reading->rows->cells[(size_t)reading->rows->count * columns];
    int status = json_in_only(item, reading->names, err);
    for (uint32_t c = 0; c < columns && status >= 0; c++) {
        status = read_text(item, reading->names[c], CELL_BYTES, reading->arena, &cells[c], err);
    }
    if (status >= 0 && cells[0].size == 0) {
        status = err_set(err, ERR_INVALID, MSG_TEMPLATE_ROW_NAME,
            ARGS(A_CSTR(template_part_name(reading->part)), A_CSTR(reading->names[0])));
    }
    reading->rows->count += status >= 0;
    return status < 0 ? err_context(err, MSG_TEMPLATE_IN_ROW,
                            ARGS(A_CSTR(template_part_name(reading->part)),
                                A_INT(reading->rows->count + 1)))
                      : 0;
}

static int count_row(void *context, const struct json_in *item, struct err *err) {
    (void)item;
    (void)err;
    ++*(uint32_t *)context;
    return 0;
}

static int read_part(const struct json_in *body, enum template_part part, struct arena *arena,
    struct template_rows *rows, struct err *err) {
    const char *name = template_part_name(part);
    uint32_t count = 0;
    int status = json_in_each(body, name, template_rows_max(part), count_row, &count, err);
    if (status < 0) {
        return status;
    }
    struct reading reading = {.arena = arena, .part = part, .rows = rows};
    uint32_t columns = import_column_count(template_kind(part));
    for (uint32_t c = 0; c < columns; c++) {
        reading.names[c] = import_column_name(template_kind(part), c).data;
    }
    rows->cells = ARENA_ARRAY(arena, struct str, ((size_t)count + 1) * columns);
    return json_in_each(body, name, template_rows_max(part), read_row, &reading, err);
}

int template_read(
    struct str text, struct arena *arena, struct template *ret_template, struct err *err) {
    static const char *const MEMBERS[] = {
        "maru_template", "name", "note", "equipment", "devices", "tags", NULL};
    if (text.size > TEMPLATE_BYTES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_TEMPLATE_LARGE, ARGS(A_INT(TEMPLATE_BYTES_MAX >> 20)));
    }
    AUTO_JSON_IN struct json_in *body = NULL;
    int64_t version = 0;
    struct template template = {.name = STR_NONE, .note = STR_NONE};
    int status = json_in_parse(text, &body, err);
    int known = status < 0 ? status : json_in_i64(body, "maru_template", &version, err);
    if (known == 0 || (known > 0 && version < 1)) {
        return err_set(err, ERR_INVALID, MSG_TEMPLATE_NONE, NO_ARGS);
    }
    if (known > 0 && version > TEMPLATE_VERSION) {
        return err_set(err, ERR_UNSUPPORTED, MSG_TEMPLATE_NEWER,
            ARGS(A_INT(version), A_INT(TEMPLATE_VERSION)));
    }
    status = known < 0 ? known : json_in_only(body, MEMBERS, err);
    status = status < 0 ? status
                        : read_text(body, "name", TEMPLATE_NAME_BYTES, arena, &template.name, err);
    status = status < 0 ? status
                        : read_text(body, "note", TEMPLATE_NOTE_BYTES, arena, &template.note, err);
    for (int part = 0; part < TEMPLATE_PART_COUNT && status >= 0; part++) {
        status = read_part(body, (enum template_part)part, arena, &template.parts[part], err);
    }
    if (status >= 0 && template.parts[TEMPLATE_DEVICES].count == 0 &&
        template.parts[TEMPLATE_TAGS].count == 0) {
        status = err_set(err, ERR_INVALID, MSG_TEMPLATE_EMPTY, NO_ARGS);
    }
    if (status >= 0) {
        *ret_template = template;
    }
    return status < 0 ? status : 0;
}
