/*
 * maru outbox HOME: the consents under which data leaves the plant, and how far each is served, as
 * CSV or JSON. Granting and withdrawing are done where a person is signed in (docs/HTTP.md).
 */
#include "app/command.h"
#include "core/json.h"
#include "plant/outbox.h"

struct outbox_listing {
    struct arena arena;
    struct consent consents[CONSENTS_MAX];
    int count;
};

static int read_consents(struct ledger_tx *tx, void *context, struct err *err) {
    struct outbox_listing *listing = context;
    listing->count = consent_list(tx, listing->consents, &listing->arena, err);
    return listing->count < 0 ? listing->count : 0;
}

static void put_field(struct buf *out, struct str text) {
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        buf_put_str(out, text.data[i] == '"' ? STR("\"") : STR_NONE);
        buf_put_char(out, text.data[i]);
    }
    buf_put_str(out, STR("\","));
}

static void put_consent(struct call *call, const struct consent *consent, int64_t now_ns) {
    struct str state = consent->withdrawn_ns != 0    ? STR("withdrawn")
                       : now_ns >= consent->until_ns ? STR("ended")
                                                     : STR("active");
    const struct {
        const char *name;
        struct str text;
    } TEXTS[] = {{"id", consent->id}, {"state", state}, {"giver", consent->giver},
        {"recipient", consent->recipient}, {"purpose", consent->purpose}, {"tags", consent->tags},
        {"method", consent->method}, {"url", consent->url}};
    struct json json;
    json_init(&json, &call->out);
    if (call->json) {
        json_object_begin(&json);
    }
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        if (call->json) {
            json_put_str(&json, TEXTS[i].name, TEXTS[i].text);
        } else {
            put_field(&call->out, TEXTS[i].text);
        }
    }
    if (call->json) {
        json_put_i64(&json, "sequence", (int64_t)consent->sequence);
        json_object_end(&json);
    } else {
        buf_put_i64(&call->out, (int64_t)consent->sequence);
    }
    buf_put_char(&call->out, '\n');
}

int cmd_outbox(struct call *call, struct err *err) {
    struct plant *plant = NULL;
    int status = call_plant(call, &plant, err);
    if (status < 0) {
        return status;
    }
    struct outbox_listing *listing = MEM_NEW(struct outbox_listing);
    arena_init(&listing->arena, 0);
    status = ledger_read(plant_ledger(plant), read_consents, listing, err);
    if (status >= 0 && !call->json) {
        buf_put_str(&call->out, STR("id,state,giver,recipient,purpose,tags,method,url,sequence\n"));
    }
    for (int i = 0; i < listing->count && status >= 0; i++) {
        put_consent(call, &listing->consents[i], clock_wall_ns(plant_clock(plant)));
        status = call_flush(call, false, err);
    }
    arena_fini(&listing->arena);
    mem_free(listing);
    return status < 0 ? status : EXIT_DONE;
}
