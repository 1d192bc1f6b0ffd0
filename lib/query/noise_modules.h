/* noise_modules.h -- what C modules keep references to, beside the graph. */
#ifndef HELDBY_NOISE_MODULES_H
#define HELDBY_NOISE_MODULES_H

#include "lib/query/view.h"

struct noise_modules {
    struct object_set own; /* published by the interpreter's own C modules (built in, or an extension module
                              that comes with it) and by static types, and what a table says they import */
    struct object_set extensions; /* published by other extension modules */
    struct object_set names; /* each module's __name__, __doc__ and __file__, the texts of its __test__ */
};

/* *ret needs noise_modules_free only on true. */
bool noise_modules_create(struct noise_modules *ret, struct view *view, struct error *err);
void noise_modules_free(struct noise_modules *modules);

#endif
