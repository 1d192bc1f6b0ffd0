#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/elf/live_parts.h"
#include "lib/base/vector.h"

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Shared memory without a file of its own is the process's; a shared file is not, and a device is not memory.
 */
static bool is_wanted(const struct live_mapping *m)
{
    static const char *const memory[] = {"/dev/zero", "/memfd:", "/SYSV", "/dev/shm/", "[anon_shmem:"};
    if (!(m->access & MEMORY_READ) || strcmp(m->path, "[vvar]") == 0 || starts(m->path, "[vvar_") ||
        strcmp(m->path, "[vsyscall]") == 0)
        return false;
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        if (starts(m->path, memory[i]))
            return true;
    }
    return !m->shared && !starts(m->path, "/dev/");
}

/* "start-end rwxp offset major:minor inode   path" */
static bool parse(char *line, struct live_mapping *m)
{
    char *at = line;
    m->start = strtoull(at, &at, 16);
    if (*at++ != '-')
        return false;
    m->end = strtoull(at, &at, 16);
    if (*at++ != ' ' || strlen(at) < 5)
        return false;
    m->access = (uint8_t)((at[0] == 'r' ? MEMORY_READ : 0) | (at[1] == 'w' ? MEMORY_WRITE : 0) |
                          (at[2] == 'x' ? MEMORY_EXECUTE : 0));
    m->shared = at[3] == 's';
    m->offset = strtoull(at + 4, &at, 16);
    m->device = strtoull(at, &at, 16) << 32;
    if (*at++ != ':')
        return false;
    m->device |= strtoull(at, &at, 16);
    m->inode = strtoull(at, &at, 10);
    while (*at == ' ')
        at++;
    m->path = at;
    m->wanted = is_wanted(m);
    return m->start < m->end && m->end <= UINT64_C(1) << 47;
}

bool live_maps_read(struct live_maps *maps, uint32_t pid, struct error *err)
{
    *maps = (struct live_maps){0};
    size_t capacity = 0;
    maps->text = live_read(pid, "maps", NULL);
    if (maps->text == NULL)
        return live_explain_refusal(pid, errno == ENOENT ? ESRCH : errno, err);
    for (char *line = maps->text, *next; *line != 0; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = 0;
        else
            next = line + strlen(line);
        if (!vector_reserve((void **)&maps->all, &capacity, maps->count + 1, sizeof *maps->all, err)) {
            live_maps_free(maps);
            return false;
        }
        struct live_mapping m = {0};
        if (parse(line, &m))
            maps->all[maps->count++] = m;
    }
    return true;
}

static bool same(const struct live_mapping *a, const struct live_mapping *b)
{
    return a->start == b->start && a->end == b->end && a->offset == b->offset && a->device == b->device &&
           a->inode == b->inode && a->access == b->access && a->shared == b->shared;
}

void live_maps_compare(const struct live_maps *before, struct live_maps *frozen)
{
    for (size_t i = 0, k = 0; i < frozen->count; i++) {
        while (k < before->count && before->all[k].start < frozen->all[i].start)
            k++;
        frozen->all[i].from_disk =
            k < before->count && before->all[k].from_disk && same(&before->all[k], &frozen->all[i]);
    }
}

void live_maps_free(struct live_maps *maps)
{
    free(maps->all);
    free(maps->text);
    *maps = (struct live_maps){0};
}
