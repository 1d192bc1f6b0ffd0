#include "cmd/hook/memory_error.h"

#include "cmd/hook/hook.h"
#include "cmd/hook/os.h"
#include "cmd/hook/snapshot.h"

#include <errno.h>
#include <unistd.h>

static struct py_allocator originals[3]; /* by domain */
static uint64_t next_allowed_ns;         /* with the GIL */

static void *failed(size_t size)
{
    static const uint64_t PERIOD_NS = UINT64_C(60000000000);
    int saved = errno;
    uint64_t now = os_monotonic_ns();
    if (size > 0 && getpid() == hook.pid && now >= next_allowed_ns && snapshot_of_failure("memory_error"))
        next_allowed_ns = now + PERIOD_NS;
    errno = saved;
    return NULL;
}

static void *watch_malloc(void *context, size_t size)
{
    const struct py_allocator *original = context;
    void *memory = original->malloc(original->context, size);
    return memory ? memory : failed(size ? size : 1);
}

static void *watch_calloc(void *context, size_t count, size_t size)
{
    const struct py_allocator *original = context;
    void *memory = original->calloc(original->context, count, size);
    return memory ? memory : failed(1);
}

static void *watch_realloc(void *context, void *old, size_t size)
{
    const struct py_allocator *original = context;
    void *memory = original->realloc(original->context, old, size);
    return memory ? memory : failed(1);
}

static void watch_free(void *context, void *old)
{
    const struct py_allocator *original = context;
    original->free(original->context, old);
}

void memory_error_watch(void)
{
    static const int domains[] = {PY_DOMAIN_MEM, PY_DOMAIN_OBJ};
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        struct py_allocator *original = &originals[domains[i]];
        hook.python.get_allocator(domains[i], original);
        struct py_allocator watching = {original, watch_malloc, watch_calloc, watch_realloc, watch_free};
        hook.python.set_allocator(domains[i], &watching);
    }
}
