/* process_image.h -- a dead or frozen process as its walkers see it: memory, threads, mappings, modules.
 *
 * Filled by formats/elf (cores; live processes), read by formats/glibc, formats/cpython and formats/extract,
 * which know nothing of ELF. Everything is owned by the image and lives until process_image_free. x86-64
 * only.
 */
#ifndef HELDBY_PROCESS_IMAGE_H
#define HELDBY_PROCESS_IMAGE_H

#include "formats/memory/address_space.h"

/* In the order of struct user_regs_struct (sys/user.h), which NT_PRSTATUS and PTRACE_GETREGS share. */
enum image_register {
    REGISTER_R15,
    REGISTER_R14,
    REGISTER_R13,
    REGISTER_R12,
    REGISTER_RBP,
    REGISTER_RBX,
    REGISTER_R11,
    REGISTER_R10,
    REGISTER_R9,
    REGISTER_R8,
    REGISTER_RAX,
    REGISTER_RCX,
    REGISTER_RDX,
    REGISTER_RSI,
    REGISTER_RDI,
    REGISTER_ORIG_RAX,
    REGISTER_RIP,
    REGISTER_CS,
    REGISTER_EFLAGS,
    REGISTER_RSP,
    REGISTER_SS,
    REGISTER_FS_BASE,
    REGISTER_GS_BASE,
    REGISTER_DS,
    REGISTER_ES,
    REGISTER_FS,
    REGISTER_GS,
    IMAGE_REGISTERS
};

struct image_thread {
    uint32_t tid;
    uint64_t registers[IMAGE_REGISTERS];
    int signal;       /* the one it stopped with, 0 none */
    const char *name; /* comm, or NULL: a core has it for the process only */
};

struct image_mapping {           /* a mapped file, from NT_FILE or /proc/PID/maps */
    uint64_t start, end, offset; /* end exclusive; offset in the file, bytes */
    const char *path;
};

enum build_id_verdict {
    BUILD_ID_MATCH,    /* the file on disk is the one that ran */
    BUILD_ID_MISMATCH, /* it is another one: neither bytes nor symbols of it are used */
    BUILD_ID_UNKNOWN,  /* memory does not tell: used, with a warning */
    BUILD_ID_NO_FILE,  /* there is no file on disk to look at */
};

struct image_range {
    uint64_t start, end;
};

struct image_module {          /* the executable or a shared library */
    const char *path;          /* in the process */
    const char *name;          /* its last part */
    const char *file;          /* the file on disk that is used for it, or NULL */
    uint64_t start, end, bias; /* extent of its segments in memory; address = bias + address in the file */
    uint8_t build_id[32];
    uint32_t build_id_size; /* as in the process's memory; 0: not known */
    enum build_id_verdict verdict;
    bool executable;
    const struct image_range *data; /* writable segments in memory, .bss included */
    uint32_t data_count;
    uint64_t tls_size, tls_align,
        tls_image;     /* PT_TLS: bytes, alignment, address of the initial content; 0: none */
    uint64_t link_map; /* address of the loader's record of it, 0: not known */
};

/* A symbol, of whichever table there is (.symtab, .dynsym, separate debug file). */
struct image_symbol {
    const struct image_module *module;
    const char *name;       /* as in the table (mangled); lives as long as the image */
    uint64_t address, size; /* in memory */
    bool tls;               /* address is an offset in the module's TLS block */
};

struct image_frame {      /* of a native stack, innermost first */
    uint64_t pc, sp;      /* sp: of the caller's side begins where the next frame's sp is */
    const char *function; /* demangled, or NULL */
    const char *module;   /* its name, or NULL */
    const char *file;     /* source, or NULL */
    uint32_t line;        /* 0: not known */
};

struct image_counts { /* what is there and what is not, bytes */
    uint64_t file_size, dumped, filled, absent,
        cut;          /* cut: promised by the headers, behind the end of the file */
    uint64_t refused; /* not filled: the file on disk is another one */
};

struct process_image {
    struct address_space space;
    struct image_thread *threads; /* the one that crashed first */
    size_t thread_count;
    struct image_mapping *mappings; /* by address */
    size_t mapping_count;
    struct image_module *modules; /* by address */
    size_t module_count;
    struct image_counts counts;
    bool live;         /* copied from a running process */
    bool has_notes;    /* registers and the rest could be read */
    bool has_mappings; /* NT_FILE was there */
    uint32_t pid, ppid, uid;
    int signal, signal_code;          /* 0: none known (gcore) */
    uint64_t signal_address;          /* of SIGSEGV and the like, else 0 */
    const char *executable, *command; /* command: psargs, at most 80 bytes in a core; NULL: not known */
    uint64_t auxv[64];                /* by AT_ number; 0: not given */
    char **warnings;                  /* one line each */
    size_t warning_count;

    /* Services of formats/elf; each may be NULL (tests build images by hand). */
    void *self;
    /* A symbol by its name in a module, or in any (module NULL). False: none. */
    bool (*symbol)(void *self, const struct image_module *module, const char *name, struct image_symbol *ret);
    /* The symbol that holds an address (or begins before it, with size 0). */
    bool (*symbol_at)(void *self, uint64_t address, struct image_symbol *ret);
    /* The symbol that holds an offset in a module's TLS block. */
    bool (*tls_symbol_at)(void *self, const struct image_module *module, uint64_t offset,
                          struct image_symbol *ret);
    /* A section of a module's file by name, as addresses in memory (".PyRuntime", ".bss"). */
    bool (*section)(void *self, const struct image_module *module, const char *name, struct image_range *ret);
    /* What the writable data of a module began as, by its file, relocated: *ret says of which addresses. The
     * caller frees it; NULL: no file. */
    uint8_t *(*initial)(void *self, const struct image_module *module, struct image_range *ret);
    /* The frames of a thread; *ret is freed by the caller; 0: could not be unwound. */
    size_t (*unwind)(void *self, size_t thread, struct image_frame **ret);
    void (*close)(void *self);
};

void process_image_free(struct process_image *image); /* NULL is fine */
const struct image_module *process_image_module(const struct process_image *image,
                                                uint64_t address); /* or NULL */
bool process_image_warning(struct process_image *image, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
