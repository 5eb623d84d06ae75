#ifndef TABLE_XML_H
#define TABLE_XML_H
/*
 * XML as a stream of events; the one place of this room that knows libxml2. What a file of ours
 * never has and a bomb always has is refused: document type declarations (and so entities), depth,
 * giant texts. Nothing is fetched, no file is opened. One owner.
 */
#include "core/err.h"

struct xml_attribute {
    struct str name; // Without its prefix.
    struct str value;
};

/* Names come without prefixes. A negative result ends the parse with that error. */
struct xml_events {
    void *context;
    int (*begin)(void *context, struct str name, const struct xml_attribute *attributes,
        size_t count, struct err *err);
    int (*end)(void *context, struct str name, struct err *err);
    int (*text)(void *context, struct str text, struct err *err); // A part of it; may come again.
};

struct xml;

struct xml *xml_new(const struct xml_events *events);
void xml_free(struct xml *xml);
/* The next piece; `last`: nothing follows. ERR_INVALID: not well-formed, or what an event said. */
int xml_feed(struct xml *xml, const void *data, size_t size, bool last, struct err *err);

/* The attribute's value; data NULL when absent. */
struct str xml_find(const struct xml_attribute *attributes, size_t count, struct str name);

#endif
