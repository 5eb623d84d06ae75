#ifndef PLANT_MARK_H
#define PLANT_MARK_H
/*
 * Marks of devices and tags: a short text that changes with whatever a table of them shows. A table
 * goes out with the marks, is worked on for as long as it takes, and comes back with them; the
 * import sees by them which row somebody else has changed meanwhile (plant/import.h). Pure; any
 * thread.
 */
#include "model/tag.h"

enum { MARK_TEXT_MAX = 17 };

/* The mark of what is not there yet: a row with it must make something new. */
#define MARK_NEW STR("new")

/* Sixteen hexadecimal digits and a NUL. Of a device's secrets nothing is in it. */
void mark_of_tag(const struct tag *tag, char ret_text[MARK_TEXT_MAX]);
void mark_of_device(const struct device *device, char ret_text[MARK_TEXT_MAX]);

#endif
