#ifndef APP_DEMO_SHOP_H
#define APP_DEMO_SHOP_H
/*
 * What the demo's shop makes: items, bills of material, routings, shifts, people, reasons; orders
 * of which some run on the simulated machines since the demo's hour began, so that the machines
 * fill them. Main thread, before the home is served.
 */
#include "core/err.h"
#include "plant/plant.h"

/* Master data and orders; the runs begin at begin_ns. A second call changes nothing. */
int demo_shop_put(struct plant *plant, enum lang lang, int64_t begin_ns, struct err *err);

#endif
