/*
 * JSON and XML files of a folder. A JSON file is one value after the other (so one object, JSON
 * lines, or objects written behind each other); the elements of an array at the top are records of
 * their own. An XML file is one record, or one for each element that `record` names; sources are
 * paths from there: /temp, /axis/pos, /axis/@id.
 */
#include <string.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/mem.h"
#include "device/drivers/folder.h"
#include "table/xml.h"
#include "wire/json_path.h"

enum {
    PIECE_BYTES = 65536,
    PATH_BYTES = 1024,
    DEPTH_MAX = 64,
    DOCUMENT_BYTES_MAX = 256 << 20,
};

/* ---- JSON ---- */

/* The points that have a path, parsed once a file. */
struct json_points {
    const struct point **points;
    struct json_path *paths; // Of each; the last is the time's.
    const struct json_path **list;
    struct json_value *values;
    enum value_type *types;
    uint32_t count;
    bool has_time;
};

static void json_points_init(struct json_points *json, const struct folder_file *file) {
    size_t capacity = (size_t)file->all->count + 1;
    json->points = MEM_ARRAY(const struct point *, capacity);
    json->paths = MEM_ARRAY(struct json_path, capacity);
    json->list = MEM_ARRAY(const struct json_path *, capacity);
    json->values = MEM_ARRAY(struct json_value, capacity);
    json->types = MEM_ARRAY(enum value_type, capacity);
    for (uint32_t i = 0; i < file->all->count && json->count < JSON_SCAN_PATHS_MAX - 1; i++) {
        struct cell_source source;
        const struct point *point = &file->all->points[i];
        if (point->source.data[0] == '$' && cell_source_parse(point->source, &source, NULL) == 0 &&
            json_path_parse(source.column, &json->paths[json->count], NULL) == 0) {
            json->points[json->count] = point;
            json->types[json->count] = source.type;
            json->list[json->count] = &json->paths[json->count];
            json->count++;
        }
    }
    json->has_time =
        file->settings->texts[FOLDER_TIME].size > 0 &&
        json_path_parse(file->settings->texts[FOLDER_TIME], &json->paths[json->count], NULL) == 0;
    json->list[json->count] = &json->paths[json->count];
}

static void json_points_fini(struct json_points *json) {
    mem_free(json->points);
    mem_free(json->paths);
    mem_free(json->list);
    mem_free(json->values);
    mem_free(json->types);
}

static void value_text(const struct json_value *value, struct buf *out) {
    buf_clear(out);
    if (value->kind == JSON_STRING) {
        json_value_put_text(value, out);
    } else if (value->kind == JSON_BOOL) {
        buf_put_str(out, value->boolean ? STR("1") : STR("0"));
    } else if (value->kind != JSON_ABSENT && value->kind != JSON_NULL) {
        buf_put_str(out, value->text);
    }
}

static void take_record(
    struct folder_file *file, struct json_points *json, struct str record, uint64_t number) {
    struct err err = ERR_INIT;
    if (json_scan(record, json->list, json->count + json->has_time, json->values, &err) < 0) {
        file->bad_rows++;
        if (file->first_bad.code == ERR_OK) {
            file->first_bad = err;
            (void)err_context(
                &file->first_bad, MSG_FOLDER_LINE, ARGS(A_STR(file->name), A_INT(number)));
        }
        return;
    }
    AUTO_BUF struct buf text;
    buf_init(&text, LIMIT_TEXT_VALUE_BYTES + 1);
    int64_t time_ns = 0;
    if (json->has_time) {
        value_text(&json->values[json->count], &text);
    }
    if (!folder_time(file, buf_str(&text), &time_ns)) {
        folder_note(file, number, file->settings->texts[FOLDER_TIME], buf_str(&text));
        return;
    }
    folder_row(file, time_ns);
    for (uint32_t i = 0; i < json->count; i++) {
        value_text(&json->values[i], &text);
        if (!cell_give(file->sink, json->points[i], json->types[i], buf_str(&text), NULL)) {
            folder_note(file, number, json->points[i]->source, buf_str(&text));
        }
    }
    file->rows++;
}

/* The end of the JSON value that begins at `from`: strings and nesting are followed, nothing else
 * is judged. The size of the text where it does not end. */
static size_t value_end(struct str text, size_t from) {
    size_t depth = 0;
    bool inside = false;
    for (size_t i = from; i < text.size; i++) {
        char c = text.data[i];
        if (inside) {
            i += c == '\\';
            inside = c != '"';
        } else if (c == '"') {
            inside = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
            return i + 1;
        }
    }
    return text.size;
}

static void take_records(struct folder_file *file, struct json_points *json, struct str text) {
    uint64_t number = 0;
    bool array = false;
    for (size_t at = 0; at < text.size;) {
        char c = text.data[at];
        if (c == '[' && number == 0 && !array) {
            array = true; // Its elements follow.
            at++;
        } else if (c == '{' || c == '[') {
            size_t end = value_end(text, at);
            take_record(file, json, str_slice(text, at, end), ++number);
            at = end;
        } else {
            at++;
        }
    }
}

/* What the file has from `from` to `end`; less where it became shorter. */
static int read_whole(
    const struct folder_file *file, char *bytes, size_t *ret_size, struct err *err) {
    size_t size = (size_t)(file->end - file->from);
    size_t have = 0;
    while (have < size) {
        ssize_t got = pread(file->fd, bytes + have, size - have, (off_t)(file->from + have));
        if (got < 0) {
            return err_set(err, ERR_IO, MSG_FOLDER_READ, ARGS(A_STR(file->name)));
        }
        if (got == 0) {
            break;
        }
        have += (size_t)got;
    }
    *ret_size = have;
    return 0;
}

int folder_take_json(struct folder_file *file, struct err *err) {
    if (file->end - file->from > DOCUMENT_BYTES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_FOLDER_LARGE, ARGS(A_STR(file->name)));
    }
    /* Read, not mapped: a file that is cut off while it is mapped ends the program. */
    AUTO_FREE char *bytes = mem_alloc((size_t)(file->end - file->from) + 1);
    struct str text = {bytes, 0};
    int result = read_whole(file, bytes, &text.size, err);
    if (result < 0) {
        return result;
    }
    struct json_points json = {0};
    json_points_init(&json, file);
    if (text.size > 0 && !str_is_utf8(text, NULL)) {
        result = err_set(err, ERR_INVALID, MSG_FOLDER_UTF8, ARGS(A_STR(file->name)));
    } else if (text.size > 0) {
        take_records(file, &json, text);
    }
    json_points_fini(&json);
    return result;
}

/* ---- XML ---- */

struct xml_reading {
    struct folder_file *file;
    struct buf path;          // From the record on: "/axis/pos".
    size_t starts[DEPTH_MAX]; // Where each open element begins in it.
    size_t depth;             // Below the record.
    size_t outside;           // Open elements above it.
    bool in_record;
    struct buf text;    // Of the element that is open.
    struct buf *values; // Of each point; the last is the time.
    bool *found;
    uint64_t number;
};

static void keep(struct xml_reading *xml, struct str path, struct str value) {
    const struct point_group *all = xml->file->all;
    for (uint32_t i = 0; i <= all->count; i++) {
        struct cell_source source = {.column = xml->file->settings->texts[FOLDER_TIME]};
        if (i < all->count) {
            (void)cell_source_parse(all->points[i].source, &source, NULL);
        }
        if (str_eq(source.column, path)) {
            buf_clear(&xml->values[i]);
            buf_put_str(&xml->values[i], value);
            xml->found[i] = true;
        }
    }
}

static void keep_attributes(
    struct xml_reading *xml, const struct xml_attribute *attributes, size_t count) {
    size_t size = xml->path.size;
    for (size_t i = 0; i < count; i++) {
        buf_put_str(&xml->path, STR("/@"));
        buf_put_str(&xml->path, attributes[i].name);
        keep(xml, buf_str(&xml->path), attributes[i].value);
        xml->path.size = size;
    }
}

static int xml_begin(void *context, struct str name, const struct xml_attribute *attributes,
    size_t count, struct err *err) {
    struct xml_reading *xml = context;
    struct str record = xml->file->settings->texts[FOLDER_RECORD];
    if (!xml->in_record) {
        if (record.size > 0 && !str_eq(name, record)) {
            xml->outside++;
            return 0;
        }
        xml->in_record = true;
        xml->depth = 0;
        buf_clear(&xml->path);
        for (uint32_t i = 0; i <= xml->file->all->count; i++) {
            xml->found[i] = false;
        }
    } else {
        if (xml->depth >= DEPTH_MAX) {
            return err_set(err, ERR_LIMIT, MSG_FOLDER_DEEP, ARGS(A_INT(DEPTH_MAX)));
        }
        xml->starts[xml->depth++] = xml->path.size;
        buf_put_char(&xml->path, '/');
        buf_put_str(&xml->path, name);
    }
    buf_clear(&xml->text);
    keep_attributes(xml, attributes, count);
    return 0;
}

static int xml_text(void *context, struct str text, struct err *err) {
    (void)err;
    struct xml_reading *xml = context;
    if (xml->in_record) {
        buf_put_str(&xml->text, text);
    }
    return 0;
}

static void give_record(struct xml_reading *xml) {
    struct folder_file *file = xml->file;
    uint32_t count = file->all->count;
    int64_t time_ns = 0;
    xml->number++;
    struct str time = xml->found[count] ? buf_str(&xml->values[count]) : STR_NONE;
    if (!folder_time(file, str_trim(time), &time_ns)) {
        folder_note(file, xml->number, file->settings->texts[FOLDER_TIME], time);
        return;
    }
    folder_row(file, time_ns);
    for (uint32_t i = 0; i < count; i++) {
        const struct point *point = &file->all->points[i];
        struct str value = str_trim(buf_str(&xml->values[i]));
        if (xml->found[i] &&
            !cell_give(file->sink, point, (enum value_type)point->detail[0], value, NULL)) {
            folder_note(file, xml->number, point->source, value);
        }
    }
    file->rows++;
}

static int xml_end(void *context, struct str name, struct err *err) {
    (void)name;
    (void)err;
    struct xml_reading *xml = context;
    if (!xml->in_record) {
        xml->outside -= xml->outside > 0;
        return 0;
    }
    if (xml->depth == 0) {
        give_record(xml);
        xml->in_record = false;
        return 0;
    }
    keep(xml, buf_str(&xml->path), buf_str(&xml->text));
    buf_clear(&xml->text); // What follows is not of the element around it.
    xml->path.size = xml->starts[--xml->depth];
    buf_clear(&xml->text);
    return 0;
}

static int feed(struct xml_reading *reading, struct err *err) {
    struct xml_events events = {
        .context = reading, .begin = xml_begin, .end = xml_end, .text = xml_text};
    struct xml *xml = xml_new(&events);
    AUTO_FREE char *piece = mem_zero(PIECE_BYTES, 1);
    uint64_t at = 0;
    int result = 0;
    while (result == 0) {
        ssize_t got = pread(reading->file->fd, piece, PIECE_BYTES, (off_t)at);
        if (got < 0) {
            result = err_set(err, ERR_IO, MSG_FOLDER_READ, ARGS(A_STR(reading->file->name)));
            break;
        }
        result = xml_feed(xml, piece, (size_t)got, got == 0, err);
        at += (uint64_t)got;
        if (got == 0) {
            break;
        }
    }
    xml_free(xml);
    return result;
}

int folder_take_xml(struct folder_file *file, struct err *err) {
    size_t count = (size_t)file->all->count + 1;
    struct xml_reading reading = {.file = file};
    buf_init(&reading.path, PATH_BYTES);
    buf_init(&reading.text, LIMIT_TEXT_VALUE_BYTES);
    reading.values = MEM_ARRAY(struct buf, count);
    reading.found = MEM_ARRAY(bool, count);
    for (size_t i = 0; i < count; i++) {
        buf_init(&reading.values[i], LIMIT_TEXT_VALUE_BYTES);
    }
    int result = feed(&reading, err);
    for (size_t i = 0; i < count; i++) {
        buf_fini(&reading.values[i]);
    }
    mem_free(reading.values);
    mem_free(reading.found);
    buf_fini(&reading.path);
    buf_fini(&reading.text);
    return result;
}
