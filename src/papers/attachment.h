#ifndef PAPERS_ATTACHMENT_H
#define PAPERS_ATTACHMENT_H
/*
 * Files of a non-conformity: the photo of a defect, a certificate. Bytes lie in the box beside
 * deliverables and are backed up with them; entries stand in the audit chain ("attachment.add",
 * "attachment.remove"; subject "nonconformance/3"). Any thread that may wait.
 */
#include "plant/plant.h"

enum {
    ATTACHMENT_BYTES = 20 << 20, // One file; refused beyond.
    ATTACHMENTS_MAX = 50,        // Of one non-conformity; refused beyond.
};

struct attachment {
    int64_t nonconformance;
    struct str name;
    struct str bytes;
    struct str actor;
};
/* ERR_NOT_FOUND: no such non-conformity; ERR_INVALID, ERR_LIMIT with words. */
int attachment_add(
    struct plant *plant, const struct attachment *file, int64_t *ret_number, struct err *err);
/* For what must not be kept: somebody is seen on it, or it belongs elsewhere. The entry that it was
 * there stays in the audit chain. ERR_NOT_FOUND. */
int attachment_remove(
    struct plant *plant, int64_t nonconformance, int64_t number, struct str actor, struct err *err);
/* Opens the bytes, checked against their SHA-256; the name in the arena. */
int attachment_open(struct plant *plant, int64_t nonconformance, int64_t number,
    struct arena *arena, struct str *ret_name, int *ret_fd, uint64_t *ret_size, struct err *err);

#endif
