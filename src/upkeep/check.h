#ifndef UPKEEP_CHECK_H
#define UPKEEP_CHECK_H
/*
 * The first pass over a backup file. Private to the room.
 */
#include "upkeep/about.h"

int check_file(int fd, const char *path, struct watch watch, struct backup_facts *ret_facts,
    struct about *ret_about, struct err *err);

#endif
