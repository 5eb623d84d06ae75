/*
 * How a dump goes out: items with named values, and items inside them. As text each is a line with
 * two blanks for each level; as JSON an object whose "inside" is begun with the first item in it.
 * What is written leaves in pieces, so the dump of a large segment needs no memory.
 */
#include "historian/dump_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/file.h"

enum { PIECE_BYTES = 64 << 10 };

const uint8_t *dump_get(struct dump *dump, uint64_t at, uint64_t size) {
    if (at > dump->size || size > dump->size - at) {
        return NULL;
    }
    if (dump->data != NULL) {
        return dump->data + at;
    }
    buf_clear(&dump->bytes);
    uint8_t *to = buf_reserve(&dump->bytes, size + 1);
    if (to == NULL || file_read_at(dump->fd, dump->path, at, to, size, NULL) < 0) {
        return NULL;
    }
    return to;
}

static void dump_flush(struct dump *dump, bool always) {
    if (dump->text.size < PIECE_BYTES && !always) {
        return;
    }
    if (dump->status >= 0 && dump->text.size > 0) {
        dump->status = dump->options->write(
            dump->options->context, dump->text.data, dump->text.size, dump->err);
    }
    buf_clear(&dump->text);
}

void dump_begin(struct dump *dump, const char *what) {
    if (dump->options->json) {
        if (dump->depth > 0 && !dump->has_inside[dump->depth]) {
            json_key(&dump->json, "inside");
            json_array_begin(&dump->json);
        }
        dump->has_inside[dump->depth] = true;
        json_object_begin(&dump->json);
        json_put_str(&dump->json, "what", str_of(what));
    } else {
        if (dump->depth > 0 && !dump->has_inside[dump->depth]) {
            buf_put_char(&dump->text, '\n');
        }
        dump->has_inside[dump->depth] = true;
        buf_printf(&dump->text, "%*s%s", dump->depth * 2, "", what);
    }
    dump->depth++;
    dump->has_inside[dump->depth] = false;
}

void dump_end(struct dump *dump) {
    bool inside = dump->has_inside[dump->depth];
    dump->depth--;
    if (dump->options->json) {
        if (inside) {
            json_array_end(&dump->json);
        }
        json_object_end(&dump->json);
    } else if (!inside) {
        buf_put_char(&dump->text, '\n');
    }
    dump_flush(dump, dump->depth == 0);
}

void dump_text(struct dump *dump, const char *name, struct str value) {
    if (dump->options->json) {
        json_put_str(&dump->json, name, value);
    } else {
        buf_printf(&dump->text, " %s=%.*s", name, STR_ARG(value));
    }
}

void dump_word(struct dump *dump, const char *name, const char *value) {
    dump_text(dump, name, str_of(value));
}

void dump_int(struct dump *dump, const char *name, int64_t value) {
    if (dump->options->json) {
        json_put_i64(&dump->json, name, value);
    } else {
        buf_printf(&dump->text, " %s=%" PRId64, name, value);
    }
}

void dump_hex(struct dump *dump, const char *name, uint64_t value) {
    char digits[20];
    (void)snprintf(digits, sizeof digits, "%08" PRIx64, value);
    dump_word(dump, name, digits);
}

void dump_f64(struct dump *dump, const char *name, double value) {
    if (dump->options->json) {
        json_put_f64(&dump->json, name, value);
        return;
    }
    buf_printf(&dump->text, " %s=", name);
    if (isfinite(value)) {
        buf_put_f64(&dump->text, value);
    } else {
        buf_printf(&dump->text, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    }
}

void dump_bool(struct dump *dump, const char *name, bool value) {
    if (dump->options->json) {
        json_put_bool(&dump->json, name, value);
    } else {
        dump_word(dump, name, value ? "yes" : "no");
    }
}

void dump_damage(struct dump *dump, uint64_t at, const char *why) {
    dump->report.damaged++;
    dump_begin(dump, "DAMAGED");
    dump_int(dump, "at", (int64_t)at);
    dump_word(dump, "why", why);
    dump_end(dump);
}
