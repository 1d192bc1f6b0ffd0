/* Any bytes as a core: it opens or is refused, and what opens can be looked at all over. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/elf/core.h"
#include "tests/fuzz/fuzz.h"

static void check_regions(const struct process_image *image)
{
    uint64_t present = 0, last = 0;
    for (size_t i = 0; i < image->space.region_count; i++) {
        const struct memory_region *r = &image->space.regions[i];
        expect(r->start >= last && r->start < r->end && r->present <= r->end - r->start);
        expect(r->mapping == MEMORY_NO_MAPPING || r->mapping < image->mapping_count);
        last = r->end;
        present += r->present;
        if (r->present >= 8) {
            address_space_word(&image->space, r->start);
            expect(address_space_at(&image->space, r->start + r->present - 8, 8) == r->data + r->present - 8);
        }
    }
    expect(present == image->counts.dumped + image->counts.filled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("core", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    expect(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    struct error err = {0};
    struct core_options options = {.no_files = true, .memory_limit = 16 << 20};
    struct process_image *image = core_open(path, &options, &err);
    if (image == NULL) {
        expect(err.code == ERROR_BAD_INPUT || err.code == ERROR_SYSTEM);
        return 0;
    }
    check_regions(image);
    struct image_symbol symbol;
    struct image_range range;
    image->symbol(image->self, NULL, "main_arena", &symbol);
    uint64_t last = 0;
    for (size_t i = 0; i < image->module_count; i++) {
        const struct image_module *m = &image->modules[i];
        expect(m->start >= last && m->start < m->end);
        last = m->end;
        expect(process_image_module(image, m->start) == m);
        image->symbol_at(image->self, m->start + 8, &symbol);
        image->tls_symbol_at(image->self, m, 8, &symbol);
        image->section(image->self, m, ".bss", &range);
    }
    for (size_t i = 0; i < image->thread_count && i < 8; i++) {
        struct image_frame *frames;
        image->unwind(image->self, i, &frames);
        free(frames);
    }
    process_image_free(image);
    return 0;
}
