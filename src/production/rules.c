/*
 * One table for those who tell a rule and those who ask for it, so that no form shows another
 * preset than the one that holds.
 */
#include "production/rules.h"

#include "production/event_handler.h"

static const struct rule RULES[] = {
    {"stock.rules", "negative_stock", "negative_stock", "refuse"},
    {"stock.rules", "lot_pattern", "lot_pattern", "{date}-{counter}"},
    {"inspection.rules", "gate", "inspection_gate", "refuse"},
    {"inspection.rules", "failed", "inspection_failed", "hold"},
    {"care.rules", "mould_due", "mould_due", "warn"},
};
enum { RULE_COUNT = sizeof RULES / sizeof RULES[0] };

const struct rule *rule_of(struct str type, struct str member) {
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (str_eq(type, str_of(RULES[i].type)) && str_eq(member, str_of(RULES[i].member))) {
            return &RULES[i];
        }
    }
    return NULL;
}

struct str rule_get(struct ledger_tx *tx, const struct rule *rule, struct arena *arena) {
    struct str value = STR_NONE;
    return plant_setting_get(tx, str_of(rule->setting), arena, &value, NULL) < 0
               ? str_of(rule->preset)
               : value;
}

int rules_tell(struct event *event, struct err *err) {
    struct str type = str_of(event_type_at(event->type)->name);
    int rc = 0;
    for (size_t i = 0; i < RULE_COUNT && rc >= 0; i++) {
        if (!str_eq(type, str_of(RULES[i].type))) {
            continue;
        }
        struct str value = event_text(event, RULES[i].member);
        if (value.size > 0) {
            rc = plant_setting_put(event->tx, str_of(RULES[i].setting), value, err);
        } else {
            value = rule_get(event->tx, &RULES[i], event->arena);
        }
        json_put_str(event->answer, RULES[i].member, value);
    }
    return rc;
}
