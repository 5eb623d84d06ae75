#ifndef PROGRAMME_SHARE_H
#define PROGRAMME_SHARE_H
/*
 * What share/ holds, built in: the programmes that ship and Korea's public holidays, as tables that
 * tools/embed-share.py writes. Constant; any thread. Private to the room.
 */
#include <stddef.h>
#include <stdint.h>

struct share_file {
    const char *id; // NULL ends the table, which is sorted by id.
    const char *json;
    size_t size_bytes;
};

extern const struct share_file SHARE_PROGRAMMES[];
extern const struct share_file SHARE_LEVELS; // Scales, sub-areas, terms of certificates.
extern const int32_t SHARE_HOLIDAYS[];       // Days since 1970-01-01, ascending.
extern const size_t SHARE_HOLIDAY_COUNT;

#endif
