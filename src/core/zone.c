/*
 * Time zones from TZif files (RFC 8536) with the rule of their footer (POSIX TZ string).
 *
 * A file holds transitions (instants and the offset from then on); version 2 and later repeat the
 * block with 64-bit times, which is the one we use. What follows the last transition is computed
 * from the footer's rule ("CET-1CEST,M3.5.0,M10.5.0/3"), because current files are "slim": they
 * stop where the rule takes over, and a plan for next summer must be right.
 *
 * The zone is turned into spans: stretches with one offset, neighbours always different. All
 * questions (offset of an instant, local time to instant, bucket limits) are asked of spans.
 * Instants are nanoseconds, so spans before 1677 and after 2262 are cut. Files are refused beyond
 * 256 KB and 4096 transitions; the largest of the 2025 tzdata has 236 in 3.5 KB.
 */
#include "core/zone.h"

#include <string.h>

#include "core/bytes.h"
#include "core/check.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/time.h"

enum {
    ZONE_NAME_MAX = 64,
    ZONE_FILE_MAX_BYTES = 256 * 1024,
    ZONE_CHANGES_MAX = 4096,
    ZONE_TYPES_MAX = 256,     // RFC 8536 section 3.2: an index is one byte.
    OFFSET_MAX_S = 26 * 3600, // RFC 8536 section 3.2 recommends -25 h < offset < 26 h.
    RULE_TIME_MAX_H = 167,    // RFC 8536 section 3.3.1, version 3.
    DAY_S = 86400,
};

static const char ZONE_FOLDER[] = "/usr/share/zoneinfo/";

/* One yearly change: the n-th weekday of a month, or a day of the year. */
enum rule_kind { RULE_WEEKDAY, RULE_JULIAN, RULE_ZERO_BASED };

struct rule_date {
    enum rule_kind kind;
    int month;      // 1..12.
    int week;       // 1..5; 5 is the last.
    int day;        // Weekday 0..6 (Sunday 0), or day of the year.
    int32_t time_s; // Local seconds after that day's midnight, may be negative.
};

struct zone_rule {
    int32_t standard_s;
    int32_t summer_s;
    bool has_summer;
    struct rule_date to_summer;
    struct rule_date to_standard;
};

struct zone_change {
    int64_t time_ns;
    int32_t offset_s;
};

struct zone {
    char name[ZONE_NAME_MAX + 1];
    int32_t first_s; // Before the first change.
    size_t count;
    struct zone_change *changes;
    struct zone_rule rule; // After the last change; without a summer nothing changes any more.
};

int64_t floor_div(int64_t value, int64_t divisor) {
    int64_t quotient = value / divisor;
    return value % divisor < 0 ? quotient - 1 : quotient;
}

/* The calendar is counted from 1 March, so that leap days close a year; 400 years repeat. */
int64_t days_from_civil(int64_t year, int month, int day) {
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t era = floor_div(march_year, 400);
    int64_t year_of_era = march_year - era * 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct civil_date civil_from_days(int64_t days) {
    int64_t shifted = days + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    int month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    int64_t year = year_of_era + era * 400 + (month <= 2);
    return (struct civil_date){year, month, day};
}

static bool is_leap_year(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(int64_t year, int month) {
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : DAYS[month - 1];
}

static int64_t saturated_ns(int64_t time_s) {
    int64_t time_ns = 0;
    if (__builtin_mul_overflow(time_s, NS_PER_S, &time_ns)) {
        return time_s < 0 ? INT64_MIN : INT64_MAX;
    }
    return time_ns;
}

/* ---- POSIX TZ rules (IEEE 1003.1 section 8.3, with the wider times of RFC 8536) ---- */

/* An abbreviation: three or more letters, or <...>. */
static bool rule_skip_name(struct reader *r) {
    size_t start = r->offset;
    bool bracket = reader_left(r) > 0 && r->data[r->offset] == '<';
    if (bracket) {
        read_skip(r, 1);
        while (reader_left(r) > 0 && r->data[r->offset] != '>') {
            read_skip(r, 1);
        }
        read_skip(r, 1);
        return !r->failed;
    }
    while (reader_left(r) > 0 && (r->data[r->offset] | 0x20) >= 'a' &&
           (r->data[r->offset] | 0x20) <= 'z') {
        read_skip(r, 1);
    }
    return r->offset - start >= 3;
}

static bool rule_take(struct reader *r, char c) {
    if (reader_left(r) > 0 && r->data[r->offset] == (uint8_t)c) {
        read_skip(r, 1);
        return true;
    }
    return false;
}

/* A number within [low, high]. */
static bool rule_number(struct reader *r, int low, int high, int *ret_value) {
    int value = 0;
    size_t start = r->offset;
    while (reader_left(r) > 0 && r->data[r->offset] >= '0' && r->data[r->offset] <= '9') {
        value = value * 10 + (r->data[r->offset] - '0');
        if (value > high) {
            return false;
        }
        read_skip(r, 1);
    }
    *ret_value = value;
    return r->offset > start && value >= low;
}

/* [+-]h[h][:mm[:ss]] */
static bool rule_time(struct reader *r, int hours_max, int32_t *ret_seconds) {
    bool negative = rule_take(r, '-');
    if (!negative) {
        (void)rule_take(r, '+'); // A plus changes nothing.
    }
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!rule_number(r, 0, hours_max, &hours)) {
        return false;
    }
    if (rule_take(r, ':') && !rule_number(r, 0, 59, &minutes)) {
        return false;
    }
    if (rule_take(r, ':') && !rule_number(r, 0, 59, &seconds)) {
        return false;
    }
    int32_t total = hours * 3600 + minutes * 60 + seconds;
    *ret_seconds = negative ? -total : total;
    return true;
}

static bool rule_date(struct reader *r, struct rule_date *date) {
    bool ok = false;
    if (rule_take(r, 'M')) {
        date->kind = RULE_WEEKDAY;
        ok = rule_number(r, 1, 12, &date->month) && rule_take(r, '.') &&
             rule_number(r, 1, 5, &date->week) && rule_take(r, '.') &&
             rule_number(r, 0, 6, &date->day);
    } else if (rule_take(r, 'J')) {
        date->kind = RULE_JULIAN;
        ok = rule_number(r, 1, 365, &date->day);
    } else {
        date->kind = RULE_ZERO_BASED;
        ok = rule_number(r, 0, 365, &date->day);
    }
    date->time_s = 2 * 3600;
    return ok && (!rule_take(r, '/') || rule_time(r, RULE_TIME_MAX_H, &date->time_s));
}

/* Local seconds since 1970 of the change in that year. */
static int64_t rule_date_local_s(const struct rule_date *date, int64_t year) {
    int64_t day = days_from_civil(year, 1, 1);
    switch (date->kind) {
    case RULE_WEEKDAY: {
        int64_t first = days_from_civil(year, date->month, 1);
        int64_t weekday = (first + 4) - floor_div(first + 4, 7) * 7; // 1970-01-01 was a Thursday.
        int64_t ahead = (date->day - weekday + 7) % 7;
        int64_t in_month = ahead + (date->week - 1) * 7;
        while (in_month >= days_in_month(year, date->month)) {
            in_month -= 7;
        }
        day = first + in_month;
        break;
    }
    case RULE_JULIAN:
        // 29 February is never counted: J60 is always 1 March.
        day += date->day - 1 + (is_leap_year(year) && date->day >= 60);
        break;
    case RULE_ZERO_BASED: day += date->day; break;
    }
    return day * DAY_S + date->time_s;
}

enum { RULE_YEARS = 3, RULE_CHANGES_MAX = RULE_YEARS * 2 };

static int64_t rule_summer_begins_s(const struct zone_rule *rule, int64_t year) {
    return rule_date_local_s(&rule->to_summer, year) - rule->standard_s;
}

static int64_t rule_summer_ends_s(const struct zone_rule *rule, int64_t year) {
    return rule_date_local_s(&rule->to_standard, year) - rule->summer_s;
}

/* Rules may say "summer all the year" (RFC 8536 section 3.3.1) or never; then nothing changes. */
static void rule_simplify(struct zone_rule *rule) {
    enum { ANY_YEAR = 2001 };
    if (!rule->has_summer) {
        return;
    }
    int64_t begins = rule_summer_begins_s(rule, ANY_YEAR);
    int64_t ends = rule_summer_ends_s(rule, ANY_YEAR);
    if (ends == rule_summer_begins_s(rule, ANY_YEAR + 1) ||
        begins == rule_summer_ends_s(rule, ANY_YEAR - 1)) {
        rule->standard_s = rule->summer_s;
        rule->has_summer = false;
    } else if (begins == ends || rule->standard_s == rule->summer_s) {
        rule->has_summer = false;
    }
}

static bool rule_parse(struct str text, struct zone_rule *rule) {
    struct reader r = reader_of(text.data, text.size);
    *rule = (struct zone_rule){0};
    // POSIX counts west of Greenwich as positive.
    if (!rule_skip_name(&r) || !rule_time(&r, 24, &rule->standard_s)) {
        return false;
    }
    rule->standard_s = -rule->standard_s;
    if (reader_left(&r) == 0) {
        return !r.failed;
    }
    rule->has_summer = true;
    rule->summer_s = rule->standard_s + 3600;
    if (!rule_skip_name(&r)) {
        return false;
    }
    if (reader_left(&r) > 0 && r.data[r.offset] != ',') {
        if (!rule_time(&r, 24, &rule->summer_s)) {
            return false;
        }
        rule->summer_s = -rule->summer_s;
    }
    bool ok = rule_take(&r, ',') && rule_date(&r, &rule->to_summer) && rule_take(&r, ',') &&
              rule_date(&r, &rule->to_standard) && reader_left(&r) == 0 && !r.failed;
    if (ok) {
        rule_simplify(rule);
    }
    return ok;
}

/* The rule's changes of the years around `year`, in order of time. */
static size_t rule_changes(
    const struct zone_rule *rule, int64_t year, struct zone_change to[RULE_CHANGES_MAX]) {
    size_t count = 0;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t begins = rule_summer_begins_s(rule, y);
        int64_t ends = rule_summer_ends_s(rule, y);
        bool north = begins < ends;
        struct zone_change summer = {saturated_ns(begins), rule->summer_s};
        struct zone_change standard = {saturated_ns(ends), rule->standard_s};
        to[count++] = north ? summer : standard;
        to[count++] = north ? standard : summer;
    }
    return count;
}

/* The span after the last change of the table (or everything), where the rule reigns. */
static struct zone_span rule_span(const struct zone *zone, int64_t time_ns) {
    size_t n = zone->count;
    struct zone_span span = {
        .start_ns = n > 0 ? zone->changes[n - 1].time_ns : INT64_MIN,
        .end_ns = INT64_MAX,
        .offset_s = n > 0 ? zone->changes[n - 1].offset_s : zone->first_s,
        .before_s = n > 1 ? zone->changes[n - 2].offset_s : zone->first_s,
    };
    if (!zone->rule.has_summer) {
        return span;
    }
    const int64_t reigns_ns = span.start_ns;
    int64_t days = floor_div(floor_div(time_ns, NS_PER_S), DAY_S);
    struct zone_change changes[RULE_CHANGES_MAX] = {{0, 0}};
    size_t count = rule_changes(&zone->rule, civil_from_days(days).year, changes);
    if (changes[0].time_ns > reigns_ns) {
        span.offset_s = changes[1].offset_s; // The two halves take turns.
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i].time_ns <= reigns_ns || changes[i].offset_s == span.offset_s) {
            continue;
        }
        if (changes[i].time_ns > time_ns || changes[i].time_ns == INT64_MAX) {
            span.end_ns = changes[i].time_ns;
            break;
        }
        span.before_s = span.offset_s;
        span.start_ns = changes[i].time_ns;
        span.offset_s = changes[i].offset_s;
    }
    return span;
}

/* ---- TZif files ---- */

struct tzif_header {
    uint8_t version;
    uint32_t utc_count;
    uint32_t standard_count;
    uint32_t leap_count;
    uint32_t time_count;
    uint32_t type_count;
    uint32_t name_bytes;
};

static bool tzif_header_read(struct reader *r, struct tzif_header *h) {
    const uint8_t *magic = read_bytes(r, 4);
    if (!magic || memcmp(magic, "TZif", 4) != 0) {
        return false;
    }
    h->version = read_u8(r);
    read_skip(r, 15);
    h->utc_count = read_u32_be(r);
    h->standard_count = read_u32_be(r);
    h->leap_count = read_u32_be(r);
    h->time_count = read_u32_be(r);
    h->type_count = read_u32_be(r);
    h->name_bytes = read_u32_be(r);
    return !r->failed && h->time_count <= ZONE_CHANGES_MAX && h->type_count >= 1 &&
           h->type_count <= ZONE_TYPES_MAX && h->utc_count <= ZONE_TYPES_MAX &&
           h->standard_count <= ZONE_TYPES_MAX && h->name_bytes <= ZONE_FILE_MAX_BYTES &&
           h->leap_count <= ZONE_CHANGES_MAX;
}

static size_t tzif_block_bytes(const struct tzif_header *h, size_t time_bytes) {
    return h->time_count * (time_bytes + 1) + h->type_count * 6U + h->name_bytes +
           h->leap_count * (time_bytes + 4) + h->standard_count + h->utc_count;
}

static bool tzif_offset(
    const struct tzif_header *h, const uint8_t *types, uint8_t index, int32_t *ret_offset_s) {
    if (index >= h->type_count) {
        return false;
    }
    struct reader r = reader_of(types + index * 6U, 6);
    int32_t offset_s = (int32_t)read_u32_be(&r);
    *ret_offset_s = offset_s;
    return offset_s > -OFFSET_MAX_S && offset_s < OFFSET_MAX_S;
}

/* The data block: times, type indexes, types; the rest is skipped. */
static bool tzif_block_read(
    struct reader *r, const struct tzif_header *h, size_t time_bytes, struct zone *zone) {
    const uint8_t *block = read_bytes(r, tzif_block_bytes(h, time_bytes));
    if (!block) {
        return false;
    }
    const uint8_t *indexes = block + h->time_count * time_bytes;
    const uint8_t *types = indexes + h->time_count;
    struct reader times = reader_of(block, h->time_count * time_bytes);
    if (!tzif_offset(h, types, 0, &zone->first_s)) {
        return false;
    }
    zone->changes = MEM_ARRAY(struct zone_change, h->time_count);
    int64_t previous_s = INT64_MIN;
    int32_t offset_s = zone->first_s;
    for (uint32_t i = 0; i < h->time_count; i++) {
        int64_t time_s =
            time_bytes == 8 ? (int64_t)read_u64_be(&times) : (int32_t)read_u32_be(&times);
        int32_t before_s = offset_s;
        if ((i > 0 && time_s <= previous_s) || !tzif_offset(h, types, indexes[i], &offset_s)) {
            return false;
        }
        previous_s = time_s;
        int64_t time_ns = saturated_ns(time_s);
        if (time_ns == INT64_MIN) {
            zone->first_s = offset_s;
        } else if (time_ns != INT64_MAX && offset_s != before_s) {
            zone->changes[zone->count++] = (struct zone_change){time_ns, offset_s};
        }
    }
    return true;
}

/* "\n" rule "\n"; the rule may be empty. */
static bool tzif_footer_read(struct reader *r, struct zone *zone) {
    if (read_u8(r) != '\n' || r->failed) {
        return false;
    }
    struct str rest = {(const char *)r->data + r->offset, reader_left(r)};
    size_t end = str_find(rest, '\n');
    if (end == rest.size) {
        return false;
    }
    return end == 0 || rule_parse(str_slice(rest, 0, end), &zone->rule);
}

static bool tzif_read(struct reader *r, struct tzif_header *h, struct zone *zone) {
    if (!tzif_header_read(r, h)) {
        return false;
    }
    if (h->version == 0) {
        return tzif_block_read(r, h, 4, zone);
    }
    read_skip(r, tzif_block_bytes(h, 4));
    return tzif_header_read(r, h) && tzif_block_read(r, h, 8, zone) && tzif_footer_read(r, zone);
}

static struct zone *zone_new(struct str name) {
    struct zone *zone = MEM_NEW(struct zone);
    (void)str_copy_z(name, zone->name, sizeof zone->name); // Names are checked where they come in.
    return zone;
}

void zone_free(struct zone *zone) {
    if (zone) {
        mem_free(zone->changes);
        mem_free(zone);
    }
}

int zone_parse(
    struct str name, const void *data, size_t size, struct zone **ret_zone, struct err *err) {
    struct zone *zone = zone_new(name);
    struct tzif_header header = {0};
    struct reader r = reader_of(data, size);
    if (!tzif_read(&r, &header, zone)) {
        zone_free(zone);
        return err_set(err, ERR_CORRUPT, MSG_ZONE_DAMAGED, ARGS(A_STR(name)));
    }
    if (header.leap_count > 0) {
        // Files under right/ count leap seconds; system time does not.
        zone_free(zone);
        return err_set(err, ERR_UNSUPPORTED, MSG_ZONE_LEAP, ARGS(A_STR(name)));
    }
    *ret_zone = zone;
    return 0;
}

int zone_parse_rule(struct str name, struct str rule, struct zone **ret_zone, struct err *err) {
    struct zone *zone = zone_new(name);
    if (!rule_parse(rule, &zone->rule)) {
        zone_free(zone);
        return err_set(err, ERR_CORRUPT, MSG_ZONE_DAMAGED, ARGS(A_STR(name)));
    }
    zone->first_s = zone->rule.standard_s;
    *ret_zone = zone;
    return 0;
}

/* Letters, digits and _ + - in parts joined by single slashes: nothing that leaves the folder. */
static bool zone_name_is_safe(struct str name) {
    if (name.size == 0 || name.size > ZONE_NAME_MAX) {
        return false;
    }
    char before = '/';
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool joins = c == '_' || c == '+' || c == '-';
        if (!letter && !joins && (c != '/' || before == '/')) {
            return false;
        }
        before = c;
    }
    return before != '/';
}

static int zone_read_file(struct str name, struct buf *content, struct err *err) {
    char path[sizeof ZONE_FOLDER + ZONE_NAME_MAX];
    memcpy(path, ZONE_FOLDER, sizeof ZONE_FOLDER);
    (void)str_copy_z(name, path + sizeof ZONE_FOLDER - 1, ZONE_NAME_MAX + 1);
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int result = file_open(files_system(), path, FILE_READ, &fd, err);
    if (result == 0) {
        result = file_size(fd, path, &size, err);
    }
    if (result < 0) {
        return result;
    }
    uint8_t *to = size <= ZONE_FILE_MAX_BYTES ? buf_reserve(content, size) : NULL;
    if (!to) {
        return err_set(err, ERR_CORRUPT, MSG_ZONE_DAMAGED, ARGS(A_STR(name)));
    }
    result = file_read_at(fd, path, 0, to, size, err);
    if (result == 0) {
        buf_commit(content, size);
    }
    return result;
}

int zone_load(struct str name, struct zone **ret_zone, struct err *err) {
    if (str_eq(name, STR("UTC"))) {
        return zone_parse_rule(name, STR("UTC0"), ret_zone, err); // Also without tzdata.
    }
    if (!zone_name_is_safe(name)) {
        return err_set(err, ERR_NOT_FOUND, MSG_ZONE_UNKNOWN, ARGS(A_STR(name)));
    }
    AUTO_BUF struct buf content;
    buf_init(&content, ZONE_FILE_MAX_BYTES);
    if (zone_read_file(name, &content, err) < 0) {
        // Missing, a folder ("Asia"), unreadable: for the reader it is a name that does not work.
        return err_set(err, ERR_NOT_FOUND, MSG_ZONE_UNKNOWN, ARGS(A_STR(name)));
    }
    return zone_parse(name, content.data, content.size, ret_zone, err);
}

const char *zone_name(const struct zone *zone) {
    return zone->name;
}

struct zone_span zone_span_at(const struct zone *zone, int64_t time_ns) {
    if (!zone) {
        return (struct zone_span){INT64_MIN, INT64_MAX, 0, 0};
    }
    size_t low = 0; // changes[i].time_ns <= time_ns for all i < low.
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].time_ns <= time_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count) {
        return rule_span(zone, time_ns);
    }
    struct zone_span span = {.end_ns = zone->changes[low].time_ns};
    span.start_ns = low > 0 ? zone->changes[low - 1].time_ns : INT64_MIN;
    span.offset_s = low > 0 ? zone->changes[low - 1].offset_s : zone->first_s;
    span.before_s = low > 1 ? zone->changes[low - 2].offset_s : zone->first_s;
    return span;
}

int32_t zone_offset_s(const struct zone *zone, int64_t time_ns) {
    return zone_span_at(zone, time_ns).offset_s;
}

static int64_t saturated_sub(int64_t a, int64_t b) {
    int64_t result = 0;
    if (__builtin_sub_overflow(a, b, &result)) {
        return b > 0 ? INT64_MIN : INT64_MAX;
    }
    return result;
}

int64_t zone_from_local(const struct zone *zone, int64_t local_ns) {
    struct zone_span span = zone_span_at(zone, saturated_sub(local_ns, OFFSET_MAX_S * NS_PER_S));
    for (;;) {
        int64_t time_ns = saturated_sub(local_ns, span.offset_s * NS_PER_S);
        if (time_ns < span.start_ns) {
            return span.start_ns; // The clocks jumped over it.
        }
        if (time_ns < span.end_ns || span.end_ns == INT64_MAX) {
            return time_ns;
        }
        span = zone_span_at(zone, span.end_ns);
    }
}
