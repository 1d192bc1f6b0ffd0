#include "formats/elf/module_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "formats/elf/elf_image.h"

/* Absolute symbolic links of a foreign root must not lead out of it (openat2, Linux 5.6). */
static int open_below(const char *root, const char *path)
{
    struct stat status; /* a core may name a device, which the mere opening does something to */
    if (root == NULL)
        return stat(path, &status) == 0 && S_ISREG(status.st_mode)
                   ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                   : -1;
    int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_IN_ROOT};
    long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (fd < 0) {
        while (*path == '/')
            path++;
        fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    close(folder);
    return (int)fd;
}

uint32_t image_build_id(const uint8_t *notes, uint64_t size, uint64_t align, uint8_t to[32])
{
    uint64_t at = 0;
    align = align == 8 ? 8 : 4;
    while (size >= 12 && at <= size - 12) {
        uint32_t head[3];
        memcpy(head, notes + at, sizeof head);
        uint64_t body = (at + 12 + head[0] + align - 1) & ~(align - 1);
        if (body > size || head[1] > size - body)
            return 0;
        if (head[2] == NT_GNU_BUILD_ID && head[0] == 4 && memcmp(notes + at + 12, "GNU", 4) == 0 &&
            head[1] > 0 && head[1] <= 32) {
            memcpy(to, notes + body, head[1]);
            return head[1];
        }
        at = (body + head[1] + align - 1) & ~(align - 1);
    }
    return 0;
}

static void find_build_id(struct module_file *file)
{
    for (size_t i = 0; i < file->header_count && file->build_id_size == 0; i++) {
        const Elf64_Phdr *h = &file->headers[i];
        if (h->p_type == PT_NOTE && h->p_offset <= file->size && h->p_filesz <= file->size - h->p_offset)
            file->build_id_size =
                image_build_id(file->map + h->p_offset, h->p_filesz, h->p_align, file->build_id);
    }
}

static bool read_headers(struct module_file *file)
{
    Elf64_Ehdr e;
    if (file->size < sizeof e)
        return false;
    memcpy(&e, file->map, sizeof e);
    if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 ||
        e.e_ident[EI_DATA] != ELFDATA2LSB || e.e_machine != EM_X86_64 ||
        (e.e_type != ET_EXEC && e.e_type != ET_DYN) || e.e_phentsize != sizeof(Elf64_Phdr) ||
        e.e_shoff % 8 != 0) /* libelf reads the headers where they are */
        return false;
    size_t count = e.e_phnum < MAX_HEADERS ? e.e_phnum : MAX_HEADERS;
    if (e.e_phoff > file->size || count > (file->size - e.e_phoff) / sizeof(Elf64_Phdr))
        return false;
    file->headers = malloc((count + 1) * sizeof *file->headers);
    if (file->headers == NULL)
        return false;
    memcpy(file->headers, file->map + e.e_phoff, count * sizeof *file->headers);
    file->header_count = count;
    file->type = e.e_type;
    find_build_id(file);
    return true;
}

static bool map_file(struct module_file *file, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
        return false;
    void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return false;
    file->map = map;
    file->size = (uint64_t)status.st_size;
    elf_version(EV_CURRENT);
    return read_headers(file) && (file->elf = elf_memory(map, file->size)) != NULL;
}

struct module_file *module_file_open(const char *root, const char *path)
{
    int fd = open_below(root, path);
    if (fd < 0)
        return NULL;
    struct module_file *file = calloc(1, sizeof *file);
    if (file != NULL && asprintf(&file->path, "%s%s%s", root != NULL ? root : "",
                                 root != NULL && path[0] != '/' ? "/" : "", path) < 0)
        file->path = NULL;
    bool done = file != NULL && file->path != NULL && map_file(file, fd);
    if (done && root != NULL)
        done = (file->root = strdup(root)) != NULL;
    close(fd);
    if (!done) {
        module_file_close(file);
        return NULL;
    }
    file->inside = file->path + strlen(file->path) - strlen(path);
    return file;
}

int module_file_descriptor(const struct module_file *file)
{
    return open_below(file->root, file->inside);
}

void module_file_close(struct module_file *file)
{
    if (file == NULL)
        return;
    if (file->elf != NULL)
        elf_end(file->elf);
    if (file->map != NULL)
        munmap((void *)file->map, file->size);
    free(file->headers);
    free(file->root);
    free(file->path);
    free(file);
}

bool module_file_section(const struct module_file *file, const char *name, Elf64_Shdr *ret)
{
    size_t names;
    if (elf_getshdrstrndx(file->elf, &names) != 0)
        return false;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(file->elf, s)) != NULL;) {
        Elf64_Shdr *h = elf64_getshdr(s);
        const char *found = h != NULL ? elf_strptr(file->elf, names, h->sh_name) : NULL;
        if (found != NULL && strcmp(found, name) == 0) {
            *ret = *h;
            return true;
        }
    }
    return false;
}
