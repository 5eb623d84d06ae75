/*
 * Errors with words: setting, adding context and rendering.
 *
 * The tables below come from the same .def files as the enums, so a code or a sentence cannot
 * exist in one language only. Arguments are copied into the value when the error is set (numbers
 * in the note, texts into a pool of ERR_TEXT_MAX bytes), because the things they name are often
 * gone when the sentence is rendered at the edge. Rejected: a thread-local last error (goes stale)
 * and formatting at once (the reader's language is not known deep inside).
 *
 * Cost: err_set touches about 100 bytes; the 1 KB value is not cleared, only its counts are.
 * Rendering puts contexts outermost first, each followed by ": ", and the fact last; a fact
 * without a sentence of its own is told in the general words of its code.
 */
#include "core/err.h"

#include <errno.h>
#include <string.h>

#include "core/buf.h"
#include "core/check.h"

struct code_entry {
    const char *name;
    const char *words[2];
};

static const struct code_entry CODES[] = {
    [ERR_OK] = {"OK", {"정상입니다", "all is well"}},
#define ERR(name, en, ko) [ERR_##name] = {#name, {ko, en}},
#include "core/err.def"
#undef ERR
};
_Static_assert(sizeof CODES / sizeof CODES[0] == ERR_CODE_COUNT, "one entry per code");

static const struct code_entry MESSAGES[] = {
    [MSG_NONE] = {"NONE", {"", ""}},
#define MSG(id, en, ko) [MSG_##id] = {#id, {ko, en}},
#include "core/words/all.def"
#undef MSG
};
_Static_assert(sizeof MESSAGES / sizeof MESSAGES[0] == MSG_COUNT, "one entry per sentence");
_Static_assert(MSG_COUNT < MSG_APART, "ids do not meet");

static const struct code_entry APART[] = {
#define MSG(id, en, ko) {#id, {ko, en}},
#include "core/words/apart.def"
#undef MSG
};

/* NULL: no such sentence. */
static const struct code_entry *msg_entry(enum msg_id id) {
    unsigned at = (unsigned)id;
    if (at < MSG_COUNT) {
        return &MESSAGES[at];
    }
    return at >= MSG_APART && at - MSG_APART < sizeof APART / sizeof APART[0]
               ? &APART[at - MSG_APART]
               : NULL;
}
_Static_assert(LANG_KO == 0 && LANG_EN == 1, "the word tables are indexed by language");

static void note_copy_text(struct err *err, struct err_note_arg *to, struct str text) {
    size_t room = (size_t)ERR_TEXT_MAX - err->text_size;
    to->offset = err->text_size;
    to->size = 0;
    if (room > 0) {
        // str_copy_z cuts at a character boundary; its NUL is overwritten by the next text.
        to->size = (uint16_t)str_copy_z(text, err->text + err->text_size, room);
        err->text_size = (uint16_t)(err->text_size + to->size);
    }
}

static void note_fill(
    struct err *err, struct err_note *note, enum msg_id msg, const struct arg *args) {
    note->msg = (uint16_t)msg;
    memset(note->args, 0, sizeof note->args);
    for (size_t i = 0; args && i < ERR_ARGS_MAX && args[i].kind != ARG_KIND_NONE; i++) {
        struct err_note_arg *to = &note->args[i];
        to->kind = (uint8_t)args[i].kind;
        switch (args[i].kind) {
        case ARG_KIND_TEXT: note_copy_text(err, to, args[i].text); break;
        case ARG_KIND_INT: to->as.integer = args[i].integer; break;
        case ARG_KIND_REAL: to->as.real = args[i].real; break;
        case ARG_KIND_NONE: break;
        }
    }
}

/* The arguments of one note as msg_render wants them, closed by ARG_KIND_NONE. */
static void note_args(
    const struct err *err, const struct err_note *note, struct arg to[ERR_ARGS_MAX + 1]) {
    memset(to, 0, sizeof(struct arg) * (ERR_ARGS_MAX + 1));
    for (size_t i = 0; i < ERR_ARGS_MAX; i++) {
        const struct err_note_arg *from = &note->args[i];
        to[i].kind = (enum arg_kind)from->kind;
        if (to[i].kind == ARG_KIND_TEXT) {
            to[i].text = (struct str){err->text + from->offset, from->size};
        } else if (to[i].kind == ARG_KIND_INT) {
            to[i].integer = from->as.integer;
        } else if (to[i].kind == ARG_KIND_REAL) {
            to[i].real = from->as.real;
        }
    }
}

static void arg_render(const struct arg *arg, struct buf *out) {
    switch (arg->kind) {
    case ARG_KIND_TEXT: buf_put_str(out, arg->text); break;
    case ARG_KIND_INT: buf_put_i64(out, arg->integer); break;
    case ARG_KIND_REAL: buf_put_f64(out, arg->real); break;
    case ARG_KIND_NONE: buf_put_char(out, '?'); break;
    }
}

int err_set(struct err *err, enum err_code code, enum msg_id msg, const struct arg *args) {
    DCHECK(code > ERR_OK && code < ERR_CODE_COUNT);
    DCHECK(msg_entry(msg) != NULL);
    if (err) {
        err->code = code;
        err->text_size = 0;
        err->note_count = 1;
        note_fill(err, &err->notes[0], msg, args);
    }
    return -(int)code;
}

int err_context(struct err *err, enum msg_id msg, const struct arg *args) {
    DCHECK(msg_entry(msg) != NULL);
    if (!err) {
        return -ERR_INTERNAL;
    }
    if (err->code == ERR_OK || err->note_count == 0) {
        // Somebody failed without saying why; the place that noticed is still worth keeping.
        (void)err_set(err, err->code == ERR_OK ? ERR_INTERNAL : err->code, MSG_NONE, NO_ARGS);
    }
    if (err->note_count < ERR_NOTES_MAX) {
        note_fill(err, &err->notes[err->note_count], msg, args);
        err->note_count++;
    }
    return -(int)err->code;
}

int err_set_errno(struct err *err, int errno_value, struct str what) {
    switch (errno_value) {
    case ENOSPC:
    case EDQUOT: return err_set(err, ERR_SPACE, MSG_DISK_FULL, ARGS(A_STR(what)));
    case ENOENT: return err_set(err, ERR_NOT_FOUND, MSG_FILE_MISSING, ARGS(A_STR(what)));
    default: break;
    }
    char text[128] = "";
    const char *words = strerror_r(errno_value, text, sizeof text);
    return err_set(err, ERR_IO, MSG_SYSTEM_CALL, ARGS(A_STR(what), A_CSTR(words)));
}

void err_clear(struct err *err) {
    if (err) {
        err->code = ERR_OK;
        err->note_count = 0;
        err->text_size = 0;
    }
}

const char *err_code_name(enum err_code code) {
    return (unsigned)code < ERR_CODE_COUNT ? CODES[code].name : "UNKNOWN";
}

const char *err_code_words(enum err_code code, enum lang lang) {
    enum err_code known = (unsigned)code < ERR_CODE_COUNT ? code : ERR_INTERNAL;
    return CODES[known].words[lang == LANG_EN ? LANG_EN : LANG_KO];
}

const char *msg_name(enum msg_id id) {
    const struct code_entry *entry = msg_entry(id);
    return entry != NULL ? entry->name : "UNKNOWN";
}

void msg_render(enum msg_id id, const struct arg *args, enum lang lang, struct buf *out) {
    const struct code_entry *entry = msg_entry(id);
    entry = entry != NULL ? entry : &MESSAGES[MSG_NONE];
    struct str rest = str_of(entry->words[lang == LANG_EN ? LANG_EN : LANG_KO]);
    static const struct arg missing = {.kind = ARG_KIND_NONE};
    size_t count = 0;
    while (args && count < ERR_ARGS_MAX && args[count].kind != ARG_KIND_NONE) {
        count++;
    }
    while (rest.size > 0) {
        size_t open = str_find(rest, '{');
        buf_put_str(out, str_slice(rest, 0, open));
        rest = str_slice(rest, open, rest.size);
        if (rest.size >= 3 && rest.data[1] >= '0' && rest.data[1] < '0' + ERR_ARGS_MAX &&
            rest.data[2] == '}') {
            size_t index = (size_t)(rest.data[1] - '0');
            arg_render(index < count ? &args[index] : &missing, out);
            rest = str_slice(rest, 3, rest.size);
        } else if (rest.size > 0) {
            buf_put_char(out, '{');
            rest = str_slice(rest, 1, rest.size);
        }
    }
}

void err_render(const struct err *err, enum lang lang, struct buf *out) {
    if (!err || err->note_count == 0) {
        buf_put_str(out, str_of(err_code_words(err ? err->code : ERR_INTERNAL, lang)));
        return;
    }
    for (size_t i = err->note_count; i-- > 0;) {
        const struct err_note *note = &err->notes[i];
        struct arg args[ERR_ARGS_MAX + 1];
        note_args(err, note, args);
        if (note->msg == MSG_NONE) {
            buf_put_str(out, str_of(err_code_words(err->code, lang)));
        } else {
            msg_render((enum msg_id)note->msg, args, lang, out);
        }
        if (i > 0) {
            buf_put_str(out, STR(": "));
        }
    }
}

bool err_note_text(const struct err *err, enum msg_id msg, struct str *ret_text) {
    for (size_t i = 0; err != NULL && i < err->note_count; i++) {
        struct arg args[ERR_ARGS_MAX + 1];
        note_args(err, &err->notes[i], args);
        if (err->notes[i].msg == (uint16_t)msg && args[0].kind == ARG_KIND_TEXT) {
            *ret_text = args[0].text;
            return true;
        }
    }
    return false;
}
