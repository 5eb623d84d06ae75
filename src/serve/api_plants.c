/*
 * Plants and their equipment trees. Both lists are short: HOME_PLANTS_MAX plants, of which a
 * caller sees those they have a role in, and some hundred assets; they are answered whole.
 */
#include "serve/call.h"

#include "core/json_in.h"
#include "core/limits.h"
#include "serve/server.h"
#include "serve/view.h"

enum { ZONE_BYTES = 64 };

int api_plants(struct call *call, struct err *err) {
    struct home *home = call->server->home;
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (uint32_t i = 0; i < home_plant_count(home); i++) {
        const struct plant *plant = home_plant_at(home, i);
        enum role role = ROLE_NONE;
        int rc = call_role_in(call, plant, &role, err);
        if (rc < 0) {
            return rc;
        }
        if (role != ROLE_NONE) {
            view_plant(&json, plant, role);
        }
    }
    view_items_end(&json);
    return 0;
}

int api_plant_put(struct call *call, struct err *err) {
    static const char *const MEMBERS[] = {"display", "zone", NULL};
    AUTO_JSON_IN struct json_in *body = NULL;
    struct str display = STR_NONE;
    struct str zone = STR_NONE;
    int rc = json_in_parse(call->http->request.body, &body, err);
    rc = rc < 0 ? rc : json_in_only(body, MEMBERS, err);
    rc = rc < 0 ? rc : json_in_str(body, "display", LIMIT_DISPLAY_BYTES, &display, err);
    rc = rc < 0 ? rc : json_in_str(body, "zone", ZONE_BYTES, &zone, err);
    rc = rc < 0 ? rc : plant_name(call->plant, display, zone, str_of(call->principal.id), err);
    if (rc < 0) {
        call->status = rc == -ERR_NOT_FOUND ? 400 : 0; // The zone, not the plant.
        return rc;
    }
    struct json json;
    call_json(call, 200, &json);
    view_plant(&json, call->plant, call->principal.role);
    return 0;
}

static void put_parent(struct json *json, const struct catalogue *catalogue, uint32_t number) {
    for (uint32_t i = 0; number != 0 && i < catalogue->asset_count; i++) {
        if (catalogue->assets[i].number == number) {
            json_put_str(json, "parent", catalogue->assets[i].id);
            return;
        }
    }
    json_put_null(json, "parent");
}

static void put_asset(
    struct json *json, const struct catalogue *catalogue, const struct asset *asset) {
    json_object_begin(json);
    json_put_str(json, "id", asset->id);
    put_parent(json, catalogue, asset->parent);
    json_put_str(json, "level", str_of(asset_level_name(asset->level)));
    json_put_str(json, "display", asset->display.size > 0 ? asset->display : asset->id);
    json_put_str(json, "kind", asset->kind);
    view_put_optional(json, "x", asset->x);
    view_put_optional(json, "y", asset->y);
    json_object_end(json);
}

int api_assets(struct call *call, struct err *err) {
    (void)err;
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    struct json json;
    call_json(call, 200, &json);
    view_items_begin(&json);
    for (uint32_t i = 0; i < catalogue->asset_count; i++) {
        put_asset(&json, catalogue, &catalogue->assets[i]);
    }
    view_items_end(&json);
    return 0;
}
