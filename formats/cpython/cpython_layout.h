/* cpython_layout.h -- where CPython keeps things, per minor version, as data.
 *
 * All values are byte offsets from the start of the structure named, for regular (GIL, not debug) builds on
 * x86-64 Linux, read from the headers of CPython 3.8.18, 3.9.18, 3.10.13, 3.11.7, 3.12.1 and 3.13.0
 * (Include/, Include/internal/) and checked against running interpreters. NONE marks what a version does not
 * have. Fields that are the same in all of them are constants below.
 */
#ifndef HELDBY_CPYTHON_LAYOUT_H
#define HELDBY_CPYTHON_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#define NONE UINT32_MAX

struct cpython_layout {
    uint32_t minor; /* 8 for 3.8 */

    /* _PyRuntime */
    uint32_t interpreters_head, interpreters_main,
        interpreter_size; /* size: 3.14+, from the runtime itself; else 0 */
    uint32_t runtime_gc;  /* 3.8 only; later versions have it per interpreter */

    /* PyInterpreterState */
    uint32_t interp_next, interp_id, threads_head, gc, modules, importlib, sysdict, builtins, interp_dict;
    uint32_t codec_search_path; /* cache +8, error registry +16 */
    uint32_t before_forkers;    /* after_forkers_parent +8, _child +16 */
    uint32_t gc_permanent, gc_collecting,
        gc_garbage; /* in the collector's state; callbacks 8 behind garbage */
    uint32_t static_types, static_entry, static_dict,
        static_subclasses; /* state of builtin static types, 3.12+ */

    /* PyThreadState */
    uint32_t thread_id, native_id, frame; /* frame: PyFrameObject*, _PyCFrame* or _PyInterpreterFrame* */
    uint32_t cframe_current;              /* in _PyCFrame (3.11, 3.12), else NONE */
    uint32_t datastack_chunk;             /* 3.11+, top +8, limit +16; 0: it has none */
    uint32_t thread_dict, exc_info, exc_value, exc_previous;
    uint32_t context, async_exc, current_exception, current_exception_count, profile, asyncgen_firstiter;

    /* Generators, coroutines, async generators */
    uint32_t gen_frame; /* pointer (<= 3.10) or the frame itself (3.11+) */
    uint32_t gen_code, gen_name, gen_qualname, gen_exc_value, gen_state, gen_origin;

    /* Code */
    uint32_t code_name, code_qualname, code_filename, code_firstlineno, code_consts, code_names,
        code_stacksize, code_linetable;
    uint32_t code_nlocals, code_code; /* code: bytes object (<= 3.10) or the first instruction (3.11+) */
    uint32_t code_nlocalsplus;        /* 3.11+ */
    uint32_t code_varnames, code_freevars, code_cellvars;                     /* <= 3.10 */
    uint32_t code_localsplusnames, code_localspluskinds, code_exceptiontable; /* 3.11+ */

    /* Types */
    uint32_t type_size, heap_type_size, ht_name, ht_slots, ht_qualname, ht_cached_keys, ht_module;

    uint32_t tuple_items; /* 3.14 puts a hash before them */

    /* Strings: sizes of the three headers */
    uint32_t str_ascii, str_compact, str_full;

    /* Frames: the object up to 3.10, _PyInterpreterFrame after */
    uint32_t frame_back, frame_code, frame_func, frame_globals, frame_builtins, frame_locals, frame_object,
        frame_instr;
    uint32_t frame_stacktop, frame_owner, frame_localsplus;
    uint32_t frame_value_stack, frame_trace; /* of the object, <= 3.10 */
};

/* The same in all versions covered. */
enum {
    GC_GENERATIONS = 24,
    GC_GENERATION_SIZE = 24,
    GC_GENERATION0 = 96 /* up to 3.13 */,
    TSTATE_PREV = 0,
    TSTATE_NEXT = 8,
    TSTATE_INTERP = 16,
    STACK_CHUNK_SIZE = 8, /* _PyStackChunk, 3.11+ (Include/cpython/pystate.h): previous 0 */
    STACK_CHUNK_TOP = 16, /* words in use of the data; set once there is a newer chunk */
    STACK_CHUNK_DATA = 24,

    OB_REFCNT = 0,
    OB_TYPE = 8,
    OB_SIZE = 16,
    TP_NAME = 24,
    TP_BASICSIZE = 32,
    TP_ITEMSIZE = 40,
    TP_FLAGS = 168,
    TP_TRAVERSE = 184,
    TP_WEAKLISTOFFSET = 208,
    TP_MEMBERS = 240,
    TP_BASE = 256,
    TP_DICT = 264,
    TP_DICTOFFSET = 288,
    TP_BASES = 336,
    TP_MRO = 344,
    TP_CACHE = 352,
    TP_SUBCLASSES = 360,
    TP_DEL = 376,
    TP_FINALIZE = 392,
    MEMBER_SIZE = 40,
    MEMBER_TYPE = 8,
    MEMBER_OFFSET = 16,
    MEMBER_OBJECT = 6,
    MEMBER_OBJECT_EX = 16,

    DICT_USED = 16,
    DICT_KEYS = 32,
    DICT_VALUES = 40,
    LIST_ITEMS = 24,
    LIST_ALLOCATED = 32,
    SET_FILL = 16,
    SET_USED = 24,
    SET_MASK = 32,
    SET_TABLE = 40,
    SET_SMALL = 64,
    SET_SIZE = 200,
    DEQUE_LEFT = 24,
    DEQUE_RIGHT = 32,
    DEQUE_LEFT_INDEX = 40,
    DEQUE_RIGHT_INDEX = 48,
    DEQUE_BLOCK = 64,
    STR_LENGTH = 16,
    STR_STATE = 32,
    BYTES_DATA = 32,
    BYTEARRAY_ALLOCATED = 24,
    MODULE_DICT = 16,
    WEAKREF_OBJECT = 16,
    FRAMEOBJECT_BACK = 16,
    FRAMEOBJECT_FRAME = 24,
    FRAMEOBJECT_TRACE = 32,
    CACHED_HASH = 24,
};

/* tp_flags */
#define TPFLAG_STATIC_BUILTIN  (1ul << 1) /* 3.12+ */
#define TPFLAG_INLINE_VALUES   (1ul << 2) /* 3.13+ */
#define TPFLAG_MANAGED_WEAKREF (1ul << 3) /* 3.12+ */
#define TPFLAG_MANAGED_DICT    (1ul << 4) /* 3.11+ */
#define TPFLAG_HEAPTYPE        (1ul << 9)
#define TPFLAG_READY           (1ul << 12)
#define TPFLAG_HAVE_GC         (1ul << 14)
#define TPFLAG_LONG            (1ul << 24)
#define TPFLAG_LIST            (1ul << 25)
#define TPFLAG_TUPLE           (1ul << 26)
#define TPFLAG_BYTES           (1ul << 27)
#define TPFLAG_UNICODE         (1ul << 28)
#define TPFLAG_DICT            (1ul << 29)
#define TPFLAG_EXCEPTION       (1ul << 30)
#define TPFLAG_TYPE            (1ul << 31)

/* The layout of 3.`minor`, or NULL. */
const struct cpython_layout *cpython_layout_find(uint32_t minor);

/* Fields of builtin C types that tp_members does not name (Objects and Modules of each version). */
struct cpython_field {
    const char *type;    /* tp_name */
    uint8_t first, last; /* minor versions, inclusive */
    uint16_t offset;
    uint8_t kind; /* enum reference_kind */
    const char *name;
};
extern const struct cpython_field cpython_fields[];
extern const unsigned cpython_field_count;

#endif
