#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/elf/module_file.h"
#include "formats/elf/modules.h"

enum { MAX_WARNINGS = 3 }; /* of one kind; the rest is counted */

/* The build-id in the process's memory. Returns false when its notes cannot be read there. */
static bool read_build_id(struct elf_image *self, struct image_module *module, const struct elf_module *m)
{
    bool readable = false;
    uint8_t *notes = malloc(MAX_NOTE_BYTES);
    if (notes == NULL)
        return false;
    for (size_t i = 0; i < m->header_count && m->headers_from_memory && module->build_id_size == 0; i++) {
        const Elf64_Phdr *h = &m->headers[i];
        if (h->p_type != PT_NOTE || h->p_filesz > MAX_NOTE_BYTES)
            continue;
        uint64_t have =
            address_space_copy(&self->image->space, module->bias + h->p_vaddr, notes, h->p_filesz);
        readable = readable || have == h->p_filesz;
        module->build_id_size = image_build_id(notes, have, h->p_align, module->build_id);
    }
    free(notes);
    return readable;
}

static bool same_headers(const struct elf_module *m, const struct module_file *file)
{
    return m->header_count == file->header_count &&
           memcmp(m->headers, file->headers, m->header_count * sizeof *m->headers) == 0;
}

static enum build_id_verdict judge(const struct image_module *module, const struct elf_module *m,
                                   bool notes_readable, const struct module_file *file)
{
    if (module->build_id_size != 0 && file->build_id_size != 0)
        return module->build_id_size == file->build_id_size &&
                       memcmp(module->build_id, file->build_id, module->build_id_size) == 0
                   ? BUILD_ID_MATCH
                   : BUILD_ID_MISMATCH;
    if (module->build_id_size != 0 || (notes_readable && file->build_id_size != 0))
        return BUILD_ID_MISMATCH;
    if (m->headers_from_memory && !same_headers(m, file))
        return BUILD_ID_MISMATCH;
    return BUILD_ID_UNKNOWN;
}

struct search {
    struct image_module *module;
    struct elf_module *m;
    bool notes_readable;
    enum build_id_verdict best;
    struct module_file *file; /* of the best; NULL: none yet */
};

/* The verdicts in the order of their use: an equal one found later changes nothing. */
static unsigned worth(enum build_id_verdict verdict)
{
    static const unsigned worths[] = {
        [BUILD_ID_MATCH] = 3, [BUILD_ID_UNKNOWN] = 2, [BUILD_ID_MISMATCH] = 1, [BUILD_ID_NO_FILE] = 0};
    return worths[verdict];
}

static void try_file(struct search *s, const char *root, const char *path, bool only_match)
{
    if (s->best == BUILD_ID_MATCH)
        return;
    struct module_file *file = module_file_open(root, path);
    if (file == NULL)
        return;
    enum build_id_verdict verdict = judge(s->module, s->m, s->notes_readable, file);
    if (worth(verdict) <= worth(s->best) || (only_match && verdict == BUILD_ID_UNKNOWN)) {
        module_file_close(file);
        return;
    }
    module_file_close(s->file);
    s->file = file;
    s->best = verdict;
}

/* Before and after the merge of /lib into /usr/lib a file has two names. */
static void try_both_names(struct search *s, const char *root, const char *path, bool only_match)
{
    char other[4096];
    try_file(s, root, path, only_match);
    if (strncmp(path, "/usr/lib", 8) == 0)
        snprintf(other, sizeof other, "%s", path + 4);
    else if (strncmp(path, "/lib", 4) == 0)
        snprintf(other, sizeof other, "/usr%s", path);
    else
        return;
    if (s->best == BUILD_ID_NO_FILE)
        try_file(s, root, other, only_match);
}

/* The kernel still has what a running process uses. */
static void try_mapped(const struct elf_image *self, struct search *s)
{
    char path[128];
    uint32_t mapping = image_mapping_at(self->image, s->m->header_address);
    if (!self->image->live || s->best == BUILD_ID_MATCH || s->best == BUILD_ID_UNKNOWN)
        return;
    if (s->module->executable)
        snprintf(path, sizeof path, "/proc/%" PRIu32 "/exe", self->image->pid);
    else if (mapping != MEMORY_NO_MAPPING)
        snprintf(path, sizeof path, "/proc/%" PRIu32 "/map_files/%" PRIx64 "-%" PRIx64, self->image->pid,
                 self->image->mappings[mapping].start, self->image->mappings[mapping].end);
    else
        return;
    try_file(s, NULL, path, false);
}

static const char deleted_mark[] = " (deleted)";

static void find_file(struct elf_image *self, struct search *s)
{
    char path[4096];
    if (s->module->executable && self->executable != NULL) {
        try_file(s, NULL, self->executable, false);
        if (s->file == NULL)
            process_image_warning(self->image, "%s is no x86-64 program; not used", self->executable);
        return;
    }
    size_t length = strlen(s->module->path), mark = sizeof deleted_mark - 1;
    if (length >= sizeof path || s->module->path[0] != '/')
        return;
    memcpy(path, s->module->path, length + 1);
    if (length > mark && strcmp(path + length - mark, deleted_mark) == 0) {
        path[length - mark] = 0;
        s->m->deleted = true;
    }
    bool only_match = s->m->deleted;
    if (self->sysroot == NULL) {
        try_both_names(s, NULL, path, only_match);
        try_mapped(self, s);
        return;
    }
    try_both_names(s, self->sysroot, path, only_match);
    if (s->best != BUILD_ID_MATCH)
        try_file(s, self->sysroot, strrchr(path, '/'), only_match);
    try_mapped(self, s);
    /* This machine's own file is good only where it is certain. */
    if (s->best == BUILD_ID_NO_FILE && s->module->build_id_size != 0) {
        try_both_names(s, NULL, path, true);
        if (s->best == BUILD_ID_MISMATCH) {
            module_file_close(s->file);
            s->file = NULL;
            s->best = BUILD_ID_NO_FILE;
        }
    }
}

static void hex(const uint8_t *id, uint32_t size, char to[20])
{
    static const char digits[] = "0123456789abcdef";
    uint32_t n = size < 8 ? size : 8;
    for (uint32_t i = 0; i < n; i++) {
        to[2 * i] = digits[id[i] >> 4];
        to[2 * i + 1] = digits[id[i] & 15];
    }
    strcpy(to + 2 * n, size == 0 ? "none" : n < size ? ".." : "");
}

static void say_mismatch(struct elf_image *self, const struct image_module *module,
                         const struct module_file *file)
{
    char ran[24], found[24];
    hex(module->build_id, module->build_id_size, ran);
    hex(file->build_id, file->build_id_size, found);
    process_image_warning(self->image,
                          "%s is not the file that ran as %s (build-id %s, the process had %s); not used",
                          file->path, module->path, found, ran);
}

static bool settle(struct elf_image *self, size_t i, size_t *mismatches, size_t *unknowns)
{
    struct image_module *module = &self->image->modules[i];
    struct elf_module *m = &self->modules[i];
    struct search s = {.module = module, .m = m, .best = BUILD_ID_NO_FILE};
    s.notes_readable = read_build_id(self, module, m);
    if (!self->no_files)
        find_file(self, &s);
    module->verdict = s.best;
    if (s.best == BUILD_ID_MISMATCH) {
        if ((*mismatches)++ < MAX_WARNINGS)
            say_mismatch(self, module, s.file);
        module_file_close(s.file);
        return true;
    }
    if (s.best == BUILD_ID_UNKNOWN && (*unknowns)++ < MAX_WARNINGS)
        process_image_warning(
            self->image, "%s is used, but whether it is the file that ran cannot be verified", s.file->path);
    m->file = s.file;
    if (s.file == NULL)
        return true;
    module->file = s.file->path;
    if (!m->headers_from_memory) {
        m->headers = s.file->headers;
        m->header_count = s.file->header_count;
        if (m->bias_from_file)
            module->bias = image_bias_of(m->headers, m->header_count, s.file->type, m->header_address);
        else if (module->executable && s.file->type == ET_DYN) {
            for (size_t k = 0; k < m->header_count; k++) {
                if (m->headers[k].p_type == PT_PHDR)
                    module->bias = self->image->auxv[AT_PHDR] - m->headers[k].p_vaddr;
            }
        }
    }
    return true;
}

bool image_modules_open_files(struct elf_image *self, struct error *err)
{
    size_t mismatches = 0, unknowns = 0;
    bool program = false;
    for (size_t i = 0; i < self->module_count; i++) {
        settle(self, i, &mismatches, &unknowns);
        program |= self->image->modules[i].executable;
    }
    if (self->executable != NULL && !program)
        process_image_warning(self->image, "where the program lay is not known: %s is not used",
                              self->executable);
    if (mismatches > MAX_WARNINGS)
        process_image_warning(self->image, "and %zu more that did not run; not used",
                              mismatches - MAX_WARNINGS);
    if (unknowns > MAX_WARNINGS)
        process_image_warning(self->image, "and %zu more that cannot be verified", unknowns - MAX_WARNINGS);
    return image_modules_measure(self, err);
}
