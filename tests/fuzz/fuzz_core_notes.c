/* Any bytes as the notes of a core, at both alignments. */
#include "formats/elf/core_parts.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct core_options options = {.no_files = true};
    Elf64_Ehdr header = {.e_type = ET_CORE,
                         .e_machine = EM_X86_64,
                         .e_version = EV_CURRENT,
                         .e_ehsize = sizeof header,
                         .e_phentsize = sizeof(Elf64_Phdr)};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    uint8_t *file = malloc(sizeof header + size); /* exactly as large: what reads further is seen */
    expect(file != NULL);
    memcpy(file, &header, sizeof header);
    memcpy(file + sizeof header, data, size);
    for (uint64_t align = 4; align <= 8; align += 4) {
        struct error err = {0};
        struct elf_image *self;
        struct process_image *image = elf_image_create(&options, &self, &err);
        expect(image != NULL);
        self->file = file;
        self->file_size = sizeof header + size;
        Elf *elf = core_begin(self, "core", &err);
        expect(elf != NULL);
        expect(size == 0 ||
               core_read_notes(self, elf, &(struct core_note_span){sizeof header, size, align}, &err));
        elf_end(elf);
        expect(image->thread_count <= size / 300 && image->mapping_count <= size / 24);
        for (size_t i = 0; i < image->mapping_count; i++)
            expect(image->mappings[i].start < image->mappings[i].end &&
                   (i == 0 || image->mappings[i - 1].end <= image->mappings[i].start));
        process_image_free(image);
    }
    free(file);
    return 0;
}
