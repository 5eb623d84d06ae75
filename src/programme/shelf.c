/*
 * The shelf of what ships, and the sums over an umbrella's members. Sums are in won, so that 8.3억
 * and 12.5억 add up exactly; a difference from the headline is told with the tolerance that the
 * announcement's own rounding needs.
 */
#include "programme/shelf.h"

#include "programme/share.h"
#include "programme/words.h"

struct str shelf_text(struct str id) {
    for (size_t i = 0; SHARE_PROGRAMMES[i].id; i++) {
        if (str_eq(id, str_of(SHARE_PROGRAMMES[i].id))) {
            return (struct str){SHARE_PROGRAMMES[i].json, SHARE_PROGRAMMES[i].size_bytes};
        }
    }
    return STR_NONE;
}

int shelf_find(struct str id, struct programme **ret_programme, struct err *err) {
    struct str text = shelf_text(id);
    if (text.size == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY_DESK(PROGRAMME_UNKNOWN), ARGS(A_STR(id)));
    }
    return programme_parse(text, ret_programme, err);
}

int shelf_each(int (*each)(void *context, const struct programme *programme, struct err *err),
    void *context, struct err *err) {
    int status = 0;
    for (size_t i = 0; SHARE_PROGRAMMES[i].id && status >= 0; i++) {
        struct programme *programme = NULL;
        status = shelf_find(str_of(SHARE_PROGRAMMES[i].id), &programme, err);
        if (status >= 0) {
            status = each(context, programme, err);
            programme_free(programme);
        }
    }
    return status;
}

static void put_part(struct json *json, const char *name, const struct json_in *value) {
    if (value) {
        json_put_value(json, name, value);
    }
}

void programme_put_line(struct json *json, const struct programme *programme) {
    static const char *const MEMBERS[] = {"id", "kind", "ko", "en", "year", "state", "parent",
        "issuer", "agency", "number", "announced", "window", "budget"};
    const struct json_in *root = programme_root(programme);
    json_object_begin(json);
    for (size_t i = 0; i < sizeof MEMBERS / sizeof MEMBERS[0]; i++) {
        put_part(json, MEMBERS[i], json_in_get(root, MEMBERS[i]));
    }
    json_key(json, "types");
    json_array_begin(json);
    const struct json_in *types = json_in_get(root, "types");
    for (size_t i = 0; i < json_in_count(types); i++) {
        static const char *const OF_TYPE[] = {
            "id", "ko", "en", "rate", "rate_min", "rate_max", "cap", "slots", "term"};
        json_object_begin(json);
        for (size_t k = 0; k < sizeof OF_TYPE / sizeof OF_TYPE[0]; k++) {
            put_part(json, OF_TYPE[k], json_in_get(json_in_at(types, i), OF_TYPE[k]));
        }
        json_object_end(json);
    }
    json_array_end(json);
    json_put_i64(json, "discrepancies", (int64_t)json_in_count(json_in_get(root, "discrepancies")));
    json_object_end(json);
}

static int64_t won_in(const struct json_in *object, const char *name) {
    int64_t won = 0;
    (void)json_in_whole(json_in_get(object, name), &won);
    return won;
}

enum { MEMBERS_MAX = 100, FIELDS_MAX = 32 };

struct sums {
    struct json *json;
    int64_t total;
    int64_t fields[FIELDS_MAX]; // By field number.
};

/* What a budget pays when each project takes the whole cap; by type where types have budgets. */
static void put_projects(struct json *json, const struct json_in *root) {
    const struct json_in *types = json_in_get(root, "types");
    int64_t rest = won_in(root, "budget");
    int64_t others = 0;
    for (size_t i = 0; i < json_in_count(types); i++) {
        others += won_in(json_in_at(types, i), "budget");
    }
    json_key(json, "projects_at_cap");
    json_object_begin(json);
    for (size_t i = 0; i < json_in_count(types); i++) {
        const struct json_in *type = json_in_at(types, i);
        int64_t cap = won_in(type, "cap");
        int64_t own = won_in(type, "budget");
        if (cap > 0) {
            json_key_str(json, json_in_text(json_in_get(type, "id")));
            json_i64(json, (own > 0 ? own : rest - others) / cap);
        }
    }
    json_object_end(json);
}

static int put_member(struct sums *sums, struct str id, struct err *err) {
    struct programme *member = NULL;
    int status = shelf_find(id, &member, err);
    if (status < 0) {
        return status;
    }
    const struct json_in *root = programme_root(member);
    int64_t budget = won_in(root, "budget");
    int64_t field = won_in(root, "field");
    sums->total += budget;
    if (field >= 0 && field < FIELDS_MAX) {
        sums->fields[field] += budget;
    }
    json_object_begin(sums->json);
    json_put_str(sums->json, "id", id);
    json_put_str(sums->json, "ko", programme_text(member, "ko"));
    json_put_str(sums->json, "en", programme_text(member, "en"));
    json_put_i64(sums->json, "field", field);
    json_put_i64(sums->json, "budget", budget);
    put_projects(sums->json, root);
    json_put_str(sums->json, "source", programme_text(member, "src"));
    json_object_end(sums->json);
    programme_free(member);
    return 0;
}

static void put_fields(const struct sums *sums, const struct json_in *stated) {
    json_key(sums->json, "fields");
    json_array_begin(sums->json);
    for (size_t i = 0; i < json_in_count(stated); i++) {
        const struct json_in *field = json_in_at(stated, i);
        int64_t number = won_in(field, "no");
        int64_t sum = number >= 0 && number < FIELDS_MAX ? sums->fields[number] : 0;
        json_object_begin(sums->json);
        json_put_i64(sums->json, "no", number);
        put_part(sums->json, "ko", json_in_get(field, "ko"));
        put_part(sums->json, "en", json_in_get(field, "en"));
        json_put_i64(sums->json, "stated", won_in(field, "budget"));
        json_put_i64(sums->json, "sum", sum);
        json_object_end(sums->json);
    }
    json_array_end(sums->json);
}

/* 1,827 builds before and 310 after: 83.0 % fewer, in tenths of a percent, rounded. */
static void put_before(struct json *json, const struct json_in *before) {
    struct programme *member = NULL;
    if (!before || shelf_find(json_in_text(json_in_get(before, "id")), &member, NULL) < 0) {
        return;
    }
    const struct json_in *type = json_in_at(json_in_get(programme_root(member), "types"), 0);
    int64_t cap = won_in(type, "cap");
    int64_t now = cap > 0 ? won_in(programme_root(member), "budget") / cap : 0;
    int64_t then = won_in(before, "count");
    json_key(json, "builds");
    json_object_begin(json);
    json_put_i64(json, "before", then);
    json_put_i64(json, "now", now);
    if (then > 0) {
        json_put_f64(
            json, "fewer_percent", (double)(((then - now) * 2000 + then) / (2 * then)) / 10);
    }
    put_part(json, "source", json_in_get(before, "src"));
    json_object_end(json);
    programme_free(member);
}

static void put_targets(struct json *json, const struct json_in *targets) {
    put_part(json, "targets", targets);
    int64_t by_payer = won_in(targets, "government") + won_in(targets, "winwin");
    int64_t by_level = won_in(targets, "basic") + won_in(targets, "advanced");
    json_key(json, "target_sums");
    json_object_begin(json);
    json_put_i64(json, "by_payer", by_payer);
    json_put_i64(json, "by_level", by_level);
    json_put_bool(json, "agree",
        by_payer == won_in(targets, "total") && by_level == won_in(targets, "total"));
    json_object_end(json);
}

int programme_put_portfolio(struct json *json, const struct programme *programme, struct err *err) {
    const struct json_in *root = programme_root(programme);
    const struct json_in *portfolio = json_in_get(root, "portfolio");
    const struct json_in *members = json_in_get(root, "members");
    if (!portfolio || json_in_count(members) > MEMBERS_MAX) {
        json_null(json);
        return 0;
    }
    struct sums sums = {.json = json};
    json_object_begin(json);
    json_key(json, "members");
    json_array_begin(json);
    for (size_t i = 0; i < json_in_count(members); i++) {
        int status = put_member(&sums, json_in_text(json_in_at(members, i)), err);
        if (status < 0) {
            return status;
        }
    }
    json_array_end(json);
    int64_t headline = won_in(portfolio, "headline");
    int64_t apart = headline > sums.total ? headline - sums.total : sums.total - headline;
    json_put_i64(json, "headline", headline);
    json_put_i64(json, "sum", sums.total);
    json_put_i64(json, "difference", headline - sums.total);
    json_put_bool(json, "within_rounding", apart <= won_in(portfolio, "tolerance"));
    put_fields(&sums, json_in_get(portfolio, "fields"));
    put_targets(json, json_in_get(portfolio, "targets"));
    put_before(json, json_in_get(portfolio, "builds_before"));
    put_part(json, "application_days", json_in_get(portfolio, "application_days"));
    put_part(json, "continuing_only", json_in_get(portfolio, "continuing_only"));
    put_part(json, "source", json_in_get(portfolio, "src"));
    json_object_end(json);
    return 0;
}
