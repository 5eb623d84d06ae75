/*
 * Bar code and RFID readers that send lines: over TCP (host:port; the reader is the server) or a
 * serial line. A line ends at CR, LF, or ETX; STX and blanks around it fall away. Each line is one
 * scan and gives every point of the device its part:
 *
 *   code            the whole code, as it came
 *   gs1:01          one element of a GS1 code, by its application identifier
 *   gs1:17 date     a date as 2026-12-31; gs1:310 number: a measure or count as a number
 *   epc:gtin, epc:serial   of an SGTIN-96, whose 24 hexadecimal digits RFID readers send
 *   count           scans since the device was set up to now, counted on here
 *
 * A part that a scan does not have leaves its tag as it is. A code that is no GS1 code is no fault:
 * shops scan order numbers with the same reader. The same code again within `again_ms` is one scan
 * (readers repeat while the label is in view). Readers have no clock and confirm nothing: a scan
 * has the time of its arrival, and what is scanned while the connection is down is lost by the
 * reader; the page says so.
 */
#include <string.h>

#include "core/clock.h"
#include "core/limits.h"
#include "device/driver.h"
#include "wire/gs1.h"

enum scanner_option { SCANNER_AGAIN_MS = 0, SCANNER_SKIP };
enum scanner_part {
    PART_CODE = 0,
    PART_GS1,
    PART_GS1_DATE,
    PART_GS1_NUMBER,
    PART_GTIN,
    PART_SERIAL,
    PART_COUNT
};
enum { DETAIL_PART = 0, DETAIL_AI, DETAIL_AI_DIGITS };
enum { LINE_BYTES = LIMIT_TEXT_VALUE_BYTES, STX = 2, ETX = 3, READS_MAX = 64 };

#define COUNT_BOOKMARK "count"

struct scanner_private {
    char line[LINE_BYTES];
    size_t size;
    bool is_long; // The line does not fit: thrown away to its end, and counted.
    char last[LINE_BYTES];
    size_t last_size;
    int64_t last_ns; // Monotonic.
    int64_t count;
    bool counted; // The count was read.
    bool changed;
};

/* ---- Sources ---- */

static int parse_gs1(struct str rest, struct point *point, struct err *err) {
    struct str ai = str_cut(&rest, ' ');
    struct str form = str_trim(rest);
    int64_t number = 0;
    if (ai.size < 2 || ai.size > GS1_AI_BYTES || !str_to_i64(ai, &number) || number < 0 ||
        ai.data[0] < '0' || ai.data[0] > '9') {
        return err_set(err, ERR_INVALID, MSG_SCANNER_AI, ARGS(A_STR(ai)));
    }
    point->detail[DETAIL_AI] = (uint32_t)number;
    point->detail[DETAIL_AI_DIGITS] = (uint32_t)ai.size;
    point->natural_type = TYPE_TEXT;
    point->detail[DETAIL_PART] = PART_GS1;
    if (str_eq(form, STR("date"))) {
        point->detail[DETAIL_PART] = PART_GS1_DATE;
    } else if (str_eq(form, STR("number"))) {
        point->detail[DETAIL_PART] = PART_GS1_NUMBER;
        point->natural_type = TYPE_F64;
    } else if (form.size > 0) {
        return err_set(err, ERR_INVALID, MSG_SCANNER_SOURCE, ARGS(A_STR(form)));
    }
    return 0;
}

static int scanner_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    (void)settings;
    static const struct {
        const char *word;
        enum scanner_part part;
        enum value_type type;
    } WORDS[] = {{"code", PART_CODE, TYPE_TEXT}, {"epc:gtin", PART_GTIN, TYPE_TEXT},
        {"epc:serial", PART_SERIAL, TYPE_I64}, {"count", PART_COUNT, TYPE_I64}};
    struct str word = str_trim(source);
    struct point point = {.length = 1};
    if (str_starts(word, STR("gs1:"))) {
        int result = parse_gs1(str_slice(word, 4, word.size), &point, err);
        if (result == 0) {
            *ret_point = point;
        }
        return result;
    }
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (str_eq(word, str_of(WORDS[i].word))) {
            point.detail[DETAIL_PART] = WORDS[i].part;
            point.natural_type = WORDS[i].type;
            *ret_point = point;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, MSG_SCANNER_SOURCE, ARGS(A_STR(word)));
}

static struct driver_span scanner_span(const struct driver_settings *settings, uint32_t space) {
    (void)settings;
    (void)space;
    return (struct driver_span){.max_length = 1};
}

/* ---- Scans ---- */

static struct str find_element(
    const struct gs1_code *gs1, const struct point *point, struct gs1_element *ret_element) {
    char ai[GS1_AI_BYTES];
    uint32_t digits = point->detail[DETAIL_AI_DIGITS];
    uint32_t number = point->detail[DETAIL_AI];
    for (uint32_t i = digits; i > 0; i--) {
        ai[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    struct str wanted = {ai, digits};
    struct str value = gs1_find(gs1, wanted);
    for (uint32_t i = 0; i < gs1->count && value.size > 0; i++) {
        if (gs1->elements[i].value.data == value.data) {
            *ret_element = gs1->elements[i];
        }
    }
    return value;
}

static void give_gs1(struct driver_io *io, struct point_sink *sink, const struct point *point,
    const struct gs1_code *gs1) {
    struct gs1_element element = {0};
    struct str value = find_element(gs1, point, &element);
    if (value.size == 0) {
        return;
    }
    char date[11];
    double number = 0;
    int year = (int)(1970 + io_wall_ns(io) / (NS_PER_S * 31556952)); // The mean Gregorian year.
    switch (point->detail[DETAIL_PART]) {
    case PART_GS1: sink_text(sink, point, value); break;
    case PART_GS1_DATE:
        if (gs1_date(value, year, date)) {
            sink_text(sink, point, str_of(date));
        }
        break;
    default:
        if (gs1_number(&element, &number)) {
            sink_f64(sink, point, number);
        }
    }
}

static void give(
    struct driver_io *io, const struct point_group *all, struct point_sink *sink, struct str code) {
    struct scanner_private *scanner = io_private(io);
    struct gs1_code gs1 = {.count = 0};
    struct gs1_sgtin sgtin;
    (void)gs1_parse(code, &gs1, NULL); // Not of GS1: no element is found.
    bool is_epc = gs1_epc(code, &sgtin);
    if (all->count == 0) {
        io_unclaimed(io, 1);
    }
    for (uint32_t i = 0; i < all->count; i++) {
        const struct point *point = &all->points[i];
        switch (point->detail[DETAIL_PART]) {
        case PART_CODE: sink_text(sink, point, code); break;
        case PART_COUNT: sink_i64(sink, point, scanner->count); break;
        case PART_GTIN:
            if (is_epc) {
                sink_text(sink, point, str_of(sgtin.gtin));
            }
            break;
        case PART_SERIAL:
            if (is_epc) {
                sink_i64(sink, point, (int64_t)sgtin.serial);
            }
            break;
        default: give_gs1(io, sink, point, &gs1);
        }
    }
}

/* One whole line. */
static void take_line(
    struct driver_io *io, const struct point_group *all, struct point_sink *sink) {
    struct scanner_private *scanner = io_private(io);
    const struct driver_settings *settings = io_settings(io);
    struct str code = str_trim((struct str){scanner->line, scanner->size});
    struct str skip = settings->texts[SCANNER_SKIP];
    bool was_long = scanner->is_long;
    scanner->size = 0;
    scanner->is_long = false;
    if (was_long) {
        io_unclaimed(io, 1);
        return;
    }
    if (code.size == 0 || (skip.size > 0 && str_eq(code, skip))) {
        return; // An empty line, or the reader's "no read".
    }
    int64_t now_ns = io_mono_ns(io);
    int64_t again_ns = settings->values[SCANNER_AGAIN_MS] * NS_PER_MS;
    bool repeated = scanner->last_size == code.size && scanner->last_ns != 0 &&
                    now_ns - scanner->last_ns < again_ns &&
                    memcmp(scanner->last, code.data, code.size) == 0;
    scanner->last_ns = now_ns;
    if (repeated) {
        return;
    }
    memcpy(scanner->last, code.data, code.size);
    scanner->last_size = code.size;
    scanner->count++;
    scanner->changed = true;
    io_arrived(io); // Scans that come in one piece have times of their own.
    give(io, all, sink, code);
}

static void read_count(struct driver_io *io, struct scanner_private *scanner) {
    AUTO_BUF struct buf text;
    buf_init(&text, 64);
    int64_t count = 0;
    if (io_bookmark_get(io, STR(COUNT_BOOKMARK), &text, NULL) == 0 &&
        str_to_i64(buf_str(&text), &count)) {
        scanner->count = count;
    }
    scanner->counted = true;
}

static int scanner_receive(
    struct driver_io *io, const struct point_group *all, struct point_sink *sink, struct err *err) {
    struct scanner_private *scanner = io_private(io);
    if (!scanner->counted) {
        read_count(io, scanner);
    }
    char bytes[IO_BUFFER_BYTES];
    int got = io_receive_ready(io, bytes, sizeof bytes, err);
    for (int reads = 0; got > 0; got = io_receive_ready(io, bytes, sizeof bytes, err)) {
        for (int i = 0; i < got; i++) {
            char c = bytes[i];
            if (c == '\r' || c == '\n' || c == ETX) {
                take_line(io, all, sink);
            } else if (c == STX || c == '\0') {
                scanner->size = 0;
                scanner->is_long = false;
            } else if (scanner->size < LINE_BYTES) {
                scanner->line[scanner->size++] = c;
            } else {
                scanner->is_long = true;
            }
        }
        if (++reads == READS_MAX) { // A machine that never stops sending: others have a turn too.
            io_wake_at(io, io_mono_ns(io));
            got = 0;
            break;
        }
    }
    sink_alive(sink);
    return got;
}

/* The count stands after the scans that it counts are durable. */
static int scanner_acknowledge(struct driver_io *io, struct err *err) {
    struct scanner_private *scanner = io_private(io);
    if (!scanner->changed) {
        return 0;
    }
    AUTO_BUF struct buf text;
    buf_init(&text, 64);
    buf_put_i64(&text, scanner->count);
    int result = io_bookmark_put(io, STR(COUNT_BOOKMARK), buf_str(&text), err);
    scanner->changed = result < 0;
    return result;
}

static int scanner_open(struct driver_io *io, struct err *err) {
    (void)err;
    struct scanner_private *scanner = io_private(io);
    scanner->size = 0; // The rest of a line that broke off with the connection.
    scanner->is_long = false;
    return 0;
}

static const struct driver_option scanner_options[] = {
    [SCANNER_AGAIN_MS] = {.name = "again_ms",
        .help_en = "The same code within this time is the same scan.",
        .help_ko = "이 시간 안에 같은 코드가 다시 오면 같은 스캔으로 봅니다.",
        .fallback = 0,
        .min = 0,
        .max = 60000},
    [SCANNER_SKIP] = {.name = "skip",
        .help_en = "What the reader sends when it read nothing, such as NOREAD.",
        .help_ko = "읽지 못했을 때 리더가 보내는 문자열입니다. 예: NOREAD",
        .is_text = true},
    {.name = NULL},
};

const struct driver driver_scanner;
const struct driver driver_scanner = {
    .name = "scanner",
    .help_en =
        "Bar code and RFID readers that send lines over TCP (host:port, the reader waits for "
        "us) or a serial line (/dev/ttyS0). Sources: code, gs1:01, gs1:10, gs1:17 date, "
        "gs1:310 number, epc:gtin, epc:serial, count. What is scanned while the connection "
        "is down is lost by the reader.",
    .help_ko =
        "TCP(호스트:포트, 리더가 서버) 또는 직렬 회선(/dev/ttyS0)으로 한 줄씩 보내는 바코드·RFID "
        "리더를 지원합니다. 주소: code, gs1:01, gs1:10, gs1:17 date, gs1:310 number, epc:gtin, "
        "epc:serial, count. 연결이 끊긴 동안의 스캔은 리더가 보관하지 않아 남지 않습니다.",
    .options = scanner_options,
    .private_bytes = sizeof(struct scanner_private),
    .events = true,
    .parse_address = scanner_parse_address,
    .span = scanner_span,
    .open = scanner_open,
    .receive = scanner_receive,
    .acknowledge = scanner_acknowledge,
};
