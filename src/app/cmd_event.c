/*
 * maru event HOME TYPE NAME=VALUE...: tells what happened, as a terminal would. Without --key it is
 * a new event each time; with one it is done once, however often the command runs.
 */
#include "app/command.h"
#include "core/clock.h"
#include "core/random.h"
#include "plant/plant.h"
#include "production/event.h"
#include "production/words.h"

static int read_members(
    const struct call *call, struct event_member *members, uint32_t *ret_count, struct err *err) {
    uint32_t count = 0;
    for (uint32_t i = 1; i < call->positional_count; i++) {
        struct str word = str_of(call->positionals[i]);
        size_t at = str_find(word, '=');
        if (at == 0 || at == word.size) {
            return err_set(err, ERR_USAGE, SAY(PRODUCTION_EVENT_WORD), ARGS(A_STR(word)));
        }
        if (count == EVENT_MEMBERS_MAX) {
            return err_set(
                err, ERR_LIMIT, SAY(PRODUCTION_EVENT_MEMBERS), ARGS(A_INT(EVENT_MEMBERS_MAX)));
        }
        members[count++] =
            (struct event_member){str_slice(word, 0, at), str_slice(word, at + 1, word.size)};
    }
    *ret_count = count;
    return 0;
}

int cmd_event(struct call *call, struct err *err) {
    struct plant *plant = NULL;
    struct event_member members[EVENT_MEMBERS_MAX];
    struct event_call told = {.type = str_of(call->positionals[0]),
        .members = members,
        .actor = STR("cli"),
        .terminal = STR("cli"),
        .may_manage = true,
        .lang = call->lang};
    int status = call_plant(call, &plant, err);
    status = status < 0 ? status : read_members(call, members, &told.member_count, err);
    if (status < 0) {
        return status;
    }
    char key[64];
    struct random random;
    random_seed_system(&random);
    uuid_v7(&random, clock_wall_ns(plant_clock(plant)), key);
    told.key = str_of(call_value(call, "--key") != NULL ? call_value(call, "--key") : key);
    told.zone = plant_zone(plant);
    told.historian = plant_historian(plant);
    AUTO_BUF struct buf answer;
    buf_init(&answer, EVENT_ANSWER_BYTES + 64);
    status = event_run(plant_ledger(plant), &told, &answer, err);
    if (status < 0 && err->notes[0].msg == SAY(PRODUCTION_DOUBT)) {
        (void)err_context(err, SAY(PRODUCTION_DOUBT_SURE), NO_ARGS);
    }
    if (status >= 0) {
        buf_put_str(&call->out, buf_str(&answer));
        buf_put_char(&call->out, '\n');
    }
    return status < 0 ? status : EXIT_DONE;
}
