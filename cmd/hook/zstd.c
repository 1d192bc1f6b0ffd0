#include "cmd/hook/zstd.h"

#include <dlfcn.h>
#include <string.h>

static bool take(void *library, const char *name, void *slot)
{
    void *address = dlsym(library, name);
    memcpy(slot, &address, sizeof address);
    return address != NULL;
}

bool zstd_find(struct snapshot_zstd *ret)
{
    memset(ret, 0, sizeof *ret);
    void *library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL); /* never closed */
    return library && take(library, "ZSTD_estimateCCtxSize", &ret->estimate_context) &&
           take(library, "ZSTD_initStaticCCtx", &ret->init_static_context) &&
           take(library, "ZSTD_compressCCtx", &ret->compress) &&
           take(library, "ZSTD_isError", &ret->is_error);
}
