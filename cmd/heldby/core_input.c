#include "cmd/heldby/core_input.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/heldby/progress.h"
#include "formats/snapshot/snapshot_reader.h"
#include "lib/base/file_view.h"

bool input_probe(const char *path, enum input_kind *ret, uint64_t *size, struct error *err)
{
    struct file_view file;
    if (!file_view_open(&file, path, err))
        return false;
    unsigned char head[64] = {0};
    size_t length = file.size < sizeof head ? (size_t)file.size : sizeof head;
    *size = file.size;
    *ret = INPUT_SNAPSHOT;
    bool done = file_view_read(&file, 0, head, length, err);
    file_view_close(&file);
    if (!done)
        return false;
    if (length == 0)
        return error_bad_input(err, path, 0, "the file is empty");
    if (core_probe(head, length) || core_probe_compressed(head, length))
        *ret = INPUT_CORE;
    else if (length < sizeof(Elf64_Ehdr) && length >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
        return error_bad_input(err, path, length, "an ELF file that ends within its header: %zu bytes",
                               length);
    else if (memcmp(head, ELFMAG, SELFMAG) == 0 && head[EI_DATA] == ELFDATA2MSB)
        return error_bad_input(err, path, EI_DATA,
                               "a big-endian ELF file; only cores of little-endian x86-64 can be read");
    else if (memcmp(head, ELFMAG, SELFMAG) == 0)
        return error_bad_input(err, path, 0,
                               "this is an ELF program or library, not a core and not a snapshot");
    return true;
}

static void say_unpacked(void *context, uint64_t done, uint64_t total)
{
    progress_part("unpacking", context, done, total);
}

void core_input_say_stage(void *context, const char *stage, uint64_t done, uint64_t total)
{
    static const struct {
        const char *stage, *words;
    } known[] = {{"heap", "finding the heap of"},
                 {"Python", "looking for Python in"},
                 {"objects", "walking the objects of"},
                 {"roots", "searching the roots of"},
                 {"blocks", "reading the blocks of"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(stage, known[i].stage) == 0)
            stage = known[i].words;
    }
    progress_part(stage, context, done, total);
}

struct core_options core_input_options(const struct invocation *in)
{
    return (struct core_options){.sysroot = option_text(in, "sysroot", NULL),
                                 .executable = option_text(in, "exe", NULL),
                                 .memory_limit = option_number(in, "memory", 0)};
}

bool core_input_extract(const struct invocation *in, const char *path, struct extract_options extract_as,
                        int fd, struct error *err)
{
    struct core_options options = core_input_options(in);
    options.progress = say_unpacked;
    options.progress_context = (void *)path;
    struct process_image *image = core_open(path, &options, err);
    if (!image)
        return false;
    extract_as.fd = fd;
    extract_as.input = path;
    extract_as.pause_seconds = -1;
    extract_as.progress = core_input_say_stage;
    extract_as.progress_context = (void *)path;
    bool done = extract(image, &extract_as, err);
    process_image_free(image);
    if (!done && err && !*err->path)
        snprintf(err->path, sizeof err->path, "%s", path);
    return done;
}

int core_input_memory(struct error *err)
{
    int fd = memfd_create("heldby", MFD_CLOEXEC);
    if (fd < 0)
        error_system(err, "", errno, "cannot get memory for what is read from the core");
    return fd;
}

struct heap *core_input_open(const struct invocation *in, const char *path, struct error *err)
{
    int fd = core_input_memory(err);
    if (fd < 0)
        return NULL;
    /* What died, and of what, can be said of every core. */
    struct extract_options extract_as = {.value_bytes = CORE_VALUE_BYTES,
                                         .facts_alone = strcmp(in->command->name, "info") == 0};
    if (!core_input_extract(in, path, extract_as, fd, err)) {
        close(fd);
        return NULL;
    }
    return snapshot_open_fd(fd, path, err);
}
