/*
 * One segment outside a history: a file of an archive, read by itself. It is opened as a view that
 * has this segment and nothing else, so the same cursors read it.
 */
#include <stdatomic.h>

#include "core/mem.h"
#include "core/thread.h"
#include "historian/cursor.h"
#include "historian/store.h"

struct hist_file {
    struct decoder_pool *decoders;
    struct view *view;
    _Atomic uint32_t damaged;
    uint32_t *tags;
    uint32_t tag_count;
};

static void count_damage(void *context, const struct err *what) {
    (void)what; // hist_verify says where.
    struct hist_file *file = context;
    atomic_fetch_add(&file->damaged, 1);
}

static struct str folder_of(const char *path) {
    struct str folder = str_of(path);
    while (folder.size > 0 && folder.data[folder.size - 1] != '/') {
        folder.size--;
    }
    return folder;
}

/* Notes the tags inside. */
static int tags_take(struct hist_file *file, struct segment *segment, struct err *err) {
    uint32_t room = segment_info(segment)->tag_count;
    file->tags = MEM_ARRAY(uint32_t, room + 1);
    int rc = 0;
    for (uint32_t tag = 0; (rc = segment_tag_next(segment, tag, &tag, err)) > 0;) {
        if (file->tag_count < room) { // A directory that is rebuilt only now may have more.
            file->tags[file->tag_count++] = tag;
        }
    }
    return rc;
}

bool hist_file_is(const char *path) {
    uint64_t id = 0;
    return segment_name_parse(path + folder_of(path).size, &id);
}

int hist_file_open(
    struct files *files, const char *path, struct hist_file **ret_file, struct err *err) {
    struct str folder = folder_of(path);
    uint64_t id = 0;
    if (!segment_name_parse(path + folder.size, &id)) {
        return err_set(err, ERR_INVALID, MSG_ARCHIVE_NAME, ARGS(A_CSTR(path)));
    }
    AUTO_FREE char *dir = mem_copy_z(folder.size > 0 ? folder : STR("."));
    struct hist_file *file = MEM_NEW(struct hist_file);
    struct segment_place place = {.files = files != NULL ? files : files_system(),
        .dir = dir,
        .sink = {.damaged = count_damage, .context = file}};
    struct segment *segment = NULL;
    int rc = segment_open(&place, id, &segment, err);
    rc = rc < 0 ? rc : tags_take(file, segment, err);
    if (rc < 0) {
        segment_unref(segment);
        mem_free(file->tags);
        mem_free(file);
        return rc;
    }
    file->decoders = decoder_pool_new();
    struct view *view = MEM_NEW(struct view);
    atomic_init(&view->references, 1);
    view->segments = MEM_ARRAY(struct segment *, 1);
    view->segments[0] = segment;
    view->segment_count = 1;
    view->horizons = horizons_new();
    view->aged_horizons = horizons_new();
    view->decoders = file->decoders;
    file->view = view;
    *ret_file = file;
    return 0;
}

uint32_t hist_file_tag_count(const struct hist_file *file) {
    return file->tag_count;
}

uint32_t hist_file_tag(const struct hist_file *file, uint32_t index) {
    return file->tags[index];
}

uint64_t hist_file_rows(const struct hist_file *file) {
    return segment_info(file->view->segments[0])->rows;
}

uint32_t hist_file_damaged(const struct hist_file *file) {
    return atomic_load(&file->damaged);
}

int hist_file_scan(struct hist_file *file, const struct hist_scan_options *options,
    struct hist_scan **ret_scan, struct err *err) {
    atomic_fetch_add_explicit(&file->view->references, 1, memory_order_relaxed);
    return scan_open_view(file->view, options, ret_scan, err);
}

void hist_file_close(struct hist_file *file) {
    if (file != NULL) {
        mem_free(file->tags);
        view_unref(file->view);
        decoder_pool_free(file->decoders);
        mem_free(file);
    }
}
