/* The library of holders.c: a global, a static and thread-local variables of its own. */
#include <stdlib.h>

void *library_global;
static void *volatile library_static[4];
static __thread void *volatile library_local[3];

void library_hold(void *global, void *kept)
{
    library_global = global;
    library_static[2] = kept;
}

__attribute__((noinline)) void library_hold_in_thread(void *local)
{
    library_local[1] = local;
}

void *library_look(int i)
{
    return library_local[i] != NULL ? library_static[i] : library_global;
}
