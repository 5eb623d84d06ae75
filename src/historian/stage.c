/* TEMPORARY while segments are written. */
#include "historian/store.h"
#include "historian/cursor.h"
#include "core/mem.h"
void tag_page_unref(struct tag_page *page) {
    (void)page;
}
int segment_open(struct files *files, const char *dir, uint64_t id, const struct damage_sink *sink,
    struct segment **ret_segment, struct err *err) {
    (void)files;
    (void)dir;
    (void)id;
    (void)sink;
    (void)ret_segment;
    return err_set(err, ERR_NOT_FOUND, MSG_MANIFEST_DAMAGED, NO_ARGS);
}
void segment_unref(struct segment *segment) {
    (void)segment;
}
struct segment *segment_ref(struct segment *segment) {
    return segment;
}
const struct segment_info *segment_info(const struct segment *segment) {
    return (const void *)segment;
}
bool segment_tag_range(const struct segment *segment, uint32_t tag, int64_t *a, int64_t *b) {
    (void)segment;
    (void)tag;
    (void)a;
    (void)b;
    return false;
}
int segment_page(struct segment *segment, uint32_t tag, struct tag_page **p, struct err *err) {
    (void)segment;
    (void)tag;
    (void)p;
    (void)err;
    return 0;
}
int segment_block(struct segment *segment, const struct tag_page *page, uint32_t index,
    struct decoder *decoder, struct run *ret_run, struct err *err) {
    (void)segment;
    (void)page;
    (void)index;
    (void)decoder;
    (void)ret_run;
    (void)err;
    return 0;
}
void segment_name(uint64_t id, char *to) {
    (void)id;
    *to = 0;
}
bool segment_name_parse(const char *name, uint64_t *ret_id) {
    (void)name;
    (void)ret_id;
    return false;
}
void decoder_init(struct decoder *d) {
    (void)d;
}
void decoder_fini(struct decoder *d) {
    (void)d;
}
int seal_frozen(struct historian *h, struct err *err) {
    (void)h;
    (void)err;
    return 0;
}
void seal_thread(void *context) {
    (void)context;
}
int merge_step(struct historian *h, bool all, struct err *err) {
    (void)h;
    (void)all;
    (void)err;
    return 0;
}
int hist_mark_duplicates(struct historian *h, struct batch *b, struct err *err) {
    (void)h;
    (void)b;
    (void)err;
    return 0;
}
int hist_buckets(struct historian *h, const struct hist_bucket_query *q,
    int (*each)(void *, uint32_t, const struct hist_bucket *, struct err *), void *context,
    struct err *err) {
    (void)h;
    (void)q;
    (void)each;
    (void)context;
    (void)err;
    return 0;
}
int hist_verify(struct files *f, const char *d, void (*damaged)(void *, const struct err *),
    void *c, struct hist_verify_report *r, struct err *err) {
    (void)f;
    (void)d;
    (void)damaged;
    (void)c;
    (void)r;
    (void)err;
    return 0;
}
