/* What the memory map says: which addresses lie in a loaded module (from its first page to the end of its
 * .bss, as its own headers say), and where the program's own memory is. */
#include "formats/cpython/walk.h"

#include <fcntl.h>
#include <unistd.h>

enum { CAPACITY = 8192 }; /* ranges of each kind; further ones are not known */

static uint64_t hex(const char **p)
{
    uint64_t v = 0;
    for (;; (*p)++) {
        char c = **p;
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return v;
    }
}

/* The extent in memory of an ELF file whose first bytes are mapped at `start`: up to the end of its last
 * segment, .bss included. */
static uint64_t elf_end(uint64_t start)
{
    enum { PHOFF = 32, PHENTSIZE = 54, PHNUM = 56, PT_LOAD = 1, P_VADDR = 16, P_MEMSZ = 40, PAGE = 4096 };
    uint64_t table = start + mem_u64(start + PHOFF), size = mem_u16(start + PHENTSIZE),
             count = mem_u16(start + PHNUM), first = 0, last = 0;
    bool any = false;
    for (uint64_t i = 0; i < count && mem_u64(start + PHOFF) + (i + 1) * size <= PAGE; i++) {
        uint64_t h = table + i * size, vaddr = mem_u64(h + P_VADDR), end = vaddr + mem_u64(h + P_MEMSZ);
        if (mem_u32(h) != PT_LOAD)
            continue;
        first = any && first < vaddr ? first : vaddr;
        last = last > end ? last : end;
        any = true;
    }
    const uint64_t in_page = PAGE - 1;
    return any ? start + ((last - (first & ~in_page) + in_page) & ~in_page) : 0;
}

static void add_area(struct walk *w, uint64_t start, uint64_t end)
{
    struct walk_range *last = w->area_count > 0 ? &w->areas[w->area_count - 1] : NULL;
    if (last != NULL && last->end == start)
        last->end = end;
    else if (w->area_count < CAPACITY)
        w->areas[w->area_count++] = (struct walk_range){start, end};
}

/* One line of /proc/self/maps: "start-end perms offset device inode path". */
static void add(struct walk *w, const char *line)
{
    const char *p = line;
    uint64_t start = hex(&p);
    if (*p++ != '-')
        return;
    uint64_t stop = hex(&p);
    if (strncmp(p, " rw-p ", 6) == 0 && strchr(line, '/') == NULL)
        add_area(w, start, stop);
    if (p[0] != ' ' || p[1] != 'r' || strchr(line, '/') == NULL || w->static_count == CAPACITY)
        return;
    p += 6;
    uint64_t offset = hex(&p);
    struct walk_range *last = w->static_count > 0 ? &w->statics[w->static_count - 1] : NULL;
    if (offset != 0 || (last != NULL && start < last->end) || mem_u32(start) != 0x464c457f) /* "\x7fELF" */
        return;
    uint64_t end = elf_end(start);
    if (end > start)
        w->statics[w->static_count++] = (struct walk_range){start, end};
}

void walk_static_init(struct walk *w)
{
    enum { BUFFER = 1 << 16 };
    w->statics = capture_alloc(&w->memory, CAPACITY * sizeof(w->statics[0]));
    w->areas = capture_alloc(&w->memory, CAPACITY * sizeof(w->areas[0]));
    char *buffer = capture_alloc(&w->memory, BUFFER);
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    while (fd >= 0 && w->statics != NULL && w->areas != NULL && buffer != NULL) {
        ssize_t n = read(fd, buffer + used, BUFFER - 1 - used);
        if (n <= 0)
            break;
        used += (size_t)n;
        buffer[used] = '\0';
        char *line = buffer;
        for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            add(w, line);
        }
        used -= (size_t)(line - buffer);
        memmove(buffer, line, used);
        if (used == BUFFER - 1)
            break;
    }
    if (fd >= 0)
        close(fd);
}
