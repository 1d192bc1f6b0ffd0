#include "formats/elf/live.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <time.h>

#include "formats/elf/live_parts.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The process waits for us while others want the CPU. Needs a privilege; without it the pause is as it is. */
static int hurry(void)
{
    errno = 0;
    int before = getpriority(PRIO_PROCESS, 0);
    return errno == 0 && setpriority(PRIO_PROCESS, 0, -20) == 0 ? before : INT_MIN;
}

static void calm_down(int before)
{
    if (before != INT_MIN)
        setpriority(PRIO_PROCESS, 0, before);
}

/* While the process stands still. */
static bool copy_frozen(struct elf_image *self, struct live_copy *copy, const struct live_threads *threads,
                        const struct live_maps *before, struct live_maps *frozen, struct live_result *ret,
                        struct error *err)
{
    uint32_t alive = threads->pid;
    for (size_t i = 0; i < threads->count; i++) {
        if (threads->all[i].stopped) {
            alive =
                threads->all[i].tid; /* the main thread may have ended: then only another's maps are full */
            break;
        }
    }
    if (!live_read_threads(self, threads, err) || !live_maps_read(frozen, alive, err))
        return false;
    live_maps_compare(before, frozen);
    return live_copy_run(copy, alive, frozen, ret, err);
}

struct process_image *live_open(uint32_t pid, const struct core_options *options, struct live_result *ret,
                                struct error *err)
{
    static const struct core_options none;
    struct elf_image *self;
    struct live_maps before = {0}, frozen = {0};
    struct live_threads threads = {0};
    struct live_copy *copy = NULL;
    options = options != NULL ? options : &none;
    *ret = (struct live_result){0};
    struct process_image *image = elf_image_create(options, &self, err);
    if (image == NULL)
        return NULL;
    bool done = live_check_process(pid, err) && live_read_facts(self, pid, err) &&
                live_maps_read(&before, live_thread_with_memory(pid), err) &&
                (copy = live_copy_prepare(&before, live_thread_with_memory(pid), self->sysroot,
                                          options->memory_limit, err)) != NULL;
    if (done) {
        int priority = hurry();
        double start = now();
        done = live_freeze(&threads, pid, err);
        ret->threads = (uint32_t)threads.count;
        done = done && copy_frozen(self, copy, &threads, &before, &frozen, ret, err);
        live_thaw(&threads);
        ret->pause_seconds = now() - start;
        calm_down(priority);
    }
    done = done && live_copy_give(copy, &frozen, self, err) && elf_image_complete(self, err);
    live_copy_free(copy);
    live_maps_free(&before);
    live_maps_free(&frozen);
    if (done)
        return image;
    process_image_free(image);
    return NULL;
}
