#ifndef CORE_ERR_H
#define CORE_ERR_H
/*
 * Errors with words. A function that can fail returns 0 (or a count) on success and a negative
 * `enum err` on failure. The words travel in `struct err`: one fact (code, message id, typed
 * arguments) set once by whoever knows it, and contexts added on the way up. Nothing is rendered
 * until the edge, where the reader's language is known. `struct err` is a plain value of about
 * 1 KB that lives on the caller's stack; any thread may use its own. A NULL err is allowed
 * everywhere and drops the words.
 */
#include <stdint.h>

#include "core/text.h"

enum err_code {
    ERR_OK = 0,
#define ERR(name, en, ko) ERR_##name,
#include "core/err.def"
#undef ERR
    ERR_CODE_COUNT
};

enum msg_id {
    MSG_NONE = 0,
#define MSG(id, en, ko) MSG_##id,
#include "core/words/all.def"
#undef MSG
    MSG_COUNT,
    MSG_APART = 0x4000, // Those of apart.def, numbered by their room's words.h.
    MSG_LAST = 0x7fff
};

enum lang { LANG_KO = 0, LANG_EN = 1 };

enum { ERR_ARGS_MAX = 4, ERR_NOTES_MAX = 5, ERR_TEXT_MAX = 640 };

enum arg_kind { ARG_KIND_NONE = 0, ARG_KIND_TEXT, ARG_KIND_INT, ARG_KIND_REAL };

/* One typed argument of a message; the text is borrowed for the call. */
struct arg {
    enum arg_kind kind;
    struct str text;
    int64_t integer;
    double real;
};

#define A_STR(s)  ((struct arg){.kind = ARG_KIND_TEXT, .text = (s)})
#define A_CSTR(s) ((struct arg){.kind = ARG_KIND_TEXT, .text = str_of(s)})
#define A_INT(i)  ((struct arg){.kind = ARG_KIND_INT, .integer = (int64_t)(i)})
#define A_REAL(r) ((struct arg){.kind = ARG_KIND_REAL, .real = (double)(r)})
/* The argument list of err_set and err_context: ARGS(A_INT(1), A_CSTR("x")), or NO_ARGS. */
#define ARGS(...) ((const struct arg[ERR_ARGS_MAX + 1]){__VA_ARGS__})
#define NO_ARGS   ((const struct arg *)0)

struct err_note_arg {
    uint8_t kind;
    uint16_t offset; // Into err.text, for texts.
    uint16_t size;
    union {
        int64_t integer;
        double real;
    } as;
};

struct err_note {
    uint16_t msg;
    struct err_note_arg args[ERR_ARGS_MAX];
};

struct err {
    enum err_code code;
    uint8_t note_count; // notes[0] is the fact; later ones are contexts, innermost first.
    uint16_t text_size;
    struct err_note notes[ERR_NOTES_MAX];
    char text[ERR_TEXT_MAX];
};

#define ERR_INIT ((struct err){.code = ERR_OK})

struct buf;

/* Sets the fact, replacing what `err` held. Returns -code, so that callers write
 * `return err_set(err, ERR_INVALID, MSG_X, ARGS(...))`. Texts beyond the pool are cut. */
int err_set(struct err *err, enum err_code code, enum msg_id msg, const struct arg *args);

/* Adds a context ("while reading device p1"). Returns -err->code (or -ERR_INTERNAL for NULL).
 * Contexts beyond the maximum are dropped: the innermost ones explain most. */
int err_context(struct err *err, enum msg_id msg, const struct arg *args);

/* Sets the fact from a system call's errno; `what` names the operation or file. ENOSPC and EDQUOT
 * become ERR_SPACE; ENOENT ERR_NOT_FOUND; the rest ERR_IO. */
int err_set_errno(struct err *err, int errno_value, struct str what);

void err_clear(struct err *err);

/* Name of a code ("INVALID") and its general words. */
const char *err_code_name(enum err_code code);
const char *err_code_words(enum err_code code, enum lang lang);

/* Name of a message id ("CSV_ROW_WIDTH"). */
const char *msg_name(enum msg_id id);

/* Appends the sentence: contexts outermost first, then the fact. */
void err_render(const struct err *err, enum lang lang, struct buf *out);

/* Whether a note with this message is there whose first argument is a text, such as the column that
 * a fault stands in; the text is borrowed from `err`. */
bool err_note_text(const struct err *err, enum msg_id msg, struct str *ret_text);

/* Appends one message with its arguments; used for words that are no errors (health, help). */
void msg_render(enum msg_id id, const struct arg *args, enum lang lang, struct buf *out);

#endif
