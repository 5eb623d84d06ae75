#ifndef PLANT_SUPPORT_PLANT_H
#define PLANT_SUPPORT_PLANT_H
/* A plant in a temporary folder, and files made from text, for the tests of this room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plant/import.h"
#include "plant/plant.h"

struct rig {
    char dir[256];
    char keys[272]; // Its folder of keys.
    struct plant *plant;
};

/* Creates the plant; `files` may be NULL or a layer that fails on purpose. */
void rig_open(struct rig *rig, struct files *files);
void rig_reopen(struct rig *rig, struct files *files);
void rig_close(struct rig *rig); // Closes and removes the folder.

/* A descriptor that reads `text` from its start. */
int text_fd(const char *text);

/* Imports the good rows of `text`; the report comes back; rejected lines are counted there. */
int import_text(struct rig *rig, enum import_kind kind, const char *text,
    struct import_report *ret_report, struct err *err);

/* Rows of a tag in the store, winning versions or all. */
uint32_t stored_rows(struct rig *rig, const char *tag, bool versions);
/* One good sample through the pipeline; the result of plant_submit. */
int submit_f64(struct rig *rig, uint32_t tag, int64_t time_ns, double value, struct err *err);
uint32_t tag_number(struct rig *rig, const char *name); // Creates it when absent.

#endif
