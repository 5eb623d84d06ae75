#ifndef PRODUCTION_MASTER_RULE_H
#define PRODUCTION_MASTER_RULE_H
/*
 * What must hold between the fields of one row. Private to the room.
 */
#include "production/master_field.h"

/* `values` by the noun's order. *ret_field: the field that a fault stands in. */
int master_row_rules(enum noun_id noun, const struct field_value *values,
    const struct field **ret_field, struct err *err);
/* A constant text's place among the noun's fields; it must be there. */
uint32_t noun_field_at(enum noun_id noun, const char *name);

#endif
