#ifndef PAPERS_SUPPORT_PAPERS_H
#define PAPERS_SUPPORT_PAPERS_H
/* A plant in a temporary folder with a device, an asset and tags, and papers made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "papers/papers.h"

struct rig {
    char dir[256];
    struct plant *plant;
};

void rig_open(struct rig *rig);
void rig_close(struct rig *rig);
/* Stores a row of a register; its fields by name, ended by NULL. The number, or negative. */
int64_t rig_enter(struct rig *rig, enum register_id id, int64_t number, struct err *err, ...);
/* Makes a paper of the day 2025-03-04 into `out`. */
int rig_make(struct rig *rig, enum paper_kind kind, enum paper_format format, enum lang lang,
    struct buf *out, struct err *err);
/* One good value a minute of 2025-03-04 (Seoul) from one minute to before another, into a tag. */
void rig_values(struct rig *rig, const char *tag, int from_minute, int to_minute);

#endif
