/*
 * MTConnect agents (ANSI/MTC1.4 and later, part 1: fundamentals; part 3: streams), over HTTP.
 *
 * A session begins with /current and goes on with /sample?from=N. Every observation carries the
 * machine's own time and a sequence number, so nothing is read twice and nothing is left out as
 * long as the agent's buffer reaches back: `instanceId` and `nextSequence` are kept as a bookmark,
 * written after the values are durable. A new instanceId means the agent began anew: all that its
 * new run still holds is read. OUT_OF_RANGE means its buffer has passed us: behind the last value
 * the points are marked as without data, what has not changed since is known again by /current, and
 * all that the buffer holds is read. UNAVAILABLE is a quality, not a value.
 *
 * A source is the dataItemId or the name of a data item, with a type where it is no number: `Xact`,
 * `exec text`, `partcount i64`. Conditions read as text: NORMAL, or WARNING or FAULT with their
 * code and words.
 */
#include <stdio.h>

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "device/driver.h"
#include "device/http_get.h"
#include "table/xml.h"

enum { MTC_USER = 0, MTC_PASSWORD, MTC_CA_FILE, MTC_COUNT };
enum {
    BODY_BYTES_MAX = 16 << 20,
    URL_BYTES = 2048,
    KEY_BYTES = 256, // Of a dataItemId; longer ones match nothing.
    ROUNDS_MAX = 64, // Requests of one poll while catching up.
    SLOTS_EXTRA = 16,
};

#define BOOKMARK "stream"

/* Finds the points of an identifier: chains through an open-addressing table of hashes. */
struct mtc_index {
    uint32_t *slots; // Point + 1; 0: free.
    uint32_t slot_count;
    uint32_t *nexts; // The next point with the same key + 1.
};

struct mtc_private {
    struct http_get *client;
    uint64_t instance;
    uint64_t next;
    int64_t newest_ns; // The newest time that was read; 0: none.
    bool placed;       // instance and next hold.
    uint64_t saved_instance;
    uint64_t saved_next;
};

/* ---- Sources ---- */

static int parse_source(
    struct str source, struct str *ret_key, enum value_type *ret_type, struct err *err) {
    struct str rest = str_trim(source);
    *ret_key = str_cut(&rest, ' ');
    rest = str_trim(rest);
    *ret_type = TYPE_F64;
    if (ret_key->size == 0 || ret_key->size >= KEY_BYTES) {
        return err_set(err, ERR_INVALID, MSG_MTC_KEY, ARGS(A_STR(source)));
    }
    if (rest.size > 0 && !value_type_of_name(rest, ret_type)) {
        return err_set(err, ERR_INVALID, MSG_MTC_WORD, ARGS(A_STR(rest)));
    }
    return 0;
}

static int mtc_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    (void)settings;
    struct str key = STR_NONE;
    enum value_type type = TYPE_F64;
    int result = parse_source(source, &key, &type, err);
    if (result < 0) {
        return result;
    }
    ret_point->length = 1; // One stream holds all points.
    ret_point->detail[0] = type;
    ret_point->natural_type = type;
    return 0;
}

static struct driver_span mtc_span(const struct driver_settings *settings, uint32_t space) {
    (void)settings;
    (void)space;
    return (struct driver_span){.max_length = 1};
}

static int mtc_check_address(
    struct str address, const struct driver_settings *settings, struct err *err) {
    (void)settings;
    return http_get_check(address, err);
}

/* ---- Index ---- */

static uint32_t slot_of(const struct mtc_index *index, const struct point *points, struct str key) {
    uint32_t slot = (uint32_t)(hash64(key.data, key.size) % index->slot_count);
    while (index->slots[slot] != 0) {
        struct str other = STR_NONE;
        enum value_type type = TYPE_F64;
        (void)parse_source(points[index->slots[slot] - 1].source, &other, &type, NULL);
        if (str_eq(other, key)) {
            break;
        }
        slot = slot + 1 == index->slot_count ? 0 : slot + 1;
    }
    return slot;
}

static struct mtc_index index_new(const struct point_group *group) {
    struct mtc_index index = {.slot_count = 2 * group->count + SLOTS_EXTRA};
    index.slots = MEM_ARRAY(uint32_t, index.slot_count);
    index.nexts = MEM_ARRAY(uint32_t, (size_t)group->count + 1);
    for (uint32_t i = 0; i < group->count; i++) {
        struct str key = STR_NONE;
        enum value_type type = TYPE_F64;
        (void)parse_source(group->points[i].source, &key, &type, NULL); // It was good before.
        uint32_t slot = slot_of(&index, group->points, key);
        index.nexts[i] = index.slots[slot];
        index.slots[slot] = i + 1;
    }
    return index;
}

static void index_free(struct mtc_index *index) {
    mem_free(index->slots);
    mem_free(index->nexts);
}

/* ---- Reading a stream document ---- */

/* What one document tells while it is read. */
struct document {
    const struct point_group *group;
    const struct mtc_index *index;
    struct point_sink *sink;
    struct driver_io *io;
    uint64_t instance;
    uint64_t first; // That the agent still holds.
    uint64_t next;
    int64_t gap_ns; // Not 0: what is not newer holds now, but nobody knows since when.
    int64_t newest_ns;
    bool has_header;
    bool is_error;
    bool out_of_range;
    /* The observation that is open. */
    uint32_t point; // + 1 of the first with its id; 0: nobody's.
    uint32_t named; // The same by its name.
    uint32_t depth; // 0: none is open.
    int64_t time_ns;
    bool is_condition;
    struct buf text;
    struct buf level; // Of a condition.
};

static struct str attribute(
    const struct xml_attribute *attributes, size_t count, const char *name) {
    return xml_find(attributes, count, str_of(name));
}

static void read_header(
    struct document *doc, const struct xml_attribute *attributes, size_t count) {
    uint64_t instance = 0;
    uint64_t next = 0;
    doc->has_header = str_to_u64(attribute(attributes, count, "instanceId"), &instance);
    if (doc->has_header) {
        doc->instance = instance;
    }
    if (str_to_u64(attribute(attributes, count, "nextSequence"), &next)) {
        doc->next = next;
    }
    if (str_to_u64(attribute(attributes, count, "firstSequence"), &next)) {
        doc->first = next;
    }
}

static uint32_t find(const struct document *doc, struct str key) {
    if (key.size == 0 || key.size >= KEY_BYTES) {
        return 0;
    }
    return doc->index->slots[slot_of(doc->index, doc->group->points, key)];
}

static int begin_element(void *context, struct str name, const struct xml_attribute *attributes,
    size_t count, struct err *err) {
    (void)err;
    struct document *doc = context;
    if (doc->depth > 0) {
        doc->depth++; // An entry of a data set: part of the text.
        return 0;
    }
    if (str_eq(name, STR("Header"))) {
        read_header(doc, attributes, count);
    } else if (str_eq(name, STR("MTConnectError"))) {
        doc->is_error = true;
    } else if (str_eq(name, STR("Error"))) {
        doc->out_of_range |= str_eq(attribute(attributes, count, "errorCode"), STR("OUT_OF_RANGE"));
    }
    struct str id = attribute(attributes, count, "dataItemId");
    if (id.size == 0) {
        return 0;
    }
    doc->depth = 1;
    doc->point = find(doc, id);
    doc->named = find(doc, attribute(attributes, count, "name"));
    doc->named = doc->named == doc->point ? 0 : doc->named;
    doc->time_ns = 0;
    (void)time_parse(attribute(attributes, count, "timestamp"), NULL, &doc->time_ns);
    doc->is_condition = str_eq(name, STR("Normal")) || str_eq(name, STR("Warning")) ||
                        str_eq(name, STR("Fault")) || str_eq(name, STR("Unavailable"));
    buf_clear(&doc->text);
    buf_clear(&doc->level);
    if (doc->is_condition) {
        buf_put_str(&doc->level, name);
        struct str code = attribute(attributes, count, "nativeCode");
        if (code.size > 0) {
            buf_put_char(&doc->level, ' ');
            buf_put_str(&doc->level, code);
        }
    }
    if (doc->point == 0 && doc->named == 0) {
        io_unclaimed(doc->io, 1);
    }
    return 0;
}

static int take_text(void *context, struct str text, struct err *err) {
    (void)err;
    struct document *doc = context;
    if (doc->depth > 0) {
        buf_put_str(&doc->text, text);
    }
    return 0;
}

static void give_condition(struct document *doc, const struct point *point) {
    AUTO_BUF struct buf words;
    buf_init(&words, LIMIT_TEXT_VALUE_BYTES + 64);
    for (size_t i = 0; i < doc->level.size; i++) {
        char c = (char)doc->level.data[i];
        buf_put_char(&words, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
    }
    struct str text = str_trim(buf_str(&doc->text));
    if (text.size > 0) {
        buf_put_char(&words, ' ');
        buf_put_str(&words, text);
    }
    sink_text(doc->sink, point, buf_str(&words));
}

static void give(struct document *doc, const struct point *point) {
    struct str text = str_trim(buf_str(&doc->text));
    enum value_type type = (enum value_type)point->detail[0];
    double number = 0;
    int64_t whole = 0;
    sink_time(doc->sink, doc->time_ns > doc->gap_ns ? doc->time_ns : 0);
    if (str_eq(text, STR("UNAVAILABLE")) || str_starts(buf_str(&doc->level), STR("Unavailable"))) {
        sink_bad(doc->sink, point, STATUS_BAD_NO_DATA, NULL);
    } else if (type == TYPE_TEXT && doc->is_condition) {
        give_condition(doc, point);
    } else if (type == TYPE_TEXT) {
        sink_text(doc->sink, point, text);
    } else if (type == TYPE_BOOL) {
        bool on = str_eq_nocase(text, STR("true")) || str_eq(text, STR("1")) ||
                  str_eq_nocase(text, STR("on")) || str_eq_nocase(text, STR("active"));
        sink_bool(doc->sink, point, on);
    } else if (type == TYPE_I64 && str_to_i64(text, &whole)) {
        sink_i64(doc->sink, point, whole);
    } else if (type == TYPE_F64 && str_to_f64(text, &number)) {
        sink_f64(doc->sink, point, number);
    } else {
        struct err words = ERR_INIT;
        (void)err_set(&words, ERR_TYPE, MSG_MTC_VALUE, ARGS(A_STR(point->source), A_STR(text)));
        sink_bad(doc->sink, point, STATUS_BAD_DATA_ENCODING, &words);
    }
    sink_time(doc->sink, 0);
}

static int end_element(void *context, struct str name, struct err *err) {
    (void)name;
    (void)err;
    struct document *doc = context;
    if (doc->depth == 0 || --doc->depth > 0) {
        return 0;
    }
    bool sane = doc->time_ns < io_wall_ns(doc->io) + SAMPLE_AHEAD_MAX_NS;
    doc->newest_ns = sane && doc->time_ns > doc->newest_ns ? doc->time_ns : doc->newest_ns;
    const uint32_t chains[] = {doc->point, doc->named};
    for (size_t i = 0; i < 2; i++) {
        for (uint32_t at = chains[i]; at != 0; at = doc->index->nexts[at - 1]) {
            give(doc, &doc->group->points[at - 1]);
        }
    }
    return 0;
}

static int read_document(struct document *doc, struct str text, struct err *err) {
    struct xml_events events = {
        .context = doc, .begin = begin_element, .end = end_element, .text = take_text};
    buf_init(&doc->text, LIMIT_TEXT_VALUE_BYTES);
    buf_init(&doc->level, KEY_BYTES);
    struct xml *xml = xml_new(&events);
    int result = xml_feed(xml, text.data, text.size, true, err);
    xml_free(xml);
    buf_fini(&doc->text);
    buf_fini(&doc->level);
    if (result == 0 && !doc->has_header) {
        return err_set(err, ERR_FRAME, MSG_MTC_NO_AGENT, NO_ARGS);
    }
    return result;
}

/* ---- Asking ---- */

/* Fetches "/what" of the agent and reads it. 1: the agent's buffer has passed us. */
static int fetch(struct driver_io *io, const char *what, struct document *doc, struct err *err) {
    struct mtc_private *mtc = io_private(io);
    struct str base = io_address(io);
    doc->has_header = doc->is_error = doc->out_of_range = false;
    doc->first = doc->next = 0;
    while (base.size > 0 && base.data[base.size - 1] == '/') {
        base.size--;
    }
    AUTO_BUF struct buf url;
    AUTO_BUF struct buf body;
    buf_init(&url, URL_BYTES);
    buf_init(&body, BODY_BYTES_MAX);
    buf_put_str(&url, base);
    buf_put_str(&url, str_of(what));
    int status = http_get(mtc->client, io, buf_str(&url), &body, err);
    if (status < 0) {
        return status;
    }
    struct err words = ERR_INIT;
    int result = read_document(doc, buf_str(&body), &words);
    if (result == 0 && doc->is_error && doc->out_of_range) {
        return 1;
    }
    if (status < 200 || status >= 300 || doc->is_error) {
        return http_get_refused(buf_str(&url), status, err);
    }
    if (result < 0) {
        *err = words;
        return err_context(err, MSG_HTTP_DOCUMENT, ARGS(A_STR(buf_str(&url))));
    }
    if (doc->next == 0) {
        return err_set(err, ERR_FRAME, MSG_MTC_NO_AGENT, NO_ARGS);
    }
    mtc->newest_ns = doc->newest_ns > mtc->newest_ns ? doc->newest_ns : mtc->newest_ns;
    return 0;
}

static int fetch_current(struct driver_io *io, struct document *doc, struct err *err) {
    struct mtc_private *mtc = io_private(io);
    int result = fetch(io, "/current", doc, err);
    if (result == 0) {
        mtc->instance = doc->instance;
        mtc->next = doc->next;
        mtc->placed = true;
    }
    return result > 0 ? err_set(err, ERR_FRAME, MSG_MTC_NO_AGENT, NO_ARGS) : result;
}

/* The agent does not have what comes next. Of the same run: its buffer has passed us, so the gap is
 * marked behind the last value. What it still holds is read from its beginning. */
static int begin_behind_gap(struct driver_io *io, struct document *doc, struct err *err) {
    struct mtc_private *mtc = io_private(io);
    bool same_run = doc->instance == mtc->instance;
    struct err words = ERR_INIT;
    (void)err_set(&words, ERR_RANGE, MSG_MTC_GAP, NO_ARGS);
    for (uint32_t i = 0; i < doc->group->count && same_run; i++) {
        sink_time(doc->sink, mtc->newest_ns > 0 ? mtc->newest_ns + 1 : 0);
        sink_bad(doc->sink, &doc->group->points[i], STATUS_BAD_NO_DATA, &words);
    }
    sink_time(doc->sink, 0);
    doc->gap_ns = same_run ? mtc->newest_ns : 0;
    int result = fetch_current(io, doc, err);
    doc->gap_ns = 0;
    mtc->next = doc->first > 0 && doc->first < mtc->next ? doc->first : mtc->next;
    return result;
}

static int catch_up(struct driver_io *io, struct document *doc, struct err *err) {
    struct mtc_private *mtc = io_private(io);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        char what[96];
        (void)snprintf(what, sizeof what, "/sample?from=%llu&count=%lld",
            (unsigned long long)mtc->next, (long long)io_settings(io)->values[MTC_COUNT]);
        uint64_t before = mtc->next;
        doc->instance = mtc->instance;
        int result = fetch(io, what, doc, err);
        if (result < 0) {
            return result;
        }
        if (result > 0) {
            result = begin_behind_gap(io, doc, err);
            if (result < 0) {
                return result;
            }
            continue;
        }
        if (doc->instance != mtc->instance) { // What was read is of the new run: all of it counts.
            mtc->instance = doc->instance;
            mtc->next = doc->first > 0 ? doc->first : doc->next;
            continue;
        }
        mtc->next = doc->next;
        if (mtc->next <= before ||
            mtc->next - before < (uint64_t)io_settings(io)->values[MTC_COUNT]) {
            break; // Nothing more waits.
        }
    }
    return 0;
}

static int mtc_read_groups(struct driver_io *io, const struct point_group *groups, uint32_t count,
    struct point_sink *sink, struct err *err) {
    struct mtc_private *mtc = io_private(io);
    int result = 0;
    for (uint32_t i = 0; i < count && result == 0; i++) {
        struct mtc_index index = index_new(&groups[i]);
        struct document doc = {.group = &groups[i], .index = &index, .sink = sink, .io = io};
        result = mtc->placed ? catch_up(io, &doc, err) : fetch_current(io, &doc, err);
        index_free(&index);
    }
    if (result == 0) {
        sink_alive(sink);
    }
    return result;
}

/* "INSTANCE NEXT NEWEST" */
static int mtc_acknowledge(struct driver_io *io, struct err *err) {
    struct mtc_private *mtc = io_private(io);
    if (!mtc->placed || (mtc->next == mtc->saved_next && mtc->instance == mtc->saved_instance)) {
        return 0;
    }
    char place[64];
    (void)snprintf(place, sizeof place, "%llu %llu %lld", (unsigned long long)mtc->instance,
        (unsigned long long)mtc->next, (long long)mtc->newest_ns);
    int result = io_bookmark_put(io, STR(BOOKMARK), str_of(place), err);
    if (result == 0) {
        mtc->saved_next = mtc->next;
        mtc->saved_instance = mtc->instance;
    }
    return result;
}

static int mtc_open(struct driver_io *io, struct err *err) {
    const struct driver_settings *settings = io_settings(io);
    struct mtc_private *mtc = io_private(io);
    *mtc = (struct mtc_private){0};
    AUTO_BUF struct buf place;
    buf_init(&place, 4096);
    int result = io_bookmark_get(io, STR(BOOKMARK), &place, err);
    if (result < 0 && result != -ERR_NOT_FOUND) {
        return result;
    }
    struct str rest = buf_str(&place);
    struct str instance = str_cut(&rest, ' ');
    mtc->placed = result == 0 && str_to_u64(instance, &mtc->instance) &&
                  str_to_u64(str_cut(&rest, ' '), &mtc->next);
    if (!str_to_i64(rest, &mtc->newest_ns)) {
        mtc->newest_ns = 0;
    }
    mtc->client = http_get_new(&(struct http_get_options){.user = settings->texts[MTC_USER],
        .password = settings->texts[MTC_PASSWORD],
        .ca_file = settings->texts[MTC_CA_FILE]});
    return 0;
}

static void mtc_close(struct driver_io *io) {
    struct mtc_private *mtc = io_private(io);
    http_get_free(mtc->client);
    mtc->client = NULL;
}

/* ---- Browsing ---- */

struct probing {
    struct browse_list *list;
    bool full;
};

static int probe_element(void *context, struct str name, const struct xml_attribute *attributes,
    size_t count, struct err *err) {
    (void)err;
    struct probing *probing = context;
    struct str id = attribute(attributes, count, "id");
    if (!str_eq(name, STR("DataItem")) || id.size == 0 || probing->full) {
        return 0;
    }
    bool is_sample = str_eq(attribute(attributes, count, "category"), STR("SAMPLE"));
    AUTO_BUF struct buf source;
    AUTO_BUF struct buf display;
    buf_init(&source, KEY_BYTES + 8);
    buf_init(&display, 1024);
    buf_put_str(&source, id);
    buf_put_str(&source, is_sample ? STR_NONE : STR(" text"));
    buf_put_str(&display, attribute(attributes, count, "name"));
    buf_put_char(&display, ' ');
    buf_put_str(&display, attribute(attributes, count, "type"));
    buf_put_char(&display, ' ');
    buf_put_str(&display, attribute(attributes, count, "subType"));
    struct browse_item item = {.source = buf_str(&source),
        .display = str_trim(buf_str(&display)),
        .unit = attribute(attributes, count, "units"),
        .type = is_sample ? TYPE_F64 : TYPE_TEXT};
    probing->full = !browse_add(probing->list, &item);
    return 0;
}

static int probe_end(void *context, struct str name, struct err *err) {
    (void)context;
    (void)name;
    (void)err;
    return 0;
}

static int probe_text(void *context, struct str text, struct err *err) {
    return probe_end(context, text, err);
}

static int mtc_browse(
    struct driver_io *io, struct str under, struct browse_list *list, struct err *err) {
    (void)under;
    struct mtc_private *mtc = io_private(io);
    AUTO_BUF struct buf url;
    AUTO_BUF struct buf body;
    buf_init(&url, URL_BYTES);
    buf_init(&body, BODY_BYTES_MAX);
    buf_printf(&url, "%.*s/probe", STR_ARG(io_address(io)));
    int status = http_get(mtc->client, io, buf_str(&url), &body, err);
    if (status < 0 || status < 200 || status >= 300) {
        return status < 0 ? status : http_get_refused(buf_str(&url), status, err);
    }
    struct probing probing = {.list = list};
    struct xml_events events = {
        .context = &probing, .begin = probe_element, .end = probe_end, .text = probe_text};
    struct xml *xml = xml_new(&events);
    int result = xml_feed(xml, body.data, body.size, true, err);
    xml_free(xml);
    return result;
}

static const struct driver_option mtc_options[] = {
    [MTC_USER] = {.name = "user",
        .help_en = "User name, where the agent asks for one.",
        .help_ko = "에이전트가 요구하는 사용자 이름입니다.",
        .is_text = true},
    [MTC_PASSWORD] = {.name = "password",
        .help_en = "Its password.",
        .help_ko = "그 비밀번호입니다.",
        .is_text = true,
        .is_secret = true},
    [MTC_CA_FILE] = {.name = "ca_file",
        .help_en = "File of certificates to trust for https, instead of the system's.",
        .help_ko = "https에서 신뢰할 인증서 파일입니다(없으면 시스템의 것).",
        .is_text = true,
        .is_file = true},
    [MTC_COUNT] = {.name = "count",
        .help_en = "Observations asked in one request.",
        .help_ko = "요청 한 번에 받는 관측값 개수입니다.",
        .fallback = 1000,
        .min = 1,
        .max = 100000},
    {.name = NULL},
};

const struct driver driver_mtconnect;
const struct driver driver_mtconnect = {
    .name = "mtconnect",
    .help_en =
        "MTConnect agents (http://host:5000 as the address). A source is the dataItemId or name of "
        "a data item, with its type where it is no number: Xact, exec text, partcount i64. Values "
        "carry the machine's own time; after an outage everything the agent still holds is "
        "collected, each observation once.",
    .help_ko =
        "MTConnect 에이전트(주소는 http://호스트:5000)를 지원합니다. 태그 주소는 데이터 항목의 "
        "dataItemId 또는 이름이며, 숫자가 아니면 형식을 붙입니다: Xact, exec text, partcount i64. "
        "값에는 기계의 시각이 붙고, 끊겼다 이어지면 에이전트에 남아 있는 값을 한 번씩 모두 "
        "모읍니다.",
    .options = mtc_options,
    .private_bytes = sizeof(struct mtc_private),
    .events = true,
    .check_address = mtc_check_address,
    .parse_address = mtc_parse_address,
    .span = mtc_span,
    .open = mtc_open,
    .read_groups = mtc_read_groups,
    .acknowledge = mtc_acknowledge,
    .close = mtc_close,
    .browse = mtc_browse,
};
