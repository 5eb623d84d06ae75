#ifndef WIRE_SUPPORT_H
#define WIRE_SUPPORT_H
/*
 * Frames of remote support: requests that a desk has for a factory, and the factory's answers.
 * docs/FORMATS.md has the layout. Both directions are read with the same suspicion: one byte too
 * few or too many, an unknown number or a text that could not stand in HTTP refuses the whole
 * frame. Pure; any thread; what is read borrows the frame.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum {
    SUPPORT_FRAME_BYTES = 8 << 20,  // Of a whole frame.
    SUPPORT_BODY_BYTES = 1 << 20,   // Of one request.
    SUPPORT_ANSWER_BYTES = 4 << 20, // Of one answer; a frame holds at least one of any size.
    SUPPORT_BATCH_MAX = 16,         // Requests or answers of one frame.
    SUPPORT_TARGET_BYTES = 4096,    // Path and query.
    SUPPORT_WORD_BYTES = 127,       // Content type, language, file name.
};

enum support_method { SUPPORT_GET, SUPPORT_POST, SUPPORT_PUT, SUPPORT_DELETE, SUPPORT_METHODS };

/* Flags of a frame. */
enum {
    SUPPORT_END = 1,  // Whoever sends this has ended the visit.
    SUPPORT_STAY = 2, // Answers: more follow, the desk must not wait.
};

struct support_request {
    uint32_t id; // Of the desk, not 0.
    enum support_method method;
    struct str target;   // "/api/v1/...", printable ASCII without blanks.
    struct str type;     // Content type of the body; may be empty.
    struct str language; // Accept-Language; may be empty.
    struct str body;
};

struct support_answer {
    uint32_t id;
    uint16_t status;        // 200 .. 599
    struct str type;        // Content type; may be empty.
    struct str disposition; // Content-Disposition; may be empty.
    struct str body;
};

struct support_requests {
    uint8_t flags;
    uint32_t count;
    struct support_request items[SUPPORT_BATCH_MAX];
};
struct support_answers {
    uint8_t flags;
    uint32_t count;
    struct support_answer items[SUPPORT_BATCH_MAX];
};

/* Append a whole frame. The caller keeps the limits above; texts are what it checked. */
void support_requests_write(const struct support_requests *requests, struct buf *out);
void support_answers_write(const struct support_answers *answers, struct buf *out);
/* ERR_FRAME with words. */
int support_requests_read(struct str frame, struct support_requests *ret_requests, struct err *err);
int support_answers_read(struct str frame, struct support_answers *ret_answers, struct err *err);
/* Whether a target could stand in a frame. */
bool support_target_is_good(struct str target);

/* What a factory is told: "https://desk:8443/support#CODE" or "...#CODE.SHA256", the fingerprint of
 * the desk's own authority in 64 hexadecimal digits. Without it the system's authorities decide. */
enum {
    SUPPORT_LINK_BYTES = 512,
    SUPPORT_CODE_BYTES = 43,        // base64url of 256 bits.
    SUPPORT_FINGERPRINT_BYTES = 96, // "AB:CD:..." and NUL.
};
struct support_link {
    struct str base;                             // "https://desk:8443"
    struct str code;                             // Borrowed from the text.
    char fingerprint[SUPPORT_FINGERPRINT_BYTES]; // Empty: none.
};
/* ERR_INVALID in words: no link, or without TLS to another computer. */
int support_link_read(struct str text, struct support_link *ret_link, struct err *err);
/* Appends it. `base` as of support_base_check. */
void support_link_write(const struct support_link *link, struct buf *out);
/* "https://host[:port]", or http:// to this computer alone; no path behind it. */
int support_base_check(struct str base, struct err *err);

#endif
