/* Other allocators in use as malloc. A library or a symbol alone does not say so: CPython 3.13 has mimalloc
 * inside and uses it for its own arenas at most, and a library may bring a jemalloc under another name. It
 * takes a `malloc` beside it, and a glibc heap that is next to unused. */
#include "formats/glibc/glibc_private.h"

/* Blocks that glibc's malloc may hold while another one is in use: of the loader, from before that one was
 * there. */
enum { FEW_BLOCKS = 1000 };

static const struct {
    const char *allocator, *library; /* library: how its file name begins */
    const char *symbols[5];
    const char *section;
    const char *texts[3]; /* of its messages and settings, for programs without symbols */
} known[] = {
    {"jemalloc",
     "libjemalloc",
     {"mallctl", "je_mallctl", "malloc_stats_print", "je_malloc_stats_print", NULL},
     NULL,
     {"<jemalloc>", NULL, NULL}},
    {"tcmalloc",
     "libtcmalloc",
     {"tc_malloc", "TCMalloc_Internal_GetStats", "MallocExtension_GetStats", "tc_version", NULL},
     "google_malloc",
     {"TCMALLOC_", "tcmalloc: ", NULL}},
    {"mimalloc", "libmimalloc", {"mi_malloc", "mi_heap_malloc", NULL}, NULL, {"mimalloc: ", NULL, NULL}},
    {"musl",
     "ld-musl-",
     {"__malloc_context", "__libc_malloc_impl", "__malloc_alloc_meta", NULL},
     NULL,
     {"No error information", NULL, NULL}}, /* strerror(0), which glibc calls "Success" */
    {"musl", "libc.musl-", {NULL}, NULL, {NULL, NULL, NULL}},
    {"musl", "libc.so", {NULL}, NULL, {NULL, NULL, NULL}}, /* and no more: glibc's is libc.so.6 */
};

static bool is_theirs(const struct process_image *image, const struct image_module *m, size_t k)
{
    struct image_symbol symbol;
    struct image_range range;
    size_t length = strlen(known[k].library);
    bool whole = strcmp(known[k].library, "libc.so") == 0;
    if (m->name != NULL && strncmp(m->name, known[k].library, length + whole) == 0)
        return true;
    for (unsigned n = 0; image->symbol != NULL && n < 5 && known[k].symbols[n] != NULL; n++)
        if (image->symbol(image->self, m, known[k].symbols[n], &symbol))
            return true;
    return known[k].section != NULL && image->section != NULL &&
           image->section(image->self, m, known[k].section, &range);
}

/* Is one of the texts in what is mapped of the executable? */
static bool says_so(const struct process_image *image, size_t k)
{
    for (size_t i = 0; i < image->module_count; i++) {
        const struct image_module *m = &image->modules[i];
        for (size_t r = 0; m->executable && r < image->space.region_count; r++) {
            const struct memory_region *region = &image->space.regions[r];
            if (region->start < m->start || region->start >= m->end)
                continue;
            for (unsigned t = 0; t < 3 && known[k].texts[t] != NULL; t++)
                if (region->present > 0 && memmem(region->data, region->present, known[k].texts[t],
                                                  strlen(known[k].texts[t])) != NULL)
                    return true;
        }
    }
    return false;
}

const char *glibc_other_allocator(const struct process_image *image, const struct glibc_heap *heap,
                                  bool absent)
{
    if (heap->used.count >= FEW_BLOCKS)
        return NULL;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        for (size_t i = 0; i < image->module_count; i++) {
            struct image_symbol symbol;
            const struct image_module *m = &image->modules[i];
            if (is_theirs(image, m, k) &&
                (absent || (image->symbol != NULL && image->symbol(image->self, m, "malloc", &symbol))))
                return known[k].allocator;
        }
    for (size_t k = 0; absent && k < sizeof known / sizeof *known; k++)
        if (says_so(image, k))
            return known[k].allocator;
    return NULL;
}
