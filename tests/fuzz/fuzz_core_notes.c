/* Any bytes as the notes of a core, at both alignments. */
#include "formats/elf/core_parts.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct core_options options = {.no_files = true};
    for (uint64_t align = 4; align <= 8; align += 4) {
        struct error err = {0};
        struct elf_image *self;
        struct process_image *image = elf_image_create(&options, &self, &err);
        expect(image != NULL);
        self->file = data;
        self->file_size = size;
        expect(core_read_notes(self, &(struct core_note_span){0, size, align}, &err));
        expect(image->thread_count <= size / 300 && image->mapping_count <= size / 24);
        for (size_t i = 0; i < image->mapping_count; i++)
            expect(image->mappings[i].start < image->mappings[i].end &&
                   (i == 0 || image->mappings[i - 1].end <= image->mappings[i].start));
        process_image_free(image);
    }
    return 0;
}
