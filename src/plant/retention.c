/*
 * Retention. Horizons move at local midnight, so the historian has work once a day: a first round
 * over years of values may take minutes, each later one a moment. The archive has a folder for each
 * plant and month; beside its segments lies a table that says which number is which tag, because
 * the archive is to be read when this home is long gone.
 *
 * Parquet files get their names before the history gives the rows up, so between the two there are
 * rows in both places. Before the first name the round is written down in the plant's settings, as
 * TAG BOUND STAMP FOLDER; the next round looks whether the history keeps that bound. If it does the
 * rows went and the files stay; if not they come again and the files go. Segments need none of
 * this: who reads two of them gets each row once.
 */
#include "plant/retention.h"

#include <stdio.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/thread.h"
#include "plant/outlook.h"
#include "plant/sample_archive.h"

static const struct str KEY_RAW = {"retention.raw_days", 18};
static const struct str KEY_ROLLUP = {"retention.rollup_days", 21};
static const struct str KEY_ARCHIVE = {"retention.archive_dir", 21};
static const struct str KEY_FORMAT = {"retention.archive_format", 24};
static const struct str KEY_PENDING = {"retention.pending", 17};

static const char *const ARCHIVE_NAMES[] = {
    [RETENTION_SEGMENTS] = "segments", [RETENTION_PARQUET] = "parquet", [RETENTION_BOTH] = "both"};

bool retention_archive_of_name(struct str name, enum retention_archive *ret_archive) {
    for (int i = RETENTION_SEGMENTS; i <= RETENTION_BOTH; i++) {
        if (str_eq(name, str_of(ARCHIVE_NAMES[i]))) {
            *ret_archive = (enum retention_archive)i;
            return true;
        }
    }
    return false;
}

const char *retention_archive_name(enum retention_archive archive) {
    return ARCHIVE_NAMES[archive];
}

int64_t retention_horizon_ns(int64_t now_ns, uint32_t days, const struct zone *zone) {
    const int64_t day_ns = 86400 * NS_PER_S;
    int64_t today = time_bucket_start(now_ns, day_ns, zone, NULL);
    /* Half a day back from a midnight is inside the day before, whatever the clocks did. */
    return time_bucket_start(today - (int64_t)days * day_ns + day_ns / 2, day_ns, zone, NULL);
}

/* ---- Settings ---- */

struct settings {
    struct plant *plant;
    struct retention *read;
    const struct retention *write;
    struct str actor;
};

/* An absent setting leaves *ret_value as it is. */
static int get_text(struct ledger_tx *tx, struct str key, struct arena *arena,
    struct str *ret_value, struct err *err) {
    struct err why = ERR_INIT;
    int status = plant_setting_get(tx, key, arena, ret_value, &why);
    if (status == -ERR_NOT_FOUND) {
        return 0;
    }
    if (status < 0 && err != NULL) {
        *err = why;
    }
    return status;
}

static int read_settings(struct ledger_tx *tx, void *context, struct err *err) {
    struct settings *settings = context;
    struct retention *to = settings->read;
    struct arena arena;
    arena_init(&arena, 0);
    struct str raw = STR_NONE;
    struct str rollup = STR_NONE;
    struct str archive = STR_NONE;
    struct str format = STR_NONE;
    int status = get_text(tx, KEY_RAW, &arena, &raw, err);
    status = status < 0 ? status : get_text(tx, KEY_ROLLUP, &arena, &rollup, err);
    status = status < 0 ? status : get_text(tx, KEY_ARCHIVE, &arena, &archive, err);
    status = status < 0 ? status : get_text(tx, KEY_FORMAT, &arena, &format, err);
    uint64_t number = 0;
    *to = (struct retention){.raw_days = 0};
    if (str_to_u64(raw, &number) && number <= RETENTION_DAYS_MAX) {
        to->raw_days = (uint32_t)number;
    }
    if (str_to_u64(rollup, &number) && number <= RETENTION_DAYS_MAX) {
        to->rollup_days = (uint32_t)number;
    }
    (void)str_copy_z(archive, to->archive_dir, sizeof to->archive_dir);
    (void)retention_archive_of_name(format, &to->archive); // Not set: segments.
    arena_fini(&arena);
    return status < 0 ? status : 0;
}

int retention_get(struct plant *plant, struct retention *ret_retention, struct err *err) {
    struct settings settings = {.plant = plant, .read = ret_retention};
    return ledger_read(plant_ledger(plant), read_settings, &settings, err);
}

static int write_settings(struct ledger_tx *tx, void *context, struct err *err) {
    const struct settings *settings = context;
    const struct retention *from = settings->write;
    char raw[16];
    char rollup[16];
    AUTO_BUF struct buf payload;
    buf_init(&payload, LIMIT_PATH_BYTES * 8);
    (void)snprintf(raw, sizeof raw, "%u", from->raw_days);
    (void)snprintf(rollup, sizeof rollup, "%u", from->rollup_days);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_i64(&json, "raw_days", from->raw_days);
    json_put_i64(&json, "rollup_days", from->rollup_days);
    json_put_str(&json, "archive_dir", str_of(from->archive_dir));
    const char *format = retention_archive_name(from->archive);
    json_put_str(&json, "archive_format", str_of(format));
    json_object_end(&json);
    int status = plant_setting_put(tx, KEY_RAW, str_of(raw), err);
    status = status < 0 ? status : plant_setting_put(tx, KEY_ROLLUP, str_of(rollup), err);
    status =
        status < 0 ? status : plant_setting_put(tx, KEY_ARCHIVE, str_of(from->archive_dir), err);
    status = status < 0 ? status : plant_setting_put(tx, KEY_FORMAT, str_of(format), err);
    return status < 0 ? status
                      : audit_append(tx, settings->actor, STR("retention.put"),
                            plant_id(settings->plant), buf_str(&payload), err);
}

/* The plant's own folder in the archive's: made when the rule is set and never by a round. */
static void plant_folder_of(
    const struct plant *plant, const char *base, char to[static LIMIT_PATH_BYTES]) {
    struct str id = plant_id(plant);
    (void)snprintf(
        to, LIMIT_PATH_BYTES, "%.*s/%.*s", LIMIT_PATH_BYTES - 80, base, (int)id.size, id.data);
}

int retention_check(const struct retention *retention, struct err *err) {
    if (retention->raw_days > RETENTION_DAYS_MAX || retention->rollup_days > RETENTION_DAYS_MAX) {
        return err_set(err, ERR_RANGE, MSG_RETENTION_DAYS, ARGS(A_INT(RETENTION_DAYS_MAX)));
    }
    const char *dir = retention->archive_dir;
    if (dir[0] != '\0' && (dir[0] != '/' || !file_exists(dir))) {
        return err_set(err, ERR_NOT_FOUND, MSG_RETENTION_FOLDER, ARGS(A_CSTR(dir)));
    }
    return 0;
}

int retention_put(
    struct plant *plant, const struct retention *retention, struct str actor, struct err *err) {
    int status = retention_check(retention, err);
    if (status < 0) {
        return status;
    }
    if (retention->archive_dir[0] != '\0') {
        char folder[LIMIT_PATH_BYTES];
        plant_folder_of(plant, retention->archive_dir, folder);
        status = dir_create(plant_files(plant), folder, err);
        if (status < 0) {
            return status;
        }
    }
    struct settings settings = {.plant = plant, .write = retention, .actor = actor};
    return ledger_write(plant_ledger(plant), write_settings, &settings, err);
}

/* ---- What has expired ---- */

bool retention_gap(struct plant *plant, uint32_t tag, int64_t from_ns, int64_t to_ns,
    struct hist_horizon *ret_horizon) {
    struct hist_horizon horizon;
    hist_horizon(plant_historian(plant), tag, &horizon);
    if (from_ns >= horizon.raw_ns || from_ns >= to_ns) {
        return false;
    }
    bool stayed = horizon.rollup_ns < horizon.raw_ns && to_ns > horizon.rollup_ns;
    if (!stayed && from_ns == INT64_MIN) {
        return false; // Whether there ever was something is not known.
    }
    *ret_horizon = horizon;
    return true;
}

void retention_gap_words(const struct hist_horizon *horizon, struct str tag,
    const struct zone *zone, struct err *ret_words) {
    char raw[TIME_TEXT_MAX];
    char rollup[TIME_TEXT_MAX];
    (void)time_format(horizon->raw_ns, zone, raw);
    (void)time_format(horizon->rollup_ns, zone, rollup);
    enum msg_id words =
        horizon->rollup_ns < horizon->raw_ns ? MSG_RETENTION_RAW_FROM : MSG_RETENTION_GONE;
    (void)err_set(ret_words, ERR_NOT_FOUND, words, ARGS(A_STR(tag), A_CSTR(raw), A_CSTR(rollup)));
}

/* ---- What a rule means ---- */

void retention_size_text(uint64_t bytes, char to[RETENTION_SIZE_TEXT]) {
    static const char *const UNITS[] = {"kB", "MB", "GB", "TB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof UNITS / sizeof UNITS[0]) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(to, RETENTION_SIZE_TEXT, value < 10 ? "%.1f %s" : "%.0f %s", value, UNITS[unit]);
}

static void say(void (*each)(void *context, const struct err *sentence), void *context,
    enum msg_id words, const struct arg *args) {
    struct err sentence = ERR_INIT;
    (void)err_set(&sentence, ERR_INTERNAL, words, args); // Carries words; its code is not used.
    each(context, &sentence);
}

void retention_explain(const struct retention *rule, const struct outlook *outlook,
    void (*each)(void *context, const struct err *sentence), void *context) {
    char size[RETENTION_SIZE_TEXT];
    retention_size_text(outlook->gone_bytes, size);
    const struct arg *days = ARGS(A_INT(rule->raw_days));
    say(each, context, rule->raw_days == 0 ? MSG_RETENTION_MEANS_EVER : MSG_RETENTION_MEANS_RAW,
        days);
    bool lets_go = outlook->gone_rows > 0 || rule->raw_days > 0;
    for (uint32_t i = 0; i < outlook->group_count; i++) {
        lets_go = lets_go || outlook->groups[i].raw_days > 0;
    }
    if (lets_go) {
        bool stay = rule->rollup_days > rule->raw_days;
        say(each, context, stay ? MSG_RETENTION_MEANS_ROLLUP : MSG_RETENTION_MEANS_NO_ROLLUP,
            ARGS(A_INT(rule->rollup_days)));
        bool archives = rule->archive_dir[0] != '\0';
        say(each, context,
            !archives                            ? MSG_RETENTION_MEANS_NO_ARCHIVE
            : rule->archive == RETENTION_PARQUET ? MSG_RETENTION_MEANS_PARQUET
                                                 : MSG_RETENTION_MEANS_ARCHIVE,
            ARGS(A_CSTR(rule->archive_dir)));
        say(each, context,
            outlook->gone_rows > 0 ? MSG_RETENTION_MEANS_NOW : MSG_RETENTION_MEANS_NOTHING,
            ARGS(A_INT(outlook->gone_rows), A_INT(outlook->gone_tags), A_CSTR(size)));
        say(each, context, MSG_RETENTION_MEANS_BACK, NO_ARGS);
    }
}

/* ---- The archive's folder ---- */

static void put_quoted(struct buf *to, struct str text) {
    buf_put_char(to, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') {
            buf_put_char(to, '"');
        }
        buf_put_char(to, text.data[i]);
    }
    buf_put_char(to, '"');
}

/* Which number is which tag, replaced whole. */
static int write_tags(
    struct files *files, const char *dir, const struct catalogue *catalogue, struct err *err) {
    AUTO_BUF struct buf text;
    buf_init(&text, 256 << 20);
    buf_put_str(&text, STR("number,tag,type,unit\n"));
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        buf_printf(&text, "%u,", tag->number);
        buf_put_str(&text, tag->name);
        buf_printf(&text, ",%s,", value_type_name(tag->type));
        put_quoted(&text, tag->unit);
        buf_put_char(&text, '\n');
    }
    char path[LIMIT_PATH_BYTES + 64];
    char side[LIMIT_PATH_BYTES + 64];
    (void)snprintf(path, sizeof path, "%s/tags.csv", dir);
    (void)snprintf(side, sizeof side, "%s/tags.csv.new", dir);
    AUTO_CLOSE int fd = -1;
    int status = file_open(files, side, FILE_WRITE, &fd, err);
    status = status < 0 ? status : file_truncate(files, fd, side, 0, err);
    status = status < 0 ? status : file_write_at(files, fd, side, 0, text.data, text.size, err);
    status = status < 0 ? status : file_sync(files, fd, side, err);
    status = status < 0 ? status : file_rename(files, side, path, err);
    return status < 0 ? status : dir_sync(files, dir, err);
}

/* BASE/PLANT/YYYY-MM with its table, and BASE/PLANT/writing. BASE/PLANT is never made here: where a
 * disk is not mounted its mount point may be there, but it is empty. */
static int archive_folder(struct plant *plant, const struct catalogue *catalogue, const char *base,
    struct buf *to, struct buf *writing, struct err *err) {
    char folder[LIMIT_PATH_BYTES];
    plant_folder_of(plant, base, folder);
    if (!file_exists(folder)) {
        return err_set(err, ERR_NOT_FOUND, MSG_RETENTION_FOLDER, ARGS(A_CSTR(folder)));
    }
    char time[TIME_TEXT_MAX];
    (void)time_format(clock_wall_ns(plant_clock(plant)), plant_zone(plant), time);
    buf_printf(to, "%s/%.7s", folder, time);
    buf_printf(writing, "%s/writing", folder);
    if (to->overflow || writing->overflow) {
        return err_set(err, ERR_LIMIT, MSG_RETENTION_FOLDER, ARGS(A_CSTR(base)));
    }
    int status = dir_create(plant_files(plant), buf_z(to), err);
    return status < 0 ? status : write_tags(plant_files(plant), buf_z(to), catalogue, err);
}

/* ---- What a round has named ---- */

struct pending {
    uint32_t tag;
    int64_t raw_ns;
    struct str stamp;
    struct str dir;
};

struct pending_text {
    struct arena *arena;
    struct str text;
};

static int pending_read(struct ledger_tx *tx, void *context, struct err *err) {
    struct pending_text *pending = context;
    return get_text(tx, KEY_PENDING, pending->arena, &pending->text, err);
}

static int pending_write(struct ledger_tx *tx, void *context, struct err *err) {
    const struct pending_text *pending = context;
    return plant_setting_put(tx, KEY_PENDING, pending->text, err);
}

static int pending_clear(struct plant *plant, struct err *err) {
    struct pending_text none = {.text = STR_NONE};
    return ledger_write(plant_ledger(plant), pending_write, &none, err);
}

static bool pending_parse(struct str text, struct pending *ret_pending) {
    uint64_t tag = 0;
    bool good = str_to_u64(str_cut(&text, ' '), &tag) && tag <= UINT32_MAX;
    good = good && str_to_i64(str_cut(&text, ' '), &ret_pending->raw_ns);
    ret_pending->tag = (uint32_t)tag;
    ret_pending->stamp = str_cut(&text, ' ');
    ret_pending->dir = text;
    return good && ret_pending->stamp.size > 0 && text.size > 0;
}

static int pending_undo(
    struct plant *plant, const struct pending *pending, const char *base, struct err *err) {
    struct hist_horizon horizon;
    int status = hist_horizons_settle(plant_historian(plant), err);
    hist_horizon(plant_historian(plant), pending->tag, &horizon);
    if (status < 0 || horizon.raw_ns >= pending->raw_ns) {
        return status; // They went.
    }
    char dir[LIMIT_PATH_BYTES];
    char stamp[ARCHIVE_STAMP_BYTES];
    (void)str_copy_z(pending->dir, dir, sizeof dir);
    (void)str_copy_z(pending->stamp, stamp, sizeof stamp);
    bool there = file_exists(dir);
    if (!there && base[0] != '\0' && str_starts(pending->dir, str_of(base))) {
        return err_set(err, ERR_NOT_FOUND, MSG_RETENTION_FOLDER, ARGS(A_CSTR(dir)));
    }
    /* A folder that is no longer the archive's and gone is nobody's any more. */
    return there ? sample_archive_undo(plant_files(plant), dir, stamp, err) : 0;
}

/* What the last round left undecided. */
static int pending_settle(struct plant *plant, const char *base, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct pending_text text = {.arena = &arena, .text = STR_NONE};
    struct pending pending = {0};
    int status = ledger_read(plant_ledger(plant), pending_read, &text, err);
    if (status < 0 || text.text.size == 0) {
        return status;
    }
    if (pending_parse(text.text, &pending)) {
        status = pending_undo(plant, &pending, base, err);
    }
    return status < 0 ? status : pending_clear(plant, err);
}

/* ---- One round ---- */

/* Both bounds in one number: the first is a whole quarter of an hour, the second counted in hours.
 */
static int64_t mark_of(const struct hist_ageing *ageing) {
    return ageing->raw_before_ns + ageing->rollup_before_ns / (3600 * NS_PER_S);
}

static uint32_t collect(struct plant *plant, const struct catalogue *catalogue,
    const struct retention *rule, const int64_t *moved, uint32_t capacity,
    struct hist_ageing *ret_tags) {
    int64_t now = clock_wall_ns(plant_clock(plant));
    uint32_t count = 0;
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        uint32_t days = tag->retention_days != 0 ? tag->retention_days : rule->raw_days;
        if (days == 0 || tag->number >= capacity) {
            continue;
        }
        int64_t raw_ns = retention_horizon_ns(now, days, plant_zone(plant));
        uint32_t rollup_days = tag->rollup_days != 0 ? tag->rollup_days : rule->rollup_days;
        int64_t rollup_ns =
            rollup_days > days ? retention_horizon_ns(now, rollup_days, plant_zone(plant)) : raw_ns;
        ret_tags[count] = (struct hist_ageing){
            .tag = tag->number, .raw_before_ns = raw_ns, .rollup_before_ns = rollup_ns};
        count += mark_of(&ret_tags[count]) != moved[tag->number];
    }
    return count;
}

/* The Parquet files of one round. */
struct round {
    struct plant *plant;
    const char *dir;
    struct sample_archive *archive; // NULL: none are made.
    bool pending;
};

static int put_rows(void *context, const struct hist_rows *rows, struct err *err) {
    const struct round *round = context;
    return sample_archive_put(round->archive, rows, err);
}

static int place_files(void *context, uint32_t tag, int64_t raw_ns, struct err *err) {
    struct round *round = context;
    struct sample_archive_counts counts = {0};
    int status = sample_archive_finish(round->archive, &counts, err);
    if (status < 0 || counts.files == 0) {
        return status;
    }
    AUTO_BUF struct buf text;
    buf_init(&text, LIMIT_PATH_BYTES);
    buf_printf(&text, "%u %lld %s %s", tag, (long long)raw_ns, sample_archive_stamp(round->archive),
        round->dir);
    if (text.overflow) {
        return err_set(err, ERR_LIMIT, MSG_RETENTION_FOLDER, ARGS(A_CSTR(round->dir)));
    }
    struct pending_text pending = {.text = buf_str(&text)};
    status = ledger_write(plant_ledger(round->plant), pending_write, &pending, err);
    round->pending = status >= 0;
    return status < 0 ? status : sample_archive_place(round->archive, err);
}

/* Everything of a round but its settings. */
static int run(struct round *round, const struct retention *rule, struct hist_age_options *options,
    const struct catalogue *catalogue, struct err *err) {
    struct plant *plant = round->plant;
    bool archives = rule->archive_dir[0] != '\0';
    struct hist_age_sink sink = {round, put_rows, place_files};
    AUTO_BUF struct buf dir;
    AUTO_BUF struct buf writing;
    buf_init(&dir, LIMIT_PATH_BYTES);
    buf_init(&writing, LIMIT_PATH_BYTES);
    int status =
        archives ? archive_folder(plant, catalogue, rule->archive_dir, &dir, &writing, err) : 0;
    if (archives && rule->archive != RETENTION_PARQUET) {
        options->archive_dir = buf_z(&dir);
    }
    if (status >= 0 && archives && rule->archive != RETENTION_SEGMENTS) {
        round->dir = buf_z(&dir);
        struct sample_archive_plan plan = {.files = plant_files(plant),
            .catalogue = catalogue,
            .plant = plant_id(plant),
            .zone = zone_name(plant_zone(plant)),
            .dir = round->dir,
            .writing = buf_z(&writing),
            .now_ns = clock_wall_ns(plant_clock(plant))};
        status = sample_archive_open(&plan, &round->archive, err);
        options->sink = &sink;
    }
    struct hist_age_report report = {.tags = 0};
    status = status < 0 ? status : hist_age(plant_historian(plant), options, &report, err);
    sample_archive_free(round->archive);
    if (status >= 0 && round->pending) {
        status = pending_clear(plant, err);
    }
    return status < 0 ? status : (int)report.tags;
}

int retention_round(struct plant *plant, int64_t *moved, uint32_t capacity,
    const struct stop_flag *stop, struct err *err) {
    struct retention rule;
    int status = retention_get(plant, &rule, err);
    if (status < 0) {
        return status;
    }
    struct catalogue *catalogue = plant_catalogue(plant);
    AUTO_FREE struct hist_ageing *tags = MEM_ARRAY(struct hist_ageing, catalogue->tag_count + 1);
    uint32_t count = collect(plant, catalogue, &rule, moved, capacity, tags);
    if (count > 0) {
        struct round round = {.plant = plant};
        struct hist_age_options options = {.tags = tags, .count = count, .stop = stop};
        status = pending_settle(plant, rule.archive_dir, err);
        status = status < 0 ? status : run(&round, &rule, &options, catalogue, err);
    }
    catalogue_unref(catalogue);
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        moved[tags[i].tag] = mark_of(&tags[i]);
    }
    return status;
}
