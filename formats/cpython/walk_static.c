/* Which addresses lie in the data of a loaded module (file mappings and the zeroed pages that follow them). */
#include "formats/cpython/walk.h"

#include <fcntl.h>
#include <unistd.h>

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

static void add(struct walk *w, uint32_t capacity, const char *line)
{
    const char *p = line;
    uint64_t start = hex(&p);
    if (*p++ != '-')
        return;
    uint64_t end = hex(&p);
    const char *name = strchr(line, '/');
    struct walk_static_range *last = w->static_count > 0 ? &w->statics[w->static_count - 1] : NULL;
    bool anonymous = name == NULL && strchr(line, '[') == NULL;
    if (last != NULL && last->end == start && (name != NULL || anonymous)) /* the next segment, or its .bss */
        last->end = end;
    else if (name != NULL && w->static_count < capacity)
        w->statics[w->static_count++] = (struct walk_static_range){start, end};
}

void walk_static_init(struct walk *w)
{
    enum { CAPACITY = 8192, BUFFER = 1 << 16 };
    w->statics = capture_alloc(&w->memory, CAPACITY * sizeof(w->statics[0]));
    char *buffer = capture_alloc(&w->memory, BUFFER);
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    while (fd >= 0 && w->statics != NULL && buffer != NULL) {
        ssize_t n = read(fd, buffer + used, BUFFER - 1 - used);
        if (n <= 0)
            break;
        used += (size_t)n;
        buffer[used] = '\0';
        char *line = buffer;
        for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            add(w, CAPACITY, line);
        }
        used -= (size_t)(line - buffer);
        memmove(buffer, line, used);
        if (used == BUFFER - 1)
            break;
    }
    if (fd >= 0)
        close(fd);
}

bool walk_static_lookup(struct walk *w, uint64_t address)
{
    uint32_t low = 0, high = w->static_count; /* the first range that ends after the address */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (w->statics[mid].end <= address)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < w->static_count && w->statics[low].start <= address)
        return true;
    w->gap_start[1] = w->gap_start[0];
    w->gap_end[1] = w->gap_end[0];
    w->gap_start[0] = low == 0 ? 0 : w->statics[low - 1].end;
    w->gap_end[0] = low == w->static_count ? UINT64_MAX : w->statics[low].start;
    return false;
}
