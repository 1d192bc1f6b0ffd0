/* cpython.h -- recognising a CPython in this process, and walking its heap into a snapshot.
 *
 * Two steps. cpython_runtime_find runs in the program itself, once, when the hook arms: it looks symbols up
 * (it may take the dynamic linker's lock, never malloc of Python's). cpython_capture runs in the forked child
 * (or, as the last resort, in the program's own helper thread with the GIL held): it reads memory, calls
 * tp_traverse of the types it does not know exactly, and writes; it calls nothing else of the program and
 * uses only memory it maps itself and unmaps at the end.
 */
#ifndef HELDBY_CPYTHON_H
#define HELDBY_CPYTHON_H

#include "formats/snapshot/snapshot_writer.h"

struct cpython_layout; /* per-version offsets, cpython_layout.h */

enum cpython_verdict {
    CPYTHON_FOUND = 0,
    CPYTHON_ABSENT,        /* no Py_GetVersion in the process */
    CPYTHON_TOO_OLD,       /* before 3.8 */
    CPYTHON_UNKNOWN,       /* a version without a layout here */
    CPYTHON_FREE_THREADED, /* refused */
    CPYTHON_DEBUG_BUILD,   /* refused */
    CPYTHON_MISMATCH,      /* the structures are not where this version has them */
};

struct cpython_runtime {
    const struct cpython_layout *layout;
    uint64_t runtime;  /* address of _PyRuntime */
    char version[128]; /* Py_GetVersion() */
    uint32_t hex;      /* 0x030b02f0 */
    char problem[160]; /* one line when the verdict is not CPYTHON_FOUND */
    uint64_t type_type, list_type, dict_type, tuple_type, set_type, frozenset_type, str_type,
        none; /* addresses of the objects */
};

/* Fills *ret. Needs no initialised interpreter for the version checks; structural checks are made by
 * cpython_capture. */
enum cpython_verdict cpython_runtime_find(struct cpython_runtime *ret);

/* What the parent and the child share: one MAP_SHARED page, written by the side named. */
struct capture_shared {
    volatile uint64_t pause_ns;    /* parent, right after the fork */
    volatile uint64_t objects;     /* child: progress */
    volatile int32_t error_errno;  /* child: errno of the failed step, 0 if none */
    volatile int32_t error_signal; /* child: signal of a fault outside an object visit */
    char error_text[160];          /* child: one line */
};

struct capture_fact { /* a fact about the process that the hook gathered before the fork */
    const char *key;
    enum { CAPTURE_U64, CAPTURE_F64, CAPTURE_TEXT, CAPTURE_LIST } type;
    uint64_t u64;
    double f64;
    const char *text; /* LIST: NUL-ended texts */
    size_t length;
};

/* A call of one of the hook's own functions that is under way in some thread. What the caller passed still
 * lies on its expression stack; it is no part of the program's heap. */
struct capture_call {
    uint64_t thread;    /* the PyThreadState that called */
    uint64_t arguments; /* the tuple that was passed */
    uint64_t keywords;  /* the dict that was passed, or 0 */
};

struct capture_request {
    const struct cpython_runtime *runtime;
    int fd;                           /* open, empty, ours; stays open */
    const struct snapshot_zstd *zstd; /* or NULL */
    struct capture_shared *shared;
    const struct capture_fact *facts;
    size_t fact_count;
    uint32_t value_bytes;        /* bound of a preview; 0 = --no-values */
    uint64_t skip_native_thread; /* native id of the helper thread that holds the GIL for us: its thread state
                                    is not of the program; 0 none */
    uint64_t skip_ident;         /* its pthread_self() */
    /* Addresses of objects that belong to the hook, for ever (excluded) or for the calls under way (passed;
     * 0: none). They and the references to and from them are left out, also from the refcounts of what they
     * hold (but not when in_process), and so are frames whose globals are among them. */
    const uint64_t *excluded, *passed;
    size_t excluded_count, passed_count;
    uint64_t answers; /* a list of weak references, which are left out with what they refer to; 0: none */
    const uint64_t *functions; /* those of `excluded` that the program can call: on an expression stack, what
                                  lies above is what they were called with */
    size_t function_count;
    const struct capture_call *calls;
    size_t call_count;
    bool in_process; /* run inside the program: install the fault guard for this thread only, restore it after
                      */
    const char *mode;       /* how the memory was come by, for a fact; NULL: fork, or in_process */
    bool synchronised;      /* the GIL is held */
    uint64_t walk_limit_ns; /* give up (error) after this; 0 = never */
};

/* Walks and writes. Returns 0, or an errno-like code with shared->error_text filled. Unmaps all it mapped. */
int cpython_capture(const struct capture_request *request);

/* True while the collector of the (main) interpreter is running: lists are in collector-local places. GIL
 * held or not. */
bool cpython_gc_running(const struct cpython_runtime *runtime);

/* False once the last thread that ran Python in the main interpreter has ended. GIL held or not. */
bool cpython_has_threads(const struct cpython_runtime *runtime);
/* True once the main interpreter is far enough in its start that Py_AddPendingCall may be called: its lock is
 * made before sys.modules is (3.8; later versions make it with the interpreter). */
bool cpython_takes_calls(const struct cpython_runtime *runtime);

/* What the hook calls of the program's Python, looked up once. */
struct cpython_api {
    int (*is_initialized)(void); /* Py_IsInitialized */
    int (*gil_ensure)(void);     /* PyGILState_Ensure */
    void (*gil_release)(int);    /* PyGILState_Release */
    bool complete;
};
void cpython_api_find(struct cpython_api *ret);

#endif
