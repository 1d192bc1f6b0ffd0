/* Native stacks by libdw: its rules, our modules and our memory. libdw never sees the core itself, so a
 * damaged one cannot confuse it; it reads the binaries on disk that were found to be the right ones. */
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/elf/elf_image.h"
#include "formats/elf/module_file.h"
#include "lib/base/demangle.h"
#include "lib/base/vector.h"

enum { MAX_FRAMES = 8192, DWARF_RSP = 7, DWARF_REGISTERS = 17 };
static const double most_seconds =
    2.0; /* for all threads; then frames are found without lines, then not at all */

struct reported { /* what libdw hands back with a module */
    struct elf_image *self;
    size_t module;
};

struct unwinder {
    struct elf_image *self;
    Dwfl *dwfl;
    struct reported *reported; /* [module_count] */
    bool attached;
    double spent;
    size_t thread;                       /* the one at work */
    uint64_t registers[IMAGE_REGISTERS]; /* its, perhaps one return further */
    struct timespec start;
    struct image_frame *frames;
    size_t count, capacity;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* The file is the one in use already, read where it is mapped. Nothing is looked for, least of all on the
 * network. */
static int give_elf(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, char **file,
                    Elf **elf)
{
    (void)module, (void)name, (void)base, (void)file;
    const struct reported *r = *data;
    const struct module_file *own = r->self->modules[r->module].file;
    *elf = elf_memory((char *)own->map, own->size);
    return -1;
}

static int debug_info(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, const char *file,
                      const char *link, GElf_Word checksum, char **found)
{
    (void)module, (void)name, (void)base, (void)file, (void)link, (void)checksum, (void)found;
    const struct reported *r = *data;
    const struct module_file *debug = image_debug_file(r->self, r->module);
    return debug != NULL ? module_file_descriptor(debug) : -1;
}

static const Dwfl_Callbacks callbacks = {.find_elf = give_elf, .find_debuginfo = debug_info};

static pid_t next_thread(Dwfl *dwfl, void *context, void **thread)
{
    (void)dwfl;
    if (*thread != NULL)
        return 0;
    *thread = context;
    return 1;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *context, void **thread)
{
    (void)dwfl, (void)tid;
    *thread = context;
    return true;
}

static bool read_word(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret, void *context)
{
    const struct unwinder *u = context;
    (void)dwfl;
    uint64_t word;
    if (!address_space_u64(&u->self->image->space, address, &word))
        return false;
    *ret = word;
    return true;
}

/* DWARF numbers the registers in its own order (System V ABI for AMD64, figure 3.36). */
static bool set_registers(Dwfl_Thread *thread, void *context)
{
    static const uint8_t order[DWARF_REGISTERS] = {
        REGISTER_RAX, REGISTER_RDX, REGISTER_RCX, REGISTER_RBX, REGISTER_RSI, REGISTER_RDI,
        REGISTER_RBP, REGISTER_RSP, REGISTER_R8,  REGISTER_R9,  REGISTER_R10, REGISTER_R11,
        REGISTER_R12, REGISTER_R13, REGISTER_R14, REGISTER_R15, REGISTER_RIP};
    const struct unwinder *u = context;
    Dwarf_Word registers[DWARF_REGISTERS];
    for (int i = 0; i < DWARF_REGISTERS; i++)
        registers[i] = u->registers[order[i]];
    return dwfl_thread_state_registers(thread, 0, DWARF_REGISTERS, registers);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {.next_thread = next_thread,
                                                       .get_thread = get_thread,
                                                       .memory_read = read_word,
                                                       .set_initial_registers = set_registers};

static bool report_modules(struct unwinder *u)
{
    struct elf_image *self = u->self;
    u->reported = calloc(self->module_count + 1, sizeof *u->reported);
    if (u->reported == NULL)
        return false;
    dwfl_report_begin(u->dwfl);
    for (size_t i = 0; i < self->module_count; i++) {
        const struct image_module *module = &self->image->modules[i];
        if (self->modules[i].file == NULL)
            continue;
        uint64_t start = module->start & ~UINT64_C(4095), end = (module->end + 4095) & ~UINT64_C(4095);
        Dwfl_Module *reported = dwfl_report_module(u->dwfl, module->name, start, end);
        void **data;
        u->reported[i] = (struct reported){self, i};
        if (reported != NULL && dwfl_module_info(reported, &data, NULL, NULL, NULL, NULL, NULL, NULL) != NULL)
            *data = &u->reported[i];
    }
    dwfl_report_end(u->dwfl, NULL, NULL);
    return true;
}

static struct unwinder *create(struct elf_image *self)
{
    struct unwinder *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->self = self;
    clock_gettime(CLOCK_MONOTONIC, &u->start);
    u->dwfl = dwfl_begin(&callbacks);
    if (u->dwfl != NULL && report_modules(u)) {
        u->attached = dwfl_attach_state(u->dwfl, NULL, 1, &thread_callbacks, u);
    }
    u->spent = seconds_since(&u->start);
    return u;
}

void unwinder_free(struct unwinder *u)
{
    if (u == NULL)
        return;
    if (u->dwfl != NULL)
        dwfl_end(u->dwfl);
    free(u->reported);
    free(u);
}

static const char *plain_name(struct elf_image *self, const char *name)
{
    char *plain = strncmp(name, "_Z", 2) == 0 ? demangle(name) : NULL;
    const char *kept = plain != NULL ? arena_text(&self->arena, plain, strlen(plain), NULL) : NULL;
    free(plain);
    return kept != NULL ? kept : name;
}

/* Nobody asks for a line of the C library, and its debug information takes longer to load than all the rest.
 */
static bool worth_a_line(const struct image_module *module)
{
    static const char *const libraries[] = {"libc.so", "libc-2.", "ld-linux", "libpthread", "ld-2."};
    for (size_t i = 0; module != NULL && i < sizeof libraries / sizeof *libraries; i++) {
        if (strncmp(module->name, libraries[i], strlen(libraries[i])) == 0)
            return false;
    }
    return module != NULL;
}

static void add_line(struct unwinder *u, uint64_t at, struct image_frame *f)
{
    Dwfl_Module *module = dwfl_addrmodule(u->dwfl, at);
    Dwfl_Line *line = module != NULL ? dwfl_module_getsrc(module, at) : NULL;
    int number = 0;
    const char *file = line != NULL ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
    if (file == NULL || number <= 0)
        return;
    f->file = arena_text(&u->self->arena, file, strlen(file), NULL);
    f->line = f->file != NULL ? (uint32_t)number : 0;
}

static bool add_frame(struct unwinder *u, uint64_t pc, uint64_t sp, bool activation)
{
    struct process_image *image = u->self->image;
    if (u->count >= MAX_FRAMES ||
        !vector_reserve((void **)&u->frames, &u->capacity, u->count + 1, sizeof *u->frames, NULL))
        return false;
    struct image_frame *f = &u->frames[u->count++];
    *f = (struct image_frame){.pc = pc, .sp = sp};
    uint64_t at = activation ? pc : pc - 1; /* a return address belongs to the call before it */
    const struct image_module *module = process_image_module(image, at);
    f->module = module != NULL ? module->name : NULL;
    struct image_symbol symbol;
    if (image->symbol_at(u->self, at, &symbol))
        f->function = plain_name(u->self, symbol.name);
    if (worth_a_line(module) && u->spent + seconds_since(&u->start) < most_seconds)
        add_line(u, at, f);
    return true;
}

static int take_frame(Dwfl_Frame *frame, void *context)
{
    struct unwinder *u = context;
    Dwarf_Addr pc;
    Dwarf_Word sp = 0;
    bool activation;
    if (!dwfl_frame_pc(frame, &pc, &activation) || dwfl_frame_reg(frame, DWARF_RSP, &sp) != 0 || pc == 0)
        return DWARF_CB_ABORT;
    if (u->count > 0 && sp <= u->frames[u->count - 1].sp && pc == u->frames[u->count - 1].pc)
        return DWARF_CB_ABORT; /* in circles */
    if (!add_frame(u, pc, sp, activation || u->count == 0) ||
        (u->count % 64 == 0 && u->spent + seconds_since(&u->start) > 2 * most_seconds))
        return DWARF_CB_ABORT;
    return DWARF_CB_OK;
}

/* Stopped where no code is: a call through a bad pointer. Its caller's address is on top of the stack. */
static void step_out_of_nowhere(struct unwinder *u)
{
    const struct process_image *image = u->self->image;
    uint64_t pc = u->registers[REGISTER_RIP], sp = u->registers[REGISTER_RSP], back;
    if (process_image_module(image, pc) != NULL || !address_space_u64(&image->space, sp, &back) ||
        process_image_module(image, back) == NULL)
        return;
    add_frame(u, pc, sp, true);
    u->registers[REGISTER_RIP] = back;
    u->registers[REGISTER_RSP] = sp + 8;
}

size_t image_unwind(void *context, size_t thread, struct image_frame **ret)
{
    struct elf_image *self = context;
    *ret = NULL;
    if (thread >= self->image->thread_count)
        return 0;
    if (self->unwinder == NULL && (self->unwinder = create(self)) == NULL)
        return 0;
    struct unwinder *u = self->unwinder;
    if (!u->attached || u->spent > 2 * most_seconds)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &u->start);
    u->thread = thread;
    u->frames = NULL;
    u->count = u->capacity = 0;
    memcpy(u->registers, self->image->threads[thread].registers, sizeof u->registers);
    step_out_of_nowhere(u);
    dwfl_getthread_frames(u->dwfl, 1, take_frame, u);
    u->spent += seconds_since(&u->start);
    *ret = u->frames;
    return u->count;
}
