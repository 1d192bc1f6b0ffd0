/* twin.h -- a second copy of the library in one process: preloaded from one file, imported from another.
 *
 * Two hooks would each take the signal. The first one in the global scope stays in charge; the other only
 * passes on.
 */
#ifndef HELDBY_HOOK_TWIN_H
#define HELDBY_HOOK_TWIN_H

#include <stdbool.h>

bool twin_exists(void);              /* another copy is in charge */
void *twin_symbol(const char *name); /* of that copy; NULL if there is none */

#endif
