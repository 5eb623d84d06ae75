#ifndef SERVE_API_TAGS_H
#define SERVE_API_TAGS_H
/*
 * What the handlers of tags and of their preview share. Any thread; nothing is owned.
 */
#include "core/json_in.h"
#include "model/tag.h"

/* Changes `tag` by the members that the body has (docs/HTTP.md, PUT tags/{name}). Texts are
 * borrowed from the body. ERR_INVALID, ERR_RANGE with words. */
int tag_read(const struct json_in *body, struct tag *tag, struct err *err);

#endif
