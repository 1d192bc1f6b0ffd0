#include "formats/extract/extract_zstd.h"

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

static size_t estimate(int level)
{
    return ZSTD_estimateCCtxSize(level);
}

static void *context(void *workspace, size_t size)
{
    return ZSTD_initStaticCCtx(workspace, size);
}

static size_t compress(void *context_made, void *to, size_t to_size, const void *from, size_t from_size,
                       int level)
{
    return ZSTD_compressCCtx(context_made, to, to_size, from, from_size, level);
}

static unsigned is_error(size_t code)
{
    return ZSTD_isError(code);
}

const struct snapshot_zstd *extract_zstd(void)
{
    static const struct snapshot_zstd functions = {estimate, context, compress, is_error};
    return &functions;
}
