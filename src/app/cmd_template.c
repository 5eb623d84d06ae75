/*
 * maru template HOME: equipment templates of a plant's organisation, as the routes have them
 * (serve/api_templates.c). --save keeps devices (or the devices that an equipment's tags are read
 * from), --show writes the file, --remove takes one away, --apply makes one again under new names,
 * all or none, and says row by row what became of it. What is replaced stands in words of the form
 * WHAT:FROM=VALUE, one word a replacement, because names, addresses and options hold commas and
 * blanks themselves.
 */
#include "app/command.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "ledger/templates.h"
#include "plant/template.h"
#include "serve/template_in.h"

enum { TOLD_BYTES = 8 << 20 };

struct work {
    struct call *call;
    struct plant *plant;
    struct arena arena;
    struct json json;           // Into the call's output, or into `text`.
    struct buf text;            // Rows told: nobody waits for a reader while they are made.
    struct stored_template row; // Its number is what was asked for.
    struct stored_template *rows;
    int count;
    struct template_name names[TEMPLATE_NAMES_MAX];
    struct template_device devices[TEMPLATE_DEVICES_MAX];
    struct template_wish wish;
    uint32_t told[TEMPLATE_FAULT + 1]; // Rows by state.
};

/* ---- What is kept ---- */

static void put_row(struct work *work, const struct stored_template *row) {
    struct json *json = &work->json;
    if (!work->call->json) {
        buf_printf(&work->call->out, "%6lld  %3u  %5u  %.*s  %.*s\n", (long long)row->number,
            row->devices, row->tags, STR_ARG(row->name), STR_ARG(row->note));
        return;
    }
    json_object_begin(json);
    json_put_i64(json, "number", row->number);
    json_put_str(json, "name", row->name);
    json_put_str(json, "note", row->note);
    json_put_i64(json, "devices", row->devices);
    json_put_i64(json, "tags", row->tags);
    json_put_str(json, "author", row->author);
    json_put_time(json, "made", row->made_ns);
    json_object_end(json);
}

static int read_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct work *work = context;
    work->count =
        templates_list(tx, plant_id(work->plant), &work->arena, work->rows, TEMPLATES_MAX, err);
    return work->count < 0 ? work->count : 0;
}

static int list(struct work *work, struct err *err) {
    struct call *call = work->call;
    work->rows = ARENA_ARRAY(&work->arena, struct stored_template, TEMPLATES_MAX);
    int status = ledger_read(home_hub(call->home), read_rows, work, err);
    if (call->json) {
        json_object_begin(&work->json);
        json_key(&work->json, "items");
        json_array_begin(&work->json);
    }
    for (int i = 0; i < work->count && status >= 0; i++) {
        put_row(work, &work->rows[i]);
        status = call_flush(call, false, err);
    }
    if (call->json) {
        json_array_end(&work->json);
        json_object_end(&work->json);
        buf_put_char(&call->out, '\n');
    }
    return status < 0 ? status : EXIT_DONE;
}

static int read_one(struct ledger_tx *tx, void *context, struct err *err) {
    struct work *work = context;
    return templates_get(
        tx, plant_id(work->plant), work->row.number, &work->arena, &work->row, err);
}

static int find_one(struct work *work, const char *number, struct err *err) {
    return str_to_i64(str_of(number), &work->row.number)
               ? ledger_read(home_hub(work->call->home), read_one, work, err)
               : err_set(err, ERR_NOT_FOUND, MSG_TEMPLATE_UNKNOWN, ARGS(A_CSTR(number)));
}

/* May be more than the output holds at a time. */
static int put_long(struct call *call, struct str text, struct err *err) {
    int status = 0;
    for (struct str rest = text; rest.size > 0 && status >= 0;) {
        size_t part = rest.size < CALL_OUT_MAX / 2 ? rest.size : CALL_OUT_MAX / 2;
        buf_put_str(&call->out, str_slice(rest, 0, part));
        rest = str_slice(rest, part, rest.size);
        status = call_flush(call, false, err);
    }
    return status;
}

static int show(struct work *work, const char *number, struct err *err) {
    int status = find_one(work, number, err);
    if (status < 0) {
        return status;
    }
    status = put_long(work->call, work->row.body, err);
    buf_put_char(&work->call->out, '\n');
    return status < 0 ? status : EXIT_DONE;
}

static int remove_one(struct ledger_tx *tx, void *context, struct err *err) {
    struct work *work = context;
    return templates_remove(tx, plant_id(work->plant), work->row.number, STR("cli"), err);
}

static int take_away(struct work *work, const char *number, struct err *err) {
    struct call *call = work->call;
    int status = find_one(work, number, err);
    status = status < 0 ? status : ledger_write(home_hub(call->home), remove_one, work, err);
    if (status < 0) {
        return status;
    }
    if (call->json) {
        json_object_begin(&work->json);
        json_put_i64(&work->json, "removed", work->row.number);
        json_object_end(&work->json);
        buf_put_char(&call->out, '\n');
    } else {
        call_say(call, MSG_TEMPLATE_REMOVED, ARGS(A_STR(work->row.name)));
    }
    return EXIT_DONE;
}

/* ---- Keeping ---- */

struct chosen {
    struct str ids[TEMPLATE_DEVICES_MAX];
    uint32_t count;
};

static int choose(struct chosen *chosen, struct str id, struct err *err) {
    for (uint32_t i = 0; i < chosen->count; i++) {
        if (str_eq(chosen->ids[i], id)) {
            return 0;
        }
    }
    if (chosen->count == TEMPLATE_DEVICES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_TEMPLATE_ROWS,
            ARGS(A_INT(TEMPLATE_DEVICES_MAX), A_CSTR(template_part_name(TEMPLATE_DEVICES))));
    }
    chosen->ids[chosen->count++] = id;
    return 0;
}

/* A device, or all that the tags of an equipment ("line1.press1") are read from. */
static int choose_word(const struct catalogue *catalogue, struct str word, struct arena *arena,
    struct chosen *chosen, struct err *err) {
    if (catalogue_device(catalogue, word) != NULL) {
        return choose(chosen, word, err);
    }
    int status = 0;
    bool any = false;
    for (uint32_t i = 0; i < catalogue->tag_count && status >= 0; i++) {
        const struct tag *tag = &catalogue->tags[i];
        if (tag->device.size > 0 && str_starts(tag->name, word) && tag->name.size > word.size &&
            tag->name.data[word.size] == '.') {
            any = true;
            status = choose(chosen, arena_copy(arena, tag->device), err);
        }
    }
    return status < 0 || any
               ? status
               : err_set(err, ERR_NOT_FOUND, MSG_TEMPLATE_NOT_HERE, ARGS(A_STR(word)));
}

static int choose_all(struct work *work, struct chosen *chosen, struct err *err) {
    struct catalogue *catalogue = plant_catalogue(work->plant);
    int status = 0;
    for (uint32_t i = 0; i < work->call->positional_count && status >= 0; i++) {
        status =
            choose_word(catalogue, str_of(work->call->positionals[i]), &work->arena, chosen, err);
    }
    catalogue_unref(catalogue);
    return status;
}

static int keep_row(struct ledger_tx *tx, void *context, struct err *err) {
    struct work *work = context;
    int64_t number = 0;
    int status = templates_keep(tx, &work->row, &number, err);
    work->row.number = number;
    return status < 0 ? status : read_one(tx, work, err);
}

static int save(struct work *work, const char *name, struct err *err) {
    struct call *call = work->call;
    struct chosen chosen = {.count = 0};
    struct template template;
    int status = choose_all(work, &chosen, err);
    status = status < 0 ? status
                        : template_take(work->plant, chosen.ids, chosen.count, home_dir(call->home),
                              &work->arena, &template, err);
    if (status < 0) {
        return status;
    }
    const char *note = call_value(call, "--note");
    template.name = str_trim(str_of(name));
    template.note = str_trim(str_of(note != NULL ? note : ""));
    AUTO_BUF struct buf body;
    buf_init(&body, TEMPLATE_BYTES_MAX + 1);
    template_put(&template, &body);
    if (body.overflow) {
        return err_set(err, ERR_LIMIT, MSG_TEMPLATE_LARGE, ARGS(A_INT(TEMPLATE_BYTES_MAX >> 20)));
    }
    work->row = (struct stored_template){.name = template.name,
        .note = template.note,
        .devices = template.parts[TEMPLATE_DEVICES].count,
        .tags = template.parts[TEMPLATE_TAGS].count,
        .body = buf_str(&body),
        .plant = plant_id(work->plant),
        .actor = STR("cli"),
        .author = STR("maru template")};
    status = ledger_write(home_hub(call->home), keep_row, work, err);
    if (status < 0) {
        return status;
    }
    put_row(work, &work->row);
    if (call->json) {
        buf_put_char(&call->out, '\n');
    }
    return EXIT_DONE;
}

/* ---- Making one again ---- */

static int need_name(
    struct work *work, struct str from, struct template_name **ret, struct err *err) {
    for (uint32_t i = 0; i < work->wish.name_count; i++) {
        if (str_eq(work->names[i].from, from)) {
            *ret = &work->names[i];
            return 0;
        }
    }
    if (work->wish.name_count == TEMPLATE_NAMES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_TEMPLATE_WORDS, ARGS(A_INT(TEMPLATE_NAMES_MAX)));
    }
    *ret = &work->names[work->wish.name_count++];
    **ret = (struct template_name){.from = from, .to = from, .display = STR_NONE};
    return 0;
}

static int need_device(
    struct work *work, struct str from, struct template_device **ret, struct err *err) {
    for (uint32_t i = 0; i < work->wish.device_count; i++) {
        if (str_eq(work->devices[i].from, from)) {
            *ret = &work->devices[i];
            return 0;
        }
    }
    if (work->wish.device_count == TEMPLATE_DEVICES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_TEMPLATE_WORDS, ARGS(A_INT(TEMPLATE_DEVICES_MAX)));
    }
    *ret = &work->devices[work->wish.device_count++];
    **ret = (struct template_device){
        .from = from, .to = STR_NONE, .address = STR_NONE, .options = STR_NONE};
    return 0;
}

/* "name:line1.press1=line2.press7". */
static int take_word(struct work *work, struct str word, struct err *err) {
    struct str value = word;
    struct str left = str_cut(&value, '=');
    bool has_value = left.size < word.size && value.size > 0;
    struct str from = left;
    struct str what = str_cut(&from, ':');
    bool is_name = str_eq(what, STR("name"));
    bool of_name = is_name || str_eq(what, STR("display"));
    bool is_device = str_eq(what, STR("device"));
    bool is_address = str_eq(what, STR("address"));
    bool of_device = is_device || is_address || str_eq(what, STR("options"));
    size_t max = of_name ? (is_name ? LIMIT_TAG_NAME_BYTES : LIMIT_DISPLAY_BYTES)
                         : (is_device ? LIMIT_ID_BYTES : LIMIT_DEVICE_TEXT_BYTES);
    if (!has_value || from.size == 0 || value.size > max || (!of_name && !of_device)) {
        return err_set(err, ERR_USAGE, MSG_TEMPLATE_WORD, ARGS(A_STR(word)));
    }
    struct template_name *name = NULL;
    struct template_device *device = NULL;
    int status =
        of_name ? need_name(work, from, &name, err) : need_device(work, from, &device, err);
    if (status >= 0) {
        struct str *place = is_name      ? &name->to
                            : of_name    ? &name->display
                            : is_device  ? &device->to
                            : is_address ? &device->address
                                         : &device->options;
        *place = value;
    }
    return status;
}

static void on_row(void *context, enum template_part part, struct str name,
    enum template_state state, const struct err *why) {
    static const char *const STATES[] = {
        [TEMPLATE_NEW] = "new", [TEMPLATE_SAME] = "same", [TEMPLATE_FAULT] = "fault"};
    struct work *work = context;
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    if (why != NULL) {
        err_render(why, work->call->lang, &words);
    }
    work->told[state]++;
    if (!work->call->json) {
        buf_printf(&work->text, "%-5s  %-9s  %.*s%s%s\n", STATES[state], template_part_name(part),
            STR_ARG(name), why != NULL ? ": " : "", buf_z(&words));
    } else {
        json_object_begin(&work->json);
        json_put_str(&work->json, "part", str_of(template_part_name(part)));
        json_put_str(&work->json, "name", name);
        json_put_str(&work->json, "state", str_of(STATES[state]));
        if (why != NULL) {
            json_put_str(&work->json, "detail", buf_str(&words));
        } else {
            json_put_null(&work->json, "detail");
        }
        json_object_end(&work->json);
    }
}

static void put_sum(struct work *work, int made) {
    const uint32_t *told = work->told;
    json_array_end(&work->json);
    json_put_bool(&work->json, "refused", made == 0);
    json_put_i64(&work->json, "made", told[TEMPLATE_NEW]);
    json_put_i64(&work->json, "same", told[TEMPLATE_SAME]);
    json_put_i64(&work->json, "faults", told[TEMPLATE_FAULT]);
    json_object_end(&work->json);
    buf_put_char(&work->text, '\n');
}

static int say_sum(struct work *work, int made, struct err *err) {
    const uint32_t *told = work->told;
    int status = call_flush(work->call, true, err); // The rows come first.
    if (made == 0) {
        call_say(work->call, MSG_TEMPLATE_REFUSED, ARGS(A_INT(told[TEMPLATE_FAULT])));
    } else {
        call_say(work->call, work->wish.dry_run ? MSG_TEMPLATE_WOULD : MSG_TEMPLATE_MADE,
            ARGS(A_INT(told[TEMPLATE_NEW]), A_INT(told[TEMPLATE_SAME])));
    }
    return status;
}

static int make(struct work *work, const struct template *template, struct err *err) {
    struct call *call = work->call;
    work->wish.names = work->names;
    work->wish.devices = work->devices;
    work->wish.dry_run = call_value(call, "--dry-run") != NULL;
    work->wish.actor = STR("cli");
    work->wish.spool_folder = home_dir(call->home);
    work->wish.context = work;
    work->wish.row = on_row;
    json_init(&work->json, &work->text);
    if (call->json) {
        json_object_begin(&work->json);
        json_put_bool(&work->json, "dry_run", work->wish.dry_run);
        json_key(&work->json, "rows");
        json_array_begin(&work->json);
    }
    int made = template_apply(work->plant, template, &work->wish, err);
    if (made < 0) {
        return made;
    }
    if (call->json) {
        put_sum(work, made);
    }
    int status = work->text.overflow ? err_set(err, ERR_LIMIT, MSG_APP_OUTPUT_LARGE, NO_ARGS)
                                     : put_long(call, buf_str(&work->text), err);
    if (status >= 0 && !call->json) {
        status = say_sum(work, made, err);
    }
    return status < 0 ? status : made == 0 ? EXIT_FAILED : EXIT_DONE;
}

static int apply(struct work *work, const char *number, struct err *err) {
    struct template template;
    int status = 0;
    for (uint32_t i = 0; i < work->call->positional_count && status >= 0; i++) {
        status = take_word(work, str_of(work->call->positionals[i]), err);
    }
    status = status < 0 ? status : find_one(work, number, err);
    status = status < 0 ? status : template_read(work->row.body, &work->arena, &template, err);
    return status < 0 ? status : make(work, &template, err);
}

/* ---- What is asked ---- */

static int run(struct work *work, struct err *err) {
    static const struct {
        const char *option;
        int (*run)(struct work *work, const char *value, struct err *err);
        bool takes_words;
    } VERBS[] = {{"--save", save, true}, {"--apply", apply, true}, {"--show", show, false},
        {"--remove", take_away, false}};
    size_t asked = sizeof VERBS / sizeof VERBS[0];
    int count = 0;
    for (size_t i = 0; i < sizeof VERBS / sizeof VERBS[0]; i++) {
        if (call_value(work->call, VERBS[i].option) != NULL) {
            asked = i;
            count++;
        }
    }
    bool words = work->call->positional_count > 0;
    if (count > 1 || (words && (count == 0 || !VERBS[asked].takes_words))) {
        return err_set(err, ERR_USAGE, MSG_TEMPLATE_USAGE, NO_ARGS);
    }
    return count == 0 ? list(work, err)
                      : VERBS[asked].run(work, call_value(work->call, VERBS[asked].option), err);
}

int cmd_template(struct call *call, struct err *err) {
    AUTO_FREE struct work *work = MEM_NEW(struct work);
    work->call = call;
    json_init(&work->json, &call->out);
    int status = call_plant(call, &work->plant, err);
    if (status < 0) {
        return status;
    }
    arena_init(&work->arena, 0);
    buf_init(&work->text, TOLD_BYTES);
    status = run(work, err);
    buf_fini(&work->text);
    arena_fini(&work->arena);
    return status;
}
