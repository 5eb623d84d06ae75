#ifndef UPKEEP_DIGEST_HOME_H
#define UPKEEP_DIGEST_HOME_H
/*
 * The logical digest of a home that nobody has open. Private to the room.
 */
#include "upkeep/upkeep.h"

int measure_cold(const char *home_dir, bool with_hub, struct watch watch,
    char ret_logical[DIGEST_TEXT_MAX], struct err *err);

#endif
