/*
 * maru demo: a whole moving factory. Simulated machines (sim/) speak their real protocols on
 * loopback, a reader sends labels, a tester drops files, a compressor publishes to a broker; a home
 * with plant `demo` is filled from their tables and then served exactly as `maru run` serves any
 * other. The home is a fresh temporary folder that goes when the demo ends, unless HOME is given; a
 * home that the demo did not make is refused, told by the file `demo` inside it.
 *
 * Ports of the machines change from start to start, so the device lines are written at each start.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/demo_floor.h"
#include "app/demo_past.h"
#include "app/demo_shop.h"
#include "app/demo_utility.h"
#include "app/serving.h"
#include "core/mem.h"
#include "sim/sim.h"

enum { SWEEP_AGE_S = 60 };

struct demo {
    struct call *call;
    struct sim_plant *sim;
    struct demo_floor floor;
    struct demo_utility utility;
    enum lang lang;
    char dir[LIMIT_PATH_BYTES];
    char base[LIMIT_PATH_BYTES - 32]; // Where temporary folders go.
    bool temporary;
    bool fresh; // Made by this start: it gets its past.
    struct demo_clock clock;
};

/* ---- The home ---- */

static int mark_path(const struct demo *demo, struct buf *path) {
    buf_init(path, LIMIT_PATH_BYTES);
    buf_printf(path, "%s/demo", demo->dir);
    return 0;
}

/* Only what a demo made by itself, marked, ours, and not touched for a while: a home that somebody
 * named is kept, and one that is just being started has a fresh folder. */
static bool is_leftover(const char *dir) {
    AUTO_BUF struct buf mark;
    buf_init(&mark, LIMIT_PATH_BYTES);
    buf_printf(&mark, "%s/demo", dir);
    struct stat info;
    return file_exists(buf_z(&mark)) && lstat(dir, &info) == 0 && S_ISDIR(info.st_mode) &&
           info.st_uid == geteuid() &&
           clock_wall_ns(clock_system()) / NS_PER_S - info.st_mtime > SWEEP_AGE_S;
}

/* A demo that was killed could not remove its temporary home; a later one does. The lock tells
 * whether it still runs. */
static int sweep(void *context, const char *name, struct err *err) {
    const char *base = context;
    AUTO_BUF struct buf dir;
    buf_init(&dir, LIMIT_PATH_BYTES);
    buf_printf(&dir, "%s/%s", base, name);
    if (!str_starts(str_of(name), STR("maru-demo-")) ||
        strlen(name) != sizeof "maru-demo-XXXXXX" - 1 || !is_leftover(buf_z(&dir))) {
        return 0;
    }
    AUTO_BUF struct buf lock;
    buf_init(&lock, LIMIT_PATH_BYTES);
    buf_printf(&lock, "%s/lock", buf_z(&dir));
    AUTO_CLOSE int fd = open(buf_z(&lock), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        (void)dir_remove_all(buf_z(&dir), err); // What cannot go now goes another time.
        err_clear(err);
    }
    return 0;
}

static int choose_home(struct demo *demo, struct err *err) {
    const char *asked = getenv("TMPDIR");
    (void)str_copy_z(
        str_of(asked != NULL && asked[0] != '\0' ? asked : "/tmp"), demo->base, sizeof demo->base);
    if (demo->call->positional_count > 0) {
        (void)str_copy_z(str_of(demo->call->positionals[0]), demo->dir, sizeof demo->dir);
        return 0;
    }
    (void)dir_each(demo->base, sweep, demo->base, err);
    err_clear(err);
    (void)snprintf(demo->dir, sizeof demo->dir, "%s/maru-demo-XXXXXX", demo->base);
    if (mkdtemp(demo->dir) == NULL) {
        return err_set_errno(err, errno, str_of(demo->dir));
    }
    demo->temporary = true;
    return 0;
}

static int prepare_home(struct demo *demo, struct err *err) {
    AUTO_BUF struct buf hub;
    buf_init(&hub, LIMIT_PATH_BYTES);
    buf_printf(&hub, "%s/hub.db", demo->dir);
    AUTO_BUF struct buf mark;
    (void)mark_path(demo, &mark);
    if (file_exists(buf_z(&hub))) {
        return file_exists(buf_z(&mark))
                   ? 0
                   : err_set(err, ERR_CONFLICT, MSG_DEMO_FOREIGN, ARGS(A_CSTR(demo->dir)));
    }
    struct str name =
        demo->lang == LANG_KO ? STR("마루정밀 데모 공장") : STR("Maru Precision demo");
    demo->fresh = true;
    int status = home_create(demo->dir, STR("demo"), name, STR("Asia/Seoul"), err);
    AUTO_CLOSE int fd = -1;
    if (status >= 0) {
        status = file_open(files_system(), buf_z(&mark), FILE_WRITE, &fd, err);
    }
    return status;
}

/* ---- The catalogue from the simulator's tables ---- */

static struct str shown(const struct demo *demo, const char *ko, const char *en) {
    return str_of(demo->lang == LANG_KO ? ko : en);
}

static int put_assets(const struct demo *demo, struct ledger_tx *tx, struct err *err) {
    size_t count = 0;
    const struct sim_asset_row *rows = sim_asset_rows(&count);
    for (size_t i = 0; i < count; i++) {
        struct asset asset = {.id = str_of(rows[i].id),
            .display = shown(demo, rows[i].display_ko, rows[i].display_en),
            .kind = str_of(rows[i].kind),
            .x = rows[i].x,
            .y = rows[i].y};
        if (!asset_level_of_name(str_of(rows[i].level), &asset.level)) {
            return err_set(err, ERR_INTERNAL, MSG_DEMO_TABLE, ARGS(A_CSTR(rows[i].id)));
        }
        uint32_t number = 0;
        bool changed = false;
        int status = asset_put(tx, &asset, str_of(rows[i].parent), &number, &changed, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int put_devices(const struct demo *demo, struct ledger_tx *tx, struct err *err) {
    size_t count = 0;
    const struct sim_device_row *rows = sim_device_rows(&count);
    for (size_t i = 0; i < count; i++) {
        char address[64];
        (void)snprintf(
            address, sizeof address, "127.0.0.1:%u", sim_plant_port(demo->sim, rows[i].machine));
        struct device device = {.id = str_of(rows[i].id),
            .display = shown(demo, rows[i].display_ko, rows[i].display_en),
            .driver = str_of(rows[i].driver),
            .address = str_of(address),
            .options = str_of(rows[i].options),
            .period_ns = rows[i].period_ms * NS_PER_MS,
            .enabled = true};
        uint32_t number = 0;
        bool changed = false;
        int status = device_put(tx, &device, &number, &changed, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int put_tags(const struct demo *demo, struct ledger_tx *tx, struct err *err) {
    size_t count = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&count);
    for (size_t i = 0; i < count; i++) {
        struct tag tag = {.name = str_of(rows[i].name),
            .display = shown(demo, rows[i].display_ko, rows[i].display_en),
            .unit = shown(demo, rows[i].unit, sim_unit_en(rows[i].unit)),
            .device = str_of(rows[i].device),
            .source = str_of(rows[i].source),
            .scale = rows[i].scale,
            .offset = rows[i].offset,
            .min = rows[i].min,
            .max = rows[i].max,
            .dead_band = (double)NAN,
            .active = true};
        if (!value_type_of_name(str_of(rows[i].type), &tag.type) ||
            !tag_kind_of_name(str_of(rows[i].kind), &tag.kind)) {
            return err_set(err, ERR_INTERNAL, MSG_DEMO_TABLE, ARGS(A_CSTR(rows[i].name)));
        }
        uint32_t number = 0;
        bool changed = false;
        int status = tag_put(tx, &tag, &number, &changed, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int put_all(struct ledger_tx *tx, void *context, struct err *err) {
    const struct demo *demo = context;
    int status = put_assets(demo, tx, err);
    if (status >= 0) {
        status = put_devices(demo, tx, err);
    }
    if (status >= 0) {
        status = put_tags(demo, tx, err);
    }
    if (status >= 0) {
        status = demo_floor_put(tx, &demo->floor, demo->lang, err);
    }
    return status < 0 ? status : demo_utility_put(tx, &demo->utility, demo->lang, err);
}

static int fill_catalogue(struct demo *demo, struct err *err) {
    struct home_options options = {.dir = demo->dir, .exclusive = true};
    struct home *home = NULL;
    int status = home_open(&options, &home, err);
    struct plant *plant = NULL;
    if (status >= 0) {
        status = home_plant(home, STR("demo"), &plant, err);
    }
    if (status >= 0) {
        status = ledger_write(plant_ledger(plant), put_all, demo, err);
    }
    if (status >= 0 && demo->fresh) { // Orders run since the hour began that is made now.
        status = demo_shop_put(plant, demo->lang, clock_wall_ns(&demo->clock.clock), err);
    }
    if (status >= 0 && demo->fresh && (status = plant_refresh(plant, err)) >= 0) {
        status = demo_past_fill(plant, demo->sim, &demo->clock, err);
        status = status < 0 ? status : demo_utility_past(&demo->utility, plant, err);
    }
    home_close(home);
    return status;
}

/* ---- Options ---- */

/* --external press1=15021,cnc1=15022: these machines are served by other processes. */
static int read_external(const char *text, struct sim_plant_options *options, struct err *err) {
    struct str rest = str_of(text);
    while (rest.size > 0) {
        struct str port_text = str_cut(&rest, ',');
        struct str name = str_cut(&port_text, '=');
        enum sim_machine machine;
        uint64_t port = 0;
        if (!sim_machine_of_name(name, &machine) || !str_to_u64(port_text, &port) || port == 0 ||
            port > 65535) {
            return err_set(err, ERR_USAGE, MSG_DEMO_EXTERNAL, ARGS(A_CSTR(text)));
        }
        options->external_port[machine] = (uint16_t)port;
    }
    return 0;
}

static int read_options(struct demo *demo, struct sim_plant_options *sim,
    struct serving_options *serving, struct err *err) {
    struct call *call = demo->call;
    (void)str_copy_z(STR("127.0.0.1"), serving->config.address, sizeof serving->config.address);
    const char *listen = call_value(call, "--listen");
    int status =
        listen != NULL ? call_usage(config_listen(str_of(listen), &serving->config, err), err) : 0;
    if (status >= 0) {
        status = serving_duration(call, &serving->duration_ns, err);
    }
    const char *seed = call_value(call, "--seed");
    if (status >= 0 && seed != NULL && !str_to_u64(str_of(seed), &sim->seed)) {
        return err_set(err, ERR_USAGE, MSG_NUMBER_EXPECTED, ARGS(A_CSTR(seed)));
    }
    const char *external = call_value(call, "--external");
    if (status >= 0 && external != NULL) {
        status = read_external(external, sim, err);
    }
    return status;
}

int cmd_demo(struct call *call, struct err *err) {
    /* The names of a Korean plant are Korean, whatever the terminal speaks, unless asked. */
    const char *lang = call_value(call, "--lang");
    struct demo demo = {.call = call, .lang = lang != NULL ? call->lang : LANG_KO};
    struct sim_plant_options sim = {.seed = 0};
    struct serving_options serving = {.call = call, .home_dir = demo.dir, .demo = true};
    int status = read_options(&demo, &sim, &serving, err);
    if (status < 0 || (status = choose_home(&demo, err)) < 0) {
        return status;
    }
    status = prepare_home(&demo, err);
    demo_clock_init(&demo.clock);
    if (!demo.fresh) {
        demo_clock_go_live(&demo.clock);
    }
    sim.clock = &demo.clock.clock;
    if (status >= 0) {
        status = sim_plant_start(&sim, &demo.sim, err);
    }
    if (status >= 0) {
        status = demo_floor_start(demo.base, sim.seed, &demo.floor, err);
    }
    if (status >= 0) {
        demo_utility_init(&demo.utility, call, demo.dir, sim.seed);
        status = fill_catalogue(&demo, err);
    }
    if (status >= 0) {
        demo_utility_start(&demo.utility);
        status = serving_run(&serving, err);
    }
    demo_utility_fini(&demo.utility);
    demo_floor_stop(&demo.floor);
    sim_plant_stop(demo.sim);
    if (demo.temporary) {
        struct err ignored = ERR_INIT;
        (void)dir_remove_all(demo.dir, &ignored); // A leftover in /tmp harms nobody.
    }
    return status;
}
