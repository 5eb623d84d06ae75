#ifndef UPKEEP_ABOUT_H
#define UPKEEP_ABOUT_H
/*
 * The part `about` of a backup: what it holds, as lines of words. Private to the room. Plain
 * values.
 */
#include "upkeep/digest.h"

enum { ABOUT_BYTES_MAX = 64 << 10 };

struct about {
    char version[32];
    int64_t created_ns;
    bool has_keys;
    struct hub_digest hub;
    uint32_t plant_count;
    struct plant_digest plants[HOME_PLANTS_MAX];
    char logical[DIGEST_TEXT_MAX];
};
void about_write(const struct about *about, struct buf *to);
/* Lines with unknown first words are passed over: a later Maru may say more. ERR_CORRUPT. */
int about_parse(struct str text, struct about *ret_about, struct err *err);
/* The names a part of a backup may have: the only paths a restore ever writes. */
bool part_path_good(struct str name);
/* One step of such a path. */
bool part_name_good(struct str name);

#endif
