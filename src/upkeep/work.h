#ifndef UPKEEP_WORK_H
#define UPKEEP_WORK_H
/*
 * The folder in which copies of ledgers stand while a backup is made: HOME/backups/.work-XXXXXX.
 * Private to the room.
 */
#include "upkeep/upkeep.h"

/* Makes one; `ret_dir` needs LIMIT_PATH_BYTES. */
int work_begin(const char *home_dir, char *ret_dir, struct err *err);
void work_end(const char *dir);
/* Removes what killed backups left. Nobody may be making one. */
void work_clean(const char *home_dir);
/* Is there room for `bytes` where `fd` lies? ERR_SPACE in words, before the disk is filled. On the
 * home's own disk a twentieth stays free: a backup must never be why a plant stops storing. */
int work_room_check(int fd, const char *home_dir, uint64_t bytes, struct err *err);

#endif
