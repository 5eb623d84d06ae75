#ifndef HISTORIAN_DUMP_OUT_H
#define HISTORIAN_DUMP_OUT_H
/*
 * The pieces of a dump: items going out as text or JSON, and the file that is looked at. One owner.
 */
#include "core/json.h"
#include "historian/decoder.h"
#include "historian/dump.h"

enum { DUMP_DEPTH_MAX = 12 };

struct dump {
    const struct dump_options *options;
    struct dump_report report;
    struct err *err;
    int status; // Negative: `write` refused; nothing more goes out.
    struct buf text;
    struct json json;
    int depth;
    bool has_inside[DUMP_DEPTH_MAX + 1];
    struct decoder decoder;
    struct batch *batch;
    /* The present file: memory, or a descriptor read piece by piece. */
    const uint8_t *data; // NULL: `fd`.
    int fd;
    const char *path;
    uint64_t size;
    struct buf bytes;
};

/* Bytes of the present file, borrowed until the next call; NULL when they are not there. */
const uint8_t *dump_get(struct dump *dump, uint64_t at, uint64_t size);

/* Values of an item come before the items inside it. */
void dump_begin(struct dump *dump, const char *what);
void dump_end(struct dump *dump);
void dump_int(struct dump *dump, const char *name, int64_t value);
void dump_hex(struct dump *dump, const char *name, uint64_t value);
void dump_f64(struct dump *dump, const char *name, double value);
void dump_word(struct dump *dump, const char *name, const char *value);
void dump_text(struct dump *dump, const char *name, struct str value);
void dump_bool(struct dump *dump, const char *name, bool value);
/* An item of its own that counts as damage; `why` is one word or some, joined. */
void dump_damage(struct dump *dump, uint64_t at, const char *why);

/* Columns; false when they are not well-formed. The reader stands behind them then. */
bool dump_ints(struct dump *dump, const char *name, struct reader *from, uint32_t rows);
bool dump_doubles(struct dump *dump, const char *name, struct reader *from, uint32_t rows);
bool dump_texts(struct dump *dump, const char *name, struct reader *from, uint32_t rows);

void dump_segment(struct dump *dump);
/* `number`: from the file's name; 0: not known, the head is believed. */
void dump_log(struct dump *dump, uint64_t number);
void dump_manifest(struct dump *dump);

#endif
