#ifndef UPKEEP_ERASURES_H
#define UPKEEP_ERASURES_H
/*
 * Replaying a list of erasures on a home that nobody has open. Private to the room.
 */
#include "upkeep/upkeep.h"

/* ERR_CORRUPT: the list is not whole; nothing was erased. */
int erasures_replay(
    const char *list_path, const char *home_dir, uint64_t *ret_erased, struct err *err);

#endif
