#ifndef PLANT_TEMPLATE_H
#define PLANT_TEMPLATE_H
/*
 * Equipment templates: devices with their tags, rules, derived tags and equipment, taken from one
 * plant and made again in the same or another one under other names and addresses. A template holds
 * the rows of the tables that the import takes (plant/import.h), as texts, without secrets; making
 * it again is an import of those rows, all or none, which never changes what is there already.
 * Texts live in the caller's arena. Any thread that may block.
 */
#include "core/buf.h"
#include "plant/import.h"

enum {
    TEMPLATE_VERSION = 1,
    TEMPLATE_NAME_BYTES = 200,
    TEMPLATE_NOTE_BYTES = 2000,
    TEMPLATE_BYTES_MAX = 4 << 20, // As JSON; refused beyond.
    TEMPLATE_ASSETS_MAX = 256,
    TEMPLATE_DEVICES_MAX = 64,
    TEMPLATE_TAGS_MAX = 5000,
    TEMPLATE_NAMES_MAX = 64, // Replacements of one kind.
};

/* In the order in which they are made. */
enum template_part { TEMPLATE_EQUIPMENT, TEMPLATE_DEVICES, TEMPLATE_TAGS, TEMPLATE_PART_COUNT };

struct template_rows {
    uint32_t count;
    struct str *cells; // count times import_column_count(template_kind(part)).
};

struct template {
    struct str name;
    struct str note;
    struct template_rows parts[TEMPLATE_PART_COUNT];
};

enum import_kind template_kind(enum template_part part);
uint32_t template_rows_max(enum template_part part);
const char *template_part_name(enum template_part part); // "equipment", "devices", "tags".

/* Takes these devices with all their tags, the tags that rules of those write to, derived tags of
 * nothing but those, and the equipment that their names tell. ERR_NOT_FOUND, ERR_LIMIT. */
int template_take(struct plant *plant, const struct str *devices, uint32_t device_count,
    const char *spool_folder, struct arena *arena, struct template *ret_template, struct err *err);

/* As a file (docs/FORMATS.md). */
void template_put(const struct template *template, struct buf *out);

/* ---- Making it again ---- */

struct template_name {
    struct str from;    // Beginning of tag names up to a dot, such as "line1.press1".
    struct str to;      // What stands there instead.
    struct str display; // How people call the new equipment; empty: as in the template.
};

struct template_device {
    struct str from;    // In the template.
    struct str to;      // Its new id; empty: the same.
    struct str address; // Empty: the same.
    struct str options; // These keys instead of the template's: "unit=3".
};

enum template_state { TEMPLATE_NEW, TEMPLATE_SAME, TEMPLATE_FAULT };

struct template_wish {
    const struct template_name *names;
    uint32_t name_count;
    const struct template_device *devices;
    uint32_t device_count;
    bool dry_run;
    struct str actor;
    const char *spool_folder;
    void *context;
    /* Each row after the attempt: what it is about, what became of it, why not. */
    void (*row)(void *context, enum template_part part, struct str name, enum template_state state,
        const struct err *why);
};

/* 1: made, or it was all there; 0: refused, nothing was made, and the rows say why (with dry_run:
 * would be). Negative: it could not be tried. */
int template_apply(struct plant *plant, const struct template *template,
    const struct template_wish *wish, struct err *err);

#endif
