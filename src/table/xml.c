/*
 * libxml2's push parser with SAX2 events. Options: no network; a document type declaration ends
 * the parse, so the only entities that are ever replaced are the five of XML itself: no bomb, no
 * outside file. libxml2's own limits (10 MB a text node, 256 levels) stay on; ours of 64 levels is
 * nearer, since no part of a workbook is deeper than a dozen. Error texts of the library go
 * nowhere: a file from outside must not fill the log.
 */
#include "table/xml.h"

#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include "core/check.h"
#include "core/mem.h"

enum { DEPTH_MAX = 64, ATTRIBUTES_MAX = 64, PIECE_BYTES = 64 << 10 };

struct xml {
    struct xml_events events;
    xmlParserCtxtPtr parser;
    uint32_t depth;
    int status; // The first failure of an event.
    struct err err;
};

static int fail(struct xml *xml, int status) {
    if (xml->status >= 0) {
        xml->status = status;
        xmlStopParser(xml->parser);
    }
    return status;
}

static void on_begin(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
    int namespace_count, const xmlChar **namespaces, int attribute_count, int default_count,
    const xmlChar **attributes) {
    (void)prefix, (void)uri, (void)namespace_count, (void)namespaces, (void)default_count;
    struct xml *xml = context;
    if (xml->status < 0) {
        return;
    }
    if (++xml->depth > DEPTH_MAX || attribute_count > ATTRIBUTES_MAX) {
        (void)fail(xml, err_set(&xml->err, ERR_LIMIT, MSG_TABLE_XML_DEPTH, ARGS(A_INT(DEPTH_MAX))));
        return;
    }
    struct xml_attribute found[ATTRIBUTES_MAX];
    for (int i = 0; i < attribute_count; i++) { // Five pointers an attribute: see libxml2's SAX2.
        const xmlChar **five = attributes + 5 * (size_t)i;
        found[i].name = str_of((const char *)five[0]);
        found[i].value = (struct str){(const char *)five[3], (size_t)(five[4] - five[3])};
    }
    int status = xml->events.begin(
        xml->events.context, str_of((const char *)name), found, (size_t)attribute_count, &xml->err);
    if (status < 0) {
        (void)fail(xml, status);
    }
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
    (void)prefix, (void)uri;
    struct xml *xml = context;
    if (xml->status >= 0) {
        xml->depth--;
        int status = xml->events.end(xml->events.context, str_of((const char *)name), &xml->err);
        if (status < 0) {
            (void)fail(xml, status);
        }
    }
}

static void on_text(void *context, const xmlChar *text, int size) {
    struct xml *xml = context;
    if (xml->status >= 0) {
        struct str part = {(const char *)text, (size_t)size};
        int status = xml->events.text(xml->events.context, part, &xml->err);
        if (status < 0) {
            (void)fail(xml, status);
        }
    }
}

static void on_declaration(
    void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system_id) {
    (void)name, (void)external, (void)system_id;
    struct xml *xml = context;
    (void)fail(xml, err_set(&xml->err, ERR_INVALID, MSG_TABLE_XML_ENTITY, NO_ARGS));
}

static void on_complaint(void *context, const xmlError *complaint) {
    (void)context, (void)complaint; // xmlParseChunk's result says that there was one.
}

/* libxml2 2.12 made the argument const; both have one calling convention. */
typedef void (*complaint_function)(void *context, const xmlError *complaint);
union complaint_handler {
    complaint_function ours;
    xmlStructuredErrorFunc theirs;
};

struct xml *xml_new(const struct xml_events *events) {
    struct xml *xml = MEM_NEW(struct xml);
    xml->events = *events;
    union complaint_handler complaint = {.ours = on_complaint};
    xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
        .startElementNs = on_begin,
        .endElementNs = on_end,
        .characters = on_text,
        .cdataBlock = on_text,
        .ignorableWhitespace = on_text,
        .internalSubset = on_declaration,
        .serror = complaint.theirs};
    xml->parser = xmlCreatePushParserCtxt(&sax, xml, NULL, 0, NULL);
    CHECK(xml->parser != NULL);
    (void)xmlCtxtUseOptions(
        xml->parser, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    return xml;
}

void xml_free(struct xml *xml) {
    if (xml != NULL) {
        xmlFreeParserCtxt(xml->parser);
        mem_free(xml);
    }
}

int xml_feed(struct xml *xml, const void *data, size_t size, bool last, struct err *err) {
    const char *from = data;
    bool more = true;
    while (more) {
        size_t part = size < PIECE_BYTES ? size : PIECE_BYTES;
        more = part < size;
        int code = xmlParseChunk(xml->parser, from, (int)part, last && !more);
        if (xml->status < 0) {
            if (err != NULL) {
                *err = xml->err;
            }
            return xml->status;
        }
        if (code != 0) {
            return err_set(
                err, ERR_INVALID, MSG_TABLE_XML, ARGS(A_INT(xmlSAX2GetLineNumber(xml->parser))));
        }
        from += part;
        size -= part;
    }
    return 0;
}

struct str xml_find(const struct xml_attribute *attributes, size_t count, struct str name) {
    for (size_t i = 0; i < count; i++) {
        if (str_eq(attributes[i].name, name)) {
            return attributes[i].value;
        }
    }
    return (struct str){NULL, 0};
}
