/*
 * Frames of remote support, by hand and in network byte order:
 *
 *     "MRS1"  kind:u8 ('Q' requests, 'A' answers)  flags:u8  count:u8  then count items
 *     request: id:u32 method:u8 target:u16+n type:u8+n language:u8+n body:u32+n
 *     answer:  id:u32 status:u16 type:u8+n disposition:u8+n body:u32+n
 *
 * Binary and not JSON, because bodies are whatever a route gives (a workbook, a packed table) and
 * JSON would carry them a third longer and twice in memory. Texts are printable ASCII, so that none
 * can end a header line or hide a second request; ids are not 0, so that a cleared place is none.
 */
#include "wire/support.h"

#include <string.h>

#include "core/bytes.h"

static const char MAGIC[4] = {'M', 'R', 'S', '1'};
enum { KIND_REQUESTS = 'Q', KIND_ANSWERS = 'A', FLAGS_KNOWN = SUPPORT_END | SUPPORT_STAY };

static int bad(size_t at, struct err *err) {
    return err_set(err, ERR_FRAME, MSG_SUPPORT_FRAME, ARGS(A_INT(at)));
}

/* ---- Writing ---- */

static void put_head(struct buf *out, int kind, uint8_t flags, uint32_t count) {
    buf_put(out, MAGIC, sizeof MAGIC);
    write_u8(out, (uint8_t)kind);
    write_u8(out, flags);
    write_u8(out, (uint8_t)count);
}

/* A text of at most SUPPORT_WORD_BYTES; the rest is cut off. */
static void put_word(struct buf *out, struct str word) {
    struct str cut = str_slice(word, 0, SUPPORT_WORD_BYTES);
    write_u8(out, (uint8_t)cut.size);
    buf_put_str(out, cut);
}

static void put_body(struct buf *out, struct str body) {
    write_u32_be(out, (uint32_t)body.size);
    buf_put_str(out, body);
}

void support_requests_write(const struct support_requests *requests, struct buf *out) {
    put_head(out, KIND_REQUESTS, requests->flags, requests->count);
    for (uint32_t i = 0; i < requests->count; i++) {
        const struct support_request *request = &requests->items[i];
        write_u32_be(out, request->id);
        write_u8(out, (uint8_t)request->method);
        write_u16_be(out, (uint16_t)request->target.size);
        buf_put_str(out, request->target);
        put_word(out, request->type);
        put_word(out, request->language);
        put_body(out, request->body);
    }
}

void support_answers_write(const struct support_answers *answers, struct buf *out) {
    put_head(out, KIND_ANSWERS, answers->flags, answers->count);
    for (uint32_t i = 0; i < answers->count; i++) {
        const struct support_answer *answer = &answers->items[i];
        write_u32_be(out, answer->id);
        write_u16_be(out, answer->status);
        put_word(out, answer->type);
        put_word(out, answer->disposition);
        put_body(out, answer->body);
    }
}

/* ---- Reading ---- */

static bool is_printable(struct str text, char first) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < first || text.data[i] > '~') {
            return false;
        }
    }
    return true;
}

bool support_target_is_good(struct str target) {
    return target.size > 1 && target.size <= SUPPORT_TARGET_BYTES && target.data[0] == '/' &&
           is_printable(target, '!') && str_find(target, '#') == target.size;
}

static struct str take(struct reader *r, size_t size, size_t max) {
    if (size > max) {
        r->failed = true;
        return STR_NONE;
    }
    const uint8_t *bytes = read_bytes(r, size);
    return bytes == NULL || size == 0 ? STR_NONE : (struct str){(const char *)bytes, size};
}

static struct str take_word(struct reader *r) {
    struct str word = take(r, read_u8(r), SUPPORT_WORD_BYTES);
    r->failed = r->failed || !is_printable(word, ' ');
    return word;
}

/* Sets flags and count; the reader stands before the first item. */
static bool take_head(struct reader *r, int kind, uint8_t *ret_flags, uint32_t *ret_count) {
    const uint8_t *magic = read_bytes(r, sizeof MAGIC);
    bool good = magic != NULL && memcmp(magic, MAGIC, sizeof MAGIC) == 0 && read_u8(r) == kind;
    uint8_t flags = read_u8(r);
    uint8_t count = read_u8(r);
    if (!good || r->failed || (flags & ~FLAGS_KNOWN) != 0 || count > SUPPORT_BATCH_MAX) {
        return false;
    }
    *ret_flags = flags;
    *ret_count = count;
    return true;
}

static bool take_request(struct reader *r, struct support_request *ret_request) {
    uint32_t id = read_u32_be(r);
    uint8_t method = read_u8(r);
    struct support_request request = {
        .id = id, .method = method < SUPPORT_METHODS ? (enum support_method)method : SUPPORT_GET};
    request.target = take(r, read_u16_be(r), SUPPORT_TARGET_BYTES);
    request.type = take_word(r);
    request.language = take_word(r);
    request.body = take(r, read_u32_be(r), SUPPORT_BODY_BYTES);
    *ret_request = request;
    return !r->failed && id != 0 && method < SUPPORT_METHODS &&
           support_target_is_good(request.target);
}

static bool take_answer(struct reader *r, struct support_answer *ret_answer) {
    struct support_answer answer = {.id = read_u32_be(r)};
    answer.status = read_u16_be(r);
    answer.type = take_word(r);
    answer.disposition = take_word(r);
    answer.body = take(r, read_u32_be(r), SUPPORT_ANSWER_BYTES);
    *ret_answer = answer;
    return !r->failed && answer.id != 0 && answer.status >= 200 && answer.status <= 599;
}

int support_requests_read(
    struct str frame, struct support_requests *ret_requests, struct err *err) {
    struct reader r = reader_of(frame.data, frame.size);
    struct support_requests requests = {.count = 0};
    bool good = frame.size <= SUPPORT_FRAME_BYTES &&
                take_head(&r, KIND_REQUESTS, &requests.flags, &requests.count);
    for (uint32_t i = 0; good && i < requests.count; i++) {
        good = take_request(&r, &requests.items[i]);
    }
    if (!good || reader_left(&r) != 0) {
        return bad(r.offset, err);
    }
    *ret_requests = requests;
    return 0;
}

int support_answers_read(struct str frame, struct support_answers *ret_answers, struct err *err) {
    struct reader r = reader_of(frame.data, frame.size);
    struct support_answers answers = {.count = 0};
    bool good = frame.size <= SUPPORT_FRAME_BYTES &&
                take_head(&r, KIND_ANSWERS, &answers.flags, &answers.count);
    for (uint32_t i = 0; good && i < answers.count; i++) {
        good = take_answer(&r, &answers.items[i]);
    }
    if (!good || reader_left(&r) != 0) {
        return bad(r.offset, err);
    }
    *ret_answers = answers;
    return 0;
}

/* ---- The link ---- */

static bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
}

/* host[:port] of this computer. */
static bool is_loopback(struct str host) {
    static const char *const NAMES[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct str name = str_of(NAMES[i]);
        if (str_starts(host, name) && (host.size == name.size || host.data[name.size] == ':')) {
            return true;
        }
    }
    return false;
}

int support_base_check(struct str base, struct err *err) {
    bool secure = str_starts(base, STR("https://"));
    struct str host = str_slice(base, secure ? 8 : 7, base.size);
    bool good = host.size > 0 && base.size < SUPPORT_LINK_BYTES / 2;
    for (size_t i = 0; good && i < host.size; i++) {
        good = is_host_char(host.data[i]);
    }
    if (!good || (!secure && !str_starts(base, STR("http://")))) {
        return err_set(err, ERR_INVALID, MSG_SUPPORT_BASE, ARGS(A_STR(base)));
    }
    return secure || is_loopback(host)
               ? 0
               : err_set(err, ERR_INVALID, MSG_SUPPORT_PLAIN, ARGS(A_STR(base)));
}

static bool is_code(struct str code) {
    bool good = code.size == SUPPORT_CODE_BYTES;
    for (size_t i = 0; good && i < code.size; i++) {
        char c = code.data[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    }
    return good;
}

/* 64 digits as "AB:CD:...". */
static bool fingerprint_read(struct str hex, char to[SUPPORT_FINGERPRINT_BYTES]) {
    bool good = hex.size == 64;
    size_t size = 0;
    for (size_t i = 0; good && i < hex.size; i++) {
        char c = hex.data[i];
        c = c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
        good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
        if (i > 0 && i % 2 == 0) {
            to[size++] = ':';
        }
        to[size++] = c;
    }
    to[good ? size : 0] = '\0';
    return good;
}

int support_link_read(struct str text, struct support_link *ret_link, struct err *err) {
    struct str rest = str_trim(text);
    struct support_link link = {.base = str_cut(&rest, '#')};
    link.code = str_cut(&rest, '.');
    bool has_more = rest.data != NULL;
    if (!str_ends(link.base, STR("/support")) || !is_code(link.code) ||
        (has_more && !fingerprint_read(rest, link.fingerprint))) {
        return err_set(err, ERR_INVALID, MSG_SUPPORT_LINK, NO_ARGS);
    }
    link.base = str_slice(link.base, 0, link.base.size - strlen("/support"));
    int rc = support_base_check(link.base, err);
    if (rc >= 0) {
        *ret_link = link;
    }
    return rc;
}

void support_link_write(const struct support_link *link, struct buf *out) {
    buf_put_str(out, link->base);
    buf_put_str(out, STR("/support#"));
    buf_put_str(out, link->code);
    struct str rest = str_of(link->fingerprint);
    for (bool first = true; rest.size > 0; first = false) {
        buf_put_str(out, first ? STR(".") : STR(""));
        buf_put_str(out, str_cut(&rest, ':'));
    }
}
