#ifndef SERVE_TEMPLATE_IN_H
#define SERVE_TEMPLATE_IN_H
/*
 * A template file as it comes from outside (docs/FORMATS.md): size, shape, members and texts are
 * checked here, what the rows mean by the import that makes them. Texts live in the arena. Any
 * thread; pure.
 */
#include "plant/template.h"

/* ERR_INVALID, ERR_TYPE, ERR_LIMIT with words; ERR_UNSUPPORTED: of a newer version. */
int template_read(
    struct str text, struct arena *arena, struct template *ret_template, struct err *err);

#endif
