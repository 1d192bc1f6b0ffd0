#include "formats/extract/stack_overflow.h"

#include <signal.h>

enum {
    BELOW = 64 << 10, /* a push, a call, the first use of a frame that is not taken yet */
    FAR = 64 << 20, /* a frame that is taken: the pointer is below the stack, and what is touched above it */
};

static bool is_present(const struct process_image *image, uint64_t address)
{
    const struct memory_region *r = address_space_region(&image->space, address);
    return r != NULL && r->present > 0;
}

bool is_stack_overflow(const struct process_image *image)
{
    if ((image->signal != SIGSEGV && image->signal != SIGBUS) || image->signal_code <= 0 ||
        image->signal_address == 0 || image->thread_count == 0)
        return false;
    uint64_t sp = image->threads[0].registers[REGISTER_RSP], at = image->signal_address;
    if (at < sp ? sp - at > BELOW : at - sp > FAR || is_present(image, sp))
        return false;
    if (is_present(image, at)) /* memory that may not be used so, as code on a stack */
        return false;
    /* What is next above both must be the stack that they have left. */
    uint64_t low = at < sp ? at : sp;
    for (size_t i = 0; i < image->space.region_count; i++) {
        const struct memory_region *r = &image->space.regions[i];
        if (r->end > at && r->present > 0)
            return r->access & MEMORY_WRITE && r->mapping == MEMORY_NO_MAPPING && r->start - low <= FAR;
    }
    return false;
}
