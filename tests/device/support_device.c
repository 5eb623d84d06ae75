/* Shared by the tests of the room; see the header. */
#include "support_device.h"

#include <stdlib.h>

#include "core/buf.h"
#include "core/mem.h"

struct catalogue *make_catalogue(const struct device_line *devices, const struct tag_line *tags) {
    struct catalogue *catalogue = catalogue_new();
    while (devices[catalogue->device_count].id != NULL) {
        catalogue->device_count++;
    }
    while (tags[catalogue->tag_count].name != NULL) {
        catalogue->tag_count++;
    }
    catalogue->devices =
        ARENA_ARRAY(&catalogue->arena, struct device, (size_t)catalogue->device_count + 1);
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, (size_t)catalogue->tag_count + 1);
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        catalogue->devices[i] = (struct device){.number = i + 1,
            .id = arena_copy(&catalogue->arena, str_of(devices[i].id)),
            .driver = arena_copy(&catalogue->arena, str_of(devices[i].driver)),
            .address = arena_copy(&catalogue->arena, str_of(devices[i].address)),
            .options = arena_copy(&catalogue->arena, str_of(devices[i].options)),
            .period_ns = devices[i].period_ms * NS_PER_MS,
            .enabled = true};
    }
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        catalogue->tags[i] = (struct tag){.number = i + 1,
            .type = TYPE_F64,
            .name = arena_copy(&catalogue->arena, str_of(tags[i].name)),
            .device = arena_copy(&catalogue->arena, str_of(tags[i].device)),
            .source = arena_copy(&catalogue->arena, str_of(tags[i].source)),
            .active = true};
    }
    catalogue_finish(catalogue);
    return catalogue;
}

void box_init(struct box *box) {
    *box = (struct box){0};
    mutex_init(&box->lock);
    cond_init(&box->changed);
    box->rows = mem_zero(BOX_ROWS, sizeof *box->rows);
}

void box_fini(struct box *box) {
    batch_free(box->spare);
    mem_free(box->rows);
    cond_fini(&box->changed);
    mutex_fini(&box->lock);
}

static struct batch *box_take(void *context, int64_t deadline_ns) {
    (void)deadline_ns;
    struct box *box = context;
    mutex_lock(&box->lock);
    struct batch *batch = box->spare;
    bool dry = box->dry;
    if (dry) {
        box->refused++;
        cond_broadcast(&box->changed);
    } else {
        box->spare = NULL;
    }
    mutex_unlock(&box->lock);
    if (dry) {
        return NULL;
    }
    return batch != NULL ? batch : batch_new(64, 4096);
}

static void keep_row(struct box *box, const struct batch *batch, const struct sample *row) {
    struct box_row kept = {
        .row = *row, .request_ns = batch->request_ns, .reply_ns = batch->reply_ns};
    if (row->type == TYPE_TEXT) {
        (void)str_copy_z(batch_text(batch, row), kept.text, sizeof kept.text);
    }
    assert_true(row->tag > 0 && row->tag < BOX_TAGS);
    box->last[row->tag] = kept;
    box->counts[row->tag]++;
    box->good_counts[row->tag] += row->status == (uint32_t)STATUS_GOOD;
    if (box->count < BOX_ROWS) {
        box->rows[box->count++] = kept;
    }
}

static int box_give(void *context, struct batch *batch) {
    struct box *box = context;
    mutex_lock(&box->lock);
    for (uint32_t i = 0; i < batch->count; i++) {
        keep_row(box, batch, &batch->rows[i]);
    }
    struct batch *spare = box->spare;
    box->spare = batch;
    cond_broadcast(&box->changed);
    mutex_unlock(&box->lock);
    batch_free(spare);
    return 0;
}

static int box_submit(void *context, struct batch *batch, struct err *err) {
    struct box *box = context;
    mutex_lock(&box->lock);
    bool dry = box->dry;
    for (uint32_t i = 0; i < batch->count && !dry; i++) {
        keep_row(box, batch, &batch->rows[i]);
    }
    box->submits += !dry;
    box->refused += dry;
    cond_broadcast(&box->changed);
    mutex_unlock(&box->lock);
    return dry ? err_set(err, ERR_SPACE, MSG_NONE, NO_ARGS) : 0;
}

static char (
    *box_bookmark(struct box *box, struct str device, struct str key))[BOX_BOOKMARK_BYTES] {
    for (size_t i = 0; i < BOX_BOOKMARKS; i++) {
        bool is_free = box->bookmarks[i][1][0] == 0;
        if (is_free || (str_eq(str_of(box->bookmarks[i][0]), device) &&
                           str_eq(str_of(box->bookmarks[i][1]), key))) {
            return box->bookmarks[i];
        }
    }
    fail_msg("no room for another bookmark");
    return NULL;
}

static int box_bookmark_get(
    void *context, struct str device, struct str key, struct buf *out, struct err *err) {
    (void)err;
    struct box *box = context;
    mutex_lock(&box->lock);
    char(*bookmark)[BOX_BOOKMARK_BYTES] = box_bookmark(box, device, key);
    bool found = bookmark[2][0] != 0;
    buf_put_str(out, str_of(bookmark[2]));
    mutex_unlock(&box->lock);
    return found ? 0 : -(int)ERR_NOT_FOUND;
}

static int box_bookmark_put(
    void *context, struct str device, struct str key, struct str value, struct err *err) {
    (void)err;
    struct box *box = context;
    mutex_lock(&box->lock);
    char(*bookmark)[BOX_BOOKMARK_BYTES] = box_bookmark(box, device, key);
    (void)str_copy_z(device, bookmark[0], sizeof bookmark[0]);
    (void)str_copy_z(key, bookmark[1], sizeof bookmark[1]);
    (void)str_copy_z(value, bookmark[2], sizeof bookmark[2]);
    cond_broadcast(&box->changed);
    mutex_unlock(&box->lock);
    return 0;
}

struct sample_port box_port(struct box *box) {
    return (struct sample_port){.context = box,
        .take = box_take,
        .give = box_give,
        .submit = box_submit,
        .bookmark_get = box_bookmark_get,
        .bookmark_put = box_bookmark_put};
}

bool box_wait_status(struct box *box, uint32_t tag, enum status status) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    bool waiting = true;
    mutex_lock(&box->lock);
    while (waiting && (box->counts[tag] == 0 || box->last[tag].row.status != (uint32_t)status)) {
        waiting = cond_wait_until(&box->changed, &box->lock, deadline_ns);
    }
    mutex_unlock(&box->lock);
    return waiting;
}

bool box_wait_good(struct box *box, uint32_t tag, uint32_t count) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    bool waiting = true;
    mutex_lock(&box->lock);
    uint32_t wanted = box->good_counts[tag] + count;
    while (waiting && box->good_counts[tag] < wanted) {
        waiting = cond_wait_until(&box->changed, &box->lock, deadline_ns);
    }
    mutex_unlock(&box->lock);
    return waiting;
}

bool box_wait_refused(struct box *box) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    bool waiting = true;
    mutex_lock(&box->lock);
    while (waiting && box->refused == 0) {
        waiting = cond_wait_until(&box->changed, &box->lock, deadline_ns);
    }
    mutex_unlock(&box->lock);
    return waiting;
}

struct box_row box_last(struct box *box, uint32_t tag) {
    mutex_lock(&box->lock);
    struct box_row row = box->last[tag];
    mutex_unlock(&box->lock);
    return row;
}

uint32_t box_count(struct box *box, uint32_t tag) {
    mutex_lock(&box->lock);
    uint32_t count = box->counts[tag];
    mutex_unlock(&box->lock);
    return count;
}

bool wait_state(struct device_set *set, uint32_t device, enum link_state state) {
    struct stop_flag never;
    stop_flag_init(&never);
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    bool reached = false;
    while (!reached && clock_mono_ns(clock_system()) < deadline_ns) {
        struct device_health health;
        reached = device_set_health(set, device, &health) && health.state == state;
        if (!reached) {
            (void)stop_flag_wait(&never, clock_mono_ns(clock_system()) + NS_PER_MS);
        }
    }
    stop_flag_fini(&never);
    return reached;
}

const char *words_of(const struct err *err) {
    static char text[2048];
    AUTO_BUF struct buf out;
    buf_init(&out, sizeof text);
    err_render(err, LANG_EN, &out);
    (void)str_copy_z(buf_str(&out), text, sizeof text);
    return text;
}

void rig_init(struct rig *rig, const struct device_line *device, const struct tag_line *tags,
    struct link *link) {
    struct device_line devices[2] = {*device, {0}};
    box_init(&rig->box);
    rig->clock = clock_system();
    rig->catalogue = make_catalogue(devices, tags);
    struct err err = ERR_INIT;
    rig->plan = device_plan_new(rig->catalogue, &rig->catalogue->devices[0], &err);
    if (rig->plan == NULL) {
        fail_msg("%s", words_of(&err));
    }
    rig->health = health_new(1);
    health_start(rig->health, rig->plan->period_ns, rig->clock);
    rig->plan->health = rig->health;
    if (link == NULL) {
        link = plan_link_new(
            rig->plan->driver, rig->plan->address, rig->plan->settings.link, rig->clock, -1);
    }
    struct poller_options options = {
        .clock = rig->clock, .port = box_port(&rig->box), .seed = 7, .link = link};
    poller_init(&rig->poller, rig->plan->driver, &options);
    rig->poller.only_unit = rig->plan->unit_count <= 1;
}

void rig_fini(struct rig *rig) {
    poller_fini(&rig->poller);
    device_plan_free(rig->plan);
    health_free(rig->health);
    catalogue_unref(rig->catalogue);
    box_fini(&rig->box);
}

int rig_connect(struct rig *rig, struct err *err) {
    return poller_connect(&rig->poller, rig->plan, err);
}

int rig_poll(struct rig *rig, struct err *err) {
    return poller_poll(&rig->poller, rig->plan, err);
}

static int memory_open(struct link *link, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    (void)err;
    struct memory_link *memory = (struct memory_link *)link;
    memory->opens++;
    buf_clear(&memory->answer);
    return 0;
}

static void memory_close(struct link *link) {
    (void)link;
}

static int memory_send(
    struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    (void)err;
    struct memory_link *memory = (struct memory_link *)link;
    memory->sends++;
    memory->respond(memory->context, data, size, &memory->answer);
    return 0;
}

static int memory_receive(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err) {
    (void)deadline_ns;
    struct memory_link *memory = (struct memory_link *)link;
    size_t size = memory->answer.size < capacity ? memory->answer.size : capacity;
    if (memory->piece > 0 && size > memory->piece) {
        size = memory->piece;
    }
    if (size == 0) {
        return memory->closes ? err_set(err, ERR_CLOSED, MSG_DEVICE_LINK_CLOSED, NO_ARGS)
                              : err_set(err, ERR_TIMEOUT, MSG_NONE, NO_ARGS);
    }
    memcpy(data, memory->answer.data, size);
    buf_drop_front(&memory->answer, size);
    return (int)size;
}

static void memory_free(struct link *link) {
    struct memory_link *memory = (struct memory_link *)link;
    buf_fini(&memory->answer);
    mem_free(memory);
}

static const struct link_ops memory_ops = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .send = memory_send,
    .receive = memory_receive,
    .free = memory_free,
};

struct memory_link *memory_link_new(
    void (*respond)(void *context, const uint8_t *data, size_t size, struct buf *answer),
    void *context) {
    struct memory_link *memory = MEM_NEW(struct memory_link);
    memory->link =
        (struct link){.ops = &memory_ops, .clock = clock_system(), .fd = -1, .stop_fd = -1};
    memory->respond = respond;
    memory->context = context;
    buf_init(&memory->answer, 1 << 20);
    return memory;
}
