#ifndef PAPERS_PDF_H
#define PAPERS_PDF_H
/*
 * A paper as PDF, A4: titles, paragraphs, facts, tables that go on over pages with their head
 * repeated, places to sign, page numbers. The paper and its texts are borrowed for the call. Any
 * thread.
 */
#include "papers/canvas.h"
#include "papers/grid.h"
#include "papers/symbol.h"

enum block_kind {
    BLOCK_HEADING, // A chapter.
    BLOCK_SECTION, // Below it.
    BLOCK_TEXT,
    BLOCK_NOTICE, // A paragraph in a box.
    BLOCK_FACTS,  // A sheet of two columns, name and value, without a head.
    BLOCK_TABLE,
    BLOCK_SIGN, // A sheet: a row is a party, its columns are what is filled in by hand.
    BLOCK_PAGE, // What follows begins a page.
};

struct block {
    enum block_kind kind;
    struct str text;
    const struct grid *sheet;
};

enum {
    PAPER_BLOCKS_MAX = 64,
    PAPER_ROWS_MAX = 5000, // Of one table on paper, some 200 pages; ERR_LIMIT beyond: a workbook.
};

struct paper {
    struct str title;
    struct str subtitle;         // Under the title; may be empty.
    struct str foot;             // At the left of every page's foot.
    struct str mark;             // At the head of every page ("Draft"); may be empty.
    const struct symbol *symbol; // Beside the title; may be NULL.
    bool landscape;
    struct block blocks[PAPER_BLOCKS_MAX];
    uint32_t count;
};

void paper_text(struct paper *paper, enum block_kind kind, struct str text);
void paper_grid(struct paper *paper, enum block_kind kind, const struct grid *sheet);

/* ERR_UNSUPPORTED: cairo or pango is not installed, or no font has Hangul; words say which package.
 * ERR_LIMIT: a table that is too long for paper. Or what `write` said. */
int pdf_write(const struct paper *paper, const struct sink *sink, struct err *err);

#endif
