#include "formats/elf/core.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/elf/core_parts.h"

static bool map_file(struct elf_image *self, int fd, const char *path, uint64_t size, struct error *err)
{
    if (size == 0)
        return error_bad_input(err, path, 0, "an empty file");
    void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return error_system(err, path, errno, "cannot map");
    madvise(p, size, MADV_SEQUENTIAL);
    self->file = self->copy = p;
    self->file_size = size;
    self->copy_size = size;
    return core_check_header(self->file, size, path, err);
}

static bool unpack_file(struct elf_image *self, int fd, const char *path, const struct core_options *options,
                        struct error *err)
{
    char problem[128];
    uint8_t *bytes;
    if (!core_unpack(fd, path, options, &bytes, &self->file_size, &self->copy_size, problem, err))
        return false;
    self->file = bytes;
    self->copy = bytes;
    if (problem[0] != 0)
        process_image_warning(self->image, "the compressed file is %s: %" PRIu64 " bytes could be unpacked",
                              problem, self->file_size);
    return core_check_header(self->file, self->file_size, path, err);
}

static bool load_file(struct elf_image *self, const char *path, const struct core_options *options,
                      struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_system(err, path, errno, "cannot open");
    struct stat status;
    unsigned char start[64];
    bool done;
    if (fstat(fd, &status) != 0)
        done = error_system(err, path, errno, "cannot look at");
    else if (!S_ISREG(status.st_mode))
        done = error_system(err, path, S_ISDIR(status.st_mode) ? EISDIR : ESPIPE, "cannot read");
    else {
        ssize_t n = pread(fd, start, sizeof start, 0);
        self->image->counts.file_size = (uint64_t)status.st_size;
        done = n > 0 && core_probe_compressed(start, (size_t)n)
                   ? unpack_file(self, fd, path, options, err)
                   : map_file(self, fd, path, (uint64_t)status.st_size, err);
    }
    close(fd);
    return done;
}

static bool read_core(struct elf_image *self, const char *path, struct error *err)
{
    struct core_note_span *notes = NULL;
    size_t count = 0;
    Elf *elf = core_begin(self, path, err);
    bool done = elf != NULL && core_read_segments(self, elf, path, &notes, &count, err);
    for (size_t i = 0; done && i < count; i++)
        done = core_read_notes(self, elf, &notes[i], err);
    free(notes);
    elf_end(elf);
    self->image->has_notes = self->image->thread_count > 0;
    /* gcore writes the stop it caused itself into the signal's note, but into no thread's. */
    if (self->image->has_notes && self->image->threads[0].signal == 0)
        self->image->signal = self->image->signal_code = 0;
    if (self->image->has_notes && self->image->signal == 0)
        self->image->signal = self->image->threads[0].signal;
    if (done && !self->image->has_notes)
        process_image_warning(self->image,
                              "no notes in this core%s: registers, threads and mapped files are not "
                              "known",
                              self->image->counts.cut > 0 ? " (it is cut)" : "");
    return done && elf_image_complete(self, err);
}

struct process_image *core_open(const char *path, const struct core_options *options, struct error *err)
{
    static const struct core_options none;
    struct elf_image *self;
    options = options != NULL ? options : &none;
    struct process_image *image = elf_image_create(options, &self, err);
    if (image == NULL)
        return NULL;
    if (load_file(self, path, options, err) && read_core(self, path, err))
        return image;
    process_image_free(image);
    return NULL;
}
